/*
 * Fetching many small timelines of a measurement for a walk: a scan that goes a little ahead of the
 * walk, and as far as it has to when the walk waits for what it has not read yet.
 *
 * It ends with the last text, when nobody takes one for half a minute, or when it is told to.
 * Threads: safe, but for `_new` and `_free`.
 */
#ifndef OTS_VIEW_WALK_SCAN_H
#define OTS_VIEW_WALK_SCAN_H

#include "fs/view/state.h"
#include "fs/view/whole_text.h"

/* What it keeps in memory; more is on disk, as the view's options allow. */
enum { OTS_WALK_SCAN_MEMORY_BYTES = 32 * 1024 * 1024 };

struct ots_walk_scan;

/*
 * Begin, with a measurement of an extract that is no portion; about `row_count` rows are expected.
 * The view's lock is held. NULL when that is not possible.
 */
struct ots_walk_scan *ots_walk_scan_new(struct ots_extract *extract, struct ots_slice measurement,
                                        uint64_t row_count);

/* End it and free it. Waits, unless ots_walk_scan_is_over. Accepts NULL. */
void ots_walk_scan_free(struct ots_walk_scan *scan);

/* Let it end soon, without waiting for that. */
void ots_walk_scan_end(struct ots_walk_scan *scan);

/* Whether nobody has asked for a text for a second. */
bool ots_walk_scan_is_idle(struct ots_walk_scan *scan);

/* Nothing will come of it any more. */
bool ots_walk_scan_is_over(struct ots_walk_scan *scan);

/* Whether taking that text would neither wait nor read a file. */
bool ots_walk_scan_has(struct ots_walk_scan *scan, const struct ots_node *timeline,
                       uint64_t row_count);

/*
 * Wait for the text of a timeline of `row_count` rows, which is the caller's then; it stays empty
 * when there is none. Errors: OTS_CANCELLED.
 */
enum ots_status ots_walk_scan_take(struct ots_walk_scan *scan, const struct ots_node *timeline,
                                   uint64_t row_count, struct ots_interrupt *interrupt,
                                   struct ots_whole_text *text,
                                   struct ots_error *err) OTS_MUST_CHECK;

#endif
