/*
 * Our own rows in groups, as they are put, and saving them.
 */
#include "fs/view/ahead_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { GROUP_MIN = 64 };

/* --- groups -----------------------------------------------------------------------------------*/

static void free_group(struct ots_ahead *ahead, struct ots_ahead_group *group)
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
    uint32_t capacity = ahead->group_capacity ? 2 * ahead->group_capacity : GROUP_MIN;
    struct ots_ahead_group **groups =
        reallocarray(ahead->groups, capacity, sizeof(struct ots_ahead_group *));
    if (!groups)
        return false;
    memset(groups + ahead->group_capacity, 0,
           (capacity - ahead->group_capacity) * sizeof(struct ots_ahead_group *));
    ahead->groups = groups;
    ahead->group_capacity = capacity;
    return true;
}

static struct ots_ahead_group *add_group(struct ots_ahead *ahead, uint64_t number, size_t count)
{
    assert(count <= UINT32_MAX);
    struct ots_ahead_group *group =
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

void ots_ahead_tidy_group(struct ots_ahead *ahead, struct ots_ahead_group *group)
{
    if (!group->left && !group->is_saved && group != ahead->newest)
        free_group(ahead, group);
}

void ots_ahead_leave_group(struct ots_ahead *ahead, uint32_t id)
{
    const struct ots_ahead_item *entry = &ahead->entries[id];
    struct ots_ahead_group *group = ahead->groups[entry->own.group];
    group->ids[entry->own.place] = 0;
    group->left--;
    group->is_changed = true;
    ahead->counts.own--;
    ots_ahead_tidy_group(ahead, group);
}

bool ots_ahead_join_group(struct ots_ahead *ahead, struct ots_ahead_group *group, uint32_t id)
{
    if (group->count == group->capacity)
        return false;
    struct ots_ahead_item *entry = &ahead->entries[id];
    entry->own.group = group->index;
    entry->own.place = group->count;
    group->ids[group->count++] = id;
    group->left++;
    ahead->counts.own++;
    return true;
}

uint64_t ots_ahead_begin_group(struct ots_ahead *ahead, size_t count)
{
    struct ots_ahead_group *last = ahead->newest;
    const struct ots_ahead_group *group = add_group(ahead, ahead->next_number, count);
    if (last)
        ots_ahead_tidy_group(ahead, last);
    return group ? group->number : 0;
}

/* It has no pointers to itself but these. */
static struct ots_ahead_group *grow_newest(struct ots_ahead *ahead)
{
    struct ots_ahead_group *group = ahead->newest;
    size_t capacity = 2 * (size_t)group->capacity;
    group = realloc(group, sizeof(*group) + capacity * sizeof(group->ids[0]));
    if (!group)
        return NULL;
    group->capacity = (uint32_t)capacity;
    ahead->groups[group->index] = ahead->newest = group;
    if (group->older)
        group->older->newer = group;
    else
        ahead->oldest = group;
    return group;
}

struct ots_ahead_group *ots_ahead_restore_group(struct ots_ahead *ahead, uint64_t number)
{
    struct ots_ahead_group *group = ahead->newest;
    if (group && group->number == number)
        return group->count == group->capacity ? grow_newest(ahead) : group;
    assert(!group || group->number < number);
    group = add_group(ahead, number, GROUP_MIN);
    if (group)
        group->is_saved = true;
    return group;
}

/* --- saving -----------------------------------------------------------------------------------*/

static size_t collect_group(const struct ots_ahead *ahead, const struct ots_ahead_group *group,
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
    struct ots_ahead_group *newer;
    for (struct ots_ahead_group *group = ahead->oldest; group && status == OTS_OK; group = newer) {
        newer = group->newer;
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
        if (status == OTS_OK) {
            group->is_changed = false;
            group->is_saved = group->left != 0;
            ots_ahead_tidy_group(ahead, group);
        }
    }
    free(entries);
    return status;
}

bool ots_ahead_has_changed(const struct ots_ahead *ahead)
{
    const struct ots_ahead_group *group = ahead->newest;
    while (group && !group->is_changed)
        group = group->older;
    return group;
}

void ots_ahead_mark_changed(struct ots_ahead *ahead)
{
    for (struct ots_ahead_group *group = ahead->oldest; group; group = group->newer)
        group->is_changed = true;
}
