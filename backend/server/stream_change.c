/*
 * A put's rows are gathered per shard without the commit lock; under it the put only gets its time,
 * which makes the log's keys, and is written.
 */
#include "backend/server/stream_state.h"

#include "backend/server/stream_codec.h"

#include <stdlib.h>

/* What goes to one shard. */
struct part {
    struct ots_buf value;
    uint64_t timeline; /* of the row appended last */
};

struct ots_change {
    struct ots_stream *stream;
    struct part *last_part; /* of the last key: rows of a timeline mostly come together */
    const struct ots_series_key *last_key;
    struct part parts[]; /* per shard, in the stream's order */
};

struct ots_change *ots_change_new(struct ots_stream *stream)
{
    pthread_rwlock_rdlock(&stream->map);
    struct ots_change *change =
        calloc(1, sizeof(*change) + stream->shard_count * sizeof(change->parts[0]));
    if (!change) {
        pthread_rwlock_unlock(&stream->map);
        return NULL;
    }
    change->stream = stream;
    return change;
}

void ots_change_free(struct ots_change *change)
{
    if (!change)
        return;
    for (size_t i = 0; i < change->stream->shard_count; i++)
        ots_buf_deinit(&change->parts[i].value);
    pthread_rwlock_unlock(&change->stream->map);
    free(change);
}

static struct part *part_of(struct ots_change *change, const struct ots_series_key *key)
{
    const struct ots_stream *stream = change->stream;
    if (stream->shard_count == 1)
        return &change->parts[0];
    uint32_t hash = (uint32_t)ots_series_key_hash(key);
    for (size_t i = 0; i < stream->shard_count; i++) {
        const struct ots_stream_shard *shard = &stream->shards[i];
        if (!shard->closed_us && shard->first_hash <= hash && hash <= shard->last_hash)
            return &change->parts[i];
    }
    return NULL;
}

enum ots_status ots_change_add(struct ots_change *change, const struct ots_series_key *key,
                               uint64_t timeline, int64_t time_us, struct ots_slice value,
                               struct ots_error *err)
{
    if (key != change->last_key || !change->last_part)
        change->last_part = part_of(change, key);
    change->last_key = key;
    struct part *part = change->last_part;
    if (!part)
        return ots_error_set(err, OTS_CORRUPT, "the store's shards do not own all timelines");
    const struct ots_log_row row = {timeline, time_us, value};
    ots_log_row_append(&part->value, &row, part->timeline);
    part->timeline = timeline;
    if (ots_buf_status(&part->value) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory for a stream's records");
    return OTS_OK;
}

static enum ots_status write_locked(struct ots_change *change, struct ots_batch *batch,
                                    struct ots_error *err)
{
    struct ots_stream *stream = change->stream;
    struct ots_engine *engine = stream->streams->engine;
    int64_t time_us = ots_stream_tick_locked(stream);
    for (size_t i = 0; i < stream->shard_count; i++) {
        uint8_t key[OTS_LOG_KEY_BYTES];
        const struct part *part = &change->parts[i];
        if (part->value.size)
            batch->ops->put(batch,
                            ots_layout_log(key, stream->table, stream->shards[i].number, time_us),
                            ots_buf_slice(&part->value));
    }
    return engine->ops->write(engine, batch, err);
}

enum ots_status ots_change_write(struct ots_change *change, struct ots_batch *batch,
                                 struct ots_error *err)
{
    pthread_mutex_lock(&change->stream->commit);
    enum ots_status status = write_locked(change, batch, err);
    pthread_mutex_unlock(&change->stream->commit);
    return status;
}
