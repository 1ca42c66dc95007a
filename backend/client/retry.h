/*
 * When a failed call is tried again, and after how long: exponential backoff with full jitter.
 *
 * Pure: time and randomness are passed in. Units: microseconds of a monotonic clock.
 *
 * What may be repeated: a try that the service surely did not carry out (throttled, table not
 * ready, never connected) always. A try of unknown fate only if repeating does no harm: every
 * action but DeleteTimeseriesTable, which could delete a table that somebody made in between.
 */
#ifndef OTS_CLIENT_RETRY_H
#define OTS_CLIENT_RETRY_H

#include "backend/model/call.h"
#include "backend/wire/service_code.h"

struct ots_retry {
    int64_t start_us;
    int64_t deadline_us; /* no try starts later */
    unsigned tries;      /* failed so far */
};

/* A call begins at `now_us`; its last try starts at most `timeout_us` later. */
void ots_retry_begin(struct ots_retry *retry, int64_t now_us, int64_t timeout_us);

/* Whether `action` may be repeated after a failure of this class. */
bool ots_retry_may_repeat(enum ots_action action, enum ots_retry_class failure);

/*
 * Count a failed try of `action` and decide. True: try again after `*delay_us`, which is at least
 * 1 ms unless the deadline is nearer; the last try starts at the deadline itself.
 * `random` is any 64 evenly distributed bits.
 */
bool ots_retry_next(struct ots_retry *retry, enum ots_action action, enum ots_retry_class failure,
                    int64_t now_us, uint64_t random, int64_t *delay_us);

#endif
