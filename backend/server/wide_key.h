/*
 * Primary keys of wide-column tables, as keys in the engine: bytes that compare as the keys do,
 * column by column.
 *
 * 'R', table:4, then each column: 00 for INF_MIN, FF for INF_MAX, and nothing behind either; else
 * 01 and the value. An integer is 8 bytes big-endian with its sign turned over; strings and blobs
 * are written as the parts of a series key in order.
 */
#ifndef OTS_SERVER_WIDE_KEY_H
#define OTS_SERVER_WIDE_KEY_H

#include "backend/base/buf.h"
#include "backend/model/wide.h"

enum ots_wide_key_form {
    OTS_WIDE_KEY_OF_ROW,   /* every column has a value */
    OTS_WIDE_KEY_OF_RANGE, /* INF_MIN and INF_MAX are allowed */
};

/*
 * Check that `row` has the table's key columns, in order, with values of their types.
 * Errors: OTS_INVALID (OTSInvalidPK; a value over OTS_WIDE_KEY_BYTES_MAX).
 */
enum ots_status ots_wide_key_check(const struct ots_wide_meta *meta,
                                   const struct ots_plain_row *row, enum ots_wide_key_form form,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* Append the key in the engine of a row that was checked. */
void ots_wide_key_append(struct ots_buf *buf, uint32_t table, const struct ots_plain_row *row);

#endif
