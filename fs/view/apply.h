/*
 * The rules by which what is known of a table's timelines changes without reading them.
 *
 * What is known of a timeline tells, for each of its rows, how it was at some moment. Each change
 * of a row is told once by the stream, in the order of the changes; our own rows are counted when
 * they are acknowledged, rows that a measurement finds when it ends, both mostly before the stream
 * tells them. fs/view/ahead.h remembers these, so that the record changes nothing.
 *
 * A row of known old line changes size and hash by the difference; one behind the last row adds
 * its line; any other change makes the timeline dirty from its time on: it has to be measured
 * (`last_write` > `measured_write`). What is known goes on being changed then, as far as it can be:
 * it is what is expected.
 *
 * Threads: all of this is called with the view's lock held.
 */
#ifndef OTS_VIEW_APPLY_H
#define OTS_VIEW_APPLY_H

#include "backend/model/stream.h"
#include "fs/view/row_sum.h"
#include "fs/view/state.h"

/* --- the table --------------------------------------------------------------------------------*/

/* For a new table; `_deinit` accepts one of which it failed. Errors: OTS_NOMEM. */
enum ots_status ots_apply_init(struct ots_table *table) OTS_MUST_CHECK;
enum ots_status ots_apply_init_bounded(struct ots_table *table, size_t own_max,
                                       size_t counted_max) OTS_MUST_CHECK;
void ots_apply_deinit(struct ots_table *table);

/* Records are applied from now on, and our own rows remembered until the stream shows them. */
void ots_table_follow_locked(struct ots_table *table);

/* Nobody reads the stream any more: nothing is remembered for it or to be saved. Without the lock
 * ots_pipeline_flush_done(UINT64_MAX) follows. */
void ots_table_unfollow_locked(struct ots_table *table);

/*
 * A part of the stream was missed, or it is read from another place on: no row is known to be
 * counted, and own rows may have been shown to nobody. The next scan compares hashes.
 */
void ots_apply_gap_locked(struct ots_table *table);

/* --- records ----------------------------------------------------------------------------------*/

struct ots_record_counts {
    uint64_t own;     /* one of ours came back; nothing that others see has changed */
    uint64_t foreign; /* somebody else changed the table */
};

/*
 * Records of the table's stream, one after the other. `sums[i]` is that of the row of records[i],
 * of size 0 unless it was put whole. A timeline is made and listed when it is new. Adds to `counts`
 * what they were. Keys at the same place are the same.
 * Errors: OTS_NOMEM (those before were applied, and counted).
 */
enum ots_status ots_apply_records_locked(struct ots_table *table,
                                         const struct ots_stream_record *records,
                                         const struct ots_row_sum *sums, size_t count,
                                         struct ots_record_counts *counts) OTS_MUST_CHECK;

/* --- our own rows -----------------------------------------------------------------------------*/

/*
 * Rows are about to be put, as one group: its number, for those that are sent next; 0: they are not
 * remembered.
 */
uint64_t ots_apply_begin_group_locked(struct ots_table *table, size_t count);

/* A row of that group is about to be put. Returns what is remembered of it, for the next two. */
ots_ahead_id ots_apply_send_locked(struct ots_table *table, uint64_t group,
                                   struct ots_node *timeline, const struct ots_row_sum *sum);

/* It was acknowledged. In the order in which rows were sent, or more has to be measured. */
void ots_apply_stored_locked(struct ots_table *table, uint64_t group, ots_ahead_id id,
                             struct ots_node *timeline, const struct ots_row_sum *sum);

/* It was refused. */
void ots_apply_refused_locked(struct ots_table *table, uint64_t group, ots_ahead_id id);

/* The timeline has to be measured from that time on. */
void ots_apply_dirty_locked(struct ots_table *table, struct ots_node *timeline, int64_t from_us);

/*
 * An entry that an earlier mount saved; in the order in which they were saved, after the timelines
 * were loaded. Errors: OTS_NOMEM.
 */
enum ots_status ots_apply_restore_locked(struct ots_table *table, uint64_t group,
                                         struct ots_node *timeline, const struct ots_row_sum *sum,
                                         enum ots_ahead_kind kind) OTS_MUST_CHECK;

/*
 * A row that an earlier mount left in its journal: whether it was stored is not known. Before the
 * stream is read. Errors: OTS_NOMEM.
 */
enum ots_status ots_apply_leftover_locked(struct ots_table *table, const struct ots_series_key *key,
                                          const struct ots_row_sum *sum) OTS_MUST_CHECK;

/* The stream was read to its end: what earlier mounts left and it has not shown for long is
 * forgotten. To be called now and then. */
void ots_apply_caught_up_locked(struct ots_table *table);

#endif
