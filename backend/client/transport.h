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
    /* OTS_OK when any answer came, whatever its HTTP status; else NETWORK, TIMEOUT, CANCELLED. */
    enum ots_status status;
    struct ots_error error;
    void (*done)(struct ots_exchange *exchange, void *context);
    void *done_context;
};

struct ots_transport;

struct ots_transport_ops {
    /* Start at or after `delay_ms` from now. Runs exchange->done once, on a thread of its own. */
    void (*submit)(struct ots_transport *transport, struct ots_exchange *exchange,
                   int64_t delay_ms);
    /* End a submitted exchange soon, with OTS_CANCELLED unless it was done already. Safe from any
     * thread; nothing happens for one that is done. */
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
    /* Connections at once. 1 to 256; 0: 16. */
    unsigned connections_max;
    /* For connecting and for a transfer without any progress. Milliseconds; 0: 15000. */
    int64_t idle_timeout_ms;
};

/* libcurl multi on a thread of its own; TLS certificates are verified. Strings are copied. */
enum ots_status ots_curl_transport_new(const struct ots_curl_options *options,
                                       struct ots_transport **out,
                                       struct ots_error *err) OTS_MUST_CHECK;

#endif
