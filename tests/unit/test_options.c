#include "fs/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { WORDS_MAX = 16 };

/* Parse a command line given as one string, words between spaces. */
static enum ots_status parse(struct ots_options *options, char *line, struct ots_error *err)
{
    char *words[WORDS_MAX + 1] = {NULL};
    int count = 0;
    for (char *word = strtok(line, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
        words[count++] = word;
    return ots_options_parse(options, count, words, err);
}

static void source_and_mountpoint(void **state)
{
    (void)state;
    char line[] = "otsfs local:/data /mnt";
    struct ots_options options;
    assert_int_equal(parse(&options, line, NULL), OTS_OK);
    assert_string_equal(options.source, "local:/data");
    assert_string_equal(options.mountpoint, "/mnt");
    assert_false(options.is_foreground);
    assert_int_equal(options.put, OTS_PUT_CHOICE_DEFAULT);
    assert_int_equal(options.timeout_ms, 0);
    assert_string_equal((const char *)options.rest.data, "");
    ots_options_deinit(&options);
}

static void what_mount_passes_from_fstab(void **state)
{
    (void)state;
    char line[] =
        "otsfs src /mnt -o rw,nosuid,_netdev,x-systemd.automount,nofail,relatime,allow_other,"
        "config=/etc/my.json,timeout=5,connections=8,put=shared,instance=inst,"
        "signature=v4";
    struct ots_options options;
    assert_int_equal(parse(&options, line, NULL), OTS_OK);
    assert_string_equal((const char *)options.rest.data, "rw,nosuid,allow_other");
    assert_string_equal(options.config, "/etc/my.json");
    assert_string_equal(options.instance, "inst");
    assert_int_equal(options.timeout_ms, 5000);
    assert_int_equal(options.connections, 8);
    assert_int_equal(options.put, OTS_PUT_CHOICE_SHARED);
    assert_true(options.wants_v4);
    ots_options_deinit(&options);
}

static void options_may_be_glued_and_repeated(void **state)
{
    (void)state;
    char line[] = "otsfs -f -oput=sdk src -o timeout=1 -otimeout=7,, /mnt -d";
    struct ots_options options;
    assert_int_equal(parse(&options, line, NULL), OTS_OK);
    assert_true(options.is_foreground);
    assert_true(options.is_debug);
    assert_int_equal(options.put, OTS_PUT_CHOICE_SDK);
    assert_int_equal(options.timeout_ms, 7000);
    ots_options_deinit(&options);
}

static void a_backslash_keeps_a_comma(void **state)
{
    (void)state;
    char line[] = "otsfs src /mnt -o config=/a\\,b,fsname=x\\,y";
    struct ots_options options;
    assert_int_equal(parse(&options, line, NULL), OTS_OK);
    assert_string_equal(options.config, "/a,b");
    assert_string_equal((const char *)options.rest.data, "fsname=x\\,y");
    ots_options_deinit(&options);
}

static void help_and_version_want_nothing_else(void **state)
{
    (void)state;
    char help[] = "otsfs --help";
    char version[] = "otsfs -V";
    struct ots_options options;
    assert_int_equal(parse(&options, help, NULL), OTS_OK);
    assert_true(options.wants_help);
    ots_options_deinit(&options);
    assert_int_equal(parse(&options, version, NULL), OTS_OK);
    assert_true(options.wants_version);
    ots_options_deinit(&options);
}

static void expect_refused(const char *line, const char *part_of_message)
{
    char copy[256];
    snprintf(copy, sizeof(copy), "%s", line);
    struct ots_options options;
    struct ots_error err = {0};
    assert_int_equal(parse(&options, copy, &err), OTS_INVALID);
    if (!strstr(err.message, part_of_message))
        fail_msg("%s: says \"%s\"", line, err.message);
    ots_options_deinit(&options);
}

static void what_cannot_be_understood_is_refused(void **state)
{
    (void)state;
    expect_refused("otsfs", "mount point");
    expect_refused("otsfs src", "mount point");
    expect_refused("otsfs src /mnt more", "more");
    expect_refused("otsfs --what src /mnt", "--what");
    expect_refused("otsfs src /mnt -o", "-o");
    expect_refused("otsfs src /mnt -o timeout=0", "timeout");
    expect_refused("otsfs src /mnt -o timeout=3601", "3600");
    expect_refused("otsfs src /mnt -o timeout=5s", "5s");
    expect_refused("otsfs src /mnt -o connections=257", "256");
    expect_refused("otsfs src /mnt -o connections=", "connections");
    expect_refused("otsfs src /mnt -o put=fast", "fast");
    expect_refused("otsfs src /mnt -o signature=v3", "v3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(source_and_mountpoint),
        cmocka_unit_test(what_mount_passes_from_fstab),
        cmocka_unit_test(options_may_be_glued_and_repeated),
        cmocka_unit_test(a_backslash_keeps_a_comma),
        cmocka_unit_test(help_and_version_want_nothing_else),
        cmocka_unit_test(what_cannot_be_understood_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
