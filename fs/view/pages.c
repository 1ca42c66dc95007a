#include "fs/view/pages.h"

void ots_page_reader_init(struct ots_page_reader *reader, const struct ots_page_source *source,
                          int32_t limit)
{
    *reader = (struct ots_page_reader){.source = *source, .limit = limit};
    ots_call_init(&reader->call, OTS_ACTION_GET);
    ots_call_init(&reader->ahead, OTS_ACTION_GET);
    pthread_mutex_init(&reader->synced.lock, NULL);
    pthread_cond_init(&reader->synced.changed, NULL);
}

static void note_answer(struct ots_call *call, void *context)
{
    struct ots_page_reader *reader = context;
    (void)call;
    pthread_mutex_lock(&reader->synced.lock);
    reader->synced.is_answered = true;
    pthread_cond_broadcast(&reader->synced.changed);
    pthread_mutex_unlock(&reader->synced.lock);
}

static void wake(void *context)
{
    struct ots_page_reader *reader = context;
    pthread_mutex_lock(&reader->synced.lock);
    pthread_cond_broadcast(&reader->synced.changed);
    pthread_mutex_unlock(&reader->synced.lock);
}

/* False when the interrupt was raised before the answer came. */
static bool wait_for_answer(struct ots_page_reader *reader, struct ots_interrupt *interrupt)
{
    ots_interrupt_attach_waiter(interrupt, wake, reader);
    pthread_mutex_lock(&reader->synced.lock);
    while (!reader->synced.is_answered && !ots_interrupt_is_raised(interrupt))
        pthread_cond_wait(&reader->synced.changed, &reader->synced.lock);
    bool is_answered = reader->synced.is_answered;
    pthread_mutex_unlock(&reader->synced.lock);
    ots_interrupt_detach(interrupt);
    return is_answered;
}

void ots_page_reader_deinit(struct ots_page_reader *reader)
{
    if (reader->is_asked) {
        reader->source.store->ops->cancel(reader->source.store, &reader->ahead);
        wait_for_answer(reader, NULL);
    }
    ots_buf_deinit(&reader->token);
    ots_call_deinit(&reader->call);
    ots_call_deinit(&reader->ahead);
    pthread_cond_destroy(&reader->synced.changed);
    pthread_mutex_destroy(&reader->synced.lock);
}

void ots_page_reader_ask(struct ots_page_reader *reader)
{
    const struct ots_page_source *source = &reader->source;
    if (reader->is_asked || reader->is_last)
        return;
    ots_call_deinit(&reader->ahead);
    ots_call_init(&reader->ahead, OTS_ACTION_GET);
    struct ots_get_request *get = &reader->ahead.request.get;
    get->table = source->table;
    get->key = *source->key;
    /* Both ends are sent: what the service does without one is not documented. */
    get->has_begin = true;
    get->begin_us = source->begin_us;
    get->has_end = true;
    get->end_us = source->end_us;
    get->fields = source->fields;
    get->field_count = source->field_count;
    get->limit = reader->limit ? reader->limit : OTS_PAGE_ROWS_MAX;
    get->token = ots_buf_slice(&reader->token);
    reader->ahead.done = note_answer;
    reader->ahead.done_context = reader;
    reader->is_asked = true;
    reader->synced.is_answered = false;
    source->store->ops->submit(source->store, &reader->ahead);
}

/* What was asked for ahead and failed is asked for anew: that was long ago, perhaps. */
static void forget_failure(struct ots_page_reader *reader)
{
    pthread_mutex_lock(&reader->synced.lock);
    bool is_failed = reader->synced.is_answered && reader->ahead.status != OTS_OK;
    pthread_mutex_unlock(&reader->synced.lock);
    if (is_failed)
        reader->is_asked = false;
}

static enum ots_status take_answer(struct ots_page_reader *reader, struct ots_error *err)
{
    reader->is_asked = false;
    if (reader->ahead.status != OTS_OK) {
        if (err)
            *err = reader->ahead.error;
        return reader->ahead.status;
    }
    ots_page_reader_forget(reader);
    if (ots_buf_set(&reader->token, reader->ahead.response.page.next_token) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    reader->is_last = !reader->token.size;
    reader->call = reader->ahead;
    ots_call_init(&reader->ahead, OTS_ACTION_GET);
    return OTS_OK;
}

enum ots_status ots_page_reader_next(struct ots_page_reader *reader,
                                     struct ots_interrupt *interrupt, const struct ots_rows **rows,
                                     struct ots_error *err)
{
    if (reader->is_asked)
        forget_failure(reader);
    if (!reader->is_asked && ots_interrupt_is_raised(interrupt))
        return ots_error_set(err, OTS_CANCELLED, "interrupted");
    ots_page_reader_ask(reader);
    if (!wait_for_answer(reader, interrupt))
        return ots_error_set(err, OTS_CANCELLED, "interrupted");
    enum ots_status status = take_answer(reader, err);
    if (status == OTS_OK)
        *rows = &reader->call.response.page.rows;
    return status;
}

void ots_page_reader_forget(struct ots_page_reader *reader)
{
    ots_call_deinit(&reader->call);
    ots_call_init(&reader->call, OTS_ACTION_GET);
}
