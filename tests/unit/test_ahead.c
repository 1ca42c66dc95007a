/*
 * Rows that are ahead of the stream: finding, order, groups, bounds.
 */
#include "fs/view/ahead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/node.h"

/* Only their addresses count. */
static struct ots_node nodes[2];

static struct ots_row_sum sum_of(int64_t time_us, uint64_t hash)
{
    return (struct ots_row_sum){time_us, 20, hash};
}

static ots_ahead_id add(struct ots_ahead *ahead, size_t node, int64_t time_us, uint64_t hash,
                        enum ots_ahead_kind kind)
{
    const struct ots_row_sum sum = sum_of(time_us, hash);
    ots_ahead_id id = ots_ahead_add_own(ahead, &nodes[node], &sum, kind);
    assert_true(id);
    return id;
}

static ots_ahead_id find(const struct ots_ahead *ahead, size_t node, int64_t time_us,
                         enum ots_ahead_kind kind)
{
    return ots_ahead_find(ahead, &nodes[node], time_us, kind, NULL);
}

static int setup(void **state)
{
    *state = ots_ahead_new(0, 0);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    ots_ahead_free(*state);
    return 0;
}

static void entries_are_found_by_key_kind_and_line(void **state)
{
    struct ots_ahead *ahead = *state;
    assert_false(find(ahead, 0, 1, OTS_AHEAD_SENT));
    assert_true(ots_ahead_begin_group(ahead, 3));
    ots_ahead_id id = add(ahead, 0, 1, 7, OTS_AHEAD_SENT);
    assert_int_equal(find(ahead, 0, 1, OTS_AHEAD_SENT), id);
    assert_false(find(ahead, 1, 1, OTS_AHEAD_SENT));
    assert_false(find(ahead, 0, 2, OTS_AHEAD_SENT));
    assert_false(find(ahead, 0, 1, OTS_AHEAD_STORED));
    struct ots_row_sum sum = sum_of(1, 7);
    assert_int_equal(ots_ahead_find(ahead, &nodes[0], 1, OTS_AHEAD_SENT, &sum), id);
    sum.hash = 8;
    assert_false(ots_ahead_find(ahead, &nodes[0], 1, OTS_AHEAD_SENT, &sum));
    sum = sum_of(1, 7);
    sum.size_bytes++;
    assert_false(ots_ahead_find(ahead, &nodes[0], 1, OTS_AHEAD_SENT, &sum));
    assert_true(ots_ahead_is_awaited(ahead, &nodes[0], 1));
    ots_ahead_drop(ahead, id);
    assert_false(find(ahead, 0, 1, OTS_AHEAD_SENT));
    assert_false(ots_ahead_is_awaited(ahead, &nodes[0], 1));
}

/* Also when all of them move. */
static void equal_keys_keep_their_order(void **state)
{
    enum { COUNT = 1000 };
    struct ots_ahead *ahead = *state;
    ots_ahead_id first = 0;
    assert_true(ots_ahead_begin_group(ahead, COUNT));
    for (uint64_t i = 0; i < COUNT; i++) {
        ots_ahead_id id = add(ahead, 0, (int64_t)(i % 7), i, OTS_AHEAD_SENT);
        first = first ? first : id;
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        ots_ahead_id id = find(ahead, 0, (int64_t)(i % 7), OTS_AHEAD_SENT);
        assert_int_equal(ots_ahead_sum(ahead, id).hash, i);
        ots_ahead_drop(ahead, id);
    }
    struct ots_ahead_counts counts;
    ots_ahead_counts(ahead, &counts);
    assert_int_equal(counts.own, 0);
}

static void one_entry_is_the_content(void **state)
{
    struct ots_ahead *ahead = *state;
    const struct ots_row_sum counted = sum_of(1, 50);
    ots_ahead_count(ahead, &nodes[0], &counted);
    ots_ahead_id id = ots_ahead_content(ahead, &nodes[0], 1);
    assert_int_equal(ots_ahead_sum(ahead, id).hash, 50);
    assert_true(ots_ahead_begin_group(ahead, 2));
    ots_ahead_id first = add(ahead, 0, 1, 1, OTS_AHEAD_STORED);
    ots_ahead_id second = add(ahead, 0, 1, 2, OTS_AHEAD_STORED);
    ots_ahead_set_content(ahead, first);
    assert_int_equal(ots_ahead_content(ahead, &nodes[0], 1), first);
    assert_false(find(ahead, 0, 1, OTS_AHEAD_COUNTED));
    ots_ahead_set_content(ahead, second);
    assert_int_equal(ots_ahead_content(ahead, &nodes[0], 1), second);
    ots_ahead_count(ahead, &nodes[0], &counted);
    assert_int_equal(ots_ahead_sum(ahead, ots_ahead_content(ahead, &nodes[0], 1)).hash, 50);
    ots_ahead_forget_content(ahead, &nodes[0], 1);
    assert_false(ots_ahead_content(ahead, &nodes[0], 1));
    /* The own rows still wait. */
    assert_int_equal(find(ahead, 0, 1, OTS_AHEAD_STORED), first);
    assert_int_equal(ots_ahead_find_last(ahead, &nodes[0], 1, OTS_AHEAD_STORED), second);
}

static void contents_are_forgotten_by_node_and_time(void **state)
{
    struct ots_ahead *ahead = *state;
    for (int64_t t = 1; t <= 4; t++)
        for (size_t node = 0; node < 2; node++) {
            const struct ots_row_sum sum = sum_of(t, 1);
            ots_ahead_count(ahead, &nodes[node], &sum);
        }
    ots_ahead_forget_contents(ahead, &nodes[0], 2, 4);
    for (int64_t t = 1; t <= 4; t++) {
        assert_int_equal(ots_ahead_content(ahead, &nodes[0], t) != 0, t == 1 || t == 4);
        assert_true(ots_ahead_content(ahead, &nodes[1], t));
    }
    ots_ahead_forget_contents(ahead, NULL, INT64_MIN, INT64_MAX);
    for (int64_t t = 1; t <= 4; t++)
        assert_false(ots_ahead_content(ahead, &nodes[1], t));
}

static void an_id_is_that_of_its_group_only(void **state)
{
    struct ots_ahead *ahead = *state;
    uint64_t first = ots_ahead_begin_group(ahead, 1);
    ots_ahead_id id = add(ahead, 0, 1, 1, OTS_AHEAD_SENT);
    assert_int_equal(ots_ahead_own(ahead, first, id), id);
    ots_ahead_drop(ahead, id);
    assert_false(ots_ahead_own(ahead, first, id));
    uint64_t second = ots_ahead_begin_group(ahead, 1);
    assert_true(second > first);
    /* The place is taken again. */
    assert_int_equal(add(ahead, 0, 1, 1, OTS_AHEAD_SENT), id);
    assert_false(ots_ahead_own(ahead, first, id));
    assert_int_equal(ots_ahead_own(ahead, second, id), id);
    ots_ahead_set_kind(ahead, id, OTS_AHEAD_AGAIN);
    assert_false(ots_ahead_own(ahead, second, id));
    assert_false(ots_ahead_own(ahead, second, 0));
}

static void a_group_has_room_for_so_many(void **state)
{
    struct ots_ahead *ahead = *state;
    const struct ots_row_sum sum = sum_of(2, 2);
    assert_false(ots_ahead_add_own(ahead, &nodes[0], &sum, OTS_AHEAD_SENT));
    assert_true(ots_ahead_begin_group(ahead, 1));
    add(ahead, 0, 1, 1, OTS_AHEAD_SENT);
    assert_false(ots_ahead_add_own(ahead, &nodes[0], &sum, OTS_AHEAD_SENT));
    assert_false(find(ahead, 0, 2, OTS_AHEAD_SENT));
    const struct ots_row_sum large = {3, (uint64_t)OTS_AHEAD_SIZE_MAX + 1, 3};
    assert_true(ots_ahead_begin_group(ahead, 1));
    assert_false(ots_ahead_add_own(ahead, &nodes[0], &large, OTS_AHEAD_SENT));
}

/* --- bounds -----------------------------------------------------------------------------------*/

static void count_evicted(void *context, struct ots_node *node)
{
    size_t *count = context;
    assert_ptr_equal(node, &nodes[0]);
    ++*count;
}

static void the_oldest_stored_rows_go(void **state)
{
    (void)state;
    struct ots_ahead *ahead = ots_ahead_new(10, 4);
    size_t evicted = 0;
    assert_non_null(ahead);
    ots_ahead_on_eviction(ahead, count_evicted, &evicted);
    assert_true(ots_ahead_begin_group(ahead, 2));
    add(ahead, 0, 1000, 1, OTS_AHEAD_SENT);
    add(ahead, 0, 1001, 1, OTS_AHEAD_STORED);
    for (int64_t t = 0; t < 100; t++) {
        assert_true(ots_ahead_begin_group(ahead, 1));
        add(ahead, 0, t, 1, OTS_AHEAD_STORED);
    }
    struct ots_ahead_counts counts;
    ots_ahead_counts(ahead, &counts);
    assert_in_range(counts.own, 9, 11);
    assert_int_equal(counts.evicted, evicted);
    assert_int_equal(counts.own + evicted, 102);
    /* What is on its way stays. */
    assert_true(find(ahead, 0, 1000, OTS_AHEAD_SENT));
    assert_false(find(ahead, 0, 1001, OTS_AHEAD_STORED));
    assert_true(find(ahead, 0, 99, OTS_AHEAD_STORED));
    ots_ahead_free(ahead);
}

static void the_oldest_counted_rows_go(void **state)
{
    (void)state;
    struct ots_ahead *ahead = ots_ahead_new(10, 4);
    assert_non_null(ahead);
    for (int64_t t = 0; t < 10; t++) {
        const struct ots_row_sum sum = sum_of(t, 1);
        ots_ahead_count(ahead, &nodes[0], &sum);
    }
    for (int64_t t = 0; t < 10; t++)
        assert_int_equal(ots_ahead_content(ahead, &nodes[0], t) != 0, t >= 6);
    ots_ahead_free(ahead);
}

/* --- saving -----------------------------------------------------------------------------------*/

struct visited {
    uint64_t groups[10];
    size_t counts[10];
    enum ots_ahead_kind first_kinds[10];
    size_t count;
    enum ots_status status;
};

static enum ots_status visit(void *context, uint64_t group, const struct ots_ahead_entry *entries,
                             size_t count)
{
    struct visited *visited = context;
    if (visited->status != OTS_OK)
        return visited->status;
    assert_in_range(visited->count, 0, 9);
    visited->groups[visited->count] = group;
    visited->first_kinds[visited->count] = count ? entries[0].kind : OTS_AHEAD_COUNTED;
    visited->counts[visited->count++] = count;
    return OTS_OK;
}

static struct visited visit_all(struct ots_ahead *ahead)
{
    struct visited visited = {.status = OTS_OK};
    assert_int_equal(ots_ahead_each_changed(ahead, visit, &visited), OTS_OK);
    assert_false(ots_ahead_has_changed(ahead));
    return visited;
}

static void groups_are_saved_when_they_change(void **state)
{
    struct ots_ahead *ahead = *state;
    assert_false(ots_ahead_has_changed(ahead));
    uint64_t first = ots_ahead_begin_group(ahead, 2);
    ots_ahead_id a = add(ahead, 0, 1, 1, OTS_AHEAD_SENT);
    add(ahead, 0, 2, 1, OTS_AHEAD_SENT);
    uint64_t second = ots_ahead_begin_group(ahead, 1);
    ots_ahead_id b = add(ahead, 0, 3, 1, OTS_AHEAD_SENT);
    assert_true(ots_ahead_has_changed(ahead));
    struct visited visited = visit_all(ahead);
    assert_int_equal(visited.count, 2);
    assert_int_equal(visited.groups[0], first);
    assert_int_equal(visited.counts[0], 2);
    assert_int_equal(visited.groups[1], second);
    assert_int_equal(visit_all(ahead).count, 0);

    ots_ahead_set_kind(ahead, b, OTS_AHEAD_STORED);
    visited = visit_all(ahead);
    assert_int_equal(visited.count, 1);
    assert_int_equal(visited.groups[0], second);
    assert_int_equal(visited.first_kinds[0], OTS_AHEAD_STORED);

    ots_ahead_drop(ahead, a);
    ots_ahead_drop(ahead, b);
    visited = visit_all(ahead);
    assert_int_equal(visited.count, 2);
    assert_int_equal(visited.counts[0], 1);
    assert_int_equal(visited.counts[1], 0);
    assert_int_equal(visit_all(ahead).count, 0);
    /* What is gone is not told again. */
    ots_ahead_begin_group(ahead, 1);
    ots_ahead_mark_changed(ahead);
    visited = visit_all(ahead);
    assert_int_equal(visited.groups[0], first);
    assert_int_equal(visited.counts[0], 1);
}

static void what_could_not_be_saved_is_visited_again(void **state)
{
    struct ots_ahead *ahead = *state;
    ots_ahead_begin_group(ahead, 1);
    add(ahead, 0, 1, 1, OTS_AHEAD_SENT);
    struct visited visited = {.status = OTS_IO};
    assert_int_equal(ots_ahead_each_changed(ahead, visit, &visited), OTS_IO);
    assert_true(ots_ahead_has_changed(ahead));
    visit_all(ahead);
    ots_ahead_mark_changed(ahead);
    assert_int_equal(visit_all(ahead).count, 1);
}

static void groups_are_restored(void **state)
{
    enum { COUNT = 500 };
    struct ots_ahead *ahead = *state;
    for (int64_t t = 0; t < COUNT; t++) {
        const struct ots_row_sum sum = sum_of(t, 1);
        assert_int_equal(ots_ahead_restore(ahead, t < 400 ? 7 : 9, &nodes[0], &sum,
                                           t % 2 ? OTS_AHEAD_STORED : OTS_AHEAD_UNKNOWN),
                         OTS_OK);
    }
    assert_int_equal(visit_all(ahead).count, 0);
    assert_true(ots_ahead_begin_group(ahead, 1) > 9);
    for (int64_t t = 0; t < COUNT; t++)
        assert_true(find(ahead, 0, t, t % 2 ? OTS_AHEAD_STORED : OTS_AHEAD_UNKNOWN));
    ots_ahead_drop(ahead, find(ahead, 0, 1, OTS_AHEAD_STORED));
    struct visited visited = visit_all(ahead);
    assert_int_equal(visited.count, 1);
    assert_int_equal(visited.groups[0], 7);
    assert_int_equal(visited.counts[0], 399);
    ots_ahead_drop_unknown(ahead);
    for (int64_t t = 3; t < COUNT; t++)
        assert_int_equal(ots_ahead_is_awaited(ahead, &nodes[0], t), t % 2);
}

static void doubted_rows_are_unknown(void **state)
{
    struct ots_ahead *ahead = *state;
    ots_ahead_begin_group(ahead, 3);
    ots_ahead_id stored = add(ahead, 0, 1, 1, OTS_AHEAD_STORED);
    ots_ahead_set_content(ahead, stored);
    ots_ahead_id sent = add(ahead, 0, 2, 1, OTS_AHEAD_SENT);
    const struct ots_row_sum counted = sum_of(3, 1);
    ots_ahead_count(ahead, &nodes[0], &counted);
    ots_ahead_doubt(ahead);
    assert_int_equal(ots_ahead_kind_of(ahead, stored), OTS_AHEAD_UNKNOWN);
    assert_int_equal(ots_ahead_kind_of(ahead, sent), OTS_AHEAD_SENT);
    assert_false(ots_ahead_content(ahead, &nodes[0], 1));
    assert_false(ots_ahead_content(ahead, &nodes[0], 3));
    ots_ahead_clear(ahead);
    assert_false(ots_ahead_is_awaited(ahead, &nodes[0], 1));
    assert_true(ots_ahead_is_awaited(ahead, &nodes[0], 2));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_are_found_by_key_kind_and_line),
        TEST(equal_keys_keep_their_order),
        TEST(one_entry_is_the_content),
        TEST(contents_are_forgotten_by_node_and_time),
        TEST(an_id_is_that_of_its_group_only),
        TEST(a_group_has_room_for_so_many),
        cmocka_unit_test(the_oldest_stored_rows_go),
        cmocka_unit_test(the_oldest_counted_rows_go),
        TEST(groups_are_saved_when_they_change),
        TEST(what_could_not_be_saved_is_visited_again),
        TEST(groups_are_restored),
        TEST(doubted_rows_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
