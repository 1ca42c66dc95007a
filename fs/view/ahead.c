/*
 * Entries are numbers into one array. Those of a bucket are chained, the newest first, so of one
 * key the oldest is the last in its chain. Our own are in their group, the others in a list by age.
 */
#include "fs/view/ahead.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 64, SPARSE_FACTOR = 16 };

struct entry {
    struct ots_node *node; /* NULL: free */
    int64_t time_us;
    uint64_t hash;
    uint32_t size_bytes : 28;
    uint32_t kind : 3;
    uint32_t is_content : 1;
    uint32_t next; /* in its chain, or of the free ones */
    union {
        struct {
            uint32_t group; /* index of it */
            uint32_t place; /* in it */
        } own;
        struct {
            uint32_t newer;
            uint32_t older;
        } age;
    };
};

struct group {
    uint64_t number;
    struct group *newer;
    struct group *older;
    uint32_t index;
    uint32_t count;
    uint32_t capacity;
    uint32_t left;   /* entries that were not dropped */
    bool is_changed; /* since it was saved */
    bool is_visited; /* and not changed since */
    bool is_saved;   /* whoever saves knows of it */
    uint32_t ids[];
};

struct list {
    uint32_t newest;
    uint32_t oldest;
    uint64_t count;
};

struct ots_ahead {
    size_t own_max;
    size_t counted_max;
    struct entry *entries; /* from 1 on */
    uint32_t used;         /* entries that ever were used, free ones too */
    uint32_t capacity;
    uint32_t free;
    uint32_t *buckets; /* a power of two, `capacity` */
    struct group **groups;
    uint32_t group_capacity;
    uint32_t free_group; /* the lowest index that may be free */
    struct group *newest;
    struct group *oldest;
    uint64_t next_number;
    struct list counted;
    struct list again;
    struct ots_ahead_counts counts;
    void (*evicted)(void *context, struct ots_node *node);
    void *context;
};

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
        struct group *group = ahead->oldest;
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

static bool is_key(const struct entry *entry, const struct ots_node *node, int64_t time_us)
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
            const struct entry *entry = &ahead->entries[id];
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
    struct entry *entries = realloc(ahead->entries, ((size_t)capacity + 1) * sizeof(*entries));
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
    struct entry *entry = &ahead->entries[id];
    if (ahead->free)
        ahead->free = entry->next;
    uint32_t *bucket = bucket_of(ahead, node, sum->time_us);
    *entry = (struct entry){.node = node,
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
    struct entry *entry = &ahead->entries[id];
    uint32_t *link = bucket_of(ahead, entry->node, entry->time_us);
    while (*link != id)
        link = &ahead->entries[*link].next;
    *link = entry->next;
    entry->node = NULL;
    entry->next = ahead->free;
    ahead->free = id;
}

/* --- lists by age -----------------------------------------------------------------------------*/

static struct list *list_of(struct ots_ahead *ahead, unsigned kind)
{
    return kind == OTS_AHEAD_COUNTED ? &ahead->counted : &ahead->again;
}

static void list_add(struct ots_ahead *ahead, uint32_t id)
{
    struct entry *entry = &ahead->entries[id];
    struct list *list = list_of(ahead, entry->kind);
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
    const struct entry *entry = &ahead->entries[id];
    struct list *list = list_of(ahead, entry->kind);
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

/* --- groups -----------------------------------------------------------------------------------*/

static bool is_own(unsigned kind)
{
    return kind <= OTS_AHEAD_UNKNOWN;
}

static void note_group_changed(struct group *group)
{
    group->is_changed = true;
    group->is_visited = false;
}

static void free_group(struct ots_ahead *ahead, struct group *group)
{
    if (group->newer)
        group->newer->older = group->older;
    else
        ahead->newest = group->older;
    if (group->older)
        group->older->newer = group->newer;
    else
        ahead->oldest = group->newer;
    ahead->groups[group->index] = NULL;
    if (group->index < ahead->free_group)
        ahead->free_group = group->index;
    ahead->counts.groups--;
    free(group);
}

static bool find_free_group(struct ots_ahead *ahead)
{
    while (ahead->free_group < ahead->group_capacity && ahead->groups[ahead->free_group])
        ahead->free_group++;
    if (ahead->free_group < ahead->group_capacity)
        return true;
    uint32_t capacity = ahead->group_capacity ? 2 * ahead->group_capacity : CAPACITY_MIN;
    struct group **groups = reallocarray(ahead->groups, capacity, sizeof(struct group *));
    if (!groups)
        return false;
    memset(groups + ahead->group_capacity, 0,
           (capacity - ahead->group_capacity) * sizeof(struct group *));
    ahead->groups = groups;
    ahead->group_capacity = capacity;
    return true;
}

static struct group *add_group(struct ots_ahead *ahead, uint64_t number, size_t count)
{
    assert(count <= UINT32_MAX);
    struct group *group =
        find_free_group(ahead) ? calloc(1, sizeof(*group) + count * sizeof(group->ids[0])) : NULL;
    if (!group)
        return NULL;
    group->number = number;
    group->capacity = (uint32_t)count;
    group->index = ahead->free_group;
    ahead->groups[group->index] = group;
    group->older = ahead->newest;
    if (ahead->newest)
        ahead->newest->newer = group;
    else
        ahead->oldest = group;
    ahead->newest = group;
    ahead->next_number = number + 1;
    ahead->counts.groups++;
    return group;
}

/* Groups of which nothing is left go, unless whoever saves has to be told. */
static void tidy_group(struct ots_ahead *ahead, struct group *group)
{
    if (!group->left && !group->is_saved && group != ahead->newest)
        free_group(ahead, group);
}

static void leave_group(struct ots_ahead *ahead, uint32_t id)
{
    const struct entry *entry = &ahead->entries[id];
    struct group *group = ahead->groups[entry->own.group];
    group->ids[entry->own.place] = 0;
    group->left--;
    note_group_changed(group);
    ahead->counts.own--;
    tidy_group(ahead, group);
}

static bool join_group(struct ots_ahead *ahead, struct group *group, uint32_t id)
{
    if (group->count == group->capacity)
        return false;
    struct entry *entry = &ahead->entries[id];
    entry->own.group = group->index;
    entry->own.place = group->count;
    group->ids[group->count++] = id;
    group->left++;
    ahead->counts.own++;
    return true;
}

uint64_t ots_ahead_begin_group(struct ots_ahead *ahead, size_t count)
{
    struct group *last = ahead->newest;
    const struct group *group = add_group(ahead, ahead->next_number, count);
    if (last)
        tidy_group(ahead, last);
    return group ? group->number : 0;
}

/* --- dropping ---------------------------------------------------------------------------------*/

void ots_ahead_drop(struct ots_ahead *ahead, ots_ahead_id id)
{
    if (is_own(ahead->entries[id].kind))
        leave_group(ahead, id);
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

static bool is_evictable(const struct entry *entry)
{
    return entry->kind == OTS_AHEAD_STORED || entry->kind == OTS_AHEAD_UNKNOWN;
}

/* Rows on their way stay: they are few. */
static void evict_oldest_own(struct ots_ahead *ahead)
{
    struct group *newer;
    for (struct group *group = ahead->oldest; group && ahead->counts.own > ahead->own_max;
         group = newer) {
        newer = group->newer;
        uint32_t left = group->left;
        for (uint32_t i = 0; i < group->count && left; i++) {
            uint32_t id = group->ids[i];
            left -= id != 0;
            /* With the last one the group may go. */
            if (id && is_evictable(&ahead->entries[id]))
                evict_own(ahead, id);
        }
    }
}

static void bound_list(struct ots_ahead *ahead, const struct list *list, size_t max)
{
    while (list->count > max)
        ots_ahead_drop(ahead, list->oldest);
}

/* --- adding -----------------------------------------------------------------------------------*/

ots_ahead_id ots_ahead_add_own(struct ots_ahead *ahead, struct ots_node *node,
                               const struct ots_row_sum *sum, enum ots_ahead_kind kind)
{
    assert(is_own(kind));
    if (ahead->counts.own >= ahead->own_max)
        evict_oldest_own(ahead);
    struct group *group = ahead->newest;
    uint32_t id = group ? add(ahead, node, sum, kind) : 0;
    if (id && !join_group(ahead, group, id)) {
        take_out(ahead, id);
        return 0;
    }
    if (id)
        note_group_changed(group);
    return id;
}

enum ots_status ots_ahead_restore(struct ots_ahead *ahead, uint64_t group, struct ots_node *node,
                                  const struct ots_row_sum *sum, enum ots_ahead_kind kind)
{
    struct group *last = ahead->newest;
    if (last && last->number == group && last->count == last->capacity) {
        /* It has no pointers to itself but these. */
        struct group *grown =
            realloc(last, sizeof(*last) + 2 * (size_t)last->capacity * sizeof(last->ids[0]));
        if (!grown)
            return OTS_NOMEM;
        grown->capacity *= 2;
        ahead->groups[grown->index] = ahead->newest = grown;
        if (grown->older)
            grown->older->newer = grown;
        else
            ahead->oldest = grown;
        last = grown;
    } else if (!last || last->number != group) {
        assert(!last || last->number < group);
        last = add_group(ahead, group, CAPACITY_MIN);
        if (!last)
            return OTS_NOMEM;
        last->is_saved = true;
    }
    uint32_t id = add(ahead, node, sum, kind);
    return id && join_group(ahead, last, id) ? OTS_OK : OTS_NOMEM;
}

/* --- looking up -------------------------------------------------------------------------------*/

ots_ahead_id ots_ahead_find(const struct ots_ahead *ahead, const struct ots_node *node,
                            int64_t time_us, enum ots_ahead_kind kind,
                            const struct ots_row_sum *sum)
{
    uint32_t found = 0;
    for (uint32_t id = 0; (id = next_of_key(ahead, node, time_us, id));) {
        const struct entry *entry = &ahead->entries[id];
        if (entry->kind == (unsigned)kind &&
            (!sum || (entry->hash == sum->hash && entry->size_bytes == sum->size_bytes)))
            found = id;
    }
    return found;
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
    while ((id = next_of_key(ahead, node, time_us, id)) && !is_own(ahead->entries[id].kind))
        ;
    return id;
}

struct ots_row_sum ots_ahead_sum(const struct ots_ahead *ahead, ots_ahead_id id)
{
    const struct entry *entry = &ahead->entries[id];
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

/* --- changing ---------------------------------------------------------------------------------*/

void ots_ahead_set_kind(struct ots_ahead *ahead, ots_ahead_id id, enum ots_ahead_kind kind)
{
    struct entry *entry = &ahead->entries[id];
    assert(is_own(entry->kind) && kind != OTS_AHEAD_COUNTED);
    if (is_own(kind)) {
        entry->kind = (unsigned)kind & 7;
        note_group_changed(ahead->groups[entry->own.group]);
        return;
    }
    leave_group(ahead, id);
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
        if (!is_own(ahead->entries[id].kind))
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
        if (other != id && !is_own(ahead->entries[other].kind))
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
        struct entry *entry = &ahead->entries[id];
        if (!entry->node || (node && entry->node != node) || entry->time_us < from_us ||
            entry->time_us >= until_us)
            continue;
        entry->is_content = false;
        if (!is_own(entry->kind))
            ots_ahead_drop(ahead, id);
    }
}

void ots_ahead_drop_unknown(struct ots_ahead *ahead)
{
    for (uint32_t id = 1; id <= ahead->used; id++)
        if (ahead->entries[id].node && ahead->entries[id].kind == OTS_AHEAD_UNKNOWN)
            ots_ahead_drop(ahead, id);
}

void ots_ahead_clear(struct ots_ahead *ahead)
{
    for (uint32_t id = 1; id <= ahead->used; id++) {
        struct entry *entry = &ahead->entries[id];
        entry->is_content = false;
        if (entry->node && entry->kind != OTS_AHEAD_SENT && entry->kind != OTS_AHEAD_SEEN)
            ots_ahead_drop(ahead, id);
    }
}

/* --- saving -----------------------------------------------------------------------------------*/

static size_t collect_group(const struct ots_ahead *ahead, const struct group *group,
                            struct ots_ahead_entry *out)
{
    size_t count = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        uint32_t id = group->ids[i];
        if (id)
            out[count++] = (struct ots_ahead_entry){
                ots_ahead_node(ahead, id), ots_ahead_sum(ahead, id), ots_ahead_kind_of(ahead, id)};
    }
    return count;
}

enum ots_status ots_ahead_each_changed(struct ots_ahead *ahead, ots_ahead_visit *visit,
                                       void *context)
{
    struct ots_ahead_entry *entries = NULL;
    size_t capacity = 0;
    enum ots_status status = OTS_OK;
    for (struct group *group = ahead->oldest; group && status == OTS_OK; group = group->newer) {
        if (!group->is_changed)
            continue;
        if (group->count > capacity) {
            struct ots_ahead_entry *grown = reallocarray(entries, group->count, sizeof(*grown));
            status = grown ? OTS_OK : OTS_NOMEM;
            entries = grown ? grown : entries;
            capacity = grown ? group->count : capacity;
        }
        if (status == OTS_OK)
            status = visit(context, group->number, entries, collect_group(ahead, group, entries));
        group->is_visited = status == OTS_OK;
        /* Even if that is never known: it may be saved. */
        group->is_saved = true;
    }
    free(entries);
    return status;
}

void ots_ahead_note_saved(struct ots_ahead *ahead)
{
    struct group *newer;
    for (struct group *group = ahead->oldest; group; group = newer) {
        newer = group->newer;
        if (!group->is_visited)
            continue;
        group->is_visited = group->is_changed = false;
        group->is_saved = group->left != 0;
        tidy_group(ahead, group);
    }
}
