#include "backend/server/table_store.h"

#include "backend/server/layout.h"
#include "backend/server/table_record.h"
#include "backend/server/wide_record.h"

enum { COUNTER_BYTES = 4 };

static const uint8_t COUNTER_KEY[] = {OTS_SPACE_COUNTER};

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a table");
}

static enum ots_status counter_load(struct ots_engine *engine, uint32_t *next_id,
                                    struct ots_error *err)
{
    struct ots_buf value = OTS_BUF_INIT;
    bool is_found = false;
    enum ots_status status = engine->ops->get(engine, ots_slice(COUNTER_KEY, sizeof(COUNTER_KEY)),
                                              &value, &is_found, err);
    *next_id = 1;
    if (status == OTS_OK && is_found) {
        if (value.size == COUNTER_BYTES)
            *next_id = ots_layout_u32(value.data);
        else
            status = ots_error_set(err, OTS_CORRUPT, "the store's table counter is malformed");
    }
    ots_buf_deinit(&value);
    return status;
}

struct loading {
    struct ots_engine *engine;
    enum ots_status (*found)(void *context, const struct ots_table *table, struct ots_error *err);
    void *context;
};

static enum ots_status table_load(const struct loading *loading, enum ots_space space,
                                  struct ots_slice name, struct ots_slice record,
                                  struct ots_error *err)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_table table = {0};
    struct ots_wide_meta wide;
    enum ots_status status;
    if (space == OTS_SPACE_TABLE) {
        status = ots_table_record_decode(record, &arena, &table, err);
    } else {
        table.meta = OTS_TABLE_META_DEFAULT;
        table.wide = &wide;
        status = ots_wide_record_decode(record, &arena, &table, &wide, err);
        wide.name = name;
    }
    table.meta.name = name;
    if (status == OTS_OK)
        status = loading->found(loading->context, &table, err);
    ots_arena_deinit(&arena);
    if (status != OTS_OK)
        return ots_error_prefix(err, "the store's record of table %.*s", OTS_SLICE_FMT(name));
    return OTS_OK;
}

static enum ots_status tables_load(const struct loading *loading, enum ots_space space,
                                   struct ots_error *err)
{
    const uint8_t begin[] = {(uint8_t)space};
    const uint8_t end[] = {(uint8_t)(space + 1)};
    OTS_AUTO(ots_cursor_freep)
    struct ots_cursor *cursor = loading->engine->ops->cursor_new(
        loading->engine, ots_slice(begin, sizeof(begin)), ots_slice(end, sizeof(end)));
    if (!cursor)
        return no_memory(err);
    cursor->ops->seek(cursor, ots_slice(begin, sizeof(begin)));
    for (; cursor->is_valid; cursor->ops->next(cursor)) {
        struct ots_slice name = ots_slice(cursor->key.data + 1, cursor->key.size - 1);
        enum ots_status status = table_load(loading, space, name, cursor->value, err);
        if (status != OTS_OK)
            return status;
    }
    return cursor->ops->check(cursor, err);
}

enum ots_status ots_table_store_load(struct ots_engine *engine, uint32_t *next_id,
                                     enum ots_status (*found)(void *context,
                                                              const struct ots_table *table,
                                                              struct ots_error *err),
                                     void *context, struct ots_error *err)
{
    const struct loading loading = {engine, found, context};
    enum ots_status status = counter_load(engine, next_id, err);
    if (status == OTS_OK)
        status = tables_load(&loading, OTS_SPACE_TABLE, err);
    return status == OTS_OK ? tables_load(&loading, OTS_SPACE_WIDE_TABLE, err) : status;
}

static void table_key_append(struct ots_buf *key, const struct ots_table *table)
{
    ots_buf_append_byte(key, table->wide ? OTS_SPACE_WIDE_TABLE : OTS_SPACE_TABLE);
    ots_buf_append_slice(key, table->meta.name);
}

static enum ots_status record_add(struct ots_batch *batch, const struct ots_table *table,
                                  struct ots_error *err)
{
    struct ots_buf key = OTS_BUF_INIT;
    struct ots_buf record = OTS_BUF_INIT;
    table_key_append(&key, table);
    if (table->wide)
        ots_wide_record_append(&record, table);
    else
        ots_table_record_append(&record, table);
    bool is_whole = ots_buf_status(&key) == OTS_OK && ots_buf_status(&record) == OTS_OK;
    if (is_whole)
        batch->ops->put(batch, ots_buf_slice(&key), ots_buf_slice(&record));
    ots_buf_deinit(&key);
    ots_buf_deinit(&record);
    return is_whole ? OTS_OK : no_memory(err);
}

enum ots_status ots_table_store_create(struct ots_engine *engine, const struct ots_table *table,
                                       struct ots_error *err)
{
    OTS_AUTO(ots_batch_freep) struct ots_batch *batch = engine->ops->batch_new(engine);
    if (!batch)
        return no_memory(err);
    enum ots_status status = record_add(batch, table, err);
    if (status != OTS_OK)
        return status;
    uint8_t counter[COUNTER_BYTES];
    ots_layout_put_u32(counter, table->id + 1);
    batch->ops->put(batch, ots_slice(COUNTER_KEY, sizeof(COUNTER_KEY)),
                    ots_slice(counter, sizeof(counter)));
    return engine->ops->write(engine, batch, err);
}

enum ots_status ots_table_store_update(struct ots_engine *engine, const struct ots_table *table,
                                       struct ots_error *err)
{
    OTS_AUTO(ots_batch_freep) struct ots_batch *batch = engine->ops->batch_new(engine);
    if (!batch)
        return no_memory(err);
    enum ots_status status = record_add(batch, table, err);
    return status == OTS_OK ? engine->ops->write(engine, batch, err) : status;
}

enum ots_status ots_table_store_delete(struct ots_engine *engine, const struct ots_table *table,
                                       struct ots_error *err)
{
    static const enum ots_space spaces[] = {OTS_SPACE_SERIES, OTS_SPACE_SERIES_KEY,
                                            OTS_SPACE_ROW,    OTS_SPACE_SHARD,
                                            OTS_SPACE_LOG,    OTS_SPACE_WIDE_ROW};
    OTS_AUTO(ots_batch_freep) struct ots_batch *batch = engine->ops->batch_new(engine);
    struct ots_buf key = OTS_BUF_INIT;
    table_key_append(&key, table);
    if (!batch || ots_buf_status(&key) != OTS_OK) {
        ots_buf_deinit(&key);
        return no_memory(err);
    }
    batch->ops->remove(batch, ots_buf_slice(&key));
    ots_buf_deinit(&key);
    for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
        struct ots_key_range range;
        ots_layout_table_range(&range, spaces[i], table->id);
        batch->ops->remove_range(batch, ots_key_range_begin(&range), ots_key_range_end(&range));
    }
    return engine->ops->write(engine, batch, err);
}
