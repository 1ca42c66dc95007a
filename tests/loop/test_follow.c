/*
 * What others change in a table shows after two looks at its stream, with no more requests than it
 * needs; and what a mount knows outlives it.
 */
#include "tests/loop/follow_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "backend/server/stream_commands.h"

#define A "t/cpu/host=a.lp"
#define B "t/cpu/host=b.lp"
#define A1 "cpu,host=a v=1i 1000\n"
#define A2 "cpu,host=a v=2i 2000\n"
#define A3 "cpu,host=a v=3i 3000\n"
#define A3_OTHER "cpu,host=a v=7i 3000\n"
#define A4 "cpu,host=a v=44i 4000\n"
#define B1 "cpu,host=b v=1i 1000\n"

static const int64_t SECOND_US = 1000000;
static const int64_t DAY_US = INT64_C(86400) * 1000000;

/* Rows A1 and A3, known to the mount. */
static void begin(struct follow *follow)
{
    follow_put(follow, "t", A1 A3);
    follow_expect_size(follow, A, A1 A3);
    follow_pass_time(follow, SECOND_US);
    follow_forget_counts(follow);
}

/* --- what others do ---------------------------------------------------------------------------*/

static void appended_rows_show_without_reading(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    int64_t mtime_ns = follow_mtime_ns(follow, A);
    uint64_t foreign = follow_report(follow, "t").foreign;
    follow_put(follow, "t", A4);
    follow_wait_polls(follow, "t");
    follow_expect_size(follow, A, A1 A3 A4);
    assert_true(follow_mtime_ns(follow, A) > mtime_ns);
    assert_int_equal(follow_count_reads(follow), 0);
    assert_int_equal(follow_report(follow, "t").foreign - foreign, 1);
    follow_expect(follow, A, A1 A3 A4);
}

static void a_row_of_equal_length_is_a_change(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    int64_t mtime_ns = follow_mtime_ns(follow, A);
    follow_put(follow, "t", A3_OTHER);
    follow_wait_polls(follow, "t");
    follow_expect_size(follow, A, A1 A3_OTHER);
    int64_t changed_ns = follow_mtime_ns(follow, A);
    assert_true(changed_ns > mtime_ns);
    assert_int_equal(follow_count(follow, OTS_ACTION_SPLIT), 0);
    assert_true(follow_count(follow, OTS_ACTION_GET) <= 1);
    follow_expect(follow, A, A1 A3_OTHER);
    follow_wait_polls(follow, "t");
    assert_int_equal(follow_mtime_ns(follow, A), changed_ns);
}

static void a_late_row_makes_one_timeline_read(void **state)
{
    struct follow *follow = *state;
    follow_put(follow, "t", B1);
    begin(follow);
    int64_t other_ns = follow_mtime_ns(follow, B);
    follow_put(follow, "t", A2);
    follow_wait_polls(follow, "t");
    follow_expect_size(follow, A, A1 A2 A3);
    follow_expect_size(follow, B, B1);
    assert_int_equal(follow_mtime_ns(follow, B), other_ns);
    assert_int_equal(follow_count(follow, OTS_ACTION_GET), 1);
    assert_int_equal(follow_count(follow, OTS_ACTION_SPLIT), 0);
    follow_expect(follow, A, A1 A2 A3);
}

static void new_timelines_and_measurements_are_listed(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    follow_put(follow, "t", B1 "mem,host=c v=1i 1000\n");
    follow_wait_polls(follow, "t");
    view_expect_list(&follow->mount, "t", "cpu mem ");
    view_expect_list(&follow->mount, "t/cpu", "host=a.lp host=b.lp ");
    follow_expect_size(follow, B, B1);
    follow_expect_size(follow, "t/mem/host=c.lp", "mem,host=c v=1i 1000\n");
    assert_int_equal(follow_count_reads(follow), 0);
}

/* Nothing is asked but for the stream, however long nothing changes. */
static void what_is_known_does_not_age(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    follow_pass_time(follow, 3600 * SECOND_US);
    follow_wait_polls(follow, "t");
    follow_expect_size(follow, A, A1 A3);
    view_expect_list(&follow->mount, "t/cpu", "host=a.lp ");
    assert_int_equal(follow_count_reads(follow), 0);
}

static void views_are_scanned_again_when_something_was_put(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    view_expect_list(&follow->mount, "t/.fields/v", "cpu ");
    assert_int_equal(follow_count(follow, OTS_ACTION_SPLIT), 1);
    follow_pass_time(follow, 3600 * SECOND_US);
    follow_wait_polls(follow, "t");
    view_expect_list(&follow->mount, "t/.fields/v", "cpu ");
    assert_int_equal(follow_count(follow, OTS_ACTION_SPLIT), 1);
    follow_put(follow, "t", "mem,host=c v=1i 1000\n");
    follow_wait_polls(follow, "t");
    view_expect_list(&follow->mount, "t/.fields/v", "cpu mem ");
    assert_int_equal(follow_count(follow, OTS_ACTION_SPLIT), 2);
}

/* --- what the mount does ----------------------------------------------------------------------*/

static void own_rows_come_back_unnoticed(void **state)
{
    struct follow *follow = *state;
    assert_int_equal(view_mkdir(&follow->mount, "t/cpu"), OTS_OK);
    follow_forget_counts(follow);
    assert_int_equal(view_store(&follow->mount, A, A1 A2), OTS_OK);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    follow_set_mtime(follow, A, 12345);
    follow_wait_polls(follow, "t");
    struct ots_follower_report report = follow_report(follow, "t");
    assert_int_equal(report.records, 2);
    assert_int_equal(report.own, 2);
    assert_int_equal(report.foreign, 0);
    follow_expect_size(follow, A, A1 A2);
    assert_int_equal(follow_mtime_ns(follow, A), 12345);
    assert_int_equal(follow_count_reads(follow), 0);
}

/* --- another mount ----------------------------------------------------------------------------*/

static void a_second_mount_reads_nothing(void **state)
{
    struct follow *follow = *state;
    follow_put(follow, "t", B1);
    begin(follow);
    follow_set_mtime(follow, A, 12345);
    follow_set_mtime(follow, "t/cpu", 23456);
    follow_set_mtime(follow, "t", 34567);
    int64_t b_ns = follow_mtime_ns(follow, B);
    follow_remount(follow);
    follow_forget_counts(follow);
    follow_expect_size(follow, A, A1 A3);
    follow_expect_size(follow, B, B1);
    assert_int_equal(follow_mtime_ns(follow, A), 12345);
    assert_int_equal(follow_mtime_ns(follow, B), b_ns);
    assert_int_equal(follow_mtime_ns(follow, "t/cpu"), 23456);
    assert_int_equal(follow_mtime_ns(follow, "t"), 34567);
    view_expect_list(&follow->mount, "t/cpu", "host=a.lp host=b.lp ");
    assert_int_equal(follow_count_reads(follow), 0);
}

static void what_was_changed_between_mounts_is_found(void **state)
{
    struct follow *follow = *state;
    follow_put(follow, "t", B1);
    begin(follow);
    follow_set_mtime(follow, B, 12345);
    follow_unmount(follow);
    follow_put(follow, "t", A4 "mem,host=c v=1i 1000\n");
    follow_pass_time(follow, 3600 * SECOND_US);
    follow_mount(follow);
    follow_forget_counts(follow);
    follow_expect_size(follow, A, A1 A3 A4);
    assert_int_equal(follow_mtime_ns(follow, B), 12345);
    view_expect_list(&follow->mount, "t", "cpu mem ");
    assert_int_equal(follow_count_reads(follow), 0);
    follow_expect(follow, A, A1 A3 A4);
}

static void own_rows_that_the_stream_has_not_shown_stay_own(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    atomic_store(&follow->gate.streams, GATE_CLOSED);
    assert_int_equal(view_store(&follow->mount, A, A4), OTS_OK);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    follow_set_mtime(follow, A, 12345);
    follow_unmount(follow);
    atomic_store(&follow->gate.streams, GATE_OPEN);
    follow_pass_time(follow, SECOND_US);
    follow_mount(follow);
    follow_forget_counts(follow);
    follow_expect_size(follow, A, A1 A3 A4);
    assert_int_equal(follow_mtime_ns(follow, A), 12345);
    assert_int_equal(follow_report(follow, "t").own, 1);
    assert_int_equal(follow_report(follow, "t").foreign, 0);
    assert_int_equal(follow_count_reads(follow), 0);
}

/* --- what cannot be followed ------------------------------------------------------------------*/

static void after_a_gap_the_table_is_scanned(void **state)
{
    struct follow *follow = *state;
    follow_put(follow, "t", B1);
    begin(follow);
    follow_set_mtime(follow, A, 12345);
    follow_set_mtime(follow, B, 12345);
    follow_unmount(follow);
    follow_put(follow, "t", A3_OTHER);
    follow_pass_time(follow, 8 * DAY_US);
    follow_mount(follow);
    follow_expect_size(follow, A, A1 A3_OTHER);
    assert_int_equal(follow_report(follow, "t").gaps, 1);
    assert_true(follow_report(follow, "t").last_gap_us > 0);
    assert_true(follow_mtime_ns(follow, A) > 12345);
    assert_int_equal(follow_mtime_ns(follow, B), 12345);
    follow_expect(follow, A, A1 A3_OTHER);
}

static void a_table_that_was_made_anew_begins_anew(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    follow_set_mtime(follow, A, 12345);
    follow_unmount(follow);
    follow_delete_table(follow, "t");
    follow_pass_time(follow, SECOND_US);
    follow_create_table(follow, "t");
    follow_put(follow, "t", B1);
    follow_mount(follow);
    view_expect_list(&follow->mount, "t/cpu", "host=b.lp ");
    follow_expect(follow, B, B1);
    assert_int_equal(follow_report(follow, "t").gaps, 0);
}

static void a_table_is_made_anew_while_it_is_followed(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    follow_delete_table(follow, "t");
    follow_pass_time(follow, SECOND_US);
    follow_create_table(follow, "t");
    follow_put(follow, "t", B1);
    follow_wait_polls(follow, "t");
    follow_pass_time(follow, 2 * SECOND_US);
    view_expect_list(&follow->mount, "t/cpu", "host=b.lp ");
    follow_expect(follow, B, B1);
    follow_put(follow, "t", A1);
    follow_wait_polls(follow, "t");
    follow_expect(follow, A, A1);
}

/* What is found there before it has rows is not the first sight of them. */
static void a_table_made_anew_is_scanned_before_it_has_rows(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    follow_set_mtime(follow, A, 12345);
    follow_delete_table(follow, "t");
    follow_pass_time(follow, SECOND_US);
    follow_create_table(follow, "t");
    follow_wait_polls(follow, "t");
    follow_pass_time(follow, 2 * SECOND_US);
    view_expect_list(&follow->mount, "t", "");
    follow_wait_ready(follow, "t");
    follow_pass_time(follow, SECOND_US);
    follow_put(follow, "t", A1);
    follow_wait_polls(follow, "t");
    assert_int_equal(follow_mtime_ns(follow, A), 1000);
}

/* It is gone for a while, and the mount hears of it at once. */
static void a_table_that_is_gone_is_not_followed(void **state)
{
    struct follow *follow = *state;
    struct ots_attr attr;
    begin(follow);
    follow_delete_table(follow, "t");
    for (int i = 0; follow_report(follow, "t").state == OTS_FOLLOWER_FOLLOWING; i++)
        follow_pause(i);
    follow_pass_time(follow, 2 * SECOND_US);
    assert_int_equal(view_lookup(&follow->mount, "t", &attr), OTS_NOT_FOUND);
    assert_int_equal(follow_report(follow, "t").state, OTS_FOLLOWER_OFF);
    follow_create_table(follow, "t");
    follow_put(follow, "t", B1);
    follow_pass_time(follow, 2 * SECOND_US);
    view_expect_list(&follow->mount, "t/cpu", "host=b.lp ");
    assert_int_equal(follow_report(follow, "t").state, OTS_FOLLOWER_FOLLOWING);
    assert_int_equal(follow_report(follow, "t").gaps, 0);
}

/* Places are lost, and the service is away when that is noticed. */
static void a_gap_is_healed_when_the_service_is_back(void **state)
{
    struct follow *follow = *state;
    follow_put(follow, "t", B1);
    begin(follow);
    follow_set_mtime(follow, A, 12345);
    follow_set_mtime(follow, B, 12345);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    atomic_store(&follow->gate.streams, GATE_CLOSED);
    follow_wait_polls(follow, "t");
    follow_put(follow, "t", A4);
    follow_pass_time(follow, 8 * DAY_US);
    struct ots_error err = {.message = ""};
    struct ots_service *service = follow->loop->service;
    if (ots_streams_trim(ots_service_instance(service), OTS_SLICE("t"), 0, &err) != OTS_OK)
        fail_msg("%s", err.message);
    atomic_store(&follow->gate.streams, GATE_OPEN);
    for (int i = 0; !follow_report(follow, "t").gaps || follow_report(follow, "t").is_failing; i++)
        follow_pause(i);
    follow_expect_size(follow, A, A1 A3 A4);
    assert_true(follow_mtime_ns(follow, A) > 12345);
    assert_int_equal(follow_mtime_ns(follow, B), 12345);
    assert_int_equal(follow_report(follow, "t").gaps, 1);
}

static void a_stream_that_is_denied_leaves_scans(void **state)
{
    struct follow *follow = *state;
    follow_unmount(follow);
    atomic_store(&follow->gate.streams, GATE_DENIED);
    follow_mount(follow);
    begin(follow);
    assert_int_equal(follow_report(follow, "t").state, OTS_FOLLOWER_UNREADABLE);
    follow_put(follow, "t", A4);
    follow_pass_time(follow, 2 * SECOND_US);
    follow_expect_size(follow, A, A1 A3 A4);
    assert_int_equal(follow_count(follow, OTS_ACTION_SPLIT), 1);
    /* Once it can be read it is followed again. */
    atomic_store(&follow->gate.streams, GATE_OPEN);
    follow_pass_time(follow, 61 * SECOND_US);
    follow_expect_size(follow, A, A1 A3 A4);
    assert_int_equal(follow_report(follow, "t").state, OTS_FOLLOWER_FOLLOWING);
    follow_put(follow, "t", A2);
    follow_wait_polls(follow, "t");
    follow_expect(follow, A, A1 A2 A3 A4);
}

static void while_the_service_is_away_what_is_known_is_served(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    atomic_store(&follow->gate.streams, GATE_CLOSED);
    follow_put(follow, "t", A4);
    follow_pass_time(follow, 3600 * SECOND_US);
    follow_wait_polls(follow, "t");
    follow_expect_size(follow, A, A1 A3);
    assert_true(follow_report(follow, "t").is_failing);
    atomic_store(&follow->gate.streams, GATE_OPEN);
    while (follow_report(follow, "t").is_failing)
        follow_wait_polls(follow, "t");
    follow_expect_size(follow, A, A1 A3 A4);
    assert_int_equal(follow_count_reads(follow), 0);
}

/* Ever more seldom, also at once with an error that says so at once. */
static void a_service_that_refuses_is_asked_seldom(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    atomic_store(&follow->gate.streams, GATE_CLOSED);
    for (int i = 0; !follow_report(follow, "t").is_failing; i++)
        follow_pause(i);
    follow_forget_counts(follow);
    nanosleep(&(struct timespec){.tv_nsec = 300 * 1000000}, NULL);
    assert_in_range(follow_count(follow, OTS_ACTION_STREAM_RECORDS), 1, 20);
}

/* --- races ------------------------------------------------------------------------------------*/

/* Somebody else puts rows when a scan begins. */
static void put_before_scan(void *context, const struct ots_call *call)
{
    struct follow *follow = context;
    gate_before *self = put_before_scan;
    if (call->action != OTS_ACTION_SCAN ||
        !atomic_compare_exchange_strong(&follow->gate.before, &self, NULL))
        return;
    follow_put(follow, "t", A2 A4 B1);
}

static void a_scan_is_overtaken_by_others(void **state)
{
    struct follow *follow = *state;
    follow_put(follow, "t", A1 A3);
    follow->gate.before_context = follow;
    atomic_store(&follow->gate.before, put_before_scan);
    view_attr(&follow->mount, A);
    follow_wait_polls(follow, "t");
    follow_expect_size(follow, A, A1 A2 A3 A4);
    follow_expect_size(follow, B, B1);
    follow_expect(follow, A, A1 A2 A3 A4);
}

/* --- rows that expire -------------------------------------------------------------------------*/

/* A line whose row is `age_s` old when the test begins. */
static void append_aged(char *lines, const char *series, int64_t age_s)
{
    int64_t time_s = TEST_NOW_US / SECOND_US - age_s;
    sprintf(lines + strlen(lines), "%s v=%" PRId64 "i %" PRId64 "000000000\n", series, age_s,
            time_s);
}

static void set_time_to_live(struct follow *follow, int32_t seconds)
{
    TEST_CALL(call, OTS_ACTION_UPDATE_TABLE);
    call.request.update_table.meta.name = OTS_SLICE("t");
    call.request.update_table.meta.has_time_to_live = true;
    call.request.update_table.meta.time_to_live_s = seconds;
    loop_call_ok(follow->loop, &call);
}

enum { EDGE_S = 86400 - 600 };

/* Nobody looks the table up: who works in it knows its number. */
static void another_time_to_live_is_noticed_without_a_lookup(void **state)
{
    struct follow *follow = *state;
    char all[400] = "";
    char left[400] = "";
    append_aged(all, "cpu,host=a", EDGE_S + 10000);
    append_aged(all, "cpu,host=a", EDGE_S - 10000);
    append_aged(left, "cpu,host=a", EDGE_S - 10000);
    follow_put(follow, "t", all);
    struct ots_attr attr = view_attr(&follow->mount, A);
    assert_int_equal(attr.size_bytes, strlen(all));
    set_time_to_live(follow, 86400);
    follow_pass_time(follow, 62 * SECOND_US);
    for (int i = 0; attr.size_bytes != strlen(left); i++) {
        follow_pause(i);
        assert_int_equal(ots_view_getattr(follow->mount.view, attr.ino, NULL, &attr, NULL), OTS_OK);
    }
}

static void rows_that_expire_are_taken_away(void **state)
{
    struct follow *follow = *state;
    char all[400] = "";
    char left[400] = "";
    char gone[400] = "";
    append_aged(all, "cpu,host=a", EDGE_S - 90);
    append_aged(all, "cpu,host=a", EDGE_S - 300);
    append_aged(left, "cpu,host=a", EDGE_S - 300);
    append_aged(gone, "cpu,host=b", EDGE_S - 100);
    set_time_to_live(follow, 86400);
    follow_put(follow, "t", all);
    follow_put(follow, "t", gone);
    follow_expect(follow, A, all);
    follow_expect(follow, B, gone);
    int64_t mtime_ns = follow_mtime_ns(follow, A);
    follow_forget_counts(follow);
    follow_pass_time(follow, 160 * SECOND_US);
    follow_wait_polls(follow, "t");
    follow_wait_polls(follow, "t");
    follow_expect_size(follow, A, left);
    view_expect_list(&follow->mount, "t/cpu", "host=a.lp ");
    assert_int_equal(follow_mtime_ns(follow, A), mtime_ns);
    assert_int_equal(follow_count(follow, OTS_ACTION_SPLIT), 1);
    assert_int_equal(follow_count(follow, OTS_ACTION_GET), 0);
    follow_expect(follow, A, left);
    /* The cut is kept. */
    follow_remount(follow);
    follow_forget_counts(follow);
    follow_expect_size(follow, A, left);
    assert_int_equal(follow_count_reads(follow), 0);
    follow_expect(follow, A, left);
}

/* It is there for ten minutes more, of a timeline that is new. */
static void a_row_that_is_not_shown_any_more_does_not_count(void **state)
{
    struct follow *follow = *state;
    char shown[400] = "";
    char hidden[400] = "";
    append_aged(shown, "cpu,host=a", EDGE_S - 300);
    append_aged(hidden, "cpu,host=b", EDGE_S + 120);
    set_time_to_live(follow, 86400);
    follow_put(follow, "t", shown);
    follow_expect_size(follow, A, shown);
    follow_put(follow, "t", hidden);
    follow_wait_polls(follow, "t");
    view_expect_list(&follow->mount, "t/cpu", "host=a.lp ");
    assert_int_equal(view_store(&follow->mount, B, hidden), OTS_OK);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    follow_expect_size(follow, B, "");
}

/* So late that rows may be gone for good: then they cannot be taken away one by one. */
static void after_a_long_time_the_table_is_scanned(void **state)
{
    struct follow *follow = *state;
    char all[400] = "";
    char left[400] = "";
    append_aged(all, "cpu,host=a", EDGE_S - 90);
    append_aged(all, "cpu,host=a", EDGE_S - 7200);
    append_aged(left, "cpu,host=a", EDGE_S - 7200);
    set_time_to_live(follow, 86400);
    follow_put(follow, "t", all);
    follow_expect(follow, A, all);
    follow_unmount(follow);
    follow_pass_time(follow, 3600 * SECOND_US);
    follow_mount(follow);
    follow_expect_size(follow, A, left);
    follow_expect(follow, A, left);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, follow_setup, follow_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(appended_rows_show_without_reading),
        TEST(a_row_of_equal_length_is_a_change),
        TEST(a_late_row_makes_one_timeline_read),
        TEST(new_timelines_and_measurements_are_listed),
        TEST(what_is_known_does_not_age),
        TEST(views_are_scanned_again_when_something_was_put),
        TEST(own_rows_come_back_unnoticed),
        TEST(a_second_mount_reads_nothing),
        TEST(what_was_changed_between_mounts_is_found),
        TEST(own_rows_that_the_stream_has_not_shown_stay_own),
        TEST(after_a_gap_the_table_is_scanned),
        TEST(a_table_that_was_made_anew_begins_anew),
        TEST(a_table_is_made_anew_while_it_is_followed),
        TEST(a_table_made_anew_is_scanned_before_it_has_rows),
        TEST(a_table_that_is_gone_is_not_followed),
        TEST(a_gap_is_healed_when_the_service_is_back),
        TEST(another_time_to_live_is_noticed_without_a_lookup),
        TEST(a_stream_that_is_denied_leaves_scans),
        TEST(while_the_service_is_away_what_is_known_is_served),
        TEST(a_service_that_refuses_is_asked_seldom),
        TEST(a_scan_is_overtaken_by_others),
        TEST(rows_that_expire_are_taken_away),
        TEST(a_row_that_is_not_shown_any_more_does_not_count),
        TEST(after_a_long_time_the_table_is_scanned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
