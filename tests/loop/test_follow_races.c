/*
 * What happens at once with the following of a table: sizes are right afterwards, and stay so.
 */
#include "tests/loop/follow_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define A "t/cpu/host=a.lp"
#define A1 "cpu,host=a v=1i 1000\n"
#define A1_LONG "cpu,host=a v=1234567i 1000\n"
#define A3 "cpu,host=a v=3i 3000\n"
#define A4 "cpu,host=a v=44i 4000\n"

static const int64_t SECOND_US = 1000000;

static void set_before(struct follow *follow, gate_before *before)
{
    follow->gate.before_context = follow;
    atomic_store(&follow->gate.before, before);
}

/* Whether this is the first call that comes here; it is the last one, too. */
static bool take_before(struct follow *follow, gate_before *self)
{
    return atomic_compare_exchange_strong(&follow->gate.before, &self, NULL);
}

/* --- rows whose acknowledgement is lost -------------------------------------------------------*/

/* The stream shows the row, and the mount ends before the service has said that it is stored. */
static void a_row_that_only_the_stream_has_shown_is_kept(void **state)
{
    struct follow *follow = *state;
    follow_put(follow, "t", A1 A3);
    follow_expect_size(follow, A, A1 A3);
    follow->log.level = (enum ots_log_level) - 1;
    atomic_store(&follow->gate.puts, GATE_DEAF);
    (void)view_store(&follow->mount, A, A4);
    for (int i = 0; !atomic_load(&follow->gate.put_count); i++) {
        follow_pause(i);
        follow_pass_time(follow, SECOND_US);
        follow_wait_polls(follow, "t");
    }
    follow_wait_polls(follow, "t");
    follow_unmount(follow);
    atomic_store(&follow->gate.puts, GATE_OPEN);
    follow_mount(follow);
    follow_wait_ready(follow, "t");
    follow_remount(follow);
    follow_expect_size(follow, A, A1 A3 A4);
    follow_expect(follow, A, A1 A3 A4);
}

/* --- rows that expire -------------------------------------------------------------------------*/

enum { EDGE_S = 86400 - 600 };

/* A line whose row is `age_s` old when the test begins. */
static void append_aged(char *lines, int64_t age_s)
{
    int64_t time_s = TEST_NOW_US / SECOND_US - age_s;
    sprintf(lines + strlen(lines), "cpu,host=a v=%" PRId64 "i %" PRId64 "000000000\n", age_s,
            time_s);
}

static void let_rows_expire(void *context, const struct ots_call *call)
{
    struct follow *follow = context;
    if (call->action != OTS_ACTION_GET || !take_before(follow, let_rows_expire))
        return;
    follow_pass_time(follow, 160 * SECOND_US);
    follow_wait_polls(follow, "t");
    follow_wait_polls(follow, "t");
}

/* What was read is of the time before. */
static void rows_expire_while_they_are_read(void **state)
{
    struct follow *follow = *state;
    char all[400] = "";
    char left[400] = "";
    append_aged(all, EDGE_S - 90);
    append_aged(all, EDGE_S - 300);
    append_aged(left, EDGE_S - 300);
    TEST_CALL(call, OTS_ACTION_UPDATE_TABLE);
    call.request.update_table.meta.name = OTS_SLICE("t");
    call.request.update_table.meta.has_time_to_live = true;
    call.request.update_table.meta.time_to_live_s = 86400;
    loop_call_ok(follow->loop, &call);
    follow_put(follow, "t", all);
    follow_expect_size(follow, A, all);
    set_before(follow, let_rows_expire);
    struct ots_file *file = view_open(&follow->mount, A, OTS_OPEN_READ);
    ots_file_close(file);
    assert_null(atomic_load(&follow->gate.before));
    follow_expect_size(follow, A, left);
    follow_expect(follow, A, left);
}

/* --- scans ------------------------------------------------------------------------------------*/

/* Behind the first page of the scan: a row of it is changed, and a minute later the stream can be
 * read. */
static void begin_to_follow(void *context, const struct ots_call *call)
{
    struct follow *follow = context;
    struct ots_attr attr;
    if (call->action != OTS_ACTION_SCAN || !call->request.scan.token.size ||
        !take_before(follow, begin_to_follow))
        return;
    follow_put(follow, "t", A1_LONG);
    atomic_store(&follow->gate.streams, GATE_OPEN);
    follow_pass_time(follow, 61 * SECOND_US);
    assert_int_equal(view_lookup(&follow->mount, "t/.write", &attr), OTS_OK);
}

/* Then the stream does not tell all that overtook the scan. */
static void a_table_is_followed_from_the_middle_of_a_scan(void **state)
{
    struct follow *follow = *state;
    follow_unmount(follow);
    follow->log.level = (enum ots_log_level) - 1;
    atomic_store(&follow->gate.streams, GATE_DENIED);
    char *lines = view_lines("cpu,host=a", 1, 6000);
    follow_put(follow, "t", lines);
    follow_mount(follow);
    view_attr(&follow->mount, "t");
    set_before(follow, begin_to_follow);
    follow_expect_size(follow, A, lines);
    assert_null(atomic_load(&follow->gate.before));
    assert_int_equal(follow_report(follow, "t").state, OTS_FOLLOWER_FOLLOWING);
    int64_t mtime_ns = follow_mtime_ns(follow, A);
    follow_pass_time(follow, 3600 * SECOND_US);
    size_t grown = strlen(A1_LONG) - strlen(A1);
    assert_int_equal(view_attr(&follow->mount, A).size_bytes, strlen(lines) + grown);
    assert_true(follow_mtime_ns(follow, A) > mtime_ns);
    free(lines);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, follow_setup, follow_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_row_that_only_the_stream_has_shown_is_kept),
        TEST(rows_expire_while_they_are_read),
        TEST(a_table_is_followed_from_the_middle_of_a_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
