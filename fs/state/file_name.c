#include "fs/state/file_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/base/digest.h"

enum { PLAIN_BYTES_MAX = 128, HASH_BYTES = 16 };

static bool is_plain_byte(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
}

static bool is_plain(struct ots_slice name)
{
    if (!name.size || name.size > PLAIN_BYTES_MAX)
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (!is_plain_byte(name.data[i]))
            return false;
    return true;
}

enum ots_status ots_state_file_name(struct ots_slice table, const char *suffix,
                                    char name[OTS_STATE_NAME_BYTES])
{
    if (is_plain(table)) {
        snprintf(name, OTS_STATE_NAME_BYTES, "%.*s%s", OTS_SLICE_FMT(table), suffix);
        return OTS_OK;
    }
    uint8_t digest[OTS_SHA256_BYTES];
    enum ots_status status = ots_sha256(table, digest);
    if (status != OTS_OK)
        return status;
    size_t size = (size_t)snprintf(name, OTS_STATE_NAME_BYTES, "%%");
    for (size_t i = 0; i < HASH_BYTES; i++)
        size += (size_t)snprintf(name + size, OTS_STATE_NAME_BYTES - size, "%02x", digest[i]);
    snprintf(name + size, OTS_STATE_NAME_BYTES - size, "%s", suffix);
    return OTS_OK;
}

int ots_state_open_dir(int dir_fd, const char *name)
{
    if (mkdirat(dir_fd, name, 0700) != 0 && errno != EEXIST)
        return -1;
    return openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool ots_state_write_all(int fd, struct ots_slice bytes)
{
    while (bytes.size) {
        ssize_t written = write(fd, bytes.data, bytes.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes = ots_slice(bytes.data + written, bytes.size - (size_t)written);
    }
    return true;
}
