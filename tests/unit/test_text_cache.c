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

/* Lines of TEXT_BYTES that tell their text and time. */
static void add_line(struct ots_text_page *page, uint64_t id, int64_t time_us)
{
    const struct ots_row_sum sum = {time_us, TEXT_BYTES, id * 1000 + (uint64_t)time_us};
    struct ots_buf *bytes = &page->text.bytes;
    size_t before = bytes->size;
    ots_buf_append_fmt(bytes, "%06u %06u", (unsigned)id, (unsigned)time_us);
    while (bytes->size < before + TEXT_BYTES)
        ots_buf_append_byte(bytes, (uint8_t)('a' + id % 26));
    ots_extent_add(&page->text.extent, &sum);
}

static void end_part(struct ots_text_page *page, uint64_t id)
{
    assert_int_equal(ots_text_page_end_part(page, id), OTS_OK);
}

static struct ots_text_page empty_page(void)
{
    struct ots_text_page page;
    ots_text_page_init(&page, OTS_PRECISION_NS);
    return page;
}

/* A page with one line of each of some texts. */
static enum ots_status add_many(struct ots_text_cache *cache, struct ots_text_feed *feed,
                                uint64_t id, size_t count, int64_t time_us)
{
    struct ots_text_page page = empty_page();
    for (size_t i = 0; i < count; i++) {
        add_line(&page, id + i, time_us);
        end_part(&page, id + i);
    }
    enum ots_status status = ots_text_cache_add(cache, feed, &page);
    ots_text_page_deinit(&page);
    return status;
}

static void add(struct ots_text_cache *cache, struct ots_text_feed *feed, uint64_t id,
                int64_t time_us)
{
    assert_int_equal(add_many(cache, feed, id, 1, time_us), OTS_OK);
}

static uint64_t rows(const struct ots_text_cache *cache, uint64_t id)
{
    const struct ots_extent *extent = ots_text_cache_find(cache, id);
    return extent ? extent->row_count : 0;
}

/* Take it: all of its rows, from time 1 on. */
static bool take(struct ots_text_cache *cache, uint64_t id, uint64_t row_count)
{
    struct ots_whole_text text = {0};
    struct ots_text_feed *feed;
    if (!ots_text_cache_take(cache, id, &text, &feed))
        return false;
    assert_int_equal(text.extent.row_count, row_count);
    assert_int_equal(text.extent.size_bytes, row_count * TEXT_BYTES);
    assert_int_equal(text.bytes.size, row_count * TEXT_BYTES);
    struct ots_text_page wanted = empty_page();
    for (uint64_t row = 0; row < row_count; row++)
        add_line(&wanted, id, (int64_t)row + 1);
    assert_memory_equal(text.bytes.data, wanted.text.bytes.data, text.bytes.size);
    assert_true(ots_whole_text_is(&text, &wanted.text.extent));
    ots_text_page_deinit(&wanted);
    ots_whole_text_deinit(&text);
    assert_null(ots_text_cache_find(cache, id));
    return true;
}

static void expect_empty(const struct ots_text_cache *cache, const struct ots_text_feed *feed)
{
    assert_int_equal(feed->bytes, 0);
    assert_int_equal(feed->count, 0);
    assert_int_equal(cache->count, 0);
    assert_int_equal(cache->memory.bytes + cache->filed.bytes, 0);
    assert_int_equal(cache->overhead_bytes, 0);
}

static void a_text_is_taken_once(void **state)
{
    struct ots_text_feed feed = {.memory_bytes_max = MUCH};
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, MUCH, 0, NULL);
    assert_false(take(&cache, 7, 1));
    add(&cache, &feed, 7, 1);
    add(&cache, &feed, 7, 2);
    assert_int_equal(rows(&cache, 7), 2);
    assert_int_equal(rows(&cache, 8), 0);
    assert_int_equal(feed.bytes, 2 * TEXT_BYTES);
    assert_true(take(&cache, 7, 2));
    assert_false(take(&cache, 7, 2));
    expect_empty(&cache, &feed);
    ots_text_cache_deinit(&cache);
}

/* Pages of many texts, each of which goes on in the next page. */
static void many_are_found(void **state)
{
    struct ots_text_feed feed = {.memory_bytes_max = 100 * MUCH};
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, 10 * MUCH, 0, NULL);
    for (int64_t time_us = 1; time_us <= 3; time_us++)
        for (uint64_t id = 0; id < 5000; id += 100)
            assert_int_equal(add_many(&cache, &feed, id, 100, time_us), OTS_OK);
    for (uint64_t id = 5000; id--;)
        assert_true(take(&cache, id, 3));
    expect_empty(&cache, &feed);
    ots_text_cache_deinit(&cache);
}

/* What has no room in memory is in the file; also of texts that have begun in memory. */
static void what_has_no_room_goes_to_the_file(void **state)
{
    struct ots_text_feed feed = {.memory_bytes_max = 20 * TEXT_BYTES};
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, MUCH, MUCH, NULL);
    for (uint64_t id = 1; id <= 100; id++)
        add(&cache, &feed, id, 1);
    assert_int_equal(cache.memory.bytes, 20 * TEXT_BYTES);
    assert_int_equal(cache.filed.bytes, 80 * TEXT_BYTES);
    assert_true(ots_text_cache_is_in_memory(&cache, 3));
    assert_false(ots_text_cache_is_in_memory(&cache, 100));
    assert_false(ots_text_cache_is_in_memory(&cache, 101));
    add(&cache, &feed, 3, 2);
    assert_false(ots_text_cache_is_in_memory(&cache, 3));
    assert_true(take(&cache, 3, 2));
    assert_false(take(&cache, 3, 2));
    for (uint64_t id = 100; id; id--)
        assert_int_equal(take(&cache, id, 1), id != 3);
    expect_empty(&cache, &feed);
    ots_text_cache_deinit(&cache);
}

/* With little room the newest stay, whole; the file does not grow beyond it. */
static void the_oldest_go_when_there_is_no_room(void **state)
{
    struct ots_text_feed feed = {.memory_bytes_max = 5 * TEXT_BYTES};
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, MUCH, 20 * TEXT_BYTES + 500, NULL);
    for (uint64_t id = 1; id <= 1000; id++) {
        add(&cache, &feed, id, 1);
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

/* A text goes with the part of it that is pushed out. */
static void a_text_without_a_part_is_none(void **state)
{
    struct ots_text_feed feed = {.memory_bytes_max = 0};
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, MUCH, 4 * TEXT_BYTES, NULL);
    add(&cache, &feed, 1, 1);
    assert_int_equal(add_many(&cache, &feed, 1, 3, 2), OTS_OK);
    assert_int_equal(rows(&cache, 1), 2);
    add(&cache, &feed, 9, 1);
    assert_int_equal(rows(&cache, 1), 0);
    assert_int_equal(rows(&cache, 2), 1);
    assert_true(take(&cache, 9, 1));
    assert_int_equal(feed.count, 2);
    ots_text_cache_drop(&cache, &feed);
    expect_empty(&cache, &feed);
    ots_text_cache_deinit(&cache);
}

/* A million texts of a few bytes would fill the memory with where they are. */
static void small_texts_in_the_file_are_bounded_too(void **state)
{
    struct ots_text_feed feed = {.memory_bytes_max = MUCH / 4};
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, MUCH / 4, 100 * MUCH, NULL);
    for (uint64_t id = 1; id <= 20000; id += 10) {
        struct ots_text_page page = empty_page();
        for (uint64_t i = id; i < id + 10; i++) {
            const struct ots_row_sum sum = {1, 4, i};
            ots_buf_append_fmt(&page.text.bytes, "%04u", (unsigned)(i % 10000));
            ots_extent_add(&page.text.extent, &sum);
            end_part(&page, i);
        }
        assert_int_equal(ots_text_cache_add(&cache, &feed, &page), OTS_OK);
        ots_text_page_deinit(&page);
        assert_true(cache.memory.bytes <= MUCH / 4);
        assert_true(cache.overhead_bytes <= MUCH / 4);
    }
    assert_true(cache.count > 1000);
    assert_int_equal(cache.count, feed.count);
    struct ots_whole_text text = {0};
    struct ots_text_feed *taken;
    assert_false(ots_text_cache_take(&cache, 1, &text, &taken));
    assert_true(ots_text_cache_take(&cache, 20000, &text, &taken));
    assert_ptr_equal(taken, &feed);
    assert_memory_equal(text.bytes.data, "0000", 4);
    ots_whole_text_deinit(&text);
    ots_text_cache_deinit(&cache);
}

static void without_a_file_the_oldest_go_too(void **state)
{
    static const char *const nowhere = "/nowhere/at/all";
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct ots_text_feed feed = {.memory_bytes_max = 5 * TEXT_BYTES};
        struct ots_text_cache cache;
        ots_text_cache_init(&cache, MUCH, i ? MUCH : 0, i ? nowhere : NULL);
        for (uint64_t id = 1; id <= 100; id++)
            add(&cache, &feed, id, 1);
        assert_false(take(&cache, 95, 1));
        for (uint64_t id = 96; id <= 100; id++)
            assert_true(take(&cache, id, 1));
        /* A page that has no room at all. */
        assert_int_equal(add_many(&cache, &feed, 200, 6, 1), OTS_OK);
        expect_empty(&cache, &feed);
        ots_text_cache_deinit(&cache);
    }
}

/* Nobody's texts go for a modest feed, and what it cannot add changes nothing. */
static void a_modest_feed_has_room_or_not(void **state)
{
    struct ots_text_feed feed = {.memory_bytes_max = 5 * TEXT_BYTES};
    struct ots_text_feed modest = {.memory_bytes_max = 3 * TEXT_BYTES, .is_modest = true};
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, MUCH, 6 * TEXT_BYTES, NULL);
    add(&cache, &feed, 1, 1);
    add(&cache, &feed, 2, 1);
    add(&cache, &modest, 3, 1);
    assert_int_equal(add_many(&cache, &modest, 10, 4, 1), OTS_OK);
    assert_int_equal(add_many(&cache, &modest, 20, 3, 1), OTS_LIMIT);
    assert_int_equal(modest.count, 5);
    assert_int_equal(rows(&cache, 20), 0);
    assert_int_equal(add_many(&cache, &modest, 20, 2, 1), OTS_OK);
    /* All is full; for who is not modest the oldest go, wherever they are. */
    for (uint64_t id = 30; id < 37; id++) {
        add(&cache, &feed, id, 1);
        assert_int_equal(rows(&cache, 1), id < 32);
        assert_int_equal(rows(&cache, 3), id < 34);
        assert_int_equal(rows(&cache, 10), id < 35);
        assert_int_equal(rows(&cache, 20), 1);
    }
    ots_text_cache_drop(&cache, &modest);
    assert_int_equal(modest.bytes, 0);
    assert_int_equal(feed.count, 7);
    for (uint64_t id = 30; id < 37; id++)
        assert_true(take(&cache, id, 1));
    expect_empty(&cache, &feed);
    ots_text_cache_deinit(&cache);
}

static void a_modest_feed_keeps_to_what_tells_where_texts_are(void **state)
{
    struct ots_text_feed modest = {.memory_bytes_max = MUCH, .is_modest = true};
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, 3 * 4096, MUCH, NULL);
    enum ots_status status = OTS_OK;
    uint64_t id = 0;
    while (status == OTS_OK && ++id < 100)
        status = add_many(&cache, &modest, id, 1, 1);
    assert_int_equal(status, OTS_LIMIT);
    assert_true(id > 10 && cache.overhead_bytes <= 4096);
    ots_text_cache_deinit(&cache);
}

/* What is read again takes the place of what was there, whole or not. */
static void a_newer_feed_takes_over(void **state)
{
    struct ots_text_feed first = {.memory_bytes_max = MUCH};
    struct ots_text_feed second = {.memory_bytes_max = MUCH};
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, MUCH, 0, NULL);
    add(&cache, &first, 1, 1);
    add(&cache, &first, 1, 2);
    add(&cache, &first, 2, 1);
    add(&cache, &second, 1, 1);
    assert_int_equal(first.count, 1);
    assert_true(take(&cache, 1, 1));
    ots_text_cache_drop(&cache, &second);
    assert_true(take(&cache, 2, 1));
    expect_empty(&cache, &first);
    ots_text_cache_deinit(&cache);
}

/* Rows that do not follow each other, parts that are broken, and more than may be taken at once. */
static void what_is_of_no_use_is_not_kept(void **state)
{
    struct ots_text_feed feed = {.memory_bytes_max = 100 * MUCH};
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, MUCH, 0, NULL);
    add(&cache, &feed, 1, 5);
    add(&cache, &feed, 1, 5);
    add(&cache, &feed, 1, 6);
    assert_null(ots_text_cache_find(&cache, 1));
    struct ots_text_page page = empty_page();
    add_line(&page, 2, 1);
    page.text.is_broken = true;
    end_part(&page, 2);
    assert_int_equal(ots_text_cache_add(&cache, &feed, &page), OTS_OK);
    ots_text_page_reset(&page);
    int64_t time_us = 0;
    while (page.text.bytes.size <= OTS_TEXT_BYTES_MAX / 2)
        add_line(&page, 3, ++time_us);
    end_part(&page, 3);
    assert_int_equal(ots_text_cache_add(&cache, &feed, &page), OTS_OK);
    assert_int_equal(rows(&cache, 3), (uint64_t)time_us);
    ots_text_page_reset(&page);
    while (page.text.bytes.size <= OTS_TEXT_BYTES_MAX / 2)
        add_line(&page, 3, ++time_us);
    end_part(&page, 3);
    assert_int_equal(ots_text_cache_add(&cache, &feed, &page), OTS_OK);
    ots_text_page_deinit(&page);
    add(&cache, &feed, 3, time_us + 1);
    for (uint64_t id = 1; id <= 3; id++) {
        assert_int_equal(rows(&cache, id), 0);
        assert_false(ots_text_cache_is_in_memory(&cache, id));
        assert_false(take(&cache, id, 1));
    }
    assert_int_equal(feed.bytes, 0);
    assert_int_equal(cache.memory.bytes, 0);
    ots_text_cache_deinit(&cache);
}

/* Those leave something behind, too, that must not fill the memory. */
static void texts_of_no_use_are_bounded(void **state)
{
    struct ots_text_feed feed = {.memory_bytes_max = MUCH};
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, 65536, 0, NULL);
    for (uint64_t id = 1; id <= 5000; id++) {
        add(&cache, &feed, id, 1);
        add(&cache, &feed, id, 1);
        assert_true(cache.overhead_bytes <= 65536);
    }
    ots_text_cache_deinit(&cache);
}

/* The disk is given back, and used again. */
static void nothing_is_left_when_it_is_trimmed(void **state)
{
    struct ots_text_feed feed = {.memory_bytes_max = 0};
    struct ots_text_cache cache;
    (void)state;
    ots_text_cache_init(&cache, MUCH, MUCH, "/tmp");
    for (int i = 0; i < 2; i++) {
        add(&cache, &feed, 1, 1);
        ots_text_cache_trim(&cache);
        assert_true(cache.file.fd >= 0);
        assert_true(take(&cache, 1, 1));
        ots_text_cache_trim(&cache);
        assert_true(cache.file.fd < 0);
        assert_null(cache.buckets);
    }
    ots_text_cache_deinit(&cache);
}

/* Whoever ends it early ends it once more: another's file must not be closed then. */
static void it_ends_twice(void **state)
{
    struct ots_text_cache cache;
    (void)state;
    int is_open = fcntl(0, F_GETFD);
    ots_text_cache_init(&cache, MUCH, 0, NULL);
    ots_text_cache_deinit(&cache);
    ots_text_cache_deinit(&cache);
    assert_int_equal(fcntl(0, F_GETFD), is_open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_taken_once),
        cmocka_unit_test(many_are_found),
        cmocka_unit_test(what_has_no_room_goes_to_the_file),
        cmocka_unit_test(the_oldest_go_when_there_is_no_room),
        cmocka_unit_test(a_text_without_a_part_is_none),
        cmocka_unit_test(small_texts_in_the_file_are_bounded_too),
        cmocka_unit_test(without_a_file_the_oldest_go_too),
        cmocka_unit_test(a_modest_feed_has_room_or_not),
        cmocka_unit_test(a_modest_feed_keeps_to_what_tells_where_texts_are),
        cmocka_unit_test(a_newer_feed_takes_over),
        cmocka_unit_test(what_is_of_no_use_is_not_kept),
        cmocka_unit_test(texts_of_no_use_are_bounded),
        cmocka_unit_test(nothing_is_left_when_it_is_trimmed),
        cmocka_unit_test(it_ends_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
