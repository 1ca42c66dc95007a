/*
 * A page's rows, and where their lines lie in the timeline's text: so that rows can be had by their
 * places in a file without making text of them.
 *
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_PAGE_ROWS_H
#define OTS_VIEW_PAGE_ROWS_H

#include "backend/model/call.h"
#include "fs/view/row_sum.h"

/* Rows whose lines follow each other, with their sums. Borrowed. */
struct ots_row_span {
    const struct ots_row *rows;
    const struct ots_row_sum *sums; /* of 0 bytes: the row has no line */
    size_t count;
};

struct ots_page_rows {
    struct ots_call call; /* whose answer they are; set by ots_page_rows_take */
    bool is_there;
    bool is_cut;         /* what follows cannot be shown */
    struct ots_buf sums; /* struct ots_row_sum */
    uint64_t offset;     /* of the first line */
    uint64_t size_bytes; /* of all lines */
    /* The place that was asked for last. */
    size_t at_index;
    uint64_t at_offset;
};

void ots_page_rows_init(struct ots_page_rows *page);
/* Drop what it has. It may be used again, and needs no other end. */
void ots_page_rows_clear(struct ots_page_rows *page);

/*
 * A page begins at `offset`; then come the sums of its rows, one by one, up to one that cannot be
 * shown (`ots_page_rows_cut`), and then the call itself. Without memory it is cut, too.
 */
void ots_page_rows_begin(struct ots_page_rows *page, uint64_t offset);
void ots_page_rows_add(struct ots_page_rows *page, const struct ots_row_sum *sum);
void ots_page_rows_cut(struct ots_page_rows *page);

/* Take the answered call, which is empty from then on. */
void ots_page_rows_take(struct ots_page_rows *page, struct ots_call *call);

/* Whether the byte at `offset` is in one of its lines. */
bool ots_page_rows_has(const struct ots_page_rows *page, uint64_t offset);

/*
 * The rows of the whole lines within `size` bytes from `offset` on. False when no line begins
 * there, or not even one fits.
 */
bool ots_page_rows_find(struct ots_page_rows *page, uint64_t offset, uint64_t size,
                        struct ots_row_span *span);

#endif
