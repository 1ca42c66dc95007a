/*
 * Sizes and hashes of lines.
 */
#include "fs/view/row_sum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "fs/view/lines.h"

static const struct ots_series_key KEY = {.measurement = {(const uint8_t *)"m", 1}};

static struct ots_row_sum sum_of(enum ots_precision precision, int64_t time_us, int64_t value)
{
    struct ots_field field = {OTS_SLICE("v"), {OTS_INTEGER, {.integer = value}}};
    const struct ots_row row = {&KEY, time_us, &field, 1};
    struct ots_row_summer summer;
    struct ots_row_sum sum;
    ots_row_summer_init(&summer, precision);
    assert_int_equal(ots_row_sum_of(&summer, &row, &sum, NULL), OTS_OK);
    ots_row_summer_deinit(&summer);
    return sum;
}

static void it_is_that_of_the_line(void **state)
{
    (void)state;
    const struct ots_row_sum sum = sum_of(OTS_PRECISION_NS, 1, 5);
    assert_int_equal(sum.time_us, 1);
    assert_int_equal(sum.size_bytes, sizeof("m v=5i 1000\n") - 1);
    assert_int_equal(sum.hash, ots_row_sum_hash(OTS_SLICE("m v=5i 1000\n")));
    /* XXH3, which is kept on disk. */
    assert_int_equal(ots_row_sum_hash(OTS_SLICE("")), 0x2D06800538D394C2);
}

static void other_rows_have_others(void **state)
{
    (void)state;
    const struct ots_row_sum sum = sum_of(OTS_PRECISION_NS, 1, 5);
    const struct ots_row_sum same = sum_of(OTS_PRECISION_NS, 1, 5);
    const struct ots_row_sum value = sum_of(OTS_PRECISION_NS, 1, 6);
    const struct ots_row_sum time = sum_of(OTS_PRECISION_NS, 2, 5);
    assert_true(ots_row_sum_equal(&sum, &same));
    assert_false(ots_row_sum_equal(&sum, &value));
    assert_false(ots_row_sum_equal(&sum, &time));
    assert_int_not_equal(sum.hash, time.hash);
}

/* Rows that one line shows are different rows all the same. */
static void a_time_that_is_cut_has_a_line(void **state)
{
    (void)state;
    const struct ots_row_sum sum = sum_of(OTS_PRECISION_MS, 1001, 5);
    const struct ots_row_sum cut = sum_of(OTS_PRECISION_MS, 1000, 5);
    assert_int_equal(sum.size_bytes, sizeof("m v=5i 1\n") - 1);
    assert_int_equal(sum.hash, cut.hash);
    assert_int_equal(sum.time_us, 1001);
    assert_false(ots_row_sum_equal(&sum, &cut));
}

static void no_fields_are_no_line(void **state)
{
    (void)state;
    const struct ots_row row = {&KEY, 1, NULL, 0};
    struct ots_row_summer summer;
    struct ots_row_sum sum;
    ots_row_summer_init(&summer, OTS_PRECISION_NS);
    assert_int_equal(ots_row_sum_of(&summer, &row, &sum, NULL), OTS_OK);
    assert_int_equal(sum.size_bytes, 0);
    assert_int_equal(sum.hash, 0);
    ots_row_summer_deinit(&summer);
}

/* What a scan finds adds up with what is put. */
static void rulers_agree(void **state)
{
    (void)state;
    struct ots_ruler ruler;
    struct ots_field field = {OTS_SLICE("v"), {OTS_INTEGER, {.integer = 5}}};
    const struct ots_row row = {&KEY, 1, &field, 1};
    ots_ruler_init(&ruler, OTS_PRECISION_NS);
    assert_int_equal(ots_ruler_add(&ruler, &row, NULL), OTS_OK);
    size_t count;
    const struct ots_row_sum *lines = ots_ruler_lines(&ruler, &count);
    assert_int_equal(count, 1);
    assert_int_equal(lines[0].hash, sum_of(OTS_PRECISION_NS, 1, 5).hash);
    ots_ruler_deinit(&ruler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_that_of_the_line),
        cmocka_unit_test(other_rows_have_others),
        cmocka_unit_test(a_time_that_is_cut_has_a_line),
        cmocka_unit_test(no_fields_are_no_line),
        cmocka_unit_test(rulers_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
