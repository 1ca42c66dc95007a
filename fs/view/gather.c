#include "fs/view/gather.h"

#include <assert.h>
#include <stdlib.h>

#include "backend/model/limits.h"
#include "fs/view/merge.h"

/* Rows that others took the place of stay in memory. */
enum { MEMORY_BYTES_MAX = 4 * OTS_PUT_BYTES_MAX };

enum ots_status ots_gather_init(struct ots_gather *gather)
{
    *gather = (struct ots_gather){.arena = OTS_ARENA_INIT};
    gather->rows = calloc(OTS_GATHER_LINES_MAX, sizeof(gather->rows[0]));
    gather->slots = calloc(OTS_GATHER_SLOTS, sizeof(gather->slots[0]));
    return gather->rows && gather->slots ? OTS_OK : OTS_NOMEM;
}

void ots_gather_deinit(struct ots_gather *gather)
{
    ots_arena_deinit(&gather->arena);
    free(gather->rows);
    free(gather->slots);
}

static uint64_t hash_row(const struct ots_row *row)
{
    uint64_t hash = ots_series_key_hash(row->key) ^ (uint64_t)row->time_us;
    hash *= 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 32;
}

static size_t find_slot(const struct ots_gather *gather, uint64_t hash, const struct ots_row *row)
{
    size_t slot = hash & (OTS_GATHER_SLOTS - 1);
    for (; gather->slots[slot]; slot = (slot + 1) & (OTS_GATHER_SLOTS - 1)) {
        const struct ots_gathered *other = &gather->rows[gather->slots[slot] - 1U];
        if (other->hash == hash && other->row.time_us == row->time_us &&
            ots_series_key_equal(other->row.key, row->key))
            break;
    }
    return slot;
}

static enum ots_status append_row(struct ots_gather *gather, size_t slot, uint64_t hash,
                                  const struct ots_row *row)
{
    const struct ots_series_key *key =
        gather->count ? gather->rows[gather->count - 1].row.key : NULL;
    if (!key || !ots_series_key_equal(key, row->key)) {
        struct ots_series_key *copy = ots_arena_alloc(&gather->arena, sizeof(*copy));
        if (!copy || ots_series_key_copy(&gather->arena, row->key, copy) != OTS_OK)
            return OTS_NOMEM;
        key = copy;
    }
    struct ots_gathered *place = &gather->rows[gather->count];
    *place = (struct ots_gathered){.hash = hash};
    if (ots_row_copy(&gather->arena, row, key, &place->row) != OTS_OK)
        return OTS_NOMEM;
    gather->bytes += ots_row_size(row);
    gather->count++;
    gather->slots[slot] = (uint16_t)gather->count;
    return OTS_OK;
}

static enum ots_status merge_row(struct ots_gather *gather, struct ots_gathered *place,
                                 const struct ots_row *row, struct ots_error *err)
{
    struct ots_row merged;
    struct ots_row copy;
    enum ots_status status = ots_rows_merge(&gather->arena, &place->row, row, &merged, err);
    if (status == OTS_OK)
        status = ots_row_copy(&gather->arena, &merged, place->row.key, &copy);
    if (status != OTS_OK)
        return status;
    gather->bytes += ots_row_size(&copy) - ots_row_size(&place->row);
    place->row = copy;
    return OTS_OK;
}

enum ots_status ots_gather_add(struct ots_gather *gather, const struct ots_row *row,
                               struct ots_error *err)
{
    assert(gather->count < OTS_GATHER_LINES_MAX);
    uint64_t hash = hash_row(row);
    size_t slot = find_slot(gather, hash, row);
    enum ots_status status =
        gather->slots[slot] ? merge_row(gather, &gather->rows[gather->slots[slot] - 1U], row, err)
                            : append_row(gather, slot, hash, row);
    if (status == OTS_OK)
        gather->line_count++;
    return status == OTS_NOMEM ? ots_error_set(err, status, "out of memory") : status;
}

bool ots_gather_is_full(const struct ots_gather *gather)
{
    return gather->line_count >= OTS_GATHER_LINES_MAX || gather->bytes >= OTS_PUT_BYTES_MAX ||
           gather->arena.used_bytes >= MEMORY_BYTES_MAX;
}

void ots_gather_reset(struct ots_gather *gather)
{
    ots_arena_reset(&gather->arena);
    memset(gather->slots, 0, OTS_GATHER_SLOTS * sizeof(gather->slots[0]));
    gather->count = 0;
    gather->line_count = 0;
    gather->bytes = 0;
}
