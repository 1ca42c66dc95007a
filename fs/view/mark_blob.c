#include "fs/view/mark_blob.h"

#include <stdlib.h>

#include "backend/base/take.h"

enum {
    WORD_BYTES = sizeof(uint64_t),
    MARK_BYTES = 4 * WORD_BYTES,
    MARKS_MAX = (OTS_MARK_BLOB_BYTES_MAX - WORD_BYTES) / MARK_BYTES,
    DOUBLINGS_MAX = 40, /* a step in bytes is a number still */
};

void ots_mark_blob_append(const struct ots_marks *marks, struct ots_buf *blob)
{
    unsigned doublings = 0;
    while (marks->count >> doublings > MARKS_MAX)
        doublings++;
    size_t step = (size_t)1 << doublings;
    ots_buf_append_u64le(blob, marks->doublings + doublings);
    for (size_t i = step - 1; i < marks->count; i += step) {
        const struct ots_mark *mark = &marks->items[i];
        ots_buf_append_u64le(blob, mark->offset);
        ots_buf_append_u64le(blob, mark->row_index);
        ots_buf_append_u64le(blob, (uint64_t)mark->time_us);
        ots_buf_append_u64le(blob, mark->hash);
    }
}

static bool take_mark(struct ots_slice *rest, struct ots_mark *mark)
{
    return ots_take_u64le(rest, &mark->offset) && ots_take_u64le(rest, &mark->row_index) &&
           ots_take_i64le(rest, &mark->time_us) && ots_take_u64le(rest, &mark->hash);
}

/* Whether it can come behind `last`, with a byte at least for each line between. */
static bool is_behind(const struct ots_mark *mark, const struct ots_mark *last)
{
    return mark->row_index > last->row_index && mark->offset > last->offset &&
           mark->offset - last->offset >= mark->row_index - last->row_index &&
           mark->time_us > last->time_us;
}

static bool is_within(const struct ots_mark *mark, const struct ots_extent *extent)
{
    return mark->offset < extent->size_bytes && mark->row_index < extent->row_count &&
           mark->time_us <= extent->last_time_us;
}

static bool read_marks(struct ots_slice rest, const struct ots_extent *extent,
                       struct ots_marks *marks)
{
    struct ots_mark last = {.time_us = extent->first_time_us};
    while (rest.size) {
        struct ots_mark mark;
        if (!take_mark(&rest, &mark) || !is_behind(&mark, &last) || !is_within(&mark, extent))
            return false;
        marks->items[marks->count++] = mark;
        last = mark;
    }
    return true;
}

enum ots_status ots_mark_blob_read(struct ots_slice blob, const struct ots_extent *extent,
                                   struct ots_marks *marks)
{
    uint64_t doublings;
    if (blob.size > OTS_MARK_BLOB_BYTES_MAX || !ots_take_u64le(&blob, &doublings) ||
        doublings > DOUBLINGS_MAX || blob.size < MARK_BYTES || blob.size % MARK_BYTES != 0)
        return OTS_CORRUPT;
    ots_marks_deinit(marks);
    size_t count = blob.size / MARK_BYTES;
    marks->items = calloc(count, sizeof(*marks->items));
    if (!marks->items)
        return OTS_NOMEM;
    marks->capacity = count;
    marks->doublings = (unsigned)doublings;
    if (read_marks(blob, extent, marks))
        return OTS_OK;
    ots_marks_deinit(marks);
    return OTS_CORRUPT;
}
