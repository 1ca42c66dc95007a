#include "backend/server/fault_config.h"

#include "backend/base/json.h"
#include "backend/wire/service_code.h"

#include <math.h>
#include <stdio.h>

enum { SECONDS_MAX = 7 * 86400, COUNT_MAX = 1000000000, DELAY_MS_MAX = 600000 };

/* ---- numbers ---- */

static enum ots_status take_number(const struct ots_json *object, const char *name, double min,
                                   double max, double *number, struct ots_error *err)
{
    if (!ots_json_member(object, name))
        return OTS_OK;
    double value;
    if (!ots_json_number(object, name, &value) || !(value >= min && value <= max))
        return ots_error_set(err, OTS_INVALID, "%s: a number from %.0f to %.0f is wanted", name,
                             min, max);
    *number = value;
    return OTS_OK;
}

static enum ots_status take_count(const struct ots_json *object, const char *name, double min,
                                  uint64_t *count, struct ots_error *err)
{
    double number = (double)*count;
    enum ots_status status = take_number(object, name, min, COUNT_MAX, &number, err);
    if (status == OTS_OK && number != floor(number))
        return ots_error_set(err, OTS_INVALID, "%s: a whole number is wanted", name);
    *count = (uint64_t)number;
    return status;
}

static enum ots_status take_seconds(const struct ots_json *object, const char *name, double min,
                                    int64_t *time_us, struct ots_error *err)
{
    double seconds = 0;
    enum ots_status status = take_number(object, name, min, SECONDS_MAX, &seconds, err);
    *time_us = (int64_t)(seconds * 1e6);
    return status;
}

/* A mistyped name would be a fault that never comes. */
static enum ots_status check_names(const struct ots_json *object, const char *const *known,
                                   struct ots_error *err)
{
    if (!ots_json_is_object(object))
        return ots_error_set(err, OTS_INVALID, "an object is wanted");
    const char *name;
    for (size_t i = 0; (name = ots_json_name_at(object, i)); i++) {
        size_t at = 0;
        while (known[at] && strcmp(known[at], name) != 0)
            at++;
        if (!known[at])
            return ots_error_set(err, OTS_INVALID, "unknown member %.64s", name);
    }
    return OTS_OK;
}

/* ---- rules ---- */

static const char *usual_message(const char *code)
{
    static const char *const messages[][2] = {
        {OTS_CODE_SERVER_BUSY, "Server is busy."},
        {OTS_CODE_QUOTA_EXHAUSTED, "Too frequent table operations."},
        {OTS_CODE_TABLE_NOT_READY, "The table is not ready."},
        {OTS_CODE_PARTITION_UNAVAILABLE, "The partition is not available."},
        {OTS_CODE_SERVER_UNAVAILABLE, "Server is not available."},
        {OTS_CODE_TIMEOUT, "Operation timeout."},
    };
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
        if (strcmp(messages[i][0], code) == 0)
            return messages[i][1];
    return "A fault on purpose.";
}

static enum ots_status take_text(const struct ots_json *object, const char *name, const char **text,
                                 struct ots_error *err)
{
    *text = ots_json_string(object, name);
    if (!*text && ots_json_member(object, name))
        return ots_error_set(err, OTS_INVALID, "%s: a text is wanted", name);
    return OTS_OK;
}

static enum ots_status take_action(const struct ots_json *object, struct ots_fault_rule *rule,
                                   struct ots_error *err)
{
    const char *name;
    enum ots_status status = take_text(object, "action", &name, err);
    rule->is_of_every_action = !name;
    if (status == OTS_OK && name && !ots_action_find(ots_slice_str(name), &rule->action))
        return ots_error_set(err, OTS_INVALID, "action: %.64s is none", name);
    return status;
}

static enum ots_status take_refusal(const struct ots_json *object, bool is_needed,
                                    struct ots_refusal *refusal, struct ots_error *err)
{
    const char *code;
    const char *message = NULL;
    enum ots_status status = take_text(object, "code", &code, err);
    if (status == OTS_OK)
        status = take_text(object, "message", &message, err);
    if (status != OTS_OK || (!code && !is_needed))
        return status;
    const struct ots_service_code *known =
        ots_service_code_find(code ? code : OTS_CODE_SERVER_BUSY);
    if (!known)
        return ots_error_set(err, OTS_INVALID, "code: %.64s is none", code);
    refusal->code = known->code;
    snprintf(refusal->message, sizeof(refusal->message), "%s",
             message ? message : usual_message(known->code));
    return OTS_OK;
}

static enum ots_status take_cut(const struct ots_json *object, struct ots_verdict *verdict,
                                struct ots_error *err)
{
    const char *text = ots_json_string(object, "cut");
    double bytes = 0;
    if (!text) {
        verdict->is_cut_after = ots_json_member(object, "cut") != NULL;
        enum ots_status status = take_number(object, "cut", 0, COUNT_MAX, &bytes, err);
        verdict->cut_bytes = (size_t)bytes;
        return status;
    }
    verdict->is_cut_before = strcmp(text, "before") == 0;
    verdict->is_cut_after = strcmp(text, "after") == 0;
    verdict->cut_bytes = SIZE_MAX;
    return verdict->is_cut_before || verdict->is_cut_after
               ? OTS_OK
               : ots_error_set(err, OTS_INVALID, "cut: before, after or a number is wanted");
}

static enum ots_status take_wrong(const struct ots_json *object, struct ots_verdict *verdict,
                                  struct ots_error *err)
{
    const char *text;
    enum ots_status status = take_text(object, "wrong", &text, err);
    if (status != OTS_OK || !text)
        return status;
    verdict->is_signature_wrong = strcmp(text, "signature") == 0;
    verdict->is_body_wrong = strcmp(text, "body") == 0;
    return verdict->is_signature_wrong || verdict->is_body_wrong
               ? OTS_OK
               : ots_error_set(err, OTS_INVALID, "wrong: signature or body is wanted");
}

/* How many at the beginning, or which. */
static enum ots_status take_failed_rows(const struct ots_json *object, struct ots_fault_rule *rule,
                                        struct ots_error *err)
{
    const struct ots_json *member = ots_json_member(object, "failed_rows");
    rule->has_failed_rows = member != NULL;
    if (!member || !ots_json_is_array(member)) {
        double count = 0;
        enum ots_status status =
            take_number(object, "failed_rows", 1, OTS_PUT_ROWS_MAX, &count, err);
        for (size_t i = 0; status == OTS_OK && i < (size_t)count; i++)
            rule->failed_rows[i] = true;
        return status;
    }
    size_t size = ots_json_size(member);
    for (size_t i = 0; i < size; i++) {
        double row = -1;
        if (!ots_json_number_of(ots_json_at(member, i), &row) || !(row >= 0) ||
            row >= OTS_PUT_ROWS_MAX)
            return ots_error_set(err, OTS_INVALID, "failed_rows: a row from 0 to %d is wanted",
                                 OTS_PUT_ROWS_MAX - 1);
        rule->failed_rows[(size_t)row] = true;
    }
    return OTS_OK;
}

static enum ots_status take_calls(const struct ots_json *object, struct ots_fault_rule *rule,
                                  struct ots_error *err)
{
    bool has_nth = ots_json_member(object, "nth") != NULL;
    rule->every = has_nth ? 0 : 1;
    enum ots_status status = take_count(object, "every", 1, &rule->every, err);
    rule->nth = rule->every > 1 ? rule->every : 1;
    if (status == OTS_OK)
        status = take_count(object, "nth", 1, &rule->nth, err);
    if (status == OTS_OK)
        status = take_count(object, "times", 0, &rule->times, err);
    if (status == OTS_OK)
        status = take_number(object, "calls_per_s", 0, COUNT_MAX, &rule->calls_per_s, err);
    rule->allowance = rule->calls_per_s > 1 ? rule->calls_per_s : 1;
    rule->last_us = -1;
    return status;
}

static enum ots_status take_rule(const struct ots_json *object, struct ots_fault_rule *rule,
                                 struct ots_error *err)
{
    static const char *const known[] = {
        "action",  "nth",      "every", "times", "calls_per_s", "code",
        "message", "delay_ms", "cut",   "wrong", "failed_rows", NULL,
    };
    double delay_ms = 0;
    enum ots_status status = check_names(object, known, err);
    if (status == OTS_OK)
        status = take_action(object, rule, err);
    if (status == OTS_OK)
        status = take_calls(object, rule, err);
    if (status == OTS_OK)
        status = take_failed_rows(object, rule, err);
    if (status == OTS_OK)
        status = take_refusal(object, rule->has_failed_rows || rule->calls_per_s > 0,
                              &rule->verdict.refusal, err);
    if (status == OTS_OK)
        status = take_number(object, "delay_ms", 0, DELAY_MS_MAX, &delay_ms, err);
    rule->verdict.delay_us = (int64_t)(delay_ms * 1000);
    if (status == OTS_OK)
        status = take_cut(object, &rule->verdict, err);
    return status == OTS_OK ? take_wrong(object, &rule->verdict, err) : status;
}

static enum ots_status take_rules(const struct ots_json *root, struct ots_fault_config *config,
                                  struct ots_error *err)
{
    const struct ots_json *rules = ots_json_member(root, "rules");
    if (rules && !ots_json_is_array(rules))
        return ots_error_set(err, OTS_INVALID, "rules: a list is wanted");
    size_t count = ots_json_size(rules);
    if (count > OTS_FAULT_RULES_MAX)
        return ots_error_set(err, OTS_INVALID, "rules: at most %d are wanted", OTS_FAULT_RULES_MAX);
    for (size_t i = 0; i < count; i++)
        if (take_rule(ots_json_at(rules, i), &config->rules[i], err) != OTS_OK)
            return ots_error_prefix(err, "rule %zu", i);
    config->rule_count = count;
    return OTS_OK;
}

enum ots_status ots_fault_config_parse(struct ots_slice json, struct ots_fault_config *config,
                                       struct ots_error *err)
{
    static const char *const known[] = {
        "rules",
        "table_not_ready_s",
        "meta_visible_after_s",
        "stream_visible_after_s",
        "clock_offset_s",
        "scan_shuffle",
        NULL,
    };
    *config = (struct ots_fault_config){.rule_count = 0};
    OTS_AUTO(ots_json_freep) struct ots_json *root = NULL;
    enum ots_status status = ots_json_parse(json, &root, err);
    if (status == OTS_OK)
        status = check_names(root, known, err);
    if (status == OTS_OK)
        status = take_rules(root, config, err);
    if (status == OTS_OK)
        status = take_seconds(root, "table_not_ready_s", 0, &config->table_not_ready_us, err);
    if (status == OTS_OK)
        status = take_seconds(root, "meta_visible_after_s", 0, &config->meta_visible_after_us, err);
    if (status == OTS_OK)
        status =
            take_seconds(root, "stream_visible_after_s", 0, &config->stream_visible_after_us, err);
    if (status == OTS_OK)
        status = take_seconds(root, "clock_offset_s", -SECONDS_MAX, &config->clock_offset_us, err);
    if (status == OTS_OK && ots_json_member(root, "scan_shuffle") &&
        !ots_json_bool(root, "scan_shuffle", &config->is_scan_shuffled))
        status = ots_error_set(err, OTS_INVALID, "scan_shuffle: true or false is wanted");
    return status;
}

static enum ots_status print_rule(const struct ots_fault_rule *rule, struct ots_json *object)
{
    enum ots_status status = ots_json_set_string(
        object, "action", rule->is_of_every_action ? "*" : ots_action_name(rule->action));
    if (status == OTS_OK)
        status = ots_json_set_number(object, "calls", (double)rule->calls);
    return status == OTS_OK ? ots_json_set_number(object, "hits", (double)rule->hits) : status;
}

enum ots_status ots_fault_config_print(const struct ots_fault_config *config, struct ots_buf *json)
{
    OTS_AUTO(ots_json_freep) struct ots_json *root = ots_json_object_new();
    if (!root)
        return OTS_NOMEM;
    struct ots_json *rules = ots_json_array_new();
    enum ots_status status = ots_json_set(root, "rules", rules);
    for (size_t i = 0; i < config->rule_count && status == OTS_OK; i++) {
        struct ots_json *rule = ots_json_object_new();
        status = ots_json_push(rules, rule);
        if (status == OTS_OK)
            status = print_rule(&config->rules[i], rule);
    }
    return status == OTS_OK ? ots_json_print(root, json) : status;
}

/* ---- deciding ---- */

static bool is_over_rate(struct ots_fault_rule *rule, int64_t now_us)
{
    double most = rule->calls_per_s > 1 ? rule->calls_per_s : 1;
    if (rule->last_us >= 0)
        rule->allowance += (double)(now_us - rule->last_us) * 1e-6 * rule->calls_per_s;
    if (rule->allowance > most)
        rule->allowance = most;
    rule->last_us = now_us;
    if (rule->allowance < 1)
        return true;
    rule->allowance -= 1;
    return false;
}

static bool is_counted_out(const struct ots_fault_rule *rule)
{
    if (rule->calls < rule->nth)
        return false;
    uint64_t behind = rule->calls - rule->nth;
    return behind == 0 || (rule->every && behind % rule->every == 0);
}

bool ots_fault_rule_hits(struct ots_fault_rule *rule, int64_t now_us)
{
    rule->calls++;
    bool is_hit = rule->calls_per_s > 0 ? is_over_rate(rule, now_us) : is_counted_out(rule);
    if (!is_hit || (rule->times && rule->hits == rule->times))
        return false;
    rule->hits++;
    return true;
}

static void merge(struct ots_verdict *into, const struct ots_verdict *more)
{
    into->delay_us += more->delay_us;
    if (!into->refusal.code)
        into->refusal = more->refusal;
    if (more->is_cut_after && !into->is_cut_after)
        into->cut_bytes = more->cut_bytes;
    into->is_cut_before |= more->is_cut_before;
    into->is_cut_after |= more->is_cut_after;
    into->is_signature_wrong |= more->is_signature_wrong;
    into->is_body_wrong |= more->is_body_wrong;
}

void ots_fault_config_plan(struct ots_fault_config *config, enum ots_action action, int64_t now_us,
                           struct ots_verdict *verdict)
{
    for (size_t i = 0; i < config->rule_count; i++) {
        struct ots_fault_rule *rule = &config->rules[i];
        if (rule->has_failed_rows || (!rule->is_of_every_action && rule->action != action))
            continue;
        if (ots_fault_rule_hits(rule, now_us))
            merge(verdict, &rule->verdict);
    }
}

const struct ots_fault_rule *ots_fault_config_rows(struct ots_fault_config *config, int64_t now_us)
{
    const struct ots_fault_rule *first = NULL;
    for (size_t i = 0; i < config->rule_count; i++) {
        struct ots_fault_rule *rule = &config->rules[i];
        if (rule->has_failed_rows && ots_fault_rule_hits(rule, now_us) && !first)
            first = rule;
    }
    return first;
}
