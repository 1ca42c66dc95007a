#include "fs/view/marks.h"

#include <stdlib.h>
#include <string.h>

#include "backend/base/search.h"

void ots_marks_deinit(struct ots_marks *marks)
{
    free(marks->items);
    *marks = (struct ots_marks){0};
}

void ots_marks_clear(struct ots_marks *marks)
{
    marks->count = 0;
    marks->doublings = 0;
}

static bool reserve(struct ots_marks *marks, size_t count)
{
    if (count <= marks->capacity)
        return true;
    size_t capacity = marks->capacity ? 2 * marks->capacity : 4;
    if (capacity < count)
        capacity = count;
    struct ots_mark *items = realloc(marks->items, capacity * sizeof(*items));
    if (!items)
        return false;
    marks->items = items;
    marks->capacity = capacity;
    return true;
}

void ots_marks_copy(const struct ots_marks *from, struct ots_marks *to)
{
    ots_marks_clear(to);
    if (!from->count || !reserve(to, from->count))
        return;
    memcpy(to->items, from->items, from->count * sizeof(*from->items));
    to->count = from->count;
    to->doublings = from->doublings;
}

static bool is_before(const void *item, const void *offset)
{
    return ((const struct ots_mark *)item)->offset < *(const uint64_t *)offset;
}

size_t ots_marks_index(const struct ots_marks *marks, uint64_t offset)
{
    return ots_search(marks->items, marks->count, sizeof(*marks->items), is_before, &offset);
}

const struct ots_mark *ots_marks_floor(const struct ots_marks *marks, uint64_t offset)
{
    size_t index = ots_marks_index(marks, offset);
    if (index < marks->count && marks->items[index].offset == offset)
        return &marks->items[index];
    return index ? &marks->items[index - 1] : NULL;
}

static bool is_until(const void *item, const void *time_us)
{
    return ((const struct ots_mark *)item)->time_us <= *(const int64_t *)time_us;
}

/* How many marks are of rows not later than `time_us`. */
static size_t count_until(const struct ots_marks *marks, int64_t time_us)
{
    return ots_search(marks->items, marks->count, sizeof(*marks->items), is_until, &time_us);
}

const struct ots_mark *ots_marks_floor_time(const struct ots_marks *marks, int64_t time_us)
{
    size_t count = count_until(marks, time_us);
    return count ? &marks->items[count - 1] : NULL;
}

/* Keep every second mark. */
static void thin_out(struct ots_marks *marks, size_t *next)
{
    for (size_t i = 0; 2 * i + 1 < marks->count; i++)
        marks->items[i] = marks->items[2 * i + 1];
    marks->count /= 2;
    marks->doublings++;
    *next /= 2;
}

static bool is_due(const struct ots_marks *marks, size_t next, const struct ots_extent *before)
{
    uint64_t rows = (uint64_t)OTS_MARK_ROWS << marks->doublings;
    uint64_t bytes = (uint64_t)OTS_MARK_BYTES << marks->doublings;
    uint64_t last = next ? marks->items[next - 1].offset : 0;
    if (!before->row_count)
        return false;
    return before->row_count % rows == 0 || before->size_bytes / bytes != last / bytes;
}

static void insert(struct ots_marks *marks, size_t *next, const struct ots_mark *mark)
{
    if (!reserve(marks, marks->count + 1))
        return;
    memmove(&marks->items[*next + 1], &marks->items[*next],
            (marks->count - *next) * sizeof(*marks->items));
    marks->items[(*next)++] = *mark;
    marks->count++;
}

bool ots_marks_pass(struct ots_marks *marks, size_t *next, const struct ots_extent *before,
                    int64_t time_us)
{
    const struct ots_mark mark = {before->size_bytes, before->row_count, time_us, before->hash};
    if (*next < marks->count && marks->items[*next].offset <= mark.offset) {
        const struct ots_mark *known = &marks->items[(*next)++];
        return known->offset == mark.offset && known->row_index == mark.row_index &&
               known->time_us == time_us;
    }
    bool is_wanted = is_due(marks, *next, before);
    if (is_wanted && marks->count == OTS_MARKS_MAX) {
        thin_out(marks, next);
        is_wanted = is_due(marks, *next, before);
    }
    if (is_wanted)
        insert(marks, next, &mark);
    return true;
}

void ots_marks_cut(struct ots_marks *marks, int64_t time_us)
{
    marks->count = count_until(marks, time_us);
}

static bool is_equal(const struct ots_mark *a, const struct ots_mark *b)
{
    return a->offset == b->offset && a->row_index == b->row_index && a->time_us == b->time_us;
}

bool ots_marks_is_growth(const struct ots_marks *sooner, const struct ots_marks *later)
{
    /* Each may lack marks that the other has: only those at one place can contradict. */
    for (size_t i = 0; i < sooner->count; i++) {
        size_t index = ots_marks_index(later, sooner->items[i].offset);
        if (index == later->count)
            return true;
        bool is_same_place = later->items[index].offset == sooner->items[i].offset;
        bool is_same_row = is_equal(&later->items[index], &sooner->items[i]);
        if (is_same_place ? !is_same_row : later->doublings == sooner->doublings)
            return false;
    }
    return true;
}
