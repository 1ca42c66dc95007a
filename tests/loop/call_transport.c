#include "tests/loop/call_transport.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { THREADS_MAX = 16 };

struct call_transport {
    struct ots_transport base;
    call_transport_serve *serve;
    void *context;
    pthread_t threads[THREADS_MAX];
    unsigned thread_count;
    /* link.carrier points at one of these, or nowhere while the exchange is queued. */
    char serving;
    char hanging;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        struct ots_exchange *first;
        struct ots_exchange *last;
        bool is_ending;
    } synced;
};

static void unlink_locked(struct call_transport *transport, struct ots_exchange *exchange)
{
    if (exchange->link.previous)
        exchange->link.previous->link.next = exchange->link.next;
    else
        transport->synced.first = exchange->link.next;
    if (exchange->link.next)
        exchange->link.next->link.previous = exchange->link.previous;
    else
        transport->synced.last = exchange->link.previous;
}

static bool is_cancelled_locked(const struct call_transport *transport,
                                const struct ots_exchange *exchange)
{
    return exchange->link.is_cancelled || transport->synced.is_ending;
}

/* The next exchange that something can be done for. */
static struct ots_exchange *find_locked(struct call_transport *transport)
{
    struct ots_exchange *exchange = transport->synced.first;
    for (; exchange; exchange = exchange->link.next) {
        if (!exchange->link.carrier)
            break;
        if (exchange->link.carrier == &transport->hanging &&
            is_cancelled_locked(transport, exchange))
            break;
    }
    return exchange;
}

static void finish(struct call_transport *transport, struct ots_exchange *exchange)
{
    pthread_mutex_lock(&transport->synced.lock);
    unlink_locked(transport, exchange);
    pthread_cond_broadcast(&transport->synced.changed);
    pthread_mutex_unlock(&transport->synced.lock);
    exchange->done(exchange, exchange->done_context);
}

static void attend(struct call_transport *transport, struct ots_exchange *exchange,
                   bool is_cancelled)
{
    bool is_answered = true;
    if (is_cancelled)
        exchange->status = ots_error_set(&exchange->error, OTS_CANCELLED, "cancelled");
    else
        is_answered = transport->serve(transport->context, exchange, exchange->link.start_us);
    if (is_answered) {
        finish(transport, exchange);
        return;
    }
    pthread_mutex_lock(&transport->synced.lock);
    exchange->link.carrier = &transport->hanging;
    pthread_mutex_unlock(&transport->synced.lock);
}

static void *work(void *argument)
{
    struct call_transport *transport = argument;
    for (;;) {
        pthread_mutex_lock(&transport->synced.lock);
        struct ots_exchange *exchange;
        while (!(exchange = find_locked(transport)) &&
               !(transport->synced.is_ending && !transport->synced.first))
            pthread_cond_wait(&transport->synced.changed, &transport->synced.lock);
        bool is_cancelled = exchange && is_cancelled_locked(transport, exchange);
        if (exchange)
            exchange->link.carrier = &transport->serving;
        pthread_mutex_unlock(&transport->synced.lock);
        if (!exchange)
            return NULL;
        attend(transport, exchange, is_cancelled);
    }
}

static void transport_submit(struct ots_transport *base, struct ots_exchange *exchange,
                             int64_t delay_ms)
{
    struct call_transport *transport = (struct call_transport *)base;
    pthread_mutex_lock(&transport->synced.lock);
    exchange->link.previous = transport->synced.last;
    exchange->link.next = NULL;
    exchange->link.start_us = delay_ms;
    exchange->link.carrier = NULL;
    exchange->link.is_cancelled = false;
    if (transport->synced.last)
        transport->synced.last->link.next = exchange;
    else
        transport->synced.first = exchange;
    transport->synced.last = exchange;
    pthread_cond_broadcast(&transport->synced.changed);
    pthread_mutex_unlock(&transport->synced.lock);
}

static void transport_cancel(struct ots_transport *base, struct ots_exchange *exchange)
{
    struct call_transport *transport = (struct call_transport *)base;
    pthread_mutex_lock(&transport->synced.lock);
    struct ots_exchange *found = transport->synced.first;
    while (found && found != exchange)
        found = found->link.next;
    if (found)
        found->link.is_cancelled = true;
    pthread_cond_broadcast(&transport->synced.changed);
    pthread_mutex_unlock(&transport->synced.lock);
}

static void transport_free(struct ots_transport *base)
{
    struct call_transport *transport = (struct call_transport *)base;
    pthread_mutex_lock(&transport->synced.lock);
    transport->synced.is_ending = true;
    pthread_cond_broadcast(&transport->synced.changed);
    pthread_mutex_unlock(&transport->synced.lock);
    for (unsigned i = 0; i < transport->thread_count; i++)
        pthread_join(transport->threads[i], NULL);
    pthread_cond_destroy(&transport->synced.changed);
    pthread_mutex_destroy(&transport->synced.lock);
    free(transport);
}

struct ots_transport *call_transport_new(call_transport_serve *serve, void *context,
                                         unsigned thread_count)
{
    static const struct ots_transport_ops ops = {transport_submit, transport_cancel,
                                                 transport_free};
    struct call_transport *transport = calloc(1, sizeof(*transport));
    assert(transport && thread_count <= THREADS_MAX);
    transport->base.ops = &ops;
    transport->serve = serve;
    transport->context = context;
    pthread_mutex_init(&transport->synced.lock, NULL);
    pthread_cond_init(&transport->synced.changed, NULL);
    while (transport->thread_count < thread_count) {
        int failure =
            pthread_create(&transport->threads[transport->thread_count++], NULL, work, transport);
        assert(!failure);
    }
    return &transport->base;
}
