#include "tests/unit/golden_file.h"
#include "tests/unit/server_fixture.h"

#include "backend/base/base64.h"
#include "backend/base/digest.h"
#include "backend/model/limits.h"
#include "backend/server/compress.h"
#include "backend/server/service.h"
#include "backend/wire/deflate.h"
#include "backend/wire/messages.h"
#include "backend/wire/service_code.h"
#include "backend/wire/sign.h"

#include <stdio.h>

#define STREAM_OF_ABC "\x78\x9c\x4b\x4c\x4a\x06\x00\x02\x4d\x01\x27"

static void add(struct ots_headers *headers, const char *name, const char *value)
{
    if (value)
        assert_int_equal(ots_headers_add(headers, ots_slice_str(name), ots_slice_str(value)),
                         OTS_OK);
}

/* Open a body with these headers; returns the status, and the body as text. */
static enum ots_status open_body(const char *type, const char *size, struct ots_slice sent,
                                 char text[16], struct ots_error *err)
{
    struct ots_http_request request = {.headers = OTS_HEADERS_INIT, .body = sent};
    struct ots_buf inflated = OTS_BUF_INIT;
    struct ots_slice body;
    add(&request.headers, OTS_HEADER_REQUEST_COMPRESS, type);
    add(&request.headers, OTS_HEADER_REQUEST_COMPRESS_SIZE, size);
    *err = (struct ots_error){0};
    enum ots_status status = ots_compress_open(&request, &inflated, &body, err);
    if (status == OTS_OK)
        snprintf(text, 16, "%.*s", OTS_SLICE_FMT(body));
    ots_headers_deinit(&request.headers);
    ots_buf_deinit(&inflated);
    return status;
}

static void opens(void **state)
{
    (void)state;
    struct ots_error err;
    char text[16];
    assert_int_equal(open_body(NULL, NULL, OTS_SLICE("plain"), text, &err), OTS_OK);
    assert_string_equal(text, "plain");
    assert_int_equal(open_body("deflate", "3", OTS_SLICE(STREAM_OF_ABC), text, &err), OTS_OK);
    assert_string_equal(text, "abc");
}

static void refuses(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        const char *size;
        const char *code;
        const char *message;
    } cases[] = {
        {"gzip", "3", OTS_CODE_PARAMETER_INVALID, "compress-type: 'gzip'"},
        {"", "3", OTS_CODE_PARAMETER_INVALID, "compress-type: ''"},
        {"deflate", NULL, OTS_CODE_PARAMETER_INVALID, "compress-size: ''"},
        {"deflate", "", OTS_CODE_PARAMETER_INVALID, "compress-size: ''"},
        {"deflate", "-3", OTS_CODE_PARAMETER_INVALID, "compress-size: '-3'"},
        {"deflate", "3x", OTS_CODE_PARAMETER_INVALID, "compress-size: '3x'"},
        {"deflate", "18446744073709551619", OTS_CODE_PARAMETER_INVALID, "compress-size"},
        {"deflate", "2", OTS_CODE_PARAMETER_INVALID, "announce"},
        {"deflate", "4", OTS_CODE_PARAMETER_INVALID, "announce"},
        {"deflate", "67108865", OTS_CODE_REQUEST_BODY_TOO_LARGE, "too large"},
    };
    assert_int_equal(OTS_REQUEST_BODY_BYTES_MAX, 67108864);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ots_error err;
        char text[16];
        assert_int_not_equal(
            open_body(cases[i].type, cases[i].size, OTS_SLICE(STREAM_OF_ABC), text, &err), OTS_OK);
        assert_string_equal(err.service_code, cases[i].code);
        if (!strstr(err.message, cases[i].message))
            fail_msg("case %zu: %s", i, err.message);
    }
}

static void compresses_only_when_asked(void **state)
{
    (void)state;
    static const struct {
        const char *wanted;
        const char *body;
        bool is_compressed;
    } cases[] = {
        {NULL, "body", false},
        {"gzip", "body", false},
        {"deflate", "", false},
        {"deflate", "body", true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ots_headers asked = OTS_HEADERS_INIT;
        struct ots_http_response response = {.headers = OTS_HEADERS_INIT, .body = OTS_BUF_INIT};
        struct ots_buf plain = OTS_BUF_INIT;
        add(&asked, OTS_HEADER_RESPONSE_COMPRESS, cases[i].wanted);
        ots_buf_append_str(&response.body, cases[i].body);
        assert_int_equal(ots_compress_response(&asked, &response), OTS_OK);
        assert_int_equal(response.headers.count, cases[i].is_compressed ? 2 : 0);
        if (cases[i].is_compressed)
            assert_int_equal(
                ots_inflate(ots_buf_slice(&response.body), strlen(cases[i].body), &plain, NULL),
                OTS_OK);
        else
            ots_buf_append_slice(&plain, ots_buf_slice(&response.body));
        assert_true(ots_slice_equal(ots_buf_slice(&plain), ots_slice_str(cases[i].body)));
        ots_buf_deinit(&plain);
        ots_buf_deinit(&response.body);
        ots_headers_deinit(&response.headers);
        ots_headers_deinit(&asked);
    }
}

/* ---- the request of an SDK ---- */

struct service {
    struct test_directory directory;
    struct test_clock clock;
    struct ots_log log;
    struct ots_service *service;
};

static void service_open(struct service *at)
{
    *at = (struct service){.log = {.program = "test", .level = OTS_LOG_ERROR}};
    test_directory_make(&at->directory);
    test_clock_init(&at->clock);
    at->clock.now_us = INT64_C(1795333151469000); /* when the file was captured */
    const struct ots_service_options options = {
        .directory = at->directory.path,
        .instance = "inst1",
        .access_key_id = "testid",
        .access_key_secret = "testsecret",
        .clock = &at->clock.clock,
        .log = &at->log,
    };
    assert_int_equal(ots_service_open(&options, &at->service, NULL), OTS_OK);
}

static void service_close(struct service *at)
{
    ots_service_close(at->service);
    test_directory_remove(&at->directory);
}

/* Answer as a client that checks everything would see it: its body inflated. */
static int ask(struct service *at, const struct ots_http_request *request, bool is_compressed,
               struct ots_buf *body)
{
    struct ots_http_response response;
    struct ots_signing_key key;
    struct ots_error err = {0};
    ots_service_handle(at->service, request, &response);
    struct ots_slice size = ots_headers_get(&response.headers, OTS_HEADER_RESPONSE_COMPRESS_SIZE);
    assert_true(is_compressed == (size.data != NULL));
    ots_buf_reset(body);
    if (is_compressed) {
        char digits[32];
        snprintf(digits, sizeof(digits), "%.*s", OTS_SLICE_FMT(size));
        assert_true(
            ots_slice_equal(ots_headers_get(&response.headers, OTS_HEADER_RESPONSE_COMPRESS),
                            OTS_SLICE("deflate")));
        assert_int_equal(
            ots_inflate(ots_buf_slice(&response.body), strtoul(digits, NULL, 10), body, NULL),
            OTS_OK);
        ots_buf_reset(&response.body);
        ots_buf_append_slice(&response.body, ots_buf_slice(body));
    } else {
        ots_buf_append_slice(body, ots_buf_slice(&response.body));
    }
    assert_int_equal(ots_signing_key_v2(OTS_SLICE("testsecret"), &key), OTS_OK);
    if (ots_verify_response(&key, OTS_SLICE("testid"), request->path, &response, &err) != OTS_OK)
        fail_msg("%s", err.message);
    int http_status = response.status;
    ots_headers_deinit(&response.headers);
    ots_buf_deinit(&response.body);
    return http_status;
}

static void sign(struct ots_http_request *request, const char *date)
{
    uint8_t digest[OTS_MD5_BYTES];
    char signature[OTS_SIGNATURE_TEXT_BYTES];
    struct ots_signing_key key;
    struct ots_buf md5 = OTS_BUF_INIT;
    assert_int_equal(ots_md5(request->body, digest), OTS_OK);
    ots_base64_append(&md5, ots_slice(digest, sizeof(digest)));
    ots_buf_append_byte(&md5, '\0');
    add(&request->headers, OTS_HEADER_DATE, date);
    add(&request->headers, OTS_HEADER_API_VERSION, OTS_API_VERSION);
    add(&request->headers, OTS_HEADER_ACCESS_KEY_ID, "testid");
    add(&request->headers, OTS_HEADER_INSTANCE, "inst1");
    add(&request->headers, OTS_HEADER_CONTENT_MD5, (const char *)md5.data);
    assert_int_equal(ots_signing_key_v2(OTS_SLICE("testsecret"), &key), OTS_OK);
    assert_int_equal(ots_sign_request(&key, request->path, &request->headers, signature), OTS_OK);
    add(&request->headers, OTS_HEADER_SIGNATURE, signature);
    ots_buf_deinit(&md5);
}

/* Encode and ask `call`, decode the answer. Both ways compressed. */
static int ask_call(struct service *at, struct ots_call *call)
{
    struct ots_buf plain = OTS_BUF_INIT;
    struct ots_buf packed = OTS_BUF_INIT;
    struct ots_error err = {0};
    char path[64];
    char size[24];
    snprintf(path, sizeof(path), "/%s", ots_action_name(call->action));
    assert_int_equal(ots_request_encode(call, OTS_PUT_PLAIN, &plain, &err), OTS_OK);
    assert_int_equal(ots_deflate(ots_buf_slice(&plain), &packed), OTS_OK);
    snprintf(size, sizeof(size), "%zu", plain.size);
    struct ots_http_request request = {
        .path = ots_slice_str(path), .headers = OTS_HEADERS_INIT, .body = ots_buf_slice(&packed)};
    add(&request.headers, OTS_HEADER_REQUEST_COMPRESS, "deflate");
    add(&request.headers, OTS_HEADER_REQUEST_COMPRESS_SIZE, size);
    bool has_answer = call->action == OTS_ACTION_GET;
    add(&request.headers, OTS_HEADER_RESPONSE_COMPRESS, has_answer ? "deflate" : NULL);
    sign(&request, "2026-11-22T07:39:11.469Z");
    int http_status = ask(at, &request, has_answer, &plain);
    if (http_status == 200)
        assert_int_equal(ots_response_decode(ots_buf_slice(&plain), call, &err), OTS_OK);
    ots_headers_deinit(&request.headers);
    ots_buf_deinit(&packed);
    ots_buf_deinit(&plain);
    return http_status;
}

static void a_captured_put(void **state)
{
    (void)state;
    struct service at;
    struct golden_file file;
    struct ots_buf body = OTS_BUF_INIT;
    char path[512];
    service_open(&at);
    snprintf(path, sizeof(path), "%s/unit/golden/java-PutTimeseriesData-deflate.http", test_dir());
    golden_file_load(path, &file);
    /* Without its table: a refusal, compressed because the SDK asked for that. */
    assert_int_equal(ask(&at, &file.request, true, &body), 404);
    TEST_CALL(create, OTS_ACTION_CREATE_TABLE);
    create.request.create_table.meta.name = OTS_SLICE("deflate");
    assert_int_equal(ask_call(&at, &create), 200);
    assert_int_equal(ask(&at, &file.request, true, &body), 200);
    TEST_CALL(get, OTS_ACTION_GET);
    get.request.get.table = OTS_SLICE("deflate");
    get.request.get.key.measurement = OTS_SLICE("mem");
    assert_int_equal(ask_call(&at, &get), 200);
    assert_int_equal(get.response.page.rows.count, 1);
    assert_int_equal(get.response.page.rows.items[0].time_us, INT64_C(1600000000000001));
    ots_buf_deinit(&body);
    golden_file_free(&file);
    service_close(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens),
        cmocka_unit_test(refuses),
        cmocka_unit_test(compresses_only_when_asked),
        cmocka_unit_test(a_captured_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
