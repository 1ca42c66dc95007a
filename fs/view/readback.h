/*
 * Rows of a timeline that an open file wrote before and writes again, read back for merging.
 *
 * Whoever goes over the same times a second time does so in their order, so rows are read ahead,
 * in pages that grow while that is so. What is read ahead counts only for times behind all that
 * were asked for or written since: those rows cannot have changed meanwhile.
 *
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_READBACK_H
#define OTS_VIEW_READBACK_H

#include "fs/view/state.h"

enum { OTS_READBACK_ROWS_MIN = 64 };

struct ots_readback {
    struct ots_table *table;
    const struct ots_series_key *key; /* borrowed */
    struct ots_call call;             /* the page is in its response */
    bool has_page;
    size_t next;         /* the first row in the page that was not passed */
    int32_t rows_wanted; /* in the next page */
    int64_t last_us;     /* of the times asked for or written since the page was read */
    int64_t until_us;    /* the page has all rows from its begin to here, inclusive */
};

void ots_readback_init(struct ots_readback *readback, struct ots_table *table,
                       const struct ots_series_key *key);
void ots_readback_deinit(struct ots_readback *readback);

/*
 * The row of time `time_us`, NULL when there is none. When it must be asked for, what is on its way
 * to the table is waited for first.
 * Ownership: `*row` lives until the next call.
 * Errors: OTS_CANCELLED, those of the store.
 */
enum ots_status ots_readback_find(struct ots_readback *readback, int64_t time_us,
                                  struct ots_interrupt *interrupt, const struct ots_row **row,
                                  struct ots_error *err) OTS_MUST_CHECK;

/* A row of that time was written. */
void ots_readback_note(struct ots_readback *readback, int64_t time_us);

#endif
