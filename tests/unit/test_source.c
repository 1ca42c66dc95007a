#include "fs/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct ots_log quiet = {.program = "test", .level = OTS_LOG_ERROR};

struct fixture {
    char config[64];
    char text[512];
    struct ots_options options;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    snprintf(fixture->config, sizeof(fixture->config), "/tmp/ots-source-XXXXXX");
    int fd = mkstemp(fixture->config);
    static const char json[] =
        "{\"datasources\": ["
        "{\"name\": \"web\", \"endpoint\": \"http://127.0.0.1:1\", \"instanceName\": \"inst\","
        " \"accessId\": \"id\", \"accessKey\": \"secret-key\"},"
        "{\"name\": \"other\", \"endpoint\": \"http://127.0.0.1:1\", \"instanceName\": \"inst\","
        " \"accessId\": \"id\", \"accessKey\": \"secret-key\"}]}";
    assert_int_equal(write(fd, json, sizeof(json) - 1), sizeof(json) - 1);
    close(fd);
    fixture->options.config = fixture->config;
    fixture->options.timeout_ms = 1000;
    setenv("TABLESTORE_ACCESS_KEY_ID", "id", 1);
    setenv("TABLESTORE_ACCESS_KEY_SECRET", "secret-key", 1);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    unlink(fixture->config);
    free(fixture);
    unsetenv("TABLESTORE_ACCESS_KEY_ID");
    unsetenv("TABLESTORE_ACCESS_KEY_SECRET");
    return 0;
}

static void expect_name(struct fixture *fixture, const char *text, const char *name)
{
    struct ots_source source = {.text = NULL};
    struct ots_error err;
    if (ots_source_open(&source, text, &fixture->options, &err) != OTS_OK)
        fail_msg("%s: %s", text, err.message);
    assert_string_equal(source.name, name);
    assert_string_equal(source.text, text);
    assert_null(source.local);
    assert_null(source.store);
    ots_source_close(&source);
    assert_null(source.name);
}

static void names(void **state)
{
    struct fixture *fixture = *state;
    expect_name(fixture, "web", "web");
    expect_name(fixture, "https://abc.cn-hangzhou.ots.aliyuncs.com", "abc");
    char instance[] = "given";
    fixture->options.instance = instance;
    expect_name(fixture, "https://abc.cn-hangzhou.ots.aliyuncs.com", "given");
    struct ots_source source = {.text = NULL};
    assert_int_equal(ots_source_open(&source, "other", &fixture->options, NULL), OTS_INVALID);
    ots_source_close(&source);
    fixture->options.source_count = 2;
    expect_name(fixture, "other", "other");
    expect_name(fixture, "https://abc.cn-hangzhou.ots.aliyuncs.com", "given");
}

static void names_of_one_mount_differ(void **state)
{
    struct fixture *fixture = *state;
    static const char *const texts[] = {"web", "https://web.cn-hangzhou.ots.aliyuncs.com", "other"};
    struct ots_source sources[3] = {{.text = NULL}};
    struct ots_error err;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ots_source_open(&sources[i], texts[i], &fixture->options, NULL), OTS_OK);
    assert_int_equal(ots_sources_check_names(sources, 3, &err), OTS_INVALID);
    assert_non_null(strstr(err.message, "web and https://web.cn-hangzhou.ots.aliyuncs.com would"));
    assert_int_equal(ots_sources_check_names(sources, 1, &err), OTS_OK);
    assert_int_equal(ots_sources_check_names(sources + 1, 2, &err), OTS_OK);
    for (size_t i = 0; i < 3; i++)
        ots_source_close(&sources[i]);
}

static void what_is_not_found_can_be_closed(void **state)
{
    struct fixture *fixture = *state;
    struct ots_source source = {.text = NULL};
    struct ots_error err;
    assert_int_equal(ots_source_open(&source, "nosuch", &fixture->options, &err), OTS_NOT_FOUND);
    assert_null(source.name);
    ots_source_close(&source);
    chmod(fixture->config, 0644);
    assert_int_equal(ots_source_open(&source, "web", &fixture->options, &err), OTS_DENIED);
    ots_source_close(&source);
}

static void nobody_answers(void **state)
{
    struct fixture *fixture = *state;
    struct ots_source source = {.text = NULL};
    struct ots_error err;
    assert_int_equal(ots_source_open(&source, "web", &fixture->options, &err), OTS_OK);
    assert_int_equal(ots_source_connect(&source, &fixture->options, &quiet, &err), OTS_NETWORK);
    assert_null(source.store);
    assert_null(strstr(err.message, "secret-key"));
    ots_source_close(&source);
}

static void a_local_source_settles_sooner(void **state)
{
    (void)state;
    char directory[] = "/data";
    const struct ots_source service = {.text = "web"};
    const struct ots_source local = {.text = "local:/data", .data.directory = directory};
    struct ots_options options = {.source = ""};
    assert_int_equal(ots_source_settle_us(&service, &options), 300000000);
    assert_int_equal(ots_source_settle_us(&local, &options), 2000000);
    options.has_settle = true;
    assert_int_equal(ots_source_settle_us(&service, &options), 0);
    assert_int_equal(ots_source_settle_us(&local, &options), 0);
    options.settle_us = 500000;
    assert_int_equal(ots_source_settle_us(&local, &options), 500000);
}

static void v4_needs_a_region(void **state)
{
    struct fixture *fixture = *state;
    struct ots_source source = {.text = NULL};
    struct ots_store *store = NULL;
    struct ots_error err;
    fixture->options.wants_v4 = true;
    assert_int_equal(ots_source_open(&source, "web", &fixture->options, &err), OTS_OK);
    assert_int_equal(ots_source_store(&source, &fixture->options, 0, &quiet, &store, &err),
                     OTS_INVALID);
    assert_non_null(strstr(err.message, "region"));
    ots_source_close(&source);
    assert_int_equal(ots_source_open(&source, "https://abc.cn-hangzhou.ots.aliyuncs.com",
                                     &fixture->options, &err),
                     OTS_OK);
    assert_int_equal(ots_source_store(&source, &fixture->options, 0, &quiet, &store, &err), OTS_OK);
    ots_store_free(store);
    ots_source_close(&source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names, setup, teardown),
        cmocka_unit_test_setup_teardown(names_of_one_mount_differ, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_found_can_be_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_answers, setup, teardown),
        cmocka_unit_test(a_local_source_settles_sooner),
        cmocka_unit_test_setup_teardown(v4_needs_a_region, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
