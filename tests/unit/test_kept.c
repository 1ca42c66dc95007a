/*
 * Attributes that the kernel keeps: which may be kept, and that each that changes is told once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/apply.h"
#include "fs/view/state.h"
#include "fs/view/unsaved.h"

enum { TIMELINES = 1000 };

struct fixture {
    struct ots_view view;
    struct ots_table table;
    struct ots_node *measurement;
    struct ots_node *timelines[TIMELINES];
    struct ots_interrupt raised;
};

static struct ots_node *make(struct fixture *fixture, struct ots_node *dir, enum ots_node_kind kind,
                             const char *name)
{
    struct ots_node *node = ots_node_child_make(dir, kind, ots_slice_str(name));
    assert_non_null(node);
    assert_int_equal(ots_tree_list(&fixture->view.synced.tree, node), OTS_OK);
    return node;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct ots_view *view = &fixture->view;
    struct ots_table *table = &fixture->table;
    view->options.tells_stale = true;
    pthread_mutex_init(&view->synced.lock, NULL);
    pthread_cond_init(&view->synced.stale, NULL);
    assert_int_equal(ots_tree_init(&view->synced.tree, OTS_NODE_INSTANCE), OTS_OK);
    table->view = view;
    table->node = make(fixture, view->synced.tree.root, OTS_NODE_TABLE, "t");
    table->node->table = table;
    table->whole.view = view;
    table->whole.table = table;
    table->whole.node = table->node;
    table->is_learned = true;
    assert_int_equal(ots_apply_init(table), OTS_OK);
    ots_table_follow_locked(table);
    fixture->measurement = make(fixture, table->node, OTS_NODE_MEASUREMENT, "m");
    for (size_t i = 0; i < TIMELINES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "n=%zu.lp", i);
        fixture->timelines[i] = make(fixture, fixture->measurement, OTS_NODE_TIMELINE, name);
        fixture->timelines[i]->timeline.extent.row_count = 1;
    }
    ots_interrupt_init(&fixture->raised);
    ots_interrupt_raise(&fixture->raised);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    struct ots_view *view = &fixture->view;
    ots_apply_deinit(&fixture->table);
    ots_kept_deinit(&view->synced.kept);
    ots_tree_deinit(&view->synced.tree);
    pthread_cond_destroy(&view->synced.stale);
    pthread_mutex_destroy(&view->synced.lock);
    ots_interrupt_deinit(&fixture->raised);
    free(fixture);
    return 0;
}

static bool is_kept(struct fixture *fixture, struct ots_node *node)
{
    struct ots_attr attr;
    ots_kept_tell_locked(&fixture->view, node, &attr);
    assert_int_equal(attr.ino, node->ino);
    return attr.is_kept;
}

/* Those that are stale now must be these timelines, in this order; UINT64_MAX ends them. */
static void expect_stale(struct fixture *fixture, const size_t *indexes)
{
    uint64_t inos[TIMELINES];
    size_t count = ots_view_take_stale(&fixture->view, inos, TIMELINES, &fixture->raised);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(inos[i], fixture->timelines[indexes[i]]->ino);
    assert_true(indexes[count] == SIZE_MAX);
}

static void a_change_is_told_once(void **state)
{
    struct fixture *fixture = *state;
    struct ots_node *node = fixture->timelines[7];
    ots_kept_drop_locked(&fixture->view, node);
    expect_stale(fixture, (size_t[]){SIZE_MAX});
    assert_true(is_kept(fixture, node));
    assert_true(is_kept(fixture, node));
    ots_kept_drop_locked(&fixture->view, node);
    ots_kept_drop_locked(&fixture->view, node);
    assert_int_equal(ots_view_stale_count(&fixture->view), 1);
    expect_stale(fixture, (size_t[]){7, SIZE_MAX});
    expect_stale(fixture, (size_t[]){SIZE_MAX});
    ots_kept_drop_locked(&fixture->view, node);
    expect_stale(fixture, (size_t[]){SIZE_MAX});
    /* Once more when it was asked for again, also before the first time was told. */
    assert_true(is_kept(fixture, node));
    ots_kept_drop_locked(&fixture->view, node);
    assert_true(is_kept(fixture, node));
    ots_kept_drop_locked(&fixture->view, node);
    expect_stale(fixture, (size_t[]){7, 7, SIZE_MAX});
    assert_int_equal(ots_view_stale_count(&fixture->view), 3);
}

/* The kernel knows it by the number that it had then. */
static void the_number_of_then_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct ots_node *node = fixture->timelines[7];
    struct ots_tree *tree = &fixture->view.synced.tree;
    uint64_t ino = ots_tree_take_ino(tree);
    uint64_t old = node->ino;
    uint64_t told;
    assert_true(is_kept(fixture, node));
    ots_kept_drop_locked(&fixture->view, node);
    assert_int_equal(ots_tree_renumber(tree, node, ino), OTS_OK);
    assert_int_equal(ots_view_take_stale(&fixture->view, &told, 1, &fixture->raised), 1);
    assert_int_equal(told, old);
}

static void many_are_told_in_their_order(void **state)
{
    struct fixture *fixture = *state;
    struct ots_kept *kept = &fixture->view.synced.kept;
    uint64_t inos[3];
    for (size_t i = 0; i < 10; i++)
        assert_true(is_kept(fixture, fixture->timelines[i]));
    for (size_t i = 0; i < 5; i++)
        ots_kept_drop_locked(&fixture->view, fixture->timelines[i]);
    assert_int_equal(ots_view_take_stale(&fixture->view, inos, 3, &fixture->raised), 3);
    assert_int_equal(inos[2], fixture->timelines[2]->ino);
    /* The ring grows while its first is not at its front, and goes round. */
    for (size_t i = 10; i < TIMELINES; i++)
        assert_true(is_kept(fixture, fixture->timelines[i]));
    assert_int_equal(kept->kept_count, TIMELINES - 5);
    expect_stale(fixture, (size_t[]){3, 4, SIZE_MAX});
    size_t indexes[TIMELINES + 1];
    size_t count = 0;
    for (size_t i = TIMELINES; i-- > 5;) {
        ots_kept_drop_locked(&fixture->view, fixture->timelines[i]);
        indexes[count++] = i;
    }
    indexes[count] = SIZE_MAX;
    expect_stale(fixture, indexes);
    assert_int_equal(kept->kept_count + kept->stale_count, 0);
}

static void only_what_stays_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct ots_table *table = &fixture->table;
    struct ots_node *node = fixture->timelines[0];
    assert_false(is_kept(fixture, fixture->view.synced.tree.root));
    node->is_sending = true;
    assert_false(is_kept(fixture, node));
    assert_true(is_kept(fixture, table->node));
    assert_true(is_kept(fixture, fixture->measurement));
    node->is_sending = false;
    ots_apply_dirty_locked(table, node, 5);
    assert_false(is_kept(fixture, node));
    node->timeline.measured_write = node->timeline.last_write;
    node->is_listed = false;
    assert_false(is_kept(fixture, node));
    node->is_listed = true;
    table->has_gap = true;
    assert_false(is_kept(fixture, node));
    table->has_gap = false;
    table->is_learned = false;
    assert_false(is_kept(fixture, node));
    table->is_learned = true;
    node->timeline.extent.row_count = 0;
    assert_false(is_kept(fixture, node));
    node->timeline.extent.row_count = 1;
    assert_true(is_kept(fixture, node));
    fixture->view.options.tells_stale = false;
    assert_false(is_kept(fixture, node));
}

static bool is_kept_for_its_maker(struct fixture *fixture, struct ots_node *node)
{
    struct ots_attr attr;
    ots_kept_tell_made_locked(&fixture->view, node, &attr);
    assert_int_equal(attr.ino, node->ino);
    return attr.is_kept;
}

static void who_makes_a_file_may_keep_that_it_is_empty(void **state)
{
    struct fixture *fixture = *state;
    struct ots_node *node = fixture->timelines[4];
    node->timeline.extent.row_count = 0;
    assert_false(is_kept(fixture, node));
    assert_true(is_kept_for_its_maker(fixture, node));
    ots_table_note_changed_locked(&fixture->table, node, true);
    expect_stale(fixture, (size_t[]){4, SIZE_MAX});
    node->is_sending = true;
    assert_false(is_kept_for_its_maker(fixture, node));
    node->is_sending = false;
    fixture->table.has_gap = true;
    assert_false(is_kept_for_its_maker(fixture, node));
}

static void what_the_kernel_does_itself_is_told_when_it_did_not_notice(void **state)
{
    struct fixture *fixture = *state;
    struct ots_view *view = &fixture->view;
    struct ots_node *node = fixture->timelines[4];
    assert_false(ots_kept_begin_own_locked(node));
    assert_true(is_kept_for_its_maker(fixture, node));
    assert_true(ots_kept_begin_own_locked(node));
    ots_table_note_changed_locked(&fixture->table, node, true);
    ots_kept_end_own_locked(view, node, true);
    expect_stale(fixture, (size_t[]){SIZE_MAX});
    assert_int_equal(ots_view_stale_count(view), 0);
    assert_true(is_kept_for_its_maker(fixture, node));
    assert_true(ots_kept_begin_own_locked(node));
    /* Others ask meanwhile, and it changes once more. */
    assert_true(is_kept(fixture, node));
    ots_kept_drop_locked(view, node);
    ots_kept_end_own_locked(view, node, false);
    expect_stale(fixture, (size_t[]){4, 4, SIZE_MAX});
    assert_int_equal(view->synced.kept.kept_count, 0);
}

static void whatever_changes_it_drops_it(void **state)
{
    struct fixture *fixture = *state;
    struct ots_table *table = &fixture->table;
    struct ots_node *node = fixture->timelines[3];
    assert_true(is_kept(fixture, node));
    assert_true(is_kept(fixture, fixture->measurement));
    node->mtime_ns = 12345;
    ots_table_note_changed_locked(table, node, true);
    assert_false(fixture->measurement->is_kept);
    uint64_t inos[3];
    assert_int_equal(ots_view_take_stale(&fixture->view, inos, 3, &fixture->raised), 2);
    assert_int_equal(inos[0], node->ino);
    assert_int_equal(inos[1], fixture->measurement->ino);
    assert_int_equal(fixture->measurement->mtime_ns, 12345);
    assert_int_equal(table->node->mtime_ns, 12345);
    /* Of a directory that has a time of its own only the one above goes along. */
    fixture->measurement->is_mtime_set = true;
    node->mtime_ns = 23456;
    ots_table_note_changed_locked(table, node, true);
    assert_int_equal(fixture->measurement->mtime_ns, 12345);
    assert_int_equal(table->node->mtime_ns, 23456);
    /* Nobody reads the stream any more. */
    assert_true(is_kept(fixture, fixture->timelines[1]));
    assert_true(is_kept(fixture, fixture->timelines[2]));
    ots_table_unfollow_locked(table);
    expect_stale(fixture, (size_t[]){1, 2, SIZE_MAX});
    assert_false(is_kept(fixture, fixture->timelines[1]));
}

/* --- who waits --------------------------------------------------------------------------------*/

struct taker {
    struct fixture *fixture;
    struct ots_interrupt interrupt;
    uint64_t ino;
    size_t count;
};

static void *take(void *argument)
{
    struct taker *taker = argument;
    taker->count = ots_view_take_stale(&taker->fixture->view, &taker->ino, 1, &taker->interrupt);
    return NULL;
}

static void who_waits_is_woken(void **state)
{
    struct fixture *fixture = *state;
    struct ots_view *view = &fixture->view;
    struct taker taker = {.fixture = fixture};
    pthread_t thread;
    ots_interrupt_init(&taker.interrupt);
    assert_int_equal(pthread_create(&thread, NULL, take, &taker), 0);
    pthread_mutex_lock(&view->synced.lock);
    assert_true(is_kept(fixture, fixture->timelines[9]));
    ots_kept_drop_locked(view, fixture->timelines[9]);
    pthread_mutex_unlock(&view->synced.lock);
    pthread_join(thread, NULL);
    assert_int_equal(taker.count, 1);
    assert_int_equal(taker.ino, fixture->timelines[9]->ino);
    assert_int_equal(pthread_create(&thread, NULL, take, &taker), 0);
    ots_interrupt_raise(&taker.interrupt);
    pthread_join(thread, NULL);
    assert_int_equal(taker.count, 0);
    ots_interrupt_deinit(&taker.interrupt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_change_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(the_number_of_then_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(many_are_told_in_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(only_what_stays_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(who_makes_a_file_may_keep_that_it_is_empty, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_the_kernel_does_itself_is_told_when_it_did_not_notice,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(whatever_changes_it_drops_it, setup, teardown),
        cmocka_unit_test_setup_teardown(who_waits_is_woken, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
