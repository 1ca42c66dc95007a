/*
 * Stream records from a put to what a client sees, and the cells that carry them.
 */
#include "backend/wire/messages.h"
#include "backend/wire/plainbuf.h"
#include "backend/wire/proto.h"
#include "backend/wire/stream.pb-c.h"
#include "tests/unit/make_rows.h"
#include "tests/unit/stream_fixture.h"

#define SLICE(literal)                                                                             \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }

/* Carries out a read from the beginning; its response as bytes. */
static struct ots_buf read_body(struct test_instance *test, const char *table)
{
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_error err = {0};
    struct test_name stream = test_stream_of(test, table);
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name at = test_iterator(test, &stream, &shard.id);
    TEST_CALL(call, OTS_ACTION_STREAM_RECORDS);
    call.request.stream_records.iterator = test_name_slice(&at);
    test_call_ok(test, &call);
    assert_int_equal(ots_response_encode(&call, NULL, &body, &err), OTS_OK);
    return body;
}

/* Every kind of value and key, through our client's decoder. */
static void test_ordinary_rows(void **state)
{
    struct test_instance *test = *state;
    struct test_random random = {5};
    struct ots_error err = {0};
    struct ots_rows rows = test_make_rows(&random, &test->arena, 200);
    test_create_table(test, "t");
    test_put(test, "t", rows.items, 120);
    test_put(test, "t", rows.items + 120, 80);
    struct ots_buf body = read_body(test, "t");
    TEST_CALL(seen, OTS_ACTION_STREAM_RECORDS);
    assert_int_equal(ots_response_decode(ots_buf_slice(&body), &seen, &err), OTS_OK);
    ots_buf_deinit(&body);
    const struct ots_stream_records_response *page = &seen.response.stream_records;
    assert_int_equal(page->count, 200);
    for (size_t i = 0; i < 200; i++) {
        assert_true(ots_row_equal(&page->records[i].row, &rows.items[i]));
        assert_int_equal(page->records[i].sequence.row_index, i < 120 ? i : i - 120);
    }
}

static void create_with_keys(struct test_instance *test)
{
    static const struct ots_slice identifiers[] = {SLICE("_m_name"), SLICE("region")};
    static const struct ots_field_key keys[] = {{SLICE("cores"), OTS_KEY_INTEGER}};
    TEST_CALL(call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta.name = OTS_SLICE("k");
    call.request.create_table.meta.key_schema = identifiers;
    call.request.create_table.meta.key_schema_count = 2;
    call.request.create_table.meta.field_keys = keys;
    call.request.create_table.meta.field_key_count = 1;
    test_call_ok(test, &call);
}

static void assert_cell(const struct ots_cell *cell, const char *name, bool has_timestamp)
{
    assert_true(ots_slice_equal(cell->name, ots_slice_str(name)));
    assert_int_equal(cell->has_timestamp, has_timestamp);
}

/* The order of columns, which cells bear a time, and the sequence. */
static void assert_cells(struct ots_slice record, int64_t commit_us)
{
    static const char *const key[] = {"_#h", "_m_name", "region", "_time", "cores"};
    struct ots_plainbuf_reader reader;
    struct ots_plain_row row;
    bool has_row = false;
    assert_int_equal(ots_plainbuf_reader_init(&reader, record, NULL), OTS_OK);
    assert_int_equal(ots_plainbuf_read_row(&reader, &row, &has_row, NULL), OTS_OK);
    assert_true(has_row && row.has_sequence && !row.is_delete);
    assert_int_equal(row.key_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_cell(&row.key[i], key[i], false);
    assert_int_equal(row.cell_count, 1);
    assert_cell(&row.cells[0], "n:i", true);
    assert_int_equal(row.cells[0].timestamp_ms, 7);
    assert_int_equal(row.sequence.timestamp_us, commit_us);
    assert_int_equal(row.sequence.epoch, 0);
    assert_int_equal(ots_plainbuf_read_row(&reader, &row, &has_row, NULL), OTS_OK);
    assert_false(has_row);
    ots_plainbuf_reader_deinit(&reader);
}

static void test_own_keys(void **state)
{
    struct test_instance *test = *state;
    static const struct ots_tag tag = {SLICE("region"), SLICE("hz")};
    static const struct ots_series_key key = {SLICE("cpu"), SLICE(""), &tag, 1};
    static const struct ots_field fields[] = {
        {SLICE("n"), {.type = OTS_INTEGER, .integer = 3}},
        {SLICE("cores"), {.type = OTS_INTEGER, .integer = 8}},
    };
    const struct ots_row row = {&key, 7999, fields, 2};
    const void *unpacked = NULL;
    struct ots_error err = {0};
    create_with_keys(test);
    test->clock.now_us += 1000000;
    test_put(test, "k", &row, 1);
    struct ots_buf body = read_body(test, "k");
    TEST_CALL(seen, OTS_ACTION_STREAM_RECORDS);
    assert_int_equal(ots_response_decode(ots_buf_slice(&body), &seen, &err), OTS_OK);
    assert_int_equal(seen.response.stream_records.count, 1);
    assert_true(ots_row_equal(&seen.response.stream_records.records[0].row, &row));
    assert_int_equal(ots_proto_unpack(&ots__wire__stream_page__descriptor, ots_buf_slice(&body),
                                      &test->arena, "page", &unpacked, &err),
                     OTS_OK);
    const Ots__Wire__StreamPage *page = unpacked;
    assert_int_equal(page->n_records, 1);
    assert_int_equal(page->records[0]->type, OTS_CHANGE_PUT);
    assert_cells(ots_proto_slice(page->records[0]->row), TEST_NOW_US + 1000000);
    ots_buf_deinit(&body);
}

int main(void)
{
#define TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, test_instance_setup, test_instance_teardown)
    const struct CMUnitTest tests[] = {TEST(test_ordinary_rows), TEST(test_own_keys)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
