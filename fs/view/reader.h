/*
 * Reading a timeline through an open file: a snapshot, and what the view knows of the timeline.
 *
 * The snapshot begins with the marks that are known and gives back those it found. Rows of this
 * mount that come behind the last one show at the next read at the end, those of others once a scan
 * has found them; any other row of this mount ends the version that the file shows.
 *
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_READER_H
#define OTS_VIEW_READER_H

#include "fs/view/snapshot.h"
#include "fs/view/state.h"

struct ots_reader {
    struct ots_extract *extract;
    struct ots_node *timeline;
    const struct ots_node *shown; /* by which it was opened; see fs/view/portion.h */
    struct ots_node *origin;      /* the same in the whole table, where writes are noted */
    /* Of both, held; NULL: not yet. */
    struct ots_history *history;
    struct ots_history *origin_history;
    bool has_snapshot; /* else it shows an empty file */
    struct ots_snapshot snapshot;
    size_t shared_count; /* marks that the view knows */
    bool keeps_rows;     /* of its first page, and counts as one that does */
};

/* Open files that keep the rows of their first page, until they are read; others have its text. */
enum { OTS_READERS_WITH_ROWS_MAX = 64 };

/*
 * Wait for rows that are on their way, and take a timeline of one page as a whole. Errors: those of
 * the store; the reader must be ended all the same.
 */
enum ots_status ots_reader_open(struct ots_reader *reader, struct ots_extract *extract,
                                struct ots_node *timeline, const struct ots_node *shown,
                                struct ots_interrupt *interrupt,
                                struct ots_error *err) OTS_MUST_CHECK;
void ots_reader_deinit(struct ots_reader *reader);

/* Append up to `size` bytes from `offset` to `out`, fewer only at the end. Errors: OTS_STALE, those
 * of the store. */
enum ots_status ots_reader_read(struct ots_reader *reader, uint64_t offset, size_t size,
                                struct ots_interrupt *interrupt, struct ots_buf *out,
                                struct ots_error *err) OTS_MUST_CHECK;

/*
 * The same as rows, as ots_snapshot_rows gives them: none where text must be read instead.
 * Errors: as ots_reader_read.
 */
enum ots_status ots_reader_rows(struct ots_reader *reader, uint64_t offset, size_t size,
                                struct ots_interrupt *interrupt, struct ots_row_span *span,
                                struct ots_error *err) OTS_MUST_CHECK;

/*
 * Whether to copy what is shown. Who asks for that has the range cut at the size that the timeline
 * is known to have: `cut` is where a range ends within a line, 0 when it does not.
 * Errors: OTS_STALE, when that may be the size of another text.
 */
enum ots_status ots_reader_check_copy(const struct ots_reader *reader, uint64_t cut,
                                      struct ots_error *err) OTS_MUST_CHECK;

#endif
