/* UTF-8 and base64. */
#include "backend/base/base64.h"
#include "backend/base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static size_t encode(uint32_t code, uint8_t *to)
{
    if (code < 0x80) {
        to[0] = (uint8_t)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i; i--) {
        to[i] = (uint8_t)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    to[0] = (uint8_t)(0xF00 >> length | code);
    return length;
}

static void test_every_character(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x120000; code++) {
        uint8_t bytes[4];
        uint32_t decoded = 0;
        size_t length = encode(code, bytes);
        bool is_valid = code <= 0x10FFFF && !(code >= 0xD800 && code < 0xE000);
        size_t taken = ots_utf8_next(ots_slice(bytes, length), &decoded);
        assert_int_equal(taken, is_valid ? length : 0);
        if (is_valid)
            assert_int_equal(decoded, code);
        if (is_valid && length > 1)
            assert_int_equal(ots_utf8_next(ots_slice(bytes, length - 1), &decoded), 0);
    }
}

static void test_bad_utf8(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC1\xBF",
        "\xC2",
        "\xC2\x41",
        "\xC2\xC2",
        "\xE0\x80\x80",
        "\xE0\x9F\xBF",
        "\xE1\x80",
        "\xE1\x80\x41",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF",
        "\xF1\x80\x80",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xFE",
        "\xFF",
        "ok\xFF",
        "ok\xE1\x80",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ots_utf8_is_valid(ots_slice_str(bad[i])));
    assert_true(ots_utf8_is_valid(OTS_SLICE_NONE));
    assert_true(ots_utf8_is_valid(OTS_SLICE("a\0\x7F\xC2\x80\xEF\xBF\xBF\xF4\x8F\xBF\xBF")));
}

static void assert_shown(struct ots_slice text, size_t size, const char *expected)
{
    char shown[64];
    memset(shown, 'x', sizeof(shown));
    assert_ptr_equal(ots_utf8_show(text, shown, size), shown);
    assert_string_equal(shown, expected);
    assert_int_equal(shown[size], 'x');
}

static void test_text_for_messages(void **state)
{
    (void)state;
    assert_shown(OTS_SLICE("cpu"), 10, "cpu");
    assert_shown(OTS_SLICE(""), 10, "");
    assert_shown(OTS_SLICE("a\n\0\x1B\x7F z"), 20, "a???? z");
    assert_shown(OTS_SLICE("\xFF\xC2\xC2\x85\xE6\xB8\xA9"), 20, "???\xE6\xB8\xA9");
    assert_shown(OTS_SLICE("abcdef"), 4, "abc");
    assert_shown(OTS_SLICE("a\xE6\xB8\xA9"), 4, "a");
    assert_shown(OTS_SLICE("a\xE6\xB8\xA9"), 5, "a\xE6\xB8\xA9");
    assert_shown(OTS_SLICE("abc"), 1, "");
}

static const struct {
    const char *plain;
    const char *encoded;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xFB\xFF\xBF", "+/+/"},
};

static void test_base64_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct ots_buf buf = OTS_BUF_INIT;
        ots_base64_append(&buf, ots_slice_str(vectors[i].plain));
        assert_true(ots_slice_equal(ots_buf_slice(&buf), ots_slice_str(vectors[i].encoded)));
        ots_buf_reset(&buf);
        assert_int_equal(ots_base64_decode(ots_slice_str(vectors[i].encoded), &buf), OTS_OK);
        assert_true(ots_slice_equal(ots_buf_slice(&buf), ots_slice_str(vectors[i].plain)));
        ots_buf_deinit(&buf);
    }
}

static void test_base64_every_byte(void **state)
{
    (void)state;
    uint8_t bytes[256];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 77);
    for (size_t size = 0; size <= sizeof(bytes); size++) {
        struct ots_buf text = OTS_BUF_INIT;
        struct ots_buf back = OTS_BUF_INIT;
        ots_base64_append(&text, ots_slice(bytes, size));
        assert_int_equal(text.size, (size + 2) / 3 * 4);
        assert_int_equal(ots_base64_decode(ots_buf_slice(&text), &back), OTS_OK);
        assert_true(ots_slice_equal(ots_buf_slice(&back), ots_slice(bytes, size)));
        ots_buf_deinit(&back);
        ots_buf_deinit(&text);
    }
}

static void test_bad_base64(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Z",        "Zg",   "Zg=",    "=",        "====", "Z===", "Zh==",  "Zm9=",
        "Zg==Zg==", "Z=g=", "Zm9v\n", "Zm9v    ", "Zm-v", "Zm_v", "Zm9v=", "Zm9vZg=v",
    };
    struct ots_buf buf = OTS_BUF_INIT;
    ots_buf_append_str(&buf, "kept");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (ots_base64_decode(ots_slice_str(bad[i]), &buf) != OTS_CORRUPT)
            fail_msg("%s was accepted", bad[i]);
        assert_true(ots_slice_equal(ots_buf_slice(&buf), OTS_SLICE("kept")));
    }
    ots_buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_character),   cmocka_unit_test(test_bad_utf8),
        cmocka_unit_test(test_text_for_messages), cmocka_unit_test(test_base64_vectors),
        cmocka_unit_test(test_base64_every_byte), cmocka_unit_test(test_bad_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
