/*
 * What a store has done, counted for each action.
 *
 * Threads: safe. What is read of one action while it is counted may be a call ahead in one number
 * and behind in another.
 */
#ifndef OTS_MODEL_METER_H
#define OTS_MODEL_METER_H

#include <stdatomic.h>

#include "backend/model/call.h"

/* Units: bytes of requests' and answers' bodies, before compression and without headers. */
struct ots_action_counts {
    uint64_t calls;    /* that ended */
    uint64_t failures; /* calls that ended in an error, interrupted ones too */
    uint64_t requests; /* tries of calls; of a put that was stored in part, also of the rest */
    uint64_t retries;  /* of those: not the first of their call */
    uint64_t sent_bytes;
    uint64_t received_bytes;
};

/* Zeroed it has counted nothing. */
struct ots_meter {
    struct {
        atomic_uint_least64_t calls;
        atomic_uint_least64_t failures;
        atomic_uint_least64_t requests;
        atomic_uint_least64_t retries;
        atomic_uint_least64_t sent_bytes;
        atomic_uint_least64_t received_bytes;
    } actions[OTS_ACTION_COUNT];
};

void ots_meter_request(struct ots_meter *meter, enum ots_action action, bool is_retry,
                       size_t sent_bytes);
void ots_meter_answer(struct ots_meter *meter, enum ots_action action, size_t received_bytes);
void ots_meter_end(struct ots_meter *meter, enum ots_action action, bool is_failure);

void ots_meter_read(const struct ots_meter *meter, enum ots_action action,
                    struct ots_action_counts *counts);

#endif
