#include "tests/unit/fake_service.h"

#include "backend/base/base64.h"
#include "backend/base/digest.h"
#include "backend/wire/messages.h"
#include "backend/wire/service_code.h"
#include "backend/wire/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static int64_t fake_now_us(const struct ots_clock *clock)
{
    const struct fake_service *service = clock->context;
    return INT64_C(1735787045678000) + atomic_load(&service->now_us);
}

static int64_t fake_monotonic_us(const struct ots_clock *clock)
{
    const struct fake_service *service = clock->context;
    return atomic_load(&service->now_us);
}

static void header(struct ots_headers *headers, const char *name, const char *value)
{
    assert_int_equal(ots_headers_add(headers, ots_slice_str(name), ots_slice_str(value)), OTS_OK);
}

static const char *date_of(const struct fake_service *service)
{
    return service->date ? service->date : "2025-01-02T03:04:05.700Z";
}

static struct ots_signing_key signing_key(const struct fake_service *service)
{
    struct ots_signing_key key;
    if (service->region)
        assert_int_equal(ots_signing_key_v4(OTS_SLICE(FAKE_SERVICE_SECRET), OTS_SLICE("20250102"),
                                            ots_slice_str(service->region), &key),
                         OTS_OK);
    else
        assert_int_equal(ots_signing_key_v2(OTS_SLICE(FAKE_SERVICE_SECRET), &key), OTS_OK);
    return key;
}

static void check_request(struct fake_service *service, const struct ots_http_request *request)
{
    struct ots_signing_key key = signing_key(service);
    char signature[OTS_SIGNATURE_TEXT_BYTES];
    assert_int_equal(ots_sign_request(&key, request->path, &request->headers, signature), OTS_OK);
    struct ots_slice given = ots_headers_get(
        &request->headers, service->region ? OTS_HEADER_SIGNATURE_V4 : OTS_HEADER_SIGNATURE);
    assert_true(ots_slice_equal(given, ots_slice_str(signature)));
    struct ots_slice date = ots_headers_get(&request->headers, OTS_HEADER_DATE);
    if (service->tries <= 8)
        snprintf(service->dates[service->tries - 1], 32, "%.*s", OTS_SLICE_FMT(date));
}

static void sign_answer(const struct fake_service *service, struct ots_exchange *exchange,
                        enum step_kind kind)
{
    struct ots_http_response *response = &exchange->response;
    uint8_t digest[OTS_MD5_BYTES];
    struct ots_buf text = OTS_BUF_INIT;
    struct ots_slice signed_body =
        kind == STEP_BAD_MD5 ? OTS_SLICE("other") : ots_buf_slice(&response->body);
    assert_int_equal(ots_md5(signed_body, digest), OTS_OK);
    ots_base64_append(&text, ots_slice(digest, sizeof(digest)));
    ots_buf_append_byte(&text, '\0');
    header(&response->headers, OTS_HEADER_CONTENT_MD5, (const char *)text.data);
    header(&response->headers, OTS_HEADER_CONTENT_TYPE, OTS_CONTENT_TYPE);
    header(&response->headers, OTS_HEADER_DATE, date_of(service));
    header(&response->headers, OTS_HEADER_REQUEST_ID, "request-1");
    struct ots_signing_key key = signing_key(service);
    char signature[OTS_SIGNATURE_TEXT_BYTES];
    assert_int_equal(ots_sign_response(&key, exchange->request.path, &response->headers, signature),
                     OTS_OK);
    if (kind == STEP_BAD_SIGNATURE)
        signature[3] = signature[3] == 'A' ? 'B' : 'A';
    ots_buf_reset(&text);
    ots_buf_append_fmt(&text, "OTS testid:%s", signature);
    ots_buf_append_byte(&text, '\0');
    header(&response->headers, OTS_HEADER_AUTHORIZATION, (const char *)text.data);
    ots_buf_deinit(&text);
}

static void note_put(struct fake_service *service, const struct ots_put_request *put)
{
    service->put_count = put->row_count;
    for (size_t i = 0; i < put->row_count && i < 8; i++)
        service->put_times[i] = put->rows[i].time_us;
}

/* The success that the action's decoder expects, empty but for a put's failed rows. */
static void encode_answer(struct fake_service *service, struct ots_exchange *exchange,
                          const struct step *step)
{
    struct ots_call call;
    enum ots_action action = OTS_ACTION_LIST_TABLES;
    struct ots_slice path = exchange->request.path;
    assert_true(ots_action_find(ots_slice(path.data + 1, path.size - 1), &action));
    ots_call_init(&call, action);
    if (action == OTS_ACTION_PUT) {
        assert_int_equal(ots_request_decode(exchange->request.body, &call, NULL), OTS_OK);
        note_put(service, &call.request.put);
    }
    struct ots_failed_row failed[4];
    size_t failed_count = 0;
    for (uint32_t i = 0; step->kind == STEP_ROWS_FAIL && i < 4; i++)
        if (step->codes[i])
            failed[failed_count++] =
                (struct ots_failed_row){i, ots_slice_str(step->codes[i]), OTS_SLICE("why")};
    memset(&call.response, 0, sizeof(call.response));
    if (action == OTS_ACTION_PUT)
        call.response.put =
            (struct ots_put_response){.failed_rows = failed, .failed_row_count = failed_count};
    if (step->kind == STEP_GARBAGE)
        ots_buf_append_str(&exchange->response.body, "\xff\xff\xff no message");
    else
        assert_int_equal(ots_response_encode(&call, NULL, &exchange->response.body, NULL), OTS_OK);
    ots_call_deinit(&call);
}

static bool fail_exchange(struct ots_exchange *exchange, enum ots_status status,
                          bool may_have_arrived)
{
    exchange->may_have_arrived = may_have_arrived;
    exchange->status = ots_error_set(&exchange->error, status, "the line is dead");
    return true;
}

static bool answer_error(const struct fake_service *service, struct ots_exchange *exchange,
                         const struct step *step)
{
    exchange->response.status = step->http_status;
    header(&exchange->response.headers, OTS_HEADER_REQUEST_ID, "request-7");
    header(&exchange->response.headers, OTS_HEADER_DATE, date_of(service));
    if (step->kind == STEP_ERROR)
        assert_int_equal(ots_error_body_encode(step->code, step->message ? step->message : "no",
                                               &exchange->response.body),
                         OTS_OK);
    return true;
}

static const struct step *next_step(struct fake_service *service, int64_t delay_ms)
{
    size_t index = service->tries < service->step_count ? service->tries : service->step_count - 1;
    const struct step *step = &service->steps[index];
    service->tries++;
    service->delay_ms_sum += delay_ms;
    atomic_fetch_add(&service->now_us, delay_ms * 1000 + step->takes_us);
    pthread_mutex_lock(&service->synced.lock);
    service->synced.tries++;
    pthread_cond_broadcast(&service->synced.changed);
    pthread_mutex_unlock(&service->synced.lock);
    return step;
}

bool fake_service_serve(void *context, struct ots_exchange *exchange, int64_t delay_ms)
{
    struct fake_service *service = context;
    const struct step *step = next_step(service, delay_ms);
    check_request(service, &exchange->request);
    exchange->status = OTS_OK;
    exchange->may_have_arrived = true;
    switch (step->kind) {
    case STEP_NOT_CONNECTED:
        return fail_exchange(exchange, OTS_NETWORK, false);
    case STEP_CUT:
        return fail_exchange(exchange, OTS_NETWORK, true);
    case STEP_TIMEOUT:
        return fail_exchange(exchange, OTS_TIMEOUT, true);
    case STEP_BAD_CERTIFICATE:
        return fail_exchange(exchange, OTS_DENIED, false);
    case STEP_HANG:
        return false;
    case STEP_ERROR:
    case STEP_NO_ERROR_BODY:
        return answer_error(service, exchange, step);
    case STEP_ANSWER:
    case STEP_ROWS_FAIL:
    case STEP_BAD_SIGNATURE:
    case STEP_BAD_MD5:
    case STEP_GARBAGE:
        break;
    }
    exchange->response.status = 200;
    encode_answer(service, exchange, step);
    sign_answer(service, exchange, step->kind);
    return true;
}

void fake_service_init(struct fake_service *service, const struct step *steps, size_t step_count)
{
    memset(service, 0, sizeof(*service));
    service->steps = steps;
    service->step_count = step_count;
    service->clock = (struct ots_clock){fake_now_us, fake_monotonic_us, service};
    pthread_mutex_init(&service->synced.lock, NULL);
    pthread_cond_init(&service->synced.changed, NULL);
}

void fake_service_deinit(struct fake_service *service)
{
    pthread_cond_destroy(&service->synced.changed);
    pthread_mutex_destroy(&service->synced.lock);
}

void fake_service_wait_tries(struct fake_service *service, unsigned tries)
{
    pthread_mutex_lock(&service->synced.lock);
    while (service->synced.tries < tries)
        pthread_cond_wait(&service->synced.changed, &service->synced.lock);
    pthread_mutex_unlock(&service->synced.lock);
}
