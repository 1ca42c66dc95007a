#include "fs/view/selection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define SECONDS_OF_2023 INT64_C(1700000000) /* 2023-11-14 22:13:20 UTC */

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static enum ots_status parse_range(const char *name, struct ots_selection *selection)
{
    return ots_selection_parse_range(ots_slice_str(name), selection);
}

static void expect_range(const char *name, int64_t begin_s, int64_t end_s)
{
    struct ots_selection selection;
    if (parse_range(name, &selection) != OTS_OK)
        fail_msg("%s is refused", name);
    assert_int_equal(selection.begin_us, begin_s * 1000000);
    assert_int_equal(selection.end_us, end_s * 1000000);
    assert_int_equal(selection.field_count, 0);
}

static void expect_no_range(const char *name)
{
    struct ots_selection selection;
    if (parse_range(name, &selection) != OTS_NOT_FOUND)
        fail_msg("%s is accepted", name);
}

/* --- ranges -----------------------------------------------------------------------------------*/

static void times_in_utc(void **state)
{
    (void)state;
    expect_range("20231114221320Z-20231114221321Z", SECONDS_OF_2023, SECONDS_OF_2023 + 1);
    expect_range("19700101000000Z-99991231235959Z", 0, INT64_C(253402300799));
    expect_range("20240229000000Z-20240301000000Z", 1709164800, 1709251200);
}

static void times_of_the_zone(void **state)
{
    (void)state;
    set_zone("Asia/Shanghai");
    expect_range("20231115061320-20231115061321", SECONDS_OF_2023, SECONDS_OF_2023 + 1);
    expect_range("20231114221320Z-20231114221321Z", SECONDS_OF_2023, SECONDS_OF_2023 + 1);
    set_zone("UTC");
    expect_range("20231114221320-20231114221321", SECONDS_OF_2023, SECONDS_OF_2023 + 1);
}

static void hours_that_are_missing_or_twice(void **state)
{
    (void)state;
    set_zone("Europe/Berlin");
    /* On 2023-03-26 02:00 became 03:00, on 2023-10-29 03:00 became 02:00. */
    expect_no_range("20230326023000-20230327000000");
    expect_range("20230326013000-20230326033000", 1679790600, 1679794200);
    expect_range("20230701120000-20230701120001", 1688205600, 1688205601);
    expect_range("20231029023000-20231029030000", 1698539400, 1698544800);
    set_zone("UTC");
}

static void malformed_ranges(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "",
        "-",
        "Z-Z",
        "20231114221320",
        "20231114221320-",
        "-20231114221320",
        "20231114221320-20231115",
        "20231114221320-2023111422132",
        "20231114221320-202311142213211",
        "20231114221320_20231115000000",
        "20231114221320Z-20231115000000",
        "20231114221320-20231115000000Z",
        "20231114221320z-20231115000000z",
        "20231114221320ZZ20231115000000Z",
        "2023111422132a-20231115000000",
        "2023 1142 1320-20231115000000",
        "-0231114221320-20231115000000",
        "+0231114221320Z-20231115000000Z",
        " 0231114221320-20231115000000 ",
    };
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        expect_no_range(NAMES[i]);
    struct ots_selection selection;
    const char with_nul[] = "2023111422132\0-20231115000000";
    struct ots_slice name = ots_slice(with_nul, sizeof(with_nul) - 1);
    assert_int_equal(ots_selection_parse_range(name, &selection), OTS_NOT_FOUND);
}

static void dates_that_do_not_exist(void **state)
{
    (void)state;
    static const char *const TIMES[] = {
        "20230229000000", "21000229000000", "20231301000000", "20230001000000",
        "20230132000000", "20230100000000", "20230431000000", "20230101240000",
        "20230101006000", "20230101000060", "00000000000000", "99999999999999",
    };
    for (size_t i = 0; i < sizeof(TIMES) / sizeof(TIMES[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s-99981231000000", TIMES[i]);
        expect_no_range(name);
        snprintf(name, sizeof(name), "%sZ-99981231000000Z", TIMES[i]);
        expect_no_range(name);
        snprintf(name, sizeof(name), "19710101000000Z-%sZ", TIMES[i]);
        expect_no_range(name);
    }
}

static void ranges_without_rows(void **state)
{
    (void)state;
    expect_no_range("20231114221320Z-20231114221320Z");
    expect_no_range("20231114221321Z-20231114221320Z");
    expect_no_range("19600101000000Z-19700101000000Z");
    expect_no_range("00010101000000Z-19691231235959Z");
    expect_range("19600101000000Z-19700101000001Z", 0, 1);
}

/* --- fields -----------------------------------------------------------------------------------*/

static const char *type_text(enum ots_value_type type)
{
    static const char *const TEXTS[] = {"",
                                        [OTS_INTEGER] = ":integer",
                                        [OTS_BOOLEAN] = ":boolean",
                                        [OTS_DOUBLE] = ":double",
                                        [OTS_STRING] = ":string",
                                        [OTS_BINARY] = ":binary"};
    return TEXTS[type];
}

/* The selection's fields as a name of a view. */
static void fields_text(const struct ots_selection *selection, struct ots_buf *text)
{
    for (size_t i = 0; i < selection->field_count; i++)
        ots_buf_append_fmt(text, "%s%.*s%s", i ? "," : "", OTS_SLICE_FMT(selection->fields[i].name),
                           type_text(selection->fields[i].type));
    ots_buf_append_byte(text, '\0');
    assert_int_equal(ots_buf_status(text), OTS_OK);
}

static void expect_text(const struct ots_selection *selection, const char *wanted)
{
    struct ots_buf text = OTS_BUF_INIT;
    fields_text(selection, &text);
    assert_string_equal((const char *)text.data, wanted);
    ots_buf_deinit(&text);
}

static enum ots_status parse_fields(const char *name, struct ots_arena *arena,
                                    struct ots_selection *selection)
{
    return ots_selection_parse_fields(ots_slice_str(name), arena, selection);
}

static void expect_fields(const char *name, const char *wanted)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_selection selection;
    if (parse_fields(name, &arena, &selection) != OTS_OK)
        fail_msg("%s is refused", name);
    assert_int_equal(selection.begin_us, 0);
    assert_int_equal(selection.end_us, INT64_MAX);
    expect_text(&selection, wanted);
    ots_arena_deinit(&arena);
}

static void lists_of_fields(void **state)
{
    (void)state;
    expect_fields("usage", "usage");
    expect_fields("b,a", "a,b");
    expect_fields("b:string,a:integer,c:double,e:boolean,d:binary",
                  "a:integer,b:string,c:double,d:binary,e:boolean");
    expect_fields("_x,x_1", "_x,x_1");
}

static void bad_lists_of_fields(void **state)
{
    (void)state;
    static const char *const NAMES[] = {
        "",
        ",",
        "a,",
        ",a",
        "a,,b",
        "a,a",
        "a,b,a",
        "a:integer,a",
        "a:double,a:integer",
        ":integer",
        "a:",
        "a:int",
        "a:INTEGER",
        "a:integer:integer",
        "a b",
        "A",
        "1a",
        "a.b",
        "a%20b",
        "_tags",
        "_time",
        "\xC3\xA9",
        "a/b",
        "a:integer ",
    };
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_selection selection;
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        if (parse_fields(NAMES[i], &arena, &selection) != OTS_NOT_FOUND)
            fail_msg("\"%s\" is accepted", NAMES[i]);
    assert_int_equal(ots_selection_parse_fields(ots_slice("a\0", 2), &arena, &selection),
                     OTS_NOT_FOUND);
    assert_int_equal(ots_selection_parse_fields(OTS_SLICE_NONE, &arena, &selection), OTS_NOT_FOUND);
    ots_arena_deinit(&arena);
}

static void as_many_fields_as_a_row_has(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf name = OTS_BUF_INIT;
    struct ots_selection selection;
    for (int i = 0; i < OTS_FIELDS_PER_ROW_MAX; i++)
        ots_buf_append_fmt(&name, "%sf%d", i ? "," : "", i);
    assert_int_equal(ots_selection_parse_fields(ots_buf_slice(&name), &arena, &selection), OTS_OK);
    assert_int_equal(selection.field_count, OTS_FIELDS_PER_ROW_MAX);
    ots_buf_append_str(&name, ",g");
    assert_int_equal(ots_selection_parse_fields(ots_buf_slice(&name), &arena, &selection),
                     OTS_NOT_FOUND);
    ots_buf_deinit(&name);
    ots_arena_deinit(&arena);
}

static void the_longest_name_of_a_field(void **state)
{
    (void)state;
    char name[OTS_FIELD_NAME_BYTES_MAX + 2];
    memset(name, 'a', sizeof(name));
    name[OTS_FIELD_NAME_BYTES_MAX] = '\0';
    expect_fields(name, name);
    name[OTS_FIELD_NAME_BYTES_MAX] = 'a';
    name[OTS_FIELD_NAME_BYTES_MAX + 1] = '\0';
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_selection selection;
    assert_int_equal(parse_fields(name, &arena, &selection), OTS_NOT_FOUND);
    ots_arena_deinit(&arena);
}

/* --- intersections ----------------------------------------------------------------------------*/

static void expect_both(const char *a, const char *b, const char *wanted)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_selection left;
    struct ots_selection right;
    struct ots_selection both;
    assert_int_equal(parse_fields(a, &arena, &left), OTS_OK);
    assert_int_equal(parse_fields(b, &arena, &right), OTS_OK);
    enum ots_status status = ots_selection_intersect(&left, &right, &arena, &both);
    assert_int_equal(status, wanted ? OTS_OK : OTS_NOT_FOUND);
    if (wanted)
        expect_text(&both, wanted);
    ots_arena_deinit(&arena);
}

static void fields_within_fields(void **state)
{
    (void)state;
    expect_both("a,b,c", "d,c,b", "b,c");
    expect_both("a", "a", "a");
    expect_both("a", "b", NULL);
    expect_both("a", "a:integer", "a:integer");
    expect_both("a:integer", "a", "a:integer");
    expect_both("a:integer", "a:integer", "a:integer");
    expect_both("a:integer", "a:double", NULL);
    expect_both("a:integer,b", "a:double,b:string", "b:string");
}

static void ranges_and_fields(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_selection all = OTS_SELECTION_ALL;
    struct ots_selection fields;
    struct ots_selection range;
    struct ots_selection both;
    assert_int_equal(parse_fields("b,a", &arena, &fields), OTS_OK);
    assert_int_equal(parse_range("20231114000000Z-20231115000000Z", &range), OTS_OK);
    assert_int_equal(ots_selection_intersect(&fields, &range, &arena, &both), OTS_OK);
    expect_text(&both, "a,b");
    assert_int_equal(both.begin_us, range.begin_us);
    assert_int_equal(both.end_us, range.end_us);
    assert_int_equal(ots_selection_intersect(&range, &fields, &arena, &both), OTS_OK);
    expect_text(&both, "a,b");
    assert_int_equal(both.begin_us, range.begin_us);
    assert_int_equal(ots_selection_intersect(&all, &all, &arena, &both), OTS_OK);
    assert_int_equal(both.begin_us, 0);
    assert_int_equal(both.end_us, INT64_MAX);
    assert_int_equal(both.field_count, 0);
    ots_arena_deinit(&arena);
}

static void ranges_within_ranges(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_selection day;
    struct ots_selection hour;
    struct ots_selection next;
    struct ots_selection both;
    assert_int_equal(parse_range("20231114000000Z-20231115000000Z", &day), OTS_OK);
    assert_int_equal(parse_range("20231114230000Z-20231115010000Z", &hour), OTS_OK);
    assert_int_equal(parse_range("20231115000000Z-20231116000000Z", &next), OTS_OK);
    assert_int_equal(ots_selection_intersect(&day, &hour, &arena, &both), OTS_OK);
    assert_int_equal(both.begin_us, hour.begin_us);
    assert_int_equal(both.end_us, day.end_us);
    assert_int_equal(ots_selection_intersect(&day, &next, &arena, &both), OTS_NOT_FOUND);
    ots_arena_deinit(&arena);
}

/* --- what is asked ----------------------------------------------------------------------------*/

static void requests_carry_the_selection(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_scan_request scan = {.limit = 7};
    struct ots_selection selection = OTS_SELECTION_ALL;
    ots_selection_apply(&selection, &scan);
    assert_false(scan.has_begin);
    assert_false(scan.has_end);
    assert_int_equal(scan.field_count, 0);
    assert_int_equal(scan.limit, 7);
    assert_int_equal(parse_fields("a:double", &arena, &selection), OTS_OK);
    selection.begin_us = 5;
    selection.end_us = 9;
    ots_selection_apply(&selection, &scan);
    assert_true(scan.has_begin && scan.has_end);
    assert_int_equal(scan.begin_us, 5);
    assert_int_equal(scan.end_us, 9);
    assert_int_equal(scan.field_count, 1);
    assert_int_equal(scan.fields[0].type, OTS_DOUBLE);
    ots_arena_deinit(&arena);
}

/* --- any selections ---------------------------------------------------------------------------*/

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*seed >> 33);
}

/* What the service would do. */
static bool selects(const struct ots_selection *selection, const struct ots_field *field,
                    int64_t time_us)
{
    if (time_us < selection->begin_us || time_us >= selection->end_us)
        return false;
    for (size_t i = 0; i < selection->field_count; i++) {
        const struct ots_field_wanted *wanted = &selection->fields[i];
        if (ots_slice_equal(wanted->name, field->name) &&
            (!wanted->type || wanted->type == field->value.type))
            return true;
    }
    return !selection->field_count;
}

static struct ots_selection random_selection(uint64_t *seed, struct ots_arena *arena)
{
    struct ots_selection selection = OTS_SELECTION_ALL;
    struct ots_buf name = OTS_BUF_INIT;
    uint32_t set = next_random(seed) % 16;
    for (unsigned i = 0; i < 4; i++)
        if (set & 1U << i)
            ots_buf_append_fmt(&name, "%s%c%s", name.size ? "," : "", 'a' + i,
                               type_text(next_random(seed) % 4));
    struct ots_slice copy = OTS_SLICE_NONE;
    assert_int_equal(ots_arena_copy(arena, ots_buf_slice(&name), &copy), OTS_OK);
    if (set)
        assert_int_equal(ots_selection_parse_fields(copy, arena, &selection), OTS_OK);
    if (next_random(seed) % 3) {
        selection.begin_us = next_random(seed) % 10;
        selection.end_us = selection.begin_us + 1 + next_random(seed) % 10;
    }
    ots_buf_deinit(&name);
    return selection;
}

static void check_both(const struct ots_selection *a, const struct ots_selection *b)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_selection both;
    bool has_any = ots_selection_intersect(a, b, &arena, &both) == OTS_OK;
    static const char *const NAMES[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5 * 5 * 21; i++) {
        struct ots_field field = {.name = ots_slice_str(NAMES[i % 5]),
                                  .value = {.type = (enum ots_value_type)(1 + i / 5 % 5)}};
        int64_t time_us = (int64_t)(i / 25);
        bool is_wanted = selects(a, &field, time_us) && selects(b, &field, time_us);
        assert_int_equal(has_any && selects(&both, &field, time_us), is_wanted);
    }
    ots_arena_deinit(&arena);
}

static void both_select_what_each_does(void **state)
{
    (void)state;
    uint64_t seed = 20231114;
    for (int round = 0; round < 3000; round++) {
        struct ots_arena arena = OTS_ARENA_INIT;
        struct ots_selection a = random_selection(&seed, &arena);
        struct ots_selection b = random_selection(&seed, &arena);
        check_both(&a, &b);
        ots_arena_deinit(&arena);
    }
}

/* Every second is found again under its name, in each zone. */
static void any_times(void **state)
{
    (void)state;
    static const char *const ZONES[] = {"UTC", "Asia/Shanghai", "Europe/Berlin", "America/St_Johns",
                                        "Australia/Lord_Howe"};
    uint64_t seed = 7;
    for (size_t zone = 0; zone < sizeof(ZONES) / sizeof(ZONES[0]); zone++) {
        set_zone(ZONES[zone]);
        for (int round = 0; round < 2000; round++) {
            time_t seconds = (time_t)(next_random(&seed) % 4102444800U);
            struct tm local;
            localtime_r(&seconds, &local);
            char name[64];
            strftime(name, sizeof(name), "%Y%m%d%H%M%S-99981231000000", &local);
            struct ots_selection selection;
            assert_int_equal(parse_range(name, &selection), OTS_OK);
            time_t found = (time_t)(selection.begin_us / 1000000);
            struct tm again;
            localtime_r(&found, &again);
            assert_true(found <= seconds && seconds - found <= 7200);
            assert_int_equal(again.tm_hour * 3600 + again.tm_min * 60 + again.tm_sec,
                             local.tm_hour * 3600 + local.tm_min * 60 + local.tm_sec);
        }
    }
    set_zone("UTC");
}

int main(void)
{
    set_zone("UTC");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_in_utc),
        cmocka_unit_test(times_of_the_zone),
        cmocka_unit_test(hours_that_are_missing_or_twice),
        cmocka_unit_test(malformed_ranges),
        cmocka_unit_test(dates_that_do_not_exist),
        cmocka_unit_test(ranges_without_rows),
        cmocka_unit_test(lists_of_fields),
        cmocka_unit_test(bad_lists_of_fields),
        cmocka_unit_test(as_many_fields_as_a_row_has),
        cmocka_unit_test(the_longest_name_of_a_field),
        cmocka_unit_test(fields_within_fields),
        cmocka_unit_test(ranges_and_fields),
        cmocka_unit_test(ranges_within_ranges),
        cmocka_unit_test(requests_carry_the_selection),
        cmocka_unit_test(both_select_what_each_does),
        cmocka_unit_test(any_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
