/*
 * Bodies of the stream actions. The records are those that the Java SDK was seen to understand; the
 * messages around them are written from the table of their fields.
 */
#include "backend/wire/messages.h"

#include "backend/wire/plainbuf.h"
#include "backend/wire/tsrows.h"
#include "tests/unit/hex.h"
#include "tests/unit/make_rows.h"
#include "tests/unit/mangle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define KEY_CELLS                                                                                  \
    "75000000010304030000005f23680507000000030200000031660ac30304070000005f6d5f6e616d6505080000"   \
    "0003030000006370750ac303040c0000005f646174615f736f757263650507000000030200000068310ac50304"   \
    "050000005f74616773050d00000003080000005b22617a3d61225d0a0a0304050000005f74696d650509000000"   \
    "0000401e18240a06000a1d"

static const char put_record[] =
    KEY_CELLS "02030403000000643a64050900000001000000000000f83f070068e5cf8b0100000a"
              "13030403000000693a6c0509000000000700000000000000070068e5cf8b0100000aac0b180000000c13"
              "0000000d000000000e40222018240a06000f030000000957";
static const char delete_record[] =
    KEY_CELLS "080b180000000c130000000d000000000e41222018240a06000f0000000009c2";

static enum ots_status decode_request(enum ots_action action, const char *hex,
                                      struct ots_call *call)
{
    struct ots_error err = {.status = OTS_OK};
    struct ots_buf body = test_hex(hex);
    ots_call_init(call, action);
    enum ots_status status = ots_request_decode(ots_buf_slice(&body), call, &err);
    assert_int_equal(err.status, status);
    ots_buf_deinit(&body);
    return status;
}

static enum ots_status decode_response(enum ots_action action, const char *hex,
                                       struct ots_call *call)
{
    struct ots_error err = {.status = OTS_OK};
    struct ots_buf body = test_hex(hex);
    ots_call_init(call, action);
    enum ots_status status = ots_response_decode(ots_buf_slice(&body), call, &err);
    assert_int_equal(err.status, status);
    ots_buf_deinit(&body);
    return status;
}

static void assert_request_refused(enum ots_action action, const char *hex,
                                   enum ots_status expected)
{
    struct ots_call call;
    assert_int_equal(decode_request(action, hex, &call), expected);
    ots_call_deinit(&call);
}

static void assert_response_refused(enum ots_action action, const char *hex)
{
    struct ots_call call;
    assert_int_equal(decode_response(action, hex, &call), OTS_CORRUPT);
    ots_call_deinit(&call);
}

/* The request must have these bytes, and they must give it back. */
static void assert_request(struct ots_call *call, const char *hex)
{
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_buf second = OTS_BUF_INIT;
    struct ots_call back;
    assert_int_equal(ots_request_encode(call, OTS_PUT_PLAIN, &body, NULL), OTS_OK);
    test_assert_hex(ots_buf_slice(&body), hex);
    assert_int_equal(decode_request(call->action, hex, &back), OTS_OK);
    assert_int_equal(ots_request_encode(&back, OTS_PUT_PLAIN, &second, NULL), OTS_OK);
    test_assert_hex(ots_buf_slice(&second), hex);
    ots_call_deinit(&back);
    ots_buf_deinit(&body);
    ots_buf_deinit(&second);
}

static void assert_response(struct ots_call *call, const char *hex)
{
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_buf second = OTS_BUF_INIT;
    struct ots_call back;
    assert_int_equal(ots_response_encode(call, NULL, &body, NULL), OTS_OK);
    test_assert_hex(ots_buf_slice(&body), hex);
    assert_int_equal(decode_response(call->action, hex, &back), OTS_OK);
    assert_int_equal(ots_response_encode(&back, NULL, &second, NULL), OTS_OK);
    test_assert_hex(ots_buf_slice(&second), hex);
    ots_call_deinit(&back);
    ots_buf_deinit(&body);
    ots_buf_deinit(&second);
}

static void test_requests(void **state)
{
    (void)state;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_LIST_STREAMS);
    assert_request(&call, "");
    call.request.list_streams.table = OTS_SLICE("t1");
    assert_request(&call, "0a027431");
    ots_call_init(&call, OTS_ACTION_DESCRIBE_STREAM);
    call.request.describe_stream.stream = OTS_SLICE("s");
    assert_request(&call, "0a0173");
    call.request.describe_stream.first_shard = OTS_SLICE("h");
    call.request.describe_stream.shard_limit = 3;
    call.request.describe_stream.accepts_timeseries = true;
    assert_request(&call, "0a0173 120168 1803 2001");
    ots_call_init(&call, OTS_ACTION_SHARD_ITERATOR);
    call.request.shard_iterator.stream = OTS_SLICE("s");
    call.request.shard_iterator.shard = OTS_SLICE("h");
    assert_request(&call, "0a0173 120168");
    call.request.shard_iterator.has_timestamp = true;
    assert_request(&call, "0a0173 120168 1800");
    call.request.shard_iterator.timestamp_us = 300;
    call.request.shard_iterator.token = OTS_SLICE("k");
    assert_request(&call, "0a0173 120168 18ac02 22016b");
    ots_call_init(&call, OTS_ACTION_STREAM_RECORDS);
    call.request.stream_records.iterator = OTS_SLICE("i");
    assert_request(&call, "0a0169");
    call.request.stream_records.limit = 7;
    call.request.stream_records.table = OTS_SLICE("t");
    assert_request(&call, "0a0169 1007 1a0174");
}

static void test_requests_refused(void **state)
{
    (void)state;
    assert_request_refused(OTS_ACTION_LIST_STREAMS, "0a05", OTS_CORRUPT);
    assert_request_refused(OTS_ACTION_DESCRIBE_STREAM, "", OTS_CORRUPT);
    assert_request_refused(OTS_ACTION_DESCRIBE_STREAM, "0a0173 1800", OTS_INVALID);
    assert_request_refused(OTS_ACTION_DESCRIBE_STREAM, "0a0173 18ffffffffffffffffff01",
                           OTS_INVALID);
    assert_request_refused(OTS_ACTION_SHARD_ITERATOR, "0a0173", OTS_CORRUPT);
    assert_request_refused(OTS_ACTION_STREAM_RECORDS, "1001", OTS_CORRUPT);
    assert_request_refused(OTS_ACTION_STREAM_RECORDS, "0a0169 1000", OTS_INVALID);
}

static void test_responses(void **state)
{
    (void)state;
    struct ots_call call;
    const struct ots_stream_info streams[] = {{OTS_SLICE("s"), OTS_SLICE("t"), 300},
                                              {OTS_SLICE("s2"), OTS_SLICE("t"), 5}};
    const struct ots_shard shards[] = {{OTS_SLICE("a"), OTS_SLICE(""), OTS_SLICE("")},
                                       {OTS_SLICE("b"), OTS_SLICE("a"), OTS_SLICE("c")}};
    ots_call_init(&call, OTS_ACTION_LIST_STREAMS);
    assert_response(&call, "");
    call.response.list_streams = (struct ots_list_streams_response){streams, 2};
    assert_response(&call, "0a09 0a0173 120174 18ac02 0a09 0a027332 120174 1805");
    ots_call_init(&call, OTS_ACTION_DESCRIBE_STREAM);
    call.response.describe_stream = (struct ots_describe_stream_response){
        .info = streams[0],
        .status = OTS_STREAM_ACTIVE,
        .expiration_hours = 168,
        .is_timeseries = true,
        .shards = shards,
        .shard_count = 2,
        .next_shard = OTS_SLICE("d"),
    };
    assert_response(&call, "0a0173 10a801 1a0174 20ac02 2802 3203 0a0161 3209 0a0162 120161 1a0163"
                           "3a0164 4001");
    ots_call_init(&call, OTS_ACTION_SHARD_ITERATOR);
    assert_response(&call, "0a00");
    call.response.shard_iterator.iterator = OTS_SLICE("i");
    call.response.shard_iterator.next_token = OTS_SLICE("k");
    assert_response(&call, "0a0169 12016b");
    ots_call_init(&call, OTS_ACTION_STREAM_RECORDS);
    assert_response(&call, "");
    call.response.stream_records.next_iterator = OTS_SLICE("n");
    call.response.stream_records.has_may_more = true;
    assert_response(&call, "12016e 2000");
}

static void test_responses_refused(void **state)
{
    (void)state;
    assert_response_refused(OTS_ACTION_LIST_STREAMS, "0a03 0a0173");
    assert_response_refused(OTS_ACTION_DESCRIBE_STREAM, "0a0173");
    assert_response_refused(OTS_ACTION_DESCRIBE_STREAM, "0a0173 10a801 1a0174 2005 2803");
    assert_response_refused(OTS_ACTION_SHARD_ITERATOR, "");
    assert_response_refused(OTS_ACTION_STREAM_RECORDS, "0a02 0801");
    assert_response_refused(OTS_ACTION_STREAM_RECORDS, "0a04 08041200");
    assert_response_refused(OTS_ACTION_STREAM_RECORDS, "0a04 08011200");
    assert_response_refused(OTS_ACTION_STREAM_RECORDS, "0a08 0801 1204 75000000");
}

static void assert_key(const struct ots_series_key *key)
{
    assert_true(ots_slice_equal(key->measurement, OTS_SLICE("cpu")));
    assert_true(ots_slice_equal(key->data_source, OTS_SLICE("h1")));
    assert_int_equal(key->tag_count, 1);
    assert_true(ots_slice_equal(key->tags[0].name, OTS_SLICE("az")));
}

/* As the SDK takes them; the keys' cells are equal, so both rows share one key. */
static void test_records(void **state)
{
    (void)state;
    struct ots_call call;
    struct ots_buf hex = OTS_BUF_INIT;
    ots_buf_append_str(&hex, "0afb01 0801 12f601");
    ots_buf_append_str(&hex, put_record);
    ots_buf_append_str(&hex, "0ab701 0803 12b201");
    ots_buf_append_str(&hex, delete_record);
    ots_buf_append_str(&hex, "12016e 2001");
    ots_buf_append_byte(&hex, 0);
    assert_int_equal(decode_response(OTS_ACTION_STREAM_RECORDS, (const char *)hex.data, &call),
                     OTS_OK);
    const struct ots_stream_records_response *page = &call.response.stream_records;
    assert_int_equal(page->count, 2);
    assert_true(ots_slice_equal(page->next_iterator, OTS_SLICE("n")));
    assert_true(page->has_may_more && page->may_more);
    const struct ots_stream_record *put = &page->records[0];
    assert_int_equal(put->type, OTS_CHANGE_PUT);
    assert_int_equal(put->sequence.epoch, 0);
    assert_int_equal(put->sequence.timestamp_us, 1700000000123456);
    assert_int_equal(put->sequence.row_index, 3);
    assert_key(put->row.key);
    assert_int_equal(put->row.time_us, 1700000000000000);
    assert_int_equal(put->row.field_count, 2);
    assert_true(ots_slice_equal(put->row.fields[0].name, OTS_SLICE("d")));
    assert_true(put->row.fields[0].value.real == 1.5);
    assert_true(ots_slice_equal(put->row.fields[1].name, OTS_SLICE("i")));
    assert_int_equal(put->row.fields[1].value.integer, 7);
    const struct ots_stream_record *deleted = &page->records[1];
    assert_int_equal(deleted->type, OTS_CHANGE_DELETE);
    assert_int_equal(deleted->sequence.timestamp_us, 1700000000123457);
    assert_ptr_equal(deleted->row.key, put->row.key);
    assert_int_equal(deleted->row.field_count, 0);
    ots_call_deinit(&call);
    ots_buf_deinit(&hex);
}

static enum ots_status decode_record(const char *hex, enum ots_change_type type)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_stream_record record = {.type = type};
    struct ots_buf bytes = test_hex(hex);
    const struct ots_slice input = ots_buf_slice(&bytes);
    enum ots_status status = ots_tsrows_decode_records(&input, 1, &arena, &record, NULL);
    ots_buf_deinit(&bytes);
    ots_arena_deinit(&arena);
    return status;
}

static void test_records_refused(void **state)
{
    (void)state;
    assert_int_equal(decode_record(put_record, OTS_CHANGE_PUT), OTS_OK);
    assert_int_equal(decode_record(put_record, OTS_CHANGE_UPDATE), OTS_OK);
    assert_int_equal(decode_record(delete_record, OTS_CHANGE_DELETE), OTS_OK);
    assert_int_equal(decode_record(put_record, OTS_CHANGE_DELETE), OTS_CORRUPT);
    assert_int_equal(decode_record(delete_record, OTS_CHANGE_PUT), OTS_CORRUPT);
    assert_int_equal(decode_record("", OTS_CHANGE_PUT), OTS_CORRUPT);
    struct ots_buf two = OTS_BUF_INIT;
    ots_buf_append_str(&two, delete_record);
    ots_buf_append_str(&two, delete_record + 8);
    ots_buf_append_byte(&two, 0);
    assert_int_equal(decode_record((const char *)two.data, OTS_CHANGE_DELETE), OTS_CORRUPT);
    ots_buf_deinit(&two);
}

/* Right in its framing, so that it is refused for what it says. */
static enum ots_status decode_made(bool has_sequence, enum ots_cell_operation operation)
{
    const struct ots_cell key = {
        .name = OTS_SLICE("_time"), .type = OTS_CELL_INTEGER, .integer = 5};
    const struct ots_cell cell = {.name = OTS_SLICE("n:i"),
                                  .type = operation ? OTS_CELL_NO_VALUE : OTS_CELL_INTEGER,
                                  .operation = operation};
    const struct ots_plain_row row = {
        .key = &key, .key_count = 1, .cells = &cell, .cell_count = 1, .has_sequence = has_sequence};
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_stream_record record = {.type = OTS_CHANGE_UPDATE};
    struct ots_buf bytes = OTS_BUF_INIT;
    ots_plainbuf_header_append(&bytes);
    ots_plainbuf_row_append(&bytes, &row);
    const struct ots_slice input = ots_buf_slice(&bytes);
    enum ots_status status = ots_tsrows_decode_records(&input, 1, &arena, &record, NULL);
    ots_buf_deinit(&bytes);
    ots_arena_deinit(&arena);
    return status;
}

static void test_records_made(void **state)
{
    (void)state;
    assert_int_equal(decode_made(true, OTS_CELL_PUT), OTS_OK);
    assert_int_equal(decode_made(false, OTS_CELL_PUT), OTS_CORRUPT);
    assert_int_equal(decode_made(true, OTS_CELL_DELETE_ALL_VERSIONS), OTS_CORRUPT);
}

/* What a record says is what the same row says that is no record, but for timestamps and sequence.
 */
static void test_records_encoded(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct test_random random = {11};
    struct ots_rows rows = test_make_rows(&random, &arena, 40);
    struct ots_stream_record records[40];
    struct ots_stream_record back[40];
    struct ots_slice inputs[40];
    size_t ends[40];
    struct ots_buf buf = OTS_BUF_INIT;
    for (uint32_t i = 0; i < 40; i++)
        records[i] = (struct ots_stream_record){
            i % 2 ? OTS_CHANGE_UPDATE : OTS_CHANGE_PUT, {i, 1000 + i, 3 * i}, rows.items[i]};
    assert_int_equal(ots_tsrows_encode_records(records, 40, NULL, &buf, ends), OTS_OK);
    for (size_t i = 0, start = 0; i < 40; start = ends[i++]) {
        inputs[i] = ots_slice(buf.data + start, ends[i] - start);
        back[i].type = records[i].type;
        struct ots_plainbuf_reader reader;
        struct ots_plain_row plain;
        bool has_row = false;
        assert_int_equal(ots_plainbuf_reader_init(&reader, inputs[i], NULL), OTS_OK);
        assert_int_equal(ots_plainbuf_read_row(&reader, &plain, &has_row, NULL), OTS_OK);
        assert_true(has_row && plain.has_sequence);
        for (size_t c = 0; c < plain.key_count; c++)
            assert_false(plain.key[c].has_timestamp);
        for (size_t c = 0; c < plain.cell_count; c++) {
            assert_true(plain.cells[c].has_timestamp);
            assert_int_equal(plain.cells[c].timestamp_ms, rows.items[i].time_us / 1000);
        }
        ots_plainbuf_reader_deinit(&reader);
    }
    assert_int_equal(ends[39], buf.size);
    assert_int_equal(ots_tsrows_decode_records(inputs, 40, &arena, back, NULL), OTS_OK);
    for (size_t i = 0; i < 40; i++) {
        assert_true(ots_row_equal(&back[i].row, &rows.items[i]));
        assert_memory_equal(&back[i].sequence.timestamp_us, &records[i].sequence.timestamp_us, 8);
        assert_int_equal(back[i].sequence.row_index, 3 * i);
        assert_int_equal(back[i].sequence.epoch, i);
    }
    ots_buf_deinit(&buf);
    ots_arena_deinit(&arena);
}

/* Neighbours of one timeline share its key, which is decoded once; each record is as if alone. */
static void test_records_repeat_keys(void **state)
{
    (void)state;
    static const uint8_t order[] = {0, 0, 0, 1, 1, 0, 2, 2, 1, 0};
    enum { COUNT = sizeof(order), FLIPPED = 1 };
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_tag tags[] = {{OTS_SLICE("host"), OTS_SLICE("a")},
                             {OTS_SLICE("os"), OTS_SLICE("b")}};
    const struct ots_series_key keys[] = {{OTS_SLICE("cpu"), OTS_SLICE(""), tags, 1},
                                          {OTS_SLICE("cpu"), OTS_SLICE(""), tags, 2},
                                          {OTS_SLICE("cpu"), OTS_SLICE(""), NULL, 0}};
    const struct ots_field field = {OTS_SLICE("v"), {.type = OTS_INTEGER, .integer = 7}};
    struct ots_stream_record records[COUNT];
    struct ots_stream_record back[COUNT];
    struct ots_slice inputs[COUNT];
    size_t ends[COUNT];
    struct ots_buf buf = OTS_BUF_INIT;
    for (uint32_t i = 0; i < COUNT; i++)
        records[i] = back[i] = (struct ots_stream_record){
            OTS_CHANGE_PUT, {i, i, i}, {&keys[order[i]], 1000 + i, &field, 1}};
    assert_int_equal(ots_tsrows_encode_records(records, COUNT, NULL, &buf, ends), OTS_OK);
    for (size_t i = 0; i < COUNT; i++)
        inputs[i] = ots_slice(buf.data + (i ? ends[i - 1] : 0), ends[i] - (i ? ends[i - 1] : 0));
    assert_int_equal(ots_tsrows_decode_records(inputs, COUNT, &arena, back, NULL), OTS_OK);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(ots_row_equal(&back[i].row, &records[i].row));
        assert_true(!i || (back[i].row.key == back[i - 1].row.key) == (order[i] == order[i - 1]));
    }
    /* A byte of the second is another one. */
    for (size_t at = 0; at < inputs[FLIPPED].size; at++) {
        struct ots_stream_record alone = {.type = OTS_CHANGE_PUT};
        buf.data[ends[0] + at] ^= 1;
        enum ots_status status = ots_tsrows_decode_records(inputs, COUNT, &arena, back, NULL);
        assert_int_equal(status,
                         ots_tsrows_decode_records(&inputs[FLIPPED], 1, &arena, &alone, NULL));
        assert_true(status == OTS_CORRUPT || ots_row_equal(&back[FLIPPED].row, &alone.row));
        buf.data[ends[0] + at] ^= 1;
    }
    ots_buf_deinit(&buf);
    ots_arena_deinit(&arena);
}

static bool takes_page(struct ots_slice input, void *context)
{
    (void)context;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_STREAM_RECORDS);
    enum ots_status status = ots_response_decode(input, &call, NULL);
    assert_true(status == OTS_OK || status == OTS_CORRUPT);
    ots_call_deinit(&call);
    return status == OTS_OK;
}

static void test_records_mangled(void **state)
{
    (void)state;
    struct ots_buf hex = OTS_BUF_INIT;
    ots_buf_append_str(&hex, "0afb01 0801 12f601");
    ots_buf_append_str(&hex, put_record);
    ots_buf_append_byte(&hex, 0);
    struct ots_buf body = test_hex((const char *)hex.data);
    /* Only nothing at all is a page too. */
    struct test_mangled cut = test_truncate(ots_buf_slice(&body), takes_page, NULL);
    assert_int_equal(cut.accepted, 1);
    assert_int_equal(cut.tried, body.size);
    test_corrupt(ots_buf_slice(&body), takes_page, NULL);
    ots_buf_deinit(&body);
    ots_buf_deinit(&hex);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),        cmocka_unit_test(test_requests_refused),
        cmocka_unit_test(test_responses),       cmocka_unit_test(test_responses_refused),
        cmocka_unit_test(test_records),         cmocka_unit_test(test_records_refused),
        cmocka_unit_test(test_records_encoded), cmocka_unit_test(test_records_repeat_keys),
        cmocka_unit_test(test_records_mangled), cmocka_unit_test(test_records_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
