#include "backend/model/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_names(void **state)
{
    (void)state;
    for (int i = 0; i < OTS_ACTION_COUNT; i++) {
        enum ots_action action = OTS_ACTION_COUNT;
        const char *name = ots_action_name((enum ots_action)i);
        assert_true(ots_action_find(ots_slice_str(name), &action));
        assert_int_equal(action, i);
    }
    assert_string_equal(ots_action_name(OTS_ACTION_PUT), "PutTimeseriesData");
    assert_string_equal(ots_action_name(OTS_ACTION_SCAN), "ScanTimeseriesData");
}

static void test_unknown_names(void **state)
{
    (void)state;
    enum ots_action action = OTS_ACTION_COUNT;
    assert_false(ots_action_find(OTS_SLICE(""), &action));
    assert_false(ots_action_find(OTS_SLICE("puttimeseriesdata"), &action));
    assert_false(ots_action_find(OTS_SLICE("PutTimeseriesDat"), &action));
    assert_false(ots_action_find(OTS_SLICE("PutTimeseriesData2"), &action));
    assert_false(ots_action_find(OTS_SLICE("/PutTimeseriesData"), &action));
    assert_int_equal(action, OTS_ACTION_COUNT);
}

static void test_what_may_be_repeated(void **state)
{
    (void)state;
    assert_false(ots_action_is_idempotent(OTS_ACTION_CREATE_TABLE));
    assert_false(ots_action_is_idempotent(OTS_ACTION_DELETE_TABLE));
    assert_true(ots_action_is_idempotent(OTS_ACTION_PUT));
    assert_true(ots_action_is_idempotent(OTS_ACTION_SCAN));
}

static void test_a_new_call_is_empty(void **state)
{
    (void)state;
    struct ots_call call;
    memset(&call, 0xFF, sizeof(call));
    ots_call_init(&call, OTS_ACTION_SPLIT);
    assert_int_equal(call.action, OTS_ACTION_SPLIT);
    assert_int_equal(call.status, OTS_OK);
    assert_null(call.done);
    assert_null(call.request.put.rows);
    assert_null(call.response.split.splits);
    assert_int_equal(call.error.message[0], 0);
    assert_non_null(ots_arena_alloc(&call.arena, 100));
    ots_call_deinit(&call);
    assert_null(call.arena.blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_what_may_be_repeated),
        cmocka_unit_test(test_a_new_call_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
