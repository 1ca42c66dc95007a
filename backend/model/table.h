/*
 * What is known of a time-series table: name, options, identifier columns.
 *
 * Units: TTLs in seconds, OTS_TTL_FOREVER (-1) for none.
 */
#ifndef OTS_MODEL_TABLE_H
#define OTS_MODEL_TABLE_H

#include "backend/base/arena.h"
#include "backend/model/limits.h"
#include "backend/model/row.h"

enum ots_key_type { OTS_KEY_INTEGER = 1, OTS_KEY_STRING = 2, OTS_KEY_BINARY = 3 };

struct ots_field_key {
    struct ots_slice name;
    enum ots_key_type type;
};

struct ots_table_meta {
    struct ots_slice name;
    /* Response only, "CREATED". */
    struct ots_slice status;
    int32_t time_to_live_s;
    int32_t meta_time_to_live_s;
    bool allow_update_attributes;
    /* Which of the options a request carried; all true in a response. */
    bool has_time_to_live;
    bool has_meta_time_to_live;
    bool has_allow_update_attributes;
    /* Own identifier columns; none on an ordinary table. */
    const struct ots_slice *key_schema;
    size_t key_schema_count;
    const struct ots_field_key *field_keys;
    size_t field_key_count;
};

/* An ordinary table with default options. */
#define OTS_TABLE_META_DEFAULT                                                                     \
    ((struct ots_table_meta){.time_to_live_s = OTS_TTL_FOREVER,                                    \
                             .meta_time_to_live_s = OTS_TTL_FOREVER,                               \
                             .allow_update_attributes = true})

/* 1 to 128 of A-Z a-z 0-9 '_', not starting with a digit. Errors: OTS_INVALID. */
enum ots_status ots_table_name_check(struct ots_slice name, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Check a creation: name, TTLs (-1 or at least 86400; meta TTL -1 or at least 604800, and then
 * attributes must not be updatable and the data TTL must be set and not longer), identifiers.
 * Options that were not carried count with their defaults. Errors: OTS_INVALID.
 */
enum ots_status ots_table_meta_check(const struct ots_table_meta *meta,
                                     struct ots_error *err) OTS_MUST_CHECK;

/*
 * Take over from `changes` the options that it carries, and check what comes out of it; `meta`
 * changes only then. Errors: OTS_INVALID.
 */
enum ots_status ots_table_meta_update(struct ots_table_meta *meta,
                                      const struct ots_table_meta *changes,
                                      struct ots_error *err) OTS_MUST_CHECK;

/*
 * Check a timeline's key for a table: as ots_series_key_check, and on a table with identifiers of
 * its own it has every tag that is one, and nothing that the table has no identifier for.
 * Errors: OTS_INVALID or OTS_LIMIT.
 */
enum ots_status ots_table_key_check(const struct ots_table_meta *meta,
                                    const struct ots_series_key *key,
                                    struct ots_error *err) OTS_MUST_CHECK;

/*
 * Check a row for a table, but its timeline's key: as ots_row_check, and it has every key field,
 * with the right type and at most OTS_KEY_FIELD_BYTES_MAX bytes. Errors: OTS_INVALID or OTS_LIMIT.
 */
enum ots_status ots_table_row_check(const struct ots_table_meta *meta, const struct ots_row *row,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* The type that a key field's values have. */
enum ots_value_type ots_key_value_type(enum ots_key_type type);

/* The field `name` of the row; NULL when it has none. */
const struct ots_field *ots_row_field(const struct ots_row *row, struct ots_slice name);

enum ots_status ots_table_meta_copy(struct ots_arena *arena, const struct ots_table_meta *meta,
                                    struct ots_table_meta *copy) OTS_MUST_CHECK;

#endif
