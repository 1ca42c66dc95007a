/*
 * A page stays in one piece, a block, until none of its parts is wanted any more: taken, forgotten,
 * or of no use from the start. It stays where it was put, too: in memory, or, while that is full,
 * in the file.
 *
 * The file is used as a ring: each block is written behind the one before, from the front again
 * where the room ends, and pushes out those that lie where it comes to lie, which are the oldest.
 *
 * A text of no use (rows in no order, too long) stays as an entry without parts, so that parts that
 * come later do not begin it anew.
 */
#include "fs/view/text_cache.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS_MIN = 1024, MODEST_SHARE = 3 };

/* A part of a text, by its place in its block; no block: none. */
struct place {
    struct ots_text_block *block;
    uint32_t index;
};

struct part {
    struct ots_cached_text *text; /* NULL: nobody wants it */
    struct place next;            /* of the same text */
    uint32_t offset;
    uint32_t size;
};

struct ots_text_block {
    struct ots_text_block *older;
    struct ots_text_block *newer;
    uint8_t *bytes; /* NULL: it is in the file */
    uint32_t size;
    uint32_t part_count;
    uint64_t number; /* the later the page came the higher */
    uint64_t place;  /* in the file */
    size_t users;    /* parts that are wanted, and who works with it */
    struct part parts[];
};

struct ots_cached_text {
    struct ots_cached_text *next; /* in its bucket */
    struct ots_text_feed *feed;
    uint64_t id;
    struct ots_extent extent;
    struct place first;
    struct place last;
    bool is_useless;
};

void ots_text_cache_init(struct ots_text_cache *cache, uint64_t overhead_bytes_max,
                         uint64_t file_bytes_max, const char *directory)
{
    *cache = (struct ots_text_cache){.overhead_bytes_max = overhead_bytes_max,
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

/* --- blocks -----------------------------------------------------------------------------------*/

static void push(struct ots_text_queue *queue, struct ots_text_block *block)
{
    block->older = queue->newest;
    block->newer = NULL;
    if (queue->newest)
        queue->newest->newer = block;
    else
        queue->oldest = block;
    queue->newest = block;
    queue->bytes += block->size;
}

static void pull(struct ots_text_queue *queue, struct ots_text_block *block)
{
    if (block->older)
        block->older->newer = block->newer;
    else
        queue->oldest = block->newer;
    if (block->newer)
        block->newer->older = block->older;
    else
        queue->newest = block->older;
    queue->bytes -= block->size;
}

static uint64_t overhead_of(const struct ots_text_block *block)
{
    return sizeof(*block) + block->part_count * sizeof(struct part);
}

static void release(struct ots_text_cache *cache, struct ots_text_block *block)
{
    if (--block->users)
        return;
    pull(block->bytes ? &cache->memory : &cache->filed, block);
    cache->overhead_bytes -= overhead_of(block);
    free(block->bytes);
    free(block);
}

static struct part *part_at(struct place place)
{
    return &place.block->parts[place.index];
}

/* The text has no bytes any more. */
static void release_parts(struct ots_text_cache *cache, struct ots_cached_text *text)
{
    struct place place = text->first;
    text->feed->bytes -= text->extent.size_bytes;
    text->extent = (struct ots_extent){0};
    text->first = text->last = (struct place){0};
    while (place.block) {
        struct part *part = part_at(place);
        const struct place next = part->next;
        part->text = NULL;
        release(cache, place.block);
        place = next;
    }
}

static void forget(struct ots_text_cache *cache, struct ots_cached_text *text)
{
    struct ots_cached_text **link = find(cache, text->id);
    *link = text->next;
    cache->count--;
    cache->overhead_bytes -= sizeof(*text);
    release_parts(cache, text);
    text->feed->count--;
    free(text);
}

/* With all texts that have a part in it. */
static void forget_block(struct ots_text_cache *cache, struct ots_text_block *block)
{
    block->users++;
    for (size_t i = 0; i < block->part_count; i++)
        if (block->parts[i].text)
            forget(cache, block->parts[i].text);
    release(cache, block);
}

/* --- the file ---------------------------------------------------------------------------------*/

static bool is_hit(const struct ots_text_block *block, uint64_t place, uint64_t size)
{
    return block->place < place + size && place < block->place + block->size;
}

/* False when somebody else would have to go, and may not. */
static bool make_room(struct ots_text_cache *cache, uint64_t size, bool is_modest, uint64_t *place)
{
    const struct ots_text_queue *filed = &cache->filed;
    *place = filed->oldest ? cache->next_place : 0;
    bool is_round = *place + size > cache->file_bytes_max;
    /* What lies behind is the oldest. */
    while (filed->oldest && is_round && filed->oldest->place >= *place) {
        if (is_modest)
            return false;
        forget_block(cache, filed->oldest);
    }
    if (is_round)
        *place = 0;
    while (filed->oldest && is_hit(filed->oldest, *place, size)) {
        if (is_modest)
            return false;
        forget_block(cache, filed->oldest);
    }
    return true;
}

static enum ots_status write_to_file(struct ots_text_cache *cache, struct ots_text_block *block,
                                     struct ots_slice bytes, bool is_modest)
{
    if (bytes.size > cache->file_bytes_max)
        return OTS_LIMIT;
    enum ots_status status = ots_spool_spill(&cache->file, NULL);
    if (status == OTS_OK && !make_room(cache, bytes.size, is_modest, &block->place))
        status = OTS_LIMIT;
    if (status == OTS_OK)
        status = ots_spool_write(&cache->file, block->place, bytes, NULL);
    if (status != OTS_OK)
        return status;
    cache->next_place = block->place + bytes.size;
    push(&cache->filed, block);
    return OTS_OK;
}

/* --- coming -----------------------------------------------------------------------------------*/

static void forget_useless(struct ots_text_cache *cache)
{
    for (size_t i = 0; i < cache->bucket_count; i++)
        for (struct ots_cached_text *text = cache->buckets[i], *next; text; text = next) {
            next = text->next;
            if (text->is_useless)
                forget(cache, text);
        }
}

/* Room for what tells where `count` more parts are; false when others would have to go for it. */
static bool make_overhead_room(struct ots_text_cache *cache, size_t count, bool is_modest)
{
    const uint64_t more = sizeof(struct ots_text_block) +
                          count * (sizeof(struct part) + sizeof(struct ots_cached_text));
    const uint64_t max = cache->overhead_bytes_max / (is_modest ? MODEST_SHARE : 1);
    if (cache->overhead_bytes + more <= max)
        return true;
    if (is_modest)
        return false;
    forget_useless(cache);
    while (cache->overhead_bytes + more > max && cache->count)
        forget_block(cache, cache->filed.oldest ? cache->filed.oldest : cache->memory.oldest);
    return true;
}

static enum ots_status keep_in_memory(struct ots_text_cache *cache, struct ots_text_block *block,
                                      struct ots_slice bytes)
{
    block->bytes = malloc(bytes.size);
    if (!block->bytes)
        return OTS_NOMEM;
    memcpy(block->bytes, bytes.data, bytes.size);
    push(&cache->memory, block);
    return OTS_OK;
}

/* The oldest page of all is in memory, or nothing is in the file. */
static bool is_oldest_in_memory(const struct ots_text_cache *cache)
{
    const struct ots_text_block *memory = cache->memory.oldest;
    const struct ots_text_block *filed = cache->filed.oldest;
    return memory && (!filed || memory->number < filed->number);
}

/* Where there is room, or the oldest go. Errors: OTS_LIMIT, OTS_NOMEM. */
static enum ots_status keep_bytes(struct ots_text_cache *cache, const struct ots_text_feed *feed,
                                  struct ots_text_block *block, struct ots_slice bytes)
{
    const uint64_t max = feed->memory_bytes_max;
    const struct ots_text_queue *memory = &cache->memory;
    if (memory->bytes + bytes.size <= max)
        return keep_in_memory(cache, block, bytes);
    enum ots_status status = write_to_file(cache, block, bytes, true);
    if (status == OTS_OK || feed->is_modest)
        return status == OTS_OK ? OTS_OK : OTS_LIMIT;
    while (is_oldest_in_memory(cache) && memory->bytes + bytes.size > max)
        forget_block(cache, memory->oldest);
    if (memory->bytes + bytes.size <= max)
        return keep_in_memory(cache, block, bytes);
    return write_to_file(cache, block, bytes, false) == OTS_OK ? OTS_OK : OTS_LIMIT;
}

/* Used by the caller. */
static enum ots_status block_new(struct ots_text_cache *cache, const struct ots_text_feed *feed,
                                 const struct ots_text_page *page, struct ots_text_block **out)
{
    const struct ots_slice bytes = ots_buf_slice(&page->text.bytes);
    size_t count;
    (void)ots_text_page_parts(page, &count);
    /* Places in a block are numbers of 32 bits. */
    if (bytes.size > UINT32_MAX || !make_overhead_room(cache, count, feed->is_modest))
        return OTS_LIMIT;
    struct ots_text_block *block = calloc(1, sizeof(*block) + count * sizeof(struct part));
    if (!block)
        return OTS_NOMEM;
    block->size = (uint32_t)bytes.size;
    block->part_count = (uint32_t)count;
    block->number = ++cache->last_number;
    block->users = 1;
    enum ots_status status = keep_bytes(cache, feed, block, bytes);
    if (status != OTS_OK) {
        free(block);
        return status;
    }
    cache->overhead_bytes += overhead_of(block);
    *out = block;
    return OTS_OK;
}

static struct ots_cached_text *text_new(struct ots_text_cache *cache, struct ots_text_feed *feed,
                                        uint64_t id)
{
    struct ots_cached_text *text = reserve_bucket(cache) ? calloc(1, sizeof(*text)) : NULL;
    if (!text)
        return NULL;
    text->feed = feed;
    text->id = id;
    *find(cache, id) = text;
    cache->count++;
    cache->overhead_bytes += sizeof(*text);
    feed->count++;
    return text;
}

/* Whether the part is of use, and comes behind what is there. */
static bool is_next(const struct ots_cached_text *text, const struct ots_text_part *part)
{
    const struct ots_extent *extent = &text->extent;
    return !text->is_useless && !part->is_broken &&
           extent->size_bytes + part->extent.size_bytes <= OTS_TEXT_BYTES_MAX &&
           (!extent->row_count || part->extent.first_time_us > extent->last_time_us);
}

static void link_part(struct ots_cached_text *text, struct place place,
                      const struct ots_text_part *part)
{
    if (text->last.block)
        part_at(text->last)->next = place;
    else
        text->first = place;
    text->last = place;
    part_at(place)->text = text;
    place.block->users++;
    ots_extent_join(&text->extent, &part->extent);
    text->feed->bytes += part->extent.size_bytes;
}

static enum ots_status add_part(struct ots_text_cache *cache, struct ots_text_feed *feed,
                                struct place place, const struct ots_text_part *part)
{
    struct ots_cached_text *text = text_of(cache, part->id);
    if (text && text->feed != feed) {
        forget(cache, text);
        text = NULL;
    }
    if (!text)
        text = text_new(cache, feed, part->id);
    if (!text)
        return OTS_NOMEM;
    if (is_next(text, part)) {
        link_part(text, place, part);
    } else if (!text->is_useless) {
        release_parts(cache, text);
        text->is_useless = true;
    }
    return OTS_OK;
}

/* All parts of a page, whose bytes the block has. */
static enum ots_status add_parts(struct ots_text_cache *cache, struct ots_text_feed *feed,
                                 const struct ots_text_page *page, struct ots_text_block *block)
{
    size_t count;
    const struct ots_text_part *parts = ots_text_page_parts(page, &count);
    enum ots_status status = OTS_OK;
    uint32_t offset = 0;
    for (size_t i = 0; status == OTS_OK && i < count; i++) {
        block->parts[i].offset = offset;
        block->parts[i].size = (uint32_t)parts[i].extent.size_bytes;
        status = add_part(cache, feed, (struct place){block, (uint32_t)i}, &parts[i]);
        offset += block->parts[i].size;
    }
    return status;
}

enum ots_status ots_text_cache_add(struct ots_text_cache *cache, struct ots_text_feed *feed,
                                   const struct ots_text_page *page)
{
    struct ots_text_block *block;
    if (!page->parts.size)
        return OTS_OK;
    enum ots_status status = block_new(cache, feed, page, &block);
    if (status != OTS_OK)
        return status == OTS_LIMIT && !feed->is_modest ? OTS_OK : status;
    status = add_parts(cache, feed, page, block);
    release(cache, block);
    return status;
}

/* --- going ------------------------------------------------------------------------------------*/

const struct ots_extent *ots_text_cache_find(const struct ots_text_cache *cache, uint64_t id)
{
    const struct ots_cached_text *text = text_of(cache, id);
    return text && !text->is_useless ? &text->extent : NULL;
}

bool ots_text_cache_is_in_memory(const struct ots_text_cache *cache, uint64_t id)
{
    const struct ots_cached_text *text = text_of(cache, id);
    if (!text || text->is_useless)
        return false;
    for (struct place place = text->first; place.block; place = part_at(place)->next)
        if (!place.block->bytes)
            return false;
    return true;
}

static enum ots_status append_part(const struct ots_text_cache *cache, struct place place,
                                   struct ots_buf *bytes)
{
    const struct part *part = part_at(place);
    const struct ots_text_block *block = place.block;
    if (!block->bytes)
        return ots_spool_read(&cache->file, block->place + part->offset, part->size, bytes, NULL);
    ots_buf_append(bytes, block->bytes + part->offset, part->size);
    return ots_buf_status(bytes);
}

bool ots_text_cache_take(struct ots_text_cache *cache, uint64_t id, struct ots_whole_text *text,
                         struct ots_text_feed **feed)
{
    struct ots_cached_text *cached = text_of(cache, id);
    if (!cached || cached->is_useless)
        return false;
    *feed = cached->feed;
    text->extent = cached->extent;
    /* In one step. */
    (void)ots_buf_reserve(&text->bytes, (size_t)cached->extent.size_bytes);
    enum ots_status status = ots_buf_status(&text->bytes);
    for (struct place place = cached->first; status == OTS_OK && place.block;
         place = part_at(place)->next)
        status = append_part(cache, place, &text->bytes);
    forget(cache, cached);
    if (status == OTS_OK && text->bytes.size == text->extent.size_bytes)
        return true;
    ots_whole_text_deinit(text);
    return false;
}

uint64_t ots_text_feed_bytes(const struct ots_text_feed *feed)
{
    return feed->bytes + feed->count * (sizeof(struct ots_cached_text) + sizeof(struct part));
}

void ots_text_cache_drop(struct ots_text_cache *cache, const struct ots_text_feed *feed)
{
    for (size_t i = 0; i < cache->bucket_count && feed->count; i++)
        for (struct ots_cached_text *text = cache->buckets[i], *next; text; text = next) {
            next = text->next;
            if (text->feed == feed)
                forget(cache, text);
        }
}

void ots_text_cache_trim(struct ots_text_cache *cache)
{
    const char *directory = cache->file.directory;
    if (!cache->filed.oldest) {
        ots_spool_deinit(&cache->file);
        cache->file.directory = directory;
    }
    if (!cache->count) {
        free(cache->buckets);
        cache->buckets = NULL;
        cache->bucket_count = 0;
    }
}

void ots_text_cache_deinit(struct ots_text_cache *cache)
{
    for (size_t i = 0; i < cache->bucket_count; i++)
        while (cache->buckets[i])
            forget(cache, cache->buckets[i]);
    ots_text_cache_trim(cache);
}
