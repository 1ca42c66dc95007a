/*
 * Tables whose rows expire: what is about to go is not shown, and all that is shown at a time ends
 * at the same moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/state.h"
#include "tests/unit/view_fixture.h"

enum { DAY_S = 86400, MINUTE_S = 60 };

/* The service's clock in seconds: 2023-11-14 22:13:20. */
#define NOW_S INT64_C(1700000000)
/* The service's minute. */
#define MINUTE_NOW_S (NOW_S - NOW_S % MINUTE_S)

static int setup(void **state)
{
    view_setup(state);
    struct view_fixture *fixture = *state;
    fake_store_set_clock(fixture->fake, &fixture->clock);
    fake_store_expire(fixture->fake, "t", DAY_S);
    return 0;
}

static void put_at(struct view_fixture *fixture, const char *series, int64_t time_s)
{
    char line[128];
    snprintf(line, sizeof(line), "%s v=1i %lld000000000\n", series, (long long)time_s);
    fake_store_put(fixture->fake, "t", line);
}

static void expect_times(struct view_fixture *fixture, const char *path, int64_t first_s,
                         int64_t second_s)
{
    char text[256];
    int size = snprintf(text, sizeof(text), "cpu v=1i %lld000000000\n", (long long)first_s);
    if (second_s)
        snprintf(text + size, sizeof(text) - (size_t)size, "cpu v=1i %lld000000000\n",
                 (long long)second_s);
    view_expect_text(fixture, path, text);
}

static void rows_are_not_shown_for_their_last_ten_minutes(void **state)
{
    struct view_fixture *fixture = *state;
    int64_t cut_s = MINUTE_NOW_S - DAY_S + 10 * MINUTE_S;
    put_at(fixture, "cpu", cut_s - 1);
    put_at(fixture, "cpu", cut_s);
    put_at(fixture, "cpu", NOW_S);
    put_at(fixture, "old", cut_s - 1);
    view_expect_list(fixture, "t", "cpu ");
    expect_times(fixture, "t/cpu/_.lp", cut_s, NOW_S);
    expect_times(fixture, "t/.range/20231114000000Z-20231115000000Z/cpu/_.lp", NOW_S, 0);
    expect_times(fixture, "t/.fields/v/cpu/_.lp", cut_s, NOW_S);
}

static void tables_without_a_time_to_live_show_all(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_expire(fixture->fake, "t", OTS_TTL_FOREVER);
    put_at(fixture, "cpu", 1);
    put_at(fixture, "cpu", NOW_S);
    expect_times(fixture, "t/cpu/_.lp", 1, NOW_S);
}

/* Written rows too are measured and read from the cut on. */
static void the_cut_counts_for_single_timelines(void **state)
{
    struct view_fixture *fixture = *state;
    int64_t cut_s = MINUTE_NOW_S - DAY_S + 10 * MINUTE_S;
    put_at(fixture, "cpu", NOW_S);
    view_attr(fixture, "t/cpu/_.lp");
    char text[128];
    snprintf(text, sizeof(text), "cpu v=1i %lld000000000\ncpu v=1i %lld000000000\n",
             (long long)cut_s - 1, (long long)cut_s);
    assert_int_equal(view_store(fixture, "t/cpu/_.lp", text), OTS_OK);
    expect_times(fixture, "t/cpu/_.lp", cut_s, NOW_S);
}

static void the_cut_moves_with_the_next_scan(void **state)
{
    struct view_fixture *fixture = *state;
    int64_t cut_s = MINUTE_NOW_S - DAY_S + 10 * MINUTE_S;
    put_at(fixture, "cpu", cut_s);
    put_at(fixture, "cpu", NOW_S);
    expect_times(fixture, "t/cpu/_.lp", cut_s, NOW_S);
    struct ots_file *file = view_open(fixture, "t/cpu/_.lp", OTS_OPEN_READ);
    view_pass_time(fixture, INT64_C(60) * 1000000);
    expect_times(fixture, "t/cpu/_.lp", NOW_S, 0);
    /* An open file keeps its own. */
    char *shown = view_read_file(file, 0, 1000);
    assert_int_equal(strlen(shown), 2 * strlen("cpu v=1i 1700000000000000000\n"));
    free(shown);
    ots_file_close(file);
}

static enum ots_status look(struct view_waiter *waiter)
{
    return view_lookup(waiter->fixture, waiter->path, &waiter->attr);
}

/* How long what a scan that took an hour found is believed. */
static int64_t fresh_after_an_hour_us(struct view_fixture *fixture)
{
    view_grow_old(fixture);
    fake_store_hold(fixture->fake, OTS_ACTION_SPLIT);
    struct view_waiter waiter = {.fixture = fixture, .path = "t/cpu", .run = look};
    view_waiter_start(&waiter);
    fake_store_wait_held(fixture->fake, OTS_ACTION_SPLIT, 1);
    view_pass_time(fixture, INT64_C(3600) * 1000000);
    fake_store_release(fixture->fake, OTS_ACTION_SPLIT);
    view_waiter_join(&waiter);
    assert_int_equal(waiter.status, OTS_OK);
    const struct ots_node *table = ots_node_child(fixture->view->instances[0].node, OTS_SLICE("t"));
    return table->table->whole.timelines.fresh_until_us - ots_view_now_us(fixture->view);
}

static void knowledge_is_never_older_than_five_minutes(void **state)
{
    struct view_fixture *fixture = *state;
    put_at(fixture, "cpu", NOW_S);
    assert_int_equal(fresh_after_an_hour_us(fixture), 300 * INT64_C(1000000));
    fake_store_expire(fixture->fake, "t", OTS_TTL_FOREVER);
    assert_int_equal(fresh_after_an_hour_us(fixture), 20 * 3600 * INT64_C(1000000));
}

/* By somebody else: however long the last scan was to be believed. */
static void another_time_to_live_counts_at_once(void **state)
{
    struct view_fixture *fixture = *state;
    put_at(fixture, "cpu", NOW_S - 2 * DAY_S);
    put_at(fixture, "cpu", NOW_S);
    fake_store_expire(fixture->fake, "t", OTS_TTL_FOREVER);
    assert_int_equal(fresh_after_an_hour_us(fixture), 20 * 3600 * INT64_C(1000000));
    expect_times(fixture, "t/cpu/_.lp", NOW_S - 2 * DAY_S, NOW_S);
    fake_store_expire(fixture->fake, "t", DAY_S);
    view_pass_time(fixture, 2 * INT64_C(1000000));
    expect_times(fixture, "t/cpu/_.lp", NOW_S, 0);
}

static void a_view_of_what_has_expired_is_empty(void **state)
{
    struct view_fixture *fixture = *state;
    put_at(fixture, "cpu", NOW_S - 40 * DAY_S);
    put_at(fixture, "cpu", NOW_S);
    view_attr(fixture, "t");
    fake_store_forget_counts(fixture->fake);
    view_expect_list(fixture, "t/.range/20230901000000Z-20231101000000Z", "");
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SCAN), 0);
}

static void a_time_to_live_longer_than_time_cuts_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_expire(fixture->fake, "t", INT32_MAX);
    put_at(fixture, "cpu", 1);
    put_at(fixture, "cpu", NOW_S);
    expect_times(fixture, "t/cpu/_.lp", 1, NOW_S);
}

int main(void)
{
#define WITH_VIEW(test) cmocka_unit_test_setup_teardown(test, setup, view_teardown)
    const struct CMUnitTest tests[] = {
        WITH_VIEW(rows_are_not_shown_for_their_last_ten_minutes),
        WITH_VIEW(tables_without_a_time_to_live_show_all),
        WITH_VIEW(the_cut_counts_for_single_timelines),
        WITH_VIEW(the_cut_moves_with_the_next_scan),
        WITH_VIEW(knowledge_is_never_older_than_five_minutes),
        WITH_VIEW(another_time_to_live_counts_at_once),
        WITH_VIEW(a_view_of_what_has_expired_is_empty),
        WITH_VIEW(a_time_to_live_longer_than_time_cuts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
