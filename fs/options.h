/*
 * otsfs's command line.
 */
#ifndef OTS_FS_OPTIONS_H
#define OTS_FS_OPTIONS_H

#include "backend/base/buf.h"
#include "fs/lp/print.h"

enum { OTS_SOURCES_MAX = 64 };

enum ots_put_choice { OTS_PUT_CHOICE_DEFAULT, OTS_PUT_CHOICE_SDK, OTS_PUT_CHOICE_SHARED };

/* 0, false and NULL: not told. */
struct ots_options {
    const char *source; /* as typed; "" when there is none */
    char *sources[OTS_SOURCES_MAX];
    size_t source_count;
    const char *mountpoint; /* NULL: with is_check, wants_help, wants_version */
    bool is_check;          /* --check */
    bool is_foreground;
    bool is_debug;
    bool wants_help;
    bool wants_version;
    bool is_browse;       /* -o browse */
    bool is_sync;         /* -o sync; the kernel is not told */
    bool may_delete;      /* -o allow_delete */
    bool has_uid;         /* -o uid= */
    bool has_gid;         /* -o gid= */
    unsigned uid;         /* up to 4294967294 */
    unsigned gid;         /* up to 4294967294 */
    unsigned umask;       /* -o umask=, octal: what modes are without */
    bool wants_v4;        /* -o signature=v4 */
    char *config;         /* -o config= */
    char *instance;       /* -o instance= */
    char *state_dir;      /* -o state_dir= */
    int64_t timeout_ms;   /* -o timeout= in seconds, 1 to 3600 */
    unsigned connections; /* -o connections=, 1 to 256 */
    unsigned max_rps;     /* -o max_rps=, requests per second, 1 to 1000000 */
    unsigned max_mbps;    /* -o max_mbps=, 10^6 bits per second, 1 to 100000 */
    char *cache_dir;      /* -o cache_dir= */
    bool has_cache_size;  /* -o cache_size= */
    unsigned cache_mb;    /* -o cache_size= in MiB, 0 to 1048576 */
    bool stream_off;      /* -o stream=off */
    int64_t poll_us;      /* -o poll= in seconds, 0.05 to 3600 */
    bool has_settle;      /* -o settle= */
    int64_t settle_us;    /* -o settle= in seconds, 0 to 86400 */
    enum ots_put_choice put;
    enum ots_precision precision; /* of times in lines */
    struct ots_buf rest; /* options for libfuse and the kernel, separated by commas, with a NUL */
};

/* What --help prints. */
extern const char ots_options_usage[];

/*
 * Parse. What mount(8) passes from fstab for its own use (`defaults`, `_netdev`, `x-systemd...`)
 * is dropped, what libfuse and the kernel know is passed on, every other name is an error. In a
 * source and in an option's value a backslash takes away a comma's meaning. `argv` must outlive
 * the options.
 * Errors: OTS_INVALID; the message is for the user. OTS_NOMEM.
 */
enum ots_status ots_options_parse(struct ots_options *options, int argc, char *const *argv,
                                  struct ots_error *err) OTS_MUST_CHECK;
void ots_options_deinit(struct ots_options *options);

#endif
