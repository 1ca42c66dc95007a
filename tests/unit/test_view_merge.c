/*
 * Lines of one open file with one time: merged, also when the row was sent already.
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

/* A line for each field and time: all times of one field, then all of the next. */
static char *column_lines(int64_t first, int64_t count, const char *fields)
{
    struct ots_buf text = OTS_BUF_INIT;
    for (const char *field = fields; *field; field++)
        for (int64_t i = first; i < first + count; i++)
            ots_buf_append_fmt(&text, "cpu,host=a %c=%di %d0000\n", *field, (int)i, (int)i);
    ots_buf_append_byte(&text, '\0');
    assert_int_equal(ots_buf_status(&text), OTS_OK);
    return (char *)text.data;
}

static char *rows_lines(int64_t first, int64_t count)
{
    struct ots_buf text = OTS_BUF_INIT;
    for (int i = (int)first; i < first + count; i++)
        ots_buf_append_fmt(&text, "cpu,host=a a=%di,b=%di,c=%di %d0000\n", i, i, i, i);
    ots_buf_append_byte(&text, '\0');
    assert_int_equal(ots_buf_status(&text), OTS_OK);
    return (char *)text.data;
}

/* As influx_inspect export writes. Not a request for each row. */
static void fields_one_after_the_other_are_merged(void **state)
{
    enum { ROWS = 20000 };
    struct view_fixture *fixture = *state;
    char *columns = column_lines(1, ROWS, "abc");
    char *rows = rows_lines(1, ROWS);
    assert_int_equal(view_store(fixture, PATH, columns), OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    view_expect_stored(fixture, "t", rows);
    /* Pages of 64, 256, 1024, 4096, then 5000 rows, for two of the fields. */
    size_t gets = fake_store_count(fixture->fake, OTS_ACTION_GET);
    assert_true(gets >= 2 * ROWS / OTS_PAGE_ROWS_MAX && gets <= 2 * (ROWS / OTS_PAGE_ROWS_MAX + 5));
    assert_true(fake_store_count(fixture->fake, OTS_ACTION_PUT) <=
                3 * ROWS / OTS_PUT_ROWS_MAX + gets + 1);
    view_expect_text(fixture, PATH, rows);
    free(rows);
    free(columns);
}

/* Neighbours of one time need no request even when each is a write of its own. */
static void neighbours_of_one_time_cost_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE);
    assert_int_equal(view_write(file, 0, "cpu,host=a a=1i 1000\n"), OTS_OK);
    assert_int_equal(view_write(file, 21, "cpu,host=a a=2i 2000\n"), OTS_OK);
    assert_int_equal(view_write(file, 42, "cpu,host=a b=1i 1000\n"), OTS_OK);
    assert_int_equal(view_write(file, 63, "cpu,host=a b=2i 2000\n"), OTS_OK);
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 0);
    view_expect_text(fixture, PATH, "cpu,host=a a=1i,b=1i 1000\ncpu,host=a a=2i,b=2i 2000\n");
}

/* Rows on their way, a new time among old ones, and an old one twice again. */
static void a_line_that_steps_back_is_merged_with_its_row(void **state)
{
    struct view_fixture *fixture = *state;
    char *columns = column_lines(1, 300, "a");
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE | OTS_OPEN_APPEND);
    assert_int_equal(view_write(file, 0, columns), OTS_OK);
    assert_int_equal(view_write(file, 0, "cpu,host=a b=7i 70000\n"), OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    assert_int_equal(view_write(file, 0, "cpu,host=a b=5i 50000\ncpu,host=a b=6i 95000\n"), OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    assert_int_equal(view_write(file, 0, "cpu,host=a c=7i 70000\ncpu,host=a c=6i 95000\n"), OTS_OK);
    assert_int_equal(view_write(file, 0, "cpu,host=a a=8i,d=5i 50000\n"), OTS_OK);
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
    struct ots_buf rows = OTS_BUF_INIT;
    for (int i = 1; i <= 300; i++) {
        if (i == 5)
            ots_buf_append_str(&rows, "cpu,host=a a=8i,b=5i,d=5i 50000\n");
        else if (i == 7)
            ots_buf_append_str(&rows, "cpu,host=a a=7i,b=7i,c=7i 70000\n");
        else
            ots_buf_append_fmt(&rows, "cpu,host=a a=%di %d0000\n", i, i);
        if (i == 9)
            ots_buf_append_str(&rows, "cpu,host=a b=6i,c=6i 95000\n");
    }
    ots_buf_append_byte(&rows, '\0');
    char *text = (char *)rows.data;
    view_expect_text(fixture, PATH, text);
    free(columns);
    free(text);
}

/* Another one's row of that time is not this file's to merge with. */
static void only_rows_of_the_file_itself_are_merged(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a a=1i 1000\n"), OTS_OK);
    assert_int_equal(view_store(fixture, PATH, "cpu,host=a b=2i 1000\ncpu,host=a b=1i 0\n"),
                     OTS_OK);
    view_expect_text(fixture, PATH, "cpu,host=a b=1i 0\ncpu,host=a b=2i 1000\n");
}

/* What was refused, or removed since, cannot be merged with. */
static void a_row_that_is_gone_is_put_as_it_is(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_error err;
    fake_store_refuse(fixture->fake, 13);
    struct ots_file *file = view_open(fixture, PATH, OTS_OPEN_WRITE | OTS_OPEN_APPEND);
    assert_int_equal(view_write(file, 0, "cpu,host=a a=13i 1000\ncpu,host=a a=2i 2000\n"), OTS_OK);
    assert_int_equal(ots_file_sync(file, NULL, &err), OTS_IO);
    assert_int_equal(view_write(file, 0, "cpu,host=a b=1i 1000\n"), OTS_OK);
    assert_int_equal(view_flush(file), OTS_OK);
    ots_file_close(file);
    view_expect_text(fixture, PATH, "cpu,host=a b=1i 1000\ncpu,host=a a=2i 2000\n");
}

/* A write that must read back can be interrupted there too. */
static enum ots_status write_field_again(struct view_waiter *waiter)
{
    struct ots_error err;
    size_t taken;
    return ots_file_write(waiter->file, 0, OTS_SLICE("cpu,host=a b=1i 1000\n"), &waiter->interrupt,
                          &taken, &err);
}

static void reading_back_can_be_interrupted(void **state)
{
    struct view_fixture *fixture = *state;
    struct view_waiter waiter = {.fixture = fixture, .run = write_field_again};
    waiter.file = view_open(fixture, PATH, OTS_OPEN_WRITE | OTS_OPEN_APPEND);
    assert_int_equal(view_write(waiter.file, 0, "cpu,host=a a=1i 1000\n"), OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    fake_store_hold(fixture->fake, OTS_ACTION_GET);
    view_waiter_start(&waiter);
    fake_store_wait_held(fixture->fake, OTS_ACTION_GET, 1);
    ots_interrupt_raise(&waiter.interrupt);
    fake_store_release(fixture->fake, OTS_ACTION_GET);
    view_waiter_join(&waiter);
    if (waiter.status != OTS_OK)
        assert_int_equal(view_write(waiter.file, 0, "cpu,host=a b=1i 1000\n"), OTS_OK);
    assert_int_equal(view_flush(waiter.file), OTS_OK);
    ots_file_close(waiter.file);
    view_expect_text(fixture, PATH, "cpu,host=a a=1i,b=1i 1000\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, view_teardown)
#define TEST_THREADS(name) cmocka_unit_test_setup_teardown(name, setup_threads, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_one_after_the_other_are_merged),
        TEST(neighbours_of_one_time_cost_nothing),
        TEST(a_line_that_steps_back_is_merged_with_its_row),
        TEST(only_rows_of_the_file_itself_are_merged),
        TEST(a_row_that_is_gone_is_put_as_it_is),
        TEST_THREADS(reading_back_can_be_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
