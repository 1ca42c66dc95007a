/*
 * Clients that are slow or broken, and answers that are delayed or cut: nobody else is held up.
 * The handler is a fake: a path says what it does.
 */
#include "backend/server/listener.h"

#include "backend/base/clock.h"
#include "backend/wire/service_code.h"
#include "tests/unit/server_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MIB = 1024 * 1024, BIG = 8 * MIB, BUDGET = 4 * MIB, MANY = 40 };

struct fixture {
    struct ots_handler handler; /* first */
    struct test_directory directory;
    char socket_path[300];
    struct ots_listener *listener;
    struct ots_counters *counters;
    atomic_int handled;
};

/* "/delay/MS": wait; "/cut/N": cut the answer of 10 bytes after N. */
static void plan(struct ots_handler *handler, struct ots_visit *visit)
{
    (void)handler;
    int number = 0;
    if (sscanf((const char *)visit->http.path.data, "/delay/%d", &number) == 1)
        visit->verdict.delay_us = number * INT64_C(1000);
}

/* "/size/N": a body of N bytes; all else: the size of the request's body, as text. */
static void answer(struct ots_handler *handler, struct ots_visit *visit)
{
    struct fixture *fixture = (struct fixture *)handler;
    struct ots_http_response *response = &visit->response;
    int number = 0;
    *response = (struct ots_http_response){
        .status = 200, .headers = OTS_HEADERS_INIT, .body = OTS_BUF_INIT};
    fixture->handled++;
    if (visit->refusal.code) {
        response->status = ots_service_code_find(visit->refusal.code)->http_status;
    } else if (sscanf((const char *)visit->http.path.data, "/size/%d", &number) == 1) {
        uint8_t *room = ots_buf_reserve(&response->body, (size_t)number);
        assert_non_null(room);
        memset(room, 'x', (size_t)number);
        ots_buf_advance(&response->body, (size_t)number);
    } else if (sscanf((const char *)visit->http.path.data, "/cut/%d", &number) == 1) {
        ots_buf_append_str(&response->body, "0123456789");
        visit->is_cut = true;
        visit->cut_bytes = (size_t)number;
    } else {
        ots_buf_append_fmt(&response->body, "%zu", visit->http.body.size);
    }
}

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    fixture.handler = (struct ots_handler){plan, answer};
    test_directory_make(&fixture.directory);
    snprintf(fixture.socket_path, sizeof(fixture.socket_path), "%s/s", fixture.directory.path);
    fixture.counters = ots_counters_new();
    const struct ots_listener_options options = {
        .unix_socket = fixture.socket_path,
        .handler = &fixture.handler,
        .counters = fixture.counters,
        .threads = 2,
        .idle_timeout_s = 1,
        .slow_timeout_s = 1,
        .body_bytes_max = BUDGET,
    };
    assert_int_equal(ots_listener_new(&options, &fixture.listener, NULL), OTS_OK);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ots_listener_free(fixture->listener, 1000);
    ots_counters_free(fixture->counters);
    test_directory_remove(&fixture->directory);
    return 0;
}

/* ---- clients ---- */

static int64_t now_us(void)
{
    return ots_clock_monotonic_us(&ots_clock_system);
}

static int connect_to(const struct fixture *fixture)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(name.sun_path, fixture->socket_path, strlen(fixture->socket_path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    return fd;
}

static bool send_some(int fd, const char *text, size_t size)
{
    return send(fd, text, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static void send_request(int fd, const char *path, size_t body_size)
{
    char head[200];
    snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", path,
             body_size);
    assert_true(send_some(fd, head, strlen(head)));
}

/* Read until the other side closes or `size` bytes came; returns how many. */
static size_t read_up_to(int fd, char *to, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t more = recv(fd, to + got, size - got, 0);
        if (more <= 0)
            break;
        got += (size_t)more;
    }
    to[got] = '\0';
    return got;
}

/* Ask on a connection of its own, to be closed by the server; returns the answer. */
static const char *ask(const struct fixture *fixture, const char *path)
{
    static char text[4096];
    char request[200];
    int fd = connect_to(fixture);
    snprintf(request, sizeof(request),
             "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", path);
    assert_true(send_some(fd, request, strlen(request)));
    read_up_to(fd, text, sizeof(text) - 1);
    close(fd);
    return text;
}

static void expect_service(const struct fixture *fixture)
{
    int64_t start_us = now_us();
    assert_non_null(strstr(ask(fixture, "/hello"), "HTTP/1.1 200 OK"));
    assert_true(now_us() - start_us < 900000);
}

/* The server closes the connection, within a few seconds. */
static void expect_closed(int fd)
{
    char byte;
    int64_t start_us = now_us();
    while (recv(fd, &byte, 1, 0) > 0)
        ;
    assert_true(now_us() - start_us < 10000000);
    close(fd);
}

/* ---- tests ---- */

static void delays_hold_up_nobody(void **state)
{
    struct fixture *fixture = *state;
    int fds[MANY];
    char text[512];
    int64_t start_us = now_us();
    for (int i = 0; i < MANY; i++) {
        fds[i] = connect_to(fixture);
        send_request(fds[i], "/delay/700", 0);
    }
    expect_service(fixture);
    assert_true(now_us() - start_us < 700000);
    for (int i = 0; i < MANY; i++) {
        recv(fds[i], text, sizeof(text), 0);
        assert_memory_equal(text, "HTTP/1.1 200", 12);
        close(fds[i]);
    }
    assert_true(now_us() - start_us >= 700000);
    assert_true(now_us() - start_us < 5000000);
}

/* Who goes away meanwhile, and an end while requests wait. */
static void ends_while_delayed(void **state)
{
    struct fixture *fixture = *state;
    int fds[MANY];
    for (int i = 0; i < MANY; i++) {
        fds[i] = connect_to(fixture);
        send_request(fds[i], "/delay/600000", 0);
    }
    while (ots_listener_connections(fixture->listener) < MANY)
        sched_yield();
    for (int i = 0; i < MANY / 2; i++)
        close(fds[i]);
    expect_service(fixture);
    ots_listener_free(fixture->listener, 60000);
    fixture->listener = NULL;
    for (int i = MANY / 2; i < MANY; i++)
        close(fds[i]);
}

static void a_head_that_trickles(void **state)
{
    struct fixture *fixture = *state;
    int fd = connect_to(fixture);
    int64_t start_us = now_us();
    assert_true(send_some(fd, "POST /x HTTP/1.1\r\nHost: ", 24));
    while (send_some(fd, "x", 1) && now_us() - start_us < 10000000) {
        expect_service(fixture);
        usleep(50000);
    }
    assert_true(now_us() - start_us < 10000000);
    expect_closed(fd);
    assert_int_equal(fixture->handled > 1, 1);
}

static void a_body_that_trickles(void **state)
{
    struct fixture *fixture = *state;
    int fd = connect_to(fixture);
    int64_t start_us = now_us();
    send_request(fd, "/x", 10000);
    while (send_some(fd, "x", 1) && now_us() - start_us < 10000000) {
        expect_service(fixture);
        usleep(50000);
    }
    assert_true(now_us() - start_us < 10000000);
    expect_closed(fd);
    struct ots_buf json = OTS_BUF_INIT;
    assert_int_equal(ots_counters_print(fixture->counters, &json), OTS_OK);
    ots_buf_append_byte(&json, '\0');
    assert_non_null(strstr((const char *)json.data, "\"cut\":\t1"));
    ots_buf_deinit(&json);
}

static void nothing_at_all(void **state)
{
    struct fixture *fixture = *state;
    int silent = connect_to(fixture);
    int half = connect_to(fixture);
    send_request(half, "/x", 100);
    expect_closed(silent);
    expect_closed(half);
    expect_service(fixture);
}

/* An answer that nobody reads is held for some time, and others are answered. */
static void an_answer_that_nobody_reads(void **state)
{
    struct fixture *fixture = *state;
    char *text = malloc(BIG + 1000);
    assert_non_null(text);
    int fd = connect_to(fixture);
    send_request(fd, "/size/3000000", 0);
    expect_service(fixture);
    int64_t start_us = now_us();
    while (ots_listener_connections(fixture->listener) && now_us() - start_us < 10000000)
        usleep(20000);
    assert_int_equal(ots_listener_connections(fixture->listener), 0);
    assert_true(read_up_to(fd, text, BIG) < 3000000);
    free(text);
    close(fd);
}

static void answers_over_the_budget(void **state)
{
    struct fixture *fixture = *state;
    char text[200];
    assert_non_null(strstr(ask(fixture, "/size/8000000"), "HTTP/1.1 503"));
    int fd = connect_to(fixture);
    send_request(fd, "/size/4000000", 0);
    while (recv(fd, text, sizeof(text), 0) <= 0)
        ;
    assert_non_null(strstr(ask(fixture, "/size/400000"), "HTTP/1.1 503"));
    assert_non_null(strstr(ask(fixture, "/size/4000"), "HTTP/1.1 200"));
    close(fd);
    /* It is given back with the connection. */
    while (!strstr(ask(fixture, "/size/400000"), "HTTP/1.1 200"))
        usleep(1000);
}

static void requests_over_the_budget(void **state)
{
    struct fixture *fixture = *state;
    char text[200];
    char *body = calloc(1, 3 * MIB);
    assert_non_null(body);
    int first = connect_to(fixture);
    send_request(first, "/x", 3 * MIB);
    assert_true(send_some(first, body, 3 * MIB - 1));
    int second = connect_to(fixture);
    send_request(second, "/x", 3 * MIB);
    assert_true(send_some(second, body, 3 * MIB));
    recv(second, text, sizeof(text), 0);
    assert_memory_equal(text, "HTTP/1.1 503", 12);
    expect_service(fixture);
    /* The one that had its share is answered. */
    assert_true(send_some(first, body, 1));
    recv(first, text, sizeof(text), 0);
    assert_memory_equal(text, "HTTP/1.1 200", 12);
    close(first);
    close(second);
    free(body);
}

static void cut_answers(void **state)
{
    struct fixture *fixture = *state;
    const char *text = ask(fixture, "/cut/4");
    assert_non_null(strstr(text, "Content-Length: 10\r\n"));
    const char *body = strstr(text, "\r\n\r\n");
    assert_non_null(body);
    assert_string_equal(body, "\r\n\r\n0123");
    /* Before the first byte of the answer, and with nothing left to cut. */
    assert_string_equal(strstr(ask(fixture, "/cut/0"), "\r\n\r\n") + 4, "");
    assert_string_equal(ask(fixture, "/cut/10"), "");
    assert_string_equal(ask(fixture, "/cut/99"), "");
    expect_service(fixture);
}

static void several_requests_at_once(void **state)
{
    struct fixture *fixture = *state;
    char text[2000];
    int fd = connect_to(fixture);
    for (size_t i = 0; i < 3; i++) {
        send_request(fd, "/x", i);
        assert_true(send_some(fd, "abc", i));
    }
    send_request(fd, "/delay/50", 0);
    send_request(fd, "/cut/99", 0);
    read_up_to(fd, text, sizeof(text) - 1);
    const char *at = text;
    for (int i = 0; i < 4; i++) {
        at = strstr(at, "\r\n\r\n");
        assert_non_null(at);
        at += 4;
        assert_int_equal(at[0], i < 3 ? '0' + i : '0');
    }
    close(fd);
}

/* Random bytes, and requests that end anywhere. */
static void garbage(void **state)
{
    struct fixture *fixture = *state;
    static const char request[] = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde";
    char bytes[300];
    unsigned random = 1;
    for (size_t round = 0; round < 200; round++) {
        int fd = connect_to(fixture);
        if (round % 2) {
            for (size_t i = 0; i < sizeof(bytes); i++) {
                random = random * 1103515245 + 12345;
                bytes[i] = (char)(random >> 16);
            }
            send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
        } else {
            send(fd, request, round / 2 % sizeof(request), MSG_NOSIGNAL);
        }
        if (round % 3 == 0)
            shutdown(fd, SHUT_WR);
        close(fd);
        if (round % 20 == 0)
            expect_service(fixture);
    }
    while (ots_listener_connections(fixture->listener))
        usleep(1000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(delays_hold_up_nobody),
        TEST(ends_while_delayed),
        TEST(a_head_that_trickles),
        TEST(a_body_that_trickles),
        TEST(nothing_at_all),
        TEST(an_answer_that_nobody_reads),
        TEST(answers_over_the_budget),
        TEST(requests_over_the_budget),
        TEST(cut_answers),
        TEST(several_requests_at_once),
        TEST(garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
