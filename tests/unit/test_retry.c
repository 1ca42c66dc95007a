#include "backend/client/retry.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_classes(void **state)
{
    (void)state;
    for (int i = 0; i < OTS_ACTION_COUNT; i++) {
        enum ots_action action = (enum ots_action)i;
        /* The client does not call these. */
        if (action >= OTS_ACTION_WIDE_CREATE && action <= OTS_ACTION_WIDE_BATCH_GET)
            continue;
        assert_false(ots_retry_may_repeat(action, OTS_RETRY_NEVER));
        assert_true(ots_retry_may_repeat(action, OTS_RETRY_ALWAYS));
        bool is_delete = action == OTS_ACTION_DELETE_TABLE;
        assert_int_equal(ots_retry_may_repeat(action, OTS_RETRY_IF_IDEMPOTENT), !is_delete);
    }
}

static void test_never_gives_up_at_once(void **state)
{
    (void)state;
    struct ots_retry retry;
    int64_t delay_us = -1;
    ots_retry_begin(&retry, 100, 1000000);
    assert_false(ots_retry_next(&retry, OTS_ACTION_GET, OTS_RETRY_NEVER, 200, 7, &delay_us));
    assert_int_equal(retry.tries, 1);
    assert_int_equal(delay_us, -1);
}

/* The largest delay of the n-th retry: the random part can be all but the ceiling itself. */
static int64_t longest_delay(enum ots_retry_class failure, unsigned tries_before)
{
    struct ots_retry retry;
    int64_t longest_us = 0;
    for (uint64_t random = 0; random < 5000; random++) {
        int64_t delay_us = 0;
        ots_retry_begin(&retry, 0, INT64_C(3600) * 1000000);
        retry.tries = tries_before;
        /* 7919 is prime to every ceiling's neighbourhood, so that the residues are spread. */
        assert_true(ots_retry_next(&retry, OTS_ACTION_PUT, failure, 0, random * 7919, &delay_us));
        assert_true(delay_us >= 1000);
        if (delay_us > longest_us)
            longest_us = delay_us;
    }
    return longest_us;
}

static void test_backoff_doubles_up_to_a_ceiling(void **state)
{
    (void)state;
    int64_t ceiling_us = 10000;
    for (unsigned tries = 0; tries < 12; tries++) {
        int64_t longest_us = longest_delay(OTS_RETRY_IF_IDEMPOTENT, tries);
        assert_true(longest_us <= ceiling_us + 1000);
        assert_true(longest_us > ceiling_us * 9 / 10);
        ceiling_us = ceiling_us * 2 < 2000000 ? ceiling_us * 2 : 2000000;
    }
    assert_true(longest_delay(OTS_RETRY_IF_IDEMPOTENT, 4000000000u) <= 2001000);
}

static void test_busy_waits_longer(void **state)
{
    (void)state;
    assert_true(longest_delay(OTS_RETRY_ALWAYS, 0) > 40000);
    assert_true(longest_delay(OTS_RETRY_ALWAYS, 0) <= 51000);
    assert_true(longest_delay(OTS_RETRY_ALWAYS, 30) <= 5001000);
    assert_true(longest_delay(OTS_RETRY_ALWAYS, 30) > 4000000);
}

static void test_jitter_reaches_the_floor(void **state)
{
    (void)state;
    struct ots_retry retry;
    int64_t delay_us;
    ots_retry_begin(&retry, 0, 60000000);
    assert_true(ots_retry_next(&retry, OTS_ACTION_GET, OTS_RETRY_ALWAYS, 0, 0, &delay_us));
    assert_int_equal(delay_us, 1000);
}

static void test_deadline(void **state)
{
    (void)state;
    struct ots_retry retry;
    int64_t delay_us;
    ots_retry_begin(&retry, 5000000, 60000000);
    retry.tries = 20;
    /* 10 us are left: the last try starts at the deadline, not after it. */
    assert_true(ots_retry_next(&retry, OTS_ACTION_GET, OTS_RETRY_ALWAYS, 64999990,
                               UINT64_C(4000000), &delay_us));
    assert_int_equal(delay_us, 10);
    assert_false(ots_retry_next(&retry, OTS_ACTION_GET, OTS_RETRY_ALWAYS, 65000000, 0, &delay_us));
    assert_false(ots_retry_next(&retry, OTS_ACTION_GET, OTS_RETRY_ALWAYS, 90000000, 0, &delay_us));
    assert_int_equal(retry.tries, 23);
}

/* However unlucky the randomness, the tries within a deadline are bounded. */
static void test_tries_are_bounded(void **state)
{
    (void)state;
    struct ots_retry retry;
    int64_t now_us = 0;
    int64_t delay_us = 0;
    ots_retry_begin(&retry, now_us, 1000000);
    while (ots_retry_next(&retry, OTS_ACTION_SCAN, OTS_RETRY_IF_IDEMPOTENT, now_us, 0, &delay_us))
        now_us += delay_us;
    assert_int_equal(now_us, 1000000);
    assert_int_equal(retry.tries, 1001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_never_gives_up_at_once),
        cmocka_unit_test(test_backoff_doubles_up_to_a_ceiling),
        cmocka_unit_test(test_busy_waits_longer),
        cmocka_unit_test(test_jitter_reaches_the_floor),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_tries_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
