/*
 * `.changes`: what windows show of what was put, against the real service.
 */
#include "tests/loop/window_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "fs/view/xattr.h"

static const int64_t SECOND_US = 1000000;

/* --- what windows hold ------------------------------------------------------------------------*/

static void a_window_shows_what_was_put_in_it(void **state)
{
    struct window_fixture *fixture = *state;
    window_at(fixture, 10);
    window_put(fixture, "a", 1, "n", 1);
    window_put(fixture, "b", 1, "n", 2);
    window_at(fixture, 20);
    window_put(fixture, "a", 2, "n", 3);
    window_at(fixture, 60);
    window_expect(fixture, 5, 15, "a", "cpu,host=a n=1i 1000\n");
    window_expect(fixture, 5, 15, "b", "cpu,host=b n=2i 1000\n");
    window_expect(fixture, 15, 25, "a", "cpu,host=a n=3i 2000\n");
    window_expect(fixture, 15, 25, "b", NULL);
    window_expect(fixture, 0, 30, "a", "cpu,host=a n=1i 1000\ncpu,host=a n=3i 2000\n");
    window_expect(fixture, 25, 30, "a", NULL);
    view_expect_list(&fixture->mount, window_path(0, 30, "").text, "cpu ");
    view_expect_list(&fixture->mount, window_path(0, 30, "/cpu").text, "host=a.lp host=b.lp ");
    view_expect_list(&fixture->mount, window_path(15, 25, "/cpu").text, "host=a.lp ");
    view_expect_list(&fixture->mount, window_path(25, 30, "").text, "");
}

/* The start belongs to a window, the end does not, to the microsecond. */
static void the_bounds_of_a_window(void **state)
{
    struct window_fixture *fixture = *state;
    static const int64_t PUTS[] = {9999999, 10000000, 10000001, 19999999, 20000000, 20000001};
    for (int i = 0; i < 6; i++) {
        window_at_us(fixture, PUTS[i]);
        window_put(fixture, "a", i, "n", i);
    }
    window_at(fixture, 60);
    window_expect(fixture, 0, 10, "a", "cpu,host=a n=0i 0\n");
    window_expect(fixture, 10, 20, "a",
                  "cpu,host=a n=1i 1000\ncpu,host=a n=2i 2000\ncpu,host=a n=3i 3000\n");
    window_expect(fixture, 20, 30, "a", "cpu,host=a n=4i 4000\ncpu,host=a n=5i 5000\n");
}

static void the_last_record_of_a_row_counts(void **state)
{
    struct window_fixture *fixture = *state;
    window_at(fixture, 10);
    window_put(fixture, "a", 1, "n", 1);
    window_put(fixture, "a", 2, "n", 2);
    window_at(fixture, 11);
    window_put(fixture, "a", 1, "m", 3);
    window_at(fixture, 20);
    window_put(fixture, "a", 1, "n", 4);
    window_at(fixture, 60);
    window_expect(fixture, 10, 11, "a", "cpu,host=a n=1i 1000\ncpu,host=a n=2i 2000\n");
    window_expect(fixture, 10, 20, "a", "cpu,host=a m=3i 1000\ncpu,host=a n=2i 2000\n");
    window_expect(fixture, 10, 30, "a", "cpu,host=a n=4i 1000\ncpu,host=a n=2i 2000\n");
    window_expect(fixture, 15, 30, "a", "cpu,host=a n=4i 1000\n");
}

static void rows_that_were_deleted_or_updated(void **state)
{
    struct window_fixture *fixture = *state;
    fixture->is_changing_types = true;
    window_at(fixture, 10);
    window_put(fixture, "a", 1, "n", 1);
    window_put(fixture, "a", 2, "n", 2);
    window_put(fixture, "b", 1, "n", 3);
    window_at(fixture, 11);
    window_put(fixture, "a", 1, "deleted", 1);
    window_put(fixture, "b", 1, "deleted", 1);
    window_put(fixture, "c", 1, "deleted", 1);
    window_at(fixture, 12);
    window_put(fixture, "b", 1, "n", 4);
    window_at(fixture, 13);
    window_put(fixture, "a", 2, "updated", 5);
    window_at(fixture, 60);
    window_expect(fixture, 10, 12, "a", "cpu,host=a n=2i 2000\n");
    window_expect(fixture, 10, 12, "b", NULL);
    window_expect(fixture, 10, 12, "c", NULL);
    window_expect(fixture, 10, 20, "a", "cpu,host=a updated=5i 2000\n");
    window_expect(fixture, 10, 20, "b", "cpu,host=b n=4i 1000\n");
    window_expect(fixture, 11, 12, "a", NULL);
    view_expect_list(&fixture->mount, window_path(11, 12, "").text, "");
}

static void times_are_those_of_the_last_commit(void **state)
{
    struct window_fixture *fixture = *state;
    window_at_us(fixture, 10000001);
    window_put(fixture, "a", 7, "n", 1);
    window_at_us(fixture, 12345678);
    window_put(fixture, "a", 3, "n", 2);
    window_at(fixture, 13);
    window_put(fixture, "b", 3, "n", 2);
    window_at(fixture, 20);
    window_put(fixture, "a", 9, "n", 3);
    window_at(fixture, 60);
    struct ots_attr attr = view_attr(&fixture->mount, window_path(10, 20, "/cpu/host=a.lp").text);
    assert_int_equal(attr.mtime_ns, (WINDOW_BASE_US + 12345678) * 1000);
    assert_int_equal(attr.permissions, 0444);
    assert_false(attr.is_directory);
    attr = view_attr(&fixture->mount, window_path(10, 20, "/cpu").text);
    assert_int_equal(attr.mtime_ns, (WINDOW_BASE_US + 13 * SECOND_US) * 1000);
    assert_int_equal(attr.permissions, 0555);
    attr = view_attr(&fixture->mount, window_path(10, 20, "").text);
    assert_int_equal(attr.mtime_ns, (WINDOW_BASE_US + 13 * SECOND_US) * 1000);
}

/* --- all windows together ---------------------------------------------------------------------*/

enum { HOSTS = 12, STEPS = 90, WINDOW_S = 7 };

static const char *host_name(int host)
{
    static const char *const NAMES[HOSTS] = {"a", "b", "c", "d", "e", "f",
                                             "g", "h", "i", "j", "k", "l"};
    return NAMES[host];
}

/* What the windows show of the host, one behind the other. */
static void append_windows(struct window_fixture *fixture, const char *host, struct ots_buf *text)
{
    for (int64_t from = 0; from < STEPS; from += WINDOW_S) {
        struct window_path path = window_path(from, from + WINDOW_S, "");
        char *part = window_text(fixture, path.text, host);
        ots_buf_append_str(text, part ? part : "");
        free(part);
    }
}

/* One step a second, some rows each, while shards are split and merged: each row is new and has a
 * later time, so the windows' texts make up the whole. */
static void windows_make_up_everything(void **state)
{
    struct window_fixture *fixture = *state;
    struct test_random random = {5};
    struct ots_buf wanted[HOSTS] = {{0}};
    for (int step = 0; step < STEPS; step++) {
        window_at(fixture, step);
        for (int host = 0; host < HOSTS; host++) {
            if (test_random_below(&random, 3) == 0)
                continue;
            window_put(fixture, host_name(host), step + 1, "n", step * 100 + host);
            ots_buf_append_fmt(&wanted[host], "cpu,host=%s n=%di %d000\n", host_name(host),
                               step * 100 + host, step + 1);
        }
        if (step % 20 == 5)
            window_split(fixture);
        if (step % 20 == 15)
            window_merge(fixture);
    }
    window_at(fixture, STEPS + 60);
    for (int host = 0; host < HOSTS; host++) {
        struct ots_buf got = OTS_BUF_INIT;
        append_windows(fixture, host_name(host), &got);
        assert_int_equal(got.size, wanted[host].size);
        assert_memory_equal(got.data, wanted[host].data, got.size);
        char *whole = window_text(fixture, window_path(-10, STEPS + 10, "").text, host_name(host));
        assert_int_equal(strlen(whole), wanted[host].size);
        assert_memory_equal(whole, wanted[host].data, wanted[host].size);
        free(whole);
        ots_buf_deinit(&got);
        ots_buf_deinit(&wanted[host]);
    }
}

/* --- views in views ---------------------------------------------------------------------------*/

static void windows_nest_with_other_views(void **state)
{
    struct window_fixture *fixture = *state;
    window_at(fixture, 10);
    window_put(fixture, "a", 1000000, "n", 1);
    window_put(fixture, "a", 2000000, "m", 2);
    window_put(fixture, "a", 9000000, "n", 3);
    window_put(fixture, "b", 9000000, "m", 4);
    window_at(fixture, 20);
    window_put(fixture, "a", 1500000, "n", 5);
    window_at(fixture, 60);
    static const char RANGE[] = ".range/19700101000000Z-19700101000005Z";
    char paths[4][1000];
    struct window_path window = window_path(10, 20, "");
    const char *name = window.text + strlen("t/");
    snprintf(paths[0], sizeof(paths[0]), "t/%s/%s/.fields/n", name, RANGE);
    snprintf(paths[1], sizeof(paths[1]), "t/.fields/n/%s/%s", name, RANGE);
    snprintf(paths[2], sizeof(paths[2]), "t/%s/.fields/n:integer,x/%s", RANGE, name);
    snprintf(paths[3], sizeof(paths[3]), "t/.fields/n/%s/%s/%s", RANGE,
             window_path(0, 30, "").text + strlen("t/"), name);
    for (int i = 0; i < 4; i++) {
        char *text = window_text(fixture, paths[i], "a");
        assert_string_equal(text, "cpu,host=a n=1i 1000000000\n");
        free(text);
        assert_null(window_text(fixture, paths[i], "b"));
    }
    char path[1000];
    snprintf(path, sizeof(path), "t/%s/.fields/n:string", name);
    view_expect_list(&fixture->mount, path, "");
    window_expect(fixture, 10, 20, "b", "cpu,host=b m=4i 9000000000\n");
}

/* Rows that are about to expire, or have, are shown nowhere. */
static void rows_that_expire(void **state)
{
    struct window_fixture *fixture = *state;
    enum { LIFE_S = 86400 };
    TEST_CALL(update, OTS_ACTION_UPDATE_TABLE);
    update.request.update_table.meta = OTS_TABLE_META_DEFAULT;
    update.request.update_table.meta.name = OTS_SLICE("t");
    update.request.update_table.meta.has_time_to_live = true;
    update.request.update_table.meta.time_to_live_s = LIFE_S;
    loop_call_ok(&fixture->loop, &update);
    int64_t cut_us = WINDOW_BASE_US + (60 - LIFE_S + 600) * SECOND_US;
    window_at(fixture, 10);
    window_put(fixture, "a", cut_us - 1, "n", 1);
    window_put(fixture, "b", cut_us - 1, "n", 2);
    window_put(fixture, "b", cut_us, "n", 3);
    window_at(fixture, 60);
    char wanted[100];
    snprintf(wanted, sizeof(wanted), "cpu,host=b n=3i %lld000\n", (long long)cut_us);
    window_expect(fixture, 10, 20, "a", NULL);
    window_expect(fixture, 10, 20, "b", wanted);
    /* What was read stays as it is. */
    window_at(fixture, 10 * LIFE_S / 24);
    window_expect(fixture, 10, 20, "b", wanted);
}

/* A row's last record decides, also when it has none of the fields. */
static void fields_are_those_of_the_last_record(void **state)
{
    struct window_fixture *fixture = *state;
    window_at(fixture, 10);
    window_put(fixture, "a", 1, "n", 1);
    window_put(fixture, "a", 2, "n", 2);
    window_at(fixture, 11);
    window_put(fixture, "a", 1, "m", 3);
    window_at(fixture, 60);
    char *text = window_text(fixture, window_path(10, 20, "/.fields/n").text, "a");
    assert_string_equal(text, "cpu,host=a n=2i 2000\n");
    free(text);
}

static void windows_in_windows_are_what_both_hold(void **state)
{
    struct window_fixture *fixture = *state;
    for (int64_t i = 0; i < 30; i += 10) {
        window_at(fixture, i + 5);
        window_put(fixture, "a", i, "n", i);
    }
    window_at(fixture, 60);
    struct window_path first = window_path(0, 20, "");
    struct window_path second = window_path(10, 30, "");
    struct window_path apart = window_path(30, 40, "");
    char path[1000];
    snprintf(path, sizeof(path), "%s/%s", first.text, second.text + strlen("t/"));
    char *text = window_text(fixture, path, "a");
    assert_string_equal(text, "cpu,host=a n=10i 10000\n");
    free(text);
    struct ots_attr attr;
    snprintf(path, sizeof(path), "%s/%s", first.text, apart.text + strlen("t/"));
    assert_int_equal(view_lookup(&fixture->mount, path, &attr), OTS_INVALID);
    /* What lies in a complete window is complete. */
    snprintf(path, sizeof(path), "%s/%s", first.text,
             window_path(10, 100000, "").text + strlen("t/"));
    assert_int_equal(view_lookup(&fixture->mount, path, &attr), OTS_OK);
}

/* --- texts ------------------------------------------------------------------------------------*/

static void rows_that_the_precision_cannot_show(void **state)
{
    struct window_fixture *fixture = *state;
    window_remount(fixture, OTS_PRECISION_S, false);
    window_at(fixture, 10);
    window_put(fixture, "a", 1000000, "n", 1);
    window_put(fixture, "a", 1500000, "n", 2);
    window_put(fixture, "a", 2000000, "n", 3);
    window_put(fixture, "b", 2000000, "n", 4);
    window_at(fixture, 60);
    struct window_path path = window_path(10, 20, "/cpu/host=a.lp");
    size_t size = strlen("cpu,host=a n=1i 1\n");
    assert_int_equal(view_attr(&fixture->mount, path.text).size_bytes, 3 * size);
    struct ots_file *file = view_open(&fixture->mount, path.text, OTS_OPEN_READ);
    struct ots_error err;
    struct ots_buf text = OTS_BUF_INIT;
    assert_int_equal(ots_file_read(file, 0, 1000, NULL, &text, &err), OTS_IO);
    assert_non_null(strstr(err.message, "cpu/host=a.lp"));
    assert_int_equal(ots_file_read(file, size, 1, NULL, &text, &err), OTS_IO);
    assert_int_equal(text.size, 0);
    ots_buf_deinit(&text);
    char *before = view_read_file(file, 0, size);
    char *behind = view_read_file(file, 2 * size, 1000);
    assert_string_equal(before, "cpu,host=a n=1i 1\n");
    assert_string_equal(behind, "cpu,host=a n=3i 2\n");
    free(before);
    free(behind);
    ots_file_close(file);
    window_expect(fixture, 10, 20, "b", "cpu,host=b n=4i 2\n");
}

/* Give the timeline an attribute: x=1. */
static void set_attribute(struct window_fixture *fixture, const char *host)
{
    const struct ots_tag tag = {OTS_SLICE("host"), ots_slice_str(host)};
    const struct ots_tag attribute = {OTS_SLICE("x"), OTS_SLICE("1")};
    const struct ots_meta_update update = {.key = {OTS_SLICE("cpu"), OTS_SLICE_NONE, &tag, 1},
                                           .attributes = &attribute,
                                           .attribute_count = 1,
                                           .has_attributes = true};
    TEST_CALL(call, OTS_ACTION_UPDATE_META);
    call.request.update_meta =
        (struct ots_update_meta_request){.table = OTS_SLICE("t"), .updates = &update, .count = 1};
    loop_call_ok(&fixture->loop, &call);
}

static void expect_attribute(struct window_fixture *fixture, uint64_t ino)
{
    struct ots_error err;
    struct ots_buf value = OTS_BUF_INIT;
    if (ots_view_getxattr(fixture->mount.view, ino, OTS_SLICE("user.ots.attr.x"), NULL, &value,
                          &err) != OTS_OK)
        fail_msg("%s", err.message);
    assert_true(ots_slice_equal(ots_buf_slice(&value), OTS_SLICE("1")));
    ots_buf_deinit(&value);
}

/* A tag so long that the timeline's name ends in a hash. */
static void names_that_do_not_tell_the_key(void **state)
{
    struct window_fixture *fixture = *state;
    char host[301];
    memset(host, 'h', 300);
    host[300] = 0;
    set_attribute(fixture, host);
    set_attribute(fixture, "a");
    window_at(fixture, 10);
    window_put(fixture, host, 1, "n", 1);
    window_put(fixture, "a", 1, "n", 2);
    window_at(fixture, 60);
    struct window_path path = window_path(10, 20, "/cpu");
    struct window_path path_of_a = window_path(10, 20, "/cpu/host=a.lp");
    struct ots_attr dir = view_attr(&fixture->mount, path.text);
    struct ots_listing *listing;
    struct ots_slice name;
    struct ots_attr attr;
    assert_int_equal(ots_view_list(fixture->mount.view, dir.ino, NULL, &listing, NULL), OTS_OK);
    assert_true(ots_listing_entry(fixture->mount.view, listing, 1, &name, &attr));
    assert_int_equal(name.size, 240);
    assert_int_equal(attr.size_bytes, strlen("cpu,host= n=1i 1000\n") + 300);
    ots_listing_free(listing);
    struct ots_file *file;
    assert_int_equal(
        ots_view_open(fixture->mount.view, attr.ino, OTS_OPEN_READ, NULL, &file, &attr, NULL),
        OTS_OK);
    char *text = view_read_file(file, 0, 1000);
    assert_memory_equal(text, "cpu,host=hhhh", 13);
    expect_attribute(fixture, attr.ino);
    expect_attribute(fixture, view_attr(&fixture->mount, path_of_a.text).ino);
    free(text);
    ots_file_close(file);
}

static void reading_anywhere(void **state)
{
    struct window_fixture *fixture = *state;
    window_at(fixture, 10);
    window_put_many(fixture, "a", 1000000, 4000);
    window_put_many(fixture, "b", 1000000, 10);
    window_at(fixture, 60);
    struct window_path path = window_path(10, 20, "/cpu/host=a.lp");
    struct ots_file *file = view_open(&fixture->mount, path.text, OTS_OPEN_READ);
    char *lines = view_lines("cpu,host=a", 1000000, 4000);
    size_t size = strlen(lines);
    assert_int_equal(view_attr(&fixture->mount, path.text).size_bytes, size);
    for (size_t at = 0; at < size; at += 9973) {
        char *part = view_read_file(file, at, 5000);
        size_t wanted = size - at < 5000 ? size - at : 5000;
        assert_int_equal(strlen(part), wanted);
        assert_memory_equal(part, lines + at, wanted);
        free(part);
    }
    char *end = view_read_file(file, size, 10);
    assert_string_equal(end, "");
    free(end);
    free(lines);
    ots_file_close(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, window_setup, window_teardown)
        T(a_window_shows_what_was_put_in_it),
        T(the_bounds_of_a_window),
        T(the_last_record_of_a_row_counts),
        T(rows_that_were_deleted_or_updated),
        T(times_are_those_of_the_last_commit),
        T(windows_make_up_everything),
        T(windows_nest_with_other_views),
        T(rows_that_expire),
        T(fields_are_those_of_the_last_record),
        T(windows_in_windows_are_what_both_hold),
        T(rows_that_the_precision_cannot_show),
        T(names_that_do_not_tell_the_key),
        T(reading_anywhere),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
