#include "backend/wire/messages_stream.h"

#include "backend/wire/proto.h"
#include "backend/wire/stream.pb-c.h"
#include "backend/wire/tsrows.h"

#include <assert.h>

/* Optional bytes that are empty are left out. */
#define SET_BYTES(message, field, slice)                                                           \
    ((message)->has_##field = (slice).size != 0, (message)->field = ots_proto_bytes(slice))

/* ---- requests ---- */

static enum ots_status pack_describe(const struct ots_describe_stream_request *request,
                                     struct ots_buf *body)
{
    Ots__Wire__DescribeStream describe = OTS__WIRE__DESCRIBE_STREAM__INIT;
    describe.stream = ots_proto_bytes(request->stream);
    SET_BYTES(&describe, first_shard, request->first_shard);
    if (request->shard_limit)
        OTS_PROTO_SET(&describe, shard_limit, request->shard_limit);
    if (request->accepts_timeseries)
        OTS_PROTO_SET(&describe, accepts_timeseries, true);
    return ots_proto_pack(&describe, body);
}

static enum ots_status pack_iterator(const struct ots_shard_iterator_request *request,
                                     struct ots_buf *body)
{
    Ots__Wire__ShardIterator iterator = OTS__WIRE__SHARD_ITERATOR__INIT;
    iterator.stream = ots_proto_bytes(request->stream);
    iterator.shard = ots_proto_bytes(request->shard);
    if (request->has_timestamp)
        OTS_PROTO_SET(&iterator, timestamp_us, request->timestamp_us);
    SET_BYTES(&iterator, token, request->token);
    return ots_proto_pack(&iterator, body);
}

static enum ots_status pack_records(const struct ots_stream_records_request *request,
                                    struct ots_buf *body)
{
    Ots__Wire__StreamRecords records = OTS__WIRE__STREAM_RECORDS__INIT;
    records.iterator = ots_proto_bytes(request->iterator);
    if (request->limit)
        OTS_PROTO_SET(&records, limit, request->limit);
    SET_BYTES(&records, table, request->table);
    return ots_proto_pack(&records, body);
}

static enum ots_status pack_list(const struct ots_list_streams_request *request,
                                 struct ots_buf *body)
{
    Ots__Wire__ListStreams list = OTS__WIRE__LIST_STREAMS__INIT;
    SET_BYTES(&list, table, request->table);
    return ots_proto_pack(&list, body);
}

enum ots_status ots_stream_request_encode(const struct ots_call *call, struct ots_buf *body)
{
    if (call->action == OTS_ACTION_LIST_STREAMS)
        return pack_list(&call->request.list_streams, body);
    if (call->action == OTS_ACTION_DESCRIBE_STREAM)
        return pack_describe(&call->request.describe_stream, body);
    if (call->action == OTS_ACTION_SHARD_ITERATOR)
        return pack_iterator(&call->request.shard_iterator, body);
    assert(call->action == OTS_ACTION_STREAM_RECORDS);
    return pack_records(&call->request.stream_records, body);
}

/* That 0 stands for a limit that was not given is ours only: on the wire it is refused. */
static enum ots_status take_limit(bool has_limit, int32_t limit, struct ots_error *err)
{
    if (has_limit && limit <= 0)
        return ots_error_set(err, OTS_INVALID, "limit: %d is not greater than 0", (int)limit);
    return OTS_OK;
}

static enum ots_status take_describe(const Ots__Wire__DescribeStream *describe,
                                     struct ots_describe_stream_request *request,
                                     struct ots_error *err)
{
    *request = (struct ots_describe_stream_request){
        .stream = ots_proto_slice(describe->stream),
        .first_shard = ots_proto_slice(describe->first_shard),
        .shard_limit = describe->shard_limit,
        .accepts_timeseries = describe->accepts_timeseries != 0,
    };
    return take_limit(describe->has_shard_limit, describe->shard_limit, err);
}

static void take_iterator(const Ots__Wire__ShardIterator *iterator,
                          struct ots_shard_iterator_request *request)
{
    *request = (struct ots_shard_iterator_request){
        .stream = ots_proto_slice(iterator->stream),
        .shard = ots_proto_slice(iterator->shard),
        .timestamp_us = iterator->timestamp_us,
        .has_timestamp = iterator->has_timestamp_us != 0,
        .token = ots_proto_slice(iterator->token),
    };
}

static enum ots_status take_records(const Ots__Wire__StreamRecords *records,
                                    struct ots_stream_records_request *request,
                                    struct ots_error *err)
{
    *request = (struct ots_stream_records_request){
        .iterator = ots_proto_slice(records->iterator),
        .limit = records->limit,
        .table = ots_proto_slice(records->table),
    };
    return take_limit(records->has_limit, records->limit, err);
}

static void take_list(const Ots__Wire__ListStreams *list, struct ots_list_streams_request *request)
{
    request->table = ots_proto_slice(list->table);
}

enum ots_status ots_stream_request_decode(struct ots_slice body, struct ots_call *call,
                                          struct ots_error *err)
{
    static const ProtobufCMessageDescriptor *const descriptors[OTS_ACTION_COUNT] = {
        [OTS_ACTION_LIST_STREAMS] = &ots__wire__list_streams__descriptor,
        [OTS_ACTION_DESCRIBE_STREAM] = &ots__wire__describe_stream__descriptor,
        [OTS_ACTION_SHARD_ITERATOR] = &ots__wire__shard_iterator__descriptor,
        [OTS_ACTION_STREAM_RECORDS] = &ots__wire__stream_records__descriptor,
    };
    const void *message;
    enum ots_status status =
        ots_proto_unpack(descriptors[call->action], body, &call->arena, "request", &message, err);
    if (status != OTS_OK)
        return status;
    if (call->action == OTS_ACTION_DESCRIBE_STREAM)
        return take_describe(message, &call->request.describe_stream, err);
    if (call->action == OTS_ACTION_STREAM_RECORDS)
        return take_records(message, &call->request.stream_records, err);
    if (call->action == OTS_ACTION_LIST_STREAMS)
        take_list(message, &call->request.list_streams);
    else
        take_iterator(message, &call->request.shard_iterator);
    return OTS_OK;
}

/* ---- responses, by the server ---- */

static void fill_info(const struct ots_stream_info *info, Ots__Wire__StreamInfo *message)
{
    message->id = ots_proto_bytes(info->id);
    message->table = ots_proto_bytes(info->table);
    message->created_us = info->created_us;
}

static enum ots_status pack_listed(const struct ots_list_streams_response *response,
                                   struct ots_arena *arena, struct ots_buf *body)
{
    Ots__Wire__ListedStreams listed = OTS__WIRE__LISTED_STREAMS__INIT;
    listed.n_streams = response->count;
    listed.streams = (Ots__Wire__StreamInfo **)ots_proto_array(
        arena, response->count, sizeof(Ots__Wire__StreamInfo), &ots__wire__stream_info__descriptor);
    if (response->count && !listed.streams)
        return OTS_NOMEM;
    for (size_t i = 0; i < response->count; i++)
        fill_info(&response->streams[i], listed.streams[i]);
    return ots_proto_pack(&listed, body);
}

static enum ots_status pack_described(const struct ots_describe_stream_response *response,
                                      struct ots_arena *arena, struct ots_buf *body)
{
    Ots__Wire__DescribedStream described = OTS__WIRE__DESCRIBED_STREAM__INIT;
    described.id = ots_proto_bytes(response->info.id);
    described.expiration_hours = response->expiration_hours;
    described.table = ots_proto_bytes(response->info.table);
    described.created_us = response->info.created_us;
    described.status = (int32_t)response->status;
    described.n_shards = response->shard_count;
    described.shards = (Ots__Wire__Shard **)ots_proto_array(
        arena, response->shard_count, sizeof(Ots__Wire__Shard), &ots__wire__shard__descriptor);
    if (response->shard_count && !described.shards)
        return OTS_NOMEM;
    for (size_t i = 0; i < response->shard_count; i++) {
        const struct ots_shard *shard = &response->shards[i];
        described.shards[i]->id = ots_proto_bytes(shard->id);
        SET_BYTES(described.shards[i], parent, shard->parent);
        SET_BYTES(described.shards[i], sibling, shard->sibling);
    }
    SET_BYTES(&described, next_shard, response->next_shard);
    OTS_PROTO_SET(&described, is_timeseries, response->is_timeseries);
    return ots_proto_pack(&described, body);
}

static enum ots_status pack_found(const struct ots_shard_iterator_response *response,
                                  struct ots_buf *body)
{
    Ots__Wire__ShardIteratorFound found = OTS__WIRE__SHARD_ITERATOR_FOUND__INIT;
    found.iterator = ots_proto_bytes(response->iterator);
    SET_BYTES(&found, next_token, response->next_token);
    return ots_proto_pack(&found, body);
}

static enum ots_status pack_rows(const struct ots_stream_records_response *response,
                                 struct ots_slice rows, const size_t *ends, struct ots_arena *arena,
                                 struct ots_buf *body)
{
    Ots__Wire__StreamPage page = OTS__WIRE__STREAM_PAGE__INIT;
    page.n_records = response->count;
    page.records = (Ots__Wire__StreamRecord **)ots_proto_array(
        arena, response->count, sizeof(Ots__Wire__StreamRecord),
        &ots__wire__stream_record__descriptor);
    if (response->count && !page.records)
        return OTS_NOMEM;
    for (size_t i = 0, start = 0; i < response->count; start = ends[i++]) {
        page.records[i]->type = (int32_t)response->records[i].type;
        page.records[i]->row = ots_proto_bytes(ots_slice(rows.data + start, ends[i] - start));
    }
    SET_BYTES(&page, next_iterator, response->next_iterator);
    if (response->has_may_more)
        OTS_PROTO_SET(&page, may_more, response->may_more);
    return ots_proto_pack(&page, body);
}

static enum ots_status pack_page(const struct ots_stream_records_response *response,
                                 const struct ots_table_meta *meta, struct ots_arena *arena,
                                 struct ots_buf *body)
{
    meta = meta ? meta : response->meta;
    size_t *ends = ots_arena_array(arena, response->count, sizeof(*ends));
    if (!ends)
        return OTS_NOMEM;
    struct ots_buf rows = OTS_BUF_INIT;
    enum ots_status status =
        ots_tsrows_encode_records(response->records, response->count, meta, &rows, ends);
    if (status == OTS_OK)
        status = pack_rows(response, ots_buf_slice(&rows), ends, arena, body);
    ots_buf_deinit(&rows);
    return status;
}

enum ots_status ots_stream_response_encode(const struct ots_call *call,
                                           const struct ots_table_meta *meta,
                                           struct ots_arena *arena, struct ots_buf *body)
{
    if (call->action == OTS_ACTION_LIST_STREAMS)
        return pack_listed(&call->response.list_streams, arena, body);
    if (call->action == OTS_ACTION_DESCRIBE_STREAM)
        return pack_described(&call->response.describe_stream, arena, body);
    if (call->action == OTS_ACTION_SHARD_ITERATOR)
        return pack_found(&call->response.shard_iterator, body);
    assert(call->action == OTS_ACTION_STREAM_RECORDS);
    return pack_page(&call->response.stream_records, meta, arena, body);
}

/* ---- responses, by the client ---- */

static enum ots_status take_listed(const Ots__Wire__ListedStreams *listed, struct ots_call *call)
{
    struct ots_stream_info *streams =
        ots_arena_array(&call->arena, listed->n_streams, sizeof(*streams));
    if (!streams)
        return OTS_NOMEM;
    for (size_t i = 0; i < listed->n_streams; i++)
        streams[i] = (struct ots_stream_info){
            .id = ots_proto_slice(listed->streams[i]->id),
            .table = ots_proto_slice(listed->streams[i]->table),
            .created_us = listed->streams[i]->created_us,
        };
    call->response.list_streams =
        (struct ots_list_streams_response){.streams = streams, .count = listed->n_streams};
    return OTS_OK;
}

static enum ots_status take_described(const Ots__Wire__DescribedStream *described,
                                      struct ots_call *call, struct ots_error *err)
{
    if (described->status != OTS_STREAM_ENABLING && described->status != OTS_STREAM_ACTIVE)
        return ots_error_set(err, OTS_CORRUPT, "a stream of unknown status %d",
                             (int)described->status);
    struct ots_shard *shards = ots_arena_array(&call->arena, described->n_shards, sizeof(*shards));
    if (!shards)
        return OTS_NOMEM;
    for (size_t i = 0; i < described->n_shards; i++)
        shards[i] = (struct ots_shard){
            .id = ots_proto_slice(described->shards[i]->id),
            .parent = ots_proto_slice(described->shards[i]->parent),
            .sibling = ots_proto_slice(described->shards[i]->sibling),
        };
    call->response.describe_stream = (struct ots_describe_stream_response){
        .info = {.id = ots_proto_slice(described->id),
                 .table = ots_proto_slice(described->table),
                 .created_us = described->created_us},
        .status = (enum ots_stream_status)described->status,
        .expiration_hours = described->expiration_hours,
        .is_timeseries = described->is_timeseries != 0,
        .shards = shards,
        .shard_count = described->n_shards,
        .next_shard = ots_proto_slice(described->next_shard),
    };
    return OTS_OK;
}

static enum ots_status take_page(const Ots__Wire__StreamPage *page, struct ots_call *call,
                                 struct ots_error *err)
{
    struct ots_stream_record *records =
        ots_arena_array(&call->arena, page->n_records, sizeof(*records));
    struct ots_slice *rows = ots_arena_array(&call->arena, page->n_records, sizeof(*rows));
    if (!records || !rows)
        return OTS_NOMEM;
    for (size_t i = 0; i < page->n_records; i++) {
        int32_t type = page->records[i]->type;
        if (type < OTS_CHANGE_PUT || type > OTS_CHANGE_DELETE)
            return ots_error_set(err, OTS_CORRUPT, "a stream record of unknown type %d", (int)type);
        records[i].type = (enum ots_change_type)type;
        rows[i] = ots_proto_slice(page->records[i]->row);
    }
    call->response.stream_records = (struct ots_stream_records_response){
        .records = records,
        .count = page->n_records,
        .next_iterator = ots_proto_slice(page->next_iterator),
        .has_may_more = page->has_may_more != 0,
        .may_more = page->may_more != 0,
    };
    return ots_tsrows_decode_records(rows, page->n_records, &call->arena, records, err);
}

enum ots_status ots_stream_response_decode(struct ots_slice body, struct ots_call *call,
                                           struct ots_error *err)
{
    static const ProtobufCMessageDescriptor *const descriptors[OTS_ACTION_COUNT] = {
        [OTS_ACTION_LIST_STREAMS] = &ots__wire__listed_streams__descriptor,
        [OTS_ACTION_DESCRIBE_STREAM] = &ots__wire__described_stream__descriptor,
        [OTS_ACTION_SHARD_ITERATOR] = &ots__wire__shard_iterator_found__descriptor,
        [OTS_ACTION_STREAM_RECORDS] = &ots__wire__stream_page__descriptor,
    };
    const void *message;
    enum ots_status status =
        ots_proto_unpack(descriptors[call->action], body, &call->arena, "response", &message, err);
    if (status != OTS_OK)
        return status;
    if (call->action == OTS_ACTION_LIST_STREAMS)
        return take_listed(message, call);
    if (call->action == OTS_ACTION_DESCRIBE_STREAM)
        return take_described(message, call, err);
    if (call->action == OTS_ACTION_STREAM_RECORDS)
        return take_page(message, call, err);
    const Ots__Wire__ShardIteratorFound *found = message;
    call->response.shard_iterator = (struct ots_shard_iterator_response){
        .iterator = ots_proto_slice(found->iterator),
        .next_token = ots_proto_slice(found->next_token),
    };
    return OTS_OK;
}
