/*
 * How a row shows in a timeline's file.
 */
#ifndef OTS_VIEW_LINES_H
#define OTS_VIEW_LINES_H

#include "fs/lp/print.h"

/*
 * Append the row's line. A row whose time does not fit the precision has a line all the same, with
 * its time cut, so that it has a place and a size; but it is not the row's, and `*is_blank` says
 * so. A row without fields (none of those asked for) has none. Errors: OTS_NOMEM, OTS_INVALID (not
 * a row that a table can hold).
 */
enum ots_status ots_line_append(struct ots_lp_printer *printer, const struct ots_row *row,
                                struct ots_buf *text, bool *is_blank,
                                struct ots_error *err) OTS_MUST_CHECK;

#endif
