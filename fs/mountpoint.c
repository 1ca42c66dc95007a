#include "fs/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 16384 };

static enum ots_status explain(const char *path, int problem, struct ots_error *err)
{
    if (problem == ENOENT)
        return ots_error_set(err, OTS_NOT_FOUND,
                             "mount point %s: no such directory; make it first: mkdir -p %s", path,
                             path);
    if (problem == ENOTCONN)
        return ots_error_set(err, OTS_IO,
                             "mount point %s: the otsfs that was mounted there is gone; clean up "
                             "first: fusermount3 -u %s",
                             path, path);
    return ots_error_errno(err, problem, "mount point %s", path);
}

/* The source of the otsfs that is mounted at `path`, an absolute one, in `line`; NULL: none is. */
static const char *find_mount(FILE *table, const char *path, char *line)
{
    const char *source = NULL;
    struct mntent entry;
    while (getmntent_r(table, &entry, line, LINE_BYTES_MAX))
        if (strcmp(entry.mnt_type, "fuse.otsfs") == 0 && strcmp(entry.mnt_dir, path) == 0) {
            source = entry.mnt_fsname;
            break;
        }
    return source;
}

/* What is known of a directory outlives the process that told it; only a new question shows. */
static bool is_dead(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd < 0 && errno == ENOTCONN;
}

static enum ots_status check_free(const char *path, FILE *table, struct ots_error *err)
{
    char *absolute = realpath(path, NULL);
    if (!absolute)
        return explain(path, errno, err);
    char *line = malloc(LINE_BYTES_MAX);
    enum ots_status status = OTS_NOMEM;
    if (line) {
        const char *source = find_mount(table, absolute, line);
        status = OTS_OK;
        if (source && is_dead(path))
            status = explain(path, ENOTCONN, err);
        else if (source)
            status = ots_error_set(err, OTS_EXISTS,
                                   "mount point %s: %s is mounted there already; to end that: "
                                   "fusermount3 -u %s",
                                   path, source, path);
    }
    free(line);
    free(absolute);
    return status;
}

enum ots_status ots_mountpoint_check(const char *path, const char *mounts, struct ots_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return explain(path, errno, err);
    if (!S_ISDIR(info.st_mode))
        return ots_error_set(err, OTS_INVALID, "mount point %s: is not a directory", path);
    FILE *table = setmntent(mounts ? mounts : "/proc/self/mounts", "re");
    if (!table)
        return OTS_OK;
    enum ots_status status = check_free(path, table, err);
    endmntent(table);
    return status;
}
