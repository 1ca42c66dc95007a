/*
 * Who wrote a row: an open file, the port, the journal of an earlier mount. Each row on its way
 * holds a reference, so that what becomes of it can be told to whoever wrote it, also when that
 * has gone.
 *
 * Threads: references may be taken and dropped anywhere; the rest is guarded by the view's lock.
 */
#ifndef OTS_VIEW_ORIGIN_H
#define OTS_VIEW_ORIGIN_H

#include <stdatomic.h>
#include <stdint.h>

#include "backend/base/status.h"

struct ots_node;

struct ots_origin {
    atomic_size_t references;
    struct ots_node *timeline; /* NULL: of any timelines */
    uint64_t lost_rows;        /* that were refused, or not stored within the time-out */
    uint64_t lost_rows_told;
    struct ots_error failure; /* of the first of them */
};

/* With one reference, the caller's. NULL without memory. */
struct ots_origin *ots_origin_new(struct ots_node *timeline);

/* Returns `origin`. */
struct ots_origin *ots_origin_ref(struct ots_origin *origin);

/* Each loss is told once, as OTS_IO. The view's lock is held. */
enum ots_status ots_origin_tell_loss(struct ots_origin *origin,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* Drop a reference; the last one frees it. Accepts NULL. */
void ots_origin_unref(struct ots_origin *origin);

#endif
