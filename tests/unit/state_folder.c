#include "tests/unit/state_folder.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int64_t show_time(const struct ots_clock *clock)
{
    return ((struct state_folder *)clock->context)->now_us;
}

struct state_folder *state_folder_new(void)
{
    struct state_folder *folder = calloc(1, sizeof(*folder));
    snprintf(folder->path, sizeof(folder->path), "/tmp/ots-state.XXXXXX");
    if (!mkdtemp(folder->path))
        abort();
    folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    folder->now_us = INT64_C(1700000000000000);
    folder->clock = (struct ots_clock){show_time, show_time, folder};
    folder->log = (struct ots_log){.program = "test", .level = OTS_LOG_ERROR};
    return folder;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

void state_folder_free(struct state_folder *folder)
{
    nftw(folder->path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    close(folder->fd);
    free(folder);
}

char *state_folder_read(const struct state_folder *folder, const char *name, size_t *size)
{
    struct stat info;
    int fd = openat(folder->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &info) != 0)
        abort();
    char *bytes = calloc(1, (size_t)info.st_size + 1);
    if (read(fd, bytes, (size_t)info.st_size) != info.st_size)
        abort();
    close(fd);
    if (size)
        *size = (size_t)info.st_size;
    return bytes;
}

void state_folder_write(const struct state_folder *folder, const char *name, const void *bytes,
                        size_t size)
{
    int fd = openat(folder->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
        abort();
    close(fd);
}

void state_folder_remove(const struct state_folder *folder, const char *pattern)
{
    char path[200];
    glob_t found;
    snprintf(path, sizeof(path), "%s/%s", folder->path, pattern);
    if (glob(path, 0, NULL, &found) != 0)
        abort();
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (nftw(found.gl_pathv[i], remove_entry, 8, FTW_DEPTH | FTW_PHYS) != 0)
            abort();
    globfree(&found);
}

size_t state_folder_count(const struct state_folder *folder, const char *name)
{
    int fd = openat(folder->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    size_t count = 0;
    while (dir) {
        struct dirent *entry = readdir(dir);
        if (!entry)
            break;
        count += entry->d_name[0] != '.';
    }
    if (dir)
        closedir(dir);
    return count;
}
