/*
 * Time as a thing that is passed in, so that tests can turn it.
 *
 * Units: microseconds. Threads: safe.
 */
#ifndef OTS_BASE_CLOCK_H
#define OTS_BASE_CLOCK_H

#include <stdint.h>

struct ots_clock {
    /* Since 1970-01-01 UTC; can jump. */
    int64_t (*now_us)(const struct ots_clock *clock);
    /* Never goes back; for time-outs and waits. */
    int64_t (*monotonic_us)(const struct ots_clock *clock);
    void *context;
};

/* The machine's clocks. */
extern const struct ots_clock ots_clock_system;

static inline int64_t ots_clock_now_us(const struct ots_clock *clock)
{
    return clock->now_us(clock);
}

static inline int64_t ots_clock_monotonic_us(const struct ots_clock *clock)
{
    return clock->monotonic_us(clock);
}

#endif
