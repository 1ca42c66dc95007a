#include "backend/wire/conditions.h"
#include "backend/wire/convert.h"
#include "backend/wire/crc.h"
#include "backend/wire/messages.h"
#include "backend/wire/messages_change.h"
#include "backend/wire/messages_stream.h"
#include "backend/wire/protorows.h"
#include "backend/wire/wide.h"

/* The model of timelines that we speak: tags as a list, identifier columns. */
enum { TABLE_VERSION = 1 };

/* ---- encoding: messages are built in an arena that lives for the one call ---- */

struct encoding {
    const struct ots_call *call;
    enum ots_put_layout layout;
    struct ots_arena arena;
    struct ots_buf *body;
    struct ots_error *err;
};

static enum ots_status encode_create_table(struct encoding *encoding)
{
    Ots__Wire__CreateTable create = OTS__WIRE__CREATE_TABLE__INIT;
    Ots__Wire__Table table = OTS__WIRE__TABLE__INIT;
    enum ots_status status =
        ots_convert_table_out(&encoding->call->request.create_table.meta, &encoding->arena, &table);
    if (status != OTS_OK)
        return status;
    create.table = &table;
    /* Said aloud, because what its absence means is not known. */
    OTS_PROTO_SET(&create, enable_analytical_store, false);
    return ots_proto_pack(&create, encoding->body);
}

static enum ots_status encode_list_tables(struct encoding *encoding)
{
    Ots__Wire__Nothing nothing = OTS__WIRE__NOTHING__INIT;
    return ots_proto_pack(&nothing, encoding->body);
}

static enum ots_status encode_named_table(struct encoding *encoding)
{
    Ots__Wire__NamedTable named = OTS__WIRE__NAMED_TABLE__INIT;
    named.table = ots_proto_bytes(encoding->call->request.table.table);
    return ots_proto_pack(&named, encoding->body);
}

static enum ots_status pack_put(const struct ots_put_request *request, struct ots_slice rows,
                                struct ots_buf *body)
{
    Ots__Wire__Put put = OTS__WIRE__PUT__INIT;
    Ots__Wire__RowBlock block = OTS__WIRE__ROW_BLOCK__INIT;
    block.type = OTS__WIRE__ROW_FORMAT__FLAT_BUFFER;
    block.rows = ots_proto_bytes(rows);
    OTS_PROTO_SET(&block, crc32c, (int32_t)ots_crc32c(rows.data, rows.size));
    put.table = ots_proto_bytes(request->table);
    put.block = &block;
    if (request->meta_update_mode != OTS_META_UPDATE_NORMAL)
        OTS_PROTO_SET(&put, meta_update_mode, (int32_t)request->meta_update_mode);
    OTS_PROTO_SET(&put, supported_table_version, TABLE_VERSION);
    return ots_proto_pack(&put, body);
}

static enum ots_status encode_put(struct encoding *encoding)
{
    const struct ots_put_request *request = &encoding->call->request.put;
    struct ots_buf rows = OTS_BUF_INIT;
    enum ots_status status = ots_flatrows_encode(request->rows, request->row_count,
                                                 encoding->layout, &rows, encoding->err);
    if (status == OTS_OK)
        status = pack_put(request, ots_buf_slice(&rows), encoding->body);
    ots_buf_deinit(&rows);
    return status;
}

static enum ots_status encode_get(struct encoding *encoding)
{
    const struct ots_get_request *request = &encoding->call->request.get;
    Ots__Wire__Get get = OTS__WIRE__GET__INIT;
    Ots__Wire__Timeline timeline = OTS__WIRE__TIMELINE__INIT;
    enum ots_status status =
        ots_convert_key_out(&request->key, OTS_TAGS_LIST, &encoding->arena, &timeline);
    if (status != OTS_OK)
        return status;
    get.table = ots_proto_bytes(request->table);
    get.key = &timeline;
    if (request->has_begin)
        OTS_PROTO_SET(&get, begin_us, request->begin_us);
    if (request->has_end)
        OTS_PROTO_SET(&get, end_us, request->end_us);
    if (request->token.size)
        OTS_PROTO_SET(&get, token, ots_proto_bytes(request->token));
    if (request->limit > 0)
        OTS_PROTO_SET(&get, limit, request->limit);
    if (request->is_backward)
        OTS_PROTO_SET(&get, backward, true);
    get.n_fields = request->field_count;
    get.fields = ots_convert_wanted_out(request->fields, request->field_count, &encoding->arena);
    if (request->field_count && !get.fields)
        return OTS_NOMEM;
    OTS_PROTO_SET(&get, supported_table_version, TABLE_VERSION);
    return ots_proto_pack(&get, encoding->body);
}

static enum ots_status encode_query_meta(struct encoding *encoding)
{
    const struct ots_query_meta_request *request = &encoding->call->request.query_meta;
    Ots__Wire__QueryMeta query = OTS__WIRE__QUERY_META__INIT;
    Ots__Wire__Condition condition = OTS__WIRE__CONDITION__INIT;
    query.table = ots_proto_bytes(request->table);
    if (request->condition) {
        enum ots_status status =
            ots_conditions_out(request->condition, &encoding->arena, &condition, encoding->err);
        if (status != OTS_OK)
            return status;
        query.condition = &condition;
    }
    OTS_PROTO_SET(&query, get_total_hit, request->get_total_hit);
    if (request->token.size)
        OTS_PROTO_SET(&query, token, ots_proto_bytes(request->token));
    if (request->limit > 0)
        OTS_PROTO_SET(&query, limit, request->limit);
    OTS_PROTO_SET(&query, supported_table_version, TABLE_VERSION);
    return ots_proto_pack(&query, encoding->body);
}

static enum ots_status encode_split(struct encoding *encoding)
{
    const struct ots_split_request *request = &encoding->call->request.split;
    Ots__Wire__Split split = OTS__WIRE__SPLIT__INIT;
    split.table = ots_proto_bytes(request->table);
    if (request->has_measurement)
        OTS_PROTO_SET(&split, measurement, ots_proto_bytes(request->measurement));
    split.count_hint = request->split_count_hint;
    return ots_proto_pack(&split, encoding->body);
}

static enum ots_status encode_scan(struct encoding *encoding)
{
    const struct ots_scan_request *request = &encoding->call->request.scan;
    Ots__Wire__Scan scan = OTS__WIRE__SCAN__INIT;
    scan.table = ots_proto_bytes(request->table);
    if (request->split.size)
        OTS_PROTO_SET(&scan, split, ots_proto_bytes(request->split));
    if (request->has_begin)
        OTS_PROTO_SET(&scan, begin_us, request->begin_us);
    if (request->has_end)
        OTS_PROTO_SET(&scan, end_us, request->end_us);
    scan.n_fields = request->field_count;
    scan.fields = ots_convert_wanted_out(request->fields, request->field_count, &encoding->arena);
    if (request->field_count && !scan.fields)
        return OTS_NOMEM;
    if (request->limit > 0)
        OTS_PROTO_SET(&scan, limit, request->limit);
    OTS_PROTO_SET(&scan, type, OTS__WIRE__ROW_FORMAT__PLAIN_BUFFER);
    if (request->token.size)
        OTS_PROTO_SET(&scan, token, ots_proto_bytes(request->token));
    OTS_PROTO_SET(&scan, supported_table_version, TABLE_VERSION);
    return ots_proto_pack(&scan, encoding->body);
}

static enum ots_status encode_stream(struct encoding *encoding)
{
    return ots_stream_request_encode(encoding->call, encoding->body);
}

static enum ots_status encode_update_table(struct encoding *encoding)
{
    return ots_encode_update_table(encoding->call, &encoding->arena, encoding->body);
}

static enum ots_status encode_update_meta(struct encoding *encoding)
{
    return ots_encode_update_meta(encoding->call, &encoding->arena, encoding->body);
}

static enum ots_status encode_delete_meta(struct encoding *encoding)
{
    return ots_encode_delete_meta(encoding->call, &encoding->arena, encoding->body);
}

static enum ots_status (*const encoders[OTS_ACTION_COUNT])(struct encoding *encoding) = {
    [OTS_ACTION_CREATE_TABLE] = encode_create_table,
    [OTS_ACTION_LIST_TABLES] = encode_list_tables,
    [OTS_ACTION_DESCRIBE_TABLE] = encode_named_table,
    [OTS_ACTION_DELETE_TABLE] = encode_named_table,
    [OTS_ACTION_PUT] = encode_put,
    [OTS_ACTION_GET] = encode_get,
    [OTS_ACTION_QUERY_META] = encode_query_meta,
    [OTS_ACTION_SPLIT] = encode_split,
    [OTS_ACTION_SCAN] = encode_scan,
    [OTS_ACTION_LIST_STREAMS] = encode_stream,
    [OTS_ACTION_DESCRIBE_STREAM] = encode_stream,
    [OTS_ACTION_SHARD_ITERATOR] = encode_stream,
    [OTS_ACTION_STREAM_RECORDS] = encode_stream,
    [OTS_ACTION_UPDATE_TABLE] = encode_update_table,
    [OTS_ACTION_UPDATE_META] = encode_update_meta,
    [OTS_ACTION_DELETE_META] = encode_delete_meta,
};

enum ots_status ots_request_encode(const struct ots_call *call, enum ots_put_layout layout,
                                   struct ots_buf *body, struct ots_error *err)
{
    if (!encoders[call->action])
        return ots_error_set(err, OTS_UNSUPPORTED, "%s is not called from here",
                             ots_action_name(call->action));
    struct encoding encoding = {
        .call = call, .layout = layout, .arena = OTS_ARENA_INIT, .body = body, .err = err};
    enum ots_status status = encoders[call->action](&encoding);
    ots_arena_deinit(&encoding.arena);
    if (status == OTS_NOMEM)
        return ots_error_set(err, status, "no memory to encode a request");
    return status;
}

/* ---- decoding ---- */

static enum ots_status unpack(const ProtobufCMessageDescriptor *descriptor, struct ots_slice body,
                              struct ots_call *call, const void **message, struct ots_error *err)
{
    return ots_proto_unpack(descriptor, body, &call->arena, "request", message, err);
}

static enum ots_status decode_create_table(struct ots_slice body, struct ots_call *call,
                                           struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status =
        unpack(&ots__wire__create_table__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__CreateTable *create = unpacked;
    for (size_t i = 0; i < create->table->n_field_keys; i++)
        if (create->table->field_keys[i]->has_option)
            return ots_error_set(err, OTS_INVALID, "key field %zu: cannot be counted up by itself",
                                 i + 1);
    struct ots_create_table_request *request = &call->request.create_table;
    request->analytical_store_count = create->n_stores;
    request->lastpoint_index_count = create->n_lastpoint_indexes;
    return ots_convert_table_in(create->table, &call->arena, &request->meta, err);
}

static enum ots_status decode_list_tables(struct ots_slice body, struct ots_call *call,
                                          struct ots_error *err)
{
    const void *unpacked;
    return unpack(&ots__wire__nothing__descriptor, body, call, &unpacked, err);
}

static enum ots_status decode_named_table(struct ots_slice body, struct ots_call *call,
                                          struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status =
        unpack(&ots__wire__named_table__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__NamedTable *named = unpacked;
    call->request.table.table = ots_proto_slice(named->table);
    return OTS_OK;
}

static enum ots_status decode_rows(const Ots__Wire__RowBlock *block, struct ots_arena *arena,
                                   struct ots_rows *rows, struct ots_error *err)
{
    struct ots_slice bytes = ots_proto_slice(block->rows);
    bool is_flat = block->type == OTS__WIRE__ROW_FORMAT__FLAT_BUFFER;
    if (!is_flat && block->type != OTS__WIRE__ROW_FORMAT__PROTO_BUFFER)
        return ots_error_set(err, OTS_INVALID, "rows of serialization type %d are not supported",
                             (int)block->type);
    if (block->has_crc32c && (uint32_t)block->crc32c != ots_crc32c(bytes.data, bytes.size))
        return ots_error_set(err, OTS_CORRUPT, "the rows do not fit their CRC");
    return is_flat ? ots_flatrows_decode(bytes, arena, rows, err)
                   : ots_protorows_decode(bytes, arena, rows, err);
}

static enum ots_status decode_put(struct ots_slice body, struct ots_call *call,
                                  struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = unpack(&ots__wire__put__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__Put *put = unpacked;
    call->is_unaware = put->supported_table_version < TABLE_VERSION;
    struct ots_put_request *request = &call->request.put;
    request->table = ots_proto_slice(put->table);
    if (put->meta_update_mode != OTS_META_UPDATE_NORMAL &&
        put->meta_update_mode != OTS_META_UPDATE_IGNORE)
        return ots_error_set(err, OTS_INVALID, "unknown meta update mode %d",
                             (int)put->meta_update_mode);
    request->meta_update_mode = (enum ots_meta_update_mode)put->meta_update_mode;
    struct ots_rows rows = {.count = 0};
    status = decode_rows(put->block, &call->arena, &rows, err);
    request->rows = rows.items;
    request->row_count = rows.count;
    return status;
}

/* Rows of one time only: no SDK can ask for them, so what else could be meant is refused. */
static enum ots_status specific_time_in(const Ots__Wire__Get *get, struct ots_get_request *request,
                                        struct ots_error *err)
{
    if (request->has_begin || request->has_end)
        return ots_error_set(err, OTS_INVALID,
                             "a specific time cannot go with a begin or an end time");
    request->begin_us = get->specific_us;
    request->has_begin = true;
    request->has_end = get->specific_us < INT64_MAX;
    request->end_us = request->has_end ? get->specific_us + 1 : 0;
    return OTS_OK;
}

static enum ots_status decode_get(struct ots_slice body, struct ots_call *call,
                                  struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = unpack(&ots__wire__get__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__Get *get = unpacked;
    call->is_unaware = get->supported_table_version < TABLE_VERSION;
    struct ots_get_request *request = &call->request.get;
    *request = (struct ots_get_request){
        .table = ots_proto_slice(get->table),
        .begin_us = get->begin_us,
        .end_us = get->end_us,
        .has_begin = get->has_begin_us != 0,
        .has_end = get->has_end_us != 0,
        .is_backward = get->backward != 0,
        .limit = get->limit,
        .token = ots_proto_slice(get->token),
        .field_count = get->n_fields,
    };
    if (get->has_specific_us)
        status = specific_time_in(get, request, err);
    if (status == OTS_OK)
        status = ots_convert_key_in(get->key, &call->arena, &request->key, err);
    if (status != OTS_OK)
        return status;
    return ots_convert_wanted_in(get->fields, get->n_fields, &call->arena, &request->fields, err);
}

static enum ots_status decode_query_meta(struct ots_slice body, struct ots_call *call,
                                         struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = unpack(&ots__wire__query_meta__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__QueryMeta *query = unpacked;
    call->is_unaware = query->supported_table_version < TABLE_VERSION;
    struct ots_query_meta_request *request = &call->request.query_meta;
    *request = (struct ots_query_meta_request){
        .table = ots_proto_slice(query->table),
        .get_total_hit = query->get_total_hit != 0,
        .limit = query->limit,
        .token = ots_proto_slice(query->token),
    };
    if (!query->condition)
        return OTS_OK;
    return ots_conditions_in(query->condition, &call->arena, &request->condition, err);
}

static enum ots_status decode_split(struct ots_slice body, struct ots_call *call,
                                    struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = unpack(&ots__wire__split__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__Split *split = unpacked;
    call->request.split = (struct ots_split_request){
        .table = ots_proto_slice(split->table),
        .measurement = ots_proto_slice(split->measurement),
        .has_measurement = split->has_measurement != 0,
        .split_count_hint = split->count_hint,
    };
    return OTS_OK;
}

static enum ots_status decode_scan(struct ots_slice body, struct ots_call *call,
                                   struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = unpack(&ots__wire__scan__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__Scan *scan = unpacked;
    call->is_unaware = scan->supported_table_version < TABLE_VERSION;
    if (scan->has_type && scan->type != OTS__WIRE__ROW_FORMAT__PLAIN_BUFFER)
        return ots_error_set(err, OTS_INVALID, "rows of serialization type %d are not supported",
                             (int)scan->type);
    struct ots_scan_request *request = &call->request.scan;
    *request = (struct ots_scan_request){
        .table = ots_proto_slice(scan->table),
        .split = ots_proto_slice(scan->split),
        .begin_us = scan->begin_us,
        .end_us = scan->end_us,
        .has_begin = scan->has_begin_us != 0,
        .has_end = scan->has_end_us != 0,
        .limit = scan->limit,
        .token = ots_proto_slice(scan->token),
        .field_count = scan->n_fields,
    };
    return ots_convert_wanted_in(scan->fields, scan->n_fields, &call->arena, &request->fields, err);
}

static enum ots_status (*const decoders[OTS_ACTION_COUNT])(struct ots_slice body,
                                                           struct ots_call *call,
                                                           struct ots_error *err) = {
    [OTS_ACTION_CREATE_TABLE] = decode_create_table,
    [OTS_ACTION_LIST_TABLES] = decode_list_tables,
    [OTS_ACTION_DESCRIBE_TABLE] = decode_named_table,
    [OTS_ACTION_DELETE_TABLE] = decode_named_table,
    [OTS_ACTION_PUT] = decode_put,
    [OTS_ACTION_GET] = decode_get,
    [OTS_ACTION_QUERY_META] = decode_query_meta,
    [OTS_ACTION_SPLIT] = decode_split,
    [OTS_ACTION_SCAN] = decode_scan,
    [OTS_ACTION_LIST_STREAMS] = ots_stream_request_decode,
    [OTS_ACTION_DESCRIBE_STREAM] = ots_stream_request_decode,
    [OTS_ACTION_SHARD_ITERATOR] = ots_stream_request_decode,
    [OTS_ACTION_STREAM_RECORDS] = ots_stream_request_decode,
    [OTS_ACTION_UPDATE_TABLE] = ots_decode_update_table,
    [OTS_ACTION_UPDATE_META] = ots_decode_update_meta,
    [OTS_ACTION_DELETE_META] = ots_decode_delete_meta,
};

enum ots_status ots_request_decode(struct ots_slice body, struct ots_call *call,
                                   struct ots_error *err)
{
    memset(&call->request, 0, sizeof(call->request));
    enum ots_status status = ots_wide_is_action(call->action)
                                 ? ots_wide_request_decode(body, call, err)
                                 : decoders[call->action](body, call, err);
    if (status == OTS_NOMEM)
        return ots_error_set(err, status, "no memory to decode a request");
    return status;
}
