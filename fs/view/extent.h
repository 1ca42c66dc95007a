/*
 * The sum of rows that follow each other: what is known of a timeline's text, or of its beginning.
 */
#ifndef OTS_VIEW_EXTENT_H
#define OTS_VIEW_EXTENT_H

#include "fs/view/row_sum.h"

/*
 * Of all rows from a timeline's first one on, or of those before a place in its text. Units: times
 * in microseconds, sizes in bytes of text.
 */
struct ots_extent {
    uint64_t size_bytes;
    uint64_t row_count;
    int64_t last_time_us;
    int64_t first_time_us; /* or earlier */
    uint64_t hash;         /* the sum of the lines' hashes */
};

/* One more row, which has a line. */
static inline void ots_extent_add(struct ots_extent *extent, const struct ots_row_sum *row)
{
    if (!extent->row_count || row->time_us < extent->first_time_us)
        extent->first_time_us = row->time_us;
    if (!extent->row_count || row->time_us > extent->last_time_us)
        extent->last_time_us = row->time_us;
    extent->size_bytes += row->size_bytes;
    extent->hash += row->hash;
    extent->row_count++;
}

/* The rows of `more` follow. */
static inline void ots_extent_join(struct ots_extent *extent, const struct ots_extent *more)
{
    if (!more->row_count)
        return;
    if (!extent->row_count)
        extent->first_time_us = more->first_time_us;
    extent->last_time_us = more->last_time_us;
    extent->size_bytes += more->size_bytes;
    extent->hash += more->hash;
    extent->row_count += more->row_count;
}

/* Whether they are of the same text, as far as sums tell. */
static inline bool ots_extent_is_same(const struct ots_extent *a, const struct ots_extent *b)
{
    return a->size_bytes == b->size_bytes && a->row_count == b->row_count &&
           a->last_time_us == b->last_time_us && a->hash == b->hash;
}

#endif
