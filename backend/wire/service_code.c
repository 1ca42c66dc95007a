#include "backend/wire/service_code.h"

#include "backend/base/utf8.h"
#include "backend/wire/proto.h"
#include "backend/wire/timeseries.pb-c.h"

#include <stdio.h>

/*
 * Statuses as the error code documentation of wide-column tables gives them, which also names
 * OTSTableNotReady (404), OTSRowOperationConflict (409) and OTSInternalServerError (500). Every SDK
 * decides by the code, and takes only 2xx for success.
 */
static const struct ots_service_code codes[] = {
    {OTS_CODE_PARAMETER_INVALID, 400, OTS_INVALID, OTS_RETRY_NEVER},
    {OTS_CODE_INVALID_PK, 400, OTS_INVALID, OTS_RETRY_NEVER},
    {"OTSMetaNotMatch", 400, OTS_INVALID, OTS_RETRY_NEVER},
    {"OTSSessionExpired", 400, OTS_INVALID, OTS_RETRY_NEVER},
    {OTS_CODE_COLUMN_COUNT, 400, OTS_LIMIT, OTS_RETRY_NEVER},
    {OTS_CODE_ROW_SIZE, 400, OTS_LIMIT, OTS_RETRY_NEVER},
    {OTS_CODE_UNSUPPORTED, 400, OTS_UNSUPPORTED, OTS_RETRY_NEVER},
    {OTS_CODE_AUTH_FAILED, 403, OTS_DENIED, OTS_RETRY_NEVER},
    {OTS_CODE_NO_PERMISSION, 403, OTS_DENIED, OTS_RETRY_NEVER},
    {OTS_CODE_CONDITION_CHECK_FAIL, 403, OTS_CONFLICT, OTS_RETRY_NEVER},
    {"OTSNotEnoughCapacityUnit", 403, OTS_THROTTLED, OTS_RETRY_ALWAYS},
    {"OTSOperationThrottled", 403, OTS_THROTTLED, OTS_RETRY_ALWAYS},
    /* Repeated only with one message; ots_service_code_classify knows. */
    {OTS_CODE_QUOTA_EXHAUSTED, 403, OTS_THROTTLED, OTS_RETRY_NEVER},
    {"OTSTooFrequentReservedThroughputAdjustment", 403, OTS_THROTTLED, OTS_RETRY_NEVER},
    {OTS_CODE_TABLE_NOT_READY, 404, OTS_NOT_READY, OTS_RETRY_ALWAYS},
    {OTS_CODE_TRIMMED, 404, OTS_TRIMMED, OTS_RETRY_NEVER},
    {OTS_CODE_OBJECT_NOT_EXIST, 404, OTS_NOT_FOUND, OTS_RETRY_NEVER},
    {OTS_CODE_METHOD_NOT_ALLOWED, 405, OTS_UNSUPPORTED, OTS_RETRY_NEVER},
    {"OTSRequestTimeout", 408, OTS_UNAVAILABLE, OTS_RETRY_IF_IDEMPOTENT},
    {OTS_CODE_OBJECT_ALREADY_EXIST, 409, OTS_EXISTS, OTS_RETRY_NEVER},
    {"OTSRowOperationConflict", 409, OTS_CONFLICT, OTS_RETRY_ALWAYS},
    {OTS_CODE_REQUEST_BODY_TOO_LARGE, 413, OTS_LIMIT, OTS_RETRY_NEVER},
    {OTS_CODE_INTERNAL_ERROR, 500, OTS_UNAVAILABLE, OTS_RETRY_IF_IDEMPOTENT},
    {OTS_CODE_SERVER_BUSY, 503, OTS_THROTTLED, OTS_RETRY_ALWAYS},
    {"OTSStorageServerBusy", 503, OTS_THROTTLED, OTS_RETRY_ALWAYS},
    {OTS_CODE_PARTITION_UNAVAILABLE, 503, OTS_UNAVAILABLE, OTS_RETRY_ALWAYS},
    {OTS_CODE_SERVER_UNAVAILABLE, 503, OTS_UNAVAILABLE, OTS_RETRY_IF_IDEMPOTENT},
    {OTS_CODE_TIMEOUT, 503, OTS_UNAVAILABLE, OTS_RETRY_IF_IDEMPOTENT},
};

const struct ots_service_code *ots_service_code_find(const char *code)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (strcmp(codes[i].code, code) == 0)
            return &codes[i];
    return NULL;
}

/* What an answer is worth whose code says nothing to us. */
static enum ots_status status_of_http(int http_status)
{
    if (http_status >= 500)
        return OTS_UNAVAILABLE;
    switch (http_status) {
    case 401:
    case 403:
        return OTS_DENIED;
    case 404:
        return OTS_NOT_FOUND;
    case 405:
        return OTS_UNSUPPORTED;
    case 408:
        return OTS_UNAVAILABLE;
    case 409:
        return OTS_CONFLICT;
    case 413:
        return OTS_LIMIT;
    case 429:
        return OTS_THROTTLED;
    default:
        /* Below 400 it is not the service that answers, but perhaps a proxy's redirection. */
        return http_status >= 400 ? OTS_INVALID : OTS_CORRUPT;
    }
}

void ots_service_code_classify(int http_status, const char *code, const char *message,
                               enum ots_status *status, enum ots_retry_class *retry)
{
    const struct ots_service_code *known = ots_service_code_find(code);
    if (!known) {
        *status = status_of_http(http_status);
        *retry = *status == OTS_UNAVAILABLE ? OTS_RETRY_IF_IDEMPOTENT
                 : *status == OTS_THROTTLED ? OTS_RETRY_ALWAYS
                                            : OTS_RETRY_NEVER;
        return;
    }
    *status = known->status;
    *retry = known->retry;
    if (strcmp(code, OTS_CODE_QUOTA_EXHAUSTED) != 0)
        return;
    /* The one code with two meanings: too fast, or a quota that waiting does not change. */
    bool is_too_fast = strcmp(message, "Too frequent table operations.") == 0;
    *status = is_too_fast ? OTS_THROTTLED : OTS_LIMIT;
    *retry = is_too_fast ? OTS_RETRY_ALWAYS : OTS_RETRY_NEVER;
}

enum ots_status ots_error_body_encode(const char *code, const char *message, struct ots_buf *body)
{
    Ots__Wire__Failure failure = OTS__WIRE__FAILURE__INIT;
    failure.code = ots_proto_bytes(ots_slice_str(code));
    failure.has_message = true;
    failure.message = ots_proto_bytes(ots_slice_str(message));
    return ots_proto_pack(&failure, body);
}

enum ots_status ots_error_body_decode(int http_status, struct ots_slice body,
                                      struct ots_slice request_id, struct ots_error *err,
                                      enum ots_retry_class *retry)
{
    struct ots_arena arena = OTS_ARENA_INIT;
    const void *unpacked;
    struct ots_error full = {.status = OTS_CORRUPT};
    enum ots_status status;
    if (ots_proto_unpack(&ots__wire__failure__descriptor, body, &arena, "error", &unpacked, NULL) ==
        OTS_OK) {
        const Ots__Wire__Failure *failure = unpacked;
        ots_utf8_show(ots_proto_slice(failure->code), full.service_code, sizeof(full.service_code));
        ots_utf8_show(ots_proto_slice(failure->message), full.message, sizeof(full.message));
    }
    ots_arena_deinit(&arena);
    ots_service_code_classify(http_status, full.service_code, full.message, &status, retry);
    full.status = status;
    if (!full.message[0])
        snprintf(full.message, sizeof(full.message), "the service answered with HTTP status %d",
                 http_status);
    ots_utf8_show(request_id, full.request_id, sizeof(full.request_id));
    if (err)
        *err = full;
    return status;
}
