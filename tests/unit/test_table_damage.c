/*
 * Files of fs/state/table_state.h that were damaged, and processes that were killed while they
 * wrote.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/known_list.h"
#include "tests/unit/state_folder.h"

static const char DB[] = "tables/t.db";
static const char WAL[] = "tables/t.db-wal";
static const char ASIDE[] = "tables/t.db.damaged";

static struct ots_table_state *open_state(struct state_folder *folder,
                                          enum ots_table_state_outcome *outcome)
{
    struct ots_table_state *state;
    struct ots_error err;
    if (ots_table_state_open(folder->fd, OTS_SLICE("t"), OTS_SLICE("one"), &state, outcome, &err) !=
        OTS_OK)
        fail_msg("%s", err.message);
    return state;
}

static int setup(void **state)
{
    *state = state_folder_new();
    return 0;
}

static int teardown(void **state)
{
    state_folder_free(*state);
    return 0;
}

/* --- damage -----------------------------------------------------------------------------------*/

static enum ots_status peek(struct state_folder *folder, const char *file, int64_t *mtime_ns)
{
    return ots_table_state_peek_mtime(folder->fd, OTS_SLICE("t"), OTS_SLICE("m"),
                                      ots_slice_str(file), mtime_ns, NULL);
}

/* No file is made by asking for one time, and none that is damaged is changed or believed. */
static void one_time_is_read_alone(void **state)
{
    struct state_folder *folder = *state;
    enum ots_table_state_outcome outcome;
    int64_t mtime_ns = 1;
    const struct ots_known_timeline known = {
        .measurement = OTS_SLICE("m"), .file = OTS_SLICE("a.lp"), .mtime_ns = INT64_MIN};
    assert_int_equal(peek(folder, "a.lp", &mtime_ns), OTS_NOT_FOUND);
    assert_int_equal(state_folder_count(folder, "tables"), 0);
    struct ots_table_state *table = open_state(folder, &outcome);
    assert_int_equal(ots_table_state_begin(table, NULL), OTS_OK);
    assert_int_equal(ots_table_state_put_timeline(table, &known, NULL), OTS_OK);
    assert_int_equal(ots_table_state_commit(table, NULL), OTS_OK);
    ots_table_state_close(table);
    assert_int_equal(peek(folder, "b.lp", &mtime_ns), OTS_NOT_FOUND);
    assert_int_equal(mtime_ns, 1);
    assert_int_equal(peek(folder, "a.lp", &mtime_ns), OTS_OK);
    assert_int_equal(mtime_ns, INT64_MIN);
    state_folder_write(folder, DB, "no database", 11);
    assert_int_equal(peek(folder, "a.lp", &mtime_ns), OTS_CORRUPT);
    ots_table_state_close(open_state(folder, &outcome));
    assert_int_equal(outcome, OTS_TABLE_STATE_DAMAGED);
}

/* Somebody removes the files while they are open. */
static void a_file_that_is_removed_is_seen_and_begun_anew(void **state)
{
    struct state_folder *folder = *state;
    enum ots_table_state_outcome outcome;
    struct ots_table_state *table = open_state(folder, &outcome);
    assert_int_equal(ots_table_state_check(table, NULL), OTS_OK);
    state_folder_remove(folder, "tables/t.db*");
    assert_int_equal(ots_table_state_check(table, NULL), OTS_CORRUPT);
    assert_int_equal(ots_table_state_rebuild(table, folder->fd, NULL), OTS_OK);
    assert_int_equal(ots_table_state_check(table, NULL), OTS_OK);
    assert_int_equal(state_folder_count(folder, "tables") > 0, true);
    ots_table_state_close(table);
}

/* And with them their directory, whose place something else may have taken. */
static void a_directory_that_is_removed_is_made_anew(void **state)
{
    struct state_folder *folder = *state;
    enum ots_table_state_outcome outcome;
    struct ots_table_state *table = open_state(folder, &outcome);
    state_folder_remove(folder, "tables");
    assert_int_equal(ots_table_state_check(table, NULL), OTS_CORRUPT);
    assert_int_equal(ots_table_state_rebuild(table, folder->fd, NULL), OTS_OK);
    assert_int_equal(ots_table_state_check(table, NULL), OTS_OK);
    assert_int_equal(state_folder_count(folder, "tables") > 0, true);
    state_folder_remove(folder, "tables");
    state_folder_write(folder, "tables", "", 0);
    assert_int_equal(ots_table_state_rebuild(table, folder->fd, NULL), OTS_IO);
    state_folder_remove(folder, "tables");
    assert_int_equal(ots_table_state_rebuild(table, folder->fd, NULL), OTS_OK);
    assert_int_equal(ots_table_state_check(table, NULL), OTS_OK);
    ots_table_state_close(table);
}

enum { TIMELINES = 400, FLIPS = 180 };

static enum ots_status fill(struct ots_table_state *state)
{
    struct ots_known_entry entries[50] = {0};
    char file[40];
    enum ots_status status = ots_table_state_begin(state, NULL);
    for (unsigned i = 0; i < TIMELINES && status == OTS_OK; i++) {
        snprintf(file, sizeof(file), "host=server-%05u.lp", i);
        struct ots_known_timeline one = {.measurement = OTS_SLICE("cpu"),
                                         .file = ots_slice_str(file),
                                         .size_bytes = i * 100,
                                         .hash = i * UINT64_C(0x123456789abcd)};
        status = ots_table_state_put_timeline(state, &one, NULL);
        if (status == OTS_OK && i % 40 == 0)
            status = ots_table_state_put_marks(state, one.measurement, one.file,
                                               OTS_SLICE("where it can be read from"), NULL);
    }
    for (size_t i = 0; i < 50; i++)
        entries[i] =
            (struct ots_known_entry){OTS_SLICE("cpu"), OTS_SLICE("host=a.lp"), (int)i, i, 10, 0};
    for (uint64_t group = 0; group < 10 && status == OTS_OK; group++)
        status = ots_table_state_put_entries(state, group, entries, 50, NULL);
    struct ots_known_shard shard = {.id = OTS_SLICE("s"), .iterator = OTS_SLICE("here")};
    if (status == OTS_OK)
        status = ots_table_state_put_shard(state, &shard, NULL);
    if (status == OTS_OK)
        status = ots_table_state_set_meta(state, "cut_us", 77, NULL);
    return status == OTS_OK ? ots_table_state_commit(state, NULL) : status;
}

struct sound {
    struct state_folder *folder;
    char *bytes; /* of the file */
    size_t size;
    char *list; /* of what is in it */
};

static void make_sound(struct state_folder *folder, struct sound *sound)
{
    enum ots_table_state_outcome outcome;
    struct ots_table_state *state = open_state(folder, &outcome);
    assert_int_equal(fill(state), OTS_OK);
    sound->folder = folder;
    sound->list = known_list(state, NULL);
    ots_table_state_close(state);
    sound->bytes = state_folder_read(folder, DB, &sound->size);
    assert_non_null(sound->bytes);
    assert_int_equal(state_folder_count(folder, "tables"), 1);
}

static void free_sound(struct sound *sound)
{
    free(sound->bytes);
    free(sound->list);
}

/*
 * Open a file of these bytes: it holds all that it held, or is put aside and replaced by one that
 * can be used. True: it was put aside.
 */
static bool is_put_aside(const struct sound *sound, const char *bytes, size_t size)
{
    enum ots_table_state_outcome outcome;
    unlinkat(sound->folder->fd, ASIDE, 0);
    state_folder_write(sound->folder, DB, bytes, size);
    struct ots_table_state *state = open_state(sound->folder, &outcome);
    struct ots_error err;
    char *list = known_list(state, &err);
    assert_non_null(list);
    if (outcome == OTS_TABLE_STATE_LOADED) {
        assert_string_equal(list, sound->list);
    } else {
        size_t aside_size;
        char *aside = state_folder_read(sound->folder, ASIDE, &aside_size);
        assert_int_equal(outcome, OTS_TABLE_STATE_DAMAGED);
        assert_string_equal(list, "");
        assert_non_null(aside);
        assert_int_equal(aside_size, size);
        free(aside);
        assert_int_equal(fill(state), OTS_OK);
    }
    free(list);
    ots_table_state_close(state);
    return outcome == OTS_TABLE_STATE_DAMAGED;
}

static void flipped_bits_never_give_other_contents(void **state)
{
    struct sound sound;
    size_t put_aside = 0;
    make_sound(*state, &sound);
    assert_false(is_put_aside(&sound, sound.bytes, sound.size));
    srandom(5);
    for (size_t i = 0; i < FLIPS; i++) {
        /* The header's bytes one by one, then any. */
        size_t at = i < 110 ? i : (size_t)random() % sound.size;
        char before = sound.bytes[at];
        sound.bytes[at] = (char)(before ^ (1 << random() % 8));
        put_aside += is_put_aside(&sound, sound.bytes, sound.size);
        sound.bytes[at] = before;
    }
    /* Some bytes are not used, but most are. */
    assert_in_range(put_aside, FLIPS / 3, FLIPS);
    free_sound(&sound);
}

static void every_byte_of_a_timeline_counts(void **state)
{
    struct sound sound;
    make_sound(*state, &sound);
    char *at = memmem(sound.bytes, sound.size, "host=server-00123.lp", 20);
    assert_non_null(at);
    for (size_t i = 0; i < 20 + 60; i += 3) {
        at[i] ^= 4;
        assert_true(is_put_aside(&sound, sound.bytes, sound.size));
        at[i] ^= 4;
    }
    free_sound(&sound);
}

static void pages_that_are_zero_or_exchanged_are_seen(void **state)
{
    enum { PAGE = 4096 };
    struct sound sound;
    make_sound(*state, &sound);
    char *bytes = malloc(sound.size);
    for (size_t page = 1; page + 1 < sound.size / PAGE; page++) {
        memcpy(bytes, sound.bytes, sound.size);
        memset(bytes + page * PAGE, 0, PAGE);
        assert_true(is_put_aside(&sound, bytes, sound.size));
        memcpy(bytes, sound.bytes, sound.size);
        memcpy(bytes + page * PAGE, sound.bytes + (page + 1) * PAGE, PAGE);
        assert_true(is_put_aside(&sound, bytes, sound.size));
    }
    free(bytes);
    free_sound(&sound);
}

static void a_row_that_is_missing_is_seen(void **state)
{
    enum { PAGE = 4096, LEAF = 10, CELLS_LOW = 4 };
    struct sound sound;
    make_sound(*state, &sound);
    char *at = memmem(sound.bytes, sound.size, "host=server-00123.lp", 20);
    assert_non_null(at);
    /* A leaf says how many cells it has: with one less nothing of the file's structure breaks. */
    char *page = sound.bytes + (size_t)(at - sound.bytes) / PAGE * PAGE;
    assert_int_equal(page[0], LEAF);
    assert_in_range(page[CELLS_LOW], 2, 100);
    page[CELLS_LOW]--;
    assert_true(is_put_aside(&sound, sound.bytes, sound.size));
    free_sound(&sound);
}

static void truncated_files_are_put_aside(void **state)
{
    struct sound sound;
    make_sound(*state, &sound);
    /* SQLite takes a single byte for nothing. */
    for (size_t size = 2; size < sound.size; size += size < 200 ? 66 : 5000) {
        bool is_used = size <= sound.size - 4096;
        /* Of the last page the end may be unused; then nothing is lost. */
        assert_true(is_put_aside(&sound, sound.bytes, size) || !is_used);
    }
    free_sound(&sound);
}

static void what_is_no_database_is_put_aside(void **state)
{
    struct sound sound;
    char garbage[9000];
    make_sound(*state, &sound);
    srandom(6);
    for (size_t i = 0; i < sizeof(garbage); i++)
        garbage[i] = (char)random();
    assert_true(is_put_aside(&sound, garbage, sizeof(garbage)));
    assert_true(is_put_aside(&sound, garbage, 10));
    memset(garbage, 0, sizeof(garbage));
    assert_true(is_put_aside(&sound, garbage, sizeof(garbage)));
    memcpy(garbage, sound.bytes, 100);
    assert_true(is_put_aside(&sound, garbage, sizeof(garbage)));
    free_sound(&sound);
}

static void an_empty_file_is_a_fresh_one(void **state)
{
    enum ots_table_state_outcome outcome;
    struct sound sound;
    make_sound(*state, &sound);
    state_folder_write(*state, DB, "", 0);
    /* A log of a file that is gone does not come back to life. */
    state_folder_write(*state, WAL, sound.bytes, sound.size);
    struct ots_table_state *opened = open_state(*state, &outcome);
    assert_int_equal(outcome, OTS_TABLE_STATE_FRESH);
    char *list = known_list(opened, NULL);
    assert_string_equal(list, "");
    free(list);
    ots_table_state_close(opened);
    free_sound(&sound);
}

static void what_is_no_file_is_put_aside_and_not_followed(void **state)
{
    struct state_folder *folder = *state;
    enum ots_table_state_outcome outcome;
    struct sound sound;
    make_sound(folder, &sound);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(unlinkat(folder->fd, DB, 0), 0);
        if (i == 0)
            assert_int_equal(symlinkat("../elsewhere", folder->fd, DB), 0);
        else if (i == 1)
            assert_int_equal(mkdirat(folder->fd, DB, 0700), 0);
        else
            assert_int_equal(mkfifoat(folder->fd, DB, 0600), 0);
        struct ots_table_state *opened = open_state(folder, &outcome);
        assert_int_equal(outcome, OTS_TABLE_STATE_DAMAGED);
        ots_table_state_close(opened);
        assert_int_not_equal(faccessat(folder->fd, "elsewhere", F_OK, 0), 0);
    }
    free_sound(&sound);
}

static void a_damaged_log_ends_at_a_whole_transaction(void **state)
{
    struct state_folder *folder = *state;
    enum ots_table_state_outcome outcome;
    struct ots_table_state *opened = open_state(folder, &outcome);
    size_t db_size;
    size_t wal_size;
    for (unsigned i = 1; i <= 20; i++) {
        struct ots_known_timeline one = {.measurement = OTS_SLICE("m"), .size_bytes = i};
        assert_int_equal(ots_table_state_begin(opened, NULL), OTS_OK);
        assert_int_equal(ots_table_state_put_timeline(opened, &one, NULL), OTS_OK);
        assert_int_equal(ots_table_state_set_meta(opened, "sum", i, NULL), OTS_OK);
        assert_int_equal(ots_table_state_commit(opened, NULL), OTS_OK);
    }
    char *db = state_folder_read(folder, DB, &db_size);
    char *wal = state_folder_read(folder, WAL, &wal_size);
    assert_non_null(wal);
    ots_table_state_close(opened);
    for (size_t at = 40; at < wal_size; at += wal_size / 40) {
        char wanted[40];
        int64_t sum = 0;
        wal[at] ^= 1;
        state_folder_write(folder, DB, db, db_size);
        state_folder_write(folder, WAL, wal, wal_size);
        opened = open_state(folder, &outcome);
        assert_in_range(outcome, OTS_TABLE_STATE_FRESH, OTS_TABLE_STATE_LOADED);
        char *list = known_list(opened, NULL);
        enum ots_status status = ots_table_state_get_meta(opened, "sum", &sum, NULL);
        snprintf(wanted, sizeof(wanted), "m/ %" PRId64 "\n", sum);
        assert_string_equal(list, status == OTS_OK ? wanted : "");
        free(list);
        ots_table_state_close(opened);
        wal[at] ^= 1;
    }
    free(db);
    free(wal);
}

static void a_file_that_somebody_else_has_open_is_left_alone(void **state)
{
    struct state_folder *folder = *state;
    enum ots_table_state_outcome outcome;
    struct ots_table_state *opened = open_state(folder, &outcome);
    assert_int_equal(fill(opened), OTS_OK);
    pid_t child = fork();
    if (child == 0) {
        struct ots_table_state *second;
        struct ots_error err;
        _exit((int)ots_table_state_open(folder->fd, OTS_SLICE("t"), OTS_SLICE("one"), &second,
                                        &outcome, &err));
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), OTS_CONFLICT);
    assert_int_equal(state_folder_count(folder, "tables"), 2);
    ots_table_state_close(opened);
}

/* --- kills ------------------------------------------------------------------------------------*/

enum { ROUNDS = 40, KEYS = 3000, PUTS = 150 };

struct totals {
    uint64_t size;
    uint64_t sizes[KEYS];
};

static enum ots_status add_up(void *context, const struct ots_known_timeline *timeline)
{
    struct totals *totals = context;
    char number[8] = "";
    memcpy(number, timeline->file.data, timeline->file.size < 7 ? timeline->file.size : 7);
    totals->sizes[strtoul(number, NULL, 10) % KEYS] = timeline->size_bytes;
    totals->size += timeline->size_bytes;
    return OTS_OK;
}

static enum ots_status add_entry(void *context, uint64_t group, const struct ots_known_entry *entry)
{
    (void)group;
    *(uint64_t *)context += entry->hash;
    return OTS_OK;
}

/* One transaction: some sizes, their sum in a number and, in pieces, in entries. */
static enum ots_status write_some(struct ots_table_state *state, struct totals *totals)
{
    char file[16];
    struct ots_known_entry parts[2];
    enum ots_status status = ots_table_state_begin(state, NULL);
    for (int i = 0; i < PUTS && status == OTS_OK; i++) {
        size_t key = (size_t)random() % KEYS;
        snprintf(file, sizeof(file), "%zu", key);
        struct ots_known_timeline one = {.file = ots_slice_str(file),
                                         .size_bytes = (uint64_t)random()};
        totals->size += one.size_bytes - totals->sizes[key];
        totals->sizes[key] = one.size_bytes;
        status = ots_table_state_put_timeline(state, &one, NULL);
    }
    uint64_t part = totals->size / 3;
    parts[0] = (struct ots_known_entry){.hash = part};
    parts[1] = (struct ots_known_entry){.hash = totals->size - part};
    if (status == OTS_OK)
        status = ots_table_state_clear_entries(state, NULL);
    for (uint64_t i = 0; i < 2 && status == OTS_OK; i++)
        status = ots_table_state_put_entries(state, (uint64_t)random(), &parts[i], 1, NULL);
    if (status == OTS_OK)
        status = ots_table_state_set_meta(state, "sum", (int64_t)totals->size, NULL);
    return status == OTS_OK ? ots_table_state_commit(state, NULL) : status;
}

static void check_sums(struct ots_table_state *state, struct totals *totals)
{
    int64_t sum = 0;
    uint64_t parts = 0;
    memset(totals, 0, sizeof(*totals));
    assert_int_equal(ots_table_state_each_timeline(state, add_up, totals, NULL), OTS_OK);
    assert_int_equal(ots_table_state_each_entry(state, add_entry, &parts, NULL), OTS_OK);
    enum ots_status status = ots_table_state_get_meta(state, "sum", &sum, NULL);
    assert_true(status == OTS_OK || (status == OTS_NOT_FOUND && !totals->size));
    assert_true(totals->size == (uint64_t)sum);
    assert_true(totals->size == parts);
}

/* Until it is killed; `*committed` counts and goes on from what is in the file. */
static void write_on(struct state_folder *folder, unsigned seed, struct totals *totals,
                     volatile int64_t *committed)
{
    enum ots_table_state_outcome outcome;
    struct ots_table_state *state;
    srandom(seed);
    if (ots_table_state_open(folder->fd, OTS_SLICE("t"), OTS_SLICE("one"), &state, &outcome,
                             NULL) != OTS_OK)
        _exit(1);
    while (write_some(state, totals) == OTS_OK)
        *committed = (int64_t)totals->size;
    _exit(2);
}

static void a_kill_leaves_whole_transactions(void **state)
{
    struct state_folder *folder = *state;
    enum ots_table_state_outcome outcome;
    struct totals *totals = calloc(1, sizeof(*totals));
    int64_t *committed =
        mmap(NULL, sizeof(int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int changed = 0;
    srandom(7);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct timespec moment = {.tv_nsec = random() % 40000000};
        int64_t before = *committed;
        pid_t child = fork();
        if (child == 0)
            write_on(folder, round, totals, committed);
        nanosleep(&moment, NULL);
        assert_int_equal(kill(child, SIGKILL), 0);
        int ended;
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_true(WIFSIGNALED(ended));
        struct ots_table_state *opened = open_state(folder, &outcome);
        assert_in_range(outcome, OTS_TABLE_STATE_FRESH, OTS_TABLE_STATE_LOADED);
        check_sums(opened, totals);
        changed += *committed != before;
        ots_table_state_close(opened);
    }
    /* Or the kills came too early to say anything. */
    assert_true(changed > ROUNDS / 4);
    munmap(committed, sizeof(int64_t));
    free(totals);
}

static void what_was_committed_before_a_kill_is_there(void **state)
{
    struct state_folder *folder = *state;
    enum ots_table_state_outcome outcome;
    struct totals *totals = calloc(1, sizeof(*totals));
    for (unsigned round = 0; round < 10; round++) {
        pid_t child = fork();
        if (child == 0) {
            struct ots_table_state *mine = open_state(folder, &outcome);
            for (unsigned i = 0; i <= round * 8; i++)
                if (write_some(mine, totals) != OTS_OK)
                    _exit(1);
            int64_t last = (int64_t)totals->size;
            state_folder_write(folder, "last", &last, sizeof(last));
            /* A transaction under way is not. */
            if (ots_table_state_begin(mine, NULL) != OTS_OK ||
                ots_table_state_clear_timelines(mine, NULL) != OTS_OK)
                _exit(1);
            kill(getpid(), SIGKILL);
        }
        int ended;
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_true(WIFSIGNALED(ended));
        struct ots_table_state *opened = open_state(folder, &outcome);
        assert_int_equal(outcome, OTS_TABLE_STATE_LOADED);
        check_sums(opened, totals);
        ots_table_state_close(opened);
        char *last = state_folder_read(folder, "last", NULL);
        assert_memory_equal(last, &totals->size, sizeof(totals->size));
        free(last);
    }
    free(totals);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_time_is_read_alone),
        TEST(a_file_that_is_removed_is_seen_and_begun_anew),
        TEST(a_directory_that_is_removed_is_made_anew),
        TEST(flipped_bits_never_give_other_contents),
        TEST(every_byte_of_a_timeline_counts),
        TEST(pages_that_are_zero_or_exchanged_are_seen),
        TEST(a_row_that_is_missing_is_seen),
        TEST(truncated_files_are_put_aside),
        TEST(what_is_no_database_is_put_aside),
        TEST(an_empty_file_is_a_fresh_one),
        TEST(what_is_no_file_is_put_aside_and_not_followed),
        TEST(a_damaged_log_ends_at_a_whole_transaction),
        TEST(a_file_that_somebody_else_has_open_is_left_alone),
        TEST(a_kill_leaves_whole_transactions),
        TEST(what_was_committed_before_a_kill_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
