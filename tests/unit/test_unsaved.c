/*
 * Timelines that are to be saved: each once, in the order in which they changed.
 */
#include "fs/view/unsaved.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { TIMELINES = 1000 };

struct fixture {
    struct ots_table table;
    struct ots_node nodes[TIMELINES];
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    for (size_t i = 0; i < TIMELINES; i++)
        fixture->nodes[i].kind = OTS_NODE_TIMELINE;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ots_unsaved_deinit(&fixture->table);
    free(fixture);
    return 0;
}

static void change(struct fixture *fixture, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        ots_unsaved_take_up_locked(&fixture->table, &fixture->nodes[i]);
}

static void expect(struct fixture *fixture, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        assert_ptr_equal(ots_table_next_changed_locked(&fixture->table), &fixture->nodes[i]);
        assert_false(fixture->nodes[i].is_changed);
    }
}

static void they_come_in_the_order_of_their_changes(void **state)
{
    struct fixture *fixture = *state;
    assert_null(ots_table_next_changed_locked(&fixture->table));
    change(fixture, 0, TIMELINES);
    change(fixture, 0, TIMELINES);
    expect(fixture, 0, TIMELINES);
    assert_null(ots_table_next_changed_locked(&fixture->table));
    assert_null(fixture->table.changed);
}

static void what_changes_again_comes_again(void **state)
{
    struct fixture *fixture = *state;
    change(fixture, 0, 10);
    expect(fixture, 0, 5);
    change(fixture, 3, 4);
    expect(fixture, 5, 5);
    expect(fixture, 3, 2);
    assert_null(ots_table_next_changed_locked(&fixture->table));
}

/* Also when some are left for ever: then room is not made for all that ever were. */
static void no_more_room_is_taken_than_there_are(void **state)
{
    struct fixture *fixture = *state;
    change(fixture, 0, TIMELINES);
    size_t capacity = fixture->table.changed_capacity;
    for (int i = 0; i < 1000; i++) {
        expect(fixture, 0, TIMELINES - 1);
        change(fixture, 0, TIMELINES - 1);
        expect(fixture, TIMELINES - 1, 1);
        change(fixture, TIMELINES - 1, 1);
        assert_true(fixture->table.changed_capacity <= 2 * capacity);
    }
}

static void what_is_dropped_can_change_again(void **state)
{
    struct fixture *fixture = *state;
    change(fixture, 0, 10);
    expect(fixture, 0, 5);
    change(fixture, 0, 1);
    ots_unsaved_drop_locked(&fixture->table);
    assert_null(ots_table_next_changed_locked(&fixture->table));
    change(fixture, 0, 10);
    expect(fixture, 0, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_come_in_the_order_of_their_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(what_changes_again_comes_again, setup, teardown),
        cmocka_unit_test_setup_teardown(no_more_room_is_taken_than_there_are, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_dropped_can_change_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
