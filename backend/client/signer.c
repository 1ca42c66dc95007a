#include "backend/client/signer.h"

#include "backend/base/base64.h"
#include "backend/base/digest.h"
#include "backend/client/client.h"

#include <stdlib.h>

enum {
    NAME_BYTES_MAX = 256,
    SECRET_BYTES_MAX = sizeof(((struct ots_signing_key *)0)->bytes),
    TOKEN_BYTES_MAX = 8 * 1024, /* leaves half of OTS_HEADER_TEXT_BYTES_MAX to the others */
};

static void free_secret(char *secret)
{
    if (secret)
        ots_secret_wipe(secret, strlen(secret));
    free(secret);
}

void ots_signer_deinit(struct ots_signer *signer)
{
    free(signer->instance);
    free(signer->access_key_id);
    free_secret(signer->access_key_secret);
    free_secret(signer->sts_token);
    free(signer->region);
    *signer = (struct ots_signer){.instance = NULL};
}

/* Copy `text`, which `what` names in messages, after a look whether it can stand in a header. */
static enum ots_status copy(const char *what, const char *text, size_t bytes_max, char **out,
                            struct ots_error *err)
{
    if (!text || !*text)
        return ots_error_set(err, OTS_INVALID, "%s is missing", what);
    if (strlen(text) > bytes_max)
        return ots_error_set(err, OTS_INVALID, "%s is over %zu bytes", what, bytes_max);
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~')
            return ots_error_set(err, OTS_INVALID, "%s has a character that is not printable ASCII",
                                 what);
    *out = strdup(text);
    return *out ? OTS_OK : ots_error_set(err, OTS_NOMEM, "%s: out of memory", what);
}

enum ots_status ots_signer_init(struct ots_signer *signer, const struct ots_client_options *options,
                                struct ots_error *err)
{
    *signer = (struct ots_signer){.instance = NULL};
    enum ots_status status =
        copy("the instance name", options->instance, NAME_BYTES_MAX, &signer->instance, err);
    if (status == OTS_OK)
        status = copy("the access key id", options->access_key_id, NAME_BYTES_MAX,
                      &signer->access_key_id, err);
    if (status == OTS_OK)
        status = copy("the access key secret", options->access_key_secret, SECRET_BYTES_MAX,
                      &signer->access_key_secret, err);
    if (status == OTS_OK && options->sts_token)
        status =
            copy("the STS token", options->sts_token, TOKEN_BYTES_MAX, &signer->sts_token, err);
    if (status == OTS_OK && options->region)
        status = copy("the region", options->region, NAME_BYTES_MAX, &signer->region, err);
    if (status != OTS_OK)
        ots_signer_deinit(signer);
    return status;
}

static enum ots_status add(struct ots_headers *headers, const char *name, const char *value)
{
    return ots_headers_add(headers, ots_slice_str(name), ots_slice_str(value));
}

static enum ots_status add_body_digest(struct ots_headers *headers, struct ots_slice body)
{
    uint8_t digest[OTS_MD5_BYTES];
    enum ots_status status = ots_md5(body, digest);
    if (status != OTS_OK)
        return status;
    struct ots_buf text = OTS_BUF_INIT;
    ots_base64_append(&text, ots_slice(digest, sizeof(digest)));
    status = ots_buf_status(&text);
    if (status == OTS_OK)
        status =
            ots_headers_add(headers, ots_slice_str(OTS_HEADER_CONTENT_MD5), ots_buf_slice(&text));
    ots_buf_deinit(&text);
    return status;
}

static enum ots_status add_plain(const struct ots_signer *signer, struct ots_http_request *request,
                                 const char *date)
{
    struct ots_headers *headers = &request->headers;
    enum ots_status status = add(headers, OTS_HEADER_DATE, date);
    if (status == OTS_OK)
        status = add(headers, OTS_HEADER_API_VERSION, OTS_API_VERSION);
    if (status == OTS_OK)
        status = add(headers, OTS_HEADER_ACCESS_KEY_ID, signer->access_key_id);
    if (status == OTS_OK)
        status = add(headers, OTS_HEADER_INSTANCE, signer->instance);
    if (status == OTS_OK && signer->sts_token)
        status = add(headers, OTS_HEADER_STS_TOKEN, signer->sts_token);
    if (status == OTS_OK)
        status = add_body_digest(headers, request->body);
    return status;
}

/* `day` is the UTC day of the request, YYYYMMDD. */
static enum ots_status add_signature(const struct ots_signer *signer,
                                     struct ots_http_request *request, const char *day,
                                     struct ots_signing_key *key)
{
    struct ots_headers *headers = &request->headers;
    struct ots_slice secret = ots_slice_str(signer->access_key_secret);
    enum ots_status status;
    if (signer->region) {
        status = ots_signing_key_v4(secret, ots_slice_str(day), ots_slice_str(signer->region), key);
        if (status == OTS_OK)
            status = add(headers, OTS_HEADER_SIGN_DATE, day);
        if (status == OTS_OK)
            status = add(headers, OTS_HEADER_SIGN_REGION, signer->region);
    } else {
        status = ots_signing_key_v2(secret, key);
    }
    char signature[OTS_SIGNATURE_TEXT_BYTES];
    if (status == OTS_OK)
        status = ots_sign_request(key, request->path, headers, signature);
    if (status != OTS_OK)
        return status;
    return add(headers, signer->region ? OTS_HEADER_SIGNATURE_V4 : OTS_HEADER_SIGNATURE, signature);
}

enum ots_status ots_signer_sign(const struct ots_signer *signer, struct ots_http_request *request,
                                int64_t now_us, struct ots_signing_key *key, struct ots_error *err)
{
    char date[32];
    ots_date_format(now_us, date);
    /* YYYY-MM-DD without its dashes. */
    char day[9] = {date[0], date[1], date[2], date[3], date[5], date[6], date[8], date[9], '\0'};
    ots_headers_deinit(&request->headers);
    enum ots_status status = add_plain(signer, request, date);
    if (status == OTS_OK)
        status = add_signature(signer, request, day, key);
    return status == OTS_OK ? OTS_OK : ots_error_set(err, status, "cannot sign the request");
}
