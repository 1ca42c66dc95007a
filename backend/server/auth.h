/*
 * Whether a request comes from who knows the access key, unaltered and now.
 */
#ifndef OTS_SERVER_AUTH_H
#define OTS_SERVER_AUTH_H

#include "backend/wire/http.h"
#include "backend/wire/sign.h"

/* What requests are measured against; everything is borrowed. */
struct ots_auth {
    struct ots_slice instance;
    struct ots_slice access_key_id;
    struct ots_slice access_key_secret;
    int64_t date_skew_max_us;
};

/*
 * The key that a request must be signed with, and that its response is signed with: that of
 * signature V4 when the request has all that goes into it, else of V2. Errors: OTS_LIMIT (secret).
 */
enum ots_status ots_auth_key(const struct ots_auth *auth, const struct ots_headers *headers,
                             struct ots_signing_key *key) OTS_MUST_CHECK;

/*
 * Check the headers, in this order: that they are there, version and date, access key, signature
 * over all x-ots- headers that arrived, MD5 of the body, instance. `key` is that of ots_auth_key.
 * Errors: OTS_INVALID (OTSParameterInvalid), OTS_DENIED (OTSAuthFailed).
 */
enum ots_status ots_auth_check(const struct ots_auth *auth, const struct ots_http_request *request,
                               const struct ots_signing_key *key, int64_t now_us,
                               struct ots_error *err) OTS_MUST_CHECK;

#endif
