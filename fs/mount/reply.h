/*
 * What the view says, as the kernel wants to hear it.
 */
#ifndef OTS_MOUNT_REPLY_H
#define OTS_MOUNT_REPLY_H

#include <sys/stat.h>

#include "fs/mount/mount.h"

/* The one place where a status becomes an errno. */
int ots_status_errno(enum ots_status status);

/* Whether an error of this kind is somebody's mistake or the service's trouble, worth a log line;
 * a name that does not exist is neither. */
bool ots_status_is_logged(enum ots_status status);

/* Nanoseconds since 1970; times that do not fit (after 2262, before 1678) become the nearest. */
int64_t ots_timespec_to_ns(const struct timespec *time);

/* Units: st_blocks in 512 bytes, matching st_size, or cp takes files for sparse. */
void ots_attr_to_stat(const struct ots_attr *attr, const struct ots_owner *owner, struct stat *st);

#endif
