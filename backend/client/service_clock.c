#include "backend/client/service_clock.h"

static const int64_t MINUTE_US = INT64_C(60) * 1000000;
/* Clocks drift by less within two minutes. */
static const int64_t DRIFT_US = 1000000;

static void begin_minute(struct ots_service_clock *clock, const struct ots_clock_sample *sample,
                         int64_t now_us)
{
    /* After a long silence what was known before is old, not the minute before. */
    clock->has_older = clock->has_newest && now_us - clock->newest_start_us < 2 * MINUTE_US;
    clock->older = clock->newest;
    clock->has_newest = true;
    clock->newest = *sample;
    clock->newest_start_us = now_us;
}

/* No clock that only drifts could have given both. */
static bool is_step(const struct ots_clock_sample *known, const struct ots_clock_sample *sample)
{
    int64_t step_us;
    if (__builtin_sub_overflow(sample->offset_us, known->offset_us, &step_us))
        return true;
    int64_t most_us = known->round_trip_us / 2 + sample->round_trip_us / 2 + DRIFT_US;
    return step_us > most_us || step_us < -most_us;
}

void ots_service_clock_learn(struct ots_service_clock *clock, int64_t date_us, int64_t sent_us,
                             int64_t received_us)
{
    if (received_us < sent_us)
        return;
    struct ots_clock_sample sample = {.round_trip_us = received_us - sent_us};
    int64_t middle_us = sent_us + sample.round_trip_us / 2;
    if (__builtin_sub_overflow(date_us, middle_us, &sample.offset_us))
        return;
    if (clock->has_newest && is_step(&clock->newest, &sample))
        *clock = OTS_SERVICE_CLOCK_INIT;
    if (!clock->has_newest || received_us - clock->newest_start_us >= MINUTE_US)
        begin_minute(clock, &sample, received_us);
    else if (sample.round_trip_us <= clock->newest.round_trip_us)
        clock->newest = sample;
}

bool ots_service_clock_read(const struct ots_service_clock *clock, int64_t monotonic_us,
                            int64_t *time_us)
{
    if (!clock->has_newest)
        return false;
    const struct ots_clock_sample *best = &clock->newest;
    if (clock->has_older && clock->older.round_trip_us < best->round_trip_us)
        best = &clock->older;
    return !__builtin_add_overflow(monotonic_us, best->offset_us, time_us);
}
