#include "tests/unit/server_fixture.h"

#include "backend/server/handlers.h"
#include "backend/wire/service_code.h"

#include <stdio.h>

static int setup(void **state)
{
    int failed = test_instance_setup(state);
    if (!failed)
        test_create_table(*state, "t");
    return failed;
}

static struct ots_condition text_is(enum ots_condition_kind kind, enum ots_comparison comparison,
                                    const char *name, const char *value)
{
    return (struct ots_condition){.kind = kind,
                                  .comparison = comparison,
                                  .name = ots_slice_str(name),
                                  .value = ots_slice_str(value)};
}

static struct ots_condition measurement_is(enum ots_comparison comparison, const char *value)
{
    return text_is(OTS_CONDITION_MEASUREMENT, comparison, "", value);
}

static struct ots_condition composite(enum ots_logic logic, const struct ots_condition *children,
                                      size_t count)
{
    return (struct ots_condition){.kind = OTS_CONDITION_COMPOSITE,
                                  .logic = logic,
                                  .children = children,
                                  .child_count = count};
}

/* The timelines found, as `measurement.host ` one after the other. */
static void assert_found(struct test_instance *test, const struct ots_condition *condition,
                         const char *expected)
{
    static const int32_t limits[] = {0, 1, 2, 3};
    for (size_t l = 0; l < sizeof(limits) / sizeof(limits[0]); l++) {
        struct ots_buf found = OTS_BUF_INIT;
        struct ots_buf token = OTS_BUF_INIT;
        size_t total = 0;
        do {
            TEST_CALL(query, OTS_ACTION_QUERY_META);
            query.request.query_meta.table = OTS_SLICE("t");
            query.request.query_meta.condition = condition;
            query.request.query_meta.limit = limits[l];
            query.request.query_meta.token = ots_buf_slice(&token);
            query.request.query_meta.get_total_hit = true;
            test_call_ok(test, &query);
            const struct ots_query_meta_response *page = &query.response.query_meta;
            for (size_t i = 0; i < page->count; i++)
                ots_buf_append_fmt(&found, "%.*s.%.*s ",
                                   OTS_SLICE_FMT(page->metas[i].key.measurement),
                                   OTS_SLICE_FMT(page->metas[i].key.tags[0].value));
            total += page->count;
            if (!page->next_token.size)
                assert_int_equal(page->total_hit, total);
            else
                assert_int_equal(page->count, limits[l]);
            ots_buf_reset(&token);
            ots_buf_append_slice(&token, page->next_token);
        } while (token.size);
        ots_buf_append_byte(&found, '\0');
        assert_string_equal((const char *)found.data, expected);
        ots_buf_deinit(&found);
        ots_buf_deinit(&token);
    }
}

static void put_all(struct test_instance *test)
{
    static const char *const names[][2] = {{"mem", "h1"},  {"cpu", "h2"}, {"cpu", "h1"},
                                           {"cpu2", "h1"}, {"disk", "x"}, {"cp", "h1"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        test_put_one(test, "t", names[i][0], names[i][1], 1, 1);
}

static void test_comparisons(void **state)
{
    struct test_instance *test = *state;
    static const struct {
        enum ots_comparison comparison;
        const char *value;
        const char *found;
    } cases[] = {
        {OTS_EQUAL, "cpu", "cpu.h1 cpu.h2 "},
        {OTS_EQUAL, "c", ""},
        {OTS_PREFIX, "cp", "cp.h1 cpu.h1 cpu.h2 cpu2.h1 "},
        {OTS_PREFIX, "cpu", "cpu.h1 cpu.h2 cpu2.h1 "},
        {OTS_PREFIX, "", "cp.h1 cpu.h1 cpu.h2 cpu2.h1 disk.x mem.h1 "},
        {OTS_PREFIX, "\xff\xff", ""},
        {OTS_GREATER_EQUAL, "", "cp.h1 cpu.h1 cpu.h2 cpu2.h1 disk.x mem.h1 "},
        {OTS_GREATER_EQUAL, "cpu", "cpu.h1 cpu.h2 cpu2.h1 disk.x mem.h1 "},
        {OTS_GREATER_THAN, "cpu", "cpu2.h1 disk.x mem.h1 "},
        {OTS_GREATER_THAN, "mem", ""},
        {OTS_LESS_THAN, "cpu", "cp.h1 "},
        {OTS_LESS_EQUAL, "cpu", "cp.h1 cpu.h1 cpu.h2 "},
        {OTS_LESS_THAN, "", ""},
    };
    put_all(test);
    assert_found(test, NULL, "cp.h1 cpu.h1 cpu.h2 cpu2.h1 disk.x mem.h1 ");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct ots_condition condition = measurement_is(cases[i].comparison, cases[i].value);
        assert_found(test, &condition, cases[i].found);
    }
}

static void test_composites(void **state)
{
    struct test_instance *test = *state;
    put_all(test);
    const struct ots_condition cpu = measurement_is(OTS_EQUAL, "cpu");
    const struct ots_condition mem = measurement_is(OTS_EQUAL, "mem");
    const struct ots_condition h1 = text_is(OTS_CONDITION_TAG, OTS_EQUAL, "host", "h1");
    const struct ots_condition range[] = {measurement_is(OTS_GREATER_THAN, "cp"),
                                          measurement_is(OTS_LESS_EQUAL, "disk")};
    struct ots_condition condition = composite(OTS_LOGIC_AND, range, 2);
    assert_found(test, &condition, "cpu.h1 cpu.h2 cpu2.h1 disk.x ");
    const struct ots_condition cpu_h1[] = {h1, cpu};
    condition = composite(OTS_LOGIC_AND, cpu_h1, 2);
    assert_found(test, &condition, "cpu.h1 ");
    const struct ots_condition either[] = {mem, cpu};
    condition = composite(OTS_LOGIC_OR, either, 2);
    assert_found(test, &condition, "cpu.h1 cpu.h2 mem.h1 ");
    const struct ots_condition nested[] = {condition, h1};
    condition = composite(OTS_LOGIC_AND, nested, 2);
    assert_found(test, &condition, "cpu.h1 mem.h1 ");
    condition = composite(OTS_LOGIC_AND, either, 2);
    assert_found(test, &condition, "");
    const struct ots_condition mem_or_h1[] = {mem, h1};
    condition = composite(OTS_LOGIC_OR, mem_or_h1, 2);
    assert_found(test, &condition, "cp.h1 cpu.h1 cpu2.h1 mem.h1 ");
    const struct ots_condition not_cpu = composite(OTS_LOGIC_NOT, &cpu, 1);
    assert_found(test, &not_cpu, "cp.h1 cpu2.h1 disk.x mem.h1 ");
}

static void test_refused(void **state)
{
    struct test_instance *test = *state;
    put_all(test);
    TEST_CALL(query, OTS_ACTION_QUERY_META);
    query.request.query_meta.table = OTS_SLICE("t");
    query.request.query_meta.token = OTS_SLICE("cpu");
    test_call_refused(test, &query, OTS_CODE_PARAMETER_INVALID);
    query.request.query_meta.token = OTS_SLICE_NONE;
    struct ots_condition condition = {.kind = OTS_CONDITION_UPDATE_TIME, .comparison = OTS_PREFIX};
    query.request.query_meta.condition = &condition;
    test_call_refused(test, &query, OTS_CODE_PARAMETER_INVALID);
    condition = composite(OTS_LOGIC_AND, NULL, 0);
    test_call_refused(test, &query, OTS_CODE_PARAMETER_INVALID);
    /* A token that lies outside of what the condition allows. */
    query.request.query_meta.condition = NULL;
    query.request.query_meta.limit = 2;
    test_call_ok(test, &query);
    TEST_CALL(other, OTS_ACTION_QUERY_META);
    condition = measurement_is(OTS_EQUAL, "mem");
    other.request.query_meta.table = OTS_SLICE("t");
    other.request.query_meta.condition = &condition;
    other.request.query_meta.token = query.response.query_meta.next_token;
    test_call_refused(test, &other, OTS_CODE_PARAMETER_INVALID);
}

static void test_total_only_if_asked(void **state)
{
    struct test_instance *test = *state;
    put_all(test);
    TEST_CALL(query, OTS_ACTION_QUERY_META);
    query.request.query_meta.table = OTS_SLICE("t");
    query.request.query_meta.limit = 1;
    test_call_ok(test, &query);
    assert_int_equal(query.response.query_meta.total_hit, -1);
    query.request.query_meta.get_total_hit = true;
    test_call_ok(test, &query);
    assert_int_equal(query.response.query_meta.total_hit, 6);
    assert_int_equal(query.response.query_meta.count, 1);
}

static int64_t update_time_of(struct test_instance *test, const char *measurement)
{
    TEST_CALL(query, OTS_ACTION_QUERY_META);
    const struct ots_condition condition = measurement_is(OTS_EQUAL, measurement);
    query.request.query_meta.table = OTS_SLICE("t");
    query.request.query_meta.condition = &condition;
    test_call_ok(test, &query);
    if (query.response.query_meta.count == 0)
        return 0;
    assert_int_equal(query.response.query_meta.metas[0].attribute_count, 0);
    return query.response.query_meta.metas[0].update_time_us;
}

static void test_update_time(void **state)
{
    struct test_instance *test = *state;
    test_put_one(test, "t", "cpu", "h1", 1, 1);
    assert_int_equal(update_time_of(test, "cpu"), TEST_NOW_US);
    test->clock.now_us += OTS_META_UPDATE_INTERVAL_US - 1;
    test_put_one(test, "t", "cpu", "h1", 2, 1);
    assert_int_equal(update_time_of(test, "cpu"), TEST_NOW_US);
    test->clock.now_us++;
    test_put_one(test, "t", "cpu", "h1", 3, 1);
    assert_int_equal(update_time_of(test, "cpu"), test->clock.now_us);
    /* What was forgotten in memory is read again, not made anew. */
    int64_t first = test->clock.now_us;
    test_instance_reopen(test);
    test->clock.now_us++;
    test_put_one(test, "t", "cpu", "h1", 4, 1);
    assert_int_equal(update_time_of(test, "cpu"), first);
    const struct ots_condition since = {
        .kind = OTS_CONDITION_UPDATE_TIME, .comparison = OTS_GREATER_EQUAL, .time_us = first};
    assert_found(test, &since, "cpu.h1 ");
    const struct ots_condition later = {
        .kind = OTS_CONDITION_UPDATE_TIME, .comparison = OTS_GREATER_THAN, .time_us = first};
    assert_found(test, &later, "");
}

/* Without metadata updates the rows can be read, but no metadata appears until a usual put. */
static void test_ignore_mode(void **state)
{
    struct test_instance *test = *state;
    const struct ots_row row = test_row(test, test_key(test, "cpu", "h1"), 1, 1);
    TEST_CALL(put, OTS_ACTION_PUT);
    put.request.put.table = OTS_SLICE("t");
    put.request.put.rows = &row;
    put.request.put.row_count = 1;
    put.request.put.meta_update_mode = OTS_META_UPDATE_IGNORE;
    test_call_ok(test, &put);
    assert_int_equal(update_time_of(test, "cpu"), 0);
    assert_found(test, NULL, "");
    TEST_CALL(get, OTS_ACTION_GET);
    get.request.get.table = OTS_SLICE("t");
    get.request.get.key = *row.key;
    test_call_ok(test, &get);
    assert_int_equal(get.response.page.rows.count, 1);
    test_put_one(test, "t", "cpu", "h1", 2, 1);
    assert_int_equal(update_time_of(test, "cpu"), TEST_NOW_US);
    get.request.get.key = *row.key;
    test_call_ok(test, &get);
    assert_int_equal(get.response.page.rows.count, 2);
}

/* More timelines than are remembered, in one put and in many; each keeps its number. */
static void test_many_timelines(void **state)
{
    struct test_instance *test = *state;
    static struct ots_row rows[OTS_PUT_ROWS_MAX];
    ots_dictionary_free(test->instance->dictionary);
    test->instance->dictionary =
        ots_dictionary_new(test->instance->engine, &test->clock.clock, 2000);
    for (int64_t time = 0; time < 3; time++) {
        for (int i = 0; i < OTS_PUT_ROWS_MAX; i++) {
            char host[16];
            snprintf(host, sizeof(host), "h%d", i % 150);
            rows[i] = test_row(test, test_key(test, i % 2 ? "odd" : "even", host), time, i);
        }
        test_put(test, "t", rows, OTS_PUT_ROWS_MAX);
    }
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    test_call_ok(test, &scan);
    assert_int_equal(scan.response.page.rows.count, 150 * 3);
    TEST_CALL(query, OTS_ACTION_QUERY_META);
    query.request.query_meta.table = OTS_SLICE("t");
    query.request.query_meta.get_total_hit = true;
    test_call_ok(test, &query);
    assert_int_equal(query.response.query_meta.total_hit, 150);
    for (size_t i = 1; i < query.response.query_meta.count; i++)
        assert_true(ots_series_key_compare(&query.response.query_meta.metas[i - 1].key,
                                           &query.response.query_meta.metas[i].key) < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, test_instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_comparisons),    TEST(test_composites),          TEST(test_refused),
        TEST(test_update_time),    TEST(test_total_only_if_asked), TEST(test_ignore_mode),
        TEST(test_many_timelines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
