/*
 * The options of a mount as they are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "fs/settings.h"

static const struct ots_setting *find(const struct ots_settings *settings, const char *name)
{
    for (size_t i = 0; i < settings->count; i++)
        if (strcmp(settings->items[i].name, name) == 0)
            return &settings->items[i];
    return NULL;
}

static void defaults_are_told(void **state)
{
    (void)state;
    struct ots_options options = {.precision = OTS_PRECISION_NS};
    struct ots_settings settings;
    ots_settings_init(&settings, &options);
    assert_int_equal(find(&settings, "connections")->number, 16);
    assert_int_equal(find(&settings, "timeout")->number, 60);
    assert_int_equal(find(&settings, "max_rps")->number, 0);
    assert_int_equal(find(&settings, "allow_delete")->kind, OTS_SETTING_FLAG);
    assert_int_equal(find(&settings, "allow_delete")->number, 0);
    assert_string_equal(find(&settings, "precision")->text, "ns");
    assert_string_equal(find(&settings, "signature")->text, "v2");
    assert_null(find(&settings, "state_dir"));
    assert_null(find(&settings, "put"));
    assert_string_equal(find(&settings, "stream")->text, "on");
    assert_int_equal(find(&settings, "poll")->kind, OTS_SETTING_SECONDS);
    assert_int_equal(find(&settings, "poll")->number, 1000000);
    assert_null(find(&settings, "settle"));
    assert_null(find(&settings, "cache_dir"));
    assert_int_equal(find(&settings, "cache_size")->number, 1024);
}

static void what_was_given_is_told(void **state)
{
    (void)state;
    char state_dir[] = "/state";
    struct ots_options options = {
        .precision = OTS_PRECISION_MS,
        .may_delete = true,
        .is_browse = true,
        .is_sync = true,
        .wants_v4 = true,
        .state_dir = state_dir,
        .timeout_ms = 5000,
        .connections = 3,
        .max_rps = 7,
        .max_mbps = 9,
        .put = OTS_PUT_CHOICE_SDK,
        .stream_off = true,
        .poll_us = 200000,
        .has_settle = true,
        .has_cache_size = true,
        .cache_mb = 5,
    };
    struct ots_settings settings;
    ots_settings_init(&settings, &options);
    assert_int_equal(find(&settings, "connections")->number, 3);
    assert_int_equal(find(&settings, "timeout")->number, 5);
    assert_int_equal(find(&settings, "max_rps")->number, 7);
    assert_int_equal(find(&settings, "max_mbps")->number, 9);
    assert_int_equal(find(&settings, "allow_delete")->number, 1);
    assert_int_equal(find(&settings, "browse")->number, 1);
    assert_int_equal(find(&settings, "sync")->number, 1);
    assert_string_equal(find(&settings, "precision")->text, "ms");
    assert_string_equal(find(&settings, "signature")->text, "v4");
    assert_string_equal(find(&settings, "state_dir")->text, "/state");
    assert_string_equal(find(&settings, "put")->text, "sdk");
    assert_string_equal(find(&settings, "stream")->text, "off");
    assert_int_equal(find(&settings, "poll")->number, 200000);
    assert_int_equal(find(&settings, "settle")->number, 0);
    assert_int_equal(find(&settings, "cache_size")->number, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_told),
        cmocka_unit_test(what_was_given_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
