#include "tests/unit/hex.h"
#include "tests/unit/wide_fixture.h"

#include "backend/wire/messages.h"
#include "backend/wire/plainbuf.h"
#include "backend/wire/proto.h"
#include "backend/wire/wide.h"
#include "backend/wire/wide.pb-c.h"

/* Made by the Java SDK: a key of three INF_MIN, a row to put, and the deletion of that row. */
#define KEY_HEX                                                                                    \
    "750000000103040800000053747265616d49640501000000090ad403040a000000537461747573547970650501"   \
    "000000090acc03040b00000053746174757356616c75650501000000090a08094a"
#define ROW_KEY_HEX                                                                                \
    "750000000103040800000053747265616d496405060000000301000000730ac303040a00000053746174757354"   \
    "797065051d0000000318000000436865636b706f696e74466f7244617461785265616465720a6b03040b000000"   \
    "53746174757356616c75650519000000031400000020202031363832323433343030303030097368310abf"
#define PUT_HEX                                                                                    \
    ROW_KEY_HEX                                                                                    \
    "0203040700000056657273696f6e05060000000301000000760ab703040a000000436865636b706f696e740507"   \
    "000000030200000069740acf030409000000536b6970436f756e7405090000000000000000000000000aa4095d"
#define DELETE_HEX ROW_KEY_HEX "080932"

struct exchange {
    struct ots_call call;
    struct ots_buf rows[2];
    struct ots_buf body;
    struct ots_error err;
};

static int setup(void **state)
{
    struct exchange *exchange = calloc(1, sizeof(*exchange));
    assert_non_null(exchange);
    *state = exchange;
    return 0;
}

static int teardown(void **state)
{
    struct exchange *exchange = *state;
    ots_call_deinit(&exchange->call);
    ots_buf_deinit(&exchange->rows[0]);
    ots_buf_deinit(&exchange->rows[1]);
    ots_buf_deinit(&exchange->body);
    free(exchange);
    return 0;
}

/* The bytes of a row of the request, kept in place `at`. */
static ProtobufCBinaryData row_hex(struct exchange *exchange, size_t at, const char *hex)
{
    ots_buf_deinit(&exchange->rows[at]);
    exchange->rows[at] = test_hex(hex);
    return ots_proto_bytes(ots_buf_slice(&exchange->rows[at]));
}

static enum ots_status decode(struct exchange *exchange, enum ots_action action,
                              const void *message)
{
    ots_call_deinit(&exchange->call);
    ots_call_init(&exchange->call, action);
    ots_buf_reset(&exchange->body);
    assert_int_equal(ots_proto_pack(message, &exchange->body), OTS_OK);
    return ots_request_decode(ots_buf_slice(&exchange->body), &exchange->call, &exchange->err);
}

/* ---- requests ---- */

struct write_message {
    Ots__Wide__WriteRow write;
    Ots__Wide__Condition condition;
    Ots__Wide__ReturnContent returned;
};

static void write_message_init(struct write_message *message, ProtobufCBinaryData row)
{
    *message = (struct write_message){
        .write = OTS__WIDE__WRITE_ROW__INIT,
        .condition = OTS__WIDE__CONDITION__INIT,
        .returned = OTS__WIDE__RETURN_CONTENT__INIT,
    };
    message->write.table = ots_proto_bytes(OTS_SLICE("status"));
    message->write.row = row;
    message->write.condition = &message->condition;
}

static void test_put_row(void **state)
{
    struct exchange *exchange = *state;
    struct write_message message;
    write_message_init(&message, row_hex(exchange, 0, PUT_HEX));
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_OK);
    const struct ots_wide_write_request *request = &exchange->call.request.wide.write;
    const struct ots_plain_row *row = &request->write.row;
    assert_true(ots_slice_equal(request->table, OTS_SLICE("status")));
    assert_int_equal(request->write.operation, OTS_WIDE_PUT);
    assert_int_equal(request->write.expectation, OTS_EXPECT_NOTHING);
    assert_false(request->write.returns_key);
    assert_int_equal(row->key_count, 3);
    assert_true(ots_slice_equal(row->key[1].bytes, OTS_SLICE("CheckpointForDataxReader")));
    assert_true(ots_slice_equal(row->key[2].bytes, OTS_SLICE("   1682243400000\tsh1")));
    assert_int_equal(row->cell_count, 3);
    assert_true(ots_slice_equal(row->cells[1].bytes, OTS_SLICE("it")));
    assert_false(row->cells[1].has_timestamp);
    assert_int_equal(row->cells[2].type, OTS_CELL_INTEGER);
    message.condition.row_existence = 2;
    message.write.returned = &message.returned;
    OTS_PROTO_SET(&message.returned, type, 1);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_UPDATE_ROW, &message.write), OTS_OK);
    assert_int_equal(request->write.operation, OTS_WIDE_UPDATE);
    assert_int_equal(request->write.expectation, OTS_EXPECT_NO_ROW);
    assert_true(request->write.returns_key);
}

static void test_delete_row(void **state)
{
    struct exchange *exchange = *state;
    struct write_message message;
    write_message_init(&message, row_hex(exchange, 0, DELETE_HEX));
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_DELETE_ROW, &message.write), OTS_OK);
    assert_true(exchange->call.request.wide.write.write.row.is_delete);
    assert_int_equal(exchange->call.request.wide.write.write.row.cell_count, 0);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_INVALID);
    message.write.row = row_hex(exchange, 0, PUT_HEX);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_DELETE_ROW, &message.write), OTS_INVALID);
    assert_string_equal(exchange->err.message,
                        "Invalid request of delete row: missing RowDeleteMarker in request.");
}

static void test_refused_writes(void **state)
{
    struct exchange *exchange = *state;
    struct write_message message;
    write_message_init(&message, row_hex(exchange, 0, PUT_HEX));
    message.write.returned = &message.returned;
    OTS_PROTO_SET(&message.returned, type, 2);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_INVALID);
    message.returned.type = 0;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_OK);
    message.condition.row_existence = 3;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_INVALID);
    message.condition.row_existence = -1;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_INVALID);
    message.condition.row_existence = 0;
    OTS_PROTO_SET(&message.condition, column_condition, ots_proto_bytes(OTS_SLICE("x")));
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_INVALID);
    assert_string_equal(exchange->err.message, "A column condition is not supported.");
    message.condition.has_column_condition = false;
    OTS_PROTO_SET(&message.write, transaction, ots_proto_bytes(OTS_SLICE("x")));
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_INVALID);
}

/* No row, half a row, two rows, and what a stream's record has. */
static void test_malformed_rows(void **state)
{
    struct exchange *exchange = *state;
    struct write_message message;
    write_message_init(&message, row_hex(exchange, 0, ""));
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_CORRUPT);
    message.write.row = row_hex(exchange, 0, "75000000");
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_CORRUPT);
    message.write.row = row_hex(exchange, 0, ROW_KEY_HEX);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_CORRUPT);
    row_hex(exchange, 1, PUT_HEX);
    struct ots_buf two = test_hex(PUT_HEX);
    ots_buf_append(&two, exchange->rows[1].data + 4, exchange->rows[1].size - 4);
    message.write.row = ots_proto_bytes(ots_buf_slice(&two));
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_CORRUPT);
    ots_buf_reset(&two);
    const struct ots_cell key = wide_integer("n", 1);
    ots_plainbuf_header_append(&two);
    ots_plainbuf_row_append(&two, &(struct ots_plain_row){.key = &key, 1, .has_sequence = true});
    message.write.row = ots_proto_bytes(ots_buf_slice(&two));
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_CORRUPT);
    ots_buf_deinit(&two);
}

static void test_get_row(void **state)
{
    struct exchange *exchange = *state;
    Ots__Wide__GetRow get = OTS__WIDE__GET_ROW__INIT;
    Ots__Wide__TimeRange range = OTS__WIDE__TIME_RANGE__INIT;
    ProtobufCBinaryData columns[] = {ots_proto_bytes(OTS_SLICE("x")),
                                     ots_proto_bytes(OTS_SLICE("y"))};
    get.table = ots_proto_bytes(OTS_SLICE("status"));
    get.key = row_hex(exchange, 0, KEY_HEX);
    get.columns = columns;
    get.n_columns = 2;
    OTS_PROTO_SET(&get, max_versions, 1);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_ROW, &get), OTS_OK);
    const struct ots_wide_get_request *request = &exchange->call.request.wide.get;
    assert_int_equal(request->key.key_count, 3);
    assert_int_equal(request->key.key[2].type, OTS_CELL_INF_MIN);
    assert_int_equal(request->selection.column_count, 2);
    assert_true(ots_slice_equal(request->selection.columns[1], OTS_SLICE("y")));
    assert_true(request->selection.has_max_versions && !request->selection.has_range);
    get.range = &range;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_ROW, &get), OTS_INVALID);
    OTS_PROTO_SET(&range, only_ms, 7);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_ROW, &get), OTS_OK);
    assert_int_equal(request->selection.begin_ms, 7);
    assert_int_equal(request->selection.end_ms, 8);
    OTS_PROTO_SET(&range, begin_ms, 7);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_ROW, &get), OTS_INVALID);
    range.has_only_ms = false;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_ROW, &get), OTS_INVALID);
    OTS_PROTO_SET(&range, end_ms, 7);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_ROW, &get), OTS_INVALID);
    range.end_ms = 8;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_ROW, &get), OTS_OK);
    assert_true(request->selection.has_range);
    range.begin_ms = -1;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_ROW, &get), OTS_INVALID);
    get.range = NULL;
    OTS_PROTO_SET(&get, filter, ots_proto_bytes(OTS_SLICE("x")));
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_ROW, &get), OTS_INVALID);
    get.has_filter = false;
    OTS_PROTO_SET(&get, start_column, ots_proto_bytes(OTS_SLICE("")));
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_ROW, &get), OTS_INVALID);
    get.has_start_column = false;
    get.key = row_hex(exchange, 0, PUT_HEX);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_ROW, &get), OTS_INVALID);
    get.key = row_hex(exchange, 0, DELETE_HEX);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_ROW, &get), OTS_INVALID);
}

static void test_get_range(void **state)
{
    struct exchange *exchange = *state;
    Ots__Wide__GetRange get = OTS__WIDE__GET_RANGE__INIT;
    get.table = ots_proto_bytes(OTS_SLICE("status"));
    get.start = row_hex(exchange, 0, KEY_HEX);
    get.end = row_hex(exchange, 1, ROW_KEY_HEX "095d");
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_RANGE, &get), OTS_CORRUPT);
    get.end = row_hex(exchange, 1, KEY_HEX);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_RANGE, &get), OTS_OK);
    const struct ots_wide_range_request *request = &exchange->call.request.wide.range;
    assert_false(request->is_backward);
    assert_false(request->has_limit);
    assert_int_equal(request->start.key_count, 3);
    get.direction = 1;
    OTS_PROTO_SET(&get, limit, -5);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_RANGE, &get), OTS_OK);
    assert_true(request->is_backward);
    assert_true(request->has_limit);
    assert_int_equal(request->limit, -5);
    get.direction = 2;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_RANGE, &get), OTS_INVALID);
    get.direction = 0;
    OTS_PROTO_SET(&get, token, ots_proto_bytes(OTS_SLICE("x")));
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_GET_RANGE, &get), OTS_INVALID);
}

static void test_batch_write(void **state)
{
    struct exchange *exchange = *state;
    Ots__Wide__BatchWriteRow batch = OTS__WIDE__BATCH_WRITE_ROW__INIT;
    Ots__Wide__BatchWriteTable table = OTS__WIDE__BATCH_WRITE_TABLE__INIT;
    Ots__Wide__BatchWriteTable *tables[] = {&table};
    Ots__Wide__Condition condition = OTS__WIDE__CONDITION__INIT;
    Ots__Wide__BatchWrite writes[2] = {OTS__WIDE__BATCH_WRITE__INIT, OTS__WIDE__BATCH_WRITE__INIT};
    Ots__Wide__BatchWrite *pointers[] = {&writes[0], &writes[1]};
    for (int i = 0; i < 2; i++) {
        writes[i].operation = i ? 3 : 1;
        writes[i].condition = &condition;
        writes[i].row = row_hex(exchange, (size_t)i, i ? DELETE_HEX : PUT_HEX);
    }
    table.table = ots_proto_bytes(OTS_SLICE("status"));
    table.writes = pointers;
    table.n_writes = 2;
    batch.tables = tables;
    batch.n_tables = 1;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_BATCH_WRITE, &batch), OTS_OK);
    const struct ots_wide_batch_write_request *request = &exchange->call.request.wide.batch_write;
    assert_int_equal(request->table_count, 1);
    assert_int_equal(request->tables[0].write_count, 2);
    assert_int_equal(request->tables[0].writes[0].row.cell_count, 3);
    assert_int_equal(request->tables[0].writes[1].operation, OTS_WIDE_DELETE);
    writes[0].operation = 4;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_BATCH_WRITE, &batch), OTS_INVALID);
    writes[0].operation = 2;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_BATCH_WRITE, &batch), OTS_OK);
    OTS_PROTO_SET(&batch, is_atomic, true);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_BATCH_WRITE, &batch), OTS_INVALID);
}

static void test_create_request(void **state)
{
    struct exchange *exchange = *state;
    Ots__Wide__CreateTable create = OTS__WIDE__CREATE_TABLE__INIT;
    Ots__Wide__TableMeta meta = OTS__WIDE__TABLE_META__INIT;
    Ots__Wide__KeyColumn key = OTS__WIDE__KEY_COLUMN__INIT;
    Ots__Wide__KeyColumn *keys[] = {&key};
    Ots__Wide__StreamSpec stream = OTS__WIDE__STREAM_SPEC__INIT;
    ProtobufCBinaryData index = ots_proto_bytes(OTS_SLICE("x"));
    meta.name = ots_proto_bytes(OTS_SLICE("status"));
    meta.key = keys;
    meta.n_key = 1;
    key.name = ots_proto_bytes(OTS_SLICE("StreamId"));
    key.type = 2;
    create.meta = &meta;
    create.stream = &stream;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_CREATE, &create), OTS_OK);
    const struct ots_wide_meta *read = &exchange->call.request.wide.create.meta;
    assert_int_equal(read->max_versions, 1);
    assert_int_equal(read->time_to_live_s, -1);
    assert_int_equal(read->key[0].type, OTS_KEY_STRING);
    stream.enable = true;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_CREATE, &create), OTS_INVALID);
    create.stream = NULL;
    create.indexes = &index;
    create.n_indexes = 1;
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_CREATE, &create), OTS_INVALID);
    create.n_indexes = 0;
    OTS_PROTO_SET(&key, option, 1);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_CREATE, &create), OTS_INVALID);
    key.has_option = false;
    OTS_PROTO_SET(&create, local_transactions, true);
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_CREATE, &create), OTS_INVALID);
}

/* ---- responses ---- */

static struct ots_slice encode(struct exchange *exchange)
{
    ots_buf_reset(&exchange->body);
    assert_int_equal(ots_response_encode(&exchange->call, NULL, &exchange->body, &exchange->err),
                     OTS_OK);
    return ots_buf_slice(&exchange->body);
}

/* Read back a row whose bytes the Java SDK made, and answer it: the same bytes. */
static void test_row_response(void **state)
{
    struct exchange *exchange = *state;
    struct write_message message;
    write_message_init(&message, row_hex(exchange, 0, PUT_HEX));
    assert_int_equal(decode(exchange, OTS_ACTION_WIDE_PUT_ROW, &message.write), OTS_OK);
    struct ots_wide_row_response *response = &exchange->call.response.wide.row;
    const struct ots_plain_row row = exchange->call.request.wide.write.write.row;
    exchange->call.action = OTS_ACTION_WIDE_GET_ROW;
    response->consumed.read = 1;
    test_assert_hex(encode(exchange), "0a060a04080110001200");
    response->has_row = true;
    response->row = row;
    struct ots_slice body = encode(exchange);
    /* consumed:8, tag:1, length:2, row */
    test_assert_hex(ots_slice(body.data + 11, body.size - 11), PUT_HEX);
    exchange->call.action = OTS_ACTION_WIDE_PUT_ROW;
    response->has_row = false;
    test_assert_hex(encode(exchange), "0a060a0408011000");
}

static void test_range_response(void **state)
{
    struct exchange *exchange = *state;
    struct ots_wide_range_response *response = &exchange->call.response.wide.range;
    const struct ots_cell key[] = {wide_infinite("StreamId", OTS_CELL_INF_MIN),
                                   wide_infinite("StatusType", OTS_CELL_INF_MIN),
                                   wide_infinite("StatusValue", OTS_CELL_INF_MIN)};
    exchange->call.action = OTS_ACTION_WIDE_GET_RANGE;
    test_assert_hex(encode(exchange), "0a060a04080010001200");
    const struct ots_plain_row row = {.key = key, .key_count = 3};
    response->rows = &row;
    response->row_count = 1;
    response->next = row;
    test_assert_hex(encode(exchange), "0a060a0408001000"
                                      "124e" KEY_HEX "1a4e" KEY_HEX);
}

static void test_describe_response(void **state)
{
    struct exchange *exchange = *state;
    struct ots_wide_describe_response *response = &exchange->call.response.wide.describe;
    const struct ots_field_key key = {OTS_SLICE("k"), OTS_KEY_BINARY};
    const struct ots_defined_column column = {OTS_SLICE("c"), 4};
    exchange->call.action = OTS_ACTION_WIDE_DESCRIBE;
    response->meta = OTS_WIDE_META_DEFAULT;
    response->meta.name = OTS_SLICE("t");
    response->meta.key = &key;
    response->meta.key_count = 1;
    response->meta.columns = &column;
    response->meta.column_count = 1;
    response->created_us = 2000000;
    test_assert_hex(encode(exchange), "0a110a01741205"
                                      "0a016b10031a050a01631004"
                                      "12080a04080010001002"
                                      "1a1308ffffffffffffffffff01100128"
                                      "80a3053001"
                                      "20012a0208004880897a");
}

static void test_batch_response(void **state)
{
    struct exchange *exchange = *state;
    struct ots_wide_row_response rows[2] = {
        {.code = OTS_SLICE("C"), .message = OTS_SLICE("m")},
        {.consumed = {.write = 1}},
    };
    const struct ots_wide_batch_table_response table = {OTS_SLICE("t"), rows, 2};
    exchange->call.action = OTS_ACTION_WIDE_BATCH_WRITE;
    exchange->call.response.wide.batch.tables = &table;
    exchange->call.response.wide.batch.table_count = 1;
    test_assert_hex(encode(exchange), "0a1b0a0174"
                                      "120a0800"
                                      "12060a0143"
                                      "12016d"
                                      "120a0801"
                                      "1a060a0408001001");
}

/* ---- updates: bodies made by the Python SDK 6.4.8, or by its messages where it has no call ----
 */

static enum ots_status decode_update(struct exchange *exchange, const char *hex)
{
    ots_call_deinit(&exchange->call);
    ots_call_init(&exchange->call, OTS_ACTION_WIDE_UPDATE_TABLE);
    ots_buf_deinit(&exchange->body);
    exchange->body = test_hex(hex);
    return ots_request_decode(ots_buf_slice(&exchange->body), &exchange->call, &exchange->err);
}

static void test_update_request(void **state)
{
    struct exchange *exchange = *state;
    const struct ots_wide_update_request *request = &exchange->call.request.wide.update;
    assert_int_equal(
        decode_update(exchange, "0a0673746174757312060a04080010001a0b08809a9e0110032880a305"),
        OTS_OK);
    assert_true(ots_slice_equal(request->table, OTS_SLICE("status")));
    assert_true(request->has_time_to_live && request->has_max_versions && request->has_deviation);
    assert_int_equal(request->time_to_live_s, 2592000);
    assert_int_equal(request->max_versions, 3);
    assert_int_equal(request->deviation_s, 86400);
    assert_false(request->has_allow_update);
    assert_int_equal(decode_update(exchange, "0a067374617475731a0b08ffffffffffffffffff01"), OTS_OK);
    assert_true(request->has_time_to_live);
    assert_int_equal(request->time_to_live_s, OTS_TTL_FOREVER);
    assert_false(request->has_max_versions || request->has_deviation);
    assert_int_equal(decode_update(exchange, "0a067374617475731a0c0880a30510022880a3053000"),
                     OTS_OK);
    assert_true(request->has_allow_update);
    assert_false(request->allow_update);
    /* Throughput alone, and a stream switched off, change nothing. */
    assert_int_equal(decode_update(exchange, "0a0673746174757312040a020805"), OTS_OK);
    assert_false(request->has_time_to_live || request->has_max_versions);
    assert_int_equal(decode_update(exchange, "0a0673746174757322020800"), OTS_OK);
}

static void test_refused_updates(void **state)
{
    struct exchange *exchange = *state;
    static const char *const refused[] = {
        "0a06737461747573",             /* nothing to update */
        "0a067374617475731a00",         /* no option */
        "0a0673746174757312020a00",     /* no unit */
        "0a06737461747573220408011018", /* a stream */
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
        assert_int_equal(decode_update(exchange, refused[i]), OTS_INVALID);
    assert_int_equal(decode_update(exchange, "0a0673746174757312"), OTS_CORRUPT);
    assert_int_equal(decode_update(exchange, "1a0b08ffffffffffffffffff01"), OTS_CORRUPT);
}

static void test_update_response(void **state)
{
    struct exchange *exchange = *state;
    exchange->call.action = OTS_ACTION_WIDE_UPDATE_TABLE;
    exchange->call.response.wide.describe.meta = OTS_WIDE_META_DEFAULT;
    exchange->call.response.wide.describe.created_us = 2000000;
    test_assert_hex(encode(exchange), "0a080a04080010001002"
                                      "121308ffffffffffffffffff01100128"
                                      "80a3053001"
                                      "1a020800");
}

static void test_kept_table(void **state)
{
    struct exchange *exchange = *state;
    const struct ots_field_key key[] = {{OTS_SLICE("k"), OTS_KEY_BINARY},
                                        {OTS_SLICE("n"), OTS_KEY_INTEGER}};
    struct ots_wide_meta meta = {.name = OTS_SLICE("t"),
                                 .key = key,
                                 .key_count = 2,
                                 .time_to_live_s = 86400,
                                 .max_versions = 7,
                                 .deviation_s = 5};
    struct ots_wide_meta read;
    ots_wide_meta_append(&exchange->body, &meta);
    assert_int_equal(ots_buf_status(&exchange->body), OTS_OK);
    ots_call_init(&exchange->call, OTS_ACTION_WIDE_CREATE);
    assert_int_equal(ots_wide_meta_decode(ots_buf_slice(&exchange->body), &exchange->call.arena,
                                          &read, &exchange->err),
                     OTS_OK);
    assert_int_equal(read.key_count, 2);
    assert_int_equal(read.time_to_live_s, 86400);
    assert_int_equal(read.max_versions, 7);
    assert_int_equal(read.deviation_s, 5);
    assert_false(read.allow_update);
    assert_int_equal(
        ots_wide_meta_decode(OTS_SLICE("\x0a\x05"), &exchange->call.arena, &read, &exchange->err),
        OTS_CORRUPT);
}

/* The client does not make these calls. */
static void test_the_other_directions(void **state)
{
    struct exchange *exchange = *state;
    ots_call_init(&exchange->call, OTS_ACTION_WIDE_GET_ROW);
    assert_int_equal(
        ots_request_encode(&exchange->call, OTS_PUT_PLAIN, &exchange->body, &exchange->err),
        OTS_UNSUPPORTED);
    assert_int_equal(ots_response_decode(OTS_SLICE(""), &exchange->call, &exchange->err),
                     OTS_UNSUPPORTED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_put_row),           TEST(test_delete_row),
        TEST(test_refused_writes),    TEST(test_malformed_rows),
        TEST(test_get_row),           TEST(test_get_range),
        TEST(test_batch_write),       TEST(test_create_request),
        TEST(test_row_response),      TEST(test_range_response),
        TEST(test_describe_response), TEST(test_batch_response),
        TEST(test_kept_table),        TEST(test_the_other_directions),
        TEST(test_update_request),    TEST(test_refused_updates),
        TEST(test_update_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
