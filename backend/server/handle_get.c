#include "backend/server/page.h"

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a page");
}

/* A cursor over the timeline's rows in the page's window. */
static struct ots_cursor *timeline_cursor(struct ots_page *page, uint64_t timeline)
{
    struct ots_engine *engine = page->instance->engine;
    struct ots_key_range range;
    ots_layout_timelines_range(&range, OTS_SPACE_ROW, page->table->id, timeline, timeline);
    range.begin_size = ots_layout_row(range.begin, page->table->id, timeline, page->begin_us).size;
    if (page->has_end)
        range.end_size = ots_layout_row(range.end, page->table->id, timeline, page->end_us).size;
    return engine->ops->cursor_new(engine, ots_key_range_begin(&range), ots_key_range_end(&range));
}

/* Put the cursor on the first row to read: where the token says, else at the window's end. */
static enum ots_status get_start(struct ots_page *page, const struct ots_get_request *request,
                                 uint64_t timeline, struct ots_cursor *cursor,
                                 struct ots_error *err)
{
    struct ots_token token = {
        .kind = request->is_backward ? OTS_TOKEN_GET_BACKWARD : OTS_TOKEN_GET,
        .table = page->table->id,
    };
    if (!request->token.size) {
        struct ots_key_range range;
        ots_layout_timelines_range(&range, OTS_SPACE_ROW, page->table->id, timeline, timeline);
        if (request->is_backward)
            cursor->ops->seek_back(cursor, ots_key_range_end(&range));
        else
            cursor->ops->seek(cursor, ots_key_range_begin(&range));
        return OTS_OK;
    }
    enum ots_status status = ots_token_decode(request->token, &token, err);
    if (status != OTS_OK)
        return status;
    if (token.first != timeline || token.second > INT64_MAX)
        return ots_error_set(err, OTS_INVALID, "token: of another timeline");
    return ots_page_resume(page, &token, request->is_backward, cursor, err);
}

static enum ots_status get_fill(struct ots_page *page, const struct ots_get_request *request,
                                const struct ots_series_key *key, uint64_t timeline,
                                struct ots_slice *next_token, struct ots_error *err)
{
    OTS_AUTO(ots_cursor_freep) struct ots_cursor *cursor = timeline_cursor(page, timeline);
    if (!cursor)
        return no_memory(err);
    enum ots_status status = get_start(page, request, timeline, cursor, err);
    while (status == OTS_OK && cursor->is_valid) {
        int64_t time_us = 0;
        if (ots_page_is_full(page))
            return ots_page_token(page,
                                  request->is_backward ? OTS_TOKEN_GET_BACKWARD : OTS_TOKEN_GET,
                                  cursor, next_token, err);
        status = ots_layout_row_parse(cursor->key, &timeline, &time_us, err);
        if (status == OTS_OK)
            status = ots_page_add(page, cursor->value, time_us, key, err);
        if (request->is_backward)
            cursor->ops->prev(cursor);
        else
            cursor->ops->next(cursor);
    }
    return status == OTS_OK ? cursor->ops->check(cursor, err) : status;
}

static enum ots_status get_run(struct ots_page *page, struct ots_call *call, struct ots_error *err)
{
    const struct ots_get_request *request = &call->request.get;
    uint64_t timeline = 0;
    bool is_found = false;
    enum ots_status status = ots_dictionary_find(page->instance->dictionary, page->table->id,
                                                 &request->key, &timeline, &is_found, err);
    if (status != OTS_OK)
        return status;
    if (!is_found && request->token.size)
        return ots_error_set(err, OTS_INVALID, "token: of another timeline");
    if (!is_found)
        return OTS_OK;
    struct ots_series_key *key = ots_arena_array(&call->arena, 1, sizeof(*key));
    if (!key || ots_series_key_copy(&call->arena, &request->key, key) != OTS_OK)
        return no_memory(err);
    return get_fill(page, request, key, timeline, &call->response.page.next_token, err);
}

enum ots_status ots_handle_get(struct ots_instance *instance, struct ots_call *call,
                               struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    const struct ots_get_request *request = &call->request.get;
    const struct ots_page_request wanted = {
        .begin_us = request->begin_us,
        .end_us = request->end_us,
        .has_begin = request->has_begin,
        .has_end = request->has_end,
        .limit = request->limit,
        .fields = request->fields,
        .field_count = request->field_count,
    };
    struct ots_page page;
    enum ots_status status = ots_handle_hold_for(instance, call, request->table, &table, err);
    if (status == OTS_OK)
        status = ots_table_key_check(&table->meta, &request->key, err);
    if (status == OTS_OK)
        status = ots_page_init(&page, instance, table, &wanted, call, err);
    return status == OTS_OK ? get_run(&page, call, err) : status;
}
