/*
 * Text written to one timeline's file, parsed as it comes, its rows handed to the table's pipeline.
 *
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_WRITER_H
#define OTS_VIEW_WRITER_H

#include "fs/lp/parse.h"
#include "fs/view/state.h"

enum { OTS_WRITER_PROBLEMS_MAX = 1000, OTS_WRITER_PROBLEMS_LOGGED_MAX = 10 };

struct ots_writer {
    struct ots_table *table;
    struct ots_node *timeline;
    struct ots_origin *origin;
    struct ots_lp_parser *parser;
    struct ots_interrupt *interrupt; /* of the write under way */
    /* The key that the first accepted line had; every other line must have it. */
    struct ots_arena arena;
    struct ots_series_key key;
    bool has_key;
    bool is_append;
    bool has_offset;
    uint64_t next_offset;
    /* A write that ended halfway (interrupted, no memory): which lines were taken is not known to
     * the writer of the file, so every later call fails the same way. */
    enum ots_status broken;
    uint64_t digits_cut_count;
    /* The last row's time, and what was cut off it. */
    int64_t last_time_us;
    uint32_t last_cut_ns;
    uint64_t problem_count;
    uint64_t problem_count_told;
    char first_problem[200];
};

/* `is_append`: offsets do not count. */
enum ots_status ots_writer_init(struct ots_writer *writer, struct ots_table *table,
                                struct ots_node *timeline, bool is_append) OTS_MUST_CHECK;

/* An unfinished last line is logged and never put. */
void ots_writer_deinit(struct ots_writer *writer);

/* As ots_file_write. */
enum ots_status ots_writer_write(struct ots_writer *writer, uint64_t offset, struct ots_slice bytes,
                                 struct ots_interrupt *interrupt,
                                 struct ots_error *err) OTS_MUST_CHECK;

/* OTS_INVALID when lines were left out since the last call, or the last line has no end yet. */
enum ots_status ots_writer_check(struct ots_writer *writer, struct ots_error *err) OTS_MUST_CHECK;

#endif
