/*
 * The requests of the kernel, each turned into operations of the view.
 */
#ifndef OTS_MOUNT_OPS_H
#define OTS_MOUNT_OPS_H

#include <fuse_lowlevel.h>

extern const struct fuse_lowlevel_ops ots_mount_ops;

#endif
