/*
 * A lock for each row of a wide-column table, so that who reads a row to write it again does so
 * alone. Few mutexes stand for all rows, chosen by the row's key: two rows may share one.
 *
 * Lock order: nobody takes two.
 */
#ifndef OTS_SERVER_ROW_LOCKS_H
#define OTS_SERVER_ROW_LOCKS_H

#include "backend/base/slice.h"

#include <pthread.h>

enum { OTS_ROW_LOCKS = 64 };

struct ots_row_locks {
    pthread_mutex_t mutexes[OTS_ROW_LOCKS];
};

void ots_row_locks_init(struct ots_row_locks *locks);
void ots_row_locks_deinit(struct ots_row_locks *locks);

/* Lock the row whose key in the engine is `key`; the mutex is the caller's to unlock. */
pthread_mutex_t *ots_row_locks_take(struct ots_row_locks *locks, struct ots_slice key);

#endif
