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

static enum ots_status append(struct ots_spool *spool, struct ots_slice text, struct ots_error *err)
{
    return ots_spool_write(spool, spool->size_bytes, text, err);
}

static void small_text_stays_in_memory(void **state)
{
    (void)state;
    struct ots_spool spool;
    ots_spool_init(&spool);
    assert_int_equal(append(&spool, OTS_SLICE("hello "), NULL), OTS_OK);
    assert_int_equal(append(&spool, OTS_SLICE("world"), NULL), OTS_OK);
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
        assert_int_equal(append(&spool, ots_slice(piece, PIECE), NULL), OTS_OK);
    }
    assert_true(spool.fd >= 0);
    assert_int_equal(spool.memory.capacity, 0);
    assert_int_equal(spool.size_bytes, (uint64_t)PIECE * PIECES);
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

static void expect_zeros(const struct ots_spool *spool, uint64_t from, uint64_t to)
{
    struct ots_buf out = OTS_BUF_INIT;
    assert_int_equal(ots_spool_read(spool, from, (size_t)(to - from), &out, NULL), OTS_OK);
    assert_int_equal(out.size, to - from);
    for (size_t i = 0; i < out.size; i++)
        assert_int_equal(out.data[i], 0);
    ots_buf_deinit(&out);
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
    assert_int_equal(append(&spool, ots_slice(text, size), &err), OTS_OK);
    assert_int_equal(append(&spool, OTS_SLICE("x"), &err), OTS_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nonexistent"));
    expect_zeros(&spool, 0, size);
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    free(kept);
    free(text);
    ots_spool_deinit(&spool);
}

static void bytes_can_be_written_anywhere(void **state)
{
    (void)state;
    /* In memory, then in a file. */
    const uint64_t gaps[] = {1000, (uint64_t)2 * OTS_SPOOL_MEMORY_BYTES_MAX};
    for (size_t i = 0; i < 2; i++) {
        struct ots_spool spool;
        uint64_t gap = gaps[i];
        ots_spool_init(&spool);
        assert_int_equal(ots_spool_write(&spool, 0, OTS_SLICE("begin"), NULL), OTS_OK);
        assert_int_equal(ots_spool_write(&spool, gap, OTS_SLICE("end"), NULL), OTS_OK);
        assert_int_equal(spool.size_bytes, gap + 3);
        assert_int_equal(spool.fd >= 0, i == 1);
        expect_zeros(&spool, 5, gap);
        assert_int_equal(ots_spool_write(&spool, 2, OTS_SLICE("GI"), NULL), OTS_OK);
        assert_int_equal(spool.size_bytes, gap + 3);
        expect(&spool, 0, 5, OTS_SLICE("beGIn"));
        expect(&spool, gap, 10, OTS_SLICE("end"));
        ots_spool_deinit(&spool);
    }
}

static void it_can_be_cut_and_grow(void **state)
{
    (void)state;
    const uint64_t sizes[] = {100, (uint64_t)3 * OTS_SPOOL_MEMORY_BYTES_MAX};
    for (size_t i = 0; i < 2; i++) {
        struct ots_spool spool;
        ots_spool_init(&spool);
        assert_int_equal(ots_spool_write(&spool, 0, OTS_SLICE("hello world"), NULL), OTS_OK);
        assert_int_equal(ots_spool_truncate(&spool, sizes[i], NULL), OTS_OK);
        expect_zeros(&spool, 11, sizes[i]);
        assert_int_equal(ots_spool_truncate(&spool, 5, NULL), OTS_OK);
        expect(&spool, 0, 100, OTS_SLICE("hello"));
        /* What was cut off does not come back. */
        assert_int_equal(ots_spool_truncate(&spool, 11, NULL), OTS_OK);
        expect_zeros(&spool, 5, 11);
        ots_spool_deinit(&spool);
    }
}

static void no_file_is_longer_than_files_can_be(void **state)
{
    (void)state;
    struct ots_spool spool;
    ots_spool_init(&spool);
    assert_int_equal(ots_spool_write(&spool, UINT64_MAX, OTS_SLICE("x"), NULL), OTS_LIMIT);
    assert_int_equal(ots_spool_write(&spool, INT64_MAX, OTS_SLICE("x"), NULL), OTS_LIMIT);
    assert_int_equal(ots_spool_truncate(&spool, UINT64_MAX, NULL), OTS_LIMIT);
    assert_int_equal(spool.size_bytes, 0);
    ots_spool_deinit(&spool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_can_be_written_anywhere),
        cmocka_unit_test(it_can_be_cut_and_grow),
        cmocka_unit_test(no_file_is_longer_than_files_can_be),
        cmocka_unit_test(small_text_stays_in_memory),
        cmocka_unit_test(large_text_goes_to_a_file),
        cmocka_unit_test(a_directory_that_cannot_hold_it_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
