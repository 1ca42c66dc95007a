#include "backend/server/crowd.h"

#include <stddef.h>

void ots_crowd_init(struct ots_crowd *crowd, unsigned stay_max)
{
    *crowd = (struct ots_crowd){.stay_max = stay_max};
    pthread_mutex_init(&crowd->synced.lock, NULL);
}

void ots_crowd_deinit(struct ots_crowd *crowd)
{
    pthread_mutex_destroy(&crowd->synced.lock);
}

static void link_locked(struct ots_crowd *crowd, struct ots_guest *guest)
{
    guest->previous = crowd->synced.last;
    guest->next = NULL;
    if (guest->previous)
        guest->previous->next = guest;
    else
        crowd->synced.first = guest;
    crowd->synced.last = guest;
}

static void unlink_locked(struct ots_crowd *crowd, struct ots_guest *guest)
{
    if (guest->previous)
        guest->previous->next = guest->next;
    else
        crowd->synced.first = guest->next;
    if (guest->next)
        guest->next->previous = guest->previous;
    else
        crowd->synced.last = guest->previous;
}

/* Tell as many to leave as are too many. */
static void thin_locked(struct ots_crowd *crowd)
{
    while (crowd->synced.first &&
           crowd->synced.count - crowd->synced.leaving_count > crowd->stay_max) {
        struct ots_guest *guest = crowd->synced.first;
        unlink_locked(crowd, guest);
        guest->is_leaving = true;
        crowd->synced.leaving_count++;
        guest->leave(guest->context, guest->idle_since_us);
    }
}

static void set_idle_locked(struct ots_crowd *crowd, struct ots_guest *guest, int64_t now_us)
{
    guest->is_idle = true;
    guest->idle_since_us = now_us;
    link_locked(crowd, guest);
}

static void set_busy_locked(struct ots_crowd *crowd, struct ots_guest *guest)
{
    if (guest->is_leaving)
        crowd->synced.leaving_count--;
    else if (guest->is_idle)
        unlink_locked(crowd, guest);
    guest->is_leaving = false;
    guest->is_idle = false;
}

void ots_crowd_enter(struct ots_crowd *crowd, struct ots_guest *guest, int64_t now_us)
{
    pthread_mutex_lock(&crowd->synced.lock);
    crowd->synced.count++;
    set_idle_locked(crowd, guest, now_us);
    thin_locked(crowd);
    pthread_mutex_unlock(&crowd->synced.lock);
}

void ots_crowd_exit(struct ots_crowd *crowd, struct ots_guest *guest)
{
    pthread_mutex_lock(&crowd->synced.lock);
    set_busy_locked(crowd, guest);
    crowd->synced.count--;
    pthread_mutex_unlock(&crowd->synced.lock);
}

void ots_crowd_busy(struct ots_crowd *crowd, struct ots_guest *guest)
{
    pthread_mutex_lock(&crowd->synced.lock);
    set_busy_locked(crowd, guest);
    thin_locked(crowd);
    pthread_mutex_unlock(&crowd->synced.lock);
}

void ots_crowd_idle(struct ots_crowd *crowd, struct ots_guest *guest, int64_t now_us)
{
    pthread_mutex_lock(&crowd->synced.lock);
    if (!guest->is_idle)
        set_idle_locked(crowd, guest, now_us);
    thin_locked(crowd);
    pthread_mutex_unlock(&crowd->synced.lock);
}
