#include "tests/loop/follow_fixture.h"

#include <stdlib.h>
#include <time.h>

#include "fs/lp/parse.h"
#include "fs/state/state_dir.h"

enum { POLL_US = 3000, PATIENCE_MS = 20000 };
static const int64_t POLL_US_RARE = INT64_C(3600) * 1000000;

void follow_mount(struct follow *follow)
{
    struct ots_error err = {.message = ""};
    struct ots_state_options state_options = {
        .root = follow->folder->path,
        .endpoint = "http://localhost",
        .instance = "loop",
        .mountpoint = "/mnt",
        .clock = &follow->loop->client_clock,
        .log = &follow->log,
    };
    if (ots_state_open(&state_options, &follow->state, &err) != OTS_OK)
        fail_msg("%s", err.message);
    struct ots_view_source source = {.store = &follow->gate.store, .state = follow->state};
    struct ots_view_options options = {
        .sources = &source,
        .source_count = 1,
        .clock = &follow->loop->client_clock,
        .log = &follow->log,
        .scan_lanes = 2,
        .poll_us = follow->is_poll_rare ? POLL_US_RARE : POLL_US,
        .stream_off = follow->stream_off,
        .precision = follow->precision,
    };
    assert_int_equal(ots_view_new(&options, &follow->mount.view, NULL), OTS_OK);
}

void follow_unmount(struct follow *follow)
{
    ots_view_free(follow->mount.view);
    follow->mount.view = NULL;
    ots_state_close(follow->state);
}

void follow_remount(struct follow *follow)
{
    follow_unmount(follow);
    follow_mount(follow);
}

int follow_setup(void **state)
{
    struct follow *follow = calloc(1, sizeof(*follow));
    follow->loop = calloc(1, sizeof(*follow->loop));
    loop_start(follow->loop, (struct loop_options){.seed = 1, .threads = 4});
    loop_create_table(follow->loop, "t");
    gate_store_init(&follow->gate, follow->loop->store);
    follow->folder = state_folder_new();
    follow->log = (struct ots_log){.program = "test", .level = OTS_LOG_ERROR};
    follow_mount(follow);
    *state = follow;
    return 0;
}

int follow_teardown(void **state)
{
    struct follow *follow = *state;
    if (follow->mount.view)
        follow_unmount(follow);
    loop_stop(follow->loop);
    free(follow->loop);
    state_folder_free(follow->folder);
    free(follow);
    return 0;
}

void follow_join(struct follow *follow, const struct follow *other)
{
    *follow = (struct follow){.loop = other->loop, .log = other->log};
    gate_store_init(&follow->gate, follow->loop->store);
    follow->folder = state_folder_new();
    follow_mount(follow);
}

void follow_leave(struct follow *follow)
{
    follow_unmount(follow);
    state_folder_free(follow->folder);
}

void follow_pass_time(struct follow *follow, int64_t time_us)
{
    atomic_fetch_add(&follow->loop->now_us, time_us);
}

/* --- somebody else ----------------------------------------------------------------------------*/

struct parsed {
    struct ots_arena arena;
    struct ots_rows rows;
};

static enum ots_status add_row(void *context, const struct ots_row *row, uint32_t cut_ns)
{
    struct parsed *parsed = context;
    struct ots_row copy;
    (void)cut_ns;
    assert_int_equal(ots_row_copy(&parsed->arena, row, NULL, &copy), OTS_OK);
    return ots_rows_append(&parsed->rows, &parsed->arena, &copy);
}

void follow_put(struct follow *follow, const char *table, const char *lines)
{
    struct parsed parsed = {.arena = OTS_ARENA_INIT};
    struct ots_lp_options options = {.precision = OTS_PRECISION_NS, .default_time_us = -1};
    struct ots_lp_handler handler = {.row = add_row, .context = &parsed};
    struct ots_lp_parser *parser;
    assert_int_equal(ots_lp_parser_new(&options, &handler, &parser), OTS_OK);
    assert_int_equal(ots_lp_parser_feed(parser, ots_slice_str(lines)), OTS_OK);
    loop_put(follow->loop, table, &parsed.rows, 100);
    ots_lp_parser_free(parser);
    ots_arena_deinit(&parsed.arena);
}

void follow_create_table(struct follow *follow, const char *table)
{
    loop_create_table(follow->loop, table);
}

void follow_delete_table(struct follow *follow, const char *table)
{
    TEST_CALL(call, OTS_ACTION_DELETE_TABLE);
    call.request.table.table = ots_slice_str(table);
    loop_call_ok(follow->loop, &call);
}

/* --- the follower -----------------------------------------------------------------------------*/

struct ots_follower_report follow_report(struct follow *follow, const char *table)
{
    struct ots_follower_report report;
    view_follow_report(follow->mount.view, table, &report);
    return report;
}

void follow_pause(int round)
{
    if (round >= PATIENCE_MS)
        fail_msg("waited in vain");
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

void follow_wait_polls(struct follow *follow, const char *table)
{
    struct ots_follower_report report = follow_report(follow, table);
    uint64_t before = report.polls;
    for (int i = 0; report.polls < before + 2 && report.state != OTS_FOLLOWER_OFF; i++) {
        follow_pause(i);
        report = follow_report(follow, table);
    }
}

void follow_wait_ready(struct follow *follow, const char *table)
{
    struct ots_attr attr = view_attr(&follow->mount, table);
    struct ots_listing *listing;
    assert_int_equal(ots_view_list(follow->mount.view, attr.ino, NULL, &listing, NULL), OTS_OK);
    ots_listing_free(listing);
    follow_wait_polls(follow, table);
}

size_t follow_count(struct follow *follow, enum ots_action action)
{
    return atomic_load(&follow->gate.counts[action]);
}

size_t follow_count_reads(struct follow *follow)
{
    return follow_count(follow, OTS_ACTION_GET) + follow_count(follow, OTS_ACTION_SCAN) +
           follow_count(follow, OTS_ACTION_SPLIT);
}

void follow_forget_counts(struct follow *follow)
{
    for (size_t i = 0; i < OTS_ACTION_COUNT; i++)
        atomic_store(&follow->gate.counts[i], 0);
}

/* --- what is seen -----------------------------------------------------------------------------*/

void follow_expect(struct follow *follow, const char *path, const char *text)
{
    view_expect_text(&follow->mount, path, text);
}

void follow_expect_size(struct follow *follow, const char *path, const char *text)
{
    assert_int_equal(view_attr(&follow->mount, path).size_bytes, strlen(text));
}

int64_t follow_mtime_ns(struct follow *follow, const char *path)
{
    return view_attr(&follow->mount, path).mtime_ns;
}

void follow_set_mtime(struct follow *follow, const char *path, int64_t mtime_ns)
{
    struct ots_attr attr = view_attr(&follow->mount, path);
    assert_int_equal(ots_view_setattr(follow->mount.view, attr.ino, &mtime_ns, &attr), OTS_OK);
    assert_int_equal(attr.mtime_ns, mtime_ns);
}
