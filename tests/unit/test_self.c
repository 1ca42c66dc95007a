/*
 * `.otsfs` in a view, with and without a state directory.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "backend/base/json.h"
#include "fs/state/state_dir.h"
#include "tests/unit/state_folder.h"
#include "tests/unit/view_fixture.h"

/* The fixture's view, but of a source that keeps something. */
static struct view_fixture *keeping(struct view_fixture *fixture, struct state_folder *folder,
                                    struct ots_state **state)
{
    struct ots_state_options kept = {
        .root = folder->path,
        .endpoint = "http://localhost",
        .instance = "inst",
        .mountpoint = "/mnt",
        .clock = &fixture->clock,
        .log = &fixture->log,
    };
    struct ots_error err;
    if (ots_state_open(&kept, state, &err) != OTS_OK)
        fail_msg("%s", err.message);
    ots_view_free(fixture->view);
    struct ots_view_source source = {
        .name = "src",
        .store = fake_store_of(fixture->fake),
        .state = *state,
        .endpoint = "http://localhost",
        .instance = "inst",
    };
    struct ots_view_options options = {
        .sources = &source,
        .source_count = 1,
        .clock = &fixture->clock,
        .log = &fixture->log,
        .may_delete = true,
    };
    assert_int_equal(ots_view_new(&options, &fixture->view, NULL), OTS_OK);
    return fixture;
}

struct fixture {
    struct view_fixture *view;
    struct state_folder *folder;
    struct ots_state *state;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    void *view;
    assert_int_equal(view_setup(&view), 0);
    fixture->folder = state_folder_new();
    fixture->view = keeping(view, fixture->folder, &fixture->state);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    void *view = fixture->view;
    view_teardown(&view);
    ots_state_close(fixture->state);
    state_folder_free(fixture->folder);
    free(fixture);
    return 0;
}

static void reject(const struct fixture *fixture, const char *table, const char *line)
{
    struct ots_reject reject = {
        .table = ots_slice_str(table),
        .file = OTS_SLICE("cpu/host=a.lp"),
        .line = 7,
        .reason = OTS_SLICE("because"),
        .text = ots_slice_str(line),
    };
    ots_state_reject(fixture->state, &reject);
}

/* What a file of `.otsfs` holds; its size must be told right. To be freed. */
static char *text_of(struct view_fixture *fixture, const char *path)
{
    struct ots_attr attr = view_attr(fixture, path);
    struct ots_file *file = view_open(fixture, path, OTS_OPEN_READ);
    char *text = view_read_file(file, 0, 1 << 20);
    assert_int_equal(strlen(text), attr.size_bytes);
    char *end = view_read_file(file, attr.size_bytes, 100);
    assert_string_equal(end, "");
    free(end);
    ots_file_close(file);
    return text;
}

static double number_at(struct view_fixture *fixture, const char *group, const char *member)
{
    struct ots_json *root;
    double number = -1;
    char *text = text_of(fixture, ".otsfs/status");
    assert_int_equal(ots_json_parse(ots_slice_str(text), &root, NULL), OTS_OK);
    const struct ots_json *table = ots_json_member(ots_json_member(root, "tables"), "t");
    if (!ots_json_number(ots_json_member(table, group), member, &number))
        number = -1;
    ots_json_free(root);
    free(text);
    return number;
}

static void it_is_hidden_and_has_its_names(void **state)
{
    struct view_fixture *view = ((struct fixture *)*state)->view;
    struct ots_attr attr;
    view_expect_list(view, "", "t ");
    view_expect_list(view, ".otsfs", "errors metrics rejected status ");
    view_expect_list(view, "", "t ");
    view_expect_list(view, ".otsfs/rejected", "");
    assert_true(view_attr(view, ".otsfs").is_directory);
    assert_int_equal(view_attr(view, ".otsfs/status").permissions, 0444);
    assert_int_equal(view_attr(view, ".otsfs/metrics").permissions, 0444);
    assert_int_equal(view_attr(view, ".otsfs/errors").permissions, 0644);
    assert_int_equal(view_lookup(view, ".otsfs/other", &attr), OTS_NOT_FOUND);
    assert_int_equal(view_lookup(view, ".otsfs/rejected/t.lp", &attr), OTS_NOT_FOUND);
    assert_int_equal(view_lookup(view, "t/.otsfs", &attr), OTS_NOT_FOUND);
    assert_int_equal(view_mkdir(view, ".otsfs/x"), OTS_NOT_PERMITTED);
    assert_int_equal(view_rmdir(view, ".otsfs"), OTS_NOT_PERMITTED);
    assert_int_equal(view_rmdir(view, ".otsfs/rejected"), OTS_NOT_PERMITTED);
    assert_int_equal(view_unlink(view, ".otsfs/status"), OTS_NOT_PERMITTED);
    assert_int_equal(view_open_status(view, ".otsfs/status", OTS_OPEN_WRITE), OTS_DENIED);
    uint64_t ino = view_attr(view, ".otsfs/metrics").ino;
    assert_int_equal(ots_view_truncate(view->view, ino, 0, NULL), OTS_NOT_PERMITTED);
}

static void numbers_follow_what_happens(void **state)
{
    struct fixture *fixture = *state;
    struct view_fixture *view = fixture->view;
    assert_true(number_at(view, "rows", "stored") == -1);
    view_expect_list(view, "t", "");
    assert_true(number_at(view, "rows", "stored") == 0);
    assert_int_equal(view_mkdir(view, "t/cpu"), OTS_OK);
    fake_store_hold(view->fake, OTS_ACTION_PUT);
    assert_int_equal(
        view_store(view, "t/cpu/host=a.lp", "cpu,host=a v=1i 1000\ncpu,host=a v=2i 2001\n"),
        OTS_OK);
    assert_true(number_at(view, "rows", "on_their_way") == 2);
    assert_true(number_at(view, "journal", "batches") == 1);
    assert_true(number_at(view, "lines", "digits_cut") == 1);
    fake_store_release(view->fake, OTS_ACTION_PUT);
    assert_int_equal(view_sync(view, "t"), OTS_OK);
    assert_true(number_at(view, "rows", "on_their_way") == 0);
    assert_true(number_at(view, "rows", "stored") == 2);
    assert_true(number_at(view, "journal", "batches") == 0);
    view_grow_old(view);
    view_expect_list(view, "t/cpu", "host=a.lp ");
    assert_true(number_at(view, "scan", "rows") == 2);
    assert_true(number_at(view, "scan", "timelines") == 1);
    assert_true(number_at(view, "scan", "age_seconds") == 0);
    view_pass_time(view, 90000000);
    assert_true(number_at(view, "scan", "age_seconds") == 90);
    fake_store_refuse(view->fake, 66);
    assert_int_equal(view_store(view, "t/cpu/host=a.lp", "cpu,host=a v=66i 3000\n"), OTS_OK);
    assert_int_equal(view_sync(view, "t"), OTS_IO);
    assert_true(number_at(view, "rows", "refused") == 1);
    assert_true(number_at(view, "lines", "rejected") == 1);
}

static void a_status_is_of_one_moment(void **state)
{
    struct view_fixture *view = ((struct fixture *)*state)->view;
    view_expect_list(view, "t", "");
    struct ots_file *file = view_open(view, ".otsfs/metrics", OTS_OPEN_READ);
    char *before = view_read_file(file, 0, 1 << 20);
    assert_int_equal(view_mkdir(view, "t/cpu"), OTS_OK);
    assert_int_equal(view_store(view, "t/cpu/host=a.lp", "cpu,host=a v=1i 1000\n"), OTS_OK);
    char *after = view_read_file(file, 0, 1 << 20);
    assert_string_equal(before, after);
    ots_file_close(file);
    free(after);
    after = text_of(view, ".otsfs/metrics");
    assert_string_not_equal(before, after);
    free(before);
    free(after);
}

static void kept_files_grow_and_are_emptied(void **state)
{
    struct fixture *fixture = *state;
    struct view_fixture *view = fixture->view;
    char *text = text_of(view, ".otsfs/errors");
    assert_string_equal(text, "");
    free(text);
    reject(fixture, "t", "cpu bad\n");
    reject(fixture, "u", "cpu worse\n");
    view_expect_list(view, ".otsfs/rejected", "t.lp u.lp ");
    struct ots_file *file = view_open(view, ".otsfs/rejected/t.lp", OTS_OPEN_READ);
    text = view_read_file(file, 0, 1000);
    assert_string_equal(text, "# cpu/host=a.lp:7: because\ncpu bad\n");
    size_t size = strlen(text);
    free(text);
    reject(fixture, "t", "more\n");
    text = view_read_file(file, size, 1000);
    assert_string_equal(text, "# cpu/host=a.lp:7: because\nmore\n");
    free(text);
    struct ots_attr attr = view_attr(view, ".otsfs/rejected/t.lp");
    assert_int_equal(ots_view_truncate(view->view, attr.ino, 3, NULL), OTS_INVALID);
    assert_int_equal(ots_view_truncate(view->view, attr.ino, 0, NULL), OTS_OK);
    text = view_read_file(file, 0, 1000);
    assert_string_equal(text, "");
    free(text);
    ots_file_close(file);
    view_expect_list(view, ".otsfs/rejected", "u.lp ");
    assert_int_equal(view_unlink(view, ".otsfs/rejected/u.lp"), OTS_OK);
    view_expect_list(view, ".otsfs/rejected", "");
    assert_true(view_attr(view, ".otsfs/errors").size_bytes > 0);
    assert_int_equal(view_unlink(view, ".otsfs/errors"), OTS_OK);
    assert_int_equal(view_attr(view, ".otsfs/errors").size_bytes, 0);
}

static void kept_files_are_not_written(void **state)
{
    struct view_fixture *view = ((struct fixture *)*state)->view;
    reject(*state, "t", "cpu bad\n");
    struct ots_file *file = view_open(view, ".otsfs/errors", OTS_OPEN_WRITE);
    assert_int_equal(view_write(file, 0, "text"), OTS_NOT_PERMITTED);
    assert_int_equal(ots_file_flush(file, true, NULL, NULL), OTS_OK);
    assert_int_equal(ots_file_sync(file, NULL, NULL), OTS_OK);
    ots_file_close(file);
    assert_true(view_attr(view, ".otsfs/errors").size_bytes > 0);
}

/* Only errors is kept elsewhere; nothing fails. */
static void without_a_state_nothing_is_kept(void **state)
{
    struct view_fixture *view = *state;
    view_expect_list(view, ".otsfs", "errors metrics rejected status ");
    view_expect_list(view, ".otsfs/rejected", "");
    char *text = text_of(view, ".otsfs/errors");
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(view_unlink(view, ".otsfs/errors"), OTS_OK);
    view_expect_list(view, "t", "");
    assert_true(number_at(view, "lines", "rejected") == 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(it_is_hidden_and_has_its_names),
        TEST(numbers_follow_what_happens),
        TEST(a_status_is_of_one_moment),
        TEST(kept_files_grow_and_are_emptied),
        TEST(kept_files_are_not_written),
        cmocka_unit_test_setup_teardown(without_a_state_nothing_is_kept, view_setup, view_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
