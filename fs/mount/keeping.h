/*
 * What the kernel keeps of attributes and of timelines' names, and how it learns that it must not.
 *
 * A thread of its own tells the kernel (fuse_lowlevel_notify_inval_inode) of each node whose
 * attributes it keeps and that has changed. Only attributes are dropped, never pages or names: the
 * kernel needs no lock for that, so nothing can wait for each other. Names stay right, because a
 * name never comes to mean another inode; who names a timeline that is gone is told ESTALE, and
 * then the kernel looks the name up again.
 *
 * An answer that was made before a change must not reach the kernel behind the word of that change.
 * So whoever answers takes a number before asking the view, and holds the answers meanwhile.
 */
#ifndef OTS_MOUNT_KEEPING_H
#define OTS_MOUNT_KEEPING_H

#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>

#include "fs/view/view.h"

struct ots_keeping {
    struct ots_view *view;
    struct fuse_session *session;
    pthread_t teller;
    bool has_teller;
    struct ots_interrupt end;
    atomic_uint_least64_t number;
    pthread_rwlock_t answers; /* held to read while one is given */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t told;
        uint64_t told_count;
        bool is_over;
    } synced;
};

void ots_keeping_init(struct ots_keeping *keeping, struct fuse_session *session);
void ots_keeping_deinit(struct ots_keeping *keeping);

/* Tell the kernel what becomes stale in the view, until the end. Errors: OTS_IO. */
enum ots_status ots_keeping_start(struct ots_keeping *keeping, struct ots_view *view,
                                  struct ots_error *err) OTS_MUST_CHECK;
void ots_keeping_end(struct ots_keeping *keeping);

/* To be called before the view is asked for attributes. */
uint64_t ots_keeping_number(struct ots_keeping *keeping);

/*
 * An answer is about to be given: whether what the view said since that number may be kept. Until
 * ots_keeping_release the kernel is not told anything.
 */
bool ots_keeping_hold(struct ots_keeping *keeping, uint64_t number);
void ots_keeping_release(struct ots_keeping *keeping);

/* Whether the kernel was told of all that has become stale. */
bool ots_keeping_is_settled(struct ots_keeping *keeping);

/* Wait until the kernel was told of all that has become stale; not longer than a second. */
void ots_keeping_settle(struct ots_keeping *keeping);

#endif
