/*
 * Which times were handed over.
 */
#include "fs/view/handed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool has(struct ots_handed *handed, int64_t time_us)
{
    bool is_there;
    struct ots_error err;
    assert_int_equal(ots_handed_has(handed, time_us, &is_there, &err), OTS_OK);
    return is_there;
}

static void add(struct ots_handed *handed, int64_t time_us)
{
    struct ots_error err;
    assert_int_equal(ots_handed_add(handed, time_us, &err), OTS_OK);
}

static void nothing_is_there_at_first(void **state)
{
    (void)state;
    struct ots_handed handed;
    ots_handed_init(&handed);
    assert_false(has(&handed, 0));
    assert_true(ots_handed_is_behind(&handed, 0));
    add(&handed, 0);
    assert_true(has(&handed, 0));
    assert_false(has(&handed, 1));
    assert_false(ots_handed_is_behind(&handed, 0));
    assert_true(ots_handed_is_behind(&handed, 1));
    ots_handed_deinit(&handed);
}

/* Up to a file: 5 MB. */
static void times_that_ascend(void **state)
{
    (void)state;
    enum { COUNT = 700000 };
    struct ots_handed handed;
    ots_handed_init(&handed);
    for (int64_t i = 0; i < COUNT; i++) {
        assert_true(ots_handed_is_behind(&handed, i * 10));
        add(&handed, i * 10);
    }
    assert_int_equal(handed.run_count, 1);
    assert_null(handed.late);
    for (int64_t i = 0; i<COUNT; i += i % 1000> 600 ? 1 : 37) {
        assert_true(has(&handed, i * 10));
        assert_false(has(&handed, i * 10 + 1));
        assert_false(has(&handed, i * 10 - 1));
    }
    assert_true(has(&handed, (COUNT - 1) * (int64_t)10));
    assert_false(has(&handed, COUNT * (int64_t)10));
    ots_handed_deinit(&handed);
}

static void times_that_descend(void **state)
{
    (void)state;
    enum { COUNT = 5 * OTS_HANDED_LATE_MAX + 17 };
    struct ots_handed handed;
    ots_handed_init(&handed);
    for (int64_t i = COUNT; i > 0; i--) {
        assert_false(has(&handed, i * 3));
        add(&handed, i * 3);
        assert_true(has(&handed, i * 3));
    }
    for (int64_t i = 1; i <= COUNT; i += 11) {
        assert_true(has(&handed, i * 3));
        assert_false(has(&handed, i * 3 + 1));
    }
    /* Few runs, each over twice as large as the next. */
    assert_true(handed.run_count <= 4);
    ots_handed_deinit(&handed);
}

/* A permutation: each number below COUNT once, in wild order. */
static void times_in_any_order(void **state)
{
    (void)state;
    enum { COUNT = 1 << 18, STEP = 100003 };
    struct ots_handed handed;
    ots_handed_init(&handed);
    for (int64_t i = 0; i < COUNT; i++) {
        int64_t time_us = i * STEP % COUNT;
        assert_false(has(&handed, time_us));
        add(&handed, time_us);
        /* What was added some time ago is there, what comes later is not. */
        assert_true(has(&handed, i / 2 * STEP % COUNT));
        assert_true(i + 1 == COUNT || !has(&handed, (i + 1) * STEP % COUNT));
    }
    for (int64_t i = 0; i < COUNT; i++)
        assert_true(has(&handed, i));
    assert_false(has(&handed, COUNT));
    ots_handed_deinit(&handed);
}

static void a_file_that_cannot_be_made(void **state)
{
    (void)state;
    const char *before = getenv("TMPDIR");
    char *kept = before ? strdup(before) : NULL;
    setenv("TMPDIR", "/nonexistent", 1);
    struct ots_handed handed;
    struct ots_error err = {0};
    ots_handed_init(&handed);
    enum ots_status status = OTS_OK;
    int64_t time_us = 0;
    while (status == OTS_OK && time_us < 1000000)
        status = ots_handed_add(&handed, time_us++, &err);
    assert_int_not_equal(status, OTS_OK);
    assert_non_null(strstr(err.message, "/nonexistent"));
    /* All that was added before is known, and what was not is not. */
    assert_true(has(&handed, time_us - 2));
    assert_true(has(&handed, 0));
    assert_false(has(&handed, time_us - 1));
    if (kept)
        setenv("TMPDIR", kept, 1);
    else
        unsetenv("TMPDIR");
    add(&handed, time_us - 1);
    assert_true(has(&handed, time_us - 1));
    free(kept);
    ots_handed_deinit(&handed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_there_at_first),  cmocka_unit_test(times_that_ascend),
        cmocka_unit_test(times_that_descend),         cmocka_unit_test(times_in_any_order),
        cmocka_unit_test(a_file_that_cannot_be_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
