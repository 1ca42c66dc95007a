/*
 * Names and attributes: lookup, getattr and mkdir.
 */
#include "fs/lp/names.h"
#include "fs/view/follower.h"
#include "fs/view/port.h"
#include "fs/view/portion.h"
#include "fs/view/self.h"
#include "fs/view/staging.h"
#include "fs/view/unsaved.h"

enum { READY_WAIT_US_MIN = 50000, READY_WAIT_US_MAX = 1000000, READY_TIMEOUT_US = 120000000 };

void ots_node_attr_locked(const struct ots_node *node, struct ots_attr *attr)
{
    bool is_directory = ots_node_is_directory(node);
    unsigned writable = ots_node_is_in_view(node) ? 0 : 0200;
    const struct ots_node *origin = ots_portion_origin_locked(node);
    const struct ots_node *known = origin ? origin : node;
    if (node->kind == OTS_NODE_STATUS_FILE)
        writable = ots_self_permissions(node) & 0200;
    *attr = (struct ots_attr){
        .ino = node->ino,
        .is_directory = is_directory,
        .permissions = node->kind == OTS_NODE_PORT ? 0200 : (is_directory ? 0555 : 0444) | writable,
        .size_bytes = node->kind == OTS_NODE_TIMELINE ? known->timeline.extent.size_bytes : 0,
        .mtime_ns = known->mtime_ns,
    };
}

static enum ots_status not_found(struct ots_slice name, struct ots_error *err)
{
    return ots_error_set(err, OTS_NOT_FOUND, "no such entry: %.*s", OTS_SLICE_FMT(name));
}

enum ots_status ots_directory_refresh(const struct ots_node *dir, struct ots_interrupt *interrupt,
                                      struct ots_error *err)
{
    switch (dir->kind) {
    case OTS_NODE_INSTANCE:
        return ots_instance_refresh(dir->instance, interrupt, err);
    case OTS_NODE_TABLE:
    case OTS_NODE_EXTRACT:
    case OTS_NODE_MEASUREMENT:
        return ots_extract_refresh(ots_node_extract(dir), interrupt, err);
    case OTS_NODE_ROOT:
    case OTS_NODE_VIEWS:
    case OTS_NODE_STATUS_DIR:
        return OTS_OK;
    case OTS_NODE_TIMELINE:
    case OTS_NODE_STAGING:
    case OTS_NODE_PORT:
    case OTS_NODE_STATUS_FILE:
        break;
    }
    return ots_error_set(err, OTS_INVALID, "not a directory");
}

/* Where the tree leads before anything is asked of the service: what is below a `.` name. */
static bool is_hidden_name(const struct ots_node *dir, struct ots_slice name)
{
    return dir->kind == OTS_NODE_VIEWS || (name.size && name.data[0] == '.');
}

/*
 * Whether a name that a view does not know may have come into it by a write of this mount: the
 * number of that write, 0 when not.
 */
static uint64_t newer_write_locked(struct ots_node *dir, struct ots_slice name)
{
    const struct ots_extract *extract = ots_node_extract(dir);
    if (!ots_node_is_in_view(dir) || extract->selection.is_window ||
        ots_extract_is_portion(extract) || extract->scanned_write == extract->table->write_number)
        return 0;
    const struct ots_node *origin = ots_extract_origin_locked(extract, dir);
    const struct ots_node *child = origin ? ots_node_child(origin, name) : NULL;
    if (child && child->kind == OTS_NODE_TIMELINE &&
        (!ots_share_has(&extract->selection.share, dir->name, name) ||
         (child->timeline.own_write <= extract->scanned_write &&
          child->timeline.last_write <= extract->scanned_write)))
        return 0;
    return child ? extract->table->write_number : 0;
}

/* The child as it is known; NULL when there is none, or it is not listed. */
static enum ots_status known_child_locked(struct ots_node *dir, struct ots_slice name,
                                          struct ots_node **child)
{
    if (ots_portion_origin_locked(dir))
        return ots_portion_find_locked(dir, name, child);
    *child = ots_node_child(dir, name);
    if (*child && !(*child)->is_listed)
        *child = NULL;
    return OTS_OK;
}

/* A listed child of a directory that is pinned. */
static enum ots_status find_child(struct ots_view *view, struct ots_node *dir,
                                  struct ots_slice name, struct ots_interrupt *interrupt,
                                  struct ots_node **child, struct ots_error *err)
{
    enum ots_status status = ots_directory_refresh(dir, interrupt, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    status = known_child_locked(dir, name, child);
    uint64_t newer_write = *child ? 0 : newer_write_locked(dir, name);
    pthread_mutex_unlock(&view->synced.lock);
    if (newer_write) {
        status = ots_extract_refresh_since(ots_node_extract(dir), newer_write, interrupt, err);
        pthread_mutex_lock(&view->synced.lock);
        if (status == OTS_OK)
            status = known_child_locked(dir, name, child);
        pthread_mutex_unlock(&view->synced.lock);
    }
    if (status != OTS_OK)
        return status;
    return *child ? OTS_OK : not_found(name, err);
}

/* Bring its size up to date. */
static enum ots_status refresh_timeline(struct ots_node *timeline, struct ots_interrupt *interrupt,
                                        struct ots_error *err)
{
    struct ots_node *known = ots_node_known(timeline);
    return ots_extract_refresh_timeline(ots_node_extract(known), known, interrupt, err);
}

/* The attributes of a node that was brought up to date. */
static enum ots_status tell_attr(struct ots_view *view, struct ots_node *node,
                                 struct ots_attr *attr, struct ots_error *err)
{
    pthread_mutex_lock(&view->synced.lock);
    const struct ots_node *origin = ots_portion_origin_locked(node);
    bool is_listed = origin ? origin->is_listed : node->is_listed;
    ots_kept_tell_locked(view, node, attr);
    pthread_mutex_unlock(&view->synced.lock);
    return is_listed ? OTS_OK : not_found(node->name, err);
}

static enum ots_status lookup_hidden(struct ots_view *view, struct ots_node *dir,
                                     struct ots_slice name, struct ots_attr *attr,
                                     struct ots_error *err)
{
    struct ots_node *node;
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = dir->kind == OTS_NODE_TABLE && ots_slice_equal(name, OTS_PORT_NAME)
                                 ? ots_port_find_locked(view, dir, &node)
                                 : ots_views_find_locked(view, dir, name, &node);
    if (status == OTS_OK)
        ots_node_attr_locked(node, attr);
    pthread_mutex_unlock(&view->synced.lock);
    if (status == OTS_NOT_FOUND)
        return not_found(name, err);
    return status == OTS_OK ? status : ots_error_set(err, status, "%s", ots_status_text(status));
}

static enum ots_status lookup_pinned(struct ots_view *view, struct ots_node *dir,
                                     struct ots_slice name, struct ots_interrupt *interrupt,
                                     struct ots_attr *attr, struct ots_error *err)
{
    if (ots_self_is_name(dir, name))
        return ots_self_lookup(view, dir, name, attr, err);
    if (is_hidden_name(dir, name)) {
        /* Names below are looked up later, but for the port, which is a file. */
        bool is_port = dir->kind == OTS_NODE_TABLE && ots_slice_equal(name, OTS_PORT_NAME);
        enum ots_status status =
            is_port ? ots_follower_prepare(dir->table, interrupt, err) : OTS_OK;
        if (status == OTS_OK)
            status = ots_views_check_name(view, dir, name, interrupt, err);
        return status == OTS_OK ? lookup_hidden(view, dir, name, attr, err) : status;
    }
    struct ots_node *node;
    enum ots_status status = find_child(view, dir, name, interrupt, &node, err);
    if (status == OTS_OK && node->kind == OTS_NODE_TIMELINE)
        status = refresh_timeline(node, interrupt, err);
    else if (status == OTS_OK && node->kind == OTS_NODE_TABLE)
        status = ots_follower_learn_time(node->table, interrupt);
    return status == OTS_OK ? tell_attr(view, node, attr, err) : status;
}

/* Whether `name` in `parent` can only be a staging file's: then nothing has to be asked. */
static bool is_staging_name(struct ots_view *view, uint64_t parent, struct ots_slice name)
{
    pthread_mutex_lock(&view->synced.lock);
    const struct ots_node *dir = ots_tree_by_ino(&view->synced.tree, parent);
    bool is_measurement =
        dir && dir->is_listed && dir->kind == OTS_NODE_MEASUREMENT && !ots_node_is_in_view(dir);
    pthread_mutex_unlock(&view->synced.lock);
    return is_measurement && ots_staging_is_name(name);
}

/* Takes the reference. */
static enum ots_status staging_attr(struct ots_staging *staging, struct ots_attr *attr)
{
    ots_staging_attr(staging, attr);
    ots_staging_unref(staging);
    return OTS_OK;
}

static enum ots_status lookup_staging(struct ots_view *view, uint64_t parent, struct ots_slice name,
                                      struct ots_attr *attr, struct ots_error *err)
{
    struct ots_staging *staging = ots_staging_find(view, parent, name);
    return staging ? staging_attr(staging, attr) : not_found(name, err);
}

enum ots_status ots_view_lookup(struct ots_view *view, uint64_t parent, struct ots_slice name,
                                struct ots_interrupt *interrupt, struct ots_attr *attr,
                                struct ots_error *err)
{
    struct ots_node *dir;
    if (is_staging_name(view, parent, name))
        return lookup_staging(view, parent, name, attr, err);
    enum ots_status status = ots_view_pin(view, parent, &dir, err);
    if (status == OTS_OK)
        status = lookup_pinned(view, dir, name, interrupt, attr, err);
    ots_view_unpin(view, dir);
    return status;
}

/* An unlinked timeline that somebody has open: what was known then. */
static bool tell_removed(struct ots_view *view, uint64_t ino, struct ots_attr *attr)
{
    pthread_mutex_lock(&view->synced.lock);
    const struct ots_node *node = ots_tree_by_ino(&view->synced.tree, ino);
    bool is_removed = node && node->kind == OTS_NODE_TIMELINE && node->is_removed;
    if (is_removed)
        ots_node_attr_locked(node, attr);
    pthread_mutex_unlock(&view->synced.lock);
    return is_removed;
}

enum ots_status ots_view_getattr(struct ots_view *view, uint64_t ino,
                                 struct ots_interrupt *interrupt, struct ots_attr *attr,
                                 struct ots_error *err)
{
    struct ots_staging *staging = ots_staging_to_stat(view, ino);
    if (staging)
        return staging_attr(staging, attr);
    if (tell_removed(view, ino, attr))
        return OTS_OK;
    struct ots_node *node;
    enum ots_status status = ots_view_pin(view, ino, &node, err);
    if (status == OTS_OK && node->kind == OTS_NODE_TIMELINE) {
        status = ots_extract_refresh(ots_node_extract(node), interrupt, err);
        if (status == OTS_OK)
            status = refresh_timeline(node, interrupt, err);
    }
    if (status == OTS_OK && node->kind == OTS_NODE_TABLE)
        status = ots_follower_learn_time(node->table, interrupt);
    if (status == OTS_OK && node->kind == OTS_NODE_STATUS_FILE)
        status = ots_self_attr(view, node, attr, err);
    else if (status == OTS_OK)
        status = tell_attr(view, node, attr, err);
    ots_view_unpin(view, node);
    return status;
}

static enum ots_status set_staging(struct ots_staging *staging, const int64_t *mtime_ns,
                                   struct ots_attr *attr)
{
    if (mtime_ns)
        ots_staging_set_mtime(staging, *mtime_ns);
    return staging_attr(staging, attr);
}

/* It is kept on disk. */
static void note_time_locked(struct ots_node *node)
{
    struct ots_table *table = ots_node_table(node);
    if (node->kind == OTS_NODE_TIMELINE) {
        node->parent->is_time_due = true;
        table->node->is_time_due = true;
        ots_table_note_changed_locked(table, node, false);
    } else if (node->kind == OTS_NODE_MEASUREMENT || node->kind == OTS_NODE_TABLE) {
        ots_table_note_directory_locked(table, node);
    }
}

enum ots_status ots_view_setattr(struct ots_view *view, uint64_t ino, const int64_t *mtime_ns,
                                 struct ots_attr *attr)
{
    struct ots_staging *staging = ots_staging_by_ino(view, ino);
    if (staging)
        return set_staging(staging, mtime_ns, attr);
    struct ots_node *node;
    enum ots_status status = ots_view_check_writable(view, ino, NULL);
    if (status == OTS_OK)
        status = ots_view_pin(view, ino, &node, NULL);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    if (mtime_ns) {
        node->mtime_ns = *mtime_ns;
        node->is_mtime_set = true;
        note_time_locked(node);
    }
    ots_node_attr_locked(node, attr);
    ots_node_unpin_locked(node);
    pthread_mutex_unlock(&view->synced.lock);
    return OTS_OK;
}

/* --- making -----------------------------------------------------------------------------------*/

/* One cheap question that a table answers as soon as it can be used. */
static enum ots_status probe_table(struct ots_instance *instance, struct ots_slice table,
                                   struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_SCAN);
    call.request.scan.table = table;
    call.request.scan.limit = 1;
    enum ots_status status = ots_store_run(instance->store, &call, interrupt, err);
    ots_call_deinit(&call);
    return status;
}

/* A new table may answer for a while that it is not ready, or not even there. */
static enum ots_status wait_until_ready(struct ots_instance *instance, struct ots_slice table,
                                        struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = instance->view;
    int64_t deadline_us = ots_view_now_us(view) + READY_TIMEOUT_US;
    for (int64_t wait_us = READY_WAIT_US_MIN;; wait_us *= 2) {
        enum ots_status status = probe_table(instance, table, interrupt, err);
        bool is_waiting = status == OTS_NOT_FOUND || status == OTS_NOT_READY;
        if (!is_waiting || ots_view_now_us(view) >= deadline_us)
            return status;
        ots_view_nap(view, wait_us < READY_WAIT_US_MAX ? wait_us : READY_WAIT_US_MAX, interrupt);
        if (ots_interrupt_is_raised(interrupt))
            return ots_error_set(err, OTS_CANCELLED, "interrupted");
    }
}

static enum ots_status create_table(struct ots_instance *instance, struct ots_slice name,
                                    struct ots_interrupt *interrupt, struct ots_error *err)
{
    enum ots_status status = ots_table_name_check(name, err);
    if (status != OTS_OK)
        return status;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta = OTS_TABLE_META_DEFAULT;
    call.request.create_table.meta.name = name;
    call.request.create_table.meta.has_time_to_live = true;
    status = ots_store_run(instance->store, &call, interrupt, err);
    ots_call_deinit(&call);
    /* The name is a good one, so what is used up is the number of tables. */
    if (status == OTS_LIMIT)
        return OTS_NO_SPACE;
    return status == OTS_OK ? wait_until_ready(instance, name, interrupt, err) : status;
}

/* Somebody else has just made a table, and `mkdir -p` looks whether that is so. */
static void forget_list(struct ots_instance *instance)
{
    pthread_mutex_lock(&instance->view->synced.lock);
    instance->tables.fresh_until_us = 0;
    pthread_mutex_unlock(&instance->view->synced.lock);
}

static enum ots_status make_table(struct ots_instance *instance, struct ots_slice name,
                                  struct ots_interrupt *interrupt, struct ots_node **out,
                                  struct ots_error *err)
{
    enum ots_status status = create_table(instance, name, interrupt, err);
    if (status == OTS_EXISTS)
        forget_list(instance);
    if (status != OTS_OK)
        return status;
    struct ots_view *view = instance->view;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_table_meta meta = OTS_TABLE_META_DEFAULT;
    meta.name = name;
    status = ots_instance_add_table_locked(instance, &meta, out);
    if (status == OTS_OK) {
        (*out)->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
        (*out)->table->first_seen_ns = 0;
        (*out)->table->whole.timelines.fresh_until_us = 0;
        /* One that had the name before has left it another identity. */
        (*out)->table->replayed.fresh_until_us = 0;
        ots_follower_forget_locked((*out)->table);
        (*out)->table->described.knowledge.fresh_until_us = 0;
    }
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

static enum ots_status check_measurement_name(struct ots_slice name, struct ots_error *err)
{
    if (ots_measurement_name_is_hashed(name))
        return OTS_OK;
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key = {0};
    enum ots_status status = ots_measurement_name_decode(name, &arena, &key.measurement, err);
    if (status == OTS_OK)
        status = ots_series_key_check(&key, false, err);
    ots_arena_deinit(&arena);
    return status;
}

static enum ots_status make_measurement(struct ots_view *view, struct ots_node *dir,
                                        struct ots_slice name, struct ots_node **out,
                                        struct ots_error *err)
{
    enum ots_status status = check_measurement_name(name, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_node *node = ots_node_child_make(dir, OTS_NODE_MEASUREMENT, name);
    if (!node) {
        status = OTS_NOMEM;
    } else if (node->is_listed) {
        status = OTS_EXISTS;
    } else {
        node->is_local = true;
        node->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
        status = ots_tree_list(&view->synced.tree, node);
    }
    pthread_mutex_unlock(&view->synced.lock);
    *out = node;
    return status == OTS_OK ? status : ots_error_set(err, status, "%s", ots_status_text(status));
}

static enum ots_status mkdir_pinned(struct ots_view *view, struct ots_node *dir,
                                    struct ots_slice name, struct ots_interrupt *interrupt,
                                    struct ots_node **made, struct ots_error *err)
{
    enum ots_status status = ots_view_check_writable(view, dir->ino, err);
    if (status == OTS_OK)
        status = ots_directory_refresh(dir, interrupt, err);
    if (status != OTS_OK)
        return status;
    if (dir->kind == OTS_NODE_INSTANCE)
        return make_table(dir->instance, name, interrupt, made, err);
    if (dir->kind == OTS_NODE_TABLE)
        return make_measurement(view, dir, name, made, err);
    return ots_error_set(err, OTS_NOT_PERMITTED, "no directory can be made there");
}

enum ots_status ots_view_mkdir(struct ots_view *view, uint64_t parent, struct ots_slice name,
                               struct ots_interrupt *interrupt, struct ots_attr *attr,
                               struct ots_error *err)
{
    struct ots_node *dir;
    struct ots_node *made;
    enum ots_status status = ots_view_pin(view, parent, &dir, err);
    if (status == OTS_OK)
        status = mkdir_pinned(view, dir, name, interrupt, &made, err);
    if (status == OTS_OK)
        status = tell_attr(view, made, attr, err);
    ots_view_unpin(view, dir);
    return status;
}
