/*
 * Calls as bodies of requests and responses: proto2 messages by protobuf-c, rows by flatrows and
 * tsrows.
 *
 * Of the wide-column calls only requests are decoded and responses encoded, as the server does;
 * the other two directions answer OTS_UNSUPPORTED.
 *
 * Source: java core/protocol/timeseries/timeseries.proto, TimeseriesProtocolBuilder,
 * TimeseriesResponseFactory; go and python likewise.
 */
#ifndef OTS_WIRE_MESSAGES_H
#define OTS_WIRE_MESSAGES_H

#include "backend/model/call.h"
#include "backend/wire/flatrows.h"

/* Append the request's body: supported_table_version 1, tag_list, FlatBuffers rows with CRC. */
enum ots_status ots_request_encode(const struct ots_call *call, enum ots_put_layout layout,
                                   struct ots_buf *body, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Decode a request's body into call->request; call->action says which. Memory is call->arena;
 * slices may borrow from `body`.
 * Errors: OTS_CORRUPT (not the message, wrong CRC), OTS_INVALID (a value the message allows but
 * the action does not: unknown row serialisation, an enum's unknown number), OTS_NOMEM.
 */
enum ots_status ots_request_decode(struct ots_slice body, struct ots_call *call,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* Append the response's body. `meta` tells a page's identifier columns; NULL: as the page's own
 * `meta` does. */
enum ots_status ots_response_encode(const struct ots_call *call, const struct ots_table_meta *meta,
                                    struct ots_buf *body, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Decode a response's body into call->response. Memory is call->arena, slices never borrow from
 * `body`. Errors: OTS_CORRUPT, OTS_NOMEM.
 */
enum ots_status ots_response_decode(struct ots_slice body, struct ots_call *call,
                                    struct ots_error *err) OTS_MUST_CHECK;

/*
 * The same without copying a page: its rows borrow from `body`, whose memory becomes the arena's;
 * `body` is then empty.
 */
enum ots_status ots_response_take(struct ots_buf *body, struct ots_call *call,
                                  struct ots_error *err) OTS_MUST_CHECK;

#endif
