#include "tests/unit/instance_store.h"

#include <stdio.h>

#define END "the-end"

/* --- shards -----------------------------------------------------------------------------------*/

static void show_some_shards(const struct instance_store *store,
                             struct ots_describe_stream_response *response)
{
    if (store->shards_shown && response->shard_count > store->shards_shown)
        response->shard_count = store->shards_shown;
    size_t hidden =
        store->shards_hidden < response->shard_count ? store->shards_hidden : response->shard_count;
    response->shards += hidden;
    response->shard_count -= hidden;
    if (store->is_circular)
        response->next_shard = response->shards[0].id;
}

static void describe(const struct instance_store *store, struct ots_call *call)
{
    struct ots_describe_stream_request asked = call->request.describe_stream;
    assert_true(asked.accepts_timeseries);
    if (store->shards_per_page)
        call->request.describe_stream.shard_limit = store->shards_per_page;
    ots_instance_call(store->test->instance, call);
    call->request.describe_stream = asked;
    if (call->status == OTS_OK)
        show_some_shards(store, &call->response.describe_stream);
}

/* --- positions --------------------------------------------------------------------------------*/

static void seek(const struct instance_store *store, struct ots_call *call)
{
    struct ots_shard_iterator_request asked = call->request.shard_iterator;
    unsigned step = 0;
    if (asked.token.size)
        assert_int_equal(sscanf((const char *)asked.token.data, "step%u", &step), 1);
    if (!asked.has_timestamp || step == store->seek_steps) {
        call->request.shard_iterator.token = OTS_SLICE_NONE;
        ots_instance_call(store->test->instance, call);
        call->request.shard_iterator = asked;
        return;
    }
    char token[16];
    snprintf(token, sizeof(token), "step%u", step + 1);
    call->status = OTS_OK;
    call->response.shard_iterator = (struct ots_shard_iterator_response){
        .iterator = OTS_SLICE("half-way"),
        .next_token = ots_slice_str(ots_arena_strdup(&call->arena, ots_slice_str(token)))};
}

static void read_records(const struct instance_store *store, struct ots_call *call)
{
    struct ots_stream_records_response *response = &call->response.stream_records;
    if (ots_slice_equal(call->request.stream_records.iterator, OTS_SLICE(END))) {
        *response = (struct ots_stream_records_response){.count = 0};
        call->status = OTS_OK;
        return;
    }
    ots_instance_call(store->test->instance, call);
    if (call->status != OTS_OK)
        return;
    if (store->is_end_late && !response->next_iterator.size)
        response->next_iterator = OTS_SLICE(END);
    if (store->is_more_untold)
        response->has_may_more = response->may_more = false;
}

/* --- the store --------------------------------------------------------------------------------*/

static void carry_out(struct instance_store *store, struct ots_call *call)
{
    store->counts[call->action]++;
    store->total++;
    enum ots_status refused = OTS_OK;
    if (store->total == store->fail_at)
        refused = store->fail_status;
    else if (call->action == store->refused_action)
        refused = store->refused_status;
    if (refused != OTS_OK)
        call->status = ots_error_set(&call->error, refused, "refused by the test");
    else if (call->action == OTS_ACTION_DESCRIBE_STREAM)
        describe(store, call);
    else if (call->action == OTS_ACTION_SHARD_ITERATOR)
        seek(store, call);
    else if (call->action == OTS_ACTION_STREAM_RECORDS)
        read_records(store, call);
    else
        ots_instance_call(store->test->instance, call);
}

static void submit(struct ots_store *base, struct ots_call *call)
{
    carry_out((struct instance_store *)(void *)base, call);
    call->done(call, call->done_context);
}

static void cancel(struct ots_store *base, struct ots_call *call)
{
    (void)base;
    (void)call;
}

static int64_t now_us(struct ots_store *base)
{
    return ((struct instance_store *)(void *)base)->test->clock.now_us;
}

static const struct ots_store_ops store_ops = {submit, cancel, NULL, now_us};

void instance_store_init(struct instance_store *store, struct test_instance *test)
{
    *store = (struct instance_store){.store = {.ops = &store_ops}, .test = test};
}

void instance_store_recount(struct instance_store *store)
{
    memset(store->counts, 0, sizeof(store->counts));
    store->total = 0;
}
