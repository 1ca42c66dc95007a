/*
 * The bodies of calls that change a table's options or timelines' metadata; a part of messages.h,
 * for messages_request.c and messages_response.c only.
 */
#ifndef OTS_WIRE_MESSAGES_CHANGE_H
#define OTS_WIRE_MESSAGES_CHANGE_H

#include "backend/model/call.h"
#include "backend/wire/convert.h"

/* Append a request's body; messages are built in `arena`. Errors: OTS_NOMEM. */
enum ots_status ots_encode_update_table(const struct ots_call *call, struct ots_arena *arena,
                                        struct ots_buf *body) OTS_MUST_CHECK;
enum ots_status ots_encode_update_meta(const struct ots_call *call, struct ots_arena *arena,
                                       struct ots_buf *body) OTS_MUST_CHECK;
enum ots_status ots_encode_delete_meta(const struct ots_call *call, struct ots_arena *arena,
                                       struct ots_buf *body) OTS_MUST_CHECK;

/* Decode a request's body. Errors: as ots_request_decode. */
enum ots_status ots_decode_update_table(struct ots_slice body, struct ots_call *call,
                                        struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_decode_update_meta(struct ots_slice body, struct ots_call *call,
                                       struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_decode_delete_meta(struct ots_slice body, struct ots_call *call,
                                       struct ots_error *err) OTS_MUST_CHECK;

/* The body of both answers to changes of metadata. */
enum ots_status ots_encode_change_meta(const struct ots_call *call, struct ots_arena *arena,
                                       struct ots_buf *body) OTS_MUST_CHECK;
enum ots_status ots_decode_change_meta(struct ots_slice body, struct ots_call *call,
                                       struct ots_error *err) OTS_MUST_CHECK;

/* The rows that failed, as PUT answers them too. Errors: OTS_NOMEM. */
enum ots_status ots_convert_failed_out(const struct ots_failed_row *rows, size_t count,
                                       struct ots_arena *arena,
                                       Ots__Wire__FailedRow ***messages) OTS_MUST_CHECK;
/* Errors: OTS_CORRUPT (none of the `row_count` rows that were sent), OTS_NOMEM. */
enum ots_status ots_convert_failed_in(Ots__Wire__FailedRow *const *messages, size_t count,
                                      size_t row_count, struct ots_arena *arena,
                                      const struct ots_failed_row **rows,
                                      struct ots_error *err) OTS_MUST_CHECK;

#endif
