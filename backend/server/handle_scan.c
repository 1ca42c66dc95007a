#include "backend/server/page.h"

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a page");
}

/* Goes through the rows of many timelines, with a second cursor that follows their keys. */
struct scan {
    struct ots_page page;
    uint64_t first;
    uint64_t last;
    struct ots_cursor *rows;
    struct ots_cursor *keys;
    uint64_t timeline; /* of `key`; 0: none yet */
    const struct ots_series_key *key;
};

/* The split's timelines, all of the table without one. */
static enum ots_status scan_bounds(struct scan *scan, const struct ots_scan_request *request,
                                   struct ots_error *err)
{
    scan->first = 0;
    scan->last = UINT64_MAX;
    if (!request->split.size)
        return OTS_OK;
    struct ots_token split = {.kind = OTS_TOKEN_SPLIT, .table = scan->page.table->id};
    enum ots_status status = ots_token_decode(request->split, &split, err);
    if (status != OTS_OK)
        return status;
    scan->first = split.first;
    scan->last = split.second;
    return OTS_OK;
}

static void scan_seek(struct scan *scan, uint64_t timeline, int64_t time_us)
{
    uint8_t key[OTS_ROW_KEY_BYTES];
    scan->rows->ops->seek(scan->rows, ots_layout_row(key, scan->page.table->id, timeline, time_us));
    scan->page.examined++;
}

static enum ots_status scan_start(struct scan *scan, const struct ots_scan_request *request,
                                  struct ots_error *err)
{
    struct ots_token token = {.kind = OTS_TOKEN_SCAN, .table = scan->page.table->id};
    if (!request->token.size) {
        scan_seek(scan, scan->first, scan->page.begin_us);
        return OTS_OK;
    }
    enum ots_status status = ots_token_decode(request->token, &token, err);
    if (status != OTS_OK)
        return status;
    if (token.first < scan->first || token.first > scan->last || token.second > INT64_MAX)
        return ots_error_set(err, OTS_INVALID, "token: of another split");
    return ots_page_resume(&scan->page, &token, false, scan->rows, err);
}

/* Make scan->key the series key of `timeline`, which comes after the one before. */
static enum ots_status scan_key(struct scan *scan, uint64_t timeline, struct ots_error *err)
{
    struct ots_cursor *keys = scan->keys;
    uint8_t wanted[OTS_TIMELINE_PREFIX_BYTES];
    struct ots_slice number =
        ots_layout_timeline(wanted, OTS_SPACE_SERIES_KEY, scan->page.table->id, timeline);
    if (keys->is_valid)
        keys->ops->next(keys);
    if (!keys->is_valid || !ots_slice_equal(keys->key, number))
        keys->ops->seek(keys, number);
    if (!keys->is_valid || !ots_slice_equal(keys->key, number)) {
        enum ots_status status = keys->ops->check(keys, err);
        if (status != OTS_OK)
            return status;
        return ots_error_set(err, OTS_CORRUPT, "the store has rows of an unknown timeline");
    }
    struct ots_series_key *key = ots_arena_array(scan->page.arena, 1, sizeof(*key));
    if (!key)
        return no_memory(err);
    scan->key = key;
    scan->timeline = timeline;
    return ots_layout_series_decode(keys->value, scan->page.arena, key, err);
}

/* Go past a row outside of the window, if this is one. */
static bool scan_skips(struct scan *scan, uint64_t timeline, int64_t time_us, bool *is_done)
{
    const struct ots_page *page = &scan->page;
    if (time_us < page->begin_us) {
        scan_seek(scan, timeline, page->begin_us);
        return true;
    }
    if (!page->has_end || time_us < page->end_us)
        return false;
    *is_done = timeline >= scan->last;
    if (!*is_done)
        scan_seek(scan, timeline + 1, page->begin_us);
    return true;
}

static enum ots_status scan_fill(struct scan *scan, struct ots_slice *next_token,
                                 struct ots_error *err)
{
    struct ots_cursor *rows = scan->rows;
    enum ots_status status = OTS_OK;
    bool is_done = false;
    while (rows->is_valid && !is_done) {
        uint64_t timeline = 0;
        int64_t time_us = 0;
        status = ots_layout_row_parse(rows->key, &timeline, &time_us, err);
        if (status != OTS_OK)
            return status;
        /* A full page looks on for a row in the window, so that no token leads to nothing. */
        if (scan->page.examined < OTS_PAGE_EXAMINED_MAX &&
            scan_skips(scan, timeline, time_us, &is_done))
            continue;
        if (ots_page_is_full(&scan->page))
            return ots_page_token(&scan->page, OTS_TOKEN_SCAN, rows, next_token, err);
        if (timeline != scan->timeline)
            status = scan_key(scan, timeline, err);
        if (status == OTS_OK)
            status = ots_page_add(&scan->page, rows->value, time_us, scan->key, err);
        if (status != OTS_OK)
            return status;
        rows->ops->next(rows);
    }
    return is_done ? OTS_OK : rows->ops->check(rows, err);
}

static struct ots_cursor *range_cursor(const struct scan *scan, enum ots_space space)
{
    struct ots_engine *engine = scan->page.instance->engine;
    struct ots_key_range range;
    ots_layout_timelines_range(&range, space, scan->page.table->id, scan->first, scan->last);
    return engine->ops->cursor_new(engine, ots_key_range_begin(&range), ots_key_range_end(&range));
}

static enum ots_status scan_run(struct scan *scan, const struct ots_scan_request *request,
                                struct ots_slice *next_token, struct ots_error *err)
{
    /* A measurement without timelines, or more splits than timelines: a split of nothing. */
    if (scan->first > scan->last)
        return OTS_OK;
    OTS_AUTO(ots_cursor_freep) struct ots_cursor *rows = range_cursor(scan, OTS_SPACE_ROW);
    /* Made after the other, so that it has the key of every row which that one sees. */
    OTS_AUTO(ots_cursor_freep) struct ots_cursor *keys = range_cursor(scan, OTS_SPACE_SERIES_KEY);
    if (!rows || !keys)
        return no_memory(err);
    scan->rows = rows;
    scan->keys = keys;
    enum ots_status status = scan_start(scan, request, err);
    return status == OTS_OK ? scan_fill(scan, next_token, err) : status;
}

enum ots_status ots_handle_scan(struct ots_instance *instance, struct ots_call *call,
                                struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    const struct ots_scan_request *request = &call->request.scan;
    const struct ots_page_request wanted = {
        .begin_us = request->begin_us,
        .end_us = request->end_us,
        .has_begin = request->has_begin,
        .has_end = request->has_end,
        .limit = request->limit,
        .fields = request->fields,
        .field_count = request->field_count,
    };
    struct scan scan = {0};
    enum ots_status status = ots_handle_hold_for(instance, call, request->table, &table, err);
    if (status == OTS_OK)
        status = ots_page_init(&scan.page, instance, table, &wanted, call, err);
    if (status == OTS_OK)
        status = scan_bounds(&scan, request, err);
    return status == OTS_OK ? scan_run(&scan, request, &call->response.page.next_token, err)
                            : status;
}
