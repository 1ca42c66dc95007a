/*
 * The series part of a line, measurement and tags, read into a key.
 */
#ifndef OTS_LP_SERIES_TEXT_H
#define OTS_LP_SERIES_TEXT_H

#include "backend/model/series.h"
#include "fs/lp/cursor.h"

enum { OTS_LP_TAGS_MAX = 1024 };

/* A key, the text that it was read from, and the memory of both. */
struct ots_lp_series {
    struct ots_series_key key;
    struct ots_buf text;
    struct ots_arena arena;
    struct ots_tag *tags;
    size_t tag_capacity;
};

void ots_lp_series_deinit(struct ots_lp_series *series);

/*
 * Read up to the space that ends the series; `cursor` stands on it.
 * Errors: OTS_INVALID (see `cursor`), OTS_NOMEM; `series` then holds no key.
 */
enum ots_status ots_lp_series_read(struct ots_lp_series *series,
                                   struct ots_lp_cursor *cursor) OTS_MUST_CHECK;

#endif
