/*
 * What is to go wrong on purpose: parsed from JSON, and which call it hits. docs/PROTOCOL.md has
 * the document's members.
 */
#ifndef OTS_SERVER_FAULT_CONFIG_H
#define OTS_SERVER_FAULT_CONFIG_H

#include "backend/model/call.h"
#include "backend/model/limits.h"
#include "backend/server/handler.h"

enum { OTS_FAULT_RULES_MAX = 64 };

struct ots_fault_rule {
    bool is_of_every_action;
    enum ots_action action;
    /* The calls that are hit: the nth, and every so many after it; 0 for `every`: no others. */
    uint64_t nth;
    uint64_t every;
    uint64_t times;     /* at most so many hits; 0: without end */
    double calls_per_s; /* instead: the calls over this rate; 0: not this way */
    /* What happens to one that is hit. */
    struct ots_verdict verdict;
    bool has_failed_rows; /* then the verdict's refusal is that of the rows */
    bool failed_rows[OTS_PUT_ROWS_MAX];
    /* What happened so far. */
    uint64_t calls;
    uint64_t hits;
    double allowance; /* calls that may still be made */
    int64_t last_us;
};

struct ots_fault_config {
    struct ots_fault_rule rules[OTS_FAULT_RULES_MAX];
    size_t rule_count;
    int64_t table_not_ready_us;
    int64_t meta_visible_after_us;
    int64_t stream_visible_after_us;
    int64_t clock_offset_us;
    bool is_scan_shuffled;
};

/* Errors: OTS_INVALID (the message names the member), OTS_CORRUPT (no JSON). */
enum ots_status ots_fault_config_parse(struct ots_slice json, struct ots_fault_config *config,
                                       struct ots_error *err) OTS_MUST_CHECK;

/* Append a JSON document with the calls and hits of each rule. Errors: OTS_NOMEM. */
enum ots_status ots_fault_config_print(const struct ots_fault_config *config,
                                       struct ots_buf *json) OTS_MUST_CHECK;

/* Count a call that the rule is about, at `now_us` of a monotonic clock; whether it is hit. */
bool ots_fault_rule_hits(struct ots_fault_rule *rule, int64_t now_us);

/*
 * Count a call of `action` with every rule but those of rows, and put together what they do:
 * delays add up, of refusals the first counts.
 */
void ots_fault_config_plan(struct ots_fault_config *config, enum ots_action action, int64_t now_us,
                           struct ots_verdict *verdict);

/* The first rule of rows that hits this put, or NULL. */
const struct ots_fault_rule *ots_fault_config_rows(struct ots_fault_config *config, int64_t now_us);

#endif
