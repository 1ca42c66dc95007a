#include "tests/unit/hex.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint8_t digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = strchr(digits, tolower((unsigned char)c));
    assert_true(c && at);
    return (uint8_t)(at - digits);
}

struct ots_buf test_hex(const char *text)
{
    struct ots_buf buf = OTS_BUF_INIT;
    while (*text) {
        if (isspace((unsigned char)*text)) {
            text++;
            continue;
        }
        uint8_t high = digit(text[0]);
        ots_buf_append_byte(&buf, (uint8_t)(high << 4 | digit(text[1])));
        text += 2;
    }
    assert_int_equal(ots_buf_status(&buf), OTS_OK);
    return buf;
}

void test_assert_hex(struct ots_slice bytes, const char *expected)
{
    struct ots_buf wanted = test_hex(expected);
    struct ots_buf shown = OTS_BUF_INIT;
    struct ots_buf wanted_shown = OTS_BUF_INIT;
    for (size_t i = 0; i < bytes.size; i++)
        ots_buf_append_fmt(&shown, "%02x", bytes.data[i]);
    for (size_t i = 0; i < wanted.size; i++)
        ots_buf_append_fmt(&wanted_shown, "%02x", wanted.data[i]);
    ots_buf_append_byte(&shown, '\0');
    ots_buf_append_byte(&wanted_shown, '\0');
    assert_string_equal((char *)shown.data, (char *)wanted_shown.data);
    ots_buf_deinit(&wanted);
    ots_buf_deinit(&shown);
    ots_buf_deinit(&wanted_shown);
}
