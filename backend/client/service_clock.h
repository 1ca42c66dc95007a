/*
 * What time it is at a service, learned from the dates of its answers. Pure.
 *
 * An answer's date was made at some moment between the request and the answer, so a quick answer
 * tells more than a slow one. The quickest of this minute and of the one before counts; what older
 * answers said is forgotten once newer ones are there, for clocks drift; and at once when an answer
 * shows that the clock was set.
 *
 * Units: microseconds. Monotonic times are those of the caller's clock.
 */
#ifndef OTS_CLIENT_SERVICE_CLOCK_H
#define OTS_CLIENT_SERVICE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct ots_clock_sample {
    int64_t offset_us; /* the service's time less the monotonic one */
    int64_t round_trip_us;
};

struct ots_service_clock {
    bool has_newest;
    bool has_older;
    int64_t newest_start_us;
    struct ots_clock_sample newest; /* the best of the minute that began then */
    struct ots_clock_sample older;  /* the best of the minute before */
};

#define OTS_SERVICE_CLOCK_INIT ((struct ots_service_clock){.has_newest = false})

/* An answer with the date `date_us` came at `received_us` to a request sent at `sent_us`. */
void ots_service_clock_learn(struct ots_service_clock *clock, int64_t date_us, int64_t sent_us,
                             int64_t received_us);

/* The service's time at `monotonic_us`. False: nothing is known yet. */
bool ots_service_clock_read(const struct ots_service_clock *clock, int64_t monotonic_us,
                            int64_t *time_us);

#endif
