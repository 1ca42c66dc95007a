/*
 * Bodies of responses. The vectors are bytes that the SDKs were seen to understand.
 */
#include "backend/wire/messages.h"

#include "tests/unit/hex.h"
#include "tests/unit/mangle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define SLICE(literal)                                                                             \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }

static const char described_hex[] =
    "0a290a027431120b08ffffffffffffffffff011a0743524541544544220d080110ffffffffffffffffff01";
static const char metas_hex[] =
    "0a3c0a280a036370751206686f73745f311a0c5b226f733d6c696e7578225d220b0a026f7312056c696e757812075b"
    "226b3d76225d188080f9c0c1c482031001";
/* One row: cpu / host_1 / os=linux at 1700000000000000, load = 0.5, n = -7, s = "abc". */
static const char rows_hex[] =
    "75000000 01"
    "03 04 03000000 5f2368 05 06000000 03 01000000 68 0a 65"
    "03 04 07000000 5f6d5f6e616d65 05 08000000 03 03000000 637075 0a c3"
    "03 04 0c000000 5f646174615f736f75726365 05 0b000000 03 06000000 686f73745f31 0a 77"
    "03 04 05000000 5f74616773 05 11000000 03 0c000000 5b226f733d6c696e7578225d 0a ba"
    "03 04 05000000 5f74696d65 05 09000000 00 00401e18240a0600 0a 1d"
    "02"
    "03 04 06000000 6c6f61643a64 05 09000000 01 000000000000e03f 0a 70"
    "03 04 03000000 6e3a69 05 09000000 00 f9ffffffffffffff 0a ba"
    "03 04 03000000 733a73 05 08000000 03 03000000 616263 0a d7"
    "09 e3";

static const struct ots_tag linux_tags[] = {{SLICE("os"), SLICE("linux")}};
static const struct ots_tag attributes[] = {{SLICE("k"), SLICE("v")}};
static const struct ots_series_key key = {SLICE("cpu"), SLICE("host_1"), linux_tags, 1};
static const struct ots_field fields[] = {
    {SLICE("load"), {.type = OTS_DOUBLE, .real = 0.5}},
    {SLICE("n"), {.type = OTS_INTEGER, .integer = -7}},
    {SLICE("s"), {.type = OTS_STRING, .bytes = SLICE("abc")}},
};
static struct ots_row row = {&key, 1700000000000000, fields, 3};

static struct ots_buf page_hex(const char *before, const char *after)
{
    struct ots_buf page = test_hex(before);
    struct ots_buf rows = test_hex(rows_hex);
    struct ots_buf rest = test_hex(after);
    assert_int_equal(rows.size, 233);
    ots_buf_append_slice(&page, ots_buf_slice(&rows));
    ots_buf_append_slice(&page, ots_buf_slice(&rest));
    ots_buf_deinit(&rows);
    ots_buf_deinit(&rest);
    return page;
}

/* Takes the body, so that what was decoded cannot borrow from it. */
static enum ots_status decode_buf(struct ots_call *call, struct ots_buf *take_body)
{
    struct ots_error err = {.status = OTS_OK};
    enum ots_status status = ots_response_decode(ots_buf_slice(take_body), call, &err);
    assert_int_equal(err.status, status);
    ots_buf_deinit(take_body);
    return status;
}

static void a_page_may_borrow_from_a_body_that_the_call_takes(void **state)
{
    (void)state;
    struct ots_call call;
    struct ots_error err;
    struct ots_buf body = page_hex("0ae901", "");
    const uint8_t *data = body.data;
    size_t size = body.size;
    ots_call_init(&call, OTS_ACTION_GET);
    assert_int_equal(ots_response_take(&body, &call, &err), OTS_OK);
    assert_null(body.data);
    assert_int_not_equal(call.response.page.rows.count, 0);
    const uint8_t *name = call.response.page.rows.items[0].fields[0].name.data;
    assert_true(name > data && name < data + size);
    ots_call_deinit(&call);

    /* Taken whether it is right or not. */
    body = test_hex("0a05 00");
    ots_call_init(&call, OTS_ACTION_GET);
    assert_int_equal(ots_response_take(&body, &call, &err), OTS_CORRUPT);
    assert_null(body.data);
    ots_call_deinit(&call);
}

static enum ots_status decode(enum ots_action action, const char *hex, struct ots_call *call)
{
    struct ots_buf body = test_hex(hex);
    ots_call_init(call, action);
    return decode_buf(call, &body);
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
    assert_int_equal(ots_response_encode(call, NULL, &body, &err), OTS_OK);
    test_assert_hex(ots_buf_slice(&body), hex);
    ots_buf_deinit(&body);
}

/* ---- tables ---- */

static void descriptions_carry_every_option(void **state)
{
    (void)state;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_DESCRIBE_TABLE);
    call.response.describe_table.meta = OTS_TABLE_META_DEFAULT;
    call.response.describe_table.meta.name = OTS_SLICE("t1");
    assert_encode(&call, described_hex);

    assert_int_equal(decode(OTS_ACTION_DESCRIBE_TABLE, described_hex, &call), OTS_OK);
    const struct ots_table_meta *meta = &call.response.describe_table.meta;
    assert_true(ots_slice_equal(meta->name, OTS_SLICE("t1")));
    assert_true(ots_slice_equal(meta->status, OTS_SLICE("CREATED")));
    assert_int_equal(meta->time_to_live_s, OTS_TTL_FOREVER);
    assert_int_equal(meta->meta_time_to_live_s, OTS_TTL_FOREVER);
    assert_true(meta->allow_update_attributes);
    ots_call_deinit(&call);
}

static void a_bare_description_gets_defaults(void **state)
{
    (void)state;
    struct ots_call call;
    /* With analytical stores and lastpoint indexes, which are not read. */
    assert_int_equal(decode(OTS_ACTION_DESCRIBE_TABLE, "0a040a027431 12030a0173 1a030a0169", &call),
                     OTS_OK);
    const struct ots_table_meta *meta = &call.response.describe_table.meta;
    assert_int_equal(meta->time_to_live_s, OTS_TTL_FOREVER);
    assert_int_equal(meta->meta_time_to_live_s, OTS_TTL_FOREVER);
    assert_true(meta->allow_update_attributes);
    assert_true(meta->has_time_to_live && meta->has_meta_time_to_live &&
                meta->has_allow_update_attributes);
    ots_call_deinit(&call);
    assert_decode(OTS_ACTION_DESCRIBE_TABLE, "", OTS_CORRUPT);
    /* A key column of an unknown type is damage here, not a mistake of the caller. */
    assert_decode(OTS_ACTION_DESCRIBE_TABLE, "0a0b 0a027431 3205 0a0167 1004", OTS_CORRUPT);
}

static void lists_hold_all_tables(void **state)
{
    (void)state;
    static const struct ots_slice columns[] = {SLICE("host"), SLICE("_tags")};
    static const struct ots_field_key field_keys[] = {{SLICE("gid"), OTS_KEY_INTEGER}};
    struct ots_table_meta metas[] = {OTS_TABLE_META_DEFAULT, OTS_TABLE_META_DEFAULT};
    metas[0].name = OTS_SLICE("a");
    metas[1].name = OTS_SLICE("b");
    metas[1].time_to_live_s = 86400;
    metas[1].meta_time_to_live_s = 604800;
    metas[1].allow_update_attributes = false;
    metas[1].status = OTS_SLICE("CREATING");
    metas[1].key_schema = columns;
    metas[1].key_schema_count = 2;
    metas[1].field_keys = field_keys;
    metas[1].field_key_count = 1;
    struct ots_call call;
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_error err;
    ots_call_init(&call, OTS_ACTION_LIST_TABLES);
    call.response.list_tables.metas = metas;
    call.response.list_tables.count = 2;
    assert_int_equal(ots_response_encode(&call, NULL, &body, &err), OTS_OK);
    assert_int_equal(decode_buf(&call, &body), OTS_OK);
    assert_int_equal(call.response.list_tables.count, 2);
    const struct ots_table_meta *got = &call.response.list_tables.metas[1];
    assert_true(ots_slice_equal(call.response.list_tables.metas[0].name, OTS_SLICE("a")));
    assert_true(ots_slice_equal(got->status, OTS_SLICE("CREATING")));
    assert_int_equal(got->time_to_live_s, 86400);
    assert_int_equal(got->meta_time_to_live_s, 604800);
    assert_false(got->allow_update_attributes);
    assert_int_equal(got->key_schema_count, 2);
    assert_true(ots_slice_equal(got->key_schema[1], OTS_SLICE("_tags")));
    assert_int_equal(got->field_key_count, 1);
    assert_int_equal(got->field_keys[0].type, OTS_KEY_INTEGER);
    ots_call_deinit(&call);

    ots_call_init(&call, OTS_ACTION_LIST_TABLES);
    assert_encode(&call, "");
    assert_int_equal(decode(OTS_ACTION_LIST_TABLES, "", &call), OTS_OK);
    assert_int_equal(call.response.list_tables.count, 0);
    ots_call_deinit(&call);
}

static void creations_and_deletions_say_nothing(void **state)
{
    (void)state;
    static const enum ots_action actions[] = {OTS_ACTION_CREATE_TABLE, OTS_ACTION_DELETE_TABLE};
    for (size_t i = 0; i < 2; i++) {
        struct ots_call call;
        ots_call_init(&call, actions[i]);
        assert_encode(&call, "");
        assert_decode(actions[i], "", OTS_OK);
        assert_decode(actions[i], "1a03616263", OTS_OK);
        assert_decode(actions[i], "1a0361", OTS_CORRUPT);
    }
}

/* ---- rows ---- */

static void puts_answer_with_the_rows_that_failed(void **state)
{
    (void)state;
    static const struct ots_failed_row failed[] = {{1, SLICE("OTSX"), SLICE("why")}};
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_PUT);
    assert_encode(&call, "");
    call.response.put.failed_rows = failed;
    call.response.put.failed_row_count = 1;
    assert_encode(&call, "0a0d 0801 1204 4f545358 1a03 776879");

    struct ots_buf body = test_hex("0a0d 0801 1204 4f545358 1a03 776879 1208080010 80e2cfaa06");
    call.request.put.row_count = 2;
    assert_int_equal(decode_buf(&call, &body), OTS_OK);
    assert_int_equal(call.response.put.failed_row_count, 1);
    assert_int_equal(call.response.put.failed_rows[0].row_index, 1);
    assert_true(ots_slice_equal(call.response.put.failed_rows[0].code, OTS_SLICE("OTSX")));
    assert_true(ots_slice_equal(call.response.put.failed_rows[0].message, OTS_SLICE("why")));
    ots_call_deinit(&call);
    /* Only times of metadata. */
    assert_int_equal(decode(OTS_ACTION_PUT, "1208080010 80e2cfaa06", &call), OTS_OK);
    assert_int_equal(call.response.put.failed_row_count, 0);
    ots_call_deinit(&call);
}

static void a_failed_row_was_in_the_request(void **state)
{
    (void)state;
    static const char *const wrong[] = {"0a02 0802", "0a0b 08ffffffffffffffffff01", "0a00"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct ots_call call;
        struct ots_buf body = test_hex(wrong[i]);
        ots_call_init(&call, OTS_ACTION_PUT);
        call.request.put.row_count = 2;
        assert_int_equal(decode_buf(&call, &body), OTS_CORRUPT);
        ots_call_deinit(&call);
    }
}

static void get_pages_hold_rows_and_token(void **state)
{
    (void)state;
    static const char *const after[] = {"", "12020102"};
    for (size_t i = 0; i < 2; i++) {
        struct ots_call call;
        struct ots_buf body = page_hex("0ae901", after[i]);
        ots_call_init(&call, OTS_ACTION_GET);
        assert_int_equal(decode_buf(&call, &body), OTS_OK);
        const struct ots_page_response *page = &call.response.page;
        assert_int_equal(page->rows.count, 1);
        assert_true(ots_row_equal(&page->rows.items[0], &row));
        assert_true(ots_slice_equal(page->next_token, i ? OTS_SLICE("\1\2") : OTS_SLICE_NONE));
        ots_call_deinit(&call);
    }
}

static void pages_are_written_as_they_are_read(void **state)
{
    (void)state;
    static const enum ots_action actions[] = {OTS_ACTION_GET, OTS_ACTION_SCAN};
    for (size_t i = 0; i < 2; i++) {
        struct ots_call call;
        struct ots_buf body = OTS_BUF_INIT;
        struct ots_error err;
        ots_call_init(&call, actions[i]);
        call.response.page.rows = (struct ots_rows){.items = &row, .count = 1};
        call.response.page.next_token = OTS_SLICE("next");
        assert_int_equal(ots_response_encode(&call, NULL, &body, &err), OTS_OK);
        assert_int_equal(decode_buf(&call, &body), OTS_OK);
        assert_int_equal(call.response.page.rows.count, 1);
        assert_true(ots_row_equal(&call.response.page.rows.items[0], &row));
        assert_true(ots_slice_equal(call.response.page.next_token, OTS_SLICE("next")));
        ots_call_deinit(&call);
    }
}

/* The size before the rows takes 2, 3 or 4 bytes. */
static void pages_of_all_sizes_are_written(void **state)
{
    (void)state;
    const enum ots_action actions[] = {OTS_ACTION_GET, OTS_ACTION_SCAN};
    const size_t sizes[] = {0, 200, 16383, 16384, 40000, 2097151, 2097152};
    uint8_t *text = calloc(1, 2097152);
    assert_non_null(text);
    for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        const struct ots_field field = {
            SLICE("s"), {.type = OTS_STRING, .bytes = ots_slice(text, sizes[i / 2])}};
        struct ots_row large = {&key, 1, &field, 1};
        struct ots_call call;
        struct ots_buf body = OTS_BUF_INIT;
        ots_call_init(&call, actions[i % 2]);
        call.response.page.rows = (struct ots_rows){.items = &large, .count = 1};
        call.response.page.next_token = OTS_SLICE("next");
        assert_int_equal(ots_response_encode(&call, NULL, &body, NULL), OTS_OK);
        memset(&call.response, 0, sizeof(call.response));
        assert_int_equal(decode_buf(&call, &body), OTS_OK);
        assert_int_equal(call.response.page.rows.count, 1);
        assert_true(ots_row_equal(&call.response.page.rows.items[0], &large));
        assert_true(ots_slice_equal(call.response.page.next_token, OTS_SLICE("next")));
        ots_call_deinit(&call);
    }
    free(text);
}

static void empty_pages_still_have_their_fields(void **state)
{
    (void)state;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_GET);
    assert_encode(&call, "0a00");
    call.action = OTS_ACTION_SCAN;
    assert_encode(&call, "08011200");
    assert_int_equal(decode(OTS_ACTION_GET, "0a00", &call), OTS_OK);
    assert_int_equal(call.response.page.rows.count, 0);
    assert_int_equal(call.response.page.next_token.size, 0);
    ots_call_deinit(&call);
    assert_decode(OTS_ACTION_GET, "", OTS_CORRUPT);
    assert_decode(OTS_ACTION_GET, "0a0175", OTS_CORRUPT);
    assert_decode(OTS_ACTION_SCAN, "08011200", OTS_OK);
    assert_decode(OTS_ACTION_SCAN, "1200", OTS_OK);
    assert_decode(OTS_ACTION_SCAN, "0801", OTS_CORRUPT);
    assert_decode(OTS_ACTION_SCAN, "08001200", OTS_CORRUPT);
    /* A token that is there but empty is none. */
    assert_int_equal(decode(OTS_ACTION_SCAN, "08011200 1a00", &call), OTS_OK);
    assert_int_equal(call.response.page.next_token.size, 0);
    ots_call_deinit(&call);
}

static void splits_are_bytes(void **state)
{
    (void)state;
    static const struct ots_slice splits[] = {SLICE("\0\1"), SLICE("")};
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_SPLIT);
    assert_encode(&call, "");
    call.response.split.splits = splits;
    call.response.split.count = 2;
    assert_encode(&call, "0a020001 0a00");
    assert_int_equal(decode(OTS_ACTION_SPLIT, "0a020001 0a00", &call), OTS_OK);
    assert_int_equal(call.response.split.count, 2);
    assert_true(ots_slice_equal(call.response.split.splits[0], splits[0]));
    assert_int_equal(call.response.split.splits[1].size, 0);
    ots_call_deinit(&call);
}

/* ---- metadata ---- */

static void metas_carry_tags_as_text_and_list(void **state)
{
    (void)state;
    static const struct ots_timeline_meta meta = {
        {SLICE("cpu"), SLICE("host_1"), linux_tags, 1}, attributes, 1, 1700000000000000};
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_QUERY_META);
    call.response.query_meta =
        (struct ots_query_meta_response){.metas = &meta, .count = 1, .total_hit = 1};
    assert_encode(&call, metas_hex);

    assert_int_equal(decode(OTS_ACTION_QUERY_META, metas_hex, &call), OTS_OK);
    const struct ots_query_meta_response *got = &call.response.query_meta;
    assert_int_equal(got->count, 1);
    assert_int_equal(got->total_hit, 1);
    assert_int_equal(got->next_token.size, 0);
    assert_true(ots_series_key_equal(&got->metas[0].key, &meta.key));
    assert_int_equal(got->metas[0].attribute_count, 1);
    assert_true(ots_slice_equal(got->metas[0].attributes[0].value, OTS_SLICE("v")));
    assert_int_equal(got->metas[0].update_time_us, 1700000000000000);
    ots_call_deinit(&call);
}

static void a_timeline_without_tags_says_so(void **state)
{
    (void)state;
    static const struct ots_timeline_meta meta = {.key = {.measurement = SLICE("m")}};
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_QUERY_META);
    call.response.query_meta = (struct ots_query_meta_response){
        .metas = &meta, .count = 1, .total_hit = -1, .next_token = SLICE("x")};
    /* "[]", never an empty text, which Python's SDK rejects; no attributes, no total. */
    assert_encode(&call, "0a0d 0a09 0a016d 1200 1a025b5d 1800 1a0178");

    assert_int_equal(decode(OTS_ACTION_QUERY_META, "", &call), OTS_OK);
    assert_int_equal(call.response.query_meta.count, 0);
    assert_int_equal(call.response.query_meta.total_hit, -1);
    ots_call_deinit(&call);
    /* Bad tags from the service are damage. */
    assert_decode(OTS_ACTION_QUERY_META, "0a05 0a03 1a0178", OTS_CORRUPT);
    assert_decode(OTS_ACTION_QUERY_META, "0a00", OTS_CORRUPT);
}

/* ---- damage ---- */

static bool try_decode(struct ots_slice input, void *context)
{
    const enum ots_action *action = context;
    struct ots_call call;
    struct ots_error err = {.status = OTS_OK};
    ots_call_init(&call, *action);
    call.request.put.row_count = 3;
    enum ots_status status = ots_response_decode(input, &call, &err);
    assert_true(status == OTS_OK || status == OTS_CORRUPT);
    assert_int_equal(err.status, status);
    ots_call_deinit(&call);
    return status == OTS_OK;
}

static void assert_survived(enum ots_action action, struct ots_buf *take_body)
{
    struct test_mangled cut = test_truncate(ots_buf_slice(take_body), try_decode, &action);
    struct test_mangled bent = test_corrupt(ots_buf_slice(take_body), try_decode, &action);
    assert_true(try_decode(ots_buf_slice(take_body), &action));
    assert_int_equal(cut.tried, take_body->size);
    assert_true(bent.tried >= 8 * take_body->size);
    assert_true(cut.accepted < cut.tried);
    assert_true(bent.accepted < bent.tried);
    ots_buf_deinit(take_body);
}

static void damaged_responses_are_survived(void **state)
{
    (void)state;
    struct ots_buf body = test_hex(described_hex);
    assert_survived(OTS_ACTION_DESCRIBE_TABLE, &body);
    body = test_hex(described_hex);
    assert_survived(OTS_ACTION_LIST_TABLES, &body);
    body = test_hex("0a0d 0801 1204 4f545358 1a03 776879");
    assert_survived(OTS_ACTION_PUT, &body);
    body = page_hex("0ae901", "12020102");
    assert_survived(OTS_ACTION_GET, &body);
    body = page_hex("0801 12e901", "1a020102");
    assert_survived(OTS_ACTION_SCAN, &body);
    body = test_hex(metas_hex);
    assert_survived(OTS_ACTION_QUERY_META, &body);
    body = test_hex("0a020001 0a00");
    assert_survived(OTS_ACTION_SPLIT, &body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_may_borrow_from_a_body_that_the_call_takes),
        cmocka_unit_test(descriptions_carry_every_option),
        cmocka_unit_test(a_bare_description_gets_defaults),
        cmocka_unit_test(lists_hold_all_tables),
        cmocka_unit_test(creations_and_deletions_say_nothing),
        cmocka_unit_test(puts_answer_with_the_rows_that_failed),
        cmocka_unit_test(a_failed_row_was_in_the_request),
        cmocka_unit_test(get_pages_hold_rows_and_token),
        cmocka_unit_test(pages_are_written_as_they_are_read),
        cmocka_unit_test(pages_of_all_sizes_are_written),
        cmocka_unit_test(empty_pages_still_have_their_fields),
        cmocka_unit_test(splits_are_bytes),
        cmocka_unit_test(metas_carry_tags_as_text_and_list),
        cmocka_unit_test(a_timeline_without_tags_says_so),
        cmocka_unit_test(damaged_responses_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
