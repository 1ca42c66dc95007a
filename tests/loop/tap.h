/*
 * A store before another one that counts calls, and can fail, swallow or keep them back, as a test
 * wants.
 */
#ifndef TESTS_LOOP_TAP_H
#define TESTS_LOOP_TAP_H

#include <pthread.h>

#include "backend/store.h"

struct tap {
    struct ots_store store;
    struct ots_store *next;
    /* Instead of handing a call to `next`; NULL: that. */
    void (*pass_on)(void *context, struct ots_call *call);
    void *pass_context;
    bool is_swallowing; /* updates of metadata are acknowledged and not carried out */
    pthread_mutex_t lock;
    /* --- under the lock --- */
    pthread_cond_t changed;
    size_t counts[OTS_ACTION_COUNT];
    enum ots_action fail_action;
    enum ots_status fail_status;
    size_t fail_count;
    bool is_holding;
    enum ots_action hold_action;
    struct ots_call *held;
};

void tap_init(struct tap *tap, struct ots_store *next);
void tap_deinit(struct tap *tap);

/* Calls since the start or the last tap_forget. */
size_t tap_count(struct tap *tap, enum ots_action action);
size_t tap_count_all(struct tap *tap);
void tap_forget(struct tap *tap);

/* The next `count` calls of `action` fail. */
void tap_fail(struct tap *tap, enum ots_action action, enum ots_status status, size_t count);

/* Keep a call of `action` back; wait until there is one; let it go. */
void tap_hold(struct tap *tap, enum ots_action action);
void tap_wait_held(struct tap *tap);
void tap_release(struct tap *tap);

#endif
