/*
 * Values, fields and rows of a time-series table.
 *
 * Everything is borrowed; a decoded batch lives in one arena.
 * Units: row times are microseconds since 1970-01-01 UTC, never negative.
 */
#ifndef OTS_MODEL_ROW_H
#define OTS_MODEL_ROW_H

#include "backend/model/series.h"

/* The numbers are those of the wire (FlatBuffers rows and fields_to_get). */
enum ots_value_type {
    OTS_INTEGER = 1,
    OTS_BOOLEAN = 2,
    OTS_DOUBLE = 3,
    OTS_STRING = 4,
    OTS_BINARY = 5,
};

struct ots_value {
    enum ots_value_type type;
    union {
        int64_t integer;
        bool boolean;
        double real;
        struct ots_slice bytes; /* OTS_STRING (UTF-8) and OTS_BINARY */
    };
};

struct ots_field {
    struct ots_slice name;
    struct ots_value value;
};

struct ots_row {
    const struct ots_series_key *key;
    int64_t time_us;
    const struct ots_field *fields;
    size_t field_count;
};

/* An array of rows that grows in an arena: a batch to be put, or a page that was read. */
struct ots_rows {
    struct ots_row *items;
    size_t count;
    size_t capacity;
};

/* "INTEGER", "BOOLEAN", ... */
const char *ots_value_type_name(enum ots_value_type type);

/* Bit for bit: NaNs with equal bits are equal, 0 and -0 are not. */
bool ots_value_equal(const struct ots_value *a, const struct ots_value *b);

/* Same key and time, and the same fields in any order. */
bool ots_row_equal(const struct ots_row *a, const struct ots_row *b);

/* Append `row` as it is (a shallow copy). Errors: OTS_NOMEM. */
enum ots_status ots_rows_append(struct ots_rows *rows, struct ots_arena *arena,
                                const struct ots_row *row) OTS_MUST_CHECK;

/* Deep copy, but the key is `key` (already living long enough) when that is not NULL. */
enum ots_status ots_row_copy(struct ots_arena *arena, const struct ots_row *row,
                             const struct ots_series_key *key, struct ots_row *copy) OTS_MUST_CHECK;

/* Sort fields in place by name, bytewise. */
void ots_fields_sort(struct ots_field *fields, size_t count);

/* What the service counts against the size of a put: 8 + key + tags + names + values. */
size_t ots_row_size(const struct ots_row *row);

/*
 * Check one field name: 1 to 128 bytes of a-z, 0-9, '_', not starting with a digit, and none of the
 * service's own (_m_name, _data_source, _tags, _time, _meta_update_time, _attributes).
 * Errors: OTS_INVALID or OTS_LIMIT, the message names the field.
 */
enum ots_status ots_field_name_check(struct ots_slice name, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Check a whole row but its key: time >= 0, 1 to 1024 fields, names, each name once, sizes of
 * values, strings are UTF-8. Errors: OTS_INVALID or OTS_LIMIT, the message names the place.
 */
enum ots_status ots_row_check(const struct ots_row *row, struct ots_error *err) OTS_MUST_CHECK;

#endif
