/*
 * A table as it is stored: version 1, number:4, creation time:8, TTL:4, metadata TTL:4, 1 when
 * attributes may be updated; and on a table with identifiers or key fields of its own: the number
 * of identifiers:1, each as its size:2 and its name; the number of key fields:1, each as its
 * type:1, size:2 and name. Big-endian, times in microseconds, TTLs in seconds.
 */
#ifndef OTS_SERVER_TABLE_RECORD_H
#define OTS_SERVER_TABLE_RECORD_H

#include "backend/server/catalog.h"

/* Append the record; a lack of memory shows in the buffer's status. */
void ots_table_record_append(struct ots_buf *buf, const struct ots_table *table);

/*
 * Fill `table` from the record, but for its name; identifiers borrow from `record` and the arrays
 * are in `arena`. Errors: OTS_CORRUPT, OTS_NOMEM.
 */
enum ots_status ots_table_record_decode(struct ots_slice record, struct ots_arena *arena,
                                        struct ots_table *table,
                                        struct ots_error *err) OTS_MUST_CHECK;

#endif
