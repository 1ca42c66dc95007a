/*
 * What a timeline costs that is known and of which nothing is under way.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/apply.h"
#include "fs/view/finding.h"
#include "tests/unit/view_fixture.h"

enum { TIMELINES = 100000, NAME_BYTES = 45, BYTES_MAX = 250 };

static size_t allocated_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Sanitizers bring an allocator that does not tell. */
static bool is_allocator_known(void)
{
    size_t before = allocated_bytes();
    void *volatile block = malloc(100000);
    size_t after = allocated_bytes();
    free(block);
    return after > before;
}

/* By the sizes of what there is, as glibc's allocator would round them. */
static size_t counted_bytes(const struct ots_tree *tree, const struct ots_node *dir)
{
    size_t node_bytes = (sizeof(struct ots_node) + NAME_BYTES + 8 + 15) / 16 * 16;
    size_t bytes = dir->children.count * node_bytes;
    for (size_t i = 0; i < dir->children.count; i++)
        assert_null(dir->children.order[i]->timeline.more);
    for (size_t i = 0; i < tree->page_capacity; i++)
        bytes += tree->pages[i] ? sizeof(struct ots_ino_page) : 0;
    bytes += tree->page_capacity * sizeof(struct ots_ino_page *);
    return bytes + (dir->children.slot_count + dir->children.order_capacity) * sizeof(void *);
}

/* Names of one length that come in no order. */
static struct ots_slice name_of(size_t number, char text[static NAME_BYTES + 1])
{
    snprintf(text, NAME_BYTES + 1, "hostname=node-%012zu,region=eu-west.lp",
             number * 7919 % TIMELINES);
    memset(text + strlen(text), '_', NAME_BYTES - strlen(text));
    memcpy(text + NAME_BYTES - 3, ".lp", 3);
    return ots_slice(text, NAME_BYTES);
}

static struct ots_table *table_of(struct view_fixture *fixture)
{
    view_attr(fixture, "t");
    struct ots_node *root = fixture->view->synced.tree.root;
    return ots_node_child(root, OTS_SLICE("t"))->table;
}

/* A look that finds all of them, with `rows` rows each. */
static void find_all(struct ots_table *table, size_t rows)
{
    struct ots_view *view = table->view;
    struct ots_finding finding;
    assert_int_equal(ots_finding_begin(&finding, &table->whole, NULL, NULL), OTS_OK);
    finding.has_extents = true;
    static const struct ots_series_key key;
    for (size_t i = 0; i < TIMELINES; i++) {
        char text[NAME_BYTES + 1];
        struct ots_node *timeline;
        pthread_mutex_lock(&view->synced.lock);
        assert_int_equal(
            ots_finding_note_locked(&finding, &key, OTS_SLICE("cpu"), name_of(i, text), &timeline),
            OTS_OK);
        for (size_t k = 0; k < rows; k++) {
            const struct ots_row_sum line = {(int64_t)(i + k), 50, i};
            assert_int_equal(ots_finding_add_locked(&finding, timeline, &line, 1), OTS_OK);
        }
        pthread_mutex_unlock(&view->synced.lock);
    }
    assert_int_equal(ots_finding_commit(&finding), OTS_OK);
    ots_finding_deinit(&finding);
}

static void check_cost(struct ots_table *table, size_t before)
{
    const struct ots_tree *tree = &table->view->synced.tree;
    const struct ots_node *measurement = ots_node_child(table->node, OTS_SLICE("cpu"));
    assert_int_equal(measurement->children.count, TIMELINES);
    assert_true(counted_bytes(tree, measurement) <= (size_t)BYTES_MAX * TIMELINES);
    if (is_allocator_known())
        assert_true(allocated_bytes() - before <= (size_t)BYTES_MAX * TIMELINES);
}

struct visit {
    struct ots_slice last;
    size_t count;
};

static void check_timeline(struct ots_node *timeline, void *context)
{
    struct visit *visit = context;
    assert_true(ots_slice_compare(visit->last, timeline->name) < 0);
    assert_true(timeline->is_listed);
    assert_int_equal(timeline->timeline.extent.row_count, 2);
    assert_int_equal(timeline->timeline.extent.size_bytes, 100);
    visit->last = timeline->name;
    visit->count++;
}

static void a_known_timeline_takes_250_bytes(void **state)
{
    struct ots_table *table = table_of(*state);
    size_t before = allocated_bytes();
    find_all(table, 2);
    check_cost(table, before);
    struct ots_node *measurement = ots_node_child(table->node, OTS_SLICE("cpu"));
    for (size_t i = 0; i < TIMELINES; i++) {
        char text[NAME_BYTES + 1];
        const struct ots_node *timeline = ots_node_child(measurement, name_of(i, text));
        assert_non_null(timeline);
        assert_int_equal(timeline->timeline.extent.first_time_us, i);
        assert_int_equal(timeline->timeline.extent.last_time_us, i + 1);
        assert_int_equal(timeline->timeline.extent.hash, 2 * i);
        assert_ptr_equal(ots_tree_by_ino(&table->view->synced.tree, timeline->ino), timeline);
    }
    struct visit visit = {0};
    ots_node_each_child(measurement, check_timeline, &visit);
    assert_int_equal(visit.count, TIMELINES);
}

/* A second look and files that were open leave nothing behind. */
static void what_was_used_costs_no_more(void **state)
{
    struct ots_table *table = table_of(*state);
    size_t before = allocated_bytes();
    find_all(table, 1);
    struct ots_node *measurement = ots_node_child(table->node, OTS_SLICE("cpu"));
    for (size_t i = 0; i < TIMELINES; i++)
        assert_non_null(ots_node_hold_history(measurement->children.order[i]));
    for (size_t i = 0; i < TIMELINES; i += 2)
        ots_apply_dirty_locked(table, measurement->children.order[i], (int64_t)i);
    for (size_t i = 0; i < TIMELINES; i++)
        ots_node_release_history(measurement->children.order[i]);
    for (size_t i = 0; i < TIMELINES; i++)
        assert_int_equal(ots_node_history(measurement->children.order[i]) != NULL, i % 2 == 0);
    find_all(table, 2);
    check_cost(table, before);
}

/* The stream may show each of them before the first scan does. */
static void a_timeline_that_was_never_measured_costs_no_more(void **state)
{
    struct ots_table *table = table_of(*state);
    size_t before = allocated_bytes();
    find_all(table, 1);
    struct ots_node *measurement = ots_node_child(table->node, OTS_SLICE("cpu"));
    for (size_t i = 0; i < TIMELINES; i++)
        ots_apply_dirty_locked(table, measurement->children.order[i], INT64_MIN);
    check_cost(table, before);
    /* Who needs the history gets one that says so. */
    struct ots_node *timeline = measurement->children.order[7];
    assert_int_equal(ots_node_hold_history(timeline)->written_from_us, INT64_MIN);
    ots_node_release_history(timeline);
    assert_int_equal(table->whole.unmeasured_count, TIMELINES);
    find_all(table, 2);
    assert_int_equal(table->whole.unmeasured_count, 0);
    check_cost(table, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_known_timeline_takes_250_bytes, view_setup,
                                        view_teardown),
        cmocka_unit_test_setup_teardown(what_was_used_costs_no_more, view_setup, view_teardown),
        cmocka_unit_test_setup_teardown(a_timeline_that_was_never_measured_costs_no_more,
                                        view_setup, view_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
