#include "tests/unit/stream_fixture.h"

#include <stdio.h>

static struct test_name name_of(struct ots_slice slice)
{
    struct test_name name = {""};
    assert_true(slice.size < sizeof(name.text));
    if (slice.size)
        memcpy(name.text, slice.data, slice.size);
    for (size_t i = 0; i < slice.size; i++)
        assert_true(name.text[i] > ' ' && name.text[i] < 0x7f);
    return name;
}

struct test_name test_stream_of(struct test_instance *test, const char *table)
{
    TEST_CALL(call, OTS_ACTION_LIST_STREAMS);
    call.request.list_streams.table = ots_slice_str(table);
    test_call_ok(test, &call);
    const struct ots_list_streams_response *listed = &call.response.list_streams;
    assert_int_equal(listed->count, 1);
    assert_true(ots_slice_equal(listed->streams[0].table, ots_slice_str(table)));
    assert_true(listed->streams[0].created_us > 0);
    return name_of(listed->streams[0].id);
}

size_t test_shards_of(struct test_instance *test, const struct test_name *stream,
                      struct test_shard shards[TEST_SHARDS_MAX])
{
    size_t count = 0;
    struct test_name next = {""};
    do {
        TEST_CALL(call, OTS_ACTION_DESCRIBE_STREAM);
        call.request.describe_stream.stream = test_name_slice(stream);
        call.request.describe_stream.accepts_timeseries = true;
        call.request.describe_stream.shard_limit = 1;
        call.request.describe_stream.first_shard = test_name_slice(&next);
        test_call_ok(test, &call);
        const struct ots_describe_stream_response *described = &call.response.describe_stream;
        assert_true(described->is_timeseries);
        assert_int_equal(described->status, OTS_STREAM_ACTIVE);
        assert_int_equal(described->shard_count, 1);
        assert_true(count < TEST_SHARDS_MAX);
        shards[count++] = (struct test_shard){name_of(described->shards[0].id),
                                              name_of(described->shards[0].parent),
                                              name_of(described->shards[0].sibling)};
        next = name_of(described->next_shard);
    } while (next.text[0]);
    return count;
}

struct test_shard test_only_shard(struct test_instance *test, const struct test_name *stream)
{
    struct test_shard shards[TEST_SHARDS_MAX];
    assert_int_equal(test_shards_of(test, stream, shards), 1);
    assert_string_equal(shards[0].parent.text, "");
    assert_string_equal(shards[0].sibling.text, "");
    return shards[0];
}

static struct test_name iterator(struct test_instance *test, struct ots_call *call,
                                 const struct test_name *stream, const struct test_name *shard)
{
    call->request.shard_iterator.stream = test_name_slice(stream);
    call->request.shard_iterator.shard = test_name_slice(shard);
    test_call_ok(test, call);
    assert_int_equal(call->response.shard_iterator.next_token.size, 0);
    return name_of(call->response.shard_iterator.iterator);
}

struct test_name test_iterator(struct test_instance *test, const struct test_name *stream,
                               const struct test_name *shard)
{
    TEST_CALL(call, OTS_ACTION_SHARD_ITERATOR);
    return iterator(test, &call, stream, shard);
}

struct test_name test_iterator_at(struct test_instance *test, const struct test_name *stream,
                                  const struct test_name *shard, int64_t time_us)
{
    TEST_CALL(call, OTS_ACTION_SHARD_ITERATOR);
    call.request.shard_iterator.has_timestamp = true;
    call.request.shard_iterator.timestamp_us = time_us;
    return iterator(test, &call, stream, shard);
}

size_t test_read_records(struct test_instance *test, struct test_name *at, int32_t limit,
                         struct test_record *records, size_t count_max)
{
    TEST_CALL(call, OTS_ACTION_STREAM_RECORDS);
    call.request.stream_records.iterator = test_name_slice(at);
    call.request.stream_records.limit = limit;
    test_call_ok(test, &call);
    const struct ots_stream_records_response *page = &call.response.stream_records;
    assert_true(page->has_may_more);
    assert_true(page->count <= count_max);
    assert_true(page->count || !page->may_more);
    for (size_t i = 0; i < page->count; i++) {
        const struct ots_stream_record *record = &page->records[i];
        assert_int_equal(record->type, OTS_CHANGE_PUT);
        assert_int_equal(record->sequence.epoch, 0);
        assert_int_equal(record->row.field_count, 1);
        records[i] = (struct test_record){record->sequence.timestamp_us, record->sequence.row_index,
                                          record->row.time_us, record->row.fields[0].value.integer};
        assert_true(i == 0 || test_record_before(&records[i - 1], &records[i]));
    }
    *at = name_of(page->next_iterator);
    assert_true(at->text[0] || !page->may_more);
    return page->count;
}

size_t test_read_all(struct test_instance *test, struct test_name *at, struct test_record *records,
                     size_t count_max)
{
    size_t count = 0;
    size_t page = 1;
    while (at->text[0] && page) {
        page = test_read_records(test, at, 0, records + count, count_max - count);
        assert_true(!count || !page || test_record_before(&records[count - 1], &records[count]));
        count += page;
    }
    return count;
}

void test_read_refused(struct test_instance *test, const struct test_name *at, const char *code)
{
    TEST_CALL(call, OTS_ACTION_STREAM_RECORDS);
    call.request.stream_records.iterator = test_name_slice(at);
    test_call_refused(test, &call, code);
}

bool test_record_before(const struct test_record *a, const struct test_record *b)
{
    return a->commit_us < b->commit_us ||
           (a->commit_us == b->commit_us && a->row_index + 1 == b->row_index);
}

void test_put_number(struct test_instance *test, const char *table, const char *host,
                     int64_t number)
{
    test_put_one(test, table, "cpu", host, number, number);
}

void test_put_numbers(struct test_instance *test, const char *table, int64_t first, size_t count,
                      unsigned hosts)
{
    struct ots_row rows[OTS_PUT_ROWS_MAX];
    assert_true(count <= OTS_PUT_ROWS_MAX);
    for (size_t i = 0; i < count; i++) {
        char host[16];
        snprintf(host, sizeof(host), "h%u", (unsigned)(i % hosts));
        rows[i] =
            test_row(test, test_key(test, "cpu", host), first + (int64_t)i, first + (int64_t)i);
    }
    test_put(test, table, rows, count);
}
