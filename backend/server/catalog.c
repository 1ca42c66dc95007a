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

#include "backend/base/search.h"
#include "backend/server/table_store.h"
#include "backend/wire/service_code.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

enum { ENTRIES_MAX = OTS_TABLES_MAX + OTS_WIDE_TABLES_MAX };

struct entry {
    struct ots_table table;
    struct ots_wide_meta wide; /* what table.wide points to, if it does */
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
        struct entry *tables[ENTRIES_MAX]; /* by name */
        size_t count;
        size_t wide_count; /* of these */
        struct entry *replaced;
    } synced;
};

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
    enum ots_status status = ots_table_meta_copy(&entry->arena, &table->meta, &entry->table.meta);
    if (status == OTS_OK && table->wide) {
        status = ots_wide_meta_copy(&entry->arena, table->wide, &entry->wide);
        entry->table.wide = &entry->wide;
    }
    if (status != OTS_OK) {
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

static bool is_before(const void *item, const void *name)
{
    const struct entry *const *entry = item;
    return ots_slice_compare((*entry)->table.meta.name, *(const struct ots_slice *)name) < 0;
}

/* Where `name` is in the array, or belongs. */
static size_t position_locked(const struct ots_catalog *catalog, struct ots_slice name,
                              bool *is_there)
{
    struct entry *const *tables = catalog->synced.tables;
    size_t count = catalog->synced.count;
    size_t at = ots_search(tables, count, sizeof(struct entry *), is_before, &name);
    *is_there = at < count && ots_slice_equal(tables[at]->table.meta.name, name);
    return at;
}

/* The table of that name and kind, or NULL. */
static struct entry *find_locked(const struct ots_catalog *catalog, struct ots_slice name,
                                 bool is_wide, size_t *at)
{
    bool is_there = false;
    *at = position_locked(catalog, name, &is_there);
    struct entry *entry = is_there ? catalog->synced.tables[*at] : NULL;
    return entry && (entry->table.wide != NULL) == is_wide ? entry : NULL;
}

static bool is_full_locked(const struct ots_catalog *catalog, bool is_wide)
{
    size_t wide_count = catalog->synced.wide_count;
    return is_wide ? wide_count == OTS_WIDE_TABLES_MAX
                   : catalog->synced.count - wide_count == OTS_TABLES_MAX;
}

static void insert_locked(struct ots_catalog *catalog, size_t at, struct entry *entry)
{
    struct entry **tables = catalog->synced.tables;
    assert(catalog->synced.count < ENTRIES_MAX);
    memmove(tables + at + 1, tables + at, (catalog->synced.count - at) * sizeof(*tables));
    tables[at] = entry;
    catalog->synced.count++;
    catalog->synced.wide_count += entry->table.wide != NULL;
}

static void take_out_locked(struct ots_catalog *catalog, size_t at)
{
    struct entry **tables = catalog->synced.tables;
    catalog->synced.count--;
    catalog->synced.wide_count -= tables[at]->table.wide != NULL;
    memmove(tables + at, tables + at + 1, (catalog->synced.count - at) * sizeof(*tables));
}

/* A table that was kept; nobody else is there yet. */
static enum ots_status table_loaded(void *context, const struct ots_table *table,
                                    struct ots_error *err)
{
    struct ots_catalog *catalog = context;
    bool is_there = false;
    size_t at = position_locked(catalog, table->meta.name, &is_there);
    if (is_there || is_full_locked(catalog, table->wide != NULL))
        return ots_error_set(err, OTS_CORRUPT, "one table too many, or twice");
    struct entry *entry = entry_new(catalog, table);
    if (!entry)
        return no_memory(err);
    insert_locked(catalog, at, entry);
    return OTS_OK;
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
    enum ots_status status =
        ots_table_store_load(engine, &catalog->next_id, table_loaded, catalog, err);
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

static enum ots_status check_new(struct ots_catalog *catalog, struct ots_slice name, bool is_wide,
                                 struct ots_error *err)
{
    bool is_there = false;
    pthread_mutex_lock(&catalog->synced.lock);
    position_locked(catalog, name, &is_there);
    bool is_full = is_full_locked(catalog, is_wide);
    pthread_mutex_unlock(&catalog->synced.lock);
    if (is_there)
        return ots_error_service(err, OTS_EXISTS, OTS_CODE_OBJECT_ALREADY_EXIST,
                                 "Requested table already exists.");
    if (is_full)
        return ots_error_service(
            err, OTS_LIMIT, OTS_CODE_QUOTA_EXHAUSTED, "The instance has %d %s tables already.",
            is_wide ? OTS_WIDE_TABLES_MAX : OTS_TABLES_MAX, is_wide ? "wide-column" : "timeseries");
    return OTS_OK;
}

static enum ots_status create_table(struct ots_catalog *catalog, const struct ots_table_meta *meta,
                                    const struct ots_wide_meta *wide, struct ots_error *err)
{
    enum ots_status status = check_new(catalog, meta->name, wide != NULL, err);
    if (status != OTS_OK)
        return status;
    const struct ots_table table = {
        .id = catalog->next_id,
        .created_us = ots_clock_now_us(catalog->clock),
        .meta = *meta,
        .wide = wide,
    };
    struct entry *entry = entry_new(catalog, &table);
    if (!entry)
        return no_memory(err);
    status = ots_table_store_create(catalog->engine, &entry->table, err);
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
    enum ots_status status = create_table(catalog, meta, NULL, err);
    pthread_mutex_unlock(&catalog->changes);
    return status;
}

enum ots_status ots_catalog_create_wide(struct ots_catalog *catalog,
                                        const struct ots_wide_meta *wide, struct ots_error *err)
{
    struct ots_table_meta meta = OTS_TABLE_META_DEFAULT;
    meta.name = wide->name;
    pthread_mutex_lock(&catalog->changes);
    enum ots_status status = create_table(catalog, &meta, wide, err);
    pthread_mutex_unlock(&catalog->changes);
    return status;
}

/* Only who holds `changes` takes tables out or replaces them, so the entry stays for the caller. */
static struct entry *current_entry(struct ots_catalog *catalog, struct ots_slice name, bool is_wide)
{
    size_t at = 0;
    pthread_mutex_lock(&catalog->synced.lock);
    struct entry *entry = find_locked(catalog, name, is_wide, &at);
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

/* Keep the table with its new options. */
static enum ots_status keep(struct ots_catalog *catalog, struct entry *old,
                            const struct ots_table *table, struct ots_error *err)
{
    struct entry *fresh = entry_new(catalog, table);
    if (!fresh)
        return no_memory(err);
    enum ots_status status = ots_table_store_update(catalog->engine, &fresh->table, err);
    if (status == OTS_OK)
        replace(catalog, old, fresh);
    else
        entry_free(fresh);
    return status;
}

static enum ots_status update_table(struct ots_catalog *catalog,
                                    const struct ots_table_meta *changes, struct ots_error *err)
{
    struct entry *old = current_entry(catalog, changes->name, false);
    if (!old)
        return not_found(err);
    struct ots_table table = old->table;
    enum ots_status status = ots_table_meta_update(&table.meta, changes, err);
    return status == OTS_OK ? keep(catalog, old, &table, err) : status;
}

enum ots_status ots_catalog_update(struct ots_catalog *catalog,
                                   const struct ots_table_meta *changes, struct ots_error *err)
{
    pthread_mutex_lock(&catalog->changes);
    enum ots_status status = update_table(catalog, changes, err);
    pthread_mutex_unlock(&catalog->changes);
    return status;
}

static enum ots_status update_wide(struct ots_catalog *catalog,
                                   const struct ots_wide_update_request *changes,
                                   struct ots_error *err)
{
    struct entry *old = current_entry(catalog, changes->table, true);
    if (!old)
        return not_found(err);
    struct ots_wide_meta wide = *old->table.wide;
    struct ots_table table = old->table;
    table.wide = &wide;
    enum ots_status status = ots_wide_meta_update(&wide, changes, err);
    return status == OTS_OK ? keep(catalog, old, &table, err) : status;
}

enum ots_status ots_catalog_update_wide(struct ots_catalog *catalog,
                                        const struct ots_wide_update_request *changes,
                                        struct ots_error *err)
{
    pthread_mutex_lock(&catalog->changes);
    enum ots_status status = update_wide(catalog, changes, err);
    pthread_mutex_unlock(&catalog->changes);
    return status;
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
static struct entry *take_out(struct ots_catalog *catalog, struct ots_slice name, bool is_wide)
{
    size_t at = 0;
    pthread_mutex_lock(&catalog->synced.lock);
    struct entry *entry = find_locked(catalog, name, is_wide, &at);
    if (entry) {
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

static enum ots_status delete_table(struct ots_catalog *catalog, struct ots_slice name,
                                    bool is_wide, uint32_t *id, struct ots_error *err)
{
    pthread_mutex_lock(&catalog->changes);
    struct entry *entry = take_out(catalog, name, is_wide);
    enum ots_status status =
        entry ? ots_table_store_delete(catalog->engine, &entry->table, err) : not_found(err);
    *id = entry ? entry->table.id : 0;
    if (entry && status == OTS_OK)
        entry_free(entry);
    else if (entry)
        put_back(catalog, entry);
    pthread_mutex_unlock(&catalog->changes);
    return status;
}

enum ots_status ots_catalog_delete(struct ots_catalog *catalog, struct ots_slice name, uint32_t *id,
                                   struct ots_error *err)
{
    return delete_table(catalog, name, false, id, err);
}

enum ots_status ots_catalog_delete_wide(struct ots_catalog *catalog, struct ots_slice name,
                                        struct ots_error *err)
{
    uint32_t id = 0;
    return delete_table(catalog, name, true, &id, err);
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
    *count = 0;
    for (size_t i = 0; i < catalog->synced.count && status == OTS_OK; i++)
        if (!catalog->synced.tables[i]->table.wide)
            status = ots_table_meta_copy(arena, &catalog->synced.tables[i]->table.meta,
                                         &items[(*count)++]);
    pthread_mutex_unlock(&catalog->synced.lock);
    if (status != OTS_OK)
        return no_memory(err);
    *metas = items;
    return OTS_OK;
}

enum ots_status ots_catalog_list_wide(struct ots_catalog *catalog, struct ots_arena *arena,
                                      const struct ots_slice **names, size_t *count,
                                      struct ots_error *err)
{
    struct ots_slice *items = ots_arena_array(arena, OTS_WIDE_TABLES_MAX, sizeof(*items));
    if (!items)
        return no_memory(err);
    enum ots_status status = OTS_OK;
    pthread_mutex_lock(&catalog->synced.lock);
    *count = 0;
    for (size_t i = 0; i < catalog->synced.count && status == OTS_OK; i++)
        if (catalog->synced.tables[i]->table.wide)
            status = ots_arena_copy(arena, catalog->synced.tables[i]->table.meta.name,
                                    &items[(*count)++]);
    pthread_mutex_unlock(&catalog->synced.lock);
    if (status != OTS_OK)
        return no_memory(err);
    *names = items;
    return OTS_OK;
}

static enum ots_status hold_table(struct ots_catalog *catalog, struct ots_slice name, bool is_wide,
                                  const struct ots_table **table, struct ots_error *err)
{
    size_t at = 0;
    pthread_mutex_lock(&catalog->synced.lock);
    struct entry *entry = find_locked(catalog, name, is_wide, &at);
    if (entry) {
        entry->holders++;
        *table = &entry->table;
    }
    pthread_mutex_unlock(&catalog->synced.lock);
    return entry ? OTS_OK : not_found(err);
}

size_t ots_catalog_ttls(struct ots_catalog *catalog, struct ots_table_ttl ttls[OTS_TABLES_MAX])
{
    size_t count = 0;
    pthread_mutex_lock(&catalog->synced.lock);
    for (size_t i = 0; i < catalog->synced.count; i++) {
        const struct ots_table *table = &catalog->synced.tables[i]->table;
        if (table->meta.time_to_live_s != OTS_TTL_FOREVER)
            ttls[count++] = (struct ots_table_ttl){table->id, table->meta.time_to_live_s};
    }
    pthread_mutex_unlock(&catalog->synced.lock);
    return count;
}

enum ots_status ots_catalog_hold(struct ots_catalog *catalog, struct ots_slice name,
                                 const struct ots_table **table, struct ots_error *err)
{
    return hold_table(catalog, name, false, table, err);
}

enum ots_status ots_catalog_hold_wide(struct ots_catalog *catalog, struct ots_slice name,
                                      const struct ots_table **table, struct ots_error *err)
{
    return hold_table(catalog, name, true, table, err);
}

bool ots_catalog_hold_id(struct ots_catalog *catalog, uint32_t id, const struct ots_table **table)
{
    bool is_there = false;
    pthread_mutex_lock(&catalog->synced.lock);
    for (size_t i = 0; i < catalog->synced.count && !is_there; i++) {
        struct entry *entry = catalog->synced.tables[i];
        is_there = entry->table.id == id && !entry->table.wide;
        if (!is_there)
            continue;
        entry->holders++;
        *table = &entry->table;
    }
    pthread_mutex_unlock(&catalog->synced.lock);
    return is_there;
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
