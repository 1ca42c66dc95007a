/*
 * Somebody removes the state directory, or a part of it, while a mount uses it.
 */
#include "tests/loop/follow_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "fs/state/state_dir.h"

#define A "t/cpu/host=a.lp"
#define A1 "cpu,host=a v=1i 1000\n"
#define A5 "cpu,host=a v=5i 5000\n"

static const int64_t SECOND_US = 1000000;

static bool has_journal(struct follow *follow)
{
    char command[200];
    snprintf(command, sizeof(command), "test -n \"$(find '%s'/*/journal/t -type f -size +0)\"",
             follow->folder->path);
    return system(command) == 0;
}

static void begin(struct follow *follow)
{
    follow->log.level = (enum ots_log_level) - 1;
    assert_int_equal(view_mkdir(&follow->mount, "t/cpu"), OTS_OK);
}

static void set_puts(struct follow *follow, enum gate gate)
{
    atomic_store(&follow->gate.puts, gate);
}

/* As close does. */
static enum ots_status hand_over(struct ots_file *file, uint64_t offset, const char *lines)
{
    assert_int_equal(view_write(file, offset, lines), OTS_OK);
    return ots_file_flush(file, false, NULL, NULL);
}

/* The journal goes while rows wait: they are in the next one, whether or not a file is closed. */
static void a_journal_that_is_removed_is_written_anew(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    struct ots_file *file = view_open(&follow->mount, A, OTS_OPEN_WRITE);
    set_puts(follow, GATE_CLOSED);
    assert_int_equal(hand_over(file, 0, A1), OTS_OK);
    assert_true(has_journal(follow));
    state_folder_remove(follow->folder, "*/journal");
    assert_int_equal(hand_over(file, strlen(A1), A5), OTS_OK);
    assert_true(has_journal(follow));
    state_folder_remove(follow->folder, "*/journal/t");
    for (int i = 0; !has_journal(follow); i++)
        follow_pause(i);
    ots_file_close(file);
    follow_unmount(follow);
    set_puts(follow, GATE_OPEN);
    follow_pass_time(follow, SECOND_US);
    follow_mount(follow);
    follow_expect(follow, A, A1 A5);
}

/* Nothing can be written: closing says so, and the rows are put all the same. */
static void without_a_state_directory_closing_fails(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    struct ots_file *file = view_open(&follow->mount, A, OTS_OPEN_WRITE);
    set_puts(follow, GATE_CLOSED);
    assert_int_equal(hand_over(file, 0, A1), OTS_OK);
    state_folder_remove(follow->folder, "*");
    assert_int_equal(hand_over(file, strlen(A1), A5), OTS_IO);
    set_puts(follow, GATE_OPEN);
    for (int i = 0; view_sync(&follow->mount, "t") != OTS_OK; i++) {
        follow_pause(i);
        follow_pass_time(follow, SECOND_US);
    }
    ots_file_close(file);
    follow_expect(follow, A, A1 A5);
    /* What is all stored needs no journal. */
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    follow_remount(follow);
    follow_expect(follow, A, A1 A5);
}

/* Times that tools set are in the table's state alone. */
static void expect_stored_anew(struct follow *follow, const char *what)
{
    begin(follow);
    assert_int_equal(view_store(&follow->mount, A, A1), OTS_OK);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    follow_set_mtime(follow, A, 12345678901);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    assert_false(follow_report(follow, "t").is_unsaved);
    state_folder_remove(follow->folder, what);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    assert_true(follow_report(follow, "t").is_unsaved);
    follow_pass_time(follow, 11 * SECOND_US);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    assert_false(follow_report(follow, "t").is_unsaved);
    follow_remount(follow);
    follow_forget_counts(follow);
    follow_expect_size(follow, A, A1);
    assert_int_equal(follow_mtime_ns(follow, A), 12345678901);
    assert_int_equal(follow_count_reads(follow), 0);
}

static void a_state_that_is_removed_is_stored_anew(void **state)
{
    expect_stored_anew(*state, "*/tables/*");
}

static void a_directory_of_states_that_is_removed_is_made_anew(void **state)
{
    expect_stored_anew(*state, "*/tables");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, follow_setup, follow_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_journal_that_is_removed_is_written_anew),
        TEST(without_a_state_directory_closing_fails),
        TEST(a_state_that_is_removed_is_stored_anew),
        TEST(a_directory_of_states_that_is_removed_is_made_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
