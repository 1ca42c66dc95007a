/*
 * The kernel's requests that concern extended attributes.
 *
 * Names that no node has are answered without asking anybody: the kernel and tools ask for several
 * of them on each file.
 */
#ifndef OTS_MOUNT_OPS_XATTR_H
#define OTS_MOUNT_OPS_XATTR_H

#include <fuse_lowlevel.h>

void ots_op_getxattr(fuse_req_t request, fuse_ino_t ino, const char *name, size_t size);
void ots_op_listxattr(fuse_req_t request, fuse_ino_t ino, size_t size);
void ots_op_setxattr(fuse_req_t request, fuse_ino_t ino, const char *name, const char *value,
                     size_t size, int flags);
void ots_op_removexattr(fuse_req_t request, fuse_ino_t ino, const char *name);

#endif
