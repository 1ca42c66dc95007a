#include "fs/state/item_db.h"

#include <errno.h>
#include <stdio.h>

enum { BUSY_MS = 1000, SQL_BYTES = 160 };

static const char *const TABLE_NAMES[OTS_ITEM_TABLES] = {"meta",    "timelines", "shards",
                                                         "entries", "marks",     "header"};

#define CREATE_TABLE                                                                               \
    "CREATE TABLE %s (first BLOB, second BLOB, data BLOB, "                                        \
    "PRIMARY KEY (first, second)) WITHOUT ROWID"

static const char *const STATEMENT_TEXTS[OTS_ITEM_STATEMENTS] = {
    [OTS_ITEM_INSERT] = "INSERT OR IGNORE INTO %s VALUES (?1, ?2, ?3)",
    [OTS_ITEM_UPDATE] = "UPDATE %s SET data = ?3 WHERE first = ?1 AND second = ?2",
    [OTS_ITEM_REMOVE] = "DELETE FROM %s WHERE first = ?1 AND second = ?2",
    [OTS_ITEM_SELECT] = "SELECT first, second, data FROM %s WHERE first = ?1 AND second = ?2",
    [OTS_ITEM_CLEAR] = "DELETE FROM %s",
};

enum ots_status ots_item_db_status(struct ots_item_db *db, int code)
{
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return OTS_NOMEM;
    case SQLITE_FULL:
        return OTS_NO_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return OTS_CONFLICT;
    /* Our statements and our bounds are right, so the file is wrong. */
    case SQLITE_ERROR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_TOOBIG:
    case SQLITE_READONLY:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_SCHEMA:
        return OTS_CORRUPT;
    default:
        break;
    }
    if (code == SQLITE_IOERR_NOMEM)
        return OTS_NOMEM;
    if (code == SQLITE_IOERR_CORRUPTFS)
        return OTS_CORRUPT;
    int errnum = sqlite3_system_errno(db->db);
    bool is_full = errnum == ENOSPC || errnum == EDQUOT || errnum == EFBIG;
    return (code & 0xff) == SQLITE_IOERR && is_full ? OTS_NO_SPACE : OTS_IO;
}

/* --- statements -------------------------------------------------------------------------------*/

/* The texts are constants of this file, each with one %s for the table's name. */
static void fill_name(char sql[SQL_BYTES], const char *text, size_t table)
{
    const char *name_at = strstr(text, "%s");
    snprintf(sql, SQL_BYTES, "%.*s%s%s", (int)(name_at - text), text, TABLE_NAMES[table],
             name_at + 2);
}

static int prepare(struct ots_item_db *db, size_t table, const char *text, sqlite3_stmt **out)
{
    char sql[SQL_BYTES];
    fill_name(sql, text, table);
    return sqlite3_prepare_v3(db->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

static int use(struct ots_item_db *db, size_t table, enum ots_item_statement which,
               sqlite3_stmt **out)
{
    sqlite3_stmt **slot = &db->statements[table][which];
    int code = *slot ? SQLITE_OK : prepare(db, table, STATEMENT_TEXTS[which], slot);
    *out = *slot;
    return code;
}

/* The bytes must stay until the statement is reset. An empty blob is not NULL. */
static int bind(sqlite3_stmt *statement, int index, struct ots_slice bytes)
{
    const void *data = bytes.size ? (const void *)bytes.data : "";
    return sqlite3_bind_blob64(statement, index, data, bytes.size, SQLITE_STATIC);
}

static int bind_key(sqlite3_stmt *statement, const struct ots_item *item)
{
    int code = bind(statement, 1, item->first);
    return code == SQLITE_OK ? bind(statement, 2, item->second) : code;
}

int ots_item_db_run(struct ots_item_db *db, size_t table, enum ots_item_statement which,
                    const struct ots_item *item, int *changed)
{
    sqlite3_stmt *statement;
    int code = use(db, table, which, &statement);
    if (code == SQLITE_OK && which != OTS_ITEM_CLEAR)
        code = bind_key(statement, item);
    if (code == SQLITE_OK && (which == OTS_ITEM_INSERT || which == OTS_ITEM_UPDATE))
        code = bind(statement, 3, item->data);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    *changed = sqlite3_changes(db->db);
    sqlite3_reset(statement);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

int ots_item_db_select(struct ots_item_db *db, size_t table, const struct ots_item *key,
                       sqlite3_stmt **out)
{
    int code = use(db, table, OTS_ITEM_SELECT, out);
    if (code == SQLITE_OK)
        code = bind_key(*out, key);
    return code == SQLITE_OK ? sqlite3_step(*out) : code;
}

int ots_item_db_select_all(struct ots_item_db *db, size_t table, sqlite3_stmt **out)
{
    return prepare(db, table, "SELECT first, second, data FROM %s ORDER BY first, second", out);
}

int ots_item_db_execute(struct ots_item_db *db, const char *sql)
{
    return sqlite3_exec(db->db, sql, NULL, NULL, NULL);
}

static bool get_blob(sqlite3_stmt *statement, int column, struct ots_slice *out)
{
    if (sqlite3_column_type(statement, column) != SQLITE_BLOB)
        return false;
    const void *data = sqlite3_column_blob(statement, column);
    int size = sqlite3_column_bytes(statement, column);
    *out = ots_slice(data, size > 0 ? (size_t)size : 0);
    return data || size == 0;
}

bool ots_item_db_read(sqlite3_stmt *statement, struct ots_item *item)
{
    return get_blob(statement, 0, &item->first) && get_blob(statement, 1, &item->second) &&
           get_blob(statement, 2, &item->data);
}

/* --- the connection ---------------------------------------------------------------------------*/

static int configure(struct ots_item_db *db)
{
    sqlite3_extended_result_codes(db->db, 1);
    sqlite3_busy_timeout(db->db, BUSY_MS);
    sqlite3_limit(db->db, SQLITE_LIMIT_LENGTH, OTS_ITEM_BYTES_MAX);
    sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    return ots_item_db_execute(db, "PRAGMA locking_mode = EXCLUSIVE;"
                                   "PRAGMA mmap_size = 0;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA cache_size = -4096;"
                                   "PRAGMA cell_size_check = ON;"
                                   "PRAGMA page_size = 4096;"
                                   "PRAGMA journal_mode = WAL;"
                                   "PRAGMA synchronous = NORMAL;"
                                   "PRAGMA wal_autocheckpoint = 4096;"
                                   "PRAGMA journal_size_limit = 33554432;");
}

int ots_item_db_open(struct ots_item_db *db, const char *path)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    int code = sqlite3_open_v2(path, &db->db, flags, NULL);
    return code == SQLITE_OK ? configure(db) : code;
}

void ots_item_db_close(struct ots_item_db *db)
{
    for (size_t table = 0; table < OTS_ITEM_TABLES; table++) {
        for (size_t which = 0; which < OTS_ITEM_STATEMENTS; which++) {
            sqlite3_finalize(db->statements[table][which]);
            db->statements[table][which] = NULL;
        }
    }
    sqlite3_close_v2(db->db);
    db->db = NULL;
}

bool ots_item_db_has_moved(struct ots_item_db *db)
{
    int has_moved = 0;
    return sqlite3_file_control(db->db, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved) == SQLITE_OK &&
           has_moved;
}

/* --- tables -----------------------------------------------------------------------------------*/

int ots_item_db_make_tables(struct ots_item_db *db)
{
    int code = SQLITE_OK;
    for (size_t table = 0; table < OTS_ITEM_TABLES && code == SQLITE_OK; table++) {
        char sql[SQL_BYTES];
        fill_name(sql, CREATE_TABLE, table);
        code = ots_item_db_execute(db, sql);
    }
    return code;
}

int ots_item_db_check_tables(struct ots_item_db *db, bool *is_new)
{
    sqlite3_stmt *statement = NULL;
    char expected[SQL_BYTES];
    bool has[OTS_ITEM_TABLES] = {false};
    size_t count = 0;
    size_t known = 0;
    int code =
        sqlite3_prepare_v2(db->db, "SELECT name, sql FROM sqlite_schema", -1, &statement, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        const char *sql = (const char *)sqlite3_column_text(statement, 1);
        for (size_t table = 0; table < OTS_ITEM_TABLES && name && sql; table++) {
            fill_name(expected, CREATE_TABLE, table);
            bool is_it = strcmp(name, TABLE_NAMES[table]) == 0 && strcmp(sql, expected) == 0;
            known += is_it && !has[table];
            has[table] = has[table] || is_it;
        }
        count++;
        code = SQLITE_OK;
    }
    sqlite3_finalize(statement);
    *is_new = count == 0;
    bool is_ours = *is_new || (count == OTS_ITEM_TABLES && known == OTS_ITEM_TABLES);
    return code != SQLITE_DONE ? code : is_ours ? SQLITE_OK : SQLITE_CORRUPT;
}
