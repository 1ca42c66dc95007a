#include "fs/view/self.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/state/state_dir.h"
#include "fs/view/tally.h"

#define TOP OTS_SLICE(".otsfs")
#define ERRORS OTS_SLICE("errors")
#define METRICS OTS_SLICE("metrics")
#define REJECTED OTS_SLICE("rejected")
#define STATUS OTS_SLICE("status")
#define SUFFIX OTS_SLICE(".lp")

bool ots_self_is_name(const struct ots_node *dir, struct ots_slice name)
{
    return dir->kind == OTS_NODE_STATUS_DIR ||
           (dir->kind == OTS_NODE_INSTANCE && ots_slice_equal(name, TOP));
}

static bool is_in_top(const struct ots_node *node)
{
    return node->parent->parent->kind == OTS_NODE_INSTANCE;
}

/* Whether the text is made here; otherwise the file is one of the state directory's. */
static bool is_made(const struct ots_node *node)
{
    return is_in_top(node) && !ots_slice_equal(node->name, ERRORS);
}

unsigned ots_self_permissions(const struct ots_node *node)
{
    return is_made(node) ? 0444 : 0644;
}

/* --- files of the state directory -------------------------------------------------------------*/

/* Whose rejected lines the file has; empty for `errors`. */
static struct ots_slice table_of(const struct ots_node *node)
{
    return is_in_top(node) ? OTS_SLICE_NONE
                           : ots_slice(node->name.data, node->name.size - SUFFIX.size);
}

static struct ots_rejects *rejects_of(const struct ots_node *node)
{
    struct ots_state *state = ots_node_instance(node)->state;
    return state ? ots_state_rejects(state) : NULL;
}

/* Nothing was rejected yet: `errors` is empty then, and of the others there is none. */
static enum ots_status open_kept(const struct ots_node *node, int *fd, uint64_t *size_bytes,
                                 struct ots_error *err)
{
    struct ots_rejects *rejects = rejects_of(node);
    *fd = -1;
    *size_bytes = 0;
    enum ots_status status = rejects
                                 ? ots_rejects_open(rejects, table_of(node), fd, size_bytes, err)
                                 : ots_error_set(err, OTS_NOT_FOUND, "nothing is kept");
    return status == OTS_NOT_FOUND && is_in_top(node) ? OTS_OK : status;
}

static enum ots_status empty_kept(const struct ots_node *node, struct ots_error *err)
{
    struct ots_rejects *rejects = rejects_of(node);
    return rejects ? ots_rejects_empty(rejects, table_of(node), err) : OTS_OK;
}

enum ots_status ots_self_truncate(const struct ots_node *node, uint64_t size_bytes,
                                  struct ots_error *err)
{
    if (is_made(node))
        return ots_error_set(err, OTS_NOT_PERMITTED, "it can only be read");
    if (size_bytes)
        return ots_error_set(err, OTS_INVALID, "it can only be emptied");
    return empty_kept(node, err);
}

enum ots_status ots_self_unlink(const struct ots_node *node, struct ots_error *err)
{
    if (is_made(node))
        return ots_error_set(err, OTS_NOT_PERMITTED, "it can only be read");
    return empty_kept(node, err);
}

/* --- names ------------------------------------------------------------------------------------*/

static enum ots_status make_child_locked(struct ots_view *view, struct ots_node *dir,
                                         enum ots_node_kind kind, struct ots_slice name)
{
    struct ots_node *node = ots_node_child_make(dir, kind, name);
    if (!node)
        return OTS_NOMEM;
    if (!node->mtime_ns)
        node->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
    return ots_tree_list(&view->synced.tree, node);
}

static enum ots_status make_top(struct ots_view *view, struct ots_node *instance)
{
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = make_child_locked(view, instance, OTS_NODE_STATUS_DIR, TOP);
    struct ots_node *top = ots_node_child(instance, TOP);
    /* In their order, so that inode numbers ascend. */
    if (status == OTS_OK)
        status = make_child_locked(view, top, OTS_NODE_STATUS_FILE, ERRORS);
    if (status == OTS_OK)
        status = make_child_locked(view, top, OTS_NODE_STATUS_FILE, METRICS);
    if (status == OTS_OK)
        status = make_child_locked(view, top, OTS_NODE_STATUS_DIR, REJECTED);
    if (status == OTS_OK)
        status = make_child_locked(view, top, OTS_NODE_STATUS_FILE, STATUS);
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

static void unlist(struct ots_node *child, void *context)
{
    (void)context;
    child->is_listed = false;
}

/* Collect names, each with a NUL. Something else may lie in the state directory. */
static void add_rejected(void *context, struct ots_slice name)
{
    struct ots_buf *names = context;
    if (name.size <= SUFFIX.size ||
        !ots_slice_equal(ots_slice(name.data + name.size - SUFFIX.size, SUFFIX.size), SUFFIX))
        return;
    ots_buf_append_slice(names, name);
    ots_buf_append_byte(names, '\0');
}

/* At once, so that nobody misses a file that is there. */
static enum ots_status list_rejected(struct ots_view *view, struct ots_node *dir,
                                     const struct ots_buf *names)
{
    enum ots_status status = ots_buf_status(names);
    const char *name = (const char *)names->data;
    pthread_mutex_lock(&view->synced.lock);
    ots_node_each_child(dir, unlist, NULL);
    for (size_t left = names->size; status == OTS_OK && left;) {
        size_t size = strlen(name) + 1;
        status = make_child_locked(view, dir, OTS_NODE_STATUS_FILE, ots_slice_str(name));
        name += size;
        left -= size;
    }
    pthread_mutex_unlock(&view->synced.lock);
    return status;
}

enum ots_status ots_self_refresh(struct ots_view *view, struct ots_node *dir, struct ots_error *err)
{
    struct ots_rejects *rejects = rejects_of(dir);
    if (dir->parent->kind == OTS_NODE_INSTANCE || !rejects)
        return OTS_OK;
    struct ots_buf names = OTS_BUF_INIT;
    enum ots_status status = ots_rejects_each(rejects, add_rejected, &names, err);
    if (status == OTS_OK && list_rejected(view, dir, &names) != OTS_OK)
        status = ots_error_set(err, OTS_NOMEM, "out of memory");
    ots_buf_deinit(&names);
    return status;
}

enum ots_status ots_self_lookup(struct ots_view *view, struct ots_node *dir, struct ots_slice name,
                                struct ots_attr *attr, struct ots_error *err)
{
    enum ots_status status =
        dir->kind == OTS_NODE_INSTANCE ? make_top(view, dir) : ots_self_refresh(view, dir, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&view->synced.lock);
    const struct ots_node *node = ots_node_child(dir, name);
    bool is_listed = node && node->is_listed;
    if (is_listed)
        ots_node_attr_locked(node, attr);
    pthread_mutex_unlock(&view->synced.lock);
    if (!is_listed)
        return ots_error_set(err, OTS_NOT_FOUND, "no such entry: %.*s", OTS_SLICE_FMT(name));
    return node->kind == OTS_NODE_STATUS_FILE ? ots_self_attr(view, node, attr, err) : OTS_OK;
}

/* --- texts ------------------------------------------------------------------------------------*/

static enum ots_status make_text(const struct ots_node *node, struct ots_buf *text,
                                 struct ots_error *err)
{
    struct ots_report report;
    enum ots_status status = ots_tally(ots_node_instance(node), &report);
    if (status == OTS_OK && ots_slice_equal(node->name, STATUS))
        status = ots_report_json(&report, text);
    else if (status == OTS_OK)
        status = ots_report_metrics(&report, text);
    ots_tally_end(&report);
    return status == OTS_OK ? status : ots_error_set(err, status, "%s", ots_status_text(status));
}

static enum ots_status made_attr(struct ots_view *view, const struct ots_node *node,
                                 struct ots_attr *attr, struct ots_error *err)
{
    struct ots_buf text = OTS_BUF_INIT;
    enum ots_status status = make_text(node, &text, err);
    attr->size_bytes = text.size;
    attr->mtime_ns = ots_clock_now_us(view->options.clock) * 1000;
    ots_buf_deinit(&text);
    return status;
}

static enum ots_status kept_attr(const struct ots_node *node, struct ots_attr *attr,
                                 struct ots_error *err)
{
    int fd;
    struct stat info;
    enum ots_status status = open_kept(node, &fd, &attr->size_bytes, err);
    if (fd >= 0 && fstat(fd, &info) == 0)
        attr->mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    if (fd >= 0)
        close(fd);
    return status;
}

enum ots_status ots_self_attr(struct ots_view *view, const struct ots_node *node,
                              struct ots_attr *attr, struct ots_error *err)
{
    pthread_mutex_lock(&view->synced.lock);
    ots_node_attr_locked(node, attr);
    pthread_mutex_unlock(&view->synced.lock);
    return is_made(node) ? made_attr(view, node, attr, err) : kept_attr(node, attr, err);
}

/* --- open files -------------------------------------------------------------------------------*/

struct self_file {
    struct ots_file base;
    struct ots_buf text; /* of a file that is made */
};

static enum ots_status read_made(struct ots_file *base, uint64_t offset, size_t size,
                                 struct ots_interrupt *interrupt, struct ots_buf *out,
                                 struct ots_error *err)
{
    (void)interrupt;
    const struct self_file *file = (const struct self_file *)(const void *)base;
    size_t left = offset < file->text.size ? file->text.size - (size_t)offset : 0;
    if (left)
        ots_buf_append(out, file->text.data + offset, left < size ? left : size);
    return ots_buf_status(out) == OTS_OK ? OTS_OK : ots_error_set(err, OTS_NOMEM, "out of memory");
}

static enum ots_status read_fd(int fd, uint64_t offset, size_t size, struct ots_buf *out,
                               struct ots_error *err)
{
    while (size) {
        uint8_t *to = ots_buf_reserve(out, size);
        if (!to)
            return ots_error_set(err, OTS_NOMEM, "out of memory");
        ssize_t got = pread(fd, to, size, (off_t)offset);
        if (got < 0)
            return ots_error_errno(err, errno, "the state directory");
        if (got == 0)
            break;
        ots_buf_advance(out, (size_t)got);
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return OTS_OK;
}

/* Opened anew each time, since the file under the name may be another one by now. */
static enum ots_status read_kept(struct ots_file *base, uint64_t offset, size_t size,
                                 struct ots_interrupt *interrupt, struct ots_buf *out,
                                 struct ots_error *err)
{
    (void)interrupt;
    int fd;
    uint64_t end;
    enum ots_status status = open_kept(base->node, &fd, &end, err);
    uint64_t left = offset < end ? end - offset : 0;
    if (status == OTS_OK && fd >= 0)
        status = read_fd(fd, offset, left < size ? (size_t)left : size, out, err);
    if (fd >= 0)
        close(fd);
    /* It was emptied. */
    return status == OTS_NOT_FOUND ? OTS_OK : status;
}

static enum ots_status refuse_write(struct ots_file *base, uint64_t offset, struct ots_slice bytes,
                                    struct ots_interrupt *interrupt, size_t *taken,
                                    struct ots_error *err)
{
    (void)base;
    (void)offset;
    (void)bytes;
    (void)interrupt;
    *taken = 0;
    return ots_error_set(err, OTS_NOT_PERMITTED, "it can only be read and emptied");
}

static void close_file(struct ots_file *base)
{
    struct self_file *file = (struct self_file *)(void *)base;
    ots_buf_deinit(&file->text);
    ots_file_deinit(base);
    free(file);
}

static const struct ots_file_ops MADE_OPS = {.read = read_made, .close = close_file};
static const struct ots_file_ops KEPT_OPS = {
    .read = read_kept, .write = refuse_write, .close = close_file};

enum ots_status ots_self_open(struct ots_view *view, struct ots_node *node, unsigned mode,
                              struct ots_file **out, struct ots_error *err)
{
    if (is_made(node) && mode & OTS_OPEN_WRITE)
        return ots_error_set(err, OTS_DENIED, "it can only be read");
    struct self_file *file = calloc(1, sizeof(*file));
    if (!file)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    ots_file_init(&file->base, is_made(node) ? &MADE_OPS : &KEPT_OPS, view, node);
    enum ots_status status = is_made(node) ? make_text(node, &file->text, err) : OTS_OK;
    if (status != OTS_OK) {
        close_file(&file->base);
        return status;
    }
    *out = &file->base;
    return OTS_OK;
}
