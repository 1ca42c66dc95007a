/*
 * Wide-column tables: what is known of one, and the calls on them and their rows.
 *
 * Units: TTLs and deviations in seconds, OTS_TTL_FOREVER (-1) for none; versions of cells in
 * milliseconds since 1970, UTC.
 */
#ifndef OTS_MODEL_WIDE_H
#define OTS_MODEL_WIDE_H

#include "backend/model/cell.h"
#include "backend/model/table.h"

/* Source: "Limits on the Wide Column model", Alibaba Cloud documentation. The last four are ours.
 */
enum {
    OTS_WIDE_TABLES_MAX = 64,
    OTS_WIDE_KEY_COLUMNS_MAX = 4,
    OTS_WIDE_KEY_BYTES_MAX = 1024,
    OTS_WIDE_NAME_BYTES_MAX = 255,
    OTS_WIDE_CELLS_MAX = 1024, /* of one write, and names of columns to read */
    OTS_WIDE_DEFINED_COLUMNS_MAX = 32,
    OTS_WIDE_VALUE_BYTES_MAX = 2 * 1024 * 1024,
    OTS_WIDE_WRITE_BYTES_MAX = 4 * 1024 * 1024, /* of one row, and of a batch */
    OTS_WIDE_BATCH_WRITES_MAX = 200,
    OTS_WIDE_BATCH_READS_MAX = 100,
    OTS_WIDE_PAGE_ROWS_MAX = 5000,
    OTS_WIDE_PAGE_BYTES_MAX = 4 * 1024 * 1024,
    OTS_WIDE_DEVIATION_DEFAULT_S = 86400,
    OTS_WIDE_VERSIONS_MAX = 100,
    OTS_WIDE_ROW_BYTES_MAX = 16 * 1024 * 1024,
    OTS_WIDE_PAGE_EXAMINED_MAX = 50000,
    OTS_WIDE_BATCH_READ_BYTES = 16 * 1024 * 1024, /* after which no further row is read */
};

/* Kept for who asks; a row may have other columns, and these with other types. */
struct ots_defined_column {
    struct ots_slice name;
    int32_t type;
};

struct ots_wide_meta {
    struct ots_slice name;
    const struct ots_field_key *key;
    size_t key_count;
    const struct ots_defined_column *columns;
    size_t column_count;
    int32_t time_to_live_s;
    int32_t max_versions;
    int64_t deviation_s;
    bool allow_update;
};

#define OTS_WIDE_META_DEFAULT                                                                      \
    ((struct ots_wide_meta){.time_to_live_s = OTS_TTL_FOREVER,                                     \
                            .max_versions = 1,                                                     \
                            .deviation_s = OTS_WIDE_DEVIATION_DEFAULT_S,                           \
                            .allow_update = true})

/* Check a creation: name, key columns, defined columns, options. Errors: OTS_INVALID. */
enum ots_status ots_wide_meta_check(const struct ots_wide_meta *meta,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* Errors: OTS_NOMEM. */
enum ots_status ots_wide_meta_copy(struct ots_arena *arena, const struct ots_wide_meta *meta,
                                   struct ots_wide_meta *copy) OTS_MUST_CHECK;

struct ots_wide_create_request {
    struct ots_wide_meta meta;
};

/* The options that it has are changed, the others stay. */
struct ots_wide_update_request {
    struct ots_slice table;
    int32_t time_to_live_s;
    int32_t max_versions;
    int64_t deviation_s;
    bool allow_update;
    bool has_time_to_live;
    bool has_max_versions;
    bool has_deviation;
    bool has_allow_update;
};

/* Errors: OTS_INVALID; then `meta` is unchanged. */
enum ots_status ots_wide_meta_update(struct ots_wide_meta *meta,
                                     const struct ots_wide_update_request *changes,
                                     struct ots_error *err) OTS_MUST_CHECK;

enum ots_wide_operation { OTS_WIDE_PUT = 1, OTS_WIDE_UPDATE = 2, OTS_WIDE_DELETE = 3 };

enum ots_expectation {
    OTS_EXPECT_NOTHING = 0,
    OTS_EXPECT_ROW = 1,
    OTS_EXPECT_NO_ROW = 2,
};

/* One row to write. */
struct ots_wide_write {
    enum ots_wide_operation operation;
    struct ots_plain_row row;
    enum ots_expectation expectation;
    bool returns_key;
};

/* What to read of each row. */
struct ots_wide_selection {
    const struct ots_slice *columns; /* none: all */
    size_t column_count;
    int64_t begin_ms; /* inclusive; both count only with has_range */
    int64_t end_ms;   /* exclusive */
    bool has_range;
    int32_t max_versions; /* counts only with has_max_versions */
    bool has_max_versions;
};

struct ots_wide_write_request { /* PUT_ROW, UPDATE_ROW, DELETE_ROW */
    struct ots_slice table;
    struct ots_wide_write write;
};

struct ots_wide_batch_write_table {
    struct ots_slice table;
    const struct ots_wide_write *writes;
    size_t write_count;
};

struct ots_wide_batch_write_request {
    const struct ots_wide_batch_write_table *tables;
    size_t table_count;
};

struct ots_wide_get_request {
    struct ots_slice table;
    struct ots_plain_row key;
    struct ots_wide_selection selection;
};

struct ots_wide_batch_get_table {
    struct ots_slice table;
    const struct ots_plain_row *keys;
    size_t key_count;
    struct ots_wide_selection selection;
};

struct ots_wide_batch_get_request {
    const struct ots_wide_batch_get_table *tables;
    size_t table_count;
};

/* From `start`, inclusive, to `end`, exclusive: upwards, or downwards when it is backward. */
struct ots_wide_range_request {
    struct ots_slice table;
    struct ots_plain_row start;
    struct ots_plain_row end;
    bool is_backward;
    bool has_limit;
    int32_t limit;
    struct ots_wide_selection selection;
};

/* What an operation costs, in units of 4 KiB. */
struct ots_wide_consumed {
    int32_t read;
    int32_t write;
};

/* Of one row. Without `has_row` there is none, or it was not to be returned. */
struct ots_wide_row_response {
    bool has_row;
    struct ots_plain_row row;
    struct ots_wide_consumed consumed;
    /* In batches only: an empty code is success. */
    struct ots_slice code;
    struct ots_slice message;
};

struct ots_wide_batch_table_response {
    struct ots_slice table;
    struct ots_wide_row_response *rows;
    size_t row_count;
};

struct ots_wide_batch_response { /* BATCH_WRITE, BATCH_GET */
    const struct ots_wide_batch_table_response *tables;
    size_t table_count;
};

struct ots_wide_range_response {
    const struct ots_plain_row *rows;
    size_t row_count;
    /* Where the next page starts; no key cells: nothing follows. */
    struct ots_plain_row next;
    struct ots_wide_consumed consumed;
};

struct ots_wide_describe_response { /* DESCRIBE, UPDATE_TABLE */
    struct ots_wide_meta meta;
    int64_t created_us;
};

struct ots_wide_list_response {
    const struct ots_slice *names;
    size_t count;
};

union ots_wide_request {
    struct ots_wide_create_request create;
    struct ots_wide_update_request update;
    struct ots_wide_write_request write;
    struct ots_wide_batch_write_request batch_write;
    struct ots_wide_get_request get;
    struct ots_wide_batch_get_request batch_get;
    struct ots_wide_range_request range;
};

union ots_wide_response {
    struct ots_wide_describe_response describe;
    struct ots_wide_list_response list;
    struct ots_wide_row_response row;
    struct ots_wide_batch_response batch;
    struct ots_wide_range_response range;
};

#endif
