/*
 * What a table's state holds, as text that tests compare.
 */
#ifndef TESTS_UNIT_KNOWN_LIST_H
#define TESTS_UNIT_KNOWN_LIST_H

#include "fs/state/table_state.h"

/*
 * Lines, to be freed; NULL: see `err`.
 *   MEASUREMENT/FILE SIZE
 *   shard ID (PARENT,SIBLING) [ITERATOR] ended
 *   entry GROUP MEASUREMENT/FILE TIME HASH SIZE FLAGS
 */
char *known_list(struct ots_table_state *state, struct ots_error *err);

/* A visitor that ends the visit with OTS_CANCELLED after `*(size_t *)context` timelines. */
enum ots_status known_list_stop(void *context, const struct ots_known_timeline *timeline);

#endif
