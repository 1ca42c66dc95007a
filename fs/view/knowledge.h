/*
 * Something that one caller at a time learns from the service, for all who need it.
 *
 * Who waited for an attempt that failed fails with it: otherwise each would wait its own time-out,
 * one after another. The view's lock guards the struct.
 */
#ifndef OTS_VIEW_KNOWLEDGE_H
#define OTS_VIEW_KNOWLEDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "backend/base/interrupt.h"
#include "backend/base/status.h"

struct ots_view;

/*
 * How long what was learned from the service counts as the truth: at least the first, and at most
 * a 20th part of the time goes into learning it again. Microseconds.
 */
enum { OTS_FRESH_US = 1000000, OTS_FRESH_COST_FACTOR = 20 };

struct ots_knowledge {
    int64_t fresh_until_us;   /* monotonic; 0: nothing was learned, or it must be learned anew */
    bool is_busy;             /* somebody is at it */
    uint64_t attempt_count;   /* attempts that ended */
    struct ots_error failure; /* of the last one; status OTS_OK: it did not fail */
};

/*
 * Whether the caller must learn it: it is old and nobody else is at it. Waits for somebody else.
 * Who claims must call ots_knowledge_release. The view's lock is not held.
 * Errors: OTS_CANCELLED, those of whoever was waited for.
 */
enum ots_status ots_knowledge_claim(struct ots_view *view, struct ots_knowledge *knowledge,
                                    struct ots_interrupt *interrupt, bool *is_claimed,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* The attempt ended with `status`, and `err` unless that is OTS_OK. */
void ots_knowledge_release(struct ots_view *view, struct ots_knowledge *knowledge,
                           enum ots_status status, const struct ots_error *err);

#endif
