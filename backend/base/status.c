#include "backend/base/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *ots_status_text(enum ots_status status)
{
    switch (status) {
#define X(name, text)                                                                              \
    case OTS_##name:                                                                               \
        return text;
        OTS_STATUS_LIST(X)
#undef X
    }
    return "unknown status";
}

OTS_PRINTF(3, 0)
static void fill(struct ots_error *err, enum ots_status status, const char *fmt, va_list args)
{
    err->status = status;
    err->service_code[0] = '\0';
    err->request_id[0] = '\0';
    vsnprintf(err->message, sizeof(err->message), fmt, args);
}

enum ots_status ots_error_set(struct ots_error *err, enum ots_status status, const char *fmt, ...)
{
    if (!err)
        return status;
    va_list args;
    va_start(args, fmt);
    fill(err, status, fmt, args);
    va_end(args);
    return status;
}

enum ots_status ots_error_service(struct ots_error *err, enum ots_status status, const char *code,
                                  const char *fmt, ...)
{
    if (!err)
        return status;
    va_list args;
    va_start(args, fmt);
    fill(err, status, fmt, args);
    va_end(args);
    snprintf(err->service_code, sizeof(err->service_code), "%s", code);
    return status;
}

static enum ots_status from_errno(int errnum)
{
    switch (errnum) {
    case ENOMEM:
        return OTS_NOMEM;
    case ENOENT:
        return OTS_NOT_FOUND;
    case EEXIST:
        return OTS_EXISTS;
    case EACCES:
    case EPERM:
        return OTS_DENIED;
    case ENOSPC:
    case EDQUOT:
        return OTS_NO_SPACE;
    default:
        return OTS_IO;
    }
}

enum ots_status ots_error_errno(struct ots_error *err, int errnum, const char *fmt, ...)
{
    enum ots_status status = from_errno(errnum);
    if (!err)
        return status;
    va_list args;
    va_start(args, fmt);
    fill(err, status, fmt, args);
    va_end(args);
    size_t used = strlen(err->message);
    char text[128];
    snprintf(err->message + used, sizeof(err->message) - used, ": %s",
             strerror_r(errnum, text, sizeof(text)));
    return status;
}

enum ots_status ots_error_prefix(struct ots_error *err, const char *fmt, ...)
{
    char prefix[sizeof(err->message)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(prefix, sizeof(prefix), fmt, args);
    va_end(args);

    size_t room = sizeof(err->message);
    size_t used = strlen(prefix);
    size_t kept = strlen(err->message);
    if (used + 2 >= room)
        used = room - 3;
    if (used + 2 + kept >= room)
        kept = room - used - 3;
    memmove(err->message + used + 2, err->message, kept);
    memcpy(err->message, prefix, used);
    memcpy(err->message + used, ": ", 2);
    err->message[used + 2 + kept] = '\0';
    return err->status;
}
