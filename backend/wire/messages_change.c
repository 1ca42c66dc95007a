#include "backend/wire/messages_change.h"

/* The model of timelines that we speak, as in every call on them. */
enum { TABLE_VERSION = 1 };

/* ---- options of a table ---- */

enum ots_status ots_encode_update_table(const struct ots_call *call, struct ots_arena *arena,
                                        struct ots_buf *body)
{
    (void)arena;
    const struct ots_table_meta *meta = &call->request.update_table.meta;
    Ots__Wire__UpdateTable update = OTS__WIRE__UPDATE_TABLE__INIT;
    Ots__Wire__DataOptions data = OTS__WIRE__DATA_OPTIONS__INIT;
    Ots__Wire__MetaOptions timelines = OTS__WIRE__META_OPTIONS__INIT;
    update.table = ots_proto_bytes(meta->name);
    if (meta->has_time_to_live) {
        OTS_PROTO_SET(&data, time_to_live_s, meta->time_to_live_s);
        update.data_options = &data;
    }
    if (meta->has_meta_time_to_live)
        OTS_PROTO_SET(&timelines, time_to_live_s, meta->meta_time_to_live_s);
    if (meta->has_allow_update_attributes)
        OTS_PROTO_SET(&timelines, allow_update_attributes, meta->allow_update_attributes);
    if (meta->has_meta_time_to_live || meta->has_allow_update_attributes)
        update.meta_options = &timelines;
    return ots_proto_pack(&update, body);
}

enum ots_status ots_decode_update_table(struct ots_slice body, struct ots_call *call,
                                        struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = ots_proto_unpack(&ots__wire__update_table__descriptor, body,
                                              &call->arena, "request", &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__UpdateTable *update = unpacked;
    struct ots_update_table_request *request = &call->request.update_table;
    *request = (struct ots_update_table_request){
        .meta = OTS_TABLE_META_DEFAULT,
        .has_data_options = update->data_options != NULL,
        .has_meta_options = update->meta_options != NULL,
    };
    request->meta.name = ots_proto_slice(update->table);
    ots_convert_options_in(update->data_options, update->meta_options, &request->meta);
    return OTS_OK;
}

/* ---- metadata of timelines ---- */

static enum ots_status update_out(const struct ots_meta_update *update, struct ots_arena *arena,
                                  Ots__Wire__TimelineMeta *message)
{
    message->key = ots_arena_alloc(arena, sizeof(*message->key));
    if (!message->key)
        return OTS_NOMEM;
    ots__wire__timeline__init(message->key);
    enum ots_status status = ots_convert_key_out(&update->key, OTS_TAGS_LIST, arena, message->key);
    if (status != OTS_OK || !update->has_attributes)
        return status;
    message->has_attributes_text = true;
    return ots_convert_text_out(update->attributes, update->attribute_count, arena,
                                &message->attributes_text);
}

enum ots_status ots_encode_update_meta(const struct ots_call *call, struct ots_arena *arena,
                                       struct ots_buf *body)
{
    const struct ots_update_meta_request *request = &call->request.update_meta;
    Ots__Wire__UpdateMeta message = OTS__WIRE__UPDATE_META__INIT;
    message.table = ots_proto_bytes(request->table);
    message.n_metas = request->count;
    message.metas = (Ots__Wire__TimelineMeta **)ots_proto_array(
        arena, request->count, sizeof(Ots__Wire__TimelineMeta),
        &ots__wire__timeline_meta__descriptor);
    if (request->count && !message.metas)
        return OTS_NOMEM;
    for (size_t i = 0; i < request->count; i++) {
        enum ots_status status = update_out(&request->updates[i], arena, message.metas[i]);
        if (status != OTS_OK)
            return status;
    }
    OTS_PROTO_SET(&message, supported_table_version, TABLE_VERSION);
    return ots_proto_pack(&message, body);
}

static enum ots_status update_in(const Ots__Wire__TimelineMeta *message, struct ots_arena *arena,
                                 struct ots_meta_update *update, struct ots_error *err)
{
    if (message->has_update_time_us)
        return ots_error_set(err, OTS_INVALID, "the update time of metadata cannot be set");
    *update = (struct ots_meta_update){.has_attributes = message->has_attributes_text != 0};
    enum ots_status status = ots_convert_key_in(message->key, arena, &update->key, err);
    if (status != OTS_OK)
        return status;
    return ots_tags_text_parse(ots_proto_slice(message->attributes_text), arena,
                               &update->attributes, &update->attribute_count, err);
}

enum ots_status ots_decode_update_meta(struct ots_slice body, struct ots_call *call,
                                       struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = ots_proto_unpack(&ots__wire__update_meta__descriptor, body,
                                              &call->arena, "request", &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__UpdateMeta *message = unpacked;
    call->is_unaware = message->supported_table_version < TABLE_VERSION;
    struct ots_meta_update *updates =
        ots_arena_array(&call->arena, message->n_metas, sizeof(*updates));
    if (!updates)
        return OTS_NOMEM;
    for (size_t i = 0; i < message->n_metas && status == OTS_OK; i++)
        status = update_in(message->metas[i], &call->arena, &updates[i], err);
    call->request.update_meta = (struct ots_update_meta_request){
        .table = ots_proto_slice(message->table), .updates = updates, .count = message->n_metas};
    return status;
}

enum ots_status ots_encode_delete_meta(const struct ots_call *call, struct ots_arena *arena,
                                       struct ots_buf *body)
{
    const struct ots_delete_meta_request *request = &call->request.delete_meta;
    Ots__Wire__DeleteMeta message = OTS__WIRE__DELETE_META__INIT;
    message.table = ots_proto_bytes(request->table);
    message.n_keys = request->count;
    message.keys = (Ots__Wire__Timeline **)ots_proto_array(
        arena, request->count, sizeof(Ots__Wire__Timeline), &ots__wire__timeline__descriptor);
    if (request->count && !message.keys)
        return OTS_NOMEM;
    for (size_t i = 0; i < request->count; i++) {
        enum ots_status status =
            ots_convert_key_out(&request->keys[i], OTS_TAGS_LIST, arena, message.keys[i]);
        if (status != OTS_OK)
            return status;
    }
    OTS_PROTO_SET(&message, supported_table_version, TABLE_VERSION);
    return ots_proto_pack(&message, body);
}

enum ots_status ots_decode_delete_meta(struct ots_slice body, struct ots_call *call,
                                       struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = ots_proto_unpack(&ots__wire__delete_meta__descriptor, body,
                                              &call->arena, "request", &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__DeleteMeta *message = unpacked;
    call->is_unaware = message->supported_table_version < TABLE_VERSION;
    struct ots_series_key *keys = ots_arena_array(&call->arena, message->n_keys, sizeof(*keys));
    if (!keys)
        return OTS_NOMEM;
    for (size_t i = 0; i < message->n_keys && status == OTS_OK; i++)
        status = ots_convert_key_in(message->keys[i], &call->arena, &keys[i], err);
    call->request.delete_meta = (struct ots_delete_meta_request){
        .table = ots_proto_slice(message->table), .keys = keys, .count = message->n_keys};
    return status;
}

/* ---- answers ---- */

enum ots_status ots_convert_failed_out(const struct ots_failed_row *rows, size_t count,
                                       struct ots_arena *arena, Ots__Wire__FailedRow ***messages)
{
    Ots__Wire__FailedRow **made = (Ots__Wire__FailedRow **)ots_proto_array(
        arena, count, sizeof(Ots__Wire__FailedRow), &ots__wire__failed_row__descriptor);
    if (count && !made)
        return OTS_NOMEM;
    for (size_t i = 0; i < count; i++) {
        made[i]->row_index = (int32_t)rows[i].row_index;
        OTS_PROTO_SET(made[i], code, ots_proto_bytes(rows[i].code));
        OTS_PROTO_SET(made[i], message, ots_proto_bytes(rows[i].message));
    }
    *messages = made;
    return OTS_OK;
}

enum ots_status ots_convert_failed_in(Ots__Wire__FailedRow *const *messages, size_t count,
                                      size_t row_count, struct ots_arena *arena,
                                      const struct ots_failed_row **rows, struct ots_error *err)
{
    struct ots_failed_row *failed = ots_arena_array(arena, count, sizeof(*failed));
    if (!failed)
        return OTS_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const Ots__Wire__FailedRow *message = messages[i];
        if (message->row_index < 0 || (size_t)message->row_index >= row_count)
            return ots_error_set(err, OTS_CORRUPT, "row %d failed, but %zu rows were sent",
                                 (int)message->row_index, row_count);
        failed[i].row_index = (uint32_t)message->row_index;
        failed[i].code = ots_proto_slice(message->code);
        failed[i].message = ots_proto_slice(message->message);
    }
    *rows = failed;
    return OTS_OK;
}

enum ots_status ots_encode_change_meta(const struct ots_call *call, struct ots_arena *arena,
                                       struct ots_buf *body)
{
    const struct ots_change_meta_response *response = &call->response.change_meta;
    Ots__Wire__MetaChanged message = OTS__WIRE__META_CHANGED__INIT;
    message.n_failed_rows = response->failed_row_count;
    enum ots_status status = ots_convert_failed_out(
        response->failed_rows, response->failed_row_count, arena, &message.failed_rows);
    return status == OTS_OK ? ots_proto_pack(&message, body) : status;
}

enum ots_status ots_decode_change_meta(struct ots_slice body, struct ots_call *call,
                                       struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = ots_proto_unpack(&ots__wire__meta_changed__descriptor, body,
                                              &call->arena, "response", &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__MetaChanged *message = unpacked;
    struct ots_change_meta_response *response = &call->response.change_meta;
    size_t row_count = call->action == OTS_ACTION_UPDATE_META ? call->request.update_meta.count
                                                              : call->request.delete_meta.count;
    response->failed_row_count = message->n_failed_rows;
    return ots_convert_failed_in(message->failed_rows, message->n_failed_rows, row_count,
                                 &call->arena, &response->failed_rows, err);
}
