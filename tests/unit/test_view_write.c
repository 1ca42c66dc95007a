/*
 * Writing timelines through a view.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/lp/names.h"
#include "fs/view/writer.h"
#include "tests/unit/view_fixture.h"

static const char *const PATH = "t/cpu/host=a.lp";

static int setup(void **state)
{
    view_setup(state);
    assert_int_equal(view_mkdir(*state, "t/cpu"), OTS_OK);
    return 0;
}

static void what_is_written_is_stored(void **state)
{
    struct view_fixture *fixture = *state;
    const char *text = "cpu,host=a v=1i 1000\ncpu,host=a v=2i 2000\n";
    assert_int_equal(view_store(fixture, PATH, text), OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    view_expect_stored(fixture, "t", text);
    view_expect_text(fixture, PATH, text);
    view_expect_list(fixture, "t/cpu", "host=a.lp ");
}

static void lines_may_be_cut_anywhere(void **state)
{
    struct view_fixture *fixture = *state;
    char *text = view_lines("cpu,host=a", 100, 20);
    size_t size = strlen(text);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    for (size_t at = 0; at < size;) {
        struct ots_error err;
        size_t piece = at % 7 + 1 < size - at ? at % 7 + 1 : size - at;
        size_t taken;
        assert_int_equal(ots_file_write(file, at, ots_slice(text + at, piece), NULL, &taken, &err),
                         OTS_OK);
        assert_int_equal(taken, piece);
        at += piece;
    }
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
    view_expect_text(fixture, PATH, text);
    free(text);
}

static void getattr_waits_for_rows_on_their_way(void **state)
{
    struct view_fixture *fixture = *state;
    const char *text = "cpu,host=a v=1i 1000\n";
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    assert_int_equal(view_write(file, 0, text), OTS_OK);
    assert_int_equal(view_attr(fixture, PATH).size_bytes, strlen(text));
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_PUT), 1);
    fake_store_forget_counts(fixture->fake);
    assert_int_equal(view_attr(fixture, PATH).size_bytes, strlen(text));
    assert_int_equal(fake_store_count_all(fixture->fake), 0);
    ots_file_close(file);
}

/* Nobody looks, and the rows go all the same. */
static void rows_that_are_not_many_are_sent_soon(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=1i 1000\n"), OTS_OK);
    view_pass_time(fixture, 99999);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_PUT), 0);
    view_pass_time(fixture, 1);
    fake_store_wait_held(fixture->fake, OTS_ACTION_PUT, 1);
    fake_store_release(fixture->fake, OTS_ACTION_PUT);
}

static void a_file_without_rows_lives_in_the_mount(void **state)
{
    struct view_fixture *fixture = *state;
    ots_file_close(view_open(fixture, PATH, OTS_OPEN_WRITE));
    int64_t mtime_ns = view_attr(fixture, PATH).mtime_ns;
    view_grow_old(fixture);
    view_expect_text(fixture, PATH, "");
    assert_int_equal(view_attr(fixture, PATH).mtime_ns, mtime_ns);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=1i 1000\n"), OTS_OK);
    view_expect_text(fixture, PATH, "cpu,host=a v=1i 1000\n");
    /* It has had rows: when they vanish, it does. */
    fake_store_remove(fixture->fake, "t", "cpu");
    view_grow_old(fixture);
    view_expect_list(fixture, "t/cpu", "");
}

static void names_that_are_no_timelines_are_refused(void **state)
{
    struct view_fixture *fixture = *state;
    const char *const names[] = {"t/cpu/host.lp", "t/cpu/b=1,a=2.lp", "t/cpu/a=%2f.lp",
                                 "t/cpu/a=1,a=2.lp"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(view_create_status(fixture, names[i], OTS_OPEN_WRITE), OTS_INVALID);
    assert_int_equal(view_create_status(fixture, "t/a=1.lp", OTS_OPEN_WRITE), OTS_NOT_PERMITTED);
    assert_int_equal(view_create_status(fixture, "a=1.lp", OTS_OPEN_WRITE), OTS_NOT_PERMITTED);
    view_expect_list(fixture, "t/cpu", "");
}

static void opening_for_writing_asks_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=1i 1000\n"), OTS_OK);
    struct ots_attr attr = view_attr(fixture, PATH);
    view_grow_old(fixture);
    fake_store_forget_counts(fixture->fake);
    struct ots_file *file;
    struct ots_error err;
    enum ots_status status =
        ots_view_open(fixture->view, attr.ino, OTS_OPEN_WRITE, NULL, &file, &attr, &err);
    assert_int_equal(status, OTS_OK);
    assert_int_equal(fake_store_count_all(fixture->fake), 0);
    ots_file_close(file);
}

/* --- lines that are no rows -------------------------------------------------------------------*/

static void bad_lines_are_left_out_and_told_once(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    assert_int_equal(view_write(file, 0,
                                "cpu,host=a v=1i 1000\n"
                                "cpu,host=a v=oops 2000\n"
                                "cpu,host=b v=3i 3000\n"
                                "mem,host=a v=3i 3000\n"
                                "cpu,host=a V=4i 4000\n"
                                "cpu,host=a v=5i -5000\n"
                                "cpu,host=a v=6i\n"
                                "cpu,host=a v=7i 7000\n"),
                     OTS_OK);
    struct ots_error err;
    assert_int_equal(ots_file_flush(file, true, NULL, &err), OTS_INVALID);
    assert_non_null(strstr(err.message, "6 lines left out"));
    assert_non_null(strstr(err.message, "line 2"));
    assert_int_equal(view_flush(file), OTS_OK);
    assert_int_equal(ots_file_sync(file, NULL, &err), OTS_OK);
    ots_file_close(file);
    view_expect_stored(fixture, "t", "cpu,host=a v=1i 1000\ncpu,host=a v=7i 7000\n");
}

/* Each value may have 2 MiB, but the row must fit in a put of 4 MB. */
static void a_row_that_fits_in_no_put_is_left_out(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_buf text = OTS_BUF_INIT;
    ots_buf_append_str(&text, "m a=1i 1000\nm ");
    for (int field = 0; field < 3; field++) {
        ots_buf_append_fmt(&text, "%sf%d=\"", field ? "," : "", field);
        for (size_t size = 0; size < 1500000; size += 10)
            ots_buf_append_str(&text, "0123456789");
        ots_buf_append_byte(&text, '"');
    }
    ots_buf_append_str(&text, " 2000\nm a=3i 3000\n");
    ots_buf_append_byte(&text, '\0');
    assert_int_equal(ots_buf_status(&text), OTS_OK);
    assert_int_equal(view_mkdir(fixture, "t/m"), OTS_OK);
    assert_int_equal(view_store(fixture, "t/m/_.lp", (const char *)text.data), OTS_INVALID);
    view_expect_text(fixture, "t/m/_.lp", "m a=1i 1000\nm a=3i 3000\n");
    ots_buf_deinit(&text);
}

static void of_lines_made_equal_by_the_cut_the_first_stays(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_mkdir(fixture, "t/m"), OTS_OK);
    assert_int_equal(
        view_store(fixture, "t/m/_.lp", "m v=1i 1001\nm v=2i 1002\nm v=3i 2001\nm w=4i 2001\n"),
        OTS_INVALID);
    view_expect_text(fixture, "t/m/_.lp", "m v=1i 1000\nm v=3i,w=4i 2000\n");
}

static void a_last_line_without_end_is_not_stored(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=1i 1000\ncpu,host=a v=2i 20"), OTS_OK);
    assert_int_equal(view_flush(file), OTS_INVALID);
    assert_int_equal(view_flush(file), OTS_INVALID);
    assert_int_equal(view_write(file, 39, "00\ncpu,host=a v=3i 3000"), OTS_OK);
    assert_int_equal(view_flush(file), OTS_INVALID);
    ots_file_close(file);
    view_expect_text(fixture, PATH, "cpu,host=a v=1i 1000\ncpu,host=a v=2i 2000\n");
}

static void a_thousand_bad_lines_are_enough(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    for (uint64_t i = 0; i < OTS_PROBLEMS_MAX; i++)
        assert_int_equal(view_write(file, 4 * i, "bad\n"), OTS_OK);
    assert_int_equal(view_write(file, 4 * OTS_PROBLEMS_MAX, "cpu,host=a v=1i 1000\n"), OTS_INVALID);
    assert_int_equal(view_flush(file), OTS_INVALID);
    ots_file_close(file);
}

static void bytes_must_come_in_order(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    /* Behind what the file shows is where an appending writer may begin. */
    assert_int_equal(view_write(file, 1000, "cpu,host=a v=1i 1000\n"), OTS_OK);
    assert_int_equal(view_write(file, 1020, "cpu,host=a v=2i 2000\n"), OTS_INVALID);
    assert_int_equal(view_write(file, 1022, "cpu,host=a v=2i 2000\n"), OTS_INVALID);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=2i 2000\n"), OTS_INVALID);
    assert_int_equal(view_write(file, 1021, "cpu,host=a v=3i 3000\n"), OTS_OK);
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
    view_expect_text(fixture, PATH, "cpu,host=a v=1i 1000\ncpu,host=a v=3i 3000\n");
}

static void appended_bytes_come_behind_each_other(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE | OTS_OPEN_APPEND);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=1i 1000\ncpu,hos"), OTS_OK);
    assert_int_equal(view_write(file, 500, "t=a v=2i 2000\n"), OTS_OK);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=3i 3000\n"), OTS_OK);
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
    view_expect_text(fixture, PATH,
                     "cpu,host=a v=1i 1000\ncpu,host=a v=2i 2000\ncpu,host=a v=3i 3000\n");
}

static void a_file_for_reading_cannot_be_written(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=1i 1000\n"), OTS_INVALID);
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
}

/* --- rows of one time -------------------------------------------------------------------------*/

static void old_rows_stay_and_newer_ones_win(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=1i 1000\ncpu,host=a v=2i 2000\n"),
                     OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a w=9i 2000\ncpu,host=a v=3i 3000\n"),
                     OTS_OK);
    view_expect_text(fixture, PATH,
                     "cpu,host=a v=1i 1000\ncpu,host=a w=9i 2000\ncpu,host=a v=3i 3000\n");
}

static void lines_of_one_time_are_merged(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(
        view_store(fixture, PATH, "cpu,host=a v=1i,w=1i 1000\ncpu,host=a u=2i,w=2i 1000\n"),
        OTS_OK);
    view_expect_text(fixture, PATH, "cpu,host=a u=2i,v=1i,w=2i 1000\n");
}

/* --- names over 240 bytes ---------------------------------------------------------------------*/

static void append_name(struct ots_buf *path, const struct ots_series_key *key)
{
    struct ots_buf name = OTS_BUF_INIT;
    assert_int_equal(ots_timeline_name_append(key, &name), OTS_OK);
    ots_buf_append_byte(path, '/');
    ots_buf_append_slice(path, ots_buf_slice(&name));
    ots_buf_append_byte(path, '\0');
    ots_buf_deinit(&name);
}

static void hashed_names_are_written_and_read(void **state)
{
    struct view_fixture *fixture = *state;
    char slashes[129] = "";
    char value[301] = "";
    memset(slashes, '/', 128);
    memset(value, 'x', 300);
    struct ots_tag tag = {OTS_SLICE("k"), ots_slice_str(value)};
    struct ots_series_key key = {ots_slice_str(slashes), OTS_SLICE(""), &tag, 1};
    struct ots_buf directory = OTS_BUF_INIT;
    ots_buf_append_str(&directory, "t/");
    struct ots_buf name = OTS_BUF_INIT;
    assert_int_equal(ots_measurement_name_append(key.measurement, &name), OTS_OK);
    ots_buf_append_slice(&directory, ots_buf_slice(&name));
    struct ots_buf path = OTS_BUF_INIT;
    ots_buf_append_slice(&path, ots_buf_slice(&directory));
    append_name(&path, &key);
    ots_buf_append_byte(&directory, '\0');
    struct ots_buf text = OTS_BUF_INIT;
    ots_buf_append_fmt(&text, "%s,k=%s v=1i 1000\n%c", slashes, value, 0);

    assert_int_equal(view_mkdir(fixture, (const char *)directory.data), OTS_OK);
    const char *file = (const char *)path.data;
    assert_int_equal(view_store(fixture, file, "cpu,k=y v=1i 1000\n"), OTS_INVALID);
    view_expect_text(fixture, file, "");
    assert_int_equal(view_store(fixture, file, (const char *)text.data), OTS_OK);
    view_expect_text(fixture, file, (const char *)text.data);
    view_grow_old(fixture);
    view_expect_text(fixture, file, (const char *)text.data);
    ots_buf_deinit(&text);
    ots_buf_deinit(&path);
    ots_buf_deinit(&directory);
    ots_buf_deinit(&name);
}

/* --- times ------------------------------------------------------------------------------------*/

static void a_write_is_a_modification(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 1000\n");
    view_grow_old(fixture);
    assert_int_equal(view_attr(fixture, PATH).mtime_ns, 1000);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=2i 2000\n"), OTS_OK);
    int64_t written_ns = atomic_load(&fixture->now_us) * 1000;
    view_pass_time(fixture, 5000000);
    assert_int_equal(view_attr(fixture, PATH).mtime_ns, written_ns);
    /* As cp -p does, before it closes. */
    int64_t mtime_ns = 7;
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=3i 3000\n"), OTS_OK);
    assert_int_equal(
        ots_view_setattr(fixture->view, view_attr(fixture, PATH).ino, &mtime_ns, &attr), OTS_OK);
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
    view_grow_old(fixture);
    assert_int_equal(view_attr(fixture, PATH).mtime_ns, 7);
    /* The time is that of the flush; without a write a flush is none. */
    file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=4i 4000\n"), OTS_OK);
    view_pass_time(fixture, 5000000);
    int64_t flushed_ns = atomic_load(&fixture->now_us) * 1000;
    assert_int_equal(view_flush(file), OTS_OK);
    view_pass_time(fixture, 5000000);
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
    assert_int_equal(view_attr(fixture, PATH).mtime_ns, flushed_ns);
}

/* --- interrupts -------------------------------------------------------------------------------*/

/* Interrupted, it has taken some of the lines, and goes on where it was. */
static enum ots_status write_much(struct view_waiter *waiter)
{
    struct ots_error err;
    size_t taken;
    size_t rest;
    struct ots_file *file = view_open(waiter->fixture, PATH, OTS_OPEN_WRITE);
    char *lines = view_lines("cpu,host=a", 1, 5000);
    struct ots_slice text = ots_slice_str(lines);
    assert_int_equal(ots_file_write(file, 0, text, &waiter->interrupt, &taken, &err), OTS_OK);
    assert_true(taken && taken < text.size);
    assert_int_equal(lines[taken - 1], '\n');
    struct ots_slice behind = ots_slice(lines + taken, text.size - taken);
    /* Nothing more can be taken. */
    assert_int_equal(ots_file_write(file, taken, behind, &waiter->interrupt, &rest, &err),
                     OTS_CANCELLED);
    assert_int_equal(rest, 0);
    assert_int_equal(view_flush(file), OTS_OK);
    fake_store_release(waiter->fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(ots_file_write(file, taken, behind, NULL, &rest, &err), OTS_OK);
    assert_int_equal(rest, behind.size);
    enum ots_status status = view_flush(file);
    ots_file_close(file);
    view_expect_text(waiter->fixture, PATH, lines);
    free(lines);
    return status;
}

static void a_writer_waits_and_can_be_interrupted(void **state)
{
    struct view_fixture *fixture = *state;
    struct view_waiter waiter = {.fixture = fixture, .run = write_much};
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    view_expect_interrupted(&waiter, OTS_ACTION_PUT, 8, OTS_OK);
}

/* What there is room for is taken without waiting, and what there is none for later. */
static void who_may_not_wait_writes_what_has_room(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_interrupt raised;
    struct ots_error err;
    char *lines = view_lines("cpu,host=a", 1, 5000);
    struct ots_slice text = ots_slice_str(lines);
    size_t taken;
    size_t rest;
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(ots_file_write(file, 0, text, &raised, &taken, &err), OTS_OK);
    assert_true(taken && taken < text.size);
    struct ots_slice behind = ots_slice(lines + taken, text.size - taken);
    assert_int_equal(ots_file_write(file, taken, behind, &raised, &rest, &err), OTS_CANCELLED);
    assert_int_equal(rest, 0);
    fake_store_release(fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(ots_file_write(file, taken, behind, NULL, &rest, &err), OTS_OK);
    assert_int_equal(rest, behind.size);
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
    ots_interrupt_deinit(&raised);
    view_expect_text(fixture, PATH, lines);
    free(lines);
}

static enum ots_status write_to_file(struct view_waiter *waiter)
{
    struct ots_error err;
    size_t taken;
    char *lines = view_lines("cpu,host=a", 1, 5000);
    enum ots_status status =
        ots_file_write(waiter->file, 0, ots_slice_str(lines), &waiter->interrupt, &taken, &err);
    free(lines);
    return status;
}

/* A process that shares the file may end while another one is stuck in a write. */
static void a_close_does_not_wait_for_another_writer(void **state)
{
    struct view_fixture *fixture = *state;
    struct view_waiter waiter = {.fixture = fixture, .run = write_to_file};
    waiter.file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    view_waiter_start(&waiter);
    fake_store_wait_held(fixture->fake, OTS_ACTION_PUT, 8);
    assert_int_equal(view_flush(waiter.file), OTS_OK);
    fake_store_release(fixture->fake, OTS_ACTION_PUT);
    view_waiter_join(&waiter);
    assert_int_equal(waiter.status, OTS_OK);
    assert_int_equal(view_flush(waiter.file), OTS_OK);
    ots_file_close(waiter.file);
}

static enum ots_status get_attr(struct view_waiter *waiter)
{
    struct ots_error err;
    return ots_view_getattr(waiter->fixture->view, waiter->attr.ino, &waiter->interrupt,
                            &waiter->attr, &err);
}

static enum ots_status sync_file(struct view_waiter *waiter)
{
    struct ots_error err;
    return ots_file_sync(waiter->file, &waiter->interrupt, &err);
}

static enum ots_status sync_root(struct view_waiter *waiter)
{
    struct ots_error err;
    return ots_view_sync(waiter->fixture->view, 1, &waiter->interrupt, &err);
}

static void every_wait_for_rows_can_be_interrupted(void **state)
{
    struct view_fixture *fixture = *state;
    enum ots_status (*const runs[])(struct view_waiter *) = {get_attr, sync_file, sync_root,
                                                             view_run_open};
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    struct ots_attr attr = view_attr(fixture, PATH);
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=1i 1000\n"), OTS_OK);
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        struct view_waiter waiter = {
            .fixture = fixture, .run = runs[i], .file = file, .attr = attr};
        view_expect_interrupted(&waiter, OTS_ACTION_PUT, 1, OTS_CANCELLED);
    }
    fake_store_release(fixture->fake, OTS_ACTION_PUT);
    ots_file_close(file);
    view_expect_text(fixture, PATH, "cpu,host=a v=1i 1000\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_written_is_stored),
        TEST(lines_may_be_cut_anywhere),
        TEST(getattr_waits_for_rows_on_their_way),
        TEST(rows_that_are_not_many_are_sent_soon),
        TEST(a_file_without_rows_lives_in_the_mount),
        TEST(names_that_are_no_timelines_are_refused),
        TEST(opening_for_writing_asks_nothing),
        TEST(bad_lines_are_left_out_and_told_once),
        TEST(a_row_that_fits_in_no_put_is_left_out),
        TEST(of_lines_made_equal_by_the_cut_the_first_stays),
        TEST(a_last_line_without_end_is_not_stored),
        TEST(a_thousand_bad_lines_are_enough),
        TEST(bytes_must_come_in_order),
        TEST(appended_bytes_come_behind_each_other),
        TEST(a_file_for_reading_cannot_be_written),
        TEST(old_rows_stay_and_newer_ones_win),
        TEST(lines_of_one_time_are_merged),
        TEST(hashed_names_are_written_and_read),
        TEST(a_write_is_a_modification),
        TEST(a_writer_waits_and_can_be_interrupted),
        TEST(who_may_not_wait_writes_what_has_room),
        TEST(a_close_does_not_wait_for_another_writer),
        TEST(every_wait_for_rows_can_be_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
