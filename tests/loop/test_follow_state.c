/*
 * What is kept of a table on disk: whatever becomes of it, what is shown afterwards is right.
 */
#include "tests/loop/follow_fixture.h"

#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/state/table_state.h"

#define A "t/cpu/host=a.lp"
#define A1 "cpu,host=a v=1i 1000\n"
#define A2 "cpu,host=a v=2i 2000\n"
#define A3 "cpu,host=a v=3i 3000\n"

static const int64_t SECOND_US = 1000000;

/* The state directory's files as they are now, on which a later mount can go on: what a kill at
 * this moment leaves. */
static void copy_folder(const char *from, const char *to)
{
    char command[300];
    snprintf(command, sizeof(command), "rm -rf '%s' && cp -a '%s' '%s'", to, from, to);
    /* A file may go while it is copied. */
    assert_int_not_equal(system(command), -1);
}

static void kept_path(const struct follow *follow, char path[100])
{
    snprintf(path, 100, "%s.kept", follow->folder->path);
}

static void keep_state(const struct follow *follow)
{
    char path[100];
    kept_path(follow, path);
    copy_folder(follow->folder->path, path);
}

static void restore_state(const struct follow *follow)
{
    char path[100];
    kept_path(follow, path);
    copy_folder(path, follow->folder->path);
}

static void forget_state(const struct follow *follow)
{
    char command[200];
    snprintf(command, sizeof(command), "rm -rf '%s.kept'", follow->folder->path);
    assert_int_equal(system(command), 0);
}

/* --- kills ------------------------------------------------------------------------------------*/

enum { TIMELINES = 4, ROWS = 40, STEPS = 12, ROUNDS = 25 };

/* A row of some timeline: behind the last one, late, or in the place of another. */
static void make_line(struct test_random *random, int64_t *newest, char line[100], size_t *timeline)
{
    *timeline = test_random_below(random, TIMELINES);
    int64_t time = test_random_below(random, 2) ? ++newest[*timeline]
                                                : (int64_t)test_random_below(random, ROWS);
    if (time > newest[*timeline])
        newest[*timeline] = time;
    snprintf(line, 100, "cpu,host=%zu v=%ui %" PRId64 "000\n", *timeline,
             test_random_below(random, 3) ? 7 : test_random_below(random, 100000), time);
}

static void change(struct follow *follow, struct test_random *random, int64_t *newest)
{
    char line[100];
    char path[50];
    size_t timeline;
    struct ots_attr attr;
    make_line(random, newest, line, &timeline);
    snprintf(path, sizeof(path), "t/cpu/host=%zu.lp", timeline);
    switch (test_random_below(random, 6)) {
    case 0:
    case 1:
        assert_int_equal(view_store(&follow->mount, path, line), OTS_OK);
        break;
    case 2:
        assert_int_equal(view_store(&follow->mount, path, line), OTS_OK);
        assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
        break;
    case 3:
        (void)view_lookup(&follow->mount, path, &attr);
        break;
    default:
        follow_put(follow, "t", line);
        break;
    }
    follow_pass_time(follow, 1000 * test_random_below(random, 3000));
}

/* Each file has the size that is told, of what reading it gives, and of what the service has. */
static void expect_exact(struct follow *follow)
{
    char path[50];
    for (size_t i = 0; i < TIMELINES; i++) {
        struct ots_attr attr;
        snprintf(path, sizeof(path), "t/cpu/host=%zu.lp", i);
        if (view_lookup(&follow->mount, path, &attr) != OTS_OK)
            continue;
        struct ots_file *file = view_open(&follow->mount, path, OTS_OPEN_READ);
        char *text = view_read_file(file, 0, 100000);
        assert_int_equal(attr.size_bytes, strlen(text));
        ots_file_close(file);
        free(text);
    }
}

static void a_kill_at_any_moment_loses_nothing(void **state)
{
    struct follow *follow = *state;
    struct test_random random = {.state = 7};
    int64_t newest[TIMELINES] = {0};
    assert_int_equal(view_mkdir(&follow->mount, "t/cpu"), OTS_OK);
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t moment = test_random_below(&random, STEPS);
        for (uint32_t step = 0; step < STEPS; step++) {
            change(follow, &random, newest);
            if (step == moment)
                keep_state(follow);
        }
        follow_unmount(follow);
        restore_state(follow);
        follow_mount(follow);
        follow_wait_ready(follow, "t");
        expect_exact(follow);
    }
    forget_state(follow);
}

/* --- damage -----------------------------------------------------------------------------------*/

static int open_state_file(struct follow *follow, const char *name, int flags)
{
    char command[300];
    char path[300] = "";
    snprintf(command, sizeof(command), "find '%s' -name '%s'", follow->folder->path, name);
    FILE *found = popen(command, "r");
    assert_non_null(found);
    assert_non_null(fgets(path, sizeof(path), found));
    pclose(found);
    path[strcspn(path, "\n")] = '\0';
    int fd = open(path, flags);
    assert_true(fd >= 0);
    return fd;
}

static void begin(struct follow *follow)
{
    follow_put(follow, "t", A1 A3);
    follow_expect_size(follow, A, A1 A3);
    follow_pass_time(follow, SECOND_US);
}

/* The log is silent from then on. */
static void damage_state(struct follow *follow)
{
    int fd = open_state_file(follow, "t.db", O_RDWR);
    struct stat info;
    assert_int_equal(fstat(fd, &info), 0);
    for (off_t at = 200; at < info.st_size; at += 97)
        assert_int_equal(pwrite(fd, "x", 1, at), 1);
    close(fd);
    follow->log.level = (enum ots_log_level) - 1;
}

static void what_is_damaged_is_measured_anew(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    follow_unmount(follow);
    damage_state(follow);
    follow_put(follow, "t", A2);
    follow_mount(follow);
    follow_expect(follow, A, A1 A2 A3);
    follow_put(follow, "t", "cpu,host=a v=44i 4000\n");
    follow_wait_polls(follow, "t");
    follow_expect(follow, A, A1 A2 A3 "cpu,host=a v=44i 4000\n");
    follow_remount(follow);
    follow_forget_counts(follow);
    follow_expect_size(follow, A, A1 A2 A3 "cpu,host=a v=44i 4000\n");
    assert_int_equal(follow_count_reads(follow), 0);
}

static void another_precision_measures_anew(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    follow_unmount(follow);
    follow->precision = OTS_PRECISION_US;
    follow_mount(follow);
    follow_expect(follow, A, "cpu,host=a v=1i 1\ncpu,host=a v=3i 3\n");
}

static void names_that_do_not_tell_the_key_are_kept(void **state)
{
    struct follow *follow = *state;
    char line[700];
    char tag[401];
    struct ots_listing *listing;
    struct ots_slice name;
    struct ots_attr attr;
    memset(tag, 'x', 400);
    tag[400] = '\0';
    snprintf(line, sizeof(line), "cpu,host=%s v=1i 1000\n", tag);
    follow_put(follow, "t", line);
    view_attr(&follow->mount, "t/cpu");
    follow_remount(follow);
    follow_forget_counts(follow);
    struct ots_attr dir = view_attr(&follow->mount, "t/cpu");
    assert_int_equal(ots_view_list(follow->mount.view, dir.ino, NULL, &listing, NULL), OTS_OK);
    assert_true(ots_listing_entry(follow->mount.view, listing, 0, &name, &attr));
    assert_int_equal(attr.size_bytes, strlen(line));
    assert_int_equal(follow_count_reads(follow), 0);
    char path[400];
    snprintf(path, sizeof(path), "t/cpu/%.*s", OTS_SLICE_FMT(name));
    ots_listing_free(listing);
    follow_expect(follow, path, line);
}

/* --- the time of a table that was not looked into ----------------------------------------------*/

static int64_t listed_mtime_ns(struct follow *follow)
{
    struct ots_listing *listing;
    struct ots_slice name;
    struct ots_attr attr;
    assert_int_equal(ots_view_list(follow->mount.view, 1, NULL, &listing, NULL), OTS_OK);
    assert_true(ots_listing_entry(follow->mount.view, listing, 0, &name, &attr));
    assert_true(ots_slice_equal(name, OTS_SLICE("t")));
    ots_listing_free(listing);
    return attr.mtime_ns;
}

/* Mounted anew, a while later: the same times, before and after somebody looks into the table. */
static void expect_times(struct follow *follow, int64_t table_ns, int64_t measurement_ns)
{
    follow_pass_time(follow, 500 * SECOND_US);
    follow_mount(follow);
    follow_forget_counts(follow);
    assert_int_equal(listed_mtime_ns(follow), table_ns);
    assert_int_equal(follow_mtime_ns(follow, "t"), table_ns);
    assert_int_equal(follow_count(follow, OTS_ACTION_LIST_STREAMS), 0);
    assert_int_equal(follow_mtime_ns(follow, "t/cpu"), measurement_ns);
    assert_int_equal(follow_mtime_ns(follow, "t"), table_ns);
}

static void a_table_shows_its_time_before_it_is_looked_into(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    follow_wait_ready(follow, "t");
    int64_t newest_ns = follow_mtime_ns(follow, A);
    assert_int_equal(follow_mtime_ns(follow, "t"), newest_ns);
    follow_unmount(follow);
    expect_times(follow, newest_ns, newest_ns);
    follow_set_mtime(follow, "t", 12345678901);
    follow_set_mtime(follow, "t/cpu", 23456789012);
    assert_int_equal(view_sync(&follow->mount, "t"), OTS_OK);
    keep_state(follow);
    follow_unmount(follow);
    expect_times(follow, 12345678901, 23456789012);
    /* Killed. */
    follow_unmount(follow);
    restore_state(follow);
    expect_times(follow, 12345678901, 23456789012);
    forget_state(follow);
}

static void a_time_set_before_a_table_is_looked_into_stays(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    int64_t newest_ns = follow_mtime_ns(follow, A);
    follow_remount(follow);
    follow_set_mtime(follow, "t", 12345678901);
    follow_expect_size(follow, A, A1 A3);
    assert_int_equal(follow_mtime_ns(follow, "t"), 12345678901);
    follow_unmount(follow);
    expect_times(follow, 12345678901, newest_ns);
}

/* Nothing kept, or nothing that can be read: when it was first seen. */
static void without_a_kept_time_the_first_sight_counts(void **state)
{
    struct follow *follow = *state;
    int64_t now_ns = atomic_load(&follow->loop->now_us) * 1000;
    assert_int_equal(listed_mtime_ns(follow), now_ns);
    begin(follow);
    follow_unmount(follow);
    damage_state(follow);
    follow_mount(follow);
    now_ns = atomic_load(&follow->loop->now_us) * 1000;
    assert_int_equal(follow_mtime_ns(follow, "t"), now_ns);
    follow_pass_time(follow, SECOND_US);
    assert_int_equal(follow_mtime_ns(follow, "t"), now_ns);
    follow_expect(follow, A, A1 A3);
}

/* --- what comes between -----------------------------------------------------------------------*/

static void set_time_when_denied(void *context, const struct ots_call *call)
{
    struct follow *follow = context;
    if (call->action == OTS_ACTION_STREAM_RECORDS &&
        atomic_load(&follow->gate.streams) == GATE_DENIED)
        follow_set_mtime(follow, A, 12345678901);
}

/* Whatever was set until then is saved when a stream cannot be read any more. */
static void a_stream_that_is_lost_loses_no_time(void **state)
{
    struct follow *follow = *state;
    begin(follow);
    follow_wait_ready(follow, "t");
    follow->log.level = (enum ots_log_level) - 1;
    follow->gate.before_context = follow;
    atomic_store(&follow->gate.before, set_time_when_denied);
    atomic_store(&follow->gate.streams, GATE_DENIED);
    for (int i = 0; follow_report(follow, "t").state != OTS_FOLLOWER_UNREADABLE; i++)
        follow_pause(i);
    atomic_store(&follow->gate.before, NULL);
    follow_unmount(follow);
    atomic_store(&follow->gate.streams, GATE_OPEN);
    follow_mount(follow);
    assert_int_equal(follow_mtime_ns(follow, A), 12345678901);
}

static void run_in_journal(const struct follow *follow, const char *commands)
{
    char text[400];
    snprintf(text, sizeof(text), "cd '%s'/*/journal/t && for f in 0*; do %s; done",
             follow->folder->path, commands);
    assert_int_equal(system(text), 0);
}

/* The first attempt to read what an earlier mount left fails: the second knows its rows all the
 * same when the stream shows them. */
static void rows_that_were_left_are_expected_at_the_second_attempt(void **state)
{
    struct follow *follow = *state;
    char command[400];
    begin(follow);
    follow_wait_ready(follow, "t");
    int64_t mtime_ns = follow_mtime_ns(follow, A);
    keep_state(follow);
    atomic_store(&follow->gate.puts, GATE_DEAF);
    assert_int_equal(view_store(&follow->mount, A, "cpu,host=a v=44i 4000\n"), OTS_OK);
    snprintf(command, sizeof(command), "cp -a '%s'/*/journal '%s'.kept/*/", follow->folder->path,
             follow->folder->path);
    assert_int_equal(system(command), 0);
    follow_unmount(follow);
    restore_state(follow);
    forget_state(follow);
    atomic_store(&follow->gate.puts, GATE_OPEN);
    run_in_journal(follow, "mv $f .$f; mkdir $f");
    follow_pass_time(follow, SECOND_US);
    follow->log.level = (enum ots_log_level) - 1;
    follow_mount(follow);
    assert_int_equal(view_list_status(&follow->mount, "t"), OTS_IO);
    run_in_journal(follow, "rmdir $f; mv .$f $f");
    follow_expect(follow, A, A1 A3 "cpu,host=a v=44i 4000\n");
    follow_wait_polls(follow, "t");
    assert_int_equal(follow_report(follow, "t").foreign, 0);
    assert_int_equal(follow_mtime_ns(follow, A), mtime_ns);
}

static int open_source(const struct follow *follow)
{
    char pattern[100];
    glob_t found;
    snprintf(pattern, sizeof(pattern), "%s/*", follow->folder->path);
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    int fd = open(found.gl_pathv[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    globfree(&found);
    return fd;
}

/* A measurement that is gone leaves no time behind. */
static void the_time_of_a_measurement_goes_with_it(void **state)
{
    struct follow *follow = *state;
    int64_t mtime_ns;
    begin(follow);
    assert_int_equal(view_mkdir(&follow->mount, "t/mem"), OTS_OK);
    follow_set_mtime(follow, "t/mem", 12345678901);
    follow_set_mtime(follow, "t/cpu", 12345678902);
    follow_remount(follow);
    assert_int_equal(follow_mtime_ns(follow, "t/cpu"), 12345678902);
    assert_int_equal(view_mkdir(&follow->mount, "t/mem"), OTS_OK);
    struct ots_attr table = view_attr(&follow->mount, "t");
    assert_int_equal(ots_view_rmdir(follow->mount.view, table.ino, OTS_SLICE("mem"), NULL, NULL),
                     OTS_OK);
    follow_unmount(follow);
    int fd = open_source(follow);
    assert_int_equal(ots_table_state_peek_mtime(fd, OTS_SLICE("t"), OTS_SLICE("cpu"),
                                                OTS_SLICE_NONE, &mtime_ns, NULL),
                     OTS_OK);
    assert_int_equal(ots_table_state_peek_mtime(fd, OTS_SLICE("t"), OTS_SLICE("mem"),
                                                OTS_SLICE_NONE, &mtime_ns, NULL),
                     OTS_NOT_FOUND);
    close(fd);
    follow_mount(follow);
}

/* --- another host -----------------------------------------------------------------------------*/

/* Whoever has a state of its own sees what the first one writes, and the other way round. */
static void two_mounts_see_each_other(void **state)
{
    struct follow *one = *state;
    begin(one);
    struct follow two;
    follow_join(&two, one);
    follow_expect_size(&two, A, A1 A3);
    follow_forget_counts(one);
    assert_int_equal(view_store(&one->mount, A, "cpu,host=a v=44i 4000\n"), OTS_OK);
    assert_int_equal(view_sync(&one->mount, "t"), OTS_OK);
    follow_wait_polls(&two, "t");
    follow_expect_size(&two, A, A1 A3 "cpu,host=a v=44i 4000\n");
    assert_int_equal(view_store(&two.mount, A, A2), OTS_OK);
    assert_int_equal(view_sync(&two.mount, "t"), OTS_OK);
    follow_wait_polls(one, "t");
    follow_expect(one, A, A1 A2 A3 "cpu,host=a v=44i 4000\n");
    follow_expect(&two, A, A1 A2 A3 "cpu,host=a v=44i 4000\n");
    follow_leave(&two);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, follow_setup, follow_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_kill_at_any_moment_loses_nothing),
        TEST(what_is_damaged_is_measured_anew),
        TEST(another_precision_measures_anew),
        TEST(names_that_do_not_tell_the_key_are_kept),
        TEST(a_table_shows_its_time_before_it_is_looked_into),
        TEST(a_time_set_before_a_table_is_looked_into_stays),
        TEST(without_a_kept_time_the_first_sight_counts),
        TEST(a_stream_that_is_lost_loses_no_time),
        TEST(rows_that_were_left_are_expected_at_the_second_attempt),
        TEST(the_time_of_a_measurement_goes_with_it),
        TEST(two_mounts_see_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
