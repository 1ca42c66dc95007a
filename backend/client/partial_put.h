/*
 * A put of which the service stored only some rows: which rows to send again, which have failed
 * for good. Pure.
 *
 * The rows to be sent again keep their order. Memory is the call's arena.
 */
#ifndef OTS_CLIENT_PARTIAL_PUT_H
#define OTS_CLIENT_PARTIAL_PUT_H

#include "backend/model/call.h"
#include "backend/wire/service_code.h"

struct ots_partial_put {
    /* To be sent again, and what the service said of each with its index in the first put. */
    struct ots_row *rows;
    struct ots_failed_row *reasons;
    size_t row_count;
    /* Failed for good, with indexes of the first put. */
    struct ots_failed_row *failed;
    size_t failed_count;
    /* Whether ots_partial_put_take succeeded before. */
    bool is_begun;
};

#define OTS_PARTIAL_PUT_INIT ((struct ots_partial_put){.rows = NULL})

/*
 * Take the answer to the last try: of all rows of `request` in the first, of `rows` in a later.
 * `retry` tells how the rows to be sent again may be repeated: a row whose code is retried only
 * when idempotent counts as well, for a put is. OTS_RETRY_NEVER: there are none.
 * Errors: OTS_CORRUPT (a row that was not sent), OTS_NOMEM; then `partial` is unchanged.
 */
enum ots_status ots_partial_put_take(struct ots_partial_put *partial,
                                     const struct ots_put_request *request,
                                     const struct ots_put_response *response,
                                     struct ots_arena *arena, enum ots_retry_class *retry,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* What to answer when nothing is sent again: every row that failed, the retryable ones too, with
 * the last reasons, by ascending index. Errors: OTS_NOMEM. */
enum ots_status ots_partial_put_result(const struct ots_partial_put *partial,
                                       struct ots_arena *arena,
                                       struct ots_put_response *response) OTS_MUST_CHECK;

#endif
