/*
 * The grammar of one line, from its first byte that is not blank to its LF.
 *
 * Remembers the last good line: its series key, whose text most often comes again, and its field
 * names, which are compared instead of being taken apart again. Not for several threads.
 */
#ifndef OTS_LP_LINE_H
#define OTS_LP_LINE_H

#include "backend/model/row.h"
#include "fs/lp/cursor.h"
#include "fs/lp/parse.h"

struct ots_lp_line;

/* Errors: OTS_NOMEM. */
enum ots_status ots_lp_line_new(const struct ots_lp_options *options,
                                struct ots_lp_line **out) OTS_MUST_CHECK;
void ots_lp_line_free(struct ots_lp_line *line);

/* The options' default_time_us is another from now on. */
void ots_lp_line_set_default_time(struct ots_lp_line *line, int64_t time_us);

/*
 * Parse the line at `cursor->at` and stand behind its LF.
 * Ownership: `row` borrows from the bytes and from `line`, until the next call; row->key stays the
 * same pointer while the key's bytes do not change, and two different keys of rows that follow
 * each other never have the same pointer.
 * Errors: OTS_INVALID (see `cursor`), OTS_NOT_READY (ends inside a string), OTS_NOMEM.
 */
enum ots_status ots_lp_line_parse(struct ots_lp_line *line, struct ots_lp_cursor *cursor,
                                  struct ots_row *row, uint32_t *cut_ns) OTS_MUST_CHECK;

/* The row of the last ots_lp_line_parse was handed on: its key becomes the last key. */
void ots_lp_line_keep_key(struct ots_lp_line *line);

#endif
