#include "backend/server/row_codec.h"

#include <stdlib.h>

enum { TYPE_TRUE = 0x80, VARINT_SHIFT_MAX = 28 };

static void varint_append(struct ots_buf *buf, size_t value)
{
    while (value >= 0x80) {
        ots_buf_append_byte(buf, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    ots_buf_append_byte(buf, (uint8_t)value);
}

static void field_append(struct ots_buf *buf, const struct ots_field *field)
{
    const struct ots_value *value = &field->value;
    varint_append(buf, field->name.size);
    ots_buf_append_slice(buf, field->name);
    uint8_t flag = value->type == OTS_BOOLEAN && value->boolean ? TYPE_TRUE : 0;
    ots_buf_append_byte(buf, (uint8_t)value->type | flag);
    switch (value->type) {
    case OTS_BOOLEAN:
        break;
    case OTS_INTEGER:
    case OTS_DOUBLE: {
        uint64_t bits;
        if (value->type == OTS_INTEGER)
            memcpy(&bits, &value->integer, sizeof(bits));
        else
            memcpy(&bits, &value->real, sizeof(bits));
        ots_buf_append_u64le(buf, bits);
        break;
    }
    case OTS_STRING:
    case OTS_BINARY:
        varint_append(buf, value->bytes.size);
        ots_buf_append_slice(buf, value->bytes);
        break;
    }
}

static bool is_sorted(const struct ots_field *fields, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (ots_slice_compare(fields[i - 1].name, fields[i].name) > 0)
            return false;
    return true;
}

enum ots_status ots_row_codec_encode(const struct ots_row *row, struct ots_arena *scratch,
                                     struct ots_buf *buf, struct ots_error *err)
{
    const struct ots_field *fields = row->fields;
    if (!is_sorted(fields, row->field_count)) {
        struct ots_field *sorted = ots_arena_array(scratch, row->field_count, sizeof(*sorted));
        if (!sorted)
            return ots_error_set(err, OTS_NOMEM, "no memory for a row");
        memcpy(sorted, fields, row->field_count * sizeof(*sorted));
        ots_fields_sort(sorted, row->field_count);
        fields = sorted;
    }
    varint_append(buf, row->field_count);
    for (size_t i = 0; i < row->field_count; i++)
        field_append(buf, &fields[i]);
    if (ots_buf_status(buf) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory for a row");
    return OTS_OK;
}

static int wanted_compare(const void *a, const void *b)
{
    const struct ots_field_wanted *left = a;
    const struct ots_field_wanted *right = b;
    return ots_slice_compare(left->name, right->name);
}

enum ots_status ots_selection_init(struct ots_selection *selection,
                                   const struct ots_field_wanted *fields, size_t count,
                                   struct ots_arena *arena, struct ots_error *err)
{
    *selection = (struct ots_selection){NULL, 0};
    if (count == 0)
        return OTS_OK;
    struct ots_field_wanted *sorted = ots_arena_array(arena, count, sizeof(*sorted));
    if (!sorted)
        return ots_error_set(err, OTS_NOMEM, "no memory for the fields to read");
    memcpy(sorted, fields, count * sizeof(*sorted));
    qsort(sorted, count, sizeof(*sorted), wanted_compare);
    *selection = (struct ots_selection){sorted, count};
    return OTS_OK;
}

/* Reads of a stored value; `is_ok` turns false for good at the first thing that does not fit. */
struct reader {
    const uint8_t *at;
    size_t left;
    bool is_ok;
};

static size_t read_varint(struct reader *reader)
{
    size_t value = 0;
    for (unsigned shift = 0; shift <= VARINT_SHIFT_MAX && reader->left; shift += 7) {
        uint8_t byte = *reader->at++;
        reader->left--;
        value |= (size_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    reader->is_ok = false;
    return 0;
}

static struct ots_slice read_bytes(struct reader *reader, size_t size)
{
    if (!reader->is_ok || size > reader->left) {
        reader->is_ok = false;
        return OTS_SLICE_NONE;
    }
    struct ots_slice bytes = ots_slice(reader->at, size);
    reader->at += size;
    reader->left -= size;
    return bytes;
}

static void read_number(struct reader *reader, void *number)
{
    struct ots_slice bytes = read_bytes(reader, sizeof(uint64_t));
    if (reader->is_ok)
        memcpy(number, bytes.data, bytes.size);
}

static void read_field(struct reader *reader, struct ots_field *field)
{
    field->name = read_bytes(reader, read_varint(reader));
    struct ots_slice type = read_bytes(reader, 1);
    if (!reader->is_ok)
        return;
    field->value.type = (enum ots_value_type)(type.data[0] & ~TYPE_TRUE);
    switch (field->value.type) {
    case OTS_BOOLEAN:
        field->value.boolean = type.data[0] & TYPE_TRUE;
        return;
    case OTS_INTEGER:
        read_number(reader, &field->value.integer);
        return;
    case OTS_DOUBLE:
        read_number(reader, &field->value.real);
        return;
    case OTS_STRING:
    case OTS_BINARY:
        field->value.bytes = read_bytes(reader, read_varint(reader));
        return;
    }
    reader->is_ok = false;
}

static enum ots_status corrupt(struct ots_error *err)
{
    return ots_error_set(err, OTS_CORRUPT, "the store holds a malformed row");
}

/* A field takes at least three bytes, which bounds the array by what is stored. */
static bool read_count(struct reader *reader, size_t *count)
{
    *count = read_varint(reader);
    return reader->is_ok && *count <= reader->left / 3;
}

static enum ots_status decode_all(struct ots_slice value, struct ots_arena *arena,
                                  const struct ots_field **fields, size_t *count,
                                  struct ots_error *err)
{
    struct ots_slice own;
    if (ots_arena_copy(arena, value, &own) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory for a row");
    struct reader reader = {own.data, own.size, true};
    if (!read_count(&reader, count))
        return corrupt(err);
    struct ots_field *items = ots_arena_array(arena, *count, sizeof(*items));
    if (!items)
        return ots_error_set(err, OTS_NOMEM, "no memory for a row");
    for (size_t i = 0; i < *count; i++)
        read_field(&reader, &items[i]);
    if (!reader.is_ok || reader.left)
        return corrupt(err);
    *fields = items;
    return OTS_OK;
}

/* Both lists are sorted, so `*next` only moves on. A name may be wanted with several types. */
static const struct ots_field_wanted *find_wanted(const struct ots_selection *selection,
                                                  const struct ots_field *field, size_t *next)
{
    for (; *next < selection->count; (*next)++) {
        const struct ots_field_wanted *wanted = &selection->fields[*next];
        int order = ots_slice_compare(wanted->name, field->name);
        if (order > 0)
            return NULL;
        if (order == 0 && (wanted->type == 0 || wanted->type == field->value.type))
            return wanted;
    }
    return NULL;
}

static enum ots_status keep_field(struct ots_field *field, struct ots_slice name,
                                  struct ots_arena *arena)
{
    field->name = name;
    if (field->value.type != OTS_STRING && field->value.type != OTS_BINARY)
        return OTS_OK;
    return ots_arena_copy(arena, field->value.bytes, &field->value.bytes);
}

static enum ots_status decode_some(struct ots_slice value, const struct ots_selection *selection,
                                   struct ots_arena *arena, const struct ots_field **fields,
                                   size_t *count, struct ots_error *err)
{
    struct reader reader = {value.data, value.size, true};
    size_t stored = 0;
    size_t next = 0;
    struct ots_field *items = NULL;
    if (!read_count(&reader, &stored))
        return corrupt(err);
    size_t kept_max = stored < selection->count ? stored : selection->count;
    for (size_t i = 0; i < stored && next < selection->count; i++) {
        struct ots_field field = {0};
        read_field(&reader, &field);
        if (!reader.is_ok)
            return corrupt(err);
        const struct ots_field_wanted *wanted = find_wanted(selection, &field, &next);
        if (!wanted)
            continue;
        if (!items)
            items = ots_arena_array(arena, kept_max, sizeof(*items));
        if (!items || keep_field(&field, wanted->name, arena) != OTS_OK)
            return ots_error_set(err, OTS_NOMEM, "no memory for a row");
        items[(*count)++] = field;
        next++;
    }
    *fields = items;
    return OTS_OK;
}

enum ots_status ots_row_codec_decode(struct ots_slice value, const struct ots_selection *selection,
                                     struct ots_arena *arena, const struct ots_field **fields,
                                     size_t *count, struct ots_error *err)
{
    *fields = NULL;
    *count = 0;
    if (selection->count == 0)
        return decode_all(value, arena, fields, count, err);
    return decode_some(value, selection, arena, fields, count, err);
}
