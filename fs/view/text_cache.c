/*
 * The file is used as a ring: each text is written behind the one before, from the front again
 * where the room ends, and pushes out those that lie where it comes to lie, which are the oldest.
 */
#include "fs/view/text_cache.h"

#include <stdlib.h>

#include "backend/model/limits.h"

enum { BUCKETS_MIN = 1024 };

struct ots_cached_text {
    struct ots_cached_text *next; /* in its bucket */
    struct ots_cached_text *older;
    struct ots_cached_text *newer;
    uint64_t id;
    struct ots_whole_text text; /* without bytes when it is in the file */
    uint64_t size_bytes;        /* as it counts in its queue */
    uint64_t place;
    bool is_filed;
};

void ots_text_cache_init(struct ots_text_cache *cache, uint64_t memory_bytes_max,
                         uint64_t file_bytes_max, const char *directory)
{
    *cache = (struct ots_text_cache){.memory_bytes_max = memory_bytes_max,
                                     .file_bytes_max = file_bytes_max};
    ots_spool_init(&cache->file);
    cache->file.directory = directory;
}

/* --- by number --------------------------------------------------------------------------------*/

/* Where it is linked, or would be. There are buckets. */
static struct ots_cached_text **find(const struct ots_text_cache *cache, uint64_t id)
{
    struct ots_cached_text **link = &cache->buckets[id & (cache->bucket_count - 1)];
    while (*link && (*link)->id != id)
        link = &(*link)->next;
    return link;
}

static struct ots_cached_text *text_of(const struct ots_text_cache *cache, uint64_t id)
{
    return cache->bucket_count ? *find(cache, id) : NULL;
}

static bool reserve_bucket(struct ots_text_cache *cache)
{
    if (cache->count < cache->bucket_count)
        return true;
    size_t count = cache->bucket_count ? 2 * cache->bucket_count : BUCKETS_MIN;
    struct ots_cached_text **buckets = calloc(count, sizeof(struct ots_cached_text *));
    if (!buckets)
        return false;
    for (size_t i = 0; i < cache->bucket_count; i++)
        for (struct ots_cached_text *text = cache->buckets[i], *next; text; text = next) {
            struct ots_cached_text **to = &buckets[text->id & (count - 1)];
            next = text->next;
            text->next = *to;
            *to = text;
        }
    free(cache->buckets);
    cache->buckets = buckets;
    cache->bucket_count = count;
    return true;
}

/* --- by age -----------------------------------------------------------------------------------*/

static void push(struct ots_text_queue *queue, struct ots_cached_text *text)
{
    text->older = queue->newest;
    text->newer = NULL;
    if (queue->newest)
        queue->newest->newer = text;
    else
        queue->oldest = text;
    queue->newest = text;
    text->size_bytes = text->text.extent.size_bytes + sizeof(*text);
    queue->bytes += text->size_bytes;
    queue->count++;
}

static void pull(struct ots_text_queue *queue, struct ots_cached_text *text)
{
    if (text->older)
        text->older->newer = text->newer;
    else
        queue->oldest = text->newer;
    if (text->newer)
        text->newer->older = text->older;
    else
        queue->newest = text->older;
    queue->bytes -= text->size_bytes;
    queue->count--;
}

static struct ots_text_queue *queue_of(struct ots_text_cache *cache,
                                       const struct ots_cached_text *text)
{
    return text->is_filed ? &cache->filed : &cache->memory;
}

static void forget(struct ots_text_cache *cache, struct ots_cached_text *text)
{
    struct ots_cached_text **link = find(cache, text->id);
    *link = text->next;
    cache->count--;
    pull(queue_of(cache, text), text);
    ots_whole_text_deinit(&text->text);
    free(text);
}

/* --- the file ---------------------------------------------------------------------------------*/

static bool is_hit(const struct ots_cached_text *text, uint64_t place, uint64_t size)
{
    return text->place < place + size && place < text->place + text->text.extent.size_bytes;
}

static uint64_t make_room(struct ots_text_cache *cache, uint64_t size)
{
    uint64_t place = cache->filed.oldest ? cache->next_place : 0;
    if (place + size > cache->file_bytes_max) {
        /* What lies behind is the oldest. */
        while (cache->filed.oldest && cache->filed.oldest->place >= place)
            forget(cache, cache->filed.oldest);
        place = 0;
    }
    while (cache->filed.oldest && is_hit(cache->filed.oldest, place, size))
        forget(cache, cache->filed.oldest);
    cache->next_place = place + size;
    return place;
}

/* What cannot be written is forgotten. */
static void move_to_file(struct ots_text_cache *cache, struct ots_cached_text *text)
{
    uint64_t size = text->text.bytes.size;
    enum ots_status status = size <= cache->file_bytes_max ? OTS_OK : OTS_LIMIT;
    if (status == OTS_OK)
        status = ots_spool_spill(&cache->file, NULL);
    if (status == OTS_OK) {
        text->place = make_room(cache, size);
        status = ots_spool_write(&cache->file, text->place, ots_buf_slice(&text->text.bytes), NULL);
    }
    if (status != OTS_OK) {
        forget(cache, text);
        return;
    }
    pull(&cache->memory, text);
    ots_buf_deinit(&text->text.bytes);
    text->is_filed = true;
    push(&cache->filed, text);
}

static enum ots_status load(struct ots_text_cache *cache, struct ots_cached_text *text)
{
    struct ots_buf bytes = OTS_BUF_INIT;
    enum ots_status status =
        ots_spool_read(&cache->file, text->place, text->text.extent.size_bytes, &bytes, NULL);
    if (status == OTS_OK && bytes.size != text->text.extent.size_bytes)
        status = OTS_IO;
    if (status != OTS_OK) {
        ots_buf_deinit(&bytes);
        return status;
    }
    pull(&cache->filed, text);
    text->text.bytes = bytes;
    text->is_filed = false;
    push(&cache->memory, text);
    return OTS_OK;
}

/* --- coming and going -------------------------------------------------------------------------*/

static enum ots_status add_first(struct ots_text_cache *cache, uint64_t id,
                                 struct ots_whole_text *piece)
{
    struct ots_cached_text *text = reserve_bucket(cache) ? calloc(1, sizeof(*text)) : NULL;
    if (!text)
        return OTS_NOMEM;
    struct ots_cached_text **link = find(cache, id);
    text->id = id;
    text->text = *piece;
    *piece = (struct ots_whole_text){0};
    *link = text;
    cache->count++;
    push(&cache->memory, text);
    return OTS_OK;
}

static enum ots_status add_more(struct ots_text_cache *cache, struct ots_cached_text *text,
                                const struct ots_whole_text *piece)
{
    enum ots_status status = text->is_filed ? load(cache, text) : OTS_OK;
    pull(queue_of(cache, text), text);
    if (status == OTS_OK)
        status = ots_whole_text_join(&text->text, piece);
    push(queue_of(cache, text), text);
    if (status != OTS_OK || text->text.is_broken || text->text.extent.row_count > OTS_PAGE_ROWS_MAX)
        forget(cache, text);
    return status == OTS_NOMEM ? OTS_NOMEM : OTS_OK;
}

enum ots_status ots_text_cache_add(struct ots_text_cache *cache, uint64_t id,
                                   struct ots_whole_text *piece)
{
    struct ots_cached_text *text = text_of(cache, id);
    enum ots_status status = OTS_OK;
    if (text)
        status = add_more(cache, text, piece);
    else if (!piece->is_broken)
        status = add_first(cache, id, piece);
    ots_whole_text_deinit(piece);
    while (cache->memory.bytes > cache->memory_bytes_max)
        move_to_file(cache, cache->memory.oldest);
    while (cache->filed.count * sizeof(struct ots_cached_text) > cache->memory_bytes_max)
        forget(cache, cache->filed.oldest);
    return status;
}

uint64_t ots_text_cache_rows(const struct ots_text_cache *cache, uint64_t id)
{
    const struct ots_cached_text *text = text_of(cache, id);
    return text ? text->text.extent.row_count : 0;
}

bool ots_text_cache_is_in_memory(const struct ots_text_cache *cache, uint64_t id)
{
    const struct ots_cached_text *text = text_of(cache, id);
    return text && !text->is_filed;
}

bool ots_text_cache_take(struct ots_text_cache *cache, uint64_t id, struct ots_whole_text *text)
{
    struct ots_cached_text *cached = text_of(cache, id);
    if (!cached)
        return false;
    bool is_there = !cached->is_filed || load(cache, cached) == OTS_OK;
    if (is_there) {
        *text = cached->text;
        cached->text = (struct ots_whole_text){0};
    }
    forget(cache, cached);
    return is_there;
}

uint64_t ots_text_cache_bytes(const struct ots_text_cache *cache)
{
    return cache->memory.bytes + cache->filed.bytes;
}

void ots_text_cache_deinit(struct ots_text_cache *cache)
{
    while (cache->memory.oldest)
        forget(cache, cache->memory.oldest);
    while (cache->filed.oldest)
        forget(cache, cache->filed.oldest);
    free(cache->buckets);
    ots_spool_deinit(&cache->file);
    *cache = (struct ots_text_cache){0};
    ots_spool_init(&cache->file);
}
