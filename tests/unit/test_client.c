#include "backend/client/client.h"
#include "tests/loop/call_transport.h"
#include "tests/unit/fake_service.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECRET FAKE_SERVICE_SECRET

/* --- helpers --------------------------------------------------------------------------------- */

struct fixture {
    struct fake_service service;
    struct ots_store *store;
};

static void start(struct fixture *fixture, const struct step *steps, size_t step_count,
                  int64_t timeout_ms)
{
    fake_service_init(&fixture->service, steps, step_count);
    struct ots_client_options options = {
        .instance = "inst1",
        .access_key_id = "testid",
        .access_key_secret = SECRET,
        .timeout_ms = timeout_ms,
        .clock = &fixture->service.clock,
    };
    struct ots_error err;
    if (ots_client_new(&options, call_transport_new(fake_service_serve, &fixture->service, 1),
                       &fixture->store, &err) != OTS_OK)
        fail_msg("%s", err.message);
}

static void stop(struct fixture *fixture)
{
    ots_store_free(fixture->store);
    fake_service_deinit(&fixture->service);
}

static void call_fill(struct ots_call *call, enum ots_action action)
{
    ots_call_init(call, action);
    if (action == OTS_ACTION_CREATE_TABLE) {
        call->request.create_table.meta = OTS_TABLE_META_DEFAULT;
        call->request.create_table.meta.name = OTS_SLICE("t");
    } else if (action == OTS_ACTION_GET) {
        call->request.get.table = OTS_SLICE("t");
        call->request.get.key.measurement = OTS_SLICE("cpu");
    } else if (action == OTS_ACTION_SPLIT) {
        call->request.split.table = OTS_SLICE("t");
        call->request.split.split_count_hint = 1;
    } else if (action != OTS_ACTION_LIST_TABLES) {
        call->request.table.table = OTS_SLICE("t");
    }
}

/* Run one call against these steps; returns its status. */
static enum ots_status run(struct fixture *fixture, enum ots_action action,
                           const struct step *steps, size_t step_count, struct ots_error *err)
{
    struct ots_call call;
    start(fixture, steps, step_count, 60000);
    call_fill(&call, action);
    enum ots_status status = ots_store_run(fixture->store, &call, NULL, err);
    ots_call_deinit(&call);
    stop(fixture);
    return status;
}

static void expect(enum ots_action action, const struct step *steps, size_t step_count,
                   enum ots_status status, unsigned tries)
{
    struct fixture fixture;
    struct ots_error err = {.message = ""};
    enum ots_status got = run(&fixture, action, steps, step_count, &err);
    if (got != status || fixture.service.tries != tries)
        fail_msg("%s after %u tries: %s", ots_status_text(got), fixture.service.tries, err.message);
}

#define EXPECT(action, status, tries, ...)                                                         \
    do {                                                                                           \
        static const struct step steps_[] = {__VA_ARGS__};                                         \
        expect(action, steps_, sizeof(steps_) / sizeof(*steps_), status, tries);                   \
    } while (0)

#define ERROR(http, name)                                                                          \
    {                                                                                              \
        .kind = STEP_ERROR, .http_status = (http), .code = (name)                                  \
    }
#define ANSWER                                                                                     \
    {                                                                                              \
        .kind = STEP_ANSWER                                                                        \
    }
#define CUT                                                                                        \
    {                                                                                              \
        .kind = STEP_CUT                                                                           \
    }

/* --- tests ----------------------------------------------------------------------------------- */

static void test_success(void **state)
{
    (void)state;
    EXPECT(OTS_ACTION_LIST_TABLES, OTS_OK, 1, ANSWER);
    EXPECT(OTS_ACTION_CREATE_TABLE, OTS_OK, 1, ANSWER);
    EXPECT(OTS_ACTION_DELETE_TABLE, OTS_OK, 1, ANSWER);
    EXPECT(OTS_ACTION_GET, OTS_OK, 1, ANSWER);
}

static void test_always_class_is_repeated_for_all(void **state)
{
    (void)state;
    EXPECT(OTS_ACTION_GET, OTS_OK, 3, ERROR(503, "OTSServerBusy"), ERROR(503, "OTSTableNotReady"),
           ANSWER);
    EXPECT(OTS_ACTION_DELETE_TABLE, OTS_OK, 3, ERROR(403, "OTSNotEnoughCapacityUnit"),
           ERROR(503, "OTSPartitionUnavailable"), ANSWER);
    EXPECT(OTS_ACTION_DELETE_TABLE, OTS_OK, 2, {.kind = STEP_NOT_CONNECTED}, ANSWER);
}

static void test_unknown_fate_is_repeated_if_harmless(void **state)
{
    (void)state;
    EXPECT(OTS_ACTION_LIST_TABLES, OTS_OK, 4, ERROR(503, "OTSServerUnavailable"), CUT,
           {.kind = STEP_TIMEOUT}, ANSWER);
    EXPECT(OTS_ACTION_SPLIT, OTS_OK, 2, ERROR(500, "OTSInternalServerError"), ANSWER);
    EXPECT(OTS_ACTION_GET, OTS_OK, 2, {.kind = STEP_NO_ERROR_BODY, .http_status = 502}, ANSWER);
    EXPECT(OTS_ACTION_DELETE_TABLE, OTS_UNAVAILABLE, 1, ERROR(503, "OTSServerUnavailable"), ANSWER);
    EXPECT(OTS_ACTION_DELETE_TABLE, OTS_NETWORK, 1, CUT, ANSWER);
    EXPECT(OTS_ACTION_DELETE_TABLE, OTS_TIMEOUT, 1, {.kind = STEP_TIMEOUT}, ANSWER);
}

static void test_refusals_are_final(void **state)
{
    (void)state;
    EXPECT(OTS_ACTION_GET, OTS_INVALID, 1, ERROR(400, "OTSParameterInvalid"), ANSWER);
    EXPECT(OTS_ACTION_GET, OTS_DENIED, 1, ERROR(403, "OTSAuthFailed"), ANSWER);
    EXPECT(OTS_ACTION_GET, OTS_NOT_FOUND, 1, ERROR(404, "OTSObjectNotExist"), ANSWER);
    EXPECT(OTS_ACTION_CREATE_TABLE, OTS_EXISTS, 1, ERROR(409, "OTSObjectAlreadyExist"), ANSWER);
    EXPECT(OTS_ACTION_GET, OTS_LIMIT, 1, ERROR(403, "OTSQuotaExhausted"), ANSWER);
    EXPECT(OTS_ACTION_GET, OTS_DENIED, 1, {.kind = STEP_BAD_CERTIFICATE}, ANSWER);
    EXPECT(OTS_ACTION_GET, OTS_CORRUPT, 1, {.kind = STEP_GARBAGE}, ANSWER);
}

static void test_answers_that_cannot_be_trusted(void **state)
{
    (void)state;
    EXPECT(OTS_ACTION_GET, OTS_OK, 3, {.kind = STEP_BAD_SIGNATURE}, {.kind = STEP_BAD_MD5}, ANSWER);
    EXPECT(OTS_ACTION_DELETE_TABLE, OTS_CORRUPT, 1, {.kind = STEP_BAD_SIGNATURE}, ANSWER);
}

static void test_create_after_unknown_fate(void **state)
{
    (void)state;
    EXPECT(OTS_ACTION_CREATE_TABLE, OTS_OK, 2, CUT, ERROR(409, "OTSObjectAlreadyExist"));
    EXPECT(OTS_ACTION_CREATE_TABLE, OTS_OK, 2, CUT, ANSWER);
    EXPECT(OTS_ACTION_CREATE_TABLE, OTS_OK, 3, ERROR(503, "OTSTimeout"),
           ERROR(503, "OTSServerBusy"), ERROR(409, "OTSObjectAlreadyExist"));
    /* The first try surely did nothing: the table is somebody else's. */
    EXPECT(OTS_ACTION_CREATE_TABLE, OTS_EXISTS, 2, {.kind = STEP_NOT_CONNECTED},
           ERROR(409, "OTSObjectAlreadyExist"));
    EXPECT(OTS_ACTION_CREATE_TABLE, OTS_EXISTS, 2, ERROR(503, "OTSServerBusy"),
           ERROR(409, "OTSObjectAlreadyExist"));
}

static void test_deadline(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {.kind = STEP_ERROR,
         .http_status = 503,
         .code = "OTSServerBusy",
         .message = "Server is busy.",
         .takes_us = 1000},
    };
    struct fixture fixture;
    struct ots_error err;
    assert_int_equal(run(&fixture, OTS_ACTION_GET, steps, 1, &err), OTS_THROTTLED);
    /* With delays of at most 5 s there must be more than a dozen tries in 60 s. */
    assert_in_range(fixture.service.tries, 13, 1000);
    int64_t spent_us = atomic_load(&fixture.service.now_us);
    assert_in_range(spent_us, 60000000, 60000000 + 2000000);
    char wanted[128];
    snprintf(wanted, sizeof(wanted),
             "GetTimeseriesData failed after %u tries in 60.0 s: Server is busy.",
             fixture.service.tries);
    assert_string_equal(err.message, wanted);
    assert_string_equal(err.service_code, "OTSServerBusy");
    assert_string_equal(err.request_id, "request-7");
}

static void test_slow_failure_is_not_repeated_after_deadline(void **state)
{
    (void)state;
    EXPECT(OTS_ACTION_GET, OTS_TIMEOUT, 1, {.kind = STEP_TIMEOUT, .takes_us = 61000000}, ANSWER);
    EXPECT(OTS_ACTION_GET, OTS_OK, 2, {.kind = STEP_TIMEOUT, .takes_us = 59000000}, ANSWER);
}

static void test_first_error_is_not_decorated(void **state)
{
    (void)state;
    static const struct step steps[] = {{.kind = STEP_ERROR,
                                         .http_status = 403,
                                         .code = "OTSAuthFailed",
                                         .message = "Mismatch between system time and "
                                                    "x-ots-date: 2025."}};
    struct fixture fixture;
    struct ots_error err;
    assert_int_equal(run(&fixture, OTS_ACTION_LIST_TABLES, steps, 1, &err), OTS_DENIED);
    assert_string_equal(err.message, "ListTimeseriesTable: Mismatch between system time and "
                                     "x-ots-date: 2025.");
    assert_null(strstr(err.message, SECRET));
}

/* The service's clock is an hour ahead: our requests are refused, and the message says why. */
static void test_wrong_clock_is_told(void **state)
{
    (void)state;
    static const struct step steps[] = {ERROR(403, "OTSAuthFailed")};
    static const char *const dates[] = {"2025-01-02T04:04:06.000Z", "2025-01-02T02:04:05.678Z",
                                        "2025-01-02T03:10:00.000Z", "now"};
    static const char *const wanted[] = {
        "ListTimeseriesTable: this machine's clock is 3600 s behind the service's: no",
        "ListTimeseriesTable: this machine's clock is 3600 s ahead of the service's: no",
        "ListTimeseriesTable: no", "ListTimeseriesTable: no"};
    for (size_t i = 0; i < 4; i++) {
        struct fixture fixture;
        struct ots_error err;
        struct ots_call call;
        start(&fixture, steps, 1, 60000);
        fixture.service.date = dates[i];
        call_fill(&call, OTS_ACTION_LIST_TABLES);
        assert_int_equal(ots_store_run(fixture.store, &call, NULL, &err), OTS_DENIED);
        assert_string_equal(err.message, wanted[i]);
        ots_call_deinit(&call);
        stop(&fixture);
    }
}

static void run_list(struct fixture *fixture)
{
    struct ots_call call;
    call_fill(&call, OTS_ACTION_LIST_TABLES);
    assert_int_equal(ots_store_run(fixture->store, &call, NULL, NULL), OTS_OK);
    ots_call_deinit(&call);
}

/* A delay before a try is rounded to a millisecond. */
static void expect_service_time(struct fixture *fixture, int64_t time_us)
{
    assert_in_range(ots_store_now_us(fixture->store), time_us - 500, time_us + 500);
}

static void test_service_clock(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {.kind = STEP_BAD_SIGNATURE, .takes_us = 2000},
        {.kind = STEP_ANSWER, .takes_us = 2000},
        {.kind = STEP_ANSWER, .takes_us = 4000000},
    };
    const int64_t date_us = 1735787045700000;
    struct fixture fixture;
    start(&fixture, steps, 3, 60000);
    assert_int_equal(ots_store_now_us(fixture.store), 1735787045678000); /* our own */
    fixture.service.date = "2025-01-02T03:04:05.700Z";
    run_list(&fixture);
    /* The date is that of half the way of the second try; that of the first is not believed. */
    expect_service_time(&fixture, date_us + 1000);
    atomic_fetch_add(&fixture.service.now_us, 5000000);
    expect_service_time(&fixture, date_us + 5001000);
    /* A slow answer tells less. */
    fixture.service.date = "2025-01-02T03:04:11.000Z";
    run_list(&fixture);
    expect_service_time(&fixture, date_us + 9001000);
    stop(&fixture);
}

/* A repeated try has a date and a signature of its own. */
static void test_every_try_is_signed_anew(void **state)
{
    (void)state;
    static const struct step steps[] = {{.kind = STEP_CUT, .takes_us = 2000000}, ANSWER};
    struct fixture fixture;
    assert_int_equal(run(&fixture, OTS_ACTION_GET, steps, 2, NULL), OTS_OK);
    assert_string_equal(fixture.service.dates[0], "2025-01-02T03:04:05.678Z");
    assert_memory_equal(fixture.service.dates[1], "2025-01-02T03:04:07.6", 21);
}

static void test_v4(void **state)
{
    (void)state;
    static const struct step steps[] = {CUT, {.kind = STEP_BAD_SIGNATURE}, ANSWER};
    struct fixture fixture;
    start(&fixture, steps, 3, 0);
    ots_store_free(fixture.store);
    fixture.service.region = "cn-hangzhou";
    struct ots_client_options options = {
        .instance = "inst1",
        .access_key_id = "testid",
        .access_key_secret = SECRET,
        .region = "cn-hangzhou",
        .clock = &fixture.service.clock,
    };
    assert_int_equal(ots_client_new(&options,
                                    call_transport_new(fake_service_serve, &fixture.service, 1),
                                    &fixture.store, NULL),
                     OTS_OK);
    struct ots_call call;
    call_fill(&call, OTS_ACTION_LIST_TABLES);
    assert_int_equal(ots_store_run(fixture.store, &call, NULL, NULL), OTS_OK);
    assert_int_equal(fixture.service.tries, 3);
    ots_call_deinit(&call);
    stop(&fixture);
}

/* --- puts of which some rows fail ------------------------------------------------------------ */

struct put {
    struct ots_series_key key;
    struct ots_field field;
    struct ots_row rows[4];
    struct ots_call call;
};

static void put_init(struct put *put)
{
    memset(put, 0, sizeof(*put));
    put->key.measurement = OTS_SLICE("cpu");
    put->field.name = OTS_SLICE("value");
    put->field.value.type = OTS_INTEGER;
    for (int i = 0; i < 4; i++)
        put->rows[i] = (struct ots_row){&put->key, 100 + i, &put->field, 1};
    ots_call_init(&put->call, OTS_ACTION_PUT);
    put->call.request.put.table = OTS_SLICE("t");
    put->call.request.put.rows = put->rows;
    put->call.request.put.row_count = 4;
}

static enum ots_status put_run(struct fixture *fixture, struct put *put, const struct step *steps,
                               size_t step_count, struct ots_error *err)
{
    start(fixture, steps, step_count, 60000);
    put_init(put);
    enum ots_status status = ots_store_run(fixture->store, &put->call, NULL, err);
    stop(fixture);
    return status;
}

static void test_put_all_stored(void **state)
{
    (void)state;
    static const struct step steps[] = {ANSWER};
    struct fixture fixture;
    struct put put;
    assert_int_equal(put_run(&fixture, &put, steps, 1, NULL), OTS_OK);
    assert_int_equal(fixture.service.put_count, 4);
    assert_int_equal(put.call.response.put.failed_row_count, 0);
    ots_call_deinit(&put.call);
}

static void test_put_failed_rows_again(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {.kind = STEP_ROWS_FAIL, .codes = {NULL, "OTSServerBusy", NULL, "OTSTimeout"}},
        CUT,
        {.kind = STEP_ROWS_FAIL, .codes = {NULL, "OTSServerBusy"}},
        ANSWER,
    };
    struct fixture fixture;
    struct put put;
    assert_int_equal(put_run(&fixture, &put, steps, 4, NULL), OTS_OK);
    assert_int_equal(fixture.service.tries, 4);
    assert_int_equal(fixture.service.put_count, 1);
    assert_int_equal(fixture.service.put_times[0], 103);
    assert_int_equal(put.call.response.put.failed_row_count, 0);
    ots_call_deinit(&put.call);
}

static void test_put_some_fail_for_good(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {.kind = STEP_ROWS_FAIL, .codes = {"OTSParameterInvalid", "OTSServerBusy", "OTSTimeout"}},
        {.kind = STEP_ROWS_FAIL, .codes = {NULL, "OTSOutOfRowSizeLimit"}},
    };
    struct fixture fixture;
    struct put put;
    assert_int_equal(put_run(&fixture, &put, steps, 2, NULL), OTS_OK);
    assert_int_equal(fixture.service.tries, 2);
    assert_int_equal(fixture.service.put_count, 2);
    assert_int_equal(fixture.service.put_times[1], 102);
    const struct ots_put_response *response = &put.call.response.put;
    assert_int_equal(response->failed_row_count, 2);
    assert_int_equal(response->failed_rows[0].row_index, 0);
    assert_int_equal(response->failed_rows[1].row_index, 2);
    assert_true(ots_slice_equal(response->failed_rows[1].code, OTS_SLICE("OTSOutOfRowSizeLimit")));
    ots_call_deinit(&put.call);
}

static void test_put_rows_fail_until_deadline(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {.kind = STEP_ROWS_FAIL, .codes = {NULL, NULL, NULL, "OTSServerBusy"}},
        {.kind = STEP_ROWS_FAIL, .codes = {"OTSServerBusy"}},
    };
    struct fixture fixture;
    struct put put;
    assert_int_equal(put_run(&fixture, &put, steps, 2, NULL), OTS_OK);
    assert_in_range(fixture.service.tries, 13, 1000);
    assert_int_equal(put.call.response.put.failed_row_count, 1);
    assert_int_equal(put.call.response.put.failed_rows[0].row_index, 3);
    ots_call_deinit(&put.call);
}

static void test_put_resend_refused(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {.kind = STEP_ROWS_FAIL, .codes = {"OTSServerBusy"}},
        ERROR(403, "OTSNoPermissionAccess"),
    };
    struct fixture fixture;
    struct put put;
    struct ots_error err;
    assert_int_equal(put_run(&fixture, &put, steps, 2, &err), OTS_DENIED);
    assert_int_equal(fixture.service.tries, 2);
    ots_call_deinit(&put.call);
}

/* --- cancelling ------------------------------------------------------------------------------ */

struct interrupter {
    struct fake_service *service;
    struct ots_interrupt *interrupt;
};

static void *interrupt_after_try(void *argument)
{
    struct interrupter *interrupter = argument;
    fake_service_wait_tries(interrupter->service, 2);
    ots_interrupt_raise(interrupter->interrupt);
    return NULL;
}

static void test_cancel(void **state)
{
    (void)state;
    static const struct step steps[] = {CUT, {.kind = STEP_HANG}};
    struct fixture fixture;
    struct ots_interrupt interrupt;
    struct ots_call call;
    struct ots_error err;
    pthread_t thread;
    start(&fixture, steps, 2, 60000);
    ots_interrupt_init(&interrupt);
    call_fill(&call, OTS_ACTION_GET);
    struct interrupter interrupter = {&fixture.service, &interrupt};
    assert_int_equal(pthread_create(&thread, NULL, interrupt_after_try, &interrupter), 0);
    assert_int_equal(ots_store_run(fixture.store, &call, &interrupt, &err), OTS_CANCELLED);
    assert_string_equal(err.message, "GetTimeseriesData: cancelled");
    pthread_join(thread, NULL);
    /* Done: a late cancel touches nothing. */
    fixture.store->ops->cancel(fixture.store, &call);
    ots_call_deinit(&call);
    ots_interrupt_deinit(&interrupt);
    stop(&fixture);
}

/* While a service is refused for ever, a cancel ends the repeating. */
static void test_cancel_between_tries(void **state)
{
    (void)state;
    static const struct step steps[] = {{.kind = STEP_NOT_CONNECTED}};
    struct fixture fixture;
    struct ots_interrupt interrupt;
    struct ots_call call;
    pthread_t thread;
    start(&fixture, steps, 1, 3600000);
    ots_interrupt_init(&interrupt);
    call_fill(&call, OTS_ACTION_GET);
    struct interrupter interrupter = {&fixture.service, &interrupt};
    assert_int_equal(pthread_create(&thread, NULL, interrupt_after_try, &interrupter), 0);
    /* The fake hour may be over first. */
    enum ots_status status = ots_store_run(fixture.store, &call, &interrupt, NULL);
    assert_true(status == OTS_CANCELLED || status == OTS_NETWORK);
    pthread_join(thread, NULL);
    ots_call_deinit(&call);
    ots_interrupt_deinit(&interrupt);
    stop(&fixture);
}

static void count_done(struct ots_call *call, void *context)
{
    unsigned *count = context;
    assert_int_equal(call->status, OTS_CANCELLED);
    (*count)++;
}

static void test_free_ends_calls(void **state)
{
    (void)state;
    static const struct step steps[] = {{.kind = STEP_HANG}};
    enum { CALLS = 5 };
    struct fixture fixture;
    struct ots_call calls[CALLS];
    unsigned done_count = 0;
    start(&fixture, steps, 1, 60000);
    for (int i = 0; i < CALLS; i++) {
        call_fill(&calls[i], OTS_ACTION_LIST_TABLES);
        calls[i].done = count_done;
        calls[i].done_context = &done_count;
        fixture.store->ops->submit(fixture.store, &calls[i]);
    }
    fake_service_wait_tries(&fixture.service, 2);
    stop(&fixture);
    assert_int_equal(done_count, CALLS);
    for (int i = 0; i < CALLS; i++)
        ots_call_deinit(&calls[i]);
}

static void test_bad_options(void **state)
{
    (void)state;
    struct ots_store *store = NULL;
    struct ots_error err;
    struct ots_client_options options = {
        .instance = "inst1", .access_key_id = "testid", .access_key_secret = "s3cret\n"};
    assert_int_equal(
        ots_client_new(&options, call_transport_new(fake_service_serve, NULL, 1), &store, &err),
        OTS_INVALID);
    assert_null(strstr(err.message, "s3cret"));
    options.access_key_secret = SECRET;
    options.timeout_ms = 3600001;
    assert_int_equal(
        ots_client_new(&options, call_transport_new(fake_service_serve, NULL, 1), &store, &err),
        OTS_INVALID);
    assert_null(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_success),
        cmocka_unit_test(test_always_class_is_repeated_for_all),
        cmocka_unit_test(test_unknown_fate_is_repeated_if_harmless),
        cmocka_unit_test(test_refusals_are_final),
        cmocka_unit_test(test_answers_that_cannot_be_trusted),
        cmocka_unit_test(test_create_after_unknown_fate),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_slow_failure_is_not_repeated_after_deadline),
        cmocka_unit_test(test_first_error_is_not_decorated),
        cmocka_unit_test(test_wrong_clock_is_told),
        cmocka_unit_test(test_service_clock),
        cmocka_unit_test(test_every_try_is_signed_anew),
        cmocka_unit_test(test_v4),
        cmocka_unit_test(test_put_all_stored),
        cmocka_unit_test(test_put_failed_rows_again),
        cmocka_unit_test(test_put_some_fail_for_good),
        cmocka_unit_test(test_put_rows_fail_until_deadline),
        cmocka_unit_test(test_put_resend_refused),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_cancel_between_tries),
        cmocka_unit_test(test_free_ends_calls),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
