/*
 * How a timeline's text comes about: where it can be read from, since when it has changed, and
 * whether it only grew.
 *
 * A version ends when a row changes that is not behind all others; files opened before show what
 * they have of it and nothing newer. Knowledge of the text before the first row that was written
 * since stays good, so only what lies behind is measured again.
 *
 * A timeline has one only while it is of use: while it is open, written and not measured since, or
 * has marks (fs/view/node.h). A new one says that nothing has changed since it was measured.
 *
 * Threads: the view's lock guards all but ots_history_see_row, ots_history_put_row and `version`.
 */
#ifndef OTS_VIEW_HISTORY_H
#define OTS_VIEW_HISTORY_H

#include <stdatomic.h>

#include "fs/view/marks.h"

struct ots_history {
    struct ots_marks marks; /* of the text as it is known */
    atomic_uint_least64_t version;
    atomic_int_least64_t newest_us; /* at least the time of every row that is known or written */
    /* Rows of these times and later were written since the last measurement began, and since the
     * text that is known was measured; INT64_MAX: none. */
    int64_t written_from_us;
    int64_t written_before_us;
    uint64_t begin_number; /* number of the table's last write when a measurement began last */
    uint64_t change_count; /* how often what was known turned out to be wrong */
    /* The marks that are on disk: how many, and the last, whose hash tells the text before it. */
    size_t kept_count;
    struct ots_mark kept_last;
};

void ots_history_init(struct ots_history *history);
void ots_history_deinit(struct ots_history *history);

/* Whether it knows anything that a new one would not. `version` does not count. */
bool ots_history_is_needed(const struct ots_history *history);

/* Whether the marks, of which there are some, are those that were kept on disk last. */
bool ots_history_has_kept_marks(const struct ots_history *history);
void ots_history_note_kept_marks(struct ots_history *history);

/* A row of that time is there. Threads: any, without a lock. */
void ots_history_see_row(struct ots_history *history, int64_t time_us);

/* A row is about to be put. Threads: any, without a lock. */
void ots_history_put_row(struct ots_history *history, int64_t time_us);

/* Rows of `from_us` and later were or will be put. */
void ots_history_write(struct ots_history *history, int64_t from_us);

/*
 * A measurement begins that will see all writes up to `write_number`; `extent` is what is known.
 * Returns the text that need not be read again.
 */
struct ots_extent ots_history_begin(struct ots_history *history, const struct ots_extent *extent,
                                    uint64_t write_number);

/* What was found: `extent` and, unless NULL, its `marks`, without rows before `begin_us`. */
struct ots_measured {
    struct ots_extent extent;
    const struct ots_marks *marks;
    int64_t begin_us;
    uint64_t write_number; /* the table's writes up to this one are in it */
};

/*
 * The text is now known to be that and no more `before`, which had rows from `begin_us` on. With
 * `is_all` every write is in it.
 */
void ots_history_note(struct ots_history *history, const struct ots_extent *before,
                      int64_t begin_us, const struct ots_measured *measured, bool is_all);

#endif
