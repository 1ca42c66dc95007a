/*
 * Signatures of requests (V2: HMAC-SHA1, V4: HMAC-SHA256 with a derived key) and of responses.
 *
 * Source: java core/auth/V2SignatureMaker, V4SignatureMaker, CalculateV4SigningKeyUtil,
 * core/http/OTSValidationResponseHandler; go ots_header.go; python protocol.py.
 */
#ifndef OTS_WIRE_SIGN_H
#define OTS_WIRE_SIGN_H

#include "backend/wire/http.h"

enum ots_signature_version { OTS_SIGNATURE_V2 = 2, OTS_SIGNATURE_V4 = 4 };

enum { OTS_SIGNATURE_TEXT_BYTES = 48 }; /* room for base64 of 32 bytes and a NUL */

/*
 * The key that signs: for V2 the access key secret itself, for V4 the base64 text derived from
 * the secret, a UTC date and a region.
 */
struct ots_signing_key {
    enum ots_signature_version version;
    uint8_t bytes[256];
    size_t size;
};

/* Errors: OTS_LIMIT (a secret over 256 bytes). */
enum ots_status ots_signing_key_v2(struct ots_slice secret,
                                   struct ots_signing_key *key) OTS_MUST_CHECK;
/* `date` is YYYYMMDD. */
enum ots_status ots_signing_key_v4(struct ots_slice secret, struct ots_slice date,
                                   struct ots_slice region,
                                   struct ots_signing_key *key) OTS_MUST_CHECK;
void ots_signing_key_wipe(struct ots_signing_key *key);

/*
 * The signature of a request over `path` and every x-ots- header in `headers`, whatever they are,
 * but the signature headers. As NUL-terminated base64.
 */
enum ots_status ots_sign_request(const struct ots_signing_key *key, struct ots_slice path,
                                 const struct ots_headers *headers,
                                 char signature[OTS_SIGNATURE_TEXT_BYTES]) OTS_MUST_CHECK;

/* The signature of a response to `path`: HMAC-SHA1 for both versions. */
enum ots_status ots_sign_response(const struct ots_signing_key *key, struct ots_slice path,
                                  const struct ots_headers *headers,
                                  char signature[OTS_SIGNATURE_TEXT_BYTES]) OTS_MUST_CHECK;

/*
 * Check what a response must carry: MD5 of the body, and `Authorization: OTS <access_key_id>:
 * <signature>`. Errors: OTS_CORRUPT; the message says which check failed and shows no signature.
 */
enum ots_status ots_verify_response(const struct ots_signing_key *key,
                                    struct ots_slice access_key_id, struct ots_slice path,
                                    const struct ots_http_response *response,
                                    struct ots_error *err) OTS_MUST_CHECK;

#endif
