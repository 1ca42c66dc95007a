#include "tests/unit/fake_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/base/pool.h"
#include "fs/lp/parse.h"
#include "tests/unit/fake_page.h"
#include "tests/unit/fake_table.h"

enum { TABLES_MAX = 16, HELD_MAX = 512, SPLITS = 4 };

struct plan {
    size_t count;
    enum ots_status fail_status;
    size_t fail_count;
    bool is_held;
};

struct fake_store {
    struct ots_store store;
    struct ots_pool *pool;
    /* Not held while a call's done runs. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct fake_table *tables[TABLES_MAX];
    size_t table_count;
    struct plan plans[OTS_ACTION_COUNT];
    struct ots_call *held[HELD_MAX];
    size_t held_count;
    enum ots_status slow_status;
    size_t slow_count;
    bool has_poison;
    int64_t poison;
    size_t page_rows;
    bool is_scan_backward;
    const struct ots_clock *clock;
};

/* --- rows -------------------------------------------------------------------------------------*/

static struct fake_table *find_table(struct fake_store *fake, struct ots_slice name)
{
    for (size_t i = 0; i < fake->table_count; i++)
        if (ots_slice_equal(name, ots_slice_str(fake->tables[i]->name)))
            return fake->tables[i];
    return NULL;
}

static enum ots_status remove_table(struct fake_store *fake, struct ots_slice name)
{
    size_t index = 0;
    struct fake_table *table = find_table(fake, name);
    while (table && fake->tables[index] != table)
        index++;
    if (!table)
        return OTS_NOT_FOUND;
    fake->tables[index] = fake->tables[--fake->table_count];
    ots_arena_deinit(&table->arena);
    free(table);
    return OTS_OK;
}

static enum ots_status put_parsed_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    (void)cut_ns;
    fake_table_put(context, row);
    return OTS_OK;
}

static enum ots_status abort_on_problem(void *context, const struct ots_lp_problem *problem)
{
    (void)context;
    fprintf(stderr, "fake store: line %d: %s\n", (int)problem->line, problem->reason);
    abort();
}

static struct ots_series_key *copy_key(struct ots_call *call, const struct fake_series *series)
{
    struct ots_series_key *key = ots_arena_array(&call->arena, 1, sizeof(*key));
    fake_must(ots_series_key_copy(&call->arena, &series->key, key));
    return key;
}

static void set_token(struct ots_call *call, size_t series, int64_t time_us)
{
    char text[64];
    int size = snprintf(text, sizeof(text), "%zu:%lld", series, (long long)time_us);
    fake_must(ots_arena_copy(&call->arena, ots_slice(text, (size_t)size),
                             &call->response.page.next_token));
}

static void parse_token(struct ots_slice token, size_t *series, int64_t *time_us)
{
    char text[64] = "";
    assert(token.size < sizeof(text));
    long long time = 0;
    if (token.size) {
        memcpy(text, token.data, token.size);
        if (sscanf(text, "%zu:%lld", series, &time) != 2)
            abort();
    }
    *time_us = time;
}

/* --- carrying out -----------------------------------------------------------------------------*/

static enum ots_status do_create(struct fake_store *fake, struct ots_call *call)
{
    const struct ots_table_meta *meta = &call->request.create_table.meta;
    if (find_table(fake, meta->name))
        return OTS_EXISTS;
    struct fake_table *table = calloc(1, sizeof(*table));
    assert(fake->table_count < TABLES_MAX && meta->name.size < sizeof(table->name));
    memcpy(table->name, meta->name.data, meta->name.size);
    table->arena = OTS_ARENA_INIT;
    table->time_to_live_s = OTS_TTL_FOREVER;
    table->slow_status = fake->slow_status;
    table->slow_count = fake->slow_count;
    fake->tables[fake->table_count++] = table;
    return OTS_OK;
}

static enum ots_status do_list(struct fake_store *fake, struct ots_call *call)
{
    if (!fake->table_count)
        return OTS_OK;
    struct ots_table_meta *metas = ots_arena_array(&call->arena, fake->table_count, sizeof(*metas));
    for (size_t i = 0; i < fake->table_count; i++) {
        metas[i] = OTS_TABLE_META_DEFAULT;
        metas[i].field_key_count = fake->tables[i]->has_field_keys;
        metas[i].time_to_live_s = fake->tables[i]->time_to_live_s;
        fake_must(
            ots_arena_copy(&call->arena, ots_slice_str(fake->tables[i]->name), &metas[i].name));
    }
    call->response.list_tables.metas = metas;
    call->response.list_tables.count = fake->table_count;
    return OTS_OK;
}

static enum ots_status do_put(struct fake_store *fake, struct ots_call *call)
{
    const struct ots_put_request *put = &call->request.put;
    struct fake_table *table = find_table(fake, put->table);
    if (!table)
        return OTS_NOT_FOUND;
    assert(put->row_count >= 1 && put->row_count <= OTS_PUT_ROWS_MAX);
    for (size_t i = 0; i < put->row_count; i++)
        if (fake->has_poison && put->rows[i].fields[0].value.integer == fake->poison)
            return OTS_INVALID;
    for (size_t i = 0; i < put->row_count; i++)
        fake_table_put(table, &put->rows[i]);
    return OTS_OK;
}

static enum ots_status do_get(struct fake_store *fake, struct ots_call *call)
{
    const struct ots_get_request *get = &call->request.get;
    struct fake_table *table = find_table(fake, get->table);
    if (!table)
        return OTS_NOT_FOUND;
    struct fake_series *series = fake_table_find(table, &get->key);
    if (!series)
        return OTS_OK;
    size_t ignored;
    int64_t from_us;
    parse_token(get->token, &ignored, &from_us);
    if (get->has_begin && get->begin_us > from_us)
        from_us = get->begin_us;
    size_t limit =
        get->limit && (size_t)get->limit < fake->page_rows ? (size_t)get->limit : fake->page_rows;
    const struct ots_series_key *key = copy_key(call, series);
    for (size_t i = fake_rows_first_from(&series->rows, from_us); i < series->rows.count; i++) {
        const struct ots_row *row = &series->rows.items[i];
        if (get->has_end && row->time_us >= get->end_us)
            break;
        if (call->response.page.rows.count == limit) {
            set_token(call, 0, row->time_us);
            break;
        }
        fake_page_append(call, row, key, get->fields, get->field_count);
    }
    return OTS_OK;
}

static enum ots_status do_split(struct fake_store *fake, struct ots_call *call)
{
    if (!find_table(fake, call->request.split.table))
        return OTS_NOT_FOUND;
    static const char *const infos[SPLITS] = {"0", "1", "2", "3"};
    struct ots_slice *splits = ots_arena_array(&call->arena, SPLITS, sizeof(*splits));
    for (size_t i = 0; i < SPLITS; i++)
        splits[i] = ots_slice_str(infos[i]);
    call->response.split.splits = splits;
    call->response.split.count = SPLITS;
    return OTS_OK;
}

static enum ots_status scan_rows(struct fake_store *fake, struct ots_call *call)
{
    const struct ots_scan_request *scan = &call->request.scan;
    struct fake_table *table = find_table(fake, scan->table);
    if (!table)
        return OTS_NOT_FOUND;
    if (table->slow_count) {
        table->slow_count--;
        return table->slow_status;
    }
    size_t first = 0;
    int64_t from_us;
    parse_token(scan->token, &first, &from_us);
    for (size_t s = first; s < table->series_count; s++) {
        struct fake_series *series = &table->series[s];
        if (scan->split.size && scan->split.data[0] != '0' + s % SPLITS)
            continue;
        const struct ots_series_key *key = copy_key(call, series);
        int64_t begin_us = s == first ? from_us : 0;
        if (scan->has_begin && scan->begin_us > begin_us)
            begin_us = scan->begin_us;
        for (size_t i = fake_rows_first_from(&series->rows, begin_us); i < series->rows.count;
             i++) {
            if (scan->has_end && series->rows.items[i].time_us >= scan->end_us)
                break;
            if (call->response.page.rows.count == fake->page_rows) {
                set_token(call, s, series->rows.items[i].time_us);
                return OTS_OK;
            }
            fake_page_append(call, &series->rows.items[i], key, scan->fields, scan->field_count);
        }
    }
    return OTS_OK;
}

static enum ots_status do_scan(struct fake_store *fake, struct ots_call *call)
{
    enum ots_status status = scan_rows(fake, call);
    struct ots_rows *rows = &call->response.page.rows;
    for (size_t i = 0; status == OTS_OK && fake->is_scan_backward && i < rows->count / 2; i++) {
        struct ots_row row = rows->items[i];
        rows->items[i] = rows->items[rows->count - 1 - i];
        rows->items[rows->count - 1 - i] = row;
    }
    return status;
}

static enum ots_status do_query_meta(struct fake_store *fake, struct ots_call *call)
{
    const struct fake_table *table = find_table(fake, call->request.query_meta.table);
    if (table)
        fake_table_query(table, fake->page_rows, call);
    return table ? OTS_OK : OTS_NOT_FOUND;
}

/* Nothing is deleted. The record of measurement `undeletable` is refused all the same. */
static enum ots_status do_delete_meta(struct fake_store *fake, struct ots_call *call)
{
    static const struct ots_failed_row refused = {0, {(const uint8_t *)"OTSFake", 7}, {0}};
    const struct ots_delete_meta_request *request = &call->request.delete_meta;
    if (ots_slice_equal(request->keys[0].measurement, OTS_SLICE("undeletable")))
        call->response.change_meta = (struct ots_change_meta_response){&refused, 1};
    return find_table(fake, request->table) ? OTS_OK : OTS_NOT_FOUND;
}

static enum ots_status do_delete_table(struct fake_store *fake, struct ots_call *call)
{
    return remove_table(fake, call->request.table.table);
}

static enum ots_status (*const actions[OTS_ACTION_COUNT])(struct fake_store *fake,
                                                          struct ots_call *call) = {
    [OTS_ACTION_CREATE_TABLE] = do_create,
    [OTS_ACTION_LIST_TABLES] = do_list,
    [OTS_ACTION_PUT] = do_put,
    [OTS_ACTION_GET] = do_get,
    [OTS_ACTION_SPLIT] = do_split,
    [OTS_ACTION_SCAN] = do_scan,
    [OTS_ACTION_QUERY_META] = do_query_meta,
    [OTS_ACTION_DELETE_META] = do_delete_meta,
    [OTS_ACTION_DELETE_TABLE] = do_delete_table,
};

static enum ots_status carry_out(struct fake_store *fake, struct ots_call *call)
{
    struct plan *plan = &fake->plans[call->action];
    if (plan->fail_count) {
        plan->fail_count--;
        return plan->fail_status;
    }
    return actions[call->action] ? actions[call->action](fake, call) : OTS_UNSUPPORTED;
}

static void carry_out_locked(struct fake_store *fake, struct ots_call *call)
{
    call->status = carry_out(fake, call);
    if (call->status != OTS_OK)
        ots_error_service(&call->error, call->status, "OTSFake", "the test wants %s",
                          ots_status_text(call->status));
}

/* Answer now, or keep the answer back. */
static void take_call(void *argument, struct fake_store *fake)
{
    struct ots_call *call = argument;
    bool is_put = call->action == OTS_ACTION_PUT;
    pthread_mutex_lock(&fake->lock);
    bool is_held = fake->plans[call->action].is_held;
    if (!is_held || !is_put)
        carry_out_locked(fake, call);
    if (is_held) {
        assert(fake->held_count < HELD_MAX);
        fake->held[fake->held_count++] = call;
        pthread_cond_broadcast(&fake->changed);
    }
    pthread_mutex_unlock(&fake->lock);
    if (!is_held)
        call->done(call, call->done_context);
}

struct job {
    struct fake_store *fake;
    struct ots_call *call;
};

static void run_job(void *argument)
{
    struct job job = *(struct job *)argument;
    free(argument);
    take_call(job.call, job.fake);
}

static void submit(struct ots_store *store, struct ots_call *call)
{
    struct fake_store *fake = (struct fake_store *)(void *)store;
    pthread_mutex_lock(&fake->lock);
    fake->plans[call->action].count++;
    pthread_mutex_unlock(&fake->lock);
    if (!fake->pool) {
        take_call(call, fake);
        return;
    }
    struct job *job = malloc(sizeof(*job));
    *job = (struct job){fake, call};
    ots_pool_run(fake->pool, run_job, job);
}

/* Only answers that are kept back can be cancelled; the others come soon anyway. */
static void cancel(struct ots_store *store, struct ots_call *call)
{
    struct fake_store *fake = (struct fake_store *)(void *)store;
    bool is_held = false;
    pthread_mutex_lock(&fake->lock);
    for (size_t i = 0; i < fake->held_count; i++) {
        if (fake->held[i] != call)
            continue;
        is_held = true;
        fake->held[i] = fake->held[--fake->held_count];
        call->status = ots_error_set(&call->error, OTS_CANCELLED, "cancelled");
        break;
    }
    pthread_mutex_unlock(&fake->lock);
    if (is_held)
        call->done(call, call->done_context);
}

static int64_t service_now(struct ots_store *store)
{
    const struct fake_store *fake = (const struct fake_store *)(void *)store;
    return ots_clock_now_us(fake->clock);
}

static const struct ots_store_ops fake_ops = {submit, cancel, NULL, service_now};

/* --- the test's side --------------------------------------------------------------------------*/

struct fake_store *fake_store_new(size_t threads)
{
    struct fake_store *fake = calloc(1, sizeof(*fake));
    fake->store.ops = &fake_ops;
    fake->clock = &ots_clock_system;
    fake->page_rows = OTS_PAGE_ROWS_MAX;
    pthread_mutex_init(&fake->lock, NULL);
    pthread_cond_init(&fake->changed, NULL);
    if (threads)
        fake_must(ots_pool_new(threads, 4096, &fake->pool, NULL));
    return fake;
}

void fake_store_free(struct fake_store *fake)
{
    ots_pool_free(fake->pool);
    assert(!fake->held_count);
    for (size_t i = 0; i < fake->table_count; i++) {
        ots_arena_deinit(&fake->tables[i]->arena);
        free(fake->tables[i]);
    }
    pthread_cond_destroy(&fake->changed);
    pthread_mutex_destroy(&fake->lock);
    free(fake);
}

struct ots_store *fake_store_of(struct fake_store *fake)
{
    return &fake->store;
}

void fake_store_add_table(struct fake_store *fake, const char *table, bool has_field_keys)
{
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta.name = ots_slice_str(table);
    pthread_mutex_lock(&fake->lock);
    fake_must(do_create(fake, &call));
    fake->tables[fake->table_count - 1]->has_field_keys = has_field_keys;
    pthread_mutex_unlock(&fake->lock);
    ots_call_deinit(&call);
}

void fake_store_expire(struct fake_store *fake, const char *table, int32_t time_to_live_s)
{
    pthread_mutex_lock(&fake->lock);
    find_table(fake, ots_slice_str(table))->time_to_live_s = time_to_live_s;
    pthread_mutex_unlock(&fake->lock);
}

void fake_store_remove_table(struct fake_store *fake, const char *table)
{
    pthread_mutex_lock(&fake->lock);
    fake_must(remove_table(fake, ots_slice_str(table)));
    pthread_mutex_unlock(&fake->lock);
}

void fake_store_put(struct fake_store *fake, const char *table, const char *lines)
{
    struct ots_lp_options options = {.precision = OTS_PRECISION_NS, .default_time_us = -1};
    struct ots_lp_parser *parser;
    pthread_mutex_lock(&fake->lock);
    struct ots_lp_handler handler = {put_parsed_row, abort_on_problem,
                                     find_table(fake, ots_slice_str(table))};
    fake_must(ots_lp_parser_new(&options, &handler, &parser));
    fake_must(ots_lp_parser_feed(parser, ots_slice_str(lines)));
    pthread_mutex_unlock(&fake->lock);
    ots_lp_parser_free(parser);
}

void fake_store_remove(struct fake_store *fake, const char *table, const char *measurement)
{
    pthread_mutex_lock(&fake->lock);
    struct fake_table *found = find_table(fake, ots_slice_str(table));
    for (size_t i = 0; i < found->series_count; i++)
        if (ots_slice_equal(found->series[i].key.measurement, ots_slice_str(measurement)))
            found->series[i].rows.count = 0;
    pthread_mutex_unlock(&fake->lock);
}

void fake_store_fail(struct fake_store *fake, enum ots_action action, enum ots_status status,
                     size_t times)
{
    pthread_mutex_lock(&fake->lock);
    fake->plans[action].fail_status = status;
    fake->plans[action].fail_count = times;
    pthread_mutex_unlock(&fake->lock);
}

void fake_store_be_slow(struct fake_store *fake, enum ots_status status, size_t times)
{
    pthread_mutex_lock(&fake->lock);
    fake->slow_status = status;
    fake->slow_count = times;
    pthread_mutex_unlock(&fake->lock);
}

void fake_store_refuse(struct fake_store *fake, int64_t poison)
{
    pthread_mutex_lock(&fake->lock);
    fake->has_poison = true;
    fake->poison = poison;
    pthread_mutex_unlock(&fake->lock);
}

void fake_store_scan_backward(struct fake_store *fake, bool is_backward)
{
    pthread_mutex_lock(&fake->lock);
    fake->is_scan_backward = is_backward;
    pthread_mutex_unlock(&fake->lock);
}

void fake_store_page_rows(struct fake_store *fake, size_t rows)
{
    pthread_mutex_lock(&fake->lock);
    fake->page_rows = rows;
    pthread_mutex_unlock(&fake->lock);
}

void fake_store_set_clock(struct fake_store *fake, const struct ots_clock *clock)
{
    fake->clock = clock;
}

void fake_store_hold(struct fake_store *fake, enum ots_action action)
{
    pthread_mutex_lock(&fake->lock);
    fake->plans[action].is_held = true;
    pthread_mutex_unlock(&fake->lock);
}

static size_t count_held_locked(const struct fake_store *fake, enum ots_action action)
{
    size_t count = 0;
    for (size_t i = 0; i < fake->held_count; i++)
        count += fake->held[i]->action == action;
    return count;
}

void fake_store_wait_held(struct fake_store *fake, enum ots_action action, size_t count)
{
    pthread_mutex_lock(&fake->lock);
    while (count_held_locked(fake, action) < count)
        pthread_cond_wait(&fake->changed, &fake->lock);
    pthread_mutex_unlock(&fake->lock);
}

static struct ots_call *take_held(struct fake_store *fake, enum ots_action action)
{
    struct ots_call *call = NULL;
    pthread_mutex_lock(&fake->lock);
    fake->plans[action].is_held = false;
    for (size_t i = 0; !call && i < fake->held_count; i++) {
        if (fake->held[i]->action != action)
            continue;
        call = fake->held[i];
        fake->held[i] = fake->held[--fake->held_count];
        if (action == OTS_ACTION_PUT)
            carry_out_locked(fake, call);
    }
    pthread_mutex_unlock(&fake->lock);
    return call;
}

void fake_store_release(struct fake_store *fake, enum ots_action action)
{
    for (struct ots_call *call = take_held(fake, action); call; call = take_held(fake, action))
        call->done(call, call->done_context);
}

size_t fake_store_count(struct fake_store *fake, enum ots_action action)
{
    pthread_mutex_lock(&fake->lock);
    size_t count = fake->plans[action].count;
    pthread_mutex_unlock(&fake->lock);
    return count;
}

size_t fake_store_count_all(struct fake_store *fake)
{
    size_t count = 0;
    for (int action = 0; action < OTS_ACTION_COUNT; action++)
        count += fake_store_count(fake, (enum ots_action)action);
    return count;
}

void fake_store_forget_counts(struct fake_store *fake)
{
    pthread_mutex_lock(&fake->lock);
    for (int action = 0; action < OTS_ACTION_COUNT; action++)
        fake->plans[action].count = 0;
    pthread_mutex_unlock(&fake->lock);
}

static int compare_series(const void *a, const void *b)
{
    const struct fake_series *const *left = a;
    const struct fake_series *const *right = b;
    return ots_series_key_compare(&(*left)->key, &(*right)->key);
}

void fake_store_dump(struct fake_store *fake, const char *name, struct ots_buf *text)
{
    struct ots_lp_printer printer;
    const struct fake_series *sorted[FAKE_SERIES_MAX];
    ots_lp_printer_init(&printer, OTS_PRECISION_NS);
    pthread_mutex_lock(&fake->lock);
    struct fake_table *table = find_table(fake, ots_slice_str(name));
    for (size_t i = 0; i < table->series_count; i++)
        sorted[i] = &table->series[i];
    qsort(sorted, table->series_count, sizeof(sorted[0]), compare_series);
    for (size_t s = 0; s < table->series_count; s++)
        for (size_t i = 0; i < sorted[s]->rows.count; i++)
            fake_must(ots_lp_print(&printer, &sorted[s]->rows.items[i], text, NULL));
    pthread_mutex_unlock(&fake->lock);
    ots_lp_printer_deinit(&printer);
}
