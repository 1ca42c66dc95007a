#include "fs/view/children.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backend/base/search.h"
#include "fs/view/node.h"

enum { SLOTS_MIN = 8, ORDER_MIN = 4 };

void ots_children_deinit(struct ots_children *children)
{
    free(children->slots);
    free(children->order);
    *children = (struct ots_children){0};
}

/* --- by name ----------------------------------------------------------------------------------*/

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 32;
}

static uint64_t hash_name(struct ots_slice name)
{
    uint64_t hash = mix(0, name.size);
    for (size_t at = 0; at < name.size; at += sizeof(uint64_t)) {
        uint64_t word = 0;
        size_t rest = name.size - at;
        memcpy(&word, name.data + at, rest < sizeof(word) ? rest : sizeof(word));
        hash = mix(hash, word);
    }
    return hash;
}

/* Where the search for a name begins. */
static size_t home_of(const struct ots_children *children, struct ots_slice name)
{
    return (size_t)hash_name(name) & (children->slot_count - 1);
}

/* The slot of that name, or the free one where it would be. */
static size_t find_slot(const struct ots_children *children, struct ots_slice name)
{
    size_t mask = children->slot_count - 1;
    size_t slot = home_of(children, name);
    while (children->slots[slot] && !ots_slice_equal(children->slots[slot]->name, name))
        slot = (slot + 1) & mask;
    return slot;
}

struct ots_node *ots_children_find(const struct ots_children *children, struct ots_slice name)
{
    return children->slot_count ? children->slots[find_slot(children, name)] : NULL;
}

/* Room for one more: three quarters are in use at most. */
static bool reserve_slot(struct ots_children *children)
{
    if (children->count < children->slot_count / 4 * 3)
        return true;
    struct ots_children grown = {.slot_count =
                                     children->slot_count ? children->slot_count * 2 : SLOTS_MIN};
    grown.slots = calloc(grown.slot_count, sizeof(*grown.slots));
    if (!grown.slots)
        return false;
    for (size_t i = 0; i < children->count; i++)
        grown.slots[find_slot(&grown, children->order[i]->name)] = children->order[i];
    free(children->slots);
    children->slots = grown.slots;
    children->slot_count = grown.slot_count;
    return true;
}

/* Those behind it move up when the search for them would end at the free slot. */
static void free_slot(struct ots_children *children, size_t hole)
{
    size_t mask = children->slot_count - 1;
    for (size_t slot = (hole + 1) & mask; children->slots[slot]; slot = (slot + 1) & mask) {
        size_t home = home_of(children, children->slots[slot]->name);
        if (((slot - home) & mask) < ((slot - hole) & mask))
            continue;
        children->slots[hole] = children->slots[slot];
        hole = slot;
    }
    children->slots[hole] = NULL;
}

/* --- in order ---------------------------------------------------------------------------------*/

static int compare_nodes(const void *a, const void *b)
{
    const struct ots_node *const *left = a;
    const struct ots_node *const *right = b;
    return ots_slice_compare((*left)->name, (*right)->name);
}

static bool is_before(const void *item, const void *wanted)
{
    return compare_nodes(item, wanted) < 0;
}

/* How many of the first `count`, which are sorted, come before the node. */
static size_t count_before(struct ots_node *const *sorted, size_t count,
                           const struct ots_node *node)
{
    return ots_search(sorted, count, sizeof(struct ots_node *), is_before, &node);
}

/* Move the new ones, which are sorted and of which `tail` is a copy, to their places. */
static void merge(struct ots_node **order, size_t sorted_count, struct ots_node *const *tail,
                  size_t tail_count)
{
    for (size_t left = tail_count; left; left--) {
        struct ots_node *node = tail[left - 1];
        size_t before = count_before(order, sorted_count, node);
        memmove(&order[before + left], &order[before], (sorted_count - before) * sizeof(*order));
        order[before + left - 1] = node;
        sorted_count = before;
    }
}

struct ots_node *const *ots_children_sorted(struct ots_children *children)
{
    size_t tail_count = children->count - children->sorted_count;
    if (!tail_count)
        return children->order;
    struct ots_node **tail = children->order + children->sorted_count;
    struct ots_node **copy = malloc(tail_count * sizeof(struct ots_node *));
    if (copy) {
        qsort(tail, tail_count, sizeof(struct ots_node *), compare_nodes);
        memcpy(copy, tail, tail_count * sizeof(struct ots_node *));
        merge(children->order, children->sorted_count, copy, tail_count);
        free(copy);
    } else {
        qsort(children->order, children->count, sizeof(struct ots_node *), compare_nodes);
    }
    children->sorted_count = children->count;
    return children->order;
}

size_t ots_children_place(struct ots_children *children, const struct ots_node *node)
{
    return count_before(ots_children_sorted(children), children->count, node);
}

/* By an eighth: that costs little memory, and moving it costs little time. */
static bool reserve_order(struct ots_children *children)
{
    if (children->count < children->order_capacity)
        return true;
    size_t capacity = children->order_capacity + children->order_capacity / 8 + ORDER_MIN;
    struct ots_node **order = reallocarray(children->order, capacity, sizeof(struct ots_node *));
    if (!order)
        return false;
    children->order = order;
    children->order_capacity = capacity;
    return true;
}

/* --- changes ----------------------------------------------------------------------------------*/

bool ots_children_add(struct ots_children *children, struct ots_node *node)
{
    if (!reserve_order(children) || !reserve_slot(children))
        return false;
    size_t slot = find_slot(children, node->name);
    assert(!children->slots[slot]);
    children->slots[slot] = node;
    bool is_last =
        children->sorted_count == children->count &&
        (!children->count || compare_nodes(&children->order[children->count - 1], &node) < 0);
    children->order[children->count++] = node;
    children->sorted_count += is_last;
    return true;
}

void ots_children_remove(struct ots_children *children, struct ots_node *node)
{
    size_t slot = find_slot(children, node->name);
    assert(children->slots[slot] == node);
    ots_children_sorted(children);
    size_t index = count_before(children->order, children->count, node);
    memmove(&children->order[index], &children->order[index + 1],
            (children->count - index - 1) * sizeof(*children->order));
    free_slot(children, slot);
    children->count--;
    children->sorted_count--;
}
