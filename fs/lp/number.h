/*
 * Numbers as text: the shortest decimal that reads back as the same double, and the way back.
 *
 * Short decimals, which is nearly all that is stored, go through exact integer arithmetic; the rest
 * through std::to_chars and std::from_chars. Both give the same text for the same value. No locale.
 */
#ifndef OTS_LP_NUMBER_H
#define OTS_LP_NUMBER_H

#include "backend/base/slice.h"
#include "backend/base/status.h"

enum { OTS_NUMBER_BYTES_MAX = 32 };

/* Write to at least OTS_NUMBER_BYTES_MAX bytes; return the length. */
size_t ots_number_print_u64(uint8_t *to, uint64_t value);
size_t ots_number_print_i64(uint8_t *to, int64_t value);

/*
 * A finite double: digits alone when it is whole (`5`, `-0`), `0.000001` up to below 1e21 without
 * an exponent, otherwise `1e+21`, `1.5e-7`.
 */
size_t ots_number_print_double(uint8_t *to, double value);

/* What a number's text says, before it is known which type it is to have. */
struct ots_decimal {
    struct ots_slice text;
    uint64_t mantissa; /* all digits as one integer, when they are at most 19 */
    int64_t exponent;  /* of ten, applies to `mantissa` */
    bool is_negative;
    bool is_whole; /* no point, no exponent */
    bool is_long;  /* more than 19 digits that count: `mantissa` says nothing */
};

/*
 * Scan `[-] digits [. digits] [e [+-] digits]` at `at`; the digits may lack on one side of the
 * point. `end` is a bound for reads; the byte before it must be no part of a number (a LF).
 * Returns where the text ends, NULL when there is no number.
 */
const uint8_t *ots_decimal_scan(const uint8_t *at, const uint8_t *end, struct ots_decimal *decimal);

/* The nearest double. Errors: OTS_LIMIT (beyond the largest). */
enum ots_status ots_decimal_to_double(const struct ots_decimal *decimal,
                                      double *value) OTS_MUST_CHECK;

/* Errors: OTS_INVALID (not whole), OTS_LIMIT. */
enum ots_status ots_decimal_to_i64(const struct ots_decimal *decimal,
                                   int64_t *value) OTS_MUST_CHECK;

/* A whole decimal's size without its sign. Errors: OTS_INVALID (not whole), OTS_LIMIT. */
enum ots_status ots_decimal_to_u128(const struct ots_decimal *decimal,
                                    unsigned __int128 *value) OTS_MUST_CHECK;

#endif
