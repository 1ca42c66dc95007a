/*
 * Alarms: something is done at a time, unless it is called off before. One thread for all of them.
 *
 * Times are those of the machine's monotonic clock, in microseconds. Setting an alarm again, and
 * calling it off, is cheap; a ring comes some 10 ms late at most when the machine is not busy.
 * Threads: safe.
 */
#ifndef OTS_SERVER_ALARM_H
#define OTS_SERVER_ALARM_H

#include "backend/base/status.h"

#include <stdbool.h>
#include <stdint.h>

struct ots_alarms;

/* Lives in what it is for. All but the first two is private, and zero before the first use. */
struct ots_alarm {
    void (*ring)(void *context);
    void *context;
    int64_t due_us;
    bool is_set;
    struct ots_alarm *previous;
    struct ots_alarm *next;
};

/* Errors: OTS_NOMEM, OTS_IO (no thread). */
enum ots_status ots_alarms_new(struct ots_alarms **out, struct ots_error *err) OTS_MUST_CHECK;

/* Ring at `due_us`; instead of what was set before. */
void ots_alarms_set(struct ots_alarms *alarms, struct ots_alarm *alarm, int64_t due_us);

/* Do not ring. When this returns the alarm is not ringing either, so its memory may go. Must not
 * be called by what an alarm does. */
void ots_alarms_clear(struct ots_alarms *alarms, struct ots_alarm *alarm);

/* Ring everything that is set now, and from now on whatever is set at once. */
void ots_alarms_hurry(struct ots_alarms *alarms);

/* Nothing may be set any more. Accepts NULL. */
void ots_alarms_free(struct ots_alarms *alarms);

#endif
