#include "fs/mount/task.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/mount/reply.h"

struct ots_task *ots_task_new(fuse_req_t request, const char *operation,
                              void (*run)(struct ots_task *task), uint64_t ino,
                              struct ots_slice bytes)
{
    struct ots_task *task = calloc(1, sizeof(*task) + bytes.size);
    if (!task) {
        fuse_reply_err(request, ENOMEM);
        return NULL;
    }
    task->mount = fuse_req_userdata(request);
    task->request = request;
    task->operation = operation;
    task->run = run;
    task->ino = ino;
    if (bytes.size)
        memcpy(task + 1, bytes.data, bytes.size);
    task->bytes = ots_slice(task + 1, bytes.size);
    return task;
}

static void on_interrupt(fuse_req_t request, void *data)
{
    (void)request;
    struct ots_task *task = data;
    ots_interrupt_raise(&task->interrupt_memory);
}

static void run_on_worker(void *argument)
{
    struct ots_task *task = argument;
    /* The answer ends the request, and with it any call of on_interrupt: then the task can go. */
    task->run(task);
    ots_interrupt_deinit(&task->interrupt_memory);
    free(task);
}

void ots_task_start(struct ots_task *task, bool is_inline)
{
    if (is_inline) {
        task->run(task);
        free(task);
        return;
    }
    ots_interrupt_init(&task->interrupt_memory);
    task->interrupt = &task->interrupt_memory;
    fuse_req_interrupt_func(task->request, on_interrupt, task);
    ots_pool_run(task->mount->workers, run_on_worker, task);
}

void ots_task_fail(struct ots_task *task, enum ots_status status)
{
    if (ots_status_is_logged(status)) {
        task->error.status = status;
        ots_log_error(task->mount->options.log, OTS_LOG_WARNING, task->operation, &task->error);
    }
    fuse_reply_err(task->request, ots_status_errno(status));
}

void ots_task_finish(struct ots_task *task, enum ots_status status)
{
    if (status == OTS_OK)
        fuse_reply_err(task->request, 0);
    else
        ots_task_fail(task, status);
}
