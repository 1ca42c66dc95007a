/*
 * A table in memory, without a service: what is known of its timelines, and a clock.
 */
#ifndef TESTS_UNIT_APPLY_FIXTURE_H
#define TESTS_UNIT_APPLY_FIXTURE_H

#include "fs/view/apply.h"

struct apply_fixture {
    struct ots_store store;
    struct ots_clock clock;
    struct ots_view view;
    struct ots_instance instance;
    struct ots_table table;
    int64_t now_us; /* of this machine and the service */
};

/* A learned table that is followed; 0: the usual bounds. */
void apply_fixture_init(struct apply_fixture *fixture, size_t own_max, size_t counted_max);
void apply_fixture_deinit(struct apply_fixture *fixture);

/* The key `m,n=<number>`, and its timeline, made when it is not there. */
const struct ots_series_key *apply_fixture_key(unsigned number);
struct ots_node *apply_fixture_timeline(struct apply_fixture *fixture, unsigned number);

/* A row's sum: the value tells its size and hash. */
struct ots_row_sum apply_fixture_sum(int64_t time_us, unsigned value);

/* A record of a put is applied. */
enum record_effect { RECORD_OWN, RECORD_FOREIGN };

enum record_effect apply_fixture_apply(struct apply_fixture *fixture,
                                       const struct ots_stream_record *record,
                                       const struct ots_row_sum *sum);
enum record_effect apply_fixture_put(struct apply_fixture *fixture, unsigned number,
                                     int64_t time_us, unsigned value, int64_t commit_us);

bool apply_fixture_is_dirty(const struct ots_node *timeline);

#endif
