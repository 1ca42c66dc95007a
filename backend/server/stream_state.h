/*
 * What a stream is in memory; for streams.c, stream_shards.c and stream_change.c only.
 */
#ifndef OTS_SERVER_STREAM_STATE_H
#define OTS_SERVER_STREAM_STATE_H

#include "backend/server/layout.h"
#include "backend/server/streams.h"

#include <pthread.h>
#include <stdatomic.h>

/*
 * Locks, in the order in which they are taken: `map` guards the shards; a put holds it shared from
 * its first row to its write, whoever changes shards holds it alone. `commit` guards the clock, and
 * is held while a put is written: that is what makes the log's order the order of the writes.
 */
struct ots_stream {
    struct ots_streams *streams;
    uint32_t table;
    _Atomic(int64_t) next_trim_us;
    pthread_rwlock_t map;
    struct ots_stream_shard *shards; /* by number; the last one is open */
    size_t shard_count;
    size_t shard_capacity;
    pthread_mutex_t commit;
    int64_t last_us; /* the latest time that was given out */
};

struct ots_streams {
    struct ots_engine *engine;
    const struct ots_clock *clock;
    _Atomic(int32_t) retention_hours;
    _Atomic(const struct ots_log *) log;
    struct {
        pthread_mutex_t lock;
        struct ots_stream **streams;
        size_t count;
        size_t capacity;
    } synced;
};

/* A stream's state from the engine. Errors: OTS_CORRUPT, OTS_IO, OTS_NOMEM. */
enum ots_status ots_stream_load(struct ots_streams *streams, const struct ots_table *table,
                                struct ots_stream **out, struct ots_error *err) OTS_MUST_CHECK;
void ots_stream_unload(struct ots_stream *stream);

/*
 * Remove what has expired, if it is time to look. What cannot be removed stays: that is logged, and
 * tried again after OTS_TRIM_RETRY_US. The caller's own work does not depend on it.
 */
void ots_stream_trim(struct ots_stream *stream);

/* A time later than all before; `commit` is held, or `map` alone. */
static inline int64_t ots_stream_tick_locked(struct ots_stream *stream)
{
    int64_t now_us = ots_clock_now_us(stream->streams->clock);
    stream->last_us = now_us > stream->last_us ? now_us : stream->last_us + 1;
    return stream->last_us;
}

#endif
