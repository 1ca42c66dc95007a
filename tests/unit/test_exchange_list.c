#include "backend/client/exchange_list.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { COUNT = 3 };
static const int64_t LONG = 1000000;

struct fixture {
    struct ots_exchange_list list;
    struct ots_exchange exchanges[COUNT];
};

/* All linked, due at 100, 200 and 300. */
static void fill(struct fixture *fixture)
{
    memset(fixture, 0, sizeof(*fixture));
    for (int i = 0; i < COUNT; i++) {
        fixture->exchanges[i].link.start_us = 100 * (i + 1);
        ots_exchange_list_add(&fixture->list, &fixture->exchanges[i]);
    }
}

static void an_empty_list(void **state)
{
    (void)state;
    struct ots_exchange_list list = {.first = NULL};
    struct ots_exchange exchange;
    int64_t wait_us = LONG;
    assert_null(ots_exchange_list_due(&list, 0, &wait_us));
    assert_int_equal(wait_us, LONG);
    assert_null(ots_exchange_list_cancelled(&list));
    assert_false(ots_exchange_list_has(&list, &exchange));
    assert_false(ots_exchange_list_has(&list, NULL));
}

static void every_order_of_removal(void **state)
{
    (void)state;
    static const int orders[][COUNT] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t o = 0; o < sizeof(orders) / sizeof(*orders); o++) {
        struct fixture fixture;
        fill(&fixture);
        for (int i = 0; i < COUNT; i++) {
            for (int k = 0; k < COUNT; k++)
                assert_int_equal(
                    ots_exchange_list_has(&fixture.list, &fixture.exchanges[orders[o][k]]), k >= i);
            ots_exchange_list_remove(&fixture.list, &fixture.exchanges[orders[o][i]]);
        }
        assert_null(fixture.list.first);
        assert_null(fixture.list.last);
    }
}

static void what_is_due(void **state)
{
    (void)state;
    struct fixture fixture;
    fill(&fixture);
    int64_t wait_us = LONG;
    assert_null(ots_exchange_list_due(&fixture.list, 40, &wait_us));
    assert_int_equal(wait_us, 60);
    assert_ptr_equal(ots_exchange_list_due(&fixture.list, 100, &wait_us), &fixture.exchanges[0]);
    assert_ptr_equal(ots_exchange_list_due(&fixture.list, 900, &wait_us), &fixture.exchanges[0]);
    fixture.exchanges[0].link.carrier = &fixture;
    assert_ptr_equal(ots_exchange_list_due(&fixture.list, 900, &wait_us), &fixture.exchanges[1]);
    wait_us = LONG;
    assert_null(ots_exchange_list_due(&fixture.list, 150, &wait_us));
    assert_int_equal(wait_us, 50);
    /* Others may have a shorter wait of their own. */
    wait_us = 7;
    assert_null(ots_exchange_list_due(&fixture.list, 150, &wait_us));
    assert_int_equal(wait_us, 7);
}

static void who_comes_first_goes_first(void **state)
{
    (void)state;
    struct fixture fixture;
    fill(&fixture);
    /* Came last, is due first. */
    fixture.exchanges[2].link.start_us = 50;
    int64_t wait_us = LONG;
    assert_ptr_equal(ots_exchange_list_due(&fixture.list, 60, &wait_us), &fixture.exchanges[2]);
    assert_ptr_equal(ots_exchange_list_due(&fixture.list, 100, &wait_us), &fixture.exchanges[0]);
}

static void who_is_cancelled(void **state)
{
    (void)state;
    struct fixture fixture;
    fill(&fixture);
    assert_null(ots_exchange_list_cancelled(&fixture.list));
    fixture.exchanges[1].link.is_cancelled = true;
    fixture.exchanges[1].link.carrier = &fixture;
    assert_ptr_equal(ots_exchange_list_cancelled(&fixture.list), &fixture.exchanges[1]);
    fixture.exchanges[0].link.is_cancelled = true;
    assert_ptr_equal(ots_exchange_list_cancelled(&fixture.list), &fixture.exchanges[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_list),    cmocka_unit_test(every_order_of_removal),
        cmocka_unit_test(what_is_due),      cmocka_unit_test(who_comes_first_goes_first),
        cmocka_unit_test(who_is_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
