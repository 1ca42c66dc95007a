/*
 * otslocal: serve a local Tablestore instance until a signal ends it, or nobody uses it any more.
 *
 * The order of the start matters to whoever waits for it: the directory's lock, the access key, the
 * data, the TCP port, the credentials file with that port, the Unix socket, the ready line. So
 * who can connect to the socket finds the file, and who reads the ready line can connect.
 */
#include "backend/base/cleanup.h"
#include "backend/base/digest.h"
#include "backend/base/file_text.h"
#include "backend/base/version.h"
#include "backend/server/admin.h"
#include "backend/server/credentials.h"
#include "backend/server/directory.h"
#include "backend/server/listener.h"
#include "backend/server/options.h"
#include "backend/server/service.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    EXIT_REFUSED = 1,
    EXIT_USAGE = 2,
    EXIT_SERVED = 3, /* with --linger: another otslocal serves the directory */
    DRAIN_MS = 10000,
    USERS_RETRY_MS = 1000,
    /* Above what a page of rows usually takes; a thread keeps so much free memory at most. */
    OWN_MAPPING_BYTES = 8 << 20,
    KEPT_FREE_BYTES = 16 << 20,
};

struct program {
    struct ots_local_options options;
    struct ots_log log;
    struct ots_directory directory;
    struct ots_arena arena;
    struct ots_credentials credentials;
    const char *credentials_path;
    struct ots_counters *counters; /* this and faults: only when asked for */
    struct ots_faults *faults;
    struct ots_service *service;
    struct ots_admin admin;
    struct ots_handler *handler; /* the service with all layers over it */
    struct ots_listener *tcp;
    struct ots_listener *local;
    int signal_fd;
    int idle_fd; /* readable when a listener has lost its last connection */
};

static enum ots_status no_memory(struct ots_error *err)
{
    return ots_error_set(err, OTS_NOMEM, "no memory to start");
}

static const char *path_in(struct program *program, const char *name)
{
    char *path = NULL;
    const char *copy = NULL;
    if (asprintf(&path, "%s/%s", program->options.directory, name) >= 0)
        copy = ots_arena_strdup(&program->arena, ots_slice_str(path));
    free(path);
    return copy;
}

/* The key of an earlier start, or a new one. */
static enum ots_status find_credentials(struct program *program, bool *is_new,
                                        struct ots_error *err)
{
    const struct ots_local_options *options = &program->options;
    program->credentials_path =
        options->credentials ? options->credentials : path_in(program, "credentials.json");
    if (!program->credentials_path)
        return no_memory(err);
    bool is_found = false;
    enum ots_status status = ots_credentials_read(program->credentials_path, &program->arena,
                                                  &program->credentials, &is_found, err);
    *is_new = !is_found;
    if (status != OTS_OK)
        return status;
    if (!is_found)
        return ots_credentials_make(options->instance ? options->instance : "local",
                                    &program->arena, &program->credentials, err);
    if (options->instance && strcmp(options->instance, program->credentials.instance) != 0)
        return ots_error_set(err, OTS_INVALID, "%s is of the instance %s, not %s",
                             program->credentials_path, program->credentials.instance,
                             options->instance);
    return OTS_OK;
}

/* What is to go wrong from the start. */
static enum ots_status read_faults(struct program *program, struct ots_error *err)
{
    const char *path = program->options.faults;
    struct ots_buf text = OTS_BUF_INIT;
    if (!path)
        return OTS_OK;
    enum ots_status status = ots_file_text(path, false, &text, err);
    if (status == OTS_OK) {
        status = ots_faults_set(program->faults, ots_slice(text.data, text.size - 1), err);
        if (status != OTS_OK)
            ots_error_prefix(err, "%s", path);
    }
    ots_buf_deinit(&text);
    return status;
}

static enum ots_status open_service(struct program *program, struct ots_error *err)
{
    struct ots_service_options options = {
        .directory = path_in(program, "data"),
        .instance = program->credentials.instance,
        .access_key_id = program->credentials.access_key_id,
        .access_key_secret = program->credentials.access_key_secret,
        .stream_retention_hours = program->options.stream_retention_hours,
        .clock = &ots_clock_system,
        .log = &program->log,
    };
    if (!options.directory)
        return no_memory(err);
    if (program->options.wants_admin || program->options.faults) {
        program->counters = ots_counters_new();
        program->faults = ots_faults_new(&ots_clock_system);
        if (!program->counters || !program->faults)
            return no_memory(err);
        options.counters = program->counters;
        options.caller = ots_faults_caller(program->faults);
        options.clock = ots_faults_clock(program->faults);
    }
    enum ots_status status = read_faults(program, err);
    return status == OTS_OK ? ots_service_open(&options, &program->service, err) : status;
}

/* The layers, each over the one before. */
static void stack_layers(struct program *program)
{
    program->handler = ots_service_handler(program->service);
    if (program->faults)
        program->handler = ots_faults_handler(program->faults, program->handler);
    if (!program->options.wants_admin)
        return;
    ots_admin_init(&program->admin, program->handler, program->faults, program->counters,
                   ots_service_instance(program->service));
    program->handler = &program->admin.handler;
}

static void tell_idle(void *context)
{
    const struct program *program = context;
    const uint64_t one = 1;
    /* It can only fail when the count is full, and then the loop wakes anyway. */
    if (write(program->idle_fd, &one, sizeof(one)) < 0)
        return;
}

static enum ots_status listen_on(struct program *program, const struct ots_listener_options *where,
                                 struct ots_listener **listener, struct ots_error *err)
{
    struct ots_listener_options options = *where;
    options.handler = program->handler;
    options.counters = program->counters;
    options.on_idle = tell_idle;
    options.context = program;
    return ots_listener_new(&options, listener, err);
}

static enum ots_status listen_on_tcp(struct program *program, struct ots_error *err)
{
    const struct ots_local_options *options = &program->options;
    struct ots_buf certificate = OTS_BUF_INIT;
    struct ots_buf key = OTS_BUF_INIT;
    enum ots_status status = OTS_OK;
    if (options->certificate)
        status = ots_file_text(options->certificate, false, &certificate, err);
    if (status == OTS_OK && options->key)
        status = ots_file_text(options->key, true, &key, err);
    const struct ots_listener_options where = {
        .address = options->listen,
        .certificate = (const char *)certificate.data,
        .key = (const char *)key.data,
    };
    if (status == OTS_OK)
        status = listen_on(program, &where, &program->tcp, err);
    ots_buf_deinit_secret(&key);
    ots_buf_deinit(&certificate);
    return status;
}

/* The given address with the port that was taken; a Unix socket needs a host all the same. */
static enum ots_status set_endpoint(struct program *program, struct ots_error *err)
{
    struct ots_buf endpoint = OTS_BUF_INIT;
    const char *address = program->options.listen;
    ots_buf_append_str(&endpoint,
                       program->tcp && program->options.certificate ? "https://" : "http://");
    if (program->tcp) {
        ots_buf_append(&endpoint, address, (size_t)(strrchr(address, ':') - address));
        ots_buf_append_fmt(&endpoint, ":%u", ots_listener_port(program->tcp));
    } else {
        ots_buf_append_str(&endpoint, "localhost");
    }
    if (ots_buf_status(&endpoint) == OTS_OK)
        program->credentials.endpoint = ots_arena_strdup(&program->arena, ots_buf_slice(&endpoint));
    ots_buf_deinit(&endpoint);
    return program->credentials.endpoint ? OTS_OK : no_memory(err);
}

/* Where otsfs looks for whoever serves local:DIR; NULL when the path is too long for a socket. */
static const char *usual_socket(struct program *program)
{
    struct sockaddr_un address;
    const char *path = path_in(program, "otslocal.sock");
    return path && strlen(path) < sizeof(address.sun_path) ? path : NULL;
}

/* Whoever reads the file may be in another directory than we are. */
static enum ots_status set_socket(struct program *program, struct ots_error *err)
{
    if (!program->options.unix_socket)
        program->options.unix_socket = usual_socket(program);
    const char *path = program->options.unix_socket;
    program->credentials.unix_socket = path;
    if (!path || path[0] == '/')
        return OTS_OK;
    char *folder = getcwd(NULL, 0);
    if (!folder)
        return ots_error_errno(err, errno, "cannot tell the directory we are in");
    struct ots_buf absolute = OTS_BUF_INIT;
    ots_buf_append_fmt(&absolute, "%s/%s", folder, path);
    program->credentials.unix_socket =
        ots_buf_status(&absolute) == OTS_OK
            ? ots_arena_strdup(&program->arena, ots_buf_slice(&absolute))
            : NULL;
    ots_buf_deinit(&absolute);
    free(folder);
    return program->credentials.unix_socket ? OTS_OK : no_memory(err);
}

/* From here on only the service has the secret. */
static void forget_secret(struct program *program)
{
    char *secret = (char *)(uintptr_t)program->credentials.access_key_secret;
    program->credentials.access_key_secret = NULL;
    if (secret)
        ots_secret_wipe(secret, strlen(secret));
}

static enum ots_status start_listening(struct program *program, struct ots_error *err)
{
    const struct ots_local_options *options = &program->options;
    enum ots_status status = OTS_OK;
    if (options->listen)
        status = listen_on_tcp(program, err);
    program->credentials.endpoint = NULL;
    if (status == OTS_OK)
        status = set_endpoint(program, err);
    if (status == OTS_OK)
        status = set_socket(program, err);
    if (status == OTS_OK)
        status = ots_credentials_write(program->credentials_path, &program->credentials, err);
    forget_secret(program);
    if (status == OTS_OK && options->unix_socket)
        status =
            listen_on(program, &(struct ots_listener_options){.unix_socket = options->unix_socket},
                      &program->local, err);
    return status;
}

static enum ots_status block_signals(struct program *program, struct ots_error *err)
{
    sigset_t ending;
    sigemptyset(&ending);
    sigaddset(&ending, SIGTERM);
    sigaddset(&ending, SIGINT);
    sigaddset(&ending, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &ending, NULL) != 0)
        return ots_error_errno(err, errno, "cannot block signals");
    program->signal_fd = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
    program->idle_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (program->signal_fd < 0 || program->idle_fd < 0)
        return ots_error_errno(err, errno, "cannot wait for signals");
    return OTS_OK;
}

static enum ots_status start(struct program *program, bool *is_new, struct ots_error *err)
{
    enum ots_status status = block_signals(program, err);
    if (status == OTS_OK)
        status = ots_directory_open(program->options.directory, &program->directory, err);
    if (status == OTS_OK)
        status = find_credentials(program, is_new, err);
    if (status == OTS_OK)
        status = open_service(program, err);
    if (status != OTS_OK)
        return status;
    stack_layers(program);
    return start_listening(program, err);
}

static void say_ready(const struct program *program, bool is_new)
{
    const struct ots_credentials *credentials = &program->credentials;
    if (is_new)
        printf("otslocal: made the instance %s in %s\n"
               "otslocal: to mount it: otsfs local:%s MOUNTPOINT\n"
               "otslocal: an SDK takes endpoint, accessId, accessKey and instanceName from %s\n",
               credentials->instance, program->options.directory, program->options.directory,
               program->credentials_path);
    printf("otslocal: ready on ");
    if (program->tcp)
        printf("%s", credentials->endpoint);
    if (program->local)
        printf("%sunix:%s", program->tcp ? " and " : "", credentials->unix_socket);
    printf(" (instance %s, credentials %s)\n", credentials->instance, program->credentials_path);
    fflush(stdout);
}

static unsigned connections(const struct program *program)
{
    unsigned count = program->tcp ? ots_listener_connections(program->tcp) : 0;
    return count + (program->local ? ots_listener_connections(program->local) : 0);
}

/* Whether to end now that the time to linger is over: nobody mounts, and nobody came meanwhile. */
static bool may_end(struct program *program)
{
    if (!ots_directory_exclude_users(&program->directory))
        return false;
    if (connections(program) == 0)
        return true;
    ots_directory_allow_users(&program->directory);
    return false;
}

/* How long to wait; -1 without end. `since_us` is when the last connection was closed. */
static int wait_ms(const struct program *program, int64_t since_us)
{
    if (program->options.linger_s < 0 || connections(program))
        return -1;
    int64_t end_us = since_us + (int64_t)program->options.linger_s * 1000 * 1000;
    int64_t left_us = end_us - ots_clock_monotonic_us(&ots_clock_system);
    return left_us > 0 ? (int)(left_us / 1000) + 1 : 0;
}

/* Until a signal comes, or nobody needs us any more. */
static void serve(struct program *program)
{
    struct pollfd events[] = {{.fd = program->signal_fd, .events = POLLIN},
                              {.fd = program->idle_fd, .events = POLLIN}};
    int64_t since_us = ots_clock_monotonic_us(&ots_clock_system);
    for (;;) {
        int timeout_ms = wait_ms(program, since_us);
        if (timeout_ms == 0) {
            if (may_end(program))
                return;
            timeout_ms = USERS_RETRY_MS;
        }
        if (poll(events, 2, timeout_ms) <= 0)
            continue;
        if (events[0].revents)
            return;
        uint64_t count;
        if (read(program->idle_fd, &count, sizeof(count)) > 0)
            since_us = ots_clock_monotonic_us(&ots_clock_system);
    }
}

static void end(struct program *program)
{
    forget_secret(program);
    ots_listener_free(program->tcp, DRAIN_MS);
    ots_listener_free(program->local, DRAIN_MS);
    ots_service_close(program->service);
    ots_faults_free(program->faults);
    ots_counters_free(program->counters);
    ots_directory_release(&program->directory);
    ots_arena_deinit(&program->arena);
}

static int fail(const struct program *program, enum ots_status status, struct ots_error *err)
{
    ots_log_error(&program->log, OTS_LOG_ERROR, "cannot start", err);
    if (status == OTS_EXISTS && program->options.linger_s >= 0 && program->directory.lock_fd < 0)
        return EXIT_SERVED;
    return EXIT_REFUSED;
}

/*
 * glibc moves these bounds as memory is freed. Where they come to rest is chance, and where they
 * are low, each page of rows begins by asking the kernel for the memory that the last one gave
 * back, page fault by page fault.
 */
static void keep_memory(void)
{
    mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_BYTES);
    mallopt(M_TRIM_THRESHOLD, KEPT_FREE_BYTES);
}

int main(int argc, char **argv)
{
    struct program program = {
        .log = {.program = "otslocal", .level = OTS_LOG_INFO},
        .directory = OTS_DIRECTORY_INIT,
        .arena = OTS_ARENA_INIT,
    };
    struct ots_error err = {0};
    bool is_new = false;
    if (ots_local_options_parse(argc, argv, &program.options, &err) != OTS_OK) {
        fprintf(stderr, "otslocal: %s\n", err.message);
        return EXIT_USAGE;
    }
    if (program.options.wants_help || program.options.wants_version) {
        printf("%s", program.options.wants_help ? ots_local_options_help()
                                                : "otslocal " OTS_VERSION "\n");
        return 0;
    }
    keep_memory();
    /* A core would hold the access key. */
    setrlimit(RLIMIT_CORE, &(const struct rlimit){0, 0});
    enum ots_status status = start(&program, &is_new, &err);
    if (status == OTS_OK) {
        say_ready(&program, is_new);
        serve(&program);
    }
    int result = status == OTS_OK ? 0 : fail(&program, status, &err);
    end(&program);
    return result;
}
