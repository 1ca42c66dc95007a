#include "fs/view/problems.h"

#include <inttypes.h>
#include <stdio.h>

#include "fs/state/state_dir.h"

enum ots_status ots_problems_init(struct ots_problems *problems, const struct ots_node *node)
{
    *problems = (struct ots_problems){.table = ots_node_table(node), .file = OTS_BUF_INIT};
    if (node->parent->kind == OTS_NODE_MEASUREMENT) {
        ots_buf_append_slice(&problems->file, node->parent->name);
        ots_buf_append_byte(&problems->file, '/');
    }
    ots_buf_append_slice(&problems->file, node->name);
    return ots_buf_status(&problems->file);
}

void ots_problems_deinit(struct ots_problems *problems)
{
    ots_buf_deinit(&problems->file);
}

static void log_problem(const struct ots_problems *problems, uint64_t line, const char *reason)
{
    const struct ots_table *table = problems->table;
    if (problems->count > OTS_PROBLEMS_LOGGED_MAX)
        return;
    bool is_last = problems->count == OTS_PROBLEMS_LOGGED_MAX;
    ots_log(table->view->options.log, OTS_LOG_WARNING, "%.*s/%.*s: line %" PRIu64 ": %s%s",
            OTS_SLICE_FMT(table->node->name), OTS_SLICE_FMT(ots_buf_slice(&problems->file)), line,
            reason, is_last ? " (further lines of this file are not logged)" : "");
}

void ots_problems_reject(struct ots_problems *problems, uint64_t line, size_t column,
                         const char *reason, struct ots_slice text)
{
    char placed[256];
    if (column)
        snprintf(placed, sizeof(placed), "column %zu: %s", column, reason);
    else
        snprintf(placed, sizeof(placed), "%s", reason);
    problems->count++;
    if (problems->count == problems->told + 1)
        snprintf(problems->first, sizeof(problems->first), "line %" PRIu64 ": %.150s", line,
                 placed);
    log_problem(problems, line, placed);
    struct ots_reject reject = {
        .table = problems->table->node->name,
        .file = ots_buf_slice(&problems->file),
        .line = line,
        .column = column,
        .reason = ots_slice_str(reason),
        .text = text,
    };
    ots_state_reject(problems->table->instance->state, &reject);
}

enum ots_status ots_problems_tell(struct ots_problems *problems, struct ots_error *err)
{
    uint64_t count = problems->count - problems->told;
    problems->told = problems->count;
    if (!count)
        return OTS_OK;
    return ots_error_set(err, OTS_INVALID, "%" PRIu64 " line%s left out, the first: %s", count,
                         count == 1 ? "" : "s", problems->first);
}

enum ots_status ots_problems_failure(enum ots_status status, const struct ots_error *failure,
                                     struct ots_error *err)
{
    if (failure->status != status)
        return ots_error_set(err, status, "%s", ots_status_text(status));
    if (err)
        *err = *failure;
    return status;
}
