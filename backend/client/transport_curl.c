/*
 * Exchanges over libcurl's multi interface, on one thread.
 *
 * States of an exchange: WAITING (for its time, a lane or the limiter) -> ACTIVE (a lane
 * carries it) -> unlinked, done runs. `submit` links at the tail under the lock; only the thread
 * moves one to ACTIVE and unlinks it. `cancel` looks for the exchange in the list under the lock
 * and marks it; the thread ends marked ones in its next round. An exchange that is done is not
 * found, so it is not touched any more.
 *
 * A lane is an easy handle with everything set that all exchanges share. There are as many as
 * connections allowed, so libcurl never queues by itself and its time-outs start with the transfer.
 *
 * One round of the thread: end cancelled exchanges, start due ones, let libcurl work, finish what
 * it completed, sleep until a socket, the next one's time or a wake-up. done runs between, without
 * locks; whatever it submits or cancels wakes the sleep that follows.
 */
#include "backend/client/transport.h"

#include "backend/base/clock.h"
#include "backend/base/md5_lanes.h"
#include "backend/client/curl_setup.h"
#include "backend/client/endpoint.h"
#include "backend/client/exchange_list.h"
#include "backend/client/limiter.h"
#include "backend/model/limits.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    CONNECTIONS_MAX = 256,
    CONNECTIONS_DEFAULT = 16,
    TRANSFER_BUFFER_BYTES = 256 * 1024,
    POLL_MS_MAX = 60000,
    URL_BYTES_MAX = OTS_ENDPOINT_BYTES_MAX + 512,
    HEADER_LINE_BYTES_MAX = 16 * 1024,
    COMPLETED_MAX = 16,
};

struct lane {
    struct curl_transport *transport;
    CURL *easy;
    struct curl_slist *headers;
    struct ots_exchange *exchange;
    enum ots_status refusal; /* why a callback stopped the transfer */
    struct lane *next_free;
    char error[CURL_ERROR_SIZE];
};

struct curl_transport {
    struct ots_transport base;
    CURLM *multi;
    struct ots_curl_setup setup;
    size_t response_bytes_max;
    struct lane *lanes;
    size_t lane_count;
    struct lane *free_lanes;
    struct ots_limiter limiter; /* the thread's */
    pthread_t thread;
    bool has_thread;
    bool is_initialised;
    /* No other lock is taken while this one is held. */
    struct {
        pthread_mutex_t lock;
        struct ots_exchange_list exchanges;
        bool is_ending;
    } synced;
};

static int64_t now_us(void)
{
    return ots_clock_monotonic_us(&ots_clock_system);
}

/* --- what libcurl calls ---------------------------------------------------------------------- */

/* Room for the whole body, when its size is told, so that it need not move while it grows. */
static void reserve_body(struct lane *lane)
{
    curl_off_t size = -1;
    if (curl_easy_getinfo(lane->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size) == CURLE_OK &&
        size > 0 && (uint64_t)size <= lane->transport->response_bytes_max)
        ots_buf_reserve(&lane->exchange->response.body, (size_t)size);
}

static size_t receive_body(char *data, size_t size, size_t count, void *context)
{
    struct lane *lane = context;
    struct ots_buf *body = &lane->exchange->response.body;
    size_t bytes = size * count;
    if (bytes > lane->transport->response_bytes_max - body->size) {
        lane->refusal = OTS_LIMIT;
        return CURL_WRITEFUNC_ERROR;
    }
    if (!body->size)
        reserve_body(lane);
    ots_buf_append(body, data, bytes);
    if (ots_buf_status(body) != OTS_OK) {
        lane->refusal = OTS_NOMEM;
        return CURL_WRITEFUNC_ERROR;
    }
    return bytes;
}

/* A status line starts a new set of headers: what came before was an interim answer. */
static size_t receive_header(char *data, size_t size, size_t count, void *context)
{
    struct lane *lane = context;
    struct ots_headers *headers = &lane->exchange->response.headers;
    size_t bytes = size * count;
    if (ots_slice_starts(ots_slice(data, bytes), OTS_SLICE("HTTP/"))) {
        ots_headers_deinit(headers);
        return bytes;
    }
    const char *colon = memchr(data, ':', bytes);
    if (!colon || colon == data)
        return bytes;
    size_t name_size = (size_t)(colon - data);
    enum ots_status status = ots_headers_add(headers, ots_slice(data, name_size),
                                             ots_slice(colon + 1, bytes - name_size - 1));
    if (status == OTS_OK)
        return bytes;
    lane->refusal = status;
    return 0;
}

/* --- lanes ----------------------------------------------------------------------------------- */

static bool set_callbacks(struct lane *lane)
{
    CURL *easy = lane->easy;
    return !curl_easy_setopt(easy, CURLOPT_POST, 1L) &&
           !curl_easy_setopt(easy, CURLOPT_PRIVATE, lane) &&
           !curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)TRANSFER_BUFFER_BYTES) &&
           !curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)TRANSFER_BUFFER_BYTES) &&
           !curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, lane->error) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body) &&
           !curl_easy_setopt(easy, CURLOPT_WRITEDATA, lane) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header) &&
           !curl_easy_setopt(easy, CURLOPT_HEADERDATA, lane) &&
           !curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE,
                             (curl_off_t)lane->transport->response_bytes_max);
}

static bool lane_open(struct lane *lane)
{
    if (lane->easy)
        return true;
    lane->easy = curl_easy_init();
    if (!lane->easy)
        return false;
    if (ots_curl_setup_apply(&lane->transport->setup, lane->easy) && set_callbacks(lane))
        return true;
    curl_easy_cleanup(lane->easy);
    lane->easy = NULL;
    return false;
}

static bool add_line(struct lane *lane, const char *line)
{
    struct curl_slist *headers = curl_slist_append(lane->headers, line);
    if (!headers)
        return false;
    lane->headers = headers;
    return true;
}

/* The request's headers; those that curl adds by itself are taken out. */
static bool add_headers(struct lane *lane, const struct ots_headers *headers)
{
    if (!add_line(lane, "Expect:") || !add_line(lane, "Accept:") ||
        !add_line(lane, "Content-Type:") || !add_line(lane, "User-Agent: otsfs"))
        return false;
    char line[HEADER_LINE_BYTES_MAX];
    for (size_t i = 0; i < headers->count; i++) {
        const struct ots_header *header = &headers->items[i];
        /* libcurl's way to send a header without a value is a ';'. */
        int length = snprintf(line, sizeof(line), "%.*s%s%.*s", OTS_SLICE_FMT(header->name),
                              header->value.size ? ": " : ";", OTS_SLICE_FMT(header->value));
        bool is_added = length >= 0 && (size_t)length < sizeof(line) && add_line(lane, line);
        ots_secret_wipe(line, strlen(line));
        if (!is_added)
            return false;
    }
    return true;
}

static bool lane_load(struct lane *lane, const struct ots_http_request *request)
{
    char url[URL_BYTES_MAX];
    int length = snprintf(url, sizeof(url), "%s%.*s", lane->transport->setup.endpoint,
                          OTS_SLICE_FMT(request->path));
    if (length < 0 || (size_t)length >= sizeof(url) || !add_headers(lane, &request->headers))
        return false;
    const void *body = request->body.size ? (const void *)request->body.data : "";
    return !curl_easy_setopt(lane->easy, CURLOPT_URL, url) &&
           !curl_easy_setopt(lane->easy, CURLOPT_HTTPHEADER, lane->headers) &&
           !curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDSIZE_LARGE,
                             (curl_off_t)request->body.size) &&
           !curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDS, body);
}

/* One of the headers may be an STS token. */
static void wipe_headers(struct lane *lane)
{
    for (struct curl_slist *line = lane->headers; line; line = line->next)
        ots_secret_wipe(line->data, strlen(line->data));
    curl_slist_free_all(lane->headers);
    lane->headers = NULL;
}

static void lane_release(struct lane *lane)
{
    struct curl_transport *transport = lane->transport;
    curl_easy_setopt(lane->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(lane->easy, CURLOPT_POSTFIELDS, NULL);
    wipe_headers(lane);
    lane->exchange = NULL;
    lane->next_free = transport->free_lanes;
    transport->free_lanes = lane;
}

/* --- results --------------------------------------------------------------------------------- */

static enum ots_status transfer_status(const struct lane *lane, CURLcode code)
{
    /* libcurl has more than a hundred codes; those not named are failures of the connection. */
    if (code == CURLE_OK)
        return OTS_OK;
    if (lane->refusal != OTS_OK)
        return lane->refusal;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return OTS_TIMEOUT;
    if (code == CURLE_OUT_OF_MEMORY)
        return OTS_NOMEM;
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return OTS_DENIED;
    if (code == CURLE_FILESIZE_EXCEEDED)
        return OTS_LIMIT;
    return OTS_NETWORK;
}

static void transfer_explain(const struct lane *lane, CURLcode code, enum ots_status status,
                             struct ots_error *err)
{
    if (status == OTS_LIMIT)
        ots_error_set(err, status, "the answer is over %zu bytes or its headers are too many",
                      lane->transport->response_bytes_max);
    else
        ots_error_set(err, status, "%s", lane->error[0] ? lane->error : curl_easy_strerror(code));
}

static void transfer_result(struct lane *lane, CURLcode code)
{
    struct ots_exchange *exchange = lane->exchange;
    long http_status = 0;
    long sent_bytes = 0;
    curl_easy_getinfo(lane->easy, CURLINFO_RESPONSE_CODE, &http_status);
    curl_easy_getinfo(lane->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
    exchange->response.status = (int)http_status;
    exchange->may_have_arrived = sent_bytes > 0 || code == CURLE_OK;
    exchange->status = transfer_status(lane, code);
    if (exchange->status != OTS_OK)
        transfer_explain(lane, code, exchange->status, &exchange->error);
}

/* From done on the exchange is its owner's again. */
static void exchange_finish(struct curl_transport *transport, struct ots_exchange *exchange)
{
    struct lane *lane = exchange->link.carrier;
    if (lane) {
        curl_multi_remove_handle(transport->multi, lane->easy);
        lane_release(lane);
    }
    pthread_mutex_lock(&transport->synced.lock);
    ots_exchange_list_remove(&transport->synced.exchanges, exchange);
    pthread_mutex_unlock(&transport->synced.lock);
    exchange->done(exchange, exchange->done_context);
}

static void exchange_fail(struct curl_transport *transport, struct ots_exchange *exchange,
                          enum ots_status status, const char *message)
{
    long sent_bytes = 0;
    const struct lane *lane = exchange->link.carrier;
    if (lane)
        curl_easy_getinfo(lane->easy, CURLINFO_REQUEST_SIZE, &sent_bytes);
    exchange->may_have_arrived = sent_bytes > 0;
    exchange->status = ots_error_set(&exchange->error, status, "%s", message);
    exchange_finish(transport, exchange);
}

/* --- the thread ------------------------------------------------------------------------------ */

static struct ots_exchange *find_cancelled(struct curl_transport *transport)
{
    pthread_mutex_lock(&transport->synced.lock);
    const struct ots_exchange_list *list = &transport->synced.exchanges;
    struct ots_exchange *exchange =
        transport->synced.is_ending ? list->first : ots_exchange_list_cancelled(list);
    pthread_mutex_unlock(&transport->synced.lock);
    return exchange;
}

static bool end_cancelled(struct curl_transport *transport)
{
    bool has_finished = false;
    struct ots_exchange *exchange;
    while ((exchange = find_cancelled(transport)) != NULL) {
        exchange_fail(transport, exchange, OTS_CANCELLED, "cancelled");
        has_finished = true;
    }
    return has_finished;
}

/* The exchange to start now; NULL: none, and `*wait_us` is lowered to when there may be one. */
static struct ots_exchange *find_due(struct curl_transport *transport, int64_t *wait_us)
{
    int64_t now = now_us();
    pthread_mutex_lock(&transport->synced.lock);
    struct ots_exchange *exchange =
        ots_exchange_list_due(&transport->synced.exchanges, now, wait_us);
    pthread_mutex_unlock(&transport->synced.lock);
    int64_t limit_us = exchange ? ots_limiter_wait_us(&transport->limiter, now) : 0;
    if (!limit_us)
        return exchange;
    if (limit_us < *wait_us)
        *wait_us = limit_us;
    return NULL;
}

static void exchange_start(struct curl_transport *transport, struct ots_exchange *exchange)
{
    struct lane *lane = transport->free_lanes;
    if (!lane_open(lane)) {
        exchange_fail(transport, exchange, OTS_NOMEM, "cannot set up a transfer: out of memory");
        return;
    }
    transport->free_lanes = lane->next_free;
    lane->exchange = exchange;
    lane->refusal = OTS_OK;
    lane->error[0] = '\0';
    if (!lane_load(lane, &exchange->request) ||
        curl_multi_add_handle(transport->multi, lane->easy) != CURLM_OK) {
        lane_release(lane);
        exchange_fail(transport, exchange, OTS_NOMEM, "cannot set up a transfer");
        return;
    }
    exchange->link.carrier = lane;
    ots_limiter_start(&transport->limiter, now_us(), exchange->request.body.size);
}

/* Returns how long the thread may sleep when nothing else happens. */
static int64_t start_due(struct curl_transport *transport)
{
    int64_t wait_us = (int64_t)POLL_MS_MAX * 1000;
    while (transport->free_lanes) {
        struct ots_exchange *exchange = find_due(transport, &wait_us);
        if (!exchange)
            break;
        exchange_start(transport, exchange);
    }
    return wait_us;
}

/* The exchanges that libcurl completed, at most COMPLETED_MAX of them. */
static size_t take_completed(struct curl_transport *transport,
                             struct ots_exchange *completed[COMPLETED_MAX])
{
    size_t count = 0;
    int left;
    CURLMsg *message;
    while (count < COMPLETED_MAX &&
           (message = curl_multi_info_read(transport->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        char *private = NULL;
        CURLcode code = message->data.result;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct lane *lane = (struct lane *)(void *)private;
        transfer_result(lane, code);
        completed[count++] = lane->exchange;
    }
    return count;
}

/* Several answers at once are hashed side by side, unless one of them is most of it all. */
static void hash_bodies(struct ots_exchange *const completed[COMPLETED_MAX], size_t count)
{
    struct ots_slice bodies[COMPLETED_MAX];
    uint8_t digests[COMPLETED_MAX][OTS_MD5_BYTES];
    size_t total = 0;
    size_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        bodies[i] = ots_buf_slice(&completed[i]->response.body);
        total += bodies[i].size;
        largest = bodies[i].size > largest ? bodies[i].size : largest;
    }
    size_t worth = ots_md5_lanes_worth();
    bool is_worth = count >= worth && total / worth >= largest;
    if (is_worth)
        ots_md5_lanes(bodies, count, digests);
    for (size_t i = 0; i < count; i++) {
        completed[i]->response.has_md5 = is_worth;
        if (is_worth)
            memcpy(completed[i]->response.md5, digests[i], OTS_MD5_BYTES);
    }
}

static bool finish_completed(struct curl_transport *transport)
{
    struct ots_exchange *completed[COMPLETED_MAX];
    size_t count = take_completed(transport, completed);
    hash_bodies(completed, count);
    for (size_t i = 0; i < count; i++) {
        ots_limiter_receive(&transport->limiter, now_us(), completed[i]->response.body.size);
        exchange_finish(transport, completed[i]);
    }
    return count > 0;
}

static bool is_over(struct curl_transport *transport)
{
    pthread_mutex_lock(&transport->synced.lock);
    bool is_over = transport->synced.is_ending && !transport->synced.exchanges.first;
    pthread_mutex_unlock(&transport->synced.lock);
    return is_over;
}

static void *run(void *argument)
{
    struct curl_transport *transport = argument;
    while (!is_over(transport)) {
        bool has_finished = end_cancelled(transport);
        int64_t wait_us = start_due(transport);
        int running;
        curl_multi_perform(transport->multi, &running);
        if (finish_completed(transport) || has_finished)
            continue;
        curl_multi_poll(transport->multi, NULL, 0, (int)((wait_us + 999) / 1000), NULL);
    }
    return NULL;
}

/* --- the interface --------------------------------------------------------------------------- */

static void transport_submit(struct ots_transport *base, struct ots_exchange *exchange,
                             int64_t delay_ms)
{
    struct curl_transport *transport = (struct curl_transport *)base;
    exchange->link.start_us = now_us() + delay_ms * 1000;
    exchange->link.carrier = NULL;
    exchange->link.is_cancelled = false;
    pthread_mutex_lock(&transport->synced.lock);
    ots_exchange_list_add(&transport->synced.exchanges, exchange);
    pthread_mutex_unlock(&transport->synced.lock);
    curl_multi_wakeup(transport->multi);
}

static void transport_cancel(struct ots_transport *base, struct ots_exchange *exchange)
{
    struct curl_transport *transport = (struct curl_transport *)base;
    pthread_mutex_lock(&transport->synced.lock);
    bool is_found = ots_exchange_list_has(&transport->synced.exchanges, exchange);
    if (is_found)
        exchange->link.is_cancelled = true;
    pthread_mutex_unlock(&transport->synced.lock);
    if (is_found)
        curl_multi_wakeup(transport->multi);
}

static void transport_free(struct ots_transport *base)
{
    struct curl_transport *transport = (struct curl_transport *)base;
    if (transport->has_thread) {
        pthread_mutex_lock(&transport->synced.lock);
        transport->synced.is_ending = true;
        pthread_mutex_unlock(&transport->synced.lock);
        curl_multi_wakeup(transport->multi);
        pthread_join(transport->thread, NULL);
    }
    for (size_t i = 0; transport->lanes && i < transport->lane_count; i++)
        if (transport->lanes[i].easy)
            curl_easy_cleanup(transport->lanes[i].easy);
    if (transport->multi)
        curl_multi_cleanup(transport->multi);
    if (transport->is_initialised)
        curl_global_cleanup();
    pthread_mutex_destroy(&transport->synced.lock);
    free(transport->lanes);
    ots_curl_setup_deinit(&transport->setup);
    free(transport);
}

static enum ots_status set_options(struct curl_transport *transport,
                                   const struct ots_curl_options *options, struct ots_error *err)
{
    if (options->connections_max > CONNECTIONS_MAX)
        return ots_error_set(err, OTS_INVALID, "connections: %u is over %d",
                             options->connections_max, CONNECTIONS_MAX);
    transport->lane_count =
        options->connections_max ? options->connections_max : CONNECTIONS_DEFAULT;
    transport->response_bytes_max = options->response_bytes_max
                                        ? options->response_bytes_max
                                        : (size_t)OTS_RESPONSE_BODY_BYTES_MAX;
    ots_limiter_init(&transport->limiter, options->max_rps, options->max_mbps);
    return ots_curl_setup_init(&transport->setup, options, err);
}

static enum ots_status start(struct curl_transport *transport, struct ots_error *err)
{
    transport->lanes = calloc(transport->lane_count, sizeof(*transport->lanes));
    transport->is_initialised = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    transport->multi = transport->is_initialised ? curl_multi_init() : NULL;
    if (!transport->lanes || !transport->multi)
        return ots_error_set(err, OTS_NOMEM, "transport: out of memory");
    for (size_t i = transport->lane_count; i-- > 0;) {
        transport->lanes[i].transport = transport;
        transport->lanes[i].next_free = transport->free_lanes;
        transport->free_lanes = &transport->lanes[i];
    }
    curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, (long)transport->lane_count);
    curl_multi_setopt(transport->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    int failure = pthread_create(&transport->thread, NULL, run, transport);
    if (failure)
        return ots_error_errno(err, failure, "cannot start the transport's thread");
    transport->has_thread = true;
    return OTS_OK;
}

enum ots_status ots_curl_transport_new(const struct ots_curl_options *options,
                                       struct ots_transport **out, struct ots_error *err)
{
    static const struct ots_transport_ops ops = {transport_submit, transport_cancel,
                                                 transport_free};
    struct curl_transport *transport = calloc(1, sizeof(*transport));
    if (!transport)
        return ots_error_set(err, OTS_NOMEM, "transport: out of memory");
    transport->base.ops = &ops;
    pthread_mutex_init(&transport->synced.lock, NULL);
    enum ots_status status = set_options(transport, options, err);
    if (status == OTS_OK)
        status = start(transport, err);
    if (status != OTS_OK) {
        transport_free(&transport->base);
        return status;
    }
    *out = &transport->base;
    return OTS_OK;
}
