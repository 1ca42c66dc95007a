#include "fs/view/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/view_fixture.h"

static const struct ots_tag tag = {OTS_SLICE("host"), OTS_SLICE("a")};
static const struct ots_series_key key = {OTS_SLICE("cpu"), OTS_SLICE(""), &tag, 1};

static void put_lines(struct view_fixture *fixture, int64_t count)
{
    char *lines = view_lines("cpu,host=a", 100, count);
    fake_store_put(fixture->fake, "t", lines);
    free(lines);
}

/* --- pages ------------------------------------------------------------------------------------*/

static void pages_come_in_order_until_the_last(void **state)
{
    struct view_fixture *fixture = *state;
    const struct {
        int64_t rows;
        size_t pages;
    } cases[] = {{0, 1}, {1, 1}, {10, 1}, {11, 2}, {20, 2}, {21, 3}};
    fake_store_page_rows(fixture->fake, 10);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ots_page_reader reader;
        ots_page_reader_init(&reader, fake_store_of(fixture->fake), OTS_SLICE("t"), &key);
        put_lines(fixture, cases[i].rows);
        size_t pages = 0;
        int64_t next_us = 100;
        while (!reader.is_last) {
            assert_int_equal(ots_page_reader_next(&reader, NULL, NULL), OTS_OK);
            const struct ots_rows *rows = &reader.call.response.page.rows;
            for (size_t row = 0; row < rows->count; row++)
                assert_int_equal(rows->items[row].time_us, next_us++);
            pages++;
        }
        assert_int_equal(pages, cases[i].pages);
        assert_int_equal(next_us, 100 + cases[i].rows);
        ots_page_reader_deinit(&reader);
    }
}

static void a_page_that_failed_can_be_asked_for_again(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_page_reader reader;
    struct ots_error err;
    fake_store_page_rows(fixture->fake, 10);
    put_lines(fixture, 15);
    ots_page_reader_init(&reader, fake_store_of(fixture->fake), OTS_SLICE("t"), &key);
    assert_int_equal(ots_page_reader_next(&reader, NULL, &err), OTS_OK);
    fake_store_fail(fixture->fake, OTS_ACTION_GET, OTS_NETWORK, 1);
    assert_int_equal(ots_page_reader_next(&reader, NULL, &err), OTS_NETWORK);
    assert_false(reader.is_last);
    assert_int_equal(ots_page_reader_next(&reader, NULL, &err), OTS_OK);
    assert_int_equal(reader.call.response.page.rows.items[0].time_us, 110);
    assert_true(reader.is_last);
    ots_page_reader_deinit(&reader);
}

/* --- snapshots --------------------------------------------------------------------------------*/

static struct ots_snapshot *snapshot_new(struct view_fixture *fixture, struct ots_slice table)
{
    struct ots_snapshot *snapshot = malloc(sizeof(*snapshot));
    struct ots_store *store = fake_store_of(fixture->fake);
    assert_int_equal(ots_snapshot_init(snapshot, store, table, &key), OTS_OK);
    return snapshot;
}

static void snapshot_free(struct ots_snapshot *snapshot)
{
    ots_snapshot_deinit(snapshot);
    free(snapshot);
}

static void only_what_is_needed_is_fetched(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_page_rows(fixture->fake, 10);
    put_lines(fixture, 25);
    struct ots_snapshot *snapshot = snapshot_new(fixture, OTS_SLICE("t"));
    /* 25 bytes a line. */
    const struct {
        uint64_t offset;
        uint64_t size_bytes;
        bool is_complete;
    } cases[] = {{0, 250, false},  {249, 250, false}, {250, 500, false},      {499, 500, false},
                 {500, 625, true}, {625, 625, true},  {UINT64_MAX, 625, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ots_snapshot_fetch(snapshot, cases[i].offset, NULL, NULL), OTS_OK);
        assert_int_equal(snapshot->extent.size_bytes, cases[i].size_bytes);
        assert_int_equal(snapshot->spool.size_bytes, cases[i].size_bytes);
        assert_int_equal(snapshot->is_complete, cases[i].is_complete);
    }
    assert_int_equal(snapshot->extent.row_count, 25);
    assert_int_equal(snapshot->extent.last_time_us, 124);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 3);
    snapshot_free(snapshot);
}

static void a_timeline_without_rows_is_complete(void **state)
{
    struct ots_snapshot *snapshot = snapshot_new(*state, OTS_SLICE("t"));
    assert_int_equal(ots_snapshot_fetch(snapshot, 0, NULL, NULL), OTS_OK);
    assert_true(snapshot->is_complete);
    assert_int_equal(snapshot->extent.size_bytes, 0);
    assert_int_equal(snapshot->extent.row_count, 0);
    snapshot_free(snapshot);
}

static void the_key_may_go_away(void **state)
{
    struct view_fixture *fixture = *state;
    put_lines(fixture, 1);
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key copy;
    struct ots_snapshot snapshot;
    struct ots_store *store = fake_store_of(fixture->fake);
    assert_int_equal(ots_series_key_copy(&arena, &key, &copy), OTS_OK);
    assert_int_equal(ots_snapshot_init(&snapshot, store, OTS_SLICE("t"), &copy), OTS_OK);
    ots_arena_deinit(&arena);
    assert_int_equal(ots_snapshot_fetch(&snapshot, 0, NULL, NULL), OTS_OK);
    assert_int_equal(snapshot.extent.row_count, 1);
    ots_snapshot_deinit(&snapshot);
}

static void a_table_that_is_not_there_is_an_error(void **state)
{
    struct ots_snapshot *snapshot = snapshot_new(*state, OTS_SLICE("nothing"));
    struct ots_error err;
    assert_int_equal(ots_snapshot_fetch(snapshot, 0, NULL, &err), OTS_NOT_FOUND);
    assert_false(snapshot->is_complete);
    snapshot_free(snapshot);
}

static void a_raised_interrupt_asks_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_snapshot *snapshot = snapshot_new(fixture, OTS_SLICE("t"));
    struct ots_interrupt raised;
    struct ots_error err;
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    assert_int_equal(ots_snapshot_fetch(snapshot, 0, &raised, &err), OTS_CANCELLED);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 0);
    assert_int_equal(ots_snapshot_fetch(snapshot, 0, NULL, &err), OTS_OK);
    assert_int_equal(ots_snapshot_fetch(snapshot, 0, &raised, &err), OTS_OK);
    ots_interrupt_deinit(&raised);
    snapshot_free(snapshot);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_setup, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_come_in_order_until_the_last),
        TEST(a_page_that_failed_can_be_asked_for_again),
        TEST(only_what_is_needed_is_fetched),
        TEST(a_timeline_without_rows_is_complete),
        TEST(the_key_may_go_away),
        TEST(a_table_that_is_not_there_is_an_error),
        TEST(a_raised_interrupt_asks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
