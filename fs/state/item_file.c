/*
 * The file has one table of SQLite for each kind, and `header` with a single item: the identity
 * and how many items there are of each kind, written with every transaction. All keys and values
 * are blobs, the last 8 bytes of a value are the sum of the item.
 *
 * The journal is a write-ahead log: a commit appends to it, so a kill leaves whole transactions.
 * `synchronous=NORMAL` syncs the log before it is copied into the file and the file after that,
 * so a crash of the machine only loses what is behind the last sync. OFF would cost no sync at
 * all, but then a crash may leave a file that has to be put aside, and with it the mtimes that
 * tools had set.
 *
 * `locking_mode=EXCLUSIVE`: whoever opens the file has it alone, so SQLite needs no shared memory
 * file and no locking at each transaction. Its lock is one of POSIX, which closing any other
 * descriptor of the file would drop; here that is closed before SQLite opens the file.
 */
#include "fs/state/item_file.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "backend/base/take.h"
#include "fs/state/db_files.h"
#include "fs/state/file_name.h"
#include "fs/state/item_db.h"

enum { SUM_BYTES = sizeof(uint64_t) };

struct ots_item_file {
    int dir_fd;
    char name[OTS_STATE_NAME_BYTES];
    struct ots_buf identity;
    struct ots_item_db db;           /* closed after a failure to open it again */
    bool is_adding[OTS_ITEM_TABLES]; /* the last put added: the next is likely to */
    bool is_changing;                /* within a transaction */
    enum ots_status failure;         /* of a change in this transaction */
    uint64_t counts[OTS_ITEM_TABLES];
    uint64_t counts_before[OTS_ITEM_TABLES]; /* the transaction */
    struct ots_buf data;                     /* what is being put */
    struct ots_buf last;                     /* key of the last item visited */
};

/* --- errors -----------------------------------------------------------------------------------*/

static enum ots_status fail(struct ots_item_file *file, int code, struct ots_error *err)
{
    int primary = code & 0xff;
    int errnum = sqlite3_system_errno(file->db.db);
    bool has_errno = errnum && (primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN);
    return ots_error_set(err, ots_item_db_status(&file->db, code), "the state %s: %s", file->name,
                         has_errno ? strerror(errnum) : sqlite3_errstr(code));
}

/* After a file could not be opened again. */
static enum ots_status closed(struct ots_item_file *file, struct ots_error *err)
{
    return ots_error_set(err, OTS_IO, "the state %s could not be opened", file->name);
}

static enum ots_status damaged(struct ots_item_file *file, const char *what, struct ots_error *err)
{
    return ots_error_set(err, OTS_CORRUPT, "the state %s: %s", file->name, what);
}

/* --- sums -------------------------------------------------------------------------------------*/

/* Each step is a bijection of `sum`, so that no change within one word can go unseen. */
static uint64_t mix(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * 0x9e3779b97f4a7c15U;
    return sum ^ sum >> 29;
}

static uint64_t mix_slice(uint64_t sum, struct ots_slice bytes)
{
    uint64_t word;
    sum = mix(sum, bytes.size);
    for (; bytes.size >= sizeof(word); bytes = ots_slice(bytes.data + 8, bytes.size - 8)) {
        memcpy(&word, bytes.data, sizeof(word));
        sum = mix(sum, le64toh(word));
    }
    word = 0;
    if (bytes.size)
        memcpy(&word, bytes.data, bytes.size);
    return mix(sum, le64toh(word));
}

static uint64_t sum_of(size_t table, const struct ots_item *item)
{
    uint64_t sum = mix(0x6f7473, table);
    sum = mix_slice(sum, item->first);
    sum = mix_slice(sum, item->second);
    return mix_slice(sum, item->data);
}

/* --- items ------------------------------------------------------------------------------------*/

/* The item at which `statement` is; false: it is not as it was put. */
static bool read_item(sqlite3_stmt *statement, size_t table, struct ots_item *item)
{
    uint64_t sum;
    if (!ots_item_db_read(statement, item) || item->data.size < SUM_BYTES)
        return false;
    item->data.size -= SUM_BYTES;
    memcpy(&sum, item->data.data + item->data.size, sizeof(sum));
    return le64toh(sum) == sum_of(table, item);
}

/* How the last item's key, of which `first_size` bytes are the first part, compares. */
static int compare_last(const struct ots_item_file *file, size_t first_size,
                        const struct ots_item *item)
{
    struct ots_slice first = ots_slice(file->last.data, first_size);
    struct ots_slice second = OTS_SLICE_NONE;
    if (file->last.size > first_size)
        second = ots_slice(file->last.data + first_size, file->last.size - first_size);
    int order = ots_slice_compare(first, item->first);
    return order ? order : ots_slice_compare(second, item->second);
}

/* Visit what `statement` gives. `visit` may be NULL: the items are only checked. */
static enum ots_status visit_items(struct ots_item_file *file, sqlite3_stmt *statement,
                                   size_t table, ots_item_visit *visit, void *context,
                                   struct ots_error *err)
{
    struct ots_item item;
    uint64_t count = 0;
    size_t first_size = 0;
    int code;
    ots_buf_reset(&file->last);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (!read_item(statement, table, &item))
            return damaged(file, "an item's sum is wrong", err);
        /* They ascend strictly: pages that point to each other cannot keep us going round. */
        if (count && compare_last(file, first_size, &item) >= 0)
            return damaged(file, "items are out of order", err);
        ots_buf_reset(&file->last);
        ots_buf_append_slice(&file->last, item.first);
        ots_buf_append_slice(&file->last, item.second);
        first_size = item.first.size;
        if (ots_buf_status(&file->last) != OTS_OK)
            return ots_error_set(err, OTS_NOMEM, "out of memory");
        count++;
        enum ots_status status = visit ? visit(context, &item) : OTS_OK;
        if (status != OTS_OK)
            return status;
    }
    if (code != SQLITE_DONE)
        return fail(file, code, err);
    return count == file->counts[table] ? OTS_OK : damaged(file, "items are missing", err);
}

static enum ots_status each(struct ots_item_file *file, size_t table, ots_item_visit *visit,
                            void *context, struct ots_error *err)
{
    sqlite3_stmt *statement = NULL;
    int code = ots_item_db_select_all(&file->db, table, &statement);
    enum ots_status status = code == SQLITE_OK
                                 ? visit_items(file, statement, table, visit, context, err)
                                 : fail(file, code, err);
    sqlite3_finalize(statement);
    return status;
}

static int add_or_replace(struct ots_item_file *file, size_t table, bool is_added,
                          const struct ots_item *item, int *changed)
{
    enum ots_item_statement which = is_added ? OTS_ITEM_INSERT : OTS_ITEM_UPDATE;
    return ots_item_db_run(&file->db, table, which, item, changed);
}

static int put(struct ots_item_file *file, size_t table, const struct ots_item *item)
{
    struct ots_item summed = *item;
    ots_buf_reset(&file->data);
    ots_buf_append_slice(&file->data, item->data);
    ots_buf_append_u64le(&file->data, sum_of(table, item));
    if (ots_buf_status(&file->data) != OTS_OK)
        return SQLITE_NOMEM;
    summed.data = ots_buf_slice(&file->data);

    int changed = 0;
    bool is_added = file->is_adding[table];
    int code = add_or_replace(file, table, is_added, &summed, &changed);
    if (code == SQLITE_OK && !changed) {
        is_added = !is_added;
        code = add_or_replace(file, table, is_added, &summed, &changed);
    }
    file->is_adding[table] = is_added;
    if (code == SQLITE_OK && is_added)
        file->counts[table]++;
    return code == SQLITE_OK && changed != 1 ? SQLITE_CORRUPT : code;
}

/* --- the header -------------------------------------------------------------------------------*/

static int put_header(struct ots_item_file *file)
{
    struct ots_buf text = OTS_BUF_INIT;
    for (size_t kind = 0; kind < OTS_ITEM_KINDS; kind++)
        ots_buf_append_u64le(&text, file->counts[kind]);
    ots_buf_append_slice(&text, ots_buf_slice(&file->identity));
    struct ots_item item = {.data = ots_buf_slice(&text)};
    int code = ots_buf_status(&text) == OTS_OK ? put(file, OTS_ITEM_HEADER, &item) : SQLITE_NOMEM;
    ots_buf_deinit(&text);
    return code;
}

static enum ots_status read_header(void *context, const struct ots_item *item)
{
    struct ots_item_file *file = context;
    struct ots_slice rest = item->data;
    if (item->first.size || item->second.size)
        return OTS_CORRUPT;
    for (size_t kind = 0; kind < OTS_ITEM_KINDS; kind++)
        if (!ots_take_u64le(&rest, &file->counts[kind]))
            return OTS_CORRUPT;
    return ots_slice_equal(rest, ots_buf_slice(&file->identity)) ? OTS_OK : OTS_OTHER_SOURCE;
}

/* --- the file ---------------------------------------------------------------------------------*/

static enum ots_status open_db(struct ots_item_file *file, struct ots_error *err)
{
    char path[PATH_MAX];
    enum ots_status status = ots_db_files_make(file->dir_fd, file->name, path, err);
    if (status != OTS_OK)
        return status;
    int code = ots_item_db_open(&file->db, path);
    return code == SQLITE_OK ? OTS_OK : fail(file, code, err);
}

static void close_db(struct ots_item_file *file)
{
    ots_item_db_close(&file->db);
    memset(file->counts, 0, sizeof(file->counts));
    memset(file->is_adding, 0, sizeof(file->is_adding));
    file->is_changing = false;
    file->failure = OTS_OK;
}

/* --- making and checking ----------------------------------------------------------------------*/

static int create_tables(struct ots_item_file *file)
{
    int code = ots_item_db_execute(&file->db, "BEGIN IMMEDIATE");
    if (code == SQLITE_OK)
        code = ots_item_db_make_tables(&file->db);
    if (code == SQLITE_OK)
        code = put_header(file);
    return code == SQLITE_OK ? ots_item_db_execute(&file->db, "COMMIT") : code;
}

static enum ots_status check_items(struct ots_item_file *file, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    for (size_t kind = 0; kind < OTS_ITEM_KINDS && status == OTS_OK; kind++)
        status = each(file, kind, NULL, NULL, err);
    /* The pages that this has read are of no use to an idle table. */
    sqlite3_db_release_memory(file->db.db);
    return status;
}

static enum ots_status get(struct ots_item_file *file, size_t table, const struct ots_item *key,
                           ots_item_visit *visit, void *context, struct ots_error *err)
{
    struct ots_item item;
    sqlite3_stmt *statement;
    int code = ots_item_db_select(&file->db, table, key, &statement);
    enum ots_status status = OTS_NOT_FOUND;
    if (code == SQLITE_ROW)
        status = read_item(statement, table, &item) ? visit(context, &item)
                                                    : damaged(file, "an item's sum is wrong", err);
    else if (code != SQLITE_DONE)
        status = fail(file, code, err);
    sqlite3_reset(statement);
    return status;
}

static enum ots_status open_and_check(struct ots_item_file *file, enum ots_item_found *found,
                                      struct ots_error *err)
{
    bool is_new = false;
    enum ots_status status = open_db(file, err);
    if (status != OTS_OK)
        return status;
    int code = ots_item_db_check_tables(&file->db, &is_new);
    if (code == SQLITE_OK && is_new)
        code = create_tables(file);
    *found = is_new ? OTS_ITEM_FOUND_NONE : OTS_ITEM_FOUND_SOUND;
    if (code != SQLITE_OK)
        return fail(file, code, err);
    if (is_new)
        return OTS_OK;
    status = get(file, OTS_ITEM_HEADER, &(struct ots_item){0}, read_header, file, err);
    if (status == OTS_OTHER_SOURCE) {
        *found = OTS_ITEM_FOUND_OTHER;
        return OTS_OK;
    }
    if (status == OTS_NOT_FOUND || status == OTS_CORRUPT)
        return damaged(file, "no header", err);
    return status == OTS_OK ? check_items(file, err) : status;
}

/* What cannot be used is replaced by an empty file. */
static enum ots_status open_or_replace(struct ots_item_file *file, enum ots_item_found *found,
                                       struct ots_error *err)
{
    enum ots_item_found again;
    enum ots_status status = open_and_check(file, found, err);
    if (status == OTS_CORRUPT)
        *found = OTS_ITEM_FOUND_DAMAGED;
    else if (status != OTS_OK || *found != OTS_ITEM_FOUND_OTHER)
        return status;
    close_db(file);
    status = *found == OTS_ITEM_FOUND_DAMAGED
                 ? ots_db_files_move_aside(file->dir_fd, file->name, err)
                 : ots_db_files_unlink(file->dir_fd, file->name, err);
    return status == OTS_OK ? open_and_check(file, &again, err) : status;
}

enum ots_status ots_item_file_open(int take_dir_fd, const char *name, struct ots_slice identity,
                                   struct ots_item_file **out, enum ots_item_found *found,
                                   struct ots_error *err)
{
    struct ots_item_file *file = calloc(1, sizeof(*file));
    if (!file) {
        close(take_dir_fd);
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    }
    file->dir_fd = take_dir_fd;
    snprintf(file->name, sizeof(file->name), "%s", name);
    ots_buf_append_slice(&file->identity, identity);
    enum ots_status status = ots_buf_status(&file->identity);
    if (status == OTS_OK)
        status = open_or_replace(file, found, err);
    else
        ots_error_set(err, status, "out of memory");
    if (status != OTS_OK) {
        ots_item_file_close(file);
        return status;
    }
    *out = file;
    return OTS_OK;
}

enum ots_status ots_item_file_peek(int dir_fd, const char *name, enum ots_item_kind kind,
                                   const struct ots_item *key, ots_item_visit *visit, void *context,
                                   struct ots_error *err)
{
    struct ots_item_file file = {.dir_fd = dir_fd};
    /* Opening would make it. */
    if (faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return OTS_NOT_FOUND;
    snprintf(file.name, sizeof(file.name), "%s", name);
    enum ots_status status = open_db(&file, err);
    if (status == OTS_OK)
        status = get(&file, kind, key, visit, context, err);
    close_db(&file);
    return status;
}

void ots_item_file_close(struct ots_item_file *file)
{
    if (!file)
        return;
    close_db(file);
    close(file->dir_fd);
    ots_buf_deinit(&file->identity);
    ots_buf_deinit(&file->data);
    ots_buf_deinit(&file->last);
    free(file);
}

enum ots_status ots_item_file_rebuild(struct ots_item_file *file, int take_dir_fd,
                                      struct ots_error *err)
{
    enum ots_item_found found;
    close_db(file);
    close(file->dir_fd);
    file->dir_fd = take_dir_fd;
    enum ots_status status = ots_db_files_move_aside(file->dir_fd, file->name, err);
    if (status == OTS_OK)
        status = open_and_check(file, &found, err);
    if (status != OTS_OK)
        close_db(file);
    return status;
}

enum ots_status ots_item_file_check(struct ots_item_file *file, struct ots_error *err)
{
    if (!file->db.db)
        return closed(file, err);
    if (!ots_item_db_has_moved(&file->db))
        return OTS_OK;
    if (faccessat(file->dir_fd, file->name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        return damaged(file, "it was removed", err);
    return ots_error_set(err, OTS_IO, "the state %s was moved", file->name);
}

/* --- transactions -----------------------------------------------------------------------------*/

enum ots_status ots_item_file_begin(struct ots_item_file *file, struct ots_error *err)
{
    assert(!file->is_changing);
    if (!file->db.db)
        return closed(file, err);
    int code = ots_item_db_execute(&file->db, "BEGIN IMMEDIATE");
    if (code != SQLITE_OK)
        return fail(file, code, err);
    file->is_changing = true;
    file->failure = OTS_OK;
    memcpy(file->counts_before, file->counts, sizeof(file->counts));
    return OTS_OK;
}

void ots_item_file_rollback(struct ots_item_file *file)
{
    if (!file->is_changing)
        return;
    /* SQLite has done it already after some errors. */
    if (!sqlite3_get_autocommit(file->db.db))
        ots_item_db_execute(&file->db, "ROLLBACK");
    file->is_changing = false;
    memcpy(file->counts, file->counts_before, sizeof(file->counts));
}

/* After a failure SQLite may have left the transaction: nothing may be done outside of it. */
static enum ots_status after_change(struct ots_item_file *file, int code, struct ots_error *err)
{
    if (code != SQLITE_OK)
        file->failure = fail(file, code, err);
    return file->failure;
}

static enum ots_status before_change(struct ots_item_file *file, struct ots_error *err)
{
    assert(file->is_changing);
    if (file->failure == OTS_OK)
        return OTS_OK;
    return ots_error_set(err, file->failure, "the state %s: the transaction has failed",
                         file->name);
}

enum ots_status ots_item_file_commit(struct ots_item_file *file, struct ots_error *err)
{
    enum ots_status status = before_change(file, err);
    if (status == OTS_OK)
        status = after_change(file, put_header(file), err);
    if (status == OTS_OK)
        status = after_change(file, ots_item_db_execute(&file->db, "COMMIT"), err);
    if (status == OTS_OK)
        file->is_changing = false;
    else
        ots_item_file_rollback(file);
    return status;
}

enum ots_status ots_item_file_put(struct ots_item_file *file, enum ots_item_kind kind,
                                  const struct ots_item *item, struct ots_error *err)
{
    enum ots_status status = before_change(file, err);
    if (status != OTS_OK)
        return status;
    if (item->first.size + item->second.size + item->data.size > OTS_ITEM_BYTES_MAX - 1024)
        return ots_error_set(err, OTS_LIMIT, "the state %s: an item is too large", file->name);
    return after_change(file, put(file, kind, item), err);
}

enum ots_status ots_item_file_remove(struct ots_item_file *file, enum ots_item_kind kind,
                                     struct ots_slice first, struct ots_slice second,
                                     struct ots_error *err)
{
    int removed = 0;
    enum ots_status status = before_change(file, err);
    if (status != OTS_OK)
        return status;
    struct ots_item item = {first, second, OTS_SLICE_NONE};
    int code = ots_item_db_run(&file->db, kind, OTS_ITEM_REMOVE, &item, &removed);
    if (code == SQLITE_OK && removed)
        file->counts[kind]--;
    return after_change(file, code, err);
}

enum ots_status ots_item_file_clear(struct ots_item_file *file, enum ots_item_kind kind,
                                    struct ots_error *err)
{
    int removed;
    enum ots_status status = before_change(file, err);
    if (status != OTS_OK)
        return status;
    int code = ots_item_db_run(&file->db, kind, OTS_ITEM_CLEAR, &(struct ots_item){0}, &removed);
    if (code == SQLITE_OK)
        file->counts[kind] = 0;
    return after_change(file, code, err);
}

/* --- reading ----------------------------------------------------------------------------------*/

enum ots_status ots_item_file_each(struct ots_item_file *file, enum ots_item_kind kind,
                                   ots_item_visit *visit, void *context, struct ots_error *err)
{
    if (!file->db.db)
        return closed(file, err);
    enum ots_status status = each(file, kind, visit, context, err);
    if (!file->is_changing)
        sqlite3_db_release_memory(file->db.db);
    return status;
}

enum ots_status ots_item_file_get(struct ots_item_file *file, enum ots_item_kind kind,
                                  struct ots_slice first, struct ots_slice second,
                                  ots_item_visit *visit, void *context, struct ots_error *err)
{
    if (!file->db.db)
        return closed(file, err);
    struct ots_item key = {first, second, OTS_SLICE_NONE};
    return get(file, kind, &key, visit, context, err);
}
