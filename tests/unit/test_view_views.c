/*
 * `.range` and `.fields`: what they show, that they can only be read, and how they are forgotten.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/state.h"
#include "tests/unit/view_fixture.h"

/* Seconds 10 to 20 of 1970. */
#define TENS ".range/19700101000010Z-19700101000020Z"

static const char ROWS[] = "cpu,host=a n=1i,v=1.5 9000000000\n"
                           "cpu,host=a n=2i,v=2.5 10000000000\n"
                           "cpu,host=a n=3i 19999999000\n"
                           "cpu,host=a n=4i,v=4.5 20000000000\n"
                           "cpu,host=b v=\"text\" 15000000000\n"
                           "cpu,host=c n=1i 5000000000\n"
                           "mem n=7i 30000000000\n";

static void put_rows(struct view_fixture *fixture)
{
    fake_store_put(fixture->fake, "t", ROWS);
}

/* --- what they show ---------------------------------------------------------------------------*/

static void a_range_shows_its_rows(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_expect_list(fixture, "t/" TENS, "cpu ");
    view_expect_list(fixture, "t/" TENS "/cpu", "host=a.lp host=b.lp ");
    view_expect_text(fixture, "t/" TENS "/cpu/host=a.lp",
                     "cpu,host=a n=2i,v=2.5 10000000000\n"
                     "cpu,host=a n=3i 19999999000\n");
    view_expect_text(fixture, "t/" TENS "/cpu/host=b.lp", "cpu,host=b v=\"text\" 15000000000\n");
    struct ots_attr attr;
    assert_int_equal(view_lookup(fixture, "t/" TENS "/mem", &attr), OTS_NOT_FOUND);
    assert_int_equal(view_lookup(fixture, "t/" TENS "/cpu/host=c.lp", &attr), OTS_NOT_FOUND);
    view_expect_list(fixture, "t", "cpu mem ");
}

static void fields_show_in_rows_that_have_them(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_expect_list(fixture, "t/.fields/v", "cpu ");
    view_expect_list(fixture, "t/.fields/v/cpu", "host=a.lp host=b.lp ");
    view_expect_text(fixture, "t/.fields/v/cpu/host=a.lp",
                     "cpu,host=a v=1.5 9000000000\n"
                     "cpu,host=a v=2.5 10000000000\n"
                     "cpu,host=a v=4.5 20000000000\n");
    view_expect_list(fixture, "t/.fields/v:string/cpu", "host=b.lp ");
    view_expect_list(fixture, "t/.fields/v:string,n/cpu", "host=a.lp host=b.lp host=c.lp ");
    view_expect_list(fixture, "t/.fields/nothing", "");
}

static void views_nest_in_any_order(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    const char *wanted = "cpu,host=a v=2.5 10000000000\n";
    view_expect_text(fixture, "t/" TENS "/.fields/v/cpu/host=a.lp", wanted);
    view_expect_text(fixture, "t/.fields/v/" TENS "/cpu/host=a.lp", wanted);
    view_expect_text(fixture, "t/.fields/n,v/.fields/v,w/" TENS "/cpu/host=a.lp", wanted);
    const char *early = "t/" TENS "/.range/19700101000000Z-19700101000015Z/cpu";
    view_expect_list(fixture, early, "host=a.lp ");
    struct ots_attr attr;
    assert_int_equal(view_lookup(fixture, "t/.fields/n/.fields/v", &attr), OTS_NOT_FOUND);
    assert_int_equal(
        view_lookup(fixture, "t/" TENS "/.range/19700101000020Z-19700101000030Z", &attr),
        OTS_NOT_FOUND);
}

static void names_that_stand_for_no_view(void **state)
{
    struct view_fixture *fixture = *state;
    static const char *const PATHS[] = {
        "t/.range/x",
        "t/.range/19700101000020Z-19700101000010Z",
        "t/.fields/A",
        "t/.fields/a,a",
        "t/.fields/v:x",
        "t/.rang",
        "t/.",
        "t/.fields/.range",
        "t/.range/.fields",
        "t/.range/v",
        "t/.fields/19700101000010Z-19700101000020Z",
        "t/" TENS "/.write",
        "t/" TENS "/.otsfs",
        ".range",
    };
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        struct ots_attr attr;
        if (view_lookup(fixture, PATHS[i], &attr) != OTS_NOT_FOUND)
            fail_msg("%s is there", PATHS[i]);
    }
    put_rows(fixture);
    view_grow_old(fixture);
    struct ots_attr attr;
    assert_int_equal(view_lookup(fixture, "t/cpu/.range", &attr), OTS_NOT_FOUND);
    /* What no name stands for is not remembered either. */
    assert_int_equal(fixture->view->synced.views.count, 1);
}

static void the_directories_of_views_are_hidden_and_list_nothing(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_expect_list(fixture, "t/" TENS, "cpu ");
    view_expect_list(fixture, "t/.range", "");
    view_expect_list(fixture, "t/.fields", "");
    view_expect_list(fixture, "t", "cpu mem ");
    view_expect_list(fixture, "t/" TENS "/.fields/v", "cpu ");
    view_expect_list(fixture, "t/" TENS, "cpu ");
}

static void naming_a_view_asks_nothing_of_the_table(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_attr(fixture, "t");
    fake_store_forget_counts(fixture->fake);
    view_attr(fixture, "t/" TENS "/.fields/v");
    assert_int_equal(fake_store_count_all(fixture->fake), 0);
    view_expect_list(fixture, "t/" TENS "/.fields/v/cpu", "host=a.lp host=b.lp ");
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 1);
}

static void a_table_with_field_keys_has_no_views(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_add_table(fixture->fake, "keys", true);
    assert_int_equal(view_list_status(fixture, "keys/" TENS), OTS_UNSUPPORTED);
}

static void a_removed_table_has_none_either(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_expect_list(fixture, "t/" TENS, "cpu ");
    uint64_t ino = view_attr(fixture, "t/" TENS).ino;
    fake_store_remove_table(fixture->fake, "t");
    view_grow_old(fixture);
    struct ots_listing *listing;
    struct ots_attr attr;
    assert_int_equal(ots_view_list(fixture->view, ino, NULL, &listing, NULL), OTS_NOT_FOUND);
    assert_int_equal(view_lookup(fixture, "t", &attr), OTS_NOT_FOUND);
}

static void what_was_removed_is_hidden_in_views_too(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_expect_list(fixture, "t/" TENS "/cpu", "host=a.lp host=b.lp ");
    assert_int_equal(view_unlink(fixture, "t/cpu/host=a.lp"), OTS_OK);
    view_grow_old(fixture);
    view_expect_list(fixture, "t/" TENS "/cpu", "host=b.lp ");
    assert_int_equal(view_store(fixture, "t/cpu/host=a.lp", "cpu,host=a n=9i 12000000000\n"),
                     OTS_OK);
    view_expect_list(fixture, "t/" TENS "/cpu", "host=a.lp host=b.lp ");
}

/* --- attributes -------------------------------------------------------------------------------*/

static void sizes_and_inodes_are_their_own(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    struct ots_attr whole = view_attr(fixture, "t/cpu/host=a.lp");
    struct ots_attr part = view_attr(fixture, "t/" TENS "/cpu/host=a.lp");
    struct ots_attr field = view_attr(fixture, "t/.fields/v/cpu/host=a.lp");
    assert_true(whole.ino != part.ino && part.ino != field.ino && whole.ino != field.ino);
    assert_true(part.size_bytes < whole.size_bytes && field.size_bytes < whole.size_bytes);
    assert_int_equal(view_attr(fixture, "t/cpu/host=a.lp").size_bytes, whole.size_bytes);
    assert_int_equal(view_attr(fixture, "t/" TENS "/cpu/host=a.lp").ino, part.ino);
    assert_int_equal(part.mtime_ns, INT64_C(19999999000));
    assert_int_equal(whole.permissions, 0644);
    assert_int_equal(part.permissions, 0444);
    assert_int_equal(view_attr(fixture, "t").permissions, 0755);
    assert_int_equal(view_attr(fixture, "t/.range").permissions, 0555);
    assert_int_equal(view_attr(fixture, "t/" TENS).permissions, 0555);
    assert_int_equal(view_attr(fixture, "t/" TENS "/cpu").permissions, 0555);
}

static void nothing_in_a_view_can_be_changed(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    const char *file = "t/" TENS "/cpu/host=a.lp";
    assert_int_equal(view_open_status(fixture, file, OTS_OPEN_WRITE), OTS_READ_ONLY);
    assert_int_equal(view_open_status(fixture, file, OTS_OPEN_READ | OTS_OPEN_WRITE),
                     OTS_READ_ONLY);
    assert_int_equal(view_create_status(fixture, "t/" TENS "/cpu/host=z.lp", OTS_OPEN_WRITE),
                     OTS_READ_ONLY);
    assert_int_equal(view_create_status(fixture, "t/.range/host=z.lp", OTS_OPEN_WRITE),
                     OTS_READ_ONLY);
    assert_int_equal(view_mkdir(fixture, "t/" TENS "/disk"), OTS_READ_ONLY);
    assert_int_equal(view_mkdir(fixture, "t/.fields/A"), OTS_READ_ONLY);
    assert_int_equal(view_rmdir(fixture, "t/" TENS "/cpu"), OTS_READ_ONLY);
    assert_int_equal(view_rmdir(fixture, "t/" TENS), OTS_READ_ONLY);
    assert_int_equal(view_rmdir(fixture, "t/.range"), OTS_READ_ONLY);
    int64_t mtime_ns = 1;
    struct ots_attr attr;
    assert_int_equal(
        ots_view_setattr(fixture->view, view_attr(fixture, file).ino, &mtime_ns, &attr),
        OTS_READ_ONLY);
    assert_int_equal(view_sync(fixture, "t/" TENS), OTS_OK);
}

/* --- being up to date -------------------------------------------------------------------------*/

static void own_writes_show_at_once(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_expect_list(fixture, "t/" TENS "/cpu", "host=a.lp host=b.lp ");
    assert_int_equal(view_store(fixture, "t/cpu/host=a.lp", "cpu,host=a n=9i 12000000000\n"),
                     OTS_OK);
    view_expect_text(fixture, "t/" TENS "/cpu/host=a.lp",
                     "cpu,host=a n=2i,v=2.5 10000000000\n"
                     "cpu,host=a n=9i 12000000000\n"
                     "cpu,host=a n=3i 19999999000\n");
    /* Into the range comes one by being written. */
    assert_int_equal(view_store(fixture, "t/cpu/host=c.lp", "cpu,host=c n=9i 12000000000\n"),
                     OTS_OK);
    view_expect_text(fixture, "t/" TENS "/cpu/host=c.lp", "cpu,host=c n=9i 12000000000\n");
    assert_int_equal(view_store(fixture, "t/cpu/host=d.lp", "cpu,host=d n=9i 12000000000\n"),
                     OTS_OK);
    view_expect_list(fixture, "t/" TENS "/cpu", "host=a.lp host=b.lp host=c.lp host=d.lp ");
    assert_int_equal(view_store(fixture, "t/mem/_.lp", "mem n=9i 12000000000\n"), OTS_OK);
    assert_int_equal(view_attr(fixture, "t/" TENS "/mem/_.lp").size_bytes, 21);
}

static void a_write_that_takes_the_last_row_out(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    struct ots_attr attr = view_attr(fixture, "t/.fields/v:string/cpu/host=b.lp");
    assert_int_equal(view_store(fixture, "t/cpu/host=b.lp", "cpu,host=b v=1i 15000000000\n"),
                     OTS_OK);
    struct ots_error err;
    uint64_t ino = attr.ino;
    assert_int_equal(ots_view_getattr(fixture->view, ino, NULL, &attr, &err), OTS_NOT_FOUND);
    assert_int_equal(view_lookup(fixture, "t/.fields/v:string/cpu/host=b.lp", &attr),
                     OTS_NOT_FOUND);
    view_expect_list(fixture, "t/.fields/v:string", "");
}

static void writes_elsewhere_make_nothing_old(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_expect_list(fixture, "t/" TENS "/cpu", "host=a.lp host=b.lp ");
    assert_int_equal(view_store(fixture, "t/cpu/host=a.lp", "cpu,host=a n=9i 12000000000\n"),
                     OTS_OK);
    assert_int_equal(view_sync(fixture, "t"), OTS_OK);
    fake_store_forget_counts(fixture->fake);
    struct ots_attr attr;
    view_attr(fixture, "t/" TENS "/cpu/host=b.lp");
    assert_int_equal(view_lookup(fixture, "t/" TENS "/cpu/host=c.lp", &attr), OTS_NOT_FOUND);
    assert_int_equal(fake_store_count_all(fixture->fake), 0);
    view_attr(fixture, "t/" TENS "/cpu/host=a.lp");
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_GET), 1);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 0);
}

static void many_written_timelines_cost_a_scan(void **state)
{
    struct view_fixture *fixture = *state;
    enum { COUNT = 200 };
    char path[128];
    char line[64];
    for (int i = 0; i < COUNT; i++) {
        snprintf(line, sizeof(line), "cpu,host=%d n=1i 12000000000\n", i);
        fake_store_put(fixture->fake, "t", line);
    }
    view_attr(fixture, "t/" TENS "/cpu/host=0.lp");
    for (int i = 0; i < COUNT; i++) {
        snprintf(path, sizeof(path), "t/cpu/host=%d.lp", i);
        snprintf(line, sizeof(line), "cpu,host=%d n=1i 13000000000\n", i);
        assert_int_equal(view_store(fixture, path, line), OTS_OK);
    }
    fake_store_forget_counts(fixture->fake);
    for (int i = 0; i < COUNT; i++) {
        snprintf(path, sizeof(path), "t/" TENS "/cpu/host=%d.lp", i);
        assert_int_equal(view_attr(fixture, path).size_bytes,
                         2 * snprintf(line, sizeof(line), "cpu,host=%d n=1i 12000000000\n", i));
    }
    assert_in_range(fake_store_count(fixture->fake, OTS_ACTION_GET), 1, 40);
    assert_int_equal(fake_store_count(fixture->fake, OTS_ACTION_SPLIT), 1);
}

static void what_others_change_shows_after_a_while(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    view_expect_list(fixture, "t/" TENS "/cpu", "host=a.lp host=b.lp ");
    fake_store_put(fixture->fake, "t", "cpu,host=e n=1i 11000000000\n");
    view_expect_list(fixture, "t/" TENS "/cpu", "host=a.lp host=b.lp ");
    view_grow_old(fixture);
    view_expect_list(fixture, "t/" TENS "/cpu", "host=a.lp host=b.lp host=e.lp ");
    fake_store_remove(fixture->fake, "t", "cpu");
    view_grow_old(fixture);
    view_expect_list(fixture, "t/" TENS, "");
}

static void a_view_that_fails_says_so(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    fake_store_fail(fixture->fake, OTS_ACTION_SCAN, OTS_TIMEOUT, 1);
    assert_int_equal(view_list_status(fixture, "t/" TENS), OTS_TIMEOUT);
    view_expect_list(fixture, "t/" TENS, "cpu ");
}

/* --- forgetting -------------------------------------------------------------------------------*/

/* The name of the view that shows second `i`. */
static const char *range_path(int i, char *path, size_t size)
{
    snprintf(path, size, "t/.range/197001%02d%02d%02d%02dZ-99991231000000Z", 1 + i / 86400,
             i / 3600 % 24, i / 60 % 60, i % 60);
    return path;
}

static size_t view_count(const struct view_fixture *fixture)
{
    return fixture->view->synced.views.count;
}

static void views_that_nobody_uses_are_forgotten(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    char path[128];
    uint64_t first = view_attr(fixture, range_path(0, path, sizeof(path))).ino;
    strcat(path, "/cpu/host=a.lp");
    uint64_t file = view_attr(fixture, path).ino;
    for (int i = 0; i < 5000; i++) {
        view_attr(fixture, range_path(i, path, sizeof(path)));
        assert_true(view_count(fixture) <= OTS_VIEWS_MAX);
    }
    assert_int_equal(view_count(fixture), OTS_VIEWS_MAX);
    struct ots_attr attr;
    struct ots_error err;
    assert_int_equal(ots_view_getattr(fixture->view, first, NULL, &attr, &err), OTS_STALE);
    assert_int_equal(ots_view_getattr(fixture->view, file, NULL, &attr, &err), OTS_STALE);
    /* Named again it is there again, under a number of its own. */
    assert_true(view_attr(fixture, range_path(0, path, sizeof(path))).ino > first);
}

static void views_that_are_used_stay(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    struct ots_file *file = view_open(fixture, "t/" TENS "/cpu/host=a.lp", OTS_OPEN_READ);
    uint64_t ino = view_attr(fixture, "t/" TENS "/cpu/host=a.lp").ino;
    struct ots_listing *listing;
    uint64_t dir = view_attr(fixture, "t/.fields/n/" TENS).ino;
    assert_int_equal(ots_view_list(fixture->view, dir, NULL, &listing, NULL), OTS_OK);
    char path[128];
    for (int i = 0; i < 3000; i++)
        view_attr(fixture, range_path(i, path, sizeof(path)));
    assert_int_equal(view_attr(fixture, "t/" TENS "/cpu/host=a.lp").ino, ino);
    char *text = view_read_file(file, 0, 1000);
    assert_string_equal(text, "cpu,host=a n=2i,v=2.5 10000000000\n"
                              "cpu,host=a n=3i 19999999000\n");
    free(text);
    struct ots_slice name;
    struct ots_attr attr;
    assert_true(ots_listing_entry(fixture->view, listing, 0, &name, &attr));
    assert_true(ots_slice_equal(name, OTS_SLICE("cpu")));
    ots_listing_free(listing);
    ots_file_close(file);
    for (int i = 0; i < 3000; i++)
        view_attr(fixture, range_path(i, path, sizeof(path)));
    struct ots_error err;
    assert_int_equal(ots_view_getattr(fixture->view, ino, NULL, &attr, &err), OTS_STALE);
}

static void more_views_than_there_may_be_in_use(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    static struct ots_listing *listings[OTS_VIEWS_MAX];
    char path[128];
    for (int i = 0; i < OTS_VIEWS_MAX; i++) {
        uint64_t ino = view_attr(fixture, range_path(i, path, sizeof(path))).ino;
        assert_int_equal(ots_view_list(fixture->view, ino, NULL, &listings[i], NULL), OTS_OK);
    }
    struct ots_attr attr;
    view_attr(fixture, range_path(0, path, sizeof(path)));
    assert_int_equal(view_lookup(fixture, range_path(OTS_VIEWS_MAX, path, sizeof(path)), &attr),
                     OTS_TOO_MANY);
    assert_int_equal(view_lookup(fixture, "t/.fields/v", &attr), OTS_TOO_MANY);
    ots_listing_free(listings[7]);
    view_attr(fixture, "t/.fields/v");
    assert_int_equal(view_count(fixture), OTS_VIEWS_MAX);
    for (int i = 0; i < OTS_VIEWS_MAX; i++)
        if (i != 7)
            ots_listing_free(listings[i]);
}

static void deeply_nested_views_go_with_what_they_lie_in(void **state)
{
    struct view_fixture *fixture = *state;
    put_rows(fixture);
    uint64_t ino = view_attr(fixture, "t").ino;
    struct ots_attr attr;
    struct ots_error err;
    for (int i = 0; i < 2 * 700; i++) {
        struct ots_slice name = i % 2 ? OTS_SLICE("n,v") : OTS_SLICE(".fields");
        assert_int_equal(ots_view_lookup(fixture->view, ino, name, NULL, &attr, &err), OTS_OK);
        ino = attr.ino;
    }
    assert_int_equal(view_count(fixture), 700);
    struct ots_listing *listing;
    assert_int_equal(ots_view_list(fixture->view, ino, NULL, &listing, &err), OTS_OK);
    char path[128];
    for (int i = 0; i < 2000; i++)
        view_attr(fixture, range_path(i, path, sizeof(path)));
    assert_int_equal(ots_view_getattr(fixture->view, ino, NULL, &attr, &err), OTS_OK);
    ots_listing_free(listing);
    for (int i = 0; i < 2000; i++)
        view_attr(fixture, range_path(i, path, sizeof(path)));
    assert_int_equal(ots_view_getattr(fixture->view, ino, NULL, &attr, &err), OTS_STALE);
    assert_int_equal(view_count(fixture), OTS_VIEWS_MAX);
}

static void big_views_are_forgotten_sooner(void **state)
{
    struct view_fixture *fixture = *state;
    enum { SERIES = 4000 };
    char line[64];
    char path[128];
    for (int i = 0; i < SERIES; i++) {
        snprintf(line, sizeof(line), "cpu,host=%d n=1i 7200000000000\n", i);
        fake_store_put(fixture->fake, "t", line);
    }
    for (int i = 0; i < 2 * OTS_VIEWS_NODES_MAX / SERIES; i++) {
        view_list_status(fixture, range_path(i, path, sizeof(path)));
        assert_true(fixture->view->synced.views.node_count <= OTS_VIEWS_NODES_MAX);
    }
    assert_in_range(view_count(fixture), 2, OTS_VIEWS_NODES_MAX / SERIES);
}

/* Names views and reads in them; what was forgotten meanwhile is stale. */
static enum ots_status walk_views(struct view_waiter *waiter)
{
    struct ots_view *view = waiter->fixture->view;
    struct ots_attr table = view_attr(waiter->fixture, "t");
    uint64_t seed = (uint64_t)(uintptr_t)waiter;
    for (int i = 0; i < 1500; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1;
        char path[128];
        range_path((int)(seed >> 40) % 1300, path, sizeof(path));
        strcat(path, "/cpu/host=a.lp");
        struct ots_attr attr = table;
        struct ots_error err;
        enum ots_status status = OTS_OK;
        for (char *rest = path + 2, *name; status == OTS_OK && (name = strsep(&rest, "/"));)
            status = ots_view_lookup(view, attr.ino, ots_slice_str(name), NULL, &attr, &err);
        struct ots_file *file = NULL;
        if (status == OTS_OK)
            status = ots_view_open(view, attr.ino, OTS_OPEN_READ, NULL, &file, &attr, &err);
        if (status == OTS_OK)
            free(view_read_file(file, 0, 1000));
        ots_file_close(file);
        if (status != OTS_OK && status != OTS_STALE)
            return status;
    }
    return OTS_OK;
}

static void views_are_forgotten_while_others_use_them(void **state)
{
    struct view_fixture *fixture = *state;
    fake_store_put(fixture->fake, "t", "cpu,host=a v=1i 7200000000000\n");
    struct view_waiter waiters[4];
    for (size_t i = 0; i < 4; i++) {
        waiters[i] = (struct view_waiter){.fixture = fixture, .run = walk_views};
        view_waiter_start(&waiters[i]);
    }
    for (size_t i = 0; i < 4; i++)
        view_waiter_join(&waiters[i]);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(waiters[i].status, OTS_OK);
    assert_int_equal(view_count(fixture), OTS_VIEWS_MAX);
}

int main(void)
{
#define WITH_VIEW(test) cmocka_unit_test_setup_teardown(test, view_setup, view_teardown)
    const struct CMUnitTest tests[] = {
        WITH_VIEW(a_range_shows_its_rows),
        WITH_VIEW(fields_show_in_rows_that_have_them),
        WITH_VIEW(views_nest_in_any_order),
        WITH_VIEW(names_that_stand_for_no_view),
        WITH_VIEW(the_directories_of_views_are_hidden_and_list_nothing),
        WITH_VIEW(naming_a_view_asks_nothing_of_the_table),
        WITH_VIEW(a_table_with_field_keys_has_no_views),
        WITH_VIEW(a_removed_table_has_none_either),
        cmocka_unit_test_setup_teardown(what_was_removed_is_hidden_in_views_too,
                                        view_setup_deleting, view_teardown),
        WITH_VIEW(sizes_and_inodes_are_their_own),
        WITH_VIEW(nothing_in_a_view_can_be_changed),
        WITH_VIEW(own_writes_show_at_once),
        WITH_VIEW(a_write_that_takes_the_last_row_out),
        WITH_VIEW(writes_elsewhere_make_nothing_old),
        WITH_VIEW(many_written_timelines_cost_a_scan),
        WITH_VIEW(what_others_change_shows_after_a_while),
        WITH_VIEW(a_view_that_fails_says_so),
        WITH_VIEW(views_that_nobody_uses_are_forgotten),
        WITH_VIEW(views_that_are_used_stay),
        WITH_VIEW(more_views_than_there_may_be_in_use),
        WITH_VIEW(deeply_nested_views_go_with_what_they_lie_in),
        WITH_VIEW(big_views_are_forgotten_sooner),
        cmocka_unit_test_setup_teardown(views_are_forgotten_while_others_use_them,
                                        view_setup_threads, view_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
