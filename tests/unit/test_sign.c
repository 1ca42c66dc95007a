#include "backend/wire/sign.h"

#include "backend/base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The worked examples: id testid, secret testsecret, ListTimeseriesTable with an empty body. */
static const struct ots_slice path = {(const uint8_t *)"/ListTimeseriesTable", 20};
static const char key_text[] = "7hI76vwgQzuee+a2NjNBh11HYQ0sSOgMcKRmHUCglnc=";
static const char empty_md5[] = "1B2M2Y8AsgTpgAmY7PhCfg==";

static void add(struct ots_headers *headers, const char *name, const char *value)
{
    assert_int_equal(ots_headers_add(headers, ots_slice_str(name), ots_slice_str(value)), OTS_OK);
}

/* In no particular order, with headers that are not signed among them. */
static struct ots_headers request_headers(void)
{
    struct ots_headers headers = OTS_HEADERS_INIT;
    add(&headers, "X-Ots-Instancename", "inst1");
    add(&headers, "User-Agent", "anything");
    add(&headers, OTS_HEADER_DATE, "2025-01-02T03:04:05.678Z");
    add(&headers, "Host", "localhost");
    add(&headers, OTS_HEADER_ACCESS_KEY_ID, " testid ");
    add(&headers, OTS_HEADER_CONTENT_MD5, empty_md5);
    add(&headers, OTS_HEADER_API_VERSION, OTS_API_VERSION);
    return headers;
}

static struct ots_signing_key v2_key(void)
{
    struct ots_signing_key key;
    assert_int_equal(ots_signing_key_v2(OTS_SLICE("testsecret"), &key), OTS_OK);
    return key;
}

static struct ots_signing_key v4_key(void)
{
    struct ots_signing_key key;
    assert_int_equal(ots_signing_key_v4(OTS_SLICE("testsecret"), OTS_SLICE("20250102"),
                                        OTS_SLICE("cn-hangzhou"), &key),
                     OTS_OK);
    return key;
}

static void assert_request(const struct ots_signing_key *key, const struct ots_headers *headers,
                           const char *expected)
{
    char signature[OTS_SIGNATURE_TEXT_BYTES];
    assert_int_equal(ots_sign_request(key, path, headers, signature), OTS_OK);
    assert_string_equal(signature, expected);
}

static void v2_covers_every_ots_header_in_order(void **state)
{
    (void)state;
    struct ots_headers headers = request_headers();
    struct ots_signing_key key = v2_key();
    assert_request(&key, &headers, "Gibv0iLVVv9zjIlPz/8ZSLaDUME=");
    /* Signatures do not sign themselves. */
    add(&headers, OTS_HEADER_SIGNATURE, "Gibv0iLVVv9zjIlPz/8ZSLaDUME=");
    assert_request(&key, &headers, "Gibv0iLVVv9zjIlPz/8ZSLaDUME=");
    /* A security token is one header more. */
    add(&headers, OTS_HEADER_STS_TOKEN, "ststoken1");
    assert_request(&key, &headers, "LdmRjzPMKhaCXgr4gfW47AXRrCA=");
    ots_headers_deinit(&headers);
}

static void any_other_ots_header_changes_the_signature(void **state)
{
    (void)state;
    struct ots_headers headers = request_headers();
    struct ots_signing_key key = v2_key();
    char plain[OTS_SIGNATURE_TEXT_BYTES];
    char more[OTS_SIGNATURE_TEXT_BYTES];
    assert_int_equal(ots_sign_request(&key, path, &headers, plain), OTS_OK);
    add(&headers, "x-ots-never-heard-of", "");
    assert_int_equal(ots_sign_request(&key, path, &headers, more), OTS_OK);
    assert_string_not_equal(plain, more);
    assert_int_equal(ots_sign_request(&key, OTS_SLICE("/Other"), &headers, plain), OTS_OK);
    assert_string_not_equal(plain, more);
    ots_headers_deinit(&headers);
}

static void v4_signs_with_a_derived_key(void **state)
{
    (void)state;
    struct ots_signing_key key = v4_key();
    assert_int_equal(key.version, OTS_SIGNATURE_V4);
    assert_int_equal(key.size, strlen(key_text));
    assert_memory_equal(key.bytes, key_text, key.size);

    struct ots_headers headers = request_headers();
    add(&headers, OTS_HEADER_SIGN_REGION, "cn-hangzhou");
    add(&headers, OTS_HEADER_SIGN_DATE, "20250102");
    assert_request(&key, &headers, "JSOFWtIx+ZS277+hKFX1Z28VoTbmRwwb62UU5Lioj8A=");
    add(&headers, OTS_HEADER_SIGNATURE_V4, "JSOFWtIx+ZS277+hKFX1Z28VoTbmRwwb62UU5Lioj8A=");
    assert_request(&key, &headers, "JSOFWtIx+ZS277+hKFX1Z28VoTbmRwwb62UU5Lioj8A=");
    ots_headers_deinit(&headers);
}

static void secrets_have_a_longest_length(void **state)
{
    (void)state;
    uint8_t secret[257];
    memset(secret, 's', sizeof(secret));
    struct ots_signing_key key;
    assert_int_equal(ots_signing_key_v2(ots_slice(secret, 257), &key), OTS_LIMIT);
    assert_int_equal(
        ots_signing_key_v4(ots_slice(secret, 257), OTS_SLICE("20250102"), OTS_SLICE("r"), &key),
        OTS_LIMIT);
    assert_int_equal(ots_signing_key_v2(ots_slice(secret, 256), &key), OTS_OK);
    assert_int_equal(key.size, 256);
    assert_int_equal(
        ots_signing_key_v4(ots_slice(secret, 256), OTS_SLICE("20250102"), OTS_SLICE("r"), &key),
        OTS_OK);
    assert_int_equal(key.size, 44);
    assert_int_equal(ots_signing_key_v2(OTS_SLICE_NONE, &key), OTS_OK);
    assert_int_equal(key.size, 0);
}

static void wiped_keys_are_gone(void **state)
{
    (void)state;
    struct ots_signing_key key = v2_key();
    ots_signing_key_wipe(&key);
    assert_int_equal(key.size, 0);
    for (size_t i = 0; i < sizeof(key.bytes); i++)
        assert_int_equal(key.bytes[i], 0);
}

static struct ots_http_response response(const char *md5, const char *authorization)
{
    struct ots_http_response response = {.status = 200};
    add(&response.headers, "X-Ots-Requestid", "00054ec5-822a-8a4c-1f72-970b0ba2e8f5");
    add(&response.headers, OTS_HEADER_CONTENT_TYPE, OTS_CONTENT_TYPE);
    add(&response.headers, OTS_HEADER_DATE, "2025-01-02T03:04:05.700Z");
    if (md5)
        add(&response.headers, OTS_HEADER_CONTENT_MD5, md5);
    if (authorization)
        add(&response.headers, "Authorization", authorization);
    return response;
}

static void assert_verified(const struct ots_signing_key *key, struct ots_slice action,
                            struct ots_http_response *take_response, enum ots_status expected,
                            const char *message)
{
    struct ots_error err = {.message = ""};
    assert_int_equal(ots_verify_response(key, OTS_SLICE("testid"), action, take_response, &err),
                     expected);
    assert_non_null(strstr(err.message, message));
    assert_null(strstr(err.message, "="));
    ots_headers_deinit(&take_response->headers);
    ots_buf_deinit(&take_response->body);
}

static void responses_are_signed_with_either_key(void **state)
{
    (void)state;
    struct ots_signing_key v2 = v2_key();
    struct ots_signing_key v4 = v4_key();
    struct ots_http_response good = response(empty_md5, "OTS testid:+rMRW+LRX4ie/vYeVc8GoB7s4hQ=");
    assert_verified(&v2, path, &good, OTS_OK, "");
    good = response(empty_md5, "OTS testid:alEH0BJ8Vhx8u86sBXQtaXvd8Pc=");
    assert_verified(&v4, path, &good, OTS_OK, "");
}

/* Whoever hashed the body before is believed, right or wrong. */
static void a_digest_may_be_there_before(void **state)
{
    (void)state;
    static const char good[] = "OTS testid:+rMRW+LRX4ie/vYeVc8GoB7s4hQ=";
    struct ots_signing_key key = v2_key();
    struct ots_http_response answer = response(empty_md5, good);
    answer.has_md5 = true;
    assert_int_equal(ots_md5(OTS_SLICE(""), answer.md5), OTS_OK);
    assert_verified(&key, path, &answer, OTS_OK, "");
    answer = response(empty_md5, good);
    answer.has_md5 = true;
    assert_verified(&key, path, &answer, OTS_CORRUPT, "does not fit its MD5");
}

static void errors_are_signed_too(void **state)
{
    (void)state;
    static const char body[] = "\x0a\x11OTSObjectNotExist\x12\x1fRequested table does not exist.";
    struct ots_signing_key key = v2_key();
    struct ots_http_response error =
        response("e2enEqtXyX/3YTqhbiPDtw==", "OTS testid:mRCf99FpBFqu9c0YFF+3yPZFUDA=");
    ots_buf_append_str(&error.body, body);
    assert_verified(&key, OTS_SLICE("/DescribeTimeseriesTable"), &error, OTS_OK, "");
}

static void a_unit_test_of_java_agrees(void **state)
{
    (void)state;
    struct ots_signing_key key;
    assert_int_equal(ots_signing_key_v2(OTS_SLICE("sk"), &key), OTS_OK);
    struct ots_headers headers = OTS_HEADERS_INIT;
    add(&headers, OTS_HEADER_CONTENT_TYPE, "json");
    add(&headers, OTS_HEADER_CONTENT_MD5, "md5");
    char signature[OTS_SIGNATURE_TEXT_BYTES];
    assert_int_equal(ots_sign_response(&key, OTS_SLICE("/action"), &headers, signature), OTS_OK);
    assert_string_equal(signature, "yxS9NtV7YZ+VtKXGkyeLOlYsH5o=");
    ots_headers_deinit(&headers);
}

static void bad_responses_are_refused(void **state)
{
    (void)state;
    static const char good[] = "OTS testid:+rMRW+LRX4ie/vYeVc8GoB7s4hQ=";
    struct ots_signing_key key = v2_key();
    struct ots_http_response bad = response(NULL, good);
    assert_verified(&key, path, &bad, OTS_CORRUPT, "no MD5");
    bad = response("e2enEqtXyX/3YTqhbiPDtw==", good);
    assert_verified(&key, path, &bad, OTS_CORRUPT, "does not fit its MD5");
    bad = response(empty_md5, good);
    ots_buf_append_str(&bad.body, "x");
    assert_verified(&key, path, &bad, OTS_CORRUPT, "does not fit its MD5");
    bad = response(empty_md5, NULL);
    assert_verified(&key, path, &bad, OTS_CORRUPT, "not signed");
    bad = response(empty_md5, good);
    assert_verified(&key, OTS_SLICE("/Other"), &bad, OTS_CORRUPT, "signature is wrong");
    bad = response(empty_md5, good);
    add(&bad.headers, "x-ots-traceinfo", "added on the way");
    assert_verified(&key, path, &bad, OTS_CORRUPT, "signature is wrong");

    static const char *const wrong[] = {
        "",
        "OTS testid:",
        "OTS testid:+rMRW+LRX4ie/vYeVc8GoB7s4hQ",
        "OTS testid:+rMRW+LRX4ie/vYeVc8GoB7s4hR=",
        "OTS testid:+rMRW+LRX4ie/vYeVc8GoB7s4hQ= x",
        "OTS other:+rMRW+LRX4ie/vYeVc8GoB7s4hQ=",
        "testid:+rMRW+LRX4ie/vYeVc8GoB7s4hQ=",
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        bad = response(empty_md5, wrong[i]);
        assert_verified(&key, path, &bad, OTS_CORRUPT, "signature is wrong");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v2_covers_every_ots_header_in_order),
        cmocka_unit_test(any_other_ots_header_changes_the_signature),
        cmocka_unit_test(v4_signs_with_a_derived_key),
        cmocka_unit_test(secrets_have_a_longest_length),
        cmocka_unit_test(wiped_keys_are_gone),
        cmocka_unit_test(responses_are_signed_with_either_key),
        cmocka_unit_test(a_digest_may_be_there_before),
        cmocka_unit_test(errors_are_signed_too),
        cmocka_unit_test(a_unit_test_of_java_agrees),
        cmocka_unit_test(bad_responses_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
