/*
 * The order that makes it safe: first the lock, then a look whether somebody serves. Once we have
 * the lock no server decides to end, and one that had decided before is gone.
 *
 * Two mounts may find nobody serving and both start a server: DIR has one master, the loser exits
 * with EXIT_SERVED, and its mount goes on trying to connect to the winner.
 *
 * The watching thread waits for the end of the process that listens, then does the same again: the
 * lock is still held, so nobody decides to end. Several mounts of DIR race as at the beginning.
 */
#include "fs/local.h"

#include "backend/base/clock.h"
#include "backend/base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

enum {
    EXIT_SERVED = 3, /* of otslocal: another one serves the directory */
    TIMEOUT_MS_DEFAULT = 30000,
    POLL_MS = 10,
    REAP_MS = 500,
    RESTART_MS = 500,
    LOG_TAIL_BYTES = 1024,
    SHOWN_BYTES = 300,
    LOOK_MS = 1000, /* between looks at a server whose process cannot be watched */
    PAUSE_MS_MIN = 100,
    PAUSE_MS_MAX = 10000,
    STEADY_MS = 10000, /* a server that lived so long ends a series of failures */
};

#define LINGER_SECONDS "5"

/* What it takes to reach a server. */
struct opening {
    struct ots_data_source *source;
    const char *program;
    int64_t deadline_us;
    int stop_fd; /* readable: give up; -1: nobody says so */
    char log_path[PATH_MAX];
    off_t log_start; /* where the output of the server that we started begins */
    pid_t server;    /* 0: none of ours runs */
};

struct ots_local {
    int lock_fd;
    int64_t timeout_ms;
    char *program;                 /* NULL: to be found */
    struct ots_data_source source; /* directory and socket, for the watching thread */
    struct opening opening;        /* of the thread, once that runs */
    const struct ots_log *log;
    pthread_t watcher;
    bool has_watcher;
};

static int64_t now_us(void)
{
    return ots_clock_monotonic_us(&ots_clock_system);
}

/* True: it was cut short, for the mount ends. */
static bool sleep_ms(const struct opening *opening, int ms)
{
    struct pollfd stop = {.fd = opening->stop_fd, .events = POLLIN};
    return poll(&stop, 1, ms) > 0;
}

/* --- the directory and its lock -------------------------------------------------------------- */

static enum ots_status make_directory(struct ots_data_source *source, struct ots_error *err)
{
    if (mkdir(source->directory, S_IRWXU) != 0 && errno != EEXIST)
        return ots_error_errno(err, errno, "cannot make %s", source->directory);
    char *absolute = realpath(source->directory, NULL);
    if (!absolute)
        return ots_error_errno(err, errno, "%s", source->directory);
    free(source->directory);
    source->directory = absolute;
    if (asprintf(&source->socket, "%s/otslocal.sock", absolute) < 0) {
        source->socket = NULL;
        return ots_error_set(err, OTS_NOMEM, "local: out of memory");
    }
    struct sockaddr_un address;
    if (strlen(source->socket) >= sizeof(address.sun_path))
        return ots_error_set(err, OTS_LIMIT,
                             "%s: the path is too long for the socket in it, by %zu bytes",
                             absolute, strlen(source->socket) + 1 - sizeof(address.sun_path));
    return OTS_OK;
}

static enum ots_status take_lock(const struct opening *opening, int fd, struct ots_error *err)
{
    while (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return ots_error_errno(err, errno, "cannot lock %s/users.lock",
                                   opening->source->directory);
        if (now_us() >= opening->deadline_us)
            return ots_error_set(err, OTS_TIMEOUT,
                                 "%s: the otslocal that served it does not come to its end",
                                 opening->source->directory);
        (void)sleep_ms(opening, POLL_MS);
    }
    return OTS_OK;
}

static enum ots_status open_lock(const struct opening *opening, struct ots_local *local,
                                 struct ots_error *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/users.lock", opening->source->directory);
    local->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (local->lock_fd < 0)
        return ots_error_errno(err, errno, "%s", path);
    return take_lock(opening, local->lock_fd, err);
}

/* --- the server ------------------------------------------------------------------------------ */

static bool is_file_executable(const char *path)
{
    struct stat stat_buffer;
    return stat(path, &stat_buffer) == 0 && S_ISREG(stat_buffer.st_mode) && access(path, X_OK) == 0;
}

/* The path of otslocal, or its name when PATH must tell. */
static void find_program(const struct opening *opening, char path[PATH_MAX])
{
    static const char name[] = "otslocal";
    snprintf(path, PATH_MAX, "%s", opening->program ? opening->program : name);
    char beside[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", beside, sizeof(beside) - sizeof(name));
    if (opening->program || size <= 0)
        return;
    beside[size] = '\0';
    char *slash = strrchr(beside, '/');
    if (!slash)
        return;
    memcpy(slash + 1, name, sizeof(name));
    if (is_file_executable(beside))
        memcpy(path, beside, strlen(beside) + 1);
}

static int prepare_spawn(const struct opening *opening, posix_spawn_file_actions_t *actions,
                         posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    int failure = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
    if (!failure)
        failure = posix_spawn_file_actions_adddup2(actions, STDIN_FILENO, STDOUT_FILENO);
    if (!failure)
        failure =
            posix_spawn_file_actions_addopen(actions, STDERR_FILENO, opening->log_path,
                                             O_WRONLY | O_CREAT | O_APPEND, S_IRUSR | S_IWUSR);
    /* Files that a library left open, as the sign of life of auto_unmount, are not its business. */
    if (!failure)
        failure = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
    /* It must not keep the directory busy where the mount was started. */
    if (!failure)
        failure = posix_spawn_file_actions_addchdir_np(actions, "/");
    if (!failure)
        failure = posix_spawnattr_setsigmask(attributes, &none);
    if (!failure)
        failure = posix_spawnattr_setsigdefault(attributes, &all);
    if (!failure)
        failure = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                           POSIX_SPAWN_SETSIGDEF);
    return failure;
}

static enum ots_status start_server(struct opening *opening, struct ots_error *err)
{
    char program[PATH_MAX];
    find_program(opening, program);
    struct stat log_stat;
    opening->log_start = stat(opening->log_path, &log_stat) == 0 ? log_stat.st_size : 0;
    char *arguments[] = {program,
                         opening->source->directory,
                         (char[]){"--socket"},
                         opening->source->socket,
                         (char[]){"--linger"},
                         (char[]){LINGER_SECONDS},
                         NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    int failure = prepare_spawn(opening, &actions, &attributes);
    if (!failure)
        failure =
            posix_spawnp(&opening->server, program, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (!failure)
        return OTS_OK;
    opening->server = 0;
    return ots_error_errno(err, failure, "cannot start %s", program);
}

/* The last line that our server wrote, fit for a message; empty when it wrote none. */
static void read_log_tail(const struct opening *opening, char shown[SHOWN_BYTES])
{
    char tail[LOG_TAIL_BYTES];
    struct stat log_stat;
    shown[0] = '\0';
    OTS_AUTO(ots_close_fdp) int fd = open(opening->log_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &log_stat) != 0)
        return;
    off_t start = opening->log_start;
    if (log_stat.st_size - start > LOG_TAIL_BYTES)
        start = log_stat.st_size - LOG_TAIL_BYTES;
    ssize_t size = pread(fd, tail, sizeof(tail), start);
    while (size > 0 && tail[size - 1] == '\n')
        size--;
    if (size <= 0)
        return;
    const char *newline = memrchr(tail, '\n', (size_t)size);
    const char *line = newline ? newline + 1 : tail;
    ots_utf8_show(ots_slice(line, (size_t)(tail + size - line)), shown, SHOWN_BYTES);
}

static enum ots_status explain(const struct opening *opening, enum ots_status status,
                               const char *what, struct ots_error *err)
{
    char line[SHOWN_BYTES];
    read_log_tail(opening, line);
    if (line[0])
        return ots_error_set(err, status, "%s: %s; it said: %s", opening->source->directory, what,
                             line);
    return ots_error_set(err, status, "%s: %s; see %s", opening->source->directory, what,
                         opening->log_path);
}

/* Notice the end of the server that we started. */
static enum ots_status check_server(struct opening *opening, struct ots_error *err)
{
    int result = 0;
    if (!opening->server || waitpid(opening->server, &result, WNOHANG) != opening->server)
        return OTS_OK;
    opening->server = 0;
    if (WIFEXITED(result) && WEXITSTATUS(result) == EXIT_SERVED)
        return OTS_OK;
    char what[64];
    if (WIFEXITED(result))
        snprintf(what, sizeof(what), "otslocal ended with exit code %d", WEXITSTATUS(result));
    else
        snprintf(what, sizeof(what), "otslocal was ended by signal %d", WTERMSIG(result));
    return explain(opening, OTS_IO, what, err);
}

/* --- connecting ------------------------------------------------------------------------------ */

/* The process that listens, as something to poll for its end; -1 when it cannot be known. */
static int watch_peer(int fd)
{
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0)
        return -1;
    return pidfd_open(peer.pid, 0);
}

/* `process_fd`: NULL, or for watch_peer. OTS_UNAVAILABLE: nobody listens yet. */
static enum ots_status try_connect(const struct opening *opening, int *process_fd,
                                   struct ots_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 1};
    const char *path = opening->source->socket;
    memcpy(address.sun_path, path, strlen(path));
    OTS_AUTO(ots_close_fdp) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ots_error_errno(err, errno, "cannot make a socket");
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0) {
        if (process_fd)
            *process_fd = watch_peer(fd);
        return OTS_OK;
    }
    if (errno == ENOENT || errno == ECONNREFUSED || errno == EAGAIN || errno == EINTR)
        return OTS_UNAVAILABLE;
    return ots_error_errno(err, errno, "cannot connect to %s", path);
}

static enum ots_status reach_server(struct opening *opening, struct ots_error *err)
{
    int64_t start_us = now_us();
    for (;;) {
        enum ots_status status = try_connect(opening, NULL, err);
        if (status != OTS_UNAVAILABLE)
            return status;
        status = check_server(opening, err);
        /* Also anew after a server that lost to another one, should that have ended since. */
        if (status == OTS_OK && !opening->server && now_us() >= start_us) {
            status = start_server(opening, err);
            start_us = now_us() + (int64_t)RESTART_MS * 1000;
        }
        if (status != OTS_OK)
            return status;
        if (now_us() >= opening->deadline_us)
            return explain(opening, OTS_TIMEOUT,
                           opening->server
                               ? "otslocal accepts no connections"
                               : "another otslocal serves it, but not on otslocal.sock in it",
                           err);
        if (sleep_ms(opening, POLL_MS))
            return ots_error_set(err, OTS_CANCELLED, "the mount ends");
    }
}

static enum ots_status copy_member(char **to, const struct ots_json *json, const char *path,
                                   const char *name, struct ots_error *err)
{
    const char *text = ots_json_string(json, name);
    if (!text || !*text)
        return ots_error_set(err, OTS_CORRUPT, "%s: %s is missing", path, name);
    *to = strdup(text);
    return *to ? OTS_OK : ots_error_set(err, OTS_NOMEM, "local: out of memory");
}

static enum ots_status read_credentials(struct ots_data_source *source, struct ots_error *err)
{
    char path[PATH_MAX];
    OTS_AUTO(ots_json_free_secretp) struct ots_json *json = NULL;
    snprintf(path, sizeof(path), "%s/credentials.json", source->directory);
    enum ots_status status = ots_config_read_secret(path, &json, err);
    if (status == OTS_OK)
        status = copy_member(&source->instance, json, path, "instanceName", err);
    if (status == OTS_OK)
        status = copy_member(&source->access_key_id, json, path, "accessId", err);
    if (status == OTS_OK)
        status = copy_member(&source->access_key_secret, json, path, "accessKey", err);
    if (status != OTS_OK)
        return status;
    source->endpoint = strdup("http://localhost");
    return source->endpoint ? OTS_OK : ots_error_set(err, OTS_NOMEM, "local: out of memory");
}

/* --- watching -------------------------------------------------------------------------------- */

/* Failures that follow each other: they are logged once, with pauses that grow. */
struct series {
    bool is_failing; /* and was logged */
    int pause_ms;    /* before the next start; 0: none */
    int64_t served_us;
};

static void grow_pause(struct series *series)
{
    int pause_ms = series->pause_ms ? 2 * series->pause_ms : PAUSE_MS_MIN;
    series->pause_ms = pause_ms < PAUSE_MS_MAX ? pause_ms : PAUSE_MS_MAX;
}

/* A process that ends closes its socket shortly before it can be reaped, and its end is not that of
 * the one to be started next. Where SIGCHLD is ignored nobody needs to reap, and nothing is left to
 * wait for. */
static void reap_server(struct opening *opening)
{
    int64_t until_us = now_us() + (int64_t)REAP_MS * 1000;
    while (opening->server) {
        pid_t ended = waitpid(opening->server, NULL, WNOHANG);
        if (ended == opening->server || (ended < 0 && errno == ECHILD))
            opening->server = 0;
        else if (now_us() >= until_us || sleep_ms(opening, POLL_MS))
            return;
    }
}

/* A server that ends again and again, soon after its start, is a failure too. */
static void note_end(const struct ots_local *local, struct series *series)
{
    if (now_us() - series->served_us >= (int64_t)STEADY_MS * 1000)
        *series = (struct series){.is_failing = false};
    if (!series->pause_ms)
        ots_log(local->log, OTS_LOG_WARNING, "%s: otslocal has ended; it is started again",
                local->source.directory);
}

static void bring_back(struct ots_local *local, struct series *series)
{
    struct ots_error err = {0};
    struct opening *opening = &local->opening;
    if (series->pause_ms && sleep_ms(opening, series->pause_ms))
        return;
    grow_pause(series);
    reap_server(opening);
    opening->deadline_us = now_us() + local->timeout_ms * 1000;
    enum ots_status status = reach_server(opening, &err);
    if (status == OTS_OK) {
        if (series->is_failing)
            ots_log(local->log, OTS_LOG_INFO, "%s: otslocal serves again", local->source.directory);
        series->is_failing = false;
        series->served_us = now_us();
    } else if (status != OTS_CANCELLED && !series->is_failing) {
        series->is_failing = true;
        ots_log_error(local->log, OTS_LOG_ERROR, "otslocal", &err);
    }
}

static void *run_watcher(void *context)
{
    struct ots_local *local = context;
    struct opening *opening = &local->opening;
    struct series series = {.served_us = now_us() - (int64_t)STEADY_MS * 1000};
    bool is_served = true;
    while (!sleep_ms(opening, 0)) {
        OTS_AUTO(ots_close_fdp) int process_fd = -1;
        struct ots_error err = {0};
        enum ots_status status = try_connect(opening, &process_fd, &err);
        if (status != OTS_OK) {
            if (is_served && status == OTS_UNAVAILABLE)
                note_end(local, &series);
            bring_back(local, &series);
            is_served = !series.is_failing;
            continue;
        }
        is_served = true;
        struct pollfd wait[] = {{.fd = process_fd, .events = POLLIN},
                                {.fd = opening->stop_fd, .events = POLLIN}};
        poll(wait, 2, process_fd < 0 ? LOOK_MS : -1);
    }
    return NULL;
}

/* Signals are for the threads that serve the mount. */
static int start_watcher(struct ots_local *local)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(&local->watcher, NULL, run_watcher, local);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failure;
}

enum ots_status ots_local_watch(struct ots_local *local, const struct ots_log *log,
                                struct ots_error *err)
{
    local->log = log;
    local->opening.stop_fd = eventfd(0, EFD_CLOEXEC);
    if (local->opening.stop_fd < 0)
        return ots_error_errno(err, errno, "eventfd");
    int failure = start_watcher(local);
    if (failure)
        return ots_error_errno(err, failure, "cannot start a thread");
    local->has_watcher = true;
    return OTS_OK;
}

static void stop_watcher(struct ots_local *local)
{
    if (local->has_watcher) {
        eventfd_write(local->opening.stop_fd, 1);
        pthread_join(local->watcher, NULL);
    }
    if (local->opening.stop_fd >= 0)
        close(local->opening.stop_fd);
}

/* --- the interface --------------------------------------------------------------------------- */

/* What the watching thread needs must not go with the caller's data source. */
static enum ots_status keep(struct ots_local *local, const struct opening *opening,
                            struct ots_error *err)
{
    local->source.directory = strdup(opening->source->directory);
    local->source.socket = strdup(opening->source->socket);
    local->program = opening->program ? strdup(opening->program) : NULL;
    local->opening = *opening;
    local->opening.source = &local->source;
    local->opening.program = local->program;
    if (!local->source.directory || !local->source.socket || (opening->program && !local->program))
        return ots_error_set(err, OTS_NOMEM, "local: out of memory");
    return OTS_OK;
}

enum ots_status ots_local_open(struct ots_data_source *source,
                               const struct ots_local_options *options, struct ots_local **out,
                               struct ots_error *err)
{
    int64_t timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS_DEFAULT;
    struct opening opening = {
        .source = source,
        .program = options->program,
        .deadline_us = now_us() + timeout_ms * 1000,
        .stop_fd = -1,
    };
    struct ots_local *local = calloc(1, sizeof(*local));
    if (!local)
        return ots_error_set(err, OTS_NOMEM, "local: out of memory");
    local->lock_fd = -1;
    local->opening.stop_fd = -1;
    local->timeout_ms = timeout_ms;
    enum ots_status status = make_directory(source, err);
    if (status == OTS_OK) {
        snprintf(opening.log_path, sizeof(opening.log_path), "%s/otslocal.log", source->directory);
        status = open_lock(&opening, local, err);
    }
    if (status == OTS_OK)
        status = reach_server(&opening, err);
    if (status == OTS_OK)
        status = read_credentials(source, err);
    if (status == OTS_OK)
        status = keep(local, &opening, err);
    if (status != OTS_OK) {
        ots_local_close(local);
        return status;
    }
    *out = local;
    return OTS_OK;
}

void ots_local_close(struct ots_local *local)
{
    if (!local)
        return;
    stop_watcher(local);
    if (local->lock_fd >= 0)
        close(local->lock_fd);
    ots_data_source_deinit(&local->source);
    free(local->program);
    free(local);
}
