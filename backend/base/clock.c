#include "backend/base/clock.h"

#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t system_now_us(const struct ots_clock *clock)
{
    (void)clock;
    return read_us(CLOCK_REALTIME);
}

static int64_t system_monotonic_us(const struct ots_clock *clock)
{
    (void)clock;
    return read_us(CLOCK_MONOTONIC);
}

const struct ots_clock ots_clock_system = {system_now_us, system_monotonic_us, NULL};
