/*
 * Random histories of a table against a model of it: our own puts, somebody else's, records that
 * come late, measurements and scans that writes overtake, acknowledgements in any order, refusals,
 * puts that are stored twice, and kills. When all records have come, what is known of a timeline is
 * what the model has, or the timeline is dirty, and then a measurement finds that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/apply_world.h"

static bool is_quiet(const struct world *world)
{
    for (size_t i = 0; i < BATCHES_MAX; i++)
        if (world->batches[i].is_used)
            return false;
    return world->delivered == world->log_count;
}

static void expect_extent(const struct world *world, const struct ots_extent *known,
                          const struct ots_extent *model, const char *what)
{
    bool is_same = known->size_bytes == model->size_bytes && known->row_count == model->row_count &&
                   known->hash == model->hash &&
                   (!model->row_count || known->last_time_us == model->last_time_us) &&
                   (!model->row_count || known->first_time_us <= model->first_time_us);
    if (is_same)
        return;
    print_error("seed %u, %s: size %lu rows %lu last %ld, and in the model %lu %lu %ld\n",
                world->seed, what, (unsigned long)known->size_bytes,
                (unsigned long)known->row_count, (long)known->last_time_us,
                (unsigned long)model->size_bytes, (unsigned long)model->row_count,
                (long)model->last_time_us);
    fail();
}

static void check_now(struct world *world)
{
    for (unsigned i = 0; is_quiet(world) && i < TIMELINES; i++) {
        const struct ots_node *node = world_node_of(world, i);
        const struct ots_extent model = world_model_of(world, i);
        if (!apply_fixture_is_dirty(node))
            expect_extent(world, &node->timeline.extent, &model, "clean");
    }
}

static void check_end(struct world *world)
{
    if (world->scan.is_used)
        world_end_scan(world);
    world_measure_all(world);
    world_settle_all(world);
    world_deliver(world, SIZE_MAX);
    check_now(world);
    size_t dirty_count = 0;
    for (unsigned i = 0; i < TIMELINES; i++)
        if (apply_fixture_is_dirty(world_node_of(world, i))) {
            dirty_count++;
            world_begin_measuring(world, &world->measurements[0], i);
            world_measure_all(world);
            assert_false(apply_fixture_is_dirty(world_node_of(world, i)));
        }
    assert_int_equal(world->fixture.table.whole.unmeasured_count, 0);
    check_now(world);
    (void)dirty_count;
}

static void step(struct world *world)
{
    const struct put put = world_random_put(world);
    switch (world_pick(world, 16)) {
    case 0:
    case 1:
        if (world->has_foreign)
            world_commit(world, &put, false);
        break;
    case 2:
    case 3:
        world_send_batch(world);
        break;
    case 4:
    case 5:
    case 6:
        world_settle_some(world);
        break;
    case 7:
    case 8:
    case 9:
        /* A table that is scanned is not followed meanwhile. */
        if (!world->scan.is_used)
            world_deliver(world, 1 + world_pick(world, 3));
        break;
    case 10:
    case 11:
        world_measure_some(world);
        break;
    case 12:
        world_scan_some(world);
        break;
    case 13:
        world_save(world);
        break;
    case 14:
        if (world->has_kills && !world_pick(world, 10))
            world_kill(world);
        break;
    default:
        world_count_settled(world);
        break;
    }
    if (!world->scan.is_used)
        check_now(world);
}

static void run(unsigned seed, bool has_foreign, bool has_kills, bool has_doubles, size_t own_max,
                size_t counted_max)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->seed = seed;
    world->random = seed * 2654435761U + 12345;
    world->has_foreign = has_foreign;
    world->has_kills = has_kills;
    world->has_doubles = has_doubles;
    world->own_max = own_max;
    world->counted_max = counted_max;
    world->next_number = 1;
    apply_fixture_init(&world->fixture, own_max, counted_max);
    for (unsigned i = 0; i < TIMELINES; i++) {
        struct ots_node *node = world_node_of(world, i);
        node->mtime_ns = 77;
        node->is_mtime_set = true;
    }
    world_save(world);
    unsigned steps = 20 + world_pick(world, 300);
    for (unsigned i = 0; i < steps; i++)
        step(world);
    check_end(world);
    for (unsigned i = 0; !has_foreign && !has_doubles && !own_max && !counted_max && i < TIMELINES;
         i++)
        if (world_node_of(world, i)->mtime_ns != 77)
            fail_msg("seed %u: our own rows changed the time of timeline %u", seed, i);
    apply_fixture_deinit(&world->fixture);
    free(world->saved.entries);
    free(world);
}

static unsigned runs(void)
{
    const char *text = getenv("OTS_TEST_RUNS");
    return text ? (unsigned)strtoul(text, NULL, 10) : 3000;
}

static void what_is_known_is_right_when_all_records_have_come(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= runs(); seed++)
        run(seed, true, false, false, 0, 0);
}

static void rows_that_are_stored_twice_change_nothing(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= runs(); seed++)
        run(seed, seed % 2, false, true, 0, 0);
}

static void our_own_rows_change_no_times(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= runs(); seed++)
        run(seed, false, false, false, 0, 0);
}

static void little_room_costs_measurements_only(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= runs(); seed++)
        run(seed, seed % 2, false, false, 1 + seed % 9, 1 + seed % 7);
}

static void a_kill_loses_nothing(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= runs(); seed++)
        run(seed, seed % 2, true, seed % 3, seed % 5 ? 0 : 4, seed % 7 ? 0 : 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_known_is_right_when_all_records_have_come),
        cmocka_unit_test(rows_that_are_stored_twice_change_nothing),
        cmocka_unit_test(our_own_rows_change_no_times),
        cmocka_unit_test(little_room_costs_measurements_only),
        cmocka_unit_test(a_kill_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
