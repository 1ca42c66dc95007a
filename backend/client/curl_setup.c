#include "backend/client/curl_setup.h"

#include "backend/client/endpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { IDLE_TIMEOUT_MS_DEFAULT = 15000, IDLE_TIMEOUT_MS_MAX = 3600000 };

static enum ots_status check(const struct ots_curl_options *options, struct ots_slice *host,
                             struct ots_error *err)
{
    if (!ots_endpoint_parse(ots_slice_str(options->endpoint), host))
        return ots_error_set(err, OTS_INVALID, "endpoint %s: must be http(s)://host[:port]",
                             options->endpoint);
    if (options->idle_timeout_ms < 0 || options->idle_timeout_ms > IDLE_TIMEOUT_MS_MAX)
        return ots_error_set(err, OTS_INVALID, "idle time-out: must be 0 to %d ms",
                             IDLE_TIMEOUT_MS_MAX);
    if (options->ca_file && access(options->ca_file, R_OK) != 0)
        return ots_error_errno(err, errno, "certificates: %s", options->ca_file);
    return OTS_OK;
}

/* True also for a text that is not there. */
static bool copy(char **to, const char *text)
{
    *to = text ? strdup(text) : NULL;
    return *to || !text;
}

enum ots_status ots_curl_setup_init(struct ots_curl_setup *setup,
                                    const struct ots_curl_options *options, struct ots_error *err)
{
    struct ots_slice host;
    *setup = (struct ots_curl_setup){.endpoint = NULL};
    enum ots_status status = check(options, &host, err);
    if (status != OTS_OK)
        return status;
    setup->has_proxy = !options->unix_socket && !ots_endpoint_is_loopback(host);
    setup->idle_timeout_ms =
        options->idle_timeout_ms ? options->idle_timeout_ms : IDLE_TIMEOUT_MS_DEFAULT;
    if (!copy(&setup->endpoint, options->endpoint) ||
        !copy(&setup->unix_socket, options->unix_socket) ||
        !copy(&setup->ca_file, options->ca_file))
        return ots_error_set(err, OTS_NOMEM, "transport: out of memory");
    return OTS_OK;
}

void ots_curl_setup_deinit(struct ots_curl_setup *setup)
{
    free(setup->endpoint);
    free(setup->unix_socket);
    free(setup->ca_file);
}

static bool set_tls(const struct ots_curl_setup *setup, CURL *easy)
{
    bool is_set = !curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
                  !curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L) &&
                  !curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    /* As the curl command does; libcurl by itself knows only the system's certificates. */
    const char *authorities = setup->ca_file ? setup->ca_file : secure_getenv("CURL_CA_BUNDLE");
    if (is_set && authorities && authorities[0])
        is_set = !curl_easy_setopt(easy, CURLOPT_CAINFO, authorities);
    return is_set;
}

bool ots_curl_setup_apply(const struct ots_curl_setup *setup, CURL *easy)
{
    /* libcurl counts a stalled transfer in whole seconds. */
    long idle_s = (long)((setup->idle_timeout_ms + 999) / 1000);
    bool is_set = !curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) &&
                  !curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") &&
                  !curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) &&
                  !curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L) &&
                  !curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) &&
                  !curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) &&
                  !curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) &&
                  !curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L) &&
                  !curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, idle_s) &&
                  !curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)setup->idle_timeout_ms);
    if (is_set && setup->unix_socket)
        is_set = !curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, setup->unix_socket);
    if (is_set && !setup->has_proxy)
        is_set = !curl_easy_setopt(easy, CURLOPT_PROXY, "");
    return is_set && set_tls(setup, easy);
}
