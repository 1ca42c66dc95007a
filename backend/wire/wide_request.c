#include "backend/wire/plainbuf.h"
#include "backend/wire/proto.h"
#include "backend/wire/wide.h"
#include "backend/wire/wide.pb-c.h"

#include <assert.h>

enum { RETURN_NOTHING = 0, RETURN_KEY = 1, DIRECTION_BACKWARD = 1 };

static enum ots_status unpack(const ProtobufCMessageDescriptor *descriptor, struct ots_slice body,
                              struct ots_call *call, const void **message, struct ots_error *err)
{
    return ots_proto_unpack(descriptor, body, &call->arena, "request", message, err);
}

static enum ots_status unsupported(struct ots_error *err, const char *what)
{
    return ots_error_set(err, OTS_INVALID, "%s is not supported.", what);
}

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory to decode a request");
}

/* ---- tables ---- */

static enum ots_status meta_in(const Ots__Wide__TableMeta *message, struct ots_arena *arena,
                               struct ots_wide_meta *meta, struct ots_error *err)
{
    struct ots_field_key *key = ots_arena_array(arena, message->n_key, sizeof(*key));
    struct ots_defined_column *columns =
        ots_arena_array(arena, message->n_columns, sizeof(*columns));
    if (!key || !columns)
        return no_memory(err);
    for (size_t i = 0; i < message->n_key; i++) {
        if (message->key[i]->has_option)
            return unsupported(err, "An option of a primary key column");
        key[i].name = ots_proto_slice(message->key[i]->name);
        key[i].type = (enum ots_key_type)message->key[i]->type;
    }
    for (size_t i = 0; i < message->n_columns; i++) {
        columns[i].name = ots_proto_slice(message->columns[i]->name);
        columns[i].type = message->columns[i]->type;
    }
    meta->name = ots_proto_slice(message->name);
    meta->key = key;
    meta->key_count = message->n_key;
    meta->columns = columns;
    meta->column_count = message->n_columns;
    return OTS_OK;
}

static void options_in(const Ots__Wide__TableOptions *message, struct ots_wide_meta *meta)
{
    if (message->has_time_to_live_s)
        meta->time_to_live_s = message->time_to_live_s;
    if (message->has_max_versions)
        meta->max_versions = message->max_versions;
    if (message->has_deviation_s)
        meta->deviation_s = message->deviation_s;
    if (message->has_allow_update)
        meta->allow_update = message->allow_update != 0;
}

static enum ots_status create_in(const Ots__Wide__CreateTable *message, struct ots_arena *arena,
                                 struct ots_wide_meta *meta, struct ots_error *err)
{
    *meta = OTS_WIDE_META_DEFAULT;
    if (message->options)
        options_in(message->options, meta);
    return meta_in(message->meta, arena, meta, err);
}

enum ots_status ots_wide_meta_decode(struct ots_slice bytes, struct ots_arena *arena,
                                     struct ots_wide_meta *meta, struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = ots_proto_unpack(&ots__wide__create_table__descriptor, bytes, arena,
                                              "table", &unpacked, err);
    return status == OTS_OK ? create_in(unpacked, arena, meta, err) : status;
}

static enum ots_status decode_create(struct ots_slice body, struct ots_call *call,
                                     struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status =
        unpack(&ots__wide__create_table__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wide__CreateTable *message = unpacked;
    if (message->stream && message->stream->enable)
        return unsupported(err, "A stream of a wide-column table");
    if (message->n_indexes)
        return unsupported(err, "An index");
    if (message->local_transactions)
        return unsupported(err, "A local transaction");
    return create_in(message, &call->arena, &call->request.wide.create.meta, err);
}

static enum ots_status check_groups(const Ots__Wide__UpdateTable *message, struct ots_error *err)
{
    const Ots__Wide__CapacityUnit *units = message->throughput ? message->throughput->units : NULL;
    if (!units && !message->options && !message->stream)
        return ots_error_set(err, OTS_INVALID, "No option is specified to update a table.");
    if (units && !units->has_read && !units->has_write)
        return ots_error_set(err, OTS_INVALID, "Neither read nor write throughput is specified.");
    if (message->stream && message->stream->enable)
        return unsupported(err, "A stream of a wide-column table");
    return OTS_OK;
}

static enum ots_status changes_in(const Ots__Wide__TableOptions *message,
                                  struct ots_wide_update_request *request, struct ots_error *err)
{
    request->has_time_to_live = message->has_time_to_live_s;
    request->time_to_live_s = message->time_to_live_s;
    request->has_max_versions = message->has_max_versions;
    request->max_versions = message->max_versions;
    request->has_deviation = message->has_deviation_s;
    request->deviation_s = message->deviation_s;
    request->has_allow_update = message->has_allow_update;
    request->allow_update = message->allow_update != 0;
    if (!request->has_time_to_live && !request->has_max_versions && !request->has_deviation &&
        !request->has_allow_update)
        return ots_error_set(err, OTS_INVALID, "No option is specified to update a table.");
    return OTS_OK;
}

static enum ots_status decode_update(struct ots_slice body, struct ots_call *call,
                                     struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status =
        unpack(&ots__wide__update_table__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wide__UpdateTable *message = unpacked;
    struct ots_wide_update_request *request = &call->request.wide.update;
    request->table = ots_proto_slice(message->table);
    status = check_groups(message, err);
    return status == OTS_OK && message->options ? changes_in(message->options, request, err)
                                                : status;
}

static enum ots_status decode_named(struct ots_slice body, struct ots_call *call,
                                    struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status =
        unpack(&ots__wide__named_table__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wide__NamedTable *message = unpacked;
    call->request.table.table = ots_proto_slice(message->table);
    return OTS_OK;
}

static enum ots_status decode_list(struct ots_slice body, struct ots_call *call,
                                   struct ots_error *err)
{
    const void *unpacked;
    return unpack(&ots__wide__nothing__descriptor, body, call, &unpacked, err);
}

/* ---- rows ---- */

/* Just one row. Its names and values are borrowed from `bytes`. */
static enum ots_status row_in(ProtobufCBinaryData bytes, struct ots_arena *arena,
                              struct ots_plain_row *row, struct ots_error *err)
{
    struct ots_plainbuf_reader reader;
    struct ots_plain_row extra;
    bool has_row = false;
    bool has_extra = false;
    enum ots_status status = ots_plainbuf_reader_init(&reader, ots_proto_slice(bytes), err);
    if (status == OTS_OK)
        status = ots_plainbuf_read_row(&reader, row, &has_row, err);
    if (status == OTS_OK && (!has_row || row->has_sequence))
        status = ots_error_set(err, OTS_CORRUPT, "PlainBuffer: no row, or one with an extension");
    struct ots_cell *key = NULL;
    struct ots_cell *cells = NULL;
    if (status == OTS_OK) {
        key = ots_cells_copy(arena, row->key, row->key_count);
        cells = ots_cells_copy(arena, row->cells, row->cell_count);
        if (!key || !cells)
            status = OTS_NOMEM;
    }
    if (status == OTS_OK)
        status = ots_plainbuf_read_row(&reader, &extra, &has_extra, err);
    if (status == OTS_OK && has_extra)
        status = ots_error_set(err, OTS_CORRUPT, "PlainBuffer: more than one row");
    row->key = key;
    row->cells = cells;
    ots_plainbuf_reader_deinit(&reader);
    return status;
}

static enum ots_status key_in(ProtobufCBinaryData bytes, struct ots_arena *arena,
                              struct ots_plain_row *key, struct ots_error *err)
{
    enum ots_status status = row_in(bytes, arena, key, err);
    if (status == OTS_OK && (key->cell_count || key->is_delete))
        return ots_error_set(err, OTS_INVALID, "A primary key with further cells.");
    return status;
}

static enum ots_status check_marker(const struct ots_wide_write *write, struct ots_error *err)
{
    if (write->operation == OTS_WIDE_DELETE && !write->row.is_delete)
        return ots_error_set(err, OTS_INVALID,
                             "Invalid request of delete row: missing RowDeleteMarker in request.");
    if (write->operation != OTS_WIDE_DELETE && write->row.is_delete)
        return ots_error_set(err, OTS_INVALID, "A row to write with a RowDeleteMarker.");
    return OTS_OK;
}

static enum ots_status write_in(enum ots_wide_operation operation, ProtobufCBinaryData row,
                                const Ots__Wide__Condition *condition,
                                const Ots__Wide__ReturnContent *returned, struct ots_arena *arena,
                                struct ots_wide_write *write, struct ots_error *err)
{
    if (condition->column_condition.len)
        return unsupported(err, "A column condition");
    if (condition->row_existence < OTS_EXPECT_NOTHING ||
        condition->row_existence > OTS_EXPECT_NO_ROW)
        return ots_error_set(err, OTS_INVALID, "%d is not an expectation of a row's existence.",
                             (int)condition->row_existence);
    int32_t type = returned && returned->has_type ? returned->type : RETURN_NOTHING;
    if (type != RETURN_NOTHING && type != RETURN_KEY)
        return unsupported(err, "Returning what was modified");
    write->operation = operation;
    write->expectation = (enum ots_expectation)condition->row_existence;
    write->returns_key = type == RETURN_KEY;
    enum ots_status status = row_in(row, arena, &write->row, err);
    return status == OTS_OK ? check_marker(write, err) : status;
}

static enum ots_wide_operation operation_of(enum ots_action action)
{
    if (action == OTS_ACTION_WIDE_PUT_ROW)
        return OTS_WIDE_PUT;
    return action == OTS_ACTION_WIDE_UPDATE_ROW ? OTS_WIDE_UPDATE : OTS_WIDE_DELETE;
}

static enum ots_status decode_write(struct ots_slice body, struct ots_call *call,
                                    struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = unpack(&ots__wide__write_row__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wide__WriteRow *message = unpacked;
    struct ots_wide_write_request *request = &call->request.wide.write;
    if (message->transaction.len)
        return unsupported(err, "A transaction");
    request->table = ots_proto_slice(message->table);
    return write_in(operation_of(call->action), message->row, message->condition, message->returned,
                    &call->arena, &request->write, err);
}

static enum ots_status time_range_in(const Ots__Wide__TimeRange *message,
                                     struct ots_wide_selection *selection, struct ots_error *err)
{
    bool has_both = message->has_begin_ms && message->has_end_ms;
    bool has_any = message->has_begin_ms || message->has_end_ms;
    if (message->has_only_ms ? has_any : !has_both)
        return ots_error_set(err, OTS_INVALID,
                             "A time range is either a start and an end or a specific time.");
    selection->begin_ms = message->has_only_ms ? message->only_ms : message->begin_ms;
    selection->end_ms = message->end_ms;
    if (message->has_only_ms)
        selection->end_ms = message->only_ms < INT64_MAX ? message->only_ms + 1 : INT64_MAX;
    if (selection->begin_ms < 0 || selection->begin_ms >= selection->end_ms)
        return ots_error_set(err, OTS_INVALID, "The time range is empty or starts below 0.");
    selection->has_range = true;
    return OTS_OK;
}

/* The parts of GetRow, GetRange and BatchGetRow that say what to read of a row. */
struct wanted {
    ProtobufCBinaryData *columns;
    size_t column_count;
    const Ots__Wide__TimeRange *range;
    bool has_max_versions;
    int32_t max_versions;
    bool has_filter;
    bool has_column_range;
    bool has_token;
    bool has_transaction;
};

#define WANTED_OF(message)                                                                         \
    {                                                                                              \
        .columns = (message)->columns, .column_count = (message)->n_columns,                       \
        .range = (message)->range, .has_max_versions = (message)->has_max_versions != 0,           \
        .max_versions = (message)->max_versions, .has_filter = (message)->filter.len != 0,         \
        .has_column_range = (message)->has_start_column || (message)->has_end_column               \
    }

static enum ots_status selection_in(const struct wanted *wanted, struct ots_arena *arena,
                                    struct ots_wide_selection *selection, struct ots_error *err)
{
    if (wanted->has_filter)
        return unsupported(err, "A filter");
    if (wanted->has_column_range || wanted->has_token)
        return unsupported(err, "Reading a range of a row's columns");
    if (wanted->has_transaction)
        return unsupported(err, "A transaction");
    struct ots_slice *columns = ots_arena_array(arena, wanted->column_count, sizeof(*columns));
    if (!columns)
        return no_memory(err);
    for (size_t i = 0; i < wanted->column_count; i++)
        columns[i] = ots_proto_slice(wanted->columns[i]);
    *selection = (struct ots_wide_selection){
        .columns = columns,
        .column_count = wanted->column_count,
        .max_versions = wanted->max_versions,
        .has_max_versions = wanted->has_max_versions,
    };
    return wanted->range ? time_range_in(wanted->range, selection, err) : OTS_OK;
}

static enum ots_status decode_get(struct ots_slice body, struct ots_call *call,
                                  struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = unpack(&ots__wide__get_row__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wide__GetRow *message = unpacked;
    struct ots_wide_get_request *request = &call->request.wide.get;
    struct wanted wanted = WANTED_OF(message);
    wanted.has_token = message->token.len != 0;
    wanted.has_transaction = message->transaction.len != 0;
    request->table = ots_proto_slice(message->table);
    status = selection_in(&wanted, &call->arena, &request->selection, err);
    return status == OTS_OK ? key_in(message->key, &call->arena, &request->key, err) : status;
}

static enum ots_status decode_range(struct ots_slice body, struct ots_call *call,
                                    struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = unpack(&ots__wide__get_range__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wide__GetRange *message = unpacked;
    struct ots_wide_range_request *request = &call->request.wide.range;
    struct wanted wanted = WANTED_OF(message);
    wanted.has_token = message->token.len != 0;
    wanted.has_transaction = message->transaction.len != 0;
    if (message->direction < 0 || message->direction > DIRECTION_BACKWARD)
        return ots_error_set(err, OTS_INVALID, "%d is not a direction.", (int)message->direction);
    request->table = ots_proto_slice(message->table);
    request->is_backward = message->direction == DIRECTION_BACKWARD;
    request->has_limit = message->has_limit != 0;
    request->limit = message->limit;
    status = selection_in(&wanted, &call->arena, &request->selection, err);
    if (status == OTS_OK)
        status = key_in(message->start, &call->arena, &request->start, err);
    return status == OTS_OK ? key_in(message->end, &call->arena, &request->end, err) : status;
}

/* ---- batches ---- */

static enum ots_status batch_write_table_in(const Ots__Wide__BatchWriteTable *message,
                                            struct ots_arena *arena,
                                            struct ots_wide_batch_write_table *table,
                                            struct ots_error *err)
{
    struct ots_wide_write *writes = ots_arena_array(arena, message->n_writes, sizeof(*writes));
    if (!writes)
        return no_memory(err);
    table->table = ots_proto_slice(message->table);
    table->writes = writes;
    table->write_count = message->n_writes;
    for (size_t i = 0; i < message->n_writes; i++) {
        const Ots__Wide__BatchWrite *write = message->writes[i];
        if (write->operation < OTS_WIDE_PUT || write->operation > OTS_WIDE_DELETE)
            return ots_error_set(err, OTS_INVALID, "%d is not an operation on a row.",
                                 (int)write->operation);
        enum ots_status status =
            write_in((enum ots_wide_operation)write->operation, write->row, write->condition,
                     write->returned, arena, &writes[i], err);
        if (status != OTS_OK)
            return status;
    }
    return OTS_OK;
}

static enum ots_status decode_batch_write(struct ots_slice body, struct ots_call *call,
                                          struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status =
        unpack(&ots__wide__batch_write_row__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wide__BatchWriteRow *message = unpacked;
    if (message->transaction.len)
        return unsupported(err, "A transaction");
    if (message->is_atomic)
        return unsupported(err, "An atomic batch");
    struct ots_wide_batch_write_table *tables =
        ots_arena_array(&call->arena, message->n_tables, sizeof(*tables));
    if (!tables)
        return no_memory(err);
    call->request.wide.batch_write.tables = tables;
    call->request.wide.batch_write.table_count = message->n_tables;
    for (size_t i = 0; i < message->n_tables && status == OTS_OK; i++)
        status = batch_write_table_in(message->tables[i], &call->arena, &tables[i], err);
    return status;
}

static enum ots_status batch_get_table_in(const Ots__Wide__BatchGetTable *message,
                                          struct ots_arena *arena,
                                          struct ots_wide_batch_get_table *table,
                                          struct ots_error *err)
{
    struct ots_plain_row *keys = ots_arena_array(arena, message->n_keys, sizeof(*keys));
    if (!keys)
        return no_memory(err);
    struct wanted wanted = WANTED_OF(message);
    for (size_t i = 0; i < message->n_tokens; i++)
        wanted.has_token |= message->tokens[i].len != 0;
    table->table = ots_proto_slice(message->table);
    table->keys = keys;
    table->key_count = message->n_keys;
    enum ots_status status = selection_in(&wanted, arena, &table->selection, err);
    for (size_t i = 0; i < message->n_keys && status == OTS_OK; i++)
        status = key_in(message->keys[i], arena, &keys[i], err);
    return status;
}

static enum ots_status decode_batch_get(struct ots_slice body, struct ots_call *call,
                                        struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status =
        unpack(&ots__wide__batch_get_row__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wide__BatchGetRow *message = unpacked;
    struct ots_wide_batch_get_table *tables =
        ots_arena_array(&call->arena, message->n_tables, sizeof(*tables));
    if (!tables)
        return no_memory(err);
    call->request.wide.batch_get.tables = tables;
    call->request.wide.batch_get.table_count = message->n_tables;
    for (size_t i = 0; i < message->n_tables && status == OTS_OK; i++)
        status = batch_get_table_in(message->tables[i], &call->arena, &tables[i], err);
    return status;
}

static enum ots_status (*const decoders[OTS_ACTION_COUNT])(struct ots_slice body,
                                                           struct ots_call *call,
                                                           struct ots_error *err) = {
    [OTS_ACTION_WIDE_CREATE] = decode_create,
    [OTS_ACTION_WIDE_LIST] = decode_list,
    [OTS_ACTION_WIDE_DESCRIBE] = decode_named,
    [OTS_ACTION_WIDE_DELETE_TABLE] = decode_named,
    [OTS_ACTION_WIDE_PUT_ROW] = decode_write,
    [OTS_ACTION_WIDE_UPDATE_ROW] = decode_write,
    [OTS_ACTION_WIDE_DELETE_ROW] = decode_write,
    [OTS_ACTION_WIDE_GET_ROW] = decode_get,
    [OTS_ACTION_WIDE_GET_RANGE] = decode_range,
    [OTS_ACTION_WIDE_BATCH_WRITE] = decode_batch_write,
    [OTS_ACTION_WIDE_BATCH_GET] = decode_batch_get,
    [OTS_ACTION_WIDE_UPDATE_TABLE] = decode_update,
};

bool ots_wide_is_action(enum ots_action action)
{
    return decoders[action] != NULL;
}

enum ots_status ots_wide_request_decode(struct ots_slice body, struct ots_call *call,
                                        struct ots_error *err)
{
    assert(ots_wide_is_action(call->action));
    return decoders[call->action](body, call, err);
}
