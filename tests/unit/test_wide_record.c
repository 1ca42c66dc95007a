#include "backend/server/wide_record.h"

#include "backend/server/instance.h"
#include "tests/unit/server_fixture.h"

static const struct ots_field_key key[] = {{OTS_SLICE("k"), OTS_KEY_BINARY},
                                           {OTS_SLICE("n"), OTS_KEY_INTEGER}};
static const struct ots_defined_column column = {OTS_SLICE("c"), 7};

static struct ots_wide_meta description(void)
{
    struct ots_wide_meta meta = OTS_WIDE_META_DEFAULT;
    meta.name = OTS_SLICE("table");
    meta.key = key;
    meta.key_count = 2;
    meta.columns = &column;
    meta.column_count = 1;
    meta.time_to_live_s = 86400;
    return meta;
}

static void record_make(struct ots_buf *record)
{
    const struct ots_wide_meta meta = description();
    const struct ots_table table = {.id = 0x01020304, .created_us = 5, .wide = &meta};
    *record = OTS_BUF_INIT;
    ots_wide_record_append(record, &table);
    assert_int_equal(ots_buf_status(record), OTS_OK);
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct ots_buf record;
    struct ots_table table = {0};
    struct ots_wide_meta meta;
    struct ots_arena arena = OTS_ARENA_INIT;
    record_make(&record);
    assert_int_equal(ots_wide_record_decode(ots_buf_slice(&record), &arena, &table, &meta, NULL),
                     OTS_OK);
    ots_buf_deinit(&record);
    assert_int_equal(table.id, 0x01020304);
    assert_int_equal(table.created_us, 5);
    assert_true(ots_slice_equal(meta.name, OTS_SLICE("table")));
    assert_int_equal(meta.key_count, 2);
    assert_true(ots_slice_equal(meta.key[1].name, OTS_SLICE("n")));
    assert_int_equal(meta.key[0].type, OTS_KEY_BINARY);
    assert_int_equal(meta.column_count, 1);
    assert_int_equal(meta.columns[0].type, 7);
    assert_int_equal(meta.time_to_live_s, 86400);
    ots_arena_deinit(&arena);
}

static void test_malformed(void **state)
{
    (void)state;
    struct ots_buf record;
    struct ots_table table = {0};
    struct ots_wide_meta meta;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_error err;
    record_make(&record);
    for (size_t size = 0; size < 20; size++)
        assert_int_equal(
            ots_wide_record_decode(ots_slice(record.data, size), &arena, &table, &meta, &err),
            OTS_CORRUPT);
    record.data[0] = 2;
    assert_int_equal(ots_wide_record_decode(ots_buf_slice(&record), &arena, &table, &meta, &err),
                     OTS_CORRUPT);
    ots_buf_deinit(&record);
    ots_arena_deinit(&arena);
}

/* A store that holds `record` as the table "table", if it can be opened. */
static enum ots_status open_with(struct test_directory *directory, struct ots_slice record)
{
    struct test_clock clock;
    struct ots_engine *engine = NULL;
    struct ots_instance *instance = NULL;
    struct ots_error err = {0};
    const struct ots_rocksdb_options options = {.directory = directory->path};
    test_clock_init(&clock);
    assert_int_equal(ots_rocksdb_open(&options, &engine, &err), OTS_OK);
    struct ots_batch *batch = engine->ops->batch_new(engine);
    batch->ops->put(batch, OTS_SLICE("Wtable"), record);
    assert_int_equal(engine->ops->write(engine, batch, &err), OTS_OK);
    batch->ops->free(batch);
    enum ots_status status = ots_instance_open(engine, &clock.clock, &instance, &err);
    assert_int_equal(err.message[0] != '\0', status != OTS_OK);
    ots_instance_close(instance);
    return status;
}

static void test_a_store_with_a_bad_record(void **state)
{
    (void)state;
    struct test_directory directory;
    struct ots_buf record;
    test_directory_make(&directory);
    record_make(&record);
    assert_int_equal(open_with(&directory, ots_buf_slice(&record)), OTS_OK);
    assert_int_equal(open_with(&directory, OTS_SLICE("x")), OTS_CORRUPT);
    assert_int_equal(open_with(&directory, ots_buf_slice(&record)), OTS_OK);
    ots_buf_deinit(&record);
    test_directory_remove(&directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_a_store_with_a_bad_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
