#include "fs/state/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend/base/buf.h"
#include "backend/base/digest.h"
#include "fs/state/file_name.h"

enum {
    WAIT_MS = 1000,
    ENDING_WAIT_MS = 10000,
    TRY_MS = 20,
    READABLE_BYTES = 64,
    HASH_BYTES = 8,
    HOLDER_BYTES_MAX = 4200, /* a path and some words */
};

static const char ENDING[] = "ending ";

struct ots_state {
    int dir_fd;
    int lock_fd;
    struct ots_rejects *rejects;
    char holder[HOLDER_BYTES_MAX]; /* what the lock's file says of us */
};

/* --- where ------------------------------------------------------------------------------------*/

static const char *absolute_variable(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] == '/' ? value : NULL;
}

static enum ots_status find_root(const struct ots_state_options *options, struct ots_buf *path)
{
    const char *state_home = absolute_variable("XDG_STATE_HOME");
    const char *home = absolute_variable("HOME");
    if (options->root)
        ots_buf_append_str(path, options->root);
    else if (state_home)
        ots_buf_append_fmt(path, "%s/otsfs", state_home);
    else if (home)
        ots_buf_append_fmt(path, "%s/.local/state/otsfs", home);
    else
        ots_buf_append_str(path, "/var/lib/otsfs");
    ots_buf_append_byte(path, '\0');
    return ots_buf_status(path);
}

/* Make `path` and, of a default place, what is above it. */
static enum ots_status make_root(char *path, bool with_parents, struct ots_error *err)
{
    for (char *slash = strchr(path + 1, '/'); with_parents && slash;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int result = mkdir(path, 0700);
        *slash = '/';
        if (result != 0 && errno != EEXIST)
            return ots_error_errno(err, errno, "the state directory %s (see -o state_dir=)", path);
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return ots_error_errno(err, errno, "the state directory %s (see -o state_dir=)", path);
    return OTS_OK;
}

/* "<readable>-<hash>" */
static enum ots_status source_name(const struct ots_state_options *options, struct ots_buf *name)
{
    uint8_t digest[OTS_SHA256_BYTES];
    struct ots_buf both = OTS_BUF_INIT;
    ots_buf_append_str(&both, options->endpoint);
    ots_buf_append_byte(&both, '\n');
    ots_buf_append_str(&both, options->instance);
    enum ots_status status = ots_buf_status(&both);
    if (status == OTS_OK)
        status = ots_sha256(ots_buf_slice(&both), digest);
    ots_buf_deinit(&both);
    if (status != OTS_OK)
        return status;
    for (size_t i = 0; options->instance[i] && i < READABLE_BYTES; i++) {
        char c = options->instance[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        ots_buf_append_byte(name, (uint8_t)(is_plain ? c : '_'));
    }
    ots_buf_append_byte(name, '-');
    for (size_t i = 0; i < HASH_BYTES; i++)
        ots_buf_append_fmt(name, "%02x", digest[i]);
    ots_buf_append_byte(name, '\0');
    return ots_buf_status(name);
}

/* Ours, and nobody else's to look into. */
static enum ots_status check_owner(int fd, const char *path, struct ots_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return ots_error_errno(err, errno, "the state directory %s (see -o state_dir=)", path);
    if (info.st_uid != geteuid())
        return ots_error_set(err, OTS_DENIED,
                             "the state directory %s belongs to somebody else; "
                             "use -o state_dir=DIR",
                             path);
    if (info.st_mode & 077 && fchmod(fd, 0700) != 0)
        return ots_error_errno(err, errno, "the state directory %s (see -o state_dir=)", path);
    return OTS_OK;
}

static enum ots_status open_dir(const struct ots_state_options *options, int *dir_fd,
                                struct ots_error *err)
{
    struct ots_buf path = OTS_BUF_INIT;
    struct ots_buf name = OTS_BUF_INIT;
    int root_fd = -1;
    enum ots_status status = find_root(options, &path);
    if (status == OTS_OK)
        status = source_name(options, &name);
    if (status == OTS_OK)
        status = make_root((char *)path.data, !options->root, err);
    else
        ots_error_set(err, status, "the state directory: %s", ots_status_text(status));
    if (status == OTS_OK) {
        root_fd = open((char *)path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        *dir_fd = root_fd < 0 ? -1 : ots_state_open_dir(root_fd, (char *)name.data);
        status = *dir_fd < 0 ? ots_error_errno(err, errno, "the state directory %s/%s", path.data,
                                               name.data)
                             : check_owner(*dir_fd, (char *)path.data, err);
    }
    if (root_fd >= 0)
        close(root_fd);
    ots_buf_deinit(&path);
    ots_buf_deinit(&name);
    return status;
}

/* --- the lock ---------------------------------------------------------------------------------*/

/* What the lock's file says of its holder; the empty text when it does not. */
static void read_holder(int fd, char text[HOLDER_BYTES_MAX])
{
    ssize_t got = pread(fd, text, HOLDER_BYTES_MAX - 1, 0);
    text[got > 0 ? got : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

static void write_holder(int fd, const char *prefix, const char *holder)
{
    char text[HOLDER_BYTES_MAX + sizeof(ENDING)];
    int size = snprintf(text, sizeof(text), "%s%s\n", prefix, holder);
    /* Only for messages: nothing depends on it. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) < 0)
        errno = 0;
}

static enum ots_status refuse(const char *holder, struct ots_error *err)
{
    bool is_ending = strncmp(holder, ENDING, strlen(ENDING)) == 0;
    return ots_error_set(err, OTS_CONFLICT,
                         "it is mounted at %.300s already%s; use -o state_dir=DIR",
                         is_ending ? holder + strlen(ENDING) : holder,
                         is_ending ? ", and that mount is ending" : "");
}

static enum ots_status lock(int fd, struct ots_error *err)
{
    char holder[HOLDER_BYTES_MAX] = "";
    for (int waited_ms = 0;; waited_ms += TRY_MS) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return OTS_OK;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return ots_error_errno(err, errno, "the state directory's lock");
        read_holder(fd, holder);
        bool is_ending = strncmp(holder, ENDING, strlen(ENDING)) == 0;
        if (waited_ms >= (is_ending ? ENDING_WAIT_MS : WAIT_MS))
            return refuse(holder, err);
        nanosleep(&(struct timespec){.tv_nsec = TRY_MS * 1000000L}, NULL);
    }
}

static void write_source(const struct ots_state *state, const struct ots_state_options *options)
{
    struct ots_buf text = OTS_BUF_INIT;
    ots_buf_append_fmt(&text, "%s %s\n", options->endpoint, options->instance);
    int fd = openat(state->dir_fd, "source", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                    0600);
    if (fd < 0 || !ots_state_write_all(fd, ots_buf_slice(&text)))
        ots_log(options->log, OTS_LOG_WARNING, "the state directory's source: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    ots_buf_deinit(&text);
}

static enum ots_status open_lock(struct ots_state *state, const struct ots_state_options *options,
                                 struct ots_error *err)
{
    state->lock_fd = openat(state->dir_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (state->lock_fd < 0)
        return ots_error_errno(err, errno, "the state directory's lock");
    enum ots_status status = lock(state->lock_fd, err);
    if (status != OTS_OK)
        return status;
    snprintf(state->holder, sizeof(state->holder), "%.4000s (process %ld)", options->mountpoint,
             (long)getpid());
    write_holder(state->lock_fd, "", state->holder);
    return OTS_OK;
}

/* --- the state --------------------------------------------------------------------------------*/

enum ots_status ots_state_open(const struct ots_state_options *options, struct ots_state **out,
                               struct ots_error *err)
{
    struct ots_state *state = calloc(1, sizeof(*state));
    if (!state)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    state->dir_fd = -1;
    state->lock_fd = -1;
    enum ots_status status = open_dir(options, &state->dir_fd, err);
    if (status == OTS_OK)
        status = open_lock(state, options, err);
    if (status == OTS_OK) {
        write_source(state, options);
        struct ots_rejects_options rejects = {
            .dir_fd = state->dir_fd, .clock = options->clock, .log = options->log};
        status = ots_rejects_new(&rejects, &state->rejects, err);
    }
    if (status != OTS_OK) {
        ots_state_close(state);
        return status;
    }
    *out = state;
    return OTS_OK;
}

void ots_state_close(struct ots_state *state)
{
    if (!state)
        return;
    ots_rejects_free(state->rejects);
    if (state->dir_fd >= 0)
        close(state->dir_fd);
    if (state->lock_fd >= 0)
        close(state->lock_fd);
    free(state);
}

void ots_state_set_ending(struct ots_state *state)
{
    if (state)
        write_holder(state->lock_fd, ENDING, state->holder);
}

int ots_state_dir_fd(const struct ots_state *state)
{
    return state->dir_fd;
}

struct ots_rejects *ots_state_rejects(struct ots_state *state)
{
    return state->rejects;
}

void ots_state_reject(struct ots_state *state, const struct ots_reject *reject)
{
    if (state)
        ots_rejects_add(state->rejects, reject);
}

void ots_state_note(struct ots_state *state, struct ots_slice table, struct ots_slice text)
{
    if (state)
        ots_rejects_note(state->rejects, table, text);
}
