/*
 * Open files. A file for reading holds a snapshot, one for writing a writer, or both.
 */
#include <stdlib.h>

#include "fs/lp/names.h"
#include "fs/view/snapshot.h"
#include "fs/view/state.h"
#include "fs/view/writer.h"

struct ots_file {
    struct ots_view *view;
    struct ots_table *table;
    struct ots_node *timeline;
    uint64_t lost_rows_told; /* of the timeline's */
    bool has_snapshot;
    bool has_writer;
    struct ots_snapshot snapshot;
    struct ots_writer writer;
    /* Whoever works on the snapshot or the writer is alone; others wait for `idle`. */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t idle;
        bool is_busy;
    } synced;
};

static void wake_waiters(void *context)
{
    struct ots_file *file = context;
    pthread_mutex_lock(&file->synced.lock);
    pthread_cond_broadcast(&file->synced.idle);
    pthread_mutex_unlock(&file->synced.lock);
}

static enum ots_status enter(struct ots_file *file, struct ots_interrupt *interrupt)
{
    ots_interrupt_attach(interrupt, wake_waiters, file);
    pthread_mutex_lock(&file->synced.lock);
    while (file->synced.is_busy && !ots_interrupt_is_raised(interrupt))
        pthread_cond_wait(&file->synced.idle, &file->synced.lock);
    bool is_entered = !file->synced.is_busy;
    file->synced.is_busy = true;
    pthread_mutex_unlock(&file->synced.lock);
    ots_interrupt_detach(interrupt);
    return is_entered ? OTS_OK : OTS_CANCELLED;
}

static void leave(struct ots_file *file)
{
    pthread_mutex_lock(&file->synced.lock);
    file->synced.is_busy = false;
    pthread_cond_broadcast(&file->synced.idle);
    pthread_mutex_unlock(&file->synced.lock);
}

static struct ots_file *file_new(struct ots_view *view, struct ots_node *timeline)
{
    struct ots_file *file = calloc(1, sizeof(*file));
    if (!file)
        return NULL;
    file->view = view;
    file->table = ots_node_table(timeline);
    file->timeline = timeline;
    pthread_mutex_init(&file->synced.lock, NULL);
    pthread_cond_init(&file->synced.idle, NULL);
    pthread_mutex_lock(&view->synced.lock);
    file->lost_rows_told = timeline->lost_rows_told;
    pthread_mutex_unlock(&view->synced.lock);
    return file;
}

void ots_file_close(struct ots_file *file)
{
    if (!file)
        return;
    if (file->has_writer)
        ots_writer_deinit(&file->writer);
    if (file->has_snapshot)
        ots_snapshot_deinit(&file->snapshot);
    pthread_cond_destroy(&file->synced.idle);
    pthread_mutex_destroy(&file->synced.lock);
    free(file);
}

/*
 * Take the timeline's rows as they are now. A timeline of one page is read whole, and what was
 * read is its size. A longer one shows the size that was measured, and is read on as the reader
 * goes.
 */
static enum ots_status open_snapshot(struct ots_file *file, const struct ots_series_key *key,
                                     struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = file->view;
    pthread_mutex_lock(&view->synced.lock);
    uint64_t write_number = file->table->write_number;
    pthread_mutex_unlock(&view->synced.lock);
    enum ots_status status = ots_pipeline_wait(file->table->pipeline, interrupt);
    if (status != OTS_OK)
        return status;
    file->has_snapshot = true;
    status = ots_snapshot_init(&file->snapshot, view->options.store, file->table->node->name, key);
    if (status == OTS_OK)
        status = ots_snapshot_fetch(&file->snapshot, 0, interrupt, err);
    if (status != OTS_OK || !file->snapshot.is_complete)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    ots_table_note_extent_locked(file->table, file->timeline, &file->snapshot.extent, write_number);
    pthread_mutex_unlock(&view->synced.lock);
    return OTS_OK;
}

static enum ots_status open_for_reading(struct ots_file *file, struct ots_interrupt *interrupt,
                                        struct ots_error *err)
{
    struct ots_view *view = file->view;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key = {0};
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = ots_node_key(file->timeline, &arena, &key);
    pthread_mutex_unlock(&view->synced.lock);
    if (status == OTS_OK)
        status = open_snapshot(file, &key, interrupt, err);
    else if (status == OTS_NOT_FOUND)
        status = OTS_OK; /* a hashed name that no line has explained yet: an empty file */
    ots_arena_deinit(&arena);
    if (status == OTS_OK && file->has_snapshot && !file->snapshot.is_complete)
        status = ots_view_refresh_timeline(view, file->timeline, interrupt, err);
    return status;
}

static enum ots_status open_node(struct ots_view *view, struct ots_node *timeline, unsigned mode,
                                 struct ots_interrupt *interrupt, struct ots_file **out,
                                 struct ots_error *err)
{
    struct ots_file *file = file_new(view, timeline);
    if (!file)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    enum ots_status status = OTS_OK;
    if (mode & OTS_OPEN_READ)
        status = open_for_reading(file, interrupt, err);
    if (status == OTS_OK && mode & OTS_OPEN_WRITE) {
        file->has_writer = true;
        status = ots_writer_init(&file->writer, file->table, timeline, mode & OTS_OPEN_APPEND);
    }
    if (status != OTS_OK) {
        ots_file_close(file);
        return status;
    }
    *out = file;
    return OTS_OK;
}

enum ots_status ots_view_open(struct ots_view *view, uint64_t ino, unsigned mode,
                              struct ots_interrupt *interrupt, struct ots_file **out,
                              struct ots_attr *attr, struct ots_error *err)
{
    /* Who only writes need not wait for what others hold. */
    enum ots_status status = OTS_OK;
    if (mode & OTS_OPEN_READ)
        status = ots_view_getattr(view, ino, interrupt, attr, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_node *timeline = ots_tree_by_ino(&view->synced.tree, ino);
    bool is_listed = timeline && timeline->is_listed;
    pthread_mutex_unlock(&view->synced.lock);
    if (!is_listed)
        return ots_error_set(err, OTS_NOT_FOUND, "no such timeline");
    if (timeline->kind != OTS_NODE_TIMELINE)
        return ots_error_set(err, OTS_INVALID, "not a timeline");
    status = open_node(view, timeline, mode, interrupt, out, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    ots_node_attr_locked(timeline, attr);
    pthread_mutex_unlock(&view->synced.lock);
    return OTS_OK;
}

/* --- creating ---------------------------------------------------------------------------------*/

static enum ots_status check_timeline_name(struct ots_slice name, struct ots_error *err)
{
    if (ots_timeline_name_is_hashed(name))
        return OTS_OK;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key = {0};
    enum ots_status status = ots_timeline_name_decode(name, &arena, &key, err);
    if (status == OTS_OK) {
        /* The measurement was checked when its directory was made. */
        key.measurement = OTS_SLICE("m");
        status = ots_series_key_check(&key, false, err);
    }
    ots_arena_deinit(&arena);
    return status;
}

static enum ots_status make_timeline(struct ots_view *view, uint64_t parent, struct ots_slice name,
                                     struct ots_node **out)
{
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_node *dir = ots_tree_by_ino(&view->synced.tree, parent);
    struct ots_node *timeline = NULL;
    if (!dir || !dir->is_listed)
        status = OTS_NOT_FOUND;
    else if (dir->kind != OTS_NODE_MEASUREMENT)
        status = OTS_NOT_PERMITTED;
    else
        timeline = ots_node_child_make(dir, OTS_NODE_TIMELINE, name);
    if (status == OTS_OK && !timeline)
        status = OTS_NOMEM;
    if (timeline && !timeline->is_listed) {
        timeline->is_local = true;
        timeline->is_mtime_set = false;
        timeline->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
        status = ots_tree_list(&view->synced.tree, timeline);
    }
    pthread_mutex_unlock(&view->synced.lock);
    *out = timeline;
    return status;
}

enum ots_status ots_view_create(struct ots_view *view, uint64_t parent, struct ots_slice name,
                                unsigned mode, struct ots_interrupt *interrupt,
                                struct ots_file **out, struct ots_attr *attr, struct ots_error *err)
{
    enum ots_status status = check_timeline_name(name, err);
    if (status != OTS_OK)
        return status;
    struct ots_node *timeline;
    status = make_timeline(view, parent, name, &timeline);
    if (status != OTS_OK)
        return ots_error_set(err, status, "timelines live in a measurement's directory");
    status = open_node(view, timeline, mode, interrupt, out, err);
    pthread_mutex_lock(&view->synced.lock);
    ots_node_attr_locked(timeline, attr);
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

/* --- reading and writing ----------------------------------------------------------------------*/

enum ots_status ots_file_read(struct ots_file *file, uint64_t offset, size_t size,
                              struct ots_interrupt *interrupt, struct ots_buf *out,
                              struct ots_error *err)
{
    if (!file->has_snapshot || !size)
        return OTS_OK;
    enum ots_status status = enter(file, interrupt);
    if (status != OTS_OK)
        return status;
    status = ots_snapshot_fetch(&file->snapshot, offset + size - 1, interrupt, err);
    if (status == OTS_OK)
        status = ots_spool_read(&file->snapshot.spool, offset, size, out, err);
    leave(file);
    return status;
}

enum ots_status ots_file_write(struct ots_file *file, uint64_t offset, struct ots_slice bytes,
                               struct ots_interrupt *interrupt, struct ots_error *err)
{
    if (!file->has_writer)
        return ots_error_set(err, OTS_INVALID, "not open for writing");
    enum ots_status status = enter(file, interrupt);
    if (status != OTS_OK)
        return status;
    status = ots_writer_write(&file->writer, offset, bytes, interrupt, err);
    leave(file);
    return status;
}

/* Each open file tells of a loss once; one that nobody was told of, the next that is opened. */
static enum ots_status check_lost_rows(struct ots_file *file, struct ots_error *err)
{
    struct ots_view *view = file->view;
    struct ots_node *timeline = file->timeline;
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&view->synced.lock);
    if (timeline->lost_rows > file->lost_rows_told)
        status = ots_error_set(err, OTS_IO, "rows were lost: %s", file->table->failure.message);
    file->lost_rows_told = timeline->lost_rows;
    timeline->lost_rows_told = timeline->lost_rows;
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

static enum ots_status check_writer(struct ots_file *file, struct ots_error *err)
{
    enum ots_status status = ots_writer_check(&file->writer, err);
    leave(file);
    return status == OTS_OK ? check_lost_rows(file, err) : status;
}

enum ots_status ots_file_flush(struct ots_file *file, struct ots_error *err)
{
    if (!file->has_writer)
        return OTS_OK;
    pthread_mutex_lock(&file->synced.lock);
    bool is_entered = !file->synced.is_busy;
    file->synced.is_busy = true;
    pthread_mutex_unlock(&file->synced.lock);
    return is_entered ? check_writer(file, err) : OTS_OK;
}

enum ots_status ots_file_sync(struct ots_file *file, struct ots_interrupt *interrupt,
                              struct ots_error *err)
{
    enum ots_status status = ots_pipeline_wait(file->table->pipeline, interrupt);
    if (status != OTS_OK)
        return ots_error_set(err, status, "interrupted");
    if (!file->has_writer)
        return check_lost_rows(file, err);
    status = enter(file, interrupt);
    return status == OTS_OK ? check_writer(file, err) : status;
}
