/*
 * A measurement of one timeline, and the changes that overtake it: what it has read may have them
 * or not, so it remembers the rows that it read last, by which that is known.
 *
 * Threads: ots_measuring_read and _deinit are its owner's, without a lock; for all else the view's
 * lock is held.
 */
#ifndef OTS_VIEW_MEASURING_H
#define OTS_VIEW_MEASURING_H

#include "fs/view/found.h"
#include "fs/view/row_sum.h"
#include "fs/view/state.h"

enum { OTS_MEASURING_ROWS_MAX = 16384, OTS_MEASURING_CHANGES_MAX = 65536 };

struct ots_measuring {
    struct ots_measuring *next; /* of the table's */
    struct ots_node *timeline;
    int64_t after_us;         /* rows up to this time are not read, for they are known */
    struct ots_row_sum *rows; /* that were read last, by time */
    size_t row_count;
    size_t row_capacity;
    int64_t rows_from_us;        /* of the rows from this time on none is missing */
    struct ots_row_sum *changes; /* rows that were put meanwhile, in their order */
    size_t change_count;
    size_t change_capacity;
    bool is_superseded;   /* what it began with is not known any more: another one has ended */
    int64_t lost_from_us; /* no more is known of changes from this time on; INT64_MAX: all is */
};

/* Begin; ots_measuring_end_locked and ots_measuring_deinit must follow. */
void ots_measuring_begin_locked(struct ots_table *table, struct ots_node *timeline,
                                int64_t after_us, struct ots_measuring *measuring);

/* Rows that were read, in the order of their times. */
void ots_measuring_read(struct ots_measuring *measuring, const struct ots_row_sum *lines,
                        size_t count);

/* A row was put; a size of 0: something else happened to it. For fs/view/apply.c. */
void ots_measuring_note_locked(struct ots_table *table, const struct ots_node *timeline,
                               const struct ots_row_sum *sum);

/*
 * Add the changes since the beginning to what was read. Returns the time from which on the result
 * is not certain; INT64_MAX: all of it is. Changes that come later are not for this measurement.
 */
int64_t ots_measuring_settle_locked(struct ots_measuring *measuring, struct ots_found *found);

/* What was found has become what is known: these rows are known to be counted so. */
void ots_measuring_count_locked(struct ots_table *table, const struct ots_measuring *measuring);

/* The timeline was measured by somebody else: what others read of it may be older. */
void ots_measuring_supersede_locked(struct ots_table *table, const struct ots_node *timeline);

/*
 * All was read from what is known up to `after_us` on, or from the front: with the changes since
 * it is what is known, unless it was superseded. `is_read_only`: somebody only looked; rows are not
 * remembered if they are as they were known.
 */
void ots_extract_note_read_locked(struct ots_extract *extract, struct ots_measuring *measuring,
                                  struct ots_found *found, int64_t begin_us, bool is_read_only);

void ots_measuring_end_locked(struct ots_table *table, struct ots_measuring *measuring);
void ots_measuring_deinit(struct ots_measuring *measuring);

#endif
