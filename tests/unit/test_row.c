#include "backend/model/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct ots_tag tag = {{(const uint8_t *)"os", 2}, {(const uint8_t *)"linux", 5}};

static struct ots_series_key make_key(void)
{
    return (struct ots_series_key){OTS_SLICE("cpu"), OTS_SLICE("host_1"), &tag, 1};
}

static struct ots_field integer_field(const char *name, int64_t integer)
{
    return (struct ots_field){ots_slice_str(name), {.type = OTS_INTEGER, .integer = integer}};
}

static struct ots_field text_field(const char *name, const char *text)
{
    return (struct ots_field){ots_slice_str(name),
                              {.type = OTS_STRING, .bytes = ots_slice_str(text)}};
}

static struct ots_value from_bits(uint64_t bits)
{
    struct ots_value value = {.type = OTS_DOUBLE};
    memcpy(&value.real, &bits, sizeof(bits));
    return value;
}

static void test_type_names(void **state)
{
    (void)state;
    assert_string_equal(ots_value_type_name(OTS_INTEGER), "INTEGER");
    assert_string_equal(ots_value_type_name(OTS_BOOLEAN), "BOOLEAN");
    assert_string_equal(ots_value_type_name(OTS_DOUBLE), "DOUBLE");
    assert_string_equal(ots_value_type_name(OTS_STRING), "STRING");
    assert_string_equal(ots_value_type_name(OTS_BINARY), "BINARY");
    assert_string_equal(ots_value_type_name((enum ots_value_type)77), "unknown type");
}

/* Each differs from all others. */
static void test_values_are_equal_bit_for_bit(void **state)
{
    (void)state;
    const struct ots_value values[] = {
        {.type = OTS_INTEGER, .integer = 0},
        {.type = OTS_INTEGER, .integer = 1},
        {.type = OTS_BOOLEAN, .boolean = false},
        {.type = OTS_BOOLEAN, .boolean = true},
        from_bits(0),
        from_bits(0x8000000000000000),
        from_bits(0x7FF8000000000000),
        from_bits(0x7FF8000000000001),
        from_bits(0xFFF8000000000000),
        {.type = OTS_STRING, .bytes = OTS_SLICE("")},
        {.type = OTS_STRING, .bytes = OTS_SLICE("a")},
        {.type = OTS_BINARY, .bytes = OTS_SLICE("")},
        {.type = OTS_BINARY, .bytes = OTS_SLICE("a")},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        for (size_t j = 0; j < sizeof(values) / sizeof(values[0]); j++)
            assert_int_equal(ots_value_equal(&values[i], &values[j]), i == j);
}

static void test_rows_are_equal_whatever_the_order(void **state)
{
    (void)state;
    const struct ots_series_key key = make_key();
    const struct ots_series_key same = make_key();
    struct ots_series_key other = make_key();
    other.tag_count = 0;
    const struct ots_field ab[] = {integer_field("a", 1), integer_field("b", 2)};
    const struct ots_field ba[] = {ab[1], ab[0]};
    const struct ots_field ac[] = {ab[0], integer_field("c", 2)};
    const struct ots_row row = {&key, 5, ab, 2};
    const struct ots_row turned = {&same, 5, ba, 2};
    const struct ots_row later = {&key, 6, ab, 2};
    const struct ots_row shorter = {&key, 5, ab, 1};
    const struct ots_row renamed = {&key, 5, ac, 2};
    const struct ots_row elsewhere = {&other, 5, ab, 2};
    assert_true(ots_row_equal(&row, &turned));
    assert_true(ots_row_equal(&turned, &row));
    assert_false(ots_row_equal(&row, &later));
    assert_false(ots_row_equal(&row, &shorter));
    assert_false(ots_row_equal(&row, &renamed));
    assert_false(ots_row_equal(&row, &elsewhere));
}

static void test_rows_grow(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_rows rows = {NULL, 0, 0};
    for (int64_t i = 0; i < 1000; i++) {
        const struct ots_row row = {.time_us = i};
        assert_int_equal(ots_rows_append(&rows, &arena, &row), OTS_OK);
    }
    assert_int_equal(rows.count, 1000);
    for (int64_t i = 0; i < 1000; i++)
        assert_int_equal(rows.items[i].time_us, i);
    ots_arena_deinit(&arena);
}

static void test_copy_is_deep(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    const struct ots_series_key key = make_key();
    char name[] = "name";
    char text[] = "text";
    const struct ots_field fields[] = {text_field(name, text), integer_field("n", 3),
                                       text_field("empty", "")};
    const struct ots_row row = {&key, 7, fields, 3};
    struct ots_row copy;
    assert_int_equal(ots_row_copy(&arena, &row, NULL, &copy), OTS_OK);
    assert_true(ots_row_equal(&row, &copy));
    assert_ptr_not_equal(copy.key, &key);
    name[0] = 'x';
    text[0] = 'x';
    assert_true(ots_slice_equal(copy.fields[0].name, OTS_SLICE("name")));
    assert_true(ots_slice_equal(copy.fields[0].value.bytes, OTS_SLICE("text")));
    assert_int_equal(ots_row_copy(&arena, &row, &key, &copy), OTS_OK);
    assert_ptr_equal(copy.key, &key);
    ots_arena_deinit(&arena);
}

static void test_fields_are_sorted(void **state)
{
    (void)state;
    struct ots_field fields[] = {integer_field("c", 1), integer_field("a", 2),
                                 integer_field("ab", 3), integer_field("B", 4)};
    const int64_t order[] = {4, 2, 3, 1};
    for (int round = 0; round < 2; round++) {
        ots_fields_sort(fields, 4);
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(fields[i].value.integer, order[i]);
    }
    ots_fields_sort(NULL, 0);
}

static void test_size(void **state)
{
    (void)state;
    const struct ots_series_key key = make_key();
    const struct ots_field fields[] = {
        integer_field("n", 1),
        {OTS_SLICE("ok"), {.type = OTS_BOOLEAN, .boolean = true}},
        {OTS_SLICE("dd"), {.type = OTS_DOUBLE, .real = 1}},
        text_field("s", "abc"),
    };
    const struct ots_row row = {&key, 5, fields, 4};
    assert_int_equal(ots_row_size(&row), 8 + 3 + 6 + 2 + 5 + (1 + 8) + (2 + 1) + (2 + 8) + (1 + 3));
}

static void test_field_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"_time", "_tags", "_m_name", "",    "A",   "aB",
                                      "1a",    "a-b",   "a.b",     "a b", "a:b", "\xC3\xA4"};
    char text[129];
    struct ots_error err = {0};
    memset(text, 'a', sizeof(text));
    assert_int_equal(ots_field_name_check(OTS_SLICE("a"), NULL), OTS_OK);
    assert_int_equal(ots_field_name_check(OTS_SLICE("_1az9"), NULL), OTS_OK);
    assert_int_equal(ots_field_name_check(ots_slice(text, 128), NULL), OTS_OK);
    assert_int_equal(ots_field_name_check(ots_slice(text, 129), &err), OTS_LIMIT);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ots_field_name_check(ots_slice_str(bad[i]), &err), OTS_INVALID);
    assert_int_equal(ots_field_name_check(OTS_SLICE("a\n"), &err), OTS_INVALID);
    assert_non_null(strstr(err.message, "\"a?\""));
}

static enum ots_status check(int64_t time_us, const struct ots_field *fields, size_t count,
                             const char *message)
{
    const struct ots_series_key key = make_key();
    const struct ots_row row = {&key, time_us, fields, count};
    struct ots_error err = {0};
    enum ots_status status = ots_row_check(&row, &err);
    assert_int_equal(err.status, status);
    if (!strstr(err.message, message))
        fail_msg("%s", err.message);
    return status;
}

static void test_rows_are_checked(void **state)
{
    (void)state;
    const struct ots_field good[] = {integer_field("a", 1), text_field("b", "\xE6\xB8\xA9\n\"")};
    const struct ots_field bad_name[] = {good[0], integer_field("B", 1)};
    const struct ots_field twice[] = {good[1], good[0], text_field("b", "")};
    const struct ots_field neighbours[] = {good[0], good[0]};
    const struct ots_field unsorted[] = {good[1], good[0]};
    const struct ots_field not_utf8[] = {text_field("t", "\xFF")};
    const struct ots_field bytes[] = {
        {OTS_SLICE("t"), {.type = OTS_BINARY, .bytes = OTS_SLICE("\xFF")}}};
    const struct ots_field unknown[] = {{OTS_SLICE("t"), {.type = (enum ots_value_type)6}}};
    const struct ots_field none[] = {{OTS_SLICE("t"), {.type = (enum ots_value_type)0}}};
    assert_int_equal(check(0, good, 2, ""), OTS_OK);
    assert_int_equal(check(INT64_MAX, unsorted, 2, ""), OTS_OK);
    assert_int_equal(check(1, bytes, 1, ""), OTS_OK);
    assert_int_equal(check(-1, good, 2, "time"), OTS_INVALID);
    assert_int_equal(check(1, good, 0, "no fields"), OTS_INVALID);
    assert_int_equal(check(1, bad_name, 2, "\"B\""), OTS_INVALID);
    assert_int_equal(check(1, twice, 3, "\"b\": occurs twice"), OTS_INVALID);
    assert_int_equal(check(1, neighbours, 2, "\"a\": occurs twice"), OTS_INVALID);
    assert_int_equal(check(1, not_utf8, 1, "not UTF-8"), OTS_INVALID);
    assert_int_equal(check(1, unknown, 1, "unknown type 6"), OTS_INVALID);
    assert_int_equal(check(1, none, 1, "unknown type 0"), OTS_INVALID);
}

static void test_limits_of_a_row(void **state)
{
    (void)state;
    enum { COUNT = OTS_FIELDS_PER_ROW_MAX + 1 };
    static char names[COUNT][8];
    static struct ots_field fields[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "f%zu", i);
        fields[i] = integer_field(names[i], 1);
    }
    assert_int_equal(check(1, fields, COUNT - 1, ""), OTS_OK);
    assert_int_equal(check(1, fields, COUNT, "1025 fields"), OTS_LIMIT);
    fields[COUNT - 2] = fields[0];
    assert_int_equal(check(1, fields, COUNT - 1, "\"f0\": occurs twice"), OTS_INVALID);

    uint8_t *large = calloc(1, OTS_VALUE_BYTES_MAX + 1);
    assert_non_null(large);
    struct ots_field field = {OTS_SLICE("large"),
                              {.type = OTS_STRING, .bytes = {large, OTS_VALUE_BYTES_MAX}}};
    assert_int_equal(check(1, &field, 1, ""), OTS_OK);
    field.value.bytes.size++;
    assert_int_equal(check(1, &field, 1, "\"large\": 2097153 bytes"), OTS_LIMIT);
    field.value.type = OTS_BINARY;
    assert_int_equal(check(1, &field, 1, "\"large\""), OTS_LIMIT);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_type_names),
        cmocka_unit_test(test_values_are_equal_bit_for_bit),
        cmocka_unit_test(test_rows_are_equal_whatever_the_order),
        cmocka_unit_test(test_rows_grow),
        cmocka_unit_test(test_copy_is_deep),
        cmocka_unit_test(test_fields_are_sorted),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_field_names),
        cmocka_unit_test(test_rows_are_checked),
        cmocka_unit_test(test_limits_of_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
