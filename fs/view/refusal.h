/*
 * Rows that will not be stored, into the source's rejected lines.
 */
#ifndef OTS_VIEW_REFUSAL_H
#define OTS_VIEW_REFUSAL_H

#include "backend/model/row.h"
#include "fs/state/state_dir.h"

/* Keep the row as a line, as if it stood in its timeline's file. Never fails; NULL: no state. */
void ots_refusal_keep(struct ots_state *state, struct ots_slice table, const struct ots_row *row,
                      const char *reason);

#endif
