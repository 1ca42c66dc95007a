#include "backend/server/handle_wide.h"

#include "backend/server/physical.h"
#include "backend/server/wide_key.h"

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory to read rows");
}

static int64_t now_ms(const struct ots_instance *instance)
{
    return ots_clock_now_us(instance->clock) / 1000;
}

/* ---- single rows ---- */

enum ots_status
ots_handle_wide_get_row(struct ots_instance *instance, const struct ots_table *table,
                        const struct ots_wide_reader *reader, const struct ots_plain_row *wanted,
                        struct ots_wide_row_response *response, struct ots_error *err)
{
    enum ots_status status = ots_wide_key_check(table->wide, wanted, OTS_WIDE_KEY_OF_ROW, err);
    if (status != OTS_OK)
        return status;
    struct ots_buf key = OTS_BUF_INIT;
    struct ots_buf value = OTS_BUF_INIT;
    bool is_found = false;
    ots_wide_key_append(&key, table->id, wanted);
    status = ots_buf_status(&key) == OTS_OK
                 ? instance->engine->ops->get(instance->engine, ots_buf_slice(&key), &value,
                                              &is_found, err)
                 : no_memory(err);
    if (status == OTS_OK && is_found)
        status = ots_wide_reader_read(reader, ots_buf_slice(&value), &response->row,
                                      &response->has_row, err);
    response->consumed.read = ots_handle_wide_units(value.size);
    ots_buf_deinit(&key);
    ots_buf_deinit(&value);
    return status;
}

enum ots_status ots_handle_wide_get(struct ots_instance *instance, struct ots_call *call,
                                    struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    const struct ots_wide_get_request *request = &call->request.wide.get;
    struct ots_wide_reader reader;
    enum ots_status status = ots_handle_hold_wide(instance, request->table, &table, err);
    if (status == OTS_OK)
        status = ots_wide_reader_init(&reader, &request->selection, table->wide, now_ms(instance),
                                      &call->arena, err);
    if (status != OTS_OK)
        return status;
    return ots_handle_wide_get_row(instance, table, &reader, &request->key,
                                   &call->response.wide.row, err);
}

/* ---- ranges ---- */

struct range {
    struct ots_instance *instance;
    const struct ots_table *table;
    const struct ots_wide_range_request *request;
    struct ots_wide_reader reader;
    struct ots_buf start; /* inclusive */
    struct ots_buf end;   /* exclusive */
    struct ots_plain_row *rows;
    size_t limit;
    size_t row_count;
    size_t bytes;
    size_t examined;
};

static enum ots_status range_check(struct range *range, struct ots_error *err)
{
    const struct ots_wide_range_request *request = range->request;
    const struct ots_wide_meta *meta = range->table->wide;
    if (request->has_limit && request->limit < 1)
        return ots_error_set(err, OTS_INVALID, "The limit must be greater than 0.");
    enum ots_status status = ots_wide_key_check(meta, &request->start, OTS_WIDE_KEY_OF_RANGE, err);
    if (status == OTS_OK)
        status = ots_wide_key_check(meta, &request->end, OTS_WIDE_KEY_OF_RANGE, err);
    if (status != OTS_OK)
        return status;
    ots_wide_key_append(&range->start, range->table->id, &request->start);
    ots_wide_key_append(&range->end, range->table->id, &request->end);
    if (ots_buf_status(&range->start) != OTS_OK || ots_buf_status(&range->end) != OTS_OK)
        return no_memory(err);
    int order = ots_slice_compare(ots_buf_slice(&range->start), ots_buf_slice(&range->end));
    if (!request->is_backward && order >= 0)
        return ots_error_set(err, OTS_INVALID, "Begin key must less than end key in FORWARD.");
    if (request->is_backward && order <= 0)
        return ots_error_set(err, OTS_INVALID, "Begin key must more than end key in BACKWARD.");
    return OTS_OK;
}

/* A cursor has its lower end in it and its upper end not, as a forward range does; of a backward
 * one both ends move to the next possible key. */
static struct ots_cursor *range_cursor(struct range *range, struct ots_error *err)
{
    struct ots_engine *engine = range->instance->engine;
    bool is_backward = range->request->is_backward;
    if (is_backward) {
        ots_buf_append_byte(&range->start, 0);
        ots_buf_append_byte(&range->end, 0);
    }
    struct ots_cursor *cursor = NULL;
    if (ots_buf_status(&range->start) == OTS_OK && ots_buf_status(&range->end) == OTS_OK)
        cursor = engine->ops->cursor_new(engine,
                                         ots_buf_slice(is_backward ? &range->end : &range->start),
                                         ots_buf_slice(is_backward ? &range->start : &range->end));
    if (!cursor) {
        (void)no_memory(err);
        return NULL;
    }
    if (is_backward)
        cursor->ops->seek_back(cursor, ots_buf_slice(&range->start));
    else
        cursor->ops->seek(cursor, ots_buf_slice(&range->start));
    return cursor;
}

static bool range_is_full(const struct range *range)
{
    return range->row_count == range->limit || range->bytes >= OTS_WIDE_PAGE_BYTES_MAX ||
           range->examined == OTS_WIDE_PAGE_EXAMINED_MAX;
}

static enum ots_status range_fill(struct range *range, struct ots_cursor *cursor,
                                  struct ots_plain_row *next, struct ots_error *err)
{
    while (cursor->is_valid) {
        struct ots_plain_row row = {0};
        bool is_there = false;
        enum ots_status status =
            ots_wide_reader_read(&range->reader, cursor->value, &row, &is_there, err);
        if (status != OTS_OK)
            return status;
        if (range_is_full(range)) {
            next->key = row.key;
            next->key_count = row.key_count;
            return OTS_OK;
        }
        range->examined++;
        range->bytes += cursor->value.size;
        if (is_there)
            range->rows[range->row_count++] = row;
        if (range->request->is_backward)
            cursor->ops->prev(cursor);
        else
            cursor->ops->next(cursor);
    }
    return cursor->ops->check(cursor, err);
}

static enum ots_status range_run(struct range *range, struct ots_call *call, struct ots_error *err)
{
    struct ots_wide_range_response *response = &call->response.wide.range;
    const struct ots_wide_range_request *request = range->request;
    enum ots_status status = range_check(range, err);
    if (status != OTS_OK)
        return status;
    range->limit = OTS_WIDE_PAGE_ROWS_MAX;
    if (request->has_limit && request->limit < OTS_WIDE_PAGE_ROWS_MAX)
        range->limit = (size_t)request->limit;
    range->rows = ots_arena_array(&call->arena, range->limit, sizeof(*range->rows));
    if (!range->rows)
        return no_memory(err);
    OTS_AUTO(ots_cursor_freep) struct ots_cursor *cursor = range_cursor(range, err);
    if (!cursor)
        return OTS_NOMEM;
    status = range_fill(range, cursor, &response->next, err);
    response->rows = range->rows;
    response->row_count = range->row_count;
    response->consumed.read = ots_handle_wide_units(range->bytes);
    return status;
}

enum ots_status ots_handle_wide_range(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    struct range range = {
        .instance = instance,
        .request = &call->request.wide.range,
        .start = OTS_BUF_INIT,
        .end = OTS_BUF_INIT,
    };
    if (ots_physical_is_name(range.request->table))
        return ots_physical_range(instance, call, err);
    enum ots_status status = ots_handle_hold_wide(instance, range.request->table, &table, err);
    range.table = table;
    if (status == OTS_OK)
        status = ots_wide_reader_init(&range.reader, &range.request->selection, table->wide,
                                      now_ms(instance), &call->arena, err);
    if (status == OTS_OK)
        status = range_run(&range, call, err);
    ots_buf_deinit(&range.start);
    ots_buf_deinit(&range.end);
    return status;
}
