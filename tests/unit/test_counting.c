/*
 * Who counts a pipeline's rows is told in order, and the journal after that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/pipeline_fixture.h"
#include "tests/unit/state_folder.h"

struct fixture {
    struct pipeline_fixture *base;
    struct ots_pipeline *pipeline;
    struct state_folder *folder;
    struct ots_journal *journal;
    atomic_bool is_held;
    char told[1000]; /* what was counted: times, each with + or -, batches apart */
    int begun;
    int given_up;
    bool has_no_memory;
    uint64_t sizes[8]; /* that were known of rows */
    size_t size_count;
};

struct watched {
    size_t count;
    int64_t times_us[OTS_PUT_ROWS_MAX];
    char fates[OTS_PUT_ROWS_MAX];
};

static void *begin(void *context, const struct ots_row *rows, const struct ots_row_sum *sums,
                   struct ots_origin *const *origins, size_t count)
{
    struct fixture *fixture = context;
    (void)origins;
    if (fixture->has_no_memory)
        return NULL;
    struct watched *watched = calloc(1, sizeof(*watched));
    assert_non_null(watched);
    fixture->begun++;
    watched->count = count;
    for (size_t i = 0; i < count; i++) {
        watched->times_us[i] = rows[i].time_us;
        watched->fates[i] = '?';
        fixture->sizes[fixture->size_count++ % 8] = sums[i].size_bytes;
    }
    return watched;
}

static void settle(void *rows, size_t index, bool is_stored)
{
    struct watched *watched = rows;
    assert_true(index < watched->count);
    assert_int_equal(watched->fates[index], '?');
    watched->fates[index] = is_stored ? '+' : '-';
}

static void end(void *context, void *rows)
{
    struct fixture *fixture = context;
    struct watched *watched = rows;
    size_t size = strlen(fixture->told);
    for (size_t i = 0; i < watched->count && i < 5; i++)
        size += (size_t)snprintf(fixture->told + size, sizeof(fixture->told) - size, "%d%c",
                                 (int)watched->times_us[i], watched->fates[i]);
    snprintf(fixture->told + size, sizeof(fixture->told) - size, " ");
    free(watched);
}

static void give_up(void *context, void *rows)
{
    struct fixture *fixture = context;
    fixture->given_up++;
    free(rows);
}

static const struct ots_put_watcher WATCHER = {begin, settle, end, give_up};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    void *base;
    if (!fixture)
        return -1;
    pipeline_setup(&base);
    fixture->base = base;
    struct ots_pipeline_options options = {
        .store = &fixture->base->held.store,
        .table = OTS_SLICE("t"),
        .clock = &fixture->base->clock,
        .in_flight_max = 4,
        .failed = pipeline_on_failed,
        .failed_context = fixture->base,
        .watcher = &WATCHER,
        .watcher_context = fixture,
        .holds_done = &fixture->is_held,
    };
    struct ots_journal_options journal = {0, OTS_SLICE("t"), 0};
    fixture->folder = state_folder_new();
    journal.dir_fd = fixture->folder->fd;
    assert_int_equal(ots_journal_new(&journal, &fixture->journal, NULL), OTS_OK);
    assert_int_equal(ots_pipeline_new(&options, &fixture->pipeline), OTS_OK);
    ots_pipeline_set_journal(fixture->pipeline, fixture->journal);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *base = fixture->base;
    ots_pipeline_free(fixture->pipeline);
    ots_journal_free(fixture->journal);
    state_folder_free(fixture->folder);
    pipeline_teardown(&base);
    free(fixture);
    return 0;
}

/* A put of rows of these times, which are their values too. */
static void put(struct fixture *fixture, int64_t first_us, int64_t count)
{
    for (int64_t t = first_us; t < first_us + count; t++) {
        struct ots_field field = {OTS_SLICE("v"), {.type = OTS_INTEGER, .integer = t}};
        struct ots_row row = {&fixture->base->key, t, &field, 1};
        assert_int_equal(ots_pipeline_add(fixture->pipeline, &row, fixture->base->origin, NULL),
                         OTS_OK);
    }
    ots_pipeline_send_older(fixture->pipeline, 0);
}

static void batches_are_counted_in_their_order(void **state)
{
    struct fixture *fixture = *state;
    struct held_store *held = &fixture->base->held;
    put(fixture, 1, 2);
    put(fixture, 3, 2);
    put(fixture, 5, 1);
    held_release(held, 2);
    held_release(held, 1);
    assert_string_equal(fixture->told, "");
    /* They are not counted yet, so nobody goes on. */
    assert_true(ots_pipeline_is_busy(fixture->pipeline));
    held_release(held, 0);
    assert_string_equal(fixture->told, "1+2+ 3+4+ 5+ ");
    assert_false(ots_pipeline_is_busy(fixture->pipeline));
    assert_int_equal(fixture->begun, 3);
}

static void refused_rows_are_told(void **state)
{
    struct fixture *fixture = *state;
    fixture->base->held.poison = 2;
    fixture->base->held.is_immediate = true;
    put(fixture, 1, 4);
    assert_string_equal(fixture->told, "1+2-3+4+ ");
    assert_int_equal(fixture->begun, 1);
}

static void add_summed(struct fixture *fixture, int64_t time_us, uint64_t size)
{
    struct ots_field field = {OTS_SLICE("v"), {.type = OTS_INTEGER, .integer = 1}};
    struct ots_row row = {&fixture->base->key, time_us, &field, 1};
    struct ots_row_sum sum = {time_us, size, 7};
    assert_int_equal(ots_pipeline_add_summed(fixture->pipeline, &row, size ? &sum : NULL,
                                             fixture->base->origin, NULL),
                     OTS_OK);
}

/* What is known of a row goes with it, but not to one that takes its place. */
static void sums_are_those_of_the_rows(void **state)
{
    struct fixture *fixture = *state;
    fixture->base->held.is_immediate = true;
    add_summed(fixture, 1, 10);
    add_summed(fixture, 2, 0);
    add_summed(fixture, 3, 30);
    add_summed(fixture, 3, 0);
    add_summed(fixture, 4, 40);
    add_summed(fixture, 4, 41);
    add_summed(fixture, 5, 50);
    ots_pipeline_send_older(fixture->pipeline, 0);
    assert_int_equal(fixture->size_count, 5);
    static const uint64_t sizes[] = {10, 0, 0, 0, 50};
    assert_memory_equal(fixture->sizes, sizes, sizeof(sizes));
}

/* Rows that are put again keep their places. */
static void kept_rows_are_told_when_they_are_stored(void **state)
{
    struct fixture *fixture = *state;
    struct held_store *held = &fixture->base->held;
    put(fixture, 1, 3);
    put(fixture, 9, 1);
    held_fail(held, 0, OTS_TIMEOUT);
    /* Nobody waits for it. */
    held_release(held, 1);
    assert_string_equal(fixture->told, "9+ ");
    atomic_fetch_add(&fixture->base->monotonic_us, 10000000);
    ots_pipeline_send_older(fixture->pipeline, 0);
    held_wait(held, 3);
    held_release(held, 2);
    assert_string_equal(fixture->told, "9+ 1+2+3+ ");
    assert_int_equal(fixture->begun, 2);
}

static void rows_that_are_left_are_given_up(void **state)
{
    struct fixture *fixture = *state;
    put(fixture, 1, 1);
    held_fail(&fixture->base->held, 0, OTS_TIMEOUT);
    ots_pipeline_free(fixture->pipeline);
    fixture->pipeline = NULL;
    assert_int_equal(fixture->given_up, 1);
    assert_string_equal(fixture->told, "");
}

static void without_memory_rows_are_kept(void **state)
{
    struct fixture *fixture = *state;
    fixture->has_no_memory = true;
    fixture->base->held.is_immediate = true;
    put(fixture, 1, 1);
    assert_int_equal(fixture->base->held.put_count, 0);
    assert_int_equal(fixture->base->kept_rows, 1);
    fixture->has_no_memory = false;
    atomic_fetch_add(&fixture->base->monotonic_us, 10000000);
    ots_pipeline_send_older(fixture->pipeline, 0);
    assert_string_equal(fixture->told, "1+ ");
}

/* --- the journal ------------------------------------------------------------------------------*/

static uint64_t journaled(const struct fixture *fixture)
{
    struct ots_journal_counts counts;
    ots_journal_counts(fixture->journal, &counts);
    return counts.batches;
}

static void put_journaled(struct fixture *fixture, int64_t time_us)
{
    struct ots_field field = {OTS_SLICE("v"), {.type = OTS_INTEGER, .integer = time_us}};
    struct ots_row row = {&fixture->base->key, time_us, &field, 1};
    assert_int_equal(ots_pipeline_add(fixture->pipeline, &row, fixture->base->origin, NULL),
                     OTS_OK);
    assert_int_equal(ots_pipeline_hand_over(fixture->pipeline, NULL), OTS_OK);
    assert_int_equal(ots_pipeline_wait(fixture->pipeline, NULL), OTS_OK);
}

static void batches_leave_the_journal_when_that_is_said(void **state)
{
    struct fixture *fixture = *state;
    fixture->base->held.is_immediate = true;
    put_journaled(fixture, 1);
    assert_int_equal(journaled(fixture), 0);
    atomic_store(&fixture->is_held, true);
    put_journaled(fixture, 2);
    put_journaled(fixture, 3);
    assert_int_equal(journaled(fixture), 2);
    assert_int_equal(ots_pipeline_held_count(fixture->pipeline), 2);
    uint64_t mark = ots_pipeline_done_mark(fixture->pipeline);
    put_journaled(fixture, 4);
    ots_pipeline_flush_done(fixture->pipeline, mark);
    assert_int_equal(journaled(fixture), 1);
    ots_pipeline_flush_done(fixture->pipeline, mark);
    assert_int_equal(journaled(fixture), 1);
    ots_pipeline_flush_done(fixture->pipeline, UINT64_MAX);
    assert_int_equal(journaled(fixture), 0);
    assert_int_equal(ots_pipeline_held_count(fixture->pipeline), 0);
    assert_string_equal(fixture->told, "1+ 2+ 3+ 4+ ");
}

/* Nobody who keeps what is known comes for them. */
static void only_so_many_are_held(void **state)
{
    enum { COUNT = 8200 };
    struct fixture *fixture = *state;
    fixture->base->held.is_immediate = true;
    atomic_store(&fixture->is_held, true);
    for (int64_t t = 1; t <= COUNT; t++) {
        fixture->base->held.put_count = 0;
        fixture->told[0] = 0;
        put_journaled(fixture, t);
    }
    assert_in_range(ots_pipeline_held_count(fixture->pipeline), 4000, 8192);
    assert_int_equal(journaled(fixture), ots_pipeline_held_count(fixture->pipeline));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(batches_are_counted_in_their_order),
        TEST(refused_rows_are_told),
        TEST(sums_are_those_of_the_rows),
        TEST(kept_rows_are_told_when_they_are_stored),
        TEST(rows_that_are_left_are_given_up),
        TEST(without_memory_rows_are_kept),
        TEST(batches_leave_the_journal_when_that_is_said),
        TEST(only_so_many_are_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
