/*
 * The list is not sorted: alarms are set and called off far more often than they ring. The thread
 * sleeps until the earliest one that it saw (`wake_us`); setting a later one does not wake it, and
 * calling off the earliest makes it wake once for nothing.
 *
 * An alarm is taken off the list before it rings, and rings without the lock; `ringing` is what
 * clear waits for.
 */
#include "backend/server/alarm.h"

#include "backend/base/clock.h"
#include "backend/base/cond.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct ots_alarms {
    pthread_t thread;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t earlier; /* the thread must look again */
        pthread_cond_t rung;
        struct ots_alarm *first;
        const struct ots_alarm *ringing;
        int64_t wake_us;
        bool is_hurried;
        bool is_ending;
    } synced;
};

static int64_t now_us(void)
{
    return ots_clock_monotonic_us(&ots_clock_system);
}

static void link_locked(struct ots_alarms *alarms, struct ots_alarm *alarm)
{
    alarm->previous = NULL;
    alarm->next = alarms->synced.first;
    if (alarm->next)
        alarm->next->previous = alarm;
    alarms->synced.first = alarm;
    alarm->is_set = true;
}

static void unlink_locked(struct ots_alarms *alarms, struct ots_alarm *alarm)
{
    if (alarm->next)
        alarm->next->previous = alarm->previous;
    if (alarm->previous)
        alarm->previous->next = alarm->next;
    else
        alarms->synced.first = alarm->next;
    alarm->is_set = false;
}

static struct ots_alarm *earliest_locked(const struct ots_alarms *alarms)
{
    struct ots_alarm *earliest = alarms->synced.first;
    for (struct ots_alarm *alarm = earliest; alarm; alarm = alarm->next)
        if (alarm->due_us < earliest->due_us)
            earliest = alarm;
    return earliest;
}

static void wait_locked(struct ots_alarms *alarms, const struct ots_alarm *earliest)
{
    if (!earliest) {
        alarms->synced.wake_us = INT64_MAX;
        pthread_cond_wait(&alarms->synced.earlier, &alarms->synced.lock);
        return;
    }
    alarms->synced.wake_us = earliest->due_us;
    ots_cond_wait_until(&alarms->synced.earlier, &alarms->synced.lock, earliest->due_us);
}

static void ring_locked(struct ots_alarms *alarms, struct ots_alarm *alarm)
{
    unlink_locked(alarms, alarm);
    alarms->synced.ringing = alarm;
    pthread_mutex_unlock(&alarms->synced.lock);
    alarm->ring(alarm->context);
    pthread_mutex_lock(&alarms->synced.lock);
    alarms->synced.ringing = NULL;
    pthread_cond_broadcast(&alarms->synced.rung);
}

static void *run(void *argument)
{
    struct ots_alarms *alarms = argument;
    pthread_mutex_lock(&alarms->synced.lock);
    while (!alarms->synced.is_ending) {
        struct ots_alarm *alarm = earliest_locked(alarms);
        if (alarm && (alarms->synced.is_hurried || alarm->due_us <= now_us()))
            ring_locked(alarms, alarm);
        else
            wait_locked(alarms, alarm);
    }
    pthread_mutex_unlock(&alarms->synced.lock);
    return NULL;
}

enum ots_status ots_alarms_new(struct ots_alarms **out, struct ots_error *err)
{
    *out = NULL;
    struct ots_alarms *alarms = calloc(1, sizeof(*alarms));
    if (!alarms)
        return ots_error_set(err, OTS_NOMEM, "no memory for alarms");
    pthread_mutex_init(&alarms->synced.lock, NULL);
    ots_cond_init(&alarms->synced.earlier);
    pthread_cond_init(&alarms->synced.rung, NULL);
    int errnum = pthread_create(&alarms->thread, NULL, run, alarms);
    if (errnum) {
        free(alarms);
        return ots_error_errno(err, errnum, "cannot start a thread for alarms");
    }
    *out = alarms;
    return OTS_OK;
}

void ots_alarms_set(struct ots_alarms *alarms, struct ots_alarm *alarm, int64_t due_us)
{
    pthread_mutex_lock(&alarms->synced.lock);
    alarm->due_us = due_us;
    if (!alarm->is_set)
        link_locked(alarms, alarm);
    if (due_us < alarms->synced.wake_us || alarms->synced.is_hurried)
        pthread_cond_signal(&alarms->synced.earlier);
    pthread_mutex_unlock(&alarms->synced.lock);
}

void ots_alarms_clear(struct ots_alarms *alarms, struct ots_alarm *alarm)
{
    pthread_mutex_lock(&alarms->synced.lock);
    if (alarm->is_set)
        unlink_locked(alarms, alarm);
    while (alarms->synced.ringing == alarm)
        pthread_cond_wait(&alarms->synced.rung, &alarms->synced.lock);
    pthread_mutex_unlock(&alarms->synced.lock);
}

void ots_alarms_hurry(struct ots_alarms *alarms)
{
    pthread_mutex_lock(&alarms->synced.lock);
    alarms->synced.is_hurried = true;
    pthread_cond_signal(&alarms->synced.earlier);
    pthread_mutex_unlock(&alarms->synced.lock);
}

void ots_alarms_free(struct ots_alarms *alarms)
{
    if (!alarms)
        return;
    pthread_mutex_lock(&alarms->synced.lock);
    alarms->synced.is_ending = true;
    assert(!alarms->synced.first);
    pthread_cond_signal(&alarms->synced.earlier);
    pthread_mutex_unlock(&alarms->synced.lock);
    pthread_join(alarms->thread, NULL);
    pthread_cond_destroy(&alarms->synced.earlier);
    pthread_cond_destroy(&alarms->synced.rung);
    pthread_mutex_destroy(&alarms->synced.lock);
    free(alarms);
}
