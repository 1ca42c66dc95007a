#include "fs/view/page_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ROWS = 6 };

/* Rows of these sizes at offset 100; the third has no line. */
static const uint64_t SIZES[ROWS] = {10, 20, 0, 30, 40, 50};

static int setup(void **state)
{
    struct ots_page_rows *page = malloc(sizeof(*page));
    ots_page_rows_init(page);
    *state = page;
    return 0;
}

static int teardown(void **state)
{
    ots_page_rows_clear(*state);
    free(*state);
    return 0;
}

static void add_sums(struct ots_page_rows *page, size_t cut)
{
    ots_page_rows_begin(page, 100);
    for (size_t i = 0; i < ROWS; i++) {
        const struct ots_row_sum sum = {(int64_t)i, SIZES[i], i};
        if (i == cut)
            ots_page_rows_cut(page);
        ots_page_rows_add(page, &sum);
    }
}

/* A page of `cut` rows that can be shown. */
static void fill(struct ots_page_rows *page, size_t cut)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_GET);
    struct ots_row *rows = ots_arena_array(&call.arena, ROWS, sizeof(*rows));
    assert_non_null(rows);
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = (struct ots_row){.time_us = (int64_t)i};
    call.response.page.rows = (struct ots_rows){rows, ROWS, ROWS};
    add_sums(page, cut);
    ots_page_rows_take(page, &call);
    assert_null(call.response.page.rows.items);
}

/* The rows from `first` on, `count` of them; none with 0. */
static void expect(struct ots_page_rows *page, uint64_t offset, uint64_t size, size_t first,
                   size_t count)
{
    struct ots_row_span span = {0};
    assert_int_equal(ots_page_rows_find(page, offset, size, &span), count != 0);
    if (!count)
        return;
    assert_int_equal(span.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(span.rows[i].time_us, first + i);
        assert_int_equal(span.sums[i].size_bytes, SIZES[first + i]);
    }
}

static void lines_are_found_by_their_places(void **state)
{
    struct ots_page_rows *page = *state;
    fill(page, ROWS);
    expect(page, 100, 1000, 0, 6);
    expect(page, 100, 150, 0, 6);
    expect(page, 100, 149, 0, 5);
    expect(page, 100, 30, 0, 3);
    expect(page, 100, 29, 0, 1);
    expect(page, 100, 9, 0, 0);
    expect(page, 101, 1000, 0, 0);
    expect(page, 160, 45, 4, 1);
    expect(page, 200, 50, 5, 1);
    /* Back again. */
    expect(page, 110, 50, 1, 3);
    expect(page, 129, 50, 1, 0);
    expect(page, 99, 50, 0, 0);
    expect(page, 250, 50, 0, 0);
    expect(page, UINT64_MAX, UINT64_MAX, 0, 0);
}

static void a_row_without_a_line_comes_with_others(void **state)
{
    struct ots_page_rows *page = *state;
    fill(page, ROWS);
    /* Alone it is nothing. */
    expect(page, 130, 29, 0, 0);
    expect(page, 130, 30, 2, 2);
}

static void what_cannot_be_shown_ends_it(void **state)
{
    struct ots_page_rows *page = *state;
    fill(page, 4);
    expect(page, 100, 1000, 0, 4);
    expect(page, 160, 1000, 0, 0);
    assert_true(ots_page_rows_has(page, 159));
    assert_false(ots_page_rows_has(page, 160));
    fill(page, 0);
    assert_false(ots_page_rows_has(page, 100));
}

static void without_its_call_it_has_nothing(void **state)
{
    struct ots_page_rows *page = *state;
    assert_false(ots_page_rows_has(page, 0));
    add_sums(page, ROWS);
    expect(page, 100, 1000, 0, 0);
    fill(page, ROWS);
    expect(page, 100, 1000, 0, 6);
    ots_page_rows_begin(page, 100);
    expect(page, 100, 1000, 0, 0);
    fill(page, ROWS);
    ots_page_rows_clear(page);
    expect(page, 100, 1000, 0, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_found_by_their_places),
        TEST(a_row_without_a_line_comes_with_others),
        TEST(what_cannot_be_shown_ends_it),
        TEST(without_its_call_it_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
