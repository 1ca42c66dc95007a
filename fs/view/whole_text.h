/*
 * All lines of a timeline as text, with what they add up to: how it is known whether they are what
 * the timeline is known to hold.
 */
#ifndef OTS_VIEW_WHOLE_TEXT_H
#define OTS_VIEW_WHOLE_TEXT_H

#include "backend/base/buf.h"
#include "fs/lp/print.h"
#include "fs/view/marks.h"

struct ots_whole_text {
    struct ots_buf bytes;
    struct ots_extent extent;
    /* A row cannot be shown, or rows did not come in the order of their times: it is of no use. */
    bool is_broken;
};

void ots_whole_text_deinit(struct ots_whole_text *text);

/* Append a row's line; `*sum` becomes that of the row. Errors: as ots_line_append. */
enum ots_status ots_whole_text_add(struct ots_whole_text *text, struct ots_lp_printer *printer,
                                   const struct ots_row *row, struct ots_row_sum *sum,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* Whether it is the text of which that is known. */
bool ots_whole_text_is(const struct ots_whole_text *text, const struct ots_extent *known);

#endif
