/*
 * A view on a fake store with a clock that only the test turns, and what tests do with it.
 *
 * Paths are `table/measurement/timeline.lp`; "" is the instance. What is not expected ends the
 * test.
 */
#ifndef TESTS_UNIT_VIEW_FIXTURE_H
#define TESTS_UNIT_VIEW_FIXTURE_H

#include <stdatomic.h>

#include "fs/view/view.h"
#include "tests/unit/fake_store.h"

struct view_fixture {
    struct fake_store *fake;
    struct ots_view *view;
    struct ots_clock clock;
    struct ots_log log;
    atomic_llong now_us;
    atomic_llong monotonic_us;
};

/* For cmocka: a table `t` without rows. The store answers within submit, or on two threads. */
int view_setup(void **state);
int view_setup_threads(void **state);
/* The first, with may_delete. */
int view_setup_deleting(void **state);
int view_teardown(void **state);

/* Mount anew, with times in another unit. */
void view_use_precision(struct view_fixture *fixture, enum ots_precision precision);

/* Mount anew, with room on disk for texts: what is measured is not read again. */
void view_keep_texts(struct view_fixture *fixture);

/* Let so much time go by. */
void view_pass_time(struct view_fixture *fixture, int64_t time_us);
/* Let all that is known grow old. */
void view_grow_old(struct view_fixture *fixture);

enum ots_status view_lookup(struct view_fixture *fixture, const char *path, struct ots_attr *attr);
/* The same, that must succeed. */
struct ots_attr view_attr(struct view_fixture *fixture, const char *path);
enum ots_status view_mkdir(struct view_fixture *fixture, const char *path);
enum ots_status view_rmdir(struct view_fixture *fixture, const char *path);
enum ots_status view_unlink(struct view_fixture *fixture, const char *path);

/* The directory's names, each followed by a space. */
void view_expect_list(struct view_fixture *fixture, const char *path, const char *names);
enum ots_status view_list_status(struct view_fixture *fixture, const char *path);

/* Open, making it when it is not there; `mode` of enum ots_open_mode. */
struct ots_file *view_open(struct view_fixture *fixture, const char *path, unsigned mode);
enum ots_status view_open_status(struct view_fixture *fixture, const char *path, unsigned mode);
enum ots_status view_create_status(struct view_fixture *fixture, const char *path, unsigned mode);
enum ots_status view_write(struct ots_file *file, uint64_t offset, const char *text);
/* Write the text as a tool does, and return what its close says. */
enum ots_status view_store(struct view_fixture *fixture, const char *path, const char *text);
/* What a close says to who wrote. */
enum ots_status view_flush(struct ots_file *file);
enum ots_status view_sync(struct view_fixture *fixture, const char *path);

/* What a file holds from `offset` on, as a NUL-terminated text to be freed. */
char *view_read_file(struct ots_file *file, uint64_t offset, size_t size);
/* Both the size that is told and the text that is read must be those of `text`. */
void view_expect_text(struct view_fixture *fixture, const char *path, const char *text);
void view_expect_stored(struct view_fixture *fixture, const char *table, const char *text);

/* `count` lines of one timeline: `measurement,tags v=Ni N000`, N from `first`. To be freed. */
char *view_lines(const char *series, int64_t first, int64_t count);

/* Something that waits, run on a thread of its own with an interrupt. */
struct view_waiter {
    struct view_fixture *fixture;
    enum ots_status (*run)(struct view_waiter *waiter);
    const char *path;
    struct ots_file *file;
    struct ots_attr attr;
    struct ots_interrupt interrupt;
    enum ots_status status;
    pthread_t thread;
};
void view_waiter_start(struct view_waiter *waiter);
void view_waiter_join(struct view_waiter *waiter);
/* For `run`: list the directory, or open the file to read and close it, that is waiter->attr. */
enum ots_status view_run_list(struct view_waiter *waiter);
enum ots_status view_run_open(struct view_waiter *waiter);
/* Run it, interrupt it once so many calls of the action are held back, and see how it ends. */
void view_expect_interrupted(struct view_waiter *waiter, enum ots_action action, size_t held,
                             enum ots_status status);

#endif
