/*
 * How a listener is to listen.
 */
#ifndef OTS_SERVER_LISTENER_OPTIONS_H
#define OTS_SERVER_LISTENER_OPTIONS_H

#include "backend/server/counters.h"
#include "backend/server/handler.h"

struct ots_listener_options {
    const char *address;           /* "127.0.0.1:8087", "[::1]:0"; NULL: no TCP */
    const char *unix_socket;       /* path; NULL: none. One of the two is given, not both */
    const char *certificate;       /* PEM text; NULL: no TLS. Only borrowed for the start */
    const char *key;               /* PEM text, with `certificate` */
    unsigned threads;              /* 1 to 64; 0: 4 */
    unsigned connections_max;      /* more have to wait; 0: 512 */
    unsigned idle_timeout_s;       /* of a connection between requests; 0: 75 */
    unsigned slow_timeout_s;       /* for a body or an answer; 0: 60 */
    size_t body_bytes_max;         /* of all bodies under way: see budget.h; 0: 128 MiB */
    struct ots_handler *handler;   /* borrowed */
    struct ots_counters *counters; /* borrowed; may be NULL */
    /* Called on some thread whenever the number of open connections has become 0. May be NULL. */
    void (*on_idle)(void *context);
    void *context;
};

/* The options with their defaults in place of zeros, and within their ranges; there is a connection
 * for each thread at least. */
struct ots_listener_options ots_listener_complete(const struct ots_listener_options *given);

#endif
