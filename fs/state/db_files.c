#include "fs/state/db_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/base/cleanup.h"
#include "fs/state/file_name.h"

enum {
    NAME_BYTES = OTS_STATE_NAME_BYTES + 32, /* with a suffix */
    PATH_BYTES_MAX = 500,                   /* SQLite's own bound, less what it appends */
};

/* What each file adds to the name. The database comes first: without it the others are ignored. */
static const char *const SUFFIXES[] = {"", "-wal", "-journal", "-shm"};
enum { SUFFIX_COUNT = sizeof(SUFFIXES) / sizeof(SUFFIXES[0]) };

enum ots_status ots_db_files_move_aside(int dir_fd, const char *name, struct ots_error *err)
{
    char from[NAME_BYTES];
    char to[NAME_BYTES];
    for (size_t i = 0; i < SUFFIX_COUNT; i++) {
        snprintf(from, sizeof(from), "%s%s", name, SUFFIXES[i]);
        snprintf(to, sizeof(to), "%s.damaged%s", name, SUFFIXES[i]);
        if (unlinkat(dir_fd, to, 0) != 0 && errno == EISDIR)
            unlinkat(dir_fd, to, AT_REMOVEDIR);
        if (renameat(dir_fd, from, dir_fd, to) != 0 && errno != ENOENT)
            return ots_error_errno(err, errno, "the state %s cannot be put aside", from);
    }
    return OTS_OK;
}

enum ots_status ots_db_files_unlink(int dir_fd, const char *name, struct ots_error *err)
{
    char path[NAME_BYTES];
    for (size_t i = 0; i < SUFFIX_COUNT; i++) {
        snprintf(path, sizeof(path), "%s%s", name, SUFFIXES[i]);
        if (unlinkat(dir_fd, path, 0) != 0 && errno != ENOENT)
            return ots_error_errno(err, errno, "the state %s", path);
    }
    return OTS_OK;
}

static enum ots_status make_file(int dir_fd, const char *name, struct ots_error *err)
{
    OTS_AUTO(ots_close_fdp)
    int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    struct stat info = {0};
    if (fd < 0 && errno != ELOOP && errno != EISDIR && errno != ENXIO)
        return ots_error_errno(err, errno, "the state %s", name);
    if (fd >= 0 && fstat(fd, &info) != 0)
        return ots_error_errno(err, errno, "the state %s", name);
    if (!S_ISREG(info.st_mode))
        return ots_error_set(err, OTS_CORRUPT, "the state %s: no plain file", name);
    if (info.st_mode & 077 && fchmod(fd, 0600) != 0)
        return ots_error_errno(err, errno, "the state %s", name);
    return OTS_OK;
}

enum ots_status ots_db_files_make(int dir_fd, const char *name, char path[PATH_MAX],
                                  struct ots_error *err)
{
    char link[64];
    struct stat here;
    struct stat there;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
    ssize_t size = readlink(link, path, PATH_MAX - NAME_BYTES);
    if (size < 0)
        return ots_error_errno(err, errno, "the state %s", link);
    path[size] = '\0';
    if (fstat(dir_fd, &here) != 0)
        return ots_error_errno(err, errno, "the state %s/%s", path, name);
    if (stat(path, &there) != 0 || here.st_ino != there.st_ino || here.st_dev != there.st_dev)
        return ots_error_set(err, OTS_IO, "the state's directory %s was moved or removed", path);
    if ((size_t)size + strlen(name) > PATH_BYTES_MAX)
        return ots_error_set(err, OTS_LIMIT,
                             "the state's directory %.100s... has too long a path "
                             "(see -o state_dir=)",
                             path);
    snprintf(path + size, NAME_BYTES, "/%.*s", NAME_BYTES - 2, name);
    return make_file(dir_fd, name, err);
}
