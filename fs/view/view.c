/*
 * Life of a view.
 */
#include <assert.h>
#include <stdlib.h>

#include "backend/base/cond.h"
#include "fs/view/attributes.h"
#include "fs/view/follower.h"
#include "fs/view/port.h"
#include "fs/view/read_ahead.h"
#include "fs/view/replay.h"
#include "fs/view/staging.h"
#include "fs/view/texts.h"

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

int64_t ots_view_past_ns(const struct ots_view *view, int64_t time_us)
{
    int64_t now_us = ots_clock_now_us(view->options.clock);
    return (time_us < now_us ? time_us : now_us) * 1000;
}

/* Returns whether rows are left to look after. */
static bool send_older(struct ots_view *view)
{
    bool is_busy = false;
    for (size_t i = 0; i < view->instance_count; i++) {
        struct ots_table *table = NULL;
        while ((table = ots_instance_next_table(&view->instances[i], table))) {
            ots_pipeline_send_older(table->pipeline, SEND_AGE_US);
            if (!ots_pipeline_is_busy(table->pipeline))
                continue;
            is_busy = true;
            ots_pipeline_mend_journal(table->pipeline);
        }
    }
    return is_busy;
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
        ots_cond_wait_for(&view->synced.sender_wake, &view->synced.lock, SEND_TICK_US);
        view->synced.has_pending_rows = false;
        pthread_mutex_unlock(&view->synced.lock);
        bool has_rows = ots_ports_send_older(view);
        bool is_busy = send_older(view) || has_rows;
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
    pthread_mutex_init(&view->ports.lock, NULL);
    pthread_mutex_init(&view->synced.lock, NULL);
    ots_cond_init(&view->synced.changed);
    ots_cond_init(&view->synced.sender_wake);
    ots_cond_init(&view->synced.stale);
}

static enum ots_status make_instance(struct ots_view *view, const struct ots_view_source *source,
                                     bool is_only)
{
    struct ots_tree *tree = &view->synced.tree;
    struct ots_instance *instance = &view->instances[view->instance_count];
    struct ots_node *node =
        is_only ? tree->root
                : ots_node_child_make(tree->root, OTS_NODE_INSTANCE, ots_slice_str(source->name));
    if (!node || ots_tree_list(tree, node) != OTS_OK)
        return OTS_NOMEM;
    *instance = (struct ots_instance){
        .view = view,
        .node = node,
        .name = node->name,
        .store = source->store,
        .state = source->state,
        .source = *source,
    };
    node->instance = instance;
    node->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
    view->instance_count++;
    return OTS_OK;
}

static int compare_sources(const void *a, const void *b)
{
    const struct ots_view_source *left = a;
    const struct ots_view_source *right = b;
    return strcmp(left->name, right->name);
}

static enum ots_status make_instances(struct ots_view *view, const struct ots_view_options *options)
{
    size_t count = options->source_count;
    assert(count);
    enum ots_status status =
        ots_tree_init(&view->synced.tree, count > 1 ? OTS_NODE_ROOT : OTS_NODE_INSTANCE);
    if (status != OTS_OK)
        return status;
    view->synced.tree.root->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
    view->instances = calloc(count, sizeof(*view->instances));
    struct ots_view_source *sorted = calloc(count, sizeof(*sorted));
    if (view->instances && sorted) {
        /* Sorted first, so that inode numbers ascend with the names. */
        memcpy(sorted, options->sources, count * sizeof(*sorted));
        if (count > 1)
            qsort(sorted, count, sizeof(*sorted), compare_sources);
        for (size_t i = 0; status == OTS_OK && i < count; i++)
            status = make_instance(view, &sorted[i], count == 1);
    } else {
        status = OTS_NOMEM;
    }
    free(sorted);
    return status;
}

static enum ots_status make_ahead(struct ots_view *view, struct ots_error *err)
{
    const struct ots_texts_options options = {.file_bytes_max = view->options.cache_bytes,
                                              .directory = view->options.cache_dir};
    view->texts = ots_texts_new(&options);
    view->read_ahead = ots_read_ahead_new(view);
    return view->texts && view->read_ahead ? OTS_OK
                                           : ots_error_set(err, OTS_NOMEM, "out of memory");
}

enum ots_status ots_view_new(const struct ots_view_options *options, struct ots_view **out,
                             struct ots_error *err)
{
    struct ots_view *view = calloc(1, sizeof(*view));
    if (!view)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    view->options = *options;
    view->options.sources = NULL;
    view->options.source_count = 0;
    if (!view->options.scan_lanes)
        view->options.scan_lanes = LANES_DEFAULT;
    if (!view->options.puts_in_flight)
        view->options.puts_in_flight = LANES_DEFAULT;
    view->mounted_us = ots_clock_now_us(view->options.clock);
    init_synced(view);
    enum ots_status status = make_instances(view, options);
    if (status == OTS_OK)
        status = ots_pool_new(view->options.scan_lanes, SCAN_QUEUE_MAX, &view->scan_pool, err);
    if (status == OTS_OK)
        status = make_ahead(view, err);
    if (status == OTS_OK && pthread_create(&view->sender, NULL, run_sender, view) != 0)
        status = ots_error_set(err, OTS_IO, "cannot start a thread");
    view->has_sender = status == OTS_OK;
    if (status == OTS_OK && ots_replay_start(view) != OTS_OK)
        status = ots_error_set(err, OTS_IO, "cannot start a thread");
    if (status != OTS_OK) {
        ots_view_free(view);
        return status;
    }
    *out = view;
    return OTS_OK;
}

/* Rows that could not be stored wait in the journal for the next mount. */
static void give_up(struct ots_table *table)
{
    struct ots_error err;
    const struct ots_log *log = table->view->options.log;
    if (ots_pipeline_hand_over(table->pipeline, &err) != OTS_OK)
        ots_log_error(log, OTS_LOG_ERROR, "rows were lost", &err);
    ots_pipeline_failure(table->pipeline, &err);
    ots_log(log, OTS_LOG_ERROR, "table %.*s: rows could not be stored%s: %s",
            OTS_SLICE_FMT(table->node->name),
            table->instance->state ? ", and wait for the next mount" : "", err.message);
}

static void begin_drain(struct ots_instance *instance)
{
    struct ots_table *table = NULL;
    while ((table = ots_instance_next_table(instance, table)))
        table->drain = ots_pipeline_begin_drain(table->pipeline);
}

static void end_drain(struct ots_instance *instance)
{
    struct ots_error err;
    struct ots_table *table = NULL;
    while ((table = ots_instance_next_table(instance, table)))
        if (ots_pipeline_end_drain(table->pipeline, table->drain) != OTS_OK)
            give_up(table);
        else if (ots_attributes_wait(table->attributes, NULL, &err) != OTS_OK)
            ots_log(table->view->options.log, OTS_LOG_ERROR, "table %.*s: attributes were lost: %s",
                    OTS_SLICE_FMT(table->node->name), err.message);
}

/* All at once: when the service is away, each waits for its time-out. */
static void drain(struct ots_view *view)
{
    for (size_t i = 0; i < view->instance_count; i++)
        begin_drain(&view->instances[i]);
    for (size_t i = 0; i < view->instance_count; i++)
        end_drain(&view->instances[i]);
}

/* Let all of them end at once, before they are waited for. */
static void end_followers(struct ots_view *view)
{
    for (size_t i = 0; i < view->instance_count; i++) {
        struct ots_table *table = NULL;
        while ((table = ots_instance_next_table(&view->instances[i], table)))
            ots_follower_end(table->follower);
    }
}

static void stop_followers(struct ots_view *view)
{
    for (size_t i = 0; i < view->instance_count; i++) {
        struct ots_table *table = NULL;
        while ((table = ots_instance_next_table(&view->instances[i], table)))
            ots_follower_stop(table->follower);
    }
}

void ots_view_free(struct ots_view *view)
{
    if (!view)
        return;
    ots_replay_stop(view);
    end_followers(view);
    if (view->has_sender) {
        ots_ports_end(view);
        drain(view);
        pthread_mutex_lock(&view->synced.lock);
        view->synced.is_ending = true;
        pthread_cond_signal(&view->synced.sender_wake);
        pthread_mutex_unlock(&view->synced.lock);
        pthread_join(view->sender, NULL);
    }
    stop_followers(view);
    ots_read_ahead_free(view->read_ahead);
    ots_pool_free(view->scan_pool);
    ots_texts_free(view->texts);
    for (size_t i = 0; i < view->instance_count; i++)
        ots_instance_deinit(&view->instances[i]);
    free(view->instances);
    ots_staging_set_deinit(&view->synced.staging);
    ots_tree_deinit(&view->synced.tree);
    ots_kept_deinit(&view->synced.kept);
    pthread_cond_destroy(&view->synced.stale);
    pthread_cond_destroy(&view->synced.sender_wake);
    pthread_cond_destroy(&view->synced.changed);
    pthread_mutex_destroy(&view->synced.lock);
    pthread_mutex_destroy(&view->ports.lock);
    free(view);
}

void ots_view_wake_waiters(void *context)
{
    struct ots_view *view = context;
    pthread_mutex_lock(&view->synced.lock);
    pthread_cond_broadcast(&view->synced.changed);
    pthread_mutex_unlock(&view->synced.lock);
}

void ots_view_nap(struct ots_view *view, int64_t time_us, struct ots_interrupt *interrupt)
{
    ots_interrupt_attach_waiter(interrupt, ots_view_wake_waiters, view);
    pthread_mutex_lock(&view->synced.lock);
    if (!ots_interrupt_is_raised(interrupt))
        ots_cond_wait_for(&view->synced.changed, &view->synced.lock, time_us);
    pthread_mutex_unlock(&view->synced.lock);
    ots_interrupt_detach(interrupt);
}
