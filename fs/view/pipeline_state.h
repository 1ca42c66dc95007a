/*
 * What pipeline.c, put.c and hand_over.c share; pipeline.c tells how it works.
 */
#ifndef OTS_VIEW_PIPELINE_STATE_H
#define OTS_VIEW_PIPELINE_STATE_H

#include <pthread.h>

#include "fs/lp/print.h"
#include "fs/view/batch.h"
#include "fs/view/pipeline.h"

struct ots_pipeline {
    struct ots_pipeline_options options;
    char *table;
    /* Who holds this writes to the journal; taken before `synced.lock`, never behind it. */
    pthread_mutex_t journal_lock;
    struct ots_journal *journal; /* changed with both locks held */
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

#endif
