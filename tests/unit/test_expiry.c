/*
 * What has outlived its TTL: seen no more, and left out of the store for good.
 */
#include "tests/unit/server_fixture.h"

#include "backend/server/handlers.h"
#include "backend/wire/service_code.h"

#include <unistd.h>

enum { KEEP = -2, DAY_S = 86400 };
#define DAY_US (INT64_C(1000) * 1000 * DAY_S)

static int setup(void **state)
{
    int failed = test_instance_setup(state);
    if (!failed)
        test_create_table(*state, "t");
    return failed;
}

static void update(struct test_instance *test, int ttl_s, int meta_ttl_s, bool allow)
{
    TEST_CALL(call, OTS_ACTION_UPDATE_TABLE);
    struct ots_table_meta *meta = &call.request.update_table.meta;
    *meta = OTS_TABLE_META_DEFAULT;
    meta->name = OTS_SLICE("t");
    meta->time_to_live_s = ttl_s;
    meta->has_time_to_live = ttl_s != KEEP;
    meta->meta_time_to_live_s = meta_ttl_s;
    meta->allow_update_attributes = allow;
    meta->has_meta_time_to_live = meta->has_allow_update_attributes = meta_ttl_s != KEEP;
    test_call_ok(test, &call);
}

/* What is read by Get, both ways, and Scan must be these times. */
static void assert_times(struct test_instance *test, const int64_t *times, size_t count)
{
    TEST_CALL(get, OTS_ACTION_GET);
    get.request.get.table = OTS_SLICE("t");
    get.request.get.key = *test_key(test, "cpu", "h1");
    test_call_ok(test, &get);
    test_assert_times(&get, times, count);
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    test_call_ok(test, &scan);
    test_assert_times(&scan, times, count);
    TEST_CALL(back, OTS_ACTION_GET);
    back.request.get = get.request.get;
    back.request.get.is_backward = true;
    test_call_ok(test, &back);
    assert_int_equal(back.response.page.rows.count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(back.response.page.rows.items[i].time_us, times[count - 1 - i]);
}

static void test_begin(void **state)
{
    (void)state;
    assert_int_equal(ots_expiry_begin_us(OTS_TTL_FOREVER, TEST_NOW_US), 0);
    assert_int_equal(ots_expiry_begin_us(DAY_S, TEST_NOW_US), TEST_NOW_US - DAY_US);
    assert_int_equal(ots_expiry_begin_us(DAY_S, 5), 0);
    assert_int_equal(ots_expiry_begin_us(INT32_MAX, TEST_NOW_US), 0);
}

/* A changed TTL counts for the next call, and nothing is lost that no merge has left out. */
static void test_rows(void **state)
{
    struct test_instance *test = *state;
    const int64_t times[] = {
        1,           TEST_NOW_US - 2 * DAY_US, TEST_NOW_US - DAY_US - 1, TEST_NOW_US - DAY_US,
        TEST_NOW_US, TEST_NOW_US + DAY_US};
    for (size_t i = 0; i < 6; i++)
        test_put_one(test, "t", "cpu", "h1", times[i], 1);
    assert_times(test, times, 6);
    update(test, DAY_S, KEEP, true);
    assert_times(test, times + 3, 3);
    test->clock.now_us++;
    assert_times(test, times + 4, 2);
    test->clock.now_us--;
    update(test, 2 * DAY_S, KEEP, true);
    assert_times(test, times + 1, 5);
    update(test, DAY_S, KEEP, true);
    /* Accepted, and not seen. */
    test_put_one(test, "t", "cpu", "h1", 2, 1);
    assert_times(test, times + 3, 3);
    TEST_CALL(get, OTS_ACTION_GET);
    get.request.get.table = OTS_SLICE("t");
    get.request.get.key = *test_key(test, "cpu", "h1");
    get.request.get.end_us = TEST_NOW_US - DAY_US;
    get.request.get.has_end = true;
    for (int i = 0; i < 2; i++) {
        test_call_ok(test, &get);
        assert_int_equal(get.response.page.rows.count, 0);
        get.request.get.is_backward = true;
    }
    update(test, OTS_TTL_FOREVER, KEEP, true);
    TEST_CALL(all, OTS_ACTION_SCAN);
    all.request.scan.table = OTS_SLICE("t");
    test_call_ok(test, &all);
    assert_int_equal(all.response.page.rows.count, 7);
}

/* A page that ended at a row which expires meanwhile goes on behind it. */
static void test_between_pages(void **state)
{
    struct test_instance *test = *state;
    update(test, DAY_S, KEEP, true);
    for (int64_t i = 0; i < 4; i++)
        test_put_one(test, "t", "cpu", "h1", TEST_NOW_US - DAY_US + i, i);
    for (int i = 0; i < 2; i++) {
        TEST_CALL(get, i ? OTS_ACTION_SCAN : OTS_ACTION_GET);
        if (i) {
            get.request.scan.table = OTS_SLICE("t");
            get.request.scan.limit = 1;
        } else {
            get.request.get.table = OTS_SLICE("t");
            get.request.get.key = *test_key(test, "cpu", "h1");
            get.request.get.limit = 1;
        }
        test->clock.now_us = TEST_NOW_US;
        test_call_ok(test, &get);
        TEST_ASSERT_TIMES(get, TEST_NOW_US - DAY_US);
        if (i)
            get.request.scan.token = get.response.page.next_token;
        else
            get.request.get.token = get.response.page.next_token;
        test->clock.now_us = TEST_NOW_US + 2;
        test_call_ok(test, &get);
        TEST_ASSERT_TIMES(get, TEST_NOW_US - DAY_US + 2);
    }
}

static size_t count_metas(struct test_instance *test, size_t *attributes)
{
    TEST_CALL(query, OTS_ACTION_QUERY_META);
    query.request.query_meta.table = OTS_SLICE("t");
    query.request.query_meta.get_total_hit = true;
    test_call_ok(test, &query);
    size_t count = query.response.query_meta.count;
    assert_int_equal(query.response.query_meta.total_hit, count);
    *attributes = 0;
    for (size_t i = 0; i < count; i++)
        *attributes += query.response.query_meta.metas[i].attribute_count;
    return count;
}

static void test_metadata(void **state)
{
    struct test_instance *test = *state;
    size_t attributes = 0;
    TEST_CALL(change, OTS_ACTION_UPDATE_META);
    const struct ots_tag attribute = {OTS_SLICE("a"), OTS_SLICE("1")};
    const struct ots_meta_update updates[] = {
        {*test_key(test, "cpu", "h1"), &attribute, 1, true},
        {*test_key(test, "cpu", "h2"), &attribute, 1, true},
    };
    change.request.update_meta = (struct ots_update_meta_request){OTS_SLICE("t"), updates, 2};
    test_call_ok(test, &change);
    update(test, DAY_S, KEEP, true);
    update(test, KEEP, 7 * DAY_S, false);
    test->clock.now_us += 7 * DAY_US;
    assert_int_equal(count_metas(test, &attributes), 2);
    test->clock.now_us++;
    assert_int_equal(count_metas(test, &attributes), 0);
    /* What comes back has no attributes: they are as expired as the record was. */
    test_put_one(test, "t", "cpu", "h1", test->clock.now_us, 1);
    assert_int_equal(count_metas(test, &attributes), 1);
    assert_int_equal(attributes, 0);
    TEST_CALL(renew, OTS_ACTION_UPDATE_META);
    const struct ots_meta_update renewal = {*test_key(test, "cpu", "h2"), NULL, 0, false};
    renew.request.update_meta = (struct ots_update_meta_request){OTS_SLICE("t"), &renewal, 1};
    test_call_ok(test, &renew);
    assert_int_equal(count_metas(test, &attributes), 2);
    assert_int_equal(attributes, 0);
    /* Puts keep it alive, a longer TTL does at once. */
    test->clock.now_us += 7 * DAY_US;
    test_put_one(test, "t", "cpu", "h1", test->clock.now_us, 1);
    test->clock.now_us += DAY_US;
    assert_int_equal(count_metas(test, &attributes), 1);
    update(test, KEEP, OTS_TTL_FOREVER, true);
    assert_int_equal(count_metas(test, &attributes), 2);
}

/* ---- leaving out ---- */

/* An engine that only takes a filter, and counts how often it is to merge. */
struct filter_taker {
    struct ots_engine engine;
    const struct ots_engine_filter *filter;
    unsigned merges;
};

static void take_filter(struct ots_engine *engine, const struct ots_engine_filter *filter)
{
    ((struct filter_taker *)engine)->filter = filter;
}

static void count_merge(struct ots_engine *engine, int32_t age_s)
{
    assert_int_equal(age_s, DAY_S);
    ((struct filter_taker *)engine)->merges++;
}

static const struct ots_engine_ops taker_ops = {.set_filter = take_filter,
                                                .merge_old = count_merge};

static void test_filter(void **state)
{
    struct test_instance *test = *state;
    struct filter_taker taker = {.engine = {&taker_ops}};
    struct ots_expiry *expiry =
        ots_expiry_new(&taker.engine, test->instance->catalog, &test->clock.clock);
    assert_non_null(expiry);
    const struct ots_engine_filter *filter = taker.filter;
    /* No table has a TTL: nothing to look for. */
    assert_null(filter->begin(filter->context));
    test_create_table(test, "u");
    update(test, DAY_S, KEEP, true);
    void *merge = filter->begin(filter->context);
    assert_non_null(merge);
    const struct ots_table *t = NULL;
    const struct ots_table *u = NULL;
    assert_int_equal(ots_handle_hold(test->instance, OTS_SLICE("t"), &t, NULL), OTS_OK);
    assert_int_equal(ots_handle_hold(test->instance, OTS_SLICE("u"), &u, NULL), OTS_OK);
    uint8_t key[OTS_ROW_KEY_BYTES + 1] = {0};
    const int64_t alive_us = TEST_NOW_US - DAY_US;
    assert_true(filter->is_dead(merge, ots_layout_row(key, t->id, 9, 0)));
    assert_true(filter->is_dead(merge, ots_layout_row(key, t->id, 9, alive_us - 1)));
    assert_true(filter->is_dead(merge, ots_slice(key, sizeof(key))));
    assert_false(filter->is_dead(merge, ots_slice(key, OTS_ROW_KEY_BYTES - 1)));
    assert_false(filter->is_dead(merge, ots_layout_row(key, t->id, 9, alive_us)));
    assert_false(filter->is_dead(merge, ots_layout_row(key, u->id, 9, 0)));
    assert_false(filter->is_dead(merge, ots_slice(key, 0)));
    ots_layout_row(key, t->id, 9, 0);
    key[0] = OTS_SPACE_SERIES;
    assert_false(filter->is_dead(merge, ots_slice(key, OTS_ROW_KEY_BYTES)));
    filter->end(merge);
    ots_table_release(t);
    ots_table_release(u);
    ots_expiry_free(expiry);
}

/* Once an hour, and only when a table has a TTL; also when the clock was put back. */
static void test_look(void **state)
{
    struct test_instance *test = *state;
    const int64_t hour_us = DAY_US / 24;
    struct filter_taker taker = {.engine = {&taker_ops}};
    struct ots_expiry *expiry =
        ots_expiry_new(&taker.engine, test->instance->catalog, &test->clock.clock);
    assert_non_null(expiry);
    ots_expiry_look(expiry);
    assert_int_equal(taker.merges, 0);
    update(test, DAY_S, KEEP, true);
    test->clock.now_us += hour_us - 1;
    ots_expiry_look(expiry);
    assert_int_equal(taker.merges, 0);
    test->clock.now_us++;
    ots_expiry_look(expiry);
    ots_expiry_look(expiry);
    assert_int_equal(taker.merges, 1);
    test->clock.now_us -= DAY_US;
    ots_expiry_look(expiry);
    ots_expiry_look(expiry);
    assert_int_equal(taker.merges, 2);
    ots_expiry_free(expiry);
}

static size_t count_stored(struct test_instance *test, const char *table_name)
{
    struct ots_engine *engine = test->instance->engine;
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    assert_int_equal(ots_handle_hold(test->instance, ots_slice_str(table_name), &table, NULL),
                     OTS_OK);
    struct ots_key_range range;
    ots_layout_table_range(&range, OTS_SPACE_ROW, table->id);
    OTS_AUTO(ots_cursor_freep)
    struct ots_cursor *cursor =
        engine->ops->cursor_new(engine, ots_key_range_begin(&range), ots_key_range_end(&range));
    size_t count = 0;
    for (cursor->ops->seek(cursor, ots_key_range_begin(&range)); cursor->is_valid;
         cursor->ops->next(cursor))
        count++;
    assert_int_equal(cursor->ops->check(cursor, NULL), OTS_OK);
    return count;
}

/* Expired rows leave the store when it has been written to for long enough; others stay. */
static void test_store_shrinks(void **state)
{
    struct test_instance *test = *state;
    enum { ROUNDS = 12, ROWS = 100, TEXT_BYTES = 10000 };
    static char text[TEXT_BYTES];
    memset(text, 'x', sizeof(text));
    const struct ots_field field = {OTS_SLICE("s"),
                                    {.type = OTS_STRING, .bytes = ots_slice(text, TEXT_BYTES)}};
    test_create_table(test, "u");
    update(test, DAY_S, KEEP, true);
    for (int64_t round = 0; round < ROUNDS; round++) {
        static struct ots_row rows[ROWS];
        for (int64_t i = 0; i < ROWS; i++)
            rows[i] = (struct ots_row){test_key(test, "cpu", "h1"), round * ROWS + i, &field, 1};
        test_put(test, "t", rows, ROWS);
        test_put(test, "u", rows, ROWS);
    }
    size_t count = count_stored(test, "t");
    for (int tries = 0; count == ROUNDS * ROWS && tries < 1000; tries++) {
        usleep(10000);
        count = count_stored(test, "t");
    }
    assert_true(count < ROUNDS * ROWS);
    assert_int_equal(count_stored(test, "u"), ROUNDS * ROWS);
    test_instance_reopen(test);
    assert_int_equal(count_stored(test, "u"), ROUNDS * ROWS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, test_instance_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begin),
        TEST(test_rows),
        TEST(test_between_pages),
        TEST(test_metadata),
        TEST(test_filter),
        TEST(test_store_shrinks),
        TEST(test_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
