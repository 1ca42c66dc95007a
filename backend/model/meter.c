#include "backend/model/meter.h"

void ots_meter_request(struct ots_meter *meter, enum ots_action action, bool is_retry,
                       size_t sent_bytes)
{
    atomic_fetch_add(&meter->actions[action].requests, 1);
    atomic_fetch_add(&meter->actions[action].retries, is_retry);
    atomic_fetch_add(&meter->actions[action].sent_bytes, sent_bytes);
}

void ots_meter_answer(struct ots_meter *meter, enum ots_action action, size_t received_bytes)
{
    atomic_fetch_add(&meter->actions[action].received_bytes, received_bytes);
}

void ots_meter_end(struct ots_meter *meter, enum ots_action action, bool is_failure)
{
    atomic_fetch_add(&meter->actions[action].calls, 1);
    atomic_fetch_add(&meter->actions[action].failures, is_failure);
}

void ots_meter_read(const struct ots_meter *meter, enum ots_action action,
                    struct ots_action_counts *counts)
{
    counts->calls = atomic_load(&meter->actions[action].calls);
    counts->failures = atomic_load(&meter->actions[action].failures);
    counts->requests = atomic_load(&meter->actions[action].requests);
    counts->retries = atomic_load(&meter->actions[action].retries);
    counts->sent_bytes = atomic_load(&meter->actions[action].sent_bytes);
    counts->received_bytes = atomic_load(&meter->actions[action].received_bytes);
}
