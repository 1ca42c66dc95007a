/*
 * The engine on RocksDB's C interface; no other file includes it.
 *
 * One column family, one key per row. The write-ahead log goes to the operating system with each
 * batch (no manual flush), so that kill -9 loses nothing; an fsync per batch would only add safety
 * against the death of the machine.
 */
#include "backend/server/engine.h"

#include <assert.h>
#include <errno.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    CACHE_BYTES_DEFAULT = 96 << 20,
    MEMTABLE_BYTES_DEFAULT = 96 << 20,
    BACKGROUND_DEFAULT = 2,
    OPEN_FILES_MAX = 512,
    BLOCK_BYTES = 16 << 10,
    FILTER_BITS_PER_KEY = 10,
    INFO_LOG_FILES = 2,
    INFO_LOG_LEVEL_WARN = 2,
    /* Bounds what a start after a crash reads again. */
    WAL_BYTES_MAX = 256 << 20,
};

struct rocks_engine {
    struct ots_engine engine;
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_cache_t *cache;
    rocksdb_readoptions_t *read;
    rocksdb_writeoptions_t *write;
    /* Set while merges may be going on already. */
    const struct ots_engine_filter *_Atomic filter;
};

/* One merge that is filtered. */
struct rocks_merge {
    const struct ots_engine_filter *filter;
    void *state;
};

struct rocks_batch {
    struct ots_batch batch;
    rocksdb_writebatch_t *changes;
};

struct rocks_cursor {
    struct ots_cursor cursor;
    rocksdb_readoptions_t *read;
    rocksdb_iterator_t *iterator;
    /* Both bounds: RocksDB borrows them as long as the iterator lives. */
    uint8_t bounds[];
};

static struct rocks_engine *rocks_engine(struct ots_engine *engine)
{
    return (struct rocks_engine *)engine;
}

static struct rocks_batch *rocks_batch(struct ots_batch *batch)
{
    return (struct rocks_batch *)batch;
}

static struct rocks_cursor *rocks_cursor(struct ots_cursor *cursor)
{
    return (struct rocks_cursor *)cursor;
}

static const char *chars(struct ots_slice slice)
{
    return slice.size ? (const char *)slice.data : "";
}

/* RocksDB tells what happened as text only. */
static enum ots_status failure(char *text, const char *doing, struct ots_error *err)
{
    enum ots_status status = OTS_IO;
    if (strncmp(text, "Corruption", strlen("Corruption")) == 0)
        status = OTS_CORRUPT;
    else if (strstr(text, "lock hold by") || strstr(text, "While lock file"))
        status = OTS_EXISTS;
    ots_error_set(err, status, "%s: %s", doing, text);
    rocksdb_free(text);
    return status;
}

static void batch_put(struct ots_batch *batch, struct ots_slice key, struct ots_slice value)
{
    rocksdb_writebatch_put(rocks_batch(batch)->changes, chars(key), key.size, chars(value),
                           value.size);
}

static void batch_remove(struct ots_batch *batch, struct ots_slice key)
{
    rocksdb_writebatch_delete(rocks_batch(batch)->changes, chars(key), key.size);
}

static void batch_remove_range(struct ots_batch *batch, struct ots_slice begin,
                               struct ots_slice end)
{
    rocksdb_writebatch_delete_range(rocks_batch(batch)->changes, chars(begin), begin.size,
                                    chars(end), end.size);
}

static void batch_free(struct ots_batch *batch)
{
    rocksdb_writebatch_destroy(rocks_batch(batch)->changes);
    free(batch);
}

static const struct ots_batch_ops batch_ops = {
    .put = batch_put,
    .remove = batch_remove,
    .remove_range = batch_remove_range,
    .free = batch_free,
};

static void cursor_show(struct ots_cursor *cursor)
{
    rocksdb_iterator_t *iterator = rocks_cursor(cursor)->iterator;
    cursor->is_valid = rocksdb_iter_valid(iterator);
    if (!cursor->is_valid)
        return;
    size_t key_size = 0;
    size_t value_size = 0;
    const char *key = rocksdb_iter_key(iterator, &key_size);
    const char *value = rocksdb_iter_value(iterator, &value_size);
    cursor->key = ots_slice(key, key_size);
    cursor->value = ots_slice(value, value_size);
}

static void cursor_seek(struct ots_cursor *cursor, struct ots_slice key)
{
    rocksdb_iter_seek(rocks_cursor(cursor)->iterator, chars(key), key.size);
    cursor_show(cursor);
}

static void cursor_seek_back(struct ots_cursor *cursor, struct ots_slice key)
{
    rocksdb_iter_seek_for_prev(rocks_cursor(cursor)->iterator, chars(key), key.size);
    cursor_show(cursor);
}

static void cursor_next(struct ots_cursor *cursor)
{
    assert(cursor->is_valid);
    rocksdb_iter_next(rocks_cursor(cursor)->iterator);
    cursor_show(cursor);
}

static void cursor_prev(struct ots_cursor *cursor)
{
    assert(cursor->is_valid);
    rocksdb_iter_prev(rocks_cursor(cursor)->iterator);
    cursor_show(cursor);
}

static enum ots_status cursor_check(struct ots_cursor *cursor, struct ots_error *err)
{
    char *text = NULL;
    rocksdb_iter_get_error(rocks_cursor(cursor)->iterator, &text);
    return text ? failure(text, "cannot read the store", err) : OTS_OK;
}

static void cursor_free(struct ots_cursor *cursor)
{
    rocksdb_iter_destroy(rocks_cursor(cursor)->iterator);
    rocksdb_readoptions_destroy(rocks_cursor(cursor)->read);
    free(cursor);
}

static const struct ots_cursor_ops cursor_ops = {
    .seek = cursor_seek,
    .seek_back = cursor_seek_back,
    .next = cursor_next,
    .prev = cursor_prev,
    .check = cursor_check,
    .free = cursor_free,
};

static enum ots_status engine_get(struct ots_engine *engine, struct ots_slice key,
                                  struct ots_buf *value, bool *is_found, struct ots_error *err)
{
    struct rocks_engine *self = rocks_engine(engine);
    char *text = NULL;
    rocksdb_pinnableslice_t *pinned =
        rocksdb_get_pinned(self->db, self->read, chars(key), key.size, &text);
    *is_found = pinned != NULL;
    if (text)
        return failure(text, "cannot read the store", err);
    if (!pinned)
        return OTS_OK;
    size_t size = 0;
    const char *data = rocksdb_pinnableslice_value(pinned, &size);
    ots_buf_append(value, data, size);
    rocksdb_pinnableslice_destroy(pinned);
    if (ots_buf_status(value) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "no memory for a stored value");
    return OTS_OK;
}

static struct ots_batch *engine_batch_new(struct ots_engine *engine)
{
    (void)engine;
    struct rocks_batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    batch->batch.ops = &batch_ops;
    batch->changes = rocksdb_writebatch_create();
    return &batch->batch;
}

static enum ots_status engine_write(struct ots_engine *engine, struct ots_batch *batch,
                                    struct ots_error *err)
{
    struct rocks_engine *self = rocks_engine(engine);
    assert(batch->ops == &batch_ops);
    char *text = NULL;
    rocksdb_write(self->db, self->write, rocks_batch(batch)->changes, &text);
    return text ? failure(text, "cannot write to the store", err) : OTS_OK;
}

static struct ots_cursor *engine_cursor_new(struct ots_engine *engine, struct ots_slice begin,
                                            struct ots_slice end)
{
    struct rocks_cursor *cursor = calloc(1, sizeof(*cursor) + begin.size + end.size);
    if (!cursor)
        return NULL;
    char *bounds = (char *)cursor->bounds;
    memcpy(bounds, chars(begin), begin.size);
    memcpy(bounds + begin.size, chars(end), end.size);
    cursor->cursor.ops = &cursor_ops;
    cursor->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_iterate_lower_bound(cursor->read, bounds, begin.size);
    rocksdb_readoptions_set_iterate_upper_bound(cursor->read, bounds + begin.size, end.size);
    cursor->iterator = rocksdb_create_iterator(rocks_engine(engine)->db, cursor->read);
    return &cursor->cursor;
}

/* ---- leaving out what is dead ---- */

static void merge_free(void *state)
{
    struct rocks_merge *merge = state;
    merge->filter->end(merge->state);
    free(merge);
}

static unsigned char merge_is_dead(void *state, int level, const char *key, size_t key_size,
                                   const char *value, size_t value_size, char **new_value,
                                   size_t *new_value_size, unsigned char *has_new_value)
{
    const struct rocks_merge *merge = state;
    (void)level;
    (void)value;
    (void)value_size;
    (void)new_value;
    (void)new_value_size;
    *has_new_value = 0;
    return merge->filter->is_dead(merge->state, ots_slice(key, key_size));
}

static const char *merge_name(void *state)
{
    (void)state;
    return "otslocal";
}

static rocksdb_compactionfilter_t *merge_begin(void *state,
                                               rocksdb_compactionfiltercontext_t *context)
{
    struct rocks_engine *self = state;
    const struct ots_engine_filter *filter = atomic_load(&self->filter);
    (void)context;
    struct rocks_merge *merge = filter ? calloc(1, sizeof(*merge)) : NULL;
    if (!merge)
        return NULL;
    merge->filter = filter;
    merge->state = filter->begin(filter->context);
    if (!merge->state) {
        free(merge);
        return NULL;
    }
    return rocksdb_compactionfilter_create(merge, merge_free, merge_is_dead, merge_name);
}

/* The factory is the options' and has nothing of its own to free. */
static void factory_free(void *state)
{
    (void)state;
}

static void engine_set_filter(struct ots_engine *engine, const struct ots_engine_filter *filter)
{
    struct rocks_engine *self = rocks_engine(engine);
    assert(!atomic_load(&self->filter));
    atomic_store(&self->filter, filter);
}

/* RocksDB looks how old its files are when something changes, such as an option: to the value that
 * it has will do. */
static void engine_merge_old(struct ots_engine *engine, int32_t age_s)
{
    char age[16];
    snprintf(age, sizeof(age), "%d", age_s);
    const char *const name = "periodic_compaction_seconds";
    const char *const value = age;
    char *text = NULL;
    rocksdb_set_options(rocks_engine(engine)->db, 1, &name, &value, &text);
    rocksdb_free(text);
}

static void engine_free(struct ots_engine *engine)
{
    struct rocks_engine *self = rocks_engine(engine);
    if (self->db)
        rocksdb_close(self->db);
    if (self->write)
        rocksdb_writeoptions_destroy(self->write);
    if (self->read)
        rocksdb_readoptions_destroy(self->read);
    if (self->options)
        rocksdb_options_destroy(self->options);
    if (self->cache)
        rocksdb_cache_destroy(self->cache);
    free(self);
}

static const struct ots_engine_ops engine_ops = {
    .get = engine_get,
    .batch_new = engine_batch_new,
    .write = engine_write,
    .cursor_new = engine_cursor_new,
    .set_filter = engine_set_filter,
    .merge_old = engine_merge_old,
    .free = engine_free,
};

/*
 * Index and filter blocks live in the cache, so that memory has one bound whatever the size. They
 * are in parts, because the filter of a large file as a whole has no room in a shard of the cache,
 * and would be read from the file and summed for each key that is looked up.
 */
static void table_format_set(struct rocks_engine *self, size_t cache_bytes)
{
    self->cache = rocksdb_cache_create_lru(cache_bytes);
    rocksdb_block_based_table_options_t *format = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(format, self->cache);
    rocksdb_block_based_options_set_block_size(format, BLOCK_BYTES);
    rocksdb_block_based_options_set_format_version(format, 5);
    rocksdb_block_based_options_set_filter_policy(
        format, rocksdb_filterpolicy_create_bloom_full(FILTER_BITS_PER_KEY));
    rocksdb_block_based_options_set_index_type(
        format, rocksdb_block_based_table_index_type_two_level_index_search);
    rocksdb_block_based_options_set_partition_filters(format, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(format, 1);
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(format, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(format, 1);
    rocksdb_options_set_block_based_table_factory(self->options, format);
    rocksdb_block_based_options_destroy(format);
}

static void options_set(struct rocks_engine *self, const struct ots_rocksdb_options *wanted)
{
    size_t memtables = wanted->memtable_bytes ? wanted->memtable_bytes : MEMTABLE_BYTES_DEFAULT;
    unsigned background = wanted->background_max ? wanted->background_max : BACKGROUND_DEFAULT;
    self->options = rocksdb_options_create();
    rocksdb_options_set_create_if_missing(self->options, 1);
    rocksdb_options_set_max_open_files(self->options, OPEN_FILES_MAX);
    rocksdb_options_set_write_buffer_size(self->options, memtables / 3);
    rocksdb_options_set_max_write_buffer_number(self->options, 3);
    rocksdb_options_set_max_total_wal_size(self->options, WAL_BYTES_MAX);
    rocksdb_options_set_max_background_jobs(self->options, (int)background);
    rocksdb_options_set_level_compaction_dynamic_level_bytes(self->options, 1);
    rocksdb_options_set_compression(self->options, rocksdb_lz4_compression);
    rocksdb_options_set_keep_log_file_num(self->options, INFO_LOG_FILES);
    rocksdb_options_set_info_log_level(self->options, INFO_LOG_LEVEL_WARN);
    rocksdb_options_set_stats_dump_period_sec(self->options, 0);
    rocksdb_options_set_skip_stats_update_on_db_open(self->options, 1);
    rocksdb_options_set_compaction_filter_factory(
        self->options,
        rocksdb_compactionfilterfactory_create(self, factory_free, merge_begin, merge_name));
    table_format_set(self, wanted->cache_bytes ? wanted->cache_bytes : CACHE_BYTES_DEFAULT);
}

enum ots_status ots_rocksdb_open(const struct ots_rocksdb_options *options, struct ots_engine **out,
                                 struct ots_error *err)
{
    *out = NULL;
    if (mkdir(options->directory, 0700) != 0 && errno != EEXIST)
        return ots_error_errno(err, errno, "cannot create %s", options->directory);
    struct rocks_engine *self = calloc(1, sizeof(*self));
    if (!self)
        return ots_error_set(err, OTS_NOMEM, "no memory for the store");
    self->engine.ops = &engine_ops;
    self->read = rocksdb_readoptions_create();
    self->write = rocksdb_writeoptions_create();
    options_set(self, options);
    char *text = NULL;
    self->db = rocksdb_open(self->options, options->directory, &text);
    if (text) {
        enum ots_status status = failure(text, "cannot open the store", err);
        engine_free(&self->engine);
        return status;
    }
    *out = &self->engine;
    return OTS_OK;
}
