#include "tests/loop/loop.h"

enum { ROWS = 450, BATCH = 200 };

/* Rows that are sorted, with the later of two that share timeline and time. */
static struct ots_rows make_rows(struct ots_arena *arena, uint64_t seed)
{
    struct test_random random = {seed};
    struct ots_rows rows = test_make_rows(&random, arena, ROWS);
    loop_sort_rows(&rows);
    size_t kept = 0;
    for (size_t i = 0; i < rows.count; i++) {
        const struct ots_row *last = kept ? &rows.items[kept - 1] : NULL;
        bool is_same = last && last->time_us == rows.items[i].time_us &&
                       ots_series_key_equal(last->key, rows.items[i].key);
        if (!is_same)
            rows.items[kept++] = rows.items[i];
    }
    rows.count = kept;
    return rows;
}

static void expect_rows(struct loop *loop, const struct ots_call *call,
                        const struct ots_rows *expected, bool is_sorted)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows rows = {NULL, 0, 0};
    loop_read_all(loop, call, &arena, &rows);
    if (!is_sorted)
        loop_sort_rows(&rows);
    test_assert_rows(&rows, expected);
    ots_arena_deinit(&arena);
}

static void expect_scan(struct loop *loop, const struct ots_rows *expected, int32_t limit)
{
    TEST_CALL(call, OTS_ACTION_SCAN);
    call.request.scan.table = OTS_SLICE("t");
    call.request.scan.limit = limit;
    expect_rows(loop, &call, expected, false);
}

/* --- tables ---------------------------------------------------------------------------------- */

static void test_tables(void **state)
{
    (void)state;
    struct loop loop;
    loop_start(&loop, (struct loop_options){.seed = 1});
    loop_create_table(&loop, "t");
    loop_create_table(&loop, "other");

    TEST_CALL(again, OTS_ACTION_CREATE_TABLE);
    again.request.create_table.meta = OTS_TABLE_META_DEFAULT;
    again.request.create_table.meta.name = OTS_SLICE("t");
    loop_call_fails(&loop, &again, OTS_EXISTS);
    assert_string_equal(again.error.service_code, "OTSObjectAlreadyExist");
    assert_true(again.error.request_id[0] != '\0');

    TEST_CALL(list, OTS_ACTION_LIST_TABLES);
    loop_call_ok(&loop, &list);
    assert_int_equal(list.response.list_tables.count, 2);

    TEST_CALL(describe, OTS_ACTION_DESCRIBE_TABLE);
    describe.request.table.table = OTS_SLICE("t");
    loop_call_ok(&loop, &describe);
    const struct ots_table_meta *meta = &describe.response.describe_table.meta;
    assert_true(ots_slice_equal(meta->name, OTS_SLICE("t")));
    assert_int_equal(meta->time_to_live_s, OTS_TTL_FOREVER);

    TEST_CALL(missing, OTS_ACTION_DESCRIBE_TABLE);
    missing.request.table.table = OTS_SLICE("missing");
    loop_call_fails(&loop, &missing, OTS_NOT_FOUND);

    TEST_CALL(drop, OTS_ACTION_DELETE_TABLE);
    drop.request.table.table = OTS_SLICE("t");
    loop_call_ok(&loop, &drop);
    TEST_CALL(drop_again, OTS_ACTION_DELETE_TABLE);
    drop_again.request.table.table = OTS_SLICE("t");
    loop_call_fails(&loop, &drop_again, OTS_NOT_FOUND);
    loop_stop(&loop);
}

/* --- rows ------------------------------------------------------------------------------------ */

/* The rows of one timeline within a window. */
static void get_timeline(struct loop *loop, const struct ots_rows *all, size_t first, size_t count)
{
    const struct ots_row *items = all->items + first;
    struct ots_rows expected = {all->items + first, count, count};
    TEST_CALL(call, OTS_ACTION_GET);
    call.request.get.table = OTS_SLICE("t");
    call.request.get.key = *items[0].key;
    call.request.get.limit = 3;
    expect_rows(loop, &call, &expected, true);

    if (count < 3)
        return;
    /* Begin is inclusive, end is not. */
    call.request.get.has_begin = true;
    call.request.get.begin_us = items[1].time_us;
    call.request.get.has_end = true;
    call.request.get.end_us = items[count - 1].time_us;
    expected = (struct ots_rows){all->items + first + 1, count - 2, count - 2};
    expect_rows(loop, &call, &expected, true);

    call.request.get.is_backward = true;
    struct ots_row *reversed = calloc(count, sizeof(*reversed));
    assert_non_null(reversed);
    for (size_t i = 0; i < expected.count; i++)
        reversed[i] = expected.items[expected.count - 1 - i];
    expected.items = reversed;
    expect_rows(loop, &call, &expected, true);
    free(reversed);
}

static void get_every_timeline(struct loop *loop, const struct ots_rows *rows)
{
    size_t first = 0;
    for (size_t i = 1; i <= rows->count; i++) {
        if (i < rows->count && ots_series_key_equal(rows->items[i].key, rows->items[first].key))
            continue;
        get_timeline(loop, rows, first, i - first);
        first = i;
    }
}

static void scan_splits(struct loop *loop, const struct ots_rows *expected)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows rows = {NULL, 0, 0};
    TEST_CALL(split, OTS_ACTION_SPLIT);
    split.request.split.table = OTS_SLICE("t");
    split.request.split.split_count_hint = 5;
    loop_call_ok(loop, &split);
    assert_int_equal(split.response.split.count, 5);
    for (size_t i = 0; i < split.response.split.count; i++) {
        TEST_CALL(scan, OTS_ACTION_SCAN);
        scan.request.scan.table = OTS_SLICE("t");
        scan.request.scan.split = split.response.split.splits[i];
        scan.request.scan.limit = 17;
        loop_read_all(loop, &scan, &arena, &rows);
    }
    loop_sort_rows(&rows);
    test_assert_rows(&rows, expected);
    ots_arena_deinit(&arena);
}

static size_t count_timelines(const struct ots_rows *rows)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->count; i++)
        count += !i || !ots_series_key_equal(rows->items[i].key, rows->items[i - 1].key);
    return count;
}

static void query_all(struct loop *loop, const struct ots_rows *rows)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_slice token = OTS_SLICE_NONE;
    size_t count = 0;
    size_t wanted = count_timelines(rows);
    do {
        TEST_CALL(call, OTS_ACTION_QUERY_META);
        call.request.query_meta.table = OTS_SLICE("t");
        call.request.query_meta.limit = 10;
        call.request.query_meta.get_total_hit = true;
        call.request.query_meta.token = token;
        loop_call_ok(loop, &call);
        assert_int_equal(call.response.query_meta.total_hit, wanted);
        count += call.response.query_meta.count;
        assert_int_equal(ots_arena_copy(&arena, call.response.query_meta.next_token, &token),
                         OTS_OK);
    } while (token.size);
    assert_int_equal(count, wanted);
    ots_arena_deinit(&arena);
}

static void check_rows(struct loop_options options)
{
    struct loop loop;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows rows = make_rows(&arena, options.seed);
    loop_start(&loop, options);
    loop_create_table(&loop, "t");
    expect_scan(&loop, &(struct ots_rows){NULL, 0, 0}, 0);
    loop_put(&loop, "t", &rows, BATCH);
    /* Once more: a row that is put again replaces itself. */
    loop_put(&loop, "t", &rows, 37);
    get_every_timeline(&loop, &rows);
    query_all(&loop, &rows);
    expect_scan(&loop, &rows, 0);
    expect_scan(&loop, &rows, 7);
    scan_splits(&loop, &rows);
    loop_restart(&loop);
    expect_scan(&loop, &rows, 100);
    if (options.fault_percent)
        assert_in_range(loop.synced.fault_count, 10, 100000);
    loop_stop(&loop);
    ots_arena_deinit(&arena);
}

static void test_rows(void **state)
{
    (void)state;
    check_rows((struct loop_options){.seed = 11});
}

static void test_rows_shared_layout_v4(void **state)
{
    (void)state;
    check_rows((struct loop_options){
        .seed = 12, .put_layout = OTS_PUT_SHARED, .region = "cn-hangzhou", .threads = 3});
}

static void test_rows_with_faults(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 104; seed++)
        check_rows((struct loop_options){.seed = seed, .fault_percent = 30});
}

/* --- refusals -------------------------------------------------------------------------------- */

static void expect_denied(struct loop_options options, const char *part)
{
    struct loop loop;
    loop_start(&loop, options);
    TEST_CALL(call, OTS_ACTION_LIST_TABLES);
    loop_call_fails(&loop, &call, OTS_DENIED);
    assert_string_equal(call.error.service_code, "OTSAuthFailed");
    if (!strstr(call.error.message, part) || strstr(call.error.message, "wrongsecret"))
        fail_msg("%s", call.error.message);
    loop_stop(&loop);
}

static void test_denied(void **state)
{
    (void)state;
    expect_denied((struct loop_options){.client_secret = "wrongsecret"}, "Signature mismatch.");
    expect_denied((struct loop_options){.client_secret = "wrongsecret", .region = "cn-hangzhou"},
                  "Signature mismatch.");
    expect_denied((struct loop_options){.client_clock_skew_us = INT64_C(20) * 60 * 1000000},
                  "Mismatch between system time and x-ots-date");
}

/* --- many calls at once ---------------------------------------------------------------------- */

struct many {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned done_count;
};

static void count_done(struct ots_call *call, void *context)
{
    struct many *many = context;
    (void)call;
    pthread_mutex_lock(&many->lock);
    many->done_count++;
    pthread_cond_signal(&many->changed);
    pthread_mutex_unlock(&many->lock);
}

static void test_parallel_puts(void **state)
{
    (void)state;
    enum { CALLS = 45 };
    static struct ots_call calls[CALLS];
    struct loop loop;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows rows = make_rows(&arena, 5);
    struct many many = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};
    loop_start(&loop, (struct loop_options){.seed = 9, .threads = 4, .fault_percent = 20});
    loop_create_table(&loop, "t");
    size_t share = rows.count / CALLS + 1;
    for (size_t i = 0; i < CALLS; i++) {
        size_t begin = i * share < rows.count ? i * share : rows.count - 1;
        ots_call_init(&calls[i], OTS_ACTION_PUT);
        calls[i].request.put.table = OTS_SLICE("t");
        calls[i].request.put.rows = rows.items + begin;
        calls[i].request.put.row_count = rows.count - begin < share ? rows.count - begin : share;
        calls[i].done = count_done;
        calls[i].done_context = &many;
        loop.store->ops->submit(loop.store, &calls[i]);
    }
    pthread_mutex_lock(&many.lock);
    while (many.done_count < CALLS)
        pthread_cond_wait(&many.changed, &many.lock);
    pthread_mutex_unlock(&many.lock);
    for (size_t i = 0; i < CALLS; i++) {
        assert_int_equal(calls[i].status, OTS_OK);
        ots_call_deinit(&calls[i]);
    }
    expect_scan(&loop, &rows, 0);
    loop_stop(&loop);
    ots_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_rows_shared_layout_v4),
        cmocka_unit_test(test_rows_with_faults),
        cmocka_unit_test(test_denied),
        cmocka_unit_test(test_parallel_puts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
