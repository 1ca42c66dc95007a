/*
 * Fetching many small timelines of a measurement for a walk: a scan that goes a little ahead of the
 * walk, and as far as it has to when the walk waits for what it has not read yet. What it reads is
 * kept with all other texts (fs/view/texts.h).
 *
 * It ends when all is read, when nobody takes a text for half a minute, or when it is told to.
 * Threads: safe, but for `_new` and `_free`.
 */
#ifndef OTS_VIEW_WALK_SCAN_H
#define OTS_VIEW_WALK_SCAN_H

#include "fs/view/state.h"
#include "fs/view/whole_text.h"

struct ots_walk_scan;

/*
 * Begin, with a measurement of an extract that is no portion; about `row_count` rows are expected.
 * The view's lock is held. NULL when that is not possible.
 */
struct ots_walk_scan *ots_walk_scan_new(struct ots_extract *extract, struct ots_slice measurement,
                                        uint64_t row_count);

/* End it and free it. Waits, unless ots_walk_scan_is_over. Accepts NULL. */
void ots_walk_scan_free(struct ots_walk_scan *scan);

/* Let it end soon, without waiting for that; what it has read is forgotten. */
void ots_walk_scan_end(struct ots_walk_scan *scan);

/* Whether nobody has asked for a text for a second. */
bool ots_walk_scan_is_idle(struct ots_walk_scan *scan);

/* Nothing will come of it any more. */
bool ots_walk_scan_is_over(struct ots_walk_scan *scan);

/*
 * Wait for the text `id` of a timeline of which that is known, and take it; it stays empty when
 * there is none. Errors: OTS_CANCELLED.
 */
enum ots_status ots_walk_scan_take(struct ots_walk_scan *scan, uint64_t id,
                                   const struct ots_extent *known, struct ots_interrupt *interrupt,
                                   struct ots_whole_text *text,
                                   struct ots_error *err) OTS_MUST_CHECK;

#endif
