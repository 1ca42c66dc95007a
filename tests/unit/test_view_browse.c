/*
 * With is_browse: lists of metadata records, and sizes that come with open.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/fake_table.h"
#include "tests/unit/view_fixture.h"

static int setup(void **state)
{
    view_setup(state);
    struct view_fixture *fixture = *state;
    ots_view_free(fixture->view);
    struct ots_view_source source = {.store = fake_store_of(fixture->fake)};
    struct ots_view_options options = {
        .sources = &source,
        .source_count = 1,
        .clock = &fixture->clock,
        .log = &fixture->log,
        .is_browse = true,
    };
    assert_int_equal(ots_view_new(&options, &fixture->view, NULL), OTS_OK);
    return 0;
}

static void put_rows(struct view_fixture *fixture)
{
    fake_store_put(fixture->fake, "t",
                   "cpu,host=a v=1i 1000\n"
                   "cpu,host=a v=2i 2000\n"
                   "cpu,host=b v=1i 1000\n"
                   "mem v=1i 1000\n"
                   "unrecorded v=1i 1000\n");
}

static void records_are_listed_without_a_scan(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    fake_store_page_rows(fixture->fake, 1);
    view_expect_list(fixture, "t", "cpu mem ");
    view_expect_list(fixture, "t/cpu", "host=a.lp host=b.lp ");
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 0);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SCAN), 0);
    assert_in_range(fake_store_count(fixture->fake, OTS_ACTION_QUERY_META), 3, 4);
    struct ots_attr attr;
    assert_int_equal(view_lookup(fixture, "t/unrecorded", &attr), OTS_NOT_FOUND);
}

static void sizes_come_with_open(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").size_bytes, 0);
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").mtime_ns,
                     INT64_C(1000) * FAKE_RECORD_TIME_US);
    view_expect_text(fixture, "t/cpu/host=a.lp", "cpu,host=a v=1i 1000\ncpu,host=a v=2i 2000\n");
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").mtime_ns, 2000);
    assert_int_equal(view_attr(fixture, "t/cpu/host=b.lp").size_bytes, 0);
    /* It stays, and what others write shows at the next open. */
    fake_store_put(fixture->fake, "t", "cpu,host=a v=3i 3000\n");
    view_grow_old(fixture);
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").size_bytes, 42);
    view_expect_text(fixture, "t/cpu/host=a.lp",
                     "cpu,host=a v=1i 1000\ncpu,host=a v=2i 2000\ncpu,host=a v=3i 3000\n");
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SCAN), 0);
}

static void long_timelines_have_their_size_at_open(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = view_lines("cpu", 1, 3 * OTS_PAGE_ROWS_MAX);
    fake_store_put(fixture->fake, "t", lines);
    struct ots_attr attr = view_attr(fixture, "t/cpu/_.lp");
    assert_int_equal(attr.size_bytes, 0);
    struct ots_file *file;
    struct ots_error err;
    assert_int_equal(
        ots_view_open(fixture->view, attr.ino, OTS_OPEN_READ, NULL, &file, &attr, &err), OTS_OK);
    assert_int_equal(attr.size_bytes, strlen(lines));
    char *text = view_read_file(file, 0, strlen(lines) + 1);
    assert_string_equal(text, lines);
    free(text);
    ots_file_close(file);
    free(lines);
}

static void own_writes_are_known(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_expect_list(fixture, "t/cpu", "host=a.lp host=b.lp ");
    assert_int_equal(view_store(fixture, "t/cpu/host=c.lp", "cpu,host=c v=1i 1000\n"), OTS_OK);
    assert_int_equal(view_attr(fixture, "t/cpu/host=c.lp").size_bytes, 21);
    /* Its record may be seen later than its rows. */
    assert_int_equal(view_mkdir(fixture, "t/unrecorded"), OTS_OK);
    assert_int_equal(view_store(fixture, "t/unrecorded/_.lp", "unrecorded v=9i 2000\n"), OTS_OK);
    assert_int_equal(view_attr(fixture, "t/unrecorded/_.lp").size_bytes, 42);
    view_grow_old(fixture);
    view_expect_list(fixture, "t/unrecorded", "_.lp ");
    view_expect_list(fixture, "t/cpu", "host=a.lp host=b.lp host=c.lp ");
    assert_int_equal(view_attr(fixture, "t/unrecorded/_.lp").size_bytes, 42);
}

static void what_has_no_record_any_more_is_gone(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_expect_text(fixture, "t/mem/_.lp", "mem v=1i 1000\n");
    fake_store_remove(fixture->fake, "t", "mem");
    view_grow_old(fixture);
    view_expect_list(fixture, "t", "cpu ");
}

static void views_list_all_timelines(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    const char *dir = "t/.range/19700101000001Z-19700101000002Z/cpu";
    view_expect_list(fixture, dir, "host=a.lp host=b.lp ");
    view_expect_text(fixture, "t/.range/19700101000001Z-19700101000002Z/cpu/host=a.lp", "");
    view_expect_list(fixture, dir, "host=a.lp host=b.lp ");
    view_expect_text(fixture, "t/.fields/v/cpu/host=b.lp", "cpu,host=b v=1i 1000\n");
}

static void a_list_that_fails_changes_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_expect_list(fixture, "t", "cpu mem ");
    view_grow_old(fixture);
    fake_store_page_rows(fixture->fake, 1);
    fake_store_fail(fixture->fake, OTS_ACTION_QUERY_META, OTS_TIMEOUT, 1);
    assert_int_equal(view_list_status(fixture, "t"), OTS_TIMEOUT);
    view_expect_list(fixture, "t", "cpu mem ");
}

int main(void)
{
#define WITH_VIEW(test) cmocka_unit_test_setup_teardown(test, setup, view_teardown)
    const struct CMUnitTest tests[] = {
        WITH_VIEW(records_are_listed_without_a_scan),      WITH_VIEW(sizes_come_with_open),
        WITH_VIEW(long_timelines_have_their_size_at_open), WITH_VIEW(own_writes_are_known),
        WITH_VIEW(what_has_no_record_any_more_is_gone),    WITH_VIEW(views_list_all_timelines),
        WITH_VIEW(a_list_that_fails_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
