#include "fs/view/reader.h"

#include <stdio.h>

#include "fs/view/apply.h"
#include "fs/view/measuring.h"
#include "fs/view/read_ahead.h"
#include "fs/view/unsaved.h"

enum { OPEN_TRIES = 16 };

/* --- opening ----------------------------------------------------------------------------------*/

/* Who looks into a view only has made nothing of the whole table known yet. */
static enum ots_status find_origin_locked(struct ots_reader *reader,
                                          const struct ots_series_key *key)
{
    const struct ots_extract *extract = reader->extract;
    struct ots_node *timeline = reader->timeline;
    reader->origin = timeline;
    reader->history = ots_node_hold_history(timeline);
    if (!reader->history)
        return OTS_NOMEM;
    if (extract == &extract->table->whole) {
        reader->origin_history = ots_node_hold_history(timeline);
        return OTS_OK;
    }
    struct ots_node *measurement =
        ots_node_child_make(extract->table->node, OTS_NODE_MEASUREMENT, timeline->parent->name);
    reader->origin =
        measurement ? ots_node_child_make(measurement, OTS_NODE_TIMELINE, timeline->name) : NULL;
    if (reader->origin)
        reader->origin_history = ots_node_hold_history(reader->origin);
    if (!reader->origin_history)
        return OTS_NOMEM;
    ots_history_see_row(reader->origin_history, timeline->timeline.extent.last_time_us);
    return ots_node_set_key(reader->origin, key);
}

/* A snapshot of what is there now, not fetched yet. */
static enum ots_status init_snapshot(struct ots_reader *reader,
                                     const struct ots_page_source *source, struct ots_extent *known)
{
    struct ots_extract *extract = reader->extract;
    struct ots_view *view = extract->view;
    static const struct ots_marks none;
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = find_origin_locked(reader, source->key);
    bool is_known = reader->timeline->timeline.begin_us == source->begin_us;
    if (status == OTS_OK) {
        const struct ots_history *history = reader->history;
        const struct ots_history *other = reader->origin_history;
        const struct ots_snapshot_options options = {
            .source = *source,
            .precision = view->options.precision,
            .version = &history->version,
            .other_version = other != history ? &other->version : NULL,
        };
        reader->has_snapshot = true;
        status = ots_snapshot_init(&reader->snapshot, &options, is_known ? &history->marks : &none);
    }
    *known = reader->timeline->timeline.extent;
    pthread_mutex_unlock(&view->synced.lock);
    if (status != OTS_OK)
        return status;
    reader->shared_count = reader->snapshot.marks.count;
    return status;
}

/* What was read is all there is, so it is the timeline's size. */
static void note_all_locked(struct ots_reader *reader, struct ots_measuring *measuring,
                            uint64_t write_number)
{
    const struct ots_snapshot *snapshot = &reader->snapshot;
    int64_t begin_us = snapshot->options.source.begin_us;
    if (measuring) {
        struct ots_found found = {.extent = snapshot->end};
        ots_marks_copy(&snapshot->marks, &found.marks);
        ots_extract_note_read_locked(reader->extract, measuring, &found, begin_us, true);
        ots_found_deinit(&found);
        return;
    }
    const struct ots_measured measured = {.extent = snapshot->end,
                                          .marks = &snapshot->marks,
                                          .begin_us = begin_us,
                                          .write_number = write_number};
    ots_extract_note_locked(reader->extract, reader->timeline, &measured);
}

static void note_all(struct ots_reader *reader, struct ots_measuring *measuring,
                     uint64_t write_number)
{
    struct ots_snapshot *snapshot = &reader->snapshot;
    struct ots_view *view = reader->extract->view;
    pthread_mutex_lock(&view->synced.lock);
    bool is_now = ots_snapshot_is_current(snapshot);
    note_all_locked(reader, measuring, write_number);
    /* If that was news, it is this file that has it. */
    if (is_now)
        ots_snapshot_accept_version(snapshot);
    pthread_mutex_unlock(&view->synced.lock);
}

static enum ots_status fetch_first(struct ots_reader *reader, const struct ots_extent *known,
                                   struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_snapshot *snapshot = &reader->snapshot;
    if (known->row_count > OTS_PAGE_ROWS_MAX)
        return OTS_OK;
    enum ots_status status = ots_snapshot_fetch(snapshot, 0, 0, interrupt, err);
    /* A full page does not tell whether it is the last. */
    if (status == OTS_OK && !snapshot->has_end &&
        snapshot->stream.at.row_count == OTS_PAGE_ROWS_MAX && known->row_count == OTS_PAGE_ROWS_MAX)
        status = ots_snapshot_fetch(snapshot, snapshot->stream.at.size_bytes, 0, interrupt, err);
    return status;
}

/* Whether the text is what the timeline is known to hold. */
static bool is_known_text(const struct ots_reader *reader, const struct ots_whole_text *text)
{
    struct ots_extract *extract = reader->extract;
    struct ots_view *view = extract->view;
    struct ots_node *timeline = reader->timeline;
    pthread_mutex_lock(&view->synced.lock);
    bool is_known = !ots_extract_is_unmeasured_locked(extract, timeline) &&
                    ots_whole_text_is(text, &timeline->timeline.extent);
    pthread_mutex_unlock(&view->synced.lock);
    return is_known;
}

/* What was fetched of it before it was opened, if it is still true. */
static enum ots_status take_ahead(struct ots_reader *reader, struct ots_interrupt *interrupt,
                                  struct ots_error *err)
{
    struct ots_read_ahead *ahead = reader->extract->view->read_ahead;
    struct ots_whole_text text = {0};
    struct ots_page_rows rows;
    ots_page_rows_init(&rows);
    enum ots_status status =
        ots_read_ahead_open(ahead, reader->shown, reader->timeline, interrupt, &text, &rows, err);
    bool is_true = text.extent.row_count && is_known_text(reader, &text);
    if (status == OTS_OK && is_true)
        status = ots_snapshot_fill(&reader->snapshot, &text, err);
    if (status == OTS_OK && is_true)
        ots_snapshot_keep_rows(&reader->snapshot, &rows);
    ots_page_rows_clear(&rows);
    ots_whole_text_deinit(&text);
    return status;
}

/* The first page; what is changed meanwhile is told to `measuring` (NULL: in a view). */
static enum ots_status open_snapshot(struct ots_reader *reader, const struct ots_series_key *key,
                                     struct ots_measuring *measuring, uint64_t write_number,
                                     struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_extract *extract = reader->extract;
    struct ots_extent known;
    enum ots_status status = ots_pipeline_settle(extract->table->pipeline, interrupt, err);
    if (status != OTS_OK)
        return status;
    const struct ots_page_source source = ots_extract_page_source(extract, key);
    if (source.begin_us >= source.end_us)
        return OTS_OK; /* all of it has expired */
    status = init_snapshot(reader, &source, &known);
    if (status == OTS_OK)
        status = take_ahead(reader, interrupt, err);
    if (status != OTS_OK || reader->snapshot.has_end)
        return status;
    reader->snapshot.measuring = measuring;
    status = fetch_first(reader, &known, interrupt, err);
    if (status == OTS_OK && reader->snapshot.has_end)
        note_all(reader, measuring, write_number);
    reader->snapshot.measuring = NULL;
    return status;
}

static enum ots_status open_watched(struct ots_reader *reader, const struct ots_series_key *key,
                                    struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_table *table = reader->extract->table;
    struct ots_view *view = table->view;
    struct ots_measuring measuring;
    bool is_whole = reader->extract == &table->whole;
    pthread_mutex_lock(&view->synced.lock);
    uint64_t write_number = table->write_number;
    if (is_whole)
        ots_measuring_begin_locked(table, reader->timeline, INT64_MIN, &measuring);
    pthread_mutex_unlock(&view->synced.lock);
    enum ots_status status =
        open_snapshot(reader, key, is_whole ? &measuring : NULL, write_number, interrupt, err);
    if (!is_whole)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    ots_measuring_end_locked(table, &measuring);
    pthread_mutex_unlock(&view->synced.lock);
    ots_measuring_deinit(&measuring);
    return status;
}

/* Rows take some times the room of their text, and many files may be open. */
static void hold_rows(struct ots_reader *reader)
{
    atomic_uint *count = &reader->extract->view->kept_rows;
    if (!reader->has_snapshot || !reader->snapshot.rows.is_there)
        return;
    reader->keeps_rows = atomic_fetch_add(count, 1) < OTS_READERS_WITH_ROWS_MAX;
    if (reader->keeps_rows)
        return;
    atomic_fetch_sub(count, 1);
    ots_page_rows_clear(&reader->snapshot.rows);
}

static void release_rows(struct ots_reader *reader)
{
    if (reader->keeps_rows)
        atomic_fetch_sub(&reader->extract->view->kept_rows, 1);
    reader->keeps_rows = false;
}

/* Who opens a file that is written all the time begins anew when pages do not fit together. */
static enum ots_status open_at_last(struct ots_reader *reader, const struct ots_series_key *key,
                                    struct ots_interrupt *interrupt, struct ots_error *err)
{
    enum ots_status status = open_watched(reader, key, interrupt, err);
    for (unsigned tries = 1; status == OTS_STALE && tries < OPEN_TRIES; tries++) {
        ots_reader_deinit(reader);
        status = open_watched(reader, key, interrupt, err);
    }
    return status;
}

enum ots_status ots_reader_open(struct ots_reader *reader, struct ots_extract *extract,
                                struct ots_node *timeline, const struct ots_node *shown,
                                struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key = {0};
    *reader = (struct ots_reader){.extract = extract, .timeline = timeline, .shown = shown};
    pthread_mutex_lock(&extract->view->synced.lock);
    enum ots_status status = ots_node_key(timeline, &arena, &key);
    pthread_mutex_unlock(&extract->view->synced.lock);
    if (status == OTS_OK)
        status = open_at_last(reader, &key, interrupt, err);
    else if (status == OTS_NOT_FOUND)
        status = OTS_OK; /* a hashed name that no line has explained yet: an empty file */
    ots_arena_deinit(&arena);
    hold_rows(reader);
    if (status == OTS_OK && reader->has_snapshot && !reader->snapshot.has_end)
        status = ots_extract_open_timeline(extract, timeline, interrupt, err);
    return status;
}

void ots_reader_deinit(struct ots_reader *reader)
{
    release_rows(reader);
    if (reader->has_snapshot)
        ots_snapshot_deinit(&reader->snapshot);
    reader->has_snapshot = false;
    struct ots_view *view = reader->extract->view;
    pthread_mutex_lock(&view->synced.lock);
    if (reader->history)
        ots_node_release_history(reader->timeline);
    if (reader->origin_history)
        ots_node_release_history(reader->origin);
    pthread_mutex_unlock(&view->synced.lock);
    reader->history = NULL;
    reader->origin_history = NULL;
}

/* --- reading ----------------------------------------------------------------------------------*/

/* Who reads at the end gets what came behind it. */
static enum ots_status look_for_growth(struct ots_reader *reader, struct ots_interrupt *interrupt,
                                       struct ots_error *err)
{
    struct ots_extract *extract = reader->extract;
    struct ots_node *timeline = reader->timeline;
    struct ots_snapshot *snapshot = &reader->snapshot;
    if (!ots_snapshot_is_current(snapshot))
        return OTS_OK;
    enum ots_status status = ots_extract_refresh_timeline(extract, timeline, interrupt, err);
    if (status != OTS_OK || !ots_snapshot_is_current(snapshot))
        return status;
    pthread_mutex_lock(&extract->view->synced.lock);
    struct ots_extent known = timeline->timeline.extent;
    pthread_mutex_unlock(&extract->view->synced.lock);
    if (known.row_count &&
        (!snapshot->end.row_count || known.last_time_us > snapshot->end.last_time_us))
        ots_snapshot_grow(snapshot);
    return OTS_OK;
}

static bool is_followed(const struct ots_reader *reader)
{
    struct ots_table *table = reader->extract->table;
    return reader->extract == &table->whole && atomic_load(&table->is_followed);
}

/* Marks that the snapshot passed are of use to others, and so is that one was wrong. */
static void share_marks(struct ots_reader *reader)
{
    struct ots_snapshot *snapshot = &reader->snapshot;
    struct ots_view *view = reader->extract->view;
    struct ots_history *history = reader->history;
    if (!snapshot->has_changed && snapshot->marks.count <= reader->shared_count)
        return;
    pthread_mutex_lock(&view->synced.lock);
    bool is_same = reader->timeline->timeline.begin_us == snapshot->options.source.begin_us &&
                   ots_snapshot_is_current(snapshot);
    if (is_same && snapshot->has_changed) {
        ots_marks_clear(&history->marks);
        history->change_count++;
        if (is_followed(reader))
            ots_apply_dirty_locked(reader->extract->table, reader->timeline, INT64_MIN);
        else if (!reader->extract->timelines.is_busy)
            reader->extract->timelines.fresh_until_us = 0;
    } else if (is_same && snapshot->marks.count > history->marks.count) {
        ots_marks_copy(&snapshot->marks, &history->marks);
    }
    if (is_same && is_followed(reader))
        ots_table_note_unsaved_locked(reader->extract->table, reader->timeline);
    pthread_mutex_unlock(&view->synced.lock);
    snapshot->has_changed = false;
    reader->shared_count = snapshot->marks.count;
}

/* The log names what could not be shown. */
static void name_place(const struct ots_reader *reader, struct ots_error *err)
{
    char message[sizeof(err->message)];
    memcpy(message, err->message, sizeof(message));
    const struct ots_node *timeline = reader->timeline;
    ots_error_set(err, err->status, "%.*s/%.*s: %s", OTS_SLICE_FMT(timeline->parent->name),
                  OTS_SLICE_FMT(timeline->name), message);
}

static void note_read(struct ots_reader *reader, enum ots_status status, struct ots_error *err)
{
    /* A row that this mount puts before what was read here is no growth. */
    ots_history_see_row(reader->origin_history, reader->snapshot.stream.at.last_time_us);
    share_marks(reader);
    if ((status == OTS_IO || status == OTS_STALE) && err)
        name_place(reader, err);
}

enum ots_status ots_reader_read(struct ots_reader *reader, uint64_t offset, size_t size,
                                struct ots_interrupt *interrupt, struct ots_buf *out,
                                struct ots_error *err)
{
    struct ots_snapshot *snapshot = &reader->snapshot;
    enum ots_status status = OTS_OK;
    if (!reader->has_snapshot || !size)
        return OTS_OK;
    uint64_t end = snapshot->end.size_bytes;
    bool is_at_end = snapshot->has_end && (offset >= end || size > end - offset);
    if (is_at_end)
        status = look_for_growth(reader, interrupt, err);
    if (status != OTS_OK)
        return status;
    status = ots_snapshot_read(snapshot, offset, size, interrupt, out, err);
    release_rows(reader);
    note_read(reader, status, err);
    return status;
}

enum ots_status ots_reader_rows(struct ots_reader *reader, uint64_t offset, size_t size,
                                struct ots_interrupt *interrupt, struct ots_row_span *span,
                                struct ots_error *err)
{
    *span = (struct ots_row_span){0};
    if (!reader->has_snapshot || !size)
        return OTS_OK;
    enum ots_status status =
        ots_snapshot_rows(&reader->snapshot, offset, size, interrupt, span, err);
    note_read(reader, status, err);
    return status;
}

enum ots_status ots_reader_check_copy(const struct ots_reader *reader, uint64_t cut,
                                      struct ots_error *err)
{
    struct ots_view *view = reader->extract->view;
    if (!reader->has_snapshot)
        return OTS_OK;
    pthread_mutex_lock(&view->synced.lock);
    bool is_known_size = cut && cut == reader->timeline->timeline.extent.size_bytes;
    pthread_mutex_unlock(&view->synced.lock);
    if (!is_known_size && ots_snapshot_is_current(&reader->snapshot))
        return OTS_OK;
    return ots_error_set(err, OTS_STALE, "the timeline was changed since it was opened");
}
