#include "backend/wire/conditions.h"

static enum ots_status pack_body(const void *inner, struct ots_arena *arena,
                                 Ots__Wire__Condition *message)
{
    struct ots_buf packed = OTS_BUF_INIT;
    struct ots_slice body = OTS_SLICE_NONE;
    enum ots_status status = ots_proto_pack(inner, &packed);
    if (status == OTS_OK)
        status = ots_arena_copy(arena, ots_buf_slice(&packed), &body);
    ots_buf_deinit(&packed);
    message->body = ots_proto_bytes(body);
    return status;
}

static enum ots_status text_out(const struct ots_condition *condition, struct ots_arena *arena,
                                Ots__Wire__Condition *message)
{
    Ots__Wire__TextCondition text = OTS__WIRE__TEXT_CONDITION__INIT;
    text.comparison = (int32_t)condition->comparison;
    text.value = ots_proto_bytes(condition->value);
    return pack_body(&text, arena, message);
}

static enum ots_status named_out(const struct ots_condition *condition, struct ots_arena *arena,
                                 Ots__Wire__Condition *message)
{
    Ots__Wire__NamedCondition named = OTS__WIRE__NAMED_CONDITION__INIT;
    named.comparison = (int32_t)condition->comparison;
    named.name = ots_proto_bytes(condition->name);
    named.value = ots_proto_bytes(condition->value);
    return pack_body(&named, arena, message);
}

static enum ots_status time_out(const struct ots_condition *condition, struct ots_arena *arena,
                                Ots__Wire__Condition *message)
{
    Ots__Wire__TimeCondition time = OTS__WIRE__TIME_CONDITION__INIT;
    time.comparison = (int32_t)condition->comparison;
    time.time_us = condition->time_us;
    return pack_body(&time, arena, message);
}

static enum ots_status tree_out(const struct ots_condition *condition, struct ots_arena *arena,
                                Ots__Wire__Condition *message);

static enum ots_status composite_out(const struct ots_condition *condition, struct ots_arena *arena,
                                     Ots__Wire__Condition *message)
{
    Ots__Wire__CompositeCondition composite = OTS__WIRE__COMPOSITE_CONDITION__INIT;
    composite.logic = (int32_t)condition->logic;
    composite.n_children = condition->child_count;
    composite.children = (Ots__Wire__Condition **)ots_proto_array(
        arena, condition->child_count, sizeof(Ots__Wire__Condition),
        &ots__wire__condition__descriptor);
    if (!composite.children)
        return OTS_NOMEM;
    for (size_t i = 0; i < condition->child_count; i++) {
        enum ots_status status = tree_out(&condition->children[i], arena, composite.children[i]);
        if (status != OTS_OK)
            return status;
    }
    return pack_body(&composite, arena, message);
}

static enum ots_status tree_out(const struct ots_condition *condition, struct ots_arena *arena,
                                Ots__Wire__Condition *message)
{
    message->kind = (int32_t)condition->kind;
    switch (condition->kind) {
    case OTS_CONDITION_COMPOSITE:
        return composite_out(condition, arena, message);
    case OTS_CONDITION_MEASUREMENT:
    case OTS_CONDITION_DATA_SOURCE:
        return text_out(condition, arena, message);
    case OTS_CONDITION_TAG:
    case OTS_CONDITION_ATTRIBUTE:
        return named_out(condition, arena, message);
    case OTS_CONDITION_UPDATE_TIME:
        return time_out(condition, arena, message);
    }
    return OTS_INVALID;
}

enum ots_status ots_conditions_out(const struct ots_condition *condition, struct ots_arena *arena,
                                   Ots__Wire__Condition *message, struct ots_error *err)
{
    enum ots_status status = ots_condition_check(condition, err);
    return status == OTS_OK ? tree_out(condition, arena, message) : status;
}

static enum ots_status text_in(struct ots_slice body, struct ots_arena *arena,
                               struct ots_condition *condition, struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = ots_proto_unpack(&ots__wire__text_condition__descriptor, body, arena,
                                              "condition", &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__TextCondition *text = unpacked;
    condition->comparison = (enum ots_comparison)text->comparison;
    condition->value = ots_proto_slice(text->value);
    return OTS_OK;
}

static enum ots_status named_in(struct ots_slice body, struct ots_arena *arena,
                                struct ots_condition *condition, struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = ots_proto_unpack(&ots__wire__named_condition__descriptor, body, arena,
                                              "condition", &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__NamedCondition *named = unpacked;
    condition->comparison = (enum ots_comparison)named->comparison;
    condition->name = ots_proto_slice(named->name);
    condition->value = ots_proto_slice(named->value);
    return OTS_OK;
}

static enum ots_status time_in(struct ots_slice body, struct ots_arena *arena,
                               struct ots_condition *condition, struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = ots_proto_unpack(&ots__wire__time_condition__descriptor, body, arena,
                                              "condition", &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__TimeCondition *time = unpacked;
    condition->comparison = (enum ots_comparison)time->comparison;
    condition->time_us = time->time_us;
    return OTS_OK;
}

static enum ots_status tree_in(const Ots__Wire__Condition *message, size_t depth,
                               struct ots_arena *arena, struct ots_condition *condition,
                               struct ots_error *err);

static enum ots_status composite_in(struct ots_slice body, size_t depth, struct ots_arena *arena,
                                    struct ots_condition *condition, struct ots_error *err)
{
    const void *unpacked;
    enum ots_status status = ots_proto_unpack(&ots__wire__composite_condition__descriptor, body,
                                              arena, "condition", &unpacked, err);
    if (status != OTS_OK)
        return status;
    const Ots__Wire__CompositeCondition *composite = unpacked;
    struct ots_condition *children =
        ots_arena_array(arena, composite->n_children, sizeof(*children));
    if (!children)
        return OTS_NOMEM;
    condition->logic = (enum ots_logic)composite->logic;
    condition->children = children;
    condition->child_count = composite->n_children;
    for (size_t i = 0; i < composite->n_children && status == OTS_OK; i++)
        status = tree_in(composite->children[i], depth + 1, arena, &children[i], err);
    return status;
}

/* The depth is bounded here as well: the check of the whole tree comes after the recursion. */
static enum ots_status tree_in(const Ots__Wire__Condition *message, size_t depth,
                               struct ots_arena *arena, struct ots_condition *condition,
                               struct ots_error *err)
{
    struct ots_slice body = ots_proto_slice(message->body);
    if (depth > OTS_CONDITION_DEPTH_MAX)
        return ots_error_set(err, OTS_INVALID, "condition: nested more than %d deep",
                             OTS_CONDITION_DEPTH_MAX);
    *condition = (struct ots_condition){.kind = (enum ots_condition_kind)message->kind};
    switch (condition->kind) {
    case OTS_CONDITION_COMPOSITE:
        return composite_in(body, depth, arena, condition, err);
    case OTS_CONDITION_MEASUREMENT:
    case OTS_CONDITION_DATA_SOURCE:
        return text_in(body, arena, condition, err);
    case OTS_CONDITION_TAG:
    case OTS_CONDITION_ATTRIBUTE:
        return named_in(body, arena, condition, err);
    case OTS_CONDITION_UPDATE_TIME:
        return time_in(body, arena, condition, err);
    }
    return ots_error_set(err, OTS_INVALID, "condition: unknown kind %d", (int)message->kind);
}

enum ots_status ots_conditions_in(const Ots__Wire__Condition *message, struct ots_arena *arena,
                                  const struct ots_condition **condition, struct ots_error *err)
{
    struct ots_condition *tree = ots_arena_alloc(arena, sizeof(*tree));
    if (!tree)
        return OTS_NOMEM;
    enum ots_status status = tree_in(message, 1, arena, tree, err);
    if (status == OTS_OK)
        status = ots_condition_check(tree, err);
    *condition = tree;
    return status;
}
