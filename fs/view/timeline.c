/*
 * Measuring one timeline: reading what of it may have changed.
 *
 * Text before the first row of which nothing is known is as it was, so reading begins at the last
 * mark before that row, or behind the last row when it only grew. Rows that are put meanwhile are
 * added to what was read where it is known whether they are in it.
 */
#include "fs/view/apply.h"
#include "fs/view/lines.h"
#include "fs/view/measuring.h"
#include "fs/view/state.h"

/* More timelines than this to be measured one by one, and the table is scanned instead. */
enum { ONE_BY_ONE_MAX = 32 };

/* What is known and how it was known: `found` is the text that need not be read. */
struct start {
    uint64_t write_number;
    uint64_t change_count;
    struct ots_history *history; /* the timeline's, held */
    struct ots_found found;
    bool is_whole; /* then `measuring` notes what changes */
    struct ots_measuring measuring;
};

/* Add the rows behind what was found to it. */
static enum ots_status read_on(const struct ots_page_source *source, enum ots_precision precision,
                               struct ots_interrupt *interrupt, struct start *start,
                               struct ots_error *err)
{
    struct ots_ruler ruler;
    struct ots_page_reader reader;
    enum ots_status status;
    ots_ruler_init(&ruler, precision);
    ots_page_reader_init(&reader, source, 0);
    do {
        const struct ots_rows *rows;
        status = ots_page_reader_next(&reader, interrupt, &rows, err);
        if (status == OTS_OK)
            ots_page_reader_ask(&reader);
        for (size_t i = 0; status == OTS_OK && i < rows->count; i++)
            status = ots_ruler_add(&ruler, &rows->items[i], err);
        size_t count;
        const struct ots_row_sum *lines = ots_ruler_lines(&ruler, &count);
        ots_found_add(&start->found, lines, count);
        if (start->is_whole)
            ots_measuring_read(&start->measuring, lines, count);
        ots_ruler_reset(&ruler);
        ots_ruler_forget_key(&ruler);
    } while (status == OTS_OK && !reader.is_last);
    ots_page_reader_deinit(&reader);
    ots_ruler_deinit(&ruler);
    return status;
}

static enum ots_status begin_locked(struct ots_extract *extract, struct ots_node *timeline,
                                    bool is_from_front, struct start *start)
{
    struct ots_history *history = ots_node_hold_history(timeline);
    if (!history)
        return OTS_NOMEM;
    start->history = history;
    start->write_number = extract->table->write_number;
    start->change_count = history->change_count;
    struct ots_extent known =
        ots_history_begin(history, &timeline->timeline.extent, start->write_number);
    /* Which rows of a view were written is not kept. */
    start->is_whole = extract == &extract->table->whole;
    bool is_rest = !is_from_front && start->is_whole && known.row_count;
    if (is_rest) {
        start->found.extent = known;
        ots_marks_copy(&history->marks, &start->found.marks);
        ots_marks_cut(&start->found.marks, known.last_time_us);
    }
    if (start->is_whole)
        ots_measuring_begin_locked(extract->table, timeline,
                                   is_rest ? known.last_time_us : INT64_MIN, &start->measuring);
    return OTS_OK;
}

static void note_measured_locked(struct ots_extract *extract, struct ots_node *timeline,
                                 struct start *start, int64_t begin_us)
{
    extract->single_count++;
    if (start->is_whole) {
        ots_extract_note_read_locked(extract, &start->measuring, &start->found, begin_us, false);
        return;
    }
    const struct ots_measured measured = {.extent = start->found.extent,
                                          .marks = &start->found.marks,
                                          .begin_us = begin_us,
                                          .write_number = start->write_number};
    ots_extract_note_locked(extract, timeline, &measured);
}

/* False: the text that was not read turned out to be another one meanwhile. */
static bool end_locked(struct ots_extract *extract, struct ots_node *timeline, struct start *start,
                       const struct ots_page_source *source, bool is_from_front)
{
    bool is_known =
        start->history->change_count == start->change_count &&
        (timeline->timeline.begin_us == source->begin_us || !start->found.extent.row_count);
    if (!is_from_front && !is_known)
        return false;
    note_measured_locked(extract, timeline, start, source->begin_us);
    return true;
}

/* `key` is NULL when it has no row. `*is_done`: else it has to be read from the front. */
static enum ots_status measure_once(struct ots_extract *extract, struct ots_node *timeline,
                                    const struct ots_series_key *key, bool is_from_front,
                                    bool *is_done, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    struct ots_view *view = extract->view;
    struct start start = {0};
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = begin_locked(extract, timeline, is_from_front, &start);
    pthread_mutex_unlock(&view->synced.lock);
    if (status != OTS_OK)
        return ots_error_set(err, status, "out of memory");
    status = ots_pipeline_settle(extract->table->pipeline, interrupt, err);
    struct ots_page_source source = ots_extract_page_source(extract, key);
    struct ots_page_source rest = source;
    if (start.found.extent.row_count)
        rest.begin_us = start.found.extent.last_time_us + 1;
    if (status == OTS_OK && key && rest.begin_us < rest.end_us)
        status = read_on(&rest, view->options.precision, interrupt, &start, err);
    pthread_mutex_lock(&view->synced.lock);
    if (status == OTS_OK)
        *is_done = end_locked(extract, timeline, &start, &source, is_from_front);
    if (start.is_whole)
        ots_measuring_end_locked(extract->table, &start.measuring);
    ots_node_release_history(timeline);
    pthread_mutex_unlock(&view->synced.lock);
    ots_measuring_deinit(&start.measuring);
    ots_found_deinit(&start.found);
    return status;
}

static enum ots_status measure_timeline(struct ots_extract *extract, struct ots_node *timeline,
                                        struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key = {0};
    pthread_mutex_lock(&extract->view->synced.lock);
    enum ots_status status = ots_node_key(timeline, &arena, &key);
    pthread_mutex_unlock(&extract->view->synced.lock);
    /* A hashed name that no accepted line has explained: no row of it was written. */
    const struct ots_series_key *known = status == OTS_NOT_FOUND ? NULL : &key;
    if (!known)
        status = OTS_OK;
    bool is_done = false;
    if (status == OTS_OK)
        status = measure_once(extract, timeline, known, false, &is_done, interrupt, err);
    if (status == OTS_OK && !is_done)
        status = measure_once(extract, timeline, known, true, &is_done, interrupt, err);
    ots_arena_deinit(&arena);
    return status;
}

/* Whether it costs less to scan than to measure every timeline that has to be. */
static bool is_many_locked(const struct ots_extract *extract)
{
    bool is_whole = extract == &extract->table->whole;
    if (extract->view->options.is_browse)
        return false;
    size_t count = is_whole ? extract->unmeasured_count : extract->single_count;
    return count > ONE_BY_ONE_MAX + extract->row_count / OTS_PAGE_ROWS_MAX;
}

/* What this mount wrote to it is counted when it is stored. */
static enum ots_status wait_for_rows(struct ots_extract *extract, struct ots_node *timeline,
                                     struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = extract->view;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_node *origin = ots_extract_origin_locked(extract, timeline);
    bool is_sending = origin && origin->is_sending;
    uint64_t own_write = is_sending ? origin->timeline.own_write : 0;
    pthread_mutex_unlock(&view->synced.lock);
    if (!is_sending)
        return OTS_OK;
    enum ots_status status = ots_pipeline_settle(extract->table->pipeline, interrupt, err);
    pthread_mutex_lock(&view->synced.lock);
    if (status == OTS_OK && origin->timeline.own_write == own_write)
        origin->is_sending = false;
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

enum ots_status ots_extract_refresh_timeline(struct ots_extract *extract, struct ots_node *timeline,
                                             struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = extract->view;
    enum ots_status status = wait_for_rows(extract, timeline, interrupt, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    bool is_unmeasured = ots_extract_is_unmeasured_locked(extract, timeline);
    bool is_many = is_many_locked(extract);
    if (is_unmeasured && is_many && !extract->timelines.is_busy)
        extract->timelines.fresh_until_us = 0;
    pthread_mutex_unlock(&view->synced.lock);
    if (!is_unmeasured)
        return OTS_OK;
    if (is_many) {
        status = ots_extract_refresh(extract, interrupt, err);
        if (status != OTS_OK)
            return status;
    }
    /* A scan that somebody else had begun before the write does not count. */
    pthread_mutex_lock(&view->synced.lock);
    is_unmeasured = ots_extract_is_unmeasured_locked(extract, timeline);
    pthread_mutex_unlock(&view->synced.lock);
    return is_unmeasured ? measure_timeline(extract, timeline, interrupt, err) : OTS_OK;
}

enum ots_status ots_extract_open_timeline(struct ots_extract *extract, struct ots_node *timeline,
                                          struct ots_interrupt *interrupt, struct ots_error *err)
{
    return extract->view->options.is_browse
               ? measure_timeline(extract, timeline, interrupt, err)
               : ots_extract_refresh_timeline(extract, timeline, interrupt, err);
}
