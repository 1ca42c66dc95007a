/*
 * Many files at once, what is told when rows are lost, and measuring beside writing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/view_fixture.h"

static const char *const PATH = "t/cpu/host=a.lp";

static int setup(void **state)
{
    view_setup(state);
    assert_int_equal(view_mkdir(*state, "t/cpu"), OTS_OK);
    return 0;
}

static int setup_threads(void **state)
{
    view_setup_threads(state);
    assert_int_equal(view_mkdir(*state, "t/cpu"), OTS_OK);
    return 0;
}

static void store_files(struct view_fixture *fixture, int count, int rows)
{
    for (int i = 0; i < count; i++) {
        char series[32];
        char path[64];
        snprintf(series, sizeof(series), "cpu,n=%04d", i);
        snprintf(path, sizeof(path), "t/cpu/n=%04d.lp", i);
        char *lines = view_lines(series, 1, rows);
        assert_int_equal(view_store(fixture, path, lines), OTS_OK);
        free(lines);
    }
}

static void batches_are_full_over_many_files(void **state)
{
    enum { FILES = 300, ROWS = 7 };
    struct view_fixture *fixture = *state;
    store_files(fixture, FILES, ROWS);
    assert_int_equal(view_sync(fixture, ""), OTS_OK);
    size_t puts = fake_store_count(fixture->fake, OTS_ACTION_PUT);
    assert_true(puts <= FILES * ROWS / OTS_PUT_ROWS_MAX * 11 / 10 + 1);
}

/* What this mount writes to new timelines is known without looking. */
static void written_timelines_are_known(void **state)
{
    enum { FILES = 100 };
    struct view_fixture *fixture = *state;
    view_attr(fixture, "t/cpu");
    store_files(fixture, FILES, 1);
    fake_store_forget_counts(fixture->fake);
    for (int i = 0; i < FILES; i++) {
        char path[64];
        snprintf(path, sizeof(path), "t/cpu/n=%04d.lp", i);
        assert_int_equal(view_attr(fixture, path).size_bytes, strlen("cpu,n=0000 v=1i 1000\n"));
    }
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 0);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 0);
}

/* Rows take the place of others whose lines nobody knows. */
static void replace_rows(struct view_fixture *fixture, int files)
{
    store_files(fixture, files, 2);
    assert_int_equal(view_sync(fixture, ""), OTS_OK);
    store_files(fixture, files, 1);
    fake_store_forget_counts(fixture->fake);
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < files; i++) {
            char path[64];
            snprintf(path, sizeof(path), "t/cpu/n=%04d.lp", i);
            assert_int_equal(view_attr(fixture, path).size_bytes,
                             2 * strlen("cpu,n=0000 v=1i 1000\n"));
        }
}

/* A scan instead of reading them one by one. */
static void many_replaced_timelines_are_measured_by_one_scan(void **state)
{
    struct view_fixture *fixture = *state;
    view_attr(fixture, "t/cpu");
    replace_rows(fixture, 100);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 1);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 0);
}

static void few_replaced_timelines_are_read_one_by_one(void **state)
{
    struct view_fixture *fixture = *state;
    view_attr(fixture, "t/cpu");
    replace_rows(fixture, 10);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 0);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 10);
}

/* --- lost rows --------------------------------------------------------------------------------*/

static void refused_rows_are_told_once_by_the_file_that_wrote_them(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_error err;
    fake_store_refuse(fixture->fake, 13);
    struct ots_file *first = view_open(fixture, PATH, OTS_OPEN_WRITE);
    struct ots_file *second = view_open(fixture, PATH, OTS_OPEN_WRITE);
    struct ots_file *other = view_open(fixture, "t/cpu/host=b.lp", OTS_OPEN_WRITE);
    assert_int_equal(view_write(first, 0, "cpu,host=a v=1i 1000\ncpu,host=a v=13i 2000\n"), OTS_OK);
    assert_int_equal(view_write(other, 0, "cpu,host=b v=1i 1000\n"), OTS_OK);
    view_attr(fixture, PATH);
    assert_int_equal(ots_file_flush(first, true, NULL, &err), OTS_IO);
    assert_non_null(strstr(err.message, "the test wants"));
    assert_int_equal(view_flush(first), OTS_OK);
    assert_int_equal(view_flush(second), OTS_OK);
    assert_int_equal(ots_file_sync(other, NULL, &err), OTS_OK);
    /* Whoever synchronises a file of the timeline is told, until the directory's sync told it. */
    assert_int_equal(ots_file_sync(second, NULL, &err), OTS_IO);
    assert_int_equal(ots_file_sync(first, NULL, &err), OTS_IO);
    assert_int_equal(view_sync(fixture, "t"), OTS_IO);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    assert_int_equal(ots_file_sync(first, NULL, &err), OTS_OK);
    assert_int_equal(ots_file_sync(second, NULL, &err), OTS_OK);
    ots_file_close(first);
    ots_file_close(second);
    ots_file_close(other);
    view_expect_stored(fixture, "t", "cpu,host=a v=1i 1000\ncpu,host=b v=1i 1000\n");
}

/* Copying again after a trouble must be able to succeed. */
static void a_file_that_is_opened_later_is_not_blamed(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_error err;
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    fake_store_fail(fixture->fake, OTS_ACTION_PUT, OTS_DENIED, 1);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=1i 1000\n"), OTS_OK);
    assert_int_equal(ots_file_sync(file, NULL, &err), OTS_IO);
    ots_file_close(file);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=1i 1000\n"), OTS_OK);
    view_expect_text(fixture, PATH, "cpu,host=a v=1i 1000\n");
}

static void a_loss_that_nobody_was_told_of_is_told_by_the_next_sync(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_error err;
    fake_store_fail(fixture->fake, OTS_ACTION_PUT, OTS_DENIED, 1);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=1i 1000\n"), OTS_OK);
    view_expect_text(fixture, PATH, "");
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    assert_int_equal(ots_file_sync(file, NULL, &err), OTS_IO);
    ots_file_close(file);
    assert_int_equal(view_sync(fixture, "t"), OTS_IO);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
}

static void rows_that_failed_are_stored_later(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_fail(fixture->fake, OTS_ACTION_PUT, OTS_TIMEOUT, SIZE_MAX);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=1i 1000\n"), OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_IO);
    assert_int_equal(view_sync(fixture, "t"), OTS_IO);
    assert_int_equal(view_sync(fixture, ""), OTS_IO);
    view_expect_stored(fixture, "t", "");
    fake_store_fail(fixture->fake, OTS_ACTION_PUT, OTS_OK, 0);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    view_expect_stored(fixture, "t", "cpu,host=a v=1i 1000\n");
}

/* A line that has to wait for them does not take memory for the cause. */
static void a_write_and_a_stat_tell_why_rows_are_not_stored(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_error err;
    size_t taken;
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    fake_store_fail(fixture->fake, OTS_ACTION_PUT, OTS_TIMEOUT, SIZE_MAX);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=1i 1000\n"), OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_IO);
    assert_int_equal(
        ots_file_write(file, 21, OTS_SLICE("cpu,host=a w=2i 1000\n"), NULL, &taken, &err), OTS_IO);
    assert_string_equal(err.message, "rows are not stored yet: the test wants timed out");
    struct ots_attr attr;
    uint64_t ino = view_attr(fixture, "t/cpu").ino;
    err = (struct ots_error){0};
    assert_int_equal(ots_view_lookup(fixture->view, ino, OTS_SLICE("host=a.lp"), NULL, &attr, &err),
                     OTS_IO);
    assert_string_equal(err.message, "rows are not stored yet: the test wants timed out");
    fake_store_fail(fixture->fake, OTS_ACTION_PUT, OTS_OK, 0);
    ots_file_close(file);
}

static void a_sync_of_the_instance_tells_of_every_table(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_add_table(fixture->fake, "u", false);
    view_grow_old(fixture);
    assert_int_equal(view_mkdir(fixture, "u/cpu"), OTS_OK);
    fake_store_refuse(fixture->fake, 13);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=13i 1000\n"), OTS_OK);
    assert_int_equal(view_store(fixture, "u/cpu/host=a.lp", "cpu,host=a v=13i 1000\n"), OTS_OK);
    assert_int_equal(view_sync(fixture, ""), OTS_IO);
    assert_int_equal(view_sync(fixture, ""), OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    assert_int_equal(view_sync(fixture, "u"), OTS_OK);
    struct ots_error err;
    assert_int_equal(ots_view_sync(fixture->view, 12345, NULL, &err), OTS_STALE);
}

/* An interrupt must not swallow the news of a loss. */
static void an_interrupted_sync_tells_nothing_and_forgets_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_add_table(fixture->fake, "u", false);
    view_grow_old(fixture);
    assert_int_equal(view_mkdir(fixture, "u/cpu"), OTS_OK);
    fake_store_refuse(fixture->fake, 13);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=13i 1000\n"), OTS_OK);
    view_attr(fixture, PATH);
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(view_store(fixture, "u/cpu/host=a.lp", "cpu,host=a v=1i 1000\n"), OTS_OK);
    struct ots_interrupt raised;
    struct ots_error err;
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    assert_int_equal(ots_view_sync(fixture->view, 1, &raised, &err), OTS_CANCELLED);
    fake_store_release(fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(view_sync(fixture, ""), OTS_IO);
    ots_interrupt_deinit(&raised);
}

/* --- measuring beside writing -----------------------------------------------------------------*/

/* The scan has seen less than what is known by then. */
static void a_scan_does_not_undo_a_later_measurement(void **state)
{
    struct view_fixture *fixture = *state;
    const char *old = "cpu,host=a v=1i 1000\n";
    fake_store_put(fixture->fake, "t", old);
    struct view_waiter waiter = {.fixture = fixture, .run = view_run_list};
    waiter.attr = view_attr(fixture, "t");
    uint64_t directory = view_attr(fixture, "t/cpu").ino;
    view_grow_old(fixture);
    fake_store_hold(fixture->fake, OTS_ACTION_SCAN);
    view_waiter_start(&waiter);
    fake_store_wait_held(fixture->fake, OTS_ACTION_SCAN, 2);
    /* Nothing of this asks for the scan. */
    const char *const names[] = {"host=a.lp", "host=new.lp"};
    const char *const texts[] = {"cpu,host=a v=2i 2000\n", "cpu,host=new v=2i 2000\n"};
    const unsigned modes[] = {OTS_OPEN_WRITE, OTS_OPEN_READ};
    for (size_t i = 0; i < 4; i++) {
        struct ots_file *file;
        struct ots_attr attr;
        struct ots_error err;
        enum ots_status status =
            ots_view_create(fixture->view, directory, ots_slice_str(names[i / 2]), modes[i % 2],
                            NULL, &file, &attr, &err);
        assert_int_equal(status, OTS_OK);
        if (modes[i % 2] == OTS_OPEN_WRITE)
            assert_int_equal(view_write(file, 0, texts[i / 2]), OTS_OK);
        ots_file_close(file);
    }
    fake_store_release(fixture->fake, OTS_ACTION_SCAN);
    view_waiter_join(&waiter);
    assert_int_equal(waiter.status, OTS_OK);
    fake_store_forget_counts(fixture->fake);
    view_expect_list(fixture, "t/cpu", "host=a.lp host=new.lp ");
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").size_bytes, 2 * strlen(old));
    assert_int_equal(view_attr(fixture, "t/cpu/host=new.lp").size_bytes, strlen(texts[1]));
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 0);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 0);
}

/* Whoever waits for a scan that fails fails with it, and does not try after it. */
static void a_failure_is_shared_by_all_who_waited(void **state)
{
    enum { WAITERS = 4 };
    struct view_fixture *fixture = *state;
    struct view_waiter waiters[WAITERS];
    struct ots_attr attr = view_attr(fixture, "t");
    view_grow_old(fixture);
    fake_store_hold(fixture->fake, OTS_ACTION_SPLIT);
    fake_store_fail(fixture->fake, OTS_ACTION_SPLIT, OTS_TIMEOUT, SIZE_MAX);
    for (size_t i = 0; i < WAITERS; i++) {
        waiters[i] = (struct view_waiter){.fixture = fixture, .run = view_run_list, .attr = attr};
        view_waiter_start(&waiters[i]);
    }
    fake_store_wait_held(fixture->fake, OTS_ACTION_SPLIT, 1);
    fake_store_release(fixture->fake, OTS_ACTION_SPLIT);
    for (size_t i = 0; i < WAITERS; i++) {
        view_waiter_join(&waiters[i]);
        assert_int_equal(waiters[i].status, OTS_TIMEOUT);
    }
    fake_store_fail(fixture->fake, OTS_ACTION_SPLIT, OTS_OK, 0);
    view_expect_list(fixture, "t", "cpu ");
}

/* --- all at once ------------------------------------------------------------------------------*/

static enum ots_status write_and_look(struct view_waiter *waiter)
{
    struct view_fixture *fixture = waiter->fixture;
    for (int64_t i = 1; i <= 40; i++) {
        char *lines = view_lines(waiter->path, 10 * i, 10);
        char path[64];
        snprintf(path, sizeof(path), "t/cpu/%s.lp", strchr(waiter->path, ',') + 1);
        enum ots_status status = view_store(fixture, path, lines);
        free(lines);
        if (status != OTS_OK)
            return status;
        if (i % 5 == 0)
            view_pass_time(fixture, 400000);
        if (i % 7 == 0)
            view_expect_list(fixture, "t", "cpu ");
        if (i % 9 == 0)
            view_attr(fixture, path);
        if (i % 11 == 0)
            free(view_read_file(waiter->file, 0, 10));
        if (i % 13 == 0 && view_sync(fixture, "t") != OTS_OK)
            return OTS_IO;
    }
    return OTS_OK;
}

static void writers_and_readers_work_side_by_side(void **state)
{
    enum { WORKERS = 4 };
    static const char *const series[WORKERS] = {"cpu,w=0", "cpu,w=1", "cpu,w=2", "cpu,w=3"};
    struct view_fixture *fixture = *state;
    struct view_waiter workers[WORKERS];
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 1000\n");
    view_grow_old(fixture);
    struct ots_file *shared = view_open(fixture, PATH, OTS_OPEN_READ);
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i] = (struct view_waiter){
            .fixture = fixture, .run = write_and_look, .path = series[i], .file = shared};
        view_waiter_start(&workers[i]);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        view_waiter_join(&workers[i]);
        assert_int_equal(workers[i].status, OTS_OK);
    }
    ots_file_close(shared);
    view_grow_old(fixture);
    for (size_t i = 0; i < WORKERS; i++) {
        char path[64];
        snprintf(path, sizeof(path), "t/cpu/w=%zu.lp", i);
        char *lines = view_lines(series[i], 10, 400);
        view_expect_text(fixture, path, lines);
        free(lines);
    }
}

/* What was not acknowledged when the view ends is sent before it is gone. */
static void the_end_of_a_view_waits_for_its_rows(void **state)
{
    (void)state;
    void *own;
    view_setup(&own);
    struct view_fixture *fixture = own;
    assert_int_equal(view_mkdir(fixture, "t/cpu"), OTS_OK);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=1i 1000\n"), OTS_OK);
    ots_view_free(fixture->view);
    view_expect_stored(fixture, "t", "cpu,host=a v=1i 1000\n");
    fake_store_free(fixture->fake);
    free(fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, view_teardown)
#define THREADS_TEST(name) cmocka_unit_test_setup_teardown(name, setup_threads, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(batches_are_full_over_many_files),
        THREADS_TEST(batches_are_full_over_many_files),
        TEST(written_timelines_are_known),
        TEST(many_replaced_timelines_are_measured_by_one_scan),
        TEST(few_replaced_timelines_are_read_one_by_one),
        TEST(refused_rows_are_told_once_by_the_file_that_wrote_them),
        THREADS_TEST(refused_rows_are_told_once_by_the_file_that_wrote_them),
        TEST(a_file_that_is_opened_later_is_not_blamed),
        TEST(a_loss_that_nobody_was_told_of_is_told_by_the_next_sync),
        TEST(rows_that_failed_are_stored_later),
        TEST(a_write_and_a_stat_tell_why_rows_are_not_stored),
        TEST(a_sync_of_the_instance_tells_of_every_table),
        TEST(an_interrupted_sync_tells_nothing_and_forgets_nothing),
        TEST(a_scan_does_not_undo_a_later_measurement),
        THREADS_TEST(a_scan_does_not_undo_a_later_measurement),
        TEST(a_failure_is_shared_by_all_who_waited),
        TEST(writers_and_readers_work_side_by_side),
        THREADS_TEST(writers_and_readers_work_side_by_side),
        cmocka_unit_test(the_end_of_a_view_waits_for_its_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
