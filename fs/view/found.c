#include "fs/view/found.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

/* --- one --------------------------------------------------------------------------------------*/

void ots_found_deinit(struct ots_found *found)
{
    ots_marks_deinit(&found->marks);
    *found = (struct ots_found){0};
}

void ots_found_add(struct ots_found *found, const struct ots_row_sum *lines, size_t count)
{
    struct ots_extent *sum = &found->extent;
    size_t next = found->marks.count;
    for (size_t i = 0; i < count; i++) {
        int64_t time_us = lines[i].time_us;
        bool is_later = !sum->row_count || time_us > sum->last_time_us;
        found->is_unordered = found->is_unordered || !is_later;
        if (!found->is_unordered)
            ots_marks_pass(&found->marks, &next, sum, time_us);
        ots_extent_add(sum, &lines[i]);
    }
}

/* --- many -------------------------------------------------------------------------------------*/

struct ots_found_slot {
    struct ots_extent extent;
    struct ots_found *whole; /* NULL: there is nothing but `extent` */
};

enum { CHUNK_COUNT = 4096 };
#define CHUNK_BYTES (CHUNK_COUNT * sizeof(struct ots_found_slot))

static struct ots_found_slot *slot_at(const struct ots_found_list *list, size_t index)
{
    assert(index < list->count);
    return &list->chunks[index / CHUNK_COUNT][index % CHUNK_COUNT];
}

void ots_found_list_deinit(struct ots_found_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        struct ots_found *whole = slot_at(list, i)->whole;
        if (whole)
            ots_found_deinit(whole);
        free(whole);
    }
    for (size_t i = 0; i < list->chunk_count; i++)
        munmap(list->chunks[i], CHUNK_BYTES);
    free(list->chunks);
    *list = (struct ots_found_list){0};
}

static bool add_chunk(struct ots_found_list *list)
{
    struct ots_found_slot **chunks =
        reallocarray(list->chunks, list->chunk_count + 1, sizeof(*chunks));
    if (!chunks)
        return false;
    list->chunks = chunks;
    void *chunk =
        mmap(NULL, CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (chunk == MAP_FAILED)
        return false;
    chunks[list->chunk_count++] = chunk;
    return true;
}

bool ots_found_list_add(struct ots_found_list *list)
{
    if (list->count == list->chunk_count * CHUNK_COUNT && !add_chunk(list))
        return false;
    list->count++;
    return true;
}

enum ots_status ots_found_list_add_lines(struct ots_found_list *list, size_t index,
                                         const struct ots_row_sum *lines, size_t count)
{
    struct ots_found_slot *slot = slot_at(list, index);
    struct ots_found found = ots_found_list_at(list, index);
    ots_found_add(&found, lines, count);
    if (!slot->whole && (found.marks.count || found.is_unordered)) {
        slot->whole = malloc(sizeof(*slot->whole));
        if (!slot->whole) {
            ots_found_deinit(&found);
            return OTS_NOMEM;
        }
    }
    slot->extent = found.extent;
    if (slot->whole)
        *slot->whole = found;
    return OTS_OK;
}

struct ots_found ots_found_list_at(const struct ots_found_list *list, size_t index)
{
    const struct ots_found_slot *slot = slot_at(list, index);
    return slot->whole ? *slot->whole : (struct ots_found){.extent = slot->extent};
}
