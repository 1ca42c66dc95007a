/*
 * A wide-column table as it is kept: version 1, number:4, creation time:8 (microseconds),
 * big-endian, then its description as the wire has it.
 */
#ifndef OTS_SERVER_WIDE_RECORD_H
#define OTS_SERVER_WIDE_RECORD_H

#include "backend/server/catalog.h"

/* Append the record of a wide-column table; a lack of memory shows in the buffer's status. */
void ots_wide_record_append(struct ots_buf *buf, const struct ots_table *table);

/*
 * Fill number, creation time and `meta`, all copied into `arena`. Errors: OTS_CORRUPT, OTS_NOMEM.
 */
enum ots_status ots_wide_record_decode(struct ots_slice record, struct ots_arena *arena,
                                       struct ots_table *table, struct ots_wide_meta *meta,
                                       struct ots_error *err) OTS_MUST_CHECK;

#endif
