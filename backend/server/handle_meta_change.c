/*
 * UpdateTimeseriesMeta and DeleteTimeseriesMeta. A request is checked as a whole before anything
 * is written. Rows are not touched: a timeline whose metadata was deleted keeps them, and its next
 * put brings the metadata back.
 */
#include "backend/server/handlers.h"

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for metadata");
}

/* The timelines' records and attributes' texts are made in `bytes`, which moves while it grows:
 * until it is whole, changes hold sizes only. */
struct changes {
    struct ots_series_change *items;
    size_t count;
    struct ots_buf bytes;
};

static enum ots_status changes_begin(struct changes *changes, size_t count, struct ots_arena *arena,
                                     struct ots_error *err)
{
    if (count < 1 || count > OTS_META_CHANGES_MAX)
        return ots_error_set(err, OTS_LIMIT, "%zu timelines instead of 1 to %d", count,
                             OTS_META_CHANGES_MAX);
    changes->items = ots_arena_array(arena, count, sizeof(*changes->items));
    return changes->items ? OTS_OK : no_memory(err);
}

static void changes_add(struct changes *changes, const struct ots_table *table,
                        const struct ots_series_key *key, const struct ots_series_change *change)
{
    struct ots_series_change *item = &changes->items[changes->count++];
    *item = *change;
    size_t start = changes->bytes.size;
    ots_dictionary_key_append(&changes->bytes, table->id, key);
    item->key.size = changes->bytes.size - start;
}

static enum ots_status changes_apply(struct changes *changes, struct ots_instance *instance,
                                     const struct ots_table *table, struct ots_error *err)
{
    if (ots_buf_status(&changes->bytes) != OTS_OK)
        return no_memory(err);
    const uint8_t *at = changes->bytes.data;
    for (size_t i = 0; i < changes->count; i++) {
        struct ots_series_change *item = &changes->items[i];
        item->key.data = at;
        item->attributes.data = at + item->key.size;
        at += item->key.size + item->attributes.size;
    }
    return ots_dictionary_change(instance->dictionary, table, changes->items, changes->count, err);
}

static enum ots_status update_check(const struct ots_table *table,
                                    const struct ots_meta_update *update, struct ots_error *err)
{
    enum ots_status status = ots_table_key_check(&table->meta, &update->key, err);
    if (status == OTS_OK)
        status = ots_attributes_check(update->attributes, update->attribute_count, err);
    if (status == OTS_OK && update->attribute_count && !table->meta.allow_update_attributes)
        status = ots_error_set(err, OTS_INVALID, "attributes: the table's cannot be updated");
    return status;
}

static enum ots_status update_run(struct ots_instance *instance, const struct ots_table *table,
                                  const struct ots_update_meta_request *request,
                                  struct changes *changes, struct ots_error *err)
{
    for (size_t i = 0; i < request->count; i++)
        if (update_check(table, &request->updates[i], err) != OTS_OK)
            return ots_error_prefix(err, "timeline %zu", i);
    for (size_t i = 0; i < request->count; i++) {
        const struct ots_meta_update *update = &request->updates[i];
        struct ots_series_change change = {.has_attributes = update->has_attributes &&
                                                             table->meta.allow_update_attributes};
        changes_add(changes, table, &update->key, &change);
        if (!change.has_attributes)
            continue;
        size_t start = changes->bytes.size;
        ots_tags_text_append(&changes->bytes, update->attributes, update->attribute_count);
        changes->items[i].attributes.size = changes->bytes.size - start;
    }
    return changes_apply(changes, instance, table, err);
}

enum ots_status ots_handle_update_meta(struct ots_instance *instance, struct ots_call *call,
                                       struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    const struct ots_update_meta_request *request = &call->request.update_meta;
    struct changes changes = {.bytes = OTS_BUF_INIT};
    enum ots_status status = ots_handle_hold_for(instance, call, request->table, &table, err);
    if (status == OTS_OK)
        status = changes_begin(&changes, request->count, &call->arena, err);
    if (status == OTS_OK)
        status = update_run(instance, table, request, &changes, err);
    ots_buf_deinit(&changes.bytes);
    return status;
}

static enum ots_status delete_run(struct ots_instance *instance, const struct ots_table *table,
                                  const struct ots_delete_meta_request *request,
                                  struct changes *changes, struct ots_error *err)
{
    for (size_t i = 0; i < request->count; i++)
        if (ots_table_key_check(&table->meta, &request->keys[i], err) != OTS_OK)
            return ots_error_prefix(err, "timeline %zu", i);
    const struct ots_series_change removal = {.is_removal = true};
    for (size_t i = 0; i < request->count; i++)
        changes_add(changes, table, &request->keys[i], &removal);
    return changes_apply(changes, instance, table, err);
}

enum ots_status ots_handle_delete_meta(struct ots_instance *instance, struct ots_call *call,
                                       struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    const struct ots_delete_meta_request *request = &call->request.delete_meta;
    struct changes changes = {.bytes = OTS_BUF_INIT};
    enum ots_status status = ots_handle_hold_for(instance, call, request->table, &table, err);
    if (status == OTS_OK)
        status = changes_begin(&changes, request->count, &call->arena, err);
    if (status == OTS_OK)
        status = delete_run(instance, table, request, &changes, err);
    ots_buf_deinit(&changes.bytes);
    return status;
}
