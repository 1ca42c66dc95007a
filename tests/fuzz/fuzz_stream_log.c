/*
 * What a stream keeps and hands out. First byte 0: a log record as it is stored; what is read of it
 * is written again and read as the same. Otherwise the name of a stream, a shard or a position,
 * which has one spelling.
 */
#include "backend/server/stream_codec.h"
#include "backend/server/stream_names.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Copies every row that can be read. */
static void copy_rows(struct ots_slice record, struct ots_buf *copy)
{
    struct ots_log_reader reader = {record, 0};
    uint64_t before = 0;
    while (ots_log_reader_has_row(&reader)) {
        struct ots_log_row row;
        struct ots_error err;
        enum ots_status status = ots_log_read(&reader, &row, &err);
        assert(status == OTS_OK || status == OTS_CORRUPT);
        if (status != OTS_OK)
            return;
        assert(row.time_us >= 0);
        ots_log_row_append(copy, &row, before);
        before = row.timeline;
    }
}

static void check_record(struct ots_slice record)
{
    struct ots_buf copy = OTS_BUF_INIT;
    struct ots_buf again = OTS_BUF_INIT;
    copy_rows(record, &copy);
    copy_rows(ots_buf_slice(&copy), &again);
    assert(ots_slice_equal(ots_buf_slice(&copy), ots_buf_slice(&again)));
    ots_buf_deinit(&copy);
    ots_buf_deinit(&again);
}

static void check_name(struct ots_slice name)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_error err;
    struct ots_slice back = name;
    struct ots_stream_position position;
    uint32_t table = 0;
    uint32_t shard = 0;
    enum ots_status status = ots_stream_id_parse(name, &table, &err);
    assert(status == OTS_OK || status == OTS_INVALID);
    if (ots_shard_id_parse(name, &table, &shard, &err) == OTS_OK)
        status = ots_shard_id(table, shard, &arena, &back, &err);
    else if (ots_shard_iterator_parse(name, &position, &err) == OTS_OK)
        status = ots_shard_iterator(&position, &arena, &back, &err);
    assert(status == OTS_OK || status == OTS_INVALID);
    assert(ots_slice_equal(back, name));
    ots_arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return -1;
    struct ots_slice rest = ots_slice(data + 1, size - 1);
    if (data[0] == 0)
        check_record(rest);
    else
        check_name(rest);
    return 0;
}
