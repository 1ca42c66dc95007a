/*
 * The names that a stream's parts have on the wire.
 *
 *   stream      TABLE_CREATED_NUMBER: the table's name, when it was made (16 digits, microseconds),
 *               and its number in the store, which is never given twice
 *   shard       NUMBER-SHARD, both as 8 hexadecimal digits
 *   iterator    NUMBER-SHARD-TIME-ROW-CRC, as 8, 8, 16, 8, 8 digits: the position of the next
 * record
 *
 * Each has one spelling, in printable ASCII without blanks. An iterator says all that is needed to
 * go on, so it survives the process.
 */
#ifndef OTS_SERVER_STREAM_NAMES_H
#define OTS_SERVER_STREAM_NAMES_H

#include "backend/server/catalog.h"

/* A place in a shard: the next record to read is the first one at or behind it. */
struct ots_stream_position {
    uint32_t table;
    uint32_t shard;
    int64_t time_us;
    uint32_t row;
};

/* All in `arena`. Errors: OTS_NOMEM. */
enum ots_status ots_stream_id(const struct ots_table *table, struct ots_arena *arena,
                              struct ots_slice *id, struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_shard_id(uint32_t table, uint32_t shard, struct ots_arena *arena,
                             struct ots_slice *id, struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_shard_iterator(const struct ots_stream_position *position,
                                   struct ots_arena *arena, struct ots_slice *iterator,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* The number of the table. Errors: OTS_INVALID (no stream can be named so). */
enum ots_status ots_stream_id_parse(struct ots_slice id, uint32_t *table,
                                    struct ots_error *err) OTS_MUST_CHECK;
/* Errors: OTS_INVALID. */
enum ots_status ots_shard_id_parse(struct ots_slice id, uint32_t *table, uint32_t *shard,
                                   struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_shard_iterator_parse(struct ots_slice iterator,
                                         struct ots_stream_position *position,
                                         struct ots_error *err) OTS_MUST_CHECK;

#endif
