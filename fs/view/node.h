/*
 * The tree of a mount: instances, tables, measurements, timelines, with inode numbers.
 *
 * Nodes live until the tree ends, but for views (OTS_NODE_EXTRACT) and what is below them, which
 * may be forgotten. An inode number never comes to mean something else. A node that vanished is
 * only unlisted. Threads: none of this locks; the view's lock guards the tree.
 */
#ifndef OTS_VIEW_NODE_H
#define OTS_VIEW_NODE_H

#include "backend/model/series.h"
#include "fs/view/children.h"
#include "fs/view/history.h"

enum ots_node_kind {
    OTS_NODE_ROOT, /* only with several sources; else the root is an instance */
    OTS_NODE_INSTANCE,
    OTS_NODE_TABLE,
    OTS_NODE_VIEWS,   /* `.range`, `.fields` */
    OTS_NODE_EXTRACT, /* a view: a table under a selection */
    OTS_NODE_MEASUREMENT,
    OTS_NODE_TIMELINE,
    OTS_NODE_STAGING,
    OTS_NODE_PORT,
    OTS_NODE_STATUS_DIR,
    OTS_NODE_STATUS_FILE,
};

/* Of a timeline that is open, was written and not measured since, has marks or a key. */
struct ots_timeline_more;

/* In one piece with its name. */
struct ots_node {
    uint64_t ino; /* 0 until first listed */
    struct ots_node *parent;
    struct ots_slice name;
    int64_t mtime_ns;
    enum ots_node_kind kind : 8;
    bool is_listed;
    bool is_local;     /* made through this mount, no row seen yet */
    bool is_mtime_set; /* by a tool, a write or a change by others; not just the newest row's */
    /* The rest is of timelines. */
    bool is_removed;    /* unlinked: hidden until it holds something else than `extent` */
    bool has_lost_rows; /* that the service refused, and no sync of the directory told it */
    bool is_changed;    /* what is known of it is not saved yet */
    /* Own rows of it are not known any more: its hash tells whether it changed. */
    bool is_unsure : 1;
    bool is_written : 1;     /* by this mount */
    bool is_sending : 1;     /* perhaps rows of it are on their way */
    bool is_time_due : 1;    /* of a directory: a child's time went back */
    bool is_mark_due : 1;    /* the next row behind the last one is the first in its MiB */
    bool has_kept_marks : 1; /* marks of it are in the table's file */
    bool is_kept : 1; /* the kernel keeps its attributes, of directories too; fs/view/kept.h */
    union {
        struct {
            struct ots_children children; /* of a directory */
            union {
                struct ots_instance *instance; /* OTS_NODE_INSTANCE */
                struct ots_table *table;       /* OTS_NODE_TABLE */
                struct ots_extract *extract;   /* OTS_NODE_EXTRACT */
            };
        };
        struct { /* OTS_NODE_TIMELINE */
            struct ots_extent extent;
            int64_t begin_us; /* rows before this time do not count in `extent` */
            int64_t seen_us;  /* the service's time when it was first seen */
            /* Numbers of the table's writes, not in views: of the last that made it necessary to
             * measure the timeline, and of this mount's last write to it. 0: none. */
            uint64_t last_write;
            uint64_t own_write;
            /* Number of the table's last write when `extent` was measured. */
            uint64_t measured_write;
            struct ots_timeline_more *more; /* NULL: nothing that is worth it */
            /* The look that found it last, and where it keeps what it finds; fs/view/finding.h. */
            uint32_t scan_id;
            uint32_t found_index;
        } timeline;
    };
};

/* Nodes of inode numbers that follow each other; gone when all of them were forgotten. */
enum { OTS_INO_PAGE_NODES = 512 };
struct ots_ino_page {
    size_t node_count;
    struct ots_node *nodes[OTS_INO_PAGE_NODES];
};

struct ots_tree {
    struct ots_node *root;
    struct ots_ino_page **pages; /* of the inode numbers from 0 on; 0 is unused, 1 the root */
    size_t page_capacity;
    uint64_t next_ino;
};

enum { OTS_ROOT_INO = 1 };

/* `root_kind` is OTS_NODE_ROOT or OTS_NODE_INSTANCE. */
enum ots_status ots_tree_init(struct ots_tree *tree, enum ots_node_kind root_kind) OTS_MUST_CHECK;
void ots_tree_deinit(struct ots_tree *tree);

/* NULL when `dir` never had such a child. The child may be unlisted. */
struct ots_node *ots_node_child(const struct ots_node *dir, struct ots_slice name);

/* The child, made (unlisted, without inode number) when it is not there. NULL without memory. */
struct ots_node *ots_node_child_make(struct ots_node *dir, enum ots_node_kind kind,
                                     struct ots_slice name);

/* Make the node visible; the first time it gets the next inode number. Errors: OTS_NOMEM. */
enum ots_status ots_tree_list(struct ots_tree *tree, struct ots_node *node) OTS_MUST_CHECK;

/* The next number, for what is no node, but may become one. */
uint64_t ots_tree_take_ino(struct ots_tree *tree);

/*
 * The node, which has a number, gets one of ots_tree_take_ino instead; the old one comes to mean
 * nothing. Errors: OTS_NOMEM; nothing was done.
 */
enum ots_status ots_tree_renumber(struct ots_tree *tree, struct ots_node *node,
                                  uint64_t ino) OTS_MUST_CHECK;

/* NULL for a number that was never given out, or whose node was forgotten. */
struct ots_node *ots_tree_by_ino(const struct ots_tree *tree, uint64_t ino);

/* Free the node and all below it. */
void ots_tree_forget(struct ots_tree *tree, struct ots_node *node);

/* Visit all children, unlisted ones too, in bytewise order of their names. None may be added
 * meanwhile. */
void ots_node_each_child(struct ots_node *dir, void (*visit)(struct ots_node *child, void *context),
                         void *context);

bool ots_node_is_directory(const struct ots_node *node);

/* Whether the node stands in its directory's listing: hidden ones only answer when named. */
bool ots_node_is_shown(const struct ots_node *node);

/* How many of a directory's children stand in its listing. */
size_t ots_node_count_shown(struct ots_node *dir);

/* Whether the timeline has to be measured. */
static inline bool ots_node_is_dirty(const struct ots_node *timeline)
{
    return timeline->timeline.last_write > timeline->timeline.measured_write;
}

/* What a node belongs to; NULL when it lies above. The extract of a table is the whole of it. */
struct ots_instance *ots_node_instance(const struct ots_node *node);
struct ots_table *ots_node_table(const struct ots_node *node);
struct ots_extract *ots_node_extract(const struct ots_node *node);

/* What a timeline has of a history; NULL: nothing. */
struct ots_history *ots_node_history(const struct ots_node *timeline);

/*
 * The timeline's history, made if there is none; it stays until it is released as often as it was
 * held. NULL without memory.
 */
struct ots_history *ots_node_hold_history(struct ots_node *timeline);
void ots_node_release_history(struct ots_node *timeline);
bool ots_node_is_held(const struct ots_node *timeline);

/* The timeline was written from `from_us` on; `last_write` says so too. */
void ots_node_note_write(struct ots_node *timeline, int64_t from_us);

/* A row behind the last one is about to be added to `extent`: marks are noted where they are due.
 */
void ots_node_note_growth(struct ots_node *timeline, int64_t time_us, uint64_t size_bytes);

/* A row of `extent` was replaced by a longer, shorter or other one. */
void ots_node_note_replaced(struct ots_node *timeline, int64_t time_us);

/* What the timeline holds is now known to be that; see ots_history_note. */
void ots_node_note_measured(struct ots_node *timeline, const struct ots_measured *measured,
                            bool is_all);

/* The time of the newest row at first sight, but not later than that sight: else rows of the future
 * would move the timeline's time as long as they are. */
int64_t ots_node_first_us(const struct ots_node *timeline, int64_t newest_us);

/* Remember the key of a timeline whose name cannot be decoded. Errors: OTS_NOMEM. */
enum ots_status ots_node_set_key(struct ots_node *timeline,
                                 const struct ots_series_key *key) OTS_MUST_CHECK;

/*
 * The series key of a timeline, in `arena`. Errors: OTS_NOT_FOUND (a hashed name whose key nobody
 * has told yet), OTS_NOMEM.
 */
enum ots_status ots_node_key(const struct ots_node *timeline, struct ots_arena *arena,
                             struct ots_series_key *key) OTS_MUST_CHECK;

#endif
