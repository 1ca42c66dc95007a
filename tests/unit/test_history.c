#include "fs/view/history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/found.h"

static struct ots_history *history_new(void)
{
    struct ots_history *history = malloc(sizeof(*history));
    ots_history_init(history);
    return history;
}

static void history_free(struct ots_history *history)
{
    ots_history_deinit(history);
    free(history);
}

/* Rows at `first_us`, `first_us` + 1, ... with lines of `size` bytes. */
static void add_rows(struct ots_found *found, int64_t first_us, size_t count, uint64_t size)
{
    struct ots_row_sum *lines = calloc(count, sizeof(*lines));
    for (size_t i = 0; i < count; i++)
        lines[i] = (struct ots_row_sum){first_us + (int64_t)i, size,
                                        size * 1000000 + (uint64_t)first_us + i};
    ots_found_add(found, lines, count);
    free(lines);
}

static void note(struct ots_history *history, const struct ots_extent *before,
                 const struct ots_found *found, uint64_t write_number, bool is_all)
{
    const struct ots_measured measured = {.extent = found->extent,
                                          .marks = found->is_unordered ? NULL : &found->marks,
                                          .write_number = write_number};
    ots_history_note(history, before, 0, &measured, is_all);
}

static const struct ots_extent nothing;

static void lines_add_up(void **state)
{
    (void)state;
    struct ots_found found = {0};
    add_rows(&found, 100, 12000, 50);
    assert_int_equal(found.extent.size_bytes, 600000);
    assert_int_equal(found.extent.row_count, 12000);
    assert_int_equal(found.extent.last_time_us, 12099);
    assert_int_equal(found.marks.count, 2);
    assert_false(found.is_unordered);
    add_rows(&found, 50, 1, 10);
    assert_true(found.is_unordered);
    assert_int_equal(found.extent.last_time_us, 12099);
    add_rows(&found, 20000, 6000, 10);
    assert_int_equal(found.marks.count, 2);
    assert_int_equal(found.extent.row_count, 18001);
    ots_found_deinit(&found);
    assert_int_equal(found.extent.row_count, 0);
    assert_int_equal(found.marks.count, 0);
    assert_false(found.is_unordered);
    ots_found_deinit(&found);
}

static void only_rows_behind_all_others_keep_the_version(void **state)
{
    (void)state;
    struct ots_history *history = history_new();
    struct ots_found found = {0};
    add_rows(&found, 100, 10, 5);
    note(history, &nothing, &found, 0, true);
    uint64_t version = history->version;
    ots_history_put_row(history, 110);
    ots_history_put_row(history, 200);
    assert_int_equal(history->version, version);
    const int64_t times[] = {200, 199, 150, 109, 0};
    for (size_t i = 0; i < 5; i++) {
        ots_history_put_row(history, times[i]);
        assert_int_equal(history->version, ++version);
    }
    ots_history_put_row(history, 201);
    assert_int_equal(history->version, version);
    ots_found_deinit(&found);
    history_free(history);
}

static void what_lies_before_a_write_is_known(void **state)
{
    (void)state;
    struct ots_history *history = history_new();
    struct ots_found found = {0};
    add_rows(&found, 0, 20000, 50);
    note(history, &nothing, &found, 0, true);
    const struct {
        int64_t written_us;
        uint64_t rows_known;
    } cases[] = {{20000, 20000}, {19999, 15000}, {15000, 15000}, {14999, 10000}, {3, 0}};
    for (size_t i = 0; i < 5; i++) {
        ots_history_write(history, cases[i].written_us);
        struct ots_extent known = ots_history_begin(history, &found.extent, i + 1);
        assert_int_equal(known.row_count, cases[i].rows_known);
        assert_int_equal(known.size_bytes, 50 * cases[i].rows_known);
        assert_int_equal(known.last_time_us,
                         cases[i].rows_known ? (int64_t)cases[i].rows_known - 1 : 0);
        /* Also when that measurement fails. */
        known = ots_history_begin(history, &found.extent, i + 1);
        assert_int_equal(known.row_count, cases[i].rows_known);
    }
    note(history, &found.extent, &found, 5, true);
    assert_int_equal(ots_history_begin(history, &found.extent, 5).row_count, 20000);
    ots_found_deinit(&found);
    history_free(history);
}

/* A measurement ends what was written before it began, not what came after. */
static void writes_during_a_measurement_stay(void **state)
{
    (void)state;
    struct ots_history *history = history_new();
    struct ots_found found = {0};
    add_rows(&found, 0, 20000, 50);
    note(history, &nothing, &found, 0, true);
    ots_history_write(history, 7000);
    assert_int_equal(ots_history_begin(history, &found.extent, 1).row_count, 5000);
    ots_history_write(history, 12000);
    note(history, &found.extent, &found, 1, false);
    assert_int_equal(history->marks.count, 2);
    assert_int_equal(ots_history_begin(history, &found.extent, 2).row_count, 10000);
    /* One that began earlier says nothing of it. */
    note(history, &found.extent, &found, 1, false);
    assert_int_equal(ots_history_begin(history, &found.extent, 2).row_count, 10000);
    ots_found_deinit(&found);
    history_free(history);
}

static void others_are_noticed(void **state)
{
    (void)state;
    struct ots_history *history = history_new();
    struct ots_found found = {0};
    struct ots_found other = {0};
    add_rows(&found, 100, 7000, 50);
    note(history, &nothing, &found, 0, true);
    uint64_t version = history->version;
    /* Found again, and grown. */
    note(history, &found.extent, &found, 0, true);
    struct ots_extent before = found.extent;
    add_rows(&found, 8000, 1, 50);
    note(history, &before, &found, 0, true);
    assert_int_equal(history->version, version);
    assert_int_equal(history->change_count, 0);
    /* One byte more, one row less, one row more before the first mark. */
    const size_t rows[] = {6999, 6998, 7001};
    for (size_t i = 0; i < 3; i++) {
        ots_found_deinit(&other);
        add_rows(&other, i == 2 ? 99 : 100, rows[i], 50);
        add_rows(&other, 8000, i == 0 ? 1 : 2, i == 0 ? 101 : 50);
        if (i == 2)
            add_rows(&other, 9000, 1, 50);
        note(history, &found.extent, &other, 0, true);
        assert_int_equal(history->version, version + 2 * i + 1);
        assert_int_equal(history->change_count, 2 * i + 1);
        note(history, &other.extent, &found, 0, true);
    }
    ots_found_deinit(&other);
    ots_found_deinit(&found);
    history_free(history);
}

/* Rows that expire are no change of what an open file shows. */
static void another_first_time_ends_no_version(void **state)
{
    (void)state;
    struct ots_history *history = history_new();
    struct ots_found found = {0};
    add_rows(&found, 100, 7000, 50);
    note(history, &nothing, &found, 0, true);
    uint64_t version = history->version;
    struct ots_found later = {0};
    add_rows(&later, 200, 6900, 50);
    const struct ots_measured measured = {
        .extent = later.extent, .marks = &later.marks, .begin_us = 200};
    ots_history_note(history, &found.extent, 0, &measured, true);
    assert_int_equal(history->version, version);
    assert_int_equal(history->change_count, 1);
    assert_int_equal(history->marks.items[0].time_us, 5200);
    ots_found_deinit(&later);
    ots_found_deinit(&found);
    history_free(history);
}

/* As many marks and the same last one are the same only if the text before it is. */
static void marks_on_disk_are_told_from_others(void **state)
{
    (void)state;
    struct ots_history *history = history_new();
    struct ots_found found = {0};
    add_rows(&found, 100, 7000, 50);
    note(history, &nothing, &found, 0, true);
    assert_false(ots_history_has_kept_marks(history));
    ots_history_note_kept_marks(history);
    assert_true(ots_history_has_kept_marks(history));
    history->marks.items[0].hash++;
    assert_false(ots_history_has_kept_marks(history));
    history->marks.items[0].hash--;
    struct ots_found more = {0};
    add_rows(&more, 100, 12000, 50);
    note(history, &found.extent, &more, 0, true);
    assert_false(ots_history_has_kept_marks(history));
    ots_found_deinit(&more);
    ots_found_deinit(&found);
    history_free(history);
}

static void unordered_rows_leave_no_wrong_marks(void **state)
{
    (void)state;
    struct ots_history *history = history_new();
    struct ots_found found = {0};
    struct ots_found unordered = {0};
    add_rows(&found, 100, 7000, 50);
    note(history, &nothing, &found, 0, true);
    add_rows(&unordered, 101, 6999, 50);
    add_rows(&unordered, 100, 1, 50);
    /* The same text: what is known of it stays. */
    note(history, &found.extent, &unordered, 0, true);
    assert_int_equal(history->marks.count, 1);
    struct ots_found other = {.extent = unordered.extent, .is_unordered = true};
    other.extent.hash++;
    note(history, &found.extent, &other, 0, true);
    assert_int_equal(history->marks.count, 0);
    note(history, &nothing, &found, 0, true);
    assert_int_equal(history->marks.count, 1);
    add_rows(&unordered, 8000, 1, 50);
    note(history, &found.extent, &unordered, 0, true);
    assert_int_equal(history->marks.count, 0);
    ots_found_deinit(&other);
    ots_found_deinit(&unordered);
    ots_found_deinit(&found);
    history_free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_add_up),
        cmocka_unit_test(only_rows_behind_all_others_keep_the_version),
        cmocka_unit_test(what_lies_before_a_write_is_known),
        cmocka_unit_test(writes_during_a_measurement_stay),
        cmocka_unit_test(others_are_noticed),
        cmocka_unit_test(another_first_time_ends_no_version),
        cmocka_unit_test(unordered_rows_leave_no_wrong_marks),
        cmocka_unit_test(marks_on_disk_are_told_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
