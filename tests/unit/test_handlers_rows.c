#include "tests/unit/hex.h"
#include "tests/unit/server_fixture.h"

#include "backend/server/handlers.h"
#include "backend/wire/messages.h"
#include "backend/wire/service_code.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int setup(void **state)
{
    int failed = test_instance_setup(state);
    if (!failed)
        test_create_table(*state, "t");
    return failed;
}

static void refuse_put(struct test_instance *test, const struct ots_row *rows, size_t count)
{
    TEST_CALL(call, OTS_ACTION_PUT);
    call.request.put.table = OTS_SLICE("t");
    call.request.put.rows = rows;
    call.request.put.row_count = count;
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
}

/* A Get of cpu,host=h1 to be changed by the test. */
static void get_init(struct test_instance *test, struct ots_call *call)
{
    call->request.get.table = OTS_SLICE("t");
    call->request.get.key = *test_key(test, "cpu", "h1");
}

static void test_put_get_types(void **state)
{
    struct test_instance *test = *state;
    const double nan = __builtin_nan("7");
    const struct ots_field fields[] = {
        {OTS_SLICE("bin"), {.type = OTS_BINARY, .bytes = OTS_SLICE("\0\xff")}},
        {OTS_SLICE("flag"), {.type = OTS_BOOLEAN, .boolean = true}},
        {OTS_SLICE("int"), {.type = OTS_INTEGER, .integer = INT64_MIN}},
        {OTS_SLICE("nan"), {.type = OTS_DOUBLE, .real = nan}},
        {OTS_SLICE("text"), {.type = OTS_STRING, .bytes = OTS_SLICE("\"\t\n\xe6\xb8\xa9")}},
        {OTS_SLICE("zero"), {.type = OTS_DOUBLE, .real = -0.0}},
    };
    struct ots_row row = {test_key(test, "cpu", "h1"), INT64_MAX, fields, 6};
    test_put(test, "t", &row, 1);
    for (int i = 0; i < 2; i++) {
        TEST_CALL(get, OTS_ACTION_GET);
        get_init(test, &get);
        test_call_ok(test, &get);
        assert_int_equal(get.response.page.rows.count, 1);
        assert_true(ots_row_equal(&get.response.page.rows.items[0], &row));
        assert_int_equal(get.response.page.next_token.size, 0);
        test_instance_reopen(test);
    }
}

static void test_put_replaces_row(void **state)
{
    struct test_instance *test = *state;
    const struct ots_field both[] = {{OTS_SLICE("a"), {.type = OTS_INTEGER, .integer = 1}},
                                     {OTS_SLICE("b"), {.type = OTS_INTEGER, .integer = 2}}};
    const struct ots_series_key *key = test_key(test, "cpu", "h1");
    /* Within one request the later row stays. */
    const struct ots_row rows[] = {{key, 5, both, 2}, {key, 5, both, 1}, {key, 5, both + 1, 1}};
    test_put(test, "t", rows, 3);
    TEST_CALL(get, OTS_ACTION_GET);
    get_init(test, &get);
    test_call_ok(test, &get);
    assert_int_equal(get.response.page.rows.count, 1);
    assert_true(ots_row_equal(&get.response.page.rows.items[0], &rows[2]));
}

static void test_put_refused_whole(void **state)
{
    struct test_instance *test = *state;
    struct ots_row rows[OTS_PUT_ROWS_MAX + 1];
    const struct ots_series_key *key = test_key(test, "cpu", "h1");
    for (size_t i = 0; i <= OTS_PUT_ROWS_MAX; i++)
        rows[i] = test_row(test, key, (int64_t)i, 1);
    refuse_put(test, rows, OTS_PUT_ROWS_MAX + 1);
    refuse_put(test, rows, 0);
    rows[2].time_us = -1;
    refuse_put(test, rows, 3);
    rows[2] = test_row(test, test_key(test, "c pu", "h1"), 1, 1);
    refuse_put(test, rows, 3);
    rows[2] = test_row(test, test_key(test, "cpu", "a\"b"), 1, 1);
    refuse_put(test, rows, 3);
    const struct ots_field upper = {OTS_SLICE("Upper"), {.type = OTS_INTEGER}};
    rows[2] = (struct ots_row){key, 1, &upper, 1};
    refuse_put(test, rows, 3);
    rows[2].field_count = 0;
    refuse_put(test, rows, 3);
    /* Not one row of these requests is there. */
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    test_call_ok(test, &scan);
    assert_int_equal(scan.response.page.rows.count, 0);
}

static void test_put_sizes(void **state)
{
    struct test_instance *test = *state;
    const size_t size = OTS_VALUE_BYTES_MAX + 1;
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, 'x', size);
    struct ots_field field = {OTS_SLICE("s"), {.type = OTS_STRING}};
    field.value.bytes = ots_slice(bytes, size);
    const struct ots_series_key *key = test_key(test, "cpu", "h1");
    struct ots_row rows[2] = {{key, 1, &field, 1}, {key, 2, &field, 1}};
    refuse_put(test, rows, 1);
    field.value.bytes.size--;
    test_put(test, "t", rows, 1);
    /* Two of them are over 4 MiB together with their names. */
    refuse_put(test, rows, 2);
    rows[1].time_us = 1;
    free(bytes);
}

static void test_get_ranges(void **state)
{
    struct test_instance *test = *state;
    for (int64_t i = 10; i <= 50; i += 10)
        test_put_one(test, "t", "cpu", "h1", i, i);
    test_put_one(test, "t", "cpu", "h0", 25, 0);
    test_put_one(test, "t", "cpu", "h2", 25, 0);
    TEST_CALL(all, OTS_ACTION_GET);
    get_init(test, &all);
    test_call_ok(test, &all);
    TEST_ASSERT_TIMES(all, 10, 20, 30, 40, 50);
    TEST_CALL(part, OTS_ACTION_GET);
    get_init(test, &part);
    part.request.get.begin_us = 20;
    part.request.get.has_begin = true;
    part.request.get.end_us = 40;
    part.request.get.has_end = true;
    test_call_ok(test, &part);
    TEST_ASSERT_TIMES(part, 20, 30);
    part.request.get.is_backward = true;
    test_call_ok(test, &part);
    TEST_ASSERT_TIMES(part, 30, 20);
    part.request.get.end_us = INT64_C(1700000000000000000);
    test_call_ok(test, &part);
    TEST_ASSERT_TIMES(part, 50, 40, 30, 20);
    part.request.get.key = *test_key(test, "cpu", "unknown");
    test_call_ok(test, &part);
    assert_int_equal(part.response.page.rows.count, 0);
}

static void test_get_refused(void **state)
{
    struct test_instance *test = *state;
    const struct ots_field_wanted odd = {OTS_SLICE("n"), (enum ots_value_type)6};
    for (int i = 0; i < 6; i++) {
        TEST_CALL(get, OTS_ACTION_GET);
        get_init(test, &get);
        struct ots_get_request *request = &get.request.get;
        request->has_begin = i < 3;
        request->has_end = i < 3;
        request->begin_us = i == 0 ? -1 : 5;
        request->end_us = i == 1 ? 5 : i == 2 ? 4 : 10;
        if (i == 3)
            request->key.measurement = OTS_SLICE_NONE;
        if (i == 4)
            request->token = OTS_SLICE("garbage");
        request->fields = &odd;
        request->field_count = i == 5;
        /* Nothing is stored: a token is malformed nevertheless. */
        test_call_refused(test, &get, OTS_CODE_PARAMETER_INVALID);
    }
}

static void test_get_pages(void **state)
{
    struct test_instance *test = *state;
    int64_t times[32];
    size_t count = 0;
    for (int64_t i = 0; i < 19; i++)
        test_put_one(test, "t", "cpu", "h1", i, i);
    TEST_CALL(get, OTS_ACTION_GET);
    get_init(test, &get);
    get.request.get.limit = 10;
    assert_int_equal(test_read_pages(test, &get, times, &count, 32), 2);
    assert_int_equal(count, 19);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(times[i], i);
    get.request.get.is_backward = true;
    get.request.get.limit = 1;
    assert_int_equal(test_read_pages(test, &get, times, &count, 32), 19);
    assert_int_equal(count, 19);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(times[i], 18 - i);
    get.request.get.limit = 19;
    assert_int_equal(test_read_pages(test, &get, times, &count, 32), 1);
}

static void test_get_default_limit(void **state)
{
    struct test_instance *test = *state;
    static int64_t times[OTS_PAGE_ROWS_MAX + 200];
    static struct ots_row rows[OTS_PUT_ROWS_MAX];
    const struct ots_series_key *key = test_key(test, "cpu", "h1");
    size_t count = 0;
    for (int64_t i = 0; i < OTS_PAGE_ROWS_MAX + 200; i += OTS_PUT_ROWS_MAX) {
        for (int64_t j = 0; j < OTS_PUT_ROWS_MAX; j++)
            rows[j] = test_row(test, key, i + j, j);
        test_put(test, "t", rows, OTS_PUT_ROWS_MAX);
    }
    TEST_CALL(get, OTS_ACTION_GET);
    get_init(test, &get);
    get.request.get.limit = 100000;
    test_call_ok(test, &get);
    assert_int_equal(get.response.page.rows.count, OTS_PAGE_ROWS_MAX);
    get.request.get.limit = -1;
    assert_int_equal(test_read_pages(test, &get, times, &count, OTS_PAGE_ROWS_MAX + 200), 2);
    assert_int_equal(count, OTS_PAGE_ROWS_MAX + 200);
}

/* A page of large rows ends before its limit. */
static void test_page_bytes(void **state)
{
    struct test_instance *test = *state;
    const size_t size = OTS_VALUE_BYTES_MAX;
    int64_t times[16];
    size_t count = 0;
    char *bytes = calloc(1, size);
    assert_non_null(bytes);
    const struct ots_field field = {OTS_SLICE("s"),
                                    {.type = OTS_BINARY, .bytes = ots_slice(bytes, size)}};
    for (int64_t i = 0; i < 12; i++) {
        const struct ots_row row = {test_key(test, "cpu", "h1"), i, &field, 1};
        test_put(test, "t", &row, 1);
    }
    TEST_CALL(get, OTS_ACTION_GET);
    get_init(test, &get);
    size_t pages = test_read_pages(test, &get, times, &count, 16);
    assert_true(pages > 1 && pages < 4);
    assert_int_equal(count, 12);
    free(bytes);
}

/* A request that takes as much memory as a page is answered with rows all the same. */
static void test_page_of_large_request(void **state)
{
    struct test_instance *test = *state;
    test_put_one(test, "t", "cpu", "h1", 1, 1);
    TEST_CALL(get, OTS_ACTION_GET);
    assert_non_null(ots_arena_alloc(&get.arena, OTS_PAGE_BYTES_MAX));
    get.request.get = (struct ots_get_request){
        .table = OTS_SLICE("t"),
        .key = *test_key(test, "cpu", "h1"),
    };
    test_call_ok(test, &get);
    assert_int_equal(get.response.page.rows.count, 1);
    assert_int_equal(get.response.page.next_token.size, 0);
}

static void test_fields_to_get(void **state)
{
    struct test_instance *test = *state;
    const struct ots_field fields[] = {{OTS_SLICE("a"), {.type = OTS_INTEGER, .integer = 1}},
                                       {OTS_SLICE("b"), {.type = OTS_DOUBLE, .real = 2}}};
    const struct ots_series_key *key = test_key(test, "cpu", "h1");
    const struct ots_row rows[] = {
        {key, 1, fields, 2}, {key, 2, fields, 1}, {key, 3, fields + 1, 1}};
    test_put(test, "t", rows, 3);
    const struct ots_field_wanted a = {OTS_SLICE("a"), 0};
    const struct ots_field_wanted a_real = {OTS_SLICE("a"), OTS_DOUBLE};
    TEST_CALL(get, OTS_ACTION_GET);
    get_init(test, &get);
    get.request.get.fields = &a;
    get.request.get.field_count = 1;
    test_call_ok(test, &get);
    TEST_ASSERT_TIMES(get, 1, 2);
    assert_int_equal(get.response.page.rows.items[0].field_count, 1);
    get.request.get.fields = &a_real;
    test_call_ok(test, &get);
    assert_int_equal(get.response.page.rows.count, 0);
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    scan.request.scan.fields = &a;
    scan.request.scan.field_count = 1;
    test_call_ok(test, &scan);
    TEST_ASSERT_TIMES(scan, 1, 2);
}

static void test_tokens_are_bound(void **state)
{
    struct test_instance *test = *state;
    test_create_table(test, "u");
    for (int64_t i = 0; i < 4; i++) {
        test_put_one(test, "t", "cpu", "h1", i, i);
        test_put_one(test, "t", "cpu", "h2", i, i);
        test_put_one(test, "u", "cpu", "h1", i, i);
    }
    TEST_CALL(first, OTS_ACTION_GET);
    get_init(test, &first);
    first.request.get.limit = 2;
    test_call_ok(test, &first);
    const struct ots_slice token = first.response.page.next_token;
    assert_true(token.size > 0);
    TEST_CALL(get, OTS_ACTION_GET);
    get_init(test, &get);
    get.request.get.token = token;
    test_call_ok(test, &get);
    TEST_ASSERT_TIMES(get, 2, 3);
    get.request.get.is_backward = true;
    test_call_refused(test, &get, OTS_CODE_PARAMETER_INVALID);
    get.request.get.is_backward = false;
    get.request.get.table = OTS_SLICE("u");
    test_call_refused(test, &get, OTS_CODE_PARAMETER_INVALID);
    get.request.get.table = OTS_SLICE("t");
    get.request.get.key = *test_key(test, "cpu", "h2");
    test_call_refused(test, &get, OTS_CODE_PARAMETER_INVALID);
    get.request.get.key = *test_key(test, "cpu", "unknown");
    test_call_refused(test, &get, OTS_CODE_PARAMETER_INVALID);
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    scan.request.scan.token = token;
    test_call_refused(test, &scan, OTS_CODE_PARAMETER_INVALID);
    scan.request.scan.token = OTS_SLICE_NONE;
    scan.request.scan.split = token;
    test_call_refused(test, &scan, OTS_CODE_PARAMETER_INVALID);
}

/* What Go's SDK sends when it is told to put protobuf messages: fields of every type. */
static void test_put_as_messages(void **state)
{
    static const char hex[] =
        "0a027431129b010802128b010a88010a340a036370751206686f73745f3122110a026f73120b5562756e747531"
        "362e303422120a06726567696f6e120868616e677a686f7510808090bd90e6eb021a140a096370755f75736167"
        "652900000000000025401a060a026f6b20011a0e0a016e10f9ffffffffffffffff011a080a01731a036162631a"
        "090a03726177320201022080a0f8fa0518aea3d18bfbffffffff012001";
    struct test_instance *test = *state;
    struct ots_buf body = test_hex(hex);
    struct ots_error err;
    test_create_table(test, "t1");
    TEST_CALL(put, OTS_ACTION_PUT);
    assert_int_equal(ots_request_decode(ots_buf_slice(&body), &put, &err), OTS_OK);
    test_call_ok(test, &put);
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t1");
    test_call_ok(test, &scan);
    assert_int_equal(scan.response.page.rows.count, 1);
    assert_int_equal(scan.response.page.rows.items[0].field_count, 5);
    assert_true(ots_row_equal(&scan.response.page.rows.items[0], &put.request.put.rows[0]));
    body.data[body.size - 20] ^= 1;
    assert_int_equal(ots_request_decode(ots_buf_slice(&body), &put, &err), OTS_CORRUPT);
    ots_buf_deinit(&body);
}

static void test_time_to_live(void **state)
{
    struct test_instance *test = *state;
    TEST_CALL(create, OTS_ACTION_CREATE_TABLE);
    create.request.create_table.meta.name = OTS_SLICE("short");
    create.request.create_table.meta.has_time_to_live = true;
    create.request.create_table.meta.time_to_live_s = 86400;
    test_call_ok(test, &create);
    const int64_t edge = TEST_NOW_US - INT64_C(86400) * 1000000;
    for (int64_t i = -1; i <= 1; i++)
        test_put_one(test, "short", "cpu", "h1", edge + i, i);
    TEST_CALL(get, OTS_ACTION_GET);
    get_init(test, &get);
    get.request.get.table = OTS_SLICE("short");
    test_call_ok(test, &get);
    TEST_ASSERT_TIMES(get, edge, edge + 1);
    test->clock.now_us++;
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("short");
    test_call_ok(test, &scan);
    TEST_ASSERT_TIMES(scan, edge + 1);
}

struct writer {
    struct test_instance *test;
    unsigned number;
    bool has_failed;
};

enum { WRITERS = 4, WRITER_PUTS = 60, WRITER_HOSTS = 20 };

/* All writers name the same new timelines at the same time. */
static void *write_rows(void *argument)
{
    struct writer *writer = argument;
    for (unsigned i = 0; i < WRITER_PUTS; i++) {
        char host[16];
        int length = snprintf(host, sizeof(host), "h%u", i % WRITER_HOSTS);
        const struct ots_tag tag = {OTS_SLICE("host"), ots_slice(host, (size_t)length)};
        const struct ots_series_key key = {OTS_SLICE("cpu"), OTS_SLICE_NONE, &tag, 1};
        const struct ots_field field = {OTS_SLICE("n"), {.type = OTS_INTEGER, .integer = i}};
        const struct ots_row row = {&key, (int64_t)(writer->number * WRITER_PUTS + i), &field, 1};
        TEST_CALL(call, OTS_ACTION_PUT);
        call.request.put.table = OTS_SLICE("t");
        call.request.put.rows = &row;
        call.request.put.row_count = 1;
        ots_instance_call(writer->test->instance, &call);
        writer->has_failed |= call.status != OTS_OK;
    }
    return NULL;
}

static void test_concurrent_puts(void **state)
{
    struct test_instance *test = *state;
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){test, i, false};
        assert_int_equal(pthread_create(&threads[i], NULL, write_rows, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(writers[i].has_failed);
    }
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    test_call_ok(test, &scan);
    assert_int_equal(scan.response.page.rows.count, WRITERS * WRITER_PUTS);
    size_t changes = 0;
    const struct ots_rows *rows = &scan.response.page.rows;
    for (size_t i = 1; i < rows->count; i++)
        changes += rows->items[i].key != rows->items[i - 1].key;
    assert_int_equal(changes, WRITER_HOSTS - 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, test_instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_put_get_types),     TEST(test_put_replaces_row),
        TEST(test_put_refused_whole), TEST(test_put_sizes),
        TEST(test_get_ranges),        TEST(test_get_refused),
        TEST(test_get_pages),         TEST(test_get_default_limit),
        TEST(test_page_bytes),        TEST(test_page_of_large_request),
        TEST(test_fields_to_get),     TEST(test_tokens_are_bound),
        TEST(test_time_to_live),      TEST(test_put_as_messages),
        TEST(test_concurrent_puts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
