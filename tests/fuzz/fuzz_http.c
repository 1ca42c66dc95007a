/*
 * Whole requests into a service on a directory of its own, with the table t1 in it. An input is a
 * row of requests, each: action, kind, length of the rest (2 bytes, little-endian), the rest. Kind
 * 0 is a body, signed as it should be; kind 1 is the headers as lines `name:value`, with nothing
 * right about them.
 *
 * Every answer must verify as a client verifies it, and no request may break the store.
 */
#include "backend/base/base64.h"
#include "backend/base/digest.h"
#include "backend/server/service.h"
#include "backend/wire/deflate.h"
#include "backend/wire/messages.h"
#include "backend/wire/sign.h"

#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KIND_HEADERS = 1, REQUEST_HEAD_BYTES = 4 };

#define NOW_US INT64_C(1735787045678000)
#define NOW "2025-01-02T03:04:05.678Z"
#define KEY_ID "id"
#define SECRET "secret"

static struct ots_service *service;
static char directory[256];

static int64_t fixed_now(const struct ots_clock *clock)
{
    (void)clock;
    return NOW_US;
}

static const struct ots_clock fixed_clock = {fixed_now, fixed_now, NULL};
static const struct ots_log quiet = {.program = "fuzz_http", .level = OTS_LOG_ERROR};

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void clean_up(void)
{
    ots_service_close(service);
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    const char *base = getenv("TMPDIR");
    snprintf(directory, sizeof(directory), "%s/ots-fuzz-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(directory))
        return 1;
    const struct ots_service_options options = {
        .directory = directory,
        .instance = "i",
        .access_key_id = KEY_ID,
        .access_key_secret = SECRET,
        .clock = &fixed_clock,
        .log = &quiet,
    };
    struct ots_error err;
    enum ots_status status = ots_service_open(&options, &service, &err);
    assert(status == OTS_OK);
    return atexit(clean_up);
}

static void add(struct ots_headers *headers, struct ots_slice name, struct ots_slice value)
{
    enum ots_status status = ots_headers_add(headers, name, value);
    assert(status == OTS_OK);
}

static void sign(struct ots_http_request *request, const struct ots_signing_key *key)
{
    uint8_t digest[OTS_MD5_BYTES];
    char signature[OTS_SIGNATURE_TEXT_BYTES];
    struct ots_buf md5 = OTS_BUF_INIT;
    enum ots_status status = ots_md5(request->body, digest);
    ots_base64_append(&md5, ots_slice(digest, sizeof(digest)));
    add(&request->headers, OTS_SLICE(OTS_HEADER_DATE), OTS_SLICE(NOW));
    add(&request->headers, OTS_SLICE(OTS_HEADER_API_VERSION), OTS_SLICE(OTS_API_VERSION));
    add(&request->headers, OTS_SLICE(OTS_HEADER_ACCESS_KEY_ID), OTS_SLICE(KEY_ID));
    add(&request->headers, OTS_SLICE(OTS_HEADER_INSTANCE), OTS_SLICE("i"));
    add(&request->headers, OTS_SLICE(OTS_HEADER_CONTENT_MD5), ots_buf_slice(&md5));
    if (status == OTS_OK)
        status = ots_sign_request(key, request->path, &request->headers, signature);
    assert(status == OTS_OK);
    add(&request->headers, OTS_SLICE(OTS_HEADER_SIGNATURE), ots_slice_str(signature));
    ots_buf_deinit(&md5);
}

/* Lines `name:value`; what does not fit is left out. */
static void take_headers(struct ots_http_request *request, struct ots_slice lines)
{
    while (lines.size) {
        const uint8_t *end = memchr(lines.data, '\n', lines.size);
        size_t size = end ? (size_t)(end - lines.data) : lines.size;
        const uint8_t *colon = memchr(lines.data, ':', size);
        if (colon) {
            size_t name = (size_t)(colon - lines.data);
            if (ots_headers_add(&request->headers, ots_slice(lines.data, name),
                                ots_slice(colon + 1, size - name - 1)) != OTS_OK)
                return;
        }
        size_t used = end ? size + 1 : size;
        lines = ots_slice(lines.data + used, lines.size - used);
    }
}

/* The key that the answer must be signed with: see backend/server/auth.h. */
static struct ots_signing_key answer_key(const struct ots_headers *headers)
{
    struct ots_signing_key key;
    struct ots_slice date = ots_headers_get(headers, OTS_HEADER_SIGN_DATE);
    struct ots_slice region = ots_headers_get(headers, OTS_HEADER_SIGN_REGION);
    bool is_v4 = ots_headers_get(headers, OTS_HEADER_SIGNATURE_V4).data && date.data && region.data;
    enum ots_status status = is_v4 ? ots_signing_key_v4(OTS_SLICE(SECRET), date, region, &key)
                                   : ots_signing_key_v2(OTS_SLICE(SECRET), &key);
    assert(status == OTS_OK);
    return key;
}

/* MD5 is of the body before it was compressed. */
static void open_body(struct ots_http_response *response)
{
    struct ots_buf plain = OTS_BUF_INIT;
    struct ots_error err;
    char digits[32];
    struct ots_slice size = ots_headers_get(&response->headers, OTS_HEADER_RESPONSE_COMPRESS_SIZE);
    if (!size.data)
        return;
    snprintf(digits, sizeof(digits), "%.*s", OTS_SLICE_FMT(size));
    enum ots_status status =
        ots_inflate(ots_buf_slice(&response->body), strtoul(digits, NULL, 10), &plain, &err);
    assert(status == OTS_OK);
    ots_buf_deinit(&response->body);
    response->body = plain;
}

static void exchange(struct ots_http_request *request, bool is_signed,
                     struct ots_http_response *response)
{
    ots_service_handle(service, request, response);
    open_body(response);
    struct ots_signing_key key = answer_key(&request->headers);
    struct ots_slice id = ots_headers_get(&request->headers, OTS_HEADER_ACCESS_KEY_ID);
    if (id.size == 0 || id.size > 128)
        id = OTS_SLICE(KEY_ID);
    struct ots_error err;
    enum ots_status status = ots_verify_response(&key, id, request->path, response, &err);
    assert(status == OTS_OK);
    assert(response->status == 200 || (response->status >= 400 && response->status < 500));
    assert(is_signed || response->status != 200);
}

static void ask(uint8_t action, bool is_signed, struct ots_slice rest)
{
    char path[64];
    struct ots_signing_key key;
    struct ots_http_response response;
    struct ots_http_request request = {.headers = OTS_HEADERS_INIT};
    snprintf(path, sizeof(path), "/%s",
             action < OTS_ACTION_COUNT ? ots_action_name((enum ots_action)action) : "Other");
    request.path = ots_slice_str(path);
    enum ots_status status = ots_signing_key_v2(OTS_SLICE(SECRET), &key);
    assert(status == OTS_OK);
    if (is_signed) {
        request.body = rest;
        sign(&request, &key);
    } else {
        take_headers(&request, rest);
    }
    exchange(&request, is_signed, &response);
    ots_headers_deinit(&request.headers);
    ots_headers_deinit(&response.headers);
    ots_buf_deinit(&response.body);
}

static void ask_call(struct ots_call *call)
{
    struct ots_buf body = OTS_BUF_INIT;
    struct ots_error err;
    enum ots_status status = ots_request_encode(call, OTS_PUT_PLAIN, &body, &err);
    assert(status == OTS_OK);
    ask((uint8_t)call->action, true, ots_buf_slice(&body));
    ots_buf_deinit(&body);
}

/* Every input begins with the same table, empty. */
static void begin(void)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_DELETE_TABLE);
    call.request.table.table = OTS_SLICE("t1");
    ask_call(&call);
    ots_call_deinit(&call);
    ots_call_init(&call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta = OTS_TABLE_META_DEFAULT;
    call.request.create_table.meta.name = OTS_SLICE("t1");
    ask_call(&call);
    ots_call_deinit(&call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    begin();
    while (size >= REQUEST_HEAD_BYTES) {
        size_t length = (size_t)data[2] | (size_t)data[3] << 8;
        if (length > size - REQUEST_HEAD_BYTES)
            length = size - REQUEST_HEAD_BYTES;
        /* The input ends where it ends for a sanitizer as well. */
        uint8_t *rest = malloc(length ? length : 1);
        assert(rest);
        memcpy(rest, data + REQUEST_HEAD_BYTES, length);
        ask(data[0], data[1] != KIND_HEADERS, ots_slice(rest, length));
        free(rest);
        data += REQUEST_HEAD_BYTES + length;
        size -= REQUEST_HEAD_BYTES + length;
    }
    return 0;
}
