/*
 * Places in a timeline's text from which it can be read on, so that nobody has to read what lies
 * before: the first line that begins in each MiB, and every 5,000th line.
 *
 * They are where they are because of the text alone, whoever notes them. A mark is good as long as
 * no row before it changes. Beyond OTS_MARKS_MAX the steps double.
 */
#ifndef OTS_VIEW_MARKS_H
#define OTS_VIEW_MARKS_H

#include "fs/view/extent.h"

enum { OTS_MARK_BYTES = 1024 * 1024, OTS_MARK_ROWS = 5000, OTS_MARKS_MAX = 65536 };

/* A line begins at `offset` with `row_index` lines before it. */
struct ots_mark {
    uint64_t offset;
    uint64_t row_index;
    int64_t time_us; /* of its row */
    uint64_t hash;   /* of the lines before it */
};

struct ots_marks {
    struct ots_mark *items; /* ascending; the beginning of the text is not among them */
    size_t count;
    size_t capacity;
    unsigned doublings; /* of the steps */
};

void ots_marks_deinit(struct ots_marks *marks);
void ots_marks_clear(struct ots_marks *marks);

/* Make `to` equal to `from`, empty without memory: a missing mark only costs time. */
void ots_marks_copy(const struct ots_marks *from, struct ots_marks *to);

/* The index of the first mark that is not before `offset`. */
size_t ots_marks_index(const struct ots_marks *marks, uint64_t offset);

/* The last mark that is not behind `offset`; NULL: read from the beginning. */
const struct ots_mark *ots_marks_floor(const struct ots_marks *marks, uint64_t offset);
/* The last mark whose row is not later than `time_us`. */
const struct ots_mark *ots_marks_floor_time(const struct ots_marks *marks, int64_t time_us);

/*
 * Pass the line of a row of `time_us` that comes behind the text `before`; it is noted where a mark
 * is due. `*next` is the index of the first mark that is not before it, and is kept so.
 * False: a mark that is there says something else, so the text has changed.
 */
bool ots_marks_pass(struct ots_marks *marks, size_t *next, const struct ots_extent *before,
                    int64_t time_us);

/* Forget the marks of rows later than `time_us`. */
void ots_marks_cut(struct ots_marks *marks, int64_t time_us);

/* Whether text with the marks `later` can be that with the marks `sooner` and more behind it. */
bool ots_marks_is_growth(const struct ots_marks *sooner, const struct ots_marks *later);

#endif
