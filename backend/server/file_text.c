#include "backend/server/file_text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 16 * 1024 };

static enum ots_status check_owner_only(int fd, const char *path, struct ots_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return ots_error_errno(err, errno, "cannot look at %s", path);
    if (!S_ISREG(info.st_mode))
        return ots_error_set(err, OTS_INVALID, "%s is no regular file", path);
    if (info.st_mode & (S_IRWXG | S_IRWXO))
        return ots_error_set(err, OTS_DENIED,
                             "others than the owner may use %s: it has mode %04o, use chmod 600",
                             path, (unsigned)info.st_mode & 07777);
    return OTS_OK;
}

static enum ots_status read_all(int fd, const char *path, size_t bytes_max, struct ots_buf *text,
                                struct ots_error *err)
{
    /* At once, so that a secret of usual size is not copied when there is too little room. */
    (void)ots_buf_reserve(text, 2 * (size_t)PIECE_BYTES);
    for (;;) {
        uint8_t *to = ots_buf_reserve(text, PIECE_BYTES);
        if (!to)
            return ots_error_set(err, OTS_NOMEM, "no memory to read %s", path);
        ssize_t size = read(fd, to, PIECE_BYTES);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return ots_error_errno(err, errno, "cannot read %s", path);
        if (size == 0)
            break;
        ots_buf_advance(text, (size_t)size);
        if (text->size > bytes_max)
            return ots_error_set(err, OTS_LIMIT, "%s is too large", path);
    }
    ots_buf_append_byte(text, '\0');
    return ots_buf_status(text);
}

enum ots_status ots_file_text_of(int fd, const char *path, bool is_secret, size_t bytes_max,
                                 struct ots_buf *text, struct ots_error *err)
{
    enum ots_status status = is_secret ? check_owner_only(fd, path, err) : OTS_OK;
    return status == OTS_OK ? read_all(fd, path, bytes_max, text, err) : status;
}

enum ots_status ots_file_text(const char *path, bool is_secret, struct ots_buf *text,
                              struct ots_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ots_error_errno(err, errno, "cannot open %s", path);
    enum ots_status status =
        ots_file_text_of(fd, path, is_secret, OTS_FILE_TEXT_BYTES_MAX, text, err);
    close(fd);
    return status;
}
