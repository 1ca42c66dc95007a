/*
 * The keys of rows: table, timeline and time (layout.h), and behind them the values of the table's
 * key fields in order: so rows of one time lie side by side, sorted by those values. The row's
 * value holds the key fields as well, and nothing is read out of the key but timeline and time.
 *
 * In order an integer is 8 bytes big-endian with its sign turned round, text is as a part of a
 * series key.
 */
#ifndef OTS_SERVER_ROW_KEY_H
#define OTS_SERVER_ROW_KEY_H

#include "backend/server/catalog.h"
#include "backend/server/layout.h"

/* Append the key of `row`, which was checked to fit the table. */
void ots_row_key_append(struct ots_buf *key, const struct ots_table *table, uint64_t timeline,
                        const struct ots_row *row);

/* What follows timeline and time in a row's key. */
static inline struct ots_slice ots_row_key_rest(struct ots_slice key)
{
    return key.size <= OTS_ROW_KEY_BYTES
               ? OTS_SLICE_NONE
               : ots_slice(key.data + OTS_ROW_KEY_BYTES, key.size - OTS_ROW_KEY_BYTES);
}

#endif
