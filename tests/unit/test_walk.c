/*
 * Who is taken for a walker, and what comes next for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/walk.h"

enum { DIRECTORY = 7, PARENT = 3 };

/* Open that place and look at all that comes next; how many places that is. */
static size_t step(struct ots_walks *walks, uint64_t directory, size_t place)
{
    struct ots_walk *walk = ots_walks_note(walks, directory, PARENT, place);
    size_t from;
    size_t to;
    if (!ots_walk_next(walk, &from, &to))
        return 0;
    assert_true(from > place);
    assert_true(to <= place + 1 + OTS_WALK_AHEAD_MAX);
    ots_walk_ask(walk, to);
    return to - from;
}

static void three_steps_are_a_walk(void **state)
{
    struct ots_walks walks = {0};
    (void)state;
    assert_int_equal(step(&walks, DIRECTORY, 10), 0);
    assert_int_equal(step(&walks, DIRECTORY, 11), 0);
    assert_int_equal(step(&walks, DIRECTORY, 12), 4);
}

/* What it sees grows, and each place is told once. */
static void a_walk_sees_each_place_once(void **state)
{
    struct ots_walks walks = {0};
    size_t told = 0;
    size_t most = 0;
    (void)state;
    for (size_t place = 0; place < 1000; place++) {
        size_t count = step(&walks, DIRECTORY, place);
        told += count;
        if (count > most)
            most = count;
    }
    assert_int_equal(told, 999 + OTS_WALK_AHEAD_MAX - 2);
    assert_true(most < OTS_WALK_AHEAD_MAX);
}

static void files_may_be_left_out(void **state)
{
    struct ots_walks walks = {0};
    (void)state;
    step(&walks, DIRECTORY, 0);
    step(&walks, DIRECTORY, 1);
    assert_int_equal(step(&walks, DIRECTORY, 1 + OTS_WALK_GAP), 4);
    assert_true(step(&walks, DIRECTORY, 3 + OTS_WALK_GAP) > 0);
    assert_int_equal(step(&walks, DIRECTORY, 4 + 2 * OTS_WALK_GAP), 0);
    /* Who opens one of many only, in whatever order, is not served by what lies between. */
    for (size_t place = 5000; place < 6000; place += OTS_WALK_GAP)
        assert_int_equal(step(&walks, DIRECTORY, place), 0);
}

static void several_files_may_be_open_at_a_time(void **state)
{
    static const size_t PLACES[] = {1, 0, 3, 2, 5, 4, 7, 6};
    struct ots_walks walks = {0};
    size_t told = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(PLACES) / sizeof(PLACES[0]); i++)
        told += step(&walks, DIRECTORY, PLACES[i]);
    assert_true(told >= 8);
}

static void who_jumps_does_not_walk(void **state)
{
    struct ots_walks walks = {0};
    size_t place = 0;
    (void)state;
    for (int i = 0; i < 1000; i++) {
        place = (place + 7919) % 100003;
        assert_int_equal(step(&walks, DIRECTORY, place), 0);
    }
}

static void backwards_is_no_walk(void **state)
{
    struct ots_walks walks = {0};
    (void)state;
    for (size_t place = 1000; place; place--)
        assert_int_equal(step(&walks, DIRECTORY, place), 0);
}

static void walks_do_not_disturb_each_other(void **state)
{
    struct ots_walks walks = {0};
    size_t told[4] = {0};
    (void)state;
    for (size_t place = 0; place < 100; place++)
        for (size_t i = 0; i < 4; i++)
            told[i] += step(&walks, DIRECTORY + i / 2, i % 2 * 5000 + place);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(told[i], 99 + OTS_WALK_AHEAD_MAX - 2);
}

/* Whoever goes on in the next directory is known there; who begins in its middle is not. */
static void a_walk_goes_on_in_the_next_directory(void **state)
{
    struct ots_walks walks = {0};
    (void)state;
    for (size_t place = 0; place < 5; place++)
        step(&walks, DIRECTORY, place);
    assert_true(step(&walks, DIRECTORY + 1, 0) > 0);
    assert_int_equal(step(&walks, DIRECTORY + 2, 500), 0);
    struct ots_walk *elsewhere = ots_walks_note(&walks, DIRECTORY + 3, PARENT + 1, 0);
    assert_false(ots_walk_is_going(elsewhere));
}

/* Somebody was there before; that is another walk, and it stays that until the end. */
static void a_walk_can_be_repeated(void **state)
{
    struct ots_walks walks = {0};
    size_t told[2] = {0};
    (void)state;
    for (size_t round = 0; round < 2; round++)
        for (size_t place = 0; place < 100; place++)
            told[round] += step(&walks, DIRECTORY, place);
    assert_int_equal(told[0], 99 + OTS_WALK_AHEAD_MAX - 2);
    assert_true(told[1] >= told[0]);
    assert_true(ots_walks_note(&walks, DIRECTORY, PARENT, 99)->id > 100);
}

static void what_lies_behind_is_passed(void **state)
{
    struct ots_walks walks = {0};
    struct ots_walk *walk = ots_walks_note(&walks, DIRECTORY, PARENT, 100);
    (void)state;
    assert_false(ots_walk_has_passed(walk, 100));
    assert_false(ots_walk_has_passed(walk, 100 - OTS_WALK_GAP));
    assert_true(ots_walk_has_passed(walk, 99 - OTS_WALK_GAP));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_steps_are_a_walk),
        cmocka_unit_test(a_walk_sees_each_place_once),
        cmocka_unit_test(files_may_be_left_out),
        cmocka_unit_test(several_files_may_be_open_at_a_time),
        cmocka_unit_test(who_jumps_does_not_walk),
        cmocka_unit_test(backwards_is_no_walk),
        cmocka_unit_test(walks_do_not_disturb_each_other),
        cmocka_unit_test(a_walk_goes_on_in_the_next_directory),
        cmocka_unit_test(a_walk_can_be_repeated),
        cmocka_unit_test(what_lies_behind_is_passed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
