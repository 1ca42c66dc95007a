/*
 * A staging file's open file.
 */
#include <stdlib.h>

#include "fs/view/file.h"
#include "fs/view/staging.h"

struct staging_file {
    struct ots_file base;
    struct ots_staging *staging;
    unsigned mode;
};

static struct staging_file *of(struct ots_file *file)
{
    return (struct staging_file *)(void *)file;
}

static enum ots_status read_file(struct ots_file *base, uint64_t offset, size_t size,
                                 struct ots_interrupt *interrupt, struct ots_buf *out,
                                 struct ots_error *err)
{
    (void)interrupt;
    return ots_staging_read(of(base)->staging, offset, size, out, err);
}

static enum ots_status write_file(struct ots_file *base, uint64_t offset, struct ots_slice bytes,
                                  struct ots_interrupt *interrupt, size_t *taken,
                                  struct ots_error *err)
{
    (void)interrupt;
    struct staging_file *file = of(base);
    enum ots_status status = ots_staging_write(
        file->staging, file->mode & OTS_OPEN_APPEND ? UINT64_MAX : offset, bytes, err);
    *taken = status == OTS_OK ? bytes.size : 0;
    return status;
}

static void close_file(struct ots_file *base)
{
    struct staging_file *file = of(base);
    /* That looks at the node, which goes with the last reference. */
    ots_file_deinit(base);
    ots_staging_unref(file->staging);
    free(file);
}

static const struct ots_file_ops STAGING_OPS = {
    .read = read_file,
    .write = write_file,
    .close = close_file,
};

enum ots_status ots_staging_file_open(struct ots_staging *staging, unsigned mode,
                                      struct ots_file **out, struct ots_error *err)
{
    struct staging_file *file = calloc(1, sizeof(*file));
    if (!file) {
        ots_staging_unref(staging);
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    }
    ots_file_init(&file->base, &STAGING_OPS, staging->view, &staging->node);
    file->staging = staging;
    file->mode = mode;
    *out = &file->base;
    return OTS_OK;
}
