/*
 * How an instance's data lies in the engine.
 *
 *   'F'                                            format of the store
 *   'C'                                            the number of the next table
 *   'T' table name                                 a table's record (catalog.h)
 *   'S' table:4 series key in order                a timeline's record (dictionary.h)
 *   'K' table:4 timeline:8                         the timeline's series key in order
 *   'D' table:4 timeline:8 time:8 [field keys]     a row (row_codec.h)
 *   'H' table:4 shard:4                            a shard of the table's stream (streams.h)
 *   'L' table:4 shard:4 time:8                     what was put at that time (stream_codec.h)
 *   'W' table name                                 a wide-column table's record (wide_record.h)
 *   'R' table:4 primary key in order (wide_key.h)  a row of such a table (wide_row.h)
 *
 * Numbers are big-endian, so that the engine's order is theirs. A timeline's number is
 * measurement:4 ordinal:4, both counted from 1 within the table and within the measurement: rows of
 * one measurement lie side by side, and a split of a table or of a measurement is a range of
 * numbers. Numbers are never given twice; a deleted table's number neither.
 *
 * A series key in order is a byte string that compares as ots_series_key_compare does: each part
 * with 00 written as 00 FF, ended by 00 01.
 */
#ifndef OTS_SERVER_LAYOUT_H
#define OTS_SERVER_LAYOUT_H

#include "backend/model/series.h"

enum ots_space {
    OTS_SPACE_FORMAT = 'F',
    OTS_SPACE_COUNTER = 'C',
    OTS_SPACE_TABLE = 'T',
    OTS_SPACE_SERIES = 'S',
    OTS_SPACE_SERIES_KEY = 'K',
    OTS_SPACE_ROW = 'D',
    OTS_SPACE_SHARD = 'H',
    OTS_SPACE_LOG = 'L',
    OTS_SPACE_WIDE_TABLE = 'W',
    OTS_SPACE_WIDE_ROW = 'R',
};

enum {
    OTS_TABLE_PREFIX_BYTES = 5,
    OTS_TIMELINE_PREFIX_BYTES = 13,
    OTS_ROW_KEY_BYTES = 21,
    OTS_SHARD_KEY_BYTES = 9,
    OTS_LOG_KEY_BYTES = 17,
};

/* A timeline's number within its table. */
static inline uint64_t ots_timeline_id(uint32_t measurement, uint32_t ordinal)
{
    return (uint64_t)measurement << 32 | ordinal;
}

static inline uint32_t ots_timeline_measurement(uint64_t timeline)
{
    return (uint32_t)(timeline >> 32);
}

static inline uint32_t ots_timeline_ordinal(uint64_t timeline)
{
    return (uint32_t)timeline;
}

/* The range [begin, end) of keys; small enough for the stack. */
struct ots_key_range {
    uint8_t begin[OTS_ROW_KEY_BYTES];
    uint8_t end[OTS_ROW_KEY_BYTES];
    size_t begin_size;
    size_t end_size;
};

void ots_layout_put_u32(uint8_t *at, uint32_t value);
void ots_layout_put_u64(uint8_t *at, uint64_t value);
uint32_t ots_layout_u32(const uint8_t *at);
uint64_t ots_layout_u64(const uint8_t *at);

/* `key` holds at least OTS_TABLE_PREFIX_BYTES, OTS_TIMELINE_PREFIX_BYTES, OTS_ROW_KEY_BYTES. */
struct ots_slice ots_layout_table_prefix(uint8_t *key, enum ots_space space, uint32_t table);
struct ots_slice ots_layout_timeline(uint8_t *key, enum ots_space space, uint32_t table,
                                     uint64_t timeline);
struct ots_slice ots_layout_row(uint8_t *key, uint32_t table, uint64_t timeline, int64_t time_us);

/* `key` holds at least OTS_SHARD_KEY_BYTES, OTS_LOG_KEY_BYTES. */
struct ots_slice ots_layout_shard(uint8_t *key, uint32_t table, uint32_t shard);
struct ots_slice ots_layout_log(uint8_t *key, uint32_t table, uint32_t shard, int64_t time_us);

/* Everything of `table` in `space`. */
void ots_layout_table_range(struct ots_key_range *range, enum ots_space space, uint32_t table);
/* Timelines from `first` to `last`, both included, with all that follows their number. */
void ots_layout_timelines_range(struct ots_key_range *range, enum ots_space space, uint32_t table,
                                uint64_t first, uint64_t last);

static inline struct ots_slice ots_key_range_begin(const struct ots_key_range *range)
{
    return ots_slice(range->begin, range->begin_size);
}

static inline struct ots_slice ots_key_range_end(const struct ots_key_range *range)
{
    return ots_slice(range->end, range->end_size);
}

/* Of a key in 'K' or 'D'. Errors: OTS_CORRUPT (too short). */
enum ots_status ots_layout_key_timeline(struct ots_slice key, uint64_t *timeline,
                                        struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_layout_row_parse(struct ots_slice key, uint64_t *timeline, int64_t *time_us,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* Of a key in 'H' and in 'L'. Errors: OTS_CORRUPT (another length). */
enum ots_status ots_layout_shard_parse(struct ots_slice key, uint32_t *shard,
                                       struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_layout_log_parse(struct ots_slice key, int64_t *time_us,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* Append eight bytes that compare as the numbers do, negative ones first. */
void ots_layout_integer_append(struct ots_buf *buf, int64_t integer);

/* Append one part of a series key in order, without and with its end. */
void ots_layout_part_append(struct ots_buf *buf, struct ots_slice part);
void ots_layout_part_end_append(struct ots_buf *buf);
/* Append a whole series key in order. */
void ots_layout_series_append(struct ots_buf *buf, const struct ots_series_key *key);

/* The first part, the measurement, with its end. Errors: OTS_CORRUPT. */
enum ots_status ots_layout_measurement_prefix(struct ots_slice series, struct ots_slice *prefix,
                                              struct ots_error *err) OTS_MUST_CHECK;

/* Back to a series key; everything is copied into `arena`. Errors: OTS_CORRUPT, OTS_NOMEM. */
enum ots_status ots_layout_series_decode(struct ots_slice series, struct ots_arena *arena,
                                         struct ots_series_key *key,
                                         struct ots_error *err) OTS_MUST_CHECK;

#endif
