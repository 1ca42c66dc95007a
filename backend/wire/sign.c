#include "backend/wire/sign.h"

#include "backend/base/base64.h"
#include "backend/base/digest.h"

#include <stdlib.h>

/* The V4 scheme's fixed words. */
static const char v4_prefix[] = "aliyun_v4";
static const char v4_product[] = "ots";
static const char v4_end[] = "aliyun_v4_request";

enum ots_status ots_signing_key_v2(struct ots_slice secret, struct ots_signing_key *key)
{
    *key = (struct ots_signing_key){.version = OTS_SIGNATURE_V2};
    if (secret.size > sizeof(key->bytes))
        return OTS_LIMIT;
    if (secret.size)
        memcpy(key->bytes, secret.data, secret.size);
    key->size = secret.size;
    return OTS_OK;
}

/* One link of the V4 chain: `link` becomes HMAC-SHA256(link, text). */
static enum ots_status chain(uint8_t link[OTS_SHA256_BYTES], struct ots_slice text)
{
    uint8_t next[OTS_SHA256_BYTES];
    enum ots_status status = ots_hmac_sha256(ots_slice(link, OTS_SHA256_BYTES), text, next);
    memcpy(link, next, sizeof(next));
    ots_secret_wipe(next, sizeof(next));
    return status;
}

static enum ots_status first_link(struct ots_slice secret, struct ots_slice date,
                                  uint8_t link[OTS_SHA256_BYTES])
{
    uint8_t start[sizeof(v4_prefix) - 1 + sizeof(((struct ots_signing_key *)0)->bytes)];
    const size_t prefix = sizeof(v4_prefix) - 1;
    memcpy(start, v4_prefix, prefix);
    if (secret.size)
        memcpy(start + prefix, secret.data, secret.size);
    enum ots_status status = ots_hmac_sha256(ots_slice(start, prefix + secret.size), date, link);
    ots_secret_wipe(start, sizeof(start));
    return status;
}

/* NUL-terminated base64 of a digest. */
static enum ots_status digest_text(const uint8_t *digest, size_t size,
                                   char text[OTS_SIGNATURE_TEXT_BYTES])
{
    struct ots_buf buf = OTS_BUF_INIT;
    ots_base64_append(&buf, ots_slice(digest, size));
    ots_buf_append_byte(&buf, '\0');
    enum ots_status status = ots_buf_status(&buf);
    if (status == OTS_OK)
        memcpy(text, buf.data, buf.size);
    ots_buf_deinit_secret(&buf);
    return status;
}

enum ots_status ots_signing_key_v4(struct ots_slice secret, struct ots_slice date,
                                   struct ots_slice region, struct ots_signing_key *key)
{
    *key = (struct ots_signing_key){.version = OTS_SIGNATURE_V4};
    if (secret.size > sizeof(key->bytes))
        return OTS_LIMIT;
    uint8_t link[OTS_SHA256_BYTES];
    enum ots_status status = first_link(secret, date, link);
    if (status == OTS_OK)
        status = chain(link, region);
    if (status == OTS_OK)
        status = chain(link, ots_slice_str(v4_product));
    if (status == OTS_OK)
        status = chain(link, ots_slice_str(v4_end));
    /* The signing key is the text, not the bytes that it stands for. */
    char text[OTS_SIGNATURE_TEXT_BYTES] = "";
    if (status == OTS_OK)
        status = digest_text(link, sizeof(link), text);
    key->size = strlen(text);
    memcpy(key->bytes, text, key->size);
    ots_secret_wipe(link, sizeof(link));
    ots_secret_wipe(text, sizeof(text));
    return status;
}

void ots_signing_key_wipe(struct ots_signing_key *key)
{
    ots_secret_wipe(key, sizeof(*key));
}

static int compare_headers(const void *a, const void *b)
{
    const struct ots_header *const *left = a;
    const struct ots_header *const *right = b;
    int order = ots_slice_compare((*left)->name, (*right)->name);
    /* Equal names keep the order in which they arrived. */
    return order ? order : (*left > *right) - (*left < *right);
}

static bool is_signed(struct ots_slice name)
{
    return ots_slice_starts(name, OTS_SLICE(OTS_HEADER_PREFIX)) &&
           !ots_slice_equal(name, OTS_SLICE(OTS_HEADER_SIGNATURE)) &&
           !ots_slice_equal(name, OTS_SLICE(OTS_HEADER_SIGNATURE_V4));
}

/* Append `name:value` LF for every signed header, ascending by name. */
static void append_headers(struct ots_buf *buf, const struct ots_headers *headers)
{
    const struct ots_header *sorted[OTS_HEADERS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < headers->count; i++)
        if (is_signed(headers->items[i].name))
            sorted[count++] = &headers->items[i];
    qsort(sorted, count, sizeof(sorted[0]), compare_headers);
    for (size_t i = 0; i < count; i++) {
        ots_buf_append_slice(buf, sorted[i]->name);
        ots_buf_append_byte(buf, ':');
        ots_buf_append_slice(buf, sorted[i]->value);
        ots_buf_append_byte(buf, '\n');
    }
}

/* Ends the text's life: it may hold a security token. */
static enum ots_status sign_text(const struct ots_signing_key *key, bool is_sha256,
                                 struct ots_buf *take_text,
                                 char signature[OTS_SIGNATURE_TEXT_BYTES])
{
    enum ots_status status = ots_buf_status(take_text);
    uint8_t digest[OTS_SHA256_BYTES];
    struct ots_slice secret = ots_slice(key->bytes, key->size);
    struct ots_slice text = ots_buf_slice(take_text);
    size_t size = is_sha256 ? OTS_SHA256_BYTES : OTS_SHA1_BYTES;
    if (status == OTS_OK)
        status =
            is_sha256 ? ots_hmac_sha256(secret, text, digest) : ots_hmac_sha1(secret, text, digest);
    if (status == OTS_OK)
        status = digest_text(digest, size, signature);
    ots_secret_wipe(digest, sizeof(digest));
    ots_buf_deinit_secret(take_text);
    return status;
}

enum ots_status ots_sign_request(const struct ots_signing_key *key, struct ots_slice path,
                                 const struct ots_headers *headers,
                                 char signature[OTS_SIGNATURE_TEXT_BYTES])
{
    bool is_v4 = key->version == OTS_SIGNATURE_V4;
    struct ots_buf text = OTS_BUF_INIT;
    ots_buf_append_slice(&text, path);
    /* The empty line stands for the query part, which no action has. */
    ots_buf_append_str(&text, "\nPOST\n\n");
    append_headers(&text, headers);
    if (is_v4)
        ots_buf_append_str(&text, v4_product);
    return sign_text(key, is_v4, &text, signature);
}

enum ots_status ots_sign_response(const struct ots_signing_key *key, struct ots_slice path,
                                  const struct ots_headers *headers,
                                  char signature[OTS_SIGNATURE_TEXT_BYTES])
{
    struct ots_buf text = OTS_BUF_INIT;
    append_headers(&text, headers);
    ots_buf_append_slice(&text, path);
    return sign_text(key, false, &text, signature);
}

static enum ots_status verify_md5(const struct ots_http_response *response, struct ots_error *err)
{
    struct ots_slice given = ots_headers_get(&response->headers, OTS_HEADER_CONTENT_MD5);
    if (!given.data)
        return ots_error_set(err, OTS_CORRUPT, "the response has no MD5 of its body");
    uint8_t digest[OTS_MD5_BYTES];
    char text[OTS_SIGNATURE_TEXT_BYTES];
    enum ots_status status = OTS_OK;
    if (response->has_md5)
        memcpy(digest, response->md5, sizeof(digest));
    else
        status = ots_md5(ots_buf_slice(&response->body), digest);
    if (status == OTS_OK)
        status = digest_text(digest, sizeof(digest), text);
    if (status != OTS_OK)
        return ots_error_set(err, status, "cannot compute the MD5 of the response");
    if (!ots_slice_equal(given, ots_slice_str(text)))
        return ots_error_set(err, OTS_CORRUPT, "the response's body does not fit its MD5");
    return OTS_OK;
}

enum ots_status ots_verify_response(const struct ots_signing_key *key,
                                    struct ots_slice access_key_id, struct ots_slice path,
                                    const struct ots_http_response *response, struct ots_error *err)
{
    enum ots_status status = verify_md5(response, err);
    if (status != OTS_OK)
        return status;
    struct ots_slice given = ots_headers_get(&response->headers, OTS_HEADER_AUTHORIZATION);
    if (!given.data)
        return ots_error_set(err, OTS_CORRUPT, "the response is not signed");
    char signature[OTS_SIGNATURE_TEXT_BYTES];
    status = ots_sign_response(key, path, &response->headers, signature);
    struct ots_buf wanted = OTS_BUF_INIT;
    ots_buf_append_str(&wanted, "OTS ");
    ots_buf_append_slice(&wanted, access_key_id);
    ots_buf_append_byte(&wanted, ':');
    if (status == OTS_OK)
        ots_buf_append_str(&wanted, signature);
    if (status == OTS_OK)
        status = ots_buf_status(&wanted);
    if (status != OTS_OK)
        ots_error_set(err, status, "cannot compute the signature of the response");
    else if (!ots_secret_equal(given, ots_buf_slice(&wanted)))
        status = ots_error_set(err, OTS_CORRUPT, "the response's signature is wrong");
    ots_buf_deinit(&wanted);
    return status;
}
