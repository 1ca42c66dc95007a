/*
 * One call of an action of the service: what is asked, what is answered.
 *
 * The client encodes the request and decodes the response, the server the other way round; a
 * wrapper in between sees both as plain data.
 *
 * Ownership: everything in `request` is borrowed from whoever made the call and must live until
 * the call is done. Everything in `response` lives in `arena`. On the server the decoded request
 * lives in `arena` too, or in the body that was decoded.
 */
#ifndef OTS_MODEL_CALL_H
#define OTS_MODEL_CALL_H

#include "backend/model/change.h"
#include "backend/model/condition.h"
#include "backend/model/row.h"
#include "backend/model/stream.h"
#include "backend/model/table.h"
#include "backend/model/wide.h"

/* X(NAME, "name on the wire", may be repeated when it is not known whether it was done). */
#define OTS_ACTION_LIST(X)                                                                         \
    X(CREATE_TABLE, "CreateTimeseriesTable", false)                                                \
    X(LIST_TABLES, "ListTimeseriesTable", true)                                                    \
    X(DESCRIBE_TABLE, "DescribeTimeseriesTable", true)                                             \
    X(DELETE_TABLE, "DeleteTimeseriesTable", false)                                                \
    X(PUT, "PutTimeseriesData", true)                                                              \
    X(GET, "GetTimeseriesData", true)                                                              \
    X(QUERY_META, "QueryTimeseriesMeta", true)                                                     \
    X(SPLIT, "SplitTimeseriesScanTask", true)                                                      \
    X(SCAN, "ScanTimeseriesData", true)                                                            \
    X(LIST_STREAMS, "ListStream", true)                                                            \
    X(DESCRIBE_STREAM, "DescribeStream", true)                                                     \
    X(SHARD_ITERATOR, "GetShardIterator", true)                                                    \
    X(STREAM_RECORDS, "GetStreamRecord", true)                                                     \
    X(UPDATE_TABLE, "UpdateTimeseriesTable", true)                                                 \
    X(UPDATE_META, "UpdateTimeseriesMeta", true)                                                   \
    X(DELETE_META, "DeleteTimeseriesMeta", true)                                                   \
    X(WIDE_CREATE, "CreateTable", false)                                                           \
    X(WIDE_LIST, "ListTable", true)                                                                \
    X(WIDE_DESCRIBE, "DescribeTable", true)                                                        \
    X(WIDE_DELETE_TABLE, "DeleteTable", false)                                                     \
    X(WIDE_PUT_ROW, "PutRow", false)                                                               \
    X(WIDE_UPDATE_ROW, "UpdateRow", false)                                                         \
    X(WIDE_DELETE_ROW, "DeleteRow", false)                                                         \
    X(WIDE_GET_ROW, "GetRow", true)                                                                \
    X(WIDE_GET_RANGE, "GetRange", true)                                                            \
    X(WIDE_BATCH_WRITE, "BatchWriteRow", false)                                                    \
    X(WIDE_BATCH_GET, "BatchGetRow", true)                                                         \
    X(WIDE_UPDATE_TABLE, "UpdateTable", true)

enum ots_action {
#define X(name, text, is_idempotent) OTS_ACTION_##name,
    OTS_ACTION_LIST(X)
#undef X
        OTS_ACTION_COUNT
};

enum ots_meta_update_mode { OTS_META_UPDATE_NORMAL = 0, OTS_META_UPDATE_IGNORE = 1 };

/* A field to read; `type` 0 is any type. */
struct ots_field_wanted {
    struct ots_slice name;
    enum ots_value_type type;
};

struct ots_table_request { /* DESCRIBE_TABLE, DELETE_TABLE, and those of wide-column tables */
    struct ots_slice table;
};

struct ots_create_table_request {
    struct ots_table_meta meta;
    /* Server: what the request carried of things that are not part of otsfs. */
    size_t analytical_store_count;
    size_t lastpoint_index_count;
};

struct ots_list_tables_response {
    const struct ots_table_meta *metas;
    size_t count;
};

struct ots_describe_table_response {
    struct ots_table_meta meta;
};

struct ots_put_request {
    struct ots_slice table;
    const struct ots_row *rows;
    size_t row_count;
    enum ots_meta_update_mode meta_update_mode;
};

struct ots_put_response {
    const struct ots_failed_row *failed_rows;
    size_t failed_row_count;
    /* Of timelines whose metadata this put made or renewed. */
    const struct ots_meta_time *meta_times;
    size_t meta_time_count;
};

/* Times: `begin_us` inclusive, `end_us` exclusive; each counts only with its has_ flag. */
struct ots_get_request {
    struct ots_slice table;
    struct ots_series_key key;
    int64_t begin_us;
    int64_t end_us;
    bool has_begin;
    bool has_end;
    bool is_backward;
    int32_t limit; /* rows per page; 0: the service's default */
    struct ots_slice token;
    const struct ots_field_wanted *fields;
    size_t field_count;
};

struct ots_scan_request {
    struct ots_slice table;
    struct ots_slice split; /* empty: the whole table */
    int64_t begin_us;
    int64_t end_us;
    bool has_begin;
    bool has_end;
    int32_t limit;
    struct ots_slice token;
    const struct ots_field_wanted *fields;
    size_t field_count;
};

/* GET and SCAN. An empty `next_token`: nothing follows. Consecutive rows of one timeline share
 * their key, so comparing key pointers finds most changes of timeline. */
struct ots_page_response {
    struct ots_rows rows;
    struct ots_slice next_token;
    /* Server: of a table with identifiers or key fields of its own, else NULL. */
    const struct ots_table_meta *meta;
};

struct ots_query_meta_request {
    struct ots_slice table;
    const struct ots_condition *condition; /* NULL: all */
    bool get_total_hit;
    int32_t limit;
    struct ots_slice token;
};

struct ots_query_meta_response {
    const struct ots_timeline_meta *metas;
    size_t count;
    int64_t total_hit; /* -1: not told */
    struct ots_slice next_token;
};

struct ots_split_request {
    struct ots_slice table;
    struct ots_slice measurement;
    bool has_measurement;
    int32_t split_count_hint;
};

struct ots_split_response {
    const struct ots_slice *splits;
    size_t count;
};

struct ots_call {
    enum ots_action action;
    /* Server: the request does not say that its sender knows of identifiers of a table's own. */
    bool is_unaware;
    union {
        struct ots_create_table_request create_table;
        struct ots_table_request table;
        struct ots_put_request put;
        struct ots_get_request get;
        struct ots_query_meta_request query_meta;
        struct ots_split_request split;
        struct ots_scan_request scan;
        struct ots_list_streams_request list_streams;
        struct ots_describe_stream_request describe_stream;
        struct ots_shard_iterator_request shard_iterator;
        struct ots_stream_records_request stream_records;
        struct ots_update_table_request update_table;
        struct ots_update_meta_request update_meta;
        struct ots_delete_meta_request delete_meta;
        union ots_wide_request wide;
    } request;
    union {
        struct ots_list_tables_response list_tables;
        struct ots_describe_table_response describe_table;
        struct ots_put_response put;
        struct ots_page_response page;
        struct ots_query_meta_response query_meta;
        struct ots_split_response split;
        struct ots_list_streams_response list_streams;
        struct ots_describe_stream_response describe_stream;
        struct ots_shard_iterator_response shard_iterator;
        struct ots_stream_records_response stream_records;
        struct ots_change_meta_response change_meta;
        union ots_wide_response wide;
    } response;
    struct ots_arena arena;
    /* Set before `done` runs; `error` is filled unless `status` is OTS_OK. */
    enum ots_status status;
    struct ots_error error;
    void (*done)(struct ots_call *call, void *context);
    void *done_context;
};

/* "PutTimeseriesData", ... */
const char *ots_action_name(enum ots_action action);

/* Whether `name` is an action; sets `*action`. Case counts. */
bool ots_action_find(struct ots_slice name, enum ots_action *action);

/* Whether a call whose fate is unknown may simply be made again. */
bool ots_action_is_idempotent(enum ots_action action);

/* An empty call of `action`, ready for its request to be filled in. */
void ots_call_init(struct ots_call *call, enum ots_action action);

/* Free the arena. */
void ots_call_deinit(struct ots_call *call);

#endif
