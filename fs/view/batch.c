#include "fs/view/batch.h"

#include <stdlib.h>

#include "fs/view/merge.h"

/* Rows that replace others leave these behind in a batch's memory. */
enum { MEMORY_BYTES_MAX = 4 * OTS_PUT_BYTES_MAX };

struct ots_batch *ots_batch_new(uint64_t number)
{
    struct ots_batch *batch = calloc(1, sizeof(*batch));
    if (!batch)
        return NULL;
    batch->number = number;
    batch->arena = OTS_ARENA_INIT;
    return batch;
}

void ots_batch_free(struct ots_batch *batch)
{
    if (!batch)
        return;
    for (size_t i = 0; i < batch->count; i++)
        ots_origin_unref(batch->origins[i]);
    ots_arena_deinit(&batch->arena);
    free(batch);
}

static uint64_t hash_row(const struct ots_row *row)
{
    uint64_t hash = ots_series_key_hash(row->key) ^ (uint64_t)row->time_us;
    hash *= 0x9E3779B97F4A7C15U;
    return hash ^ hash >> 32;
}

/* The slot of `row` (NULL: of any row with this hash), or the free one where it would go. */
static size_t find_slot(const struct ots_batch *batch, uint64_t hash, const struct ots_row *row)
{
    size_t slot = hash & (OTS_BATCH_SLOTS - 1);
    for (; batch->slots[slot]; slot = (slot + 1) & (OTS_BATCH_SLOTS - 1)) {
        size_t index = batch->slots[slot] - 1U;
        if (batch->hashes[index] != hash)
            continue;
        const struct ots_row *other = &batch->rows[index];
        if (!row || (other->time_us == row->time_us && ots_series_key_equal(other->key, row->key)))
            return slot;
    }
    return slot;
}

bool ots_batch_shares_row(const struct ots_batch *a, const struct ots_batch *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (b->slots[find_slot(b, a->hashes[i], NULL)])
            return true;
    return false;
}

bool ots_batch_has_room(const struct ots_batch *batch, const struct ots_row *row)
{
    return batch->count < OTS_PUT_ROWS_MAX &&
           (!batch->count || (batch->bytes + ots_row_size(row) <= OTS_PUT_BYTES_MAX &&
                              batch->arena.used_bytes <= MEMORY_BYTES_MAX));
}

/* Put a copy of `row` in place of the batch's row `index`. */
static enum ots_status replace_row(struct ots_batch *batch, size_t index, const struct ots_row *row,
                                   struct ots_origin *origin)
{
    struct ots_row *place = &batch->rows[index];
    struct ots_row copy;
    if (ots_row_copy(&batch->arena, row, place->key, &copy) != OTS_OK)
        return OTS_NOMEM;
    batch->bytes += ots_row_size(&copy) - ots_row_size(place);
    *place = copy;
    ots_origin_unref(batch->origins[index]);
    batch->origins[index] = ots_origin_ref(origin);
    batch->is_journaled[index] = false;
    batch->sums[index].size_bytes = 0;
    return OTS_OK;
}

/* Of one origin both are merged, unless that would be too much. */
static enum ots_status replace_or_merge(struct ots_batch *batch, size_t index,
                                        const struct ots_row *row, struct ots_origin *origin)
{
    struct ots_row merged;
    enum ots_status status = OTS_LIMIT;
    if (batch->origins[index] == origin)
        status = ots_rows_merge(&batch->arena, &batch->rows[index], row, &merged, NULL);
    if (status == OTS_NOMEM)
        return OTS_NOMEM;
    return replace_row(batch, index, status == OTS_OK ? &merged : row, origin);
}

static enum ots_status append_row(struct ots_batch *batch, size_t slot, uint64_t hash,
                                  const struct ots_row *row, const struct ots_row_sum *sum,
                                  struct ots_origin *origin)
{
    const struct ots_series_key *key = batch->count ? batch->rows[batch->count - 1].key : NULL;
    if (!key || !ots_series_key_equal(key, row->key)) {
        struct ots_series_key *copy = ots_arena_alloc(&batch->arena, sizeof(*copy));
        if (!copy || ots_series_key_copy(&batch->arena, row->key, copy) != OTS_OK)
            return OTS_NOMEM;
        key = copy;
    }
    size_t index = batch->count;
    if (ots_row_copy(&batch->arena, row, key, &batch->rows[index]) != OTS_OK)
        return OTS_NOMEM;
    batch->origins[index] = ots_origin_ref(origin);
    batch->hashes[index] = hash;
    batch->sums[index] = sum ? *sum : (struct ots_row_sum){0};
    batch->slots[slot] = (uint16_t)(index + 1);
    batch->places[index] = (uint8_t)index;
    batch->bytes += ots_row_size(row);
    batch->count++;
    return OTS_OK;
}

enum ots_status ots_batch_add(struct ots_batch *batch, const struct ots_row *row,
                              const struct ots_row_sum *sum, struct ots_origin *origin,
                              bool is_journaled)
{
    uint64_t hash = hash_row(row);
    size_t slot = find_slot(batch, hash, row);
    size_t index = batch->slots[slot] ? batch->slots[slot] - 1U : batch->count;
    enum ots_status status = batch->slots[slot] ? replace_or_merge(batch, index, row, origin)
                                                : append_row(batch, slot, hash, row, sum, origin);
    if (status == OTS_OK)
        batch->is_journaled[index] = is_journaled;
    return status;
}

enum ots_status ots_batch_merge(struct ots_batch *batch, const struct ots_row *row,
                                struct ots_origin *origin, bool *is_merged, struct ots_error *err)
{
    size_t slot = find_slot(batch, hash_row(row), row);
    *is_merged = false;
    if (!batch->slots[slot])
        return OTS_OK;
    size_t index = batch->slots[slot] - 1U;
    struct ots_row merged;
    enum ots_status status = ots_rows_merge(&batch->arena, &batch->rows[index], row, &merged, err);
    if (status == OTS_OK)
        status = replace_row(batch, index, &merged, origin);
    *is_merged = status == OTS_OK;
    return status;
}

size_t ots_batch_keep_unsent(struct ots_batch *batch)
{
    size_t kept = 0;
    memset(batch->slots, 0, sizeof(batch->slots));
    batch->bytes = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (!batch->is_unsent[i]) {
            ots_origin_unref(batch->origins[i]);
            continue;
        }
        batch->is_unsent[i] = false;
        batch->rows[kept] = batch->rows[i];
        batch->origins[kept] = batch->origins[i];
        batch->hashes[kept] = batch->hashes[i];
        batch->sums[kept] = batch->sums[i];
        batch->is_journaled[kept] = batch->is_journaled[i];
        batch->is_told[kept] = batch->is_told[i];
        batch->places[kept] = batch->places[i];
        batch->bytes += ots_row_size(&batch->rows[i]);
        size_t slot = find_slot(batch, batch->hashes[kept], &batch->rows[kept]);
        batch->slots[slot] = (uint16_t)(++kept);
    }
    batch->count = kept;
    return kept;
}
