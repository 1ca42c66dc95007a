/*
 * Whoever changes shards makes the new array aside, writes what changed in one batch, and only then
 * puts the array in the old one's place: a change that could not be written did not happen.
 */
#include "backend/server/stream_state.h"

#include <stdlib.h>

enum {
    RECORD_VERSION = 1,
    RECORD_PARENT = 1,
    RECORD_SIBLING = 5,
    RECORD_FIRST_HASH = 9,
    RECORD_LAST_HASH = 13,
    RECORD_CREATED = 17,
    RECORD_CLOSED = 25,
    RECORD_TRIMMED = 33,
    RECORD_BYTES = 41,
    /* What a split or a merge can add. */
    CHILDREN_MAX = 2,
};

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a stream's shards");
}

static struct ots_slice record_encode(const struct ots_stream_shard *shard,
                                      uint8_t record[RECORD_BYTES])
{
    record[0] = RECORD_VERSION;
    ots_layout_put_u32(record + RECORD_PARENT, shard->parent);
    ots_layout_put_u32(record + RECORD_SIBLING, shard->sibling);
    ots_layout_put_u32(record + RECORD_FIRST_HASH, shard->first_hash);
    ots_layout_put_u32(record + RECORD_LAST_HASH, shard->last_hash);
    ots_layout_put_u64(record + RECORD_CREATED, (uint64_t)shard->created_us);
    ots_layout_put_u64(record + RECORD_CLOSED, (uint64_t)shard->closed_us);
    ots_layout_put_u64(record + RECORD_TRIMMED, (uint64_t)shard->trimmed_us);
    return ots_slice(record, RECORD_BYTES);
}

static enum ots_status record_decode(struct ots_slice key, struct ots_slice record,
                                     struct ots_stream_shard *shard, struct ots_error *err)
{
    enum ots_status status = ots_layout_shard_parse(key, &shard->number, err);
    if (status != OTS_OK)
        return status;
    if (record.size != RECORD_BYTES || record.data[0] != RECORD_VERSION)
        return ots_error_set(err, OTS_CORRUPT, "the store holds a malformed shard record");
    shard->parent = ots_layout_u32(record.data + RECORD_PARENT);
    shard->sibling = ots_layout_u32(record.data + RECORD_SIBLING);
    shard->first_hash = ots_layout_u32(record.data + RECORD_FIRST_HASH);
    shard->last_hash = ots_layout_u32(record.data + RECORD_LAST_HASH);
    shard->created_us = (int64_t)ots_layout_u64(record.data + RECORD_CREATED);
    shard->closed_us = (int64_t)ots_layout_u64(record.data + RECORD_CLOSED);
    shard->trimmed_us = (int64_t)ots_layout_u64(record.data + RECORD_TRIMMED);
    return OTS_OK;
}

/* ---- loading ---- */

static bool make_room(struct ots_stream *stream, size_t count)
{
    if (count <= stream->shard_capacity)
        return true;
    struct ots_stream_shard *grown = realloc(stream->shards, 2 * count * sizeof(*grown));
    if (!grown)
        return false;
    stream->shards = grown;
    stream->shard_capacity = 2 * count;
    return true;
}

static enum ots_status load_shards(struct ots_stream *stream, const struct ots_table *table,
                                   struct ots_error *err)
{
    struct ots_engine *engine = stream->streams->engine;
    struct ots_key_range range;
    ots_layout_table_range(&range, OTS_SPACE_SHARD, table->id);
    OTS_AUTO(ots_cursor_freep)
    struct ots_cursor *cursor =
        engine->ops->cursor_new(engine, ots_key_range_begin(&range), ots_key_range_end(&range));
    if (!cursor || !make_room(stream, 1))
        return no_memory(err);
    cursor->ops->seek(cursor, ots_key_range_begin(&range));
    for (; cursor->is_valid; cursor->ops->next(cursor)) {
        if (!make_room(stream, stream->shard_count + 1))
            return no_memory(err);
        enum ots_status status =
            record_decode(cursor->key, cursor->value, &stream->shards[stream->shard_count++], err);
        if (status != OTS_OK)
            return status;
    }
    if (!stream->shard_count)
        stream->shards[stream->shard_count++] = (struct ots_stream_shard){
            .number = 1, .last_hash = UINT32_MAX, .created_us = table->created_us};
    return cursor->ops->check(cursor, err);
}

/* What was trimmed is left out, so that nobody has to go past what is left of it. */
static struct ots_cursor *log_cursor(struct ots_stream *stream,
                                     const struct ots_stream_shard *shard, int64_t end_us)
{
    struct ots_engine *engine = stream->streams->engine;
    uint8_t begin[OTS_LOG_KEY_BYTES];
    uint8_t end[OTS_LOG_KEY_BYTES];
    return engine->ops->cursor_new(
        engine, ots_layout_log(begin, stream->table, shard->number, shard->trimmed_us),
        ots_layout_log(end, stream->table, shard->number, end_us));
}

/* The time of the last record before `end_us`; 0 when there is none. */
static enum ots_status last_record(struct ots_stream *stream, const struct ots_stream_shard *shard,
                                   int64_t end_us, int64_t *time_us, struct ots_error *err)
{
    uint8_t key[OTS_LOG_KEY_BYTES];
    OTS_AUTO(ots_cursor_freep)
    struct ots_cursor *cursor = log_cursor(stream, shard, end_us);
    if (!cursor)
        return no_memory(err);
    cursor->ops->seek_back(cursor, ots_layout_log(key, stream->table, shard->number, end_us));
    *time_us = 0;
    return cursor->is_valid ? ots_layout_log_parse(cursor->key, time_us, err)
                            : cursor->ops->check(cursor, err);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The clock goes on behind everything that it can have given out. */
static enum ots_status load_clock(struct ots_stream *stream, const struct ots_table *table,
                                  struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    stream->last_us = table->created_us;
    for (size_t i = 0; i < stream->shard_count && status == OTS_OK; i++) {
        const struct ots_stream_shard *shard = &stream->shards[i];
        int64_t last_us = 0;
        status = last_record(stream, shard, INT64_MAX, &last_us, err);
        last_us =
            later(later(last_us, shard->trimmed_us), later(shard->created_us, shard->closed_us));
        stream->last_us = later(stream->last_us, last_us);
    }
    return status;
}

/* A stream of puts must not keep a split waiting for good. */
static void map_init(pthread_rwlock_t *map)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(map, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

enum ots_status ots_stream_load(struct ots_streams *streams, const struct ots_table *table,
                                struct ots_stream **out, struct ots_error *err)
{
    struct ots_stream *stream = calloc(1, sizeof(*stream));
    if (!stream)
        return no_memory(err);
    stream->streams = streams;
    stream->table = table->id;
    map_init(&stream->map);
    pthread_mutex_init(&stream->commit, NULL);
    enum ots_status status = load_shards(stream, table, err);
    if (status == OTS_OK)
        status = load_clock(stream, table, err);
    if (status != OTS_OK) {
        ots_stream_unload(stream);
        return status;
    }
    *out = stream;
    return OTS_OK;
}

void ots_stream_unload(struct ots_stream *stream)
{
    pthread_mutex_destroy(&stream->commit);
    pthread_rwlock_destroy(&stream->map);
    free(stream->shards);
    free(stream);
}

/* ---- reading ---- */

enum ots_status ots_stream_shards(struct ots_stream *stream, struct ots_arena *arena,
                                  const struct ots_stream_shard **shards, size_t *count,
                                  struct ots_error *err)
{
    pthread_rwlock_rdlock(&stream->map);
    struct ots_stream_shard *copy = ots_arena_array(arena, stream->shard_count, sizeof(*copy));
    if (copy)
        memcpy(copy, stream->shards, stream->shard_count * sizeof(*copy));
    *shards = copy;
    *count = stream->shard_count;
    pthread_rwlock_unlock(&stream->map);
    return copy ? OTS_OK : no_memory(err);
}

static struct ots_stream_shard *find_shard(const struct ots_stream *stream, uint32_t number)
{
    for (size_t i = 0; i < stream->shard_count; i++)
        if (stream->shards[i].number == number)
            return &stream->shards[i];
    return NULL;
}

enum ots_status ots_stream_read(struct ots_stream *stream, uint32_t number,
                                struct ots_stream_shard *shard, struct ots_cursor **log,
                                struct ots_error *err)
{
    pthread_rwlock_rdlock(&stream->map);
    const struct ots_stream_shard *found = find_shard(stream, number);
    *log = NULL;
    if (found) {
        *shard = *found;
        /* Under the lock, so that nothing is trimmed that the shard's state promises. */
        *log = log_cursor(stream, found, INT64_MAX);
    }
    pthread_rwlock_unlock(&stream->map);
    if (!found)
        return ots_error_set(err, OTS_NOT_FOUND, "there is no shard %u", (unsigned)number);
    return *log ? OTS_OK : no_memory(err);
}

/* ---- changing ---- */

/* The shards as they are to be, and what is to be written of them. */
struct plan {
    struct ots_stream *stream;
    struct ots_batch *batch;
    struct ots_stream_shard *shards;
    size_t count;
    bool has_changes;
};

static enum ots_status plan_begin_locked(struct plan *plan, struct ots_stream *stream,
                                         struct ots_error *err)
{
    struct ots_engine *engine = stream->streams->engine;
    *plan = (struct plan){.stream = stream, .count = stream->shard_count};
    plan->batch = engine->ops->batch_new(engine);
    plan->shards = calloc(plan->count + CHILDREN_MAX, sizeof(*plan->shards));
    if (!plan->batch || !plan->shards)
        return no_memory(err);
    memcpy(plan->shards, stream->shards, plan->count * sizeof(*plan->shards));
    return OTS_OK;
}

static void plan_free(struct plan *plan)
{
    if (plan->batch)
        plan->batch->ops->free(plan->batch);
    free(plan->shards);
}

static void plan_put(struct plan *plan, const struct ots_stream_shard *shard)
{
    uint8_t key[OTS_SHARD_KEY_BYTES];
    uint8_t record[RECORD_BYTES];
    plan->batch->ops->put(plan->batch, ots_layout_shard(key, plan->stream->table, shard->number),
                          record_encode(shard, record));
    plan->has_changes = true;
}

static enum ots_status plan_apply_locked(struct plan *plan, struct ots_error *err)
{
    struct ots_stream *stream = plan->stream;
    struct ots_engine *engine = stream->streams->engine;
    if (!plan->has_changes)
        return OTS_OK;
    if (!make_room(stream, plan->count))
        return no_memory(err);
    enum ots_status status = engine->ops->write(engine, plan->batch, err);
    if (status != OTS_OK)
        return status;
    memcpy(stream->shards, plan->shards, plan->count * sizeof(*plan->shards));
    stream->shard_count = plan->count;
    return OTS_OK;
}

static struct ots_stream_shard *plan_open(const struct plan *plan, uint32_t number)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->shards[i].number == number && !plan->shards[i].closed_us)
            return &plan->shards[i];
    return NULL;
}

/* Close the parents (`sibling` may be NULL) and give their hashes to children of `ranges`. */
static void plan_replace(struct plan *plan, struct ots_stream_shard *parent,
                         struct ots_stream_shard *sibling, const uint32_t ranges[][2],
                         size_t children)
{
    int64_t now_us = ots_stream_tick_locked(plan->stream);
    parent->closed_us = now_us;
    plan_put(plan, parent);
    if (sibling) {
        sibling->closed_us = now_us;
        plan_put(plan, sibling);
    }
    uint32_t last = plan->shards[plan->count - 1].number;
    for (size_t i = 0; i < children; i++) {
        struct ots_stream_shard *child = &plan->shards[plan->count++];
        *child = (struct ots_stream_shard){
            .number = ++last,
            .parent = parent->number,
            .sibling = sibling ? sibling->number : 0,
            .first_hash = ranges[i][0],
            .last_hash = ranges[i][1],
            .created_us = now_us,
        };
        plan_put(plan, child);
    }
}

static enum ots_status plan_check(const struct plan *plan, struct ots_error *err)
{
    if (plan->count + CHILDREN_MAX > OTS_STREAM_SHARDS_MAX)
        return ots_error_set(err, OTS_LIMIT, "the stream has %zu shards already", plan->count);
    return OTS_OK;
}

static enum ots_status plan_split(struct plan *plan, uint32_t number, struct ots_error *err)
{
    struct ots_stream_shard *shard = plan_open(plan, number);
    if (!shard || shard->first_hash == shard->last_hash)
        return ots_error_set(err, OTS_INVALID, "the shard is not open, or too small to split");
    uint32_t middle = shard->first_hash + (shard->last_hash - shard->first_hash) / 2;
    const uint32_t ranges[][2] = {{shard->first_hash, middle}, {middle + 1, shard->last_hash}};
    plan_replace(plan, shard, NULL, ranges, 2);
    return OTS_OK;
}

static bool follows(const struct ots_stream_shard *a, const struct ots_stream_shard *b)
{
    return a->last_hash != UINT32_MAX && a->last_hash + 1 == b->first_hash;
}

static enum ots_status plan_merge(struct plan *plan, uint32_t number, uint32_t sibling_number,
                                  struct ots_error *err)
{
    struct ots_stream_shard *shard = plan_open(plan, number);
    struct ots_stream_shard *sibling = plan_open(plan, sibling_number);
    if (!shard || !sibling || !(follows(shard, sibling) || follows(sibling, shard)))
        return ots_error_set(err, OTS_INVALID, "the shards are not both open and neighbours");
    const struct ots_stream_shard *low = follows(shard, sibling) ? shard : sibling;
    const struct ots_stream_shard *high = low == shard ? sibling : shard;
    const uint32_t ranges[][2] = {{low->first_hash, high->last_hash}};
    plan_replace(plan, shard, sibling, ranges, 1);
    return OTS_OK;
}

/* A split, or a merge when there is a sibling. */
static enum ots_status replace(struct ots_stream *stream, uint32_t number, uint32_t sibling,
                               struct ots_error *err)
{
    struct plan plan;
    pthread_rwlock_wrlock(&stream->map);
    enum ots_status status = plan_begin_locked(&plan, stream, err);
    if (status == OTS_OK)
        status = plan_check(&plan, err);
    if (status == OTS_OK)
        status = sibling ? plan_merge(&plan, number, sibling, err) : plan_split(&plan, number, err);
    if (status == OTS_OK)
        status = plan_apply_locked(&plan, err);
    pthread_rwlock_unlock(&stream->map);
    plan_free(&plan);
    return status;
}

enum ots_status ots_stream_split(struct ots_stream *stream, uint32_t number, struct ots_error *err)
{
    return replace(stream, number, 0, err);
}

enum ots_status ots_stream_merge(struct ots_stream *stream, uint32_t number, uint32_t sibling,
                                 struct ots_error *err)
{
    if (!sibling)
        return ots_error_set(err, OTS_INVALID, "the shards are not both open and neighbours");
    return replace(stream, number, sibling, err);
}

/* ---- trimming ---- */

/* Remove the shard's records before `cutoff_us`, if it has any. */
static enum ots_status plan_trim_shard(struct plan *plan, struct ots_stream_shard *shard,
                                       int64_t cutoff_us, struct ots_error *err)
{
    uint8_t begin[OTS_LOG_KEY_BYTES];
    uint8_t end[OTS_LOG_KEY_BYTES];
    uint32_t table = plan->stream->table;
    int64_t last_us = 0;
    if (cutoff_us <= shard->trimmed_us)
        return OTS_OK;
    enum ots_status status = last_record(plan->stream, shard, cutoff_us, &last_us, err);
    if (status != OTS_OK || !last_us)
        return status;
    plan->batch->ops->remove_range(plan->batch,
                                   ots_layout_log(begin, table, shard->number, shard->trimmed_us),
                                   ots_layout_log(end, table, shard->number, last_us + 1));
    shard->trimmed_us = last_us + 1;
    plan_put(plan, shard);
    return OTS_OK;
}

static enum ots_status plan_trim(struct plan *plan, int64_t cutoff_us, struct ots_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct ots_stream_shard *shard = &plan->shards[i];
        enum ots_status status = plan_trim_shard(plan, shard, cutoff_us, err);
        if (status != OTS_OK)
            return status;
        if (shard->closed_us && shard->closed_us <= cutoff_us) {
            uint8_t key[OTS_SHARD_KEY_BYTES];
            plan->batch->ops->remove(plan->batch,
                                     ots_layout_shard(key, plan->stream->table, shard->number));
            plan->has_changes = true;
            continue;
        }
        plan->shards[kept++] = *shard;
    }
    plan->count = kept;
    return OTS_OK;
}

static enum ots_status trim_locked(struct ots_stream *stream, int64_t cutoff_us,
                                   struct ots_error *err)
{
    struct plan plan;
    enum ots_status status = plan_begin_locked(&plan, stream, err);
    if (status == OTS_OK)
        status = plan_trim(&plan, cutoff_us, err);
    if (status == OTS_OK)
        status = plan_apply_locked(&plan, err);
    plan_free(&plan);
    return status;
}

enum ots_status ots_stream_trim_older(struct ots_stream *stream, int64_t age_us,
                                      struct ots_error *err)
{
    pthread_rwlock_wrlock(&stream->map);
    /* By the clock some records may be yet to come, when it was put back. */
    int64_t cutoff_us =
        age_us ? ots_clock_now_us(stream->streams->clock) - age_us : stream->last_us + 1;
    enum ots_status status = trim_locked(stream, cutoff_us, err);
    pthread_rwlock_unlock(&stream->map);
    return status;
}

/* A clock that was put back must not keep the trimming away for as long. */
static bool is_due(int64_t next_us, int64_t now_us)
{
    return now_us >= next_us || now_us < next_us - OTS_TRIM_INTERVAL_US;
}

void ots_stream_trim(struct ots_stream *stream)
{
    struct ots_streams *streams = stream->streams;
    struct ots_error err = {0};
    int64_t now_us = ots_clock_now_us(streams->clock);
    int64_t next_us = atomic_load(&stream->next_trim_us);
    if (!is_due(next_us, now_us) || !atomic_compare_exchange_strong(&stream->next_trim_us, &next_us,
                                                                    now_us + OTS_TRIM_INTERVAL_US))
        return;
    int64_t kept_us = (int64_t)ots_streams_retention(streams) * 3600 * 1000 * 1000;
    if (now_us <= kept_us)
        return;
    pthread_rwlock_wrlock(&stream->map);
    enum ots_status status = trim_locked(stream, now_us - kept_us, &err);
    pthread_rwlock_unlock(&stream->map);
    if (status == OTS_OK)
        return;
    atomic_store(&stream->next_trim_us, now_us + OTS_TRIM_RETRY_US);
    const struct ots_log *log = atomic_load(&streams->log);
    if (log)
        ots_log_error(log, OTS_LOG_ERROR, "cannot remove old stream records", &err);
}
