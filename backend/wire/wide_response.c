#include "backend/wire/plainbuf.h"
#include "backend/wire/proto.h"
#include "backend/wire/wide.h"
#include "backend/wire/wide.pb-c.h"

#include <assert.h>

enum { TABLE_ACTIVE = 1 };

/* ---- tables ---- */

static enum ots_status meta_out(const struct ots_wide_meta *meta, struct ots_arena *arena,
                                Ots__Wide__TableMeta *message)
{
    message->name = ots_proto_bytes(meta->name);
    message->n_key = meta->key_count;
    message->key = (Ots__Wide__KeyColumn **)ots_proto_array(
        arena, meta->key_count, sizeof(Ots__Wide__KeyColumn), &ots__wide__key_column__descriptor);
    message->n_columns = meta->column_count;
    message->columns = (Ots__Wide__DefinedColumn **)ots_proto_array(
        arena, meta->column_count, sizeof(Ots__Wide__DefinedColumn),
        &ots__wide__defined_column__descriptor);
    if ((meta->key_count && !message->key) || (meta->column_count && !message->columns))
        return OTS_NOMEM;
    for (size_t i = 0; i < meta->key_count; i++) {
        message->key[i]->name = ots_proto_bytes(meta->key[i].name);
        message->key[i]->type = (int32_t)meta->key[i].type;
    }
    for (size_t i = 0; i < meta->column_count; i++) {
        message->columns[i]->name = ots_proto_bytes(meta->columns[i].name);
        message->columns[i]->type = meta->columns[i].type;
    }
    return OTS_OK;
}

static void options_out(const struct ots_wide_meta *meta, Ots__Wide__TableOptions *message)
{
    OTS_PROTO_SET(message, time_to_live_s, meta->time_to_live_s);
    OTS_PROTO_SET(message, max_versions, meta->max_versions);
    OTS_PROTO_SET(message, deviation_s, meta->deviation_s);
    OTS_PROTO_SET(message, allow_update, meta->allow_update);
}

void ots_wide_meta_append(struct ots_buf *buf, const struct ots_wide_meta *meta)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    Ots__Wide__CreateTable create = OTS__WIDE__CREATE_TABLE__INIT;
    Ots__Wide__TableMeta table = OTS__WIDE__TABLE_META__INIT;
    Ots__Wide__TableOptions options = OTS__WIDE__TABLE_OPTIONS__INIT;
    options_out(meta, &options);
    create.meta = &table;
    create.options = &options;
    enum ots_status status = meta_out(meta, &arena, &table);
    if (status == OTS_OK)
        status = ots_proto_pack(&create, buf);
    ots_arena_deinit(&arena);
    if (status != OTS_OK)
        buf->has_failed = true;
}

struct encoding {
    const struct ots_call *call;
    struct ots_arena *arena;
    struct ots_buf *body;
};

static enum ots_status encode_nothing(struct encoding *encoding)
{
    Ots__Wide__Nothing nothing = OTS__WIDE__NOTHING__INIT;
    return ots_proto_pack(&nothing, encoding->body);
}

static enum ots_status encode_list(struct encoding *encoding)
{
    const struct ots_wide_list_response *response = &encoding->call->response.wide.list;
    Ots__Wide__ListedTables listed = OTS__WIDE__LISTED_TABLES__INIT;
    listed.n_tables = response->count;
    listed.tables = ots_arena_array(encoding->arena, response->count, sizeof(*listed.tables));
    if (!listed.tables)
        return OTS_NOMEM;
    for (size_t i = 0; i < response->count; i++)
        listed.tables[i] = ots_proto_bytes(response->names[i]);
    return ots_proto_pack(&listed, encoding->body);
}

/* What is told of a table beside its columns. */
struct state {
    Ots__Wide__CapacityUnit units;
    Ots__Wide__ThroughputDetails throughput;
    Ots__Wide__TableOptions options;
    Ots__Wide__StreamDetails stream;
};

/* Throughput cannot be reserved: it is always 0. */
static void state_init(struct state *state, const struct ots_wide_describe_response *response)
{
    *state = (struct state){
        .units = OTS__WIDE__CAPACITY_UNIT__INIT,
        .throughput = OTS__WIDE__THROUGHPUT_DETAILS__INIT,
        .options = OTS__WIDE__TABLE_OPTIONS__INIT,
        .stream = OTS__WIDE__STREAM_DETAILS__INIT,
    };
    OTS_PROTO_SET(&state->units, read, 0);
    OTS_PROTO_SET(&state->units, write, 0);
    state->throughput.units = &state->units;
    state->throughput.last_increase_s = response->created_us / 1000000;
    options_out(&response->meta, &state->options);
}

static enum ots_status encode_describe(struct encoding *encoding)
{
    const struct ots_wide_describe_response *response = &encoding->call->response.wide.describe;
    Ots__Wide__DescribedTable described = OTS__WIDE__DESCRIBED_TABLE__INIT;
    Ots__Wide__TableMeta meta = OTS__WIDE__TABLE_META__INIT;
    struct state state;
    enum ots_status status = meta_out(&response->meta, encoding->arena, &meta);
    if (status != OTS_OK)
        return status;
    state_init(&state, response);
    described.meta = &meta;
    described.throughput = &state.throughput;
    described.options = &state.options;
    described.status = TABLE_ACTIVE;
    described.stream = &state.stream;
    OTS_PROTO_SET(&described, created_us, response->created_us);
    return ots_proto_pack(&described, encoding->body);
}

static enum ots_status encode_update(struct encoding *encoding)
{
    Ots__Wide__UpdatedTable updated = OTS__WIDE__UPDATED_TABLE__INIT;
    struct state state;
    state_init(&state, &encoding->call->response.wide.describe);
    updated.throughput = &state.throughput;
    updated.options = &state.options;
    updated.stream = &state.stream;
    return ots_proto_pack(&updated, encoding->body);
}

/* ---- rows ---- */

/* Append header and rows; their end in `buf` is all that callers keep. */
static enum ots_status rows_out(const struct ots_plain_row *rows, size_t count, struct ots_buf *buf)
{
    if (count)
        ots_plainbuf_header_append(buf);
    for (size_t i = 0; i < count; i++)
        ots_plainbuf_row_append(buf, &rows[i]);
    return ots_buf_status(buf);
}

/* One row as bytes in the arena. */
static enum ots_status row_out(const struct ots_plain_row *row, struct ots_arena *arena,
                               ProtobufCBinaryData *bytes)
{
    struct ots_buf buf = OTS_BUF_INIT;
    struct ots_slice copy;
    enum ots_status status = rows_out(row, 1, &buf);
    if (status == OTS_OK)
        status = ots_arena_copy(arena, ots_buf_slice(&buf), &copy);
    if (status == OTS_OK)
        *bytes = ots_proto_bytes(copy);
    ots_buf_deinit(&buf);
    return status;
}

struct consumed {
    Ots__Wide__CapacityUnit units;
    Ots__Wide__Consumed consumed;
};

static Ots__Wide__Consumed *consumed_out(const struct ots_wide_consumed *model,
                                         struct consumed *consumed)
{
    *consumed = (struct consumed){
        .units = OTS__WIDE__CAPACITY_UNIT__INIT,
        .consumed = OTS__WIDE__CONSUMED__INIT,
    };
    OTS_PROTO_SET(&consumed->units, read, model->read);
    OTS_PROTO_SET(&consumed->units, write, model->write);
    consumed->consumed.units = &consumed->units;
    return &consumed->consumed;
}

static enum ots_status encode_row(struct encoding *encoding)
{
    const struct ots_wide_row_response *response = &encoding->call->response.wide.row;
    Ots__Wide__RowDone done = OTS__WIDE__ROW_DONE__INIT;
    struct consumed consumed;
    done.consumed = consumed_out(&response->consumed, &consumed);
    /* GetRow's answer has the field always: empty is no such row. */
    done.has_row = response->has_row || encoding->call->action == OTS_ACTION_WIDE_GET_ROW;
    if (response->has_row) {
        enum ots_status status = row_out(&response->row, encoding->arena, &done.row);
        if (status != OTS_OK)
            return status;
    }
    return ots_proto_pack(&done, encoding->body);
}

static enum ots_status encode_range(struct encoding *encoding)
{
    const struct ots_wide_range_response *response = &encoding->call->response.wide.range;
    Ots__Wide__RangePage page = OTS__WIDE__RANGE_PAGE__INIT;
    struct consumed consumed;
    struct ots_buf rows = OTS_BUF_INIT;
    page.consumed = consumed_out(&response->consumed, &consumed);
    enum ots_status status = rows_out(response->rows, response->row_count, &rows);
    page.rows = ots_proto_bytes(ots_buf_slice(&rows));
    page.has_next_start = response->next.key_count != 0;
    if (status == OTS_OK && page.has_next_start)
        status = row_out(&response->next, encoding->arena, &page.next_start);
    if (status == OTS_OK)
        status = ots_proto_pack(&page, encoding->body);
    ots_buf_deinit(&rows);
    return status;
}

/* ---- batches ---- */

static enum ots_status batch_row_out(const struct ots_wide_row_response *row,
                                     struct ots_arena *arena, Ots__Wide__BatchRow *message)
{
    message->is_ok = !row->code.size;
    if (!message->is_ok) {
        message->error = ots_arena_alloc(arena, sizeof(*message->error));
        if (!message->error)
            return OTS_NOMEM;
        ots__wide__batch_error__init(message->error);
        message->error->code = ots_proto_bytes(row->code);
        OTS_PROTO_SET(message->error, message, ots_proto_bytes(row->message));
        return OTS_OK;
    }
    struct consumed *consumed = ots_arena_alloc(arena, sizeof(*consumed));
    if (!consumed)
        return OTS_NOMEM;
    message->consumed = consumed_out(&row->consumed, consumed);
    if (!row->has_row)
        return OTS_OK;
    message->has_row = true;
    return row_out(&row->row, arena, &message->row);
}

static enum ots_status batch_table_out(const struct ots_wide_batch_table_response *table,
                                       struct ots_arena *arena, Ots__Wide__BatchTable *message)
{
    message->table = ots_proto_bytes(table->table);
    message->n_rows = table->row_count;
    message->rows = (Ots__Wide__BatchRow **)ots_proto_array(
        arena, table->row_count, sizeof(Ots__Wide__BatchRow), &ots__wide__batch_row__descriptor);
    if (table->row_count && !message->rows)
        return OTS_NOMEM;
    for (size_t i = 0; i < table->row_count; i++) {
        enum ots_status status = batch_row_out(&table->rows[i], arena, message->rows[i]);
        if (status != OTS_OK)
            return status;
    }
    return OTS_OK;
}

static enum ots_status encode_batch(struct encoding *encoding)
{
    const struct ots_wide_batch_response *response = &encoding->call->response.wide.batch;
    Ots__Wide__BatchDone done = OTS__WIDE__BATCH_DONE__INIT;
    done.n_tables = response->table_count;
    done.tables = (Ots__Wide__BatchTable **)ots_proto_array(encoding->arena, response->table_count,
                                                            sizeof(Ots__Wide__BatchTable),
                                                            &ots__wide__batch_table__descriptor);
    if (response->table_count && !done.tables)
        return OTS_NOMEM;
    for (size_t i = 0; i < response->table_count; i++) {
        enum ots_status status =
            batch_table_out(&response->tables[i], encoding->arena, done.tables[i]);
        if (status != OTS_OK)
            return status;
    }
    return ots_proto_pack(&done, encoding->body);
}

static enum ots_status (*const encoders[OTS_ACTION_COUNT])(struct encoding *encoding) = {
    [OTS_ACTION_WIDE_CREATE] = encode_nothing,    [OTS_ACTION_WIDE_LIST] = encode_list,
    [OTS_ACTION_WIDE_DESCRIBE] = encode_describe, [OTS_ACTION_WIDE_DELETE_TABLE] = encode_nothing,
    [OTS_ACTION_WIDE_PUT_ROW] = encode_row,       [OTS_ACTION_WIDE_UPDATE_ROW] = encode_row,
    [OTS_ACTION_WIDE_DELETE_ROW] = encode_row,    [OTS_ACTION_WIDE_GET_ROW] = encode_row,
    [OTS_ACTION_WIDE_GET_RANGE] = encode_range,   [OTS_ACTION_WIDE_BATCH_WRITE] = encode_batch,
    [OTS_ACTION_WIDE_BATCH_GET] = encode_batch,   [OTS_ACTION_WIDE_UPDATE_TABLE] = encode_update,
};

enum ots_status ots_wide_response_encode(const struct ots_call *call, struct ots_arena *arena,
                                         struct ots_buf *body)
{
    assert(encoders[call->action]);
    struct encoding encoding = {.call = call, .arena = arena, .body = body};
    return encoders[call->action](&encoding);
}
