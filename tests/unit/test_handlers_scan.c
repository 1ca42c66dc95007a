#include "tests/unit/server_fixture.h"

#include "backend/server/handlers.h"
#include "backend/wire/service_code.h"
#include "tests/unit/make_rows.h"

#include <stdio.h>

static int setup(void **state)
{
    int failed = test_instance_setup(state);
    if (!failed)
        test_create_table(*state, "t");
    return failed;
}

/* Keys of a scan come back whole, timelines side by side. */
static void test_scan(void **state)
{
    struct test_instance *test = *state;
    struct test_random random = {7};
    struct ots_rows rows = test_make_rows(&random, &test->arena, 150);
    test_put(test, "t", rows.items, rows.count);
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    test_call_ok(test, &scan);
    const struct ots_rows *found = &scan.response.page.rows;
    for (size_t i = 0; i < rows.count; i++) {
        /* The last of the rows with this key and time is the one that is stored. */
        const struct ots_row *row = &rows.items[i];
        for (size_t j = i + 1; j < rows.count; j++)
            if (rows.items[j].time_us == row->time_us &&
                ots_series_key_equal(rows.items[j].key, row->key))
                row = &rows.items[j];
        size_t hits = 0;
        for (size_t j = 0; j < found->count; j++)
            hits += ots_row_equal(&found->items[j], row);
        assert_int_equal(hits, 1);
    }
    for (size_t i = 1; i < found->count; i++)
        assert_true((found->items[i].key == found->items[i - 1].key) ==
                    ots_series_key_equal(found->items[i].key, found->items[i - 1].key));
}

static void test_scan_window(void **state)
{
    struct test_instance *test = *state;
    static const char *const hosts[] = {"h1", "h2", "h3"};
    int64_t times[32];
    size_t count = 0;
    for (size_t h = 0; h < 3; h++)
        for (int64_t i = 0; i < 10; i++)
            test_put_one(test, "t", "cpu", hosts[h], i * 10, i);
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    scan.request.scan.has_begin = true;
    scan.request.scan.begin_us = 25;
    test_call_ok(test, &scan);
    assert_int_equal(scan.response.page.rows.count, 3 * 7);
    scan.request.scan.has_end = true;
    scan.request.scan.end_us = 50;
    test_call_ok(test, &scan);
    TEST_ASSERT_TIMES(scan, 30, 40, 30, 40, 30, 40);
    assert_int_equal(scan.response.page.next_token.size, 0);
    scan.request.scan.limit = 2;
    assert_int_equal(test_read_pages(test, &scan, times, &count, 32), 3);
    assert_int_equal(count, 6);
    scan.request.scan.limit = 1;
    assert_int_equal(test_read_pages(test, &scan, times, &count, 32), 6);
    scan.request.scan.limit = 0;
    scan.request.scan.has_begin = false;
    scan.request.scan.begin_us = 0;
    scan.request.scan.end_us = 1;
    test_call_ok(test, &scan);
    TEST_ASSERT_TIMES(scan, 0, 0, 0);
}

/* Splits `table`, scans every split, and counts each row's hits by its field. */
static void scan_splits(struct test_instance *test, const char *measurement, int32_t hint,
                        unsigned *hits, size_t hits_max)
{
    TEST_CALL(split, OTS_ACTION_SPLIT);
    split.request.split.table = OTS_SLICE("t");
    split.request.split.split_count_hint = hint;
    split.request.split.has_measurement = measurement != NULL;
    if (measurement)
        split.request.split.measurement = ots_slice_str(measurement);
    test_call_ok(test, &split);
    assert_int_equal(split.response.split.count, hint < OTS_SPLITS_MAX ? hint : OTS_SPLITS_MAX);
    memset(hits, 0, hits_max * sizeof(*hits));
    for (size_t i = 0; i < split.response.split.count; i++) {
        TEST_CALL(scan, OTS_ACTION_SCAN);
        scan.request.scan.table = OTS_SLICE("t");
        scan.request.scan.split = split.response.split.splits[i];
        test_call_ok(test, &scan);
        const struct ots_rows *rows = &scan.response.page.rows;
        for (size_t j = 0; j < rows->count; j++) {
            int64_t number = rows->items[j].fields[0].value.integer;
            assert_true(number >= 0 && (size_t)number < hits_max);
            hits[number]++;
        }
    }
}

static void test_splits(void **state)
{
    struct test_instance *test = *state;
    static const char *const measurements[] = {"mem", "cpu", "disk"};
    static const int32_t hints[] = {1, 2, 3, 7, 16, 100, 256, 1000};
    unsigned hits[3 * 20];
    for (int64_t i = 0; i < 60; i++) {
        char host[16];
        snprintf(host, sizeof(host), "h%d", (int)(i / 3));
        test_put_one(test, "t", measurements[i % 3], host, i, i);
    }
    for (size_t h = 0; h < sizeof(hints) / sizeof(hints[0]); h++) {
        scan_splits(test, NULL, hints[h], hits, 60);
        for (size_t i = 0; i < 60; i++)
            assert_int_equal(hits[i], 1);
        for (size_t m = 0; m < 3; m++) {
            scan_splits(test, measurements[m], hints[h], hits, 60);
            for (size_t i = 0; i < 60; i++)
                assert_int_equal(hits[i], i % 3 == m);
        }
        scan_splits(test, "unknown", hints[h], hits, 60);
        for (size_t i = 0; i < 60; i++)
            assert_int_equal(hits[i], 0);
    }
}

/* Splits share the timelines about evenly, and know those that come later. */
static void test_splits_balance(void **state)
{
    struct test_instance *test = *state;
    for (int64_t i = 0; i < 40; i++) {
        char host[16];
        snprintf(host, sizeof(host), "h%d", (int)i);
        test_put_one(test, "t", i < 30 ? "a" : "b", host, i, i);
    }
    TEST_CALL(split, OTS_ACTION_SPLIT);
    split.request.split.table = OTS_SLICE("t");
    split.request.split.split_count_hint = 4;
    test_call_ok(test, &split);
    test_put_one(test, "t", "a", "later", 100, 0);
    test_put_one(test, "t", "new", "later", 101, 0);
    size_t total = 0;
    for (size_t i = 0; i < 4; i++) {
        TEST_CALL(scan, OTS_ACTION_SCAN);
        scan.request.scan.table = OTS_SLICE("t");
        scan.request.scan.split = split.response.split.splits[i];
        test_call_ok(test, &scan);
        size_t count = scan.response.page.rows.count;
        assert_true(count >= 10 && count <= 11);
        total += count;
    }
    assert_int_equal(total, 42);
}

static void test_split_refused(void **state)
{
    struct test_instance *test = *state;
    TEST_CALL(split, OTS_ACTION_SPLIT);
    split.request.split.table = OTS_SLICE("t");
    split.request.split.split_count_hint = 0;
    test_call_refused(test, &split, OTS_CODE_PARAMETER_INVALID);
    split.request.split.split_count_hint = -5;
    test_call_refused(test, &split, OTS_CODE_PARAMETER_INVALID);
    split.request.split.split_count_hint = 3;
    test_call_ok(test, &split);
    assert_int_equal(split.response.split.count, 3);
}

/* A token of one split is refused with another split. */
static void test_scan_token_of_split(void **state)
{
    struct test_instance *test = *state;
    for (int64_t i = 0; i < 10; i++) {
        test_put_one(test, "t", "a", "h", i, i);
        test_put_one(test, "t", "b", "h", i, i);
    }
    TEST_CALL(split, OTS_ACTION_SPLIT);
    split.request.split.table = OTS_SLICE("t");
    split.request.split.split_count_hint = 2;
    test_call_ok(test, &split);
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    scan.request.scan.split = split.response.split.splits[0];
    scan.request.scan.limit = 3;
    test_call_ok(test, &scan);
    TEST_CALL(other, OTS_ACTION_SCAN);
    other.request.scan.table = OTS_SLICE("t");
    other.request.scan.split = split.response.split.splits[1];
    other.request.scan.token = scan.response.page.next_token;
    test_call_refused(test, &other, OTS_CODE_PARAMETER_INVALID);
    other.request.scan.split = split.response.split.splits[0];
    test_call_ok(test, &other);
    assert_int_equal(other.response.page.rows.count, 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, test_instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_scan),           TEST(test_scan_window),   TEST(test_splits),
        TEST(test_splits_balance), TEST(test_split_refused), TEST(test_scan_token_of_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
