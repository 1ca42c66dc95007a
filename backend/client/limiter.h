/*
 * How fast a client may ask: requests and bits per second. Pure.
 *
 * Requests are spaced evenly. Bytes, of requests and of answers together, are counted when they are
 * known, and later requests wait until the time that they are worth is over; so a single large
 * answer is not slowed, but the mean is kept. Who comes late may catch up 20 ms.
 *
 * Units: microseconds of a monotonic clock. Not for several threads.
 */
#ifndef OTS_CLIENT_LIMITER_H
#define OTS_CLIENT_LIMITER_H

#include <stddef.h>
#include <stdint.h>

struct ots_limiter {
    unsigned max_rps;
    unsigned max_mbps;
    int64_t request_due_ns; /* when the next request would be due if all had come in time */
    int64_t bytes_due_ns;
};

/* `max_rps` up to 1000000; `max_mbps`, 10^6 bits per second, up to 100000; 0: no limit. */
void ots_limiter_init(struct ots_limiter *limiter, unsigned max_rps, unsigned max_mbps);

/* How long a request has to wait that would start now. 0: it may start. */
int64_t ots_limiter_wait_us(const struct ots_limiter *limiter, int64_t now_us);

/* A request with a body of `bytes` starts now. */
void ots_limiter_start(struct ots_limiter *limiter, int64_t now_us, size_t bytes);

/* The body of an answer, `bytes` long, has come. */
void ots_limiter_receive(struct ots_limiter *limiter, int64_t now_us, size_t bytes);

#endif
