/*
 * Portions: views that are a share of a whole table, with nothing else selected.
 *
 * Their nodes are names only. What is known of a timeline, and whether it is there, is what is
 * known of its origin, the same timeline in the whole table, so a portion asks nothing of the
 * service that the table would not ask. A node is made when it is listed or looked up.
 */
#ifndef OTS_VIEW_PORTION_H
#define OTS_VIEW_PORTION_H

#include "fs/view/state.h"

bool ots_extract_is_portion(const struct ots_extract *extract);

/*
 * The origin of a portion's node (of the portion itself: the table); NULL for other nodes. The
 * view's lock is held.
 */
struct ots_node *ots_portion_origin_locked(const struct ots_node *node);

/* A node's origin, or itself when it has none. The view's lock is not held. */
struct ots_node *ots_node_known(struct ots_node *node);

/*
 * Sets `*child` to the portion's child of that name, listed; NULL when the table has none, or it
 * is in another share. `dir` is pinned, the view's lock is held. Errors: OTS_NOMEM.
 */
enum ots_status ots_portion_find_locked(struct ots_node *dir, struct ots_slice name,
                                        struct ots_node **child) OTS_MUST_CHECK;

/*
 * Let the children that are listed be those that the table lists now; does nothing in other
 * directories. `dir` is pinned, the view's lock is held. Errors: OTS_NOMEM.
 */
enum ots_status ots_portion_list_locked(struct ots_node *dir) OTS_MUST_CHECK;

#endif
