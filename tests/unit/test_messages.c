/*
 * Bodies of requests. The vectors are bytes that SDKs were seen to send; see also test_golden.c.
 */
#include "backend/wire/messages.h"

#include "tests/unit/hex.h"
#include "tests/unit/mangle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define SLICE(literal)                                                                             \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }

/* cpu / host_1 / os=Ubuntu16.04, region=hangzhou, as each SDK puts it. */
static const char java_put_hex[] =
    "0a02743112c303080012b803080000000000000096feffff0400000001000000100000000c001400040008000c"
    "0010000c0000003c00000020000000100000000400000001000000400000000500000003010205040000000500"
    "0000580100004c010000400100003401000028010000030000006370750010001c000400080014000c00000010"
    "00100000008000000074000000940000000c0000000000a40731af0500020000003800000004000000d8ffffff"
    "18000000040000000800000068616e677a686f750000000006000000726567696f6e000008000c000400080008"
    "00000018000000040000000b0000005562756e747531362e303400020000006f73000000000000000000000600"
    "0000686f73745f31000000000e001800040008000c00100014000e0000003c000000300000001c000000100000"
    "000400000001000000400000000100000028000000010000000000000000002540000000000100000001000000"
    "01000000f9ffffffffffffff030000006162630000000600080004000600000004000000020000000102000001"
    "000000730000000300000072617700020000006f6b0000010000006e000000090000006370755f757361676500"
    "000018fe83ad88062001";

static const char go_put_hex[] =
    "0a02743112c003080012b00308000000000000009efeffff0400000001000000100000000c001400040008000c"
    "0010000c0000003c00000020000000100000000400000001000000400000000500000003010205040000000500"
    "00005001000044010000380100002c01000020010000030000006370750010001c000400000014000c00100008"
    "001000000078000000140000008c00000000105e5f0000a40731af0500020000003800000004000000d8ffffff"
    "08000000140000000800000068616e677a686f750000000006000000726567696f6e000008000c000800040008"
    "00000008000000140000000b0000005562756e747531362e303400020000006f73000006000000686f73745f31"
    "000000000e001800040008000c00100014000e0000003c000000300000001c0000001000000004000000010000"
    "0040000000010000002800000001000000000000000000254000000000010000000100000001000000f9ffffff"
    "ffffffff0300000061626300000006000800040006000000040000000200000001020000010000007300000003"
    "00000072617700020000006f6b0000010000006e000000090000006370755f75736167650000001886fabb94ff"
    "ffffffff012001";

static const char python_put_hex[] =
    "0a02743112c803080012b803040000008afeffff0400000001000000100000000c00140010000c00080004000c"
    "0000003c000000140000001c000000040000000300000063707500050000000301020504000000050000005c01"
    "0000500100004401000038010000180100000100000014000000100020001c0018000800140000000400100000"
    "00300000000000a40731af05000000000090000000080000000c000000000000000000000006000000686f7374"
    "5f310000020000003800000004000000d8ffffff08000000140000000800000068616e677a686f750000000006"
    "000000726567696f6e000008000c00080004000800000008000000140000000b0000005562756e747531362e30"
    "3400020000006f73000000000e001800140010000c00080004000e00000014000000180000001c000000280000"
    "002c0000000100000048000000010000002c000000010000000000000000002540000000000100000001000000"
    "01000000f9ffffffffffffff000000000300000061626300010000007300060008000400060000000400000002"
    "000000010200000300000072617700020000006f6b0000010000006e000000090000006370755f757361676500"
    "000018fe98b8cbfaffffffff0118002001";

static const char go_proto_put_hex[] =
    "0a027431129b010802128b010a88010a340a036370751206686f73745f3122110a026f73120b5562756e747531"
    "362e303422120a06726567696f6e120868616e677a686f7510808090bd90e6eb021a140a096370755f75736167"
    "652900000000000025401a060a026f6b20011a0e0a016e10f9ffffffffffffffff011a080a01731a036162631a"
    "090a03726177320201022080a0f8fa0518aea3d18bfbffffffff012001";

static const char get_hex[] =
    "0a02743112340a036370751206686f73745f3122110a026f73120b5562756e747531362e303422120a06726567696f"
    "6e120868616e677a686f751800208080f9c0c1c48203380a40014a0d0a096370755f757361676510035001";
static const char query_hex[] = "0a027431120b0802120708011203637075 18013001";
static const char query_and_hex[] = "0a02743112230801121f0801120b0802120708011203637075120e0804120a"
                                    "080612026f731a025562180128053001";
static const char scan_hex[] = "0a0274311800208080f9c0c1c482033064 38014801";

static const struct ots_tag tags[] = {
    {SLICE("os"), SLICE("Ubuntu16.04")},
    {SLICE("region"), SLICE("hangzhou")},
};
static const struct ots_series_key key = {SLICE("cpu"), SLICE("host_1"), tags, 2};
static const struct ots_field fields[] = {
    {SLICE("cpu_usage"), {.type = OTS_DOUBLE, .real = 10.5}},
    {SLICE("n"), {.type = OTS_INTEGER, .integer = -7}},
    {SLICE("ok"), {.type = OTS_BOOLEAN, .boolean = true}},
    {SLICE("raw"), {.type = OTS_BINARY, .bytes = SLICE("\1\2")}},
    {SLICE("s"), {.type = OTS_STRING, .bytes = SLICE("abc")}},
};
static const struct ots_row row = {&key, 1600000000000000, fields, 5};

/* ---- helpers ---- */

static enum ots_status decode(enum ots_action action, const char *hex, struct ots_call *call)
{
    struct ots_buf body = test_hex(hex);
    struct ots_error err = {.status = OTS_OK};
    ots_call_init(call, action);
    enum ots_status status = ots_request_decode(ots_buf_slice(&body), call, &err);
    if (status != OTS_OK) {
        assert_int_equal(err.status, status);
        assert_true(err.message[0]);
    }
    /* Nothing that was decoded may borrow from memory that is gone. */
    ots_buf_deinit(&body);
    return status;
}

static void assert_decode(enum ots_action action, const char *hex, enum ots_status expected)
{
    struct ots_call call;
    assert_int_equal(decode(action, hex, &call), expected);
    ots_call_deinit(&call);
}

static void assert_encode(const struct ots_call *call, const char *hex)
{
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_error err;
    assert_int_equal(ots_request_encode(call, OTS_PUT_PLAIN, &body, &err), OTS_OK);
    test_assert_hex(ots_buf_slice(&body), hex);
    ots_buf_deinit(&body);
}

static void append_bytes_field(struct ots_buf *buf, unsigned number, struct ots_slice bytes)
{
    ots_buf_append_byte(buf, (uint8_t)(number << 3 | 2));
    size_t size = bytes.size;
    for (; size >= 128; size >>= 7)
        ots_buf_append_byte(buf, (uint8_t)(size | 128));
    ots_buf_append_byte(buf, (uint8_t)size);
    ots_buf_append_slice(buf, bytes);
}

/* ---- what we send is what Java's SDK sends ---- */

static void table_requests_are_those_of_java(void **state)
{
    (void)state;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta = OTS_TABLE_META_DEFAULT;
    call.request.create_table.meta.name = OTS_SLICE("t1");
    assert_encode(&call, "0a060a02743112002000");
    call.request.create_table.meta.has_time_to_live = true;
    assert_encode(&call, "0a110a027431120b08ffffffffffffffffff01 2000");
    ots_call_init(&call, OTS_ACTION_LIST_TABLES);
    assert_encode(&call, "");
    ots_call_init(&call, OTS_ACTION_DESCRIBE_TABLE);
    call.request.table.table = OTS_SLICE("t1");
    assert_encode(&call, "0a027431");
    call.action = OTS_ACTION_DELETE_TABLE;
    assert_encode(&call, "0a027431");
}

static void get_requests_are_those_of_java(void **state)
{
    (void)state;
    static const struct ots_field_wanted wanted[] = {{SLICE("cpu_usage"), OTS_DOUBLE}};
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_GET);
    call.request.get = (struct ots_get_request){.table = SLICE("t1"),
                                                .key = key,
                                                .has_begin = true,
                                                .has_end = true,
                                                .end_us = 1700000000000000,
                                                .limit = 10,
                                                .is_backward = true,
                                                .fields = wanted,
                                                .field_count = 1};
    assert_encode(&call, get_hex);
    /* What is not asked for is not sent. */
    call.request.get = (struct ots_get_request){.table = SLICE("t1")};
    call.request.get.key.measurement = OTS_SLICE("m");
    assert_encode(&call, "0a027431 12050a016d1200 5001");
    call.request.get.token = OTS_SLICE("\1\2");
    assert_encode(&call, "0a027431 12050a016d1200 32020102 5001");
}

static void scan_requests_are_those_of_java(void **state)
{
    (void)state;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_SCAN);
    call.request.scan = (struct ots_scan_request){.table = SLICE("t1"),
                                                  .has_begin = true,
                                                  .has_end = true,
                                                  .end_us = 1700000000000000,
                                                  .limit = 100};
    assert_encode(&call, scan_hex);
    ots_call_init(&call, OTS_ACTION_SPLIT);
    call.request.split = (struct ots_split_request){.table = SLICE("t1"), .split_count_hint = 4};
    assert_encode(&call, "0a0274311804");
    call.request.split.has_measurement = true;
    call.request.split.measurement = OTS_SLICE("cpu");
    assert_encode(&call, "0a02743112036370751804");
}

static void query_requests_are_those_of_java_and_python(void **state)
{
    (void)state;
    static const struct ots_condition children[] = {
        {.kind = OTS_CONDITION_MEASUREMENT, .comparison = OTS_EQUAL, .value = SLICE("cpu")},
        {.kind = OTS_CONDITION_TAG,
         .comparison = OTS_PREFIX,
         .name = SLICE("os"),
         .value = SLICE("Ub")},
    };
    static const struct ots_condition both = {.kind = OTS_CONDITION_COMPOSITE,
                                              .logic = OTS_LOGIC_AND,
                                              .children = children,
                                              .child_count = 2};
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_QUERY_META);
    call.request.query_meta = (struct ots_query_meta_request){
        .table = SLICE("t1"), .condition = &children[0], .get_total_hit = true};
    assert_encode(&call, query_hex);
    call.request.query_meta.condition = &both;
    call.request.query_meta.limit = 5;
    assert_encode(&call, query_and_hex);
    call.request.query_meta =
        (struct ots_query_meta_request){.table = SLICE("t1"), .token = SLICE("x")};
    assert_encode(&call, "0a027431 1800 220178 3001");
}

/* ---- rows ---- */

static void puts_of_every_sdk_are_read(void **state)
{
    (void)state;
    static const char *const puts[] = {java_put_hex, go_put_hex, python_put_hex, go_proto_put_hex};
    for (size_t i = 0; i < sizeof(puts) / sizeof(puts[0]); i++) {
        struct ots_call call;
        assert_int_equal(decode(OTS_ACTION_PUT, puts[i], &call), OTS_OK);
        const struct ots_put_request *put = &call.request.put;
        assert_true(ots_slice_equal(put->table, OTS_SLICE("t1")));
        assert_int_equal(put->row_count, 1);
        assert_true(ots_row_equal(&put->rows[0], &row));
        assert_int_equal(put->meta_update_mode, OTS_META_UPDATE_NORMAL);
        ots_call_deinit(&call);
    }
}

static void our_puts_are_read_in_either_layout(void **state)
{
    (void)state;
    static const enum ots_put_layout layouts[] = {OTS_PUT_PLAIN, OTS_PUT_SHARED};
    const struct ots_row rows[] = {row, row};
    for (size_t i = 0; i < 2; i++) {
        struct ots_call call;
        struct ots_call back;
        struct ots_buf body = OTS_BUF_INIT;
        struct ots_error err;
        ots_call_init(&call, OTS_ACTION_PUT);
        ots_call_init(&back, OTS_ACTION_PUT);
        call.request.put = (struct ots_put_request){.table = SLICE("t1"),
                                                    .rows = rows,
                                                    .row_count = 2,
                                                    .meta_update_mode = OTS_META_UPDATE_IGNORE};
        assert_int_equal(ots_request_encode(&call, layouts[i], &body, &err), OTS_OK);
        /* Table version 1 comes last, before it the mode. */
        assert_memory_equal(body.data + body.size - 4, "\x18\x01\x20\x01", 4);
        assert_int_equal(ots_request_decode(ots_buf_slice(&body), &back, &err), OTS_OK);
        assert_int_equal(back.request.put.row_count, 2);
        assert_true(ots_row_equal(&back.request.put.rows[1], &row));
        assert_int_equal(back.request.put.meta_update_mode, OTS_META_UPDATE_IGNORE);
        ots_call_deinit(&back);
        ots_buf_deinit(&body);
    }
}

static void other_rows_are_refused(void **state)
{
    (void)state;
    /* No rows at all, as messages; with the right CRC, a wrong one, none. */
    assert_decode(OTS_ACTION_PUT, "0a027431 1206 0802 1200 1800", OTS_OK);
    assert_decode(OTS_ACTION_PUT, "0a027431 1206 0802 1200 1801", OTS_CORRUPT);
    assert_decode(OTS_ACTION_PUT, "0a027431 1204 0802 1200", OTS_OK);
    /* PlainBuffer, an unknown kind, an unknown mode. */
    assert_decode(OTS_ACTION_PUT, "0a027431 1204 0801 1200", OTS_INVALID);
    assert_decode(OTS_ACTION_PUT, "0a027431 1204 0803 1200", OTS_INVALID);
    assert_decode(OTS_ACTION_PUT, "0a027431 1204 0802 1200 1802", OTS_INVALID);
    /* The parts that must be there. */
    assert_decode(OTS_ACTION_PUT, "0a027431", OTS_CORRUPT);
    assert_decode(OTS_ACTION_PUT, "1204 0802 1200", OTS_CORRUPT);
    assert_decode(OTS_ACTION_PUT, "0a027431 1202 1200", OTS_CORRUPT);
    assert_decode(OTS_ACTION_PUT, "0a027431 1202 0802", OTS_CORRUPT);
    /* FlatBuffers rows that are none. */
    assert_decode(OTS_ACTION_PUT, "0a027431 1208 0800 1204 ffffffff", OTS_CORRUPT);
}

static void message_rows_need_a_timeline_and_one_value_per_field(void **state)
{
    (void)state;
    assert_decode(OTS_ACTION_PUT, "0a027431 1210 0802 120c 0a0a 0a030a016d 1a030a0166",
                  OTS_INVALID);
    assert_decode(OTS_ACTION_PUT, "0a027431 1212 0802 120e 0a0c 0a030a016d 1a050a0166 1001",
                  OTS_OK);
    assert_decode(OTS_ACTION_PUT, "0a027431 1214 0802 1210 0a0e 0a030a016d 1a070a0166 1001 2001",
                  OTS_INVALID);
    assert_decode(OTS_ACTION_PUT, "0a027431 120d 0802 1209 0a07 1a050a0166 1001", OTS_INVALID);
    assert_decode(OTS_ACTION_PUT, "0a027431 1206 0802 1202 0a05", OTS_CORRUPT);
}

/* ---- timelines ---- */

static void assert_tags(const char *hex, enum ots_status expected, const char *text)
{
    struct ots_call call;
    assert_int_equal(decode(OTS_ACTION_GET, hex, &call), expected);
    if (expected == OTS_OK) {
        struct ots_buf got = OTS_BUF_INIT;
        ots_tags_text_append(&got, call.request.get.key.tags, call.request.get.key.tag_count);
        ots_buf_append_byte(&got, '\0');
        assert_string_equal((char *)got.data, text);
        ots_buf_deinit(&got);
    }
    ots_call_deinit(&call);
}

static void tags_come_as_list_or_as_text(void **state)
{
    (void)state;
    /* Text only: cut, then well formed. */
    assert_tags("0a0174 120e 1a0c 5b22613d31222c22623d325d", OTS_INVALID, NULL);
    assert_tags("0a0174 120f 1a0d 5b22623d32222c22613d31225d", OTS_OK, "[\"a=1\",\"b=2\"]");
    assert_tags("0a0174 1204 1a02 5b5d", OTS_OK, "[]");
    assert_tags("0a0174 1202 1a00", OTS_OK, "[]");
    assert_tags("0a0174 1200", OTS_OK, "[]");
    /* The list wins, and is sorted. */
    assert_tags("0a0174 1214 1a02 5b5d 2206 0a0162 120132 2206 0a0161 120131", OTS_OK,
                "[\"a=1\",\"b=2\"]");
    assert_tags("0a0174 1210 2206 0a0161 120132 2206 0a0161 120131", OTS_INVALID, NULL);
    /* A tag without its value. */
    assert_tags("0a0174 1205 2203 0a0161", OTS_CORRUPT, NULL);
}

static void text_may_hold_a_nul(void **state)
{
    (void)state;
    struct ots_call call;
    assert_int_equal(decode(OTS_ACTION_GET, "0a03740061 1205 0a03 610062", &call), OTS_OK);
    assert_int_equal(call.request.get.table.size, 3);
    assert_memory_equal(call.request.get.table.data, "t\0a", 3);
    assert_int_equal(call.request.get.key.measurement.size, 3);
    ots_call_deinit(&call);
}

static void times_and_limits_may_be_absent(void **state)
{
    (void)state;
    struct ots_call call;
    assert_int_equal(decode(OTS_ACTION_GET, "0a0174 1200", &call), OTS_OK);
    const struct ots_get_request *get = &call.request.get;
    assert_false(get->has_begin || get->has_end || get->is_backward);
    assert_int_equal(get->limit, 0);
    assert_int_equal(get->token.size, 0);
    assert_int_equal(get->field_count, 0);
    ots_call_deinit(&call);
    /* Python's defaults: begin and end 0. A wanted field of any type. */
    assert_int_equal(decode(OTS_ACTION_GET, "0a0174 1200 1800 2000 4a03 0a0166", &call), OTS_OK);
    assert_true(call.request.get.has_begin && call.request.get.has_end);
    assert_int_equal(call.request.get.fields[0].type, 0);
    ots_call_deinit(&call);
    assert_decode(OTS_ACTION_GET, "0a0174 1200 4a05 0a0166 1005", OTS_OK);
    assert_decode(OTS_ACTION_GET, "0a0174 1200 4a05 0a0166 1006", OTS_INVALID);
    assert_decode(OTS_ACTION_SCAN, "0a0174 2a0e 0a0166 10ffffffffffffffffff01", OTS_INVALID);
    assert_decode(OTS_ACTION_SCAN, "0a0174 3800", OTS_INVALID);
    assert_decode(OTS_ACTION_SCAN, "0a0174", OTS_OK);
    assert_decode(OTS_ACTION_SPLIT, "0a0174", OTS_CORRUPT);
    assert_decode(OTS_ACTION_GET, "0a0174", OTS_CORRUPT);
}

/* ---- tables ---- */

static void assert_specific_time(const char *times_hex, int64_t begin_us, bool has_end)
{
    char hex[128];
    struct ots_call call;
    snprintf(hex, sizeof(hex), "0a027431 1205 0a03637075 %s", times_hex);
    assert_int_equal(decode(OTS_ACTION_GET, hex, &call), OTS_OK);
    assert_true(call.request.get.has_begin);
    assert_int_equal(call.request.get.begin_us, begin_us);
    assert_int_equal(call.request.get.has_end, has_end);
    assert_int_equal(call.request.get.end_us, has_end ? begin_us + 1 : 0);
    ots_call_deinit(&call);
}

static void a_specific_time_stands_alone(void **state)
{
    (void)state;
    assert_specific_time("2805", 5, true);
    assert_specific_time("2800", 0, true);
    assert_specific_time("28ffffffffffffffff7f", INT64_MAX, false);
    assert_decode(OTS_ACTION_GET, "0a027431 1205 0a03637075 1800 2805", OTS_INVALID);
    assert_decode(OTS_ACTION_GET, "0a027431 1205 0a03637075 2006 2805", OTS_INVALID);
}

static void creations_of_every_sdk_are_read(void **state)
{
    (void)state;
    struct ots_call call;
    const struct ots_create_table_request *create = &call.request.create_table;
    /* Python, TTL -1. */
    assert_int_equal(
        decode(OTS_ACTION_CREATE_TABLE, "0a110a027431120b08ffffffffffffffffff01", &call), OTS_OK);
    assert_true(create->meta.has_time_to_live);
    assert_int_equal(create->meta.time_to_live_s, OTS_TTL_FOREVER);
    assert_false(create->meta.has_meta_time_to_live);
    ots_call_deinit(&call);
    /* An analytical store and two lastpoint indexes are counted. */
    assert_int_equal(decode(OTS_ACTION_CREATE_TABLE,
                            "0a040a027431 1a030a0173 2001 2a030a0169 2a030a016a", &call),
                     OTS_OK);
    assert_int_equal(create->analytical_store_count, 1);
    assert_int_equal(create->lastpoint_index_count, 2);
    assert_int_equal(create->meta.time_to_live_s, OTS_TTL_FOREVER);
    assert_int_equal(create->meta.meta_time_to_live_s, OTS_TTL_FOREVER);
    assert_true(create->meta.allow_update_attributes);
    ots_call_deinit(&call);
    assert_decode(OTS_ACTION_CREATE_TABLE, "0a0b 0a027431 3205 0a0167 1001", OTS_OK);
    assert_decode(OTS_ACTION_CREATE_TABLE, "0a0b 0a027431 3205 0a0167 1004", OTS_INVALID);
    assert_decode(OTS_ACTION_CREATE_TABLE, "0a0b 0a027431 3205 0a0167 1000", OTS_INVALID);
    assert_decode(OTS_ACTION_CREATE_TABLE, "", OTS_CORRUPT);
    assert_decode(OTS_ACTION_CREATE_TABLE, "0a00", OTS_CORRUPT);
}

static void key_fields_do_not_count_themselves_up(void **state)
{
    (void)state;
    assert_decode(OTS_ACTION_CREATE_TABLE, "0a0d 0a027431 3207 0a0361 6263 1001", OTS_OK);
    assert_decode(OTS_ACTION_CREATE_TABLE, "0a0f 0a027431 3209 0a0361 6263 1001 1801", OTS_INVALID);
}

static void what_newer_sdks_may_add_is_ignored(void **state)
{
    (void)state;
    assert_decode(OTS_ACTION_LIST_TABLES, "", OTS_OK);
    assert_decode(OTS_ACTION_LIST_TABLES, "0801 fa0703616263", OTS_OK);
    assert_decode(OTS_ACTION_DESCRIBE_TABLE, "0a027431 9a0600", OTS_OK);
    assert_decode(OTS_ACTION_DELETE_TABLE, "9a0600", OTS_CORRUPT);
    assert_decode(OTS_ACTION_LIST_TABLES, "0a", OTS_CORRUPT);
}

/* ---- conditions ---- */

static void conditions_are_checked(void **state)
{
    (void)state;
    const enum ots_action query = OTS_ACTION_QUERY_META;
    assert_decode(query, "0a0174", OTS_OK);
    assert_decode(query, "0a0174 1208 0802 1204 0801 1200", OTS_OK);
    /* Comparison 7 ("not equal" has no number), kind 7, kind 0. */
    assert_decode(query, "0a0174 1208 0802 1204 0807 1200", OTS_INVALID);
    assert_decode(query, "0a0174 1208 0807 1204 0801 1200", OTS_INVALID);
    assert_decode(query, "0a0174 1208 0800 1204 0801 1200", OTS_INVALID);
    /* An update time: compared, but it has no prefix. */
    assert_decode(query, "0a0174 1208 0805 1204 0804 1001", OTS_OK);
    assert_decode(query, "0a0174 1208 0805 1204 0806 1001", OTS_INVALID);
    /* Another kind's body; half a body; no body. */
    assert_decode(query, "0a0174 1208 0804 1204 0801 1200", OTS_CORRUPT);
    assert_decode(query, "0a0174 1208 0802 1204 0801 1201", OTS_CORRUPT);
    assert_decode(query, "0a0174 1202 0802", OTS_CORRUPT);
    /* AND of nothing, logic 4. */
    assert_decode(query, "0a0174 1206 0801 1202 0801", OTS_INVALID);
    assert_decode(query, "0a0174 1210 0801 120c 0804 1208 0802 1204 0801 1200", OTS_INVALID);
    /* NOT of one, of two. */
    assert_decode(query, "0a0174 1210 0801 120c 0803 1208 0802 1204 0801 1200", OTS_OK);
    assert_decode(query,
                  "0a0174 121a 0801 1216 0803 1208 0802 1204 0801 1200 1208 0802 1204 0801 1200",
                  OTS_INVALID);
}

/* A query whose condition is `depth` deep: ORs around one comparison. */
static struct ots_buf deep_query(size_t depth)
{
    struct ots_buf condition = test_hex("0802 1204 0801 1200");
    for (size_t i = 1; i < depth; i++) {
        struct ots_buf composite = test_hex("0802");
        append_bytes_field(&composite, 2, ots_buf_slice(&condition));
        ots_buf_deinit(&condition);
        condition = test_hex("0801");
        append_bytes_field(&condition, 2, ots_buf_slice(&composite));
        ots_buf_deinit(&composite);
    }
    struct ots_buf body = test_hex("0a0174");
    append_bytes_field(&body, 2, ots_buf_slice(&condition));
    ots_buf_deinit(&condition);
    return body;
}

static void conditions_are_only_so_deep(void **state)
{
    (void)state;
    for (size_t depth = 1; depth < 2 * OTS_CONDITION_DEPTH_MAX; depth++) {
        struct ots_buf body = deep_query(depth);
        struct ots_call call;
        struct ots_error err;
        ots_call_init(&call, OTS_ACTION_QUERY_META);
        assert_int_equal(ots_request_decode(ots_buf_slice(&body), &call, &err),
                         depth <= OTS_CONDITION_DEPTH_MAX ? OTS_OK : OTS_INVALID);
        ots_call_deinit(&call);
        ots_buf_deinit(&body);
    }
    struct ots_condition chain[OTS_CONDITION_DEPTH_MAX + 1];
    for (size_t i = 0; i < OTS_CONDITION_DEPTH_MAX; i++)
        chain[i] = (struct ots_condition){.kind = OTS_CONDITION_COMPOSITE,
                                          .logic = OTS_LOGIC_NOT,
                                          .children = &chain[i + 1],
                                          .child_count = 1};
    chain[OTS_CONDITION_DEPTH_MAX] = (struct ots_condition){
        .kind = OTS_CONDITION_MEASUREMENT, .comparison = OTS_EQUAL, .value = SLICE("m")};
    struct ots_call call;
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_error err;
    ots_call_init(&call, OTS_ACTION_QUERY_META);
    call.request.query_meta.condition = chain;
    assert_int_equal(ots_request_encode(&call, OTS_PUT_PLAIN, &body, &err), OTS_INVALID);
    call.request.query_meta.condition = &chain[1];
    assert_int_equal(ots_request_encode(&call, OTS_PUT_PLAIN, &body, &err), OTS_OK);
    ots_buf_deinit(&body);
}

/* ---- damage ---- */

static bool try_decode(struct ots_slice input, void *context)
{
    const enum ots_action *action = context;
    struct ots_call call;
    struct ots_error err = {.status = OTS_OK};
    ots_call_init(&call, *action);
    enum ots_status status = ots_request_decode(input, &call, &err);
    assert_true(status == OTS_OK || status == OTS_CORRUPT || status == OTS_INVALID);
    assert_int_equal(err.status, status);
    ots_call_deinit(&call);
    return status == OTS_OK;
}

static void damaged_requests_are_survived(void **state)
{
    (void)state;
    static const struct {
        enum ots_action action;
        const char *hex;
    } bodies[] = {
        {OTS_ACTION_CREATE_TABLE, "0a110a027431120b08ffffffffffffffffff01 2000"},
        {OTS_ACTION_DESCRIBE_TABLE, "0a027431"},
        {OTS_ACTION_PUT, java_put_hex},
        {OTS_ACTION_PUT, go_put_hex},
        {OTS_ACTION_PUT, python_put_hex},
        {OTS_ACTION_PUT, go_proto_put_hex},
        {OTS_ACTION_GET, get_hex},
        {OTS_ACTION_QUERY_META, query_hex},
        {OTS_ACTION_QUERY_META, query_and_hex},
        {OTS_ACTION_SPLIT, "0a02743112036370751804"},
        {OTS_ACTION_SCAN, scan_hex},
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct ots_buf body = test_hex(bodies[i].hex);
        enum ots_action action = bodies[i].action;
        struct test_mangled cut = test_truncate(ots_buf_slice(&body), try_decode, &action);
        struct test_mangled bent = test_corrupt(ots_buf_slice(&body), try_decode, &action);
        assert_int_equal(cut.tried, body.size);
        assert_true(bent.tried >= 8 * body.size);
        assert_true(cut.accepted < cut.tried);
        assert_true(bent.accepted < bent.tried);
        ots_buf_deinit(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_requests_are_those_of_java),
        cmocka_unit_test(get_requests_are_those_of_java),
        cmocka_unit_test(scan_requests_are_those_of_java),
        cmocka_unit_test(query_requests_are_those_of_java_and_python),
        cmocka_unit_test(puts_of_every_sdk_are_read),
        cmocka_unit_test(our_puts_are_read_in_either_layout),
        cmocka_unit_test(other_rows_are_refused),
        cmocka_unit_test(message_rows_need_a_timeline_and_one_value_per_field),
        cmocka_unit_test(tags_come_as_list_or_as_text),
        cmocka_unit_test(text_may_hold_a_nul),
        cmocka_unit_test(times_and_limits_may_be_absent),
        cmocka_unit_test(a_specific_time_stands_alone),
        cmocka_unit_test(creations_of_every_sdk_are_read),
        cmocka_unit_test(key_fields_do_not_count_themselves_up),
        cmocka_unit_test(what_newer_sdks_may_add_is_ignored),
        cmocka_unit_test(conditions_are_checked),
        cmocka_unit_test(conditions_are_only_so_deep),
        cmocka_unit_test(damaged_requests_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
