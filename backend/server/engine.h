/*
 * A small ordered key-value store: what the server keeps its data in.
 *
 * Keys and values are bytes; keys are ordered bytewise. A batch is applied whole or not at all,
 * and what was written survives the death of the process at once. A cursor sees the store as it
 * was when the cursor was made.
 *
 * A wrapper takes an engine and gives one back, so layers stack.
 * Threads: an engine is safe; a batch or a cursor belongs to one thread at a time.
 */
#ifndef OTS_SERVER_ENGINE_H
#define OTS_SERVER_ENGINE_H

#include "backend/base/buf.h"
#include "backend/base/cleanup.h"

struct ots_engine;
struct ots_batch;
struct ots_cursor;

/* Changes that are applied in the order in which they were added. */
struct ots_batch_ops {
    void (*put)(struct ots_batch *batch, struct ots_slice key, struct ots_slice value);
    void (*remove)(struct ots_batch *batch, struct ots_slice key);
    /* Every key from `begin` up to, but without, `end`. */
    void (*remove_range)(struct ots_batch *batch, struct ots_slice begin, struct ots_slice end);
    void (*free)(struct ots_batch *batch);
};

struct ots_batch {
    const struct ots_batch_ops *ops;
};

/* Every move sets `is_valid`, and `key` and `value` when valid; they live until the next move. */
struct ots_cursor_ops {
    /* To the first key at or after `key`. */
    void (*seek)(struct ots_cursor *cursor, struct ots_slice key);
    /* To the last key at or before `key`. */
    void (*seek_back)(struct ots_cursor *cursor, struct ots_slice key);
    /* Only on a valid cursor. */
    void (*next)(struct ots_cursor *cursor);
    void (*prev)(struct ots_cursor *cursor);
    /* Whether the cursor is invalid because reading failed. Errors: OTS_IO, OTS_CORRUPT. */
    enum ots_status (*check)(struct ots_cursor *cursor, struct ots_error *err) OTS_MUST_CHECK;
    void (*free)(struct ots_cursor *cursor);
};

struct ots_cursor {
    const struct ots_cursor_ops *ops;
    bool is_valid;
    struct ots_slice key;
    struct ots_slice value;
};

/*
 * Says which keys an engine need not keep when it merges what it has written. `begin` is called as
 * a merge begins; NULL from it keeps everything. What it gave is handed to `is_dead` for each key,
 * and to `end`. Threads: any of the engine's own, at any time until the engine is freed.
 */
struct ots_engine_filter {
    void *(*begin)(void *context);
    bool (*is_dead)(const void *merge, struct ots_slice key);
    void (*end)(void *merge);
    void *context;
};

struct ots_engine_ops {
    /*
     * Append the value of `key` to `value` and set `*is_found`.
     * Errors: OTS_IO, OTS_CORRUPT, OTS_NOMEM.
     */
    enum ots_status (*get)(struct ots_engine *engine, struct ots_slice key, struct ots_buf *value,
                           bool *is_found, struct ots_error *err) OTS_MUST_CHECK;
    /* An empty batch; NULL without memory. */
    struct ots_batch *(*batch_new)(struct ots_engine *engine);
    /* Apply the batch, made by the same engine; it stays as it is. Errors: OTS_IO. */
    enum ots_status (*write)(struct ots_engine *engine, struct ots_batch *batch,
                             struct ots_error *err) OTS_MUST_CHECK;
    /*
     * A cursor over the keys from `begin` up to, but without, `end`; not valid until its first
     * move. Copies both. NULL without memory.
     */
    struct ots_cursor *(*cursor_new)(struct ots_engine *engine, struct ots_slice begin,
                                     struct ots_slice end);
    /* Use the filter, which is borrowed, from now on. Called once at most. */
    void (*set_filter)(struct ots_engine *engine, const struct ots_engine_filter *filter);
    /*
     * Merge anew, in the background, what was merged last over `age_s` seconds ago, so that the
     * filter sees all of it; from now on as well, whenever the engine looks for work. What cannot
     * be begun is left to the next call.
     */
    void (*merge_old)(struct ots_engine *engine, int32_t age_s);
    /* Close. No batch, cursor or call may be left. */
    void (*free)(struct ots_engine *engine);
};

struct ots_engine {
    const struct ots_engine_ops *ops;
};

struct ots_rocksdb_options {
    const char *directory;   /* created when absent */
    size_t cache_bytes;      /* blocks that were read; 0: 96 MiB */
    size_t memtable_bytes;   /* what was written lately, in all; 0: 96 MiB */
    unsigned background_max; /* threads that merge files; 0: 2 */
};

/*
 * Open or create a RocksDB database. Writes reach the operating system before they return.
 * Errors: OTS_EXISTS (opened already, here or by another process), OTS_IO, OTS_CORRUPT, OTS_NOMEM.
 */
enum ots_status ots_rocksdb_open(const struct ots_rocksdb_options *options, struct ots_engine **out,
                                 struct ots_error *err) OTS_MUST_CHECK;

static inline void ots_batch_freep(struct ots_batch **batch)
{
    if (*batch)
        (*batch)->ops->free(*batch);
}

static inline void ots_cursor_freep(struct ots_cursor **cursor)
{
    if (*cursor)
        (*cursor)->ops->free(*cursor);
}

#endif
