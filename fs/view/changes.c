#include "fs/view/changes.h"

#include <inttypes.h>
#include <stdlib.h>

static const int64_t HOUR_US = INT64_C(3600) * 1000000;

/* Shards that are known; those before `read_count` were read. */
struct reading {
    const struct ots_changes_request *request;
    struct ots_interrupt *interrupt;
    struct ots_arena arena;
    struct ots_slice stream;
    struct ots_slice *shards;
    size_t shard_count;
    size_t shard_capacity;
    int64_t created_us;
    int32_t expiration_hours;
    int64_t until_us; /* what comes later need not be read */
};

/* Whether another attempt could end differently. */
static bool may_pass(enum ots_status status)
{
    return status == OTS_NOMEM || status == OTS_NOT_READY || status == OTS_CONFLICT ||
           status == OTS_THROTTLED || status == OTS_UNAVAILABLE || status == OTS_NETWORK ||
           status == OTS_TIMEOUT || status == OTS_CANCELLED || status == OTS_IO ||
           status == OTS_CORRUPT;
}

/* Find the table's stream; `*stream` stays empty when there is none. */
static enum ots_status find_stream(struct ots_store *store, struct ots_slice table,
                                   struct ots_interrupt *interrupt, struct ots_arena *arena,
                                   struct ots_stream_info *found, struct ots_error *err)
{
    struct ots_call call;
    *found = (struct ots_stream_info){0};
    ots_call_init(&call, OTS_ACTION_LIST_STREAMS);
    call.request.list_streams.table = table;
    enum ots_status status = ots_store_run(store, &call, interrupt, err);
    const struct ots_list_streams_response *response = &call.response.list_streams;
    for (size_t i = 0; status == OTS_OK && i < response->count; i++)
        if (ots_slice_equal(response->streams[i].table, table)) {
            found->created_us = response->streams[i].created_us;
            status = ots_arena_copy(arena, response->streams[i].id, &found->id);
        }
    ots_call_deinit(&call);
    return status == OTS_OK || may_pass(status) ? status : OTS_OK;
}

enum ots_status ots_changes_identify(struct ots_store *store, struct ots_slice table,
                                     struct ots_interrupt *interrupt, struct ots_buf *identity,
                                     struct ots_error *err)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_stream_info stream;
    enum ots_status status = find_stream(store, table, interrupt, &arena, &stream, err);
    if (status == OTS_OK && stream.id.size)
        ots_buf_append_fmt(identity, "%.*s %" PRId64, OTS_SLICE_FMT(stream.id), stream.created_us);
    ots_arena_deinit(&arena);
    return status == OTS_OK ? ots_buf_status(identity) : status;
}

/* --- shards -----------------------------------------------------------------------------------*/

static bool is_known(const struct reading *reading, struct ots_slice shard)
{
    for (size_t i = 0; i < reading->shard_count; i++)
        if (ots_slice_equal(reading->shards[i], shard))
            return true;
    return false;
}

static enum ots_status add_shard(struct reading *reading, struct ots_slice shard)
{
    if (is_known(reading, shard))
        return OTS_OK;
    if (reading->shard_count == reading->shard_capacity) {
        size_t more = reading->shard_capacity ? 2 * reading->shard_capacity : 16;
        struct ots_slice *grown = reallocarray(reading->shards, more, sizeof(*grown));
        if (!grown)
            return OTS_NOMEM;
        reading->shards = grown;
        reading->shard_capacity = more;
    }
    enum ots_status status =
        ots_arena_copy(&reading->arena, shard, &reading->shards[reading->shard_count]);
    reading->shard_count += status == OTS_OK;
    return status;
}

static enum ots_status describe_page(struct reading *reading, struct ots_slice *next,
                                     struct ots_error *err)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_DESCRIBE_STREAM);
    call.request.describe_stream = (struct ots_describe_stream_request){
        .stream = reading->stream, .first_shard = *next, .accepts_timeseries = true};
    enum ots_status status = ots_store_run(reading->request->store, &call, reading->interrupt, err);
    const struct ots_describe_stream_response *response = &call.response.describe_stream;
    for (size_t i = 0; status == OTS_OK && i < response->shard_count; i++)
        status = add_shard(reading, response->shards[i].id);
    if (status == OTS_OK) {
        reading->expiration_hours = response->expiration_hours;
        status = ots_arena_copy(&reading->arena, response->next_shard, next);
    }
    ots_call_deinit(&call);
    return status;
}

/* Learn of all shards there are now, behind those that are known: parents before children. */
static enum ots_status describe(struct reading *reading, struct ots_error *err)
{
    struct ots_slice next = OTS_SLICE_NONE;
    enum ots_status status;
    do
        status = describe_page(reading, &next, err);
    while (status == OTS_OK && next.size);
    return status;
}

/* --- records ----------------------------------------------------------------------------------*/

/* `*iterator` stays empty when nothing is there from the time on. */
static enum ots_status find_position(struct reading *reading, struct ots_slice shard,
                                     struct ots_slice *iterator, struct ots_error *err)
{
    struct ots_slice token = OTS_SLICE_NONE;
    enum ots_status status;
    do {
        struct ots_call call;
        ots_call_init(&call, OTS_ACTION_SHARD_ITERATOR);
        call.request.shard_iterator = (struct ots_shard_iterator_request){
            .stream = reading->stream,
            .shard = shard,
            .timestamp_us = reading->request->from_us,
            .has_timestamp = true,
            .token = token,
        };
        status = ots_store_run(reading->request->store, &call, reading->interrupt, err);
        const struct ots_shard_iterator_response *response = &call.response.shard_iterator;
        if (status == OTS_OK)
            status = ots_arena_copy(&reading->arena, response->iterator, iterator);
        if (status == OTS_OK)
            status = ots_arena_copy(&reading->arena, response->next_token, &token);
        ots_call_deinit(&call);
    } while (status == OTS_OK && token.size);
    return status;
}

/* Read one page and set `*iterator` to the next; empty when nothing more need be read. */
static enum ots_status read_page(struct reading *reading, struct ots_buf *iterator,
                                 struct ots_error *err)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_STREAM_RECORDS);
    call.request.stream_records.iterator = ots_buf_slice(iterator);
    enum ots_status status = ots_store_run(reading->request->store, &call, reading->interrupt, err);
    const struct ots_stream_records_response *response = &call.response.stream_records;
    bool is_end = status != OTS_OK || !response->count;
    for (size_t i = 0; status == OTS_OK && i < response->count; i++) {
        reading->request->record(reading->request->context, &response->records[i]);
        is_end = is_end || response->records[i].sequence.timestamp_us > reading->until_us;
    }
    ots_buf_reset(iterator);
    if (!is_end)
        ots_buf_append_slice(iterator, response->next_iterator);
    ots_call_deinit(&call);
    return status == OTS_OK ? ots_buf_status(iterator) : status;
}

static enum ots_status read_shard(struct reading *reading, struct ots_slice shard,
                                  struct ots_error *err)
{
    struct ots_slice position = OTS_SLICE_NONE;
    enum ots_status status = find_position(reading, shard, &position, err);
    struct ots_buf iterator = OTS_BUF_INIT;
    ots_buf_append_slice(&iterator, position);
    while (status == OTS_OK && iterator.size)
        status = read_page(reading, &iterator, err);
    ots_buf_deinit(&iterator);
    return status;
}

/* Until no shard was split meanwhile. */
static enum ots_status read_all(struct reading *reading, struct ots_error *err)
{
    size_t read_count = 0;
    enum ots_status status = describe(reading, err);
    while (status == OTS_OK && read_count < reading->shard_count) {
        while (status == OTS_OK && read_count < reading->shard_count)
            status = read_shard(reading, reading->shards[read_count++], err);
        if (status == OTS_OK)
            status = describe(reading, err);
    }
    return status;
}

/* Before that, records may have been removed, or none were kept yet. */
static int64_t retention_start(const struct reading *reading)
{
    int64_t kept_from_us = reading->until_us - reading->expiration_hours * HOUR_US;
    return reading->created_us > kept_from_us ? reading->created_us : kept_from_us;
}

enum ots_status ots_changes_read(const struct ots_changes_request *request,
                                 struct ots_interrupt *interrupt, int64_t *readable_from_us,
                                 struct ots_error *err)
{
    struct reading reading = {
        .request = request,
        .interrupt = interrupt,
        .arena = OTS_ARENA_INIT,
        .until_us = ots_store_now_us(request->store),
    };
    struct ots_stream_info stream;
    *readable_from_us = INT64_MAX;
    enum ots_status status =
        find_stream(request->store, request->table, interrupt, &reading.arena, &stream, err);
    if (status == OTS_OK && stream.id.size) {
        reading.stream = stream.id;
        reading.created_us = stream.created_us;
        status = read_all(&reading, err);
        if (status == OTS_OK)
            *readable_from_us = retention_start(&reading);
        else if (!may_pass(status))
            status = OTS_OK;
    }
    free(reading.shards);
    ots_arena_deinit(&reading.arena);
    return status;
}
