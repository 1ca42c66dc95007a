/*
 * The children of a directory: a million of them are found by name, and visited in order.
 *
 * Names are found by hash. The order is made when somebody asks for it: what was added since is
 * sorted then and merged into what was sorted before, so adding costs the same in any order. All of
 * it takes 30 bytes for each child at most.
 *
 * Ownership: the nodes are the caller's. Threads: one at a time; looking at the order changes it.
 */
#ifndef OTS_VIEW_CHILDREN_H
#define OTS_VIEW_CHILDREN_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/base/slice.h"

struct ots_node;

struct ots_children {
    struct ots_node **slots; /* by hash, open addressing; NULL is free */
    size_t slot_count;       /* a power of two */
    struct ots_node **order; /* all of them, the first `sorted_count` by name */
    size_t order_capacity;
    size_t count;
    size_t sorted_count;
};

void ots_children_deinit(struct ots_children *children);

/* NULL when there is none of that name. */
struct ots_node *ots_children_find(const struct ots_children *children, struct ots_slice name);

/* There must be none of its name. False without memory; then nothing was done. */
bool ots_children_add(struct ots_children *children, struct ots_node *node);

/* It must be there. */
void ots_children_remove(struct ots_children *children, struct ots_node *node);

/* How many names come before the node's in that order; it must be there. */
size_t ots_children_place(struct ots_children *children, const struct ots_node *node);

/* All `count` in bytewise order of their names; until the next change. */
struct ots_node *const *ots_children_sorted(struct ots_children *children);

#endif
