/*
 * The buffer is built from its end towards its start, as offsets in FlatBuffers point forward:
 * what is pointed to is written first. A place is known by its distance from the end, which does
 * not change while the buffer grows at its front; alignment counts from the end too, and the whole
 * size is made a multiple of eight at last.
 *
 * Rows are written last to first, so that they lie in their order. In the shared layout a row
 * points to what its successor, written just before, has equal.
 */
#include "backend/wire/flatrows.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "backend/base/cleanup.h"

enum { VALUE_TYPES = 5 };

/* Upper bounds of tables, vectors, references and padding beside the texts and values. FIXED_BYTES
 * is for the root and all vtables. */
enum { FIXED_BYTES = 1024, ROW_BYTES = 256, TAG_BYTES = 48, FIELD_BYTES = 48 };

struct builder {
    uint8_t *start;
    size_t capacity;
    size_t used; /* distance of the last written byte from the end */
    /* Distances of vtables; 0: not written yet. */
    uint32_t group_vtable;
    uint32_t row_vtable;
    uint32_t tag_vtable;
    uint32_t bytes_vtable;
    uint32_t values_vtables[1 << VALUE_TYPES];
    /* Distances of a vector's elements, before it is written. */
    uint32_t *elements;
};

/* Distances of what a row's successor may be used for again. */
struct shared {
    const struct ots_row *row;
    uint32_t measurement;
    uint32_t data_source;
    uint32_t tags;
    uint32_t names;
    uint32_t types;
};

static uint8_t *take(struct builder *builder, size_t size)
{
    assert(builder->capacity - builder->used >= size);
    builder->used += size;
    return builder->start + builder->capacity - builder->used;
}

/* Pad so that after `size` more bytes the front is a multiple of `alignment`. */
static void align(struct builder *builder, size_t size, size_t alignment)
{
    size_t padding = (0 - (builder->used + size)) & (alignment - 1);
    memset(take(builder, padding), 0, padding);
}

static uint32_t here(const struct builder *builder)
{
    return (uint32_t)builder->used;
}

static void put_u16(struct builder *builder, uint16_t value)
{
    value = htole16(value);
    memcpy(take(builder, sizeof(value)), &value, sizeof(value));
}

static void put_u32(struct builder *builder, uint32_t value)
{
    value = htole32(value);
    memcpy(take(builder, sizeof(value)), &value, sizeof(value));
}

static void put_u64(struct builder *builder, uint64_t value)
{
    value = htole64(value);
    memcpy(take(builder, sizeof(value)), &value, sizeof(value));
}

/* A reference to what is `distance` from the end. */
static void put_reference(struct builder *builder, uint32_t distance)
{
    put_u32(builder, here(builder) + 4 - distance);
}

/* The signed reference of a table, whose first field it is, to its vtable. */
static uint32_t put_table_start(struct builder *builder, uint32_t vtable)
{
    put_u32(builder, vtable - (here(builder) + 4));
    return here(builder);
}

/* `slots`: a table's size and the places of its fields, 0 for one that is left out. */
static uint32_t put_vtable(struct builder *builder, const uint16_t *slots, size_t count)
{
    align(builder, 2 * (count + 1), 2);
    for (size_t i = count; i--;)
        put_u16(builder, slots[i]);
    put_u16(builder, (uint16_t)(2 * (count + 1)));
    return here(builder);
}

static uint32_t put_string(struct builder *builder, struct ots_slice text)
{
    align(builder, text.size + 1, 4);
    *take(builder, 1) = 0;
    if (text.size)
        memcpy(take(builder, text.size), text.data, text.size);
    put_u32(builder, (uint32_t)text.size);
    return here(builder);
}

static uint32_t put_bytes(struct builder *builder, struct ots_slice bytes)
{
    align(builder, bytes.size, 4);
    if (bytes.size)
        memcpy(take(builder, bytes.size), bytes.data, bytes.size);
    put_u32(builder, (uint32_t)bytes.size);
    return here(builder);
}

/* A vector of references to builder->elements. */
static uint32_t put_references(struct builder *builder, size_t count)
{
    align(builder, 0, 4);
    for (size_t i = count; i--;)
        put_reference(builder, builder->elements[i]);
    put_u32(builder, (uint32_t)count);
    return here(builder);
}

static void put_fixed_vtables(struct builder *builder)
{
    static const uint16_t group[] = {20, 4, 8, 12, 16};
    static const uint16_t row[] = {24, 4, 0, 8, 16, 0, 20};
    static const uint16_t tag[] = {12, 4, 8};
    static const uint16_t bytes[] = {8, 4};
    builder->group_vtable = put_vtable(builder, group, sizeof(group) / sizeof(group[0]));
    builder->row_vtable = put_vtable(builder, row, sizeof(row) / sizeof(row[0]));
    builder->tag_vtable = put_vtable(builder, tag, sizeof(tag) / sizeof(tag[0]));
    builder->bytes_vtable = put_vtable(builder, bytes, sizeof(bytes) / sizeof(bytes[0]));
}

/* The vectors of one row's values of one type; 0 when it has none. */
static uint32_t put_integers(struct builder *builder, const struct ots_row *row, size_t count)
{
    align(builder, 8 * count, 8);
    for (size_t i = row->field_count; i--;)
        if (row->fields[i].value.type == OTS_INTEGER)
            put_u64(builder, (uint64_t)row->fields[i].value.integer);
    put_u32(builder, (uint32_t)count);
    return here(builder);
}

static uint32_t put_doubles(struct builder *builder, const struct ots_row *row, size_t count)
{
    align(builder, 8 * count, 8);
    for (size_t i = row->field_count; i--;) {
        uint64_t bits;
        if (row->fields[i].value.type != OTS_DOUBLE)
            continue;
        memcpy(&bits, &row->fields[i].value.real, sizeof(bits));
        put_u64(builder, bits);
    }
    put_u32(builder, (uint32_t)count);
    return here(builder);
}

static uint32_t put_booleans(struct builder *builder, const struct ots_row *row, size_t count)
{
    align(builder, count, 4);
    for (size_t i = row->field_count; i--;)
        if (row->fields[i].value.type == OTS_BOOLEAN)
            *take(builder, 1) = row->fields[i].value.boolean;
    put_u32(builder, (uint32_t)count);
    return here(builder);
}

static uint32_t put_strings(struct builder *builder, const struct ots_row *row, size_t count)
{
    size_t index = count;
    for (size_t i = row->field_count; i--;)
        if (row->fields[i].value.type == OTS_STRING)
            builder->elements[--index] = put_string(builder, row->fields[i].value.bytes);
    return put_references(builder, count);
}

static uint32_t put_binaries(struct builder *builder, const struct ots_row *row, size_t count)
{
    size_t index = count;
    for (size_t i = row->field_count; i--;) {
        if (row->fields[i].value.type != OTS_BINARY)
            continue;
        uint32_t bytes = put_bytes(builder, row->fields[i].value.bytes);
        put_reference(builder, bytes);
        builder->elements[--index] = put_table_start(builder, builder->bytes_vtable);
    }
    return put_references(builder, count);
}

/* A vtable for each set of types, as absent vectors are left out. */
static uint32_t values_vtable(struct builder *builder, const uint32_t vectors[VALUE_TYPES])
{
    uint16_t slots[1 + VALUE_TYPES] = {4};
    unsigned set = 0;
    for (size_t i = 0; i < VALUE_TYPES; i++) {
        if (!vectors[i])
            continue;
        set |= 1U << i;
        slots[1 + i] = slots[0];
        slots[0] = (uint16_t)(slots[0] + 4);
    }
    if (!builder->values_vtables[set])
        builder->values_vtables[set] = put_vtable(builder, slots, 1 + VALUE_TYPES);
    return builder->values_vtables[set];
}

static uint32_t put_values(struct builder *builder, const struct ots_row *row)
{
    static uint32_t (*const put[VALUE_TYPES])(struct builder *, const struct ots_row *, size_t) = {
        put_integers, put_booleans, put_doubles, put_strings, put_binaries};
    size_t counts[VALUE_TYPES] = {0};
    uint32_t vectors[VALUE_TYPES] = {0};
    for (size_t i = 0; i < row->field_count; i++) {
        size_t type = (size_t)row->fields[i].value.type - OTS_INTEGER;
        assert(type < VALUE_TYPES);
        counts[type]++;
    }
    for (size_t i = 0; i < VALUE_TYPES; i++)
        if (counts[i])
            vectors[i] = put[i](builder, row, counts[i]);
    uint32_t vtable = values_vtable(builder, vectors);
    align(builder, 0, 4);
    for (size_t i = VALUE_TYPES; i--;)
        if (vectors[i])
            put_reference(builder, vectors[i]);
    return put_table_start(builder, vtable);
}

static uint32_t put_tags(struct builder *builder, const struct ots_series_key *key)
{
    for (size_t i = key->tag_count; i--;) {
        uint32_t value = put_string(builder, key->tags[i].value);
        uint32_t name = put_string(builder, key->tags[i].name);
        put_reference(builder, value);
        put_reference(builder, name);
        builder->elements[i] = put_table_start(builder, builder->tag_vtable);
    }
    return put_references(builder, key->tag_count);
}

static uint32_t put_names(struct builder *builder, const struct ots_row *row)
{
    for (size_t i = row->field_count; i--;)
        builder->elements[i] = put_string(builder, row->fields[i].name);
    return put_references(builder, row->field_count);
}

static uint32_t put_types(struct builder *builder, const struct ots_row *row)
{
    align(builder, row->field_count, 4);
    for (size_t i = row->field_count; i--;)
        *take(builder, 1) = (uint8_t)row->fields[i].value.type;
    put_u32(builder, (uint32_t)row->field_count);
    return here(builder);
}

static bool names_equal(const struct ots_row *a, const struct ots_row *b)
{
    if (a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++)
        if (!ots_slice_equal(a->fields[i].name, b->fields[i].name))
            return false;
    return true;
}

static bool types_equal(const struct ots_row *a, const struct ots_row *b)
{
    if (a->field_count != b->field_count)
        return false;
    for (size_t i = 0; i < a->field_count; i++)
        if (a->fields[i].value.type != b->fields[i].value.type)
            return false;
    return true;
}

/* Write what `row` cannot share with the row that `shared` has the parts of, and remember it. */
static void put_parts(struct builder *builder, const struct ots_row *row, struct shared *shared)
{
    const struct ots_row *other = shared->row;
    if (!other || !ots_series_tags_equal(row->key, other->key))
        shared->tags = put_tags(builder, row->key);
    if (!other || !ots_slice_equal(row->key->data_source, other->key->data_source))
        shared->data_source = put_string(builder, row->key->data_source);
    if (!other || !names_equal(row, other))
        shared->names = put_names(builder, row);
    if (!other || !types_equal(row, other))
        shared->types = put_types(builder, row);
    if (!other || !ots_slice_equal(row->key->measurement, other->key->measurement))
        shared->measurement = put_string(builder, row->key->measurement);
    shared->row = row;
}

/* A group of one row. */
static uint32_t put_group(struct builder *builder, const struct ots_row *row, struct shared *shared)
{
    uint32_t values = put_values(builder, row);
    put_parts(builder, row, shared);

    align(builder, 24, 8);
    put_reference(builder, shared->tags);
    put_reference(builder, values);
    put_u64(builder, (uint64_t)row->time_us);
    put_reference(builder, shared->data_source);
    builder->elements[0] = put_table_start(builder, builder->row_vtable);
    uint32_t rows = put_references(builder, 1);

    put_reference(builder, rows);
    put_reference(builder, shared->types);
    put_reference(builder, shared->names);
    put_reference(builder, shared->measurement);
    return put_table_start(builder, builder->group_vtable);
}

static void put_root(struct builder *builder, const uint32_t *groups, size_t count)
{
    static const uint16_t root[] = {8, 4};
    align(builder, 0, 4);
    for (size_t i = count; i--;)
        put_reference(builder, groups[i]);
    put_u32(builder, (uint32_t)count);
    uint32_t vector = here(builder);
    uint32_t vtable = put_vtable(builder, root, sizeof(root) / sizeof(root[0]));
    align(builder, 0, 4);
    put_reference(builder, vector);
    uint32_t table = put_table_start(builder, vtable);
    align(builder, 4, 8);
    put_reference(builder, table);
}

/* What the rows can take at most, and the most elements of a vector in them. */
static size_t bound(const struct ots_row *rows, size_t count, size_t *elements)
{
    size_t size = FIXED_BYTES;
    *elements = 1;
    for (size_t i = 0; i < count; i++) {
        size_t tags = rows[i].key->tag_count;
        size_t fields = rows[i].field_count;
        size += ROW_BYTES + tags * TAG_BYTES + fields * FIELD_BYTES + ots_row_size(&rows[i]);
        *elements = tags > *elements ? tags : *elements;
        *elements = fields > *elements ? fields : *elements;
    }
    return (size + 7) & ~(size_t)7;
}

enum ots_status ots_flatrows_encode(const struct ots_row *rows, size_t count,
                                    enum ots_put_layout layout, struct ots_buf *buf,
                                    struct ots_error *err)
{
    assert(buf->size == 0);
    size_t element_count;
    struct builder builder = {.capacity = bound(rows, count, &element_count)};
    if (builder.capacity > INT32_MAX)
        return ots_error_set(err, OTS_LIMIT, "rows: more than 2 GiB");
    OTS_AUTO(ots_free_bytesp) uint32_t *groups = calloc(count + 1, sizeof(*groups));
    OTS_AUTO(ots_free_bytesp) uint32_t *elements = calloc(element_count, sizeof(*elements));
    builder.start = ots_buf_reserve(buf, builder.capacity);
    builder.elements = elements;
    if (!groups || !elements || !builder.start)
        return ots_error_set(err, OTS_NOMEM, "rows: out of memory");

    struct shared shared = {0};
    put_fixed_vtables(&builder);
    for (size_t i = count; i--;) {
        groups[i] = put_group(&builder, &rows[i], &shared);
        if (layout == OTS_PUT_PLAIN)
            shared.row = NULL;
    }
    put_root(&builder, groups, count);
    memmove(builder.start, builder.start + builder.capacity - builder.used, builder.used);
    ots_buf_advance(buf, builder.used);
    return OTS_OK;
}
