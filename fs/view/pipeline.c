/*
 * States of a batch:
 *
 *   filling  ->  in flight  ->  ended
 *                 ^     |
 *                 +- kept
 *
 * One batch is filling (`filling`, may be empty). It goes in flight when it is full, when somebody
 * waits, or when it has grown old, but only while fewer than in_flight_max batches are in flight
 * and none of those holds one of its rows. In flight it is one put, or, after the service refused
 * the whole, several puts of parts of it. When the last ends, rows whose put failed in a way that
 * may pass are kept: the batch holds its place, so that no later version of a row overtakes it, and
 * is sent again after a pause. Otherwise it has ended, and is freed.
 *
 * A batch has a reference for each put and for whoever writes it to the journal; with the last one
 * its state changes. So a row's entry in the journal is always written before the mark that it is
 * done.
 *
 * Rows reach the journal when somebody hands over, not before: most rows of a long file are stored
 * by then. Batches go there in the order of their numbers, under `journal_lock`, so that of two
 * versions of a row the later one comes later.
 *
 * Batches are numbered as they are filled; ots_pipeline_wait waits for numbers up to its own.
 * Whoever finds that the filling batch can go takes it out under the lock and submits it outside:
 * a store may call back within submit.
 */
#include "fs/view/pipeline_state.h"

#include <assert.h>
#include <stdlib.h>

enum { RETRY_PAUSE_US = 1000000 };

static bool can_go_locked(const struct ots_pipeline *pipeline)
{
    const struct ots_batch *filling = pipeline->synced.filling;
    if (!filling || !filling->count ||
        pipeline->synced.in_flight_count >= pipeline->options.in_flight_max)
        return false;
    for (const struct ots_batch *other = pipeline->synced.in_flight; other; other = other->next)
        if (ots_batch_shares_row(filling, other))
            return false;
    return true;
}

static struct ots_batch *take_filling_locked(struct ots_pipeline *pipeline)
{
    struct ots_batch *batch = pipeline->synced.filling;
    pipeline->synced.filling = NULL;
    batch->next = pipeline->synced.in_flight;
    batch->references++;
    pipeline->synced.in_flight = batch;
    pipeline->synced.in_flight_count++;
    return batch;
}

/* Which kept batches are to be sent again. */
struct kept_wanted {
    uint64_t number_max;
    uint64_t failed_at_max;
    int64_t retry_us_max;
};

static struct ots_batch *take_kept_locked(struct ots_pipeline *pipeline,
                                          const struct kept_wanted *wanted)
{
    struct ots_batch *batch = pipeline->synced.in_flight;
    while (batch &&
           (!batch->is_kept || batch->number > wanted->number_max ||
            batch->failed_at > wanted->failed_at_max || batch->retry_us > wanted->retry_us_max))
        batch = batch->next;
    if (batch) {
        batch->is_kept = false;
        batch->references++;
    }
    return batch;
}

/* --- the ends of batches ----------------------------------------------------------------------*/

/* No reference is left. Returns whether the batch has ended. */
static bool end_batch_locked(struct ots_pipeline *pipeline, struct ots_batch *batch)
{
    if (batch == pipeline->synced.filling || batch->is_kept)
        return false;
    if (ots_batch_keep_unsent(batch)) {
        batch->is_kept = true;
        batch->failed_at = ++pipeline->synced.failure_number;
        batch->retry_us = ots_clock_monotonic_us(pipeline->options.clock) + RETRY_PAUSE_US;
        pthread_cond_broadcast(&pipeline->synced.changed);
        return false;
    }
    batch->is_ended = true;
    return true;
}

/*
 * The number of the batch that waits for the end of `batch` with newer versions of its rows, and is
 * in the journal; 0: none.
 */
static uint64_t waiting_number_locked(const struct ots_pipeline *pipeline,
                                      const struct ots_batch *batch)
{
    const struct ots_batch *filling = pipeline->synced.filling;
    bool is_waited_for = filling && filling != batch && filling->is_in_journal &&
                         ots_batch_shares_row(filling, batch);
    return is_waited_for ? filling->number : 0;
}

/* `ended` is done; `waiting` must not lose to our own older put of now. 0: none. */
static void tell_journal(struct ots_pipeline *pipeline, struct ots_journal *journal, uint64_t ended,
                         uint64_t waiting)
{
    struct ots_error err;
    if (!journal || (!ended && !waiting))
        return;
    if (ots_journal_done(journal, ended, waiting, ots_store_now_us(pipeline->options.store),
                         &err) != OTS_OK &&
        pipeline->options.log)
        ots_log_error(pipeline->options.log, OTS_LOG_WARNING, "rows may be put again", &err);
}

/* The batch has ended: free it and let the next one go. */
static void remove_batch(struct ots_pipeline *pipeline, struct ots_batch *batch)
{
    struct ots_batch *next = NULL;
    pthread_mutex_lock(&pipeline->synced.lock);
    struct ots_batch **link = &pipeline->synced.in_flight;
    while (*link != batch)
        link = &(*link)->next;
    *link = batch->next;
    pipeline->synced.in_flight_count--;
    pthread_cond_broadcast(&pipeline->synced.changed);
    if (pipeline->synced.filling && pipeline->synced.filling->is_sealed && can_go_locked(pipeline))
        next = take_filling_locked(pipeline);
    pthread_mutex_unlock(&pipeline->synced.lock);
    ots_batch_free(batch);
    if (next)
        ots_pipeline_submit(pipeline, next, 0, next->count);
}

void ots_pipeline_release(struct ots_pipeline *pipeline, struct ots_batch *batch)
{
    pthread_mutex_lock(&pipeline->synced.lock);
    struct ots_journal *journal = pipeline->journal;
    uint64_t waiting = batch->references == 1 ? waiting_number_locked(pipeline, batch) : 0;
    if (waiting) {
        /* While the batch has its reference nobody takes the pipeline for idle, and frees it. */
        pthread_mutex_unlock(&pipeline->synced.lock);
        tell_journal(pipeline, journal, 0, waiting);
        pthread_mutex_lock(&pipeline->synced.lock);
    }
    bool has_ended = --batch->references == 0 && end_batch_locked(pipeline, batch);
    bool is_held = has_ended && ots_pipeline_end_counting_locked(pipeline, batch);
    uint64_t ended = has_ended && batch->is_in_journal && !is_held ? batch->number : 0;
    /* One that is kept is not waited for any more. */
    bool is_to_count = ots_pipeline_is_counting_locked(pipeline, UINT64_MAX);
    pthread_mutex_unlock(&pipeline->synced.lock);
    if (is_to_count)
        ots_pipeline_count_ended(pipeline);
    if (has_ended) {
        tell_journal(pipeline, journal, ended, 0);
        remove_batch(pipeline, batch);
    }
}

/* --- life -------------------------------------------------------------------------------------*/

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
    ots_lp_printer_init(&pipeline->printer, OTS_PRECISION_NS);
    pthread_mutex_init(&pipeline->journal_lock, NULL);
    pthread_mutex_init(&pipeline->synced.lock, NULL);
    pthread_cond_init(&pipeline->synced.changed, NULL);
    *out = pipeline;
    return OTS_OK;
}

static bool has_put_locked(const struct ots_pipeline *pipeline)
{
    const struct ots_batch *batch = pipeline->synced.in_flight;
    while (batch && batch->is_kept)
        batch = batch->next;
    return batch;
}

void ots_pipeline_free(struct ots_pipeline *pipeline)
{
    if (!pipeline)
        return;
    pthread_mutex_lock(&pipeline->synced.lock);
    while (has_put_locked(pipeline) || ots_pipeline_is_counting_locked(pipeline, UINT64_MAX))
        pthread_cond_wait(&pipeline->synced.changed, &pipeline->synced.lock);
    pthread_mutex_unlock(&pipeline->synced.lock);
    while (pipeline->synced.in_flight) {
        struct ots_batch *batch = pipeline->synced.in_flight;
        assert(!batch->references);
        pipeline->synced.in_flight = batch->next;
        ots_pipeline_give_up_counting(pipeline, batch);
        ots_batch_free(batch);
    }
    free(pipeline->synced.held);
    ots_batch_free(pipeline->synced.filling);
    pthread_cond_destroy(&pipeline->synced.changed);
    pthread_mutex_destroy(&pipeline->synced.lock);
    pthread_mutex_destroy(&pipeline->journal_lock);
    ots_lp_printer_deinit(&pipeline->printer);
    ots_buf_deinit(&pipeline->text);
    free(pipeline->table);
    free(pipeline);
}

void ots_pipeline_set_journal(struct ots_pipeline *pipeline, struct ots_journal *journal)
{
    pthread_mutex_lock(&pipeline->journal_lock);
    pthread_mutex_lock(&pipeline->synced.lock);
    pipeline->journal = journal;
    pthread_mutex_unlock(&pipeline->synced.lock);
    pthread_mutex_unlock(&pipeline->journal_lock);
}

/* --- adding -----------------------------------------------------------------------------------*/

/* Seal the filling batch, and send it at once or wait for the lock's condition. */
static void push_locked(struct ots_pipeline *pipeline)
{
    pipeline->synced.filling->is_sealed = true;
    if (!can_go_locked(pipeline)) {
        pthread_cond_wait(&pipeline->synced.changed, &pipeline->synced.lock);
        return;
    }
    struct ots_batch *batch = take_filling_locked(pipeline);
    pthread_mutex_unlock(&pipeline->synced.lock);
    ots_pipeline_submit(pipeline, batch, 0, batch->count);
    pthread_mutex_lock(&pipeline->synced.lock);
}

/* Wait until the filling batch has room for `row`, and make one when there is none. */
static enum ots_status make_room_locked(struct ots_pipeline *pipeline, const struct ots_row *row,
                                        struct ots_interrupt *interrupt)
{
    uint64_t failure_number = pipeline->synced.failure_number;
    while (pipeline->synced.filling && (pipeline->synced.filling->is_sealed ||
                                        !ots_batch_has_room(pipeline->synced.filling, row))) {
        if (ots_interrupt_is_raised(interrupt))
            return OTS_CANCELLED;
        if (pipeline->synced.failure_number != failure_number && !can_go_locked(pipeline))
            return pipeline->synced.failure.status;
        push_locked(pipeline);
    }
    if (pipeline->synced.filling)
        return OTS_OK;
    struct ots_batch *batch = ots_batch_new(pipeline->synced.next_number);
    if (!batch)
        return OTS_NOMEM;
    pipeline->synced.next_number++;
    pipeline->synced.filling = batch;
    return OTS_OK;
}

static void wake_waiters(void *context)
{
    struct ots_pipeline *pipeline = context;
    pthread_mutex_lock(&pipeline->synced.lock);
    pthread_cond_broadcast(&pipeline->synced.changed);
    pthread_mutex_unlock(&pipeline->synced.lock);
}

static enum ots_status add(struct ots_pipeline *pipeline, const struct ots_row *row,
                           const struct ots_row_sum *sum, struct ots_origin *origin,
                           bool is_journaled, struct ots_interrupt *interrupt)
{
    struct ots_batch *full = NULL;
    ots_interrupt_attach_waiter(interrupt, wake_waiters, pipeline);
    pthread_mutex_lock(&pipeline->synced.lock);
    enum ots_status status = make_room_locked(pipeline, row, interrupt);
    struct ots_batch *filling = pipeline->synced.filling;
    if (status == OTS_OK && !filling->count)
        filling->started_us = ots_clock_monotonic_us(pipeline->options.clock);
    if (status == OTS_OK)
        status = ots_batch_add(filling, row, sum, origin, is_journaled);
    if (status == OTS_OK) {
        pipeline->synced.counts.rows_added++;
        filling->is_sealed = filling->count == OTS_PUT_ROWS_MAX;
        if (filling->is_sealed && can_go_locked(pipeline))
            full = take_filling_locked(pipeline);
    }
    pthread_mutex_unlock(&pipeline->synced.lock);
    ots_interrupt_detach(interrupt);
    if (full)
        ots_pipeline_submit(pipeline, full, 0, full->count);
    return status;
}

enum ots_status ots_pipeline_add(struct ots_pipeline *pipeline, const struct ots_row *row,
                                 struct ots_origin *origin, struct ots_interrupt *interrupt)
{
    return add(pipeline, row, NULL, origin, false, interrupt);
}

enum ots_status ots_pipeline_add_summed(struct ots_pipeline *pipeline, const struct ots_row *row,
                                        const struct ots_row_sum *sum, struct ots_origin *origin,
                                        struct ots_interrupt *interrupt)
{
    return add(pipeline, row, sum, origin, false, interrupt);
}

enum ots_status ots_pipeline_add_again(struct ots_pipeline *pipeline, const struct ots_row *row,
                                       struct ots_origin *origin, struct ots_interrupt *interrupt)
{
    return add(pipeline, row, NULL, origin, true, interrupt);
}

enum ots_status ots_pipeline_merge(struct ots_pipeline *pipeline, const struct ots_row *row,
                                   struct ots_origin *origin, bool *is_merged,
                                   struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    *is_merged = false;
    pthread_mutex_lock(&pipeline->synced.lock);
    struct ots_batch *filling = pipeline->synced.filling;
    if (filling && !filling->is_sealed && ots_batch_has_room(filling, row))
        status = ots_batch_merge(filling, row, origin, is_merged, err);
    pipeline->synced.counts.rows_added += *is_merged;
    pthread_mutex_unlock(&pipeline->synced.lock);
    return status;
}

/* --- waiting ----------------------------------------------------------------------------------*/

static bool is_pending_locked(const struct ots_pipeline *pipeline, uint64_t number_max)
{
    const struct ots_batch *filling = pipeline->synced.filling;
    if (filling && filling->count && filling->number <= number_max)
        return true;
    for (const struct ots_batch *batch = pipeline->synced.in_flight; batch; batch = batch->next)
        if (batch->number <= number_max)
            return true;
    return ots_pipeline_is_counting_locked(pipeline, number_max);
}

/*
 * Whether all puts up to `number_max` that can be tried have ended or failed since `failure`; those
 * that failed may be on their way again.
 */
static bool is_stuck_locked(const struct ots_pipeline *pipeline, uint64_t number_max,
                            uint64_t failure)
{
    const struct ots_batch *filling = pipeline->synced.filling;
    if (pipeline->synced.failure_number == failure)
        return false;
    for (const struct ots_batch *batch = pipeline->synced.in_flight; batch; batch = batch->next)
        if (batch->number <= number_max && batch->failed_at <= failure)
            return false;
    return !filling || filling->number > number_max || !can_go_locked(pipeline);
}

/* Send what can be sent, or wait until something changes. */
static void push_or_wait_locked(struct ots_pipeline *pipeline, uint64_t number_max,
                                uint64_t failure)
{
    const struct ots_batch *filling = pipeline->synced.filling;
    struct kept_wanted wanted = {number_max, failure, INT64_MAX};
    struct ots_batch *kept = take_kept_locked(pipeline, &wanted);
    if (kept) {
        pthread_mutex_unlock(&pipeline->synced.lock);
        ots_pipeline_submit(pipeline, kept, 0, kept->count);
        pthread_mutex_lock(&pipeline->synced.lock);
    } else if (filling && filling->count && filling->number <= number_max) {
        push_locked(pipeline);
    } else {
        pthread_cond_wait(&pipeline->synced.changed, &pipeline->synced.lock);
    }
}

/* `failure`: the number of the last failure that does not count. */
static enum ots_status wait_since(struct ots_pipeline *pipeline, uint64_t failure,
                                  struct ots_interrupt *interrupt)
{
    enum ots_status status = OTS_OK;
    ots_interrupt_attach_waiter(interrupt, wake_waiters, pipeline);
    pthread_mutex_lock(&pipeline->synced.lock);
    uint64_t last_number = pipeline->synced.next_number - 1;
    while (status == OTS_OK && is_pending_locked(pipeline, last_number)) {
        if (ots_interrupt_is_raised(interrupt))
            status = OTS_CANCELLED;
        else if (is_stuck_locked(pipeline, last_number, failure))
            status = OTS_IO;
        else
            push_or_wait_locked(pipeline, last_number, failure);
    }
    pthread_mutex_unlock(&pipeline->synced.lock);
    ots_interrupt_detach(interrupt);
    return status;
}

static uint64_t failure_number(struct ots_pipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->synced.lock);
    uint64_t number = pipeline->synced.failure_number;
    pthread_mutex_unlock(&pipeline->synced.lock);
    return number;
}

enum ots_status ots_pipeline_wait(struct ots_pipeline *pipeline, struct ots_interrupt *interrupt)
{
    return wait_since(pipeline, failure_number(pipeline), interrupt);
}

uint64_t ots_pipeline_begin_drain(struct ots_pipeline *pipeline)
{
    uint64_t failure = failure_number(pipeline);
    struct kept_wanted wanted = {UINT64_MAX, failure, INT64_MAX};
    struct ots_batch *batch;
    do {
        pthread_mutex_lock(&pipeline->synced.lock);
        batch = take_kept_locked(pipeline, &wanted);
        if (!batch && can_go_locked(pipeline))
            batch = take_filling_locked(pipeline);
        pthread_mutex_unlock(&pipeline->synced.lock);
        if (batch)
            ots_pipeline_submit(pipeline, batch, 0, batch->count);
    } while (batch);
    return failure;
}

enum ots_status ots_pipeline_end_drain(struct ots_pipeline *pipeline, uint64_t drain)
{
    return wait_since(pipeline, drain, NULL);
}

void ots_pipeline_failure(struct ots_pipeline *pipeline, struct ots_error *err)
{
    pthread_mutex_lock(&pipeline->synced.lock);
    *err = pipeline->synced.failure;
    pthread_mutex_unlock(&pipeline->synced.lock);
}

enum ots_status ots_pipeline_settle(struct ots_pipeline *pipeline, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    struct ots_error failure;
    enum ots_status status = ots_pipeline_wait(pipeline, interrupt);
    if (status != OTS_IO)
        return status == OTS_OK ? status : ots_error_set(err, status, "interrupted");
    ots_pipeline_failure(pipeline, &failure);
    return ots_error_set(err, status, "rows are not stored yet: %s", failure.message);
}

void ots_pipeline_send_older(struct ots_pipeline *pipeline, int64_t age_us)
{
    int64_t now_us = ots_clock_monotonic_us(pipeline->options.clock);
    pthread_mutex_lock(&pipeline->synced.lock);
    struct kept_wanted wanted = {UINT64_MAX, UINT64_MAX, now_us};
    struct ots_batch *batch = take_kept_locked(pipeline, &wanted);
    const struct ots_batch *filling = pipeline->synced.filling;
    if (!batch && filling && filling->count && now_us - filling->started_us >= age_us &&
        can_go_locked(pipeline))
        batch = take_filling_locked(pipeline);
    pthread_mutex_unlock(&pipeline->synced.lock);
    if (batch)
        ots_pipeline_submit(pipeline, batch, 0, batch->count);
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
    counts->rows_waiting = pipeline->synced.filling ? pipeline->synced.filling->count : 0;
    for (const struct ots_batch *batch = pipeline->synced.in_flight; batch; batch = batch->next)
        counts->rows_waiting += batch->count;
    counts->is_journal_failing = atomic_load(&pipeline->is_journal_failing);
    pthread_mutex_unlock(&pipeline->synced.lock);
}

struct ots_journal *ots_pipeline_journal(struct ots_pipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->synced.lock);
    struct ots_journal *journal = pipeline->journal;
    pthread_mutex_unlock(&pipeline->synced.lock);
    return journal;
}
