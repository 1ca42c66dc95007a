/*
 * Series keys. Two slots: the last good line's series, and a spare into which another series is
 * read. They change places only when a row with the other key was handed on, so that of two rows
 * in a row different keys never share a pointer.
 *
 * Field names. `shape` holds the names of the line before as they were written, up to the '='.
 * A line whose names repeat them skips splitting off marks and looking for names that occur twice:
 * `distinct_count` of the shape's names are known to differ. A line that departs at field i cuts
 * the shape there and goes on learning. Names with escapes are never remembered; they match
 * nothing, and the shape is cut before them.
 */
#include "fs/lp/line.h"

#include <stdlib.h>

#include "fs/lp/field_value.h"
#include "fs/lp/number.h"
#include "fs/lp/series_text.h"

/* A field's name as it was written, with its mark and '='. */
struct shape_field {
    size_t at; /* in shape.text */
    size_t size;
    size_t name_size; /* without the mark */
    enum ots_lp_mark mark;
};

struct shape {
    struct ots_buf text;
    size_t count;
    size_t distinct_count;
    struct shape_field fields[OTS_FIELDS_PER_ROW_MAX];
};

struct ots_lp_line {
    struct ots_lp_options options;
    struct ots_lp_series series[2];
    size_t last; /* the slot of the last good line */
    bool has_last;
    bool is_other;      /* the row just parsed has the key of the other slot */
    bool is_shape_open; /* the line so far is the shape: names may be added */
    struct ots_arena arena;
    size_t field_count;
    struct shape shape;
    struct ots_field fields[OTS_FIELDS_PER_ROW_MAX];
};

enum ots_status ots_lp_line_new(const struct ots_lp_options *options, struct ots_lp_line **out)
{
    struct ots_lp_line *line = malloc(sizeof(*line));
    if (!line)
        return OTS_NOMEM;
    /* Not the arrays of fields, 72 KiB that most lines need little of. */
    memset(line, 0, offsetof(struct ots_lp_line, shape.fields));
    line->options = *options;
    *out = line;
    return OTS_OK;
}

void ots_lp_line_free(struct ots_lp_line *line)
{
    if (!line)
        return;
    ots_lp_series_deinit(&line->series[0]);
    ots_lp_series_deinit(&line->series[1]);
    ots_buf_deinit(&line->shape.text);
    ots_arena_deinit(&line->arena);
    free(line);
}

void ots_lp_line_set_default_time(struct ots_lp_line *line, int64_t time_us)
{
    line->options.default_time_us = time_us;
}

void ots_lp_line_keep_key(struct ots_lp_line *line)
{
    if (line->is_other)
        line->last = 1 - line->last;
    line->has_last = true;
    line->is_other = false;
}

/* --- series ----------------------------------------------------------------------------------- */

static enum ots_status read_series(struct ots_lp_line *line, struct ots_lp_cursor *cursor,
                                   const struct ots_series_key **key)
{
    struct ots_lp_series *last = &line->series[line->last];
    size_t size = last->text.size;
    line->is_other = false;
    if (line->has_last && (size_t)(cursor->end - cursor->at) > size && cursor->at[size] == ' ' &&
        memcmp(cursor->at, last->text.data, size) == 0) {
        cursor->at += size;
        *key = &last->key;
        return OTS_OK;
    }
    struct ots_lp_series *other = &line->series[1 - line->last];
    line->is_other = true;
    *key = &other->key;
    return ots_lp_series_read(other, cursor);
}

/* --- field names ------------------------------------------------------------------------------ */

static void cut_shape(struct shape *shape, size_t count)
{
    if (count < shape->count)
        shape->text.size = shape->fields[count].at;
    shape->count = count;
    if (shape->distinct_count > count)
        shape->distinct_count = count;
}

static enum ots_status learn_name(struct ots_lp_line *line, struct ots_slice text, size_t name_size,
                                  enum ots_lp_mark mark)
{
    struct shape *shape = &line->shape;
    shape->fields[shape->count] =
        (struct shape_field){shape->text.size, text.size, name_size, mark};
    ots_buf_append_slice(&shape->text, text);
    if (ots_buf_status(&shape->text) != OTS_OK) {
        ots_buf_reset(&shape->text);
        shape->count = 0;
        shape->distinct_count = 0;
        return OTS_NOMEM;
    }
    shape->count++;
    return OTS_OK;
}

/* Split a token at its last '@'; false when what follows is no mark. */
static bool split_mark(struct ots_lp_token *token, enum ots_lp_mark *mark)
{
    *mark = OTS_LP_UNMARKED;
    const uint8_t *at = memrchr(token->text.data, '@', token->text.size);
    if (!at)
        return true;
    size_t name_size = (size_t)(at - token->text.data);
    struct ots_slice kind = ots_slice(at + 1, token->text.size - name_size - 1);
    token->text.size = name_size;
    return ots_lp_mark_find(kind, mark);
}

/* A name that is not the one of the line before; `cursor` then stands behind the '='. */
static enum ots_status read_new_name(struct ots_lp_line *line, struct ots_lp_cursor *cursor,
                                     struct ots_slice *name, enum ots_lp_mark *mark)
{
    const uint8_t *start = cursor->at;
    struct ots_lp_token token = ots_lp_token_scan(cursor, OTS_LP_FIELD_NAME);
    if (*cursor->at != '=')
        return ots_lp_wrong(cursor, cursor->at,
                            token.text.size ? "a field without '='" : "a field is missing");
    struct ots_slice text = ots_slice(start, (size_t)(cursor->at - start) + 1);
    if (!split_mark(&token, mark))
        return ots_lp_wrong(cursor, token.text.data + token.text.size,
                            "an unknown mark: '@' is followed by nothing, b64, f64 or str");
    if (!token.text.size)
        return ots_lp_wrong(cursor, start, "a field without a name");
    enum ots_status status =
        ots_lp_token_name(&token, OTS_LP_FIELD_NAME, &line->arena, cursor, name);
    if (status != OTS_OK)
        return status;
    cursor->at++;
    if (!line->is_shape_open)
        return OTS_OK;
    cut_shape(&line->shape, line->field_count);
    line->is_shape_open = !token.is_escaped;
    return token.is_escaped ? OTS_OK : learn_name(line, text, name->size, *mark);
}

static enum ots_status read_name(struct ots_lp_line *line, struct ots_lp_cursor *cursor,
                                 struct ots_slice *name, enum ots_lp_mark *mark)
{
    const struct shape *shape = &line->shape;
    if (line->is_shape_open && line->field_count < shape->count) {
        const struct shape_field *field = &shape->fields[line->field_count];
        if ((size_t)(cursor->end - cursor->at) > field->size &&
            memcmp(cursor->at, shape->text.data + field->at, field->size) == 0) {
            *name = ots_slice(cursor->at, field->name_size);
            *mark = field->mark;
            cursor->at += field->size;
            return OTS_OK;
        }
    }
    return read_new_name(line, cursor, name, mark);
}

/* --- fields that occur twice ------------------------------------------------------------------ */

static int compare_fields(const void *a, const void *b)
{
    const struct ots_field *const *left = a;
    const struct ots_field *const *right = b;
    int order = ots_slice_compare((*left)->name, (*right)->name);
    return order ? order : (*left > *right) - (*left < *right);
}

static bool is_ascending(const struct ots_field *fields, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (ots_slice_compare(fields[i - 1].name, fields[i].name) >= 0)
            return false;
    return true;
}

/* Of fields with one name the last stays. `*is_distinct` tells that there were none. */
static enum ots_status drop_repeated(struct ots_lp_line *line, bool *is_distinct)
{
    size_t count = line->field_count;
    *is_distinct = true;
    if (is_ascending(line->fields, count))
        return OTS_OK;
    struct ots_field **sorted = ots_arena_array(&line->arena, count, sizeof(struct ots_field *));
    bool *is_dropped = ots_arena_array(&line->arena, count, sizeof(*is_dropped));
    if (!sorted || !is_dropped)
        return OTS_NOMEM;
    for (size_t i = 0; i < count; i++)
        sorted[i] = &line->fields[i];
    qsort(sorted, count, sizeof(struct ots_field *), compare_fields);
    for (size_t i = 1; i < count; i++) {
        if (!ots_slice_equal(sorted[i - 1]->name, sorted[i]->name))
            continue;
        is_dropped[sorted[i - 1] - line->fields] = true;
        *is_distinct = false;
    }
    line->field_count = 0;
    for (size_t i = 0; i < count; i++)
        if (!is_dropped[i])
            line->fields[line->field_count++] = line->fields[i];
    return OTS_OK;
}

static enum ots_status make_distinct(struct ots_lp_line *line)
{
    size_t count = line->field_count;
    if (line->is_shape_open && count <= line->shape.distinct_count)
        return OTS_OK;
    bool is_distinct;
    enum ots_status status = drop_repeated(line, &is_distinct);
    if (status == OTS_OK && is_distinct && line->is_shape_open)
        line->shape.distinct_count = count;
    return status;
}

/* --- fields ----------------------------------------------------------------------------------- */

static enum ots_status read_fields(struct ots_lp_line *line, struct ots_lp_cursor *cursor)
{
    line->field_count = 0;
    line->is_shape_open = true;
    for (;;) {
        if (line->field_count == OTS_FIELDS_PER_ROW_MAX)
            return ots_lp_wrong(cursor, cursor->at, "more than 1024 fields");
        struct ots_field *field = &line->fields[line->field_count];
        enum ots_lp_mark mark;
        enum ots_status status = read_name(line, cursor, &field->name, &mark);
        if (status == OTS_OK)
            status = ots_lp_field_value_read(cursor, mark, &line->arena, &field->value);
        if (status != OTS_OK)
            return status;
        line->field_count++;
        if (*cursor->at != ',')
            return make_distinct(line);
        cursor->at++;
    }
}

/* --- time ------------------------------------------------------------------------------------- */

static enum ots_status scale_time(enum ots_precision precision, unsigned __int128 time,
                                  int64_t *time_us, uint32_t *cut_ns)
{
    static const uint32_t MICROSECONDS[] = {
        [OTS_PRECISION_US] = 1, [OTS_PRECISION_MS] = 1000, [OTS_PRECISION_S] = 1000000};
    *cut_ns = 0;
    if (precision == OTS_PRECISION_NS) {
        *cut_ns = (uint32_t)(time % 1000);
        /* Beyond what nanoseconds in 64 bits can tell only our own printer writes, in whole us. */
        if (*cut_ns && time > INT64_MAX)
            return OTS_LIMIT;
        time /= 1000;
    } else if (__builtin_mul_overflow(time, MICROSECONDS[precision], &time)) {
        return OTS_LIMIT;
    }
    if (time > INT64_MAX)
        return OTS_LIMIT;
    *time_us = (int64_t)time;
    return OTS_OK;
}

static enum ots_status read_time(const struct ots_lp_line *line, struct ots_lp_cursor *cursor,
                                 int64_t *time_us, uint32_t *cut_ns)
{
    const uint8_t *start = cursor->at;
    struct ots_decimal decimal;
    const uint8_t *at = ots_decimal_scan(start, cursor->end, &decimal);
    if (!at || !decimal.is_whole)
        return ots_lp_wrong(cursor, start, "the time is no whole number");
    cursor->at = at;
    if (line->options.precision == OTS_PRECISION_NS && !decimal.is_long && !decimal.is_negative &&
        decimal.mantissa <= INT64_MAX) {
        *time_us = (int64_t)(decimal.mantissa / 1000);
        *cut_ns = (uint32_t)(decimal.mantissa % 1000);
        return OTS_OK;
    }
    unsigned __int128 time;
    if (ots_decimal_to_u128(&decimal, &time) != OTS_OK ||
        scale_time(line->options.precision, time, time_us, cut_ns) != OTS_OK)
        return ots_lp_wrong(cursor, start, "the time is out of range");
    if (decimal.is_negative && time != 0)
        return ots_lp_wrong(cursor, start, "the service stores no time before 1970");
    return OTS_OK;
}

static void skip_spaces(struct ots_lp_cursor *cursor)
{
    while (*cursor->at == ' ')
        cursor->at++;
}

/* Whether the line ends here; stands behind its LF then. */
static bool take_line_end(struct ots_lp_cursor *cursor)
{
    if (!ots_lp_is_line_end(cursor))
        return false;
    cursor->at += *cursor->at == '\r' ? 2 : 1;
    return true;
}

/* What follows the fields. */
static enum ots_status read_end(const struct ots_lp_line *line, struct ots_lp_cursor *cursor,
                                int64_t *time_us, uint32_t *cut_ns)
{
    bool is_separated = *cursor->at == ' ';
    skip_spaces(cursor);
    const uint8_t *start = cursor->at;
    *cut_ns = 0;
    if (take_line_end(cursor)) {
        *time_us = line->options.default_time_us;
        return *time_us < 0 ? ots_lp_wrong(cursor, start, "the line has no time") : OTS_OK;
    }
    if (!is_separated)
        return ots_lp_wrong(cursor, cursor->at, "a malformed value");
    enum ots_status status = read_time(line, cursor, time_us, cut_ns);
    if (status != OTS_OK)
        return status;
    skip_spaces(cursor);
    if (!take_line_end(cursor))
        return ots_lp_wrong(cursor, cursor->at, "the line goes on behind its time");
    return OTS_OK;
}

enum ots_status ots_lp_line_parse(struct ots_lp_line *line, struct ots_lp_cursor *cursor,
                                  struct ots_row *row, uint32_t *cut_ns)
{
    if (line->arena.used_bytes)
        ots_arena_reset(&line->arena);
    enum ots_status status = read_series(line, cursor, &row->key);
    if (status != OTS_OK)
        return status;
    skip_spaces(cursor);
    status = read_fields(line, cursor);
    if (status == OTS_OK)
        status = read_end(line, cursor, &row->time_us, cut_ns);
    row->fields = line->fields;
    row->field_count = line->field_count;
    return status;
}
