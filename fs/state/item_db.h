/*
 * SQLite for item_file: a connection as we want it, the few statements on tables of equal form,
 * and what SQLite's codes mean for us. All columns are blobs: first, second (the key), data.
 *
 * Functions that return an int return SQLite's codes.
 */
#ifndef OTS_STATE_ITEM_DB_H
#define OTS_STATE_ITEM_DB_H

#include <sqlite3.h>

#include "fs/state/item_file.h"

/* The table of the header, in which item_file says what is in the others. */
enum { OTS_ITEM_HEADER = OTS_ITEM_KINDS, OTS_ITEM_TABLES };

enum ots_item_statement {
    OTS_ITEM_INSERT, /* or nothing, when the key is there */
    OTS_ITEM_UPDATE, /* or nothing, when it is not */
    OTS_ITEM_REMOVE,
    OTS_ITEM_CLEAR,
    OTS_ITEM_SELECT,
    OTS_ITEM_STATEMENTS,
};

struct ots_item_db {
    sqlite3 *db; /* NULL: closed */
    /* Prepared when they are first used. */
    sqlite3_stmt *statements[OTS_ITEM_TABLES][OTS_ITEM_STATEMENTS];
};

/* Open the file at `path`, which is there; may be empty. */
int ots_item_db_open(struct ots_item_db *db, const char *path) OTS_MUST_CHECK;
void ots_item_db_close(struct ots_item_db *db);

/* Whether the file is not at its path any more. */
bool ots_item_db_has_moved(struct ots_item_db *db) OTS_MUST_CHECK;

/* Make the tables, within a transaction. */
int ots_item_db_make_tables(struct ots_item_db *db) OTS_MUST_CHECK;
/* SQLITE_CORRUPT when there is anything but our tables; or nothing at all, which sets `*is_new`. */
int ots_item_db_check_tables(struct ots_item_db *db, bool *is_new) OTS_MUST_CHECK;

int ots_item_db_execute(struct ots_item_db *db, const char *sql);
/* Run one that changes items; `*changed` of them. */
int ots_item_db_run(struct ots_item_db *db, size_t table, enum ots_item_statement which,
                    const struct ots_item *item, int *changed) OTS_MUST_CHECK;
/* Go to the item of this key: SQLITE_ROW or SQLITE_DONE. Reset `*out` after use; it may be NULL. */
int ots_item_db_select(struct ots_item_db *db, size_t table, const struct ots_item *key,
                       sqlite3_stmt **out) OTS_MUST_CHECK;
/* Go over all items in the order of keys; finalize `*out` after use. */
int ots_item_db_select_all(struct ots_item_db *db, size_t table, sqlite3_stmt **out) OTS_MUST_CHECK;
/* The item at which `statement` is, until its next step. False: not of blobs. */
bool ots_item_db_read(sqlite3_stmt *statement, struct ots_item *item) OTS_MUST_CHECK;

/* What a code means, just after it was returned. */
enum ots_status ots_item_db_status(struct ots_item_db *db, int code);

#endif
