/*
 * What pipeline.c, put.c, counting.c and hand_over.c share; pipeline.c tells how it works.
 */
#ifndef OTS_VIEW_PIPELINE_STATE_H
#define OTS_VIEW_PIPELINE_STATE_H

#include <pthread.h>

#include "fs/lp/print.h"
#include "fs/view/batch.h"
#include "fs/view/pipeline.h"

/* A batch that was put, for who counts its rows. */
struct ots_sent_batch {
    struct ots_sent_batch *next;
    uint64_t number;
    void *rows;         /* the watcher's */
    bool is_in_journal; /* and held there */
};

struct ots_pipeline {
    struct ots_pipeline_options options;
    char *table;
    /* Who holds this writes to the journal; taken before `synced.lock`, never behind it. */
    pthread_mutex_t journal_lock;
    struct ots_journal *journal; /* changed with both locks held */
    atomic_bool is_journal_failing;
    int64_t journal_retry_us; /* not before does the sender try; of who has `journal_lock` */
    struct ots_lp_printer printer;
    struct ots_buf text;
    /* Nothing else is locked while this is held. */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct ots_batch *filling;
        struct ots_batch *in_flight;
        size_t in_flight_count;
        uint64_t next_number;
        uint64_t failure_number; /* of the last time that rows were kept */
        struct ots_error failure;
        struct ots_pipeline_counts counts;
        /* Batches that have ended and are not counted yet, by number. */
        struct ots_sent_batch *ended;
        size_t ended_count;
        uint64_t counting; /* the one that is being counted; 0: none */
        /* Numbers of batches that the journal keeps; 0 for its old segments. */
        uint64_t *held;
        size_t held_count;
        size_t held_capacity;
        uint64_t flushed_count; /* that were held, and are not any more */
    } synced;
};

/*
 * Put rows `first` to `first + count` of a batch, which has a reference for it. Nothing is locked
 * but, maybe, `journal_lock`.
 */
void ots_pipeline_submit(struct ots_pipeline *pipeline, struct ots_batch *batch, size_t first,
                         size_t count);

/*
 * Drop a reference to a batch. The last one may end it: the journal is told, and the next batch
 * goes. Nothing is locked but, maybe, `journal_lock`.
 */
void ots_pipeline_release(struct ots_pipeline *pipeline, struct ots_batch *batch);

/* --- fs/view/counting.c -----------------------------------------------------------------------*/

/* The batch is about to be put, if it was not before. False without memory. */
bool ots_pipeline_begin_counting(struct ots_pipeline *pipeline, struct ots_batch *batch);

/* What became of a batch's row, as it is now. */
void ots_pipeline_settle_row(struct ots_pipeline *pipeline, const struct ots_batch *batch,
                             size_t index, bool is_stored);

/* The batch has ended: its rows are to be counted. Returns whether the journal is told later. */
bool ots_pipeline_end_counting_locked(struct ots_pipeline *pipeline, struct ots_batch *batch);

/* Count what has ended and does not wait for others. */
void ots_pipeline_count_ended(struct ots_pipeline *pipeline);

/* Whether batches up to `number_max` are still to be counted. */
bool ots_pipeline_is_counting_locked(const struct ots_pipeline *pipeline, uint64_t number_max);

void ots_pipeline_give_up_counting(struct ots_pipeline *pipeline, struct ots_batch *batch);

#endif
