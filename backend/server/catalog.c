/*
 * Locks, in the order in which they are taken: `changes` serialises creations and deletions and is
 * held while they are written; `lock` guards the array and the counts of holders, never for longer
 * than a look at them. Who deletes takes the table out of the array, waits until its holders are
 * gone, and then removes its data: nobody can write to a table that is going.
 *
 * What is in the array never changes: an update puts a new entry in the place of the old one. An
 * entry that was replaced stays in `replaced` until its last holder is gone.
 */
#include "backend/server/catalog.h"

#include "backend/server/layout.h"
#include "backend/server/table_record.h"
#include "backend/wire/service_code.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { COUNTER_BYTES = 4 };

struct entry {
    struct ots_table table;
    struct ots_catalog *catalog;
    struct ots_arena arena;
    size_t holders;
    struct entry *replaced_before; /* the next one in `replaced` */
    bool is_replaced;
};

struct ots_catalog {
    struct ots_engine *engine;
    const struct ots_clock *clock;
    pthread_mutex_t changes;
    uint32_t next_id; /* under `changes` */
    struct {
        pthread_mutex_t lock;
        pthread_cond_t released;
        struct entry *tables[OTS_TABLES_MAX]; /* by name */
        size_t count;
        struct entry *replaced;
    } synced;
};

static const uint8_t COUNTER_KEY[] = {OTS_SPACE_COUNTER};

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a table");
}

static enum ots_status not_found(struct ots_error *err)
{
    return ots_error_service(err, OTS_NOT_FOUND, OTS_CODE_OBJECT_NOT_EXIST,
                             "Requested table does not exist.");
}

static void entry_free(struct entry *entry)
{
    ots_arena_deinit(&entry->arena);
    free(entry);
}

static struct entry *entry_new(struct ots_catalog *catalog, const struct ots_table *table)
{
    struct entry *entry = calloc(1, sizeof(*entry));
    if (!entry)
        return NULL;
    entry->arena = OTS_ARENA_INIT;
    entry->catalog = catalog;
    entry->table = *table;
    if (ots_table_meta_copy(&entry->arena, &table->meta, &entry->table.meta) != OTS_OK) {
        entry_free(entry);
        return NULL;
    }
    struct ots_table_meta *own = &entry->table.meta;
    own->status = OTS_SLICE("CREATED");
    own->has_time_to_live = true;
    own->has_meta_time_to_live = true;
    own->has_allow_update_attributes = true;
    return entry;
}

/* Where `name` is in the array, or belongs. */
static size_t position_locked(const struct ots_catalog *catalog, struct ots_slice name,
                              bool *is_there)
{
    size_t low = 0;
    size_t high = catalog->synced.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = ots_slice_compare(catalog->synced.tables[middle]->table.meta.name, name);
        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *is_there = false;
    return low;
}

static void insert_locked(struct ots_catalog *catalog, size_t at, struct entry *entry)
{
    struct entry **tables = catalog->synced.tables;
    assert(catalog->synced.count < OTS_TABLES_MAX);
    memmove(tables + at + 1, tables + at, (catalog->synced.count - at) * sizeof(*tables));
    tables[at] = entry;
    catalog->synced.count++;
}

static void take_out_locked(struct ots_catalog *catalog, size_t at)
{
    struct entry **tables = catalog->synced.tables;
    catalog->synced.count--;
    memmove(tables + at, tables + at + 1, (catalog->synced.count - at) * sizeof(*tables));
}

static enum ots_status table_load(struct ots_catalog *catalog, struct ots_slice name,
                                  struct ots_slice record, struct ots_error *err)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_table table;
    struct entry *entry = NULL;
    enum ots_status status = ots_table_record_decode(record, &arena, &table, err);
    if (status == OTS_OK && catalog->synced.count == OTS_TABLES_MAX)
        status = ots_error_set(err, OTS_CORRUPT, "one more than %d tables", OTS_TABLES_MAX);
    if (status == OTS_OK) {
        table.meta.name = name;
        entry = entry_new(catalog, &table);
        status = entry ? OTS_OK : no_memory(err);
    }
    ots_arena_deinit(&arena);
    if (!entry)
        return ots_error_prefix(err, "the store's record of table %.*s", OTS_SLICE_FMT(name));
    insert_locked(catalog, catalog->synced.count, entry);
    return status;
}

static enum ots_status tables_load(struct ots_catalog *catalog, struct ots_error *err)
{
    const uint8_t begin[] = {OTS_SPACE_TABLE};
    const uint8_t end[] = {OTS_SPACE_TABLE + 1};
    OTS_AUTO(ots_cursor_freep)
    struct ots_cursor *cursor = catalog->engine->ops->cursor_new(
        catalog->engine, ots_slice(begin, sizeof(begin)), ots_slice(end, sizeof(end)));
    if (!cursor)
        return no_memory(err);
    cursor->ops->seek(cursor, ots_slice(begin, sizeof(begin)));
    for (; cursor->is_valid; cursor->ops->next(cursor)) {
        struct ots_slice name = ots_slice(cursor->key.data + 1, cursor->key.size - 1);
        enum ots_status status = table_load(catalog, name, cursor->value, err);
        if (status != OTS_OK)
            return status;
    }
    return cursor->ops->check(cursor, err);
}

static enum ots_status counter_load(struct ots_catalog *catalog, struct ots_error *err)
{
    struct ots_buf value = OTS_BUF_INIT;
    bool is_found = false;
    enum ots_status status = catalog->engine->ops->get(
        catalog->engine, ots_slice(COUNTER_KEY, sizeof(COUNTER_KEY)), &value, &is_found, err);
    catalog->next_id = 1;
    if (status == OTS_OK && is_found) {
        if (value.size == COUNTER_BYTES)
            catalog->next_id = ots_layout_u32(value.data);
        else
            status = ots_error_set(err, OTS_CORRUPT, "the store's table counter is malformed");
    }
    ots_buf_deinit(&value);
    return status;
}

enum ots_status ots_catalog_open(struct ots_engine *engine, const struct ots_clock *clock,
                                 struct ots_catalog **out, struct ots_error *err)
{
    *out = NULL;
    struct ots_catalog *catalog = calloc(1, sizeof(*catalog));
    if (!catalog)
        return no_memory(err);
    catalog->engine = engine;
    catalog->clock = clock;
    pthread_mutex_init(&catalog->changes, NULL);
    pthread_mutex_init(&catalog->synced.lock, NULL);
    pthread_cond_init(&catalog->synced.released, NULL);
    enum ots_status status = counter_load(catalog, err);
    if (status == OTS_OK)
        status = tables_load(catalog, err);
    if (status != OTS_OK) {
        ots_catalog_free(catalog);
        return status;
    }
    *out = catalog;
    return OTS_OK;
}

void ots_catalog_free(struct ots_catalog *catalog)
{
    if (!catalog)
        return;
    for (size_t i = 0; i < catalog->synced.count; i++) {
        assert(catalog->synced.tables[i]->holders == 0);
        entry_free(catalog->synced.tables[i]);
    }
    assert(!catalog->synced.replaced);
    pthread_cond_destroy(&catalog->synced.released);
    pthread_mutex_destroy(&catalog->synced.lock);
    pthread_mutex_destroy(&catalog->changes);
    free(catalog);
}

static void table_key_append(struct ots_buf *key, struct ots_slice name)
{
    ots_buf_append_byte(key, OTS_SPACE_TABLE);
    ots_buf_append_slice(key, name);
}

static enum ots_status record_add(struct ots_batch *batch, const struct ots_table *table,
                                  struct ots_error *err)
{
    struct ots_buf key = OTS_BUF_INIT;
    struct ots_buf record = OTS_BUF_INIT;
    table_key_append(&key, table->meta.name);
    ots_table_record_append(&record, table);
    bool is_whole = ots_buf_status(&key) == OTS_OK && ots_buf_status(&record) == OTS_OK;
    if (is_whole)
        batch->ops->put(batch, ots_buf_slice(&key), ots_buf_slice(&record));
    ots_buf_deinit(&key);
    ots_buf_deinit(&record);
    return is_whole ? OTS_OK : no_memory(err);
}

static enum ots_status write_created(struct ots_catalog *catalog, const struct ots_table *table,
                                     struct ots_error *err)
{
    OTS_AUTO(ots_batch_freep)
    struct ots_batch *batch = catalog->engine->ops->batch_new(catalog->engine);
    if (!batch)
        return no_memory(err);
    enum ots_status status = record_add(batch, table, err);
    if (status != OTS_OK)
        return status;
    uint8_t counter[COUNTER_BYTES];
    ots_layout_put_u32(counter, table->id + 1);
    batch->ops->put(batch, ots_slice(COUNTER_KEY, sizeof(COUNTER_KEY)),
                    ots_slice(counter, sizeof(counter)));
    return catalog->engine->ops->write(catalog->engine, batch, err);
}

static enum ots_status write_updated(struct ots_catalog *catalog, const struct ots_table *table,
                                     struct ots_error *err)
{
    OTS_AUTO(ots_batch_freep)
    struct ots_batch *batch = catalog->engine->ops->batch_new(catalog->engine);
    if (!batch)
        return no_memory(err);
    enum ots_status status = record_add(batch, table, err);
    return status == OTS_OK ? catalog->engine->ops->write(catalog->engine, batch, err) : status;
}

static enum ots_status check_new(struct ots_catalog *catalog, struct ots_slice name,
                                 struct ots_error *err)
{
    bool is_there = false;
    pthread_mutex_lock(&catalog->synced.lock);
    position_locked(catalog, name, &is_there);
    bool is_full = catalog->synced.count == OTS_TABLES_MAX;
    pthread_mutex_unlock(&catalog->synced.lock);
    if (is_there)
        return ots_error_service(err, OTS_EXISTS, OTS_CODE_OBJECT_ALREADY_EXIST,
                                 "Requested table already exists.");
    if (is_full)
        return ots_error_service(err, OTS_LIMIT, OTS_CODE_QUOTA_EXHAUSTED,
                                 "The instance has %d timeseries tables already.", OTS_TABLES_MAX);
    return OTS_OK;
}

static enum ots_status create_table(struct ots_catalog *catalog, const struct ots_table_meta *meta,
                                    struct ots_error *err)
{
    enum ots_status status = check_new(catalog, meta->name, err);
    if (status != OTS_OK)
        return status;
    const struct ots_table table = {
        .id = catalog->next_id,
        .created_us = ots_clock_now_us(catalog->clock),
        .meta = *meta,
    };
    struct entry *entry = entry_new(catalog, &table);
    if (!entry)
        return no_memory(err);
    status = write_created(catalog, &entry->table, err);
    if (status != OTS_OK) {
        entry_free(entry);
        return status;
    }
    catalog->next_id++;
    bool is_there = false;
    pthread_mutex_lock(&catalog->synced.lock);
    insert_locked(catalog, position_locked(catalog, meta->name, &is_there), entry);
    pthread_mutex_unlock(&catalog->synced.lock);
    return OTS_OK;
}

enum ots_status ots_catalog_create(struct ots_catalog *catalog, const struct ots_table_meta *meta,
                                   struct ots_error *err)
{
    pthread_mutex_lock(&catalog->changes);
    enum ots_status status = create_table(catalog, meta, err);
    pthread_mutex_unlock(&catalog->changes);
    return status;
}

/* Only who holds `changes` takes tables out or replaces them, so the entry stays for the caller. */
static struct entry *current_entry(struct ots_catalog *catalog, struct ots_slice name)
{
    bool is_there = false;
    pthread_mutex_lock(&catalog->synced.lock);
    size_t at = position_locked(catalog, name, &is_there);
    struct entry *entry = is_there ? catalog->synced.tables[at] : NULL;
    pthread_mutex_unlock(&catalog->synced.lock);
    return entry;
}

static void replace(struct ots_catalog *catalog, struct entry *old, struct entry *fresh)
{
    bool is_there = false;
    pthread_mutex_lock(&catalog->synced.lock);
    catalog->synced.tables[position_locked(catalog, old->table.meta.name, &is_there)] = fresh;
    assert(is_there);
    old->is_replaced = old->holders > 0;
    if (old->is_replaced) {
        old->replaced_before = catalog->synced.replaced;
        catalog->synced.replaced = old;
    }
    bool is_held = old->is_replaced;
    pthread_mutex_unlock(&catalog->synced.lock);
    if (!is_held)
        entry_free(old);
}

static enum ots_status update_table(struct ots_catalog *catalog,
                                    const struct ots_table_meta *changes, struct ots_error *err)
{
    struct entry *old = current_entry(catalog, changes->name);
    if (!old)
        return not_found(err);
    struct ots_table table = old->table;
    enum ots_status status = ots_table_meta_update(&table.meta, changes, err);
    if (status != OTS_OK)
        return status;
    struct entry *fresh = entry_new(catalog, &table);
    if (!fresh)
        return no_memory(err);
    status = write_updated(catalog, &fresh->table, err);
    if (status == OTS_OK)
        replace(catalog, old, fresh);
    else
        entry_free(fresh);
    return status;
}

enum ots_status ots_catalog_update(struct ots_catalog *catalog,
                                   const struct ots_table_meta *changes, struct ots_error *err)
{
    pthread_mutex_lock(&catalog->changes);
    enum ots_status status = update_table(catalog, changes, err);
    pthread_mutex_unlock(&catalog->changes);
    return status;
}

static enum ots_status write_deleted(struct ots_catalog *catalog, const struct ots_table *table,
                                     struct ots_error *err)
{
    static const enum ots_space spaces[] = {OTS_SPACE_SERIES, OTS_SPACE_SERIES_KEY, OTS_SPACE_ROW};
    OTS_AUTO(ots_batch_freep)
    struct ots_batch *batch = catalog->engine->ops->batch_new(catalog->engine);
    struct ots_buf key = OTS_BUF_INIT;
    table_key_append(&key, table->meta.name);
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
    return catalog->engine->ops->write(catalog->engine, batch, err);
}

static bool is_held_locked(const struct ots_catalog *catalog, const struct entry *entry)
{
    if (entry->holders)
        return true;
    const struct entry *replaced = catalog->synced.replaced;
    while (replaced && replaced->table.id != entry->table.id)
        replaced = replaced->replaced_before;
    return replaced != NULL;
}

/* Take the table out of the array, and wait until its holders are gone. */
static struct entry *take_out(struct ots_catalog *catalog, struct ots_slice name)
{
    struct entry *entry = NULL;
    bool is_there = false;
    pthread_mutex_lock(&catalog->synced.lock);
    size_t at = position_locked(catalog, name, &is_there);
    if (is_there) {
        entry = catalog->synced.tables[at];
        take_out_locked(catalog, at);
        while (is_held_locked(catalog, entry))
            pthread_cond_wait(&catalog->synced.released, &catalog->synced.lock);
    }
    pthread_mutex_unlock(&catalog->synced.lock);
    return entry;
}

static void put_back(struct ots_catalog *catalog, struct entry *entry)
{
    bool is_there = false;
    pthread_mutex_lock(&catalog->synced.lock);
    insert_locked(catalog, position_locked(catalog, entry->table.meta.name, &is_there), entry);
    pthread_mutex_unlock(&catalog->synced.lock);
}

enum ots_status ots_catalog_delete(struct ots_catalog *catalog, struct ots_slice name,
                                   struct ots_error *err)
{
    pthread_mutex_lock(&catalog->changes);
    struct entry *entry = take_out(catalog, name);
    enum ots_status status = entry ? write_deleted(catalog, &entry->table, err) : not_found(err);
    if (entry && status == OTS_OK)
        entry_free(entry);
    else if (entry)
        put_back(catalog, entry);
    pthread_mutex_unlock(&catalog->changes);
    return status;
}

enum ots_status ots_catalog_list(struct ots_catalog *catalog, struct ots_arena *arena,
                                 const struct ots_table_meta **metas, size_t *count,
                                 struct ots_error *err)
{
    struct ots_table_meta *items = ots_arena_array(arena, OTS_TABLES_MAX, sizeof(*items));
    if (!items)
        return no_memory(err);
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&catalog->synced.lock);
    *count = catalog->synced.count;
    for (size_t i = 0; i < *count && status == OTS_OK; i++)
        status = ots_table_meta_copy(arena, &catalog->synced.tables[i]->table.meta, &items[i]);
    pthread_mutex_unlock(&catalog->synced.lock);
    if (status != OTS_OK)
        return no_memory(err);
    *metas = items;
    return OTS_OK;
}

enum ots_status ots_catalog_hold(struct ots_catalog *catalog, struct ots_slice name,
                                 const struct ots_table **table, struct ots_error *err)
{
    bool is_there = false;
    pthread_mutex_lock(&catalog->synced.lock);
    size_t at = position_locked(catalog, name, &is_there);
    if (is_there) {
        catalog->synced.tables[at]->holders++;
        *table = &catalog->synced.tables[at]->table;
    }
    pthread_mutex_unlock(&catalog->synced.lock);
    return is_there ? OTS_OK : not_found(err);
}

static void forget_replaced_locked(struct ots_catalog *catalog, struct entry *entry)
{
    struct entry **link = &catalog->synced.replaced;
    while (*link != entry)
        link = &(*link)->replaced_before;
    *link = entry->replaced_before;
    entry_free(entry);
}

void ots_table_release(const struct ots_table *table)
{
    /* Entries are made here only and never const; the pointer is const for the holders' sake. */
    struct entry *entry = (struct entry *)(uintptr_t)table;
    struct ots_catalog *catalog = entry->catalog;
    pthread_mutex_lock(&catalog->synced.lock);
    assert(entry->holders > 0);
    entry->holders--;
    if (entry->holders == 0) {
        if (entry->is_replaced)
            forget_replaced_locked(catalog, entry);
        pthread_cond_broadcast(&catalog->synced.released);
    }
    pthread_mutex_unlock(&catalog->synced.lock);
}
