#include "fs/view/taking.h"

#include <stdlib.h>

#include "fs/lp/names.h"
#include "fs/view/key_blob.h"
#include "fs/view/mark_blob.h"
#include "fs/view/persist_load.h"
#include "fs/view/unsaved.h"

/* Marks of a portion; those of the timeline that comes over it are in it too. */
enum { PORTION_MARKS_BYTES = 4 * 1024 * 1024 };

static struct ots_taken_node *add_taken(struct ots_taking *taking)
{
    if (taking->count == taking->capacity) {
        size_t more = taking->capacity ? 2 * taking->capacity : 256;
        struct ots_taken_node *grown = reallocarray(taking->nodes, more, sizeof(*grown));
        if (!grown)
            return NULL;
        taking->nodes = grown;
        taking->capacity = more;
    }
    struct ots_taken_node *taken = &taking->nodes[taking->count++];
    *taken = (struct ots_taken_node){0};
    return taken;
}

/* The key of a timeline whose name does not tell it. */
static enum ots_status take_key(struct ots_taking *taking, const struct ots_node *timeline,
                                struct ots_slice *blob)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key = {0};
    struct ots_buf buf = OTS_BUF_INIT;
    if (!ots_timeline_name_is_hashed(timeline->name) &&
        !ots_measurement_name_is_hashed(timeline->parent->name))
        return OTS_OK;
    enum ots_status status = ots_node_key(timeline, &arena, &key);
    if (status == OTS_OK) {
        ots_key_blob_append(&key, &buf);
        status = ots_buf_status(&buf);
    }
    if (status == OTS_OK)
        status = ots_arena_copy(&taking->arena, ots_buf_slice(&buf), blob);
    ots_buf_deinit(&buf);
    ots_arena_deinit(&arena);
    /* No row of it was seen yet. */
    return status == OTS_NOT_FOUND ? OTS_OK : status;
}

static uint32_t flags_of(const struct ots_node *timeline)
{
    bool is_dirty = ots_node_is_dirty(timeline);
    /* The next mount shows what was hidden. */
    bool is_listed = timeline->is_listed || timeline->is_removed;
    return (is_listed ? OTS_PERSIST_LISTED : 0) |
           (timeline->is_mtime_set ? OTS_PERSIST_MTIME_SET : 0) |
           (timeline->is_unsure ? OTS_PERSIST_UNSURE : 0) |
           (timeline->is_local ? OTS_PERSIST_LOCAL : 0) | (is_dirty ? OTS_PERSIST_DIRTY : 0);
}

/* Only when they are others than those in the file: a long timeline that grows has many. */
static enum ots_status take_marks(struct ots_taking *taking, struct ots_node *timeline,
                                  struct ots_taken_node *taken)
{
    struct ots_history *history = ots_node_history(timeline);
    struct ots_buf blob = OTS_BUF_INIT;
    if (taken->is_gone || !history || !history->marks.count) {
        taken->has_lost_marks = timeline->has_kept_marks;
        timeline->has_kept_marks = false;
        return OTS_OK;
    }
    if (timeline->has_kept_marks && ots_history_has_kept_marks(history))
        return OTS_OK;
    ots_mark_blob_append(&history->marks, &blob);
    enum ots_status status = ots_buf_status(&blob);
    if (status == OTS_OK)
        status = ots_arena_copy(&taking->arena, ots_buf_slice(&blob), &taken->marks);
    ots_buf_deinit(&blob);
    taking->marks_bytes += taken->marks.size;
    timeline->has_kept_marks = true;
    ots_history_note_kept_marks(history);
    return status;
}

static enum ots_status take_timeline(struct ots_taking *taking, struct ots_node *timeline)
{
    struct ots_taken_node *taken = add_taken(taking);
    if (!taken)
        return OTS_NOMEM;
    const struct ots_extent *extent = &timeline->timeline.extent;
    taken->known = (struct ots_known_timeline){
        .measurement = timeline->parent->name,
        .file = timeline->name,
        .size_bytes = extent->size_bytes,
        .row_count = extent->row_count,
        .first_time_us = extent->first_time_us,
        .last_time_us = extent->last_time_us,
        .hash = extent->hash,
        .mtime_ns = timeline->mtime_ns,
        .seen_us = timeline->timeline.seen_us,
        .flags = flags_of(timeline),
    };
    taken->is_gone = !timeline->is_listed && !timeline->is_removed;
    enum ots_status status = take_key(taking, timeline, &taken->known.key);
    return status == OTS_OK ? take_marks(taking, timeline, taken) : status;
}

static void see_kept(struct ots_node *child, void *context)
{
    bool *is_kept = context;
    bool has_time = child->kind == OTS_NODE_TIMELINE && (child->is_listed || child->is_removed);
    *is_kept = *is_kept || has_time;
}

/* Nothing of the measurement is kept any more. */
static bool is_gone(struct ots_node *dir)
{
    bool is_kept = dir->kind != OTS_NODE_MEASUREMENT || dir->is_listed;
    if (!is_kept)
        ots_node_each_child(dir, see_kept, &is_kept);
    return !is_kept;
}

static void take_directory(struct ots_taking *taking, struct ots_node *dir)
{
    if (!dir->is_changed)
        return;
    struct ots_taken_node *taken = add_taken(taking);
    if (!taken) {
        taking->status = OTS_NOMEM;
        return;
    }
    dir->is_changed = false;
    taken->is_gone = is_gone(dir);
    taken->known.mtime_ns = dir->mtime_ns;
    taken->known.flags = dir->is_mtime_set ? OTS_PERSIST_MTIME_SET : 0;
    if (dir->kind == OTS_NODE_MEASUREMENT)
        taken->known.measurement = dir->name;
}

static void take_child_directory(struct ots_node *dir, void *context)
{
    if (dir->kind == OTS_NODE_MEASUREMENT)
        take_directory(context, dir);
}

/* Returns whether those were all. */
static bool take_nodes(struct ots_taking *taking, size_t max)
{
    struct ots_node *timeline;
    size_t marks_max = max == SIZE_MAX ? SIZE_MAX : PORTION_MARKS_BYTES;
    while (taking->status == OTS_OK && taking->count < max && taking->marks_bytes < marks_max) {
        timeline = ots_table_next_changed_locked(taking->table);
        if (!timeline)
            return true;
        taking->status = take_timeline(taking, timeline);
    }
    return taking->status != OTS_OK;
}

static enum ots_status take_group(void *context, uint64_t group,
                                  const struct ots_ahead_entry *entries, size_t count)
{
    struct ots_taking *taking = context;
    struct ots_taken_group taken = {group, taking->entries.size / sizeof(struct ots_known_entry),
                                    count};
    ots_buf_append(&taking->groups, &taken, sizeof(taken));
    for (size_t i = 0; i < count; i++) {
        struct ots_known_entry entry = {
            .measurement = entries[i].node->parent->name,
            .file = entries[i].node->name,
            .time_us = entries[i].sum.time_us,
            .hash = entries[i].sum.hash,
            .size_bytes = (uint32_t)entries[i].sum.size_bytes,
            .flags = (uint32_t)entries[i].kind,
        };
        ots_buf_append(&taking->entries, &entry, sizeof(entry));
    }
    return ots_buf_status(&taking->entries);
}

/* All that belongs to the moment of the last portion. */
static void take_rest(struct ots_taking *taking)
{
    struct ots_table *table = taking->table;
    if (table->has_changed_directories) {
        table->has_changed_directories = false;
        take_directory(taking, table->node);
        ots_node_each_child(table->node, take_child_directory, taking);
    }
    if (taking->status == OTS_OK)
        taking->status = ots_ahead_each_changed(table->ahead, take_group, taking);
    taking->cut_us = table->whole.cut_us;
    taking->time_to_live_s = table->time_to_live_s;
}

bool ots_taking_take(struct ots_taking *taking, size_t max)
{
    struct ots_view *view = taking->table->view;
    taking->count = 0;
    taking->marks_bytes = 0;
    ots_arena_reset(&taking->arena);
    pthread_mutex_lock(&view->synced.lock);
    bool is_all = take_nodes(taking, max);
    if (is_all && taking->status == OTS_OK)
        take_rest(taking);
    pthread_mutex_unlock(&view->synced.lock);
    return is_all;
}

void ots_taking_deinit(struct ots_taking *taking)
{
    free(taking->nodes);
    ots_buf_deinit(&taking->groups);
    ots_buf_deinit(&taking->entries);
    ots_arena_deinit(&taking->arena);
}
