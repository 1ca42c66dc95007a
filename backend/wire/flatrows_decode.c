/*
 * Every access is bounded by the input, but not by what else was read: tables may overlap, and any
 * of them may be pointed to many times. As the schema has a fixed depth nothing can run in circles,
 * and two budgets bound what repetition can make of a small input: one of elements, which take
 * memory, and one of bytes, which take time when keys are compared and texts are checked.
 */
#include "backend/wire/flatrows.h"

enum { VALUE_TYPES = 5, TAGS_MIN = 16 };

/* The fields of each table, by slot. */
enum { ROOT_GROUPS };
enum { GROUP_MEASUREMENT, GROUP_NAMES, GROUP_TYPES, GROUP_ROWS };
enum { ROW_DATA_SOURCE, ROW_TAGS_TEXT, ROW_TIME, ROW_VALUES, ROW_CACHE_TIME, ROW_TAG_LIST };
enum { BYTES_VALUE };
enum { TAG_NAME, TAG_VALUE };

struct decoder {
    struct ots_slice input;
    struct ots_arena *arena;
    struct ots_error *err;
    size_t elements_left;
    size_t bytes_left;
    /* The timeline of the row before. */
    const struct ots_series_key *key;
    struct ots_tag *tags; /* room for the tags of one row */
    size_t tag_capacity;
};

/* A table and its vtable, both within the input. */
struct table {
    size_t at;
    size_t vtable;
    size_t vtable_size;
};

/* A vector: its first element and their number, all within the input. Zeros: absent or empty. */
struct vector {
    size_t at;
    size_t count;
};

struct group {
    struct ots_slice measurement;
    struct vector names;
    struct vector types;
    struct vector rows;
};

static enum ots_status corrupt(struct decoder *decoder, const char *what, size_t at)
{
    return ots_error_set(decoder->err, OTS_CORRUPT, "put rows: %s, at byte %zu", what, at);
}

static enum ots_status no_memory(struct decoder *decoder)
{
    return ots_error_set(decoder->err, OTS_NOMEM, "put rows: out of memory");
}

static bool is_inside(const struct decoder *decoder, size_t at, size_t size)
{
    return at <= decoder->input.size && decoder->input.size - at >= size;
}

/* The loads below are for places that are known to be inside. */
static uint16_t load_u16(const struct decoder *decoder, size_t at)
{
    const uint8_t *from = decoder->input.data + at;
    return (uint16_t)(from[0] | from[1] << 8);
}

static uint32_t load_u32(const struct decoder *decoder, size_t at)
{
    return load_u16(decoder, at) | (uint32_t)load_u16(decoder, at + 2) << 16;
}

static uint64_t load_u64(const struct decoder *decoder, size_t at)
{
    return load_u32(decoder, at) | (uint64_t)load_u32(decoder, at + 4) << 32;
}

static enum ots_status spend_elements(struct decoder *decoder, size_t elements)
{
    if (elements > decoder->elements_left && decoder->input.size > OTS_FLATROWS_ELEMENTS_MAX)
        return ots_error_set(decoder->err, OTS_LIMIT, "put rows: more than %d elements",
                             OTS_FLATROWS_ELEMENTS_MAX);
    if (elements > decoder->elements_left)
        return ots_error_set(decoder->err, OTS_CORRUPT,
                             "put rows: more elements than %zu bytes can hold",
                             decoder->input.size);
    decoder->elements_left -= elements;
    return OTS_OK;
}

static enum ots_status spend_bytes(struct decoder *decoder, size_t bytes)
{
    if (bytes > decoder->bytes_left)
        return ots_error_set(decoder->err, OTS_LIMIT, "put rows: more than %d bytes of rows",
                             OTS_PUT_BYTES_MAX);
    decoder->bytes_left -= bytes;
    return OTS_OK;
}

/* The place that the reference at `at` points to. */
static enum ots_status follow(struct decoder *decoder, size_t at, size_t *target)
{
    if (!is_inside(decoder, at, 4))
        return corrupt(decoder, "a reference beyond the end", at);
    *target = at + load_u32(decoder, at);
    if (!is_inside(decoder, *target, 4))
        return corrupt(decoder, "a reference that points beyond the end", at);
    return OTS_OK;
}

/* `at`: a reference to a table. */
static enum ots_status open_table(struct decoder *decoder, size_t at, struct table *table)
{
    enum ots_status status = follow(decoder, at, &table->at);
    if (status != OTS_OK)
        return status;
    int64_t vtable = (int64_t)table->at - (int32_t)load_u32(decoder, table->at);
    if (vtable < 0 || !is_inside(decoder, (size_t)vtable, 4))
        return corrupt(decoder, "a table whose vtable is outside", table->at);
    table->vtable = (size_t)vtable;
    table->vtable_size = load_u16(decoder, table->vtable);
    if (table->vtable_size < 4 || !is_inside(decoder, table->vtable, table->vtable_size))
        return corrupt(decoder, "a vtable of a wrong size", table->vtable);
    return OTS_OK;
}

/* Where the field in `slot` is, 0 when it is absent. `size`: what it needs inside the input. */
static enum ots_status find_field(struct decoder *decoder, const struct table *table, size_t slot,
                                  size_t size, size_t *at)
{
    size_t entry = 4 + 2 * slot;
    *at = 0;
    if (entry + 2 > table->vtable_size)
        return OTS_OK;
    size_t offset = load_u16(decoder, table->vtable + entry);
    if (!offset)
        return OTS_OK;
    *at = table->at + offset;
    if (!is_inside(decoder, *at, size))
        return corrupt(decoder, "a field beyond the end", *at);
    return OTS_OK;
}

static enum ots_status open_vector(struct decoder *decoder, size_t reference, size_t element_size,
                                   struct vector *vector)
{
    size_t at;
    enum ots_status status = follow(decoder, reference, &at);
    if (status != OTS_OK)
        return status;
    vector->at = at + 4;
    vector->count = load_u32(decoder, at);
    if ((decoder->input.size - vector->at) / element_size < vector->count)
        return corrupt(decoder, "a vector longer than the input", at);
    return OTS_OK;
}

/* The vector in `slot` of a table; an absent one is empty. */
static enum ots_status find_vector(struct decoder *decoder, const struct table *table, size_t slot,
                                   size_t element_size, struct vector *vector)
{
    size_t at;
    *vector = (struct vector){0, 0};
    enum ots_status status = find_field(decoder, table, slot, 4, &at);
    return status == OTS_OK && at ? open_vector(decoder, at, element_size, vector) : status;
}

static struct ots_slice vector_bytes(const struct decoder *decoder, const struct vector *vector)
{
    return vector->count ? ots_slice(decoder->input.data + vector->at, vector->count)
                         : OTS_SLICE("");
}

/* `reference`: of a string or a vector of bytes; the NUL after a string is not looked at. */
static enum ots_status read_bytes(struct decoder *decoder, size_t reference,
                                  struct ots_slice *bytes)
{
    struct vector vector;
    enum ots_status status = open_vector(decoder, reference, 1, &vector);
    if (status != OTS_OK)
        return status;
    *bytes = vector_bytes(decoder, &vector);
    return spend_bytes(decoder, bytes->size);
}

static enum ots_status find_bytes(struct decoder *decoder, const struct table *table, size_t slot,
                                  struct ots_slice *bytes)
{
    struct vector vector;
    enum ots_status status = find_vector(decoder, table, slot, 1, &vector);
    if (status != OTS_OK)
        return status;
    *bytes = vector_bytes(decoder, &vector);
    return spend_bytes(decoder, bytes->size);
}

static enum ots_status reserve_tags(struct decoder *decoder, size_t count)
{
    if (count <= decoder->tag_capacity)
        return OTS_OK;
    size_t capacity = count < TAGS_MIN ? TAGS_MIN : count;
    decoder->tags = ots_arena_array(decoder->arena, capacity, sizeof(struct ots_tag));
    decoder->tag_capacity = decoder->tags ? capacity : 0;
    return decoder->tags ? OTS_OK : no_memory(decoder);
}

static enum ots_status read_tag_list(struct decoder *decoder, const struct vector *list,
                                     struct ots_series_key *key)
{
    enum ots_status status = spend_elements(decoder, list->count);
    if (status == OTS_OK)
        status = reserve_tags(decoder, list->count);
    for (size_t i = 0; i < list->count && status == OTS_OK; i++) {
        struct table table;
        status = open_table(decoder, list->at + 4 * i, &table);
        if (status == OTS_OK)
            status = find_bytes(decoder, &table, TAG_NAME, &decoder->tags[i].name);
        if (status == OTS_OK)
            status = find_bytes(decoder, &table, TAG_VALUE, &decoder->tags[i].value);
    }
    if (status != OTS_OK)
        return status;
    key->tags = decoder->tags;
    key->tag_count = list->count;
    return ots_tags_sort(decoder->tags, list->count, decoder->err);
}

/* Tags come as a list from today's SDKs, as text from older ones. */
static enum ots_status read_tags(struct decoder *decoder, const struct table *row,
                                 struct ots_series_key *key)
{
    struct vector list;
    struct ots_slice text;
    enum ots_status status = find_vector(decoder, row, ROW_TAG_LIST, 4, &list);
    if (status != OTS_OK)
        return status;
    if (list.count)
        return read_tag_list(decoder, &list, key);
    status = find_bytes(decoder, row, ROW_TAGS_TEXT, &text);
    if (status == OTS_OK)
        status = spend_elements(decoder, text.size);
    if (status != OTS_OK)
        return status;
    return ots_tags_text_parse(text, decoder->arena, &key->tags, &key->tag_count, decoder->err);
}

/* Make `key` the decoder's, unless it is equal to that of the row before. */
static enum ots_status keep_key(struct decoder *decoder, const struct ots_series_key *key)
{
    if (decoder->key && ots_series_key_equal(decoder->key, key))
        return OTS_OK;
    struct ots_series_key *kept = ots_arena_alloc(decoder->arena, sizeof(*kept));
    struct ots_tag *tags = ots_arena_array(decoder->arena, key->tag_count, sizeof(struct ots_tag));
    if (!kept || !tags)
        return no_memory(decoder);
    if (key->tag_count)
        memcpy(tags, key->tags, key->tag_count * sizeof(*tags));
    *kept = *key;
    kept->tags = tags;
    decoder->key = kept;
    return OTS_OK;
}

static enum ots_status read_key(struct decoder *decoder, const struct group *group,
                                const struct table *row)
{
    struct ots_series_key key = {.measurement = group->measurement};
    enum ots_status status = find_bytes(decoder, row, ROW_DATA_SOURCE, &key.data_source);
    if (status == OTS_OK)
        status = spend_bytes(decoder, key.measurement.size);
    if (status == OTS_OK)
        status = read_tags(decoder, row, &key);
    return status == OTS_OK ? keep_key(decoder, &key) : status;
}

/* The value at `at`, the next of its type. */
static enum ots_status read_value(struct decoder *decoder, size_t at, struct ots_value *value)
{
    struct table table;
    uint64_t bits;
    enum ots_status status;
    switch (value->type) {
    case OTS_INTEGER:
        value->integer = (int64_t)load_u64(decoder, at);
        return OTS_OK;
    case OTS_BOOLEAN:
        value->boolean = decoder->input.data[at] != 0;
        return OTS_OK;
    case OTS_DOUBLE:
        bits = load_u64(decoder, at);
        memcpy(&value->real, &bits, sizeof(bits));
        return OTS_OK;
    case OTS_STRING:
        return read_bytes(decoder, at, &value->bytes);
    case OTS_BINARY:
        status = open_table(decoder, at, &table);
        return status == OTS_OK ? find_bytes(decoder, &table, BYTES_VALUE, &value->bytes) : status;
    }
    return corrupt(decoder, "a value of an unknown type", at);
}

static enum ots_status read_fields(struct decoder *decoder, const struct group *group,
                                   const struct table *values, struct ots_field *fields)
{
    static const size_t element_sizes[VALUE_TYPES] = {8, 1, 8, 4, 4};
    struct vector vectors[VALUE_TYPES] = {{0, 0}};
    size_t used[VALUE_TYPES] = {0};
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < VALUE_TYPES && status == OTS_OK; i++)
        status = find_vector(decoder, values, i, element_sizes[i], &vectors[i]);
    for (size_t i = 0; i < group->names.count && status == OTS_OK; i++) {
        size_t type = decoder->input.data[group->types.at + i];
        if (type < OTS_INTEGER || type > OTS_BINARY)
            return corrupt(decoder, "a field of an unknown type", group->types.at + i);
        size_t index = type - OTS_INTEGER;
        if (used[index] == vectors[index].count)
            return corrupt(decoder, "a field without a value", group->types.at + i);
        size_t at = vectors[index].at + element_sizes[index] * used[index]++;
        status = read_bytes(decoder, group->names.at + 4 * i, &fields[i].name);
        fields[i].value.type = (enum ots_value_type)type;
        if (status == OTS_OK)
            status = read_value(decoder, at, &fields[i].value);
    }
    return status;
}

static enum ots_status read_row_fields(struct decoder *decoder, const struct group *group,
                                       const struct table *table, struct ots_row *row)
{
    size_t at;
    struct table values;
    if (!group->names.count)
        return OTS_OK;
    enum ots_status status = find_field(decoder, table, ROW_VALUES, 4, &at);
    if (status == OTS_OK && !at)
        return corrupt(decoder, "a row without values", table->at);
    if (status == OTS_OK)
        status = open_table(decoder, at, &values);
    if (status == OTS_OK)
        status = spend_elements(decoder, group->names.count);
    if (status != OTS_OK)
        return status;
    struct ots_field *fields =
        ots_arena_array(decoder->arena, group->names.count, sizeof(struct ots_field));
    if (!fields)
        return no_memory(decoder);
    row->fields = fields;
    row->field_count = group->names.count;
    return read_fields(decoder, group, &values, fields);
}

static enum ots_status read_row(struct decoder *decoder, const struct group *group,
                                size_t reference, struct ots_row *row)
{
    struct table table;
    size_t at = 0;
    *row = (struct ots_row){.time_us = 0};
    enum ots_status status = open_table(decoder, reference, &table);
    if (status == OTS_OK)
        status = read_key(decoder, group, &table);
    if (status == OTS_OK)
        status = find_field(decoder, &table, ROW_TIME, 8, &at);
    if (status != OTS_OK)
        return status;
    row->key = decoder->key;
    if (at)
        row->time_us = (int64_t)load_u64(decoder, at);
    return read_row_fields(decoder, group, &table, row);
}

static enum ots_status open_group(struct decoder *decoder, size_t reference, struct group *group)
{
    struct table table;
    enum ots_status status = open_table(decoder, reference, &table);
    if (status == OTS_OK)
        status = find_bytes(decoder, &table, GROUP_MEASUREMENT, &group->measurement);
    if (status == OTS_OK)
        status = find_vector(decoder, &table, GROUP_NAMES, 4, &group->names);
    if (status == OTS_OK)
        status = find_vector(decoder, &table, GROUP_TYPES, 1, &group->types);
    if (status == OTS_OK)
        status = find_vector(decoder, &table, GROUP_ROWS, 4, &group->rows);
    if (status == OTS_OK && group->names.count != group->types.count)
        return corrupt(decoder, "a group with other numbers of names and types", table.at);
    return status;
}

static enum ots_status read_group(struct decoder *decoder, size_t reference, struct ots_rows *rows)
{
    struct group group;
    enum ots_status status = open_group(decoder, reference, &group);
    if (status == OTS_OK)
        status = spend_elements(decoder, group.rows.count);
    for (size_t i = 0; i < group.rows.count && status == OTS_OK; i++) {
        struct ots_row row;
        status = read_row(decoder, &group, group.rows.at + 4 * i, &row);
        if (status == OTS_OK && ots_rows_append(rows, decoder->arena, &row) != OTS_OK)
            status = no_memory(decoder);
    }
    return status;
}

enum ots_status ots_flatrows_decode(struct ots_slice input, struct ots_arena *arena,
                                    struct ots_rows *rows, struct ots_error *err)
{
    struct decoder decoder = {.input = input,
                              .arena = arena,
                              .err = err,
                              .elements_left = input.size,
                              .bytes_left = input.size};
    struct table root;
    struct vector groups;
    size_t count = rows->count;
    if (decoder.elements_left > OTS_FLATROWS_ELEMENTS_MAX)
        decoder.elements_left = OTS_FLATROWS_ELEMENTS_MAX;
    if (decoder.bytes_left < OTS_PUT_BYTES_MAX)
        decoder.bytes_left = OTS_PUT_BYTES_MAX;
    enum ots_status status = open_table(&decoder, 0, &root);
    if (status == OTS_OK)
        status = find_vector(&decoder, &root, ROOT_GROUPS, 4, &groups);
    for (size_t i = 0; status == OTS_OK && i < groups.count; i++)
        status = read_group(&decoder, groups.at + 4 * i, rows);
    if (status != OTS_OK)
        rows->count = count;
    return status;
}
