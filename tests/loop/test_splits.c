/*
 * `.splits` against the real service: what listing and copying them asks of it, and windows of
 * changes in them.
 */
#include "tests/loop/window_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "fs/view/share.h"

enum { HOSTS = 12, WORKERS = 4 };

static const char *host_name(int host)
{
    static const char *const NAMES[HOSTS] = {"a", "b", "c", "d", "e", "f",
                                             "g", "h", "i", "j", "k", "l"};
    return NAMES[host];
}

static unsigned split_of(const char *host, unsigned count)
{
    char name[32];
    snprintf(name, sizeof(name), "host=%s.lp", host);
    return (unsigned)(ots_share_hash(OTS_SLICE("cpu"), ots_slice_str(name)) % count);
}

static void put_hosts(struct window_fixture *fixture, int64_t second)
{
    window_at(fixture, second);
    for (int i = 0; i < HOSTS; i++)
        window_put(fixture, host_name(i), second, "n", i);
}

/* What a worker's walk through its split finds: how many files, all with their sizes. */
static size_t walk(struct window_fixture *fixture, unsigned index)
{
    struct view_fixture *mount = &fixture->mount;
    char path[64];
    struct ots_attr attr;
    snprintf(path, sizeof(path), "t/.splits/%u-of-%u", index, (unsigned)WORKERS);
    assert_int_equal(view_list_status(mount, path), OTS_OK);
    strcat(path, "/cpu");
    if (view_lookup(mount, path, &attr) != OTS_OK)
        return 0;
    assert_int_equal(view_list_status(mount, path), OTS_OK);
    size_t count = 0;
    for (int i = 0; i < HOSTS; i++) {
        char file[128];
        snprintf(file, sizeof(file), "%s/host=%s.lp", path, host_name(i));
        if (view_lookup(mount, file, &attr) != OTS_OK)
            continue;
        assert_int_equal(split_of(host_name(i), WORKERS), index);
        assert_true(attr.size_bytes > 0);
        count++;
    }
    return count;
}

static void walks_of_all_workers_measure_once(void **state)
{
    struct window_fixture *fixture = *state;
    put_hosts(fixture, 10);
    tap_forget(&fixture->tap);
    size_t found = walk(fixture, 0);
    size_t splits = tap_count(&fixture->tap, OTS_ACTION_SPLIT);
    assert_int_equal(splits, 1);
    size_t scans = tap_count(&fixture->tap, OTS_ACTION_SCAN);
    for (unsigned index = 1; index < WORKERS; index++)
        found += walk(fixture, index);
    view_expect_list(&fixture->mount, "t", "cpu ");
    assert_int_equal(found, HOSTS);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_SPLIT), 1);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_SCAN), scans);
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_GET), 0);
}

static void splits_of_a_measured_table_ask_nothing(void **state)
{
    struct window_fixture *fixture = *state;
    put_hosts(fixture, 10);
    view_expect_list(&fixture->mount, "t", "cpu ");
    tap_forget(&fixture->tap);
    size_t found = 0;
    for (unsigned index = 0; index < WORKERS; index++)
        found += walk(fixture, index);
    assert_int_equal(found, HOSTS);
    assert_int_equal(tap_count_all(&fixture->tap), 0);
}

/* Of a file that fits a page one request, and no more. */
static void copying_asks_once_for_each_file(void **state)
{
    struct window_fixture *fixture = *state;
    put_hosts(fixture, 10);
    view_expect_list(&fixture->mount, "t", "cpu ");
    tap_forget(&fixture->tap);
    for (int i = 0; i < HOSTS; i++) {
        char path[128];
        char wanted[128];
        snprintf(path, sizeof(path), "t/.splits/%u-of-4/cpu/host=%s.lp",
                 split_of(host_name(i), WORKERS), host_name(i));
        snprintf(wanted, sizeof(wanted), "cpu,host=%s n=%di 10000\n", host_name(i), i);
        view_expect_text(&fixture->mount, path, wanted);
    }
    assert_int_equal(tap_count(&fixture->tap, OTS_ACTION_GET), HOSTS);
    assert_int_equal(tap_count_all(&fixture->tap), HOSTS);
}

/* `t/.changes/WINDOW/.splits/I-of-N`, or the other way round. */
static void window_split_path(int64_t from, int64_t to, unsigned index, unsigned count,
                              bool is_split_first, char path[256])
{
    struct window_path window = window_path(from, to, "");
    if (is_split_first)
        snprintf(path, 256, "t/.splits/%u-of-%u%s", index, count, window.text + strlen("t"));
    else
        snprintf(path, 256, "%s/.splits/%u-of-%u", window.text, index, count);
}

static void windows_of_changes_are_split_too(void **state)
{
    struct window_fixture *fixture = *state;
    put_hosts(fixture, 10);
    put_hosts(fixture, 20);
    window_at(fixture, 60);
    for (unsigned count = 1; count <= 5; count++) {
        for (int i = 0; i < HOSTS; i++) {
            const char *host = host_name(i);
            char wanted[128];
            snprintf(wanted, sizeof(wanted), "cpu,host=%s n=%di 20000\n", host, i);
            for (unsigned index = 0; index < count; index++) {
                char path[256];
                window_split_path(15, 25, index, count, (i + (int)index) % 2, path);
                char *text = window_text(fixture, path, host);
                if (split_of(host, count) == index)
                    assert_string_equal(text, wanted);
                else
                    assert_null(text);
                free(text);
            }
        }
    }
}

static void windows_that_cannot_be_read_say_so_in_splits(void **state)
{
    struct window_fixture *fixture = *state;
    put_hosts(fixture, 10);
    window_at(fixture, 12);
    char path[256];
    struct ots_attr attr;
    window_split_path(5, 11, 0, 2, true, path);
    assert_int_equal(view_lookup(&fixture->mount, path, &attr), OTS_INCOMPLETE);
    window_split_path(11, 5, 0, 2, true, path);
    assert_int_equal(view_lookup(&fixture->mount, path, &attr), OTS_INVALID);
}

#define LOOP_TEST(test) cmocka_unit_test_setup_teardown(test, window_setup, window_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOOP_TEST(walks_of_all_workers_measure_once),
        LOOP_TEST(splits_of_a_measured_table_ask_nothing),
        LOOP_TEST(copying_asks_once_for_each_file),
        LOOP_TEST(windows_of_changes_are_split_too),
        LOOP_TEST(windows_that_cannot_be_read_say_so_in_splits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
