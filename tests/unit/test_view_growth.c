/*
 * Timelines that grow and change while files are open, long ones, and other precisions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/view_fixture.h"

static const char *const SERIES = "cpu,host=a";
static const char *const PATH = "t/cpu/host=a.lp";

static void put_lines(struct view_fixture *fixture, int64_t first, int64_t count)
{
    char *lines = view_lines(SERIES, first, count);
    fake_store_put(fixture->fake, "t", lines);
    free(lines);
}

static uint64_t size_of(struct view_fixture *fixture)
{
    return view_attr(fixture, PATH).size_bytes;
}

static size_t count_gets(struct view_fixture *fixture)
{
    return fake_store_count(fixture->fake, OTS_ACTION_GET);
}

/* As `tail -f` sees it: stat, then read what is new. For short timelines and long ones. */
static void rows_of_this_mount_appear_at_the_end(void **state)
{
    struct view_fixture *fixture = *state;
    const int64_t counts[] = {0, 3, 25};
    fake_store_page_rows(fixture->fake, 10);
    int64_t stored = 100;
    assert_int_equal(view_mkdir(fixture, "t/cpu"), OTS_OK);
    for (size_t i = 0; i < 3; i++) {
        put_lines(fixture, stored, counts[i]);
        stored += counts[i];
        view_grow_old(fixture);
        struct ots_file *writer = view_open(fixture, PATH, OTS_OPEN_WRITE);
        struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
        uint64_t offset = 0;
        for (int64_t more = 0; more < 3; more++) {
            char *text = view_read_file(file, offset, 100000);
            offset += strlen(text);
            char *all = view_lines(SERIES, 100, stored - 100);
            assert_int_equal(offset, strlen(all));
            assert_string_equal(text, all + offset - strlen(text));
            assert_int_equal(size_of(fixture), offset);
            char *line = view_lines(SERIES, stored++, 1);
            assert_int_equal(view_write(writer, (uint64_t)more * strlen(line), line), OTS_OK);
            free(line);
            free(all);
            free(text);
        }
        ots_file_close(file);
        ots_file_close(writer);
        assert_int_equal(size_of(fixture), 25 * (stored - 100));
    }
}

/* What was measured is not measured again, and what is written behind it not at all. */
static void growth_costs_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_page_rows(fixture->fake, 1000);
    put_lines(fixture, 100000, 20000);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    struct ots_file *writer = view_open(fixture, PATH, OTS_OPEN_WRITE);
    uint64_t size = size_of(fixture);
    uint64_t written = 0;
    for (int64_t i = 0; i < 5; i++) {
        char *line = view_lines(SERIES, 120000 + i, 1);
        assert_int_equal(view_write(writer, written, line), OTS_OK);
        written += strlen(line);
        fake_store_forget_counts(fixture->fake);
        assert_int_equal(size_of(fixture), size + written);
        assert_int_equal(count_gets(fixture), 0);
        char *text = view_read_file(file, size + written - strlen(line), 1000);
        assert_string_equal(text, line);
        free(text);
        free(line);
    }
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SCAN), 0);
    /* A row in the middle: from the mark before it. */
    struct ots_file *middle = view_open(fixture, PATH, OTS_OPEN_WRITE);
    assert_int_equal(view_write(middle, 0, "cpu,host=a v=7i 117000000\n"), OTS_OK);
    fake_store_forget_counts(fixture->fake);
    assert_int_equal(size_of(fixture), size + written - 5);
    assert_int_equal(count_gets(fixture), 6);
    ots_file_close(middle);
    ots_file_close(writer);
    ots_file_close(file);
}

static void rows_of_others_appear_once_a_scan_found_them(void **state)
{
    struct view_fixture *fixture = *state;
    put_lines(fixture, 100, 10);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    free(view_read_file(file, 0, 1000));
    put_lines(fixture, 110, 5);
    char *text = view_read_file(file, 250, 1000);
    assert_string_equal(text, "");
    free(text);
    view_grow_old(fixture);
    assert_int_equal(size_of(fixture), 375);
    char *lines = view_lines(SERIES, 110, 5);
    text = view_read_file(file, 250, 1000);
    assert_string_equal(text, lines);
    free(text);
    free(lines);
    ots_file_close(file);
}

static enum ots_status read_status(struct ots_file *file, uint64_t offset)
{
    struct ots_buf out = OTS_BUF_INIT;
    struct ots_error err;
    enum ots_status status = ots_file_read(file, offset, 10, NULL, &out, &err);
    ots_buf_deinit(&out);
    return status;
}

/* Long files: what was fetched, then ESTALE. Short ones: as they were. */
static void a_row_that_is_not_the_last_ends_a_version(void **state)
{
    struct view_fixture *fixture = *state;
    const char *const lines[] = {"cpu,host=a v=1i 150000\n", "cpu,host=a v=99999i 100000\n",
                                 "cpu,host=a v=5i 50000\n"};
    for (size_t i = 0; i < 3; i++) {
        fake_store_page_rows(fixture->fake, 10);
        put_lines(fixture, 100, 95);
        view_grow_old(fixture);
        struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
        fake_store_page_rows(fixture->fake, 1000);
        struct ots_file *whole = view_open(fixture, PATH, OTS_OPEN_READ);
        char *before = view_read_file(whole, 0, 10000);
        char *part = view_read_file(file, 0, 100);
        assert_int_equal(view_store(fixture, PATH, lines[i]), OTS_OK);
        assert_int_equal(read_status(file, 0), OTS_OK);
        assert_int_equal(read_status(file, strlen(before) - 10), OTS_STALE);
        assert_int_equal(read_status(file, 1000000), OTS_STALE);
        char *again = view_read_file(file, 0, 100);
        assert_string_equal(again, part);
        char *after = view_read_file(whole, 0, 10000);
        assert_string_equal(after, before);
        struct ots_file *newer = view_open(fixture, PATH, OTS_OPEN_READ);
        char *now = view_read_file(newer, 0, 10000);
        assert_int_equal(strlen(now), size_of(fixture));
        assert_non_null(strstr(now, lines[i]));
        free(now);
        free(after);
        free(again);
        free(part);
        free(before);
        ots_file_close(newer);
        ots_file_close(whole);
        ots_file_close(file);
    }
}

#define VIEW_PATH "t/.fields/v/cpu/host=a.lp"

/* A long file in a view, of which the front was read. */
static struct ots_file *open_in_view(struct view_fixture *fixture)
{
    fake_store_page_rows(fixture->fake, 10);
    put_lines(fixture, 100, 95);
    struct ots_file *file = view_open(fixture, VIEW_PATH, OTS_OPEN_READ);
    free(view_read_file(file, 0, 100));
    return file;
}

/* Nobody has looked into the whole table before. */
static void a_write_ends_the_version_of_a_view(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *file = open_in_view(fixture);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=99999i 100000\n"), OTS_OK);
    assert_int_equal(read_status(file, 0), OTS_OK);
    assert_int_equal(read_status(file, 1500), OTS_STALE);
    ots_file_close(file);
    view_expect_list(fixture, "t/cpu", "host=a.lp ");
}

/* Others made rows that only the view knows of. */
static void a_write_before_rows_of_a_view_ends_its_version(void **state)
{
    struct view_fixture *fixture = *state;
    put_lines(fixture, 50, 1);
    struct ots_file *writer = view_open(fixture, PATH, OTS_OPEN_WRITE);
    struct ots_file *file = open_in_view(fixture);
    assert_int_equal(view_write(writer, 0, "cpu,host=a v=99999i 90000\n"), OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    assert_int_equal(read_status(file, 1500), OTS_STALE);
    ots_file_close(writer);
    ots_file_close(file);
}

static void a_change_that_a_view_sees_ends_its_version(void **state)
{
    struct view_fixture *fixture = *state;
    put_lines(fixture, 50, 1);
    view_attr(fixture, PATH);
    struct ots_file *file = open_in_view(fixture);
    fake_store_put(fixture->fake, "t", "cpu,host=a v=99999i 100000\n");
    view_grow_old(fixture);
    view_attr(fixture, VIEW_PATH);
    assert_int_equal(read_status(file, 0), OTS_OK);
    assert_int_equal(read_status(file, 1500), OTS_STALE);
    ots_file_close(file);
}

/* What a file has read of others' rows is what a write may come before. */
static void a_write_before_what_was_read_is_no_growth(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_page_rows(fixture->fake, 10);
    put_lines(fixture, 100, 95);
    struct ots_file *writer = view_open(fixture, PATH, OTS_OPEN_WRITE);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    put_lines(fixture, 200, 50);
    char *before = view_read_file(file, 0, 10000);
    assert_non_null(strstr(before, " 249000\n"));
    const char *lines = "cpu,host=a v=1i 197000\ncpu,host=a v=1i 300000\n";
    assert_int_equal(view_write(writer, 0, lines), OTS_OK);
    char *after = view_read_file(file, strlen(before), 10000);
    assert_string_equal(after, "");
    free(after);
    free(before);
    ots_file_close(file);
    ots_file_close(writer);
}

/* `tail` of a timeline that a scan has measured. */
static void the_end_of_a_long_timeline_costs_little(void **state)
{
    struct view_fixture *fixture = *state;
    put_lines(fixture, 100000, 60000);
    uint64_t size = size_of(fixture);
    char *lines = view_lines(SERIES, 100000, 60000);
    fake_store_forget_counts(fixture->fake);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    char *text = view_read_file(file, size - 300, 1000);
    assert_string_equal(text, lines + size - 300);
    free(text);
    text = view_read_file(file, size, 1000);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(fake_store_count_all(fixture->fake), 1);
    /* And of the middle. */
    text = view_read_file(file, size / 2, 1000);
    assert_memory_equal(text, lines + size / 2, 1000);
    free(text);
    assert_int_equal(fake_store_count_all(fixture->fake), 2);
    ots_file_close(file);
    free(lines);
}

/* Somebody else changes rows that are marked: a scan tells, and who opens the file then reads it
 * right. */
static void marks_do_not_outlive_their_text(void **state)
{
    struct view_fixture *fixture = *state;
    put_lines(fixture, 100000, 20000);
    view_attr(fixture, PATH);
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 5000\n");
    view_grow_old(fixture);
    uint64_t size = size_of(fixture);
    struct ots_buf wanted = OTS_BUF_INIT;
    char *lines = view_lines(SERIES, 100000, 20000);
    ots_buf_append_fmt(&wanted, "cpu,host=a v=1i 5000\n%s", lines);
    assert_int_equal(size, wanted.size);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    for (uint64_t at = size - 1000; at > 100000; at -= 50000) {
        char *text = view_read_file(file, at, 1000);
        assert_memory_equal(text, wanted.data + at, 1000);
        free(text);
    }
    ots_file_close(file);
    free(lines);
    ots_buf_deinit(&wanted);
}

/* A scan need not give rows in the order of their times; marks come from readers then. */
static void readers_leave_marks_to_others(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_scan_backward(fixture->fake, true);
    put_lines(fixture, 100000, 30000);
    uint64_t size = size_of(fixture);
    for (int i = 0; i < 2; i++) {
        fake_store_forget_counts(fixture->fake);
        struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
        free(view_read_file(file, size - 300, 1000));
        assert_int_equal(count_gets(fixture), i ? 1 : 6);
        ots_file_close(file);
    }
    fake_store_scan_backward(fixture->fake, false);
}

/* Rows that come to the end of their lives go from sizes and from what is opened then; a file that
 * is open shows them to its end, and what grows behind them. */
static void an_open_file_keeps_its_first_row(void **state)
{
    struct view_fixture *fixture = *state;
    enum { ROWS = 12000, DAY_S = 86400 };
    struct ots_buf lines = OTS_BUF_INIT;
    fake_store_expire(fixture->fake, "t", DAY_S);
    fake_store_page_rows(fixture->fake, 1000);
    /* One each 0.1 s, from 12 minutes before their end on. */
    for (int64_t i = 0; i < ROWS; i++)
        ots_buf_append_fmt(&lines, "%s v=%ldi %ld00000000\n", SERIES, 100000 + i,
                           (INT64_C(1700000000) - DAY_S + 720) * 10 + i);
    ots_buf_append_byte(&lines, '\0');
    const char *text = (const char *)lines.data;
    fake_store_put(fixture->fake, "t", text);
    assert_int_equal(size_of(fixture), lines.size - 1);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    free(view_read_file(file, 0, 100));
    view_pass_time(fixture, INT64_C(600000000));
    assert_true(size_of(fixture) < lines.size - 100000);
    char *seen = view_read_file(file, 0, lines.size);
    assert_string_equal(seen, text);
    free(seen);
    const char *more = "cpu,host=a v=7i 1700000000000000000\n";
    fake_store_put(fixture->fake, "t", more);
    view_grow_old(fixture);
    size_of(fixture);
    seen = view_read_file(file, lines.size - 1, 1000);
    assert_string_equal(seen, more);
    free(seen);
    ots_file_close(file);
    ots_buf_deinit(&lines);
}

/* --- precision --------------------------------------------------------------------------------*/

static void times_are_in_the_precision_of_the_mount(void **state)
{
    struct view_fixture *fixture = *state;
    view_use_precision(fixture, OTS_PRECISION_MS);
    assert_int_equal(view_mkdir(fixture, "t/cpu"), OTS_OK);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a v=1i 5\ncpu,host=a v=2i 70\n"), OTS_OK);
    view_expect_text(fixture, PATH, "cpu,host=a v=1i 5\ncpu,host=a v=2i 70\n");
    view_expect_stored(fixture, "t", "cpu,host=a v=1i 5000000\ncpu,host=a v=2i 70000000\n");
    /* A row between two steps has its place, and cannot be read. */
    fake_store_put(fixture->fake, "t", "cpu,host=a v=3i 60000001000\n");
    view_grow_old(fixture);
    assert_int_equal(size_of(fixture), 18 + 19 + 22);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    struct ots_buf out = OTS_BUF_INIT;
    struct ots_error err;
    char *text = view_read_file(file, 0, 37);
    assert_string_equal(text, "cpu,host=a v=1i 5\ncpu,host=a v=2i 70\n");
    free(text);
    assert_int_equal(ots_file_read(file, 37, 1, NULL, &out, &err), OTS_IO);
    assert_non_null(strstr(err.message, "cpu/host=a.lp"));
    assert_non_null(strstr(err.message, "60000001 us"));
    ots_file_close(file);
    ots_buf_deinit(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_setup, view_teardown)
#define THREADS_TEST(name) cmocka_unit_test_setup_teardown(name, view_setup_threads, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_of_this_mount_appear_at_the_end),
        THREADS_TEST(rows_of_this_mount_appear_at_the_end),
        TEST(growth_costs_nothing),
        TEST(rows_of_others_appear_once_a_scan_found_them),
        TEST(a_row_that_is_not_the_last_ends_a_version),
        TEST(a_write_ends_the_version_of_a_view),
        TEST(a_write_before_rows_of_a_view_ends_its_version),
        TEST(a_change_that_a_view_sees_ends_its_version),
        TEST(a_write_before_what_was_read_is_no_growth),
        TEST(the_end_of_a_long_timeline_costs_little),
        TEST(marks_do_not_outlive_their_text),
        TEST(readers_leave_marks_to_others),
        TEST(an_open_file_keeps_its_first_row),
        TEST(times_are_in_the_precision_of_the_mount),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
