/*
 * Removing timelines and tables from a view.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/view_fixture.h"

static const char *const rows = "cpu,host=a v=1i 1000\n"
                                "cpu,host=a v=2i 2000\n"
                                "cpu,host=b v=1i 1000\n";

static void nothing_is_removed_without_the_option(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", rows);
    fake_store_add_table(fixture->fake, "empty", false);
    assert_int_equal(view_unlink(fixture, "t/cpu/host=a.lp"), OTS_NOT_PERMITTED);
    assert_int_equal(view_rmdir(fixture, "empty"), OTS_NOT_PERMITTED);
    assert_int_equal(view_unlink(fixture, "t/cpu/host=z.lp"), OTS_NOT_FOUND);
    assert_int_equal(view_unlink(fixture, "t/cpu"), OTS_NOT_PERMITTED);
    assert_int_equal(view_unlink(fixture, "t"), OTS_NOT_PERMITTED);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_DELETE_META), 0);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_DELETE_TABLE), 0);
    view_expect_list(fixture, "t/cpu", "host=a.lp host=b.lp ");
}

static void a_removed_timeline_stays_hidden(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    fake_store_put(fixture->fake, "t", rows);
    uint64_t ino = view_attr(fixture, "t/cpu/host=a.lp").ino;
    assert_int_equal(view_unlink(fixture, "t/cpu/host=a.lp"), OTS_OK);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_DELETE_META), 1);
    view_expect_list(fixture, "t/cpu", "host=b.lp ");
    assert_int_equal(view_lookup(fixture, "t/cpu/host=a.lp", &attr), OTS_NOT_FOUND);
    assert_int_equal(view_unlink(fixture, "t/cpu/host=a.lp"), OTS_NOT_FOUND);
    view_grow_old(fixture);
    view_expect_list(fixture, "t/cpu", "host=b.lp ");
    /* For who has it open. */
    assert_int_equal(ots_view_getattr(fixture->view, ino, NULL, &attr, NULL), OTS_OK);
    assert_int_equal(attr.size_bytes, 2 * strlen("cpu,host=a v=1i 1000\n"));
    view_expect_stored(fixture, "t", rows);
}

static void a_new_row_by_others_shows_it(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", rows);
    uint64_t ino = view_attr(fixture, "t/cpu/host=a.lp").ino;
    assert_int_equal(view_unlink(fixture, "t/cpu/host=a.lp"), OTS_OK);
    fake_store_put(fixture->fake, "t", "cpu,host=a v=3i 3000\n");
    view_grow_old(fixture);
    view_expect_list(fixture, "t/cpu", "host=a.lp host=b.lp ");
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").ino, ino);
    view_expect_text(fixture, "t/cpu/host=a.lp",
                     "cpu,host=a v=1i 1000\ncpu,host=a v=2i 2000\ncpu,host=a v=3i 3000\n");
}

/* An older row, and one of another length in the place of one that was there. */
static void any_change_by_others_shows_it(void **state)
{
    struct view_fixture *fixture = *state;
    static const char *const changes[] = {"cpu,host=a v=0i 500\n", "cpu,host=a v=100i 2000\n"};
    for (size_t i = 0; i < 2; i++) {
        fake_store_put(fixture->fake, "t", rows);
        view_grow_old(fixture);
        assert_int_equal(view_unlink(fixture, "t/cpu/host=a.lp"), OTS_OK);
        view_grow_old(fixture);
        view_expect_list(fixture, "t/cpu", "host=b.lp ");
        fake_store_put(fixture->fake, "t", changes[i]);
        view_grow_old(fixture);
        view_expect_list(fixture, "t/cpu", "host=a.lp host=b.lp ");
    }
}

static void a_new_row_of_ours_shows_it(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", rows);
    struct ots_file *file = view_open(fixture, "t/cpu/host=a.lp", OTS_OPEN_WRITE);
    assert_int_equal(view_unlink(fixture, "t/cpu/host=a.lp"), OTS_OK);
    assert_int_equal(view_unlink(fixture, "t/cpu/host=b.lp"), OTS_OK);
    assert_int_equal(view_rmdir(fixture, "t/cpu"), OTS_OK);
    view_expect_list(fixture, "t", "");
    assert_int_equal(view_write(file, 0, "cpu,host=a v=2i 2000\n"), OTS_OK);
    ots_file_close(file);
    view_expect_list(fixture, "t", "cpu ");
    view_expect_list(fixture, "t/cpu", "host=a.lp ");
    view_grow_old(fixture);
    view_expect_list(fixture, "t/cpu", "host=a.lp ");
    view_expect_text(fixture, "t/cpu/host=a.lp", "cpu,host=a v=1i 1000\ncpu,host=a v=2i 2000\n");
}

/* It is the same timeline, and its rows are still there. */
static void making_it_anew_shows_its_rows(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", rows);
    assert_int_equal(view_unlink(fixture, "t/cpu/host=a.lp"), OTS_OK);
    assert_int_equal(view_store(fixture, "t/cpu/host=a.lp", "cpu,host=a v=3i 3000\n"), OTS_OK);
    view_expect_text(fixture, "t/cpu/host=a.lp",
                     "cpu,host=a v=1i 1000\ncpu,host=a v=2i 2000\ncpu,host=a v=3i 3000\n");
    ots_file_close(view_open(fixture, "t/cpu/host=b.lp", OTS_OPEN_READ));
}

static void rows_on_their_way_come_first(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_mkdir(fixture, "t/cpu"), OTS_OK);
    assert_int_equal(view_store(fixture, "t/cpu/host=a.lp", "cpu,host=a v=1i 1000\n"), OTS_OK);
    assert_int_equal(view_unlink(fixture, "t/cpu/host=a.lp"), OTS_OK);
    view_expect_stored(fixture, "t", "cpu,host=a v=1i 1000\n");
    view_grow_old(fixture);
    view_expect_list(fixture, "t/cpu", "");
}

static void a_file_without_rows_is_gone(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_mkdir(fixture, "t/cpu"), OTS_OK);
    assert_int_equal(view_store(fixture, "t/cpu/host=a.lp", ""), OTS_OK);
    const char *hashed = "t/cpu/k=yyy%~0123456789abcdef0123456789abcdef.lp";
    assert_int_equal(view_store(fixture, hashed, ""), OTS_OK);
    assert_int_equal(view_unlink(fixture, "t/cpu/host=a.lp"), OTS_OK);
    assert_int_equal(view_unlink(fixture, hashed), OTS_OK);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_DELETE_META), 1);
    view_expect_list(fixture, "t/cpu", "");
    view_grow_old(fixture);
    assert_int_equal(view_rmdir(fixture, "t/cpu"), OTS_OK);
}

static void what_the_service_refuses_is_told(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", rows);
    fake_store_put(fixture->fake, "t", "undeletable v=1i 1000\n");
    view_expect_list(fixture, "t/cpu", "host=a.lp host=b.lp ");
    fake_store_fail(fixture->fake, OTS_ACTION_DELETE_META, OTS_DENIED, 1);
    assert_int_equal(view_unlink(fixture, "t/cpu/host=a.lp"), OTS_DENIED);
    assert_int_equal(view_unlink(fixture, "t/undeletable/_.lp"), OTS_IO);
    view_expect_list(fixture, "t/cpu", "host=a.lp host=b.lp ");
    view_expect_list(fixture, "t/undeletable", "_.lp ");
}

/* --- tables -----------------------------------------------------------------------------------*/

static void a_table_without_rows_is_deleted(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    assert_int_equal(view_rmdir(fixture, "t"), OTS_OK);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_DELETE_TABLE), 1);
    view_expect_list(fixture, "", "");
    assert_int_equal(view_lookup(fixture, "t", &attr), OTS_NOT_FOUND);
    assert_int_equal(view_rmdir(fixture, "t"), OTS_NOT_FOUND);

    assert_int_equal(view_mkdir(fixture, "t"), OTS_OK);
    assert_int_equal(view_mkdir(fixture, "t/cpu"), OTS_OK);
    assert_int_equal(view_store(fixture, "t/cpu/host=a.lp", "cpu,host=a v=1i 1000\n"), OTS_OK);
    view_expect_text(fixture, "t/cpu/host=a.lp", "cpu,host=a v=1i 1000\n");
    view_grow_old(fixture);
    view_expect_list(fixture, "t", "cpu ");
}

static void a_table_with_rows_is_not_deleted(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", rows);
    assert_int_equal(view_rmdir(fixture, "t"), OTS_NOT_EMPTY);
    assert_int_equal(view_unlink(fixture, "t/cpu/host=a.lp"), OTS_OK);
    assert_int_equal(view_rmdir(fixture, "t/cpu"), OTS_NOT_EMPTY);
    assert_int_equal(view_unlink(fixture, "t/cpu/host=b.lp"), OTS_OK);
    assert_int_equal(view_rmdir(fixture, "t/cpu"), OTS_OK);
    view_expect_list(fixture, "t", "");
    assert_int_equal(view_rmdir(fixture, "t"), OTS_NOT_EMPTY);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_DELETE_TABLE), 0);
    view_expect_list(fixture, "", "t ");
}

static void a_table_with_a_directory_is_not_deleted(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_mkdir(fixture, "t/cpu"), OTS_OK);
    assert_int_equal(view_rmdir(fixture, "t"), OTS_NOT_EMPTY);
    assert_int_equal(view_rmdir(fixture, "t/cpu"), OTS_OK);
    assert_int_equal(view_rmdir(fixture, "t"), OTS_OK);
}

static void a_table_that_rows_are_on_their_way_to_is_not_deleted(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_mkdir(fixture, "t/cpu"), OTS_OK);
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(view_store(fixture, "t/cpu/host=a.lp", "cpu,host=a v=1i 1000\n"), OTS_OK);
    assert_int_equal(view_rmdir(fixture, "t"), OTS_NOT_EMPTY);
    fake_store_release(fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    assert_int_equal(view_rmdir(fixture, "t"), OTS_NOT_EMPTY);
}

static void a_table_that_the_service_keeps_is_still_there(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_fail(fixture->fake, OTS_ACTION_DELETE_TABLE, OTS_UNAVAILABLE, 1);
    assert_int_equal(view_rmdir(fixture, "t"), OTS_UNAVAILABLE);
    view_expect_list(fixture, "", "t ");
    fake_store_fail(fixture->fake, OTS_ACTION_SCAN, OTS_DENIED, 1);
    assert_int_equal(view_rmdir(fixture, "t"), OTS_DENIED);
    view_expect_list(fixture, "", "t ");
    assert_int_equal(view_rmdir(fixture, "t"), OTS_OK);
}

int main(void)
{
#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, view_teardown)
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_removed_without_the_option, view_setup),
        TEST(a_removed_timeline_stays_hidden, view_setup_deleting),
        TEST(a_new_row_by_others_shows_it, view_setup_deleting),
        TEST(any_change_by_others_shows_it, view_setup_deleting),
        TEST(a_new_row_of_ours_shows_it, view_setup_deleting),
        TEST(making_it_anew_shows_its_rows, view_setup_deleting),
        TEST(rows_on_their_way_come_first, view_setup_deleting),
        TEST(a_file_without_rows_is_gone, view_setup_deleting),
        TEST(what_the_service_refuses_is_told, view_setup_deleting),
        TEST(a_table_without_rows_is_deleted, view_setup_deleting),
        TEST(a_table_with_rows_is_not_deleted, view_setup_deleting),
        TEST(a_table_with_a_directory_is_not_deleted, view_setup_deleting),
        TEST(a_table_that_rows_are_on_their_way_to_is_not_deleted, view_setup_deleting),
        TEST(a_table_that_the_service_keeps_is_still_there, view_setup_deleting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
