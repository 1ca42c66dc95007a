#include "fs/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SECRET "s3cret-key"
#define ONE_ENTRY                                                                                  \
    "\"endpoint\": \"https://web.cn-hangzhou.ots.aliyuncs.com\", \"accessId\": \"id\", "           \
    "\"accessKey\": \"" SECRET "\""

struct fixture {
    char directory[64];
    char user[128];   /* below XDG_CONFIG_HOME */
    char system[128]; /* stands for /etc/otsfs/datasources.json */
    struct ots_data_source source;
    struct ots_error err;
};

static void fixture_init(struct fixture *fixture)
{
    char path[96];
    memset(fixture, 0, sizeof(*fixture));
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/ots-config-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(path, sizeof(path), "%s/otsfs", fixture->directory);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(fixture->user, sizeof(fixture->user), "%s/datasources.json", path);
    snprintf(fixture->system, sizeof(fixture->system), "%s/system.json", fixture->directory);
    setenv("XDG_CONFIG_HOME", fixture->directory, 1);
    unsetenv("TABLESTORE_ACCESS_KEY_ID");
    unsetenv("TABLESTORE_ACCESS_KEY_SECRET");
    unsetenv("TABLESTORE_SESSION_TOKEN");
}

static void fixture_deinit(struct fixture *fixture)
{
    char path[128];
    ots_data_source_deinit(&fixture->source);
    unlink(fixture->user);
    unlink(fixture->system);
    snprintf(path, sizeof(path), "%s/otsfs", fixture->directory);
    rmdir(path);
    rmdir(fixture->directory);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    fclose(file);
    assert_int_equal(chmod(path, mode), 0);
}

static enum ots_status load(struct fixture *fixture, const char *source, const char *instance)
{
    struct ots_config_options options = {.system_file = fixture->system, .instance = instance};
    ots_data_source_deinit(&fixture->source);
    return ots_config_load(source, &options, &fixture->source, &fixture->err);
}

static void assert_message(const struct fixture *fixture, const char *part)
{
    if (!strstr(fixture->err.message, part) || strstr(fixture->err.message, "s3cret"))
        fail_msg("%s", fixture->err.message);
}

/* --- endpoints and local --------------------------------------------------------------------- */

static void test_local(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    assert_int_equal(load(&fixture, "local:/var/lib/x", NULL), OTS_OK);
    assert_string_equal(fixture.source.directory, "/var/lib/x");
    assert_null(fixture.source.endpoint);
    assert_int_equal(load(&fixture, "local:", NULL), OTS_INVALID);
    assert_null(fixture.source.directory);
    assert_int_equal(load(&fixture, "local:x", "i"), OTS_INVALID);
    fixture_deinit(&fixture);
}

static void check_endpoint(const char *url, const char *option, const char *endpoint,
                           const char *instance, const char *region)
{
    struct fixture fixture;
    fixture_init(&fixture);
    setenv("TABLESTORE_ACCESS_KEY_ID", "id", 1);
    setenv("TABLESTORE_ACCESS_KEY_SECRET", SECRET, 1);
    if (load(&fixture, url, option) != OTS_OK)
        fail_msg("%s: %s", url, fixture.err.message);
    assert_string_equal(fixture.source.endpoint, endpoint);
    assert_string_equal(fixture.source.instance, instance);
    if (region)
        assert_string_equal(fixture.source.region, region);
    else
        assert_null(fixture.source.region);
    assert_string_equal(fixture.source.access_key_id, "id");
    assert_string_equal(fixture.source.access_key_secret, SECRET);
    assert_null(fixture.source.sts_token);
    fixture_deinit(&fixture);
}

static void test_endpoints(void **state)
{
    (void)state;
    check_endpoint("https://web-1.cn-hangzhou.ots.aliyuncs.com", NULL,
                   "https://web-1.cn-hangzhou.ots.aliyuncs.com", "web-1", "cn-hangzhou");
    check_endpoint("https://web.cn-beijing.ots-internal.aliyuncs.com:443/", NULL,
                   "https://web.cn-beijing.ots-internal.aliyuncs.com:443", "web", "cn-beijing");
    check_endpoint("https://web.cn-beijing.vpc.tablestore.aliyuncs.com", NULL,
                   "https://web.cn-beijing.vpc.tablestore.aliyuncs.com", "web", "cn-beijing");
    check_endpoint("https://web.cn-beijing.ots.aliyuncs.com", "other",
                   "https://web.cn-beijing.ots.aliyuncs.com", "other", "cn-beijing");
    check_endpoint("http://127.0.0.1:8087", "inst", "http://127.0.0.1:8087", "inst", NULL);
    check_endpoint("https://proxy.example.com/", "inst", "https://proxy.example.com", "inst", NULL);
}

static void test_environment(void **state)
{
    (void)state;
    static const char url[] = "https://web.cn-hangzhou.ots.aliyuncs.com";
    struct fixture fixture;
    fixture_init(&fixture);
    assert_int_equal(load(&fixture, url, NULL), OTS_INVALID);
    assert_message(&fixture, "TABLESTORE_ACCESS_KEY_ID is not set");
    setenv("TABLESTORE_ACCESS_KEY_ID", "id", 1);
    setenv("TABLESTORE_ACCESS_KEY_SECRET", "", 1);
    assert_int_equal(load(&fixture, url, NULL), OTS_INVALID);
    assert_message(&fixture, "TABLESTORE_ACCESS_KEY_SECRET is not set");
    assert_null(fixture.source.access_key_id);
    setenv("TABLESTORE_ACCESS_KEY_SECRET", SECRET, 1);
    setenv("TABLESTORE_SESSION_TOKEN", "token", 1);
    assert_int_equal(load(&fixture, url, NULL), OTS_OK);
    assert_string_equal(fixture.source.sts_token, "token");
    fixture_deinit(&fixture);
}

static void test_bad_sources(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "",
        "1prod",
        "pro-d",
        "prod,test",
        "\xc3\xa4",
        "ftp://host",
        "https://",
        "https://:443",
        "https:///",
        "https://host/path",
        "https://user@host",
        "https://host:",
        "https://host:0",
        "https://host:65536",
        "https://host:99999999999999999999",
        "https://host:4a",
        "https://ho st",
        "https://host?x",
        /* no instance to be told */
        "https://host.example.com",
        "https://aliyuncs.com",
        "https://web.aliyuncs.com",
        "https://.cn-hangzhou.ots.aliyuncs.com",
        "https://web..ots.aliyuncs.com",
        "https://web.cn-hangzhou.oss.aliyuncs.com",
        "https://web.cn-hangzhou.ots.aliyuncs.com.example.com",
    };
    struct fixture fixture;
    fixture_init(&fixture);
    setenv("TABLESTORE_ACCESS_KEY_ID", "id", 1);
    setenv("TABLESTORE_ACCESS_KEY_SECRET", SECRET, 1);
    for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++)
        if (load(&fixture, sources[i], NULL) != OTS_INVALID)
            fail_msg("%s was taken", sources[i]);
    assert_int_equal(load(&fixture, "https://host", "in stance"), OTS_INVALID);
    fixture_deinit(&fixture);
}

/* --- files ----------------------------------------------------------------------------------- */

static void test_name_from_file(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    write_file(fixture.user,
               "{\"datasources\": [{\"name\": \"a\", " ONE_ENTRY "},\n"
               "{\"name\": \"prod_2\", \"description\": \"web servers\", \"stsToken\": \"tok\", "
               "\"instanceName\": \"inst\", \"region\": \"somewhere\", " ONE_ENTRY "}]}\n",
               0600);
    assert_int_equal(load(&fixture, "prod_2", NULL), OTS_OK);
    assert_string_equal(fixture.source.name, "prod_2");
    assert_string_equal(fixture.source.description, "web servers");
    assert_string_equal(fixture.source.endpoint, "https://web.cn-hangzhou.ots.aliyuncs.com");
    assert_string_equal(fixture.source.instance, "inst");
    assert_string_equal(fixture.source.region, "somewhere");
    assert_string_equal(fixture.source.access_key_id, "id");
    assert_string_equal(fixture.source.access_key_secret, SECRET);
    assert_string_equal(fixture.source.sts_token, "tok");
    assert_int_equal(load(&fixture, "a", NULL), OTS_OK);
    assert_string_equal(fixture.source.instance, "web");
    assert_string_equal(fixture.source.region, "cn-hangzhou");
    assert_null(fixture.source.description);
    assert_int_equal(load(&fixture, "a", "inst"), OTS_INVALID);
    fixture_deinit(&fixture);
}

static void test_places(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    assert_int_equal(load(&fixture, "a", NULL), OTS_NOT_FOUND);
    assert_message(&fixture, fixture.user);
    assert_message(&fixture, fixture.system);
    write_file(fixture.system,
               "{\"datasources\": [{\"name\": \"a\", \"description\": \"s\", " ONE_ENTRY "}]}",
               0600);
    assert_int_equal(load(&fixture, "a", NULL), OTS_OK);
    write_file(fixture.user, "{\"datasources\": [{\"name\": \"b\", " ONE_ENTRY "}]}", 0400);
    assert_int_equal(load(&fixture, "a", NULL), OTS_OK);
    assert_string_equal(fixture.source.description, "s");
    /* The file of the user comes first. */
    chmod(fixture.user, 0600);
    write_file(fixture.user,
               "{\"datasources\": [{\"name\": \"a\", \"description\": \"u\", " ONE_ENTRY "}]}",
               0600);
    assert_int_equal(load(&fixture, "a", NULL), OTS_OK);
    assert_string_equal(fixture.source.description, "u");
    /* A file that is named is the only one. */
    struct ots_config_options options = {.config_file = "/nonexistent.json",
                                         .system_file = fixture.system};
    ots_data_source_deinit(&fixture.source);
    assert_int_equal(ots_config_load("a", &options, &fixture.source, &fixture.err), OTS_NOT_FOUND);
    assert_message(&fixture, "/nonexistent.json");
    options.config_file = fixture.system;
    assert_int_equal(ots_config_load("a", &options, &fixture.source, NULL), OTS_OK);
    assert_string_equal(fixture.source.description, "s");
    fixture_deinit(&fixture);
}

static void test_home(void **state)
{
    (void)state;
    struct fixture fixture;
    char path[128];
    fixture_init(&fixture);
    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", fixture.directory, 1);
    snprintf(path, sizeof(path), "%s/.config", fixture.directory);
    assert_int_equal(symlink(".", path), 0);
    write_file(fixture.user, "{\"datasources\": [{\"name\": \"a\", " ONE_ENTRY "}]}", 0600);
    assert_int_equal(load(&fixture, "a", NULL), OTS_OK);
    unsetenv("HOME");
    assert_int_equal(load(&fixture, "a", NULL), OTS_NOT_FOUND);
    unlink(path);
    fixture_deinit(&fixture);
}

static void test_file_that_others_may_read(void **state)
{
    (void)state;
    static const mode_t modes[] = {0640, 0604, 0644, 0620, 0602, 0610};
    struct fixture fixture;
    fixture_init(&fixture);
    for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
        write_file(fixture.user, "{\"datasources\": [{\"name\": \"a\", " ONE_ENTRY "}]}", modes[i]);
        assert_int_equal(load(&fixture, "a", NULL), OTS_DENIED);
        assert_message(&fixture, "chmod 600");
        assert_message(&fixture, fixture.user);
    }
    unlink(fixture.user);
    assert_int_equal(mkdir(fixture.user, 0700), 0);
    assert_int_equal(load(&fixture, "a", NULL), OTS_DENIED);
    rmdir(fixture.user);
    assert_int_equal(mkfifo(fixture.user, 0600), 0);
    assert_int_equal(load(&fixture, "a", NULL), OTS_DENIED);
    fixture_deinit(&fixture);
}

static void refuse(const char *text, enum ots_status status, const char *part)
{
    struct fixture fixture;
    fixture_init(&fixture);
    write_file(fixture.user, text, 0600);
    enum ots_status got = load(&fixture, "a", NULL);
    if (got != status)
        fail_msg("%s: %s", text, ots_status_text(got));
    assert_message(&fixture, part);
    assert_message(&fixture, fixture.user);
    assert_null(fixture.source.name);
    fixture_deinit(&fixture);
}

#define ENTRY(text) "{\"datasources\": [{\"name\": \"a\", " text "}]}"
#define KEYS "\"accessId\": \"id\", \"accessKey\": \"" SECRET "\""
#define CHARS_20 "\u00e4\u00e4\u00e4\u00e4\u00e4aaaaaaaaaaaaaaa"

static void test_bad_files(void **state)
{
    (void)state;
    refuse("", OTS_CORRUPT, "not JSON");
    refuse("{\"accessKey\": \"" SECRET "\"", OTS_CORRUPT, "not JSON at byte");
    refuse("[]", OTS_INVALID, "datasources: must be an array");
    refuse("{\"datasources\": {}}", OTS_INVALID, "datasources: must be an array");
    refuse("{\"datasources\": [\"" SECRET "\"]}", OTS_NOT_FOUND, "no data source a");
    refuse(ENTRY("\"endpoint\": \"https://h\", \"accessId\": \"id\""), OTS_INVALID,
           "data source a: accessKey: is missing");
    refuse(ENTRY("\"endpoint\": \"https://h\", \"accessId\": 5, \"accessKey\": \"x\""), OTS_INVALID,
           "accessId: must be a string");
    refuse(ENTRY("\"accesskey\": \"" SECRET "\""), OTS_INVALID, "unknown key accesskey");
    refuse(ENTRY("\"endpoint\": \"h\", " KEYS), OTS_INVALID, "endpoint h: must be");
    refuse(ENTRY("\"endpoint\": \"https://h\", " KEYS), OTS_INVALID, "instanceName is missing");
    refuse(ENTRY("\"endpoint\": \"https://h\", \"instanceName\": \"a b\", " KEYS), OTS_INVALID,
           "instance a b: must be");
    refuse(ENTRY("\"description\": \"" CHARS_20 CHARS_20 CHARS_20 CHARS_20 "x\", " ONE_ENTRY),
           OTS_INVALID, "description: 81 characters");
    refuse("{\"datasources\": [{\"name\": \"a\", " ONE_ENTRY "}, {\"name\": \"a\", " ONE_ENTRY
           "}]}",
           OTS_INVALID, "data source a: is there twice");
}

/* Whoever asks for another one does not meet a mistake; who asks for this one reads its name. */
static void test_other_entries_are_broken(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "5",
        "\"" SECRET "\"",
        "null",
        "[{\"name\": \"a\"}]",
        "{}",
        "{\"name\": 5, " ONE_ENTRY "}",
        "{\"name\": \"1 x\", " ONE_ENTRY "}",
        "{\"name\": \"b\"}",
        "{\"name\": \"b\", \"acessKey\": \"" SECRET "\", " ONE_ENTRY "}",
        "{\"name\": \"b\", \"endpoint\": \"ftp://h\", \"instanceName\": \"i\", " KEYS "}",
        "{\"name\": \"b\", " ONE_ENTRY "}, {\"name\": \"b\", " ONE_ENTRY "}",
    };
    struct fixture fixture;
    char text[1024];
    fixture_init(&fixture);
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        snprintf(text, sizeof(text), "{\"datasources\": [%s, {\"name\": \"a\", %s}]}", broken[i],
                 ONE_ENTRY);
        write_file(fixture.user, text, 0600);
        assert_int_equal(load(&fixture, "a", NULL), OTS_OK);
        assert_string_equal(fixture.source.name, "a");
        snprintf(text, sizeof(text), "{\"datasources\": [{\"name\": \"a\", %s}, %s]}", ONE_ENTRY,
                 broken[i]);
        write_file(fixture.user, text, 0600);
        assert_int_equal(load(&fixture, "a", NULL), OTS_OK);
        assert_int_equal(load(&fixture, "b", NULL), i < 7 ? OTS_NOT_FOUND : OTS_INVALID);
        assert_message(&fixture, i < 7 ? "no data source b" : "data source b: ");
        assert_null(fixture.source.name);
    }
    fixture_deinit(&fixture);
}

static void test_certificates(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    write_file(fixture.user, ENTRY("\"caFile\": \"/etc/my.pem\", " ONE_ENTRY), 0600);
    assert_int_equal(load(&fixture, "a", NULL), OTS_OK);
    assert_string_equal(fixture.source.ca_file, "/etc/my.pem");
    fixture_deinit(&fixture);
    refuse(ENTRY("\"caFile\": \"my.pem\", " ONE_ENTRY), OTS_INVALID, "caFile: must be an absolute");
    refuse(ENTRY("\"caFile\": 1, " ONE_ENTRY), OTS_INVALID, "caFile: must be a string");
}

static void test_longest_description(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    write_file(fixture.user,
               ENTRY("\"description\": \"" CHARS_20 CHARS_20 CHARS_20 CHARS_20 "\", " ONE_ENTRY),
               0600);
    assert_int_equal(load(&fixture, "a", NULL), OTS_OK);
    fixture_deinit(&fixture);
}

static void test_large_file(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    write_file(fixture.user, "{}", 0600);
    assert_int_equal(truncate(fixture.user, 1024 * 1024 + 1), 0);
    assert_int_equal(load(&fixture, "a", NULL), OTS_LIMIT);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_endpoints),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_bad_sources),
        cmocka_unit_test(test_name_from_file),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_home),
        cmocka_unit_test(test_file_that_others_may_read),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_longest_description),
        cmocka_unit_test(test_large_file),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_other_entries_are_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
