#include "backend/server/alarm.h"

#include "backend/base/clock.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

enum { COUNT = 300, HOUR_US_SHIFT = 32 };

struct ringer {
    struct ots_alarm alarm;
    struct fixture *fixture;
    int64_t rung_us;
    int rings;
};

struct fixture {
    struct ots_alarms *alarms;
    struct ringer ringers[COUNT];
    sem_t rung;
    sem_t go_on; /* what holds up the ring of the last one */
    bool is_held_up;
};

static int64_t now_us(void)
{
    return ots_clock_monotonic_us(&ots_clock_system);
}

static void ring(void *context)
{
    struct ringer *ringer = context;
    ringer->rung_us = now_us();
    ringer->rings++;
    bool is_held_up = ringer->fixture->is_held_up;
    sem_post(&ringer->fixture->rung);
    if (is_held_up)
        sem_wait(&ringer->fixture->go_on);
}

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.is_held_up = false};
    sem_init(&fixture.rung, 0, 0);
    sem_init(&fixture.go_on, 0, 0);
    for (int i = 0; i < COUNT; i++)
        fixture.ringers[i] = (struct ringer){
            .alarm = {.ring = ring, .context = &fixture.ringers[i]}, .fixture = &fixture};
    assert_int_equal(ots_alarms_new(&fixture.alarms, NULL), OTS_OK);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < COUNT; i++)
        ots_alarms_clear(fixture->alarms, &fixture->ringers[i].alarm);
    ots_alarms_free(fixture->alarms);
    sem_destroy(&fixture->rung);
    sem_destroy(&fixture->go_on);
    return 0;
}

static void set(struct fixture *fixture, int at, int64_t due_us)
{
    ots_alarms_set(fixture->alarms, &fixture->ringers[at].alarm, due_us);
}

static void each_rings_once_and_not_early(void **state)
{
    struct fixture *fixture = *state;
    int64_t start_us = now_us();
    for (int i = 0; i < COUNT; i++)
        set(fixture, i, start_us + (i * 7919 % COUNT) * 500);
    for (int i = 0; i < COUNT; i++)
        sem_wait(&fixture->rung);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(fixture->ringers[i].rings, 1);
        assert_true(fixture->ringers[i].rung_us >= start_us + (i * 7919 % COUNT) * 500);
    }
}

static void an_earlier_one_wakes_the_thread(void **state)
{
    struct fixture *fixture = *state;
    set(fixture, 0, now_us() + (INT64_C(1) << HOUR_US_SHIFT));
    set(fixture, 1, now_us() + 20000);
    sem_wait(&fixture->rung);
    assert_int_equal(fixture->ringers[1].rings, 1);
    assert_int_equal(fixture->ringers[0].rings, 0);
    /* Set again, earlier and in the past. */
    set(fixture, 0, 0);
    sem_wait(&fixture->rung);
    assert_int_equal(fixture->ringers[0].rings, 1);
}

static void set_later_or_called_off(void **state)
{
    struct fixture *fixture = *state;
    int64_t start_us = now_us();
    set(fixture, 0, start_us + 20000);
    set(fixture, 1, start_us + 20000);
    set(fixture, 0, start_us + 60000);
    ots_alarms_clear(fixture->alarms, &fixture->ringers[1].alarm);
    ots_alarms_clear(fixture->alarms, &fixture->ringers[1].alarm);
    sem_wait(&fixture->rung);
    assert_int_equal(fixture->ringers[0].rings, 1);
    assert_true(fixture->ringers[0].rung_us >= start_us + 60000);
    assert_int_equal(fixture->ringers[1].rings, 0);
}

static void *let_go_on(void *context)
{
    struct fixture *fixture = context;
    usleep(30000);
    fixture->is_held_up = false;
    sem_post(&fixture->go_on);
    return NULL;
}

static void calling_off_waits_for_the_ring(void **state)
{
    struct fixture *fixture = *state;
    pthread_t thread;
    fixture->is_held_up = true;
    set(fixture, 0, 0);
    sem_wait(&fixture->rung);
    assert_int_equal(pthread_create(&thread, NULL, let_go_on, fixture), 0);
    ots_alarms_clear(fixture->alarms, &fixture->ringers[0].alarm);
    /* Only after the other thread has let it go on. */
    assert_false(fixture->is_held_up);
    pthread_join(thread, NULL);
}

static void hurry(void **state)
{
    struct fixture *fixture = *state;
    int64_t far_us = now_us() + (INT64_C(1) << HOUR_US_SHIFT);
    set(fixture, 0, far_us);
    set(fixture, 1, far_us + 1);
    ots_alarms_hurry(fixture->alarms);
    sem_wait(&fixture->rung);
    sem_wait(&fixture->rung);
    set(fixture, 2, far_us);
    sem_wait(&fixture->rung);
    assert_int_equal(fixture->ringers[2].rings, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_rings_once_and_not_early),
        TEST(an_earlier_one_wakes_the_thread),
        TEST(set_later_or_called_off),
        TEST(calling_off_waits_for_the_ring),
        TEST(hurry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
