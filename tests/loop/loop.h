/*
 * A client and a local service in one process, without sockets: for tests of everything above the
 * connection.
 *
 * The clock stands still but for the delays before repeated tries, which nobody waits for. Faults
 * are drawn from a seed, so a test that runs one call at a time sees the same ones every time.
 */
#ifndef TESTS_LOOP_LOOP_H
#define TESTS_LOOP_LOOP_H

#include "backend/client/client.h"
#include "backend/server/service.h"
#include "tests/unit/make_rows.h"
#include "tests/unit/server_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

struct loop_options {
    /* How many of 100 exchanges go wrong: not connected, busy, cut before the service carries them
     * out, cut after it. 0: none. */
    unsigned fault_percent;
    uint64_t seed;
    unsigned threads; /* that serve; 0: 1 */
    enum ots_put_layout put_layout;
    const char *region;           /* NULL: requests are signed V2 */
    const char *client_secret;    /* NULL: the right one */
    int64_t client_clock_skew_us; /* of the client's clock against the service's */
};

struct loop {
    struct loop_options options;
    struct test_directory directory;
    struct ots_clock server_clock;
    struct ots_clock client_clock;
    atomic_int_fast64_t now_us;
    struct ots_service *service;
    struct ots_store *store;
    struct {
        pthread_mutex_t lock;
        struct test_random random;
        unsigned fault_count;
    } synced;
};

/* Start both over a new, empty directory. Fails the test instead of returning an error. */
void loop_start(struct loop *loop, struct loop_options options);
/* End both and start them again over the same directory. */
void loop_restart(struct loop *loop);
void loop_stop(struct loop *loop);

/* Run a call; fails the test when it fails. */
void loop_call_ok(struct loop *loop, struct ots_call *call);
/* Run a call that must end with `status`. */
void loop_call_fails(struct loop *loop, struct ots_call *call, enum ots_status status);

void loop_create_table(struct loop *loop, const char *table);
/* Put the rows in requests of at most `batch` rows. */
void loop_put(struct loop *loop, const char *table, const struct ots_rows *rows, size_t batch);
/* Append all pages of GET and SCAN calls like `first`, copied into `arena`. */
void loop_read_all(struct loop *loop, const struct ots_call *first, struct ots_arena *arena,
                   struct ots_rows *rows);

/* By timeline, then time. */
void loop_sort_rows(struct ots_rows *rows);

#endif
