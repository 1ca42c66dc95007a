/*
 * States of a batch:
 *
 *   filling  ->  in flight  ->  done
 *
 * One batch is filling (`filling`, may be empty). It goes in flight when it is full, when somebody
 * waits, or when it has grown old, but only while fewer than in_flight_max batches are in flight
 * and none of those holds one of its rows. In flight it is one put, or, after the service refused
 * the whole, several puts of parts of it; when the last ends, the batch is done and freed.
 *
 * Batches are numbered as they are filled; ots_pipeline_wait waits for numbers up to its own.
 * Whoever finds that the filling batch can go takes it out under the lock and submits it outside:
 * a store may call back within submit.
 */
#include "fs/view/pipeline.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum {
    SLOTS = 512, /* a power of two, over twice OTS_PUT_ROWS_MAX */
    /* Rows that replace others leave these behind in a batch's memory. */
    BATCH_MEMORY_BYTES_MAX = 4 * OTS_PUT_BYTES_MAX,
};

struct batch {
    struct ots_pipeline *pipeline;
    struct batch *next; /* in the list of those in flight */
    uint64_t number;
    int64_t started_us; /* when the first row came, monotonic */
    struct ots_arena arena;
    struct ots_row rows[OTS_PUT_ROWS_MAX];
    struct ots_origin *origins[OTS_PUT_ROWS_MAX];
    uint64_t hashes[OTS_PUT_ROWS_MAX];
    size_t count;
    size_t bytes;
    /* Open addressing by hash: index into rows plus one; 0 is free. */
    uint16_t slots[SLOTS];
    size_t parts; /* puts not done yet */
    bool is_sealed;
};

/* One put: rows `first` to `first + count` of a batch. */
struct put {
    struct batch *batch;
    size_t first;
    struct ots_call call;
};

struct ots_pipeline {
    struct ots_pipeline_options options;
    char *table;
    /* Nothing else is locked while this is held. */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct batch *filling;
        struct batch *in_flight;
        size_t in_flight_count;
        uint64_t next_number;
        struct ots_pipeline_counts counts;
    } synced;
};

static struct batch *batch_new(struct ots_pipeline *pipeline, uint64_t number)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    batch->pipeline = pipeline;
    batch->number = number;
    batch->arena = OTS_ARENA_INIT;
    return batch;
}

static void batch_free(struct batch *batch)
{
    if (!batch)
        return;
    for (size_t i = 0; i < batch->count; i++)
        ots_origin_unref(batch->origins[i]);
    ots_arena_deinit(&batch->arena);
    free(batch);
}

static uint64_t hash_row(const struct ots_row *row)
{
    uint64_t hash = ots_series_key_hash(row->key) ^ (uint64_t)row->time_us;
    hash *= 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 32;
}

/* The slot of a row with this hash that `is_same` accepts, or the free slot where it would go. */
static size_t find_slot(const struct batch *batch, uint64_t hash, const struct ots_row *row)
{
    size_t slot = hash & (SLOTS - 1);
    for (; batch->slots[slot]; slot = (slot + 1) & (SLOTS - 1)) {
        size_t index = batch->slots[slot] - 1U;
        if (batch->hashes[index] != hash)
            continue;
        const struct ots_row *other = &batch->rows[index];
        if (!row || (other->time_us == row->time_us && ots_series_key_equal(other->key, row->key)))
            return slot;
    }
    return slot;
}

static bool shares_row(const struct batch *a, const struct batch *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (b->slots[find_slot(b, a->hashes[i], NULL)])
            return true;
    return false;
}

static bool can_go_locked(const struct ots_pipeline *pipeline)
{
    const struct batch *filling = pipeline->synced.filling;
    if (!filling || !filling->count ||
        pipeline->synced.in_flight_count >= pipeline->options.in_flight_max)
        return false;
    for (const struct batch *other = pipeline->synced.in_flight; other; other = other->next)
        if (shares_row(filling, other))
            return false;
    return true;
}

static struct batch *take_filling_locked(struct ots_pipeline *pipeline)
{
    struct batch *batch = pipeline->synced.filling;
    pipeline->synced.filling = NULL;
    batch->next = pipeline->synced.in_flight;
    batch->parts = 1;
    pipeline->synced.in_flight = batch;
    pipeline->synced.in_flight_count++;
    return batch;
}

static void batch_done_locked(struct ots_pipeline *pipeline, struct batch *batch)
{
    struct batch **link = &pipeline->synced.in_flight;
    while (*link != batch)
        link = &(*link)->next;
    *link = batch->next;
    pipeline->synced.in_flight_count--;
    pthread_cond_broadcast(&pipeline->synced.changed);
}

static void put_done(struct ots_call *call, void *context);

static void fail_rows(struct batch *batch, size_t first, size_t count,
                      const struct ots_error *error)
{
    const struct ots_pipeline_options *options = &batch->pipeline->options;
    for (size_t i = first; i < first + count; i++)
        options->failed(options->failed_context, batch->origins[i], &batch->rows[i], error);
}

/* Submit rows of a batch as one put; without memory for it they are lost. */
static void submit(struct batch *batch, size_t first, size_t count);

/* A part ended: count it, and when it was the batch's last, let the next batch go. */
static void end_part(struct batch *batch, size_t stored, size_t failed)
{
    struct ots_pipeline *pipeline = batch->pipeline;
    struct batch *next = NULL;
    pthread_mutex_lock(&pipeline->synced.lock);
    pipeline->synced.counts.rows_stored += stored;
    pipeline->synced.counts.rows_failed += failed;
    bool is_last = --batch->parts == 0;
    if (is_last) {
        batch_done_locked(pipeline, batch);
        if (pipeline->synced.filling && pipeline->synced.filling->is_sealed &&
            can_go_locked(pipeline))
            next = take_filling_locked(pipeline);
    }
    pthread_mutex_unlock(&pipeline->synced.lock);
    if (is_last)
        batch_free(batch);
    if (next)
        submit(next, 0, next->count);
}

static void submit(struct batch *batch, size_t first, size_t count)
{
    struct ots_pipeline *pipeline = batch->pipeline;
    struct put *put = calloc(1, sizeof(*put));
    if (!put) {
        struct ots_error error;
        ots_error_set(&error, OTS_NOMEM, "out of memory for a put");
        fail_rows(batch, first, count, &error);
        end_part(batch, 0, count);
        return;
    }
    put->batch = batch;
    put->first = first;
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
static void submit_halves(struct batch *batch, size_t first, size_t count)
{
    struct ots_pipeline *pipeline = batch->pipeline;
    pthread_mutex_lock(&pipeline->synced.lock);
    batch->parts++;
    pthread_mutex_unlock(&pipeline->synced.lock);
    submit(batch, first, count / 2);
    submit(batch, first + count / 2, count - count / 2);
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
        fail_rows(put->batch, put->first + row->row_index, 1, &error);
        failed++;
    }
    return failed;
}

static void put_done(struct ots_call *call, void *context)
{
    struct put *put = context;
    struct batch *batch = put->batch;
    size_t first = put->first;
    size_t count = call->request.put.row_count;
    bool is_refused = call->status == OTS_INVALID || call->status == OTS_LIMIT;
    if (is_refused && count > 1) {
        ots_call_deinit(call);
        free(put);
        submit_halves(batch, first, count);
        return;
    }
    size_t failed = 0;
    if (call->status == OTS_OK) {
        failed = fail_single_rows(put, &call->response.put);
    } else {
        fail_rows(batch, first, count, &call->error);
        failed = count;
    }
    ots_call_deinit(call);
    free(put);
    end_part(batch, count - failed, failed);
}

enum ots_status ots_pipeline_new(const struct ots_pipeline_options *options,
                                 struct ots_pipeline **out)
{
    assert(options->in_flight_max >= 1);
    struct ots_pipeline *pipeline = calloc(1, sizeof(*pipeline));
    char *table = strndup((const char *)options->table.data, options->table.size);
    if (!pipeline || !table) {
        free(pipeline);
        free(table);
        return OTS_NOMEM;
    }
    pipeline->options = *options;
    pipeline->table = table;
    pipeline->synced.next_number = 1;
    pthread_mutex_init(&pipeline->synced.lock, NULL);
    pthread_cond_init(&pipeline->synced.changed, NULL);
    *out = pipeline;
    return OTS_OK;
}

void ots_pipeline_free(struct ots_pipeline *pipeline)
{
    if (!pipeline)
        return;
    assert(!pipeline->synced.in_flight);
    batch_free(pipeline->synced.filling);
    pthread_cond_destroy(&pipeline->synced.changed);
    pthread_mutex_destroy(&pipeline->synced.lock);
    free(pipeline->table);
    free(pipeline);
}

static const struct ots_field *find_field(const struct ots_row *row, struct ots_slice name)
{
    for (size_t i = 0; i < row->field_count; i++)
        if (ots_slice_equal(row->fields[i].name, name))
            return &row->fields[i];
    return NULL;
}

/* `merged` gets the fields of `older` that `newer` does not have, then those of `newer`. */
static enum ots_status merge_fields(struct ots_arena *arena, const struct ots_row *older,
                                    const struct ots_row *newer, struct ots_row *merged)
{
    struct ots_field *fields =
        ots_arena_array(arena, older->field_count + newer->field_count, sizeof(*fields));
    if (!fields)
        return OTS_NOMEM;
    size_t count = 0;
    for (size_t i = 0; i < older->field_count; i++)
        if (!find_field(newer, older->fields[i].name))
            fields[count++] = older->fields[i];
    for (size_t i = 0; i < newer->field_count; i++)
        fields[count++] = newer->fields[i];
    ots_fields_sort(fields, count);
    *merged = *newer;
    merged->key = older->key;
    merged->fields = fields;
    merged->field_count = count;
    return OTS_OK;
}

/* Put a copy of `row` in place of the batch's row `index`. */
static enum ots_status replace_row(struct batch *batch, size_t index, const struct ots_row *row,
                                   struct ots_origin *origin)
{
    struct ots_row *place = &batch->rows[index];
    struct ots_row changed = *row;
    struct ots_row copy;
    if (batch->origins[index] == origin &&
        merge_fields(&batch->arena, place, row, &changed) != OTS_OK)
        return OTS_NOMEM;
    if (changed.field_count > OTS_FIELDS_PER_ROW_MAX)
        changed = *row;
    if (ots_row_copy(&batch->arena, &changed, place->key, &copy) != OTS_OK)
        return OTS_NOMEM;
    batch->bytes += ots_row_size(&copy) - ots_row_size(place);
    *place = copy;
    ots_origin_unref(batch->origins[index]);
    batch->origins[index] = ots_origin_ref(origin);
    return OTS_OK;
}

static enum ots_status append_row(struct batch *batch, size_t slot, uint64_t hash,
                                  const struct ots_row *row, struct ots_origin *origin)
{
    const struct ots_series_key *key = batch->count ? batch->rows[batch->count - 1].key : NULL;
    if (!key || !ots_series_key_equal(key, row->key)) {
        struct ots_series_key *copy = ots_arena_alloc(&batch->arena, sizeof(*copy));
        if (!copy || ots_series_key_copy(&batch->arena, row->key, copy) != OTS_OK)
            return OTS_NOMEM;
        key = copy;
    }
    size_t index = batch->count;
    if (ots_row_copy(&batch->arena, row, key, &batch->rows[index]) != OTS_OK)
        return OTS_NOMEM;
    batch->origins[index] = ots_origin_ref(origin);
    batch->hashes[index] = hash;
    batch->slots[slot] = (uint16_t)(index + 1);
    batch->bytes += ots_row_size(row);
    batch->count++;
    return OTS_OK;
}

/* Whether the batch, as it is, can take `row`; a row that is in it already always fits better. */
static bool has_room(const struct batch *batch, const struct ots_row *row)
{
    return batch->count < OTS_PUT_ROWS_MAX &&
           (!batch->count || (batch->bytes + ots_row_size(row) <= OTS_PUT_BYTES_MAX &&
                              batch->arena.used_bytes <= BATCH_MEMORY_BYTES_MAX));
}

/* Seal the filling batch, and send it at once or wait for the lock's condition. */
static void push_locked(struct ots_pipeline *pipeline)
{
    pipeline->synced.filling->is_sealed = true;
    if (!can_go_locked(pipeline)) {
        pthread_cond_wait(&pipeline->synced.changed, &pipeline->synced.lock);
        return;
    }
    struct batch *batch = take_filling_locked(pipeline);
    pthread_mutex_unlock(&pipeline->synced.lock);
    submit(batch, 0, batch->count);
    pthread_mutex_lock(&pipeline->synced.lock);
}

static enum ots_status add_locked(struct ots_pipeline *pipeline, const struct ots_row *row,
                                  struct ots_origin *origin, struct ots_interrupt *interrupt)
{
    while (pipeline->synced.filling &&
           (pipeline->synced.filling->is_sealed || !has_room(pipeline->synced.filling, row))) {
        if (ots_interrupt_is_raised(interrupt))
            return OTS_CANCELLED;
        push_locked(pipeline);
    }
    if (!pipeline->synced.filling) {
        struct batch *batch = batch_new(pipeline, pipeline->synced.next_number);
        if (!batch)
            return OTS_NOMEM;
        pipeline->synced.next_number++;
        pipeline->synced.filling = batch;
    }
    struct batch *batch = pipeline->synced.filling;
    uint64_t hash = hash_row(row);
    size_t slot = find_slot(batch, hash, row);
    if (batch->slots[slot])
        return replace_row(batch, batch->slots[slot] - 1U, row, origin);
    if (!batch->count)
        batch->started_us = ots_clock_monotonic_us(pipeline->options.clock);
    return append_row(batch, slot, hash, row, origin);
}

static void wake_waiters(void *context)
{
    struct ots_pipeline *pipeline = context;
    pthread_mutex_lock(&pipeline->synced.lock);
    pthread_cond_broadcast(&pipeline->synced.changed);
    pthread_mutex_unlock(&pipeline->synced.lock);
}

enum ots_status ots_pipeline_add(struct ots_pipeline *pipeline, const struct ots_row *row,
                                 struct ots_origin *origin, struct ots_interrupt *interrupt)
{
    struct batch *full = NULL;
    ots_interrupt_attach(interrupt, wake_waiters, pipeline);
    pthread_mutex_lock(&pipeline->synced.lock);
    enum ots_status status = add_locked(pipeline, row, origin, interrupt);
    if (status == OTS_OK) {
        pipeline->synced.counts.rows_added++;
        struct batch *filling = pipeline->synced.filling;
        filling->is_sealed = filling->count == OTS_PUT_ROWS_MAX;
        if (filling->is_sealed && can_go_locked(pipeline))
            full = take_filling_locked(pipeline);
    }
    pthread_mutex_unlock(&pipeline->synced.lock);
    ots_interrupt_detach(interrupt);
    if (full)
        submit(full, 0, full->count);
    return status;
}

static bool is_pending_locked(const struct ots_pipeline *pipeline, uint64_t number_max)
{
    const struct batch *filling = pipeline->synced.filling;
    if (filling && filling->count && filling->number <= number_max)
        return true;
    for (const struct batch *batch = pipeline->synced.in_flight; batch; batch = batch->next)
        if (batch->number <= number_max)
            return true;
    return false;
}

enum ots_status ots_pipeline_wait(struct ots_pipeline *pipeline, struct ots_interrupt *interrupt)
{
    enum ots_status status = OTS_OK;
    ots_interrupt_attach(interrupt, wake_waiters, pipeline);
    pthread_mutex_lock(&pipeline->synced.lock);
    uint64_t last_number = pipeline->synced.next_number - 1;
    while (is_pending_locked(pipeline, last_number)) {
        if (ots_interrupt_is_raised(interrupt)) {
            status = OTS_CANCELLED;
            break;
        }
        struct batch *filling = pipeline->synced.filling;
        if (filling && filling->count && filling->number <= last_number)
            push_locked(pipeline);
        else
            pthread_cond_wait(&pipeline->synced.changed, &pipeline->synced.lock);
    }
    pthread_mutex_unlock(&pipeline->synced.lock);
    ots_interrupt_detach(interrupt);
    return status;
}

void ots_pipeline_send_older(struct ots_pipeline *pipeline, int64_t age_us)
{
    struct batch *batch = NULL;
    int64_t now_us = ots_clock_monotonic_us(pipeline->options.clock);
    pthread_mutex_lock(&pipeline->synced.lock);
    const struct batch *filling = pipeline->synced.filling;
    if (filling && filling->count && now_us - filling->started_us >= age_us &&
        can_go_locked(pipeline))
        batch = take_filling_locked(pipeline);
    pthread_mutex_unlock(&pipeline->synced.lock);
    if (batch)
        submit(batch, 0, batch->count);
}

bool ots_pipeline_is_busy(struct ots_pipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->synced.lock);
    bool is_busy = is_pending_locked(pipeline, UINT64_MAX);
    pthread_mutex_unlock(&pipeline->synced.lock);
    return is_busy;
}

void ots_pipeline_counts(struct ots_pipeline *pipeline, struct ots_pipeline_counts *counts)
{
    pthread_mutex_lock(&pipeline->synced.lock);
    *counts = pipeline->synced.counts;
    pthread_mutex_unlock(&pipeline->synced.lock);
}
