#include "fs/view/spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect(const struct ots_spool *spool, uint64_t offset, size_t size,
                   struct ots_slice wanted)
{
    struct ots_buf out = OTS_BUF_INIT;
    assert_int_equal(ots_spool_read(spool, offset, size, &out, NULL), OTS_OK);
    assert_int_equal(out.size, wanted.size);
    assert_memory_equal(out.data, wanted.data, wanted.size);
    ots_buf_deinit(&out);
}

static void small_text_stays_in_memory(void **state)
{
    (void)state;
    struct ots_spool spool;
    ots_spool_init(&spool);
    assert_int_equal(ots_spool_append(&spool, OTS_SLICE("hello "), NULL), OTS_OK);
    assert_int_equal(ots_spool_append(&spool, OTS_SLICE("world"), NULL), OTS_OK);
    assert_int_equal(spool.fd, -1);
    assert_int_equal(spool.size_bytes, 11);
    expect(&spool, 0, 100, OTS_SLICE("hello world"));
    expect(&spool, 4, 3, OTS_SLICE("o w"));
    expect(&spool, 10, 1, OTS_SLICE("d"));
    expect(&spool, 11, 1, OTS_SLICE(""));
    expect(&spool, 1000, 1, OTS_SLICE(""));
    ots_spool_deinit(&spool);
}

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 2654435761U >> 13);
}

static void large_text_goes_to_a_file(void **state)
{
    (void)state;
    enum { PIECE = 700001, PIECES = 20 };
    struct ots_spool spool;
    ots_spool_init(&spool);
    uint8_t *piece = malloc(PIECE);
    for (uint64_t at = 0; at < (uint64_t)PIECE * PIECES; at += PIECE) {
        for (size_t i = 0; i < PIECE; i++)
            piece[i] = byte_at(at + i);
        assert_int_equal(ots_spool_append(&spool, ots_slice(piece, PIECE), NULL), OTS_OK);
    }
    assert_true(spool.fd >= 0);
    assert_true(spool.memory.size <= OTS_SPOOL_MEMORY_BYTES_MAX);
    assert_int_equal(spool.size_bytes, (uint64_t)PIECE * PIECES);
    /* Pieces that lie in the file, in memory, and across the border. */
    for (uint64_t at = 0; at < spool.size_bytes; at += 333333) {
        struct ots_buf out = OTS_BUF_INIT;
        assert_int_equal(ots_spool_read(&spool, at, 400000, &out, NULL), OTS_OK);
        uint64_t left = spool.size_bytes - at;
        assert_int_equal(out.size, left < 400000 ? left : 400000);
        for (size_t i = 0; i < out.size; i++)
            if (out.data[i] != byte_at(at + i))
                fail_msg("byte %zu after %lu differs", i, at);
        ots_buf_deinit(&out);
    }
    free(piece);
    ots_spool_deinit(&spool);
}

static void a_directory_that_cannot_hold_it_is_an_error(void **state)
{
    (void)state;
    struct ots_spool spool;
    struct ots_error err;
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    ots_spool_init(&spool);
    setenv("TMPDIR", "/nonexistent", 1);
    size_t size = OTS_SPOOL_MEMORY_BYTES_MAX;
    uint8_t *text = calloc(1, size);
    assert_int_equal(ots_spool_append(&spool, ots_slice(text, size), &err), OTS_OK);
    assert_int_equal(ots_spool_append(&spool, OTS_SLICE("x"), &err), OTS_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nonexistent"));
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
    free(text);
    ots_spool_deinit(&spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_text_stays_in_memory),
        cmocka_unit_test(large_text_goes_to_a_file),
        cmocka_unit_test(a_directory_that_cannot_hold_it_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
