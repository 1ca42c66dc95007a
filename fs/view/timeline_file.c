/*
 * A timeline's open file. One for reading holds a reader, one for writing a writer, or both.
 */
#include <stdlib.h>

#include "fs/view/attributes.h"
#include "fs/view/file.h"
#include "fs/view/port.h"
#include "fs/view/portion.h"
#include "fs/view/reader.h"
#include "fs/view/window.h"
#include "fs/view/writer.h"

struct timeline_file {
    struct ots_file base;
    struct ots_table *table;
    bool has_reader;
    bool has_writer;
    struct ots_reader reader;
    struct ots_writer writer;
};

static struct timeline_file *of(struct ots_file *file)
{
    return (struct timeline_file *)(void *)file;
}

static void close_file(struct ots_file *base)
{
    struct timeline_file *file = of(base);
    if (file->has_writer)
        ots_writer_deinit(&file->writer);
    if (file->has_reader)
        ots_reader_deinit(&file->reader);
    ots_file_deinit(base);
    free(file);
}

static enum ots_status read_file(struct ots_file *base, uint64_t offset, size_t size,
                                 struct ots_interrupt *interrupt, struct ots_buf *out,
                                 struct ots_error *err)
{
    struct timeline_file *file = of(base);
    if (!file->has_reader)
        return OTS_OK;
    return ots_reader_read(&file->reader, offset, size, interrupt, out, err);
}

static enum ots_status write_file(struct ots_file *base, uint64_t offset, struct ots_slice bytes,
                                  struct ots_interrupt *interrupt, size_t *taken,
                                  struct ots_error *err)
{
    struct timeline_file *file = of(base);
    if (!file->has_writer)
        return ots_error_set(err, OTS_INVALID, "not open for writing");
    return ots_writer_write(&file->writer, offset, bytes, interrupt, taken, err);
}

static enum ots_status rows_of_file(struct ots_file *base, uint64_t offset, size_t size,
                                    struct ots_interrupt *interrupt, struct ots_row_span *span,
                                    struct ots_error *err)
{
    struct timeline_file *file = of(base);
    if (!file->has_reader)
        return OTS_OK;
    return ots_reader_rows(&file->reader, offset, size, interrupt, span, err);
}

static enum ots_status check_copy(struct ots_file *base, uint64_t cut, struct ots_error *err)
{
    const struct timeline_file *file = of(base);
    return file->has_reader ? ots_reader_check_copy(&file->reader, cut, err) : OTS_OK;
}

static enum ots_status take_rows(struct ots_file *base, uint64_t offset,
                                 const struct ots_row_span *span, struct ots_interrupt *interrupt,
                                 size_t *taken, struct ots_error *err)
{
    struct timeline_file *file = of(base);
    if (!file->has_writer)
        return OTS_OK;
    return ots_writer_take_rows(&file->writer, offset, span, interrupt, taken, err);
}

/* Of the rows that this file wrote. */
static enum ots_status tell_lost_rows(struct timeline_file *file, struct ots_error *err)
{
    struct ots_view *view = file->base.view;
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = ots_origin_tell_loss(file->writer.origin, err);
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

/* Whoever wrote them: rows of the timeline were lost, and no sync of the directory told it. */
static enum ots_status check_lost_rows(const struct timeline_file *file, struct ots_error *err)
{
    struct ots_view *view = file->base.view;
    const struct ots_node *timeline = file->base.node;
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&view->synced.lock);
    if (timeline->has_lost_rows)
        status = ots_error_set(err, OTS_IO, "rows were lost: %s", file->table->failure.message);
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

static enum ots_status check_writer(struct timeline_file *file, struct ots_error *err)
{
    ots_writer_note_flush(&file->writer);
    enum ots_status status = ots_writer_check(&file->writer, err);
    return status == OTS_OK ? tell_lost_rows(file, err) : status;
}

static enum ots_status flush_file(struct ots_file *base, bool is_writer,
                                  struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct timeline_file *file = of(base);
    if (!file->has_writer)
        return OTS_OK;
    enum ots_status status = ots_pipeline_hand_over(file->table->pipeline, err);
    if (status == OTS_OK && base->view->options.is_sync)
        status = ots_pipeline_settle(file->table->pipeline, interrupt, err);
    if (status != OTS_OK || !is_writer || !ots_file_try_enter(base))
        return status;
    status = check_writer(file, err);
    ots_file_leave(base);
    return status;
}

static enum ots_status sync_file(struct ots_file *base, struct ots_interrupt *interrupt,
                                 struct ots_error *err)
{
    struct timeline_file *file = of(base);
    enum ots_status status = ots_ports_hand_over(file->table, interrupt, err);
    if (status == OTS_OK)
        status = ots_pipeline_settle(file->table->pipeline, interrupt, err);
    if (status == OTS_OK)
        status = ots_attributes_wait(file->table->attributes, interrupt, err);
    if (status == OTS_OK && file->has_writer) {
        status = ots_file_enter(base, interrupt);
        if (status == OTS_OK) {
            status = check_writer(file, err);
            ots_file_leave(base);
        }
    }
    return status == OTS_OK ? check_lost_rows(file, err) : status;
}

static const struct ots_file_ops TIMELINE_OPS = {
    .read = read_file,
    .write = write_file,
    .rows = rows_of_file,
    .check_copy = check_copy,
    .take_rows = take_rows,
    .flush = flush_file,
    .sync = sync_file,
    .close = close_file,
};

static struct timeline_file *file_new(struct ots_view *view, struct ots_node *timeline)
{
    struct timeline_file *file = calloc(1, sizeof(*file));
    if (!file)
        return NULL;
    ots_file_init(&file->base, &TIMELINE_OPS, view, timeline);
    file->table = ots_node_table(timeline);
    return file;
}

static enum ots_status open_reader(struct timeline_file *file, struct ots_interrupt *interrupt,
                                   struct ots_error *err)
{
    struct ots_node *known = ots_node_known(file->base.node);
    return ots_reader_open(&file->reader, ots_node_extract(known), known, file->base.node,
                           interrupt, err);
}

enum ots_status ots_timeline_file_open(struct ots_view *view, struct ots_node *timeline,
                                       unsigned mode, struct ots_interrupt *interrupt,
                                       struct ots_file **out, struct ots_error *err)
{
    if (ots_node_extract(timeline)->selection.is_window)
        return ots_window_file_open(view, timeline, out, err);
    struct timeline_file *file = file_new(view, timeline);
    if (!file)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    enum ots_status status = OTS_OK;
    file->has_reader = mode & OTS_OPEN_READ;
    if (file->has_reader)
        status = open_reader(file, interrupt, err);
    if (status == OTS_OK && mode & OTS_OPEN_WRITE) {
        file->has_writer = true;
        status = ots_writer_init(&file->writer, file->table, timeline, mode & OTS_OPEN_APPEND);
    }
    if (status != OTS_OK) {
        close_file(&file->base);
        return status;
    }
    *out = &file->base;
    return OTS_OK;
}
