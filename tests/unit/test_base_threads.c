/* The thread pool and interrupts. */
#include "backend/base/clock.h"
#include "backend/base/cond.h"
#include "backend/base/interrupt.h"
#include "backend/base/pool.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A gate that jobs wait at, and a count of what went through. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_open;
    size_t waiting;
    size_t passed;
    size_t order[64];
};

static void gate_init(struct gate *gate, bool is_open)
{
    memset(gate, 0, sizeof(*gate));
    pthread_mutex_init(&gate->lock, NULL);
    pthread_cond_init(&gate->changed, NULL);
    gate->is_open = is_open;
}

static void gate_deinit(struct gate *gate)
{
    pthread_cond_destroy(&gate->changed);
    pthread_mutex_destroy(&gate->lock);
}

static void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->is_open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

static void gate_await_waiting(struct gate *gate, size_t count)
{
    pthread_mutex_lock(&gate->lock);
    while (gate->waiting < count)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
}

struct ticket {
    struct gate *gate;
    size_t number;
};

static void pass(void *argument)
{
    const struct ticket *ticket = argument;
    struct gate *gate = ticket->gate;
    pthread_mutex_lock(&gate->lock);
    gate->waiting++;
    pthread_cond_broadcast(&gate->changed);
    while (!gate->is_open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    gate->order[gate->passed++] = ticket->number;
    pthread_mutex_unlock(&gate->lock);
}

static struct ots_pool *new_pool(size_t threads, size_t queue_max)
{
    struct ots_pool *pool = NULL;
    assert_int_equal(ots_pool_new(threads, queue_max, &pool, NULL), OTS_OK);
    return pool;
}

static void test_jobs_run_in_order(void **state)
{
    (void)state;
    struct gate gate;
    struct ticket tickets[64];
    gate_init(&gate, true);
    struct ots_pool *pool = new_pool(1, 3);
    for (size_t i = 0; i < 64; i++) {
        tickets[i] = (struct ticket){&gate, i};
        ots_pool_run(pool, pass, &tickets[i]);
    }
    ots_pool_free(pool);
    assert_int_equal(gate.passed, 64);
    for (size_t i = 0; i < 64; i++)
        assert_int_equal(gate.order[i], i);
    gate_deinit(&gate);
}

static void test_jobs_run_side_by_side(void **state)
{
    (void)state;
    struct gate gate;
    gate_init(&gate, false);
    struct ticket ticket = {&gate, 0};
    struct ots_pool *pool = new_pool(4, 4);
    for (size_t i = 0; i < 4; i++)
        ots_pool_run(pool, pass, &ticket);
    /* All four stand at the gate at once, or this waits for ever. */
    gate_await_waiting(&gate, 4);
    gate_open(&gate);
    ots_pool_free(pool);
    assert_int_equal(gate.passed, 4);
    gate_deinit(&gate);
}

static void *open_later(void *argument)
{
    gate_await_waiting(argument, 1);
    gate_open(argument);
    return NULL;
}

/* With one thread at the gate and a queue of two, the fourth job has to wait for room. */
static void test_a_full_queue_blocks(void **state)
{
    (void)state;
    struct gate gate;
    pthread_t opener;
    gate_init(&gate, false);
    struct ticket ticket = {&gate, 0};
    struct ots_pool *pool = new_pool(1, 2);
    assert_int_equal(pthread_create(&opener, NULL, open_later, &gate), 0);
    for (size_t i = 0; i < 10; i++)
        ots_pool_run(pool, pass, &ticket);
    pthread_mutex_lock(&gate.lock);
    assert_true(gate.passed >= 7);
    pthread_mutex_unlock(&gate.lock);
    ots_pool_free(pool);
    pthread_join(opener, NULL);
    assert_int_equal(gate.passed, 10);
    gate_deinit(&gate);
}

static void test_a_pool_without_jobs(void **state)
{
    (void)state;
    ots_pool_free(new_pool(3, 1));
    ots_pool_free(NULL);
}

static void count_wake(void *context)
{
    ++*(size_t *)context;
}

static void test_interrupts(void **state)
{
    (void)state;
    struct ots_interrupt interrupt;
    size_t wakes = 0;
    ots_interrupt_init(&interrupt);
    assert_false(ots_interrupt_is_raised(&interrupt));
    ots_interrupt_attach(&interrupt, count_wake, &wakes);
    assert_int_equal(wakes, 0);
    ots_interrupt_raise(&interrupt);
    assert_int_equal(wakes, 1);
    assert_true(ots_interrupt_is_raised(&interrupt));
    ots_interrupt_detach(&interrupt);
    ots_interrupt_raise(&interrupt);
    assert_int_equal(wakes, 1);
    /* Who comes later is woken at once. */
    ots_interrupt_attach(&interrupt, count_wake, &wakes);
    assert_int_equal(wakes, 2);
    ots_interrupt_detach(&interrupt);
    ots_interrupt_deinit(&interrupt);
}

/* Who looks before it waits is told of what happens from then on. */
static void test_waiters(void **state)
{
    (void)state;
    size_t wakes = 0;
    struct ots_interrupt interrupt;
    ots_interrupt_init(&interrupt);
    ots_interrupt_attach_waiter(&interrupt, count_wake, &wakes);
    assert_int_equal(wakes, 0);
    ots_interrupt_raise(&interrupt);
    assert_int_equal(wakes, 1);
    ots_interrupt_detach(&interrupt);
    ots_interrupt_attach_waiter(&interrupt, count_wake, &wakes);
    ots_interrupt_detach(&interrupt);
    assert_int_equal(wakes, 1);
    ots_interrupt_deinit(&interrupt);
}

static void test_nobody_can_interrupt(void **state)
{
    (void)state;
    size_t wakes = 0;
    ots_interrupt_attach(NULL, count_wake, &wakes);
    assert_false(ots_interrupt_is_raised(NULL));
    ots_interrupt_detach(NULL);
    assert_int_equal(wakes, 0);
}

struct waiter {
    struct ots_interrupt *interrupt;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    bool is_attached;
    bool is_woken;
};

static void wake_waiter(void *context)
{
    struct waiter *waiter = context;
    pthread_mutex_lock(&waiter->lock);
    waiter->is_woken = true;
    pthread_cond_broadcast(&waiter->woken);
    pthread_mutex_unlock(&waiter->lock);
}

static void *wait_for_interrupt(void *argument)
{
    struct waiter *waiter = argument;
    ots_interrupt_attach(waiter->interrupt, wake_waiter, waiter);
    pthread_mutex_lock(&waiter->lock);
    waiter->is_attached = true;
    pthread_cond_broadcast(&waiter->woken);
    /* Asking while holding the lock that `wake` takes must not block. */
    while (!waiter->is_woken && !ots_interrupt_is_raised(waiter->interrupt))
        pthread_cond_wait(&waiter->woken, &waiter->lock);
    pthread_mutex_unlock(&waiter->lock);
    ots_interrupt_detach(waiter->interrupt);
    return NULL;
}

static void test_a_waiter_is_woken(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        struct ots_interrupt interrupt;
        struct waiter waiter = {.interrupt = &interrupt};
        pthread_t thread;
        ots_interrupt_init(&interrupt);
        pthread_mutex_init(&waiter.lock, NULL);
        pthread_cond_init(&waiter.woken, NULL);
        assert_int_equal(pthread_create(&thread, NULL, wait_for_interrupt, &waiter), 0);
        if (round % 2) {
            pthread_mutex_lock(&waiter.lock);
            while (!waiter.is_attached)
                pthread_cond_wait(&waiter.woken, &waiter.lock);
            pthread_mutex_unlock(&waiter.lock);
        }
        ots_interrupt_raise(&interrupt);
        pthread_join(thread, NULL);
        pthread_cond_destroy(&waiter.woken);
        pthread_mutex_destroy(&waiter.lock);
        ots_interrupt_deinit(&interrupt);
    }
}

static int64_t now_us(void)
{
    return ots_clock_monotonic_us(&ots_clock_system);
}

static void test_bounded_waits(void **state)
{
    (void)state;
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition;
    ots_cond_init(&condition);
    pthread_mutex_lock(&lock);
    int64_t begin_us = now_us();
    while (ots_cond_wait_until(&condition, &lock, begin_us + 20000))
        ;
    assert_true(now_us() >= begin_us + 20000);
    begin_us = now_us();
    while (ots_cond_wait_for(&condition, &lock, 20000))
        ;
    assert_true(now_us() >= begin_us + 20000);
    /* What is over is not waited for. */
    assert_false(ots_cond_wait_until(&condition, &lock, begin_us));
    pthread_mutex_unlock(&lock);
    pthread_cond_destroy(&condition);
}

static void test_a_bounded_wait_is_ended(void **state)
{
    (void)state;
    struct gate gate;
    struct ticket ticket = {&gate, 0};
    struct ots_pool *pool = new_pool(1, 1);
    gate_init(&gate, false);
    pthread_cond_destroy(&gate.changed);
    ots_cond_init(&gate.changed);
    ots_pool_run(pool, pass, &ticket);
    pthread_mutex_lock(&gate.lock);
    bool has_time = true;
    while (!gate.waiting && has_time)
        has_time = ots_cond_wait_for(&gate.changed, &gate.lock, INT64_C(60) * 1000000);
    assert_int_equal(gate.waiting, 1);
    pthread_mutex_unlock(&gate.lock);
    gate_open(&gate);
    ots_pool_free(pool);
    gate_deinit(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_jobs_run_in_order),    cmocka_unit_test(test_jobs_run_side_by_side),
        cmocka_unit_test(test_a_full_queue_blocks),  cmocka_unit_test(test_a_pool_without_jobs),
        cmocka_unit_test(test_interrupts),           cmocka_unit_test(test_waiters),
        cmocka_unit_test(test_nobody_can_interrupt), cmocka_unit_test(test_a_waiter_is_woken),
        cmocka_unit_test(test_bounded_waits),        cmocka_unit_test(test_a_bounded_wait_is_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
