/*
 * A view in the kernel's name space, by libfuse's low-level interface.
 *
 * One thread reads requests. What the view can answer from memory it answers at once; everything
 * else is handed to workers, who reply when they are done. A request that the kernel interrupts
 * (Ctrl-C, kill) is answered with EINTR soon.
 */
#ifndef OTS_MOUNT_MOUNT_H
#define OTS_MOUNT_MOUNT_H

#include <sys/types.h>

#include "fs/view/view.h"

struct ots_mount;

/* Whose the files are, and what their modes lack. */
struct ots_owner {
    uid_t uid;
    gid_t gid;
    mode_t umask;
};

struct ots_mount_options {
    const char *mountpoint;
    const char *source;       /* shown by mount(8) and df(1) */
    const char *fuse_options; /* for libfuse and the kernel, separated by commas; may be "" */
    struct ots_owner owner;
    /* For which the kernel may keep names, and attributes of directories, that the view does not
     * promise to tell the end of. */
    double name_seconds;
    double directory_seconds;
    bool is_debug;
    const struct ots_log *log;
};

/* Mount. Errors: OTS_IO, with what libfuse wrote to standard error; OTS_NOMEM. */
enum ots_status ots_mount_new(const struct ots_mount_options *options, struct ots_mount **out,
                              struct ots_error *err) OTS_MUST_CHECK;

/*
 * Serve requests from `view` until the mount is unmounted or SIGINT, SIGTERM or SIGHUP comes. When
 * it returns no request is under way.
 */
enum ots_status ots_mount_serve(struct ots_mount *mount, struct ots_view *view,
                                struct ots_error *err) OTS_MUST_CHECK;

/* Unmount if that was not done. Accepts NULL. */
void ots_mount_free(struct ots_mount *mount);

#endif
