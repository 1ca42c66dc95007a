/*
 * Reading timelines one after another through a view: what is fetched ahead, and when it is used.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/view_fixture.h"

enum { HOSTS = 40, ROWS = 5 };

static void path_of(int host, const char *directory, char *path, size_t size)
{
    snprintf(path, size, "t/%scpu/host=%03d.lp", directory, host);
}

static char *text_of(int host)
{
    char series[64];
    snprintf(series, sizeof(series), "cpu,host=%03d", host);
    return view_lines(series, 10, ROWS);
}

/* A measured table; what that took does not count. */
static void put_hosts(struct view_fixture *fixture)
{
    struct ots_attr attr;
    for (int host = 0; host < HOSTS; host++) {
        char *lines = text_of(host);
        fake_store_put(fixture->fake, "t", lines);
        free(lines);
    }
    assert_int_equal(view_lookup(fixture, "t/cpu", &attr), OTS_OK);
    fake_store_forget_counts(fixture->fake);
}

static void expect_host(struct view_fixture *fixture, const char *directory, int host)
{
    char path[64];
    char *text = text_of(host);
    path_of(host, directory, path, sizeof(path));
    view_expect_text(fixture, path, text);
    free(text);
}

static void a_walk_asks_once_for_each(void **state)
{
    struct view_fixture *fixture = *state;
    put_hosts(fixture);
    for (int host = 0; host < HOSTS; host++) {
        expect_host(fixture, "", host);
        if (host == 2)
            assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 3 + 4);
    }
    assert_int_equal(fake_store_count_all(fixture->fake), HOSTS);
}

static void who_jumps_causes_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    put_hosts(fixture);
    for (int i = 0; i < 10; i++)
        expect_host(fixture, "", i * 23 % HOSTS);
    assert_int_equal(fake_store_count_all(fixture->fake), 10);
}

/* What others have changed since it was fetched is noticed when it is known. */
static void what_has_changed_is_fetched_again(void **state)
{
    struct view_fixture *fixture = *state;
    put_hosts(fixture);
    for (int host = 0; host < 3; host++)
        expect_host(fixture, "", host);
    fake_store_put(fixture->fake, "t", "cpu,host=003 v=99i 12000\n");
    view_grow_old(fixture);
    view_expect_text(fixture, "t/cpu/host=003.lp",
                     "cpu,host=003 v=10i 10000\ncpu,host=003 v=11i 11000\n"
                     "cpu,host=003 v=99i 12000\ncpu,host=003 v=13i 13000\n"
                     "cpu,host=003 v=14i 14000\n");
    expect_host(fixture, "", 4);
}

static void own_rows_are_there(void **state)
{
    struct view_fixture *fixture = *state;
    put_hosts(fixture);
    for (int host = 0; host < 3; host++)
        expect_host(fixture, "", host);
    char *text = text_of(4);
    assert_int_equal(view_store(fixture, "t/cpu/host=004.lp", "cpu,host=004 v=1i 90000\n"), OTS_OK);
    size_t size = strlen(text) + sizeof("cpu,host=004 v=1i 90000\n");
    char *both = malloc(size);
    snprintf(both, size, "%scpu,host=004 v=1i 90000\n", text);
    expect_host(fixture, "", 3);
    view_expect_text(fixture, "t/cpu/host=004.lp", both);
    expect_host(fixture, "", 5);
    free(both);
    free(text);
}

static void a_view_is_walked_too(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    put_hosts(fixture);
    const char *directory = ".fields/v/";
    assert_int_equal(view_lookup(fixture, "t/.fields/v/cpu", &attr), OTS_OK);
    fake_store_forget_counts(fixture->fake);
    for (int host = 0; host < HOSTS; host++)
        expect_host(fixture, directory, host);
    assert_int_equal(fake_store_count_all(fixture->fake), HOSTS);
}

/* A split's files are those of the table, at other places of another listing. */
static void a_split_is_walked_too(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    put_hosts(fixture);
    size_t count = 0;
    assert_int_equal(view_list_status(fixture, "t/.splits/0-of-2/cpu"), OTS_OK);
    for (int host = 0; host < HOSTS; host++) {
        char path[64];
        path_of(host, ".splits/0-of-2/", path, sizeof(path));
        if (view_lookup(fixture, path, &attr) != OTS_OK)
            continue;
        expect_host(fixture, ".splits/0-of-2/", host);
        count++;
        if (count == 3)
            assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 3 + 4);
    }
    assert_true(count > 8);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), count);
}

/* A fetch that fails is as good as none. */
static void failures_ahead_are_not_told(void **state)
{
    struct view_fixture *fixture = *state;
    put_hosts(fixture);
    expect_host(fixture, "", 0);
    expect_host(fixture, "", 1);
    /* The next four, and then what host 2 itself asks for. */
    fake_store_fail(fixture->fake, OTS_ACTION_GET, OTS_IO, 4);
    for (int host = 2; host < HOSTS; host++)
        expect_host(fixture, "", host);
    assert_int_equal(fake_store_count_all(fixture->fake), HOSTS + 4);
}

/* Who waits for what is under way can be interrupted; who comes next waits for the same. */
static void waiting_for_a_fetch_ends_at_an_interrupt(void **state)
{
    struct view_fixture *fixture = *state;
    struct view_waiter waiter = {.fixture = fixture, .run = view_run_open};
    put_hosts(fixture);
    expect_host(fixture, "", 0);
    expect_host(fixture, "", 1);
    struct ots_attr attr = view_attr(fixture, "t/cpu/host=002.lp");
    waiter.attr = view_attr(fixture, "t/cpu/host=003.lp");
    fake_store_hold(fixture->fake, OTS_ACTION_GET);
    struct view_waiter first = {.fixture = fixture, .run = view_run_open, .attr = attr};
    view_waiter_start(&first);
    fake_store_wait_held(fixture->fake, OTS_ACTION_GET, 5);
    view_waiter_start(&waiter);
    ots_interrupt_raise(&waiter.interrupt);
    view_waiter_join(&waiter);
    assert_int_equal(waiter.status, OTS_CANCELLED);
    fake_store_release(fixture->fake, OTS_ACTION_GET);
    view_waiter_join(&first);
    assert_int_equal(first.status, OTS_OK);
    for (int host = 3; host < HOSTS; host++)
        expect_host(fixture, "", host);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), HOSTS);
}

/* The mount ends while fetches are under way: the fixture's end would hang or leak. */
static void a_mount_ends_amid_fetches(void **state)
{
    struct view_fixture *fixture = *state;
    put_hosts(fixture);
    for (int host = 0; host < 2; host++)
        expect_host(fixture, "", host);
    struct ots_attr attr = view_attr(fixture, "t/cpu/host=002.lp");
    fake_store_hold(fixture->fake, OTS_ACTION_GET);
    struct view_waiter waiter = {.fixture = fixture, .run = view_run_open, .attr = attr};
    view_expect_interrupted(&waiter, OTS_ACTION_GET, 5, OTS_CANCELLED);
}

/* --- who may not wait -------------------------------------------------------------------------*/

/* What the thread that reads the kernel's requests does: with OTS_CANCELLED another one goes on. */
static enum ots_status open_now(struct view_fixture *fixture, int host)
{
    char path[64];
    path_of(host, "", path, sizeof(path));
    struct view_waiter waiter = {.fixture = fixture, .attr = view_attr(fixture, path)};
    ots_interrupt_init(&waiter.interrupt);
    ots_interrupt_raise(&waiter.interrupt);
    enum ots_status status = view_run_open(&waiter);
    ots_interrupt_deinit(&waiter.interrupt);
    return status;
}

static void what_was_fetched_is_opened_without_waiting(void **state)
{
    struct view_fixture *fixture = *state;
    put_hosts(fixture);
    for (int host = 0; host < 3; host++)
        expect_host(fixture, "", host);
    size_t count = fake_store_count_all(fixture->fake);
    assert_int_equal(open_now(fixture, 30), OTS_CANCELLED);
    assert_int_equal(fake_store_count_all(fixture->fake), count);
    assert_int_equal(open_now(fixture, 3), OTS_OK);
    /* It was a step of the walk, and what was taken is gone. */
    assert_true(fake_store_count_all(fixture->fake) > count);
    assert_int_equal(open_now(fixture, 3), OTS_CANCELLED);
    for (int host = 4; host < HOSTS; host++)
        expect_host(fixture, "", host);
    assert_int_equal(fake_store_count_all(fixture->fake), HOSTS);
}

/* A fetch that is under way is left to who can wait. */
static void what_is_under_way_is_not_waited_for(void **state)
{
    struct view_fixture *fixture = *state;
    put_hosts(fixture);
    expect_host(fixture, "", 0);
    expect_host(fixture, "", 1);
    struct view_waiter first = {
        .fixture = fixture, .run = view_run_open, .attr = view_attr(fixture, "t/cpu/host=002.lp")};
    fake_store_hold(fixture->fake, OTS_ACTION_GET);
    view_waiter_start(&first);
    fake_store_wait_held(fixture->fake, OTS_ACTION_GET, 5);
    assert_int_equal(open_now(fixture, 3), OTS_CANCELLED);
    fake_store_release(fixture->fake, OTS_ACTION_GET);
    view_waiter_join(&first);
    for (int host = 3; host < HOSTS; host++)
        expect_host(fixture, "", host);
    assert_int_equal(fake_store_count_all(fixture->fake), HOSTS);
}

/* --- many small ones --------------------------------------------------------------------------*/

enum { MANY = 300 };

static void put_many(struct view_fixture *fixture)
{
    struct ots_attr attr;
    for (int host = 0; host < MANY; host++) {
        char *lines = text_of(host);
        fake_store_put(fixture->fake, "t", lines);
        free(lines);
    }
    assert_int_equal(view_lookup(fixture, "t/cpu", &attr), OTS_OK);
    fake_store_forget_counts(fixture->fake);
}

static void many_are_scanned_once(void **state)
{
    struct view_fixture *fixture = *state;
    put_many(fixture);
    for (int host = 0; host < MANY; host++)
        expect_host(fixture, "", host);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 2);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 1);
}

static void what_was_scanned_is_opened_without_waiting(void **state)
{
    struct view_fixture *fixture = *state;
    put_many(fixture);
    for (int host = 0; host < 10; host++)
        expect_host(fixture, "", host);
    for (int host = 10; host < MANY; host++)
        while (open_now(fixture, host) != OTS_OK)
            sched_yield();
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 2);
}

/* Rows that do not come in the order of their times are of no use: each is asked for. */
static void a_scan_in_another_order_is_no_harm(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_scan_backward(fixture->fake, true);
    put_many(fixture);
    for (int host = 0; host < MANY; host++)
        expect_host(fixture, "", host);
    assert_true(fake_store_count(fixture->fake, OTS_ACTION_GET) >= MANY);
}

static void a_scan_that_fails_is_not_told(void **state)
{
    struct view_fixture *fixture = *state;
    put_many(fixture);
    fake_store_fail(fixture->fake, OTS_ACTION_SCAN, OTS_IO, 100);
    for (int host = 0; host < MANY; host++)
        expect_host(fixture, "", host);
    assert_true(fake_store_count(fixture->fake, OTS_ACTION_GET) <= MANY);
}

static void changes_amid_a_scan_are_shown(void **state)
{
    struct view_fixture *fixture = *state;
    put_many(fixture);
    for (int host = 0; host < 100; host++)
        expect_host(fixture, "", host);
    fake_store_put(fixture->fake, "t", "cpu,host=200 v=0i 12000\n");
    view_grow_old(fixture);
    for (int host = 100; host < 200; host++)
        expect_host(fixture, "", host);
    view_expect_text(fixture, "t/cpu/host=200.lp",
                     "cpu,host=200 v=10i 10000\ncpu,host=200 v=11i 11000\n"
                     "cpu,host=200 v=0i 12000\ncpu,host=200 v=13i 13000\n"
                     "cpu,host=200 v=14i 14000\n");
    for (int host = 201; host < MANY; host++)
        expect_host(fixture, "", host);
}

/* What waits for the scan can be interrupted, and a mount ends amid it. */
static void waiting_for_a_scan_ends_at_an_interrupt(void **state)
{
    struct view_fixture *fixture = *state;
    put_many(fixture);
    expect_host(fixture, "", 0);
    expect_host(fixture, "", 1);
    struct view_waiter waiter = {
        .fixture = fixture, .run = view_run_open, .attr = view_attr(fixture, "t/cpu/host=002.lp")};
    fake_store_hold(fixture->fake, OTS_ACTION_SCAN);
    view_expect_interrupted(&waiter, OTS_ACTION_SCAN, 1, OTS_CANCELLED);
}

/* --- never seen -------------------------------------------------------------------------------*/

/* A table that the first look has to measure. */
static void put_new(struct view_fixture *fixture)
{
    view_keep_texts(fixture);
    for (int host = 0; host < MANY; host++) {
        char *lines = text_of(host);
        fake_store_put(fixture->fake, "t", lines);
        free(lines);
    }
    fake_store_forget_counts(fixture->fake);
}

static void what_was_measured_is_not_read_again(void **state)
{
    struct view_fixture *fixture = *state;
    put_new(fixture);
    for (int host = 0; host < MANY; host++)
        expect_host(fixture, "", host);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 0);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 1);
    /* Each text was there once. */
    expect_host(fixture, "", 100);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 1);
}

/* In any order, and without waiting. */
static void what_was_measured_is_at_hand(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    put_new(fixture);
    assert_int_equal(view_lookup(fixture, "t/cpu", &attr), OTS_OK);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(open_now(fixture, i * 7 % MANY), OTS_OK);
    assert_int_equal(open_now(fixture, 7), OTS_CANCELLED);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 0);
}

/* Pages that cut timelines anywhere. */
static void long_timelines_are_not_read_again(void **state)
{
    struct view_fixture *fixture = *state;
    enum { LONG = 20000, FEW = 4 };
    char *texts[FEW];
    view_keep_texts(fixture);
    fake_store_page_rows(fixture->fake, 777);
    for (int host = 0; host < FEW; host++) {
        char series[64];
        snprintf(series, sizeof(series), "cpu,host=%03d", host);
        texts[host] = view_lines(series, 10, LONG);
        fake_store_put(fixture->fake, "t", texts[host]);
    }
    fake_store_forget_counts(fixture->fake);
    for (int host = 0; host < FEW; host++) {
        char path[64];
        path_of(host, "", path, sizeof(path));
        view_expect_text(fixture, path, texts[host]);
        free(texts[host]);
    }
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 0);
}

static void what_changed_since_it_was_measured_is_shown(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    put_new(fixture);
    assert_int_equal(view_lookup(fixture, "t/cpu", &attr), OTS_OK);
    /* Others change one row and add one; this mount writes one. */
    fake_store_put(fixture->fake, "t", "cpu,host=200 v=0i 12000\ncpu,host=201 v=15i 15000\n");
    view_grow_old(fixture);
    assert_int_equal(view_store(fixture, "t/cpu/host=202.lp", "cpu,host=202 v=15i 15000\n"),
                     OTS_OK);
    view_expect_text(fixture, "t/cpu/host=200.lp",
                     "cpu,host=200 v=10i 10000\ncpu,host=200 v=11i 11000\n"
                     "cpu,host=200 v=0i 12000\ncpu,host=200 v=13i 13000\n"
                     "cpu,host=200 v=14i 14000\n");
    for (int host = 201; host <= 202; host++) {
        char path[64];
        char series[64];
        path_of(host, "", path, sizeof(path));
        snprintf(series, sizeof(series), "cpu,host=%03d", host);
        char *text = view_lines(series, 10, ROWS + 1);
        view_expect_text(fixture, path, text);
        free(text);
    }
    expect_host(fixture, "", 203);
}

/* A view is measured by itself, a split of the whole table with that. */
static void views_are_not_read_again_either(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    put_new(fixture);
    for (int host = 0; host < MANY; host++)
        expect_host(fixture, ".range/19700101000000Z-20000101000000Z/", host);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 0);
    size_t count = 0;
    for (int host = 0; host < MANY; host++) {
        char path[64];
        path_of(host, ".splits/0-of-3/", path, sizeof(path));
        if (view_lookup(fixture, path, &attr) != OTS_OK)
            continue;
        expect_host(fixture, ".splits/0-of-3/", host);
        count++;
    }
    assert_true(count > MANY / 6);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 0);
}

/* A scan that fails leaves nothing that could be taken for the text. */
static void a_measuring_that_fails_leaves_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    put_new(fixture);
    fake_store_page_rows(fixture->fake, 7);
    fake_store_fail(fixture->fake, OTS_ACTION_SCAN, OTS_IO, 1);
    assert_int_equal(view_lookup(fixture, "t/cpu", &attr), OTS_IO);
    for (int host = 0; host < MANY; host++)
        expect_host(fixture, "", host);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_walk_asks_once_for_each, view_setup, view_teardown),
        cmocka_unit_test_setup_teardown(who_jumps_causes_nothing, view_setup, view_teardown),
        cmocka_unit_test_setup_teardown(what_has_changed_is_fetched_again, view_setup,
                                        view_teardown),
        cmocka_unit_test_setup_teardown(own_rows_are_there, view_setup, view_teardown),
        cmocka_unit_test_setup_teardown(a_view_is_walked_too, view_setup, view_teardown),
        cmocka_unit_test_setup_teardown(a_split_is_walked_too, view_setup, view_teardown),
        cmocka_unit_test_setup_teardown(failures_ahead_are_not_told, view_setup, view_teardown),
        cmocka_unit_test_setup_teardown(waiting_for_a_fetch_ends_at_an_interrupt,
                                        view_setup_threads, view_teardown),
        cmocka_unit_test_setup_teardown(what_was_fetched_is_opened_without_waiting, view_setup,
                                        view_teardown),
        cmocka_unit_test_setup_teardown(what_is_under_way_is_not_waited_for, view_setup_threads,
                                        view_teardown),
        cmocka_unit_test_setup_teardown(what_was_scanned_is_opened_without_waiting,
                                        view_setup_threads, view_teardown),
        cmocka_unit_test_setup_teardown(many_are_scanned_once, view_setup_threads, view_teardown),
        cmocka_unit_test_setup_teardown(a_scan_in_another_order_is_no_harm, view_setup_threads,
                                        view_teardown),
        cmocka_unit_test_setup_teardown(a_scan_that_fails_is_not_told, view_setup_threads,
                                        view_teardown),
        cmocka_unit_test_setup_teardown(changes_amid_a_scan_are_shown, view_setup_threads,
                                        view_teardown),
        cmocka_unit_test_setup_teardown(waiting_for_a_scan_ends_at_an_interrupt, view_setup_threads,
                                        view_teardown),
        cmocka_unit_test_setup_teardown(what_was_measured_is_not_read_again, view_setup_threads,
                                        view_teardown),
        cmocka_unit_test_setup_teardown(what_was_measured_is_at_hand, view_setup, view_teardown),
        cmocka_unit_test_setup_teardown(long_timelines_are_not_read_again, view_setup_threads,
                                        view_teardown),
        cmocka_unit_test_setup_teardown(what_changed_since_it_was_measured_is_shown,
                                        view_setup_threads, view_teardown),
        cmocka_unit_test_setup_teardown(views_are_not_read_again_either, view_setup_threads,
                                        view_teardown),
        cmocka_unit_test_setup_teardown(a_measuring_that_fails_leaves_nothing, view_setup_threads,
                                        view_teardown),
        cmocka_unit_test_setup_teardown(a_mount_ends_amid_fetches, view_setup_threads,
                                        view_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
