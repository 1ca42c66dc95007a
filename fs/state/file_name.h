/*
 * Names of files in a state directory, and what is done with them in several places.
 */
#ifndef OTS_STATE_FILE_NAME_H
#define OTS_STATE_FILE_NAME_H

#include "backend/base/slice.h"
#include "backend/base/status.h"

enum { OTS_STATE_NAME_BYTES = 160 };

/*
 * A table's file name: the table's name and `suffix`. A name that is too long, or holds anything
 * but letters, digits, '_' and '-', is replaced by '%' and a hash of it.
 * Errors: OTS_IO (no digest).
 */
enum ots_status ots_state_file_name(struct ots_slice table, const char *suffix,
                                    char name[OTS_STATE_NAME_BYTES]) OTS_MUST_CHECK;

/* Make the directory `name` in `dir_fd` when it is not there, and open it. -1: see errno. */
int ots_state_open_dir(int dir_fd, const char *name);

/* Write all of it, whatever interrupts. False: see errno; some of it may be written. */
bool ots_state_write_all(int fd, struct ots_slice bytes);

#endif
