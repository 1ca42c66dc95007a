#include "backend/server/row_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct ots_field_key keys[] = {
    {{(const uint8_t *)"i", 1}, OTS_KEY_INTEGER},
    {{(const uint8_t *)"s", 1}, OTS_KEY_STRING},
    {{(const uint8_t *)"b", 1}, OTS_KEY_BINARY},
};

/* Rows in the order that their keys must have. */
static const struct {
    uint64_t timeline;
    int64_t time_us;
    int64_t integer;
    const char *text;
    size_t text_size;
    const char *binary;
    size_t binary_size;
} ordered[] = {
    {1, 5, 9, "z", 1, "z", 1},       {2, 4, 9, "z", 1, "z", 1},
    {2, 5, INT64_MIN, "", 0, "", 0}, {2, 5, -2, "", 0, "", 0},
    {2, 5, -1, "", 0, "", 0},        {2, 5, 0, "", 0, "", 0},
    {2, 5, 0, "", 0, "\0", 1},       {2, 5, 0, "", 0, "\0\0", 2},
    {2, 5, 0, "", 0, "\1", 1},       {2, 5, 0, "", 0, "\377", 1},
    {2, 5, 0, "a", 1, "", 0},        {2, 5, 0, "a", 1, "b", 1},
    {2, 5, 0, "aa", 2, "", 0},       {2, 5, 0, "ab", 2, "", 0},
    {2, 5, 0, "b", 1, "", 0},        {2, 5, 1, "", 0, "", 0},
    {2, 5, INT64_MAX, "", 0, "", 0}, {2, 6, INT64_MIN, "", 0, "", 0},
    {3, 0, INT64_MIN, "", 0, "", 0},
};

static struct ots_buf key_of(const struct ots_table *table, size_t at)
{
    /* Names are not in the order of the key. */
    const struct ots_field fields[] = {
        {OTS_SLICE("b"),
         {.type = OTS_BINARY, .bytes = ots_slice(ordered[at].binary, ordered[at].binary_size)}},
        {OTS_SLICE("i"), {.type = OTS_INTEGER, .integer = ordered[at].integer}},
        {OTS_SLICE("n"), {.type = OTS_DOUBLE, .real = 0.5}},
        {OTS_SLICE("s"),
         {.type = OTS_STRING, .bytes = ots_slice(ordered[at].text, ordered[at].text_size)}},
    };
    const struct ots_row row = {.time_us = ordered[at].time_us, .fields = fields, .field_count = 4};
    struct ots_buf key = OTS_BUF_INIT;
    ots_row_key_append(&key, table, ordered[at].timeline, &row);
    assert_int_equal(ots_buf_status(&key), OTS_OK);
    return key;
}

static void test_order(void **state)
{
    (void)state;
    struct ots_table table = {.id = 7, .meta = OTS_TABLE_META_DEFAULT};
    table.meta.field_keys = keys;
    table.meta.field_key_count = 3;
    struct ots_buf before = key_of(&table, 0);
    for (size_t i = 1; i < sizeof(ordered) / sizeof(ordered[0]); i++) {
        struct ots_buf key = key_of(&table, i);
        if (ots_slice_compare(ots_buf_slice(&before), ots_buf_slice(&key)) >= 0)
            fail_msg("row %zu", i);
        ots_buf_deinit(&before);
        before = key;
    }
    ots_buf_deinit(&before);
}

static void test_parts(void **state)
{
    (void)state;
    struct ots_table table = {.id = 7, .meta = OTS_TABLE_META_DEFAULT};
    uint8_t fixed[OTS_ROW_KEY_BYTES];
    struct ots_buf key = key_of(&table, 1);
    assert_true(ots_slice_equal(ots_buf_slice(&key), ots_layout_row(fixed, 7, 2, 4)));
    assert_int_equal(ots_row_key_rest(ots_buf_slice(&key)).size, 0);
    assert_int_equal(ots_row_key_rest(OTS_SLICE("short")).size, 0);
    ots_buf_deinit(&key);
    table.meta.field_keys = keys + 1;
    table.meta.field_key_count = 1;
    key = key_of(&table, 1);
    assert_true(ots_slice_starts(ots_buf_slice(&key), ots_layout_row(fixed, 7, 2, 4)));
    const struct ots_slice rest = ots_row_key_rest(ots_buf_slice(&key));
    assert_int_equal(rest.size, 3);
    assert_memory_equal(rest.data, "z\0\1", 3);
    ots_buf_deinit(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
