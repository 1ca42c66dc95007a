/*
 * Texts of timelines that were read before somebody opens them: in memory, and while that is full,
 * in an unlinked file.
 *
 * They come in the pages that were read, in which a timeline has a part; a text may have parts in
 * several pages. Who takes a text has it, and it is not here any more. Threads: one at a time.
 */
#ifndef OTS_VIEW_TEXT_CACHE_H
#define OTS_VIEW_TEXT_CACHE_H

#include "fs/view/spool.h"
#include "fs/view/text_page.h"

/* Longer texts are not kept: who takes one has it in memory. */
enum { OTS_TEXT_BYTES_MAX = 16 * 1024 * 1024 };

struct ots_cached_text;
struct ots_text_block;

/* Somebody who brings texts; the caller's, who may change the limits. Else cleared before. */
struct ots_text_feed {
    uint64_t memory_bytes_max; /* with more of all texts there, its pages go to the file */
    bool is_modest;            /* nothing is forgotten to make room for it */
    uint64_t bytes;            /* of its texts that are there */
    size_t count;
};

/* Pages by their age. */
struct ots_text_queue {
    struct ots_text_block *oldest;
    struct ots_text_block *newest;
    uint64_t bytes;
};

struct ots_text_cache {
    uint64_t file_bytes_max;     /* 0: no file */
    uint64_t overhead_bytes_max; /* of what tells which text is where; modest feeds have a third */
    uint64_t overhead_bytes;
    struct ots_cached_text **buckets;
    size_t bucket_count; /* a power of two */
    size_t count;
    struct ots_text_queue memory;
    struct ots_text_queue filed; /* in the order of their places, which go round */
    struct ots_spool file;
    uint64_t next_place;
    uint64_t last_number;
};

/* `directory` of the file: NULL for that of fs/view/spool.h; borrowed. */
void ots_text_cache_init(struct ots_text_cache *cache, uint64_t overhead_bytes_max,
                         uint64_t file_bytes_max, const char *directory);
void ots_text_cache_deinit(struct ots_text_cache *cache);

/*
 * A page's parts, each behind those of its text that came before. A text that another feed brought
 * gives way to the new one. Not kept are those that are broken or longer than OTS_TEXT_BYTES_MAX.
 * Without room the oldest pages go; a modest feed's page is not added then: OTS_LIMIT. Errors:
 * OTS_NOMEM: texts of the feed may lack parts.
 */
enum ots_status ots_text_cache_add(struct ots_text_cache *cache, struct ots_text_feed *feed,
                                   const struct ots_text_page *page) OTS_MUST_CHECK;

/* What there is of a text adds up to that; NULL: nothing is there. Borrowed until the next call. */
const struct ots_extent *ots_text_cache_find(const struct ots_text_cache *cache, uint64_t id);

/* Whether handing it over reads no file. */
bool ots_text_cache_is_in_memory(const struct ots_text_cache *cache, uint64_t id);

/* Hand it over; false when it is not there. `text` is empty before. `*feed` brought it. */
bool ots_text_cache_take(struct ots_text_cache *cache, uint64_t id, struct ots_whole_text *text,
                         struct ots_text_feed **feed);

/* Of its texts that are there, and of what tells where they are. */
uint64_t ots_text_feed_bytes(const struct ots_text_feed *feed);

/* Forget all that the feed brought. */
void ots_text_cache_drop(struct ots_text_cache *cache, const struct ots_text_feed *feed);

/* Give memory and disk back that nothing is in. */
void ots_text_cache_trim(struct ots_text_cache *cache);

#endif
