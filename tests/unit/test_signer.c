#include "backend/client/client.h"
#include "backend/client/signer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* 2025-01-02T03:04:05.678Z */
#define SOME_TIME_US INT64_C(1735787045678000)

static const struct ots_client_options v2_options = {
    .instance = "inst1", .access_key_id = "testid", .access_key_secret = "testsecret"};

static struct ots_signer signer_from(struct ots_client_options options)
{
    struct ots_signer signer;
    struct ots_error err;
    if (ots_signer_init(&signer, &options, &err) != OTS_OK)
        fail_msg("%s", err.message);
    return signer;
}

static void assert_header(const struct ots_http_request *request, const char *name,
                          const char *value)
{
    struct ots_slice found = ots_headers_get(&request->headers, name);
    if (!found.data || !ots_slice_equal(found, ots_slice_str(value)))
        fail_msg("%s: %.*s instead of %s", name, OTS_SLICE_FMT(found), value);
}

static void check(struct ots_client_options options, const char *signature_name,
                  const char *signature)
{
    struct ots_signer signer = signer_from(options);
    struct ots_http_request request = {.path = OTS_SLICE("/ListTimeseriesTable")};
    struct ots_signing_key key;
    struct ots_error err;
    /* Twice: the headers of the first time must be gone. */
    assert_int_equal(ots_signer_sign(&signer, &request, 5, &key, &err), OTS_OK);
    assert_int_equal(ots_signer_sign(&signer, &request, SOME_TIME_US, &key, &err), OTS_OK);
    assert_header(&request, OTS_HEADER_DATE, "2025-01-02T03:04:05.678Z");
    assert_header(&request, OTS_HEADER_API_VERSION, "2015-12-31");
    assert_header(&request, OTS_HEADER_ACCESS_KEY_ID, "testid");
    assert_header(&request, OTS_HEADER_INSTANCE, "inst1");
    assert_header(&request, OTS_HEADER_CONTENT_MD5, "1B2M2Y8AsgTpgAmY7PhCfg==");
    assert_header(&request, signature_name, signature);
    size_t extra = (options.sts_token ? 1u : 0u) + (options.region ? 2u : 0u);
    assert_int_equal(request.headers.count, 6 + extra);
    ots_signing_key_wipe(&key);
    ots_headers_deinit(&request.headers);
    ots_signer_deinit(&signer);
}

/* Signatures computed with Python, openssl and Java for these requests. */
static void test_v2(void **state)
{
    (void)state;
    check(v2_options, OTS_HEADER_SIGNATURE, "Gibv0iLVVv9zjIlPz/8ZSLaDUME=");
}

static void test_token(void **state)
{
    (void)state;
    struct ots_client_options options = v2_options;
    options.sts_token = "ststoken1";
    check(options, OTS_HEADER_SIGNATURE, "LdmRjzPMKhaCXgr4gfW47AXRrCA=");
}

static void test_v4(void **state)
{
    (void)state;
    struct ots_client_options options = v2_options;
    options.region = "cn-hangzhou";
    check(options, OTS_HEADER_SIGNATURE_V4, "JSOFWtIx+ZS277+hKFX1Z28VoTbmRwwb62UU5Lioj8A=");
}

static void refuse(struct ots_client_options options, const char *part)
{
    struct ots_signer signer;
    struct ots_error err;
    assert_int_equal(ots_signer_init(&signer, &options, &err), OTS_INVALID);
    if (!strstr(err.message, part) || strstr(err.message, "s3cret"))
        fail_msg("%s", err.message);
}

static void test_refused(void **state)
{
    (void)state;
    char long_text[10000];
    memset(long_text, 'x', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';

    struct ots_client_options options = v2_options;
    options.instance = NULL;
    refuse(options, "instance name is missing");
    options = v2_options;
    options.access_key_id = "";
    refuse(options, "access key id is missing");
    options = v2_options;
    options.access_key_id = "id\r\nx-ots-evil: 1";
    refuse(options, "access key id has a character");
    options = v2_options;
    options.access_key_secret = "s3cret\n";
    refuse(options, "access key secret has a character");
    options.access_key_secret = long_text;
    refuse(options, "access key secret is over 256 bytes");
    options = v2_options;
    options.sts_token = long_text;
    refuse(options, "STS token is over");
    options = v2_options;
    options.region = "cn hangzhou";
    refuse(options, "region has a character");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v2),
        cmocka_unit_test(test_token),
        cmocka_unit_test(test_v4),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
