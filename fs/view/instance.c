/*
 * The tables of one source, and keeping their list up to date.
 */
#include <stdlib.h>

#include "fs/view/apply.h"
#include "fs/view/attributes.h"
#include "fs/view/follower.h"
#include "fs/view/own_rows.h"
#include "fs/view/port.h"
#include "fs/view/refusal.h"
#include "fs/view/timelines.h"

struct ots_table *ots_instance_next_table(struct ots_instance *instance,
                                          const struct ots_table *table)
{
    pthread_mutex_lock(&instance->view->synced.lock);
    struct ots_table *next = table ? table->next : instance->last_table;
    pthread_mutex_unlock(&instance->view->synced.lock);
    return next;
}

void ots_instance_deinit(struct ots_instance *instance)
{
    while (instance->last_table) {
        struct ots_table *table = instance->last_table;
        instance->last_table = table->next;
        ots_attributes_free(table->attributes);
        /* Puts that end now are told to the follower. */
        ots_pipeline_free(table->pipeline);
        ots_follower_free(table->follower);
        ots_journal_free(table->journal);
        ots_described_deinit(&table->described);
        ots_apply_deinit(table);
        free(table);
    }
}

/* --- failures of rows -------------------------------------------------------------------------*/

bool ots_table_note_failure_locked(struct ots_table *table, struct ots_node *timeline,
                                   const struct ots_error *error)
{
    if (timeline)
        timeline->has_lost_rows = true;
    bool is_first = !table->has_failure;
    if (is_first) {
        table->has_failure = true;
        table->failure = *error;
    }
    return is_first;
}

static void note_failed_row(void *context, const struct ots_failed_put *put)
{
    struct ots_table *table = context;
    struct ots_view *view = table->view;
    if (!put->is_kept)
        ots_refusal_keep(table->instance->state, table->node->name, put->row, put->error->message);
    pthread_mutex_lock(&view->synced.lock);
    struct ots_node *timeline = ots_table_timeline_locked(table, put->row->key);
    bool is_first = !put->origin->lost_rows++;
    if (is_first)
        put->origin->failure = *put->error;
    /* Whoever waits for a row that is kept is told so while it is; then it may still be stored. */
    if (!put->is_kept)
        is_first = ots_table_note_failure_locked(table, timeline, put->error);
    pthread_mutex_unlock(&view->synced.lock);
    struct ots_slice name = timeline ? timeline->name : put->row->key->measurement;
    if (is_first)
        ots_log(view->options.log, OTS_LOG_ERROR, "table %.*s: a row of %.*s %s: %s",
                OTS_SLICE_FMT(table->node->name), OTS_SLICE_FMT(name),
                put->is_kept ? "is not stored yet" : "was refused", put->error->message);
}

/* --- tables -----------------------------------------------------------------------------------*/

static enum ots_status make_table(struct ots_instance *instance, struct ots_node *node)
{
    struct ots_view *view = instance->view;
    struct ots_table *table = calloc(1, sizeof(*table));
    struct ots_pipeline_options options = {
        .store = instance->store,
        .table = node->name,
        .clock = view->options.clock,
        .log = view->options.log,
        .in_flight_max = view->options.puts_in_flight,
        .failed = note_failed_row,
        .failed_context = table,
        .watcher = &OTS_OWN_ROWS_WATCHER,
        .watcher_context = table,
        .holds_done = table ? &table->is_followed : NULL,
    };
    if (!table)
        return OTS_NOMEM;
    table->view = view;
    if (ots_apply_init(table) != OTS_OK || ots_pipeline_new(&options, &table->pipeline) != OTS_OK ||
        ots_attributes_new(table, &table->attributes) != OTS_OK ||
        ots_follower_new(table, &table->follower) != OTS_OK) {
        if (table->attributes)
            ots_attributes_free(table->attributes);
        ots_pipeline_free(table->pipeline);
        ots_apply_deinit(table);
        free(table);
        return OTS_NOMEM;
    }
    table->instance = instance;
    table->node = node;
    table->whole = (struct ots_extract){.view = view,
                                        .table = table,
                                        .node = node,
                                        .selection = OTS_SELECTION_ALL,
                                        .arena = OTS_ARENA_INIT};
    table->next = instance->last_table;
    instance->last_table = table;
    node->table = table;
    return OTS_OK;
}

enum ots_status ots_instance_add_table_locked(struct ots_instance *instance,
                                              const struct ots_table_meta *meta,
                                              struct ots_node **out)
{
    struct ots_view *view = instance->view;
    struct ots_node *node = ots_node_child_make(instance->node, OTS_NODE_TABLE, meta->name);
    bool is_new = node && !node->table;
    if (!node || (!node->table && make_table(instance, node) != OTS_OK))
        return OTS_NOMEM;
    struct ots_table *table = node->table;
    /* Which rows are shown is another matter then, however long the last scan was to be believed.
     */
    if (!is_new && table->time_to_live_s != meta->time_to_live_s)
        ots_table_forget_locked(table);
    table->has_field_keys = meta->field_key_count > 0;
    table->time_to_live_s = meta->time_to_live_s;
    /* Until its file (ots_follower_learn_time) or a scan tells what is in it. */
    if (!node->mtime_ns) {
        node->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
        table->first_seen_ns = node->mtime_ns;
    }
    *out = node;
    return ots_tree_list(&view->synced.tree, node);
}

void ots_table_forget_locked(struct ots_table *table)
{
    table->instance->tables.fresh_until_us = 0;
    table->whole.timelines.fresh_until_us = 0;
    table->described.knowledge.fresh_until_us = 0;
    table->retention.knowledge.fresh_until_us = 0;
    struct ots_extract *extract = table->view->synced.views.newest;
    for (; extract; extract = extract->older)
        if (extract->table == table && !extract->selection.is_window)
            extract->timelines.fresh_until_us = 0;
}

enum ots_status ots_table_wait(struct ots_table *table, struct ots_interrupt *interrupt)
{
    struct ots_error err;
    enum ots_status status = ots_ports_hand_over(table, interrupt, &err);
    if (status != OTS_OK)
        return status == OTS_CANCELLED ? status : OTS_IO;
    status = ots_pipeline_wait(table->pipeline, interrupt);
    return status == OTS_OK ? ots_attributes_wait(table->attributes, interrupt, NULL) : status;
}

static int compare_metas(const void *a, const void *b)
{
    const struct ots_table_meta *left = a;
    const struct ots_table_meta *right = b;
    return ots_slice_compare(left->name, right->name);
}

static void unlist_table(struct ots_node *node, void *context)
{
    (void)context;
    if (node->kind == OTS_NODE_TABLE)
        node->is_listed = false;
}

static enum ots_status store_tables_locked(struct ots_instance *instance,
                                           const struct ots_list_tables_response *response,
                                           struct ots_table_meta *sorted)
{
    /* Sorted first, so that inode numbers ascend with the names. */
    if (response->count)
        memcpy(sorted, response->metas, response->count * sizeof(*sorted));
    qsort(sorted, response->count, sizeof(*sorted), compare_metas);
    ots_node_each_child(instance->node, unlist_table, NULL);
    for (size_t i = 0; i < response->count; i++) {
        /* No table of the service's is called so, and `..` or `a/b` must not reach the kernel. */
        if (ots_table_name_check(sorted[i].name, NULL) != OTS_OK)
            continue;
        struct ots_node *node;
        enum ots_status status = ots_instance_add_table_locked(instance, &sorted[i], &node);
        if (status != OTS_OK)
            return status;
    }
    instance->tables.fresh_until_us = ots_view_now_us(instance->view) + OTS_FRESH_US;
    return OTS_OK;
}

static enum ots_status list_tables(struct ots_instance *instance, struct ots_interrupt *interrupt,
                                   struct ots_error *err)
{
    struct ots_view *view = instance->view;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_LIST_TABLES);
    enum ots_status status = ots_store_run(instance->store, &call, interrupt, err);
    if (status == OTS_OK) {
        const struct ots_list_tables_response *response = &call.response.list_tables;
        struct ots_table_meta *sorted =
            ots_arena_array(&call.arena, response->count, sizeof(*sorted));
        pthread_mutex_lock(&view->synced.lock);
        status = sorted ? store_tables_locked(instance, response, sorted) : OTS_NOMEM;
        pthread_mutex_unlock(&view->synced.lock);
    }
    ots_call_deinit(&call);
    return status;
}

enum ots_status ots_instance_refresh(struct ots_instance *instance, struct ots_interrupt *interrupt,
                                     struct ots_error *err)
{
    struct ots_view *view = instance->view;
    struct ots_error error = {0};
    bool is_claimed;
    enum ots_status status =
        ots_knowledge_claim(view, &instance->tables, interrupt, &is_claimed, &error);
    if (status == OTS_OK && is_claimed) {
        status = list_tables(instance, interrupt, &error);
        ots_knowledge_release(view, &instance->tables, status, &error);
    }
    if (status != OTS_OK && err)
        *err = error;
    return status;
}
