#include "tests/unit/apply_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs/view/timelines.h"

static int64_t clock_now_us(const struct ots_clock *clock)
{
    const struct apply_fixture *fixture = clock->context;
    return fixture->now_us;
}

static int64_t store_now_us(struct ots_store *store)
{
    const struct apply_fixture *fixture = (const struct apply_fixture *)(const void *)store;
    return fixture->now_us;
}

static const struct ots_store_ops STORE_OPS = {.now_us = store_now_us};

void apply_fixture_init(struct apply_fixture *fixture, size_t own_max, size_t counted_max)
{
    *fixture = (struct apply_fixture){.store = {.ops = &STORE_OPS}, .now_us = 1000000000};
    fixture->clock = (struct ots_clock){clock_now_us, clock_now_us, fixture};
    struct ots_view *view = &fixture->view;
    struct ots_table *table = &fixture->table;
    view->options.clock = &fixture->clock;
    pthread_mutex_init(&view->synced.lock, NULL);
    assert_int_equal(ots_tree_init(&view->synced.tree, OTS_NODE_INSTANCE), OTS_OK);
    fixture->instance = (struct ots_instance){
        .view = view, .node = view->synced.tree.root, .store = &fixture->store};
    view->synced.tree.root->instance = &fixture->instance;
    struct ots_node *node =
        ots_node_child_make(view->synced.tree.root, OTS_NODE_TABLE, OTS_SLICE("t"));
    assert_non_null(node);
    node->table = table;
    table->view = view;
    table->instance = &fixture->instance;
    table->node = node;
    table->whole = (struct ots_extract){
        .view = view, .table = table, .node = node, .selection = OTS_SELECTION_ALL};
    table->is_learned = true;
    table->write_number = 1;
    assert_int_equal(ots_apply_init_bounded(table, own_max, counted_max), OTS_OK);
    ots_table_follow_locked(table);
}

void apply_fixture_deinit(struct apply_fixture *fixture)
{
    ots_apply_deinit(&fixture->table);
    ots_tree_deinit(&fixture->view.synced.tree);
    pthread_mutex_destroy(&fixture->view.synced.lock);
}

const struct ots_series_key *apply_fixture_key(unsigned number)
{
    static const struct ots_tag TAGS[] = {
        {{(const uint8_t *)"n", 1}, {(const uint8_t *)"0", 1}},
        {{(const uint8_t *)"n", 1}, {(const uint8_t *)"1", 1}},
        {{(const uint8_t *)"n", 1}, {(const uint8_t *)"2", 1}},
        {{(const uint8_t *)"n", 1}, {(const uint8_t *)"3", 1}},
    };
    static const struct ots_series_key KEYS[] = {
        {.measurement = {(const uint8_t *)"m", 1}, .tags = &TAGS[0], .tag_count = 1},
        {.measurement = {(const uint8_t *)"m", 1}, .tags = &TAGS[1], .tag_count = 1},
        {.measurement = {(const uint8_t *)"m", 1}, .tags = &TAGS[2], .tag_count = 1},
        {.measurement = {(const uint8_t *)"m", 1}, .tags = &TAGS[3], .tag_count = 1},
    };
    assert_in_range(number, 0, 3);
    return &KEYS[number];
}

struct ots_node *apply_fixture_timeline(struct apply_fixture *fixture, unsigned number)
{
    struct ots_node *timeline;
    assert_int_equal(
        ots_table_add_timeline_locked(&fixture->table, apply_fixture_key(number), &timeline),
        OTS_OK);
    return timeline;
}

struct ots_row_sum apply_fixture_sum(int64_t time_us, unsigned value)
{
    uint64_t hash = ((uint64_t)time_us << 8 | value) * 0x9E3779B97F4A7C15U;
    hash = (hash ^ hash >> 32) * 0xD6E8FEB86659FD93U;
    hash ^= hash >> 29;
    return (struct ots_row_sum){time_us, 10 + value, hash};
}

enum record_effect apply_fixture_apply(struct apply_fixture *fixture,
                                       const struct ots_stream_record *record,
                                       const struct ots_row_sum *sum)
{
    struct ots_record_counts counts = {0};
    assert_int_equal(ots_apply_records_locked(&fixture->table, record, sum, 1, &counts), OTS_OK);
    assert_int_equal(counts.own + counts.foreign, 1);
    return counts.foreign ? RECORD_FOREIGN : RECORD_OWN;
}

enum record_effect apply_fixture_put(struct apply_fixture *fixture, unsigned number,
                                     int64_t time_us, unsigned value, int64_t commit_us)
{
    const struct ots_stream_record record = {
        .type = OTS_CHANGE_PUT,
        .sequence = {.timestamp_us = commit_us},
        .row = {.key = apply_fixture_key(number), .time_us = time_us},
    };
    const struct ots_row_sum sum = apply_fixture_sum(time_us, value);
    return apply_fixture_apply(fixture, &record, &sum);
}

bool apply_fixture_is_dirty(const struct ots_node *timeline)
{
    return timeline->timeline.last_write > timeline->timeline.measured_write;
}
