/*
 * What a function that can fail returns, and the error that crosses layers.
 */
#ifndef OTS_BASE_STATUS_H
#define OTS_BASE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define OTS_MUST_CHECK __attribute__((warn_unused_result))
#define OTS_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* X(name, text): the one list of statuses. */
#define OTS_STATUS_LIST(X)                                                                         \
    X(OK, "success")                                                                               \
    X(NOMEM, "out of memory")                                                                      \
    X(INVALID, "invalid argument")                                                                 \
    X(LIMIT, "over a limit")                                                                       \
    X(CORRUPT, "malformed data")                                                                   \
    X(NOT_FOUND, "does not exist")                                                                 \
    X(EXISTS, "already exists")                                                                    \
    X(NOT_EMPTY, "not empty")                                                                      \
    X(NOT_READY, "not ready yet")                                                                  \
    X(DENIED, "access denied")                                                                     \
    X(NOT_PERMITTED, "operation not permitted")                                                    \
    X(CONFLICT, "conflicts with another operation")                                                \
    X(THROTTLED, "throttled by the service")                                                       \
    X(UNAVAILABLE, "service unavailable")                                                          \
    X(NETWORK, "connection failed")                                                                \
    X(TIMEOUT, "timed out")                                                                        \
    X(CANCELLED, "cancelled")                                                                      \
    X(UNSUPPORTED, "not supported")                                                                \
    X(OTHER_SOURCE, "belongs to another source")                                                   \
    X(NO_SPACE, "no space left")                                                                   \
    X(STALE, "changed since it was opened")                                                        \
    X(TRIMMED, "no longer kept by the service")                                                    \
    X(INCOMPLETE, "not complete yet")                                                              \
    X(READ_ONLY, "can only be read")                                                               \
    X(NO_ATTRIBUTE, "no such attribute")                                                           \
    X(TOO_MANY, "too many in use")                                                                 \
    X(IO, "input/output error")

enum ots_status {
#define X(name, text) OTS_##name,
    OTS_STATUS_LIST(X)
#undef X
};

/*
 * Filled by the first to know; others only prefix what they were doing.
 * `service_code` is the service's own code ("OTSServerBusy") or empty.
 * Never holds a secret or a signature.
 */
struct ots_error {
    enum ots_status status;
    char service_code[48];
    char request_id[64];
    char message[512];
};

/* The status's text, for people. */
const char *ots_status_text(enum ots_status status);

/*
 * Fill `err` (may be NULL) with a message made as printf does; service code and request id are
 * emptied. Returns `status`, so that a function can end with it.
 */
enum ots_status ots_error_set(struct ots_error *err, enum ots_status status, const char *fmt, ...)
    OTS_PRINTF(3, 4);

/* The same, with the service's code. */
enum ots_status ots_error_service(struct ots_error *err, enum ots_status status, const char *code,
                                  const char *fmt, ...) OTS_PRINTF(4, 5);

/* The same from an errno: the message is `what: strerror`. Returns the status that fits. */
enum ots_status ots_error_errno(struct ots_error *err, int errnum, const char *fmt, ...)
    OTS_PRINTF(3, 4);

/* Put `fmt: ` before the message. Returns err's status. */
enum ots_status ots_error_prefix(struct ots_error *err, const char *fmt, ...) OTS_PRINTF(2, 3);

#endif
