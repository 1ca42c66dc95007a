#include "backend/server/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum { KIB = 1024, MIB = 1024 * 1024 };

static void shares(void **state)
{
    (void)state;
    struct ots_budget budget;
    size_t first = 0;
    size_t second = 0;
    ots_budget_init(&budget, 2 * MIB);
    assert_true(ots_budget_resize(&budget, &first, MIB));
    assert_int_equal(first, MIB);
    assert_true(ots_budget_resize(&budget, &second, MIB));
    /* Nothing is left: neither may grow, and both keep what they have. */
    assert_false(ots_budget_resize(&budget, &first, MIB + 1));
    assert_false(ots_budget_resize(&budget, &second, SIZE_MAX));
    assert_int_equal(first, MIB);
    assert_int_equal(second, MIB);
    assert_true(ots_budget_resize(&budget, &first, MIB));
    assert_true(ots_budget_resize(&budget, &first, MIB - 1));
    assert_true(ots_budget_resize(&budget, &second, MIB + 1));
    assert_true(ots_budget_resize(&budget, &second, 0));
    assert_int_equal(second, 0);
    assert_true(ots_budget_resize(&budget, &first, 2 * MIB));
    assert_true(ots_budget_resize(&budget, &first, 0));
    assert_int_equal(budget.synced.bytes, 0);
    ots_budget_deinit(&budget);
}

static void small_bodies_are_free(void **state)
{
    (void)state;
    struct ots_budget budget;
    size_t large = 0;
    size_t small = 0;
    ots_budget_init(&budget, MIB);
    assert_true(ots_budget_resize(&budget, &large, MIB));
    assert_true(ots_budget_resize(&budget, &small, 64 * KIB));
    assert_int_equal(small, 0);
    assert_false(ots_budget_resize(&budget, &small, 64 * KIB + 1));
    assert_true(ots_budget_resize(&budget, &large, 64 * KIB));
    assert_int_equal(budget.synced.bytes, 0);
    ots_budget_deinit(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares),
        cmocka_unit_test(small_bodies_are_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
