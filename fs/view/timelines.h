/*
 * Nodes of a table's timelines, by series key.
 */
#ifndef OTS_VIEW_TIMELINES_H
#define OTS_VIEW_TIMELINES_H

#include "fs/view/state.h"

/* NULL when the table has no such node, or without memory. The view's lock is held. */
struct ots_node *ots_table_timeline_locked(const struct ots_table *table,
                                           const struct ots_series_key *key);

/*
 * The node, made and listed when it is not there, and its measurement too: rows of it are about to
 * be put. The view's lock is held. Errors: OTS_NOMEM.
 */
enum ots_status ots_table_make_timeline_locked(struct ots_table *table,
                                               const struct ots_series_key *key,
                                               struct ots_node **out) OTS_MUST_CHECK;

/*
 * The node, made and not listed when it is not there: perhaps it has rows. The view's lock is held.
 * Errors: OTS_NOMEM.
 */
enum ots_status ots_table_add_timeline_locked(struct ots_table *table,
                                              const struct ots_series_key *key,
                                              struct ots_node **out) OTS_MUST_CHECK;

#endif
