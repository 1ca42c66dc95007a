#include "backend/server/stream_state.h"

#include <stdlib.h>

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a stream");
}

struct ots_streams *ots_streams_new(struct ots_engine *engine, const struct ots_clock *clock)
{
    struct ots_streams *streams = calloc(1, sizeof(*streams));
    if (!streams)
        return NULL;
    streams->engine = engine;
    streams->clock = clock;
    atomic_store(&streams->retention_hours, OTS_STREAM_RETENTION_HOURS_DEFAULT);
    pthread_mutex_init(&streams->synced.lock, NULL);
    return streams;
}

void ots_streams_free(struct ots_streams *streams)
{
    if (!streams)
        return;
    for (size_t i = 0; i < streams->synced.count; i++)
        ots_stream_unload(streams->synced.streams[i]);
    free(streams->synced.streams);
    pthread_mutex_destroy(&streams->synced.lock);
    free(streams);
}

void ots_streams_set_retention(struct ots_streams *streams, int32_t hours)
{
    if (hours < 1)
        hours = 1;
    if (hours > OTS_STREAM_RETENTION_HOURS_MAX)
        hours = OTS_STREAM_RETENTION_HOURS_MAX;
    atomic_store(&streams->retention_hours, hours);
    pthread_mutex_lock(&streams->synced.lock);
    for (size_t i = 0; i < streams->synced.count; i++)
        atomic_store(&streams->synced.streams[i]->next_trim_us, 0);
    pthread_mutex_unlock(&streams->synced.lock);
}

int32_t ots_streams_retention(const struct ots_streams *streams)
{
    return atomic_load(&streams->retention_hours);
}

void ots_streams_set_log(struct ots_streams *streams, const struct ots_log *log)
{
    atomic_store(&streams->log, log);
}

static size_t position_locked(const struct ots_streams *streams, uint32_t table)
{
    size_t at = 0;
    while (at < streams->synced.count && streams->synced.streams[at]->table != table)
        at++;
    return at;
}

static bool make_room_locked(struct ots_streams *streams)
{
    if (streams->synced.count < streams->synced.capacity)
        return true;
    size_t capacity = streams->synced.capacity ? 2 * streams->synced.capacity : 8;
    struct ots_stream **grown =
        realloc(streams->synced.streams, capacity * sizeof(struct ots_stream *));
    if (!grown)
        return false;
    streams->synced.streams = grown;
    streams->synced.capacity = capacity;
    return true;
}

static enum ots_status find_locked(struct ots_streams *streams, const struct ots_table *table,
                                   struct ots_stream **stream, struct ots_error *err)
{
    size_t at = position_locked(streams, table->id);
    if (at == streams->synced.count) {
        if (!make_room_locked(streams))
            return no_memory(err);
        enum ots_status status = ots_stream_load(streams, table, &streams->synced.streams[at], err);
        if (status != OTS_OK)
            return status;
        streams->synced.count++;
    }
    *stream = streams->synced.streams[at];
    return OTS_OK;
}

enum ots_status ots_streams_get(struct ots_streams *streams, const struct ots_table *table,
                                struct ots_stream **stream, struct ots_error *err)
{
    pthread_mutex_lock(&streams->synced.lock);
    enum ots_status status = find_locked(streams, table, stream, err);
    pthread_mutex_unlock(&streams->synced.lock);
    if (status == OTS_OK)
        ots_stream_trim(*stream);
    return status;
}

void ots_streams_forget(struct ots_streams *streams, uint32_t table)
{
    struct ots_stream *stream = NULL;
    pthread_mutex_lock(&streams->synced.lock);
    size_t at = position_locked(streams, table);
    if (at < streams->synced.count) {
        stream = streams->synced.streams[at];
        streams->synced.streams[at] = streams->synced.streams[--streams->synced.count];
    }
    pthread_mutex_unlock(&streams->synced.lock);
    if (stream)
        ots_stream_unload(stream);
}
