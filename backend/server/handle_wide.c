#include "backend/server/handle_wide.h"

#include "backend/server/physical.h"

enum { UNIT_BYTES = 4096 };

enum ots_status ots_handle_hold_wide(struct ots_instance *instance, struct ots_slice name,
                                     const struct ots_table **table, struct ots_error *err)
{
    enum ots_status status = ots_table_name_check(name, err);
    if (status != OTS_OK)
        return status;
    return ots_catalog_hold_wide(instance->catalog, name, table, err);
}

int32_t ots_handle_wide_units(size_t bytes)
{
    return bytes ? (int32_t)((bytes + UNIT_BYTES - 1) / UNIT_BYTES) : 1;
}

static enum ots_status create_table(struct ots_instance *instance, struct ots_call *call,
                                    struct ots_error *err)
{
    const struct ots_wide_meta *meta = &call->request.wide.create.meta;
    enum ots_status status = ots_wide_meta_check(meta, err);
    return status == OTS_OK ? ots_catalog_create_wide(instance->catalog, meta, err) : status;
}

static enum ots_status list_tables(struct ots_instance *instance, struct ots_call *call,
                                   struct ots_error *err)
{
    struct ots_wide_list_response *response = &call->response.wide.list;
    return ots_catalog_list_wide(instance->catalog, &call->arena, &response->names,
                                 &response->count, err);
}

static enum ots_status describe(struct ots_instance *instance, struct ots_call *call,
                                struct ots_slice name, struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    struct ots_wide_describe_response *response = &call->response.wide.describe;
    enum ots_status status = ots_handle_hold_wide(instance, name, &table, err);
    if (status != OTS_OK)
        return status;
    response->created_us = table->created_us;
    if (ots_wide_meta_copy(&call->arena, table->wide, &response->meta) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory for a table's description");
    return OTS_OK;
}

static enum ots_status describe_table(struct ots_instance *instance, struct ots_call *call,
                                      struct ots_error *err)
{
    struct ots_slice name = call->request.table.table;
    return ots_physical_is_name(name) ? ots_physical_describe(instance, call, err)
                                      : describe(instance, call, name, err);
}

static enum ots_status update_table(struct ots_instance *instance, struct ots_call *call,
                                    struct ots_error *err)
{
    const struct ots_wide_update_request *request = &call->request.wide.update;
    enum ots_status status = ots_table_name_check(request->table, err);
    if (status == OTS_OK)
        status = ots_catalog_update_wide(instance->catalog, request, err);
    return status == OTS_OK ? describe(instance, call, request->table, err) : status;
}

static enum ots_status delete_table(struct ots_instance *instance, struct ots_call *call,
                                    struct ots_error *err)
{
    enum ots_status status = ots_table_name_check(call->request.table.table, err);
    if (status != OTS_OK)
        return status;
    return ots_catalog_delete_wide(instance->catalog, call->request.table.table, err);
}

static enum ots_status (*const handlers[OTS_ACTION_COUNT])(struct ots_instance *instance,
                                                           struct ots_call *call,
                                                           struct ots_error *err) = {
    [OTS_ACTION_WIDE_CREATE] = create_table,
    [OTS_ACTION_WIDE_LIST] = list_tables,
    [OTS_ACTION_WIDE_DESCRIBE] = describe_table,
    [OTS_ACTION_WIDE_DELETE_TABLE] = delete_table,
    [OTS_ACTION_WIDE_UPDATE_TABLE] = update_table,
    [OTS_ACTION_WIDE_PUT_ROW] = ots_handle_wide_write,
    [OTS_ACTION_WIDE_UPDATE_ROW] = ots_handle_wide_write,
    [OTS_ACTION_WIDE_DELETE_ROW] = ots_handle_wide_write,
    [OTS_ACTION_WIDE_GET_ROW] = ots_handle_wide_get,
    [OTS_ACTION_WIDE_GET_RANGE] = ots_handle_wide_range,
    [OTS_ACTION_WIDE_BATCH_WRITE] = ots_handle_wide_batch,
    [OTS_ACTION_WIDE_BATCH_GET] = ots_handle_wide_batch,
};

enum ots_status ots_handle_wide(struct ots_instance *instance, struct ots_call *call,
                                struct ots_error *err)
{
    return handlers[call->action](instance, call, err);
}
