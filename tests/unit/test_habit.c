/*
 * Listings with and without what is known of each name.
 */
#include "fs/mount/habit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MANY = 10000 };

/* A listing of so many names: how many came without. */
static size_t list(struct ots_habit *habit, size_t count)
{
    size_t bare = 0;
    for (size_t i = 0; i < count; i++)
        bare += !ots_habit_list(habit, i);
    return bare;
}

static void look_up(struct ots_habit *habit, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ots_habit_look_up(habit);
}

static void the_first_names_come_with_all(void **state)
{
    struct ots_habit habit = {0};
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(list(&habit, OTS_HABIT_ALWAYS), 0);
    assert_int_equal(list(&habit, MANY), MANY - OTS_HABIT_ALWAYS);
    assert_int_equal(list(&habit, OTS_HABIT_ALWAYS), 0);
}

static void who_only_lists_gets_names_only(void **state)
{
    struct ots_habit habit = {0};
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(list(&habit, MANY), MANY - OTS_HABIT_ALWAYS);
        look_up(&habit, 3);
    }
}

static void who_looks_at_each_gets_all_from_then_on(void **state)
{
    struct ots_habit habit = {0};
    (void)state;
    assert_int_equal(list(&habit, MANY), MANY - OTS_HABIT_ALWAYS);
    look_up(&habit, MANY);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(list(&habit, MANY), 0);
}

/* Lookups before any listing, and of what was listed long ago, say nothing. */
static void only_lookups_behind_a_listing_count(void **state)
{
    struct ots_habit habit = {0};
    (void)state;
    look_up(&habit, 100 * MANY);
    assert_int_equal(list(&habit, MANY), MANY - OTS_HABIT_ALWAYS);
    look_up(&habit, 1);
    assert_int_equal(list(&habit, MANY), MANY - OTS_HABIT_ALWAYS);
}

static void long_habits_can_be_changed(void **state)
{
    struct ots_habit habit = {0};
    (void)state;
    for (int i = 0; i < 10000; i++)
        list(&habit, MANY);
    look_up(&habit, 100 * MANY);
    assert_int_equal(list(&habit, MANY), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_names_come_with_all),
        cmocka_unit_test(who_only_lists_gets_names_only),
        cmocka_unit_test(who_looks_at_each_gets_all_from_then_on),
        cmocka_unit_test(only_lookups_behind_a_listing_count),
        cmocka_unit_test(long_habits_can_be_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
