#include "backend/base/cond.h"

#include <time.h>

#include "backend/base/clock.h"

void ots_cond_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

bool ots_cond_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t moment_us)
{
    const struct timespec until = {.tv_sec = moment_us / 1000000,
                                   .tv_nsec = moment_us % 1000000 * 1000};
    return pthread_cond_timedwait(condition, lock, &until) == 0;
}

bool ots_cond_wait_for(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t time_us)
{
    return ots_cond_wait_until(condition, lock,
                               ots_clock_monotonic_us(&ots_clock_system) + time_us);
}
