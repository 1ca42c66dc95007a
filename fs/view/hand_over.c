/*
 * Rows of a pipeline into its journal.
 */
#include "fs/view/pipeline_state.h"

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

enum ots_status ots_pipeline_hand_over(struct ots_pipeline *pipeline, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&pipeline->journal_lock);
    pthread_mutex_lock(&pipeline->synced.lock);
    uint64_t last_number = pipeline->synced.next_number - 1;
    pthread_mutex_unlock(&pipeline->synced.lock);
    struct handing handing;
    uint64_t number = 0;
    while (pipeline->journal && status == OTS_OK && number < last_number &&
           take_rows(pipeline, number, &handing)) {
        number = handing.batch->number;
        status = write_rows(pipeline, &handing, err);
        ots_pipeline_release(pipeline, handing.batch);
    }
    pthread_mutex_unlock(&pipeline->journal_lock);
    return status;
}
