#include "backend/server/counters.h"

#include "backend/base/json.h"
#include "backend/wire/service_code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int setup(void **state)
{
    *state = ots_counters_new();
    assert_non_null(*state);
    return 0;
}

static int teardown(void **state)
{
    ots_counters_free(*state);
    return 0;
}

static void add(struct ots_counters *counters, enum ots_action action, const char *code,
                uint64_t rows)
{
    const struct ots_count count = {code, rows, rows + 1, rows + 2, rows + 3};
    ots_counters_add(counters, &action, &count);
}

static struct ots_json *look(struct ots_counters *counters)
{
    struct ots_json *json = NULL;
    struct ots_buf text = OTS_BUF_INIT;
    assert_int_equal(ots_counters_print(counters, &text), OTS_OK);
    assert_int_equal(ots_json_parse(ots_buf_slice(&text), &json, NULL), OTS_OK);
    ots_buf_deinit(&text);
    return json;
}

static void expect(const struct ots_json *object, const char *name, double wanted)
{
    double number = -1;
    assert_true(ots_json_number(object, name, &number));
    assert_true(number == wanted);
}

static void counts(void **state)
{
    struct ots_counters *counters = *state;
    add(counters, OTS_ACTION_PUT, "", 10);
    add(counters, OTS_ACTION_PUT, OTS_CODE_SERVER_BUSY, 0);
    add(counters, OTS_ACTION_PUT, OTS_CODE_TIMEOUT, 0);
    add(counters, OTS_ACTION_PUT, OTS_CODE_SERVER_BUSY, 0);
    add(counters, OTS_ACTION_SCAN, "", 5);
    ots_counters_add(counters, NULL, &(const struct ots_count){.code = OTS_CODE_PARAMETER_INVALID});
    ots_counters_opened(counters);
    ots_counters_opened(counters);
    ots_counters_cut(counters);
    ots_counters_closed(counters);
    OTS_AUTO(ots_json_freep) struct ots_json *json = look(counters);
    const struct ots_json *connections = ots_json_member(json, "connections");
    expect(connections, "opened", 2);
    expect(connections, "open", 1);
    expect(connections, "cut", 1);
    const struct ots_json *actions = ots_json_member(json, "actions");
    const struct ots_json *put = ots_json_member(actions, "PutTimeseriesData");
    expect(put, "calls", 4);
    expect(put, "rows_in", 10);
    expect(put, "rows_out", 11 + 1 + 1 + 1);
    expect(put, "bytes_in", 12 + 2 + 2 + 2);
    expect(put, "bytes_out", 13 + 3 + 3 + 3);
    expect(ots_json_member(put, "errors"), OTS_CODE_SERVER_BUSY, 2);
    expect(ots_json_member(put, "errors"), OTS_CODE_TIMEOUT, 1);
    const struct ots_json *scan = ots_json_member(actions, "ScanTimeseriesData");
    assert_null(ots_json_name_at(ots_json_member(scan, "errors"), 0));
    expect(ots_json_member(actions, "other"), "calls", 1);
    assert_null(ots_json_member(actions, "GetTimeseriesData"));
}

static void begins_anew(void **state)
{
    struct ots_counters *counters = *state;
    add(counters, OTS_ACTION_PUT, OTS_CODE_TIMEOUT, 10);
    ots_counters_opened(counters);
    ots_counters_reset(counters);
    OTS_AUTO(ots_json_freep) struct ots_json *json = look(counters);
    assert_null(ots_json_name_at(ots_json_member(json, "actions"), 0));
    expect(ots_json_member(json, "connections"), "opened", 0);
    expect(ots_json_member(json, "connections"), "open", 1);
}

static void nobody_counts(void **state)
{
    (void)state;
    add(NULL, OTS_ACTION_PUT, "", 1);
    ots_counters_opened(NULL);
    ots_counters_closed(NULL);
    ots_counters_cut(NULL);
    ots_counters_reset(NULL);
    ots_counters_free(NULL);
}

static void rows_of_calls(void **state)
{
    (void)state;
    struct ots_count count = {.code = ""};
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_PUT);
    call.request.put.row_count = 7;
    call.response.put.failed_row_count = 2;
    ots_count_rows(&call, &count);
    assert_int_equal(count.rows_in, 5);
    ots_call_deinit(&call);
    ots_call_init(&call, OTS_ACTION_GET);
    call.response.page.rows.count = 3;
    ots_count_rows(&call, &count);
    assert_int_equal(count.rows_out, 3);
    ots_call_deinit(&call);
}

static void expect_rows(struct ots_call *call, enum ots_action action, uint64_t in, uint64_t out)
{
    struct ots_count count = {.code = ""};
    call->action = action;
    ots_count_rows(call, &count);
    if (count.rows_in != in || count.rows_out != out)
        fail_msg("%s: %u rows in, %u out", ots_action_name(action), (unsigned)count.rows_in,
                 (unsigned)count.rows_out);
}

static void rows_of_wide_calls(void **state)
{
    (void)state;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_WIDE_PUT_ROW);
    expect_rows(&call, OTS_ACTION_WIDE_PUT_ROW, 1, 0);
    expect_rows(&call, OTS_ACTION_WIDE_UPDATE_ROW, 1, 0);
    expect_rows(&call, OTS_ACTION_WIDE_DELETE_ROW, 1, 0);
    expect_rows(&call, OTS_ACTION_WIDE_DESCRIBE, 0, 0);
    expect_rows(&call, OTS_ACTION_WIDE_GET_ROW, 0, 0);
    call.response.wide.row.has_row = true;
    expect_rows(&call, OTS_ACTION_WIDE_GET_ROW, 0, 1);
    call.response.wide.range = (struct ots_wide_range_response){.row_count = 5};
    expect_rows(&call, OTS_ACTION_WIDE_GET_RANGE, 0, 5);
    /* One that failed, one that is not there or was written, and one that is there. */
    struct ots_wide_row_response rows[3] = {
        {.code = OTS_SLICE("OTSServerBusy")}, {.has_row = false}, {.has_row = true}};
    const struct ots_wide_batch_table_response tables[2] = {{OTS_SLICE("a"), rows, 3},
                                                            {OTS_SLICE("b"), rows, 2}};
    call.response.wide.batch = (struct ots_wide_batch_response){tables, 2};
    expect_rows(&call, OTS_ACTION_WIDE_BATCH_WRITE, 3, 0);
    expect_rows(&call, OTS_ACTION_WIDE_BATCH_GET, 0, 1);
    ots_call_deinit(&call);
    ots_call_init(&call, OTS_ACTION_STREAM_RECORDS);
    call.response.stream_records.count = 4;
    expect_rows(&call, OTS_ACTION_STREAM_RECORDS, 0, 4);
    ots_call_deinit(&call);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(counts),
        TEST(begins_anew),
        cmocka_unit_test(nobody_counts),
        cmocka_unit_test(rows_of_calls),
        cmocka_unit_test(rows_of_wide_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
