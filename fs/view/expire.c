/*
 * The rows between the old cut and the new one are read by a scan of that range. They are counted,
 * for the stream was read to its end before, but for those that are put there just now: a record of
 * a time before the cut makes its timeline one that is measured again, and so does a sum that does
 * not come out.
 */
#include "fs/view/expire.h"

#include "fs/view/apply.h"
#include "fs/view/finding.h"
#include "fs/view/unsaved.h"

/* Rows are there for the ten minutes between the cut and their end. */
static const int64_t LATE_US = INT64_C(540) * 1000000;

/* --- whether anything expires -----------------------------------------------------------------*/

struct oldest {
    int64_t cut_us;
    bool is_passed; /* a timeline may have rows before the cut */
};

static void look_at_timeline(struct ots_node *timeline, void *context)
{
    struct oldest *oldest = context;
    if (timeline->kind != OTS_NODE_TIMELINE)
        return;
    bool has_rows = timeline->timeline.extent.row_count;
    oldest->is_passed =
        oldest->is_passed || (has_rows && timeline->timeline.extent.first_time_us < oldest->cut_us);
}

static void look_at_measurement(struct ots_node *measurement, void *context)
{
    const struct oldest *oldest = context;
    if (measurement->kind == OTS_NODE_MEASUREMENT && !oldest->is_passed)
        ots_node_each_child(measurement, look_at_timeline, context);
}

static bool is_passed_locked(const struct ots_table *table, int64_t cut_us)
{
    struct oldest oldest = {.cut_us = cut_us};
    ots_node_each_child(table->node, look_at_measurement, &oldest);
    return oldest.is_passed;
}

/* --- taking away ------------------------------------------------------------------------------*/

struct passing {
    const struct ots_finding *finding; /* of what the cut passes; NULL: nothing */
    struct ots_table *table;
    int64_t cut_us;
    bool has_listed_child;
};

/* What is left; false when it cannot be told. */
static bool subtract(const struct ots_extent *known, const struct ots_extent *passed,
                     int64_t cut_us, struct ots_extent *left)
{
    *left = *known;
    if (passed->row_count > known->row_count || passed->size_bytes > known->size_bytes)
        return false;
    left->row_count -= passed->row_count;
    left->size_bytes -= passed->size_bytes;
    left->hash -= passed->hash;
    if (left->row_count && left->first_time_us < cut_us)
        left->first_time_us = cut_us;
    bool is_empty = !left->row_count && !left->size_bytes && !left->hash;
    bool ends_behind = known->last_time_us >= cut_us;
    if (is_empty)
        *left = (struct ots_extent){0};
    return is_empty || (left->row_count && ends_behind);
}

static void pass_rows(const struct passing *passing, struct ots_node *timeline,
                      const struct ots_extent *passed)
{
    bool is_dirty = ots_node_is_dirty(timeline);
    struct ots_measured measured = {.begin_us = passing->cut_us,
                                    .write_number = timeline->timeline.measured_write};
    if (!subtract(&timeline->timeline.extent, passed, passing->cut_us, &measured.extent)) {
        ots_apply_dirty_locked(passing->table, timeline, 0);
        ots_table_note_changed_locked(passing->table, timeline, false);
        return;
    }
    ots_node_note_measured(timeline, &measured, !is_dirty);
    if (!measured.extent.row_count && !is_dirty && !timeline->is_local) {
        timeline->is_listed = false;
        timeline->is_removed = false;
    }
    ots_table_note_changed_locked(passing->table, timeline, false);
}

static void pass_timeline(struct ots_node *timeline, void *context)
{
    struct passing *passing = context;
    const struct ots_extent *extent = &timeline->timeline.extent;
    if (timeline->kind != OTS_NODE_TIMELINE)
        return;
    if (passing->finding && timeline->timeline.scan_id == passing->finding->id) {
        const struct ots_found found = ots_finding_of(passing->finding, timeline);
        pass_rows(passing, timeline, &found.extent);
    } else if (!extent->row_count || extent->first_time_us >= passing->cut_us) {
        /* None of its rows is before the cut, so its text begins where it did. */
        timeline->timeline.begin_us = passing->cut_us;
    } else {
        pass_rows(passing, timeline, &(struct ots_extent){0});
    }
    passing->has_listed_child = passing->has_listed_child || timeline->is_listed;
}

static void pass_measurement(struct ots_node *measurement, void *context)
{
    const struct passing *of_table = context;
    struct passing passing = *of_table;
    if (measurement->kind != OTS_NODE_MEASUREMENT)
        return;
    passing.has_listed_child = false;
    ots_node_each_child(measurement, pass_timeline, &passing);
    if (passing.has_listed_child || measurement->is_local || !measurement->is_listed)
        return;
    measurement->is_listed = false;
    ots_table_note_directory_locked(of_table->table, measurement);
}

static void pass_locked(struct ots_table *table, const struct ots_finding *finding, int64_t cut_us)
{
    struct passing passing = {.finding = finding, .table = table, .cut_us = cut_us};
    ots_ahead_forget_contents(table->ahead, NULL, INT64_MIN, cut_us);
    ots_node_each_child(table->node, pass_measurement, &passing);
    table->whole.cut_us = cut_us;
}

/* --- all of it --------------------------------------------------------------------------------*/

static enum ots_status scan_passed(struct ots_table *table, int64_t old_cut_us, int64_t cut_us,
                                   struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = table->view;
    struct ots_finding finding;
    enum ots_status status = ots_finding_begin(&finding, &table->whole, interrupt, err);
    finding.selection.begin_us = old_cut_us;
    finding.selection.end_us = cut_us;
    if (status == OTS_OK)
        status = ots_finding_scan(&finding, interrupt, err);
    if (status == OTS_OK) {
        pthread_mutex_lock(&view->synced.lock);
        pass_locked(table, &finding, cut_us);
        pthread_mutex_unlock(&view->synced.lock);
    }
    ots_finding_deinit(&finding);
    return status;
}

enum ots_status ots_expire(struct ots_table *table, struct ots_interrupt *interrupt, bool *is_late,
                           struct ots_error *err)
{
    struct ots_view *view = table->view;
    *is_late = false;
    pthread_mutex_lock(&view->synced.lock);
    int64_t old_cut_us = table->whole.cut_us;
    int64_t cut_us = ots_expiry_cut_us(table->instance->store, table->time_to_live_s);
    bool is_due = cut_us > old_cut_us;
    bool is_passed = is_due && is_passed_locked(table, cut_us);
    *is_late = is_passed && cut_us - old_cut_us > LATE_US;
    if (is_due && !is_passed)
        pass_locked(table, NULL, cut_us);
    pthread_mutex_unlock(&view->synced.lock);
    return is_passed && !*is_late ? scan_passed(table, old_cut_us, cut_us, interrupt, err) : OTS_OK;
}
