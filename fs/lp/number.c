/*
 * Printing. A double x with few decimals is n / 10^k for a small k: n = round(x * 10^k), taken when
 * n < 10^15 and n / 10^k == x. Division is correctly rounded, so that decimal reads back as x; and
 * as two decimals of at most 15 digits never read as one double, no shorter one does. What fails
 * the test goes to std::to_chars. The layout of the text depends on digits and exponent alone, so
 * both ways agree.
 *
 * Parsing. A mantissa below 2^53 times or divided by a power of ten up to 10^22 is one correctly
 * rounded operation on exact operands (Clinger). What fails that goes to std::from_chars.
 */
#include "fs/lp/number.h"

#include <assert.h>
#include <math.h>

#include "fs/lp/number_shim.h"

enum { MANTISSA_DIGITS_MAX = 19, POWER_MAX = 22, FIXED_EXPONENT_MIN = -6, FIXED_EXPONENT_MAX = 20 };

static const double POWERS[POWER_MAX + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                             1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                             1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const char PAIRS[] = "00010203040506070809101112131415161718192021222324"
                            "25262728293031323334353637383940414243444546474849"
                            "50515253545556575859606162636465666768697071727374"
                            "75767778798081828384858687888990919293949596979899";

/* --- integers --------------------------------------------------------------------------------- */

size_t ots_number_print_u64(uint8_t *to, uint64_t value)
{
    uint8_t digits[20];
    size_t at = sizeof(digits);
    while (value >= 100) {
        at -= 2;
        memcpy(digits + at, PAIRS + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(digits + at, PAIRS + 2 * value, 2);
    } else {
        digits[--at] = (uint8_t)('0' + value);
    }
    memcpy(to, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

size_t ots_number_print_i64(uint8_t *to, int64_t value)
{
    if (value >= 0)
        return ots_number_print_u64(to, (uint64_t)value);
    *to = '-';
    return 1 + ots_number_print_u64(to + 1, 0 - (uint64_t)value);
}

/* --- printing doubles ------------------------------------------------------------------------- */

/* Write n / 10^4, without zeros at the end of the fraction. */
static size_t print_4_decimals(uint8_t *to, uint64_t n)
{
    size_t size = ots_number_print_u64(to, n / 10000);
    uint64_t fraction = n % 10000;
    if (!fraction)
        return size;
    to[size] = '.';
    memcpy(to + size + 1, PAIRS + 2 * (fraction / 100), 2);
    memcpy(to + size + 3, PAIRS + 2 * (fraction % 100), 2);
    size += fraction % 100 ? 5 : 3;
    return to[size - 1] == '0' ? size - 1 : size;
}

/* The same of n / 10^9. */
static size_t print_9_decimals(uint8_t *to, uint64_t n)
{
    size_t size = ots_number_print_u64(to, n / 1000000000);
    uint64_t fraction = n % 1000000000;
    if (!fraction)
        return size;
    to[size++] = '.';
    for (size_t i = 9; i > 0; i--) {
        to[size + i - 1] = (uint8_t)('0' + fraction % 10);
        fraction /= 10;
    }
    size += 9;
    while (to[size - 1] == '0')
        size--;
    return size;
}

/* The exact test for values of few decimals; 0 when `magnitude` is none of them. */
static size_t print_short(uint8_t *to, double magnitude)
{
    if (magnitude < 1e11) {
        uint64_t n = (uint64_t)(magnitude * 1e4 + 0.5);
        if ((double)n / 1e4 == magnitude)
            return print_4_decimals(to, n);
    } else if (magnitude < 0x1p53 && (double)(uint64_t)magnitude == magnitude) {
        return ots_number_print_u64(to, (uint64_t)magnitude);
    }
    if (magnitude < 1e6 && magnitude >= 1e-6) {
        uint64_t n = (uint64_t)(magnitude * 1e9 + 0.5);
        if ((double)n / 1e9 == magnitude)
            return print_9_decimals(to, n);
    }
    return 0;
}

/* Digits with their point `point` places behind the first digit's place (0: `d.ddd`). */
static size_t print_fixed(uint8_t *to, const char *digits, int count, int point)
{
    size_t size = 0;
    if (point < 0) {
        memcpy(to, "0.000000", 8);
        size = (size_t)(1 - point);
        memcpy(to + size, digits, (size_t)count);
        return size + (size_t)count;
    }
    for (int i = 0; i < count || i <= point; i++) {
        if (i == point + 1)
            to[size++] = '.';
        to[size++] = (uint8_t)(i < count ? digits[i] : '0');
    }
    return size;
}

static size_t print_scientific(uint8_t *to, const char *digits, int count, int exponent)
{
    size_t size = 0;
    to[size++] = (uint8_t)digits[0];
    if (count > 1) {
        to[size++] = '.';
        memcpy(to + size, digits + 1, (size_t)count - 1);
        size += (size_t)count - 1;
    }
    to[size++] = 'e';
    to[size++] = exponent < 0 ? '-' : '+';
    return size + ots_number_print_u64(to + size, (uint64_t)(exponent < 0 ? -exponent : exponent));
}

static size_t print_any(uint8_t *to, double magnitude)
{
    char text[OTS_NUMBER_SHIM_BYTES];
    char digits[OTS_NUMBER_SHIM_BYTES];
    /* Not whole, for print_short would have written it. */
    if (magnitude >= 1e-6 && magnitude < 0x1p53)
        return ots_number_shim_print_fixed(magnitude, (char *)to);
    size_t size = ots_number_shim_print(magnitude, text);
    size_t at = 0;
    int count = 0;
    for (; at < size && text[at] != 'e'; at++)
        if (text[at] != '.')
            digits[count++] = text[at];
    assert(at + 2 < size && count > 0 && count <= 17);
    bool is_small = text[at + 1] == '-';
    int exponent = 0;
    for (at += 2; at < size; at++)
        exponent = exponent * 10 + (text[at] - '0');
    exponent = is_small ? -exponent : exponent;
    if (exponent < FIXED_EXPONENT_MIN || exponent > FIXED_EXPONENT_MAX)
        return print_scientific(to, digits, count, exponent);
    return print_fixed(to, digits, count, exponent);
}

size_t ots_number_print_double(uint8_t *to, double value)
{
    assert(isfinite(value));
    size_t sign = signbit(value) ? 1 : 0;
    double magnitude = fabs(value);
    *to = '-';
    size_t size = print_short(to + sign, magnitude);
    if (!size)
        size = print_any(to + sign, magnitude);
    return sign + size;
}

/* --- parsing ---------------------------------------------------------------------------------- */

static inline bool is_digit(uint8_t byte)
{
    return (uint8_t)(byte - '0') < 10;
}

/* Whether all eight bytes are digits. */
static inline bool are_digits(uint64_t word)
{
    const uint64_t high = 0xF0F0F0F0F0F0F0F0U;
    const uint64_t zeros = 0x3030303030303030U;
    return ((word & high) | (((word + 0x0606060606060606U) & high) >> 4)) == (zeros | (zeros >> 4));
}

/* The number that eight digits are, the first one in the lowest byte: pairs, then fours, then all.
 */
static inline uint64_t digits_value(uint64_t word)
{
    word -= 0x3030303030303030U;
    word = word * 10 + (word >> 8);
    return (((word & 0x000000FF000000FFU) * 0x000F424000000064U) +
            (((word >> 16) & 0x000000FF000000FFU) * 0x0000271000000001U)) >>
           32;
}

/* Append the digits at `at` to `*mantissa`, which may overflow; returns where they end. */
static inline const uint8_t *scan_digits(const uint8_t *at, const uint8_t *end, uint64_t *mantissa)
{
    while (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, 8);
        if (!are_digits(word))
            break;
        *mantissa = *mantissa * 100000000 + digits_value(word);
        at += 8;
    }
    for (; is_digit(*at); at++)
        *mantissa = *mantissa * 10 + (uint64_t)(*at - '0');
    return at;
}

/* The exponent behind `e`, bounded so that it cannot overflow; NULL without digits. */
static const uint8_t *scan_exponent(const uint8_t *at, int64_t *exponent)
{
    const int64_t bound = 1000000000000;
    bool is_negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    if (!is_digit(*at))
        return NULL;
    int64_t value = 0;
    for (; is_digit(*at); at++)
        if (value < bound)
            value = value * 10 + (*at - '0');
    *exponent += is_negative ? -value : value;
    return at;
}

/* Zeros in front do not count against the 19 digits of a mantissa. */
static bool has_long_mantissa(const uint8_t *at, size_t digit_count)
{
    for (; *at == '0' || *at == '.'; at++)
        digit_count -= *at == '0';
    return digit_count > MANTISSA_DIGITS_MAX;
}

const uint8_t *ots_decimal_scan(const uint8_t *at, const uint8_t *end, struct ots_decimal *decimal)
{
    const uint8_t *text = at;
    decimal->is_negative = *at == '-';
    at += decimal->is_negative;
    const uint8_t *digits = at;
    decimal->mantissa = 0;
    decimal->exponent = 0;
    decimal->is_whole = true;
    at = scan_digits(at, end, &decimal->mantissa);
    size_t digit_count = (size_t)(at - digits);
    if (*at == '.') {
        const uint8_t *fraction = ++at;
        decimal->is_whole = false;
        at = scan_digits(at, end, &decimal->mantissa);
        decimal->exponent = fraction - at;
        digit_count += (size_t)(at - fraction);
    }
    if (!digit_count)
        return NULL;
    if (*at == 'e' || *at == 'E') {
        decimal->is_whole = false;
        at = scan_exponent(at + 1, &decimal->exponent);
        if (!at)
            return NULL;
    }
    decimal->is_long = digit_count > MANTISSA_DIGITS_MAX && has_long_mantissa(digits, digit_count);
    decimal->text = ots_slice(text, (size_t)(at - text));
    return at;
}

enum ots_status ots_decimal_to_double(const struct ots_decimal *decimal, double *value)
{
    int64_t exponent = decimal->exponent;
    if (!decimal->is_long && decimal->mantissa <= (UINT64_C(1) << 53) && exponent >= -POWER_MAX &&
        exponent <= POWER_MAX) {
        double magnitude = (double)decimal->mantissa;
        magnitude = exponent < 0 ? magnitude / POWERS[-exponent] : magnitude * POWERS[exponent];
        *value = decimal->is_negative ? -magnitude : magnitude;
        return OTS_OK;
    }
    *value = ots_number_shim_parse((const char *)decimal->text.data, decimal->text.size);
    return isinf(*value) ? OTS_LIMIT : OTS_OK;
}

enum ots_status ots_decimal_to_i64(const struct ots_decimal *decimal, int64_t *value)
{
    if (!decimal->is_whole)
        return OTS_INVALID;
    uint64_t limit = (uint64_t)INT64_MAX + (decimal->is_negative ? 1 : 0);
    if (decimal->is_long || decimal->mantissa > limit)
        return OTS_LIMIT;
    *value = (int64_t)(decimal->is_negative ? 0 - decimal->mantissa : decimal->mantissa);
    return OTS_OK;
}

enum ots_status ots_decimal_to_u128(const struct ots_decimal *decimal, unsigned __int128 *value)
{
    if (!decimal->is_whole)
        return OTS_INVALID;
    *value = decimal->mantissa;
    if (!decimal->is_long)
        return OTS_OK;
    *value = 0;
    const uint8_t *end = decimal->text.data + decimal->text.size;
    for (const uint8_t *at = decimal->text.data + decimal->is_negative; at < end; at++)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, (unsigned)(*at - '0'), value))
            return OTS_LIMIT;
    return OTS_OK;
}
