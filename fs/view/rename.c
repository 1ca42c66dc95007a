/*
 * Renaming: only staging files can be.
 *
 * To become a timeline, a staging file's content is written as lines through a writer of the
 * timeline. When that fails, or lines are rejected, the staging file stays what it was.
 */
#include <stdlib.h>

#include "fs/view/attributes.h"
#include "fs/view/file.h"
#include "fs/view/staging.h"
#include "fs/view/writer.h"

/* So much is handed over between two looks at an interrupt. */
enum { PIECE_BYTES = 32 * 1024 };

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

/* Until it ends the staging file cannot be written. */
struct ots_renaming {
    struct ots_staging *staging;
    struct ots_node *timeline;
    struct ots_writer writer;
    uint64_t size_bytes;
    uint64_t offset; /* what lies before it was handed over */
};

/* Takes the reference to the staging file when there is memory. */
static struct ots_renaming *begin(struct ots_staging *staging, struct ots_node *timeline)
{
    struct ots_renaming *renaming = calloc(1, sizeof(*renaming));
    if (!renaming)
        return NULL;
    renaming->staging = staging;
    renaming->timeline = timeline;
    if (ots_writer_init(&renaming->writer, ots_node_table(timeline), timeline, false) != OTS_OK) {
        ots_writer_deinit(&renaming->writer);
        free(renaming);
        return NULL;
    }
    ots_staging_freeze(staging);
    pthread_mutex_lock(&staging->view->synced.lock);
    renaming->size_bytes = staging->size_bytes;
    pthread_mutex_unlock(&staging->view->synced.lock);
    return renaming;
}

static void end(struct ots_renaming *renaming, bool is_done)
{
    ots_writer_deinit(&renaming->writer);
    if (is_done)
        ots_staging_become(renaming->staging, renaming->timeline);
    else
        ots_staging_thaw(renaming->staging);
    ots_staging_unref(renaming->staging);
    free(renaming);
}

void ots_renaming_end(struct ots_renaming *renaming)
{
    if (renaming)
        end(renaming, false);
}

static enum ots_status copy_content(struct ots_renaming *renaming, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    struct ots_buf piece = OTS_BUF_INIT;
    enum ots_status status = OTS_OK;
    while (status == OTS_OK && renaming->offset < renaming->size_bytes) {
        size_t taken = 0;
        ots_buf_reset(&piece);
        status = ots_staging_read(renaming->staging, renaming->offset, PIECE_BYTES, &piece, err);
        if (status == OTS_OK)
            status = ots_writer_write(&renaming->writer, renaming->offset, ots_buf_slice(&piece),
                                      interrupt, &taken, err);
        renaming->offset += taken;
        /* Nothing else may wait, and there may be much. */
        if (status == OTS_OK && renaming->offset < renaming->size_bytes &&
            ots_interrupt_is_raised(interrupt))
            status = ots_error_set(err, OTS_CANCELLED, "interrupted");
    }
    ots_buf_deinit(&piece);
    return status;
}

/* Called again after it was interrupted, it goes on. */
static enum ots_status write_lines(struct ots_renaming *renaming, struct ots_interrupt *interrupt,
                                   struct ots_error *err)
{
    struct ots_writer *writer = &renaming->writer;
    struct ots_pipeline *pipeline = writer->table->pipeline;
    enum ots_status status = copy_content(renaming, interrupt, err);
    if (status != OTS_OK)
        return status;
    ots_writer_end(writer);
    status = ots_pipeline_hand_over(pipeline, err);
    if (status == OTS_OK && renaming->staging->view->options.is_sync)
        status = ots_pipeline_settle(pipeline, interrupt, err);
    return status == OTS_OK ? ots_writer_check(writer, err) : status;
}

/* Without any, those of the timeline stay: whoever wrote the file knew of none. */
static enum ots_status give_attributes(struct ots_renaming *renaming,
                                       struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_staging *staging = renaming->staging;
    struct ots_node *timeline = renaming->timeline;
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

/* What is interrupted is left in `*begun`, if that is not NULL. */
static enum ots_status go_on(struct ots_renaming *renaming, struct ots_renaming **begun,
                             struct ots_interrupt *interrupt, struct ots_error *err)
{
    enum ots_status status = write_lines(renaming, interrupt, err);
    if (status == OTS_OK)
        status = give_attributes(renaming, interrupt, err);
    if (status == OTS_CANCELLED && begun)
        *begun = renaming;
    else
        end(renaming, status == OTS_OK);
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

/* Takes the reference to the staging file. */
static enum ots_status rename_to_timeline(struct ots_staging *staging, struct ots_node *dir,
                                          const struct ots_rename *rename,
                                          struct ots_interrupt *interrupt, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    struct ots_node *timeline;
    struct ots_renaming *renaming = NULL;
    if (rename->flags & OTS_RENAME_NOREPLACE)
        status = check_absent(staging->view, dir, rename->new_name, interrupt, err);
    if (status == OTS_OK)
        status = ots_view_make_timeline(staging->view, dir->ino, rename->new_name, &timeline, err);
    if (status == OTS_OK && !(renaming = begin(staging, timeline)))
        status = ots_error_set(err, OTS_NOMEM, "out of memory");
    if (renaming)
        return go_on(renaming, rename->begun, interrupt, err);
    ots_staging_unref(staging);
    return status;
}

/* --- to another staging name ------------------------------------------------------------------*/

/* Takes the reference to the staging file. */
static enum ots_status rename_staging(struct ots_staging *staging, struct ots_node *dir,
                                      struct ots_slice name, unsigned flags, struct ots_error *err)
{
    struct ots_staging *target = ots_staging_find(staging->view, dir->ino, name);
    enum ots_status status = OTS_OK;
    ots_staging_unref(target);
    if (target && flags & OTS_RENAME_NOREPLACE)
        status = ots_error_set(err, OTS_EXISTS, "%.*s is there", OTS_SLICE_FMT(name));
    else if (target != staging && ots_staging_relink(staging, dir, name) != OTS_OK)
        status = ots_error_set(err, OTS_NOMEM, "out of memory");
    ots_staging_unref(staging);
    return status;
}

/* A rename that has not begun. */
static enum ots_status rename_anew(struct ots_view *view, const struct ots_rename *rename,
                                   struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct ots_staging *staging;
    struct ots_node *dir;
    enum ots_status status = ots_view_check_writable(view, rename->parent, err);
    if (status == OTS_OK)
        status = ots_view_check_writable(view, rename->new_parent, err);
    if (status == OTS_OK)
        status = find_source(view, rename->parent, rename->name, &staging, err);
    if (status != OTS_OK)
        return status;
    status = find_target(view, rename->new_parent, staging, &dir, err);
    if (status == OTS_OK && ots_staging_is_name(rename->new_name))
        return rename_staging(staging, dir, rename->new_name, rename->flags, err);
    if (status == OTS_OK)
        return rename_to_timeline(staging, dir, rename, interrupt, err);
    ots_staging_unref(staging);
    return status;
}

enum ots_status ots_view_rename(struct ots_view *view, const struct ots_rename *rename,
                                struct ots_interrupt *interrupt, struct ots_error *err)
{
    if (rename->flags & ~(unsigned)OTS_RENAME_NOREPLACE)
        return ots_error_set(err, OTS_INVALID, "names cannot be exchanged");
    struct ots_renaming *renaming = rename->begun ? *rename->begun : NULL;
    if (!renaming)
        return rename_anew(view, rename, interrupt, err);
    *rename->begun = NULL;
    return go_on(renaming, rename->begun, interrupt, err);
}
