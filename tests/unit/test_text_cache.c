/*
 * Texts that are kept until somebody takes them: in memory, in a file, and not at all.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/text_cache.h"

enum { TEXT_BYTES = 1000, MUCH = 1 << 20 };

/* A row's line of TEXT_BYTES that tells its text and time. */
static void make_piece(uint64_t id, int64_t time_us, struct ots_whole_text *piece)
{
    *piece = (struct ots_whole_text){.extent = {.size_bytes = TEXT_BYTES,
                                                .row_count = 1,
                                                .hash = id * 1000 + (uint64_t)time_us}};
    piece->extent.first_time_us = piece->extent.last_time_us = time_us;
    ots_buf_append_fmt(&piece->bytes, "%06u %06u", (unsigned)id, (unsigned)time_us);
    while (piece->bytes.size < TEXT_BYTES)
        ots_buf_append_byte(&piece->bytes, (uint8_t)('a' + id % 26));
}

static void add(struct ots_text_cache *cache, uint64_t id, int64_t time_us)
{
    struct ots_whole_text piece;
    make_piece(id, time_us, &piece);
    assert_int_equal(ots_text_cache_add(cache, id, &piece), OTS_OK);
    assert_null(piece.bytes.data);
}

/* Take it: all of its rows, from 1 on. */
static bool take(struct ots_text_cache *cache, uint64_t id, uint64_t rows)
{
    struct ots_whole_text text = {0};
    if (!ots_text_cache_take(cache, id, &text))
        return false;
    assert_int_equal(text.extent.row_count, rows);
    assert_int_equal(text.extent.size_bytes, rows * TEXT_BYTES);
    assert_int_equal(text.bytes.size, rows * TEXT_BYTES);
    for (uint64_t row = 0; row < rows; row++) {
        struct ots_whole_text piece;
        make_piece(id, (int64_t)row + 1, &piece);
        assert_memory_equal(text.bytes.data + row * TEXT_BYTES, piece.bytes.data, TEXT_BYTES);
        ots_whole_text_deinit(&piece);
    }
    ots_whole_text_deinit(&text);
    assert_int_equal(ots_text_cache_rows(cache, id), 0);
    return true;
}

static void a_text_is_taken_once(void **state)
{
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, MUCH, 0, NULL);
    assert_false(take(&cache, 7, 1));
    add(&cache, 7, 1);
    add(&cache, 7, 2);
    assert_int_equal(ots_text_cache_rows(&cache, 7), 2);
    assert_int_equal(ots_text_cache_rows(&cache, 8), 0);
    assert_true(take(&cache, 7, 2));
    assert_false(take(&cache, 7, 2));
    assert_int_equal(ots_text_cache_bytes(&cache), 0);
    ots_text_cache_deinit(&cache);
}

static void many_are_found(void **state)
{
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, 100 * MUCH, 0, NULL);
    for (uint64_t id = 0; id < 5000; id++)
        add(&cache, id * 4096, 1);
    for (uint64_t id = 5000; id--;)
        assert_true(take(&cache, id * 4096, 1));
    ots_text_cache_deinit(&cache);
}

/* What has no room in memory is in the file; also a text that goes on there. */
static void old_texts_go_to_the_file(void **state)
{
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, 20 * TEXT_BYTES, MUCH, NULL);
    for (uint64_t id = 1; id <= 100; id++)
        add(&cache, id, 1);
    assert_true(cache.memory.bytes <= 20 * TEXT_BYTES);
    assert_int_equal(cache.count, 100);
    assert_false(ots_text_cache_is_in_memory(&cache, 3));
    assert_true(ots_text_cache_is_in_memory(&cache, 100));
    assert_false(ots_text_cache_is_in_memory(&cache, 101));
    add(&cache, 3, 2);
    assert_true(ots_text_cache_is_in_memory(&cache, 3));
    assert_true(take(&cache, 3, 2));
    assert_false(take(&cache, 3, 2));
    for (uint64_t id = 100; id; id--)
        assert_int_equal(take(&cache, id, 1), id != 3);
    assert_int_equal(ots_text_cache_bytes(&cache), 0);
    ots_text_cache_deinit(&cache);
}

/* With little room the newest stay, whole; the file does not grow beyond it. */
static void the_oldest_go_when_there_is_no_room(void **state)
{
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, 5 * TEXT_BYTES, 20 * TEXT_BYTES + 500, NULL);
    for (uint64_t id = 1; id <= 1000; id++) {
        add(&cache, id, 1);
        if (id % 7 == 0)
            take(&cache, id - 10, 1);
        assert_true(cache.file.size_bytes <= 20 * TEXT_BYTES + 500);
    }
    size_t kept = 0;
    for (uint64_t id = 1; id <= 1000; id++) {
        bool is_there = take(&cache, id, 1);
        assert_true(!is_there || id > 970);
        kept += is_there;
    }
    assert_true(kept >= 15);
    ots_text_cache_deinit(&cache);
}

/* A million texts of a few bytes would fill the memory with where they are. */
static void small_texts_in_the_file_are_bounded_too(void **state)
{
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, MUCH / 4, 100 * MUCH, NULL);
    for (uint64_t id = 1; id <= 20000; id++) {
        struct ots_whole_text piece = {.extent = {.size_bytes = 4, .row_count = 1}};
        piece.extent.first_time_us = piece.extent.last_time_us = 1;
        ots_buf_append_fmt(&piece.bytes, "%04u", (unsigned)(id % 10000));
        assert_int_equal(ots_text_cache_add(&cache, id, &piece), OTS_OK);
        assert_true(cache.memory.bytes <= MUCH / 4);
        assert_true(cache.filed.count <= MUCH / 4 / 100);
        assert_int_equal(cache.count, cache.memory.count + cache.filed.count);
    }
    struct ots_whole_text text = {0};
    assert_false(ots_text_cache_take(&cache, 1, &text));
    assert_true(ots_text_cache_take(&cache, 20000 - cache.count + 1, &text));
    assert_int_equal(text.bytes.size, 4);
    ots_whole_text_deinit(&text);
    ots_text_cache_deinit(&cache);
}

static void without_a_file_the_oldest_go_too(void **state)
{
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, 5 * TEXT_BYTES, 0, NULL);
    for (uint64_t id = 1; id <= 100; id++)
        add(&cache, id, 1);
    assert_false(take(&cache, 1, 1));
    assert_true(take(&cache, 100, 1));
    assert_true(ots_text_cache_bytes(&cache) <= 5 * TEXT_BYTES);
    ots_text_cache_deinit(&cache);
}

static void a_folder_that_is_not_there_costs_only_texts(void **state)
{
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, 5 * TEXT_BYTES, MUCH, "/nowhere/at/all");
    for (uint64_t id = 1; id <= 100; id++)
        add(&cache, id, 1);
    assert_false(take(&cache, 1, 1));
    assert_true(take(&cache, 100, 1));
    ots_text_cache_deinit(&cache);
}

/* Rows that do not follow each other, and more than a page of them. */
static void what_is_of_no_use_is_not_kept(void **state)
{
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, 100 * MUCH, 0, NULL);
    add(&cache, 1, 5);
    add(&cache, 1, 5);
    assert_int_equal(ots_text_cache_rows(&cache, 1), 0);
    for (int64_t time_us = 1; time_us <= 5001; time_us++)
        add(&cache, 2, time_us);
    assert_int_equal(ots_text_cache_rows(&cache, 2), 0);
    assert_int_equal(ots_text_cache_bytes(&cache), 0);
    ots_text_cache_deinit(&cache);
}

/* Whoever ends it early ends it once more: another's file must not be closed then. */
static void it_ends_twice(void **state)
{
    struct ots_text_cache cache;
    (void)state;
    int is_open = fcntl(0, F_GETFD);
    ots_text_cache_init(&cache, 100 * MUCH, 0, NULL);
    ots_text_cache_deinit(&cache);
    ots_text_cache_deinit(&cache);
    assert_int_equal(fcntl(0, F_GETFD), is_open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_taken_once),
        cmocka_unit_test(many_are_found),
        cmocka_unit_test(old_texts_go_to_the_file),
        cmocka_unit_test(the_oldest_go_when_there_is_no_room),
        cmocka_unit_test(small_texts_in_the_file_are_bounded_too),
        cmocka_unit_test(without_a_file_the_oldest_go_too),
        cmocka_unit_test(a_folder_that_is_not_there_costs_only_texts),
        cmocka_unit_test(what_is_of_no_use_is_not_kept),
        cmocka_unit_test(it_ends_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
