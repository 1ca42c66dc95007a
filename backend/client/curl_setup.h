/*
 * What all our connections by libcurl have in common. Only for the files that may use libcurl.
 */
#ifndef OTS_CLIENT_CURL_SETUP_H
#define OTS_CLIENT_CURL_SETUP_H

#include "backend/client/transport.h"

#include <curl/curl.h>

/* Owns its strings. */
struct ots_curl_setup {
    char *endpoint;
    char *unix_socket;
    char *ca_file;
    bool has_proxy;
    int64_t idle_timeout_ms;
};

/*
 * Check and copy what `options` tells of connections. Errors: as ots_curl_transport_new; to be
 * deinitialised all the same.
 */
enum ots_status ots_curl_setup_init(struct ots_curl_setup *setup,
                                    const struct ots_curl_options *options,
                                    struct ots_error *err) OTS_MUST_CHECK;
void ots_curl_setup_deinit(struct ots_curl_setup *setup);

/* Addresses, TLS and time-outs. False: libcurl has no memory. */
bool ots_curl_setup_apply(const struct ots_curl_setup *setup, CURL *easy) OTS_MUST_CHECK;

#endif
