/*
 * The stream of a table: the record of its changes, in shards.
 *
 * A shard is read from a position, which is text, record by record in the order of their
 * sequences. A shard that was split or merged is closed: it ends, and its children go on; they are
 * to be read after it.
 * Units: times are microseconds since 1970-01-01 UTC of the service's clock.
 */
#ifndef OTS_MODEL_STREAM_H
#define OTS_MODEL_STREAM_H

#include "backend/model/cell.h"
#include "backend/model/row.h"
#include "backend/model/table.h"

/* The numbers are those of the wire. */
enum ots_stream_status { OTS_STREAM_ENABLING = 1, OTS_STREAM_ACTIVE = 2 };
enum ots_change_type { OTS_CHANGE_PUT = 1, OTS_CHANGE_UPDATE = 2, OTS_CHANGE_DELETE = 3 };

/* Id and creation time together are a table's identity: a table made anew has another stream. */
struct ots_stream_info {
    struct ots_slice id;
    struct ots_slice table;
    int64_t created_us;
};

/* Empty parents: none. A merged shard has two, a split one `parent` only. */
struct ots_shard {
    struct ots_slice id;
    struct ots_slice parent;
    struct ots_slice sibling;
};

/* One change of one row; `row` has no fields when it was deleted. */
struct ots_stream_record {
    enum ots_change_type type;
    struct ots_sequence sequence;
    struct ots_row row;
};

struct ots_list_streams_request {
    struct ots_slice table; /* empty: those of all tables */
};

struct ots_list_streams_response {
    const struct ots_stream_info *streams;
    size_t count;
};

struct ots_describe_stream_request {
    struct ots_slice stream;
    struct ots_slice first_shard; /* of this page; empty: of all */
    int32_t shard_limit;          /* 0: the service's default */
    /* The caller knows that a table can be one of time series; without it such a stream is
     * refused. */
    bool accepts_timeseries;
};

struct ots_describe_stream_response {
    struct ots_stream_info info;
    enum ots_stream_status status;
    int32_t expiration_hours;
    bool is_timeseries;
    const struct ots_shard *shards;
    size_t shard_count;
    struct ots_slice next_shard; /* the next page's first; empty: there is none */
};

struct ots_shard_iterator_request {
    struct ots_slice stream;
    struct ots_slice shard;
    /* Only with has_timestamp: a position at or before the first record from then on. Otherwise
     * the oldest one that is kept. */
    int64_t timestamp_us;
    bool has_timestamp;
    struct ots_slice token; /* goes on with a search that took too long; empty: none */
};

struct ots_shard_iterator_response {
    struct ots_slice iterator;   /* empty: nothing is there from then on, and the shard is closed */
    struct ots_slice next_token; /* ask again with it; empty: `iterator` is the answer */
};

struct ots_stream_records_request {
    struct ots_slice iterator;
    int32_t limit;          /* 0: the service's default */
    struct ots_slice table; /* empty: not said */
};

struct ots_stream_records_response {
    const struct ots_stream_record *records;
    size_t count;
    /* Just behind the last record; the one that was sent when there is none. Empty: the shard is
     * closed and was read to its end. */
    struct ots_slice next_iterator;
    bool has_may_more;
    bool may_more; /* more can be read at once */
    /* Server: of a table with identifiers of its own; NULL: an ordinary table. */
    const struct ots_table_meta *meta;
};

#endif
