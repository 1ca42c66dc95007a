/*
 * Rows that expire, in a table that is followed: as the cut moves on, what it passes is taken away
 * from what is known.
 */
#ifndef OTS_VIEW_EXPIRE_H
#define OTS_VIEW_EXPIRE_H

#include "fs/view/follower.h"

/*
 * Move the cut to where it belongs now. To be called when all that is known of the table is true,
 * with the follower's turn and the stream read to its end. When the cut stood still for so long
 * that rows may be gone that were not taken away, `*is_late` is set and nothing is done: then the
 * table has to be scanned. Errors: those of the store; then nothing has changed.
 */
enum ots_status ots_expire(struct ots_table *table, struct ots_interrupt *interrupt, bool *is_late,
                           struct ots_error *err) OTS_MUST_CHECK;

#endif
