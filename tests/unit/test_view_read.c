/*
 * Reading timelines through a view.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/lp/names.h"
#include "tests/unit/view_fixture.h"

static const char *const SERIES = "cpu,host=a";
static const char *const PATH = "t/cpu/host=a.lp";

static void put_lines(struct view_fixture *fixture, int64_t first, int64_t count)
{
    char *lines = view_lines(SERIES, first, count);
    fake_store_put(fixture->fake, "t", lines);
    free(lines);
}

static void the_size_is_that_of_the_text(void **state)
{
    struct view_fixture *fixture = *state;
    const char *text = "cpu,host=a f=0.1,s=\"\xE6\xB8\xA9\" 1000\ncpu,host=a v=1i,w=true 2000\n";
    fake_store_put(fixture->fake, "t", text);
    assert_int_equal(view_attr(fixture, PATH).size_bytes, strlen(text));
    view_expect_text(fixture, PATH, text);
}

static void any_part_can_be_read(void **state)
{
    struct view_fixture *fixture = *state;
    put_lines(fixture, 10, 3);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    const struct {
        uint64_t offset;
        size_t size;
        const char *text;
    } cases[] = {
        {0, 10, "cpu,host=a"}, {25, 5, "pu,ho"},          {44, 4, "cpu,"}, {64, 100, "000\n"},
        {68, 100, ""},         {UINT64_MAX - 50, 10, ""}, {0, 0, ""},
    };
    /* One line: `cpu,host=a v=10i 10000\n`, 23 bytes. */
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = view_read_file(file, cases[i].offset, cases[i].size);
        char *whole = view_read_file(file, 0, 1000);
        uint64_t length = strlen(whole);
        assert_int_equal(length, 69);
        if (cases[i].offset < length)
            assert_memory_equal(text, whole + cases[i].offset, strlen(text));
        assert_int_equal(strlen(text), cases[i].offset >= length ? 0
                                       : cases[i].size < length - cases[i].offset
                                           ? cases[i].size
                                           : length - cases[i].offset);
        free(whole);
        free(text);
    }
    ots_file_close(file);
}

/* Others change a row, and then the timeline grows: none of that belongs to what was opened. */
static void an_open_file_does_not_change(void **state)
{
    struct view_fixture *fixture = *state;
    put_lines(fixture, 10, 2);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    fake_store_put(fixture->fake, "t", "cpu,host=a v=5i 10000\n");
    view_grow_old(fixture);
    view_expect_text(fixture, PATH, "cpu,host=a v=5i 10000\ncpu,host=a v=11i 11000\n");
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 12000\n");
    view_grow_old(fixture);
    view_attr(fixture, PATH);
    char *lines = view_lines(SERIES, 10, 2);
    char *text = view_read_file(file, 0, 1000);
    assert_string_equal(text, lines);
    free(text);
    free(lines);
    ots_file_close(file);
}

static void long_timelines_are_read_as_the_reader_goes(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_page_rows(fixture->fake, 10);
    put_lines(fixture, 100, 95);
    char *lines = view_lines(SERIES, 100, 95);
    struct ots_attr attr = view_attr(fixture, PATH);
    assert_int_equal(attr.size_bytes, strlen(lines));
    fake_store_forget_counts(fixture->fake);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 1);
    /* 25 bytes a line, 10 lines a page. */
    free(view_read_file(file, 0, 120));
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 1);
    /* One page ahead. */
    free(view_read_file(file, 120, 10));
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 2);
    free(view_read_file(file, 240, 20));
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 3);
    char *text = view_read_file(file, 0, strlen(lines) + 10);
    assert_string_equal(text, lines);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 10);
    free(text);
    ots_file_close(file);
    free(lines);
}

static void pages_end_where_rows_end(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_page_rows(fixture->fake, 10);
    for (int64_t count = 9; count <= 21; count++) {
        put_lines(fixture, 100, count);
        view_grow_old(fixture);
        char *lines = view_lines(SERIES, 100, count);
        view_expect_text(fixture, PATH, lines);
        free(lines);
    }
}

static void text_beyond_memory_is_spooled(void **state)
{
    struct view_fixture *fixture = *state;
    enum { VALUE = 1000, ROWS = 9000 };
    struct ots_buf lines = OTS_BUF_INIT;
    for (int i = 0; i < ROWS; i++)
        ots_buf_append_fmt(&lines, "%s s=\"%0*d\" %d000\n", SERIES, VALUE, i, i + 1);
    ots_buf_append_byte(&lines, '\0');
    fake_store_put(fixture->fake, "t", (const char *)lines.data);
    view_expect_text(fixture, PATH, (const char *)lines.data);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    /* From the back to the front. */
    for (uint64_t at = lines.size - 1; at > 1000000; at -= 1000000) {
        char *text = view_read_file(file, at - 1000000, 1000000);
        assert_int_equal(memcmp(text, lines.data + at - 1000000, 1000000), 0);
        free(text);
    }
    ots_file_close(file);
    ots_buf_deinit(&lines);
}

/* A page that could not be kept must not be missing in the text. */
static void a_page_that_could_not_be_kept_ends_the_file(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_buf lines = OTS_BUF_INIT;
    for (int i = 0; i < 100; i++)
        ots_buf_append_fmt(&lines, "%s s=\"%0100000d\" %d000\n", SERIES, i, i + 1);
    ots_buf_append_byte(&lines, '\0');
    fake_store_put(fixture->fake, "t", (const char *)lines.data);
    ots_buf_deinit(&lines);
    fake_store_page_rows(fixture->fake, 30);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    setenv("TMPDIR", "/nonexistent", 1);
    struct ots_error err;
    struct ots_buf out = OTS_BUF_INIT;
    for (int i = 0; i < 3; i++) {
        assert_int_not_equal(ots_file_read(file, 0, 9000000, NULL, &out, &err), OTS_OK);
        assert_non_null(strstr(err.message, "/nonexistent"));
        assert_int_equal(out.size, 0);
    }
    char *first = view_read_file(file, 0, 10);
    assert_string_equal(first, "cpu,host=a");
    free(first);
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
    ots_buf_deinit(&out);
    ots_file_close(file);
}

static void a_failed_page_can_be_read_later(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_page_rows(fixture->fake, 10);
    put_lines(fixture, 100, 30);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    fake_store_fail(fixture->fake, OTS_ACTION_GET, OTS_NETWORK, 1);
    struct ots_buf out = OTS_BUF_INIT;
    struct ots_error err;
    assert_int_equal(ots_file_read(file, 0, 1000, NULL, &out, &err), OTS_NETWORK);
    char *lines = view_lines(SERIES, 100, 30);
    char *text = view_read_file(file, 0, 1000);
    assert_string_equal(text, lines);
    free(text);
    free(lines);
    ots_buf_deinit(&out);
    ots_file_close(file);
}

static void errors_of_the_service_reach_open(void **state)
{
    struct view_fixture *fixture = *state;
    put_lines(fixture, 1, 1);
    view_attr(fixture, PATH);
    const enum ots_status errors[] = {OTS_DENIED, OTS_TIMEOUT, OTS_CORRUPT};
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        fake_store_fail(fixture->fake, OTS_ACTION_GET, errors[i], 1);
        assert_int_equal(view_open_status(fixture, PATH, OTS_OPEN_READ), errors[i]);
    }
    view_expect_text(fixture, PATH, "cpu,host=a v=1i 1000\n");
}

static void directories_are_no_files(void **state)
{
    struct view_fixture *fixture = *state;
    put_lines(fixture, 1, 1);
    assert_int_equal(view_open_status(fixture, "t", OTS_OPEN_READ), OTS_INVALID);
    assert_int_equal(view_open_status(fixture, "t/cpu", OTS_OPEN_WRITE), OTS_INVALID);
    struct ots_file *file;
    struct ots_attr attr;
    struct ots_error err;
    assert_int_equal(ots_view_open(fixture->view, 999, OTS_OPEN_WRITE, NULL, &file, &attr, &err),
                     OTS_STALE);
    assert_int_equal(ots_view_open(fixture->view, 999, OTS_OPEN_READ, NULL, &file, &attr, &err),
                     OTS_STALE);
    struct ots_listing *listing;
    uint64_t ino = view_attr(fixture, PATH).ino;
    assert_int_equal(ots_view_list(fixture->view, ino, NULL, &listing, &err), OTS_INVALID);
}

/* --- names over 240 bytes ---------------------------------------------------------------------*/

static char *path_of(const struct ots_series_key *key)
{
    struct ots_buf path = OTS_BUF_INIT;
    ots_buf_append_str(&path, "t/");
    struct ots_buf name = OTS_BUF_INIT;
    assert_int_equal(ots_measurement_name_append(key->measurement, &name), OTS_OK);
    ots_buf_append_slice(&path, ots_buf_slice(&name));
    ots_buf_append_byte(&path, '/');
    ots_buf_reset(&name);
    assert_int_equal(ots_timeline_name_append(key, &name), OTS_OK);
    ots_buf_append_slice(&path, ots_buf_slice(&name));
    ots_buf_append_byte(&path, '\0');
    ots_buf_deinit(&name);
    return (char *)path.data;
}

static void hashed_names_are_found_and_read(void **state)
{
    struct view_fixture *fixture = *state;
    char slashes[129] = "";
    char value[301] = "";
    memset(slashes, '/', 128);
    memset(value, 'x', 300);
    struct ots_tag tag = {OTS_SLICE("k"), ots_slice_str(value)};
    struct ots_series_key key = {ots_slice_str(slashes), OTS_SLICE(""), &tag, 1};
    struct ots_buf lines = OTS_BUF_INIT;
    ots_buf_append_fmt(&lines, "%s,k=%s v=1i 1000\n%c", slashes, value, 0);
    fake_store_put(fixture->fake, "t", (const char *)lines.data);
    char *path = path_of(&key);
    assert_non_null(strstr(path, "%~"));
    view_expect_text(fixture, path, (const char *)lines.data);
    free(path);
    ots_buf_deinit(&lines);
}

static void a_hashed_name_that_nobody_explained_is_empty(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_buf path = OTS_BUF_INIT;
    ots_buf_append_str(&path, "t/cpu/k=");
    for (int i = 0; i < 200; i++)
        ots_buf_append_byte(&path, 'x');
    ots_buf_append_fmt(&path, "%%~%032x.lp%c", 7, 0);
    assert_int_equal(view_mkdir(fixture, "t/cpu"), OTS_OK);
    const char *name = (const char *)path.data;
    enum ots_status status = view_create_status(fixture, name, OTS_OPEN_READ | OTS_OPEN_WRITE);
    assert_int_equal(status, OTS_OK);
    view_expect_text(fixture, name, "");
    ots_buf_deinit(&path);
}

/* --- interrupts -------------------------------------------------------------------------------*/

static enum ots_status read_end(struct view_waiter *waiter)
{
    struct ots_buf out = OTS_BUF_INIT;
    struct ots_error err;
    enum ots_status status =
        ots_file_read(waiter->file, 100000, 100, &waiter->interrupt, &out, &err);
    ots_buf_deinit(&out);
    return status;
}

static void an_open_can_be_interrupted(void **state)
{
    struct view_fixture *fixture = *state;
    put_lines(fixture, 1, 1);
    struct view_waiter waiter = {.fixture = fixture, .run = view_run_open};
    waiter.attr = view_attr(fixture, PATH);
    fake_store_hold(fixture->fake, OTS_ACTION_GET);
    view_expect_interrupted(&waiter, OTS_ACTION_GET, 1, OTS_CANCELLED);
}

static void readers_of_one_file_can_be_interrupted(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_page_rows(fixture->fake, 10);
    put_lines(fixture, 100, 30);
    struct view_waiter leader = {.fixture = fixture, .run = read_end};
    leader.file = view_open(fixture, PATH, OTS_OPEN_READ);
    struct view_waiter follower = leader;
    fake_store_hold(fixture->fake, OTS_ACTION_GET);
    view_waiter_start(&leader);
    fake_store_wait_held(fixture->fake, OTS_ACTION_GET, 1);
    view_waiter_start(&follower);
    ots_interrupt_raise(&follower.interrupt);
    view_waiter_join(&follower);
    assert_int_equal(follower.status, OTS_CANCELLED);
    ots_interrupt_raise(&leader.interrupt);
    view_waiter_join(&leader);
    assert_int_equal(leader.status, OTS_CANCELLED);
    fake_store_release(fixture->fake, OTS_ACTION_GET);
    char *lines = view_lines(SERIES, 100, 30);
    char *text = view_read_file(leader.file, 0, 1000);
    assert_string_equal(text, lines);
    free(text);
    free(lines);
    ots_file_close(leader.file);
}

/* What could be had at once is had, even by one who may not wait. */
static void who_may_not_wait_gets_what_is_there(void **state)
{
    struct view_fixture *fixture = *state;
    put_lines(fixture, 10, 2);
    struct ots_attr attr = view_attr(fixture, PATH);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_READ);
    struct ots_interrupt raised;
    struct ots_error err;
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    fake_store_forget_counts(fixture->fake);
    assert_int_equal(ots_view_getattr(fixture->view, attr.ino, &raised, &attr, &err), OTS_OK);
    struct ots_buf out = OTS_BUF_INIT;
    assert_int_equal(ots_file_read(file, 0, 1000, &raised, &out, &err), OTS_OK);
    assert_int_equal(out.size, attr.size_bytes);
    ots_buf_deinit(&out);
    view_grow_old(fixture);
    assert_int_equal(ots_view_getattr(fixture->view, attr.ino, &raised, &attr, &err),
                     OTS_CANCELLED);
    assert_int_equal(fake_store_count_all(fixture->fake), 0);
    ots_interrupt_deinit(&raised);
    ots_file_close(file);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_setup, view_teardown)
#define THREADS_TEST(name) cmocka_unit_test_setup_teardown(name, view_setup_threads, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_size_is_that_of_the_text),
        TEST(any_part_can_be_read),
        TEST(an_open_file_does_not_change),
        TEST(long_timelines_are_read_as_the_reader_goes),
        THREADS_TEST(long_timelines_are_read_as_the_reader_goes),
        TEST(pages_end_where_rows_end),
        TEST(text_beyond_memory_is_spooled),
        TEST(a_page_that_could_not_be_kept_ends_the_file),
        TEST(a_failed_page_can_be_read_later),
        TEST(errors_of_the_service_reach_open),
        TEST(directories_are_no_files),
        TEST(hashed_names_are_found_and_read),
        TEST(a_hashed_name_that_nobody_explained_is_empty),
        TEST(an_open_can_be_interrupted),
        THREADS_TEST(an_open_can_be_interrupted),
        TEST(readers_of_one_file_can_be_interrupted),
        THREADS_TEST(readers_of_one_file_can_be_interrupted),
        TEST(who_may_not_wait_gets_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
