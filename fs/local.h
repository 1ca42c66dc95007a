/*
 * local:DIR: the otslocal that serves DIR on DIR/otslocal.sock, started when there is none.
 *
 * Whoever uses DIR holds a shared lock on DIR/users.lock. otslocal ends when it gets that lock
 * exclusively for a while, and keeps it until it has ended, so a mount never meets one that is
 * ending: it waits for its lock. The server runs in a session of its own and survives the mount;
 * what it says goes to DIR/otslocal.log. It leaves the access key in DIR/credentials.json, an
 * object of strings with instanceName, accessId and accessKey that only its owner may read.
 */
#ifndef FS_LOCAL_H
#define FS_LOCAL_H

#include "backend/base/log.h"
#include "fs/config.h"

struct ots_local;

struct ots_local_options {
    const char *program; /* NULL: otslocal next to our own executable, else in PATH */
    int64_t timeout_ms;  /* for the lock and the start together; 0: 30000 */
};

/*
 * Make source->directory when it is absent, lock it, see that it is served, and fill in endpoint,
 * socket, instance and access key; the directory becomes absolute. Blocks.
 *
 * Errors: OTS_TIMEOUT, OTS_IO, OTS_DENIED, OTS_NOT_FOUND (no otslocal, no parent directory),
 * OTS_LIMIT (DIR's path is too long for a socket), OTS_NOMEM; `source` is then half filled.
 * The lock lives with the open file, so it passes to a child by fork.
 */
enum ots_status ots_local_open(struct ots_data_source *source,
                               const struct ots_local_options *options, struct ots_local **out,
                               struct ots_error *err) OTS_MUST_CHECK;

/*
 * From now on a thread watches the server: when it ends, one is found or started again as at the
 * beginning, with pauses that grow to 10 s while that fails. Requests in between fail and are to be
 * retried; socket and access key stay. Once for each `local`, and after the last fork.
 *
 * `log` must outlive `local`. A series of failures is logged once.
 * Errors: OTS_IO, OTS_NOMEM (no thread); `local` is then as before.
 */
enum ots_status ots_local_watch(struct ots_local *local, const struct ots_log *log,
                                struct ots_error *err) OTS_MUST_CHECK;

/* End the watch, then give up the lock: the server may end. Accepts NULL. */
void ots_local_close(struct ots_local *local);

#endif
