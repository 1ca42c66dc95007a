/*
 * Texts of timelines that were fetched before somebody opens them: in memory, and when that is
 * full, the oldest ones in an unlinked file.
 *
 * A text may come in pieces. Who takes it has it, and it is not here any more; what nobody takes
 * goes when there is no room, the oldest first. Threads: one at a time.
 */
#ifndef OTS_VIEW_TEXT_CACHE_H
#define OTS_VIEW_TEXT_CACHE_H

#include "fs/view/spool.h"
#include "fs/view/whole_text.h"

struct ots_cached_text;

/* Texts by their age. */
struct ots_text_queue {
    struct ots_cached_text *oldest;
    struct ots_cached_text *newest;
    uint64_t bytes;
    size_t count;
};

struct ots_text_cache {
    uint64_t memory_bytes_max; /* of texts; as much again for what tells where in the file one is */
    uint64_t file_bytes_max;   /* 0: no file */
    struct ots_cached_text **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
    struct ots_text_queue memory;
    struct ots_text_queue filed; /* in the order of their places, which go round */
    struct ots_spool file;
    uint64_t next_place;
};

/* `directory` of the file: NULL for that of fs/view/spool.h; borrowed. */
void ots_text_cache_init(struct ots_text_cache *cache, uint64_t memory_bytes_max,
                         uint64_t file_bytes_max, const char *directory);
void ots_text_cache_deinit(struct ots_text_cache *cache);

/*
 * A piece of the text `id`, behind those that came before; its bytes are taken. Texts of more than
 * a page of rows are not kept. Errors: OTS_NOMEM.
 */
enum ots_status ots_text_cache_add(struct ots_text_cache *cache, uint64_t id,
                                   struct ots_whole_text *piece) OTS_MUST_CHECK;

/* How many rows of it there are; 0: none. */
uint64_t ots_text_cache_rows(const struct ots_text_cache *cache, uint64_t id);

/* Whether handing it over reads no file. */
bool ots_text_cache_is_in_memory(const struct ots_text_cache *cache, uint64_t id);

/* Hand it over; false when it is not there. `text` is empty before. */
bool ots_text_cache_take(struct ots_text_cache *cache, uint64_t id, struct ots_whole_text *text);

/* Of all texts. */
uint64_t ots_text_cache_bytes(const struct ots_text_cache *cache);

#endif
