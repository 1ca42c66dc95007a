/*
 * A request of the kernel on its way to an answer, inline or on a worker.
 */
#ifndef OTS_MOUNT_TASK_H
#define OTS_MOUNT_TASK_H

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>

#include "backend/base/pool.h"
#include "fs/mount/habit.h"
#include "fs/mount/keeping.h"
#include "fs/mount/mount.h"
#include "fs/mount/nearby.h"

struct ots_mount {
    struct ots_mount_options options;
    struct fuse_session *session;
    bool is_mounted;
    struct ots_view *view;
    struct ots_keeping keeping;
    /* The thread's that reads requests. */
    struct ots_habit habit;
    struct ots_nearby nearby;
    struct ots_pool *workers;
    /* What workers have or will get. Held while interrupts are raised. */
    struct {
        pthread_mutex_t lock;
        struct ots_task *first;
    } tasks;
};

struct ots_task {
    struct ots_mount *mount;
    /* In the mount's list. */
    struct ots_task *previous;
    struct ots_task *next;
    fuse_req_t request;
    const char *operation; /* for the log */
    void (*run)(struct ots_task *task);
    struct ots_interrupt interrupt;
    /* A worker has it. As long as none has, whoever interrupts it answers. */
    atomic_bool is_taken;
    bool is_trying; /* on the thread that reads requests: it must not wait */
    bool must_wait; /* it was tried, and is not answered */
    /* What that came to; who interrupts it answers with that. */
    enum ots_status status;
    size_t taken; /* of a write's bytes */
    bool is_over; /* nothing but the answer is left */
    struct ots_error error;
    /* What the operation needs; which of these is the operation's matter. */
    uint64_t ino;
    uint64_t new_parent;
    unsigned flags;
    uint64_t offset;
    size_t size;
    struct fuse_file_info file_info;
    struct fuse_file_info to_info; /* of what is copied to, and where */
    uint64_t to_offset;
    struct ots_renaming *renaming; /* what trying has begun, and whoever takes the task ends */
    struct ots_slice bytes;        /* a name or data, copied behind the task */
};

/*
 * Make a task with a copy of `bytes`. When there is no memory the request is answered and NULL is
 * returned.
 */
struct ots_task *ots_task_new(fuse_req_t request, const char *operation,
                              void (*run)(struct ots_task *task), uint64_t ino,
                              struct ots_slice bytes);

/*
 * Run it on a worker. `run` must answer the request; then the task is freed. With `may_be_quick` it
 * is first tried here and now, with its interrupt raised, so that it ends instead of waiting: then
 * `run` must have had no effect but what `taken` and `is_over` say.
 */
void ots_task_start(struct ots_task *task, bool may_be_quick);

/* Whether workers have or will get any. */
bool ots_tasks_are_any(struct ots_mount *mount);

/* Interrupt all that workers have or will get; none may be started any more. */
void ots_task_interrupt_all(struct ots_mount *mount);

/* From here on nobody interrupts the task. To be called before its request is answered. */
void ots_task_end(struct ots_task *task);

/*
 * What changes files comes here before its answer: the kernel is told what else has become stale,
 * for it knows that this file has changed, not which others a line went to. Who may not wait for
 * that, or has to go on because it is not `is_over`, leaves it to a worker, with what it came to so
 * far. Returns whether it does.
 */
bool ots_task_must_wait(struct ots_task *task, enum ots_status status, size_t taken, bool is_over);

/* Answer with an error, and log it if it is worth that. `status` is not OTS_OK. */
void ots_task_fail(struct ots_task *task, enum ots_status status);

/* The same for what was told already. */
void ots_task_fail_quietly(struct ots_task *task, enum ots_status status);

/* Answer with nothing but success, or with an error. */
void ots_task_finish(struct ots_task *task, enum ots_status status);

#endif
