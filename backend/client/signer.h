/*
 * Credentials, and the headers that every request carries because of them.
 *
 * Threads: safe once initialised. The secret and the token are overwritten when freed.
 */
#ifndef OTS_CLIENT_SIGNER_H
#define OTS_CLIENT_SIGNER_H

#include "backend/wire/sign.h"

struct ots_client_options;

struct ots_signer {
    char *instance;
    char *access_key_id;
    char *access_key_secret;
    char *sts_token; /* NULL: none */
    char *region;    /* NULL: V2 */
};

/*
 * Copy what `options` tells. Errors: OTS_INVALID (something is missing, too long or not fit for a
 * header; the message names it and never shows a secret), OTS_NOMEM. Needs no deinit on failure.
 */
enum ots_status ots_signer_init(struct ots_signer *signer, const struct ots_client_options *options,
                                struct ots_error *err) OTS_MUST_CHECK;
void ots_signer_deinit(struct ots_signer *signer);

/*
 * Replace the headers of `request`, whose path and body are set, by those of a request made at
 * `now_us`, and tell the key that signs the answer; whoever has the key wipes it.
 */
enum ots_status ots_signer_sign(const struct ots_signer *signer, struct ots_http_request *request,
                                int64_t now_us, struct ots_signing_key *key,
                                struct ots_error *err) OTS_MUST_CHECK;

#endif
