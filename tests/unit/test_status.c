#include "backend/base/clock.h"
#include "backend/base/log.h"
#include "backend/base/status.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_texts(void **state)
{
    (void)state;
    assert_string_equal(ots_status_text(OTS_OK), "success");
    assert_string_equal(ots_status_text(OTS_IO), "input/output error");
    assert_string_equal(ots_status_text((enum ots_status)999), "unknown status");
}

static void test_errors_are_filled(void **state)
{
    (void)state;
    struct ots_error err;
    memset(&err, 'x', sizeof(err));
    assert_int_equal(ots_error_set(&err, OTS_INVALID, "bad %s %d", "thing", 7), OTS_INVALID);
    assert_int_equal(err.status, OTS_INVALID);
    assert_string_equal(err.message, "bad thing 7");
    assert_string_equal(err.service_code, "");
    assert_string_equal(err.request_id, "");
    assert_int_equal(ots_error_service(&err, OTS_THROTTLED, "OTSServerBusy", "busy"),
                     OTS_THROTTLED);
    assert_string_equal(err.service_code, "OTSServerBusy");
    assert_string_equal(err.message, "busy");
    assert_int_equal(ots_error_set(NULL, OTS_IO, "nobody listens"), OTS_IO);
    assert_int_equal(ots_error_service(NULL, OTS_IO, "code", "nobody listens"), OTS_IO);
    assert_int_equal(ots_error_errno(NULL, ENOENT, "nobody listens"), OTS_NOT_FOUND);
}

static void test_long_texts_are_cut(void **state)
{
    (void)state;
    struct ots_error err;
    char text[2000];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    assert_int_equal(ots_error_service(&err, OTS_IO, text, "%s", text), OTS_IO);
    assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
    assert_int_equal(strlen(err.service_code), sizeof(err.service_code) - 1);
    assert_int_equal(ots_error_prefix(&err, "first"), OTS_IO);
    assert_int_equal(strncmp(err.message, "first: aaa", 10), 0);
    assert_true(strlen(err.message) < sizeof(err.message));
    assert_int_equal(ots_error_prefix(&err, "%s", text), OTS_IO);
    assert_true(strlen(err.message) < sizeof(err.message));
}

static void test_errnos(void **state)
{
    (void)state;
    static const struct {
        int errnum;
        enum ots_status status;
    } cases[] = {{ENOMEM, OTS_NOMEM},    {ENOENT, OTS_NOT_FOUND}, {EEXIST, OTS_EXISTS},
                 {ENOSPC, OTS_NO_SPACE}, {EDQUOT, OTS_NO_SPACE},  {EACCES, OTS_DENIED},
                 {EPERM, OTS_DENIED},    {EIO, OTS_IO},           {EBADF, OTS_IO}};
    struct ots_error err;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(ots_error_errno(&err, cases[i].errnum, "x"), cases[i].status);
    assert_int_equal(ots_error_errno(&err, ENOENT, "%s", "/a/b"), OTS_NOT_FOUND);
    assert_string_equal(err.message, "/a/b: No such file or directory");
}

static void test_prefixes(void **state)
{
    (void)state;
    struct ots_error err;
    assert_int_equal(ots_error_service(&err, OTS_DENIED, "OTSAuthFailed", "no"), OTS_DENIED);
    assert_int_equal(ots_error_prefix(&err, "table %s", "t"), OTS_DENIED);
    assert_int_equal(ots_error_prefix(&err, "mount"), OTS_DENIED);
    assert_string_equal(err.message, "mount: table t: no");
    assert_string_equal(err.service_code, "OTSAuthFailed");
}

/* What is written to standard error while it goes to a file. */
struct captured {
    int saved;
    FILE *file;
    char text[4096];
};

static void capture_start(struct captured *captured)
{
    fflush(stderr);
    captured->saved = dup(STDERR_FILENO);
    captured->file = tmpfile();
    assert_true(captured->saved >= 0 && captured->file);
    assert_true(dup2(fileno(captured->file), STDERR_FILENO) >= 0);
}

static void capture_end(struct captured *captured)
{
    fflush(stderr);
    dup2(captured->saved, STDERR_FILENO);
    close(captured->saved);
    rewind(captured->file);
    size_t size = fread(captured->text, 1, sizeof(captured->text) - 1, captured->file);
    captured->text[size] = '\0';
    fclose(captured->file);
}

static void test_log_lines(void **state)
{
    (void)state;
    const struct ots_log log = {"prog", OTS_LOG_INFO, false};
    struct ots_error err;
    struct captured captured;
    capture_start(&captured);
    ots_log(&log, OTS_LOG_DEBUG, "not shown");
    ots_log(&log, OTS_LOG_INFO, "shown %d", 1);
    ots_error_set(&err, OTS_IO, "disk");
    ots_log_error(&log, OTS_LOG_ERROR, "write", &err);
    ots_error_service(&err, OTS_THROTTLED, "OTSServerBusy", "busy");
    ots_log_error(&log, OTS_LOG_WARNING, "put", &err);
    snprintf(err.request_id, sizeof(err.request_id), "r-1");
    ots_log_error(&log, OTS_LOG_WARNING, "put", &err);
    ots_error_set(&err, OTS_TIMEOUT, "%s", "");
    ots_log_error(&log, OTS_LOG_ERROR, "get", &err);
    capture_end(&captured);
    assert_string_equal(captured.text, "prog: shown 1\n"
                                       "prog: write: disk\n"
                                       "prog: put: busy (OTSServerBusy, request unknown)\n"
                                       "prog: put: busy (OTSServerBusy, request r-1)\n"
                                       "prog: get: timed out\n");
}

static void test_clock(void **state)
{
    (void)state;
    int64_t before = ots_clock_monotonic_us(&ots_clock_system);
    int64_t now = ots_clock_now_us(&ots_clock_system);
    assert_true(now > 1700000000000000);
    assert_true(ots_clock_monotonic_us(&ots_clock_system) >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),    cmocka_unit_test(test_errors_are_filled),
        cmocka_unit_test(test_errnos),   cmocka_unit_test(test_long_texts_are_cut),
        cmocka_unit_test(test_prefixes), cmocka_unit_test(test_log_lines),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
