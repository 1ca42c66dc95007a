/*
 * The file that tells how to connect to an instance: JSON with the keys of DataX, "endpoint",
 * "instanceName", "accessId" and "accessKey", and "socket" for a Unix socket. Only its owner can
 * read it.
 */
#ifndef OTS_SERVER_CREDENTIALS_H
#define OTS_SERVER_CREDENTIALS_H

#include "backend/base/arena.h"

/* Strings live in the arena that they were read or made in. */
struct ots_credentials {
    const char *endpoint;
    const char *instance;
    const char *access_key_id;
    const char *access_key_secret;
    const char *unix_socket; /* NULL: none */
};

/* A name that SDKs accept: 1 to 64 of a-z A-Z 0-9 '-' '_'. */
bool ots_credentials_instance_is_valid(const char *name);

/*
 * Read the file. `*is_found` is false when there is none.
 * Errors: OTS_DENIED (others can read it), OTS_CORRUPT (no such JSON), OTS_IO, OTS_NOMEM.
 */
enum ots_status ots_credentials_read(const char *path, struct ots_arena *arena,
                                     struct ots_credentials *credentials, bool *is_found,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* Make up an access key for `instance`. Errors: OTS_IO, OTS_NOMEM. */
enum ots_status ots_credentials_make(const char *instance, struct ots_arena *arena,
                                     struct ots_credentials *credentials,
                                     struct ots_error *err) OTS_MUST_CHECK;

/*
 * Write the file, whole or not at all, with mode 0600; it is on the disk on return.
 * Errors: OTS_IO and what an errno stands for, OTS_NOMEM.
 */
enum ots_status ots_credentials_write(const char *path, const struct ots_credentials *credentials,
                                      struct ots_error *err) OTS_MUST_CHECK;

#endif
