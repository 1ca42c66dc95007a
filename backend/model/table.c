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

static bool is_one_of(struct ots_slice name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ots_slice_equal(name, ots_slice_str(names[i])))
            return true;
    return false;
}

static bool is_reserved(struct ots_slice name)
{
    static const char *const names[] = {"_time", "_meta_update_time", "_attributes"};
    return is_one_of(name, names, sizeof(names) / sizeof(names[0]));
}

/* An identifier that is no tag. */
static bool is_part(struct ots_slice name)
{
    static const char *const names[] = {"_m_name", "_data_source", "_tags"};
    return is_one_of(name, names, sizeof(names) / sizeof(names[0]));
}

static bool is_identifier(const struct ots_table_meta *meta, struct ots_slice name)
{
    for (size_t i = 0; i < meta->key_schema_count; i++)
        if (ots_slice_equal(name, meta->key_schema[i]))
            return true;
    return false;
}

static enum ots_status key_schema_check(const struct ots_table_meta *meta, struct ots_error *err)
{
    if (meta->key_schema_count > OTS_KEY_SCHEMA_MAX)
        return ots_error_set(err, OTS_INVALID, "identifiers: %zu instead of at most %d",
                             meta->key_schema_count, OTS_KEY_SCHEMA_MAX);
    for (size_t i = 0; i < meta->key_schema_count; i++) {
        struct ots_slice name = meta->key_schema[i];
        if (is_reserved(name))
            return ots_error_set(err, OTS_INVALID, "identifier %zu: a reserved name", i + 1);
        if (!is_part(name) && ots_field_name_check(name, err) != OTS_OK)
            return ots_error_set(err, OTS_INVALID,
                                 "identifier %zu: not 1 to %d of a-z, 0-9, '_', or starts with a "
                                 "digit",
                                 i + 1, OTS_FIELD_NAME_BYTES_MAX);
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
        if (is_reserved(key->name) || is_part(key->name))
            return ots_error_set(err, OTS_INVALID, "key field %zu: a reserved name", i + 1);
        if (ots_field_name_check(key->name, err) != OTS_OK)
            return ots_error_set(err, OTS_INVALID, "key field %zu: not a name for a field", i + 1);
        if ((int)key->type < OTS_KEY_INTEGER || key->type > OTS_KEY_BINARY)
            return ots_error_set(err, OTS_INVALID, "key field %zu: unknown type %d", i + 1,
                                 (int)key->type);
        for (size_t j = 0; j < i; j++)
            if (ots_slice_equal(key->name, meta->field_keys[j].name))
                return ots_error_set(err, OTS_INVALID, "key field %zu: named twice", i + 1);
        if (is_identifier(meta, key->name))
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

static bool has_tag(const struct ots_series_key *key, struct ots_slice name)
{
    for (size_t i = 0; i < key->tag_count; i++)
        if (ots_slice_equal(key->tags[i].name, name))
            return true;
    return false;
}

/* What has no column cannot be stored, and a column is never empty for want of a tag. */
static enum ots_status identifiers_check(const struct ots_table_meta *meta,
                                         const struct ots_series_key *key, struct ots_error *err)
{
    if (key->measurement.size && !is_identifier(meta, OTS_SLICE("_m_name")))
        return ots_error_set(err, OTS_INVALID, "measurement: no identifier of the table");
    if (key->data_source.size && !is_identifier(meta, OTS_SLICE("_data_source")))
        return ots_error_set(err, OTS_INVALID, "data source: no identifier of the table");
    bool has_others = is_identifier(meta, OTS_SLICE("_tags"));
    for (size_t i = 0; i < key->tag_count; i++) {
        struct ots_slice name = key->tags[i].name;
        if (is_part(name) || (!has_others && !is_identifier(meta, name)))
            return ots_error_set(err, OTS_INVALID, "tag \"%.*s\": no identifier of the table",
                                 OTS_SLICE_FMT(name));
    }
    for (size_t i = 0; i < meta->key_schema_count; i++)
        if (!is_part(meta->key_schema[i]) && !has_tag(key, meta->key_schema[i]))
            return ots_error_set(err, OTS_INVALID,
                                 "tag \"%.*s\": missing, the table has it as "
                                 "an identifier",
                                 OTS_SLICE_FMT(meta->key_schema[i]));
    return OTS_OK;
}

enum ots_status ots_table_key_check(const struct ots_table_meta *meta,
                                    const struct ots_series_key *key, struct ots_error *err)
{
    bool may_lack_measurement =
        meta->key_schema_count && !is_identifier(meta, OTS_SLICE("_m_name"));
    enum ots_status status = ots_series_key_check(key, may_lack_measurement, err);
    if (status != OTS_OK || !meta->key_schema_count)
        return status;
    return identifiers_check(meta, key, err);
}

enum ots_value_type ots_key_value_type(enum ots_key_type type)
{
    switch (type) {
    case OTS_KEY_INTEGER:
        return OTS_INTEGER;
    case OTS_KEY_STRING:
        return OTS_STRING;
    case OTS_KEY_BINARY:
        break;
    }
    return OTS_BINARY;
}

const struct ots_field *ots_row_field(const struct ots_row *row, struct ots_slice name)
{
    for (size_t i = 0; i < row->field_count; i++)
        if (ots_slice_equal(row->fields[i].name, name))
            return &row->fields[i];
    return NULL;
}

enum ots_status ots_table_row_check(const struct ots_table_meta *meta, const struct ots_row *row,
                                    struct ots_error *err)
{
    enum ots_status status = ots_row_check(row, err);
    for (size_t i = 0; i < meta->field_key_count && status == OTS_OK; i++) {
        const struct ots_field_key *key = &meta->field_keys[i];
        const struct ots_field *field = ots_row_field(row, key->name);
        if (!field)
            return ots_error_set(err, OTS_INVALID, "missing primary key fields: \"%.*s\"",
                                 OTS_SLICE_FMT(key->name));
        if (field->value.type != ots_key_value_type(key->type))
            return ots_error_set(err, OTS_INVALID, "field \"%.*s\": %s, but its key is %s",
                                 OTS_SLICE_FMT(key->name), ots_value_type_name(field->value.type),
                                 ots_value_type_name(ots_key_value_type(key->type)));
        if (key->type != OTS_KEY_INTEGER && field->value.bytes.size > OTS_KEY_FIELD_BYTES_MAX)
            return ots_error_set(err, OTS_LIMIT, "field \"%.*s\": %zu bytes, a key has at most %d",
                                 OTS_SLICE_FMT(key->name), field->value.bytes.size,
                                 OTS_KEY_FIELD_BYTES_MAX);
    }
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
