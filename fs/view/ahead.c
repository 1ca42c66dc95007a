/*
 * Entries are numbers into one array. Those of a bucket are chained, the newest first, so of one
 * key the oldest is the last in its chain. Our own are in their group, the others in a list by age.
 */
#include "fs/view/ahead_state.h"

#include <assert.h>
#include <stdlib.h>

enum { CAPACITY_MIN = 64 };

struct ots_ahead *ots_ahead_new(size_t own_max, size_t counted_max)
{
    struct ots_ahead *ahead = calloc(1, sizeof(*ahead));
    if (!ahead)
        return NULL;
    ahead->own_max = own_max ? own_max : OTS_AHEAD_OWN_MAX;
    ahead->counted_max = counted_max ? counted_max : OTS_AHEAD_COUNTED_MAX;
    ahead->next_number = 1;
    return ahead;
}

void ots_ahead_free(struct ots_ahead *ahead)
{
    if (!ahead)
        return;
    while (ahead->oldest) {
        struct ots_ahead_group *group = ahead->oldest;
        ahead->oldest = group->newer;
        free(group);
    }
    free(ahead->groups);
    free(ahead->buckets);
    free(ahead->entries);
    free(ahead);
}

void ots_ahead_on_eviction(struct ots_ahead *ahead,
                           void (*evicted)(void *context, struct ots_node *node), void *context)
{
    ahead->evicted = evicted;
    ahead->context = context;
}

void ots_ahead_counts(const struct ots_ahead *ahead, struct ots_ahead_counts *counts)
{
    *counts = ahead->counts;
    counts->counted = ahead->counted.count;
    counts->again = ahead->again.count;
}

/* --- the table --------------------------------------------------------------------------------*/

static uint32_t *bucket_of(const struct ots_ahead *ahead, const struct ots_node *node,
                           int64_t time_us)
{
    uint64_t hash = (uint64_t)(uintptr_t)node * 0x9E3779B97F4A7C15U ^ (uint64_t)time_us;
    hash *= 0xD6E8FEB86659FD93U;
    hash ^= hash >> 32;
    return &ahead->buckets[hash & (ahead->capacity - 1)];
}

static bool is_key(const struct ots_ahead_item *entry, const struct ots_node *node, int64_t time_us)
{
    return entry->node == node && entry->time_us == time_us;
}

/* The next entry of the key, older than `id`; the newest for 0. */
static uint32_t next_of_key(const struct ots_ahead *ahead, const struct ots_node *node,
                            int64_t time_us, uint32_t id)
{
    if (!ahead->capacity)
        return 0;
    id = id ? ahead->entries[id].next : *bucket_of(ahead, node, time_us);
    while (id && !is_key(&ahead->entries[id], node, time_us))
        id = ahead->entries[id].next;
    return id;
}

/* Chains keep their order: the oldest of each is added first. */
static void fill_buckets(struct ots_ahead *ahead, uint32_t *buckets, uint32_t capacity)
{
    uint32_t *old = ahead->buckets;
    uint32_t old_capacity = ahead->capacity;
    ahead->buckets = buckets;
    ahead->capacity = capacity;
    for (uint32_t i = 0; i < old_capacity; i++) {
        uint32_t reversed = 0;
        for (uint32_t id = old[i], next; id; id = next) {
            next = ahead->entries[id].next;
            ahead->entries[id].next = reversed;
            reversed = id;
        }
        for (uint32_t id = reversed, next; id; id = next) {
            const struct ots_ahead_item *entry = &ahead->entries[id];
            uint32_t *bucket = bucket_of(ahead, entry->node, entry->time_us);
            next = entry->next;
            ahead->entries[id].next = *bucket;
            *bucket = id;
        }
    }
    free(old);
}

static bool grow(struct ots_ahead *ahead)
{
    uint32_t capacity = ahead->capacity ? 2 * ahead->capacity : CAPACITY_MIN;
    struct ots_ahead_item *entries =
        realloc(ahead->entries, ((size_t)capacity + 1) * sizeof(*entries));
    if (!entries)
        return false;
    ahead->entries = entries;
    uint32_t *buckets = calloc(capacity, sizeof(*buckets));
    if (!buckets)
        return false;
    fill_buckets(ahead, buckets, capacity);
    return true;
}

static uint32_t add(struct ots_ahead *ahead, struct ots_node *node, const struct ots_row_sum *sum,
                    enum ots_ahead_kind kind)
{
    if (sum->size_bytes > OTS_AHEAD_SIZE_MAX)
        return 0;
    if (!ahead->free && ahead->used == ahead->capacity && !grow(ahead))
        return 0;
    uint32_t id = ahead->free ? ahead->free : ++ahead->used;
    struct ots_ahead_item *entry = &ahead->entries[id];
    if (ahead->free)
        ahead->free = entry->next;
    uint32_t *bucket = bucket_of(ahead, node, sum->time_us);
    *entry = (struct ots_ahead_item){.node = node,
                                     .time_us = sum->time_us,
                                     .hash = sum->hash,
                                     .size_bytes = (uint32_t)sum->size_bytes & OTS_AHEAD_SIZE_MAX,
                                     .kind = (unsigned)kind & 7,
                                     .next = *bucket};
    *bucket = id;
    return id;
}

static void take_out(struct ots_ahead *ahead, uint32_t id)
{
    struct ots_ahead_item *entry = &ahead->entries[id];
    uint32_t *link = bucket_of(ahead, entry->node, entry->time_us);
    while (*link != id)
        link = &ahead->entries[*link].next;
    *link = entry->next;
    entry->node = NULL;
    entry->next = ahead->free;
    ahead->free = id;
}

/* --- lists by age -----------------------------------------------------------------------------*/

static struct ots_ahead_list *list_of(struct ots_ahead *ahead, unsigned kind)
{
    return kind == OTS_AHEAD_COUNTED ? &ahead->counted : &ahead->again;
}

static void list_add(struct ots_ahead *ahead, uint32_t id)
{
    struct ots_ahead_item *entry = &ahead->entries[id];
    struct ots_ahead_list *list = list_of(ahead, entry->kind);
    entry->age.newer = 0;
    entry->age.older = list->newest;
    if (list->newest)
        ahead->entries[list->newest].age.newer = id;
    else
        list->oldest = id;
    list->newest = id;
    list->count++;
}

static void list_remove(struct ots_ahead *ahead, uint32_t id)
{
    const struct ots_ahead_item *entry = &ahead->entries[id];
    struct ots_ahead_list *list = list_of(ahead, entry->kind);
    uint32_t newer = entry->age.newer;
    uint32_t older = entry->age.older;
    if (newer)
        ahead->entries[newer].age.older = older;
    else
        list->newest = older;
    if (older)
        ahead->entries[older].age.newer = newer;
    else
        list->oldest = newer;
    list->count--;
}

/* --- dropping ---------------------------------------------------------------------------------*/

void ots_ahead_drop(struct ots_ahead *ahead, ots_ahead_id id)
{
    if (ots_ahead_is_own(ahead->entries[id].kind))
        ots_ahead_leave_group(ahead, id);
    else
        list_remove(ahead, id);
    take_out(ahead, id);
}

static void evict_own(struct ots_ahead *ahead, uint32_t id)
{
    struct ots_node *node = ahead->entries[id].node;
    ots_ahead_drop(ahead, id);
    ahead->counts.evicted++;
    if (ahead->evicted)
        ahead->evicted(ahead->context, node);
}

static bool is_evictable(const struct ots_ahead_item *entry)
{
    return entry->kind == OTS_AHEAD_STORED || entry->kind == OTS_AHEAD_UNKNOWN;
}

/* Rows on their way stay: they are few. */
static void evict_oldest_own(struct ots_ahead *ahead)
{
    struct ots_ahead_group *newer;
    for (struct ots_ahead_group *group = ahead->oldest; group && ahead->counts.own > ahead->own_max;
         group = newer) {
        newer = group->newer;
        uint32_t left = group->left;
        for (uint32_t i = 0; left && i < group->count; i++) {
            uint32_t id = group->ids[i];
            left -= id != 0;
            /* With the last one the group may go. */
            if (id && is_evictable(&ahead->entries[id]))
                evict_own(ahead, id);
        }
    }
}

/* The next ones to go. */
static void expect_drops(const struct ots_ahead *ahead, const struct ots_ahead_list *list)
{
    uint32_t id = list->oldest;
    const struct ots_ahead_item *entry = &ahead->entries[id];
    if (!id || !entry->age.newer)
        return;
    ots_ahead_expect_entry(ahead, entry->node, entry->time_us);
    entry = &ahead->entries[entry->age.newer];
    ots_ahead_expect(ahead, entry->node, entry->time_us);
    __builtin_prefetch(&ahead->entries[entry->age.newer], 1);
}

static void bound_list(struct ots_ahead *ahead, const struct ots_ahead_list *list, size_t max)
{
    while (list->count > max)
        ots_ahead_drop(ahead, list->oldest);
    expect_drops(ahead, list);
}

/* --- adding -----------------------------------------------------------------------------------*/

ots_ahead_id ots_ahead_add_own(struct ots_ahead *ahead, struct ots_node *node,
                               const struct ots_row_sum *sum, enum ots_ahead_kind kind)
{
    assert(ots_ahead_is_own(kind));
    if (ahead->counts.own >= ahead->own_max)
        evict_oldest_own(ahead);
    struct ots_ahead_group *group = ahead->newest;
    uint32_t id = group ? add(ahead, node, sum, kind) : 0;
    if (id && !ots_ahead_join_group(ahead, group, id)) {
        take_out(ahead, id);
        return 0;
    }
    if (id)
        group->is_changed = true;
    return id;
}

enum ots_status ots_ahead_restore(struct ots_ahead *ahead, uint64_t group, struct ots_node *node,
                                  const struct ots_row_sum *sum, enum ots_ahead_kind kind)
{
    struct ots_ahead_group *last = ots_ahead_restore_group(ahead, group);
    if (!last)
        return OTS_NOMEM;
    uint32_t id = add(ahead, node, sum, kind);
    return id && ots_ahead_join_group(ahead, last, id) ? OTS_OK : OTS_NOMEM;
}

/* --- looking up -------------------------------------------------------------------------------*/

ots_ahead_id ots_ahead_find(const struct ots_ahead *ahead, const struct ots_node *node,
                            int64_t time_us, enum ots_ahead_kind kind,
                            const struct ots_row_sum *sum)
{
    uint32_t found = 0;
    for (uint32_t id = 0; (id = next_of_key(ahead, node, time_us, id));) {
        const struct ots_ahead_item *entry = &ahead->entries[id];
        if (entry->kind == (unsigned)kind &&
            (!sum || (entry->hash == sum->hash && entry->size_bytes == sum->size_bytes)))
            found = id;
    }
    return found;
}

ots_ahead_id ots_ahead_find_last(const struct ots_ahead *ahead, const struct ots_node *node,
                                 int64_t time_us, enum ots_ahead_kind kind)
{
    uint32_t id = 0;
    while ((id = next_of_key(ahead, node, time_us, id)) &&
           ahead->entries[id].kind != (unsigned)kind)
        ;
    return id;
}

ots_ahead_id ots_ahead_own(const struct ots_ahead *ahead, uint64_t group, ots_ahead_id id)
{
    const struct ots_ahead_item *entry = id ? &ahead->entries[id] : NULL;
    bool is_there = entry && entry->node && ots_ahead_is_own(entry->kind) &&
                    ahead->groups[entry->own.group]->number == group;
    return is_there ? id : 0;
}

ots_ahead_id ots_ahead_newest(const struct ots_ahead *ahead, const struct ots_node *node,
                              int64_t time_us)
{
    return next_of_key(ahead, node, time_us, 0);
}

ots_ahead_id ots_ahead_content(const struct ots_ahead *ahead, const struct ots_node *node,
                               int64_t time_us)
{
    uint32_t id = 0;
    while ((id = next_of_key(ahead, node, time_us, id)) && !ahead->entries[id].is_content)
        ;
    return id;
}

bool ots_ahead_is_awaited(const struct ots_ahead *ahead, const struct ots_node *node,
                          int64_t time_us)
{
    uint32_t id = 0;
    while ((id = next_of_key(ahead, node, time_us, id)) &&
           !ots_ahead_is_own(ahead->entries[id].kind))
        ;
    return id;
}

struct ots_row_sum ots_ahead_sum(const struct ots_ahead *ahead, ots_ahead_id id)
{
    if (!id)
        return (struct ots_row_sum){0};
    const struct ots_ahead_item *entry = &ahead->entries[id];
    return (struct ots_row_sum){entry->time_us, entry->size_bytes, entry->hash};
}

struct ots_node *ots_ahead_node(const struct ots_ahead *ahead, ots_ahead_id id)
{
    return ahead->entries[id].node;
}

enum ots_ahead_kind ots_ahead_kind_of(const struct ots_ahead *ahead, ots_ahead_id id)
{
    return (enum ots_ahead_kind)ahead->entries[id].kind;
}

void ots_ahead_expect(const struct ots_ahead *ahead, const struct ots_node *node, int64_t time_us)
{
    if (ahead->capacity)
        __builtin_prefetch(bucket_of(ahead, node, time_us));
}

void ots_ahead_expect_entry(const struct ots_ahead *ahead, const struct ots_node *node,
                            int64_t time_us)
{
    if (ahead->capacity)
        __builtin_prefetch(&ahead->entries[*bucket_of(ahead, node, time_us)], 1);
}

/* --- changing ---------------------------------------------------------------------------------*/

void ots_ahead_set_kind(struct ots_ahead *ahead, ots_ahead_id id, enum ots_ahead_kind kind)
{
    struct ots_ahead_item *entry = &ahead->entries[id];
    assert(ots_ahead_is_own(entry->kind) && kind != OTS_AHEAD_COUNTED);
    if (ots_ahead_is_own(kind)) {
        entry->kind = (unsigned)kind & 7;
        ahead->groups[entry->own.group]->is_changed = true;
        return;
    }
    ots_ahead_leave_group(ahead, id);
    entry->kind = (unsigned)kind & 7;
    list_add(ahead, id);
    bound_list(ahead, &ahead->again, OTS_AHEAD_AGAIN_MAX);
}

void ots_ahead_forget_content(struct ots_ahead *ahead, const struct ots_node *node, int64_t time_us)
{
    uint32_t next = next_of_key(ahead, node, time_us, 0);
    while (next) {
        uint32_t id = next;
        next = next_of_key(ahead, node, time_us, id);
        ahead->entries[id].is_content = false;
        if (!ots_ahead_is_own(ahead->entries[id].kind))
            ots_ahead_drop(ahead, id);
    }
}

void ots_ahead_set_content(struct ots_ahead *ahead, ots_ahead_id id)
{
    const struct ots_node *node = ahead->entries[id].node;
    int64_t time_us = ahead->entries[id].time_us;
    uint32_t next = next_of_key(ahead, node, time_us, 0);
    while (next) {
        uint32_t other = next;
        next = next_of_key(ahead, node, time_us, other);
        ahead->entries[other].is_content = other == id;
        if (other != id && !ots_ahead_is_own(ahead->entries[other].kind))
            ots_ahead_drop(ahead, other);
    }
}

void ots_ahead_count(struct ots_ahead *ahead, struct ots_node *node, const struct ots_row_sum *sum)
{
    ots_ahead_forget_content(ahead, node, sum->time_us);
    uint32_t id = add(ahead, node, sum, OTS_AHEAD_COUNTED);
    if (!id)
        return;
    ahead->entries[id].is_content = true;
    list_add(ahead, id);
    bound_list(ahead, &ahead->counted, ahead->counted_max);
}

void ots_ahead_forget_contents(struct ots_ahead *ahead, const struct ots_node *node,
                               int64_t from_us, int64_t until_us)
{
    for (uint32_t id = 1; id <= ahead->used; id++) {
        struct ots_ahead_item *entry = &ahead->entries[id];
        if (!entry->node || (node && entry->node != node) || entry->time_us < from_us ||
            entry->time_us >= until_us)
            continue;
        entry->is_content = false;
        if (!ots_ahead_is_own(entry->kind))
            ots_ahead_drop(ahead, id);
    }
}

void ots_ahead_drop_unknown(struct ots_ahead *ahead)
{
    for (uint32_t id = 1; id <= ahead->used; id++)
        if (ahead->entries[id].node && ahead->entries[id].kind == OTS_AHEAD_UNKNOWN)
            ots_ahead_drop(ahead, id);
}

void ots_ahead_doubt(struct ots_ahead *ahead)
{
    for (uint32_t id = 1; id <= ahead->used; id++) {
        struct ots_ahead_item *entry = &ahead->entries[id];
        entry->is_content = false;
        if (entry->node && entry->kind == OTS_AHEAD_STORED)
            ots_ahead_set_kind(ahead, id, OTS_AHEAD_UNKNOWN);
        else if (entry->node && !ots_ahead_is_own(entry->kind))
            ots_ahead_drop(ahead, id);
    }
}

void ots_ahead_clear(struct ots_ahead *ahead)
{
    for (uint32_t id = 1; id <= ahead->used; id++) {
        struct ots_ahead_item *entry = &ahead->entries[id];
        entry->is_content = false;
        if (entry->node && entry->kind != OTS_AHEAD_SENT && entry->kind != OTS_AHEAD_SEEN)
            ots_ahead_drop(ahead, id);
    }
}
