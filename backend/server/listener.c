/*
 * libmicrohttpd calls `handle` several times for a request: first when the headers have come, then
 * with pieces of the body, at last without any, which is when the answer is made. A request that
 * is refused early is read to its end nevertheless, up to a bound, because a client that is still
 * sending would not see the answer.
 *
 * Of counts that several threads touch there are two, both under `lock`: open connections and
 * requests under way. A request is under way from its first call until its answer was sent or the
 * connection was lost.
 */
#include "backend/server/listener.h"

#include "backend/base/cleanup.h"
#include "backend/model/limits.h"
#include "backend/server/listen_socket.h"
#include "backend/wire/service_code.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    THREADS_DEFAULT = 4,
    THREADS_MAX = 64,
    CONNECTIONS_DEFAULT = 512,
    IDLE_TIMEOUT_DEFAULT_S = 75,
    /* Per connection: bounds the headers before we see them, and is what bodies are read with. */
    CONNECTION_MEMORY_BYTES = 64 * 1024,
    CONNECTION_GROWTH_BYTES = 16 * 1024,
    BODY_RESERVE_BYTES_MAX = 1024 * 1024,
    HEADER_VALUE_BYTES = 512,
    HEADER_NAME_BYTES = 64,
};

/* What is read and thrown away of a body that is refused for its size. */
static const uint64_t DISCARD_BYTES_MAX = 2 * (uint64_t)OTS_REQUEST_BODY_BYTES_MAX;

struct ots_listener {
    struct ots_service *service;
    struct MHD_Daemon *daemon;
    char *unix_socket;
    unsigned port;
    void (*on_idle)(void *context);
    void *context;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t quiet;
        unsigned connections;
        unsigned requests;
        bool is_ending;
    } synced;
};

struct refusal {
    const char *code;
    const char *message;
};

struct request {
    struct ots_http_request http;
    char *path;
    struct ots_buf body;
    uint64_t received_bytes;
    struct refusal refusal; /* no code: the service decides */
};

static const struct refusal TOO_LARGE = {OTS_CODE_REQUEST_BODY_TOO_LARGE,
                                         "The request body is too large."};
static const struct refusal NOT_POST = {OTS_CODE_METHOD_NOT_ALLOWED,
                                        "Only POST requests are allowed."};
static const struct refusal TOO_MANY_HEADERS = {OTS_CODE_PARAMETER_INVALID,
                                                "The request has too many headers."};
static const struct refusal NO_MEMORY = {OTS_CODE_SERVER_BUSY, "Server is busy."};

static void request_free(struct request *request)
{
    ots_headers_deinit(&request->http.headers);
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
    enum ots_status status = ots_headers_add(&request->http.headers, ots_slice(name, name_size),
                                             ots_slice(value ? value : "", value_size));
    if (status == OTS_OK)
        return MHD_YES;
    request->refusal = status == OTS_LIMIT ? TOO_MANY_HEADERS : NO_MEMORY;
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

static struct request *request_new(struct MHD_Connection *connection, const char *url,
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
    request->http.path = ots_slice_str(request->path);
    uint64_t bytes = announced_bytes(connection);
    if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
        request->refusal = NOT_POST;
    else if (bytes > OTS_REQUEST_BODY_BYTES_MAX)
        request->refusal = TOO_LARGE;
    else if (bytes)
        (void)ots_buf_reserve(&request->body, bytes < BODY_RESERVE_BYTES_MAX
                                                  ? (size_t)bytes
                                                  : BODY_RESERVE_BYTES_MAX);
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_header, request);
    return request;
}

static enum MHD_Result take_body(struct request *request, const char *data, size_t *size)
{
    request->received_bytes += *size;
    if (request->received_bytes > DISCARD_BYTES_MAX)
        return MHD_NO;
    if (request->received_bytes > OTS_REQUEST_BODY_BYTES_MAX && !request->refusal.code)
        request->refusal = TOO_LARGE;
    if (request->refusal.code)
        ots_buf_deinit(&request->body);
    else
        ots_buf_append(&request->body, data, *size);
    *size = 0;
    return MHD_YES;
}

static bool is_ending(struct ots_listener *listener)
{
    pthread_mutex_lock(&listener->synced.lock);
    bool ending = listener->synced.is_ending;
    pthread_mutex_unlock(&listener->synced.lock);
    return ending;
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

static enum MHD_Result send_response(struct ots_listener *listener,
                                     struct MHD_Connection *connection,
                                     struct ots_http_response *http)
{
    struct MHD_Response *response = make_response(&http->body);
    if (!response)
        return MHD_NO;
    bool is_complete = true;
    for (size_t i = 0; i < http->headers.count; i++)
        is_complete &= add_header(response, &http->headers.items[i]);
    if (is_ending(listener))
        is_complete &= MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result =
        is_complete ? MHD_queue_response(connection, (unsigned)http->status, response) : MHD_NO;
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result answer(struct ots_listener *listener, struct MHD_Connection *connection,
                              struct request *request)
{
    struct ots_http_response response;
    if (!request->refusal.code && ots_buf_status(&request->body) != OTS_OK)
        request->refusal = NO_MEMORY;
    request->http.body = ots_buf_slice(&request->body);
    if (request->refusal.code)
        ots_service_refuse(listener->service, &request->http, request->refusal.code,
                           request->refusal.message, &response);
    else
        ots_service_handle(listener->service, &request->http, &response);
    /* The request's memory is not needed while the answer is sent. */
    ots_buf_deinit(&request->body);
    enum MHD_Result result = send_response(listener, connection, &response);
    ots_headers_deinit(&response.headers);
    ots_buf_deinit(&response.body);
    return result;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
    (void)version;
    struct ots_listener *listener = context;
    struct request *request = *state;
    if (request)
        return *size ? take_body(request, data, size) : answer(listener, connection, request);
    request = request_new(connection, url, method);
    if (!request)
        return MHD_NO;
    *state = request;
    pthread_mutex_lock(&listener->synced.lock);
    listener->synced.requests++;
    pthread_mutex_unlock(&listener->synced.lock);
    if (request->refusal.code && announced_bytes(connection) > DISCARD_BYTES_MAX)
        return answer(listener, connection, request);
    return MHD_YES;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    struct ots_listener *listener = context;
    if (!*state)
        return;
    request_free(*state);
    *state = NULL;
    pthread_mutex_lock(&listener->synced.lock);
    if (--listener->synced.requests == 0)
        pthread_cond_broadcast(&listener->synced.quiet);
    pthread_mutex_unlock(&listener->synced.lock);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **state,
                          enum MHD_ConnectionNotificationCode code)
{
    (void)connection;
    (void)state;
    struct ots_listener *listener = context;
    pthread_mutex_lock(&listener->synced.lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        listener->synced.connections++;
    else
        listener->synced.connections--;
    bool is_idle = listener->synced.connections == 0;
    pthread_mutex_unlock(&listener->synced.lock);
    if (is_idle && listener->on_idle)
        listener->on_idle(listener->context);
}

static enum ots_status start_daemon(struct ots_listener *listener,
                                    const struct ots_listener_options *options, int take_fd,
                                    struct ots_error *err)
{
    unsigned threads = options->threads ? options->threads : THREADS_DEFAULT;
    unsigned connections =
        options->connections_max ? options->connections_max : CONNECTIONS_DEFAULT;
    unsigned idle_s = options->idle_timeout_s ? options->idle_timeout_s : IDLE_TIMEOUT_DEFAULT_S;
    if (threads > THREADS_MAX)
        threads = THREADS_MAX;
    if (connections < threads)
        connections = threads;
    listener->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, handle, listener,
        MHD_OPTION_LISTEN_SOCKET, take_fd, MHD_OPTION_THREAD_POOL_SIZE, threads,
        MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_CONNECTION_TIMEOUT, idle_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)CONNECTION_GROWTH_BYTES,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, listener, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, listener, MHD_OPTION_END);
    if (listener->daemon)
        return OTS_OK;
    enum ots_status status = ots_error_errno(err, errno, "cannot start to serve");
    close(take_fd);
    return status;
}

static enum ots_status start(struct ots_listener *listener,
                             const struct ots_listener_options *options, struct ots_error *err)
{
    int fd = -1;
    enum ots_status status;
    if (options->unix_socket) {
        status = ots_listen_unix(options->unix_socket, &fd, err);
        if (status != OTS_OK)
            return status;
        listener->unix_socket = strdup(options->unix_socket);
        if (!listener->unix_socket) {
            close(fd);
            return ots_error_set(err, OTS_NOMEM, "no memory for a listener");
        }
    } else {
        status = ots_listen_tcp(options->address, &fd, &listener->port, err);
        if (status != OTS_OK)
            return status;
    }
    return start_daemon(listener, options, fd, err);
}

enum ots_status ots_listener_new(const struct ots_listener_options *options,
                                 struct ots_listener **out, struct ots_error *err)
{
    *out = NULL;
    struct ots_listener *listener = calloc(1, sizeof(*listener));
    if (!listener)
        return ots_error_set(err, OTS_NOMEM, "no memory for a listener");
    listener->service = options->service;
    listener->on_idle = options->on_idle;
    listener->context = options->context;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&listener->synced.lock, NULL);
    pthread_cond_init(&listener->synced.quiet, &attributes);
    pthread_condattr_destroy(&attributes);
    enum ots_status status = start(listener, options, err);
    if (status != OTS_OK) {
        ots_listener_free(listener, 0);
        return status;
    }
    *out = listener;
    return OTS_OK;
}

static void wait_quiet(struct ots_listener *listener, int64_t drain_ms)
{
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += drain_ms / 1000;
    end.tv_nsec += drain_ms % 1000 * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    pthread_mutex_lock(&listener->synced.lock);
    listener->synced.is_ending = true;
    int result = 0;
    while (listener->synced.requests && result == 0)
        result = pthread_cond_timedwait(&listener->synced.quiet, &listener->synced.lock, &end);
    pthread_mutex_unlock(&listener->synced.lock);
}

void ots_listener_free(struct ots_listener *listener, int64_t drain_ms)
{
    if (!listener)
        return;
    if (listener->unix_socket)
        unlink(listener->unix_socket);
    if (listener->daemon) {
        int fd = MHD_quiesce_daemon(listener->daemon);
        if (fd >= 0)
            close(fd);
        wait_quiet(listener, drain_ms);
        MHD_stop_daemon(listener->daemon);
    }
    pthread_cond_destroy(&listener->synced.quiet);
    pthread_mutex_destroy(&listener->synced.lock);
    free(listener->unix_socket);
    free(listener);
}

unsigned ots_listener_port(const struct ots_listener *listener)
{
    return listener->port;
}

unsigned ots_listener_connections(struct ots_listener *listener)
{
    pthread_mutex_lock(&listener->synced.lock);
    unsigned connections = listener->synced.connections;
    pthread_mutex_unlock(&listener->synced.lock);
    return connections;
}
