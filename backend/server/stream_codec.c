#include "backend/server/stream_codec.h"

#include "backend/server/layout.h"

enum { TIME_BYTES = 8, VARINT_BYTES_MAX = 5, HEAD_BYTES_MAX = 3 * VARINT_BYTES_MAX + TIME_BYTES };

static uint8_t *put_varint(uint8_t *at, uint32_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

void ots_log_row_append(struct ots_buf *buf, const struct ots_log_row *row, uint64_t before)
{
    uint8_t *start = ots_buf_reserve(buf, HEAD_BYTES_MAX + row->value.size);
    if (!start)
        return;
    uint8_t *at = start;
    if (row->timeline == before) {
        *at++ = 0;
    } else {
        at = put_varint(at, ots_timeline_measurement(row->timeline));
        at = put_varint(at, ots_timeline_ordinal(row->timeline));
    }
    uint64_t time = (uint64_t)row->time_us;
    for (size_t i = 0; i < TIME_BYTES; i++)
        *at++ = (uint8_t)(time >> (8 * i));
    at = put_varint(at, (uint32_t)row->value.size);
    if (row->value.size)
        memcpy(at, row->value.data, row->value.size);
    ots_buf_advance(buf, (size_t)(at - start) + row->value.size);
}

static bool take_varint(struct ots_slice *rest, uint32_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < VARINT_BYTES_MAX && i < rest->size; i++) {
        sum |= (uint64_t)(rest->data[i] & 0x7f) << (7 * i);
        if (rest->data[i] < 0x80) {
            *rest = ots_slice(rest->data + i + 1, rest->size - i - 1);
            *value = (uint32_t)sum;
            return sum <= UINT32_MAX;
        }
    }
    return false;
}

static bool take_timeline(struct ots_log_reader *reader)
{
    uint32_t measurement = 0;
    uint32_t ordinal = 0;
    if (!take_varint(&reader->rest, &measurement))
        return false;
    if (measurement == 0)
        return reader->timeline != 0;
    if (!take_varint(&reader->rest, &ordinal))
        return false;
    reader->timeline = ots_timeline_id(measurement, ordinal);
    return true;
}

static bool take_time(struct ots_slice *rest, int64_t *time_us)
{
    uint64_t time = 0;
    if (rest->size < TIME_BYTES)
        return false;
    for (size_t i = 0; i < TIME_BYTES; i++)
        time |= (uint64_t)rest->data[i] << (8 * i);
    *rest = ots_slice(rest->data + TIME_BYTES, rest->size - TIME_BYTES);
    *time_us = (int64_t)time;
    return time <= INT64_MAX;
}

enum ots_status ots_log_read(struct ots_log_reader *reader, struct ots_log_row *row,
                             struct ots_error *err)
{
    uint32_t size = 0;
    if (!take_timeline(reader) || !take_time(&reader->rest, &row->time_us) ||
        !take_varint(&reader->rest, &size) || size > reader->rest.size)
        return ots_error_set(err, OTS_CORRUPT, "the store holds a malformed stream record");
    row->timeline = reader->timeline;
    row->value = ots_slice(reader->rest.data, size);
    reader->rest = ots_slice(reader->rest.data + size, reader->rest.size - size);
    return OTS_OK;
}
