/*
 * Names, attributes and directories of a view, and how old its knowledge may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/view_fixture.h"

static void listings_are_sorted(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t",
                   "mem,host=b v=1i 1000\n"
                   "cpu,host=b v=1i 1000\n"
                   "cpu,host=a v=1i 1000\n"
                   "cpu,host=a-1 v=1i 1000\n"
                   "Zebra v=1i 1000\n");
    fake_store_add_table(fixture->fake, "s", false);
    view_expect_list(fixture, "", "s t ");
    view_expect_list(fixture, "t", "Zebra cpu mem ");
    view_expect_list(fixture, "t/cpu", "host=a-1.lp host=a.lp host=b.lp ");
    view_expect_list(fixture, "s", "");
}

static void an_instance_without_tables_is_empty(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_remove_table(fixture->fake, "t");
    view_expect_list(fixture, "", "");
    struct ots_attr attr;
    assert_int_equal(view_lookup(fixture, "t", &attr), OTS_NOT_FOUND);
}

static void inode_numbers_ascend_and_stay(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t",
                   "mem,host=b v=1i 1000\n"
                   "cpu,host=b v=1i 1000\n"
                   "cpu,host=a v=1i 1000\n");
    uint64_t first = view_attr(fixture, "t/cpu").ino;
    uint64_t second = view_attr(fixture, "t/cpu/host=a.lp").ino;
    uint64_t third = view_attr(fixture, "t/cpu/host=b.lp").ino;
    uint64_t fourth = view_attr(fixture, "t/mem/host=b.lp").ino;
    assert_true(first < second && second < third && third < fourth);
    fake_store_put(fixture->fake, "t", "cpu,host=aa v=1i 1000\n");
    view_grow_old(fixture);
    assert_true(view_attr(fixture, "t/cpu/host=aa.lp").ino > fourth);
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").ino, second);
    assert_int_equal(view_attr(fixture, "t/mem/host=b.lp").ino, fourth);
}

static void an_inode_number_comes_back_with_its_timeline(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 1000\nmem v=1i 1000\n");
    uint64_t ino = view_attr(fixture, "t/cpu/host=a.lp").ino;
    fake_store_remove(fixture->fake, "t", "cpu");
    view_grow_old(fixture);
    view_expect_list(fixture, "t", "mem ");
    assert_int_equal(ots_view_getattr(fixture->view, ino, NULL, &attr, NULL), OTS_STALE);
    fake_store_put(fixture->fake, "t", "cpu,host=a v=2i 2000\n");
    view_grow_old(fixture);
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").ino, ino);
    view_expect_text(fixture, "t/cpu/host=a.lp", "cpu,host=a v=2i 2000\n");
}

static void what_is_known_is_not_asked_again(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 1000\n");
    view_attr(fixture, "t/cpu/host=a.lp");
    fake_store_forget_counts(fixture->fake);
    view_pass_time(fixture, 999999);
    view_attr(fixture, "t/cpu/host=a.lp");
    view_expect_list(fixture, "t/cpu", "host=a.lp ");
    assert_int_equal(fake_store_count_all(fixture->fake), 0);
    view_pass_time(fixture, 1);
    view_attr(fixture, "t/cpu/host=a.lp");
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_LIST_TABLES), 1);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 1);
}

/* A scan that takes 2 s may be made again 40 s after its end. */
static void an_expensive_scan_is_made_less_often(void **state)
{
    struct view_fixture *fixture = *state;
    struct view_waiter waiter = {.fixture = fixture, .run = view_run_list};
    waiter.attr = view_attr(fixture, "t");
    fake_store_hold(fixture->fake, OTS_ACTION_SPLIT);
    view_waiter_start(&waiter);
    fake_store_wait_held(fixture->fake, OTS_ACTION_SPLIT, 1);
    view_pass_time(fixture, 2000000);
    fake_store_release(fixture->fake, OTS_ACTION_SPLIT);
    view_waiter_join(&waiter);
    assert_int_equal(waiter.status, OTS_OK);
    fake_store_forget_counts(fixture->fake);
    view_pass_time(fixture, 39999999);
    assert_int_equal(view_list_status(fixture, "t"), OTS_OK);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 0);
    view_pass_time(fixture, 1);
    assert_int_equal(view_list_status(fixture, "t"), OTS_OK);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 1);
}

static void one_scan_serves_all_who_wait(void **state)
{
    enum { WAITERS = 5 };
    struct view_fixture *fixture = *state;
    struct view_waiter waiters[WAITERS];
    struct ots_attr attr = view_attr(fixture, "t");
    fake_store_hold(fixture->fake, OTS_ACTION_SPLIT);
    for (size_t i = 0; i < WAITERS; i++) {
        waiters[i] = (struct view_waiter){.fixture = fixture, .run = view_run_list, .attr = attr};
        view_waiter_start(&waiters[i]);
    }
    fake_store_wait_held(fixture->fake, OTS_ACTION_SPLIT, 1);
    fake_store_release(fixture->fake, OTS_ACTION_SPLIT);
    for (size_t i = 0; i < WAITERS; i++) {
        view_waiter_join(&waiters[i]);
        assert_int_equal(waiters[i].status, OTS_OK);
    }
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 1);
}

/* Whoever asked first goes away; the next one asks itself. */
static void an_interrupted_scan_is_taken_over(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr = view_attr(fixture, "t");
    struct view_waiter first = {.fixture = fixture, .run = view_run_list, .attr = attr};
    struct view_waiter second = first;
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 1000\n");
    fake_store_hold(fixture->fake, OTS_ACTION_SCAN);
    view_waiter_start(&first);
    fake_store_wait_held(fixture->fake, OTS_ACTION_SCAN, 2);
    view_waiter_start(&second);
    ots_interrupt_raise(&first.interrupt);
    view_waiter_join(&first);
    assert_int_equal(first.status, OTS_CANCELLED);
    fake_store_wait_held(fixture->fake, OTS_ACTION_SCAN, 2);
    fake_store_release(fixture->fake, OTS_ACTION_SCAN);
    view_waiter_join(&second);
    assert_int_equal(second.status, OTS_OK);
    view_expect_list(fixture, "t", "cpu ");
}

static enum ots_status list_root(struct view_waiter *waiter)
{
    waiter->attr.ino = 1;
    return view_run_list(waiter);
}

static void every_wait_for_knowledge_can_be_interrupted(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr = view_attr(fixture, "t");
    const struct {
        enum ots_action action;
        enum ots_status (*run)(struct view_waiter *waiter);
    } cases[] = {
        {OTS_ACTION_SPLIT, view_run_list},
        {OTS_ACTION_SCAN, view_run_list},
        {OTS_ACTION_LIST_TABLES, list_root},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct view_waiter leader = {.fixture = fixture, .run = cases[i].run, .attr = attr};
        struct view_waiter follower = leader;
        view_grow_old(fixture);
        fake_store_hold(fixture->fake, cases[i].action);
        view_waiter_start(&leader);
        fake_store_wait_held(fixture->fake, cases[i].action, 1);
        view_waiter_start(&follower);
        ots_interrupt_raise(&follower.interrupt);
        view_waiter_join(&follower);
        assert_int_equal(follower.status, OTS_CANCELLED);
        ots_interrupt_raise(&leader.interrupt);
        view_waiter_join(&leader);
        assert_int_equal(leader.status, OTS_CANCELLED);
        fake_store_release(fixture->fake, cases[i].action);
    }
}

static void a_scan_that_fails_changes_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 1000\nmem v=1i 1000\n");
    uint64_t ino = view_attr(fixture, "t/mem/_.lp").ino;
    uint64_t table = view_attr(fixture, "t").ino;
    fake_store_remove(fixture->fake, "t", "mem");
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 2000\ndisk v=1i 1000\n");
    view_grow_old(fixture);
    struct ots_attr attr;
    struct ots_error err;
    struct ots_listing *listing;
    fake_store_fail(fixture->fake, OTS_ACTION_SCAN, OTS_NETWORK, 1);
    assert_int_equal(ots_view_list(fixture->view, table, NULL, &listing, &err), OTS_NETWORK);
    assert_non_null(strstr(err.message, "the test wants"));
    /* Known things can still be touched, and show what they were. */
    int64_t mtime_ns = 5;
    assert_int_equal(ots_view_setattr(fixture->view, ino, &mtime_ns, &attr), OTS_OK);
    assert_int_equal(attr.size_bytes, strlen("mem v=1i 1000\n"));
    view_expect_list(fixture, "t", "cpu disk ");
}

static void a_failed_list_of_tables_is_an_error(void **state)
{
    struct view_fixture *fixture = *state;
    view_expect_list(fixture, "", "t ");
    view_grow_old(fixture);
    fake_store_fail(fixture->fake, OTS_ACTION_LIST_TABLES, OTS_DENIED, 1);
    assert_int_equal(view_list_status(fixture, ""), OTS_DENIED);
    view_expect_list(fixture, "", "t ");
}

static void a_table_that_vanished_is_not_listed(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", "cpu v=1i 1000\n");
    uint64_t table = view_attr(fixture, "t").ino;
    fake_store_remove_table(fixture->fake, "t");
    struct ots_listing *listing;
    struct ots_attr attr;
    assert_int_equal(ots_view_list(fixture->view, table, NULL, &listing, NULL), OTS_NOT_FOUND);
    assert_int_equal(view_lookup(fixture, "t", &attr), OTS_NOT_FOUND);
    fake_store_add_table(fixture->fake, "t", false);
    view_grow_old(fixture);
    assert_int_equal(view_attr(fixture, "t").ino, table);
    view_expect_list(fixture, "t", "");
}

static void what_cannot_be_a_table_is_not_listed(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_add_table(fixture->fake, "a/b", false);
    fake_store_add_table(fixture->fake, "..", false);
    fake_store_add_table(fixture->fake, "", false);
    view_expect_list(fixture, "", "t ");
}

static void tables_with_field_keys_cannot_be_entered(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_add_table(fixture->fake, "keys", true);
    fake_store_put(fixture->fake, "keys", "cpu v=1i 1000\n");
    view_expect_list(fixture, "", "keys t ");
    assert_int_equal(view_list_status(fixture, "keys"), OTS_UNSUPPORTED);
    struct ots_attr attr;
    assert_int_equal(view_lookup(fixture, "keys/cpu", &attr), OTS_UNSUPPORTED);
    assert_int_equal(view_mkdir(fixture, "keys/cpu"), OTS_UNSUPPORTED);
}

/* --- making and removing ----------------------------------------------------------------------*/

/* Workers make the same table at the same time, each with `mkdir -p`. */
static void a_table_that_others_have_just_made_is_there(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    assert_int_equal(view_lookup(fixture, "new", &attr), OTS_NOT_FOUND);
    fake_store_add_table(fixture->fake, "new", false);
    assert_int_equal(view_lookup(fixture, "new", &attr), OTS_NOT_FOUND);
    assert_int_equal(view_mkdir(fixture, "new"), OTS_EXISTS);
    assert_int_equal(view_lookup(fixture, "new", &attr), OTS_OK);
}

static void mkdir_creates_a_table_and_waits_for_it(void **state)
{
    struct view_fixture *fixture = *state;
    const enum ots_status slow[] = {OTS_NOT_READY, OTS_NOT_FOUND};
    const char *const names[] = {"first", "second"};
    for (size_t i = 0; i < 2; i++) {
        fake_store_be_slow(fixture->fake, slow[i], 2);
        fake_store_forget_counts(fixture->fake);
        assert_int_equal(view_mkdir(fixture, names[i]), OTS_OK);
        assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_CREATE_TABLE), 1);
        assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SCAN), 3);
        view_expect_list(fixture, names[i], "");
    }
    view_grow_old(fixture);
    view_expect_list(fixture, "", "first second t ");
}

static enum ots_status make_table(struct view_waiter *waiter)
{
    struct ots_attr attr;
    struct ots_error err;
    return ots_view_mkdir(waiter->fixture->view, 1, ots_slice_str(waiter->path), &waiter->interrupt,
                          &attr, &err);
}

static void waiting_for_a_new_table_can_be_interrupted(void **state)
{
    struct view_fixture *fixture = *state;
    struct view_waiter waiter = {.fixture = fixture, .run = make_table, .path = "new"};
    fake_store_be_slow(fixture->fake, OTS_NOT_READY, SIZE_MAX);
    fake_store_hold(fixture->fake, OTS_ACTION_SCAN);
    view_waiter_start(&waiter);
    fake_store_wait_held(fixture->fake, OTS_ACTION_SCAN, 1);
    fake_store_release(fixture->fake, OTS_ACTION_SCAN);
    ots_interrupt_raise(&waiter.interrupt);
    view_waiter_join(&waiter);
    assert_int_equal(waiter.status, OTS_CANCELLED);
}

static void waiting_for_a_new_table_ends_after_two_minutes(void **state)
{
    struct view_fixture *fixture = *state;
    struct view_waiter waiter = {.fixture = fixture, .run = make_table, .path = "new"};
    fake_store_be_slow(fixture->fake, OTS_NOT_READY, SIZE_MAX);
    fake_store_hold(fixture->fake, OTS_ACTION_SCAN);
    view_waiter_start(&waiter);
    fake_store_wait_held(fixture->fake, OTS_ACTION_SCAN, 1);
    view_pass_time(fixture, 120000000);
    fake_store_release(fixture->fake, OTS_ACTION_SCAN);
    view_waiter_join(&waiter);
    assert_int_equal(waiter.status, OTS_NOT_READY);
}

static void names_that_are_no_tables_are_refused(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_mkdir(fixture, "a-b"), OTS_INVALID);
    assert_int_equal(view_mkdir(fixture, "1a"), OTS_INVALID);
    assert_int_equal(view_mkdir(fixture, "t"), OTS_EXISTS);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_CREATE_TABLE), 1);
    fake_store_fail(fixture->fake, OTS_ACTION_CREATE_TABLE, OTS_DENIED, 1);
    assert_int_equal(view_mkdir(fixture, "denied"), OTS_DENIED);
    view_grow_old(fixture);
    view_expect_list(fixture, "", "t ");
}

static void a_measurement_lives_in_the_mount_until_it_has_rows(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    assert_int_equal(view_mkdir(fixture, "t/cpu"), OTS_OK);
    assert_int_equal(view_mkdir(fixture, "t/cpu"), OTS_EXISTS);
    view_grow_old(fixture);
    view_expect_list(fixture, "t", "cpu ");
    view_expect_list(fixture, "t/cpu", "");
    assert_int_equal(view_rmdir(fixture, "t/cpu"), OTS_OK);
    assert_int_equal(view_rmdir(fixture, "t/cpu"), OTS_NOT_FOUND);
    assert_int_equal(view_lookup(fixture, "t/cpu", &attr), OTS_NOT_FOUND);
    view_grow_old(fixture);
    view_expect_list(fixture, "t", "");
}

static void measurements_must_have_a_measurements_name(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_mkdir(fixture, "t/a b"), OTS_INVALID);
    assert_int_equal(view_mkdir(fixture, "t/.hidden"), OTS_INVALID);
    assert_int_equal(view_mkdir(fixture, "t/a%2fb"), OTS_INVALID);
    assert_int_equal(view_mkdir(fixture, "t/a#b"), OTS_INVALID);
    assert_int_equal(view_mkdir(fixture, "t/a%2Fb"), OTS_OK);
    assert_int_equal(view_mkdir(fixture, "t/a%2Fb/c"), OTS_NOT_PERMITTED);
}

static void only_empty_measurements_can_be_removed(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", "cpu v=1i 1000\n");
    view_attr(fixture, "t/cpu");
    assert_int_equal(view_rmdir(fixture, "t/cpu"), OTS_NOT_EMPTY);
    assert_int_equal(view_rmdir(fixture, "t/cpu/_.lp"), OTS_NOT_PERMITTED);
    assert_int_equal(view_rmdir(fixture, "t"), OTS_NOT_PERMITTED);
    assert_int_equal(view_rmdir(fixture, "nothing"), OTS_NOT_FOUND);
}

/* --- times ------------------------------------------------------------------------------------*/

static void mtime_is_the_newest_rows(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t",
                   "cpu,host=a v=1i 1000000\ncpu,host=a v=1i 7000000\n"
                   "cpu,host=b v=1i 9000000000000000000\n");
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").mtime_ns, 7000000);
    /* But not in the future. */
    int64_t now_ns = atomic_load(&fixture->now_us) * 1000;
    assert_int_equal(view_attr(fixture, "t/cpu/host=b.lp").mtime_ns, now_ns);
    assert_int_equal(view_attr(fixture, "t/cpu").mtime_ns, now_ns);
    assert_int_equal(view_attr(fixture, "t").mtime_ns, now_ns);
}

static void mtime_that_was_set_stays_until_others_write(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    fake_store_put(fixture->fake, "t", "cpu v=1i 1000000\n");
    int64_t mtime_ns = 123456789;
    uint64_t ino = view_attr(fixture, "t/cpu/_.lp").ino;
    assert_int_equal(ots_view_setattr(fixture->view, ino, &mtime_ns, &attr), OTS_OK);
    assert_int_equal(attr.mtime_ns, mtime_ns);
    view_grow_old(fixture);
    assert_int_equal(view_attr(fixture, "t/cpu/_.lp").mtime_ns, mtime_ns);
    assert_int_equal(ots_view_setattr(fixture->view, ino, NULL, &attr), OTS_OK);
    assert_int_equal(attr.mtime_ns, mtime_ns);
    fake_store_put(fixture->fake, "t", "cpu v=1i 2000000\n");
    view_grow_old(fixture);
    assert_int_equal(view_attr(fixture, "t/cpu/_.lp").mtime_ns,
                     atomic_load(&fixture->now_us) * 1000);
    assert_int_equal(ots_view_setattr(fixture->view, 4711, NULL, &attr), OTS_STALE);
}

/* As far in the future as can be told: the next change must not wrap around. */
static void the_last_possible_mtime_is_no_trap(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    fake_store_put(fixture->fake, "t", "cpu v=1i 1000000\n");
    int64_t mtime_ns = INT64_MAX;
    uint64_t ino = view_attr(fixture, "t/cpu/_.lp").ino;
    assert_int_equal(ots_view_setattr(fixture->view, ino, &mtime_ns, &attr), OTS_OK);
    fake_store_put(fixture->fake, "t", "cpu v=1i 2000000\n");
    view_grow_old(fixture);
    assert_true(view_attr(fixture, "t/cpu/_.lp").mtime_ns > 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_setup, view_teardown)
#define THREADS_TEST(name) cmocka_unit_test_setup_teardown(name, view_setup_threads, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(listings_are_sorted),
        THREADS_TEST(listings_are_sorted),
        TEST(an_instance_without_tables_is_empty),
        TEST(inode_numbers_ascend_and_stay),
        TEST(an_inode_number_comes_back_with_its_timeline),
        TEST(what_is_known_is_not_asked_again),
        TEST(an_expensive_scan_is_made_less_often),
        THREADS_TEST(one_scan_serves_all_who_wait),
        TEST(an_interrupted_scan_is_taken_over),
        THREADS_TEST(an_interrupted_scan_is_taken_over),
        TEST(every_wait_for_knowledge_can_be_interrupted),
        THREADS_TEST(every_wait_for_knowledge_can_be_interrupted),
        TEST(a_scan_that_fails_changes_nothing),
        THREADS_TEST(a_scan_that_fails_changes_nothing),
        TEST(a_failed_list_of_tables_is_an_error),
        TEST(a_table_that_vanished_is_not_listed),
        TEST(what_cannot_be_a_table_is_not_listed),
        TEST(tables_with_field_keys_cannot_be_entered),
        TEST(a_table_that_others_have_just_made_is_there),
        TEST(mkdir_creates_a_table_and_waits_for_it),
        TEST(waiting_for_a_new_table_can_be_interrupted),
        TEST(waiting_for_a_new_table_ends_after_two_minutes),
        TEST(names_that_are_no_tables_are_refused),
        TEST(a_measurement_lives_in_the_mount_until_it_has_rows),
        TEST(measurements_must_have_a_measurements_name),
        TEST(only_empty_measurements_can_be_removed),
        TEST(mtime_is_the_newest_rows),
        TEST(mtime_that_was_set_stays_until_others_write),
        TEST(the_last_possible_mtime_is_no_trap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
