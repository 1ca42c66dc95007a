/*
 * What carries requests to a service: curl in the product, a function call in loop tests.
 */
#ifndef OTS_CLIENT_TRANSPORT_H
#define OTS_CLIENT_TRANSPORT_H

#include "backend/wire/http.h"

/* One request and its answer. */
struct ots_exchange {
    struct ots_http_request request;
    struct ots_http_response response;
    /*
     * OTS_OK when any answer came, whatever its HTTP status; else NETWORK or TIMEOUT, after which
     * another try may succeed, or CANCELLED, DENIED (TLS certificate), LIMIT (answer too large),
     * NOMEM; then `error` tells more.
     */
    enum ots_status status;
    struct ots_error error;
    /* Whether the service may have seen the request; false only when surely not. */
    bool may_have_arrived;
    void (*done)(struct ots_exchange *exchange, void *context);
    void *done_context;
    /* The transport's own from submit to done, so that submit needs no memory and cannot fail. */
    struct {
        struct ots_exchange *previous;
        struct ots_exchange *next;
        int64_t start_us;
        void *carrier;
        bool is_cancelled;
    } link;
};

struct ots_transport;

struct ots_transport_ops {
    /*
     * Start at or after `delay_ms` from now. Runs exchange->done once, on a thread of its own and
     * without locks held, so done may submit again; in its course the exchange may be freed.
     * The response must be empty and own nothing; it is the caller's again from done on.
     */
    void (*submit)(struct ots_transport *transport, struct ots_exchange *exchange,
                   int64_t delay_ms);
    /* End a submitted exchange soon, with OTS_CANCELLED unless it was done already. Safe from any
     * thread, never runs done itself; nothing happens for one that is done or was never
     * submitted. */
    void (*cancel)(struct ots_transport *transport, struct ots_exchange *exchange);
    /* End all exchanges with OTS_CANCELLED, wait for their done, free the transport. */
    void (*free)(struct ots_transport *transport);
};

struct ots_transport {
    const struct ots_transport_ops *ops;
};

struct ots_curl_options {
    const char *endpoint;    /* "https://host[:port]" or "http://..." */
    const char *unix_socket; /* path; NULL: TCP to the endpoint's host */
    /* Certificates to trust, in PEM; NULL: those that $CURL_CA_BUNDLE names, else the system's. */
    const char *ca_file;
    /* Connections at once. 1 to 256; 0: 16. */
    unsigned connections_max;
    /* For connecting and for a transfer without any progress, the latter noticed within 6 s.
     * Milliseconds, 1 to 3600000; 0: 15000. */
    int64_t idle_timeout_ms;
    /* Requests per second, 1 to 1000000, and 10^6 bits per second of requests and answers together,
     * 1 to 100000, as limiter.h says; who waits for it can be cancelled. 0: no limit. */
    unsigned max_rps;
    unsigned max_mbps;
    /* A larger answer ends its exchange with OTS_LIMIT. Bytes; 0: OTS_RESPONSE_BODY_BYTES_MAX. */
    size_t response_bytes_max;
};

/*
 * libcurl multi on a thread of its own. TLS certificates are verified, redirects are not followed,
 * connections are kept for the next exchange. The environment's proxy is used as curl does, but
 * never for a Unix socket or a loopback host. Strings are copied.
 * Errors: OTS_INVALID (an option), OTS_NOT_FOUND, OTS_DENIED (`ca_file`), OTS_NOMEM, OTS_IO (no
 * thread).
 */
enum ots_status ots_curl_transport_new(const struct ots_curl_options *options,
                                       struct ots_transport **out,
                                       struct ots_error *err) OTS_MUST_CHECK;

#endif
