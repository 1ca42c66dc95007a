/*
 * Reading a stream on: across splits, merges, kills and failures.
 */
#include "tests/unit/cursor_fixture.h"
#include "tests/unit/make_rows.h"

/* --- following --------------------------------------------------------------------------------*/

static void what_is_put_is_told_once(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_put(fixture, 5);
    cursor_open(fixture);
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_all_told(fixture);
    cursor_put(fixture, 7);
    assert_true(cursor_poll(fixture, 0));
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_all_told(fixture);
}

static void splits_and_merges_between_polls_are_followed(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_open(fixture);
    cursor_put(fixture, 16);
    assert_true(cursor_poll(fixture, 0));
    cursor_split(fixture, 0);
    cursor_put(fixture, 16);
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_all_told(fixture);
    assert_int_equal(cursor_open_shards(fixture), 2);
    cursor_merge(fixture, 1, 2);
    cursor_put(fixture, 16);
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_all_told(fixture);
    assert_int_equal(cursor_open_shards(fixture), 1);
}

/* 16 rows in each of five generations of shards. */
static void make_generations(struct cursor_fixture *fixture)
{
    cursor_put(fixture, 16);
    cursor_split(fixture, 0);
    cursor_put(fixture, 16);
    cursor_split(fixture, 2);
    cursor_put(fixture, 16);
    cursor_merge(fixture, 1, 3);
    cursor_put(fixture, 16);
    cursor_merge(fixture, 5, 4);
    cursor_put(fixture, 16);
}

static void generations_are_followed_in_one_poll(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_open(fixture);
    make_generations(fixture);
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_all_told(fixture);
}

static void generations_that_are_there_are_read_in_order(void **state)
{
    struct cursor_fixture *fixture = *state;
    make_generations(fixture);
    cursor_open(fixture);
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_all_told(fixture);
}

static void pages_are_told_of_as_a_whole(void **state)
{
    struct cursor_fixture *fixture = *state;
    struct ots_stream_poll result;
    for (int i = 0; i < 3; i++)
        cursor_put(fixture, 10);
    fixture->options.record = NULL;
    fixture->options.page = cursor_note_page;
    fixture->options.page_records = 10;
    cursor_open(fixture);
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_all_told(fixture);
    assert_true(fixture->page_count >= 3);
    /* A page that is refused at its first record comes again. */
    cursor_put(fixture, 10);
    fixture->fail_record = 31;
    assert_int_equal(cursor_try_poll(fixture, 0, &result), OTS_NO_SPACE);
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_all_told(fixture);
}

static void other_services_answers_are_understood(void **state)
{
    struct cursor_fixture *fixture = *state;
    make_generations(fixture);
    fixture->store.is_end_late = true;
    fixture->store.is_more_untold = true;
    fixture->store.shards_per_page = 1;
    fixture->options.page_records = 5;
    cursor_open(fixture);
    cursor_poll_to_end(fixture, 0);
    cursor_expect_all_told(fixture);
    assert_true(fixture->store.counts[OTS_ACTION_DESCRIBE_STREAM] >= 7);
}

static bool has_moved(struct cursor_fixture *fixture, const struct ots_shard_position *shard)
{
    struct test_name stream = test_stream_of(fixture->test, "t");
    struct test_name id = {""};
    assert_true(shard->id.size < sizeof(id.text));
    memcpy(id.text, shard->id.data, shard->id.size);
    struct test_name oldest = test_iterator(fixture->test, &stream, &id);
    return !ots_slice_equal(shard->iterator, test_name_slice(&oldest));
}

static void a_poll_is_bounded_and_every_shard_has_its_turn(void **state)
{
    struct cursor_fixture *fixture = *state;
    struct ots_stream_poll result;
    cursor_split(fixture, 0);
    for (int i = 0; i < 4; i++)
        cursor_put(fixture, 64);
    fixture->options.page_records = 4;
    cursor_open(fixture);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cursor_try_poll(fixture, 3, &result), OTS_OK);
        assert_int_equal(result.record_count, 4);
        assert_false(result.is_at_end);
    }
    assert_int_equal(cursor_save(fixture), 3);
    assert_true(fixture->saved.shards[0].is_ended);
    assert_true(has_moved(fixture, &fixture->saved.shards[1]));
    assert_true(has_moved(fixture, &fixture->saved.shards[2]));
    cursor_poll_to_end(fixture, 1);
    cursor_expect_all_told(fixture);
}

static void an_idle_stream_costs_a_call_for_each_shard(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_split(fixture, 0);
    cursor_put(fixture, 16);
    fixture->options.describe_polls = 5;
    cursor_open(fixture);
    assert_true(cursor_poll(fixture, 0));
    instance_store_recount(&fixture->store);
    for (int i = 0; i < 10; i++)
        assert_true(cursor_poll(fixture, 0));
    assert_int_equal(fixture->store.counts[OTS_ACTION_STREAM_RECORDS], 20);
    assert_int_equal(fixture->store.counts[OTS_ACTION_DESCRIBE_STREAM], 2);
    assert_int_equal(fixture->store.total, 22);
}

static void children_that_are_not_listed_yet_are_waited_for(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_open(fixture);
    cursor_put(fixture, 16);
    cursor_split(fixture, 0);
    fixture->store.shards_shown = 1;
    assert_false(cursor_poll(fixture, 0));
    instance_store_recount(&fixture->store);
    assert_false(cursor_poll(fixture, 0));
    assert_int_equal(fixture->store.total, 1);
    cursor_put(fixture, 16);
    cursor_restart(fixture);
    assert_false(cursor_poll(fixture, 0));
    fixture->store.shards_shown = 0;
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_all_told(fixture);
}

/* Though its parent is not known. */
static void a_shard_that_appears_otherwise_is_read(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_split(fixture, 0);
    cursor_split(fixture, 2);
    cursor_put(fixture, 64);
    fixture->store.shards_hidden = 1;
    fixture->store.shards_shown = 2;
    fixture->options.describe_polls = 3;
    cursor_open(fixture);
    fixture->store.shards_shown = 0;
    for (int i = 0; i < 3; i++)
        (void)cursor_poll(fixture, 0);
    assert_true(cursor_poll(fixture, 0));
    cursor_expect_all_told(fixture);
}

static void what_was_passed_and_is_gone_is_forgotten(void **state)
{
    struct cursor_fixture *fixture = *state;
    cursor_open(fixture);
    for (size_t i = 0; i < 20; i++) {
        cursor_put(fixture, 16);
        struct test_shard shards[TEST_SHARDS_MAX];
        size_t count = cursor_list_shards(fixture, shards);
        if (i % 2)
            cursor_merge(fixture, count - 2, count - 1);
        else
            cursor_split(fixture, count - 1);
        assert_true(cursor_poll(fixture, 0));
        assert_true(cursor_save(fixture) <= 8);
        fixture->test->clock.now_us += 60 * CURSOR_HOUR_US;
    }
    cursor_expect_all_told(fixture);
}

/* --- kills and failures -----------------------------------------------------------------------*/

static bool is_over(struct cursor_fixture *fixture)
{
    struct ots_stream_poll result;
    return fixture->cursor && cursor_try_poll(fixture, 3, &result) == OTS_OK && result.is_at_end;
}

/* Every call in turn is the last one of a process; nothing is lost, nothing comes twice. */
static void a_kill_at_any_call_loses_nothing(void **state)
{
    struct cursor_fixture *fixture = *state;
    make_generations(fixture);
    fixture->options.page_records = 3;
    fixture->store.fail_status = OTS_CANCELLED;
    fixture->store.shards_per_page = 2;
    size_t kills = 0;
    for (bool is_killed = true; is_killed; kills++) {
        instance_store_recount(&fixture->store);
        memset(fixture->told, 0, sizeof(fixture->told));
        memset(fixture->last_of_host, 0, sizeof(fixture->last_of_host));
        fixture->told_count = 0;
        fixture->options.positions = NULL;
        fixture->store.fail_at = kills + 1;
        if (cursor_try_open(fixture) == OTS_OK) {
            while (fixture->store.total < fixture->store.fail_at && !is_over(fixture))
                ;
            is_killed = fixture->store.total >= fixture->store.fail_at;
            fixture->store.fail_at = 0;
            cursor_restart(fixture);
        } else {
            cursor_open(fixture);
        }
        cursor_poll_to_end(fixture, 0);
        cursor_expect_all_told(fixture);
    }
    assert_true(kills > 40);
}

static void a_failure_at_any_call_loses_nothing(void **state)
{
    struct cursor_fixture *fixture = *state;
    fixture->store.fail_status = OTS_NETWORK;
    cursor_open(fixture);
    make_generations(fixture);
    fixture->options.page_records = 3;
    for (int i = 0; i < CURSOR_POLLS_MAX; i++) {
        struct ots_stream_poll result;
        fixture->store.fail_at = fixture->store.total + 1 + (size_t)i % 4;
        enum ots_status status = cursor_try_poll(fixture, 0, &result);
        if (status == OTS_OK && result.is_at_end)
            break;
        assert_true(status == OTS_OK || status == OTS_NETWORK);
    }
    cursor_poll_to_end(fixture, 0);
    cursor_expect_all_told(fixture);
}

static void act(struct cursor_fixture *fixture, struct test_random *random)
{
    struct test_shard shards[TEST_SHARDS_MAX];
    uint32_t count = (uint32_t)cursor_list_shards(fixture, shards);
    switch (test_random_below(random, 8)) {
    case 0:
        if (count < 40)
            (void)cursor_try_split(fixture, test_random_below(random, count));
        break;
    case 1:
        if (count < 40)
            (void)cursor_try_merge(fixture, test_random_below(random, count),
                                   test_random_below(random, count));
        break;
    case 2:
        cursor_restart(fixture);
        break;
    case 3:
        fixture->store.fail_at = fixture->store.total + 1 + test_random_below(random, 3);
        break;
    case 4:
        cursor_put(fixture, 1 + test_random_below(random, 20));
        break;
    default: {
        struct ots_stream_poll result;
        enum ots_status status = cursor_try_poll(fixture, test_random_below(random, 12), &result);
        assert_true(status == OTS_OK || status == OTS_THROTTLED);
    }
    }
    if (fixture->store.fail_at <= fixture->store.total)
        fixture->store.fail_at = 0;
}

static void act_at_random(uint64_t seed)
{
    void *state;
    cursor_setup(&state);
    struct cursor_fixture *fixture = state;
    struct test_random random = {seed};
    fixture->store.fail_status = OTS_THROTTLED;
    fixture->store.is_end_late = seed % 2;
    fixture->store.shards_per_page = (int32_t)(seed % 3);
    fixture->options.page_records = (int32_t)(seed % 5);
    cursor_open(fixture);
    for (int i = 0; i < 200; i++) {
        if (fixture->store.fail_at)
            (void)is_over(fixture);
        fixture->store.fail_at = 0;
        act(fixture, &random);
    }
    fixture->store.fail_at = 0;
    cursor_poll_to_end(fixture, 5);
    cursor_expect_all_told(fixture);
    cursor_teardown(&state);
}

static void whatever_happens_each_record_comes_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++)
        act_at_random(seed);
}

static void a_record_that_is_refused_comes_again_with_its_page(void **state)
{
    struct cursor_fixture *fixture = *state;
    struct ots_stream_poll result;
    cursor_put(fixture, 10);
    cursor_open(fixture);
    fixture->fail_record = 1;
    assert_int_equal(cursor_try_poll(fixture, 0, &result), OTS_NO_SPACE);
    assert_int_equal(result.record_count, 0);
    fixture->fail_record = 1;
    assert_int_equal(cursor_try_poll(fixture, 0, &result), OTS_NO_SPACE);
    cursor_restart(fixture);
    cursor_poll_to_end(fixture, 0);
    cursor_expect_all_told(fixture);
}

static void an_interrupt_ends_a_poll(void **state)
{
    struct cursor_fixture *fixture = *state;
    struct ots_interrupt interrupt;
    struct ots_stream_poll result;
    cursor_put(fixture, 10);
    cursor_open(fixture);
    ots_interrupt_init(&interrupt);
    ots_interrupt_raise(&interrupt);
    assert_int_equal(ots_stream_cursor_poll(fixture->cursor, 0, &interrupt, &result, &fixture->err),
                     OTS_CANCELLED);
    ots_interrupt_deinit(&interrupt);
    cursor_poll_to_end(fixture, 0);
    cursor_expect_all_told(fixture);
}

static enum ots_status refuse_position(void *context, const struct ots_shard_position *position)
{
    (void)context;
    (void)position;
    return OTS_NO_SPACE;
}

static void a_position_that_cannot_be_kept_ends_the_visit(void **state)
{
    struct cursor_fixture *fixture = *state;
    struct ots_stream_positions positions;
    cursor_open(fixture);
    assert_int_equal(ots_stream_cursor_save(fixture->cursor, &positions, refuse_position, NULL),
                     OTS_NO_SPACE);
    assert_int_equal(ots_stream_cursor_save(fixture->cursor, &positions, NULL, NULL), OTS_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, cursor_setup, cursor_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_put_is_told_once),
        TEST(splits_and_merges_between_polls_are_followed),
        TEST(generations_are_followed_in_one_poll),
        TEST(generations_that_are_there_are_read_in_order),
        TEST(pages_are_told_of_as_a_whole),
        TEST(other_services_answers_are_understood),
        TEST(a_poll_is_bounded_and_every_shard_has_its_turn),
        TEST(an_idle_stream_costs_a_call_for_each_shard),
        TEST(children_that_are_not_listed_yet_are_waited_for),
        TEST(a_shard_that_appears_otherwise_is_read),
        TEST(what_was_passed_and_is_gone_is_forgotten),
        TEST(a_kill_at_any_call_loses_nothing),
        TEST(a_failure_at_any_call_loses_nothing),
        cmocka_unit_test(whatever_happens_each_record_comes_once),
        TEST(a_record_that_is_refused_comes_again_with_its_page),
        TEST(an_interrupt_ends_a_poll),
        TEST(a_position_that_cannot_be_kept_ends_the_visit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
