/*
 * How far a connection to a service gets: for people who look for what is wrong.
 */
#ifndef OTS_CLIENT_PROBE_H
#define OTS_CLIENT_PROBE_H

#include "backend/client/transport.h"

enum ots_probe_step { OTS_PROBE_DNS, OTS_PROBE_TCP, OTS_PROBE_TLS, OTS_PROBE_DONE };

struct ots_probe {
    enum ots_probe_step reached; /* the step that failed; DONE: none */
    bool has_tls;
    char address[64]; /* that of the proxy, if there is one; empty when none was reached */
    unsigned port;
};

/*
 * Connect as a transport with these options would, and close. Blocks, at most for twice the idle
 * time-out.
 * Errors: of what failed, OTS_DENIED for a certificate; those of ots_curl_transport_new.
 */
enum ots_status ots_curl_probe(const struct ots_curl_options *options, struct ots_probe *probe,
                               struct ots_error *err) OTS_MUST_CHECK;

#endif
