/*
 * Files: journal/<table>/<number in 16 hex digits>, numbers ascending over all mounts. Those that
 * were there when the journal was opened are old; the newest of the others is the one that new
 * batches go to (`current_fd`). Marks go to the segment of their batch, so that each segment can
 * be understood, and removed, alone.
 */
#include "fs/state/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/state/file_name.h"
#include "fs/state/journal_format.h"
#include "fs/state/journal_segments.h"

enum {
    SEGMENT_BYTES_MAX = 1024 * 1024 * 1024, /* a larger file is none of ours */
    HEADER_BYTES_MAX = 1024,
};

struct entry {
    uint64_t batch;
    uint64_t segment;
};

struct ots_journal {
    struct ots_journal_options options;
    char *table;
    struct ots_segment_numbers old;
    struct {
        pthread_mutex_t lock; /* held while the files are written: nobody else waits for these */
        int dir_fd;           /* of the table's directory; -1: not made yet */
        int current_fd;       /* -1: none */
        uint64_t current;     /* its number; the next one's is higher */
        uint64_t current_bytes;
        uint64_t closed_bytes; /* of all other segments of this mount */
        struct entry *entries; /* batches that are not done, in the order of their first rows */
        size_t entry_count;
        size_t entry_capacity;
        struct ots_buf identity;
        struct ots_buf buf;
    } synced;
};

/* --- life -------------------------------------------------------------------------------------*/

/* Open the table's directory; with `is_wanted` it is made. */
static enum ots_status open_table_dir(struct ots_journal *journal, bool is_wanted,
                                      struct ots_error *err)
{
    char name[OTS_STATE_NAME_BYTES];
    enum ots_status status = ots_state_file_name(journal->options.table, "", name);
    if (status != OTS_OK)
        return ots_error_set(err, status, "no digest");
    int dir_fd = ots_state_open_dir(journal->options.dir_fd, "journal");
    if (dir_fd < 0)
        return ots_error_errno(err, errno, "the state directory's journal");
    int fd = is_wanted ? ots_state_open_dir(dir_fd, name)
                       : openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int error = errno;
    close(dir_fd);
    if (fd < 0 && (is_wanted || error != ENOENT))
        return ots_error_errno(err, error, "the state directory's journal/%s", name);
    journal->synced.dir_fd = fd;
    return OTS_OK;
}

/* Whatever the system says of the files is no more to the caller than that, or no space. */
static enum ots_status settle(enum ots_status status, struct ots_error *err)
{
    if (status == OTS_OK || status == OTS_NOMEM || status == OTS_NO_SPACE)
        return status;
    if (err)
        err->status = OTS_IO;
    return OTS_IO;
}

enum ots_status ots_journal_new(const struct ots_journal_options *options, struct ots_journal **out,
                                struct ots_error *err)
{
    struct ots_journal *journal = calloc(1, sizeof(*journal));
    char *table = strndup((const char *)options->table.data, options->table.size);
    if (!journal || !table) {
        free(journal);
        free(table);
        return ots_error_set(err, OTS_NOMEM, "out of memory");
    }
    journal->options = *options;
    journal->table = table;
    journal->options.table = ots_slice(table, options->table.size);
    if (!journal->options.segment_bytes)
        journal->options.segment_bytes = OTS_JOURNAL_SEGMENT_BYTES;
    journal->synced.dir_fd = -1;
    journal->synced.current_fd = -1;
    pthread_mutex_init(&journal->synced.lock, NULL);
    enum ots_status status = open_table_dir(journal, false, err);
    if (status == OTS_OK && journal->synced.dir_fd >= 0)
        status = ots_segments_list(journal->synced.dir_fd, &journal->old, err);
    status = settle(status, err);
    if (status != OTS_OK) {
        ots_journal_free(journal);
        return status;
    }
    /* What is kept for people must not be overwritten by the next one that is damaged. */
    journal->synced.current = journal->old.highest;
    *out = journal;
    return OTS_OK;
}

void ots_journal_free(struct ots_journal *journal)
{
    if (!journal)
        return;
    if (journal->synced.current_fd >= 0)
        close(journal->synced.current_fd);
    /* Nothing that needs to be read again. */
    if (journal->synced.current_fd >= 0 && !journal->synced.entry_count) {
        char name[OTS_SEGMENT_NAME_BYTES];
        ots_segment_name(name, journal->synced.current);
        unlinkat(journal->synced.dir_fd, name, 0);
    }
    if (journal->synced.dir_fd >= 0)
        close(journal->synced.dir_fd);
    pthread_mutex_destroy(&journal->synced.lock);
    ots_buf_deinit(&journal->synced.identity);
    ots_buf_deinit(&journal->synced.buf);
    free(journal->synced.entries);
    free(journal->old.items);
    free(journal->table);
    free(journal);
}

/* The next batch begins a segment. */
static void close_current_locked(struct ots_journal *journal)
{
    if (journal->synced.current_fd >= 0)
        close(journal->synced.current_fd);
    journal->synced.current_fd = -1;
    journal->synced.closed_bytes += journal->synced.current_bytes;
    journal->synced.current_bytes = 0;
}

enum ots_status ots_journal_set_identity(struct ots_journal *journal, struct ots_slice identity)
{
    pthread_mutex_lock(&journal->synced.lock);
    bool is_same = ots_slice_equal(ots_buf_slice(&journal->synced.identity), identity);
    if (!is_same) {
        ots_buf_reset(&journal->synced.identity);
        ots_buf_append_slice(&journal->synced.identity, identity);
        /* The next segment's header tells. */
        close_current_locked(journal);
    }
    enum ots_status status = ots_buf_status(&journal->synced.identity);
    pthread_mutex_unlock(&journal->synced.lock);
    return status;
}

/* --- writing ----------------------------------------------------------------------------------*/

static struct entry *find_entry_locked(struct ots_journal *journal, uint64_t batch)
{
    for (size_t i = 0; i < journal->synced.entry_count; i++)
        if (journal->synced.entries[i].batch == batch)
            return &journal->synced.entries[i];
    return NULL;
}

static bool is_used_locked(const struct ots_journal *journal, uint64_t segment)
{
    for (size_t i = 0; i < journal->synced.entry_count; i++)
        if (journal->synced.entries[i].segment == segment)
            return true;
    return false;
}

static void append_header_locked(struct ots_journal *journal)
{
    struct ots_buf payload = OTS_BUF_INIT;
    ots_buf_append_slice(&payload, journal->options.table);
    ots_buf_append_byte(&payload, '\n');
    ots_buf_append_slice(&payload, ots_buf_slice(&journal->synced.identity));
    struct ots_journal_record header = {OTS_JOURNAL_HEADER, 0, 0, ots_buf_slice(&payload)};
    ots_journal_record_append(&journal->synced.buf, &header);
    journal->synced.buf.has_failed =
        journal->synced.buf.has_failed || ots_buf_status(&payload) != OTS_OK;
    ots_buf_deinit(&payload);
}

/* Whatever was written of the buffer when its rest could not be is taken back. */
static enum ots_status write_buf(struct ots_journal *journal, int fd, uint64_t size_before,
                                 struct ots_error *err)
{
    if (ots_buf_status(&journal->synced.buf) != OTS_OK)
        return ots_error_set(err, OTS_NOMEM, "out of memory for the journal");
    if (ots_state_write_all(fd, ots_buf_slice(&journal->synced.buf)))
        return OTS_OK;
    enum ots_status status = ots_error_errno(err, errno, "the journal of table %s", journal->table);
    /* If it stays, it is a damaged record, and a reader skips it. */
    if (ftruncate(fd, (off_t)size_before) != 0)
        errno = 0;
    return status;
}

/* Append the buffer to a segment that is not the newest. */
static enum ots_status write_to_segment_locked(struct ots_journal *journal, uint64_t segment,
                                               struct ots_error *err)
{
    char name[OTS_SEGMENT_NAME_BYTES];
    struct stat info;
    ots_segment_name(name, segment);
    int fd = openat(journal->synced.dir_fd, name, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0) {
        enum ots_status status = ots_error_errno(err, errno, "the journal's %s", name);
        if (fd >= 0)
            close(fd);
        return status;
    }
    enum ots_status status = write_buf(journal, fd, (uint64_t)info.st_size, err);
    close(fd);
    if (status == OTS_OK)
        journal->synced.closed_bytes += journal->synced.buf.size;
    return status;
}

static enum ots_status write_to_current_locked(struct ots_journal *journal, struct ots_error *err)
{
    enum ots_status status =
        write_buf(journal, journal->synced.current_fd, journal->synced.current_bytes, err);
    if (status == OTS_OK)
        journal->synced.current_bytes += journal->synced.buf.size;
    return status;
}

static enum ots_status write_to_locked(struct ots_journal *journal, uint64_t segment,
                                       struct ots_error *err)
{
    return journal->synced.current_fd >= 0 && segment == journal->synced.current
               ? write_to_current_locked(journal, err)
               : write_to_segment_locked(journal, segment, err);
}

static enum ots_status begin_segment_locked(struct ots_journal *journal, struct ots_error *err)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    enum ots_status status =
        journal->synced.dir_fd >= 0 ? OTS_OK : open_table_dir(journal, true, err);
    if (status != OTS_OK)
        return status;
    close_current_locked(journal);
    char name[OTS_SEGMENT_NAME_BYTES];
    ots_segment_name(name, journal->synced.current + 1);
    journal->synced.current_fd = openat(journal->synced.dir_fd, name, flags, 0600);
    if (journal->synced.current_fd < 0 && errno == ENOENT) {
        /* The directory was removed. */
        close(journal->synced.dir_fd);
        journal->synced.dir_fd = -1;
        status = open_table_dir(journal, true, err);
        if (status != OTS_OK)
            return status;
        journal->synced.current_fd = openat(journal->synced.dir_fd, name, flags, 0600);
    }
    if (journal->synced.current_fd < 0)
        return ots_error_errno(err, errno, "the journal's %s", name);
    journal->synced.current++;
    return OTS_OK;
}

static enum ots_status add_entry_locked(struct ots_journal *journal, uint64_t batch,
                                        struct entry **out)
{
    if (journal->synced.entry_count == journal->synced.entry_capacity) {
        size_t more = journal->synced.entry_capacity ? 2 * journal->synced.entry_capacity : 16;
        struct entry *grown = reallocarray(journal->synced.entries, more, sizeof(*grown));
        if (!grown)
            return OTS_NOMEM;
        journal->synced.entries = grown;
        journal->synced.entry_capacity = more;
    }
    *out = &journal->synced.entries[journal->synced.entry_count++];
    **out = (struct entry){batch, journal->synced.current};
    return OTS_OK;
}

static enum ots_status append_locked(struct ots_journal *journal,
                                     const struct ots_journal_record *record, struct ots_error *err)
{
    struct entry *entry = find_entry_locked(journal, record->number);
    bool is_new = !entry;
    enum ots_status status = OTS_OK;
    if (is_new && (journal->synced.current_fd < 0 ||
                   journal->synced.current_bytes >= journal->options.segment_bytes))
        status = begin_segment_locked(journal, err);
    if (status == OTS_OK && is_new && add_entry_locked(journal, record->number, &entry) != OTS_OK)
        status = ots_error_set(err, OTS_NOMEM, "out of memory for the journal");
    if (status != OTS_OK)
        return status;
    ots_buf_reset(&journal->synced.buf);
    if (is_new && !journal->synced.current_bytes)
        append_header_locked(journal);
    ots_journal_record_append(&journal->synced.buf, record);
    status = write_to_locked(journal, entry->segment, err);
    if (status != OTS_OK && is_new)
        journal->synced.entry_count--;
    return status;
}

enum ots_status ots_journal_append(struct ots_journal *journal, uint64_t number, int64_t time_us,
                                   struct ots_slice rows, struct ots_error *err)
{
    struct ots_journal_record record = {OTS_JOURNAL_BATCH, number, time_us, rows};
    pthread_mutex_lock(&journal->synced.lock);
    enum ots_status status = settle(append_locked(journal, &record, err), err);
    pthread_mutex_unlock(&journal->synced.lock);
    return status;
}

/* --- files that somebody removes ---------------------------------------------------------------*/

static bool is_there_locked(const struct ots_journal *journal, uint64_t segment)
{
    char name[OTS_SEGMENT_NAME_BYTES];
    struct stat info;
    if (journal->synced.current_fd >= 0 && segment == journal->synced.current)
        return fstat(journal->synced.current_fd, &info) != 0 || info.st_nlink;
    ots_segment_name(name, segment);
    return fstatat(journal->synced.dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 ||
           errno != ENOENT;
}

static bool forget_removed_locked(struct ots_journal *journal)
{
    uint64_t segment = 0;
    bool is_there = true;
    size_t kept = 0;
    for (size_t i = 0; i < journal->synced.entry_count; i++) {
        const struct entry entry = journal->synced.entries[i];
        if (entry.segment != segment)
            is_there = is_there_locked(journal, entry.segment);
        segment = entry.segment;
        if (is_there)
            journal->synced.entries[kept++] = entry;
    }
    bool has_lost = kept < journal->synced.entry_count;
    journal->synced.entry_count = kept;
    if (has_lost && !kept)
        journal->synced.closed_bytes = 0;
    return has_lost;
}

bool ots_journal_forget_removed(struct ots_journal *journal)
{
    pthread_mutex_lock(&journal->synced.lock);
    bool has_lost = forget_removed_locked(journal);
    /* What is appended to it would be lost too. */
    if (journal->synced.current_fd >= 0 && !is_there_locked(journal, journal->synced.current)) {
        journal->synced.current_bytes = 0;
        close_current_locked(journal);
    }
    pthread_mutex_unlock(&journal->synced.lock);
    return has_lost;
}

static enum ots_status mark_locked(struct ots_journal *journal, enum ots_journal_type type,
                                   const struct entry *entry, int64_t time_us,
                                   struct ots_error *err)
{
    struct ots_journal_record record = {type, entry->batch, time_us, OTS_SLICE_NONE};
    ots_buf_reset(&journal->synced.buf);
    ots_journal_record_append(&journal->synced.buf, &record);
    return write_to_locked(journal, entry->segment, err);
}

/* The segment has no batch any more that is not done. */
static void drop_segment_locked(struct ots_journal *journal, uint64_t segment)
{
    char name[OTS_SEGMENT_NAME_BYTES];
    struct stat info;
    if (journal->synced.current_fd >= 0 && segment == journal->synced.current) {
        if (ftruncate(journal->synced.current_fd, 0) == 0)
            journal->synced.current_bytes = 0;
        return;
    }
    ots_segment_name(name, segment);
    if (fstatat(journal->synced.dir_fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0)
        journal->synced.closed_bytes -= (uint64_t)info.st_size;
    unlinkat(journal->synced.dir_fd, name, 0);
}

static enum ots_status done_locked(struct ots_journal *journal, uint64_t number, uint64_t waiting,
                                   int64_t time_us, struct ots_error *err)
{
    struct entry *entry = find_entry_locked(journal, number);
    const struct entry *newer = waiting ? find_entry_locked(journal, waiting) : NULL;
    /* First: without the second mark, both versions are seen, and the older one is known. */
    enum ots_status status =
        newer ? mark_locked(journal, OTS_JOURNAL_MOVED, newer, time_us, err) : OTS_OK;
    if (!entry)
        return status;
    struct entry done = *entry;
    size_t behind = journal->synced.entry_count - (size_t)(entry + 1 - journal->synced.entries);
    memmove(entry, entry + 1, behind * sizeof(*entry));
    journal->synced.entry_count--;
    if (!is_used_locked(journal, done.segment)) {
        drop_segment_locked(journal, done.segment);
        return status;
    }
    enum ots_status marked = mark_locked(journal, OTS_JOURNAL_DONE, &done, time_us, err);
    return status == OTS_OK ? marked : status;
}

enum ots_status ots_journal_done(struct ots_journal *journal, uint64_t number, uint64_t waiting,
                                 int64_t time_us, struct ots_error *err)
{
    pthread_mutex_lock(&journal->synced.lock);
    enum ots_status status = done_locked(journal, number, waiting, time_us, err);
    pthread_mutex_unlock(&journal->synced.lock);
    return status;
}

void ots_journal_counts(struct ots_journal *journal, struct ots_journal_counts *counts)
{
    pthread_mutex_lock(&journal->synced.lock);
    *counts = (struct ots_journal_counts){
        .batches = journal->synced.entry_count,
        .bytes = journal->synced.closed_bytes + journal->synced.current_bytes,
        .old_segments = journal->old.count,
    };
    pthread_mutex_unlock(&journal->synced.lock);
}

/* --- what earlier mounts left -----------------------------------------------------------------*/

enum ots_status ots_journal_load(struct ots_journal *journal, struct ots_journal_contents *contents,
                                 struct ots_error *err)
{
    *contents = (struct ots_journal_contents){0};
    enum ots_status status = OTS_OK;
    for (size_t i = 0; i < journal->old.count && status == OTS_OK; i++) {
        char name[OTS_SEGMENT_NAME_BYTES];
        struct ots_slice bytes;
        ots_segment_name(name, journal->old.items[i]);
        status = ots_segment_read(journal->synced.dir_fd, name, SEGMENT_BYTES_MAX, &contents->arena,
                                  &bytes, err);
        if (status == OTS_OK && bytes.size == SEGMENT_BYTES_MAX)
            status = ots_error_set(err, OTS_LIMIT, "the journal's %s is too large to be one", name);
        if (status == OTS_OK && ots_journal_contents_add(contents, bytes) != OTS_OK)
            status = ots_error_set(err, OTS_NOMEM, "out of memory for the journal");
    }
    if (status != OTS_OK)
        ots_journal_contents_deinit(contents);
    return status;
}

/* Whether anything in the file is no record. Such a file is kept, for people. */
static bool is_damaged(int dir_fd, const char *name)
{
    struct ots_slice bytes;
    struct ots_journal_contents contents = {.arena = OTS_ARENA_INIT};
    bool is_whole = ots_segment_read(dir_fd, name, SEGMENT_BYTES_MAX, &contents.arena, &bytes,
                                     NULL) == OTS_OK &&
                    ots_journal_contents_add(&contents, bytes) == OTS_OK && !contents.damage_count;
    ots_journal_contents_deinit(&contents);
    return !is_whole;
}

enum ots_status ots_journal_drop_old(struct ots_journal *journal, struct ots_error *err)
{
    enum ots_status status = OTS_OK;
    int dir_fd = journal->synced.dir_fd;
    while (journal->old.count && status == OTS_OK) {
        char name[OTS_SEGMENT_NAME_BYTES];
        char damaged[OTS_SEGMENT_NAME_BYTES];
        /* The oldest first: of what a kill leaves no older version may be without its newer. */
        ots_segment_name(name, journal->old.items[0]);
        snprintf(damaged, sizeof(damaged), "%s%.16s", OTS_SEGMENT_DAMAGED, name);
        int result = is_damaged(dir_fd, name) ? renameat(dir_fd, name, dir_fd, damaged)
                                              : unlinkat(dir_fd, name, 0);
        if (result != 0 && errno != ENOENT)
            status = ots_error_errno(err, errno, "the journal's %s", name);
        else
            memmove(journal->old.items, journal->old.items + 1,
                    --journal->old.count * sizeof(*journal->old.items));
    }
    return status;
}

/* The name that the directory's first segment tells; false when it has none. */
static bool read_table(int dir_fd, const char *directory, struct ots_arena *arena,
                       struct ots_slice *table)
{
    char name[OTS_SEGMENT_NAME_BYTES];
    struct ots_segment_numbers numbers = {0};
    int fd = openat(dir_fd, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool is_found = fd >= 0 && ots_segments_list(fd, &numbers, NULL) == OTS_OK && numbers.count;
    if (is_found) {
        struct ots_slice bytes;
        struct ots_slice identity;
        struct ots_journal_record record;
        struct ots_journal_damage damage;
        ots_segment_name(name, numbers.items[0]);
        *table = ots_slice_str(directory);
        if (ots_segment_read(fd, name, HEADER_BYTES_MAX, arena, &bytes, NULL) == OTS_OK &&
            ots_journal_read(&(struct ots_journal_reader){bytes, 0}, &record, &damage) ==
                OTS_JOURNAL_RECORD &&
            record.type == OTS_JOURNAL_HEADER)
            ots_journal_header_split(record.payload, table, &identity);
    }
    free(numbers.items);
    if (fd >= 0)
        close(fd);
    return is_found;
}

enum ots_status ots_journal_each_table(int dir_fd,
                                       void (*visit)(void *context, struct ots_slice table),
                                       void *context, struct ots_error *err)
{
    DIR *dir = ots_segments_open(dir_fd, "journal");
    if (!dir)
        return errno == ENOENT ? OTS_OK : ots_error_errno(err, errno, "journal");
    struct ots_arena arena = OTS_ARENA_INIT;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        struct ots_slice table;
        if (entry->d_name[0] != '.' && read_table(dirfd(dir), entry->d_name, &arena, &table))
            visit(context, table);
    }
    closedir(dir);
    ots_arena_deinit(&arena);
    return OTS_OK;
}
