#include "fs/view/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/lp/names.h"

static int setup(void **state)
{
    struct ots_tree *tree = calloc(1, sizeof(*tree));
    assert_int_equal(ots_tree_init(tree, OTS_NODE_INSTANCE), OTS_OK);
    *state = tree;
    return 0;
}

static int teardown(void **state)
{
    ots_tree_deinit(*state);
    free(*state);
    return 0;
}

static struct ots_node *make(struct ots_node *dir, enum ots_node_kind kind, const char *name)
{
    struct ots_node *node = ots_node_child_make(dir, kind, ots_slice_str(name));
    assert_non_null(node);
    return node;
}

static void the_root_has_inode_1(void **state)
{
    struct ots_tree *tree = *state;
    assert_int_equal(tree->root->ino, OTS_ROOT_INO);
    assert_true(tree->root->is_listed);
    assert_ptr_equal(ots_tree_by_ino(tree, OTS_ROOT_INO), tree->root);
    assert_null(ots_tree_by_ino(tree, 0));
    assert_null(ots_tree_by_ino(tree, 2));
    assert_null(ots_tree_by_ino(tree, UINT64_MAX));
}

static void children_are_found_by_name(void **state)
{
    struct ots_tree *tree = *state;
    assert_null(ots_node_child(tree->root, OTS_SLICE("a")));
    struct ots_node *child = make(tree->root, OTS_NODE_MEASUREMENT, "a");
    assert_ptr_equal(ots_node_child(tree->root, OTS_SLICE("a")), child);
    assert_ptr_equal(make(tree->root, OTS_NODE_MEASUREMENT, "a"), child);
    assert_null(ots_node_child(tree->root, OTS_SLICE("ab")));
    assert_null(ots_node_child(child, OTS_SLICE("a")));
    assert_int_equal(child->ino, 0);
    assert_false(child->is_listed);
}

static void inode_numbers_stay(void **state)
{
    struct ots_tree *tree = *state;
    struct ots_node *a = make(tree->root, OTS_NODE_MEASUREMENT, "a");
    struct ots_node *b = make(tree->root, OTS_NODE_MEASUREMENT, "b");
    assert_int_equal(ots_tree_list(tree, b), OTS_OK);
    assert_int_equal(ots_tree_list(tree, a), OTS_OK);
    assert_int_equal(b->ino, 2);
    assert_int_equal(a->ino, 3);
    b->is_listed = false;
    assert_int_equal(ots_tree_list(tree, b), OTS_OK);
    assert_int_equal(b->ino, 2);
    assert_ptr_equal(ots_tree_by_ino(tree, 3), a);
}

static void many_nodes_are_all_there(void **state)
{
    struct ots_tree *tree = *state;
    enum { COUNT = 5000 };
    for (int i = 0; i < COUNT; i++) {
        char name[32];
        snprintf(name, sizeof(name), "n%d", i * 7919 % COUNT);
        struct ots_node *node = make(tree->root, OTS_NODE_MEASUREMENT, name);
        assert_int_equal(ots_tree_list(tree, node), OTS_OK);
    }
    assert_int_equal(tree->next_ino, COUNT + 2);
    for (uint64_t ino = 2; ino < COUNT + 2; ino++) {
        struct ots_node *node = ots_tree_by_ino(tree, ino);
        assert_int_equal(node->ino, ino);
        assert_ptr_equal(ots_node_child(tree->root, node->name), node);
    }
}

struct order {
    struct ots_slice last;
    size_t count;
};

static void check_order(struct ots_node *child, void *context)
{
    struct order *order = context;
    assert_true(ots_slice_compare(order->last, child->name) < 0);
    order->last = child->name;
    order->count++;
}

static void children_are_visited_in_order(void **state)
{
    struct ots_tree *tree = *state;
    const char *names[] = {"b", "a", "\xc3\xa9", "Z", "a.lp", "a-b", "a,b", "B"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        make(tree->root, OTS_NODE_MEASUREMENT, names[i]);
    struct order order = {0};
    ots_node_each_child(tree->root, check_order, &order);
    assert_int_equal(order.count, sizeof(names) / sizeof(names[0]));
}

static void keys_come_from_names(void **state)
{
    struct ots_tree *tree = *state;
    struct ots_node *measurement = make(tree->root, OTS_NODE_MEASUREMENT, "cpu%2Fx");
    struct ots_node *timeline = make(measurement, OTS_NODE_TIMELINE, "_data_source=s,a=1.lp");
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key key = {0};
    assert_int_equal(ots_node_key(timeline, &arena, &key), OTS_OK);
    assert_true(ots_slice_equal(key.measurement, OTS_SLICE("cpu/x")));
    assert_true(ots_slice_equal(key.data_source, OTS_SLICE("s")));
    assert_int_equal(key.tag_count, 1);
    ots_arena_deinit(&arena);
}

static void keys_of_hashed_names_must_be_told(void **state)
{
    struct ots_tree *tree = *state;
    char source[256];
    memset(source, 'x', sizeof(source));
    struct ots_series_key key = {OTS_SLICE("cpu"), ots_slice(source, sizeof(source)), NULL, 0};
    struct ots_buf name = OTS_BUF_INIT;
    assert_int_equal(ots_timeline_name_append(&key, &name), OTS_OK);
    assert_true(ots_timeline_name_is_hashed(ots_buf_slice(&name)));
    struct ots_node *measurement = make(tree->root, OTS_NODE_MEASUREMENT, "cpu");
    struct ots_node *timeline =
        ots_node_child_make(measurement, OTS_NODE_TIMELINE, ots_buf_slice(&name));
    struct ots_arena arena = OTS_ARENA_INIT;
    struct ots_series_key got = {0};
    assert_int_equal(ots_node_key(timeline, &arena, &got), OTS_NOT_FOUND);
    assert_int_equal(ots_node_set_key(timeline, &key), OTS_OK);
    assert_int_equal(ots_node_set_key(timeline, &key), OTS_OK);
    assert_int_equal(ots_node_key(timeline, &arena, &got), OTS_OK);
    assert_true(ots_series_key_equal(&got, &key));
    ots_arena_deinit(&arena);
    ots_buf_deinit(&name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_root_has_inode_1, setup, teardown),
        cmocka_unit_test_setup_teardown(children_are_found_by_name, setup, teardown),
        cmocka_unit_test_setup_teardown(inode_numbers_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(many_nodes_are_all_there, setup, teardown),
        cmocka_unit_test_setup_teardown(children_are_visited_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_come_from_names, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_of_hashed_names_must_be_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
