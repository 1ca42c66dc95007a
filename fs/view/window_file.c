/*
 * An open file of a view of changes: a piece of the window's text.
 */
#include <stdlib.h>

#include "fs/view/file.h"
#include "fs/view/window.h"

struct window_file {
    struct ots_file base;
    struct ots_window *window;
    uint64_t offset; /* in the window's text */
    uint64_t size_bytes;
};

static struct window_file *of(struct ots_file *file)
{
    return (struct window_file *)(void *)file;
}

static enum ots_status read_file(struct ots_file *base, uint64_t offset, size_t size,
                                 struct ots_interrupt *interrupt, struct ots_buf *out,
                                 struct ots_error *err)
{
    const struct window_file *file = of(base);
    (void)interrupt;
    if (offset >= file->size_bytes)
        return OTS_OK;
    if (size > file->size_bytes - offset)
        size = (size_t)(file->size_bytes - offset);
    size_t before = out->size;
    enum ots_status status =
        ots_spool_read(&file->window->text, file->offset + offset, size, out, err);
    if (status != OTS_OK || !file->window->has_blanks)
        return status;
    const uint8_t *blank = memchr(out->data + before, '\0', out->size - before);
    if (!blank)
        return OTS_OK;
    uint64_t at = offset + (uint64_t)(blank - out->data) - before;
    out->size = before;
    return ots_error_set(err, OTS_IO,
                         "%.*s/%.*s: the row at byte %llu cannot be shown in this precision",
                         OTS_SLICE_FMT(base->node->parent->name), OTS_SLICE_FMT(base->node->name),
                         (unsigned long long)at);
}

static void close_file(struct ots_file *base)
{
    struct window_file *file = of(base);
    ots_window_unref(file->window);
    ots_file_deinit(base);
    free(file);
}

static const struct ots_file_ops WINDOW_OPS = {.read = read_file, .close = close_file};

/* Nothing when the view was read again since the timeline was looked up, and has it no more. */
static bool find_text(struct window_file *file, const struct ots_node *timeline)
{
    struct ots_window *window = ots_node_extract(timeline)->window;
    const struct ots_window_place *place =
        window && timeline->is_listed ? ots_window_find(window, timeline->ino) : NULL;
    if (!place)
        return false;
    atomic_fetch_add(&window->ref_count, 1);
    file->window = window;
    file->offset = place->offset;
    file->size_bytes = timeline->timeline.extent.size_bytes;
    return true;
}

enum ots_status ots_window_file_open(struct ots_view *view, struct ots_node *timeline,
                                     struct ots_file **out, struct ots_error *err)
{
    struct window_file *file = calloc(1, sizeof(*file));
    if (!file)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    ots_file_init(&file->base, &WINDOW_OPS, view, timeline);
    pthread_mutex_lock(&view->synced.lock);
    bool is_found = find_text(file, timeline);
    pthread_mutex_unlock(&view->synced.lock);
    if (!is_found) {
        close_file(&file->base);
        return ots_error_set(err, OTS_NOT_FOUND, "not there any more");
    }
    *out = &file->base;
    return OTS_OK;
}
