/*
 * Rows of a pipeline whose puts fail for a while, and rows in the journal.
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/pipeline_fixture.h"
#include "tests/unit/state_folder.h"

enum { LONG_US = 100 * 1000 * 1000 };

static void send(struct pipeline_fixture *fixture)
{
    ots_pipeline_send_older(fixture->pipeline, 0);
}

/* --- puts that fail ---------------------------------------------------------------------------*/

static void what_was_not_stored_is_put_again_after_a_pause(void **state)
{
    struct pipeline_fixture *fixture = *state;
    add(fixture, 1, 10);
    add(fixture, 2, 20);
    send(fixture);
    held_fail(&fixture->held, 0, OTS_TIMEOUT);
    assert_int_equal(fixture->kept_rows, 2);
    assert_true(ots_pipeline_is_busy(fixture->pipeline));
    send(fixture);
    assert_int_equal(fixture->held.put_count, 1);
    fixture->monotonic_us += LONG_US;
    send(fixture);
    assert_int_equal(fixture->held.put_count, 2);
    assert_int_equal(rows_of(fixture, 1), 2);
    held_fail(&fixture->held, 1, OTS_NETWORK);
    /* Told once. */
    assert_int_equal(fixture->kept_rows, 2);
    fixture->monotonic_us += LONG_US;
    send(fixture);
    held_release(&fixture->held, 2);
    assert_false(ots_pipeline_is_busy(fixture->pipeline));
    assert_int_equal(fixture->held.stored[2], 20);
    struct ots_pipeline_counts counts;
    ots_pipeline_counts(fixture->pipeline, &counts);
    assert_int_equal(counts.rows_stored, 2);
    assert_int_equal(counts.rows_failed, 0);
}

static void a_later_version_never_overtakes_a_kept_one(void **state)
{
    struct pipeline_fixture *fixture = *state;
    add(fixture, 7, 1);
    send(fixture);
    held_fail(&fixture->held, 0, OTS_THROTTLED);
    add(fixture, 7, 2);
    send(fixture);
    assert_int_equal(fixture->held.put_count, 1);
    fixture->monotonic_us += LONG_US;
    send(fixture);
    send(fixture);
    assert_int_equal(fixture->held.put_count, 2);
    assert_int_equal(fixture->held.puts[1]->request.put.rows[0].fields[0].value.integer, 1);
    held_release(&fixture->held, 1);
    send(fixture);
    held_release(&fixture->held, 2);
    assert_int_equal(fixture->held.stored[7], 2);
}

/* Of a put that was cut in halves, only the half that failed goes again. */
static void stored_rows_do_not_go_again(void **state)
{
    struct pipeline_fixture *fixture = *state;
    for (int64_t i = 0; i < 4; i++)
        add(fixture, i, i + 1);
    send(fixture);
    held_fail(&fixture->held, 0, OTS_INVALID);
    assert_int_equal(fixture->held.put_count, 3);
    held_release(&fixture->held, 1);
    held_fail(&fixture->held, 2, OTS_TIMEOUT);
    fixture->monotonic_us += LONG_US;
    send(fixture);
    assert_int_equal(fixture->held.put_count, 4);
    assert_int_equal(rows_of(fixture, 3), 2);
    assert_int_equal(fixture->held.puts[3]->request.put.rows[0].time_us, 2);
    held_release(&fixture->held, 3);
    assert_int_equal(fixture->held.stored[3], 4);
    assert_int_equal(fixture->refused_rows, 0);
}

static void a_kept_row_that_is_refused_then_is_told(void **state)
{
    struct pipeline_fixture *fixture = *state;
    add(fixture, 1, 1);
    send(fixture);
    held_fail(&fixture->held, 0, OTS_UNAVAILABLE);
    fixture->monotonic_us += LONG_US;
    send(fixture);
    held_fail(&fixture->held, 1, OTS_INVALID);
    assert_int_equal(fixture->kept_rows, 1);
    assert_int_equal(fixture->refused_rows, 1);
    assert_false(ots_pipeline_is_busy(fixture->pipeline));
}

static void what_no_retry_can_help_is_refused(void **state)
{
    struct pipeline_fixture *fixture = *state;
    const enum ots_status final[] = {OTS_NOT_FOUND, OTS_DENIED, OTS_UNSUPPORTED};
    for (size_t i = 0; i < 3; i++) {
        add(fixture, 1, 1);
        add(fixture, 2, 1);
        send(fixture);
        held_fail(&fixture->held, i, final[i]);
    }
    assert_int_equal(fixture->refused_rows, 6);
    assert_false(ots_pipeline_is_busy(fixture->pipeline));
}

struct waiter {
    struct pipeline_fixture *fixture;
    enum ots_status status;
    pthread_t thread;
};

static void *run_waiter(void *argument)
{
    struct waiter *waiter = argument;
    waiter->status = ots_pipeline_wait(waiter->fixture->pipeline, NULL);
    return NULL;
}

static void start(struct waiter *waiter, struct pipeline_fixture *fixture)
{
    waiter->fixture = fixture;
    assert_int_equal(pthread_create(&waiter->thread, NULL, run_waiter, waiter), 0);
}

static void who_waits_tries_at_once_and_is_told(void **state)
{
    struct pipeline_fixture *fixture = *state;
    struct waiter waiter;
    struct ots_error err;
    add(fixture, 1, 1);
    start(&waiter, fixture);
    held_wait(&fixture->held, 1);
    held_fail(&fixture->held, 0, OTS_TIMEOUT);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.status, OTS_IO);
    ots_pipeline_failure(fixture->pipeline, &err);
    assert_int_equal(err.status, OTS_TIMEOUT);
    /* No time has passed. */
    start(&waiter, fixture);
    held_wait(&fixture->held, 2);
    held_release(&fixture->held, 1);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.status, OTS_OK);
}

static void who_waits_behind_kept_rows_is_told_too(void **state)
{
    struct pipeline_fixture *fixture = *state;
    struct waiter waiter;
    add(fixture, 7, 1);
    send(fixture);
    held_fail(&fixture->held, 0, OTS_TIMEOUT);
    add(fixture, 7, 2);
    start(&waiter, fixture);
    held_wait(&fixture->held, 2);
    held_fail(&fixture->held, 1, OTS_TIMEOUT);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.status, OTS_IO);
    start(&waiter, fixture);
    held_wait(&fixture->held, 3);
    held_release(&fixture->held, 2);
    held_wait(&fixture->held, 4);
    held_release(&fixture->held, 3);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.status, OTS_OK);
    assert_int_equal(fixture->held.stored[7], 2);
}

/* Rows that came at different times are never all kept at once: each goes again after its pause. */
static void who_waits_is_told_while_others_try_again(void **state)
{
    struct pipeline_fixture *fixture = *state;
    struct waiter waiter;
    struct timespec until;
    add(fixture, 1, 1);
    send(fixture);
    held_fail(&fixture->held, 0, OTS_TIMEOUT);
    add(fixture, 2, 2);
    start(&waiter, fixture);
    held_wait(&fixture->held, 3);
    held_fail(&fixture->held, 1, OTS_TIMEOUT);
    fixture->monotonic_us += LONG_US;
    send(fixture);
    held_wait(&fixture->held, 4);
    held_fail(&fixture->held, 2, OTS_TIMEOUT);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    assert_int_equal(pthread_timedjoin_np(waiter.thread, NULL, &until), 0);
    assert_int_equal(waiter.status, OTS_IO);
    fixture->held.is_immediate = true;
    held_release(&fixture->held, 3);
    assert_int_equal(ots_pipeline_wait(fixture->pipeline, NULL), OTS_OK);
}

static void *add_one(void *argument)
{
    struct waiter *waiter = argument;
    waiter->status =
        pipeline_add(waiter->fixture, 5000, OTS_SLICE("v"), 1, waiter->fixture->origin, NULL);
    return NULL;
}

/* Otherwise a writer would hang for as long as the service is away. */
static void a_writer_without_room_is_told(void **state)
{
    struct pipeline_fixture *fixture = *state;
    struct waiter waiter = {.fixture = fixture};
    for (int64_t i = 0; i < 3 * OTS_PUT_ROWS_MAX; i++)
        add(fixture, i, i);
    assert_int_equal(fixture->held.put_count, 2);
    assert_int_equal(pthread_create(&waiter.thread, NULL, add_one, &waiter), 0);
    size_t tried = 0;
    while (pthread_tryjoin_np(waiter.thread, NULL) != 0) {
        held_wait(&fixture->held, tried + 1);
        held_fail(&fixture->held, tried == 0 ? 0 : tried, OTS_TIMEOUT);
        tried += tried == 0 ? 2 : 1;
        fixture->monotonic_us += LONG_US;
        send(fixture);
        sched_yield();
    }
    assert_int_equal(waiter.status, OTS_TIMEOUT);
    fixture->held.is_immediate = true;
    held_release(&fixture->held, 1);
    held_release(&fixture->held, tried);
    assert_int_equal(ots_pipeline_wait(fixture->pipeline, NULL), OTS_OK);
}

/* Several pipelines then wait for one time-out together. */
static void a_drain_tries_once_more(void **state)
{
    struct pipeline_fixture *fixture = *state;
    add(fixture, 1, 1);
    send(fixture);
    held_fail(&fixture->held, 0, OTS_TIMEOUT);
    add(fixture, 2, 2);
    uint64_t drain = ots_pipeline_begin_drain(fixture->pipeline);
    assert_int_equal(fixture->held.put_count, 3);
    held_fail(&fixture->held, 1, OTS_TIMEOUT);
    held_release(&fixture->held, 2);
    assert_int_equal(ots_pipeline_end_drain(fixture->pipeline, drain), OTS_IO);
    assert_int_equal(fixture->held.put_count, 3);
    drain = ots_pipeline_begin_drain(fixture->pipeline);
    assert_int_equal(fixture->held.put_count, 4);
    held_release(&fixture->held, 3);
    assert_int_equal(ots_pipeline_end_drain(fixture->pipeline, drain), OTS_OK);
}

static void *release_two(void *argument)
{
    struct pipeline_fixture *fixture = argument;
    held_release(&fixture->held, 1);
    return NULL;
}

/* A kept row whose next try is under way when the mount ends. */
static void the_end_waits_for_puts_in_flight(void **state)
{
    struct pipeline_fixture *fixture = *state;
    add(fixture, 1, 1);
    send(fixture);
    held_fail(&fixture->held, 0, OTS_TIMEOUT);
    fixture->monotonic_us += LONG_US;
    send(fixture);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, release_two, fixture), 0);
    ots_pipeline_free(fixture->pipeline);
    fixture->pipeline = NULL;
    pthread_join(thread, NULL);
    assert_int_equal(fixture->held.stored[1], 1);
}

static void kept_rows_are_forgotten_at_the_end(void **state)
{
    struct pipeline_fixture *fixture = *state;
    add(fixture, 1, 1);
    send(fixture);
    held_fail(&fixture->held, 0, OTS_TIMEOUT);
    add(fixture, 1, 2);
    /* The fixture's teardown frees them, and looks for references. */
}

/* --- the journal ------------------------------------------------------------------------------*/

struct journal_fixture {
    struct pipeline_fixture *pipeline;
    struct state_folder *folder;
    struct ots_journal *journal;
};

static struct ots_journal *open_journal(struct state_folder *folder)
{
    struct ots_journal *journal;
    struct ots_journal_options options = {folder->fd, OTS_SLICE("t"), 0};
    assert_int_equal(ots_journal_new(&options, &journal, NULL), OTS_OK);
    return journal;
}

static int setup_journal(void **state)
{
    struct journal_fixture *fixture = calloc(1, sizeof(*fixture));
    void *pipeline;
    pipeline_setup(&pipeline);
    fixture->pipeline = pipeline;
    fixture->folder = state_folder_new();
    fixture->journal = open_journal(fixture->folder);
    ots_pipeline_set_journal(fixture->pipeline->pipeline, fixture->journal);
    *state = fixture;
    return 0;
}

static int teardown_journal(void **state)
{
    struct journal_fixture *fixture = *state;
    void *pipeline = fixture->pipeline;
    pipeline_teardown(&pipeline);
    ots_journal_free(fixture->journal);
    state_folder_free(fixture->folder);
    free(fixture);
    return 0;
}

static void hand_over(struct journal_fixture *fixture)
{
    struct ots_error err;
    if (ots_pipeline_hand_over(fixture->pipeline->pipeline, &err) != OTS_OK)
        fail_msg("%s", err.message);
}

/* What a kill now would leave, as "time:rows" with ';' for line ends. */
static void expect_left(struct journal_fixture *fixture, const char *wanted)
{
    struct ots_journal *journal = open_journal(fixture->folder);
    struct ots_journal_contents contents;
    struct ots_buf text = OTS_BUF_INIT;
    assert_int_equal(ots_journal_load(journal, &contents, NULL), OTS_OK);
    for (size_t i = 0; i < contents.batch_count; i++)
        ots_buf_append_fmt(&text, "%d:%.*s", (int)contents.batches[i].time_us,
                           OTS_SLICE_FMT(contents.batches[i].rows));
    ots_buf_append_byte(&text, '\0');
    for (char *c = (char *)text.data; *c; c++)
        *c = *c == '\n' ? ';' : *c;
    assert_string_equal((char *)text.data, wanted);
    ots_buf_deinit(&text);
    ots_journal_contents_deinit(&contents);
    ots_journal_free(journal);
}

#define SERIES "cpu,_data_source=s,host=a "

static void what_was_handed_over_is_in_the_journal_until_it_is_stored(void **state)
{
    struct journal_fixture *fixture = *state;
    struct pipeline_fixture *pipeline = fixture->pipeline;
    pipeline->held.now_us = 5;
    add(pipeline, 1, 10);
    expect_left(fixture, "");
    hand_over(fixture);
    expect_left(fixture, "5:" SERIES "v=10i 1000;");
    hand_over(fixture);
    expect_left(fixture, "5:" SERIES "v=10i 1000;");
    pipeline->held.now_us = 6;
    add(pipeline, 2, 20);
    hand_over(fixture);
    expect_left(fixture, "5:" SERIES "v=10i 1000;6:" SERIES "v=20i 2000;");
    send(pipeline);
    expect_left(fixture, "5:" SERIES "v=10i 1000;6:" SERIES "v=20i 2000;");
    held_release(&pipeline->held, 0);
    expect_left(fixture, "");
}

static void a_version_that_takes_the_place_of_one_follows_it(void **state)
{
    struct journal_fixture *fixture = *state;
    add(fixture->pipeline, 1, 10);
    hand_over(fixture);
    add(fixture->pipeline, 1, 11);
    add(fixture->pipeline, 1, 12);
    hand_over(fixture);
    expect_left(fixture, "0:" SERIES "v=10i 1000;0:" SERIES "v=12i 1000;");
    send(fixture->pipeline);
    held_release(&fixture->pipeline->held, 0);
}

static void rows_in_flight_are_handed_over_in_order(void **state)
{
    struct journal_fixture *fixture = *state;
    struct pipeline_fixture *pipeline = fixture->pipeline;
    add(pipeline, 1, 10);
    send(pipeline);
    add(pipeline, 2, 20);
    send(pipeline);
    add(pipeline, 3, 30);
    hand_over(fixture);
    expect_left(fixture, "0:" SERIES "v=10i 1000;0:" SERIES "v=20i 2000;0:" SERIES "v=30i 3000;");
    held_release(&pipeline->held, 1);
    expect_left(fixture, "0:" SERIES "v=10i 1000;0:" SERIES "v=30i 3000;");
    held_release(&pipeline->held, 0);
    send(pipeline);
    held_release(&pipeline->held, 2);
    expect_left(fixture, "");
}

/* Its put came back after the second version was handed over, and is our own. */
static void a_version_that_waits_is_not_older_than_our_own_put(void **state)
{
    struct journal_fixture *fixture = *state;
    struct pipeline_fixture *pipeline = fixture->pipeline;
    add(pipeline, 7, 1);
    send(pipeline);
    pipeline->held.now_us = 5;
    add(pipeline, 7, 2);
    hand_over(fixture);
    expect_left(fixture, "5:" SERIES "v=1i 7000;5:" SERIES "v=2i 7000;");
    pipeline->held.now_us = 9;
    held_release(&pipeline->held, 0);
    expect_left(fixture, "9:" SERIES "v=2i 7000;");
    send(pipeline);
    held_release(&pipeline->held, 1);
    expect_left(fixture, "");
}

static void kept_rows_stay_in_the_journal(void **state)
{
    struct journal_fixture *fixture = *state;
    struct pipeline_fixture *pipeline = fixture->pipeline;
    add(pipeline, 1, 10);
    hand_over(fixture);
    send(pipeline);
    held_fail(&pipeline->held, 0, OTS_TIMEOUT);
    expect_left(fixture, "0:" SERIES "v=10i 1000;");
    /* Those that were never handed over get there too, as the mount's end does it. */
    add(pipeline, 2, 20);
    hand_over(fixture);
    expect_left(fixture, "0:" SERIES "v=10i 1000;0:" SERIES "v=20i 2000;");
    hand_over(fixture);
    expect_left(fixture, "0:" SERIES "v=10i 1000;0:" SERIES "v=20i 2000;");
}

static void refused_rows_leave_the_journal(void **state)
{
    struct journal_fixture *fixture = *state;
    struct pipeline_fixture *pipeline = fixture->pipeline;
    pipeline->held.poison = 666;
    add(pipeline, 1, 666);
    add(pipeline, 2, 20);
    hand_over(fixture);
    pipeline->held.is_immediate = true;
    send(pipeline);
    assert_int_equal(pipeline->refused_rows, 1);
    expect_left(fixture, "");
}

static void rows_of_old_segments_are_not_written_again(void **state)
{
    struct journal_fixture *fixture = *state;
    struct pipeline_fixture *pipeline = fixture->pipeline;
    struct ots_field field = {OTS_SLICE("v"), {.type = OTS_INTEGER, .integer = 1}};
    struct ots_row row = {&pipeline->key, 1, &field, 1};
    assert_int_equal(ots_pipeline_add_again(pipeline->pipeline, &row, pipeline->origin, NULL),
                     OTS_OK);
    hand_over(fixture);
    expect_left(fixture, "");
    add(pipeline, 1, 2);
    hand_over(fixture);
    expect_left(fixture, "0:" SERIES "v=2i 1000;");
    send(pipeline);
    held_release(&pipeline->held, 0);
}

/* Once a second, so that the sender does not try each time that it looks around. */
static void a_journal_that_cannot_be_written_is_tried_again(void **state)
{
    struct journal_fixture *fixture = *state;
    struct ots_pipeline *pipeline = fixture->pipeline->pipeline;
    struct ots_pipeline_counts counts;
    state_folder_write(fixture->folder, "journal/t", "", 0);
    add(fixture->pipeline, 1, 1);
    assert_int_equal(ots_pipeline_hand_over(pipeline, NULL), OTS_IO);
    assert_int_equal(unlinkat(fixture->folder->fd, "journal/t", 0), 0);
    atomic_fetch_add(&fixture->pipeline->monotonic_us, 999999);
    ots_pipeline_mend_journal(pipeline);
    ots_pipeline_counts(pipeline, &counts);
    assert_true(counts.is_journal_failing);
    atomic_fetch_add(&fixture->pipeline->monotonic_us, 1);
    ots_pipeline_mend_journal(pipeline);
    ots_pipeline_counts(pipeline, &counts);
    assert_false(counts.is_journal_failing);
    expect_left(fixture, "0:" SERIES "v=1i 1000;");
}

static void *answer_all(void *argument)
{
    struct pipeline_fixture *pipeline = argument;
    for (size_t i = 0; i < 20; i++) {
        held_wait(&pipeline->held, i + 1);
        held_release(&pipeline->held, i);
    }
    return NULL;
}

/* The mark that a batch is done must never come before its rows. */
static void handing_over_and_answers_may_cross(void **state)
{
    struct journal_fixture *fixture = *state;
    struct pipeline_fixture *pipeline = fixture->pipeline;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_all, pipeline), 0);
    for (int64_t i = 0; i < 20 * OTS_PUT_ROWS_MAX; i++) {
        add(pipeline, i, i);
        if (i % 150 == 0)
            hand_over(fixture);
    }
    pthread_join(thread, NULL);
    assert_int_equal(ots_pipeline_wait(pipeline->pipeline, NULL), OTS_OK);
    expect_left(fixture, "");
    struct ots_journal_counts counts;
    ots_journal_counts(fixture->journal, &counts);
    assert_int_equal(counts.batches, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pipeline_setup, pipeline_teardown)
#define TEST_JOURNAL(name) cmocka_unit_test_setup_teardown(name, setup_journal, teardown_journal)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_not_stored_is_put_again_after_a_pause),
        TEST(a_later_version_never_overtakes_a_kept_one),
        TEST(stored_rows_do_not_go_again),
        TEST(a_kept_row_that_is_refused_then_is_told),
        TEST(what_no_retry_can_help_is_refused),
        TEST(who_waits_tries_at_once_and_is_told),
        TEST(who_waits_behind_kept_rows_is_told_too),
        TEST(who_waits_is_told_while_others_try_again),
        TEST(a_writer_without_room_is_told),
        TEST(a_drain_tries_once_more),
        TEST(the_end_waits_for_puts_in_flight),
        TEST(kept_rows_are_forgotten_at_the_end),
        TEST_JOURNAL(what_was_handed_over_is_in_the_journal_until_it_is_stored),
        TEST_JOURNAL(a_version_that_takes_the_place_of_one_follows_it),
        TEST_JOURNAL(rows_in_flight_are_handed_over_in_order),
        TEST_JOURNAL(a_version_that_waits_is_not_older_than_our_own_put),
        TEST_JOURNAL(kept_rows_stay_in_the_journal),
        TEST_JOURNAL(refused_rows_leave_the_journal),
        TEST_JOURNAL(rows_of_old_segments_are_not_written_again),
        TEST_JOURNAL(a_journal_that_cannot_be_written_is_tried_again),
        TEST_JOURNAL(handing_over_and_answers_may_cross),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
