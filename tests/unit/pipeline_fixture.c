#include "tests/unit/pipeline_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void held_answer(struct held_store *held, struct ots_call *call)
{
    const struct ots_put_request *put = &call->request.put;
    call->status = OTS_OK;
    for (size_t i = 0; i < put->row_count; i++)
        if (held->poison && put->rows[i].fields[0].value.integer == held->poison)
            call->status =
                ots_error_service(&call->error, OTS_INVALID, "OTSParameterInvalid", "poison");
    for (size_t i = 0; call->status == OTS_OK && i < put->row_count; i++)
        if (put->rows[i].time_us < 100)
            held->stored[put->rows[i].time_us] = put->rows[i].fields[0].value.integer;
    call->done(call, call->done_context);
}

static void held_submit(struct ots_store *store, struct ots_call *call)
{
    struct held_store *held = (struct held_store *)(void *)store;
    pthread_mutex_lock(&held->lock);
    assert_true(held->put_count < HELD_PUTS_MAX);
    held->puts[held->put_count++] = call;
    held->waiting++;
    bool is_immediate = held->is_immediate;
    if (is_immediate)
        held->waiting--;
    pthread_cond_broadcast(&held->submitted);
    pthread_mutex_unlock(&held->lock);
    if (is_immediate)
        held_answer(held, call);
}

static void held_cancel(struct ots_store *store, struct ots_call *call)
{
    (void)store;
    (void)call;
}

static int64_t held_now_us(struct ots_store *store)
{
    return ((struct held_store *)(void *)store)->now_us;
}

static const struct ots_store_ops held_ops = {held_submit, held_cancel, NULL, held_now_us};

size_t held_wait(struct held_store *held, size_t count)
{
    pthread_mutex_lock(&held->lock);
    while (held->put_count < count)
        pthread_cond_wait(&held->submitted, &held->lock);
    size_t now = held->put_count;
    pthread_mutex_unlock(&held->lock);
    return now;
}

void held_release(struct held_store *held, size_t index)
{
    pthread_mutex_lock(&held->lock);
    held->waiting--;
    pthread_mutex_unlock(&held->lock);
    held_answer(held, held->puts[index]);
}

void pipeline_on_failed(void *context, const struct ots_failed_put *put)
{
    struct pipeline_fixture *fixture = context;
    assert_true(put->error->status != OTS_OK);
    fixture->refused_rows += !put->is_kept;
    fixture->kept_rows += put->is_kept;
    fixture->last_failed_origin = put->origin;
    fixture->last_failed_time_us = put->row->time_us;
}

static int64_t show_time(const struct ots_clock *clock)
{
    return atomic_load(&((struct pipeline_fixture *)clock->context)->monotonic_us);
}

int pipeline_setup(void **state)
{
    struct pipeline_fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->held.store.ops = &held_ops;
    pthread_mutex_init(&fixture->held.lock, NULL);
    pthread_cond_init(&fixture->held.submitted, NULL);
    fixture->tag = (struct ots_tag){OTS_SLICE("host"), OTS_SLICE("a")};
    fixture->key = (struct ots_series_key){OTS_SLICE("cpu"), OTS_SLICE("s"), &fixture->tag, 1};
    fixture->clock = (struct ots_clock){show_time, show_time, fixture};
    struct ots_pipeline_options options = {
        .store = &fixture->held.store,
        .table = OTS_SLICE("t"),
        .clock = &fixture->clock,
        .in_flight_max = 2,
        .failed = pipeline_on_failed,
        .failed_context = fixture,
    };
    fixture->origin = ots_origin_new(NULL);
    fixture->guilty = ots_origin_new(NULL);
    assert_int_equal(ots_pipeline_new(&options, &fixture->pipeline), OTS_OK);
    *state = fixture;
    return 0;
}

int pipeline_teardown(void **state)
{
    struct pipeline_fixture *fixture = *state;
    ots_pipeline_free(fixture->pipeline);
    /* No row holds one any more. */
    assert_int_equal(atomic_load(&fixture->origin->references), 1);
    ots_origin_unref(fixture->origin);
    ots_origin_unref(fixture->guilty);
    pthread_cond_destroy(&fixture->held.submitted);
    pthread_mutex_destroy(&fixture->held.lock);
    free(fixture);
    return 0;
}

enum ots_status pipeline_add(struct pipeline_fixture *fixture, int64_t time_us,
                             struct ots_slice name, int64_t value, struct ots_origin *origin,
                             struct ots_interrupt *interrupt)
{
    struct ots_field field = {name, {.type = OTS_INTEGER, .integer = value}};
    struct ots_row row = {&fixture->key, time_us, &field, 1};
    return ots_pipeline_add(fixture->pipeline, &row, origin, interrupt);
}

void add(struct pipeline_fixture *fixture, int64_t time_us, int64_t value)
{
    assert_int_equal(pipeline_add(fixture, time_us, OTS_SLICE("v"), value, fixture->origin, NULL),
                     OTS_OK);
}

size_t rows_of(const struct pipeline_fixture *fixture, size_t put)
{
    return fixture->held.puts[put]->request.put.row_count;
}

void held_fail(struct held_store *held, size_t index, enum ots_status status)
{
    struct ots_call *call = held->puts[index];
    pthread_mutex_lock(&held->lock);
    held->waiting--;
    pthread_mutex_unlock(&held->lock);
    call->status = ots_error_set(&call->error, status, "the test wants it");
    call->done(call, call->done_context);
}

void *wait_for_all(void *argument)
{
    struct pipeline_fixture *fixture = argument;
    assert_int_equal(ots_pipeline_wait(fixture->pipeline, NULL), OTS_OK);
    return NULL;
}
