/*
 * Text written to one timeline's file, parsed as it comes, its rows handed to the table's pipeline.
 *
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_WRITER_H
#define OTS_VIEW_WRITER_H

#include "fs/lp/parse.h"
#include "fs/view/handed.h"
#include "fs/view/page_rows.h"
#include "fs/view/problems.h"
#include "fs/view/readback.h"

struct ots_writer {
    struct ots_table *table;
    struct ots_node *timeline;
    struct ots_history *history; /* the timeline's, held; NULL when init failed */
    struct ots_origin *origin;   /* of the rows written */
    struct ots_lp_parser *parser;
    struct ots_interrupt *interrupt; /* of the write under way */
    struct ots_problems problems;
    /* The key that the first accepted line had; every other line must have it. */
    struct ots_arena arena;
    struct ots_series_key key;
    bool has_key;
    bool is_append;
    bool has_offset;
    uint64_t next_offset;
    struct ots_error failure; /* of the write under way */
    enum ots_status broken;   /* no memory for a line: what follows it cannot be taken any more */
    struct ots_handed handed;
    struct ots_readback readback;
    int64_t mtime_ns;  /* that the last write gave the timeline */
    bool is_unflushed; /* something was written since the last flush */
    uint64_t digits_cut_count;
    /* The last row's time, and what was cut off it. */
    int64_t last_time_us;
    int64_t written_from_us; /* the lowest time of rows in the write that is under way */
    uint32_t last_cut_ns;
};

/* `is_append`: offsets do not count. Deinit is needed even after a failure. */
enum ots_status ots_writer_init(struct ots_writer *writer, struct ots_table *table,
                                struct ots_node *timeline, bool is_append) OTS_MUST_CHECK;

/* An unfinished last line is rejected. */
void ots_writer_deinit(struct ots_writer *writer);

/* As ots_file_write. */
enum ots_status ots_writer_write(struct ots_writer *writer, uint64_t offset, struct ots_slice bytes,
                                 struct ots_interrupt *interrupt, size_t *taken,
                                 struct ots_error *err) OTS_MUST_CHECK;

/*
 * Rows whose lines come next: the same as writing these, `*taken` bytes of them. Nothing is taken,
 * with OTS_OK, when they must be written as text: within a line, or of another timeline.
 * Errors: as ots_writer_write.
 */
enum ots_status ots_writer_take_rows(struct ots_writer *writer, uint64_t offset,
                                     const struct ots_row_span *span,
                                     struct ots_interrupt *interrupt, size_t *taken,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* What was written is flushed: that is the timeline's time, unless a tool has set one since. */
void ots_writer_note_flush(struct ots_writer *writer);

/* Reject an unfinished last line: nothing is written any more. */
void ots_writer_end(struct ots_writer *writer);

/* OTS_INVALID when lines were rejected since the last call, or the last line has no end yet. */
enum ots_status ots_writer_check(struct ots_writer *writer, struct ots_error *err) OTS_MUST_CHECK;

#endif
