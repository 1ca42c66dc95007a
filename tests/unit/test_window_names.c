/*
 * The names of windows of changes, and windows within windows.
 */
#include "fs/view/selection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static enum ots_status parse_changes(const char *name, struct ots_selection *selection)
{
    return ots_selection_parse_changes(ots_slice_str(name), selection);
}

static void windows_of_changes(void **state)
{
    (void)state;
    struct ots_selection selection;
    assert_int_equal(parse_changes("20231114221320Z-20231114221321Z", &selection), OTS_OK);
    assert_true(selection.is_window);
    assert_int_equal(selection.put_begin_us, INT64_C(1700000000000000));
    assert_int_equal(selection.put_end_us, INT64_C(1700000001000000));
    assert_int_equal(selection.begin_us, 0);
    assert_int_equal(selection.end_us, INT64_MAX);
    set_zone("Asia/Shanghai");
    assert_int_equal(parse_changes("20231115061320-20231115061321", &selection), OTS_OK);
    assert_int_equal(selection.put_begin_us, INT64_C(1700000000000000));
    set_zone("UTC");
    assert_int_equal(parse_changes("19691231235959Z-19700101000001Z", &selection), OTS_OK);
    assert_int_equal(selection.put_begin_us, -1000000);
}

/* Who got a window wrong is told another thing than who got a name wrong. */
static void names_of_no_window(void **state)
{
    (void)state;
    static const char *const MALFORMED[] = {
        "",
        "x",
        "20231114221320Z-20231114221321",
        "20231114221320-20231114221321Z",
        "20231114221320Z",
        "20230229000000Z-20230301000000Z",
        "20231114221321Z-20231114221360Z",
        "20231114221320Z-20231114221321Z ",
    };
    struct ots_selection selection;
    for (size_t i = 0; i < sizeof(MALFORMED) / sizeof(MALFORMED[0]); i++)
        assert_int_equal(parse_changes(MALFORMED[i], &selection), OTS_NOT_FOUND);
    assert_int_equal(parse_changes("20231114221320Z-20231114221320Z", &selection), OTS_INVALID);
    assert_int_equal(parse_changes("20231114221321Z-20231114221320Z", &selection), OTS_INVALID);
    assert_int_equal(parse_changes("20231114221321-20231114221320", &selection), OTS_INVALID);
}

static void names_of_windows(void **state)
{
    (void)state;
    struct ots_buf name = OTS_BUF_INIT;
    ots_window_name_append(INT64_C(1700000000000000), INT64_C(3600000000), &name);
    assert_int_equal(name.size, OTS_WINDOW_NAME_BYTES);
    assert_memory_equal(name.data, "20231114221320Z-20231114231320Z", name.size);
    ots_buf_deinit(&name);
}

static void expect_windows(const char *a, const char *b, const char *wanted)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_selection left;
    struct ots_selection right;
    struct ots_selection both;
    assert_int_equal(parse_changes(a, &left), OTS_OK);
    assert_int_equal(parse_changes(b, &right), OTS_OK);
    enum ots_status status = ots_selection_intersect(&left, &right, &arena, &both);
    assert_int_equal(status, wanted ? OTS_OK : OTS_INVALID);
    if (wanted) {
        assert_int_equal(parse_changes(wanted, &left), OTS_OK);
        assert_true(both.is_window);
        assert_int_equal(both.put_begin_us, left.put_begin_us);
        assert_int_equal(both.put_end_us, left.put_end_us);
    }
    ots_arena_deinit(&arena);
}

static void windows_within_windows(void **state)
{
    (void)state;
    const char *hour = "20231114220000Z-20231114230000Z";
    const char *half = "20231114223000Z-20231114233000Z";
    expect_windows(hour, hour, hour);
    expect_windows(hour, half, "20231114223000Z-20231114230000Z");
    expect_windows(half, hour, "20231114223000Z-20231114230000Z");
    expect_windows(hour, "20231114230000Z-20231115000000Z", NULL);
    expect_windows("20231114230000Z-20231115000000Z", hour, NULL);
}

static void windows_ranges_and_fields(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_selection window;
    struct ots_selection range;
    struct ots_selection fields;
    struct ots_selection both;
    struct ots_selection all;
    assert_int_equal(parse_changes("20231114220000Z-20231114230000Z", &window), OTS_OK);
    assert_int_equal(
        ots_selection_parse_range(OTS_SLICE("20231114000000Z-20231115000000Z"), &range), OTS_OK);
    assert_int_equal(ots_selection_parse_fields(OTS_SLICE("a"), &arena, &fields), OTS_OK);
    assert_int_equal(ots_selection_intersect(&window, &range, &arena, &both), OTS_OK);
    assert_int_equal(ots_selection_intersect(&fields, &both, &arena, &all), OTS_OK);
    assert_true(all.is_window);
    assert_int_equal(all.put_begin_us, window.put_begin_us);
    assert_int_equal(all.put_end_us, window.put_end_us);
    assert_int_equal(all.begin_us, range.begin_us);
    assert_int_equal(all.end_us, range.end_us);
    assert_int_equal(all.field_count, 1);
    assert_int_equal(ots_selection_intersect(&range, &fields, &arena, &both), OTS_OK);
    assert_false(both.is_window);
    ots_arena_deinit(&arena);
}

/* --- fields of a record -----------------------------------------------------------------------*/

static bool has_field(const char *names, const char *name, enum ots_value_type type)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_selection selection = OTS_SELECTION_ALL;
    if (*names)
        assert_int_equal(ots_selection_parse_fields(ots_slice_str(names), &arena, &selection),
                         OTS_OK);
    const struct ots_field field = {.name = ots_slice_str(name), .value = {.type = type}};
    bool has = ots_selection_has_field(&selection, &field);
    ots_arena_deinit(&arena);
    return has;
}

static void fields_that_are_selected(void **state)
{
    (void)state;
    assert_true(has_field("", "a", OTS_INTEGER));
    assert_true(has_field("b,a", "a", OTS_INTEGER));
    assert_false(has_field("b,a", "c", OTS_INTEGER));
    assert_true(has_field("a:string", "a", OTS_STRING));
    assert_false(has_field("a:string", "a", OTS_INTEGER));
}

int main(void)
{
    set_zone("UTC");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_of_changes),        cmocka_unit_test(names_of_no_window),
        cmocka_unit_test(names_of_windows),          cmocka_unit_test(windows_within_windows),
        cmocka_unit_test(windows_ranges_and_fields), cmocka_unit_test(fields_that_are_selected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
