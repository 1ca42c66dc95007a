#include "backend/client/partial_put.h"

#include "backend/base/utf8.h"

#include <stdlib.h>

/* Finds for each sent row what the answer says of it, NULL when it was stored. */
static enum ots_status index_failures(const struct ots_put_response *response, size_t sent_count,
                                      const struct ots_failed_row **by_row, struct ots_error *err)
{
    for (size_t i = 0; i < response->failed_row_count; i++) {
        const struct ots_failed_row *failed = &response->failed_rows[i];
        if (failed->row_index >= sent_count)
            return ots_error_set(err, OTS_CORRUPT,
                                 "the service reports row %u of a put of %zu rows as failed",
                                 (unsigned)failed->row_index, sent_count);
        by_row[failed->row_index] = failed;
    }
    return OTS_OK;
}

static enum ots_retry_class classify(const struct ots_failed_row *failed)
{
    char code[64];
    char message[64];
    enum ots_status status;
    enum ots_retry_class retry;
    ots_utf8_show(failed->code, code, sizeof(code));
    ots_utf8_show(failed->message, message, sizeof(message));
    ots_service_code_classify(200, code, message, &status, &retry);
    return retry;
}

/* A class for all: the one that waits longer wins. */
static enum ots_retry_class combine(enum ots_retry_class a, enum ots_retry_class b)
{
    if (a == OTS_RETRY_ALWAYS || b == OTS_RETRY_ALWAYS)
        return OTS_RETRY_ALWAYS;
    return a == OTS_RETRY_IF_IDEMPOTENT ? a : b;
}

static enum ots_status allocate(struct ots_partial_put *next, size_t row_max, size_t failed_max,
                                struct ots_arena *arena, struct ots_error *err)
{
    next->rows = ots_arena_array(arena, row_max, sizeof(*next->rows));
    next->reasons = ots_arena_array(arena, row_max, sizeof(*next->reasons));
    next->failed = ots_arena_array(arena, failed_max, sizeof(*next->failed));
    if (!next->rows || !next->reasons || !next->failed)
        return ots_error_set(err, OTS_NOMEM, "put: out of memory");
    return OTS_OK;
}

enum ots_status ots_partial_put_take(struct ots_partial_put *partial,
                                     const struct ots_put_request *request,
                                     const struct ots_put_response *response,
                                     struct ots_arena *arena, enum ots_retry_class *retry,
                                     struct ots_error *err)
{
    size_t sent_count = partial->is_begun ? partial->row_count : request->row_count;
    const struct ots_row *sent = partial->is_begun ? partial->rows : request->rows;
    struct ots_partial_put next = {.is_begun = true};
    const struct ots_failed_row **by_row = ots_arena_array(arena, sent_count, sizeof(*by_row));
    if (!by_row)
        return ots_error_set(err, OTS_NOMEM, "put: out of memory");
    enum ots_status status = index_failures(response, sent_count, by_row, err);
    if (status == OTS_OK)
        status = allocate(&next, sent_count, partial->failed_count + sent_count, arena, err);
    if (status != OTS_OK)
        return status;

    if (partial->failed_count)
        memcpy(next.failed, partial->failed, partial->failed_count * sizeof(*next.failed));
    next.failed_count = partial->failed_count;
    *retry = OTS_RETRY_NEVER;
    for (size_t i = 0; i < sent_count; i++) {
        if (!by_row[i])
            continue;
        struct ots_failed_row reason = *by_row[i];
        if (partial->is_begun)
            reason.row_index = partial->reasons[i].row_index;
        enum ots_retry_class row_retry = classify(by_row[i]);
        if (row_retry == OTS_RETRY_NEVER) {
            next.failed[next.failed_count++] = reason;
            continue;
        }
        *retry = combine(*retry, row_retry);
        next.rows[next.row_count] = sent[i];
        next.reasons[next.row_count++] = reason;
    }
    *partial = next;
    return OTS_OK;
}

static int compare_index(const void *a, const void *b)
{
    const struct ots_failed_row *left = a;
    const struct ots_failed_row *right = b;
    return left->row_index < right->row_index ? -1 : left->row_index > right->row_index;
}

enum ots_status ots_partial_put_result(const struct ots_partial_put *partial,
                                       struct ots_arena *arena, struct ots_put_response *response)
{
    size_t count = partial->failed_count + partial->row_count;
    *response = (struct ots_put_response){.failed_rows = NULL};
    if (!count)
        return OTS_OK;
    struct ots_failed_row *all = ots_arena_array(arena, count, sizeof(*all));
    if (!all)
        return OTS_NOMEM;
    if (partial->failed_count)
        memcpy(all, partial->failed, partial->failed_count * sizeof(*all));
    if (partial->row_count)
        memcpy(all + partial->failed_count, partial->reasons, partial->row_count * sizeof(*all));
    qsort(all, count, sizeof(*all), compare_index);
    *response = (struct ots_put_response){.failed_rows = all, .failed_row_count = count};
    return OTS_OK;
}
