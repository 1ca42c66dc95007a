#include "fs/view/unsaved.h"

#include <stdlib.h>

void ots_unsaved_drop_locked(struct ots_table *table)
{
    while (table->changed_count)
        table->changed[--table->changed_count]->is_changed = false;
    free(table->changed);
    table->changed = NULL;
    table->changed_capacity = 0;
}

void ots_unsaved_deinit(struct ots_table *table)
{
    free(table->changed);
    table->changed = NULL;
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

void ots_unsaved_take_up_locked(struct ots_table *table, struct ots_node *timeline)
{
    if (timeline->is_changed)
        return;
    if (table->changed_count == table->changed_capacity) {
        size_t capacity = table->changed_capacity ? 2 * table->changed_capacity : 64;
        struct ots_node **grown = reallocarray(table->changed, capacity, sizeof(struct ots_node *));
        /* Then it is saved with its next change. */
        if (!grown)
            return;
        table->changed = grown;
        table->changed_capacity = capacity;
    }
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
    struct ots_node *timeline = table->changed[--table->changed_count];
    timeline->is_changed = false;
    if (!table->changed_count)
        ots_unsaved_drop_locked(table);
    return timeline;
}
