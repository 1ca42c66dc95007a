/* Which of the signals that a process waits for stop it. */
#include "fs/mount/caller.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t bit(int signal)
{
    return UINT64_C(1) << (signal - 1);
}

static bool may_go_on(uint64_t own, uint64_t shared, uint64_t blocked, uint64_t ignored)
{
    char status[300];
    snprintf(status, sizeof(status),
             "Name:\tSigPnd:\nSigQ:\t1/95\nSigPnd:\t%016jx\nShdPnd:\t%016jx\nSigBlk:\t%016jx\n"
             "SigIgn:\t%016jx\nSigCgt:\t0000000000010000\n",
             (uintmax_t)own, (uintmax_t)shared, (uintmax_t)blocked, (uintmax_t)ignored);
    return ots_caller_status_may_go_on(status);
}

static void only_signals_that_stop_nobody(void **state)
{
    (void)state;
    assert_true(may_go_on(0, bit(SIGCHLD), 0, 0));
    assert_true(may_go_on(bit(SIGURG), 0, 0, 0));
    assert_true(may_go_on(bit(SIGURG), bit(SIGCHLD) | bit(SIGWINCH), 0, 0));
    assert_true(may_go_on(0, bit(SIGCHLD) | bit(SIGINT), bit(SIGINT), 0));
    assert_true(may_go_on(0, bit(SIGCHLD) | bit(SIGINT), 0, bit(SIGINT)));
    assert_false(may_go_on(0, bit(SIGCHLD) | bit(SIGINT), 0, 0));
    assert_false(may_go_on(bit(SIGKILL), bit(SIGCHLD), 0, 0));
    assert_false(may_go_on(bit(SIGALRM), 0, 0, 0));
    assert_false(may_go_on(bit(SIGRTMIN), 0, 0, 0));
    assert_false(may_go_on(0, 0, 0, 0));
}

static void what_is_not_known_stops(void **state)
{
    (void)state;
    assert_false(ots_caller_status_may_go_on(""));
    assert_false(ots_caller_status_may_go_on("\nSigPnd:\t1\nShdPnd:\t10000\nSigBlk:\t0\n"));
    assert_false(ots_caller_status_may_go_on("\nSigPnd:\nShdPnd:\nSigBlk:\nSigIgn:\n"));
    assert_false(ots_caller_status_may_go_on(
        "\nSigPnd:\t11111111111111111\nShdPnd:\t10000\nSigBlk:\t0\nSigIgn:\t0\n"));
    assert_false(ots_caller_may_go_on(0));
    assert_false(ots_caller_may_go_on(-1));
    /* Nothing is pending, so something else was meant. */
    assert_false(ots_caller_may_go_on(getpid()));
}

static void what_is_pending_is_seen(void **state)
{
    (void)state;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGURG);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGURG);
    assert_false(ots_caller_may_go_on(getpid()));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_signals_that_stop_nobody),
        cmocka_unit_test(what_is_not_known_stops),
        cmocka_unit_test(what_is_pending_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
