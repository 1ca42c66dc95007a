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

static void forgotten_nodes_leave_the_others(void **state)
{
    struct ots_tree *tree = *state;
    struct ots_node *views = make(tree->root, OTS_NODE_VIEWS, ".range");
    enum { COUNT = 200 };
    uint64_t inos[COUNT];
    for (uint64_t i = 0; i < COUNT; i++) {
        char name[32];
        snprintf(name, sizeof(name), "v%03d", (int)(i * 37 % COUNT));
        struct ots_node *view = make(views, OTS_NODE_VIEWS, name);
        struct ots_node *inner = make(view, OTS_NODE_MEASUREMENT, "cpu");
        make(inner, OTS_NODE_TIMELINE, "unlisted.lp");
        assert_int_equal(ots_tree_list(tree, view), OTS_OK);
        assert_int_equal(ots_tree_list(tree, inner), OTS_OK);
        inos[i] = view->ino;
    }
    for (uint64_t i = 0; i < COUNT; i += 2)
        ots_tree_forget(tree, ots_tree_by_ino(tree, inos[i]));
    for (uint64_t i = 0; i < COUNT; i++) {
        struct ots_node *view = ots_tree_by_ino(tree, inos[i]);
        struct ots_node *inner = ots_tree_by_ino(tree, inos[i] + 1);
        assert_int_equal(view == NULL, i % 2 == 0);
        assert_int_equal(inner == NULL, i % 2 == 0);
        if (view)
            assert_ptr_equal(ots_node_child(views, view->name), view);
    }
    struct order order = {0};
    ots_node_each_child(views, check_order, &order);
    assert_int_equal(order.count, COUNT / 2);
    make(views, OTS_NODE_VIEWS, "v000");
    order = (struct order){0};
    ots_node_each_child(views, check_order, &order);
    assert_int_equal(order.count, COUNT / 2 + 1);
}

static void a_node_takes_a_number_that_was_kept_for_it(void **state)
{
    struct ots_tree *tree = *state;
    struct ots_node *dir = make(tree->root, OTS_NODE_MEASUREMENT, "cpu");
    struct ots_node *node = make(dir, OTS_NODE_TIMELINE, "a.lp");
    uint64_t kept = ots_tree_take_ino(tree);
    assert_int_equal(ots_tree_list(tree, node), OTS_OK);
    uint64_t old = node->ino;
    assert_true(old > kept);
    assert_null(ots_tree_by_ino(tree, kept));
    assert_int_equal(ots_tree_renumber(tree, node, kept), OTS_OK);
    assert_int_equal(node->ino, kept);
    assert_ptr_equal(ots_tree_by_ino(tree, kept), node);
    assert_null(ots_tree_by_ino(tree, old));
    struct ots_node *next = make(dir, OTS_NODE_TIMELINE, "b.lp");
    assert_int_equal(ots_tree_list(tree, next), OTS_OK);
    assert_true(next->ino > old);
}

/* However many numbers nobody has got in the end, the others are found, and pages without any go.
 */
static void numbers_that_nobody_has_take_no_room(void **state)
{
    struct ots_tree *tree = *state;
    struct ots_node *dir = make(tree->root, OTS_NODE_MEASUREMENT, "cpu");
    struct ots_node *node = make(dir, OTS_NODE_TIMELINE, "a.lp");
    assert_int_equal(ots_tree_list(tree, node), OTS_OK);
    uint64_t kept = 0;
    for (int i = 0; i < 100 * OTS_INO_PAGE_NODES; i++)
        kept = ots_tree_take_ino(tree);
    assert_int_equal(ots_tree_renumber(tree, node, kept), OTS_OK);
    assert_ptr_equal(ots_tree_by_ino(tree, kept), node);
    size_t count = 0;
    for (size_t i = 0; i < tree->page_capacity; i++)
        count += tree->pages[i] != NULL;
    assert_int_equal(count, 2);
}

static void files_have_no_children(void **state)
{
    struct ots_tree *tree = *state;
    struct ots_node *timeline =
        make(make(tree->root, OTS_NODE_MEASUREMENT, "m"), OTS_NODE_TIMELINE, "a=1.lp");
    assert_null(ots_node_child(timeline, OTS_SLICE("a=1.lp")));
    struct order order = {0};
    ots_node_each_child(timeline, check_order, &order);
    assert_int_equal(order.count, 0);
}

/* --- histories --------------------------------------------------------------------------------*/

static struct ots_node *make_timeline(struct ots_tree *tree)
{
    return make(make(tree->root, OTS_NODE_MEASUREMENT, "m"), OTS_NODE_TIMELINE, "a=1.lp");
}

/* It was found to hold that many rows, one each microsecond from 0 on. */
static void note_rows(struct ots_node *timeline, uint64_t count, uint64_t write_number)
{
    struct ots_marks marks = {0};
    struct ots_measured measured = {.marks = &marks, .write_number = write_number};
    size_t next = 0;
    for (uint64_t i = 0; i < count; i++) {
        ots_marks_pass(&marks, &next, &measured.extent, (int64_t)i);
        measured.extent.size_bytes += 20;
        measured.extent.row_count++;
        measured.extent.last_time_us = (int64_t)i;
    }
    timeline->timeline.measured_write = write_number;
    ots_node_note_measured(timeline, &measured,
                           timeline->timeline.last_write <= timeline->timeline.measured_write);
    ots_marks_deinit(&marks);
}

static void histories_stay_while_they_are_held(void **state)
{
    struct ots_node *timeline = make_timeline(*state);
    assert_null(ots_node_history(timeline));
    note_rows(timeline, 100, 0);
    assert_null(ots_node_history(timeline));
    struct ots_history *history = ots_node_hold_history(timeline);
    assert_ptr_equal(ots_node_hold_history(timeline), history);
    ots_node_release_history(timeline);
    assert_ptr_equal(ots_node_history(timeline), history);
    /* A new one knows the last row. */
    ots_history_put_row(history, 100);
    assert_int_equal(history->version, 0);
    ots_history_put_row(history, 99);
    assert_int_equal(history->version, 1);
    note_rows(timeline, 101, 0);
    assert_ptr_equal(ots_node_history(timeline), history);
    ots_node_release_history(timeline);
    assert_null(ots_node_history(timeline));
}

static void histories_stay_until_writes_are_measured(void **state)
{
    struct ots_node *timeline = make_timeline(*state);
    note_rows(timeline, 100, 0);
    assert_non_null(ots_node_hold_history(timeline));
    ots_node_note_write(timeline, 50);
    timeline->timeline.last_write = 2;
    ots_node_release_history(timeline);
    struct ots_history *history = ots_node_history(timeline);
    assert_non_null(history);
    assert_int_equal(history->written_from_us, 50);
    note_rows(timeline, 100, 1);
    assert_ptr_equal(ots_node_history(timeline), history);
    note_rows(timeline, 100, 2);
    assert_null(ots_node_history(timeline));
    assert_int_equal(timeline->timeline.extent.row_count, 100);
}

static void histories_with_marks_stay(void **state)
{
    struct ots_node *timeline = make_timeline(*state);
    note_rows(timeline, 2 * OTS_MARK_ROWS + 1, 0);
    assert_non_null(ots_node_history(timeline));
    assert_int_equal(ots_node_history(timeline)->marks.count, 2);
    assert_non_null(ots_node_hold_history(timeline));
    ots_node_release_history(timeline);
    assert_non_null(ots_node_history(timeline));
    note_rows(timeline, 3, 0);
    assert_null(ots_node_history(timeline));
}

/* Without one, nothing tells which rows were written: all have to be measured. */
static void a_write_without_history_may_be_of_any_row(void **state)
{
    struct ots_node *timeline = make_timeline(*state);
    note_rows(timeline, 100, 0);
    timeline->timeline.last_write = 1;
    struct ots_history *history = ots_node_hold_history(timeline);
    assert_int_equal(ots_history_begin(history, &timeline->timeline.extent, 1).row_count, 0);
    note_rows(timeline, 100, 1);
    assert_int_equal(ots_history_begin(history, &timeline->timeline.extent, 1).row_count, 100);
    ots_node_release_history(timeline);
    assert_null(ots_node_history(timeline));
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
        cmocka_unit_test_setup_teardown(forgotten_nodes_leave_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(a_node_takes_a_number_that_was_kept_for_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(numbers_that_nobody_has_take_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(files_have_no_children, setup, teardown),
        cmocka_unit_test_setup_teardown(histories_stay_while_they_are_held, setup, teardown),
        cmocka_unit_test_setup_teardown(histories_stay_until_writes_are_measured, setup, teardown),
        cmocka_unit_test_setup_teardown(histories_with_marks_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(a_write_without_history_may_be_of_any_row, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
