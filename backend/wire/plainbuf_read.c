#include "backend/wire/plainbuf.h"

#include <stdlib.h>

#include "backend/wire/crc.h"
#include "backend/wire/plainbuf_tags.h"

enum { CELLS_MIN = 16 };

/* Where reading stands; `fault` says why it cannot go on, NULL while it can. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
    const char *fault;
};

static bool fail(struct cursor *cursor, const char *fault)
{
    cursor->fault = fault;
    return false;
}

static size_t left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

static uint32_t load_u32(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static uint64_t load_u64(const uint8_t *from)
{
    return (uint64_t)load_u32(from) | (uint64_t)load_u32(from + 4) << 32;
}

static bool at_tag(const struct cursor *cursor, uint8_t tag)
{
    return cursor->at < cursor->end && *cursor->at == tag;
}

static bool skip_tag(struct cursor *cursor, uint8_t tag)
{
    if (!at_tag(cursor, tag))
        return false;
    cursor->at++;
    return true;
}

static bool read_u32(struct cursor *cursor, uint32_t *value)
{
    if (left(cursor) < 4)
        return fail(cursor, "cut short");
    *value = load_u32(cursor->at);
    cursor->at += 4;
    return true;
}

static bool read_u64(struct cursor *cursor, uint64_t *value)
{
    if (left(cursor) < 8)
        return fail(cursor, "cut short");
    *value = load_u64(cursor->at);
    cursor->at += 8;
    return true;
}

static bool read_byte(struct cursor *cursor, uint8_t *value)
{
    if (!left(cursor))
        return fail(cursor, "cut short");
    *value = *cursor->at++;
    return true;
}

static bool read_slice(struct cursor *cursor, struct ots_slice *slice)
{
    uint32_t size;
    if (!read_u32(cursor, &size))
        return false;
    if (left(cursor) < size)
        return fail(cursor, "a length beyond the end");
    *slice = ots_slice(cursor->at, size);
    cursor->at += size;
    return true;
}

/* `value` is a cell's value without its type: all of it must be used. */
static bool value_parse(struct cursor *cursor, struct ots_slice value, struct ots_cell *cell)
{
    uint64_t bits;
    switch (cell->type) {
    case OTS_CELL_INTEGER:
        if (value.size != 8)
            break;
        cell->integer = (int64_t)load_u64(value.data);
        return true;
    case OTS_CELL_DOUBLE:
        if (value.size != 8)
            break;
        bits = load_u64(value.data);
        memcpy(&cell->real, &bits, sizeof(bits));
        return true;
    case OTS_CELL_BOOLEAN:
        if (value.size != 1 || value.data[0] > 1)
            break;
        cell->boolean = value.data[0];
        return true;
    case OTS_CELL_STRING:
    case OTS_CELL_BLOB:
        if (value.size < 4 || load_u32(value.data) != value.size - 4)
            break;
        cell->bytes = ots_slice(value.data + 4, value.size - 4);
        return true;
    case OTS_CELL_INF_MIN:
    case OTS_CELL_INF_MAX:
    case OTS_CELL_AUTO_INCREMENT:
        if (value.size != 0)
            break;
        return true;
    case OTS_CELL_NULL:
    case OTS_CELL_NO_VALUE:
        return fail(cursor, "an unknown type of value");
    }
    return fail(cursor, "a value that does not fit its type");
}

static bool type_is_known(uint8_t type)
{
    return type <= OTS_CELL_STRING || type == OTS_CELL_BLOB ||
           (type >= OTS_CELL_INF_MIN && type <= OTS_CELL_AUTO_INCREMENT);
}

static bool read_value(struct cursor *cursor, struct ots_cell *cell, uint8_t *crc)
{
    struct ots_slice value;
    if (!read_slice(cursor, &value))
        return false;
    if (!value.size || !type_is_known(value.data[0]))
        return fail(cursor, "an unknown type of value");
    *crc = ots_crc8(*crc, value.data, value.size);
    cell->type = (enum ots_cell_type)value.data[0];
    return value_parse(cursor, ots_slice(value.data + 1, value.size - 1), cell);
}

static bool read_operation(struct cursor *cursor, struct ots_cell *cell)
{
    uint8_t operation;
    if (!read_byte(cursor, &operation))
        return false;
    if (operation != OTS_CELL_DELETE_ALL_VERSIONS && operation != OTS_CELL_DELETE_ONE_VERSION &&
        operation != OTS_CELL_INCREMENT)
        return fail(cursor, "an unknown operation of a cell");
    cell->operation = (enum ots_cell_operation)operation;
    return true;
}

/* The operation stands before the timestamp but is hashed after it. */
static bool read_operation_and_timestamp(struct cursor *cursor, struct ots_cell *cell, uint8_t *crc)
{
    uint64_t timestamp;
    if (skip_tag(cursor, TAG_CELL_TYPE) && !read_operation(cursor, cell))
        return false;
    if (skip_tag(cursor, TAG_CELL_TIMESTAMP)) {
        if (!read_u64(cursor, &timestamp))
            return false;
        *crc = ots_crc8(*crc, cursor->at - 8, 8);
        cell->has_timestamp = true;
        cell->timestamp_ms = (int64_t)timestamp;
    }
    uint8_t operation = (uint8_t)cell->operation;
    if (operation)
        *crc = ots_crc8(*crc, &operation, 1);
    return true;
}

static bool read_cell(struct cursor *cursor, struct ots_cell *cell, uint8_t *row_crc)
{
    uint8_t checksum;
    memset(cell, 0, sizeof(*cell));
    cell->type = OTS_CELL_NO_VALUE;
    if (!skip_tag(cursor, TAG_CELL_NAME))
        return fail(cursor, "a cell without a name");
    if (!read_slice(cursor, &cell->name))
        return false;
    uint8_t crc = ots_crc8(0, cell->name.data, cell->name.size);
    if (skip_tag(cursor, TAG_CELL_VALUE) && !read_value(cursor, cell, &crc))
        return false;
    if (!read_operation_and_timestamp(cursor, cell, &crc))
        return false;
    if (!skip_tag(cursor, TAG_CELL_CHECKSUM))
        return fail(cursor, "a cell without its checksum");
    if (!read_byte(cursor, &checksum))
        return false;
    if (checksum != crc)
        return fail(cursor, "the wrong checksum of a cell");
    *row_crc = ots_crc8(*row_crc, &crc, 1);
    return true;
}

static bool reserve_cell(struct ots_plainbuf_reader *reader, size_t count)
{
    if (count < reader->cell_capacity)
        return true;
    size_t capacity = reader->cell_capacity ? reader->cell_capacity * 2 : CELLS_MIN;
    size_t bytes;
    if (__builtin_mul_overflow(capacity, sizeof(*reader->cells), &bytes))
        return false;
    struct ots_cell *cells = realloc(reader->cells, bytes);
    if (!cells)
        return false;
    reader->cells = cells;
    reader->cell_capacity = capacity;
    return true;
}

/* Every cell takes at least eight bytes of input, which bounds the array. */
static enum ots_status add_cell(struct ots_plainbuf_reader *reader, struct cursor *cursor,
                                size_t *count, uint8_t *row_crc)
{
    if (!reserve_cell(reader, *count))
        return OTS_NOMEM;
    if (!read_cell(cursor, &reader->cells[*count], row_crc))
        return OTS_CORRUPT;
    ++*count;
    return OTS_OK;
}

static enum ots_status read_cells(struct ots_plainbuf_reader *reader, struct cursor *cursor,
                                  size_t *count, uint8_t *row_crc)
{
    enum ots_status status = OTS_OK;
    while (status == OTS_OK && skip_tag(cursor, TAG_CELL))
        status = add_cell(reader, cursor, count, row_crc);
    return status;
}

/*
 * The cells of a key. Rows of one timeline differ in the last of them, their time, so what comes
 * before it is compared instead of read; `known.count` of reader->cells hold it still.
 */
static enum ots_status read_key(struct ots_plainbuf_reader *reader, struct cursor *cursor,
                                size_t *count, uint8_t *row_crc)
{
    const uint8_t *start = cursor->at;
    struct ots_slice known = reader->known.bytes;
    reader->repeated_count = 0;
    if (reader->known.count && left(cursor) >= known.size &&
        memcmp(start, known.data, known.size) == 0) {
        *count = reader->repeated_count = reader->known.count;
        *row_crc = reader->known.row_crc;
        cursor->at += known.size;
    }
    enum ots_status status = OTS_OK;
    while (status == OTS_OK && skip_tag(cursor, TAG_CELL)) {
        reader->known.bytes = ots_slice(start, (size_t)(cursor->at - 1 - start));
        reader->known.count = *count;
        reader->known.row_crc = *row_crc;
        status = add_cell(reader, cursor, count, row_crc);
    }
    return status;
}

/* An extension has this one form; other contents would be another version of the format. */
static bool read_sequence(struct cursor *cursor, struct ots_sequence *sequence)
{
    uint32_t extension_bytes;
    uint32_t sequence_bytes;
    uint64_t timestamp;
    if (!read_u32(cursor, &extension_bytes))
        return false;
    if (extension_bytes != EXTENSION_BYTES || !skip_tag(cursor, TAG_SEQUENCE))
        return fail(cursor, "an unknown extension");
    if (!read_u32(cursor, &sequence_bytes))
        return false;
    if (sequence_bytes != SEQUENCE_BYTES || !skip_tag(cursor, TAG_SEQUENCE_EPOCH))
        return fail(cursor, "an unknown form of sequence");
    if (!read_u32(cursor, &sequence->epoch))
        return false;
    if (!skip_tag(cursor, TAG_SEQUENCE_TIME))
        return fail(cursor, "a sequence without its time");
    if (!read_u64(cursor, &timestamp))
        return false;
    if (!skip_tag(cursor, TAG_SEQUENCE_ROW_INDEX))
        return fail(cursor, "a sequence without its row index");
    sequence->timestamp_us = (int64_t)timestamp;
    return read_u32(cursor, &sequence->row_index);
}

static bool read_row_end(struct cursor *cursor, struct ots_plain_row *row, uint8_t row_crc)
{
    uint8_t checksum;
    row->is_delete = skip_tag(cursor, TAG_DELETE_ROW);
    row->has_sequence = skip_tag(cursor, TAG_EXTENSION);
    if (row->has_sequence && !read_sequence(cursor, &row->sequence))
        return false;
    if (!skip_tag(cursor, TAG_ROW_CHECKSUM))
        return fail(cursor, "a row without its checksum");
    if (!read_byte(cursor, &checksum))
        return false;
    uint8_t marker = row->is_delete;
    if (checksum != ots_crc8(row_crc, &marker, 1))
        return fail(cursor, "the wrong checksum of a row");
    return true;
}

static enum ots_status read_row(struct ots_plainbuf_reader *reader, struct cursor *cursor,
                                struct ots_plain_row *row)
{
    uint8_t row_crc = 0;
    size_t count = 0;
    if (!skip_tag(cursor, TAG_ROW_KEY)) {
        cursor->fault = "something else than a row";
        return OTS_CORRUPT;
    }
    enum ots_status status = read_key(reader, cursor, &count, &row_crc);
    if (status != OTS_OK)
        return status;
    row->key_count = count;
    if (!count) {
        cursor->fault = "a row without a key";
        return OTS_CORRUPT;
    }
    bool has_data = skip_tag(cursor, TAG_ROW_DATA);
    if (has_data)
        status = read_cells(reader, cursor, &count, &row_crc);
    if (status != OTS_OK)
        return status;
    row->cell_count = count - row->key_count;
    if (has_data && !row->cell_count) {
        cursor->fault = "a data part without cells";
        return OTS_CORRUPT;
    }
    row->key = reader->cells;
    row->cells = reader->cells + row->key_count;
    return read_row_end(cursor, row, row_crc) ? OTS_OK : OTS_CORRUPT;
}

enum ots_status ots_plainbuf_reader_init(struct ots_plainbuf_reader *reader, struct ots_slice input,
                                         struct ots_error *err)
{
    *reader = (struct ots_plainbuf_reader){.input = OTS_SLICE_NONE};
    return ots_plainbuf_reader_next(reader, input, err);
}

enum ots_status ots_plainbuf_reader_next(struct ots_plainbuf_reader *reader, struct ots_slice input,
                                         struct ots_error *err)
{
    reader->input = input;
    reader->offset = 0;
    if (!input.size)
        return OTS_OK;
    if (input.size < 4 || load_u32(input.data) != PLAINBUF_HEADER)
        return ots_error_set(err, OTS_CORRUPT, "PlainBuffer: wrong header");
    reader->offset = 4;
    return OTS_OK;
}

void ots_plainbuf_reader_deinit(struct ots_plainbuf_reader *reader)
{
    free(reader->cells);
    *reader = (struct ots_plainbuf_reader){.input = OTS_SLICE_NONE};
}

enum ots_status ots_plainbuf_read_row(struct ots_plainbuf_reader *reader, struct ots_plain_row *row,
                                      bool *has_row, struct ots_error *err)
{
    struct ots_slice input = reader->input;
    *has_row = false;
    if (reader->offset == input.size)
        return OTS_OK;
    struct cursor cursor = {input.data + reader->offset, input.data + input.size, NULL};
    struct ots_plain_row read = {0};
    enum ots_status status = read_row(reader, &cursor, &read);
    if (status == OTS_NOMEM)
        return ots_error_set(err, status, "PlainBuffer: out of memory");
    if (status != OTS_OK)
        return ots_error_set(err, status, "PlainBuffer: %s, at byte %zu", cursor.fault,
                             (size_t)(cursor.at - input.data));
    reader->offset = (size_t)(cursor.at - input.data);
    *row = read;
    *has_row = true;
    return OTS_OK;
}
