#include "fs/local.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

/* --- a fake otslocal: this program itself, when it is called as otslocal is ------------------ */

static void write_file(const char *directory, const char *name, const char *text, mode_t mode)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, mode);
    assert(fd >= 0);
    ssize_t size = write(fd, text, strlen(text));
    assert(size == (ssize_t)strlen(text));
    fchmod(fd, mode);
    close(fd);
}

static bool has_file(const char *directory, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

static int open_file(const char *directory, const char *name)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert(fd >= 0);
    return fd;
}

/* Accept until nobody uses the directory any more, then end with the exclusive lock held. */
static int fake_serve(const char *directory, const char *socket_path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int lock = open_file(directory, "users.lock");
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(strlen(socket_path) < sizeof(address.sun_path));
    memcpy(address.sun_path, socket_path, strlen(socket_path));
    unlink(socket_path);
    if (!has_file(directory, "credentials.json"))
        write_file(directory, "credentials.json",
                   "{\"instanceName\": \"local\", \"accessId\": \"id\", \"accessKey\": \"s3cret\"}",
                   0600);
    if (bind(listener, (const struct sockaddr *)&address, sizeof(address)) || listen(listener, 8))
        return 1;
    struct pollfd wait = {listener, POLLIN, 0};
    while (flock(lock, LOCK_EX | LOCK_NB) != 0)
        if (poll(&wait, 1, 5) > 0)
            close(accept(listener, NULL, NULL));
    unlink(socket_path);
    write_file(directory, "ended", "1", 0600);
    return 0;
}

static int fake_main(char **arguments)
{
    const char *directory = arguments[1];
    write_file(directory, "starts", "1", 0600);
    if (has_file(directory, "fail")) {
        fprintf(stderr, "first line\nthe disk is\x01 full\n");
        return 1;
    }
    if (has_file(directory, "silent")) {
        int lock = open_file(directory, "users.lock");
        while (flock(lock, LOCK_EX) != 0)
            continue;
        return 0;
    }
    /* Another one serves it, and goes away after the third to ask. */
    struct stat starts;
    int fd = open_file(directory, "starts");
    if (has_file(directory, "served") && fstat(fd, &starts) == 0 && starts.st_size < 3)
        return 3;
    return fake_serve(directory, arguments[3]);
}

/* --- helpers --------------------------------------------------------------------------------- */

struct fixture {
    char directory[64];
    struct ots_data_source source;
    struct ots_local *local;
    struct ots_error err;
};

static void fixture_init(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/ots-local-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
}

static enum ots_status open_local(struct fixture *fixture, const char *directory,
                                  int64_t timeout_ms)
{
    struct ots_local_options options = {.program = "/proc/self/exe", .timeout_ms = timeout_ms};
    ots_data_source_deinit(&fixture->source);
    fixture->source.directory = strdup(directory);
    return ots_local_open(&fixture->source, &options, &fixture->local, &fixture->err);
}

static void expect_open(struct fixture *fixture)
{
    if (open_local(fixture, fixture->directory, 20000) != OTS_OK)
        fail_msg("%s", fixture->err.message);
}

static size_t count_starts(const struct fixture *fixture)
{
    struct stat starts;
    char path[128];
    snprintf(path, sizeof(path), "%s/starts", fixture->directory);
    return stat(path, &starts) == 0 ? (size_t)starts.st_size : 0;
}

static void wait_ended(const struct fixture *fixture)
{
    struct timespec pause = {0, 2000000};
    while (!has_file(fixture->directory, "ended"))
        nanosleep(&pause, NULL);
}

static void fixture_deinit(struct fixture *fixture)
{
    static const char *const names[] = {
        "users.lock", "credentials.json", "otslocal.log", "starts",       "ended",
        "fail",       "silent",           "served",       "otslocal.sock"};
    char path[256];
    ots_data_source_deinit(&fixture->source);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        snprintf(path, sizeof(path), "%s/%s", fixture->directory, names[i]);
        unlink(path);
    }
    rmdir(fixture->directory);
}

/* --- tests ----------------------------------------------------------------------------------- */

static void test_starts_and_ends(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    expect_open(&fixture);
    assert_string_equal(fixture.source.endpoint, "http://localhost");
    assert_string_equal(fixture.source.instance, "local");
    assert_string_equal(fixture.source.access_key_id, "id");
    assert_string_equal(fixture.source.access_key_secret, "s3cret");
    char socket_path[128];
    snprintf(socket_path, sizeof(socket_path), "%s/otslocal.sock", fixture.directory);
    assert_string_equal(fixture.source.socket, socket_path);
    ots_local_close(fixture.local);
    wait_ended(&fixture);
    assert_int_equal(count_starts(&fixture), 1);
    fixture_deinit(&fixture);
}

static void test_mounts_share_a_server(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    expect_open(&fixture);
    struct ots_local *first = fixture.local;
    expect_open(&fixture);
    assert_int_equal(count_starts(&fixture), 1);
    ots_local_close(first);
    assert_false(has_file(fixture.directory, "ended"));
    ots_local_close(fixture.local);
    wait_ended(&fixture);
    fixture_deinit(&fixture);
}

static void test_makes_directory_and_absolute_path(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    char before[256];
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(fixture.directory), 0);
    assert_int_equal(open_local(&fixture, "made/../made", 20000), OTS_NOT_FOUND);
    assert_int_equal(open_local(&fixture, "./made", 20000), OTS_OK);
    assert_int_equal(chdir(before), 0);
    struct stat made;
    assert_int_equal(stat(fixture.source.directory, &made), 0);
    assert_int_equal(made.st_mode & 0777, 0700);
    ots_local_close(fixture.local);

    /* What is left is cleaned up as any other directory. */
    char outer[64];
    snprintf(outer, sizeof(outer), "%s", fixture.directory);
    snprintf(fixture.directory, sizeof(fixture.directory), "%s", fixture.source.directory);
    wait_ended(&fixture);
    fixture_deinit(&fixture);
    rmdir(outer);
}

static void test_server_fails(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    write_file(fixture.directory, "otslocal.log", "an old complaint\n", 0600);
    write_file(fixture.directory, "fail", "", 0600);
    assert_int_equal(open_local(&fixture, fixture.directory, 20000), OTS_IO);
    assert_non_null(strstr(fixture.err.message, fixture.directory));
    assert_non_null(strstr(fixture.err.message, "exit code 1; it said: the disk is? full"));
    fixture_deinit(&fixture);
}

static void test_server_never_listens(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    write_file(fixture.directory, "otslocal.log", "an old complaint\n", 0600);
    write_file(fixture.directory, "silent", "", 0600);
    assert_int_equal(open_local(&fixture, fixture.directory, 100), OTS_TIMEOUT);
    assert_non_null(strstr(fixture.err.message, "accepts no connections"));
    assert_null(strstr(fixture.err.message, "old complaint"));
    assert_int_equal(count_starts(&fixture), 1);
    fixture_deinit(&fixture);
}

/* Exit code 3: go on trying to connect, and start again should the other one be gone. */
static void test_other_server(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    write_file(fixture.directory, "served", "", 0600);
    assert_int_equal(open_local(&fixture, fixture.directory, 400), OTS_TIMEOUT);
    assert_non_null(strstr(fixture.err.message, "another otslocal"));
    assert_int_equal(count_starts(&fixture), 1);
    expect_open(&fixture);
    assert_int_equal(count_starts(&fixture), 3);
    ots_local_close(fixture.local);
    wait_ended(&fixture);
    fixture_deinit(&fixture);
}

struct ending {
    int lock;
    atomic_bool has_ended;
};

static void *end_soon(void *argument)
{
    struct ending *ending = argument;
    struct timespec pause = {0, 100000000};
    nanosleep(&pause, NULL);
    atomic_store(&ending->has_ended, true);
    close(ending->lock);
    return NULL;
}

static void test_waits_for_ending_server(void **state)
{
    (void)state;
    struct fixture fixture;
    struct ending ending = {.has_ended = false};
    pthread_t thread;
    fixture_init(&fixture);
    ending.lock = open_file(fixture.directory, "users.lock");
    assert_int_equal(flock(ending.lock, LOCK_EX), 0);
    assert_int_equal(open_local(&fixture, fixture.directory, 50), OTS_TIMEOUT);
    assert_int_equal(count_starts(&fixture), 0);
    assert_int_equal(pthread_create(&thread, NULL, end_soon, &ending), 0);
    expect_open(&fixture);
    assert_true(atomic_load(&ending.has_ended));
    pthread_join(thread, NULL);
    ots_local_close(fixture.local);
    wait_ended(&fixture);
    fixture_deinit(&fixture);
}

static void refuse_credentials(const char *text, mode_t mode, enum ots_status status,
                               const char *part)
{
    struct fixture fixture;
    fixture_init(&fixture);
    write_file(fixture.directory, "credentials.json", text, mode);
    assert_int_equal(open_local(&fixture, fixture.directory, 20000), status);
    if (!strstr(fixture.err.message, part) || strstr(fixture.err.message, "s3cret"))
        fail_msg("%s", fixture.err.message);
    wait_ended(&fixture);
    fixture_deinit(&fixture);
}

static void test_bad_credentials(void **state)
{
    (void)state;
    refuse_credentials("{\"instanceName\": \"l\", \"accessId\": \"i\", \"accessKey\": \"s3cret\"}",
                       0640, OTS_DENIED, "credentials.json: has secrets that others may read");
    refuse_credentials("{\"instanceName\": \"l\", \"accessKey\": \"s3cret\"}", 0600, OTS_CORRUPT,
                       "credentials.json: accessId is missing");
    refuse_credentials("s3cret", 0600, OTS_CORRUPT, "credentials.json: not JSON");
}

static void test_bad_directory(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    assert_int_equal(open_local(&fixture, "/tmp/ots-no-such-parent/x", 100), OTS_NOT_FOUND);
    assert_int_equal(open_local(&fixture, "/dev/null", 100), OTS_IO);
    char name[160];
    int length = snprintf(name, sizeof(name), "%s/", fixture.directory);
    memset(name + length, 'x', 90);
    name[length + 90] = '\0';
    assert_int_equal(open_local(&fixture, name, 100), OTS_LIMIT);
    rmdir(name);
    fixture_deinit(&fixture);
}

static void test_no_program(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture);
    struct ots_local_options options = {.program = "/nonexistent/otslocal"};
    fixture.source.directory = strdup(fixture.directory);
    assert_int_equal(ots_local_open(&fixture.source, &options, &fixture.local, &fixture.err),
                     OTS_NOT_FOUND);
    assert_non_null(strstr(fixture.err.message, "/nonexistent/otslocal"));
    fixture_deinit(&fixture);
    ots_local_close(NULL);
}

/* --- watching -------------------------------------------------------------------------------- */

/* 0: nobody listens. */
static pid_t find_server(const struct fixture *fixture)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred peer = {.pid = 0};
    socklen_t size = sizeof(peer);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, fixture->source.socket, strlen(fixture->source.socket));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
    close(fd);
    return peer.pid;
}

static pid_t wait_server(const struct fixture *fixture)
{
    struct timespec pause = {0, 2000000};
    pid_t server;
    while ((server = find_server(fixture)) == 0)
        nanosleep(&pause, NULL);
    return server;
}

static void wait_starts(const struct fixture *fixture, size_t count)
{
    struct timespec pause = {0, 2000000};
    while (count_starts(fixture) < count)
        nanosleep(&pause, NULL);
}

static void kill_server(const struct fixture *fixture)
{
    assert_int_equal(kill(wait_server(fixture), SIGKILL), 0);
}

static void watch(struct fixture *fixture, const struct ots_log *log)
{
    assert_int_equal(ots_local_watch(fixture->local, log, &fixture->err), OTS_OK);
}

static void test_brings_server_back(void **state)
{
    (void)state;
    static const struct ots_log log = {.program = "test", .level = OTS_LOG_ERROR};
    struct fixture fixture;
    fixture_init(&fixture);
    expect_open(&fixture);
    watch(&fixture, &log);
    for (size_t starts = 2; starts < 5; starts++) {
        kill_server(&fixture);
        wait_starts(&fixture, starts);
        wait_server(&fixture);
    }
    assert_int_equal(count_starts(&fixture), 4);
    ots_local_close(fixture.local);
    wait_ended(&fixture);
    assert_int_equal(count_starts(&fixture), 4);
    fixture_deinit(&fixture);
}

/* It ended before the watch began. */
static void test_brings_back_what_is_gone(void **state)
{
    (void)state;
    static const struct ots_log log = {.program = "test", .level = OTS_LOG_ERROR};
    struct fixture fixture;
    fixture_init(&fixture);
    expect_open(&fixture);
    pid_t server = wait_server(&fixture);
    assert_int_equal(kill(server, SIGKILL), 0);
    assert_int_equal(waitpid(server, NULL, 0), server);
    watch(&fixture, &log);
    wait_server(&fixture);
    ots_local_close(fixture.local);
    wait_ended(&fixture);
    fixture_deinit(&fixture);
}

static size_t count_text(const char *text, const char *part)
{
    size_t count = 0;
    while ((text = strstr(text, part)) != NULL) {
        count++;
        text += strlen(part);
    }
    return count;
}

/* Fails three times and then serves again; or ends amid its failures. What it logged is in text. */
static void fail_often(struct fixture *fixture, bool is_mended, char *text, size_t size)
{
    static const struct ots_log log = {.program = "test", .level = OTS_LOG_INFO};
    char path[128];
    int kept = dup(STDERR_FILENO);
    int fd = memfd_create("log", MFD_CLOEXEC);
    snprintf(path, sizeof(path), "%s/fail", fixture->directory);
    expect_open(fixture);
    watch(fixture, &log);
    write_file(fixture->directory, "fail", "", 0600);
    dup2(fd, STDERR_FILENO);
    kill_server(fixture);
    wait_starts(fixture, 4);
    if (is_mended) {
        unlink(path);
        wait_server(fixture);
        struct timespec pause = {0, 2000000};
        for (ssize_t got = 0; !strstr(text, "serves again"); nanosleep(&pause, NULL)) {
            got = pread(fd, text, size - 1, 0);
            assert_true(got >= 0);
            text[got] = '\0';
        }
    }
    ots_local_close(fixture->local);
    dup2(kept, STDERR_FILENO);
    ssize_t got = pread(fd, text, size - 1, 0);
    assert_true(got >= 0);
    text[got] = '\0';
    close(kept);
    close(fd);
}

static void test_logs_failures_once(void **state)
{
    (void)state;
    for (int is_mended = 0; is_mended < 2; is_mended++) {
        struct fixture fixture;
        char text[4096] = "";
        fixture_init(&fixture);
        fail_often(&fixture, is_mended != 0, text, sizeof(text));
        assert_int_equal(count_text(text, "it is started again"), 1);
        assert_int_equal(count_text(text, "the disk is? full"), 1);
        assert_int_equal(count_text(text, "serves again"), is_mended);
        assert_null(strstr(text, "s3cret"));
        if (is_mended)
            wait_ended(&fixture);
        fixture_deinit(&fixture);
    }
}

/* A start that hangs does not hold up the end of the mount. */
static void test_ends_amid_a_start(void **state)
{
    (void)state;
    static const struct ots_log log = {.program = "test", .level = OTS_LOG_ERROR};
    struct fixture fixture;
    struct timespec before;
    struct timespec after;
    fixture_init(&fixture);
    expect_open(&fixture);
    watch(&fixture, &log);
    write_file(fixture.directory, "silent", "", 0600);
    kill_server(&fixture);
    wait_starts(&fixture, 2);
    clock_gettime(CLOCK_MONOTONIC, &before);
    ots_local_close(fixture.local);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_true(after.tv_sec - before.tv_sec < 10);
    fixture_deinit(&fixture);
}

int main(int argc, char **argv)
{
    if (argc == 6 && !strcmp(argv[2], "--socket") && !strcmp(argv[4], "--linger") &&
        !strcmp(argv[5], "5"))
        return fake_main(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starts_and_ends),
        cmocka_unit_test(test_mounts_share_a_server),
        cmocka_unit_test(test_makes_directory_and_absolute_path),
        cmocka_unit_test(test_server_fails),
        cmocka_unit_test(test_server_never_listens),
        cmocka_unit_test(test_other_server),
        cmocka_unit_test(test_waits_for_ending_server),
        cmocka_unit_test(test_bad_credentials),
        cmocka_unit_test(test_bad_directory),
        cmocka_unit_test(test_no_program),
        cmocka_unit_test(test_brings_server_back),
        cmocka_unit_test(test_brings_back_what_is_gone),
        cmocka_unit_test(test_logs_failures_once),
        cmocka_unit_test(test_ends_amid_a_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
