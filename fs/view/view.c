/*
 * Life of a view, and keeping what it knows up to date.
 *
 * There is no stream follower yet, so knowledge ages: the list of tables after a second, a table's
 * timelines and sizes after a second or 20 times what its scan took. Whoever needs an old one
 * learns it anew; others who need it meanwhile wait for that.
 */
#include <stdlib.h>
#include <time.h>

#include "fs/view/state.h"

enum {
    SEND_AGE_US = 100000,
    SEND_TICK_US = 50000,
    LANES_DEFAULT = 8,
    SCAN_QUEUE_MAX = 2 * OTS_SPLITS_MAX,
};

int64_t ots_view_now_us(const struct ots_view *view)
{
    return ots_clock_monotonic_us(view->options.clock);
}

/* Calls `visit` for each table, without the lock: nodes and tables stay. */
static void each_table(struct ots_view *view, void (*visit)(struct ots_node *node, void *context),
                       void *context)
{
    size_t ino = OTS_ROOT_INO;
    for (;;) {
        pthread_mutex_lock(&view->synced.lock);
        struct ots_node *node = NULL;
        while (++ino < view->synced.tree.ino_count) {
            node = view->synced.tree.by_ino[ino];
            if (node->kind == OTS_NODE_TABLE)
                break;
            node = NULL;
        }
        pthread_mutex_unlock(&view->synced.lock);
        if (!node)
            return;
        visit(node, context);
    }
}

static void send_older(struct ots_node *node, void *context)
{
    bool *is_busy = context;
    ots_pipeline_send_older(node->table->pipeline, SEND_AGE_US);
    *is_busy = *is_busy || ots_pipeline_is_busy(node->table->pipeline);
}

/* Wait on one of the view's conditions, whose clock is the machine's monotonic one. */
static void wait_locked(struct ots_view *view, pthread_cond_t *condition, int64_t time_us)
{
    int64_t until_us = ots_clock_monotonic_us(&ots_clock_system) + time_us;
    struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};
    pthread_cond_timedwait(condition, &view->synced.lock, &until);
}

/* Sends batches that do not fill up. */
static void *run_sender(void *argument)
{
    struct ots_view *view = argument;
    pthread_mutex_lock(&view->synced.lock);
    while (!view->synced.is_ending) {
        if (!view->synced.has_pending_rows) {
            pthread_cond_wait(&view->synced.sender_wake, &view->synced.lock);
            continue;
        }
        wait_locked(view, &view->synced.sender_wake, SEND_TICK_US);
        view->synced.has_pending_rows = false;
        pthread_mutex_unlock(&view->synced.lock);
        bool is_busy = false;
        each_table(view, send_older, &is_busy);
        pthread_mutex_lock(&view->synced.lock);
        view->synced.has_pending_rows = view->synced.has_pending_rows || is_busy;
    }
    pthread_mutex_unlock(&view->synced.lock);
    return NULL;
}

void ots_view_wake_sender(struct ots_view *view)
{
    pthread_mutex_lock(&view->synced.lock);
    if (!view->synced.has_pending_rows)
        pthread_cond_signal(&view->synced.sender_wake);
    view->synced.has_pending_rows = true;
    pthread_mutex_unlock(&view->synced.lock);
}

static void init_synced(struct ots_view *view)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&view->synced.lock, NULL);
    pthread_cond_init(&view->synced.changed, &monotonic);
    pthread_cond_init(&view->synced.sender_wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum ots_status ots_view_new(const struct ots_view_options *options, struct ots_view **out,
                             struct ots_error *err)
{
    struct ots_view *view = calloc(1, sizeof(*view));
    if (!view)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    view->options = *options;
    if (!view->options.scan_lanes)
        view->options.scan_lanes = LANES_DEFAULT;
    if (!view->options.puts_in_flight)
        view->options.puts_in_flight = LANES_DEFAULT;
    init_synced(view);
    enum ots_status status = ots_tree_init(&view->synced.tree);
    if (status == OTS_OK)
        view->synced.tree.root->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
    if (status == OTS_OK)
        status = ots_pool_new(view->options.scan_lanes, SCAN_QUEUE_MAX, &view->scan_pool, err);
    if (status == OTS_OK && pthread_create(&view->sender, NULL, run_sender, view) != 0)
        status = ots_error_set(err, OTS_IO, "cannot start a thread");
    view->has_sender = status == OTS_OK;
    if (status != OTS_OK) {
        ots_view_free(view);
        return status;
    }
    *out = view;
    return OTS_OK;
}

static void drain_table(struct ots_node *node, void *context)
{
    (void)context;
    /* Cannot fail: nobody interrupts it. */
    if (ots_pipeline_wait(node->table->pipeline, NULL) != OTS_OK)
        abort();
}

static void free_table(struct ots_node *node, void *context)
{
    (void)context;
    if (node->kind != OTS_NODE_TABLE || !node->table)
        return;
    ots_pipeline_free(node->table->pipeline);
    free(node->table);
}

void ots_view_free(struct ots_view *view)
{
    if (!view)
        return;
    if (view->has_sender) {
        each_table(view, drain_table, NULL);
        pthread_mutex_lock(&view->synced.lock);
        view->synced.is_ending = true;
        pthread_cond_signal(&view->synced.sender_wake);
        pthread_mutex_unlock(&view->synced.lock);
        pthread_join(view->sender, NULL);
    }
    ots_pool_free(view->scan_pool);
    if (view->synced.tree.root)
        ots_node_each_child(view->synced.tree.root, free_table, NULL);
    ots_tree_deinit(&view->synced.tree);
    pthread_cond_destroy(&view->synced.sender_wake);
    pthread_cond_destroy(&view->synced.changed);
    pthread_mutex_destroy(&view->synced.lock);
    free(view);
}

/* --- failures of rows -------------------------------------------------------------------------*/

static void note_failed_row(void *context, void *origin, const struct ots_error *error)
{
    struct ots_table *table = context;
    struct ots_node *timeline = origin;
    struct ots_view *view = table->view;
    pthread_mutex_lock(&view->synced.lock);
    timeline->has_failed_rows = true;
    bool is_first = !table->has_failure;
    if (is_first) {
        table->has_failure = true;
        table->failure = *error;
    }
    pthread_mutex_unlock(&view->synced.lock);
    if (is_first)
        ots_log(view->options.log, OTS_LOG_ERROR, "table %.*s: a row of %.*s was lost: %s",
                OTS_SLICE_FMT(table->node->name), OTS_SLICE_FMT(timeline->name), error->message);
}

/* --- tables -----------------------------------------------------------------------------------*/

enum ots_status ots_view_add_table_locked(struct ots_view *view, struct ots_slice name,
                                          bool has_field_keys, struct ots_node **out)
{
    struct ots_node *node = ots_node_child_make(view->synced.tree.root, OTS_NODE_TABLE, name);
    if (!node)
        return OTS_NOMEM;
    if (!node->table) {
        struct ots_table *table = calloc(1, sizeof(*table));
        struct ots_pipeline_options options = {
            .store = view->options.store,
            .table = node->name,
            .clock = view->options.clock,
            .in_flight_max = view->options.puts_in_flight,
            .failed = note_failed_row,
            .failed_context = table,
        };
        if (!table || ots_pipeline_new(&options, &table->pipeline) != OTS_OK) {
            free(table);
            return OTS_NOMEM;
        }
        table->view = view;
        table->node = node;
        node->table = table;
    }
    node->table->has_field_keys = has_field_keys;
    *out = node;
    return ots_tree_list(&view->synced.tree, node);
}

static int compare_metas(const void *a, const void *b)
{
    const struct ots_table_meta *left = a;
    const struct ots_table_meta *right = b;
    return ots_slice_compare(left->name, right->name);
}

static void unlist(struct ots_node *node, void *context)
{
    (void)context;
    node->is_listed = false;
}

static enum ots_status store_tables_locked(struct ots_view *view,
                                           const struct ots_list_tables_response *response,
                                           struct ots_table_meta *sorted)
{
    /* Sorted first, so that inode numbers ascend with the names. */
    memcpy(sorted, response->metas, response->count * sizeof(*sorted));
    qsort(sorted, response->count, sizeof(*sorted), compare_metas);
    ots_node_each_child(view->synced.tree.root, unlist, NULL);
    for (size_t i = 0; i < response->count; i++) {
        struct ots_node *node;
        enum ots_status status =
            ots_view_add_table_locked(view, sorted[i].name, sorted[i].field_key_count > 0, &node);
        if (status != OTS_OK)
            return status;
    }
    view->synced.tables_fresh_until_us = ots_view_now_us(view) + OTS_FRESH_US;
    return OTS_OK;
}

static enum ots_status list_tables(struct ots_view *view, struct ots_interrupt *interrupt,
                                   struct ots_error *err)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_LIST_TABLES);
    enum ots_status status = ots_store_run(view->options.store, &call, interrupt, err);
    if (status == OTS_OK) {
        const struct ots_list_tables_response *response = &call.response.list_tables;
        struct ots_table_meta *sorted =
            ots_arena_array(&call.arena, response->count, sizeof(*sorted));
        pthread_mutex_lock(&view->synced.lock);
        status = sorted ? store_tables_locked(view, response, sorted) : OTS_NOMEM;
        pthread_mutex_unlock(&view->synced.lock);
    }
    ots_call_deinit(&call);
    return status;
}

/* --- being up to date -------------------------------------------------------------------------*/

static void wake_waiters(void *context)
{
    struct ots_view *view = context;
    pthread_mutex_lock(&view->synced.lock);
    pthread_cond_broadcast(&view->synced.changed);
    pthread_mutex_unlock(&view->synced.lock);
}

void ots_view_nap(struct ots_view *view, int64_t time_us, struct ots_interrupt *interrupt)
{
    ots_interrupt_attach(interrupt, wake_waiters, view);
    pthread_mutex_lock(&view->synced.lock);
    if (!ots_interrupt_is_raised(interrupt))
        wait_locked(view, &view->synced.changed, time_us);
    pthread_mutex_unlock(&view->synced.lock);
    ots_interrupt_detach(interrupt);
}

/*
 * Whether the caller must learn it: `*fresh_until_us` lies behind and nobody else is at it, which
 * `*is_busy` then says. Waits for somebody else. Errors: OTS_CANCELLED.
 */
static enum ots_status claim(struct ots_view *view, const int64_t *fresh_until_us, bool *is_busy,
                             struct ots_interrupt *interrupt, bool *is_claimed)
{
    enum ots_status status = OTS_OK;
    *is_claimed = false;
    ots_interrupt_attach(interrupt, wake_waiters, view);
    pthread_mutex_lock(&view->synced.lock);
    while (ots_view_now_us(view) >= *fresh_until_us) {
        if (ots_interrupt_is_raised(interrupt)) {
            status = OTS_CANCELLED;
            break;
        }
        if (!*is_busy) {
            *is_busy = true;
            *is_claimed = true;
            break;
        }
        pthread_cond_wait(&view->synced.changed, &view->synced.lock);
    }
    pthread_mutex_unlock(&view->synced.lock);
    ots_interrupt_detach(interrupt);
    return status;
}

static void release_claim(struct ots_view *view, bool *is_busy)
{
    pthread_mutex_lock(&view->synced.lock);
    *is_busy = false;
    pthread_cond_broadcast(&view->synced.changed);
    pthread_mutex_unlock(&view->synced.lock);
}

enum ots_status ots_view_refresh_tables(struct ots_view *view, struct ots_interrupt *interrupt,
                                        struct ots_error *err)
{
    bool is_claimed;
    enum ots_status status = claim(view, &view->synced.tables_fresh_until_us,
                                   &view->synced.is_listing_tables, interrupt, &is_claimed);
    if (status != OTS_OK || !is_claimed)
        return status;
    status = list_tables(view, interrupt, err);
    release_claim(view, &view->synced.is_listing_tables);
    return status;
}

enum ots_status ots_view_refresh_table(struct ots_table *table, struct ots_interrupt *interrupt,
                                       struct ots_error *err)
{
    struct ots_view *view = table->view;
    pthread_mutex_lock(&view->synced.lock);
    bool has_field_keys = table->has_field_keys;
    pthread_mutex_unlock(&view->synced.lock);
    if (has_field_keys)
        return ots_error_set(err, OTS_UNSUPPORTED,
                             "table %.*s has fields in its primary key, which otsfs cannot show",
                             OTS_SLICE_FMT(table->node->name));
    bool is_claimed;
    enum ots_status status =
        claim(view, &table->fresh_until_us, &table->is_scanning, interrupt, &is_claimed);
    if (status != OTS_OK || !is_claimed)
        return status;
    int64_t started_us = ots_view_now_us(view);
    status = ots_measure_table(table, interrupt, err);
    pthread_mutex_lock(&view->synced.lock);
    if (status == OTS_OK) {
        int64_t ended_us = ots_view_now_us(view);
        int64_t rest_us = (ended_us - started_us) * OTS_FRESH_COST_FACTOR;
        table->fresh_until_us = ended_us + (rest_us > OTS_FRESH_US ? rest_us : OTS_FRESH_US);
    } else if (status == OTS_NOT_FOUND) {
        table->node->is_listed = false;
        view->synced.tables_fresh_until_us = 0;
    }
    pthread_mutex_unlock(&view->synced.lock);
    release_claim(view, &table->is_scanning);
    return status;
}

bool ots_view_is_fresh(struct ots_view *view, uint64_t ino, struct ots_slice name)
{
    int64_t now_us = ots_view_now_us(view);
    pthread_mutex_lock(&view->synced.lock);
    const struct ots_node *node = ots_tree_by_ino(&view->synced.tree, ino);
    int64_t fresh_until_us = 0;
    if (node)
        fresh_until_us = node->kind == OTS_NODE_ROOT ? view->synced.tables_fresh_until_us
                                                     : ots_node_table(node)->fresh_until_us;
    const struct ots_node *child = node && name.size ? ots_node_child(node, name) : node;
    bool is_written = child && child->kind == OTS_NODE_TIMELINE && child->timeline.unmeasured_write;
    pthread_mutex_unlock(&view->synced.lock);
    return now_us < fresh_until_us && !is_written;
}
