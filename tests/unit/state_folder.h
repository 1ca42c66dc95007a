/*
 * A folder for a test of fs/state, and what is in its files.
 */
#ifndef TESTS_UNIT_STATE_FOLDER_H
#define TESTS_UNIT_STATE_FOLDER_H

#include "backend/base/clock.h"
#include "backend/base/log.h"

struct state_folder {
    char path[64];
    int fd;
    int64_t now_us;
    struct ots_clock clock; /* shows now_us */
    struct ots_log log;
};

struct state_folder *state_folder_new(void);
void state_folder_free(struct state_folder *folder);

/* A file's bytes with a NUL, to be freed; NULL when there is none. `size` may be NULL. */
char *state_folder_read(const struct state_folder *folder, const char *name, size_t *size);
void state_folder_write(const struct state_folder *folder, const char *name, const void *bytes,
                        size_t size);
/* Remove what matches the pattern of names, with all below it; there is something. */
void state_folder_remove(const struct state_folder *folder, const char *pattern);
/* How many files are in the directory `name`. */
size_t state_folder_count(const struct state_folder *folder, const char *name);

#endif
