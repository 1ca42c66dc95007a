#include "fs/lp/number_shim.h"

#include <charconv>

size_t ots_number_shim_print(double value, char text[OTS_NUMBER_SHIM_BYTES])
{
    std::to_chars_result result =
        std::to_chars(text, text + OTS_NUMBER_SHIM_BYTES, value, std::chars_format::scientific);
    return static_cast<size_t>(result.ptr - text);
}

size_t ots_number_shim_print_fixed(double value, char text[OTS_NUMBER_SHIM_BYTES])
{
    std::to_chars_result result =
        std::to_chars(text, text + OTS_NUMBER_SHIM_BYTES, value, std::chars_format::fixed);
    return static_cast<size_t>(result.ptr - text);
}

// The decimal exponent of the first digit that is not 0, far from it where only its sign matters.
static long long magnitude(const char *text, const char *end)
{
    long long point = 0;
    long long first = 0;
    bool has_point = false;
    bool has_first = false;
    for (; text < end && *text != 'e' && *text != 'E'; text++) {
        if (*text == '.') {
            has_point = true;
            continue;
        }
        if (*text < '0' || *text > '9')
            continue;
        has_first = has_first || *text != '0';
        first += !has_first;
        point += !has_point;
    }
    long long exponent = 0;
    bool is_negative = text + 1 < end && text[1] == '-';
    for (; text < end; text++)
        if (*text >= '0' && *text <= '9' && exponent < 1000000000000LL)
            exponent = exponent * 10 + (*text - '0');
    return point - first + (is_negative ? -exponent : exponent);
}

double ots_number_shim_parse(const char *text, size_t size)
{
    double value = 0;
    std::from_chars_result result = std::from_chars(text, text + size, value);
    if (result.ec != std::errc::result_out_of_range)
        return value;
    // The library does not say which end of the range was left.
    bool is_negative = *text == '-';
    value = magnitude(text, text + size) > 0 ? __builtin_huge_val() : 0.0;
    return is_negative ? -value : value;
}
