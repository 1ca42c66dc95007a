/*
 * Rows for tests: random ones that are the same in every run, and their comparison.
 */
#ifndef TESTS_UNIT_MAKE_ROWS_H
#define TESTS_UNIT_MAKE_ROWS_H

#include "backend/model/row.h"

/* A small generator of numbers; start it with any seed. */
struct test_random {
    uint64_t state;
};

/* A number below `limit`. */
uint32_t test_random_below(struct test_random *random, uint32_t limit);

/* Rows of several timelines, with sorted fields of all types, within the service's rules. */
struct ots_rows test_make_rows(struct test_random *random, struct ots_arena *arena, size_t count);

/* Fails the test unless both are the same rows in the same order. */
void test_assert_rows(const struct ots_rows *rows, const struct ots_rows *expected);

#endif
