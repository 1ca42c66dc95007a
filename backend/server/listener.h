/*
 * The door for requests: HTTP/1.1 on a TCP address or a Unix socket, with or without TLS, in front
 * of a handler.
 *
 * Connections are kept open between requests; a few threads serve all of them, and carry requests
 * out themselves. What is wrong with a request as HTTP is told to the handler, which refuses it
 * with a signed answer as far as it can be read: another method than POST, a body over
 * OTS_REQUEST_BODY_BYTES_MAX, too many headers, no memory left for bodies.
 *
 * A client that is slow holds up nobody, but is cut when its time is over: for the head of a
 * request as long as a connection may be idle, whatever trickles in; for a body, and for taking an
 * answer, `slow_timeout_s` and a second more for every OTS_SLOW_BYTES_PER_S.
 *
 * When over 7/8 of the connections are taken, those that have been idle longest, and for a second
 * at least, are closed. So who comes next need not wait for a time-out.
 */
#ifndef OTS_SERVER_LISTENER_H
#define OTS_SERVER_LISTENER_H

#include "backend/server/listener_options.h"

enum { OTS_SLOW_BYTES_PER_S = 16 * 1024 };

struct ots_listener;

/*
 * Start to listen. A Unix socket's path that nobody listens on any more is taken over; the socket
 * is for its owner only.
 * Errors: OTS_INVALID (address, certificate or key), OTS_EXISTS (somebody listens there), OTS_IO,
 * OTS_NOMEM.
 */
enum ots_status ots_listener_new(const struct ots_listener_options *options,
                                 struct ots_listener **out, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Accept no more, wait until the requests under way are answered (at most `drain_ms`), close all
 * connections, remove the socket's path. Accepts NULL.
 */
void ots_listener_free(struct ots_listener *listener, int64_t drain_ms);

/* The TCP port that is listened on; 0 for a Unix socket. */
unsigned ots_listener_port(const struct ots_listener *listener);

/* Connections open now. */
unsigned ots_listener_connections(struct ots_listener *listener);

#endif
