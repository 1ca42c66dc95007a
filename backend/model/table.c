#include "backend/model/table.h"

#include "backend/model/row.h"

static bool is_name_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_';
}

enum ots_status ots_table_name_check(struct ots_slice name, struct ots_error *err)
{
    if (name.size < 1 || name.size > OTS_TABLE_NAME_BYTES_MAX)
        return ots_error_set(err, OTS_INVALID, "table name: %zu bytes instead of 1 to %d",
                             name.size, OTS_TABLE_NAME_BYTES_MAX);
    for (size_t i = 0; i < name.size; i++)
        if (!is_name_byte(name.data[i]))
            return ots_error_set(err, OTS_INVALID, "table name: byte %zu is none of A-Z a-z 0-9 _",
                                 i + 1);
    if (name.data[0] >= '0' && name.data[0] <= '9')
        return ots_error_set(err, OTS_INVALID, "table name: starts with a digit");
    return OTS_OK;
}

static enum ots_status ttl_check(const struct ots_table_meta *meta, struct ots_error *err)
{
    int32_t ttl = meta->has_time_to_live ? meta->time_to_live_s : OTS_TTL_FOREVER;
    int32_t meta_ttl = meta->has_meta_time_to_live ? meta->meta_time_to_live_s : OTS_TTL_FOREVER;
    bool may_update = meta->has_allow_update_attributes ? meta->allow_update_attributes : true;
    if (ttl != OTS_TTL_FOREVER && ttl < OTS_TTL_SECONDS_MIN)
        return ots_error_set(err, OTS_INVALID, "time to live: %d s is neither -1 nor at least %d",
                             ttl, OTS_TTL_SECONDS_MIN);
    if (meta_ttl == OTS_TTL_FOREVER)
        return OTS_OK;
    if (meta_ttl < OTS_META_TTL_SECONDS_MIN)
        return ots_error_set(err, OTS_INVALID,
                             "meta time to live: %d s is neither -1 nor at least %d", meta_ttl,
                             OTS_META_TTL_SECONDS_MIN);
    if (may_update)
        return ots_error_set(err, OTS_INVALID,
                             "meta time to live: attributes must not be updatable then");
    if (ttl == OTS_TTL_FOREVER || ttl > meta_ttl)
        return ots_error_set(err, OTS_INVALID,
                             "meta time to live: the data's must be set and not longer");
    return OTS_OK;
}

static bool is_reserved(struct ots_slice name)
{
    return ots_slice_equal(name, OTS_SLICE("_#h")) || ots_slice_equal(name, OTS_SLICE("_time"));
}

static enum ots_status key_schema_check(const struct ots_table_meta *meta, struct ots_error *err)
{
    if (meta->key_schema_count > OTS_KEY_SCHEMA_MAX)
        return ots_error_set(err, OTS_INVALID, "identifiers: %zu instead of at most %d",
                             meta->key_schema_count, OTS_KEY_SCHEMA_MAX);
    for (size_t i = 0; i < meta->key_schema_count; i++) {
        struct ots_slice name = meta->key_schema[i];
        const struct ots_tag tag = {name, OTS_SLICE("")};
        const struct ots_series_key key = {.tags = &tag, .tag_count = 1};
        if (is_reserved(name))
            return ots_error_set(err, OTS_INVALID, "identifier %zu: a reserved name", i + 1);
        enum ots_status status = ots_series_key_check(&key, true, err);
        if (status != OTS_OK)
            return ots_error_set(err, OTS_INVALID, "identifier %zu: not a name for a tag", i + 1);
        for (size_t j = 0; j < i; j++)
            if (ots_slice_equal(name, meta->key_schema[j]))
                return ots_error_set(err, OTS_INVALID, "identifier %zu: named twice", i + 1);
    }
    return OTS_OK;
}

static enum ots_status field_keys_check(const struct ots_table_meta *meta, struct ots_error *err)
{
    if (meta->field_key_count > OTS_FIELD_PRIMARY_KEYS_MAX)
        return ots_error_set(err, OTS_INVALID, "key fields: %zu instead of at most %d",
                             meta->field_key_count, OTS_FIELD_PRIMARY_KEYS_MAX);
    for (size_t i = 0; i < meta->field_key_count; i++) {
        const struct ots_field_key *key = &meta->field_keys[i];
        enum ots_status status = ots_field_name_check(key->name, err);
        if (status != OTS_OK)
            return ots_error_set(err, OTS_INVALID, "key field %zu: not a name for a field", i + 1);
        if ((int)key->type < OTS_KEY_INTEGER || key->type > OTS_KEY_BINARY)
            return ots_error_set(err, OTS_INVALID, "key field %zu: unknown type %d", i + 1,
                                 (int)key->type);
        for (size_t j = 0; j < i; j++)
            if (ots_slice_equal(key->name, meta->field_keys[j].name))
                return ots_error_set(err, OTS_INVALID, "key field %zu: named twice", i + 1);
        for (size_t j = 0; j < meta->key_schema_count; j++)
            if (ots_slice_equal(key->name, meta->key_schema[j]))
                return ots_error_set(err, OTS_INVALID, "key field %zu: is an identifier", i + 1);
    }
    return OTS_OK;
}

enum ots_status ots_table_meta_check(const struct ots_table_meta *meta, struct ots_error *err)
{
    enum ots_status status = ots_table_name_check(meta->name, err);
    if (status == OTS_OK)
        status = ttl_check(meta, err);
    if (status == OTS_OK)
        status = key_schema_check(meta, err);
    if (status == OTS_OK)
        status = field_keys_check(meta, err);
    return status;
}

enum ots_status ots_table_meta_update(struct ots_table_meta *meta,
                                      const struct ots_table_meta *changes, struct ots_error *err)
{
    struct ots_table_meta updated = *meta;
    updated.has_time_to_live = true;
    updated.has_meta_time_to_live = true;
    updated.has_allow_update_attributes = true;
    if (changes->has_time_to_live)
        updated.time_to_live_s = changes->time_to_live_s;
    if (changes->has_meta_time_to_live)
        updated.meta_time_to_live_s = changes->meta_time_to_live_s;
    if (changes->has_allow_update_attributes)
        updated.allow_update_attributes = changes->allow_update_attributes;
    enum ots_status status = ttl_check(&updated, err);
    if (status == OTS_OK)
        *meta = updated;
    return status;
}

static enum ots_status key_schema_copy(struct ots_arena *arena, const struct ots_table_meta *meta,
                                       struct ots_table_meta *copy)
{
    if (!meta->key_schema_count)
        return OTS_OK;
    struct ots_slice *names =
        ots_arena_array(arena, meta->key_schema_count, sizeof(struct ots_slice));
    if (!names)
        return OTS_NOMEM;
    for (size_t i = 0; i < meta->key_schema_count; i++) {
        enum ots_status status = ots_arena_copy(arena, meta->key_schema[i], &names[i]);
        if (status != OTS_OK)
            return status;
    }
    copy->key_schema = names;
    copy->key_schema_count = meta->key_schema_count;
    return OTS_OK;
}

static enum ots_status field_keys_copy(struct ots_arena *arena, const struct ots_table_meta *meta,
                                       struct ots_table_meta *copy)
{
    if (!meta->field_key_count)
        return OTS_OK;
    struct ots_field_key *keys =
        ots_arena_array(arena, meta->field_key_count, sizeof(struct ots_field_key));
    if (!keys)
        return OTS_NOMEM;
    for (size_t i = 0; i < meta->field_key_count; i++) {
        keys[i].type = meta->field_keys[i].type;
        enum ots_status status = ots_arena_copy(arena, meta->field_keys[i].name, &keys[i].name);
        if (status != OTS_OK)
            return status;
    }
    copy->field_keys = keys;
    copy->field_key_count = meta->field_key_count;
    return OTS_OK;
}

enum ots_status ots_table_meta_copy(struct ots_arena *arena, const struct ots_table_meta *meta,
                                    struct ots_table_meta *copy)
{
    struct ots_table_meta made = *meta;
    made.key_schema = NULL;
    made.key_schema_count = 0;
    made.field_keys = NULL;
    made.field_key_count = 0;
    enum ots_status status = ots_arena_copy(arena, meta->name, &made.name);
    if (status == OTS_OK)
        status = ots_arena_copy(arena, meta->status, &made.status);
    if (status == OTS_OK)
        status = key_schema_copy(arena, meta, &made);
    if (status == OTS_OK)
        status = field_keys_copy(arena, meta, &made);
    if (status == OTS_OK)
        *copy = made;
    return status;
}
