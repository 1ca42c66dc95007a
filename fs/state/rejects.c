#include "fs/state/rejects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backend/base/buf.h"
#include "fs/state/file_name.h"

static const char ERRORS[] = "errors";
static const char ERRORS_NEW[] = "errors.new";

struct table_count {
    struct table_count *next;
    struct ots_reject_counts counts;
    bool is_full; /* and `errors` says so */
    char name[OTS_STATE_NAME_BYTES];
};

struct ots_rejects {
    struct ots_rejects_options options;
    int rejected_fd; /* of the directory */
    struct {
        pthread_mutex_t lock; /* held while the files are written: nobody waits for these */
        struct table_count *tables;
        struct ots_buf text;
        bool has_failed; /* a file could not be written, and the log says so */
    } synced;
};

enum ots_status ots_rejects_new(const struct ots_rejects_options *options, struct ots_rejects **out,
                                struct ots_error *err)
{
    struct ots_rejects *rejects = calloc(1, sizeof(*rejects));
    if (!rejects)
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    rejects->options = *options;
    if (!rejects->options.rejected_bytes)
        rejects->options.rejected_bytes = OTS_REJECTED_BYTES_MAX;
    if (!rejects->options.error_bytes)
        rejects->options.error_bytes = OTS_ERRORS_BYTES_KEPT;
    rejects->rejected_fd = ots_state_open_dir(options->dir_fd, "rejected");
    if (rejects->rejected_fd < 0) {
        free(rejects);
        return ots_error_errno(err, errno, "the state directory's rejected");
    }
    pthread_mutex_init(&rejects->synced.lock, NULL);
    *out = rejects;
    return OTS_OK;
}

void ots_rejects_free(struct ots_rejects *rejects)
{
    if (!rejects)
        return;
    while (rejects->synced.tables) {
        struct table_count *table = rejects->synced.tables;
        rejects->synced.tables = table->next;
        free(table);
    }
    ots_buf_deinit(&rejects->synced.text);
    pthread_mutex_destroy(&rejects->synced.lock);
    close(rejects->rejected_fd);
    free(rejects);
}

/* NULL without memory, or for a name that has no digest. */
static struct table_count *find_table_locked(struct ots_rejects *rejects, struct ots_slice name)
{
    char file[OTS_STATE_NAME_BYTES];
    if (ots_state_file_name(name, ".lp", file) != OTS_OK)
        return NULL;
    struct table_count *table = rejects->synced.tables;
    while (table && strcmp(table->name, file) != 0)
        table = table->next;
    if (table)
        return table;
    table = calloc(1, sizeof(*table));
    if (!table)
        return NULL;
    memcpy(table->name, file, sizeof(file));
    table->next = rejects->synced.tables;
    rejects->synced.tables = table;
    return table;
}

/* --- text -------------------------------------------------------------------------------------*/

/* A line of ours holds no line end and no control byte, whatever a file's name or a reason has. */
static void append_clean(struct ots_buf *text, struct ots_slice slice)
{
    for (size_t i = 0; i < slice.size; i++) {
        uint8_t byte = slice.data[i];
        ots_buf_append_byte(text, byte < ' ' || byte == 0x7f ? ' ' : byte);
    }
}

static void append_place(struct ots_buf *text, const struct ots_reject *reject)
{
    append_clean(text, reject->file.size ? reject->file : OTS_SLICE("(no file)"));
    if (reject->line)
        ots_buf_append_fmt(text, ":%" PRIu64, reject->line);
    if (reject->line && reject->column)
        ots_buf_append_fmt(text, ":%zu", reject->column);
    ots_buf_append_str(text, ": ");
    append_clean(text, reject->reason);
    ots_buf_append_byte(text, '\n');
}

static void append_time(struct ots_buf *text, const struct ots_clock *clock)
{
    time_t seconds = (time_t)(ots_clock_now_us(clock) / 1000000);
    struct tm parts;
    char time[32];
    gmtime_r(&seconds, &parts);
    strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ ", &parts);
    ots_buf_append_str(text, time);
}

/* --- files ------------------------------------------------------------------------------------*/

static void fail_locked(struct ots_rejects *rejects, const char *name)
{
    if (!rejects->synced.has_failed)
        ots_log(rejects->options.log, OTS_LOG_ERROR,
                "the state directory's %s cannot be written: %s; what it would have got is here",
                name, strerror(errno));
    rejects->synced.has_failed = true;
    struct ots_slice text = ots_buf_slice(&rejects->synced.text);
    ots_log(rejects->options.log, OTS_LOG_WARNING, "%.*s", OTS_SLICE_FMT(text));
}

/* Append the text that was made to a file, unless that has `bytes_max`. */
static bool append_locked(struct ots_rejects *rejects, int dir_fd, const char *name,
                          uint64_t bytes_max, uint64_t *size)
{
    struct stat info;
    int fd = openat(dir_fd, name, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || fstat(fd, &info) != 0) {
        fail_locked(rejects, name);
        if (fd >= 0)
            close(fd);
        return false;
    }
    *size = (uint64_t)info.st_size + rejects->synced.text.size;
    bool is_written = *size <= bytes_max;
    if (is_written && !ots_state_write_all(fd, ots_buf_slice(&rejects->synced.text))) {
        fail_locked(rejects, name);
        /* Not half a line. */
        if (ftruncate(fd, info.st_size) != 0)
            errno = 0;
        is_written = false;
    }
    close(fd);
    return is_written;
}

/* The end of `errors` from the first whole line on, in a file of its own. */
static bool copy_end(struct ots_rejects *rejects, int from, int to)
{
    struct stat info;
    uint64_t kept = rejects->options.error_bytes;
    if (fstat(from, &info) != 0 || (uint64_t)info.st_size < kept)
        return false;
    uint8_t *bytes = malloc(kept);
    if (!bytes)
        return false;
    ssize_t got = pread(from, bytes, kept, info.st_size - (off_t)kept);
    uint8_t *line = got > 0 ? memchr(bytes, '\n', (size_t)got) : NULL;
    bool is_done = line && ots_state_write_all(
                               to, ots_slice(line + 1, (size_t)got - (size_t)(line + 1 - bytes)));
    free(bytes);
    return is_done;
}

static void cut_errors_locked(struct ots_rejects *rejects)
{
    int dir_fd = rejects->options.dir_fd;
    int from = openat(dir_fd, ERRORS, O_RDONLY | O_CLOEXEC);
    int to = openat(dir_fd, ERRORS_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_done = from >= 0 && to >= 0 && copy_end(rejects, from, to);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    if (!is_done || renameat(dir_fd, ERRORS_NEW, dir_fd, ERRORS) != 0)
        unlinkat(dir_fd, ERRORS_NEW, 0);
}

static void append_error_locked(struct ots_rejects *rejects)
{
    uint64_t size;
    if (append_locked(rejects, rejects->options.dir_fd, ERRORS, UINT64_MAX, &size) &&
        size >= 2 * rejects->options.error_bytes)
        cut_errors_locked(rejects);
}

static void note_locked(struct ots_rejects *rejects, struct ots_slice table, struct ots_slice note)
{
    struct ots_buf *text = &rejects->synced.text;
    ots_buf_reset(text);
    append_time(text, rejects->options.clock);
    append_clean(text, table);
    ots_buf_append_str(text, ": ");
    append_clean(text, note);
    ots_buf_append_byte(text, '\n');
    append_error_locked(rejects);
}

static void add_line_locked(struct ots_rejects *rejects, const struct ots_reject *reject)
{
    struct table_count *table = find_table_locked(rejects, reject->table);
    if (!table)
        return;
    struct ots_buf *text = &rejects->synced.text;
    ots_buf_reset(text);
    ots_buf_append_str(text, "# ");
    append_place(text, reject);
    ots_buf_append_slice(text, reject->text);
    if (!reject->text.size || reject->text.data[reject->text.size - 1] != '\n')
        ots_buf_append_byte(text, '\n');
    uint64_t size = 0;
    bool is_written =
        ots_buf_status(text) == OTS_OK && append_locked(rejects, rejects->rejected_fd, table->name,
                                                        rejects->options.rejected_bytes, &size);
    table->counts.lines++;
    table->counts.dropped += !is_written;
    bool is_full = size > rejects->options.rejected_bytes;
    if (is_full && !table->is_full)
        note_locked(rejects, reject->table,
                    OTS_SLICE("its file of rejected lines is full: further ones only count"));
    table->is_full = is_full;
}

void ots_rejects_add(struct ots_rejects *rejects, const struct ots_reject *reject)
{
    struct ots_buf *text = &rejects->synced.text;
    pthread_mutex_lock(&rejects->synced.lock);
    ots_buf_reset(text);
    append_time(text, rejects->options.clock);
    append_clean(text, reject->table);
    ots_buf_append_byte(text, '/');
    append_place(text, reject);
    append_error_locked(rejects);
    add_line_locked(rejects, reject);
    pthread_mutex_unlock(&rejects->synced.lock);
}

void ots_rejects_note(struct ots_rejects *rejects, struct ots_slice table, struct ots_slice text)
{
    pthread_mutex_lock(&rejects->synced.lock);
    note_locked(rejects, table, text);
    pthread_mutex_unlock(&rejects->synced.lock);
}

/* --- reading ----------------------------------------------------------------------------------*/

void ots_rejects_counts(struct ots_rejects *rejects, struct ots_slice table,
                        struct ots_reject_counts *counts)
{
    pthread_mutex_lock(&rejects->synced.lock);
    struct table_count *found = find_table_locked(rejects, table);
    *counts = found ? found->counts : (struct ots_reject_counts){0};
    pthread_mutex_unlock(&rejects->synced.lock);
}

static enum ots_status find_file(const struct ots_rejects *rejects, struct ots_slice table,
                                 int *dir_fd, char name[OTS_STATE_NAME_BYTES],
                                 struct ots_error *err)
{
    *dir_fd = table.size ? rejects->rejected_fd : rejects->options.dir_fd;
    if (!table.size) {
        memcpy(name, ERRORS, sizeof(ERRORS));
        return OTS_OK;
    }
    enum ots_status status = ots_state_file_name(table, ".lp", name);
    return status == OTS_OK ? OTS_OK : ots_error_set(err, status, "no digest");
}

enum ots_status ots_rejects_open(struct ots_rejects *rejects, struct ots_slice table, int *fd,
                                 uint64_t *size, struct ots_error *err)
{
    int dir_fd;
    char name[OTS_STATE_NAME_BYTES];
    enum ots_status status = find_file(rejects, table, &dir_fd, name, err);
    if (status != OTS_OK)
        return status;
    struct stat info;
    /* With the lock no line is half written. */
    pthread_mutex_lock(&rejects->synced.lock);
    *fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0 || fstat(*fd, &info) != 0)
        status = ots_error_errno(err, errno, "%s", name);
    pthread_mutex_unlock(&rejects->synced.lock);
    if (status == OTS_OK)
        *size = (uint64_t)info.st_size;
    else if (*fd >= 0)
        close(*fd);
    return status;
}

enum ots_status ots_rejects_empty(struct ots_rejects *rejects, struct ots_slice table,
                                  struct ots_error *err)
{
    int dir_fd;
    char name[OTS_STATE_NAME_BYTES];
    enum ots_status status = find_file(rejects, table, &dir_fd, name, err);
    if (status != OTS_OK)
        return status;
    pthread_mutex_lock(&rejects->synced.lock);
    if (unlinkat(dir_fd, name, 0) != 0 && errno != ENOENT)
        status = ots_error_errno(err, errno, "%s", name);
    pthread_mutex_unlock(&rejects->synced.lock);
    return status;
}

enum ots_status ots_rejects_each(struct ots_rejects *rejects,
                                 void (*visit)(void *context, struct ots_slice file_name),
                                 void *context, struct ots_error *err)
{
    int fd = openat(rejects->options.dir_fd, "rejected", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        enum ots_status status = ots_error_errno(err, errno, "rejected");
        if (fd >= 0)
            close(fd);
        return status;
    }
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (entry->d_name[0] != '.')
            visit(context, ots_slice_str(entry->d_name));
    closedir(dir);
    return OTS_OK;
}
