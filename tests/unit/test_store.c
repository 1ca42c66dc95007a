#include "backend/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A store that answers within submit, from a thread of its own, or only when cancelled. */
enum answer { ANSWER_WITHIN_SUBMIT, ANSWER_FROM_THREAD, ANSWER_WHEN_CANCELLED };

struct fake_store {
    struct ots_store base;
    enum answer answer;
    enum ots_status status;
    pthread_t thread;
    bool has_thread;
    struct ots_call *call;
    int64_t now_us;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        unsigned submit_count;
        unsigned cancel_count;
    } synced;
};

static void finish(struct fake_store *fake, enum ots_status status)
{
    struct ots_call *call = fake->call;
    call->status = status;
    if (status != OTS_OK)
        ots_error_service(&call->error, status, "OTSSomething", "went wrong");
    call->done(call, call->done_context);
}

static void *answer(void *argument)
{
    struct fake_store *fake = argument;
    pthread_mutex_lock(&fake->synced.lock);
    while (fake->answer == ANSWER_WHEN_CANCELLED && !fake->synced.cancel_count)
        pthread_cond_wait(&fake->synced.changed, &fake->synced.lock);
    pthread_mutex_unlock(&fake->synced.lock);
    finish(fake, fake->status);
    return NULL;
}

static void fake_submit(struct ots_store *store, struct ots_call *call)
{
    struct fake_store *fake = (struct fake_store *)store;
    fake->call = call;
    pthread_mutex_lock(&fake->synced.lock);
    fake->synced.submit_count++;
    pthread_cond_broadcast(&fake->synced.changed);
    pthread_mutex_unlock(&fake->synced.lock);
    if (fake->answer == ANSWER_WITHIN_SUBMIT) {
        finish(fake, fake->status);
        return;
    }
    assert_int_equal(pthread_create(&fake->thread, NULL, answer, fake), 0);
    fake->has_thread = true;
}

static void fake_cancel(struct ots_store *store, struct ots_call *call)
{
    struct fake_store *fake = (struct fake_store *)store;
    assert_ptr_equal(call, fake->call);
    pthread_mutex_lock(&fake->synced.lock);
    fake->synced.cancel_count++;
    pthread_cond_broadcast(&fake->synced.changed);
    pthread_mutex_unlock(&fake->synced.lock);
}

static void fake_free(struct ots_store *store)
{
    struct fake_store *fake = (struct fake_store *)store;
    if (fake->has_thread)
        pthread_join(fake->thread, NULL);
    pthread_cond_destroy(&fake->synced.changed);
    pthread_mutex_destroy(&fake->synced.lock);
    free(fake);
}

static int64_t fake_now_us(struct ots_store *store)
{
    const struct fake_store *fake = (const struct fake_store *)(void *)store;
    return fake->now_us;
}

static struct fake_store *fake_new(enum answer how, enum ots_status status)
{
    static const struct ots_store_ops ops = {fake_submit, fake_cancel, fake_free, fake_now_us};
    struct fake_store *fake = calloc(1, sizeof(*fake));
    assert_non_null(fake);
    fake->base.ops = &ops;
    fake->answer = how;
    fake->status = status;
    pthread_mutex_init(&fake->synced.lock, NULL);
    pthread_cond_init(&fake->synced.changed, NULL);
    return fake;
}

static void test_answer_within_submit(void **state)
{
    (void)state;
    struct fake_store *fake = fake_new(ANSWER_WITHIN_SUBMIT, OTS_OK);
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_LIST_TABLES);
    assert_int_equal(ots_store_run(&fake->base, &call, NULL, NULL), OTS_OK);
    ots_call_deinit(&call);
    ots_store_free(&fake->base);
}

static void test_answer_from_thread(void **state)
{
    (void)state;
    struct fake_store *fake = fake_new(ANSWER_FROM_THREAD, OTS_OK);
    struct ots_interrupt interrupt;
    struct ots_call call;
    ots_interrupt_init(&interrupt);
    ots_call_init(&call, OTS_ACTION_LIST_TABLES);
    struct ots_error err = {.status = OTS_OK};
    assert_int_equal(ots_store_run(&fake->base, &call, &interrupt, &err), OTS_OK);
    assert_int_equal(err.status, OTS_OK);
    /* Detached: raising later must not reach the call. */
    ots_interrupt_raise(&interrupt);
    assert_int_equal(fake->synced.cancel_count, 0);
    ots_call_deinit(&call);
    ots_interrupt_deinit(&interrupt);
    ots_store_free(&fake->base);
}

static void test_error_is_copied(void **state)
{
    (void)state;
    struct fake_store *fake = fake_new(ANSWER_FROM_THREAD, OTS_DENIED);
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_PUT);
    struct ots_error err = {.status = OTS_OK};
    assert_int_equal(ots_store_run(&fake->base, &call, NULL, &err), OTS_DENIED);
    assert_int_equal(err.status, OTS_DENIED);
    assert_string_equal(err.service_code, "OTSSomething");
    assert_string_equal(err.message, "went wrong");
    ots_call_deinit(&call);
    ots_store_free(&fake->base);
}

static void test_raised_before(void **state)
{
    (void)state;
    struct fake_store *fake = fake_new(ANSWER_WITHIN_SUBMIT, OTS_OK);
    struct ots_interrupt interrupt;
    struct ots_call call;
    ots_interrupt_init(&interrupt);
    ots_interrupt_raise(&interrupt);
    ots_call_init(&call, OTS_ACTION_PUT);
    struct ots_error err;
    assert_int_equal(ots_store_run(&fake->base, &call, &interrupt, &err), OTS_CANCELLED);
    assert_int_equal(call.status, OTS_CANCELLED);
    assert_string_equal(err.message, "PutTimeseriesData: cancelled");
    assert_int_equal(fake->synced.submit_count, 0);
    ots_call_deinit(&call);
    ots_interrupt_deinit(&interrupt);
    ots_store_free(&fake->base);
}

struct raiser {
    struct fake_store *fake;
    struct ots_interrupt *interrupt;
};

static void *raise_when_submitted(void *argument)
{
    struct raiser *raiser = argument;
    pthread_mutex_lock(&raiser->fake->synced.lock);
    while (!raiser->fake->synced.submit_count)
        pthread_cond_wait(&raiser->fake->synced.changed, &raiser->fake->synced.lock);
    pthread_mutex_unlock(&raiser->fake->synced.lock);
    ots_interrupt_raise(raiser->interrupt);
    return NULL;
}

static void test_raised_while_waiting(void **state)
{
    (void)state;
    struct fake_store *fake = fake_new(ANSWER_WHEN_CANCELLED, OTS_CANCELLED);
    struct ots_interrupt interrupt;
    struct ots_call call;
    ots_interrupt_init(&interrupt);
    ots_call_init(&call, OTS_ACTION_GET);
    struct raiser raiser = {fake, &interrupt};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, raise_when_submitted, &raiser), 0);
    assert_int_equal(ots_store_run(&fake->base, &call, &interrupt, NULL), OTS_CANCELLED);
    pthread_join(thread, NULL);
    assert_int_equal(fake->synced.cancel_count, 1);
    ots_call_deinit(&call);
    ots_interrupt_deinit(&interrupt);
    ots_store_free(&fake->base);
}

static void test_service_time(void **state)
{
    (void)state;
    struct fake_store *fake = fake_new(ANSWER_WITHIN_SUBMIT, OTS_OK);
    fake->now_us = INT64_C(1700000000123456);
    assert_int_equal(ots_store_now_us(&fake->base), fake->now_us);
    ots_store_free(&fake->base);
}

static void test_free_null(void **state)
{
    (void)state;
    ots_store_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer_within_submit), cmocka_unit_test(test_answer_from_thread),
        cmocka_unit_test(test_error_is_copied),      cmocka_unit_test(test_raised_before),
        cmocka_unit_test(test_raised_while_waiting), cmocka_unit_test(test_free_null),
        cmocka_unit_test(test_service_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
