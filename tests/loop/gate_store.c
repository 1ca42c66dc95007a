#include "tests/loop/gate_store.h"

#include <stdlib.h>

/* A call whose answer is not passed on. */
struct deaf_call {
    struct ots_call *call;
    void (*done)(struct ots_call *call, void *context);
    void *done_context;
};

static void forget_answer(struct ots_call *call, void *context)
{
    struct deaf_call deaf = *(struct deaf_call *)context;
    free(context);
    call->done = deaf.done;
    call->done_context = deaf.done_context;
    call->status = ots_error_set(&call->error, OTS_TIMEOUT, "the gate is deaf");
    call->done(call, call->done_context);
}

static void make_deaf(struct ots_call *call)
{
    struct deaf_call *deaf = malloc(sizeof(*deaf));
    *deaf = (struct deaf_call){call, call->done, call->done_context};
    call->done = forget_answer;
    call->done_context = deaf;
}

static enum gate gate_for(struct gate_store *gate, enum ots_action action)
{
    if (action == OTS_ACTION_PUT)
        return (enum gate)atomic_load(&gate->puts);
    bool is_stream = action == OTS_ACTION_LIST_STREAMS || action == OTS_ACTION_DESCRIBE_STREAM ||
                     action == OTS_ACTION_SHARD_ITERATOR || action == OTS_ACTION_STREAM_RECORDS;
    return is_stream ? (enum gate)atomic_load(&gate->streams) : GATE_OPEN;
}

static void submit(struct ots_store *store, struct ots_call *call)
{
    struct gate_store *gate = (struct gate_store *)(void *)store;
    enum gate kind = gate_for(gate, call->action);
    atomic_fetch_add(&gate->put_count, call->action == OTS_ACTION_PUT);
    atomic_fetch_add(&gate->counts[call->action], 1);
    gate_before *before = atomic_load(&gate->before);
    if (before)
        before(gate->before_context, call);
    if (kind == GATE_CLOSED || kind == GATE_DENIED) {
        call->status = ots_error_set(&call->error, kind == GATE_CLOSED ? OTS_TIMEOUT : OTS_DENIED,
                                     "the gate is closed");
        call->done(call, call->done_context);
        return;
    }
    if (kind == GATE_DEAF)
        make_deaf(call);
    gate->next->ops->submit(gate->next, call);
}

static void cancel(struct ots_store *store, struct ots_call *call)
{
    struct gate_store *gate = (struct gate_store *)(void *)store;
    gate->next->ops->cancel(gate->next, call);
}

static int64_t now_us(struct ots_store *store)
{
    return ots_store_now_us(((struct gate_store *)(void *)store)->next);
}

static const struct ots_store_ops gate_ops = {submit, cancel, NULL, now_us};

void gate_store_init(struct gate_store *gate, struct ots_store *next)
{
    *gate = (struct gate_store){.store = {.ops = &gate_ops}, .next = next};
}
