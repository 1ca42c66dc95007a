/*
 * What tests of the server share: a directory that goes away, a clock that is turned by hand, an
 * instance on both, rows and calls in few words.
 */
#ifndef TESTS_UNIT_SERVER_FIXTURE_H
#define TESTS_UNIT_SERVER_FIXTURE_H

#include "backend/server/instance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A new directory below $TMPDIR, or /tmp. */
struct test_directory {
    char path[256];
};

void test_directory_make(struct test_directory *directory);
/* Remove it with all that is in it. */
void test_directory_remove(struct test_directory *directory);

/* Stands still until it is set. */
struct test_clock {
    struct ots_clock clock;
    int64_t now_us;
};

#define TEST_NOW_US INT64_C(1735787045678000) /* 2025-01-02T03:04:05.678Z */

void test_clock_init(struct test_clock *clock);

struct test_instance {
    struct test_directory directory;
    struct test_clock clock;
    struct ots_instance *instance;
    struct ots_arena arena; /* of what a test puts */
};

/* A cmocka setup and teardown; *state is a struct test_instance. */
int test_instance_setup(void **state);
int test_instance_teardown(void **state);

/* Close and open again, as after a clean end. */
void test_instance_reopen(struct test_instance *test);

/* Carry out the call; fails the test when the service refuses. */
void test_call_ok(struct test_instance *test, struct ots_call *call);
/* Carry out the call; fails the test unless the service refuses with `code`. */
void test_call_refused(struct test_instance *test, struct ots_call *call, const char *code);

void test_create_table(struct test_instance *test, const char *name);

/* A key of `measurement`, no data source and the tag host=`host`; no tags for a NULL host. */
struct ots_series_key *test_key(struct test_instance *test, const char *measurement,
                                const char *host);
/* A row with the field n = `number`. */
struct ots_row test_row(struct test_instance *test, const struct ots_series_key *key,
                        int64_t time_us, int64_t number);
/* Put the rows; fails the test when the service refuses. */
void test_put(struct test_instance *test, const char *table, const struct ots_row *rows,
              size_t count);
void test_put_one(struct test_instance *test, const char *table, const char *measurement,
                  const char *host, int64_t time_us, int64_t number);

/* Read a GET or SCAN page by page to its end; returns the number of pages, and the rows' times. */
size_t test_read_pages(struct test_instance *test, struct ots_call *call, int64_t *times,
                       size_t *count, size_t count_max);

/* Fails the test unless the page's rows have just these times. */
void test_assert_times(const struct ots_call *call, const int64_t *times, size_t count);
#define TEST_ASSERT_TIMES(call, ...)                                                               \
    test_assert_times(&(call), (const int64_t[]){__VA_ARGS__},                                     \
                      sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* A call that is deinitialised at the end of the scope. */
static inline void test_call_deinitp(struct ots_call *call)
{
    ots_call_deinit(call);
}
#define TEST_CALL(name, action)                                                                    \
    OTS_AUTO(test_call_deinitp) struct ots_call name;                                              \
    ots_call_init(&name, action)

#endif
