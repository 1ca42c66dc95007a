/* Slices, searches, buffers and arenas. */
#include "backend/base/arena.h"
#include "backend/base/buf.h"
#include "backend/base/search.h"
#include "backend/base/take.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_content(const struct ots_buf *buf, const char *expected)
{
    assert_int_equal(ots_buf_status(buf), OTS_OK);
    assert_true(ots_slice_equal(ots_buf_slice(buf), ots_slice_str(expected)));
}

static void test_slices_compare(void **state)
{
    (void)state;
    const struct ots_slice ascending[] = {OTS_SLICE_NONE, OTS_SLICE("\0"),   OTS_SLICE("A"),
                                          OTS_SLICE("a"), OTS_SLICE("aa"),   OTS_SLICE("ab"),
                                          OTS_SLICE("b"), OTS_SLICE("\x7F"), OTS_SLICE("\x80")};
    const size_t count = sizeof(ascending) / sizeof(ascending[0]);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            int order = ots_slice_compare(ascending[i], ascending[j]);
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
            assert_int_equal(ots_slice_equal(ascending[i], ascending[j]), i == j);
        }
    }
    assert_true(ots_slice_equal(OTS_SLICE_NONE, OTS_SLICE("")));
}

static void test_slices_start(void **state)
{
    (void)state;
    assert_true(ots_slice_starts(OTS_SLICE("abc"), OTS_SLICE("")));
    assert_true(ots_slice_starts(OTS_SLICE("abc"), OTS_SLICE_NONE));
    assert_true(ots_slice_starts(OTS_SLICE("abc"), OTS_SLICE("abc")));
    assert_false(ots_slice_starts(OTS_SLICE("abc"), OTS_SLICE("abcd")));
    assert_false(ots_slice_starts(OTS_SLICE("abc"), OTS_SLICE("b")));
    assert_true(ots_slice_starts(OTS_SLICE_NONE, OTS_SLICE_NONE));
}

static bool is_before(const void *item, const void *wanted)
{
    return *(const int *)item < *(const int *)wanted;
}

static void test_search(void **state)
{
    (void)state;
    const int items[] = {1, 3, 3, 3, 8, 9, 12};
    for (size_t count = 0; count <= sizeof(items) / sizeof(items[0]); count++)
        for (int wanted = 0; wanted <= 13; wanted++) {
            size_t before = 0;
            while (before < count && items[before] < wanted)
                before++;
            assert_int_equal(ots_search(items, count, sizeof(items[0]), is_before, &wanted),
                             before);
        }
    assert_int_equal(ots_search(NULL, 0, 1, is_before, NULL), 0);
}

static void test_buf_appends(void **state)
{
    (void)state;
    struct ots_buf buf = OTS_BUF_INIT;
    ots_buf_append(&buf, "ab", 2);
    ots_buf_append(&buf, NULL, 0);
    ots_buf_append_byte(&buf, 'c');
    ots_buf_append_str(&buf, "de");
    ots_buf_append_slice(&buf, OTS_SLICE("f"));
    ots_buf_append_slice(&buf, OTS_SLICE_NONE);
    ots_buf_append_fmt(&buf, "%d-%s", 7, "x");
    assert_content(&buf, "abcdef7-x");
    ots_buf_reset(&buf);
    ots_buf_append_u32le(&buf, 0x64636261);
    ots_buf_append_u64le(&buf, 0x6C6B6A6968676665);
    assert_content(&buf, "abcdefghijkl");
    ots_buf_deinit(&buf);
    assert_null(buf.data);
    ots_buf_deinit(&buf);
}

static void test_buf_grows(void **state)
{
    (void)state;
    struct ots_buf buf = OTS_BUF_INIT;
    for (size_t i = 0; i < 100000; i++)
        ots_buf_append_fmt(&buf, "%zu,", i % 10);
    assert_int_equal(buf.size, 200000);
    for (size_t i = 0; i < 100000; i++)
        assert_int_equal(buf.data[2 * i], '0' + i % 10);
    ots_buf_deinit(&buf);
}

static void test_buf_reserves(void **state)
{
    (void)state;
    struct ots_buf buf = OTS_BUF_INIT;
    ots_buf_append_str(&buf, "a");
    uint8_t *to = ots_buf_reserve(&buf, 1000);
    assert_non_null(to);
    assert_ptr_equal(to, buf.data + 1);
    memset(to, 'b', 1000);
    assert_int_equal(buf.size, 1);
    ots_buf_advance(&buf, 2);
    assert_content(&buf, "abb");
    ots_buf_deinit(&buf);
    assert_non_null(ots_buf_reserve(&buf, 0));
    ots_buf_deinit(&buf);
}

/* The first failure is remembered, and nothing is appended after it. */
static void test_buf_remembers_failure(void **state)
{
    (void)state;
    struct ots_buf buf = OTS_BUF_INIT;
    ots_buf_append_str(&buf, "a");
    assert_null(ots_buf_reserve(&buf, SIZE_MAX));
    assert_int_equal(ots_buf_status(&buf), OTS_NOMEM);
    assert_null(ots_buf_reserve(&buf, 1));
    ots_buf_append_str(&buf, "b");
    ots_buf_append_fmt(&buf, "c");
    assert_int_equal(buf.size, 1);
    ots_buf_reset(&buf);
    ots_buf_append_str(&buf, "d");
    assert_content(&buf, "d");
    ots_buf_deinit(&buf);
}

static void test_buf_is_set(void **state)
{
    (void)state;
    struct ots_buf buf = OTS_BUF_INIT;
    assert_int_equal(ots_buf_set(&buf, OTS_SLICE("first")), OTS_OK);
    assert_int_equal(ots_buf_set(&buf, OTS_SLICE("2nd")), OTS_OK);
    assert_true(ots_slice_equal(ots_buf_slice(&buf), OTS_SLICE("2nd")));
    assert_int_equal(ots_buf_set(&buf, OTS_SLICE_NONE), OTS_OK);
    assert_int_equal(buf.size, 0);
    /* A failure of before does not count. */
    ots_buf_reserve(&buf, SIZE_MAX);
    assert_int_equal(ots_buf_status(&buf), OTS_NOMEM);
    assert_int_equal(ots_buf_set(&buf, OTS_SLICE("again")), OTS_OK);
    assert_true(ots_slice_equal(ots_buf_slice(&buf), OTS_SLICE("again")));
    ots_buf_deinit(&buf);
}

static void test_buf_forgets_secrets(void **state)
{
    (void)state;
    struct ots_buf buf = OTS_BUF_INIT;
    ots_buf_deinit_secret(&buf);
    ots_buf_append_str(&buf, "hush");
    ots_buf_deinit_secret(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.size, 0);
}

static void test_what_was_appended_is_taken(void **state)
{
    (void)state;
    struct ots_buf buf = OTS_BUF_INIT;
    ots_buf_append_sized(&buf, OTS_SLICE("text"));
    ots_buf_append_u32le(&buf, UINT32_C(0x81020304));
    ots_buf_append_u64le(&buf, (uint64_t)INT64_MIN);
    ots_buf_append_u64le(&buf, 7);
    ots_buf_append_sized(&buf, OTS_SLICE(""));
    for (size_t size = 0; size <= buf.size; size++) {
        struct ots_slice rest = ots_slice(buf.data, size);
        struct ots_slice text = OTS_SLICE_NONE;
        struct ots_slice none = OTS_SLICE("?");
        uint32_t word = 0;
        int64_t time = 0;
        uint64_t number = 0;
        bool is_whole = ots_take_sized(&rest, &text) && ots_take_u32le(&rest, &word) &&
                        ots_take_i64le(&rest, &time) && ots_take_u64le(&rest, &number) &&
                        ots_take_sized(&rest, &none);
        assert_int_equal(is_whole, size == buf.size);
        if (!is_whole)
            continue;
        assert_true(ots_slice_equal(text, OTS_SLICE("text")));
        assert_true(word == UINT32_C(0x81020304) && time == INT64_MIN && number == 7);
        assert_true(!none.size && !rest.size);
    }
    /* A size beyond the end. */
    ots_buf_reset(&buf);
    ots_buf_append_u32le(&buf, UINT32_MAX);
    struct ots_slice rest = ots_buf_slice(&buf);
    struct ots_slice text;
    assert_false(ots_take_sized(&rest, &text));
    ots_buf_deinit(&buf);
}

static void test_buf_consumes(void **state)
{
    (void)state;
    struct ots_buf buf = OTS_BUF_INIT;
    ots_buf_consume(&buf, 3);
    ots_buf_append_str(&buf, "abcdef");
    ots_buf_consume(&buf, 0);
    ots_buf_consume(&buf, 2);
    assert_content(&buf, "cdef");
    ots_buf_append_str(&buf, "g");
    assert_content(&buf, "cdefg");
    ots_buf_consume(&buf, 99);
    assert_content(&buf, "");
    ots_buf_deinit(&buf);
}

static void test_arena_gives_apart_and_aligned(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    uint8_t *pieces[300];
    for (size_t i = 0; i < 300; i++) {
        pieces[i] = ots_arena_alloc(&arena, i * 7);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
        memset(pieces[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 300; i++)
        for (size_t j = 0; j < i * 7; j++)
            assert_int_equal(pieces[i][j], i & 255);
    assert_true(arena.used_bytes >= 300 * 299 / 2 * 7);
    ots_arena_deinit(&arena);
    assert_int_equal(arena.used_bytes, 0);
    ots_arena_deinit(&arena);
}

static void test_arena_larger_than_a_block(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    uint8_t *large = ots_arena_alloc(&arena, 5 * 1024 * 1024);
    assert_non_null(large);
    memset(large, 1, 5 * 1024 * 1024);
    assert_non_null(ots_arena_alloc(&arena, 1));
    ots_arena_deinit(&arena);
}

static void test_arena_refuses_what_overflows(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    assert_null(ots_arena_alloc(&arena, SIZE_MAX));
    assert_null(ots_arena_array(&arena, SIZE_MAX / 4, 8));
    assert_non_null(ots_arena_alloc(&arena, 8));
    ots_arena_deinit(&arena);
}

static void test_arena_arrays_are_clear(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    uint8_t *dirty = ots_arena_alloc(&arena, 4096);
    assert_non_null(dirty);
    memset(dirty, 0xFF, 4096);
    ots_arena_reset(&arena);
    const uint64_t *array = ots_arena_array(&arena, 512, sizeof(*array));
    assert_non_null(array);
    for (size_t i = 0; i < 512; i++)
        assert_int_equal(array[i], 0);
    assert_non_null(ots_arena_array(&arena, 0, 8));
    ots_arena_deinit(&arena);
}

static void test_arena_is_used_again(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    ots_arena_reset(&arena);
    for (int round = 0; round < 5; round++) {
        for (size_t i = 0; i < 100; i++)
            assert_non_null(ots_arena_alloc(&arena, 1000));
        ots_arena_reset(&arena);
        assert_int_equal(arena.used_bytes, 0);
    }
    ots_arena_deinit(&arena);
}

static void test_arena_adopts_memory_where_it_lies(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 2; i++) {
            struct ots_buf buf = OTS_BUF_INIT;
            ots_buf_append_str(&buf, "text");
            const uint8_t *data = buf.data;
            assert_int_equal(ots_arena_adopt(&arena, &buf), OTS_OK);
            assert_null(buf.data);
            assert_int_equal(buf.size, 0);
            assert_memory_equal(data, "text", 4);
        }
        assert_true(arena.used_bytes >= 512);
        if (round < 2)
            ots_arena_reset(&arena);
    }
    /* Nothing to own is nothing to free. */
    assert_int_equal(ots_arena_adopt(&arena, &OTS_BUF_INIT), OTS_OK);
    ots_arena_deinit(&arena);
    assert_null(arena.adopted);
}

static void test_arena_copies(void **state)
{
    (void)state;
    struct ots_arena arena = OTS_ARENA_INIT;
    char text[] = "text";
    struct ots_slice copy;
    assert_int_equal(ots_arena_copy(&arena, ots_slice_str(text), &copy), OTS_OK);
    const char *string = ots_arena_strdup(&arena, ots_slice_str(text));
    text[0] = 'x';
    assert_true(ots_slice_equal(copy, OTS_SLICE("text")));
    assert_string_equal(string, "text");
    assert_int_equal(ots_arena_copy(&arena, OTS_SLICE_NONE, &copy), OTS_OK);
    assert_int_equal(copy.size, 0);
    assert_non_null(copy.data);
    assert_string_equal(ots_arena_strdup(&arena, OTS_SLICE_NONE), "");
    ots_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices_compare),
        cmocka_unit_test(test_slices_start),
        cmocka_unit_test(test_search),
        cmocka_unit_test(test_buf_appends),
        cmocka_unit_test(test_buf_grows),
        cmocka_unit_test(test_buf_reserves),
        cmocka_unit_test(test_buf_remembers_failure),
        cmocka_unit_test(test_buf_is_set),
        cmocka_unit_test(test_buf_forgets_secrets),
        cmocka_unit_test(test_what_was_appended_is_taken),
        cmocka_unit_test(test_buf_consumes),
        cmocka_unit_test(test_arena_gives_apart_and_aligned),
        cmocka_unit_test(test_arena_larger_than_a_block),
        cmocka_unit_test(test_arena_refuses_what_overflows),
        cmocka_unit_test(test_arena_arrays_are_clear),
        cmocka_unit_test(test_arena_is_used_again),
        cmocka_unit_test(test_arena_adopts_memory_where_it_lies),
        cmocka_unit_test(test_arena_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
