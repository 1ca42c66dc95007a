#include "tests/unit/server_fixture.h"

#include "backend/server/handlers.h"
#include "backend/wire/service_code.h"

#include <pthread.h>
#include <stdio.h>

static void test_create_describe_list(void **state)
{
    struct test_instance *test = *state;
    test_create_table(test, "zebra");
    TEST_CALL(create, OTS_ACTION_CREATE_TABLE);
    struct ots_table_meta *meta = &create.request.create_table.meta;
    meta->name = OTS_SLICE("Apple_1");
    meta->time_to_live_s = 604800;
    meta->has_time_to_live = true;
    meta->meta_time_to_live_s = 1209600;
    meta->has_meta_time_to_live = true;
    meta->allow_update_attributes = false;
    meta->has_allow_update_attributes = true;
    test_call_ok(test, &create);

    for (int i = 0; i < 2; i++) {
        TEST_CALL(describe, OTS_ACTION_DESCRIBE_TABLE);
        describe.request.table.table = OTS_SLICE("Apple_1");
        test_call_ok(test, &describe);
        const struct ots_table_meta *seen = &describe.response.describe_table.meta;
        assert_true(ots_slice_equal(seen->name, OTS_SLICE("Apple_1")));
        assert_true(ots_slice_equal(seen->status, OTS_SLICE("CREATED")));
        assert_int_equal(seen->time_to_live_s, 604800);
        assert_int_equal(seen->meta_time_to_live_s, 1209600);
        assert_false(seen->allow_update_attributes);
        TEST_CALL(list, OTS_ACTION_LIST_TABLES);
        test_call_ok(test, &list);
        assert_int_equal(list.response.list_tables.count, 2);
        seen = list.response.list_tables.metas;
        assert_true(ots_slice_equal(seen[0].name, OTS_SLICE("Apple_1")));
        assert_true(ots_slice_equal(seen[1].name, OTS_SLICE("zebra")));
        assert_int_equal(seen[1].time_to_live_s, -1);
        assert_int_equal(seen[1].meta_time_to_live_s, -1);
        assert_true(seen[1].has_time_to_live && seen[1].has_meta_time_to_live);
        assert_true(seen[1].allow_update_attributes && seen[1].has_allow_update_attributes);
        test_instance_reopen(test);
    }
}

static void refuse_create(struct test_instance *test,
                          const struct ots_create_table_request *request, const char *code)
{
    TEST_CALL(call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table = *request;
    test_call_refused(test, &call, code);
}

static void test_create_refused(void **state)
{
    struct test_instance *test = *state;
    struct ots_create_table_request request = {.meta = OTS_TABLE_META_DEFAULT};
    refuse_create(test, &request, OTS_CODE_PARAMETER_INVALID);
    request.meta.name = OTS_SLICE("1table");
    refuse_create(test, &request, OTS_CODE_PARAMETER_INVALID);
    request.meta.name = OTS_SLICE("table");
    request.meta.time_to_live_s = 86399;
    request.meta.has_time_to_live = true;
    refuse_create(test, &request, OTS_CODE_PARAMETER_INVALID);
    request.meta.has_time_to_live = false;
    request.analytical_store_count = 1;
    refuse_create(test, &request, OTS_CODE_UNSUPPORTED);
    request.analytical_store_count = 0;
    request.lastpoint_index_count = 1;
    refuse_create(test, &request, OTS_CODE_UNSUPPORTED);
    request.lastpoint_index_count = 0;
    const struct ots_slice column = OTS_SLICE("_time");
    request.meta.key_schema = &column;
    request.meta.key_schema_count = 1;
    refuse_create(test, &request, OTS_CODE_PARAMETER_INVALID);
    request.meta.key_schema_count = 0;
    TEST_CALL(list, OTS_ACTION_LIST_TABLES);
    test_call_ok(test, &list);
    assert_int_equal(list.response.list_tables.count, 0);
    test_create_table(test, "table");
    refuse_create(test, &request, OTS_CODE_OBJECT_ALREADY_EXIST);
}

static void test_quota(void **state)
{
    struct test_instance *test = *state;
    for (int i = 0; i < OTS_TABLES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "t%d", i);
        test_create_table(test, name);
    }
    struct ots_create_table_request request = {.meta = OTS_TABLE_META_DEFAULT};
    request.meta.name = OTS_SLICE("one_more");
    refuse_create(test, &request, OTS_CODE_QUOTA_EXHAUSTED);
    test_instance_reopen(test);
    refuse_create(test, &request, OTS_CODE_QUOTA_EXHAUSTED);
    TEST_CALL(delete, OTS_ACTION_DELETE_TABLE);
    delete.request.table.table = OTS_SLICE("t17");
    test_call_ok(test, &delete);
    test_create_table(test, "one_more");
}

static void test_missing_table(void **state)
{
    struct test_instance *test = *state;
    static const enum ots_action actions[] = {
        OTS_ACTION_DESCRIBE_TABLE, OTS_ACTION_DELETE_TABLE, OTS_ACTION_PUT, OTS_ACTION_GET,
        OTS_ACTION_QUERY_META,     OTS_ACTION_SPLIT,        OTS_ACTION_SCAN};
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        TEST_CALL(call, actions[i]);
        /* The table's name is the first member of each of these requests. */
        call.request.table.table = OTS_SLICE("missing");
        test_call_refused(test, &call, OTS_CODE_OBJECT_NOT_EXIST);
        assert_string_equal(call.error.message, "Requested table does not exist.");
        assert_int_equal(call.status, OTS_NOT_FOUND);
        TEST_CALL(bad, actions[i]);
        bad.request.table.table = OTS_SLICE("not a name");
        test_call_refused(test, &bad, OTS_CODE_PARAMETER_INVALID);
    }
}

static size_t count_rows(struct test_instance *test, const char *table)
{
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = ots_slice_str(table);
    test_call_ok(test, &scan);
    return scan.response.page.rows.count;
}

static size_t count_metas(struct test_instance *test, const char *table)
{
    TEST_CALL(query, OTS_ACTION_QUERY_META);
    query.request.query_meta.table = ots_slice_str(table);
    test_call_ok(test, &query);
    return query.response.query_meta.count;
}

static void test_delete_removes_all(void **state)
{
    struct test_instance *test = *state;
    test_create_table(test, "a");
    test_create_table(test, "b");
    test_put_one(test, "a", "cpu", "h1", 1, 1);
    test_put_one(test, "b", "cpu", "h1", 1, 1);
    TEST_CALL(delete, OTS_ACTION_DELETE_TABLE);
    delete.request.table.table = OTS_SLICE("a");
    test_call_ok(test, &delete);
    test_call_refused(test, &delete, OTS_CODE_OBJECT_NOT_EXIST);
    test_create_table(test, "a");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(count_rows(test, "a"), 0);
        assert_int_equal(count_metas(test, "a"), 0);
        assert_int_equal(count_rows(test, "b"), 1);
        assert_int_equal(count_metas(test, "b"), 1);
        test_instance_reopen(test);
    }
    test_put_one(test, "a", "cpu", "h1", 2, 2);
    assert_int_equal(count_rows(test, "a"), 1);
}

/* Puts as long as the table is there; the other side deletes it in the middle. */
static void *put_until_gone(void *argument)
{
    struct test_instance *test = argument;
    const struct ots_tag tag = {OTS_SLICE("host"), OTS_SLICE("h")};
    const struct ots_series_key key = {OTS_SLICE("cpu"), OTS_SLICE("s"), &tag, 1};
    const struct ots_field field = {OTS_SLICE("n"), {.type = OTS_INTEGER, .integer = 1}};
    enum ots_status status = OTS_OK;
    for (int64_t i = 0; status == OTS_OK; i++) {
        const struct ots_row row = {&key, i, &field, 1};
        TEST_CALL(call, OTS_ACTION_PUT);
        call.request.put.table = OTS_SLICE("t");
        call.request.put.rows = &row;
        call.request.put.row_count = 1;
        ots_instance_call(test->instance, &call);
        status = call.status;
    }
    return status == OTS_NOT_FOUND ? NULL : test;
}

static void test_delete_under_puts(void **state)
{
    struct test_instance *test = *state;
    pthread_t threads[3];
    test_create_table(test, "t");
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, put_until_gone, test), 0);
    while (count_rows(test, "t") < 50)
        ;
    TEST_CALL(delete, OTS_ACTION_DELETE_TABLE);
    delete.request.table.table = OTS_SLICE("t");
    test_call_ok(test, &delete);
    for (size_t i = 0; i < 3; i++) {
        void *result = test;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    /* Nothing that was under way came back to life. */
    struct ots_engine *engine = test->instance->engine;
    static const uint8_t spaces[] = {OTS_SPACE_TABLE, OTS_SPACE_SERIES, OTS_SPACE_SERIES_KEY,
                                     OTS_SPACE_ROW};
    for (size_t i = 0; i < sizeof(spaces); i++) {
        const uint8_t end = (uint8_t)(spaces[i] + 1);
        OTS_AUTO(ots_cursor_freep)
        struct ots_cursor *cursor =
            engine->ops->cursor_new(engine, ots_slice(&spaces[i], 1), ots_slice(&end, 1));
        cursor->ops->seek(cursor, ots_slice(&spaces[i], 1));
        assert_false(cursor->is_valid);
    }
}

static void test_other_format(void **state)
{
    struct test_instance *test = *state;
    struct ots_engine *engine = test->instance->engine;
    OTS_AUTO(ots_batch_freep) struct ots_batch *batch = engine->ops->batch_new(engine);
    batch->ops->put(batch, OTS_SLICE("F"), OTS_SLICE("otslocal 2"));
    assert_int_equal(engine->ops->write(engine, batch, NULL), OTS_OK);
    ots_instance_close(test->instance);
    test->instance = NULL;
    const struct ots_rocksdb_options options = {.directory = test->directory.path};
    struct ots_error err = {0};
    assert_int_equal(ots_rocksdb_open(&options, &engine, &err), OTS_OK);
    assert_int_equal(ots_instance_open(engine, &test->clock.clock, &test->instance, &err),
                     OTS_CORRUPT);
    assert_null(test->instance);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, test_instance_setup, test_instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_create_describe_list),
        TEST(test_create_refused),
        TEST(test_quota),
        TEST(test_missing_table),
        TEST(test_delete_removes_all),
        TEST(test_delete_under_puts),
        TEST(test_other_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
