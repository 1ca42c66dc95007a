#include "tests/unit/http_peer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEAD_BYTES_MAX = 16 * 1024, CONNECTIONS_MAX = 512 };

struct connection {
    struct http_peer *peer;
    int fd;
    pthread_t thread;
};

struct http_peer {
    int listener;
    char endpoint[64];
    pthread_t thread;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct connection *connections[CONNECTIONS_MAX];
        unsigned connection_count;
        unsigned open_count;
        unsigned open_max;
        unsigned request_count;
        char head[HEAD_BYTES_MAX];
    } synced;
};

static bool send_all(int fd, const void *data, size_t size)
{
    const char *next = data;
    while (size) {
        ssize_t sent = send(fd, next, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        next += sent;
        size -= (size_t)sent;
    }
    return true;
}

static bool send_text(int fd, const char *text)
{
    return send_all(fd, text, strlen(text));
}

static bool send_echo(int fd, const void *body, size_t size)
{
    char head[256];
    snprintf(head, sizeof(head),
             "HTTP/1.1 200 OK\r\nX-Ots-Note:  hello \r\nContent-Length: %zu\r\n\r\n", size);
    return send_text(fd, head) && send_all(fd, body, size);
}

static bool send_many_headers(int fd)
{
    bool is_sent = send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (int i = 0; is_sent && i < 100; i++) {
        char line[64];
        snprintf(line, sizeof(line), "X-Ots-H%d: v\r\n", i);
        is_sent = send_text(fd, line);
    }
    return is_sent && send_text(fd, "\r\n");
}

static bool send_endless(int fd)
{
    bool is_sent = send_text(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    char chunk[4096 + 8];
    memset(chunk, 'x', sizeof(chunk));
    memcpy(chunk, "1000\r\n", 6);
    memcpy(chunk + 6 + 4096, "\r\n", 2);
    while (is_sent)
        is_sent = send_all(fd, chunk, 6 + 4096 + 2);
    return false;
}

/* Answer one request; false ends the connection. */
static bool answer(int fd, const char *path, const void *body, size_t size)
{
    char byte;
    if (!strcmp(path, "/echo"))
        return send_echo(fd, body, size);
    if (!strcmp(path, "/busy"))
        return send_text(fd, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
    if (!strcmp(path, "/redirect"))
        return send_text(fd, "HTTP/1.1 301 Moved\r\nLocation: /echo\r\nContent-Length: 0\r\n\r\n");
    if (!strcmp(path, "/interim"))
        return send_text(fd, "HTTP/1.1 100 Continue\r\nX-Ots-Interim: 1\r\n\r\n") &&
               send_echo(fd, body, size);
    if (!strcmp(path, "/cut-inside"))
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789");
    else if (!strcmp(path, "/close-after"))
        send_echo(fd, body, size);
    else if (!strcmp(path, "/slow"))
        return recv(fd, &byte, 1, 0) > 0;
    else if (!strcmp(path, "/large"))
        return send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n");
    else if (!strcmp(path, "/endless"))
        return send_endless(fd);
    else if (!strcmp(path, "/many-headers"))
        return send_many_headers(fd);
    else if (!strcmp(path, "/garbage"))
        send_text(fd, "\x01\x02 this is not HTTP\r\n\r\n");
    return false;
}

/* Receive until the empty line; the head is NUL-terminated. */
static bool receive_head(int fd, char head[HEAD_BYTES_MAX])
{
    size_t size = 0;
    while (size < HEAD_BYTES_MAX - 1) {
        if (recv(fd, head + size, 1, 0) != 1)
            return false;
        head[++size] = '\0';
        if (size >= 4 && !memcmp(head + size - 4, "\r\n\r\n", 4))
            return true;
    }
    return false;
}

static bool receive_body(int fd, char *body, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t bytes = recv(fd, body + got, size - got, 0);
        if (bytes <= 0)
            return false;
        got += (size_t)bytes;
    }
    return true;
}

static void note_request(struct http_peer *peer, const char *head)
{
    pthread_mutex_lock(&peer->synced.lock);
    peer->synced.request_count++;
    memcpy(peer->synced.head, head, strlen(head) + 1);
    pthread_cond_broadcast(&peer->synced.changed);
    pthread_mutex_unlock(&peer->synced.lock);
}

static bool serve_one(struct connection *connection, char head[HEAD_BYTES_MAX])
{
    if (!receive_head(connection->fd, head))
        return false;
    const char *length = strcasestr(head, "\r\nContent-Length:");
    size_t size = length ? strtoul(length + strlen("\r\nContent-Length:"), NULL, 10) : 0;
    char *body = malloc(size + 1);
    assert(body);
    bool goes_on = receive_body(connection->fd, body, size);
    if (goes_on) {
        note_request(connection->peer, head);
        char path[64] = "";
        sscanf(head, "POST %63s HTTP/1.1", path);
        goes_on = answer(connection->fd, path, body, size);
    }
    free(body);
    return goes_on;
}

static void *serve(void *argument)
{
    struct connection *connection = argument;
    struct http_peer *peer = connection->peer;
    char head[HEAD_BYTES_MAX];
    while (serve_one(connection, head))
        continue;
    /* The descriptor is closed with the peer, so that its number is not used again before. */
    shutdown(connection->fd, SHUT_RDWR);
    pthread_mutex_lock(&peer->synced.lock);
    peer->synced.open_count--;
    pthread_mutex_unlock(&peer->synced.lock);
    return NULL;
}

static void *accept_all(void *argument)
{
    struct http_peer *peer = argument;
    int fd;
    while ((fd = accept(peer->listener, NULL, NULL)) >= 0) {
        struct connection *connection = calloc(1, sizeof(*connection));
        assert(connection);
        connection->peer = peer;
        connection->fd = fd;
        pthread_mutex_lock(&peer->synced.lock);
        assert(peer->synced.connection_count < CONNECTIONS_MAX);
        peer->synced.connections[peer->synced.connection_count++] = connection;
        if (++peer->synced.open_count > peer->synced.open_max)
            peer->synced.open_max = peer->synced.open_count;
        pthread_mutex_unlock(&peer->synced.lock);
        int failure = pthread_create(&connection->thread, NULL, serve, connection);
        assert(!failure);
    }
    return NULL;
}

static int listen_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failure = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    assert(!failure);
    return fd;
}

static int listen_loopback(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failure = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    assert(!failure);
    failure = getsockname(fd, (struct sockaddr *)&address, &size);
    assert(!failure);
    *port = ntohs(address.sin_port);
    return fd;
}

struct http_peer *http_peer_new(const char *path)
{
    struct http_peer *peer = calloc(1, sizeof(*peer));
    assert(peer);
    pthread_mutex_init(&peer->synced.lock, NULL);
    pthread_cond_init(&peer->synced.changed, NULL);
    unsigned port = 0;
    peer->listener = path ? listen_unix(path) : listen_loopback(&port);
    if (path)
        snprintf(peer->endpoint, sizeof(peer->endpoint), "http://localhost");
    else
        snprintf(peer->endpoint, sizeof(peer->endpoint), "http://127.0.0.1:%u", port);
    int failure = listen(peer->listener, 128);
    assert(!failure);
    failure = pthread_create(&peer->thread, NULL, accept_all, peer);
    assert(!failure);
    return peer;
}

void http_peer_free(struct http_peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    for (unsigned i = 0; i < peer->synced.connection_count; i++) {
        struct connection *connection = peer->synced.connections[i];
        shutdown(connection->fd, SHUT_RDWR);
        pthread_join(connection->thread, NULL);
        close(connection->fd);
        free(connection);
    }
    pthread_cond_destroy(&peer->synced.changed);
    pthread_mutex_destroy(&peer->synced.lock);
    free(peer);
}

const char *http_peer_endpoint(const struct http_peer *peer)
{
    return peer->endpoint;
}

static unsigned read_count(struct http_peer *peer, const unsigned *count)
{
    pthread_mutex_lock(&peer->synced.lock);
    unsigned value = *count;
    pthread_mutex_unlock(&peer->synced.lock);
    return value;
}

unsigned http_peer_connections(struct http_peer *peer)
{
    return read_count(peer, &peer->synced.connection_count);
}

unsigned http_peer_connections_max(struct http_peer *peer)
{
    return read_count(peer, &peer->synced.open_max);
}

unsigned http_peer_requests(struct http_peer *peer)
{
    return read_count(peer, &peer->synced.request_count);
}

void http_peer_wait_requests(struct http_peer *peer, unsigned count)
{
    pthread_mutex_lock(&peer->synced.lock);
    while (peer->synced.request_count < count)
        pthread_cond_wait(&peer->synced.changed, &peer->synced.lock);
    pthread_mutex_unlock(&peer->synced.lock);
}

void http_peer_last_head(struct http_peer *peer, char *head, size_t size)
{
    pthread_mutex_lock(&peer->synced.lock);
    snprintf(head, size, "%s", peer->synced.head);
    pthread_mutex_unlock(&peer->synced.lock);
}
