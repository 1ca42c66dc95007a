#include "fs/view/mark_blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct ots_buf blob_of(const struct ots_mark *items, size_t count, unsigned doublings)
{
    struct ots_buf blob = OTS_BUF_INIT;
    struct ots_marks marks = {.count = count, .doublings = doublings};
    marks.items = calloc(count + 1, sizeof(*items));
    if (count)
        memcpy(marks.items, items, count * sizeof(*items));
    ots_mark_blob_append(&marks, &blob);
    ots_marks_deinit(&marks);
    assert_int_equal(ots_buf_status(&blob), OTS_OK);
    assert_true(blob.size <= OTS_MARK_BLOB_BYTES_MAX);
    return blob;
}

static enum ots_status read_back(struct ots_slice blob, const struct ots_extent *extent)
{
    struct ots_marks marks = {0};
    enum ots_status status = ots_mark_blob_read(blob, extent, &marks);
    assert_true((status == OTS_OK) == (marks.count > 0));
    assert_true(status == OTS_OK || (!marks.items && !marks.doublings));
    ots_marks_deinit(&marks);
    return status;
}

static enum ots_status round_trip(const struct ots_mark *items, size_t count,
                                  const struct ots_extent *extent)
{
    struct ots_buf blob = blob_of(items, count, 0);
    enum ots_status status = read_back(ots_buf_slice(&blob), extent);
    ots_buf_deinit(&blob);
    return status;
}

static const struct ots_extent EXTENT = {
    .size_bytes = 1000, .row_count = 100, .first_time_us = 5, .last_time_us = 500};
static const struct ots_mark GOOD[] = {
    {10, 1, 6, UINT64_MAX}, {500, 50, 300, 7}, {999, 99, 500, 0}};

static void they_come_back(void **state)
{
    (void)state;
    struct ots_marks back = {0};
    struct ots_buf blob = blob_of(GOOD, 3, 2);
    assert_int_equal(ots_mark_blob_read(ots_buf_slice(&blob), &EXTENT, &back), OTS_OK);
    assert_int_equal(back.count, 3);
    assert_int_equal(back.doublings, 2);
    assert_memory_equal(back.items, GOOD, sizeof(GOOD));
    ots_marks_deinit(&back);
    ots_buf_deinit(&blob);
}

static void what_the_text_cannot_have_is_refused(void **state)
{
    (void)state;
    const struct ots_mark bad[][3] = {
        {{0, 1, 6, 0}, {500, 50, 300, 7}, {999, 99, 500, 0}},    /* at the beginning */
        {{10, 0, 6, 0}, {500, 50, 300, 7}, {999, 99, 500, 0}},   /* before the first row */
        {{10, 1, 5, 0}, {500, 50, 300, 7}, {999, 99, 500, 0}},   /* at the first time */
        {{10, 11, 20, 0}, {500, 50, 300, 7}, {999, 99, 500, 0}}, /* lines without bytes */
        {{500, 1, 6, 0}, {500, 50, 300, 7}, {999, 99, 500, 0}},  /* twice at one offset, */
        {{10, 50, 6, 0}, {500, 50, 300, 7}, {999, 99, 500, 0}},  /* row */
        {{10, 1, 300, 0}, {500, 50, 300, 7}, {999, 99, 500, 0}}, /* or time */
        {{10, 1, 6, 0}, {500, 50, 300, 7}, {1000, 99, 500, 0}},  /* behind the text, */
        {{10, 1, 6, 0}, {500, 50, 300, 7}, {999, 100, 500, 0}},  /* the last row */
        {{10, 1, 6, 0}, {500, 50, 300, 7}, {999, 99, 501, 0}},   /* or its time */
        {{10, 1, 6, 0}, {500, 50, -1, 7}, {999, 99, 500, 0}},    /* back in time */
        {{10, 1, 6, 0}, {UINT64_MAX, 50, 300, 7}, {999, 99, 500, 0}},
    };
    assert_int_equal(round_trip(GOOD, 3, &EXTENT), OTS_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (round_trip(bad[i], 3, &EXTENT) != OTS_CORRUPT)
            fail_msg("case %zu", i);
    assert_int_equal(round_trip(GOOD, 3, &(struct ots_extent){0}), OTS_CORRUPT);
}

static void malformed_bytes_are_refused(void **state)
{
    (void)state;
    struct ots_buf blob = blob_of(GOOD, 3, 0);
    struct ots_slice whole = ots_buf_slice(&blob);
    for (size_t size = 0; size < whole.size; size++) {
        bool is_prefix = size == 8 + 32 || size == 8 + 64;
        assert_int_equal(read_back(ots_slice(whole.data, size), &EXTENT),
                         is_prefix ? OTS_OK : OTS_CORRUPT);
    }
    ots_buf_append_byte(&blob, 0);
    assert_int_equal(read_back(ots_buf_slice(&blob), &EXTENT), OTS_CORRUPT);
    ots_buf_deinit(&blob);
    blob = blob_of(GOOD, 3, 41);
    assert_int_equal(read_back(ots_buf_slice(&blob), &EXTENT), OTS_CORRUPT);
    ots_buf_deinit(&blob);
    blob = blob_of(NULL, 0, 0);
    while (blob.size < 8 + 32 * 2048)
        ots_buf_append_byte(&blob, 1);
    assert_int_equal(read_back(ots_buf_slice(&blob), &EXTENT), OTS_CORRUPT);
    ots_buf_deinit(&blob);
}

/* As many as there can be, and each number around what a blob holds. */
static void many_are_thinned_out(void **state)
{
    (void)state;
    const size_t counts[] = {2047, 2048, 4094, 4095, 4096, OTS_MARKS_MAX};
    const unsigned doublings[] = {0, 1, 1, 1, 2, 6};
    struct ots_mark *items = calloc(OTS_MARKS_MAX, sizeof(*items));
    for (size_t i = 0; i < OTS_MARKS_MAX; i++)
        items[i] = (struct ots_mark){(i + 1) * OTS_MARK_BYTES, i + 1, (int64_t)i + 1, i};
    const struct ots_extent extent = {
        .size_bytes = UINT64_MAX, .row_count = UINT64_MAX, .last_time_us = INT64_MAX};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct ots_marks back = {0};
        struct ots_buf blob = blob_of(items, counts[i], 1);
        assert_int_equal(ots_mark_blob_read(ots_buf_slice(&blob), &extent, &back), OTS_OK);
        assert_int_equal(back.doublings, 1 + doublings[i]);
        size_t step = (size_t)1 << doublings[i];
        assert_int_equal(back.count, counts[i] / step);
        for (size_t j = 0; j < back.count; j++)
            assert_memory_equal(&back.items[j], &items[(j + 1) * step - 1], sizeof(*items));
        ots_marks_deinit(&back);
        ots_buf_deinit(&blob);
    }
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_come_back),
        cmocka_unit_test(what_the_text_cannot_have_is_refused),
        cmocka_unit_test(malformed_bytes_are_refused),
        cmocka_unit_test(many_are_thinned_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
