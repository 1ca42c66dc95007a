#include "backend/client/partial_put.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROWS = 6 };

struct fixture {
    struct ots_arena arena;
    struct ots_row rows[ROWS];
    struct ots_put_request request;
    struct ots_partial_put partial;
    enum ots_retry_class retry;
    struct ots_error err;
};

/* Rows are told apart by their time: 100, 101, ... */
static void fixture_init(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    for (size_t i = 0; i < ROWS; i++)
        fixture->rows[i].time_us = (int64_t)(100 + i);
    fixture->request.rows = fixture->rows;
    fixture->request.row_count = ROWS;
}

static enum ots_status take(struct fixture *fixture, const struct ots_failed_row *failed,
                            size_t count)
{
    struct ots_put_response response = {.failed_rows = failed, .failed_row_count = count};
    return ots_partial_put_take(&fixture->partial, &fixture->request, &response, &fixture->arena,
                                &fixture->retry, &fixture->err);
}

static struct ots_failed_row row_failed(uint32_t index, const char *code)
{
    return (struct ots_failed_row){index, ots_slice_str(code), OTS_SLICE("message")};
}

static void check_result(struct fixture *fixture, const uint32_t *indexes, size_t count)
{
    struct ots_put_response response;
    assert_int_equal(ots_partial_put_result(&fixture->partial, &fixture->arena, &response), OTS_OK);
    assert_int_equal(response.failed_row_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(response.failed_rows[i].row_index, indexes[i]);
}

static void test_all_retryable(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    struct ots_failed_row failed[] = {row_failed(4, "OTSTimeout"),
                                      row_failed(1, "OTSInternalServerError")};
    assert_int_equal(take(&fixture, failed, 2), OTS_OK);
    assert_int_equal(fixture.retry, OTS_RETRY_IF_IDEMPOTENT);
    assert_int_equal(fixture.partial.row_count, 2);
    assert_int_equal(fixture.partial.rows[0].time_us, 101);
    assert_int_equal(fixture.partial.rows[1].time_us, 104);
    check_result(&fixture, (uint32_t[]){1, 4}, 2);
    ots_arena_deinit(&fixture.arena);
}

static void test_busy_waits_for_all(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    struct ots_failed_row failed[] = {row_failed(0, "OTSTimeout"), row_failed(1, "OTSServerBusy"),
                                      row_failed(2, "OTSTimeout")};
    assert_int_equal(take(&fixture, failed, 3), OTS_OK);
    assert_int_equal(fixture.retry, OTS_RETRY_ALWAYS);
    ots_arena_deinit(&fixture.arena);
}

static void test_none_retryable(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    struct ots_failed_row failed[] = {row_failed(5, "OTSParameterInvalid"),
                                      row_failed(0, "OTSUnheardOf")};
    assert_int_equal(take(&fixture, failed, 2), OTS_OK);
    assert_int_equal(fixture.retry, OTS_RETRY_NEVER);
    assert_int_equal(fixture.partial.row_count, 0);
    check_result(&fixture, (uint32_t[]){0, 5}, 2);
    ots_arena_deinit(&fixture.arena);
}

/* Indexes of the second answer count the rows of the second put. */
static void test_indexes_are_mapped_back(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    struct ots_failed_row first[] = {row_failed(1, "OTSServerBusy"),
                                     row_failed(2, "OTSParameterInvalid"),
                                     row_failed(3, "OTSServerBusy"), row_failed(5, "OTSTimeout")};
    assert_int_equal(take(&fixture, first, 4), OTS_OK);
    assert_int_equal(fixture.partial.row_count, 3);
    struct ots_failed_row second[] = {row_failed(2, "OTSParameterInvalid"),
                                      row_failed(1, "OTSServerBusy")};
    assert_int_equal(take(&fixture, second, 2), OTS_OK);
    assert_int_equal(fixture.partial.row_count, 1);
    assert_int_equal(fixture.partial.rows[0].time_us, 103);
    check_result(&fixture, (uint32_t[]){2, 3, 5}, 3);
    assert_int_equal(take(&fixture, NULL, 0), OTS_OK);
    assert_int_equal(fixture.retry, OTS_RETRY_NEVER);
    check_result(&fixture, (uint32_t[]){2, 5}, 2);
    ots_arena_deinit(&fixture.arena);
}

static void test_row_that_was_not_sent(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    struct ots_failed_row failed[] = {row_failed(ROWS, "OTSServerBusy")};
    assert_int_equal(take(&fixture, failed, 1), OTS_CORRUPT);
    assert_false(fixture.partial.is_begun);

    /* Index 1 was in the first put, not in the second. */
    struct ots_failed_row one[] = {row_failed(3, "OTSServerBusy")};
    assert_int_equal(take(&fixture, one, 1), OTS_OK);
    one[0].row_index = 1;
    assert_int_equal(take(&fixture, one, 1), OTS_CORRUPT);
    check_result(&fixture, (uint32_t[]){3}, 1);
    ots_arena_deinit(&fixture.arena);
}

static void test_row_named_twice(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    struct ots_failed_row failed[2 * ROWS];
    for (uint32_t i = 0; i < 2 * ROWS; i++)
        failed[i] = row_failed(2, "OTSServerBusy");
    assert_int_equal(take(&fixture, failed, 2 * ROWS), OTS_OK);
    assert_int_equal(fixture.partial.row_count, 1);
    check_result(&fixture, (uint32_t[]){2}, 1);
    ots_arena_deinit(&fixture.arena);
}

static void test_quota_goes_by_message(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    struct ots_failed_row failed[] = {row_failed(0, "OTSQuotaExhausted")};
    assert_int_equal(take(&fixture, failed, 1), OTS_OK);
    assert_int_equal(fixture.retry, OTS_RETRY_NEVER);
    fixture.partial = OTS_PARTIAL_PUT_INIT;
    failed[0].message = OTS_SLICE("Too frequent table operations.");
    assert_int_equal(take(&fixture, failed, 1), OTS_OK);
    assert_int_equal(fixture.retry, OTS_RETRY_ALWAYS);
    ots_arena_deinit(&fixture.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_retryable),
        cmocka_unit_test(test_busy_waits_for_all),
        cmocka_unit_test(test_none_retryable),
        cmocka_unit_test(test_indexes_are_mapped_back),
        cmocka_unit_test(test_row_that_was_not_sent),
        cmocka_unit_test(test_row_named_twice),
        cmocka_unit_test(test_quota_goes_by_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
