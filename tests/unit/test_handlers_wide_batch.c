/*
 * BatchWriteRow and BatchGetRow.
 */
#include "tests/unit/wide_fixture.h"

#include "backend/wire/service_code.h"

enum { FOREVER = OTS_TTL_FOREVER };

static void test_batch_write(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 1, FOREVER);
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, wide_key(test, "old", 1), OTS_EXPECT_NOTHING);
    struct ots_wide_write writes[] = {
        {.operation = OTS_WIDE_PUT, .row = WIDE_ROW(test, "x", 1, wide_integer("b", 1))},
        {.operation = OTS_WIDE_PUT, .row = wide_key(test, "x", 2), .expectation = OTS_EXPECT_ROW},
        {.operation = OTS_WIDE_UPDATE, .row = WIDE_ROW(test, "x", 3, wide_increment("b", 2))},
        {.operation = OTS_WIDE_DELETE, .row = wide_key(test, "old", 1), .returns_key = true},
    };
    const struct ots_wide_batch_write_table tables[] = {
        {.table = OTS_SLICE("t"), .writes = writes, .write_count = 4},
        {.table = OTS_SLICE("missing"), .writes = writes, .write_count = 1},
    };
    TEST_CALL(call, OTS_ACTION_WIDE_BATCH_WRITE);
    call.request.wide.batch_write.tables = tables;
    call.request.wide.batch_write.table_count = 2;
    test_call_ok(test, &call);
    const struct ots_wide_batch_response *response = &call.response.wide.batch;
    assert_int_equal(response->table_count, 2);
    const struct ots_wide_batch_table_response *first = &response->tables[0];
    assert_int_equal(first->row_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(first->rows[i].code.size != 0, i == 1);
    assert_true(ots_slice_equal(first->rows[1].code, OTS_SLICE("OTSConditionCheckFail")));
    assert_true(ots_slice_equal(first->rows[1].message, OTS_SLICE("Condition check failed.")));
    assert_true(first->rows[3].has_row && !first->rows[0].has_row);
    assert_true(ots_slice_equal(response->tables[1].table, OTS_SLICE("missing")));
    assert_true(
        ots_slice_equal(response->tables[1].rows[0].code, OTS_SLICE(OTS_CODE_OBJECT_NOT_EXIST)));
    wide_expect(test, "x", 1, "b=1@0");
    wide_expect(test, "x", 3, "b=2@0");
    wide_expect(test, "x", 2, NULL);
    wide_expect(test, "old", 1, NULL);
}

static void test_batch_limits(void **state)
{
    struct test_instance *test = *state;
    struct ots_wide_write writes[OTS_WIDE_BATCH_WRITES_MAX + 1];
    struct ots_plain_row keys[OTS_WIDE_BATCH_READS_MAX + 1];
    for (int i = 0; i <= OTS_WIDE_BATCH_WRITES_MAX; i++)
        writes[i] =
            (struct ots_wide_write){.operation = OTS_WIDE_PUT, .row = wide_key(test, "x", i)};
    for (int i = 0; i <= OTS_WIDE_BATCH_READS_MAX; i++)
        keys[i] = wide_key(test, "x", i);
    wide_create(test, 1, FOREVER);
    struct ots_wide_batch_write_table table = {OTS_SLICE("t"), writes, OTS_WIDE_BATCH_WRITES_MAX};
    TEST_CALL(write, OTS_ACTION_WIDE_BATCH_WRITE);
    write.request.wide.batch_write.tables = &table;
    test_call_refused(test, &write, OTS_CODE_PARAMETER_INVALID);
    write.request.wide.batch_write.table_count = 1;
    test_call_ok(test, &write);
    table.write_count++;
    test_call_refused(test, &write, OTS_CODE_PARAMETER_INVALID);
    table.write_count = 0;
    test_call_refused(test, &write, OTS_CODE_PARAMETER_INVALID);
    wide_expect(test, "x", OTS_WIDE_BATCH_WRITES_MAX - 1, "");
    wide_expect(test, "x", OTS_WIDE_BATCH_WRITES_MAX, NULL);
    struct ots_wide_batch_get_table wanted = {.table = OTS_SLICE("t"), .keys = keys};
    wanted.selection.has_max_versions = true;
    wanted.selection.max_versions = 1;
    TEST_CALL(get, OTS_ACTION_WIDE_BATCH_GET);
    get.request.wide.batch_get.tables = &wanted;
    get.request.wide.batch_get.table_count = 1;
    test_call_refused(test, &get, OTS_CODE_PARAMETER_INVALID);
    wanted.key_count = OTS_WIDE_BATCH_READS_MAX;
    test_call_ok(test, &get);
    assert_true(get.response.wide.batch.tables[0].rows[99].has_row);
    wanted.key_count++;
    test_call_refused(test, &get, OTS_CODE_PARAMETER_INVALID);
}

static void test_batch_bytes(void **state)
{
    struct test_instance *test = *state;
    static uint8_t value[OTS_WIDE_VALUE_BYTES_MAX];
    struct ots_wide_write writes[2];
    struct ots_cell cell = wide_string("v", "");
    wide_create(test, 1, FOREVER);
    for (int i = 0; i < 2; i++) {
        /* Beside the value: v, a, x, n and 8 bytes of the number. */
        cell.bytes = ots_slice(value, sizeof(value) - 12);
        writes[i] = (struct ots_wide_write){.operation = OTS_WIDE_PUT,
                                            .row = wide_row(test, "x", i, &cell, 1)};
    }
    const struct ots_wide_batch_write_table table = {OTS_SLICE("t"), writes, 2};
    TEST_CALL(call, OTS_ACTION_WIDE_BATCH_WRITE);
    call.request.wide.batch_write.tables = &table;
    call.request.wide.batch_write.table_count = 1;
    test_call_ok(test, &call);
    cell.bytes.size++;
    writes[1].row = wide_row(test, "y", 2, &cell, 1);
    test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
    wide_expect(test, "y", 2, NULL);
}

/* Old rows are larger than what is written: they are not kept until the batch's end. */
static void test_batch_memory(void **state)
{
    enum { WRITES = 50, VALUE_BYTES = 256 * 1024 };
    struct test_instance *test = *state;
    static uint8_t value[VALUE_BYTES];
    struct ots_cell cell = wide_string("v", "");
    cell.bytes = ots_slice(value, sizeof(value));
    wide_create(test, 1, FOREVER);
    struct ots_wide_write writes[WRITES];
    for (int i = 0; i < WRITES; i++) {
        wide_write(test, OTS_ACTION_WIDE_PUT_ROW, wide_row(test, "x", i, &cell, 1),
                   OTS_EXPECT_NOTHING);
        writes[i] = (struct ots_wide_write){.operation = OTS_WIDE_UPDATE,
                                            .row = WIDE_ROW(test, "x", i, wide_increment("b", 1))};
    }
    const struct ots_wide_batch_write_table table = {OTS_SLICE("t"), writes, WRITES};
    TEST_CALL(call, OTS_ACTION_WIDE_BATCH_WRITE);
    call.request.wide.batch_write.tables = &table;
    call.request.wide.batch_write.table_count = 1;
    test_call_ok(test, &call);
    for (int i = 0; i < WRITES; i++)
        assert_int_equal(call.response.wide.batch.tables[0].rows[i].code.size, 0);
    assert_true(call.arena.used_bytes < VALUE_BYTES);
}

/* A batch that would be endless is answered in part, and its rest can be asked for again. */
static void test_batch_get_bytes(void **state)
{
    enum { VALUES = 3, KEYS = 20 };
    struct test_instance *test = *state;
    static uint8_t value[OTS_WIDE_VALUE_BYTES_MAX];
    wide_create(test, VALUES, FOREVER);
    struct ots_cell cell = wide_string("v", "");
    cell.bytes = ots_slice(value, sizeof(value));
    for (int i = 0; i < VALUES; i++)
        wide_write(test, OTS_ACTION_WIDE_UPDATE_ROW,
                   (cell = wide_at(cell, TEST_NOW_US / 1000 + i), wide_row(test, "x", 1, &cell, 1)),
                   OTS_EXPECT_NOTHING);
    struct ots_plain_row keys[KEYS];
    for (int i = 0; i < KEYS; i++)
        keys[i] = wide_key(test, "x", 1);
    struct ots_wide_batch_get_table table = {OTS_SLICE("t"), keys, KEYS, {.max_versions = VALUES}};
    table.selection.has_max_versions = true;
    TEST_CALL(call, OTS_ACTION_WIDE_BATCH_GET);
    call.request.wide.batch_get.tables = &table;
    call.request.wide.batch_get.table_count = 1;
    test_call_ok(test, &call);
    const struct ots_wide_row_response *rows = call.response.wide.batch.tables[0].rows;
    for (int i = 0; i < KEYS; i++) {
        bool is_read = i < 3; /* of 6 MiB each */
        assert_int_equal(rows[i].has_row, is_read);
        assert_int_equal(rows[i].code.size == 0, is_read);
        if (!is_read)
            assert_true(ots_slice_equal(rows[i].code, OTS_SLICE(OTS_CODE_SERVER_BUSY)));
    }
    table.keys = keys + 3;
    table.key_count = 1;
    test_call_ok(test, &call);
    assert_true(call.response.wide.batch.tables[0].rows[0].has_row);
}

static void test_batch_repeats(void **state)
{
    struct test_instance *test = *state;
    struct ots_wide_write writes[3] = {
        {.operation = OTS_WIDE_PUT, .row = wide_key(test, "x", 1)},
        {.operation = OTS_WIDE_PUT, .row = wide_key(test, "y", 1)},
        {.operation = OTS_WIDE_DELETE, .row = wide_key(test, "x", 2)},
    };
    struct ots_wide_batch_write_table tables[2] = {{OTS_SLICE("t"), writes, 3},
                                                   {OTS_SLICE("t"), writes + 2, 1}};
    wide_create(test, 1, FOREVER);
    TEST_CALL(write, OTS_ACTION_WIDE_BATCH_WRITE);
    write.request.wide.batch_write.tables = tables;
    write.request.wide.batch_write.table_count = 2;
    tables[0].write_count = 2;
    test_call_refused(test, &write, OTS_CODE_PARAMETER_INVALID);
    write.request.wide.batch_write.table_count = 1;
    tables[0].write_count = 3;
    writes[2].row = wide_key(test, "y", 1);
    test_call_refused(test, &write, OTS_CODE_PARAMETER_INVALID);
    wide_expect(test, "x", 1, NULL);
    writes[2].row = wide_key(test, "y", 2);
    test_call_ok(test, &write);
    struct ots_plain_row keys[2] = {wide_key(test, "x", 1), wide_key(test, "x", 1)};
    struct ots_wide_batch_get_table wanted[2] = {
        {OTS_SLICE("t"), keys, 2, {.has_max_versions = true, .max_versions = 1}}};
    wanted[1] = wanted[0];
    TEST_CALL(get, OTS_ACTION_WIDE_BATCH_GET);
    get.request.wide.batch_get.tables = wanted;
    get.request.wide.batch_get.table_count = 2;
    test_call_refused(test, &get, OTS_CODE_PARAMETER_INVALID);
    get.request.wide.batch_get.table_count = 1;
    test_call_ok(test, &get);
    for (size_t i = 0; i < 2; i++)
        assert_true(get.response.wide.batch.tables[0].rows[i].has_row);
}

static void test_batch_get(void **state)
{
    struct test_instance *test = *state;
    wide_create(test, 1, FOREVER);
    wide_write(test, OTS_ACTION_WIDE_PUT_ROW, WIDE_ROW(test, "x", 1, wide_integer("b", 1)),
               OTS_EXPECT_NOTHING);
    struct ots_plain_row keys[3] = {wide_key(test, "x", 2), wide_key(test, "x", 1)};
    struct ots_wide_batch_get_table tables[2] = {
        {.table = OTS_SLICE("t"), .keys = keys, .key_count = 3},
        {.table = OTS_SLICE("missing"), .keys = keys, .key_count = 1}};
    tables[0].selection.has_max_versions = true;
    tables[0].selection.max_versions = 1;
    TEST_CALL(call, OTS_ACTION_WIDE_BATCH_GET);
    call.request.wide.batch_get.tables = tables;
    call.request.wide.batch_get.table_count = 2;
    test_call_ok(test, &call);
    const struct ots_wide_row_response *rows = call.response.wide.batch.tables[0].rows;
    assert_true(!rows[0].has_row && !rows[0].code.size);
    assert_string_equal(wide_text(test, &rows[1].row), "b=1@0");
    assert_true(ots_slice_equal(rows[2].code, OTS_SLICE(OTS_CODE_INVALID_PK)));
    rows = call.response.wide.batch.tables[1].rows;
    assert_true(ots_slice_equal(rows[0].code, OTS_SLICE(OTS_CODE_OBJECT_NOT_EXIST)));
}

#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, test_instance_setup, test_instance_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_batch_write),   TEST(test_batch_limits), TEST(test_batch_bytes),
        TEST(test_batch_memory),  TEST(test_batch_get),    TEST(test_batch_get_bytes),
        TEST(test_batch_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
