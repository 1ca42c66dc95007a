/*
 * A table of a service, a mount that puts rows into it and follows it, and somebody else who puts
 * rows: all in one process, step by step, at random. For tests of fs/view/apply.h.
 */
#ifndef TESTS_UNIT_APPLY_WORLD_H
#define TESTS_UNIT_APPLY_WORLD_H

#include "fs/view/finding.h"
#include "fs/view/measuring.h"
#include "tests/unit/apply_fixture.h"

enum {
    TIMELINES = 2,
    TIMES = 7,
    VALUES = 3, /* few, so that equal rows are put by both */
    LOG_MAX = 4000,
    BATCHES_MAX = 5,
    BATCH_ROWS = 3,
    MEASURINGS_MAX = 2,
};

struct put {
    unsigned timeline;
    int64_t time_us;
    unsigned value;
    int64_t commit_us;
};

enum row_state { SENT, COMMITTED, STORED, REFUSED };

struct own_row {
    struct put put;
    enum row_state state;
    ots_ahead_id id;
};

struct batch {
    bool is_used;
    uint64_t number;
    uint64_t group;
    struct own_row rows[BATCH_ROWS];
    size_t count;
};

struct measurement {
    bool is_used;
    struct ots_node *node;
    unsigned timeline;
    struct ots_measuring measuring;
    struct ots_found found;
    int64_t next_us;
};

struct scan {
    bool is_used;
    struct ots_finding finding;
    int64_t next_us[TIMELINES];
};

/* What a kill leaves. */
struct saved_entry {
    uint64_t group;
    unsigned timeline;
    struct ots_row_sum sum;
    enum ots_ahead_kind kind;
};
struct saved {
    size_t delivered;
    struct ots_extent extents[TIMELINES];
    int64_t mtimes[TIMELINES];
    bool is_dirty[TIMELINES];
    bool is_unsure[TIMELINES];
    int64_t unsure_until_us;
    struct saved_entry *entries;
    size_t entry_count;
    size_t entry_capacity;
};

struct world {
    struct apply_fixture fixture;
    uint64_t random;
    unsigned seed;
    bool has_foreign;
    bool has_kills;
    bool has_doubles;
    size_t own_max;
    size_t counted_max;
    /* The service. */
    unsigned rows[TIMELINES][TIMES + 1]; /* 0: none; else the value plus 1 */
    struct put log[LOG_MAX];
    bool is_own[LOG_MAX];
    size_t log_count;
    /* The mount. */
    size_t delivered;
    uint64_t next_number;
    struct batch batches[BATCHES_MAX];
    struct measurement measurements[MEASURINGS_MAX];
    struct scan scan;
    struct saved saved;
    struct put journal[LOG_MAX]; /* rows that were put and not counted in what is saved */
    size_t journal_count;
};

/* A number below `count`. */
unsigned world_pick(struct world *world, unsigned count);
struct ots_node *world_node_of(struct world *world, unsigned timeline);

/* The service stores a row. */
void world_commit(struct world *world, const struct put *put, bool is_own);
struct put world_random_put(struct world *world);
struct ots_extent world_model_of(const struct world *world, unsigned timeline);

/* Put some rows; settle: some are stored, refused or acknowledged; count: what is acknowledged. */
void world_send_batch(struct world *world);
void world_settle_some(struct world *world);
void world_settle_all(struct world *world);
void world_count_settled(struct world *world);

/* The stream shows `count` more records. */
void world_deliver(struct world *world, size_t count);

/* Measure a timeline, step by step. */
void world_begin_measuring(struct world *world, struct measurement *it, unsigned timeline);
void world_measure_some(struct world *world);
void world_measure_all(struct world *world);

/* Scan the table, step by step. */
void world_scan_some(struct world *world);
void world_end_scan(struct world *world);

/* Keep what is known; lose all else, and begin with that. */
void world_save(struct world *world);
void world_kill(struct world *world);

#endif
