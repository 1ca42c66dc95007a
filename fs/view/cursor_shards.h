/*
 * The shards that a stream cursor knows; for stream_cursor.c only.
 */
#ifndef OTS_VIEW_CURSOR_SHARDS_H
#define OTS_VIEW_CURSOR_SHARDS_H

#include "fs/view/stream_cursor.h"

enum { OTS_CURSOR_SHARDS_MAX = 8192 };

struct ots_cursor_shard {
    struct ots_buf id;
    struct ots_buf parent;
    struct ots_buf sibling;
    struct ots_buf iterator; /* empty: not found yet, or it is ended */
    bool is_ended;
    bool is_done;   /* nobody wants what is left of it; it is ended too */
    bool is_listed; /* by the description under way or the last one */
    bool is_saved;  /* its iterator came from positions, and was not used yet */
    bool was_empty; /* in the poll under way */
};

/* Zeroed: none. */
struct ots_cursor_shards {
    struct ots_cursor_shard *items;
    size_t count;
    size_t capacity;
};

void ots_cursor_shards_deinit(struct ots_cursor_shards *shards);

/* NULL when there is none of this name; valid until the next one is added or forgotten. */
struct ots_cursor_shard *ots_cursor_shards_find(const struct ots_cursor_shards *shards,
                                                struct ots_slice id);

/* Append one that is not known yet. Errors: OTS_LIMIT (more than OTS_CURSOR_SHARDS_MAX),
 * OTS_NOMEM. */
enum ots_status ots_cursor_shards_add(struct ots_cursor_shards *shards,
                                      const struct ots_shard_position *position,
                                      struct ots_error *err) OTS_MUST_CHECK;

/* Forget those that are not listed. Errors: OTS_TRIMMED (one of them is not ended). */
enum ots_status ots_cursor_shards_forget_gone(struct ots_cursor_shards *shards,
                                              struct ots_error *err) OTS_MUST_CHECK;

void ots_cursor_shard_end(struct ots_cursor_shard *shard);
/* What descends from a shard that is done is done: all its records are later. */
void ots_cursor_shards_spread_done(struct ots_cursor_shards *shards);

/* Whether its next page may be read: its parents are ended, or not known. */
bool ots_cursor_shards_may_read(const struct ots_cursor_shards *shards,
                                const struct ots_cursor_shard *shard);
/* Whether a shard has ended and no child of it is known, or there is no shard at all. */
bool ots_cursor_shards_are_awaited(const struct ots_cursor_shards *shards);

#endif
