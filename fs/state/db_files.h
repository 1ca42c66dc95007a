/*
 * The files of an SQLite database in a directory of the state: the file itself, its log and its
 * journal. What SQLite does not do: who may read it, where it is, putting it aside.
 */
#ifndef OTS_STATE_DB_FILES_H
#define OTS_STATE_DB_FILES_H

#include <limits.h>

#include "backend/base/status.h"

/*
 * Make the file `name` when it is not there, with a mode that lets nobody else read it (SQLite
 * gives its other files the same), and say its path for SQLite: without symbolic links, so that
 * SQLite can be told to follow none.
 * Errors: OTS_CORRUPT (it is a link, a directory, ...), OTS_LIMIT (a path too long for SQLite),
 * OTS_IO, OTS_NO_SPACE.
 */
enum ots_status ots_db_files_make(int dir_fd, const char *name, char path[PATH_MAX],
                                  struct ots_error *err) OTS_MUST_CHECK;

/* Rename all of them to `<name>.damaged...`, in place of what was put aside before. Errors: OTS_IO.
 */
enum ots_status ots_db_files_move_aside(int dir_fd, const char *name,
                                        struct ots_error *err) OTS_MUST_CHECK;

/* Remove all of them; none need be there. Errors: OTS_IO. */
enum ots_status ots_db_files_unlink(int dir_fd, const char *name,
                                    struct ots_error *err) OTS_MUST_CHECK;

#endif
