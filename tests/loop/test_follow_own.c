/*
 * What this mount writes is known without reading it, whether its table is followed or not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/loop/follow_fixture.h"

#define A "t/cpu/host=a.lp"
#define A1 "cpu,host=a v=1i 1000\n"
#define A1_LONG "cpu,host=a v=1111i 1000\n"
#define A2 "cpu,host=a v=2i 2000\n"
#define A3 "cpu,host=a v=3i 3000\n"

static int setup_off(void **state)
{
    if (follow_setup(state))
        return -1;
    struct follow *follow = *state;
    follow_unmount(follow);
    follow->stream_off = true;
    follow_mount(follow);
    return 0;
}

static void store(struct follow *follow, const char *text)
{
    assert_int_equal(view_store(&follow->mount, A, text), OTS_OK);
}

/* Known, and nothing is under way. */
static void begin(struct follow *follow)
{
    assert_int_equal(view_mkdir(&follow->mount, "t/cpu"), OTS_OK);
    view_expect_list(&follow->mount, "t/cpu", "");
    follow_forget_counts(follow);
}

static void a_new_file_is_known(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    store(follow, A1 A2);
    follow_expect_size(follow, A, A1 A2);
    view_expect_list(&follow->mount, "t/cpu", "host=a.lp ");
    ots_file_close(view_open(&follow->mount, A, OTS_OPEN_WRITE));
    assert_int_equal(follow_count_reads(follow), 0);
    follow_expect(follow, A, A1 A2);
    assert_int_equal(follow_count(follow, OTS_ACTION_SPLIT), 0);
}

static void an_appended_file_is_known(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    store(follow, A1);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    store(follow, A2);
    follow_expect_size(follow, A, A1 A2);
    store(follow, A3);
    follow_expect_size(follow, A, A1 A2 A3);
    assert_int_equal(follow_count_reads(follow), 0);
}

/* Until the stream has shown them their lines are known. */
static void known_rows_are_replaced_without_reading(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    store(follow, A1 A2);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    store(follow, A1 A2);
    follow_expect_size(follow, A, A1 A2);
    store(follow, A1_LONG);
    follow_expect_size(follow, A, A1_LONG A2);
    assert_int_equal(follow_count_reads(follow), 0);
    follow_wait_polls(follow, "t");
    assert_int_equal(follow_report(follow, "t").foreign, 0);
    assert_int_equal(follow_count_reads(follow), 0);
    follow_expect(follow, A, A1_LONG A2);
}

static void unknown_rows_are_replaced_with_one_measurement(void **state)
{
    struct follow *follow = *state;
    follow_put(follow, "t", A1 A2);
    follow_expect_size(follow, A, A1 A2);
    follow_forget_counts(follow);
    store(follow, A1_LONG);
    follow_expect_size(follow, A, A1_LONG A2);
    follow_expect_size(follow, A, A1_LONG A2);
    assert_int_equal(follow_count_reads(follow), 1);
    /* Now they are known. */
    store(follow, A1 A2);
    follow_expect_size(follow, A, A1 A2);
    assert_int_equal(follow_count_reads(follow), 1);
    follow_wait_polls(follow, "t");
    follow_expect_size(follow, A, A1 A2);
    assert_int_equal(follow_count_reads(follow), 1);
}

/* Many rows, in several batches at once. */
static void a_long_file_is_known(void **state)
{
    enum { ROWS = 20000 };
    struct follow *follow = *state;
    begin(follow);
    char *lines = view_lines("cpu,host=a", 100000, ROWS);
    store(follow, lines);
    follow_expect_size(follow, A, lines);
    assert_int_equal(follow_count_reads(follow), 0);
    /* Its end can be read without what is before it. */
    struct ots_file *file = view_open(&follow->mount, A, OTS_OPEN_READ);
    char *text = view_read_file(file, strlen(lines) - 10, 100);
    assert_string_equal(text, lines + strlen(lines) - 10);
    assert_true(follow_count(follow, OTS_ACTION_GET) <= 3);
    free(text);
    ots_file_close(file);
    follow_wait_polls(follow, "t");
    assert_int_equal(follow_report(follow, "t").foreign, 0);
    follow_expect_size(follow, A, lines);
    follow_expect(follow, A, lines);
    free(lines);
}

/* The answer to a put is lost: it is put twice. */
static void a_row_that_is_put_twice_is_our_own(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    atomic_store(&follow->gate.puts, GATE_DEAF);
    store(follow, A1);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_IO);
    atomic_store(&follow->gate.puts, GATE_OPEN);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    follow_set_mtime(follow, A, 12345);
    follow_wait_polls(follow, "t");
    assert_true(follow_report(follow, "t").records >= 2);
    assert_int_equal(follow_report(follow, "t").foreign, 0);
    assert_int_equal(follow_mtime_ns(follow, A), 12345);
    follow_expect_size(follow, A, A1);
    assert_int_equal(follow_count_reads(follow), 0);
}

static int setup_rare(void **state)
{
    if (follow_setup(state))
        return -1;
    struct follow *follow = *state;
    follow_unmount(follow);
    follow->is_poll_rare = true;
    follow_mount(follow);
    return 0;
}

/* So that what waits for its record is bounded. */
static void many_rows_are_looked_for_before_their_time(void **state)
{
    enum { ROWS = 10000, ROW_BYTES = 40 };
    struct follow *follow = *state;
    char *text = calloc(ROWS, ROW_BYTES);
    size_t size = 0;
    begin(follow);
    store(follow, A1);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    uint64_t before = follow_report(follow, "t").polls;
    for (int i = 0; i < ROWS; i++)
        size += (size_t)snprintf(text + size, ROW_BYTES, "cpu,host=a v=%di %d000\n", i, i + 1);
    store(follow, text);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    struct ots_follower_report report = follow_report(follow, "t");
    for (int i = 0; report.polls == before || report.records < ROWS / 2; i++) {
        follow_pause(i);
        report = follow_report(follow, "t");
    }
    assert_int_equal(report.foreign, 0);
    follow_expect_size(follow, A, text);
    assert_int_equal(follow_count_reads(follow), 0);
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, follow_setup, follow_teardown)
#define OFF_TEST(name) cmocka_unit_test_setup_teardown(name, setup_off, follow_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_file_is_known),
        OFF_TEST(a_new_file_is_known),
        TEST(an_appended_file_is_known),
        OFF_TEST(an_appended_file_is_known),
        TEST(known_rows_are_replaced_without_reading),
        TEST(unknown_rows_are_replaced_with_one_measurement),
        TEST(a_long_file_is_known),
        TEST(a_row_that_is_put_twice_is_our_own),
        cmocka_unit_test_setup_teardown(many_rows_are_looked_for_before_their_time, setup_rare,
                                        follow_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
