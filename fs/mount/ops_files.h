/*
 * The kernel's requests that concern open files.
 */
#ifndef OTS_MOUNT_OPS_FILES_H
#define OTS_MOUNT_OPS_FILES_H

#include <fuse_lowlevel.h>

void ots_op_open(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info);
void ots_op_create(fuse_req_t request, fuse_ino_t parent, const char *name, mode_t mode,
                   struct fuse_file_info *info);
void ots_op_read(fuse_req_t request, fuse_ino_t ino, size_t size, off_t offset,
                 struct fuse_file_info *info);
void ots_op_write(fuse_req_t request, fuse_ino_t ino, const char *data, size_t size, off_t offset,
                  struct fuse_file_info *info);
void ots_op_copy(fuse_req_t request, fuse_ino_t ino, off_t offset, struct fuse_file_info *info,
                 fuse_ino_t to_ino, off_t to_offset, struct fuse_file_info *to_info, size_t size,
                 int flags);
void ots_op_flush(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info);
void ots_op_fsync(fuse_req_t request, fuse_ino_t ino, int datasync, struct fuse_file_info *info);
void ots_op_release(fuse_req_t request, fuse_ino_t ino, struct fuse_file_info *info);

#endif
