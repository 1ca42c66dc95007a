/*
 * What the line-protocol reader found, as text that can be compared; and hostile rows to feed it.
 */
#ifndef TESTS_UNIT_LP_RECORD_H
#define TESTS_UNIT_LP_RECORD_H

#include "fs/lp/parse.h"
#include "tests/unit/make_rows.h"

/* Rows printed as lines, a cut time with a `cut ` before it; problems as `LINE:COLUMN: REASON`. */
struct lp_record {
    struct ots_buf text;
    size_t row_count;
    size_t problem_count;
};

struct ots_lp_handler lp_record_handler(struct lp_record *record);

/* Feed `text` in pieces of `piece_bytes` to a new parser; what is left over is `rest SIZE`. */
void lp_record_parse(struct lp_record *record, const struct ots_lp_options *options,
                     struct ots_slice text, size_t piece_bytes);
void lp_record_deinit(struct lp_record *record);

/* Fails the test unless the record's text is `expected`. */
void lp_record_assert(const struct lp_record *record, const char *expected);

/*
 * Rows with everything that could go wrong in a line: any bytes that are UTF-8 in names, tags and
 * strings, reserved names, '@', empty names, special doubles. Names of a row differ.
 */
struct ots_row lp_hostile_row(struct test_random *random, struct ots_arena *arena);

/* A text of up to `pieces_max` characters from a hostile palette. */
struct ots_slice lp_hostile_text(struct test_random *random, struct ots_arena *arena,
                                 uint32_t pieces_max);

/* A double of any kind; finite ones only on request. */
double lp_hostile_real(struct test_random *random, bool is_finite);

#endif
