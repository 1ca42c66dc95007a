/*
 * What the real service does to streams by itself, and an operator does here: split and merge
 * shards, and remove what was recorded. Shards are named as DescribeStream names them.
 */
#ifndef OTS_SERVER_STREAM_COMMANDS_H
#define OTS_SERVER_STREAM_COMMANDS_H

#include "backend/server/instance.h"

/*
 * Close the shard, and give each half of its hashes to a new one.
 * Errors: OTS_NOT_FOUND (table), OTS_INVALID (not an open shard of its stream, or of one hash
 * only), OTS_LIMIT (too many shards), OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_streams_split(struct ots_instance *instance, struct ots_slice table,
                                  struct ots_slice shard, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Close both shards, which must be neighbours, and give their hashes to a new one, whose parent is
 * `shard`. Errors: as for a split.
 */
enum ots_status ots_streams_merge(struct ots_instance *instance, struct ots_slice table,
                                  struct ots_slice shard, struct ots_slice sibling,
                                  struct ots_error *err) OTS_MUST_CHECK;

/*
 * Remove the table's records that are older than `age_us`; 0: all.
 * Errors: OTS_NOT_FOUND (table), OTS_CORRUPT, OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_streams_trim(struct ots_instance *instance, struct ots_slice table,
                                 int64_t age_us, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Append a JSON object: per table `stream`, its id, and `shards`, parents first, each with `id`,
 * `is_open`, and where there are such `parent` and `sibling`.
 * Errors: OTS_CORRUPT, OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_streams_print(struct ots_instance *instance, struct ots_buf *json,
                                  struct ots_error *err) OTS_MUST_CHECK;

#endif
