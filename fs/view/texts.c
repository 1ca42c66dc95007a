/*
 * A keeper, one thread, forgets what nobody wants: it sleeps while there is no feed, and else until
 * the first of those that have ended may be due.
 *
 * When a scan that measures has no room, feeds that have ended and are idle make it first.
 */
#include "fs/view/texts.h"

#include <assert.h>
#include <stdlib.h>

#include "backend/base/clock.h"
#include "backend/base/cond.h"
#include "fs/view/share.h"
#include "fs/view/text_cache.h"

enum {
    IDLE_US = 30 * 1000000,
    /* Since then nobody took anything: whoever did has other things to do. */
    PAUSE_US = 1000000,
    AT_HAND_BYTES_MAX = 1024 * 1024,
};

struct feed {
    struct ots_text_feed texts; /* the first, so that it tells which feed this is */
    struct feed *next;
    uint64_t number;
    int64_t used_us;
    bool has_ended;
};

struct ots_texts {
    int64_t idle_us;
    bool keeps_measured;
    pthread_t keeper;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t wake; /* of the keeper */
        struct ots_text_cache cache;
        struct feed *feeds;
        uint64_t last_number;
        bool is_ending;
    } synced;
};

static int64_t now_us(void)
{
    return ots_clock_monotonic_us(&ots_clock_system);
}

static struct feed *feed_locked(const struct ots_texts *texts, uint64_t number)
{
    struct feed *feed = texts->synced.feeds;
    while (feed && feed->number != number)
        feed = feed->next;
    return feed;
}

static void forget_locked(struct ots_texts *texts, struct feed *feed)
{
    struct feed **link = &texts->synced.feeds;
    ots_text_cache_drop(&texts->synced.cache, &feed->texts);
    assert(!feed->texts.count && !feed->texts.bytes);
    while (*link != feed)
        link = &(*link)->next;
    *link = feed->next;
    free(feed);
}

/* Forget those that have ended and were not used for so long. Returns whether there was one. */
static bool forget_idle_locked(struct ots_texts *texts, int64_t idle_us)
{
    int64_t now = now_us();
    bool was_any = false;
    for (struct feed *feed = texts->synced.feeds, *next; feed; feed = next) {
        next = feed->next;
        if (!feed->has_ended || now - feed->used_us < idle_us)
            continue;
        was_any = was_any || feed->texts.count;
        forget_locked(texts, feed);
    }
    return was_any;
}

/* --- the keeper -------------------------------------------------------------------------------*/

/* INT64_MAX: none will be. */
static int64_t first_due_us_locked(const struct ots_texts *texts)
{
    int64_t due_us = INT64_MAX;
    for (const struct feed *feed = texts->synced.feeds; feed; feed = feed->next)
        if (feed->has_ended && feed->used_us + texts->idle_us < due_us)
            due_us = feed->used_us + texts->idle_us;
    return due_us;
}

static void *keep(void *argument)
{
    struct ots_texts *texts = argument;
    pthread_mutex_lock(&texts->synced.lock);
    while (!texts->synced.is_ending) {
        forget_idle_locked(texts, texts->idle_us);
        if (!texts->synced.feeds)
            ots_text_cache_trim(&texts->synced.cache);
        int64_t due_us = first_due_us_locked(texts);
        if (due_us == INT64_MAX)
            pthread_cond_wait(&texts->synced.wake, &texts->synced.lock);
        else
            ots_cond_wait_until(&texts->synced.wake, &texts->synced.lock, due_us);
    }
    pthread_mutex_unlock(&texts->synced.lock);
    return NULL;
}

/* --- its life ---------------------------------------------------------------------------------*/

struct ots_texts *ots_texts_new(const struct ots_texts_options *options)
{
    struct ots_texts *texts = calloc(1, sizeof(*texts));
    if (!texts)
        return NULL;
    texts->idle_us = options->idle_us ? options->idle_us : IDLE_US;
    texts->keeps_measured = options->file_bytes_max;
    pthread_mutex_init(&texts->synced.lock, NULL);
    ots_cond_init(&texts->synced.wake);
    ots_text_cache_init(&texts->synced.cache, OTS_TEXTS_OVERHEAD_BYTES, options->file_bytes_max,
                        options->directory);
    if (pthread_create(&texts->keeper, NULL, keep, texts) == 0)
        return texts;
    pthread_cond_destroy(&texts->synced.wake);
    pthread_mutex_destroy(&texts->synced.lock);
    free(texts);
    return NULL;
}

void ots_texts_free(struct ots_texts *texts)
{
    if (!texts)
        return;
    pthread_mutex_lock(&texts->synced.lock);
    texts->synced.is_ending = true;
    pthread_cond_signal(&texts->synced.wake);
    pthread_mutex_unlock(&texts->synced.lock);
    pthread_join(texts->keeper, NULL);
    while (texts->synced.feeds)
        forget_locked(texts, texts->synced.feeds);
    ots_text_cache_deinit(&texts->synced.cache);
    pthread_cond_destroy(&texts->synced.wake);
    pthread_mutex_destroy(&texts->synced.lock);
    free(texts);
}

/* --- feeds ------------------------------------------------------------------------------------*/

uint64_t ots_text_id(uint64_t extract_ino, struct ots_slice measurement_name,
                     struct ots_slice timeline_name)
{
    /* Odd, so that no two extracts have the same. */
    const uint64_t spread = UINT64_C(0x9E3779B97F4A7C15);
    return ots_share_hash(measurement_name, timeline_name) + extract_ino * spread;
}

uint64_t ots_texts_begin(struct ots_texts *texts, enum ots_texts_kind kind)
{
    bool is_wanted = kind != OTS_TEXTS_MEASURED || texts->keeps_measured;
    struct feed *feed = is_wanted ? calloc(1, sizeof(*feed)) : NULL;
    if (!feed)
        return 0;
    feed->texts.is_modest = kind == OTS_TEXTS_MEASURED;
    feed->texts.memory_bytes_max =
        feed->texts.is_modest ? OTS_TEXTS_MEASURED_MEMORY_BYTES : OTS_TEXTS_MEMORY_BYTES;
    pthread_mutex_lock(&texts->synced.lock);
    uint64_t number = feed->number = ++texts->synced.last_number;
    feed->used_us = now_us();
    feed->next = texts->synced.feeds;
    texts->synced.feeds = feed;
    pthread_mutex_unlock(&texts->synced.lock);
    return number;
}

static enum ots_status add_locked(struct ots_texts *texts, struct feed *feed,
                                  const struct ots_text_page *page)
{
    struct ots_text_cache *cache = &texts->synced.cache;
    enum ots_status status = ots_text_cache_add(cache, &feed->texts, page);
    feed->used_us = now_us();
    if (status == OTS_LIMIT && forget_idle_locked(texts, PAUSE_US))
        status = ots_text_cache_add(cache, &feed->texts, page);
    return status;
}

bool ots_texts_add(struct ots_texts *texts, uint64_t number, const struct ots_text_page *page)
{
    pthread_mutex_lock(&texts->synced.lock);
    struct feed *feed = feed_locked(texts, number);
    bool is_kept = feed && add_locked(texts, feed, page) == OTS_OK;
    if (feed && !is_kept)
        forget_locked(texts, feed);
    pthread_mutex_unlock(&texts->synced.lock);
    return is_kept;
}

uint64_t ots_texts_bytes(struct ots_texts *texts, uint64_t number)
{
    pthread_mutex_lock(&texts->synced.lock);
    const struct feed *feed = feed_locked(texts, number);
    uint64_t bytes = feed ? ots_text_feed_bytes(&feed->texts) : 0;
    pthread_mutex_unlock(&texts->synced.lock);
    return bytes;
}

void ots_texts_end(struct ots_texts *texts, uint64_t number)
{
    pthread_mutex_lock(&texts->synced.lock);
    struct feed *feed = feed_locked(texts, number);
    if (feed) {
        feed->has_ended = true;
        feed->used_us = now_us();
        pthread_cond_signal(&texts->synced.wake);
    }
    pthread_mutex_unlock(&texts->synced.lock);
}

void ots_texts_drop(struct ots_texts *texts, uint64_t number)
{
    pthread_mutex_lock(&texts->synced.lock);
    struct feed *feed = feed_locked(texts, number);
    if (feed)
        forget_locked(texts, feed);
    pthread_cond_signal(&texts->synced.wake);
    pthread_mutex_unlock(&texts->synced.lock);
}

/* --- texts ------------------------------------------------------------------------------------*/

uint64_t ots_texts_rows(struct ots_texts *texts, uint64_t id)
{
    pthread_mutex_lock(&texts->synced.lock);
    const struct ots_extent *extent = ots_text_cache_find(&texts->synced.cache, id);
    uint64_t rows = extent ? extent->row_count : 0;
    pthread_mutex_unlock(&texts->synced.lock);
    return rows;
}

static bool has_locked(const struct ots_texts *texts, uint64_t id, const struct ots_extent *known)
{
    const struct ots_extent *extent = ots_text_cache_find(&texts->synced.cache, id);
    return extent && known->row_count && ots_extent_is_same(extent, known);
}

bool ots_texts_has(struct ots_texts *texts, uint64_t id, const struct ots_extent *known,
                   bool is_at_hand)
{
    pthread_mutex_lock(&texts->synced.lock);
    bool has_text = has_locked(texts, id, known) &&
                    (!is_at_hand || (known->size_bytes <= AT_HAND_BYTES_MAX &&
                                     ots_text_cache_is_in_memory(&texts->synced.cache, id)));
    pthread_mutex_unlock(&texts->synced.lock);
    return has_text;
}

bool ots_texts_take(struct ots_texts *texts, uint64_t id, const struct ots_extent *known,
                    struct ots_whole_text *text)
{
    struct ots_text_feed *taken;
    pthread_mutex_lock(&texts->synced.lock);
    bool has_text =
        has_locked(texts, id, known) && ots_text_cache_take(&texts->synced.cache, id, text, &taken);
    if (has_text)
        ((struct feed *)(void *)taken)->used_us = now_us();
    pthread_mutex_unlock(&texts->synced.lock);
    return has_text;
}
