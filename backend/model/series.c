#include "backend/model/series.h"

#include "backend/base/utf8.h"

#include <stdlib.h>

bool ots_series_tags_equal(const struct ots_series_key *a, const struct ots_series_key *b)
{
    if (a == b)
        return true;
    if (a->tag_count != b->tag_count)
        return false;
    for (size_t i = 0; i < a->tag_count; i++)
        if (!ots_slice_equal(a->tags[i].name, b->tags[i].name) ||
            !ots_slice_equal(a->tags[i].value, b->tags[i].value))
            return false;
    return true;
}

bool ots_series_key_equal(const struct ots_series_key *a, const struct ots_series_key *b)
{
    return a == b ||
           (ots_slice_equal(a->measurement, b->measurement) &&
            ots_slice_equal(a->data_source, b->data_source) && ots_series_tags_equal(a, b));
}

int ots_series_key_compare(const struct ots_series_key *a, const struct ots_series_key *b)
{
    int order = ots_slice_compare(a->measurement, b->measurement);
    if (order == 0)
        order = ots_slice_compare(a->data_source, b->data_source);
    for (size_t i = 0; order == 0 && i < a->tag_count && i < b->tag_count; i++) {
        order = ots_slice_compare(a->tags[i].name, b->tags[i].name);
        if (order == 0)
            order = ots_slice_compare(a->tags[i].value, b->tags[i].value);
    }
    if (order == 0)
        order = (a->tag_count > b->tag_count) - (a->tag_count < b->tag_count);
    return order;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 32;
}

/* The length goes in first, so that moving a byte from one part to the next changes the hash. */
static uint64_t mix_slice(uint64_t hash, struct ots_slice slice)
{
    hash = mix(hash, slice.size);
    while (slice.size) {
        size_t taken = slice.size < 8 ? slice.size : 8;
        uint64_t word = 0;
        for (size_t i = 0; i < taken; i++)
            word |= (uint64_t)slice.data[i] << (8 * i);
        hash = mix(hash, word);
        slice = ots_slice(slice.data + taken, slice.size - taken);
    }
    return hash;
}

uint64_t ots_series_key_hash(const struct ots_series_key *key)
{
    uint64_t hash = mix_slice(0x6F74736673ULL, key->measurement);
    hash = mix_slice(hash, key->data_source);
    for (size_t i = 0; i < key->tag_count; i++) {
        hash = mix_slice(hash, key->tags[i].name);
        hash = mix_slice(hash, key->tags[i].value);
    }
    return mix(hash, key->tag_count);
}

enum ots_status ots_series_key_copy(struct ots_arena *arena, const struct ots_series_key *key,
                                    struct ots_series_key *copy)
{
    size_t bytes = key->measurement.size + key->data_source.size;
    for (size_t i = 0; i < key->tag_count; i++)
        bytes += key->tags[i].name.size + key->tags[i].value.size;
    uint8_t *next = ots_arena_alloc(arena, bytes);
    struct ots_tag *tags = ots_arena_array(arena, key->tag_count, sizeof(struct ots_tag));
    if (!next || !tags)
        return OTS_NOMEM;
    struct ots_series_key made = {.tags = tags, .tag_count = key->tag_count};
    made.measurement = ots_slice_copy_to(&next, key->measurement);
    made.data_source = ots_slice_copy_to(&next, key->data_source);
    for (size_t i = 0; i < key->tag_count; i++) {
        tags[i].name = ots_slice_copy_to(&next, key->tags[i].name);
        tags[i].value = ots_slice_copy_to(&next, key->tags[i].value);
    }
    *copy = made;
    return OTS_OK;
}

static int compare_names(const void *a, const void *b)
{
    const struct ots_tag *left = a;
    const struct ots_tag *right = b;
    return ots_slice_compare(left->name, right->name);
}

enum ots_status ots_tags_sort(struct ots_tag *tags, size_t count, struct ots_error *err)
{
    size_t ascending = 1;
    while (ascending < count && compare_names(&tags[ascending - 1], &tags[ascending]) < 0)
        ascending++;
    if (ascending >= count)
        return OTS_OK;
    qsort(tags, count, sizeof(*tags), compare_names);
    for (size_t i = 1; i < count; i++) {
        if (ots_slice_equal(tags[i - 1].name, tags[i].name)) {
            char name[64];
            return ots_error_set(err, OTS_INVALID, "tag \"%s\" occurs twice",
                                 ots_utf8_show(tags[i].name, name, sizeof(name)));
        }
    }
    return OTS_OK;
}

/* White space beyond ASCII, and characters that show nothing or change the text's direction. */
static bool is_blank(uint32_t code_point)
{
    return code_point <= 0x20 || (code_point >= 0x7F && code_point <= 0xA0) ||
           code_point == 0x1680 || (code_point >= 0x2000 && code_point <= 0x200F) ||
           (code_point >= 0x2028 && code_point <= 0x202F) ||
           (code_point >= 0x205F && code_point <= 0x206F) || code_point == 0x3000 ||
           code_point == 0xFEFF;
}

static enum ots_status measurement_check(struct ots_slice name, struct ots_error *err)
{
    if (name.size > OTS_MEASUREMENT_BYTES_MAX)
        return ots_error_set(err, OTS_LIMIT, "measurement: %zu bytes instead of at most %d",
                             name.size, OTS_MEASUREMENT_BYTES_MAX);
    while (name.size) {
        uint32_t code_point;
        size_t length = ots_utf8_next(name, &code_point);
        if (!length)
            return ots_error_set(err, OTS_INVALID, "measurement: not UTF-8");
        if (code_point == '#' || is_blank(code_point))
            return ots_error_set(err, OTS_INVALID,
                                 "measurement: contains '#', white space or an unprintable "
                                 "character (U+%04X)",
                                 (unsigned)code_point);
        name = ots_slice(name.data + length, name.size - length);
    }
    return OTS_OK;
}

static enum ots_status tag_name_check(struct ots_slice name, struct ots_error *err)
{
    char shown[64];
    if (!name.size)
        return ots_error_set(err, OTS_INVALID, "tag: the name is empty");
    for (size_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        if (byte < '!' || byte > '~' || byte == '"' || byte == '=')
            return ots_error_set(err, OTS_INVALID,
                                 "tag \"%s\": the name holds something else than printable ASCII "
                                 "without '\"' and '='",
                                 ots_utf8_show(name, shown, sizeof(shown)));
    }
    return OTS_OK;
}

static enum ots_status tag_value_check(const struct ots_tag *tag, struct ots_error *err)
{
    char shown[64];
    struct ots_slice value = tag->value;
    if (!ots_utf8_is_valid(value))
        return ots_error_set(err, OTS_INVALID, "tag \"%s\": the value is not UTF-8",
                             ots_utf8_show(tag->name, shown, sizeof(shown)));
    if (value.size && (memchr(value.data, '"', value.size) || memchr(value.data, '=', value.size)))
        return ots_error_set(err, OTS_INVALID, "tag \"%s\": the value holds '\"' or '='",
                             ots_utf8_show(tag->name, shown, sizeof(shown)));
    return OTS_OK;
}

static enum ots_status tags_check(const struct ots_tag *tags, size_t count, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < count && status == OTS_OK; i++) {
        status = tag_name_check(tags[i].name, err);
        if (status == OTS_OK)
            status = tag_value_check(&tags[i], err);
    }
    return status;
}

enum ots_status ots_attributes_check(const struct ots_tag *attributes, size_t count,
                                     struct ots_error *err)
{
    size_t text_size = ots_tags_text_size(attributes, count);
    if (text_size > OTS_ATTRIBUTES_TEXT_BYTES_MAX)
        return ots_error_set(err, OTS_LIMIT, "attributes: %zu bytes as text instead of at most %d",
                             text_size, OTS_ATTRIBUTES_TEXT_BYTES_MAX);
    if (tags_check(attributes, count, err) != OTS_OK)
        return ots_error_prefix(err, "attributes");
    return OTS_OK;
}

enum ots_status ots_series_key_check(const struct ots_series_key *key, bool may_lack_measurement,
                                     struct ots_error *err)
{
    if (!key->measurement.size && !may_lack_measurement)
        return ots_error_set(err, OTS_INVALID, "measurement: empty");
    enum ots_status status = measurement_check(key->measurement, err);
    if (status != OTS_OK)
        return status;
    if (key->data_source.size > OTS_DATA_SOURCE_BYTES_MAX)
        return ots_error_set(err, OTS_LIMIT, "data source: %zu bytes instead of at most %d",
                             key->data_source.size, OTS_DATA_SOURCE_BYTES_MAX);
    if (!ots_utf8_is_valid(key->data_source))
        return ots_error_set(err, OTS_INVALID, "data source: not UTF-8");
    size_t text_size = ots_tags_text_size(key->tags, key->tag_count);
    if (text_size > OTS_TAGS_TEXT_BYTES_MAX)
        return ots_error_set(err, OTS_LIMIT, "tags: %zu bytes as text instead of at most %d",
                             text_size, OTS_TAGS_TEXT_BYTES_MAX);
    return tags_check(key->tags, key->tag_count, err);
}

void ots_tags_text_append(struct ots_buf *buf, const struct ots_tag *tags, size_t count)
{
    ots_buf_append_byte(buf, '[');
    for (size_t i = 0; i < count; i++) {
        ots_buf_append_str(buf, i ? ",\"" : "\"");
        ots_buf_append_slice(buf, tags[i].name);
        ots_buf_append_byte(buf, '=');
        ots_buf_append_slice(buf, tags[i].value);
        ots_buf_append_byte(buf, '"');
    }
    ots_buf_append_byte(buf, ']');
}

size_t ots_tags_text_size(const struct ots_tag *tags, size_t count)
{
    size_t size = 2;
    for (size_t i = 0; i < count; i++)
        size += (i ? 4 : 3) + tags[i].name.size + tags[i].value.size;
    return size;
}

/* Cut the next `"name=value"` off `*text`; false when it does not start with one. */
static bool tag_cut(struct ots_slice *text, struct ots_tag *tag)
{
    if (!text->size || text->data[0] != '"')
        return false;
    const uint8_t *name = text->data + 1;
    const uint8_t *end = text->data + text->size;
    const uint8_t *equals = memchr(name, '=', (size_t)(end - name));
    if (!equals)
        return false;
    const uint8_t *value = equals + 1;
    const uint8_t *quote = value == end ? NULL : memchr(value, '"', (size_t)(end - value));
    if (!quote)
        return false;
    tag->name = ots_slice(name, (size_t)(equals - name));
    tag->value = ots_slice(value, (size_t)(quote - value));
    *text = ots_slice(quote + 1, (size_t)(end - quote - 1));
    return true;
}

/* Walk the elements between the brackets; `tags` NULL only counts them. False: bad form. */
static bool tags_walk(struct ots_slice text, struct ots_tag *tags, size_t *count)
{
    *count = 0;
    if (!text.size)
        return true;
    for (;;) {
        struct ots_tag tag;
        if (!tag_cut(&text, &tag))
            return false;
        if (tags)
            tags[*count] = tag;
        ++*count;
        if (!text.size)
            return true;
        if (text.data[0] != ',')
            return false;
        text = ots_slice(text.data + 1, text.size - 1);
    }
}

enum ots_status ots_tags_text_parse(struct ots_slice text, struct ots_arena *arena,
                                    const struct ots_tag **tags, size_t *count,
                                    struct ots_error *err)
{
    *tags = NULL;
    *count = 0;
    if (!text.size)
        return OTS_OK;
    size_t found = 0;
    bool has_brackets = text.size >= 2 && text.data[0] == '[' && text.data[text.size - 1] == ']';
    struct ots_slice inside = has_brackets ? ots_slice(text.data + 1, text.size - 2) : text;
    if (!has_brackets || !tags_walk(inside, NULL, &found))
        return ots_error_set(err, OTS_INVALID, "tags: not of the form [\"name=value\",...]");
    if (!found)
        return OTS_OK;
    struct ots_tag *made = ots_arena_array(arena, found, sizeof(struct ots_tag));
    if (!made)
        return ots_error_set(err, OTS_NOMEM, "tags: out of memory");
    tags_walk(inside, made, &found);
    enum ots_status status = ots_tags_sort(made, found, err);
    if (status != OTS_OK)
        return status;
    *tags = made;
    *count = found;
    return OTS_OK;
}
