/*
 * Streams of several shards, and what becomes of records that are too old.
 */
#include "backend/base/json.h"
#include "backend/server/stream_commands.h"
#include "backend/wire/service_code.h"
#include "tests/unit/stream_fixture.h"

#include <stdio.h>

enum { RECORDS_MAX = 4000, HOSTS = 16 };

#define HOUR_US (INT64_C(3600) * 1000 * 1000)

static int setup(void **state)
{
    int failed = test_instance_setup(state);
    if (!failed)
        test_create_table(*state, "t");
    return failed;
}

static void split(struct test_instance *test, const struct test_name *shard)
{
    struct ots_error err = {0};
    if (ots_streams_split(test->instance, OTS_SLICE("t"), test_name_slice(shard), &err) != OTS_OK)
        fail_msg("%s", err.message);
}

static void merge(struct test_instance *test, const struct test_name *shard,
                  const struct test_name *sibling)
{
    struct ots_error err = {0};
    if (ots_streams_merge(test->instance, OTS_SLICE("t"), test_name_slice(shard),
                          test_name_slice(sibling), &err) != OTS_OK)
        fail_msg("%s", err.message);
}

static void put_round(struct test_instance *test, int64_t round)
{
    test_put_numbers(test, "t", round * HOSTS, HOSTS, HOSTS);
}

/* ---- splits and merges ---- */

static void test_split(void **state)
{
    struct test_instance *test = *state;
    struct test_shard shards[TEST_SHARDS_MAX];
    static struct test_record records[RECORDS_MAX];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard first = test_only_shard(test, &stream);
    struct test_name start = test_iterator(test, &stream, &first.id);
    put_round(test, 0);
    split(test, &first.id);
    put_round(test, 1);
    assert_int_equal(test_shards_of(test, &stream, shards), 3);
    assert_string_equal(shards[0].id.text, first.id.text);
    for (size_t i = 1; i < 3; i++) {
        assert_string_equal(shards[i].parent.text, first.id.text);
        assert_string_equal(shards[i].sibling.text, "");
    }
    /* The parent ends behind what was put before; its end is told with the last records. */
    assert_int_equal(test_read_all(test, &start, records, RECORDS_MAX), HOSTS);
    assert_string_equal(start.text, "");
    /* The children share what came then, neither has all, and all of it is later. */
    struct test_record in_child[2][HOSTS];
    size_t counts[2];
    for (size_t i = 0; i < 2; i++) {
        struct test_name at = test_iterator(test, &stream, &shards[i + 1].id);
        counts[i] = test_read_all(test, &at, in_child[i], HOSTS);
        assert_true(at.text[0]);
        for (size_t j = 0; j < counts[i]; j++) {
            assert_true(in_child[i][j].number >= HOSTS);
            assert_true(in_child[i][j].commit_us > records[HOSTS - 1].commit_us);
            assert_int_equal(in_child[i][j].row_index, j);
        }
    }
    assert_int_equal(counts[0] + counts[1], HOSTS);
    assert_true(counts[0] && counts[1]);
}

/* A limit that ends at the closed shard's last record tells the end; one before that does not. */
static void test_end_and_limit(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[8];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard first = test_only_shard(test, &stream);
    test_put_numbers(test, "t", 0, 4, 1);
    struct test_name start = test_iterator(test, &stream, &first.id);
    split(test, &first.id);
    for (int32_t n = 1; n <= 5; n++) {
        struct test_name at = start;
        size_t expected = n < 4 ? (size_t)n : 4;
        assert_int_equal(test_read_records(test, &at, n, records, 8), expected);
        assert_int_equal(at.text[0] != '\0', n < 4);
        if (at.text[0])
            assert_int_equal(test_read_records(test, &at, 0, records, 8), 4 - expected);
        assert_string_equal(at.text, "");
    }
}

/* What was read to the end while it was open ends with an empty page. */
static void test_close_behind_reader(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[HOSTS];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard first = test_only_shard(test, &stream);
    struct test_name at = test_iterator(test, &stream, &first.id);
    put_round(test, 0);
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    assert_true(at.text[0]);
    split(test, &first.id);
    assert_int_equal(test_read_records(test, &at, 0, records, HOSTS), 0);
    assert_string_equal(at.text, "");
}

/* A timestamp behind the end of a closed shard finds nothing, in an open one the place to wait. */
static void test_seek_in_closed(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[HOSTS];
    struct test_shard shards[TEST_SHARDS_MAX];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard first = test_only_shard(test, &stream);
    struct test_name start = test_iterator(test, &stream, &first.id);
    put_round(test, 0);
    assert_int_equal(test_read_all(test, &start, records, HOSTS), HOSTS);
    int64_t last_us = records[HOSTS - 1].commit_us;
    split(test, &first.id);
    struct test_name at = test_iterator_at(test, &stream, &first.id, last_us);
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    at = test_iterator_at(test, &stream, &first.id, last_us + 1);
    assert_string_equal(at.text, "");
    assert_int_equal(test_shards_of(test, &stream, shards), 3);
    at = test_iterator_at(test, &stream, &shards[1].id, last_us + 1000000);
    struct test_name begin = test_iterator(test, &stream, &shards[1].id);
    assert_string_equal(at.text, begin.text);
}

static void test_merge(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[HOSTS];
    struct test_shard shards[TEST_SHARDS_MAX];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard first = test_only_shard(test, &stream);
    split(test, &first.id);
    assert_int_equal(test_shards_of(test, &stream, shards), 3);
    merge(test, &shards[2].id, &shards[1].id);
    put_round(test, 0);
    struct test_shard merged[TEST_SHARDS_MAX];
    assert_int_equal(test_shards_of(test, &stream, merged), 4);
    assert_string_equal(merged[3].parent.text, shards[2].id.text);
    assert_string_equal(merged[3].sibling.text, shards[1].id.text);
    struct test_name at = test_iterator(test, &stream, &merged[3].id);
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    for (size_t i = 1; i < 3; i++) {
        at = test_iterator(test, &stream, &merged[i].id);
        assert_int_equal(test_read_records(test, &at, 0, records, HOSTS), 0);
        assert_string_equal(at.text, "");
    }
}

static void assert_split_refused(struct test_instance *test, const char *table, const char *shard,
                                 enum ots_status expected)
{
    struct ots_error err = {0};
    assert_int_equal(
        ots_streams_split(test->instance, ots_slice_str(table), ots_slice_str(shard), &err),
        expected);
    assert_int_equal(err.status, expected);
}

static void assert_merge_refused(struct test_instance *test, const char *shard, const char *sibling)
{
    struct ots_error err = {0};
    assert_int_equal(ots_streams_merge(test->instance, OTS_SLICE("t"), ots_slice_str(shard),
                                       ots_slice_str(sibling), &err),
                     OTS_INVALID);
    assert_int_equal(err.status, OTS_INVALID);
}

static void test_commands_refused(void **state)
{
    struct test_instance *test = *state;
    struct test_shard shards[TEST_SHARDS_MAX];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard first = test_only_shard(test, &stream);
    assert_split_refused(test, "absent", first.id.text, OTS_NOT_FOUND);
    assert_split_refused(test, "t", "nonsense", OTS_INVALID);
    assert_split_refused(test, "t", "00000002-00000001", OTS_INVALID);
    assert_split_refused(test, "t", "00000001-00000002", OTS_INVALID);
    assert_merge_refused(test, first.id.text, first.id.text);
    assert_merge_refused(test, first.id.text, "00000001-00000000");
    split(test, &first.id);
    assert_split_refused(test, "t", first.id.text, OTS_INVALID);
    assert_int_equal(test_shards_of(test, &stream, shards), 3);
    split(test, &shards[1].id);
    assert_int_equal(test_shards_of(test, &stream, shards), 5);
    /* Shards 4, 5 and 3 lie in this order. */
    assert_merge_refused(test, shards[3].id.text, shards[2].id.text);
    assert_merge_refused(test, shards[1].id.text, shards[2].id.text);
    assert_merge_refused(test, shards[2].id.text, shards[2].id.text);
    merge(test, &shards[4].id, &shards[2].id);
}

/* A range of hashes can be halved until it has one. */
static void test_smallest_shard(void **state)
{
    struct test_instance *test = *state;
    char shard[32] = "00000001-00000001";
    for (unsigned i = 0; i < 32; i++) {
        struct test_name name;
        snprintf(name.text, sizeof(name.text), "%s", shard);
        split(test, &name);
        snprintf(shard, sizeof(shard), "00000001-%08x", 2 * i + 3);
    }
    assert_split_refused(test, "t", shard, OTS_INVALID);
}

static void test_too_many_shards(void **state)
{
    struct test_instance *test = *state;
    struct ots_error err = {0};
    enum ots_status status = OTS_OK;
    unsigned splits = 0;
    while (status == OTS_OK) {
        char shard[32];
        int size = snprintf(shard, sizeof(shard), "00000001-%08x", ++splits);
        status =
            ots_streams_split(test->instance, OTS_SLICE("t"), ots_slice(shard, (size_t)size), &err);
    }
    assert_int_equal(status, OTS_LIMIT);
    assert_int_equal(splits, (OTS_STREAM_SHARDS_MAX - 1) / 2 + 1);
}

/* Reads a whole stream as a client must: parents to their end before their children. Each row must
 * come once, and those of a timeline in order. */
static void assert_whole(struct test_instance *test, const struct test_name *stream,
                         int64_t expected)
{
    struct test_shard shards[TEST_SHARDS_MAX];
    static struct test_record records[RECORDS_MAX];
    int64_t last_of_host[HOSTS];
    size_t seen = 0;
    size_t count = test_shards_of(test, stream, shards);
    for (size_t i = 0; i < HOSTS; i++)
        last_of_host[i] = -1;
    for (size_t i = 0; i < count; i++) {
        struct test_name at = test_iterator(test, stream, &shards[i].id);
        size_t found = test_read_all(test, &at, records, RECORDS_MAX);
        for (size_t j = 0; j < found; j++) {
            int64_t *last = &last_of_host[records[j].number % HOSTS];
            assert_int_equal(records[j].number, *last < 0 ? records[j].number : *last + HOSTS);
            *last = records[j].number;
        }
        seen += found;
    }
    assert_int_equal(seen, expected);
    for (size_t i = 0; i < HOSTS; i++)
        assert_true(last_of_host[i] >= expected - HOSTS);
}

/* Shards split and merge in turn between puts, and survive restarts. */
static void test_generations(void **state)
{
    struct test_instance *test = *state;
    struct test_shard shards[TEST_SHARDS_MAX];
    struct test_name stream = test_stream_of(test, "t");
    int64_t rounds = 0;
    for (unsigned i = 0; i < 8; i++) {
        put_round(test, rounds++);
        size_t count = test_shards_of(test, &stream, shards);
        if (i % 3 == 2)
            merge(test, &shards[count - 2].id, &shards[count - 1].id);
        else
            split(test, &shards[count - 1].id);
        put_round(test, rounds++);
        if (i % 2)
            test_instance_reopen(test);
        assert_whole(test, &stream, rounds * HOSTS);
    }
}

/* ---- retention ---- */

static void advance(struct test_instance *test, int64_t hours)
{
    test->clock.now_us += hours * HOUR_US;
}

static void test_trim(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[2 * HOSTS];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name oldest = test_iterator(test, &stream, &shard.id);
    put_round(test, 0);
    struct test_name within = oldest;
    assert_int_equal(test_read_records(test, &within, 3, records, HOSTS), 3);
    struct test_name behind = within;
    assert_int_equal(test_read_all(test, &behind, records, HOSTS), HOSTS - 3);
    advance(test, 100);
    put_round(test, 1);
    advance(test, 67);
    struct test_name at = oldest;
    assert_int_equal(test_read_all(test, &at, records, 2 * HOSTS), 2 * HOSTS);
    /* Now the first round is older than 168 hours. */
    advance(test, 2);
    test_read_refused(test, &oldest, OTS_CODE_TRIMMED);
    test_read_refused(test, &within, OTS_CODE_TRIMMED);
    assert_int_equal(test_read_all(test, &behind, records, HOSTS), HOSTS);
    assert_int_equal(records[0].number, HOSTS);
    at = test_iterator(test, &stream, &shard.id);
    assert_string_not_equal(at.text, oldest.text);
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    at = test_iterator_at(test, &stream, &shard.id, 0);
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    test_instance_reopen(test);
    test_read_refused(test, &oldest, OTS_CODE_TRIMMED);
    at = test_iterator(test, &stream, &shard.id);
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    shard = test_only_shard(test, &stream);
    assert_string_equal(shard.id.text, "00000001-00000001");
}

/* A shorter retention counts at once, a longer one brings nothing back. */
static void test_retention_changes(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[HOSTS];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name oldest = test_iterator(test, &stream, &shard.id);
    put_round(test, 0);
    advance(test, 3);
    struct test_name at = oldest;
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    ots_streams_set_retention(test->instance->streams, 4);
    at = oldest;
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    ots_streams_set_retention(test->instance->streams, 2);
    test_read_refused(test, &oldest, OTS_CODE_TRIMMED);
    ots_streams_set_retention(test->instance->streams, 168);
    test_read_refused(test, &oldest, OTS_CODE_TRIMMED);
}

static enum ots_status refuse_write(struct ots_engine *engine, struct ots_batch *batch,
                                    struct ots_error *err)
{
    (void)engine;
    (void)batch;
    return ots_error_set(err, OTS_IO, "the disk is full");
}

/* Who meets records that cannot be removed is answered, and they go some time later. */
static void test_trim_that_fails(void **state)
{
    struct test_instance *test = *state;
    struct ots_engine *engine = test->instance->engine;
    const struct ots_engine_ops *ops = engine->ops;
    struct ots_engine_ops full = *ops;
    struct test_record records[HOSTS];
    full.write = refuse_write;
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name oldest = test_iterator(test, &stream, &shard.id);
    put_round(test, 0);
    advance(test, 169);
    engine->ops = &full;
    struct test_name at = oldest;
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    test_only_shard(test, &stream);
    engine->ops = ops;
    at = oldest;
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    test->clock.now_us += OTS_TRIM_RETRY_US;
    test_read_refused(test, &oldest, OTS_CODE_TRIMMED);
}

/* Nobody loses a position because nothing happens. */
static void test_trim_idle(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[HOSTS];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name fresh = test_iterator(test, &stream, &shard.id);
    advance(test, 500);
    assert_int_equal(test_read_all(test, &fresh, records, HOSTS), 0);
    put_round(test, 0);
    assert_int_equal(test_read_all(test, &fresh, records, HOSTS), HOSTS);
    advance(test, 500);
    assert_int_equal(test_read_all(test, &fresh, records, HOSTS), 0);
    put_round(test, 1);
    assert_int_equal(test_read_all(test, &fresh, records, HOSTS), HOSTS);
}

/* All is gone, the clock goes back by a month and the process ends: commits go on ascending. */
static void test_trim_and_clock(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[HOSTS];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard shard = test_only_shard(test, &stream);
    struct test_name at = test_iterator(test, &stream, &shard.id);
    put_round(test, 0);
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    int64_t last_us = records[0].commit_us;
    advance(test, 200);
    struct test_name end = test_iterator(test, &stream, &shard.id);
    assert_int_equal(test_read_all(test, &end, records, HOSTS), 0);
    advance(test, -24 * 30);
    test_instance_reopen(test);
    put_round(test, 1);
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    assert_true(records[0].commit_us > last_us);
    assert_int_equal(test_read_all(test, &end, records, HOSTS), HOSTS);
}

/* A closed shard goes with its last record, and its children do not mind. */
static void test_trim_closed(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[HOSTS];
    struct test_shard shards[TEST_SHARDS_MAX];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard first = test_only_shard(test, &stream);
    struct test_name old = test_iterator(test, &stream, &first.id);
    put_round(test, 0);
    ots_streams_set_retention(test->instance->streams, 5);
    advance(test, 3);
    split(test, &first.id);
    put_round(test, 1);
    advance(test, 3);
    /* Its records are gone, but it was closed only now. */
    assert_int_equal(test_shards_of(test, &stream, shards), 3);
    test_read_refused(test, &old, OTS_CODE_TRIMMED);
    struct test_name at = test_iterator(test, &stream, &first.id);
    assert_int_equal(test_read_records(test, &at, 0, records, HOSTS), 0);
    assert_string_equal(at.text, "");
    for (unsigned i = 0; i < 2; i++) {
        advance(test, 1);
        put_round(test, i + 2);
    }
    advance(test, 1);
    assert_int_equal(test_shards_of(test, &stream, shards), 2);
    assert_string_equal(shards[0].parent.text, first.id.text);
    test_read_refused(test, &old, OTS_CODE_TRIMMED);
    TEST_CALL(call, OTS_ACTION_SHARD_ITERATOR);
    call.request.shard_iterator.stream = test_name_slice(&stream);
    call.request.shard_iterator.shard = test_name_slice(&first.id);
    test_call_refused(test, &call, OTS_CODE_TRIMMED);
    /* A page that was to begin with it begins with the next one. */
    TEST_CALL(describe, OTS_ACTION_DESCRIBE_STREAM);
    describe.request.describe_stream.stream = test_name_slice(&stream);
    describe.request.describe_stream.accepts_timeseries = true;
    describe.request.describe_stream.first_shard = test_name_slice(&first.id);
    test_call_ok(test, &describe);
    assert_int_equal(describe.response.describe_stream.shard_count, 2);
    test_instance_reopen(test);
    assert_int_equal(test_shards_of(test, &stream, shards), 2);
    split(test, &shards[1].id);
    assert_int_equal(test_shards_of(test, &stream, shards), 4);
    assert_string_equal(shards[3].id.text, "00000001-00000005");
}

/* By command: what is older than so long, or all, whatever the clock says. */
static void test_trim_by_command(void **state)
{
    struct test_instance *test = *state;
    struct test_record records[HOSTS];
    struct test_shard shards[TEST_SHARDS_MAX];
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard first = test_only_shard(test, &stream);
    struct test_name oldest = test_iterator(test, &stream, &first.id);
    const struct ots_slice table = OTS_SLICE("t");
    put_round(test, 0);
    advance(test, 2);
    put_round(test, 1);
    assert_int_equal(ots_streams_trim(test->instance, table, 3 * HOUR_US, NULL), OTS_OK);
    struct test_name at = oldest;
    assert_int_equal(test_read_records(test, &at, HOSTS, records, HOSTS), HOSTS);
    assert_int_equal(ots_streams_trim(test->instance, table, HOUR_US, NULL), OTS_OK);
    test_read_refused(test, &oldest, OTS_CODE_TRIMMED);
    assert_int_equal(test_read_all(test, &at, records, HOSTS), HOSTS);
    assert_int_equal(records[0].number, HOSTS);
    /* A shard without records stays while it is open, and so does its end. */
    advance(test, -5);
    put_round(test, 2);
    struct test_name end = at;
    assert_int_equal(test_read_all(test, &end, records, HOSTS), HOSTS);
    assert_int_equal(ots_streams_trim(test->instance, table, 0, NULL), OTS_OK);
    test_read_refused(test, &at, OTS_CODE_TRIMMED);
    assert_int_equal(test_read_all(test, &end, records, HOSTS), 0);
    put_round(test, 3);
    assert_int_equal(test_read_all(test, &end, records, HOSTS), HOSTS);
    assert_int_equal(records[0].number, 3 * HOSTS);
    split(test, &first.id);
    assert_int_equal(ots_streams_trim(test->instance, table, 0, NULL), OTS_OK);
    assert_int_equal(test_shards_of(test, &stream, shards), 2);
    assert_int_equal(ots_streams_trim(test->instance, OTS_SLICE("none"), 0, NULL), OTS_NOT_FOUND);
}

static void test_print(void **state)
{
    struct test_instance *test = *state;
    struct test_name stream = test_stream_of(test, "t");
    struct test_shard first = test_only_shard(test, &stream);
    struct ots_buf text = OTS_BUF_INIT;
    split(test, &first.id);
    assert_int_equal(ots_streams_print(test->instance, &text, NULL), OTS_OK);
    OTS_AUTO(ots_json_freep) struct ots_json *json = NULL;
    assert_int_equal(ots_json_parse(ots_buf_slice(&text), &json, NULL), OTS_OK);
    ots_buf_deinit(&text);
    const struct ots_json *table = ots_json_member(json, "t");
    assert_string_equal(ots_json_string(table, "stream"), stream.text);
    const struct ots_json *shards = ots_json_member(table, "shards");
    assert_int_equal(ots_json_size(shards), 3);
    assert_string_equal(ots_json_string(ots_json_at(shards, 0), "id"), first.id.text);
    assert_null(ots_json_string(ots_json_at(shards, 0), "parent"));
    for (size_t i = 0; i < 3; i++) {
        bool is_open = false;
        const struct ots_json *shard = ots_json_at(shards, i);
        assert_true(ots_json_bool(shard, "is_open", &is_open));
        assert_int_equal(is_open, i > 0);
        assert_null(ots_json_string(shard, "sibling"));
        if (i > 0)
            assert_string_equal(ots_json_string(shard, "parent"), first.id.text);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, test_instance_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_split),
        TEST(test_end_and_limit),
        TEST(test_close_behind_reader),
        TEST(test_seek_in_closed),
        TEST(test_merge),
        TEST(test_commands_refused),
        TEST(test_smallest_shard),
        TEST(test_too_many_shards),
        TEST(test_generations),
        TEST(test_trim),
        TEST(test_trim_idle),
        TEST(test_trim_and_clock),
        TEST(test_trim_closed),
        TEST(test_trim_that_fails),
        TEST(test_retention_changes),
        TEST(test_trim_by_command),
        TEST(test_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
