#include "backend/base/file_text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

enum { PIECE_BYTES = 16 * 1024 };

static enum ots_status too_large(const char *path, struct ots_error *err)
{
    return ots_error_set(err, OTS_LIMIT, "%s: over %d bytes", path, OTS_FILE_TEXT_BYTES_MAX);
}

/* Also makes room for all of it at once, so that no secret is left where it grew out of. */
static enum ots_status prepare_secret(int fd, const char *path, struct ots_buf *text,
                                      struct ots_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return ots_error_errno(err, errno, "%s", path);
    if (!S_ISREG(info.st_mode))
        return ots_error_set(err, OTS_DENIED, "%s: not a regular file", path);
    if (info.st_mode & (S_IRWXG | S_IRWXO))
        return ots_error_set(err, OTS_DENIED,
                             "%s: has secrets that others may read; run chmod 600 %s", path, path);
    if (info.st_size > OTS_FILE_TEXT_BYTES_MAX)
        return too_large(path, err);
    (void)ots_buf_reserve(text, (size_t)info.st_size + PIECE_BYTES);
    return OTS_OK;
}

static enum ots_status read_all(int fd, const char *path, struct ots_buf *text,
                                struct ots_error *err)
{
    for (;;) {
        uint8_t *to = ots_buf_reserve(text, PIECE_BYTES);
        if (!to)
            return ots_error_set(err, OTS_NOMEM, "%s: out of memory", path);
        ssize_t size = read(fd, to, PIECE_BYTES);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return ots_error_errno(err, errno, "%s", path);
        if (size == 0)
            break;
        ots_buf_advance(text, (size_t)size);
        if (text->size > OTS_FILE_TEXT_BYTES_MAX)
            return too_large(path, err);
    }
    ots_buf_append_byte(text, '\0');
    return ots_buf_status(text);
}

enum ots_status ots_file_text(const char *path, bool is_secret, struct ots_buf *text,
                              struct ots_error *err)
{
    OTS_AUTO(ots_close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ots_error_errno(err, errno, "%s", path);
    enum ots_status status = is_secret ? prepare_secret(fd, path, text, err) : OTS_OK;
    return status == OTS_OK ? read_all(fd, path, text, err) : status;
}

enum ots_status ots_file_secret_json(int fd, const char *path, struct ots_json **out,
                                     struct ots_error *err)
{
    struct ots_buf text = OTS_BUF_INIT;
    enum ots_status status = prepare_secret(fd, path, &text, err);
    if (status == OTS_OK)
        status = read_all(fd, path, &text, err);
    if (status == OTS_OK) {
        status = ots_json_parse(ots_slice(text.data, text.size - 1), out, err);
        if (status != OTS_OK && err)
            ots_error_prefix(err, "%s", path);
    }
    ots_buf_deinit_secret(&text);
    return status;
}
