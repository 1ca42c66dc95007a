#include "tests/unit/wide_fixture.h"

#include "backend/wire/service_code.h"

#include <stdio.h>

#define NOW_MS (TEST_NOW_US / 1000)

static struct ots_plain_row bound(struct test_instance *test, struct ots_cell a, struct ots_cell n)
{
    struct ots_cell *key = ots_arena_array(&test->arena, 2, sizeof(*key));
    assert_non_null(key);
    key[0] = a;
    key[1] = n;
    return (struct ots_plain_row){.key = key, .key_count = 2};
}

static struct ots_plain_row everything(struct test_instance *test, enum ots_cell_type type)
{
    return bound(test, wide_infinite("a", type), wide_infinite("n", type));
}

static void fill(struct test_instance *test, struct ots_call *call, bool is_backward)
{
    struct ots_wide_range_request *request = &call->request.wide.range;
    request->table = OTS_SLICE("t");
    request->is_backward = is_backward;
    request->start = everything(test, is_backward ? OTS_CELL_INF_MAX : OTS_CELL_INF_MIN);
    request->end = everything(test, is_backward ? OTS_CELL_INF_MIN : OTS_CELL_INF_MAX);
    request->selection.has_max_versions = true;
    request->selection.max_versions = 1;
}

/* Rows of a page as "a/n ...", with their cells in brackets if they have some. */
static const char *page_text(struct test_instance *test, const struct ots_call *call)
{
    const struct ots_wide_range_response *response = &call->response.wide.range;
    struct ots_buf text = OTS_BUF_INIT;
    for (size_t i = 0; i < response->row_count; i++) {
        const struct ots_plain_row *row = &response->rows[i];
        ots_buf_append_fmt(&text, "%s%.*s/%lld", i ? " " : "", OTS_SLICE_FMT(row->key[0].bytes),
                           (long long)row->key[1].integer);
        if (row->cell_count)
            ots_buf_append_fmt(&text, "[%s]", wide_text(test, row));
    }
    const char *kept = ots_arena_strdup(&test->arena, ots_buf_slice(&text));
    ots_buf_deinit(&text);
    return kept;
}

static void expect_range(struct test_instance *test, struct ots_call *call, const char *text)
{
    memset(&call->response, 0, sizeof(call->response));
    test_call_ok(test, call);
    assert_string_equal(page_text(test, call), text);
    assert_true(call->response.wide.range.consumed.read > 0);
}

/* Rows whose order differs from that of their texts and of unsigned numbers. */
static void put_rows(struct test_instance *test)
{
    static const struct {
        const char *a;
        int64_t n;
    } keys[] = {{"b", 10}, {"b", 9}, {"", 0},     {"b", INT64_MIN}, {"b", -1}, {"b", INT64_MAX},
                {"ab", 1}, {"a", 1}, {"\xff", 1}, {"a\x01", 1},     {"b", 0}};
    wide_create(test, 3, OTS_TTL_FOREVER);
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        wide_write(test, OTS_ACTION_WIDE_PUT_ROW, wide_key(test, keys[i].a, keys[i].n),
                   OTS_EXPECT_NOTHING);
}

#define ALL_OF_B "b/-9223372036854775808 b/-1 b/0 b/9 b/10 b/9223372036854775807"

static void test_order(void **state)
{
    struct test_instance *test = *state;
    put_rows(test);
    TEST_CALL(forward, OTS_ACTION_WIDE_GET_RANGE);
    fill(test, &forward, false);
    expect_range(test, &forward, "/0 a/1 a\x01/1 ab/1 " ALL_OF_B " \xff/1");
    assert_int_equal(forward.response.wide.range.next.key_count, 0);
    TEST_CALL(backward, OTS_ACTION_WIDE_GET_RANGE);
    fill(test, &backward, true);
    expect_range(test, &backward,
                 "\xff/1 b/9223372036854775807 b/10 b/9 b/0 b/-1 b/-9223372036854775808 ab/1 "
                 "a\x01/1 a/1 /0");
    assert_int_equal(backward.response.wide.range.next.key_count, 0);
}

static void test_bounds(void **state)
{
    struct test_instance *test = *state;
    put_rows(test);
    TEST_CALL(call, OTS_ACTION_WIDE_GET_RANGE);
    fill(test, &call, false);
    struct ots_wide_range_request *request = &call.request.wide.range;
    request->start = wide_key(test, "b", -1);
    request->end = wide_key(test, "b", 10);
    expect_range(test, &call, "b/-1 b/0 b/9");
    request->start = bound(test, wide_string("a", "b"), wide_infinite("n", OTS_CELL_INF_MIN));
    request->end = bound(test, wide_string("a", "b"), wide_infinite("n", OTS_CELL_INF_MAX));
    expect_range(test, &call, ALL_OF_B);
    request->start = bound(test, wide_string("a", "b"), wide_infinite("n", OTS_CELL_INF_MAX));
    request->end = everything(test, OTS_CELL_INF_MAX);
    expect_range(test, &call, "\xff/1");
    request->start = wide_key(test, "zz", 1);
    expect_range(test, &call, "\xff/1");
    request->start = wide_key(test, "\xff", 2);
    expect_range(test, &call, "");
    request->is_backward = true;
    request->start = wide_key(test, "b", 10);
    request->end = wide_key(test, "b", -1);
    expect_range(test, &call, "b/10 b/9 b/0");
    request->start = wide_key(test, "b", 5);
    request->end = bound(test, wide_string("a", "a"), wide_infinite("n", OTS_CELL_INF_MAX));
    expect_range(test, &call, "b/0 b/-1 b/-9223372036854775808 ab/1 a\x01/1");
}

static void walk(struct test_instance *test, bool is_backward, const char *const *pages,
                 size_t count)
{
    TEST_CALL(call, OTS_ACTION_WIDE_GET_RANGE);
    fill(test, &call, is_backward);
    call.request.wide.range.has_limit = true;
    call.request.wide.range.limit = 4;
    for (size_t i = 0; i < count; i++) {
        expect_range(test, &call, pages[i]);
        const struct ots_plain_row *next = &call.response.wide.range.next;
        assert_int_equal(next->key_count, i + 1 < count ? 2 : 0);
        if (next->key_count)
            call.request.wide.range.start = bound(test, next->key[0], next->key[1]);
    }
}

static void test_pages(void **state)
{
    struct test_instance *test = *state;
    put_rows(test);
    walk(test, false,
         (const char *const[]){"/0 a/1 a\x01/1 ab/1", "b/-9223372036854775808 b/-1 b/0 b/9",
                               "b/10 b/9223372036854775807 \xff/1"},
         3);
    walk(test, true,
         (const char *const[]){"\xff/1 b/9223372036854775807 b/10 b/9",
                               "b/0 b/-1 b/-9223372036854775808 ab/1", "a\x01/1 a/1 /0"},
         3);
    /* A page that is full with nothing behind it is the last. */
    TEST_CALL(call, OTS_ACTION_WIDE_GET_RANGE);
    fill(test, &call, false);
    call.request.wide.range.has_limit = true;
    call.request.wide.range.limit = 11;
    test_call_ok(test, &call);
    assert_int_equal(call.response.wide.range.row_count, 11);
    assert_int_equal(call.response.wide.range.next.key_count, 0);
}

static void test_page_bytes(void **state)
{
    struct test_instance *test = *state;
    static uint8_t value[OTS_WIDE_VALUE_BYTES_MAX];
    struct ots_cell cell = wide_string("v", "");
    cell.bytes = ots_slice(value, sizeof(value));
    wide_create(test, 1, OTS_TTL_FOREVER);
    for (int i = 0; i < 3; i++)
        wide_write(test, OTS_ACTION_WIDE_PUT_ROW, wide_row(test, "x", i, &cell, 1),
                   OTS_EXPECT_NOTHING);
    TEST_CALL(call, OTS_ACTION_WIDE_GET_RANGE);
    fill(test, &call, false);
    test_call_ok(test, &call);
    assert_int_equal(call.response.wide.range.row_count, 2);
    assert_int_equal(call.response.wide.range.next.key[1].integer, 2);
}

/* Rows of which nothing is seen do not end a page, but do count as looked at. */
static void test_expired_rows(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 1, 86400);
    for (int i = 0; i < 6; i++) {
        if (i == 4)
            test->clock.now_us += INT64_C(86400) * 1000000 + 1000;
        wide_write(test, OTS_ACTION_WIDE_PUT_ROW, wide_key(test, i == 4 ? "c" : "b", i),
                   OTS_EXPECT_NOTHING);
    }
    TEST_CALL(call, OTS_ACTION_WIDE_GET_RANGE);
    fill(test, &call, false);
    call.request.wide.range.has_limit = true;
    call.request.wide.range.limit = 2;
    expect_range(test, &call, "b/5 c/4");
    assert_int_equal(call.response.wide.range.next.key_count, 0);
}

static void test_selection(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 3, OTS_TTL_FOREVER);
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW,
               WIDE_ROW(test, "x", 1, wide_at(wide_integer("p", 1), NOW_MS - 20),
                        wide_at(wide_integer("p", 2), NOW_MS - 10), wide_integer("q", 3)),
               OTS_EXPECT_NOTHING);
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, WIDE_ROW(test, "x", 2, wide_integer("q", 4)),
               OTS_EXPECT_NOTHING);
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, wide_key(test, "x", 3), OTS_EXPECT_NOTHING);
    TEST_CALL(call, OTS_ACTION_WIDE_GET_RANGE);
    fill(test, &call, false);
    struct ots_wide_selection *selection = &call.request.wide.range.selection;
    expect_range(test, &call, "x/1[p=2@-10 q=3@0] x/2[q=4@0] x/3");
    selection->max_versions = 2;
    expect_range(test, &call, "x/1[p=2@-10 p=1@-20 q=3@0] x/2[q=4@0] x/3");
    struct ots_slice columns[] = {OTS_SLICE("z"), OTS_SLICE("p"), OTS_SLICE("b")};
    selection->columns = columns;
    selection->column_count = 3;
    expect_range(test, &call, "x/1[p=2@-10 p=1@-20]");
    columns[0] = OTS_SLICE("n");
    expect_range(test, &call, "x/1[p=2@-10 p=1@-20] x/2 x/3");
    selection->column_count = 0;
    selection->has_max_versions = false;
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
    selection->has_range = true;
    selection->begin_ms = NOW_MS - 20;
    selection->end_ms = NOW_MS;
    expect_range(test, &call, "x/1[p=2@-10 p=1@-20]");
    selection->begin_ms++;
    selection->end_ms++;
    expect_range(test, &call, "x/1[p=2@-10 q=3@0] x/2[q=4@0]");
}

static void refuse(struct test_instance *test, struct ots_call *call, const char *message)
{
    test_call_refused(test, call, OTS_CODE_PARAMETER_INVALID);
    assert_string_equal(call->error.message, message);
}

static void test_refused(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 1, OTS_TTL_FOREVER);
    TEST_CALL(call, OTS_ACTION_WIDE_GET_RANGE);
    struct ots_wide_range_request *request = &call.request.wide.range;
    fill(test, &call, false);
    request->has_limit = true;
    refuse(test, &call, "The limit must be greater than 0.");
    request->limit = 1;
    request->start = request->end;
    refuse(test, &call, "Begin key must less than end key in FORWARD.");
    request->is_backward = true;
    refuse(test, &call, "Begin key must more than end key in BACKWARD.");
    request->start = everything(test, OTS_CELL_INF_MIN);
    refuse(test, &call, "Begin key must more than end key in BACKWARD.");
    request->is_backward = false;
    test_call_ok(test, &call);
    request->selection.max_versions = 0;
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
    request->selection.has_max_versions = false;
    refuse(test, &call, "No version condition is specified while querying row.");
    request->selection = (struct ots_wide_selection){.has_max_versions = true, .max_versions = 1};
    static struct ots_slice columns[OTS_WIDE_CELLS_MAX + 1];
    request->selection.columns = columns;
    request->selection.column_count = OTS_WIDE_CELLS_MAX;
    test_call_ok(test, &call);
    request->selection.column_count++;
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
    request->selection.column_count = 0;
    request->start.key_count = 1;
    test_call_refused(test, &call, OTS_CODE_INVALID_PK);
    request->start = everything(test, OTS_CELL_AUTO_INCREMENT);
    test_call_refused(test, &call, OTS_CODE_INVALID_PK);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, test_instance_setup, test_instance_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_order),        TEST(test_bounds),    TEST(test_pages),   TEST(test_page_bytes),
        TEST(test_expired_rows), TEST(test_selection), TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
