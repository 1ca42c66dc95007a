/*
 * The spool is used as a ring: each run is written behind the one before, from the front again
 * where `bytes_max` is reached, and pushes out those that lie where it comes to lie.
 */
#include "fs/view/windows.h"

#include <stdlib.h>

#include "backend/base/search.h"

void ots_windows_init(struct ots_windows *windows, uint64_t bytes_max)
{
    *windows = (struct ots_windows){.bytes_max = bytes_max};
    ots_spool_init(&windows->spool);
}

void ots_windows_deinit(struct ots_windows *windows)
{
    ots_spool_deinit(&windows->spool);
    free(windows->runs);
    windows->runs = NULL;
    windows->count = windows->capacity = 0;
}

static bool is_until(const void *run, const void *offset)
{
    return ((const struct ots_run *)run)->offset <= *(const uint64_t *)offset;
}

/* How many runs begin at or before `offset`. */
static size_t count_until(const struct ots_windows *windows, uint64_t offset)
{
    return ots_search(windows->runs, windows->count, sizeof(*windows->runs), is_until, &offset);
}

const struct ots_run *ots_windows_floor(const struct ots_windows *windows, uint64_t offset)
{
    size_t count = count_until(windows, offset);
    return count ? &windows->runs[count - 1] : NULL;
}

const struct ots_run *ots_windows_after(const struct ots_windows *windows, uint64_t offset)
{
    size_t count = count_until(windows, offset);
    return count < windows->count ? &windows->runs[count] : NULL;
}

const struct ots_run *ots_windows_at(const struct ots_windows *windows, uint64_t offset)
{
    const struct ots_run *run = ots_windows_floor(windows, offset);
    return run && offset - run->offset < run->size_bytes ? run : NULL;
}

static void drop_overwritten(struct ots_windows *windows, uint64_t place, uint64_t size)
{
    size_t kept = 0;
    for (size_t i = 0; i < windows->count; i++) {
        const struct ots_run *run = &windows->runs[i];
        bool is_hit =
            !run->is_blank && run->place < place + size && place < run->place + run->size_bytes;
        if (!is_hit)
            windows->runs[kept++] = *run;
    }
    windows->count = kept;
}

/* Where the next `size` bytes go. */
static enum ots_status make_room(struct ots_windows *windows, uint64_t size, uint64_t *place,
                                 struct ots_error *err)
{
    *place = windows->next_place;
    if (*place && *place + size > windows->bytes_max)
        *place = 0;
    drop_overwritten(windows, *place, size);
    windows->next_place = *place + size;
    if (*place || windows->spool.size_bytes <= windows->bytes_max)
        return OTS_OK;
    /* A run that was larger than all the room is gone now. */
    drop_overwritten(windows, windows->bytes_max, UINT64_MAX / 2);
    return ots_spool_truncate(&windows->spool, windows->bytes_max, err);
}

static enum ots_status insert(struct ots_windows *windows, const struct ots_run *run)
{
    if (windows->count == windows->capacity) {
        size_t capacity = windows->capacity ? 2 * windows->capacity : 8;
        struct ots_run *runs = realloc(windows->runs, capacity * sizeof(*runs));
        if (!runs)
            return OTS_NOMEM;
        windows->runs = runs;
        windows->capacity = capacity;
    }
    size_t index = count_until(windows, run->offset);
    memmove(&windows->runs[index + 1], &windows->runs[index],
            (windows->count - index) * sizeof(*run));
    windows->runs[index] = *run;
    windows->count++;
    return OTS_OK;
}

enum ots_status ots_windows_add(struct ots_windows *windows, const struct ots_run *run,
                                struct ots_slice text, struct ots_error *err)
{
    struct ots_run kept = *run;
    enum ots_status status = OTS_OK;
    if (windows->count == OTS_RUNS_MAX)
        windows->count = 0;
    if (!run->is_blank) {
        status = make_room(windows, text.size, &kept.place, err);
        if (status == OTS_OK)
            status = ots_spool_write(&windows->spool, kept.place, text, err);
        if (status != OTS_OK)
            return status;
    }
    status = insert(windows, &kept);
    return status == OTS_OK ? OTS_OK : ots_error_set(err, status, "out of memory");
}

enum ots_status ots_windows_read(const struct ots_windows *windows, uint64_t offset, size_t size,
                                 struct ots_buf *out, struct ots_error *err)
{
    const struct ots_run *run;
    enum ots_status status = OTS_OK;
    while (status == OTS_OK && size && (run = ots_windows_at(windows, offset)) && !run->is_blank) {
        uint64_t within = offset - run->offset;
        uint64_t left = run->size_bytes - within;
        size_t part = left < size ? (size_t)left : size;
        status = ots_spool_read(&windows->spool, run->place + within, part, out, err);
        offset += part;
        size -= part;
    }
    return status;
}
