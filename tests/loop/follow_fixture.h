/*
 * A mount that follows tables of a service in the same process, and somebody else who changes them
 * past it. The mount has a state directory, so it can end and begin again.
 */
#ifndef TESTS_LOOP_FOLLOW_FIXTURE_H
#define TESTS_LOOP_FOLLOW_FIXTURE_H

#include "tests/loop/gate_store.h"
#include "tests/loop/loop.h"
#include "tests/loop/view_follow.h"
#include "tests/unit/state_folder.h"
#include "tests/unit/view_fixture.h"

struct follow {
    struct loop *loop;
    struct gate_store gate; /* the mount's store, which counts */
    struct state_folder *folder;
    struct ots_log log;
    struct ots_state *state;
    struct view_fixture mount;
    bool stream_off;
    bool is_poll_rare; /* the stream's time does not come within a test */
    enum ots_precision precision;
};

/* For cmocka: a table `t` without rows, mounted. */
int follow_setup(void **state);
int follow_teardown(void **state);

/* Another mount of the same service, with a state of its own; both ended by follow_leave. */
void follow_join(struct follow *follow, const struct follow *other);
void follow_leave(struct follow *follow);

void follow_mount(struct follow *follow);
void follow_unmount(struct follow *follow);
void follow_remount(struct follow *follow);

void follow_pass_time(struct follow *follow, int64_t time_us);

/* Somebody else puts lines. */
void follow_put(struct follow *follow, const char *table, const char *lines);
void follow_create_table(struct follow *follow, const char *table);
void follow_delete_table(struct follow *follow, const char *table);

struct ots_follower_report follow_report(struct follow *follow, const char *table);

/*
 * A moment of waiting for what comes by itself, the `round`th of them; when that is one too many
 * the test fails: for (int i = 0; !condition; i++) follow_pause(i);
 */
void follow_pause(int round);

/* Wait until the follower has looked at the stream twice since the call, or has noticed that the
 * table is gone. */
void follow_wait_polls(struct follow *follow, const char *table);

/* Use the table, and wait until all that was put before the call is known. */
void follow_wait_ready(struct follow *follow, const char *table);

/* Calls of the mount since the last follow_forget_counts. */
size_t follow_count(struct follow *follow, enum ots_action action);
/* Calls that read rows: gets, scans and what begins them. */
size_t follow_count_reads(struct follow *follow);
void follow_forget_counts(struct follow *follow);

/* The size and the text are those of `text`. */
void follow_expect(struct follow *follow, const char *path, const char *text);
/* The size is that of `text`, without reading it. */
void follow_expect_size(struct follow *follow, const char *path, const char *text);
int64_t follow_mtime_ns(struct follow *follow, const char *path);
void follow_set_mtime(struct follow *follow, const char *path, int64_t mtime_ns);

#endif
