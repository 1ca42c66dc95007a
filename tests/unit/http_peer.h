/*
 * A small HTTP server for tests of the transport; the path of a request says how it misbehaves.
 *
 *   /echo          200, the body that came, X-Ots-Note: hello
 *   /busy          503, body "busy"
 *   /redirect      301 to /echo
 *   /interim       100 with a header X-Ots-Interim, then as /echo
 *   /cut-before    closes without an answer
 *   /cut-inside    closes in the middle of the body
 *   /close-after   as /echo, then closes
 *   /slow          never answers
 *   /large         announces a body of 1 GiB
 *   /endless       a chunked body without end
 *   /many-headers  200 with more headers than are allowed
 *   /garbage       something that is not HTTP
 */
#ifndef TESTS_UNIT_HTTP_PEER_H
#define TESTS_UNIT_HTTP_PEER_H

#include <stddef.h>

struct http_peer;

/* Listens on a Unix socket at `path` or, for NULL, on a free port of 127.0.0.1. */
struct http_peer *http_peer_new(const char *path);
/* Ends all connections and threads. */
void http_peer_free(struct http_peer *peer);

/* "http://127.0.0.1:PORT", or "http://localhost" for a Unix socket. */
const char *http_peer_endpoint(const struct http_peer *peer);

/* Accepted so far, and the most at one time. */
unsigned http_peer_connections(struct http_peer *peer);
unsigned http_peer_connections_max(struct http_peer *peer);
unsigned http_peer_requests(struct http_peer *peer);
/* Wait until `count` requests have come. */
void http_peer_wait_requests(struct http_peer *peer, unsigned count);
/* Copies the head (request line and headers) of the last request, NUL-terminated. */
void http_peer_last_head(struct http_peer *peer, char *head, size_t size);

#endif
