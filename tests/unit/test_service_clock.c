#include "backend/client/service_clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const int64_t SECOND = 1000000;
static const int64_t NOW = INT64_C(1700000000000000); /* the service's time at 0 */

static int64_t read_at(const struct ots_service_clock *clock, int64_t monotonic_us)
{
    int64_t time_us = 0;
    assert_true(ots_service_clock_read(clock, monotonic_us, &time_us));
    return time_us;
}

static void nothing_is_known_at_first(void **state)
{
    (void)state;
    struct ots_service_clock clock = OTS_SERVICE_CLOCK_INIT;
    int64_t time_us;
    assert_false(ots_service_clock_read(&clock, 0, &time_us));
}

static void one_answer_tells(void **state)
{
    (void)state;
    struct ots_service_clock clock = OTS_SERVICE_CLOCK_INIT;
    ots_service_clock_learn(&clock, NOW, 1000, 3000);
    assert_int_equal(read_at(&clock, 2000), NOW);
    assert_int_equal(read_at(&clock, 2000 + 5 * SECOND), NOW + 5 * SECOND);
    assert_int_equal(read_at(&clock, 0), NOW - 2000);
}

static void the_quickest_answer_counts(void **state)
{
    (void)state;
    struct ots_service_clock clock = OTS_SERVICE_CLOCK_INIT;
    /* The truth is NOW + monotonic; slow answers are wrong by up to half their time. */
    ots_service_clock_learn(&clock, NOW + SECOND + 100, SECOND, 3 * SECOND);
    assert_int_equal(read_at(&clock, 0), NOW - SECOND + 100);
    ots_service_clock_learn(&clock, NOW + 4 * SECOND, 4 * SECOND - 500, 4 * SECOND + 500);
    assert_int_equal(read_at(&clock, 0), NOW);
    ots_service_clock_learn(&clock, NOW + 5 * SECOND, 5 * SECOND, 9 * SECOND);
    assert_int_equal(read_at(&clock, 0), NOW);
}

/* Answers of the same quality follow a clock that drifts or was set. */
static void of_equals_the_last_counts(void **state)
{
    (void)state;
    struct ots_service_clock clock = OTS_SERVICE_CLOCK_INIT;
    for (int64_t i = 0; i < 10; i++) {
        ots_service_clock_learn(&clock, NOW + i * SECOND + i, i * SECOND, i * SECOND + 2000);
        assert_int_equal(read_at(&clock, i * SECOND + 1000), NOW + i * SECOND + i);
    }
}

static void the_best_of_the_minute_before_still_counts(void **state)
{
    (void)state;
    struct ots_service_clock clock = OTS_SERVICE_CLOCK_INIT;
    ots_service_clock_learn(&clock, NOW, 0, 0);
    ots_service_clock_learn(&clock, NOW + 61 * SECOND, 60 * SECOND, 61 * SECOND);
    assert_int_equal(read_at(&clock, 0), NOW);
    /* Now it is two minutes ago, and even a slow answer tells more. */
    ots_service_clock_learn(&clock, NOW + 125 * SECOND, 122 * SECOND, 124 * SECOND);
    assert_int_equal(read_at(&clock, 0), NOW + SECOND / 2);
}

static void after_a_silence_only_new_answers_count(void **state)
{
    (void)state;
    struct ots_service_clock clock = OTS_SERVICE_CLOCK_INIT;
    ots_service_clock_learn(&clock, NOW, 0, 0);
    assert_int_equal(read_at(&clock, 3600 * SECOND), NOW + 3600 * SECOND);
    /* The service's clock was set back by an hour meanwhile. */
    ots_service_clock_learn(&clock, NOW, 3599 * SECOND, 3601 * SECOND);
    assert_int_equal(read_at(&clock, 3600 * SECOND), NOW);
}

/* A slow answer does not show that the clock was set, as long as it can be right. */
static void a_clock_that_was_set_is_noticed_at_once(void **state)
{
    (void)state;
    for (int64_t step = -600 * SECOND; step <= 600 * SECOND; step += 1200 * SECOND) {
        struct ots_service_clock clock = OTS_SERVICE_CLOCK_INIT;
        ots_service_clock_learn(&clock, NOW, 0, 0);
        ots_service_clock_learn(&clock, NOW + 60 * SECOND, 60 * SECOND, 60 * SECOND);
        ots_service_clock_learn(&clock, NOW + 70 * SECOND + step / 60, 60 * SECOND, 80 * SECOND);
        assert_int_equal(read_at(&clock, 70 * SECOND), NOW + 70 * SECOND);
        ots_service_clock_learn(&clock, NOW + 80 * SECOND + step, 79 * SECOND, 81 * SECOND);
        assert_int_equal(read_at(&clock, 80 * SECOND), NOW + 80 * SECOND + step);
        ots_service_clock_learn(&clock, NOW + 90 * SECOND, 90 * SECOND, 90 * SECOND);
        assert_int_equal(read_at(&clock, 90 * SECOND), NOW + 90 * SECOND);
    }
}

static void senseless_times_are_ignored(void **state)
{
    (void)state;
    struct ots_service_clock clock = OTS_SERVICE_CLOCK_INIT;
    int64_t time_us;
    ots_service_clock_learn(&clock, NOW, 2000, 1000);
    ots_service_clock_learn(&clock, INT64_MIN, 1000, 2000);
    assert_false(ots_service_clock_read(&clock, 0, &time_us));
    ots_service_clock_learn(&clock, INT64_MAX, 0, 0);
    assert_false(ots_service_clock_read(&clock, 1, &time_us));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_at_first),
        cmocka_unit_test(one_answer_tells),
        cmocka_unit_test(the_quickest_answer_counts),
        cmocka_unit_test(of_equals_the_last_counts),
        cmocka_unit_test(the_best_of_the_minute_before_still_counts),
        cmocka_unit_test(after_a_silence_only_new_answers_count),
        cmocka_unit_test(a_clock_that_was_set_is_noticed_at_once),
        cmocka_unit_test(senseless_times_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
