#include "backend/wire/deflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LARGE = 3 * 1024 * 1024 };

/* zlib's own stream of "hello hello hello", level 6: header 78 9c, Adler-32 at the end. */
static const uint8_t HELLO[] = {0x78, 0x9c, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57,
                                0xc8, 0x40, 0x90, 0x00, 0x3a, 0x2e, 0x06, 0x7d};

static void expect(struct ots_slice input, size_t size, const char *message)
{
    struct ots_buf out = OTS_BUF_INIT;
    struct ots_error err = {0};
    assert_int_equal(ots_inflate(input, size, &out, &err), OTS_CORRUPT);
    if (!strstr(err.message, message))
        fail_msg("no '%s' in '%s'", message, err.message);
    ots_buf_deinit(&out);
}

static void known_bytes(void **state)
{
    (void)state;
    struct ots_buf out = OTS_BUF_INIT;
    ots_buf_append_str(&out, "before ");
    assert_int_equal(ots_inflate(ots_slice(HELLO, sizeof(HELLO)), 17, &out, NULL), OTS_OK);
    assert_true(ots_slice_equal(ots_buf_slice(&out), OTS_SLICE("before hello hello hello")));
    ots_buf_deinit(&out);
}

static void wrong_streams(void **state)
{
    (void)state;
    uint8_t copy[sizeof(HELLO) + 1] = {0};
    struct ots_slice whole = ots_slice(HELLO, sizeof(HELLO));
    expect(whole, 16, "longer");
    expect(whole, 0, "longer");
    expect(whole, 18, "shorter");
    expect(OTS_SLICE_NONE, 0, "early");
    expect(OTS_SLICE("x\x9c garbage"), 9, "no zlib stream");
    for (size_t size = 0; size < sizeof(HELLO); size++)
        expect(ots_slice(HELLO, size), 17, "early");
    memcpy(copy, HELLO, sizeof(HELLO));
    expect(ots_slice(copy, sizeof(copy)), 17, "behind its end");
    copy[sizeof(HELLO) - 1] ^= 1;
    expect(ots_slice(copy, sizeof(HELLO)), 17, "no zlib stream");
    /* The same without header and tail is raw deflate, another format. */
    expect(ots_slice(HELLO + 2, sizeof(HELLO) - 6), 17, "no zlib stream");
}

static void back_and_forth(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, LARGE};
    uint8_t *bytes = malloc(LARGE);
    assert_non_null(bytes);
    uint32_t random = 1;
    for (size_t i = 0; i < LARGE; i++) {
        random = random * 1103515245 + 12345;
        bytes[i] = (uint8_t)(random >> (i % 64 < 32 ? 30 : 16));
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct ots_buf packed = OTS_BUF_INIT;
        struct ots_buf out = OTS_BUF_INIT;
        assert_int_equal(ots_deflate(ots_slice(bytes, sizes[i]), &packed), OTS_OK);
        assert_int_equal(ots_inflate(ots_buf_slice(&packed), sizes[i], &out, NULL), OTS_OK);
        assert_true(ots_slice_equal(ots_buf_slice(&out), ots_slice(bytes, sizes[i])));
        ots_buf_deinit(&packed);
        ots_buf_deinit(&out);
    }
    free(bytes);
}

/* A stream that would become large is stopped just behind the size that was announced. */
static void a_bomb(void **state)
{
    (void)state;
    struct ots_buf zeros = OTS_BUF_INIT;
    struct ots_buf packed = OTS_BUF_INIT;
    struct ots_buf out = OTS_BUF_INIT;
    uint8_t *room = ots_buf_reserve(&zeros, LARGE);
    assert_non_null(room);
    memset(room, 0, LARGE);
    ots_buf_advance(&zeros, LARGE);
    assert_int_equal(ots_deflate(ots_buf_slice(&zeros), &packed), OTS_OK);
    assert_true(packed.size < LARGE / 100);
    assert_int_equal(ots_inflate(ots_buf_slice(&packed), 1000, &out, NULL), OTS_CORRUPT);
    assert_true(out.capacity < 200 * 1024);
    ots_buf_deinit(&out);
    /* And a stream that claims to become large costs what it really becomes. */
    assert_int_equal(ots_inflate(ots_slice(HELLO, sizeof(HELLO)), SIZE_MAX / 2, &out, NULL),
                     OTS_CORRUPT);
    assert_true(out.capacity < 200 * 1024);
    ots_buf_deinit(&out);
    ots_buf_deinit(&zeros);
    ots_buf_deinit(&packed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_bytes),
        cmocka_unit_test(wrong_streams),
        cmocka_unit_test(back_and_forth),
        cmocka_unit_test(a_bomb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
