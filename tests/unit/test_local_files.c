/* What otslocal reads and keeps besides its data: options, credentials, the directory's locks. */
#include "tests/unit/server_fixture.h"

#include "backend/server/credentials.h"
#include "backend/server/directory.h"
#include "backend/server/options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- options ---- */

static enum ots_status parse(struct ots_local_options *options, const char *first,
                             const char *second, const char *third, struct ots_error *err)
{
    char words[4][64] = {"otslocal"};
    char *argv[5] = {words[0]};
    const char *const given[] = {first, second, third};
    int argc = 1;
    for (size_t i = 0; i < 3 && given[i]; i++) {
        snprintf(words[argc], sizeof(words[argc]), "%s", given[i]);
        argv[argc] = words[argc];
        argc++;
    }
    return ots_local_options_parse(argc, argv, options, err);
}

static void test_options(void **state)
{
    (void)state;
    struct ots_local_options options;
    char *argv[] = {(char[]){"otslocal"},      (char[]){"--listen"}, (char[]){"[::1]:0"},
                    (char[]){"dir"},           (char[]){"--socket"}, (char[]){"s"},
                    (char[]){"--instance=i1"}, (char[]){"--linger"}, (char[]){"7"},
                    (char[]){"--credentials"}, (char[]){"c.json"},   NULL};
    assert_int_equal(ots_local_options_parse(11, argv, &options, NULL), OTS_OK);
    assert_string_equal(options.directory, "dir");
    assert_string_equal(options.listen, "[::1]:0");
    assert_string_equal(options.unix_socket, "s");
    assert_string_equal(options.instance, "i1");
    assert_string_equal(options.credentials, "c.json");
    assert_int_equal(options.linger_s, 7);
}

static void test_options_defaults(void **state)
{
    (void)state;
    struct ots_local_options options;
    assert_int_equal(parse(&options, "dir", NULL, NULL, NULL), OTS_OK);
    assert_string_equal(options.listen, "127.0.0.1:8087");
    assert_null(options.unix_socket);
    assert_int_equal(options.linger_s, -1);
    assert_int_equal(options.stream_retention_hours, 168);
    assert_int_equal(parse(&options, "dir", "--stream-retention", "1", NULL), OTS_OK);
    assert_int_equal(options.stream_retention_hours, 1);
    assert_int_equal(parse(&options, "dir", "--socket=s", NULL, NULL), OTS_OK);
    assert_null(options.listen);
    assert_int_equal(parse(&options, "--help", NULL, NULL, NULL), OTS_OK);
    assert_true(options.wants_help);
    assert_int_equal(parse(&options, "--version", NULL, NULL, NULL), OTS_OK);
    assert_true(options.wants_version);
    assert_non_null(strstr(ots_local_options_help(), "--linger"));
}

static void test_options_refused(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {NULL},
        {""},
        {"dir", "other"},
        {"dir", "--what"},
        {"dir", "--listen"},
        {"dir", "--linger", "-1"},
        {"dir", "--linger", "5s"},
        {"dir", "--linger", ""},
        {"dir", "--linger", "86401"},
        {"dir", "--stream-retention", "0"},
        {"dir", "--stream-retention", "169"},
        {"dir", "--stream-retention", "7d"},
        {"dir", "--instance", "in stance"},
        {"dir", "--instance", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ots_local_options options;
        struct ots_error err = {0};
        assert_int_equal(parse(&options, cases[i][0], cases[i][1], cases[i][2], &err), OTS_INVALID);
        assert_true(err.message[0] != '\0');
    }
}

/* ---- credentials ---- */

struct fixture {
    struct test_directory directory;
    struct ots_arena arena;
    char path[300];
};

static int setup(void **state)
{
    static struct fixture fixture;
    test_directory_make(&fixture.directory);
    fixture.arena = OTS_ARENA_INIT;
    snprintf(fixture.path, sizeof(fixture.path), "%s/file", fixture.directory.path);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ots_arena_deinit(&fixture->arena);
    test_directory_remove(&fixture->directory);
    return 0;
}

static enum ots_status read_file(struct fixture *fixture, struct ots_credentials *credentials,
                                 bool *is_found, struct ots_error *err)
{
    return ots_credentials_read(fixture->path, &fixture->arena, credentials, is_found, err);
}

static void test_credentials(void **state)
{
    struct fixture *fixture = *state;
    struct ots_credentials made;
    struct ots_credentials other;
    struct ots_credentials found;
    struct stat info;
    bool is_found = true;
    assert_int_equal(read_file(fixture, &found, &is_found, NULL), OTS_OK);
    assert_false(is_found);
    assert_int_equal(ots_credentials_make("inst", &fixture->arena, &made, NULL), OTS_OK);
    assert_int_equal(ots_credentials_make("inst", &fixture->arena, &other, NULL), OTS_OK);
    assert_string_not_equal(made.access_key_id, other.access_key_id);
    assert_string_not_equal(made.access_key_secret, other.access_key_secret);
    assert_true(strlen(made.access_key_secret) >= 30);
    made.endpoint = "http://127.0.0.1:8087";
    made.unix_socket = "/run/with \"quotes\"";
    umask(0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ots_credentials_write(fixture->path, &made, NULL), OTS_OK);
        assert_int_equal(stat(fixture->path, &info), 0);
        assert_int_equal(info.st_mode & 07777, 0600);
        assert_int_equal(read_file(fixture, &found, &is_found, NULL), OTS_OK);
        assert_true(is_found);
        assert_string_equal(found.endpoint, made.endpoint);
        assert_string_equal(found.instance, "inst");
        assert_string_equal(found.access_key_id, made.access_key_id);
        assert_string_equal(found.access_key_secret, made.access_key_secret);
        if (made.unix_socket)
            assert_string_equal(found.unix_socket, made.unix_socket);
        else
            assert_null(found.unix_socket);
        made.unix_socket = NULL;
        made.endpoint = "http://localhost";
    }
}

static void write_text(const char *path, const char *text, mode_t mode)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void test_credentials_refused(void **state)
{
    struct fixture *fixture = *state;
    static const char good[] = "{\"instanceName\":\"i\",\"accessId\":\"a\",\"accessKey\":\"hush\"}";
    static const mode_t open_modes[] = {0640, 0604, 0666, 0620};
    static const char *const bad[] = {
        "",
        "{",
        "[]",
        "{\"instanceName\":\"i\",\"accessId\":\"a\"}",
        "{\"instanceName\":\"i\",\"accessId\":\"a b\",\"accessKey\":\"hush\"}",
        "{\"instanceName\":\"i/j\",\"accessId\":\"a\",\"accessKey\":\"hush\"}",
        "{\"instanceName\":\"i\",\"accessId\":\"a\",\"accessKey\":\"\"}",
        "{\"instanceName\":\"i\",\"accessId\":7,\"accessKey\":\"hush\"}",
    };
    struct ots_credentials credentials;
    bool is_found;
    struct ots_error err = {0};
    write_text(fixture->path, good, 0400);
    assert_int_equal(read_file(fixture, &credentials, &is_found, NULL), OTS_OK);
    for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
        assert_int_equal(chmod(fixture->path, open_modes[i]), 0);
        assert_int_equal(read_file(fixture, &credentials, &is_found, &err), OTS_DENIED);
        assert_null(strstr(err.message, "hush"));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_text(fixture->path, bad[i], 0600);
        assert_int_equal(read_file(fixture, &credentials, &is_found, &err), OTS_CORRUPT);
        assert_non_null(strstr(err.message, fixture->path));
        assert_null(strstr(err.message, "hush"));
    }
    snprintf(fixture->path, sizeof(fixture->path), "%s", fixture->directory.path);
    assert_int_equal(chmod(fixture->path, 0700), 0);
    assert_int_not_equal(read_file(fixture, &credentials, &is_found, &err), OTS_OK);
    credentials = (struct ots_credentials){
        .endpoint = "e", .instance = "i", .access_key_id = "a", .access_key_secret = "hush"};
    assert_int_not_equal(ots_credentials_write("/proc/none/file", &credentials, &err), OTS_OK);
}

/* ---- the directory ---- */

static void test_directory_locks(void **state)
{
    struct fixture *fixture = *state;
    struct ots_directory directory;
    struct ots_directory second;
    struct ots_error err = {0};
    struct stat info;
    char users[400];
    assert_int_equal(ots_directory_open(fixture->path, &directory, &err), OTS_OK);
    assert_int_equal(stat(fixture->path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(ots_directory_open(fixture->path, &second, &err), OTS_EXISTS);
    assert_non_null(strstr(err.message, fixture->path));
    /* A mount. */
    snprintf(users, sizeof(users), "%s/users.lock", fixture->path);
    int fd = open(users, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
    assert_false(ots_directory_exclude_users(&directory));
    assert_int_equal(flock(fd, LOCK_UN), 0);
    assert_true(ots_directory_exclude_users(&directory));
    assert_int_not_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
    ots_directory_allow_users(&directory);
    assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), 0);
    close(fd);
    /* The next server may start as soon as this one has let go. */
    ots_directory_release(&directory);
    assert_int_equal(ots_directory_open(fixture->path, &second, &err), OTS_OK);
    ots_directory_release(&second);
    close(directory.users_fd);
    close(second.users_fd);
}

static void test_directory_errors(void **state)
{
    struct fixture *fixture = *state;
    struct ots_directory directory;
    struct ots_error err = {0};
    char path[400];
    snprintf(path, sizeof(path), "%s/no/parent", fixture->directory.path);
    assert_int_not_equal(ots_directory_open(path, &directory, &err), OTS_OK);
    assert_non_null(strstr(err.message, path));
    write_text(fixture->path, "a file", 0600);
    assert_int_not_equal(ots_directory_open(fixture->path, &directory, &err), OTS_OK);
    assert_int_equal(directory.lock_fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_options_defaults),
        cmocka_unit_test(test_options_refused),
        cmocka_unit_test_setup_teardown(test_credentials, setup, teardown),
        cmocka_unit_test_setup_teardown(test_credentials_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory_locks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory_errors, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
