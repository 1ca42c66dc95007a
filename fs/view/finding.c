#include "fs/view/finding.h"

#include <assert.h>

#include "fs/view/apply.h"
#include "fs/view/follower.h"
#include "fs/view/measuring.h"
#include "fs/view/unsaved.h"

/* Rows are not shown for the last ten minutes of their lives, so that none goes while it is read.
 */
enum { CUT_STEP_US = 60 * 1000000, CUT_MARGIN_US = 600 * 1000000 };
/* Rows that were put while a scan went on are mostly of this time. */
enum { RECENT_US = 60 * 1000000 };

/* --- beginning --------------------------------------------------------------------------------*/

int64_t ots_expiry_cut_us(struct ots_store *store, int32_t time_to_live_s)
{
    if (time_to_live_s <= 0)
        return 0;
    int64_t now_us = ots_store_now_us(store);
    int64_t cut_us =
        now_us - now_us % CUT_STEP_US - (int64_t)time_to_live_s * 1000000 + CUT_MARGIN_US;
    return cut_us > 0 ? cut_us : 0;
}

enum ots_status ots_finding_begin(struct ots_finding *finding, struct ots_extract *extract,
                                  struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_table *table = extract->table;
    *finding = (struct ots_finding){.extract = extract, .selection = extract->selection};
    pthread_mutex_lock(&extract->view->synced.lock);
    finding->id = ++extract->scan_id;
    finding->write_number = table->write_number;
    finding->is_scan = extract == &table->whole;
    table->scan_count += finding->is_scan;
    int32_t time_to_live_s = table->time_to_live_s;
    pthread_mutex_unlock(&extract->view->synced.lock);
    bool has_recent = finding->is_scan && atomic_load(&table->is_followed);
    finding->recent_from_us =
        has_recent ? ots_store_now_us(table->instance->store) - RECENT_US : INT64_MAX;
    finding->cut_us = ots_expiry_cut_us(table->instance->store, time_to_live_s);
    if (finding->selection.begin_us < finding->cut_us)
        finding->selection.begin_us = finding->cut_us;
    return ots_pipeline_settle(table->pipeline, interrupt, err);
}

void ots_finding_deinit(struct ots_finding *finding)
{
    struct ots_extract *extract = finding->extract;
    pthread_mutex_lock(&extract->view->synced.lock);
    extract->table->scan_count -= finding->is_scan;
    pthread_mutex_unlock(&extract->view->synced.lock);
    ots_found_list_deinit(&finding->found);
    ots_buf_deinit(&finding->recent);
}

enum ots_status ots_finding_note_locked(struct ots_finding *finding,
                                        const struct ots_series_key *key,
                                        struct ots_slice measurement_name,
                                        struct ots_slice timeline_name, struct ots_node **timeline)
{
    struct ots_node *measurement =
        ots_node_child_make(finding->extract->node, OTS_NODE_MEASUREMENT, measurement_name);
    if (!measurement)
        return OTS_NOMEM;
    *timeline = ots_node_child_make(measurement, OTS_NODE_TIMELINE, timeline_name);
    if (!*timeline)
        return OTS_NOMEM;
    if ((*timeline)->timeline.scan_id != finding->id) {
        (*timeline)->timeline.found_index = (uint32_t)finding->found.count;
        if (finding->has_extents && !ots_found_list_add(&finding->found))
            return OTS_NOMEM;
        (*timeline)->timeline.scan_id = finding->id;
    }
    return ots_node_set_key(*timeline, key);
}

struct ots_found ots_finding_of(const struct ots_finding *finding, const struct ots_node *timeline)
{
    assert(timeline->timeline.scan_id == finding->id);
    return ots_found_list_at(&finding->found, timeline->timeline.found_index);
}

enum ots_status ots_finding_add_locked(struct ots_finding *finding, struct ots_node *timeline,
                                       const struct ots_row_sum *lines, size_t count)
{
    const size_t bytes_max = OTS_AHEAD_COUNTED_MAX * sizeof(struct ots_recent_row);
    assert(timeline->timeline.scan_id == finding->id);
    enum ots_status status =
        ots_found_list_add_lines(&finding->found, timeline->timeline.found_index, lines, count);
    if (status != OTS_OK)
        return status;
    finding->row_count += count;
    /* Without memory, or with more of them, timelines are measured once more. */
    for (size_t i = 0; i < count; i++) {
        const struct ots_recent_row row = {timeline, lines[i]};
        if (lines[i].time_us >= finding->recent_from_us && finding->recent.size < bytes_max)
            ots_buf_append(&finding->recent, &row, sizeof(row));
    }
    return OTS_OK;
}

/* --- what was found becomes what is known -----------------------------------------------------*/

static int64_t now_ns(const struct ots_view *view)
{
    return ots_clock_now_us(view->options.clock) * 1000;
}

void ots_table_note_write_locked(struct ots_table *table, struct ots_node *timeline,
                                 int64_t from_us)
{
    timeline->timeline.own_write = ++table->write_number;
    timeline->is_written = timeline->is_written || from_us != INT64_MAX;
    timeline->is_sending = true;
    if (timeline->is_removed) {
        timeline->is_removed = false;
        timeline->is_listed = true;
        timeline->parent->is_listed = true;
    }
    timeline->mtime_ns = now_ns(table->view);
    timeline->is_mtime_set = true;
    ots_table_note_changed_locked(table, timeline, true);
}

/* At first sight the newest row's time; when others changed it, the time at which that shows. */
static void note_mtime(const struct ots_view *view, struct ots_node *timeline,
                       const struct ots_extent *extent)
{
    int64_t now = now_ns(view);
    if (!timeline->is_mtime_set && !timeline->timeline.extent.row_count) {
        timeline->mtime_ns =
            ots_view_past_ns(view, ots_node_first_us(timeline, extent->last_time_us));
    } else {
        bool is_ahead = timeline->mtime_ns >= now && timeline->mtime_ns < INT64_MAX;
        timeline->mtime_ns = is_ahead ? timeline->mtime_ns + 1 : now;
        timeline->is_mtime_set = true;
    }
}

/* Whether a text that is not the expected one shows that others changed it, and nothing told that
 * when it happened. */
static bool is_change_news(const struct ots_extract *extract, const struct ots_node *timeline,
                           const struct ots_measured *measured)
{
    const struct ots_table *table = extract->table;
    bool is_first = !timeline->is_mtime_set && !timeline->timeline.extent.row_count;
    if (extract != &table->whole || is_first || table->has_gap || timeline->is_unsure)
        return true;
    /* A write of this mount has set a time of its own. */
    return !atomic_load(&table->is_followed) && !ots_node_is_dirty(timeline) &&
           timeline->timeline.own_write <= measured->write_number;
}

/* Without a row it is not: a table that was made anew may be scanned before it has any. */
static void note_seen(const struct ots_table *table, struct ots_node *timeline,
                      const struct ots_measured *measured)
{
    if (!timeline->timeline.seen_us && measured->extent.row_count)
        timeline->timeline.seen_us = ots_store_now_us(table->instance->store);
}

static void note_whole(struct ots_extract *extract, struct ots_node *timeline,
                       const struct ots_measured *measured)
{
    struct ots_table *table = extract->table;
    bool was_dirty = ots_node_is_dirty(timeline);
    ots_measuring_supersede_locked(table, timeline);
    timeline->timeline.measured_write = measured->write_number;
    ots_node_note_measured(timeline, measured, !ots_node_is_dirty(timeline));
    if (was_dirty && !ots_node_is_dirty(timeline))
        extract->unmeasured_count--;
}

void ots_extract_note_locked(struct ots_extract *extract, struct ots_node *timeline,
                             const struct ots_measured *measured)
{
    const struct ots_extent *extent = &measured->extent;
    const struct ots_extent *known = &timeline->timeline.extent;
    if (timeline->timeline.measured_write > measured->write_number)
        return;
    bool is_whole = extract == &extract->table->whole;
    bool is_same = ots_extent_is_same(known, extent);
    bool was_dirty = ots_node_is_dirty(timeline);
    if (is_whole)
        note_seen(extract->table, timeline, measured);
    if (!is_same && is_change_news(extract, timeline, measured))
        note_mtime(extract->view, timeline, extent);
    if (is_whole) {
        note_whole(extract, timeline, measured);
    } else {
        timeline->timeline.measured_write = measured->write_number;
        ots_node_note_measured(timeline, measured, true);
    }
    if (extent->row_count) {
        const struct ots_node *origin = ots_extract_origin_locked(extract, timeline);
        struct ots_history *history = origin ? ots_node_history(origin) : NULL;
        timeline->is_local = false;
        if (history)
            ots_history_see_row(history, extent->last_time_us);
    }
    if (is_whole && (!is_same || was_dirty))
        ots_table_note_changed_locked(extract->table, timeline, false);
    /* What has no row is not in a view. */
    if (!is_whole && !extent->row_count && !extract->view->options.is_browse)
        timeline->is_listed = false;
}

void ots_timeline_note_cut_locked(struct ots_table *table, struct ots_node *timeline,
                                  int64_t cut_us)
{
    const struct ots_extent *extent = &timeline->timeline.extent;
    if (timeline->timeline.begin_us >= cut_us)
        return;
    if (!extent->row_count || extent->first_time_us >= cut_us) {
        timeline->timeline.begin_us = cut_us;
        return;
    }
    ots_apply_dirty_locked(table, timeline, 0);
    ots_table_note_changed_locked(table, timeline, false);
}

struct commit {
    struct ots_finding *finding;
    enum ots_status status;
    size_t node_count;
    uint64_t found_count;
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
static bool is_still_removed(const struct ots_node *timeline, const struct ots_extent *found)
{
    const struct ots_extent *known = &timeline->timeline.extent;
    return timeline->is_removed && found->last_time_us == known->last_time_us &&
           (found->row_count < known->row_count ||
            (found->row_count == known->row_count && found->size_bytes == known->size_bytes));
}

/* What the timeline holds was found too. */
static void commit_found(const struct ots_finding *finding, struct ots_node *timeline,
                         struct ots_measured measured)
{
    const struct ots_found found = ots_finding_of(finding, timeline);
    measured.extent = found.extent;
    measured.marks = found.is_unordered ? NULL : &found.marks;
    timeline->is_removed = is_still_removed(timeline, &found.extent);
    ots_extract_note_locked(finding->extract, timeline, &measured);
}

/* What was removed is hidden in views too. */
static bool is_removed(const struct ots_finding *finding, struct ots_node *timeline)
{
    const struct ots_node *origin = ots_extract_origin_locked(finding->extract, timeline);
    return origin && origin->is_removed;
}

/* What this mount wrote has a record, but perhaps it cannot be found yet. */
static bool is_gone(const struct ots_finding *finding, struct ots_node *timeline)
{
    struct ots_extract *extract = finding->extract;
    const struct ots_node *origin = ots_extract_origin_locked(extract, timeline);
    bool is_awaited = !finding->has_extents && origin && origin->timeline.own_write;
    return !timeline->is_local && !is_awaited &&
           (!origin || (origin->timeline.own_write <= finding->write_number &&
                        origin->timeline.last_write <= finding->write_number)) &&
           timeline->timeline.measured_write <= finding->write_number;
}

static void commit_timeline(struct ots_node *timeline, void *context)
{
    struct commit *commit = context;
    struct ots_finding *finding = commit->finding;
    if (timeline->kind != OTS_NODE_TIMELINE)
        return;
    bool was_listed = timeline->is_listed;
    commit->node_count++;
    struct ots_measured measured = {.begin_us = finding->selection.begin_us,
                                    .write_number = finding->write_number};
    if (timeline->timeline.scan_id == finding->id) {
        commit->found_count++;
        if (finding->has_extents)
            commit_found(finding, timeline, measured);
        if (is_removed(finding, timeline))
            timeline->is_listed = false;
        else if (ots_tree_list(&finding->extract->view->synced.tree, timeline) != OTS_OK)
            commit->status = OTS_NOMEM;
    } else if (is_gone(finding, timeline)) {
        ots_extract_note_locked(finding->extract, timeline, &measured);
        timeline->is_listed = false;
        timeline->is_removed = false;
    } else if (finding->has_extents) {
        ots_extract_note_locked(finding->extract, timeline, &measured);
    }
    if (finding->is_scan)
        ots_timeline_note_cut_locked(finding->extract->table, timeline, finding->cut_us);
    if (timeline->is_listed != was_listed)
        ots_kept_drop_locked(finding->extract->view, timeline);
    note_child(commit, timeline);
}

static void commit_measurement(struct ots_node *measurement, void *context)
{
    if (measurement->kind != OTS_NODE_MEASUREMENT)
        return;
    struct commit *table_commit = context;
    struct commit measurement_commit = {.finding = table_commit->finding};
    struct commit *commit = &measurement_commit;
    struct ots_tree *tree = &commit->finding->extract->view->synced.tree;
    bool was_listed = measurement->is_listed;
    /* Before its timelines, so that inode numbers ascend in the order of a walk. */
    if (ots_tree_list(tree, measurement) != OTS_OK)
        commit->status = OTS_NOMEM;
    ots_node_each_child(measurement, commit_timeline, commit);
    measurement->is_listed = commit->has_listed_child || (was_listed && measurement->is_local);
    if (commit->has_listed_child && !measurement->is_mtime_set)
        measurement->mtime_ns = commit->newest_mtime_ns;
    if (commit->finding->is_scan)
        ots_table_note_directory_locked(commit->finding->extract->table, measurement);
    note_child(table_commit, measurement);
    table_commit->node_count += commit->node_count + 1;
    table_commit->found_count += commit->found_count;
    if (commit->status != OTS_OK)
        table_commit->status = commit->status;
}

/* The rows that the stream may still show are those that were found. */
static void count_recent(const struct ots_finding *finding)
{
    struct ots_table *table = finding->extract->table;
    const struct ots_recent_row *rows =
        (const struct ots_recent_row *)(const void *)finding->recent.data;
    size_t count = finding->recent.size / sizeof(*rows);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].timeline->timeline.measured_write == finding->write_number)
            ots_ahead_count(table->ahead, rows[i].timeline, &rows[i].line);
    }
}

static void end_scan(const struct ots_finding *finding)
{
    struct ots_table *table = finding->extract->table;
    table->has_gap = table->has_gap && !finding->has_extents;
    table->is_learned = table->is_learned || finding->has_extents;
    count_recent(finding);
}

enum ots_status ots_finding_commit(struct ots_finding *finding)
{
    struct ots_view *view = finding->extract->view;
    struct commit commit = {.finding = finding, .status = OTS_OK};
    pthread_mutex_lock(&view->synced.lock);
    if (finding->is_scan)
        ots_ahead_forget_contents(finding->extract->table->ahead, NULL, INT64_MIN, INT64_MAX);
    ots_node_each_child(finding->extract->node, commit_measurement, &commit);
    if (finding->is_scan)
        end_scan(finding);
    finding->extract->row_count = finding->row_count;
    finding->extract->timeline_count = commit.found_count;
    finding->extract->scanned_write = finding->write_number;
    finding->extract->cut_us = finding->cut_us;
    finding->extract->single_count = 0;
    ots_views_note_nodes_locked(finding->extract, commit.node_count);
    if (commit.has_listed_child && !finding->extract->node->is_mtime_set)
        finding->extract->node->mtime_ns = commit.newest_mtime_ns;
    if (finding->is_scan)
        ots_table_note_directory_locked(finding->extract->table, finding->extract->node);
    pthread_mutex_unlock(&view->synced.lock);
    return commit.status;
}
