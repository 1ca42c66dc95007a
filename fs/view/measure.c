/*
 * Learning what an extract holds by a parallel scan: the service is asked for splits, which are
 * read on the view's scan threads. What is found is noted under the view's lock, but once per run
 * of rows of one timeline.
 */
#include <stdlib.h>

#include "fs/lp/names.h"
#include "fs/view/finding.h"
#include "fs/view/lines.h"

struct split {
    struct scan *scan;
    struct ots_slice info;
    struct ots_interrupt interrupt;
    struct ots_ruler ruler;
    /* Of the run of rows of one timeline that is being read. */
    struct ots_buf measurement_name;
    struct ots_buf timeline_name;
    bool is_wanted;
    enum ots_status status;
    struct ots_error error;
};

struct scan {
    struct ots_finding *finding;
    struct split *splits;
    size_t split_count;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t ended;
        size_t running;
    } synced;
};

/* --- one split --------------------------------------------------------------------------------*/

static enum ots_status note_run_locked(struct split *split, const struct ots_series_key *key,
                                       const struct ots_line *lines, size_t count)
{
    struct ots_finding *finding = split->scan->finding;
    struct ots_node *timeline;
    enum ots_status status =
        ots_finding_note_locked(finding, key, ots_buf_slice(&split->measurement_name),
                                ots_buf_slice(&split->timeline_name), &timeline);
    if (status != OTS_OK)
        return status;
    ots_finding_add_locked(finding, timeline, lines, count);
    return OTS_OK;
}

/* Rows of another timeline come. */
static enum ots_status begin_run(struct split *split, const struct ots_series_key *key)
{
    ots_buf_reset(&split->measurement_name);
    ots_buf_reset(&split->timeline_name);
    enum ots_status status =
        ots_measurement_name_append(key->measurement, &split->measurement_name);
    if (status == OTS_OK)
        status = ots_timeline_name_append(key, &split->timeline_name);
    split->is_wanted = status == OTS_OK && ots_share_has(&split->scan->finding->selection.share,
                                                         ots_buf_slice(&split->measurement_name),
                                                         ots_buf_slice(&split->timeline_name));
    return status;
}

static enum ots_status end_run(struct split *split, const struct ots_series_key *key)
{
    struct ots_view *view = split->scan->finding->extract->view;
    size_t count;
    const struct ots_line *lines = ots_ruler_lines(&split->ruler, &count);
    if (!count)
        return OTS_OK;
    pthread_mutex_lock(&view->synced.lock);
    enum ots_status status = note_run_locked(split, key, lines, count);
    pthread_mutex_unlock(&view->synced.lock);
    ots_ruler_reset(&split->ruler);
    return status;
}

static enum ots_status note_page(struct split *split, const struct ots_rows *rows,
                                 struct ots_error *err)
{
    const struct ots_series_key *key = NULL;
    enum ots_status status = OTS_OK;
    ots_ruler_reset(&split->ruler);
    for (size_t i = 0; status == OTS_OK && i < rows->count; i++) {
        const struct ots_row *row = &rows->items[i];
        if (row->key != key) {
            status = end_run(split, key);
            key = row->key;
            if (status == OTS_OK)
                status = begin_run(split, key);
        }
        if (status == OTS_OK && split->is_wanted)
            status = ots_ruler_add(&split->ruler, row, err);
    }
    return status == OTS_OK ? end_run(split, key) : status;
}

static enum ots_status read_split(struct split *split, struct ots_error *err)
{
    struct ots_extract *extract = split->scan->finding->extract;
    struct ots_buf token = OTS_BUF_INIT;
    enum ots_status status;
    do {
        struct ots_call call;
        ots_call_init(&call, OTS_ACTION_SCAN);
        call.request.scan.table = extract->table->node->name;
        ots_selection_apply(&split->scan->finding->selection, &call.request.scan);
        call.request.scan.split = split->info;
        call.request.scan.token = ots_buf_slice(&token);
        status = ots_store_run(extract->table->instance->store, &call, &split->interrupt, err);
        if (status == OTS_OK)
            status = note_page(split, &call.response.page.rows, err);
        ots_lp_printer_forget_key(&split->ruler.printer);
        ots_buf_reset(&token);
        if (status == OTS_OK)
            ots_buf_append_slice(&token, call.response.page.next_token);
        ots_call_deinit(&call);
        if (status == OTS_OK)
            status = ots_buf_status(&token);
    } while (status == OTS_OK && token.size);
    ots_buf_deinit(&token);
    return status;
}

static void run_split(void *argument)
{
    struct split *split = argument;
    struct scan *scan = split->scan;
    split->status = read_split(split, &split->error);
    /* The others' work is lost anyway. */
    for (size_t i = 0; split->status != OTS_OK && i < scan->split_count; i++)
        ots_interrupt_raise(&scan->splits[i].interrupt);
    pthread_mutex_lock(&scan->synced.lock);
    if (--scan->synced.running == 0)
        pthread_cond_signal(&scan->synced.ended);
    pthread_mutex_unlock(&scan->synced.lock);
}

/* --- the whole scan ---------------------------------------------------------------------------*/

static void cancel_splits(void *context)
{
    struct scan *scan = context;
    for (size_t i = 0; i < scan->split_count; i++)
        ots_interrupt_raise(&scan->splits[i].interrupt);
}

static void init_splits(struct scan *scan, const struct ots_split_response *response)
{
    scan->split_count = response->count;
    for (size_t i = 0; i < response->count; i++) {
        struct split *split = &scan->splits[i];
        split->scan = scan;
        split->info = response->splits[i];
        ots_interrupt_init(&split->interrupt);
        ots_ruler_init(&split->ruler, scan->finding->extract->view->options.precision);
    }
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
        ots_ruler_deinit(&split->ruler);
        ots_buf_deinit(&split->measurement_name);
        ots_buf_deinit(&split->timeline_name);
        ots_interrupt_deinit(&split->interrupt);
    }
    return status;
}

static enum ots_status run_scan(struct scan *scan, const struct ots_split_response *response,
                                struct ots_interrupt *interrupt, struct ots_error *err)
{
    scan->splits = calloc(response->count ? response->count : 1, sizeof(*scan->splits));
    if (!scan->splits)
        return OTS_NOMEM;
    init_splits(scan, response);
    pthread_mutex_init(&scan->synced.lock, NULL);
    pthread_cond_init(&scan->synced.ended, NULL);
    scan->synced.running = scan->split_count;
    ots_interrupt_attach(interrupt, cancel_splits, scan);
    for (size_t i = 0; i < scan->split_count; i++)
        ots_pool_run(scan->finding->extract->view->scan_pool, run_split, &scan->splits[i]);
    pthread_mutex_lock(&scan->synced.lock);
    while (scan->synced.running)
        pthread_cond_wait(&scan->synced.ended, &scan->synced.lock);
    pthread_mutex_unlock(&scan->synced.lock);
    ots_interrupt_detach(interrupt);
    enum ots_status status = deinit_splits(scan, err);
    pthread_cond_destroy(&scan->synced.ended);
    pthread_mutex_destroy(&scan->synced.lock);
    free(scan->splits);
    return status;
}

enum ots_status ots_finding_scan(struct ots_finding *finding, struct ots_interrupt *interrupt,
                                 struct ots_error *err)
{
    const struct ots_extract *extract = finding->extract;
    struct ots_store *store = extract->table->instance->store;
    struct scan scan = {.finding = finding};
    struct ots_call call;
    finding->has_extents = true;
    if (finding->selection.begin_us >= finding->selection.end_us)
        return OTS_OK;
    ots_call_init(&call, OTS_ACTION_SPLIT);
    call.request.split.table = extract->table->node->name;
    call.request.split.split_count_hint = (int32_t)extract->view->options.scan_lanes;
    enum ots_status status = ots_store_run(store, &call, interrupt, err);
    if (status == OTS_OK)
        status = run_scan(&scan, &call.response.split, interrupt, err);
    ots_call_deinit(&call);
    return status;
}

enum ots_status ots_extract_measure(struct ots_extract *extract, struct ots_interrupt *interrupt,
                                    struct ots_error *err)
{
    struct ots_finding finding;
    enum ots_status status = ots_finding_begin(&finding, extract, interrupt);
    if (status == OTS_OK)
        status = ots_finding_scan(&finding, interrupt, err);
    if (status == OTS_OK)
        status = ots_finding_commit(&finding);
    ots_finding_deinit(&finding);
    return status;
}
