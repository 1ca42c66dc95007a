#include "fs/state/state_dir.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/state_folder.h"

static int setup(void **state)
{
    *state = state_folder_new();
    return 0;
}

static int teardown(void **state)
{
    state_folder_free(*state);
    return 0;
}

static struct ots_state_options options_of(struct state_folder *folder)
{
    return (struct ots_state_options){
        .root = folder->path,
        .endpoint = "https://web.cn-hangzhou.ots.aliyuncs.com",
        .instance = "web-1",
        .mountpoint = "/mnt/web",
        .clock = &folder->clock,
        .log = &folder->log,
    };
}

static struct ots_state *open_state(const struct ots_state_options *options)
{
    struct ots_state *state;
    struct ots_error err;
    if (ots_state_open(options, &state, &err) != OTS_OK)
        fail_msg("%s", err.message);
    return state;
}

static void each_source_has_its_own(void **state)
{
    struct state_folder *folder = *state;
    struct ots_state_options options = options_of(folder);
    struct ots_state *one = open_state(&options);
    options.instance = "web-2";
    struct ots_state *two = open_state(&options);
    options.endpoint = "http://localhost";
    struct ots_state *three = open_state(&options);
    assert_int_equal(state_folder_count(folder, "."), 3);
    ots_state_close(one);
    ots_state_close(two);
    ots_state_close(three);
}

static void only_its_owner_may_read_it(void **state)
{
    struct ots_state_options options = options_of(*state);
    struct ots_state *opened = open_state(&options);
    struct stat info;
    assert_int_equal(fchmod(ots_state_dir_fd(opened), 0755), 0);
    ots_state_close(opened);
    opened = open_state(&options);
    assert_int_equal(fstat(ots_state_dir_fd(opened), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    ots_state_close(opened);
}

static void a_second_mount_is_told_where_the_first_is(void **state)
{
    struct ots_state_options options = options_of(*state);
    struct ots_state *first = open_state(&options);
    struct ots_state *second;
    struct ots_error err;
    options.mountpoint = "/mnt/again";
    assert_int_equal(ots_state_open(&options, &second, &err), OTS_CONFLICT);
    assert_non_null(strstr(err.message, "mounted at /mnt/web (process "));
    assert_non_null(strstr(err.message, "-o state_dir=DIR"));
    ots_state_close(first);
    second = open_state(&options);
    ots_state_close(second);
}

static void a_mount_that_ends_is_waited_for(void **state)
{
    struct ots_state_options options = options_of(*state);
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct ots_state *first = NULL;
        if (ots_state_open(&options, &first, NULL) != OTS_OK)
            _exit(1);
        ots_state_set_ending(first);
        if (write(ready[1], "r", 1) != 1)
            _exit(1);
        /* Longer than one that is not ending is waited for. */
        usleep(1300 * 1000);
        _exit(0);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    struct ots_state *second = open_state(&options);
    ots_state_close(second);
    int result;
    waitpid(child, &result, 0);
    assert_int_equal(result, 0);
    close(ready[0]);
    close(ready[1]);
}

static void lines_are_rejected_into_it(void **state)
{
    struct state_folder *folder = *state;
    struct ots_state_options options = options_of(folder);
    struct ots_state *opened = open_state(&options);
    struct ots_reject reject = {.table = OTS_SLICE("t"),
                                .file = OTS_SLICE("m/_.lp"),
                                .reason = OTS_SLICE("no"),
                                .text = OTS_SLICE("m")};
    ots_state_reject(opened, &reject);
    ots_state_note(opened, OTS_SLICE("t"), OTS_SLICE("hm"));
    assert_int_equal(faccessat(ots_state_dir_fd(opened), "rejected/t.lp", R_OK, 0), 0);
    struct ots_reject_counts counts;
    ots_rejects_counts(ots_state_rejects(opened), OTS_SLICE("t"), &counts);
    assert_int_equal(counts.lines, 1);
    ots_state_close(opened);
    ots_state_reject(NULL, &reject);
    ots_state_note(NULL, OTS_SLICE("t"), OTS_SLICE("hm"));
}

static void the_default_place_is_made(void **state)
{
    struct state_folder *folder = *state;
    struct ots_state_options options = options_of(folder);
    options.root = NULL;
    char path[128];
    snprintf(path, sizeof(path), "%s/home", folder->path);
    setenv("HOME", path, 1);
    unsetenv("XDG_STATE_HOME");
    ots_state_close(open_state(&options));
    assert_int_equal(state_folder_count(folder, "home/.local/state/otsfs"), 1);
    snprintf(path, sizeof(path), "%s/xdg", folder->path);
    setenv("XDG_STATE_HOME", path, 1);
    ots_state_close(open_state(&options));
    assert_int_equal(state_folder_count(folder, "xdg/otsfs"), 1);
    /* A relative one does not count. */
    setenv("XDG_STATE_HOME", "xdg", 1);
    ots_state_close(open_state(&options));
    assert_int_equal(state_folder_count(folder, "home/.local/state/otsfs"), 1);
}

static void what_cannot_be_is_refused(void **state)
{
    struct state_folder *folder = *state;
    struct ots_state_options options = options_of(folder);
    struct ots_state *opened;
    struct ots_error err;
    char path[128];
    state_folder_write(folder, "file", "x", 1);
    snprintf(path, sizeof(path), "%s/file", folder->path);
    options.root = path;
    assert_int_not_equal(ots_state_open(&options, &opened, &err), OTS_OK);
    assert_non_null(strstr(err.message, path));
    snprintf(path, sizeof(path), "%s/no/such", folder->path);
    assert_int_equal(ots_state_open(&options, &opened, &err), OTS_NOT_FOUND);
    if (geteuid() == 0) {
        options.root = folder->path;
        opened = open_state(&options);
        assert_int_equal(fchown(ots_state_dir_fd(opened), 1, 1), 0);
        ots_state_close(opened);
        assert_int_equal(ots_state_open(&options, &opened, &err), OTS_DENIED);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_source_has_its_own),
        TEST(only_its_owner_may_read_it),
        TEST(a_second_mount_is_told_where_the_first_is),
        TEST(a_mount_that_ends_is_waited_for),
        TEST(lines_are_rejected_into_it),
        TEST(the_default_place_is_made),
        TEST(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
