/*
 * Learning what an extract holds by a parallel scan. What is found is noted under the view's lock,
 * but once per run of rows of one timeline. The text, which is printed for its size and hash, is
 * handed over page by page to who opens the timelines next (fs/view/texts.h).
 */
#include "fs/lp/names.h"
#include "fs/view/finding.h"
#include "fs/view/scan.h"
#include "fs/view/texts.h"

/* What is kept of a split while it is read. */
struct split {
    struct ots_finding *finding; /* NULL: nothing came yet */
    struct ots_text_page page;
    bool keeps_text;
    /* Of the run of rows of one timeline that is being read. */
    struct ots_buf lines; /* struct ots_row_sum */
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

/* The text of the run, which nobody else needs once it is summed. */
static enum ots_status end_text(struct split *split)
{
    const struct ots_extract *extract = split->finding->extract;
    const struct ots_key_names *names = &split->names;
    if (!split->keeps_text) {
        ots_text_page_reset(&split->page);
        return OTS_OK;
    }
    return ots_text_page_end_part(
        &split->page, ots_text_id(extract->node->ino, names->measurement, names->timeline));
}

static enum ots_status end_run(struct split *split, const struct ots_series_key *key)
{
    struct ots_view *view = split->finding->extract->view;
    size_t count = split->lines.size / sizeof(struct ots_row_sum);
    if (!count)
        return OTS_OK;
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = note_run_locked(
        split, key, (const struct ots_row_sum *)(const void *)split->lines.data, count);
    pthread_mutex_unlock(&view->synced.lock);
    ots_buf_reset(&split->lines);
    return status == OTS_OK ? end_text(split) : status;
}

static enum ots_status add_row(struct split *split, const struct ots_row *row,
                               struct ots_error *err)
{
    struct ots_row_sum line;
    enum ots_status status = ots_text_page_add(&split->page, row, &line, err);
    if (status != OTS_OK || !line.size_bytes)
        return status;
    ots_buf_append(&split->lines, &line, sizeof(line));
    if (ots_buf_status(&split->lines) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    return OTS_OK;
}

static enum ots_status note_page(struct split *split, const struct ots_rows *rows,
                                 struct ots_error *err)
{
    const struct ots_series_key *key = NULL;
    enum ots_status status = OTS_OK;
    for (size_t i = 0; status == OTS_OK && i < rows->count; i++) {
        const struct ots_row *row = &rows->items[i];
        if (row->key != key) {
            status = end_run(split, key);
            key = row->key;
            if (status == OTS_OK)
                status = begin_run(split, key);
        }
        if (status == OTS_OK && split->is_wanted)
            status = add_row(split, row, err);
    }
    return status == OTS_OK ? end_run(split, key) : status;
}

static void begin_lane(struct split *split, struct ots_finding *finding)
{
    split->finding = finding;
    split->keeps_text = finding->text_feed;
    ots_text_page_init(&split->page, finding->extract->view->options.precision);
}

static enum ots_status take_page(void *context, void *lane, const struct ots_rows *rows,
                                 struct ots_error *err)
{
    struct split *split = lane;
    struct ots_finding *finding = context;
    if (!split->finding)
        begin_lane(split, finding);
    ots_buf_reset(&split->lines);
    enum ots_status status = note_page(split, rows, err);
    if (status == OTS_OK && split->keeps_text)
        split->keeps_text =
            ots_texts_add(finding->extract->view->texts, finding->text_feed, &split->page);
    ots_text_page_reset(&split->page);
    return status;
}

static void end_lane(void *context, void *lane)
{
    struct split *split = lane;
    (void)context;
    if (split->finding)
        ots_text_page_deinit(&split->page);
    ots_buf_deinit(&split->lines);
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
    struct ots_texts *texts = extract->view->texts;
    struct ots_finding finding;
    enum ots_status status = ots_finding_begin(&finding, extract, interrupt, err);
    finding.text_feed = ots_texts_begin(texts, OTS_TEXTS_MEASURED);
    if (status == OTS_OK)
        status = ots_finding_scan(&finding, interrupt, err);
    if (status == OTS_OK)
        status = ots_finding_commit(&finding);
    if (status == OTS_OK)
        ots_texts_end(texts, finding.text_feed);
    else
        ots_texts_drop(texts, finding.text_feed);
    ots_finding_deinit(&finding);
    return status;
}
