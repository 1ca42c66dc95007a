#include "fs/view/found.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void what_lines_have_adds_up(void **state)
{
    (void)state;
    const struct ots_row_sum lines[] = {{10, 100, 7}, {30, 50, UINT64_MAX}, {20, 1, 5}};
    struct ots_found found = {0};
    ots_found_add(&found, lines, 2);
    assert_int_equal(found.extent.size_bytes, 150);
    assert_int_equal(found.extent.row_count, 2);
    assert_int_equal(found.extent.first_time_us, 10);
    assert_int_equal(found.extent.last_time_us, 30);
    assert_int_equal(found.extent.hash, 6);
    assert_false(found.is_unordered);
    ots_found_add(&found, &lines[2], 1);
    assert_int_equal(found.extent.first_time_us, 10);
    assert_int_equal(found.extent.last_time_us, 30);
    assert_int_equal(found.extent.hash, 11);
    assert_true(found.is_unordered);
    ots_found_deinit(&found);
    assert_int_equal(found.extent.row_count, 0);
    assert_false(found.is_unordered);
}

static void order_counts_only_for_marks(void **state)
{
    (void)state;
    const struct ots_row_sum lines[] = {{-5, 10, 3}, {0, 20, 4}, {7, 30, 5}};
    struct ots_found found = {0};
    for (size_t i = 3; i; i--)
        ots_found_add(&found, &lines[i - 1], 1);
    assert_int_equal(found.extent.first_time_us, -5);
    assert_int_equal(found.extent.last_time_us, 7);
    assert_int_equal(found.extent.size_bytes, 60);
    assert_int_equal(found.extent.hash, 12);
    ots_found_deinit(&found);
}

/* The text can be measured on from there. */
static void marks_know_what_lies_before(void **state)
{
    (void)state;
    enum { COUNT = 2 * OTS_MARK_ROWS + 1 };
    struct ots_row_sum *lines = calloc(COUNT, sizeof(*lines));
    for (size_t i = 0; i < COUNT; i++)
        lines[i] = (struct ots_row_sum){(int64_t)i, 10, i + 1};
    struct ots_found found = {0};
    ots_found_add(&found, lines, COUNT);
    assert_int_equal(found.marks.count, 2);
    for (size_t i = 0; i < 2; i++) {
        uint64_t rows = (i + 1) * OTS_MARK_ROWS;
        assert_int_equal(found.marks.items[i].row_index, rows);
        assert_int_equal(found.marks.items[i].hash, rows * (rows + 1) / 2);
    }
    ots_found_deinit(&found);
    free(lines);
}

/* Some have marks, which go with the list, and some are in no order. */
static void many_are_told_apart(void **state)
{
    (void)state;
    enum { COUNT = 20000, SPECIAL = 1000 };
    struct ots_found_list list = {0};
    struct ots_row_sum *lines = calloc(OTS_MARK_ROWS + 1, sizeof(*lines));
    for (size_t i = 0; i <= OTS_MARK_ROWS; i++)
        lines[i].time_us = (int64_t)i + 1;
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(list.count, i);
        assert_true(ots_found_list_add(&list));
        assert_int_equal(ots_found_list_at(&list, i).extent.row_count, 0);
        assert_int_equal(ots_found_list_add_lines(&list, i, lines, 1 + i % 3), OTS_OK);
    }
    for (size_t i = 0; i < COUNT; i += SPECIAL) {
        size_t before = 1 + i % 3;
        assert_int_equal(ots_found_list_add_lines(&list, i, lines + before, OTS_MARK_ROWS - before),
                         OTS_OK);
        assert_int_equal(ots_found_list_add_lines(&list, i, lines + OTS_MARK_ROWS, 1), OTS_OK);
        assert_int_equal(ots_found_list_add_lines(&list, i + 1, lines, 1), OTS_OK);
    }
    for (size_t i = 0; i < COUNT; i++) {
        const struct ots_found found = ots_found_list_at(&list, i);
        bool is_long = i % SPECIAL == 0;
        bool is_unordered = i % SPECIAL == 1;
        assert_int_equal(found.extent.row_count,
                         is_long ? OTS_MARK_ROWS + 1 : 1 + i % 3 + is_unordered);
        assert_int_equal(found.marks.count, is_long);
        assert_int_equal(found.is_unordered, is_unordered);
    }
    ots_found_list_deinit(&list);
    assert_int_equal(list.count, 0);
    ots_found_list_deinit(&list);
    free(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lines_have_adds_up),
        cmocka_unit_test(order_counts_only_for_marks),
        cmocka_unit_test(marks_know_what_lies_before),
        cmocka_unit_test(many_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
