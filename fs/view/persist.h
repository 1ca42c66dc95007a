/*
 * What is known of a table, from and to its file in the state directory
 * (fs/state/table_state.h): timelines, directories' times, the places in the
 * stream, our own rows that the stream has not shown, and the cut before which rows have expired.
 *
 * All of it is stored in one transaction as it was at one moment, so what is found after a kill
 * belongs together. A file that cannot be written costs only work: it is told once, and tried
 * again now and then.
 *
 * Threads: one at a time (a follower's turn). The view's lock must not be held.
 */
#ifndef OTS_VIEW_PERSIST_H
#define OTS_VIEW_PERSIST_H

#include "fs/view/state.h"
#include "fs/view/stream_cursor.h"

struct ots_persist;

/*
 * Open the table's file, of a table of that identity, and load it into the tree, or, when something
 * is known of the table already, empty it. `*out` is NULL when it cannot be used, which is logged.
 * Errors: OTS_NOMEM.
 */
enum ots_status ots_persist_open(struct ots_table *table, struct ots_slice identity,
                                 struct ots_persist **out, struct ots_error *err) OTS_MUST_CHECK;

/*
 * The table directory's time as it was stored last, of a table whose file is not open; cheap. False
 * when none can be had.
 */
bool ots_persist_peek_time(const struct ots_table *table, int64_t *mtime_ns);

/* Accepts NULL. */
void ots_persist_close(struct ots_persist *persist);

/* Where the stream was read to; borrowed until they are forgotten. NULL: there are none. */
const struct ots_stream_positions *ots_persist_positions(const struct ots_persist *persist);
void ots_persist_forget_positions(struct ots_persist *persist);

/* Whether what was loaded came from a scan and what the stream told since. */
bool ots_persist_is_measured(const struct ots_persist *persist);

/*
 * Store what has changed, with the places that `cursor` has come to; `is_measured` is kept too.
 * Then tell the journal which batches it need not keep any more. Does nothing when nothing has
 * changed.
 */
void ots_persist_save(struct ots_persist *persist, const struct ots_stream_cursor *cursor,
                      bool is_measured);

/* Whether the last attempt to store failed. */
bool ots_persist_is_failing(const struct ots_persist *persist);

#endif
