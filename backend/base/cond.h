/*
 * Conditions that can be waited for with a bound, by the machine's monotonic clock.
 *
 * Units: microseconds; moments are those of ots_clock_monotonic_us(&ots_clock_system).
 */
#ifndef OTS_BASE_COND_H
#define OTS_BASE_COND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* pthread_cond_destroy ends it. */
void ots_cond_init(pthread_cond_t *condition);

/*
 * Wait, with the lock held, for a signal, but not beyond the moment, or so long. As with
 * pthread_cond_wait it may end for nothing. False: the time is over.
 */
bool ots_cond_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t moment_us);
bool ots_cond_wait_for(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t time_us);

#endif
