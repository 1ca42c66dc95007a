#include "fs/state/journal_segments.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_DIGITS = 16 };

void ots_segment_name(char name[OTS_SEGMENT_NAME_BYTES], uint64_t number)
{
    snprintf(name, OTS_SEGMENT_NAME_BYTES, "%0*" PRIx64, NAME_DIGITS, number);
}

/* False for a file that is no segment. */
static bool parse_name(const char *name, uint64_t *number)
{
    char *end;
    if (strlen(name) != NAME_DIGITS || strspn(name, "0123456789abcdef") != NAME_DIGITS)
        return false;
    *number = strtoull(name, &end, 16);
    return true;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

DIR *ots_segments_open(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir && fd >= 0)
        close(fd);
    return dir;
}

static enum ots_status add_number(struct ots_segment_numbers *numbers, uint64_t number,
                                  struct ots_error *err)
{
    uint64_t *grown = reallocarray(numbers->items, numbers->count + 1, sizeof(*grown));
    if (!grown)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    numbers->items = grown;
    grown[numbers->count++] = number;
    return OTS_OK;
}

enum ots_status ots_segments_list(int dir_fd, struct ots_segment_numbers *numbers,
                                  struct ots_error *err)
{
    DIR *dir = ots_segments_open(dir_fd, ".");
    if (!dir)
        return ots_error_errno(err, errno, "a journal");
    enum ots_status status = OTS_OK;
    for (struct dirent *entry = readdir(dir); entry && status == OTS_OK; entry = readdir(dir)) {
        uint64_t number;
        bool is_damaged =
            strncmp(entry->d_name, OTS_SEGMENT_DAMAGED, strlen(OTS_SEGMENT_DAMAGED)) == 0;
        if (!parse_name(entry->d_name + (is_damaged ? strlen(OTS_SEGMENT_DAMAGED) : 0), &number))
            continue;
        if (number > numbers->highest)
            numbers->highest = number;
        if (!is_damaged)
            status = add_number(numbers, number, err);
    }
    closedir(dir);
    if (numbers->count)
        qsort(numbers->items, numbers->count, sizeof(*numbers->items), compare_numbers);
    return status;
}

enum ots_status ots_segment_read(int dir_fd, const char *name, size_t size_max,
                                 struct ots_arena *arena, struct ots_slice *bytes,
                                 struct ots_error *err)
{
    struct stat info;
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        enum ots_status status = ots_error_errno(err, errno, "the journal's %s", name);
        if (fd >= 0)
            close(fd);
        return status;
    }
    size_t size = (size_t)info.st_size < size_max ? (size_t)info.st_size : size_max;
    uint8_t *data = ots_arena_alloc(arena, size + 1);
    ssize_t got = data ? pread(fd, data, size, 0) : -1;
    enum ots_status status = OTS_OK;
    if (!data)
        status = ots_error_set(err, OTS_NOMEM, "out of memory for the journal");
    else if (got < 0 || (size_t)got != size)
        status = ots_error_errno(err, got < 0 ? errno : EIO, "the journal's %s", name);
    close(fd);
    *bytes = ots_slice(data, size);
    return status;
}
