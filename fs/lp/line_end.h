/*
 * Finds where a line ends without understanding it: a LF that is not inside a quoted string.
 *
 * Runs over pieces of any size and keeps its place between them, so that a long line that comes
 * in many pieces is looked at once. It defines where a bad line ends; on good lines it agrees with
 * the grammar (fs/lp/line.h).
 */
#ifndef OTS_LP_LINE_END_H
#define OTS_LP_LINE_END_H

#include "backend/base/slice.h"

enum ots_lp_place {
    OTS_LP_AT_START, /* blanks so far */
    OTS_LP_IN_NAME,  /* measurement and tags */
    OTS_LP_IN_NAME_ESCAPE,
    OTS_LP_IN_GAP, /* spaces before the fields */
    OTS_LP_IN_FIELD,
    OTS_LP_IN_FIELD_ESCAPE,
    OTS_LP_AT_VALUE,
    OTS_LP_IN_VALUE,
    OTS_LP_IN_STRING,
    OTS_LP_IN_STRING_ESCAPE,
    OTS_LP_IN_REST, /* a comment, the time, or nothing that could hold a string */
};

/*
 * Go on at `*place` (OTS_LP_AT_START for a new line). Returns the byte behind the line's LF, NULL
 * when the line does not end in `bytes`.
 */
const uint8_t *ots_lp_line_end_find(enum ots_lp_place *place, struct ots_slice bytes);

#endif
