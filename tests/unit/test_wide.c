#include "backend/model/wide.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct ots_field_key keys[] = {
    {OTS_SLICE("a"), OTS_KEY_STRING}, {OTS_SLICE("b"), OTS_KEY_INTEGER},
    {OTS_SLICE("c"), OTS_KEY_BINARY}, {OTS_SLICE("d"), OTS_KEY_STRING},
    {OTS_SLICE("e"), OTS_KEY_STRING},
};

static struct ots_wide_meta table(size_t key_count)
{
    struct ots_wide_meta meta = OTS_WIDE_META_DEFAULT;
    meta.name = OTS_SLICE("t");
    meta.key = keys;
    meta.key_count = key_count;
    return meta;
}

static void expect(const struct ots_wide_meta *meta, enum ots_status status)
{
    struct ots_error err = {0};
    assert_int_equal(ots_wide_meta_check(meta, &err), status);
    assert_int_equal(err.message[0] != '\0', status != OTS_OK);
}

static void test_keys(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 5; count++) {
        struct ots_wide_meta meta = table(count);
        expect(&meta, count >= 1 && count <= OTS_WIDE_KEY_COLUMNS_MAX ? OTS_OK : OTS_INVALID);
    }
    static const uint8_t long_name[OTS_WIDE_NAME_BYTES_MAX + 1];
    struct ots_field_key own[2] = {keys[0], keys[0]};
    struct ots_wide_meta meta = table(2);
    meta.key = own;
    expect(&meta, OTS_INVALID);
    own[1].name = ots_slice(long_name, OTS_WIDE_NAME_BYTES_MAX);
    expect(&meta, OTS_OK);
    own[1].name.size++;
    expect(&meta, OTS_INVALID);
    own[1].name.size = 0;
    expect(&meta, OTS_INVALID);
    own[1] = keys[1];
    own[1].type = (enum ots_key_type)4;
    expect(&meta, OTS_INVALID);
    own[1].type = (enum ots_key_type)0;
    expect(&meta, OTS_INVALID);
}

static void test_names_and_options(void **state)
{
    (void)state;
    struct ots_wide_meta meta = table(1);
    meta.name = OTS_SLICE("");
    expect(&meta, OTS_INVALID);
    meta = table(1);
    meta.time_to_live_s = OTS_TTL_SECONDS_MIN;
    expect(&meta, OTS_OK);
    meta.time_to_live_s--;
    expect(&meta, OTS_INVALID);
    meta.time_to_live_s = -2;
    expect(&meta, OTS_INVALID);
    meta = table(1);
    meta.max_versions = 0;
    expect(&meta, OTS_INVALID);
    meta.max_versions = OTS_WIDE_VERSIONS_MAX;
    expect(&meta, OTS_OK);
    meta.max_versions++;
    expect(&meta, OTS_INVALID);
    meta = table(1);
    meta.deviation_s = 1;
    expect(&meta, OTS_OK);
    meta.deviation_s = 0;
    expect(&meta, OTS_INVALID);
}

static void test_defined_columns(void **state)
{
    (void)state;
    static const int32_t good[] = {1, 2, 3, 4, 7};
    static const int32_t bad[] = {0, 5, 6, 8, -1};
    struct ots_defined_column columns[OTS_WIDE_DEFINED_COLUMNS_MAX + 1];
    char names[OTS_WIDE_DEFINED_COLUMNS_MAX + 1][16];
    for (int i = 0; i <= OTS_WIDE_DEFINED_COLUMNS_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "c%d", i);
        columns[i] = (struct ots_defined_column){ots_slice_str(names[i]), good[i % 5]};
    }
    struct ots_wide_meta meta = table(1);
    meta.columns = columns;
    meta.column_count = OTS_WIDE_DEFINED_COLUMNS_MAX;
    expect(&meta, OTS_OK);
    meta.column_count++;
    expect(&meta, OTS_INVALID);
    meta.column_count = 2;
    for (size_t i = 0; i < 5; i++) {
        columns[0].type = bad[i];
        expect(&meta, OTS_INVALID);
    }
    columns[0] = columns[1];
    expect(&meta, OTS_INVALID);
    columns[0].name = OTS_SLICE("a");
    expect(&meta, OTS_INVALID);
    columns[0].name = OTS_SLICE("");
    expect(&meta, OTS_INVALID);
}

static void test_copy(void **state)
{
    (void)state;
    char name[] = "x";
    struct ots_field_key key = {ots_slice_str(name), OTS_KEY_BINARY};
    struct ots_defined_column column = {ots_slice_str(name), 7};
    struct ots_wide_meta meta = table(1);
    struct ots_wide_meta copy;
    struct ots_arena arena = OTS_ARENA_INIT;
    meta.name = ots_slice_str(name);
    meta.key = &key;
    meta.columns = &column;
    meta.column_count = 1;
    meta.max_versions = 9;
    assert_int_equal(ots_wide_meta_copy(&arena, &meta, &copy), OTS_OK);
    name[0] = 'y';
    key.type = OTS_KEY_STRING;
    column.type = 1;
    assert_true(ots_slice_equal(copy.name, OTS_SLICE("x")));
    assert_true(ots_slice_equal(copy.key[0].name, OTS_SLICE("x")));
    assert_true(ots_slice_equal(copy.columns[0].name, OTS_SLICE("x")));
    assert_int_equal(copy.key[0].type, OTS_KEY_BINARY);
    assert_int_equal(copy.columns[0].type, 7);
    assert_int_equal(copy.max_versions, 9);
    ots_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_names_and_options),
        cmocka_unit_test(test_defined_columns),
        cmocka_unit_test(test_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
