#include "backend/server/faults.h"

#include "backend/server/fault_config.h"
#include "backend/server/instance.h"
#include "backend/server/stream_names.h"
#include "backend/wire/service_code.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { TABLE_NAME_BYTES = OTS_TABLE_NAME_BYTES_MAX + 1 };

struct new_table {
    char name[TABLE_NAME_BYTES];
    int64_t created_us; /* monotonic */
};

struct ots_faults {
    struct ots_handler handler;
    struct ots_caller caller;
    struct ots_clock shifted;
    const struct ots_clock *clock;
    struct ots_handler *next;
    struct {
        pthread_mutex_t lock;
        struct ots_fault_config config;
        struct new_table tables[OTS_TABLES_MAX]; /* the newest ones, as a ring */
        size_t table_count;
    } synced;
};

static struct ots_faults *of_handler(struct ots_handler *handler)
{
    return (struct ots_faults *)(void *)((char *)handler - offsetof(struct ots_faults, handler));
}

static struct ots_faults *of_caller(struct ots_caller *caller)
{
    return (struct ots_faults *)(void *)((char *)caller - offsetof(struct ots_faults, caller));
}

static int64_t monotonic_us(const struct ots_faults *faults)
{
    return ots_clock_monotonic_us(faults->clock);
}

/* ---- around answers ---- */

static void plan(struct ots_handler *handler, struct ots_visit *visit)
{
    struct ots_faults *faults = of_handler(handler);
    struct ots_slice path = visit->http.path;
    enum ots_action action;
    faults->next->plan(faults->next, visit);
    if (path.size < 1 || !ots_action_find(ots_slice(path.data + 1, path.size - 1), &action))
        return;
    pthread_mutex_lock(&faults->synced.lock);
    ots_fault_config_plan(&faults->synced.config, action, monotonic_us(faults), &visit->verdict);
    pthread_mutex_unlock(&faults->synced.lock);
}

/* Another letter near the end, so that it stays base64. The text is the headers' own. */
static void spoil_signature(const struct ots_headers *headers)
{
    struct ots_slice value = ots_headers_get(headers, OTS_HEADER_AUTHORIZATION);
    if (value.size < 8)
        return;
    uint8_t *letter = (uint8_t *)(uintptr_t)(value.data + value.size - 8);
    *letter = *letter == 'A' ? 'B' : 'A';
}

/* One that its MD5 does not fit. */
static void spoil_body(struct ots_buf *body)
{
    if (body->size)
        body->data[body->size / 2] ^= 1;
    else
        ots_buf_append_byte(body, 'x');
}

static void handle(struct ots_handler *handler, struct ots_visit *visit)
{
    struct ots_faults *faults = of_handler(handler);
    const struct ots_verdict *verdict = &visit->verdict;
    visit->is_cut = verdict->is_cut_before || verdict->is_cut_after;
    visit->cut_bytes = verdict->is_cut_before ? SIZE_MAX : verdict->cut_bytes;
    if (verdict->is_cut_before) {
        visit->response = (struct ots_http_response){
            .status = 500, .headers = OTS_HEADERS_INIT, .body = OTS_BUF_INIT};
        return;
    }
    if (verdict->refusal.code && !visit->refusal.code)
        visit->refusal = verdict->refusal;
    faults->next->handle(faults->next, visit);
    if (verdict->is_signature_wrong)
        spoil_signature(&visit->response.headers);
    if (verdict->is_body_wrong)
        spoil_body(&visit->response.body);
}

/* ---- tables that are not ready ---- */

static struct ots_slice data_table(const struct ots_call *call)
{
    if (call->action == OTS_ACTION_PUT)
        return call->request.put.table;
    if (call->action == OTS_ACTION_GET)
        return call->request.get.table;
    if (call->action == OTS_ACTION_SCAN)
        return call->request.scan.table;
    if (call->action == OTS_ACTION_SPLIT)
        return call->request.split.table;
    if (call->action == OTS_ACTION_QUERY_META)
        return call->request.query_meta.table;
    return OTS_SLICE_NONE;
}

static void note_table(struct ots_faults *faults, struct ots_slice name)
{
    pthread_mutex_lock(&faults->synced.lock);
    struct new_table *table = &faults->synced.tables[faults->synced.table_count++ % OTS_TABLES_MAX];
    snprintf(table->name, sizeof(table->name), "%.*s", OTS_SLICE_FMT(name));
    table->created_us = monotonic_us(faults);
    pthread_mutex_unlock(&faults->synced.lock);
}

static bool is_ready(struct ots_faults *faults, struct ots_slice name)
{
    bool ready = true;
    if (!name.size)
        return ready;
    pthread_mutex_lock(&faults->synced.lock);
    int64_t since_us = monotonic_us(faults) - faults->synced.config.table_not_ready_us;
    for (size_t i = 0; i < faults->synced.table_count && i < OTS_TABLES_MAX; i++) {
        const struct new_table *table = &faults->synced.tables[i];
        if (table->created_us > since_us && ots_slice_equal(ots_slice_str(table->name), name))
            ready = false;
    }
    pthread_mutex_unlock(&faults->synced.lock);
    return ready;
}

/* ---- rows that fail ---- */

/* Take the rows that fail out of the put, and tell of them. False without memory. */
static bool take_rows_out(struct ots_call *call, const struct ots_fault_rule *rule,
                          struct ots_put_response *failed)
{
    struct ots_put_request *put = &call->request.put;
    struct ots_row *kept = ots_arena_array(&call->arena, put->row_count, sizeof(*kept));
    struct ots_failed_row *rows = ots_arena_array(&call->arena, put->row_count, sizeof(*rows));
    const char *message =
        ots_arena_strdup(&call->arena, ots_slice_str(rule->verdict.refusal.message));
    if (!kept || !rows || !message)
        return false;
    size_t kept_count = 0;
    for (size_t i = 0; i < put->row_count; i++) {
        if (i >= OTS_PUT_ROWS_MAX || !rule->failed_rows[i])
            kept[kept_count++] = put->rows[i];
        else
            rows[failed->failed_row_count++] = (struct ots_failed_row){
                (uint32_t)i, ots_slice_str(rule->verdict.refusal.code), ots_slice_str(message)};
    }
    failed->failed_rows = rows;
    put->rows = kept;
    put->row_count = kept_count;
    return true;
}

static void call_put(struct ots_faults *faults, struct ots_instance *instance,
                     struct ots_call *call)
{
    struct ots_put_response failed = {.failed_row_count = 0};
    pthread_mutex_lock(&faults->synced.lock);
    const struct ots_fault_rule *rule =
        ots_fault_config_rows(&faults->synced.config, monotonic_us(faults));
    bool has_memory = !rule || take_rows_out(call, rule, &failed);
    pthread_mutex_unlock(&faults->synced.lock);
    if (!has_memory) {
        call->status = ots_error_service(&call->error, OTS_NOMEM, OTS_CODE_INTERNAL_ERROR,
                                         "no memory for rows that fail");
        return;
    }
    if (call->request.put.row_count)
        ots_instance_call(instance, call);
    else
        call->status = OTS_OK;
    if (call->status != OTS_OK || !failed.failed_row_count)
        return;
    /* Row numbers of what was stored would be those without the failed ones: leave them out. */
    call->response.put = failed;
    call->request.put.row_count += failed.failed_row_count;
}

/* ---- reading ---- */

/* Metadata is what was renewed at least so long ago: said by a condition, so pages stay right. */
static void call_query(const struct ots_faults *faults, int64_t after_us,
                       struct ots_instance *instance, struct ots_call *call)
{
    struct ots_query_meta_request *query = &call->request.query_meta;
    const struct ots_condition *given = query->condition;
    struct ots_condition both[2] = {
        {.kind = OTS_CONDITION_UPDATE_TIME,
         .comparison = OTS_LESS_EQUAL,
         .time_us = ots_clock_now_us(&faults->shifted) - after_us},
    };
    const struct ots_condition all = {.kind = OTS_CONDITION_COMPOSITE,
                                      .logic = OTS_LOGIC_AND,
                                      .children = both,
                                      .child_count = given ? 2 : 1};
    if (given)
        both[1] = *given;
    query->condition = &all;
    ots_instance_call(instance, call);
    query->condition = given;
}

/* Timelines of a page backwards, the rows of each in their order. */
static void shuffle(struct ots_call *call)
{
    struct ots_rows *rows = &call->response.page.rows;
    struct ots_row *turned = ots_arena_array(&call->arena, rows->count, sizeof(*turned));
    if (!turned)
        return;
    size_t to = rows->count;
    for (size_t start = 0; start < rows->count;) {
        size_t end = start + 1;
        while (end < rows->count &&
               ots_series_key_equal(rows->items[end].key, rows->items[start].key))
            end++;
        to -= end - start;
        memcpy(turned + to, rows->items + start, (end - start) * sizeof(*turned));
        start = end;
    }
    if (rows->count)
        memcpy(rows->items, turned, rows->count * sizeof(*turned));
}

/*
 * Records of the last `after_us` are not there yet. What is left of the page ends before the first
 * of them, also where the shard is closed, so that whoever reads on misses none.
 */
static enum ots_status hold_back(const struct ots_faults *faults, int64_t after_us,
                                 struct ots_call *call, struct ots_error *err)
{
    struct ots_stream_records_response *page = &call->response.stream_records;
    int64_t newest_us = ots_clock_now_us(&faults->shifted) - after_us;
    struct ots_stream_position position;
    size_t count = 0;
    while (count < page->count && page->records[count].sequence.timestamp_us <= newest_us)
        count++;
    if (count == page->count)
        return OTS_OK;
    const struct ots_sequence *next = &page->records[count].sequence;
    page->count = count;
    page->may_more = false;
    page->next_iterator = call->request.stream_records.iterator;
    if (count == 0)
        return OTS_OK;
    enum ots_status status = ots_shard_iterator_parse(page->next_iterator, &position, err);
    position.time_us = next->timestamp_us;
    position.row = next->row_index;
    return status == OTS_OK ? ots_shard_iterator(&position, &call->arena, &page->next_iterator, err)
                            : status;
}

static void call_through(struct ots_caller *caller, struct ots_instance *instance,
                         struct ots_call *call)
{
    struct ots_faults *faults = of_caller(caller);
    pthread_mutex_lock(&faults->synced.lock);
    int64_t after_us = faults->synced.config.meta_visible_after_us;
    int64_t record_after_us = faults->synced.config.stream_visible_after_us;
    bool is_shuffled = faults->synced.config.is_scan_shuffled;
    pthread_mutex_unlock(&faults->synced.lock);
    if (!is_ready(faults, data_table(call)))
        call->status = ots_error_service(&call->error, OTS_NOT_READY, OTS_CODE_TABLE_NOT_READY,
                                         "The table is not ready.");
    else if (call->action == OTS_ACTION_PUT)
        call_put(faults, instance, call);
    else if (call->action == OTS_ACTION_QUERY_META && after_us)
        call_query(faults, after_us, instance, call);
    else
        ots_instance_call(instance, call);
    if (call->status != OTS_OK)
        return;
    if (call->action == OTS_ACTION_CREATE_TABLE)
        note_table(faults, call->request.create_table.meta.name);
    else if (call->action == OTS_ACTION_SCAN && is_shuffled)
        shuffle(call);
    else if (call->action == OTS_ACTION_STREAM_RECORDS && record_after_us)
        call->status = hold_back(faults, record_after_us, call, &call->error);
}

/* ---- the clock ---- */

static int64_t shifted_now(const struct ots_clock *clock)
{
    struct ots_faults *faults = clock->context;
    pthread_mutex_lock(&faults->synced.lock);
    int64_t offset_us = faults->synced.config.clock_offset_us;
    pthread_mutex_unlock(&faults->synced.lock);
    return ots_clock_now_us(faults->clock) + offset_us;
}

static int64_t shifted_monotonic(const struct ots_clock *clock)
{
    const struct ots_faults *faults = clock->context;
    return ots_clock_monotonic_us(faults->clock);
}

struct ots_faults *ots_faults_new(const struct ots_clock *clock)
{
    struct ots_faults *faults = calloc(1, sizeof(*faults));
    if (!faults)
        return NULL;
    faults->handler = (struct ots_handler){plan, handle};
    faults->caller = (struct ots_caller){call_through};
    faults->shifted = (struct ots_clock){shifted_now, shifted_monotonic, faults};
    faults->clock = clock;
    pthread_mutex_init(&faults->synced.lock, NULL);
    return faults;
}

void ots_faults_free(struct ots_faults *faults)
{
    if (!faults)
        return;
    pthread_mutex_destroy(&faults->synced.lock);
    free(faults);
}

struct ots_caller *ots_faults_caller(struct ots_faults *faults)
{
    return &faults->caller;
}

const struct ots_clock *ots_faults_clock(const struct ots_faults *faults)
{
    return &faults->shifted;
}

struct ots_handler *ots_faults_handler(struct ots_faults *faults, struct ots_handler *next)
{
    faults->next = next;
    return &faults->handler;
}

enum ots_status ots_faults_set(struct ots_faults *faults, struct ots_slice json,
                               struct ots_error *err)
{
    struct ots_fault_config *config = malloc(sizeof(*config));
    if (!config)
        return ots_error_set(err, OTS_NOMEM, "no memory for faults");
    enum ots_status status = ots_fault_config_parse(json, config, err);
    if (status == OTS_OK) {
        pthread_mutex_lock(&faults->synced.lock);
        faults->synced.config = *config;
        pthread_mutex_unlock(&faults->synced.lock);
    }
    free(config);
    return status;
}

void ots_faults_clear(struct ots_faults *faults)
{
    pthread_mutex_lock(&faults->synced.lock);
    faults->synced.config = (struct ots_fault_config){.rule_count = 0};
    pthread_mutex_unlock(&faults->synced.lock);
}

enum ots_status ots_faults_print(struct ots_faults *faults, struct ots_buf *json)
{
    pthread_mutex_lock(&faults->synced.lock);
    enum ots_status status = ots_fault_config_print(&faults->synced.config, json);
    pthread_mutex_unlock(&faults->synced.lock);
    return status;
}
