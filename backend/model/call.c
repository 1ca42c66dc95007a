#include "backend/model/call.h"

#include <assert.h>

static const struct {
    const char *name;
    bool is_idempotent;
} actions[OTS_ACTION_COUNT] = {
#define X(name, text, is_idempotent) {text, is_idempotent},
    OTS_ACTION_LIST(X)
#undef X
};

const char *ots_action_name(enum ots_action action)
{
    assert(action < OTS_ACTION_COUNT);
    return actions[action].name;
}

bool ots_action_find(struct ots_slice name, enum ots_action *action)
{
    for (size_t i = 0; i < OTS_ACTION_COUNT; i++) {
        if (ots_slice_equal(name, ots_slice_str(actions[i].name))) {
            *action = (enum ots_action)i;
            return true;
        }
    }
    return false;
}

bool ots_action_is_idempotent(enum ots_action action)
{
    assert(action < OTS_ACTION_COUNT);
    return actions[action].is_idempotent;
}

void ots_call_init(struct ots_call *call, enum ots_action action)
{
    memset(call, 0, sizeof(*call));
    call->action = action;
    call->arena = OTS_ARENA_INIT;
}

void ots_call_deinit(struct ots_call *call)
{
    ots_arena_deinit(&call->arena);
}
