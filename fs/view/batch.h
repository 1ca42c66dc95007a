/*
 * Rows that go into one put: each row (timeline and time) once, the later version in place of the
 * earlier.
 *
 * Threads: none of this locks; `rows` of a batch to which nothing is added may be read anywhere.
 */
#ifndef OTS_VIEW_BATCH_H
#define OTS_VIEW_BATCH_H

#include "backend/model/row.h"
#include "fs/view/origin.h"
#include "fs/view/row_sum.h"

enum { OTS_BATCH_SLOTS = 512 }; /* a power of two, over twice OTS_PUT_ROWS_MAX */

struct ots_batch {
    struct ots_batch *next; /* in the pipeline's list */
    uint64_t number;
    int64_t started_us; /* when the first row came, monotonic */
    struct ots_arena arena;
    struct ots_row rows[OTS_PUT_ROWS_MAX];
    struct ots_origin *origins[OTS_PUT_ROWS_MAX];
    uint64_t hashes[OTS_PUT_ROWS_MAX];
    struct ots_row_sum sums[OTS_PUT_ROWS_MAX]; /* of 0 bytes: not known */
    bool is_journaled[OTS_PUT_ROWS_MAX];       /* this version of the row is in the journal */
    bool is_unsent[OTS_PUT_ROWS_MAX];          /* the last put failed, and another one may not */
    bool is_told[OTS_PUT_ROWS_MAX];            /* that a put of the row failed */
    uint8_t places[OTS_PUT_ROWS_MAX];          /* among the rows that were there at the first put */
    size_t count;
    size_t bytes;
    /* Open addressing by hash: index into rows plus one; 0 is free. */
    uint16_t slots[OTS_BATCH_SLOTS];
    /* The pipeline's: see there. */
    size_t references;
    bool is_sealed;
    bool is_kept;
    bool is_ended;
    bool is_in_journal;
    struct ots_sent_batch *sent; /* NULL: not put yet, or nobody watches */
    uint64_t failed_at;
    int64_t retry_us;
};

/* NULL without memory. */
struct ots_batch *ots_batch_new(uint64_t number);

/* Drops the references to origins. Accepts NULL. */
void ots_batch_free(struct ots_batch *batch);

/*
 * Whether the batch, as it is, can take `row`. (A row that is in it already always fits better.)
 * An empty batch takes any row.
 */
bool ots_batch_has_room(const struct ots_batch *batch, const struct ots_row *row);

/*
 * Add a copy of `row`. One of the same timeline and time is replaced; of the same origin they are
 * merged field by field, unless that would be too many. Takes a reference to `origin`.
 * `sum`: the row's, or NULL. Errors: OTS_NOMEM.
 */
enum ots_status ots_batch_add(struct ots_batch *batch, const struct ots_row *row,
                              const struct ots_row_sum *sum, struct ots_origin *origin,
                              bool is_journaled) OTS_MUST_CHECK;

/*
 * If a version of `row` is in the batch, merge a copy of `row` into it; then it is `origin`'s.
 * Errors: OTS_LIMIT (merged it would be over a limit), OTS_NOMEM; then nothing was done.
 */
enum ots_status ots_batch_merge(struct ots_batch *batch, const struct ots_row *row,
                                struct ots_origin *origin, bool *is_merged,
                                struct ots_error *err) OTS_MUST_CHECK;

/* Whether both have a version of some row. May say so by chance when they have not. */
bool ots_batch_shares_row(const struct ots_batch *a, const struct ots_batch *b);

/* Keep the rows that are marked as unsent, and unmark them. Returns how many. */
size_t ots_batch_keep_unsent(struct ots_batch *batch);

#endif
