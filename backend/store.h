/*
 * What a file system needs of a backend: something that carries out calls.
 *
 * A wrapper (cache, trace, faults) is a store around a store.
 */
#ifndef OTS_STORE_H
#define OTS_STORE_H

#include "backend/base/interrupt.h"
#include "backend/model/meter.h"

struct ots_store;

struct ots_store_ops {
    /*
     * Carry out `call` and run call->done(call, call->done_context) exactly once, on a thread of
     * the store's or within submit. Repeats what may be repeated until its own deadline.
     * `call` belongs to the store until done. Never blocks for long.
     */
    void (*submit)(struct ots_store *store, struct ots_call *call);
    /* Make a submitted call end soon, with OTS_CANCELLED unless it was done already. */
    void (*cancel)(struct ots_store *store, struct ots_call *call);
    /* End all calls with OTS_CANCELLED, wait for their done, free the store. */
    void (*free)(struct ots_store *store);
    /* The time at the service, as far as its answers have told it. */
    int64_t (*now_us)(struct ots_store *store);
};

struct ots_store {
    const struct ots_store_ops *ops;
    const struct ots_meter *meter; /* what it has done; NULL: it does not count */
};

/*
 * Submit `call` and wait for it. When `interrupt` (may be NULL) is raised the call is cancelled.
 * Sets call->done. Returns call->status, with `err` (may be NULL) filled from call->error.
 */
enum ots_status ots_store_run(struct ots_store *store, struct ots_call *call,
                              struct ots_interrupt *interrupt,
                              struct ots_error *err) OTS_MUST_CHECK;

/*
 * The service's clock, by which rows expire and changes are dated; before the first answer that of
 * this machine. It may jump by what a round trip takes.
 * Units: microseconds since 1970, UTC.
 */
int64_t ots_store_now_us(struct ots_store *store);

/* Accepts NULL. */
void ots_store_free(struct ots_store *store);

#endif
