#include "backend/server/page.h"

#include "backend/server/row_key.h"

static enum ots_status request_check(const struct ots_page_request *request, struct ots_error *err)
{
    if (request->has_begin && request->begin_us < 0)
        return ots_error_set(err, OTS_INVALID, "begin time: negative");
    if (request->has_end && request->end_us < 0)
        return ots_error_set(err, OTS_INVALID, "end time: negative");
    if (request->has_begin && request->has_end && request->begin_us >= request->end_us)
        return ots_error_set(err, OTS_INVALID, "end time: not after the begin time");
    if (request->field_count > OTS_FIELDS_PER_ROW_MAX)
        return ots_error_set(err, OTS_LIMIT, "fields to get: %zu instead of at most %d",
                             request->field_count, OTS_FIELDS_PER_ROW_MAX);
    for (size_t i = 0; i < request->field_count; i++)
        if ((unsigned)request->fields[i].type > OTS_BINARY)
            return ots_error_set(err, OTS_INVALID, "fields to get: unknown type %u",
                                 (unsigned)request->fields[i].type);
    return OTS_OK;
}

/* The response is encoded when the table is held no more. */
enum ots_status ots_page_identifiers(const struct ots_table *table, struct ots_arena *arena,
                                     const struct ots_table_meta **meta, struct ots_error *err)
{
    *meta = NULL;
    if (!table->meta.key_schema_count && !table->meta.field_key_count)
        return OTS_OK;
    struct ots_table_meta *copy = ots_arena_array(arena, 1, sizeof(*copy));
    if (!copy || ots_table_meta_copy(arena, &table->meta, copy) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory for a page");
    *meta = copy;
    return OTS_OK;
}

static bool is_wanted(const struct ots_page_request *request, const struct ots_field_key *key)
{
    for (size_t i = 0; i < request->field_count; i++)
        if (ots_slice_equal(request->fields[i].name, key->name) &&
            (request->fields[i].type == 0 ||
             request->fields[i].type == ots_key_value_type(key->type)))
            return true;
    return false;
}

/* A row is nothing without its key, so key fields are read whatever is wanted. */
static enum ots_status select_fields(struct ots_page *page, const struct ots_page_request *request,
                                     struct ots_error *err)
{
    const struct ots_table_meta *meta = &page->table->meta;
    size_t count = request->field_count;
    if (!count || !meta->field_key_count)
        return ots_selection_init(&page->selection, request->fields, count, page->arena, err);
    struct ots_field_wanted *fields =
        ots_arena_array(page->arena, count + meta->field_key_count, sizeof(*fields));
    if (!fields)
        return ots_error_set(err, OTS_NOMEM, "no memory for a page");
    memcpy(fields, request->fields, count * sizeof(*fields));
    for (size_t i = 0; i < meta->field_key_count; i++)
        if (!is_wanted(request, &meta->field_keys[i]))
            fields[count + page->forced_count++].name = meta->field_keys[i].name;
    return ots_selection_init(&page->selection, fields, count + page->forced_count, page->arena,
                              err);
}

enum ots_status ots_page_init(struct ots_page *page, struct ots_instance *instance,
                              const struct ots_table *table, const struct ots_page_request *request,
                              struct ots_call *call, struct ots_error *err)
{
    enum ots_status status = request_check(request, err);
    if (status != OTS_OK)
        return status;
    *page = (struct ots_page){
        .instance = instance,
        .table = table,
        .arena = &call->arena,
        .rows = &call->response.page.rows,
        .begin_us =
            ots_expiry_begin_us(table->meta.time_to_live_s, ots_clock_now_us(instance->clock)),
        .end_us = request->end_us,
        .has_end = request->has_end,
        .limit = OTS_PAGE_ROWS_MAX,
    };
    if (request->has_begin && request->begin_us > page->begin_us)
        page->begin_us = request->begin_us;
    if (request->limit > 0 && request->limit < OTS_PAGE_ROWS_MAX)
        page->limit = (size_t)request->limit;
    call->response.page = (struct ots_page_response){0};
    status = ots_page_identifiers(table, &call->arena, &call->response.page.meta, err);
    if (status == OTS_OK)
        status = select_fields(page, request, err);
    page->start_bytes = call->arena.used_bytes;
    return status;
}

bool ots_page_is_full(const struct ots_page *page)
{
    return page->rows->count == page->limit ||
           page->arena->used_bytes - page->start_bytes >= OTS_PAGE_BYTES_MAX ||
           page->examined >= OTS_PAGE_EXAMINED_MAX;
}

enum ots_status ots_page_add(struct ots_page *page, struct ots_slice value, int64_t time_us,
                             const struct ots_series_key *key, struct ots_error *err)
{
    struct ots_row row = {.key = key, .time_us = time_us};
    page->examined++;
    enum ots_status status = ots_row_codec_decode(value, &page->selection, page->arena, &row.fields,
                                                  &row.field_count, err);
    bool has_wanted = row.field_count > page->forced_count;
    if (status != OTS_OK || !has_wanted)
        return status;
    if (ots_rows_append(page->rows, page->arena, &row) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory for a page");
    return OTS_OK;
}

enum ots_status ots_page_token(struct ots_page *page, enum ots_token_kind kind,
                               const struct ots_cursor *cursor, struct ots_slice *bytes,
                               struct ots_error *err)
{
    uint64_t timeline = 0;
    int64_t time_us = 0;
    enum ots_status status = ots_layout_row_parse(cursor->key, &timeline, &time_us, err);
    if (status != OTS_OK)
        return status;
    const struct ots_token token = {
        .kind = kind,
        .table = page->table->id,
        .first = timeline,
        .second = (uint64_t)time_us,
        .rest = ots_row_key_rest(cursor->key),
    };
    return ots_token_encode(&token, page->arena, bytes, err);
}

enum ots_status ots_page_resume(const struct ots_page *page, const struct ots_token *token,
                                bool is_backward, struct ots_cursor *cursor, struct ots_error *err)
{
    uint8_t fixed[OTS_ROW_KEY_BYTES];
    struct ots_buf key = OTS_BUF_INIT;
    ots_buf_append_slice(
        &key, ots_layout_row(fixed, page->table->id, token->first, (int64_t)token->second));
    ots_buf_append_slice(&key, token->rest);
    enum ots_status status = ots_buf_status(&key);
    if (status != OTS_OK)
        ots_error_set(err, status, "no memory for a page");
    else if (is_backward)
        cursor->ops->seek_back(cursor, ots_buf_slice(&key));
    else
        cursor->ops->seek(cursor, ots_buf_slice(&key));
    ots_buf_deinit(&key);
    return status;
}
