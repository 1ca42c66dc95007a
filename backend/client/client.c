/*
 * A call's way: submit links an operation and sends its first try -> the transport's done judges
 * the answer -> done, or the next try after a delay.
 *
 * An operation belongs to one thread at a time: the submitting one until the exchange is
 * submitted, from then on the transport's. Only `is_cancelled` and the links are shared, under the
 * client's lock. A try is handed to the transport under that lock, after a look at
 * `is_cancelled`, so a cancel finds either the flag in time or the exchange in the transport.
 */
#include "backend/client/client.h"

#include "backend/base/digest.h"
#include "backend/client/partial_put.h"
#include "backend/client/retry.h"
#include "backend/client/service_clock.h"
#include "backend/client/signer.h"
#include "backend/wire/messages.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { TIMEOUT_MS_DEFAULT = 60000, TIMEOUT_MS_MAX = 3600000, SKEW_SECONDS = 600 };

struct client {
    struct ots_store base;
    struct ots_transport *transport;
    struct ots_signer signer;
    enum ots_put_layout put_layout;
    int64_t timeout_us;
    const struct ots_clock *clock;
    const struct ots_log *log;
    struct ots_meter meter;
    /* The transport's own lock may be taken while this one is held. */
    struct {
        pthread_mutex_t lock;
        struct operation *first;
        uint64_t random_state;
        struct ots_service_clock service_clock;
        bool is_ending;
    } synced;
};

struct operation {
    struct client *client;
    struct ots_call *call;
    struct operation *previous;
    struct operation *next;
    bool is_cancelled;
    struct ots_exchange exchange;
    struct ots_signing_key key; /* of the present try */
    int64_t sent_us;            /* when the present try was or will be sent at the earliest */
    struct ots_buf body;
    struct ots_retry retry;
    struct ots_partial_put partial;
    /* A try failed that the service may have carried out. */
    bool has_unknown_fate;
    char path[64];
};

/* How a try ended. */
struct outcome {
    enum ots_status status;
    enum ots_retry_class retry;
    struct ots_error error;
};

/* splitmix64: spreads retries, hides nothing. */
static uint64_t random_locked(struct client *client)
{
    client->synced.random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = client->synced.random_state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* --- operations ------------------------------------------------------------------------------ */

static struct operation *operation_new(struct client *client, struct ots_call *call)
{
    struct operation *operation = calloc(1, sizeof(*operation));
    if (!operation)
        return NULL;
    operation->client = client;
    operation->call = call;
    operation->partial = OTS_PARTIAL_PUT_INIT;
    snprintf(operation->path, sizeof(operation->path), "/%s", ots_action_name(call->action));
    ots_retry_begin(&operation->retry, ots_clock_monotonic_us(client->clock), client->timeout_us);
    return operation;
}

static void operation_free(struct operation *operation)
{
    struct ots_headers *headers = &operation->exchange.request.headers;
    /* The security token is among them. */
    if (headers->text)
        ots_secret_wipe(headers->text, headers->text_size);
    ots_headers_deinit(headers);
    ots_headers_deinit(&operation->exchange.response.headers);
    ots_buf_deinit(&operation->exchange.response.body);
    ots_buf_deinit(&operation->body);
    ots_signing_key_wipe(&operation->key);
    free(operation);
}

static void operation_link(struct operation *operation)
{
    struct client *client = operation->client;
    pthread_mutex_lock(&client->synced.lock);
    operation->next = client->synced.first;
    if (operation->next)
        operation->next->previous = operation;
    client->synced.first = operation;
    pthread_mutex_unlock(&client->synced.lock);
}

static void operation_unlink(struct operation *operation)
{
    struct client *client = operation->client;
    pthread_mutex_lock(&client->synced.lock);
    if (operation->previous)
        operation->previous->next = operation->next;
    else
        client->synced.first = operation->next;
    if (operation->next)
        operation->next->previous = operation->previous;
    pthread_mutex_unlock(&client->synced.lock);
}

/* Say which action failed and how hard it was tried. */
static void explain(const struct operation *operation, struct ots_error *err)
{
    const char *action = ots_action_name(operation->call->action);
    int64_t spent_us = ots_clock_monotonic_us(operation->client->clock) - operation->retry.start_us;
    if (operation->retry.tries > 1 && err->status != OTS_CANCELLED)
        ots_error_prefix(err, "%s failed after %u tries in %.1f s", action, operation->retry.tries,
                         (double)spent_us / 1e6);
    else
        ots_error_prefix(err, "%s", action);
}

/* Ends the operation: nobody finds it any more, then its call is done. */
static void finish(struct operation *operation, enum ots_status status, const struct ots_error *err)
{
    struct ots_call *call = operation->call;
    call->status = status;
    if (status != OTS_OK) {
        call->error = *err;
        explain(operation, &call->error);
    }
    ots_meter_end(&operation->client->meter, call->action, status != OTS_OK);
    operation_unlink(operation);
    operation_free(operation);
    call->done(call, call->done_context);
}

/* --- a try ----------------------------------------------------------------------------------- */

/* Encode what is to be sent: the call's request, or what is left of a put. */
static enum ots_status encode(struct operation *operation, struct ots_error *err)
{
    struct ots_call view = {.action = operation->call->action, .request = operation->call->request};
    if (operation->partial.is_begun) {
        view.request.put.rows = operation->partial.rows;
        view.request.put.row_count = operation->partial.row_count;
    }
    ots_buf_reset(&operation->body);
    enum ots_status status =
        ots_request_encode(&view, operation->client->put_layout, &operation->body, err);
    if (status == OTS_OK && operation->body.size > OTS_REQUEST_BODY_BYTES_MAX)
        status = ots_error_set(err, OTS_LIMIT, "the request has %zu bytes, over the limit of %d",
                               operation->body.size, OTS_REQUEST_BODY_BYTES_MAX);
    return status;
}

static void exchange_done(struct ots_exchange *exchange, void *context);

static void send_try(struct operation *operation, int64_t delay_us)
{
    struct client *client = operation->client;
    struct ots_exchange *exchange = &operation->exchange;
    struct ots_error err;
    exchange->request.path = ots_slice_str(operation->path);
    exchange->request.body = ots_buf_slice(&operation->body);
    exchange->done = exchange_done;
    exchange->done_context = operation;
    ots_headers_deinit(&exchange->response.headers);
    ots_buf_deinit(&exchange->response.body);
    exchange->response.status = 0;
    operation->sent_us = ots_clock_monotonic_us(client->clock) + delay_us;
    /* The date is that of the moment when it is sent. */
    enum ots_status status =
        ots_signer_sign(&client->signer, &exchange->request,
                        ots_clock_now_us(client->clock) + delay_us, &operation->key, &err);
    if (status != OTS_OK) {
        finish(operation, status, &err);
        return;
    }
    pthread_mutex_lock(&client->synced.lock);
    bool is_cancelled = operation->is_cancelled || client->synced.is_ending;
    if (!is_cancelled)
        ots_meter_request(&client->meter, operation->call->action, operation->retry.tries > 0,
                          operation->body.size);
    if (!is_cancelled)
        client->transport->ops->submit(client->transport, exchange, (delay_us + 999) / 1000);
    pthread_mutex_unlock(&client->synced.lock);
    if (is_cancelled)
        finish(operation, ots_error_set(&err, OTS_CANCELLED, "cancelled"), &err);
}

/* --- its end --------------------------------------------------------------------------------- */

/* No answer came, or none that can be trusted. */
static void judge_failure(const struct ots_exchange *exchange, struct outcome *outcome)
{
    outcome->error = exchange->error;
    outcome->status = exchange->status;
    if (exchange->status != OTS_NETWORK && exchange->status != OTS_TIMEOUT)
        outcome->retry = OTS_RETRY_NEVER;
    else
        outcome->retry = exchange->may_have_arrived ? OTS_RETRY_IF_IDEMPOTENT : OTS_RETRY_ALWAYS;
}

static void learn_time(struct operation *operation)
{
    struct client *client = operation->client;
    struct ots_slice date = ots_headers_get(&operation->exchange.response.headers, OTS_HEADER_DATE);
    int64_t date_us;
    if (ots_date_parse_fine(date, &date_us) != OTS_OK)
        return;
    int64_t now_us = ots_clock_monotonic_us(client->clock);
    pthread_mutex_lock(&client->synced.lock);
    ots_service_clock_learn(&client->synced.service_clock, date_us, operation->sent_us, now_us);
    pthread_mutex_unlock(&client->synced.lock);
}

/* The service refuses requests whose date is 15 minutes from its own time. */
static void explain_skew(const struct operation *operation, struct ots_error *err)
{
    struct ots_slice date = ots_headers_get(&operation->exchange.response.headers, OTS_HEADER_DATE);
    int64_t date_us;
    if (ots_date_parse_fine(date, &date_us) != OTS_OK)
        return;
    int64_t ahead_us = ots_clock_now_us(operation->client->clock) - date_us;
    int64_t ahead_s = (ahead_us + (ahead_us < 0 ? -500000 : 500000)) / 1000000;
    if (ahead_s > -SKEW_SECONDS && ahead_s < SKEW_SECONDS)
        return;
    ots_error_prefix(err, "this machine's clock is %lld s %s the service's",
                     (long long)(ahead_s < 0 ? -ahead_s : ahead_s),
                     ahead_s < 0 ? "behind" : "ahead of");
}

static void judge_answer(struct operation *operation, struct outcome *outcome)
{
    struct ots_http_response *response = &operation->exchange.response;
    outcome->retry = OTS_RETRY_NEVER;
    if (response->status < 200 || response->status > 299) {
        outcome->status =
            ots_error_body_decode(response->status, ots_buf_slice(&response->body),
                                  ots_headers_get(&response->headers, OTS_HEADER_REQUEST_ID),
                                  &outcome->error, &outcome->retry);
        if (outcome->status == OTS_DENIED)
            explain_skew(operation, &outcome->error);
        return;
    }
    outcome->status =
        ots_verify_response(&operation->key, ots_slice_str(operation->client->signer.access_key_id),
                            ots_slice_str(operation->path), response, &outcome->error);
    if (outcome->status == OTS_CORRUPT)
        outcome->retry = OTS_RETRY_IF_IDEMPOTENT;
    if (outcome->status == OTS_OK)
        learn_time(operation);
    if (outcome->status == OTS_OK)
        outcome->status = ots_response_take(&response->body, operation->call, &outcome->error);
}

/* Some rows of a put may have failed: then it becomes a failed try of what is left of it. */
static void judge_rows(struct operation *operation, struct outcome *outcome)
{
    struct ots_call *call = operation->call;
    struct ots_put_response *response = &call->response.put;
    if (!response->failed_row_count && !operation->partial.is_begun)
        return;
    outcome->status = ots_partial_put_take(&operation->partial, &call->request.put, response,
                                           &call->arena, &outcome->retry, &outcome->error);
    if (outcome->status == OTS_OK)
        outcome->status = ots_partial_put_result(&operation->partial, &call->arena, response);
    if (outcome->status == OTS_OK)
        return;
    outcome->retry = OTS_RETRY_NEVER;
    if (outcome->status == OTS_NOMEM)
        ots_error_set(&outcome->error, OTS_NOMEM, "put: out of memory");
}

/* Whether a failed try is followed by another, which is then sent. */
static bool try_again(struct operation *operation, const struct outcome *outcome)
{
    struct client *client = operation->client;
    int64_t delay_us;
    pthread_mutex_lock(&client->synced.lock);
    uint64_t random = random_locked(client);
    pthread_mutex_unlock(&client->synced.lock);
    if (!ots_retry_next(&operation->retry, operation->call->action, outcome->retry,
                        ots_clock_monotonic_us(client->clock), random, &delay_us))
        return false;
    if (client->log && outcome->status != OTS_OK)
        ots_log_error(client->log, OTS_LOG_DEBUG, ots_action_name(operation->call->action),
                      &outcome->error);
    if (client->log)
        ots_log(client->log, OTS_LOG_DEBUG, "%s: try %u follows in %.3f s",
                ots_action_name(operation->call->action), operation->retry.tries + 1,
                (double)delay_us / 1e6);
    send_try(operation, delay_us);
    return true;
}

static void end_success(struct operation *operation, struct outcome *outcome)
{
    bool has_rows_left = outcome->retry != OTS_RETRY_NEVER;
    if (has_rows_left) {
        struct ots_error err;
        enum ots_status status = encode(operation, &err);
        if (status != OTS_OK) {
            finish(operation, status, &err);
            return;
        }
        if (try_again(operation, outcome))
            return;
    }
    finish(operation, OTS_OK, NULL);
}

static void exchange_done(struct ots_exchange *exchange, void *context)
{
    struct operation *operation = context;
    struct outcome outcome = {.retry = OTS_RETRY_NEVER};
    ots_meter_answer(&operation->client->meter, operation->call->action,
                     exchange->response.body.size);
    if (exchange->status == OTS_OK)
        judge_answer(operation, &outcome);
    else
        judge_failure(exchange, &outcome);
    if (outcome.status == OTS_OK && operation->call->action == OTS_ACTION_PUT)
        judge_rows(operation, &outcome);
    if (outcome.status == OTS_EXISTS && operation->has_unknown_fate &&
        operation->call->action == OTS_ACTION_CREATE_TABLE)
        outcome.status = OTS_OK;
    if (outcome.status == OTS_OK) {
        end_success(operation, &outcome);
        return;
    }
    if (outcome.retry == OTS_RETRY_IF_IDEMPOTENT)
        operation->has_unknown_fate = true;
    if (!try_again(operation, &outcome))
        finish(operation, outcome.status, &outcome.error);
}

/* --- the store ------------------------------------------------------------------------------- */

static void fail_call(struct ots_call *call, enum ots_status status, const char *message)
{
    call->status =
        ots_error_set(&call->error, status, "%s: %s", ots_action_name(call->action), message);
    call->done(call, call->done_context);
}

static void client_submit(struct ots_store *store, struct ots_call *call)
{
    struct client *client = (struct client *)store;
    struct operation *operation = operation_new(client, call);
    if (!operation) {
        fail_call(call, OTS_NOMEM, "out of memory");
        return;
    }
    operation_link(operation);
    struct ots_error err;
    enum ots_status status = encode(operation, &err);
    if (status == OTS_OK)
        send_try(operation, 0);
    else
        finish(operation, status, &err);
}

static void client_cancel(struct ots_store *store, struct ots_call *call)
{
    struct client *client = (struct client *)store;
    pthread_mutex_lock(&client->synced.lock);
    struct operation *operation = client->synced.first;
    while (operation && operation->call != call)
        operation = operation->next;
    if (operation) {
        operation->is_cancelled = true;
        client->transport->ops->cancel(client->transport, &operation->exchange);
    }
    pthread_mutex_unlock(&client->synced.lock);
}

static int64_t client_now_us(struct ots_store *store)
{
    struct client *client = (struct client *)store;
    int64_t monotonic_us = ots_clock_monotonic_us(client->clock);
    int64_t time_us;
    pthread_mutex_lock(&client->synced.lock);
    bool is_known = ots_service_clock_read(&client->synced.service_clock, monotonic_us, &time_us);
    pthread_mutex_unlock(&client->synced.lock);
    return is_known ? time_us : ots_clock_now_us(client->clock);
}

static void client_free(struct ots_store *store)
{
    struct client *client = (struct client *)store;
    pthread_mutex_lock(&client->synced.lock);
    client->synced.is_ending = true;
    pthread_mutex_unlock(&client->synced.lock);
    client->transport->ops->free(client->transport);
    assert(!client->synced.first);
    pthread_mutex_destroy(&client->synced.lock);
    ots_signer_deinit(&client->signer);
    free(client);
}

static enum ots_status set_options(struct client *client, const struct ots_client_options *options,
                                   struct ots_error *err)
{
    static const struct ots_store_ops ops = {client_submit, client_cancel, client_free,
                                             client_now_us};
    if (options->timeout_ms < 0 || options->timeout_ms > TIMEOUT_MS_MAX)
        return ots_error_set(err, OTS_INVALID, "time-out: must be 0 to %d ms", TIMEOUT_MS_MAX);
    client->base.ops = &ops;
    client->base.meter = &client->meter;
    client->put_layout = options->put_layout;
    client->timeout_us =
        (options->timeout_ms ? options->timeout_ms : (int64_t)TIMEOUT_MS_DEFAULT) * 1000;
    client->clock = options->clock;
    client->log = options->log;
    if (ots_random_bytes(&client->synced.random_state, sizeof(client->synced.random_state)))
        return ots_error_set(err, OTS_IO, "no random bytes");
    return ots_signer_init(&client->signer, options, err);
}

enum ots_status ots_client_new(const struct ots_client_options *options,
                               struct ots_transport *take_transport, struct ots_store **out,
                               struct ots_error *err)
{
    struct client *client = calloc(1, sizeof(*client));
    enum ots_status status = client ? set_options(client, options, err)
                                    : ots_error_set(err, OTS_NOMEM, "client: out of memory");
    if (status != OTS_OK) {
        take_transport->ops->free(take_transport);
        free(client);
        return status;
    }
    client->transport = take_transport;
    pthread_mutex_init(&client->synced.lock, NULL);
    *out = &client->base;
    return OTS_OK;
}
