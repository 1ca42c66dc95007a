#include "backend/server/service.h"

#include "backend/base/base64.h"
#include "backend/base/digest.h"
#include "backend/base/utf8.h"
#include "backend/server/auth.h"
#include "backend/server/compress.h"
#include "backend/server/instance.h"
#include "backend/wire/messages.h"
#include "backend/wire/service_code.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DATE_SKEW_DEFAULT_S = 900,
    REQUEST_ID_BYTES = 40,
    ACCESS_KEY_ID_SHOWN_MAX = 128,
    STATUS_INTERNAL = 500,
};

struct ots_service {
    struct ots_handler handler; /* first: a pointer to it is one to the service */
    struct ots_instance *instance;
    struct ots_caller *caller;
    struct ots_counters *counters;
    struct ots_auth auth;
    const struct ots_clock *clock;
    const struct ots_log *log;
    char *strings[3]; /* what `auth` points to */
    uint64_t id_prefix;
    atomic_uint_fast64_t request_count;
};

/* One request on its way through the service. */
struct exchange {
    struct ots_service *service;
    const struct ots_http_request *request;
    struct ots_http_response *response;
    struct ots_signing_key key;
    int64_t now_us;
    char request_id[REQUEST_ID_BYTES];
    struct ots_buf inflated; /* the request's body, when it came compressed */
    enum ots_action action;
    bool has_action;
    struct ots_count count;
};

static void handler_plan(struct ots_handler *handler, struct ots_visit *visit)
{
    (void)handler;
    (void)visit;
}

static void handler_handle(struct ots_handler *handler, struct ots_visit *visit)
{
    struct ots_service *service = (struct ots_service *)handler;
    if (visit->refusal.code)
        ots_service_refuse(service, &visit->http, visit->refusal.code, visit->refusal.message,
                           &visit->response);
    else
        ots_service_handle(service, &visit->http, &visit->response);
}

static bool copy_string(struct ots_service *service, size_t index, const char *text,
                        struct ots_slice *slice)
{
    service->strings[index] = strdup(text);
    if (!service->strings[index])
        return false;
    *slice = ots_slice_str(service->strings[index]);
    return true;
}

static enum ots_status fill(struct ots_service *service, const struct ots_service_options *options,
                            struct ots_error *err)
{
    int64_t skew_s = options->date_skew_max_s ? options->date_skew_max_s : DATE_SKEW_DEFAULT_S;
    service->auth.date_skew_max_us = skew_s * 1000 * 1000;
    service->clock = options->clock;
    service->log = options->log;
    service->caller = options->caller;
    service->counters = options->counters;
    service->handler = (struct ots_handler){handler_plan, handler_handle};
    if (!copy_string(service, 0, options->instance, &service->auth.instance) ||
        !copy_string(service, 1, options->access_key_id, &service->auth.access_key_id) ||
        !copy_string(service, 2, options->access_key_secret, &service->auth.access_key_secret))
        return ots_error_set(err, OTS_NOMEM, "no memory for a service");
    enum ots_status status = ots_random_bytes(&service->id_prefix, sizeof(service->id_prefix));
    if (status != OTS_OK)
        return ots_error_set(err, status, "no random numbers");
    const struct ots_rocksdb_options store = {.directory = options->directory};
    struct ots_engine *engine = NULL;
    status = ots_rocksdb_open(&store, &engine, err);
    if (status != OTS_OK)
        return status;
    status = ots_instance_open(engine, options->clock, &service->instance, err);
    if (status == OTS_OK)
        ots_streams_set_log(service->instance->streams, service->log);
    if (status == OTS_OK && options->stream_retention_hours)
        ots_streams_set_retention(service->instance->streams, options->stream_retention_hours);
    return status;
}

enum ots_status ots_service_open(const struct ots_service_options *options,
                                 struct ots_service **out, struct ots_error *err)
{
    *out = NULL;
    struct ots_service *service = calloc(1, sizeof(*service));
    if (!service)
        return ots_error_set(err, OTS_NOMEM, "no memory for a service");
    enum ots_status status = fill(service, options, err);
    if (status != OTS_OK) {
        ots_service_close(service);
        return status;
    }
    *out = service;
    return OTS_OK;
}

void ots_service_close(struct ots_service *service)
{
    if (!service)
        return;
    ots_instance_close(service->instance);
    for (size_t i = 0; i < sizeof(service->strings) / sizeof(service->strings[0]); i++) {
        if (service->strings[i])
            ots_secret_wipe(service->strings[i], strlen(service->strings[i]));
        free(service->strings[i]);
    }
    free(service);
}

/* ---- carrying out ---- */

/* Actions of the service that are no part of what this one is for. */
static bool is_left_out(struct ots_slice name)
{
    static const char *const names[] = {
        "CreateTimeseriesLastpointIndex",    "DeleteTimeseriesLastpointIndex",
        "CreateTimeseriesAnalyticalStore",   "DeleteTimeseriesAnalyticalStore",
        "DescribeTimeseriesAnalyticalStore", "UpdateTimeseriesAnalyticalStore",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (ots_slice_equal(name, ots_slice_str(names[i])))
            return true;
    return false;
}

static enum ots_status find_action(struct ots_slice path, enum ots_action *action,
                                   struct ots_error *err)
{
    struct ots_slice name = path;
    if (name.size && name.data[0] == '/')
        name = ots_slice(name.data + 1, name.size - 1);
    if (path.size != name.size && ots_action_find(name, action))
        return OTS_OK;
    char shown[64];
    if (path.size != name.size && is_left_out(name))
        return ots_error_service(err, OTS_UNSUPPORTED, OTS_CODE_UNSUPPORTED,
                                 "Lastpoint indexes and analytical stores are not supported.");
    return ots_error_service(err, OTS_INVALID, OTS_CODE_PARAMETER_INVALID,
                             "Unsupported operation: '%s'.",
                             ots_utf8_show(name, shown, sizeof(shown)));
}

static enum ots_status decode(struct ots_slice body, struct ots_call *call, struct ots_error *err)
{
    enum ots_status status = ots_request_decode(body, call, err);
    if (status == OTS_CORRUPT && !err->service_code[0]) {
        /* A body that is no message is the caller's mistake; a store that is none is ours. */
        status = OTS_INVALID;
        err->status = OTS_INVALID;
    }
    return status;
}

static enum ots_status carry_out(struct exchange *exchange, struct ots_call *call,
                                 struct ots_error *err)
{
    struct ots_slice body;
    enum ots_status status = ots_compress_open(exchange->request, &exchange->inflated, &body, err);
    if (status == OTS_OK)
        status = decode(body, call, err);
    if (status != OTS_OK)
        return status;
    struct ots_service *service = exchange->service;
    if (service->caller)
        service->caller->call(service->caller, service->instance, call);
    else
        ots_instance_call(service->instance, call);
    if (call->status != OTS_OK) {
        *err = call->error;
        return call->status;
    }
    ots_count_rows(call, &exchange->count);
    return ots_response_encode(call, NULL, &exchange->response->body, err);
}

static enum ots_status answer(struct exchange *exchange, struct ots_error *err)
{
    const struct ots_http_request *request = exchange->request;
    enum ots_status status = find_action(request->path, &exchange->action, err);
    exchange->has_action = status == OTS_OK;
    if (status == OTS_OK)
        status = ots_auth_check(&exchange->service->auth, request, &exchange->key, exchange->now_us,
                                err);
    if (status != OTS_OK)
        return status;
    struct ots_call call;
    ots_call_init(&call, exchange->action);
    status = carry_out(exchange, &call, err);
    ots_call_deinit(&call);
    return status;
}

/* ---- responding ---- */

static enum ots_status add(struct ots_http_response *response, const char *name,
                           struct ots_slice value)
{
    return ots_headers_add(&response->headers, ots_slice_str(name), value);
}

static enum ots_status add_md5(struct ots_http_response *response)
{
    uint8_t digest[OTS_MD5_BYTES];
    enum ots_status status = ots_md5(ots_buf_slice(&response->body), digest);
    struct ots_buf text = OTS_BUF_INIT;
    ots_base64_append(&text, ots_slice(digest, sizeof(digest)));
    if (status == OTS_OK)
        status = ots_buf_status(&text);
    if (status == OTS_OK)
        status = add(response, OTS_HEADER_CONTENT_MD5, ots_buf_slice(&text));
    ots_buf_deinit(&text);
    return status;
}

/*
 * `OTS <id>:<signature>`. The id is the one that was sent, known or not, because SDKs look for
 * theirs; the signature is always made with our own key, there is no other.
 */
static enum ots_status add_authorization(struct exchange *exchange)
{
    char signature[OTS_SIGNATURE_TEXT_BYTES];
    struct ots_http_response *response = exchange->response;
    struct ots_slice id = ots_headers_get(&exchange->request->headers, OTS_HEADER_ACCESS_KEY_ID);
    if (id.size == 0 || id.size > ACCESS_KEY_ID_SHOWN_MAX)
        id = exchange->service->auth.access_key_id;
    enum ots_status status =
        ots_sign_response(&exchange->key, exchange->request->path, &response->headers, signature);
    if (status != OTS_OK)
        return status;
    struct ots_buf value = OTS_BUF_INIT;
    ots_buf_append_str(&value, "OTS ");
    ots_buf_append_slice(&value, id);
    ots_buf_append_byte(&value, ':');
    ots_buf_append_str(&value, signature);
    status = ots_buf_status(&value);
    if (status == OTS_OK)
        status = add(response, OTS_HEADER_AUTHORIZATION, ots_buf_slice(&value));
    ots_buf_deinit(&value);
    return status;
}

static enum ots_status seal(struct exchange *exchange)
{
    struct ots_http_response *response = exchange->response;
    char date[32];
    ots_date_format(exchange->now_us, date);
    enum ots_status status = add_md5(response);
    if (status == OTS_OK)
        status = ots_compress_response(&exchange->request->headers, response);
    if (status == OTS_OK)
        status = add(response, OTS_HEADER_CONTENT_TYPE, OTS_SLICE(OTS_CONTENT_TYPE));
    if (status == OTS_OK)
        status = add(response, OTS_HEADER_DATE, ots_slice_str(date));
    if (status == OTS_OK)
        status = add(response, OTS_HEADER_REQUEST_ID, ots_slice_str(exchange->request_id));
    return status == OTS_OK ? add_authorization(exchange) : status;
}

static void refuse(struct exchange *exchange, struct ots_error *err)
{
    struct ots_http_response *response = exchange->response;
    ots_instance_error_code(err);
    const struct ots_service_code *code = ots_service_code_find(err->service_code);
    assert(code);
    response->status = code->http_status;
    memcpy(err->request_id, exchange->request_id, sizeof(exchange->request_id));
    if (response->status == STATUS_INTERNAL) {
        char shown[64];
        ots_log_error(exchange->service->log, OTS_LOG_ERROR,
                      ots_utf8_show(exchange->request->path, shown, sizeof(shown)), err);
    }
    ots_buf_reset(&response->body);
    /* Without memory for a body the status alone has to tell. */
    if (ots_error_body_encode(err->service_code, err->message, &response->body) != OTS_OK)
        ots_buf_reset(&response->body);
}

static void begin(struct exchange *exchange)
{
    struct ots_service *service = exchange->service;
    uint64_t number = atomic_fetch_add(&service->request_count, 1);
    *exchange->response = (struct ots_http_response){
        .status = 200, .headers = OTS_HEADERS_INIT, .body = OTS_BUF_INIT};
    exchange->now_us = ots_clock_now_us(service->clock);
    snprintf(exchange->request_id, sizeof(exchange->request_id),
             "%08" PRIx32 "-%04x-%04x-%04x-%012" PRIx64, (uint32_t)(service->id_prefix >> 32),
             (unsigned)(service->id_prefix >> 16 & 0xffff), (unsigned)(service->id_prefix & 0xffff),
             (unsigned)(number >> 48 & 0xffff), number & UINT64_C(0xffffffffffff));
}

static void finish(struct exchange *exchange, enum ots_status status, struct ots_error *err)
{
    if (status != OTS_OK)
        refuse(exchange, err);
    if (seal(exchange) != OTS_OK) {
        ots_headers_deinit(&exchange->response->headers);
        ots_buf_reset(&exchange->response->body);
        exchange->response->status = STATUS_INTERNAL;
    }
    exchange->count.code = status == OTS_OK ? "" : err->service_code;
    exchange->count.bytes_in = exchange->request->body.size;
    exchange->count.bytes_out = exchange->response->body.size;
    ots_counters_add(exchange->service->counters, exchange->has_action ? &exchange->action : NULL,
                     &exchange->count);
    ots_buf_deinit(&exchange->inflated);
    ots_signing_key_wipe(&exchange->key);
}

void ots_service_handle(struct ots_service *service, const struct ots_http_request *request,
                        struct ots_http_response *response)
{
    struct exchange exchange = {.service = service, .request = request, .response = response};
    struct ots_error err = {0};
    begin(&exchange);
    enum ots_status status = ots_auth_key(&service->auth, &request->headers, &exchange.key);
    if (status == OTS_OK)
        status = answer(&exchange, &err);
    else
        ots_error_set(&err, status, "cannot make a signing key");
    finish(&exchange, status, &err);
}

void ots_service_refuse(struct ots_service *service, const struct ots_http_request *request,
                        const char *code, const char *message, struct ots_http_response *response)
{
    struct exchange exchange = {.service = service, .request = request, .response = response};
    struct ots_error err = {0};
    begin(&exchange);
    exchange.has_action = find_action(request->path, &exchange.action, NULL) == OTS_OK;
    enum ots_status status = ots_auth_key(&service->auth, &request->headers, &exchange.key);
    if (status == OTS_OK)
        status = ots_error_service(&err, OTS_INVALID, code, "%s", message);
    else
        ots_error_set(&err, status, "cannot make a signing key");
    finish(&exchange, status, &err);
}

struct ots_handler *ots_service_handler(struct ots_service *service)
{
    return &service->handler;
}

struct ots_instance *ots_service_instance(struct ots_service *service)
{
    return service->instance;
}
