/*
 * The bodies of the stream actions; messages_request.c and messages_response.c hand them over.
 * What they take, give and refuse is what messages.h says; the arena is for what is made on the
 * way.
 */
#ifndef OTS_WIRE_MESSAGES_STREAM_H
#define OTS_WIRE_MESSAGES_STREAM_H

#include "backend/model/call.h"

enum ots_status ots_stream_request_encode(const struct ots_call *call,
                                          struct ots_buf *body) OTS_MUST_CHECK;
enum ots_status ots_stream_request_decode(struct ots_slice body, struct ots_call *call,
                                          struct ots_error *err) OTS_MUST_CHECK;

enum ots_status ots_stream_response_encode(const struct ots_call *call,
                                           const struct ots_table_meta *meta,
                                           struct ots_arena *arena,
                                           struct ots_buf *body) OTS_MUST_CHECK;
enum ots_status ots_stream_response_decode(struct ots_slice body, struct ots_call *call,
                                           struct ots_error *err) OTS_MUST_CHECK;

#endif
