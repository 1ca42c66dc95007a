/*
 * What the files of fs/view share: the view, its instances, tables and extracts, and how they are
 * brought up to date.
 */
#ifndef OTS_VIEW_STATE_H
#define OTS_VIEW_STATE_H

#include <pthread.h>

#include "backend/base/pool.h"
#include "fs/view/ahead.h"
#include "fs/view/described.h"
#include "fs/view/kept.h"
#include "fs/view/knowledge.h"
#include "fs/view/node.h"
#include "fs/view/pages.h"
#include "fs/view/pipeline.h"
#include "fs/view/retention.h"
#include "fs/view/selection.h"
#include "fs/view/view.h"
#include "fs/view/views.h"

/* One source of the mount. */
struct ots_instance {
    struct ots_view *view;
    struct ots_node *node;
    struct ots_slice name; /* the node's; empty when it is the only source */
    struct ots_store *store;
    struct ots_state *state;       /* NULL: nothing is kept on disk */
    struct ots_view_source source; /* as it was given */
    /* Guarded by the view's lock. */
    struct ots_knowledge tables;
    struct ots_knowledge gone_tables; /* what their journals held was rejected */
    struct ots_table *last_table;     /* list of all that ever were; they stay */
};

/*
 * A table, or what a selection leaves of it: directories of measurements and timelines, and what
 * is known of them. What follows `selection` is guarded by the view's lock.
 */
struct ots_extract {
    struct ots_view *view;
    struct ots_table *table;
    struct ots_node *node; /* holds the measurements */
    struct ots_selection selection;
    struct ots_arena arena;    /* of the selection */
    struct ots_window *window; /* of a view of changes: what was read; fs/view/window.h */
    struct ots_knowledge timelines;
    uint32_t scan_id;
    uint64_t row_count;      /* found by the last scan */
    uint64_t timeline_count; /* the same */
    int64_t scanned_us;      /* when it ended, by this machine's clock; 0: there was none */
    int64_t scan_cost_us;    /* what it took */
    uint64_t scanned_write;  /* number of the table's last write when that scan began */
    uint64_t scanned_change; /* the table's change_number then */
    int64_t cut_us;          /* rows of an earlier time had expired then; 0: none does */
    size_t unmeasured_count; /* of a whole table: timelines that have to be measured */
    size_t single_count;     /* timelines that were measured one by one since the last scan */
    /* Of a view: see fs/view/views.h. */
    struct ots_extract *newer;
    struct ots_extract *older;
    size_t pin_count;
    size_t node_count;
};

struct ots_table {
    struct ots_view *view;
    struct ots_instance *instance;
    struct ots_node *node;
    struct ots_pipeline *pipeline;
    struct ots_attributes *attributes;
    struct ots_follower *follower;
    uint64_t drain;                   /* of its pipeline, while the mount ends */
    struct ots_journal *journal;      /* NULL until it was replayed, and without a state */
    struct ots_table *next;           /* in the instance's list */
    atomic_uint_least64_t digits_cut; /* lines whose time lost digits */
    /* Rows that were written by copying them from another file, without text. */
    atomic_uint_least64_t rows_copied;
    /* All of this is guarded by the view's lock. */
    int64_t first_seen_ns;         /* its directory's time until a better one is known */
    struct ots_extract whole;      /* without restriction */
    struct ots_knowledge replayed; /* its journal; fs/view/replay.h */
    struct ots_described described;
    struct ots_known_retention retention;
    /* Times that tools set for directories are not saved yet. */
    bool has_changed_directories;
    bool has_field_keys;
    int32_t time_to_live_s;   /* OTS_TTL_FOREVER: rows do not expire */
    uint64_t superseded_rows; /* of earlier mounts, that were not put again */
    uint64_t write_number;    /* grows with every write to one of its timelines */
    /* See fs/view/apply.h. */
    struct ots_ahead *ahead;
    struct ots_node **changed; /* timelines that are not saved; fs/view/unsaved.h */
    size_t changed_count;
    size_t changed_taken; /* of these, from the first on */
    size_t changed_capacity;
    uint64_t change_number;           /* grows with everything that is put into it */
    struct ots_measuring *measurings; /* single measurements under way */
    unsigned scan_count;              /* scans of all of it under way */
    atomic_bool is_followed;          /* its stream tells what others change */
    bool is_learned;                  /* all its timelines are in the tree */
    bool has_gap;                     /* a part of the stream was missed since the last scan */
    int64_t unsure_until_us;          /* see `is_unsure` of nodes; the service's time */
    int64_t unknown_until_us;         /* rows that earlier mounts left may show until then */
    bool is_truncate_noted;           /* that cutting a file deletes no rows */
    bool has_failure;                 /* rows were refused and no fsync of the table told it yet */
    struct ots_error failure;         /* the first of them */
};

/* See fs/view/staging.h. */
struct ots_staging_set {
    void *by_name;
    void *by_ino;
    struct ots_staging *first;
    size_t count;
    size_t memory_bytes;
};

struct ots_view {
    struct ots_view_options options; /* without the sources, which are the instances */
    struct ots_instance *instances;
    size_t instance_count;
    int64_t mounted_us;
    struct ots_pool *scan_pool;
    struct ots_texts *texts;
    struct ots_read_ahead *read_ahead;
    atomic_uint kept_rows; /* open files that keep rows since they were opened */
    pthread_t sender;
    bool has_sender;
    pthread_t replayer;
    bool has_replayer;
    struct ots_interrupt end; /* of the replayer */
    /* The open files of ports; see fs/view/port.h. Taken before a file is entered. */
    struct {
        pthread_mutex_t lock;
        struct ots_port_file *first;
    } ports;
    /* Never held while a store or a pipeline is called. */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t changed; /* something was learned, an interrupt was raised */
        struct ots_tree tree;
        struct ots_views views;
        struct ots_staging_set staging;
        struct ots_kept kept;
        pthread_cond_t stale; /* something that is kept has changed */
        pthread_cond_t sender_wake;
        bool has_pending_rows; /* the sender has something to look after */
        bool is_ending;
    } synced;
};

/* Monotonic time. */
int64_t ots_view_now_us(const struct ots_view *view);

/* The time of a row as that of a file, which is not in the future. */
int64_t ots_view_past_ns(const struct ots_view *view, int64_t time_us);

/* Let a thread wait: at most `time_us`, less when the interrupt is raised or anything changes. */
void ots_view_nap(struct ots_view *view, int64_t time_us, struct ots_interrupt *interrupt);

/* Wake who waits for `changed`; `context` is the view. For ots_interrupt_attach. */
void ots_view_wake_waiters(void *context);

/* The sender must look after rows that were added to a pipeline. */
void ots_view_wake_sender(struct ots_view *view);

/* --- instances: fs/view/instance.c ------------------------------------------------------------*/

/* The table behind `table` in the instance's list, the first for NULL; NULL at the end. */
struct ots_table *ots_instance_next_table(struct ots_instance *instance,
                                          const struct ots_table *table);

/* Bring the list of tables up to date when it is old. */
enum ots_status ots_instance_refresh(struct ots_instance *instance, struct ots_interrupt *interrupt,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* The table's node, listed, with its pipeline. The view's lock is held. */
enum ots_status ots_instance_add_table_locked(struct ots_instance *instance,
                                              const struct ots_table_meta *meta,
                                              struct ots_node **out) OTS_MUST_CHECK;

/*
 * Wait until all rows and attributes that were written to the table before were acknowledged or
 * refused. Errors: OTS_CANCELLED; OTS_IO (some could not be sent, and are tried again later).
 */
enum ots_status ots_table_wait(struct ots_table *table,
                               struct ots_interrupt *interrupt) OTS_MUST_CHECK;

/*
 * Something written to a timeline (NULL: one that is not in the tree) was not stored. Returns
 * whether it is the first since somebody was told. The view's lock is held.
 */
bool ots_table_note_failure_locked(struct ots_table *table, struct ots_node *timeline,
                                   const struct ots_error *error);

/* What is known of the table and its rows must be learned anew. The view's lock is held. */
void ots_table_forget_locked(struct ots_table *table);

/* Nothing may be on its way to the tables. */
void ots_instance_deinit(struct ots_instance *instance);

/* --- extracts: fs/view/extract.c, fs/view/measure.c -------------------------------------------*/

/*
 * Bring timelines and their sizes up to date by a parallel scan when they are old. Of a portion
 * (fs/view/portion.h), those of the whole table.
 */
enum ots_status ots_extract_refresh(struct ots_extract *extract, struct ots_interrupt *interrupt,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* The same, also when the last scan does not count writes up to `write_number`. */
enum ots_status ots_extract_refresh_since(struct ots_extract *extract, uint64_t write_number,
                                          struct ots_interrupt *interrupt,
                                          struct ots_error *err) OTS_MUST_CHECK;

/*
 * Where a timeline's rows are to be read: those that are selected and did not expire; none
 * (begin_us >= end_us) when all did. `key` is borrowed. The view's lock is not held.
 */
struct ots_page_source ots_extract_page_source(const struct ots_extract *extract,
                                               const struct ots_series_key *key);
struct ots_page_source ots_extract_page_source_locked(const struct ots_extract *extract,
                                                      const struct ots_series_key *key);

/* The same node in the whole table; NULL when it is not there. The view's lock is held. */
struct ots_node *ots_extract_origin_locked(const struct ots_extract *extract,
                                           struct ots_node *node);

/* Whether it has to be measured. The view's lock is held. */
bool ots_extract_is_unmeasured_locked(const struct ots_extract *extract, struct ots_node *timeline);

/* For a view's node that is freed. Accepts NULL. */
void ots_extract_free(struct ots_extract *extract);

/* Bring one timeline's size up to date when it was written since it was measured. */
enum ots_status ots_extract_refresh_timeline(struct ots_extract *extract, struct ots_node *timeline,
                                             struct ots_interrupt *interrupt,
                                             struct ots_error *err) OTS_MUST_CHECK;

/*
 * The same for a file that is opened: with -o browse what was found says nothing of what a timeline
 * holds.
 */
enum ots_status ots_extract_open_timeline(struct ots_extract *extract, struct ots_node *timeline,
                                          struct ots_interrupt *interrupt,
                                          struct ots_error *err) OTS_MUST_CHECK;

/* Scan all of it and store what was found. Only ots_extract_refresh calls this. */
enum ots_status ots_extract_measure(struct ots_extract *extract, struct ots_interrupt *interrupt,
                                    struct ots_error *err) OTS_MUST_CHECK;

/*
 * Note what a timeline was found to hold; what was seen after a later write stays. The view's lock
 * is held.
 */
void ots_extract_note_locked(struct ots_extract *extract, struct ots_node *timeline,
                             const struct ots_measured *measured);

/*
 * Note that rows of `from_us` and later are being written; INT64_MAX: none yet. Before each of the
 * rows is put, ots_history_put_row is called too; when it was, fs/view/apply.h. The view's lock is
 * held.
 */
void ots_table_note_write_locked(struct ots_table *table, struct ots_node *timeline,
                                 int64_t from_us);

/* --- directories: fs/view/directory.c ---------------------------------------------------------*/

/* Make what the directory holds known. Errors: OTS_INVALID (no directory). */
enum ots_status ots_directory_refresh(const struct ots_node *dir, struct ots_interrupt *interrupt,
                                      struct ots_error *err) OTS_MUST_CHECK;

/* The attributes as they are known. The view's lock is held. */
void ots_node_attr_locked(const struct ots_node *node, struct ots_attr *attr);

#endif
