#include "tests/unit/server_fixture.h"

#include "backend/server/physical.h"
#include "backend/wire/service_code.h"

#define PHYSICAL OTS_SLICE("t#timeseries")

static int setup(void **state)
{
    int failed = test_instance_setup(state);
    if (!failed)
        test_create_table(*state, "t");
    return failed;
}

static struct ots_cell text(const char *name, const char *value)
{
    return (struct ots_cell){
        .name = ots_slice_str(name), .type = OTS_CELL_STRING, .bytes = ots_slice_str(value)};
}

static struct ots_cell integer(const char *name, int64_t value)
{
    return (struct ots_cell){
        .name = ots_slice_str(name), .type = OTS_CELL_INTEGER, .integer = value};
}

enum { KEY_COUNT = 5 };

/* A whole row of table t. */
struct sample {
    struct ots_cell key[KEY_COUNT];
    struct ots_cell cells[2];
    struct ots_wide_batch_write_table table;
    struct ots_wide_write write;
};

static void sample_init(struct sample *sample, int64_t time_us)
{
    *sample = (struct sample){
        .key = {text("_#h", ""), text("_m_name", "cpu"), text("_data_source", "d"),
                text("_tags", "[\"host=h1\"]"), integer("_time", time_us)},
        .cells = {integer("n:i", 7), text("s:s", "x:y")},
    };
    sample->write = (struct ots_wide_write){
        .operation = OTS_WIDE_PUT,
        .row = {.key = sample->key,
                .key_count = KEY_COUNT,
                .cells = sample->cells,
                .cell_count = 2},
    };
    sample->table = (struct ots_wide_batch_write_table){
        .table = PHYSICAL, .writes = &sample->write, .write_count = 1};
}

/* One row through BatchWriteRow; returns its code, empty for success. */
static void write_sample(struct test_instance *test, const struct sample *sample, char *code)
{
    TEST_CALL(call, OTS_ACTION_WIDE_BATCH_WRITE);
    call.request.wide.batch_write =
        (struct ots_wide_batch_write_request){.tables = &sample->table, .table_count = 1};
    test_call_ok(test, &call);
    struct ots_wide_batch_response *response = &call.response.wide.batch;
    assert_int_equal(response->table_count, 1);
    assert_int_equal(response->tables[0].row_count, 1);
    assert_true(ots_slice_equal(response->tables[0].table, sample->table.table));
    struct ots_slice found = response->tables[0].rows[0].code;
    assert_true(found.size < 64);
    memcpy(code, found.data ? found.data : (const uint8_t *)"", found.size);
    code[found.size] = 0;
}

static void assert_written(struct test_instance *test, const struct sample *sample)
{
    char code[64];
    write_sample(test, sample, code);
    assert_string_equal(code, "");
}

static void assert_refused(struct test_instance *test, const struct sample *sample,
                           const char *expected)
{
    char code[64];
    write_sample(test, sample, code);
    assert_string_equal(code, expected);
}

/* ---- tests ---- */

static void test_name(void **state)
{
    (void)state;
    assert_true(ots_physical_is_name(PHYSICAL));
    assert_false(ots_physical_is_name(OTS_SLICE("#timeseries")));
    assert_false(ots_physical_is_name(OTS_SLICE("t")));
    assert_false(ots_physical_is_name(OTS_SLICE("t#timeserie")));
    assert_false(ots_physical_is_name(OTS_SLICE("")));
}

static void test_describe(void **state)
{
    static const char *const names[] = {"_#h", "_m_name", "_data_source", "_tags", "_time"};
    TEST_CALL(call, OTS_ACTION_WIDE_DESCRIBE);
    call.request.table.table = PHYSICAL;
    test_call_ok(*state, &call);
    const struct ots_wide_meta *meta = &call.response.wide.describe.meta;
    assert_true(ots_slice_equal(meta->name, PHYSICAL));
    assert_int_equal(meta->key_count, KEY_COUNT);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        assert_true(ots_slice_equal(meta->key[i].name, ots_slice_str(names[i])));
        assert_int_equal(meta->key[i].type, i == 4 ? OTS_KEY_INTEGER : OTS_KEY_STRING);
    }
    call.request.table.table = OTS_SLICE("u#timeseries");
    test_call_refused(*state, &call, OTS_CODE_OBJECT_NOT_EXIST);
    call.request.table.table = OTS_SLICE("t");
    test_call_refused(*state, &call, OTS_CODE_OBJECT_NOT_EXIST);
}

/* What was written as a wide-column row is a row of the time-series table. */
static void test_write(void **state)
{
    struct test_instance *test = *state;
    struct sample sample;
    sample_init(&sample, 1234567);
    assert_written(test, &sample);
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    test_call_ok(test, &scan);
    TEST_ASSERT_TIMES(scan, 1234567);
    const struct ots_row *row = &scan.response.page.rows.items[0];
    assert_true(ots_slice_equal(row->key->measurement, OTS_SLICE("cpu")));
    assert_true(ots_slice_equal(row->key->data_source, OTS_SLICE("d")));
    assert_int_equal(row->key->tag_count, 1);
    assert_true(ots_slice_equal(row->key->tags[0].value, OTS_SLICE("h1")));
    assert_int_equal(row->field_count, 2);
    assert_true(ots_slice_equal(row->fields[0].name, OTS_SLICE("n")));
    assert_int_equal(row->fields[0].value.integer, 7);
    assert_true(ots_slice_equal(row->fields[1].value.bytes, OTS_SLICE("x:y")));
}

static void test_put_row(void **state)
{
    struct sample sample;
    sample_init(&sample, 5);
    TEST_CALL(put, OTS_ACTION_WIDE_PUT_ROW);
    put.request.wide.write =
        (struct ots_wide_write_request){.table = PHYSICAL, .write = sample.write};
    test_call_ok(*state, &put);
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    test_call_ok(*state, &scan);
    TEST_ASSERT_TIMES(scan, 5);
}

static void test_write_refused(void **state)
{
    struct test_instance *test = *state;
    struct sample sample;
    sample_init(&sample, 1);
    sample.write.row.key_count = 4;
    assert_refused(test, &sample, OTS_CODE_PARAMETER_INVALID);
    sample_init(&sample, 1);
    sample.key[1].name = OTS_SLICE("m_name");
    assert_refused(test, &sample, OTS_CODE_PARAMETER_INVALID);
    sample_init(&sample, 1);
    sample.key[4].type = OTS_CELL_INF_MIN;
    assert_refused(test, &sample, OTS_CODE_PARAMETER_INVALID);
    sample_init(&sample, -1);
    assert_refused(test, &sample, OTS_CODE_PARAMETER_INVALID);
    sample_init(&sample, 1);
    sample.key[3].bytes = OTS_SLICE("[\"host\"]");
    assert_refused(test, &sample, OTS_CODE_PARAMETER_INVALID);
    sample_init(&sample, 1);
    sample.key[1].bytes = OTS_SLICE("a b");
    assert_refused(test, &sample, OTS_CODE_PARAMETER_INVALID);
    sample_init(&sample, 1);
    sample.write.operation = OTS_WIDE_UPDATE;
    assert_refused(test, &sample, OTS_CODE_UNSUPPORTED);
    sample.write.operation = OTS_WIDE_DELETE;
    assert_refused(test, &sample, OTS_CODE_UNSUPPORTED);
    sample_init(&sample, 1);
    sample.write.expectation = OTS_EXPECT_NO_ROW;
    assert_refused(test, &sample, OTS_CODE_UNSUPPORTED);
    sample_init(&sample, 1);
    sample.table.table = OTS_SLICE("u#timeseries");
    assert_refused(test, &sample, OTS_CODE_OBJECT_NOT_EXIST);
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.request.scan.table = OTS_SLICE("t");
    test_call_ok(test, &scan);
    assert_int_equal(scan.response.page.rows.count, 0);
}

/* Identifiers and fields of its own are key columns, and come back as they were written. */
static void test_own_keys(void **state)
{
    struct test_instance *test = *state;
    const struct ots_slice names[] = {OTS_SLICE("_m_name"), OTS_SLICE("_tags"), OTS_SLICE("az")};
    const struct ots_field_key fields[] = {{OTS_SLICE("cores"), OTS_KEY_INTEGER}};
    TEST_CALL(create, OTS_ACTION_CREATE_TABLE);
    create.request.create_table.meta = (struct ots_table_meta){.name = OTS_SLICE("own"),
                                                               .key_schema = names,
                                                               .key_schema_count = 3,
                                                               .field_keys = fields,
                                                               .field_key_count = 1};
    test_call_ok(test, &create);
    struct ots_cell key[] = {text("_#h", ""), text("_m_name", "cpu"), text("_tags", "[]"),
                             text("az", "b"), integer("_time", 1000), integer("cores", 8)};
    struct ots_cell cell = integer("n:i", 1);
    TEST_CALL(put, OTS_ACTION_WIDE_PUT_ROW);
    put.request.wide.write = (struct ots_wide_write_request){
        .table = OTS_SLICE("own#timeseries"),
        .write = {.operation = OTS_WIDE_PUT,
                  .row = {.key = key, .key_count = 6, .cells = &cell, .cell_count = 1}}};
    test_call_ok(test, &put);
    TEST_CALL(range, OTS_ACTION_WIDE_GET_RANGE);
    struct ots_cell start[6], end[6];
    for (size_t i = 0; i < 6; i++) {
        start[i] = (struct ots_cell){.name = key[i].name, .type = OTS_CELL_INF_MIN};
        end[i] = (struct ots_cell){.name = key[i].name, .type = OTS_CELL_INF_MAX};
    }
    range.request.wide.range =
        (struct ots_wide_range_request){.table = OTS_SLICE("own#timeseries"),
                                        .start = {.key = start, .key_count = 6},
                                        .end = {.key = end, .key_count = 6}};
    test_call_ok(test, &range);
    assert_int_equal(range.response.wide.range.row_count, 1);
    const struct ots_plain_row *row = &range.response.wide.range.rows[0];
    assert_int_equal(row->key_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_true(ots_slice_equal(row->key[i].name, key[i].name));
    assert_true(ots_slice_equal(row->key[3].bytes, OTS_SLICE("b")));
    assert_int_equal(row->key[5].integer, 8);
    assert_int_equal(row->cell_count, 1);
}

static void range_init(struct ots_call *call, struct ots_cell *start, struct ots_cell *end)
{
    struct sample sample;
    sample_init(&sample, 0);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        start[i] = (struct ots_cell){.name = sample.key[i].name, .type = OTS_CELL_INF_MIN};
        end[i] = (struct ots_cell){.name = sample.key[i].name, .type = OTS_CELL_INF_MAX};
    }
    call->request.wide.range = (struct ots_wide_range_request){
        .table = PHYSICAL,
        .start = {.key = start, .key_count = KEY_COUNT},
        .end = {.key = end, .key_count = KEY_COUNT},
    };
}

static void test_range(void **state)
{
    struct ots_cell start[KEY_COUNT], end[KEY_COUNT];
    test_put_one(*state, "t", "cpu", "h1", 1700000000123456, 3);
    TEST_CALL(call, OTS_ACTION_WIDE_GET_RANGE);
    range_init(&call, start, end);
    test_call_ok(*state, &call);
    const struct ots_wide_range_response *response = &call.response.wide.range;
    assert_int_equal(response->row_count, 1);
    assert_int_equal(response->next.key_count, 0);
    const struct ots_plain_row *row = &response->rows[0];
    assert_int_equal(row->key_count, KEY_COUNT);
    assert_true(ots_slice_equal(row->key[1].bytes, OTS_SLICE("cpu")));
    assert_true(ots_slice_equal(row->key[3].bytes, OTS_SLICE("[\"host=h1\"]")));
    assert_int_equal(row->key[4].integer, 1700000000123456);
    assert_int_equal(row->cell_count, 1);
    assert_true(ots_slice_equal(row->cells[0].name, OTS_SLICE("n:i")));
    assert_int_equal(row->cells[0].integer, 3);
    assert_true(row->cells[0].has_timestamp);
    assert_int_equal(row->cells[0].timestamp_ms, 1700000000123);
}

/* Every row once, however the pages are cut. */
static void test_range_pages(void **state)
{
    struct ots_cell start[KEY_COUNT], end[KEY_COUNT];
    for (int64_t i = 0; i < 10; i++)
        test_put_one(*state, "t", i % 2 ? "cpu" : "mem", "h", 100 + i, i);
    TEST_CALL(call, OTS_ACTION_WIDE_GET_RANGE);
    range_init(&call, start, end);
    call.request.wide.range.has_limit = true;
    call.request.wide.range.limit = 3;
    unsigned seen = 0;
    size_t pages = 0;
    do {
        test_call_ok(*state, &call);
        const struct ots_wide_range_response *response = &call.response.wide.range;
        for (size_t i = 0; i < response->row_count; i++) {
            unsigned bit = 1U << (response->rows[i].key[4].integer - 100);
            assert_int_equal(seen & bit, 0);
            seen |= bit;
        }
        range_init(&call, start, end);
        call.request.wide.range.has_limit = true;
        call.request.wide.range.limit = 3;
        call.request.wide.range.start = response->next;
        pages++;
    } while (call.request.wide.range.start.key_count);
    assert_int_equal(seen, 0x3ff);
    assert_int_equal(pages, 4);
}

static void test_range_refused(void **state)
{
    struct ots_cell start[KEY_COUNT], end[KEY_COUNT];
    struct sample sample;
    sample_init(&sample, 9);
    const struct ots_slice columns[] = {OTS_SLICE("n:i")};
    TEST_CALL(call, OTS_ACTION_WIDE_GET_RANGE);
    struct ots_wide_range_request *request = &call.request.wide.range;
    range_init(&call, start, end);
    request->start.key = sample.key;
    test_call_refused(*state, &call, OTS_CODE_UNSUPPORTED);
    sample.key[0].bytes = OTS_SLICE("AAAA");
    range_init(&call, start, end);
    request->start.key = sample.key;
    test_call_refused(*state, &call, OTS_CODE_PARAMETER_INVALID);
    range_init(&call, start, end);
    request->end.key = sample.key;
    test_call_refused(*state, &call, OTS_CODE_UNSUPPORTED);
    range_init(&call, start, end);
    start[2].type = OTS_CELL_INF_MAX;
    test_call_refused(*state, &call, OTS_CODE_PARAMETER_INVALID);
    range_init(&call, start, end);
    request->start.key_count = 0;
    test_call_refused(*state, &call, OTS_CODE_PARAMETER_INVALID);
    range_init(&call, start, end);
    request->is_backward = true;
    test_call_refused(*state, &call, OTS_CODE_UNSUPPORTED);
    range_init(&call, start, end);
    request->selection.columns = columns;
    request->selection.column_count = 1;
    test_call_refused(*state, &call, OTS_CODE_UNSUPPORTED);
    for (int32_t limit = -1; limit <= 1; limit++) {
        range_init(&call, start, end);
        request->has_limit = true;
        request->limit = limit;
        if (limit < 1)
            test_call_refused(*state, &call, OTS_CODE_PARAMETER_INVALID);
        else
            test_call_ok(*state, &call);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name),
        cmocka_unit_test_setup_teardown(test_describe, setup, test_instance_teardown),
        cmocka_unit_test_setup_teardown(test_write, setup, test_instance_teardown),
        cmocka_unit_test_setup_teardown(test_put_row, setup, test_instance_teardown),
        cmocka_unit_test_setup_teardown(test_write_refused, setup, test_instance_teardown),
        cmocka_unit_test_setup_teardown(test_own_keys, setup, test_instance_teardown),
        cmocka_unit_test_setup_teardown(test_range, setup, test_instance_teardown),
        cmocka_unit_test_setup_teardown(test_range_pages, setup, test_instance_teardown),
        cmocka_unit_test_setup_teardown(test_range_refused, setup, test_instance_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
