#include "backend/client/service_clock.h"

static const int64_t MINUTE_US = INT64_C(60) * 1000000;

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

void ots_service_clock_learn(struct ots_service_clock *clock, int64_t date_us, int64_t sent_us,
                             int64_t received_us)
{
    if (received_us < sent_us)
        return;
    struct ots_clock_sample sample = {.round_trip_us = received_us - sent_us};
    int64_t middle_us = sent_us + sample.round_trip_us / 2;
    if (__builtin_sub_overflow(date_us, middle_us, &sample.offset_us))
        return;
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
