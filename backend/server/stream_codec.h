/*
 * The value of a log record: the rows that one put has put in one shard, in its order.
 *
 * Each row is: the timeline as two varints, its measurement's number and its ordinal, or just 0
 * when it is that of the row before; the time, 8 bytes little-endian; a varint length and the
 * stored row's value (row_codec.h).
 */
#ifndef OTS_SERVER_STREAM_CODEC_H
#define OTS_SERVER_STREAM_CODEC_H

#include "backend/base/buf.h"

struct ots_log_row {
    uint64_t timeline;
    int64_t time_us;
    struct ots_slice value;
};

/* `before`: the timeline of the row that was appended last to the same record, 0 for the first. */
void ots_log_row_append(struct ots_buf *buf, const struct ots_log_row *row, uint64_t before);

/* Reads a record row by row; starts as {value, 0}. */
struct ots_log_reader {
    struct ots_slice rest;
    uint64_t timeline;
};

static inline bool ots_log_reader_has_row(const struct ots_log_reader *reader)
{
    return reader->rest.size != 0;
}

/* The next row, which there is; borrows from the record. Errors: OTS_CORRUPT. */
enum ots_status ots_log_read(struct ots_log_reader *reader, struct ots_log_row *row,
                             struct ots_error *err) OTS_MUST_CHECK;

#endif
