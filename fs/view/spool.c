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
    const char *directory = spool->directory ? spool->directory : getenv("TMPDIR");
    if (!directory || !*directory)
        directory = "/var/tmp";
    spool->fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spool->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
        spool->fd = open_and_unlink(directory);
    return spool->fd >= 0 ? OTS_OK
                          : ots_error_errno(err, errno, "a temporary file in %s", directory);
}

static enum ots_status write_file(struct ots_spool *spool, uint64_t offset, struct ots_slice bytes,
                                  struct ots_error *err)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t written =
            pwrite(spool->fd, bytes.data + done, bytes.size - done, (off_t)(offset + done));
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return ots_error_errno(err, errno, "temporary file");
        done += (size_t)written;
    }
    return OTS_OK;
}

static enum ots_status move_to_file(struct ots_spool *spool, struct ots_error *err)
{
    enum ots_status status = open_file(spool, err);
    if (status == OTS_OK)
        status = write_file(spool, 0, ots_buf_slice(&spool->memory), err);
    if (status == OTS_OK) {
        ots_buf_deinit(&spool->memory);
    } else if (spool->fd >= 0) {
        close(spool->fd);
        spool->fd = -1;
    }
    return status;
}

/* What is in memory gets `size_bytes`. */
static enum ots_status resize_memory(struct ots_spool *spool, size_t size_bytes,
                                     struct ots_error *err)
{
    struct ots_buf *memory = &spool->memory;
    if (size_bytes > memory->size) {
        size_t more = size_bytes - memory->size;
        uint8_t *to = ots_buf_reserve(memory, more);
        if (!to) {
            memory->has_failed = false;
            return ots_error_set(err, OTS_NOMEM, "out of memory");
        }
        memset(to, 0, more);
        ots_buf_advance(memory, more);
    }
    memory->size = size_bytes;
    return OTS_OK;
}

enum ots_status ots_spool_spill(struct ots_spool *spool, struct ots_error *err)
{
    return spool->fd < 0 ? move_to_file(spool, err) : OTS_OK;
}

enum ots_status ots_spool_truncate(struct ots_spool *spool, uint64_t size_bytes,
                                   struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    if (size_bytes > INT64_MAX)
        return ots_error_set(err, OTS_LIMIT, "no file is that long");
    if (spool->fd < 0 && size_bytes > OTS_SPOOL_MEMORY_BYTES_MAX)
        status = move_to_file(spool, err);
    if (status != OTS_OK)
        return status;
    if (spool->fd < 0)
        status = resize_memory(spool, (size_t)size_bytes, err);
    else if (ftruncate(spool->fd, (off_t)size_bytes) != 0)
        status = ots_error_errno(err, errno, "temporary file");
    if (status == OTS_OK)
        spool->size_bytes = size_bytes;
    return status;
}

enum ots_status ots_spool_write(struct ots_spool *spool, uint64_t offset, struct ots_slice bytes,
                                struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    uint64_t end;
    if (!bytes.size)
        return OTS_OK;
    if (__builtin_add_overflow(offset, bytes.size, &end) || end > INT64_MAX)
        return ots_error_set(err, OTS_LIMIT, "no file is that long");
    if (spool->fd < 0 && end > OTS_SPOOL_MEMORY_BYTES_MAX)
        status = move_to_file(spool, err);
    else if (spool->fd < 0 && end > spool->size_bytes)
        status = resize_memory(spool, (size_t)end, err);
    if (status != OTS_OK)
        return status;
    if (spool->fd < 0)
        memcpy(spool->memory.data + offset, bytes.data, bytes.size);
    else
        status = write_file(spool, offset, bytes, err);
    if (status == OTS_OK && end > spool->size_bytes)
        spool->size_bytes = end;
    /* What was written behind the end must not show when the file grows later. */
    if (status != OTS_OK && spool->fd >= 0)
        (void)!ftruncate(spool->fd, (off_t)spool->size_bytes);
    return status;
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
    if (spool->fd >= 0)
        return read_file(spool, offset, size, out, err);
    ots_buf_append(out, spool->memory.data + offset, size);
    return ots_buf_status(out);
}
