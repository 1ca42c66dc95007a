#include "backend/client/curl_setup.h"
#include "backend/client/probe.h"

#include <stdio.h>

/* Where it failed: told by the code, else by what there is of a connection. */
static enum ots_probe_step find_step(CURL *easy, CURLcode code)
{
    double lookup_s = 0;
    long local_port = 0;
    long proxy_answer = 0;
    curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME, &lookup_s);
    curl_easy_getinfo(easy, CURLINFO_LOCAL_PORT, &local_port);
    curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &proxy_answer);
    if (code == CURLE_OK)
        return OTS_PROBE_DONE;
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
        return OTS_PROBE_DNS;
    if (code == CURLE_OPERATION_TIMEDOUT && lookup_s <= 0)
        return OTS_PROBE_DNS;
    bool is_refused_by_proxy = proxy_answer && proxy_answer / 100 != 2;
    return local_port && !is_refused_by_proxy ? OTS_PROBE_TLS : OTS_PROBE_TCP;
}

static enum ots_status status_of(CURLcode code)
{
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return OTS_DENIED;
    if (code == CURLE_OUT_OF_MEMORY)
        return OTS_NOMEM;
    return code == CURLE_OPERATION_TIMEDOUT ? OTS_TIMEOUT : OTS_NETWORK;
}

static enum ots_status probe_with(CURL *easy, const struct ots_curl_setup *setup,
                                  struct ots_probe *probe, struct ots_error *err)
{
    char text[CURL_ERROR_SIZE] = "";
    if (!easy || !ots_curl_setup_apply(setup, easy) ||
        curl_easy_setopt(easy, CURLOPT_URL, setup->endpoint) ||
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, text) ||
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(2 * setup->idle_timeout_ms)) ||
        curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L))
        return ots_error_set(err, OTS_NOMEM, "connecting: out of memory");
    CURLcode code = curl_easy_perform(easy);
    const char *address = NULL;
    long port = 0;
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &address);
    curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port);
    snprintf(probe->address, sizeof(probe->address), "%s", address ? address : "");
    probe->port = (unsigned)port;
    probe->reached = find_step(easy, code);
    if (code == CURLE_OK)
        return OTS_OK;
    return ots_error_set(err, status_of(code), "%s", text[0] ? text : curl_easy_strerror(code));
}

enum ots_status ots_curl_probe(const struct ots_curl_options *options, struct ots_probe *probe,
                               struct ots_error *err)
{
    struct ots_curl_setup setup;
    *probe = (struct ots_probe){.reached = OTS_PROBE_DNS};
    enum ots_status status = ots_curl_setup_init(&setup, options, err);
    if (status == OTS_OK && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        status = ots_error_set(err, OTS_NOMEM, "connecting: out of memory");
    else if (status == OTS_OK) {
        CURL *easy = curl_easy_init();
        probe->has_tls = ots_slice_starts(ots_slice_str(setup.endpoint), OTS_SLICE("https:"));
        status = probe_with(easy, &setup, probe, err);
        curl_easy_cleanup(easy);
        curl_global_cleanup();
    }
    ots_curl_setup_deinit(&setup);
    return status;
}
