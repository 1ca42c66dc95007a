#include "fs/view/unsaved.h"

#include <stdlib.h>

void ots_unsaved_deinit(struct ots_table *table)
{
    free(table->changed);
    table->changed = NULL;
    table->changed_count = table->changed_taken = table->changed_capacity = 0;
}

void ots_unsaved_drop_locked(struct ots_table *table)
{
    for (size_t i = table->changed_taken; i < table->changed_count; i++)
        table->changed[i]->is_changed = false;
    ots_unsaved_deinit(table);
}

void ots_table_note_directory_locked(struct ots_table *table, struct ots_node *dir)
{
    dir->is_changed = true;
    table->has_changed_directories = true;
    ots_kept_drop_locked(table->view, dir);
}

/* A directory shows its newest child's time, unless a tool has set one. */
static void raise_time(struct ots_table *table, struct ots_node *dir, int64_t mtime_ns)
{
    if (dir->is_mtime_set || dir->mtime_ns >= mtime_ns)
        return;
    dir->mtime_ns = mtime_ns;
    ots_table_note_directory_locked(table, dir);
}

static bool make_room(struct ots_table *table)
{
    struct ots_node **changed = table->changed;
    if (table->changed_count < table->changed_capacity)
        return true;
    /* Where many were taken out there is room. */
    if (table->changed_taken > table->changed_count / 2) {
        table->changed_count -= table->changed_taken;
        memmove(changed, changed + table->changed_taken, table->changed_count * sizeof(*changed));
        table->changed_taken = 0;
        return true;
    }
    size_t capacity = table->changed_capacity ? 2 * table->changed_capacity : 64;
    changed = reallocarray(changed, capacity, sizeof(*changed));
    if (!changed)
        return false;
    table->changed = changed;
    table->changed_capacity = capacity;
    return true;
}

void ots_unsaved_take_up_locked(struct ots_table *table, struct ots_node *timeline)
{
    /* Without memory it is saved with its next change. */
    if (timeline->is_changed || !make_room(table))
        return;
    table->changed[table->changed_count++] = timeline;
    timeline->is_changed = true;
}

void ots_table_note_changed_locked(struct ots_table *table, struct ots_node *timeline,
                                   bool is_content)
{
    table->change_number += is_content;
    ots_kept_drop_locked(table->view, timeline);
    if (!atomic_load(&table->is_followed))
        return;
    raise_time(table, timeline->parent, timeline->mtime_ns);
    raise_time(table, table->node, timeline->mtime_ns);
    ots_unsaved_take_up_locked(table, timeline);
}

void ots_table_note_unsaved_locked(struct ots_table *table, struct ots_node *timeline)
{
    if (atomic_load(&table->is_followed))
        ots_unsaved_take_up_locked(table, timeline);
}

struct ots_node *ots_table_next_changed_locked(struct ots_table *table)
{
    if (!table->changed_count)
        return NULL;
    struct ots_node *timeline = table->changed[table->changed_taken++];
    timeline->is_changed = false;
    if (table->changed_taken == table->changed_count)
        ots_unsaved_deinit(table);
    return timeline;
}
