/*
 * otslocal as a process on a directory of its own, to be killed and started again; for benchmarks
 * too.
 *
 * What goes wrong here ends the program: without a server there is nothing to test.
 */
#ifndef TESTS_SOAK_SERVER_H
#define TESTS_SOAK_SERVER_H

#include "backend/store.h"

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

/*
 * A client of it. A call that fails with the connection may be made again for `timeout_ms`; 1 is
 * for calls whose fate is to be known, 0 the client's default, as of `connections_max`.
 */
struct ots_store *soak_server_connect(const struct soak_server *server, int64_t timeout_ms,
                                      unsigned connections_max);

#endif
