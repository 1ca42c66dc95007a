#include "backend/server/fault_config.h"

#include "backend/wire/service_code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { SECOND_US = 1000000 };

static struct ots_fault_config *parse(const char *json)
{
    static struct ots_fault_config config;
    struct ots_error err = {0};
    if (ots_fault_config_parse(ots_slice_str(json), &config, &err) != OTS_OK)
        fail_msg("%s: %s", json, err.message);
    return &config;
}

static void refuse(const char *json, const char *message)
{
    struct ots_fault_config config;
    struct ots_error err = {0};
    assert_int_not_equal(ots_fault_config_parse(ots_slice_str(json), &config, &err), OTS_OK);
    if (!strstr(err.message, message))
        fail_msg("%s: no '%s' in '%s'", json, message, err.message);
}

static void wrong_documents(void **state)
{
    (void)state;
    refuse("", "not JSON");
    refuse("[]", "object");
    refuse("{\"rule\":[]}", "unknown member rule");
    refuse("{\"rules\":{}}", "list");
    refuse("{\"rules\":[3]}", "rule 0: an object");
    refuse("{\"rules\":[{},{\"evry\":1}]}", "rule 1: unknown member evry");
    refuse("{\"rules\":[{\"action\":\"Put\"}]}", "Put is none");
    refuse("{\"rules\":[{\"action\":3}]}", "action: a text");
    refuse("{\"rules\":[{\"nth\":0}]}", "nth: a number from 1");
    refuse("{\"rules\":[{\"nth\":1.5}]}", "nth: a whole");
    refuse("{\"rules\":[{\"nth\":\"1\"}]}", "nth: a number");
    refuse("{\"rules\":[{\"code\":\"OTSBusy\"}]}", "OTSBusy is none");
    refuse("{\"rules\":[{\"delay_ms\":-1}]}", "delay_ms");
    refuse("{\"rules\":[{\"cut\":\"now\"}]}", "cut: before");
    refuse("{\"rules\":[{\"cut\":-1}]}", "cut: a number");
    refuse("{\"rules\":[{\"wrong\":\"md5\"}]}", "wrong: signature");
    refuse("{\"rules\":[{\"failed_rows\":[200]}]}", "failed_rows: a row");
    refuse("{\"rules\":[{\"failed_rows\":0}]}", "failed_rows: a number");
    refuse("{\"clock_offset_s\":1e9}", "clock_offset_s");
    refuse("{\"scan_shuffle\":1}", "scan_shuffle");
    refuse("{\"stream_visible_after_s\":-1}", "stream_visible_after_s");
    char many[600] = "{\"rules\":[{}";
    for (int i = 0; i < OTS_FAULT_RULES_MAX; i++)
        strcat(many, ",{}");
    refuse(strcat(many, "]}"), "at most 64");
}

static void settings(void **state)
{
    (void)state;
    const struct ots_fault_config *config =
        parse("{\"table_not_ready_s\":2,\"meta_visible_after_s\":0.5,\"clock_offset_s\":-1000,"
              "\"stream_visible_after_s\":0.25,\"scan_shuffle\":true}");
    assert_int_equal(config->rule_count, 0);
    assert_int_equal(config->table_not_ready_us, 2 * SECOND_US);
    assert_int_equal(config->meta_visible_after_us, SECOND_US / 2);
    assert_int_equal(config->stream_visible_after_us, SECOND_US / 4);
    assert_int_equal(config->clock_offset_us, -1000 * (int64_t)SECOND_US);
    assert_true(config->is_scan_shuffled);
}

/* Which of the first calls are hit, as digits. */
static void expect_hits(const char *json, const char *wanted)
{
    struct ots_fault_rule *rule = &parse(json)->rules[0];
    for (size_t i = 0; wanted[i]; i++)
        if (ots_fault_rule_hits(rule, 0) != (wanted[i] == '1'))
            fail_msg("%s: call %zu", json, i + 1);
    assert_int_equal(rule->calls, strlen(wanted));
}

static void which_call_is_hit(void **state)
{
    (void)state;
    expect_hits("{\"rules\":[{}]}", "11111");
    expect_hits("{\"rules\":[{\"nth\":1}]}", "10000");
    expect_hits("{\"rules\":[{\"nth\":3}]}", "00100");
    expect_hits("{\"rules\":[{\"every\":3}]}", "0010010010");
    expect_hits("{\"rules\":[{\"nth\":2,\"every\":3}]}", "0100100100");
    expect_hits("{\"rules\":[{\"nth\":3,\"every\":1}]}", "0011111");
    expect_hits("{\"rules\":[{\"times\":2}]}", "11000");
    expect_hits("{\"rules\":[{\"every\":2,\"times\":2}]}", "0101000000");
}

static void over_the_rate(void **state)
{
    (void)state;
    struct ots_fault_config *config = parse("{\"rules\":[{\"calls_per_s\":2}]}");
    struct ots_fault_rule *rule = &config->rules[0];
    assert_string_equal(rule->verdict.refusal.code, OTS_CODE_SERVER_BUSY);
    /* As many as a second has may come at once, then two in each second. */
    assert_false(ots_fault_rule_hits(rule, 0));
    assert_false(ots_fault_rule_hits(rule, 0));
    assert_true(ots_fault_rule_hits(rule, 0));
    assert_true(ots_fault_rule_hits(rule, SECOND_US * 4 / 10));
    assert_false(ots_fault_rule_hits(rule, SECOND_US * 6 / 10));
    assert_true(ots_fault_rule_hits(rule, SECOND_US * 7 / 10));
    assert_false(ots_fault_rule_hits(rule, 100 * (int64_t)SECOND_US));
    assert_false(ots_fault_rule_hits(rule, 100 * (int64_t)SECOND_US));
    assert_true(ots_fault_rule_hits(rule, 100 * (int64_t)SECOND_US));
    assert_int_equal(rule->hits, 4);
}

static void verdicts(void **state)
{
    (void)state;
    struct ots_fault_config *config =
        parse("{\"rules\":[{\"delay_ms\":5},{\"delay_ms\":7,\"wrong\":\"signature\"},"
              "{\"action\":\"GetTimeseriesData\",\"cut\":\"before\"},"
              "{\"code\":\"OTSQuotaExhausted\"},{\"code\":\"OTSTimeout\",\"message\":\"m\"},"
              "{\"failed_rows\":1},{\"action\":\"ScanTimeseriesData\",\"cut\":9},"
              "{\"action\":\"ScanTimeseriesData\",\"wrong\":\"body\"}]}");
    struct ots_verdict put = {0};
    ots_fault_config_plan(config, OTS_ACTION_PUT, 0, &put);
    assert_int_equal(put.delay_us, 12000);
    assert_string_equal(put.refusal.code, OTS_CODE_QUOTA_EXHAUSTED);
    assert_string_equal(put.refusal.message, "Too frequent table operations.");
    assert_true(put.is_signature_wrong);
    assert_false(put.is_cut_before || put.is_cut_after || put.is_body_wrong);
    struct ots_verdict get = {0};
    ots_fault_config_plan(config, OTS_ACTION_GET, 0, &get);
    assert_true(get.is_cut_before);
    struct ots_verdict scan = {0};
    ots_fault_config_plan(config, OTS_ACTION_SCAN, 0, &scan);
    assert_true(scan.is_cut_after && scan.is_body_wrong);
    assert_int_equal(scan.cut_bytes, 9);
    /* The rule of rows was none of theirs. */
    assert_int_equal(config->rules[5].calls, 0);
    assert_int_equal(config->rules[0].calls, 3);
    assert_int_equal(config->rules[2].calls, 1);
}

static void rows(void **state)
{
    (void)state;
    struct ots_fault_config *config =
        parse("{\"rules\":[{\"failed_rows\":[1,199],\"code\":\"OTSParameterInvalid\",\"nth\":2},"
              "{\"failed_rows\":2}]}");
    const struct ots_fault_rule *rule = ots_fault_config_rows(config, 0);
    assert_ptr_equal(rule, &config->rules[1]);
    assert_true(rule->failed_rows[0] && rule->failed_rows[1] && !rule->failed_rows[2]);
    assert_string_equal(rule->verdict.refusal.code, OTS_CODE_SERVER_BUSY);
    rule = ots_fault_config_rows(config, 0);
    assert_ptr_equal(rule, &config->rules[0]);
    assert_true(!rule->failed_rows[0] && rule->failed_rows[1] && rule->failed_rows[199]);
    assert_string_equal(rule->verdict.refusal.code, OTS_CODE_PARAMETER_INVALID);
    assert_string_equal(rule->verdict.refusal.message, "A fault on purpose.");
}

static void printed(void **state)
{
    (void)state;
    struct ots_fault_config *config = parse("{\"rules\":[{\"nth\":2}]}");
    struct ots_verdict verdict = {0};
    struct ots_buf json = OTS_BUF_INIT;
    for (int i = 0; i < 3; i++)
        ots_fault_config_plan(config, OTS_ACTION_PUT, 0, &verdict);
    assert_int_equal(ots_fault_config_print(config, &json), OTS_OK);
    ots_buf_append_byte(&json, '\0');
    assert_non_null(strstr((const char *)json.data, "\"calls\":\t3"));
    assert_non_null(strstr((const char *)json.data, "\"hits\":\t1"));
    ots_buf_deinit(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_documents),   cmocka_unit_test(settings),
        cmocka_unit_test(which_call_is_hit), cmocka_unit_test(over_the_rate),
        cmocka_unit_test(verdicts),          cmocka_unit_test(rows),
        cmocka_unit_test(printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
