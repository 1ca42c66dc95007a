/*
 * Staging files through a view: written anywhere, renamed, removed, forgotten.
 */
#include "fs/view/staging.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/view_fixture.h"

static int setup(void **state)
{
    view_setup(state);
    assert_int_equal(view_mkdir(*state, "t/cpu"), OTS_OK);
    assert_int_equal(view_mkdir(*state, "t/mem"), OTS_OK);
    return 0;
}

static enum ots_status rename_flags(struct view_fixture *fixture, const char *measurement,
                                    const char *name, const char *new_measurement,
                                    const char *new_name, unsigned flags)
{
    struct ots_error err;
    struct ots_rename rename = {
        .parent = view_attr(fixture, measurement).ino,
        .name = ots_slice_str(name),
        .new_parent = view_attr(fixture, new_measurement).ino,
        .new_name = ots_slice_str(new_name),
        .flags = flags,
    };
    return ots_view_rename(fixture->view, &rename, NULL, &err);
}

static enum ots_status rename_file(struct view_fixture *fixture, const char *name,
                                   const char *new_name)
{
    return rename_flags(fixture, "t/cpu", name, "t/cpu", new_name, 0);
}

static enum ots_status unlink_file(struct view_fixture *fixture, const char *name)
{
    struct ots_error err;
    return ots_view_unlink(fixture->view, view_attr(fixture, "t/cpu").ino, ots_slice_str(name),
                           NULL, &err);
}

static enum ots_status truncate_file(struct view_fixture *fixture, const char *path, uint64_t size)
{
    struct ots_error err;
    return ots_view_truncate(fixture->view, view_attr(fixture, path).ino, size, &err);
}

static enum ots_status lookup(struct view_fixture *fixture, const char *path)
{
    struct ots_attr attr;
    return view_lookup(fixture, path, &attr);
}

static void names(void **state)
{
    (void)state;
    assert_true(ots_staging_is_name(OTS_SLICE("a")));
    assert_true(ots_staging_is_name(OTS_SLICE(".host=a.lp.Xy12")));
    assert_true(ots_staging_is_name(OTS_SLICE(".host=a.lp")));
    assert_true(ots_staging_is_name(OTS_SLICE("sedX")));
    assert_true(ots_staging_is_name(OTS_SLICE("lp")));
    assert_true(ots_staging_is_name(OTS_SLICE(".lp")));
    assert_true(ots_staging_is_name(OTS_SLICE("host=a.lp~")));
    assert_false(ots_staging_is_name(OTS_SLICE("host=a.lp")));
    assert_false(ots_staging_is_name(OTS_SLICE("no timeline.lp")));
    assert_false(ots_staging_is_name(OTS_SLICE("")));
}

static void it_is_written_and_read_anywhere(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *file = view_open(fixture, "t/cpu/x", OTS_OPEN_READ | OTS_OPEN_WRITE);
    assert_int_equal(view_write(file, 4, "EFGH"), OTS_OK);
    assert_int_equal(view_write(file, 0, "abcde"), OTS_OK);
    char *text = view_read_file(file, 0, 100);
    assert_string_equal(text, "abcdeFGH");
    free(text);
    ots_file_close(file);
    view_expect_text(fixture, "t/cpu/x", "abcdeFGH");
    file = view_open(fixture, "t/cpu/x", OTS_OPEN_WRITE | OTS_OPEN_APPEND);
    assert_int_equal(view_write(file, 0, "IJ"), OTS_OK);
    ots_file_close(file);
    assert_int_equal(truncate_file(fixture, "t/cpu/x", 9), OTS_OK);
    view_expect_text(fixture, "t/cpu/x", "abcdeFGHI");
    view_expect_list(fixture, "t/cpu", "");
    view_grow_old(fixture);
    view_expect_text(fixture, "t/cpu/x", "abcdeFGHI");
}

/* Whether a temporary name is there must not cost a scan. */
static void it_asks_the_service_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    uint64_t parent = view_attr(fixture, "t/cpu").ino;
    view_grow_old(fixture);
    fake_store_forget_counts(fixture->fake);
    struct ots_file *file;
    struct ots_attr attr;
    struct ots_error err;
    assert_int_equal(
        ots_view_lookup(fixture->view, parent, OTS_SLICE(".x.lp.1"), NULL, &attr, &err),
        OTS_NOT_FOUND);
    assert_int_equal(ots_view_create(fixture->view, parent, OTS_SLICE(".x.lp.1"), OTS_OPEN_WRITE,
                                     NULL, &file, &attr, &err),
                     OTS_OK);
    assert_int_equal(view_write(file, 0, "text"), OTS_OK);
    assert_int_equal(ots_file_sync(file, NULL, &err), OTS_OK);
    ots_file_close(file);
    assert_int_equal(ots_view_getattr(fixture->view, attr.ino, NULL, &attr, &err), OTS_OK);
    assert_int_equal(attr.size_bytes, 4);
    assert_int_equal(ots_view_unlink(fixture->view, parent, OTS_SLICE(".x.lp.1"), NULL, &err),
                     OTS_OK);
    assert_int_equal(fake_store_count_all(fixture->fake), 0);
}

static void its_lines_become_a_timeline(void **state)
{
    struct view_fixture *fixture = *state;
    const char *text = "cpu,host=a v=1i 1000\ncpu,host=a v=2i 2000\n";
    struct ots_attr attr;
    int64_t mtime_ns = 1234567890123456789;
    assert_int_equal(view_store(fixture, "t/cpu/x", text), OTS_OK);
    assert_int_equal(
        ots_view_setattr(fixture->view, view_attr(fixture, "t/cpu/x").ino, &mtime_ns, &attr),
        OTS_OK);
    assert_int_equal(attr.mtime_ns, mtime_ns);
    assert_int_equal(rename_file(fixture, "x", "host=a.lp"), OTS_OK);
    assert_int_equal(lookup(fixture, "t/cpu/x"), OTS_NOT_FOUND);
    view_expect_text(fixture, "t/cpu/host=a.lp", text);
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").mtime_ns, mtime_ns);
    view_expect_stored(fixture, "t", text);
    view_grow_old(fixture);
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").mtime_ns, mtime_ns);
}

static void names_are_replaced_and_exchanged_as_told(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_store(fixture, "t/cpu/x", "one"), OTS_OK);
    assert_int_equal(view_store(fixture, "t/cpu/y", "two"), OTS_OK);
    assert_int_equal(rename_flags(fixture, "t/cpu", "x", "t/cpu", "y", OTS_RENAME_NOREPLACE),
                     OTS_EXISTS);
    assert_int_equal(rename_flags(fixture, "t/cpu", "x", "t/cpu", "y", OTS_RENAME_EXCHANGE),
                     OTS_INVALID);
    struct ots_file *replaced = view_open(fixture, "t/cpu/y", OTS_OPEN_READ);
    assert_int_equal(rename_file(fixture, "x", "y"), OTS_OK);
    assert_int_equal(rename_file(fixture, "y", "y"), OTS_OK);
    view_expect_text(fixture, "t/cpu/y", "one");
    /* Who has it open keeps it. */
    char *text = view_read_file(replaced, 0, 100);
    assert_string_equal(text, "two");
    free(text);
    ots_file_close(replaced);
    assert_int_equal(rename_flags(fixture, "t/cpu", "y", "t/mem", "y", 0), OTS_OK);
    assert_int_equal(lookup(fixture, "t/cpu/y"), OTS_NOT_FOUND);
    view_expect_text(fixture, "t/mem/y", "one");
    assert_int_equal(rename_file(fixture, "y", "z"), OTS_NOT_FOUND);
}

/* A file of zeros takes long, and holds no row that could wait. */
static void a_rename_can_be_interrupted(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_error err;
    struct ots_interrupt raised;
    uint64_t ino = view_attr(fixture, "t/cpu").ino;
    struct ots_rename rename = {ino, OTS_SLICE("x"), ino, OTS_SLICE("host=a.lp"), 0, NULL};
    assert_int_equal(view_store(fixture, "t/cpu/x", ""), OTS_OK);
    assert_int_equal(truncate_file(fixture, "t/cpu/x", (uint64_t)1 << 40), OTS_OK);
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    assert_int_equal(ots_view_rename(fixture->view, &rename, &raised, &err), OTS_CANCELLED);
    ots_interrupt_deinit(&raised);
    assert_int_equal(view_attr(fixture, "t/cpu/x").size_bytes, (uint64_t)1 << 40);
}

/* With an interrupt that was raised before, as who may not wait does. */
static enum ots_status try_rename(struct view_fixture *fixture, struct ots_renaming **begun)
{
    struct ots_error err;
    struct ots_interrupt raised;
    uint64_t ino = view_attr(fixture, "t/cpu").ino;
    struct ots_rename rename = {ino, OTS_SLICE("x"), ino, OTS_SLICE("host=a.lp"), 0, begun};
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    enum ots_status status = ots_view_rename(fixture->view, &rename, &raised, &err);
    ots_interrupt_deinit(&raised);
    return status;
}

static void a_small_file_is_renamed_without_waiting(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_renaming *begun = NULL;
    char *lines = view_lines("cpu,host=a", 1, 1000);
    assert_int_equal(view_store(fixture, "t/cpu/x", lines), OTS_OK);
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(try_rename(fixture, &begun), OTS_OK);
    assert_null(begun);
    fake_store_release(fixture->fake, OTS_ACTION_PUT);
    view_expect_text(fixture, "t/cpu/host=a.lp", lines);
    assert_int_equal(lookup(fixture, "t/cpu/x"), OTS_NOT_FOUND);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_PUT), 5);
    free(lines);
}

/* The pipeline has room for 8 puts and the batch that is filling. */
static void a_rename_that_would_wait_is_gone_on_with(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_renaming *begun = NULL;
    struct ots_error err;
    struct ots_rename rename = {.begun = &begun};
    char *lines = view_lines("cpu,host=a", 1, 4000);
    assert_int_equal(view_store(fixture, "t/cpu/x", lines), OTS_OK);
    struct ots_file *file = view_open(fixture, "t/cpu/x", OTS_OPEN_WRITE | OTS_OPEN_APPEND);
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(try_rename(fixture, &begun), OTS_CANCELLED);
    assert_non_null(begun);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=1i 1\n"), OTS_STALE);
    fake_store_release(fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(ots_view_rename(fixture->view, &rename, NULL, &err), OTS_OK);
    assert_null(begun);
    view_expect_text(fixture, "t/cpu/host=a.lp", lines);
    assert_int_equal(lookup(fixture, "t/cpu/x"), OTS_NOT_FOUND);
    /* No line was handed over twice. */
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_PUT), 20);
    ots_file_close(file);
    free(lines);
}

static void a_rename_that_nobody_goes_on_with_leaves_the_file(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_renaming *begun = NULL;
    char *lines = view_lines("cpu,host=a", 1, 4000);
    assert_int_equal(view_store(fixture, "t/cpu/x", lines), OTS_OK);
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    assert_int_equal(try_rename(fixture, &begun), OTS_CANCELLED);
    ots_renaming_end(begun);
    ots_renaming_end(NULL);
    fake_store_release(fixture->fake, OTS_ACTION_PUT);
    view_expect_text(fixture, "t/cpu/x", lines);
    struct ots_file *file = view_open(fixture, "t/cpu/x", OTS_OPEN_WRITE);
    assert_int_equal(view_write(file, 0, "y"), OTS_OK);
    ots_file_close(file);
    free(lines);
}

static enum ots_status run_rename(struct view_waiter *waiter)
{
    struct ots_error err;
    uint64_t ino = view_attr(waiter->fixture, "t/cpu").ino;
    struct ots_rename rename = {ino, OTS_SLICE("x"), ino, OTS_SLICE("host=a.lp"), 0, NULL};
    return ots_view_rename(waiter->fixture->view, &rename, &waiter->interrupt, &err);
}

/* What somebody writes while the content is handed over would be lost. */
static void what_becomes_a_timeline_is_not_written(void **state)
{
    struct view_fixture *fixture = *state;
    struct view_waiter waiter = {.fixture = fixture, .run = run_rename};
    char *lines = view_lines("cpu,host=a", 1, 4000);
    assert_int_equal(view_store(fixture, "t/cpu/x", lines), OTS_OK);
    free(lines);
    struct ots_file *file = view_open(fixture, "t/cpu/x", OTS_OPEN_WRITE | OTS_OPEN_APPEND);
    fake_store_hold(fixture->fake, OTS_ACTION_PUT);
    view_waiter_start(&waiter);
    fake_store_wait_held(fixture->fake, OTS_ACTION_PUT, 8);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=1i 1\n"), OTS_STALE);
    ots_interrupt_raise(&waiter.interrupt);
    view_waiter_join(&waiter);
    assert_int_equal(waiter.status, OTS_CANCELLED);
    assert_int_equal(view_write(file, 0, "cpu,host=a v=1i 1\n"), OTS_OK);
    fake_store_release(fixture->fake, OTS_ACTION_PUT);
    ots_file_close(file);
}

static void what_cannot_be_renamed(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 1000\n");
    view_grow_old(fixture);
    assert_int_equal(rename_file(fixture, "host=a.lp", "x"), OTS_NOT_PERMITTED);
    assert_int_equal(rename_file(fixture, "host=a.lp", "host=b.lp"), OTS_NOT_PERMITTED);
    assert_int_equal(unlink_file(fixture, "host=a.lp"), OTS_NOT_PERMITTED);
    assert_int_equal(unlink_file(fixture, "host=b.lp"), OTS_NOT_FOUND);
    assert_int_equal(rename_flags(fixture, "t", "cpu", "t", "x", 0), OTS_NOT_PERMITTED);
    assert_int_equal(view_store(fixture, "t/cpu/x", "cpu,host=a v=2i 1000\n"), OTS_OK);
    assert_int_equal(rename_flags(fixture, "t/cpu", "x", "t", "y", 0), OTS_NOT_PERMITTED);
    assert_int_equal(rename_file(fixture, "x", "bad.lp"), OTS_INVALID);
    assert_int_equal(
        rename_flags(fixture, "t/cpu", "x", "t/cpu", "host=a.lp", OTS_RENAME_NOREPLACE),
        OTS_EXISTS);
    view_expect_text(fixture, "t/cpu/host=a.lp", "cpu,host=a v=1i 1000\n");
    view_expect_text(fixture, "t/cpu/x", "cpu,host=a v=2i 1000\n");
    assert_int_equal(view_create_status(fixture, "t/x", OTS_OPEN_WRITE), OTS_NOT_PERMITTED);
}

static void bad_lines_fail_the_rename_and_the_others_are_stored(void **state)
{
    struct view_fixture *fixture = *state;
    const char *text = "cpu,host=a v=1i 1000\ncpu,host=b v=2i 2000\ncpu,host=a v=3i 3000\ncpu";
    assert_int_equal(view_store(fixture, "t/cpu/x", text), OTS_OK);
    struct ots_error err;
    struct ots_rename rename = {
        .parent = view_attr(fixture, "t/cpu").ino,
        .name = OTS_SLICE("x"),
        .new_parent = view_attr(fixture, "t/cpu").ino,
        .new_name = OTS_SLICE("host=a.lp"),
    };
    assert_int_equal(ots_view_rename(fixture->view, &rename, NULL, &err), OTS_INVALID);
    assert_non_null(strstr(err.message, "2 lines left out"));
    assert_non_null(strstr(err.message, "line 2"));
    view_expect_text(fixture, "t/cpu/host=a.lp", "cpu,host=a v=1i 1000\ncpu,host=a v=3i 3000\n");
    view_expect_text(fixture, "t/cpu/x", text);
}

static void who_has_it_open_keeps_it(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_file *file = view_open(fixture, "t/cpu/x", OTS_OPEN_READ | OTS_OPEN_WRITE);
    uint64_t ino = view_attr(fixture, "t/cpu/x").ino;
    assert_int_equal(unlink_file(fixture, "x"), OTS_OK);
    assert_int_equal(unlink_file(fixture, "x"), OTS_NOT_FOUND);
    assert_int_equal(view_write(file, 0, "text"), OTS_OK);
    struct ots_attr attr;
    struct ots_error err;
    assert_int_equal(ots_view_getattr(fixture->view, ino, NULL, &attr, &err), OTS_OK);
    assert_int_equal(attr.size_bytes, 4);
    ots_file_close(file);
    assert_int_equal(ots_view_getattr(fixture->view, ino, NULL, &attr, &err), OTS_STALE);
    assert_int_equal(ots_view_setattr(fixture->view, ino, NULL, &attr), OTS_STALE);
    assert_int_equal(ots_view_truncate(fixture->view, ino, 0, &err), OTS_STALE);
    assert_int_equal(ots_view_open(fixture->view, ino, OTS_OPEN_READ, NULL, &file, &attr, &err),
                     OTS_STALE);
}

static uint64_t ino_of(struct view_fixture *fixture, const char *path)
{
    return view_attr(fixture, path).ino;
}

static enum ots_status getattr(struct view_fixture *fixture, uint64_t ino, struct ots_attr *attr)
{
    struct ots_error err;
    return ots_view_getattr(fixture->view, ino, NULL, attr, &err);
}

/* As with files elsewhere: the kernel has it under the new name. */
static void a_new_timeline_has_its_number(void **state)
{
    struct view_fixture *fixture = *state;
    const char *text = "cpu,host=a v=1i 1000\n";
    struct ots_attr attr;
    struct ots_file *file = view_open(fixture, "t/cpu/x", OTS_OPEN_READ | OTS_OPEN_WRITE);
    uint64_t ino = ino_of(fixture, "t/cpu/x");
    assert_int_equal(view_write(file, 0, text), OTS_OK);
    assert_int_equal(rename_file(fixture, "x", "y"), OTS_OK);
    assert_int_equal(ino_of(fixture, "t/cpu/y"), ino);
    assert_int_equal(rename_file(fixture, "y", "host=a.lp"), OTS_OK);
    assert_int_equal(ino_of(fixture, "t/cpu/host=a.lp"), ino);
    /* The timeline is meant also while somebody has the file open. */
    int64_t mtime_ns = 1234567890000000000;
    assert_int_equal(ots_view_setattr(fixture->view, ino, &mtime_ns, &attr), OTS_OK);
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").mtime_ns, mtime_ns);
    ots_file_close(file);
    assert_int_equal(getattr(fixture, ino, &attr), OTS_OK);
    assert_int_equal(attr.ino, ino);
    assert_int_equal(attr.size_bytes, strlen(text));
    view_expect_text(fixture, "t/cpu/host=a.lp", text);
    view_grow_old(fixture);
    assert_int_equal(ino_of(fixture, "t/cpu/host=a.lp"), ino);
}

static void a_timeline_that_was_there_keeps_its_number(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    assert_int_equal(view_store(fixture, "t/cpu/host=a.lp", "cpu,host=a v=1i 1000\n"), OTS_OK);
    uint64_t ino = ino_of(fixture, "t/cpu/host=a.lp");
    struct ots_file *file = view_open(fixture, "t/cpu/x", OTS_OPEN_WRITE);
    uint64_t file_ino = ino_of(fixture, "t/cpu/x");
    assert_int_equal(view_write(file, 0, "cpu,host=a v=2i 2000\n"), OTS_OK);
    assert_int_equal(rename_file(fixture, "x", "host=a.lp"), OTS_OK);
    assert_int_equal(ino_of(fixture, "t/cpu/host=a.lp"), ino);
    assert_int_equal(getattr(fixture, ino, &attr), OTS_OK);
    /* Who has the file open sees it; who names the timeline must not read or cut the file. */
    assert_int_equal(getattr(fixture, file_ino, &attr), OTS_OK);
    assert_int_equal(attr.size_bytes, 21);
    struct ots_file *other;
    struct ots_error err;
    assert_int_equal(
        ots_view_open(fixture->view, file_ino, OTS_OPEN_READ, NULL, &other, &attr, &err),
        OTS_STALE);
    assert_int_equal(ots_view_truncate(fixture->view, file_ino, 0, &err), OTS_STALE);
    ots_file_close(file);
    assert_int_equal(getattr(fixture, file_ino, &attr), OTS_STALE);
}

/* Whoever has it open may ask for its attributes by the number that it had then. */
static void a_timeline_that_is_open_keeps_its_number(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_attr attr;
    assert_int_equal(view_store(fixture, "t/cpu/x", "cpu,host=a v=1i 1000\n"), OTS_OK);
    uint64_t file_ino = ino_of(fixture, "t/cpu/x");
    struct ots_file *file = view_open(fixture, "t/cpu/host=a.lp", OTS_OPEN_WRITE);
    uint64_t ino = ino_of(fixture, "t/cpu/host=a.lp");
    assert_int_equal(rename_file(fixture, "x", "host=a.lp"), OTS_OK);
    assert_int_equal(ino_of(fixture, "t/cpu/host=a.lp"), ino);
    assert_int_equal(getattr(fixture, ino, &attr), OTS_OK);
    assert_int_equal(getattr(fixture, file_ino, &attr), OTS_STALE);
    ots_file_close(file);
}

static void a_rename_that_fails_changes_no_number(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_store(fixture, "t/cpu/x", "no line\n"), OTS_OK);
    uint64_t ino = ino_of(fixture, "t/cpu/x");
    assert_int_equal(rename_file(fixture, "x", "host=a.lp"), OTS_INVALID);
    assert_int_equal(ino_of(fixture, "t/cpu/x"), ino);
    view_expect_text(fixture, "t/cpu/x", "no line\n");
}

/* It would be lost. */
static void what_became_a_timeline_is_not_written_any_more(void **state)
{
    struct view_fixture *fixture = *state;
    const char *text = "cpu,host=a v=1i 1000\n";
    struct ots_file *file = view_open(fixture, "t/cpu/x", OTS_OPEN_READ | OTS_OPEN_WRITE);
    assert_int_equal(view_write(file, 0, text), OTS_OK);
    assert_int_equal(rename_file(fixture, "x", "host=a.lp"), OTS_OK);
    assert_int_equal(view_write(file, 21, text), OTS_STALE);
    char *read = view_read_file(file, 0, 100);
    assert_string_equal(read, text);
    free(read);
    ots_file_close(file);
}

/* As rsync does it: names without end must not cost memory, nor numbers mean something else. */
static void nothing_is_left_of_it(void **state)
{
    struct view_fixture *fixture = *state;
    uint64_t last_ino = 0;
    for (int i = 0; i < 10000; i++) {
        char path[32];
        snprintf(path, sizeof(path), "t/cpu/.x.%d", i % 7);
        assert_int_equal(view_store(fixture, path, "cpu,host=a v=1i 1000\n"), OTS_OK);
        uint64_t ino = view_attr(fixture, path).ino;
        assert_true(ino > last_ino);
        last_ino = ino;
        assert_int_equal(i % 2 ? unlink_file(fixture, path + 6)
                               : rename_file(fixture, path + 6, "host=a.lp"),
                         OTS_OK);
    }
    const struct ots_staging_set *set = &fixture->view->synced.staging;
    assert_int_equal(set->count, 0);
    assert_null(set->first);
    assert_null(set->by_ino);
    assert_null(set->by_name);
    assert_int_equal(set->memory_bytes, 0);
}

static void a_measurement_that_is_removed_takes_them_along(void **state)
{
    struct view_fixture *fixture = *state;
    assert_int_equal(view_store(fixture, "t/cpu/x", "1"), OTS_OK);
    assert_int_equal(view_store(fixture, "t/mem/x", "2"), OTS_OK);
    assert_int_equal(view_rmdir(fixture, "t/cpu"), OTS_OK);
    assert_int_equal(fixture->view->synced.staging.count, 1);
    assert_int_equal(view_mkdir(fixture, "t/cpu"), OTS_OK);
    assert_int_equal(lookup(fixture, "t/cpu/x"), OTS_NOT_FOUND);
    view_expect_text(fixture, "t/mem/x", "2");
}

/* --- memory and disk --------------------------------------------------------------------------*/

static void all_of_them_have_bounded_memory(void **state)
{
    enum { FILES = 40, BYTES = 3 * 1024 * 1024 };
    struct view_fixture *fixture = *state;
    char *text = malloc(BYTES + 1);
    memset(text, 'x', BYTES);
    text[BYTES] = '\0';
    for (int i = 0; i < FILES; i++) {
        char path[32];
        snprintf(path, sizeof(path), "t/cpu/x%d", i);
        text[0] = (char)('A' + i);
        assert_int_equal(view_store(fixture, path, text), OTS_OK);
        assert_true(fixture->view->synced.staging.memory_bytes <=
                    OTS_STAGING_MEMORY_BYTES_MAX + BYTES);
    }
    for (int i = 0; i < FILES; i++) {
        char path[32];
        snprintf(path, sizeof(path), "t/cpu/x%d", i);
        text[0] = (char)('A' + i);
        view_expect_text(fixture, path, text);
        assert_int_equal(unlink_file(fixture, path + 6), OTS_OK);
    }
    assert_int_equal(fixture->view->synced.staging.memory_bytes, 0);
    free(text);
}

static void a_file_that_cannot_be_made_fails_the_write(void **state)
{
    struct view_fixture *fixture = *state;
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    struct ots_file *file = view_open(fixture, "t/cpu/x", OTS_OPEN_READ | OTS_OPEN_WRITE);
    assert_int_equal(view_write(file, 0, "text"), OTS_OK);
    setenv("TMPDIR", "/nonexistent", 1);
    assert_int_not_equal(view_write(file, OTS_SPOOL_MEMORY_BYTES_MAX, "more"), OTS_OK);
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    view_expect_text(fixture, "t/cpu/x", "text");
    assert_int_equal(view_write(file, OTS_SPOOL_MEMORY_BYTES_MAX, "more"), OTS_OK);
    ots_file_close(file);
    assert_int_equal(view_attr(fixture, "t/cpu/x").size_bytes, OTS_SPOOL_MEMORY_BYTES_MAX + 4);
    free(kept);
}

/* --- cutting timelines ------------------------------------------------------------------------*/

static void cutting_a_timeline_has_no_effect(void **state)
{
    struct view_fixture *fixture = *state;
    const char *text = "cpu,host=a v=1i 1000\n";
    assert_int_equal(view_store(fixture, "t/cpu/host=a.lp", text), OTS_OK);
    assert_int_equal(truncate_file(fixture, "t/cpu/host=a.lp", 0), OTS_OK);
    assert_int_equal(truncate_file(fixture, "t/cpu/host=a.lp", 100), OTS_OK);
    view_expect_text(fixture, "t/cpu/host=a.lp", text);
    struct ots_error err;
    assert_int_equal(ots_view_truncate(fixture->view, 4711, 0, &err), OTS_STALE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        TEST(it_is_written_and_read_anywhere),
        TEST(it_asks_the_service_nothing),
        TEST(its_lines_become_a_timeline),
        TEST(names_are_replaced_and_exchanged_as_told),
        TEST(a_rename_can_be_interrupted),
        TEST(a_small_file_is_renamed_without_waiting),
        TEST(a_rename_that_would_wait_is_gone_on_with),
        TEST(a_rename_that_nobody_goes_on_with_leaves_the_file),
        TEST(what_becomes_a_timeline_is_not_written),
        TEST(what_cannot_be_renamed),
        TEST(bad_lines_fail_the_rename_and_the_others_are_stored),
        TEST(who_has_it_open_keeps_it),
        TEST(a_new_timeline_has_its_number),
        TEST(a_timeline_that_was_there_keeps_its_number),
        TEST(a_timeline_that_is_open_keeps_its_number),
        TEST(a_rename_that_fails_changes_no_number),
        TEST(what_became_a_timeline_is_not_written_any_more),
        TEST(nothing_is_left_of_it),
        TEST(a_measurement_that_is_removed_takes_them_along),
        TEST(all_of_them_have_bounded_memory),
        TEST(a_file_that_cannot_be_made_fails_the_write),
        TEST(cutting_a_timeline_has_no_effect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
