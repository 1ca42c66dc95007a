#include "tests/unit/cursor_fixture.h"

#include "backend/server/stream_commands.h"

#include <stdlib.h>

static enum ots_status note_record(void *context, const struct ots_stream_record *record,
                                   bool *is_shard_done)
{
    struct cursor_fixture *fixture = context;
    int64_t number = record->row.fields[0].value.integer;
    int64_t *last = &fixture->last_of_host[number % CURSOR_HOSTS];
    assert_false(*is_shard_done);
    assert_true(number > 0 && number < CURSOR_RECORDS_MAX);
    if (fixture->fail_record && fixture->told_count + 1 == fixture->fail_record) {
        fixture->fail_record = 0;
        *is_shard_done = true;
        return OTS_NO_SPACE;
    }
    if (fixture->done_from_us && record->sequence.timestamp_us >= fixture->done_from_us) {
        *is_shard_done = true;
        return OTS_OK;
    }
    assert_true(number > *last);
    *last = number;
    fixture->told[number]++;
    fixture->told_count++;
    return OTS_OK;
}

enum ots_status cursor_note_page(void *context, const struct ots_stream_record *records,
                                 size_t count)
{
    struct cursor_fixture *fixture = context;
    enum ots_status status = OTS_OK;
    bool is_done = false;
    fixture->page_count++;
    for (size_t i = 0; i < count && status == OTS_OK; i++)
        status = note_record(fixture, &records[i], &is_done);
    return status;
}

int cursor_setup(void **state)
{
    struct cursor_fixture *fixture = calloc(1, sizeof(*fixture));
    void *test;
    assert_int_equal(test_instance_setup(&test), 0);
    fixture->test = test;
    instance_store_init(&fixture->store, test);
    fixture->options = (struct ots_stream_cursor_options){.store = &fixture->store.store,
                                                          .table = OTS_SLICE("t"),
                                                          .record = note_record,
                                                          .context = fixture};
    test_create_table(test, "t");
    *state = fixture;
    return 0;
}

int cursor_teardown(void **state)
{
    struct cursor_fixture *fixture = *state;
    void *test = fixture->test;
    ots_stream_cursor_free(fixture->cursor);
    ots_arena_deinit(&fixture->saved.arena);
    test_instance_teardown(&test);
    free(fixture);
    return 0;
}

/* --- what happens to the table ----------------------------------------------------------------*/

void cursor_put(struct cursor_fixture *fixture, size_t count)
{
    struct ots_row rows[64];
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++) {
        int64_t number = ++fixture->put_count;
        char host[] = {'h', (char)('0' + number % CURSOR_HOSTS), '\0'};
        rows[i] = test_row(fixture->test, test_key(fixture->test, "cpu", host), number, number);
    }
    test_put(fixture->test, "t", rows, count);
    fixture->test->clock.now_us += 1000;
}

size_t cursor_list_shards(struct cursor_fixture *fixture, struct test_shard shards[TEST_SHARDS_MAX])
{
    struct test_name stream = test_stream_of(fixture->test, "t");
    return test_shards_of(fixture->test, &stream, shards);
}

bool cursor_try_split(struct cursor_fixture *fixture, size_t index)
{
    struct test_shard shards[TEST_SHARDS_MAX];
    assert_true(index < cursor_list_shards(fixture, shards));
    fixture->test->clock.now_us += 1000;
    return ots_streams_split(fixture->test->instance, OTS_SLICE("t"),
                             test_name_slice(&shards[index].id), NULL) == OTS_OK;
}

bool cursor_try_merge(struct cursor_fixture *fixture, size_t a, size_t b)
{
    struct test_shard shards[TEST_SHARDS_MAX];
    size_t count = cursor_list_shards(fixture, shards);
    assert_true(a < count && b < count);
    fixture->test->clock.now_us += 1000;
    return ots_streams_merge(fixture->test->instance, OTS_SLICE("t"),
                             test_name_slice(&shards[a].id), test_name_slice(&shards[b].id),
                             NULL) == OTS_OK;
}

void cursor_split(struct cursor_fixture *fixture, size_t index)
{
    assert_true(cursor_try_split(fixture, index));
}

void cursor_merge(struct cursor_fixture *fixture, size_t a, size_t b)
{
    assert_true(cursor_try_merge(fixture, a, b));
}

void cursor_drop_table(struct cursor_fixture *fixture)
{
    TEST_CALL(call, OTS_ACTION_DELETE_TABLE);
    call.request.table.table = OTS_SLICE("t");
    test_call_ok(fixture->test, &call);
    fixture->test->clock.now_us += 1000;
}

/* --- reading ----------------------------------------------------------------------------------*/

enum ots_status cursor_try_open(struct cursor_fixture *fixture)
{
    ots_stream_cursor_free(fixture->cursor);
    return ots_stream_cursor_open(&fixture->options, NULL, &fixture->cursor, &fixture->err);
}

void cursor_open(struct cursor_fixture *fixture)
{
    if (cursor_try_open(fixture) != OTS_OK)
        fail_msg("%s", fixture->err.message);
}

enum ots_status cursor_try_poll(struct cursor_fixture *fixture, size_t records_max,
                                struct ots_stream_poll *result)
{
    size_t before = fixture->told_count;
    enum ots_status status =
        ots_stream_cursor_poll(fixture->cursor, records_max, NULL, result, &fixture->err);
    if (status == OTS_OK && !fixture->done_from_us)
        assert_int_equal(result->record_count, fixture->told_count - before);
    return status;
}

bool cursor_poll(struct cursor_fixture *fixture, size_t records_max)
{
    struct ots_stream_poll result;
    if (cursor_try_poll(fixture, records_max, &result) != OTS_OK)
        fail_msg("%s", fixture->err.message);
    return result.is_at_end;
}

void cursor_poll_to_end(struct cursor_fixture *fixture, size_t records_max)
{
    for (int i = 0; !cursor_poll(fixture, records_max); i++)
        assert_true(i < CURSOR_POLLS_MAX);
}

void cursor_expect_poll(struct cursor_fixture *fixture, enum ots_status wanted)
{
    struct ots_stream_poll result;
    assert_int_equal(cursor_try_poll(fixture, 0, &result), wanted);
    assert_false(result.is_at_end);
    assert_int_equal(fixture->err.status, wanted);
}

void cursor_expect_told_from(struct cursor_fixture *fixture, int64_t first)
{
    for (int64_t i = 1; i <= fixture->put_count; i++)
        assert_int_equal(fixture->told[i], i >= first);
    assert_int_equal(fixture->told_count, fixture->put_count + 1 - first);
}

void cursor_expect_all_told(struct cursor_fixture *fixture)
{
    cursor_expect_told_from(fixture, 1);
}

/* --- positions --------------------------------------------------------------------------------*/

static enum ots_status count_open(void *context, const struct ots_shard_position *position)
{
    size_t *count = context;
    *count += !position->is_ended;
    return OTS_OK;
}

size_t cursor_open_shards(struct cursor_fixture *fixture)
{
    struct ots_stream_positions positions;
    size_t count = 0;
    assert_int_equal(ots_stream_cursor_save(fixture->cursor, &positions, count_open, &count),
                     OTS_OK);
    return count;
}

static struct ots_slice keep(struct cursor_saved *saved, struct ots_slice text)
{
    struct ots_slice copy;
    assert_int_equal(ots_arena_copy(&saved->arena, text, &copy), OTS_OK);
    return copy;
}

static enum ots_status keep_position(void *context, const struct ots_shard_position *position)
{
    struct cursor_saved *saved = context;
    assert_true(saved->positions.count < CURSOR_POSITIONS_MAX);
    assert_int_equal(position->is_ended, !position->iterator.size);
    saved->shards[saved->positions.count++] = (struct ots_shard_position){
        keep(saved, position->id), keep(saved, position->parent), keep(saved, position->sibling),
        keep(saved, position->iterator), position->is_ended};
    return OTS_OK;
}

size_t cursor_save(struct cursor_fixture *fixture)
{
    struct cursor_saved *saved = &fixture->saved;
    struct ots_stream_positions positions;
    ots_arena_deinit(&saved->arena);
    saved->positions.count = 0;
    assert_int_equal(ots_stream_cursor_save(fixture->cursor, &positions, keep_position, saved),
                     OTS_OK);
    saved->positions.identity = keep(saved, positions.identity);
    saved->positions.described_us = positions.described_us;
    saved->positions.shards = saved->shards;
    fixture->options.positions = &saved->positions;
    return saved->positions.count;
}

void cursor_restart(struct cursor_fixture *fixture)
{
    cursor_save(fixture);
    cursor_open(fixture);
}
