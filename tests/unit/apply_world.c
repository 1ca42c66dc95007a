#include "tests/unit/apply_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/view/unsaved.h"

unsigned world_pick(struct world *world, unsigned count)
{
    world->random = world->random * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(world->random >> 33) % count;
}

struct ots_node *world_node_of(struct world *world, unsigned timeline)
{
    return apply_fixture_timeline(&world->fixture, timeline);
}

/* --- the service ------------------------------------------------------------------------------*/

void world_commit(struct world *world, const struct put *put, bool is_own)
{
    if (world->log_count == LOG_MAX)
        return;
    world->fixture.now_us += 1000;
    struct put *entry = &world->log[world->log_count];
    *entry = *put;
    entry->commit_us = world->fixture.now_us;
    world->is_own[world->log_count++] = is_own;
    world->rows[put->timeline][put->time_us] = put->value + 1;
}

struct put world_random_put(struct world *world)
{
    return (struct put){.timeline = world_pick(world, TIMELINES),
                        .time_us = 1 + world_pick(world, TIMES),
                        .value = world_pick(world, VALUES)};
}

struct ots_extent world_model_of(const struct world *world, unsigned timeline)
{
    struct ots_found found = {0};
    for (int64_t t = 1; t <= TIMES; t++)
        if (world->rows[timeline][t]) {
            const struct ots_row_sum line = apply_fixture_sum(t, world->rows[timeline][t] - 1);
            ots_found_add(&found, &line, 1);
        }
    struct ots_extent extent = found.extent;
    ots_found_deinit(&found);
    return extent;
}

/* --- our own rows -----------------------------------------------------------------------------*/

static bool is_settled(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->rows[i].state == SENT || batch->rows[i].state == COMMITTED)
            return false;
    return true;
}

static bool has_refused(const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->rows[i].state == REFUSED)
            return true;
    return false;
}

/* A batch is put when none that holds one of its rows is on its way. */
static bool is_in_flight(const struct world *world, const struct put *put)
{
    for (const struct batch *batch = world->batches; batch < world->batches + BATCHES_MAX; batch++)
        for (size_t i = 0;
             batch->is_used && (!is_settled(batch) || has_refused(batch)) && i < batch->count; i++)
            if (batch->rows[i].put.timeline == put->timeline &&
                batch->rows[i].put.time_us == put->time_us)
                return true;
    return false;
}

void world_send_batch(struct world *world)
{
    struct ots_table *table = &world->fixture.table;
    struct batch *batch = world->batches;
    while (batch < world->batches + BATCHES_MAX && batch->is_used)
        batch++;
    if (batch == world->batches + BATCHES_MAX)
        return;
    *batch = (struct batch){.number = world->next_number++};
    size_t count = 1 + world_pick(world, BATCH_ROWS);
    batch->group = ots_apply_begin_group_locked(table, count);
    for (size_t i = 0; i < count; i++) {
        const struct put put = world_random_put(world);
        batch->is_used = batch->count;
        if (is_in_flight(world, &put))
            continue;
        struct own_row *row = &batch->rows[batch->count++];
        row->put = put;
        row->state = SENT;
        if (world->journal_count < LOG_MAX)
            world->journal[world->journal_count++] = put;
        const struct ots_row_sum sum = apply_fixture_sum(put.time_us, put.value);
        row->id =
            ots_apply_send_locked(table, batch->group, world_node_of(world, put.timeline), &sum);
    }
    batch->is_used = batch->count;
}

static void count_batch(struct world *world, struct batch *batch)
{
    struct ots_table *table = &world->fixture.table;
    for (size_t i = 0; i < batch->count; i++) {
        const struct own_row *row = &batch->rows[i];
        const struct ots_row_sum sum = apply_fixture_sum(row->put.time_us, row->put.value);
        struct ots_node *node = world_node_of(world, row->put.timeline);
        if (row->state == STORED)
            ots_apply_stored_locked(table, batch->group, row->id, node, &sum);
        else
            ots_apply_refused_locked(table, batch->group, row->id);
    }
    batch->is_used = false;
}

/* In the order of their numbers, mostly. */
void world_count_settled(struct world *world)
{
    bool is_any_order = !world_pick(world, 20);
    for (;;) {
        struct batch *first = NULL;
        for (struct batch *batch = world->batches; batch < world->batches + BATCHES_MAX; batch++) {
            if (!batch->is_used || (is_any_order && !is_settled(batch)))
                continue;
            if (!first || batch->number < first->number)
                first = batch;
        }
        if (!first || !is_settled(first))
            return;
        count_batch(world, first);
    }
}

static void settle_row(struct world *world, struct own_row *row)
{
    /* A refused row that an earlier mount had stored leaves it open whose that was. */
    bool may_refuse = world->has_foreign || !world->has_kills;
    if (row->state == SENT && may_refuse && !world_pick(world, 8)) {
        row->state = REFUSED;
    } else if (row->state == SENT) {
        world_commit(world, &row->put, true);
        row->state = COMMITTED;
    } else if (row->state == COMMITTED) {
        /* The answer was lost. */
        if (world->has_doubles && !world_pick(world, 6))
            world_commit(world, &row->put, true);
        else
            row->state = STORED;
    }
}

void world_settle_some(struct world *world)
{
    struct batch *batch = &world->batches[world_pick(world, BATCHES_MAX)];
    if (batch->is_used)
        settle_row(world, &batch->rows[world_pick(world, (unsigned)batch->count)]);
    world_count_settled(world);
}

void world_settle_all(struct world *world)
{
    for (struct batch *batch = world->batches; batch < world->batches + BATCHES_MAX; batch++)
        for (size_t i = 0; batch->is_used && i < batch->count; i++)
            while (batch->rows[i].state == SENT || batch->rows[i].state == COMMITTED)
                settle_row(world, &batch->rows[i]);
    while (true) {
        bool is_any = false;
        world_count_settled(world);
        for (size_t i = 0; i < BATCHES_MAX; i++)
            is_any = is_any || world->batches[i].is_used;
        if (!is_any)
            return;
    }
}

/* --- the stream -------------------------------------------------------------------------------*/

void world_deliver(struct world *world, size_t count)
{
    for (; count && world->delivered < world->log_count; count--) {
        const struct put *put = &world->log[world->delivered++];
        apply_fixture_put(&world->fixture, put->timeline, put->time_us, put->value, put->commit_us);
    }
}

/* --- measuring --------------------------------------------------------------------------------*/

/* As fs/view/timeline.c does. */
void world_begin_measuring(struct world *world, struct measurement *it, unsigned timeline)
{
    struct ots_table *table = &world->fixture.table;
    *it = (struct measurement){.is_used = true, .timeline = timeline};
    it->node = world_node_of(world, timeline);
    struct ots_history *history = ots_node_hold_history(it->node);
    assert_non_null(history);
    struct ots_extent known =
        ots_history_begin(history, &it->node->timeline.extent, table->write_number);
    bool is_rest = known.row_count && world_pick(world, 4);
    if (is_rest) {
        it->found.extent = known;
        ots_marks_copy(&history->marks, &it->found.marks);
        ots_marks_cut(&it->found.marks, known.last_time_us);
    }
    ots_measuring_begin_locked(table, it->node, is_rest ? known.last_time_us : INT64_MIN,
                               &it->measuring);
    it->next_us = is_rest ? known.last_time_us + 1 : 1;
}

/* Read one place; true at the end. */
static bool read_on(struct world *world, struct measurement *it)
{
    for (; it->next_us <= TIMES; it->next_us++) {
        unsigned value = world->rows[it->timeline][it->next_us];
        if (!value)
            continue;
        const struct ots_row_sum line = apply_fixture_sum(it->next_us++, value - 1);
        ots_found_add(&it->found, &line, 1);
        ots_measuring_read(&it->measuring, &line, 1);
        break;
    }
    return it->next_us > TIMES;
}

static void drop_measuring(struct world *world, struct measurement *it)
{
    ots_measuring_end_locked(&world->fixture.table, &it->measuring);
    ots_node_release_history(it->node);
    ots_measuring_deinit(&it->measuring);
    ots_found_deinit(&it->found);
    it->is_used = false;
}

static void end_measuring(struct world *world, struct measurement *it)
{
    ots_extract_note_read_locked(&world->fixture.table.whole, &it->measuring, &it->found, 0,
                                 world_pick(world, 2));
    drop_measuring(world, it);
}

void world_measure_some(struct world *world)
{
    struct measurement *it = &world->measurements[world_pick(world, MEASURINGS_MAX)];
    if (!it->is_used)
        world_begin_measuring(world, it, world_pick(world, TIMELINES));
    else if (read_on(world, it))
        end_measuring(world, it);
}

void world_measure_all(struct world *world)
{
    for (struct measurement *it = world->measurements; it < world->measurements + MEASURINGS_MAX;
         it++)
        if (it->is_used) {
            while (!read_on(world, it))
                ;
            end_measuring(world, it);
        }
}

/* --- scans ------------------------------------------------------------------------------------*/

static void begin_scan(struct world *world)
{
    struct ots_table *table = &world->fixture.table;
    struct scan *scan = &world->scan;
    *scan = (struct scan){.is_used = true};
    scan->finding = (struct ots_finding){.extract = &table->whole,
                                         .id = ++table->whole.scan_id,
                                         .write_number = table->write_number,
                                         .is_scan = true,
                                         .has_extents = true,
                                         .selection = OTS_SELECTION_ALL,
                                         .recent_from_us = world_pick(world, 2) ? 3 : INT64_MAX};
    table->scan_count++;
    world_settle_all(world);
    world_deliver(world, SIZE_MAX);
    for (unsigned i = 0; i < TIMELINES; i++)
        scan->next_us[i] = 1;
}

static void scan_on(struct world *world, unsigned timeline)
{
    struct scan *scan = &world->scan;
    struct ots_node *node;
    int64_t time_us = scan->next_us[timeline]++;
    unsigned value = time_us <= TIMES ? world->rows[timeline][time_us] : 0;
    if (!value)
        return;
    const struct ots_row_sum line = apply_fixture_sum(time_us, value - 1);
    const struct ots_node *known = world_node_of(world, timeline);
    assert_int_equal(ots_finding_note_locked(&scan->finding, apply_fixture_key(timeline),
                                             known->parent->name, known->name, &node),
                     OTS_OK);
    assert_int_equal(ots_finding_add_locked(&scan->finding, node, &line, 1), OTS_OK);
}

void world_end_scan(struct world *world)
{
    for (unsigned i = 0; i < TIMELINES; i++)
        while (world->scan.next_us[i] <= TIMES)
            scan_on(world, i);
    assert_int_equal(ots_finding_commit(&world->scan.finding), OTS_OK);
    ots_finding_deinit(&world->scan.finding);
    world->scan.is_used = false;
}

void world_scan_some(struct world *world)
{
    if (!world->scan.is_used && !world_pick(world, 4))
        begin_scan(world);
    else if (world->scan.is_used && world_pick(world, 8))
        scan_on(world, world_pick(world, TIMELINES));
    else if (world->scan.is_used)
        world_end_scan(world);
}

/* --- kills ------------------------------------------------------------------------------------*/

static enum ots_status save_group(void *context, uint64_t group,
                                  const struct ots_ahead_entry *entries, size_t count)
{
    struct world *world = context;
    struct saved *saved = &world->saved;
    size_t kept = 0;
    for (size_t i = 0; i < saved->entry_count; i++)
        if (saved->entries[i].group != group)
            saved->entries[kept++] = saved->entries[i];
    saved->entry_count = kept;
    if (kept + count > saved->entry_capacity) {
        saved->entry_capacity = 2 * (kept + count);
        saved->entries =
            reallocarray(saved->entries, saved->entry_capacity, sizeof(*saved->entries));
        assert_non_null(saved->entries);
    }
    for (size_t i = 0; i < count; i++) {
        unsigned timeline = 0;
        while (world_node_of(world, timeline) != entries[i].node)
            timeline++;
        saved->entries[saved->entry_count++] =
            (struct saved_entry){group, timeline, entries[i].sum, entries[i].kind};
    }
    return OTS_OK;
}

static int compare_entries(const void *a, const void *b)
{
    const struct saved_entry *left = a;
    const struct saved_entry *right = b;
    return (left->group > right->group) - (left->group < right->group);
}

void world_save(struct world *world)
{
    struct ots_table *table = &world->fixture.table;
    struct saved *saved = &world->saved;
    /* Nothing of what a scan may have missed is kept. */
    if (world->scan.is_used)
        return;
    while (ots_table_next_changed_locked(table))
        ;
    assert_int_equal(ots_ahead_each_changed(table->ahead, save_group, world), OTS_OK);
    /* Batches that are counted are done. */
    world->journal_count = 0;
    for (const struct batch *batch = world->batches; batch < world->batches + BATCHES_MAX; batch++)
        for (size_t i = 0; batch->is_used && i < batch->count; i++)
            world->journal[world->journal_count++] = batch->rows[i].put;
    saved->delivered = world->delivered;
    saved->unsure_until_us = table->unsure_until_us;
    for (unsigned i = 0; i < TIMELINES; i++) {
        const struct ots_node *node = world_node_of(world, i);
        saved->extents[i] = node->timeline.extent;
        saved->mtimes[i] = node->mtime_ns;
        saved->is_dirty[i] = apply_fixture_is_dirty(node);
        saved->is_unsure[i] = node->is_unsure;
    }
}

static void restore(struct world *world)
{
    struct ots_table *table = &world->fixture.table;
    struct saved *saved = &world->saved;
    world->delivered = saved->delivered;
    table->unsure_until_us = saved->unsure_until_us;
    for (unsigned i = 0; i < TIMELINES; i++) {
        struct ots_node *node = world_node_of(world, i);
        node->timeline.extent = saved->extents[i];
        node->mtime_ns = saved->mtimes[i];
        node->is_mtime_set = true;
        node->is_unsure = saved->is_unsure[i];
        if (saved->is_dirty[i])
            ots_apply_dirty_locked(table, node, 0);
    }
    struct saved_entry *entries = calloc(saved->entry_count + 1, sizeof(*entries));
    assert_non_null(entries);
    if (saved->entry_count)
        memcpy(entries, saved->entries, saved->entry_count * sizeof(*entries));
    size_t count = saved->entry_count;
    qsort(entries, count, sizeof(*entries), compare_entries);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ots_apply_restore_locked(table, entries[i].group,
                                                  world_node_of(world, entries[i].timeline),
                                                  &entries[i].sum, entries[i].kind),
                         OTS_OK);
    free(entries);
}

/* Batches that were not counted are in the journal, and put again. */
void world_kill(struct world *world)
{
    if (world->scan.is_used)
        world_end_scan(world);
    for (size_t i = 0; i < MEASURINGS_MAX; i++)
        if (world->measurements[i].is_used)
            drop_measuring(world, &world->measurements[i]);
    int64_t now_us = world->fixture.now_us;
    apply_fixture_deinit(&world->fixture);
    apply_fixture_init(&world->fixture, world->own_max, world->counted_max);
    world->fixture.now_us = now_us;
    restore(world);
    for (size_t i = 0; i < world->journal_count; i++) {
        const struct put *put = &world->journal[i];
        const struct ots_row_sum sum = apply_fixture_sum(put->time_us, put->value);
        assert_int_equal(ots_apply_leftover_locked(&world->fixture.table,
                                                   apply_fixture_key(put->timeline), &sum),
                         OTS_OK);
    }
    /* What was on its way may arrive. */
    for (struct batch *batch = world->batches; batch < world->batches + BATCHES_MAX; batch++) {
        for (size_t i = 0; batch->is_used && i < batch->count; i++)
            if (batch->rows[i].state == SENT && world_pick(world, 2))
                world_commit(world, &batch->rows[i].put, true);
        batch->is_used = false;
    }
}
