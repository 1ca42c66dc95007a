#include "backend/server/physical.h"

#include "backend/base/base64.h"
#include "backend/server/handle_wide.h"
#include "backend/wire/plainbuf.h"
#include "backend/wire/tsrows.h"

#define SUFFIX OTS_SLICE("#timeseries")
#define HASH OTS_SLICE("_#h")
#define TIME OTS_SLICE("_time")

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a wide-column call");
}

static enum ots_status unsupported(struct ots_error *err, const char *what)
{
    return ots_error_set(err, OTS_UNSUPPORTED, "%s of a time-series table's rows: not supported",
                         what);
}

bool ots_physical_is_name(struct ots_slice table)
{
    size_t size = SUFFIX.size;
    return table.size > size &&
           ots_slice_equal(ots_slice(table.data + table.size - size, size), SUFFIX);
}

static struct ots_slice logical_name(struct ots_slice table)
{
    return ots_slice(table.data, table.size - SUFFIX.size);
}

/* ---- the key ---- */

/* A table as it was when the call began. */
struct schema {
    struct ots_table_meta meta;
    int64_t created_us;
    const struct ots_field_key *columns;
    size_t count;
};

static enum ots_status columns_make(struct schema *schema, struct ots_arena *arena,
                                    struct ots_error *err)
{
    const struct ots_table_meta *meta = &schema->meta;
    const struct ots_slice ordinary[] = {OTS_SLICE("_m_name"), OTS_SLICE("_data_source"),
                                         OTS_SLICE("_tags")};
    const struct ots_slice *names = meta->key_schema_count ? meta->key_schema : ordinary;
    size_t name_count = meta->key_schema_count ? meta->key_schema_count : 3;
    size_t count = 2 + name_count + meta->field_key_count;
    struct ots_field_key *columns = ots_arena_array(arena, count, sizeof(*columns));
    if (!columns)
        return no_memory(err);
    columns[0] = (struct ots_field_key){HASH, OTS_KEY_STRING};
    for (size_t i = 0; i < name_count; i++)
        columns[1 + i] = (struct ots_field_key){names[i], OTS_KEY_STRING};
    columns[1 + name_count] = (struct ots_field_key){TIME, OTS_KEY_INTEGER};
    for (size_t i = 0; i < meta->field_key_count; i++)
        columns[2 + name_count + i] = meta->field_keys[i];
    schema->columns = columns;
    schema->count = count;
    return OTS_OK;
}

/* Everything is copied into `arena`: the table is not held. */
static enum ots_status schema_read(struct ots_instance *instance, struct ots_slice name,
                                   struct ots_arena *arena, struct schema *schema,
                                   struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    enum ots_status status = ots_handle_hold(instance, logical_name(name), &table, err);
    if (status != OTS_OK)
        return status;
    if (ots_table_meta_copy(arena, &table->meta, &schema->meta) != OTS_OK)
        return no_memory(err);
    schema->created_us = table->created_us;
    return columns_make(schema, arena, err);
}

static enum ots_cell_type cell_type(enum ots_key_type type)
{
    switch (type) {
    case OTS_KEY_INTEGER:
        return OTS_CELL_INTEGER;
    case OTS_KEY_STRING:
        return OTS_CELL_STRING;
    case OTS_KEY_BINARY:
        break;
    }
    return OTS_CELL_BLOB;
}

/* Names and their order, and types unless a bound stands in every column. */
static enum ots_status key_check(const struct schema *schema, const struct ots_plain_row *row,
                                 enum ots_cell_type bound, struct ots_error *err)
{
    bool fits = row->key_count == schema->count;
    for (size_t i = 0; i < schema->count && fits; i++)
        fits =
            ots_slice_equal(row->key[i].name, schema->columns[i].name) &&
            (row->key[i].type == cell_type(schema->columns[i].type) || row->key[i].type == bound);
    return fits ? OTS_OK : ots_error_set(err, OTS_INVALID, "not the primary key of the table");
}

/* ---- describing ---- */

enum ots_status ots_physical_describe(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err)
{
    struct ots_slice name = call->request.table.table;
    struct schema schema;
    enum ots_status status = schema_read(instance, name, &call->arena, &schema, err);
    if (status != OTS_OK)
        return status;
    struct ots_wide_describe_response *response = &call->response.wide.describe;
    response->created_us = schema.created_us;
    response->meta = OTS_WIDE_META_DEFAULT;
    response->meta.name = name;
    response->meta.key = schema.columns;
    response->meta.key_count = schema.count;
    response->meta.time_to_live_s = schema.meta.time_to_live_s;
    return OTS_OK;
}

/* ---- writing ---- */

static enum ots_status write_check(const struct ots_wide_write *write, struct ots_error *err)
{
    if (write->operation == OTS_WIDE_UPDATE)
        return unsupported(err, "updates");
    if (write->operation == OTS_WIDE_DELETE)
        return unsupported(err, "deletions");
    if (write->expectation != OTS_EXPECT_NOTHING)
        return unsupported(err, "conditions");
    return OTS_OK;
}

/* The row as the service would return it, read as a client reads it. */
static enum ots_status decode_row(const struct ots_plain_row *row, struct ots_arena *arena,
                                  struct ots_rows *rows, struct ots_error *err)
{
    struct ots_buf bytes = OTS_BUF_INIT;
    struct ots_slice copy = OTS_SLICE_NONE;
    ots_plainbuf_header_append(&bytes);
    ots_plainbuf_row_append(&bytes, row);
    enum ots_status status = ots_buf_status(&bytes);
    if (status == OTS_OK)
        status = ots_arena_copy(arena, ots_buf_slice(&bytes), &copy);
    ots_buf_deinit(&bytes);
    if (status != OTS_OK)
        return no_memory(err);
    status = ots_tsrows_decode(copy, arena, rows, err);
    if (status == OTS_CORRUPT)
        err->status = status = OTS_INVALID; /* the caller's mistake, not the store's */
    return status;
}

static enum ots_status put_row(struct ots_instance *instance, struct ots_call *put,
                               struct ots_slice table, const struct ots_wide_write *write,
                               struct ots_error *err)
{
    struct schema schema;
    struct ots_rows rows = {0};
    enum ots_status status = schema_read(instance, table, &put->arena, &schema, err);
    if (status == OTS_OK)
        status = key_check(&schema, &write->row, OTS_CELL_NO_VALUE, err);
    if (status == OTS_OK)
        status = decode_row(&write->row, &put->arena, &rows, err);
    if (status != OTS_OK)
        return status;
    put->request.put = (struct ots_put_request){
        .table = logical_name(table),
        .rows = rows.items,
        .row_count = rows.count,
        .meta_update_mode = OTS_META_UPDATE_NORMAL,
    };
    return ots_handle_put(instance, put, err);
}

enum ots_status ots_physical_write(struct ots_instance *instance, struct ots_slice table,
                                   const struct ots_wide_write *write,
                                   struct ots_wide_row_response *response, struct ots_error *err)
{
    enum ots_status status = write_check(write, err);
    if (status != OTS_OK)
        return status;
    struct ots_call put;
    ots_call_init(&put, OTS_ACTION_PUT);
    status = put_row(instance, &put, table, write, err);
    if (status == OTS_OK)
        response->consumed.write = ots_handle_wide_units(ots_row_size(put.request.put.rows));
    ots_call_deinit(&put);
    if (status == OTS_OK && write->returns_key) {
        response->has_row = true;
        response->row.key = write->row.key;
        response->row.key_count = write->row.key_count;
    }
    return status;
}

/* ---- reading ---- */

static bool is_bound(const struct ots_plain_row *row, enum ots_cell_type bound)
{
    for (size_t i = 0; i < row->key_count; i++)
        if (row->key[i].type != bound)
            return false;
    return true;
}

/* From the table's beginning, or where the page before ended. */
static enum ots_status range_token(const struct ots_wide_range_request *request,
                                   struct ots_arena *arena, struct ots_slice *token,
                                   struct ots_error *err)
{
    *token = OTS_SLICE_NONE;
    if (is_bound(&request->start, OTS_CELL_INF_MIN))
        return OTS_OK;
    if (request->start.key[0].type != OTS_CELL_STRING)
        return unsupported(err, "a part");
    struct ots_buf bytes = OTS_BUF_INIT;
    enum ots_status status = ots_base64_decode(request->start.key[0].bytes, &bytes);
    if (status == OTS_OK && !bytes.size)
        status = OTS_CORRUPT;
    if (status == OTS_OK)
        status = ots_arena_copy(arena, ots_buf_slice(&bytes), token);
    ots_buf_deinit(&bytes);
    return status == OTS_CORRUPT ? unsupported(err, "a part") : status;
}

static enum ots_status range_check(const struct ots_wide_range_request *request,
                                   const struct schema *schema, struct ots_error *err)
{
    if (request->has_limit && request->limit < 1)
        return ots_error_set(err, OTS_INVALID, "The limit must be greater than 0.");
    enum ots_status status = key_check(schema, &request->start, OTS_CELL_INF_MIN, err);
    if (status == OTS_OK)
        status = key_check(schema, &request->end, OTS_CELL_INF_MAX, err);
    if (status != OTS_OK)
        return status;
    if (!is_bound(&request->end, OTS_CELL_INF_MAX))
        return unsupported(err, "a part");
    if (request->is_backward)
        return unsupported(err, "reading backwards");
    if (request->selection.column_count || request->selection.has_range)
        return unsupported(err, "choosing columns or versions");
    return OTS_OK;
}

/* A key that leads to the next page. */
static enum ots_status next_key(const struct schema *schema, struct ots_slice token,
                                struct ots_arena *arena, struct ots_plain_row *next,
                                struct ots_error *err)
{
    if (!token.size)
        return OTS_OK;
    struct ots_buf text = OTS_BUF_INIT;
    ots_base64_append(&text, token);
    struct ots_cell *key = ots_arena_array(arena, schema->count, sizeof(*key));
    enum ots_status status = key ? ots_buf_status(&text) : OTS_NOMEM;
    if (status == OTS_OK)
        status = ots_arena_copy(arena, ots_buf_slice(&text), &token);
    ots_buf_deinit(&text);
    if (status != OTS_OK)
        return no_memory(err);
    for (size_t i = 0; i < schema->count; i++)
        key[i] = (struct ots_cell){.name = schema->columns[i].name,
                                   .type = cell_type(schema->columns[i].type)};
    key[0].bytes = token;
    next->key = key;
    next->key_count = schema->count;
    return OTS_OK;
}

/* Each cell of a wide-column row has a version: the row's time in milliseconds. */
static enum ots_status plain_copy(struct ots_arena *arena, struct ots_plain_row *row,
                                  int64_t time_us)
{
    struct ots_cell *key = ots_cells_copy(arena, row->key, row->key_count);
    struct ots_cell *cells = ots_cells_copy(arena, row->cells, row->cell_count);
    if (!key || !cells)
        return OTS_NOMEM;
    for (size_t i = 0; i < row->cell_count; i++) {
        cells[i].has_timestamp = true;
        cells[i].timestamp_ms = time_us / 1000;
    }
    row->key = key;
    row->cells = cells;
    return OTS_OK;
}

static enum ots_status plain_rows(struct ots_slice bytes, const struct ots_rows *rows,
                                  struct ots_arena *arena, struct ots_plain_row *plain,
                                  struct ots_error *err)
{
    struct ots_plainbuf_reader reader;
    enum ots_status status = ots_plainbuf_reader_init(&reader, bytes, err);
    bool has_row = true;
    for (size_t i = 0; i < rows->count && status == OTS_OK; i++) {
        status = ots_plainbuf_read_row(&reader, &plain[i], &has_row, err);
        if (status == OTS_OK && plain_copy(arena, &plain[i], rows->items[i].time_us) != OTS_OK)
            status = no_memory(err);
    }
    ots_plainbuf_reader_deinit(&reader);
    return status;
}

static enum ots_status page_to_range(const struct ots_rows *rows, const struct ots_table_meta *meta,
                                     struct ots_arena *arena,
                                     struct ots_wide_range_response *response,
                                     struct ots_error *err)
{
    struct ots_slice bytes = OTS_SLICE_NONE;
    struct ots_buf buf = OTS_BUF_INIT;
    enum ots_status status = ots_tsrows_encode(rows->items, rows->count, meta, &buf);
    if (status == OTS_OK)
        status = ots_arena_copy(arena, ots_buf_slice(&buf), &bytes);
    ots_buf_deinit(&buf);
    struct ots_plain_row *plain = ots_arena_array(arena, rows->count + 1, sizeof(*plain));
    if (status != OTS_OK || !plain)
        return no_memory(err);
    response->rows = plain;
    response->row_count = rows->count;
    return plain_rows(bytes, rows, arena, plain, err);
}

static enum ots_status scan(struct ots_instance *instance, struct ots_call *call,
                            const struct ots_wide_range_request *request, struct ots_slice token,
                            struct ots_page_response *page, struct ots_error *err)
{
    call->request.scan = (struct ots_scan_request){
        .table = logical_name(request->table),
        .limit = request->has_limit ? request->limit : 0,
        .token = token,
    };
    enum ots_status status = ots_handle_scan(instance, call, err);
    *page = call->response.page;
    memset(&call->response, 0, sizeof(call->response));
    return status;
}

enum ots_status ots_physical_range(struct ots_instance *instance, struct ots_call *call,
                                   struct ots_error *err)
{
    const struct ots_wide_range_request request = call->request.wide.range;
    struct ots_page_response page = {0};
    struct ots_slice token = OTS_SLICE_NONE;
    struct schema schema = {0};
    enum ots_status status = schema_read(instance, request.table, &call->arena, &schema, err);
    if (status == OTS_OK)
        status = range_check(&request, &schema, err);
    if (status == OTS_OK)
        status = range_token(&request, &call->arena, &token, err);
    if (status == OTS_OK)
        status = scan(instance, call, &request, token, &page, err);
    if (status != OTS_OK)
        return status;
    struct ots_wide_range_response *response = &call->response.wide.range;
    status = page_to_range(&page.rows, &schema.meta, &call->arena, response, err);
    return status == OTS_OK ? next_key(&schema, page.next_token, &call->arena, &response->next, err)
                            : status;
}
