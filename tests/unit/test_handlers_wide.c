#include "tests/unit/wide_fixture.h"

#include "backend/wire/service_code.h"

#include <pthread.h>
#include <stdio.h>

#define NOW_MS (TEST_NOW_US / 1000)

enum { FOREVER = OTS_TTL_FOREVER, DAY_S = 86400 };

/* ---- tables ---- */

static void test_create_describe_list_delete(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 3, 2592000);
    test_create_table(test, "series");
    for (int i = 0; i < 2; i++) {
        TEST_CALL(describe, OTS_ACTION_WIDE_DESCRIBE);
        describe.request.table.table = OTS_SLICE("t");
        test_call_ok(test, &describe);
        const struct ots_wide_meta *meta = &describe.response.wide.describe.meta;
        assert_true(ots_slice_equal(meta->name, OTS_SLICE("t")));
        assert_int_equal(meta->key_count, 2);
        assert_true(ots_slice_equal(meta->key[1].name, OTS_SLICE("n")));
        assert_int_equal(meta->key[0].type, OTS_KEY_STRING);
        assert_int_equal(meta->key[1].type, OTS_KEY_INTEGER);
        assert_int_equal(meta->max_versions, 3);
        assert_int_equal(meta->time_to_live_s, 2592000);
        assert_int_equal(meta->deviation_s, OTS_WIDE_DEVIATION_DEFAULT_S);
        assert_true(meta->allow_update);
        assert_int_equal(describe.response.wide.describe.created_us, TEST_NOW_US);
        TEST_CALL(list, OTS_ACTION_WIDE_LIST);
        test_call_ok(test, &list);
        assert_int_equal(list.response.wide.list.count, 1);
        assert_true(ots_slice_equal(list.response.wide.list.names[0], OTS_SLICE("t")));
        TEST_CALL(others, OTS_ACTION_LIST_TABLES);
        test_call_ok(test, &others);
        assert_int_equal(others.response.list_tables.count, 1);
        test_instance_reopen(test);
    }
    TEST_CALL(gone, OTS_ACTION_WIDE_DELETE_TABLE);
    gone.request.table.table = OTS_SLICE("t");
    test_call_ok(test, &gone);
    test_call_refused(test, &gone, OTS_CODE_OBJECT_NOT_EXIST);
}

static void refuse_named(struct test_instance *test, enum ots_action action, const char *name)
{
    TEST_CALL(call, action);
    call.request.table.table = ots_slice_str(name);
    test_call_refused(test, &call, OTS_CODE_OBJECT_NOT_EXIST);
}

static void update(struct test_instance *test, struct ots_wide_update_request changes)
{
    TEST_CALL(call, OTS_ACTION_WIDE_UPDATE_TABLE);
    call.request.wide.update = changes;
    call.request.wide.update.table = OTS_SLICE("t");
    test_call_ok(test, &call);
    const struct ots_wide_meta *meta = &call.response.wide.describe.meta;
    if (changes.has_max_versions)
        assert_int_equal(meta->max_versions, changes.max_versions);
    if (changes.has_allow_update)
        assert_int_equal(meta->allow_update, changes.allow_update);
}

/* What is changed counts for the next call and stays; what is not changed stays too. */
static void test_update_table(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 1, FOREVER);
    update(test, (struct ots_wide_update_request){.max_versions = 3, .has_max_versions = true});
    for (int i = 0; i < 4; i++)
        wide_write(test, OTS_ACTION_WIDE_UPDATE_ROW,
                   WIDE_ROW(test, "x", 1, wide_at(wide_integer("v", i), NOW_MS + i)),
                   OTS_EXPECT_NOTHING);
    wide_expect(test, "x", 1, "v=3@3 v=2@2 v=1@1");
    update(test, (struct ots_wide_update_request){.max_versions = 2, .has_max_versions = true});
    wide_expect(test, "x", 1, "v=3@3 v=2@2");
    update(test, (struct ots_wide_update_request){.time_to_live_s = DAY_S,
                                                  .has_time_to_live = true,
                                                  .allow_update = false,
                                                  .has_allow_update = true});
    test_instance_reopen(test);
    wide_expect(test, "x", 1, "v=3@3 v=2@2");
    TEST_CALL(refused, OTS_ACTION_WIDE_UPDATE_ROW);
    wide_write_fill(&refused, WIDE_ROW(test, "x", 1, wide_integer("v", 9)), OTS_EXPECT_NOTHING);
    test_call_refused(test, &refused, OTS_CODE_PARAMETER_INVALID);
    test->clock.now_us += INT64_C(1000) * 1000 * (DAY_S + 1);
    wide_expect(test, "x", 1, NULL);
    update(test, (struct ots_wide_update_request){.table = OTS_SLICE("t")});
}

static void test_refused_table_updates(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 1, FOREVER);
    test_create_table(test, "series");
    static const struct ots_wide_update_request refused[] = {
        {.time_to_live_s = 0, .has_time_to_live = true},
        {.time_to_live_s = DAY_S - 1, .has_time_to_live = true},
        {.max_versions = 0, .has_max_versions = true},
        {.max_versions = OTS_WIDE_VERSIONS_MAX + 1, .has_max_versions = true},
        {.deviation_s = 0, .has_deviation = true},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        TEST_CALL(call, OTS_ACTION_WIDE_UPDATE_TABLE);
        call.request.wide.update = refused[i];
        call.request.wide.update.table = OTS_SLICE("t");
        test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
    }
    TEST_CALL(call, OTS_ACTION_WIDE_UPDATE_TABLE);
    call.request.wide.update.table = OTS_SLICE("series");
    test_call_refused(test, &call, OTS_CODE_OBJECT_NOT_EXIST);
    call.request.wide.update.table = OTS_SLICE("missing");
    test_call_refused(test, &call, OTS_CODE_OBJECT_NOT_EXIST);
    call.request.wide.update.table = OTS_SLICE("series#timeseries");
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
}

/* One space of names, but neither kind of table is found as the other. */
static void test_two_kinds_of_tables(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 1, FOREVER);
    test_create_table(test, "series");
    TEST_CALL(same, OTS_ACTION_CREATE_TABLE);
    same.request.create_table.meta.name = OTS_SLICE("t");
    test_call_refused(test, &same, OTS_CODE_OBJECT_ALREADY_EXIST);
    TEST_CALL(wide, OTS_ACTION_WIDE_CREATE);
    const struct ots_field_key key = {OTS_SLICE("a"), OTS_KEY_STRING};
    wide.request.wide.create.meta = OTS_WIDE_META_DEFAULT;
    wide.request.wide.create.meta.name = OTS_SLICE("series");
    wide.request.wide.create.meta.key = &key;
    wide.request.wide.create.meta.key_count = 1;
    test_call_refused(test, &wide, OTS_CODE_OBJECT_ALREADY_EXIST);
    wide.request.wide.create.meta.name = OTS_SLICE("t");
    test_call_refused(test, &wide, OTS_CODE_OBJECT_ALREADY_EXIST);
    refuse_named(test, OTS_ACTION_WIDE_DESCRIBE, "series");
    refuse_named(test, OTS_ACTION_WIDE_DELETE_TABLE, "series");
    refuse_named(test, OTS_ACTION_DESCRIBE_TABLE, "t");
    refuse_named(test, OTS_ACTION_DELETE_TABLE, "t");
    TEST_CALL(put, OTS_ACTION_PUT);
    struct ots_row row = test_row(test, test_key(test, "m", NULL), 1, 1);
    put.request.put.table = OTS_SLICE("t");
    put.request.put.rows = &row;
    put.request.put.row_count = 1;
    test_call_refused(test, &put, OTS_CODE_OBJECT_NOT_EXIST);
}

static void test_as_many_tables_of_each_kind(void **state)
{
    struct test_instance *test = *state;
    const struct ots_field_key key = {OTS_SLICE("a"), OTS_KEY_STRING};
    char name[16];
    for (int i = 0; i < OTS_WIDE_TABLES_MAX + 1; i++) {
        TEST_CALL(call, OTS_ACTION_WIDE_CREATE);
        struct ots_wide_meta *meta = &call.request.wide.create.meta;
        *meta = OTS_WIDE_META_DEFAULT;
        snprintf(name, sizeof(name), "w%d", i);
        meta->name = ots_slice_str(name);
        meta->key = &key;
        meta->key_count = 1;
        if (i < OTS_WIDE_TABLES_MAX)
            test_call_ok(test, &call);
        else
            test_call_refused(test, &call, OTS_CODE_QUOTA_EXHAUSTED);
    }
    for (int i = 0; i < OTS_TABLES_MAX; i++) {
        snprintf(name, sizeof(name), "s%d", i);
        test_create_table(test, name);
    }
    TEST_CALL(series, OTS_ACTION_CREATE_TABLE);
    series.request.create_table.meta.name = OTS_SLICE("one_more");
    test_call_refused(test, &series, OTS_CODE_QUOTA_EXHAUSTED);
    test_instance_reopen(test);
    TEST_CALL(list, OTS_ACTION_WIDE_LIST);
    test_call_ok(test, &list);
    assert_int_equal(list.response.wide.list.count, OTS_WIDE_TABLES_MAX);
}

/* A deleted table's rows do not come back with its name. */
static void test_a_new_table_is_empty(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 1, FOREVER);
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, wide_key(test, "x", 1), OTS_EXPECT_NOTHING);
    TEST_CALL(gone, OTS_ACTION_WIDE_DELETE_TABLE);
    gone.request.table.table = OTS_SLICE("t");
    test_call_ok(test, &gone);
    wide_create(test, 1, FOREVER);
    wide_expect(test, "x", 1, NULL);
}

/* ---- rows ---- */

static void test_put_replaces(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 2, FOREVER);
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW,
               WIDE_ROW(test, "x", 1, wide_string("s", "one"), wide_integer("i", 1)),
               OTS_EXPECT_NOTHING);
    wide_expect(test, "x", 1, "i=1@0 s=one@0");
    wide_expect(test, "x", 2, NULL);
    wide_expect(test, "y", 1, NULL);
    test->clock.now_us += 5000;
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, WIDE_ROW(test, "x", 1, wide_string("z", "")),
               OTS_EXPECT_NOTHING);
    wide_expect(test, "x", 1, "z=@5");
    test_instance_reopen(test);
    wide_expect(test, "x", 1, "z=@5");
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, wide_key(test, "x", 1), OTS_EXPECT_NOTHING);
    wide_expect(test, "x", 1, "");
}

static void test_update_merges(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 2, FOREVER);
    wide_write(test, OTS_ACTION_WIDE_UPDATE_ROW,
               WIDE_ROW(test, "x", 1, wide_string("b", "1"), wide_integer("d", 7)),
               OTS_EXPECT_NOTHING);
    test->clock.now_us += 1000;
    wide_write(test, OTS_ACTION_WIDE_UPDATE_ROW,
               WIDE_ROW(test, "x", 1, wide_string("c", "x"), wide_string("b", "2"),
                        wide_string("B", "0"), wide_increment("d", -9), wide_increment("e", 4)),
               OTS_EXPECT_ROW);
    wide_expect(test, "x", 1, "B=0@1 b=2@1 b=1@0 c=x@1 d=-2@1 d=7@0 e=4@1");
    test->clock.now_us += 1000;
    wide_write(test, OTS_ACTION_WIDE_UPDATE_ROW,
               WIDE_ROW(test, "x", 1, wide_string("b", "3"), wide_delete_all("d"),
                        wide_delete_all("none"), wide_delete_one("B", NOW_MS + 1),
                        wide_delete_one("c", NOW_MS)),
               OTS_EXPECT_NOTHING);
    wide_expect(test, "x", 1, "b=3@2 b=2@1 c=x@1 e=4@1");
}

static void test_update_that_only_deletes(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 1, FOREVER);
    wide_write(test, OTS_ACTION_WIDE_UPDATE_ROW, WIDE_ROW(test, "x", 1, wide_delete_all("b")),
               OTS_EXPECT_NOTHING);
    wide_expect(test, "x", 1, NULL);
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, WIDE_ROW(test, "x", 1, wide_integer("b", 1)),
               OTS_EXPECT_NOTHING);
    wide_write(test, OTS_ACTION_WIDE_UPDATE_ROW, WIDE_ROW(test, "x", 1, wide_delete_all("b")),
               OTS_EXPECT_NOTHING);
    wide_expect(test, "x", 1, "");
}

static void test_delete(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 1, FOREVER);
    wide_write(test, OTS_ACTION_WIDE_DELETE_ROW, wide_key(test, "x", 1), OTS_EXPECT_NOTHING);
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, wide_key(test, "x", 1), OTS_EXPECT_NOTHING);
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, wide_key(test, "x", 2), OTS_EXPECT_NOTHING);
    wide_write(test, OTS_ACTION_WIDE_DELETE_ROW, wide_key(test, "x", 1), OTS_EXPECT_ROW);
    wide_expect(test, "x", 1, NULL);
    wide_expect(test, "x", 2, "");
}

static void refuse_write(struct test_instance *test, enum ots_action action,
                         struct ots_plain_row row, enum ots_expectation expectation,
                         const char *code)
{
    TEST_CALL(call, action);
    wide_write_fill(&call, row, expectation);
    test_call_refused(test, &call, code);
}

static void test_expectations(void **state)
{
    struct test_instance *test = *state;
    const struct ots_plain_row row = WIDE_ROW(test, "x", 1, wide_integer("b", 1));
    static const enum ots_action actions[] = {OTS_ACTION_WIDE_PUT_ROW, OTS_ACTION_WIDE_UPDATE_ROW};
    wide_create(test, 1, FOREVER);
    for (size_t i = 0; i < 2; i++) {
        refuse_write(test, actions[i], row, OTS_EXPECT_ROW, OTS_CODE_CONDITION_CHECK_FAIL);
        wide_expect(test, "x", 1, NULL);
        wide_write(test, actions[i], row, OTS_EXPECT_NO_ROW);
        refuse_write(test, actions[i], row, OTS_EXPECT_NO_ROW, OTS_CODE_CONDITION_CHECK_FAIL);
        wide_expect(test, "x", 1, "b=1@0");
        refuse_write(test, OTS_ACTION_WIDE_DELETE_ROW, wide_key(test, "x", 1), OTS_EXPECT_NO_ROW,
                     OTS_CODE_CONDITION_CHECK_FAIL);
        wide_write(test, OTS_ACTION_WIDE_DELETE_ROW, wide_key(test, "x", 1), OTS_EXPECT_ROW);
        refuse_write(test, OTS_ACTION_WIDE_DELETE_ROW, wide_key(test, "x", 1), OTS_EXPECT_ROW,
                     OTS_CODE_CONDITION_CHECK_FAIL);
    }
}

static void test_time_to_live(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 1, DAY_S);
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, wide_key(test, "bare", 1), OTS_EXPECT_NOTHING);
    wide_write(
        test, OTS_ACTION_WIDE_PUT_ROW,
        WIDE_ROW(test, "x", 1, wide_integer("b", 1), wide_at(wide_integer("c", 2), NOW_MS - 10000)),
        OTS_EXPECT_NOTHING);
    test->clock.now_us += (DAY_S - 9) * INT64_C(1000000);
    wide_expect(test, "x", 1, "b=1@0");
    test->clock.now_us += 9 * 1000000;
    wide_expect(test, "x", 1, "b=1@0");
    wide_expect(test, "bare", 1, "");
    test->clock.now_us += 1000;
    wide_expect(test, "x", 1, NULL);
    wide_expect(test, "bare", 1, NULL);
    /* What is gone is not there for conditions and updates either. */
    refuse_write(test, OTS_ACTION_WIDE_DELETE_ROW, wide_key(test, "x", 1), OTS_EXPECT_ROW,
                 OTS_CODE_CONDITION_CHECK_FAIL);
    wide_write(test, OTS_ACTION_WIDE_UPDATE_ROW, WIDE_ROW(test, "x", 1, wide_increment("b", 5)),
               OTS_EXPECT_NO_ROW);
    wide_expect(test, "x", 1, "b=5@86400001");
}

static void test_refused_keys(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 1, FOREVER);
    struct ots_cell cells[3] = {wide_string("a", "x"), wide_integer("n", 1), wide_integer("o", 1)};
    struct ots_plain_row row = {.key = cells, .key_count = 1};
    refuse_write(test, OTS_ACTION_WIDE_PUT_ROW, row, OTS_EXPECT_NOTHING, OTS_CODE_INVALID_PK);
    row.key_count = 3;
    refuse_write(test, OTS_ACTION_WIDE_PUT_ROW, row, OTS_EXPECT_NOTHING, OTS_CODE_INVALID_PK);
    row.key_count = 2;
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, row, OTS_EXPECT_NOTHING);
    cells[1] = wide_string("n", "1");
    refuse_write(test, OTS_ACTION_WIDE_PUT_ROW, row, OTS_EXPECT_NOTHING, OTS_CODE_INVALID_PK);
    cells[1] = wide_infinite("n", OTS_CELL_INF_MIN);
    refuse_write(test, OTS_ACTION_WIDE_PUT_ROW, row, OTS_EXPECT_NOTHING, OTS_CODE_INVALID_PK);
    cells[1] = wide_at(wide_integer("n", 1), NOW_MS);
    refuse_write(test, OTS_ACTION_WIDE_PUT_ROW, row, OTS_EXPECT_NOTHING, OTS_CODE_INVALID_PK);
    cells[1] = wide_integer("m", 1);
    refuse_write(test, OTS_ACTION_WIDE_PUT_ROW, row, OTS_EXPECT_NOTHING, OTS_CODE_INVALID_PK);
    cells[0] = wide_integer("n", 1);
    cells[1] = wide_string("a", "x");
    refuse_write(test, OTS_ACTION_WIDE_PUT_ROW, row, OTS_EXPECT_NOTHING, OTS_CODE_INVALID_PK);
    static uint8_t long_key[OTS_WIDE_KEY_BYTES_MAX + 1];
    cells[0] = wide_string("a", "");
    cells[1] = wide_integer("n", 1);
    cells[0].bytes = ots_slice(long_key, OTS_WIDE_KEY_BYTES_MAX);
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, row, OTS_EXPECT_NOTHING);
    cells[0].bytes.size++;
    refuse_write(test, OTS_ACTION_WIDE_PUT_ROW, row, OTS_EXPECT_NOTHING,
                 OTS_CODE_PARAMETER_INVALID);
}

static void test_unknown_tables(void **state)
{
    struct test_instance *test = *state;
    const struct ots_plain_row key = wide_key(test, "x", 1);
    refuse_write(test, OTS_ACTION_WIDE_PUT_ROW, key, OTS_EXPECT_NOTHING, OTS_CODE_OBJECT_NOT_EXIST);
    TEST_CALL(get, OTS_ACTION_WIDE_GET_ROW);
    get.request.wide.get.table = OTS_SLICE("t");
    get.request.wide.get.key = key;
    test_call_refused(test, &get, OTS_CODE_OBJECT_NOT_EXIST);
    get.request.wide.get.table = OTS_SLICE("not a name");
    test_call_refused(test, &get, OTS_CODE_PARAMETER_INVALID);
    TEST_CALL(range, OTS_ACTION_WIDE_GET_RANGE);
    range.request.wide.range.table = OTS_SLICE("t");
    test_call_refused(test, &range, OTS_CODE_OBJECT_NOT_EXIST);
}

static void test_returned_key_and_cost(void **state)
{
    struct test_instance *test = *state;
    static uint8_t value[9000];
    struct ots_cell cell = wide_string("v", "");
    cell.bytes = ots_slice(value, sizeof(value));
    wide_create(test, 1, FOREVER);
    TEST_CALL(call, OTS_ACTION_WIDE_PUT_ROW);
    wide_write_fill(&call, WIDE_ROW(test, "x", 1, cell), OTS_EXPECT_NO_ROW);
    call.request.wide.write.write.returns_key = true;
    test_call_ok(test, &call);
    const struct ots_wide_row_response *response = &call.response.wide.row;
    assert_true(response->has_row);
    assert_int_equal(response->row.key_count, 2);
    assert_int_equal(response->row.cell_count, 0);
    assert_int_equal(response->consumed.write, 3);
    assert_int_equal(response->consumed.read, 1);
}

/* ---- many at once ---- */

enum { ADDERS = 4, ADDITIONS = 100 };

static void *add(void *context)
{
    struct test_instance *test = context;
    const struct ots_cell key[2] = {wide_string("a", "x"), wide_integer("n", 1)};
    const struct ots_cell one = wide_increment("b", 1);
    for (int i = 0; i < ADDITIONS; i++) {
        struct ots_call call;
        ots_call_init(&call, OTS_ACTION_WIDE_UPDATE_ROW);
        wide_write_fill(&call, (struct ots_plain_row){key, 2, &one, 1, false, false, {0}},
                        OTS_EXPECT_NOTHING);
        ots_instance_call(test->instance, &call);
        bool is_ok = call.status == OTS_OK;
        ots_call_deinit(&call);
        if (!is_ok)
            return context;
    }
    return NULL;
}

static void test_no_addition_is_lost(void **state)
{
    struct test_instance *test = *state;
    pthread_t threads[ADDERS];
    char text[32];
    wide_create(test, 1, FOREVER);
    for (int i = 0; i < ADDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add, test), 0);
    for (int i = 0; i < ADDERS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    snprintf(text, sizeof(text), "b=%d@0", ADDERS * ADDITIONS);
    wide_expect(test, "x", 1, text);
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, test_instance_setup, test_instance_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create_describe_list_delete),
        TEST(test_update_table),
        TEST(test_refused_table_updates),
        TEST(test_two_kinds_of_tables),
        TEST(test_as_many_tables_of_each_kind),
        TEST(test_a_new_table_is_empty),
        TEST(test_put_replaces),
        TEST(test_update_merges),
        TEST(test_update_that_only_deletes),
        TEST(test_delete),
        TEST(test_expectations),
        TEST(test_time_to_live),
        TEST(test_refused_keys),
        TEST(test_unknown_tables),
        TEST(test_returned_key_and_cost),
        TEST(test_no_addition_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
