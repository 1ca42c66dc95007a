#include "backend/wire/convert.h"
#include "backend/wire/messages.h"
#include "backend/wire/messages_change.h"
#include "backend/wire/messages_stream.h"
#include "backend/wire/tsrows.h"
#include "backend/wire/wide.h"

/* ---- encoding ---- */

struct encoding {
    const struct ots_call *call;
    const struct ots_table_meta *meta;
    struct ots_arena arena;
    struct ots_buf *body;
};

static enum ots_status encode_nothing(struct encoding *encoding)
{
    Ots__Wire__Nothing nothing = OTS__WIRE__NOTHING__INIT;
    return ots_proto_pack(&nothing, encoding->body);
}

/* SDKs want every option and the status in a description. */
static enum ots_status describe(const struct ots_table_meta *meta, struct ots_arena *arena,
                                Ots__Wire__Table *message)
{
    struct ots_table_meta full = *meta;
    full.has_time_to_live = true;
    full.has_meta_time_to_live = true;
    full.has_allow_update_attributes = true;
    if (!full.status.size)
        full.status = OTS_SLICE("CREATED");
    return ots_convert_table_out(&full, arena, message);
}

static enum ots_status encode_list_tables(struct encoding *encoding)
{
    const struct ots_list_tables_response *response = &encoding->call->response.list_tables;
    Ots__Wire__ListedTables listed = OTS__WIRE__LISTED_TABLES__INIT;
    listed.n_tables = response->count;
    listed.tables = (Ots__Wire__Table **)ots_proto_array(
        &encoding->arena, response->count, sizeof(Ots__Wire__Table), &ots__wire__table__descriptor);
    if (response->count && !listed.tables)
        return OTS_NOMEM;
    for (size_t i = 0; i < response->count; i++) {
        enum ots_status status = describe(&response->metas[i], &encoding->arena, listed.tables[i]);
        if (status != OTS_OK)
            return status;
    }
    return ots_proto_pack(&listed, encoding->body);
}

static enum ots_status encode_describe_table(struct encoding *encoding)
{
    Ots__Wire__DescribedTable described = OTS__WIRE__DESCRIBED_TABLE__INIT;
    Ots__Wire__Table table = OTS__WIRE__TABLE__INIT;
    enum ots_status status =
        describe(&encoding->call->response.describe_table.meta, &encoding->arena, &table);
    if (status != OTS_OK)
        return status;
    described.table = &table;
    return ots_proto_pack(&described, encoding->body);
}

static enum ots_status encode_put(struct encoding *encoding)
{
    const struct ots_put_response *response = &encoding->call->response.put;
    Ots__Wire__PutDone done = OTS__WIRE__PUT_DONE__INIT;
    Ots__Wire__MetaTimes times = OTS__WIRE__META_TIMES__INIT;
    size_t count = response->meta_time_count;
    done.n_failed_rows = response->failed_row_count;
    enum ots_status status = ots_convert_failed_out(
        response->failed_rows, response->failed_row_count, &encoding->arena, &done.failed_rows);
    if (status != OTS_OK || !count)
        return status == OTS_OK ? ots_proto_pack(&done, encoding->body) : status;
    times.n_row_indexes = times.n_times_s = count;
    times.row_indexes = ots_arena_array(&encoding->arena, count, sizeof(*times.row_indexes));
    times.times_s = ots_arena_array(&encoding->arena, count, sizeof(*times.times_s));
    if (!times.row_indexes || !times.times_s)
        return OTS_NOMEM;
    for (size_t i = 0; i < count; i++) {
        times.row_indexes[i] = response->meta_times[i].row_index;
        times.times_s[i] = response->meta_times[i].time_s;
    }
    done.meta_times = &times;
    return ots_proto_pack(&done, encoding->body);
}

static enum ots_status encode_change_meta(struct encoding *encoding)
{
    return ots_encode_change_meta(encoding->call, &encoding->arena, encoding->body);
}

/* GetPage and ScanPage of timeseries.proto, without a copy of the rows. */
static enum ots_status encode_page(struct encoding *encoding)
{
    const struct ots_page_response *response = &encoding->call->response.page;
    const struct ots_table_meta *meta = encoding->meta ? encoding->meta : response->meta;
    struct ots_buf *body = encoding->body;
    unsigned number = 1;
    if (encoding->call->action == OTS_ACTION_SCAN)
        ots_proto_int_append(body, number++, OTS__WIRE__ROW_FORMAT__PLAIN_BUFFER);
    size_t start = ots_proto_bytes_begin(body);
    enum ots_status status =
        ots_tsrows_encode(response->rows.items, response->rows.count, meta, body);
    if (status != OTS_OK)
        return status;
    ots_proto_bytes_end(body, number++, start);
    /* A token that is there but empty would mean that more follows. */
    if (response->next_token.size)
        ots_proto_bytes_append(body, number, response->next_token);
    return ots_buf_status(body);
}

static enum ots_status encode_query_meta(struct encoding *encoding)
{
    const struct ots_query_meta_response *response = &encoding->call->response.query_meta;
    Ots__Wire__MetaPage page = OTS__WIRE__META_PAGE__INIT;
    page.n_metas = response->count;
    page.metas = (Ots__Wire__TimelineMeta **)ots_proto_array(&encoding->arena, response->count,
                                                             sizeof(Ots__Wire__TimelineMeta),
                                                             &ots__wire__timeline_meta__descriptor);
    if (response->count && !page.metas)
        return OTS_NOMEM;
    for (size_t i = 0; i < response->count; i++) {
        enum ots_status status =
            ots_convert_meta_out(&response->metas[i], &encoding->arena, page.metas[i]);
        if (status != OTS_OK)
            return status;
    }
    if (response->total_hit >= 0)
        OTS_PROTO_SET(&page, total_hit, response->total_hit);
    if (response->next_token.size)
        OTS_PROTO_SET(&page, next_token, ots_proto_bytes(response->next_token));
    return ots_proto_pack(&page, encoding->body);
}

static enum ots_status encode_split(struct encoding *encoding)
{
    const struct ots_split_response *response = &encoding->call->response.split;
    Ots__Wire__Splits splits = OTS__WIRE__SPLITS__INIT;
    splits.n_splits = response->count;
    splits.splits = ots_arena_array(&encoding->arena, response->count, sizeof(*splits.splits));
    if (!splits.splits)
        return OTS_NOMEM;
    for (size_t i = 0; i < response->count; i++)
        splits.splits[i] = ots_proto_bytes(response->splits[i]);
    return ots_proto_pack(&splits, encoding->body);
}

static enum ots_status encode_stream(struct encoding *encoding)
{
    return ots_stream_response_encode(encoding->call, encoding->meta, &encoding->arena,
                                      encoding->body);
}

static enum ots_status (*const encoders[OTS_ACTION_COUNT])(struct encoding *encoding) = {
    [OTS_ACTION_CREATE_TABLE] = encode_nothing,
    [OTS_ACTION_LIST_TABLES] = encode_list_tables,
    [OTS_ACTION_DESCRIBE_TABLE] = encode_describe_table,
    [OTS_ACTION_DELETE_TABLE] = encode_nothing,
    [OTS_ACTION_PUT] = encode_put,
    [OTS_ACTION_GET] = encode_page,
    [OTS_ACTION_QUERY_META] = encode_query_meta,
    [OTS_ACTION_SPLIT] = encode_split,
    [OTS_ACTION_SCAN] = encode_page,
    [OTS_ACTION_LIST_STREAMS] = encode_stream,
    [OTS_ACTION_DESCRIBE_STREAM] = encode_stream,
    [OTS_ACTION_SHARD_ITERATOR] = encode_stream,
    [OTS_ACTION_STREAM_RECORDS] = encode_stream,
    [OTS_ACTION_UPDATE_TABLE] = encode_nothing,
    [OTS_ACTION_UPDATE_META] = encode_change_meta,
    [OTS_ACTION_DELETE_META] = encode_change_meta,
};

enum ots_status ots_response_encode(const struct ots_call *call, const struct ots_table_meta *meta,
                                    struct ots_buf *body, struct ots_error *err)
{
    struct encoding encoding = {.call = call, .meta = meta, .arena = OTS_ARENA_INIT, .body = body};
    enum ots_status status = ots_wide_is_action(call->action)
                                 ? ots_wide_response_encode(call, &encoding.arena, body)
                                 : encoders[call->action](&encoding);
    ots_arena_deinit(&encoding.arena);
    if (status != OTS_OK)
        return ots_error_set(err, status, "cannot encode a response: %s", ots_status_text(status));
    return OTS_OK;
}

/* ---- decoding ---- */

static enum ots_status unpack(const ProtobufCMessageDescriptor *descriptor, struct ots_slice body,
                              struct ots_call *call, const void **message, struct ots_error *err)
{
    return ots_proto_unpack(descriptor, body, &call->arena, "response", message, err);
}

static enum ots_status decode_nothing(struct ots_slice body, struct ots_call *call,
                                      struct ots_error *err)
{
    const void *unpacked;
    return unpack(&ots__wire__nothing__descriptor, body, call, &unpacked, err);
}

static enum ots_status described(const Ots__Wire__Table *message, struct ots_arena *arena,
                                 struct ots_table_meta *meta, struct ots_error *err)
{
    enum ots_status status = ots_convert_table_in(message, arena, meta, err);
    meta->has_time_to_live = true;
    meta->has_meta_time_to_live = true;
    meta->has_allow_update_attributes = true;
    return status;
}

static enum ots_status decode_list_tables(struct ots_slice body, struct ots_call *call,
                                          struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status =
        unpack(&ots__wire__listed_tables__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__ListedTables *listed = unpacked;
    struct ots_table_meta *metas = ots_arena_array(&call->arena, listed->n_tables, sizeof(*metas));
    if (!metas)
        return OTS_NOMEM;
    for (size_t i = 0; i < listed->n_tables && status == OTS_OK; i++)
        status = described(listed->tables[i], &call->arena, &metas[i], err);
    call->response.list_tables.metas = metas;
    call->response.list_tables.count = listed->n_tables;
    return status;
}

static enum ots_status decode_describe_table(struct ots_slice body, struct ots_call *call,
                                             struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status =
        unpack(&ots__wire__described_table__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__DescribedTable *message = unpacked;
    return described(message->table, &call->arena, &call->response.describe_table.meta, err);
}

/* These only save the service work, so what is odd about them is no reason to fail a put. */
static enum ots_status meta_times_in(const Ots__Wire__MetaTimes *message, struct ots_call *call)
{
    struct ots_put_response *response = &call->response.put;
    size_t count =
        message->n_row_indexes < message->n_times_s ? message->n_row_indexes : message->n_times_s;
    struct ots_meta_time *times = ots_arena_array(&call->arena, count, sizeof(*times));
    if (!times)
        return OTS_NOMEM;
    for (size_t i = 0; i < count; i++)
        if (message->row_indexes[i] < call->request.put.row_count)
            times[response->meta_time_count++] =
                (struct ots_meta_time){message->row_indexes[i], message->times_s[i]};
    response->meta_times = times;
    return OTS_OK;
}

static enum ots_status decode_put(struct ots_slice body, struct ots_call *call,
                                  struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = unpack(&ots__wire__put_done__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__PutDone *done = unpacked;
    struct ots_put_response *response = &call->response.put;
    status =
        ots_convert_failed_in(done->failed_rows, done->n_failed_rows, call->request.put.row_count,
                              &call->arena, &response->failed_rows, err);
    response->failed_row_count = done->n_failed_rows;
    if (status != OTS_OK || !done->meta_times)
        return status;
    return meta_times_in(done->meta_times, call);
}

/* GetPage or ScanPage of timeseries.proto. */
struct page {
    uint64_t format;
    struct ots_slice rows;
    struct ots_slice next_token;
};

static enum ots_status read_page(struct ots_slice body, bool is_scan, struct page *page)
{
    const uint64_t format_number = is_scan ? 1 : 0;
    const uint64_t rows_number = format_number + 1;
    bool has_rows = false;
    *page = (struct page){.format = OTS__WIRE__ROW_FORMAT__PLAIN_BUFFER};
    while (body.size) {
        struct ots_proto_field field;
        if (ots_proto_field_take(&body, &field) != OTS_OK)
            return OTS_CORRUPT;
        bool is_format = is_scan && field.number == format_number;
        bool is_rows = field.number == rows_number;
        bool is_token = field.number == rows_number + 1;
        if ((is_format && !field.has_value) || ((is_rows || is_token) && !field.bytes.data))
            return OTS_CORRUPT;
        if (is_format)
            page->format = field.value;
        else if (is_rows)
            page->rows = field.bytes;
        else if (is_token)
            page->next_token = field.bytes;
        has_rows |= is_rows;
    }
    return has_rows ? OTS_OK : OTS_CORRUPT;
}

/* Rows and token borrow from `body`. */
static enum ots_status decode_page(struct ots_slice body, struct ots_call *call,
                                   struct ots_error *err)
{
    struct page page;
    if (read_page(body, call->action == OTS_ACTION_SCAN, &page) != OTS_OK)
        return ots_error_set(err, OTS_CORRUPT, "malformed response");
    if (page.format != OTS__WIRE__ROW_FORMAT__PLAIN_BUFFER)
        return ots_error_set(err, OTS_CORRUPT, "the response has rows of serialization type %d",
                             (int)page.format);
    call->response.page.next_token = page.next_token;
    return ots_tsrows_decode(page.rows, &call->arena, &call->response.page.rows, err);
}

static enum ots_status decode_query_meta(struct ots_slice body, struct ots_call *call,
                                         struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = unpack(&ots__wire__meta_page__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__MetaPage *page = unpacked;
    struct ots_timeline_meta *metas = ots_arena_array(&call->arena, page->n_metas, sizeof(*metas));
    if (!metas)
        return OTS_NOMEM;
    for (size_t i = 0; i < page->n_metas && status == OTS_OK; i++)
        status = ots_convert_meta_in(page->metas[i], &call->arena, &metas[i], err);
    call->response.query_meta = (struct ots_query_meta_response){
        .metas = metas,
        .count = page->n_metas,
        .total_hit = page->has_total_hit ? page->total_hit : -1,
        .next_token = ots_proto_slice(page->next_token),
    };
    return status;
}

static enum ots_status decode_split(struct ots_slice body, struct ots_call *call,
                                    struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = unpack(&ots__wire__splits__descriptor, body, call, &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__Splits *message = unpacked;
    struct ots_slice *splits = ots_arena_array(&call->arena, message->n_splits, sizeof(*splits));
    if (!splits)
        return OTS_NOMEM;
    for (size_t i = 0; i < message->n_splits; i++)
        splits[i] = ots_proto_slice(message->splits[i]);
    call->response.split.splits = splits;
    call->response.split.count = message->n_splits;
    return OTS_OK;
}

static enum ots_status (*const decoders[OTS_ACTION_COUNT])(struct ots_slice body,
                                                           struct ots_call *call,
                                                           struct ots_error *err) = {
    [OTS_ACTION_CREATE_TABLE] = decode_nothing,
    [OTS_ACTION_LIST_TABLES] = decode_list_tables,
    [OTS_ACTION_DESCRIBE_TABLE] = decode_describe_table,
    [OTS_ACTION_DELETE_TABLE] = decode_nothing,
    [OTS_ACTION_PUT] = decode_put,
    [OTS_ACTION_GET] = decode_page,
    [OTS_ACTION_QUERY_META] = decode_query_meta,
    [OTS_ACTION_SPLIT] = decode_split,
    [OTS_ACTION_SCAN] = decode_page,
    [OTS_ACTION_LIST_STREAMS] = ots_stream_response_decode,
    [OTS_ACTION_DESCRIBE_STREAM] = ots_stream_response_decode,
    [OTS_ACTION_SHARD_ITERATOR] = ots_stream_response_decode,
    [OTS_ACTION_STREAM_RECORDS] = ots_stream_response_decode,
    [OTS_ACTION_UPDATE_TABLE] = decode_nothing,
    [OTS_ACTION_UPDATE_META] = ots_decode_change_meta,
    [OTS_ACTION_DELETE_META] = ots_decode_change_meta,
};

/* The body lives as long as the call's arena. */
static enum ots_status decode(struct ots_slice body, struct ots_call *call, struct ots_error *err)
{
    memset(&call->response, 0, sizeof(call->response));
    if (!decoders[call->action])
        return ots_error_set(err, OTS_UNSUPPORTED, "%s is not called from here",
                             ots_action_name(call->action));
    enum ots_status status = decoders[call->action](body, call, err);
    if (status == OTS_NOMEM)
        return ots_error_set(err, status, "no memory to decode a response");
    /* What is invalid in a caller's hands is damage in the service's. */
    if (status == OTS_INVALID && err)
        err->status = OTS_CORRUPT;
    return status == OTS_INVALID ? OTS_CORRUPT : status;
}

static bool has_page(const struct ots_call *call)
{
    return call->action == OTS_ACTION_GET || call->action == OTS_ACTION_SCAN;
}

enum ots_status ots_response_decode(struct ots_slice body, struct ots_call *call,
                                    struct ots_error *err)
{
    if (has_page(call) && ots_arena_copy(&call->arena, body, &body) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory to decode a response");
    return decode(body, call, err);
}

enum ots_status ots_response_take(struct ots_buf *body, struct ots_call *call,
                                  struct ots_error *err)
{
    struct ots_slice bytes = ots_buf_slice(body);
    if (has_page(call) && ots_arena_adopt(&call->arena, body) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory to decode a response");
    return decode(bytes, call, err);
}
