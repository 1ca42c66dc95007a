/*
 * The command line of otslocal.
 */
#ifndef OTS_SERVER_OPTIONS_H
#define OTS_SERVER_OPTIONS_H

#include "backend/base/status.h"

struct ots_local_options {
    const char *directory;
    const char *listen;      /* "ADDR:PORT"; NULL: none */
    const char *unix_socket; /* NULL: none */
    const char *instance;    /* NULL: not given */
    const char *credentials; /* NULL: the file in the directory */
    /* End by itself after so many seconds without a connection and a user of the directory;
     * 0 to 86400; -1: never. */
    int linger_s;
    /* How long records of streams are kept; 1 to 168. */
    int stream_retention_hours;
    const char *certificate; /* file; NULL: TCP without TLS */
    const char *key;         /* file, with `certificate` */
    const char *faults;      /* file; NULL: no faults from the start */
    bool wants_admin;
    bool wants_help;
    bool wants_version;
};

/*
 * Strings are borrowed from `argv`. Without --listen and --socket, `listen` is 127.0.0.1:8087.
 * Errors: OTS_INVALID; the message says what is wrong.
 */
enum ots_status ots_local_options_parse(int argc, char **argv, struct ots_local_options *options,
                                        struct ots_error *err) OTS_MUST_CHECK;

/* What --help prints. */
const char *ots_local_options_help(void);

#endif
