/* What the layer does to calls: on an instance, without HTTP. */
#include "backend/server/faults.h"

#include "backend/server/stream_commands.h"
#include "backend/wire/service_code.h"
#include "tests/unit/stream_fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum { SECOND_US = 1000000 };

struct fixture {
    struct test_instance *test;
    struct ots_faults *faults;
};

static int setup(void **state)
{
    static struct fixture fixture;
    void *test = NULL;
    assert_int_equal(test_instance_setup(&test), 0);
    fixture.test = test;
    fixture.faults = ots_faults_new(&fixture.test->clock.clock);
    assert_non_null(fixture.faults);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *test = fixture->test;
    ots_faults_free(fixture->faults);
    return test_instance_teardown(&test);
}

static void set(struct fixture *fixture, const char *json)
{
    assert_int_equal(ots_faults_set(fixture->faults, ots_slice_str(json), NULL), OTS_OK);
}

static void run(struct fixture *fixture, struct ots_call *call)
{
    struct ots_caller *caller = ots_faults_caller(fixture->faults);
    caller->call(caller, fixture->test->instance, call);
}

static void create(struct fixture *fixture)
{
    TEST_CALL(call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta.name = OTS_SLICE("t");
    run(fixture, &call);
    assert_int_equal(call.status, OTS_OK);
}

static size_t count_metas(struct fixture *fixture, const struct ots_condition *condition)
{
    TEST_CALL(call, OTS_ACTION_QUERY_META);
    call.request.query_meta.table = OTS_SLICE("t");
    call.request.query_meta.condition = condition;
    run(fixture, &call);
    assert_int_equal(call.status, OTS_OK);
    return call.response.query_meta.count;
}

static void not_ready(void **state)
{
    struct fixture *fixture = *state;
    set(fixture, "{\"table_not_ready_s\":2}");
    create(fixture);
    TEST_CALL(call, OTS_ACTION_QUERY_META);
    call.request.query_meta.table = OTS_SLICE("t");
    run(fixture, &call);
    assert_int_equal(call.status, OTS_NOT_READY);
    assert_string_equal(call.error.service_code, OTS_CODE_TABLE_NOT_READY);
    /* What is about tables is answered at once. */
    TEST_CALL(describe, OTS_ACTION_DESCRIBE_TABLE);
    describe.request.table.table = OTS_SLICE("t");
    run(fixture, &describe);
    assert_int_equal(describe.status, OTS_OK);
    fixture->test->clock.now_us += 2 * SECOND_US;
    assert_int_equal(count_metas(fixture, NULL), 0);
}

static void rows_fail(void **state)
{
    struct fixture *fixture = *state;
    struct ots_row rows[4];
    create(fixture);
    set(fixture, "{\"rules\":[{\"failed_rows\":[0,2,9],\"nth\":1}]}");
    const struct ots_series_key *key = test_key(fixture->test, "m", "h");
    for (int i = 0; i < 4; i++)
        rows[i] = test_row(fixture->test, key, i, i);
    TEST_CALL(put, OTS_ACTION_PUT);
    put.request.put.table = OTS_SLICE("t");
    put.request.put.rows = rows;
    put.request.put.row_count = 4;
    run(fixture, &put);
    assert_int_equal(put.status, OTS_OK);
    assert_int_equal(put.response.put.failed_row_count, 2);
    assert_int_equal(put.response.put.failed_rows[0].row_index, 0);
    assert_int_equal(put.response.put.failed_rows[1].row_index, 2);
    assert_true(
        ots_slice_equal(put.response.put.failed_rows[1].code, OTS_SLICE(OTS_CODE_SERVER_BUSY)));
    assert_int_equal(put.request.put.row_count, 4);
    TEST_CALL(get, OTS_ACTION_GET);
    get.request.get.table = OTS_SLICE("t");
    get.request.get.key = *key;
    run(fixture, &get);
    TEST_ASSERT_TIMES(get, 1, 3);
}

static void metadata_comes_late(void **state)
{
    struct fixture *fixture = *state;
    create(fixture);
    set(fixture, "{\"meta_visible_after_s\":10}");
    test_put_one(fixture->test, "t", "m", "a", 1, 1);
    const struct ots_condition is_m = {
        .kind = OTS_CONDITION_MEASUREMENT, .comparison = OTS_EQUAL, .value = OTS_SLICE("m")};
    assert_int_equal(count_metas(fixture, NULL), 0);
    assert_int_equal(count_metas(fixture, &is_m), 0);
    fixture->test->clock.now_us += 10 * SECOND_US;
    test_put_one(fixture->test, "t", "m", "b", 1, 1);
    assert_int_equal(count_metas(fixture, NULL), 1);
    assert_int_equal(count_metas(fixture, &is_m), 1);
    ots_faults_clear(fixture->faults);
    assert_int_equal(count_metas(fixture, &is_m), 2);
}

static void scans_are_shuffled(void **state)
{
    struct fixture *fixture = *state;
    create(fixture);
    for (int64_t i = 0; i < 3; i++) {
        test_put_one(fixture->test, "t", "m", "a", i, 1);
        test_put_one(fixture->test, "t", "m", "b", 10 + i, 1);
    }
    test_put_one(fixture->test, "t", "m", "c", 20, 1);
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    run(fixture, &scan);
    TEST_ASSERT_TIMES(scan, 0, 1, 2, 10, 11, 12, 20);
    set(fixture, "{\"scan_shuffle\":true}");
    TEST_CALL(shuffled, OTS_ACTION_SCAN);
    shuffled.request.scan.table = OTS_SLICE("t");
    run(fixture, &shuffled);
    TEST_ASSERT_TIMES(shuffled, 20, 10, 11, 12, 0, 1, 2);
}

/* A page of what is in the stream, and at last where to go on; returns how many records. */
static size_t read_stream(struct fixture *fixture, struct test_name *iterator, int32_t limit,
                          int64_t *first_time_us)
{
    const struct test_name from = *iterator;
    TEST_CALL(call, OTS_ACTION_STREAM_RECORDS);
    call.request.stream_records.iterator = test_name_slice(&from);
    call.request.stream_records.limit = limit;
    run(fixture, &call);
    assert_int_equal(call.status, OTS_OK);
    const struct ots_stream_records_response *page = &call.response.stream_records;
    *first_time_us = page->count ? page->records[0].row.time_us : -1;
    snprintf(iterator->text, sizeof(iterator->text), "%.*s", OTS_SLICE_FMT(page->next_iterator));
    return page->count;
}

static void the_stream_lags(void **state)
{
    struct fixture *fixture = *state;
    struct test_instance *test = fixture->test;
    int64_t first_us;
    create(fixture);
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name at = test_iterator(test, &stream, &shard.id);
    const struct test_name start = at;
    /* Later than the table, so that the commit has just this time. */
    test->clock.now_us += SECOND_US;
    test_put_numbers(test, "t", 0, 3, 1);
    test->clock.now_us += 5 * SECOND_US;
    test_put_numbers(test, "t", 3, 4, 1);
    set(fixture, "{\"stream_visible_after_s\":10}");
    /* Nothing is there yet: the iterator stays, as in a shard where nothing happens. */
    assert_int_equal(read_stream(fixture, &at, 0, &first_us), 0);
    assert_string_equal(at.text, start.text);
    test->clock.now_us += 5 * SECOND_US;
    /* A page that is cut by its limit goes on, one that is cut by the lag stands before the rest.
     */
    assert_int_equal(read_stream(fixture, &at, 2, &first_us), 2);
    assert_int_equal(first_us, 0);
    assert_int_equal(read_stream(fixture, &at, 0, &first_us), 1);
    assert_int_equal(first_us, 2);
    assert_int_equal(read_stream(fixture, &at, 0, &first_us), 0);
    struct test_name from_start = start;
    assert_int_equal(read_stream(fixture, &from_start, 0, &first_us), 3);
    /* Where a record is that is not seen yet can be searched for. */
    struct test_name late =
        test_iterator_at(test, &stream, &shard.id, test->clock.now_us - SECOND_US * 5);
    assert_int_equal(read_stream(fixture, &late, 0, &first_us), 0);
    test->clock.now_us += 5 * SECOND_US;
    struct test_name *const readers[] = {&at, &from_start, &late};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(read_stream(fixture, readers[i], 0, &first_us), 4);
        assert_int_equal(first_us, 3);
    }
}

/* A closed shard does not end before all of it was seen. */
static void the_stream_of_a_closed_shard_lags(void **state)
{
    struct fixture *fixture = *state;
    struct test_instance *test = fixture->test;
    int64_t first_us;
    create(fixture);
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name at = test_iterator(test, &stream, &shard.id);
    test_put_numbers(test, "t", 0, 3, 1);
    test->clock.now_us += 5 * SECOND_US;
    test_put_numbers(test, "t", 3, 4, 1);
    assert_int_equal(
        ots_streams_split(test->instance, OTS_SLICE("t"), test_name_slice(&shard.id), NULL),
        OTS_OK);
    set(fixture, "{\"stream_visible_after_s\":1}");
    assert_int_equal(read_stream(fixture, &at, 0, &first_us), 3);
    assert_int_equal(read_stream(fixture, &at, 0, &first_us), 0);
    assert_string_not_equal(at.text, "");
    ots_faults_clear(fixture->faults);
    assert_int_equal(read_stream(fixture, &at, 0, &first_us), 4);
    assert_int_equal(first_us, 3);
    assert_string_equal(at.text, "");
}

static void the_clock_is_off(void **state)
{
    struct fixture *fixture = *state;
    const struct ots_clock *clock = ots_faults_clock(fixture->faults);
    assert_int_equal(ots_clock_now_us(clock), TEST_NOW_US);
    set(fixture, "{\"clock_offset_s\":-1000}");
    assert_int_equal(ots_clock_now_us(clock), TEST_NOW_US - 1000 * (int64_t)SECOND_US);
    assert_int_equal(ots_clock_monotonic_us(clock), TEST_NOW_US);
    /* A document that is refused changes nothing. */
    assert_int_not_equal(ots_faults_set(fixture->faults, OTS_SLICE("{\"x\":1}"), NULL), OTS_OK);
    assert_int_equal(ots_clock_now_us(clock), TEST_NOW_US - 1000 * (int64_t)SECOND_US);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(not_ready),
        TEST(rows_fail),
        TEST(metadata_comes_late),
        TEST(scans_are_shuffled),
        TEST(the_clock_is_off),
        TEST(the_stream_lags),
        TEST(the_stream_of_a_closed_shard_lags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
