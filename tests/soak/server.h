/*
 * otslocal as a process on a directory of its own, to be killed and started again; for benchmarks
 * too.
 *
 * What goes wrong here ends the program: without a server there is nothing to test.
 */
#ifndef TESTS_SOAK_SERVER_H
#define TESTS_SOAK_SERVER_H

#include "backend/client/client.h"

#include <sys/types.h>

struct soak_server {
    char directory[96];
    char program[512];
    pid_t pid; /* 0: does not run */
};

/* Make the directory, below $TMPDIR or else `folder`; otslocal is that of the same build. */
void soak_server_init(struct soak_server *server, const char *folder);
/* Kill it and remove the directory. */
void soak_server_deinit(struct soak_server *server);

/* Does not wait until it serves. */
void soak_server_start(struct soak_server *server);
void soak_server_kill(struct soak_server *server);

/* In each, 0 is the client's default. */
struct soak_client_options {
    /* So long a call that failed with the connection may be made again; 1 is for calls whose fate
     * is to be known. */
    int64_t timeout_ms;
    unsigned connections_max;
    enum ots_put_layout put_layout;
};

/* A client of whatever serves, or will soon serve, the directory by a Unix socket. */
struct ots_store *soak_connect(const char *directory, const struct soak_client_options *options);

#endif
