/*
 * Whether a directory is fit to be mounted on, told before anything is started for the mount.
 */
#ifndef OTS_FS_MOUNTPOINT_H
#define OTS_FS_MOUNTPOINT_H

#include "backend/base/status.h"

/*
 * Check that `path` is a directory and that no otsfs is mounted there already: one over the other
 * would hide it. `mounts` is a table as in /proc; NULL: /proc/self/mounts, without which nothing
 * is known of other mounts. The messages say what to do.
 *
 * Errors: OTS_NOT_FOUND, OTS_INVALID (no directory), OTS_EXISTS (an otsfs is mounted there), OTS_IO
 * (also: one is mounted there whose process is gone), OTS_DENIED, OTS_NOMEM.
 */
enum ots_status ots_mountpoint_check(const char *path, const char *mounts,
                                     struct ots_error *err) OTS_MUST_CHECK;

#endif
