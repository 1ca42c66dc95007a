/*
 * What an earlier mount left in the journals, put again before a table is used.
 *
 * Threads: safe; who comes while another is at it waits for that.
 */
#ifndef OTS_VIEW_REPLAY_H
#define OTS_VIEW_REPLAY_H

#include "fs/view/state.h"

/*
 * Open the table's journal and put the rows again that it holds; leftover.h says which. To be
 * called before anything is done with the table's rows; costs nothing when it was done. Does
 * nothing without a state directory.
 * Errors: those of the store and of ots_journal_load; then the table cannot be used yet.
 */
enum ots_status ots_replay_table(struct ots_table *table, struct ots_interrupt *interrupt,
                                 struct ots_error *err) OTS_MUST_CHECK;

/*
 * Before the table's stream is read: what its journal holds of a table of that identity may be
 * shown by the stream, and is ours. Errors: OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_replay_expect(struct ots_table *table, struct ots_slice identity,
                                  struct ots_error *err) OTS_MUST_CHECK;

/*
 * The same as ots_replay_table for all tables that have something in their journal. Rows of tables
 * that are gone are rejected.
 */
enum ots_status ots_replay_instance(struct ots_instance *instance, struct ots_interrupt *interrupt,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* Replay all in the background, again and again until it succeeds. Errors: OTS_IO. */
enum ots_status ots_replay_start(struct ots_view *view) OTS_MUST_CHECK;
/* End that, and wait for its end. */
void ots_replay_stop(struct ots_view *view);

#endif
