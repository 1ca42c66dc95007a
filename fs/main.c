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
 *   fs/view          tables seen as files: tree, sizes, readers, writers
 *   fs/mount         libfuse's requests -> view
 *   fs               command line, mount point, data sources, otslocal as a child, this file
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "backend/base/version.h"
#include "backend/client/client.h"
#include "fs/config.h"
#include "fs/daemon.h"
#include "fs/local.h"
#include "fs/mount/mount.h"
#include "fs/mountpoint.h"
#include "fs/options.h"
#include "fs/view/view.h"

/* A wrong host or port should not keep a terminal waiting for as long as a request may take. */
enum { FIRST_TIMEOUT_MS = 10000, IDLE_TIMEOUT_MS = 15000 };

/* Everything a mount consists of, in the order in which it is made. */
struct parts {
    struct ots_log log;
    struct ots_data_source source;
    struct ots_local *local;
    struct ots_mount *mount;
    struct ots_store *store;
    struct ots_view *view;
};

static enum ots_status find_source(struct parts *parts, const struct ots_options *options,
                                   struct ots_error *err)
{
    struct ots_config_options config = {
        .config_file = options->config,
        .instance = options->instance,
    };
    struct ots_local_options local = {0};
    enum ots_status status = ots_config_load(options->sources[0], &config, &parts->source, err);
    if (status == OTS_OK && parts->source.directory)
        status = ots_local_open(&parts->source, &local, &parts->local, err);
    return status;
}

static enum ots_put_layout put_layout(const struct parts *parts, const struct ots_options *options)
{
    switch (options->put) {
    case OTS_PUT_CHOICE_SDK:
        return OTS_PUT_PLAIN;
    case OTS_PUT_CHOICE_SHARED:
        return OTS_PUT_SHARED;
    case OTS_PUT_CHOICE_DEFAULT:
        break;
    }
    /* The real service could not be asked whether it follows shared offsets; otslocal does. */
    return parts->source.directory ? OTS_PUT_SHARED : OTS_PUT_PLAIN;
}

static enum ots_status make_store(const struct parts *parts, const struct ots_options *options,
                                  int64_t timeout_ms, struct ots_store **store,
                                  struct ots_error *err)
{
    const struct ots_data_source *source = &parts->source;
    if (options->wants_v4 && !source->region)
        return ots_error_set(err, OTS_INVALID, "-o signature=v4 needs a region in the data source");
    struct ots_curl_options curl = {
        .endpoint = source->endpoint,
        .unix_socket = source->socket,
        .connections_max = options->connections,
        /* A service that hangs must not hold a try for longer than all tries may take. */
        .idle_timeout_ms =
            timeout_ms && timeout_ms < IDLE_TIMEOUT_MS ? timeout_ms : IDLE_TIMEOUT_MS,
    };
    struct ots_client_options client = {
        .instance = source->instance,
        .access_key_id = source->access_key_id,
        .access_key_secret = source->access_key_secret,
        .sts_token = source->sts_token,
        .region = options->wants_v4 ? source->region : NULL,
        .put_layout = put_layout(parts, options),
        .timeout_ms = timeout_ms,
        .clock = &ots_clock_system,
        .log = &parts->log,
    };
    struct ots_transport *transport;
    enum ots_status status = ots_curl_transport_new(&curl, &transport, err);
    return status == OTS_OK ? ots_client_new(&client, transport, store, err) : status;
}

/* The first question tells whether endpoint, instance and key are right, while the terminal is
 * still there to hear it. */
static enum ots_status ask_once(const struct parts *parts, const struct ots_options *options,
                                struct ots_error *err)
{
    int64_t timeout_ms = FIRST_TIMEOUT_MS;
    if (options->timeout_ms && options->timeout_ms < timeout_ms)
        timeout_ms = options->timeout_ms;
    struct ots_store *store = NULL;
    enum ots_status status = make_store(parts, options, timeout_ms, &store, err);
    if (status != OTS_OK)
        return status;
    struct ots_call call;
    ots_call_init(&call, OTS_ACTION_LIST_TABLES);
    status = ots_store_run(store, &call, NULL, err);
    ots_call_deinit(&call);
    ots_store_free(store);
    return status;
}

static enum ots_status make_parts(struct parts *parts, const struct ots_options *options,
                                  struct ots_error *err)
{
    struct ots_mount_options mount = {
        .mountpoint = options->mountpoint,
        .source = options->source,
        .fuse_options = (const char *)options->rest.data,
        .is_debug = options->is_debug,
        .log = &parts->log,
    };
    enum ots_status status = ots_mountpoint_check(options->mountpoint, NULL, err);
    if (status == OTS_OK)
        status = find_source(parts, options, err);
    if (status == OTS_OK)
        status = ask_once(parts, options, err);
    if (status == OTS_OK)
        status = make_store(parts, options, options->timeout_ms, &parts->store, err);
    struct ots_view_options view = {
        .store = parts->store,
        .clock = &ots_clock_system,
        .log = &parts->log,
    };
    if (status == OTS_OK)
        status = ots_view_new(&view, &parts->view, err);
    if (status == OTS_OK)
        status = ots_mount_new(&mount, &parts->mount, err);
    return status;
}

/* Unmount first, so that nobody asks any more, then let the view send what it holds. */
static void free_parts(struct parts *parts)
{
    ots_mount_free(parts->mount);
    ots_view_free(parts->view);
    ots_store_free(parts->store);
    ots_local_close(parts->local);
    ots_data_source_deinit(&parts->source);
}

static int run(const struct ots_options *options)
{
    struct parts parts = {.log = {.program = "otsfs", .level = OTS_LOG_INFO}};
    struct ots_daemon daemon;
    struct ots_error err = {0};
    /* No core file: it would hold the access key. */
    prctl(PR_SET_DUMPABLE, 0);
    enum ots_status status = ots_daemon_start(&daemon, options->is_foreground, &err);
    if (status == OTS_OK)
        status = make_parts(&parts, options, &err);
    if (status == OTS_OK) {
        parts.log.is_syslog = !options->is_foreground;
        ots_daemon_ready(&daemon);
        status = ots_mount_serve(parts.mount, parts.view, &err);
    }
    if (status != OTS_OK) {
        err.status = status;
        ots_log_error(&parts.log, OTS_LOG_ERROR, options->source, &err);
    }
    free_parts(&parts);
    return status == OTS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct ots_options options;
    struct ots_error err = {0};
    int result = EXIT_SUCCESS;
    enum ots_status status = ots_options_parse(&options, argc, argv, &err);
    if (status == OTS_OK && (options.is_check || options.source_count > 1))
        status = ots_error_set(&err, OTS_UNSUPPORTED, "--check and several sources are not ready");
    if (status != OTS_OK) {
        fprintf(stderr, "otsfs: %s; see otsfs --help\n",
                err.message[0] ? err.message : ots_status_text(status));
        result = EXIT_FAILURE;
    } else if (options.wants_help) {
        fputs(ots_options_usage, stdout);
    } else if (options.wants_version) {
        puts("otsfs " OTS_VERSION);
    } else {
        result = run(&options);
    }
    ots_options_deinit(&options);
    return result;
}
