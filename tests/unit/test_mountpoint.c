#include "fs/mountpoint.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char directory[64];
    char file[128];
    char table[128];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/ots a.XXXXXX");
    if (!mkdtemp(fixture->directory))
        return -1;
    snprintf(fixture->file, sizeof(fixture->file), "%s/file", fixture->directory);
    snprintf(fixture->table, sizeof(fixture->table), "%s/table", fixture->directory);
    FILE *file = fopen(fixture->file, "w");
    *state = fixture;
    return file ? fclose(file) : -1;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    unlink(fixture->file);
    unlink(fixture->table);
    rmdir(fixture->directory);
    free(fixture);
    return 0;
}

/* Check the directory with one mount at it, of this type and source. */
static enum ots_status check(const struct fixture *fixture, const char *at, const char *source,
                             const char *type, struct ots_error *err)
{
    FILE *table = fopen(fixture->table, "w");
    assert_non_null(table);
    /* A space in a name is \040 in the table. */
    fprintf(table, "proc /proc proc rw 0 0\n%s /tmp/ots\\040%s %s rw,relatime 0 0\n", source,
            at + strlen("/tmp/ots "), type);
    assert_int_equal(fclose(table), 0);
    return ots_mountpoint_check(fixture->directory, fixture->table, err);
}

static void a_directory_is_fit(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(ots_mountpoint_check(fixture->directory, NULL, NULL), OTS_OK);
    assert_int_equal(ots_mountpoint_check(fixture->directory, "/nonexistent/table", NULL), OTS_OK);
    assert_int_equal(ots_mountpoint_check("/", NULL, NULL), OTS_OK);
}

static void what_is_no_directory_is_not(void **state)
{
    struct fixture *fixture = *state;
    struct ots_error err = {0};
    assert_int_equal(ots_mountpoint_check(fixture->file, NULL, &err), OTS_INVALID);
    assert_non_null(strstr(err.message, "not a directory"));
    assert_int_equal(unlink(fixture->file), 0);
    assert_int_equal(ots_mountpoint_check(fixture->file, NULL, &err), OTS_NOT_FOUND);
    assert_non_null(strstr(err.message, "mkdir -p /tmp/ots a"));
}

static void an_otsfs_is_not_hidden(void **state)
{
    struct fixture *fixture = *state;
    struct ots_error err = {0};
    const char *here = fixture->directory;
    assert_int_equal(check(fixture, here, "local:/data", "fuse.otsfs", &err), OTS_EXISTS);
    assert_non_null(strstr(err.message, "local:/data is mounted there already"));
    assert_int_equal(check(fixture, here, "/dev/sda1", "ext4", &err), OTS_OK);
    assert_int_equal(check(fixture, "/tmp/ots elsewhere", "local:/data", "fuse.otsfs", &err),
                     OTS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_directory_is_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_directory_is_not, setup, teardown),
        cmocka_unit_test_setup_teardown(an_otsfs_is_not_hidden, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
