#include "backend/client/limiter.h"

static const int64_t SECOND_NS = 1000000000;
static const int64_t CATCH_UP_NS = 20000000;

void ots_limiter_init(struct ots_limiter *limiter, unsigned max_rps, unsigned max_mbps)
{
    *limiter = (struct ots_limiter){.max_rps = max_rps, .max_mbps = max_mbps};
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

int64_t ots_limiter_wait_us(const struct ots_limiter *limiter, int64_t now_us)
{
    int64_t due_ns = 0;
    if (limiter->max_rps)
        due_ns = limiter->request_due_ns;
    if (limiter->max_mbps)
        due_ns = later(due_ns, limiter->bytes_due_ns);
    int64_t wait_ns = due_ns - CATCH_UP_NS - now_us * 1000;
    return wait_ns > 0 ? (wait_ns + 999) / 1000 : 0;
}

static void add_bytes(struct ots_limiter *limiter, int64_t now_us, size_t bytes)
{
    if (!limiter->max_mbps)
        return;
    int64_t bits = (int64_t)bytes * 8;
    limiter->bytes_due_ns =
        later(limiter->bytes_due_ns, now_us * 1000) + bits * 1000 / limiter->max_mbps;
}

void ots_limiter_start(struct ots_limiter *limiter, int64_t now_us, size_t bytes)
{
    /* Rounded up, so that the limit is kept in the long run too. */
    int64_t interval_ns =
        limiter->max_rps ? (SECOND_NS + limiter->max_rps - 1) / limiter->max_rps : 0;
    if (limiter->max_rps)
        limiter->request_due_ns = later(limiter->request_due_ns, now_us * 1000) + interval_ns;
    add_bytes(limiter, now_us, bytes);
}

void ots_limiter_receive(struct ots_limiter *limiter, int64_t now_us, size_t bytes)
{
    add_bytes(limiter, now_us, bytes);
}
