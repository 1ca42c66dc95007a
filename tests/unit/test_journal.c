#include "fs/state/journal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/state/journal_format.h"
#include "tests/unit/state_folder.h"

struct fixture {
    struct state_folder *folder;
    struct ots_journal *journal;
};

static struct ots_journal *open_journal(struct state_folder *folder, const char *table,
                                        size_t segment_bytes)
{
    struct ots_journal *journal;
    struct ots_journal_options options = {folder->fd, ots_slice_str(table), segment_bytes};
    struct ots_error err;
    if (ots_journal_new(&options, &journal, &err) != OTS_OK)
        fail_msg("%s", err.message);
    return journal;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->folder = state_folder_new();
    fixture->journal = open_journal(fixture->folder, "t", 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ots_journal_free(fixture->journal);
    state_folder_free(fixture->folder);
    free(fixture);
    return 0;
}

/* What a kill and the next mount do. */
static void reopen(struct fixture *fixture, size_t segment_bytes)
{
    ots_journal_free(fixture->journal);
    fixture->journal = open_journal(fixture->folder, "t", segment_bytes);
}

static void append(struct fixture *fixture, uint64_t number, const char *rows)
{
    struct ots_error err;
    enum ots_status status = ots_journal_append(fixture->journal, number, (int64_t)number * 1000,
                                                ots_slice_str(rows), &err);
    if (status != OTS_OK)
        fail_msg("%s", err.message);
}

static void done(struct fixture *fixture, uint64_t number)
{
    assert_int_equal(ots_journal_done(fixture->journal, number, 0, 0, NULL), OTS_OK);
}

/* Old batches as "number@time=rows " each. */
static void expect_old(struct fixture *fixture, const char *wanted)
{
    struct ots_journal_contents contents;
    struct ots_error err;
    if (ots_journal_load(fixture->journal, &contents, &err) != OTS_OK)
        fail_msg("%s", err.message);
    struct ots_buf text = OTS_BUF_INIT;
    for (size_t i = 0; i < contents.batch_count; i++)
        ots_buf_append_fmt(&text, "%d@%d=%.*s ", (int)contents.batches[i].number,
                           (int)contents.batches[i].time_us,
                           OTS_SLICE_FMT(contents.batches[i].rows));
    ots_buf_append_byte(&text, '\0');
    assert_string_equal((char *)text.data, wanted);
    ots_buf_deinit(&text);
    ots_journal_contents_deinit(&contents);
}

static void expect_file(struct fixture *fixture, const char *name)
{
    char *bytes = state_folder_read(fixture->folder, name, NULL);
    assert_non_null(bytes);
    free(bytes);
}

static size_t segments(struct fixture *fixture)
{
    return state_folder_count(fixture->folder, "journal/t");
}

static void what_is_not_done_is_found_again(void **state)
{
    struct fixture *fixture = *state;
    expect_old(fixture, "");
    append(fixture, 1, "a");
    append(fixture, 2, "b");
    append(fixture, 2, "bb");
    append(fixture, 3, "c");
    append(fixture, 4, "");
    done(fixture, 1);
    done(fixture, 3);
    expect_old(fixture, "");
    reopen(fixture, 0);
    expect_old(fixture, "2@2000=b 2@2000=bb 4@4000= ");
    /* It stays so until it is dropped. */
    reopen(fixture, 0);
    expect_old(fixture, "2@2000=b 2@2000=bb 4@4000= ");
    assert_int_equal(ots_journal_drop_old(fixture->journal, NULL), OTS_OK);
    expect_old(fixture, "");
    assert_int_equal(segments(fixture), 0);
}

static void new_batches_do_not_mix_with_old_ones(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, 1, "old");
    reopen(fixture, 0);
    append(fixture, 1, "new");
    append(fixture, 2, "newer");
    done(fixture, 1);
    expect_old(fixture, "1@1000=old ");
    reopen(fixture, 0);
    expect_old(fixture, "1@1000=old 2@2000=newer ");
}

static void a_journal_without_batches_leaves_no_file(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(segments(fixture), 0);
    append(fixture, 1, "a");
    assert_int_equal(segments(fixture), 1);
    done(fixture, 1);
    done(fixture, 1);
    done(fixture, 77);
    struct ots_journal_counts counts;
    ots_journal_counts(fixture->journal, &counts);
    assert_int_equal(counts.batches, 0);
    assert_int_equal(counts.bytes, 0);
    append(fixture, 2, "b");
    done(fixture, 2);
    reopen(fixture, 0);
    assert_int_equal(segments(fixture), 0);
}

/* However long a run never becomes idle. */
static void segments_whose_batches_are_done_go(void **state)
{
    struct fixture *fixture = *state;
    struct ots_journal_counts counts;
    reopen(fixture, 1000);
    char rows[400];
    memset(rows, 'r', sizeof(rows) - 1);
    rows[sizeof(rows) - 1] = '\0';
    append(fixture, 1, "stays");
    for (uint64_t i = 2; i < 300; i++) {
        append(fixture, i, rows);
        if (i > 10)
            done(fixture, i - 8);
    }
    assert_true(segments(fixture) <= 10);
    ots_journal_counts(fixture->journal, &counts);
    assert_true(counts.bytes < 10 * 1500);
    for (uint64_t i = 2; i < 300; i++)
        done(fixture, i);
    reopen(fixture, 0);
    expect_old(fixture, "1@1000=stays ");
}

static void the_bytes_that_are_counted_are_those_of_the_files(void **state)
{
    struct fixture *fixture = *state;
    struct ots_journal_counts counts;
    reopen(fixture, 100);
    for (uint64_t i = 1; i < 20; i++)
        append(fixture, i, "some rows of a batch");
    for (uint64_t i = 1; i < 18; i += 2)
        done(fixture, i);
    ots_journal_counts(fixture->journal, &counts);
    uint64_t bytes = 0;
    for (uint64_t i = 0; i < 100; i++) {
        char name[64];
        size_t size = 0;
        snprintf(name, sizeof(name), "journal/t/%016x", (unsigned)i);
        free(state_folder_read(fixture->folder, name, &size));
        bytes += size;
    }
    assert_int_equal(counts.bytes, bytes);
    assert_int_equal(counts.batches, 10);
}

static void a_batch_that_waited_is_moved(void **state)
{
    struct fixture *fixture = *state;
    reopen(fixture, 100);
    append(fixture, 1, "v=1");
    append(fixture, 2, "other rows, so that a segment is full");
    append(fixture, 3, "v=2");
    assert_int_equal(ots_journal_done(fixture->journal, 1, 3, 5000, NULL), OTS_OK);
    done(fixture, 2);
    reopen(fixture, 0);
    expect_old(fixture, "3@5000=v=2 ");
    append(fixture, 1, "x");
    append(fixture, 2, "y");
    /* One that is not in the journal moves nothing; one that was not yet handed over is none. */
    assert_int_equal(ots_journal_done(fixture->journal, 9, 2, 9000, NULL), OTS_OK);
    assert_int_equal(ots_journal_done(fixture->journal, 1, 8, 9000, NULL), OTS_OK);
    assert_int_equal(ots_journal_drop_old(fixture->journal, NULL), OTS_OK);
    reopen(fixture, 0);
    expect_old(fixture, "2@9000=y ");
}

static void batches_tell_the_identity_of_their_time(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, 1, "a");
    assert_int_equal(ots_journal_set_identity(fixture->journal, OTS_SLICE("s1 100")), OTS_OK);
    append(fixture, 2, "b");
    assert_int_equal(ots_journal_set_identity(fixture->journal, OTS_SLICE("s2 200")), OTS_OK);
    append(fixture, 3, "c");
    append(fixture, 1, "a again");
    reopen(fixture, 0);
    struct ots_journal_contents contents;
    assert_int_equal(ots_journal_load(fixture->journal, &contents, NULL), OTS_OK);
    assert_int_equal(contents.batch_count, 4);
    assert_int_equal(contents.batches[0].identity.size, 0);
    assert_int_equal(contents.batches[1].identity.size, 0);
    assert_true(ots_slice_equal(contents.batches[2].identity, OTS_SLICE("s1 100")));
    assert_true(ots_slice_equal(contents.batches[3].identity, OTS_SLICE("s2 200")));
    ots_journal_contents_deinit(&contents);
}

static const char FIRST[] = "journal/t/0000000000000001";

static void a_tail_that_was_cut_off_is_no_damage(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, 1, "a");
    append(fixture, 2, "bbbbbbbb");
    size_t size;
    char *bytes = state_folder_read(fixture->folder, FIRST, &size);
    for (size_t cut = 1; cut < OTS_JOURNAL_RECORD_BYTES + 8; cut++) {
        state_folder_write(fixture->folder, FIRST, bytes, size - cut);
        reopen(fixture, 0);
        struct ots_journal_contents contents;
        assert_int_equal(ots_journal_load(fixture->journal, &contents, NULL), OTS_OK);
        assert_int_equal(contents.batch_count, 1);
        assert_int_equal(contents.damage_count, 0);
        ots_journal_contents_deinit(&contents);
    }
    free(bytes);
}

/* Every byte changed in turn: the other records are read, and it is never silent. */
static void damage_in_the_middle_is_skipped_and_counted(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, 1, "aaa");
    append(fixture, 2, "bbb");
    append(fixture, 3, "ccc");
    size_t size;
    char *bytes = state_folder_read(fixture->folder, FIRST, &size);
    size_t record = OTS_JOURNAL_RECORD_BYTES + 3;
    for (size_t at = size - 2 * record; at < size - record; at++) {
        bytes[at] ^= 0x10;
        struct ots_journal_contents contents = {0};
        assert_int_equal(ots_journal_contents_add(&contents, ots_slice(bytes, size)), OTS_OK);
        assert_int_equal(contents.batch_count, 2);
        assert_int_equal(contents.batches[0].number, 1);
        assert_int_equal(contents.batches[1].number, 3);
        assert_int_equal(contents.damage_count, 1);
        assert_int_equal(contents.damaged_bytes, record);
        ots_journal_contents_deinit(&contents);
        bytes[at] ^= 0x10;
    }
    bytes[size - record - 1] ^= 1;
    state_folder_write(fixture->folder, FIRST, bytes, size);
    reopen(fixture, 0);
    expect_old(fixture, "1@1000=aaa 3@3000=ccc ");
    assert_int_equal(ots_journal_drop_old(fixture->journal, NULL), OTS_OK);
    assert_int_equal(segments(fixture), 1);
    expect_file(fixture, "journal/t/damaged-0000000000000001");
    /* The next one does not take its place. */
    reopen(fixture, 0);
    append(fixture, 1, "x");
    expect_file(fixture, "journal/t/0000000000000002");
    done(fixture, 1);
    reopen(fixture, 0);
    expect_old(fixture, "");
    free(bytes);
}

static void a_damaged_last_record_is_counted(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, 1, "aaa");
    size_t size;
    char *bytes = state_folder_read(fixture->folder, FIRST, &size);
    bytes[size - 1] ^= 1;
    struct ots_journal_contents contents = {0};
    assert_int_equal(ots_journal_contents_add(&contents, ots_slice(bytes, size)), OTS_OK);
    assert_int_equal(contents.batch_count, 0);
    assert_int_equal(contents.damage_count, 1);
    ots_journal_contents_deinit(&contents);
    free(bytes);
}

static void a_record_of_a_later_version_is_counted(void **state)
{
    (void)state;
    struct ots_buf bytes = OTS_BUF_INIT;
    struct ots_journal_record record = {(enum ots_journal_type)77, 1, 1, OTS_SLICE("x")};
    ots_journal_record_append(&bytes, &record);
    struct ots_journal_contents contents = {0};
    assert_int_equal(ots_journal_contents_add(&contents, ots_buf_slice(&bytes)), OTS_OK);
    assert_int_equal(contents.damage_count, 1);
    ots_journal_contents_deinit(&contents);
    ots_buf_deinit(&bytes);
}

/* No space is left: the batch is refused whole, and what is there stays good. */
static void what_cannot_be_written_leaves_no_trace(void **state)
{
    struct fixture *fixture = *state;
    append(fixture, 1, "aaa");
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {300, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    char rows[1000];
    memset(rows, 'r', sizeof(rows));
    struct ots_error err;
    enum ots_status status =
        ots_journal_append(fixture->journal, 2, 2, ots_slice(rows, sizeof(rows)), &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_not_equal(status, OTS_OK);
    assert_non_null(strstr(err.message, "journal of table t"));
    append(fixture, 3, "ccc");
    reopen(fixture, 0);
    struct ots_journal_contents contents;
    assert_int_equal(ots_journal_load(fixture->journal, &contents, NULL), OTS_OK);
    assert_int_equal(contents.damage_count, 0);
    ots_journal_contents_deinit(&contents);
    expect_old(fixture, "1@1000=aaa 3@3000=ccc ");
}

static enum ots_status try_append(struct fixture *fixture, uint64_t number, const char *rows)
{
    return ots_journal_append(fixture->journal, number, (int64_t)number * 1000, ots_slice_str(rows),
                              NULL);
}

/* Somebody removes files under a mount: their batches are told, and can be appended anew. */
static void what_is_removed_is_told_and_begun_anew(void **state)
{
    struct fixture *fixture = *state;
    reopen(fixture, 100);
    append(fixture, 1,
           "in a segment that will be full, and stays where it is for all that follows");
    append(fixture, 2, "bb");
    append(fixture, 3, "cc");
    assert_false(ots_journal_forget_removed(fixture->journal));
    state_folder_remove(fixture->folder, "journal/t/0000000000000002");
    assert_true(ots_journal_forget_removed(fixture->journal));
    assert_false(ots_journal_forget_removed(fixture->journal));
    append(fixture, 3, "c3");
    struct ots_journal_counts counts;
    ots_journal_counts(fixture->journal, &counts);
    assert_int_equal(counts.batches, 2);
    state_folder_remove(fixture->folder, FIRST);
    assert_true(ots_journal_forget_removed(fixture->journal));
    done(fixture, 1);
    state_folder_remove(fixture->folder, "journal");
    assert_true(ots_journal_forget_removed(fixture->journal));
    append(fixture, 4, "dd");
    /* A file without batches that wait is none that is missed, but nothing may be written to it. */
    done(fixture, 4);
    state_folder_remove(fixture->folder, "journal/t");
    assert_false(ots_journal_forget_removed(fixture->journal));
    append(fixture, 5, "ee");
    ots_journal_free(fixture->journal);
    fixture->journal = open_journal(fixture->folder, "t", 0);
    expect_old(fixture, "5@5000=ee ");
}

static void without_its_directory_nothing_can_be_written(void **state)
{
    struct fixture *fixture = *state;
    struct ots_journal *other;
    struct ots_journal_options options = {fixture->folder->fd, OTS_SLICE("other"), 0};
    append(fixture, 1, "a");
    state_folder_remove(fixture->folder, "");
    assert_true(ots_journal_forget_removed(fixture->journal));
    assert_int_equal(try_append(fixture, 1, "a"), OTS_IO);
    assert_int_equal(try_append(fixture, 2, "b"), OTS_IO);
    assert_int_equal(ots_journal_new(&options, &other, NULL), OTS_IO);
    assert_false(ots_journal_forget_removed(fixture->journal));
}

static void note_table(void *context, struct ots_slice table)
{
    struct ots_buf *text = context;
    ots_buf_append_fmt(text, "[%.*s]", OTS_SLICE_FMT(table));
}

static void tables_with_a_journal_can_be_found(void **state)
{
    struct fixture *fixture = *state;
    struct ots_buf text = OTS_BUF_INIT;
    assert_int_equal(ots_journal_each_table(fixture->folder->fd, note_table, &text, NULL), OTS_OK);
    assert_int_equal(text.size, 0);
    struct ots_journal *odd = open_journal(fixture->folder, "a/b", 0);
    assert_int_equal(ots_journal_append(odd, 1, 1, OTS_SLICE("x"), NULL), OTS_OK);
    ots_journal_free(odd);
    struct ots_journal *idle = open_journal(fixture->folder, "idle", 0);
    assert_int_equal(ots_journal_append(idle, 1, 1, OTS_SLICE("x"), NULL), OTS_OK);
    assert_int_equal(ots_journal_done(idle, 1, 0, 1, NULL), OTS_OK);
    ots_journal_free(idle);
    assert_int_equal(ots_journal_each_table(fixture->folder->fd, note_table, &text, NULL), OTS_OK);
    ots_buf_append_byte(&text, '\0');
    assert_string_equal((char *)text.data, "[a/b]");
    ots_buf_deinit(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_done_is_found_again),
        TEST(new_batches_do_not_mix_with_old_ones),
        TEST(a_journal_without_batches_leaves_no_file),
        TEST(segments_whose_batches_are_done_go),
        TEST(the_bytes_that_are_counted_are_those_of_the_files),
        TEST(a_batch_that_waited_is_moved),
        TEST(batches_tell_the_identity_of_their_time),
        TEST(a_tail_that_was_cut_off_is_no_damage),
        TEST(damage_in_the_middle_is_skipped_and_counted),
        TEST(a_damaged_last_record_is_counted),
        TEST(a_record_of_a_later_version_is_counted),
        TEST(what_cannot_be_written_leaves_no_trace),
        TEST(what_is_removed_is_told_and_begun_anew),
        TEST(without_its_directory_nothing_can_be_written),
        TEST(tables_with_a_journal_can_be_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
