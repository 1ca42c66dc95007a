/*
 * Who has to leave when a room is nearly full: those that have been idle longest.
 *
 * While more guests are there than may stay, so many of the idle ones are told to leave; they count
 * until they have left. One that turns busy before stays, and another one is told instead. A busy
 * one is never told.
 *
 * Threads: safe.
 */
#ifndef OTS_SERVER_CROWD_H
#define OTS_SERVER_CROWD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Lives in what it is for. All but the first two is private, and zero before the first use. */
struct ots_guest {
    /* Told under the crowd's lock: must not call the crowd. */
    void (*leave)(void *context, int64_t idle_since_us);
    void *context;
    int64_t idle_since_us;
    bool is_idle;
    bool is_leaving;
    struct ots_guest *previous;
    struct ots_guest *next;
};

struct ots_crowd {
    unsigned stay_max;
    struct {
        pthread_mutex_t lock;
        unsigned count;
        unsigned leaving_count;
        struct ots_guest *first; /* of those that are idle and not leaving, the longest first */
        struct ots_guest *last;
    } synced;
};

/* `stay_max` guests may stay idle. */
void ots_crowd_init(struct ots_crowd *crowd, unsigned stay_max);
void ots_crowd_deinit(struct ots_crowd *crowd);

/* A new guest, idle from now on; it must exit before its memory goes. */
void ots_crowd_enter(struct ots_crowd *crowd, struct ots_guest *guest, int64_t now_us);
void ots_crowd_exit(struct ots_crowd *crowd, struct ots_guest *guest);

/* When `busy` returns the guest has not been told to leave since, and is not until it is idle. */
void ots_crowd_busy(struct ots_crowd *crowd, struct ots_guest *guest);
void ots_crowd_idle(struct ots_crowd *crowd, struct ots_guest *guest, int64_t now_us);

#endif
