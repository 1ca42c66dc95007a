/*
 * Keeping what is known of a table's timelines up to date.
 *
 * There is no stream follower yet, so knowledge ages: after a second, or 20 times what its scan
 * took. Whoever needs what is old learns it anew; others who need it meanwhile wait for that.
 */
#include "fs/view/state.h"

/* Scan, and note how long that lasts. */
static enum ots_status learn_timelines(struct ots_extract *extract, struct ots_interrupt *interrupt,
                                       struct ots_error *err)
{
    struct ots_view *view = extract->view;
    int64_t started_us = ots_view_now_us(view);
    enum ots_status status = ots_extract_measure(extract, interrupt, err);
    pthread_mutex_lock(&view->synced.lock);
    if (status == OTS_OK) {
        int64_t ended_us = ots_view_now_us(view);
        int64_t rest_us = (ended_us - started_us) * OTS_FRESH_COST_FACTOR;
        extract->timelines.fresh_until_us =
            ended_us + (rest_us > OTS_FRESH_US ? rest_us : OTS_FRESH_US);
    } else if (status == OTS_NOT_FOUND) {
        extract->table->node->is_listed = false;
        extract->table->instance->tables.fresh_until_us = 0;
    }
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

enum ots_status ots_extract_refresh(struct ots_extract *extract, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    struct ots_view *view = extract->view;
    const struct ots_table *table = extract->table;
    pthread_mutex_lock(&view->synced.lock);
    bool has_field_keys = table->has_field_keys;
    pthread_mutex_unlock(&view->synced.lock);
    if (has_field_keys)
        return ots_error_set(err, OTS_UNSUPPORTED,
                             "table %.*s has fields in its primary key, which otsfs cannot show",
                             OTS_SLICE_FMT(table->node->name));
    struct ots_error error = {0};
    bool is_claimed;
    enum ots_status status =
        ots_knowledge_claim(view, &extract->timelines, interrupt, &is_claimed, &error);
    if (status == OTS_OK && is_claimed) {
        status = learn_timelines(extract, interrupt, &error);
        ots_knowledge_release(view, &extract->timelines, status, &error);
    }
    if (status != OTS_OK && err)
        *err = error;
    return status;
}
