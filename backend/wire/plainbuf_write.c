#include "backend/wire/plainbuf.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "backend/wire/crc.h"
#include "backend/wire/plainbuf_tags.h"

/* What a cell needs at most beside its name and its string: nine tags, two lengths, type,
 * operation, timestamp, checksum. */
enum { CELL_BYTES_EXTRA = 64 };

static uint8_t *put_u32(uint8_t *to, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
    return to + 4;
}

static uint8_t *put_u64(uint8_t *to, uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        to[i] = (uint8_t)(value >> (8 * i));
    return to + 8;
}

static uint8_t *put_slice(uint8_t *to, struct ots_slice slice)
{
    assert(slice.size <= UINT32_MAX - CELL_BYTES_EXTRA);
    to = put_u32(to, (uint32_t)slice.size);
    if (slice.size)
        memcpy(to, slice.data, slice.size);
    return to + slice.size;
}

static bool holds_bytes(const struct ots_cell *cell)
{
    return cell->type == OTS_CELL_STRING || cell->type == OTS_CELL_BLOB;
}

/* The type byte and what follows it: just the bytes that the checksum covers. */
static uint8_t *put_value(uint8_t *to, const struct ots_cell *cell)
{
    uint64_t bits;
    *to++ = (uint8_t)cell->type;
    switch (cell->type) {
    case OTS_CELL_INTEGER:
        return put_u64(to, (uint64_t)cell->integer);
    case OTS_CELL_DOUBLE:
        memcpy(&bits, &cell->real, sizeof(bits));
        return put_u64(to, bits);
    case OTS_CELL_BOOLEAN:
        *to++ = cell->boolean;
        return to;
    case OTS_CELL_STRING:
    case OTS_CELL_BLOB:
        return put_slice(to, cell->bytes);
    case OTS_CELL_INF_MIN:
    case OTS_CELL_INF_MAX:
    case OTS_CELL_AUTO_INCREMENT:
        return to;
    case OTS_CELL_NULL:
    case OTS_CELL_NO_VALUE:
        break;
    }
    abort(); /* not on the wire */
}

/* The operation stands before the timestamp but is hashed after it. */
static uint8_t *put_operation_and_timestamp(uint8_t *to, const struct ots_cell *cell, uint8_t *crc)
{
    uint8_t operation = (uint8_t)cell->operation;
    if (operation) {
        *to++ = TAG_CELL_TYPE;
        *to++ = operation;
    }
    if (cell->has_timestamp) {
        *to++ = TAG_CELL_TIMESTAMP;
        uint8_t *timestamp = to;
        to = put_u64(to, (uint64_t)cell->timestamp_ms);
        *crc = ots_crc8(*crc, timestamp, 8);
    }
    if (operation)
        *crc = ots_crc8(*crc, &operation, 1);
    return to;
}

void ots_plainbuf_cell_append(struct ots_plainbuf_writer *writer, const struct ots_cell *cell)
{
    size_t bytes = holds_bytes(cell) ? cell->bytes.size : 0;
    uint8_t *start = ots_buf_reserve(writer->buf, CELL_BYTES_EXTRA + cell->name.size + bytes);
    if (!start)
        return;
    uint8_t *to = start;
    *to++ = TAG_CELL;
    *to++ = TAG_CELL_NAME;
    to = put_slice(to, cell->name);
    uint8_t crc = ots_crc8(0, to - cell->name.size, cell->name.size);
    if (cell->type != OTS_CELL_NO_VALUE) {
        *to++ = TAG_CELL_VALUE;
        uint8_t *value = to + 4;
        uint8_t *end = put_value(value, cell);
        put_u32(to, (uint32_t)(end - value));
        crc = ots_crc8(crc, value, (size_t)(end - value));
        to = end;
    }
    to = put_operation_and_timestamp(to, cell, &crc);
    *to++ = TAG_CELL_CHECKSUM;
    *to++ = crc;
    writer->row_crc = ots_crc8(writer->row_crc, &crc, 1);
    ots_buf_advance(writer->buf, (size_t)(to - start));
}

static uint32_t get_u32(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

size_t ots_plainbuf_cell_end(const struct ots_buf *buf, size_t offset)
{
    size_t name = offset + 2;
    size_t value = name + 4 + get_u32(buf->data + name) + 1;
    return value + 4 + get_u32(buf->data + value) + 2;
}

/*
 * The checksum is linear: what the number contributes to it depends neither on the name before it
 * nor on what else the number might be, so the change of the one is the change of the other.
 */
size_t ots_plainbuf_cell_repeat(struct ots_plainbuf_writer *writer, size_t offset, uint64_t bits)
{
    struct ots_buf *buf = writer->buf;
    size_t end = ots_plainbuf_cell_end(buf, offset);
    size_t size = end - offset;
    uint8_t *start = ots_buf_reserve(buf, size);
    if (!start)
        return end;
    const uint8_t *cell = buf->data + offset;
    const size_t number = size - 2 - sizeof(bits);
    uint64_t change;
    bits = htole64(bits);
    memcpy(&change, cell + number, sizeof(change));
    change ^= bits;
    const uint8_t crc = cell[size - 1] ^ ots_crc8(0, &change, sizeof(change));
    memcpy(start, cell, number);
    memcpy(start + number, &bits, sizeof(bits));
    start[size - 2] = TAG_CELL_CHECKSUM;
    start[size - 1] = crc;
    writer->row_crc = ots_crc8(writer->row_crc, &crc, 1);
    ots_buf_advance(buf, size);
    return end;
}

void ots_plainbuf_header_append(struct ots_buf *buf)
{
    ots_buf_append_u32le(buf, PLAINBUF_HEADER);
}

void ots_plainbuf_row_begin(struct ots_plainbuf_writer *writer, struct ots_buf *buf)
{
    *writer = (struct ots_plainbuf_writer){buf, 0};
    ots_buf_append_byte(buf, TAG_ROW_KEY);
}

void ots_plainbuf_data_begin(struct ots_plainbuf_writer *writer)
{
    ots_buf_append_byte(writer->buf, TAG_ROW_DATA);
}

static void sequence_append(struct ots_buf *buf, const struct ots_sequence *sequence)
{
    uint8_t bytes[5 + EXTENSION_BYTES];
    uint8_t *to = bytes;
    *to++ = TAG_EXTENSION;
    to = put_u32(to, EXTENSION_BYTES);
    *to++ = TAG_SEQUENCE;
    to = put_u32(to, SEQUENCE_BYTES);
    *to++ = TAG_SEQUENCE_EPOCH;
    to = put_u32(to, sequence->epoch);
    *to++ = TAG_SEQUENCE_TIME;
    to = put_u64(to, (uint64_t)sequence->timestamp_us);
    *to++ = TAG_SEQUENCE_ROW_INDEX;
    to = put_u32(to, sequence->row_index);
    ots_buf_append(buf, bytes, (size_t)(to - bytes));
}

void ots_plainbuf_row_end(struct ots_plainbuf_writer *writer, bool is_delete,
                          const struct ots_sequence *sequence)
{
    uint8_t marker = is_delete;
    if (is_delete)
        ots_buf_append_byte(writer->buf, TAG_DELETE_ROW);
    if (sequence)
        sequence_append(writer->buf, sequence);
    const uint8_t end[] = {TAG_ROW_CHECKSUM, ots_crc8(writer->row_crc, &marker, 1)};
    ots_buf_append(writer->buf, end, sizeof(end));
}

void ots_plainbuf_row_append(struct ots_buf *buf, const struct ots_plain_row *row)
{
    struct ots_plainbuf_writer writer;
    ots_plainbuf_row_begin(&writer, buf);
    for (size_t i = 0; i < row->key_count; i++)
        ots_plainbuf_cell_append(&writer, &row->key[i]);
    if (row->cell_count)
        ots_plainbuf_data_begin(&writer);
    for (size_t i = 0; i < row->cell_count; i++)
        ots_plainbuf_cell_append(&writer, &row->cells[i]);
    ots_plainbuf_row_end(&writer, row->is_delete, row->has_sequence ? &row->sequence : NULL);
}
