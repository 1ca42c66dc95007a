#include "fs/mount/reply.h"

#include <errno.h>

enum { NANOSECONDS = 1000000000, BLOCK_BYTES = 512, IO_BYTES = 128 * 1024 };

int ots_status_errno(enum ots_status status)
{
    switch (status) {
    case OTS_OK:
        return 0;
    case OTS_NOMEM:
        return ENOMEM;
    case OTS_INVALID:
    case OTS_LIMIT:
        return EINVAL;
    case OTS_NOT_FOUND:
        return ENOENT;
    case OTS_EXISTS:
        return EEXIST;
    case OTS_NOT_EMPTY:
        return ENOTEMPTY;
    case OTS_DENIED:
        return EACCES;
    case OTS_NOT_PERMITTED:
        return EPERM;
    case OTS_CONFLICT:
    case OTS_NOT_READY:
    case OTS_THROTTLED:
        return EBUSY;
    case OTS_TIMEOUT:
        return ETIMEDOUT;
    case OTS_CANCELLED:
        return EINTR;
    case OTS_UNSUPPORTED:
        return EOPNOTSUPP;
    case OTS_OTHER_SOURCE:
        return EXDEV;
    case OTS_NO_SPACE:
        return ENOSPC;
    case OTS_STALE:
        return ESTALE;
    case OTS_INCOMPLETE:
        return EAGAIN;
    case OTS_READ_ONLY:
        return EROFS;
    case OTS_NO_ATTRIBUTE:
    case OTS_TRIMMED:
        return ENODATA;
    case OTS_TOO_MANY:
        return EMFILE;
    case OTS_CORRUPT:
    case OTS_UNAVAILABLE:
    case OTS_NETWORK:
    case OTS_IO:
        break;
    }
    return EIO;
}

bool ots_status_is_logged(enum ots_status status)
{
    return status != OTS_OK && status != OTS_NOT_FOUND && status != OTS_EXISTS &&
           status != OTS_NOT_EMPTY && status != OTS_CANCELLED && status != OTS_NOT_PERMITTED &&
           status != OTS_READ_ONLY && status != OTS_NO_ATTRIBUTE && status != OTS_TRIMMED &&
           status != OTS_INCOMPLETE && status != OTS_STALE && status != OTS_OTHER_SOURCE;
}

int64_t ots_timespec_to_ns(const struct timespec *time)
{
    int64_t ns;
    if (__builtin_mul_overflow((int64_t)time->tv_sec, NANOSECONDS, &ns) ||
        __builtin_add_overflow(ns, (int64_t)time->tv_nsec, &ns))
        return time->tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

void ots_attr_to_stat(const struct ots_attr *attr, const struct ots_owner *owner, struct stat *st)
{
    int64_t nanoseconds = attr->mtime_ns % NANOSECONDS;
    int64_t seconds = attr->mtime_ns / NANOSECONDS;
    if (nanoseconds < 0) {
        nanoseconds += NANOSECONDS;
        seconds--;
    }
    struct timespec mtime = {seconds, nanoseconds};
    /* What is known of a directory may grow while tar reads it; tar takes that for a change. */
    struct timespec ctime = attr->is_directory ? (struct timespec){0} : mtime;
    *st = (struct stat){
        .st_ino = attr->ino,
        .st_mode = (attr->is_directory ? S_IFDIR : S_IFREG) | (attr->permissions & ~owner->umask),
        .st_nlink = attr->is_directory ? 2 : 1,
        .st_uid = owner->uid,
        .st_gid = owner->gid,
        .st_size = (off_t)attr->size_bytes,
        .st_blocks = (blkcnt_t)((attr->size_bytes + BLOCK_BYTES - 1) / BLOCK_BYTES),
        .st_blksize = IO_BYTES,
        .st_atim = mtime,
        .st_mtim = mtime,
        .st_ctim = ctime,
    };
}
