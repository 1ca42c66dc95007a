#include "backend/server/counters.h"

#include "backend/base/json.h"
#include "backend/wire/service_code.h"

#include <pthread.h>
#include <stdlib.h>

enum { CODES_MAX = 48, OTHER = OTS_ACTION_COUNT };

struct tally {
    uint64_t calls;
    uint64_t rows_in;
    uint64_t rows_out;
    uint64_t bytes_in;
    uint64_t bytes_out;
    struct {
        const char *code; /* of the table of codes, so equal texts are one pointer */
        uint64_t count;
    } errors[CODES_MAX];
};

struct numbers {
    struct tally actions[OTS_ACTION_COUNT + 1];
    uint64_t connections;
    uint64_t connections_open;
    uint64_t connections_cut;
};

struct ots_counters {
    struct {
        pthread_mutex_t lock;
        struct numbers numbers;
    } synced;
};

struct ots_counters *ots_counters_new(void)
{
    struct ots_counters *counters = calloc(1, sizeof(*counters));
    if (counters)
        pthread_mutex_init(&counters->synced.lock, NULL);
    return counters;
}

void ots_counters_free(struct ots_counters *counters)
{
    if (!counters)
        return;
    pthread_mutex_destroy(&counters->synced.lock);
    free(counters);
}

static void count_error(struct tally *tally, const char *text)
{
    const struct ots_service_code *code = ots_service_code_find(text);
    if (!code)
        return;
    for (size_t i = 0; i < CODES_MAX; i++) {
        if (tally->errors[i].code && tally->errors[i].code != code->code)
            continue;
        tally->errors[i].code = code->code;
        tally->errors[i].count++;
        return;
    }
}

void ots_counters_add(struct ots_counters *counters, const enum ots_action *action,
                      const struct ots_count *count)
{
    if (!counters)
        return;
    pthread_mutex_lock(&counters->synced.lock);
    struct tally *tally =
        &counters->synced.numbers.actions[action ? (size_t)*action : (size_t)OTHER];
    tally->calls++;
    tally->rows_in += count->rows_in;
    tally->rows_out += count->rows_out;
    tally->bytes_in += count->bytes_in;
    tally->bytes_out += count->bytes_out;
    if (count->code[0])
        count_error(tally, count->code);
    pthread_mutex_unlock(&counters->synced.lock);
}

void ots_counters_opened(struct ots_counters *counters)
{
    if (!counters)
        return;
    pthread_mutex_lock(&counters->synced.lock);
    counters->synced.numbers.connections++;
    counters->synced.numbers.connections_open++;
    pthread_mutex_unlock(&counters->synced.lock);
}

void ots_counters_closed(struct ots_counters *counters)
{
    if (!counters)
        return;
    pthread_mutex_lock(&counters->synced.lock);
    counters->synced.numbers.connections_open--;
    pthread_mutex_unlock(&counters->synced.lock);
}

void ots_counters_cut(struct ots_counters *counters)
{
    if (!counters)
        return;
    pthread_mutex_lock(&counters->synced.lock);
    counters->synced.numbers.connections_cut++;
    pthread_mutex_unlock(&counters->synced.lock);
}

void ots_counters_reset(struct ots_counters *counters)
{
    if (!counters)
        return;
    pthread_mutex_lock(&counters->synced.lock);
    memset(counters->synced.numbers.actions, 0, sizeof(counters->synced.numbers.actions));
    counters->synced.numbers.connections = 0;
    counters->synced.numbers.connections_cut = 0;
    pthread_mutex_unlock(&counters->synced.lock);
}

static enum ots_status set(struct ots_json *object, const char *name, uint64_t number)
{
    return ots_json_set_number(object, name, (double)number);
}

static enum ots_status print_errors(const struct tally *tally, struct ots_json *object)
{
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < CODES_MAX && tally->errors[i].code && status == OTS_OK; i++)
        status = set(object, tally->errors[i].code, tally->errors[i].count);
    return status;
}

static enum ots_status print_tally(const struct tally *tally, struct ots_json *object)
{
    enum ots_status status = set(object, "calls", tally->calls);
    if (status == OTS_OK)
        status = set(object, "rows_in", tally->rows_in);
    if (status == OTS_OK)
        status = set(object, "rows_out", tally->rows_out);
    if (status == OTS_OK)
        status = set(object, "bytes_in", tally->bytes_in);
    if (status == OTS_OK)
        status = set(object, "bytes_out", tally->bytes_out);
    struct ots_json *errors = ots_json_object_new();
    if (status == OTS_OK && errors)
        status = print_errors(tally, errors);
    enum ots_status set_status = ots_json_set(object, "errors", errors);
    return status == OTS_OK ? set_status : status;
}

static enum ots_status print_actions(const struct tally *tallies, struct ots_json *object)
{
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i <= OTHER && status == OTS_OK; i++) {
        if (tallies[i].calls == 0)
            continue;
        struct ots_json *one = ots_json_object_new();
        if (!one)
            return OTS_NOMEM;
        status = print_tally(&tallies[i], one);
        enum ots_status set_status =
            ots_json_set(object, i == OTHER ? "other" : ots_action_name((enum ots_action)i), one);
        if (status == OTS_OK)
            status = set_status;
    }
    return status;
}

static enum ots_status print_connections(const struct numbers *numbers, struct ots_json *object)
{
    enum ots_status status = set(object, "opened", numbers->connections);
    if (status == OTS_OK)
        status = set(object, "open", numbers->connections_open);
    return status == OTS_OK ? set(object, "cut", numbers->connections_cut) : status;
}

static enum ots_status print(const struct numbers *numbers, struct ots_json *root)
{
    struct ots_json *connections = ots_json_object_new();
    enum ots_status status = ots_json_set(root, "connections", connections);
    if (status == OTS_OK)
        status = print_connections(numbers, connections);
    struct ots_json *actions = ots_json_object_new();
    enum ots_status set_status = ots_json_set(root, "actions", actions);
    if (status == OTS_OK)
        status = set_status;
    return status == OTS_OK ? print_actions(numbers->actions, actions) : status;
}

enum ots_status ots_counters_print(struct ots_counters *counters, struct ots_buf *json)
{
    OTS_AUTO(ots_json_freep) struct ots_json *root = ots_json_object_new();
    struct numbers *copy = malloc(sizeof(*copy));
    if (!root || !copy) {
        free(copy);
        return OTS_NOMEM;
    }
    pthread_mutex_lock(&counters->synced.lock);
    *copy = counters->synced.numbers;
    pthread_mutex_unlock(&counters->synced.lock);
    enum ots_status status = print(copy, root);
    free(copy);
    return status == OTS_OK ? ots_json_print(root, json) : status;
}

static void count_batch(const struct ots_wide_batch_response *batch, bool is_write,
                        struct ots_count *count)
{
    for (size_t i = 0; i < batch->table_count; i++)
        for (size_t j = 0; j < batch->tables[i].row_count; j++) {
            const struct ots_wide_row_response *row = &batch->tables[i].rows[j];
            if (is_write)
                count->rows_in += row->code.size == 0;
            else
                count->rows_out += row->code.size == 0 && row->has_row;
        }
}

void ots_count_rows(const struct ots_call *call, struct ots_count *count)
{
    const union ots_wide_response *wide = &call->response.wide;
    enum ots_action action = call->action;
    if (action == OTS_ACTION_PUT)
        count->rows_in = call->request.put.row_count - call->response.put.failed_row_count;
    else if (action == OTS_ACTION_GET || action == OTS_ACTION_SCAN)
        count->rows_out = call->response.page.rows.count;
    else if (action == OTS_ACTION_QUERY_META)
        count->rows_out = call->response.query_meta.count;
    else if (action == OTS_ACTION_STREAM_RECORDS)
        count->rows_out = call->response.stream_records.count;
    else if (action == OTS_ACTION_WIDE_PUT_ROW || action == OTS_ACTION_WIDE_UPDATE_ROW ||
             action == OTS_ACTION_WIDE_DELETE_ROW)
        count->rows_in = 1;
    else if (action == OTS_ACTION_WIDE_GET_ROW)
        count->rows_out = wide->row.has_row;
    else if (action == OTS_ACTION_WIDE_GET_RANGE)
        count->rows_out = wide->range.row_count;
    else if (action == OTS_ACTION_WIDE_BATCH_WRITE || action == OTS_ACTION_WIDE_BATCH_GET)
        count_batch(&wide->batch, action == OTS_ACTION_WIDE_BATCH_WRITE, count);
}
