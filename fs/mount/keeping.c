#include "fs/mount/keeping.h"

#include "backend/base/clock.h"
#include "backend/base/cond.h"

enum { TOLD_AT_ONCE = 256, SETTLE_US = 1000000 };

void ots_keeping_init(struct ots_keeping *keeping, struct fuse_session *session)
{
    *keeping = (struct ots_keeping){.session = session};
    ots_interrupt_init(&keeping->end);
    pthread_rwlockattr_t fair;
    pthread_rwlockattr_init(&fair);
    pthread_rwlockattr_setkind_np(&fair, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&keeping->answers, &fair);
    pthread_rwlockattr_destroy(&fair);
    pthread_mutex_init(&keeping->synced.lock, NULL);
    ots_cond_init(&keeping->synced.told);
}

void ots_keeping_deinit(struct ots_keeping *keeping)
{
    pthread_cond_destroy(&keeping->synced.told);
    pthread_mutex_destroy(&keeping->synced.lock);
    pthread_rwlock_destroy(&keeping->answers);
    ots_interrupt_deinit(&keeping->end);
}

/* --- the thread -------------------------------------------------------------------------------*/

/* Answers that were made before are with the kernel, or will not be kept. */
static void await_answers(struct ots_keeping *keeping)
{
    atomic_fetch_add(&keeping->number, 1);
    pthread_rwlock_wrlock(&keeping->answers);
    pthread_rwlock_unlock(&keeping->answers);
}

static void note_told(struct ots_keeping *keeping, size_t count)
{
    pthread_mutex_lock(&keeping->synced.lock);
    keeping->synced.told_count += count;
    keeping->synced.is_over = !count;
    pthread_cond_broadcast(&keeping->synced.told);
    pthread_mutex_unlock(&keeping->synced.lock);
}

static void *tell(void *argument)
{
    struct ots_keeping *keeping = argument;
    uint64_t inos[TOLD_AT_ONCE];
    size_t count;
    do {
        count = ots_view_take_stale(keeping->view, inos, TOLD_AT_ONCE, &keeping->end);
        await_answers(keeping);
        /* An inode that the kernel has forgotten is an error of no meaning. */
        for (size_t i = 0; i < count; i++)
            (void)fuse_lowlevel_notify_inval_inode(keeping->session, inos[i], -1, 0);
        note_told(keeping, count);
    } while (count);
    return NULL;
}

enum ots_status ots_keeping_start(struct ots_keeping *keeping, struct ots_view *view,
                                  struct ots_error *err)
{
    keeping->view = view;
    keeping->has_teller = pthread_create(&keeping->teller, NULL, tell, keeping) == 0;
    return keeping->has_teller ? OTS_OK : ots_error_set(err, OTS_IO, "cannot start a thread");
}

void ots_keeping_end(struct ots_keeping *keeping)
{
    if (!keeping->has_teller)
        return;
    ots_interrupt_raise(&keeping->end);
    pthread_join(keeping->teller, NULL);
    keeping->has_teller = false;
}

/* --- answers ----------------------------------------------------------------------------------*/

uint64_t ots_keeping_number(struct ots_keeping *keeping)
{
    return atomic_load(&keeping->number);
}

bool ots_keeping_hold(struct ots_keeping *keeping, uint64_t number)
{
    pthread_rwlock_rdlock(&keeping->answers);
    return atomic_load(&keeping->number) == number;
}

void ots_keeping_release(struct ots_keeping *keeping)
{
    pthread_rwlock_unlock(&keeping->answers);
}

bool ots_keeping_is_settled(struct ots_keeping *keeping)
{
    uint64_t wanted = ots_view_stale_count(keeping->view);
    pthread_mutex_lock(&keeping->synced.lock);
    bool is_settled = keeping->synced.told_count >= wanted;
    pthread_mutex_unlock(&keeping->synced.lock);
    return is_settled;
}

void ots_keeping_settle(struct ots_keeping *keeping)
{
    uint64_t wanted = ots_view_stale_count(keeping->view);
    int64_t until_us = ots_clock_monotonic_us(&ots_clock_system) + SETTLE_US;
    bool has_time = true;
    pthread_mutex_lock(&keeping->synced.lock);
    while (keeping->synced.told_count < wanted && !keeping->synced.is_over && has_time)
        has_time = ots_cond_wait_until(&keeping->synced.told, &keeping->synced.lock, until_us);
    pthread_mutex_unlock(&keeping->synced.lock);
}
