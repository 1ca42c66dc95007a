#include "fs/mount/ops_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "fs/mount/entry.h"
#include "fs/mount/task.h"

enum { QUICK_WRITE_BYTES_MAX = 32 * 1024 };

static struct ots_file *file_of(const struct fuse_file_info *info)
{
    return (struct ots_file *)(uintptr_t)info->fh;
}

static unsigned open_mode(const struct fuse_file_info *info)
{
    unsigned append = info->flags & O_APPEND ? OTS_OPEN_APPEND : 0;
    switch (info->flags & O_ACCMODE) {
    case O_RDONLY:
        return OTS_OPEN_READ;
    case O_WRONLY:
        return OTS_OPEN_WRITE | append;
    default:
        return OTS_OPEN_READ | OTS_OPEN_WRITE | append;
    }
}

static void set_file(struct fuse_file_info *info, struct ots_file *file)
{
    info->fh = (uintptr_t)file;
    /* The kernel keeps pages by inode, but each open file has its own snapshot, and what is written
     * is not what the file will show. Besides, without pages it need not ask for the size before
     * each read, and hands over pieces as large as the tool reads and writes them. */
    info->direct_io = true;
    /* Closing tells of what was written; of a staging file the rename does. */
    info->noflush = (info->flags & O_ACCMODE) == O_RDONLY || !ots_file_has_flush(file);
}

/* The kernel leaves O_TRUNC to us. */
static enum ots_status open_file(struct ots_task *task, struct ots_file **file)
{
    struct ots_view *view = task->mount->view;
    struct ots_attr attr;
    enum ots_status status = ots_view_open(view, task->ino, open_mode(&task->file_info),
                                           &task->interrupt, file, &attr, &task->error);
    if (status != OTS_OK || !(task->file_info.flags & O_TRUNC))
        return status;
    status = ots_view_truncate(view, task->ino, 0, &task->error);
    if (status != OTS_OK)
        ots_file_close(*file);
    return status;
}

/* Whether the kernel asks for the size when it is wanted, or has the one that is known: it copies
 * no more than that. */
static bool is_size_told(const struct ots_task *task)
{
    struct ots_mount *mount = task->mount;
    return (task->file_info.flags & O_ACCMODE) == O_WRONLY ||
           ots_keeping_is_settled(&mount->keeping) ||
           !ots_view_may_be_stale(mount->view, task->ino);
}

static void run_open(struct ots_task *task)
{
    struct ots_file *file;
    task->must_wait = task->is_trying && !is_size_told(task);
    if (task->must_wait)
        return;
    enum ots_status status = open_file(task, &file);
    if (status != OTS_OK) {
        ots_task_fail(task, status);
        return;
    }
    task->must_wait = task->is_trying && !is_size_told(task);
    if (task->must_wait) {
        ots_file_close(file);
        return;
    }
    /* What was opened may be news. */
    if (!task->is_trying && !is_size_told(task))
        ots_keeping_settle(&task->mount->keeping);
    set_file(&task->file_info, file);
    ots_task_end(task);
    if (fuse_reply_open(task->request, &task->file_info) != 0)
        ots_file_close(file);
}

void ots_op_open(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
    struct ots_task *task = ots_task_new(request, "open", run_open, ino, OTS_SLICE_NONE);
    if (!task)
        return;
    task->file_info = *info;
    /* Text that was read ahead is at hand. */
    ots_task_start(task, (info->flags & O_ACCMODE) != O_RDWR);
}

static void run_create(struct ots_task *task)
{
    struct ots_file *file;
    struct ots_attr attr;
    struct ots_keeping *keeping = &task->mount->keeping;
    uint64_t number = ots_keeping_number(keeping);
    enum ots_status status =
        ots_view_create(task->mount->view, task->ino, task->bytes, open_mode(&task->file_info),
                        &task->interrupt, &file, &attr, &task->error);
    if (status != OTS_OK) {
        ots_task_fail(task, status);
        return;
    }
    set_file(&task->file_info, file);
    struct fuse_entry_param entry;
    ots_task_end(task);
    ots_entry_fill(task->mount, &attr, ots_keeping_hold(keeping, number), &entry);
    int result = fuse_reply_create(task->request, &entry, &task->file_info);
    ots_keeping_release(keeping);
    if (result != 0)
        ots_file_close(file);
}

void ots_op_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                   struct fuse_file_info *info)
{
    (void)mode;
    struct ots_task *task =
        ots_task_new(request, "create", run_create, parent, ots_slice_str(name));
    if (!task)
        return;
    task->file_info = *info;
    ots_task_start(task, true);
}

static void run_read(struct ots_task *task)
{
    struct ots_buf text = OTS_BUF_INIT;
    enum ots_status status = ots_file_read(file_of(&task->file_info), task->offset, task->size,
                                           &task->interrupt, &text, &task->error);
    if (status == OTS_OK) {
        ots_task_end(task);
        fuse_reply_buf(task->request, (const char *)text.data, text.size);
    } else {
        ots_task_fail(task, status);
    }
    ots_buf_deinit(&text);
}

void ots_op_read(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset,
                 struct fuse_file_info *info)
{
    struct ots_task *task = ots_task_new(request, "read", run_read, ino, OTS_SLICE_NONE);
    if (!task)
        return;
    task->file_info = *info;
    task->offset = (uint64_t)offset;
    task->size = size;
    ots_task_start(task, true);
}

static void reply_taken(struct ots_task *task, enum ots_status status, size_t taken)
{
    if (status != OTS_OK && !taken) {
        ots_task_fail(task, status);
        return;
    }
    ots_task_end(task);
    fuse_reply_write(task->request, taken);
}

static void run_write(struct ots_task *task)
{
    const struct ots_slice *bytes = &task->bytes;
    enum ots_status status = task->status;
    size_t taken = task->taken;
    size_t more = 0;
    if (!task->is_over)
        status = ots_file_write(file_of(&task->file_info), task->offset + taken,
                                ots_slice(bytes->data + taken, bytes->size - taken),
                                &task->interrupt, &more, &task->error);
    taken += more;
    bool is_cut = taken < bytes->size && (status == OTS_OK || status == OTS_CANCELLED);
    if (!ots_task_must_wait(task, status, taken, !is_cut))
        reply_taken(task, status, taken);
}

void ots_op_write(fuse_req_t request, fuse_ino_t ino, const char *data, size_t size, off_t offset,
                  struct fuse_file_info *info)
{
    struct ots_task *task = ots_task_new(request, "write", run_write, ino, ots_slice(data, size));
    if (!task)
        return;
    ots_file_set_writer(file_of(info), (uint32_t)fuse_req_ctx(request)->pid);
    task->file_info = *info;
    task->offset = (uint64_t)offset;
    /* Who writes much, or beside others, is better off on a core of its own. */
    ots_task_start(task, size <= QUICK_WRITE_BYTES_MAX && !ots_tasks_are_any(task->mount));
}

/* A part is an answer too. */
static void run_copy(struct ots_task *task)
{
    enum ots_status status = task->status;
    size_t copied = task->taken;
    if (!task->is_over)
        status =
            ots_file_copy(file_of(&task->file_info), task->offset, file_of(&task->to_info),
                          task->to_offset, task->size, &task->interrupt, &copied, &task->error);
    /* When nothing was copied there is nothing that the kernel must be told before. */
    bool is_nothing = !copied && status != OTS_CANCELLED;
    if (is_nothing || !ots_task_must_wait(task, status, copied, status != OTS_CANCELLED))
        reply_taken(task, status, copied);
}

void ots_op_copy(fuse_req_t request, fuse_ino_t ino, off_t offset, struct fuse_file_info *info,
                 fuse_ino_t to_ino, off_t to_offset, struct fuse_file_info *to_info, size_t size,
                 int flags)
{
    (void)to_ino;
    (void)flags;
    struct ots_task *task = ots_task_new(request, "copy", run_copy, ino, OTS_SLICE_NONE);
    if (!task)
        return;
    ots_file_set_writer(file_of(to_info), (uint32_t)fuse_req_ctx(request)->pid);
    task->file_info = *info;
    task->offset = (uint64_t)offset;
    task->to_info = *to_info;
    task->to_offset = (uint64_t)to_offset;
    task->size = size;
    ots_task_start(task, size <= QUICK_WRITE_BYTES_MAX && !ots_tasks_are_any(task->mount));
}

/*
 * Whether the thread that closes is of the process that wrote last. The kernel tells threads, and
 * a directory of proc which of them belong together; it knows none of another PID namespace.
 */
static bool is_writer(const struct ots_file *file, pid_t thread)
{
    uint32_t writer = ots_file_writer(file);
    if (!writer || writer == (uint32_t)thread)
        return true;
    char path[64];
    snprintf(path, sizeof(path), "/proc/%ld/task/%lu", (long)thread, (unsigned long)writer);
    return access(path, F_OK) == 0;
}

/* What flush and fsync say of rejected lines is in the log already, line by line. */
static void finish_flush(struct ots_task *task, enum ots_status status)
{
    if (ots_task_must_wait(task, status, 0, status != OTS_CANCELLED))
        return;
    if (status == OTS_INVALID)
        ots_task_fail_quietly(task, status);
    else
        ots_task_finish(task, status);
}

static void run_flush(struct ots_task *task)
{
    struct ots_file *file = file_of(&task->file_info);
    enum ots_status status = task->status;
    if (!task->is_over) {
        bool is_told = is_writer(file, fuse_req_ctx(task->request)->pid);
        status = ots_file_flush(file, is_told, &task->interrupt, &task->error);
    }
    finish_flush(task, status);
}

void ots_op_flush(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
    struct ots_task *task = ots_task_new(request, "close", run_flush, ino, OTS_SLICE_NONE);
    if (!task)
        return;
    task->file_info = *info;
    ots_task_start(task, true);
}

static void run_fsync(struct ots_task *task)
{
    finish_flush(task, ots_file_sync(file_of(&task->file_info), &task->interrupt, &task->error));
}

void ots_op_fsync(fuse_req_t request, fuse_ino_t ino, int datasync, struct fuse_file_info *info)
{
    (void)datasync;
    struct ots_task *task = ots_task_new(request, "fsync", run_fsync, ino, OTS_SLICE_NONE);
    if (!task)
        return;
    task->file_info = *info;
    ots_task_start(task, false);
}

void ots_op_release(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
    (void)ino;
    ots_file_close(file_of(info));
    fuse_reply_err(request, 0);
}
