/*
 * Several sources in one view: a directory for each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/view_fixture.h"

struct two_sources {
    struct view_fixture base; /* of the source `web` */
    struct fake_store *other; /* of the source `app` */
};

static int setup(void **state)
{
    struct two_sources *two = calloc(1, sizeof(*two));
    two->base.fake = fake_store_new(0);
    two->other = fake_store_new(0);
    two->base.log = (struct ots_log){.program = "test", .level = OTS_LOG_ERROR};
    fake_store_add_table(two->base.fake, "t", false);
    fake_store_add_table(two->other, "t", false);
    fake_store_add_table(two->other, "u", false);
    struct ots_view_source sources[] = {
        {.name = "web", .store = fake_store_of(two->base.fake)},
        {.name = "app", .store = fake_store_of(two->other)},
    };
    struct ots_view_options options = {
        .sources = sources,
        .source_count = 2,
        .clock = &ots_clock_system,
        .log = &two->base.log,
        .scan_lanes = 2,
    };
    assert_int_equal(ots_view_new(&options, &two->base.view, NULL), OTS_OK);
    /* What was given is not needed any more. */
    memset(sources, 0xAA, sizeof(sources));
    *state = two;
    return 0;
}

static int teardown(void **state)
{
    struct two_sources *two = *state;
    ots_view_free(two->base.view);
    fake_store_free(two->base.fake);
    fake_store_free(two->other);
    free(two);
    return 0;
}

static void each_source_is_a_directory(void **state)
{
    struct two_sources *two = *state;
    view_expect_list(&two->base, "", "app web ");
    view_expect_list(&two->base, "app", "t u ");
    view_expect_list(&two->base, "web", "t ");
    assert_int_equal(view_attr(&two->base, "").ino, 1);
    assert_int_equal(view_attr(&two->base, "app").ino, 2);
    assert_int_equal(view_attr(&two->base, "web").ino, 3);
    assert_int_equal(view_attr(&two->base, "app").permissions, 0755);
    struct ots_attr attr;
    assert_int_equal(view_lookup(&two->base, "t", &attr), OTS_NOT_FOUND);
    assert_int_equal(view_lookup(&two->base, ".range", &attr), OTS_NOT_FOUND);
    assert_int_equal(view_lookup(&two->base, "app/.range", &attr), OTS_NOT_FOUND);
}

static void rows_go_to_their_source(void **state)
{
    struct two_sources *two = *state;
    struct view_fixture *fixture = &two->base;
    assert_int_equal(view_mkdir(fixture, "web/t/cpu"), OTS_OK);
    assert_int_equal(view_mkdir(fixture, "app/t/cpu"), OTS_OK);
    assert_int_equal(view_store(fixture, "web/t/cpu/_.lp", "cpu v=1i 1000\n"), OTS_OK);
    assert_int_equal(view_store(fixture, "app/t/cpu/_.lp", "cpu v=2i 1000\n"), OTS_OK);
    view_expect_text(fixture, "web/t/cpu/_.lp", "cpu v=1i 1000\n");
    view_expect_text(fixture, "app/t/cpu/_.lp", "cpu v=2i 1000\n");
    view_expect_text(fixture, "app/t/.fields/v/cpu/_.lp", "cpu v=2i 1000\n");
    view_expect_stored(fixture, "t", "cpu v=1i 1000\n");
}

static void tables_are_made_in_a_source_only(void **state)
{
    struct two_sources *two = *state;
    assert_int_equal(view_mkdir(&two->base, "web/new"), OTS_OK);
    view_expect_list(&two->base, "web", "new t ");
    view_expect_list(&two->base, "app", "t u ");
    assert_int_equal(view_mkdir(&two->base, "new"), OTS_NOT_PERMITTED);
    assert_int_equal(view_rmdir(&two->base, "web"), OTS_NOT_PERMITTED);
    assert_int_equal(view_create_status(&two->base, "_.lp", OTS_OPEN_WRITE), OTS_NOT_PERMITTED);
}

static void one_source_that_fails_does_not_hide_the_other(void **state)
{
    struct two_sources *two = *state;
    fake_store_fail(two->other, OTS_ACTION_LIST_TABLES, OTS_NETWORK, 2);
    view_expect_list(&two->base, "", "app web ");
    assert_int_equal(view_list_status(&two->base, "app"), OTS_NETWORK);
    view_expect_list(&two->base, "web", "t ");
}

static void a_sync_of_one_source_tells_of_its_tables(void **state)
{
    struct two_sources *two = *state;
    struct view_fixture *fixture = &two->base;
    assert_int_equal(view_mkdir(fixture, "web/t/cpu"), OTS_OK);
    fake_store_refuse(two->base.fake, 13);
    assert_int_equal(view_store(fixture, "web/t/cpu/_.lp", "cpu v=13i 1000\n"), OTS_OK);
    assert_int_equal(view_sync(fixture, "app"), OTS_OK);
    assert_int_equal(view_sync(fixture, "web"), OTS_IO);
    assert_int_equal(view_sync(fixture, "web"), OTS_OK);
    assert_int_equal(view_store(fixture, "web/t/cpu/_.lp", "cpu v=13i 2000\n"), OTS_OK);
    assert_int_equal(view_sync(fixture, ""), OTS_IO);
    assert_int_equal(view_sync(fixture, ""), OTS_OK);
}

int main(void)
{
#define WITH_SOURCES(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_SOURCES(each_source_is_a_directory),
        WITH_SOURCES(rows_go_to_their_source),
        WITH_SOURCES(tables_are_made_in_a_source_only),
        WITH_SOURCES(one_source_that_fails_does_not_hide_the_other),
        WITH_SOURCES(a_sync_of_one_source_tells_of_its_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
