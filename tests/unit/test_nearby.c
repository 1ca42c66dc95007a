/* The processor of a tool that works alone. */
#include "fs/mount/nearby.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char before_field_39[] =
    " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 "
    "24 25 26 27 28 29 30 31 32 33 34 35";

static bool parse(const char *name, const char *rest, size_t *processor)
{
    char stat[512];
    snprintf(stat, sizeof(stat), "123 %s%s%s", name, before_field_39, rest);
    return ots_nearby_parse(stat, processor);
}

static void processor_is_field_39(void **state)
{
    (void)state;
    size_t processor = 0;
    assert_true(parse("(cp)", " 7 0 0 0\n", &processor));
    assert_int_equal(processor, 7);
    assert_true(parse("(a) b (c) 1 2 3)", " 11 0", &processor));
    assert_int_equal(processor, 11);
}

static void what_is_no_stat_has_no_processor(void **state)
{
    (void)state;
    size_t processor;
    assert_false(ots_nearby_parse("", &processor));
    assert_false(ots_nearby_parse("123 (cp)", &processor));
    assert_false(ots_nearby_parse("123 (cp) S 1 2 3", &processor));
    assert_false(parse("(cp)", "", &processor));
    assert_false(parse("(cp)", " -1 0", &processor));
    assert_false(parse("(cp)", " x", &processor));
    assert_false(parse("(cp)", " 99999999999999999999 0", &processor));
}

static int allowed_count(void)
{
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
    return CPU_COUNT(&set);
}

static void *tell_allowed_count(void *count)
{
    *(int *)count = allowed_count();
    return NULL;
}

static int allowed_count_of_new_thread(void)
{
    pthread_t thread;
    int count = 0;
    assert_int_equal(pthread_create(&thread, NULL, tell_allowed_count, &count), 0);
    pthread_join(thread, NULL);
    return count;
}

static void note(struct ots_nearby *nearby, pid_t caller, int count)
{
    for (int i = 0; i < count; i++)
        ots_nearby_note(nearby, caller);
}

static void who_asks_alone_is_followed(void **state)
{
    (void)state;
    struct ots_nearby nearby;
    int all = allowed_count();
    ots_nearby_init(&nearby);
    note(&nearby, gettid(), 31);
    assert_int_equal(allowed_count(), all);
    note(&nearby, gettid(), 1);
    assert_int_equal(allowed_count(), 1);
    note(&nearby, 0, 1);
    assert_int_equal(allowed_count(), 1);
    note(&nearby, getppid(), 1);
    assert_int_equal(allowed_count(), all);
}

static void two_who_take_turns_are_not(void **state)
{
    (void)state;
    struct ots_nearby nearby;
    int all = allowed_count();
    ots_nearby_init(&nearby);
    for (int i = 0; i < 200; i++)
        note(&nearby, i % 2 ? gettid() : getppid(), 20);
    assert_int_equal(allowed_count(), all);
}

static void who_ended_is_left(void **state)
{
    (void)state;
    struct ots_nearby nearby;
    int all = allowed_count();
    ots_nearby_init(&nearby);
    pid_t child = fork();
    if (child == 0)
        pause();
    note(&nearby, child, 32);
    assert_int_equal(allowed_count(), 1);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    note(&nearby, child, 64);
    assert_int_equal(allowed_count(), all);
}

#ifndef __SANITIZE_THREAD__ /* it gives each thread attributes of its own */
static void threads_of_the_bound_one_are_free(void **state)
{
    (void)state;
    struct ots_nearby nearby;
    int all = allowed_count();
    ots_nearby_init(&nearby);
    note(&nearby, gettid(), 32);
    assert_int_equal(allowed_count(), 1);
    assert_int_equal(allowed_count_of_new_thread(), all);
    note(&nearby, getppid(), 1);
}
#endif

static void with_one_processor_nothing_is_done(void **state)
{
    (void)state;
    struct ots_nearby nearby;
    cpu_set_t all;
    cpu_set_t one;
    size_t first = 0;
    sched_getaffinity(0, sizeof(all), &all);
    while (!CPU_ISSET(first, &all))
        first++;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    ots_nearby_init(&nearby);
    assert_false(nearby.is_on);
    note(&nearby, gettid(), 100);
    assert_false(nearby.is_bound);
    sched_setaffinity(0, sizeof(all), &all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processor_is_field_39),
        cmocka_unit_test(what_is_no_stat_has_no_processor),
        cmocka_unit_test(who_asks_alone_is_followed),
        cmocka_unit_test(two_who_take_turns_are_not),
        cmocka_unit_test(who_ended_is_left),
#ifndef __SANITIZE_THREAD__
        cmocka_unit_test(threads_of_the_bound_one_are_free),
#endif
        cmocka_unit_test(with_one_processor_nothing_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
