#include "backend/store.h"

/* One thread that waits for one call. */
struct wait {
    struct ots_store *store;
    struct ots_call *call;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t done;
        bool is_done;
    } synced;
};

static void wait_done(struct ots_call *call, void *context)
{
    struct wait *wait = context;
    (void)call;
    pthread_mutex_lock(&wait->synced.lock);
    wait->synced.is_done = true;
    pthread_cond_signal(&wait->synced.done);
    pthread_mutex_unlock(&wait->synced.lock);
}

/* Runs under the interrupt's lock. The call lives until its waiter has detached. */
static void wait_interrupted(void *context)
{
    struct wait *wait = context;
    wait->store->ops->cancel(wait->store, wait->call);
}

static void wait_run(struct wait *wait, struct ots_interrupt *interrupt)
{
    wait->call->done = wait_done;
    wait->call->done_context = wait;
    pthread_mutex_init(&wait->synced.lock, NULL);
    pthread_cond_init(&wait->synced.done, NULL);
    wait->store->ops->submit(wait->store, wait->call);
    ots_interrupt_attach(interrupt, wait_interrupted, wait);

    pthread_mutex_lock(&wait->synced.lock);
    while (!wait->synced.is_done)
        pthread_cond_wait(&wait->synced.done, &wait->synced.lock);
    pthread_mutex_unlock(&wait->synced.lock);

    ots_interrupt_detach(interrupt);
    pthread_cond_destroy(&wait->synced.done);
    pthread_mutex_destroy(&wait->synced.lock);
}

enum ots_status ots_store_run(struct ots_store *store, struct ots_call *call,
                              struct ots_interrupt *interrupt, struct ots_error *err)
{
    struct wait wait = {.store = store, .call = call};
    if (ots_interrupt_is_raised(interrupt))
        call->status = ots_error_set(&call->error, OTS_CANCELLED, "%s: cancelled",
                                     ots_action_name(call->action));
    else
        wait_run(&wait, interrupt);
    if (call->status != OTS_OK && err)
        *err = call->error;
    return call->status;
}

int64_t ots_store_now_us(struct ots_store *store)
{
    return store->ops->now_us(store);
}

void ots_store_free(struct ots_store *store)
{
    if (store)
        store->ops->free(store);
}
