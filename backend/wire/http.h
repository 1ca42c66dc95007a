/*
 * A request and a response of the service as plain data, without sockets.
 *
 * Source of header names: java core/Constants; go ots_header.go; python protocol.py.
 */
#ifndef OTS_WIRE_HTTP_H
#define OTS_WIRE_HTTP_H

#include "backend/base/buf.h"

#define OTS_HEADER_PREFIX "x-ots-"
#define OTS_HEADER_DATE "x-ots-date"
#define OTS_HEADER_API_VERSION "x-ots-apiversion"
#define OTS_HEADER_ACCESS_KEY_ID "x-ots-accesskeyid"
#define OTS_HEADER_INSTANCE "x-ots-instancename"
#define OTS_HEADER_CONTENT_MD5 "x-ots-contentmd5"
#define OTS_HEADER_CONTENT_TYPE "x-ots-contenttype"
#define OTS_HEADER_SIGNATURE "x-ots-signature"
#define OTS_HEADER_SIGNATURE_V4 "x-ots-signaturev4"
#define OTS_HEADER_SIGN_DATE "x-ots-signdate"
#define OTS_HEADER_SIGN_REGION "x-ots-signregion"
#define OTS_HEADER_STS_TOKEN "x-ots-ststoken"
#define OTS_HEADER_REQUEST_ID "x-ots-requestid"
#define OTS_HEADER_REQUEST_COMPRESS "x-ots-request-compress-type"
#define OTS_HEADER_REQUEST_COMPRESS_SIZE "x-ots-request-compress-size"
#define OTS_HEADER_RESPONSE_COMPRESS "x-ots-response-compress-type"
#define OTS_HEADER_RESPONSE_COMPRESS_SIZE "x-ots-response-compress-size"
#define OTS_HEADER_AUTHORIZATION "authorization"
#define OTS_API_VERSION "2015-12-31"
#define OTS_CONTENT_TYPE "protocol buffer"

enum { OTS_HEADERS_MAX = 64, OTS_HEADER_TEXT_BYTES_MAX = 16 * 1024 };

struct ots_header {
    struct ots_slice name; /* in lower case */
    struct ots_slice value;
};

/* Owns the text of its headers. At most OTS_HEADERS_MAX, text at most OTS_HEADER_TEXT_BYTES_MAX. */
struct ots_headers {
    struct ots_header items[OTS_HEADERS_MAX];
    size_t count;
    char *text;
    size_t text_size;
};

#define OTS_HEADERS_INIT ((struct ots_headers){.count = 0})

void ots_headers_deinit(struct ots_headers *headers);
/* Copies both; the name is stored in lower case, the value without white space at its ends.
 * Errors: OTS_LIMIT, OTS_NOMEM. */
enum ots_status ots_headers_add(struct ots_headers *headers, struct ots_slice name,
                                struct ots_slice value) OTS_MUST_CHECK;
/* The value of `name` (lower case); NULL data when absent. The first one if it occurs twice. */
struct ots_slice ots_headers_get(const struct ots_headers *headers, const char *name);

/* `path` includes the leading '/'; borrowed. */
struct ots_http_request {
    struct ots_slice path;
    struct ots_headers headers;
    struct ots_slice body;
};

struct ots_http_response {
    int status; /* 200, 403, ... */
    struct ots_headers headers;
    struct ots_buf body;
    /* The MD5 of `body`, from who had several bodies to hash at once. */
    bool has_md5;
    uint8_t md5[16];
};

/* `2025-01-02T03:04:05.678Z` for x-ots-date. `text` holds at least 32 bytes. */
void ots_date_format(int64_t time_us, char text[32]);
/*
 * Parse `YYYY-MM-DDTHH:MM:SS`, then any number of digits after a '.', which are ignored because
 * the Go SDK sends no time there, then 'Z'. Errors: OTS_INVALID.
 */
enum ots_status ots_date_parse(struct ots_slice text, int64_t *time_us) OTS_MUST_CHECK;
/* The same for dates of the service, where the digits after the '.' are a part of the second;
 * those below a microsecond are cut. */
enum ots_status ots_date_parse_fine(struct ots_slice text, int64_t *time_us) OTS_MUST_CHECK;

#endif
