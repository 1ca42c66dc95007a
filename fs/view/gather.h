/*
 * Rows that are collected for a while before they are handed over: those of one timeline and time
 * are merged field by field.
 *
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_GATHER_H
#define OTS_VIEW_GATHER_H

#include "backend/model/row.h"

enum { OTS_GATHER_LINES_MAX = 10000, OTS_GATHER_SLOTS = 32768 };

struct ots_history;
struct ots_node;

/* One row, and whatever the caller notes with it. */
struct ots_gathered {
    struct ots_row row;
    uint64_t hash;
    struct ots_node *node;
    struct ots_history *history;
};

struct ots_gather {
    struct ots_arena arena;
    struct ots_gathered *rows;
    size_t count;
    size_t line_count; /* rows that were added, merged ones too */
    size_t bytes;
    /* Open addressing by hash: index into rows plus one; 0 is free. */
    uint16_t *slots;
};

/* Errors: OTS_NOMEM; deinit is needed all the same. */
enum ots_status ots_gather_init(struct ots_gather *gather) OTS_MUST_CHECK;
void ots_gather_deinit(struct ots_gather *gather);

/* Add a copy of `row`. It must not be full. Errors: OTS_LIMIT (merged it would be over a limit),
 * OTS_NOMEM; then nothing was done. */
enum ots_status ots_gather_add(struct ots_gather *gather, const struct ots_row *row,
                               struct ots_error *err) OTS_MUST_CHECK;

/* It has as many lines, or as large rows, as it may have. */
bool ots_gather_is_full(const struct ots_gather *gather);

/* Forget all rows. */
void ots_gather_reset(struct ots_gather *gather);

#endif
