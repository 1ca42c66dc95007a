/*
 * Rows collected before they are handed over.
 */
#include "fs/view/gather.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/model/limits.h"

static const struct ots_series_key A = {.measurement = {(const uint8_t *)"a", 1}};
static const struct ots_series_key B = {.measurement = {(const uint8_t *)"b", 1}};

static enum ots_status add(struct ots_gather *gather, const struct ots_series_key *key,
                           int64_t time_us, const char *name, int64_t value)
{
    struct ots_error err;
    struct ots_field field = {ots_slice_str(name), {OTS_INTEGER, {.integer = value}}};
    struct ots_row row = {key, time_us, &field, 1};
    return ots_gather_add(gather, &row, &err);
}

static void rows_of_one_time_are_merged(void **state)
{
    (void)state;
    struct ots_gather gather;
    assert_int_equal(ots_gather_init(&gather), OTS_OK);
    assert_int_equal(add(&gather, &A, 1, "y", 1), OTS_OK);
    assert_int_equal(add(&gather, &B, 1, "x", 2), OTS_OK);
    assert_int_equal(add(&gather, &A, 2, "x", 3), OTS_OK);
    assert_int_equal(add(&gather, &A, 1, "x", 4), OTS_OK);
    assert_int_equal(add(&gather, &A, 1, "y", 5), OTS_OK);
    assert_int_equal(gather.count, 3);
    assert_int_equal(gather.line_count, 5);
    const struct ots_row *row = &gather.rows[0].row;
    assert_true(ots_series_key_equal(row->key, &A));
    assert_int_equal(row->field_count, 2);
    assert_int_equal(row->fields[0].value.integer, 4);
    assert_int_equal(row->fields[1].value.integer, 5);
    assert_true(ots_series_key_equal(gather.rows[1].row.key, &B));
    assert_int_equal(gather.rows[2].row.time_us, 2);
    ots_gather_reset(&gather);
    assert_int_equal(gather.count, 0);
    assert_int_equal(add(&gather, &A, 1, "z", 6), OTS_OK);
    assert_int_equal(gather.rows[0].row.field_count, 1);
    ots_gather_deinit(&gather);
}

static void it_is_full_by_lines(void **state)
{
    (void)state;
    struct ots_gather gather;
    assert_int_equal(ots_gather_init(&gather), OTS_OK);
    for (int64_t i = 0; i < OTS_GATHER_LINES_MAX; i++) {
        assert_false(ots_gather_is_full(&gather));
        assert_int_equal(add(&gather, i % 2 ? &A : &B, i % 5000, "x", i), OTS_OK);
    }
    assert_true(ots_gather_is_full(&gather));
    assert_int_equal(gather.count, 5000);
    ots_gather_deinit(&gather);
}

static void it_is_full_by_bytes(void **state)
{
    (void)state;
    enum { BYTES = 1024 * 1024 };
    struct ots_gather gather;
    struct ots_error err;
    char *text = malloc(BYTES);
    memset(text, 'x', BYTES);
    struct ots_field field = {OTS_SLICE("s"), {OTS_STRING, {.bytes = ots_slice(text, BYTES)}}};
    assert_int_equal(ots_gather_init(&gather), OTS_OK);
    for (int64_t i = 0; i < 4; i++) {
        assert_false(ots_gather_is_full(&gather));
        struct ots_row row = {&A, i, &field, 1};
        assert_int_equal(ots_gather_add(&gather, &row, &err), OTS_OK);
    }
    assert_true(ots_gather_is_full(&gather));
    /* What is replaced again and again does not grow for ever either. */
    ots_gather_reset(&gather);
    size_t times = 0;
    for (; !ots_gather_is_full(&gather) && times < 100; times++) {
        struct ots_row row = {&A, 1, &field, 1};
        assert_int_equal(ots_gather_add(&gather, &row, &err), OTS_OK);
    }
    assert_in_range(times, 4, 20);
    ots_gather_deinit(&gather);
    free(text);
}

static void a_merged_row_has_limits(void **state)
{
    (void)state;
    struct ots_gather gather;
    assert_int_equal(ots_gather_init(&gather), OTS_OK);
    for (int i = 0; i < OTS_FIELDS_PER_ROW_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "f%d", i);
        assert_int_equal(add(&gather, &A, 1, name, i), OTS_OK);
        if (ots_gather_is_full(&gather)) /* by what merging left behind */
            break;
    }
    assert_int_equal(gather.count, 1);
    ots_gather_deinit(&gather);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_one_time_are_merged),
        cmocka_unit_test(it_is_full_by_lines),
        cmocka_unit_test(it_is_full_by_bytes),
        cmocka_unit_test(a_merged_row_has_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
