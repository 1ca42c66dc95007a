/*
 * Changes that overtake a measurement.
 */
#include "fs/view/measuring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/apply_fixture.h"

struct fixture {
    struct apply_fixture table;
    struct ots_measuring measuring;
    struct ots_found found;
    struct ots_node *timeline;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    if (!fixture)
        return -1;
    apply_fixture_init(&fixture->table, 0, 0);
    fixture->timeline = apply_fixture_timeline(&fixture->table, 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ots_measuring_end_locked(&fixture->table.table, &fixture->measuring);
    assert_null(fixture->table.table.measurings);
    ots_measuring_deinit(&fixture->measuring);
    ots_found_deinit(&fixture->found);
    apply_fixture_deinit(&fixture->table);
    free(fixture);
    return 0;
}

static void begin(struct fixture *fixture, int64_t after_us)
{
    ots_measuring_begin_locked(&fixture->table.table, fixture->timeline, after_us,
                               &fixture->measuring);
}

static void read_row(struct fixture *fixture, int64_t time_us, unsigned value)
{
    const struct ots_row_sum line = apply_fixture_sum(time_us, value);
    ots_found_add(&fixture->found, &line, 1);
    ots_measuring_read(&fixture->measuring, &line, 1);
}

static void change(struct fixture *fixture, int64_t time_us, unsigned value)
{
    const struct ots_row_sum sum = apply_fixture_sum(time_us, value);
    ots_measuring_note_locked(&fixture->table.table, fixture->timeline, &sum);
}

static int64_t settle(struct fixture *fixture)
{
    return ots_measuring_settle_locked(&fixture->measuring, &fixture->found);
}

static void expect(const struct fixture *fixture, uint64_t size_bytes, uint64_t row_count)
{
    assert_int_equal(fixture->found.extent.size_bytes, size_bytes);
    assert_int_equal(fixture->found.extent.row_count, row_count);
}

static void what_was_read_already_counts_once(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, INT64_MIN);
    read_row(fixture, 1, 1);
    read_row(fixture, 2, 2);
    change(fixture, 2, 2);
    assert_int_equal(settle(fixture), INT64_MAX);
    expect(fixture, 23, 2);
}

static void what_was_not_there_is_added(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, INT64_MIN);
    read_row(fixture, 2, 1);
    read_row(fixture, 4, 1);
    change(fixture, 3, 0);
    change(fixture, 1, 0);
    change(fixture, 5, 0);
    assert_int_equal(settle(fixture), INT64_MAX);
    expect(fixture, 52, 5);
    assert_int_equal(fixture->found.extent.first_time_us, 1);
    assert_int_equal(fixture->found.extent.last_time_us, 5);
    uint64_t hash = 0;
    for (int64_t t = 1; t <= 5; t++)
        hash += apply_fixture_sum(t, t == 2 || t == 4).hash;
    assert_int_equal(fixture->found.extent.hash, hash);
}

static void the_last_change_of_a_row_counts(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, INT64_MIN);
    read_row(fixture, 1, 1);
    change(fixture, 1, 5);
    change(fixture, 1, 3);
    change(fixture, 2, 3);
    change(fixture, 2, 4);
    assert_int_equal(settle(fixture), INT64_MAX);
    expect(fixture, 27, 2);
}

static void of_what_is_not_read_nothing_is_certain(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, 10);
    read_row(fixture, 11, 1);
    change(fixture, 12, 1);
    change(fixture, 10, 1);
    change(fixture, 4, 1);
    assert_int_equal(settle(fixture), 4);
    expect(fixture, 22, 2);
}

static void a_row_that_cannot_be_summed_is_not_certain(void **state)
{
    struct fixture *fixture = *state;
    const struct ots_row_sum lost = {.time_us = 7};
    begin(fixture, INT64_MIN);
    read_row(fixture, 9, 1);
    ots_measuring_note_locked(&fixture->table.table, fixture->timeline, &lost);
    assert_int_equal(settle(fixture), 7);
}

static void others_are_not_told(void **state)
{
    struct fixture *fixture = *state;
    const struct ots_row_sum sum = apply_fixture_sum(1, 1);
    begin(fixture, INT64_MIN);
    ots_measuring_note_locked(&fixture->table.table, apply_fixture_timeline(&fixture->table, 1),
                              &sum);
    assert_int_equal(settle(fixture), INT64_MAX);
    expect(fixture, 0, 0);
}

static void of_many_rows_the_last_are_remembered(void **state)
{
    enum { COUNT = 3 * OTS_MEASURING_ROWS_MAX };
    struct fixture *fixture = *state;
    begin(fixture, INT64_MIN);
    for (int64_t t = 1; t <= COUNT; t++)
        read_row(fixture, t, 0);
    change(fixture, COUNT - 1, 5);
    assert_int_equal(settle(fixture), INT64_MAX);
    expect(fixture, (uint64_t)COUNT * 10 + 5, COUNT);
    change(fixture, 5, 5);
    assert_int_equal(settle(fixture), 5);
    ots_measuring_count_locked(&fixture->table.table, &fixture->measuring);
    const struct ots_ahead *ahead = fixture->table.table.ahead;
    struct ots_ahead_counts counts;
    ots_ahead_counts(ahead, &counts);
    assert_int_equal(counts.counted, OTS_MEASURING_ROWS_MAX);
    assert_true(ots_ahead_content(ahead, fixture->timeline, COUNT));
    assert_false(ots_ahead_content(ahead, fixture->timeline, COUNT / 2));
}

static void of_many_changes_the_first_are_remembered(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture, INT64_MIN);
    for (int64_t t = 1; t <= OTS_MEASURING_CHANGES_MAX + 10; t++)
        change(fixture, t, 0);
    assert_int_equal(settle(fixture), OTS_MEASURING_CHANGES_MAX + 1);
}

/* All of it together. */
static void a_timeline_is_known_afterwards(void **state)
{
    struct fixture *fixture = *state;
    struct ots_table *table = &fixture->table.table;
    ots_apply_dirty_locked(table, fixture->timeline, 1);
    begin(fixture, INT64_MIN);
    read_row(fixture, 1, 1);
    apply_fixture_put(&fixture->table, 0, 2, 1, 1);
    ots_extract_note_read_locked(&table->whole, &fixture->measuring, &fixture->found, 0, false);
    assert_false(apply_fixture_is_dirty(fixture->timeline));
    assert_int_equal(fixture->timeline->timeline.extent.size_bytes, 22);
    assert_int_equal(table->whole.unmeasured_count, 0);
    /* Rows are known then. */
    apply_fixture_put(&fixture->table, 0, 1, 4, 1);
    assert_int_equal(fixture->timeline->timeline.extent.size_bytes, 25);
    assert_false(apply_fixture_is_dirty(fixture->timeline));
}

static void what_somebody_else_measured_meanwhile_stays(void **state)
{
    struct fixture *fixture = *state;
    struct ots_table *table = &fixture->table.table;
    begin(fixture, INT64_MIN);
    read_row(fixture, 1, 1);
    const struct ots_measured newer = {
        .extent = {.size_bytes = 50, .row_count = 4, .first_time_us = 1, .last_time_us = 9},
        .write_number = table->write_number};
    ots_extract_note_locked(&table->whole, fixture->timeline, &newer);
    ots_extract_note_read_locked(&table->whole, &fixture->measuring, &fixture->found, 0, false);
    assert_int_equal(fixture->timeline->timeline.extent.size_bytes, 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_read_already_counts_once),
        TEST(what_was_not_there_is_added),
        TEST(the_last_change_of_a_row_counts),
        TEST(of_what_is_not_read_nothing_is_certain),
        TEST(a_row_that_cannot_be_summed_is_not_certain),
        TEST(others_are_not_told),
        TEST(of_many_rows_the_last_are_remembered),
        TEST(of_many_changes_the_first_are_remembered),
        TEST(a_timeline_is_known_afterwards),
        TEST(what_somebody_else_measured_meanwhile_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
