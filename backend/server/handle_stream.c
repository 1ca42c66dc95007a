#include "backend/server/handlers.h"

#include "backend/server/stream_reading.h"
#include "backend/wire/service_code.h"

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a stream's description");
}

static enum ots_status no_stream(struct ots_error *err)
{
    return ots_error_service(err, OTS_NOT_FOUND, OTS_CODE_OBJECT_NOT_EXIST,
                             "Requested stream does not exist.");
}

static enum ots_status fill_info(const struct ots_table *table, struct ots_arena *arena,
                                 struct ots_stream_info *info, struct ots_error *err)
{
    if (ots_arena_copy(arena, table->meta.name, &info->table) != OTS_OK)
        return no_memory(err);
    info->created_us = table->created_us;
    return ots_stream_id(table, arena, &info->id, err);
}

/* A table that was deleted meanwhile has no stream any more. */
static enum ots_status add_stream(struct ots_instance *instance, struct ots_slice name,
                                  struct ots_arena *arena, struct ots_stream_info *infos,
                                  size_t *count, struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    enum ots_status status = ots_catalog_hold(instance->catalog, name, &table, err);
    if (status == OTS_NOT_FOUND)
        return OTS_OK;
    return status == OTS_OK ? fill_info(table, arena, &infos[(*count)++], err) : status;
}

static enum ots_status list_all(struct ots_instance *instance, struct ots_arena *arena,
                                struct ots_stream_info *infos, size_t *count, struct ots_error *err)
{
    const struct ots_table_meta *metas = NULL;
    size_t tables = 0;
    enum ots_status status = ots_catalog_list(instance->catalog, arena, &metas, &tables, err);
    for (size_t i = 0; i < tables && status == OTS_OK; i++)
        status = add_stream(instance, metas[i].name, arena, infos, count, err);
    return status;
}

enum ots_status ots_handle_list_streams(struct ots_instance *instance, struct ots_call *call,
                                        struct ots_error *err)
{
    struct ots_list_streams_response *response = &call->response.list_streams;
    struct ots_slice name = call->request.list_streams.table;
    struct ots_stream_info *infos = ots_arena_array(&call->arena, OTS_TABLES_MAX, sizeof(*infos));
    if (!infos)
        return no_memory(err);
    *response = (struct ots_list_streams_response){.streams = infos};
    if (name.size)
        return add_stream(instance, name, &call->arena, infos, &response->count, err);
    return list_all(instance, &call->arena, infos, &response->count, err);
}

/* Hold the table that a stream id is of. */
static enum ots_status hold_stream(struct ots_instance *instance, struct ots_slice id,
                                   struct ots_arena *arena, const struct ots_table **table,
                                   struct ots_error *err)
{
    uint32_t number = 0;
    struct ots_slice own;
    enum ots_status status = ots_stream_id_parse(id, &number, err);
    if (status != OTS_OK)
        return status;
    if (!ots_catalog_hold_id(instance->catalog, number, table))
        return no_stream(err);
    status = ots_stream_id(*table, arena, &own, err);
    return status == OTS_OK && !ots_slice_equal(own, id) ? no_stream(err) : status;
}

static enum ots_status fill_shard(const struct ots_table *table,
                                  const struct ots_stream_shard *shard, struct ots_arena *arena,
                                  struct ots_shard *filled, struct ots_error *err)
{
    enum ots_status status = ots_shard_id(table->id, shard->number, arena, &filled->id, err);
    if (status == OTS_OK && shard->parent)
        status = ots_shard_id(table->id, shard->parent, arena, &filled->parent, err);
    if (status == OTS_OK && shard->sibling)
        status = ots_shard_id(table->id, shard->sibling, arena, &filled->sibling, err);
    return status;
}

/* The number of the page's first shard; one that is gone lets the next one begin. */
static enum ots_status first_shard(const struct ots_describe_stream_request *request,
                                   uint32_t table, uint32_t *number, struct ots_error *err)
{
    uint32_t of_table = 0;
    *number = 0;
    if (!request->first_shard.size)
        return OTS_OK;
    enum ots_status status = ots_shard_id_parse(request->first_shard, &of_table, number, err);
    if (status == OTS_OK && of_table != table)
        return ots_error_set(err, OTS_INVALID, "the shard is of another stream");
    return status;
}

static enum ots_status describe(struct ots_instance *instance, const struct ots_table *table,
                                struct ots_call *call, struct ots_error *err)
{
    const struct ots_describe_stream_request *request = &call->request.describe_stream;
    struct ots_describe_stream_response *response = &call->response.describe_stream;
    struct ots_stream *stream = NULL;
    const struct ots_stream_shard *shards = NULL;
    size_t count = 0;
    uint32_t first = 0;
    enum ots_status status = first_shard(request, table->id, &first, err);
    if (status == OTS_OK)
        status = ots_streams_get(instance->streams, table, &stream, err);
    if (status == OTS_OK)
        status = ots_stream_shards(stream, &call->arena, &shards, &count, err);
    if (status != OTS_OK)
        return status;
    struct ots_shard *filled = ots_arena_array(&call->arena, count, sizeof(*filled));
    if (!filled)
        return no_memory(err);
    response->shards = filled;
    size_t limit = request->shard_limit > 0 ? (size_t)request->shard_limit : count;
    for (size_t i = 0; i < count && status == OTS_OK; i++) {
        if (shards[i].number < first)
            continue;
        if (response->shard_count == limit)
            return ots_shard_id(table->id, shards[i].number, &call->arena, &response->next_shard,
                                err);
        status = fill_shard(table, &shards[i], &call->arena, &filled[response->shard_count++], err);
    }
    return status;
}

enum ots_status ots_handle_describe_stream(struct ots_instance *instance, struct ots_call *call,
                                           struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    const struct ots_describe_stream_request *request = &call->request.describe_stream;
    struct ots_describe_stream_response *response = &call->response.describe_stream;
    enum ots_status status = hold_stream(instance, request->stream, &call->arena, &table, err);
    if (status != OTS_OK)
        return status;
    if (!request->accepts_timeseries)
        return ots_error_set(err, OTS_INVALID,
                             "Table [%.*s] is a timeseries table, not support DescribeStream",
                             OTS_SLICE_FMT(table->meta.name));
    *response = (struct ots_describe_stream_response){
        .status = OTS_STREAM_ACTIVE,
        .expiration_hours = ots_streams_retention(instance->streams),
        .is_timeseries = true,
    };
    status = fill_info(table, &call->arena, &response->info, err);
    return status == OTS_OK ? describe(instance, table, call, err) : status;
}

/* ---- positions ---- */

/* Behind the last record, or where the first one can come. */
static enum ots_status seek_end(struct ots_stream_reading *reading, struct ots_error *err)
{
    enum ots_status status = ots_stream_reading_seek_last(reading, err);
    if (status == OTS_OK && reading->log->is_valid)
        reading->position.time_us = reading->time_us + 1;
    return status;
}

/* Make the position that of the first record from `time_us` on. */
static enum ots_status seek_time(struct ots_stream_reading *reading, int64_t time_us,
                                 bool *is_past_end, struct ots_error *err)
{
    enum ots_status status = ots_stream_reading_seek(reading, time_us, err);
    if (status != OTS_OK)
        return status;
    *is_past_end = !reading->log->is_valid && reading->shard.closed_us;
    if (!reading->log->is_valid)
        return seek_end(reading, err);
    reading->position.time_us = reading->time_us;
    return OTS_OK;
}

static enum ots_status find_iterator(struct ots_stream_reading *reading,
                                     const struct ots_shard_iterator_request *request,
                                     struct ots_arena *arena, struct ots_slice *iterator,
                                     struct ots_error *err)
{
    const struct ots_stream_shard *shard = &reading->shard;
    bool is_past_end = false;
    enum ots_status status = OTS_OK;
    reading->position.time_us =
        shard->trimmed_us > shard->created_us ? shard->trimmed_us : shard->created_us;
    if (request->has_timestamp)
        status = seek_time(reading, request->timestamp_us, &is_past_end, err);
    if (status != OTS_OK || is_past_end)
        return status;
    return ots_shard_iterator(&reading->position, arena, iterator, err);
}

enum ots_status ots_handle_shard_iterator(struct ots_instance *instance, struct ots_call *call,
                                          struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    const struct ots_shard_iterator_request *request = &call->request.shard_iterator;
    struct ots_shard_iterator_response *response = &call->response.shard_iterator;
    struct ots_stream_reading reading = {.log = NULL};
    struct ots_stream_position *position = &reading.position;
    *response = (struct ots_shard_iterator_response){.iterator = OTS_SLICE("")};
    enum ots_status status = hold_stream(instance, request->stream, &call->arena, &table, err);
    if (status == OTS_OK)
        status = ots_shard_id_parse(request->shard, &position->table, &position->shard, err);
    if (status == OTS_OK && position->table != table->id)
        status = ots_error_set(err, OTS_INVALID, "the shard is of another stream");
    /* A search ends at once, so no token was ever given. */
    if (status == OTS_OK && request->token.size)
        status = ots_error_set(err, OTS_INVALID, "token: not one of this service");
    if (status == OTS_OK && request->has_timestamp && request->timestamp_us < 0)
        status = ots_error_set(err, OTS_INVALID, "timestamp: negative");
    if (status == OTS_OK)
        status = ots_stream_reading_open(&reading, instance, table, err);
    if (status == OTS_OK)
        status = find_iterator(&reading, request, &call->arena, &response->iterator, err);
    ots_cursor_freep(&reading.log);
    return status;
}
