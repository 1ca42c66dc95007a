/*
 * A pipeline on a store that answers when the test says so.
 */
#ifndef TESTS_UNIT_PIPELINE_FIXTURE_H
#define TESTS_UNIT_PIPELINE_FIXTURE_H

#include <stdatomic.h>

#include "fs/view/pipeline.h"

enum { HELD_PUTS_MAX = 4096 };

/* Keeps submitted puts until the test answers them. */
struct held_store {
    struct ots_store store;
    pthread_mutex_t lock;
    pthread_cond_t submitted;
    struct ots_call *puts[HELD_PUTS_MAX];
    size_t put_count; /* all that ever came */
    size_t waiting;   /* not answered yet */
    /* Rows with this integer in their first field are refused, whole put. 0: none. */
    int64_t poison;
    bool is_immediate; /* answer within submit */
    int64_t now_us;    /* the time at the service */
    /* What was stored last under time 0..99 of the one series. */
    int64_t stored[100];
};

struct pipeline_fixture {
    struct held_store held;
    struct ots_pipeline *pipeline;
    struct ots_clock clock; /* shows monotonic_us */
    atomic_llong monotonic_us;
    int refused_rows;
    int kept_rows;
    struct ots_origin *origin;
    struct ots_origin *guilty;
    struct ots_origin *last_failed_origin;
    int64_t last_failed_time_us;
    struct ots_tag tag;
    struct ots_series_key key;
};

/* For cmocka. Two puts in flight at most. */
int pipeline_setup(void **state);
/* No row may hold a reference to an origin any more. */
int pipeline_teardown(void **state);

/* For options of another pipeline: counts failed rows; the context is the fixture. */
void pipeline_on_failed(void *context, const struct ots_failed_put *put);

/* Wait until so many puts were submitted; returns how many. */
size_t held_wait(struct held_store *held, size_t count);
/* Answer the put that was submitted as number `index`, from 0. */
void held_release(struct held_store *held, size_t index);
/* Let it fail. */
void held_fail(struct held_store *held, size_t index, enum ots_status status);

/* Add a row with one integer field. */
enum ots_status pipeline_add(struct pipeline_fixture *fixture, int64_t time_us,
                             struct ots_slice name, int64_t value, struct ots_origin *origin,
                             struct ots_interrupt *interrupt);
/* The same: field `v`, the fixture's origin, must succeed. */
void add(struct pipeline_fixture *fixture, int64_t time_us, int64_t value);
size_t rows_of(const struct pipeline_fixture *fixture, size_t put);
/* On a thread: ots_pipeline_wait, which must succeed. */
void *wait_for_all(void *fixture);

#endif
