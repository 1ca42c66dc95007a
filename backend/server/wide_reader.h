/*
 * What a request reads of the rows of a wide-column table: columns, versions, times.
 *
 * A row that has none of the wanted columns is as if it were not there, unless a column of the
 * primary key is wanted too; so is a row without a cell in a wanted range of time. All columns of
 * the primary key are always returned.
 */
#ifndef OTS_SERVER_WIDE_READER_H
#define OTS_SERVER_WIDE_READER_H

#include "backend/server/wide_row.h"

struct ots_wide_reader {
    const struct ots_wide_meta *meta;
    struct ots_slice *columns; /* sorted; none: all */
    size_t column_count;
    bool wants_key;
    bool has_range;
    int64_t begin_ms;
    int64_t end_ms;
    size_t versions_max;
    int64_t now_ms;
    struct ots_arena *arena;
};

/* `meta` is borrowed. Errors: OTS_INVALID (no versions, too many columns), OTS_NOMEM. */
enum ots_status ots_wide_reader_init(struct ots_wide_reader *reader,
                                     const struct ots_wide_selection *selection,
                                     const struct ots_wide_meta *meta, int64_t now_ms,
                                     struct ots_arena *arena, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Read a row out of the engine's value into the arena. `*is_there` is false when it is not to be
 * returned; then only its primary key counts. Errors: OTS_CORRUPT, OTS_NOMEM.
 */
enum ots_status ots_wide_reader_read(const struct ots_wide_reader *reader, struct ots_slice value,
                                     struct ots_plain_row *row, bool *is_there,
                                     struct ots_error *err) OTS_MUST_CHECK;

#endif
