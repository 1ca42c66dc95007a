/*
 * The service's error codes: their HTTP status, our status, and the Error message that carries
 * them.
 *
 * Source: java core/ErrorCode, model/DefaultRetryStrategy; public documentation "Error codes".
 */
#ifndef OTS_WIRE_SERVICE_CODE_H
#define OTS_WIRE_SERVICE_CODE_H

#include "backend/base/buf.h"

#define OTS_CODE_PARAMETER_INVALID "OTSParameterInvalid"
#define OTS_CODE_AUTH_FAILED "OTSAuthFailed"
#define OTS_CODE_NO_PERMISSION "OTSNoPermissionAccess"
#define OTS_CODE_OBJECT_NOT_EXIST "OTSObjectNotExist"
#define OTS_CODE_OBJECT_ALREADY_EXIST "OTSObjectAlreadyExist"
#define OTS_CODE_METHOD_NOT_ALLOWED "OTSMethodNotAllowed"
#define OTS_CODE_QUOTA_EXHAUSTED "OTSQuotaExhausted"
#define OTS_CODE_REQUEST_BODY_TOO_LARGE "OTSRequestBodyTooLarge"
#define OTS_CODE_SERVER_BUSY "OTSServerBusy"
#define OTS_CODE_SERVER_UNAVAILABLE "OTSServerUnavailable"
#define OTS_CODE_PARTITION_UNAVAILABLE "OTSPartitionUnavailable"
#define OTS_CODE_TIMEOUT "OTSTimeout"
#define OTS_CODE_TABLE_NOT_READY "OTSTableNotReady"
#define OTS_CODE_TRIMMED "OTSTrimmedDataAccess"
#define OTS_CODE_INTERNAL_ERROR "OTSInternalServerError"
#define OTS_CODE_INVALID_PK "OTSInvalidPK"
#define OTS_CODE_COLUMN_COUNT "OTSOutOfColumnCountLimit"
#define OTS_CODE_ROW_SIZE "OTSOutOfRowSizeLimit"
#define OTS_CODE_CONDITION_CHECK_FAIL "OTSConditionCheckFail"
#define OTS_CODE_UNSUPPORTED "OTSUnsupportedOperation"

/* When a call that got this code may be made again. */
enum ots_retry_class {
    OTS_RETRY_NEVER,
    OTS_RETRY_ALWAYS,        /* the service did not carry it out */
    OTS_RETRY_IF_IDEMPOTENT, /* it may have been carried out */
};

struct ots_service_code {
    const char *code;
    int http_status;
    enum ots_status status;
    enum ots_retry_class retry;
};

/* NULL for an unknown code. */
const struct ots_service_code *ots_service_code_find(const char *code);

/*
 * Classify an answer other than 2xx: by its code when known (OTSQuotaExhausted is retried only
 * with the message "Too frequent table operations."), else by its HTTP status.
 */
void ots_service_code_classify(int http_status, const char *code, const char *message,
                               enum ots_status *status, enum ots_retry_class *retry);

/* Append the body of an error response: protobuf Error with code and message. */
enum ots_status ots_error_body_encode(const char *code, const char *message,
                                      struct ots_buf *body) OTS_MUST_CHECK;

/*
 * Turn the answer to a failed request into `err` and its status. A body that is no Error message
 * is classified by the HTTP status alone. Never returns OTS_OK.
 */
enum ots_status ots_error_body_decode(int http_status, struct ots_slice body,
                                      struct ots_slice request_id, struct ots_error *err,
                                      enum ots_retry_class *retry);

#endif
