/*
 * What is known of a table, kept across mounts: its timelines (size, rows, hash, mtime, and
 * places in the text of long ones), how far each shard of its stream was read, our own rows that
 * the follower has not passed yet, and a few numbers. One SQLite file for each table,
 * `tables/<table>.db` in the source's directory, that only its owner may read. `<table>.db.damaged`
 * is the last one that could not be used.
 *
 * All changes are made in transactions. After a kill at any moment the file holds all of a
 * transaction or nothing of it; one whose commit returned is there. After a crash of the machine
 * the last ones may be missing, but none is there in part: SQLite's write-ahead log is synced when
 * it is copied into the file (about every 16 MB), not at each commit. So a commit costs no sync,
 * and now and then one waits for the disk: hold no lock that readers need.
 *
 * Nothing read from the file is trusted. Each row of it has a sum and each kind of row a count;
 * opening reads all of them once (0.2 to 0.3 s for a million timelines) and puts a file
 * aside in which anything differs. What is read later can only be wrong if the disk errs then.
 *
 * Memory is bounded, whatever the file's size: about 4 MB for each open table.
 *
 * Statuses that a caller decides about: OTS_NO_SPACE and OTS_IO (nothing of the transaction is
 * stored, roll it back; what was there before stays), OTS_CORRUPT (see ots_table_state_rebuild).
 * Threads: one at a time.
 */
#ifndef OTS_STATE_TABLE_STATE_H
#define OTS_STATE_TABLE_STATE_H

#include "backend/base/slice.h"
#include "backend/base/status.h"

struct ots_table_state;

/* What ots_table_state_open found. In all cases but LOADED the state is empty. */
enum ots_table_state_outcome {
    OTS_TABLE_STATE_FRESH,   /* no file, or one in which nothing was committed */
    OTS_TABLE_STATE_LOADED,  /* a sound one, with the same identity */
    OTS_TABLE_STATE_OTHER,   /* of another identity: it was dropped */
    OTS_TABLE_STATE_DAMAGED, /* it was put aside */
};

/* Bounds of what can be put; a longer one is OTS_LIMIT. */
enum {
    OTS_TABLE_STATE_NAME_BYTES_MAX = 4096,        /* of each name and each id */
    OTS_TABLE_STATE_BLOB_BYTES_MAX = 1024 * 1024, /* a key, marks, an iterator, the identity */
    OTS_TABLE_STATE_GROUP_BYTES_MAX = 16 * 1024 * 1024, /* a group's entries, packed */
};

/*
 * A timeline. `measurement` and `file` are its names, any bytes, and together its key; all else is
 * kept as it is given. `key` is for what a name does not tell (it may be empty).
 */
struct ots_known_timeline {
    struct ots_slice measurement;
    struct ots_slice file;
    struct ots_slice key;
    uint64_t size_bytes;
    uint64_t row_count;
    int64_t first_time_us;
    int64_t last_time_us;
    uint64_t hash;
    int64_t mtime_ns;
    int64_t seen_us;
    uint32_t flags;
};

/* How far a shard was read; `id` is its key. */
struct ots_known_shard {
    struct ots_slice id;
    struct ots_slice parent;
    struct ots_slice sibling;
    struct ots_slice iterator;
    bool is_ended;
};

/* A row of our own that the follower has not passed. */
struct ots_known_entry {
    struct ots_slice measurement;
    struct ots_slice file;
    int64_t time_us;
    uint64_t hash;
    uint32_t size_bytes;
    uint32_t flags;
};

/*
 * Open `table`'s state in `dir_fd`, the source's directory (only needed for the call), which the
 * caller has locked. `identity` is what all that is known depends on; any bytes, copied.
 * Errors: OTS_CONFLICT (another process has the file open), OTS_IO, OTS_NO_SPACE, OTS_NOMEM.
 */
enum ots_status ots_table_state_open(int dir_fd, struct ots_slice table, struct ots_slice identity,
                                     struct ots_table_state **out,
                                     enum ots_table_state_outcome *outcome,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* A transaction that was not committed is undone. Accepts NULL. */
void ots_table_state_close(struct ots_table_state *state);

/*
 * Put the file aside and begin an empty one, of the same identity; for OTS_CORRUPT. `dir_fd` as
 * above: its directory is made anew when it is gone. A transaction is undone. After an error all
 * else may fail with OTS_IO until this succeeds. Errors: OTS_IO, OTS_NO_SPACE, OTS_NOMEM.
 */
enum ots_status ots_table_state_rebuild(struct ots_table_state *state, int dir_fd,
                                        struct ots_error *err) OTS_MUST_CHECK;

/*
 * Whether the file is still where it was opened. Errors: OTS_CORRUPT (it was removed, so that
 * nothing is kept; see ots_table_state_rebuild), OTS_IO (its directory was moved).
 */
enum ots_status ots_table_state_check(struct ots_table_state *state,
                                      struct ots_error *err) OTS_MUST_CHECK;

/*
 * The modification time of a timeline or directory in a file that nobody has open, as it was put
 * last: cheap, for nothing else of the file is looked at, nor its identity.
 * Errors: OTS_NOT_FOUND, and all that says that the file cannot be used.
 */
enum ots_status ots_table_state_peek_mtime(int dir_fd, struct ots_slice table,
                                           struct ots_slice measurement, struct ots_slice file,
                                           int64_t *mtime_ns, struct ots_error *err) OTS_MUST_CHECK;

/* --- reading ----------------------------------------------------------------------------------
 * Visitors are called in the order of keys (bytewise), with slices that are borrowed for the call;
 * they must not change the state. What they return but OTS_OK ends the visit and is returned.
 * Within a transaction its changes are seen.
 */
typedef enum ots_status ots_known_timeline_visit(void *context,
                                                 const struct ots_known_timeline *timeline);
/* `marks` are any bytes. */
typedef enum ots_status ots_known_marks_visit(void *context, struct ots_slice measurement,
                                              struct ots_slice file, struct ots_slice marks);
typedef enum ots_status ots_known_shard_visit(void *context, const struct ots_known_shard *shard);
/* Entries of a group come in the order in which they were put, groups in that of their numbers. */
typedef enum ots_status ots_known_entry_visit(void *context, uint64_t group,
                                              const struct ots_known_entry *entry);

enum ots_status ots_table_state_each_timeline(struct ots_table_state *state,
                                              ots_known_timeline_visit *visit, void *context,
                                              struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_table_state_each_marks(struct ots_table_state *state,
                                           ots_known_marks_visit *visit, void *context,
                                           struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_table_state_each_shard(struct ots_table_state *state,
                                           ots_known_shard_visit *visit, void *context,
                                           struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_table_state_each_entry(struct ots_table_state *state,
                                           ots_known_entry_visit *visit, void *context,
                                           struct ots_error *err) OTS_MUST_CHECK;

/* A number by its name; OTS_NOT_FOUND leaves `*value` and `err` alone. */
enum ots_status ots_table_state_get_meta(struct ots_table_state *state, const char *name,
                                         int64_t *value, struct ots_error *err) OTS_MUST_CHECK;

/* --- changing ---------------------------------------------------------------------------------
 * Only between begin and commit. When one of them fails, the transaction must be rolled back; but
 * OTS_LIMIT (a name, a blob or a group is too long) changes nothing, and what follows is kept.
 */
enum ots_status ots_table_state_begin(struct ots_table_state *state,
                                      struct ots_error *err) OTS_MUST_CHECK;
/* When it fails the transaction is rolled back. */
enum ots_status ots_table_state_commit(struct ots_table_state *state,
                                       struct ots_error *err) OTS_MUST_CHECK;
/* Does nothing outside of a transaction. */
void ots_table_state_rollback(struct ots_table_state *state);

/* Add it or replace what is known of it. In the order of their names many are faster. */
enum ots_status ots_table_state_put_timeline(struct ots_table_state *state,
                                             const struct ots_known_timeline *timeline,
                                             struct ots_error *err) OTS_MUST_CHECK;
/* Removing what is not there is no error, here and below. */
enum ots_status ots_table_state_remove_timeline(struct ots_table_state *state,
                                                struct ots_slice measurement, struct ots_slice file,
                                                struct ots_error *err) OTS_MUST_CHECK;
/* All of them, at once. */
enum ots_status ots_table_state_clear_timelines(struct ots_table_state *state,
                                                struct ots_error *err) OTS_MUST_CHECK;

/* Marks are kept apart from their timeline, because they change seldom: who removes or clears
 * timelines has to do so with marks too. */
enum ots_status ots_table_state_put_marks(struct ots_table_state *state,
                                          struct ots_slice measurement, struct ots_slice file,
                                          struct ots_slice marks,
                                          struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_table_state_remove_marks(struct ots_table_state *state,
                                             struct ots_slice measurement, struct ots_slice file,
                                             struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_table_state_clear_marks(struct ots_table_state *state,
                                            struct ots_error *err) OTS_MUST_CHECK;

enum ots_status ots_table_state_put_shard(struct ots_table_state *state,
                                          const struct ots_known_shard *shard,
                                          struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_table_state_clear_shards(struct ots_table_state *state,
                                             struct ots_error *err) OTS_MUST_CHECK;

/*
 * Make these the entries of `group`, a number of the caller's choice (that of a batch, say). A
 * group is written as a whole, so a few hundred to a few thousand entries are best; entries of one
 * timeline after each other take less space.
 */
enum ots_status ots_table_state_put_entries(struct ots_table_state *state, uint64_t group,
                                            const struct ots_known_entry *entries, size_t count,
                                            struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_table_state_remove_entries(struct ots_table_state *state, uint64_t group,
                                               struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_table_state_clear_entries(struct ots_table_state *state,
                                              struct ots_error *err) OTS_MUST_CHECK;

enum ots_status ots_table_state_set_meta(struct ots_table_state *state, const char *name,
                                         int64_t value, struct ots_error *err) OTS_MUST_CHECK;

#endif
