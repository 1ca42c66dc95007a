/*
 * `.splits`: what each holds, what it costs, and that it is as the table is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/state.h"
#include "tests/unit/view_fixture.h"

enum { HOSTS = 12 };

/* Two measurements of a dozen timelines, with a row each at second 10 and one at second 30. */
static void put_rows(struct view_fixture *fixture)
{
    static const char *const MEASUREMENTS[] = {"cpu", "mem"};
    char lines[256];
    for (int i = 0; i < 2 * HOSTS; i++) {
        const char *measurement = MEASUREMENTS[i % 2];
        snprintf(lines, sizeof(lines),
                 "%s,host=%02d n=%di 10000000000\n%s,host=%02d n=%di,v=1.5 30000000000\n",
                 measurement, i / 2, i, measurement, i / 2, i);
        fake_store_put(fixture->fake, "t", lines);
    }
}

/* The index of a timeline's split. */
static unsigned split_of(const char *measurement, const char *timeline, unsigned count)
{
    return (unsigned)(ots_share_hash(ots_slice_str(measurement), ots_slice_str(timeline)) % count);
}

static void host_name(int host, char name[32])
{
    snprintf(name, 32, "host=%02d.lp", host);
}

/* The names of a measurement's timelines that the split should have, each followed by a space. */
static void wanted_names(const char *measurement, unsigned index, unsigned count, char *names)
{
    names[0] = '\0';
    for (int i = 0; i < HOSTS; i++) {
        char name[32];
        host_name(i, name);
        if (split_of(measurement, name, count) == index)
            strcat(strcat(names, name), " ");
    }
}

/* The path of the split that has the timeline, with or without it. */
static const char *split_path(const char *measurement, const char *timeline, unsigned count,
                              bool has_file, char path[128])
{
    unsigned index = split_of(measurement, timeline, count);
    snprintf(path, 128, "t/.splits/%u-of-%u%s%s%s%s", index, count, has_file ? "/" : "",
             has_file ? measurement : "", has_file ? "/" : "", has_file ? timeline : "");
    return path;
}

/* --- what they hold ---------------------------------------------------------------------------*/

static void expect_measurement(struct view_fixture *fixture, const char *measurement,
                               unsigned index, unsigned count)
{
    char path[128];
    char names[HOSTS * 16];
    struct ots_attr attr;
    wanted_names(measurement, index, count, names);
    snprintf(path, sizeof(path), "t/.splits/%u-of-%u/%s", index, count, measurement);
    if (names[0])
        view_expect_list(fixture, path, names);
    else
        assert_int_equal(view_lookup(fixture, path, &attr), OTS_NOT_FOUND);
}

static void splits_are_disjoint_and_complete(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    for (unsigned count = 1; count <= 17; count++) {
        for (unsigned index = 0; index < count; index++) {
            char path[128];
            char cpu[HOSTS * 16];
            char mem[HOSTS * 16];
            char names[16];
            expect_measurement(fixture, "cpu", index, count);
            expect_measurement(fixture, "mem", index, count);
            wanted_names("cpu", index, count, cpu);
            wanted_names("mem", index, count, mem);
            snprintf(names, sizeof(names), "%s%s", cpu[0] ? "cpu " : "", mem[0] ? "mem " : "");
            snprintf(path, sizeof(path), "t/.splits/%u-of-%u", index, count);
            view_expect_list(fixture, path, names);
        }
    }
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 1);
}

static void files_are_those_of_the_table(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    char path[128];
    struct ots_attr other;
    split_path("cpu", "host=03.lp", 4, true, path);
    view_expect_text(fixture, path,
                     "cpu,host=03 n=6i 10000000000\ncpu,host=03 n=6i,v=1.5 30000000000\n");
    struct ots_attr whole = view_attr(fixture, "t/cpu/host=03.lp");
    struct ots_attr split = view_attr(fixture, path);
    assert_int_equal(split.size_bytes, whole.size_bytes);
    assert_int_equal(split.mtime_ns, whole.mtime_ns);
    assert_int_equal(split.permissions, 0444);
    assert_int_not_equal(split.ino, whole.ino);
    unsigned next = (split_of("cpu", "host=03.lp", 4) + 1) % 4;
    snprintf(path, sizeof(path), "t/.splits/%u-of-4/cpu/host=03.lp", next);
    assert_int_equal(view_lookup(fixture, path, &other), OTS_NOT_FOUND);
    /* Directories have the table's times too. */
    split_path("cpu", "host=03.lp", 4, false, path);
    assert_int_equal(view_attr(fixture, path).mtime_ns, view_attr(fixture, "t").mtime_ns);
    assert_int_equal(view_attr(fixture, path).permissions, 0555);
    strcat(path, "/cpu");
    assert_int_equal(view_attr(fixture, path).mtime_ns, view_attr(fixture, "t/cpu").mtime_ns);
}

static void names_that_cannot_be_decoded(void **state)
{
    struct view_fixture *fixture = *state;
    char line[400];
    char path[400];
    snprintf(line, sizeof(line), "cpu,host=%0300d n=1i 1000\n", 7);
    fake_store_put(fixture->fake, "t", line);
    struct ots_listing *listing;
    uint64_t ino = view_attr(fixture, "t/.splits/0-of-1/cpu").ino;
    assert_int_equal(ots_view_list(fixture->view, ino, NULL, &listing, NULL), OTS_OK);
    struct ots_slice name;
    struct ots_attr attr;
    assert_true(ots_listing_entry(fixture->view, listing, 0, &name, &attr));
    assert_int_equal(attr.size_bytes, strlen(line));
    snprintf(path, sizeof(path), "t/.splits/0-of-1/cpu/%.*s", OTS_SLICE_FMT(name));
    ots_listing_free(listing);
    view_expect_text(fixture, path, line);
}

static void names_that_stand_for_no_split(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    static const char *const PATHS[] = {
        "t/.splits/4-of-4",
        "t/.splits/0-of-0",
        "t/.splits/01-of-4",
        "t/.splits/0-of-1000001",
        "t/.splits/cpu",
        "t/.splits/0-of-4/.write",
        "t/.splits/0-of-4/.splits/x",
        "t/.splits/0-of-4/.splits/1-of-4",
        "t/.splits/0-of-4/.splits/1-of-2",
        "t/.splits/0-of-1/.range/19700101000020Z-19700101000010Z",
        "t/cpu/.splits",
        ".splits",
    };
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        struct ots_attr attr;
        if (view_lookup(fixture, PATHS[i], &attr) != OTS_NOT_FOUND)
            fail_msg("%s is there", PATHS[i]);
    }
    view_expect_list(fixture, "t/.splits", "");
    view_expect_list(fixture, "t", "cpu mem ");
}

/* --- nested -----------------------------------------------------------------------------------*/

#define LATE ".range/19700101000020Z-19700101000040Z"

/* A measurement in the three views, in one of their orders. */
static const char *nested_path(int order, unsigned index, const char *measurement, char path[160])
{
    static const char *const FIRST[] = {"", LATE "/", ".fields/v/" LATE "/"};
    static const char *const LAST[] = {LATE "/.fields/v/", ".fields/v/", ""};
    snprintf(path, 160, "t/%s.splits/%u-of-3/%s%s", FIRST[order], index, LAST[order], measurement);
    return path;
}

static void splits_nest_with_other_views(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    char path[160];
    for (int order = 0; order < 3; order++) {
        for (unsigned index = 0; index < 3; index++) {
            char names[HOSTS * 16];
            wanted_names("cpu", index, 3, names);
            assert_true(names[0]);
            view_expect_list(fixture, nested_path(order, index, "cpu", path), names);
        }
    }
    unsigned index = split_of("mem", "host=05.lp", 3);
    view_expect_text(fixture, nested_path(0, index, "mem/host=05.lp", path),
                     "mem,host=05 v=1.5 30000000000\n");
    struct ots_attr attr;
    nested_path(0, (index + 1) % 3, "mem/host=05.lp", path);
    assert_int_equal(view_lookup(fixture, path, &attr), OTS_NOT_FOUND);
}

static void a_split_of_a_split_is_what_is_in_both(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    for (unsigned index = 0; index < 6; index++) {
        char path[128];
        char names[HOSTS * 16];
        wanted_names("cpu", index, 6, names);
        snprintf(path, sizeof(path), "t/.splits/%u-of-2/.splits/%u-of-3/cpu", index % 2, index % 3);
        if (names[0])
            view_expect_list(fixture, path, names);
        snprintf(path, sizeof(path), "t/.splits/%u-of-6/.splits/%u-of-3/cpu", index, index % 3);
        if (names[0])
            view_expect_list(fixture, path, names);
    }
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 1);
}

/* A name of another split is no reason to look again. */
static void writes_to_other_splits_make_nothing_old(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    char path[160];
    unsigned other = (split_of("cpu", "host=03.lp", 4) + 1) % 4;
    snprintf(path, sizeof(path), "t/.fields/n/.splits/%u-of-4", other);
    view_list_status(fixture, path);
    strcat(path, "/cpu");
    view_attr(fixture, path);
    assert_int_equal(view_store(fixture, "t/cpu/host=03.lp", "cpu,host=03 n=9i 40000000000\n"),
                     OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    fake_store_forget_counts(fixture->fake);
    struct ots_attr attr;
    strcat(path, "/host=03.lp");
    assert_int_equal(view_lookup(fixture, path, &attr), OTS_NOT_FOUND);
    assert_int_equal(fake_store_count_all(fixture->fake), 0);
}

/* --- what they cost ---------------------------------------------------------------------------*/

static void a_measured_table_is_split_without_a_request(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_expect_list(fixture, "t", "cpu mem ");
    fake_store_forget_counts(fixture->fake);
    size_t found = 0;
    for (unsigned index = 0; index < 4; index++) {
        for (int host = 0; host < HOSTS; host++) {
            char path[128];
            char name[32];
            host_name(host, name);
            if (split_of("mem", name, 4) != index)
                continue;
            split_path("mem", name, 4, false, path);
            assert_int_equal(view_list_status(fixture, path), OTS_OK);
            split_path("mem", name, 4, true, path);
            assert_true(view_attr(fixture, path).size_bytes > 0);
            found++;
        }
    }
    assert_int_equal(found, HOSTS);
    assert_int_equal(fake_store_count_all(fixture->fake), 0);
}

/* The first look into a split is one into the table. */
static void the_first_look_measures_the_table(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_list_status(fixture, "t/.splits/0-of-2");
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 1);
    fake_store_forget_counts(fixture->fake);
    view_expect_list(fixture, "t", "cpu mem ");
    view_list_status(fixture, "t/.splits/1-of-2");
    assert_int_equal(fake_store_count_all(fixture->fake), 0);
}

static void a_file_is_read_once(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    char path[128];
    view_expect_list(fixture, "t", "cpu mem ");
    split_path("cpu", "host=03.lp", 4, true, path);
    fake_store_forget_counts(fixture->fake);
    struct ots_file *file = view_open(fixture, path, OTS_OPEN_READ);
    char *text = view_read_file(file, 0, 1000);
    assert_string_equal(text, "cpu,host=03 n=6i 10000000000\ncpu,host=03 n=6i,v=1.5 30000000000\n");
    free(text);
    ots_file_close(file);
    assert_int_equal(fake_store_count_all(fixture->fake), 1);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 1);
}

/* --- being as the table is --------------------------------------------------------------------*/

static void own_writes_show_at_once(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    char path[128];
    split_path("cpu", "host=03.lp", 4, true, path);
    uint64_t size = view_attr(fixture, path).size_bytes;
    const char *line = "cpu,host=03 n=9i 40000000000\n";
    assert_int_equal(view_store(fixture, "t/cpu/host=03.lp", line), OTS_OK);
    assert_int_equal(view_attr(fixture, path).size_bytes, size + strlen(line));
    /* A new measurement, in its one split only. */
    assert_int_equal(view_mkdir(fixture, "t/disk"), OTS_OK);
    split_path("disk", "_.lp", 4, false, path);
    struct ots_attr attr;
    strcat(path, "/disk");
    assert_int_equal(view_lookup(fixture, path, &attr), OTS_NOT_FOUND);
    assert_int_equal(view_store(fixture, "t/disk/_.lp", "disk n=1i 10000000000\n"), OTS_OK);
    view_expect_list(fixture, path, "_.lp ");
    view_expect_text(fixture, split_path("disk", "_.lp", 4, true, path), "disk n=1i 10000000000\n");
    snprintf(path, sizeof(path), "t/.splits/%u-of-4/disk", (split_of("disk", "_.lp", 4) + 1) % 4);
    assert_int_equal(view_lookup(fixture, path, &attr), OTS_NOT_FOUND);
}

static void what_others_change_shows_with_the_table(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    char file[128];
    char dir[128];
    split_path("cpu", "new.lp", 4, false, dir);
    view_list_status(fixture, dir);
    split_path("cpu", "host=03.lp", 4, true, file);
    struct ots_attr before = view_attr(fixture, file);
    fake_store_put(fixture->fake, "t", "cpu,host=03 n=1i 50000000000\n");
    view_grow_old(fixture);
    struct ots_attr after = view_attr(fixture, file);
    assert_true(after.size_bytes > before.size_bytes);
    assert_true(after.mtime_ns > before.mtime_ns);
    assert_int_equal(after.ino, before.ino);
    assert_int_equal(after.mtime_ns, view_attr(fixture, "t/cpu/host=03.lp").mtime_ns);
    /* What goes from the table goes from its splits, under its number too. */
    fake_store_remove(fixture->fake, "t", "cpu");
    view_grow_old(fixture);
    struct ots_attr attr;
    struct ots_error err;
    assert_int_equal(ots_view_getattr(fixture->view, before.ino, NULL, &attr, &err), OTS_NOT_FOUND);
    split_path("cpu", "host=03.lp", 4, false, dir);
    strcat(dir, "/cpu");
    assert_int_equal(view_lookup(fixture, dir, &attr), OTS_NOT_FOUND);
    char names[HOSTS * 16];
    wanted_names("mem", split_of("cpu", "new.lp", 4), 4, names);
    split_path("cpu", "new.lp", 4, false, dir);
    view_expect_list(fixture, dir, names[0] ? "mem " : "");
    /* And comes back under it. */
    fake_store_put(fixture->fake, "t", "cpu,host=03 n=1i 50000000000\n");
    view_grow_old(fixture);
    assert_int_equal(view_attr(fixture, file).ino, before.ino);
}

static void times_that_are_set(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    char path[128];
    struct ots_attr attr;
    int64_t mtime_ns = 123456789;
    uint64_t ino = view_attr(fixture, "t/mem/host=01.lp").ino;
    assert_int_equal(ots_view_setattr(fixture->view, ino, &mtime_ns, &attr), OTS_OK);
    split_path("mem", "host=01.lp", 2, true, path);
    assert_int_equal(view_attr(fixture, path).mtime_ns, mtime_ns);
}

static void an_open_file_grows(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    char path[128];
    split_path("cpu", "host=03.lp", 4, true, path);
    struct ots_file *file = view_open(fixture, path, OTS_OPEN_READ);
    uint64_t size = view_attr(fixture, path).size_bytes;
    char *text = view_read_file(file, 0, 1000);
    assert_int_equal(strlen(text), size);
    free(text);
    const char *line = "cpu,host=03 n=9i 40000000000\n";
    assert_int_equal(view_store(fixture, "t/cpu/host=03.lp", line), OTS_OK);
    text = view_read_file(file, size, 1000);
    assert_string_equal(text, line);
    free(text);
    ots_file_close(file);
}

static void what_is_removed_is_hidden(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    char path[128];
    split_path("cpu", "host=03.lp", 4, true, path);
    uint64_t ino = view_attr(fixture, path).ino;
    assert_int_equal(view_unlink(fixture, path), OTS_READ_ONLY);
    assert_int_equal(view_unlink(fixture, "t/cpu/host=03.lp"), OTS_OK);
    struct ots_attr attr;
    struct ots_error err;
    assert_int_equal(view_lookup(fixture, path, &attr), OTS_NOT_FOUND);
    assert_int_equal(ots_view_getattr(fixture->view, ino, NULL, &attr, &err), OTS_NOT_FOUND);
    view_expect_list(fixture, "t/.splits/0-of-1/cpu",
                     "host=00.lp host=01.lp host=02.lp host=04.lp host=05.lp host=06.lp "
                     "host=07.lp host=08.lp host=09.lp host=10.lp host=11.lp ");
}

static void nothing_can_be_changed(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    char path[128];
    split_path("cpu", "host=03.lp", 4, true, path);
    assert_int_equal(view_open_status(fixture, path, OTS_OPEN_WRITE), OTS_READ_ONLY);
    struct ots_attr attr = view_attr(fixture, path);
    int64_t mtime_ns = 1;
    assert_int_equal(ots_view_setattr(fixture->view, attr.ino, &mtime_ns, &attr), OTS_READ_ONLY);
    assert_int_equal(ots_view_truncate(fixture->view, attr.ino, 0, NULL), OTS_READ_ONLY);
    split_path("cpu", "host=03.lp", 4, false, path);
    assert_int_equal(view_rmdir(fixture, path), OTS_READ_ONLY);
    strcat(path, "/disk");
    assert_int_equal(view_mkdir(fixture, path), OTS_READ_ONLY);
    split_path("cpu", "host=03.lp", 4, false, path);
    strcat(path, "/cpu/host=z.lp");
    assert_int_equal(view_create_status(fixture, path, OTS_OPEN_WRITE), OTS_READ_ONLY);
    assert_int_equal(view_mkdir(fixture, "t/.splits/9-of-4"), OTS_READ_ONLY);
}

static void a_look_that_fails_says_so(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    fake_store_fail(fixture->fake, OTS_ACTION_SCAN, OTS_TIMEOUT, 1);
    assert_int_equal(view_list_status(fixture, "t/.splits/0-of-1"), OTS_TIMEOUT);
    view_expect_list(fixture, "t/.splits/0-of-1", "cpu mem ");
    fake_store_add_table(fixture->fake, "keys", true);
    view_grow_old(fixture);
    assert_int_equal(view_list_status(fixture, "keys/.splits/0-of-1"), OTS_UNSUPPORTED);
}

/* --- being remembered -------------------------------------------------------------------------*/

static void nodes_count_and_splits_are_forgotten(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    const struct ots_views *views = &fixture->view->synced.views;
    view_expect_list(fixture, "t/.splits/0-of-1", "cpu mem ");
    assert_int_equal(views->node_count, 2);
    view_attr(fixture, "t/.splits/0-of-1/cpu/host=03.lp");
    view_attr(fixture, "t/.splits/0-of-1/cpu/host=03.lp");
    assert_int_equal(views->node_count, 3);
    view_list_status(fixture, "t/.splits/0-of-1/cpu");
    view_list_status(fixture, "t/.splits/0-of-1/cpu");
    assert_int_equal(views->node_count, 2 + HOSTS);
    uint64_t ino = view_attr(fixture, "t/.splits/0-of-1/cpu/host=03.lp").ino;
    for (int i = 0; i < OTS_VIEWS_MAX; i++) {
        char path[64];
        snprintf(path, sizeof(path), "t/.splits/%d-of-5000", i);
        view_attr(fixture, path);
    }
    assert_int_equal(views->count, OTS_VIEWS_MAX);
    assert_int_equal(views->node_count, 0);
    struct ots_attr attr;
    struct ots_error err;
    assert_int_equal(ots_view_getattr(fixture->view, ino, NULL, &attr, &err), OTS_STALE);
    assert_true(view_attr(fixture, "t/.splits/0-of-1/cpu/host=03.lp").ino > ino);
}

static void a_directory_that_is_listed_stays(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    struct ots_listing *listing;
    uint64_t dir = view_attr(fixture, "t/.splits/0-of-1/cpu").ino;
    assert_int_equal(ots_view_list(fixture->view, dir, NULL, &listing, NULL), OTS_OK);
    for (int i = 0; i < 2 * OTS_VIEWS_MAX; i++) {
        char path[64];
        snprintf(path, sizeof(path), "t/.splits/%d-of-5000", i);
        view_attr(fixture, path);
    }
    struct ots_slice name;
    struct ots_attr attr;
    assert_true(ots_listing_entry(fixture->view, listing, 3, &name, &attr));
    assert_true(ots_slice_equal(name, OTS_SLICE("host=03.lp")));
    assert_int_equal(attr.size_bytes, view_attr(fixture, "t/cpu/host=03.lp").size_bytes);
    assert_false(ots_listing_entry(fixture->view, listing, HOSTS, &name, &attr));
    ots_listing_free(listing);
}

#define SPLITS_TEST(test) cmocka_unit_test_setup_teardown(test, view_setup, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPLITS_TEST(splits_are_disjoint_and_complete),
        SPLITS_TEST(files_are_those_of_the_table),
        SPLITS_TEST(names_that_cannot_be_decoded),
        SPLITS_TEST(names_that_stand_for_no_split),
        SPLITS_TEST(splits_nest_with_other_views),
        SPLITS_TEST(a_split_of_a_split_is_what_is_in_both),
        SPLITS_TEST(writes_to_other_splits_make_nothing_old),
        SPLITS_TEST(a_measured_table_is_split_without_a_request),
        SPLITS_TEST(the_first_look_measures_the_table),
        SPLITS_TEST(a_file_is_read_once),
        SPLITS_TEST(own_writes_show_at_once),
        SPLITS_TEST(what_others_change_shows_with_the_table),
        SPLITS_TEST(times_that_are_set),
        SPLITS_TEST(an_open_file_grows),
        cmocka_unit_test_setup_teardown(what_is_removed_is_hidden, view_setup_deleting,
                                        view_teardown),
        SPLITS_TEST(nothing_can_be_changed),
        SPLITS_TEST(a_look_that_fails_says_so),
        SPLITS_TEST(nodes_count_and_splits_are_forgotten),
        SPLITS_TEST(a_directory_that_is_listed_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
