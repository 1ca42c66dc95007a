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

struct ots_table *ots_view_next_table(struct ots_view *view, const struct ots_table *table)
{
    pthread_mutex_lock(&view->synced.lock);
    struct ots_table *next = table ? table->next : view->synced.last_table;
    pthread_mutex_unlock(&view->synced.lock);
    return next;
}

/* Returns whether rows are left to look after. */
static bool send_older(struct ots_view *view)
{
    bool is_busy = false;
    struct ots_table *table = NULL;
    while ((table = ots_view_next_table(view, table))) {
        ots_pipeline_send_older(table->pipeline, SEND_AGE_US);
        is_busy = is_busy || ots_pipeline_is_busy(table->pipeline);
    }
    return is_busy;
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
        bool is_busy = send_older(view);
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

static void drain(struct ots_view *view)
{
    struct ots_table *table = NULL;
    while ((table = ots_view_next_table(view, table)))
        /* Cannot fail: nobody interrupts it. */
        if (ots_pipeline_wait(table->pipeline, NULL) != OTS_OK)
            abort();
}

static void free_tables(struct ots_view *view)
{
    while (view->synced.last_table) {
        struct ots_table *table = view->synced.last_table;
        view->synced.last_table = table->next;
        ots_pipeline_free(table->pipeline);
        free(table);
    }
}

void ots_view_free(struct ots_view *view)
{
    if (!view)
        return;
    if (view->has_sender) {
        drain(view);
        pthread_mutex_lock(&view->synced.lock);
        view->synced.is_ending = true;
        pthread_cond_signal(&view->synced.sender_wake);
        pthread_mutex_unlock(&view->synced.lock);
        pthread_join(view->sender, NULL);
    }
    ots_pool_free(view->scan_pool);
    free_tables(view);
    ots_tree_deinit(&view->synced.tree);
    pthread_cond_destroy(&view->synced.sender_wake);
    pthread_cond_destroy(&view->synced.changed);
    pthread_mutex_destroy(&view->synced.lock);
    free(view);
}

/* --- failures of rows -------------------------------------------------------------------------*/

static void note_failed_row(void *context, struct ots_origin *origin, const struct ots_row *row,
                            const struct ots_error *error)
{
    (void)row;
    struct ots_table *table = context;
    struct ots_node *timeline = origin->timeline;
    struct ots_view *view = table->view;
    pthread_mutex_lock(&view->synced.lock);
    timeline->lost_rows++;
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
        table->next = view->synced.last_table;
        view->synced.last_table = table;
        node->table = table;
    }
    node->table->has_field_keys = has_field_keys;
    /* Until a scan tells what is in it. */
    if (!node->mtime_ns)
        node->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
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
    if (response->count)
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
    view->synced.tables.fresh_until_us = ots_view_now_us(view) + OTS_FRESH_US;
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

static enum ots_status claim_locked(struct ots_view *view, struct ots_knowledge *knowledge,
                                    struct ots_interrupt *interrupt, bool *is_claimed,
                                    struct ots_error *err)
{
    while (ots_view_now_us(view) >= knowledge->fresh_until_us) {
        if (ots_interrupt_is_raised(interrupt))
            return OTS_CANCELLED;
        if (!knowledge->is_busy) {
            knowledge->is_busy = true;
            *is_claimed = true;
            return OTS_OK;
        }
        uint64_t attempt = knowledge->attempt_count;
        pthread_cond_wait(&view->synced.changed, &view->synced.lock);
        enum ots_status failure = knowledge->failure.status;
        if (knowledge->attempt_count != attempt && failure != OTS_OK && failure != OTS_CANCELLED) {
            *err = knowledge->failure;
            return failure;
        }
    }
    return OTS_OK;
}

/*
 * Whether the caller must learn it: it is old and nobody else is at it. Waits for somebody else.
 * Errors: OTS_CANCELLED, those of whoever was waited for.
 */
static enum ots_status claim(struct ots_view *view, struct ots_knowledge *knowledge,
                             struct ots_interrupt *interrupt, bool *is_claimed,
                             struct ots_error *err)
{
    *is_claimed = false;
    ots_interrupt_attach(interrupt, wake_waiters, view);
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = claim_locked(view, knowledge, interrupt, is_claimed, err);
    pthread_mutex_unlock(&view->synced.lock);
    ots_interrupt_detach(interrupt);
    return status;
}

/* The attempt ended with `status`, and `err` unless that is OTS_OK. */
static void release_claim(struct ots_view *view, struct ots_knowledge *knowledge,
                          enum ots_status status, const struct ots_error *err)
{
    pthread_mutex_lock(&view->synced.lock);
    if (status != OTS_OK)
        knowledge->failure = *err;
    knowledge->failure.status = status;
    knowledge->attempt_count++;
    knowledge->is_busy = false;
    pthread_cond_broadcast(&view->synced.changed);
    pthread_mutex_unlock(&view->synced.lock);
}

enum ots_status ots_view_refresh_tables(struct ots_view *view, struct ots_interrupt *interrupt,
                                        struct ots_error *err)
{
    struct ots_knowledge *tables = &view->synced.tables;
    struct ots_error error = {0};
    bool is_claimed;
    enum ots_status status = claim(view, tables, interrupt, &is_claimed, &error);
    if (status == OTS_OK && is_claimed) {
        status = list_tables(view, interrupt, &error);
        release_claim(view, tables, status, &error);
    }
    if (status != OTS_OK && err)
        *err = error;
    return status;
}

/* Scan, and note how long that lasts. */
static enum ots_status learn_timelines(struct ots_table *table, struct ots_interrupt *interrupt,
                                       struct ots_error *err)
{
    struct ots_view *view = table->view;
    int64_t started_us = ots_view_now_us(view);
    enum ots_status status = ots_measure_table(table, interrupt, err);
    pthread_mutex_lock(&view->synced.lock);
    if (status == OTS_OK) {
        int64_t ended_us = ots_view_now_us(view);
        int64_t rest_us = (ended_us - started_us) * OTS_FRESH_COST_FACTOR;
        table->timelines.fresh_until_us =
            ended_us + (rest_us > OTS_FRESH_US ? rest_us : OTS_FRESH_US);
    } else if (status == OTS_NOT_FOUND) {
        table->node->is_listed = false;
        view->synced.tables.fresh_until_us = 0;
    }
    pthread_mutex_unlock(&view->synced.lock);
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
    struct ots_error error = {0};
    bool is_claimed;
    enum ots_status status = claim(view, &table->timelines, interrupt, &is_claimed, &error);
    if (status == OTS_OK && is_claimed) {
        status = learn_timelines(table, interrupt, &error);
        release_claim(view, &table->timelines, status, &error);
    }
    if (status != OTS_OK && err)
        *err = error;
    return status;
}
