#include "fs/view/cursor_shards.h"

#include <stdlib.h>

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for a stream's shards");
}

static void shard_deinit(struct ots_cursor_shard *shard)
{
    ots_buf_deinit(&shard->id);
    ots_buf_deinit(&shard->parent);
    ots_buf_deinit(&shard->sibling);
    ots_buf_deinit(&shard->iterator);
}

void ots_cursor_shards_deinit(struct ots_cursor_shards *shards)
{
    for (size_t i = 0; i < shards->count; i++)
        shard_deinit(&shards->items[i]);
    free(shards->items);
    *shards = (struct ots_cursor_shards){.items = NULL};
}

/* --- which there are --------------------------------------------------------------------------*/

struct ots_cursor_shard *ots_cursor_shards_find(const struct ots_cursor_shards *shards,
                                                struct ots_slice id)
{
    for (size_t i = 0; id.size && i < shards->count; i++)
        if (ots_slice_equal(ots_buf_slice(&shards->items[i].id), id))
            return &shards->items[i];
    return NULL;
}

static bool make_room(struct ots_cursor_shards *shards)
{
    if (shards->count < shards->capacity)
        return true;
    size_t capacity = shards->capacity ? 2 * shards->capacity : 8;
    struct ots_cursor_shard *grown = reallocarray(shards->items, capacity, sizeof(*grown));
    if (!grown)
        return false;
    shards->items = grown;
    shards->capacity = capacity;
    return true;
}

static bool set_text(struct ots_buf *buf, struct ots_slice text)
{
    ots_buf_append_slice(buf, text);
    return ots_buf_status(buf) == OTS_OK;
}

enum ots_status ots_cursor_shards_add(struct ots_cursor_shards *shards,
                                      const struct ots_shard_position *position,
                                      struct ots_error *err)
{
    if (shards->count == OTS_CURSOR_SHARDS_MAX)
        return ots_error_set(err, OTS_LIMIT, "the stream has more than %d shards",
                             OTS_CURSOR_SHARDS_MAX);
    if (!make_room(shards))
        return no_memory(err);
    struct ots_slice iterator = position->is_ended ? OTS_SLICE_NONE : position->iterator;
    struct ots_cursor_shard *shard = &shards->items[shards->count];
    *shard = (struct ots_cursor_shard){.is_ended = position->is_ended, .is_saved = iterator.size};
    if (!set_text(&shard->id, position->id) || !set_text(&shard->parent, position->parent) ||
        !set_text(&shard->sibling, position->sibling) || !set_text(&shard->iterator, iterator)) {
        shard_deinit(shard);
        return no_memory(err);
    }
    shards->count++;
    return OTS_OK;
}

enum ots_status ots_cursor_shards_forget_gone(struct ots_cursor_shards *shards,
                                              struct ots_error *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < shards->count; i++)
        if (!shards->items[i].is_listed && !shards->items[i].is_ended)
            return ots_error_set(err, OTS_TRIMMED,
                                 "shard %.*s is gone, and was not read to its end",
                                 OTS_SLICE_FMT(shards->items[i].id));
    for (size_t i = 0; i < shards->count; i++)
        if (shards->items[i].is_listed)
            shards->items[kept++] = shards->items[i];
        else
            shard_deinit(&shards->items[i]);
    shards->count = kept;
    return OTS_OK;
}

/* --- parents and children ---------------------------------------------------------------------*/

static bool is_child(const struct ots_cursor_shard *shard, const struct ots_cursor_shard *parent)
{
    struct ots_slice id = ots_buf_slice(&parent->id);
    return ots_slice_equal(ots_buf_slice(&shard->parent), id) ||
           ots_slice_equal(ots_buf_slice(&shard->sibling), id);
}

void ots_cursor_shard_end(struct ots_cursor_shard *shard)
{
    shard->is_ended = true;
    ots_buf_deinit(&shard->iterator);
}

static bool is_done(const struct ots_cursor_shards *shards, const struct ots_buf *id)
{
    const struct ots_cursor_shard *shard = ots_cursor_shards_find(shards, ots_buf_slice(id));
    return shard && shard->is_done;
}

void ots_cursor_shards_spread_done(struct ots_cursor_shards *shards)
{
    bool is_news;
    do {
        is_news = false;
        for (size_t i = 0; i < shards->count; i++) {
            struct ots_cursor_shard *shard = &shards->items[i];
            if (shard->is_done ||
                (!is_done(shards, &shard->parent) && !is_done(shards, &shard->sibling)))
                continue;
            shard->is_done = true;
            ots_cursor_shard_end(shard);
            is_news = true;
        }
    } while (is_news);
}

static bool is_unfinished(const struct ots_cursor_shards *shards, const struct ots_buf *id)
{
    const struct ots_cursor_shard *shard = ots_cursor_shards_find(shards, ots_buf_slice(id));
    return shard && !shard->is_ended;
}

bool ots_cursor_shards_may_read(const struct ots_cursor_shards *shards,
                                const struct ots_cursor_shard *shard)
{
    return shard->iterator.size && !is_unfinished(shards, &shard->parent) &&
           !is_unfinished(shards, &shard->sibling);
}

bool ots_cursor_shards_are_awaited(const struct ots_cursor_shards *shards)
{
    for (size_t i = 0; i < shards->count; i++) {
        const struct ots_cursor_shard *shard = &shards->items[i];
        bool has_child = !shard->is_ended || shard->is_done;
        for (size_t j = 0; !has_child && j < shards->count; j++)
            has_child = is_child(&shards->items[j], shard);
        if (!has_child)
            return true;
    }
    return !shards->count;
}
