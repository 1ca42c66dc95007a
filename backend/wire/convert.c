#include "backend/wire/convert.h"

enum ots_status ots_convert_text_out(const struct ots_tag *tags, size_t count,
                                     struct ots_arena *arena, ProtobufCBinaryData *bytes)
{
    struct ots_buf text = OTS_BUF_INIT;
    struct ots_slice copy = OTS_SLICE_NONE;
    ots_tags_text_append(&text, tags, count);
    enum ots_status status = ots_buf_status(&text);
    if (status == OTS_OK)
        status = ots_arena_copy(arena, ots_buf_slice(&text), &copy);
    ots_buf_deinit(&text);
    *bytes = ots_proto_bytes(copy);
    return status;
}

enum ots_status ots_convert_key_out(const struct ots_series_key *key, enum ots_tags_form form,
                                    struct ots_arena *arena, Ots__Wire__Timeline *timeline)
{
    OTS_PROTO_SET(timeline, measurement, ots_proto_bytes(key->measurement));
    OTS_PROTO_SET(timeline, data_source, ots_proto_bytes(key->data_source));
    timeline->n_tags = key->tag_count;
    timeline->tags = (Ots__Wire__Tag **)ots_proto_array(
        arena, key->tag_count, sizeof(Ots__Wire__Tag), &ots__wire__tag__descriptor);
    if (key->tag_count && !timeline->tags)
        return OTS_NOMEM;
    for (size_t i = 0; i < key->tag_count; i++) {
        timeline->tags[i]->name = ots_proto_bytes(key->tags[i].name);
        timeline->tags[i]->value = ots_proto_bytes(key->tags[i].value);
    }
    if (form == OTS_TAGS_LIST)
        return OTS_OK;
    timeline->has_tags_text = true;
    return ots_convert_text_out(key->tags, key->tag_count, arena, &timeline->tags_text);
}

enum ots_status ots_convert_key_in(const Ots__Wire__Timeline *timeline, struct ots_arena *arena,
                                   struct ots_series_key *key, struct ots_error *err)
{
    *key = (struct ots_series_key){.measurement = ots_proto_slice(timeline->measurement),
                                   .data_source = ots_proto_slice(timeline->data_source)};
    if (!timeline->n_tags)
        return ots_tags_text_parse(ots_proto_slice(timeline->tags_text), arena, &key->tags,
                                   &key->tag_count, err);
    struct ots_tag *tags = ots_arena_array(arena, timeline->n_tags, sizeof(*tags));
    if (!tags)
        return OTS_NOMEM;
    for (size_t i = 0; i < timeline->n_tags; i++) {
        tags[i].name = ots_proto_slice(timeline->tags[i]->name);
        tags[i].value = ots_proto_slice(timeline->tags[i]->value);
    }
    key->tags = tags;
    key->tag_count = timeline->n_tags;
    return ots_tags_sort(tags, timeline->n_tags, err);
}

enum ots_status ots_convert_meta_out(const struct ots_timeline_meta *meta, struct ots_arena *arena,
                                     Ots__Wire__TimelineMeta *message)
{
    message->key = ots_arena_alloc(arena, sizeof(*message->key));
    if (!message->key)
        return OTS_NOMEM;
    ots__wire__timeline__init(message->key);
    OTS_PROTO_SET(message, update_time_us, meta->update_time_us);
    enum ots_status status =
        ots_convert_key_out(&meta->key, OTS_TAGS_LIST_AND_TEXT, arena, message->key);
    if (status != OTS_OK || !meta->attribute_count)
        return status;
    message->has_attributes_text = true;
    return ots_convert_text_out(meta->attributes, meta->attribute_count, arena,
                                &message->attributes_text);
}

enum ots_status ots_convert_meta_in(const Ots__Wire__TimelineMeta *message, struct ots_arena *arena,
                                    struct ots_timeline_meta *meta, struct ots_error *err)
{
    *meta = (struct ots_timeline_meta){.update_time_us = message->update_time_us};
    enum ots_status status = ots_convert_key_in(message->key, arena, &meta->key, err);
    if (status != OTS_OK)
        return status;
    return ots_tags_text_parse(ots_proto_slice(message->attributes_text), arena, &meta->attributes,
                               &meta->attribute_count, err);
}

static enum ots_status options_out(const struct ots_table_meta *meta, struct ots_arena *arena,
                                   Ots__Wire__Table *message)
{
    /* Java's SDK sends the data options even when there are none in them; so do we. */
    message->data_options = ots_arena_alloc(arena, sizeof(*message->data_options));
    if (!message->data_options)
        return OTS_NOMEM;
    ots__wire__data_options__init(message->data_options);
    if (meta->has_time_to_live)
        OTS_PROTO_SET(message->data_options, time_to_live_s, meta->time_to_live_s);
    if (!meta->has_meta_time_to_live && !meta->has_allow_update_attributes)
        return OTS_OK;
    message->meta_options = ots_arena_alloc(arena, sizeof(*message->meta_options));
    if (!message->meta_options)
        return OTS_NOMEM;
    ots__wire__meta_options__init(message->meta_options);
    if (meta->has_meta_time_to_live)
        OTS_PROTO_SET(message->meta_options, time_to_live_s, meta->meta_time_to_live_s);
    if (meta->has_allow_update_attributes)
        OTS_PROTO_SET(message->meta_options, allow_update_attributes,
                      meta->allow_update_attributes);
    return OTS_OK;
}

enum ots_status ots_convert_table_out(const struct ots_table_meta *meta, struct ots_arena *arena,
                                      Ots__Wire__Table *message)
{
    message->name = ots_proto_bytes(meta->name);
    if (meta->status.size)
        OTS_PROTO_SET(message, status, ots_proto_bytes(meta->status));
    message->n_key_schema = meta->key_schema_count;
    message->key_schema =
        ots_arena_array(arena, meta->key_schema_count, sizeof(*message->key_schema));
    message->n_field_keys = meta->field_key_count;
    message->field_keys = (Ots__Wire__FieldKey **)ots_proto_array(
        arena, meta->field_key_count, sizeof(Ots__Wire__FieldKey),
        &ots__wire__field_key__descriptor);
    if (!message->key_schema || (meta->field_key_count && !message->field_keys))
        return OTS_NOMEM;
    for (size_t i = 0; i < meta->key_schema_count; i++)
        message->key_schema[i] = ots_proto_bytes(meta->key_schema[i]);
    for (size_t i = 0; i < meta->field_key_count; i++) {
        message->field_keys[i]->name = ots_proto_bytes(meta->field_keys[i].name);
        message->field_keys[i]->type = (int32_t)meta->field_keys[i].type;
    }
    return options_out(meta, arena, message);
}

void ots_convert_options_in(const Ots__Wire__DataOptions *data,
                            const Ots__Wire__MetaOptions *timelines, struct ots_table_meta *meta)
{
    meta->has_time_to_live = data && data->has_time_to_live_s;
    if (meta->has_time_to_live)
        meta->time_to_live_s = data->time_to_live_s;
    meta->has_meta_time_to_live = timelines && timelines->has_time_to_live_s;
    if (meta->has_meta_time_to_live)
        meta->meta_time_to_live_s = timelines->time_to_live_s;
    meta->has_allow_update_attributes = timelines && timelines->has_allow_update_attributes;
    if (meta->has_allow_update_attributes)
        meta->allow_update_attributes = timelines->allow_update_attributes != 0;
}

static enum ots_status field_keys_in(const Ots__Wire__Table *message, struct ots_field_key *keys,
                                     struct ots_error *err)
{
    for (size_t i = 0; i < message->n_field_keys; i++) {
        int32_t type = message->field_keys[i]->type;
        if (type < OTS_KEY_INTEGER || type > OTS_KEY_BINARY)
            return ots_error_set(err, OTS_INVALID, "a field key column has the unknown type %d",
                                 (int)type);
        keys[i].name = ots_proto_slice(message->field_keys[i]->name);
        keys[i].type = (enum ots_key_type)type;
    }
    return OTS_OK;
}

enum ots_status ots_convert_table_in(const Ots__Wire__Table *message, struct ots_arena *arena,
                                     struct ots_table_meta *meta, struct ots_error *err)
{
    *meta = OTS_TABLE_META_DEFAULT;
    meta->name = ots_proto_slice(message->name);
    meta->status = ots_proto_slice(message->status);
    ots_convert_options_in(message->data_options, message->meta_options, meta);
    struct ots_slice *names = ots_arena_array(arena, message->n_key_schema, sizeof(*names));
    struct ots_field_key *keys = ots_arena_array(arena, message->n_field_keys, sizeof(*keys));
    if (!names || !keys)
        return OTS_NOMEM;
    for (size_t i = 0; i < message->n_key_schema; i++)
        names[i] = ots_proto_slice(message->key_schema[i]);
    meta->key_schema = names;
    meta->key_schema_count = message->n_key_schema;
    meta->field_keys = keys;
    meta->field_key_count = message->n_field_keys;
    return field_keys_in(message, keys, err);
}

Ots__Wire__WantedField **ots_convert_wanted_out(const struct ots_field_wanted *fields, size_t count,
                                                struct ots_arena *arena)
{
    Ots__Wire__WantedField **messages = (Ots__Wire__WantedField **)ots_proto_array(
        arena, count, sizeof(Ots__Wire__WantedField), &ots__wire__wanted_field__descriptor);
    for (size_t i = 0; messages && i < count; i++) {
        OTS_PROTO_SET(messages[i], name, ots_proto_bytes(fields[i].name));
        if (fields[i].type)
            OTS_PROTO_SET(messages[i], type, (int32_t)fields[i].type);
    }
    return messages;
}

enum ots_status ots_convert_wanted_in(Ots__Wire__WantedField *const *messages, size_t count,
                                      struct ots_arena *arena,
                                      const struct ots_field_wanted **fields, struct ots_error *err)
{
    struct ots_field_wanted *wanted = ots_arena_array(arena, count, sizeof(*wanted));
    if (!wanted)
        return OTS_NOMEM;
    for (size_t i = 0; i < count; i++) {
        int32_t type = messages[i]->type;
        if (type < 0 || type > OTS_BINARY)
            return ots_error_set(err, OTS_INVALID, "a wanted field has the unknown type %d",
                                 (int)type);
        wanted[i].name = ots_proto_slice(messages[i]->name);
        wanted[i].type = (enum ots_value_type)type;
    }
    *fields = wanted;
    return OTS_OK;
}
