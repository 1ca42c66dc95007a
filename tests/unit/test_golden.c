/*
 * Requests of the official SDKs: signature and MD5 hold, the body decodes to what the call asked
 * for, and what our own encoder makes of it is what Java's SDK sent.
 */
#include "backend/base/base64.h"
#include "backend/base/digest.h"
#include "backend/wire/messages.h"
#include "backend/wire/sign.h"
#include "tests/unit/golden_file.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SLICE(literal)                                                                             \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }

/* ---- what every file must be ---- */

static struct ots_slice secret_of(struct ots_slice access_key_id)
{
    if (ots_slice_equal(access_key_id, OTS_SLICE("testid")))
        return OTS_SLICE("testsecret");
    assert_true(ots_slice_equal(access_key_id, OTS_SLICE("stsid")));
    return OTS_SLICE("stssecret");
}

static void assert_signed(const struct ots_http_request *request)
{
    const struct ots_headers *headers = &request->headers;
    struct ots_slice secret = secret_of(ots_headers_get(headers, OTS_HEADER_ACCESS_KEY_ID));
    struct ots_slice given = ots_headers_get(headers, OTS_HEADER_SIGNATURE);
    struct ots_signing_key key;
    if (given.data) {
        assert_int_equal(ots_signing_key_v2(secret, &key), OTS_OK);
    } else {
        given = ots_headers_get(headers, OTS_HEADER_SIGNATURE_V4);
        assert_int_equal(ots_signing_key_v4(secret, ots_headers_get(headers, OTS_HEADER_SIGN_DATE),
                                            ots_headers_get(headers, OTS_HEADER_SIGN_REGION), &key),
                         OTS_OK);
    }
    char signature[OTS_SIGNATURE_TEXT_BYTES];
    assert_int_equal(ots_sign_request(&key, request->path, headers, signature), OTS_OK);
    assert_true(ots_slice_equal(given, ots_slice_str(signature)));
}

static void assert_md5(const struct ots_http_request *request)
{
    uint8_t digest[OTS_MD5_BYTES];
    struct ots_buf text = OTS_BUF_INIT;
    assert_int_equal(ots_md5(request->body, digest), OTS_OK);
    ots_base64_append(&text, ots_slice(digest, sizeof(digest)));
    assert_true(ots_slice_equal(ots_headers_get(&request->headers, OTS_HEADER_CONTENT_MD5),
                                ots_buf_slice(&text)));
    ots_buf_deinit(&text);
}

static void assert_date(const struct ots_http_request *request)
{
    int64_t time_us;
    char text[32];
    struct ots_slice date = ots_headers_get(&request->headers, OTS_HEADER_DATE);
    assert_int_equal(ots_date_parse(date, &time_us), OTS_OK);
    ots_date_format(time_us, text);
    assert_memory_equal(date.data, text, strlen("2026-11-22T00:00:00"));
}

/* ---- what the calls asked for ---- */

static const struct ots_tag k_tags[] = {
    {SLICE("os"), SLICE("Ubuntu16.04")},
    {SLICE("region"), SLICE("hangzhou")},
};
static const struct ots_tag city_tags[] = {{SLICE("city"), SLICE("上海 浦东")}};
static const struct ots_series_key k_key = {SLICE("cpu"), SLICE("host_1"), k_tags, 2};
static const struct ots_series_key m_key = {SLICE("mem"), SLICE(""), NULL, 0};
static const struct ots_series_key city_key = {SLICE("温度"), SLICE(""), city_tags, 1};

static const struct ots_field k_fields[] = {
    {SLICE("cpu_usage"), {.type = OTS_DOUBLE, .real = 10.5}},
    {SLICE("n"), {.type = OTS_INTEGER, .integer = -7}},
    {SLICE("ok"), {.type = OTS_BOOLEAN, .boolean = true}},
    {SLICE("raw"), {.type = OTS_BINARY, .bytes = SLICE("\1\2")}},
    {SLICE("s"), {.type = OTS_STRING, .bytes = SLICE("abc")}},
};
static const struct ots_field m_fields[] = {
    {SLICE("used"), {.type = OTS_INTEGER, .integer = INT64_MAX}},
};
static const struct ots_field city_fields[] = {
    {SLICE("note"), {.type = OTS_STRING, .bytes = SLICE("")}},
    {SLICE("value"), {.type = OTS_DOUBLE, .real = -0.25}},
};
static const struct ots_row rows[] = {
    {&k_key, 1600000000000000, k_fields, 5},
    {&m_key, 1600000000000001, m_fields, 1},
    {&city_key, 1700000000000000, city_fields, 2},
};

static const uint8_t token_bytes[] = {1, 2, 0, 255};
static const struct ots_slice token = {token_bytes, sizeof(token_bytes)};
static const uint8_t split_bytes[] = {9, 0, 8};

static void assert_slice(struct ots_slice got, const char *expected)
{
    assert_int_equal(got.size, strlen(expected));
    if (got.size)
        assert_memory_equal(got.data, expected, got.size);
}

static void check_table_plain(const struct ots_call *call)
{
    const struct ots_create_table_request *request = &call->request.create_table;
    assert_slice(request->meta.name, "plain");
    assert_false(request->meta.has_time_to_live);
    assert_false(request->meta.has_meta_time_to_live);
    assert_false(request->meta.has_allow_update_attributes);
    assert_int_equal(request->meta.key_schema_count, 0);
    assert_int_equal(request->meta.field_key_count, 0);
    assert_int_equal(request->analytical_store_count, 0);
    assert_int_equal(request->lastpoint_index_count, 0);
}

static void check_table_ttl(const struct ots_call *call)
{
    const struct ots_table_meta *meta = &call->request.create_table.meta;
    assert_slice(meta->name, "ttl");
    assert_true(meta->has_time_to_live);
    assert_int_equal(meta->time_to_live_s, 86400);
    /* Go's SDK cannot say more. */
    if (!meta->has_meta_time_to_live)
        return;
    assert_int_equal(meta->meta_time_to_live_s, 604800);
    assert_true(meta->has_allow_update_attributes);
    assert_false(meta->allow_update_attributes);
}

static void check_table_keys(const struct ots_call *call)
{
    const struct ots_table_meta *meta = &call->request.create_table.meta;
    assert_slice(meta->name, "keys");
    assert_int_equal(meta->time_to_live_s, OTS_TTL_FOREVER);
    assert_int_equal(meta->key_schema_count, 2);
    assert_slice(meta->key_schema[0], "host");
    assert_slice(meta->key_schema[1], "_tags");
    assert_int_equal(meta->field_key_count, 2);
    assert_slice(meta->field_keys[0].name, "gid");
    assert_int_equal(meta->field_keys[0].type, OTS_KEY_INTEGER);
    assert_slice(meta->field_keys[1].name, "uid");
    assert_int_equal(meta->field_keys[1].type, OTS_KEY_STRING);
}

static void check_nothing(const struct ots_call *call)
{
    (void)call;
}

static void check_named_table(const struct ots_call *call)
{
    assert_slice(call->request.table.table, "t1");
}

static void check_put(const struct ots_call *call)
{
    const struct ots_put_request *request = &call->request.put;
    bool is_ignore = ots_slice_equal(request->table, OTS_SLICE("ignore"));
    assert_int_equal(request->meta_update_mode,
                     is_ignore ? OTS_META_UPDATE_IGNORE : OTS_META_UPDATE_NORMAL);
    assert_int_equal(request->row_count, sizeof(rows) / sizeof(rows[0]));
    for (size_t i = 0; i < request->row_count; i++)
        assert_true(ots_row_equal(&request->rows[i], &rows[i]));
}

static void check_get_range(const struct ots_call *call)
{
    const struct ots_get_request *request = &call->request.get;
    assert_slice(request->table, "range");
    assert_true(ots_series_key_equal(&request->key, &k_key));
    assert_true(request->has_begin && request->has_end);
    assert_int_equal(request->begin_us, 0);
    assert_int_equal(request->end_us, 1700000000000000);
    assert_int_equal(request->limit, 10);
    assert_true(request->is_backward);
    assert_int_equal(request->token.size, 0);
    assert_int_equal(request->field_count, 2);
    assert_slice(request->fields[0].name, "cpu_usage");
    assert_int_equal(request->fields[0].type, OTS_DOUBLE);
    assert_slice(request->fields[1].name, "n");
    assert_int_equal(request->fields[1].type, OTS_INTEGER);
}

static void check_get_page(const struct ots_call *call)
{
    const struct ots_get_request *request = &call->request.get;
    assert_slice(request->table, "page");
    assert_true(ots_series_key_equal(&request->key, &m_key));
    assert_int_equal(request->begin_us, 1600000000000000);
    assert_int_equal(request->end_us, 1700000000000000);
    assert_int_equal(request->limit, 5000);
    assert_false(request->is_backward);
    assert_true(ots_slice_equal(request->token, token));
    assert_int_equal(request->field_count, 0);
}

static void assert_condition(const struct ots_condition *got, const struct ots_condition *wanted)
{
    assert_int_equal(got->kind, wanted->kind);
    assert_int_equal(got->child_count, wanted->child_count);
    assert_int_equal(got->logic, wanted->logic);
    assert_int_equal(got->comparison, wanted->comparison);
    assert_true(ots_slice_equal(got->name, wanted->name));
    assert_true(ots_slice_equal(got->value, wanted->value));
    assert_int_equal(got->time_us, wanted->time_us);
    for (size_t i = 0; i < got->child_count; i++)
        assert_condition(&got->children[i], &wanted->children[i]);
}

static void check_query(const struct ots_call *call, const struct ots_condition *condition,
                        bool get_total_hit, int32_t limit)
{
    const struct ots_query_meta_request *request = &call->request.query_meta;
    if (condition) {
        assert_non_null(request->condition);
        assert_condition(request->condition, condition);
    } else {
        assert_null(request->condition);
    }
    assert_int_equal(request->get_total_hit, get_total_hit);
    assert_int_equal(request->limit, limit);
}

static const struct ots_condition measurement_is_cpu = {
    .kind = OTS_CONDITION_MEASUREMENT, .comparison = OTS_EQUAL, .value = SLICE("cpu")};
static const struct ots_condition source_is_host = {
    .kind = OTS_CONDITION_DATA_SOURCE, .comparison = OTS_PREFIX, .value = SLICE("host_")};
static const struct ots_condition tag_from_ubuntu = {.kind = OTS_CONDITION_TAG,
                                                     .comparison = OTS_GREATER_EQUAL,
                                                     .name = SLICE("os"),
                                                     .value = SLICE("Ubuntu")};
static const struct ots_condition time_before = {
    .kind = OTS_CONDITION_UPDATE_TIME, .comparison = OTS_LESS_THAN, .time_us = 1700000000000000};
static const struct ots_condition attribute_to_v = {.kind = OTS_CONDITION_ATTRIBUTE,
                                                    .comparison = OTS_LESS_EQUAL,
                                                    .name = SLICE("k"),
                                                    .value = SLICE("v")};
static const struct ots_condition and_children[] = {
    {.kind = OTS_CONDITION_MEASUREMENT, .comparison = OTS_EQUAL, .value = SLICE("cpu")},
    {.kind = OTS_CONDITION_TAG,
     .comparison = OTS_PREFIX,
     .name = SLICE("os"),
     .value = SLICE("Ub")},
};
static const struct ots_condition both = {.kind = OTS_CONDITION_COMPOSITE,
                                          .logic = OTS_LOGIC_AND,
                                          .children = and_children,
                                          .child_count = 2};
static const struct ots_condition not_child = {
    .kind = OTS_CONDITION_DATA_SOURCE, .comparison = OTS_GREATER_THAN, .value = SLICE("host_1")};
static const struct ots_condition or_children[] = {
    {.kind = OTS_CONDITION_MEASUREMENT, .comparison = OTS_EQUAL, .value = SLICE("mem")},
    {.kind = OTS_CONDITION_COMPOSITE,
     .logic = OTS_LOGIC_NOT,
     .children = &not_child,
     .child_count = 1},
};
static const struct ots_condition nested = {.kind = OTS_CONDITION_COMPOSITE,
                                            .logic = OTS_LOGIC_OR,
                                            .children = or_children,
                                            .child_count = 2};

static void check_query_all(const struct ots_call *call)
{
    check_query(call, NULL, false, 0);
    assert_int_equal(call->request.query_meta.token.size, 0);
}

static void check_query_measurement(const struct ots_call *call)
{
    check_query(call, &measurement_is_cpu, false, 0);
}

static void check_query_source(const struct ots_call *call)
{
    check_query(call, &source_is_host, false, 0);
}

static void check_query_tag(const struct ots_call *call)
{
    check_query(call, &tag_from_ubuntu, false, 0);
}

static void check_query_time(const struct ots_call *call)
{
    check_query(call, &time_before, false, 0);
}

static void check_query_attribute(const struct ots_call *call)
{
    check_query(call, &attribute_to_v, false, 0);
}

static void check_query_and(const struct ots_call *call)
{
    check_query(call, &both, true, 5);
}

static void check_query_nested(const struct ots_call *call)
{
    check_query(call, &nested, false, 0);
}

static void check_query_page(const struct ots_call *call)
{
    check_query(call, NULL, true, 100);
    assert_slice(call->request.query_meta.table, "page");
    assert_true(ots_slice_equal(call->request.query_meta.token, token));
}

static void check_split_whole(const struct ots_call *call)
{
    assert_slice(call->request.split.table, "whole");
    assert_false(call->request.split.has_measurement);
    assert_int_equal(call->request.split.split_count_hint, 4);
}

static void check_split_one(const struct ots_call *call)
{
    assert_true(call->request.split.has_measurement);
    assert_slice(call->request.split.measurement, "cpu");
    assert_int_equal(call->request.split.split_count_hint, 256);
}

static void check_scan_whole(const struct ots_call *call)
{
    const struct ots_scan_request *request = &call->request.scan;
    assert_slice(request->table, "whole");
    assert_false(request->has_begin || request->has_end);
    assert_int_equal(request->limit, 0);
    assert_int_equal(request->split.size, 0);
    assert_int_equal(request->token.size, 0);
    assert_int_equal(request->field_count, 0);
}

static void check_scan_range(const struct ots_call *call)
{
    const struct ots_scan_request *request = &call->request.scan;
    assert_true(ots_slice_equal(request->split, ots_slice(split_bytes, sizeof(split_bytes))));
    assert_true(request->has_begin && request->has_end);
    assert_int_equal(request->begin_us, 0);
    assert_int_equal(request->end_us, 1700000000000000);
    assert_int_equal(request->limit, 100);
    assert_true(ots_slice_equal(request->token, token));
    assert_int_equal(request->field_count, 2);
    assert_slice(request->fields[0].name, "cpu_usage");
    assert_int_equal(request->fields[0].type, OTS_DOUBLE);
    assert_slice(request->fields[1].name, "s");
    assert_int_equal(request->fields[1].type, OTS_STRING);
}

static void check_update_ttl(const struct ots_call *call)
{
    const struct ots_update_table_request *request = &call->request.update_table;
    assert_slice(request->meta.name, "ttl");
    assert_true(request->has_data_options && request->meta.has_time_to_live);
    assert_int_equal(request->meta.time_to_live_s, 86400);
    assert_false(request->has_meta_options);
}

static void check_update_options(const struct ots_call *call)
{
    const struct ots_update_table_request *request = &call->request.update_table;
    assert_slice(request->meta.name, "meta");
    assert_false(request->has_data_options);
    assert_true(request->has_meta_options && request->meta.has_meta_time_to_live);
    assert_int_equal(request->meta.meta_time_to_live_s, 604800);
    assert_true(request->meta.has_allow_update_attributes);
    assert_false(request->meta.allow_update_attributes);
}

static void check_update_meta(const struct ots_call *call)
{
    const struct ots_update_meta_request *request = &call->request.update_meta;
    assert_slice(request->table, "two");
    assert_int_equal(request->count, 2);
    assert_true(ots_series_key_equal(&request->updates[0].key, &k_key));
    assert_true(request->updates[0].has_attributes);
    assert_int_equal(request->updates[0].attribute_count, 1);
    assert_slice(request->updates[0].attributes[0].name, "k");
    assert_slice(request->updates[0].attributes[0].value, "v");
    assert_true(ots_series_key_equal(&request->updates[1].key, &m_key));
    assert_int_equal(request->updates[1].attribute_count, 0);
}

static void check_delete_meta(const struct ots_call *call)
{
    const struct ots_delete_meta_request *request = &call->request.delete_meta;
    assert_slice(request->table, "two");
    assert_int_equal(request->count, 2);
    assert_true(ots_series_key_equal(&request->keys[0], &k_key));
    assert_true(ots_series_key_equal(&request->keys[1], &m_key));
}

/* ---- which check is whose ---- */

static const struct {
    const char *name; /* the file's, without its SDK */
    void (*check)(const struct ots_call *call);
} checks[] = {
    {"CreateTimeseriesTable-plain", check_table_plain},
    {"CreateTimeseriesTable-ttl", check_table_ttl},
    {"CreateTimeseriesTable-keys", check_table_keys},
    {"ListTimeseriesTable", check_nothing},
    {"ListTimeseriesTable-v4", check_nothing},
    {"DescribeTimeseriesTable-t1", check_named_table},
    {"DeleteTimeseriesTable-t1", check_named_table},
    {"PutTimeseriesData-types", check_put},
    {"PutTimeseriesData-ignore", check_put},
    {"PutTimeseriesData-protorows", check_put},
    {"PutTimeseriesData-v4", check_put},
    {"PutTimeseriesData-sts", check_put},
    {"PutTimeseriesData-v4sts", check_put},
    {"GetTimeseriesData-range", check_get_range},
    {"GetTimeseriesData-page", check_get_page},
    {"QueryTimeseriesMeta-all", check_query_all},
    {"QueryTimeseriesMeta-measurement", check_query_measurement},
    {"QueryTimeseriesMeta-source", check_query_source},
    {"QueryTimeseriesMeta-tag", check_query_tag},
    {"QueryTimeseriesMeta-time", check_query_time},
    {"QueryTimeseriesMeta-attribute", check_query_attribute},
    {"QueryTimeseriesMeta-and", check_query_and},
    {"QueryTimeseriesMeta-nested", check_query_nested},
    {"QueryTimeseriesMeta-page", check_query_page},
    {"SplitTimeseriesScanTask-whole", check_split_whole},
    {"SplitTimeseriesScanTask-one", check_split_one},
    {"ScanTimeseriesData-whole", check_scan_whole},
    {"ScanTimeseriesData-range", check_scan_range},
    {"UpdateTimeseriesTable-ttl", check_update_ttl},
    {"UpdateTimeseriesTable-meta", check_update_options},
    {"UpdateTimeseriesMeta-two", check_update_meta},
    {"DeleteTimeseriesMeta-two", check_delete_meta},
};

static void check_by_name(const char *name, const struct ots_call *call)
{
    const char *rest = strchr(name, '-');
    assert_non_null(rest);
    rest++;
    size_t length = strlen(rest) - strlen(".http");
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (strlen(checks[i].name) == length && strncmp(checks[i].name, rest, length) == 0) {
            checks[i].check(call);
            return;
        }
    }
    fail_msg("no check for %s", name);
}

/* Java's SDK of today and ours write the same bytes, but for the layout of put rows. */
static void assert_encoded_again(const struct ots_call *call, struct ots_slice body)
{
    struct ots_buf again = OTS_BUF_INIT;
    struct ots_error err;
    assert_int_equal(ots_request_encode(call, OTS_PUT_PLAIN, &again, &err), OTS_OK);
    assert_int_equal(again.size, body.size);
    if (body.size)
        assert_memory_equal(again.data, body.data, body.size);
    ots_buf_deinit(&again);
}

static void check_body(const char *name, const struct ots_http_request *request)
{
    struct ots_call call;
    struct ots_error err = {.message = ""};
    enum ots_action action;
    assert_true(
        ots_action_find(ots_slice(request->path.data + 1, request->path.size - 1), &action));
    ots_call_init(&call, action);
    enum ots_status status = ots_request_decode(request->body, &call, &err);
    if (status != OTS_OK)
        fail_msg("%s: %s", name, err.message);
    check_by_name(name, &call);
    if (action == OTS_ACTION_PUT || action == OTS_ACTION_GET || action == OTS_ACTION_QUERY_META ||
        action == OTS_ACTION_SCAN || action == OTS_ACTION_UPDATE_META ||
        action == OTS_ACTION_DELETE_META)
        assert_int_equal(call.is_unaware, strncmp(name, "javaold-", 8) == 0);
    if (action != OTS_ACTION_PUT && strncmp(name, "java-", 5) == 0)
        assert_encoded_again(&call, request->body);
    ots_call_deinit(&call);
}

static void check_file(const char *dir, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    print_message("%s\n", name);
    struct golden_file file;
    golden_file_load(path, &file);
    assert_signed(&file.request);
    assert_md5(&file.request);
    assert_date(&file.request);
    if (!ots_headers_get(&file.request.headers, OTS_HEADER_REQUEST_COMPRESS).data)
        check_body(name, &file.request);
    golden_file_free(&file);
}

static int is_golden(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".http") == 0;
}

static void every_captured_request_is_understood(void **state)
{
    (void)state;
    char dir[256];
    snprintf(dir, sizeof(dir), "%s/unit/golden", test_dir());
    struct dirent **entries;
    int count = scandir(dir, &entries, is_golden, alphasort);
    /* Nothing was lost on the way. */
    assert_int_equal(count, 83);
    for (int i = 0; i < count; i++) {
        check_file(dir, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_captured_request_is_understood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
