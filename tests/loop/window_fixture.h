/*
 * A view of a local service with a table `t`, for tests of windows of changes. Times are seconds
 * after a full hour at which everything begins. Between the view and the client is a tap that
 * counts calls, can fail or keep them back, and changes what the stream tells. What is not expected
 * ends the test.
 */
#ifndef TESTS_LOOP_WINDOW_FIXTURE_H
#define TESTS_LOOP_WINDOW_FIXTURE_H

#include "tests/loop/loop.h"
#include "tests/loop/tap.h"
#include "tests/unit/view_fixture.h"

/* 2025-01-02T04:00:00Z, and how much later a window counts as complete. */
#define WINDOW_BASE_US INT64_C(1735790400000000)
enum { WINDOW_SETTLE_S = 5 };

struct window_fixture {
    struct loop loop;
    struct tap tap;
    atomic_size_t record_count; /* that the stream told */
    /* Records of rows that have the field `deleted` or `updated` tell of that. */
    bool is_changing_types;
    struct ots_log log;
    struct view_fixture mount;
    enum ots_precision precision;
};

int window_setup(void **state);
int window_teardown(void **state);
/* End the view, and make another. */
void window_remount(struct window_fixture *fixture, enum ots_precision precision, bool stream_off);

/* --- the service ------------------------------------------------------------------------------*/

void window_at_us(struct window_fixture *fixture, int64_t time_us);
void window_at(struct window_fixture *fixture, int64_t seconds);
/* Put `cpu,host=HOST FIELD=NUMBERi TIME_US000`. */
void window_put(struct window_fixture *fixture, const char *host, int64_t time_us,
                const char *field, int64_t number);
/* `count` rows of `host` in puts of 200, as view_lines prints them. */
void window_put_many(struct window_fixture *fixture, const char *host, int64_t first_us,
                     int64_t count);
/* Split the first open shard; merge the last two open ones, which a split made. */
void window_split(struct window_fixture *fixture);
void window_merge(struct window_fixture *fixture);
/* Remove all records. */
void window_trim(struct window_fixture *fixture);
/* Remove the table with all that is in it, and make it again. */
void window_make_anew(struct window_fixture *fixture);

/* --- windows ----------------------------------------------------------------------------------*/

struct window_path {
    char text[160];
};

/* `t/.changes/<from>-<to>REST`. */
struct window_path window_path(int64_t from_s, int64_t to_s, const char *rest);
enum ots_status window_lookup(struct window_fixture *fixture, int64_t from_s, int64_t to_s);
/* The text of the window's `cpu/host=HOST.lp`; NULL: it is not there. To be freed. */
char *window_text(struct window_fixture *fixture, const char *path, const char *host);
/* `wanted` NULL: it is not there. */
void window_expect(struct window_fixture *fixture, int64_t from_s, int64_t to_s, const char *host,
                   const char *wanted);

#endif
