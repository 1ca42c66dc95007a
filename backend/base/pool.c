#include "backend/base/pool.h"

#include <pthread.h>
#include <stdlib.h>

struct job {
    void (*run)(void *argument);
    void *argument;
};

struct ots_pool {
    size_t queue_max;
    size_t thread_count;
    pthread_t *threads;
    /* No other lock is taken while this one is held. */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t has_job;
        pthread_cond_t has_room;
        struct job *ring;
        size_t first;
        size_t count;
        bool is_ending;
    } synced;
};

static void *work(void *argument)
{
    struct ots_pool *pool = argument;
    for (;;) {
        pthread_mutex_lock(&pool->synced.lock);
        while (!pool->synced.count && !pool->synced.is_ending)
            pthread_cond_wait(&pool->synced.has_job, &pool->synced.lock);
        bool is_done = !pool->synced.count;
        struct job job = {0};
        if (!is_done) {
            job = pool->synced.ring[pool->synced.first];
            pool->synced.first = (pool->synced.first + 1) % pool->queue_max;
            pool->synced.count--;
            pthread_cond_signal(&pool->synced.has_room);
        }
        pthread_mutex_unlock(&pool->synced.lock);
        if (is_done)
            return NULL;
        job.run(job.argument);
    }
}

enum ots_status ots_pool_new(size_t threads, size_t queue_max, struct ots_pool **out,
                             struct ots_error *err)
{
    struct ots_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return ots_error_set(err, OTS_NOMEM, "thread pool: out of memory");
    pool->queue_max = queue_max;
    pthread_mutex_init(&pool->synced.lock, NULL);
    pthread_cond_init(&pool->synced.has_job, NULL);
    pthread_cond_init(&pool->synced.has_room, NULL);
    pool->synced.ring = calloc(queue_max, sizeof(*pool->synced.ring));
    pool->threads = calloc(threads, sizeof(*pool->threads));
    if (!pool->synced.ring || !pool->threads) {
        ots_pool_free(pool);
        return ots_error_set(err, OTS_NOMEM, "thread pool: out of memory");
    }
    while (pool->thread_count < threads) {
        int failure = pthread_create(&pool->threads[pool->thread_count], NULL, work, pool);
        if (failure) {
            ots_pool_free(pool);
            return ots_error_errno(err, failure, "cannot start a thread");
        }
        pool->thread_count++;
    }
    *out = pool;
    return OTS_OK;
}

void ots_pool_run(struct ots_pool *pool, void (*job)(void *argument), void *argument)
{
    pthread_mutex_lock(&pool->synced.lock);
    while (pool->synced.count == pool->queue_max)
        pthread_cond_wait(&pool->synced.has_room, &pool->synced.lock);
    size_t last = (pool->synced.first + pool->synced.count) % pool->queue_max;
    pool->synced.ring[last] = (struct job){job, argument};
    pool->synced.count++;
    pthread_cond_signal(&pool->synced.has_job);
    pthread_mutex_unlock(&pool->synced.lock);
}

void ots_pool_free(struct ots_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->synced.lock);
    pool->synced.is_ending = true;
    pthread_cond_broadcast(&pool->synced.has_job);
    pthread_mutex_unlock(&pool->synced.lock);
    for (size_t i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->synced.has_room);
    pthread_cond_destroy(&pool->synced.has_job);
    pthread_mutex_destroy(&pool->synced.lock);
    free(pool->synced.ring);
    free(pool->threads);
    free(pool);
}
