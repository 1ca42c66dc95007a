#include "backend/server/auth.h"

#include "backend/base/base64.h"
#include "backend/base/digest.h"
#include "backend/base/utf8.h"
#include "backend/wire/service_code.h"

enum { SHOWN_BYTES = 64 };

static bool has(const struct ots_headers *headers, const char *name)
{
    return ots_headers_get(headers, name).data != NULL;
}

static bool is_v4(const struct ots_headers *headers)
{
    return has(headers, OTS_HEADER_SIGNATURE_V4);
}

enum ots_status ots_auth_key(const struct ots_auth *auth, const struct ots_headers *headers,
                             struct ots_signing_key *key)
{
    struct ots_slice date = ots_headers_get(headers, OTS_HEADER_SIGN_DATE);
    struct ots_slice region = ots_headers_get(headers, OTS_HEADER_SIGN_REGION);
    if (is_v4(headers) && date.data && region.data)
        return ots_signing_key_v4(auth->access_key_secret, date, region, key);
    return ots_signing_key_v2(auth->access_key_secret, key);
}

static enum ots_status refuse(struct ots_error *err, const char *message)
{
    return ots_error_service(err, OTS_DENIED, OTS_CODE_AUTH_FAILED, "%s", message);
}

static enum ots_status check_presence(const struct ots_headers *headers, struct ots_error *err)
{
    static const char *const always[] = {OTS_HEADER_DATE, OTS_HEADER_API_VERSION,
                                         OTS_HEADER_ACCESS_KEY_ID, OTS_HEADER_CONTENT_MD5,
                                         OTS_HEADER_INSTANCE};
    const char *missing = NULL;
    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]) && !missing; i++)
        if (!has(headers, always[i]))
            missing = always[i];
    if (!missing && !is_v4(headers) && !has(headers, OTS_HEADER_SIGNATURE))
        missing = OTS_HEADER_SIGNATURE;
    if (!missing && is_v4(headers) && !has(headers, OTS_HEADER_SIGN_DATE))
        missing = OTS_HEADER_SIGN_DATE;
    if (!missing && is_v4(headers) && !has(headers, OTS_HEADER_SIGN_REGION))
        missing = OTS_HEADER_SIGN_REGION;
    if (!missing)
        return OTS_OK;
    return ots_error_service(err, OTS_INVALID, OTS_CODE_PARAMETER_INVALID, "Missing header: %s.",
                             missing);
}

static enum ots_status check_date(const struct ots_auth *auth, const struct ots_headers *headers,
                                  int64_t now_us, struct ots_error *err)
{
    struct ots_slice date = ots_headers_get(headers, OTS_HEADER_DATE);
    char shown[SHOWN_BYTES];
    int64_t time_us = 0;
    ots_utf8_show(date, shown, sizeof(shown));
    if (ots_date_parse(date, &time_us) != OTS_OK)
        return ots_error_service(err, OTS_INVALID, OTS_CODE_PARAMETER_INVALID,
                                 "Invalid date format: %s.", shown);
    int64_t skew_us = 0;
    if (__builtin_sub_overflow(now_us, time_us, &skew_us) || skew_us > auth->date_skew_max_us ||
        skew_us < -auth->date_skew_max_us)
        return ots_error_service(err, OTS_DENIED, OTS_CODE_AUTH_FAILED,
                                 "Mismatch between system time and x-ots-date: %s.", shown);
    return OTS_OK;
}

static enum ots_status check_version(const struct ots_headers *headers, struct ots_error *err)
{
    struct ots_slice version = ots_headers_get(headers, OTS_HEADER_API_VERSION);
    char shown[SHOWN_BYTES];
    if (ots_slice_equal(version, OTS_SLICE(OTS_API_VERSION)))
        return OTS_OK;
    return ots_error_service(err, OTS_INVALID, OTS_CODE_PARAMETER_INVALID,
                             "Unsupported API version: %s.",
                             ots_utf8_show(version, shown, sizeof(shown)));
}

static enum ots_status check_signature(const struct ots_http_request *request,
                                       const struct ots_signing_key *key, struct ots_error *err)
{
    char expected[OTS_SIGNATURE_TEXT_BYTES];
    struct ots_slice sent =
        ots_headers_get(&request->headers,
                        is_v4(&request->headers) ? OTS_HEADER_SIGNATURE_V4 : OTS_HEADER_SIGNATURE);
    enum ots_status status = ots_sign_request(key, request->path, &request->headers, expected);
    if (status != OTS_OK)
        return ots_error_set(err, status, "cannot compute a signature");
    bool is_equal = ots_secret_equal(sent, ots_slice_str(expected));
    ots_secret_wipe(expected, sizeof(expected));
    return is_equal ? OTS_OK : refuse(err, "Signature mismatch.");
}

static enum ots_status check_md5(const struct ots_http_request *request, struct ots_error *err)
{
    uint8_t digest[OTS_MD5_BYTES];
    enum ots_status status = ots_md5(request->body, digest);
    struct ots_buf text = OTS_BUF_INIT;
    ots_base64_append(&text, ots_slice(digest, sizeof(digest)));
    if (status == OTS_OK)
        status = ots_buf_status(&text);
    bool is_equal = ots_slice_equal(ots_buf_slice(&text),
                                    ots_headers_get(&request->headers, OTS_HEADER_CONTENT_MD5));
    ots_buf_deinit(&text);
    if (status != OTS_OK)
        return ots_error_set(err, status, "cannot compute a digest");
    return is_equal ? OTS_OK
                    : refuse(err, "Mismatch between MD5 value of request body and "
                                  "x-ots-contentmd5 in header.");
}

enum ots_status ots_auth_check(const struct ots_auth *auth, const struct ots_http_request *request,
                               const struct ots_signing_key *key, int64_t now_us,
                               struct ots_error *err)
{
    const struct ots_headers *headers = &request->headers;
    enum ots_status status = check_presence(headers, err);
    if (status == OTS_OK)
        status = check_version(headers, err);
    if (status == OTS_OK)
        status = check_date(auth, headers, now_us, err);
    if (status != OTS_OK)
        return status;
    if (!ots_slice_equal(ots_headers_get(headers, OTS_HEADER_ACCESS_KEY_ID), auth->access_key_id))
        return refuse(err, "The AccessKeyID does not exist.");
    status = check_signature(request, key, err);
    if (status == OTS_OK)
        status = check_md5(request, err);
    if (status != OTS_OK)
        return status;
    if (!ots_slice_equal(ots_headers_get(headers, OTS_HEADER_INSTANCE), auth->instance))
        return refuse(err, "The instance is not found.");
    return OTS_OK;
}
