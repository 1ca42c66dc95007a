/*
 * The times of the rows that an open file has handed over, so that a line that steps back can be
 * told from one whose row is on its way or stored.
 *
 * Bounded in memory: times that ascend take 8 bytes each, and beyond some megabytes they are in an
 * unlinked temporary file. Others are collected, sorted and merged.
 *
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_HANDED_H
#define OTS_VIEW_HANDED_H

#include <stdint.h>

#include "backend/base/status.h"

/* Times that did not ascend, kept in memory until they are sorted. */
enum { OTS_HANDED_LATE_MAX = 64 * 1024 };
/* Sorted runs, each over twice as large as the next: far more than there can be rows. */
enum { OTS_HANDED_RUNS_MAX = 48 };

struct ots_handed {
    /* The first has the times that ascended, the others those that were sorted. */
    struct ots_handed_run *runs[OTS_HANDED_RUNS_MAX];
    size_t run_count;
    /* Open addressing; -1 is a free place. */
    int64_t *late;
    size_t late_count;
    size_t late_capacity; /* a power of two, or 0 */
};

void ots_handed_init(struct ots_handed *handed);
void ots_handed_deinit(struct ots_handed *handed);

/* Whether `time_us` is behind all that were added: then ots_handed_has need not be asked. */
bool ots_handed_is_behind(const struct ots_handed *handed, int64_t time_us);

/* Errors: OTS_NOMEM, those of a temporary file. */
enum ots_status ots_handed_has(struct ots_handed *handed, int64_t time_us, bool *is_there,
                               struct ots_error *err) OTS_MUST_CHECK;

/* Add a time, 0 or later, that is not there. Errors: as ots_handed_has; then it was not added. */
enum ots_status ots_handed_add(struct ots_handed *handed, int64_t time_us,
                               struct ots_error *err) OTS_MUST_CHECK;

#endif
