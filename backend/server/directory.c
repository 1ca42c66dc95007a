#include "backend/server/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static enum ots_status open_file(const char *path, const char *name, int *fd, struct ots_error *err)
{
    char *file = NULL;
    if (asprintf(&file, "%s/%s", path, name) < 0)
        return ots_error_set(err, OTS_NOMEM, "no memory for a path");
    *fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum ots_status status =
        *fd >= 0 ? OTS_OK : ots_error_errno(err, errno, "cannot open %s", file);
    free(file);
    return status;
}

/* 0, or the errno: EWOULDBLOCK when somebody else has the lock. */
static int lock(int fd)
{
    int result;
    do
        result = flock(fd, LOCK_EX | LOCK_NB);
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

static enum ots_status lock_directory(const char *path, int fd, struct ots_error *err)
{
    int failure = lock(fd);
    if (failure == EWOULDBLOCK)
        return ots_error_set(err, OTS_EXISTS, "%s is served by another otslocal already", path);
    return failure ? ots_error_errno(err, failure, "cannot lock %s", path) : OTS_OK;
}

enum ots_status ots_directory_open(const char *path, struct ots_directory *directory,
                                   struct ots_error *err)
{
    *directory = OTS_DIRECTORY_INIT;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return ots_error_errno(err, errno, "cannot create %s", path);
    enum ots_status status = open_file(path, "otslocal.lock", &directory->lock_fd, err);
    if (status == OTS_OK)
        status = lock_directory(path, directory->lock_fd, err);
    if (status == OTS_OK)
        status = open_file(path, "users.lock", &directory->users_fd, err);
    if (status != OTS_OK)
        ots_directory_release(directory);
    return status;
}

bool ots_directory_exclude_users(struct ots_directory *directory)
{
    return lock(directory->users_fd) == 0;
}

void ots_directory_allow_users(struct ots_directory *directory)
{
    flock(directory->users_fd, LOCK_UN);
}

void ots_directory_release(struct ots_directory *directory)
{
    if (directory->lock_fd >= 0)
        close(directory->lock_fd);
    directory->lock_fd = -1;
}
