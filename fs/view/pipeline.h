/*
 * Rows on their way to one table: full batches, several in flight, back-pressure to the writers.
 *
 * A row is in at most one put in flight: a batch that holds a row of which an older version is on
 * its way waits for that. Within a batch the later version of a row takes the earlier one's place;
 * of the same origin they are merged field by field. So of two puts of one row the one that was
 * added later wins, also across retries.
 *
 * A put that the service refuses for good is cut in halves until the refused rows stand alone; the
 * others are stored.
 *
 * Threads: safe.
 */
#ifndef OTS_VIEW_PIPELINE_H
#define OTS_VIEW_PIPELINE_H

#include "backend/base/clock.h"
#include "backend/base/log.h"
#include "backend/store.h"
#include "fs/view/origin.h"

struct ots_pipeline;

struct ots_pipeline_options {
    struct ots_store *store; /* borrowed */
    struct ots_slice table;  /* copied */
    const struct ots_clock *clock;
    const struct ots_log *log;
    size_t in_flight_max; /* batches, at least 1 */
    /*
     * Told once for each row that was lost. `row` lives until the call returns.
     * Runs on a thread of the store's; must not call the pipeline.
     */
    void (*failed)(void *context, struct ots_origin *origin, const struct ots_row *row,
                   const struct ots_error *error);
    void *failed_context;
};

enum ots_status ots_pipeline_new(const struct ots_pipeline_options *options,
                                 struct ots_pipeline **out) OTS_MUST_CHECK;

/* Nothing may be on its way. Accepts NULL. */
void ots_pipeline_free(struct ots_pipeline *pipeline);

/*
 * Add a copy of `row`, written by `origin`, which the row holds a reference to. Waits while the
 * batches in flight are at their maximum and the next is full. Errors: OTS_CANCELLED (interrupted
 * while waiting; the row is not added), OTS_NOMEM.
 */
enum ots_status ots_pipeline_add(struct ots_pipeline *pipeline, const struct ots_row *row,
                                 struct ots_origin *origin,
                                 struct ots_interrupt *interrupt) OTS_MUST_CHECK;

/*
 * Wait until every row added before this call was acknowledged or given up.
 * Errors: OTS_CANCELLED.
 */
enum ots_status ots_pipeline_wait(struct ots_pipeline *pipeline,
                                  struct ots_interrupt *interrupt) OTS_MUST_CHECK;

/* Send a batch that is not full when its first row is older than `age_us`. */
void ots_pipeline_send_older(struct ots_pipeline *pipeline, int64_t age_us);

/* Whether rows are waiting or in flight. */
bool ots_pipeline_is_busy(struct ots_pipeline *pipeline);

struct ots_pipeline_counts {
    uint64_t rows_added;
    uint64_t rows_stored;
    uint64_t rows_failed;
    uint64_t puts;
};
void ots_pipeline_counts(struct ots_pipeline *pipeline, struct ots_pipeline_counts *counts);

#endif
