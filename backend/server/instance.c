#include "backend/server/instance.h"

#include "backend/server/handlers.h"
#include "backend/wire/service_code.h"

#include <stdlib.h>

static const uint8_t FORMAT_KEY[] = {OTS_SPACE_FORMAT};
#define FORMAT OTS_SLICE("otslocal 1")

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for an instance");
}

static enum ots_status format_write(struct ots_engine *engine, struct ots_error *err)
{
    OTS_AUTO(ots_batch_freep) struct ots_batch *batch = engine->ops->batch_new(engine);
    if (!batch)
        return no_memory(err);
    batch->ops->put(batch, ots_slice(FORMAT_KEY, sizeof(FORMAT_KEY)), FORMAT);
    return engine->ops->write(engine, batch, err);
}

static enum ots_status format_check(struct ots_engine *engine, struct ots_error *err)
{
    struct ots_buf value = OTS_BUF_INIT;
    bool is_found = false;
    enum ots_status status =
        engine->ops->get(engine, ots_slice(FORMAT_KEY, sizeof(FORMAT_KEY)), &value, &is_found, err);
    if (status == OTS_OK && !is_found)
        status = format_write(engine, err);
    else if (status == OTS_OK && !ots_slice_equal(ots_buf_slice(&value), FORMAT))
        status = ots_error_set(err, OTS_CORRUPT, "the store has another format than \"%.*s\"",
                               OTS_SLICE_FMT(FORMAT));
    ots_buf_deinit(&value);
    return status;
}

static enum ots_status fill(struct ots_instance *instance, struct ots_error *err)
{
    enum ots_status status = format_check(instance->engine, err);
    if (status != OTS_OK)
        return status;
    status = ots_catalog_open(instance->engine, instance->clock, &instance->catalog, err);
    if (status != OTS_OK)
        return status;
    instance->dictionary = ots_dictionary_new(instance->engine, instance->clock, 0);
    instance->streams = ots_streams_new(instance->engine, instance->clock);
    instance->expiry = ots_expiry_new(instance->engine, instance->catalog, instance->clock);
    bool is_whole = instance->dictionary && instance->streams && instance->expiry;
    return is_whole ? OTS_OK : no_memory(err);
}

enum ots_status ots_instance_open(struct ots_engine *take_engine, const struct ots_clock *clock,
                                  struct ots_instance **out, struct ots_error *err)
{
    *out = NULL;
    struct ots_instance *instance = calloc(1, sizeof(*instance));
    if (!instance) {
        take_engine->ops->free(take_engine);
        return no_memory(err);
    }
    instance->engine = take_engine;
    instance->clock = clock;
    ots_row_locks_init(&instance->row_locks);
    enum ots_status status = fill(instance, err);
    if (status != OTS_OK) {
        ots_instance_close(instance);
        return status;
    }
    *out = instance;
    return OTS_OK;
}

void ots_instance_close(struct ots_instance *instance)
{
    if (!instance)
        return;
    ots_streams_free(instance->streams);
    ots_dictionary_free(instance->dictionary);
    ots_row_locks_deinit(&instance->row_locks);
    /* The engine's merges ask for expiry until it is gone. */
    instance->engine->ops->free(instance->engine);
    ots_expiry_free(instance->expiry);
    ots_catalog_free(instance->catalog);
    free(instance);
}

/* OTS_CORRUPT is the store's here; who decodes a request says so itself. */
static const char *code_of(enum ots_status status)
{
    if (status == OTS_INVALID || status == OTS_LIMIT)
        return OTS_CODE_PARAMETER_INVALID;
    if (status == OTS_UNSUPPORTED)
        return OTS_CODE_UNSUPPORTED;
    return OTS_CODE_INTERNAL_ERROR;
}

void ots_instance_error_code(struct ots_error *err)
{
    if (err->service_code[0])
        return;
    const char *code = code_of(err->status);
    size_t size = strlen(code);
    memcpy(err->service_code, code, size + 1);
}

static enum ots_status dispatch(struct ots_instance *instance, struct ots_call *call)
{
    struct ots_error *err = &call->error;
    switch (call->action) {
    case OTS_ACTION_CREATE_TABLE:
        return ots_handle_create_table(instance, call, err);
    case OTS_ACTION_LIST_TABLES:
        return ots_handle_list_tables(instance, call, err);
    case OTS_ACTION_DESCRIBE_TABLE:
        return ots_handle_describe_table(instance, call, err);
    case OTS_ACTION_DELETE_TABLE:
        return ots_handle_delete_table(instance, call, err);
    case OTS_ACTION_PUT:
        return ots_handle_put(instance, call, err);
    case OTS_ACTION_GET:
        return ots_handle_get(instance, call, err);
    case OTS_ACTION_QUERY_META:
        return ots_handle_query_meta(instance, call, err);
    case OTS_ACTION_SPLIT:
        return ots_handle_split(instance, call, err);
    case OTS_ACTION_SCAN:
        return ots_handle_scan(instance, call, err);
    case OTS_ACTION_WIDE_CREATE:
    case OTS_ACTION_WIDE_LIST:
    case OTS_ACTION_WIDE_DESCRIBE:
    case OTS_ACTION_WIDE_DELETE_TABLE:
    case OTS_ACTION_WIDE_PUT_ROW:
    case OTS_ACTION_WIDE_UPDATE_ROW:
    case OTS_ACTION_WIDE_DELETE_ROW:
    case OTS_ACTION_WIDE_GET_ROW:
    case OTS_ACTION_WIDE_GET_RANGE:
    case OTS_ACTION_WIDE_BATCH_WRITE:
    case OTS_ACTION_WIDE_BATCH_GET:
    case OTS_ACTION_WIDE_UPDATE_TABLE:
        return ots_handle_wide(instance, call, err);
    case OTS_ACTION_UPDATE_TABLE:
        return ots_handle_update_table(instance, call, err);
    case OTS_ACTION_UPDATE_META:
        return ots_handle_update_meta(instance, call, err);
    case OTS_ACTION_DELETE_META:
        return ots_handle_delete_meta(instance, call, err);
    case OTS_ACTION_LIST_STREAMS:
        return ots_handle_list_streams(instance, call, err);
    case OTS_ACTION_DESCRIBE_STREAM:
        return ots_handle_describe_stream(instance, call, err);
    case OTS_ACTION_SHARD_ITERATOR:
        return ots_handle_shard_iterator(instance, call, err);
    case OTS_ACTION_STREAM_RECORDS:
        return ots_handle_stream_records(instance, call, err);
    case OTS_ACTION_COUNT:
        break;
    }
    return ots_error_set(err, OTS_UNSUPPORTED, "not an action");
}

void ots_instance_call(struct ots_instance *instance, struct ots_call *call)
{
    ots_expiry_look(instance->expiry);
    call->status = dispatch(instance, call);
    if (call->status != OTS_OK)
        ots_instance_error_code(&call->error);
}
