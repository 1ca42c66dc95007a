/*
 * Rows of a pipeline into its journal.
 */
#include "fs/view/pipeline_state.h"

enum { RETRY_US = 1000000 };

/* Rows of a batch that are to be written to the journal. Their memory is the batch's. */
struct handing {
    struct ots_batch *batch;
    struct ots_row rows[OTS_PUT_ROWS_MAX];
    size_t count;
};

static bool is_to_journal(const struct ots_batch *batch)
{
    for (size_t i = 0; i < batch->count && !batch->is_ended; i++)
        if (!batch->is_journaled[i])
            return true;
    return false;
}

/* The batch of the lowest number above `number` that has rows for the journal. */
static struct ots_batch *next_to_journal_locked(const struct ots_pipeline *pipeline,
                                                uint64_t number)
{
    struct ots_batch *found = pipeline->synced.filling;
    if (found && (found->number <= number || !is_to_journal(found)))
        found = NULL;
    for (struct ots_batch *batch = pipeline->synced.in_flight; batch; batch = batch->next)
        if (batch->number > number && (!found || batch->number < found->number) &&
            is_to_journal(batch))
            found = batch;
    return found;
}

/* Take a reference to the next batch, and its rows. */
static bool take_rows(struct ots_pipeline *pipeline, uint64_t number, struct handing *handing)
{
    pthread_mutex_lock(&pipeline->synced.lock);
    struct ots_batch *batch = next_to_journal_locked(pipeline, number);
    handing->batch = batch;
    handing->count = 0;
    for (size_t i = 0; batch && i < batch->count; i++) {
        if (!batch->is_journaled[i])
            handing->rows[handing->count++] = batch->rows[i];
        batch->is_journaled[i] = true;
    }
    if (batch) {
        batch->references++;
        batch->is_in_journal = true;
    }
    pthread_mutex_unlock(&pipeline->synced.lock);
    return batch;
}

static enum ots_status write_rows(struct ots_pipeline *pipeline, const struct handing *handing,
                                  struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    ots_buf_reset(&pipeline->text);
    ots_lp_printer_forget_key(&pipeline->printer);
    for (size_t i = 0; i < handing->count && status == OTS_OK; i++)
        status = ots_lp_print(&pipeline->printer, &handing->rows[i], &pipeline->text, err);
    if (status == OTS_OK)
        status = ots_journal_append(pipeline->journal, handing->batch->number,
                                    ots_store_now_us(pipeline->options.store),
                                    ots_buf_slice(&pipeline->text), err);
    if (status == OTS_OK)
        return OTS_OK;
    /* The next one who hands over tries again. */
    pthread_mutex_lock(&pipeline->synced.lock);
    memset(handing->batch->is_journaled, 0, sizeof(handing->batch->is_journaled));
    pthread_mutex_unlock(&pipeline->synced.lock);
    return status;
}

/* With `journal_lock` held. `*is_written`: there was something to write. */
static enum ots_status write_batches(struct ots_pipeline *pipeline, bool *is_written,
                                     struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&pipeline->synced.lock);
    uint64_t last_number = pipeline->synced.next_number - 1;
    pthread_mutex_unlock(&pipeline->synced.lock);
    struct handing handing;
    uint64_t number = 0;
    *is_written = false;
    while (pipeline->journal && status == OTS_OK && number < last_number &&
           take_rows(pipeline, number, &handing)) {
        number = handing.batch->number;
        *is_written = true;
        status = write_rows(pipeline, &handing, err);
        ots_pipeline_release(pipeline, handing.batch);
    }
    return status;
}

/* --- a journal that somebody removes ----------------------------------------------------------*/

static int64_t now_us(const struct ots_pipeline *pipeline)
{
    return ots_clock_monotonic_us(pipeline->options.clock);
}

static void tell(const struct ots_pipeline *pipeline, const char *text, const char *reason)
{
    if (pipeline->options.log)
        ots_log(pipeline->options.log, OTS_LOG_ERROR, "table %s: %s%s", pipeline->table, text,
                reason);
}

/* What was written to it and is not stored yet has to be written again. */
static bool forget_removed(struct ots_pipeline *pipeline)
{
    if (!pipeline->journal || !ots_journal_forget_removed(pipeline->journal))
        return false;
    pthread_mutex_lock(&pipeline->synced.lock);
    struct ots_batch *filling = pipeline->synced.filling;
    if (filling)
        memset(filling->is_journaled, 0, sizeof(filling->is_journaled));
    for (struct ots_batch *batch = pipeline->synced.in_flight; batch; batch = batch->next)
        memset(batch->is_journaled, 0, sizeof(batch->is_journaled));
    pthread_mutex_unlock(&pipeline->synced.lock);
    tell(pipeline, "its journal was removed; rows that are not stored yet are written to a new one",
         "");
    return true;
}

/* With `journal_lock` held. A failure is told once, until one is over. */
static enum ots_status write_and_tell(struct ots_pipeline *pipeline, struct ots_error *err)
{
    struct ots_error error = {.message = ""};
    bool is_written;
    enum ots_status status = write_batches(pipeline, &is_written, &error);
    bool was_failing = atomic_load(&pipeline->is_journal_failing);
    if (is_written)
        atomic_store(&pipeline->is_journal_failing, status != OTS_OK);
    if (status != OTS_OK)
        pipeline->journal_retry_us = now_us(pipeline) + RETRY_US;
    if (status != OTS_OK && !was_failing)
        tell(pipeline,
             "rows cannot be written to its journal, so closing files fails, and a kill loses what "
             "is not stored yet: ",
             error.message);
    else if (is_written && status == OTS_OK && was_failing)
        tell(pipeline, "its journal can be written again", "");
    if (status != OTS_OK && err)
        *err = error;
    return status;
}

enum ots_status ots_pipeline_hand_over(struct ots_pipeline *pipeline, struct ots_error *err)
{
    pthread_mutex_lock(&pipeline->journal_lock);
    forget_removed(pipeline);
    enum ots_status status = write_and_tell(pipeline, err);
    pthread_mutex_unlock(&pipeline->journal_lock);
    return status;
}

void ots_pipeline_mend_journal(struct ots_pipeline *pipeline)
{
    pthread_mutex_lock(&pipeline->journal_lock);
    /* What nobody has handed over yet goes there too, and that is no harm. */
    bool is_removed = forget_removed(pipeline);
    bool is_due = atomic_load(&pipeline->is_journal_failing) &&
                  now_us(pipeline) >= pipeline->journal_retry_us;
    if (is_removed || is_due)
        write_and_tell(pipeline, NULL);
    pthread_mutex_unlock(&pipeline->journal_lock);
}
