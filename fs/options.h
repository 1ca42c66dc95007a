/*
 * otsfs's command line.
 */
#ifndef OTS_FS_OPTIONS_H
#define OTS_FS_OPTIONS_H

#include "backend/base/buf.h"

enum ots_put_choice { OTS_PUT_CHOICE_DEFAULT, OTS_PUT_CHOICE_SDK, OTS_PUT_CHOICE_SHARED };

struct ots_options {
    const char *source;
    const char *mountpoint;
    bool is_foreground;
    bool is_debug;
    bool wants_help;
    bool wants_version;
    enum ots_put_choice put;
    bool wants_v4;        /* `-o signature=v4` */
    int64_t timeout_ms;   /* `-o timeout=` in seconds, 1 to 3600; 0: default */
    unsigned connections; /* `-o connections=`, 1 to 256; 0: default */
    char *config;         /* `-o config=`; NULL: none */
    char *instance;       /* `-o instance=`; NULL: none */
    struct ots_buf rest;  /* options for libfuse and the kernel, separated by commas, with a NUL */
};

/*
 * Parse. What mount(8) passes from fstab for its own use (`defaults`, `_netdev`, `x-systemd...`)
 * is dropped. `argv` must outlive the options.
 * Errors: OTS_INVALID; the message is for the user. OTS_NOMEM.
 */
enum ots_status ots_options_parse(struct ots_options *options, int argc, char *const *argv,
                                  struct ots_error *err) OTS_MUST_CHECK;
void ots_options_deinit(struct ots_options *options);

#endif
