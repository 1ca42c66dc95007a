#include "fs/view/knowledge.h"

#include "fs/view/state.h"

static enum ots_status claim_locked(struct ots_view *view, struct ots_knowledge *knowledge,
                                    struct ots_interrupt *interrupt, bool *is_claimed,
                                    struct ots_error *err)
{
    while (ots_view_now_us(view) >= knowledge->fresh_until_us) {
        if (ots_interrupt_is_raised(interrupt))
            return OTS_CANCELLED;
        if (!knowledge->is_busy) {
            knowledge->is_busy = true;
            *is_claimed = true;
            return OTS_OK;
        }
        uint64_t attempt = knowledge->attempt_count;
        pthread_cond_wait(&view->synced.changed, &view->synced.lock);
        enum ots_status failure = knowledge->failure.status;
        if (knowledge->attempt_count != attempt && failure != OTS_OK && failure != OTS_CANCELLED) {
            *err = knowledge->failure;
            return failure;
        }
    }
    return OTS_OK;
}

enum ots_status ots_knowledge_claim(struct ots_view *view, struct ots_knowledge *knowledge,
                                    struct ots_interrupt *interrupt, bool *is_claimed,
                                    struct ots_error *err)
{
    *is_claimed = false;
    ots_interrupt_attach_waiter(interrupt, ots_view_wake_waiters, view);
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = claim_locked(view, knowledge, interrupt, is_claimed, err);
    pthread_mutex_unlock(&view->synced.lock);
    ots_interrupt_detach(interrupt);
    return status;
}

void ots_knowledge_release(struct ots_view *view, struct ots_knowledge *knowledge,
                           enum ots_status status, const struct ots_error *err)
{
    pthread_mutex_lock(&view->synced.lock);
    if (status != OTS_OK)
        knowledge->failure = *err;
    knowledge->failure.status = status;
    knowledge->attempt_count++;
    knowledge->is_busy = false;
    pthread_cond_broadcast(&view->synced.changed);
    pthread_mutex_unlock(&view->synced.lock);
}
