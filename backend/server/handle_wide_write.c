/*
 * A row is read, checked against the expectation and written back under its lock, in one batch of
 * the engine: nobody sees half of it, and no two writers build on the same row.
 */
#include "backend/server/handle_wide.h"

#include "backend/server/physical.h"
#include "backend/server/wide_key.h"
#include "backend/server/wide_row.h"
#include "backend/wire/service_code.h"

struct writing {
    struct ots_instance *instance;
    const struct ots_table *table;
    const struct ots_wide_write *write;
    struct ots_arena *arena;
    int64_t now_ms;
    struct ots_buf key;
    struct ots_buf value;
};

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory to write a row");
}

/* `*is_there` is false when there is no row or all of it is past its TTL. */
static enum ots_status read_old(struct writing *writing, struct ots_wide_row *old, bool *is_there,
                                struct ots_error *err)
{
    struct ots_engine *engine = writing->instance->engine;
    enum ots_status status =
        engine->ops->get(engine, ots_buf_slice(&writing->key), &writing->value, is_there, err);
    if (status != OTS_OK || !*is_there)
        return status;
    status = ots_wide_row_decode(ots_buf_slice(&writing->value), writing->arena, old, err);
    if (status == OTS_OK)
        *is_there = ots_wide_row_expire(old, writing->table->wide, writing->now_ms);
    return status;
}

static enum ots_status check_expectation(const struct ots_wide_write *write, bool is_there,
                                         struct ots_error *err)
{
    if ((write->expectation == OTS_EXPECT_ROW && !is_there) ||
        (write->expectation == OTS_EXPECT_NO_ROW && is_there))
        return ots_error_service(err, OTS_CONFLICT, OTS_CODE_CONDITION_CHECK_FAIL,
                                 "Condition check failed.");
    return OTS_OK;
}

static enum ots_status store(struct writing *writing, const struct ots_wide_row *row,
                             struct ots_error *err)
{
    struct ots_engine *engine = writing->instance->engine;
    OTS_AUTO(ots_batch_freep) struct ots_batch *batch = engine->ops->batch_new(engine);
    if (!batch)
        return no_memory(err);
    if (row) {
        ots_buf_reset(&writing->value);
        enum ots_status status = ots_wide_row_encode(row, &writing->value, err);
        if (status != OTS_OK)
            return status;
        batch->ops->put(batch, ots_buf_slice(&writing->key), ots_buf_slice(&writing->value));
    } else {
        batch->ops->remove(batch, ots_buf_slice(&writing->key));
    }
    return engine->ops->write(engine, batch, err);
}

static enum ots_status write_locked(struct writing *writing, struct ots_wide_row_response *response,
                                    struct ots_error *err)
{
    const struct ots_wide_write *write = writing->write;
    struct ots_wide_row old = {0};
    struct ots_wide_row next;
    bool is_there = false;
    enum ots_status status = OTS_OK;
    if (write->expectation != OTS_EXPECT_NOTHING || write->operation == OTS_WIDE_UPDATE)
        status = read_old(writing, &old, &is_there, err);
    if (status == OTS_OK)
        status = check_expectation(write, is_there, err);
    if (status != OTS_OK)
        return status;
    response->consumed.write = ots_handle_wide_units(writing->value.size);
    if (write->expectation != OTS_EXPECT_NOTHING)
        response->consumed.read = ots_handle_wide_units(writing->value.size);
    if (write->operation == OTS_WIDE_DELETE)
        return store(writing, NULL, err);
    status = ots_wide_row_apply(is_there ? &old : NULL, write, writing->table->wide,
                                writing->now_ms, writing->arena, &next, &is_there, err);
    if (status != OTS_OK || !is_there)
        return status;
    status = store(writing, &next, err);
    response->consumed.write = ots_handle_wide_units(writing->value.size);
    return status;
}

enum ots_status ots_handle_wide_write_row(struct ots_instance *instance,
                                          const struct ots_table *table,
                                          const struct ots_wide_write *write,
                                          struct ots_wide_row_response *response,
                                          struct ots_error *err)
{
    /* Of this row only: a batch must not keep all old rows until its end. */
    struct ots_arena arena = OTS_ARENA_INIT;
    struct writing writing = {
        .instance = instance,
        .table = table,
        .write = write,
        .arena = &arena,
        .now_ms = ots_clock_now_us(instance->clock) / 1000,
        .key = OTS_BUF_INIT,
        .value = OTS_BUF_INIT,
    };
    enum ots_status status = ots_wide_key_check(table->wide, &write->row, OTS_WIDE_KEY_OF_ROW, err);
    if (status == OTS_OK)
        status = ots_wide_write_check(write, table->wide, writing.now_ms, err);
    if (status != OTS_OK)
        return status;
    ots_wide_key_append(&writing.key, table->id, &write->row);
    if (ots_buf_status(&writing.key) == OTS_OK) {
        pthread_mutex_t *lock =
            ots_row_locks_take(&instance->row_locks, ots_buf_slice(&writing.key));
        /* Who comes later must not write an older version. */
        writing.now_ms = ots_clock_now_us(instance->clock) / 1000;
        status = write_locked(&writing, response, err);
        pthread_mutex_unlock(lock);
    } else {
        status = no_memory(err);
    }
    ots_buf_deinit(&writing.key);
    ots_buf_deinit(&writing.value);
    ots_arena_deinit(&arena);
    if (status == OTS_OK && write->returns_key) {
        response->has_row = true;
        response->row.key = write->row.key;
        response->row.key_count = write->row.key_count;
    }
    return status;
}

enum ots_status ots_handle_wide_write(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    const struct ots_wide_write_request *request = &call->request.wide.write;
    struct ots_wide_row_response *response = &call->response.wide.row;
    if (ots_physical_is_name(request->table))
        return ots_physical_write(instance, request->table, &request->write, response, err);
    enum ots_status status = ots_handle_hold_wide(instance, request->table, &table, err);
    if (status != OTS_OK)
        return status;
    return ots_handle_wide_write_row(instance, table, &request->write, response, err);
}
