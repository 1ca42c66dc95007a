/*
 * Rows before they are put: two of one timeline and time made one, and what none may exceed.
 */
#ifndef OTS_VIEW_MERGE_H
#define OTS_VIEW_MERGE_H

#include "backend/model/row.h"

/*
 * `merged` gets the fields of `older` that `newer` does not have, and those of `newer`, sorted.
 * Ownership: the array of fields is in `arena`, all else is borrowed from both rows; the key is
 * that of `older`.
 * Errors: OTS_LIMIT (too many fields, or too large for a put), OTS_NOMEM.
 */
enum ots_status ots_rows_merge(struct ots_arena *arena, const struct ots_row *older,
                               const struct ots_row *newer, struct ots_row *merged,
                               struct ots_error *err) OTS_MUST_CHECK;

/* ots_row_check, and that the row fits in a put, even alone. Errors: OTS_INVALID, OTS_LIMIT. */
enum ots_status ots_row_check_put(const struct ots_row *row, struct ots_error *err) OTS_MUST_CHECK;

#endif
