/*
 * The wish of whoever waits for an operation that it end now (Ctrl-C in a tool, an unmount).
 *
 * Raised once, never taken back. One waiter at a time attaches what wakes it.
 * Threads: safe.
 */
#ifndef OTS_BASE_INTERRUPT_H
#define OTS_BASE_INTERRUPT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct ots_interrupt {
    /* Read without the lock, so that a waiter may ask while it holds a lock of its own that
     * `wake` takes. */
    atomic_bool is_raised;
    struct {
        pthread_mutex_t lock;
        void (*wake)(void *context);
        void *context;
    } synced;
};

void ots_interrupt_init(struct ots_interrupt *interrupt);
void ots_interrupt_deinit(struct ots_interrupt *interrupt);

/* Raise it and wake the attached waiter. `wake` runs under the interrupt's lock. */
void ots_interrupt_raise(struct ots_interrupt *interrupt);

/* False for NULL: an operation that nobody can interrupt. */
bool ots_interrupt_is_raised(struct ots_interrupt *interrupt);

/* `wake(context)` is called on raising, at once if that has happened. NULL interrupt: nothing. */
void ots_interrupt_attach(struct ots_interrupt *interrupt, void (*wake)(void *context),
                          void *context);
/*
 * The same for who looks whether it is raised before each wait: nothing if that has happened. So
 * who may not wait, and comes with an interrupt that is raised, wakes nobody else.
 */
void ots_interrupt_attach_waiter(struct ots_interrupt *interrupt, void (*wake)(void *context),
                                 void *context);
/* After its return `wake` is not running and will not be called. */
void ots_interrupt_detach(struct ots_interrupt *interrupt);

#endif
