/*
 * Memory that is given out piece by piece and freed in one go.
 *
 * Threads: one arena, one thread at a time.
 */
#ifndef OTS_BASE_ARENA_H
#define OTS_BASE_ARENA_H

#include "backend/base/buf.h"

struct ots_arena_block;
struct ots_arena_adopted;

struct ots_arena {
    struct ots_arena_block *blocks;
    struct ots_arena_adopted *adopted;
    uint8_t *next;
    size_t left;
    size_t used_bytes;
};

#define OTS_ARENA_INIT ((struct ots_arena){NULL, NULL, NULL, 0, 0})

/* Free everything; `arena` is empty and usable again. */
void ots_arena_deinit(struct ots_arena *arena);

/* Forget everything, keeping one block for what comes next. */
void ots_arena_reset(struct ots_arena *arena);

/* `size` bytes aligned for any type, not cleared; NULL without memory. */
void *ots_arena_alloc(struct ots_arena *arena, size_t size);

/* `count` elements of `size` bytes, cleared; NULL without memory or when the product overflows. */
void *ots_arena_array(struct ots_arena *arena, size_t count, size_t size);

/* A copy of `slice` in the arena. An empty slice needs no memory and cannot fail. */
enum ots_status ots_arena_copy(struct ots_arena *arena, struct ots_slice slice,
                               struct ots_slice *copy) OTS_MUST_CHECK;

/*
 * Let the arena own the buffer's memory, where it lies, and empty the buffer. Errors: OTS_NOMEM;
 * the buffer is then unchanged.
 */
enum ots_status ots_arena_adopt(struct ots_arena *arena, struct ots_buf *buf) OTS_MUST_CHECK;

/* A NUL-terminated copy; NULL without memory. */
char *ots_arena_strdup(struct ots_arena *arena, struct ots_slice text);

#endif
