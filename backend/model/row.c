#include "backend/model/row.h"

#include "backend/base/utf8.h"

#include <stdlib.h>

enum { ROWS_MIN = 16 };

const char *ots_value_type_name(enum ots_value_type type)
{
    switch (type) {
    case OTS_INTEGER:
        return "INTEGER";
    case OTS_BOOLEAN:
        return "BOOLEAN";
    case OTS_DOUBLE:
        return "DOUBLE";
    case OTS_STRING:
        return "STRING";
    case OTS_BINARY:
        return "BINARY";
    }
    return "unknown type";
}

static bool holds_bytes(const struct ots_value *value)
{
    return value->type == OTS_STRING || value->type == OTS_BINARY;
}

bool ots_value_equal(const struct ots_value *a, const struct ots_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case OTS_INTEGER:
        return a->integer == b->integer;
    case OTS_BOOLEAN:
        return a->boolean == b->boolean;
    case OTS_DOUBLE:
        return memcmp(&a->real, &b->real, sizeof(a->real)) == 0;
    case OTS_STRING:
    case OTS_BINARY:
        return ots_slice_equal(a->bytes, b->bytes);
    }
    return false;
}

static bool field_equal(const struct ots_field *a, const struct ots_field *b)
{
    return ots_slice_equal(a->name, b->name) && ots_value_equal(&a->value, &b->value);
}

static bool has_field(const struct ots_row *row, const struct ots_field *wanted)
{
    for (size_t i = 0; i < row->field_count; i++)
        if (field_equal(&row->fields[i], wanted))
            return true;
    return false;
}

bool ots_row_equal(const struct ots_row *a, const struct ots_row *b)
{
    if (a->time_us != b->time_us || a->field_count != b->field_count ||
        !ots_series_key_equal(a->key, b->key))
        return false;
    for (size_t i = 0; i < a->field_count; i++)
        if (!field_equal(&a->fields[i], &b->fields[i]) && !has_field(b, &a->fields[i]))
            return false;
    return true;
}

enum ots_status ots_rows_append(struct ots_rows *rows, struct ots_arena *arena,
                                const struct ots_row *row)
{
    if (rows->count == rows->capacity) {
        size_t capacity = rows->capacity ? rows->capacity * 2 : ROWS_MIN;
        size_t bytes;
        if (__builtin_mul_overflow(capacity, sizeof(struct ots_row), &bytes))
            return OTS_NOMEM;
        struct ots_row *items = ots_arena_alloc(arena, bytes);
        if (!items)
            return OTS_NOMEM;
        if (rows->count)
            memcpy(items, rows->items, rows->count * sizeof(*items));
        rows->items = items;
        rows->capacity = capacity;
    }
    rows->items[rows->count++] = *row;
    return OTS_OK;
}

static enum ots_status fields_copy(struct ots_arena *arena, const struct ots_row *row,
                                   const struct ots_field **copy)
{
    size_t bytes = 0;
    for (size_t i = 0; i < row->field_count; i++) {
        bytes += row->fields[i].name.size;
        if (holds_bytes(&row->fields[i].value))
            bytes += row->fields[i].value.bytes.size;
    }
    uint8_t *next = ots_arena_alloc(arena, bytes);
    struct ots_field *fields = ots_arena_array(arena, row->field_count, sizeof(struct ots_field));
    if (!next || !fields)
        return OTS_NOMEM;
    for (size_t i = 0; i < row->field_count; i++) {
        fields[i].name = ots_slice_copy_to(&next, row->fields[i].name);
        fields[i].value = row->fields[i].value;
        if (holds_bytes(&fields[i].value))
            fields[i].value.bytes = ots_slice_copy_to(&next, fields[i].value.bytes);
    }
    *copy = fields;
    return OTS_OK;
}

enum ots_status ots_row_copy(struct ots_arena *arena, const struct ots_row *row,
                             const struct ots_series_key *key, struct ots_row *copy)
{
    struct ots_row made = {key, row->time_us, NULL, row->field_count};
    if (!key) {
        struct ots_series_key *own = ots_arena_alloc(arena, sizeof(*own));
        if (!own || ots_series_key_copy(arena, row->key, own) != OTS_OK)
            return OTS_NOMEM;
        made.key = own;
    }
    enum ots_status status = fields_copy(arena, row, &made.fields);
    if (status == OTS_OK)
        *copy = made;
    return status;
}

static int compare_fields(const void *a, const void *b)
{
    const struct ots_field *left = a;
    const struct ots_field *right = b;
    return ots_slice_compare(left->name, right->name);
}

void ots_fields_sort(struct ots_field *fields, size_t count)
{
    size_t ascending = 1;
    while (ascending < count && compare_fields(&fields[ascending - 1], &fields[ascending]) <= 0)
        ascending++;
    if (ascending < count)
        qsort(fields, count, sizeof(*fields), compare_fields);
}

static size_t value_size(const struct ots_value *value)
{
    if (holds_bytes(value))
        return value->bytes.size;
    return value->type == OTS_BOOLEAN ? 1 : 8;
}

size_t ots_row_size(const struct ots_row *row)
{
    size_t size = 8 + row->key->measurement.size + row->key->data_source.size;
    for (size_t i = 0; i < row->key->tag_count; i++)
        size += row->key->tags[i].name.size + row->key->tags[i].value.size;
    for (size_t i = 0; i < row->field_count; i++)
        size += row->fields[i].name.size + value_size(&row->fields[i].value);
    return size;
}

/* Columns of the service's own. */
static bool is_reserved(struct ots_slice name)
{
    static const char *const reserved[] = {"_m_name", "_data_source",      "_tags",
                                           "_time",   "_meta_update_time", "_attributes"};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (ots_slice_equal(name, ots_slice_str(reserved[i])))
            return true;
    return false;
}

static enum ots_status refuse_name(struct ots_slice name, const char *reason, struct ots_error *err)
{
    char shown[OTS_FIELD_NAME_BYTES_MAX + 1];
    return ots_error_set(err, OTS_INVALID, "field \"%s\": the name %s",
                         ots_utf8_show(name, shown, sizeof(shown)), reason);
}

/* Every field of every row comes by here: nothing is made ready for a refusal. */
enum ots_status ots_field_name_check(struct ots_slice name, struct ots_error *err)
{
    if (!name.size)
        return ots_error_set(err, OTS_INVALID, "field: the name is empty");
    if (name.size > OTS_FIELD_NAME_BYTES_MAX) {
        char shown[OTS_FIELD_NAME_BYTES_MAX + 1];
        return ots_error_set(err, OTS_LIMIT, "field \"%s...\": the name has %zu bytes, not %d",
                             ots_utf8_show(name, shown, sizeof(shown)), name.size,
                             OTS_FIELD_NAME_BYTES_MAX);
    }
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        bool is_digit = byte >= '0' && byte <= '9';
        if (!(byte >= 'a' && byte <= 'z') && !is_digit && byte != '_')
            return refuse_name(name, "has other characters than a-z, 0-9, '_'", err);
        if (i == 0 && is_digit)
            return refuse_name(name, "starts with a digit", err);
    }
    /* All reserved names begin so. */
    if (name.data[0] == '_' && is_reserved(name))
        return refuse_name(name, "is reserved", err);
    return OTS_OK;
}

static enum ots_status value_check(const struct ots_field *field, struct ots_error *err)
{
    const struct ots_value *value = &field->value;
    if ((int)value->type < OTS_INTEGER || value->type > OTS_BINARY)
        return ots_error_set(err, OTS_INVALID, "field \"%.*s\": unknown type %d",
                             OTS_SLICE_FMT(field->name), (int)value->type);
    if (!holds_bytes(value))
        return OTS_OK;
    if (value->bytes.size > OTS_VALUE_BYTES_MAX)
        return ots_error_set(err, OTS_LIMIT, "field \"%.*s\": %zu bytes instead of at most %d",
                             OTS_SLICE_FMT(field->name), value->bytes.size, OTS_VALUE_BYTES_MAX);
    if (value->type == OTS_STRING && !ots_utf8_is_valid(value->bytes))
        return ots_error_set(err, OTS_INVALID, "field \"%.*s\": the text is not UTF-8",
                             OTS_SLICE_FMT(field->name));
    return OTS_OK;
}

static int compare_slices(const void *a, const void *b)
{
    return ots_slice_compare(*(const struct ots_slice *)a, *(const struct ots_slice *)b);
}

/* Names usually come sorted; only others are sorted here, so that many fields stay cheap. */
static enum ots_status names_check_once(const struct ots_row *row, struct ots_error *err)
{
    const struct ots_field *fields = row->fields;
    size_t ascending = 1;
    while (ascending < row->field_count &&
           compare_fields(&fields[ascending - 1], &fields[ascending]) < 0)
        ascending++;
    if (ascending >= row->field_count)
        return OTS_OK;
    struct ots_slice names[OTS_FIELDS_PER_ROW_MAX];
    for (size_t i = 0; i < row->field_count; i++)
        names[i] = fields[i].name;
    qsort(names, row->field_count, sizeof(names[0]), compare_slices);
    for (size_t i = 1; i < row->field_count; i++)
        if (ots_slice_equal(names[i - 1], names[i]))
            return ots_error_set(err, OTS_INVALID, "field \"%.*s\": occurs twice",
                                 OTS_SLICE_FMT(names[i]));
    return OTS_OK;
}

enum ots_status ots_row_check(const struct ots_row *row, struct ots_error *err)
{
    if (row->time_us < 0)
        return ots_error_set(err, OTS_INVALID, "time: %lld is before 1970",
                             (long long)row->time_us);
    if (!row->field_count)
        return ots_error_set(err, OTS_INVALID, "row: no fields");
    if (row->field_count > OTS_FIELDS_PER_ROW_MAX)
        return ots_error_set(err, OTS_LIMIT, "row: %zu fields instead of at most %d",
                             row->field_count, OTS_FIELDS_PER_ROW_MAX);
    for (size_t i = 0; i < row->field_count; i++) {
        enum ots_status status = ots_field_name_check(row->fields[i].name, err);
        if (status == OTS_OK)
            status = value_check(&row->fields[i], err);
        if (status != OTS_OK)
            return status;
    }
    return names_check_once(row, err);
}
