/*
 * What a client counts of its work.
 */
#include "backend/client/client.h"
#include "tests/loop/call_transport.h"
#include "tests/unit/fake_service.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct fixture {
    struct fake_service service;
    struct ots_store *store;
};

static void start(struct fixture *fixture, const struct step *steps, size_t step_count)
{
    fake_service_init(&fixture->service, steps, step_count);
    struct ots_client_options options = {
        .instance = "inst1",
        .access_key_id = "testid",
        .access_key_secret = FAKE_SERVICE_SECRET,
        .clock = &fixture->service.clock,
    };
    struct ots_transport *transport = call_transport_new(fake_service_serve, &fixture->service, 1);
    assert_int_equal(ots_client_new(&options, transport, &fixture->store, NULL), OTS_OK);
}

static void stop(struct fixture *fixture)
{
    ots_store_free(fixture->store);
    fake_service_deinit(&fixture->service);
}

static struct ots_action_counts counts_of(const struct fixture *fixture, enum ots_action action)
{
    struct ots_action_counts counts;
    ots_meter_read(fixture->store->meter, action, &counts);
    return counts;
}

static enum ots_status run(const struct fixture *fixture, enum ots_action action)
{
    struct ots_call call;
    ots_call_init(&call, action);
    if (action == OTS_ACTION_DELETE_TABLE)
        call.request.table.table = OTS_SLICE("t");
    enum ots_status status = ots_store_run(fixture->store, &call, NULL, NULL);
    ots_call_deinit(&call);
    return status;
}

static void tries_are_counted(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {.kind = STEP_ERROR, .http_status = 503, .code = "OTSServerBusy"},
        {.kind = STEP_CUT},
        {.kind = STEP_ANSWER},
    };
    struct fixture fixture;
    start(&fixture, steps, 3);
    assert_int_equal(counts_of(&fixture, OTS_ACTION_LIST_STREAMS).requests, 0);
    assert_int_equal(run(&fixture, OTS_ACTION_LIST_STREAMS), OTS_OK);
    struct ots_action_counts counts = counts_of(&fixture, OTS_ACTION_LIST_STREAMS);
    assert_int_equal(counts.calls, 1);
    assert_int_equal(counts.failures, 0);
    assert_int_equal(counts.requests, 3);
    assert_int_equal(counts.retries, 2);
    assert_true(counts.received_bytes > 0);
    assert_int_equal(run(&fixture, OTS_ACTION_LIST_STREAMS), OTS_OK);
    counts = counts_of(&fixture, OTS_ACTION_LIST_STREAMS);
    assert_int_equal(counts.calls, 2);
    assert_int_equal(counts.requests, 4);
    assert_int_equal(counts.retries, 2);
    stop(&fixture);
}

static void failures_are_counted_by_action(void **state)
{
    (void)state;
    static const struct step steps[] = {
        {.kind = STEP_ERROR, .http_status = 400, .code = "OTSParameterInvalid"}};
    struct fixture fixture;
    start(&fixture, steps, 1);
    assert_int_equal(run(&fixture, OTS_ACTION_DELETE_TABLE), OTS_INVALID);
    struct ots_action_counts counts = counts_of(&fixture, OTS_ACTION_DELETE_TABLE);
    assert_int_equal(counts.calls, 1);
    assert_int_equal(counts.failures, 1);
    assert_int_equal(counts.requests, 1);
    assert_int_equal(counts.retries, 0);
    assert_true(counts.sent_bytes > 0);
    for (int i = 0; i < OTS_ACTION_COUNT; i++)
        if (i != OTS_ACTION_DELETE_TABLE)
            assert_int_equal(counts_of(&fixture, (enum ots_action)i).requests, 0);
    stop(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tries_are_counted),
        cmocka_unit_test(failures_are_counted_by_action),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
