#include "tests/loop/tap.h"

#include <assert.h>
#include <string.h>

static struct tap *tap_of(struct ots_store *store)
{
    return (struct tap *)(void *)store;
}

static void pass_on(struct tap *tap, struct ots_call *call)
{
    if (tap->pass_on)
        tap->pass_on(tap->pass_context, call);
    else
        tap->next->ops->submit(tap->next, call);
}

static void submit(struct ots_store *store, struct ots_call *call)
{
    struct tap *tap = tap_of(store);
    pthread_mutex_lock(&tap->lock);
    tap->counts[call->action]++;
    bool is_failing = tap->fail_count && tap->fail_action == call->action;
    tap->fail_count -= is_failing;
    enum ots_status fail_status = tap->fail_status;
    bool is_swallowed = tap->is_swallowing && call->action == OTS_ACTION_UPDATE_META;
    bool is_held =
        !is_failing && !is_swallowed && tap->is_holding && tap->hold_action == call->action;
    if (is_held) {
        assert(!tap->held);
        tap->held = call;
    }
    pthread_cond_broadcast(&tap->changed);
    pthread_mutex_unlock(&tap->lock);
    if (is_failing)
        call->status = ots_error_set(&call->error, fail_status, "the test wants it");
    if (is_failing || is_swallowed)
        call->done(call, call->done_context);
    else if (!is_held)
        pass_on(tap, call);
}

static void cancel(struct ots_store *store, struct ots_call *call)
{
    struct tap *tap = tap_of(store);
    pthread_mutex_lock(&tap->lock);
    bool is_held = tap->held == call;
    if (is_held)
        tap->held = NULL;
    pthread_mutex_unlock(&tap->lock);
    if (!is_held) {
        tap->next->ops->cancel(tap->next, call);
        return;
    }
    call->status = ots_error_set(&call->error, OTS_CANCELLED, "cancelled");
    call->done(call, call->done_context);
}

static int64_t now_us(struct ots_store *store)
{
    return ots_store_now_us(tap_of(store)->next);
}

static const struct ots_store_ops OPS = {submit, cancel, NULL, now_us};

void tap_init(struct tap *tap, struct ots_store *next)
{
    *tap = (struct tap){.store = {.ops = &OPS}, .next = next};
    pthread_mutex_init(&tap->lock, NULL);
    pthread_cond_init(&tap->changed, NULL);
}

void tap_deinit(struct tap *tap)
{
    pthread_cond_destroy(&tap->changed);
    pthread_mutex_destroy(&tap->lock);
}

size_t tap_count(struct tap *tap, enum ots_action action)
{
    pthread_mutex_lock(&tap->lock);
    size_t count = tap->counts[action];
    pthread_mutex_unlock(&tap->lock);
    return count;
}

size_t tap_count_all(struct tap *tap)
{
    size_t count = 0;
    for (enum ots_action action = 0; action < OTS_ACTION_COUNT; action++)
        count += tap_count(tap, action);
    return count;
}

void tap_forget(struct tap *tap)
{
    pthread_mutex_lock(&tap->lock);
    memset(tap->counts, 0, sizeof(tap->counts));
    pthread_mutex_unlock(&tap->lock);
}

void tap_fail(struct tap *tap, enum ots_action action, enum ots_status status, size_t count)
{
    pthread_mutex_lock(&tap->lock);
    tap->fail_action = action;
    tap->fail_status = status;
    tap->fail_count = count;
    pthread_mutex_unlock(&tap->lock);
}

void tap_hold(struct tap *tap, enum ots_action action)
{
    pthread_mutex_lock(&tap->lock);
    tap->hold_action = action;
    tap->is_holding = true;
    pthread_mutex_unlock(&tap->lock);
}

void tap_wait_held(struct tap *tap)
{
    pthread_mutex_lock(&tap->lock);
    while (!tap->held)
        pthread_cond_wait(&tap->changed, &tap->lock);
    pthread_mutex_unlock(&tap->lock);
}

void tap_release(struct tap *tap)
{
    pthread_mutex_lock(&tap->lock);
    struct ots_call *call = tap->held;
    tap->held = NULL;
    tap->is_holding = false;
    pthread_mutex_unlock(&tap->lock);
    if (call)
        pass_on(tap, call);
}
