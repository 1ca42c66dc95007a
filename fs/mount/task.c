#include "fs/mount/task.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/mount/caller.h"
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
    ots_nearby_note(&task->mount->nearby, fuse_req_ctx(request)->pid);
    task->request = request;
    task->operation = operation;
    task->run = run;
    task->ino = ino;
    if (bytes.size)
        memcpy(task + 1, bytes.data, bytes.size);
    task->bytes = ots_slice(task + 1, bytes.size);
    return task;
}

struct answer {
    size_t taken;
    int error; /* when that is 0 */
};

/* Of a task that nobody has: what was done must not get lost. */
static struct answer interrupted_answer(const struct ots_task *task)
{
    return (struct answer){task->taken, task->is_over ? ots_status_errno(task->status) : EINTR};
}

static void reply_interrupted(fuse_req_t request, const struct answer *answer)
{
    if (answer->taken)
        fuse_reply_write(request, answer->taken);
    else
        fuse_reply_err(request, answer->error);
}

static void on_interrupt(fuse_req_t request, void *data)
{
    struct ots_task *task = data;
    const struct answer answer = interrupted_answer(task);
    struct ots_renaming *renaming = task->renaming;
    if (ots_caller_may_go_on(fuse_req_ctx(request)->pid))
        return;
    ots_interrupt_raise(&task->interrupt);
    /* All workers may be waiting: it would be long until one answers. From here on the task may be
     * gone. */
    if (atomic_exchange(&task->is_taken, true))
        return;
    ots_renaming_end(renaming);
    reply_interrupted(request, &answer);
}

static void put_in_list(struct ots_task *task)
{
    struct ots_mount *mount = task->mount;
    pthread_mutex_lock(&mount->tasks.lock);
    task->next = mount->tasks.first;
    if (task->next)
        task->next->previous = task;
    mount->tasks.first = task;
    pthread_mutex_unlock(&mount->tasks.lock);
}

static void take_out_of_list(struct ots_task *task)
{
    struct ots_mount *mount = task->mount;
    pthread_mutex_lock(&mount->tasks.lock);
    *(task->previous ? &task->previous->next : &mount->tasks.first) = task->next;
    if (task->next)
        task->next->previous = task->previous;
    pthread_mutex_unlock(&mount->tasks.lock);
}

bool ots_tasks_are_any(struct ots_mount *mount)
{
    pthread_mutex_lock(&mount->tasks.lock);
    bool are_any = mount->tasks.first;
    pthread_mutex_unlock(&mount->tasks.lock);
    return are_any;
}

void ots_task_interrupt_all(struct ots_mount *mount)
{
    pthread_mutex_lock(&mount->tasks.lock);
    for (struct ots_task *task = mount->tasks.first; task; task = task->next)
        ots_interrupt_raise(&task->interrupt);
    pthread_mutex_unlock(&mount->tasks.lock);
}

static void task_free(struct ots_task *task)
{
    ots_interrupt_deinit(&task->interrupt);
    free(task);
}

static void run_on_worker(void *argument)
{
    struct ots_task *task = argument;
    if (!atomic_exchange(&task->is_taken, true))
        task->run(task);
    take_out_of_list(task);
    task_free(task);
}

/* Whether the request was answered. */
static bool try_now(struct ots_task *task)
{
    ots_interrupt_init(&task->interrupt);
    ots_interrupt_raise(&task->interrupt);
    task->is_trying = true;
    task->run(task);
    task->is_trying = false;
    ots_interrupt_deinit(&task->interrupt);
    return !task->must_wait;
}

void ots_task_start(struct ots_task *task, bool may_be_quick)
{
    if (may_be_quick && try_now(task)) {
        free(task);
        return;
    }
    ots_interrupt_init(&task->interrupt);
    /* Within this call libfuse's request must not end, so on_interrupt must not answer. */
    atomic_store(&task->is_taken, true);
    fuse_req_interrupt_func(task->request, on_interrupt, task);
    if (ots_interrupt_is_raised(&task->interrupt)) {
        const struct answer answer = interrupted_answer(task);
        ots_task_end(task);
        ots_renaming_end(task->renaming);
        reply_interrupted(task->request, &answer);
        task_free(task);
        return;
    }
    put_in_list(task);
    atomic_store(&task->is_taken, false);
    ots_pool_run(task->mount->workers, run_on_worker, task);
}

/* libfuse can be in on_interrupt while another thread answers; this waits until it is not. */
void ots_task_end(struct ots_task *task)
{
    if (!task->is_trying)
        fuse_req_interrupt_func(task->request, NULL, NULL);
}

bool ots_task_must_wait(struct ots_task *task, enum ots_status status, size_t taken, bool is_over)
{
    struct ots_keeping *keeping = &task->mount->keeping;
    if (!task->is_trying) {
        ots_keeping_settle(keeping);
        return false;
    }
    task->status = status;
    task->taken = taken;
    task->is_over = is_over;
    task->must_wait = !is_over || !ots_keeping_is_settled(keeping);
    return task->must_wait;
}

void ots_task_fail_quietly(struct ots_task *task, enum ots_status status)
{
    if (task->is_trying && status == OTS_CANCELLED) {
        task->must_wait = true;
        return;
    }
    ots_task_end(task);
    fuse_reply_err(task->request, ots_status_errno(status));
}

void ots_task_fail(struct ots_task *task, enum ots_status status)
{
    if (ots_status_is_logged(status)) {
        task->error.status = status;
        ots_log_error(task->mount->options.log, OTS_LOG_WARNING, task->operation, &task->error);
    }
    ots_task_fail_quietly(task, status);
}

void ots_task_finish(struct ots_task *task, enum ots_status status)
{
    if (status != OTS_OK) {
        ots_task_fail(task, status);
        return;
    }
    ots_task_end(task);
    fuse_reply_err(task->request, 0);
}
