/*
 * The items are rows of a temporary SQLite database in the order in which they came. To go over
 * them in the order of their keys is one statement, which SQLite carries out as a merge sort of
 * runs that fit into its cache; items with equal keys come in the order in which they were added.
 */
#include "fs/state/window_sorter.h"

#include <limits.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "backend/base/buf.h"

enum { PROGRESS_STEPS = 10000, KIB = 1024 };

struct ots_window_sorter {
    sqlite3 *db;
    sqlite3_stmt *insert;
    struct ots_buf key; /* of the item that is looked at, and its value */
    struct ots_buf value;
};

static enum ots_status status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return OTS_NOMEM;
    case SQLITE_FULL:
        return OTS_NO_SPACE;
    case SQLITE_TOOBIG:
        return OTS_LIMIT;
    case SQLITE_INTERRUPT:
        return OTS_CANCELLED;
    default:
        return OTS_IO;
    }
}

static enum ots_status failed(const struct ots_window_sorter *sorter, int code,
                              struct ots_error *err)
{
    const char *reason = sorter->db ? sqlite3_errmsg(sorter->db) : sqlite3_errstr(code);
    return ots_error_set(err, status_of(code), "temporary database: %s", reason);
}

static int open_db(struct ots_window_sorter *sorter)
{
    /* An empty name: in the cache, and beyond that in a file that has no name. */
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2("", &sorter->db, flags, NULL);
    char *settings = sqlite3_mprintf("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                                     "PRAGMA temp_store = FILE; PRAGMA cache_size = -%d;"
                                     "CREATE TABLE items (key BLOB, value BLOB); BEGIN",
                                     OTS_WINDOW_SORTER_BYTES_MAX / KIB);
    if (code == SQLITE_OK)
        code = settings ? sqlite3_exec(sorter->db, settings, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(settings);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(sorter->db, "INSERT INTO items VALUES (?, ?)", -1,
                                  &sorter->insert, NULL);
    return code;
}

enum ots_status ots_window_sorter_new(struct ots_window_sorter **out, struct ots_error *err)
{
    *out = NULL;
    struct ots_window_sorter *sorter = calloc(1, sizeof(*sorter));
    if (!sorter)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    int code = open_db(sorter);
    if (code != SQLITE_OK) {
        enum ots_status status = failed(sorter, code, err);
        ots_window_sorter_free(sorter);
        return status;
    }
    *out = sorter;
    return OTS_OK;
}

void ots_window_sorter_free(struct ots_window_sorter *sorter)
{
    if (!sorter)
        return;
    sqlite3_finalize(sorter->insert);
    sqlite3_close(sorter->db);
    ots_buf_deinit(&sorter->key);
    ots_buf_deinit(&sorter->value);
    free(sorter);
}

static int bind(sqlite3_stmt *statement, int index, struct ots_slice bytes)
{
    return bytes.size ? sqlite3_bind_blob64(statement, index, bytes.data, bytes.size, SQLITE_STATIC)
                      : sqlite3_bind_zeroblob(statement, index, 0);
}

enum ots_status ots_window_sorter_add(struct ots_window_sorter *sorter, struct ots_slice key,
                                      struct ots_slice value, struct ots_error *err)
{
    int code = bind(sorter->insert, 1, key);
    if (code == SQLITE_OK)
        code = bind(sorter->insert, 2, value);
    if (code == SQLITE_OK)
        code = sqlite3_step(sorter->insert);
    enum ots_status status = code == SQLITE_DONE ? OTS_OK : failed(sorter, code, err);
    sqlite3_reset(sorter->insert);
    return status;
}

/* --- going over them --------------------------------------------------------------------------*/

struct walk {
    struct ots_window_sorter *sorter;
    enum ots_status (*visit)(void *context, struct ots_slice key, struct ots_slice value);
    void *context;
    bool has_item; /* in the sorter's bufs; one with an equal key may follow */
};

static int is_interrupted(void *interrupt)
{
    return ots_interrupt_is_raised(interrupt);
}

static struct ots_slice column(sqlite3_stmt *statement, int index)
{
    const void *bytes = sqlite3_column_blob(statement, index);
    return ots_slice(bytes, (size_t)sqlite3_column_bytes(statement, index));
}

static enum ots_status visit_item(struct walk *walk)
{
    struct ots_window_sorter *sorter = walk->sorter;
    if (!walk->has_item)
        return OTS_OK;
    walk->has_item = false;
    return walk->visit(walk->context, ots_buf_slice(&sorter->key), ots_buf_slice(&sorter->value));
}

/* A next item: those before it with the same key do not count. */
static enum ots_status pass_item(struct walk *walk, sqlite3_stmt *statement)
{
    struct ots_window_sorter *sorter = walk->sorter;
    struct ots_slice key = column(statement, 0);
    enum ots_status status = OTS_OK;
    if (walk->has_item && !ots_slice_equal(ots_buf_slice(&sorter->key), key))
        status = visit_item(walk);
    if (status != OTS_OK)
        return status;
    ots_buf_reset(&sorter->key);
    ots_buf_reset(&sorter->value);
    ots_buf_append_slice(&sorter->key, key);
    ots_buf_append_slice(&sorter->value, column(statement, 1));
    walk->has_item = true;
    status = ots_buf_status(&sorter->key);
    return status == OTS_OK ? ots_buf_status(&sorter->value) : status;
}

static enum ots_status walk_items(struct walk *walk, sqlite3_stmt *statement, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    int code = SQLITE_OK;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW && status == OTS_OK)
        status = pass_item(walk, statement);
    if (status != OTS_OK)
        return status;
    return code == SQLITE_DONE ? visit_item(walk) : failed(walk->sorter, code, err);
}

enum ots_status ots_window_sorter_each(struct ots_window_sorter *sorter,
                                       enum ots_status (*visit)(void *context, struct ots_slice key,
                                                                struct ots_slice value),
                                       void *context, struct ots_interrupt *interrupt,
                                       struct ots_error *err)
{
    struct walk walk = {.sorter = sorter, .visit = visit, .context = context};
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(sorter->db, "SELECT key, value FROM items ORDER BY key, rowid",
                                  -1, &statement, NULL);
    if (code != SQLITE_OK)
        return failed(sorter, code, err);
    sqlite3_progress_handler(sorter->db, PROGRESS_STEPS, is_interrupted, interrupt);
    enum ots_status status = walk_items(&walk, statement, err);
    sqlite3_progress_handler(sorter->db, 0, NULL, NULL);
    sqlite3_finalize(statement);
    return status;
}
