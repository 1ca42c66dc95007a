/*
 * Damaged copies of an input, each in memory of just its size, so that a sanitizer sees a reader
 * that goes one byte too far.
 */
#ifndef TESTS_UNIT_MANGLE_H
#define TESTS_UNIT_MANGLE_H

#include "backend/base/slice.h"

/* Says whether a decoder takes the input. */
typedef bool test_decoder(struct ots_slice input, void *context);

struct test_mangled {
    size_t tried;
    size_t accepted;
};

/* Every proper prefix of `input`. */
struct test_mangled test_truncate(struct ots_slice input, test_decoder *decode, void *context);

/* Each byte of `input` in turn with each of its bits flipped, and set to 0 and to 255. */
struct test_mangled test_corrupt(struct ots_slice input, test_decoder *decode, void *context);

#endif
