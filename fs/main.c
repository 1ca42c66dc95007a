/*
 * otsfs: mounts Tablestore instances.
 *
 * The source tree, from the bottom:
 *
 *   backend/base     status, buffers, arena, clock, log, JSON, digests, threads
 *   backend/model    timelines, rows, tables, conditions, calls, limits
 *   backend/wire     the service's bytes <-> model, both directions
 *   backend/store.h  what a file system needs of a backend
 *   backend/client   a store over HTTP: sign, send, verify, retry
 *   backend/server   otslocal: the same protocol from the other side (not in this program)
 *   fs/lp            line protocol and file names <-> rows and timelines
 *   fs/state         what outlives a mount: what is known of tables, journal, rejected lines
 *   fs/view          tables seen as files: tree, sizes, readers, writers
 *   fs/mount         libfuse's requests -> view
 *   fs               command line, data sources, otslocal as a child, mount point, this file
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "backend/base/version.h"
#include "fs/check.h"
#include "fs/daemon.h"
#include "fs/mount/mount.h"
#include "fs/mountpoint.h"
#include "fs/options.h"
#include "fs/settings.h"
#include "fs/source.h"
#include "fs/state/state_dir.h"
#include "fs/view/view.h"

enum {
    OWN_MAPPING_BYTES = 1 << 20,
    KEPT_FREE_BYTES = 4 << 20,
    ARENAS_MAX = 4,
};

/* Everything a mount consists of, in the order in which it is made. */
struct parts {
    struct ots_log log;
    const char *subject; /* what a failure is about */
    struct ots_source sources[OTS_SOURCES_MAX];
    size_t source_count;
    struct ots_state *states[OTS_SOURCES_MAX]; /* of the sources */
    struct ots_settings settings;
    struct ots_mount *mount;
    struct ots_view *view;
};

static enum ots_status open_state(struct parts *parts, size_t index,
                                  const struct ots_options *options, struct ots_error *err)
{
    const struct ots_data_source *data = &parts->sources[index].data;
    struct ots_state_options state = {
        .root = options->state_dir,
        .endpoint = data->directory ? data->directory : data->endpoint,
        .instance = data->instance,
        .mountpoint = options->mountpoint,
        .clock = &ots_clock_system,
        .log = &parts->log,
    };
    return ots_state_open(&state, &parts->states[index], err);
}

static enum ots_status open_sources(struct parts *parts, const struct ots_options *options,
                                    struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < options->source_count && status == OTS_OK; i++) {
        struct ots_source *source = &parts->sources[parts->source_count++];
        parts->subject = options->sources[i];
        status = ots_source_open(source, options->sources[i], options, err);
    }
    if (status != OTS_OK)
        return status;
    parts->subject = options->source;
    return ots_sources_check_names(parts->sources, parts->source_count, err);
}

/* All are asked before anything is mounted, while the terminal is still there to hear it. */
static enum ots_status connect_sources(struct parts *parts, const struct ots_options *options,
                                       struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < parts->source_count && status == OTS_OK; i++) {
        parts->subject = options->sources[i];
        status = ots_source_connect(&parts->sources[i], options, &parts->log, err);
        if (status == OTS_OK)
            status = open_state(parts, i, options, err);
    }
    if (status == OTS_OK)
        parts->subject = options->source;
    return status;
}

static enum ots_status make_view(struct parts *parts, const struct ots_options *options,
                                 struct ots_error *err)
{
    struct ots_view_source sources[OTS_SOURCES_MAX];
    for (size_t i = 0; i < parts->source_count; i++) {
        const struct ots_source *source = &parts->sources[i];
        sources[i] = (struct ots_view_source){
            .name = source->name,
            .store = source->store,
            .state = parts->states[i],
            .endpoint = source->data.directory ? source->data.directory : source->data.endpoint,
            .instance = source->data.instance,
            .settle_us = ots_source_settle_us(source, options),
        };
    }
    ots_settings_init(&parts->settings, options);
    struct ots_view_options view = {
        .sources = sources,
        .source_count = parts->source_count,
        .clock = &ots_clock_system,
        .log = &parts->log,
        .is_sync = options->is_sync,
        .is_browse = options->is_browse,
        .may_delete = options->may_delete,
        .stream_off = options->stream_off,
        .poll_us = options->poll_us,
        .precision = options->precision,
        .cache_bytes = (uint64_t)ots_settings_cache_mb(options) << 20,
        .cache_dir = options->cache_dir,
        .tells_stale = true,
        .settings = parts->settings.items,
        .setting_count = parts->settings.count,
    };
    return ots_view_new(&view, &parts->view, err);
}

/* What others made and removed shows after two polls: one to learn it, one until it is asked. */
static double name_seconds(const struct ots_options *options)
{
    bool is_polled_faster = options->poll_us && options->poll_us < 1000000;
    return is_polled_faster ? (double)options->poll_us / 1e6 : 1;
}

static enum ots_status make_parts(struct parts *parts, const struct ots_options *options,
                                  struct ots_error *err)
{
    struct ots_mount_options mount = {
        .mountpoint = options->mountpoint,
        .source = options->source,
        .fuse_options = (const char *)options->rest.data,
        .owner = {.uid = options->has_uid ? options->uid : getuid(),
                  .gid = options->has_gid ? options->gid : getgid(),
                  .umask = options->umask},
        .name_seconds = name_seconds(options),
        /* What is written to a table that is not known yet changes its time at once. */
        .directory_seconds = options->stream_off || options->is_browse ? 1 : 0,
        .is_debug = options->is_debug,
        .log = &parts->log,
    };
    enum ots_status status = ots_mountpoint_check(options->mountpoint, NULL, err);
    if (status == OTS_OK)
        status = open_sources(parts, options, err);
    if (status == OTS_OK)
        status = connect_sources(parts, options, err);
    if (status == OTS_OK)
        status = make_view(parts, options, err);
    if (status == OTS_OK)
        status = ots_mount_new(&mount, &parts->mount, err);
    return status;
}

/* Unmount first, so that nobody asks any more, then let the view send what it holds. */
static void free_parts(struct parts *parts)
{
    ots_mount_free(parts->mount);
    for (size_t i = 0; i < parts->source_count; i++)
        ots_state_set_ending(parts->states[i]);
    ots_view_free(parts->view);
    for (size_t i = 0; i < parts->source_count; i++) {
        ots_source_close(&parts->sources[i]);
        ots_state_close(parts->states[i]);
    }
}

/* It is used only when the daemon has gone to another directory: a wrong one has to show now. */
static enum ots_status find_cache_dir(struct ots_options *options, struct ots_error *err)
{
    if (!options->cache_dir)
        return OTS_OK;
    /* The dot makes it ENOTDIR for what is no directory. */
    OTS_AUTO(ots_free_bytesp) char *inside = NULL;
    if (asprintf(&inside, "%s/.", options->cache_dir) < 0) {
        inside = NULL;
        return OTS_NOMEM;
    }
    char *absolute = realpath(inside, NULL);
    if (!absolute || access(absolute, W_OK | X_OK) != 0) {
        int problem = errno;
        free(absolute);
        return ots_error_errno(err, problem, "-o cache_dir=%s", options->cache_dir);
    }
    free(options->cache_dir);
    options->cache_dir = absolute;
    return OTS_OK;
}

static int run(struct ots_options *options)
{
    struct parts parts = {
        .log = {.program = "otsfs", .level = OTS_LOG_INFO},
        .subject = options->source,
    };
    struct ots_daemon daemon;
    struct ots_error err = {0};
    /* No core file: it would hold the access key. */
    prctl(PR_SET_DUMPABLE, 0);
    enum ots_status status = ots_daemon_start(&daemon, options->is_foreground, &err);
    if (status == OTS_OK)
        status = find_cache_dir(options, &err);
    if (status == OTS_OK)
        status = make_parts(&parts, options, &err);
    if (status == OTS_OK) {
        parts.log.is_syslog = !options->is_foreground;
        ots_daemon_ready(&daemon);
        status = ots_mount_serve(parts.mount, parts.view, &err);
    }
    if (status != OTS_OK) {
        err.status = status;
        ots_log_error(&parts.log, OTS_LOG_ERROR, parts.subject, &err);
    }
    free_parts(&parts);
    return status == OTS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int check(const struct ots_options *options)
{
    /* Here too a core file would hold the access key. */
    prctl(PR_SET_DUMPABLE, 0);
    return ots_check_run(options, stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * glibc lets these bounds grow with what is freed: after some rows of megabytes each thread would
 * keep that much for good. Pages of usual rows stay below them, and use the same memory again.
 * Threads share a few arenas, for what one of them has freed in its own is of no use to the others.
 */
static void bound_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_FREE_BYTES);
    mallopt(M_ARENA_MAX, ARENAS_MAX);
}

/* Each open file of much text holds a temporary file; the usual 1024 are soon used up. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    /* Refused: then it works with what there is. */
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
    struct ots_options options;
    struct ots_error err = {0};
    int result = EXIT_SUCCESS;
    bound_memory();
    raise_descriptor_limit();
    enum ots_status status = ots_options_parse(&options, argc, argv, &err);
    if (status != OTS_OK) {
        fprintf(stderr, "otsfs: %s; see otsfs --help\n",
                err.message[0] ? err.message : ots_status_text(status));
        result = EXIT_FAILURE;
    } else if (options.wants_help) {
        fputs(ots_options_usage, stdout);
    } else if (options.wants_version) {
        puts("otsfs " OTS_VERSION);
    } else if (options.is_check) {
        result = check(&options);
    } else {
        result = run(&options);
    }
    ots_options_deinit(&options);
    return result;
}
