/*
 * Streams of one shard: names, order, pages, positions, restarts.
 */
#include "backend/server/streams.h"
#include "backend/wire/service_code.h"
#include "tests/unit/stream_fixture.h"

#include <stdio.h>

enum { RECORDS_MAX = 2000 };

static int setup(void **state)
{
    int failed = test_instance_setup(state);
    if (!failed)
        test_create_table(*state, "t");
    return failed;
}

/* ---- names and descriptions ---- */

static void test_list(void **state)
{
    struct test_instance *test = *state;
    test_create_table(test, "a_1");
    TEST_CALL(call, OTS_ACTION_LIST_STREAMS);
    test_call_ok(test, &call);
    const struct ots_list_streams_response *listed = &call.response.list_streams;
    assert_int_equal(listed->count, 2);
    assert_true(ots_slice_equal(listed->streams[0].table, OTS_SLICE("a_1")));
    assert_true(ots_slice_equal(listed->streams[1].table, OTS_SLICE("t")));
    assert_int_equal(listed->streams[1].created_us, TEST_NOW_US);
    assert_true(ots_slice_equal(listed->streams[1].id, OTS_SLICE("t_1735787045678000_1")));
    call.request.list_streams.table = OTS_SLICE("absent");
    test_call_ok(test, &call);
    assert_int_equal(call.response.list_streams.count, 0);
}

static void test_describe(void **state)
{
    struct test_instance *test = *state;
    struct test_name stream = test_stream_of(test, "t");
    TEST_CALL(call, OTS_ACTION_DESCRIBE_STREAM);
    struct ots_describe_stream_request *request = &call.request.describe_stream;
    const struct ots_describe_stream_response *response = &call.response.describe_stream;
    request->stream = test_name_slice(&stream);
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
    assert_string_equal(call.error.message,
                        "Table [t] is a timeseries table, not support DescribeStream");
    request->accepts_timeseries = true;
    test_call_ok(test, &call);
    assert_true(response->is_timeseries);
    assert_int_equal(response->status, OTS_STREAM_ACTIVE);
    assert_int_equal(response->expiration_hours, 168);
    assert_int_equal(response->info.created_us, TEST_NOW_US);
    assert_true(ots_slice_equal(response->info.table, OTS_SLICE("t")));
    assert_true(ots_slice_equal(response->info.id, test_name_slice(&stream)));
    assert_int_equal(response->shard_count, 1);
    assert_int_equal(response->next_shard.size, 0);
    ots_streams_set_retention(test->instance->streams, 24);
    test_call_ok(test, &call);
    assert_int_equal(response->expiration_hours, 24);
    request->first_shard = OTS_SLICE("nonsense");
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
    request->first_shard = OTS_SLICE("00000002-00000001");
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
}

static void test_retention_bounds(void **state)
{
    struct test_instance *test = *state;
    struct ots_streams *streams = test->instance->streams;
    assert_int_equal(ots_streams_retention(streams), 168);
    ots_streams_set_retention(streams, 0);
    assert_int_equal(ots_streams_retention(streams), 1);
    ots_streams_set_retention(streams, 1000);
    assert_int_equal(ots_streams_retention(streams), 168);
}

static void assert_stream_refused(struct test_instance *test, const char *id, const char *code)
{
    TEST_CALL(describe, OTS_ACTION_DESCRIBE_STREAM);
    describe.request.describe_stream.stream = ots_slice_str(id);
    describe.request.describe_stream.accepts_timeseries = true;
    test_call_refused(test, &describe, code);
    TEST_CALL(iterator, OTS_ACTION_SHARD_ITERATOR);
    iterator.request.shard_iterator.stream = ots_slice_str(id);
    iterator.request.shard_iterator.shard = OTS_SLICE("00000001-00000001");
    test_call_refused(test, &iterator, code);
}

static void test_stream_ids(void **state)
{
    struct test_instance *test = *state;
    static const char *const malformed[] = {
        "",
        "t",
        "t_1735787045678000",
        "t_1735787045678000_",
        "t_173578704567800_1",
        "t_17357870456780000_1",
        "_1735787045678000_1",
        "1t_1735787045678000_1",
        "t_1735787045678000_4294967296",
        "t_1735787045678000_99999999999999999999",
        "t\n_1735787045678000_1",
    };
    static const char *const unknown[] = {
        "t_1735787045678000_2",
        "t_1735787045678001_1",
        "u_1735787045678000_1",
        "t_1735787045678000_01",
    };
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        assert_stream_refused(test, malformed[i], OTS_CODE_PARAMETER_INVALID);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_stream_refused(test, unknown[i], OTS_CODE_OBJECT_NOT_EXIST);
}

static void assert_iterator_refused(struct test_instance *test, const char *shard, bool has_token,
                                    int64_t timestamp_us, const char *code)
{
    struct test_name stream = test_stream_of(test, "t");
    TEST_CALL(call, OTS_ACTION_SHARD_ITERATOR);
    call.request.shard_iterator.stream = test_name_slice(&stream);
    call.request.shard_iterator.shard = ots_slice_str(shard);
    call.request.shard_iterator.has_timestamp = timestamp_us != 0;
    call.request.shard_iterator.timestamp_us = timestamp_us;
    if (has_token)
        call.request.shard_iterator.token = OTS_SLICE("token");
    test_call_refused(test, &call, code);
}

static void test_iterator_requests(void **state)
{
    struct test_instance *test = *state;
    static const char *const malformed[] = {
        "",
        "1",
        "00000001-0000000",
        "00000001-000000011",
        "00000001_00000001",
        "0000000A-00000001",
        "00000002-00000001",
    };
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++)
        assert_iterator_refused(test, malformed[i], false, 0, OTS_CODE_PARAMETER_INVALID);
    assert_iterator_refused(test, "00000001-00000002", false, 0, OTS_CODE_TRIMMED);
    assert_iterator_refused(test, "00000001-00000001", true, 0, OTS_CODE_PARAMETER_INVALID);
    assert_iterator_refused(test, "00000001-00000001", false, -1, OTS_CODE_PARAMETER_INVALID);
}

/* No byte of an iterator can be another one. */
static void test_iterators_mangled(void **state)
{
    struct test_instance *test = *state;
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name iterator = test_iterator(test, &stream, &shard.id);
    size_t size = strlen(iterator.text);
    assert_int_equal(size, 52);
    for (size_t i = 0; i < size; i++) {
        struct test_name mangled = iterator;
        mangled.text[i] = mangled.text[i] == '0' ? '1' : '0';
        test_read_refused(test, &mangled, OTS_CODE_PARAMETER_INVALID);
        mangled.text[i] = '\t';
        test_read_refused(test, &mangled, OTS_CODE_PARAMETER_INVALID);
        mangled.text[i] = '\0';
        test_read_refused(test, &mangled, OTS_CODE_PARAMETER_INVALID);
    }
    struct test_name longer = iterator;
    strcat(longer.text, "0");
    test_read_refused(test, &longer, OTS_CODE_PARAMETER_INVALID);
}

static void test_table_of_records(void **state)
{
    struct test_instance *test = *state;
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name iterator = test_iterator(test, &stream, &shard.id);
    TEST_CALL(call, OTS_ACTION_STREAM_RECORDS);
    call.request.stream_records.iterator = test_name_slice(&iterator);
    call.request.stream_records.table = OTS_SLICE("t");
    test_call_ok(test, &call);
    call.request.stream_records.table = OTS_SLICE("u");
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
}

/* ---- records ---- */

static void test_record(void **state)
{
    struct test_instance *test = *state;
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name iterator = test_iterator(test, &stream, &shard.id);
    struct ots_row rows[] = {test_row(test, test_key(test, "cpu", "h1"), 5, 50),
                             test_row(test, test_key(test, "mem", NULL), 4, 40),
                             test_row(test, test_key(test, "mem", NULL), 4, 41)};
    test->clock.now_us += 1000;
    test_put(test, "t", rows, 3);
    TEST_CALL(call, OTS_ACTION_STREAM_RECORDS);
    call.request.stream_records.iterator = test_name_slice(&iterator);
    test_call_ok(test, &call);
    const struct ots_stream_records_response *page = &call.response.stream_records;
    assert_int_equal(page->count, 3);
    assert_true(page->has_may_more && !page->may_more);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(page->records[i].type, OTS_CHANGE_PUT);
        assert_int_equal(page->records[i].sequence.timestamp_us, TEST_NOW_US + 1000);
        assert_int_equal(page->records[i].sequence.row_index, i);
        assert_true(ots_row_equal(&page->records[i].row, &rows[i]));
    }
    assert_ptr_equal(page->records[1].row.key, page->records[2].row.key);
}

/* A put that is refused leaves nothing. */
static void test_refused_put(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[4];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name iterator = test_iterator(test, &stream, &shard.id);
    struct ots_row rows[] = {test_row(test, test_key(test, "cpu", "h1"), 5, 50),
                             test_row(test, test_key(test, "cpu", "h1"), -1, 40)};
    TEST_CALL(put, OTS_ACTION_PUT);
    put.request.put.table = OTS_SLICE("t");
    put.request.put.rows = rows;
    put.request.put.row_count = 2;
    test_call_refused(test, &put, OTS_CODE_PARAMETER_INVALID);
    assert_int_equal(test_read_all(test, &iterator, records, 4), 0);
}

static void test_idle(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[8];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name iterator = test_iterator(test, &stream, &shard.id);
    struct test_name before = iterator;
    assert_int_equal(test_read_records(test, &iterator, 0, records, 8), 0);
    assert_string_equal(iterator.text, before.text);
    for (int64_t i = 0; i < 5; i++) {
        test_put_number(test, "t", "h", i);
        before = iterator;
        assert_int_equal(test_read_records(test, &iterator, 0, records, 8), 1);
        assert_int_equal(records[0].number, i);
        assert_string_not_equal(iterator.text, before.text);
        before = iterator;
        assert_int_equal(test_read_records(test, &iterator, 0, records, 8), 0);
        assert_string_equal(iterator.text, before.text);
    }
}

/* Puts of 1, 2, ... rows, at times that stand still, jump ahead and jump back. */
static size_t put_many(struct test_instance *test, size_t puts)
{
    int64_t number = 0;
    for (size_t i = 1; i <= puts; i++) {
        test->clock.now_us += i % 3 == 0 ? -5000 : i % 3 == 1 ? 0 : 7000;
        test_put_numbers(test, "t", number, i, (unsigned)(i % 4 + 1));
        number += (int64_t)i;
    }
    return (size_t)number;
}

static void assert_numbers(const struct test_record *records, size_t count, int64_t first)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(records[i].number, first + (int64_t)i);
        assert_int_equal(records[i].time_us, first + (int64_t)i);
    }
}

/* Exactly n, and what follows begins exactly behind them, from wherever one reads. */
static void test_limits(void **state)
{
    struct test_instance *test = *state;
    static struct test_record records[RECORDS_MAX];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name start = test_iterator(test, &stream, &shard.id);
    size_t count = put_many(test, 11);
    for (size_t skipped = 0; skipped < count; skipped++) {
        for (size_t n = 1; skipped + n <= count + 1; n++) {
            struct test_name iterator = start;
            size_t expected = skipped + n <= count ? n : n - 1;
            assert_int_equal(test_read_records(test, &iterator, (int32_t)n, records, RECORDS_MAX),
                             expected);
            assert_numbers(records, expected, (int64_t)skipped);
            size_t rest = test_read_records(test, &iterator, 0, records, RECORDS_MAX);
            assert_int_equal(rest, count - skipped - expected);
            assert_numbers(records, rest, (int64_t)(skipped + expected));
        }
        assert_int_equal(test_read_records(test, &start, 1, records, RECORDS_MAX), 1);
    }
}

static void test_may_more(void **state)
{
    struct test_instance *test = *state;
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name iterator = test_iterator(test, &stream, &shard.id);
    test_put_numbers(test, "t", 0, 3, 1);
    test_put_numbers(test, "t", 3, 2, 1);
    for (int32_t n = 1; n <= 6; n++) {
        TEST_CALL(call, OTS_ACTION_STREAM_RECORDS);
        call.request.stream_records.iterator = test_name_slice(&iterator);
        call.request.stream_records.limit = n;
        test_call_ok(test, &call);
        assert_int_equal(call.response.stream_records.may_more, n < 5);
    }
}

/* To the record of each commit, at its time and from just before; in between, to the next one. */
static void test_seek(void **state)
{
    struct test_instance *test = *state;
    static struct test_record records[RECORDS_MAX];
    static struct test_record found[RECORDS_MAX];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name iterator = test_iterator(test, &stream, &shard.id);
    put_many(test, 20);
    size_t count = test_read_all(test, &iterator, records, RECORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        for (int64_t back = 0; back < 2; back++) {
            int64_t time_us = records[i].commit_us - back;
            struct test_name at = test_iterator_at(test, &stream, &shard.id, time_us);
            size_t first = 0;
            while (records[first].commit_us < time_us)
                first++;
            assert_int_equal(test_read_all(test, &at, found, RECORDS_MAX), count - first);
            assert_numbers(found, count - first, (int64_t)first);
        }
    }
    struct test_name at = test_iterator_at(test, &stream, &shard.id, 0);
    assert_int_equal(test_read_all(test, &at, found, RECORDS_MAX), count);
    /* In the future: behind the last record, so that none that comes is missed. */
    at = test_iterator_at(test, &stream, &shard.id, INT64_MAX);
    assert_string_equal(at.text, iterator.text);
    test_put_number(test, "t", "h", 7);
    assert_int_equal(test_read_all(test, &at, found, RECORDS_MAX), 1);
}

static void test_pages(void **state)
{
    struct test_instance *test = *state;
    static struct test_record records[OTS_PAGE_ROWS_MAX + 1000];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name iterator = test_iterator(test, &stream, &shard.id);
    for (int64_t i = 0; i < OTS_PAGE_ROWS_MAX + 400; i += 200)
        test_put_numbers(test, "t", i, 200, 7);
    size_t count =
        test_read_records(test, &iterator, INT32_MAX, records, sizeof(records) / sizeof(*records));
    assert_int_equal(count, OTS_PAGE_ROWS_MAX);
    assert_numbers(records, count, 0);
    count = test_read_records(test, &iterator, 0, records, 1000);
    assert_int_equal(count, 400);
    assert_numbers(records, count, OTS_PAGE_ROWS_MAX);
}

/* A page holds some MiB, and one row in any case. */
static void test_large_records(void **state)
{
    struct test_instance *test = *state;
    enum { ROWS = 9 };
    size_t size = OTS_VALUE_BYTES_MAX - 1000;
    uint8_t *bytes = ots_arena_alloc(&test->arena, size);
    memset(bytes, 'x', size);
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name iterator = test_iterator(test, &stream, &shard.id);
    for (int64_t i = 0; i < ROWS; i++) {
        const struct ots_field field = {OTS_SLICE("f"),
                                        {.type = OTS_BINARY, .bytes = ots_slice(bytes, size)}};
        const struct ots_row row = {test_key(test, "cpu", "h"), i, &field, 1};
        test_put(test, "t", &row, 1);
    }
    int64_t read = 0;
    size_t pages = 0;
    for (bool may_more = true; may_more; pages++) {
        TEST_CALL(call, OTS_ACTION_STREAM_RECORDS);
        call.request.stream_records.iterator = test_name_slice(&iterator);
        test_call_ok(test, &call);
        const struct ots_stream_records_response *page = &call.response.stream_records;
        assert_true(page->count > 0 && page->count < ROWS);
        for (size_t i = 0; i < page->count; i++) {
            assert_int_equal(page->records[i].row.time_us, read++);
            assert_int_equal(page->records[i].row.fields[0].value.bytes.size, size);
        }
        may_more = page->may_more;
        memcpy(iterator.text, page->next_iterator.data, page->next_iterator.size);
    }
    assert_int_equal(read, ROWS);
    assert_in_range(pages, 3, ROWS - 1);
}

/* ---- time and restarts ---- */

/* Positions of all kinds go on where they were; commits go on behind the last one. */
static void test_restart(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[16];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name start = test_iterator(test, &stream, &shard.id);
    test_put_numbers(test, "t", 0, 6, 2);
    struct test_name middle = start;
    assert_int_equal(test_read_records(test, &middle, 4, records, 16), 4);
    struct test_name end = start;
    assert_int_equal(test_read_records(test, &end, 6, records, 16), 6);
    int64_t last_us = records[5].commit_us;
    test->clock.now_us -= INT64_C(3600) * 1000 * 1000;
    test_instance_reopen(test);
    struct test_name stream_again = test_stream_of(test, "t");
    assert_string_equal(stream_again.text, stream.text);
    struct test_shard shard_again = test_only_shard(test, &stream);
    assert_string_equal(shard_again.id.text, shard.id.text);
    struct test_name start_again = test_iterator(test, &stream, &shard.id);
    assert_string_equal(start_again.text, start.text);
    test_put_numbers(test, "t", 6, 1, 1);
    assert_int_equal(test_read_all(test, &start, records, 16), 7);
    assert_numbers(records, 7, 0);
    assert_true(records[6].commit_us > last_us);
    assert_int_equal(test_read_all(test, &middle, records, 16), 3);
    assert_numbers(records, 3, 4);
    assert_int_equal(test_read_all(test, &end, records, 16), 1);
    assert_numbers(records, 1, 6);
}

/* The commit clock follows ours forward and never goes back. */
static void test_clock(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[16];
    static const int64_t steps[] = {0, 0, -1000000, 5000000, -4000000, 0, 10000000};
    static const int64_t expected[] = {1, 2, 3, 4000000, 4000001, 4000002, 10000000};
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name start = test_iterator(test, &stream, &shard.id);
    for (size_t i = 0; i < 7; i++) {
        test->clock.now_us += steps[i];
        test_put_number(test, "t", "h", (int64_t)i);
    }
    assert_int_equal(test_read_all(test, &start, records, 16), 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(records[i].commit_us - TEST_NOW_US, expected[i]);
}

static void delete_table(struct test_instance *test, const char *table)
{
    TEST_CALL(call, OTS_ACTION_DELETE_TABLE);
    call.request.table.table = ots_slice_str(table);
    test_call_ok(test, &call);
}

static size_t keys_in(struct test_instance *test, enum ots_space space)
{
    struct ots_engine *engine = test->instance->engine;
    const uint8_t begin[] = {(uint8_t)space};
    const uint8_t end[] = {(uint8_t)(space + 1)};
    size_t count = 0;
    struct ots_cursor *cursor =
        engine->ops->cursor_new(engine, ots_slice(begin, 1), ots_slice(end, 1));
    cursor->ops->seek(cursor, ots_slice(begin, 1));
    for (; cursor->is_valid; cursor->ops->next(cursor))
        count++;
    cursor->ops->free(cursor);
    return count;
}

/* The stream goes with its table, and the same name gets another one, even at the same time. */
static void test_delete_table(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[4];
    struct ots_error err = {0};
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name iterator = test_iterator(test, &stream, &shard.id);
    test_put_number(test, "t", "h", 1);
    const struct ots_table *table = NULL;
    struct ots_stream *opened = NULL;
    assert_int_equal(ots_catalog_hold(test->instance->catalog, OTS_SLICE("t"), &table, &err),
                     OTS_OK);
    assert_int_equal(ots_streams_get(test->instance->streams, table, &opened, &err), OTS_OK);
    assert_int_equal(ots_stream_split(opened, 1, &err), OTS_OK);
    ots_table_release(table);
    assert_int_equal(keys_in(test, OTS_SPACE_LOG), 1);
    assert_int_equal(keys_in(test, OTS_SPACE_SHARD), 3);
    delete_table(test, "t");
    assert_int_equal(keys_in(test, OTS_SPACE_LOG), 0);
    assert_int_equal(keys_in(test, OTS_SPACE_SHARD), 0);
    test_read_refused(test, &iterator, OTS_CODE_TRIMMED);
    test_create_table(test, "t");
    test_read_refused(test, &iterator, OTS_CODE_TRIMMED);
    assert_stream_refused(test, stream.text, OTS_CODE_OBJECT_NOT_EXIST);
    struct test_name fresh = test_stream_of(test, "t");
    assert_string_not_equal(fresh.text, stream.text);
    shard = test_only_shard(test, &fresh);
    iterator = test_iterator(test, &fresh, &shard.id);
    assert_int_equal(test_read_all(test, &iterator, records, 4), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, test_instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_list),
        TEST(test_describe),
        TEST(test_retention_bounds),
        TEST(test_stream_ids),
        TEST(test_iterator_requests),
        TEST(test_iterators_mangled),
        TEST(test_table_of_records),
        TEST(test_record),
        TEST(test_refused_put),
        TEST(test_idle),
        TEST(test_limits),
        TEST(test_may_more),
        TEST(test_seek),
        TEST(test_pages),
        TEST(test_large_records),
        TEST(test_restart),
        TEST(test_clock),
        TEST(test_delete_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
