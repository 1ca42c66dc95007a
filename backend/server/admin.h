/*
 * The operator's calls, below /otslocal/: set faults, read counters, reset both, split and merge
 * shards. See docs/PROTOCOL.md. For requests from this machine only; others get from the next
 * handler what they would get without this layer.
 */
#ifndef OTS_SERVER_ADMIN_H
#define OTS_SERVER_ADMIN_H

#include "backend/server/faults.h"

struct ots_admin {
    struct ots_handler handler; /* what the listener gets */
    struct ots_handler *next;
    struct ots_faults *faults;
    struct ots_counters *counters;
    struct ots_instance *instance;
};

/* All is borrowed. */
void ots_admin_init(struct ots_admin *admin, struct ots_handler *next, struct ots_faults *faults,
                    struct ots_counters *counters, struct ots_instance *instance);

#endif
