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
        "config=/etc/my.json,timeout=5,connections=8,put=shared,instance=inst,user=joe,comment=x,"
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

static void what_is_not_told_is_zero(void **state)
{
    (void)state;
    char line[] = "otsfs src /mnt";
    struct ots_options options;
    assert_int_equal(parse(&options, line, NULL), OTS_OK);
    assert_false(options.is_check || options.is_browse || options.is_sync || options.may_delete);
    assert_false(options.has_uid || options.has_gid);
    assert_int_equal(options.umask, 0);
    assert_int_equal(options.max_rps, 0);
    assert_int_equal(options.max_mbps, 0);
    assert_false(options.stream_off || options.has_settle || options.has_cache_size);
    assert_null(options.cache_dir);
    assert_int_equal(options.poll_us, 0);
    assert_int_equal(options.precision, OTS_PRECISION_NS);
    assert_null(options.state_dir);
    ots_options_deinit(&options);
}

static void options_of_the_mount(void **state)
{
    (void)state;
    char line[] = "otsfs src /mnt -o browse,sync,allow_delete,auto_unmount,ro,state_dir=/var/x,"
                  "max_rps=1000000,max_mbps=1,uid=0,gid=4294967294,umask=0027,noatime";
    struct ots_options options;
    assert_int_equal(parse(&options, line, NULL), OTS_OK);
    assert_true(options.is_browse && options.is_sync && options.may_delete);
    assert_string_equal((const char *)options.rest.data, "auto_unmount,ro,noatime");
    assert_string_equal(options.state_dir, "/var/x");
    assert_int_equal(options.max_rps, 1000000);
    assert_int_equal(options.max_mbps, 1);
    assert_true(options.has_uid && options.has_gid);
    assert_int_equal(options.uid, 0);
    assert_int_equal(options.gid, 4294967294);
    assert_int_equal(options.umask, 027);
    ots_options_deinit(&options);
}

static void the_last_word_counts(void **state)
{
    (void)state;
    char line[] = "otsfs src /mnt -o sync,async,put=shared,put=sdk,state_dir=a,state_dir=b";
    struct ots_options options;
    assert_int_equal(parse(&options, line, NULL), OTS_OK);
    assert_false(options.is_sync);
    assert_int_equal(options.put, OTS_PUT_CHOICE_SDK);
    assert_string_equal(options.state_dir, "b");
    ots_options_deinit(&options);
}

static void every_precision(void **state)
{
    (void)state;
    static const char *const names[] = {"ns", "us", "ms", "s"};
    static const enum ots_precision wanted[] = {OTS_PRECISION_NS, OTS_PRECISION_US,
                                                OTS_PRECISION_MS, OTS_PRECISION_S};
    for (size_t i = 0; i < 4; i++) {
        char line[64];
        struct ots_options options;
        snprintf(line, sizeof(line), "otsfs src /mnt -o precision=%s", names[i]);
        assert_int_equal(parse(&options, line, NULL), OTS_OK);
        assert_int_equal(options.precision, wanted[i]);
        ots_options_deinit(&options);
    }
}

static void several_sources(void **state)
{
    (void)state;
    char line[] = "otsfs prod,local:/a\\,b,https://x.example /mnt";
    struct ots_options options;
    assert_int_equal(parse(&options, line, NULL), OTS_OK);
    assert_int_equal(options.source_count, 3);
    assert_string_equal(options.sources[0], "prod");
    assert_string_equal(options.sources[1], "local:/a,b");
    assert_string_equal(options.sources[2], "https://x.example");
    assert_string_equal(options.source, "prod,local:/a\\,b,https://x.example");
    ots_options_deinit(&options);
}

static void as_many_sources_as_allowed(void **state)
{
    (void)state;
    for (int count = OTS_SOURCES_MAX; count <= OTS_SOURCES_MAX + 1; count++) {
        char line[1024] = "otsfs s0";
        for (int i = 1; i < count; i++)
            snprintf(line + strlen(line), sizeof(line) - strlen(line), ",s%d", i);
        strcat(line, " /mnt");
        struct ots_options options;
        bool is_allowed = count <= OTS_SOURCES_MAX;
        assert_int_equal(parse(&options, line, NULL), is_allowed ? OTS_OK : OTS_INVALID);
        ots_options_deinit(&options);
    }
}

static void a_check_needs_no_mount_point(void **state)
{
    (void)state;
    char line[] = "otsfs --check src -o config=/etc/my.json";
    struct ots_options options;
    assert_int_equal(parse(&options, line, NULL), OTS_OK);
    assert_true(options.is_check);
    assert_string_equal(options.sources[0], "src");
    assert_null(options.mountpoint);
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

static void seconds_may_have_fractions(void **state)
{
    (void)state;
    static const struct {
        char line[80];
        int64_t poll_us;
        int64_t settle_us;
    } cases[] = {
        {"otsfs src /mnt -o poll=1,settle=300", 1000000, 300000000},
        {"otsfs src /mnt -o poll=0.2,settle=0", 200000, 0},
        {"otsfs src /mnt -o poll=0.05,settle=86400.000", 50000, INT64_C(86400000000)},
        {"otsfs src /mnt -o poll=3600,settle=0.0000019", INT64_C(3600000000), 1},
        {"otsfs src /mnt -o poll=2,poll=003.25,settle=1.5", 3250000, 1500000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[80];
        memcpy(line, cases[i].line, sizeof(line));
        struct ots_options options;
        assert_int_equal(parse(&options, line, NULL), OTS_OK);
        assert_int_equal(options.poll_us, cases[i].poll_us);
        assert_true(options.has_settle);
        assert_int_equal(options.settle_us, cases[i].settle_us);
        ots_options_deinit(&options);
    }
}

static void the_cache_has_a_size_and_a_place(void **state)
{
    (void)state;
    char line[] = "otsfs src /mnt -o cache_size=7,cache_dir=/big,cache_size=0";
    struct ots_options options;
    assert_int_equal(parse(&options, line, NULL), OTS_OK);
    assert_true(options.has_cache_size);
    assert_int_equal(options.cache_mb, 0);
    assert_string_equal(options.cache_dir, "/big");
    ots_options_deinit(&options);
}

static void the_stream_can_be_off(void **state)
{
    (void)state;
    char off[] = "otsfs src /mnt -o stream=off";
    char on[] = "otsfs src /mnt -o stream=off,stream=on";
    struct ots_options options;
    assert_int_equal(parse(&options, off, NULL), OTS_OK);
    assert_true(options.stream_off);
    ots_options_deinit(&options);
    assert_int_equal(parse(&options, on, NULL), OTS_OK);
    assert_false(options.stream_off);
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
    expect_refused("otsfs src /mnt -o precision=m", "ns, us, ms, s");
    expect_refused("otsfs src /mnt -o max_rps=0", "max_rps");
    expect_refused("otsfs src /mnt -o max_rps=-1", "max_rps");
    expect_refused("otsfs src /mnt -o max_mbps=99999999999999999999", "max_mbps");
    expect_refused("otsfs src /mnt -o stream=yes", "on, off");
    expect_refused("otsfs src /mnt -o poll=0", "0.05 to 3600");
    expect_refused("otsfs src /mnt -o poll=0.04999", "poll");
    expect_refused("otsfs src /mnt -o poll=3600.1", "poll");
    expect_refused("otsfs src /mnt -o poll=-1", "poll");
    expect_refused("otsfs src /mnt -o poll=1e1", "poll");
    expect_refused("otsfs src /mnt -o poll=1.", "poll");
    expect_refused("otsfs src /mnt -o poll=.5", "poll");
    expect_refused("otsfs src /mnt -o poll=1.2.3", "poll");
    expect_refused("otsfs src /mnt -o poll=", "poll");
    expect_refused("otsfs src /mnt -o settle=86401", "0 to 86400");
    expect_refused("otsfs src /mnt -o settle=99999999999999999999999", "settle");
    expect_refused("otsfs src /mnt -o settle=5m", "settle");
    expect_refused("otsfs src /mnt -o cache_size=1048577", "0 to 1048576");
    expect_refused("otsfs src /mnt -o cache_size=1G", "cache_size");
    expect_refused("otsfs src /mnt -o cache_dir=", "cache_dir");
    expect_refused("otsfs src /mnt -o umask=8", "umask");
    expect_refused("otsfs src /mnt -o umask=1777", "umask");
    expect_refused("otsfs src /mnt -o umask=", "umask");
    expect_refused("otsfs src /mnt -o uid=root", "uid");
    expect_refused("otsfs src /mnt -o gid=4294967295", "gid");
    expect_refused("otsfs src /mnt -o state_dir=", "state_dir");
    expect_refused("otsfs a,,b /mnt", "empty");
    expect_refused("otsfs a, /mnt", "empty");
    expect_refused("otsfs --check", "source");
    expect_refused("otsfs --check src /mnt", "--check");
}

static void unknown_options_are_refused(void **state)
{
    (void)state;
    expect_refused("otsfs src /mnt -o precison=ms", "precison=ms");
    expect_refused("otsfs src /mnt -o ro,allow_others", "allow_others");
    expect_refused("otsfs src /mnt -o browse=yes", "browse=yes");
    expect_refused("otsfs src /mnt -o precision", "precision");
    expect_refused("otsfs src /mnt -o sync=1", "sync=1");
    expect_refused("otsfs src /mnt -o stream", "stream");
    expect_refused("otsfs src /mnt -o fsname", "fsname");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(source_and_mountpoint),
        cmocka_unit_test(what_mount_passes_from_fstab),
        cmocka_unit_test(options_may_be_glued_and_repeated),
        cmocka_unit_test(a_backslash_keeps_a_comma),
        cmocka_unit_test(help_and_version_want_nothing_else),
        cmocka_unit_test(seconds_may_have_fractions),
        cmocka_unit_test(the_cache_has_a_size_and_a_place),
        cmocka_unit_test(the_stream_can_be_off),
        cmocka_unit_test(what_cannot_be_understood_is_refused),
        cmocka_unit_test(unknown_options_are_refused),
        cmocka_unit_test(what_is_not_told_is_zero),
        cmocka_unit_test(options_of_the_mount),
        cmocka_unit_test(the_last_word_counts),
        cmocka_unit_test(every_precision),
        cmocka_unit_test(several_sources),
        cmocka_unit_test(as_many_sources_as_allowed),
        cmocka_unit_test(a_check_needs_no_mount_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
