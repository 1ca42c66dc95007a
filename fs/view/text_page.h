/*
 * The text of a page of rows: timeline after timeline in one piece, with what each part adds up to.
 *
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_TEXT_PAGE_H
#define OTS_VIEW_TEXT_PAGE_H

#include "fs/view/whole_text.h"

/* The lines of one timeline, which follow those of the part before. */
struct ots_text_part {
    uint64_t id; /* of the timeline, in the caller's numbers */
    struct ots_extent extent;
    bool is_broken; /* as in struct ots_whole_text */
};

struct ots_text_page {
    struct ots_lp_printer printer;
    struct ots_whole_text text; /* all bytes, and the sums of the part that is being printed */
    struct ots_buf parts;       /* struct ots_text_part */
};

void ots_text_page_init(struct ots_text_page *page, enum ots_precision precision);
void ots_text_page_deinit(struct ots_text_page *page);

/* Append a row's line to the last part; `*sum` becomes that of the row. Errors: as ots_line_append.
 */
enum ots_status ots_text_page_add(struct ots_text_page *page, const struct ots_row *row,
                                  struct ots_row_sum *sum, struct ots_error *err) OTS_MUST_CHECK;

/* The part is of that timeline, and ends; without a line it was none. Errors: OTS_NOMEM. */
enum ots_status ots_text_page_end_part(struct ots_text_page *page, uint64_t id) OTS_MUST_CHECK;

const struct ots_text_part *ots_text_page_parts(const struct ots_text_page *page, size_t *count);

/* Empty it. Must be called before keys of rows are freed and their memory is used for others. */
void ots_text_page_reset(struct ots_text_page *page);

#endif
