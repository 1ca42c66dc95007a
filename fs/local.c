/*
 * The order that makes it safe: first the lock, then a look whether somebody serves. Once we have
 * the lock no server decides to end, and one that had decided before is gone.
 *
 * Two mounts may find nobody serving and both start a server: DIR has one master, the loser exits
 * with EXIT_SERVED, and its mount goes on trying to connect to the winner.
 */
#include "fs/local.h"

#include "backend/base/clock.h"
#include "backend/base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

enum {
    EXIT_SERVED = 3, /* of otslocal: another one serves the directory */
    TIMEOUT_MS_DEFAULT = 30000,
    POLL_MS = 10,
    RESTART_MS = 500,
    LOG_TAIL_BYTES = 1024,
    SHOWN_BYTES = 300,
};

#define LINGER_SECONDS "5"

struct ots_local {
    int lock_fd;
};

/* What one opening needs. */
struct opening {
    struct ots_data_source *source;
    const char *program;
    int64_t deadline_us;
    char log_path[PATH_MAX];
    off_t log_start; /* where the output of the server that we started begins */
    pid_t server;    /* 0: none of ours runs */
};

static int64_t now_us(void)
{
    return ots_clock_monotonic_us(&ots_clock_system);
}

static void sleep_ms(int64_t ms)
{
    struct timespec pause = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
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
        sleep_ms(POLL_MS);
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

/* OTS_UNAVAILABLE: nobody listens yet. */
static enum ots_status try_connect(const struct opening *opening, struct ots_error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 1};
    const char *path = opening->source->socket;
    memcpy(address.sun_path, path, strlen(path));
    OTS_AUTO(ots_close_fdp) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ots_error_errno(err, errno, "cannot make a socket");
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return OTS_OK;
    if (errno == ENOENT || errno == ECONNREFUSED || errno == EAGAIN || errno == EINTR)
        return OTS_UNAVAILABLE;
    return ots_error_errno(err, errno, "cannot connect to %s", path);
}

static enum ots_status reach_server(struct opening *opening, struct ots_error *err)
{
    int64_t start_us = now_us();
    for (;;) {
        enum ots_status status = try_connect(opening, err);
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
        sleep_ms(POLL_MS);
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

/* --- the interface --------------------------------------------------------------------------- */

enum ots_status ots_local_open(struct ots_data_source *source,
                               const struct ots_local_options *options, struct ots_local **out,
                               struct ots_error *err)
{
    int64_t timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS_DEFAULT;
    struct opening opening = {
        .source = source,
        .program = options->program,
        .deadline_us = now_us() + timeout_ms * 1000,
    };
    struct ots_local *local = calloc(1, sizeof(*local));
    if (!local)
        return ots_error_set(err, OTS_NOMEM, "local: out of memory");
    local->lock_fd = -1;
    enum ots_status status = make_directory(source, err);
    if (status == OTS_OK) {
        snprintf(opening.log_path, sizeof(opening.log_path), "%s/otslocal.log", source->directory);
        status = open_lock(&opening, local, err);
    }
    if (status == OTS_OK)
        status = reach_server(&opening, err);
    if (status == OTS_OK)
        status = read_credentials(source, err);
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
    if (local->lock_fd >= 0)
        close(local->lock_fd);
    free(local);
}
