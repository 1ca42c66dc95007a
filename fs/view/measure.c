/*
 * Learning what an extract holds: a parallel scan of all of it, and noting what timelines hold.
 *
 * A scan asks the service for splits and reads them on the view's scan threads. Whatever is found
 * is added up in the timelines' nodes beside what is known (`found`, marked with the scan's
 * number), under the view's lock but once per run of rows of one timeline. Only when every split
 * was read to its end does what was found become what is known: a scan that fails changes nothing.
 *
 * Writes of this mount go on meanwhile. A timeline whose last write came after the scan's start
 * stays marked as not measured; one that was measured after a later write than the scan's is left
 * alone.
 */
#include <stdlib.h>

#include "fs/lp/names.h"
#include "fs/view/lines.h"
#include "fs/view/state.h"

/* Rows are not shown for the last ten minutes of their lives, so that none goes while it is read.
 */
enum { CUT_STEP_US = 60 * 1000000, CUT_MARGIN_US = 600 * 1000000 };

struct split {
    struct scan *scan;
    struct ots_slice info;
    struct ots_interrupt interrupt;
    struct ots_ruler ruler;
    struct ots_buf measurement_name;
    struct ots_buf timeline_name;
    enum ots_status status;
    struct ots_error error;
};

struct scan {
    struct ots_extract *extract;
    uint32_t id;
    uint64_t write_number;
    int64_t cut_us;
    struct ots_selection selection;
    uint64_t row_count;
    struct split *splits;
    size_t split_count;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t ended;
        size_t running;
    } synced;
};

/* --- what was found becomes what is known -----------------------------------------------------*/

static int64_t now_ns(const struct ots_view *view)
{
    return ots_clock_now_us(view->options.clock) * 1000;
}

void ots_table_note_write_locked(struct ots_table *table, struct ots_node *timeline,
                                 int64_t from_us)
{
    ots_history_write(&timeline->timeline.history, from_us);
    table->write_number++;
    if (timeline->timeline.last_write <= timeline->timeline.measured_write)
        table->whole.unmeasured_count++;
    timeline->timeline.last_write = table->write_number;
    if (timeline->timeline.is_removed) {
        timeline->timeline.is_removed = false;
        timeline->is_listed = true;
        timeline->parent->is_listed = true;
    }
    timeline->mtime_ns = now_ns(table->view);
    timeline->is_mtime_set = true;
}

/* At first sight the newest row's time; when others changed it, the time at which that shows. */
static void note_mtime(const struct ots_view *view, struct ots_node *timeline,
                       const struct ots_extent *extent)
{
    const struct ots_extent *known = &timeline->timeline.extent;
    bool is_same = known->size_bytes == extent->size_bytes &&
                   known->row_count == extent->row_count &&
                   known->last_time_us == extent->last_time_us;
    if (is_same)
        return;
    int64_t now = now_ns(view);
    if (!timeline->is_mtime_set && !known->row_count) {
        int64_t newest_us = extent->last_time_us;
        timeline->mtime_ns = newest_us < now / 1000 ? newest_us * 1000 : now;
    } else {
        bool is_ahead = timeline->mtime_ns >= now && timeline->mtime_ns < INT64_MAX;
        timeline->mtime_ns = is_ahead ? timeline->mtime_ns + 1 : now;
        timeline->is_mtime_set = true;
    }
}

void ots_extract_note_locked(struct ots_extract *extract, struct ots_node *timeline,
                             const struct ots_measured *measured)
{
    const struct ots_extent *extent = &measured->extent;
    if (timeline->timeline.measured_write > measured->write_number)
        return;
    bool is_whole = extract == &extract->table->whole;
    bool was_unmeasured = is_whole && ots_extract_is_unmeasured_locked(extract, timeline);
    timeline->timeline.measured_write = measured->write_number;
    bool is_unmeasured = is_whole && ots_extract_is_unmeasured_locked(extract, timeline);
    ots_history_note(&timeline->timeline.history, &timeline->timeline.extent, measured,
                     !is_unmeasured);
    /* A write of this mount has set a time of its own. */
    if (!was_unmeasured)
        note_mtime(extract->view, timeline, extent);
    timeline->timeline.extent = *extent;
    if (extent->row_count)
        timeline->is_local = false;
    if (was_unmeasured && !is_unmeasured)
        extract->unmeasured_count--;
    /* What has no row is not in a view. */
    if (!is_whole && !extent->row_count)
        timeline->is_listed = false;
}

struct commit {
    struct scan *scan;
    enum ots_status status;
    size_t node_count;
    uint64_t found_count; /* timelines that the scan found */
    bool has_listed_child;
    int64_t newest_mtime_ns; /* of the directory's listed children */
};

static void note_child(struct commit *commit, const struct ots_node *child)
{
    if (!child->is_listed)
        return;
    commit->has_listed_child = true;
    if (child->mtime_ns > commit->newest_mtime_ns)
        commit->newest_mtime_ns = child->mtime_ns;
}

/* Rows that expired are no reason to show a removed timeline again. */
static bool is_still_removed(const struct ots_node *timeline)
{
    const struct ots_extent *known = &timeline->timeline.extent;
    const struct ots_extent *found = &timeline->timeline.found.extent;
    return timeline->timeline.is_removed && found->last_time_us == known->last_time_us &&
           (found->row_count < known->row_count ||
            (found->row_count == known->row_count && found->size_bytes == known->size_bytes));
}

static void commit_timeline(struct ots_node *timeline, void *context)
{
    struct commit *commit = context;
    struct scan *scan = commit->scan;
    if (timeline->kind != OTS_NODE_TIMELINE)
        return;
    commit->node_count++;
    struct ots_measured measured = {.begin_us = scan->selection.begin_us,
                                    .write_number = scan->write_number};
    if (timeline->timeline.scan_id == scan->id) {
        struct ots_found *found = &timeline->timeline.found;
        measured.extent = found->extent;
        measured.marks = found->is_unordered ? NULL : &found->marks;
        commit->found_count++;
        timeline->timeline.is_removed = is_still_removed(timeline);
        ots_extract_note_locked(scan->extract, timeline, &measured);
        ots_found_deinit(found);
        if (!timeline->timeline.is_removed &&
            ots_tree_list(&scan->extract->view->synced.tree, timeline) != OTS_OK)
            commit->status = OTS_NOMEM;
    } else if (!timeline->is_local && !ots_extract_is_unmeasured_locked(scan->extract, timeline) &&
               timeline->timeline.measured_write <= scan->write_number) {
        timeline->is_listed = false;
        timeline->timeline.is_removed = false;
        ots_history_note(&timeline->timeline.history, &timeline->timeline.extent, &measured, true);
        timeline->timeline.extent = measured.extent;
    } else {
        ots_extract_note_locked(scan->extract, timeline, &measured);
    }
    note_child(commit, timeline);
}

static void commit_measurement(struct ots_node *measurement, void *context)
{
    if (measurement->kind != OTS_NODE_MEASUREMENT)
        return;
    struct commit *table_commit = context;
    struct commit measurement_commit = {.scan = table_commit->scan};
    struct commit *commit = &measurement_commit;
    struct ots_tree *tree = &commit->scan->extract->view->synced.tree;
    bool was_listed = measurement->is_listed;
    /* Before its timelines, so that inode numbers ascend in the order of a walk. */
    if (ots_tree_list(tree, measurement) != OTS_OK)
        commit->status = OTS_NOMEM;
    ots_node_each_child(measurement, commit_timeline, commit);
    measurement->is_listed = commit->has_listed_child || (was_listed && measurement->is_local);
    if (commit->has_listed_child && !measurement->is_mtime_set)
        measurement->mtime_ns = commit->newest_mtime_ns;
    note_child(table_commit, measurement);
    table_commit->node_count += commit->node_count + 1;
    table_commit->found_count += commit->found_count;
    if (commit->status != OTS_OK)
        table_commit->status = commit->status;
}

static enum ots_status commit_scan(struct scan *scan)
{
    struct ots_view *view = scan->extract->view;
    struct commit commit = {.scan = scan, .status = OTS_OK};
    pthread_mutex_lock(&view->synced.lock);
    ots_node_each_child(scan->extract->node, commit_measurement, &commit);
    scan->extract->row_count = scan->row_count;
    scan->extract->timeline_count = commit.found_count;
    scan->extract->scanned_write = scan->write_number;
    scan->extract->cut_us = scan->cut_us;
    scan->extract->single_count = 0;
    ots_views_note_nodes_locked(scan->extract, commit.node_count);
    if (commit.has_listed_child && !scan->extract->node->is_mtime_set)
        scan->extract->node->mtime_ns = commit.newest_mtime_ns;
    pthread_mutex_unlock(&view->synced.lock);
    return commit.status;
}

/* --- one split --------------------------------------------------------------------------------*/

static enum ots_status note_run_locked(struct split *split, const struct ots_series_key *key,
                                       const struct ots_line *lines, size_t count)
{
    struct scan *scan = split->scan;
    struct ots_node *measurement = ots_node_child_make(scan->extract->node, OTS_NODE_MEASUREMENT,
                                                       ots_buf_slice(&split->measurement_name));
    if (!measurement)
        return OTS_NOMEM;
    struct ots_node *timeline =
        ots_node_child_make(measurement, OTS_NODE_TIMELINE, ots_buf_slice(&split->timeline_name));
    if (!timeline)
        return OTS_NOMEM;
    if (timeline->timeline.scan_id != scan->id) {
        timeline->timeline.scan_id = scan->id;
        ots_found_reset(&timeline->timeline.found);
    }
    ots_found_add(&timeline->timeline.found, lines, count);
    scan->row_count += count;
    return ots_node_set_key(timeline, key);
}

/* Rows of one timeline in a row. */
static enum ots_status note_run(struct split *split, const struct ots_series_key *key)
{
    struct ots_view *view = split->scan->extract->view;
    size_t count;
    const struct ots_line *lines = ots_ruler_lines(&split->ruler, &count);
    if (!count)
        return OTS_OK;
    ots_buf_reset(&split->measurement_name);
    ots_buf_reset(&split->timeline_name);
    enum ots_status status =
        ots_measurement_name_append(key->measurement, &split->measurement_name);
    if (status == OTS_OK)
        status = ots_timeline_name_append(key, &split->timeline_name);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    status = note_run_locked(split, key, lines, count);
    pthread_mutex_unlock(&view->synced.lock);
    ots_ruler_reset(&split->ruler);
    return status;
}

static enum ots_status note_page(struct split *split, const struct ots_rows *rows,
                                 struct ots_error *err)
{
    const struct ots_series_key *key = NULL;
    enum ots_status status = OTS_OK;
    ots_ruler_reset(&split->ruler);
    for (size_t i = 0; status == OTS_OK && i < rows->count; i++) {
        const struct ots_row *row = &rows->items[i];
        if (row->key != key) {
            status = note_run(split, key);
            key = row->key;
        }
        if (status == OTS_OK)
            status = ots_ruler_add(&split->ruler, row, err);
    }
    return status == OTS_OK ? note_run(split, key) : status;
}

static enum ots_status read_split(struct split *split, struct ots_error *err)
{
    struct ots_extract *extract = split->scan->extract;
    struct ots_buf token = OTS_BUF_INIT;
    enum ots_status status;
    do {
        struct ots_call call;
        ots_call_init(&call, OTS_ACTION_SCAN);
        call.request.scan.table = extract->table->node->name;
        ots_selection_apply(&split->scan->selection, &call.request.scan);
        call.request.scan.split = split->info;
        call.request.scan.token = ots_buf_slice(&token);
        status = ots_store_run(extract->table->instance->store, &call, &split->interrupt, err);
        if (status == OTS_OK)
            status = note_page(split, &call.response.page.rows, err);
        ots_lp_printer_forget_key(&split->ruler.printer);
        ots_buf_reset(&token);
        if (status == OTS_OK)
            ots_buf_append_slice(&token, call.response.page.next_token);
        ots_call_deinit(&call);
        if (status == OTS_OK)
            status = ots_buf_status(&token);
    } while (status == OTS_OK && token.size);
    ots_buf_deinit(&token);
    return status;
}

static void run_split(void *argument)
{
    struct split *split = argument;
    struct scan *scan = split->scan;
    split->status = read_split(split, &split->error);
    /* The others' work is lost anyway. */
    for (size_t i = 0; split->status != OTS_OK && i < scan->split_count; i++)
        ots_interrupt_raise(&scan->splits[i].interrupt);
    pthread_mutex_lock(&scan->synced.lock);
    if (--scan->synced.running == 0)
        pthread_cond_signal(&scan->synced.ended);
    pthread_mutex_unlock(&scan->synced.lock);
}

/* --- the whole scan ---------------------------------------------------------------------------*/

static void cancel_splits(void *context)
{
    struct scan *scan = context;
    for (size_t i = 0; i < scan->split_count; i++)
        ots_interrupt_raise(&scan->splits[i].interrupt);
}

static void init_splits(struct scan *scan, const struct ots_split_response *response)
{
    scan->split_count = response->count;
    for (size_t i = 0; i < response->count; i++) {
        struct split *split = &scan->splits[i];
        split->scan = scan;
        split->info = response->splits[i];
        ots_interrupt_init(&split->interrupt);
        ots_ruler_init(&split->ruler, scan->extract->view->options.precision);
    }
}

/* The first error that is more than the echo of another. */
static enum ots_status deinit_splits(struct scan *scan, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < scan->split_count; i++) {
        struct split *split = &scan->splits[i];
        if (split->status != OTS_OK && (status == OTS_OK || status == OTS_CANCELLED)) {
            status = split->status;
            if (err)
                *err = split->error;
        }
        ots_ruler_deinit(&split->ruler);
        ots_buf_deinit(&split->measurement_name);
        ots_buf_deinit(&split->timeline_name);
        ots_interrupt_deinit(&split->interrupt);
    }
    return status;
}

static enum ots_status run_scan(struct scan *scan, const struct ots_split_response *response,
                                struct ots_interrupt *interrupt, struct ots_error *err)
{
    scan->splits = calloc(response->count ? response->count : 1, sizeof(*scan->splits));
    if (!scan->splits)
        return OTS_NOMEM;
    init_splits(scan, response);
    pthread_mutex_init(&scan->synced.lock, NULL);
    pthread_cond_init(&scan->synced.ended, NULL);
    scan->synced.running = scan->split_count;
    ots_interrupt_attach(interrupt, cancel_splits, scan);
    for (size_t i = 0; i < scan->split_count; i++)
        ots_pool_run(scan->extract->view->scan_pool, run_split, &scan->splits[i]);
    pthread_mutex_lock(&scan->synced.lock);
    while (scan->synced.running)
        pthread_cond_wait(&scan->synced.ended, &scan->synced.lock);
    pthread_mutex_unlock(&scan->synced.lock);
    ots_interrupt_detach(interrupt);
    enum ots_status status = deinit_splits(scan, err);
    pthread_cond_destroy(&scan->synced.ended);
    pthread_mutex_destroy(&scan->synced.lock);
    free(scan->splits);
    return status;
}

/* Rows of a time before this are about to expire, or have. 0: none does. */
static int64_t expiry_cut_us(struct ots_store *store, int32_t time_to_live_s)
{
    if (time_to_live_s <= 0)
        return 0;
    int64_t now_us = ots_store_now_us(store);
    int64_t cut_us =
        now_us - now_us % CUT_STEP_US - (int64_t)time_to_live_s * 1000000 + CUT_MARGIN_US;
    return cut_us > 0 ? cut_us : 0;
}

static void begin_scan(struct scan *scan)
{
    struct ots_extract *extract = scan->extract;
    struct ots_table *table = extract->table;
    pthread_mutex_lock(&extract->view->synced.lock);
    scan->id = ++extract->scan_id;
    scan->write_number = table->write_number;
    int32_t time_to_live_s = table->time_to_live_s;
    pthread_mutex_unlock(&extract->view->synced.lock);
    scan->cut_us = expiry_cut_us(table->instance->store, time_to_live_s);
    scan->selection = extract->selection;
    if (scan->selection.begin_us < scan->cut_us)
        scan->selection.begin_us = scan->cut_us;
}

static enum ots_status scan_table(struct scan *scan, struct ots_interrupt *interrupt,
                                  struct ots_error *err)
{
    const struct ots_table *table = scan->extract->table;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_SPLIT);
    call.request.split.table = table->node->name;
    call.request.split.split_count_hint = (int32_t)scan->extract->view->options.scan_lanes;
    enum ots_status status = ots_store_run(table->instance->store, &call, interrupt, err);
    if (status == OTS_OK)
        status = run_scan(scan, &call.response.split, interrupt, err);
    ots_call_deinit(&call);
    return status;
}

enum ots_status ots_extract_measure(struct ots_extract *extract, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    struct scan scan = {.extract = extract};
    begin_scan(&scan);
    enum ots_status status = ots_pipeline_wait(extract->table->pipeline, interrupt);
    bool has_rows = scan.selection.begin_us < scan.selection.end_us;
    if (status == OTS_OK && has_rows)
        status = scan_table(&scan, interrupt, err);
    return status == OTS_OK ? commit_scan(&scan) : status;
}
