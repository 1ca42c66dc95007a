/*
 * Rows on their way to one table: full batches, several in flight, back-pressure to the writers.
 *
 * A row is in at most one put in flight: a batch that holds a row of which an older version is on
 * its way waits for that. Within a batch the later version of a row takes the earlier one's place;
 * of the same origin they are merged field by field. So of two puts of one row the one that was
 * added later wins, also across retries.
 *
 * A put that the service refuses for good is cut in halves until the refused rows stand alone; the
 * others are stored. Rows of a put that failed otherwise (the store's time-out is over) are kept in
 * their place and put again, until the pipeline is freed.
 *
 * With a journal, rows that were handed over are in it until they are stored or refused.
 *
 * Threads: safe.
 */
#ifndef OTS_VIEW_PIPELINE_H
#define OTS_VIEW_PIPELINE_H

#include "backend/base/clock.h"
#include "backend/base/log.h"
#include "backend/store.h"
#include "fs/state/journal.h"
#include "fs/view/origin.h"
#include "fs/view/row_sum.h"

struct ots_pipeline;

/* A row that was not stored. Lives until the call that tells it returns. */
struct ots_failed_put {
    struct ots_origin *origin;
    const struct ots_row *row;
    const struct ots_error *error;
    bool is_kept; /* it is put again; otherwise the service refused it for good */
};

/*
 * Somebody who counts the rows that are stored. Functions run without locks, on any thread.
 */
struct ots_put_watcher {
    /* Rows are about to be put for the first time; borrowed. Returns what stands for them from now
     * on; NULL without memory, then they are not put now. `sums`: of 0 bytes where not known. */
    void *(*begin)(void *context, const struct ots_row *rows, const struct ots_row_sum *sums,
                   struct ots_origin *const *origins, size_t count);
    /* What became of row `index`, counted from the first one of `begin`. */
    void (*settle)(void *rows, size_t index, bool is_stored);
    /*
     * All of them are settled; frees `rows`. In the order in which batches were filled, but for
     * batches that wait for one whose rows are kept, or for long. Whoever waits for rows goes on
     * only behind this. One at a time.
     */
    void (*end)(void *context, void *rows);
    /* They will not be settled any more; frees `rows`. */
    void (*give_up)(void *context, void *rows);
};

struct ots_pipeline_options {
    struct ots_store *store; /* borrowed */
    struct ots_slice table;  /* copied */
    const struct ots_clock *clock;
    const struct ots_log *log; /* NULL: none */
    size_t in_flight_max;      /* batches, at least 1 */
    /*
     * Told once for each row that was refused, and once for each row when it was first kept.
     * Runs on a thread of the store's; must not call the pipeline.
     */
    void (*failed)(void *context, const struct ots_failed_put *put);
    void *failed_context;
    const struct ots_put_watcher *watcher; /* NULL: nobody counts */
    void *watcher_context;
    /* While this is true the journal keeps batches that have ended, until
     * ots_pipeline_flush_done. NULL: it never is. */
    const atomic_bool *holds_done;
};

enum ots_status ots_pipeline_new(const struct ots_pipeline_options *options,
                                 struct ots_pipeline **out) OTS_MUST_CHECK;

/*
 * Waits for the puts in flight. Rows that are kept are forgotten; the journal has them. Accepts
 * NULL.
 */
void ots_pipeline_free(struct ots_pipeline *pipeline);

/* Use a journal (borrowed). Before the first row is added. */
void ots_pipeline_set_journal(struct ots_pipeline *pipeline, struct ots_journal *journal);

/* NULL: none yet. */
struct ots_journal *ots_pipeline_journal(struct ots_pipeline *pipeline);

/*
 * Add a copy of `row`, written by `origin`, which the row holds a reference to. Waits while the
 * batches in flight are at their maximum and the next is full.
 * Errors, and the row is not added: OTS_CANCELLED (interrupted while waiting), OTS_NOMEM; that of
 * a put that failed while this waited.
 */
enum ots_status ots_pipeline_add(struct ots_pipeline *pipeline, const struct ots_row *row,
                                 struct ots_origin *origin,
                                 struct ots_interrupt *interrupt) OTS_MUST_CHECK;

/* The same for a row whose sum, in the precision of the mount, is known. */
enum ots_status ots_pipeline_add_summed(struct ots_pipeline *pipeline, const struct ots_row *row,
                                        const struct ots_row_sum *sum, struct ots_origin *origin,
                                        struct ots_interrupt *interrupt) OTS_MUST_CHECK;

/* The same for a row that the journal's old segments hold. */
enum ots_status ots_pipeline_add_again(struct ots_pipeline *pipeline, const struct ots_row *row,
                                       struct ots_origin *origin,
                                       struct ots_interrupt *interrupt) OTS_MUST_CHECK;

/*
 * If a version of `row` waits for the next put, merge a copy of `row` into that, field by field,
 * instead of adding it; from then on it is `origin`'s. Never waits.
 * Errors: OTS_LIMIT (merged it would be over a limit), OTS_NOMEM; then nothing was done.
 */
enum ots_status ots_pipeline_merge(struct ots_pipeline *pipeline, const struct ots_row *row,
                                   struct ots_origin *origin, bool *is_merged,
                                   struct ots_error *err) OTS_MUST_CHECK;

/*
 * Make rows added before this call outlive the process. Waits for nothing but the disk; does
 * nothing without a journal. Errors: those of ots_journal_append.
 */
enum ots_status ots_pipeline_hand_over(struct ots_pipeline *pipeline,
                                       struct ots_error *err) OTS_MUST_CHECK;

/* To be called now and then: when somebody has removed the journal's files, what they held is
 * written anew, and what could not be written is tried again each second. That is logged, and
 * whether it succeeds. */
void ots_pipeline_mend_journal(struct ots_pipeline *pipeline);

/*
 * Batches that have ended, and whose rows were counted, are kept in the journal until somebody has
 * stored that: it asks for `ots_pipeline_done_mark`, then stores what is known, then tells that
 * those before the mark are done. UINT64_MAX: all are. A few thousand are kept at most.
 */
uint64_t ots_pipeline_done_mark(struct ots_pipeline *pipeline);
void ots_pipeline_flush_done(struct ots_pipeline *pipeline, uint64_t mark);

/* How many batches are kept so. */
size_t ots_pipeline_held_count(struct ots_pipeline *pipeline);

/* The rows of the journal's old segments were stored or rejected: drop these, when the time has
 * come. Errors: those of ots_journal_drop_old. */
enum ots_status ots_pipeline_drop_old(struct ots_pipeline *pipeline,
                                      struct ots_error *err) OTS_MUST_CHECK;

/*
 * Wait until every row added before this call was stored, refused or, within this call, kept
 * because its put failed. Errors: OTS_CANCELLED; OTS_IO (rows were kept;
 * ots_pipeline_failure tells why).
 */
enum ots_status ots_pipeline_wait(struct ots_pipeline *pipeline,
                                  struct ots_interrupt *interrupt) OTS_MUST_CHECK;

/* The same, and OTS_IO comes with a message that says why. */
enum ots_status ots_pipeline_settle(struct ots_pipeline *pipeline, struct ots_interrupt *interrupt,
                                    struct ots_error *err) OTS_MUST_CHECK;

/*
 * Wait as ots_pipeline_wait does, in two steps, so that several pipelines are drained at once: the
 * first sends what can be sent, the second waits, with what the first returned.
 */
uint64_t ots_pipeline_begin_drain(struct ots_pipeline *pipeline);
enum ots_status ots_pipeline_end_drain(struct ots_pipeline *pipeline,
                                       uint64_t drain) OTS_MUST_CHECK;

/* Why rows were kept last. */
void ots_pipeline_failure(struct ots_pipeline *pipeline, struct ots_error *err);

/*
 * Send a batch that is not full when its first row is older than `age_us`, and rows that are kept
 * when it is time for them.
 */
void ots_pipeline_send_older(struct ots_pipeline *pipeline, int64_t age_us);

/* Whether rows are waiting, in flight or kept. */
bool ots_pipeline_is_busy(struct ots_pipeline *pipeline);

struct ots_pipeline_counts {
    uint64_t rows_added;
    uint64_t rows_stored;
    uint64_t rows_failed; /* refused */
    uint64_t puts;
    uint64_t rows_waiting;   /* now: being collected, in flight or kept */
    bool is_journal_failing; /* rows could not be written to it when that was tried last */
};
void ots_pipeline_counts(struct ots_pipeline *pipeline, struct ots_pipeline_counts *counts);

#endif
