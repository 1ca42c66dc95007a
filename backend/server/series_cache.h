/*
 * What is remembered of timelines that were put to lately, so that a put of a known timeline reads
 * nothing: the least recently used are forgotten first.
 *
 * Threads: safe.
 */
#ifndef OTS_SERVER_SERIES_CACHE_H
#define OTS_SERVER_SERIES_CACHE_H

#include "backend/base/slice.h"
#include "backend/base/status.h"

struct ots_series_cache;

struct ots_series_cached {
    uint64_t timeline;
    /* The update time of the metadata record; 0: there is none. */
    int64_t meta_update_us;
};

/* `bytes_max`: of memory for entries, at least one fits always. NULL without memory. */
struct ots_series_cache *ots_series_cache_new(size_t bytes_max);
/* Accepts NULL. */
void ots_series_cache_free(struct ots_series_cache *cache);

/* Whether `key` is remembered; fills `cached`. */
bool ots_series_cache_get(struct ots_series_cache *cache, struct ots_slice key,
                          struct ots_series_cached *cached);

/* Remember, or change what is remembered. Without memory the key is forgotten instead. */
void ots_series_cache_put(struct ots_series_cache *cache, struct ots_slice key,
                          const struct ots_series_cached *cached);

/* Bytes that the entries take. */
size_t ots_series_cache_size(struct ots_series_cache *cache);

#endif
