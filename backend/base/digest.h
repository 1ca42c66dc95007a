/*
 * MD5, SHA-256 and HMAC: the one door to OpenSSL.
 *
 * Lives in base, not in wire, because file names (fs/lp) need SHA-256 as well.
 */
#ifndef OTS_BASE_DIGEST_H
#define OTS_BASE_DIGEST_H

#include "backend/base/slice.h"
#include "backend/base/status.h"

enum { OTS_MD5_BYTES = 16, OTS_SHA1_BYTES = 20, OTS_SHA256_BYTES = 32 };

enum ots_status ots_md5(struct ots_slice bytes, uint8_t out[OTS_MD5_BYTES]) OTS_MUST_CHECK;
enum ots_status ots_sha256(struct ots_slice bytes, uint8_t out[OTS_SHA256_BYTES]) OTS_MUST_CHECK;
enum ots_status ots_hmac_sha1(struct ots_slice key, struct ots_slice bytes,
                              uint8_t out[OTS_SHA1_BYTES]) OTS_MUST_CHECK;
enum ots_status ots_hmac_sha256(struct ots_slice key, struct ots_slice bytes,
                                uint8_t out[OTS_SHA256_BYTES]) OTS_MUST_CHECK;

/* Whether the two are equal, in a time that depends only on their lengths. */
bool ots_secret_equal(struct ots_slice a, struct ots_slice b);

/* Overwrite memory that held a secret; not optimised away. */
void ots_secret_wipe(void *data, size_t size);

/* Fill with random bytes fit for a secret. Errors: OTS_IO. */
enum ots_status ots_random_bytes(void *data, size_t size) OTS_MUST_CHECK;

#endif
