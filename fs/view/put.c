/*
 * One put of a pipeline's rows, and what becomes of them when it ends.
 */
#include <stdlib.h>

#include "fs/view/pipeline_state.h"

/* One put: rows `first` to `first + count` of a batch. */
struct put {
    struct ots_pipeline *pipeline;
    struct ots_batch *batch;
    size_t first;
    struct ots_call call;
};

static void tell_failed(const struct ots_pipeline *pipeline, const struct ots_batch *batch,
                        size_t index, const struct ots_error *error, bool is_kept)
{
    struct ots_failed_put put = {batch->origins[index], &batch->rows[index], error, is_kept};
    pipeline->options.failed(pipeline->options.failed_context, &put);
}

/* A put of these rows failed, and another one may not. */
static void keep_rows(struct ots_pipeline *pipeline, struct ots_batch *batch, size_t first,
                      size_t count, const struct ots_error *error)
{
    pthread_mutex_lock(&pipeline->synced.lock);
    memset(batch->is_unsent + first, true, count);
    pipeline->synced.failure = *error;
    pthread_mutex_unlock(&pipeline->synced.lock);
    for (size_t i = first; i < first + count; i++) {
        if (!batch->is_told[i])
            tell_failed(pipeline, batch, i, error, true);
        batch->is_told[i] = true;
    }
}

static void put_done(struct ots_call *call, void *context);

void ots_pipeline_submit(struct ots_pipeline *pipeline, struct ots_batch *batch, size_t first,
                         size_t count)
{
    struct put *put = ots_pipeline_begin_counting(pipeline, batch) ? calloc(1, sizeof(*put)) : NULL;
    if (!put) {
        struct ots_error error;
        ots_error_set(&error, OTS_NOMEM, "out of memory for a put");
        keep_rows(pipeline, batch, first, count, &error);
        ots_pipeline_release(pipeline, batch);
        return;
    }
    *put = (struct put){.pipeline = pipeline, .batch = batch, .first = first};
    ots_call_init(&put->call, OTS_ACTION_PUT);
    put->call.request.put.table = ots_slice_str(pipeline->table);
    put->call.request.put.rows = batch->rows + first;
    put->call.request.put.row_count = count;
    put->call.done = put_done;
    put->call.done_context = put;
    pthread_mutex_lock(&pipeline->synced.lock);
    pipeline->synced.counts.puts++;
    pthread_mutex_unlock(&pipeline->synced.lock);
    pipeline->options.store->ops->submit(pipeline->options.store, &put->call);
}

/* The service refused something in these rows: find it by halves. */
static void submit_halves(struct ots_pipeline *pipeline, struct ots_batch *batch, size_t first,
                          size_t count)
{
    pthread_mutex_lock(&pipeline->synced.lock);
    batch->references++;
    pthread_mutex_unlock(&pipeline->synced.lock);
    ots_pipeline_submit(pipeline, batch, first, count / 2);
    ots_pipeline_submit(pipeline, batch, first + count / 2, count - count / 2);
}

static size_t fail_single_rows(const struct put *put, const struct ots_put_response *response)
{
    size_t failed = 0;
    bool is_told[OTS_PUT_ROWS_MAX] = {false};
    for (size_t i = 0; i < response->failed_row_count; i++) {
        const struct ots_failed_row *row = &response->failed_rows[i];
        if (row->row_index >= put->call.request.put.row_count || is_told[row->row_index])
            continue;
        is_told[row->row_index] = true;
        struct ots_error error;
        ots_error_set(&error, OTS_INVALID, "%.*s: %.*s", OTS_SLICE_FMT(row->code),
                      OTS_SLICE_FMT(row->message));
        tell_failed(put->pipeline, put->batch, put->first + row->row_index, &error, false);
        failed++;
    }
    for (size_t i = 0; i < put->call.request.put.row_count; i++)
        ots_pipeline_settle_row(put->pipeline, put->batch, put->first + i, !is_told[i]);
    return failed;
}

/* Whether the same put will never be accepted. */
static bool is_final(enum ots_status status)
{
    return status == OTS_INVALID || status == OTS_LIMIT || status == OTS_NOT_FOUND ||
           status == OTS_DENIED || status == OTS_NOT_PERMITTED || status == OTS_UNSUPPORTED;
}

/* Returns how many rows were refused; `*kept` gets how many are kept. */
static size_t settle_rows(const struct put *put, size_t *kept)
{
    const struct ots_call *call = &put->call;
    size_t count = call->request.put.row_count;
    *kept = 0;
    if (call->status == OTS_OK)
        return fail_single_rows(put, &call->response.put);
    if (is_final(call->status)) {
        for (size_t i = 0; i < count; i++) {
            tell_failed(put->pipeline, put->batch, put->first + i, &call->error, false);
            ots_pipeline_settle_row(put->pipeline, put->batch, put->first + i, false);
        }
        return count;
    }
    keep_rows(put->pipeline, put->batch, put->first, count, &call->error);
    *kept = count;
    return 0;
}

static void put_done(struct ots_call *call, void *context)
{
    struct put *put = context;
    struct ots_pipeline *pipeline = put->pipeline;
    struct ots_batch *batch = put->batch;
    size_t first = put->first;
    size_t count = call->request.put.row_count;
    if ((call->status == OTS_INVALID || call->status == OTS_LIMIT) && count > 1) {
        ots_call_deinit(call);
        free(put);
        submit_halves(pipeline, batch, first, count);
        return;
    }
    size_t kept;
    size_t failed = settle_rows(put, &kept);
    ots_call_deinit(call);
    free(put);
    pthread_mutex_lock(&pipeline->synced.lock);
    pipeline->synced.counts.rows_stored += count - failed - kept;
    pipeline->synced.counts.rows_failed += failed;
    pthread_mutex_unlock(&pipeline->synced.lock);
    ots_pipeline_release(pipeline, batch);
}
