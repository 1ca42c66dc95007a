/*
 * Extended attributes of a view on a local service, through all layers but the connection and the
 * kernel.
 */
#include "tests/loop/xattr_fixture.h"

#include <stdio.h>

enum { TIMELINES = 1000 };

#define RACK "user.ots.attr.rack"

/* --- reading ----------------------------------------------------------------------------------*/

static void test_walk_asks_by_measurement(void **state)
{
    struct xattr_fixture *fixture = *state;
    xattr_put_timelines(fixture, TIMELINES);
    xattr_others_set(fixture, 7, "rack", "seven");
    uint64_t inos[TIMELINES];
    for (int i = 0; i < TIMELINES; i++)
        inos[i] = xattr_timeline_ino(fixture, i);
    for (int i = 0; i < TIMELINES; i++) {
        struct ots_buf names = OTS_BUF_INIT;
        struct ots_error err;
        assert_int_equal(ots_view_listxattr(fixture->view, inos[i], NULL, &names, &err), OTS_OK);
        assert_int_equal(names.size, i == 7 ? sizeof(RACK) : 0);
        ots_buf_deinit(&names);
        xattr_expect_attribute(fixture, i, RACK, i == 7 ? "seven" : NULL);
    }
    size_t asked = tap_count(&fixture->tap, OTS_ACTION_QUERY_META);
    assert_true(asked >= 1 && asked <= 20);

    /* Asked again only after a second. */
    xattr_others_set(fixture, 7, "rack", "eight");
    xattr_expect_attribute(fixture, 7, RACK, "seven");
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_QUERY_META), asked);
    xattr_pass_time(fixture, 2);
    xattr_expect_attribute(fixture, 7, RACK, "eight");
    xattr_others_set(fixture, 7, NULL, NULL);
    xattr_pass_time(fixture, 2);
    xattr_expect_attribute(fixture, 7, RACK, NULL);
}

/* More attributes in one measurement than are kept: the others are asked for one by one. */
static void test_more_than_is_kept(void **state)
{
    struct xattr_fixture *fixture = *state;
    enum { BIG = 4500 };
    static char value[16000];
    memset(value, 'v', sizeof(value) - 1);
    xattr_put_timelines(fixture, BIG);
    for (int i = 0; i < BIG; i++)
        xattr_others_set(fixture, i, i == BIG - 1 ? "rack" : "big", i == BIG - 1 ? "last" : value);
    for (int i = 0; i < BIG; i += 499)
        xattr_expect_attribute(fixture, i, "user.ots.attr.big", value);
    xattr_others_set(fixture, 999, "rack", "last in the order of names");
    xattr_pass_time(fixture, 2);
    xattr_expect_attribute(fixture, 999, RACK, "last in the order of names");
    xattr_expect_attribute(fixture, 999, "user.ots.attr.big", NULL);
}

static void test_failing_question(void **state)
{
    struct xattr_fixture *fixture = *state;
    xattr_put_timelines(fixture, 1);
    struct ots_buf value = OTS_BUF_INIT;
    struct ots_error err;
    uint64_t ino = xattr_timeline_ino(fixture, 0);
    tap_fail(&fixture->tap, OTS_ACTION_QUERY_META, OTS_DENIED, 1);
    assert_int_equal(ots_view_getxattr(fixture->view, ino, OTS_SLICE(RACK), NULL, &value, &err),
                     OTS_DENIED);
    tap_fail(&fixture->tap, OTS_ACTION_QUERY_META, OTS_NETWORK, 1);
    assert_int_equal(xattr_set_any(fixture, 0, RACK, "x"), OTS_NETWORK);
    xattr_expect_attribute(fixture, 0, RACK, NULL);
    xattr_pass_time(fixture, 2);
    tap_fail(&fixture->tap, OTS_ACTION_DESCRIBE_TABLE, OTS_DENIED, 1);
    assert_int_equal(ots_view_getxattr(fixture->view, xattr_table_ino(fixture),
                                       OTS_SLICE("user.ots.options"), NULL, &value, &err),
                     OTS_DENIED);
    ots_buf_deinit(&value);
}

/* --- changing ---------------------------------------------------------------------------------*/

static void test_changes_are_merged_and_sent_together(void **state)
{
    struct xattr_fixture *fixture = *state;
    xattr_put_timelines(fixture, 300);
    xattr_others_set(fixture, 5, "old", "stays");
    for (int i = 0; i < 300; i++)
        assert_int_equal(xattr_set_any(fixture, i, RACK, "first"), OTS_OK);
    assert_int_equal(xattr_set_any(fixture, 5, RACK, "second"), OTS_OK);
    xattr_expect_attribute(fixture, 5, RACK, "second");
    xattr_expect_attribute(fixture, 5, "user.ots.attr.old", "stays");
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    assert_true(tap_count(&fixture->tap, OTS_ACTION_UPDATE_META) <= 5);
    xattr_expect_stored(fixture, 5, "[\"old=stays\",\"rack=second\"]");
    xattr_expect_stored(fixture, 299, "[\"rack=first\"]");
    /* Setting what is there sends nothing. */
    size_t sent = tap_count(&fixture->tap, OTS_ACTION_UPDATE_META);
    assert_int_equal(xattr_set_any(fixture, 5, RACK, "second"), OTS_OK);
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_UPDATE_META), sent);
}

static void test_modes(void **state)
{
    struct xattr_fixture *fixture = *state;
    struct ots_error err;
    xattr_put_timelines(fixture, 1);
    uint64_t ino = xattr_timeline_ino(fixture, 0);
    assert_int_equal(xattr_set(fixture, ino, RACK, "x", OTS_ATTRIBUTE_REPLACE), OTS_NO_ATTRIBUTE);
    assert_int_equal(xattr_set(fixture, ino, RACK, "x", OTS_ATTRIBUTE_CREATE), OTS_OK);
    assert_int_equal(xattr_set(fixture, ino, RACK, "y", OTS_ATTRIBUTE_CREATE), OTS_EXISTS);
    assert_int_equal(xattr_set(fixture, ino, RACK, "y", OTS_ATTRIBUTE_REPLACE), OTS_OK);
    assert_int_equal(xattr_set(fixture, ino, "user.ots.attr.a b", "y", OTS_ATTRIBUTE_SET),
                     OTS_INVALID);
    assert_int_equal(xattr_set(fixture, ino, "user.ots.options", "{}", OTS_ATTRIBUTE_SET),
                     OTS_UNSUPPORTED);
    assert_int_equal(xattr_set(fixture, xattr_table_ino(fixture), RACK, "y", OTS_ATTRIBUTE_SET),
                     OTS_UNSUPPORTED);
    assert_int_equal(ots_view_removexattr(fixture->view, ino, OTS_SLICE(RACK), NULL, &err), OTS_OK);
    assert_int_equal(ots_view_removexattr(fixture->view, ino, OTS_SLICE(RACK), NULL, &err),
                     OTS_NO_ATTRIBUTE);
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    xattr_expect_stored(fixture, 0, "[]");
}

/* Nobody waits: they go by themselves. */
static void test_sent_after_a_while(void **state)
{
    struct xattr_fixture *fixture = *state;
    xattr_put_timelines(fixture, 1);
    assert_int_equal(xattr_set_any(fixture, 0, RACK, "x"), OTS_OK);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_UPDATE_META), 0);
    tap_hold(&fixture->tap, OTS_ACTION_UPDATE_META);
    xattr_pass_time(fixture, 2);
    tap_wait_held(&fixture->tap);
    tap_release(&fixture->tap);
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    xattr_expect_stored(fixture, 0, "[\"rack=x\"]");
}

static void test_change_while_one_is_sent(void **state)
{
    struct xattr_fixture *fixture = *state;
    xattr_put_timelines(fixture, 1);
    tap_hold(&fixture->tap, OTS_ACTION_UPDATE_META);
    assert_int_equal(xattr_set_any(fixture, 0, RACK, "first"), OTS_OK);
    xattr_pass_time(fixture, 2);
    tap_wait_held(&fixture->tap);
    assert_int_equal(xattr_set_any(fixture, 0, RACK, "second"), OTS_OK);
    tap_release(&fixture->tap);
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    xattr_expect_stored(fixture, 0, "[\"rack=second\"]");
    xattr_expect_attribute(fixture, 0, RACK, "second");
}

static void write_line(struct xattr_fixture *fixture, const char *name, const char *line)
{
    uint64_t dir = xattr_child_of(fixture, xattr_table_ino(fixture), "m");
    struct ots_file *file;
    struct ots_attr attr;
    struct ots_error err;
    size_t taken;
    assert_int_equal(ots_view_create(fixture->view, dir, ots_slice_str(name), OTS_OPEN_WRITE, NULL,
                                     &file, &attr, &err),
                     OTS_OK);
    assert_int_equal(ots_file_write(file, 0, ots_slice_str(line), NULL, &taken, &err), OTS_OK);
    assert_int_equal(ots_file_flush(file, true, NULL, &err), OTS_OK);
    ots_file_close(file);
}

/* Attributes come after rows, and none makes a timeline that has no rows. */
static void test_rows_first(void **state)
{
    struct xattr_fixture *fixture = *state;
    xattr_put_timelines(fixture, 1);
    write_line(fixture, "host=5.lp", "");
    assert_int_equal(xattr_set_any(fixture, 5, RACK, "x"), OTS_OK);
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    xattr_pass_time(fixture, 5);
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_UPDATE_META), 0);
    xattr_expect_stored(fixture, 5, "");
    xattr_expect_attribute(fixture, 5, RACK, "x");

    tap_hold(&fixture->tap, OTS_ACTION_PUT);
    write_line(fixture, "host=5.lp", "m,host=5 v=1i 1000\n");
    xattr_pass_time(fixture, 2);
    tap_wait_held(&fixture->tap);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_UPDATE_META), 0);
    tap_release(&fixture->tap);
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    xattr_expect_stored(fixture, 5, "[\"rack=x\"]");
}

/* --- what goes wrong --------------------------------------------------------------------------*/

static void test_refused(void **state)
{
    struct xattr_fixture *fixture = *state;
    xattr_put_timelines(fixture, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(xattr_set_any(fixture, i, RACK, "x"), OTS_OK);
    /* All four; the first two; the first: that one alone is refused. */
    tap_fail(&fixture->tap, OTS_ACTION_UPDATE_META, OTS_INVALID, 3);
    assert_int_equal(xattr_sync_table(fixture), OTS_IO);
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    xattr_expect_stored(fixture, 0, "[]");
    for (int i = 1; i < 4; i++)
        xattr_expect_stored(fixture, i, "[\"rack=x\"]");
    xattr_expect_attribute(fixture, 0, RACK, NULL);
    xattr_expect_attribute(fixture, 3, RACK, "x");
}

static void test_kept_when_the_service_is_away(void **state)
{
    struct xattr_fixture *fixture = *state;
    xattr_put_timelines(fixture, 1);
    assert_int_equal(xattr_set_any(fixture, 0, RACK, "x"), OTS_OK);
    tap_fail(&fixture->tap, OTS_ACTION_UPDATE_META, OTS_TIMEOUT, 1);
    assert_int_equal(xattr_sync_table(fixture), OTS_IO);
    xattr_expect_attribute(fixture, 0, RACK, "x");
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    xattr_expect_stored(fixture, 0, "[\"rack=x\"]");
}

/* Metadata is found with a delay: until then, for two minutes, what was set here counts. */
static void test_shown_late(void **state)
{
    struct xattr_fixture *fixture = *state;
    xattr_put_timelines(fixture, 1);
    xattr_others_set(fixture, 0, "rack", "old");
    fixture->tap.is_swallowing = true;
    assert_int_equal(xattr_set_any(fixture, 0, RACK, "new"), OTS_OK);
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    xattr_pass_time(fixture, 60);
    xattr_expect_attribute(fixture, 0, RACK, "new");
    xattr_pass_time(fixture, 61);
    xattr_expect_attribute(fixture, 0, RACK, "old");

    /* What is neither ours nor what was there before was made by others. */
    assert_int_equal(xattr_set_any(fixture, 0, RACK, "newer"), OTS_OK);
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    xattr_pass_time(fixture, 2);
    xattr_expect_attribute(fixture, 0, RACK, "newer");
    xattr_others_set(fixture, 0, "rack", "theirs");
    xattr_pass_time(fixture, 2);
    xattr_expect_attribute(fixture, 0, RACK, "theirs");
}

struct waiter {
    struct xattr_fixture *fixture;
    uint64_t ino;
    struct ots_interrupt interrupt;
    enum ots_status status;
};

static void *get_and_wait(void *argument)
{
    struct waiter *waiter = argument;
    struct ots_buf value = OTS_BUF_INIT;
    struct ots_error err;
    waiter->status = ots_view_getxattr(waiter->fixture->view, waiter->ino, OTS_SLICE(RACK),
                                       &waiter->interrupt, &value, &err);
    ots_buf_deinit(&value);
    return NULL;
}

static void *sync_and_wait(void *argument)
{
    struct waiter *waiter = argument;
    struct ots_error err;
    waiter->status = ots_view_sync(waiter->fixture->view, waiter->ino, &waiter->interrupt, &err);
    return NULL;
}

static void expect_interruptible(struct xattr_fixture *fixture, void *(*run)(void *), uint64_t ino)
{
    struct waiter waiter = {.fixture = fixture, .ino = ino};
    pthread_t thread;
    ots_interrupt_init(&waiter.interrupt);
    assert_int_equal(pthread_create(&thread, NULL, run, &waiter), 0);
    tap_wait_held(&fixture->tap);
    ots_interrupt_raise(&waiter.interrupt);
    pthread_join(thread, NULL);
    assert_int_equal(waiter.status, OTS_CANCELLED);
    ots_interrupt_deinit(&waiter.interrupt);
}

static void test_interrupts(void **state)
{
    struct xattr_fixture *fixture = *state;
    xattr_put_timelines(fixture, 1);
    uint64_t ino = xattr_timeline_ino(fixture, 0);
    tap_hold(&fixture->tap, OTS_ACTION_QUERY_META);
    expect_interruptible(fixture, get_and_wait, ino);
    tap_release(&fixture->tap);
    assert_int_equal(xattr_set_any(fixture, 0, RACK, "x"), OTS_OK);
    tap_hold(&fixture->tap, OTS_ACTION_UPDATE_META);
    expect_interruptible(fixture, sync_and_wait, xattr_table_ino(fixture));
    tap_release(&fixture->tap);
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
}

static void test_tried_at_once(void **state)
{
    struct xattr_fixture *fixture = *state;
    struct ots_buf value = OTS_BUF_INIT;
    struct ots_error err;
    struct ots_interrupt raised;
    xattr_put_timelines(fixture, 1);
    uint64_t ino = xattr_timeline_ino(fixture, 0);
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    const struct ots_slice name = OTS_SLICE(RACK);
    assert_int_equal(ots_view_getxattr(fixture->view, ino, name, &raised, &value, &err),
                     OTS_CANCELLED);
    assert_int_equal(ots_view_setxattr(fixture->view, ino, name, OTS_SLICE("x"), OTS_ATTRIBUTE_SET,
                                       &raised, &err),
                     OTS_CANCELLED);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_QUERY_META), 0);
    xattr_expect_attribute(fixture, 0, RACK, NULL);
    /* What is known is answered. */
    assert_int_equal(ots_view_getxattr(fixture->view, ino, name, &raised, &value, &err),
                     OTS_NO_ATTRIBUTE);
    ots_interrupt_deinit(&raised);
    ots_buf_deinit(&value);
}

/* --- options ----------------------------------------------------------------------------------*/

static enum ots_status set_options(struct xattr_fixture *fixture, const char *text)
{
    return xattr_set(fixture, xattr_table_ino(fixture), "user.ots.options", text,
                     OTS_ATTRIBUTE_SET);
}

static const char *const STATES[] = {
    "{\"time_to_live\": -1, \"meta_time_to_live\": -1, \"allow_update_attributes\": true}",
    "{\"time_to_live\": -1, \"meta_time_to_live\": -1, \"allow_update_attributes\": false}",
    "{\"time_to_live\": 86400, \"meta_time_to_live\": -1, \"allow_update_attributes\": true}",
    "{\"time_to_live\": 900000, \"meta_time_to_live\": -1, \"allow_update_attributes\": false}",
    "{\"time_to_live\": 86400, \"meta_time_to_live\": 604800, \"allow_update_attributes\": false}",
    "{\"time_to_live\": 604800, \"meta_time_to_live\": 604800, \"allow_update_attributes\": false}",
    "{\"time_to_live\": 86400, \"meta_time_to_live\": 900000, \"allow_update_attributes\": false}",
    "{\"time_to_live\": 900000, \"meta_time_to_live\": 900000, \"allow_update_attributes\": false}",
};
enum { STATE_COUNT = sizeof(STATES) / sizeof(STATES[0]) };

static void expect_options(struct xattr_fixture *fixture, const char *wanted)
{
    TEST_CALL(call, OTS_ACTION_DESCRIBE_TABLE);
    call.request.table.table = OTS_SLICE("t");
    loop_call_ok(&fixture->loop, &call);
    const struct ots_table_meta *meta = &call.response.describe_table.meta;
    char found[256];
    snprintf(found, sizeof(found),
             "{\"time_to_live\": %d, \"meta_time_to_live\": %d, \"allow_update_attributes\": %s}",
             meta->time_to_live_s, meta->meta_time_to_live_s,
             meta->allow_update_attributes ? "true" : "false");
    assert_string_equal(found, wanted);
}

static void test_every_transition(void **state)
{
    struct xattr_fixture *fixture = *state;
    for (int from = 0; from < STATE_COUNT; from++)
        for (int to = 0; to < STATE_COUNT; to++) {
            assert_int_equal(set_options(fixture, STATES[from]), OTS_OK);
            expect_options(fixture, STATES[from]);
            assert_int_equal(set_options(fixture, STATES[to]), OTS_OK);
            expect_options(fixture, STATES[to]);
        }
}

static void test_options_come_after_attributes(void **state)
{
    struct xattr_fixture *fixture = *state;
    struct ots_error err;
    xattr_put_timelines(fixture, 1);
    assert_int_equal(xattr_set_any(fixture, 0, RACK, "x"), OTS_OK);
    assert_int_equal(set_options(fixture, "{\"allow_update_attributes\": false}"), OTS_OK);
    xattr_expect_stored(fixture, 0, "[\"rack=x\"]");
    assert_int_equal(xattr_set_any(fixture, 0, RACK, "y"), OTS_NOT_PERMITTED);
    assert_int_equal(ots_view_removexattr(fixture->view, xattr_timeline_ino(fixture, 0),
                                          OTS_SLICE(RACK), NULL, &err),
                     OTS_NOT_PERMITTED);
    xattr_expect_attribute(fixture, 0, RACK, "x");
    assert_int_equal(set_options(fixture, "{\"allow_update_attributes\": true}"), OTS_OK);
    assert_int_equal(xattr_set_any(fixture, 0, RACK, "y"), OTS_OK);
    assert_int_equal(xattr_sync_table(fixture), OTS_OK);
    xattr_expect_stored(fixture, 0, "[\"rack=y\"]");
}

static void test_bad_options(void **state)
{
    struct xattr_fixture *fixture = *state;
    struct ots_error err;
    uint64_t table = xattr_table_ino(fixture);
    const struct ots_slice name = OTS_SLICE("user.ots.options");
    assert_int_equal(set_options(fixture, "{"), OTS_INVALID);
    assert_int_equal(set_options(fixture, "{\"time_to_live\": 5}"), OTS_INVALID);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_UPDATE_TABLE), 0);
    assert_int_equal(xattr_set(fixture, table, "user.ots.options", "{}", OTS_ATTRIBUTE_CREATE),
                     OTS_EXISTS);
    /* Removing what a table has without them does nothing. */
    assert_int_equal(ots_view_removexattr(fixture->view, table, name, NULL, &err), OTS_OK);
    assert_int_equal(set_options(fixture, "{\"time_to_live\": 86400}"), OTS_OK);
    assert_int_equal(ots_view_removexattr(fixture->view, table, name, NULL, &err),
                     OTS_NOT_PERMITTED);
    expect_options(fixture, STATES[2]);
    tap_fail(&fixture->tap, OTS_ACTION_UPDATE_TABLE, OTS_THROTTLED, 1);
    assert_int_equal(set_options(fixture, STATES[0]), OTS_THROTTLED);
    expect_options(fixture, STATES[2]);
}

/* Rows that would not expire any more are shown at once. */
static void test_options_refresh_sizes(void **state)
{
    struct xattr_fixture *fixture = *state;
    struct ots_attr attr;
    struct ots_error err;
    xattr_put_timelines(fixture, 1);
    uint64_t ino = xattr_timeline_ino(fixture, 0);
    uint64_t table = xattr_table_ino(fixture);
    size_t scans = tap_count(&fixture->tap, OTS_ACTION_SPLIT);
    assert_int_equal(ots_view_getattr(fixture->view, ino, NULL, &attr, &err), OTS_OK);
    assert_true(attr.size_bytes > 0);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_SPLIT), scans);
    assert_int_equal(xattr_set(fixture, table, "user.ots.options", STATES[2], OTS_ATTRIBUTE_SET),
                     OTS_OK);
    assert_int_equal(ots_view_getattr(fixture->view, ino, NULL, &attr, &err), OTS_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, xattr_setup, xattr_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_walk_asks_by_measurement),
        TEST(test_more_than_is_kept),
        TEST(test_failing_question),
        TEST(test_changes_are_merged_and_sent_together),
        TEST(test_modes),
        TEST(test_sent_after_a_while),
        TEST(test_change_while_one_is_sent),
        TEST(test_rows_first),
        TEST(test_refused),
        TEST(test_kept_when_the_service_is_away),
        TEST(test_shown_late),
        TEST(test_interrupts),
        TEST(test_tried_at_once),
        TEST(test_every_transition),
        TEST(test_options_come_after_attributes),
        TEST(test_bad_options),
        TEST(test_options_refresh_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
