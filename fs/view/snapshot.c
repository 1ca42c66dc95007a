/*
 * What is there are runs of text (windows). A place that is in none of them is reached by a stream
 * of pages, which begins at the end of a run or at a mark, whichever is nearer, and stops where the
 * next run begins. So nothing is fetched twice while there is room for it.
 *
 * A stream that passes a mark checks it. One that is wrong shows that somebody else has changed the
 * timeline: marks from there on are forgotten, and when text behind it was fetched too, which would
 * then be of another version, the snapshot is stale.
 *
 * The rows of the last page are kept until somebody reads text. Who copies them instead reads on by
 * rows, and from then on the stream's lines are only measured: there is no text of them. Text that
 * is wanted after all is fetched like any that was pushed out.
 */
#include "fs/view/snapshot.h"

#include "fs/view/lines.h"
#include "fs/view/measuring.h"

static uint64_t count_versions(const struct ots_snapshot *snapshot)
{
    const atomic_uint_least64_t *version = snapshot->options.version;
    const atomic_uint_least64_t *other = snapshot->options.other_version;
    return (version ? atomic_load(version) : 0) + (other ? atomic_load(other) : 0);
}

bool ots_snapshot_is_current(const struct ots_snapshot *snapshot)
{
    return count_versions(snapshot) == snapshot->version;
}

void ots_snapshot_accept_version(struct ots_snapshot *snapshot)
{
    snapshot->version = count_versions(snapshot);
}

enum ots_status ots_snapshot_init(struct ots_snapshot *snapshot,
                                  const struct ots_snapshot_options *options,
                                  const struct ots_marks *marks)
{
    *snapshot = (struct ots_snapshot){.options = *options, .arena = OTS_ARENA_INIT};
    uint64_t bytes_max = options->windows_bytes_max;
    ots_lp_printer_init(&snapshot->printer, options->precision);
    ots_windows_init(&snapshot->windows, bytes_max ? bytes_max : OTS_WINDOWS_BYTES_MAX);
    if (marks)
        ots_marks_copy(marks, &snapshot->marks);
    ots_page_rows_init(&snapshot->rows);
    snapshot->keeps_rows = true;
    ots_snapshot_accept_version(snapshot);
    snapshot->options.source.key = &snapshot->key;
    return ots_series_key_copy(&snapshot->arena, options->source.key, &snapshot->key);
}

static void close_stream(struct ots_snapshot *snapshot)
{
    if (snapshot->stream.is_open)
        ots_page_reader_deinit(&snapshot->stream.pages);
    snapshot->stream.is_open = false;
}

void ots_snapshot_deinit(struct ots_snapshot *snapshot)
{
    close_stream(snapshot);
    ots_page_rows_clear(&snapshot->rows);
    ots_marks_deinit(&snapshot->marks);
    ots_windows_deinit(&snapshot->windows);
    ots_lp_printer_deinit(&snapshot->printer);
    ots_arena_deinit(&snapshot->arena);
}

void ots_snapshot_grow(struct ots_snapshot *snapshot)
{
    snapshot->is_growing = snapshot->is_growing || snapshot->has_end;
    snapshot->has_end = false;
}

enum ots_status ots_snapshot_fill(struct ots_snapshot *snapshot, const struct ots_whole_text *text,
                                  struct ots_error *err)
{
    const struct ots_extent *extent = &text->extent;
    const struct ots_run run = {.size_bytes = extent->size_bytes,
                                .row_count = extent->row_count,
                                .first_time_us = extent->first_time_us,
                                .last_time_us = extent->last_time_us,
                                .hash = extent->hash};
    enum ots_status status =
        ots_windows_add(&snapshot->windows, &run, ots_buf_slice(&text->bytes), err);
    if (status != OTS_OK)
        return status;
    snapshot->stream.at = snapshot->end = *extent;
    snapshot->has_end = true;
    return OTS_OK;
}

void ots_snapshot_keep_rows(struct ots_snapshot *snapshot, struct ots_page_rows *take_rows)
{
    ots_page_rows_clear(&snapshot->rows);
    snapshot->rows = *take_rows;
    ots_page_rows_init(take_rows);
}

/* --- what was read does not fit together ------------------------------------------------------*/

static enum ots_status check_version(const struct ots_snapshot *snapshot, struct ots_error *err)
{
    if (ots_snapshot_is_current(snapshot))
        return OTS_OK;
    return ots_error_set(err, OTS_STALE, "the timeline was changed since it was opened");
}

static enum ots_status be_stale(struct ots_snapshot *snapshot, struct ots_error *err)
{
    snapshot->has_changed = true;
    return ots_error_set(err, OTS_STALE, "somebody changed the timeline since it was opened");
}

/* The text is not what the marks from `index` on say. */
static enum ots_status note_change(struct ots_snapshot *snapshot, size_t index,
                                   struct ots_error *err)
{
    snapshot->marks.count = index;
    snapshot->stream.next_mark = index;
    snapshot->has_changed = true;
    bool is_mix = ots_windows_after(&snapshot->windows, snapshot->stream.at.size_bytes);
    return is_mix ? be_stale(snapshot, err) : OTS_OK;
}

/* --- from rows to runs ------------------------------------------------------------------------*/

struct page {
    struct ots_snapshot *snapshot;
    struct ots_run run; /* its lines so far */
    struct ots_buf text;
};

/* The run ends, and with it the first `size` bytes of the text; the next one begins. */
static enum ots_status end_run(struct page *page, size_t size, struct ots_error *err)
{
    struct ots_snapshot *snapshot = page->snapshot;
    const struct ots_extent *at = &snapshot->stream.at;
    enum ots_status status = OTS_OK;
    if (at->size_bytes > snapshot->stream.stop_offset)
        return be_stale(snapshot, err);
    if (page->run.row_count && !snapshot->is_copied)
        status =
            ots_windows_add(&snapshot->windows, &page->run, ots_slice(page->text.data, size), err);
    ots_buf_consume(&page->text, size);
    page->run = (struct ots_run){.offset = at->size_bytes, .row_index = at->row_count};
    return status;
}

static enum ots_status pass_mark(struct ots_snapshot *snapshot, int64_t time_us,
                                 struct ots_error *err)
{
    struct ots_stream *stream = &snapshot->stream;
    if (ots_marks_pass(&snapshot->marks, &stream->next_mark, &stream->at, time_us))
        return OTS_OK;
    enum ots_status status = note_change(snapshot, stream->next_mark - 1, err);
    if (status == OTS_OK)
        ots_marks_pass(&snapshot->marks, &stream->next_mark, &stream->at, time_us);
    return status;
}

static void count_row(struct page *page, const struct ots_row_sum *row)
{
    struct ots_run *run = &page->run;
    struct ots_extent *at = &page->snapshot->stream.at;
    if (!run->row_count)
        run->first_time_us = row->time_us;
    run->last_time_us = row->time_us;
    run->size_bytes += row->size_bytes;
    run->row_count++;
    ots_extent_add(at, row);
    run->hash = at->hash;
    if (page->snapshot->measuring)
        ots_measuring_read(page->snapshot->measuring, row, 1);
}

/* The row's line is `line`; of 0 bytes when it has none. */
static void keep_row(struct ots_snapshot *snapshot, const struct ots_row_sum *line, bool is_blank)
{
    if (is_blank)
        ots_page_rows_cut(&snapshot->rows);
    if (snapshot->keeps_rows)
        ots_page_rows_add(&snapshot->rows, line);
}

static enum ots_status add_row(struct page *page, const struct ots_row *row, struct ots_error *err)
{
    size_t before = page->text.size;
    bool is_blank;
    enum ots_status status =
        ots_line_append(&page->snapshot->printer, row, &page->text, &is_blank, err);
    const struct ots_slice text = {page->text.data + before, page->text.size - before};
    if (status != OTS_OK)
        return status;
    const struct ots_row_sum line = {row->time_us, text.size, ots_row_sum_hash(text)};
    keep_row(page->snapshot, &line, is_blank);
    if (!text.size)
        return status;
    if (page->run.row_count && is_blank != page->run.is_blank) {
        status = end_run(page, before, err);
        before = 0;
    }
    if (status == OTS_OK)
        status = pass_mark(page->snapshot, row->time_us, err);
    if (is_blank || page->snapshot->is_copied)
        page->text.size = before;
    page->run.is_blank = is_blank;
    count_row(page, &line);
    return status;
}

static enum ots_status add_page(struct ots_snapshot *snapshot, const struct ots_rows *rows,
                                struct ots_error *err)
{
    struct ots_extent *at = &snapshot->stream.at;
    struct page page = {.snapshot = snapshot,
                        .run = {.offset = at->size_bytes, .row_index = at->row_count}};
    enum ots_status status = OTS_OK;
    snapshot->stream.page_offset = at->size_bytes;
    ots_page_rows_begin(&snapshot->rows, at->size_bytes);
    for (size_t i = 0; status == OTS_OK && i < rows->count; i++)
        status = add_row(&page, &rows->items[i], err);
    if (status == OTS_OK)
        status = end_run(&page, page.text.size, err);
    ots_buf_deinit(&page.text);
    ots_lp_printer_forget_key(&snapshot->printer);
    return status;
}

/* --- streams ----------------------------------------------------------------------------------*/

/* The nearest place before `offset` where a page can begin: the text before it. */
static struct ots_extent nearest_start(const struct ots_snapshot *snapshot, uint64_t offset)
{
    struct ots_extent start = {.last_time_us = snapshot->options.source.begin_us - 1};
    const struct ots_mark *mark = ots_marks_floor(&snapshot->marks, offset);
    if (mark)
        start = (struct ots_extent){.size_bytes = mark->offset,
                                    .row_count = mark->row_index,
                                    .last_time_us = mark->time_us - 1,
                                    .hash = mark->hash};
    const struct ots_run *run = ots_windows_floor(&snapshot->windows, offset);
    if (run && run->offset + run->size_bytes >= start.size_bytes)
        start = (struct ots_extent){.size_bytes = run->offset + run->size_bytes,
                                    .row_count = run->row_index + run->row_count,
                                    .last_time_us = run->last_time_us,
                                    .hash = run->hash};
    return start;
}

/* Rows of the first page: up to the mark behind what is wanted, when there is one. */
static int32_t first_limit(const struct ots_snapshot *snapshot, const struct ots_extent *start,
                           uint64_t wanted_end)
{
    size_t index = ots_marks_index(&snapshot->marks, wanted_end);
    if (!start->row_count || index == snapshot->marks.count)
        return OTS_PAGE_ROWS_MAX;
    uint64_t rows = snapshot->marks.items[index].row_index - start->row_count;
    return rows < OTS_PAGE_ROWS_MAX ? (int32_t)rows : OTS_PAGE_ROWS_MAX;
}

/* Have a stream whose next page is, or comes before, the one with the byte at `offset`. */
static void reach(struct ots_snapshot *snapshot, uint64_t offset, size_t size)
{
    struct ots_stream *stream = &snapshot->stream;
    struct ots_extent start = nearest_start(snapshot, offset);
    uint64_t at = stream->at.size_bytes;
    if (stream->is_open && at <= offset && at >= start.size_bytes)
        return;
    close_stream(snapshot);
    *stream = (struct ots_stream){.is_open = true, .at = start, .stop_offset = UINT64_MAX};
    stream->next_mark = ots_marks_index(&snapshot->marks, start.size_bytes);
    struct ots_page_source source = snapshot->options.source;
    source.begin_us = start.last_time_us + 1;
    const struct ots_run *next = ots_windows_after(&snapshot->windows, start.size_bytes);
    if (next) {
        stream->stop_offset = next->offset;
        source.end_us = next->first_time_us;
    }
    uint64_t wanted_end = size < UINT64_MAX - offset ? offset + size : UINT64_MAX;
    ots_page_reader_init(&stream->pages, &source, first_limit(snapshot, &start, wanted_end));
}

/* The stream's last page was added. */
static enum ots_status end_stream(struct ots_snapshot *snapshot, struct ots_error *err)
{
    struct ots_stream *stream = &snapshot->stream;
    enum ots_status status = OTS_OK;
    close_stream(snapshot);
    if (stream->stop_offset != UINT64_MAX)
        return stream->at.size_bytes == stream->stop_offset ? OTS_OK : be_stale(snapshot, err);
    if (stream->next_mark < snapshot->marks.count)
        status = note_change(snapshot, stream->next_mark, err);
    snapshot->has_end = true;
    snapshot->is_growing = false;
    snapshot->end = stream->at.row_count ? stream->at : (struct ots_extent){0};
    return status;
}

/* Whether the page is the first that comes of the text, and all of it: then it is of one version,
 * be it the next one. */
static bool is_all(const struct ots_snapshot *snapshot)
{
    const struct ots_stream *stream = &snapshot->stream;
    bool is_first = !stream->page_count && !stream->at.row_count && !snapshot->end.row_count &&
                    !snapshot->has_end && !snapshot->is_growing;
    return is_first && stream->pages.is_last && stream->stop_offset == UINT64_MAX;
}

static enum ots_status fetch_page(struct ots_snapshot *snapshot, struct ots_interrupt *interrupt,
                                  struct ots_error *err)
{
    struct ots_stream *stream = &snapshot->stream;
    const struct ots_rows *rows;
    enum ots_status status = ots_page_reader_next(&stream->pages, interrupt, &rows, err);
    if (status != OTS_OK)
        return status;
    /* A page that was asked for before the change may hold some of it. */
    if (!is_all(snapshot))
        status = check_version(snapshot, err);
    stream->pages.limit = OTS_PAGE_ROWS_MAX;
    /* Who reads a second page reads on. */
    if (status == OTS_OK && ++stream->page_count > 1)
        ots_page_reader_ask(&stream->pages);
    if (status == OTS_OK)
        status = add_page(snapshot, rows, err);
    if (status == OTS_OK && snapshot->keeps_rows)
        ots_page_rows_take(&snapshot->rows, &stream->pages.call);
    else
        ots_page_reader_forget(&stream->pages);
    if (status != OTS_OK) {
        close_stream(snapshot);
        return status;
    }
    return stream->pages.is_last ? end_stream(snapshot, err) : OTS_OK;
}

/* All of the version was there, and what was looked for behind it is of the next one. */
static bool give_up_growth(struct ots_snapshot *snapshot, uint64_t offset)
{
    if (!snapshot->is_growing || ots_snapshot_is_current(snapshot) ||
        offset < snapshot->end.size_bytes)
        return false;
    close_stream(snapshot);
    snapshot->has_end = true;
    snapshot->is_growing = false;
    return true;
}

static bool is_there(const struct ots_snapshot *snapshot, uint64_t offset)
{
    return ots_windows_at(&snapshot->windows, offset) ||
           (snapshot->has_end && offset >= snapshot->end.size_bytes);
}

/* The next page on the way to the byte at `offset`; or `*is_end`, when the text ends before. */
static enum ots_status fetch_towards(struct ots_snapshot *snapshot, uint64_t offset, size_t size,
                                     struct ots_interrupt *interrupt, bool *is_end,
                                     struct ots_error *err)
{
    enum ots_status status = check_version(snapshot, err);
    if (status == OTS_OK) {
        reach(snapshot, offset, size);
        status = fetch_page(snapshot, interrupt, err);
    }
    *is_end = status == OTS_STALE && give_up_growth(snapshot, offset);
    return *is_end ? OTS_OK : status;
}

enum ots_status ots_snapshot_fetch(struct ots_snapshot *snapshot, uint64_t offset, size_t size,
                                   struct ots_interrupt *interrupt, struct ots_error *err)
{
    /* How often it was fetched and pushed out by what came behind it. */
    unsigned losses = 0;
    while (!is_there(snapshot, offset)) {
        bool is_end;
        enum ots_status status = fetch_towards(snapshot, offset, size, interrupt, &is_end, err);
        if (status != OTS_OK || is_end)
            return status;
        if (snapshot->stream.at.size_bytes > offset && !is_there(snapshot, offset) && losses++)
            return ots_error_set(err, OTS_IO, "a page of rows is too large to be kept");
    }
    return OTS_OK;
}

/* --- copying ----------------------------------------------------------------------------------*/

/* Whether the page with the byte at `offset` can only be one that is not there yet. */
static bool is_to_fetch(const struct ots_snapshot *snapshot, uint64_t offset)
{
    return !ots_page_rows_has(&snapshot->rows, offset) && !is_there(snapshot, offset);
}

enum ots_status ots_snapshot_rows(struct ots_snapshot *snapshot, uint64_t offset, size_t size,
                                  struct ots_interrupt *interrupt, struct ots_row_span *span,
                                  struct ots_error *err)
{
    struct ots_stream *stream = &snapshot->stream;
    bool is_passed = false;
    *span = (struct ots_row_span){0};
    snapshot->keeps_rows = true;
    while (is_to_fetch(snapshot, offset) && !is_passed) {
        bool is_end;
        enum ots_status status = fetch_towards(snapshot, offset, size, interrupt, &is_end, err);
        if (status != OTS_OK || is_end)
            return status;
        is_passed = stream->at.size_bytes > offset;
    }
    snapshot->is_copied = ots_page_rows_find(&snapshot->rows, offset, size, span);
    if (snapshot->is_copied && stream->is_open && check_version(snapshot, NULL) == OTS_OK)
        ots_page_reader_ask(&stream->pages);
    return OTS_OK;
}

/* --- reading ----------------------------------------------------------------------------------*/

static enum ots_status append_piece(struct ots_snapshot *snapshot, uint64_t offset, size_t size,
                                    struct ots_interrupt *interrupt, struct ots_buf *out,
                                    struct ots_error *err)
{
    enum ots_status status = ots_snapshot_fetch(snapshot, offset, size, interrupt, err);
    if (status != OTS_OK)
        return status;
    const struct ots_run *run = ots_windows_at(&snapshot->windows, offset);
    if (run && run->is_blank)
        return ots_error_set(err, OTS_IO,
                             "the row of %lld us (or one soon after it) cannot be shown in this "
                             "precision",
                             (long long)run->first_time_us);
    return ots_windows_read(&snapshot->windows, offset, size, out, err);
}

/* Who reads on and has come to the second half of a stream's first page will want the next one. */
static void ask_ahead(struct ots_snapshot *snapshot, uint64_t offset, uint64_t end)
{
    struct ots_stream *stream = &snapshot->stream;
    uint64_t middle = stream->page_offset + (stream->at.size_bytes - stream->page_offset) / 2;
    if (offset == snapshot->read_end && stream->is_open && stream->page_count && end > middle &&
        check_version(snapshot, NULL) == OTS_OK)
        ots_page_reader_ask(&stream->pages);
    snapshot->read_end = end;
}

enum ots_status ots_snapshot_read(struct ots_snapshot *snapshot, uint64_t offset, size_t size,
                                  struct ots_interrupt *interrupt, struct ots_buf *out,
                                  struct ots_error *err)
{
    size_t before = out->size;
    size_t got = 0;
    snapshot->keeps_rows = snapshot->is_copied = false;
    if (snapshot->rows.is_there)
        ots_page_rows_clear(&snapshot->rows);
    while (got < size && offset < UINT64_MAX - got) {
        enum ots_status status =
            append_piece(snapshot, offset + got, size - got, interrupt, out, err);
        if (status != OTS_OK) {
            out->size = before;
            return status;
        }
        if (out->size - before == got)
            break;
        got = out->size - before;
    }
    ask_ahead(snapshot, offset, offset + got);
    return OTS_OK;
}
