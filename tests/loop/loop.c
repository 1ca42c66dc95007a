#include "tests/loop/loop.h"

#include "backend/wire/service_code.h"
#include "tests/loop/call_transport.h"

#include <stdlib.h>

#define INSTANCE "loop"
#define ACCESS_KEY_ID "loopid"
#define SECRET "loopsecret"

static int64_t server_now_us(const struct ots_clock *clock)
{
    const struct loop *loop = clock->context;
    return atomic_load(&loop->now_us);
}

static int64_t client_now_us(const struct ots_clock *clock)
{
    const struct loop *loop = clock->context;
    return atomic_load(&loop->now_us) + loop->options.client_clock_skew_us;
}

enum fault {
    FAULT_NONE,
    FAULT_NOT_CONNECTED,
    FAULT_BUSY,
    FAULT_CUT_BEFORE,
    FAULT_CUT_AFTER,
    FAULTS
};

static enum fault draw_fault(struct loop *loop)
{
    enum fault fault = FAULT_NONE;
    pthread_mutex_lock(&loop->synced.lock);
    if (test_random_below(&loop->synced.random, 100) < loop->options.fault_percent) {
        fault = (enum fault)(1 + test_random_below(&loop->synced.random, FAULTS - 1));
        loop->synced.fault_count++;
    }
    pthread_mutex_unlock(&loop->synced.lock);
    return fault;
}

static void answer_busy(struct ots_http_response *response)
{
    response->status = 503;
    assert_int_equal(
        ots_error_body_encode(OTS_CODE_SERVER_BUSY, "Server is busy.", &response->body), OTS_OK);
}

static bool serve(void *context, struct ots_exchange *exchange, int64_t delay_ms)
{
    struct loop *loop = context;
    enum fault fault = draw_fault(loop);
    atomic_fetch_add(&loop->now_us, delay_ms * 1000);
    exchange->status = OTS_OK;
    exchange->may_have_arrived = fault != FAULT_NOT_CONNECTED;
    if (fault == FAULT_NONE || fault == FAULT_CUT_AFTER)
        ots_service_handle(loop->service, &exchange->request, &exchange->response);
    if (fault == FAULT_BUSY)
        answer_busy(&exchange->response);
    else if (fault != FAULT_NONE)
        exchange->status = ots_error_set(&exchange->error, OTS_NETWORK, "fault %d", (int)fault);
    return true;
}

static void start(struct loop *loop)
{
    static const struct ots_log log = {.program = "loop", .level = OTS_LOG_WARNING};
    struct ots_error err = {.message = ""};
    struct ots_service_options service_options = {
        .directory = loop->directory.path,
        .instance = INSTANCE,
        .access_key_id = ACCESS_KEY_ID,
        .access_key_secret = SECRET,
        .clock = &loop->server_clock,
        .log = &log,
    };
    if (ots_service_open(&service_options, &loop->service, &err) != OTS_OK)
        fail_msg("%s", err.message);
    const char *secret = loop->options.client_secret;
    struct ots_client_options client_options = {
        .instance = INSTANCE,
        .access_key_id = ACCESS_KEY_ID,
        .access_key_secret = secret ? secret : SECRET,
        .region = loop->options.region,
        .put_layout = loop->options.put_layout,
        .clock = &loop->client_clock,
        .log = &log,
    };
    unsigned threads = loop->options.threads ? loop->options.threads : 1;
    if (ots_client_new(&client_options, call_transport_new(serve, loop, threads), &loop->store,
                       &err) != OTS_OK)
        fail_msg("%s", err.message);
}

static void stop(struct loop *loop)
{
    ots_store_free(loop->store);
    ots_service_close(loop->service);
}

void loop_start(struct loop *loop, struct loop_options options)
{
    memset(loop, 0, sizeof(*loop));
    loop->options = options;
    loop->server_clock = (struct ots_clock){server_now_us, server_now_us, loop};
    loop->client_clock = (struct ots_clock){client_now_us, server_now_us, loop};
    atomic_store(&loop->now_us, TEST_NOW_US);
    pthread_mutex_init(&loop->synced.lock, NULL);
    loop->synced.random.state = options.seed;
    test_directory_make(&loop->directory);
    start(loop);
}

void loop_restart(struct loop *loop)
{
    stop(loop);
    start(loop);
}

void loop_stop(struct loop *loop)
{
    stop(loop);
    test_directory_remove(&loop->directory);
    pthread_mutex_destroy(&loop->synced.lock);
}

void loop_call_ok(struct loop *loop, struct ots_call *call)
{
    struct ots_error err;
    if (ots_store_run(loop->store, call, NULL, &err) != OTS_OK)
        fail_msg("%s (%s)", err.message, err.service_code);
}

void loop_call_fails(struct loop *loop, struct ots_call *call, enum ots_status status)
{
    struct ots_error err = {.message = ""};
    enum ots_status got = ots_store_run(loop->store, call, NULL, &err);
    if (got != status)
        fail_msg("%s: %s", ots_status_text(got), err.message);
}

void loop_create_table(struct loop *loop, const char *table)
{
    TEST_CALL(call, OTS_ACTION_CREATE_TABLE);
    call.request.create_table.meta = OTS_TABLE_META_DEFAULT;
    call.request.create_table.meta.name = ots_slice_str(table);
    loop_call_ok(loop, &call);
}

void loop_put(struct loop *loop, const char *table, const struct ots_rows *rows, size_t batch)
{
    for (size_t done = 0; done < rows->count; done += batch) {
        size_t left = rows->count - done;
        TEST_CALL(call, OTS_ACTION_PUT);
        call.request.put.table = ots_slice_str(table);
        call.request.put.rows = rows->items + done;
        call.request.put.row_count = left < batch ? left : batch;
        loop_call_ok(loop, &call);
        assert_int_equal(call.response.put.failed_row_count, 0);
    }
}

static void append_page(const struct ots_rows *page, struct ots_arena *arena, struct ots_rows *rows)
{
    for (size_t i = 0; i < page->count; i++) {
        struct ots_row copy;
        assert_int_equal(ots_row_copy(arena, &page->items[i], NULL, &copy), OTS_OK);
        assert_int_equal(ots_rows_append(rows, arena, &copy), OTS_OK);
    }
}

void loop_read_all(struct loop *loop, const struct ots_call *first, struct ots_arena *arena,
                   struct ots_rows *rows)
{
    bool is_scan = first->action == OTS_ACTION_SCAN;
    int32_t limit = is_scan ? first->request.scan.limit : first->request.get.limit;
    struct ots_slice token = OTS_SLICE_NONE;
    do {
        TEST_CALL(call, first->action);
        call.request = first->request;
        if (is_scan)
            call.request.scan.token = token;
        else
            call.request.get.token = token;
        loop_call_ok(loop, &call);
        assert_true(!limit || call.response.page.rows.count <= (size_t)limit);
        append_page(&call.response.page.rows, arena, rows);
        assert_int_equal(ots_arena_copy(arena, call.response.page.next_token, &token), OTS_OK);
    } while (token.size);
}

static int compare_rows(const void *a, const void *b)
{
    const struct ots_row *left = a;
    const struct ots_row *right = b;
    int order = ots_series_key_compare(left->key, right->key);
    if (order != 0)
        return order;
    return left->time_us < right->time_us ? -1 : left->time_us > right->time_us;
}

void loop_sort_rows(struct ots_rows *rows)
{
    if (rows->count)
        qsort(rows->items, rows->count, sizeof(*rows->items), compare_rows);
}
