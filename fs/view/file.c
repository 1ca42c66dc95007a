/*
 * Opening and making files, and what open files of all kinds have in common.
 */
#include "fs/view/file.h"

#include "fs/lp/names.h"
#include "fs/state/state_dir.h"
#include "fs/view/port.h"
#include "fs/view/self.h"
#include "fs/view/staging.h"

void ots_file_init(struct ots_file *file, const struct ots_file_ops *ops, struct ots_view *view,
                   struct ots_node *node)
{
    file->ops = ops;
    file->view = view;
    file->node = node;
    atomic_init(&file->writer, 0);
    file->synced.is_busy = false;
    pthread_mutex_lock(&view->synced.lock);
    ots_node_pin_locked(node);
    pthread_mutex_unlock(&view->synced.lock);
    pthread_mutex_init(&file->synced.lock, NULL);
    pthread_cond_init(&file->synced.idle, NULL);
}

void ots_file_deinit(struct ots_file *file)
{
    ots_view_unpin(file->view, file->node);
    pthread_cond_destroy(&file->synced.idle);
    pthread_mutex_destroy(&file->synced.lock);
}

static void wake_waiters(void *context)
{
    struct ots_file *file = context;
    pthread_mutex_lock(&file->synced.lock);
    pthread_cond_broadcast(&file->synced.idle);
    pthread_mutex_unlock(&file->synced.lock);
}

enum ots_status ots_file_enter(struct ots_file *file, struct ots_interrupt *interrupt)
{
    ots_interrupt_attach_waiter(interrupt, wake_waiters, file);
    pthread_mutex_lock(&file->synced.lock);
    while (file->synced.is_busy && !ots_interrupt_is_raised(interrupt))
        pthread_cond_wait(&file->synced.idle, &file->synced.lock);
    bool is_entered = !file->synced.is_busy;
    file->synced.is_busy = true;
    pthread_mutex_unlock(&file->synced.lock);
    ots_interrupt_detach(interrupt);
    return is_entered ? OTS_OK : OTS_CANCELLED;
}

bool ots_file_try_enter(struct ots_file *file)
{
    pthread_mutex_lock(&file->synced.lock);
    bool is_entered = !file->synced.is_busy;
    file->synced.is_busy = true;
    pthread_mutex_unlock(&file->synced.lock);
    return is_entered;
}

void ots_file_leave(struct ots_file *file)
{
    pthread_mutex_lock(&file->synced.lock);
    file->synced.is_busy = false;
    pthread_cond_broadcast(&file->synced.idle);
    pthread_mutex_unlock(&file->synced.lock);
}

/* Only who made it has nobody beside him who may have been told of it before. */
bool ots_file_begin_own(struct ots_file *file)
{
    struct ots_view *view = file->view;
    if (!file->is_made)
        return false;
    file->is_made = false;
    pthread_mutex_lock(&view->synced.lock);
    bool is_own = ots_kept_begin_own_locked(file->node);
    pthread_mutex_unlock(&view->synced.lock);
    return is_own;
}

void ots_file_end_own(struct ots_file *file, bool is_noticed)
{
    struct ots_view *view = file->view;
    pthread_mutex_lock(&view->synced.lock);
    ots_kept_end_own_locked(view, file->node, is_noticed);
    pthread_mutex_unlock(&view->synced.lock);
}

/* --- opening ----------------------------------------------------------------------------------*/

static enum ots_status open_port(struct ots_view *view, struct ots_node *node, unsigned mode,
                                 struct ots_file **out, struct ots_attr *attr,
                                 struct ots_error *err)
{
    pthread_mutex_lock(&view->synced.lock);
    ots_node_attr_locked(node, attr);
    pthread_mutex_unlock(&view->synced.lock);
    return ots_port_open(node, mode, out, err);
}

static enum ots_status open_pinned(struct ots_view *view, struct ots_node *node, unsigned mode,
                                   struct ots_interrupt *interrupt, struct ots_file **out,
                                   struct ots_attr *attr, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    if (node->kind == OTS_NODE_PORT)
        return open_port(view, node, mode, out, attr, err);
    if (node->kind == OTS_NODE_STATUS_FILE)
        return ots_self_open(view, node, mode, out, err);
    if (node->kind != OTS_NODE_TIMELINE)
        return ots_error_set(err, OTS_INVALID, "not a timeline");
    if (mode & OTS_OPEN_WRITE)
        status = ots_view_check_writable(view, node->ino, err);
    /* Who only writes need not wait for what others hold. */
    if (status == OTS_OK && mode & OTS_OPEN_READ)
        status = ots_view_getattr(view, node->ino, interrupt, attr, err);
    if (status == OTS_OK)
        status = ots_timeline_file_open(view, node, mode, interrupt, out, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    ots_node_attr_locked(node, attr);
    pthread_mutex_unlock(&view->synced.lock);
    return OTS_OK;
}

enum ots_status ots_view_open(struct ots_view *view, uint64_t ino, unsigned mode,
                              struct ots_interrupt *interrupt, struct ots_file **out,
                              struct ots_attr *attr, struct ots_error *err)
{
    struct ots_staging *staging = ots_staging_by_ino(view, ino);
    if (staging) {
        ots_staging_attr(staging, attr);
        return ots_staging_file_open(staging, mode, out, err);
    }
    struct ots_node *node;
    enum ots_status status = ots_view_pin(view, ino, &node, err);
    if (status == OTS_OK)
        status = open_pinned(view, node, mode, interrupt, out, attr, err);
    ots_view_unpin(view, node);
    return status;
}

/* --- cutting ----------------------------------------------------------------------------------*/

static const char NO_TRUNCATE[] =
    "files are cut without effect on their rows, which the service cannot delete";

/* Takes the reference. */
static enum ots_status truncate_staging(struct ots_staging *staging, uint64_t size_bytes,
                                        struct ots_error *err)
{
    enum ots_status status = ots_staging_truncate(staging, size_bytes, err);
    ots_staging_unref(staging);
    return status;
}

/* Whether the table's errors are to say that cutting does nothing: they say so once. */
static bool is_to_be_noted_locked(struct ots_node *node, uint64_t size_bytes)
{
    if (node->kind != OTS_NODE_TIMELINE)
        return false;
    const struct ots_extract *extract = ots_node_extract(node);
    if (size_bytes >= node->timeline.extent.size_bytes &&
        !ots_extract_is_unmeasured_locked(extract, node))
        return false;
    struct ots_table *table = ots_node_table(node);
    bool is_first = !table->is_truncate_noted;
    table->is_truncate_noted = true;
    return is_first;
}

enum ots_status ots_view_truncate(struct ots_view *view, uint64_t ino, uint64_t size_bytes,
                                  struct ots_error *err)
{
    struct ots_staging *staging = ots_staging_by_ino(view, ino);
    if (staging)
        return truncate_staging(staging, size_bytes, err);
    struct ots_node *node;
    enum ots_status status = ots_view_check_writable(view, ino, err);
    if (status == OTS_OK)
        status = ots_view_pin(view, ino, &node, err);
    if (status != OTS_OK)
        return status;
    if (node->kind == OTS_NODE_STATUS_FILE)
        return ots_self_truncate(node, size_bytes, err);
    pthread_mutex_lock(&view->synced.lock);
    bool is_to_be_noted = is_to_be_noted_locked(node, size_bytes);
    pthread_mutex_unlock(&view->synced.lock);
    if (is_to_be_noted)
        ots_state_note(ots_node_instance(node)->state, ots_node_table(node)->node->name,
                       ots_slice_str(NO_TRUNCATE));
    ots_view_unpin(view, node);
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

static enum ots_status find_measurement(struct ots_view *view, uint64_t ino, struct ots_node **out,
                                        struct ots_error *err)
{
    pthread_mutex_lock(&view->synced.lock);
    struct ots_node *dir = ots_tree_by_ino(&view->synced.tree, ino);
    bool is_listed = dir && dir->is_listed;
    pthread_mutex_unlock(&view->synced.lock);
    if (!is_listed)
        return ots_error_set(err, OTS_NOT_FOUND, "no such directory");
    if (dir->kind != OTS_NODE_MEASUREMENT)
        return ots_error_set(err, OTS_NOT_PERMITTED, "files live in a measurement's directory");
    *out = dir;
    return OTS_OK;
}

static enum ots_status make_timeline_locked(struct ots_view *view, struct ots_node *dir,
                                            struct ots_slice name, struct ots_node **out)
{
    struct ots_node *timeline = ots_node_child_make(dir, OTS_NODE_TIMELINE, name);
    *out = timeline;
    if (!timeline)
        return OTS_NOMEM;
    if (timeline->is_listed)
        return OTS_OK;
    timeline->is_local = true;
    timeline->is_mtime_set = false;
    timeline->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
    return ots_tree_list(&view->synced.tree, timeline);
}

enum ots_status ots_view_make_timeline(struct ots_view *view, uint64_t parent,
                                       struct ots_slice name, struct ots_node **out,
                                       struct ots_error *err)
{
    struct ots_node *dir;
    enum ots_status status = find_measurement(view, parent, &dir, err);
    if (status == OTS_OK)
        status = check_timeline_name(name, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    status = make_timeline_locked(view, dir, name, out);
    pthread_mutex_unlock(&view->synced.lock);
    return status == OTS_OK ? status : ots_error_set(err, status, "out of memory");
}

static enum ots_status create_staging(struct ots_view *view, uint64_t parent, struct ots_slice name,
                                      unsigned mode, struct ots_file **out, struct ots_attr *attr,
                                      struct ots_error *err)
{
    struct ots_node *dir;
    struct ots_staging *staging;
    enum ots_status status = find_measurement(view, parent, &dir, err);
    if (status != OTS_OK)
        return status;
    status = ots_staging_make(view, dir, name, &staging);
    if (status != OTS_OK)
        return ots_error_set(err, status, "out of memory");
    ots_staging_attr(staging, attr);
    return ots_staging_file_open(staging, mode, out, err);
}

enum ots_status ots_view_create(struct ots_view *view, uint64_t parent, struct ots_slice name,
                                unsigned mode, struct ots_interrupt *interrupt,
                                struct ots_file **out, struct ots_attr *attr, struct ots_error *err)
{
    struct ots_node *timeline;
    enum ots_status status = ots_view_check_writable(view, parent, err);
    if (status == OTS_OK && ots_staging_is_name(name))
        return create_staging(view, parent, name, mode, out, attr, err);
    if (status == OTS_OK)
        status = ots_view_make_timeline(view, parent, name, &timeline, err);
    if (status != OTS_OK)
        return status;
    status = ots_timeline_file_open(view, timeline, mode, interrupt, out, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    ots_kept_tell_made_locked(view, timeline, attr);
    (*out)->is_made = attr->is_kept;
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

/* --- through the functions of the file's kind --------------------------------------------------*/

enum ots_status ots_file_read(struct ots_file *file, uint64_t offset, size_t size,
                              struct ots_interrupt *interrupt, struct ots_buf *out,
                              struct ots_error *err)
{
    if (!file->ops->read)
        return OTS_OK;
    enum ots_status status = ots_file_enter(file, interrupt);
    if (status != OTS_OK)
        return status;
    status = file->ops->read(file, offset, size, interrupt, out, err);
    ots_file_leave(file);
    return status;
}

enum ots_status ots_file_write(struct ots_file *file, uint64_t offset, struct ots_slice bytes,
                               struct ots_interrupt *interrupt, size_t *taken,
                               struct ots_error *err)
{
    *taken = 0;
    if (!file->ops->write)
        return ots_error_set(err, OTS_INVALID, "not open for writing");
    enum ots_status status = ots_file_enter(file, interrupt);
    if (status != OTS_OK)
        return status;
    bool is_own = ots_file_begin_own(file);
    status = file->ops->write(file, offset, bytes, interrupt, taken, err);
    if (is_own)
        ots_file_end_own(file, true);
    ots_file_leave(file);
    return status;
}

bool ots_file_has_flush(const struct ots_file *file)
{
    return file->ops->flush;
}

enum ots_status ots_file_flush(struct ots_file *file, bool is_writer,
                               struct ots_interrupt *interrupt, struct ots_error *err)
{
    return file->ops->flush ? file->ops->flush(file, is_writer, interrupt, err) : OTS_OK;
}

enum ots_status ots_file_sync(struct ots_file *file, struct ots_interrupt *interrupt,
                              struct ots_error *err)
{
    return file->ops->sync ? file->ops->sync(file, interrupt, err) : OTS_OK;
}

void ots_file_set_writer(struct ots_file *file, uint32_t writer)
{
    atomic_store(&file->writer, writer);
}

uint32_t ots_file_writer(const struct ots_file *file)
{
    return atomic_load(&file->writer);
}

void ots_file_close(struct ots_file *file)
{
    if (file)
        file->ops->close(file);
}
