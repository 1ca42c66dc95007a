#include "fs/mount/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "fs/mount/entry.h"
#include "fs/mount/ops_files.h"
#include "fs/mount/ops_xattr.h"
#include "fs/mount/reply.h"
#include "fs/mount/task.h"

/* Of an entry of a directory that only gets one when it is looked up. Tools skip entries of 0. */
static const ino_t UNKNOWN_INO = UINT32_MAX;

enum { STATFS_BLOCK_BYTES = 4096 };
static const uint64_t STATFS_BLOCKS = (uint64_t)1 << 38; /* 1 PiB, as others without a quota say */

/* `number` is that of before the view was asked; see fs/mount/keeping.h. */
static void reply_entry(struct ots_task *task, enum ots_status status, const struct ots_attr *attr,
                        uint64_t number)
{
    if (status != OTS_OK) {
        ots_task_fail(task, status);
        return;
    }
    struct ots_keeping *keeping = &task->mount->keeping;
    struct fuse_entry_param entry;
    ots_task_end(task);
    ots_entry_fill(task->mount, attr, ots_keeping_hold(keeping, number), &entry);
    fuse_reply_entry(task->request, &entry);
    ots_keeping_release(keeping);
}

/* --- names and attributes ---------------------------------------------------------------------*/

static void run_lookup(struct ots_task *task)
{
    struct ots_attr attr;
    uint64_t number = ots_keeping_number(&task->mount->keeping);
    enum ots_status status = ots_view_lookup(task->mount->view, task->ino, task->bytes,
                                             &task->interrupt, &attr, &task->error);
    reply_entry(task, status, &attr, number);
}

static void op_lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct ots_mount *mount = fuse_req_userdata(request);
    ots_habit_look_up(&mount->habit);
    struct ots_task *task =
        ots_task_new(request, "lookup", run_lookup, parent, ots_slice_str(name));
    if (task)
        ots_task_start(task, true);
}

static void run_getattr(struct ots_task *task)
{
    struct ots_keeping *keeping = &task->mount->keeping;
    struct ots_attr attr;
    uint64_t number = ots_keeping_number(keeping);
    enum ots_status status =
        ots_view_getattr(task->mount->view, task->ino, &task->interrupt, &attr, &task->error);
    if (status != OTS_OK) {
        ots_task_fail(task, status);
        return;
    }
    struct stat st;
    ots_mount_stat(task->mount, &attr, &st);
    ots_task_end(task);
    bool may_keep = ots_keeping_hold(keeping, number);
    fuse_reply_attr(task->request, &st, ots_attr_seconds(task->mount, &attr, may_keep));
    ots_keeping_release(keeping);
}

static void op_getattr(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
    (void)info;
    struct ots_task *task = ots_task_new(request, "getattr", run_getattr, ino, OTS_SLICE_NONE);
    if (task)
        ots_task_start(task, true);
}

/* Owner and mode are accepted and stay what they are: cp, rsync and tar insist on setting them. */
static void op_setattr(fuse_req_t request, fuse_ino_t ino, struct stat *wanted, int to_set,
                       struct fuse_file_info *info)
{
    (void)info;
    const struct ots_mount *mount = fuse_req_userdata(request);
    struct timespec mtime = wanted->st_mtim;
    if (to_set & FUSE_SET_ATTR_MTIME_NOW)
        clock_gettime(CLOCK_REALTIME, &mtime);
    int64_t mtime_ns = ots_timespec_to_ns(&mtime);
    bool has_mtime = to_set & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW);
    struct ots_attr attr;
    struct ots_error error;
    enum ots_status status = OTS_OK;
    if (to_set & FUSE_SET_ATTR_SIZE)
        status = ots_view_truncate(mount->view, ino, (uint64_t)wanted->st_size, &error);
    if (status == OTS_OK)
        status = ots_view_setattr(mount->view, ino, has_mtime ? &mtime_ns : NULL, &attr);
    if (status != OTS_OK) {
        fuse_reply_err(request, ots_status_errno(status));
        return;
    }
    struct stat st;
    ots_mount_stat(mount, &attr, &st);
    fuse_reply_attr(request, &st, 0);
}

/* --- directories ------------------------------------------------------------------------------*/

struct open_directory {
    struct ots_listing *listing;
    struct ots_habit_listing habit;
};

static void close_directory(struct open_directory *directory)
{
    ots_listing_free(directory->listing);
    free(directory);
}

static void run_opendir(struct ots_task *task)
{
    struct open_directory *directory = calloc(1, sizeof(*directory));
    if (!directory) {
        ots_task_fail(task, OTS_NOMEM);
        return;
    }
    enum ots_status status = ots_view_list(task->mount->view, task->ino, &task->interrupt,
                                           &directory->listing, &task->error);
    if (status != OTS_OK) {
        free(directory);
        ots_task_fail(task, status);
        return;
    }
    task->file_info.fh = (uintptr_t)directory;
    ots_task_end(task);
    if (fuse_reply_open(task->request, &task->file_info) != 0)
        close_directory(directory);
}

static void op_opendir(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
    struct ots_task *task = ots_task_new(request, "opendir", run_opendir, ino, OTS_SLICE_NONE);
    if (!task)
        return;
    task->file_info = *info;
    ots_task_start(task, true);
}

struct listed_name {
    struct ots_slice name;
    off_t next;
    bool is_plus; /* the kernel asked for attributes too */
    bool is_told; /* and gets those of this name */
};

static size_t add_entry(fuse_req_t request, char *to, size_t room, const struct listed_name *listed,
                        const struct ots_attr *attr)
{
    const struct ots_mount *mount = fuse_req_userdata(request);
    char text[512];
    snprintf(text, sizeof(text), "%.*s", OTS_SLICE_FMT(listed->name));
    struct fuse_entry_param entry;
    ots_entry_fill(mount, attr, true, &entry);
    if (!attr->ino)
        entry.attr.st_ino = UNKNOWN_INO;
    if (!listed->is_plus)
        return fuse_add_direntry(request, to, room, text, &entry.attr, listed->next);
    /* Number 0: the kernel takes the name alone. */
    if (!listed->is_told)
        entry.ino = 0;
    return fuse_add_direntry_plus(request, to, room, text, &entry, listed->next);
}

/* Offsets: 0 and 1 are the two dots, 2 the first entry. */
static bool entry_at(struct ots_view *view, const struct ots_listing *listing, fuse_ino_t ino,
                     size_t offset, struct ots_slice *name, struct ots_attr *attr)
{
    if (offset >= 2)
        return ots_listing_entry(view, listing, offset - 2, name, attr);
    *name = offset ? OTS_SLICE("..") : OTS_SLICE(".");
    *attr = (struct ots_attr){.ino = ino, .is_directory = true, .permissions = 0755};
    return true;
}

static void reply_listing(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset,
                          const struct fuse_file_info *info, bool is_plus)
{
    struct ots_mount *mount = fuse_req_userdata(request);
    struct open_directory *directory = (struct open_directory *)(uintptr_t)info->fh;
    const struct ots_listing *listing = directory->listing;
    char *buffer = malloc(size);
    if (!buffer) {
        fuse_reply_err(request, ENOMEM);
        return;
    }
    size_t used = 0;
    struct ots_slice name;
    struct ots_attr attr;
    /* Nothing below waits, so the answers can be held from before the view is asked. */
    (void)ots_keeping_hold(&mount->keeping, 0);
    ots_habit_begin_answer(&mount->habit, &directory->habit);
    for (size_t at = (size_t)offset; entry_at(mount->view, listing, ino, at, &name, &attr); at++) {
        struct listed_name listed = {.name = name, .next = (off_t)(at + 1), .is_plus = is_plus};
        listed.is_told =
            is_plus && attr.is_kept && ots_habit_list(&mount->habit, &directory->habit, at);
        size_t need = add_entry(request, buffer + used, size - used, &listed, &attr);
        if (need > size - used)
            break;
        used += need;
    }
    fuse_reply_buf(request, buffer, used);
    ots_keeping_release(&mount->keeping);
    free(buffer);
}

static void op_readdir(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset,
                       struct fuse_file_info *info)
{
    reply_listing(request, ino, size, offset, info, false);
}

static void op_readdirplus(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset,
                           struct fuse_file_info *info)
{
    reply_listing(request, ino, size, offset, info, true);
}

static void op_releasedir(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info)
{
    (void)ino;
    close_directory((struct open_directory *)(uintptr_t)info->fh);
    fuse_reply_err(request, 0);
}

static void run_mkdir(struct ots_task *task)
{
    struct ots_attr attr;
    uint64_t number = ots_keeping_number(&task->mount->keeping);
    enum ots_status status = ots_view_mkdir(task->mount->view, task->ino, task->bytes,
                                            &task->interrupt, &attr, &task->error);
    reply_entry(task, status, &attr, number);
}

static void op_mkdir(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode)
{
    (void)mode;
    struct ots_task *task = ots_task_new(request, "mkdir", run_mkdir, parent, ots_slice_str(name));
    if (task)
        ots_task_start(task, false);
}

static void run_rmdir(struct ots_task *task)
{
    ots_task_finish(task, ots_view_rmdir(task->mount->view, task->ino, task->bytes,
                                         &task->interrupt, &task->error));
}

static void op_rmdir(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct ots_task *task = ots_task_new(request, "rmdir", run_rmdir, parent, ots_slice_str(name));
    if (task)
        ots_task_start(task, false);
}

static void run_unlink(struct ots_task *task)
{
    ots_task_finish(task, ots_view_unlink(task->mount->view, task->ino, task->bytes,
                                          &task->interrupt, &task->error));
}

static void op_unlink(fuse_req_t request, fuse_ino_t parent, const char *name)
{
    struct ots_task *task =
        ots_task_new(request, "unlink", run_unlink, parent, ots_slice_str(name));
    if (task)
        ots_task_start(task, false);
}

/* What was tried, and would have waited, is left in `*begun` and gone on with by a worker. */
static enum ots_status rename_file(struct ots_task *task, struct ots_renaming **begun)
{
    size_t size = strlen((const char *)task->bytes.data);
    struct ots_rename rename = {
        .parent = task->ino,
        .name = ots_slice(task->bytes.data, size),
        .new_parent = task->new_parent,
        .new_name = ots_slice(task->bytes.data + size + 1, task->bytes.size - size - 1),
        .flags = task->flags,
        .begun = begun,
    };
    return ots_view_rename(task->mount->view, &rename, &task->interrupt, &task->error);
}

static void run_rename(struct ots_task *task)
{
    struct ots_renaming *renaming = task->renaming;
    enum ots_status status = task->status;
    if (!task->is_over)
        status = rename_file(task, &renaming);
    if (!task->is_trying) {
        ots_renaming_end(renaming);
        renaming = NULL;
    }
    if (ots_task_must_wait(task, status, 0, status != OTS_CANCELLED)) {
        task->renaming = renaming;
        return;
    }
    /* Rejected lines are in the log already. */
    if (status == OTS_INVALID)
        ots_task_fail_quietly(task, status);
    else
        ots_task_finish(task, status);
}

static void op_rename(fuse_req_t request, fuse_ino_t parent, const char *name,
                      fuse_ino_t new_parent, const char *new_name, unsigned int flags)
{
    /* Both names in one, with a NUL between them, which no name can hold. */
    struct ots_buf names = OTS_BUF_INIT;
    ots_buf_append(&names, name, strlen(name) + 1);
    ots_buf_append_str(&names, new_name);
    struct ots_task *task = NULL;
    if (ots_buf_status(&names) == OTS_OK)
        task = ots_task_new(request, "rename", run_rename, parent, ots_buf_slice(&names));
    else
        fuse_reply_err(request, ENOMEM);
    ots_buf_deinit(&names);
    if (!task)
        return;
    task->new_parent = new_parent;
    task->flags = flags;
    ots_task_start(task, !ots_tasks_are_any(task->mount));
}

static void run_fsyncdir(struct ots_task *task)
{
    ots_task_finish(task,
                    ots_view_sync(task->mount->view, task->ino, &task->interrupt, &task->error));
}

static void op_fsyncdir(fuse_req_t request, fuse_ino_t ino, int datasync,
                        struct fuse_file_info *info)
{
    (void)datasync;
    (void)info;
    struct ots_task *task = ots_task_new(request, "fsyncdir", run_fsyncdir, ino, OTS_SLICE_NONE);
    if (task)
        ots_task_start(task, false);
}

static void op_statfs(fuse_req_t request, fuse_ino_t ino)
{
    (void)ino;
    struct statvfs answer = {
        .f_bsize = STATFS_BLOCK_BYTES,
        .f_frsize = STATFS_BLOCK_BYTES,
        .f_blocks = STATFS_BLOCKS,
        .f_bfree = STATFS_BLOCKS,
        .f_bavail = STATFS_BLOCKS,
        .f_namemax = 255,
    };
    fuse_reply_statfs(request, &answer);
}

/* The kernel is to leave it to us when listings come with attributes; see fs/mount/habit.h. */
static void op_init(void *context, struct fuse_conn_info *connection)
{
    (void)context;
    connection->want &= ~(unsigned)FUSE_CAP_READDIRPLUS_AUTO;
}

const struct fuse_lowlevel_ops ots_mount_ops = {
    .init = op_init,
    .lookup = op_lookup,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .releasedir = op_releasedir,
    .mkdir = op_mkdir,
    .rmdir = op_rmdir,
    .unlink = op_unlink,
    .rename = op_rename,
    .fsyncdir = op_fsyncdir,
    .getxattr = ots_op_getxattr,
    .listxattr = ots_op_listxattr,
    .setxattr = ots_op_setxattr,
    .removexattr = ots_op_removexattr,
    .open = ots_op_open,
    .create = ots_op_create,
    .read = ots_op_read,
    .write = ots_op_write,
    .copy_file_range = ots_op_copy,
    .flush = ots_op_flush,
    .fsync = ots_op_fsync,
    .release = ots_op_release,
    .statfs = op_statfs,
};
