/*
 * A store before another one that lets calls through, or not, as a test wants.
 */
#ifndef TESTS_LOOP_GATE_STORE_H
#define TESTS_LOOP_GATE_STORE_H

#include <stdatomic.h>

#include "backend/store.h"

enum gate {
    GATE_OPEN,
    GATE_CLOSED, /* the call ends with OTS_TIMEOUT and was not carried out */
    GATE_DEAF,   /* the call is carried out, and ends with OTS_TIMEOUT */
    GATE_DENIED, /* the call ends with OTS_DENIED */
};

typedef void gate_before(void *context, const struct ots_call *call);

struct gate_store {
    struct ots_store store;
    struct ots_store *next;
    atomic_int puts;    /* enum gate, for puts */
    atomic_int streams; /* ... for what is asked about streams */
    atomic_size_t put_count;
    atomic_size_t counts[OTS_ACTION_COUNT]; /* of calls that came */
    /* Run before a call is carried out; NULL: nothing is. Its context is set before it. */
    _Atomic(gate_before *) before;
    void *before_context;
};

void gate_store_init(struct gate_store *gate, struct ots_store *next);

#endif
