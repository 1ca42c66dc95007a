#include "backend/client/retry.h"

/*
 * The ceiling of the random delay doubles with every failed try. A service that says it is busy is
 * given more room than a connection that broke.
 */
enum {
    DELAY_US_MIN = 1000,
    BROKEN_US_BASE = 10 * 1000,
    BROKEN_US_MAX = 2 * 1000 * 1000,
    BUSY_US_BASE = 50 * 1000,
    BUSY_US_MAX = 5 * 1000 * 1000,
};

void ots_retry_begin(struct ots_retry *retry, int64_t now_us, int64_t timeout_us)
{
    retry->start_us = now_us;
    retry->deadline_us = now_us + timeout_us;
    retry->tries = 0;
}

bool ots_retry_may_repeat(enum ots_action action, enum ots_retry_class failure)
{
    switch (failure) {
    case OTS_RETRY_ALWAYS:
        return true;
    case OTS_RETRY_IF_IDEMPOTENT:
        /* Creating again can only find the table there, which the caller of the call sees. */
        return ots_action_is_idempotent(action) || action == OTS_ACTION_CREATE_TABLE;
    case OTS_RETRY_NEVER:
        break;
    }
    return false;
}

static int64_t delay_ceiling(enum ots_retry_class failure, unsigned tries)
{
    bool is_busy = failure == OTS_RETRY_ALWAYS;
    int64_t ceiling = is_busy ? BUSY_US_BASE : BROKEN_US_BASE;
    int64_t ceiling_max = is_busy ? BUSY_US_MAX : BROKEN_US_MAX;
    for (unsigned i = 1; i < tries && ceiling < ceiling_max; i++)
        ceiling *= 2;
    return ceiling < ceiling_max ? ceiling : ceiling_max;
}

bool ots_retry_next(struct ots_retry *retry, enum ots_action action, enum ots_retry_class failure,
                    int64_t now_us, uint64_t random, int64_t *delay_us)
{
    retry->tries++;
    if (!ots_retry_may_repeat(action, failure) || now_us >= retry->deadline_us)
        return false;
    int64_t ceiling = delay_ceiling(failure, retry->tries);
    int64_t delay = DELAY_US_MIN + (int64_t)(random % (uint64_t)ceiling);
    int64_t left = retry->deadline_us - now_us;
    *delay_us = delay < left ? delay : left;
    return true;
}
