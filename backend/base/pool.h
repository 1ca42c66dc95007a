/*
 * A fixed number of threads that run jobs from a bounded queue, first in first out.
 */
#ifndef OTS_BASE_POOL_H
#define OTS_BASE_POOL_H

#include "backend/base/status.h"

struct ots_pool;

/*
 * `threads` and `queue_max` are at least 1. Errors: OTS_NOMEM, OTS_IO (a thread could not start).
 */
enum ots_status ots_pool_new(size_t threads, size_t queue_max, struct ots_pool **out,
                             struct ots_error *err) OTS_MUST_CHECK;

/*
 * Run `job(argument)` on some thread. Blocks while the queue is full. Must not be called from a
 * job when the queue may be full (it would wait for itself).
 */
void ots_pool_run(struct ots_pool *pool, void (*job)(void *argument), void *argument);

/* Wait until every queued job has run, then end the threads. Accepts NULL. */
void ots_pool_free(struct ots_pool *pool);

#endif
