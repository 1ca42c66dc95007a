#include "backend/client/probe.h"
#include "tests/unit/http_peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static enum ots_status probe(const char *endpoint, struct ots_probe *out, struct ots_error *err)
{
    struct ots_curl_options options = {.endpoint = endpoint, .idle_timeout_ms = 300};
    return ots_curl_probe(&options, out, err);
}

/* A socket that listens and never accepts: connections are made, nobody speaks. */
static int listen_silently(char endpoint[64], const char *scheme)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    snprintf(endpoint, 64, "%s://127.0.0.1:%u", scheme, ntohs(address.sin_port));
    return fd;
}

static void all_steps(void **state)
{
    (void)state;
    struct http_peer *peer = http_peer_new(NULL);
    struct ots_probe out;
    assert_int_equal(probe(http_peer_endpoint(peer), &out, NULL), OTS_OK);
    assert_int_equal(out.reached, OTS_PROBE_DONE);
    assert_false(out.has_tls);
    assert_string_equal(out.address, "127.0.0.1");
    assert_int_equal(out.port, atoi(strrchr(http_peer_endpoint(peer), ':') + 1));
    assert_int_equal(http_peer_requests(peer), 0);
    http_peer_free(peer);
}

static void no_such_host(void **state)
{
    (void)state;
    struct ots_probe out;
    struct ots_error err;
    assert_int_equal(probe("https://nosuch.invalid", &out, &err), OTS_NETWORK);
    assert_int_equal(out.reached, OTS_PROBE_DNS);
    assert_non_null(strstr(err.message, "nosuch.invalid"));
    assert_true(out.has_tls);
    assert_string_equal(out.address, "");
}

static void a_closed_port(void **state)
{
    (void)state;
    char endpoint[64];
    struct ots_probe out;
    struct ots_error err;
    close(listen_silently(endpoint, "https"));
    assert_int_equal(probe(endpoint, &out, &err), OTS_NETWORK);
    assert_int_equal(out.reached, OTS_PROBE_TCP);
    assert_non_null(strstr(err.message, "127.0.0.1"));
}

static void a_peer_without_tls(void **state)
{
    (void)state;
    char endpoint[64];
    struct ots_probe out;
    struct ots_error err;
    struct http_peer *peer = http_peer_new(NULL);
    snprintf(endpoint, sizeof(endpoint), "https%s", http_peer_endpoint(peer) + strlen("http"));
    assert_int_not_equal(probe(endpoint, &out, &err), OTS_OK);
    assert_int_equal(out.reached, OTS_PROBE_TLS);
    http_peer_free(peer);
}

static void a_silent_peer(void **state)
{
    (void)state;
    char endpoint[64];
    struct ots_probe out;
    struct ots_error err;
    int fd = listen_silently(endpoint, "https");
    assert_int_equal(probe(endpoint, &out, &err), OTS_TIMEOUT);
    assert_int_equal(out.reached, OTS_PROBE_TLS);
    close(fd);
    fd = listen_silently(endpoint, "http");
    assert_int_equal(probe(endpoint, &out, &err), OTS_OK);
    close(fd);
}

static void a_proxy_that_is_not_there(void **state)
{
    (void)state;
    struct ots_probe out;
    struct ots_error err;
    setenv("https_proxy", "http://nosuch.invalid:1", 1);
    assert_int_not_equal(probe("https://192.0.2.1", &out, &err), OTS_OK);
    assert_int_equal(out.reached, OTS_PROBE_DNS);
    assert_non_null(strstr(err.message, "proxy"));
    unsetenv("https_proxy");
}

static void bad_options(void **state)
{
    (void)state;
    struct ots_probe out;
    assert_int_equal(probe("ftp://host", &out, NULL), OTS_INVALID);
    struct ots_curl_options options = {.endpoint = "https://h", .ca_file = "/nonexistent"};
    assert_int_equal(ots_curl_probe(&options, &out, NULL), OTS_NOT_FOUND);
}

int main(void)
{
    /* The machine's own proxy has no part in this. */
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("HTTPS_PROXY");
    unsetenv("all_proxy");
    unsetenv("ALL_PROXY");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_steps),     cmocka_unit_test(no_such_host),
        cmocka_unit_test(a_closed_port), cmocka_unit_test(a_peer_without_tls),
        cmocka_unit_test(a_silent_peer), cmocka_unit_test(a_proxy_that_is_not_there),
        cmocka_unit_test(bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
