/*
 * The size and a 64-bit hash of a row's line, by which equal rows are known as equal, and which add
 * up to those of a timeline in any order.
 *
 * The hash is that of the line as the mount shows it, so it belongs to a precision and to
 * OTS_LP_RENDERER_VERSION.
 */
#ifndef OTS_VIEW_ROW_SUM_H
#define OTS_VIEW_ROW_SUM_H

#include "fs/lp/print.h"

/* `size_bytes` is 0 when the row has no line. */
struct ots_row_sum {
    int64_t time_us; /* the row's, not cut to the precision */
    uint64_t size_bytes;
    uint64_t hash;
};

/* Sums rows one after another; not for several threads at once. */
struct ots_row_summer {
    struct ots_lp_printer printer;
    struct ots_buf text;
};

void ots_row_summer_init(struct ots_row_summer *summer, enum ots_precision precision);
void ots_row_summer_deinit(struct ots_row_summer *summer);
/* Must be called before keys of rows are freed and their memory is used for others. */
void ots_row_summer_forget_key(struct ots_row_summer *summer);

/*
 * The sum of the row's line. Errors: OTS_NOMEM, OTS_INVALID (not a row that a table can hold).
 */
enum ots_status ots_row_sum_of(struct ots_row_summer *summer, const struct ots_row *row,
                               struct ots_row_sum *sum, struct ots_error *err) OTS_MUST_CHECK;

/* The hash of a line. */
uint64_t ots_row_sum_hash(struct ots_slice line);

bool ots_row_sum_equal(const struct ots_row_sum *a, const struct ots_row_sum *b);

#endif
