#include "tests/unit/server_fixture.h"

#include "backend/model/limits.h"
#include "backend/server/listen_socket.h"
#include "backend/server/listener.h"
#include "backend/server/service.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct fixture {
    struct test_directory directory;
    char socket_path[300];
    struct ots_log log;
    struct ots_service *service;
    struct ots_listener *listener;
    sem_t idle;
};

static void on_idle(void *context)
{
    sem_post(&((struct fixture *)context)->idle);
}

static enum ots_status listen_on(struct fixture *fixture, const char *address, const char *path,
                                 struct ots_error *err)
{
    const struct ots_listener_options options = {
        .address = address,
        .unix_socket = path,
        .handler = ots_service_handler(fixture->service),
        .threads = 2,
        .on_idle = on_idle,
        .context = fixture,
    };
    return ots_listener_new(&options, &fixture->listener, err);
}

static int setup(void **state)
{
    static struct fixture fixture;
    char data[300];
    memset(&fixture, 0, sizeof(fixture));
    fixture.log = (struct ots_log){.program = "test", .level = OTS_LOG_ERROR};
    test_directory_make(&fixture.directory);
    snprintf(data, sizeof(data), "%s/data", fixture.directory.path);
    snprintf(fixture.socket_path, sizeof(fixture.socket_path), "%s/s", fixture.directory.path);
    sem_init(&fixture.idle, 0, 0);
    const struct ots_service_options options = {
        .directory = data,
        .instance = "i",
        .access_key_id = "id",
        .access_key_secret = "secret",
        .clock = &ots_clock_system,
        .log = &fixture.log,
    };
    assert_int_equal(ots_service_open(&options, &fixture.service, NULL), OTS_OK);
    *state = &fixture;
    return 0;
}

static int setup_listening(void **state)
{
    struct ots_error err = {0};
    int failed = setup(state);
    struct fixture *fixture = *state;
    if (listen_on(fixture, NULL, fixture->socket_path, &err) != OTS_OK)
        fail_msg("%s", err.message);
    return failed;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ots_listener_free(fixture->listener, 1000);
    ots_service_close(fixture->service);
    test_directory_remove(&fixture->directory);
    sem_destroy(&fixture->idle);
    return 0;
}

/* ---- a client that sends what it likes ---- */

static int connect_unix(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(name.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

static int connect_tcp(unsigned port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

static void send_all(int fd, const char *text, size_t size)
{
    while (size) {
        ssize_t sent = send(fd, text, size, MSG_NOSIGNAL);
        if (sent < 0)
            return; /* the other side has closed: what it answered is looked at next */
        text += sent;
        size -= (size_t)sent;
    }
}

static void send_text(int fd, const char *text)
{
    send_all(fd, text, strlen(text));
}

/* Read one answer; returns its status, 0 when the connection was closed before. */
static int read_answer(int fd, struct ots_buf *head)
{
    ots_buf_reset(head);
    while (head->size < 4 || memcmp(head->data + head->size - 4, "\r\n\r\n", 4) != 0) {
        char byte;
        if (recv(fd, &byte, 1, 0) != 1)
            return 0;
        ots_buf_append(head, &byte, 1);
    }
    ots_buf_append_byte(head, '\0');
    const char *length = strstr((const char *)head->data, "Content-Length: ");
    for (long left = length ? strtol(length + 16, NULL, 10) : 0; left > 0; left--) {
        char byte;
        assert_int_equal(recv(fd, &byte, 1, 0), 1);
    }
    int status = 0;
    assert_int_equal(sscanf((const char *)head->data, "HTTP/1.1 %d", &status), 1);
    return status;
}

static void assert_signed(const struct ots_buf *head)
{
    static const char *const names[] = {"x-ots-contentmd5: ", "x-ots-contenttype: ", "x-ots-date: ",
                                        "x-ots-requestid: ", "authorization: OTS id:"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_non_null(strstr((const char *)head->data, names[i]));
}

/* Send `text` on a connection of its own; expect an answer with `status`, signed. */
static void expect_status(struct fixture *fixture, const char *text, int status)
{
    struct ots_buf head = OTS_BUF_INIT;
    int fd = connect_unix(fixture->socket_path);
    send_text(fd, text);
    assert_int_equal(read_answer(fd, &head), status);
    assert_signed(&head);
    close(fd);
    ots_buf_deinit(&head);
}

#define UNSIGNED_LIST                                                                              \
    "POST /ListTimeseriesTable HTTP/1.1\r\nHost: x\r\nX-Ots-Date: 2025-01-02T03:04:05Z\r\n"        \
    "Content-Length: 0\r\n\r\n"

/* ---- tests ---- */

static void test_keep_alive(void **state)
{
    struct fixture *fixture = *state;
    struct ots_buf head = OTS_BUF_INIT;
    int fd = connect_unix(fixture->socket_path);
    for (int i = 0; i < 3; i++) {
        send_text(fd, UNSIGNED_LIST);
        assert_int_equal(read_answer(fd, &head), 400);
        assert_signed(&head);
    }
    /* Two at once. */
    send_text(fd, UNSIGNED_LIST UNSIGNED_LIST);
    assert_int_equal(read_answer(fd, &head), 400);
    assert_int_equal(read_answer(fd, &head), 400);
    close(fd);
    ots_buf_deinit(&head);
}

static void test_slow_and_chunked(void **state)
{
    struct fixture *fixture = *state;
    struct ots_buf head = OTS_BUF_INIT;
    int fd = connect_unix(fixture->socket_path);
    for (const char *c = UNSIGNED_LIST; *c; c++)
        send_all(fd, c, 1);
    assert_int_equal(read_answer(fd, &head), 400);
    close(fd);
    ots_buf_deinit(&head);
    expect_status(fixture,
                  "POST /ListTimeseriesTable HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                  "\r\n3\r\nabc\r\n0\r\n\r\n",
                  400);
}

static void test_methods(void **state)
{
    expect_status(*state, "GET /ListTimeseriesTable HTTP/1.1\r\nHost: x\r\n\r\n", 405);
    expect_status(*state, "PUT /Foo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 405);
    expect_status(*state, "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", 405);
}

static void test_header_flood(void **state)
{
    struct fixture *fixture = *state;
    struct ots_buf text = OTS_BUF_INIT;
    ots_buf_append_str(&text, "POST /ListTimeseriesTable HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 100; i++)
        ots_buf_append_fmt(&text, "x-ots-%d: y\r\n", i);
    ots_buf_append_str(&text, "Content-Length: 0\r\n\r\n");
    ots_buf_append_byte(&text, '\0');
    expect_status(fixture, (const char *)text.data, 400);
    /* One that does not even fit in memory: any answer or none, but others are served on. */
    ots_buf_reset(&text);
    ots_buf_append_str(&text, "POST / HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 20000; i++)
        ots_buf_append_fmt(&text, "x-ots-%d: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", i);
    int fd = connect_unix(fixture->socket_path);
    send_all(fd, (const char *)text.data, text.size);
    expect_status(fixture, UNSIGNED_LIST, 400);
    close(fd);
    ots_buf_deinit(&text);
}

static void test_body_too_large(void **state)
{
    struct fixture *fixture = *state;
    struct ots_buf head = OTS_BUF_INIT;
    char text[200];
    /* A little over the limit: it is read to its end before the answer. */
    const size_t piece = 1 << 20;
    char *zeros = calloc(1, piece);
    assert_non_null(zeros);
    int fd = connect_unix(fixture->socket_path);
    snprintf(text, sizeof(text),
             "POST /PutTimeseriesData HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
             (size_t)OTS_REQUEST_BODY_BYTES_MAX + piece);
    send_text(fd, text);
    for (size_t i = 0; i <= OTS_REQUEST_BODY_BYTES_MAX / piece; i++)
        send_all(fd, zeros, piece);
    assert_int_equal(read_answer(fd, &head), 413);
    assert_signed(&head);
    close(fd);
    free(zeros);
    /* Far over it: the answer comes at once. */
    expect_status(fixture,
                  "POST /PutTimeseriesData HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n"
                  "\r\n",
                  413);
    ots_buf_deinit(&head);
}

static void test_not_http(void **state)
{
    struct fixture *fixture = *state;
    struct ots_buf head = OTS_BUF_INIT;
    int fd = connect_unix(fixture->socket_path);
    send_text(fd, "\x16\x03\x01 this is no request\r\n\r\n");
    shutdown(fd, SHUT_WR);
    int status = read_answer(fd, &head);
    assert_true(status == 0 || status == 400);
    close(fd);
    expect_status(fixture, UNSIGNED_LIST, 400);
    ots_buf_deinit(&head);
}

/* A connection that was cut in the middle of a request leaves nothing behind. */
static void test_cut(void **state)
{
    struct fixture *fixture = *state;
    int fd = connect_unix(fixture->socket_path);
    send_text(fd, "POST /PutTimeseriesData HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc");
    while (ots_listener_connections(fixture->listener) == 0)
        sched_yield();
    close(fd);
    sem_wait(&fixture->idle);
    assert_int_equal(ots_listener_connections(fixture->listener), 0);
}

static void test_connections_and_idle(void **state)
{
    struct fixture *fixture = *state;
    struct ots_buf head = OTS_BUF_INIT;
    int first = connect_unix(fixture->socket_path);
    int second = connect_unix(fixture->socket_path);
    send_text(first, UNSIGNED_LIST);
    send_text(second, UNSIGNED_LIST);
    assert_int_equal(read_answer(first, &head), 400);
    assert_int_equal(read_answer(second, &head), 400);
    assert_int_equal(ots_listener_connections(fixture->listener), 2);
    assert_int_equal(ots_listener_port(fixture->listener), 0);
    close(first);
    while (ots_listener_connections(fixture->listener) == 2)
        sched_yield();
    assert_int_not_equal(sem_trywait(&fixture->idle), 0);
    close(second);
    sem_wait(&fixture->idle);
    ots_buf_deinit(&head);
}

struct ending {
    struct ots_listener *listener;
    sem_t done;
};

static void *free_listener(void *argument)
{
    struct ending *ending = argument;
    ots_listener_free(ending->listener, 60000);
    sem_post(&ending->done);
    return NULL;
}

/* A request under way is answered before the end, and its connection closed after it. */
static void test_drain(void **state)
{
    struct fixture *fixture = *state;
    struct ots_buf head = OTS_BUF_INIT;
    pthread_t thread;
    int fd = connect_unix(fixture->socket_path);
    send_text(fd,
              "POST /Foo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(read_answer(fd, &head), 100);
    struct ending ending = {.listener = fixture->listener};
    fixture->listener = NULL;
    sem_init(&ending.done, 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, free_listener, &ending), 0);
    while (access(fixture->socket_path, F_OK) == 0)
        sched_yield();
    assert_int_not_equal(sem_trywait(&ending.done), 0);
    send_text(fd, "abc");
    assert_int_equal(read_answer(fd, &head), 400);
    assert_signed(&head);
    assert_int_equal(read_answer(fd, &head), 0);
    pthread_join(thread, NULL);
    sem_destroy(&ending.done);
    close(fd);
    ots_buf_deinit(&head);
}

static void test_unix_path(void **state)
{
    struct fixture *fixture = *state;
    struct ots_error err = {0};
    struct stat info;
    char blocked[320];
    assert_int_equal(stat(fixture->socket_path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    /* In use, and not ours to remove. */
    struct ots_listener *first = fixture->listener;
    assert_int_equal(listen_on(fixture, NULL, fixture->socket_path, &err), OTS_EXISTS);
    assert_null(fixture->listener);
    snprintf(blocked, sizeof(blocked), "%s/file", fixture->directory.path);
    fclose(fopen(blocked, "w"));
    assert_int_equal(listen_on(fixture, NULL, blocked, &err), OTS_EXISTS);
    assert_int_equal(access(blocked, F_OK), 0);
    char long_path[400];
    memset(long_path, 'x', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    assert_int_equal(listen_on(fixture, NULL, long_path, &err), OTS_INVALID);
    assert_int_equal(listen_on(fixture, NULL, "", &err), OTS_INVALID);
    fixture->listener = first;
    expect_status(fixture, UNSIGNED_LIST, 400);
    ots_listener_free(first, 0);
    fixture->listener = NULL;
    assert_int_not_equal(access(fixture->socket_path, F_OK), 0);
}

static void test_stale_socket(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(name.sun_path, fixture->socket_path, strlen(fixture->socket_path) + 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    close(fd);
    assert_int_equal(access(fixture->socket_path, F_OK), 0);
    assert_int_equal(listen_on(fixture, NULL, fixture->socket_path, NULL), OTS_OK);
    expect_status(fixture, UNSIGNED_LIST, 400);
}

static void test_tcp(void **state)
{
    struct fixture *fixture = *state;
    struct ots_error err = {0};
    struct ots_buf head = OTS_BUF_INIT;
    assert_int_equal(listen_on(fixture, "127.0.0.1:0", NULL, &err), OTS_OK);
    unsigned port = ots_listener_port(fixture->listener);
    assert_true(port > 0);
    int fd = connect_tcp(port);
    send_text(fd, UNSIGNED_LIST);
    assert_int_equal(read_answer(fd, &head), 400);
    assert_signed(&head);
    close(fd);
    ots_buf_deinit(&head);
    struct ots_listener *first = fixture->listener;
    char same[32];
    snprintf(same, sizeof(same), "127.0.0.1:%u", port);
    assert_int_equal(listen_on(fixture, same, NULL, &err), OTS_EXISTS);
    fixture->listener = first;
}

static void test_bad_addresses(void **state)
{
    struct fixture *fixture = *state;
    static const char *const addresses[] = {"",          "8087",          ":8087",
                                            "127.0.0.1", "127.0.0.1:",    "127.0.0.1:http",
                                            "::1]:8087", "[::1:8087",     "127.0.0.1:99999999",
                                            "[]:1",      "example.org:80"};
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        struct ots_error err = {0};
        assert_int_equal(listen_on(fixture, addresses[i], NULL, &err), OTS_INVALID);
        assert_null(fixture->listener);
    }
}

static void test_loopback(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int family;
        bool is_loopback;
    } cases[] = {
        {"127.0.0.1", AF_INET, true},
        {"127.9.8.7", AF_INET, true},
        {"128.0.0.1", AF_INET, false},
        {"10.0.0.127", AF_INET, false},
        {"::1", AF_INET6, true},
        {"::2", AF_INET6, false},
        {"::ffff:127.0.0.1", AF_INET6, true},
        {"::ffff:10.0.0.1", AF_INET6, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool is_v4 = cases[i].family == AF_INET;
        assert_int_equal(inet_pton(cases[i].family, cases[i].text,
                                   is_v4 ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr),
                         1);
        assert_int_equal(
            ots_listen_is_loopback(is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6),
            cases[i].is_loopback);
    }
    assert_false(ots_listen_is_loopback(NULL));
    assert_false(ots_listen_is_loopback(&(struct sockaddr){.sa_family = AF_UNIX}));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_listening, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_keep_alive),
        TEST(test_slow_and_chunked),
        TEST(test_methods),
        TEST(test_header_flood),
        TEST(test_body_too_large),
        TEST(test_not_http),
        TEST(test_cut),
        TEST(test_connections_and_idle),
        TEST(test_drain),
        TEST(test_unix_path),
        cmocka_unit_test_setup_teardown(test_stale_socket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tcp, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_addresses, setup, teardown),
        cmocka_unit_test(test_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
