#include "fs/state/table_state.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/known_list.h"
#include "tests/unit/state_folder.h"

static const char DB[] = "tables/t.db";

struct fixture {
    struct state_folder *folder;
    struct ots_table_state *state;
    struct ots_error err;
};

static enum ots_table_state_outcome open_as(struct fixture *fixture, const char *identity)
{
    enum ots_table_state_outcome outcome;
    enum ots_status status =
        ots_table_state_open(fixture->folder->fd, OTS_SLICE("t"), ots_slice_str(identity),
                             &fixture->state, &outcome, &fixture->err);
    if (status != OTS_OK)
        fail_msg("%s", fixture->err.message);
    return outcome;
}

static void close_state(struct fixture *fixture)
{
    ots_table_state_close(fixture->state);
    fixture->state = NULL;
}

static enum ots_table_state_outcome reopen(struct fixture *fixture)
{
    close_state(fixture);
    return open_as(fixture, "one");
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->folder = state_folder_new();
    if (open_as(fixture, "one") != OTS_TABLE_STATE_FRESH)
        return -1;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    close_state(fixture);
    state_folder_free(fixture->folder);
    free(fixture);
    return 0;
}

static void begin(struct fixture *fixture)
{
    assert_int_equal(ots_table_state_begin(fixture->state, &fixture->err), OTS_OK);
}

static void commit(struct fixture *fixture)
{
    assert_int_equal(ots_table_state_commit(fixture->state, &fixture->err), OTS_OK);
}

static struct ots_known_timeline timeline(const char *measurement, const char *file, uint64_t size)
{
    return (struct ots_known_timeline){
        .measurement = ots_slice_str(measurement),
        .file = ots_slice_str(file),
        .size_bytes = size,
        .row_count = size / 10,
        .first_time_us = -5,
        .last_time_us = INT64_MAX,
        .hash = UINT64_MAX - size,
        .mtime_ns = INT64_MIN,
        .seen_us = 7,
        .flags = 0x80000001,
    };
}

static void put(struct fixture *fixture, const char *measurement, const char *file, uint64_t size)
{
    struct ots_known_timeline one = timeline(measurement, file, size);
    assert_int_equal(ots_table_state_put_timeline(fixture->state, &one, &fixture->err), OTS_OK);
}

/* What the state holds, as text; see known_list.h. */
static void expect(struct fixture *fixture, const char *wanted)
{
    char *text = known_list(fixture->state, &fixture->err);
    if (!text)
        fail_msg("%s", fixture->err.message);
    assert_string_equal(text, wanted);
    free(text);
}

static int64_t meta(struct fixture *fixture, const char *name)
{
    int64_t value = 0;
    assert_int_equal(ots_table_state_get_meta(fixture->state, name, &value, &fixture->err), OTS_OK);
    return value;
}

/* --- what is put comes back -------------------------------------------------------------------*/

static enum ots_status check_numbers(void *context, const struct ots_known_timeline *got)
{
    const struct ots_known_timeline *wanted = context;
    assert_true(ots_slice_equal(got->measurement, wanted->measurement));
    assert_true(ots_slice_equal(got->file, wanted->file));
    assert_true(ots_slice_equal(got->key, wanted->key));
    assert_int_equal(got->size_bytes, wanted->size_bytes);
    assert_int_equal(got->row_count, wanted->row_count);
    assert_true(got->first_time_us == wanted->first_time_us);
    assert_true(got->last_time_us == wanted->last_time_us);
    assert_true(got->hash == wanted->hash);
    assert_true(got->mtime_ns == wanted->mtime_ns);
    assert_int_equal(got->seen_us, wanted->seen_us);
    assert_int_equal(got->flags, wanted->flags);
    return OTS_OK;
}

static enum ots_status count_one(void *context, const struct ots_known_timeline *one)
{
    size_t *count = context;
    (void)one;
    ++*count;
    return OTS_OK;
}

static size_t count_timelines(struct fixture *fixture)
{
    size_t count = 0;
    assert_int_equal(
        ots_table_state_each_timeline(fixture->state, count_one, &count, &fixture->err), OTS_OK);
    return count;
}

static void a_timeline_comes_back_as_it_was_put(void **state)
{
    struct fixture *fixture = *state;
    struct ots_known_timeline one = timeline("m", "f", 120);
    one.key = OTS_SLICE("a\0b");
    begin(fixture);
    assert_int_equal(ots_table_state_put_timeline(fixture->state, &one, NULL), OTS_OK);
    commit(fixture);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    assert_int_equal(count_timelines(fixture), 1);
    assert_int_equal(
        ots_table_state_each_timeline(fixture->state, check_numbers, &one, &fixture->err), OTS_OK);
}

static void names_may_be_any_bytes(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    put(fixture, "\xff\xfe", "'; DROP TABLE timelines; --", 1);
    put(fixture, "", "", 2);
    put(fixture, "m", "\"h\xc3\xb6st\"=\n%s", 3);
    put(fixture, "m", "A", 4);
    put(fixture, "m", "a", 5);
    put(fixture, "m\n", "a", 6);
    commit(fixture);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    expect(fixture, "/ 2\n"
                    "m/\"h\xc3\xb6st\"=\n%s 3\n"
                    "m/A 4\nm/a 5\nm\n/a 6\n"
                    "\xff\xfe/'; DROP TABLE timelines; -- 1\n");
}

static void putting_again_replaces(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    put(fixture, "m", "b", 1);
    put(fixture, "m", "a", 2);
    put(fixture, "m", "b", 3);
    put(fixture, "m", "c", 4);
    commit(fixture);
    begin(fixture);
    put(fixture, "m", "a", 5);
    commit(fixture);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    expect(fixture, "m/a 5\nm/b 3\nm/c 4\n");
}

static void what_is_removed_is_gone(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    put(fixture, "m", "a", 1);
    put(fixture, "m", "b", 2);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ots_table_state_remove_timeline(fixture->state, OTS_SLICE("m"),
                                                         OTS_SLICE("a"), &fixture->err),
                         OTS_OK);
    commit(fixture);
    expect(fixture, "m/b 2\n");
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    expect(fixture, "m/b 2\n");
    begin(fixture);
    assert_int_equal(ots_table_state_clear_timelines(fixture->state, &fixture->err), OTS_OK);
    put(fixture, "m", "c", 3);
    commit(fixture);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    expect(fixture, "m/c 3\n");
}

static void put_marks(struct fixture *fixture, const char *file, struct ots_slice marks)
{
    assert_int_equal(ots_table_state_put_marks(fixture->state, OTS_SLICE("m"), ots_slice_str(file),
                                               marks, &fixture->err),
                     OTS_OK);
}

static enum ots_status check_marks(void *context, struct ots_slice measurement,
                                   struct ots_slice file, struct ots_slice marks)
{
    const struct ots_slice *wanted = context;
    assert_true(ots_slice_equal(measurement, OTS_SLICE("m")));
    assert_true(ots_slice_equal(file, OTS_SLICE("a")));
    assert_true(ots_slice_equal(marks, *wanted));
    return OTS_OK;
}

static void marks_are_kept(void **state)
{
    struct fixture *fixture = *state;
    struct ots_slice wanted = OTS_SLICE("\0\xff three");
    begin(fixture);
    put(fixture, "m", "a", 1);
    put_marks(fixture, "a", OTS_SLICE("one"));
    put_marks(fixture, "b", OTS_SLICE("two"));
    put_marks(fixture, "a", wanted);
    for (int i = 0; i < 2; i++)
        assert_int_equal(ots_table_state_remove_marks(fixture->state, OTS_SLICE("m"),
                                                      OTS_SLICE("b"), &fixture->err),
                         OTS_OK);
    commit(fixture);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    assert_int_equal(
        ots_table_state_each_marks(fixture->state, check_marks, &wanted, &fixture->err), OTS_OK);
    /* What is undone is not there; timelines go without them. */
    begin(fixture);
    put_marks(fixture, "c", wanted);
    ots_table_state_rollback(fixture->state);
    begin(fixture);
    assert_int_equal(ots_table_state_clear_timelines(fixture->state, &fixture->err), OTS_OK);
    commit(fixture);
    expect(fixture, "marks m/a 8\n");
    begin(fixture);
    assert_int_equal(ots_table_state_clear_marks(fixture->state, &fixture->err), OTS_OK);
    commit(fixture);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    expect(fixture, "");
}

static void put_shard(struct fixture *fixture, const char *id, const char *iterator, bool is_ended)
{
    struct ots_known_shard shard = {.id = ots_slice_str(id),
                                    .parent = OTS_SLICE("p"),
                                    .iterator = ots_slice_str(iterator),
                                    .is_ended = is_ended};
    assert_int_equal(ots_table_state_put_shard(fixture->state, &shard, &fixture->err), OTS_OK);
}

static void shards_are_kept(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    put_shard(fixture, "s2", "at 1", false);
    put_shard(fixture, "s1", "at 2", false);
    put_shard(fixture, "s2", "", true);
    commit(fixture);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    expect(fixture, "shard s1 (p,) [at 2]\nshard s2 (p,) [] ended\n");
    begin(fixture);
    assert_int_equal(ots_table_state_clear_shards(fixture->state, &fixture->err), OTS_OK);
    commit(fixture);
    expect(fixture, "");
}

static struct ots_known_entry entry(const char *measurement, const char *file, int64_t time_us)
{
    return (struct ots_known_entry){.measurement = ots_slice_str(measurement),
                                    .file = ots_slice_str(file),
                                    .time_us = time_us,
                                    .hash = (uint64_t)time_us * 3,
                                    .size_bytes = UINT32_MAX,
                                    .flags = 9};
}

static void put_group(struct fixture *fixture, uint64_t group,
                      const struct ots_known_entry *entries, size_t count)
{
    assert_int_equal(
        ots_table_state_put_entries(fixture->state, group, entries, count, &fixture->err), OTS_OK);
}

static void entries_keep_their_order_within_groups_of_ascending_numbers(void **state)
{
    struct fixture *fixture = *state;
    struct ots_known_entry some[] = {entry("m", "b", 2), entry("m", "b", 1), entry("n", "b", 3),
                                     entry("n", "", 4), entry("n", "a", -5)};
    begin(fixture);
    put_group(fixture, 256, some, 5);
    put_group(fixture, UINT64_MAX, some + 4, 1);
    put_group(fixture, 3, some, 0);
    put_group(fixture, 2, some, 5);
    put_group(fixture, 2, some, 1);
    commit(fixture);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    expect(fixture, "entry 2 m/b 2 6 4294967295 9\n"
                    "entry 256 m/b 2 6 4294967295 9\n"
                    "entry 256 m/b 1 3 4294967295 9\n"
                    "entry 256 n/b 3 9 4294967295 9\n"
                    "entry 256 n/ 4 12 4294967295 9\n"
                    "entry 256 n/a -5 18446744073709551601 4294967295 9\n"
                    "entry 18446744073709551615 n/a -5 18446744073709551601 4294967295 9\n");
    begin(fixture);
    assert_int_equal(ots_table_state_remove_entries(fixture->state, 256, &fixture->err), OTS_OK);
    assert_int_equal(ots_table_state_remove_entries(fixture->state, 77, &fixture->err), OTS_OK);
    commit(fixture);
    begin(fixture);
    expect(fixture, "entry 2 m/b 2 6 4294967295 9\n"
                    "entry 18446744073709551615 n/a -5 18446744073709551601 4294967295 9\n");
    assert_int_equal(ots_table_state_clear_entries(fixture->state, &fixture->err), OTS_OK);
    commit(fixture);
    expect(fixture, "");
}

static void numbers_are_kept_by_name(void **state)
{
    struct fixture *fixture = *state;
    int64_t value = 4;
    begin(fixture);
    assert_int_equal(ots_table_state_set_meta(fixture->state, "cut_us", INT64_MIN, NULL), OTS_OK);
    assert_int_equal(ots_table_state_set_meta(fixture->state, "gaps", 1, NULL), OTS_OK);
    assert_int_equal(ots_table_state_set_meta(fixture->state, "gaps", 2, NULL), OTS_OK);
    commit(fixture);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    assert_true(meta(fixture, "cut_us") == INT64_MIN);
    assert_int_equal(meta(fixture, "gaps"), 2);
    assert_int_equal(ots_table_state_get_meta(fixture->state, "gap", &value, NULL), OTS_NOT_FOUND);
    assert_int_equal(value, 4);
}

static void a_visitor_can_end_the_visit(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    put(fixture, "m", "a", 1);
    put(fixture, "m", "b", 2);
    commit(fixture);
    size_t left = 1;
    assert_int_equal(
        ots_table_state_each_timeline(fixture->state, known_list_stop, &left, &fixture->err),
        OTS_CANCELLED);
    assert_int_equal(left, 0);
    expect(fixture, "m/a 1\nm/b 2\n");
}

/* --- transactions -----------------------------------------------------------------------------*/

static void what_is_rolled_back_was_never_there(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    put(fixture, "m", "a", 1);
    commit(fixture);
    begin(fixture);
    put(fixture, "m", "a", 2);
    put(fixture, "m", "b", 3);
    expect(fixture, "m/a 2\nm/b 3\n");
    ots_table_state_rollback(fixture->state);
    ots_table_state_rollback(fixture->state);
    expect(fixture, "m/a 1\n");
    begin(fixture);
    put(fixture, "m", "c", 3);
    /* Closing undoes what was not committed. */
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    expect(fixture, "m/a 1\n");
}

static void what_is_too_long_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct ots_known_entry entries[4200];
    char *bytes = calloc(1, OTS_TABLE_STATE_BLOB_BYTES_MAX + 1);
    struct ots_slice name = ots_slice(bytes, OTS_TABLE_STATE_NAME_BYTES_MAX);
    struct ots_known_timeline one = timeline("m", "f", 1);
    one.file = name;
    one.key = ots_slice(bytes, OTS_TABLE_STATE_BLOB_BYTES_MAX);
    begin(fixture);
    assert_int_equal(ots_table_state_put_timeline(fixture->state, &one, &fixture->err), OTS_OK);
    one.key.size++;
    assert_int_equal(ots_table_state_put_marks(fixture->state, name, name, one.key, &fixture->err),
                     OTS_LIMIT);
    assert_int_equal(ots_table_state_put_timeline(fixture->state, &one, &fixture->err), OTS_LIMIT);
    one.key.size = 0;
    one.file.size++;
    assert_int_equal(ots_table_state_put_timeline(fixture->state, &one, &fixture->err), OTS_LIMIT);
    for (size_t i = 0; i < 4200; i++) {
        entries[i] = entry("m", "", (int64_t)i);
        entries[i].file = ots_slice(bytes, i % 2 ? name.size : name.size - 1);
    }
    put_group(fixture, 1, entries, 4000);
    assert_int_equal(ots_table_state_put_entries(fixture->state, 1, entries, 4200, &fixture->err),
                     OTS_LIMIT);
    commit(fixture);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    assert_int_equal(count_timelines(fixture), 1);
    free(bytes);
}

static void without_space_the_former_state_stays(void **state)
{
    struct fixture *fixture = *state;
    struct rlimit before;
    begin(fixture);
    put(fixture, "m", "a", 1);
    commit(fixture);
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {100000, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
    begin(fixture);
    enum ots_status put_status = OTS_OK;
    for (unsigned i = 0; i < 100000 && put_status == OTS_OK; i++) {
        char file[20];
        snprintf(file, sizeof(file), "%u", i);
        struct ots_known_timeline one = timeline("m", file, i);
        put_status = ots_table_state_put_timeline(fixture->state, &one, &fixture->err);
    }
    assert_int_equal(put_status, OTS_NO_SPACE);
    assert_non_null(strstr(fixture->err.message, "t.db"));
    assert_int_equal(ots_table_state_set_meta(fixture->state, "late", 1, &fixture->err),
                     OTS_NO_SPACE);
    assert_int_equal(ots_table_state_commit(fixture->state, &fixture->err), OTS_NO_SPACE);
    expect(fixture, "m/a 1\n");
    setrlimit(RLIMIT_FSIZE, &before);
    begin(fixture);
    put(fixture, "m", "b", 2);
    commit(fixture);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    expect(fixture, "m/a 1\nm/b 2\n");
}

/* --- files ------------------------------------------------------------------------------------*/

static void nobody_else_may_read_the_files(void **state)
{
    struct fixture *fixture = *state;
    const char *names[] = {"tables", "tables/t.db", "tables/t.db-wal"};
    struct stat info;
    begin(fixture);
    put(fixture, "m", "a", 1);
    commit(fixture);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(fstatat(fixture->folder->fd, names[i], &info, 0), 0);
        assert_int_equal(info.st_mode & 077, 0);
    }
    assert_int_equal(state_folder_count(fixture->folder, "tables"), 2);
    close_state(fixture);
    assert_int_equal(fchmodat(fixture->folder->fd, DB, 0644, 0), 0);
    assert_int_equal(open_as(fixture, "one"), OTS_TABLE_STATE_LOADED);
    assert_int_equal(fstatat(fixture->folder->fd, DB, &info, 0), 0);
    assert_int_equal(info.st_mode & 077, 0);
}

static void another_identity_drops_everything(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    put(fixture, "m", "a", 1);
    commit(fixture);
    close_state(fixture);
    assert_int_equal(open_as(fixture, "two"), OTS_TABLE_STATE_OTHER);
    expect(fixture, "");
    close_state(fixture);
    assert_int_equal(open_as(fixture, "two"), OTS_TABLE_STATE_LOADED);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_OTHER);
}

static void tables_have_files_of_their_own(void **state)
{
    struct fixture *fixture = *state;
    struct fixture other = {.folder = fixture->folder};
    enum ots_table_state_outcome outcome;
    begin(fixture);
    put(fixture, "m", "a", 1);
    commit(fixture);
    assert_int_equal(ots_table_state_open(fixture->folder->fd, OTS_SLICE("../t"), OTS_SLICE("one"),
                                          &other.state, &outcome, &other.err),
                     OTS_OK);
    assert_int_equal(outcome, OTS_TABLE_STATE_FRESH);
    expect(&other, "");
    close_state(&other);
    assert_int_equal(state_folder_count(fixture->folder, "tables"), 3);
}

static void a_rebuilt_state_is_empty_and_can_be_used(void **state)
{
    struct fixture *fixture = *state;
    begin(fixture);
    put(fixture, "m", "a", 1);
    commit(fixture);
    begin(fixture);
    put(fixture, "m", "b", 1);
    assert_int_equal(ots_table_state_rebuild(fixture->state, fixture->folder->fd, &fixture->err),
                     OTS_OK);
    expect(fixture, "");
    begin(fixture);
    put(fixture, "m", "c", 1);
    commit(fixture);
    assert_int_equal(reopen(fixture), OTS_TABLE_STATE_LOADED);
    expect(fixture, "m/c 1\n");
}

static void a_path_that_is_too_long_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char name[128] = "";
    int fd = dup(fixture->folder->fd);
    memset(name, 'd', 120);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(mkdirat(fd, name, 0700), 0);
        int below = openat(fd, name, O_RDONLY | O_DIRECTORY);
        close(fd);
        fd = below;
    }
    struct ots_table_state *none = NULL;
    enum ots_table_state_outcome outcome;
    assert_int_equal(
        ots_table_state_open(fd, OTS_SLICE("t"), OTS_SLICE("one"), &none, &outcome, &fixture->err),
        OTS_LIMIT);
    assert_null(none);
    assert_non_null(strstr(fixture->err.message, "state_dir"));
    close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_timeline_comes_back_as_it_was_put),
        TEST(names_may_be_any_bytes),
        TEST(putting_again_replaces),
        TEST(what_is_removed_is_gone),
        TEST(marks_are_kept),
        TEST(shards_are_kept),
        TEST(entries_keep_their_order_within_groups_of_ascending_numbers),
        TEST(numbers_are_kept_by_name),
        TEST(a_visitor_can_end_the_visit),
        TEST(what_is_rolled_back_was_never_there),
        TEST(what_is_too_long_is_refused),
        TEST(without_space_the_former_state_stays),
        TEST(nobody_else_may_read_the_files),
        TEST(another_identity_drops_everything),
        TEST(tables_have_files_of_their_own),
        TEST(a_rebuilt_state_is_empty_and_can_be_used),
        TEST(a_path_that_is_too_long_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
