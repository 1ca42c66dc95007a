/*
 * The port `.write`: lines of any timeline of a table.
 */
#include "fs/view/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "fs/view/problems.h"
#include "tests/unit/view_fixture.h"

static struct ots_file *open_port(struct view_fixture *fixture)
{
    struct ots_attr attr = view_attr(fixture, "t/.write");
    struct ots_file *file;
    struct ots_error err;
    assert_int_equal(
        ots_view_open(fixture->view, attr.ino, OTS_OPEN_WRITE, NULL, &file, &attr, &err), OTS_OK);
    return file;
}

static enum ots_status write_port(struct view_fixture *fixture, const char *text)
{
    struct ots_file *file = open_port(fixture);
    assert_int_equal(view_write(file, 0, text), OTS_OK);
    enum ots_status status = view_flush(file);
    ots_file_close(file);
    return status;
}

static void it_is_there_unlisted_and_for_writing_only(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr = view_attr(fixture, "t/.write");
    assert_int_equal(attr.permissions, 0200);
    assert_int_equal(attr.size_bytes, 0);
    assert_false(attr.is_directory);
    view_expect_list(fixture, "t", "");
    struct ots_file *file;
    struct ots_error err;
    const unsigned modes[] = {OTS_OPEN_READ, OTS_OPEN_READ | OTS_OPEN_WRITE};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(ots_view_open(fixture->view, attr.ino, modes[i], NULL, &file, &attr, &err),
                         OTS_DENIED);
    assert_int_equal(ots_view_truncate(fixture->view, attr.ino, 0, &err), OTS_OK);
    assert_int_equal(view_lookup(fixture, ".write", &attr), OTS_NOT_FOUND);
    uint64_t ino = view_attr(fixture, "t/.write").ino;
    view_grow_old(fixture);
    assert_int_equal(view_attr(fixture, "t/.write").ino, ino);
}

/* New timelines and measurements are listed at once, with their sizes. */
static void lines_of_any_timeline_are_stored(void **state)
{
    struct view_fixture *fixture = *state;
    view_expect_list(fixture, "t", "");
    assert_int_equal(write_port(fixture, "cpu,host=a v=1i 1000\nmem v=2i 2000\n"
                                         "cpu,host=b v=3i 3000\ncpu,host=a v=4i 4000\n"),
                     OTS_OK);
    view_expect_list(fixture, "t", "cpu mem ");
    view_expect_list(fixture, "t/cpu", "host=a.lp host=b.lp ");
    view_expect_text(fixture, "t/cpu/host=a.lp", "cpu,host=a v=1i 1000\ncpu,host=a v=4i 4000\n");
    view_expect_text(fixture, "t/mem/_.lp", "mem v=2i 2000\n");
    view_grow_old(fixture);
    view_expect_text(fixture, "t/cpu/host=b.lp", "cpu,host=b v=3i 3000\n");
}

static void a_known_timeline_has_its_new_size_at_once(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", "cpu v=1i 1000\n");
    view_grow_old(fixture);
    view_expect_text(fixture, "t/cpu/_.lp", "cpu v=1i 1000\n");
    assert_int_equal(write_port(fixture, "cpu v=2i 2000\n"), OTS_OK);
    view_expect_text(fixture, "t/cpu/_.lp", "cpu v=1i 1000\ncpu v=2i 2000\n");
}

static void lines_of_one_time_are_merged(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(write_port(fixture, "cpu a=1i 1000\ncpu a=2i 2000\ncpu b=1i 1000\n"
                                         "mem b=9i 1000\ncpu b=2i,a=3i 2000\n"),
                     OTS_OK);
    view_expect_text(fixture, "t/cpu/_.lp", "cpu a=1i,b=1i 1000\ncpu a=3i,b=2i 2000\n");
    /* But not with what was flushed. */
    assert_int_equal(write_port(fixture, "cpu c=1i 1000\n"), OTS_OK);
    view_expect_text(fixture, "t/cpu/_.lp", "cpu c=1i 1000\ncpu a=3i,b=2i 2000\n");
}

static void lines_without_a_time_get_that_of_their_parsing(void **state)
{
    struct view_fixture *fixture = *state;
    atomic_store(&fixture->now_us, 5000000);
    struct ots_file *file = open_port(fixture);
    assert_int_equal(view_write(file, 0, "cpu a=1i\ncpu a=2i\nmem a=3i\ncpu a=4i 1000\n"), OTS_OK);
    atomic_store(&fixture->now_us, 6000000);
    assert_int_equal(view_write(file, 0, "cpu a=5i\n"), OTS_OK);
    /* The clock is set back: time does not. */
    atomic_store(&fixture->now_us, 1000000);
    assert_int_equal(view_write(file, 0, "cpu a=6i\n"), OTS_OK);
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
    view_expect_text(fixture, "t/cpu/_.lp",
                     "cpu a=4i 1000\ncpu a=1i 5000000000\ncpu a=2i 5000001000\n"
                     "cpu a=5i 6000000000\ncpu a=6i 6000001000\n");
    view_expect_text(fixture, "t/mem/_.lp", "mem a=3i 5000002000\n");
}

/* What the mount could not show would make the whole file unreadable. */
static void a_time_of_parsing_is_one_that_the_mount_can_show(void **state)
{
    struct view_fixture *fixture = *state;
    view_use_precision(fixture, OTS_PRECISION_S);
    atomic_store(&fixture->now_us, 5999999);
    struct ots_file *file = open_port(fixture);
    assert_int_equal(view_write(file, 0, "cpu a=1i\ncpu b=2i\nmem a=3i\n"), OTS_OK);
    atomic_store(&fixture->now_us, 6000001);
    assert_int_equal(view_write(file, 0, "cpu a=4i\n"), OTS_OK);
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
    view_expect_text(fixture, "t/cpu/_.lp", "cpu a=1i,b=2i 5\ncpu a=4i 6\n");
    view_expect_text(fixture, "t/mem/_.lp", "mem a=3i 5\n");
}

static void rows_go_after_a_second(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    struct ots_file *file = open_port(fixture);
    assert_int_equal(view_write(file, 0, "cpu a=1i 1000\n"), OTS_OK);
    view_pass_time(fixture, OTS_PORT_AGE_US - 1);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_PUT), 0);
    assert_int_equal(view_write(file, 0, "cpu b=1i 1000\n"), OTS_OK);
    view_pass_time(fixture, 1);
    /* Handed over by the sender, and sent when 0.1 s old. */
    while (!fake_store_count(fixture->fake, OTS_ACTION_PUT))
        view_pass_time(fixture, 1000);
    fake_store_release(fixture->fake, OTS_ACTION_PUT);
    view_expect_text(fixture, "t/cpu/_.lp", "cpu a=1i,b=1i 1000\n");
    ots_file_close(file);
}

static void rows_go_when_they_are_many(void **state)
{
    struct view_fixture *fixture = *state;
    char *lines = view_lines("cpu", 1, 10300);
    struct ots_file *file = open_port(fixture);
    assert_int_equal(view_write(file, 0, lines), OTS_OK);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_PUT), 50);
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
    view_expect_text(fixture, "t/cpu/_.lp", lines);
    free(lines);
}

static void bad_lines_are_rejected(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_error err;
    struct ots_file *file = open_port(fixture);
    assert_int_equal(view_write(file, 0,
                                "cpu v=1i 1000\ncpu v=x 2\ncpu V=1i 3000\nc#u v=1i 3000\n"
                                "cpu v=1i -4000\nmem v=1i 1001\nmem v=2i 1002\ncpu v=2i 2000\ncpu"),
                     OTS_OK);
    assert_int_equal(ots_file_flush(file, true, NULL, &err), OTS_INVALID);
    assert_non_null(strstr(err.message, "5 lines left out, the first: line 2"));
    assert_int_equal(view_flush(file), OTS_INVALID);
    ots_file_close(file);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    view_expect_stored(fixture, "t", "cpu v=1i 1000\ncpu v=2i 2000\nmem v=1i 1000\n");
    file = open_port(fixture);
    for (uint64_t i = 0; i < OTS_PROBLEMS_MAX; i++)
        assert_int_equal(view_write(file, 0, "bad\n"), OTS_OK);
    assert_int_equal(view_write(file, 0, "cpu v=1i 1000\n"), OTS_INVALID);
    ots_file_close(file);
}

static void refused_rows_are_told_once(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_error err;
    fake_store_refuse(fixture->fake, 13);
    struct ots_file *file = open_port(fixture);
    struct ots_file *other = open_port(fixture);
    assert_int_equal(view_write(file, 0, "cpu v=13i 1000\nmem v=1i 1000\n"), OTS_OK);
    assert_int_equal(ots_file_sync(file, NULL, &err), OTS_IO);
    assert_int_equal(ots_file_sync(file, NULL, &err), OTS_OK);
    assert_int_equal(ots_file_sync(other, NULL, &err), OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_IO);
    ots_file_close(file);
    ots_file_close(other);
    view_expect_stored(fixture, "t", "mem v=1i 1000\n");
}

static void a_table_with_fields_in_its_key_has_none(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_add_table(fixture->fake, "wide", true);
    view_grow_old(fixture);
    struct ots_attr attr = view_attr(fixture, "wide/.write");
    struct ots_file *file;
    struct ots_error err;
    assert_int_equal(
        ots_view_open(fixture->view, attr.ino, OTS_OPEN_WRITE, NULL, &file, &attr, &err),
        OTS_UNSUPPORTED);
}

/* The pipeline is full: whoever writes waits, and what was gathered is not lost. */
static enum ots_status write_much(struct view_waiter *waiter)
{
    struct ots_error err;
    size_t taken;
    char *lines = view_lines("cpu", 1, 30000);
    struct ots_slice text = ots_slice_str(lines);
    enum ots_status status =
        ots_file_write(waiter->file, 0, text, &waiter->interrupt, &taken, &err);
    assert_int_equal(status, OTS_OK);
    assert_true(taken < text.size);
    fake_store_release(waiter->fixture->fake, OTS_ACTION_PUT);
    size_t rest;
    status = ots_file_write(waiter->file, 0, ots_slice(lines + taken, text.size - taken), NULL,
                            &rest, &err);
    assert_int_equal(rest, text.size - taken);
    assert_int_equal(view_flush(waiter->file), OTS_OK);
    view_expect_text(waiter->fixture, "t/cpu/_.lp", lines);
    free(lines);
    return status;
}

static void a_writer_waits_and_can_be_interrupted(void **state)
{
    struct view_fixture *fixture = *state;
    struct view_waiter waiter = {.fixture = fixture, .run = write_much};
    waiter.file = open_port(fixture);
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    view_expect_interrupted(&waiter, OTS_ACTION_PUT, 8, OTS_OK);
    ots_file_close(waiter.file);
}

/* A writer that is gone: its whole lines go all the same. */
static void a_file_that_is_closed_without_a_flush_is_sent(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *file = open_port(fixture);
    assert_int_equal(view_write(file, 0, "cpu v=1i 1000\ncpu v=2i 20"), OTS_OK);
    ots_file_close(file);
    while (!fake_store_count(fixture->fake, OTS_ACTION_PUT))
        view_pass_time(fixture, 100000);
    view_expect_text(fixture, "t/cpu/_.lp", "cpu v=1i 1000\n");
    /* And at the end of the view: the fixture finds what is lost in its memory. */
    file = open_port(fixture);
    assert_int_equal(view_write(file, 0, "cpu v=3i 3000\n"), OTS_OK);
    ots_file_close(file);
}

/* A reader of the file, or the sender, has it for a moment: the close of who wrote waits. */
static void a_flush_waits_for_whoever_has_the_file(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_error err;
    struct ots_interrupt raised;
    struct ots_file *file = open_port(fixture);
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    assert_int_equal(view_write(file, 0, "bad\n"), OTS_OK);
    assert_true(ots_file_try_enter(file));
    assert_int_equal(ots_file_flush(file, true, &raised, &err), OTS_CANCELLED);
    assert_int_equal(ots_file_flush(file, false, &raised, &err), OTS_OK);
    ots_file_leave(file);
    assert_int_equal(ots_file_flush(file, true, &raised, &err), OTS_INVALID);
    ots_interrupt_deinit(&raised);
    ots_file_close(file);
}

/* The thread that reads requests, which comes with a raised interrupt, has little time. */
static void many_rows_are_left_to_who_may_wait(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_error err;
    struct ots_interrupt raised;
    struct ots_file *file = open_port(fixture);
    struct ots_node *table =
        ots_tree_by_ino(&fixture->view->synced.tree, view_attr(fixture, "t").ino);
    char *lines = view_lines("cpu", 1, 9000);
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    assert_int_equal(view_write(file, 0, "cpu v=0i 1\n"), OTS_OK);
    assert_int_equal(ots_file_flush(file, true, &raised, &err), OTS_OK);
    assert_int_equal(view_write(file, 0, lines), OTS_OK);
    assert_int_equal(ots_file_flush(file, true, &raised, &err), OTS_CANCELLED);
    assert_int_equal(ots_table_wait(table->table, &raised), OTS_CANCELLED);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_PUT), 0);
    ots_interrupt_deinit(&raised);
    assert_int_equal(view_flush(file), OTS_OK);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_PUT), 45);
    ots_file_close(file);
    free(lines);
}

/* Whoever gathered them, and without a second's delay. */
static void a_sync_sends_what_is_gathered(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_error err;
    struct ots_file *first = open_port(fixture);
    struct ots_file *second = open_port(fixture);
    assert_int_equal(view_write(first, 0, "cpu v=1i 1000\n"), OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    view_expect_stored(fixture, "t", "cpu v=1i 1000\n");
    assert_int_equal(view_write(first, 0, "cpu v=2i 2000\n"), OTS_OK);
    assert_int_equal(ots_file_sync(second, NULL, &err), OTS_OK);
    view_expect_stored(fixture, "t", "cpu v=1i 1000\ncpu v=2i 2000\n");
    assert_int_equal(view_write(second, 0, "cpu v=3i 3000\n"), OTS_OK);
    struct ots_file *timeline = view_open(fixture, "t/cpu/_.lp", OTS_OPEN_WRITE);
    assert_int_equal(ots_file_sync(timeline, NULL, &err), OTS_OK);
    view_expect_stored(fixture, "t", "cpu v=1i 1000\ncpu v=2i 2000\ncpu v=3i 3000\n");
    ots_file_close(timeline);
    ots_file_close(first);
    ots_file_close(second);
}

static enum ots_status write_until_interrupted(struct view_waiter *waiter)
{
    struct ots_error err;
    size_t taken;
    char *lines = view_lines("cpu", 1, 20000);
    enum ots_status status =
        ots_file_write(waiter->file, 0, ots_slice_str(lines), &waiter->interrupt, &taken, &err);
    free(lines);
    return status;
}

static void *turn_clock(void *argument)
{
    struct view_waiter *waiter = argument;
    while (!ots_interrupt_is_raised(&waiter->interrupt)) {
        view_pass_time(waiter->fixture, 100000);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return NULL;
}

/* The end of the view waits for room, which rows that are kept make only when they are sent again.
 */
static void what_is_gathered_goes_at_the_end_behind_rows_that_are_kept(void **state)
{
    struct view_fixture *fixture = *state;
    struct view_waiter writer = {.fixture = fixture, .run = write_until_interrupted};
    struct view_waiter clock = {.fixture = fixture};
    pthread_t thread;
    fake_store_fail(fixture->fake, OTS_ACTION_PUT, OTS_TIMEOUT, 8);
    writer.file = open_port(fixture);
    view_waiter_start(&writer);
    while (fake_store_count(fixture->fake, OTS_ACTION_PUT) < 8)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    ots_interrupt_raise(&writer.interrupt);
    view_waiter_join(&writer);
    ots_file_close(writer.file);
    ots_interrupt_init(&clock.interrupt);
    pthread_create(&thread, NULL, turn_clock, &clock);
    view_use_precision(fixture, OTS_PRECISION_NS);
    ots_interrupt_raise(&clock.interrupt);
    pthread_join(thread, NULL);
    ots_interrupt_deinit(&clock.interrupt);
    char *lines = view_lines("cpu", 1, 10000);
    view_expect_stored(fixture, "t", lines);
    free(lines);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_setup, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_there_unlisted_and_for_writing_only),
        TEST(lines_of_any_timeline_are_stored),
        TEST(a_known_timeline_has_its_new_size_at_once),
        TEST(lines_of_one_time_are_merged),
        TEST(lines_without_a_time_get_that_of_their_parsing),
        TEST(a_time_of_parsing_is_one_that_the_mount_can_show),
        TEST(rows_go_after_a_second),
        TEST(rows_go_when_they_are_many),
        TEST(bad_lines_are_rejected),
        TEST(refused_rows_are_told_once),
        TEST(a_table_with_fields_in_its_key_has_none),
        TEST(a_writer_waits_and_can_be_interrupted),
        TEST(a_file_that_is_closed_without_a_flush_is_sent),
        TEST(a_flush_waits_for_whoever_has_the_file),
        TEST(many_rows_are_left_to_who_may_wait),
        TEST(a_sync_sends_what_is_gathered),
        TEST(what_is_gathered_goes_at_the_end_behind_rows_that_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
