/*
 * The wide-column calls as bodies, the server's directions only: requests are decoded, responses
 * encoded. messages.h leads here.
 *
 * What otslocal has no part for is refused here, so that it is never silently left out: filters
 * and column conditions, ranges of columns, transactions, indexes, auto-increment keys, streams.
 *
 * Source: java core/protocol/ots_internal_api.proto, core/protocol/OTSProtocolBuilder; go and
 * python likewise.
 */
#ifndef OTS_WIRE_WIDE_H
#define OTS_WIRE_WIDE_H

#include "backend/model/call.h"

/* Whether the action is one of a wide-column table. */
bool ots_wide_is_action(enum ots_action action);

/* As ots_request_decode. */
enum ots_status ots_wide_request_decode(struct ots_slice body, struct ots_call *call,
                                        struct ots_error *err) OTS_MUST_CHECK;

/* As ots_response_encode; messages are built in `arena`. Errors: OTS_NOMEM. */
enum ots_status ots_wide_response_encode(const struct ots_call *call, struct ots_arena *arena,
                                         struct ots_buf *body) OTS_MUST_CHECK;

/* A table's description by itself, for keeping it; a lack of memory shows in the buffer's status.
 */
void ots_wide_meta_append(struct ots_buf *buf, const struct ots_wide_meta *meta);
/* Copies into `arena`. Errors: OTS_CORRUPT, OTS_INVALID (an auto-increment key), OTS_NOMEM. */
enum ots_status ots_wide_meta_decode(struct ots_slice bytes, struct ots_arena *arena,
                                     struct ots_wide_meta *meta,
                                     struct ots_error *err) OTS_MUST_CHECK;

#endif
