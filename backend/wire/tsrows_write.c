/*
 * The key cells of consecutive rows of one timeline are the same bytes: they are made for its
 * first row and copied, with the row checksum they lead to, from row to row.
 *
 * Consecutive rows mostly have the same fields too. As far as those of a row have the names and
 * types of the row's before, its numbers are written as the other's cells with other values.
 */
#include "backend/wire/plainbuf.h"
#include "backend/wire/tsrows.h"

#include <stdio.h>

#include "backend/wire/tsrows_columns.h"

struct encoder {
    struct ots_buf *buf;
    const struct ots_table_meta *meta;
    /* The timeline of the row before, and where its key cells are in `buf`. */
    const struct ots_series_key *key;
    size_t key_offset;
    size_t key_size;
    uint8_t key_crc;
    /* The row before, and where its time and its first field are in `buf`; 0: nowhere. */
    const struct ots_row *before;
    size_t time_offset;
    size_t data_offset;
    /* Tags' text, a column's name. */
    struct ots_buf text;
};

static void text_cell(struct ots_plainbuf_writer *writer, struct ots_slice name,
                      struct ots_slice text)
{
    const struct ots_cell cell = {.name = name, .type = OTS_CELL_STRING, .bytes = text};
    ots_plainbuf_cell_append(writer, &cell);
}

static bool has_own_column(const struct ots_table_meta *meta, struct ots_slice tag)
{
    for (size_t i = 0; i < meta->key_schema_count; i++)
        if (ots_slice_equal(meta->key_schema[i], tag))
            return true;
    return false;
}

/* The tags' text without those that have a column of their own. */
static void tags_cell(struct encoder *encoder, struct ots_plainbuf_writer *writer,
                      const struct ots_series_key *key)
{
    ots_buf_reset(&encoder->text);
    ots_buf_append_byte(&encoder->text, '[');
    for (size_t i = 0; i < key->tag_count; i++) {
        if (has_own_column(encoder->meta, key->tags[i].name))
            continue;
        ots_buf_append_str(&encoder->text, encoder->text.size > 1 ? ",\"" : "\"");
        ots_buf_append_slice(&encoder->text, key->tags[i].name);
        ots_buf_append_byte(&encoder->text, '=');
        ots_buf_append_slice(&encoder->text, key->tags[i].value);
        ots_buf_append_byte(&encoder->text, '"');
    }
    ots_buf_append_byte(&encoder->text, ']');
    text_cell(writer, COLUMN_TAGS, ots_buf_slice(&encoder->text));
}

/* One identifier column. A timeline without that tag has no such cell. */
static void identifier_cell(struct encoder *encoder, struct ots_plainbuf_writer *writer,
                            const struct ots_series_key *key, struct ots_slice name)
{
    if (ots_slice_equal(name, COLUMN_MEASUREMENT)) {
        text_cell(writer, name, key->measurement);
    } else if (ots_slice_equal(name, COLUMN_DATA_SOURCE)) {
        text_cell(writer, name, key->data_source);
    } else if (ots_slice_equal(name, COLUMN_TAGS)) {
        tags_cell(encoder, writer, key);
    } else {
        for (size_t i = 0; i < key->tag_count; i++)
            if (ots_slice_equal(key->tags[i].name, name))
                text_cell(writer, name, key->tags[i].value);
    }
}

static void identifier_cells(struct encoder *encoder, struct ots_plainbuf_writer *writer,
                             const struct ots_series_key *key)
{
    static const struct ots_slice ordinary[] = {
        {(const uint8_t *)"_m_name", 7},
        {(const uint8_t *)"_data_source", 12},
        {(const uint8_t *)"_tags", 5},
    };
    const struct ots_slice *names = encoder->meta->key_schema;
    size_t count = encoder->meta->key_schema_count;
    if (!count) {
        names = ordinary;
        count = sizeof(ordinary) / sizeof(ordinary[0]);
    }
    char hash[9];
    snprintf(hash, sizeof(hash), "%08x", (unsigned)ots_series_key_hash(key));
    text_cell(writer, COLUMN_HASH, ots_slice_str(hash));
    for (size_t i = 0; i < count; i++)
        identifier_cell(encoder, writer, key, names[i]);
}

static void key_cells(struct encoder *encoder, struct ots_plainbuf_writer *writer,
                      const struct ots_series_key *key)
{
    struct ots_buf *buf = encoder->buf;
    size_t offset = buf->size;
    if (key == encoder->key) {
        uint8_t *to = ots_buf_reserve(buf, encoder->key_size);
        if (!to)
            return;
        memcpy(to, buf->data + encoder->key_offset, encoder->key_size);
        ots_buf_advance(buf, encoder->key_size);
        writer->row_crc = encoder->key_crc;
    } else {
        identifier_cells(encoder, writer, key);
        encoder->key = key;
        encoder->key_size = buf->size - offset;
        encoder->key_crc = writer->row_crc;
    }
    encoder->key_offset = offset;
}

/* Sets the cell's value; returns the letter that ends its column's name. */
static char value_to_cell(const struct ots_value *value, struct ots_cell *cell)
{
    switch (value->type) {
    case OTS_INTEGER:
        cell->type = OTS_CELL_INTEGER;
        cell->integer = value->integer;
        return 'i';
    case OTS_BOOLEAN:
        cell->type = OTS_CELL_BOOLEAN;
        cell->boolean = value->boolean;
        return 'b';
    case OTS_DOUBLE:
        cell->type = OTS_CELL_DOUBLE;
        cell->real = value->real;
        return 'd';
    case OTS_STRING:
        cell->type = OTS_CELL_STRING;
        cell->bytes = value->bytes;
        return 's';
    case OTS_BINARY:
        break;
    }
    cell->type = OTS_CELL_BLOB;
    cell->bytes = value->bytes;
    return 'r';
}

static bool is_field_key(const struct ots_table_meta *meta, struct ots_slice name)
{
    for (size_t i = 0; i < meta->field_key_count; i++)
        if (ots_slice_equal(meta->field_keys[i].name, name))
            return true;
    return false;
}

/* Fields that are part of the key stand there under their plain names, in the table's order. */
static void field_key_cells(struct encoder *encoder, struct ots_plainbuf_writer *writer,
                            const struct ots_row *row)
{
    for (size_t i = 0; i < encoder->meta->field_key_count; i++) {
        struct ots_slice name = encoder->meta->field_keys[i].name;
        for (size_t j = 0; j < row->field_count; j++) {
            if (!ots_slice_equal(row->fields[j].name, name))
                continue;
            struct ots_cell cell = {.name = name};
            value_to_cell(&row->fields[j].value, &cell);
            ots_plainbuf_cell_append(writer, &cell);
        }
    }
}

static bool is_number(const struct ots_value *value)
{
    return value->type == OTS_INTEGER || value->type == OTS_DOUBLE;
}

static uint64_t number_bits(const struct ots_value *value)
{
    uint64_t bits;
    memcpy(&bits, value->type == OTS_INTEGER ? (const void *)&value->integer : &value->real,
           sizeof(bits));
    return bits;
}

static void time_cell(struct encoder *encoder, struct ots_plainbuf_writer *writer, int64_t time_us)
{
    const struct ots_cell cell = {
        .name = COLUMN_TIME, .type = OTS_CELL_INTEGER, .integer = time_us};
    size_t offset = encoder->buf->size;
    if (encoder->before)
        ots_plainbuf_cell_repeat(writer, encoder->time_offset, (uint64_t)time_us);
    else
        ots_plainbuf_cell_append(writer, &cell);
    encoder->time_offset = offset;
}

/* In a stream record, cells bear a timestamp. */
static void data_cell(struct encoder *encoder, struct ots_plainbuf_writer *writer,
                      const struct ots_field *field, const int64_t *timestamp_ms)
{
    struct ots_cell cell = {.operation = OTS_CELL_PUT,
                            .has_timestamp = timestamp_ms != NULL,
                            .timestamp_ms = timestamp_ms ? *timestamp_ms : 0};
    const char ending[] = {':', value_to_cell(&field->value, &cell)};
    ots_buf_reset(&encoder->text);
    ots_buf_append_slice(&encoder->text, field->name);
    ots_buf_append(&encoder->text, ending, sizeof(ending));
    cell.name = ots_buf_slice(&encoder->text);
    ots_plainbuf_cell_append(writer, &cell);
}

/* Whether the i-th fields of two rows differ in no more than their values. */
static bool is_alike(const struct ots_row *a, const struct ots_row *b, size_t i)
{
    return i < a->field_count && a->fields[i].value.type == b->fields[i].value.type &&
           ots_slice_equal(a->fields[i].name, b->fields[i].name);
}

static void data_cells(struct encoder *encoder, struct ots_plainbuf_writer *writer,
                       const struct ots_row *row, const int64_t *timestamp_ms)
{
    /* The cell of the i-th field in the row before; 0 once the fields are not alike. */
    size_t like = encoder->before ? encoder->data_offset : 0;
    encoder->data_offset = 0;
    for (size_t i = 0; i < row->field_count; i++) {
        const struct ots_field *field = &row->fields[i];
        if (like && !is_alike(encoder->before, row, i))
            like = 0;
        if (is_field_key(encoder->meta, field->name))
            continue;
        if (!encoder->data_offset) {
            ots_plainbuf_data_begin(writer);
            encoder->data_offset = encoder->buf->size;
        }
        if (like && is_number(&field->value)) {
            like = ots_plainbuf_cell_repeat(writer, like, number_bits(&field->value));
            continue;
        }
        data_cell(encoder, writer, field, timestamp_ms);
        if (like)
            like = ots_plainbuf_cell_end(encoder->buf, like);
    }
}

static void row_append(struct encoder *encoder, const struct ots_row *row)
{
    struct ots_plainbuf_writer writer;
    ots_plainbuf_row_begin(&writer, encoder->buf);
    key_cells(encoder, &writer, row->key);
    time_cell(encoder, &writer, row->time_us);
    field_key_cells(encoder, &writer, row);
    data_cells(encoder, &writer, row, NULL);
    ots_plainbuf_row_end(&writer, false, NULL);
    encoder->before = row;
}

static void record_append(struct encoder *encoder, const struct ots_stream_record *record)
{
    struct ots_plainbuf_writer writer;
    const int64_t timestamp_ms = record->row.time_us / 1000;
    ots_plainbuf_row_begin(&writer, encoder->buf);
    key_cells(encoder, &writer, record->row.key);
    time_cell(encoder, &writer, record->row.time_us);
    field_key_cells(encoder, &writer, &record->row);
    data_cells(encoder, &writer, &record->row, &timestamp_ms);
    ots_plainbuf_row_end(&writer, record->type == OTS_CHANGE_DELETE, &record->sequence);
}

/* The bytes of rows before are read again, which are not there when memory has run out. */
static enum ots_status encoder_status(const struct encoder *encoder)
{
    enum ots_status status = ots_buf_status(&encoder->text);
    return status == OTS_OK ? ots_buf_status(encoder->buf) : status;
}

enum ots_status ots_tsrows_encode(const struct ots_row *rows, size_t count,
                                  const struct ots_table_meta *meta, struct ots_buf *buf)
{
    const struct ots_table_meta ordinary = OTS_TABLE_META_DEFAULT;
    struct encoder encoder = {.buf = buf, .meta = meta ? meta : &ordinary, .text = OTS_BUF_INIT};
    if (count)
        ots_plainbuf_header_append(buf);
    enum ots_status status = ots_buf_status(buf);
    for (size_t i = 0; i < count && status == OTS_OK; i++) {
        row_append(&encoder, &rows[i]);
        status = encoder_status(&encoder);
    }
    ots_buf_deinit(&encoder.text);
    return status;
}

enum ots_status ots_tsrows_encode_records(const struct ots_stream_record *records, size_t count,
                                          const struct ots_table_meta *meta, struct ots_buf *buf,
                                          size_t *ends)
{
    const struct ots_table_meta ordinary = OTS_TABLE_META_DEFAULT;
    struct encoder encoder = {.buf = buf, .meta = meta ? meta : &ordinary, .text = OTS_BUF_INIT};
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < count && status == OTS_OK; i++) {
        ots_plainbuf_header_append(buf);
        record_append(&encoder, &records[i]);
        ends[i] = buf->size;
        status = encoder_status(&encoder);
    }
    ots_buf_deinit(&encoder.text);
    return status;
}
