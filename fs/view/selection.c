#include "fs/view/selection.h"

#include <stdlib.h>
#include <time.h>

enum { TIME_DIGITS = 14, MICROSECONDS = 1000000 };

/* --- times ------------------------------------------------------------------------------------*/

static bool are_digits(struct ots_slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

/* The number that `count` digits from `at` on are. */
static int read_number(struct ots_slice text, size_t at, size_t count)
{
    int number = 0;
    for (size_t i = at; i < at + count; i++)
        number = number * 10 + (text.data[i] - '0');
    return number;
}

static bool is_same_time(const struct tm *a, const struct tm *b)
{
    return a->tm_year == b->tm_year && a->tm_mon == b->tm_mon && a->tm_mday == b->tm_mday &&
           a->tm_hour == b->tm_hour && a->tm_min == b->tm_min && a->tm_sec == b->tm_sec;
}

/* What does not exist is moved to what does by the C library, and shows by being another time. */
static bool resolve_utc(const struct tm *wanted, time_t *seconds)
{
    struct tm found = *wanted;
    *seconds = timegm(&found);
    return is_same_time(&found, wanted);
}

/* With and without summer time: both exist when clocks were put back, none when put forward. */
static bool resolve_local(const struct tm *wanted, time_t *seconds)
{
    bool is_found = false;
    for (int is_summer = 1; is_summer >= 0; is_summer--) {
        struct tm found = *wanted;
        found.tm_isdst = is_summer;
        time_t candidate = mktime(&found);
        if (!is_same_time(&found, wanted))
            continue;
        if (!is_found || candidate < *seconds)
            *seconds = candidate;
        is_found = true;
    }
    return is_found;
}

/* `yyyyMMddHHmmss`. */
static bool parse_time(struct ots_slice text, bool is_utc, int64_t *time_us)
{
    if (!are_digits(text))
        return false;
    struct tm wanted = {
        .tm_year = read_number(text, 0, 4) - 1900,
        .tm_mon = read_number(text, 4, 2) - 1,
        .tm_mday = read_number(text, 6, 2),
        .tm_hour = read_number(text, 8, 2),
        .tm_min = read_number(text, 10, 2),
        .tm_sec = read_number(text, 12, 2),
    };
    time_t seconds = 0;
    if (!(is_utc ? resolve_utc(&wanted, &seconds) : resolve_local(&wanted, &seconds)))
        return false;
    *time_us = (int64_t)seconds * MICROSECONDS;
    return true;
}

/* `<time>-<time>`. */
static bool parse_times(struct ots_slice name, int64_t *begin_us, int64_t *end_us)
{
    bool is_utc = name.size == 2 * TIME_DIGITS + 3;
    size_t middle = TIME_DIGITS + is_utc;
    if (name.size != 2 * middle + 1 || name.data[middle] != '-' ||
        (is_utc && (name.data[middle - 1] != 'Z' || name.data[name.size - 1] != 'Z')))
        return false;
    return parse_time(ots_slice(name.data, TIME_DIGITS), is_utc, begin_us) &&
           parse_time(ots_slice(name.data + middle + 1, TIME_DIGITS), is_utc, end_us);
}

enum ots_status ots_selection_parse_range(struct ots_slice name, struct ots_selection *selection)
{
    *selection = OTS_SELECTION_ALL;
    if (!parse_times(name, &selection->begin_us, &selection->end_us))
        return OTS_NOT_FOUND;
    if (selection->begin_us < 0)
        selection->begin_us = 0;
    return selection->begin_us < selection->end_us ? OTS_OK : OTS_NOT_FOUND;
}

enum ots_status ots_selection_parse_changes(struct ots_slice name, struct ots_selection *selection)
{
    *selection = OTS_SELECTION_ALL;
    selection->is_window = true;
    if (!parse_times(name, &selection->put_begin_us, &selection->put_end_us))
        return OTS_NOT_FOUND;
    return selection->put_begin_us < selection->put_end_us ? OTS_OK : OTS_INVALID;
}

static void append_time(int64_t time_us, struct ots_buf *name)
{
    time_t seconds = (time_t)(time_us / MICROSECONDS);
    struct tm time = {0};
    char text[TIME_DIGITS + 2];
    gmtime_r(&seconds, &time);
    if (strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &time))
        ots_buf_append_str(name, text);
}

void ots_window_name_append(int64_t begin_us, int64_t size_us, struct ots_buf *name)
{
    append_time(begin_us, name);
    ots_buf_append_byte(name, '-');
    append_time(begin_us + size_us, name);
}

/* --- fields -----------------------------------------------------------------------------------*/

static bool find_type(struct ots_slice name, enum ots_value_type *type)
{
    static const struct {
        const char *name;
        enum ots_value_type type;
    } TYPES[] = {
        {"integer", OTS_INTEGER}, {"double", OTS_DOUBLE}, {"boolean", OTS_BOOLEAN},
        {"string", OTS_STRING},   {"binary", OTS_BINARY},
    };
    for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
        if (ots_slice_equal(name, ots_slice_str(TYPES[i].name))) {
            *type = TYPES[i].type;
            return true;
        }
    }
    return false;
}

/* `name` or `name:type`. */
static bool parse_field(struct ots_slice text, struct ots_field_wanted *field)
{
    *field = (struct ots_field_wanted){.name = text};
    const uint8_t *colon = text.size ? memchr(text.data, ':', text.size) : NULL;
    if (colon) {
        size_t size = (size_t)(colon - text.data);
        field->name = ots_slice(text.data, size);
        if (!find_type(ots_slice(colon + 1, text.size - size - 1), &field->type))
            return false;
    }
    return ots_field_name_check(field->name, NULL) == OTS_OK;
}

static int compare_fields(const void *a, const void *b)
{
    const struct ots_field_wanted *left = a;
    const struct ots_field_wanted *right = b;
    return ots_slice_compare(left->name, right->name);
}

/* The part of `rest` before its first comma, which goes too. */
static struct ots_slice next_part(struct ots_slice *rest, bool *is_last)
{
    struct ots_slice part = *rest;
    const uint8_t *comma = rest->size ? memchr(rest->data, ',', rest->size) : NULL;
    *is_last = !comma;
    if (comma) {
        part.size = (size_t)(comma - rest->data);
        *rest = ots_slice(comma + 1, rest->size - part.size - 1);
    }
    return part;
}

enum ots_status ots_selection_parse_fields(struct ots_slice name, struct ots_arena *arena,
                                           struct ots_selection *selection)
{
    size_t count = 1;
    for (size_t i = 0; i < name.size; i++)
        count += name.data[i] == ',';
    if (count > OTS_FIELDS_PER_ROW_MAX)
        return OTS_NOT_FOUND;
    struct ots_field_wanted *fields = ots_arena_array(arena, count, sizeof(*fields));
    if (!fields)
        return OTS_NOMEM;
    bool is_last = false;
    for (size_t i = 0; !is_last; i++)
        if (!parse_field(next_part(&name, &is_last), &fields[i]))
            return OTS_NOT_FOUND;
    qsort(fields, count, sizeof(*fields), compare_fields);
    for (size_t i = 1; i < count; i++)
        if (ots_slice_equal(fields[i - 1].name, fields[i].name))
            return OTS_NOT_FOUND;
    *selection = OTS_SELECTION_ALL;
    selection->fields = fields;
    selection->field_count = count;
    return OTS_OK;
}

/* --- timelines --------------------------------------------------------------------------------*/

enum ots_status ots_selection_parse_splits(struct ots_slice name, struct ots_selection *selection)
{
    *selection = OTS_SELECTION_ALL;
    return ots_share_parse(name, &selection->share);
}

bool ots_selection_is_share(const struct ots_selection *selection)
{
    return selection->share.count && !selection->is_window && !selection->field_count &&
           selection->begin_us <= 0 && selection->end_us == INT64_MAX;
}

/* --- both -------------------------------------------------------------------------------------*/

/* `field` as both want it; false when no field can be what both want. */
static bool intersect_field(const struct ots_selection *with, struct ots_field_wanted *field)
{
    const struct ots_field_wanted *other =
        bsearch(field, with->fields, with->field_count, sizeof(*field), compare_fields);
    if (!other || (other->type && field->type && other->type != field->type))
        return false;
    if (!field->type)
        field->type = other->type;
    return true;
}

/* False: they have no moment in common. */
static bool intersect_windows(const struct ots_selection *a, const struct ots_selection *b,
                              struct ots_selection *both)
{
    const struct ots_selection *one = a->is_window ? a : b;
    both->is_window = one->is_window;
    both->put_begin_us = one->put_begin_us;
    both->put_end_us = one->put_end_us;
    if (!a->is_window || !b->is_window)
        return true;
    if (b->put_begin_us > both->put_begin_us)
        both->put_begin_us = b->put_begin_us;
    if (b->put_end_us < both->put_end_us)
        both->put_end_us = b->put_end_us;
    return both->put_begin_us < both->put_end_us;
}

enum ots_status ots_selection_intersect(const struct ots_selection *a,
                                        const struct ots_selection *b, struct ots_arena *arena,
                                        struct ots_selection *both)
{
    *both = b->field_count ? *b : *a;
    both->begin_us = a->begin_us > b->begin_us ? a->begin_us : b->begin_us;
    both->end_us = a->end_us < b->end_us ? a->end_us : b->end_us;
    if (!intersect_windows(a, b, both))
        return OTS_INVALID;
    if (both->begin_us >= both->end_us ||
        ots_share_intersect(&a->share, &b->share, &both->share) != OTS_OK)
        return OTS_NOT_FOUND;
    if (!a->field_count || !b->field_count)
        return OTS_OK;
    struct ots_field_wanted *fields = ots_arena_array(arena, b->field_count, sizeof(*fields));
    if (!fields)
        return OTS_NOMEM;
    both->fields = fields;
    both->field_count = 0;
    for (size_t i = 0; i < b->field_count; i++) {
        struct ots_field_wanted field = b->fields[i];
        if (intersect_field(a, &field))
            fields[both->field_count++] = field;
    }
    return both->field_count ? OTS_OK : OTS_NOT_FOUND;
}

bool ots_selection_has_field(const struct ots_selection *selection, const struct ots_field *field)
{
    struct ots_field_wanted wanted = {.name = field->name, .type = field->value.type};
    return !selection->field_count || intersect_field(selection, &wanted);
}

void ots_selection_apply(const struct ots_selection *selection, struct ots_scan_request *scan)
{
    scan->has_begin = selection->begin_us > 0;
    scan->begin_us = selection->begin_us;
    scan->has_end = selection->end_us < INT64_MAX;
    scan->end_us = selection->end_us;
    scan->fields = selection->fields;
    scan->field_count = selection->field_count;
}
