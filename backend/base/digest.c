#include "backend/base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

static enum ots_status digest(const EVP_MD *kind, struct ots_slice bytes, uint8_t *out)
{
    return EVP_Digest(bytes.data, bytes.size, out, NULL, kind, NULL) == 1 ? OTS_OK : OTS_NOMEM;
}

enum ots_status ots_md5(struct ots_slice bytes, uint8_t out[OTS_MD5_BYTES])
{
    return digest(EVP_md5(), bytes, out);
}

enum ots_status ots_sha256(struct ots_slice bytes, uint8_t out[OTS_SHA256_BYTES])
{
    return digest(EVP_sha256(), bytes, out);
}

static enum ots_status hmac(const EVP_MD *kind, struct ots_slice key, struct ots_slice bytes,
                            uint8_t *out)
{
    unsigned int size = 0;
    /* OpenSSL takes the key's length as int and reads NULL as "the key of last time". */
    if (key.size > INT32_MAX)
        return OTS_INVALID;
    const void *data = key.size ? (const void *)key.data : "";
    return HMAC(kind, data, (int)key.size, bytes.data, bytes.size, out, &size) ? OTS_OK : OTS_NOMEM;
}

enum ots_status ots_hmac_sha1(struct ots_slice key, struct ots_slice bytes,
                              uint8_t out[OTS_SHA1_BYTES])
{
    return hmac(EVP_sha1(), key, bytes, out);
}

enum ots_status ots_hmac_sha256(struct ots_slice key, struct ots_slice bytes,
                                uint8_t out[OTS_SHA256_BYTES])
{
    return hmac(EVP_sha256(), key, bytes, out);
}

bool ots_secret_equal(struct ots_slice a, struct ots_slice b)
{
    return a.size == b.size && CRYPTO_memcmp(a.data, b.data, a.size) == 0;
}

void ots_secret_wipe(void *data, size_t size)
{
    OPENSSL_cleanse(data, size);
}

enum ots_status ots_random_bytes(void *data, size_t size)
{
    return size <= INT32_MAX && RAND_bytes(data, (int)size) == 1 ? OTS_OK : OTS_IO;
}
