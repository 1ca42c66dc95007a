/*
 * Listings with and without what is known of each name.
 */
#include "fs/mount/habit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MANY = 10000 };

/* A listing of so many names in one answer: how many came without. */
static size_t list(struct ots_habit *habit, size_t count)
{
    struct ots_habit_listing listing = {0};
    size_t bare = 0;
    ots_habit_begin_answer(habit, &listing);
    for (size_t i = 0; i < count; i++)
        bare += !ots_habit_list(habit, &listing, i);
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

/* A listing of so many names, of which `looked_at` in each answer are looked up before the next. */
static size_t list_and_look(struct ots_habit *habit, size_t count, size_t looked_at)
{
    enum { ANSWER = 180 };
    struct ots_habit_listing listing = {0};
    size_t bare = 0;
    for (size_t i = 0; i < count; i++) {
        if (i % ANSWER == 0) {
            look_up(habit, looked_at);
            ots_habit_begin_answer(habit, &listing);
        }
        bare += !ots_habit_list(habit, &listing, i);
    }
    return bare;
}

/* However many names were listed before that nobody looked at. */
static void who_looks_while_listing_gets_all_soon(void **state)
{
    struct ots_habit habit = {0};
    (void)state;
    for (int i = 0; i < 1000; i++)
        list(&habit, MANY);
    assert_in_range(list_and_look(&habit, MANY, 180), 1, 360);
    assert_int_equal(list(&habit, MANY), MANY - OTS_HABIT_ALWAYS);
}

static void a_few_looks_while_listing_say_nothing(void **state)
{
    struct ots_habit habit = {0};
    (void)state;
    assert_int_equal(list_and_look(&habit, MANY, 5), MANY - OTS_HABIT_ALWAYS);
    assert_int_equal(list_and_look(&habit, MANY, 0), MANY - OTS_HABIT_ALWAYS);
}

/* What nobody was told bare says nothing, and neither do lookups before the first answer. */
static void the_first_answer_depends_on_earlier_listings(void **state)
{
    struct ots_habit habit = {0};
    struct ots_habit_listing listing = {0};
    (void)state;
    look_up(&habit, MANY);
    ots_habit_begin_answer(&habit, &listing);
    assert_false(listing.is_looked_at);
    look_up(&habit, MANY);
    ots_habit_begin_answer(&habit, &listing);
    assert_false(listing.is_looked_at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_names_come_with_all),
        cmocka_unit_test(who_only_lists_gets_names_only),
        cmocka_unit_test(who_looks_at_each_gets_all_from_then_on),
        cmocka_unit_test(only_lookups_behind_a_listing_count),
        cmocka_unit_test(long_habits_can_be_changed),
        cmocka_unit_test(who_looks_while_listing_gets_all_soon),
        cmocka_unit_test(a_few_looks_while_listing_say_nothing),
        cmocka_unit_test(the_first_answer_depends_on_earlier_listings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
