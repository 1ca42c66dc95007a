#include "fs/mount/reply.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void every_status_has_an_errno(void **state)
{
    (void)state;
    const struct {
        enum ots_status status;
        int error;
        bool is_logged;
    } cases[] = {
        {OTS_OK, 0, false},
        {OTS_NOMEM, ENOMEM, true},
        {OTS_INVALID, EINVAL, true},
        {OTS_LIMIT, EINVAL, true},
        {OTS_CORRUPT, EIO, true},
        {OTS_NOT_FOUND, ENOENT, false},
        {OTS_EXISTS, EEXIST, false},
        {OTS_NOT_EMPTY, ENOTEMPTY, false},
        {OTS_NOT_READY, EBUSY, true},
        {OTS_DENIED, EACCES, true},
        {OTS_NOT_PERMITTED, EPERM, false},
        {OTS_CONFLICT, EBUSY, true},
        {OTS_THROTTLED, EBUSY, true},
        {OTS_UNAVAILABLE, EIO, true},
        {OTS_NETWORK, EIO, true},
        {OTS_TIMEOUT, ETIMEDOUT, true},
        {OTS_CANCELLED, EINTR, false},
        {OTS_UNSUPPORTED, EOPNOTSUPP, true},
        {OTS_STALE, ESTALE, false},
        {OTS_TRIMMED, ENODATA, false},
        {OTS_INCOMPLETE, EAGAIN, false},
        {OTS_READ_ONLY, EROFS, false},
        {OTS_NO_ATTRIBUTE, ENODATA, false},
        {OTS_TOO_MANY, EMFILE, true},
        {OTS_OTHER_SOURCE, EXDEV, false},
        {OTS_NO_SPACE, ENOSPC, true},
        {OTS_IO, EIO, true},
    };
#define X(name, text) +1
    assert_int_equal(sizeof(cases) / sizeof(cases[0]), 0 OTS_STATUS_LIST(X));
#undef X
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ots_status_errno(cases[i].status), cases[i].error);
        assert_int_equal(ots_status_is_logged(cases[i].status), cases[i].is_logged);
    }
}

static const struct ots_owner nobody;

static void files_and_directories_differ(void **state)
{
    (void)state;
    const struct ots_owner owner = {.uid = 10, .gid = 20};
    struct ots_attr attr = {
        .ino = 7, .is_directory = true, .permissions = 0755, .mtime_ns = 1500000001};
    struct stat st;
    ots_attr_to_stat(&attr, &owner, &st);
    assert_int_equal(st.st_ino, 7);
    assert_int_equal(st.st_mode, S_IFDIR | 0755);
    assert_int_equal(st.st_nlink, 2);
    assert_int_equal(st.st_uid, 10);
    assert_int_equal(st.st_gid, 20);
    assert_int_equal(st.st_mtim.tv_sec, 1);
    assert_int_equal(st.st_mtim.tv_nsec, 500000001);
    assert_int_equal(st.st_ctim.tv_sec, 0);
    assert_int_equal(st.st_ctim.tv_nsec, 0);
    attr.is_directory = false;
    attr.permissions = 0644;
    ots_attr_to_stat(&attr, &owner, &st);
    assert_int_equal(st.st_ctim.tv_sec, 1);
    assert_int_equal(st.st_ctim.tv_nsec, 500000001);
    assert_int_equal(st.st_mode, S_IFREG | 0644);
    assert_int_equal(st.st_nlink, 1);
}

static void the_umask_takes_permissions_away(void **state)
{
    (void)state;
    static const struct {
        mode_t umask;
        bool is_directory;
        unsigned permissions;
        mode_t mode;
    } cases[] = {
        {0, true, 0555, S_IFDIR | 0555},   {022, true, 0755, S_IFDIR | 0755},
        {077, true, 0755, S_IFDIR | 0700}, {027, false, 0644, S_IFREG | 0640},
        {0777, false, 0644, S_IFREG | 0},  {022, false, 0200, S_IFREG | 0200},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct ots_owner owner = {.umask = cases[i].umask};
        const struct ots_attr attr = {.is_directory = cases[i].is_directory,
                                      .permissions = cases[i].permissions};
        struct stat st;
        ots_attr_to_stat(&attr, &owner, &st);
        assert_int_equal(st.st_mode, cases[i].mode);
    }
}

static void blocks_hold_the_size(void **state)
{
    (void)state;
    const uint64_t cases[][2] = {
        {0, 0}, {1, 1}, {512, 1}, {513, 2}, {UINT64_C(1) << 40, UINT64_C(1) << 31}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ots_attr attr = {.ino = 2, .size_bytes = cases[i][0]};
        struct stat st;
        ots_attr_to_stat(&attr, &nobody, &st);
        assert_int_equal(st.st_size, cases[i][0]);
        assert_int_equal(st.st_blocks, cases[i][1]);
    }
}

static void times_before_1970_have_positive_nanoseconds(void **state)
{
    (void)state;
    struct ots_attr attr = {.mtime_ns = -1};
    struct stat st;
    ots_attr_to_stat(&attr, &nobody, &st);
    assert_int_equal(st.st_mtim.tv_sec, -1);
    assert_int_equal(st.st_mtim.tv_nsec, 999999999);
    assert_int_equal(ots_timespec_to_ns(&st.st_mtim), -1);
}

static void times_that_do_not_fit_become_the_nearest(void **state)
{
    (void)state;
    struct timespec time = {1, 2};
    assert_int_equal(ots_timespec_to_ns(&time), 1000000002);
    time = (struct timespec){9223372036, 854775807};
    assert_int_equal(ots_timespec_to_ns(&time), INT64_MAX);
    time = (struct timespec){9223372036, 854775808};
    assert_int_equal(ots_timespec_to_ns(&time), INT64_MAX);
    time = (struct timespec){253402300799, 0}; /* the end of the year 9999 */
    assert_int_equal(ots_timespec_to_ns(&time), INT64_MAX);
    time = (struct timespec){-253402300799, 0};
    assert_int_equal(ots_timespec_to_ns(&time), INT64_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_an_errno),
        cmocka_unit_test(files_and_directories_differ),
        cmocka_unit_test(the_umask_takes_permissions_away),
        cmocka_unit_test(blocks_hold_the_size),
        cmocka_unit_test(times_before_1970_have_positive_nanoseconds),
        cmocka_unit_test(times_that_do_not_fit_become_the_nearest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
