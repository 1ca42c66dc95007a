/*
 * libmicrohttpd calls `handle` several times for a request: first when the headers have come, then
 * with pieces of the body, at last without any, which is when the answer is made. A request that
 * is refused early is read to its end nevertheless, up to a bound, because a client that is still
 * sending would not see the answer. One whose work is to be delayed is suspended at that point;
 * its alarm resumes it, and `handle` is called the same way again.
 *
 * Every connection has a deadline, an alarm that shuts its socket down: libmicrohttpd then ends it
 * as it ends one that was closed by the client. The deadline is moved when a connection is opened,
 * a head is complete, an answer begins to be sent or was sent; there is none during the work.
 *
 * When nearly all connections are taken, those that have been idle longest have a deadline soon
 * (crowd.h). One is idle until the first line of a request has come, and after the answer.
 *
 * A request is under way from its first call until its answer was sent or the connection was lost.
 */
#include "backend/server/listener.h"

#include "backend/base/cleanup.h"
#include "backend/base/clock.h"
#include "backend/model/limits.h"
#include "backend/server/alarm.h"
#include "backend/server/budget.h"
#include "backend/server/crowd.h"
#include "backend/server/listen_socket.h"
#include "backend/server/traffic.h"
#include "backend/wire/service_code.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    /* Per connection: bounds the headers before we see them, and is what bodies are read with. */
    CONNECTION_MEMORY_BYTES = 64 * 1024,
    CONNECTION_GROWTH_BYTES = 16 * 1024,
    HEADER_VALUE_BYTES = 512,
    HEADER_NAME_BYTES = 64,
    CUT_BLOCK_BYTES = 16 * 1024,
    /* How long one may be idle when others wait, and the part of all that is kept free for them. */
    CROWDED_IDLE_US = 1000000,
    FREE_PART = 8,
};

/* What is read and thrown away of a body that is refused for its size. */
static const uint64_t DISCARD_BYTES_MAX = 2 * (uint64_t)OTS_REQUEST_BODY_BYTES_MAX;

struct ots_listener {
    struct ots_handler *handler;
    struct ots_counters *counters;
    struct MHD_Daemon *daemon;
    struct ots_alarms *deadlines;
    struct ots_alarms *delays;
    struct ots_budget budget;
    char *unix_socket;
    unsigned port;
    int64_t idle_timeout_us;
    int64_t slow_timeout_us;
    void (*on_idle)(void *context);
    void *context;
    struct ots_traffic traffic;
    struct ots_crowd crowd;
};

struct connection {
    struct ots_listener *listener;
    struct MHD_Connection *mhd;
    int fd;
    bool is_local;
    struct ots_alarm deadline;
    struct ots_alarm delay;
    struct ots_guest guest;
};

struct request {
    struct connection *connection;
    struct ots_visit visit;
    char *path;
    struct ots_buf body;
    size_t share; /* of the budget */
    uint64_t received_bytes;
    bool is_planned;
};

#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3"

static const struct ots_refusal TOO_LARGE = {OTS_CODE_REQUEST_BODY_TOO_LARGE,
                                             "The request body is too large."};
static const struct ots_refusal NOT_POST = {OTS_CODE_METHOD_NOT_ALLOWED,
                                            "Only POST requests are allowed."};
static const struct ots_refusal TOO_MANY_HEADERS = {OTS_CODE_PARAMETER_INVALID,
                                                    "The request has too many headers."};
static const struct ots_refusal BUSY = {OTS_CODE_SERVER_BUSY, "Server is busy."};

static void expect_within(struct connection *connection, int64_t timeout_us, uint64_t bytes)
{
    int64_t now_us = ots_clock_monotonic_us(&ots_clock_system);
    int64_t extra_us = (int64_t)(bytes / OTS_SLOW_BYTES_PER_S) * 1000000;
    ots_alarms_set(connection->listener->deadlines, &connection->deadline,
                   now_us + timeout_us + extra_us);
}

/* Between requests: wait for the next one, if the room allows. */
static void wait_for_next(struct connection *connection)
{
    struct ots_listener *listener = connection->listener;
    expect_within(connection, listener->idle_timeout_us, 0);
    ots_crowd_idle(&listener->crowd, &connection->guest, ots_clock_monotonic_us(&ots_clock_system));
}

static void request_free(struct request *request)
{
    ots_budget_resize(&request->connection->listener->budget, &request->share, 0);
    ots_headers_deinit(&request->visit.http.headers);
    ots_buf_deinit(&request->body);
    free(request->path);
    free(request);
}

static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t name_size, const char *value, size_t value_size)
{
    (void)kind;
    struct request *request = context;
    const size_t prefix = strlen(OTS_HEADER_PREFIX);
    if (name_size < prefix || strncasecmp(name, OTS_HEADER_PREFIX, prefix) != 0)
        return MHD_YES;
    enum ots_status status =
        ots_headers_add(&request->visit.http.headers, ots_slice(name, name_size),
                        ots_slice(value ? value : "", value_size));
    if (status == OTS_OK)
        return MHD_YES;
    request->visit.refusal = status == OTS_LIMIT ? TOO_MANY_HEADERS : BUSY;
    return MHD_NO;
}

/* The length that the request announces; 0 when it announces none. */
static uint64_t announced_bytes(struct MHD_Connection *connection)
{
    const char *text = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Length");
    if (!text)
        return 0;
    errno = 0;
    uint64_t bytes = strtoull(text, NULL, 10);
    return errno ? UINT64_MAX : bytes;
}

static struct request *request_new(struct connection *connection, const char *url,
                                   const char *method)
{
    struct request *request = calloc(1, sizeof(*request));
    if (!request)
        return NULL;
    request->path = strdup(url);
    if (!request->path) {
        free(request);
        return NULL;
    }
    request->connection = connection;
    request->visit.method = method;
    request->visit.is_local = connection->is_local;
    request->visit.http.path = ots_slice_str(request->path);
    uint64_t bytes = announced_bytes(connection->mhd);
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        request->visit.refusal = NOT_POST;
    else if (bytes > OTS_REQUEST_BODY_BYTES_MAX)
        request->visit.refusal = TOO_LARGE;
    else if (bytes)
        (void)ots_buf_reserve(
            &request->body, bytes < OTS_BUDGET_FREE_BYTES ? (size_t)bytes : OTS_BUDGET_FREE_BYTES);
    MHD_get_connection_values_n(connection->mhd, MHD_HEADER_KIND, take_header, request);
    expect_within(connection, connection->listener->slow_timeout_us,
                  bytes < DISCARD_BYTES_MAX ? bytes : DISCARD_BYTES_MAX);
    return request;
}

static enum MHD_Result take_body(struct request *request, const char *data, size_t *size)
{
    struct ots_refusal *refusal = &request->visit.refusal;
    struct ots_budget *budget = &request->connection->listener->budget;
    request->received_bytes += *size;
    if (request->received_bytes > DISCARD_BYTES_MAX)
        return MHD_NO;
    if (!refusal->code && request->received_bytes > OTS_REQUEST_BODY_BYTES_MAX)
        *refusal = TOO_LARGE;
    if (!refusal->code) {
        ots_buf_append(&request->body, data, *size);
        if (!ots_budget_resize(budget, &request->share, request->body.capacity))
            *refusal = BUSY;
    }
    if (refusal->code) {
        ots_buf_deinit(&request->body);
        ots_budget_resize(budget, &request->share, 0);
    }
    *size = 0;
    return MHD_YES;
}

static bool add_header(struct MHD_Response *response, const struct ots_header *header)
{
    char name[HEADER_NAME_BYTES];
    char value[HEADER_VALUE_BYTES];
    if (header->name.size >= sizeof(name) || header->value.size >= sizeof(value))
        return false;
    memcpy(name, header->name.data, header->name.size);
    name[header->name.size] = '\0';
    if (header->value.size)
        memcpy(value, header->value.data, header->value.size);
    value[header->value.size] = '\0';
    return MHD_add_response_header(response, name, value) == MHD_YES;
}

/* The response takes the body over. */
static struct MHD_Response *make_response(struct ots_buf *take_body)
{
    struct MHD_Response *response = NULL;
    if (take_body->size)
        response = MHD_create_response_from_buffer_with_free_callback_cls(
            take_body->size, take_body->data, free, take_body->data);
    if (response) {
        *take_body = OTS_BUF_INIT;
        return response;
    }
    bool is_lost = take_body->size != 0;
    ots_buf_deinit(take_body);
    static char nothing[1];
    return is_lost ? NULL : MHD_create_response_from_buffer(0, nothing, MHD_RESPMEM_PERSISTENT);
}

/* ---- answers that break off ---- */

struct cut_body {
    struct ots_buf body;
    size_t cut_bytes;
};

static ssize_t read_cut(void *context, uint64_t offset, char *to, size_t room)
{
    const struct cut_body *cut = context;
    if (offset >= cut->cut_bytes)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t left = cut->cut_bytes - (size_t)offset;
    size_t size = left < room ? left : room;
    memcpy(to, cut->body.data + offset, size);
    return (ssize_t)size;
}

static void free_cut(void *context)
{
    struct cut_body *cut = context;
    ots_buf_deinit(&cut->body);
    free(cut);
}

/* One that announces the whole body and ends after a part of it. The response takes it over. */
static struct MHD_Response *make_cut_response(struct ots_buf *take_body, size_t cut_bytes)
{
    struct cut_body *cut = malloc(sizeof(*cut));
    if (!cut)
        return NULL;
    *cut = (struct cut_body){*take_body, cut_bytes};
    *take_body = OTS_BUF_INIT;
    struct MHD_Response *response =
        MHD_create_response_from_callback(cut->body.size, CUT_BLOCK_BYTES, read_cut, cut, free_cut);
    if (!response)
        free_cut(cut);
    return response;
}

/* ---- answers ---- */

static enum MHD_Result send_response(struct connection *connection, struct ots_visit *visit)
{
    struct ots_http_response *http = &visit->response;
    if (visit->is_cut && visit->cut_bytes >= http->body.size)
        return MHD_NO;
    uint64_t bytes = http->body.size;
    struct MHD_Response *response = visit->is_cut ? make_cut_response(&http->body, visit->cut_bytes)
                                                  : make_response(&http->body);
    if (!response)
        return MHD_NO;
    bool is_complete = true;
    for (size_t i = 0; i < http->headers.count; i++)
        is_complete &= add_header(response, &http->headers.items[i]);
    if (ots_traffic_is_ending(&connection->listener->traffic))
        is_complete &= MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result =
        is_complete ? MHD_queue_response(connection->mhd, (unsigned)http->status, response)
                    : MHD_NO;
    MHD_destroy_response(response);
    expect_within(connection, connection->listener->slow_timeout_us, bytes);
    return result;
}

static void response_deinit(struct ots_visit *visit)
{
    ots_headers_deinit(&visit->response.headers);
    ots_buf_deinit(&visit->response.body);
}

/* Make the answer. The request's memory is not needed while it is sent, but the answer's is. */
static enum MHD_Result answer(struct request *request)
{
    struct ots_visit *visit = &request->visit;
    struct ots_handler *handler = request->connection->listener->handler;
    struct ots_budget *budget = &request->connection->listener->budget;
    handler->handle(handler, visit);
    visit->http.body = OTS_SLICE_NONE;
    ots_buf_deinit(&request->body);
    ots_budget_resize(budget, &request->share, 0);
    if (!ots_budget_resize(budget, &request->share, visit->response.body.size)) {
        response_deinit(visit);
        visit->refusal = BUSY;
        handler->handle(handler, visit);
    }
    enum MHD_Result result = send_response(request->connection, visit);
    response_deinit(visit);
    return result;
}

/* All of the request is there: answer it, or first wait as long as the handler wishes. */
static enum MHD_Result arrive(struct request *request)
{
    struct connection *connection = request->connection;
    struct ots_listener *listener = connection->listener;
    struct ots_visit *visit = &request->visit;
    if (request->is_planned)
        return answer(request);
    request->is_planned = true;
    ots_alarms_clear(listener->deadlines, &connection->deadline);
    if (!visit->refusal.code && ots_buf_status(&request->body) != OTS_OK)
        visit->refusal = BUSY;
    visit->http.body = ots_buf_slice(&request->body);
    listener->handler->plan(listener->handler, visit);
    if (visit->verdict.delay_us <= 0)
        return answer(request);
    MHD_suspend_connection(connection->mhd);
    ots_alarms_set(listener->delays, &connection->delay,
                   ots_clock_monotonic_us(&ots_clock_system) + visit->verdict.delay_us);
    return MHD_YES;
}

/* ---- what libmicrohttpd calls ---- */

static enum MHD_Result handle(void *context, struct MHD_Connection *mhd, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
    (void)version;
    struct ots_listener *listener = context;
    struct request *request = *state;
    if (request)
        return *size ? take_body(request, data, size) : arrive(request);
    struct connection *connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    request = connection ? request_new(connection, url, method) : NULL;
    if (!request)
        return MHD_NO;
    *state = request;
    ots_traffic_begin(&listener->traffic);
    if (request->visit.refusal.code && announced_bytes(mhd) > DISCARD_BYTES_MAX)
        return arrive(request);
    return MHD_YES;
}

/* The first line of a request has come. What is returned is *state in `handle`. */
static void *on_line(void *context, const char *uri, struct MHD_Connection *mhd)
{
    (void)uri;
    struct ots_listener *listener = context;
    struct connection *connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (connection) {
        ots_crowd_busy(&listener->crowd, &connection->guest);
        expect_within(connection, listener->idle_timeout_us, 0);
    }
    return NULL;
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)mhd;
    (void)code;
    struct ots_listener *listener = context;
    struct request *request = *state;
    if (!request)
        return;
    wait_for_next(request->connection);
    request_free(request);
    *state = NULL;
    ots_traffic_finish(&listener->traffic);
}

static void cut_connection(void *context)
{
    const struct connection *connection = context;
    ots_counters_cut(connection->listener->counters);
    shutdown(connection->fd, SHUT_RDWR);
}

static void leave_soon(void *context, int64_t idle_since_us)
{
    struct connection *connection = context;
    ots_alarms_set(connection->listener->deadlines, &connection->deadline,
                   idle_since_us + CROWDED_IDLE_US);
}

static void resume_connection(void *context)
{
    const struct connection *connection = context;
    MHD_resume_connection(connection->mhd);
}

static struct connection *connection_new(struct ots_listener *listener, struct MHD_Connection *mhd)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        return NULL;
    connection->listener = listener;
    connection->mhd = mhd;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    connection->is_local =
        listener->unix_socket ||
        ots_listen_is_loopback(
            MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    connection->deadline = (struct ots_alarm){.ring = cut_connection, .context = connection};
    connection->delay = (struct ots_alarm){.ring = resume_connection, .context = connection};
    connection->guest = (struct ots_guest){.leave = leave_soon, .context = connection};
    expect_within(connection, listener->idle_timeout_us, 0);
    ots_crowd_enter(&listener->crowd, &connection->guest,
                    ots_clock_monotonic_us(&ots_clock_system));
    return connection;
}

static void connection_free(struct connection *connection)
{
    if (!connection)
        return;
    ots_crowd_exit(&connection->listener->crowd, &connection->guest);
    ots_alarms_clear(connection->listener->deadlines, &connection->deadline);
    ots_alarms_clear(connection->listener->delays, &connection->delay);
    free(connection);
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **state,
                          enum MHD_ConnectionNotificationCode code)
{
    struct ots_listener *listener = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        ots_counters_opened(listener->counters);
        ots_traffic_connected(&listener->traffic);
        *state = connection_new(listener, mhd);
        return;
    }
    connection_free(*state);
    *state = NULL;
    ots_counters_closed(listener->counters);
    if (ots_traffic_disconnected(&listener->traffic) == 0 && listener->on_idle)
        listener->on_idle(listener->context);
}

/* ---- starting and ending ---- */

static enum ots_status start_daemon(struct ots_listener *listener,
                                    const struct ots_listener_options *options, int take_fd,
                                    struct ots_error *err)
{
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)options->certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)options->key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME;
    if (options->certificate)
        flags |= MHD_USE_TLS;
    errno = 0;
    listener->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, handle, listener, MHD_OPTION_LISTEN_SOCKET, take_fd,
        MHD_OPTION_THREAD_POOL_SIZE, options->threads, MHD_OPTION_CONNECTION_LIMIT,
        options->connections_max, MHD_OPTION_CONNECTION_TIMEOUT, options->idle_timeout_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)CONNECTION_GROWTH_BYTES,
        MHD_OPTION_URI_LOG_CALLBACK, on_line, listener, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        listener, MHD_OPTION_NOTIFY_CONNECTION, on_connection, listener, MHD_OPTION_ARRAY,
        options->certificate ? tls : tls + 3, MHD_OPTION_END);
    if (listener->daemon)
        return OTS_OK;
    enum ots_status status =
        options->certificate
            ? ots_error_set(err, OTS_INVALID, "cannot serve with this certificate and key")
            : ots_error_errno(err, errno, "cannot start to serve");
    close(take_fd);
    return status;
}

static enum ots_status start(struct ots_listener *listener,
                             const struct ots_listener_options *options, struct ots_error *err)
{
    int fd = -1;
    enum ots_status status = ots_alarms_new(&listener->deadlines, err);
    if (status == OTS_OK)
        status = ots_alarms_new(&listener->delays, err);
    if (status != OTS_OK)
        return status;
    status = options->unix_socket ? ots_listen_unix(options->unix_socket, &fd, err)
                                  : ots_listen_tcp(options->address, &fd, &listener->port, err);
    if (status != OTS_OK)
        return status;
    if (options->unix_socket) {
        listener->unix_socket = strdup(options->unix_socket);
        if (!listener->unix_socket) {
            close(fd);
            return ots_error_set(err, OTS_NOMEM, "no memory for a listener");
        }
    }
    return start_daemon(listener, options, fd, err);
}

enum ots_status ots_listener_new(const struct ots_listener_options *given,
                                 struct ots_listener **out, struct ots_error *err)
{
    *out = NULL;
    struct ots_listener *listener = calloc(1, sizeof(*listener));
    if (!listener)
        return ots_error_set(err, OTS_NOMEM, "no memory for a listener");
    const struct ots_listener_options options = ots_listener_complete(given);
    unsigned connections = options.connections_max;
    listener->handler = options.handler;
    listener->counters = options.counters;
    listener->on_idle = options.on_idle;
    listener->context = options.context;
    listener->idle_timeout_us = INT64_C(1000000) * options.idle_timeout_s;
    listener->slow_timeout_us = INT64_C(1000000) * options.slow_timeout_s;
    ots_traffic_init(&listener->traffic);
    ots_crowd_init(&listener->crowd, connections - (connections + FREE_PART - 1) / FREE_PART);
    ots_budget_init(&listener->budget, options.body_bytes_max);
    enum ots_status status = start(listener, &options, err);
    if (status != OTS_OK) {
        ots_listener_free(listener, 0);
        return status;
    }
    *out = listener;
    return OTS_OK;
}

void ots_listener_free(struct ots_listener *listener, int64_t drain_ms)
{
    if (!listener)
        return;
    if (listener->unix_socket)
        unlink(listener->unix_socket);
    if (listener->daemon) {
        int fd = MHD_quiesce_daemon(listener->daemon);
        /* libmicrohttpd cannot end with suspended connections. */
        ots_alarms_hurry(listener->delays);
        ots_traffic_end(&listener->traffic, drain_ms);
        MHD_stop_daemon(listener->daemon);
        /* Not before: libmicrohttpd's thread takes it out of its epoll set some time later. */
        if (fd >= 0)
            close(fd);
    }
    ots_alarms_free(listener->delays);
    ots_alarms_free(listener->deadlines);
    ots_budget_deinit(&listener->budget);
    ots_traffic_deinit(&listener->traffic);
    ots_crowd_deinit(&listener->crowd);
    free(listener->unix_socket);
    free(listener);
}

unsigned ots_listener_port(const struct ots_listener *listener)
{
    return listener->port;
}

unsigned ots_listener_connections(struct ots_listener *listener)
{
    return ots_traffic_connections(&listener->traffic);
}
