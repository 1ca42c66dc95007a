/*
 * Following tables: what others change in a table is learned from its stream, and what is known of
 * it is kept on disk.
 *
 * Each table that was looked into has a follower, a thread that reads on every poll_us. While it
 * is healthy nothing that is known of the table grows old. With -o browse, with the stream off,
 * and for tables that otsfs cannot show there is none; and while the stream cannot be read it does
 * nothing: then knowledge ages (fs/view/extract.c).
 *
 * Threads: safe.
 */
#ifndef OTS_VIEW_FOLLOWER_H
#define OTS_VIEW_FOLLOWER_H

#include "fs/view/follower_report.h"
#include "fs/view/state.h"

struct ots_follower;

enum ots_status ots_follower_new(struct ots_table *table, struct ots_follower **out) OTS_MUST_CHECK;

/* What it is doing ends soon. */
void ots_follower_end(struct ots_follower *follower);
/* Wait for that, and save once more: no rows are on their way. */
void ots_follower_stop(struct ots_follower *follower);
/* Accepts NULL. It was stopped, or never used. */
void ots_follower_free(struct ots_follower *follower);

/*
 * To be called before anything is done with the table; costs nothing when it was done. Loads what
 * is known of the table, reads its stream to the end, puts what earlier mounts left
 * (fs/view/replay.h), and follows from then on. A stream that cannot be read is no error.
 * Errors: those of the store and of ots_replay_table; then the table cannot be used yet.
 */
enum ots_status ots_follower_prepare(struct ots_table *table, struct ots_interrupt *interrupt,
                                     struct ots_error *err) OTS_MUST_CHECK;

/*
 * Let the table's directory show the time that was kept, without looking into the table. Costs
 * nothing when that was done. Errors: OTS_CANCELLED.
 */
enum ots_status ots_follower_learn_time(struct ots_table *table,
                                        struct ots_interrupt *interrupt) OTS_MUST_CHECK;

/*
 * Read the stream to its end, and no further until ots_follower_resume: the table is about to be
 * scanned. Errors: those of the store; then it is not held.
 */
enum ots_status ots_follower_hold(struct ots_table *table, struct ots_interrupt *interrupt,
                                  struct ots_error *err) OTS_MUST_CHECK;
void ots_follower_resume(struct ots_table *table);

/* The scan of a held table became what is known. Returns whether it stays so by itself. The view's
 * lock is held. */
bool ots_follower_note_scan_locked(struct ots_table *table);

/* Rows of our own were stored: after many of them the stream is read early, so that few wait for
 * their records. The view's lock is held. */
void ots_follower_note_stored_locked(struct ots_table *table, size_t count);

/* Whether what is known of the table is kept up to date. The view's lock is held. */
bool ots_follower_is_healthy_locked(const struct ots_table *table);

/* The table was deleted and made anew by this mount. The view's lock is held. */
void ots_follower_forget_locked(struct ots_table *table);

/*
 * Store what is known now. What cannot be stored is no error, for it only costs work later.
 * Errors: OTS_CANCELLED.
 */
enum ots_status ots_follower_save(struct ots_table *table,
                                  struct ots_interrupt *interrupt) OTS_MUST_CHECK;

/* The view's lock is held. */
void ots_follower_report_locked(const struct ots_table *table, struct ots_follower_report *report);

#endif
