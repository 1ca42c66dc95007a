/*
 * An SQLite file of small items of a few kinds, each with a key of two parts, that says of itself
 * whether it is sound: every item has a sum, every kind a count. This is where SQLite is; what the
 * items mean is table_state's.
 *
 * Threads: one at a time.
 */
#ifndef OTS_STATE_ITEM_FILE_H
#define OTS_STATE_ITEM_FILE_H

#include "backend/base/slice.h"
#include "backend/base/status.h"

enum ots_item_kind {
    OTS_ITEM_META,
    OTS_ITEM_TIMELINE,
    OTS_ITEM_SHARD,
    OTS_ITEM_ENTRIES,
    OTS_ITEM_MARKS,
    OTS_ITEM_KINDS,
};

/* Of an item, with its key. SQLite refuses larger ones, also when it reads. */
enum { OTS_ITEM_BYTES_MAX = 20 * 1024 * 1024 };

struct ots_item {
    struct ots_slice first; /* any bytes, as the others */
    struct ots_slice second;
    struct ots_slice data;
};

enum ots_item_found {
    OTS_ITEM_FOUND_NONE,
    OTS_ITEM_FOUND_SOUND,
    OTS_ITEM_FOUND_OTHER,   /* of another identity; it was dropped */
    OTS_ITEM_FOUND_DAMAGED, /* moved to `<name>.damaged` */
};

struct ots_item_file;

typedef enum ots_status ots_item_visit(void *context, const struct ots_item *item);

/*
 * Open the file `name` in the directory `dir_fd`, make it when it is not there, and check it.
 * Ownership: takes the descriptor, also on failure; copies `identity`.
 * Errors: OTS_CONFLICT (another process has it), OTS_NO_SPACE, OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_item_file_open(int take_dir_fd, const char *name, struct ots_slice identity,
                                   struct ots_item_file **out, enum ots_item_found *found,
                                   struct ots_error *err) OTS_MUST_CHECK;

/*
 * Visit one item of a file that nobody has open, whatever its identity and without checking the
 * rest. `dir_fd` is borrowed. Errors: OTS_NOT_FOUND (no file, no item), OTS_CORRUPT, those of
 * opening.
 */
enum ots_status ots_item_file_peek(int dir_fd, const char *name, enum ots_item_kind kind,
                                   const struct ots_item *key, ots_item_visit *visit, void *context,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* Undoes a transaction that is under way. Accepts NULL. */
void ots_item_file_close(struct ots_item_file *file);

/*
 * Move the file aside and begin an empty one, in `take_dir_fd` from now on: its directory, which
 * may have been made anew. After an error all else fails with OTS_IO.
 */
enum ots_status ots_item_file_rebuild(struct ots_item_file *file, int take_dir_fd,
                                      struct ots_error *err) OTS_MUST_CHECK;

/*
 * Whether it is still where it was opened. Errors: OTS_CORRUPT (it was removed, so that nothing is
 * kept: ots_item_file_rebuild), OTS_IO (it is elsewhere).
 */
enum ots_status ots_item_file_check(struct ots_item_file *file,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* --- transactions; all changes belong to one --- */

enum ots_status ots_item_file_begin(struct ots_item_file *file,
                                    struct ots_error *err) OTS_MUST_CHECK;
/* An error, now or of a change before, means that nothing is stored. */
enum ots_status ots_item_file_commit(struct ots_item_file *file,
                                     struct ots_error *err) OTS_MUST_CHECK;
/* Accepts that there is none. */
void ots_item_file_rollback(struct ots_item_file *file);

/* Add or replace. Errors: OTS_LIMIT (too large), OTS_NO_SPACE, OTS_IO, OTS_CORRUPT, OTS_NOMEM. */
enum ots_status ots_item_file_put(struct ots_item_file *file, enum ots_item_kind kind,
                                  const struct ots_item *item,
                                  struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_item_file_remove(struct ots_item_file *file, enum ots_item_kind kind,
                                     struct ots_slice first, struct ots_slice second,
                                     struct ots_error *err) OTS_MUST_CHECK;
enum ots_status ots_item_file_clear(struct ots_item_file *file, enum ots_item_kind kind,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* --- reading --- */

/* In the order of keys, bytewise. What `visit` returns but OTS_OK ends it and is returned. */
enum ots_status ots_item_file_each(struct ots_item_file *file, enum ots_item_kind kind,
                                   ots_item_visit *visit, void *context,
                                   struct ots_error *err) OTS_MUST_CHECK;
/* Visit the one item. OTS_NOT_FOUND leaves `err` alone. */
enum ots_status ots_item_file_get(struct ots_item_file *file, enum ots_item_kind kind,
                                  struct ots_slice first, struct ots_slice second,
                                  ots_item_visit *visit, void *context,
                                  struct ots_error *err) OTS_MUST_CHECK;

#endif
