/*
 * One store of texts for all scans of a mount: who brings them, who takes them, and when they go.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/texts.h"

enum { TEXT_BYTES = 100, IDLE_US = 20000 };

static struct ots_texts *texts_new(int64_t idle_us, uint64_t file_bytes_max)
{
    const struct ots_texts_options options = {.idle_us = idle_us, .file_bytes_max = file_bytes_max};
    struct ots_texts *texts = ots_texts_new(&options);
    assert_non_null(texts);
    return texts;
}

/* A row's line of `size` bytes, of a text and a time. */
static void make_page(struct ots_text_page *page, uint64_t id, int64_t time_us, size_t size)
{
    const struct ots_row_sum sum = {time_us, size, id * 1000 + (uint64_t)time_us};
    ots_text_page_init(page, OTS_PRECISION_NS);
    while (page->text.bytes.size < size)
        ots_buf_append_byte(&page->text.bytes, (uint8_t)('a' + id % 26));
    ots_extent_add(&page->text.extent, &sum);
}

static struct ots_extent extent_of(uint64_t id, int64_t time_us, size_t size)
{
    struct ots_text_page page;
    make_page(&page, id, time_us, size);
    struct ots_extent extent = page.text.extent;
    ots_text_page_deinit(&page);
    return extent;
}

static bool add(struct ots_texts *texts, uint64_t feed, uint64_t id, size_t size)
{
    struct ots_text_page page;
    make_page(&page, id, 1, size);
    assert_int_equal(ots_text_page_end_part(&page, id), OTS_OK);
    bool is_kept = ots_texts_add(texts, feed, &page);
    ots_text_page_deinit(&page);
    return is_kept;
}

static bool take(struct ots_texts *texts, uint64_t id, size_t size)
{
    const struct ots_extent known = extent_of(id, 1, size);
    struct ots_whole_text text = {0};
    if (!ots_texts_take(texts, id, &known, &text))
        return false;
    assert_int_equal(text.bytes.size, size);
    assert_int_equal(text.bytes.data[size - 1], 'a' + id % 26);
    ots_whole_text_deinit(&text);
    return true;
}

static void numbers_tell_extracts_and_timelines_apart(void **state)
{
    const struct ots_slice cpu = ots_slice("cpu", 3);
    const struct ots_slice mem = ots_slice("mem", 3);
    (void)state;
    assert_int_equal(ots_text_id(5, cpu, mem), ots_text_id(5, cpu, mem));
    assert_int_not_equal(ots_text_id(5, cpu, mem), ots_text_id(6, cpu, mem));
    assert_int_not_equal(ots_text_id(5, cpu, mem), ots_text_id(5, mem, cpu));
}

/* Only what adds up to what is known; anything else stays, and is nobody's. */
static void a_text_is_for_who_knows_it(void **state)
{
    struct ots_texts *texts = texts_new(0, 1);
    (void)state;
    uint64_t feed = ots_texts_begin(texts, OTS_TEXTS_MEASURED);
    assert_true(add(texts, feed, 1, TEXT_BYTES));
    assert_int_equal(ots_texts_rows(texts, 1), 1);
    assert_int_equal(ots_texts_rows(texts, 2), 0);
    assert_true(ots_texts_bytes(texts, feed) >= TEXT_BYTES + 64);
    struct ots_whole_text text = {0};
    const struct ots_extent none = {0};
    struct ots_extent known = extent_of(1, 1, TEXT_BYTES);
    known.hash++;
    assert_false(ots_texts_has(texts, 1, &known, false));
    assert_false(ots_texts_take(texts, 1, &known, &text));
    assert_false(ots_texts_take(texts, 1, &none, &text));
    assert_false(ots_texts_take(texts, 2, &none, &text));
    known.hash--;
    assert_true(ots_texts_has(texts, 1, &known, true));
    assert_true(take(texts, 1, TEXT_BYTES));
    assert_false(take(texts, 1, TEXT_BYTES));
    assert_int_equal(ots_texts_bytes(texts, feed), 0);
    ots_texts_free(texts);
}

/* At hand is what is short and in memory; on disk is beyond that. */
static void much_is_kept_on_disk(void **state)
{
    enum { SIZE = 512 * 1024, COUNT = 40 };
    struct ots_texts *texts = texts_new(0, (uint64_t)COUNT * SIZE);
    (void)state;
    uint64_t feed = ots_texts_begin(texts, OTS_TEXTS_MEASURED);
    for (uint64_t id = 1; id <= COUNT; id++)
        assert_true(add(texts, feed, id, SIZE));
    const struct ots_extent first = extent_of(1, 1, SIZE);
    const struct ots_extent last = extent_of(COUNT, 1, SIZE);
    assert_true(ots_texts_has(texts, 1, &first, true));
    assert_false(ots_texts_has(texts, COUNT, &last, true));
    assert_true(ots_texts_has(texts, COUNT, &last, false));
    for (uint64_t id = 1; id <= COUNT; id++)
        assert_true(take(texts, id, SIZE));
    ots_texts_free(texts);
}

/* A scan that measures is kept as a whole or not at all; a walk's pushes the oldest out. */
static void what_does_not_fit_is_not_kept(void **state)
{
    enum { SIZE = 1024 * 1024, FIT = OTS_TEXTS_MEASURED_MEMORY_BYTES / SIZE };
    struct ots_texts *texts = texts_new(0, 1);
    (void)state;
    uint64_t feed = ots_texts_begin(texts, OTS_TEXTS_MEASURED);
    for (uint64_t id = 1; id <= FIT; id++)
        assert_true(add(texts, feed, id, SIZE));
    assert_false(add(texts, feed, FIT + 1, SIZE));
    assert_false(add(texts, feed, FIT + 2, 1));
    for (uint64_t id = 1; id <= FIT + 2; id++)
        assert_int_equal(ots_texts_rows(texts, id), 0);
    ots_texts_end(texts, feed);
    ots_texts_drop(texts, feed);
    assert_false(add(texts, 0, 1, 1));
    uint64_t walk = ots_texts_begin(texts, OTS_TEXTS_OF_WALK);
    for (uint64_t id = 1; id <= 100; id++)
        assert_true(add(texts, walk, id, SIZE));
    assert_true(ots_texts_bytes(texts, walk) >= OTS_TEXTS_MEMORY_BYTES);
    for (uint64_t id = 1; id <= 100; id++)
        assert_int_equal(take(texts, id, SIZE), id > 100 - OTS_TEXTS_MEMORY_BYTES / SIZE);
    assert_int_equal(ots_texts_bytes(texts, walk), 0);
    ots_texts_free(texts);
}

static void nothing_measured_is_kept_without_a_file(void **state)
{
    struct ots_texts *texts = texts_new(0, 0);
    (void)state;
    uint64_t feed = ots_texts_begin(texts, OTS_TEXTS_MEASURED);
    assert_int_equal(feed, 0);
    assert_false(add(texts, feed, 1, TEXT_BYTES));
    ots_texts_end(texts, feed);
    feed = ots_texts_begin(texts, OTS_TEXTS_OF_WALK);
    assert_true(add(texts, feed, 1, TEXT_BYTES));
    assert_true(take(texts, 1, TEXT_BYTES));
    ots_texts_free(texts);
}

static void what_is_dropped_is_gone(void **state)
{
    struct ots_texts *texts = texts_new(0, 1);
    (void)state;
    uint64_t first = ots_texts_begin(texts, OTS_TEXTS_MEASURED);
    uint64_t second = ots_texts_begin(texts, OTS_TEXTS_MEASURED);
    assert_int_not_equal(first, second);
    assert_true(add(texts, first, 1, TEXT_BYTES));
    assert_true(add(texts, second, 2, TEXT_BYTES));
    ots_texts_drop(texts, first);
    assert_int_equal(ots_texts_bytes(texts, first), 0);
    assert_false(take(texts, 1, TEXT_BYTES));
    assert_true(take(texts, 2, TEXT_BYTES));
    ots_texts_drop(texts, 0);
    ots_texts_drop(texts, first);
    ots_texts_free(texts);
}

/* What has ended and nobody takes from is forgotten; what has not ended stays. */
static void what_nobody_takes_goes(void **state)
{
    struct ots_texts *texts = texts_new(IDLE_US, 1);
    (void)state;
    uint64_t open = ots_texts_begin(texts, OTS_TEXTS_OF_WALK);
    assert_true(add(texts, open, 1, TEXT_BYTES));
    uint64_t ended = ots_texts_begin(texts, OTS_TEXTS_MEASURED);
    assert_true(add(texts, ended, 2, TEXT_BYTES));
    ots_texts_end(texts, ended);
    while (ots_texts_rows(texts, 2))
        sched_yield();
    assert_int_equal(ots_texts_rows(texts, 1), 1);
    assert_true(take(texts, 1, TEXT_BYTES));
    ots_texts_end(texts, open);
    ots_texts_free(texts);
}

/* Idle for a moment is enough when another scan needs the room. */
static void who_is_idle_makes_room(void **state)
{
    enum { SIZE = OTS_TEXTS_MEASURED_MEMORY_BYTES };
    struct ots_texts *texts = texts_new(0, 1);
    (void)state;
    uint64_t first = ots_texts_begin(texts, OTS_TEXTS_MEASURED);
    assert_true(add(texts, first, 1, SIZE));
    ots_texts_end(texts, first);
    bool is_kept = false;
    while (!is_kept) {
        uint64_t next = ots_texts_begin(texts, OTS_TEXTS_MEASURED);
        is_kept = add(texts, next, 2, SIZE);
        assert_int_equal(ots_texts_rows(texts, 1), !is_kept);
        ots_texts_end(texts, next);
        sched_yield();
    }
    assert_true(take(texts, 2, SIZE));
    ots_texts_free(texts);
}

struct feeder {
    struct ots_texts *texts;
    uint64_t first;
};

enum { PER_FEEDER = 3000, FEEDERS = 4 };

static void *feed_many(void *argument)
{
    const struct feeder *feeder = argument;
    uint64_t feed = ots_texts_begin(feeder->texts, OTS_TEXTS_OF_WALK);
    for (uint64_t id = 0; id < PER_FEEDER; id++)
        if (!add(feeder->texts, feed, feeder->first + id, TEXT_BYTES))
            abort();
    ots_texts_end(feeder->texts, feed);
    return NULL;
}

static void many_bring_and_one_takes(void **state)
{
    struct ots_texts *texts = texts_new(0, 1);
    struct feeder feeders[FEEDERS];
    pthread_t threads[FEEDERS];
    (void)state;
    for (uint64_t i = 0; i < FEEDERS; i++) {
        feeders[i] = (struct feeder){texts, 1 + i * PER_FEEDER};
        assert_int_equal(pthread_create(&threads[i], NULL, feed_many, &feeders[i]), 0);
    }
    for (uint64_t id = 1; id <= FEEDERS * PER_FEEDER; id++)
        while (!take(texts, id, TEXT_BYTES))
            sched_yield();
    for (size_t i = 0; i < FEEDERS; i++)
        pthread_join(threads[i], NULL);
    ots_texts_free(texts);
    ots_texts_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_tell_extracts_and_timelines_apart),
        cmocka_unit_test(a_text_is_for_who_knows_it),
        cmocka_unit_test(much_is_kept_on_disk),
        cmocka_unit_test(what_does_not_fit_is_not_kept),
        cmocka_unit_test(nothing_measured_is_kept_without_a_file),
        cmocka_unit_test(what_is_dropped_is_gone),
        cmocka_unit_test(what_nobody_takes_goes),
        cmocka_unit_test(who_is_idle_makes_room),
        cmocka_unit_test(many_bring_and_one_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
