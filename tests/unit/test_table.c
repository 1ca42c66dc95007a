#include "backend/model/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {"t", "_", "T1", "a_B9", "_1"};
    static const char *const bad[] = {"", "1", "9a", "a-b", "a.b", "a b", "a/b", "\xC3\xA4", "a\n"};
    char text[129];
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(ots_table_name_check(ots_slice_str(good[i]), NULL), OTS_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ots_table_name_check(ots_slice_str(bad[i]), NULL), OTS_INVALID);
    assert_int_equal(ots_table_name_check(ots_slice(text, 128), NULL), OTS_OK);
    assert_int_equal(ots_table_name_check(ots_slice(text, 129), NULL), OTS_INVALID);
}

static struct ots_table_meta make_meta(int32_t ttl, int32_t meta_ttl, bool may_update)
{
    struct ots_table_meta meta = OTS_TABLE_META_DEFAULT;
    meta.name = OTS_SLICE("t");
    meta.time_to_live_s = ttl;
    meta.meta_time_to_live_s = meta_ttl;
    meta.allow_update_attributes = may_update;
    meta.has_time_to_live = true;
    meta.has_meta_time_to_live = true;
    meta.has_allow_update_attributes = true;
    return meta;
}

static enum ots_status check(struct ots_table_meta meta)
{
    struct ots_error err = {0};
    enum ots_status status = ots_table_meta_check(&meta, &err);
    assert_int_equal(err.status, status);
    return status;
}

static void test_times_to_live(void **state)
{
    (void)state;
    static const struct {
        int32_t ttl;
        int32_t meta_ttl;
        bool may_update;
        enum ots_status status;
    } cases[] = {
        {-1, -1, true, OTS_OK},
        {-1, -1, false, OTS_OK},
        {86400, -1, true, OTS_OK},
        {172800, -1, true, OTS_OK},
        {86399, -1, true, OTS_INVALID},
        {100, -1, true, OTS_INVALID},
        {0, -1, true, OTS_INVALID},
        {-2, -1, true, OTS_INVALID},
        {INT32_MIN, -1, true, OTS_INVALID},
        {86400, 604800, false, OTS_OK},
        {604800, 604800, false, OTS_OK},
        {604801, 604800, false, OTS_INVALID},
        {86400, 604799, false, OTS_INVALID},
        {86400, 86400, false, OTS_INVALID},
        {86400, 0, false, OTS_INVALID},
        {86400, 604800, true, OTS_INVALID},
        {-1, 604800, false, OTS_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(check(make_meta(cases[i].ttl, cases[i].meta_ttl, cases[i].may_update)),
                         cases[i].status);
}

static void test_options_not_carried_count_as_defaults(void **state)
{
    (void)state;
    struct ots_table_meta meta = make_meta(5, 5, true);
    meta.has_time_to_live = false;
    meta.has_meta_time_to_live = false;
    assert_int_equal(check(meta), OTS_OK);
    meta = make_meta(86400, 604800, false);
    meta.has_allow_update_attributes = false;
    assert_int_equal(check(meta), OTS_INVALID);
    meta = make_meta(86400, 604800, false);
    meta.has_time_to_live = false;
    assert_int_equal(check(meta), OTS_INVALID);
}

static void test_updates(void **state)
{
    (void)state;
    struct ots_error err;
    struct ots_table_meta meta = make_meta(86400, 604800, false);
    struct ots_table_meta changes = make_meta(700000, -1, true);
    changes.has_meta_time_to_live = changes.has_allow_update_attributes = false;
    /* Longer than the metadata: nothing changes. */
    assert_int_equal(ots_table_meta_update(&meta, &changes, &err), OTS_INVALID);
    assert_int_equal(meta.time_to_live_s, 86400);
    changes.has_meta_time_to_live = true;
    assert_int_equal(ots_table_meta_update(&meta, &changes, &err), OTS_OK);
    assert_int_equal(meta.time_to_live_s, 700000);
    assert_int_equal(meta.meta_time_to_live_s, -1);
    assert_false(meta.allow_update_attributes);
    changes.has_time_to_live = changes.has_meta_time_to_live = false;
    changes.has_allow_update_attributes = true;
    assert_int_equal(ots_table_meta_update(&meta, &changes, &err), OTS_OK);
    assert_true(meta.allow_update_attributes);
    assert_int_equal(meta.time_to_live_s, 700000);
}

static enum ots_status check_schema(const char *const *names, size_t count)
{
    struct ots_slice schema[8];
    struct ots_table_meta meta = make_meta(-1, -1, true);
    for (size_t i = 0; i < count; i++)
        schema[i] = ots_slice_str(names[i]);
    meta.key_schema = schema;
    meta.key_schema_count = count;
    return check(meta);
}

static void test_identifiers(void **state)
{
    (void)state;
    static const char *const good[] = {"_m_name", "region", "_tags", "_data_source", "a_b", "x9"};
    static const char *const seven[] = {"a", "b", "c", "d", "e", "f", "g"};
    static const char *const twice[] = {"a", "b", "a"};
    static const char *const reserved[] = {"_#h",
                                           "_time",
                                           "",
                                           "a b",
                                           "a=b",
                                           "\xC3\xA4",
                                           "A",
                                           "9x",
                                           "a.b",
                                           "_attributes",
                                           "_meta_update_time"};
    assert_int_equal(check_schema(good, 6), OTS_OK);
    assert_int_equal(check_schema(seven, 7), OTS_INVALID);
    assert_int_equal(check_schema(twice, 3), OTS_INVALID);
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        assert_int_equal(check_schema(&reserved[i], 1), OTS_INVALID);
}

static enum ots_status check_field_keys(const struct ots_field_key *keys, size_t count)
{
    const struct ots_slice schema = OTS_SLICE("region");
    struct ots_table_meta meta = make_meta(-1, -1, true);
    meta.key_schema = &schema;
    meta.key_schema_count = 1;
    meta.field_keys = keys;
    meta.field_key_count = count;
    return check(meta);
}

static void test_key_fields(void **state)
{
    (void)state;
    const struct ots_field_key good[] = {{OTS_SLICE("a"), OTS_KEY_INTEGER},
                                         {OTS_SLICE("b"), OTS_KEY_STRING},
                                         {OTS_SLICE("c"), OTS_KEY_BINARY},
                                         {OTS_SLICE("d"), OTS_KEY_STRING},
                                         {OTS_SLICE("e"), OTS_KEY_STRING}};
    const struct ots_field_key twice[] = {good[0], good[0]};
    const struct ots_field_key bad_name = {OTS_SLICE("A"), OTS_KEY_STRING};
    const struct ots_field_key bad_type = {OTS_SLICE("a"), (enum ots_key_type)0};
    const struct ots_field_key worse_type = {OTS_SLICE("a"), (enum ots_key_type)4};
    const struct ots_field_key reserved = {OTS_SLICE("_time"), OTS_KEY_STRING};
    const struct ots_field_key part = {OTS_SLICE("_tags"), OTS_KEY_STRING};
    const struct ots_field_key identifier = {OTS_SLICE("region"), OTS_KEY_STRING};
    assert_int_equal(check_field_keys(good, 4), OTS_OK);
    assert_int_equal(check_field_keys(good, 5), OTS_INVALID);
    assert_int_equal(check_field_keys(twice, 2), OTS_INVALID);
    assert_int_equal(check_field_keys(&bad_name, 1), OTS_INVALID);
    assert_int_equal(check_field_keys(&bad_type, 1), OTS_INVALID);
    assert_int_equal(check_field_keys(&worse_type, 1), OTS_INVALID);
    assert_int_equal(check_field_keys(&identifier, 1), OTS_INVALID);
    assert_int_equal(check_field_keys(&reserved, 1), OTS_INVALID);
    assert_int_equal(check_field_keys(&part, 1), OTS_INVALID);
}

/* Whether cpu / source with the tags fits a table with the identifiers; NULL: leave out. */
static enum ots_status check_key(const char *identifiers, const char *measurement,
                                 const char *source, const char *tags)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_table_meta meta = make_meta(-1, -1, true);
    struct ots_slice schema[4];
    struct ots_error err;
    struct ots_series_key key = {ots_slice_str(measurement), ots_slice_str(source), NULL, 0};
    for (const char *at = identifiers; *at; at += strcspn(at, ",") + (strchr(at, ',') != NULL))
        schema[meta.key_schema_count++] = ots_slice(at, strcspn(at, ","));
    meta.key_schema = schema;
    assert_int_equal(
        ots_tags_text_parse(ots_slice_str(tags), &arena, &key.tags, &key.tag_count, &err), OTS_OK);
    enum ots_status status = ots_table_key_check(&meta, &key, &err);
    ots_arena_deinit(&arena);
    return status;
}

static void test_keys_for_identifiers(void **state)
{
    (void)state;
    static const struct {
        const char *identifiers, *measurement, *source, *tags;
        enum ots_status status;
    } cases[] = {
        {"", "cpu", "s", "[\"a=1\"]", OTS_OK},
        {"", "", "s", "[]", OTS_INVALID},
        {"_m_name,_tags,region", "cpu", "", "[\"region=x\",\"a=1\"]", OTS_OK},
        {"_m_name,_tags,region", "cpu", "", "[\"region=x\"]", OTS_OK},
        {"_m_name,_tags,region", "cpu", "", "[\"a=1\"]", OTS_INVALID},
        {"_m_name,_tags,region", "", "", "[\"region=x\"]", OTS_INVALID},
        {"_m_name,_tags,region", "cpu", "s", "[\"region=x\"]", OTS_INVALID},
        {"_data_source,_tags", "", "s", "[\"a=1\"]", OTS_OK},
        {"_data_source,_tags", "", "", "[]", OTS_OK},
        {"_data_source,_tags", "cpu", "s", "[]", OTS_INVALID},
        {"_data_source,_tags", "", "s", "[\"_m_name=1\"]", OTS_INVALID},
        {"a,b", "", "", "[\"a=1\",\"b=\"]", OTS_OK},
        {"a,b", "", "", "[\"a=1\"]", OTS_INVALID},
        {"a,b", "", "", "[\"a=1\",\"b=2\",\"c=3\"]", OTS_INVALID},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (check_key(cases[i].identifiers, cases[i].measurement, cases[i].source, cases[i].tags) !=
            cases[i].status)
            fail_msg("case %zu", i);
}

static void test_rows_for_key_fields(void **state)
{
    (void)state;
    static char text[OTS_KEY_FIELD_BYTES_MAX + 1];
    const struct ots_field_key keys[] = {{OTS_SLICE("gid"), OTS_KEY_INTEGER},
                                         {OTS_SLICE("uid"), OTS_KEY_STRING}};
    const struct ots_series_key key = {.measurement = OTS_SLICE("cpu")};
    struct ots_field fields[] = {
        {OTS_SLICE("uid"), {.type = OTS_STRING, .bytes = OTS_SLICE("")}},
        {OTS_SLICE("gid"), {.type = OTS_INTEGER, .integer = -1}},
    };
    struct ots_row row = {&key, 0, fields, 2};
    struct ots_table_meta meta = make_meta(-1, -1, true);
    struct ots_error err;
    meta.field_keys = keys;
    meta.field_key_count = 2;
    assert_int_equal(ots_table_row_check(&meta, &row, &err), OTS_OK);
    row.field_count = 1;
    assert_int_equal(ots_table_row_check(&meta, &row, &err), OTS_INVALID);
    assert_non_null(strstr(err.message, "missing primary key fields"));
    row.field_count = 2;
    fields[1].value.type = OTS_DOUBLE;
    assert_int_equal(ots_table_row_check(&meta, &row, &err), OTS_INVALID);
    fields[1].value.type = OTS_INTEGER;
    fields[0].value.type = OTS_BINARY;
    assert_int_equal(ots_table_row_check(&meta, &row, &err), OTS_INVALID);
    fields[0].value = (struct ots_value){.type = OTS_STRING, .bytes = {(uint8_t *)text, 1025}};
    assert_int_equal(ots_table_row_check(&meta, &row, &err), OTS_LIMIT);
    fields[0].value.bytes.size = 1024;
    assert_int_equal(ots_table_row_check(&meta, &row, &err), OTS_OK);
    row.time_us = -1;
    assert_int_equal(ots_table_row_check(&meta, &row, &err), OTS_INVALID);
}

static void test_copy_is_deep(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    char name[] = "table";
    char column[] = "region";
    char field[] = "seq";
    const struct ots_slice schema = ots_slice_str(column);
    const struct ots_field_key key = {ots_slice_str(field), OTS_KEY_INTEGER};
    struct ots_table_meta meta = make_meta(86400, 604800, false);
    meta.name = ots_slice_str(name);
    meta.status = OTS_SLICE("CREATED");
    meta.key_schema = &schema;
    meta.key_schema_count = 1;
    meta.field_keys = &key;
    meta.field_key_count = 1;
    struct ots_table_meta copy;
    assert_int_equal(ots_table_meta_copy(&arena, &meta, &copy), OTS_OK);
    name[0] = column[0] = field[0] = 'x';
    assert_true(ots_slice_equal(copy.name, OTS_SLICE("table")));
    assert_true(ots_slice_equal(copy.status, OTS_SLICE("CREATED")));
    assert_int_equal(copy.key_schema_count, 1);
    assert_true(ots_slice_equal(copy.key_schema[0], OTS_SLICE("region")));
    assert_int_equal(copy.field_key_count, 1);
    assert_true(ots_slice_equal(copy.field_keys[0].name, OTS_SLICE("seq")));
    assert_int_equal(copy.field_keys[0].type, OTS_KEY_INTEGER);
    assert_int_equal(copy.time_to_live_s, 86400);
    assert_int_equal(copy.meta_time_to_live_s, 604800);
    assert_false(copy.allow_update_attributes);
    ots_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_times_to_live),
        cmocka_unit_test(test_options_not_carried_count_as_defaults),
        cmocka_unit_test(test_updates),
        cmocka_unit_test(test_identifiers),
        cmocka_unit_test(test_key_fields),
        cmocka_unit_test(test_keys_for_identifiers),
        cmocka_unit_test(test_rows_for_key_fields),
        cmocka_unit_test(test_copy_is_deep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
