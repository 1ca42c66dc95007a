#include "fs/mount/entry.h"

#include "fs/mount/reply.h"

/*
 * What the view promises to tell the end of (fs/mount/keeping.h) is kept until then; the bound is
 * for what nobody foresaw. Other names and directories are told again after the time in which
 * changes by others show. Attributes of other timelines are never kept: sizes must be those of the
 * rows at every stat.
 */
static const double KEPT_SECONDS = 3600.0;

double ots_attr_seconds(const struct ots_mount *mount, const struct ots_attr *attr, bool may_keep)
{
    if (attr->is_kept && may_keep)
        return KEPT_SECONDS;
    return attr->is_directory ? mount->options.directory_seconds : 0;
}

static double name_seconds(const struct ots_mount *mount, const struct ots_attr *attr,
                           bool may_keep)
{
    if (attr->is_kept && may_keep && !attr->is_directory)
        return KEPT_SECONDS;
    return mount->options.name_seconds;
}

void ots_mount_stat(const struct ots_mount *mount, const struct ots_attr *attr, struct stat *st)
{
    ots_attr_to_stat(attr, &mount->options.owner, st);
}

void ots_entry_fill(const struct ots_mount *mount, const struct ots_attr *attr, bool may_keep,
                    struct fuse_entry_param *entry)
{
    *entry = (struct fuse_entry_param){
        .ino = attr->ino,
        .attr_timeout = ots_attr_seconds(mount, attr, may_keep),
        .entry_timeout = name_seconds(mount, attr, may_keep),
    };
    ots_mount_stat(mount, attr, &entry->attr);
}
