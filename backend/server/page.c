#include "backend/server/page.h"

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

/* Rows that have outlived the table's TTL are not seen. */
static int64_t oldest_alive(const struct ots_table *table, int64_t now_us)
{
    int64_t ttl_us = (int64_t)table->meta.time_to_live_s * 1000 * 1000;
    return ttl_us > 0 && now_us > ttl_us ? now_us - ttl_us : 0;
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
        .begin_us = oldest_alive(table, ots_clock_now_us(instance->clock)),
        .end_us = request->end_us,
        .has_end = request->has_end,
        .limit = OTS_PAGE_ROWS_MAX,
    };
    if (request->has_begin && request->begin_us > page->begin_us)
        page->begin_us = request->begin_us;
    if (request->limit > 0 && request->limit < OTS_PAGE_ROWS_MAX)
        page->limit = (size_t)request->limit;
    call->response.page = (struct ots_page_response){0};
    return ots_selection_init(&page->selection, request->fields, request->field_count, &call->arena,
                              err);
}

bool ots_page_is_full(const struct ots_page *page)
{
    return page->rows->count == page->limit || page->arena->used_bytes >= OTS_PAGE_BYTES_MAX ||
           page->examined >= OTS_PAGE_EXAMINED_MAX;
}

enum ots_status ots_page_add(struct ots_page *page, struct ots_slice value, int64_t time_us,
                             const struct ots_series_key *key, struct ots_error *err)
{
    struct ots_row row = {.key = key, .time_us = time_us};
    page->examined++;
    enum ots_status status = ots_row_codec_decode(value, &page->selection, page->arena, &row.fields,
                                                  &row.field_count, err);
    if (status != OTS_OK || row.field_count == 0)
        return status;
    if (ots_rows_append(page->rows, page->arena, &row) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory for a page");
    return OTS_OK;
}

enum ots_status ots_page_token(struct ots_page *page, enum ots_token_kind kind, uint64_t timeline,
                               int64_t time_us, struct ots_slice *bytes, struct ots_error *err)
{
    const struct ots_token token = {
        .kind = kind,
        .table = page->table->id,
        .first = timeline,
        .second = (uint64_t)time_us,
    };
    return ots_token_encode(&token, page->arena, bytes, err);
}
