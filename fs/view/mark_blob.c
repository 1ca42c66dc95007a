#include "fs/view/mark_blob.h"

#include <endian.h>
#include <stdlib.h>

enum {
    WORD_BYTES = sizeof(uint64_t),
    MARK_WORDS = 4,
    MARK_BYTES = MARK_WORDS * WORD_BYTES,
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

static uint64_t word_at(struct ots_slice blob, size_t index)
{
    uint64_t word;
    memcpy(&word, blob.data + index * WORD_BYTES, sizeof(word));
    return le64toh(word);
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

static bool read_marks(struct ots_slice blob, const struct ots_extent *extent,
                       struct ots_marks *marks)
{
    struct ots_mark last = {.time_us = extent->first_time_us};
    for (size_t at = 1; at < blob.size / WORD_BYTES; at += MARK_WORDS) {
        const struct ots_mark mark = {word_at(blob, at), word_at(blob, at + 1),
                                      (int64_t)word_at(blob, at + 2), word_at(blob, at + 3)};
        if (!is_behind(&mark, &last) || !is_within(&mark, extent))
            return false;
        marks->items[marks->count++] = mark;
        last = mark;
    }
    return true;
}

enum ots_status ots_mark_blob_read(struct ots_slice blob, const struct ots_extent *extent,
                                   struct ots_marks *marks)
{
    if (blob.size < WORD_BYTES + MARK_BYTES || blob.size > OTS_MARK_BLOB_BYTES_MAX ||
        (blob.size - WORD_BYTES) % MARK_BYTES != 0 || word_at(blob, 0) > DOUBLINGS_MAX)
        return OTS_CORRUPT;
    ots_marks_deinit(marks);
    size_t count = blob.size / MARK_BYTES;
    marks->items = calloc(count, sizeof(*marks->items));
    if (!marks->items)
        return OTS_NOMEM;
    marks->capacity = count;
    marks->doublings = (unsigned)word_at(blob, 0);
    if (read_marks(blob, extent, marks))
        return OTS_OK;
    ots_marks_deinit(marks);
    return OTS_CORRUPT;
}
