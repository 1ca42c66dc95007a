/*
 * Where a service is: http(s)://host[:port], as options and credentials give it.
 */
#ifndef OTS_CLIENT_ENDPOINT_H
#define OTS_CLIENT_ENDPOINT_H

#include "backend/base/slice.h"

#include <stdbool.h>

enum { OTS_ENDPOINT_BYTES_MAX = 512 };

/*
 * Whether `text` is http(s)://host[:port] without user, path or query; `host` is set then. An IPv6
 * host stands in brackets, also in `host`.
 *
 * Ownership: `host` borrows from `text`.
 */
bool ots_endpoint_parse(struct ots_slice text, struct ots_slice *host);

/* Whether `host` is this machine by its name alone; names are not looked up. */
bool ots_endpoint_is_loopback(struct ots_slice host);

#endif
