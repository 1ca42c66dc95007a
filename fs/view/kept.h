/*
 * Timelines and directories whose attributes the kernel keeps.
 *
 * While a table is followed nothing of what is known of it grows old by itself, so the kernel may
 * keep what it was told until it is told that this has changed: whatever changes the size or time
 * of a node, or hides it, drops it from the set, and then it is stale until somebody was told. Each
 * is told once, however often it changes, so the set is bounded by the nodes.
 *
 * Threads: all of this is called with the view's lock held.
 */
#ifndef OTS_VIEW_KEPT_H
#define OTS_VIEW_KEPT_H

#include "fs/view/node.h"

struct ots_attr;
struct ots_view;

/* Of a view; zero is empty. */
struct ots_kept {
    uint64_t *stale; /* inode numbers: a ring, with room for all that are kept too */
    size_t capacity;
    size_t first;
    size_t stale_count;
    size_t kept_count;
    uint64_t dropped_count; /* all that ever were */
};

void ots_kept_deinit(struct ots_kept *kept);

/* The node's attributes as they are known, and whether they may be kept. */
void ots_kept_tell_locked(struct ots_view *view, struct ots_node *node, struct ots_attr *attr);

/* The same for a timeline that its file's maker is told of: then it may have no rows yet. */
void ots_kept_tell_made_locked(struct ots_view *view, struct ots_node *node, struct ots_attr *attr);

/*
 * A request of the kernel changes the node, and the kernel knows by its answer: nobody has to tell
 * it. From begin to end others may be told of the node again. Begin: whether the node was kept;
 * then end is due. `is_noticed`: the kernel has forgotten what it keeps.
 */
bool ots_kept_begin_own_locked(struct ots_node *node);
void ots_kept_end_own_locked(struct ots_view *view, struct ots_node *node, bool is_noticed);

/* The node's attributes have changed, or do now. */
void ots_kept_drop_locked(struct ots_view *view, struct ots_node *node);

/* The same for all of a table: nothing tells any more what others change. `table` is its node. */
void ots_kept_drop_table_locked(struct ots_view *view, struct ots_node *table);

#endif
