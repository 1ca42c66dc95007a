#include "fs/view/pages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/page_fixture.h"

static void pages_come_in_order_until_the_last(void **state)
{
    struct view_fixture *fixture = *state;
    const struct {
        int64_t rows;
        size_t pages;
    } cases[] = {{0, 1}, {1, 1}, {10, 1}, {11, 2}, {20, 2}, {21, 3}};
    const struct ots_page_source source = page_source(fixture, "t");
    fake_store_page_rows(fixture->fake, 10);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ots_page_reader reader;
        ots_page_reader_init(&reader, &source, 0);
        page_put_lines(fixture, cases[i].rows);
        fake_store_forget_counts(fixture->fake);
        size_t pages = 0;
        int64_t next_us = 100;
        while (!reader.is_last) {
            const struct ots_rows *rows;
            assert_int_equal(ots_page_reader_next(&reader, NULL, &rows, NULL), OTS_OK);
            /* Asking for what comes behind, also twice, leaves the rows alone. */
            ots_page_reader_ask(&reader);
            ots_page_reader_ask(&reader);
            for (size_t row = 0; row < rows->count; row++)
                assert_int_equal(rows->items[row].time_us, next_us++);
            pages++;
        }
        assert_int_equal(pages, cases[i].pages);
        assert_int_equal(page_count_gets(fixture), cases[i].pages);
        assert_int_equal(next_us, 100 + cases[i].rows);
        ots_page_reader_deinit(&reader);
    }
}

static void a_part_can_be_asked_for(void **state)
{
    struct view_fixture *fixture = *state;
    struct ots_page_source source = page_source(fixture, "t");
    struct ots_page_reader reader;
    page_put_lines(fixture, 100);
    source.begin_us = 120;
    source.end_us = 150;
    ots_page_reader_init(&reader, &source, 20);
    const size_t wanted[] = {20, 10};
    int64_t next_us = 120;
    for (size_t page = 0; page < 2; page++) {
        const struct ots_rows *rows;
        assert_false(reader.is_last);
        assert_int_equal(ots_page_reader_next(&reader, NULL, &rows, NULL), OTS_OK);
        assert_int_equal(rows->count, wanted[page]);
        for (size_t i = 0; i < rows->count; i++)
            assert_int_equal(rows->items[i].time_us, next_us++);
    }
    assert_true(reader.is_last);
    ots_page_reader_deinit(&reader);
}

static void a_page_that_failed_can_be_asked_for_again(void **state)
{
    struct view_fixture *fixture = *state;
    const struct ots_page_source source = page_source(fixture, "t");
    struct ots_page_reader reader;
    const struct ots_rows *rows;
    struct ots_error err;
    fake_store_page_rows(fixture->fake, 10);
    page_put_lines(fixture, 15);
    ots_page_reader_init(&reader, &source, 0);
    assert_int_equal(ots_page_reader_next(&reader, NULL, &rows, &err), OTS_OK);
    fake_store_fail(fixture->fake, OTS_ACTION_GET, OTS_NETWORK, 1);
    assert_int_equal(ots_page_reader_next(&reader, NULL, &rows, &err), OTS_NETWORK);
    assert_false(reader.is_last);
    assert_int_equal(ots_page_reader_next(&reader, NULL, &rows, &err), OTS_OK);
    assert_int_equal(rows->items[0].time_us, 110);
    assert_true(reader.is_last);
    ots_page_reader_deinit(&reader);
}

/* Nobody was waiting for it when it failed. */
static void a_page_that_failed_ahead_is_asked_for_again(void **state)
{
    struct view_fixture *fixture = *state;
    const struct ots_page_source source = page_source(fixture, "t");
    struct ots_page_reader reader;
    const struct ots_rows *rows;
    struct ots_error err;
    fake_store_page_rows(fixture->fake, 10);
    page_put_lines(fixture, 15);
    ots_page_reader_init(&reader, &source, 0);
    assert_int_equal(ots_page_reader_next(&reader, NULL, &rows, &err), OTS_OK);
    fake_store_fail(fixture->fake, OTS_ACTION_GET, OTS_NETWORK, 1);
    ots_page_reader_ask(&reader);
    assert_int_equal(ots_page_reader_next(&reader, NULL, &rows, &err), OTS_OK);
    assert_int_equal(rows->items[0].time_us, 110);
    ots_page_reader_deinit(&reader);
}

static void an_interrupted_reader_finds_its_page_later(void **state)
{
    struct view_fixture *fixture = *state;
    const struct ots_page_source source = page_source(fixture, "t");
    struct ots_page_reader reader;
    const struct ots_rows *rows;
    struct ots_interrupt raised;
    page_put_lines(fixture, 15);
    ots_page_reader_init(&reader, &source, 0);
    fake_store_hold(fixture->fake, OTS_ACTION_GET);
    ots_page_reader_ask(&reader);
    fake_store_wait_held(fixture->fake, OTS_ACTION_GET, 1);
    ots_interrupt_init(&raised);
    ots_interrupt_raise(&raised);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ots_page_reader_next(&reader, &raised, &rows, NULL), OTS_CANCELLED);
    fake_store_release(fixture->fake, OTS_ACTION_GET);
    assert_int_equal(ots_page_reader_next(&reader, NULL, &rows, NULL), OTS_OK);
    assert_int_equal(rows->count, 15);
    assert_int_equal(page_count_gets(fixture), 1);
    ots_interrupt_deinit(&raised);
    ots_page_reader_deinit(&reader);
}

static void a_reader_can_end_while_a_page_is_under_way(void **state)
{
    struct view_fixture *fixture = *state;
    const struct ots_page_source source = page_source(fixture, "t");
    page_put_lines(fixture, 15);
    /* With an answer that is kept back, and with one that may come at any moment. */
    for (int i = 0; i < 20; i++) {
        struct ots_page_reader reader;
        ots_page_reader_init(&reader, &source, 0);
        if (i == 0)
            fake_store_hold(fixture->fake, OTS_ACTION_GET);
        ots_page_reader_ask(&reader);
        if (i == 0)
            fake_store_wait_held(fixture->fake, OTS_ACTION_GET, 1);
        ots_page_reader_deinit(&reader);
        if (i == 0)
            fake_store_release(fixture->fake, OTS_ACTION_GET);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, view_setup, view_teardown)
#define THREADS_TEST(name) cmocka_unit_test_setup_teardown(name, view_setup_threads, view_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_come_in_order_until_the_last),
        THREADS_TEST(pages_come_in_order_until_the_last),
        TEST(a_part_can_be_asked_for),
        TEST(a_page_that_failed_can_be_asked_for_again),
        TEST(a_page_that_failed_ahead_is_asked_for_again),
        TEST(an_interrupted_reader_finds_its_page_later),
        THREADS_TEST(an_interrupted_reader_finds_its_page_later),
        TEST(a_reader_can_end_while_a_page_is_under_way),
        THREADS_TEST(a_reader_can_end_while_a_page_is_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
