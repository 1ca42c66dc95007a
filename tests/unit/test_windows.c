#include "fs/view/windows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static uint8_t byte_at(uint64_t offset)
{
    return (uint8_t)(offset * 2654435761U >> 13);
}

static void add(struct ots_windows *windows, uint64_t offset, size_t size)
{
    uint8_t *text = malloc(size);
    for (size_t i = 0; i < size; i++)
        text[i] = byte_at(offset + i);
    const struct ots_run run = {.offset = offset, .size_bytes = size, .row_count = 1};
    assert_int_equal(ots_windows_add(windows, &run, ots_slice(text, size), NULL), OTS_OK);
    free(text);
}

/* Reading `size` bytes from `offset` gives `wanted`. */
static void expect(const struct ots_windows *windows, uint64_t offset, size_t size, size_t wanted)
{
    struct ots_buf out = OTS_BUF_INIT;
    assert_int_equal(ots_windows_read(windows, offset, size, &out, NULL), OTS_OK);
    assert_int_equal(out.size, wanted);
    for (size_t i = 0; i < out.size; i++)
        if (out.data[i] != byte_at(offset + i))
            fail_msg("byte %zu after %lu differs", i, offset);
    ots_buf_deinit(&out);
}

static void runs_are_found_by_their_place(void **state)
{
    (void)state;
    struct ots_windows windows;
    ots_windows_init(&windows, 1000000);
    assert_null(ots_windows_floor(&windows, 5));
    assert_null(ots_windows_after(&windows, 0));
    add(&windows, 5000, 100);
    add(&windows, 1000, 100);
    add(&windows, 5100, 50);
    add(&windows, 0, 10);
    assert_int_equal(ots_windows_at(&windows, 1000)->offset, 1000);
    assert_int_equal(ots_windows_at(&windows, 1099)->offset, 1000);
    assert_null(ots_windows_at(&windows, 1100));
    assert_null(ots_windows_at(&windows, 999));
    assert_null(ots_windows_at(&windows, UINT64_MAX));
    assert_int_equal(ots_windows_floor(&windows, 4999)->offset, 1000);
    assert_int_equal(ots_windows_floor(&windows, UINT64_MAX)->offset, 5100);
    assert_int_equal(ots_windows_after(&windows, 0)->offset, 1000);
    assert_int_equal(ots_windows_after(&windows, 999)->offset, 1000);
    assert_int_equal(ots_windows_after(&windows, 1000)->offset, 5000);
    assert_null(ots_windows_after(&windows, 5100));
    ots_windows_deinit(&windows);
}

static void neighbours_are_read_in_one_go(void **state)
{
    (void)state;
    struct ots_windows windows;
    ots_windows_init(&windows, 1000000);
    add(&windows, 5100, 50);
    add(&windows, 5000, 100);
    expect(&windows, 5000, 150, 150);
    expect(&windows, 5090, 1000, 60);
    expect(&windows, 5149, 1, 1);
    expect(&windows, 5150, 1, 0);
    expect(&windows, 4999, 10, 0);
    ots_windows_deinit(&windows);
}

static void blank_runs_end_what_can_be_read(void **state)
{
    (void)state;
    struct ots_windows windows;
    ots_windows_init(&windows, 1000000);
    add(&windows, 0, 100);
    const struct ots_run blank = {.offset = 100, .size_bytes = 20, .is_blank = true};
    assert_int_equal(ots_windows_add(&windows, &blank, OTS_SLICE(""), NULL), OTS_OK);
    add(&windows, 120, 100);
    expect(&windows, 50, 100, 50);
    expect(&windows, 100, 100, 0);
    assert_true(ots_windows_at(&windows, 119)->is_blank);
    expect(&windows, 120, 10, 10);
    ots_windows_deinit(&windows);
}

static void the_oldest_make_room(void **state)
{
    (void)state;
    enum { SIZE = 1000, MAX = 10500 };
    struct ots_windows windows;
    ots_windows_init(&windows, MAX);
    for (uint64_t i = 0; i < 1000; i++) {
        add(&windows, i * SIZE, SIZE);
        assert_true(windows.spool.size_bytes <= MAX);
        assert_true(windows.count <= MAX / SIZE);
        /* The last ones are all there. */
        for (uint64_t back = 0; back <= i && back < 10; back++)
            expect(&windows, (i - back) * SIZE, SIZE, SIZE);
        if (i >= 10)
            expect(&windows, (i - 10) * SIZE, SIZE, 0);
    }
    ots_windows_deinit(&windows);
}

static void sizes_may_differ(void **state)
{
    (void)state;
    enum { MAX = 100000 };
    struct ots_windows windows;
    uint64_t offset = 0;
    unsigned seed = 7;
    ots_windows_init(&windows, MAX);
    for (int i = 0; i < 2000; i++) {
        size_t size = (size_t)rand_r(&seed) % (i % 50 == 0 ? 3 * MAX : MAX / 4) + 1;
        add(&windows, offset, size);
        expect(&windows, offset, size, size);
        offset += size + 1;
        /* Whatever is still there is right. */
        for (size_t run = 0; run < windows.count; run++) {
            size_t kept = (size_t)windows.runs[run].size_bytes;
            expect(&windows, windows.runs[run].offset, kept, kept);
        }
        assert_true(windows.spool.size_bytes <= MAX || windows.count == 1);
    }
    ots_windows_deinit(&windows);
}

static void their_number_is_bounded(void **state)
{
    (void)state;
    struct ots_windows windows;
    ots_windows_init(&windows, 1000000);
    for (uint64_t i = 0; i < 3 * OTS_RUNS_MAX; i++) {
        const struct ots_run blank = {.offset = i, .size_bytes = 1, .is_blank = true};
        assert_int_equal(ots_windows_add(&windows, &blank, OTS_SLICE(""), NULL), OTS_OK);
        assert_true(windows.count <= OTS_RUNS_MAX);
        assert_non_null(ots_windows_at(&windows, i));
    }
    ots_windows_deinit(&windows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_found_by_their_place),
        cmocka_unit_test(neighbours_are_read_in_one_go),
        cmocka_unit_test(blank_runs_end_what_can_be_read),
        cmocka_unit_test(the_oldest_make_room),
        cmocka_unit_test(sizes_may_differ),
        cmocka_unit_test(their_number_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
