/*
 * What the files of fs/view share: the view, its tables, and how they are brought up to date.
 */
#ifndef OTS_VIEW_STATE_H
#define OTS_VIEW_STATE_H

#include <pthread.h>

#include "backend/base/pool.h"
#include "fs/view/node.h"
#include "fs/view/pipeline.h"
#include "fs/view/view.h"

/*
 * How long what was learned from the service counts as the truth: at least the first, and at most
 * a 20th part of the time goes into learning it again. Microseconds.
 */
enum { OTS_FRESH_US = 1000000, OTS_FRESH_COST_FACTOR = 20 };

/*
 * Something that one caller at a time learns from the service, for all who need it. Who waited for
 * an attempt that failed fails with it: otherwise each would wait its own time-out, one after
 * another.
 */
struct ots_knowledge {
    int64_t fresh_until_us;   /* monotonic; 0: nothing was learned */
    bool is_busy;             /* somebody is at it */
    uint64_t attempt_count;   /* attempts that ended */
    struct ots_error failure; /* of the last one; status OTS_OK: it did not fail */
};

struct ots_table {
    struct ots_view *view;
    struct ots_node *node;
    struct ots_pipeline *pipeline;
    struct ots_table *next; /* in the view's list */
    /* All of this is guarded by the view's lock. */
    bool has_field_keys;
    struct ots_knowledge timelines;
    uint32_t scan_id;
    uint64_t row_count;
    uint64_t write_number;    /* grows with every write to one of its timelines */
    size_t unmeasured_count;  /* timelines written and not measured since */
    bool has_failure;         /* rows were refused and no fsync of the table told it yet */
    struct ots_error failure; /* the first of them */
};

struct ots_view {
    struct ots_view_options options;
    struct ots_pool *scan_pool;
    pthread_t sender;
    bool has_sender;
    /* Never held while a store or a pipeline is called. */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t changed; /* a scan or a listing of tables ended, an interrupt was raised */
        struct ots_tree tree;
        struct ots_table *last_table; /* list of all that ever were; they stay */
        struct ots_knowledge tables;
        pthread_cond_t sender_wake;
        bool has_pending_rows; /* the sender has something to look after */
        bool is_ending;
    } synced;
};

/* Monotonic time. */
int64_t ots_view_now_us(const struct ots_view *view);

/* Let a thread wait: at most `time_us`, less when the interrupt is raised or anything changes. */
void ots_view_nap(struct ots_view *view, int64_t time_us, struct ots_interrupt *interrupt);

/* The table behind `table` in the view's list, the first for NULL; NULL at the end. */
struct ots_table *ots_view_next_table(struct ots_view *view, const struct ots_table *table);

/* The sender must look after rows that were added to a pipeline. */
void ots_view_wake_sender(struct ots_view *view);

/* Bring the list of tables up to date when it is old. */
enum ots_status ots_view_refresh_tables(struct ots_view *view, struct ots_interrupt *interrupt,
                                        struct ots_error *err) OTS_MUST_CHECK;

/* Bring a table's timelines and their sizes up to date by a parallel scan when they are old. */
enum ots_status ots_view_refresh_table(struct ots_table *table, struct ots_interrupt *interrupt,
                                       struct ots_error *err) OTS_MUST_CHECK;

/* Bring one timeline's size up to date when it was written since it was measured. */
enum ots_status ots_view_refresh_timeline(struct ots_view *view, struct ots_node *timeline,
                                          struct ots_interrupt *interrupt,
                                          struct ots_error *err) OTS_MUST_CHECK;

/* Scan the whole table and store what was found. Only ots_view_refresh_table calls this. */
enum ots_status ots_measure_table(struct ots_table *table, struct ots_interrupt *interrupt,
                                  struct ots_error *err) OTS_MUST_CHECK;

/*
 * Note what a timeline holds, as seen after the table's write `write_number`; what was seen later
 * stays. The view's lock is held.
 */
void ots_table_note_extent_locked(struct ots_table *table, struct ots_node *timeline,
                                  const struct ots_extent *extent, uint64_t write_number);

/* Note that a timeline is being written. The view's lock is held. */
void ots_table_note_write_locked(struct ots_table *table, struct ots_node *timeline);

/* The table node below the root, listed, with its pipeline. The view's lock is held. */
enum ots_status ots_view_add_table_locked(struct ots_view *view, struct ots_slice name,
                                          bool has_field_keys,
                                          struct ots_node **out) OTS_MUST_CHECK;

/* The attributes as they are known. The view's lock is held. */
void ots_node_attr_locked(const struct ots_node *node, struct ots_attr *attr);

#endif
