/*
 * Compressed bodies of requests and responses, as their headers say.
 */
#ifndef OTS_SERVER_COMPRESS_H
#define OTS_SERVER_COMPRESS_H

#include "backend/wire/http.h"

/*
 * The body of `request` as it was before it was compressed, or as it is: `*body` is borrowed from
 * the request or from `inflated`, which the caller deinitialises in any case.
 *
 * Errors: OTS_INVALID (OTSParameterInvalid: the headers or the stream), OTS_LIMIT
 * (OTSRequestBodyTooLarge: more than OTS_REQUEST_BODY_BYTES_MAX announced), OTS_NOMEM.
 */
enum ots_status ots_compress_open(const struct ots_http_request *request, struct ots_buf *inflated,
                                  struct ots_slice *body, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Compress the body of `response` and mark it, when `request` asked for that and there is a body.
 * To be called when the MD5 header is made, which is of the body before, and before the signature.
 * Errors: OTS_NOMEM, OTS_LIMIT (headers).
 */
enum ots_status ots_compress_response(const struct ots_headers *request,
                                      struct ots_http_response *response) OTS_MUST_CHECK;

#endif
