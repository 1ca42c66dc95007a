#include "fs/view/marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Lines of `size` bytes, one each microsecond from `first_us` on, behind `at`. */
static struct ots_extent extent(uint64_t size_bytes, uint64_t row_count, int64_t last_time_us)
{
    return (struct ots_extent){
        .size_bytes = size_bytes, .row_count = row_count, .last_time_us = last_time_us};
}

static bool pass_lines(struct ots_marks *marks, struct ots_extent *at, uint64_t count,
                       uint64_t size)
{
    size_t next = ots_marks_index(marks, at->size_bytes);
    bool is_same = true;
    for (uint64_t i = 0; i < count; i++) {
        is_same = ots_marks_pass(marks, &next, at, at->last_time_us + 1) && is_same;
        at->size_bytes += size;
        at->row_count++;
        at->last_time_us++;
    }
    return is_same;
}

static void short_lines_are_marked_by_number(void **state)
{
    (void)state;
    struct ots_marks marks = {0};
    struct ots_extent at = extent(0, 0, 999);
    assert_true(pass_lines(&marks, &at, 10001, 30));
    assert_int_equal(marks.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(marks.items[i].row_index, (i + 1) * OTS_MARK_ROWS);
        assert_int_equal(marks.items[i].offset, (i + 1) * OTS_MARK_ROWS * 30);
        assert_int_equal(marks.items[i].time_us, 1000 + (i + 1) * OTS_MARK_ROWS);
    }
    ots_marks_deinit(&marks);
}

static void long_lines_are_marked_by_size(void **state)
{
    (void)state;
    struct ots_marks marks = {0};
    struct ots_extent at = extent(0, 0, -1);
    enum { SIZE = 400000, LINES = 50 };
    assert_true(pass_lines(&marks, &at, LINES, SIZE));
    size_t mark = 0;
    /* The first line that begins in each MiB. */
    for (uint64_t line = 1; line < LINES; line++) {
        if (line * SIZE / OTS_MARK_BYTES == (line - 1) * SIZE / OTS_MARK_BYTES)
            continue;
        assert_int_equal(marks.items[mark].offset, line * SIZE);
        assert_int_equal(marks.items[mark++].time_us, line);
    }
    assert_int_equal(marks.count, mark);
    ots_marks_deinit(&marks);
}

static void lines_longer_than_a_step_are_all_marked(void **state)
{
    (void)state;
    struct ots_marks marks = {0};
    struct ots_extent at = {0};
    pass_lines(&marks, &at, 5, 3 * OTS_MARK_BYTES);
    assert_int_equal(marks.count, 4);
    ots_marks_deinit(&marks);
}

static void the_nearest_mark_is_found(void **state)
{
    (void)state;
    struct ots_marks marks = {0};
    struct ots_extent at = extent(0, 0, -1);
    assert_null(ots_marks_floor(&marks, 100));
    assert_null(ots_marks_floor_time(&marks, 100));
    pass_lines(&marks, &at, 20001, 10);
    const struct {
        uint64_t offset;
        uint64_t row_index;
        size_t index;
    } cases[] = {{0, 0, 0},          {49999, 0, 0},      {50000, 5000, 0},
                 {50001, 5000, 1},   {99999, 5000, 1},   {150000, 15000, 2},
                 {200000, 20000, 3}, {200001, 20000, 4}, {UINT64_MAX, 20000, 4}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct ots_mark *mark = ots_marks_floor(&marks, cases[i].offset);
        assert_int_equal(mark ? mark->row_index : 0, cases[i].row_index);
        assert_int_equal(ots_marks_index(&marks, cases[i].offset), cases[i].index);
    }
    assert_null(ots_marks_floor_time(&marks, 4999));
    assert_int_equal(ots_marks_floor_time(&marks, 5000)->row_index, 5000);
    assert_int_equal(ots_marks_floor_time(&marks, 9999)->row_index, 5000);
    assert_int_equal(ots_marks_floor_time(&marks, INT64_MAX)->row_index, 20000);
    ots_marks_deinit(&marks);
}

static void who_comes_again_adds_nothing(void **state)
{
    (void)state;
    struct ots_marks marks = {0};
    struct ots_extent at = {0};
    pass_lines(&marks, &at, 20001, 10);
    at = (struct ots_extent){0};
    assert_true(pass_lines(&marks, &at, 20001, 10));
    assert_int_equal(marks.count, 4);
    /* From a mark in the middle on. */
    at = extent(100000, 10000, 10000);
    assert_true(pass_lines(&marks, &at, 15000, 10));
    assert_int_equal(marks.count, 4);
    ots_marks_deinit(&marks);
}

static void gaps_are_filled(void **state)
{
    (void)state;
    struct ots_marks whole = {0};
    struct ots_marks marks = {0};
    struct ots_extent at = {0};
    pass_lines(&whole, &at, 50000, 100);
    at = extent(2500000, 25000, 25000);
    pass_lines(&marks, &at, 25000, 100);
    at = (struct ots_extent){0};
    assert_true(pass_lines(&marks, &at, 50000, 100));
    assert_int_equal(marks.count, whole.count);
    assert_memory_equal(marks.items, whole.items, whole.count * sizeof(*whole.items));
    ots_marks_deinit(&whole);
    ots_marks_deinit(&marks);
}

static void a_text_that_changed_is_noticed(void **state)
{
    (void)state;
    const struct ots_extent changes[] = {extent(1, 0, 0), extent(0, 1, 0), extent(0, 0, 1)};
    for (size_t i = 0; i < 3; i++) {
        struct ots_marks marks = {0};
        struct ots_extent at = {0};
        pass_lines(&marks, &at, 20000, 10);
        /* Before the first mark, by a byte, a row or a microsecond. */
        at = changes[i];
        assert_true(pass_lines(&marks, &at, 4990, 10));
        assert_false(pass_lines(&marks, &at, 20, 10));
        ots_marks_deinit(&marks);
    }
}

static void marks_of_later_rows_are_cut(void **state)
{
    (void)state;
    struct ots_marks marks = {0};
    struct ots_extent at = extent(0, 0, -1);
    pass_lines(&marks, &at, 20001, 10);
    ots_marks_cut(&marks, 20001);
    assert_int_equal(marks.count, 4);
    /* A row that is replaced begins where it began. */
    ots_marks_cut(&marks, 15000);
    assert_int_equal(marks.count, 3);
    ots_marks_cut(&marks, 14999);
    assert_int_equal(marks.count, 2);
    ots_marks_cut(&marks, 0);
    assert_int_equal(marks.count, 0);
    ots_marks_deinit(&marks);
}

static void growth_is_told_from_change(void **state)
{
    (void)state;
    struct ots_marks sooner = {0};
    struct ots_marks later = {0};
    struct ots_extent at = {0};
    pass_lines(&sooner, &at, 12000, 10);
    assert_true(ots_marks_is_growth(&sooner, &later));
    assert_true(ots_marks_is_growth(&later, &sooner));
    at = (struct ots_extent){0};
    pass_lines(&later, &at, 22000, 10);
    assert_true(ots_marks_is_growth(&sooner, &later));
    const struct ots_extent changes[] = {extent(1, 0, 0), extent(0, 1, 0), extent(0, 0, 1)};
    for (size_t i = 0; i < 3; i++) {
        at = changes[i];
        ots_marks_clear(&later);
        pass_lines(&later, &at, 22000, 10);
        assert_false(ots_marks_is_growth(&sooner, &later));
    }
    ots_marks_deinit(&sooner);
    ots_marks_deinit(&later);
}

static void they_are_bounded(void **state)
{
    (void)state;
    struct ots_marks marks = {0};
    struct ots_extent at = {0};
    const uint64_t lines = 3 * (uint64_t)OTS_MARKS_MAX;
    assert_true(pass_lines(&marks, &at, lines, OTS_MARK_BYTES));
    assert_int_equal(marks.doublings, 2);
    assert_int_equal(marks.count, lines / 4 - 1);
    for (size_t i = 0; i < marks.count; i++)
        assert_int_equal(marks.items[i].offset, (i + 1) * 4 * (uint64_t)OTS_MARK_BYTES);
    struct ots_marks copy = {0};
    ots_marks_copy(&marks, &copy);
    assert_int_equal(copy.count, marks.count);
    at = (struct ots_extent){0};
    assert_true(pass_lines(&copy, &at, lines, OTS_MARK_BYTES));
    assert_int_equal(copy.count, marks.count);
    assert_true(ots_marks_is_growth(&copy, &marks));
    ots_marks_deinit(&copy);
    ots_marks_deinit(&marks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_lines_are_marked_by_number),
        cmocka_unit_test(long_lines_are_marked_by_size),
        cmocka_unit_test(lines_longer_than_a_step_are_all_marked),
        cmocka_unit_test(the_nearest_mark_is_found),
        cmocka_unit_test(who_comes_again_adds_nothing),
        cmocka_unit_test(gaps_are_filled),
        cmocka_unit_test(a_text_that_changed_is_noticed),
        cmocka_unit_test(marks_of_later_rows_are_cut),
        cmocka_unit_test(growth_is_told_from_change),
        cmocka_unit_test(they_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
