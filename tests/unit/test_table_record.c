#include "backend/server/table_record.h"

#include "tests/unit/mangle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct ots_field_key field_keys[] = {
    {{(const uint8_t *)"gid", 3}, OTS_KEY_INTEGER},
    {{(const uint8_t *)"uid", 3}, OTS_KEY_BINARY},
};
static const struct ots_slice identifiers[] = {{(const uint8_t *)"_m_name", 7},
                                               {(const uint8_t *)"region", 6}};

static struct ots_table ordinary(void)
{
    struct ots_table table = {.id = 7, .created_us = 1735787045678000};
    table.meta = OTS_TABLE_META_DEFAULT;
    table.meta.time_to_live_s = 86400;
    table.meta.meta_time_to_live_s = 604800;
    table.meta.allow_update_attributes = false;
    return table;
}

static void assert_options(const struct ots_table *table)
{
    assert_int_equal(table->id, 7);
    assert_int_equal(table->created_us, 1735787045678000);
    assert_int_equal(table->meta.time_to_live_s, 86400);
    assert_int_equal(table->meta.meta_time_to_live_s, 604800);
    assert_false(table->meta.allow_update_attributes);
}

static void test_ordinary(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf record = OTS_BUF_INIT;
    struct ots_table table = ordinary();
    struct ots_table seen = {0};
    struct ots_error err;
    ots_table_record_append(&record, &table);
    assert_int_equal(record.size, 22);
    assert_int_equal(ots_table_record_decode(ots_buf_slice(&record), &arena, &seen, &err), OTS_OK);
    assert_options(&seen);
    assert_int_equal(seen.meta.key_schema_count + seen.meta.field_key_count, 0);
    record.data[0] = 2;
    assert_int_equal(ots_table_record_decode(ots_buf_slice(&record), &arena, &seen, &err),
                     OTS_CORRUPT);
    ots_buf_deinit(&record);
    ots_arena_deinit(&arena);
}

static bool try_decode(struct ots_slice input, void *context)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_table table = {0};
    struct ots_error err;
    (void)context;
    enum ots_status status = ots_table_record_decode(input, &arena, &table, &err);
    assert_true(status == OTS_OK || status == OTS_CORRUPT);
    assert_true(table.meta.key_schema_count <= OTS_KEY_SCHEMA_MAX || status != OTS_OK);
    assert_true(table.meta.field_key_count <= OTS_FIELD_PRIMARY_KEYS_MAX || status != OTS_OK);
    ots_arena_deinit(&arena);
    return status == OTS_OK;
}

static void test_own_identifiers(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_buf record = OTS_BUF_INIT;
    struct ots_table table = ordinary();
    struct ots_table seen = {0};
    struct ots_error err;
    table.meta.key_schema = identifiers;
    table.meta.key_schema_count = 2;
    table.meta.field_keys = field_keys;
    table.meta.field_key_count = 2;
    ots_table_record_append(&record, &table);
    assert_int_equal(ots_table_record_decode(ots_buf_slice(&record), &arena, &seen, &err), OTS_OK);
    assert_options(&seen);
    assert_int_equal(seen.meta.key_schema_count, 2);
    assert_true(ots_slice_equal(seen.meta.key_schema[0], identifiers[0]));
    assert_true(ots_slice_equal(seen.meta.key_schema[1], identifiers[1]));
    assert_int_equal(seen.meta.field_key_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(ots_slice_equal(seen.meta.field_keys[i].name, field_keys[i].name));
        assert_int_equal(seen.meta.field_keys[i].type, field_keys[i].type);
    }
    /* Only the fixed part alone is a record too. */
    struct test_mangled cut = test_truncate(ots_buf_slice(&record), try_decode, NULL);
    assert_int_equal(cut.accepted, 1);
    struct test_mangled bent = test_corrupt(ots_buf_slice(&record), try_decode, NULL);
    assert_true(bent.accepted < bent.tried);
    ots_buf_append_byte(&record, 0);
    assert_false(try_decode(ots_buf_slice(&record), NULL));
    ots_buf_deinit(&record);
    ots_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ordinary),
        cmocka_unit_test(test_own_identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
