/*
 * A run is a sorted sequence of times in blocks of BLOCK_TIMES. Whole blocks are in its spool, with
 * the first time of each in memory, so that a look-up reads one block; the block that was read last
 * is kept, because look-ups mostly ascend. The block that is filling is in memory.
 *
 * Run 0 grows by the times that are behind all before. A time that is not goes into the table
 * `late`; when that is full, it is sorted into a new run, and runs at the end are merged until each
 * has more than twice the times of the next. So n times are in at most log2(n) runs, and each was
 * written as often.
 */
#include "fs/view/handed.h"

#include <assert.h>
#include <stdlib.h>

#include "backend/base/search.h"
#include "fs/view/spool.h"

enum { BLOCK_TIMES = 512, LATE_CAPACITY_MIN = 64 };

struct ots_handed_run {
    uint64_t count;
    int64_t last;
    struct ots_spool blocks;
    struct ots_buf firsts; /* int64_t, one for each whole block */
    int64_t tail[BLOCK_TIMES];
    size_t tail_count;
    int64_t read[BLOCK_TIMES];
    uint64_t read_index;
    bool has_read;
};

/* --- one run ----------------------------------------------------------------------------------*/

static struct ots_handed_run *run_new(void)
{
    struct ots_handed_run *run = calloc(1, sizeof(*run));
    if (run)
        ots_spool_init(&run->blocks);
    return run;
}

static void run_free(struct ots_handed_run *run)
{
    if (!run)
        return;
    ots_spool_deinit(&run->blocks);
    ots_buf_deinit(&run->firsts);
    free(run);
}

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "out of memory");
}

static enum ots_status write_tail(struct ots_handed_run *run, struct ots_error *err)
{
    if (!ots_buf_reserve(&run->firsts, sizeof(run->tail[0]))) {
        run->firsts.has_failed = false;
        return no_memory(err);
    }
    enum ots_status status = ots_spool_write(&run->blocks, run->blocks.size_bytes,
                                             ots_slice(run->tail, sizeof(run->tail)), err);
    if (status != OTS_OK)
        return status;
    ots_buf_append(&run->firsts, &run->tail[0], sizeof(run->tail[0]));
    run->tail_count = 0;
    return OTS_OK;
}

static enum ots_status run_append(struct ots_handed_run *run, int64_t time_us,
                                  struct ots_error *err)
{
    if (run->tail_count == BLOCK_TIMES) {
        enum ots_status status = write_tail(run, err);
        if (status != OTS_OK)
            return status;
    }
    run->tail[run->tail_count++] = time_us;
    run->last = time_us;
    run->count++;
    return OTS_OK;
}

static enum ots_status read_block(struct ots_handed_run *run, uint64_t index, struct ots_error *err)
{
    if (run->has_read && run->read_index == index)
        return OTS_OK;
    struct ots_buf block = OTS_BUF_INIT;
    enum ots_status status =
        ots_spool_read(&run->blocks, index * sizeof(run->read), sizeof(run->read), &block, err);
    run->has_read = status == OTS_OK && block.size == sizeof(run->read);
    if (run->has_read) {
        memcpy(run->read, block.data, sizeof(run->read));
        run->read_index = index;
    } else if (status == OTS_OK) {
        status = ots_error_set(err, OTS_IO, "a temporary file was cut");
    }
    ots_buf_deinit(&block);
    return status;
}

static bool is_until(const void *item, const void *time_us)
{
    return *(const int64_t *)item <= *(const int64_t *)time_us;
}

/* How many of the times are not after `time_us`. */
static size_t count_until(const int64_t *times, size_t count, int64_t time_us)
{
    return ots_search(times, count, sizeof(*times), is_until, &time_us);
}

static bool is_in(const int64_t *times, size_t count, int64_t time_us)
{
    size_t until = count_until(times, count, time_us);
    return until && times[until - 1] == time_us;
}

static enum ots_status run_has(struct ots_handed_run *run, int64_t time_us, bool *is_there,
                               struct ots_error *err)
{
    *is_there = false;
    if (!run->count || time_us > run->last)
        return OTS_OK;
    if (time_us >= run->tail[0]) {
        *is_there = is_in(run->tail, run->tail_count, time_us);
        return OTS_OK;
    }
    const int64_t *firsts = (const int64_t *)(const void *)run->firsts.data;
    size_t until = count_until(firsts, run->firsts.size / sizeof(firsts[0]), time_us);
    if (!until)
        return OTS_OK;
    enum ots_status status = read_block(run, until - 1, err);
    if (status == OTS_OK)
        *is_there = is_in(run->read, BLOCK_TIMES, time_us);
    return status;
}

static enum ots_status run_at(struct ots_handed_run *run, uint64_t index, int64_t *time_us,
                              struct ots_error *err)
{
    uint64_t block = index / BLOCK_TIMES;
    enum ots_status status = OTS_OK;
    bool is_in_tail = block * sizeof(run->read) >= run->blocks.size_bytes;
    if (!is_in_tail)
        status = read_block(run, block, err);
    if (status == OTS_OK)
        *time_us = (is_in_tail ? run->tail : run->read)[index % BLOCK_TIMES];
    return status;
}

static enum ots_status merge_into(struct ots_handed_run *merged, struct ots_handed_run *a,
                                  struct ots_handed_run *b, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    uint64_t at_a = 0;
    uint64_t at_b = 0;
    while (status == OTS_OK && (at_a < a->count || at_b < b->count)) {
        int64_t time_a = INT64_MAX;
        int64_t time_b = INT64_MAX;
        if (at_a < a->count)
            status = run_at(a, at_a, &time_a, err);
        if (status == OTS_OK && at_b < b->count)
            status = run_at(b, at_b, &time_b, err);
        if (status != OTS_OK)
            break;
        bool is_from_a = at_b == b->count || (at_a < a->count && time_a < time_b);
        status = run_append(merged, is_from_a ? time_a : time_b, err);
        at_a += is_from_a;
        at_b += !is_from_a;
    }
    return status;
}

/* --- times that did not ascend ----------------------------------------------------------------*/

/* Where the time is in the table, or would be. */
static size_t find_late(const struct ots_handed *handed, int64_t time_us)
{
    size_t mask = handed->late_capacity - 1;
    uint64_t hash = (uint64_t)time_us * 0x9E3779B97F4A7C15U;
    size_t slot = (size_t)(hash >> 32) & mask;
    while (handed->late[slot] >= 0 && handed->late[slot] != time_us)
        slot = (slot + 1) & mask;
    return slot;
}

static void clear_late(struct ots_handed *handed)
{
    memset(handed->late, 0xFF, handed->late_capacity * sizeof(handed->late[0]));
    handed->late_count = 0;
}

/* At most half of the places are taken. */
static enum ots_status grow_late(struct ots_handed *handed, struct ots_error *err)
{
    struct ots_handed old = *handed;
    size_t capacity = old.late_capacity ? old.late_capacity * 2 : LATE_CAPACITY_MIN;
    int64_t *late = malloc(capacity * sizeof(late[0]));
    if (!late)
        return no_memory(err);
    handed->late = late;
    handed->late_capacity = capacity;
    clear_late(handed);
    for (size_t i = 0; i < old.late_capacity; i++)
        if (old.late[i] >= 0)
            late[find_late(handed, old.late[i])] = old.late[i];
    handed->late_count = old.late_count;
    free(old.late);
    return OTS_OK;
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static enum ots_status append_late(const struct ots_handed *handed, struct ots_handed_run *run,
                                   struct ots_error *err)
{
    int64_t *sorted = malloc(handed->late_count * sizeof(sorted[0]));
    if (!sorted)
        return no_memory(err);
    size_t count = 0;
    for (size_t i = 0; i < handed->late_capacity; i++)
        if (handed->late[i] >= 0)
            sorted[count++] = handed->late[i];
    qsort(sorted, count, sizeof(sorted[0]), compare_times);
    enum ots_status status = OTS_OK;
    for (size_t i = 0; status == OTS_OK && i < count; i++)
        status = run_append(run, sorted[i], err);
    free(sorted);
    return status;
}

/* Merge the last run into the one before. */
static enum ots_status merge_last(struct ots_handed *handed, struct ots_error *err)
{
    struct ots_handed_run **last = &handed->runs[handed->run_count - 1];
    struct ots_handed_run *merged = run_new();
    if (!merged)
        return no_memory(err);
    enum ots_status status = merge_into(merged, last[-1], last[0], err);
    if (status != OTS_OK) {
        run_free(merged);
        return status;
    }
    run_free(last[0]);
    run_free(last[-1]);
    last[-1] = merged;
    last[0] = NULL;
    handed->run_count--;
    return OTS_OK;
}

static enum ots_status sort_late(struct ots_handed *handed, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    /* Merging failed so far. */
    if (handed->run_count == OTS_HANDED_RUNS_MAX)
        status = merge_last(handed, err);
    if (status != OTS_OK)
        return status;
    struct ots_handed_run *run = run_new();
    if (!run)
        return no_memory(err);
    status = append_late(handed, run, err);
    if (status != OTS_OK) {
        run_free(run);
        return status;
    }
    clear_late(handed);
    handed->runs[handed->run_count++] = run;
    while (status == OTS_OK && handed->run_count > 2 &&
           handed->runs[handed->run_count - 2]->count <=
               2 * handed->runs[handed->run_count - 1]->count)
        status = merge_last(handed, err);
    return status;
}

static enum ots_status add_late(struct ots_handed *handed, int64_t time_us, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    if (handed->late_count == OTS_HANDED_LATE_MAX)
        status = sort_late(handed, err);
    else if (handed->late_count * 2 >= handed->late_capacity)
        status = grow_late(handed, err);
    if (status != OTS_OK)
        return status;
    handed->late[find_late(handed, time_us)] = time_us;
    handed->late_count++;
    return OTS_OK;
}

/* --- all --------------------------------------------------------------------------------------*/

void ots_handed_init(struct ots_handed *handed)
{
    *handed = (struct ots_handed){0};
}

void ots_handed_deinit(struct ots_handed *handed)
{
    for (size_t i = 0; i < handed->run_count; i++)
        run_free(handed->runs[i]);
    free(handed->late);
    ots_handed_init(handed);
}

bool ots_handed_is_behind(const struct ots_handed *handed, int64_t time_us)
{
    return !handed->run_count || time_us > handed->runs[0]->last;
}

enum ots_status ots_handed_has(struct ots_handed *handed, int64_t time_us, bool *is_there,
                               struct ots_error *err)
{
    *is_there = handed->late_count && handed->late[find_late(handed, time_us)] == time_us;
    enum ots_status status = OTS_OK;
    for (size_t i = 0; status == OTS_OK && !*is_there && i < handed->run_count; i++)
        status = run_has(handed->runs[i], time_us, is_there, err);
    return status;
}

enum ots_status ots_handed_add(struct ots_handed *handed, int64_t time_us, struct ots_error *err)
{
    assert(time_us >= 0);
    if (!handed->run_count) {
        handed->runs[0] = run_new();
        if (!handed->runs[0])
            return no_memory(err);
        handed->run_count = 1;
        return run_append(handed->runs[0], time_us, err);
    }
    if (time_us > handed->runs[0]->last)
        return run_append(handed->runs[0], time_us, err);
    return add_late(handed, time_us, err);
}
