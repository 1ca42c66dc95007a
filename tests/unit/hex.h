/*
 * Bytes written as hexadecimal text, for vectors in tests.
 */
#ifndef TESTS_UNIT_HEX_H
#define TESTS_UNIT_HEX_H

#include "backend/base/buf.h"

/* The bytes of `text`; white space is skipped. Fails the test on anything else. Free the result. */
struct ots_buf test_hex(const char *text);

/* Fails the test, showing both as hexadecimal text, unless the bytes are equal. */
void test_assert_hex(struct ots_slice bytes, const char *expected);

#endif
