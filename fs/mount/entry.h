/*
 * What the kernel is told of a node, and for how long that holds.
 */
#ifndef OTS_MOUNT_ENTRY_H
#define OTS_MOUNT_ENTRY_H

#include <fuse_lowlevel.h>

#include "fs/mount/task.h"

/* For how many seconds the kernel may keep the attributes; `may_keep` as ots_keeping_hold says. */
double ots_attr_seconds(const struct ots_mount *mount, const struct ots_attr *attr, bool may_keep);

void ots_mount_stat(const struct ots_mount *mount, const struct ots_attr *attr, struct stat *st);

void ots_entry_fill(const struct ots_mount *mount, const struct ots_attr *attr, bool may_keep,
                    struct fuse_entry_param *entry);

#endif
