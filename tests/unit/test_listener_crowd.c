/*
 * As many idle connections as there may be: who comes next is served soon, and nobody is cut who
 * is in the middle of a request. The handler is a fake that answers with the size of the body.
 */
#include "backend/server/listener.h"

#include "backend/base/clock.h"
#include "tests/unit/server_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNECTIONS = 64, MORE = 20, PATIENCE_S = 10 };

struct fixture {
    struct ots_handler handler; /* first */
    struct test_directory directory;
    char socket_path[300];
    struct ots_listener *listener;
    int idle[CONNECTIONS + MORE];
};

/* "/late": answered after 2 s. */
static void plan(struct ots_handler *handler, struct ots_visit *visit)
{
    (void)handler;
    if (ots_slice_equal(visit->http.path, OTS_SLICE("/late")))
        visit->verdict.delay_us = INT64_C(2000000);
}

static void answer(struct ots_handler *handler, struct ots_visit *visit)
{
    (void)handler;
    visit->response = (struct ots_http_response){
        .status = 200, .headers = OTS_HEADERS_INIT, .body = OTS_BUF_INIT};
    ots_buf_append_fmt(&visit->response.body, "%zu", visit->http.body.size);
}

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    fixture.handler = (struct ots_handler){plan, answer};
    test_directory_make(&fixture.directory);
    snprintf(fixture.socket_path, sizeof(fixture.socket_path), "%s/s", fixture.directory.path);
    const struct ots_listener_options options = {
        .unix_socket = fixture.socket_path,
        .handler = &fixture.handler,
        .connections_max = CONNECTIONS,
    };
    assert_int_equal(ots_listener_new(&options, &fixture.listener, NULL), OTS_OK);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ots_listener_free(fixture->listener, 1000);
    test_directory_remove(&fixture->directory);
    return 0;
}

static int connect_to(const struct fixture *fixture)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(name.sun_path, fixture->socket_path, strlen(fixture->socket_path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void expect_answer(int fd)
{
    char text[512];
    ssize_t size = recv(fd, text, sizeof(text), 0);
    assert_true(size > 12);
    assert_memory_equal(text, "HTTP/1.1 200", 12);
}

#define REQUEST "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"

/* More than there may be; every second one has been used. */
static void fill(struct fixture *fixture)
{
    for (int i = 0; i < CONNECTIONS + MORE; i++) {
        fixture->idle[i] = connect_to(fixture);
        if (i % 2 || i > CONNECTIONS / 2)
            continue;
        send_text(fixture->idle[i], REQUEST);
        expect_answer(fixture->idle[i]);
    }
}

static void close_all(struct fixture *fixture)
{
    for (int i = 0; i < CONNECTIONS + MORE; i++)
        close(fixture->idle[i]);
}

static void idle_ones_make_room(void **state)
{
    struct fixture *fixture = *state;
    int64_t start_us = ots_clock_monotonic_us(&ots_clock_system);
    fill(fixture);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(fixture);
        send_text(fd, REQUEST);
        expect_answer(fd);
        close(fd);
    }
    assert_true(ots_clock_monotonic_us(&ots_clock_system) - start_us < 5000000);
    assert_true(ots_listener_connections(fixture->listener) <= CONNECTIONS);
    close_all(fixture);
}

static void requests_under_way_are_not_cut(void **state)
{
    struct fixture *fixture = *state;
    int line = connect_to(fixture);
    int head = connect_to(fixture);
    int body = connect_to(fixture);
    int late = connect_to(fixture);
    send_text(line, "POST /x HTTP/1.1\r\n");
    send_text(head, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n");
    send_text(body, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab");
    send_text(late, "POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    fill(fixture);
    /* Long enough for everything that is idle to be cut. */
    expect_answer(late);
    send_text(line, "Host: x\r\nContent-Length: 0\r\n\r\n");
    send_text(head, "abc");
    send_text(body, "c");
    expect_answer(line);
    expect_answer(head);
    expect_answer(body);
    int fd = connect_to(fixture);
    send_text(fd, REQUEST);
    expect_answer(fd);
    close(fd);
    close(line);
    close(head);
    close(body);
    close(late);
    close_all(fixture);
}

/* With room for all, nobody is closed for being idle. */
static void few_idle_ones_stay(void **state)
{
    struct fixture *fixture = *state;
    int idle = connect_to(fixture);
    int late = connect_to(fixture);
    send_text(late, "POST /late HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    expect_answer(late);
    send_text(idle, REQUEST);
    expect_answer(idle);
    close(idle);
    close(late);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(idle_ones_make_room),
        TEST(requests_under_way_are_not_cut),
        TEST(few_idle_ones_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
