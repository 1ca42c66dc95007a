/*
 * Tables with identifiers and key fields of their own.
 */
#include "tests/unit/server_fixture.h"

#include "backend/server/handlers.h"
#include "backend/wire/messages.h"
#include "backend/wire/service_code.h"

#include <stdio.h>

#define SLICE(literal)                                                                             \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }

static const struct ots_slice identifiers[] = {SLICE("_m_name"), SLICE("_tags"), SLICE("region")};
static const struct ots_field_key keys[] = {{SLICE("cores"), OTS_KEY_INTEGER},
                                            {SLICE("freq"), OTS_KEY_STRING}};

static void create(struct test_instance *test, const char *name, const struct ots_slice *schema,
                   size_t schema_count, size_t field_key_count)
{
    TEST_CALL(call, OTS_ACTION_CREATE_TABLE);
    struct ots_table_meta *meta = &call.request.create_table.meta;
    meta->name = ots_slice_str(name);
    meta->key_schema = schema;
    meta->key_schema_count = schema_count;
    meta->field_keys = keys;
    meta->field_key_count = field_key_count;
    test_call_ok(test, &call);
}

static int setup(void **state)
{
    int failed = test_instance_setup(state);
    if (!failed)
        create(*state, "t", identifiers, 3, 2);
    return failed;
}

static const struct ots_tag tags[] = {{SLICE("region"), SLICE("hz")},
                                      {SLICE("vendor"), SLICE("intel")}};
static const struct ots_series_key cpu = {SLICE("cpu"), SLICE(""), tags, 2};
static const struct ots_series_key gpu = {SLICE("gpu"), SLICE(""), tags, 2};

/* A row with cores, freq and n; fields that are not wanted are cut from the end. */
static struct ots_row make_row(struct test_instance *test, const struct ots_series_key *key,
                               int64_t time_us, int64_t cores, const char *freq, int64_t n)
{
    struct ots_field *fields = ots_arena_array(&test->arena, 3, sizeof(*fields));
    assert_non_null(fields);
    fields[0].name = OTS_SLICE("n");
    fields[0].value = (struct ots_value){.type = OTS_INTEGER, .integer = n};
    fields[1].name = OTS_SLICE("freq");
    fields[1].value = (struct ots_value){.type = OTS_STRING, .bytes = ots_slice_str(freq)};
    fields[2].name = OTS_SLICE("cores");
    fields[2].value = (struct ots_value){.type = OTS_INTEGER, .integer = cores};
    return (struct ots_row){key, time_us, fields, 3};
}

/* Two rows at 1 and four at 2 of cpu, in a mixed order, and one of gpu. n is their place. */
static void put_all(struct test_instance *test)
{
    const struct ots_row rows[] = {
        make_row(test, &cpu, 2, 8, "1", 4),  make_row(test, &cpu, 2, 8, "", 3),
        make_row(test, &cpu, 2, -8, "9", 2), make_row(test, &cpu, 2, 8, "10", 5),
        make_row(test, &cpu, 1, 8, "b", 1),  make_row(test, &cpu, 1, 8, "a", 0),
        make_row(test, &gpu, 0, 1, "", 6),
    };
    test_put(test, "t", rows, sizeof(rows) / sizeof(rows[0]));
}

static int64_t number_of(const struct ots_row *row)
{
    const struct ots_field *field = ots_row_field(row, OTS_SLICE("n"));
    assert_non_null(field);
    return field->value.integer;
}

/* Reads page by page; the rows must be `expected`, digit by digit. */
static void assert_read(struct test_instance *test, struct ots_call *call, const char *expected)
{
    char found[32] = "";
    size_t count = 0;
    struct ots_buf token = OTS_BUF_INIT;
    do {
        test_call_ok(test, call);
        const struct ots_page_response *page = &call->response.page;
        for (size_t i = 0; i < page->rows.count; i++) {
            assert_true(count < sizeof(found) - 1);
            found[count++] = (char)('0' + number_of(&page->rows.items[i]));
        }
        ots_buf_reset(&token);
        ots_buf_append_slice(&token, page->next_token);
        if (call->action == OTS_ACTION_GET)
            call->request.get.token = ots_buf_slice(&token);
        else
            call->request.scan.token = ots_buf_slice(&token);
        ots_arena_reset(&call->arena);
    } while (token.size);
    ots_buf_deinit(&token);
    found[count] = '\0';
    assert_string_equal(found, expected);
}

static void assert_get(struct test_instance *test, int64_t begin_us, int64_t end_us,
                       bool is_backward, const char *expected)
{
    for (int32_t limit = 0; limit < 4; limit++) {
        TEST_CALL(get, OTS_ACTION_GET);
        get.request.get = (struct ots_get_request){
            .table = OTS_SLICE("t"),
            .key = cpu,
            .begin_us = begin_us,
            .end_us = end_us,
            .has_begin = true,
            .has_end = end_us > 0,
            .is_backward = is_backward,
            .limit = limit,
        };
        assert_read(test, &get, expected);
    }
}

static void test_order_within_a_time(void **state)
{
    struct test_instance *test = *state;
    put_all(test);
    for (int i = 0; i < 2; i++) {
        assert_get(test, 0, 0, false, "012345");
        assert_get(test, 0, 0, true, "543210");
        assert_get(test, 1, 2, false, "01");
        assert_get(test, 1, 2, true, "10");
        assert_get(test, 2, 3, false, "2345");
        assert_get(test, 2, 3, true, "5432");
        for (int32_t limit = 0; limit < 8; limit++) {
            TEST_CALL(scan, OTS_ACTION_SCAN);
            scan.request.scan.table = OTS_SLICE("t");
            scan.request.scan.limit = limit;
            assert_read(test, &scan, "0123456");
        }
        test_instance_reopen(test);
    }
}

static void test_the_last_time(void **state)
{
    struct test_instance *test = *state;
    const struct ots_row rows[] = {make_row(test, &cpu, INT64_MAX, 1, "", 1),
                                   make_row(test, &cpu, INT64_MAX, 2, "", 2)};
    test_put(test, "t", rows, 2);
    assert_get(test, 0, 0, false, "12");
    assert_get(test, 0, 0, true, "21");
}

static void test_equal_keys_replace(void **state)
{
    struct test_instance *test = *state;
    put_all(test);
    const struct ots_row rows[] = {make_row(test, &cpu, 2, 8, "1", 8),
                                   make_row(test, &cpu, 2, 8, "1", 9),
                                   make_row(test, &cpu, 2, 8, "0", 7)};
    test_put(test, "t", rows, 3);
    assert_get(test, 0, 0, false, "0123795");
}

static void test_key_fields_are_always_read(void **state)
{
    struct test_instance *test = *state;
    put_all(test);
    static const struct {
        struct ots_field_wanted fields[2];
        size_t count;
        size_t rows;
        size_t fields_per_row;
    } cases[] = {
        {{{SLICE("n"), 0}}, 1, 6, 3},
        {{{SLICE("n"), OTS_DOUBLE}}, 1, 0, 0},
        {{{SLICE("m"), 0}}, 1, 0, 0},
        {{{SLICE("freq"), 0}}, 1, 6, 2},
        {{{SLICE("freq"), OTS_STRING}, {SLICE("n"), OTS_INTEGER}}, 2, 6, 3},
        {{{SLICE("freq"), OTS_BINARY}}, 1, 0, 0},
        {{{SLICE("freq"), OTS_BINARY}, {SLICE("n"), 0}}, 2, 6, 3},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        TEST_CALL(get, OTS_ACTION_GET);
        get.request.get.table = OTS_SLICE("t");
        get.request.get.key = cpu;
        get.request.get.fields = cases[i].fields;
        get.request.get.field_count = cases[i].count;
        test_call_ok(test, &get);
        assert_int_equal(get.response.page.rows.count, cases[i].rows);
        for (size_t j = 0; j < cases[i].rows; j++) {
            const struct ots_row *row = &get.response.page.rows.items[j];
            assert_int_equal(row->field_count, cases[i].fields_per_row);
            assert_non_null(ots_row_field(row, OTS_SLICE("cores")));
            assert_non_null(ots_row_field(row, OTS_SLICE("freq")));
        }
    }
}

/* What a client gets: identifiers and key fields as key columns, and back to the same rows. */
static void test_on_the_wire(void **state)
{
    struct test_instance *test = *state;
    put_all(test);
    TEST_CALL(get, OTS_ACTION_GET);
    get.request.get.table = OTS_SLICE("t");
    get.request.get.key = cpu;
    test_call_ok(test, &get);
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_error err;
    assert_int_equal(ots_response_encode(&get, NULL, &body, &err), OTS_OK);
    static const char *const columns[] = {"_#h",   "_m_name", "_tags", "region",
                                          "_time", "cores",   "freq"};
    const uint8_t *at = body.data;
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        at = memmem(at, body.size - (size_t)(at - body.data), columns[i], strlen(columns[i]));
        assert_non_null(at);
    }
    assert_null(memmem(body.data, body.size, "_data_source", 12));
    assert_null(memmem(body.data, body.size, "freq:s", 6));
    assert_non_null(memmem(body.data, body.size, "[\"vendor=intel\"]", 16));
    TEST_CALL(seen, OTS_ACTION_GET);
    assert_int_equal(ots_response_decode(ots_buf_slice(&body), &seen, &err), OTS_OK);
    const struct ots_rows *rows = &seen.response.page.rows;
    assert_int_equal(rows->count, get.response.page.rows.count);
    for (size_t i = 0; i < rows->count; i++)
        assert_true(ots_row_equal(&rows->items[i], &get.response.page.rows.items[i]));
    ots_buf_deinit(&body);
}

static void test_description(void **state)
{
    struct test_instance *test = *state;
    for (int i = 0; i < 2; i++) {
        TEST_CALL(describe, OTS_ACTION_DESCRIBE_TABLE);
        describe.request.table.table = OTS_SLICE("t");
        test_call_ok(test, &describe);
        TEST_CALL(list, OTS_ACTION_LIST_TABLES);
        test_call_ok(test, &list);
        assert_int_equal(list.response.list_tables.count, 1);
        const struct ots_table_meta *metas[] = {&describe.response.describe_table.meta,
                                                &list.response.list_tables.metas[0]};
        for (size_t j = 0; j < 2; j++) {
            assert_int_equal(metas[j]->key_schema_count, 3);
            for (size_t k = 0; k < 3; k++)
                assert_true(ots_slice_equal(metas[j]->key_schema[k], identifiers[k]));
            assert_int_equal(metas[j]->field_key_count, 2);
            for (size_t k = 0; k < 2; k++) {
                assert_true(ots_slice_equal(metas[j]->field_keys[k].name, keys[k].name));
                assert_int_equal(metas[j]->field_keys[k].type, keys[k].type);
            }
        }
        /* An update of the options keeps them, and so does a start. */
        TEST_CALL(update, OTS_ACTION_UPDATE_TABLE);
        update.request.update_table.meta.name = OTS_SLICE("t");
        update.request.update_table.meta.time_to_live_s = 86400;
        update.request.update_table.meta.has_time_to_live = true;
        test_call_ok(test, &update);
        test_instance_reopen(test);
    }
}

static void assert_put_refused(struct test_instance *test, const char *table,
                               const struct ots_row *row, const char *what)
{
    TEST_CALL(put, OTS_ACTION_PUT);
    put.request.put.table = ots_slice_str(table);
    put.request.put.rows = row;
    put.request.put.row_count = 1;
    test_call_refused(test, &put, OTS_CODE_PARAMETER_INVALID);
    if (!strstr(put.error.message, what))
        fail_msg("%s", put.error.message);
}

static void test_refused(void **state)
{
    struct test_instance *test = *state;
    struct ots_row row = make_row(test, &cpu, 1, 1, "1", 1);
    row.field_count = 2;
    assert_put_refused(test, "t", &row, "row 0: missing primary key fields");
    row.field_count = 3;
    const struct ots_series_key no_region = {SLICE("cpu"), SLICE(""), tags + 1, 1};
    const struct ots_series_key source = {SLICE("cpu"), SLICE("s"), tags, 2};
    row.key = &no_region;
    assert_put_refused(test, "t", &row, "region");
    row.key = &source;
    assert_put_refused(test, "t", &row, "data source");
    TEST_CALL(get, OTS_ACTION_GET);
    get.request.get.table = OTS_SLICE("t");
    get.request.get.key = source;
    test_call_refused(test, &get, OTS_CODE_PARAMETER_INVALID);
    TEST_CALL(update, OTS_ACTION_UPDATE_META);
    const struct ots_meta_update change = {no_region, NULL, 0, false};
    update.request.update_meta = (struct ots_update_meta_request){OTS_SLICE("t"), &change, 1};
    test_call_refused(test, &update, OTS_CODE_PARAMETER_INVALID);
    TEST_CALL(query, OTS_ACTION_QUERY_META);
    query.request.query_meta.table = OTS_SLICE("t");
    test_call_ok(test, &query);
    assert_int_equal(query.response.query_meta.count, 0);
}

/* Clients from before such tables would read their rows by position. */
static void test_unaware_clients(void **state)
{
    struct test_instance *test = *state;
    static const enum ots_action actions[] = {OTS_ACTION_PUT,         OTS_ACTION_GET,
                                              OTS_ACTION_QUERY_META,  OTS_ACTION_SCAN,
                                              OTS_ACTION_UPDATE_META, OTS_ACTION_DELETE_META};
    test_create_table(test, "plain");
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        TEST_CALL(call, actions[i]);
        call.is_unaware = true;
        /* The table's name is the first member of each of these requests. */
        call.request.table.table = OTS_SLICE("t");
        test_call_refused(test, &call, OTS_CODE_PARAMETER_INVALID);
        assert_non_null(strstr(call.error.message, "supported_table_version"));
    }
    TEST_CALL(scan, OTS_ACTION_SCAN);
    scan.is_unaware = true;
    scan.request.scan.table = OTS_SLICE("plain");
    test_call_ok(test, &scan);
    TEST_CALL(describe, OTS_ACTION_DESCRIBE_TABLE);
    describe.is_unaware = true;
    describe.request.table.table = OTS_SLICE("t");
    test_call_ok(test, &describe);
}

static void test_metadata(void **state)
{
    struct test_instance *test = *state;
    put_all(test);
    TEST_CALL(query, OTS_ACTION_QUERY_META);
    const struct ots_condition region = {.kind = OTS_CONDITION_TAG,
                                         .comparison = OTS_EQUAL,
                                         .name = OTS_SLICE("region"),
                                         .value = OTS_SLICE("hz")};
    query.request.query_meta.table = OTS_SLICE("t");
    query.request.query_meta.condition = &region;
    test_call_ok(test, &query);
    assert_int_equal(query.response.query_meta.count, 2);
    assert_true(ots_series_key_equal(&query.response.query_meta.metas[0].key, &cpu));
    TEST_CALL(delete, OTS_ACTION_DELETE_META);
    delete.request.delete_meta = (struct ots_delete_meta_request){OTS_SLICE("t"), &cpu, 1};
    test_call_ok(test, &delete);
    test_call_ok(test, &query);
    assert_int_equal(query.response.query_meta.count, 1);
    assert_get(test, 0, 0, false, "012345");
}

/* No measurement, and not even a column for it: all timelines are one measurement. */
static void test_without_measurement(void **state)
{
    struct test_instance *test = *state;
    static const struct ots_slice schema[] = {SLICE("_data_source"), SLICE("_tags")};
    const struct ots_series_key key = {SLICE(""), SLICE("web"), tags, 2};
    create(test, "u", schema, 2, 0);
    const struct ots_row row = make_row(test, &key, 1, 1, "1", 1);
    test_put(test, "u", &row, 1);
    assert_put_refused(test, "u", &(struct ots_row){&cpu, 1, row.fields, 3}, "measurement");
    TEST_CALL(get, OTS_ACTION_GET);
    get.request.get.table = OTS_SLICE("u");
    get.request.get.key = key;
    test_call_ok(test, &get);
    assert_int_equal(get.response.page.rows.count, 1);
    assert_true(ots_row_equal(&get.response.page.rows.items[0], &row));
    TEST_CALL(split, OTS_ACTION_SPLIT);
    split.request.split = (struct ots_split_request){OTS_SLICE("u"), OTS_SLICE(""), true, 300};
    test_call_ok(test, &split);
    assert_int_equal(split.response.split.count, 256);
    size_t rows = 0;
    for (size_t i = 0; i < 256; i++) {
        TEST_CALL(scan, OTS_ACTION_SCAN);
        scan.request.scan.table = OTS_SLICE("u");
        scan.request.scan.split = split.response.split.splits[i];
        test_call_ok(test, &scan);
        rows += scan.response.page.rows.count;
    }
    assert_int_equal(rows, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, test_instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_order_within_a_time),
        TEST(test_the_last_time),
        TEST(test_equal_keys_replace),
        TEST(test_key_fields_are_always_read),
        TEST(test_on_the_wire),
        TEST(test_description),
        TEST(test_refused),
        TEST(test_unaware_clients),
        TEST(test_metadata),
        TEST(test_without_measurement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
