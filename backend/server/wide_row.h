/*
 * Rows of wide-column tables: how they are kept, what a write makes of them, what a reader sees.
 *
 * The value in the engine is the row's time:8, big-endian, then the row as PlainBuffer with its
 * whole primary key. Cells are sorted by name, the versions of a column from the newest to the
 * oldest, as many as the table keeps. The row's time is the newest version that was ever put into
 * it, or when it was put without cells: a row without cells lives from then as long as a cell.
 *
 * Units: milliseconds since 1970, UTC.
 */
#ifndef OTS_SERVER_WIDE_ROW_H
#define OTS_SERVER_WIDE_ROW_H

#include "backend/base/arena.h"
#include "backend/base/buf.h"
#include "backend/model/wide.h"

struct ots_wide_row {
    int64_t time_ms;
    struct ots_plain_row row;
};

/* Append the row as it is kept. Errors: OTS_LIMIT (OTSOutOfRowSizeLimit), OTS_NOMEM. */
enum ots_status ots_wide_row_encode(const struct ots_wide_row *row, struct ots_buf *buf,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* Everything is copied into `arena`. Errors: OTS_CORRUPT, OTS_NOMEM. */
enum ots_status ots_wide_row_decode(struct ots_slice value, struct ots_arena *arena,
                                    struct ots_wide_row *row, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Leave out the cells that are older than the table's TTL. False: the row is gone altogether.
 * Changes the cells, which must be those of ots_wide_row_decode.
 */
bool ots_wide_row_expire(struct ots_wide_row *row, const struct ots_wide_meta *meta,
                         int64_t now_ms);

/*
 * Check what a write does to cells: operations, types, names, versions, sizes.
 * Errors: OTS_INVALID, OTS_LIMIT (OTSOutOfColumnCountLimit, OTSOutOfRowSizeLimit).
 */
enum ots_status ots_wide_write_check(const struct ots_wide_write *write,
                                     const struct ots_wide_meta *meta, int64_t now_ms,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* How large a row is that is to be written: names and values of its cells, keys included. */
size_t ots_wide_row_bytes(const struct ots_plain_row *row);

/*
 * What a put or update that was checked makes of the row `old`; `old` NULL: there is none. Cells
 * without a version get `now_ms`. `*is_there` is false when there is no row afterwards.
 * The result borrows from both. Errors: OTS_INVALID (an increment of what is no integer),
 * OTS_NOMEM.
 */
enum ots_status ots_wide_row_apply(const struct ots_wide_row *old,
                                   const struct ots_wide_write *write,
                                   const struct ots_wide_meta *meta, int64_t now_ms,
                                   struct ots_arena *arena, struct ots_wide_row *out,
                                   bool *is_there, struct ots_error *err) OTS_MUST_CHECK;

#endif
