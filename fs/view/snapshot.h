/*
 * A timeline's text as it was when the file was opened, fetched page by page as it is read.
 *
 * It is read on from where the last page ended, or from the nearest mark before the place that is
 * wanted; what was fetched is kept while there is room for it. All its parts are of one version of
 * the timeline: what cannot be had of that version is OTS_STALE.
 *
 * Threads: one at a time; the version may change at any time.
 */
#ifndef OTS_VIEW_SNAPSHOT_H
#define OTS_VIEW_SNAPSHOT_H

#include <stdatomic.h>

#include "fs/lp/print.h"
#include "fs/view/marks.h"
#include "fs/view/page_rows.h"
#include "fs/view/pages.h"
#include "fs/view/whole_text.h"
#include "fs/view/windows.h"

struct ots_snapshot_options {
    struct ots_page_source source; /* its key is copied, all else must outlive the snapshot */
    enum ots_precision precision;
    /* Moves on when the timeline changes other than by growing at its end; NULL: never. */
    const atomic_uint_least64_t *version;
    /* One more such; NULL: never. In a view a change is noted where it was made or seen. */
    const atomic_uint_least64_t *other_version;
    uint64_t windows_bytes_max; /* 0: OTS_WINDOWS_BYTES_MAX */
};

struct ots_measuring;

/* Pages that follow each other. */
struct ots_stream {
    bool is_open;
    struct ots_page_reader pages;
    struct ots_extent at; /* the text before the next page */
    size_t next_mark;
    uint64_t page_offset; /* of the last page */
    uint64_t stop_offset; /* where text begins that is there already; UINT64_MAX: nowhere */
    unsigned page_count;
};

struct ots_snapshot {
    struct ots_snapshot_options options;
    struct ots_arena arena;
    struct ots_series_key key;
    struct ots_lp_printer printer;
    struct ots_windows windows;
    struct ots_marks marks; /* what others have noted, at init, and then what is passed */
    struct ots_stream stream;
    /* The rows of the page that was fetched last, for who copies instead of reading. */
    struct ots_page_rows rows;
    bool keeps_rows; /* of pages that are fetched; not once text was read */
    bool is_copied;  /* by rows, so that no text is kept */
    bool has_end;
    bool is_growing;                 /* it had, and more may be behind it */
    struct ots_extent end;           /* the whole text, when `has_end` */
    uint64_t version;                /* the sum of both; they only grow */
    uint64_t read_end;               /* where the last read ended */
    struct ots_measuring *measuring; /* told of lines that are fetched; NULL: nobody is */
    bool has_changed; /* a mark was found to be wrong: what is known of the timeline is old */
};

/* `marks` are copied. Errors: OTS_NOMEM. */
enum ots_status ots_snapshot_init(struct ots_snapshot *snapshot,
                                  const struct ots_snapshot_options *options,
                                  const struct ots_marks *marks) OTS_MUST_CHECK;
void ots_snapshot_deinit(struct ots_snapshot *snapshot);

/*
 * All of it was fetched elsewhere; nothing was fetched here yet. Errors: OTS_NOMEM, those of the
 * spool.
 */
enum ots_status ots_snapshot_fill(struct ots_snapshot *snapshot, const struct ots_whole_text *text,
                                  struct ots_error *err) OTS_MUST_CHECK;

/*
 * Make sure that the byte at `offset` is there, or the end known when it lies before that; `size`
 * bytes from there are wanted soon. Errors: OTS_STALE, OTS_NOMEM, those of the store and the spool.
 */
enum ots_status ots_snapshot_fetch(struct ots_snapshot *snapshot, uint64_t offset, size_t size,
                                   struct ots_interrupt *interrupt,
                                   struct ots_error *err) OTS_MUST_CHECK;

/*
 * Append `size` bytes from `offset` to `out`; fewer only at the end. Nothing on failure.
 * Errors: as ots_snapshot_fetch, OTS_IO (a row that cannot be shown in this precision).
 */
enum ots_status ots_snapshot_read(struct ots_snapshot *snapshot, uint64_t offset, size_t size,
                                  struct ots_interrupt *interrupt, struct ots_buf *out,
                                  struct ots_error *err) OTS_MUST_CHECK;

/* The rows of a filled snapshot, whose text begins with them; taken. */
void ots_snapshot_keep_rows(struct ots_snapshot *snapshot, struct ots_page_rows *take_rows);

/*
 * The rows of whole lines from `offset` on, `size` bytes of text at most, fetched if need be; they
 * live until the next call. None (`span->count` is 0) where text must be read instead: no line
 * begins there, its text was fetched before, it cannot be shown, or the end is there.
 * Errors: as ots_snapshot_fetch.
 */
enum ots_status ots_snapshot_rows(struct ots_snapshot *snapshot, uint64_t offset, size_t size,
                                  struct ots_interrupt *interrupt, struct ots_row_span *span,
                                  struct ots_error *err) OTS_MUST_CHECK;

/* Whether the versions are still what they were. */
bool ots_snapshot_is_current(const struct ots_snapshot *snapshot);

/* They are what they are now: what has changed is known to be this snapshot's text. */
void ots_snapshot_accept_version(struct ots_snapshot *snapshot);

/* There may be more behind the end. When the version ends first, the end stays where it is. */
void ots_snapshot_grow(struct ots_snapshot *snapshot);

#endif
