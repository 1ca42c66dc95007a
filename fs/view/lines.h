/*
 * How a row shows in a timeline's file, and how long that is.
 */
#ifndef OTS_VIEW_LINES_H
#define OTS_VIEW_LINES_H

#include "fs/view/row_sum.h"

/*
 * Append the row's line. A row whose time does not fit the precision has a line all the same, with
 * its time cut, so that it has a place and a size; but it is not the row's, and `*is_blank` says
 * so. A row without fields (none of those asked for) has none. Errors: OTS_NOMEM, OTS_INVALID (not
 * a row that a table can hold).
 */
enum ots_status ots_line_append(struct ots_lp_printer *printer, const struct ots_row *row,
                                struct ots_buf *text, bool *is_blank,
                                struct ots_error *err) OTS_MUST_CHECK;

/* Measures lines of one timeline, row by row. */
struct ots_ruler {
    struct ots_row_summer summer;
    struct ots_buf lines; /* struct ots_row_sum */
};

void ots_ruler_init(struct ots_ruler *ruler, enum ots_precision precision);
void ots_ruler_deinit(struct ots_ruler *ruler);
/* Must be called before keys of rows are freed and their memory is used for others. */
void ots_ruler_forget_key(struct ots_ruler *ruler);

/* Measure the row's line, if it has one. Errors: as ots_line_append. */
enum ots_status ots_ruler_add(struct ots_ruler *ruler, const struct ots_row *row,
                              struct ots_error *err) OTS_MUST_CHECK;

/* The lines that were measured since the last ots_ruler_reset. */
const struct ots_row_sum *ots_ruler_lines(const struct ots_ruler *ruler, size_t *count);
void ots_ruler_reset(struct ots_ruler *ruler);

#endif
