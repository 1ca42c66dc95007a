#include "fs/state/known_codec.h"

#include "backend/base/take.h"

/* What an entry's first byte says. */
enum { HAS_MEASUREMENT = 1, HAS_FILE = 2 };

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
        ots_take_u64le(&data, &timeline->size_bytes) &&
        ots_take_u64le(&data, &timeline->row_count) &&
        ots_take_i64le(&data, &timeline->first_time_us) &&
        ots_take_i64le(&data, &timeline->last_time_us) && ots_take_u64le(&data, &timeline->hash) &&
        ots_take_i64le(&data, &timeline->mtime_ns) && ots_take_i64le(&data, &timeline->seen_us) &&
        ots_take_u32le(&data, &timeline->flags);
    timeline->key = data;
    return is_whole;
}

void ots_known_encode_shard(struct ots_buf *out, const struct ots_known_shard *shard)
{
    ots_buf_append_sized(out, shard->parent);
    ots_buf_append_sized(out, shard->sibling);
    ots_buf_append_sized(out, shard->iterator);
    ots_buf_append_byte(out, shard->is_ended);
}

bool ots_known_decode_shard(struct ots_slice data, struct ots_known_shard *shard)
{
    struct ots_slice is_ended;
    if (!ots_take_sized(&data, &shard->parent) || !ots_take_sized(&data, &shard->sibling) ||
        !ots_take_sized(&data, &shard->iterator) || !ots_take_bytes(&data, 1, &is_ended))
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
        ots_buf_append_sized(out, entry->measurement);
    if (has & HAS_FILE)
        ots_buf_append_sized(out, entry->file);
    ots_buf_append_u64le(out, (uint64_t)entry->time_us);
    ots_buf_append_u64le(out, entry->hash);
    ots_buf_append_u32le(out, entry->size_bytes);
    ots_buf_append_u32le(out, entry->flags);
}

bool ots_known_decode_entry(struct ots_slice *data, struct ots_known_entry *entry)
{
    struct ots_slice has;
    if (!ots_take_bytes(data, 1, &has) || has.data[0] & ~(HAS_MEASUREMENT | HAS_FILE))
        return false;
    if (has.data[0] & HAS_MEASUREMENT && !ots_take_sized(data, &entry->measurement))
        return false;
    if (has.data[0] & HAS_FILE && !ots_take_sized(data, &entry->file))
        return false;
    return ots_take_i64le(data, &entry->time_us) && ots_take_u64le(data, &entry->hash) &&
           ots_take_u32le(data, &entry->size_bytes) && ots_take_u32le(data, &entry->flags);
}
