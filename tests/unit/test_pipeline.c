/*
 * The pipeline against a store that answers when the test says so.
 */
#include "fs/view/pipeline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/pipeline_fixture.h"

static void full_batches_go_at_once(void **state)
{
    struct pipeline_fixture *fixture = *state;
    for (int64_t i = 0; i < 2 * OTS_PUT_ROWS_MAX; i++)
        add(fixture, i, i);
    assert_int_equal(fixture->held.put_count, 2);
    assert_int_equal(rows_of(fixture, 0), OTS_PUT_ROWS_MAX);
    assert_int_equal(rows_of(fixture, 1), OTS_PUT_ROWS_MAX);
    held_release(&fixture->held, 0);
    held_release(&fixture->held, 1);
    assert_false(ots_pipeline_is_busy(fixture->pipeline));
}

static void a_batch_is_full_by_size_too(void **state)
{
    struct pipeline_fixture *fixture = *state;
    fixture->held.is_immediate = true;
    uint8_t *text = calloc(1, OTS_VALUE_BYTES_MAX);
    struct ots_field field = {OTS_SLICE("v"),
                              {.type = OTS_STRING, .bytes = {text, OTS_VALUE_BYTES_MAX}}};
    for (int64_t i = 0; i < 3; i++) {
        struct ots_row row = {&fixture->key, i, &field, 1};
        assert_int_equal(ots_pipeline_add(fixture->pipeline, &row, fixture->origin, NULL), OTS_OK);
    }
    assert_int_equal(ots_pipeline_wait(fixture->pipeline, NULL), OTS_OK);
    /* Two of 2 MiB and their keys are over 4 MiB. */
    assert_int_equal(fixture->held.put_count, 3);
    free(text);
}

/*
 * The service is slower than the writers, who close file after file, and the sender comes by all
 * the time: what waits grows full meanwhile. A put is answered only when the next one is full.
 */
static void batches_are_full_when_there_is_a_backlog(void **state)
{
    enum { FILES = 1000, ROWS = 62 };
    struct pipeline_fixture *fixture = *state;
    struct held_store *held = &fixture->held;
    size_t full = 0;
    size_t sent = 0;
    size_t counted = 0;
    for (size_t i = 0; i < FILES * ROWS; i++) {
        for (; counted < held->put_count; counted++) {
            sent += rows_of(fixture, counted);
            full += rows_of(fixture, counted) == OTS_PUT_ROWS_MAX;
        }
        if (i - sent == OTS_PUT_ROWS_MAX)
            held_release(held, held->put_count - 2);
        add(fixture, (int64_t)i, 1);
        if (i % ROWS == 0)
            ots_pipeline_send_older(fixture->pipeline, 0);
    }
    assert_true(counted > FILES * ROWS / OTS_PUT_ROWS_MAX - 4);
    assert_true(full * 100 >= counted * 95);
    held->is_immediate = true;
    held_release(held, held->put_count - 2);
    held_release(held, held->put_count - 1);
    assert_int_equal(ots_pipeline_wait(fixture->pipeline, NULL), OTS_OK);
}

static void waiting_sends_what_is_not_full(void **state)
{
    struct pipeline_fixture *fixture = *state;
    add(fixture, 1, 1);
    assert_int_equal(fixture->held.put_count, 0);
    pthread_t waiter;
    assert_int_equal(pthread_create(&waiter, NULL, wait_for_all, fixture), 0);
    assert_int_equal(held_wait(&fixture->held, 1), 1);
    assert_int_equal(rows_of(fixture, 0), 1);
    assert_true(ots_pipeline_is_busy(fixture->pipeline));
    held_release(&fixture->held, 0);
    pthread_join(waiter, NULL);
    assert_false(ots_pipeline_is_busy(fixture->pipeline));
}

static void old_batches_are_sent(void **state)
{
    struct pipeline_fixture *fixture = *state;
    add(fixture, 1, 1);
    ots_pipeline_send_older(fixture->pipeline, INT64_C(3600000000));
    assert_int_equal(fixture->held.put_count, 0);
    ots_pipeline_send_older(fixture->pipeline, 0);
    assert_int_equal(fixture->held.put_count, 1);
    held_release(&fixture->held, 0);
}

struct adder {
    struct pipeline_fixture *fixture;
    struct ots_interrupt interrupt;
    enum ots_status status;
};

static void *add_one(void *argument)
{
    struct adder *adder = argument;
    adder->status = pipeline_add(adder->fixture, 1000, OTS_SLICE("v"), 1, adder->fixture->origin,
                                 &adder->interrupt);
    return NULL;
}

static void fill_up(struct pipeline_fixture *fixture)
{
    for (int64_t i = 0; i < 3 * OTS_PUT_ROWS_MAX; i++)
        add(fixture, i, i);
    assert_int_equal(fixture->held.put_count, 2);
}

static void writers_wait_while_all_is_in_flight(void **state)
{
    struct pipeline_fixture *fixture = *state;
    fill_up(fixture);
    struct adder adder = {.fixture = fixture};
    ots_interrupt_init(&adder.interrupt);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, add_one, &adder), 0);
    held_release(&fixture->held, 0);
    pthread_join(thread, NULL);
    assert_int_equal(adder.status, OTS_OK);
    assert_int_equal(held_wait(&fixture->held, 3), 3);
    held_release(&fixture->held, 1);
    held_release(&fixture->held, 2);
    fixture->held.is_immediate = true;
    assert_int_equal(ots_pipeline_wait(fixture->pipeline, NULL), OTS_OK);
    ots_interrupt_deinit(&adder.interrupt);
}

static void a_waiting_writer_can_be_interrupted(void **state)
{
    struct pipeline_fixture *fixture = *state;
    fill_up(fixture);
    struct adder adder = {.fixture = fixture};
    ots_interrupt_init(&adder.interrupt);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, add_one, &adder), 0);
    ots_interrupt_raise(&adder.interrupt);
    pthread_join(thread, NULL);
    assert_int_equal(adder.status, OTS_CANCELLED);
    struct ots_interrupt raised;
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    assert_int_equal(ots_pipeline_wait(fixture->pipeline, &raised), OTS_CANCELLED);
    fixture->held.is_immediate = true;
    held_release(&fixture->held, 0);
    held_release(&fixture->held, 1);
    assert_int_equal(ots_pipeline_wait(fixture->pipeline, NULL), OTS_OK);
    ots_interrupt_deinit(&raised);
    ots_interrupt_deinit(&adder.interrupt);
}

static void a_row_is_in_one_put_at_a_time(void **state)
{
    struct pipeline_fixture *fixture = *state;
    add(fixture, 7, 1);
    ots_pipeline_send_older(fixture->pipeline, 0);
    assert_int_equal(fixture->held.put_count, 1);
    add(fixture, 7, 2);
    ots_pipeline_send_older(fixture->pipeline, 0);
    assert_int_equal(fixture->held.put_count, 1);
    pthread_t waiter;
    assert_int_equal(pthread_create(&waiter, NULL, wait_for_all, fixture), 0);
    held_release(&fixture->held, 0);
    assert_int_equal(held_wait(&fixture->held, 2), 2);
    held_release(&fixture->held, 1);
    pthread_join(waiter, NULL);
    assert_int_equal(fixture->held.stored[7], 2);
}

static void another_row_need_not_wait(void **state)
{
    struct pipeline_fixture *fixture = *state;
    add(fixture, 7, 1);
    ots_pipeline_send_older(fixture->pipeline, 0);
    add(fixture, 8, 2);
    ots_pipeline_send_older(fixture->pipeline, 0);
    assert_int_equal(fixture->held.put_count, 2);
    held_release(&fixture->held, 1);
    held_release(&fixture->held, 0);
}

static void one_origin_merges_fields(void **state)
{
    struct pipeline_fixture *fixture = *state;
    assert_int_equal(pipeline_add(fixture, 1, OTS_SLICE("b"), 1, fixture->origin, NULL), OTS_OK);
    assert_int_equal(pipeline_add(fixture, 1, OTS_SLICE("a"), 2, fixture->origin, NULL), OTS_OK);
    assert_int_equal(pipeline_add(fixture, 1, OTS_SLICE("b"), 3, fixture->origin, NULL), OTS_OK);
    ots_pipeline_send_older(fixture->pipeline, 0);
    assert_int_equal(rows_of(fixture, 0), 1);
    const struct ots_row *row = fixture->held.puts[0]->request.put.rows;
    assert_int_equal(row->field_count, 2);
    assert_int_equal(row->fields[0].value.integer, 2);
    assert_int_equal(row->fields[1].value.integer, 3);
    held_release(&fixture->held, 0);
}

static void another_origin_replaces_the_row(void **state)
{
    struct pipeline_fixture *fixture = *state;
    assert_int_equal(pipeline_add(fixture, 1, OTS_SLICE("b"), 1, fixture->origin, NULL), OTS_OK);
    assert_int_equal(pipeline_add(fixture, 1, OTS_SLICE("a"), 2, fixture->guilty, NULL), OTS_OK);
    ots_pipeline_send_older(fixture->pipeline, 0);
    const struct ots_row *row = fixture->held.puts[0]->request.put.rows;
    assert_int_equal(rows_of(fixture, 0), 1);
    assert_int_equal(row->field_count, 1);
    assert_true(ots_slice_equal(row->fields[0].name, OTS_SLICE("a")));
    held_release(&fixture->held, 0);
}

static void refused_rows_are_found_and_the_others_stored(void **state)
{
    struct pipeline_fixture *fixture = *state;
    fixture->held.is_immediate = true;
    fixture->held.poison = 666;
    for (int64_t i = 0; i < 99; i++)
        add(fixture, i, i == 41 ? 666 : i);
    assert_int_equal(pipeline_add(fixture, 99, OTS_SLICE("v"), 666, fixture->guilty, NULL), OTS_OK);
    assert_int_equal(ots_pipeline_wait(fixture->pipeline, NULL), OTS_OK);
    assert_int_equal(fixture->refused_rows, 2);
    assert_ptr_equal(fixture->last_failed_origin, fixture->guilty);
    for (int64_t i = 0; i < 99; i++)
        assert_int_equal(fixture->held.stored[i], i == 41 ? 0 : i);
    struct ots_pipeline_counts counts;
    ots_pipeline_counts(fixture->pipeline, &counts);
    assert_int_equal(counts.rows_added, 100);
    assert_int_equal(counts.rows_stored, 98);
    assert_int_equal(counts.rows_failed, 2);
}

static void single_failed_rows_are_told(void **state)
{
    struct pipeline_fixture *fixture = *state;
    add(fixture, 1, 1);
    assert_int_equal(pipeline_add(fixture, 2, OTS_SLICE("v"), 2, fixture->guilty, NULL), OTS_OK);
    ots_pipeline_send_older(fixture->pipeline, 0);
    struct ots_call *call = fixture->held.puts[0];
    struct ots_failed_row failed = {1, OTS_SLICE("OTSParameterInvalid"), OTS_SLICE("no")};
    call->status = OTS_OK;
    call->response.put.failed_rows = &failed;
    call->response.put.failed_row_count = 1;
    call->done(call, call->done_context);
    assert_int_equal(fixture->refused_rows, 1);
    assert_ptr_equal(fixture->last_failed_origin, fixture->guilty);
    assert_int_equal(fixture->last_failed_time_us, 2);
}

static void a_failed_row_that_is_named_twice_counts_once(void **state)
{
    struct pipeline_fixture *fixture = *state;
    add(fixture, 1, 1);
    ots_pipeline_send_older(fixture->pipeline, 0);
    struct ots_call *call = fixture->held.puts[0];
    struct ots_failed_row failed[] = {{0, OTS_SLICE("OTSParameterInvalid"), OTS_SLICE("no")},
                                      {0, OTS_SLICE("OTSParameterInvalid"), OTS_SLICE("no")},
                                      {1, OTS_SLICE("OTSParameterInvalid"), OTS_SLICE("none")}};
    call->status = OTS_OK;
    call->response.put.failed_rows = failed;
    call->response.put.failed_row_count = 3;
    call->done(call, call->done_context);
    struct ots_pipeline_counts counts;
    ots_pipeline_counts(fixture->pipeline, &counts);
    assert_int_equal(fixture->refused_rows, 1);
    assert_int_equal(counts.rows_failed, 1);
    assert_int_equal(counts.rows_stored, 0);
}

/* One row again and again never fills a batch by rows. */
static void replaced_rows_bound_its_memory(void **state)
{
    struct pipeline_fixture *fixture = *state;
    fixture->held.is_immediate = true;
    uint8_t *text = calloc(1, OTS_VALUE_BYTES_MAX);
    struct ots_field field = {OTS_SLICE("v"),
                              {.type = OTS_STRING, .bytes = {text, OTS_VALUE_BYTES_MAX / 2}}};
    struct ots_row row = {&fixture->key, 100, &field, 1};
    for (int i = 0; i < 100; i++)
        assert_int_equal(ots_pipeline_add(fixture->pipeline, &row, fixture->origin, NULL), OTS_OK);
    assert_true(fixture->held.put_count >= 5);
    assert_int_equal(ots_pipeline_wait(fixture->pipeline, NULL), OTS_OK);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(full_batches_go_at_once, pipeline_setup, pipeline_teardown),
        cmocka_unit_test_setup_teardown(a_batch_is_full_by_size_too, pipeline_setup,
                                        pipeline_teardown),
        cmocka_unit_test_setup_teardown(batches_are_full_when_there_is_a_backlog, pipeline_setup,
                                        pipeline_teardown),
        cmocka_unit_test_setup_teardown(waiting_sends_what_is_not_full, pipeline_setup,
                                        pipeline_teardown),
        cmocka_unit_test_setup_teardown(old_batches_are_sent, pipeline_setup, pipeline_teardown),
        cmocka_unit_test_setup_teardown(writers_wait_while_all_is_in_flight, pipeline_setup,
                                        pipeline_teardown),
        cmocka_unit_test_setup_teardown(a_waiting_writer_can_be_interrupted, pipeline_setup,
                                        pipeline_teardown),
        cmocka_unit_test_setup_teardown(a_row_is_in_one_put_at_a_time, pipeline_setup,
                                        pipeline_teardown),
        cmocka_unit_test_setup_teardown(another_row_need_not_wait, pipeline_setup,
                                        pipeline_teardown),
        cmocka_unit_test_setup_teardown(one_origin_merges_fields, pipeline_setup,
                                        pipeline_teardown),
        cmocka_unit_test_setup_teardown(another_origin_replaces_the_row, pipeline_setup,
                                        pipeline_teardown),
        cmocka_unit_test_setup_teardown(refused_rows_are_found_and_the_others_stored,
                                        pipeline_setup, pipeline_teardown),
        cmocka_unit_test_setup_teardown(single_failed_rows_are_told, pipeline_setup,
                                        pipeline_teardown),
        cmocka_unit_test_setup_teardown(a_failed_row_that_is_named_twice_counts_once,
                                        pipeline_setup, pipeline_teardown),
        cmocka_unit_test_setup_teardown(replaced_rows_bound_its_memory, pipeline_setup,
                                        pipeline_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
