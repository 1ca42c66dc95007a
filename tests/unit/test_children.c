#include "fs/view/children.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/node.h"

/* Nodes of which only the names count, `n` of them in bytewise order, and their directory. */
struct fixture {
    struct ots_children children;
    struct ots_node *nodes;
    char (*names)[16];
    bool *is_there;
    size_t count;
    uint64_t random;
};

enum { MANY = 3000 };

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->count = MANY;
    fixture->nodes = calloc(MANY, sizeof(*fixture->nodes));
    fixture->names = calloc(MANY, sizeof(*fixture->names));
    fixture->is_there = calloc(MANY, sizeof(*fixture->is_there));
    fixture->random = 1;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(fixture->names[i], sizeof(fixture->names[i]), "host=%05zu.lp", i);
        fixture->nodes[i].name = ots_slice_str(fixture->names[i]);
    }
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    ots_children_deinit(&fixture->children);
    free(fixture->nodes);
    free(fixture->names);
    free(fixture->is_there);
    free(fixture);
    return 0;
}

static size_t random_below(struct fixture *fixture, size_t bound)
{
    fixture->random = fixture->random * 6364136223846793005U + 1442695040888963407U;
    return (size_t)(fixture->random >> 33) % bound;
}

static void add(struct fixture *fixture, size_t index)
{
    assert_true(ots_children_add(&fixture->children, &fixture->nodes[index]));
    fixture->is_there[index] = true;
}

static void take_away(struct fixture *fixture, size_t index)
{
    ots_children_remove(&fixture->children, &fixture->nodes[index]);
    fixture->is_there[index] = false;
}

/* All that are there are found, and no others. */
static void check_names(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->count; i++)
        assert_ptr_equal(ots_children_find(&fixture->children, fixture->nodes[i].name),
                         fixture->is_there[i] ? &fixture->nodes[i] : NULL);
}

/* The nodes lie in the order of their names. */
static void check_order(struct fixture *fixture)
{
    struct ots_node *const *sorted = ots_children_sorted(&fixture->children);
    size_t next = 0;
    for (size_t i = 0; i < fixture->count; i++)
        if (fixture->is_there[i])
            assert_ptr_equal(sorted[next++], &fixture->nodes[i]);
    assert_int_equal(fixture->children.count, next);
}

static void none_are_there_at_first(void **state)
{
    struct fixture *fixture = *state;
    check_names(fixture);
    check_order(fixture);
    assert_int_equal(fixture->children.count, 0);
}

static void names_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct ots_node odd[] = {{.name = OTS_SLICE("host=00001.lp1")},
                             {.name = OTS_SLICE("host=00001")},
                             {.name = ots_slice("host=00001.lp\0", 14)},
                             {.name = OTS_SLICE("")}};
    add(fixture, 1);
    for (size_t i = 0; i < 4; i++) {
        assert_null(ots_children_find(&fixture->children, odd[i].name));
        assert_true(ots_children_add(&fixture->children, &odd[i]));
    }
    for (size_t i = 0; i < 4; i++)
        assert_ptr_equal(ots_children_find(&fixture->children, odd[i].name), &odd[i]);
    check_names(fixture);
    struct ots_node *const *sorted = ots_children_sorted(&fixture->children);
    const struct ots_node *wanted[] = {&odd[3], &odd[1], &fixture->nodes[1], &odd[2], &odd[0]};
    for (size_t i = 0; i < 5; i++)
        assert_ptr_equal(sorted[i], wanted[i]);
}

static void they_come_in_any_order(void **state)
{
    struct fixture *fixture = *state;
    /* Forwards, backwards, and by a step that has no divisor in common with the count. */
    const size_t steps[] = {1, MANY - 1, 1327};
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < MANY; i++)
            add(fixture, i * steps[k] % MANY);
        check_names(fixture);
        check_order(fixture);
        memset(fixture->is_there, 0, MANY * sizeof(*fixture->is_there));
        ots_children_deinit(&fixture->children);
    }
}

/* Some at a time, each time sorted into those that are sorted. */
static void new_ones_are_merged(void **state)
{
    struct fixture *fixture = *state;
    size_t done = 0;
    for (size_t size = 1; done < MANY; size = size * 2 + 1) {
        for (size_t i = 0; i < size && done < MANY; i++, done++)
            add(fixture, done * 1327 % MANY);
        check_order(fixture);
        check_order(fixture);
    }
    check_names(fixture);
}

static void any_of_them_go_and_come(void **state)
{
    struct fixture *fixture = *state;
    fixture->count = 150; /* few slots, so that searches meet */
    for (size_t i = 0; i < 20000; i++) {
        size_t index = random_below(fixture, fixture->count);
        if (fixture->is_there[index])
            take_away(fixture, index);
        else
            add(fixture, index);
        if (i % 50 == 0) {
            check_names(fixture);
            check_order(fixture);
        }
    }
    for (size_t i = 0; i < fixture->count; i++)
        if (fixture->is_there[i])
            take_away(fixture, i);
    none_are_there_at_first(state);
}

static void they_take_little_memory(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < MANY; i++) {
        add(fixture, i * 1327 % MANY);
        const struct ots_children *children = &fixture->children;
        size_t bytes = (children->slot_count + children->order_capacity) * sizeof(void *);
        assert_true(bytes <= children->count * 31 + 100);
        assert_true(children->count <= children->slot_count / 4 * 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(none_are_there_at_first, setup, teardown),
        cmocka_unit_test_setup_teardown(names_are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(they_come_in_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(new_ones_are_merged, setup, teardown),
        cmocka_unit_test_setup_teardown(any_of_them_go_and_come, setup, teardown),
        cmocka_unit_test_setup_teardown(they_take_little_memory, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
