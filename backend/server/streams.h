/*
 * The streams of an instance's tables: each table has one from its creation, with its shards, the
 * clock that gives records their places, and the log of what was put.
 *
 * A shard owns a range of hashes; a timeline's changes go to the open shard that owns its hash. A
 * new stream has shard 1, which owns all. A split closes a shard and makes two children of its
 * halves, a merge closes two neighbours and makes one; numbers ascend, so parents come before
 * children.
 *
 * In the engine (layout.h):
 *   a shard    version 1, parent:4, sibling:4, first and last hash:4 each, creation, closing and
 *              trimming time:8 each. Shard 1 has no record before it first changes.
 *   the log    at shard and commit time, the rows of one put in that shard (stream_codec.h)
 *
 * Order: commit times of a stream ascend strictly, whatever the clock does and across restarts.
 * They are given out and written under one lock, so that who sees a record sees all before it, and
 * of two puts of one row the one with the later record is the one that stays.
 *
 * What is older than the retention is removed when the stream is used, at most every
 * OTS_TRIM_INTERVAL_US: a range of keys for each shard; a closed shard goes with its last record.
 * A position is lost only when records behind it were removed, not because nothing happens.
 * Threads: safe.
 */
#ifndef OTS_SERVER_STREAMS_H
#define OTS_SERVER_STREAMS_H

#include "backend/base/log.h"
#include "backend/model/series.h"
#include "backend/server/catalog.h"

#define OTS_TRIM_INTERVAL_US (INT64_C(600) * 1000 * 1000)
#define OTS_TRIM_RETRY_US (INT64_C(60) * 1000 * 1000)

enum {
    OTS_STREAM_RETENTION_HOURS_DEFAULT = 168,
    OTS_STREAM_RETENTION_HOURS_MAX = 168,
    /* Of a stream, closed ones included. */
    OTS_STREAM_SHARDS_MAX = 1024,
};

struct ots_streams;
struct ots_stream;

/* Engine and clock are borrowed. NULL without memory. */
struct ots_streams *ots_streams_new(struct ots_engine *engine, const struct ots_clock *clock);
/* Accepts NULL. */
void ots_streams_free(struct ots_streams *streams);

/* How long records are kept; at least 1, at most OTS_STREAM_RETENTION_HOURS_MAX. What has expired
 * by that is removed when its stream is used next. */
void ots_streams_set_retention(struct ots_streams *streams, int32_t hours);
int32_t ots_streams_retention(const struct ots_streams *streams);

/* Where to say what could not be removed; borrowed. NULL, as at first: nowhere. */
void ots_streams_set_log(struct ots_streams *streams, const struct ots_log *log);

/*
 * The stream of a table, to be used as long as the table is held; what has expired is trimmed.
 * Errors: OTS_CORRUPT, OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_streams_get(struct ots_streams *streams, const struct ots_table *table,
                                struct ots_stream **stream, struct ots_error *err) OTS_MUST_CHECK;

/* The table is gone, and nobody uses its stream. */
void ots_streams_forget(struct ots_streams *streams, uint32_t table);

/* ---- shards ---- */

struct ots_stream_shard {
    uint32_t number;
    uint32_t parent;  /* 0: none */
    uint32_t sibling; /* 0: none */
    uint32_t first_hash;
    uint32_t last_hash; /* included */
    int64_t created_us; /* all its records are later */
    int64_t closed_us;  /* all its records are earlier; 0: open */
    int64_t trimmed_us; /* records before that were removed; 0: none */
};

/* A copy in `arena` of all shards, by number. Errors: OTS_NOMEM. */
enum ots_status ots_stream_shards(struct ots_stream *stream, struct ots_arena *arena,
                                  const struct ots_stream_shard **shards, size_t *count,
                                  struct ots_error *err) OTS_MUST_CHECK;

/*
 * A shard as it is, and a cursor over all of its log: it has every record if the shard is closed.
 * Errors: OTS_NOT_FOUND (no such shard, or no longer), OTS_NOMEM.
 */
enum ots_status ots_stream_read(struct ots_stream *stream, uint32_t number,
                                struct ots_stream_shard *shard, struct ots_cursor **log,
                                struct ots_error *err) OTS_MUST_CHECK;

/* Errors: OTS_INVALID (not open, owns one hash only), OTS_LIMIT (shards), OTS_IO, OTS_NOMEM. */
enum ots_status ots_stream_split(struct ots_stream *stream, uint32_t number,
                                 struct ots_error *err) OTS_MUST_CHECK;
/* The child's parent is `number`. Errors: OTS_INVALID (not open, not neighbours), otherwise as
 * for a split. */
enum ots_status ots_stream_merge(struct ots_stream *stream, uint32_t number, uint32_t sibling,
                                 struct ots_error *err) OTS_MUST_CHECK;

/*
 * Remove the records that are older than `age_us`; 0: all that there are. Closed shards without a
 * record left go too. Errors: OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_stream_trim_older(struct ots_stream *stream, int64_t age_us,
                                      struct ots_error *err) OTS_MUST_CHECK;

/* ---- putting ---- */

/* The rows of one put on their way into the log. */
struct ots_change;

/*
 * Begin to log a put in `stream`: its shards stay as they are until ots_change_free, so nothing
 * may be waited for in between. NULL without memory.
 */
struct ots_change *ots_change_new(struct ots_stream *stream);
/* Accepts NULL. */
void ots_change_free(struct ots_change *change);

/* Log a row, as it is stored; `key` is that of `timeline`. Errors: OTS_CORRUPT (no shard owns it),
 * OTS_NOMEM. */
enum ots_status ots_change_add(struct ots_change *change, const struct ots_series_key *key,
                               uint64_t timeline, int64_t time_us, struct ots_slice value,
                               struct ots_error *err) OTS_MUST_CHECK;

/* Add the log records to `batch`, which has the rows, and write it. Errors: OTS_IO, OTS_NOMEM. */
enum ots_status ots_change_write(struct ots_change *change, struct ots_batch *batch,
                                 struct ots_error *err) OTS_MUST_CHECK;

static inline void ots_change_freep(struct ots_change **change)
{
    ots_change_free(*change);
}

#endif
