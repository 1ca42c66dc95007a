/*
 * Where reading a stream begins and ends, and what it tells when it cannot go on.
 */
#include "backend/server/stream_commands.h"
#include "tests/unit/cursor_fixture.h"

/* --- where to begin ---------------------------------------------------------------------------*/

static void reading_begins_at_a_time(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_put(fixture, 16);
    cursor_split(fixture, 0);
    cursor_put(fixture, 16);
    fixture->options.from_us = fixture->test->clock.now_us;
    cursor_put(fixture, 16);
    cursor_split(fixture, 1);
    cursor_put(fixture, 16);
    fixture->store.seek_steps = 3;
    cursor_open(fixture);
    assert_int_equal(fixture->store.counts[OTS_ACTION_SHARD_ITERATOR], 5 * 4);
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_told_from(fixture, 33);
    cursor_restart(fixture);
    cursor_split(fixture, 2);
    cursor_put(fixture, 16);
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_told_from(fixture, 33);
}

/* The later rows of the window's shards and all of their children are not read. */
static void what_is_behind_a_window_is_not_read(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_put(fixture, 16);
    cursor_split(fixture, 0);
    cursor_put(fixture, 16);
    fixture->done_from_us = fixture->test->clock.now_us;
    cursor_put(fixture, 16);
    cursor_split(fixture, 1);
    cursor_put(fixture, 16);
    cursor_merge(fixture, 4, 2);
    cursor_put(fixture, 16);
    cursor_open(fixture);
    instance_store_recount(&fixture->store);
    assert_true(cursor_poll(fixture, 0));
    fixture->put_count = 32;
    cursor_expect_all_told(fixture);
    assert_int_equal(fixture->store.counts[OTS_ACTION_STREAM_RECORDS], 3);
    assert_int_equal(cursor_open_shards(fixture), 0);
    instance_store_recount(&fixture->store);
    assert_true(cursor_poll(fixture, 0));
    assert_int_equal(fixture->store.total, 0);
}

static void children_of_a_shard_that_is_done_stay_unread(void **state)
{
    struct cursor_fixture *fixture = *state;
    fixture->options.describe_polls = 1;
    cursor_put(fixture, 16);
    fixture->done_from_us = fixture->test->clock.now_us;
    cursor_put(fixture, 16);
    cursor_open(fixture);
    assert_true(cursor_poll(fixture, 0));
    cursor_split(fixture, 0);
    cursor_put(fixture, 16);
    instance_store_recount(&fixture->store);
    assert_true(cursor_poll(fixture, 0));
    assert_int_equal(fixture->store.counts[OTS_ACTION_STREAM_RECORDS], 0);
    fixture->put_count = 16;
    cursor_expect_all_told(fixture);
}

static void what_is_kept_is_told(void **state)
{
    struct cursor_fixture *fixture = *state;
    int64_t created_us = fixture->test->clock.now_us;
    cursor_open(fixture);
    int64_t kept_from_us = ots_stream_cursor_kept_from_us(fixture->cursor);
    assert_true(kept_from_us >= created_us - 1000000 && kept_from_us <= created_us);
    fixture->test->clock.now_us += 200 * CURSOR_HOUR_US;
    assert_int_equal(ots_stream_cursor_kept_from_us(fixture->cursor),
                     fixture->test->clock.now_us - 168 * CURSOR_HOUR_US);
}

static void the_identity_is_that_of_identify(void **state)
{
    struct cursor_fixture *fixture = *state;
    struct ots_buf identity = OTS_BUF_INIT;
    cursor_open(fixture);
    assert_int_equal(
        ots_stream_identify(&fixture->store.store, OTS_SLICE("t"), NULL, &identity, &fixture->err),
        OTS_OK);
    assert_true(identity.size > 0);
    assert_true(
        ots_slice_equal(ots_buf_slice(&identity), ots_stream_cursor_identity(fixture->cursor)));
    ots_buf_reset(&identity);
    assert_int_equal(ots_stream_identify(&fixture->store.store, OTS_SLICE("none"), NULL, &identity,
                                         &fixture->err),
                     OTS_OK);
    assert_int_equal(identity.size, 0);
    ots_buf_deinit(&identity);
}

/* --- gaps -------------------------------------------------------------------------------------*/

/* Without positions all is told. */
static void expect_a_new_beginning(struct cursor_fixture *fixture)
{
    fixture->options.positions = NULL;
    cursor_put(fixture, 5);
    cursor_open(fixture);
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_all_told(fixture);
}

static void trimmed_records_are_a_gap(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_put(fixture, 5);
    cursor_open(fixture);
    fixture->test->clock.now_us += 169 * CURSOR_HOUR_US;
    cursor_expect_poll(fixture, OTS_TRIMMED);
}

static void records_trimmed_before_all_others_were_read_are_a_gap(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_put(fixture, 5);
    cursor_open(fixture);
    assert_true(cursor_poll(fixture, 0));
    cursor_put(fixture, 5);
    cursor_split(fixture, 0);
    cursor_put(fixture, 5);
    assert_int_equal(ots_streams_trim(fixture->test->instance, OTS_SLICE("t"), 0, NULL), OTS_OK);
    cursor_expect_poll(fixture, OTS_TRIMMED);
}

static void positions_older_than_the_retention_are_a_gap(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_open(fixture);
    assert_true(cursor_poll(fixture, 0));
    cursor_save(fixture);
    fixture->test->clock.now_us += 168 * CURSOR_HOUR_US;
    cursor_open(fixture);
    fixture->test->clock.now_us += CURSOR_HOUR_US;
    assert_int_equal(cursor_try_open(fixture), OTS_TRIMMED);
    expect_a_new_beginning(fixture);
}

static void a_shard_that_is_gone_unread_is_a_gap(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_put(fixture, 5);
    cursor_open(fixture);
    cursor_save(fixture);
    cursor_split(fixture, 0);
    fixture->store.shards_hidden = 1;
    assert_int_equal(cursor_try_open(fixture), OTS_TRIMMED);
    assert_non_null(strstr(fixture->err.message, "is gone"));
}

static void a_table_made_anew_is_a_gap(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_put(fixture, 5);
    cursor_open(fixture);
    assert_true(cursor_poll(fixture, 0));
    cursor_save(fixture);
    cursor_drop_table(fixture);
    cursor_expect_poll(fixture, OTS_TRIMMED);
    assert_int_equal(cursor_try_open(fixture), OTS_UNSUPPORTED);
    test_create_table(fixture->test, "t");
    assert_int_equal(cursor_try_open(fixture), OTS_TRIMMED);
    expect_a_new_beginning(fixture);
}

static void a_saved_position_that_is_not_understood_is_a_gap(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_open(fixture);
    cursor_save(fixture);
    fixture->saved.shards[0].iterator = OTS_SLICE("nonsense");
    cursor_open(fixture);
    cursor_expect_poll(fixture, OTS_TRIMMED);
}

/* Without positions nothing can be lost by a shard that goes while the cursor is opened. */
static void a_shard_that_goes_at_once_is_a_gap_only_behind_positions(void **state)
{
    struct cursor_fixture *fixture = *state;
    fixture->store.fail_status = OTS_TRIMMED;
    cursor_split(fixture, 0);
    fixture->store.fail_at = 3;
    cursor_open(fixture);
    assert_int_equal(fixture->store.counts[OTS_ACTION_SHARD_ITERATOR], 3);
    cursor_put(fixture, 8);
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_all_told(fixture);
    cursor_save(fixture);
    cursor_split(fixture, 2);
    instance_store_recount(&fixture->store);
    assert_int_equal(cursor_try_open(fixture), OTS_TRIMMED);
}

/* --- streams that cannot be read --------------------------------------------------------------*/

static void refuse(struct cursor_fixture *fixture, enum ots_action action, enum ots_status status)
{
    fixture->store.refused_action = action;
    fixture->store.refused_status = status;
}

static void what_is_not_readable_differs_from_what_may_pass(void **state)
{
    struct cursor_fixture *fixture = *state;
    const enum ots_action actions[] = {OTS_ACTION_LIST_STREAMS, OTS_ACTION_DESCRIBE_STREAM,
                                       OTS_ACTION_SHARD_ITERATOR};
    const enum ots_status refusals[] = {OTS_DENIED, OTS_UNSUPPORTED, OTS_INVALID, OTS_NOT_FOUND};
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 4; j++) {
            refuse(fixture, actions[i], refusals[j]);
            assert_int_equal(cursor_try_open(fixture), OTS_UNSUPPORTED);
            assert_int_equal(fixture->err.status, OTS_UNSUPPORTED);
            assert_non_null(strstr(fixture->err.message, "refused by the test"));
        }
        refuse(fixture, actions[i], OTS_THROTTLED);
        assert_int_equal(cursor_try_open(fixture), OTS_THROTTLED);
    }
    refuse(fixture, OTS_ACTION_STREAM_RECORDS, OTS_DENIED);
    cursor_open(fixture);
    cursor_expect_poll(fixture, OTS_UNSUPPORTED);
    refuse(fixture, OTS_ACTION_STREAM_RECORDS, OTS_OK);
    assert_true(cursor_poll(fixture, 0));
    cursor_restart(fixture);
    assert_true(cursor_poll(fixture, 0));
    refuse(fixture, OTS_ACTION_STREAM_RECORDS, OTS_INVALID);
    cursor_expect_poll(fixture, OTS_UNSUPPORTED);
}

static void a_table_without_a_stream_is_not_readable(void **state)
{
    struct cursor_fixture *fixture = *state;
    fixture->options.table = OTS_SLICE("none");
    assert_int_equal(cursor_try_open(fixture), OTS_UNSUPPORTED);
    assert_null(fixture->cursor);
}

static void pages_of_shards_that_do_not_end_are_refused(void **state)
{
    struct cursor_fixture *fixture = *state;
    fixture->store.is_circular = true;
    assert_int_equal(cursor_try_open(fixture), OTS_CORRUPT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cursor_setup, cursor_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reading_begins_at_a_time),
        TEST(what_is_behind_a_window_is_not_read),
        TEST(children_of_a_shard_that_is_done_stay_unread),
        TEST(what_is_kept_is_told),
        TEST(the_identity_is_that_of_identify),
        TEST(trimmed_records_are_a_gap),
        TEST(records_trimmed_before_all_others_were_read_are_a_gap),
        TEST(positions_older_than_the_retention_are_a_gap),
        TEST(a_shard_that_is_gone_unread_is_a_gap),
        TEST(a_table_made_anew_is_a_gap),
        TEST(a_saved_position_that_is_not_understood_is_a_gap),
        TEST(a_shard_that_goes_at_once_is_a_gap_only_behind_positions),
        TEST(what_is_not_readable_differs_from_what_may_pass),
        TEST(a_table_without_a_stream_is_not_readable),
        TEST(pages_of_shards_that_do_not_end_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
