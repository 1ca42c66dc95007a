/*
 * Tables of a store seen as files: names, sizes, readers, writers.
 *
 * What each operation means is in docs/SEMANTICS.md. Every operation that may wait takes an
 * interrupt (may be NULL) and ends with OTS_CANCELLED soon after it was raised. With one that was
 * raised before, it ends so instead of waiting, and, but for ots_file_write, has done nothing.
 *
 * Errors of all operations, besides those of the store: OTS_NOT_FOUND (no such name, or not any
 * more), OTS_STALE (no such inode, it was forgotten, or its timeline is gone: the name must be
 * looked up again),
 * OTS_READ_ONLY (a change in a view), OTS_TOO_MANY (as many views as there may be are in use),
 * OTS_NOMEM. Threads: safe; operations on one open file wait for each other.
 */
#ifndef OTS_VIEW_VIEW_H
#define OTS_VIEW_VIEW_H

#include "backend/base/clock.h"
#include "backend/base/log.h"
#include "backend/store.h"
#include "fs/lp/print.h"

struct ots_view;

struct ots_state;

/* What is mounted; all is borrowed. */
struct ots_view_source {
    const char *name; /* of its directory, among several; distinct */
    struct ots_store *store;
    struct ots_state *state; /* NULL: nothing is kept on disk */
    /* What `.otsfs` tells of it; NULL: nothing. */
    const char *endpoint;
    const char *instance;
    int64_t settle_us; /* how long after its end a window of changes counts as complete */
};

struct ots_setting;

struct ots_view_options {
    /* One: the root is its instance. Several: the root holds a directory for each. */
    const struct ots_view_source *sources;
    size_t source_count;
    const struct ots_clock *clock;
    const struct ots_log *log;
    /* Requests in flight when a table is scanned, and puts in flight per table. 1 to 64; 0: 8. */
    unsigned scan_lanes;
    unsigned puts_in_flight;
    bool is_sync;                 /* closing a file waits until its rows are acknowledged */
    bool is_browse;               /* list from metadata, without scans */
    bool may_delete;              /* unlink of timelines, rmdir of tables */
    bool stream_off;              /* tables are not followed: knowledge ages */
    int64_t poll_us;              /* between looks at a table's stream; 0: a second */
    enum ots_precision precision; /* of the times in lines */
    /* Of what is read ahead, on disk: how much at most, and in which directory (NULL: $TMPDIR or
     * /var/tmp; borrowed). */
    uint64_t cache_bytes;
    const char *cache_dir;
    const struct ots_setting *settings; /* what `.otsfs` tells of the options; report.h */
    size_t setting_count;
    bool tells_stale; /* somebody calls ots_view_take_stale: attributes may be kept */
};

enum ots_status ots_view_new(const struct ots_view_options *options, struct ots_view **out,
                             struct ots_error *err) OTS_MUST_CHECK;

/* Wait until all rows are acknowledged or given up, then free. Accepts NULL. */
void ots_view_free(struct ots_view *view);

struct ots_attr {
    uint64_t ino;
    bool is_directory;
    unsigned permissions; /* 0755, 0644, ...: what the node can do for its owner */
    uint64_t size_bytes;
    int64_t mtime_ns;
    bool is_kept; /* it stays so until ots_view_take_stale tells of the inode; with tells_stale */
};

/* The child `name` of the directory `parent`. */
enum ots_status ots_view_lookup(struct ots_view *view, uint64_t parent, struct ots_slice name,
                                struct ots_interrupt *interrupt, struct ots_attr *attr,
                                struct ots_error *err) OTS_MUST_CHECK;

/* Rows of a timeline that are on their way are waited for, and the timeline is measured. */
enum ots_status ots_view_getattr(struct ots_view *view, uint64_t ino,
                                 struct ots_interrupt *interrupt, struct ots_attr *attr,
                                 struct ots_error *err) OTS_MUST_CHECK;

/*
 * Wait until attributes that may be kept are not true any more, and take the inode numbers of up
 * to `max` of them; 0: interrupted. Each is told once, until its attributes are told again.
 */
size_t ots_view_take_stale(struct ots_view *view, uint64_t *inos, size_t max,
                           struct ots_interrupt *interrupt);

/* How many ever were to be taken. What an operation changed is counted when it ends. */
uint64_t ots_view_stale_count(struct ots_view *view);

/* Whether attributes of a timeline that were kept may be among those. */
bool ots_view_may_be_stale(struct ots_view *view, uint64_t ino);

/*
 * Set a modification time (NULL: none); kept until the rows change. Never waits, so `*attr` is what
 * is known: the size of a timeline that is being written may be old.
 */
enum ots_status ots_view_setattr(struct ots_view *view, uint64_t ino, const int64_t *mtime_ns,
                                 struct ots_attr *attr) OTS_MUST_CHECK;

/*
 * In the instance: create a table and wait until it can be used. In a table: a measurement that
 * lives in the mount until it has a row.
 * Errors: OTS_EXISTS, OTS_INVALID (not a name for it), OTS_NOT_PERMITTED (nothing can be made
 * there).
 */
enum ots_status ots_view_mkdir(struct ots_view *view, uint64_t parent, struct ots_slice name,
                               struct ots_interrupt *interrupt, struct ots_attr *attr,
                               struct ots_error *err) OTS_MUST_CHECK;

/*
 * Remove a measurement that lists no timelines, or (with may_delete) a table without rows.
 * Errors: OTS_NOT_PERMITTED, OTS_NOT_EMPTY.
 */
enum ots_status ots_view_rmdir(struct ots_view *view, uint64_t parent, struct ots_slice name,
                               struct ots_interrupt *interrupt,
                               struct ots_error *err) OTS_MUST_CHECK;

/*
 * Remove a staging file or another. Of a timeline (with may_delete) the metadata record is deleted
 * and the file is hidden until the timeline changes; its rows stay. Errors: OTS_NOT_PERMITTED.
 */
enum ots_status ots_view_unlink(struct ots_view *view, uint64_t parent, struct ots_slice name,
                                struct ots_interrupt *interrupt,
                                struct ots_error *err) OTS_MUST_CHECK;

enum ots_rename_flag { OTS_RENAME_NOREPLACE = 1, OTS_RENAME_EXCHANGE = 2 };

struct ots_renaming;

struct ots_rename {
    uint64_t parent;
    struct ots_slice name;
    uint64_t new_parent;
    struct ots_slice new_name;
    unsigned flags; /* of enum ots_rename_flag */
    /* NULL, or where an interrupted rename is left, for a second call that goes on with it or
     * ots_renaming_end; NULL is there at first. */
    struct ots_renaming **begun;
};

/*
 * Rename a staging file. To a timeline's name: its lines are handed over.
 * Errors: OTS_INVALID (EXCHANGE; lines were left out, the others are stored and the staging file
 * stays; a name that is neither), OTS_EXISTS, OTS_NOT_PERMITTED (not a staging file, or not a place
 * for one), OTS_OTHER_SOURCE.
 */
enum ots_status ots_view_rename(struct ots_view *view, const struct ots_rename *rename,
                                struct ots_interrupt *interrupt,
                                struct ots_error *err) OTS_MUST_CHECK;

/* Nobody goes on with it: the staging file stays, and what was handed over is stored. Accepts NULL.
 */
void ots_renaming_end(struct ots_renaming *renaming);

/* Cut a staging file, or let it grow. On a timeline it has no effect: rows cannot be deleted. */
enum ots_status ots_view_truncate(struct ots_view *view, uint64_t ino, uint64_t size_bytes,
                                  struct ots_error *err) OTS_MUST_CHECK;

/* A directory's entries at one moment, sorted bytewise. */
struct ots_listing;

enum ots_status ots_view_list(struct ots_view *view, uint64_t ino, struct ots_interrupt *interrupt,
                              struct ots_listing **out, struct ots_error *err) OTS_MUST_CHECK;
/* False beyond the last entry. `name` lives as long as the listing; an inode number of 0 must be
 * asked for by a lookup. */
bool ots_listing_entry(struct ots_view *view, const struct ots_listing *listing, size_t index,
                       struct ots_slice *name, struct ots_attr *attr);
void ots_listing_free(struct ots_listing *listing);

/* Wait until every row of the table (of all, at an instance or the root) was acknowledged.
 * Errors: OTS_IO when the service refused rows since the last call; then that is forgotten. */
enum ots_status ots_view_sync(struct ots_view *view, uint64_t ino, struct ots_interrupt *interrupt,
                              struct ots_error *err) OTS_MUST_CHECK;

/* An open timeline. */
struct ots_file;

/* With APPEND each write comes behind the one before, wherever the writer believes the end is. */
enum ots_open_mode { OTS_OPEN_READ = 1, OTS_OPEN_WRITE = 2, OTS_OPEN_APPEND = 4 };

/*
 * Open a timeline. For reading, its rows now are what the file will show, and `*attr` has their
 * exact size. Errors: OTS_UNSUPPORTED (several rows of one time in that table).
 */
enum ots_status ots_view_open(struct ots_view *view, uint64_t ino, unsigned mode,
                              struct ots_interrupt *interrupt, struct ots_file **out,
                              struct ots_attr *attr, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Make a timeline (no row yet), or a staging file, and open it. Errors: OTS_INVALID (a name of
 * neither).
 */
enum ots_status ots_view_create(struct ots_view *view, uint64_t parent, struct ots_slice name,
                                unsigned mode, struct ots_interrupt *interrupt,
                                struct ots_file **out, struct ots_attr *attr,
                                struct ots_error *err) OTS_MUST_CHECK;

/* Append up to `size` bytes of the file's text from `offset` to `out`; fewer only at its end. */
enum ots_status ots_file_read(struct ots_file *file, uint64_t offset, size_t size,
                              struct ots_interrupt *interrupt, struct ots_buf *out,
                              struct ots_error *err) OTS_MUST_CHECK;

/*
 * Lines to put. Bytes must follow those written before through this file. Lines that cannot be
 * rows are logged and left out; flush tells. With OTS_OK `*taken` bytes were taken, all of them
 * or, when it was interrupted, some. Errors: OTS_INVALID (a hole, or over 1,000 such lines).
 */
enum ots_status ots_file_write(struct ots_file *file, uint64_t offset, struct ots_slice bytes,
                               struct ots_interrupt *interrupt, size_t *taken,
                               struct ots_error *err) OTS_MUST_CHECK;

/*
 * Write what reading `from` would give, as far as `size` bytes; `*copied` of them with OTS_OK, and
 * 0 only at the end. Of timelines whose rows are at hand whole lines are copied, without making
 * text of them, and a call copies some MiB at most. Errors: OTS_UNSUPPORTED (from a file to
 * itself), OTS_CANCELLED, and those of ots_file_read and ots_file_write.
 */
enum ots_status ots_file_copy(struct ots_file *from, uint64_t from_offset, struct ots_file *to,
                              uint64_t to_offset, size_t size, struct ots_interrupt *interrupt,
                              size_t *copied, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Hand the written rows over; with is_sync wait until they are acknowledged. While somebody else
 * works on the file it says nothing, for they close it too; and nothing to who did not write last
 * (`is_writer`), a process that shares the file and ends.
 * Errors: OTS_INVALID (lines were left out since the last flush, or a last line without its end),
 * OTS_IO (the service refused rows that this file wrote, and this file has not told it yet).
 */
enum ots_status ots_file_flush(struct ots_file *file, bool is_writer,
                               struct ots_interrupt *interrupt,
                               struct ots_error *err) OTS_MUST_CHECK;

/*
 * Flush and wait until the table's rows are acknowledged. Errors: as flush; OTS_IO as long as rows
 * of the timeline were refused and no ots_view_sync has told it.
 */
enum ots_status ots_file_sync(struct ots_file *file, struct ots_interrupt *interrupt,
                              struct ots_error *err) OTS_MUST_CHECK;

/* Whether a flush of such a file ever has something to do or to say. */
bool ots_file_has_flush(const struct ots_file *file);

/* Who wrote last, in the caller's numbers; 0 until somebody does. For its is_writer. */
void ots_file_set_writer(struct ots_file *file, uint32_t writer);
uint32_t ots_file_writer(const struct ots_file *file);

void ots_file_close(struct ots_file *file);

#endif
