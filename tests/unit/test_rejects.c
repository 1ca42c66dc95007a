#include "fs/state/rejects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/state_folder.h"

struct fixture {
    struct state_folder *folder;
    struct ots_rejects *rejects;
};

static struct ots_rejects *open_rejects(struct state_folder *folder, uint64_t rejected_bytes,
                                        uint64_t error_bytes)
{
    struct ots_rejects *rejects;
    struct ots_rejects_options options = {
        .dir_fd = folder->fd,
        .rejected_bytes = rejected_bytes,
        .error_bytes = error_bytes,
        .clock = &folder->clock,
        .log = &folder->log,
    };
    assert_int_equal(ots_rejects_new(&options, &rejects, NULL), OTS_OK);
    return rejects;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->folder = state_folder_new();
    fixture->rejects = open_rejects(fixture->folder, 0, 0);
    *state = fixture;
    return 0;
}

static int setup_small(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->folder = state_folder_new();
    fixture->rejects = open_rejects(fixture->folder, 200, 500);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ots_rejects_free(fixture->rejects);
    state_folder_free(fixture->folder);
    free(fixture);
    return 0;
}

static struct ots_reject make(const char *table, const char *text)
{
    return (struct ots_reject){
        .table = ots_slice_str(table),
        .file = OTS_SLICE("cpu/host=a.lp"),
        .line = 12,
        .column = 3,
        .reason = OTS_SLICE("no fields"),
        .text = ots_slice_str(text),
    };
}

static void reject(struct fixture *fixture, const char *table, const char *text)
{
    struct ots_reject one = make(table, text);
    ots_rejects_add(fixture->rejects, &one);
}

static void expect_file(struct fixture *fixture, const char *name, const char *wanted)
{
    char *text = state_folder_read(fixture->folder, name, NULL);
    assert_non_null(text);
    assert_string_equal(text, wanted);
    free(text);
}

static void a_line_is_kept_with_its_place_and_reason(void **state)
{
    struct fixture *fixture = *state;
    reject(fixture, "t", "cpu,host=a 1000");
    struct ots_reject bare = {OTS_SLICE("t"),          OTS_SLICE_NONE,           0, 0,
                              OTS_SLICE("superseded"), OTS_SLICE("cpu v=1i 1\n")};
    ots_rejects_add(fixture->rejects, &bare);
    expect_file(fixture, "rejected/t.lp",
                "# cpu/host=a.lp:12:3: no fields\ncpu,host=a 1000\n"
                "# (no file): superseded\ncpu v=1i 1\n");
    expect_file(fixture, "errors",
                "2023-11-14T22:13:20Z t/cpu/host=a.lp:12:3: no fields\n"
                "2023-11-14T22:13:20Z t/(no file): superseded\n");
}

static void nobody_else_may_read_them(void **state)
{
    struct fixture *fixture = *state;
    struct stat info;
    char path[128];
    reject(fixture, "t", "x");
    snprintf(path, sizeof(path), "%s/rejected/t.lp", fixture->folder->path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 077, 0);
}

static void control_bytes_of_a_reason_make_no_lines(void **state)
{
    struct fixture *fixture = *state;
    struct ots_reject bad = make("t", "x");
    bad.file = OTS_SLICE("a\nb\x1b[2J");
    bad.reason = OTS_SLICE("r\r\ns");
    ots_rejects_add(fixture->rejects, &bad);
    expect_file(fixture, "rejected/t.lp", "# a b [2J:12:3: r  s\nx\n");
    ots_rejects_note(fixture->rejects, OTS_SLICE("t\n"), OTS_SLICE("u\nv"));
    char *text = state_folder_read(fixture->folder, "errors", NULL);
    assert_non_null(strstr(text, "Z t : u v\n"));
    free(text);
}

/* A table of such a name cannot leave the directory. */
static void odd_names_become_hashes(void **state)
{
    struct fixture *fixture = *state;
    const char *odd[] = {"../../x", "", ".", "a b", "t/u"};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        reject(fixture, odd[i], "x");
    assert_int_equal(state_folder_count(fixture->folder, "rejected"), 5);
    char long_name[200];
    memset(long_name, 'n', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    reject(fixture, long_name, "x");
    assert_int_equal(state_folder_count(fixture->folder, "rejected"), 6);
}

static void a_full_file_only_counts(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 10; i++)
        reject(fixture, "t", "cpu,host=a 1000");
    struct ots_reject_counts counts;
    ots_rejects_counts(fixture->rejects, OTS_SLICE("t"), &counts);
    assert_int_equal(counts.lines, 10);
    assert_int_equal(counts.dropped, 6);
    size_t size;
    free(state_folder_read(fixture->folder, "rejected/t.lp", &size));
    assert_true(size <= 200);
    ots_rejects_counts(fixture->rejects, OTS_SLICE("u"), &counts);
    assert_int_equal(counts.lines, 0);
    /* Emptied, it takes lines again. */
    assert_int_equal(ots_rejects_empty(fixture->rejects, OTS_SLICE("t"), NULL), OTS_OK);
    reject(fixture, "t", "cpu,host=a 1000");
    expect_file(fixture, "rejected/t.lp", "# cpu/host=a.lp:12:3: no fields\ncpu,host=a 1000\n");
}

static void that_a_file_is_full_is_said_once(void **state)
{
    struct fixture *fixture = *state;
    ots_rejects_free(fixture->rejects);
    fixture->rejects = open_rejects(fixture->folder, 100, 0);
    for (int i = 0; i < 10; i++)
        reject(fixture, "t", "cpu,host=a 1000");
    char *text = state_folder_read(fixture->folder, "errors", NULL);
    char *said = strstr(text, "Z t: its file of rejected lines is full");
    assert_non_null(said);
    assert_null(strstr(strstr(said, "is full") + 1, "is full"));
    free(text);
}

static void errors_keeps_its_newest(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 100; i++) {
        char note[32];
        int size = snprintf(note, sizeof(note), "note %d", i);
        ots_rejects_note(fixture->rejects, OTS_SLICE("t"), ots_slice(note, (size_t)size));
    }
    size_t size;
    char *text = state_folder_read(fixture->folder, "errors", &size);
    assert_true(size < 1000 && size >= 400);
    assert_memory_equal(text, "2023-11-14T", 11);
    assert_non_null(strstr(text, "note 99\n"));
    assert_null(strstr(text, "note 1\n"));
    assert_int_equal(state_folder_count(fixture->folder, "."), 2);
    free(text);
}

static void an_open_file_shows_one_moment(void **state)
{
    struct fixture *fixture = *state;
    int fd;
    uint64_t size;
    struct ots_error err;
    assert_int_equal(ots_rejects_open(fixture->rejects, OTS_SLICE("t"), &fd, &size, &err),
                     OTS_NOT_FOUND);
    reject(fixture, "t", "one");
    assert_int_equal(ots_rejects_open(fixture->rejects, OTS_SLICE("t"), &fd, &size, &err), OTS_OK);
    assert_int_equal(size, strlen("# cpu/host=a.lp:12:3: no fields\none\n"));
    assert_int_equal(ots_rejects_empty(fixture->rejects, OTS_SLICE("t"), &err), OTS_OK);
    char text[8];
    assert_int_equal(pread(fd, text, 4, (off_t)size - 4), 4);
    assert_memory_equal(text, "one\n", 4);
    close(fd);
    assert_int_equal(ots_rejects_open(fixture->rejects, OTS_SLICE_NONE, &fd, &size, &err), OTS_OK);
    assert_true(size > 0);
    close(fd);
    assert_int_equal(ots_rejects_empty(fixture->rejects, OTS_SLICE_NONE, &err), OTS_OK);
    assert_int_equal(ots_rejects_empty(fixture->rejects, OTS_SLICE_NONE, &err), OTS_OK);
    assert_int_equal(ots_rejects_open(fixture->rejects, OTS_SLICE_NONE, &fd, &size, &err),
                     OTS_NOT_FOUND);
}

static void add_name(void *context, struct ots_slice name)
{
    struct ots_slice *last = context;
    *last = name;
    assert_true(ots_slice_equal(name, OTS_SLICE("t.lp")));
}

static void the_files_can_be_listed(void **state)
{
    struct fixture *fixture = *state;
    struct ots_slice last = OTS_SLICE_NONE;
    reject(fixture, "t", "one");
    assert_int_equal(ots_rejects_each(fixture->rejects, add_name, &last, NULL), OTS_OK);
    assert_int_equal(last.size, 4);
}

static void what_cannot_be_written_is_counted(void **state)
{
    struct fixture *fixture = *state;
    char path[128];
    snprintf(path, sizeof(path), "%s/rejected/t.lp", fixture->folder->path);
    assert_int_equal(mkdir(path, 0700), 0);
    fixture->folder->log.level = OTS_LOG_ERROR;
    reject(fixture, "t", "one");
    struct ots_reject_counts counts;
    ots_rejects_counts(fixture->rejects, OTS_SLICE("t"), &counts);
    assert_int_equal(counts.lines, 1);
    assert_int_equal(counts.dropped, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_SMALL(name) cmocka_unit_test_setup_teardown(name, setup_small, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_kept_with_its_place_and_reason),
        TEST(nobody_else_may_read_them),
        TEST(control_bytes_of_a_reason_make_no_lines),
        TEST(odd_names_become_hashes),
        TEST_SMALL(a_full_file_only_counts),
        TEST(that_a_file_is_full_is_said_once),
        TEST_SMALL(errors_keeps_its_newest),
        TEST(an_open_file_shows_one_moment),
        TEST(the_files_can_be_listed),
        TEST(what_cannot_be_written_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
