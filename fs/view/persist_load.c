/*
 * Loading: the rows come in the order of names, so inode numbers ascend in that of a walk.
 */
#include "fs/view/persist_load.h"

#include <stdlib.h>

#include "fs/state/state_dir.h"
#include "fs/view/apply.h"
#include "fs/view/mark_blob.h"
#include "fs/view/unsaved.h"

struct loading {
    struct ots_table *table;
    struct ots_node *measurement; /* the last one */
    int64_t cut_us;
};

/* --- timelines --------------------------------------------------------------------------------*/

/* What a tool has set in this mount is newer. */
static void set_directory(struct ots_node *dir, const struct ots_known_timeline *known)
{
    if (dir->is_changed && dir->is_mtime_set)
        return;
    dir->mtime_ns = known->mtime_ns;
    dir->is_mtime_set = known->flags & OTS_PERSIST_MTIME_SET;
}

static struct ots_node *find_measurement(struct loading *loading, struct ots_slice name)
{
    struct ots_node *last = loading->measurement;
    if (!last || !ots_slice_equal(last->name, name))
        loading->measurement =
            ots_node_child_make(loading->table->node, OTS_NODE_MEASUREMENT, name);
    return loading->measurement;
}

static enum ots_status set_key(struct ots_node *timeline, struct ots_slice blob)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key;
    if (!blob.size)
        return OTS_OK;
    enum ots_status status = ots_key_blob_read(blob, &arena, &key);
    if (status == OTS_OK)
        status = ots_node_set_key(timeline, &key);
    ots_arena_deinit(&arena);
    return status;
}

static enum ots_status list(struct loading *loading, struct ots_node *timeline)
{
    struct ots_tree *tree = &loading->table->view->synced.tree;
    struct ots_node *measurement = timeline->parent;
    enum ots_status status = OTS_OK;
    if (!measurement->is_listed)
        status = ots_tree_list(tree, measurement);
    return status == OTS_OK ? ots_tree_list(tree, timeline) : status;
}

static enum ots_status set_timeline(struct loading *loading, struct ots_node *timeline,
                                    const struct ots_known_timeline *known)
{
    struct ots_table *table = loading->table;
    timeline->timeline.extent = (struct ots_extent){
        .size_bytes = known->size_bytes,
        .row_count = known->row_count,
        .last_time_us = known->last_time_us,
        .first_time_us = known->first_time_us,
        .hash = known->hash,
    };
    timeline->timeline.begin_us = loading->cut_us;
    timeline->timeline.seen_us = known->seen_us;
    timeline->mtime_ns = known->mtime_ns;
    timeline->is_mtime_set = known->flags & OTS_PERSIST_MTIME_SET;
    timeline->is_unsure = known->flags & OTS_PERSIST_UNSURE;
    timeline->is_local = known->flags & OTS_PERSIST_LOCAL;
    if (known->flags & OTS_PERSIST_DIRTY) {
        if (!ots_node_is_dirty(timeline))
            table->whole.unmeasured_count++;
        timeline->timeline.last_write = ++table->write_number;
        ots_node_note_write(timeline, 0);
    }
    /* What was made and never had a row lived in that mount. */
    bool is_listed = known->flags & OTS_PERSIST_LISTED && !timeline->is_local;
    return is_listed ? list(loading, timeline) : OTS_OK;
}

static enum ots_status load_row_locked(struct loading *loading,
                                       const struct ots_known_timeline *known)
{
    if (!known->measurement.size) {
        set_directory(loading->table->node, known);
        return OTS_OK;
    }
    struct ots_node *measurement = find_measurement(loading, known->measurement);
    if (!measurement)
        return OTS_NOMEM;
    if (!known->file.size) {
        set_directory(measurement, known);
        return OTS_OK;
    }
    struct ots_node *timeline = ots_node_child_make(measurement, OTS_NODE_TIMELINE, known->file);
    if (!timeline)
        return OTS_NOMEM;
    enum ots_status status = set_key(timeline, known->key);
    return status == OTS_OK ? set_timeline(loading, timeline, known) : status;
}

static enum ots_status load_row(void *context, const struct ots_known_timeline *known)
{
    struct loading *loading = context;
    pthread_mutex_t *lock = &loading->table->view->synced.lock;
    pthread_mutex_lock(lock);
    enum ots_status status = load_row_locked(loading, known);
    pthread_mutex_unlock(lock);
    return status;
}

/* --- marks ------------------------------------------------------------------------------------*/

static struct ots_node *find_timeline(const struct ots_table *table, struct ots_slice measurement,
                                      struct ots_slice file)
{
    struct ots_node *node = ots_node_child(table->node, measurement);
    if (node)
        node = ots_node_child(node, file);
    return node && node->kind == OTS_NODE_TIMELINE ? node : NULL;
}

static void set_marks(struct ots_node *timeline, struct ots_slice marks)
{
    timeline->has_kept_marks = true;
    /* Nobody knows from where on it has to be measured. */
    if (ots_node_is_dirty(timeline))
        return;
    struct ots_history *history = ots_node_hold_history(timeline);
    if (!history)
        return;
    if (ots_mark_blob_read(marks, &timeline->timeline.extent, &history->marks) == OTS_OK)
        ots_history_note_kept_marks(history);
    ots_node_release_history(timeline);
}

/* Without them reading costs more, and that is all. */
static enum ots_status load_marks(void *context, struct ots_slice measurement,
                                  struct ots_slice file, struct ots_slice marks)
{
    const struct loading *loading = context;
    struct ots_table *table = loading->table;
    pthread_mutex_lock(&table->view->synced.lock);
    struct ots_node *timeline = find_timeline(table, measurement, file);
    if (timeline)
        set_marks(timeline, marks);
    pthread_mutex_unlock(&table->view->synced.lock);
    return OTS_OK;
}

/* --- our own rows -----------------------------------------------------------------------------*/

static enum ots_status load_entry(void *context, uint64_t group,
                                  const struct ots_known_entry *entry)
{
    const struct loading *loading = context;
    struct ots_table *table = loading->table;
    const struct ots_row_sum sum = {entry->time_us, entry->size_bytes, entry->hash};
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&table->view->synced.lock);
    struct ots_node *node = find_timeline(table, entry->measurement, entry->file);
    if (node)
        status =
            ots_apply_restore_locked(table, group, node, &sum, (enum ots_ahead_kind)entry->flags);
    pthread_mutex_unlock(&table->view->synced.lock);
    return status;
}

/* --- places in the stream ---------------------------------------------------------------------*/

static enum ots_status load_shard(void *context, const struct ots_known_shard *known)
{
    struct ots_persist *persist = context;
    struct ots_shard_position *grown =
        reallocarray(persist->shards, persist->positions.count + 1, sizeof(*grown));
    if (!grown)
        return OTS_NOMEM;
    persist->shards = grown;
    persist->positions.shards = grown;
    struct ots_shard_position *position = &grown[persist->positions.count++];
    position->is_ended = known->is_ended;
    enum ots_status status = ots_arena_copy(&persist->arena, known->id, &position->id);
    if (status == OTS_OK)
        status = ots_arena_copy(&persist->arena, known->parent, &position->parent);
    if (status == OTS_OK)
        status = ots_arena_copy(&persist->arena, known->sibling, &position->sibling);
    if (status == OTS_OK)
        status = ots_arena_copy(&persist->arena, known->iterator, &position->iterator);
    return status;
}

static enum ots_status load_positions(struct ots_persist *persist, struct ots_error *err)
{
    enum ots_status status = ots_table_state_each_shard(persist->state, load_shard, persist, err);
    if (status == OTS_OK)
        status = ots_table_state_get_meta(persist->state, OTS_PERSIST_DESCRIBED,
                                          &persist->positions.described_us, err);
    persist->has_positions = status == OTS_OK && persist->positions.count;
    return status == OTS_NOT_FOUND ? OTS_OK : status;
}

/* --- all of it --------------------------------------------------------------------------------*/

static enum ots_status get_number(struct ots_persist *persist, const char *name, int64_t *value,
                                  struct ots_error *err)
{
    *value = 0;
    enum ots_status status = ots_table_state_get_meta(persist->state, name, value, err);
    return status == OTS_NOT_FOUND ? OTS_OK : status;
}

static enum ots_status load_numbers(struct ots_persist *persist, int64_t *cut_us,
                                    struct ots_error *err)
{
    int64_t is_measured;
    int64_t time_to_live_s;
    enum ots_status status = get_number(persist, OTS_PERSIST_MEASURED, &is_measured, err);
    if (status == OTS_OK)
        status = get_number(persist, OTS_PERSIST_CUT, cut_us, err);
    if (status == OTS_OK)
        status = get_number(persist, OTS_PERSIST_TIME_TO_LIVE, &time_to_live_s, err);
    /* With another one other rows are shown: the scan tells which timelines that changes. */
    pthread_mutex_lock(&persist->table->view->synced.lock);
    persist->table->whole.cut_us = *cut_us;
    persist->is_measured =
        status == OTS_OK && is_measured && time_to_live_s == persist->table->time_to_live_s;
    pthread_mutex_unlock(&persist->table->view->synced.lock);
    return status;
}

enum ots_status ots_persist_load(struct ots_persist *persist, struct ots_error *err)
{
    struct loading loading = {.table = persist->table};
    enum ots_status status = load_numbers(persist, &loading.cut_us, err);
    if (status == OTS_OK)
        status = ots_table_state_each_timeline(persist->state, load_row, &loading, err);
    if (status == OTS_OK)
        status = ots_table_state_each_marks(persist->state, load_marks, &loading, err);
    if (status == OTS_OK)
        status = ots_table_state_each_entry(persist->state, load_entry, &loading, err);
    if (status == OTS_OK)
        status = load_positions(persist, err);
    return status;
}

bool ots_persist_peek_time(const struct ots_table *table, int64_t *mtime_ns)
{
    return ots_table_state_peek_mtime(ots_state_dir_fd(table->instance->state), table->node->name,
                                      OTS_SLICE_NONE, OTS_SLICE_NONE, mtime_ns, NULL) == OTS_OK;
}

static void mark_timeline(struct ots_node *timeline, void *context)
{
    if (timeline->kind != OTS_NODE_TIMELINE)
        return;
    timeline->has_kept_marks = false;
    ots_table_note_changed_locked(context, timeline, false);
}

static void mark_measurement(struct ots_node *measurement, void *context)
{
    if (measurement->kind != OTS_NODE_MEASUREMENT)
        return;
    measurement->is_changed = true;
    ots_node_each_child(measurement, mark_timeline, context);
}

void ots_persist_mark_all(struct ots_table *table)
{
    pthread_mutex_lock(&table->view->synced.lock);
    ots_node_each_child(table->node, mark_measurement, table);
    table->node->is_changed = true;
    table->has_changed_directories = true;
    pthread_mutex_unlock(&table->view->synced.lock);
}
