/*
 * Renaming: only staging files can be.
 *
 * To become a timeline, a staging file's content is written as lines through a writer of the
 * timeline. When that fails, or lines are rejected, the staging file stays what it was.
 */
#include "fs/view/attributes.h"
#include "fs/view/file.h"
#include "fs/view/staging.h"
#include "fs/view/writer.h"

enum { PIECE_BYTES = 1024 * 1024 };

static enum ots_status not_found(struct ots_slice name, struct ots_error *err)
{
    return ots_error_set(err, OTS_NOT_FOUND, "no such entry: %.*s", OTS_SLICE_FMT(name));
}

/* The staging file that `name` is; another entry cannot be renamed. */
static enum ots_status find_source(struct ots_view *view, uint64_t parent, struct ots_slice name,
                                   struct ots_staging **out, struct ots_error *err)
{
    *out = ots_staging_find(view, parent, name);
    if (*out)
        return OTS_OK;
    pthread_mutex_lock(&view->synced.lock);
    const struct ots_node *dir = ots_tree_by_ino(&view->synced.tree, parent);
    const struct ots_node *child = dir ? ots_node_child(dir, name) : NULL;
    bool is_there = child && child->is_listed;
    pthread_mutex_unlock(&view->synced.lock);
    return is_there ? ots_error_set(err, OTS_NOT_PERMITTED, "%.*s cannot be renamed",
                                    OTS_SLICE_FMT(name))
                    : not_found(name, err);
}

static enum ots_status find_target(struct ots_view *view, uint64_t parent,
                                   const struct ots_staging *staging, struct ots_node **out,
                                   struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&view->synced.lock);
    struct ots_node *dir = ots_tree_by_ino(&view->synced.tree, parent);
    if (!dir || !dir->is_listed)
        status = ots_error_set(err, OTS_NOT_FOUND, "no such directory");
    else if (dir->kind != OTS_NODE_MEASUREMENT)
        status = ots_error_set(err, OTS_NOT_PERMITTED, "only a measurement holds such files");
    else if (ots_node_instance(dir) != ots_node_instance(&staging->node))
        status = ots_error_set(err, OTS_OTHER_SOURCE, "a file is renamed within its source only");
    pthread_mutex_unlock(&view->synced.lock);
    *out = dir;
    return status;
}

/* --- to a timeline ----------------------------------------------------------------------------*/

static enum ots_status copy_content(struct ots_staging *staging, struct ots_writer *writer,
                                    struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_buf piece = OTS_BUF_INIT;
    enum ots_status status = OTS_OK;
    uint64_t offset = 0;
    do {
        size_t taken = 0;
        ots_buf_reset(&piece);
        status = ots_staging_read(staging, offset, PIECE_BYTES, &piece, err);
        if (status == OTS_OK && piece.size)
            status =
                ots_writer_write(writer, offset, ots_buf_slice(&piece), interrupt, &taken, err);
        offset += taken;
        /* Nothing else may wait, and there may be much. */
        if (status == OTS_OK && ots_interrupt_is_raised(interrupt))
            status = ots_error_set(err, OTS_CANCELLED, "interrupted");
    } while (status == OTS_OK && piece.size);
    ots_buf_deinit(&piece);
    return status;
}

static enum ots_status write_lines(struct ots_staging *staging, struct ots_writer *writer,
                                   struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_pipeline *pipeline = writer->table->pipeline;
    enum ots_status status = copy_content(staging, writer, interrupt, err);
    if (status != OTS_OK)
        return status;
    ots_writer_end(writer);
    status = ots_pipeline_hand_over(pipeline, err);
    if (status == OTS_OK && staging->view->options.is_sync)
        status = ots_pipeline_settle(pipeline, interrupt, err);
    return status == OTS_OK ? ots_writer_check(writer, err) : status;
}

/* Without any, those of the timeline stay: whoever wrote the file knew of none. */
static enum ots_status give_attributes(struct ots_staging *staging, struct ots_node *timeline,
                                       struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_view *view = staging->view;
    struct ots_attribute_set set = OTS_ATTRIBUTE_SET_INIT;
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status =
        ots_attribute_set_assign(&set, staging->attributes.items, staging->attributes.count);
    pthread_mutex_unlock(&view->synced.lock);
    if (status == OTS_OK && set.count)
        status = ots_attributes_replace(ots_node_table(timeline)->attributes, timeline, &set,
                                        interrupt, err);
    ots_attribute_set_deinit(&set);
    return status;
}

static enum ots_status become_timeline(struct ots_staging *staging, struct ots_node *timeline,
                                       struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_writer writer;
    ots_staging_freeze(staging);
    enum ots_status status = ots_writer_init(&writer, ots_node_table(timeline), timeline, false);
    if (status == OTS_OK)
        status = write_lines(staging, &writer, interrupt, err);
    else
        ots_error_set(err, status, "out of memory");
    ots_writer_deinit(&writer);
    if (status == OTS_OK)
        status = give_attributes(staging, timeline, interrupt, err);
    if (status == OTS_OK)
        ots_staging_become(staging, timeline);
    else
        ots_staging_thaw(staging);
    return status;
}

/* Whether the timeline has rows or was made: for that the table must be known. */
static enum ots_status check_absent(struct ots_view *view, struct ots_node *dir,
                                    struct ots_slice name, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    enum ots_status status = ots_extract_refresh(ots_node_extract(dir), interrupt, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    const struct ots_node *child = ots_node_child(dir, name);
    bool is_there = child && child->is_listed;
    pthread_mutex_unlock(&view->synced.lock);
    return is_there ? ots_error_set(err, OTS_EXISTS, "%.*s is there", OTS_SLICE_FMT(name)) : OTS_OK;
}

static enum ots_status rename_to_timeline(struct ots_staging *staging, struct ots_node *dir,
                                          struct ots_slice name, unsigned flags,
                                          struct ots_interrupt *interrupt, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    struct ots_node *timeline;
    if (flags & OTS_RENAME_NOREPLACE)
        status = check_absent(staging->view, dir, name, interrupt, err);
    if (status == OTS_OK)
        status = ots_view_make_timeline(staging->view, dir->ino, name, &timeline, err);
    return status == OTS_OK ? become_timeline(staging, timeline, interrupt, err) : status;
}

/* --- to another staging name ------------------------------------------------------------------*/

static enum ots_status rename_staging(struct ots_staging *staging, struct ots_node *dir,
                                      struct ots_slice name, unsigned flags, struct ots_error *err)
{
    struct ots_staging *target = ots_staging_find(staging->view, dir->ino, name);
    ots_staging_unref(target);
    if (target && flags & OTS_RENAME_NOREPLACE)
        return ots_error_set(err, OTS_EXISTS, "%.*s is there", OTS_SLICE_FMT(name));
    if (target == staging || ots_staging_relink(staging, dir, name) == OTS_OK)
        return OTS_OK;
    return ots_error_set(err, OTS_NOMEM, "out of memory");
}

enum ots_status ots_view_rename(struct ots_view *view, const struct ots_rename *rename,
                                struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_staging *staging;
    struct ots_node *dir;
    if (rename->flags & ~(unsigned)OTS_RENAME_NOREPLACE)
        return ots_error_set(err, OTS_INVALID, "names cannot be exchanged");
    enum ots_status status = ots_view_check_writable(view, rename->parent, err);
    if (status == OTS_OK)
        status = ots_view_check_writable(view, rename->new_parent, err);
    if (status == OTS_OK)
        status = find_source(view, rename->parent, rename->name, &staging, err);
    if (status != OTS_OK)
        return status;
    status = find_target(view, rename->new_parent, staging, &dir, err);
    if (status == OTS_OK && ots_staging_is_name(rename->new_name))
        status = rename_staging(staging, dir, rename->new_name, rename->flags, err);
    else if (status == OTS_OK)
        status = rename_to_timeline(staging, dir, rename->new_name, rename->flags, interrupt, err);
    ots_staging_unref(staging);
    return status;
}
