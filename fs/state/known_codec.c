#include "fs/state/known_codec.h"

#include <endian.h>

/* What an entry's first byte says. */
enum { HAS_MEASUREMENT = 1, HAS_FILE = 2 };

static bool take_bytes(struct ots_slice *data, size_t size, struct ots_slice *out)
{
    if (data->size < size)
        return false;
    *out = ots_slice(data->data, size);
    *data = ots_slice(data->data + size, data->size - size);
    return true;
}

static bool take_u64(struct ots_slice *data, uint64_t *value)
{
    struct ots_slice bytes;
    if (!take_bytes(data, sizeof(*value), &bytes))
        return false;
    memcpy(value, bytes.data, sizeof(*value));
    *value = le64toh(*value);
    return true;
}

static bool take_i64(struct ots_slice *data, int64_t *value)
{
    uint64_t bits;
    if (!take_u64(data, &bits))
        return false;
    *value = (int64_t)bits;
    return true;
}

static bool take_u32(struct ots_slice *data, uint32_t *value)
{
    struct ots_slice bytes;
    if (!take_bytes(data, sizeof(*value), &bytes))
        return false;
    memcpy(value, bytes.data, sizeof(*value));
    *value = le32toh(*value);
    return true;
}

static void append_sized(struct ots_buf *out, struct ots_slice bytes)
{
    ots_buf_append_u32le(out, (uint32_t)bytes.size);
    ots_buf_append_slice(out, bytes);
}

static bool take_sized(struct ots_slice *data, struct ots_slice *out)
{
    uint32_t size;
    return take_u32(data, &size) && take_bytes(data, size, out);
}

void ots_known_encode_timeline(struct ots_buf *out, const struct ots_known_timeline *timeline)
{
    ots_buf_append_u64le(out, timeline->size_bytes);
    ots_buf_append_u64le(out, timeline->row_count);
    ots_buf_append_u64le(out, (uint64_t)timeline->first_time_us);
    ots_buf_append_u64le(out, (uint64_t)timeline->last_time_us);
    ots_buf_append_u64le(out, timeline->hash);
    ots_buf_append_u64le(out, (uint64_t)timeline->mtime_ns);
    ots_buf_append_u64le(out, (uint64_t)timeline->seen_us);
    ots_buf_append_u32le(out, timeline->flags);
    ots_buf_append_slice(out, timeline->key);
}

bool ots_known_decode_timeline(struct ots_slice data, struct ots_known_timeline *timeline)
{
    bool is_whole =
        take_u64(&data, &timeline->size_bytes) && take_u64(&data, &timeline->row_count) &&
        take_i64(&data, &timeline->first_time_us) && take_i64(&data, &timeline->last_time_us) &&
        take_u64(&data, &timeline->hash) && take_i64(&data, &timeline->mtime_ns) &&
        take_i64(&data, &timeline->seen_us) && take_u32(&data, &timeline->flags);
    timeline->key = data;
    return is_whole;
}

void ots_known_encode_shard(struct ots_buf *out, const struct ots_known_shard *shard)
{
    append_sized(out, shard->parent);
    append_sized(out, shard->sibling);
    append_sized(out, shard->iterator);
    ots_buf_append_byte(out, shard->is_ended);
}

bool ots_known_decode_shard(struct ots_slice data, struct ots_known_shard *shard)
{
    struct ots_slice is_ended;
    if (!take_sized(&data, &shard->parent) || !take_sized(&data, &shard->sibling) ||
        !take_sized(&data, &shard->iterator) || !take_bytes(&data, 1, &is_ended))
        return false;
    shard->is_ended = is_ended.data[0] == 1;
    return data.size == 0 && is_ended.data[0] <= 1;
}

void ots_known_encode_entry(struct ots_buf *out, const struct ots_known_entry *entry,
                            const struct ots_known_entry *before)
{
    uint8_t has = 0;
    if (!before || !ots_slice_equal(entry->measurement, before->measurement))
        has |= HAS_MEASUREMENT;
    if (!before || !ots_slice_equal(entry->file, before->file))
        has |= HAS_FILE;
    ots_buf_append_byte(out, has);
    if (has & HAS_MEASUREMENT)
        append_sized(out, entry->measurement);
    if (has & HAS_FILE)
        append_sized(out, entry->file);
    ots_buf_append_u64le(out, (uint64_t)entry->time_us);
    ots_buf_append_u64le(out, entry->hash);
    ots_buf_append_u32le(out, entry->size_bytes);
    ots_buf_append_u32le(out, entry->flags);
}

bool ots_known_decode_entry(struct ots_slice *data, struct ots_known_entry *entry)
{
    struct ots_slice has;
    if (!take_bytes(data, 1, &has) || has.data[0] & ~(HAS_MEASUREMENT | HAS_FILE))
        return false;
    if (has.data[0] & HAS_MEASUREMENT && !take_sized(data, &entry->measurement))
        return false;
    if (has.data[0] & HAS_FILE && !take_sized(data, &entry->file))
        return false;
    return take_i64(data, &entry->time_us) && take_u64(data, &entry->hash) &&
           take_u32(data, &entry->size_bytes) && take_u32(data, &entry->flags);
}
