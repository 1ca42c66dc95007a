#include "fs/mount/ops_xattr.h"

#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "fs/mount/task.h"
#include "fs/view/xattr.h"

/* Tools that look for contexts, capabilities and ACLs ask one file, and not each, when a file
 * system has no such name space. */
static int absent_errno(const char *name)
{
    return strncmp(name, "user.", strlen("user.")) == 0 ? ENODATA : EOPNOTSUPP;
}

static bool is_ours(const char *name)
{
    return ots_xattr_name_is_ours(ots_slice_str(name));
}

/* Nothing but the size to who gave no room, else the bytes. */
static void reply_bytes(struct ots_task *task, enum ots_status status, const struct ots_buf *bytes)
{
    if (status != OTS_OK) {
        ots_task_fail(task, status);
        return;
    }
    ots_task_end(task);
    if (!task->size)
        fuse_reply_xattr(task->request, bytes->size);
    else if (bytes->size > task->size)
        fuse_reply_err(task->request, ERANGE);
    else
        fuse_reply_buf(task->request, (const char *)bytes->data, bytes->size);
}

static void run_getxattr(struct ots_task *task)
{
    struct ots_buf value = OTS_BUF_INIT;
    enum ots_status status = ots_view_getxattr(task->mount->view, task->ino, task->bytes,
                                               &task->interrupt, &value, &task->error);
    reply_bytes(task, status, &value);
    ots_buf_deinit(&value);
}

void ots_op_getxattr(fuse_req_t request, fuse_ino_t ino, const char *name, size_t size)
{
    if (!is_ours(name)) {
        fuse_reply_err(request, absent_errno(name));
        return;
    }
    struct ots_task *task =
        ots_task_new(request, "getxattr", run_getxattr, ino, ots_slice_str(name));
    if (!task)
        return;
    task->size = size;
    ots_task_start(task, true);
}

static void run_listxattr(struct ots_task *task)
{
    struct ots_buf names = OTS_BUF_INIT;
    enum ots_status status =
        ots_view_listxattr(task->mount->view, task->ino, &task->interrupt, &names, &task->error);
    reply_bytes(task, status, &names);
    ots_buf_deinit(&names);
}

void ots_op_listxattr(fuse_req_t request, fuse_ino_t ino, size_t size)
{
    struct ots_task *task = ots_task_new(request, "listxattr", run_listxattr, ino, OTS_SLICE_NONE);
    if (!task)
        return;
    task->size = size;
    ots_task_start(task, true);
}

/* `bytes` holds the name, whose length is `size`, and the value; `offset` the flags. */
static void run_setxattr(struct ots_task *task)
{
    struct ots_slice name = ots_slice(task->bytes.data, task->size);
    struct ots_slice value = ots_slice(task->bytes.data + name.size, task->bytes.size - name.size);
    enum ots_attribute_mode mode = task->offset & XATTR_CREATE    ? OTS_ATTRIBUTE_CREATE
                                   : task->offset & XATTR_REPLACE ? OTS_ATTRIBUTE_REPLACE
                                                                  : OTS_ATTRIBUTE_SET;
    ots_task_finish(task, ots_view_setxattr(task->mount->view, task->ino, name, value, mode,
                                            &task->interrupt, &task->error));
}

void ots_op_setxattr(fuse_req_t request, fuse_ino_t ino, const char *name, const char *value,
                     size_t size, int flags)
{
    if (!is_ours(name)) {
        fuse_reply_err(request, EOPNOTSUPP);
        return;
    }
    struct ots_buf both = OTS_BUF_INIT;
    ots_buf_append_str(&both, name);
    ots_buf_append_slice(&both, ots_slice(value, size));
    struct ots_task *task = NULL;
    if (ots_buf_status(&both) == OTS_OK)
        task = ots_task_new(request, "setxattr", run_setxattr, ino, ots_buf_slice(&both));
    else
        fuse_reply_err(request, ENOMEM);
    ots_buf_deinit(&both);
    if (!task)
        return;
    task->size = strlen(name);
    task->offset = (uint64_t)flags;
    ots_task_start(task, true);
}

static void run_removexattr(struct ots_task *task)
{
    ots_task_finish(task, ots_view_removexattr(task->mount->view, task->ino, task->bytes,
                                               &task->interrupt, &task->error));
}

void ots_op_removexattr(fuse_req_t request, fuse_ino_t ino, const char *name)
{
    if (!is_ours(name)) {
        fuse_reply_err(request, absent_errno(name));
        return;
    }
    struct ots_task *task =
        ots_task_new(request, "removexattr", run_removexattr, ino, ots_slice_str(name));
    if (task)
        ots_task_start(task, true);
}
