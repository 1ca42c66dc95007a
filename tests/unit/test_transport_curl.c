#include "backend/base/clock.h"
#include "backend/client/transport.h"

#include "backend/base/digest.h"
#include "tests/unit/http_peer.h"

#include <curl/curl.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned done_count;
};

/* One exchange with what it needs to live. */
struct job {
    struct ots_exchange exchange;
    struct waiter *waiter;
    char path[32];
    int64_t done_us;
    unsigned done_count;
};

static void waiter_init(struct waiter *waiter)
{
    pthread_mutex_init(&waiter->lock, NULL);
    pthread_cond_init(&waiter->changed, NULL);
    waiter->done_count = 0;
}

static void waiter_deinit(struct waiter *waiter)
{
    pthread_cond_destroy(&waiter->changed);
    pthread_mutex_destroy(&waiter->lock);
}

static void waiter_wait(struct waiter *waiter, unsigned count)
{
    pthread_mutex_lock(&waiter->lock);
    while (waiter->done_count < count)
        pthread_cond_wait(&waiter->changed, &waiter->lock);
    pthread_mutex_unlock(&waiter->lock);
}

static void job_done(struct ots_exchange *exchange, void *context)
{
    struct job *job = context;
    assert_ptr_equal(exchange, &job->exchange);
    job->done_us = ots_clock_monotonic_us(&ots_clock_system);
    pthread_mutex_lock(&job->waiter->lock);
    job->done_count++;
    job->waiter->done_count++;
    pthread_cond_broadcast(&job->waiter->changed);
    pthread_mutex_unlock(&job->waiter->lock);
}

static void job_init(struct job *job, struct waiter *waiter, const char *path,
                     struct ots_slice body)
{
    memset(job, 0, sizeof(*job));
    job->waiter = waiter;
    snprintf(job->path, sizeof(job->path), "%s", path);
    job->exchange.request.path = ots_slice_str(job->path);
    job->exchange.request.body = body;
    assert_int_equal(ots_headers_add(&job->exchange.request.headers, OTS_SLICE("x-ots-date"),
                                     OTS_SLICE("2025-01-02T03:04:05.678Z")),
                     OTS_OK);
    job->exchange.done = job_done;
    job->exchange.done_context = job;
}

static void job_deinit(struct job *job)
{
    ots_headers_deinit(&job->exchange.request.headers);
    ots_headers_deinit(&job->exchange.response.headers);
    ots_buf_deinit(&job->exchange.response.body);
}

struct fixture {
    struct http_peer *peer;
    struct ots_transport *transport;
    struct waiter waiter;
    char directory[64];
    char socket[96];
};

static void fixture_start(struct fixture *fixture, bool is_unix, struct ots_curl_options options)
{
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/ots-transport-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->socket, sizeof(fixture->socket), "%s/s", fixture->directory);
    waiter_init(&fixture->waiter);
    fixture->peer = http_peer_new(is_unix ? fixture->socket : NULL);
    options.endpoint = http_peer_endpoint(fixture->peer);
    options.unix_socket = is_unix ? fixture->socket : NULL;
    struct ots_error err = {.status = OTS_OK};
    enum ots_status status = ots_curl_transport_new(&options, &fixture->transport, &err);
    if (status != OTS_OK)
        fail_msg("%s", err.message);
}

static void fixture_stop(struct fixture *fixture)
{
    if (fixture->transport)
        fixture->transport->ops->free(fixture->transport);
    http_peer_free(fixture->peer);
    waiter_deinit(&fixture->waiter);
    unlink(fixture->socket);
    rmdir(fixture->directory);
}

static void submit(struct fixture *fixture, struct job *job, int64_t delay_ms)
{
    fixture->transport->ops->submit(fixture->transport, &job->exchange, delay_ms);
}

/* Submit one exchange and wait for it. */
static void run(struct fixture *fixture, struct job *job, const char *path, struct ots_slice body)
{
    unsigned before = fixture->waiter.done_count;
    job_init(job, &fixture->waiter, path, body);
    submit(fixture, job, 0);
    waiter_wait(&fixture->waiter, before + 1);
    assert_int_equal(job->done_count, 1);
}

static void run_expect(struct fixture *fixture, const char *path, enum ots_status status,
                       bool may_have_arrived)
{
    struct job job;
    run(fixture, &job, path, OTS_SLICE("body"));
    if (job.exchange.status != status)
        fail_msg("%s: %s, %s", path, ots_status_text(job.exchange.status),
                 job.exchange.error.message);
    assert_int_equal(job.exchange.may_have_arrived, may_have_arrived);
    if (status != OTS_OK) {
        assert_int_equal(job.exchange.error.status, status);
        assert_true(strlen(job.exchange.error.message) > 0);
    }
    job_deinit(&job);
}

static void check_echo(bool is_unix)
{
    struct fixture fixture;
    fixture_start(&fixture, is_unix, (struct ots_curl_options){.connections_max = 1});
    for (int i = 0; i < 20; i++) {
        struct job job;
        run(&fixture, &job, "/echo", OTS_SLICE("hello\0world"));
        assert_int_equal(job.exchange.status, OTS_OK);
        assert_int_equal(job.exchange.response.status, 200);
        assert_true(job.exchange.may_have_arrived);
        assert_true(
            ots_slice_equal(ots_buf_slice(&job.exchange.response.body), OTS_SLICE("hello\0world")));
        struct ots_slice note = ots_headers_get(&job.exchange.response.headers, "x-ots-note");
        assert_true(ots_slice_equal(note, OTS_SLICE("hello")));
        job_deinit(&job);
    }
    assert_int_equal(http_peer_connections(fixture.peer), 1);
    assert_int_equal(http_peer_requests(fixture.peer), 20);
    fixture_stop(&fixture);
}

static void test_keep_alive_tcp(void **state)
{
    (void)state;
    check_echo(false);
}

static void test_keep_alive_unix(void **state)
{
    (void)state;
    check_echo(true);
}

static void test_request_head(void **state)
{
    (void)state;
    struct fixture fixture;
    struct job job;
    char head[4096];
    fixture_start(&fixture, true, (struct ots_curl_options){.connections_max = 0});
    run(&fixture, &job, "/echo", OTS_SLICE_NONE);
    http_peer_last_head(fixture.peer, head, sizeof(head));
    assert_ptr_equal(strstr(head, "POST /echo HTTP/1.1\r\n"), head);
    assert_non_null(strstr(head, "\r\nContent-Length: 0\r\n"));
    assert_non_null(strstr(head, "\r\nx-ots-date: 2025-01-02T03:04:05.678Z\r\n"));
    assert_null(strcasestr(head, "\r\nexpect:"));
    assert_null(strcasestr(head, "\r\ncontent-type:"));
    assert_null(strcasestr(head, "\r\naccept"));
    assert_int_equal(job.exchange.response.body.size, 0);
    job_deinit(&job);
    fixture_stop(&fixture);
}

/* What stood in the request's headers when the transport gave them back. */
static struct {
    unsigned freed_count;
    unsigned legible_count;
} header_lines;

/* Stands before libcurl's own: looks at each line, then frees it as that one does. */
void curl_slist_free_all(struct curl_slist *line)
{
    while (line) {
        struct curl_slist *next = line->next;
        header_lines.freed_count++;
        if (memmem(line->data, malloc_usable_size(line->data), "legible", strlen("legible")))
            header_lines.legible_count++;
        free(line->data);
        free(line);
        line = next;
    }
}

/* A token must not stay in freed memory, whatever became of the exchange. */
static void test_headers_are_wiped(void **state)
{
    (void)state;
    static const char *const paths[] = {"/echo", "/cut-inside"};
    struct fixture fixture;
    struct job job;
    fixture_start(&fixture, true, (struct ots_curl_options){.connections_max = 1});
    header_lines.freed_count = 0;
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        char head[4096];
        job_init(&job, &fixture.waiter, paths[i], OTS_SLICE("body"));
        assert_int_equal(ots_headers_add(&job.exchange.request.headers, OTS_SLICE("x-ots-ststoken"),
                                         OTS_SLICE("legible token")),
                         OTS_OK);
        submit(&fixture, &job, 0);
        waiter_wait(&fixture.waiter, (unsigned)i + 1);
        http_peer_last_head(fixture.peer, head, sizeof(head));
        assert_non_null(strstr(head, "\r\nx-ots-ststoken: legible token\r\n"));
        assert_true(header_lines.freed_count >= (i + 1) * 6);
        assert_int_equal(header_lines.legible_count, 0);
        job_deinit(&job);
    }
    fixture_stop(&fixture);
}

/* Larger than any buffer on the way, and no wait for "100 Continue". */
static void test_large_body(void **state)
{
    (void)state;
    struct fixture fixture;
    struct job job;
    size_t size = 9 * 1024 * 1024 + 17;
    uint8_t *body = malloc(size);
    assert_non_null(body);
    for (size_t i = 0; i < size; i++)
        body[i] = (uint8_t)(i * 31 + i / 4096);
    fixture_start(&fixture, false, (struct ots_curl_options){.connections_max = 0});
    run(&fixture, &job, "/echo", ots_slice(body, size));
    assert_int_equal(job.exchange.status, OTS_OK);
    assert_true(ots_slice_equal(ots_buf_slice(&job.exchange.response.body), ots_slice(body, size)));
    job_deinit(&job);
    fixture_stop(&fixture);
    free(body);
}

static void check_parallel(bool is_unix, unsigned connections)
{
    enum { JOBS = 400 };
    static struct job jobs[JOBS];
    static char bodies[JOBS][64];
    struct fixture fixture;
    fixture_start(&fixture, is_unix, (struct ots_curl_options){.connections_max = connections});
    for (unsigned i = 0; i < JOBS; i++) {
        snprintf(bodies[i], sizeof(bodies[i]), "body of job %u", i);
        job_init(&jobs[i], &fixture.waiter, "/echo", ots_slice_str(bodies[i]));
        submit(&fixture, &jobs[i], i % 7);
    }
    waiter_wait(&fixture.waiter, JOBS);
    for (unsigned i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].exchange.status, OTS_OK);
        assert_int_equal(jobs[i].done_count, 1);
        assert_true(ots_slice_equal(ots_buf_slice(&jobs[i].exchange.response.body),
                                    ots_slice_str(bodies[i])));
        /* Answers that came together were hashed. */
        uint8_t digest[OTS_MD5_BYTES];
        assert_int_equal(ots_md5(ots_slice_str(bodies[i]), digest), OTS_OK);
        if (jobs[i].exchange.response.has_md5)
            assert_memory_equal(jobs[i].exchange.response.md5, digest, sizeof(digest));
        job_deinit(&jobs[i]);
    }
    assert_in_range(http_peer_connections(fixture.peer), 1, connections);
    assert_in_range(http_peer_connections_max(fixture.peer), 1, connections);
    fixture_stop(&fixture);
}

static void test_parallel(void **state)
{
    (void)state;
    check_parallel(true, 1);
    check_parallel(true, 8);
    check_parallel(false, 32);
}

static void test_answers_that_are_no_success(void **state)
{
    (void)state;
    struct fixture fixture;
    struct job job;
    fixture_start(&fixture, true, (struct ots_curl_options){.connections_max = 2});
    run(&fixture, &job, "/busy", OTS_SLICE("x"));
    assert_int_equal(job.exchange.status, OTS_OK);
    assert_int_equal(job.exchange.response.status, 503);
    assert_true(ots_slice_equal(ots_buf_slice(&job.exchange.response.body), OTS_SLICE("busy")));
    job_deinit(&job);

    run(&fixture, &job, "/redirect", OTS_SLICE("x"));
    assert_int_equal(job.exchange.response.status, 301);
    assert_int_equal(http_peer_requests(fixture.peer), 2);
    job_deinit(&job);

    run(&fixture, &job, "/interim", OTS_SLICE("x"));
    assert_int_equal(job.exchange.response.status, 200);
    assert_null(ots_headers_get(&job.exchange.response.headers, "x-ots-interim").data);
    assert_non_null(ots_headers_get(&job.exchange.response.headers, "x-ots-note").data);
    job_deinit(&job);
    fixture_stop(&fixture);
}

static void test_broken_answers(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, true, (struct ots_curl_options){.connections_max = 1});
    run_expect(&fixture, "/cut-before", OTS_NETWORK, true);
    run_expect(&fixture, "/cut-inside", OTS_NETWORK, true);
    run_expect(&fixture, "/garbage", OTS_NETWORK, true);
    run_expect(&fixture, "/many-headers", OTS_LIMIT, true);
    run_expect(&fixture, "/close-after", OTS_OK, true);
    run_expect(&fixture, "/echo", OTS_OK, true);
    fixture_stop(&fixture);
}

static void test_oversized(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(
        &fixture, true,
        (struct ots_curl_options){.connections_max = 1, .response_bytes_max = 100 * 1024});
    run_expect(&fixture, "/large", OTS_LIMIT, true);
    run_expect(&fixture, "/endless", OTS_LIMIT, true);
    run_expect(&fixture, "/echo", OTS_OK, true);
    fixture_stop(&fixture);
    /* The default bound is below what /large announces. */
    fixture_start(&fixture, true, (struct ots_curl_options){.connections_max = 1});
    run_expect(&fixture, "/large", OTS_LIMIT, true);
    fixture_stop(&fixture);
}

static void test_connection_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct ots_transport *transport;
    struct ots_error err;
    fixture_start(&fixture, false, (struct ots_curl_options){.connections_max = 1});
    char endpoint[64];
    snprintf(endpoint, sizeof(endpoint), "%s", http_peer_endpoint(fixture.peer));
    fixture_stop(&fixture);

    struct ots_curl_options options = {.endpoint = endpoint};
    assert_int_equal(ots_curl_transport_new(&options, &transport, &err), OTS_OK);
    fixture_start(&fixture, false, (struct ots_curl_options){.connections_max = 1});
    fixture.transport->ops->free(fixture.transport);
    fixture.transport = transport;
    run_expect(&fixture, "/echo", OTS_NETWORK, false);
    fixture_stop(&fixture);

    fixture_start(&fixture, true, (struct ots_curl_options){.connections_max = 1});
    unlink(fixture.socket);
    run_expect(&fixture, "/echo", OTS_NETWORK, false);
    fixture_stop(&fixture);
}

static void test_time_out(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, true,
                  (struct ots_curl_options){.connections_max = 1, .idle_timeout_ms = 1000});
    run_expect(&fixture, "/slow", OTS_TIMEOUT, true);
    run_expect(&fixture, "/echo", OTS_OK, true);
    fixture_stop(&fixture);
}

static void cancel(struct fixture *fixture, struct job *job)
{
    fixture->transport->ops->cancel(fixture->transport, &job->exchange);
}

static void test_cancel(void **state)
{
    (void)state;
    struct fixture fixture;
    struct job slow;
    struct job queued;
    struct job delayed;
    fixture_start(&fixture, true, (struct ots_curl_options){.connections_max = 1});
    job_init(&slow, &fixture.waiter, "/slow", OTS_SLICE("x"));
    job_init(&queued, &fixture.waiter, "/echo", OTS_SLICE("x"));
    job_init(&delayed, &fixture.waiter, "/echo", OTS_SLICE("x"));
    cancel(&fixture, &slow); /* never submitted: nothing happens */
    submit(&fixture, &slow, 0);
    http_peer_wait_requests(fixture.peer, 1);
    submit(&fixture, &queued, 0);
    submit(&fixture, &delayed, 3600 * 1000);
    cancel(&fixture, &delayed);
    waiter_wait(&fixture.waiter, 1);
    assert_int_equal(delayed.exchange.status, OTS_CANCELLED);
    assert_false(delayed.exchange.may_have_arrived);
    /* The only lane is freed by the cancel, so the queued one gets its turn. */
    cancel(&fixture, &slow);
    waiter_wait(&fixture.waiter, 3);
    assert_int_equal(slow.exchange.status, OTS_CANCELLED);
    assert_true(slow.exchange.may_have_arrived);
    assert_int_equal(queued.exchange.status, OTS_OK);
    cancel(&fixture, &queued); /* done: nothing happens */
    job_deinit(&slow);
    job_deinit(&queued);
    job_deinit(&delayed);
    fixture_stop(&fixture);
}

static void test_delay(void **state)
{
    (void)state;
    struct fixture fixture;
    struct job late;
    struct job soon;
    fixture_start(&fixture, true, (struct ots_curl_options){.connections_max = 2});
    job_init(&late, &fixture.waiter, "/echo", OTS_SLICE("x"));
    job_init(&soon, &fixture.waiter, "/echo", OTS_SLICE("x"));
    int64_t start_us = ots_clock_monotonic_us(&ots_clock_system);
    submit(&fixture, &late, 150);
    submit(&fixture, &soon, 0);
    waiter_wait(&fixture.waiter, 2);
    assert_true(late.done_us - start_us >= 150000);
    assert_true(soon.done_us < late.done_us);
    job_deinit(&late);
    job_deinit(&soon);
    fixture_stop(&fixture);
}

static void test_limited(void **state)
{
    (void)state;
    enum { JOBS = 6 };
    struct job jobs[JOBS];
    struct fixture fixture;
    fixture_start(&fixture, true, (struct ots_curl_options){.max_rps = 20});
    int64_t start_us = ots_clock_monotonic_us(&ots_clock_system);
    for (int i = 0; i < JOBS; i++) {
        job_init(&jobs[i], &fixture.waiter, "/echo", OTS_SLICE("x"));
        submit(&fixture, &jobs[i], 0);
    }
    /* Who waits can be cancelled and takes nobody's turn. */
    cancel(&fixture, &jobs[4]);
    waiter_wait(&fixture.waiter, JOBS);
    assert_int_equal(jobs[4].exchange.status, OTS_CANCELLED);
    assert_true(jobs[4].done_us < jobs[3].done_us);
    assert_in_range(jobs[5].done_us - start_us, 180000, 10000000);
    assert_int_equal(http_peer_requests(fixture.peer), JOBS - 1);
    for (int i = 0; i < JOBS; i++)
        job_deinit(&jobs[i]);
    fixture_stop(&fixture);
}

static void test_free_ends_everything(void **state)
{
    (void)state;
    enum { JOBS = 10 };
    struct job jobs[JOBS];
    struct fixture fixture;
    fixture_start(&fixture, true, (struct ots_curl_options){.connections_max = 3});
    for (int i = 0; i < JOBS; i++) {
        job_init(&jobs[i], &fixture.waiter, "/slow", OTS_SLICE("x"));
        submit(&fixture, &jobs[i], i < 5 ? 0 : 3600 * 1000);
    }
    http_peer_wait_requests(fixture.peer, 3);
    fixture.transport->ops->free(fixture.transport);
    fixture.transport = NULL;
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].done_count, 1);
        assert_int_equal(jobs[i].exchange.status, OTS_CANCELLED);
        job_deinit(&jobs[i]);
    }
    fixture_stop(&fixture);
}

/* done submits the next exchange, as a retry does. */
struct chain {
    struct fixture *fixture;
    unsigned left;
};

static void chain_done(struct ots_exchange *exchange, void *context)
{
    struct chain *chain = context;
    struct ots_transport *transport = chain->fixture->transport;
    assert_int_equal(exchange->status, OTS_OK);
    ots_headers_deinit(&exchange->response.headers);
    ots_buf_deinit(&exchange->response.body);
    if (chain->left-- > 1) {
        transport->ops->submit(transport, exchange, chain->left % 2);
        return;
    }
    pthread_mutex_lock(&chain->fixture->waiter.lock);
    chain->fixture->waiter.done_count++;
    pthread_cond_broadcast(&chain->fixture->waiter.changed);
    pthread_mutex_unlock(&chain->fixture->waiter.lock);
}

static void test_submit_from_done(void **state)
{
    (void)state;
    struct fixture fixture;
    struct job job;
    fixture_start(&fixture, true, (struct ots_curl_options){.connections_max = 1});
    struct chain chain = {&fixture, 50};
    job_init(&job, &fixture.waiter, "/echo", OTS_SLICE("x"));
    job.exchange.done = chain_done;
    job.exchange.done_context = &chain;
    submit(&fixture, &job, 0);
    waiter_wait(&fixture.waiter, 1);
    assert_int_equal(http_peer_requests(fixture.peer), 50);
    job_deinit(&job);
    fixture_stop(&fixture);
}

/* A proxy that would swallow the request must not be asked for loopback and Unix sockets. */
static void test_no_proxy_for_local(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    check_echo(false);
    check_echo(true);
    unsetenv("http_proxy");
}

static void test_bad_options(void **state)
{
    (void)state;
    static const char *const endpoints[] = {
        "",           "localhost",  "ftp://host", "http://",       "http://host/path",
        "http://a b", "http://u@h", "http://:80", "https://h?x=1",
    };
    struct ots_transport *transport = NULL;
    struct ots_error err;
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(*endpoints); i++) {
        struct ots_curl_options options = {.endpoint = endpoints[i]};
        assert_int_equal(ots_curl_transport_new(&options, &transport, &err), OTS_INVALID);
    }
    struct ots_curl_options options = {.endpoint = "http://h", .connections_max = 257};
    assert_int_equal(ots_curl_transport_new(&options, &transport, &err), OTS_INVALID);
    options = (struct ots_curl_options){.endpoint = "http://h", .idle_timeout_ms = -1};
    assert_int_equal(ots_curl_transport_new(&options, &transport, &err), OTS_INVALID);
    options = (struct ots_curl_options){.endpoint = "https://h", .ca_file = "/nonexistent.pem"};
    assert_int_equal(ots_curl_transport_new(&options, &transport, &err), OTS_NOT_FOUND);
    assert_null(transport);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keep_alive_tcp),
        cmocka_unit_test(test_keep_alive_unix),
        cmocka_unit_test(test_request_head),
        cmocka_unit_test(test_headers_are_wiped),
        cmocka_unit_test(test_large_body),
        cmocka_unit_test(test_parallel),
        cmocka_unit_test(test_answers_that_are_no_success),
        cmocka_unit_test(test_broken_answers),
        cmocka_unit_test(test_oversized),
        cmocka_unit_test(test_connection_refused),
        cmocka_unit_test(test_time_out),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_limited),
        cmocka_unit_test(test_free_ends_everything),
        cmocka_unit_test(test_submit_from_done),
        cmocka_unit_test(test_no_proxy_for_local),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
