#include "backend/base/interrupt.h"

#include <stddef.h>

void ots_interrupt_init(struct ots_interrupt *interrupt)
{
    pthread_mutex_init(&interrupt->synced.lock, NULL);
    atomic_init(&interrupt->is_raised, false);
    interrupt->synced.wake = NULL;
    interrupt->synced.context = NULL;
}

void ots_interrupt_deinit(struct ots_interrupt *interrupt)
{
    pthread_mutex_destroy(&interrupt->synced.lock);
}

void ots_interrupt_raise(struct ots_interrupt *interrupt)
{
    atomic_store(&interrupt->is_raised, true);
    pthread_mutex_lock(&interrupt->synced.lock);
    if (interrupt->synced.wake)
        interrupt->synced.wake(interrupt->synced.context);
    pthread_mutex_unlock(&interrupt->synced.lock);
}

bool ots_interrupt_is_raised(struct ots_interrupt *interrupt)
{
    return interrupt && atomic_load(&interrupt->is_raised);
}

void ots_interrupt_attach(struct ots_interrupt *interrupt, void (*wake)(void *context),
                          void *context)
{
    if (!interrupt)
        return;
    pthread_mutex_lock(&interrupt->synced.lock);
    interrupt->synced.wake = wake;
    interrupt->synced.context = context;
    if (ots_interrupt_is_raised(interrupt))
        wake(context);
    pthread_mutex_unlock(&interrupt->synced.lock);
}

void ots_interrupt_attach_waiter(struct ots_interrupt *interrupt, void (*wake)(void *context),
                                 void *context)
{
    if (!ots_interrupt_is_raised(interrupt))
        ots_interrupt_attach(interrupt, wake, context);
}

void ots_interrupt_detach(struct ots_interrupt *interrupt)
{
    if (!interrupt)
        return;
    pthread_mutex_lock(&interrupt->synced.lock);
    interrupt->synced.wake = NULL;
    interrupt->synced.context = NULL;
    pthread_mutex_unlock(&interrupt->synced.lock);
}
