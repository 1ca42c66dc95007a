/*
 * What each change of a row does to what is known of its timeline.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/unsaved.h"
#include "tests/unit/apply_fixture.h"

enum { SEEN_US = 2000000000 };

static int setup(void **state)
{
    struct apply_fixture *fixture = malloc(sizeof(*fixture));
    if (!fixture)
        return -1;
    apply_fixture_init(fixture, 0, 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    apply_fixture_deinit(*state);
    free(*state);
    return 0;
}

/* One of our own rows on its way. */
struct sent {
    uint64_t group;
    ots_ahead_id id;
    struct ots_node *timeline;
    struct ots_row_sum sum;
};

static struct sent send(struct apply_fixture *fixture, int64_t time_us, unsigned value)
{
    struct sent sent = {.group = ots_apply_begin_group_locked(&fixture->table, 1),
                        .timeline = apply_fixture_timeline(fixture, 0),
                        .sum = apply_fixture_sum(time_us, value)};
    sent.id = ots_apply_send_locked(&fixture->table, sent.group, sent.timeline, &sent.sum);
    return sent;
}

static void store(struct apply_fixture *fixture, const struct sent *sent)
{
    ots_apply_stored_locked(&fixture->table, sent->group, sent->id, sent->timeline, &sent->sum);
}

static void put(struct apply_fixture *fixture, int64_t time_us, unsigned value)
{
    const struct sent sent = send(fixture, time_us, value);
    store(fixture, &sent);
}

static void expect(struct apply_fixture *fixture, uint64_t size_bytes, uint64_t row_count,
                   bool is_dirty)
{
    const struct ots_node *timeline = apply_fixture_timeline(fixture, 0);
    assert_int_equal(timeline->timeline.extent.size_bytes, size_bytes);
    assert_int_equal(timeline->timeline.extent.row_count, row_count);
    assert_int_equal(apply_fixture_is_dirty(timeline), is_dirty);
    assert_int_equal(fixture->table.whole.unmeasured_count, is_dirty);
}

static struct ots_ahead_counts counts_of(const struct apply_fixture *fixture)
{
    struct ots_ahead_counts counts;
    ots_ahead_counts(fixture->table.ahead, &counts);
    return counts;
}

/* --- our own rows -----------------------------------------------------------------------------*/

static void a_row_counts_when_it_is_acknowledged(void **state)
{
    struct apply_fixture *fixture = *state;
    const struct sent sent = send(fixture, 5, 1);
    expect(fixture, 0, 0, false);
    store(fixture, &sent);
    expect(fixture, 11, 1, false);
    const struct ots_node *timeline = sent.timeline;
    assert_int_equal(timeline->timeline.extent.hash, sent.sum.hash);
    assert_int_equal(timeline->timeline.extent.first_time_us, 5);
    assert_int_equal(timeline->timeline.extent.last_time_us, 5);
    assert_true(timeline->is_listed);
    assert_true(timeline->parent->is_listed);
    assert_ptr_equal(ots_table_next_changed_locked(&fixture->table), timeline);
    assert_null(ots_table_next_changed_locked(&fixture->table));
    assert_null(fixture->table.changed);
}

static void an_echo_changes_nothing(void **state)
{
    struct apply_fixture *fixture = *state;
    put(fixture, 5, 1);
    struct ots_node *timeline = apply_fixture_timeline(fixture, 0);
    timeline->mtime_ns = 7;
    uint64_t changes = fixture->table.change_number;
    assert_int_equal(apply_fixture_put(fixture, 0, 5, 1, SEEN_US), RECORD_OWN);
    expect(fixture, 11, 1, false);
    assert_int_equal(timeline->mtime_ns, 7);
    assert_int_equal(fixture->table.change_number, changes);
    assert_int_equal(counts_of(fixture).own, 0);
    /* A put whose answer was lost was put twice. */
    assert_int_equal(apply_fixture_put(fixture, 0, 5, 1, SEEN_US), RECORD_OWN);
    expect(fixture, 11, 1, false);
    assert_int_equal(timeline->mtime_ns, 7);
}

static void a_record_before_the_acknowledgement_waits_for_it(void **state)
{
    struct apply_fixture *fixture = *state;
    const struct sent first = send(fixture, 1, 1);
    const struct sent second = send(fixture, 2, 1);
    assert_int_equal(apply_fixture_put(fixture, 0, 2, 1, SEEN_US), RECORD_OWN);
    expect(fixture, 0, 0, false);
    store(fixture, &first);
    store(fixture, &second);
    expect(fixture, 22, 2, false);
    assert_int_equal(apply_fixture_put(fixture, 0, 1, 1, SEEN_US), RECORD_OWN);
    expect(fixture, 22, 2, false);
}

static void a_known_line_is_replaced_without_reading(void **state)
{
    struct apply_fixture *fixture = *state;
    put(fixture, 1, 1);
    put(fixture, 2, 1);
    put(fixture, 1, 3);
    expect(fixture, 24, 2, false);
    const struct ots_node *timeline = apply_fixture_timeline(fixture, 0);
    assert_int_equal(timeline->timeline.extent.hash,
                     apply_fixture_sum(1, 3).hash + apply_fixture_sum(2, 1).hash);
}

static void an_unknown_line_or_place_is_measured(void **state)
{
    struct apply_fixture *fixture = *state;
    put(fixture, 1, 1);
    put(fixture, 9, 1);
    ots_ahead_clear(fixture->table.ahead);
    put(fixture, 1, 2);
    expect(fixture, 22, 2, true);
    const struct ots_node *timeline = apply_fixture_timeline(fixture, 0);
    assert_int_equal(ots_node_history(timeline)->written_from_us, 1);
    put(fixture, 5, 2);
    assert_int_equal(ots_node_history(timeline)->written_from_us, 1);
}

static void without_a_follower_nothing_is_remembered(void **state)
{
    struct apply_fixture *fixture = *state;
    ots_table_unfollow_locked(&fixture->table);
    put(fixture, 1, 1);
    put(fixture, 2, 1);
    expect(fixture, 22, 2, false);
    assert_int_equal(counts_of(fixture).own, 0);
    assert_null(ots_table_next_changed_locked(&fixture->table));
    put(fixture, 2, 1);
    expect(fixture, 22, 2, true);
}

static void a_refused_row_counts_nowhere(void **state)
{
    struct apply_fixture *fixture = *state;
    const struct sent sent = send(fixture, 1, 1);
    ots_apply_refused_locked(&fixture->table, sent.group, sent.id);
    expect(fixture, 0, 0, false);
    assert_int_equal(counts_of(fixture).own, 0);
    /* Somebody else's equal row was taken for it. */
    const struct sent again = send(fixture, 1, 1);
    assert_int_equal(apply_fixture_put(fixture, 0, 1, 1, SEEN_US), RECORD_OWN);
    ots_apply_refused_locked(&fixture->table, again.group, again.id);
    expect(fixture, 0, 0, true);
}

static void before_the_first_look_all_is_to_be_measured(void **state)
{
    struct apply_fixture *fixture = *state;
    fixture->table.is_learned = false;
    put(fixture, 1, 1);
    expect(fixture, 0, 0, true);
    assert_false(apply_fixture_timeline(fixture, 0)->is_listed);
}

static void a_row_during_a_scan_is_measured(void **state)
{
    struct apply_fixture *fixture = *state;
    fixture->table.scan_count = 1;
    put(fixture, 1, 1);
    expect(fixture, 11, 1, true);
}

/* --- records of others ------------------------------------------------------------------------*/

static void an_appended_row_is_added(void **state)
{
    struct apply_fixture *fixture = *state;
    put(fixture, 1, 1);
    struct ots_node *timeline = apply_fixture_timeline(fixture, 0);
    timeline->mtime_ns = 5;
    timeline->is_mtime_set = true;
    uint64_t changes = fixture->table.change_number;
    assert_int_equal(apply_fixture_put(fixture, 0, 2, 4, SEEN_US), RECORD_FOREIGN);
    expect(fixture, 25, 2, false);
    assert_int_equal(timeline->mtime_ns, (int64_t)SEEN_US * 1000);
    assert_true(fixture->table.change_number > changes);
}

static void a_late_row_is_measured(void **state)
{
    struct apply_fixture *fixture = *state;
    put(fixture, 1, 1);
    put(fixture, 9, 1);
    assert_int_equal(apply_fixture_put(fixture, 0, 5, 1, SEEN_US), RECORD_FOREIGN);
    expect(fixture, 22, 2, true);
}

static void a_known_line_is_adjusted(void **state)
{
    struct apply_fixture *fixture = *state;
    const struct ots_row_sum counted = apply_fixture_sum(1, 1);
    put(fixture, 1, 1);
    ots_ahead_clear(fixture->table.ahead);
    ots_ahead_count(fixture->table.ahead, apply_fixture_timeline(fixture, 0), &counted);
    apply_fixture_put(fixture, 0, 1, 2, SEEN_US);
    expect(fixture, 12, 1, false);
    /* The line is known then, too. */
    apply_fixture_put(fixture, 0, 1, 0, SEEN_US);
    expect(fixture, 10, 1, false);
}

/* In the stream ours comes behind it. */
static void what_ours_replaced_changes_nothing(void **state)
{
    struct apply_fixture *fixture = *state;
    put(fixture, 1, 1);
    struct ots_node *timeline = apply_fixture_timeline(fixture, 0);
    timeline->mtime_ns = 5;
    assert_int_equal(apply_fixture_put(fixture, 0, 1, 4, SEEN_US), RECORD_OWN);
    expect(fixture, 11, 1, false);
    assert_int_equal(apply_fixture_put(fixture, 0, 1, 1, SEEN_US), RECORD_OWN);
    expect(fixture, 11, 1, false);
    assert_int_equal(timeline->mtime_ns, 5);
}

/* Ours was put before, and nobody has told that it is stored. */
static void what_replaced_ours_counts_behind_it(void **state)
{
    struct apply_fixture *fixture = *state;
    const struct sent sent = send(fixture, 1, 1);
    apply_fixture_put(fixture, 0, 1, 1, SEEN_US);
    assert_int_equal(apply_fixture_put(fixture, 0, 1, 4, SEEN_US), RECORD_FOREIGN);
    expect(fixture, 14, 1, false);
    store(fixture, &sent);
    expect(fixture, 14, 1, false);
}

static void deletions_and_updates_are_measured(void **state)
{
    struct apply_fixture *fixture = *state;
    put(fixture, 1, 1);
    apply_fixture_put(fixture, 0, 1, 1, SEEN_US);
    const enum ots_change_type types[] = {OTS_CHANGE_DELETE, OTS_CHANGE_UPDATE};
    for (size_t i = 0; i < 2; i++) {
        const struct ots_stream_record record = {
            .type = types[i], .row = {.key = apply_fixture_key(0), .time_us = 1}};
        const struct ots_row_sum sum = apply_fixture_sum(1, 1);
        assert_int_equal(apply_fixture_apply(fixture, &record, &sum), RECORD_FOREIGN);
        expect(fixture, 11, 1, true);
    }
    /* A timeline that nobody knows has no row to be deleted. */
    const struct ots_stream_record record = {.type = OTS_CHANGE_DELETE,
                                             .row = {.key = apply_fixture_key(1), .time_us = 1}};
    const struct ots_row_sum none = {.time_us = 1};
    assert_int_equal(apply_fixture_apply(fixture, &record, &none), RECORD_OWN);
}

/* More than are looked up ahead; own and foreign rows of timelines that are known, new, and come
 * back. */
static void records_of_a_page_are_applied_in_their_order(void **state)
{
    enum { COUNT = 96 };
    struct apply_fixture *fixture = *state;
    struct ots_stream_record records[COUNT];
    struct ots_row_sum sums[COUNT];
    struct ots_record_counts counts = {0};
    for (int64_t time_us = 1; time_us <= 40; time_us++)
        put(fixture, time_us, 1);
    for (unsigned i = 0; i < COUNT; i++) {
        bool is_known = i < 40 || i >= 80;
        int64_t time_us = i < 80 ? i % 40 + 1 : i - 79;
        records[i] = (struct ots_stream_record){
            .type = i == 95 ? OTS_CHANGE_DELETE : OTS_CHANGE_PUT,
            .sequence = {.timestamp_us = SEEN_US},
            .row = {.key = apply_fixture_key(is_known ? 0 : 1), .time_us = time_us}};
        sums[i] = i == 95 ? (struct ots_row_sum){.time_us = time_us}
                          : apply_fixture_sum(time_us, i < 80 ? 1 : 3);
    }
    assert_int_equal(ots_apply_records_locked(&fixture->table, records, sums, 80, &counts), OTS_OK);
    assert_int_equal(counts.own, 40);
    assert_int_equal(counts.foreign, 40);
    expect(fixture, 40 * 11, 40, false);
    assert_int_equal(apply_fixture_timeline(fixture, 1)->timeline.extent.row_count, 40);
    assert_int_equal(apply_fixture_timeline(fixture, 1)->timeline.extent.size_bytes, 40 * 11);
    /* Fifteen rows become longer; one is deleted, which has to be measured. */
    assert_int_equal(
        ots_apply_records_locked(&fixture->table, records + 80, sums + 80, 15, &counts), OTS_OK);
    expect(fixture, 40 * 11 + 15 * 2, 40, false);
    assert_int_equal(ots_apply_records_locked(&fixture->table, records + 95, sums + 95, 1, &counts),
                     OTS_OK);
    expect(fixture, 40 * 11 + 15 * 2, 40, true);
    assert_int_equal(counts.own, 40);
    assert_int_equal(counts.foreign, 56);
}

static void a_row_that_has_expired_is_measured(void **state)
{
    struct apply_fixture *fixture = *state;
    put(fixture, 100, 1);
    apply_fixture_timeline(fixture, 0)->timeline.begin_us = 50;
    apply_fixture_put(fixture, 0, 40, 1, SEEN_US);
    expect(fixture, 11, 1, true);
}

static void a_removed_timeline_comes_back(void **state)
{
    struct apply_fixture *fixture = *state;
    put(fixture, 1, 1);
    apply_fixture_put(fixture, 0, 1, 1, SEEN_US);
    struct ots_node *timeline = apply_fixture_timeline(fixture, 0);
    timeline->is_removed = true;
    timeline->is_listed = false;
    assert_int_equal(apply_fixture_put(fixture, 0, 1, 1, SEEN_US), RECORD_OWN);
    assert_false(timeline->is_listed);
    apply_fixture_put(fixture, 0, 2, 1, SEEN_US);
    assert_true(timeline->is_listed);
    assert_false(timeline->is_removed);
}

/* --- times ------------------------------------------------------------------------------------*/

static void at_first_sight_the_newest_row_tells_the_time(void **state)
{
    struct apply_fixture *fixture = *state;
    int64_t now_us = fixture->now_us;
    apply_fixture_put(fixture, 0, 400, 1, now_us - 100);
    const struct ots_node *timeline = apply_fixture_timeline(fixture, 0);
    assert_true(timeline->is_listed);
    assert_int_equal(timeline->timeline.seen_us, now_us);
    assert_int_equal(timeline->mtime_ns, 400000);
    apply_fixture_put(fixture, 0, 500, 1, now_us);
    assert_int_equal(timeline->mtime_ns, 500000);
    apply_fixture_put(fixture, 0, now_us + 1000000, 1, now_us);
    assert_int_equal(timeline->mtime_ns, now_us * 1000);
    /* However late they are shown, and however new: it is the time of that sight. */
    fixture->now_us += 500000;
    apply_fixture_put(fixture, 0, now_us + 1500000, 1, now_us);
    assert_int_equal(timeline->mtime_ns, now_us * 1000);
    /* What is put later is a change. */
    apply_fixture_put(fixture, 0, now_us + 2000000, 1, now_us + 5);
    assert_int_equal(timeline->mtime_ns, (now_us + 5) * 1000);
}

static void a_change_never_keeps_the_time(void **state)
{
    struct apply_fixture *fixture = *state;
    apply_fixture_put(fixture, 0, 1, 1, 1);
    struct ots_node *timeline = apply_fixture_timeline(fixture, 0);
    timeline->is_mtime_set = true;
    timeline->mtime_ns = (int64_t)SEEN_US * 1000;
    apply_fixture_put(fixture, 0, 2, 1, SEEN_US);
    assert_int_equal(timeline->mtime_ns, (int64_t)SEEN_US * 1000 + 1);
    timeline->mtime_ns = INT64_MAX;
    apply_fixture_put(fixture, 0, 3, 1, SEEN_US);
    assert_int_equal(timeline->mtime_ns, INT64_MAX);
}

/* --- what is not remembered any more ----------------------------------------------------------*/

static void an_evicted_row_makes_a_timeline_unsure(void **state)
{
    struct apply_fixture *fixture = *state;
    apply_fixture_deinit(fixture);
    apply_fixture_init(fixture, 2, 0);
    struct ots_node *timeline = apply_fixture_timeline(fixture, 0);
    timeline->is_mtime_set = true;
    for (int64_t t = 1; t <= 5; t++)
        put(fixture, t, 1);
    assert_true(timeline->is_unsure);
    int64_t mtime_ns = timeline->mtime_ns;
    apply_fixture_put(fixture, 0, 1, 1, fixture->now_us);
    expect(fixture, 55, 5, true);
    assert_int_equal(timeline->mtime_ns, mtime_ns);
    /* Measured, it is what it should be. */
    struct ots_measured measured = {.extent = timeline->timeline.extent,
                                    .write_number = fixture->table.write_number};
    ots_extract_note_locked(&fixture->table.whole, timeline, &measured);
    assert_int_equal(timeline->mtime_ns, mtime_ns);
    /* Another hash is a change. */
    measured.extent.hash++;
    ots_extract_note_locked(&fixture->table.whole, timeline, &measured);
    assert_true(timeline->mtime_ns > mtime_ns);
    /* What was put later is somebody else's for sure. */
    mtime_ns = timeline->mtime_ns;
    apply_fixture_put(fixture, 0, 1, 1, fixture->now_us + 60000000);
    assert_true(timeline->mtime_ns > mtime_ns);
}

static void after_a_gap_hashes_tell(void **state)
{
    struct apply_fixture *fixture = *state;
    put(fixture, 1, 1);
    struct ots_node *timeline = apply_fixture_timeline(fixture, 0);
    timeline->is_mtime_set = true;
    timeline->mtime_ns = 5;
    struct ots_measured measured = {.extent = timeline->timeline.extent,
                                    .write_number = fixture->table.write_number};
    measured.extent.hash++;
    /* Somebody else's change that the stream will tell. */
    ots_extract_note_locked(&fixture->table.whole, timeline, &measured);
    assert_int_equal(timeline->mtime_ns, 5);
    ots_apply_gap_locked(&fixture->table);
    assert_true(fixture->table.has_gap);
    ots_extract_note_locked(&fixture->table.whole, timeline, &measured);
    assert_int_equal(timeline->mtime_ns, 5);
    measured.extent.hash++;
    ots_extract_note_locked(&fixture->table.whole, timeline, &measured);
    assert_int_equal(timeline->mtime_ns, fixture->now_us * 1000);
}

static void rows_of_earlier_mounts_are_ours(void **state)
{
    struct apply_fixture *fixture = *state;
    struct ots_node *timeline = apply_fixture_timeline(fixture, 0);
    timeline->is_mtime_set = true;
    timeline->mtime_ns = 5;
    const struct ots_row_sum stored = apply_fixture_sum(1, 1);
    const struct ots_row_sum sent = apply_fixture_sum(2, 1);
    const struct ots_row_sum seen = apply_fixture_sum(3, 1);
    const struct ots_row_sum left = apply_fixture_sum(4, 1);
    struct ots_table *table = &fixture->table;
    timeline->timeline.extent = (struct ots_extent){.size_bytes = 11,
                                                    .row_count = 1,
                                                    .first_time_us = 1,
                                                    .last_time_us = 1,
                                                    .hash = stored.hash};
    assert_int_equal(ots_apply_restore_locked(table, 3, timeline, &stored, OTS_AHEAD_STORED),
                     OTS_OK);
    assert_int_equal(ots_apply_restore_locked(table, 3, timeline, &sent, OTS_AHEAD_SENT), OTS_OK);
    expect(fixture, 11, 1, false);
    assert_int_equal(apply_fixture_put(fixture, 0, 2, 1, SEEN_US), RECORD_OWN);
    expect(fixture, 22, 2, false);
    assert_int_equal(ots_apply_restore_locked(table, 4, timeline, &seen, OTS_AHEAD_SEEN), OTS_OK);
    expect(fixture, 33, 3, false);
    assert_int_equal(ots_apply_leftover_locked(table, apply_fixture_key(0), &left), OTS_OK);
    assert_int_equal(apply_fixture_put(fixture, 0, 1, 1, SEEN_US), RECORD_OWN);
    assert_int_equal(apply_fixture_put(fixture, 0, 4, 1, SEEN_US), RECORD_OWN);
    expect(fixture, 44, 4, false);
    assert_int_equal(timeline->mtime_ns, 5);
}

static void what_never_shows_is_forgotten(void **state)
{
    struct apply_fixture *fixture = *state;
    const struct ots_row_sum left = apply_fixture_sum(4, 1);
    assert_int_equal(ots_apply_leftover_locked(&fixture->table, apply_fixture_key(0), &left),
                     OTS_OK);
    ots_apply_caught_up_locked(&fixture->table);
    assert_int_equal(counts_of(fixture).own, 1);
    fixture->now_us += 700 * INT64_C(1000000);
    ots_apply_caught_up_locked(&fixture->table);
    assert_int_equal(counts_of(fixture).own, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_row_counts_when_it_is_acknowledged),
        TEST(an_echo_changes_nothing),
        TEST(a_record_before_the_acknowledgement_waits_for_it),
        TEST(a_known_line_is_replaced_without_reading),
        TEST(an_unknown_line_or_place_is_measured),
        TEST(without_a_follower_nothing_is_remembered),
        TEST(a_refused_row_counts_nowhere),
        TEST(before_the_first_look_all_is_to_be_measured),
        TEST(a_row_during_a_scan_is_measured),
        TEST(an_appended_row_is_added),
        TEST(a_late_row_is_measured),
        TEST(a_known_line_is_adjusted),
        TEST(what_ours_replaced_changes_nothing),
        TEST(what_replaced_ours_counts_behind_it),
        TEST(deletions_and_updates_are_measured),
        TEST(records_of_a_page_are_applied_in_their_order),
        TEST(a_row_that_has_expired_is_measured),
        TEST(a_removed_timeline_comes_back),
        TEST(at_first_sight_the_newest_row_tells_the_time),
        TEST(a_change_never_keeps_the_time),
        TEST(an_evicted_row_makes_a_timeline_unsure),
        TEST(after_a_gap_hashes_tell),
        TEST(rows_of_earlier_mounts_are_ours),
        TEST(what_never_shows_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
