#include "fs/view/scan.h"

#include <stdlib.h>

struct scan;

struct split {
    struct scan *scan;
    struct ots_slice info;
    void *lane;
    struct ots_interrupt interrupt;
    enum ots_status status;
    struct ots_error error;
};

struct scan {
    const struct ots_scan_plan *plan;
    struct split *splits;
    size_t split_count;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t ended;
        size_t running;
    } synced;
};

/* --- one split --------------------------------------------------------------------------------*/

/* The token becomes that of the next page, empty at the end. */
static enum ots_status read_page(struct split *split, struct ots_buf *token, struct ots_error *err)
{
    const struct ots_scan_plan *plan = split->scan->plan;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_SCAN);
    call.request.scan.table = plan->table;
    ots_selection_apply(plan->selection, &call.request.scan);
    call.request.scan.split = split->info;
    call.request.scan.token = ots_buf_slice(token);
    enum ots_status status = ots_store_run(plan->store, &call, &split->interrupt, err);
    if (status == OTS_OK)
        status = plan->take_page(plan->context, split->lane, &call.response.page.rows, err);
    if (status == OTS_OK)
        status = ots_buf_set(token, call.response.page.next_token);
    ots_call_deinit(&call);
    return status;
}

static enum ots_status read_split(struct split *split, struct ots_error *err)
{
    const struct ots_scan_plan *plan = split->scan->plan;
    struct ots_buf token = OTS_BUF_INIT;
    enum ots_status status;
    do {
        status = plan->wait ? plan->wait(plan->context) : OTS_OK;
        if (status == OTS_OK)
            status = read_page(split, &token, err);
    } while (status == OTS_OK && token.size);
    ots_buf_deinit(&token);
    return status;
}

static void cancel_splits(void *context)
{
    struct scan *scan = context;
    for (size_t i = 0; i < scan->split_count; i++)
        ots_interrupt_raise(&scan->splits[i].interrupt);
}

static void run_split(void *argument)
{
    struct split *split = argument;
    struct scan *scan = split->scan;
    split->status = read_split(split, &split->error);
    /* The others' work is lost anyway. */
    if (split->status != OTS_OK)
        cancel_splits(scan);
    pthread_mutex_lock(&scan->synced.lock);
    if (--scan->synced.running == 0)
        pthread_cond_signal(&scan->synced.ended);
    pthread_mutex_unlock(&scan->synced.lock);
}

/* --- all of them ------------------------------------------------------------------------------*/

static enum ots_status init_splits(struct scan *scan, const struct ots_split_response *response)
{
    scan->splits = calloc(response->count ? response->count : 1, sizeof(*scan->splits));
    if (!scan->splits)
        return OTS_NOMEM;
    for (size_t i = 0; i < response->count; i++) {
        struct split *split = &scan->splits[i];
        split->lane = calloc(1, scan->plan->lane_bytes);
        if (!split->lane)
            return OTS_NOMEM;
        split->scan = scan;
        split->info = response->splits[i];
        ots_interrupt_init(&split->interrupt);
        scan->split_count++;
    }
    return OTS_OK;
}

/* The first error that is more than the echo of another. */
static enum ots_status deinit_splits(struct scan *scan, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < scan->split_count; i++) {
        struct split *split = &scan->splits[i];
        if (split->status != OTS_OK && (status == OTS_OK || status == OTS_CANCELLED)) {
            status = split->status;
            if (err)
                *err = split->error;
        }
        scan->plan->end_lane(scan->plan->context, split->lane);
        free(split->lane);
        ots_interrupt_deinit(&split->interrupt);
    }
    free(scan->splits);
    return status;
}

static void run_splits(struct scan *scan, struct ots_interrupt *interrupt)
{
    pthread_mutex_init(&scan->synced.lock, NULL);
    pthread_cond_init(&scan->synced.ended, NULL);
    scan->synced.running = scan->split_count;
    ots_interrupt_attach(interrupt, cancel_splits, scan);
    for (size_t i = 0; i < scan->split_count; i++)
        ots_pool_run(scan->plan->pool, run_split, &scan->splits[i]);
    pthread_mutex_lock(&scan->synced.lock);
    while (scan->synced.running)
        pthread_cond_wait(&scan->synced.ended, &scan->synced.lock);
    pthread_mutex_unlock(&scan->synced.lock);
    ots_interrupt_detach(interrupt);
    pthread_cond_destroy(&scan->synced.ended);
    pthread_mutex_destroy(&scan->synced.lock);
}

enum ots_status ots_scan_run(const struct ots_scan_plan *plan, struct ots_interrupt *interrupt,
                             struct ots_error *err)
{
    struct scan scan = {.plan = plan};
    struct ots_call call;
    if (plan->selection->begin_us >= plan->selection->end_us)
        return OTS_OK;
    ots_call_init(&call, OTS_ACTION_SPLIT);
    call.request.split.table = plan->table;
    call.request.split.split_count_hint = (int32_t)plan->split_count;
    if (plan->measurement) {
        call.request.split.has_measurement = true;
        call.request.split.measurement = *plan->measurement;
    }
    enum ots_status status = ots_store_run(plan->store, &call, interrupt, err);
    if (status == OTS_OK) {
        status = init_splits(&scan, &call.response.split);
        if (status == OTS_OK)
            run_splits(&scan, interrupt);
        enum ots_status ended = deinit_splits(&scan, err);
        status = status == OTS_OK ? ended : status;
    }
    ots_call_deinit(&call);
    return status;
}
