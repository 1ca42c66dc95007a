#include "backend/server/table_record.h"

#include "backend/server/layout.h"

enum {
    RECORD_VERSION = 1,
    RECORD_ID = 1,
    RECORD_CREATED = 5,
    RECORD_TTL = 13,
    RECORD_META_TTL = 17,
    RECORD_ATTRIBUTES = 21,
    RECORD_FIXED_BYTES = 22,
};

static void name_append(struct ots_buf *buf, struct ots_slice name)
{
    ots_buf_append_byte(buf, (uint8_t)(name.size >> 8));
    ots_buf_append_byte(buf, (uint8_t)name.size);
    ots_buf_append_slice(buf, name);
}

void ots_table_record_append(struct ots_buf *buf, const struct ots_table *table)
{
    const struct ots_table_meta *meta = &table->meta;
    uint8_t fixed[RECORD_FIXED_BYTES];
    fixed[0] = RECORD_VERSION;
    ots_layout_put_u32(fixed + RECORD_ID, table->id);
    ots_layout_put_u64(fixed + RECORD_CREATED, (uint64_t)table->created_us);
    ots_layout_put_u32(fixed + RECORD_TTL, (uint32_t)meta->time_to_live_s);
    ots_layout_put_u32(fixed + RECORD_META_TTL, (uint32_t)meta->meta_time_to_live_s);
    fixed[RECORD_ATTRIBUTES] = meta->allow_update_attributes;
    ots_buf_append(buf, fixed, sizeof(fixed));
    if (!meta->key_schema_count && !meta->field_key_count)
        return;
    ots_buf_append_byte(buf, (uint8_t)meta->key_schema_count);
    for (size_t i = 0; i < meta->key_schema_count; i++)
        name_append(buf, meta->key_schema[i]);
    ots_buf_append_byte(buf, (uint8_t)meta->field_key_count);
    for (size_t i = 0; i < meta->field_key_count; i++) {
        ots_buf_append_byte(buf, (uint8_t)meta->field_keys[i].type);
        name_append(buf, meta->field_keys[i].name);
    }
}

/* Takes from the front of `rest`; false when that has less. */
static bool take_byte(struct ots_slice *rest, size_t *value)
{
    if (!rest->size)
        return false;
    *value = rest->data[0];
    *rest = ots_slice(rest->data + 1, rest->size - 1);
    return true;
}

static bool take_name(struct ots_slice *rest, struct ots_slice *name)
{
    size_t high = 0;
    size_t low = 0;
    if (!take_byte(rest, &high) || !take_byte(rest, &low) || rest->size < (high << 8 | low))
        return false;
    size_t size = high << 8 | low;
    *name = ots_slice(rest->data, size);
    *rest = ots_slice(rest->data + size, rest->size - size);
    return true;
}

static bool take_identifiers(struct ots_slice *rest, struct ots_slice *names, size_t *count)
{
    if (!take_byte(rest, count) || *count > OTS_KEY_SCHEMA_MAX)
        return false;
    for (size_t i = 0; i < *count; i++)
        if (!take_name(rest, &names[i]))
            return false;
    return true;
}

static bool take_field_keys(struct ots_slice *rest, struct ots_field_key *keys, size_t *count)
{
    if (!take_byte(rest, count) || *count > OTS_FIELD_PRIMARY_KEYS_MAX)
        return false;
    for (size_t i = 0; i < *count; i++) {
        size_t type = 0;
        if (!take_byte(rest, &type) || type < OTS_KEY_INTEGER || type > OTS_KEY_BINARY ||
            !take_name(rest, &keys[i].name))
            return false;
        keys[i].type = (enum ots_key_type)type;
    }
    return true;
}

static enum ots_status decode_schema(struct ots_slice rest, struct ots_arena *arena,
                                     struct ots_table_meta *meta, struct ots_error *err)
{
    struct ots_slice *names = ots_arena_array(arena, OTS_KEY_SCHEMA_MAX, sizeof(*names));
    struct ots_field_key *keys = ots_arena_array(arena, OTS_FIELD_PRIMARY_KEYS_MAX, sizeof(*keys));
    if (!names || !keys)
        return ots_error_set(err, OTS_NOMEM, "no memory for a table");
    if (!take_identifiers(&rest, names, &meta->key_schema_count) ||
        !take_field_keys(&rest, keys, &meta->field_key_count) || rest.size)
        return ots_error_set(err, OTS_CORRUPT, "malformed identifiers");
    meta->key_schema = names;
    meta->field_keys = keys;
    return OTS_OK;
}

enum ots_status ots_table_record_decode(struct ots_slice record, struct ots_arena *arena,
                                        struct ots_table *table, struct ots_error *err)
{
    if (record.size < RECORD_FIXED_BYTES || record.data[0] != RECORD_VERSION)
        return ots_error_set(err, OTS_CORRUPT, "unknown form");
    struct ots_slice rest =
        ots_slice(record.data + RECORD_FIXED_BYTES, record.size - RECORD_FIXED_BYTES);
    table->id = ots_layout_u32(record.data + RECORD_ID);
    table->created_us = (int64_t)ots_layout_u64(record.data + RECORD_CREATED);
    table->meta = OTS_TABLE_META_DEFAULT;
    table->meta.time_to_live_s = (int32_t)ots_layout_u32(record.data + RECORD_TTL);
    table->meta.meta_time_to_live_s = (int32_t)ots_layout_u32(record.data + RECORD_META_TTL);
    table->meta.allow_update_attributes = record.data[RECORD_ATTRIBUTES] != 0;
    return rest.size ? decode_schema(rest, arena, &table->meta, err) : OTS_OK;
}
