#include "fs/state/window_sorter.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "backend/base/buf.h"

static int setup(void **state)
{
    struct ots_window_sorter *sorter;
    assert_int_equal(ots_window_sorter_new(&sorter, NULL), OTS_OK);
    *state = sorter;
    return 0;
}

static int teardown(void **state)
{
    ots_window_sorter_free(*state);
    return 0;
}

static void add(struct ots_window_sorter *sorter, const char *key, const char *value)
{
    assert_int_equal(ots_window_sorter_add(sorter, ots_slice_str(key), ots_slice_str(value), NULL),
                     OTS_OK);
}

static enum ots_status append_item(void *context, struct ots_slice key, struct ots_slice value)
{
    ots_buf_append_fmt(context, "%.*s=%.*s ", OTS_SLICE_FMT(key), OTS_SLICE_FMT(value));
    return OTS_OK;
}

static void expect_items(struct ots_window_sorter *sorter, const char *wanted)
{
    struct ots_buf text = OTS_BUF_INIT;
    assert_int_equal(ots_window_sorter_each(sorter, append_item, &text, NULL, NULL), OTS_OK);
    ots_buf_append_byte(&text, '\0');
    assert_string_equal((const char *)text.data, wanted);
    ots_buf_deinit(&text);
}

static void nothing(void **state)
{
    expect_items(*state, "");
    ots_window_sorter_free(NULL);
}

static void items_come_in_order(void **state)
{
    add(*state, "b", "2");
    add(*state, "a", "1");
    add(*state, "", "0");
    add(*state, "\xff", "5");
    add(*state, "bb", "4");
    add(*state, "b!", "3");
    expect_items(*state, "=0 a=1 b=2 b!=3 bb=4 \xff=5 ");
}

static void the_last_of_a_key_counts(void **state)
{
    add(*state, "b", "9");
    add(*state, "a", "1");
    add(*state, "b", "8");
    add(*state, "a", "");
    add(*state, "c", "3");
    add(*state, "b", "2");
    expect_items(*state, "a= b=2 c=3 ");
    expect_items(*state, "a= b=2 c=3 ");
    add(*state, "a", "7");
    expect_items(*state, "a=7 b=2 c=3 ");
}

static enum ots_status append_size(void *context, struct ots_slice key, struct ots_slice value)
{
    (void)value;
    ots_buf_append_fmt(context, "%zu%.*s ", key.size, (int)(key.size > 2),
                       (const char *)key.data + 2);
    return OTS_OK;
}

static void keys_with_zeros(void **state)
{
    struct ots_slice keys[] = {OTS_SLICE("a\0b"), OTS_SLICE("a"), OTS_SLICE("a\0a"),
                               OTS_SLICE("a\0")};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(ots_window_sorter_add(*state, keys[i], OTS_SLICE_NONE, NULL), OTS_OK);
    struct ots_buf text = OTS_BUF_INIT;
    assert_int_equal(ots_window_sorter_each(*state, append_size, &text, NULL, NULL), OTS_OK);
    ots_buf_append_byte(&text, '\0');
    assert_string_equal((const char *)text.data, "1 2 3a 3b ");
    ots_buf_deinit(&text);
}

/* --- many -------------------------------------------------------------------------------------*/

enum { MANY = 200000, VALUE_BYTES = 400 };

/* Each number below MANY once, in no order. */
static uint32_t shuffled(uint32_t i)
{
    return (uint32_t)((uint64_t)i * 99991 % MANY);
}

static size_t peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}

struct check {
    uint32_t next;
    uint32_t stop;
    struct ots_interrupt *interrupt;
};

static enum ots_status check_item(void *context, struct ots_slice key, struct ots_slice value)
{
    struct check *check = context;
    char wanted[16];
    snprintf(wanted, sizeof(wanted), "%08u", check->next++);
    assert_int_equal(key.size, 8);
    assert_memory_equal(key.data, wanted, 8);
    assert_int_equal(value.size, VALUE_BYTES);
    if (check->next == check->stop && check->interrupt)
        ots_interrupt_raise(check->interrupt);
    else if (check->next == check->stop)
        return OTS_STALE;
    return OTS_OK;
}

static void add_many(struct ots_window_sorter *sorter)
{
    static uint8_t value[VALUE_BYTES];
    for (uint32_t i = 0; i < MANY; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%08u", shuffled(i));
        assert_int_equal(
            ots_window_sorter_add(sorter, ots_slice(key, 8), ots_slice(value, sizeof(value)), NULL),
            OTS_OK);
    }
}

/* 80 MB of values in a fraction of that memory; ASan's own is not ours. */
static void many_items_in_little_memory(void **state)
{
    size_t before = peak_bytes();
    add_many(*state);
    struct check check = {0};
    assert_int_equal(ots_window_sorter_each(*state, check_item, &check, NULL, NULL), OTS_OK);
    assert_int_equal(check.next, MANY);
#ifndef __SANITIZE_ADDRESS__
    assert_true(peak_bytes() - before < 4 * OTS_WINDOW_SORTER_BYTES_MAX);
#else
    (void)before;
#endif
}

static void going_over_them_can_be_ended(void **state)
{
    add_many(*state);
    struct check check = {.stop = 1000};
    assert_int_equal(ots_window_sorter_each(*state, check_item, &check, NULL, NULL), OTS_STALE);
    assert_int_equal(check.next, 1000);
    struct ots_interrupt interrupt;
    ots_interrupt_init(&interrupt);
    check = (struct check){.stop = 10, .interrupt = &interrupt};
    assert_int_equal(ots_window_sorter_each(*state, check_item, &check, &interrupt, NULL),
                     OTS_CANCELLED);
    assert_true(check.next < MANY / 2);
    check = (struct check){0};
    /* One that was raised before ends it in the middle of sorting. */
    assert_int_equal(ots_window_sorter_each(*state, check_item, &check, &interrupt, NULL),
                     OTS_CANCELLED);
    assert_int_equal(check.next, 0);
    ots_interrupt_deinit(&interrupt);
    assert_int_equal(ots_window_sorter_each(*state, check_item, &check, NULL, NULL), OTS_OK);
}

/* A file may not grow: what was there is a failure, not less. */
static void a_full_disk(void **state)
{
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    struct rlimit low = {.rlim_cur = 1024 * 1024, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    static uint8_t value[100000];
    enum ots_status status = OTS_OK;
    struct ots_error err = {.message = ""};
    for (int i = 0; status == OTS_OK && i < 1000; i++)
        status = ots_window_sorter_add(*state, ots_slice(value, 8), ots_slice(value, sizeof(value)),
                                       &err);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_true(status == OTS_IO || status == OTS_NO_SPACE);
    assert_int_equal(err.status, status);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(items_come_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(the_last_of_a_key_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_with_zeros, setup, teardown),
        cmocka_unit_test_setup_teardown(many_items_in_little_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(going_over_them_can_be_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_disk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
