/*
 * Listing from metadata: quick in huge tables, but without sizes, and without timelines that have
 * no record.
 */
#include "fs/lp/names.h"
#include "fs/view/finding.h"

struct browse {
    struct ots_finding finding;
    struct ots_buf token;
    struct ots_key_names names;
};

/* The record's time stands for that of the newest row until the timeline was opened. */
static void note_time(const struct ots_view *view, struct ots_node *timeline, int64_t time_us)
{
    if (!timeline->is_mtime_set && !timeline->timeline.extent.row_count)
        timeline->mtime_ns = ots_view_past_ns(view, time_us > 0 ? time_us : 0);
}

static enum ots_status note_record(struct browse *browse, const struct ots_timeline_meta *meta)
{
    struct ots_view *view = browse->finding.extract->view;
    struct ots_key_names *names = &browse->names;
    enum ots_status status = ots_key_names_set(names, &meta->key);
    if (status != OTS_OK ||
        !ots_share_has(&browse->finding.selection.share, names->measurement, names->timeline))
        return status;
    struct ots_node *timeline;
    pthread_mutex_lock(&view->synced.lock);
    status = ots_finding_note_locked(&browse->finding, &meta->key, names->measurement,
                                     names->timeline, &timeline);
    if (status == OTS_OK)
        note_time(view, timeline, meta->update_time_us);
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

/* One page of records; the token becomes that of the next, empty at the end. */
static enum ots_status read_page(struct browse *browse, struct ots_interrupt *interrupt,
                                 struct ots_error *err)
{
    const struct ots_table *table = browse->finding.extract->table;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_QUERY_META);
    call.request.query_meta.table = table->node->name;
    call.request.query_meta.token = ots_buf_slice(&browse->token);
    enum ots_status status = ots_store_run(table->instance->store, &call, interrupt, err);
    const struct ots_query_meta_response *response = &call.response.query_meta;
    for (size_t i = 0; status == OTS_OK && i < response->count; i++)
        status = note_record(browse, &response->metas[i]);
    if (status == OTS_OK)
        status = ots_buf_set(&browse->token, response->next_token);
    ots_call_deinit(&call);
    return status;
}

enum ots_status ots_extract_browse(struct ots_extract *extract, struct ots_interrupt *interrupt,
                                   struct ots_error *err)
{
    struct browse browse = {0};
    enum ots_status status = ots_finding_begin(&browse.finding, extract, interrupt, err);
    do {
        if (status == OTS_OK)
            status = read_page(&browse, interrupt, err);
    } while (status == OTS_OK && browse.token.size);
    if (status == OTS_OK)
        status = ots_finding_commit(&browse.finding);
    ots_finding_deinit(&browse.finding);
    ots_buf_deinit(&browse.token);
    ots_key_names_deinit(&browse.names);
    return status;
}
