/*
 * Updates of tables' options, updates and deletions of timelines' metadata.
 */
#include "tests/unit/server_fixture.h"

#include "backend/server/handlers.h"
#include "backend/wire/service_code.h"

#include <pthread.h>

static int setup(void **state)
{
    int failed = test_instance_setup(state);
    if (!failed)
        test_create_table(*state, "t");
    return failed;
}

/* ---- options of a table ---- */

enum { KEEP = -2, NO = 0, YES = 1 };

/* A call that updates what is not KEEP. */
static void make_update(struct ots_call *call, int ttl_s, int meta_ttl_s, int allow)
{
    struct ots_update_table_request *request = &call->request.update_table;
    request->meta = OTS_TABLE_META_DEFAULT;
    request->meta.name = OTS_SLICE("t");
    request->meta.time_to_live_s = ttl_s;
    request->meta.has_time_to_live = request->has_data_options = ttl_s != KEEP;
    request->meta.meta_time_to_live_s = meta_ttl_s;
    request->meta.has_meta_time_to_live = meta_ttl_s != KEEP;
    request->meta.allow_update_attributes = allow == YES;
    request->meta.has_allow_update_attributes = allow != KEEP;
    request->has_meta_options = meta_ttl_s != KEEP || allow != KEEP;
}

static void assert_options(struct test_instance *test, int ttl_s, int meta_ttl_s, bool allow)
{
    TEST_CALL(describe, OTS_ACTION_DESCRIBE_TABLE);
    describe.request.table.table = OTS_SLICE("t");
    test_call_ok(test, &describe);
    const struct ots_table_meta *meta = &describe.response.describe_table.meta;
    assert_int_equal(meta->time_to_live_s, ttl_s);
    assert_int_equal(meta->meta_time_to_live_s, meta_ttl_s);
    assert_int_equal(meta->allow_update_attributes, allow);
}

static void test_options(void **state)
{
    struct test_instance *test = *state;
    static const struct {
        int ttl_s, meta_ttl_s, allow;
        bool is_accepted;
        int ttl_after_s, meta_ttl_after_s;
        bool allows_after;
    } steps[] = {
        {86399, KEEP, KEEP, false, -1, -1, true},
        {KEEP, 10000000, NO, false, -1, -1, true}, /* the data live for ever */
        {86400, KEEP, KEEP, true, 86400, -1, true},
        {KEEP, -1, KEEP, true, 86400, -1, true},
        {KEEP, 10000000, KEEP, false, 86400, -1, true}, /* attributes may be updated */
        {KEEP, -1, NO, true, 86400, -1, false},
        {KEEP, KEEP, YES, true, 86400, -1, true},
        {KEEP, 604799, NO, false, 86400, -1, true},
        {KEEP, 604800, NO, true, 86400, 604800, false},
        {604801, KEEP, KEEP, false, 86400, 604800, false},
        {-1, KEEP, KEEP, false, 86400, 604800, false},
        {KEEP, KEEP, YES, false, 86400, 604800, false},
        {KEEP, 700000, KEEP, true, 86400, 700000, false},
        {700000, KEEP, KEEP, true, 700000, 700000, false},
        {KEEP, 699999, KEEP, false, 700000, 700000, false},
        {KEEP, -1, YES, true, 700000, -1, true},
        {-1, KEEP, KEEP, true, -1, -1, true},
        {86400, -1, KEEP, false, -1, -1, true}, /* both groups at once */
        {86400, KEEP, NO, false, -1, -1, true},
        {KEEP, KEEP, KEEP, false, -1, -1, true}, /* nothing */
    };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        TEST_CALL(update, OTS_ACTION_UPDATE_TABLE);
        make_update(&update, steps[i].ttl_s, steps[i].meta_ttl_s, steps[i].allow);
        if (steps[i].is_accepted)
            test_call_ok(test, &update);
        else
            test_call_refused(test, &update, OTS_CODE_PARAMETER_INVALID);
        assert_options(test, steps[i].ttl_after_s, steps[i].meta_ttl_after_s,
                       steps[i].allows_after);
        if (steps[i].is_accepted)
            test_instance_reopen(test);
        assert_options(test, steps[i].ttl_after_s, steps[i].meta_ttl_after_s,
                       steps[i].allows_after);
    }
}

static void test_options_of_no_table(void **state)
{
    struct test_instance *test = *state;
    TEST_CALL(update, OTS_ACTION_UPDATE_TABLE);
    make_update(&update, 86400, KEEP, KEEP);
    update.request.update_table.meta.name = OTS_SLICE("u");
    test_call_refused(test, &update, OTS_CODE_OBJECT_NOT_EXIST);
    update.request.update_table.meta.name = OTS_SLICE("u u");
    test_call_refused(test, &update, OTS_CODE_PARAMETER_INVALID);
}

/* Who holds a table sees no change, and lets it go after others have changed it. */
static void test_update_of_a_held_table(void **state)
{
    struct test_instance *test = *state;
    struct ots_error err;
    const struct ots_table *held[3];
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ots_handle_hold(test->instance, OTS_SLICE("t"), &held[i], &err), OTS_OK);
        TEST_CALL(update, OTS_ACTION_UPDATE_TABLE);
        make_update(&update, 86400 + (int)i, KEEP, KEEP);
        test_call_ok(test, &update);
    }
    assert_int_equal(held[0]->meta.time_to_live_s, -1);
    assert_int_equal(held[1]->meta.time_to_live_s, 86400);
    assert_int_equal(held[2]->meta.time_to_live_s, 86401);
    assert_int_equal(held[0]->id, held[2]->id);
    assert_int_equal(held[0]->created_us, held[2]->created_us);
    ots_table_release(held[1]);
    ots_table_release(held[0]);
    ots_table_release(held[2]);
    assert_options(test, 86402, -1, true);
    TEST_CALL(delete, OTS_ACTION_DELETE_TABLE);
    delete.request.table.table = OTS_SLICE("t");
    test_call_ok(test, &delete);
}

struct putter {
    struct test_instance *test;
    size_t stored;
    size_t missing;
};

enum { PUTTERS = 3, UPDATES = 200 };

/* Put until the table is gone. */
static void *put_until_gone(void *argument)
{
    struct putter *putter = argument;
    const struct ots_tag tag = {OTS_SLICE("host"), OTS_SLICE("h1")};
    const struct ots_series_key key = {OTS_SLICE("cpu"), OTS_SLICE_NONE, &tag, 1};
    const struct ots_field field = {OTS_SLICE("n"), {.type = OTS_INTEGER, .integer = 1}};
    const struct ots_row row = {&key, TEST_NOW_US, &field, 1};
    while (!putter->missing) {
        TEST_CALL(put, OTS_ACTION_PUT);
        put.request.put = (struct ots_put_request){OTS_SLICE("t"), &row, 1, OTS_META_UPDATE_NORMAL};
        ots_instance_call(putter->test->instance, &put);
        putter->stored += put.status == OTS_OK;
        putter->missing += put.status == OTS_NOT_FOUND;
        if (put.status != OTS_OK && put.status != OTS_NOT_FOUND)
            break;
    }
    return NULL;
}

/* Tables that are in use all the time are updated and deleted; no call sees half of it. */
static void test_updates_while_puts_go_on(void **state)
{
    struct test_instance *test = *state;
    struct putter putters[PUTTERS];
    pthread_t threads[PUTTERS];
    for (size_t i = 0; i < PUTTERS; i++) {
        putters[i] = (struct putter){.test = test};
        assert_int_equal(pthread_create(&threads[i], NULL, put_until_gone, &putters[i]), 0);
    }
    for (int i = 0; i < UPDATES; i++) {
        TEST_CALL(update, OTS_ACTION_UPDATE_TABLE);
        make_update(&update, 86400 + i, KEEP, KEEP);
        test_call_ok(test, &update);
    }
    assert_options(test, 86400 + UPDATES - 1, -1, true);
    TEST_CALL(delete, OTS_ACTION_DELETE_TABLE);
    delete.request.table.table = OTS_SLICE("t");
    test_call_ok(test, &delete);
    for (size_t i = 0; i < PUTTERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(putters[i].missing, 1);
    }
}

/* ---- metadata ---- */

static struct ots_tag attributes_ab[] = {
    {{(const uint8_t *)"a", 1}, {(const uint8_t *)"1", 1}},
    {{(const uint8_t *)"b", 1}, {(const uint8_t *)"2", 1}},
};

static void make_update_meta(struct ots_call *call, const struct ots_meta_update *updates,
                             size_t count)
{
    call->request.update_meta = (struct ots_update_meta_request){OTS_SLICE("t"), updates, count};
}

static void update_meta(struct test_instance *test, const struct ots_series_key *key,
                        const struct ots_tag *attributes, size_t count, bool has_attributes)
{
    TEST_CALL(call, OTS_ACTION_UPDATE_META);
    const struct ots_meta_update update = {*key, attributes, count, has_attributes};
    make_update_meta(&call, &update, 1);
    test_call_ok(test, &call);
    assert_int_equal(call.response.change_meta.failed_row_count, 0);
}

static void delete_meta(struct test_instance *test, const struct ots_series_key *keys, size_t count)
{
    TEST_CALL(call, OTS_ACTION_DELETE_META);
    call.request.delete_meta = (struct ots_delete_meta_request){OTS_SLICE("t"), keys, count};
    test_call_ok(test, &call);
    assert_int_equal(call.response.change_meta.failed_row_count, 0);
}

/* All records as `measurement.host[attributes] ` one after the other. */
static void assert_records(struct test_instance *test, const char *expected)
{
    TEST_CALL(query, OTS_ACTION_QUERY_META);
    struct ots_buf found = OTS_BUF_INIT;
    query.request.query_meta.table = OTS_SLICE("t");
    test_call_ok(test, &query);
    for (size_t i = 0; i < query.response.query_meta.count; i++) {
        const struct ots_timeline_meta *meta = &query.response.query_meta.metas[i];
        ots_buf_append_fmt(&found, "%.*s.%.*s", OTS_SLICE_FMT(meta->key.measurement),
                           OTS_SLICE_FMT(meta->key.tags[0].value));
        ots_tags_text_append(&found, meta->attributes, meta->attribute_count);
        ots_buf_append_byte(&found, ' ');
    }
    ots_buf_append_byte(&found, 0);
    assert_string_equal((const char *)found.data, expected);
    ots_buf_deinit(&found);
}

static int64_t update_time(struct test_instance *test)
{
    TEST_CALL(query, OTS_ACTION_QUERY_META);
    query.request.query_meta.table = OTS_SLICE("t");
    test_call_ok(test, &query);
    assert_int_equal(query.response.query_meta.count, 1);
    return query.response.query_meta.metas[0].update_time_us;
}

static size_t count_rows(struct test_instance *test, const struct ots_series_key *key)
{
    TEST_CALL(get, OTS_ACTION_GET);
    get.request.get.table = OTS_SLICE("t");
    get.request.get.key = *key;
    test_call_ok(test, &get);
    return get.response.page.rows.count;
}

static void test_update_makes_a_record(void **state)
{
    struct test_instance *test = *state;
    const struct ots_series_key *key = test_key(test, "cpu", "h1");
    update_meta(test, key, attributes_ab, 2, true);
    update_meta(test, test_key(test, "cpu", "h2"), NULL, 0, false);
    update_meta(test, test_key(test, "bus", "h2"), NULL, 0, true);
    static const char records[] = "bus.h2[] cpu.h1[\"a=1\",\"b=2\"] cpu.h2[] ";
    assert_records(test, records);
    assert_int_equal(count_rows(test, key), 0);
    /* Puts find the timelines that there are, also after a start. */
    test_instance_reopen(test);
    assert_records(test, records);
    test_put_one(test, "t", "cpu", "h1", 5, 1);
    test_put_one(test, "t", "bus", "h2", 6, 1);
    test_put_one(test, "t", "cpu", "h3", 7, 1);
    assert_int_equal(count_rows(test, key), 1);
    assert_records(test, "bus.h2[] cpu.h1[\"a=1\",\"b=2\"] cpu.h2[] cpu.h3[] ");
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    test_call_ok(test, &scan);
    assert_int_equal(scan.response.page.rows.count, 3);
}

static void test_attributes_are_replaced(void **state)
{
    struct test_instance *test = *state;
    const struct ots_series_key *key = test_key(test, "cpu", "h1");
    const struct ots_tag other = {OTS_SLICE("c"), OTS_SLICE("3")};
    test_put_one(test, "t", "cpu", "h1", 5, 1);
    test->clock.now_us++;
    update_meta(test, key, attributes_ab, 2, true);
    assert_records(test, "cpu.h1[\"a=1\",\"b=2\"] ");
    assert_int_equal(update_time(test), test->clock.now_us);
    update_meta(test, key, &other, 1, true);
    assert_records(test, "cpu.h1[\"c=3\"] ");
    /* Not told: they stay, but the time is new. Neither does a put change them. */
    test->clock.now_us++;
    update_meta(test, key, NULL, 0, false);
    assert_int_equal(update_time(test), test->clock.now_us);
    test->clock.now_us += OTS_META_UPDATE_INTERVAL_US;
    test_put_one(test, "t", "cpu", "h1", 6, 1);
    assert_int_equal(update_time(test), test->clock.now_us);
    assert_records(test, "cpu.h1[\"c=3\"] ");
    update_meta(test, key, NULL, 0, true);
    assert_records(test, "cpu.h1[] ");
    /* Of two updates of one timeline in one request the later one is the last. */
    TEST_CALL(call, OTS_ACTION_UPDATE_META);
    const struct ots_meta_update twice[] = {
        {*key, attributes_ab, 2, true}, {*key, &other, 1, true}, {*key, NULL, 0, false}};
    make_update_meta(&call, twice, 3);
    test_call_ok(test, &call);
    assert_records(test, "cpu.h1[\"c=3\"] ");
    assert_int_equal(count_rows(test, key), 2);
}

static void test_attributes_that_may_not_be_updated(void **state)
{
    struct test_instance *test = *state;
    const struct ots_series_key *key = test_key(test, "cpu", "h1");
    update_meta(test, key, attributes_ab, 1, true);
    TEST_CALL(table, OTS_ACTION_UPDATE_TABLE);
    make_update(&table, KEEP, KEEP, NO);
    test_call_ok(test, &table);
    TEST_CALL(call, OTS_ACTION_UPDATE_META);
    const struct ots_meta_update updates[] = {
        {*test_key(test, "cpu", "h2"), NULL, 0, false},
        {*key, attributes_ab, 2, true},
    };
    make_update_meta(&call, updates, 2);
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
    assert_records(test, "cpu.h1[\"a=1\"] ");
    make_update_meta(&call, updates, 1);
    test_call_ok(test, &call);
    /* Go sends attributes that are none. */
    update_meta(test, key, NULL, 0, true);
    assert_records(test, "cpu.h1[\"a=1\"] cpu.h2[] ");
    make_update(&table, KEEP, KEEP, YES);
    test_call_ok(test, &table);
    update_meta(test, key, attributes_ab, 2, true);
    assert_records(test, "cpu.h1[\"a=1\",\"b=2\"] cpu.h2[] ");
}

static void test_deletion_leaves_the_rows(void **state)
{
    struct test_instance *test = *state;
    const struct ots_series_key *key = test_key(test, "cpu", "h1");
    test_put_one(test, "t", "cpu", "h1", 5, 1);
    test_put_one(test, "t", "cpu", "h2", 5, 1);
    update_meta(test, key, attributes_ab, 2, true);
    delete_meta(test, key, 1);
    for (int i = 0; i < 2; i++) {
        assert_records(test, "cpu.h2[] ");
        assert_int_equal(count_rows(test, key), 1);
        test_instance_reopen(test);
    }
    /* A later put brings the record back, without the attributes; within the interval too. */
    test_put_one(test, "t", "cpu", "h1", 6, 1);
    assert_records(test, "cpu.h1[] cpu.h2[] ");
    assert_int_equal(count_rows(test, key), 2);
    delete_meta(test, key, 1);
    test_put_one(test, "t", "cpu", "h1", 7, 1);
    assert_records(test, "cpu.h1[] cpu.h2[] ");
    /* Unknown timelines, and one twice, are no mistakes; nothing comes to be. */
    const struct ots_series_key keys[] = {*test_key(test, "new", "h"), *key, *key,
                                          *test_key(test, "cpu", "h3")};
    delete_meta(test, keys, 4);
    assert_records(test, "cpu.h2[] ");
    update_meta(test, key, NULL, 0, false);
    assert_records(test, "cpu.h1[] cpu.h2[] ");
    assert_int_equal(count_rows(test, key), 3);
}

static void test_refused(void **state)
{
    struct test_instance *test = *state;
    const struct ots_tag bad = {OTS_SLICE("a"), OTS_SLICE("x=y")};
    static char long_text[OTS_ATTRIBUTES_TEXT_BYTES_MAX];
    memset(long_text, 'x', sizeof(long_text));
    const struct ots_tag large = {OTS_SLICE("a"), ots_slice(long_text, sizeof(long_text))};
    const struct ots_tag largest = {OTS_SLICE("a"), ots_slice(long_text, sizeof(long_text) - 6)};
    const struct ots_series_key *key = test_key(test, "cpu", "h1");
    const struct ots_meta_update updates[] = {
        {*key, &bad, 1, true},
        {*key, &large, 1, true},
        {*test_key(test, "", "h1"), NULL, 0, false},
        {*test_key(test, "c u", "h1"), NULL, 0, false},
    };
    TEST_CALL(call, OTS_ACTION_UPDATE_META);
    for (size_t i = 0; i < 4; i++) {
        make_update_meta(&call, &updates[i], 1);
        test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
    }
    make_update_meta(&call, updates, 0);
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
    static struct ots_meta_update many[OTS_META_CHANGES_MAX + 1];
    for (size_t i = 0; i <= OTS_META_CHANGES_MAX; i++)
        many[i].key = *key;
    make_update_meta(&call, many, OTS_META_CHANGES_MAX + 1);
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
    make_update_meta(&call, many, OTS_META_CHANGES_MAX);
    test_call_ok(test, &call);
    update_meta(test, key, &largest, 1, true);
    TEST_CALL(delete, OTS_ACTION_DELETE_META);
    delete.request.delete_meta = (struct ots_delete_meta_request){OTS_SLICE("t"), NULL, 0};
    test_call_refused(test, &delete, OTS_CODE_PARAMETER_INVALID);
    delete.request.delete_meta =
        (struct ots_delete_meta_request){OTS_SLICE("t"), &updates[3].key, 1};
    test_call_refused(test, &delete, OTS_CODE_PARAMETER_INVALID);
    delete.request.delete_meta = (struct ots_delete_meta_request){OTS_SLICE("u"), key, 1};
    test_call_refused(test, &delete, OTS_CODE_OBJECT_NOT_EXIST);
}

/* A put tells the time of each record that it made or renewed, once, and nothing otherwise. */
static void test_put_tells_times(void **state)
{
    struct test_instance *test = *state;
    const struct ots_series_key *a = test_key(test, "a", "h");
    const struct ots_series_key *b = test_key(test, "b", "h");
    const struct ots_row rows[] = {test_row(test, a, 1, 1), test_row(test, a, 2, 1),
                                   test_row(test, b, 1, 1), test_row(test, a, 3, 1)};
    TEST_CALL(put, OTS_ACTION_PUT);
    put.request.put = (struct ots_put_request){OTS_SLICE("t"), rows, 4, OTS_META_UPDATE_NORMAL};
    test_call_ok(test, &put);
    const struct ots_put_response *response = &put.response.put;
    assert_int_equal(response->meta_time_count, 2);
    assert_int_equal(response->meta_times[0].row_index, 0);
    assert_int_equal(response->meta_times[1].row_index, 2);
    assert_int_equal(response->meta_times[1].time_s, TEST_NOW_US / 1000000);
    TEST_CALL(again, OTS_ACTION_PUT);
    again.request.put = put.request.put;
    test_call_ok(test, &again);
    assert_int_equal(again.response.put.meta_time_count, 0);
    TEST_CALL(ignoring, OTS_ACTION_PUT);
    test->clock.now_us += OTS_META_UPDATE_INTERVAL_US;
    ignoring.request.put = put.request.put;
    ignoring.request.put.meta_update_mode = OTS_META_UPDATE_IGNORE;
    test_call_ok(test, &ignoring);
    assert_int_equal(ignoring.response.put.meta_time_count, 0);
    TEST_CALL(later, OTS_ACTION_PUT);
    later.request.put = put.request.put;
    test_call_ok(test, &later);
    assert_int_equal(later.response.put.meta_time_count, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, test_instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_options),
        TEST(test_options_of_no_table),
        TEST(test_update_of_a_held_table),
        TEST(test_updates_while_puts_go_on),
        TEST(test_update_makes_a_record),
        TEST(test_attributes_are_replaced),
        TEST(test_attributes_that_may_not_be_updated),
        TEST(test_deletion_leaves_the_rows),
        TEST(test_refused),
        TEST(test_put_tells_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
