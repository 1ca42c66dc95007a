#include "backend/model/condition.h"

/* `order` is the sign of: what the timeline has, compared to what the condition names. */
static bool order_satisfies(enum ots_comparison comparison, int order)
{
    switch (comparison) {
    case OTS_EQUAL:
        return order == 0;
    case OTS_GREATER_THAN:
        return order > 0;
    case OTS_GREATER_EQUAL:
        return order >= 0;
    case OTS_LESS_THAN:
        return order < 0;
    case OTS_LESS_EQUAL:
        return order <= 0;
    case OTS_PREFIX:
        break;
    }
    return false;
}

static bool text_matches(const struct ots_condition *condition, struct ots_slice text)
{
    if (condition->comparison == OTS_PREFIX)
        return ots_slice_starts(text, condition->value);
    return order_satisfies(condition->comparison, ots_slice_compare(text, condition->value));
}

static bool tag_matches(const struct ots_condition *condition, const struct ots_tag *tags,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ots_slice_equal(tags[i].name, condition->name))
            return text_matches(condition, tags[i].value);
    return false;
}

static bool children_match(const struct ots_condition *condition,
                           const struct ots_timeline_meta *meta)
{
    bool stops_at = condition->logic == OTS_LOGIC_OR;
    bool found = !stops_at;
    for (size_t i = 0; i < condition->child_count && found != stops_at; i++)
        found = ots_condition_matches(&condition->children[i], meta);
    return condition->logic == OTS_LOGIC_NOT ? !found : found;
}

bool ots_condition_matches(const struct ots_condition *condition,
                           const struct ots_timeline_meta *meta)
{
    if (!condition)
        return true;
    switch (condition->kind) {
    case OTS_CONDITION_COMPOSITE:
        return children_match(condition, meta);
    case OTS_CONDITION_MEASUREMENT:
        return text_matches(condition, meta->key.measurement);
    case OTS_CONDITION_DATA_SOURCE:
        return text_matches(condition, meta->key.data_source);
    case OTS_CONDITION_TAG:
        return tag_matches(condition, meta->key.tags, meta->key.tag_count);
    case OTS_CONDITION_UPDATE_TIME:
        return order_satisfies(condition->comparison,
                               (meta->update_time_us > condition->time_us) -
                                   (meta->update_time_us < condition->time_us));
    case OTS_CONDITION_ATTRIBUTE:
        return tag_matches(condition, meta->attributes, meta->attribute_count);
    }
    return false;
}

static enum ots_status composite_check(const struct ots_condition *condition, struct ots_error *err)
{
    switch (condition->logic) {
    case OTS_LOGIC_AND:
    case OTS_LOGIC_OR:
        if (condition->child_count < 1)
            return ots_error_set(err, OTS_INVALID, "condition: AND and OR need sub-conditions");
        return OTS_OK;
    case OTS_LOGIC_NOT:
        if (condition->child_count != 1)
            return ots_error_set(err, OTS_INVALID,
                                 "condition: NOT needs one sub-condition, got %zu",
                                 condition->child_count);
        return OTS_OK;
    }
    return ots_error_set(err, OTS_INVALID, "condition: unknown logical operator %d",
                         (int)condition->logic);
}

static enum ots_status comparison_check(const struct ots_condition *condition,
                                        struct ots_error *err)
{
    if ((int)condition->comparison < OTS_EQUAL || condition->comparison > OTS_PREFIX)
        return ots_error_set(err, OTS_INVALID, "condition: unknown comparison %d",
                             (int)condition->comparison);
    if (condition->kind == OTS_CONDITION_UPDATE_TIME && condition->comparison == OTS_PREFIX)
        return ots_error_set(err, OTS_INVALID, "condition: an update time has no prefix");
    return OTS_OK;
}

static enum ots_status check_at(const struct ots_condition *condition, size_t depth,
                                struct ots_error *err)
{
    if (depth > OTS_CONDITION_DEPTH_MAX)
        return ots_error_set(err, OTS_INVALID, "condition: nested more than %d deep",
                             OTS_CONDITION_DEPTH_MAX);
    if ((int)condition->kind < OTS_CONDITION_COMPOSITE || condition->kind > OTS_CONDITION_ATTRIBUTE)
        return ots_error_set(err, OTS_INVALID, "condition: unknown kind %d", (int)condition->kind);
    if (condition->kind != OTS_CONDITION_COMPOSITE)
        return comparison_check(condition, err);
    enum ots_status status = composite_check(condition, err);
    for (size_t i = 0; i < condition->child_count && status == OTS_OK; i++)
        status = check_at(&condition->children[i], depth + 1, err);
    return status;
}

enum ots_status ots_condition_check(const struct ots_condition *condition, struct ots_error *err)
{
    return condition ? check_at(condition, 1, err) : OTS_OK;
}
