/*
 * Telling who counts rows what became of them, batch by batch in the order of their numbers, and
 * only then the journal.
 *
 * A batch that has ended waits for those before it that are in flight: rows that are stored behind
 * each other are then counted so, too. Whoever finds that one can be counted does it, and goes on
 * until none can; one thread at a time.
 */
#include <stdlib.h>

#include "fs/view/pipeline_state.h"

enum {
    WAITING_MAX = 64, /* more batches do not wait for one before them */
    HELD_MAX = 8192,
};

bool ots_pipeline_begin_counting(struct ots_pipeline *pipeline, struct ots_batch *batch)
{
    const struct ots_put_watcher *watcher = pipeline->options.watcher;
    if (!watcher || batch->sent)
        return true;
    struct ots_sent_batch *sent = calloc(1, sizeof(*sent));
    if (!sent)
        return false;
    sent->number = batch->number;
    sent->rows = watcher->begin(pipeline->options.watcher_context, batch->rows, batch->sums,
                                batch->origins, batch->count);
    if (!sent->rows) {
        free(sent);
        return false;
    }
    for (size_t i = 0; i < batch->count; i++)
        batch->places[i] = (uint8_t)i;
    batch->sent = sent;
    return true;
}

void ots_pipeline_settle_row(struct ots_pipeline *pipeline, const struct ots_batch *batch,
                             size_t index, bool is_stored)
{
    if (batch->sent)
        pipeline->options.watcher->settle(batch->sent->rows, batch->places[index], is_stored);
}

bool ots_pipeline_end_counting_locked(struct ots_pipeline *pipeline, struct ots_batch *batch)
{
    struct ots_sent_batch *sent = batch->sent;
    if (!sent)
        return false;
    const atomic_bool *holds = pipeline->options.holds_done;
    sent->is_in_journal = batch->is_in_journal && holds && atomic_load(holds);
    struct ots_sent_batch **link = &pipeline->synced.ended;
    while (*link && (*link)->number < sent->number)
        link = &(*link)->next;
    sent->next = *link;
    *link = sent;
    pipeline->synced.ended_count++;
    batch->sent = NULL;
    return sent->is_in_journal;
}

void ots_pipeline_give_up_counting(struct ots_pipeline *pipeline, struct ots_batch *batch)
{
    if (!batch->sent)
        return;
    pipeline->options.watcher->give_up(pipeline->options.watcher_context, batch->sent->rows);
    free(batch->sent);
    batch->sent = NULL;
}

bool ots_pipeline_is_counting_locked(const struct ots_pipeline *pipeline, uint64_t number_max)
{
    const struct ots_sent_batch *first = pipeline->synced.ended;
    return (first && first->number <= number_max) ||
           (pipeline->synced.counting && pipeline->synced.counting <= number_max);
}

/* Those before it could still be stored soon. */
static bool has_to_wait_locked(const struct ots_pipeline *pipeline, uint64_t number)
{
    if (pipeline->synced.ended_count > WAITING_MAX)
        return false;
    for (const struct ots_batch *batch = pipeline->synced.in_flight; batch; batch = batch->next)
        if (batch->number < number && !batch->is_ended && !batch->is_kept)
            return true;
    return false;
}

static struct ots_sent_batch *take_ended_locked(struct ots_pipeline *pipeline)
{
    struct ots_sent_batch *sent = pipeline->synced.ended;
    if (!sent || pipeline->synced.counting || has_to_wait_locked(pipeline, sent->number))
        return NULL;
    pipeline->synced.ended = sent->next;
    pipeline->synced.ended_count--;
    pipeline->synced.counting = sent->number;
    return sent;
}

/* Without memory the batch stays in the journal, and is put again at the next mount. */
static void hold_locked(struct ots_pipeline *pipeline, uint64_t number)
{
    if (pipeline->synced.held_count == pipeline->synced.held_capacity) {
        size_t capacity = pipeline->synced.held_capacity ? 2 * pipeline->synced.held_capacity : 64;
        uint64_t *grown = reallocarray(pipeline->synced.held, capacity, sizeof(*grown));
        if (!grown)
            return;
        pipeline->synced.held = grown;
        pipeline->synced.held_capacity = capacity;
    }
    pipeline->synced.held[pipeline->synced.held_count++] = number;
}

void ots_pipeline_count_ended(struct ots_pipeline *pipeline)
{
    struct ots_sent_batch *sent;
    pthread_mutex_lock(&pipeline->synced.lock);
    while ((sent = take_ended_locked(pipeline))) {
        pthread_mutex_unlock(&pipeline->synced.lock);
        pipeline->options.watcher->end(pipeline->options.watcher_context, sent->rows);
        pthread_mutex_lock(&pipeline->synced.lock);
        if (sent->is_in_journal)
            hold_locked(pipeline, sent->number);
        if (pipeline->synced.held_count > HELD_MAX) {
            uint64_t overdue = pipeline->synced.flushed_count + HELD_MAX / 2;
            pthread_mutex_unlock(&pipeline->synced.lock);
            ots_pipeline_flush_done(pipeline, overdue);
            pthread_mutex_lock(&pipeline->synced.lock);
        }
        /* From here on the pipeline may be freed by who waits for this. */
        pipeline->synced.counting = 0;
        pthread_cond_broadcast(&pipeline->synced.changed);
        free(sent);
    }
    pthread_mutex_unlock(&pipeline->synced.lock);
}

/* --- the journal ------------------------------------------------------------------------------*/

uint64_t ots_pipeline_done_mark(struct ots_pipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->synced.lock);
    uint64_t mark = pipeline->synced.flushed_count + pipeline->synced.held_count;
    pthread_mutex_unlock(&pipeline->synced.lock);
    return mark;
}

size_t ots_pipeline_held_count(struct ots_pipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->synced.lock);
    size_t count = pipeline->synced.held_count;
    pthread_mutex_unlock(&pipeline->synced.lock);
    return count;
}

/* Take the first of those before the mark. */
static bool take_held(struct ots_pipeline *pipeline, uint64_t mark, uint64_t *numbers, size_t max,
                      size_t *count)
{
    pthread_mutex_lock(&pipeline->synced.lock);
    uint64_t due =
        mark > pipeline->synced.flushed_count ? mark - pipeline->synced.flushed_count : 0;
    if (due > pipeline->synced.held_count)
        due = pipeline->synced.held_count;
    *count = due < max ? (size_t)due : max;
    uint64_t *held = pipeline->synced.held;
    if (*count) {
        memcpy(numbers, held, *count * sizeof(*held));
        memmove(held, held + *count, (pipeline->synced.held_count - *count) * sizeof(*held));
    }
    pipeline->synced.held_count -= *count;
    pipeline->synced.flushed_count += *count;
    pthread_mutex_unlock(&pipeline->synced.lock);
    return *count;
}

static enum ots_status tell_done(struct ots_pipeline *pipeline, uint64_t number,
                                 struct ots_error *err)
{
    struct ots_journal *journal = ots_pipeline_journal(pipeline);
    if (!journal)
        return OTS_OK;
    if (!number)
        return ots_journal_drop_old(journal, err);
    return ots_journal_done(journal, number, 0, ots_store_now_us(pipeline->options.store), err);
}

void ots_pipeline_flush_done(struct ots_pipeline *pipeline, uint64_t mark)
{
    uint64_t numbers[256];
    size_t count;
    while (take_held(pipeline, mark, numbers, sizeof(numbers) / sizeof(numbers[0]), &count))
        for (size_t i = 0; i < count; i++) {
            struct ots_error err;
            if (tell_done(pipeline, numbers[i], &err) != OTS_OK && pipeline->options.log)
                ots_log_error(pipeline->options.log, OTS_LOG_WARNING, "rows may be put again",
                              &err);
        }
}

enum ots_status ots_pipeline_drop_old(struct ots_pipeline *pipeline, struct ots_error *err)
{
    const atomic_bool *holds = pipeline->options.holds_done;
    if (!holds || !atomic_load(holds))
        return tell_done(pipeline, 0, err);
    pthread_mutex_lock(&pipeline->synced.lock);
    hold_locked(pipeline, 0);
    pthread_mutex_unlock(&pipeline->synced.lock);
    return OTS_OK;
}
