/*
 * What a mount leaves in its journal, and what the next one makes of it, against the real service.
 *
 * A mount is left while its puts do not get through; that is what a kill leaves. Others put rows
 * past it, through a mount of their own that has no state directory.
 */
#include "backend/server/stream_commands.h"
#include "fs/state/journal.h"
#include "fs/state/state_dir.h"
#include "tests/loop/gate_store.h"
#include "tests/loop/loop.h"
#include "tests/loop/view_replay.h"
#include "tests/unit/state_folder.h"
#include "tests/unit/view_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define PATH "t/cpu/host=a.lp"
#define ONE "cpu,host=a v=1i 1000\n"
#define TWO "cpu,host=a v=2i 1000\n"
#define THREE "cpu,host=a v=3i 1000\n"

static const int64_t SECOND_US = 1000000;
static const int64_t MINUTE_US = 60 * 1000000;

struct fixture {
    struct loop loop;
    struct gate_store gate;
    struct state_folder *folder;
    struct ots_log log;
    struct ots_state *state;
    struct view_fixture mount;
    struct ots_error err;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    loop_start(&fixture->loop, (struct loop_options){.seed = 1, .threads = 2});
    loop_create_table(&fixture->loop, "t");
    gate_store_init(&fixture->gate, fixture->loop.store);
    fixture->folder = state_folder_new();
    fixture->log = (struct ots_log){.program = "test", .level = OTS_LOG_ERROR};
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    loop_stop(&fixture->loop);
    state_folder_free(fixture->folder);
    free(fixture);
    return 0;
}

static void pass(struct fixture *fixture, int64_t time_us)
{
    atomic_fetch_add(&fixture->loop.now_us, time_us);
}

static struct ots_view *make_view(struct fixture *fixture, struct ots_store *store,
                                  struct ots_state *state)
{
    struct ots_view_source source = {.store = store, .state = state};
    struct ots_view_options options = {
        .sources = &source,
        .source_count = 1,
        .clock = &fixture->loop.client_clock,
        .log = &fixture->log,
        .scan_lanes = 2,
    };
    struct ots_view *view;
    assert_int_equal(ots_view_new(&options, &view, NULL), OTS_OK);
    return view;
}

static void open_state(struct fixture *fixture)
{
    struct ots_state_options options = {
        .root = fixture->folder->path,
        .endpoint = "http://localhost",
        .instance = "loop",
        .mountpoint = "/mnt",
        .clock = &fixture->loop.client_clock,
        .log = &fixture->log,
    };
    assert_int_equal(ots_state_open(&options, &fixture->state, &fixture->err), OTS_OK);
}

static void mount(struct fixture *fixture)
{
    open_state(fixture);
    fixture->mount.view = make_view(fixture, &fixture->gate.store, fixture->state);
}

static void unmount(struct fixture *fixture)
{
    ots_view_free(fixture->mount.view);
    ots_state_close(fixture->state);
}

static void set_puts(struct fixture *fixture, enum gate gate)
{
    atomic_store(&fixture->gate.puts, gate);
}

/* Close a file with these lines in a mount whose puts end so, and leave the mount. */
static void leave(struct fixture *fixture, enum gate gate, const char *lines)
{
    mount(fixture);
    assert_int_equal(view_mkdir(&fixture->mount, "t/cpu") == OTS_NOMEM, false);
    set_puts(fixture, gate);
    assert_int_equal(view_store(&fixture->mount, PATH, lines), OTS_OK);
    unmount(fixture);
    set_puts(fixture, GATE_OPEN);
    pass(fixture, SECOND_US);
}

/* Somebody else puts lines. */
static void put_past(struct fixture *fixture, const char *lines)
{
    struct view_fixture other = {.view = make_view(fixture, fixture->loop.store, NULL)};
    assert_int_equal(view_mkdir(&other, "t/cpu") == OTS_NOMEM, false);
    assert_int_equal(view_store(&other, PATH, lines), OTS_OK);
    assert_int_equal(view_sync(&other, "t"), OTS_OK);
    ots_view_free(other.view);
    pass(fixture, SECOND_US);
}

static enum ots_status replay(struct fixture *fixture)
{
    return view_replay(fixture->mount.view, &fixture->err);
}

static void expect_stored(struct fixture *fixture, const char *wanted)
{
    struct view_fixture fresh = {.view = make_view(fixture, fixture->loop.store, NULL)};
    view_expect_text(&fresh, PATH, wanted);
    ots_view_free(fresh.view);
}

/* What the source's file holds; NULL: it is not there. */
static char *read_state(struct fixture *fixture, const char *name)
{
    char path[200];
    int fd = ots_state_dir_fd(fixture->state);
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd, name);
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    char *text = calloc(1, 100000);
    assert_true(fread(text, 1, 99999, file) < 99999);
    fclose(file);
    return text;
}

static void expect_rejected(struct fixture *fixture, const char *line, const char *reason)
{
    char *text = read_state(fixture, "rejected/t.lp");
    assert_non_null(text);
    char *found = strstr(text, line);
    assert_non_null(found);
    assert_null(strstr(found + 1, line));
    assert_non_null(strstr(text, reason));
    free(text);
    text = read_state(fixture, "errors");
    assert_non_null(text);
    assert_non_null(strstr(text, reason));
    free(text);
}

static void expect_nothing_rejected(struct fixture *fixture)
{
    assert_null(read_state(fixture, "rejected/t.lp"));
}

static size_t left_segments(struct fixture *fixture)
{
    struct ots_journal_options options = {ots_state_dir_fd(fixture->state), OTS_SLICE("t"), 0};
    struct ots_journal *journal;
    struct ots_journal_counts counts;
    assert_int_equal(ots_journal_new(&options, &journal, NULL), OTS_OK);
    ots_journal_counts(journal, &counts);
    ots_journal_free(journal);
    return counts.old_segments;
}

/* Mount, let the journal be replayed, and see what became of it. */
static void expect_replay(struct fixture *fixture, const char *stored, const char *rejected,
                          const char *reason)
{
    mount(fixture);
    if (replay(fixture) != OTS_OK)
        fail_msg("%s", fixture->err.message);
    expect_stored(fixture, stored);
    if (rejected)
        expect_rejected(fixture, rejected, reason);
    else
        expect_nothing_rejected(fixture);
    /* What was put stays in the journal until what is known of the table is stored. */
    assert_int_equal(view_sync(&fixture->mount, "t"), OTS_OK);
    assert_int_equal(left_segments(fixture), 0);
    unmount(fixture);
}

/* --- what others did --------------------------------------------------------------------------*/

static void rows_that_were_left_are_put(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_CLOSED, ONE "cpu,host=a v=5i 5000\n");
    expect_replay(fixture, ONE "cpu,host=a v=5i 5000\n", NULL, NULL);
}

static void a_newer_put_of_somebody_else_stays(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_CLOSED, ONE "cpu,host=a v=5i 5000\n");
    put_past(fixture, TWO);
    expect_replay(fixture, TWO "cpu,host=a v=5i 5000\n", ONE, "superseded");
}

static void an_older_put_of_somebody_else_goes(void **state)
{
    struct fixture *fixture = *state;
    put_past(fixture, TWO);
    leave(fixture, GATE_CLOSED, ONE);
    expect_replay(fixture, ONE, NULL, NULL);
}

static void what_has_the_same_content_is_there_already(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_CLOSED, ONE);
    put_past(fixture, TWO);
    put_past(fixture, ONE);
    size_t puts = atomic_load(&fixture->gate.put_count);
    expect_replay(fixture, ONE, NULL, NULL);
    assert_int_equal(atomic_load(&fixture->gate.put_count), puts);
}

static void our_own_put_whose_answer_was_lost_is_there(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_DEAF, ONE);
    size_t puts = atomic_load(&fixture->gate.put_count);
    mount(fixture);
    assert_int_equal(replay(fixture), OTS_OK);
    expect_nothing_rejected(fixture);
    unmount(fixture);
    /* Its put may have been so soon behind the hand-over that it is made once more. */
    assert_true(atomic_load(&fixture->gate.put_count) <= puts + 1);
    expect_stored(fixture, ONE);
}

static void a_newer_put_just_behind_our_own_stays(void **state)
{
    struct fixture *fixture = *state;
    mount(fixture);
    assert_int_equal(view_mkdir(&fixture->mount, "t/cpu"), OTS_OK);
    set_puts(fixture, GATE_DEAF);
    assert_int_equal(view_store(&fixture->mount, PATH, ONE), OTS_OK);
    assert_int_equal(view_sync(&fixture->mount, "t"), OTS_IO);
    set_puts(fixture, GATE_CLOSED);
    pass(fixture, 1000);
    put_past(fixture, TWO);
    unmount(fixture);
    set_puts(fixture, GATE_OPEN);
    expect_replay(fixture, TWO, ONE, "superseded");
}

static void split_shard(struct fixture *fixture)
{
    TEST_CALL(list, OTS_ACTION_LIST_STREAMS);
    list.request.list_streams.table = OTS_SLICE("t");
    loop_call_ok(&fixture->loop, &list);
    TEST_CALL(describe, OTS_ACTION_DESCRIBE_STREAM);
    describe.request.describe_stream.stream = list.response.list_streams.streams[0].id;
    describe.request.describe_stream.accepts_timeseries = true;
    loop_call_ok(&fixture->loop, &describe);
    struct ots_slice shard = describe.response.describe_stream.shards[0].id;
    struct ots_error err;
    if (ots_streams_split(ots_service_instance(fixture->loop.service), OTS_SLICE("t"), shard,
                          &err) != OTS_OK)
        fail_msg("%s", err.message);
    pass(fixture, SECOND_US);
}

/* Far behind in a stream whose first shard was closed. */
static void a_newer_put_in_a_later_shard_is_seen(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_CLOSED, ONE);
    char *many = view_lines("cpu,host=a", 1000000, 6000);
    put_past(fixture, many);
    split_shard(fixture);
    put_past(fixture, TWO);
    mount(fixture);
    assert_int_equal(replay(fixture), OTS_OK);
    expect_rejected(fixture, ONE, "superseded");
    unmount(fixture);
    free(many);
}

static void write_and_close(struct ots_file *file, const char *lines)
{
    struct ots_error err;
    assert_int_equal(view_write(file, 0, lines), OTS_OK);
    assert_int_equal(ots_file_flush(file, true, NULL, &err), OTS_OK);
    ots_file_close(file);
}

/* Two files write one row; the first version's put does not get through. */
static void close_two_versions(struct fixture *fixture)
{
    struct ots_file *first = view_open(&fixture->mount, PATH, OTS_OPEN_WRITE);
    struct ots_file *second = view_open(&fixture->mount, PATH, OTS_OPEN_WRITE);
    set_puts(fixture, GATE_CLOSED);
    write_and_close(first, ONE);
    assert_int_equal(view_sync(&fixture->mount, "t"), OTS_IO);
    write_and_close(second, TWO);
    pass(fixture, MINUTE_US);
}

/* The first version arrived after the second was handed over: it is ours, and older. */
static void our_own_older_version_does_not_supersede(void **state)
{
    struct fixture *fixture = *state;
    mount(fixture);
    assert_int_equal(view_mkdir(&fixture->mount, "t/cpu"), OTS_OK);
    close_two_versions(fixture);
    set_puts(fixture, GATE_DEAF);
    assert_int_equal(view_sync(&fixture->mount, "t"), OTS_IO);
    unmount(fixture);
    set_puts(fixture, GATE_OPEN);
    pass(fixture, SECOND_US);
    expect_stored(fixture, ONE);
    expect_replay(fixture, TWO, NULL, NULL);
}

/* The same, but the mount heard of the first version's arrival. */
static void a_version_that_waited_for_ours_is_put(void **state)
{
    struct fixture *fixture = *state;
    mount(fixture);
    assert_int_equal(view_mkdir(&fixture->mount, "t/cpu"), OTS_OK);
    close_two_versions(fixture);
    put_past(fixture, ONE);
    unmount(fixture);
    set_puts(fixture, GATE_OPEN);
    expect_replay(fixture, TWO, NULL, NULL);
}

/* --- what became of the table -----------------------------------------------------------------*/

static void delete_table(struct fixture *fixture)
{
    TEST_CALL(drop, OTS_ACTION_DELETE_TABLE);
    drop.request.table.table = OTS_SLICE("t");
    loop_call_ok(&fixture->loop, &drop);
    pass(fixture, SECOND_US);
}

static void a_table_that_was_made_anew_gets_no_old_rows(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_CLOSED, ONE);
    delete_table(fixture);
    loop_create_table(&fixture->loop, "t");
    put_past(fixture, "cpu,host=a v=9i 9000\n");
    expect_replay(fixture, "cpu,host=a v=9i 9000\n", ONE, "made anew");
}

static void rows_of_a_table_that_is_gone_are_rejected(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_CLOSED, ONE);
    delete_table(fixture);
    mount(fixture);
    assert_int_equal(replay(fixture), OTS_OK);
    expect_rejected(fixture, ONE, "the table is gone");
    assert_int_equal(left_segments(fixture), 0);
    unmount(fixture);
}

/* --- streams that cannot tell -----------------------------------------------------------------*/

static void without_a_stream_young_rows_are_put(void **state)
{
    struct fixture *fixture = *state;
    atomic_store(&fixture->gate.streams, GATE_DENIED);
    leave(fixture, GATE_CLOSED, ONE);
    pass(fixture, 9 * MINUTE_US);
    expect_replay(fixture, ONE, NULL, NULL);
}

static void without_a_stream_old_rows_are_rejected(void **state)
{
    struct fixture *fixture = *state;
    atomic_store(&fixture->gate.streams, GATE_DENIED);
    leave(fixture, GATE_CLOSED, ONE);
    put_past(fixture, TWO);
    pass(fixture, 11 * MINUTE_US);
    expect_replay(fixture, TWO, ONE, "over 10 minutes ago");
}

static void rows_from_before_the_streams_retention_are_rejected(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_CLOSED, ONE);
    put_past(fixture, TWO);
    pass(fixture, 200 * 60 * MINUTE_US);
    expect_replay(fixture, TWO, ONE, "the table's stream cannot tell");
}

static void within_the_retention_the_stream_tells(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_CLOSED, ONE);
    pass(fixture, 100 * 60 * MINUTE_US);
    expect_replay(fixture, ONE, NULL, NULL);
}

/* --- attempts that fail -----------------------------------------------------------------------*/

static void a_replay_that_fails_is_made_again(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_CLOSED, ONE);
    mount(fixture);
    set_puts(fixture, GATE_CLOSED);
    assert_int_equal(replay(fixture), OTS_TIMEOUT);
    /* Nothing of the table may be shown or written before. */
    struct ots_attr attr;
    struct ots_attr dir = view_attr(&fixture->mount, "t");
    struct ots_error err;
    assert_int_equal(
        ots_view_lookup(fixture->mount.view, dir.ino, OTS_SLICE("cpu"), NULL, &attr, &err),
        OTS_TIMEOUT);
    set_puts(fixture, GATE_OPEN);
    assert_int_equal(replay(fixture), OTS_OK);
    assert_int_equal(view_sync(&fixture->mount, "t"), OTS_OK);
    assert_int_equal(left_segments(fixture), 0);
    expect_nothing_rejected(fixture);
    unmount(fixture);
    expect_stored(fixture, ONE);
}

static void streams_that_fail_for_a_while_are_asked_again(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_CLOSED, ONE);
    put_past(fixture, TWO);
    mount(fixture);
    atomic_store(&fixture->gate.streams, GATE_CLOSED);
    while (replay(fixture) == OTS_OK)
        fail_msg("without an answer of the stream");
    atomic_store(&fixture->gate.streams, GATE_OPEN);
    unmount(fixture);
    expect_replay(fixture, TWO, ONE, "superseded");
}

/* A kill amid a replay leaves the old segments: the next one finds what arrived. */
static void a_replay_that_was_killed_begins_anew(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_CLOSED, ONE "cpu,host=a v=5i 5000\n");
    put_past(fixture, "cpu,host=a v=6i 5000\n");
    mount(fixture);
    set_puts(fixture, GATE_DEAF);
    assert_int_equal(replay(fixture), OTS_TIMEOUT);
    expect_nothing_rejected(fixture);
    unmount(fixture);
    set_puts(fixture, GATE_OPEN);
    pass(fixture, SECOND_US);
    expect_replay(fixture, ONE "cpu,host=a v=6i 5000\n", "cpu,host=a v=5i 5000\n", "superseded");
}

static void first_use_waits_for_the_replay(void **state)
{
    struct fixture *fixture = *state;
    leave(fixture, GATE_CLOSED, ONE);
    mount(fixture);
    view_expect_text(&fixture->mount, PATH, ONE);
    assert_int_equal(view_store(&fixture->mount, PATH, THREE), OTS_OK);
    view_expect_text(&fixture->mount, PATH, THREE);
    unmount(fixture);
    expect_replay(fixture, THREE, NULL, NULL);
}

/* --- damage -----------------------------------------------------------------------------------*/

/* Of a mount that was left. */
static void change_segment(struct fixture *fixture, void (*change)(char *bytes, size_t size))
{
    char path[200];
    open_state(fixture);
    snprintf(path, sizeof(path), "/proc/self/fd/%d/journal/t/0000000000000001",
             ots_state_dir_fd(fixture->state));
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    char bytes[10000];
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    change(bytes, size);
    rewind(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
    ots_state_close(fixture->state);
}

static void damage_first_batch(char *bytes, size_t size)
{
    char *row = memmem(bytes, size, ONE, strlen(ONE));
    assert_non_null(row);
    row[12] ^= 1;
}

static void damage_is_told_and_the_rest_is_put(void **state)
{
    struct fixture *fixture = *state;
    atomic_store(&fixture->gate.streams, GATE_DENIED);
    mount(fixture);
    assert_int_equal(view_mkdir(&fixture->mount, "t/cpu"), OTS_OK);
    struct ots_file *first = view_open(&fixture->mount, PATH, OTS_OPEN_WRITE);
    struct ots_file *second = view_open(&fixture->mount, PATH, OTS_OPEN_WRITE);
    set_puts(fixture, GATE_CLOSED);
    write_and_close(first, ONE);
    write_and_close(second, "cpu,host=a v=5i 5000\n");
    unmount(fixture);
    change_segment(fixture, damage_first_batch);
    set_puts(fixture, GATE_OPEN);
    mount(fixture);
    assert_int_equal(replay(fixture), OTS_OK);
    expect_stored(fixture, "cpu,host=a v=5i 5000\n");
    char *errors = read_state(fixture, "errors");
    assert_non_null(errors);
    assert_non_null(strstr(errors, "damaged"));
    free(errors);
    unmount(fixture);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_that_were_left_are_put),
        TEST(a_newer_put_of_somebody_else_stays),
        TEST(an_older_put_of_somebody_else_goes),
        TEST(what_has_the_same_content_is_there_already),
        TEST(our_own_put_whose_answer_was_lost_is_there),
        TEST(a_newer_put_in_a_later_shard_is_seen),
        TEST(a_newer_put_just_behind_our_own_stays),
        TEST(our_own_older_version_does_not_supersede),
        TEST(a_version_that_waited_for_ours_is_put),
        TEST(a_table_that_was_made_anew_gets_no_old_rows),
        TEST(rows_of_a_table_that_is_gone_are_rejected),
        TEST(without_a_stream_young_rows_are_put),
        TEST(without_a_stream_old_rows_are_rejected),
        TEST(rows_from_before_the_streams_retention_are_rejected),
        TEST(within_the_retention_the_stream_tells),
        TEST(a_replay_that_fails_is_made_again),
        TEST(streams_that_fail_for_a_while_are_asked_again),
        TEST(a_replay_that_was_killed_begins_anew),
        TEST(first_use_waits_for_the_replay),
        TEST(damage_is_told_and_the_rest_is_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
