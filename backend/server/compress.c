#include "backend/server/compress.h"

#include "backend/base/utf8.h"
#include "backend/model/limits.h"
#include "backend/wire/deflate.h"
#include "backend/wire/service_code.h"

#include <stdio.h>

enum { SIZE_DIGITS_MAX = 18, SHOWN_BYTES = 32 };

#define DEFLATE OTS_SLICE("deflate")

static enum ots_status invalid(struct ots_error *err, const char *what, struct ots_slice value)
{
    char shown[SHOWN_BYTES];
    return ots_error_service(err, OTS_INVALID, OTS_CODE_PARAMETER_INVALID, "%s: '%s'.", what,
                             ots_utf8_show(value, shown, sizeof(shown)));
}

static bool parse_size(struct ots_slice text, uint64_t *size)
{
    *size = 0;
    if (text.size < 1 || text.size > SIZE_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *size = *size * 10 + (text.data[i] - (uint64_t)'0');
    }
    return true;
}

enum ots_status ots_compress_open(const struct ots_http_request *request, struct ots_buf *inflated,
                                  struct ots_slice *body, struct ots_error *err)
{
    struct ots_slice type = ots_headers_get(&request->headers, OTS_HEADER_REQUEST_COMPRESS);
    struct ots_slice text = ots_headers_get(&request->headers, OTS_HEADER_REQUEST_COMPRESS_SIZE);
    uint64_t size;
    *body = request->body;
    if (!type.data)
        return OTS_OK;
    if (!ots_slice_equal(type, DEFLATE))
        return invalid(err, "Unsupported " OTS_HEADER_REQUEST_COMPRESS, type);
    if (!parse_size(text, &size))
        return invalid(err, "Invalid " OTS_HEADER_REQUEST_COMPRESS_SIZE, text);
    if (size > OTS_REQUEST_BODY_BYTES_MAX)
        return ots_error_service(err, OTS_LIMIT, OTS_CODE_REQUEST_BODY_TOO_LARGE,
                                 "The request body is too large.");
    enum ots_status status = ots_inflate(request->body, (size_t)size, inflated, err);
    if (status == OTS_CORRUPT)
        return ots_error_service(err, OTS_INVALID, OTS_CODE_PARAMETER_INVALID,
                                 "The request body is not the deflate stream that its headers "
                                 "announce.");
    *body = ots_buf_slice(inflated);
    return status;
}

enum ots_status ots_compress_response(const struct ots_headers *request,
                                      struct ots_http_response *response)
{
    struct ots_slice wanted = ots_headers_get(request, OTS_HEADER_RESPONSE_COMPRESS);
    if (!ots_slice_equal(wanted, DEFLATE) || response->body.size == 0)
        return OTS_OK;
    char size[24];
    snprintf(size, sizeof(size), "%zu", response->body.size);
    struct ots_buf deflated = OTS_BUF_INIT;
    enum ots_status status = ots_deflate(ots_buf_slice(&response->body), &deflated);
    if (status != OTS_OK) {
        ots_buf_deinit(&deflated);
        return status;
    }
    ots_buf_deinit(&response->body);
    response->body = deflated;
    status = ots_headers_add(&response->headers, OTS_SLICE(OTS_HEADER_RESPONSE_COMPRESS), DEFLATE);
    if (status == OTS_OK)
        status = ots_headers_add(&response->headers, OTS_SLICE(OTS_HEADER_RESPONSE_COMPRESS_SIZE),
                                 ots_slice_str(size));
    return status;
}
