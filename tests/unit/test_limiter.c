#include "backend/client/limiter.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const int64_t SECOND = 1000000;
static const int64_t START = 5000000; /* a monotonic clock begins anywhere */

/*
 * Requests that always come as early as they may, each asked for `late_us` after that, until
 * `duration_us` have passed. Returns how many have started.
 */
static unsigned run(struct ots_limiter *limiter, int64_t duration_us, int64_t late_us, size_t sent,
                    size_t received)
{
    unsigned count = 0;
    int64_t now_us = START;
    for (;;) {
        int64_t wait_us = ots_limiter_wait_us(limiter, now_us);
        now_us += wait_us ? wait_us + late_us : 0;
        if (now_us >= START + duration_us)
            return count;
        assert_int_equal(ots_limiter_wait_us(limiter, now_us), 0);
        ots_limiter_start(limiter, now_us, sent);
        ots_limiter_receive(limiter, now_us, received);
        count++;
        if (count > 10000000)
            return count;
    }
}

static void without_limits_nobody_waits(void **state)
{
    (void)state;
    struct ots_limiter limiter;
    ots_limiter_init(&limiter, 0, 0);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(ots_limiter_wait_us(&limiter, START), 0);
        ots_limiter_start(&limiter, START, 64 << 20);
        ots_limiter_receive(&limiter, START, 64 << 20);
    }
}

static void requests_per_second(void **state)
{
    (void)state;
    static const unsigned rates[] = {1, 2, 10, 999, 1000, 33333, 1000000};
    for (unsigned i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
        struct ots_limiter limiter;
        ots_limiter_init(&limiter, rates[i], 0);
        unsigned count = run(&limiter, 4 * SECOND, 0, 1000000, 1000000);
        /* What may be caught up, and the first. */
        assert_in_range(count, 4 * rates[i], 4 * rates[i] + rates[i] / 50 + 1);
    }
}

/* A thread that sleeps by whole milliseconds is always late; the rate is kept all the same. */
static void who_is_late_catches_up(void **state)
{
    (void)state;
    struct ots_limiter limiter;
    ots_limiter_init(&limiter, 1000, 0);
    assert_in_range(run(&limiter, 4 * SECOND, 1000, 0, 0), 3950, 4021);
}

static void a_pause_is_not_made_up_for(void **state)
{
    (void)state;
    struct ots_limiter limiter;
    ots_limiter_init(&limiter, 100, 0);
    ots_limiter_start(&limiter, START, 0);
    /* An hour later there are as many as at first, not an hour's worth. */
    int64_t now_us = START + 3600 * SECOND;
    unsigned count = 0;
    for (; !ots_limiter_wait_us(&limiter, now_us); count++)
        ots_limiter_start(&limiter, now_us, 0);
    assert_in_range(count, 1, 3);
    assert_in_range(ots_limiter_wait_us(&limiter, now_us), 1, 10000);
}

static void megabits_per_second(void **state)
{
    (void)state;
    struct ots_limiter limiter;
    /* 8 Mbit are a megabyte; both directions count. */
    ots_limiter_init(&limiter, 0, 8);
    assert_in_range(run(&limiter, 10 * SECOND, 0, 600, 400), 10000, 10200);
    ots_limiter_init(&limiter, 0, 100000);
    assert_in_range(run(&limiter, 1 * SECOND, 0, 125000, 0), 100000, 102100);
}

/* Empty requests cost nothing, a large answer keeps the next request waiting. */
static void a_large_answer_is_waited_for(void **state)
{
    (void)state;
    struct ots_limiter limiter;
    ots_limiter_init(&limiter, 0, 80);
    ots_limiter_start(&limiter, START, 0);
    assert_int_equal(ots_limiter_wait_us(&limiter, START), 0);
    ots_limiter_receive(&limiter, START + SECOND, (size_t)256 * 1024 * 1024);
    /* 268.4 MB at 10 MB/s. */
    assert_in_range(ots_limiter_wait_us(&limiter, START + SECOND), 26 * SECOND, 27 * SECOND);
    assert_int_equal(ots_limiter_wait_us(&limiter, START + 28 * SECOND), 0);
}

static void the_stricter_limit_counts(void **state)
{
    (void)state;
    struct ots_limiter limiter;
    ots_limiter_init(&limiter, 10, 8);
    assert_in_range(run(&limiter, 10 * SECOND, 0, 10, 0), 100, 101);
    ots_limiter_init(&limiter, 1000, 8);
    assert_in_range(run(&limiter, 10 * SECOND, 0, 50000, 50000), 100, 102);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_limits_nobody_waits),
        cmocka_unit_test(requests_per_second),
        cmocka_unit_test(who_is_late_catches_up),
        cmocka_unit_test(a_pause_is_not_made_up_for),
        cmocka_unit_test(megabits_per_second),
        cmocka_unit_test(a_large_answer_is_waited_for),
        cmocka_unit_test(the_stricter_limit_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
