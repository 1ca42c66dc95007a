#include "backend/server/handlers.h"

#include "backend/wire/service_code.h"

enum ots_status ots_handle_hold(struct ots_instance *instance, struct ots_slice name,
                                const struct ots_table **table, struct ots_error *err)
{
    enum ots_status status = ots_table_name_check(name, err);
    if (status != OTS_OK)
        return status;
    return ots_catalog_hold(instance->catalog, name, table, err);
}

enum ots_status ots_handle_hold_for(struct ots_instance *instance, const struct ots_call *call,
                                    struct ots_slice name, const struct ots_table **table,
                                    struct ots_error *err)
{
    enum ots_status status = ots_handle_hold(instance, name, table, err);
    if (status != OTS_OK || !call->is_unaware)
        return status;
    const struct ots_table_meta *meta = &(*table)->meta;
    if (!meta->key_schema_count && !meta->field_key_count)
        return OTS_OK;
    return ots_error_set(err, OTS_INVALID,
                         "supported_table_version: lower than the table's, which is 1");
}

static enum ots_status create_check(const struct ots_create_table_request *request,
                                    struct ots_error *err)
{
    enum ots_status status = ots_table_meta_check(&request->meta, err);
    if (status != OTS_OK)
        return status;
    if (request->analytical_store_count)
        return ots_error_set(err, OTS_UNSUPPORTED, "analytical stores are not supported");
    if (request->lastpoint_index_count)
        return ots_error_set(err, OTS_UNSUPPORTED, "lastpoint indexes are not supported");
    return OTS_OK;
}

enum ots_status ots_handle_create_table(struct ots_instance *instance, struct ots_call *call,
                                        struct ots_error *err)
{
    const struct ots_create_table_request *request = &call->request.create_table;
    enum ots_status status = create_check(request, err);
    if (status != OTS_OK)
        return status;
    /* Options that were not carried get their defaults. */
    struct ots_table_meta meta = request->meta;
    if (!meta.has_time_to_live)
        meta.time_to_live_s = OTS_TTL_FOREVER;
    if (!meta.has_meta_time_to_live)
        meta.meta_time_to_live_s = OTS_TTL_FOREVER;
    if (!meta.has_allow_update_attributes)
        meta.allow_update_attributes = true;
    return ots_catalog_create(instance->catalog, &meta, err);
}

enum ots_status ots_handle_list_tables(struct ots_instance *instance, struct ots_call *call,
                                       struct ots_error *err)
{
    struct ots_list_tables_response *response = &call->response.list_tables;
    return ots_catalog_list(instance->catalog, &call->arena, &response->metas, &response->count,
                            err);
}

enum ots_status ots_handle_describe_table(struct ots_instance *instance, struct ots_call *call,
                                          struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    enum ots_status status = ots_handle_hold(instance, call->request.table.table, &table, err);
    if (status != OTS_OK)
        return status;
    if (ots_table_meta_copy(&call->arena, &table->meta, &call->response.describe_table.meta) !=
        OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory for a table's description");
    return OTS_OK;
}

enum ots_status ots_handle_delete_table(struct ots_instance *instance, struct ots_call *call,
                                        struct ots_error *err)
{
    enum ots_status status = ots_table_name_check(call->request.table.table, err);
    if (status != OTS_OK)
        return status;
    uint32_t id = 0;
    status = ots_catalog_delete(instance->catalog, call->request.table.table, &id, err);
    if (status == OTS_OK)
        ots_streams_forget(instance->streams, id);
    return status;
}

enum ots_status ots_handle_update_table(struct ots_instance *instance, struct ots_call *call,
                                        struct ots_error *err)
{
    const struct ots_update_table_request *request = &call->request.update_table;
    const struct ots_table_meta *meta = &request->meta;
    enum ots_status status = ots_table_name_check(meta->name, err);
    if (status != OTS_OK)
        return status;
    if (request->has_data_options && request->has_meta_options)
        return ots_error_set(err, OTS_INVALID,
                             "table options and metadata options cannot be updated together");
    if (!meta->has_time_to_live && !meta->has_meta_time_to_live &&
        !meta->has_allow_update_attributes)
        return ots_error_set(err, OTS_INVALID, "no option to update");
    return ots_catalog_update(instance->catalog, meta, err);
}
