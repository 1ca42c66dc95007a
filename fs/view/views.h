/*
 * The views of a mount: what `.range`, `.fields`, `.changes` and `.splits` hold, made when they are
 * named, and forgotten when many others were named since and nobody has anything open in them.
 *
 * A view is pinned while it must stay: by each operation in it, each open file, each open
 * directory. A pin of a view pins those that it lies in. Nodes outside of views always stay, so
 * that a pin of one costs nothing.
 */
#ifndef OTS_VIEW_VIEWS_H
#define OTS_VIEW_VIEWS_H

#include "backend/base/interrupt.h"
#include "fs/view/node.h"

/* Views that are remembered, and nodes in views beyond which those that nobody uses go. */
enum { OTS_VIEWS_MAX = 1000, OTS_VIEWS_NODES_MAX = 200000 };

struct ots_view;
struct ots_extract;

/* Guarded by the view's lock. */
struct ots_views {
    struct ots_extract *newest; /* list in the order of their last use */
    struct ots_extract *oldest;
    size_t count;
    size_t node_count; /* measurements and timelines that they hold */
};

/*
 * The node of an inode number, pinned. Errors: OTS_STALE (no such number, or of a forgotten view:
 * the kernel then looks the name up again), OTS_NOT_FOUND (not listed any more).
 */
enum ots_status ots_view_pin(struct ots_view *view, uint64_t ino, struct ots_node **node,
                             struct ots_error *err) OTS_MUST_CHECK;
/* NULL is accepted. */
void ots_view_unpin(struct ots_view *view, const struct ots_node *node);
void ots_node_pin_locked(const struct ots_node *node);
void ots_node_unpin_locked(const struct ots_node *node);

/* Whether the node belongs to a view, or holds views. */
bool ots_node_is_in_view(const struct ots_node *node);

/* Errors: OTS_READ_ONLY for such a node. A number that is not known is not refused. */
enum ots_status ots_view_check_writable(struct ots_view *view, uint64_t ino,
                                        struct ots_error *err) OTS_MUST_CHECK;

/*
 * Whether a name below `.changes`, where `dir` is pinned, may be looked up now; other names may.
 * Asks the service. The view's lock is not held. Errors: OTS_NOT_FOUND, OTS_INVALID (not a window's
 * name), those of ots_window_check.
 */
enum ots_status ots_views_check_name(struct ots_view *view, struct ots_node *dir,
                                     struct ots_slice name, struct ots_interrupt *interrupt,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* Whether the directory is `.changes`. */
bool ots_node_is_changes(const struct ots_node *dir);

/*
 * A hidden name below a table or view, or a view's name below `.range` and the others of its kind,
 * listed. The view's lock is held, `dir` is pinned. Errors: OTS_NOT_FOUND (no such name),
 * OTS_INVALID (a window without a moment), OTS_TOO_MANY (as many views as there may be are in use),
 * OTS_NOMEM.
 */
enum ots_status ots_views_find_locked(struct ots_view *view, struct ots_node *dir,
                                      struct ots_slice name, struct ots_node **node) OTS_MUST_CHECK;

/* A view holds so many nodes. The view's lock is held. */
void ots_views_note_nodes_locked(struct ots_extract *extract, size_t count);

#endif
