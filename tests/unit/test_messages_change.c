/*
 * Bodies of calls that change tables' options and timelines' metadata. The vectors marked so are
 * bytes that an SDK was seen to send.
 */
#include "backend/wire/messages.h"

#include "tests/unit/hex.h"
#include "tests/unit/mangle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SLICE(literal)                                                                             \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }

/* Python's SDK: TTL 86400. */
static const char python_update_hex[] = "0a027431 1204 0880a305";
static const char meta_options_hex[] = "0a027431 1a06 0800 1080f524";
static const char update_meta_hex[] =
    "0a027431122c0a210a036370751206686f73745f3122070a01611202313222090a026f7312036c6e7812075b"
    "226b3d76225d1801";
static const char delete_meta_hex[] = "0a027431120e0a03637075120022050a016112001801";

static const struct ots_tag two_tags[] = {{SLICE("a"), SLICE("12")}, {SLICE("os"), SLICE("lnx")}};
static const struct ots_tag attributes[] = {{SLICE("k"), SLICE("v")}};

static enum ots_status decode(enum ots_action action, const char *hex, struct ots_call *call)
{
    struct ots_buf body = test_hex(hex);
    struct ots_error err = {.status = OTS_OK};
    ots_call_init(call, action);
    enum ots_status status = ots_request_decode(ots_buf_slice(&body), call, &err);
    assert_int_equal(err.status, status);
    ots_buf_deinit(&body);
    return status;
}

static void assert_refused(enum ots_action action, const char *hex, enum ots_status expected)
{
    struct ots_call call;
    assert_int_equal(decode(action, hex, &call), expected);
    ots_call_deinit(&call);
}

/* Encode the request, and decode that into `again`. */
static void round_trip(const struct ots_call *call, struct ots_call *again)
{
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_error err;
    assert_int_equal(ots_request_encode(call, OTS_PUT_PLAIN, &body, &err), OTS_OK);
    ots_call_init(again, call->action);
    assert_int_equal(ots_request_decode(ots_buf_slice(&body), again, &err), OTS_OK);
    ots_buf_deinit(&body);
}

static void assert_encode(const struct ots_call *call, const char *hex)
{
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_error err;
    assert_int_equal(ots_request_encode(call, OTS_PUT_PLAIN, &body, &err), OTS_OK);
    test_assert_hex(ots_buf_slice(&body), hex);
    ots_buf_deinit(&body);
}

static void options_of_a_table(void **state)
{
    (void)state;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_UPDATE_TABLE);
    struct ots_table_meta *meta = &call.request.update_table.meta;
    *meta = OTS_TABLE_META_DEFAULT;
    meta->name = OTS_SLICE("t1");
    assert_encode(&call, "0a027431");
    meta->time_to_live_s = 86400;
    meta->has_time_to_live = true;
    assert_encode(&call, python_update_hex);
    meta->has_time_to_live = false;
    meta->meta_time_to_live_s = 604800;
    meta->has_meta_time_to_live = true;
    meta->allow_update_attributes = false;
    meta->has_allow_update_attributes = true;
    assert_encode(&call, meta_options_hex);

    assert_int_equal(decode(OTS_ACTION_UPDATE_TABLE, python_update_hex, &call), OTS_OK);
    const struct ots_update_table_request *request = &call.request.update_table;
    assert_true(ots_slice_equal(request->meta.name, OTS_SLICE("t1")));
    assert_true(request->has_data_options && request->meta.has_time_to_live);
    assert_int_equal(request->meta.time_to_live_s, 86400);
    assert_false(request->has_meta_options || request->meta.has_meta_time_to_live ||
                 request->meta.has_allow_update_attributes);
    ots_call_deinit(&call);
    assert_int_equal(decode(OTS_ACTION_UPDATE_TABLE, meta_options_hex, &call), OTS_OK);
    assert_false(request->has_data_options || request->meta.has_time_to_live);
    assert_true(request->has_meta_options && request->meta.has_meta_time_to_live);
    assert_int_equal(request->meta.meta_time_to_live_s, 604800);
    assert_true(request->meta.has_allow_update_attributes);
    assert_false(request->meta.allow_update_attributes);
    ots_call_deinit(&call);
    /* Groups without options in them. */
    assert_int_equal(decode(OTS_ACTION_UPDATE_TABLE, "0a027431 1200 1a00", &call), OTS_OK);
    assert_true(request->has_data_options && request->has_meta_options);
    assert_false(request->meta.has_time_to_live || request->meta.has_allow_update_attributes);
    ots_call_deinit(&call);
    assert_refused(OTS_ACTION_UPDATE_TABLE, "1200", OTS_CORRUPT);
}

static void updates_of_metadata(void **state)
{
    (void)state;
    const struct ots_series_key bare = {SLICE("mem"), SLICE(""), NULL, 0};
    const struct ots_meta_update updates[] = {
        {{SLICE("cpu"), SLICE("host_1"), two_tags, 2}, attributes, 1, true},
        {bare, NULL, 0, false},
        {bare, NULL, 0, true},
    };
    struct ots_call call;
    struct ots_call again;
    ots_call_init(&call, OTS_ACTION_UPDATE_META);
    call.request.update_meta = (struct ots_update_meta_request){OTS_SLICE("t1"), updates, 3};
    round_trip(&call, &again);
    const struct ots_update_meta_request *request = &again.request.update_meta;
    assert_true(ots_slice_equal(request->table, OTS_SLICE("t1")));
    assert_int_equal(request->count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(ots_series_key_equal(&request->updates[i].key, &updates[i].key));
        assert_int_equal(request->updates[i].attribute_count, updates[i].attribute_count);
        assert_int_equal(request->updates[i].has_attributes, updates[i].has_attributes);
    }
    assert_true(ots_slice_equal(request->updates[0].attributes[0].name, OTS_SLICE("k")));
    assert_true(ots_slice_equal(request->updates[0].attributes[0].value, OTS_SLICE("v")));
    ots_call_deinit(&again);
    ots_call_deinit(&call);
    /* A time in it, attributes that are none, no timeline, no table. */
    assert_refused(OTS_ACTION_UPDATE_META, "0a02743112090a050a036370751805", OTS_INVALID);
    assert_refused(OTS_ACTION_UPDATE_META, "0a027431120a0a050a03637075120178", OTS_INVALID);
    assert_refused(OTS_ACTION_UPDATE_META, "0a027431 1200", OTS_CORRUPT);
    assert_refused(OTS_ACTION_UPDATE_META, "1207 0a05 0a03637075", OTS_CORRUPT);
}

static void deletions_of_metadata(void **state)
{
    (void)state;
    const struct ots_series_key keys[] = {
        {SLICE("cpu"), SLICE("host_1"), two_tags, 2},
        {SLICE("mem"), SLICE(""), NULL, 0},
    };
    struct ots_call call;
    struct ots_call again;
    ots_call_init(&call, OTS_ACTION_DELETE_META);
    call.request.delete_meta = (struct ots_delete_meta_request){OTS_SLICE("t1"), keys, 2};
    round_trip(&call, &again);
    const struct ots_delete_meta_request *request = &again.request.delete_meta;
    assert_true(ots_slice_equal(request->table, OTS_SLICE("t1")));
    assert_int_equal(request->count, 2);
    assert_true(ots_series_key_equal(&request->keys[0], &keys[0]));
    assert_true(ots_series_key_equal(&request->keys[1], &keys[1]));
    ots_call_deinit(&again);
    ots_call_deinit(&call);
    assert_refused(OTS_ACTION_DELETE_META, "1205 0a03637075", OTS_CORRUPT);
    /* A tag twice. */
    assert_refused(OTS_ACTION_DELETE_META, "0a02743112150a0363707522060a016112013122060a0161120131",
                   OTS_INVALID);
}

static void put_answers_times_of_metadata(void **state)
{
    (void)state;
    static const char hex[] = "1208 0800 1080e2cfaa06";
    const struct ots_meta_time time = {0, 1700000000};
    struct ots_call call;
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_error err = {.status = OTS_OK};
    ots_call_init(&call, OTS_ACTION_PUT);
    call.request.put.row_count = 1;
    call.response.put.meta_times = &time;
    call.response.put.meta_time_count = 1;
    assert_int_equal(ots_response_encode(&call, NULL, &body, &err), OTS_OK);
    test_assert_hex(ots_buf_slice(&body), hex);
    assert_int_equal(ots_response_decode(ots_buf_slice(&body), &call, &err), OTS_OK);
    assert_int_equal(call.response.put.failed_row_count, 0);
    assert_int_equal(call.response.put.meta_time_count, 1);
    assert_int_equal(call.response.put.meta_times[0].row_index, 0);
    assert_int_equal(call.response.put.meta_times[0].time_s, 1700000000);
    ots_buf_deinit(&body);
    /* A row that was not sent, and a row without a time, are passed over. */
    static const char *const odd[] = {"1208 0801 1080e2cfaa06", "1202 0800"};
    for (size_t i = 0; i < 2; i++) {
        body = test_hex(odd[i]);
        assert_int_equal(ots_response_decode(ots_buf_slice(&body), &call, &err), OTS_OK);
        assert_int_equal(call.response.put.meta_time_count, 0);
        ots_buf_deinit(&body);
    }
    ots_call_deinit(&call);
}

static void answers_to_changes(void **state)
{
    (void)state;
    static const char hex[] = "0a0d080112064546475248491a016d";
    static const enum ots_action actions[] = {OTS_ACTION_UPDATE_META, OTS_ACTION_DELETE_META};
    const struct ots_failed_row failed = {1, OTS_SLICE("EFGRHI"), OTS_SLICE("m")};
    for (size_t i = 0; i < 2; i++) {
        struct ots_call call;
        struct ots_buf body = OTS_BUF_INIT;
        struct ots_error err = {.status = OTS_OK};
        ots_call_init(&call, actions[i]);
        assert_int_equal(ots_response_encode(&call, NULL, &body, &err), OTS_OK);
        assert_int_equal(body.size, 0);
        call.response.change_meta = (struct ots_change_meta_response){&failed, 1};
        assert_int_equal(ots_response_encode(&call, NULL, &body, &err), OTS_OK);
        test_assert_hex(ots_buf_slice(&body), hex);
        /* The second of one timeline cannot have failed. */
        call.request.update_meta.count = call.request.delete_meta.count = 1;
        assert_int_equal(ots_response_decode(ots_buf_slice(&body), &call, &err), OTS_CORRUPT);
        call.request.update_meta.count = call.request.delete_meta.count = 2;
        assert_int_equal(ots_response_decode(ots_buf_slice(&body), &call, &err), OTS_OK);
        assert_int_equal(call.response.change_meta.failed_row_count, 1);
        assert_int_equal(call.response.change_meta.failed_rows[0].row_index, 1);
        assert_true(
            ots_slice_equal(call.response.change_meta.failed_rows[0].code, OTS_SLICE("EFGRHI")));
        ots_buf_deinit(&body);
        ots_call_deinit(&call);
    }
}

static bool try_decode(struct ots_slice input, void *context)
{
    struct ots_call call;
    struct ots_error err;
    ots_call_init(&call, *(const enum ots_action *)context);
    enum ots_status status = ots_request_decode(input, &call, &err);
    ots_call_deinit(&call);
    assert_true(status == OTS_OK || status == OTS_CORRUPT || status == OTS_INVALID);
    return status == OTS_OK;
}

static void damaged_requests_are_survived(void **state)
{
    (void)state;
    static const struct {
        enum ots_action action;
        const char *hex;
    } bodies[] = {
        {OTS_ACTION_UPDATE_TABLE, meta_options_hex},
        {OTS_ACTION_UPDATE_META, update_meta_hex},
        {OTS_ACTION_DELETE_META, delete_meta_hex},
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct ots_buf body = test_hex(bodies[i].hex);
        enum ots_action action = bodies[i].action;
        assert_true(try_decode(ots_buf_slice(&body), &action));
        struct test_mangled cut = test_truncate(ots_buf_slice(&body), try_decode, &action);
        struct test_mangled bent = test_corrupt(ots_buf_slice(&body), try_decode, &action);
        assert_true(cut.accepted < cut.tried);
        assert_true(bent.accepted < bent.tried);
        ots_buf_deinit(&body);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_of_a_table),    cmocka_unit_test(updates_of_metadata),
        cmocka_unit_test(deletions_of_metadata), cmocka_unit_test(put_answers_times_of_metadata),
        cmocka_unit_test(answers_to_changes),    cmocka_unit_test(damaged_requests_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
