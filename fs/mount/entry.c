#include "fs/mount/entry.h"

#include "fs/mount/reply.h"

/*
 * Names are told again after a second. Attributes of timelines are never kept by the kernel: sizes
 * must be those of the rows at every stat, and there is no stream yet that would say when they
 * change. Neither is the name of a staging file: once renamed, the kernel has the staging file's
 * inode under the timeline's name.
 */
static const double ENTRY_SECONDS = 1.0;
static const double DIRECTORY_ATTR_SECONDS = 1.0;

double ots_attr_seconds(const struct ots_attr *attr)
{
    return attr->is_directory ? DIRECTORY_ATTR_SECONDS : 0;
}

void ots_mount_stat(const struct ots_mount *mount, const struct ots_attr *attr, struct stat *st)
{
    ots_attr_to_stat(attr, &mount->options.owner, st);
}

void ots_entry_fill(const struct ots_mount *mount, const struct ots_attr *attr,
                    struct fuse_entry_param *entry)
{
    *entry = (struct fuse_entry_param){
        .ino = attr->ino,
        .attr_timeout = ots_attr_seconds(attr),
        .entry_timeout = attr->is_staging ? 0 : ENTRY_SECONDS,
    };
    ots_mount_stat(mount, attr, &entry->attr);
}
