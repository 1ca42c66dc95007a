#include "fs/lp/series_text.h"

#include <stdlib.h>

enum { TAGS_MIN = 16 };

void ots_lp_series_deinit(struct ots_lp_series *series)
{
    ots_buf_deinit(&series->text);
    ots_arena_deinit(&series->arena);
    free(series->tags);
    *series = (struct ots_lp_series){0};
}

static enum ots_status add_tag(struct ots_lp_series *series, struct ots_slice name,
                               struct ots_slice value)
{
    if (series->key.tag_count == series->tag_capacity) {
        size_t capacity = series->tag_capacity ? 2 * series->tag_capacity : TAGS_MIN;
        struct ots_tag *tags = realloc(series->tags, capacity * sizeof(*tags));
        if (!tags)
            return OTS_NOMEM;
        series->tags = tags;
        series->tag_capacity = capacity;
    }
    series->tags[series->key.tag_count++] = (struct ots_tag){name, value};
    return OTS_OK;
}

/* Read `name=value`; `cursor` is behind the comma. */
static enum ots_status read_tag(struct ots_lp_series *series, struct ots_lp_cursor *cursor,
                                bool *has_source)
{
    struct ots_lp_token token = ots_lp_token_scan(cursor, OTS_LP_TAG_NAME);
    if (!token.text.size)
        return ots_lp_wrong(cursor, cursor->at, "a tag without a name");
    if (*cursor->at != '=')
        return ots_lp_wrong(cursor, cursor->at, "a tag without '='");
    cursor->at++;
    struct ots_lp_token value_token = ots_lp_token_scan(cursor, OTS_LP_TAG_VALUE);
    if (*cursor->at == '=')
        return ots_lp_wrong(cursor, cursor->at, "'=' in a tag's value must be escaped");
    if (*cursor->at != ',' && *cursor->at != ' ')
        return ots_lp_wrong(cursor, cursor->at,
                            ots_lp_is_line_end(cursor) ? "the line has no fields"
                                                       : "a control byte in a tag");
    if (!value_token.text.size)
        return ots_lp_wrong(cursor, cursor->at, "a tag without a value");

    struct ots_slice name;
    struct ots_slice value;
    enum ots_status status =
        ots_lp_token_name(&token, OTS_LP_TAG_NAME, &series->arena, cursor, &name);
    if (status == OTS_OK)
        status = ots_lp_token_name(&value_token, OTS_LP_TAG_VALUE, &series->arena, cursor, &value);
    if (status != OTS_OK)
        return status;
    if (!ots_slice_equal(token.text, OTS_SLICE(OTS_LP_DATA_SOURCE)))
        return add_tag(series, name, value);
    if (*has_source)
        return ots_lp_wrong(cursor, token.text.data, "a tag occurs twice");
    *has_source = true;
    series->key.data_source = value;
    return OTS_OK;
}

static bool is_ascending(const struct ots_tag *tags, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (ots_slice_compare(tags[i - 1].name, tags[i].name) >= 0)
            return false;
    return true;
}

static enum ots_status read_tags(struct ots_lp_series *series, struct ots_lp_cursor *cursor)
{
    const uint8_t *start = cursor->at;
    bool has_source = false;
    while (*cursor->at == ',') {
        if (series->key.tag_count == OTS_LP_TAGS_MAX)
            return ots_lp_wrong(cursor, cursor->at, "more than 1024 tags");
        cursor->at++;
        enum ots_status status = read_tag(series, cursor, &has_source);
        if (status != OTS_OK)
            return status;
    }
    series->key.tags = series->tags;
    if (is_ascending(series->tags, series->key.tag_count) ||
        ots_tags_sort(series->tags, series->key.tag_count, NULL) == OTS_OK)
        return OTS_OK;
    return ots_lp_wrong(cursor, start, "a tag occurs twice");
}

/* Point a slice into the line at the same place of the line's copy. */
static void move(struct ots_slice *slice, struct ots_slice from, const uint8_t *to)
{
    if (slice->data >= from.data && slice->data < from.data + from.size)
        slice->data = to + (slice->data - from.data);
}

/* Keep the text, and let the key borrow from that copy instead of the line. */
static enum ots_status keep_text(struct ots_lp_series *series, struct ots_slice text)
{
    if (ots_buf_set(&series->text, text) != OTS_OK)
        return OTS_NOMEM;
    const uint8_t *copy = series->text.data;
    move(&series->key.measurement, text, copy);
    move(&series->key.data_source, text, copy);
    for (size_t i = 0; i < series->key.tag_count; i++) {
        move(&series->tags[i].name, text, copy);
        move(&series->tags[i].value, text, copy);
    }
    return OTS_OK;
}

enum ots_status ots_lp_series_read(struct ots_lp_series *series, struct ots_lp_cursor *cursor)
{
    const uint8_t *start = cursor->at;
    ots_arena_reset(&series->arena);
    series->key = (struct ots_series_key){OTS_SLICE(""), OTS_SLICE(""), NULL, 0};
    struct ots_lp_token token = ots_lp_token_scan(cursor, OTS_LP_MEASUREMENT);
    if (!token.text.size)
        return ots_lp_wrong(cursor, cursor->at, "a line without a measurement");
    enum ots_status status = ots_lp_token_name(&token, OTS_LP_MEASUREMENT, &series->arena, cursor,
                                               &series->key.measurement);
    if (status == OTS_OK)
        status = read_tags(series, cursor);
    if (status != OTS_OK)
        return status;
    if (*cursor->at != ' ')
        return ots_lp_wrong(cursor, cursor->at,
                            ots_lp_is_line_end(cursor) ? "the line has no fields"
                                                       : "a control byte in the measurement");
    return keep_text(series, ots_slice(start, (size_t)(cursor->at - start)));
}
