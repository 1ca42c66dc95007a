/*
 * A client follows a stream of the service through all layers but the connection.
 */
#include "tests/loop/loop.h"

enum { ROWS = 450, BATCH = 100, LIMIT = 37, RECORDS_MAX = 8 * ROWS };

/* What a follower has to keep, and what it has read. */
struct follower {
    struct loop *loop;
    struct ots_arena arena;
    struct ots_slice stream;
    struct ots_slice shard;
    struct ots_slice iterator;
    struct ots_stream_record records[RECORDS_MAX];
    size_t count;
};

static struct ots_slice keep(struct follower *follower, struct ots_slice text)
{
    struct ots_slice copy;
    assert_int_equal(ots_arena_copy(&follower->arena, text, &copy), OTS_OK);
    return copy;
}

static void find_stream(struct follower *follower)
{
    TEST_CALL(list, OTS_ACTION_LIST_STREAMS);
    list.request.list_streams.table = OTS_SLICE("t");
    loop_call_ok(follower->loop, &list);
    assert_int_equal(list.response.list_streams.count, 1);
    follower->stream = keep(follower, list.response.list_streams.streams[0].id);
    TEST_CALL(describe, OTS_ACTION_DESCRIBE_STREAM);
    describe.request.describe_stream.stream = follower->stream;
    describe.request.describe_stream.accepts_timeseries = true;
    loop_call_ok(follower->loop, &describe);
    assert_true(describe.response.describe_stream.is_timeseries);
    assert_int_equal(describe.response.describe_stream.expiration_hours, 168);
    assert_int_equal(describe.response.describe_stream.shard_count, 1);
    follower->shard = keep(follower, describe.response.describe_stream.shards[0].id);
    TEST_CALL(iterator, OTS_ACTION_SHARD_ITERATOR);
    iterator.request.shard_iterator.stream = follower->stream;
    iterator.request.shard_iterator.shard = follower->shard;
    loop_call_ok(follower->loop, &iterator);
    follower->iterator = keep(follower, iterator.response.shard_iterator.iterator);
}

/* Read on until a page is empty; its iterator is the one that was sent. */
static void read_on(struct follower *follower)
{
    for (size_t found = 1; found;) {
        TEST_CALL(call, OTS_ACTION_STREAM_RECORDS);
        call.request.stream_records.iterator = follower->iterator;
        call.request.stream_records.limit = LIMIT;
        loop_call_ok(follower->loop, &call);
        const struct ots_stream_records_response *page = &call.response.stream_records;
        found = page->count;
        assert_true(found <= LIMIT && follower->count + found <= RECORDS_MAX);
        for (size_t i = 0; i < found; i++) {
            struct ots_stream_record *record = &follower->records[follower->count++];
            *record = page->records[i];
            assert_int_equal(
                ots_row_copy(&follower->arena, &page->records[i].row, NULL, &record->row), OTS_OK);
        }
        assert_true(found ||
                    ots_slice_equal(page->next_iterator, call.request.stream_records.iterator));
        follower->iterator = keep(follower, page->next_iterator);
    }
}

/* Each row was told of, in the order of the puts; repeated calls may have told of it again. */
static void assert_told(const struct follower *follower, const struct ots_rows *rows,
                        bool may_repeat)
{
    for (size_t i = 0; i < rows->count; i++) {
        size_t hits = 0;
        for (size_t j = 0; j < follower->count; j++)
            hits += ots_row_equal(&follower->records[j].row, &rows->items[i]);
        assert_true(may_repeat ? hits >= 1 : hits == 1);
    }
    for (size_t i = 1; i < follower->count; i++) {
        const struct ots_sequence *before = &follower->records[i - 1].sequence;
        const struct ots_sequence *after = &follower->records[i].sequence;
        assert_true(before->timestamp_us < after->timestamp_us ||
                    (before->timestamp_us == after->timestamp_us &&
                     before->row_index + 1 == after->row_index));
    }
}

/* Rows of which no two are equal. */
static struct ots_rows make_rows(struct ots_arena *arena)
{
    struct test_random random = {3};
    struct ots_rows rows = test_make_rows(&random, arena, ROWS);
    for (size_t i = 0; i < rows.count; i++)
        rows.items[i].time_us = (int64_t)i;
    return rows;
}

static void follow(struct loop_options options)
{
    static struct follower follower;
    struct loop loop;
    loop_start(&loop, options);
    follower = (struct follower){.loop = &loop, .arena = OTS_ARENA_INIT};
    struct ots_rows rows = make_rows(&follower.arena);
    struct ots_rows first = {rows.items, ROWS / 2, 0};
    struct ots_rows second = {rows.items + ROWS / 2, ROWS - ROWS / 2, 0};
    loop_create_table(&loop, "t");
    find_stream(&follower);
    read_on(&follower);
    assert_int_equal(follower.count, 0);
    loop_put(&loop, "t", &first, BATCH);
    read_on(&follower);
    loop_restart(&loop);
    loop_put(&loop, "t", &second, BATCH);
    read_on(&follower);
    assert_told(&follower, &rows, options.fault_percent != 0);
    ots_arena_deinit(&follower.arena);
    loop_stop(&loop);
}

static void test_follow(void **state)
{
    (void)state;
    follow((struct loop_options){.seed = 1});
}

static void test_follow_with_faults(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++)
        follow((struct loop_options){.seed = seed, .fault_percent = 30});
}

/* What a follower has to tell apart. */
static void test_refusals(void **state)
{
    (void)state;
    static struct follower follower;
    struct loop loop;
    loop_start(&loop, (struct loop_options){.seed = 1});
    follower = (struct follower){.loop = &loop, .arena = OTS_ARENA_INIT};
    loop_create_table(&loop, "t");
    find_stream(&follower);
    TEST_CALL(records, OTS_ACTION_STREAM_RECORDS);
    records.request.stream_records.iterator = OTS_SLICE("nonsense");
    loop_call_fails(&loop, &records, OTS_INVALID);
    TEST_CALL(remove, OTS_ACTION_DELETE_TABLE);
    remove.request.table.table = OTS_SLICE("t");
    loop_call_ok(&loop, &remove);
    records.request.stream_records.iterator = follower.iterator;
    loop_call_fails(&loop, &records, OTS_TRIMMED);
    assert_string_equal(records.error.service_code, "OTSTrimmedDataAccess");
    TEST_CALL(describe, OTS_ACTION_DESCRIBE_STREAM);
    describe.request.describe_stream.stream = follower.stream;
    describe.request.describe_stream.accepts_timeseries = true;
    loop_call_fails(&loop, &describe, OTS_NOT_FOUND);
    TEST_CALL(list, OTS_ACTION_LIST_STREAMS);
    list.request.list_streams.table = OTS_SLICE("t");
    loop_call_ok(&loop, &list);
    assert_int_equal(list.response.list_streams.count, 0);
    ots_arena_deinit(&follower.arena);
    loop_stop(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follow),
        cmocka_unit_test(test_follow_with_faults),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
