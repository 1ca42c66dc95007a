#include "backend/wire/service_code.h"

#include "tests/unit/hex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The body that Java, Go and Python were seen to understand. */
static const char not_exist_hex[] =
    "0a114f54534f626a6563744e6f744578697374121f526571756573746564207461626c6520646f6573206e6f742065"
    "786973742e";

static void codes_have_their_http_status(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int http_status;
    } known[] = {
        {"OTSParameterInvalid", 400},   {"OTSAuthFailed", 403},
        {"OTSNoPermissionAccess", 403}, {"OTSNotEnoughCapacityUnit", 403},
        {"OTSQuotaExhausted", 403},     {"OTSObjectNotExist", 404},
        {"OTSMethodNotAllowed", 405},   {"OTSRequestTimeout", 408},
        {"OTSObjectAlreadyExist", 409}, {"OTSRequestBodyTooLarge", 413},
        {"OTSServerBusy", 503},         {"OTSTimeout", 503},
        {"OTSServerUnavailable", 503},  {"OTSPartitionUnavailable", 503},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const struct ots_service_code *code = ots_service_code_find(known[i].code);
        assert_non_null(code);
        assert_string_equal(code->code, known[i].code);
        assert_int_equal(code->http_status, known[i].http_status);
    }
    assert_null(ots_service_code_find(""));
    assert_null(ots_service_code_find("OTSParameterinvalid"));
    assert_null(ots_service_code_find("OTSServerBusy "));
}

static void assert_class(int http_status, const char *code, const char *message,
                         enum ots_status status, enum ots_retry_class retry)
{
    enum ots_status got_status = OTS_OK;
    enum ots_retry_class got_retry = OTS_RETRY_NEVER;
    ots_service_code_classify(http_status, code, message, &got_status, &got_retry);
    assert_int_equal(got_status, status);
    assert_int_equal(got_retry, retry);
}

static void known_codes_win_over_the_http_status(void **state)
{
    (void)state;
    assert_class(500, "OTSParameterInvalid", "", OTS_INVALID, OTS_RETRY_NEVER);
    assert_class(403, "OTSAuthFailed", "", OTS_DENIED, OTS_RETRY_NEVER);
    assert_class(403, "OTSNoPermissionAccess", "", OTS_DENIED, OTS_RETRY_NEVER);
    assert_class(404, "OTSObjectNotExist", "", OTS_NOT_FOUND, OTS_RETRY_NEVER);
    assert_class(409, "OTSObjectAlreadyExist", "", OTS_EXISTS, OTS_RETRY_NEVER);
    assert_class(404, "OTSTableNotReady", "", OTS_NOT_READY, OTS_RETRY_ALWAYS);
    assert_class(403, "OTSServerBusy", "", OTS_THROTTLED, OTS_RETRY_ALWAYS);
    assert_class(403, "OTSNotEnoughCapacityUnit", "", OTS_THROTTLED, OTS_RETRY_ALWAYS);
    assert_class(403, "OTSOperationThrottled", "", OTS_THROTTLED, OTS_RETRY_ALWAYS);
    assert_class(409, "OTSRowOperationConflict", "", OTS_CONFLICT, OTS_RETRY_ALWAYS);
    assert_class(413, "OTSRequestBodyTooLarge", "", OTS_LIMIT, OTS_RETRY_NEVER);
    assert_class(400, "OTSOutOfColumnCountLimit", "", OTS_LIMIT, OTS_RETRY_NEVER);
    assert_class(400, "OTSOutOfRowSizeLimit", "", OTS_LIMIT, OTS_RETRY_NEVER);
    assert_class(503, "OTSTimeout", "", OTS_UNAVAILABLE, OTS_RETRY_IF_IDEMPOTENT);
    assert_class(500, "OTSInternalServerError", "", OTS_UNAVAILABLE, OTS_RETRY_IF_IDEMPOTENT);
    assert_class(503, "OTSServerUnavailable", "", OTS_UNAVAILABLE, OTS_RETRY_IF_IDEMPOTENT);
    assert_class(503, "OTSPartitionUnavailable", "", OTS_UNAVAILABLE, OTS_RETRY_ALWAYS);
    assert_class(400, "OTSUnsupportedOperation", "", OTS_UNSUPPORTED, OTS_RETRY_NEVER);
}

static void an_exhausted_quota_is_repeated_only_when_calls_come_too_fast(void **state)
{
    (void)state;
    assert_class(403, "OTSQuotaExhausted", "Too frequent table operations.", OTS_THROTTLED,
                 OTS_RETRY_ALWAYS);
    assert_class(403, "OTSQuotaExhausted", "Number of tables exceeded the quota.", OTS_LIMIT,
                 OTS_RETRY_NEVER);
}

static void unknown_codes_go_by_the_http_status(void **state)
{
    (void)state;
    assert_class(500, "", "", OTS_UNAVAILABLE, OTS_RETRY_IF_IDEMPOTENT);
    assert_class(502, "OTSSomethingNew", "", OTS_UNAVAILABLE, OTS_RETRY_IF_IDEMPOTENT);
    assert_class(408, "", "", OTS_UNAVAILABLE, OTS_RETRY_IF_IDEMPOTENT);
    assert_class(429, "", "", OTS_THROTTLED, OTS_RETRY_ALWAYS);
    assert_class(400, "", "", OTS_INVALID, OTS_RETRY_NEVER);
    assert_class(418, "", "", OTS_INVALID, OTS_RETRY_NEVER);
    assert_class(401, "", "", OTS_DENIED, OTS_RETRY_NEVER);
    assert_class(403, "", "", OTS_DENIED, OTS_RETRY_NEVER);
    assert_class(404, "", "", OTS_NOT_FOUND, OTS_RETRY_NEVER);
    assert_class(405, "", "", OTS_UNSUPPORTED, OTS_RETRY_NEVER);
    assert_class(409, "", "", OTS_CONFLICT, OTS_RETRY_NEVER);
    assert_class(413, "", "", OTS_LIMIT, OTS_RETRY_NEVER);
    assert_class(301, "", "", OTS_CORRUPT, OTS_RETRY_NEVER);
    assert_class(200, "", "", OTS_CORRUPT, OTS_RETRY_NEVER);
    assert_class(0, "", "", OTS_CORRUPT, OTS_RETRY_NEVER);
}

static void error_bodies_are_those_the_sdks_read(void **state)
{
    (void)state;
    struct ots_buf body = OTS_BUF_INIT;
    assert_int_equal(
        ots_error_body_encode("OTSObjectNotExist", "Requested table does not exist.", &body),
        OTS_OK);
    test_assert_hex(ots_buf_slice(&body), not_exist_hex);
    ots_buf_deinit(&body);
}

static enum ots_status decode(int http_status, const char *hex, struct ots_error *err)
{
    struct ots_buf body = test_hex(hex);
    enum ots_retry_class retry;
    enum ots_status status = ots_error_body_decode(http_status, ots_buf_slice(&body),
                                                   OTS_SLICE("request-1"), err, &retry);
    ots_buf_deinit(&body);
    return status;
}

static void error_bodies_become_errors(void **state)
{
    (void)state;
    struct ots_error err;
    assert_int_equal(decode(404, not_exist_hex, &err), OTS_NOT_FOUND);
    assert_int_equal(err.status, OTS_NOT_FOUND);
    assert_string_equal(err.service_code, "OTSObjectNotExist");
    assert_string_equal(err.message, "Requested table does not exist.");
    assert_string_equal(err.request_id, "request-1");
    /* Without a message, and with fields that we do not know. */
    assert_int_equal(decode(503, "0a0d 4f545353657276657242757379 1a02 0a00 30 01", &err),
                     OTS_THROTTLED);
    assert_string_equal(err.service_code, "OTSServerBusy");
    assert_string_equal(err.message, "the service answered with HTTP status 503");
    assert_int_equal(decode(404, not_exist_hex, NULL), OTS_NOT_FOUND);
}

static void other_bodies_go_by_the_http_status(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        "",
        "12 03 616263",             /* a message without the code */
        "0a 11 4f5453",             /* cut */
        "3c68746d6c3e6f6f70733c2f", /* <html>oops</ */
        "ff",
    };
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        struct ots_error err;
        assert_int_equal(decode(502, bodies[i], &err), OTS_UNAVAILABLE);
        assert_string_equal(err.service_code, "");
        assert_string_equal(err.message, "the service answered with HTTP status 502");
        assert_string_equal(err.request_id, "request-1");
    }
    assert_int_equal(decode(200, "", NULL), OTS_CORRUPT);
}

static void foreign_text_cannot_forge_a_line(void **state)
{
    (void)state;
    struct ots_error err;
    assert_int_equal(decode(400, "0a03 580a59 1204 610a1b62", &err), OTS_INVALID);
    assert_null(strpbrk(err.service_code, "\n\x1b"));
    assert_null(strpbrk(err.message, "\n\x1b"));
    assert_int_equal(strlen(err.message), 4);
}

static void long_text_is_cut(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_error err;
    enum ots_retry_class retry;
    assert_int_equal(ots_error_body_encode(text, text, &body), OTS_OK);
    assert_int_equal(
        ots_error_body_decode(400, ots_buf_slice(&body), ots_slice_str(text), &err, &retry),
        OTS_INVALID);
    assert_int_equal(strlen(err.service_code), sizeof(err.service_code) - 1);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_int_equal(strlen(err.request_id), sizeof(err.request_id) - 1);
    assert_int_equal(retry, OTS_RETRY_NEVER);
    ots_buf_deinit(&body);
}

static void a_cut_body_is_never_taken_for_success(void **state)
{
    (void)state;
    struct ots_buf body = test_hex(not_exist_hex);
    for (size_t size = 0; size < body.size; size++) {
        struct ots_error err;
        enum ots_retry_class retry;
        enum ots_status status =
            ots_error_body_decode(404, ots_slice(body.data, size), OTS_SLICE_NONE, &err, &retry);
        assert_int_equal(status, OTS_NOT_FOUND);
        assert_true(err.message[0]);
    }
    ots_buf_deinit(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_their_http_status),
        cmocka_unit_test(known_codes_win_over_the_http_status),
        cmocka_unit_test(an_exhausted_quota_is_repeated_only_when_calls_come_too_fast),
        cmocka_unit_test(unknown_codes_go_by_the_http_status),
        cmocka_unit_test(error_bodies_are_those_the_sdks_read),
        cmocka_unit_test(error_bodies_become_errors),
        cmocka_unit_test(other_bodies_go_by_the_http_status),
        cmocka_unit_test(foreign_text_cannot_forge_a_line),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(a_cut_body_is_never_taken_for_success),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
