#include "fs/view/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void ots_spool_init(struct ots_spool *spool)
{
    *spool = (struct ots_spool){.fd = -1};
}

void ots_spool_deinit(struct ots_spool *spool)
{
    ots_buf_deinit(&spool->memory);
    if (spool->fd >= 0)
        close(spool->fd);
    ots_spool_init(spool);
}

/* For file systems that make no files without a name. */
static int open_and_unlink(const char *directory)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/otsfs.XXXXXX", directory) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static enum ots_status open_file(struct ots_spool *spool, struct ots_error *err)
{
    const char *directory = getenv("TMPDIR");
    if (!directory || !*directory)
        directory = "/var/tmp";
    spool->fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spool->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
        spool->fd = open_and_unlink(directory);
    return spool->fd >= 0 ? OTS_OK
                          : ots_error_errno(err, errno, "a temporary file in %s", directory);
}

static enum ots_status move_to_file(struct ots_spool *spool, struct ots_error *err)
{
    if (spool->fd < 0) {
        enum ots_status status = open_file(spool, err);
        if (status != OTS_OK)
            return status;
    }
    size_t done = 0;
    while (done < spool->memory.size) {
        ssize_t written = pwrite(spool->fd, spool->memory.data + done, spool->memory.size - done,
                                 (off_t)(spool->file_bytes + done));
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return ots_error_errno(err, errno, "temporary file");
        done += (size_t)written;
    }
    spool->file_bytes += done;
    ots_buf_reset(&spool->memory);
    return OTS_OK;
}

enum ots_status ots_spool_append(struct ots_spool *spool, struct ots_slice text,
                                 struct ots_error *err)
{
    if (spool->memory.size && spool->memory.size + text.size > OTS_SPOOL_MEMORY_BYTES_MAX) {
        enum ots_status status = move_to_file(spool, err);
        if (status != OTS_OK)
            return status;
    }
    ots_buf_append_slice(&spool->memory, text);
    if (ots_buf_status(&spool->memory) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    spool->size_bytes += text.size;
    return OTS_OK;
}

static enum ots_status read_file(const struct ots_spool *spool, uint64_t offset, size_t size,
                                 struct ots_buf *out, struct ots_error *err)
{
    while (size) {
        uint8_t *to = ots_buf_reserve(out, size);
        if (!to)
            return ots_error_set(err, OTS_NOMEM, "out of memory");
        ssize_t got = pread(spool->fd, to, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ots_error_errno(err, got < 0 ? errno : EIO, "temporary file");
        ots_buf_advance(out, (size_t)got);
        offset += (uint64_t)got;
        size -= (size_t)got;
    }
    return OTS_OK;
}

enum ots_status ots_spool_read(const struct ots_spool *spool, uint64_t offset, size_t size,
                               struct ots_buf *out, struct ots_error *err)
{
    if (offset >= spool->size_bytes)
        return OTS_OK;
    if (size > spool->size_bytes - offset)
        size = (size_t)(spool->size_bytes - offset);
    if (offset < spool->file_bytes) {
        uint64_t in_file = spool->file_bytes - offset;
        size_t part = in_file < size ? (size_t)in_file : size;
        enum ots_status status = read_file(spool, offset, part, out, err);
        if (status != OTS_OK)
            return status;
        offset += part;
        size -= part;
    }
    if (size)
        ots_buf_append(out, spool->memory.data + (offset - spool->file_bytes), size);
    return ots_buf_status(out);
}
