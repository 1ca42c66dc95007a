#include "fs/mount/mount.h"

#include <stdlib.h>
#include <unistd.h>

#include "fs/mount/ops.h"
#include "fs/mount/task.h"

/* Serial tools keep one request in flight each; parallel ones gain up to about 16. */
enum { WORKERS = 16, QUEUE_MAX = 4096 };

static enum ots_status add_options(struct fuse_args *args, const struct ots_mount_options *options)
{
    struct ots_buf text = OTS_BUF_INIT;
    ots_buf_append_str(&text, "subtype=otsfs,fsname=");
    /* In an option a comma or backslash of the value stands behind a backslash. */
    for (const char *c = options->source; *c; c++) {
        if (*c == ',' || *c == '\\')
            ots_buf_append_byte(&text, '\\');
        ots_buf_append_byte(&text, (uint8_t)*c);
    }
    if (options->fuse_options[0]) {
        ots_buf_append_byte(&text, ',');
        ots_buf_append_str(&text, options->fuse_options);
    }
    /* Only who mounts is let in, unless these ask for more: then the kernel must look at modes, for
     * which it asks for the attributes at each open, and those may have to wait for rows. */
    if (strstr(options->fuse_options, "allow_other") || strstr(options->fuse_options, "allow_root"))
        ots_buf_append_str(&text, ",default_permissions");
    ots_buf_append_byte(&text, '\0');
    bool is_added = ots_buf_status(&text) == OTS_OK && fuse_opt_add_arg(args, "otsfs") == 0 &&
                    fuse_opt_add_arg(args, "-o") == 0 &&
                    fuse_opt_add_arg(args, (const char *)text.data) == 0 &&
                    (!options->is_debug || fuse_opt_add_arg(args, "-d") == 0);
    ots_buf_deinit(&text);
    return is_added ? OTS_OK : OTS_NOMEM;
}

enum ots_status ots_mount_new(const struct ots_mount_options *options, struct ots_mount **out,
                              struct ots_error *err)
{
    struct ots_mount *mount = calloc(1, sizeof(*mount));
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    if (!mount || add_options(&args, options) != OTS_OK) {
        free(mount);
        fuse_opt_free_args(&args);
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    }
    mount->options = *options;
    pthread_mutex_init(&mount->tasks.lock, NULL);
    mount->session = fuse_session_new(&args, &ots_mount_ops, sizeof(ots_mount_ops), mount);
    ots_keeping_init(&mount->keeping, mount->session);
    fuse_opt_free_args(&args);
    mount->is_mounted =
        mount->session && fuse_session_mount(mount->session, options->mountpoint) == 0;
    if (!mount->is_mounted) {
        ots_mount_free(mount);
        return ots_error_set(err, OTS_IO, "cannot mount at %s", options->mountpoint);
    }
    *out = mount;
    return OTS_OK;
}

enum ots_status ots_mount_serve(struct ots_mount *mount, struct ots_view *view,
                                struct ots_error *err)
{
    mount->view = view;
    enum ots_status status = ots_pool_new(WORKERS, QUEUE_MAX, &mount->workers, err);
    if (status != OTS_OK)
        return status;
    status = ots_keeping_start(&mount->keeping, view, err);
    if (status == OTS_OK && fuse_set_signal_handlers(mount->session) != 0)
        status = ots_error_set(err, OTS_IO, "cannot set signal handlers");
    ots_nearby_init(&mount->nearby);
    int result = status == OTS_OK ? fuse_session_loop(mount->session) : 0;
    if (result < 0)
        status = ots_error_errno(err, -result, "reading requests from the kernel");
    /* Whoever waits for the service would keep the mount for as long as tries go on. */
    ots_task_interrupt_all(mount);
    /* First the workers' answers, then the end of the mount. */
    ots_pool_free(mount->workers);
    mount->workers = NULL;
    ots_keeping_end(&mount->keeping);
    fuse_remove_signal_handlers(mount->session);
    return status;
}

void ots_mount_free(struct ots_mount *mount)
{
    if (!mount)
        return;
    if (mount->is_mounted)
        fuse_session_unmount(mount->session);
    if (mount->session)
        fuse_session_destroy(mount->session);
    ots_keeping_deinit(&mount->keeping);
    pthread_mutex_destroy(&mount->tasks.lock);
    free(mount);
}
