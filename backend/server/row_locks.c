#include "backend/server/row_locks.h"

void ots_row_locks_init(struct ots_row_locks *locks)
{
    for (size_t i = 0; i < OTS_ROW_LOCKS; i++)
        pthread_mutex_init(&locks->mutexes[i], NULL);
}

void ots_row_locks_deinit(struct ots_row_locks *locks)
{
    for (size_t i = 0; i < OTS_ROW_LOCKS; i++)
        pthread_mutex_destroy(&locks->mutexes[i]);
}

/* FNV-1a: short, and spreads keys that differ in their last bytes. */
static uint64_t hash(struct ots_slice key)
{
    uint64_t value = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key.size; i++)
        value = (value ^ key.data[i]) * UINT64_C(0x100000001b3);
    return value;
}

pthread_mutex_t *ots_row_locks_take(struct ots_row_locks *locks, struct ots_slice key)
{
    pthread_mutex_t *mutex = &locks->mutexes[hash(key) % OTS_ROW_LOCKS];
    pthread_mutex_lock(mutex);
    return mutex;
}
