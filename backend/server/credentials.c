#include "backend/server/credentials.h"

#include "backend/base/digest.h"
#include "backend/base/file_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    INSTANCE_BYTES_MAX = 64,
    KEY_TEXT_BYTES_MAX = 128,
    ID_RANDOM_BYTES = 8,
    SECRET_RANDOM_BYTES = 20,
};

bool ots_credentials_instance_is_valid(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    size_t size = strlen(name);
    return size >= 1 && size <= INSTANCE_BYTES_MAX && strspn(name, allowed) == size;
}

/* What SDKs accept as an access key id; our secrets keep to it as well. */
static bool is_key_text(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "+./_-=";
    size_t size = strlen(text);
    return size >= 1 && size <= KEY_TEXT_BYTES_MAX && strspn(text, allowed) == size;
}

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory for credentials");
}

/* Copy a member; NULL when it is absent. */
static const char *take(const struct ots_json *json, const char *name, struct ots_arena *arena)
{
    const char *text = ots_json_string(json, name);
    return text ? ots_arena_strdup(arena, ots_slice_str(text)) : NULL;
}

static enum ots_status take_all(const struct ots_json *json, const char *path,
                                struct ots_arena *arena, struct ots_credentials *credentials,
                                struct ots_error *err)
{
    credentials->endpoint = take(json, "endpoint", arena);
    credentials->instance = take(json, "instanceName", arena);
    credentials->access_key_id = take(json, "accessId", arena);
    credentials->access_key_secret = take(json, "accessKey", arena);
    credentials->unix_socket = take(json, "socket", arena);
    if (!credentials->instance || !ots_credentials_instance_is_valid(credentials->instance))
        return ots_error_set(err, OTS_CORRUPT, "%s: no valid instanceName", path);
    if (!credentials->access_key_id || !is_key_text(credentials->access_key_id))
        return ots_error_set(err, OTS_CORRUPT, "%s: no valid accessId", path);
    if (!credentials->access_key_secret || !is_key_text(credentials->access_key_secret))
        return ots_error_set(err, OTS_CORRUPT, "%s: no valid accessKey", path);
    return OTS_OK;
}

enum ots_status ots_credentials_read(const char *path, struct ots_arena *arena,
                                     struct ots_credentials *credentials, bool *is_found,
                                     struct ots_error *err)
{
    *credentials = (struct ots_credentials){0};
    OTS_AUTO(ots_json_free_secretp) struct ots_json *json = NULL;
    OTS_AUTO(ots_close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    *is_found = fd >= 0;
    if (fd < 0 && errno == ENOENT)
        return OTS_OK;
    if (fd < 0)
        return ots_error_errno(err, errno, "cannot open %s", path);
    enum ots_status status = ots_file_secret_json(fd, path, &json, err);
    return status == OTS_OK ? take_all(json, path, arena, credentials, err) : status;
}

/* `prefix` and `size` random bytes in hexadecimal. */
static const char *random_text(const char *prefix, size_t size, struct ots_arena *arena)
{
    uint8_t bytes[SECRET_RANDOM_BYTES];
    struct ots_buf text = OTS_BUF_INIT;
    const char *copy = NULL;
    if (ots_random_bytes(bytes, size) == OTS_OK) {
        ots_buf_append_str(&text, prefix);
        for (size_t i = 0; i < size; i++)
            ots_buf_append_fmt(&text, "%02x", bytes[i]);
        if (ots_buf_status(&text) == OTS_OK)
            copy = ots_arena_strdup(arena, ots_buf_slice(&text));
    }
    ots_secret_wipe(bytes, sizeof(bytes));
    ots_buf_deinit_secret(&text);
    return copy;
}

enum ots_status ots_credentials_make(const char *instance, struct ots_arena *arena,
                                     struct ots_credentials *credentials, struct ots_error *err)
{
    *credentials = (struct ots_credentials){
        .instance = ots_arena_strdup(arena, ots_slice_str(instance)),
        .access_key_id = random_text("otslocal", ID_RANDOM_BYTES, arena),
        .access_key_secret = random_text("", SECRET_RANDOM_BYTES, arena),
    };
    if (!credentials->instance || !credentials->access_key_id || !credentials->access_key_secret)
        return ots_error_set(err, OTS_IO, "cannot make an access key");
    return OTS_OK;
}

static enum ots_status render(const struct ots_credentials *credentials, struct ots_buf *text)
{
    OTS_AUTO(ots_json_free_secretp) struct ots_json *json = ots_json_object_new();
    if (!json)
        return OTS_NOMEM;
    enum ots_status status = ots_json_set_string(json, "endpoint", credentials->endpoint);
    if (status == OTS_OK)
        status = ots_json_set_string(json, "instanceName", credentials->instance);
    if (status == OTS_OK)
        status = ots_json_set_string(json, "accessId", credentials->access_key_id);
    if (status == OTS_OK)
        status = ots_json_set_string(json, "accessKey", credentials->access_key_secret);
    if (status == OTS_OK && credentials->unix_socket)
        status = ots_json_set_string(json, "socket", credentials->unix_socket);
    return status == OTS_OK ? ots_json_print(json, text) : status;
}

static enum ots_status write_all(int fd, struct ots_slice text, const char *path,
                                 struct ots_error *err)
{
    while (text.size) {
        ssize_t size = write(fd, text.data, text.size);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return ots_error_errno(err, errno, "cannot write %s", path);
        text = ots_slice(text.data + size, text.size - (size_t)size);
    }
    return fsync(fd) == 0 ? OTS_OK : ots_error_errno(err, errno, "cannot write %s", path);
}

/* A new file takes the old one's place, so that a reader never sees half of it. */
static enum ots_status replace(const char *path, struct ots_slice text, struct ots_error *err)
{
    char *fresh = NULL;
    if (asprintf(&fresh, "%s.XXXXXX", path) < 0)
        return no_memory(err);
    /* Makes the file with mode 0600. */
    int fd = mkostemp(fresh, O_CLOEXEC);
    if (fd < 0) {
        enum ots_status status = ots_error_errno(err, errno, "cannot create %s", path);
        free(fresh);
        return status;
    }
    enum ots_status status = write_all(fd, text, path, err);
    close(fd);
    if (status == OTS_OK && rename(fresh, path) != 0)
        status = ots_error_errno(err, errno, "cannot create %s", path);
    if (status != OTS_OK)
        unlink(fresh);
    free(fresh);
    return status;
}

enum ots_status ots_credentials_write(const char *path, const struct ots_credentials *credentials,
                                      struct ots_error *err)
{
    struct ots_buf text = OTS_BUF_INIT;
    enum ots_status status = render(credentials, &text);
    if (status == OTS_OK)
        status = replace(path, ots_buf_slice(&text), err);
    else
        no_memory(err);
    ots_buf_deinit_secret(&text);
    return status;
}
