#include "backend/server/stream_commands.h"

#include "backend/base/json.h"
#include "backend/server/handlers.h"
#include "backend/server/stream_names.h"

static enum ots_status shard_number(const struct ots_table *table, struct ots_slice id,
                                    uint32_t *number, struct ots_error *err)
{
    uint32_t of_table = 0;
    enum ots_status status = ots_shard_id_parse(id, &of_table, number, err);
    if (status == OTS_OK && of_table != table->id)
        return ots_error_set(err, OTS_INVALID, "the shard is of another stream");
    return status;
}

enum ots_status ots_streams_split(struct ots_instance *instance, struct ots_slice name,
                                  struct ots_slice shard, struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    struct ots_stream *stream = NULL;
    uint32_t number = 0;
    enum ots_status status = ots_handle_hold(instance, name, &table, err);
    if (status == OTS_OK)
        status = shard_number(table, shard, &number, err);
    if (status == OTS_OK)
        status = ots_streams_get(instance->streams, table, &stream, err);
    return status == OTS_OK ? ots_stream_split(stream, number, err) : status;
}

enum ots_status ots_streams_merge(struct ots_instance *instance, struct ots_slice name,
                                  struct ots_slice shard, struct ots_slice sibling,
                                  struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    struct ots_stream *stream = NULL;
    uint32_t number = 0;
    uint32_t sibling_number = 0;
    enum ots_status status = ots_handle_hold(instance, name, &table, err);
    if (status == OTS_OK)
        status = shard_number(table, shard, &number, err);
    if (status == OTS_OK)
        status = shard_number(table, sibling, &sibling_number, err);
    if (status == OTS_OK)
        status = ots_streams_get(instance->streams, table, &stream, err);
    return status == OTS_OK ? ots_stream_merge(stream, number, sibling_number, err) : status;
}

enum ots_status ots_streams_trim(struct ots_instance *instance, struct ots_slice name,
                                 int64_t age_us, struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    struct ots_stream *stream = NULL;
    enum ots_status status = ots_handle_hold(instance, name, &table, err);
    if (status == OTS_OK)
        status = ots_streams_get(instance->streams, table, &stream, err);
    return status == OTS_OK ? ots_stream_trim_older(stream, age_us, err) : status;
}

/* ---- showing ---- */

static enum ots_status set_shard_id(struct ots_json *object, const char *name, uint32_t table,
                                    uint32_t shard, struct ots_arena *arena, struct ots_error *err)
{
    struct ots_slice id;
    enum ots_status status = ots_shard_id(table, shard, arena, &id, err);
    if (status != OTS_OK)
        return status;
    const char *text = ots_arena_strdup(arena, id);
    return text ? ots_json_set_string(object, name, text) : OTS_NOMEM;
}

static enum ots_status push_shard(struct ots_json *list, uint32_t table,
                                  const struct ots_stream_shard *shard, struct ots_arena *arena,
                                  struct ots_error *err)
{
    struct ots_json *object = ots_json_object_new();
    enum ots_status status = ots_json_push(list, object);
    if (status == OTS_OK)
        status = set_shard_id(object, "id", table, shard->number, arena, err);
    if (status == OTS_OK)
        status = ots_json_set_bool(object, "is_open", !shard->closed_us);
    if (status == OTS_OK && shard->parent)
        status = set_shard_id(object, "parent", table, shard->parent, arena, err);
    if (status == OTS_OK && shard->sibling)
        status = set_shard_id(object, "sibling", table, shard->sibling, arena, err);
    return status;
}

static enum ots_status show_shards(struct ots_instance *instance, const struct ots_table *table,
                                   struct ots_json *list, struct ots_arena *arena,
                                   struct ots_error *err)
{
    struct ots_stream *stream = NULL;
    const struct ots_stream_shard *shards = NULL;
    size_t count = 0;
    enum ots_status status = ots_streams_get(instance->streams, table, &stream, err);
    if (status == OTS_OK)
        status = ots_stream_shards(stream, arena, &shards, &count, err);
    for (size_t i = 0; i < count && status == OTS_OK; i++)
        status = push_shard(list, table->id, &shards[i], arena, err);
    return status;
}

/* A table that was deleted meanwhile has no stream any more. */
static enum ots_status show_stream(struct ots_instance *instance, struct ots_slice name,
                                   struct ots_json *root, struct ots_arena *arena,
                                   struct ots_error *err)
{
    OTS_AUTO(ots_table_releasep) const struct ots_table *table = NULL;
    enum ots_status status = ots_catalog_hold(instance->catalog, name, &table, err);
    if (status != OTS_OK)
        return status == OTS_NOT_FOUND ? OTS_OK : status;
    struct ots_slice id;
    status = ots_stream_id(table, arena, &id, err);
    if (status != OTS_OK)
        return status;
    const char *table_text = ots_arena_strdup(arena, name);
    const char *id_text = ots_arena_strdup(arena, id);
    struct ots_json *object = ots_json_object_new();
    struct ots_json *list = ots_json_array_new();
    status = table_text && id_text ? ots_json_set(root, table_text, object) : OTS_NOMEM;
    if (status == OTS_OK)
        status = ots_json_set_string(object, "stream", id_text);
    if (status != OTS_OK) {
        ots_json_free(list);
        return status;
    }
    status = ots_json_set(object, "shards", list);
    return status == OTS_OK ? show_shards(instance, table, list, arena, err) : status;
}

enum ots_status ots_streams_print(struct ots_instance *instance, struct ots_buf *json,
                                  struct ots_error *err)
{
    OTS_AUTO(ots_json_freep) struct ots_json *root = ots_json_object_new();
    struct ots_arena arena = OTS_ARENA_INIT;
    const struct ots_table_meta *metas = NULL;
    size_t count = 0;
    enum ots_status status = root ? OTS_OK : OTS_NOMEM;
    if (status == OTS_OK)
        status = ots_catalog_list(instance->catalog, &arena, &metas, &count, err);
    for (size_t i = 0; i < count && status == OTS_OK; i++)
        status = show_stream(instance, metas[i].name, root, &arena, err);
    if (status == OTS_OK)
        status = ots_json_print(root, json);
    ots_arena_deinit(&arena);
    return status;
}
