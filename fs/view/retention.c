#include "fs/view/retention.h"

#include "fs/view/state.h"
#include "fs/view/stream_cursor.h"

/* A window that begins so soon after what is removed next could not be read in time. */
static const int64_t MARGIN_US = INT64_C(600) * 1000000;
static const int64_t HOUR_US = OTS_WINDOW_LISTED_US;

/* --- learning ---------------------------------------------------------------------------------*/

/* What the service refuses, and will refuse again. */
static bool is_refusal(enum ots_status status)
{
    return status == OTS_DENIED || status == OTS_NOT_FOUND || status == OTS_UNSUPPORTED ||
           status == OTS_INVALID || status == OTS_NOT_PERMITTED || status == OTS_LIMIT;
}

static enum ots_status describe(struct ots_table *table, struct ots_slice stream,
                                struct ots_interrupt *interrupt, struct ots_retention *retention,
                                struct ots_error *err)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_DESCRIBE_STREAM);
    call.request.describe_stream = (struct ots_describe_stream_request){
        .stream = stream, .shard_limit = 1, .accepts_timeseries = true};
    enum ots_status status = ots_store_run(table->instance->store, &call, interrupt, err);
    const struct ots_describe_stream_response *response = &call.response.describe_stream;
    if (status == OTS_OK) {
        retention->created_us = response->info.created_us;
        retention->hours = response->expiration_hours;
    }
    ots_call_deinit(&call);
    return status;
}

/* Ask the service. Whoever calls this has claimed the knowledge. */
static enum ots_status learn(struct ots_table *table, struct ots_interrupt *interrupt,
                             struct ots_error *err)
{
    struct ots_view *view = table->view;
    struct ots_known_retention *known = &table->retention;
    struct ots_retention retention = {0};
    struct ots_buf stream = OTS_BUF_INIT;
    int64_t created_us;
    enum ots_status status = ots_stream_find(table->instance->store, table->node->name, interrupt,
                                             &stream, &created_us, err);
    if (status == OTS_OK)
        status = describe(table, ots_buf_slice(&stream), interrupt, &retention, err);
    ots_buf_deinit(&stream);
    if (status != OTS_OK && !is_refusal(status))
        return status;
    pthread_mutex_lock(&view->synced.lock);
    known->is_readable = status == OTS_OK;
    known->retention = retention;
    known->knowledge.fresh_until_us = ots_view_now_us(view) + OTS_FRESH_US;
    pthread_mutex_unlock(&view->synced.lock);
    return OTS_OK;
}

enum ots_status ots_table_retention(struct ots_table *table, struct ots_interrupt *interrupt,
                                    struct ots_retention *retention, struct ots_error *err)
{
    struct ots_view *view = table->view;
    struct ots_knowledge *knowledge = &table->retention.knowledge;
    struct ots_error error = {.message = ""};
    bool is_claimed;
    if (view->options.stream_off)
        return ots_error_set(err, OTS_DENIED, "the stream is not read with -o stream=off");
    enum ots_status status = ots_knowledge_claim(view, knowledge, interrupt, &is_claimed, &error);
    if (status == OTS_OK && is_claimed) {
        status = learn(table, interrupt, &error);
        ots_knowledge_release(view, knowledge, status, &error);
    }
    if (status != OTS_OK) {
        if (err)
            *err = error;
        return status;
    }
    pthread_mutex_lock(&view->synced.lock);
    bool is_readable = table->retention.is_readable;
    *retention = table->retention.retention;
    pthread_mutex_unlock(&view->synced.lock);
    return is_readable ? OTS_OK
                       : ots_error_set(err, OTS_DENIED, "the stream of %.*s cannot be read",
                                       OTS_SLICE_FMT(table->node->name));
}

/* --- what is kept -----------------------------------------------------------------------------*/

/* From when on nothing was removed; INT64_MIN: nothing ever was. */
static int64_t kept_from_us(const struct ots_retention *retention, int64_t now_us)
{
    int64_t kept_us = now_us - retention->hours * HOUR_US;
    return retention->created_us > kept_us ? INT64_MIN : kept_us;
}

bool ots_retention_has(const struct ots_retention *retention, const struct ots_selection *window,
                       int64_t now_us)
{
    return window->put_begin_us >= kept_from_us(retention, now_us);
}

enum ots_status ots_retention_check(const struct ots_retention *retention,
                                    const struct ots_selection *window, int64_t now_us,
                                    int64_t settle_us, struct ots_error *err)
{
    int64_t kept_us = kept_from_us(retention, now_us);
    if (kept_us != INT64_MIN && window->put_begin_us < kept_us + MARGIN_US)
        return ots_error_set(err, OTS_TRIMMED,
                             "the window begins before the last %d hours, which the stream keeps",
                             (int)retention->hours);
    if (window->put_end_us > now_us - settle_us)
        return ots_error_set(err, OTS_INCOMPLETE, "the window is not complete yet");
    return OTS_OK;
}

static int64_t floor_hour(int64_t time_us)
{
    return time_us - time_us % HOUR_US;
}

size_t ots_retention_hours(const struct ots_retention *retention, int64_t now_us, int64_t settle_us,
                           int64_t *first_us)
{
    int64_t kept_us = kept_from_us(retention, now_us);
    *first_us = kept_us == INT64_MIN ? floor_hour(retention->created_us)
                                     : floor_hour(kept_us + MARGIN_US + HOUR_US - 1);
    int64_t end_us = floor_hour(now_us - settle_us);
    return *first_us < end_us ? (size_t)((end_us - *first_us) / HOUR_US) : 0;
}
