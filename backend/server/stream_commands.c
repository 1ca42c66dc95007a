#include "backend/server/stream_commands.h"

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
