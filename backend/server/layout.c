#include "backend/server/layout.h"

enum { PART_ESCAPE = 0x00, PART_ZERO = 0xff, PART_END = 0x01 };

void ots_layout_put_u32(uint8_t *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof(value));
}

void ots_layout_put_u64(uint8_t *at, uint64_t value)
{
    value = __builtin_bswap64(value);
    memcpy(at, &value, sizeof(value));
}

uint32_t ots_layout_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return __builtin_bswap32(value);
}

uint64_t ots_layout_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return __builtin_bswap64(value);
}

struct ots_slice ots_layout_table_prefix(uint8_t *key, enum ots_space space, uint32_t table)
{
    key[0] = (uint8_t)space;
    ots_layout_put_u32(key + 1, table);
    return ots_slice(key, OTS_TABLE_PREFIX_BYTES);
}

struct ots_slice ots_layout_timeline(uint8_t *key, enum ots_space space, uint32_t table,
                                     uint64_t timeline)
{
    ots_layout_table_prefix(key, space, table);
    ots_layout_put_u64(key + OTS_TABLE_PREFIX_BYTES, timeline);
    return ots_slice(key, OTS_TIMELINE_PREFIX_BYTES);
}

struct ots_slice ots_layout_row(uint8_t *key, uint32_t table, uint64_t timeline, int64_t time_us)
{
    ots_layout_timeline(key, OTS_SPACE_ROW, table, timeline);
    /* Times are never negative, so their unsigned form keeps the order. */
    ots_layout_put_u64(key + OTS_TIMELINE_PREFIX_BYTES, (uint64_t)time_us);
    return ots_slice(key, OTS_ROW_KEY_BYTES);
}

struct ots_slice ots_layout_shard(uint8_t *key, uint32_t table, uint32_t shard)
{
    ots_layout_table_prefix(key, OTS_SPACE_SHARD, table);
    ots_layout_put_u32(key + OTS_TABLE_PREFIX_BYTES, shard);
    return ots_slice(key, OTS_SHARD_KEY_BYTES);
}

struct ots_slice ots_layout_log(uint8_t *key, uint32_t table, uint32_t shard, int64_t time_us)
{
    ots_layout_table_prefix(key, OTS_SPACE_LOG, table);
    ots_layout_put_u32(key + OTS_TABLE_PREFIX_BYTES, shard);
    ots_layout_put_u64(key + OTS_SHARD_KEY_BYTES, (uint64_t)time_us);
    return ots_slice(key, OTS_LOG_KEY_BYTES);
}

/* The first key behind all that start with `prefix`. Its first byte is a space, never FF. */
static size_t successor(uint8_t *prefix, size_t size)
{
    while (prefix[size - 1] == 0xff)
        size--;
    prefix[size - 1]++;
    return size;
}

void ots_layout_table_range(struct ots_key_range *range, enum ots_space space, uint32_t table)
{
    range->begin_size = ots_layout_table_prefix(range->begin, space, table).size;
    range->end_size = ots_layout_table_prefix(range->end, space, table).size;
    range->end_size = successor(range->end, range->end_size);
}

void ots_layout_timelines_range(struct ots_key_range *range, enum ots_space space, uint32_t table,
                                uint64_t first, uint64_t last)
{
    range->begin_size = ots_layout_timeline(range->begin, space, table, first).size;
    range->end_size = ots_layout_timeline(range->end, space, table, last).size;
    range->end_size = successor(range->end, range->end_size);
}

enum ots_status ots_layout_key_timeline(struct ots_slice key, uint64_t *timeline,
                                        struct ots_error *err)
{
    if (key.size < OTS_TIMELINE_PREFIX_BYTES)
        return ots_error_set(err, OTS_CORRUPT, "the store holds a key of %zu bytes", key.size);
    *timeline = ots_layout_u64(key.data + OTS_TABLE_PREFIX_BYTES);
    return OTS_OK;
}

enum ots_status ots_layout_row_parse(struct ots_slice key, uint64_t *timeline, int64_t *time_us,
                                     struct ots_error *err)
{
    if (key.size < OTS_ROW_KEY_BYTES)
        return ots_error_set(err, OTS_CORRUPT, "the store holds a row key of %zu bytes", key.size);
    *timeline = ots_layout_u64(key.data + OTS_TABLE_PREFIX_BYTES);
    *time_us = (int64_t)ots_layout_u64(key.data + OTS_TIMELINE_PREFIX_BYTES);
    return OTS_OK;
}

enum ots_status ots_layout_shard_parse(struct ots_slice key, uint32_t *shard, struct ots_error *err)
{
    if (key.size != OTS_SHARD_KEY_BYTES)
        return ots_error_set(err, OTS_CORRUPT, "the store holds a shard key of %zu bytes",
                             key.size);
    *shard = ots_layout_u32(key.data + OTS_TABLE_PREFIX_BYTES);
    return OTS_OK;
}

enum ots_status ots_layout_log_parse(struct ots_slice key, int64_t *time_us, struct ots_error *err)
{
    if (key.size != OTS_LOG_KEY_BYTES)
        return ots_error_set(err, OTS_CORRUPT, "the store holds a log key of %zu bytes", key.size);
    *time_us = (int64_t)ots_layout_u64(key.data + OTS_SHARD_KEY_BYTES);
    return OTS_OK;
}

void ots_layout_integer_append(struct ots_buf *buf, int64_t integer)
{
    uint8_t bytes[sizeof(uint64_t)];
    ots_layout_put_u64(bytes, (uint64_t)integer ^ UINT64_C(1) << 63);
    ots_buf_append(buf, bytes, sizeof(bytes));
}

void ots_layout_part_append(struct ots_buf *buf, struct ots_slice part)
{
    while (part.size) {
        const uint8_t *zero = memchr(part.data, 0, part.size);
        size_t plain = zero ? (size_t)(zero - part.data) : part.size;
        ots_buf_append(buf, part.data, plain);
        if (!zero)
            return;
        ots_buf_append_byte(buf, PART_ESCAPE);
        ots_buf_append_byte(buf, PART_ZERO);
        part = ots_slice(part.data + plain + 1, part.size - plain - 1);
    }
}

void ots_layout_part_end_append(struct ots_buf *buf)
{
    ots_buf_append_byte(buf, PART_ESCAPE);
    ots_buf_append_byte(buf, PART_END);
}

static void whole_part_append(struct ots_buf *buf, struct ots_slice part)
{
    ots_layout_part_append(buf, part);
    ots_layout_part_end_append(buf);
}

void ots_layout_series_append(struct ots_buf *buf, const struct ots_series_key *key)
{
    whole_part_append(buf, key->measurement);
    whole_part_append(buf, key->data_source);
    for (size_t i = 0; i < key->tag_count; i++) {
        whole_part_append(buf, key->tags[i].name);
        whole_part_append(buf, key->tags[i].value);
    }
}

static enum ots_status series_corrupt(struct ots_error *err)
{
    return ots_error_set(err, OTS_CORRUPT, "the store holds a malformed series key");
}

/* Find the end of the part that starts at `*offset`; `*zero_count` are its escaped zeros. */
static bool part_scan(struct ots_slice series, size_t *offset, struct ots_slice *raw,
                      size_t *zero_count)
{
    size_t start = *offset;
    *zero_count = 0;
    for (size_t at = start; at + 1 < series.size; at++) {
        if (series.data[at] != PART_ESCAPE)
            continue;
        uint8_t what = series.data[at + 1];
        if (what == PART_END) {
            *raw = ots_slice(series.data + start, at - start);
            *offset = at + 2;
            return true;
        }
        if (what != PART_ZERO)
            return false;
        (*zero_count)++;
        at++;
    }
    return false;
}

enum ots_status ots_layout_measurement_prefix(struct ots_slice series, struct ots_slice *prefix,
                                              struct ots_error *err)
{
    size_t offset = 0;
    size_t zero_count = 0;
    struct ots_slice raw;
    if (!part_scan(series, &offset, &raw, &zero_count))
        return series_corrupt(err);
    *prefix = ots_slice(series.data, offset);
    return OTS_OK;
}

/* Read the next part out of `series`, which lives in the arena already. */
static enum ots_status part_decode(struct ots_slice series, size_t *offset, struct ots_arena *arena,
                                   struct ots_slice *part, struct ots_error *err)
{
    struct ots_slice raw;
    size_t zero_count = 0;
    if (!part_scan(series, offset, &raw, &zero_count))
        return series_corrupt(err);
    *part = raw;
    if (zero_count == 0)
        return OTS_OK;
    uint8_t *copy = ots_arena_alloc(arena, raw.size);
    if (!copy)
        return ots_error_set(err, OTS_NOMEM, "no memory for a series key");
    size_t size = 0;
    for (size_t i = 0; i < raw.size; i++) {
        copy[size++] = raw.data[i];
        i += raw.data[i] == PART_ESCAPE;
    }
    *part = ots_slice(copy, size);
    return OTS_OK;
}

static size_t part_count(struct ots_slice series)
{
    size_t count = 0;
    size_t zero_count = 0;
    struct ots_slice raw;
    for (size_t offset = 0; offset < series.size; count++)
        if (!part_scan(series, &offset, &raw, &zero_count))
            return 0;
    return count;
}

enum ots_status ots_layout_series_decode(struct ots_slice series, struct ots_arena *arena,
                                         struct ots_series_key *key, struct ots_error *err)
{
    size_t parts = part_count(series);
    if (parts < 2 || parts % 2 != 0)
        return series_corrupt(err);
    size_t tag_count = parts / 2 - 1;
    struct ots_tag *tags = NULL;
    if (tag_count) {
        tags = ots_arena_array(arena, tag_count, sizeof(*tags));
        if (!tags)
            return ots_error_set(err, OTS_NOMEM, "no memory for a series key");
    }
    struct ots_slice own;
    enum ots_status status = ots_arena_copy(arena, series, &own);
    if (status != OTS_OK)
        return ots_error_set(err, status, "no memory for a series key");
    size_t offset = 0;
    status = part_decode(own, &offset, arena, &key->measurement, err);
    if (status == OTS_OK)
        status = part_decode(own, &offset, arena, &key->data_source, err);
    for (size_t i = 0; i < tag_count && status == OTS_OK; i++) {
        status = part_decode(own, &offset, arena, &tags[i].name, err);
        if (status == OTS_OK)
            status = part_decode(own, &offset, arena, &tags[i].value, err);
    }
    key->tags = tags;
    key->tag_count = tag_count;
    return status;
}
