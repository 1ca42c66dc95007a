/*
 * A hash table of chains; all entries are also in one list, the most recently used first.
 */
#include "backend/server/series_cache.h"

#include <pthread.h>
#include <stdlib.h>

enum { BYTES_PER_BUCKET = 256, BUCKETS_MIN = 16 };

struct entry {
    struct entry *chain;
    struct entry *newer;
    struct entry *older;
    uint64_t hash;
    struct ots_series_cached cached;
    size_t key_size;
    uint8_t key[];
};

struct ots_series_cache {
    size_t bytes_max;
    size_t bucket_mask;
    struct {
        pthread_mutex_t lock;
        struct entry **buckets;
        struct entry *newest;
        struct entry *oldest;
        size_t bytes;
    } synced;
};

static uint64_t hash_bytes(struct ots_slice key)
{
    const uint64_t factor = 0x9e3779b97f4a7c15u;
    uint64_t hash = key.size * factor;
    size_t at = 0;
    for (; at + sizeof(uint64_t) <= key.size; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, key.data + at, sizeof(word));
        hash = (hash ^ word) * factor;
        hash ^= hash >> 29;
    }
    uint64_t rest = 0;
    if (at < key.size)
        memcpy(&rest, key.data + at, key.size - at);
    hash = (hash ^ rest) * factor;
    return hash ^ hash >> 32;
}

static size_t entry_bytes(const struct entry *entry)
{
    return sizeof(*entry) + entry->key_size;
}

struct ots_series_cache *ots_series_cache_new(size_t bytes_max)
{
    struct ots_series_cache *cache = calloc(1, sizeof(*cache));
    if (!cache)
        return NULL;
    size_t buckets = BUCKETS_MIN;
    while (buckets < bytes_max / BYTES_PER_BUCKET)
        buckets *= 2;
    cache->bytes_max = bytes_max;
    cache->bucket_mask = buckets - 1;
    cache->synced.buckets = calloc(buckets, sizeof(*cache->synced.buckets));
    if (!cache->synced.buckets) {
        free(cache);
        return NULL;
    }
    pthread_mutex_init(&cache->synced.lock, NULL);
    return cache;
}

void ots_series_cache_free(struct ots_series_cache *cache)
{
    if (!cache)
        return;
    for (struct entry *entry = cache->synced.newest; entry;) {
        struct entry *older = entry->older;
        free(entry);
        entry = older;
    }
    pthread_mutex_destroy(&cache->synced.lock);
    free(cache->synced.buckets);
    free(cache);
}

static struct entry **find_locked(struct ots_series_cache *cache, struct ots_slice key,
                                  uint64_t hash)
{
    struct entry **link = &cache->synced.buckets[hash & cache->bucket_mask];
    while (*link && ((*link)->hash != hash ||
                     !ots_slice_equal(ots_slice((*link)->key, (*link)->key_size), key)))
        link = &(*link)->chain;
    return link;
}

static void list_remove_locked(struct ots_series_cache *cache, struct entry *entry)
{
    *(entry->newer ? &entry->newer->older : &cache->synced.newest) = entry->older;
    *(entry->older ? &entry->older->newer : &cache->synced.oldest) = entry->newer;
}

static void list_add_locked(struct ots_series_cache *cache, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = cache->synced.newest;
    *(entry->older ? &entry->older->newer : &cache->synced.oldest) = entry;
    cache->synced.newest = entry;
}

static void forget_locked(struct ots_series_cache *cache, struct entry **link)
{
    struct entry *entry = *link;
    *link = entry->chain;
    list_remove_locked(cache, entry);
    cache->synced.bytes -= entry_bytes(entry);
    free(entry);
}

static void forget_oldest_locked(struct ots_series_cache *cache)
{
    while (cache->synced.bytes > cache->bytes_max && cache->synced.oldest != cache->synced.newest) {
        struct entry *oldest = cache->synced.oldest;
        forget_locked(cache,
                      find_locked(cache, ots_slice(oldest->key, oldest->key_size), oldest->hash));
    }
}

bool ots_series_cache_get(struct ots_series_cache *cache, struct ots_slice key,
                          struct ots_series_cached *cached)
{
    uint64_t hash = hash_bytes(key);
    pthread_mutex_lock(&cache->synced.lock);
    struct entry *entry = *find_locked(cache, key, hash);
    if (entry) {
        *cached = entry->cached;
        if (entry != cache->synced.newest) {
            list_remove_locked(cache, entry);
            list_add_locked(cache, entry);
        }
    }
    pthread_mutex_unlock(&cache->synced.lock);
    return entry != NULL;
}

static struct entry *entry_new(struct ots_slice key, uint64_t hash)
{
    struct entry *entry = calloc(1, sizeof(*entry) + key.size);
    if (!entry)
        return NULL;
    entry->hash = hash;
    entry->key_size = key.size;
    if (key.size)
        memcpy(entry->key, key.data, key.size);
    return entry;
}

void ots_series_cache_put(struct ots_series_cache *cache, struct ots_slice key,
                          const struct ots_series_cached *cached)
{
    uint64_t hash = hash_bytes(key);
    struct entry *fresh = entry_new(key, hash);
    pthread_mutex_lock(&cache->synced.lock);
    struct entry **link = find_locked(cache, key, hash);
    if (*link)
        forget_locked(cache, link);
    if (fresh) {
        fresh->cached = *cached;
        link = &cache->synced.buckets[hash & cache->bucket_mask];
        fresh->chain = *link;
        *link = fresh;
        list_add_locked(cache, fresh);
        cache->synced.bytes += entry_bytes(fresh);
        forget_oldest_locked(cache);
    }
    pthread_mutex_unlock(&cache->synced.lock);
}

size_t ots_series_cache_size(struct ots_series_cache *cache)
{
    pthread_mutex_lock(&cache->synced.lock);
    size_t bytes = cache->synced.bytes;
    pthread_mutex_unlock(&cache->synced.lock);
    return bytes;
}
