#include "backend/server/crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { GUESTS = 6, STAY = 3 };

struct person {
    struct ots_guest guest;
    unsigned told;
    int64_t since_us;
};

struct fixture {
    struct ots_crowd crowd;
    struct person people[GUESTS];
};

static void leave(void *context, int64_t idle_since_us)
{
    struct person *person = context;
    person->told++;
    person->since_us = idle_since_us;
}

/* The first `count` enter at the times 100, 101, ... */
static void fixture_init(struct fixture *fixture, size_t count)
{
    ots_crowd_init(&fixture->crowd, STAY);
    for (size_t i = 0; i < GUESTS; i++)
        fixture->people[i] = (struct person){.guest = {.leave = leave}};
    for (size_t i = 0; i < count; i++) {
        fixture->people[i].guest.context = &fixture->people[i];
        ots_crowd_enter(&fixture->crowd, &fixture->people[i].guest, 100 + (int64_t)i);
    }
}

static void fixture_deinit(struct fixture *fixture, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ots_crowd_exit(&fixture->crowd, &fixture->people[i].guest);
    assert_int_equal(fixture->crowd.synced.count, 0);
    assert_int_equal(fixture->crowd.synced.leaving_count, 0);
    assert_null(fixture->crowd.synced.first);
    assert_null(fixture->crowd.synced.last);
    ots_crowd_deinit(&fixture->crowd);
}

static void assert_told(const struct fixture *fixture, const char *expected)
{
    for (size_t i = 0; expected[i]; i++)
        if (fixture->people[i].told != (unsigned)(expected[i] - '0'))
            fail_msg("guest %zu was told %u times, %s", i, fixture->people[i].told, expected);
}

static void nobody_leaves_without_need(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, STAY);
    for (size_t i = 0; i < STAY; i++) {
        ots_crowd_busy(&fixture.crowd, &fixture.people[i].guest);
        ots_crowd_idle(&fixture.crowd, &fixture.people[i].guest, 200);
    }
    assert_told(&fixture, "000");
    fixture_deinit(&fixture, STAY);
}

static void the_longest_idle_leave(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, STAY);
    ots_crowd_busy(&fixture.crowd, &fixture.people[0].guest);
    ots_crowd_idle(&fixture.crowd, &fixture.people[0].guest, 200);
    for (size_t i = STAY; i < GUESTS; i++) {
        fixture.people[i].guest.context = &fixture.people[i];
        ots_crowd_enter(&fixture.crowd, &fixture.people[i].guest, 300);
    }
    assert_told(&fixture, "111000");
    assert_int_equal(fixture.people[1].since_us, 101);
    assert_int_equal(fixture.people[0].since_us, 200);
    fixture_deinit(&fixture, GUESTS);
}

static void who_has_left_makes_room(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, STAY + 1);
    assert_told(&fixture, "1000");
    ots_crowd_exit(&fixture.crowd, &fixture.people[0].guest);
    fixture.people[0].told = 0;
    ots_crowd_enter(&fixture.crowd, &fixture.people[0].guest, 300);
    assert_told(&fixture, "0100");
    fixture_deinit(&fixture, STAY + 1);
}

static void busy_ones_stay(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, STAY);
    for (size_t i = 0; i < STAY; i++)
        ots_crowd_busy(&fixture.crowd, &fixture.people[i].guest);
    for (size_t i = STAY; i < GUESTS; i++) {
        fixture.people[i].guest.context = &fixture.people[i];
        ots_crowd_enter(&fixture.crowd, &fixture.people[i].guest, 300);
    }
    assert_told(&fixture, "000111");
    fixture_deinit(&fixture, GUESTS);
}

/* One that was told and has a request nevertheless stays, and another one leaves for it. */
static void busy_after_all(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, STAY + 1);
    assert_told(&fixture, "1000");
    ots_crowd_busy(&fixture.crowd, &fixture.people[0].guest);
    assert_told(&fixture, "1100");
    ots_crowd_idle(&fixture.crowd, &fixture.people[0].guest, 400);
    assert_told(&fixture, "1100");
    fixture_deinit(&fixture, STAY + 1);
}

/* All are busy at first: whoever becomes idle leaves as long as there are too many. */
static void idle_later(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, 0);
    for (size_t i = 0; i < GUESTS; i++) {
        fixture.people[i].guest.context = &fixture.people[i];
        ots_crowd_enter(&fixture.crowd, &fixture.people[i].guest, 100);
        ots_crowd_busy(&fixture.crowd, &fixture.people[i].guest);
        fixture.people[i].told = 0;
    }
    for (size_t i = 0; i < GUESTS; i++)
        ots_crowd_idle(&fixture.crowd, &fixture.people[i].guest, 500 + (int64_t)i);
    assert_told(&fixture, "111000");
    fixture_deinit(&fixture, GUESTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_leaves_without_need),
        cmocka_unit_test(the_longest_idle_leave),
        cmocka_unit_test(who_has_left_makes_room),
        cmocka_unit_test(busy_ones_stay),
        cmocka_unit_test(busy_after_all),
        cmocka_unit_test(idle_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
