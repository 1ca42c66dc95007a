/*
 * `.changes`: which windows may be looked up, what is asked for them and when, and what failures
 * and later changes do, against the real service.
 */
#include "tests/loop/window_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "fs/view/xattr.h"

static const int64_t SECOND_US = 1000000;
enum { HOUR_S = 3600, RETENTION_S = 168 * HOUR_S, PAGE_ROWS = 5000 };

#define ONE "cpu,host=a n=1i 1000\n"

static void put_one(struct window_fixture *fixture)
{
    window_at(fixture, 10);
    window_put(fixture, "a", 1, "n", 1);
}

/* --- names ------------------------------------------------------------------------------------*/

static void names_of_windows(void **state)
{
    struct window_fixture *fixture = *state;
    struct ots_attr attr;
    window_at(fixture, 60);
    assert_int_equal(window_lookup(fixture, 0, 50), OTS_OK);
    assert_int_equal(window_lookup(fixture, 50, 50), OTS_INVALID);
    assert_int_equal(window_lookup(fixture, 50, 0), OTS_INVALID);
    assert_int_equal(view_lookup(&fixture->mount, "t/.changes/x", &attr), OTS_NOT_FOUND);
    assert_int_equal(
        view_lookup(&fixture->mount, "t/.changes/20250102040000Z-20250102040010", &attr),
        OTS_NOT_FOUND);
    assert_int_equal(view_lookup(&fixture->mount, "t/.change", &attr), OTS_NOT_FOUND);
    assert_int_equal(view_lookup(&fixture->mount, ".changes", &attr), OTS_NOT_FOUND);
}

static void a_window_is_complete_when_it_has_settled(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_at(fixture, 20);
    assert_int_equal(window_lookup(fixture, 0, 21), OTS_INCOMPLETE);
    window_at_us(fixture, (20 + WINDOW_SETTLE_S) * SECOND_US - 2 * SECOND_US);
    assert_int_equal(window_lookup(fixture, 0, 20), OTS_INCOMPLETE);
    window_at(fixture, 20 + WINDOW_SETTLE_S);
    assert_int_equal(window_lookup(fixture, 0, 21), OTS_INCOMPLETE);
    assert_int_equal(window_lookup(fixture, 0, 20), OTS_OK);
    window_expect(fixture, 0, 20, "a", ONE);
}

/* Nothing was removed of a stream that is younger than what it keeps. */
static void a_young_stream_has_all_there_ever_was(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_at(fixture, RETENTION_S - 60);
    assert_int_equal(window_lookup(fixture, -100000000, 20), OTS_OK);
    assert_int_equal(window_lookup(fixture, -WINDOW_BASE_US / SECOND_US - 10, 20), OTS_OK);
    window_expect(fixture, -100000000, 20, "a", ONE);
    assert_int_equal(window_lookup(fixture, -100000, -90000), OTS_OK);
}

static void windows_before_what_is_kept(void **state)
{
    struct window_fixture *fixture = *state;
    int64_t now_s = 2 * RETENTION_S;
    int64_t kept_s = now_s - RETENTION_S;
    window_at(fixture, now_s);
    assert_int_equal(window_lookup(fixture, 0, now_s - 100), OTS_TRIMMED);
    assert_int_equal(window_lookup(fixture, kept_s - 10, now_s - 100), OTS_TRIMMED);
    assert_int_equal(window_lookup(fixture, kept_s + 590, kept_s + 700), OTS_TRIMMED);
    assert_int_equal(window_lookup(fixture, kept_s + 610, kept_s + 700), OTS_OK);
    /* To wait would be of no use. */
    assert_int_equal(window_lookup(fixture, 0, now_s + 100), OTS_TRIMMED);
}

/* --- listings ---------------------------------------------------------------------------------*/

static void full_hours_are_listed(void **state)
{
    struct window_fixture *fixture = *state;
    window_at(fixture, 60);
    view_expect_list(&fixture->mount, "t/.changes", "20250102030000Z-20250102040000Z ");
    window_at(fixture, 2 * HOUR_S + WINDOW_SETTLE_S - 2);
    view_expect_list(&fixture->mount, "t/.changes",
                     "20250102030000Z-20250102040000Z 20250102040000Z-20250102050000Z ");
    window_at(fixture, 2 * HOUR_S + WINDOW_SETTLE_S);
    view_expect_list(&fixture->mount, "t/.changes",
                     "20250102030000Z-20250102040000Z 20250102040000Z-20250102050000Z "
                     "20250102050000Z-20250102060000Z ");
    view_expect_list(&fixture->mount, "t", "");
    struct ots_attr attr;
    assert_int_equal(
        view_lookup(&fixture->mount, "t/.changes/20250102030000Z-20250102040000Z", &attr), OTS_OK);
}

/* Each that is listed can be looked up, at any minute, and the hours before and after cannot. */
static void what_is_listed_can_be_looked_into(void **state)
{
    struct window_fixture *fixture = *state;
    for (int64_t minute = 0; minute < 60; minute += 7) {
        window_at(fixture, RETENTION_S + HOUR_S * 3 + minute * 60);
        struct ots_attr dir = view_attr(&fixture->mount, "t/.changes");
        struct ots_listing *listing;
        assert_int_equal(ots_view_list(fixture->mount.view, dir.ino, NULL, &listing, NULL), OTS_OK);
        struct ots_slice name;
        struct ots_attr attr;
        size_t count = 0;
        for (; ots_listing_entry(fixture->mount.view, listing, count, &name, &attr); count++) {
            assert_int_equal(attr.ino, 0);
            assert_int_equal(ots_view_lookup(fixture->mount.view, dir.ino, name, NULL, &attr, NULL),
                             OTS_OK);
        }
        assert_true(count == 166 || count == 167);
        ots_listing_free(listing);
    }
}

/* --- what is asked ----------------------------------------------------------------------------*/

static void only_the_window_is_read(void **state)
{
    struct window_fixture *fixture = *state;
    window_at(fixture, 10);
    window_put_many(fixture, "a", 0, 12000);
    window_at(fixture, 20);
    window_put_many(fixture, "a", 20000, 7000);
    window_at(fixture, 30);
    window_put_many(fixture, "a", 40000, 12000);
    window_at(fixture, 60);
    window_lookup(fixture, 20, 30);
    tap_forget(&fixture->tap);
    atomic_store(&fixture->record_count, 0);
    struct window_path path = window_path(20, 30, "/cpu/host=a.lp");
    char *wanted = view_lines("cpu,host=a", 20000, 7000);
    assert_int_equal(view_attr(&fixture->mount, path.text).size_bytes, strlen(wanted));
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_SHARD_ITERATOR), 1);
    assert_true(fixture->record_count >= 7000);
    assert_true(fixture->record_count <= 7000 + PAGE_ROWS);
    size_t asked = tap_count_all(&fixture->tap);
    assert_int_equal(asked, tap_count(&fixture->tap, OTS_ACTION_LIST_STREAMS) +
                                tap_count(&fixture->tap, OTS_ACTION_DESCRIBE_STREAM) + 1 +
                                tap_count(&fixture->tap, OTS_ACTION_STREAM_RECORDS));
    assert_true(asked <= 8);
    window_expect(fixture, 20, 30, "a", wanted);
    assert_int_equal(tap_count_all(&fixture->tap), asked);
    free(wanted);
}

/* Shards that were made after the window, out of one that reached its end, are not read. */
static void shards_behind_the_window_are_not_read(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_at(fixture, 20);
    for (char host[] = "b"; *host < 'k'; ++*host)
        window_put(fixture, host, 1, "n", 1);
    window_split(fixture);
    window_at(fixture, 30);
    for (char host[] = "b"; *host < 'k'; ++*host)
        window_put(fixture, host, 1, "n", 2);
    window_at(fixture, 60);
    tap_forget(&fixture->tap);
    window_expect(fixture, 0, 15, "a", ONE);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_STREAM_RECORDS), 1);
}

static void a_window_is_read_once(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_at(fixture, 60);
    window_expect(fixture, 0, 20, "a", ONE);
    struct ots_attr before = view_attr(&fixture->mount, window_path(0, 20, "/cpu/host=a.lp").text);
    /* Whatever is put later, and however old it gets. */
    window_put(fixture, "a", 1, "n", 9);
    window_put(fixture, "b", 1, "n", 9);
    window_at(fixture, 100000);
    tap_forget(&fixture->tap);
    window_expect(fixture, 0, 20, "a", ONE);
    window_expect(fixture, 0, 20, "b", NULL);
    view_expect_list(&fixture->mount, window_path(0, 20, "/cpu").text, "host=a.lp ");
    struct ots_attr after = view_attr(&fixture->mount, window_path(0, 20, "/cpu/host=a.lp").text);
    assert_int_equal(before.ino, after.ino);
    assert_int_equal(before.mtime_ns, after.mtime_ns);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_STREAM_RECORDS), 0);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_SPLIT), 0);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_GET), 0);
}

/* Another mount, another time: the same. */
static void a_window_is_the_same_in_every_mount(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_split(fixture);
    window_at(fixture, 15);
    window_put(fixture, "a", 0, "n", 2);
    window_at(fixture, 60);
    window_expect(fixture, 0, 20, "a", "cpu,host=a n=2i 0\n" ONE);
    window_put(fixture, "a", 0, "n", 3);
    window_remount(fixture, OTS_PRECISION_NS, false);
    window_at(fixture, 1000);
    window_expect(fixture, 0, 20, "a", "cpu,host=a n=2i 0\n" ONE);
}

static void a_window_that_was_read_outlives_its_records(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_at(fixture, 60);
    window_expect(fixture, 0, 20, "a", ONE);
    window_at(fixture, 2 * RETENTION_S);
    window_expect(fixture, 0, 20, "a", ONE);
    assert_int_equal(window_lookup(fixture, 0, 21), OTS_TRIMMED);
}

static void a_table_that_is_made_anew(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_put(fixture, "b", 1, "n", 1);
    window_at(fixture, 60);
    struct window_path path = window_path(0, 20, "/cpu/host=a.lp");
    struct ots_file *file = view_open(&fixture->mount, path.text, OTS_OPEN_READ);
    window_make_anew(fixture);
    window_at(fixture, 70);
    window_put(fixture, "b", 2, "n", 2);
    window_at(fixture, 100);
    window_expect(fixture, 0, 20, "b", NULL);
    window_expect(fixture, 0, 20, "a", NULL);
    view_expect_list(&fixture->mount, window_path(0, 20, "").text, "");
    window_expect(fixture, 65, 80, "b", "cpu,host=b n=2i 2000\n");
    /* What was open shows what it showed. */
    char *text = view_read_file(file, 0, 100);
    assert_string_equal(text, ONE);
    free(text);
    ots_file_close(file);
}

/* --- who waits --------------------------------------------------------------------------------*/

static enum ots_status run_lookup(struct view_waiter *waiter)
{
    struct ots_attr dir;
    struct ots_error err;
    enum ots_status status = view_lookup(waiter->fixture, waiter->path, &dir);
    return status == OTS_OK ? ots_view_lookup(waiter->fixture->view, dir.ino, OTS_SLICE("cpu"),
                                              &waiter->interrupt, &waiter->attr, &err)
                            : status;
}

static void many_who_look_are_one_reader(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_at(fixture, 60);
    struct window_path path = window_path(0, 20, "");
    window_lookup(fixture, 0, 20);
    tap_hold(&fixture->tap, OTS_ACTION_STREAM_RECORDS);
    struct view_waiter waiters[4];
    for (int i = 0; i < 4; i++) {
        waiters[i] =
            (struct view_waiter){.fixture = &fixture->mount, .run = run_lookup, .path = path.text};
        view_waiter_start(&waiters[i]);
    }
    tap_wait_held(&fixture->tap);
    tap_release(&fixture->tap);
    for (int i = 0; i < 4; i++) {
        view_waiter_join(&waiters[i]);
        assert_int_equal(waiters[i].status, OTS_OK);
        assert_int_equal(waiters[i].attr.ino, waiters[0].attr.ino);
    }
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_SHARD_ITERATOR), 1);
}

static void who_waits_can_be_interrupted(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_at(fixture, 60);
    struct window_path path = window_path(0, 20, "");
    tap_hold(&fixture->tap, OTS_ACTION_STREAM_RECORDS);
    struct view_waiter waiter = {.fixture = &fixture->mount, .run = run_lookup, .path = path.text};
    view_waiter_start(&waiter);
    tap_wait_held(&fixture->tap);
    ots_interrupt_raise(&waiter.interrupt);
    view_waiter_join(&waiter);
    assert_int_equal(waiter.status, OTS_CANCELLED);
    tap_release(&fixture->tap);
    window_expect(fixture, 0, 20, "a", ONE);
}

/* --- failures ---------------------------------------------------------------------------------*/

static void failures_leave_nothing_behind(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_at(fixture, 60);
    struct window_path path = window_path(0, 20, "");
    static const enum ots_action ACTIONS[] = {OTS_ACTION_SHARD_ITERATOR, OTS_ACTION_STREAM_RECORDS,
                                              OTS_ACTION_LIST_STREAMS, OTS_ACTION_DESCRIBE_STREAM};
    assert_int_equal(window_lookup(fixture, 0, 20), OTS_OK);
    for (size_t i = 0; i < 4; i++) {
        tap_fail(&fixture->tap, ACTIONS[i], OTS_TIMEOUT, 1);
        assert_int_equal(view_list_status(&fixture->mount, path.text), OTS_TIMEOUT);
    }
    tap_fail(&fixture->tap, OTS_ACTION_STREAM_RECORDS, OTS_NETWORK, 1);
    assert_int_equal(view_list_status(&fixture->mount, path.text), OTS_NETWORK);
    window_expect(fixture, 0, 20, "a", ONE);
}

static void a_stream_that_cannot_be_read(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_at(fixture, 60);
    tap_fail(&fixture->tap, OTS_ACTION_LIST_STREAMS, OTS_DENIED, 1);
    assert_int_equal(window_lookup(fixture, 0, 20), OTS_DENIED);
    assert_int_equal(view_list_status(&fixture->mount, "t/.changes"), OTS_DENIED);
    window_at(fixture, 62);
    tap_fail(&fixture->tap, OTS_ACTION_DESCRIBE_STREAM, OTS_UNSUPPORTED, 1);
    assert_int_equal(window_lookup(fixture, 0, 20), OTS_DENIED);
    window_at(fixture, 64);
    assert_int_equal(window_lookup(fixture, 0, 20), OTS_OK);
    tap_fail(&fixture->tap, OTS_ACTION_STREAM_RECORDS, OTS_DENIED, 1);
    assert_int_equal(view_list_status(&fixture->mount, window_path(0, 20, "").text), OTS_DENIED);
    window_expect(fixture, 0, 20, "a", ONE);
    window_remount(fixture, OTS_PRECISION_NS, true);
    assert_int_equal(window_lookup(fixture, 0, 20), OTS_DENIED);
    assert_int_equal(window_lookup(fixture, 20, 0), OTS_INVALID);
    assert_int_equal(view_list_status(&fixture->mount, "t/.changes"), OTS_DENIED);
}

static enum ots_status run_list(struct view_waiter *waiter)
{
    return view_list_status(waiter->fixture, waiter->path);
}

static void records_that_are_removed_while_they_are_read(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_at(fixture, 60);
    struct window_path path = window_path(0, 20, "");
    tap_hold(&fixture->tap, OTS_ACTION_STREAM_RECORDS);
    struct view_waiter waiter = {.fixture = &fixture->mount, .run = run_list, .path = path.text};
    view_waiter_start(&waiter);
    tap_wait_held(&fixture->tap);
    window_trim(fixture);
    tap_release(&fixture->tap);
    view_waiter_join(&waiter);
    assert_int_equal(waiter.status, OTS_TRIMMED);
}

/* Who is too slow: the window was kept when reading began. */
static void retention_passes_the_window_while_it_is_read(void **state)
{
    struct window_fixture *fixture = *state;
    int64_t now_s = 2 * RETENTION_S;
    int64_t kept_s = now_s - RETENTION_S;
    window_at(fixture, kept_s + 700);
    window_put(fixture, "a", 1, "n", 1);
    window_at(fixture, now_s);
    struct window_path path = window_path(kept_s + 690, kept_s + 710, "");
    assert_int_equal(window_lookup(fixture, kept_s + 690, kept_s + 710), OTS_OK);
    tap_hold(&fixture->tap, OTS_ACTION_STREAM_RECORDS);
    struct view_waiter waiter = {.fixture = &fixture->mount, .run = run_list, .path = path.text};
    view_waiter_start(&waiter);
    tap_wait_held(&fixture->tap);
    window_at(fixture, now_s + 800);
    tap_release(&fixture->tap);
    view_waiter_join(&waiter);
    assert_int_equal(waiter.status, OTS_TRIMMED);
}

/* --- what does not change ---------------------------------------------------------------------*/

static void a_window_can_only_be_read(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_at(fixture, 60);
    struct window_path file = window_path(0, 20, "/cpu/host=a.lp");
    struct window_path other = window_path(0, 20, "/cpu/host=b.lp");
    struct window_path measurement = window_path(0, 20, "/mem");
    struct ots_attr attr = view_attr(&fixture->mount, file.text);
    assert_int_equal(view_open_status(&fixture->mount, file.text, OTS_OPEN_WRITE), OTS_READ_ONLY);
    assert_int_equal(view_create_status(&fixture->mount, other.text, OTS_OPEN_WRITE),
                     OTS_READ_ONLY);
    assert_int_equal(view_mkdir(&fixture->mount, measurement.text), OTS_READ_ONLY);
    assert_int_equal(view_mkdir(&fixture->mount, "t/.changes/x"), OTS_READ_ONLY);
    assert_int_equal(view_unlink(&fixture->mount, file.text), OTS_READ_ONLY);
    int64_t mtime_ns = 5;
    assert_int_equal(ots_view_setattr(fixture->mount.view, attr.ino, &mtime_ns, &attr),
                     OTS_READ_ONLY);
    assert_int_equal(ots_view_truncate(fixture->mount.view, attr.ino, 0, NULL), OTS_READ_ONLY);
    assert_int_equal(ots_view_setxattr(fixture->mount.view, attr.ino, OTS_SLICE("user.ots.attr.x"),
                                       OTS_SLICE("1"), OTS_ATTRIBUTE_SET, NULL, NULL),
                     OTS_READ_ONLY);
}

/* The files that are open when a view is forgotten, because too many others are used. */
static void open_files_of_many_windows(void **state)
{
    struct window_fixture *fixture = *state;
    put_one(fixture);
    window_at(fixture, 5000);
    struct window_path path = window_path(0, 20, "/cpu/host=a.lp");
    struct ots_file *file = view_open(&fixture->mount, path.text, OTS_OPEN_READ);
    for (int64_t to = 1; to < 1200; to++)
        assert_int_equal(window_lookup(fixture, 0, 1000 + to), OTS_OK);
    char *text = view_read_file(file, 0, 100);
    assert_string_equal(text, ONE);
    free(text);
    ots_file_close(file);
    for (int64_t to = 1; to < 1200; to++)
        assert_int_equal(window_lookup(fixture, 1, 1000 + to), OTS_OK);
    window_expect(fixture, 0, 20, "a", ONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, window_setup, window_teardown)
        T(names_of_windows),
        T(a_window_is_complete_when_it_has_settled),
        T(a_young_stream_has_all_there_ever_was),
        T(windows_before_what_is_kept),
        T(full_hours_are_listed),
        T(what_is_listed_can_be_looked_into),
        T(only_the_window_is_read),
        T(shards_behind_the_window_are_not_read),
        T(a_window_is_read_once),
        T(a_window_is_the_same_in_every_mount),
        T(a_window_that_was_read_outlives_its_records),
        T(a_table_that_is_made_anew),
        T(many_who_look_are_one_reader),
        T(who_waits_can_be_interrupted),
        T(failures_leave_nothing_behind),
        T(a_stream_that_cannot_be_read),
        T(records_that_are_removed_while_they_are_read),
        T(retention_passes_the_window_while_it_is_read),
        T(a_window_can_only_be_read),
        T(open_files_of_many_windows),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
