/*
 * Learning what an extract holds by a parallel scan. What is found is noted under the view's lock,
 * but once per run of rows of one timeline.
 */
#include "fs/lp/names.h"
#include "fs/view/finding.h"
#include "fs/view/lines.h"
#include "fs/view/scan.h"

/* What is kept of a split while it is read. */
struct split {
    struct ots_finding *finding; /* NULL: nothing came yet */
    struct ots_ruler ruler;
    /* Of the run of rows of one timeline that is being read. */
    struct ots_key_names names;
    bool is_wanted;
};

/* --- one split --------------------------------------------------------------------------------*/

static enum ots_status note_run_locked(struct split *split, const struct ots_series_key *key,
                                       const struct ots_row_sum *lines, size_t count)
{
    struct ots_finding *finding = split->finding;
    struct ots_node *timeline;
    enum ots_status status = ots_finding_note_locked(finding, key, split->names.measurement,
                                                     split->names.timeline, &timeline);
    return status == OTS_OK ? ots_finding_add_locked(finding, timeline, lines, count) : status;
}

/* Rows of another timeline come. */
static enum ots_status begin_run(struct split *split, const struct ots_series_key *key)
{
    const struct ots_share *share = &split->finding->selection.share;
    enum ots_status status = ots_key_names_set(&split->names, key);
    split->is_wanted =
        status == OTS_OK && ots_share_has(share, split->names.measurement, split->names.timeline);
    return status;
}

static enum ots_status end_run(struct split *split, const struct ots_series_key *key)
{
    struct ots_view *view = split->finding->extract->view;
    size_t count;
    const struct ots_row_sum *lines = ots_ruler_lines(&split->ruler, &count);
    if (!count)
        return OTS_OK;
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = note_run_locked(split, key, lines, count);
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
            status = end_run(split, key);
            key = row->key;
            if (status == OTS_OK)
                status = begin_run(split, key);
        }
        if (status == OTS_OK && split->is_wanted)
            status = ots_ruler_add(&split->ruler, row, err);
    }
    return status == OTS_OK ? end_run(split, key) : status;
}

static enum ots_status take_page(void *context, void *lane, const struct ots_rows *rows,
                                 struct ots_error *err)
{
    struct split *split = lane;
    if (!split->finding)
        ots_ruler_init(&split->ruler,
                       ((struct ots_finding *)context)->extract->view->options.precision);
    split->finding = context;
    enum ots_status status = note_page(split, rows, err);
    ots_ruler_forget_key(&split->ruler);
    return status;
}

static void end_lane(void *context, void *lane)
{
    struct split *split = lane;
    (void)context;
    if (split->finding)
        ots_ruler_deinit(&split->ruler);
    ots_key_names_deinit(&split->names);
}

/* --- the whole scan ---------------------------------------------------------------------------*/

enum ots_status ots_finding_scan(struct ots_finding *finding, struct ots_interrupt *interrupt,
                                 struct ots_error *err)
{
    const struct ots_extract *extract = finding->extract;
    const struct ots_scan_plan plan = {.store = extract->table->instance->store,
                                       .pool = extract->view->scan_pool,
                                       .split_count = extract->view->options.scan_lanes,
                                       .table = extract->table->node->name,
                                       .selection = &finding->selection,
                                       .lane_bytes = sizeof(struct split),
                                       .take_page = take_page,
                                       .end_lane = end_lane,
                                       .context = finding};
    finding->has_extents = true;
    return ots_scan_run(&plan, interrupt, err);
}

enum ots_status ots_extract_measure(struct ots_extract *extract, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    struct ots_finding finding;
    enum ots_status status = ots_finding_begin(&finding, extract, interrupt, err);
    if (status == OTS_OK)
        status = ots_finding_scan(&finding, interrupt, err);
    if (status == OTS_OK)
        status = ots_finding_commit(&finding);
    ots_finding_deinit(&finding);
    return status;
}
