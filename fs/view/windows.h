/*
 * Parts of a long text, kept by their place in it: what was fetched of a timeline.
 *
 * Each part is a run of whole lines. When there is no room the parts that were added first go.
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_WINDOWS_H
#define OTS_VIEW_WINDOWS_H

#include "fs/view/spool.h"

enum { OTS_WINDOWS_BYTES_MAX = 256 * 1024 * 1024, OTS_RUNS_MAX = 16384 };

struct ots_run {
    uint64_t offset; /* in the text */
    uint64_t size_bytes;
    uint64_t row_index; /* of its first line's row */
    uint64_t row_count;
    int64_t first_time_us;
    int64_t last_time_us;
    /* It is known how long the text is, but it cannot be shown; it is not kept. */
    bool is_blank;
    uint64_t place; /* in the spool */
    uint64_t hash;  /* of all lines of the text up to its end */
};

struct ots_windows {
    struct ots_spool spool;
    uint64_t bytes_max; /* of the spool; one run may be larger */
    uint64_t next_place;
    struct ots_run *runs; /* ascending, none overlaps another */
    size_t count;
    size_t capacity;
};

void ots_windows_init(struct ots_windows *windows, uint64_t bytes_max);
void ots_windows_deinit(struct ots_windows *windows);

/* Borrowed until the next add. The run that holds the byte at `offset`; NULL. */
const struct ots_run *ots_windows_at(const struct ots_windows *windows, uint64_t offset);
/* The last run that begins at or before `offset`, the first that begins behind it; NULL. */
const struct ots_run *ots_windows_floor(const struct ots_windows *windows, uint64_t offset);
const struct ots_run *ots_windows_after(const struct ots_windows *windows, uint64_t offset);

/*
 * Keep a run that overlaps none; its `place` is set here. `text` is empty for a blank one.
 * Errors: OTS_NOMEM, those of ots_spool_write; then others may have gone for it.
 */
enum ots_status ots_windows_add(struct ots_windows *windows, const struct ots_run *run,
                                struct ots_slice text, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Append up to `size` bytes from `offset` to `out`; fewer where what is kept ends, or a blank
 * begins. Errors: OTS_IO.
 */
enum ots_status ots_windows_read(const struct ots_windows *windows, uint64_t offset, size_t size,
                                 struct ots_buf *out, struct ots_error *err) OTS_MUST_CHECK;

#endif
