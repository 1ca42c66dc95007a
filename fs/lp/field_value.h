/*
 * The value of a field, and what the mark of the field's name makes of it.
 */
#ifndef OTS_LP_FIELD_VALUE_H
#define OTS_LP_FIELD_VALUE_H

#include "backend/model/row.h"
#include "fs/lp/cursor.h"

/* What follows the '@' of a field's name. */
enum ots_lp_mark {
    OTS_LP_UNMARKED,
    OTS_LP_MARKED_NAME,   /* `@`: the name is reserved, or holds an '@' itself */
    OTS_LP_MARKED_BINARY, /* `@b64` */
    OTS_LP_MARKED_REAL,   /* `@f64`: NaN and infinities */
    OTS_LP_MARKED_STRING, /* `@str`: a string with control bytes */
};

/* Sets the mark that `kind`, the bytes behind the '@', stands for; false when there is none. */
bool ots_lp_mark_find(struct ots_slice kind, enum ots_lp_mark *mark);

/*
 * Read the value; `cursor` stands behind the '=' and then behind the value.
 * Ownership: `value` borrows from the line or lives in `arena`.
 * Errors: OTS_INVALID (see `cursor`), OTS_NOT_READY (ends inside the string), OTS_NOMEM.
 */
enum ots_status ots_lp_field_value_read(struct ots_lp_cursor *cursor, enum ots_lp_mark mark,
                                        struct ots_arena *arena,
                                        struct ots_value *value) OTS_MUST_CHECK;

#endif
