#include "backend/model/wide.h"

/* The types of defined columns on the wire. */
enum {
    COLUMN_INTEGER = 1,
    COLUMN_DOUBLE = 2,
    COLUMN_BOOLEAN = 3,
    COLUMN_STRING = 4,
    COLUMN_BLOB = 7,
};

static enum ots_status column_name_check(struct ots_slice name, struct ots_error *err)
{
    if (name.size < 1 || name.size > OTS_WIDE_NAME_BYTES_MAX)
        return ots_error_set(err, OTS_INVALID, "column name: %zu bytes instead of 1 to %d",
                             name.size, OTS_WIDE_NAME_BYTES_MAX);
    return OTS_OK;
}

static enum ots_status key_check(const struct ots_wide_meta *meta, struct ots_error *err)
{
    if (meta->key_count < 1 || meta->key_count > OTS_WIDE_KEY_COLUMNS_MAX)
        return ots_error_set(err, OTS_INVALID,
                             "The number of primary key columns must be in range: [1, %d].",
                             OTS_WIDE_KEY_COLUMNS_MAX);
    for (size_t i = 0; i < meta->key_count; i++) {
        enum ots_status status = column_name_check(meta->key[i].name, err);
        if (status != OTS_OK)
            return status;
        if ((int)meta->key[i].type < OTS_KEY_INTEGER || meta->key[i].type > OTS_KEY_BINARY)
            return ots_error_set(err, OTS_INVALID, "%d is not a type of a primary key column",
                                 (int)meta->key[i].type);
        for (size_t j = 0; j < i; j++)
            if (ots_slice_equal(meta->key[i].name, meta->key[j].name))
                return ots_error_set(err, OTS_INVALID, "primary key column %zu: named twice",
                                     i + 1);
    }
    return OTS_OK;
}

static bool is_column_type(int32_t type)
{
    return (type >= COLUMN_INTEGER && type <= COLUMN_STRING) || type == COLUMN_BLOB;
}

static enum ots_status columns_check(const struct ots_wide_meta *meta, struct ots_error *err)
{
    if (meta->column_count > OTS_WIDE_DEFINED_COLUMNS_MAX)
        return ots_error_set(err, OTS_INVALID, "%zu defined columns instead of at most %d",
                             meta->column_count, OTS_WIDE_DEFINED_COLUMNS_MAX);
    for (size_t i = 0; i < meta->column_count; i++) {
        struct ots_slice name = meta->columns[i].name;
        enum ots_status status = column_name_check(name, err);
        if (status != OTS_OK)
            return status;
        if (!is_column_type(meta->columns[i].type))
            return ots_error_set(err, OTS_INVALID, "%d is not a type of a defined column",
                                 (int)meta->columns[i].type);
        for (size_t j = 0; j < meta->key_count; j++)
            if (ots_slice_equal(name, meta->key[j].name))
                return ots_error_set(err, OTS_INVALID, "defined column %zu: is a primary key",
                                     i + 1);
        for (size_t j = 0; j < i; j++)
            if (ots_slice_equal(name, meta->columns[j].name))
                return ots_error_set(err, OTS_INVALID, "defined column %zu: named twice", i + 1);
    }
    return OTS_OK;
}

static enum ots_status options_check(const struct ots_wide_meta *meta, struct ots_error *err)
{
    if (meta->time_to_live_s != OTS_TTL_FOREVER && meta->time_to_live_s < OTS_TTL_SECONDS_MIN)
        return ots_error_set(err, OTS_INVALID, "time to live: %d s is neither -1 nor at least %d",
                             meta->time_to_live_s, OTS_TTL_SECONDS_MIN);
    if (meta->max_versions < 1 || meta->max_versions > OTS_WIDE_VERSIONS_MAX)
        return ots_error_set(err, OTS_INVALID, "max versions: %d instead of 1 to %d",
                             meta->max_versions, OTS_WIDE_VERSIONS_MAX);
    if (meta->deviation_s < 1)
        return ots_error_set(err, OTS_INVALID, "deviation of cell versions: %lld s",
                             (long long)meta->deviation_s);
    return OTS_OK;
}

enum ots_status ots_wide_meta_check(const struct ots_wide_meta *meta, struct ots_error *err)
{
    enum ots_status status = ots_table_name_check(meta->name, err);
    if (status == OTS_OK)
        status = key_check(meta, err);
    if (status == OTS_OK)
        status = columns_check(meta, err);
    return status == OTS_OK ? options_check(meta, err) : status;
}

enum ots_status ots_wide_meta_update(struct ots_wide_meta *meta,
                                     const struct ots_wide_update_request *changes,
                                     struct ots_error *err)
{
    struct ots_wide_meta changed = *meta;
    if (changes->has_time_to_live)
        changed.time_to_live_s = changes->time_to_live_s;
    if (changes->has_max_versions)
        changed.max_versions = changes->max_versions;
    if (changes->has_deviation)
        changed.deviation_s = changes->deviation_s;
    if (changes->has_allow_update)
        changed.allow_update = changes->allow_update;
    enum ots_status status = options_check(&changed, err);
    if (status == OTS_OK)
        *meta = changed;
    return status;
}

enum ots_status ots_wide_meta_copy(struct ots_arena *arena, const struct ots_wide_meta *meta,
                                   struct ots_wide_meta *copy)
{
    struct ots_field_key *key = ots_arena_array(arena, meta->key_count, sizeof(*key));
    struct ots_defined_column *columns =
        ots_arena_array(arena, meta->column_count, sizeof(*columns));
    *copy = *meta;
    enum ots_status status = ots_arena_copy(arena, meta->name, &copy->name);
    if (!key || !columns || status != OTS_OK)
        return OTS_NOMEM;
    for (size_t i = 0; i < meta->key_count && status == OTS_OK; i++) {
        key[i].type = meta->key[i].type;
        status = ots_arena_copy(arena, meta->key[i].name, &key[i].name);
    }
    for (size_t i = 0; i < meta->column_count && status == OTS_OK; i++) {
        columns[i].type = meta->columns[i].type;
        status = ots_arena_copy(arena, meta->columns[i].name, &columns[i].name);
    }
    copy->key = key;
    copy->columns = columns;
    return status;
}
