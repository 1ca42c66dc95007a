#include "tests/unit/server_fixture.h"

#include "backend/base/base64.h"
#include "backend/base/digest.h"
#include "backend/server/service.h"
#include "backend/wire/messages.h"
#include "backend/wire/service_code.h"
#include "backend/wire/sign.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEY_ID "testid"
#define SECRET "testsecret"
#define INSTANCE "inst1"
#define DATE "2025-01-02T03:04:05.678Z"

struct fixture {
    struct test_directory directory;
    struct test_clock clock;
    struct ots_log log;
    struct ots_service *service;
};

static void open_service(struct fixture *fixture)
{
    const struct ots_service_options options = {
        .directory = fixture->directory.path,
        .instance = INSTANCE,
        .access_key_id = KEY_ID,
        .access_key_secret = SECRET,
        .clock = &fixture->clock.clock,
        .log = &fixture->log,
    };
    struct ots_error err = {0};
    if (ots_service_open(&options, &fixture->service, &err) != OTS_OK)
        fail_msg("%s", err.message);
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.log = {.program = "test", .level = OTS_LOG_ERROR}};
    test_directory_make(&fixture.directory);
    test_clock_init(&fixture.clock);
    open_service(&fixture);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ots_service_close(fixture->service);
    test_directory_remove(&fixture->directory);
    return 0;
}

/* ---- requests ---- */

/* What a request is made of; what is NULL is left out, but for the computed headers. */
struct recipe {
    const char *path;
    struct ots_slice body;
    const char *date;
    const char *version;
    const char *key_id;
    const char *secret;
    const char *instance;
    const char *md5;       /* NULL: computed; "": left out */
    const char *region;    /* not NULL: signature V4 */
    const char *extra;     /* name of one more header */
    const char *signature; /* NULL: computed; "": left out */
};

#define RECIPE                                                                                     \
    ((struct recipe){.path = "/ListTimeseriesTable",                                               \
                     .body = OTS_SLICE(""),                                                        \
                     .date = DATE,                                                                 \
                     .version = "2015-12-31",                                                      \
                     .key_id = KEY_ID,                                                             \
                     .secret = SECRET,                                                             \
                     .instance = INSTANCE})

static void add(struct ots_http_request *request, const char *name, const char *value)
{
    if (value)
        assert_int_equal(
            ots_headers_add(&request->headers, ots_slice_str(name), ots_slice_str(value)), OTS_OK);
}

static void add_md5(struct ots_http_request *request)
{
    uint8_t digest[OTS_MD5_BYTES];
    struct ots_buf text = OTS_BUF_INIT;
    assert_int_equal(ots_md5(request->body, digest), OTS_OK);
    ots_base64_append(&text, ots_slice(digest, sizeof(digest)));
    ots_buf_append_byte(&text, '\0');
    add(request, OTS_HEADER_CONTENT_MD5, (const char *)text.data);
    ots_buf_deinit(&text);
}

static struct ots_signing_key key_of(const struct recipe *recipe)
{
    struct ots_signing_key key;
    struct ots_slice secret = ots_slice_str(recipe->secret);
    enum ots_status status =
        recipe->region
            ? ots_signing_key_v4(secret, OTS_SLICE("20250102"), ots_slice_str(recipe->region), &key)
            : ots_signing_key_v2(secret, &key);
    assert_int_equal(status, OTS_OK);
    return key;
}

static void make_request(const struct recipe *recipe, struct ots_http_request *request)
{
    char signature[OTS_SIGNATURE_TEXT_BYTES];
    *request = (struct ots_http_request){
        .path = ots_slice_str(recipe->path), .headers = OTS_HEADERS_INIT, .body = recipe->body};
    add(request, "X-Ots-Date", recipe->date);
    add(request, OTS_HEADER_API_VERSION, recipe->version);
    add(request, OTS_HEADER_ACCESS_KEY_ID, recipe->key_id);
    add(request, OTS_HEADER_INSTANCE, recipe->instance);
    if (!recipe->md5)
        add_md5(request);
    else if (recipe->md5[0])
        add(request, OTS_HEADER_CONTENT_MD5, recipe->md5);
    if (recipe->extra)
        add(request, recipe->extra, "value");
    if (recipe->region) {
        add(request, OTS_HEADER_SIGN_DATE, "20250102");
        add(request, OTS_HEADER_SIGN_REGION, recipe->region);
    }
    const char *name = recipe->region ? OTS_HEADER_SIGNATURE_V4 : OTS_HEADER_SIGNATURE;
    struct ots_signing_key key = key_of(recipe);
    assert_int_equal(ots_sign_request(&key, request->path, &request->headers, signature), OTS_OK);
    if (!recipe->signature)
        add(request, name, signature);
    else if (recipe->signature[0])
        add(request, name, recipe->signature);
}

/* Every answer carries what the SDKs check, signed with our key for the id that was sent. */
static void check_response(const struct recipe *recipe, const struct ots_http_response *response)
{
    struct ots_error err = {0};
    struct recipe ours = *recipe;
    ours.secret = SECRET;
    struct ots_signing_key key = key_of(&ours);
    struct ots_slice id = ots_slice_str(recipe->key_id ? recipe->key_id : KEY_ID);
    if (ots_verify_response(&key, id, ots_slice_str(recipe->path), response, &err) != OTS_OK)
        fail_msg("%s: %s", recipe->path, err.message);
    struct ots_slice date = ots_headers_get(&response->headers, OTS_HEADER_DATE);
    assert_true(ots_slice_equal(date, OTS_SLICE(DATE)));
    assert_true(ots_headers_get(&response->headers, OTS_HEADER_REQUEST_ID).size >= 16);
    assert_true(ots_headers_get(&response->headers, OTS_HEADER_CONTENT_TYPE).size > 0);
}

static void ask(struct fixture *fixture, const struct recipe *recipe,
                struct ots_http_response *response)
{
    struct ots_http_request request;
    make_request(recipe, &request);
    ots_service_handle(fixture->service, &request, response);
    check_response(recipe, response);
    ots_headers_deinit(&request.headers);
}

static void response_deinit(struct ots_http_response *response)
{
    ots_headers_deinit(&response->headers);
    ots_buf_deinit(&response->body);
}

static void expect_refusal(const struct ots_http_response *response, int http_status,
                           const char *code, const char *message)
{
    struct ots_error err = {0};
    enum ots_retry_class retry;
    assert_int_equal(response->status, http_status);
    assert_int_not_equal(ots_error_body_decode(response->status, ots_buf_slice(&response->body),
                                               OTS_SLICE("id"), &err, &retry),
                         OTS_OK);
    assert_string_equal(err.service_code, code);
    if (message)
        assert_non_null(strstr(err.message, message));
}

static void refuse(struct fixture *fixture, const struct recipe *recipe, int http_status,
                   const char *code, const char *message)
{
    struct ots_http_response response;
    ask(fixture, recipe, &response);
    expect_refusal(&response, http_status, code, message);
    response_deinit(&response);
}

static void accept(struct fixture *fixture, const struct recipe *recipe)
{
    struct ots_http_response response;
    ask(fixture, recipe, &response);
    assert_int_equal(response.status, 200);
    response_deinit(&response);
}

/* ---- tests ---- */

static void test_accepts(void **state)
{
    struct recipe recipe = RECIPE;
    accept(*state, &recipe);
    /* The V4 way, with an STS token, and with a header that nobody knows. */
    recipe.region = "cn-hangzhou";
    accept(*state, &recipe);
    recipe.extra = OTS_HEADER_STS_TOKEN;
    accept(*state, &recipe);
    recipe.region = NULL;
    recipe.extra = "X-OTS-Something-New";
    accept(*state, &recipe);
    /* Go's dates have something else than time behind the point. */
    recipe.date = "2025-01-02T03:04:05.1225Z";
    accept(*state, &recipe);
}

static void test_unsupported(void **state)
{
    struct recipe recipe = RECIPE;
    static const char *const paths[] = {"/ListTunnel",           "/listtimeseriestable", "/", "",
                                        "/ListTimeseriesTable/", "ListTimeseriesTable"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        recipe.path = paths[i];
        refuse(*state, &recipe, 400, OTS_CODE_PARAMETER_INVALID, "Unsupported operation: '");
    }
    static const char *const left_out[] = {
        "/CreateTimeseriesLastpointIndex",    "/DeleteTimeseriesLastpointIndex",
        "/CreateTimeseriesAnalyticalStore",   "/DeleteTimeseriesAnalyticalStore",
        "/DescribeTimeseriesAnalyticalStore", "/UpdateTimeseriesAnalyticalStore",
    };
    for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
        recipe.path = left_out[i];
        refuse(*state, &recipe, 400, OTS_CODE_UNSUPPORTED, "are not supported.");
    }
    recipe.path = "/Foo";
    refuse(*state, &recipe, 400, OTS_CODE_PARAMETER_INVALID, "Unsupported operation: 'Foo'.");
}

static void test_missing_headers(void **state)
{
    for (int i = 0; i < 6; i++) {
        struct recipe recipe = RECIPE;
        static const char *const names[] = {OTS_HEADER_DATE,          OTS_HEADER_API_VERSION,
                                            OTS_HEADER_ACCESS_KEY_ID, OTS_HEADER_INSTANCE,
                                            OTS_HEADER_CONTENT_MD5,   OTS_HEADER_SIGNATURE};
        char message[80];
        if (i == 0)
            recipe.date = NULL;
        if (i == 1)
            recipe.version = NULL;
        if (i == 2)
            recipe.key_id = NULL;
        if (i == 3)
            recipe.instance = NULL;
        if (i == 4)
            recipe.md5 = "";
        if (i == 5)
            recipe.signature = "";
        snprintf(message, sizeof(message), "Missing header: %s.", names[i]);
        refuse(*state, &recipe, 400, OTS_CODE_PARAMETER_INVALID, message);
    }
}

static void test_v4_needs_date_and_region(void **state)
{
    struct fixture *fixture = *state;
    struct ots_http_request request = {.path = OTS_SLICE("/ListTimeseriesTable"),
                                       .headers = OTS_HEADERS_INIT};
    struct ots_http_response response;
    const struct recipe recipe = RECIPE;
    add(&request, OTS_HEADER_DATE, DATE);
    add(&request, OTS_HEADER_API_VERSION, "2015-12-31");
    add(&request, OTS_HEADER_ACCESS_KEY_ID, KEY_ID);
    add(&request, OTS_HEADER_INSTANCE, INSTANCE);
    add_md5(&request);
    add(&request, OTS_HEADER_SIGNATURE_V4, "x");
    ots_service_handle(fixture->service, &request, &response);
    check_response(&recipe, &response);
    expect_refusal(&response, 400, OTS_CODE_PARAMETER_INVALID, "Missing header: x-ots-signdate.");
    response_deinit(&response);
    ots_headers_deinit(&request.headers);
}

static void test_dates(void **state)
{
    struct fixture *fixture = *state;
    struct recipe recipe = RECIPE;
    recipe.date = "yesterday";
    refuse(fixture, &recipe, 400, OTS_CODE_PARAMETER_INVALID, "Invalid date format: yesterday.");
    recipe.version = "2014-08-08";
    recipe.date = DATE;
    refuse(fixture, &recipe, 400, OTS_CODE_PARAMETER_INVALID, "2014-08-08");
    recipe.version = "2015-12-31";
    recipe.date = "2025-01-02T03:19:05.000Z";
    accept(fixture, &recipe);
    recipe.date = "2025-01-02T02:49:06.000Z";
    accept(fixture, &recipe);
    recipe.date = "2025-01-02T02:49:05.000Z";
    refuse(fixture, &recipe, 403, OTS_CODE_AUTH_FAILED,
           "Mismatch between system time and x-ots-date: 2025-01-02T02:49:05.000Z.");
    recipe.date = "2025-01-02T03:19:06.000Z";
    refuse(fixture, &recipe, 403, OTS_CODE_AUTH_FAILED, "Mismatch between system time");
    recipe.date = "0001-01-01T00:00:00Z";
    refuse(fixture, &recipe, 403, OTS_CODE_AUTH_FAILED, "Mismatch between system time");
}

static void test_signature(void **state)
{
    struct fixture *fixture = *state;
    struct recipe recipe = RECIPE;
    recipe.secret = "guess";
    refuse(fixture, &recipe, 403, OTS_CODE_AUTH_FAILED, "Signature mismatch.");
    recipe.region = "cn-hangzhou";
    refuse(fixture, &recipe, 403, OTS_CODE_AUTH_FAILED, "Signature mismatch.");
    recipe = RECIPE;
    recipe.signature = "Gibv0iLVVv9zjIlPz/8ZSLaDUME"; /* one character short */
    refuse(fixture, &recipe, 403, OTS_CODE_AUTH_FAILED, "Signature mismatch.");
    recipe.signature = "Gibv0iLVVv9zjIlPz/8ZSLaDUME=";
    accept(fixture, &recipe);
    /* A header that was not signed. */
    recipe.extra = "x-ots-late";
    refuse(fixture, &recipe, 403, OTS_CODE_AUTH_FAILED, "Signature mismatch.");
}

static void test_access_key_and_instance(void **state)
{
    struct fixture *fixture = *state;
    struct recipe recipe = RECIPE;
    recipe.key_id = "nobody";
    refuse(fixture, &recipe, 403, OTS_CODE_AUTH_FAILED, "The AccessKeyID does not exist.");
    recipe.region = "cn-hangzhou";
    refuse(fixture, &recipe, 403, OTS_CODE_AUTH_FAILED, "The AccessKeyID does not exist.");
    recipe = RECIPE;
    recipe.instance = "inst2";
    refuse(fixture, &recipe, 403, OTS_CODE_AUTH_FAILED, "The instance is not found.");
}

static void test_md5(void **state)
{
    struct fixture *fixture = *state;
    struct recipe recipe = RECIPE;
    recipe.md5 = "1B2M2Y8AsgTpgAmY7PhCfg==";
    accept(fixture, &recipe);
    recipe.body = OTS_SLICE("x");
    refuse(fixture, &recipe, 403, OTS_CODE_AUTH_FAILED,
           "Mismatch between MD5 value of request body and x-ots-contentmd5 in header.");
}

static void test_garbage_bodies(void **state)
{
    struct fixture *fixture = *state;
    struct recipe recipe = RECIPE;
    recipe.body = OTS_SLICE("\x0a\xff\xff\xff\xff\x0fgarbage");
    for (int action = 0; action < OTS_ACTION_COUNT; action++) {
        char path[64];
        snprintf(path, sizeof(path), "/%s", ots_action_name((enum ots_action)action));
        recipe.path = path;
        if (action != OTS_ACTION_LIST_TABLES)
            refuse(fixture, &recipe, 400, OTS_CODE_PARAMETER_INVALID, NULL);
    }
}

static void test_compressed(void **state)
{
    struct recipe recipe = RECIPE;
    recipe.extra = OTS_HEADER_REQUEST_COMPRESS;
    refuse(*state, &recipe, 400, OTS_CODE_PARAMETER_INVALID, "Unsupported");
    /* A wish that we cannot fulfil is no reason to refuse. */
    recipe.extra = OTS_HEADER_RESPONSE_COMPRESS;
    accept(*state, &recipe);
}

static void test_refuse(void **state)
{
    struct fixture *fixture = *state;
    const struct recipe recipe = RECIPE;
    struct ots_http_request request;
    struct ots_http_response response;
    make_request(&recipe, &request);
    ots_service_refuse(fixture->service, &request, OTS_CODE_REQUEST_BODY_TOO_LARGE, "Too large.",
                       &response);
    check_response(&recipe, &response);
    expect_refusal(&response, 413, OTS_CODE_REQUEST_BODY_TOO_LARGE, "Too large.");
    response_deinit(&response);
    ots_headers_deinit(&request.headers);
}

/* Carry out `call` over the wire: encode, sign, answer, verify, decode. */
static int exchange(struct fixture *fixture, struct ots_call *call)
{
    struct recipe recipe = RECIPE;
    struct ots_http_response response;
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_error err = {0};
    char path[64];
    snprintf(path, sizeof(path), "/%s", ots_action_name(call->action));
    assert_int_equal(ots_request_encode(call, OTS_PUT_PLAIN, &body, &err), OTS_OK);
    recipe.path = path;
    recipe.body = ots_buf_slice(&body);
    ask(fixture, &recipe, &response);
    int http_status = response.status;
    if (http_status == 200)
        assert_int_equal(ots_response_decode(ots_buf_slice(&response.body), call, &err), OTS_OK);
    response_deinit(&response);
    ots_buf_deinit(&body);
    return http_status;
}

static int create_table(struct fixture *fixture)
{
    TEST_CALL(call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta.name = OTS_SLICE("t1");
    return exchange(fixture, &call);
}

static const struct ots_tag TAG = {{(const uint8_t *)"os", 2}, {(const uint8_t *)"linux", 5}};
static const struct ots_series_key KEY = {
    {(const uint8_t *)"cpu", 3}, {(const uint8_t *)"host_1", 6}, &TAG, 1};

static int put_row(struct fixture *fixture, int64_t time_us)
{
    const struct ots_field field = {OTS_SLICE("n"), {.type = OTS_INTEGER, .integer = time_us}};
    const struct ots_row row = {&KEY, time_us, &field, 1};
    TEST_CALL(call, OTS_ACTION_PUT);
    call.request.put.table = OTS_SLICE("t1");
    call.request.put.rows = &row;
    call.request.put.row_count = 1;
    return exchange(fixture, &call);
}

static void test_whole_way(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(put_row(fixture, 1), 404);
    assert_int_equal(create_table(fixture), 200);
    assert_int_equal(create_table(fixture), 409);
    assert_int_equal(put_row(fixture, 1), 200);
    assert_int_equal(put_row(fixture, 2), 200);
    TEST_CALL(get, OTS_ACTION_GET);
    get.request.get.table = OTS_SLICE("t1");
    get.request.get.key = KEY;
    get.request.get.limit = 1;
    assert_int_equal(exchange(fixture, &get), 200);
    assert_int_equal(get.response.page.rows.count, 1);
    assert_int_equal(get.response.page.rows.items[0].time_us, 1);
    assert_true(ots_series_key_equal(get.response.page.rows.items[0].key, &KEY));
    get.request.get.token = get.response.page.next_token;
    assert_int_equal(exchange(fixture, &get), 200);
    assert_int_equal(get.response.page.rows.items[0].time_us, 2);
    assert_int_equal(get.response.page.next_token.size, 0);
    TEST_CALL(query, OTS_ACTION_QUERY_META);
    query.request.query_meta.table = OTS_SLICE("t1");
    query.request.query_meta.get_total_hit = true;
    assert_int_equal(exchange(fixture, &query), 200);
    assert_int_equal(query.response.query_meta.count, 1);
    assert_int_equal(query.response.query_meta.total_hit, 1);
    TEST_CALL(split, OTS_ACTION_SPLIT);
    split.request.split.table = OTS_SLICE("t1");
    split.request.split.split_count_hint = 3;
    assert_int_equal(exchange(fixture, &split), 200);
    assert_int_equal(split.response.split.count, 3);
    size_t found = 0;
    for (size_t i = 0; i < 3; i++) {
        TEST_CALL(scan, OTS_ACTION_SCAN);
        scan.request.scan.table = OTS_SLICE("t1");
        scan.request.scan.split = split.response.split.splits[i];
        assert_int_equal(exchange(fixture, &scan), 200);
        found += scan.response.page.rows.count;
    }
    assert_int_equal(found, 2);
}

/* A child puts rows and tells each one that was acknowledged, until it is killed. */
static void put_until_killed(struct fixture *fixture, int acknowledged)
{
    open_service(fixture);
    if (create_table(fixture) != 200)
        _exit(1);
    for (int64_t i = 0;; i++)
        if (put_row(fixture, i) != 200 || write(acknowledged, &i, sizeof(i)) != sizeof(i))
            _exit(1);
}

/* Runs first: RocksDB's threads do not live on in a child. */
static void test_survives_kill(void **state)
{
    (void)state;
    struct fixture fixture = {.log = {.program = "test", .level = OTS_LOG_ERROR}};
    int ends[2];
    int64_t last = -1;
    test_directory_make(&fixture.directory);
    test_clock_init(&fixture.clock);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        put_until_killed(&fixture, ends[1]);
    close(ends[1]);
    while (last < 300)
        assert_int_equal(read(ends[0], &last, sizeof(last)), sizeof(last));
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    while (read(ends[0], &last, sizeof(last)) == (ssize_t)sizeof(last))
        ;
    close(ends[0]);
    open_service(&fixture);
    TEST_CALL(get, OTS_ACTION_GET);
    get.request.get.table = OTS_SLICE("t1");
    get.request.get.key = KEY;
    assert_int_equal(exchange(&fixture, &get), 200);
    assert_true(get.response.page.rows.count >= (size_t)last + 1 || last >= OTS_PAGE_ROWS_MAX);
    for (size_t i = 0; i < get.response.page.rows.count; i++)
        assert_int_equal(get.response.page.rows.items[i].time_us, i);
    ots_service_close(fixture.service);
    test_directory_remove(&fixture.directory);
}

static void test_opened_twice(void **state)
{
    struct fixture second = *(struct fixture *)*state;
    const struct ots_service_options options = {
        .directory = second.directory.path,
        .instance = INSTANCE,
        .access_key_id = KEY_ID,
        .access_key_secret = SECRET,
        .clock = &second.clock.clock,
        .log = &second.log,
    };
    struct ots_error err = {0};
    assert_int_equal(ots_service_open(&options, &second.service, &err), OTS_EXISTS);
    assert_null(second.service);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_survives_kill),
        TEST(test_accepts),
        TEST(test_unsupported),
        TEST(test_missing_headers),
        TEST(test_v4_needs_date_and_region),
        TEST(test_dates),
        TEST(test_signature),
        TEST(test_access_key_and_instance),
        TEST(test_md5),
        TEST(test_garbage_bodies),
        TEST(test_compressed),
        TEST(test_refuse),
        TEST(test_whole_way),
        TEST(test_opened_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
