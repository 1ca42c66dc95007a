/*
 * The directory that an otslocal keeps its instance in, and the locks in it.
 *
 *   DIR/data             the engine's files
 *   DIR/credentials.json how to connect, unless another file is given
 *   DIR/otslocal.lock    locked by the otslocal that serves DIR
 *   DIR/users.lock       locked shared by mounts of DIR, as long as they are mounted
 *
 * An otslocal that ends by itself (--linger) takes users.lock exclusively first, and keeps it until
 * its process has ended. So a mount that has its shared lock meets either a server that stays, or
 * none: it waits for the lock while one is ending.
 */
#ifndef OTS_SERVER_DIRECTORY_H
#define OTS_SERVER_DIRECTORY_H

#include "backend/base/status.h"

struct ots_directory {
    int lock_fd;
    int users_fd;
};

#define OTS_DIRECTORY_INIT ((struct ots_directory){-1, -1})

/*
 * Create `path` with mode 0700 if it is absent, and lock it. Errors: OTS_EXISTS (another otslocal
 * has it), OTS_NOT_FOUND (no parent), OTS_IO and what an errno stands for.
 */
enum ots_status ots_directory_open(const char *path, struct ots_directory *directory,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* Whether no mount uses the directory; none can begin to until ots_directory_allow_users. */
bool ots_directory_exclude_users(struct ots_directory *directory);
void ots_directory_allow_users(struct ots_directory *directory);

/*
 * Let another otslocal have the directory. users.lock stays as it is: its lock ends with the
 * process, so that whoever waits for it finds nothing of ours left.
 */
void ots_directory_release(struct ots_directory *directory);

#endif
