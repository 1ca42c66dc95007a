/*
 * Sockets to listen on: a TCP address or a path.
 */
#ifndef OTS_SERVER_LISTEN_SOCKET_H
#define OTS_SERVER_LISTEN_SOCKET_H

#include "backend/base/status.h"

#include <stdbool.h>
#include <sys/socket.h>

/*
 * Listen on `address`, "HOST:PORT" with a numeric host, IPv6 in brackets; port 0 takes a free one.
 * `*port` is the one that was taken. Errors: OTS_INVALID, OTS_EXISTS (in use), OTS_IO.
 */
enum ots_status ots_listen_tcp(const char *address, int *fd, unsigned *port,
                               struct ots_error *err) OTS_MUST_CHECK;

/*
 * Listen on `path`, with mode 0600. What lies there is removed if it is a socket that nobody
 * listens on. Errors: OTS_INVALID (too long), OTS_EXISTS (in use, or no socket), OTS_IO.
 */
enum ots_status ots_listen_unix(const char *path, int *fd, struct ots_error *err) OTS_MUST_CHECK;

/* Whether the address is one of this machine that others cannot have: 127.0.0.0/8, ::1. */
bool ots_listen_is_loopback(const struct sockaddr *address);

#endif
