#include "fs/lp/number.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/lp_record.h"

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

/* --- printing --------------------------------------------------------------------------------- */

static void assert_prints(double value, const char *expected)
{
    uint8_t text[OTS_NUMBER_BYTES_MAX + 1];
    text[ots_number_print_double(text, value)] = 0;
    assert_string_equal((const char *)text, expected);
}

static void test_print_double(void **state)
{
    (void)state;
    assert_prints(0.0, "0");
    assert_prints(-0.0, "-0");
    assert_prints(5.0, "5");
    assert_prints(-17.0, "-17");
    assert_prints(0.5, "0.5");
    assert_prints(99.57, "99.57");
    assert_prints(-0.0625, "-0.0625");
    assert_prints(0.30000000000000004, "0.30000000000000004");
    assert_prints(1.0 / 3.0, "0.3333333333333333");
    assert_prints(0.123456789, "0.123456789");
    assert_prints(100000.0, "100000");
    assert_prints(863964000.0, "863964000");
    assert_prints(99999999999.9999, "99999999999.9999");
    assert_prints(9007199254740992.0, "9007199254740992");
    assert_prints(9007199254740994.0, "9007199254740994");
    assert_prints(123456789012345680.0, "123456789012345680");
    assert_prints(5e-324, "5e-324");
    assert_prints(2.2250738585072014e-308, "2.2250738585072014e-308");
    assert_prints(1.7976931348623157e308, "1.7976931348623157e+308");
    assert_prints(-8.89603834440535e-293, "-8.89603834440535e-293");
}

/* The exponent begins below 0.000001 and at 1e21, whatever the digits. */
static void test_print_exponent(void **state)
{
    (void)state;
    assert_prints(0.0001, "0.0001");
    assert_prints(0.00001, "0.00001");
    assert_prints(0.000001, "0.000001");
    assert_prints(0.0000012345678901234567, "0.0000012345678901234567");
    assert_prints(9.99999999999e-7, "9.99999999999e-7");
    assert_prints(1e-7, "1e-7");
    assert_prints(1.5e-7, "1.5e-7");
    assert_prints(1e15, "1000000000000000");
    assert_prints(1e20, "100000000000000000000");
    assert_prints(999999999999999868928.0, "999999999999999900000");
    assert_prints(1e21, "1e+21");
    assert_prints(-1.25e21, "-1.25e+21");
    assert_prints(1e22, "1e+22");
    assert_prints(1e100, "1e+100");
}

static size_t digit_count(const char *text)
{
    size_t count = 0;
    size_t zeros = 0;
    for (; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (!count && *text == '0'))
            continue;
        count++;
        zeros = *text == '0' ? zeros + 1 : 0;
    }
    return count - zeros;
}

/* It reads back as the same bits, and no decimal with fewer digits does. */
static void assert_shortest(double value)
{
    char text[OTS_NUMBER_BYTES_MAX + 1];
    size_t size = ots_number_print_double((uint8_t *)text, value);
    assert_true(size <= OTS_NUMBER_BYTES_MAX - 2);
    text[size] = 0;
    if (bits_of(strtod(text, NULL)) != bits_of(value))
        fail_msg("%a printed as %s", value, text);
    size_t digits = digit_count(text);
    if (digits < 2)
        return;
    char shorter[64];
    snprintf(shorter, sizeof(shorter), "%.*e", (int)digits - 2, value);
    if (bits_of(strtod(shorter, NULL)) == bits_of(value))
        fail_msg("%s is shorter than %s", shorter, text);
}

static void test_print_shortest(void **state)
{
    (void)state;
    struct test_random random = {7};
    for (size_t i = 0; i < 30000; i++)
        assert_shortest(lp_hostile_real(&random, true));
    for (int decimals = 0; decimals < 12; decimals++) {
        for (size_t i = 0; i < 2000; i++) {
            double digits = test_random_below(&random, 1u << (1 + i % 31));
            assert_shortest(digits / pow(10, decimals));
            assert_shortest(nextafter(digits / pow(10, decimals), INFINITY));
        }
    }
}

static void assert_prints_i64(int64_t value)
{
    char expected[32];
    uint8_t text[OTS_NUMBER_BYTES_MAX + 1];
    snprintf(expected, sizeof(expected), "%" PRId64, value);
    text[ots_number_print_i64(text, value)] = 0;
    assert_string_equal((const char *)text, expected);
}

static void test_print_integer(void **state)
{
    (void)state;
    int64_t power = 1;
    for (int digits = 0; digits < 19; digits++, power *= 10) {
        for (int64_t delta = -1; delta <= 1; delta++) {
            assert_prints_i64(power + delta);
            assert_prints_i64(-power + delta);
        }
        if (digits == 18)
            break;
    }
    assert_prints_i64(INT64_MIN);
    assert_prints_i64(INT64_MAX);
    uint8_t text[OTS_NUMBER_BYTES_MAX + 1];
    text[ots_number_print_u64(text, UINT64_MAX)] = 0;
    assert_string_equal((const char *)text, "18446744073709551615");
}

/* --- parsing ---------------------------------------------------------------------------------- */

/* Scan a copy that ends in `tail` and LF and has no byte behind it. Returns the bytes taken. */
static size_t scan(const char *number, const char *tail, struct ots_decimal *decimal, char **copy)
{
    size_t size = strlen(number) + strlen(tail) + 1;
    *copy = malloc(size + 1);
    assert_non_null(*copy);
    snprintf(*copy, size + 1, "%s%s\n", number, tail);
    *copy = realloc(*copy, size);
    const uint8_t *start = (const uint8_t *)*copy;
    const uint8_t *end = ots_decimal_scan(start, start + size, decimal);
    return end ? (size_t)(end - start) : 0;
}

static void assert_reads(const char *number)
{
    struct ots_decimal decimal;
    char *copy;
    double value;
    assert_int_equal(scan(number, " 5", &decimal, &copy), strlen(number));
    assert_int_equal(ots_decimal_to_double(&decimal, &value), OTS_OK);
    if (bits_of(value) != bits_of(strtod(number, NULL)))
        fail_msg("%s read as %a", number, value);
    free(copy);
}

static void test_parse_double(void **state)
{
    (void)state;
    static const char *const NUMBERS[] = {"0",
                                          "-0",
                                          "-0.0",
                                          "1",
                                          "-1.5",
                                          "007.5",
                                          "1.",
                                          ".5",
                                          "-.5",
                                          "1.e5",
                                          "1e5",
                                          "1E-5",
                                          "1e+5",
                                          "1.5e+300",
                                          "12345678",
                                          "123456789012345678",
                                          "12345678.12345678",
                                          "0.1234567890123456789",
                                          "0.30000000000000004",
                                          "9007199254740993",
                                          "5e-324",
                                          "2e-324",
                                          "1e-400",
                                          "-1e-400",
                                          "1e-99999999999999999999",
                                          "0e999999999999999999999",
                                          "1.7976931348623157e308",
                                          "0.000000000000000000000000000000123",
                                          "00000000000000000000000000000000000000001.5",
                                          "123456789012345678901234567890",
                                          "179769313486231570000000000000000000000e270",
                                          "4.35",
                                          "1e22",
                                          "1e23",
                                          "9007199254740992e22",
                                          "9007199254740992e-22",
                                          "2.2250738585072011e-308"};
    for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++)
        assert_reads(NUMBERS[i]);
}

static void test_parse_double_random(void **state)
{
    (void)state;
    struct test_random random = {11};
    char number[64];
    for (size_t i = 0; i < 30000; i++) {
        double value = lp_hostile_real(&random, true);
        snprintf(number, sizeof(number), "%.*g", 1 + (int)(i % 20), value);
        if (isfinite(strtod(number, NULL)))
            assert_reads(number);
        snprintf(number, sizeof(number), "%.*f", (int)(i % 12),
                 (double)test_random_below(&random, UINT32_MAX) / 1000.0);
        assert_reads(number);
    }
}

static void test_parse_double_over(void **state)
{
    (void)state;
    static const char *const NUMBERS[] = {"1e309",
                                          "-1e309",
                                          "1.7976931348623159e308",
                                          "1e99999999999999999999",
                                          "17976931348623159000e300",
                                          "0.00001e314"};
    for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++) {
        struct ots_decimal decimal;
        char *copy;
        double value;
        assert_int_equal(scan(NUMBERS[i], "", &decimal, &copy), strlen(NUMBERS[i]));
        assert_int_equal(ots_decimal_to_double(&decimal, &value), OTS_LIMIT);
        free(copy);
    }
}

static void test_parse_no_number(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"",    "-",     "+1", ".",   "-.",  "e5",  "1e",
                                        "1e+", "1.5e-", "x",  "NaN", "Inf", "--1", " 1"};
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        struct ots_decimal decimal;
        char *copy;
        assert_int_equal(scan(TEXTS[i], ",", &decimal, &copy), 0);
        free(copy);
    }
}

static void test_parse_stops(void **state)
{
    (void)state;
    struct ots_decimal decimal;
    char *copy;
    assert_int_equal(scan("12", "i", &decimal, &copy), 2);
    free(copy);
    assert_int_equal(scan("0", "x10", &decimal, &copy), 1);
    free(copy);
    assert_int_equal(scan("1", "_000", &decimal, &copy), 1);
    free(copy);
    assert_int_equal(scan("1.5", ".5", &decimal, &copy), 3);
    free(copy);
}

static enum ots_status read_i64(const char *number, int64_t *value)
{
    struct ots_decimal decimal;
    char *copy;
    assert_int_equal(scan(number, "i", &decimal, &copy), strlen(number));
    enum ots_status status = ots_decimal_to_i64(&decimal, value);
    free(copy);
    return status;
}

static void test_parse_integer(void **state)
{
    (void)state;
    int64_t value;
    assert_int_equal(read_i64("007", &value), OTS_OK);
    assert_int_equal(value, 7);
    assert_int_equal(read_i64("-0", &value), OTS_OK);
    assert_int_equal(value, 0);
    assert_int_equal(read_i64("12345678", &value), OTS_OK);
    assert_int_equal(value, 12345678);
    assert_int_equal(read_i64("9223372036854775807", &value), OTS_OK);
    assert_true(value == INT64_MAX);
    assert_int_equal(read_i64("-9223372036854775808", &value), OTS_OK);
    assert_true(value == INT64_MIN);
    assert_int_equal(read_i64("0000000000000000000009223372036854775807", &value), OTS_OK);
    assert_true(value == INT64_MAX);
    assert_int_equal(read_i64("9223372036854775808", &value), OTS_LIMIT);
    assert_int_equal(read_i64("-9223372036854775809", &value), OTS_LIMIT);
    assert_int_equal(read_i64("18446744073709551617", &value), OTS_LIMIT);
    assert_int_equal(read_i64("1.0", &value), OTS_INVALID);
    assert_int_equal(read_i64("1e3", &value), OTS_INVALID);
}

static enum ots_status read_u128(const char *number, unsigned __int128 *value)
{
    struct ots_decimal decimal;
    char *copy;
    assert_int_equal(scan(number, "", &decimal, &copy), strlen(number));
    enum ots_status status = ots_decimal_to_u128(&decimal, value);
    free(copy);
    return status;
}

static void test_parse_wide(void **state)
{
    (void)state;
    unsigned __int128 value;
    assert_int_equal(read_u128("9223372036854775807000", &value), OTS_OK);
    assert_true(value == (unsigned __int128)INT64_MAX * 1000);
    assert_int_equal(read_u128("-00000000000000000000000000042", &value), OTS_OK);
    assert_true(value == 42);
    assert_int_equal(read_u128("340282366920938463463374607431768211455", &value), OTS_OK);
    assert_true(value + 1 == 0);
    assert_int_equal(read_u128("340282366920938463463374607431768211456", &value), OTS_LIMIT);
    assert_int_equal(read_u128("1.5", &value), OTS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_print_double),      cmocka_unit_test(test_print_exponent),
        cmocka_unit_test(test_print_shortest),    cmocka_unit_test(test_print_integer),
        cmocka_unit_test(test_parse_double),      cmocka_unit_test(test_parse_double_random),
        cmocka_unit_test(test_parse_double_over), cmocka_unit_test(test_parse_no_number),
        cmocka_unit_test(test_parse_stops),       cmocka_unit_test(test_parse_integer),
        cmocka_unit_test(test_parse_wide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
