/*
 * A view of a local service with a table `t`, for tests of windows of changes. Times are seconds
 * after a full hour at which everything begins. Between the view and the client is a tap that
 * counts and can fail, change or keep back what the stream tells. What is not expected ends the
 * test.
 */
#ifndef TESTS_LOOP_WINDOW_FIXTURE_H
#define TESTS_LOOP_WINDOW_FIXTURE_H

#include "tests/loop/loop.h"
#include "tests/unit/view_fixture.h"

/* 2025-01-02T04:00:00Z, and how much later a window counts as complete. */
#define WINDOW_BASE_US INT64_C(1735790400000000)
enum { WINDOW_SETTLE_S = 5 };

struct window_tap {
    struct ots_store store;
    struct ots_store *next;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t counts[OTS_ACTION_COUNT];
    size_t record_count; /* that the stream told */
    enum ots_status failure;
    enum ots_action fail_action;
    size_t fail_count;
    bool is_holding; /* the next read of records */
    struct ots_call *held;
    /* Records of rows that have the field `deleted` or `updated` tell of that. */
    bool is_changing_types;
};

struct window_fixture {
    struct loop loop;
    struct window_tap tap;
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

/* --- the tap ----------------------------------------------------------------------------------*/

void window_tap_forget(struct window_fixture *fixture);
size_t window_tap_count(struct window_fixture *fixture, enum ots_action action);
size_t window_tap_count_all(struct window_fixture *fixture);
void window_tap_fail(struct window_fixture *fixture, enum ots_action action, enum ots_status status,
                     size_t count);
void window_tap_hold(struct window_fixture *fixture);
void window_tap_wait_held(struct window_fixture *fixture);
void window_tap_release(struct window_fixture *fixture);

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
