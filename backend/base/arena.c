#include "backend/base/arena.h"

#include <stdlib.h>

enum { BLOCK_BYTES_MIN = 16 * 1024, BLOCK_BYTES_MAX = 1024 * 1024 };

struct ots_arena_block {
    struct ots_arena_block *previous;
    size_t size;
    max_align_t data[];
};

/* Memory from elsewhere; itself in the arena. */
struct ots_arena_adopted {
    struct ots_arena_adopted *previous;
    void *data;
};

static void free_adopted(struct ots_arena *arena)
{
    for (struct ots_arena_adopted *adopted = arena->adopted; adopted; adopted = adopted->previous)
        free(adopted->data);
    arena->adopted = NULL;
}

static void free_blocks(struct ots_arena_block *block)
{
    while (block) {
        struct ots_arena_block *previous = block->previous;
        free(block);
        block = previous;
    }
}

void ots_arena_deinit(struct ots_arena *arena)
{
    free_adopted(arena);
    free_blocks(arena->blocks);
    *arena = OTS_ARENA_INIT;
}

void ots_arena_reset(struct ots_arena *arena)
{
    struct ots_arena_block *kept = arena->blocks;
    if (!kept)
        return;
    free_adopted(arena);
    free_blocks(kept->previous);
    kept->previous = NULL;
    arena->next = (uint8_t *)kept->data;
    arena->left = kept->size;
    arena->used_bytes = 0;
}

static bool add_block(struct ots_arena *arena, size_t size_min)
{
    size_t size = arena->blocks ? arena->blocks->size * 2 : BLOCK_BYTES_MIN;
    if (size > BLOCK_BYTES_MAX)
        size = BLOCK_BYTES_MAX;
    if (size < size_min)
        size = size_min;
    size_t total;
    if (__builtin_add_overflow(size, sizeof(struct ots_arena_block), &total))
        return false;
    struct ots_arena_block *block = malloc(total);
    if (!block)
        return false;
    block->previous = arena->blocks;
    block->size = size;
    arena->blocks = block;
    arena->next = (uint8_t *)block->data;
    arena->left = size;
    return true;
}

void *ots_arena_alloc(struct ots_arena *arena, size_t size)
{
    const size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX - align)
        return NULL;
    size = (size + align - 1) & ~(align - 1);
    if (arena->left < size && !add_block(arena, size))
        return NULL;
    if (!arena->blocks && !add_block(arena, align))
        return NULL;
    void *data = arena->next;
    arena->next += size;
    arena->left -= size;
    arena->used_bytes += size;
    return data;
}

void *ots_arena_array(struct ots_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *data = ots_arena_alloc(arena, total);
    if (data)
        memset(data, 0, total);
    return data;
}

enum ots_status ots_arena_copy(struct ots_arena *arena, struct ots_slice slice,
                               struct ots_slice *copy)
{
    *copy = OTS_SLICE("");
    if (!slice.size)
        return OTS_OK;
    uint8_t *data = ots_arena_alloc(arena, slice.size);
    if (!data)
        return OTS_NOMEM;
    memcpy(data, slice.data, slice.size);
    *copy = ots_slice(data, slice.size);
    return OTS_OK;
}

enum ots_status ots_arena_adopt(struct ots_arena *arena, struct ots_buf *buf)
{
    struct ots_arena_adopted *adopted = ots_arena_alloc(arena, sizeof(*adopted));
    if (!adopted)
        return OTS_NOMEM;
    *adopted = (struct ots_arena_adopted){arena->adopted, buf->data};
    arena->adopted = adopted;
    arena->used_bytes += buf->capacity;
    *buf = OTS_BUF_INIT;
    return OTS_OK;
}

char *ots_arena_strdup(struct ots_arena *arena, struct ots_slice text)
{
    char *copy = ots_arena_alloc(arena, text.size + 1);
    if (!copy)
        return NULL;
    if (text.size)
        memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return copy;
}
