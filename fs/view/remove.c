/*
 * unlink and rmdir.
 *
 * The service cannot delete rows, so a timeline is removed by deleting its metadata record and
 * hiding its file. Hidden it stays until something shows that it has a row it had not then; the
 * node keeps what it held, and whatever lists it again clears the mark.
 */
#include "fs/view/attributes.h"
#include "fs/view/follower.h"
#include "fs/view/self.h"
#include "fs/view/staging.h"
#include "fs/view/unsaved.h"

/* A listed child that is in no view. */
static enum ots_status find_child(struct ots_view *view, uint64_t parent, struct ots_slice name,
                                  struct ots_node **child, struct ots_error *err)
{
    enum ots_status status = ots_view_check_writable(view, parent, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_node *dir = ots_tree_by_ino(&view->synced.tree, parent);
    *child = dir ? ots_node_child(dir, name) : NULL;
    if (!*child || !(*child)->is_listed)
        status = ots_error_set(err, OTS_NOT_FOUND, "no such entry: %.*s", OTS_SLICE_FMT(name));
    else if (ots_node_is_in_view(*child))
        status = ots_error_set(err, OTS_READ_ONLY, "views can only be read");
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

static enum ots_status not_permitted(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOT_PERMITTED, "nothing can be removed there");
}

/* --- timelines --------------------------------------------------------------------------------*/

static enum ots_status delete_record(struct ots_table *table, const struct ots_series_key *key,
                                     struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_DELETE_META);
    call.request.delete_meta.table = table->node->name;
    call.request.delete_meta.keys = key;
    call.request.delete_meta.count = 1;
    enum ots_status status = ots_store_run(table->instance->store, &call, interrupt, err);
    const struct ots_change_meta_response *response = &call.response.change_meta;
    if (status == OTS_OK && response->failed_row_count)
        status = ots_error_set(err, OTS_IO, "%s: %.*s: %.*s", ots_action_name(call.action),
                               OTS_SLICE_FMT(response->failed_rows[0].code),
                               OTS_SLICE_FMT(response->failed_rows[0].message));
    ots_call_deinit(&call);
    return status;
}

/* Unless it was written again meanwhile. */
static void hide_timeline(struct ots_table *table, struct ots_node *timeline, uint64_t own_write)
{
    struct ots_view *view = table->view;
    pthread_mutex_lock(&view->synced.lock);
    if (timeline->timeline.own_write == own_write &&
        !ots_extract_is_unmeasured_locked(&table->whole, timeline)) {
        timeline->is_listed = false;
        timeline->is_local = false;
        /* When browsing it is not known whether there are rows, and its record may still be found.
         */
        timeline->is_removed = timeline->timeline.extent.row_count > 0 || view->options.is_browse;
        ots_table_note_changed_locked(table, timeline, false);
    }
    pthread_mutex_unlock(&view->synced.lock);
}

static enum ots_status unlink_timeline(struct ots_view *view, struct ots_node *timeline,
                                       struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_extract *extract = ots_node_extract(timeline);
    struct ots_table *table = extract->table;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key = {0};
    if (!view->options.may_delete)
        return ots_error_set(err, OTS_NOT_PERMITTED, "needs -o allow_delete");
    /* What it holds must be known exactly, or the next scan takes it for changed. */
    enum ots_status status = ots_extract_refresh_timeline(extract, timeline, interrupt, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    status = ots_node_key(timeline, &arena, &key);
    uint64_t own_write = timeline->timeline.own_write;
    pthread_mutex_unlock(&view->synced.lock);
    if (status == OTS_OK)
        status = ots_attributes_wait(table->attributes, interrupt, err);
    if (status == OTS_OK)
        status = delete_record(table, &key, interrupt, err);
    else if (status == OTS_NOT_FOUND)
        status = OTS_OK; /* a hashed name of which no row was ever seen */
    if (status == OTS_OK) {
        ots_attributes_note_deletion(table->attributes, timeline);
        hide_timeline(table, timeline, own_write);
    }
    ots_arena_deinit(&arena);
    return status;
}

/* False when there is none of that name. */
static bool unlink_staging(struct ots_view *view, uint64_t parent, struct ots_slice name)
{
    struct ots_staging *staging = ots_staging_find(view, parent, name);
    if (!staging)
        return false;
    ots_staging_unlink(staging);
    ots_staging_unref(staging);
    return true;
}

enum ots_status ots_view_unlink(struct ots_view *view, uint64_t parent, struct ots_slice name,
                                struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_node *node;
    if (unlink_staging(view, parent, name))
        return OTS_OK;
    enum ots_status status = find_child(view, parent, name, &node, err);
    if (status != OTS_OK)
        return status;
    switch (node->kind) {
    case OTS_NODE_TIMELINE:
        return unlink_timeline(view, node, interrupt, err);
    case OTS_NODE_STATUS_FILE:
        return ots_self_unlink(node, err);
    case OTS_NODE_ROOT:
    case OTS_NODE_INSTANCE:
    case OTS_NODE_TABLE:
    case OTS_NODE_VIEWS:
    case OTS_NODE_EXTRACT:
    case OTS_NODE_MEASUREMENT:
    case OTS_NODE_STAGING:
    case OTS_NODE_PORT:
    case OTS_NODE_STATUS_DIR:
        break;
    }
    return not_permitted(err);
}

/* --- directories ------------------------------------------------------------------------------*/

/* Unlist a directory that lists nothing. */
static enum ots_status unlist_empty(struct ots_view *view, struct ots_node *dir,
                                    struct ots_error *err)
{
    pthread_mutex_lock(&view->synced.lock);
    size_t count = ots_node_count_shown(dir);
    if (!count) {
        dir->is_listed = false;
        if (dir->kind == OTS_NODE_MEASUREMENT)
            ots_table_note_directory_locked(ots_node_table(dir), dir);
        ots_staging_unlink_all_locked(view, dir);
    }
    pthread_mutex_unlock(&view->synced.lock);
    return count ? ots_error_set(err, OTS_NOT_EMPTY, "it is not empty") : OTS_OK;
}

/* Whether the service has a row of the table, be it one that is not shown any more. */
static enum ots_status find_row(struct ots_table *table, struct ots_interrupt *interrupt,
                                bool *has_row, struct ots_error *err)
{
    struct ots_buf token = OTS_BUF_INIT;
    enum ots_status status;
    do {
        struct ots_call call;
        ots_call_init(&call, OTS_ACTION_SCAN);
        call.request.scan.table = table->node->name;
        call.request.scan.limit = 1;
        call.request.scan.token = ots_buf_slice(&token);
        status = ots_store_run(table->instance->store, &call, interrupt, err);
        *has_row = status == OTS_OK && call.response.page.rows.count > 0;
        if (status == OTS_OK)
            status = ots_buf_set(&token, call.response.page.next_token);
        ots_call_deinit(&call);
    } while (status == OTS_OK && !*has_row && token.size);
    ots_buf_deinit(&token);
    return status;
}

static enum ots_status delete_table(struct ots_table *table, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_DELETE_TABLE);
    call.request.table.table = table->node->name;
    enum ots_status status = ots_store_run(table->instance->store, &call, interrupt, err);
    ots_call_deinit(&call);
    return status;
}

static bool has_rows_to_come(struct ots_table *table)
{
    struct ots_journal *journal = ots_pipeline_journal(table->pipeline);
    struct ots_journal_counts counts = {0};
    if (journal)
        ots_journal_counts(journal, &counts);
    /* What is stored and kept there only for the state of the table does not count. */
    bool is_held = ots_pipeline_held_count(table->pipeline);
    return ots_pipeline_is_busy(table->pipeline) ||
           (!is_held && (counts.batches || counts.old_segments));
}

/* Whatever the attempt came to: what is there now must be learned anew. */
static void forget_table(struct ots_table *table)
{
    struct ots_view *view = table->view;
    pthread_mutex_lock(&view->synced.lock);
    ots_table_forget_locked(table);
    pthread_mutex_unlock(&view->synced.lock);
    ots_attributes_note_end(table->attributes);
}

static enum ots_status remove_table(struct ots_view *view, struct ots_node *node,
                                    struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_table *table = node->table;
    if (!view->options.may_delete)
        return ots_error_set(err, OTS_NOT_PERMITTED, "needs -o allow_delete");
    /* Rows that an earlier mount left are put first. */
    enum ots_status status = ots_follower_prepare(table, interrupt, err);
    if (status != OTS_OK)
        return status;
    if (has_rows_to_come(table))
        return ots_error_set(err, OTS_NOT_EMPTY, "rows are on their way to it");
    bool has_row;
    status = find_row(table, interrupt, &has_row, err);
    if (status != OTS_OK)
        return status;
    if (has_row)
        return ots_error_set(err, OTS_NOT_EMPTY, "it has rows, which the service cannot delete");
    /* From here on nobody finds it who might write to it. */
    status = unlist_empty(view, node, err);
    if (status == OTS_OK) {
        status = delete_table(table, interrupt, err);
        forget_table(table);
    }
    return status;
}

enum ots_status ots_view_rmdir(struct ots_view *view, uint64_t parent, struct ots_slice name,
                               struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_node *node;
    enum ots_status status = find_child(view, parent, name, &node, err);
    if (status != OTS_OK)
        return status;
    if (node->kind == OTS_NODE_TABLE)
        return remove_table(view, node, interrupt, err);
    if (node->kind != OTS_NODE_MEASUREMENT)
        return not_permitted(err);
    return unlist_empty(view, node, err);
}
