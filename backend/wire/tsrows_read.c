#include "backend/wire/plainbuf.h"
#include "backend/wire/tsrows.h"

#include "backend/wire/tsrows_columns.h"

struct decoder {
    struct ots_arena *arena;
    const struct ots_plainbuf_reader *reader;
    /* The timeline of the row before, the bytes of its cells, and their number. */
    const struct ots_series_key *key;
    struct ots_slice key_bytes;
    size_t key_cells;
};

static enum ots_status corrupt(struct ots_error *err, const char *what)
{
    return ots_error_set(err, OTS_CORRUPT, "rows: %s", what);
}

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "rows: out of memory");
}

/* The index of _time among the key cells; false when there is none that can be used. */
static bool find_time(const struct ots_plain_row *plain, size_t *time)
{
    for (*time = 0; *time < plain->key_count; ++*time)
        if (ots_slice_equal(plain->key[*time].name, COLUMN_TIME))
            return plain->key[*time].type == OTS_CELL_INTEGER && plain->key[*time].integer >= 0;
    return false;
}

/* Tags that have their own columns come after those of `_tags`; together they are sorted. */
static enum ots_status read_tags(struct decoder *decoder, const struct ots_plain_row *plain,
                                 size_t time, struct ots_slice text, size_t own_count,
                                 struct ots_series_key *key, struct ots_error *err)
{
    enum ots_status status =
        ots_tags_text_parse(text, decoder->arena, &key->tags, &key->tag_count, err);
    if (status != OTS_OK || !own_count)
        return status;
    struct ots_tag *tags =
        ots_arena_array(decoder->arena, key->tag_count + own_count, sizeof(struct ots_tag));
    if (!tags)
        return no_memory(err);
    if (key->tag_count)
        memcpy(tags, key->tags, key->tag_count * sizeof(*tags));
    size_t count = key->tag_count;
    for (size_t i = 0; i < time; i++) {
        struct ots_slice name = plain->key[i].name;
        if (!ots_slice_equal(name, COLUMN_HASH) && !ots_slice_equal(name, COLUMN_MEASUREMENT) &&
            !ots_slice_equal(name, COLUMN_DATA_SOURCE) && !ots_slice_equal(name, COLUMN_TAGS))
            tags[count++] = (struct ots_tag){name, plain->key[i].bytes};
    }
    key->tags = tags;
    key->tag_count = count;
    return ots_tags_sort(tags, count, err);
}

static enum ots_status read_key(struct decoder *decoder, const struct ots_plain_row *plain,
                                size_t time, struct ots_series_key *key, struct ots_error *err)
{
    struct ots_slice text = OTS_SLICE("");
    size_t own_count = 0;
    *key = (struct ots_series_key){OTS_SLICE(""), OTS_SLICE(""), NULL, 0};
    for (size_t i = 0; i < time; i++) {
        const struct ots_cell *cell = &plain->key[i];
        if (cell->type != OTS_CELL_STRING)
            return corrupt(err, "an identifier that is no string");
        if (ots_slice_equal(cell->name, COLUMN_MEASUREMENT))
            key->measurement = cell->bytes;
        else if (ots_slice_equal(cell->name, COLUMN_DATA_SOURCE))
            key->data_source = cell->bytes;
        else if (ots_slice_equal(cell->name, COLUMN_TAGS))
            text = cell->bytes;
        else if (!ots_slice_equal(cell->name, COLUMN_HASH))
            own_count++;
    }
    enum ots_status status = read_tags(decoder, plain, time, text, own_count, key, err);
    return status == OTS_INVALID ? corrupt(err, "bad tags") : status;
}

/* Cells lie in the input one after the other: the key's bytes run from one name to the next. */
static struct ots_slice key_bytes(const struct ots_plain_row *plain, size_t time)
{
    const uint8_t *start = plain->key[0].name.data;
    return ots_slice(start, (size_t)(plain->key[time].name.data - start));
}

static enum ots_status take_key(struct decoder *decoder, const struct ots_plain_row *plain,
                                size_t time, struct ots_error *err)
{
    size_t repeated = decoder->reader->repeated_count;
    bool is_repeated = time == decoder->key_cells && repeated >= time;
    struct ots_slice bytes = repeated ? OTS_SLICE_NONE : key_bytes(plain, time);
    bool is_equal = bytes.size && ots_slice_equal(bytes, decoder->key_bytes);
    if (decoder->key && (is_repeated || is_equal))
        return OTS_OK;
    struct ots_series_key *key = ots_arena_alloc(decoder->arena, sizeof(*key));
    if (!key)
        return no_memory(err);
    enum ots_status status = read_key(decoder, plain, time, key, err);
    if (status != OTS_OK)
        return status;
    decoder->key = key;
    decoder->key_bytes = bytes;
    decoder->key_cells = time;
    return OTS_OK;
}

static bool cell_to_value(const struct ots_cell *cell, struct ots_value *value)
{
    switch (cell->type) {
    case OTS_CELL_INTEGER:
        *value = (struct ots_value){.type = OTS_INTEGER, .integer = cell->integer};
        return true;
    case OTS_CELL_DOUBLE:
        *value = (struct ots_value){.type = OTS_DOUBLE, .real = cell->real};
        return true;
    case OTS_CELL_BOOLEAN:
        *value = (struct ots_value){.type = OTS_BOOLEAN, .boolean = cell->boolean};
        return true;
    case OTS_CELL_STRING:
        *value = (struct ots_value){.type = OTS_STRING, .bytes = cell->bytes};
        return true;
    case OTS_CELL_BLOB:
        *value = (struct ots_value){.type = OTS_BINARY, .bytes = cell->bytes};
        return true;
    case OTS_CELL_NULL:
    case OTS_CELL_INF_MIN:
    case OTS_CELL_INF_MAX:
    case OTS_CELL_AUTO_INCREMENT:
    case OTS_CELL_NO_VALUE:
        break;
    }
    return false;
}

/* A field's name ends at the last ':'; one without a letter is taken whole. */
static struct ots_slice field_name(struct ots_slice column)
{
    const uint8_t *colon = column.size ? memrchr(column.data, ':', column.size) : NULL;
    return colon ? ots_slice(column.data, (size_t)(colon - column.data)) : column;
}

static enum ots_status read_fields(struct decoder *decoder, const struct ots_plain_row *plain,
                                   size_t time, struct ots_row *row, struct ots_error *err)
{
    size_t key_fields = plain->key_count - time - 1;
    size_t count = key_fields + plain->cell_count;
    struct ots_field *fields = ots_arena_alloc(decoder->arena, count * sizeof(struct ots_field));
    if (!fields)
        return no_memory(err);
    for (size_t i = 0; i < count; i++) {
        bool is_key = i < key_fields;
        const struct ots_cell *cell =
            is_key ? &plain->key[time + 1 + i] : &plain->cells[i - key_fields];
        fields[i].name = is_key ? cell->name : field_name(cell->name);
        if (cell->operation != OTS_CELL_PUT || !cell_to_value(cell, &fields[i].value))
            return corrupt(err, "a cell that holds no value of a field");
    }
    row->fields = fields;
    row->field_count = count;
    return OTS_OK;
}

static enum ots_status read_row(struct decoder *decoder, const struct ots_plain_row *plain,
                                struct ots_row *row, struct ots_error *err)
{
    size_t time;
    if (!find_time(plain, &time))
        return corrupt(err, "a row without its time");
    enum ots_status status = take_key(decoder, plain, time, err);
    if (status != OTS_OK)
        return status;
    row->key = decoder->key;
    row->time_us = plain->key[time].integer;
    return read_fields(decoder, plain, time, row, err);
}

static enum ots_status read_rows(struct ots_plainbuf_reader *reader, struct decoder *decoder,
                                 struct ots_rows *rows, struct ots_error *err)
{
    for (;;) {
        struct ots_plain_row plain;
        struct ots_row row;
        bool has_row;
        enum ots_status status = ots_plainbuf_read_row(reader, &plain, &has_row, err);
        if (status != OTS_OK || !has_row)
            return status;
        if (plain.is_delete)
            return corrupt(err, "a delete marker");
        status = read_row(decoder, &plain, &row, err);
        if (status != OTS_OK)
            return status;
        if (ots_rows_append(rows, decoder->arena, &row) != OTS_OK)
            return no_memory(err);
    }
}

enum ots_status ots_tsrows_decode(struct ots_slice input, struct ots_arena *arena,
                                  struct ots_rows *rows, struct ots_error *err)
{
    struct ots_plainbuf_reader reader;
    struct decoder decoder = {.arena = arena, .reader = &reader};
    size_t count = rows->count;
    enum ots_status status = ots_plainbuf_reader_init(&reader, input, err);
    if (status == OTS_OK)
        status = read_rows(&reader, &decoder, rows, err);
    ots_plainbuf_reader_deinit(&reader);
    if (status != OTS_OK)
        rows->count = count;
    return status;
}

static enum ots_status read_record(struct ots_plainbuf_reader *reader, struct decoder *decoder,
                                   struct ots_stream_record *record, struct ots_error *err)
{
    struct ots_plain_row plain;
    bool has_row = false;
    enum ots_status status = ots_plainbuf_read_row(reader, &plain, &has_row, err);
    if (status != OTS_OK)
        return status;
    if (!has_row || !plain.has_sequence)
        return corrupt(err, "a stream record without a row or its sequence");
    if (plain.is_delete != (record->type == OTS_CHANGE_DELETE) ||
        (plain.is_delete && plain.cell_count))
        return corrupt(err, "a stream record that is not of its type");
    record->sequence = plain.sequence;
    status = read_row(decoder, &plain, &record->row, err);
    if (status == OTS_OK)
        status = ots_plainbuf_read_row(reader, &plain, &has_row, err);
    if (status == OTS_OK && has_row)
        return corrupt(err, "a stream record of several rows");
    return status;
}

enum ots_status ots_tsrows_decode_records(const struct ots_slice *inputs, size_t count,
                                          struct ots_arena *arena,
                                          struct ots_stream_record *records, struct ots_error *err)
{
    struct ots_plainbuf_reader reader;
    struct decoder decoder = {.arena = arena, .reader = &reader};
    enum ots_status status = ots_plainbuf_reader_init(&reader, OTS_SLICE_NONE, err);
    for (size_t i = 0; i < count && status == OTS_OK; i++) {
        status = ots_plainbuf_reader_next(&reader, inputs[i], err);
        if (status == OTS_OK)
            status = read_record(&reader, &decoder, &records[i], err);
    }
    ots_plainbuf_reader_deinit(&reader);
    return status;
}
