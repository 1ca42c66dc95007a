/*
 * A table of the fake store: its timelines, and their rows in the order of time.
 */
#ifndef TESTS_UNIT_FAKE_TABLE_H
#define TESTS_UNIT_FAKE_TABLE_H

#include "backend/model/call.h"

enum { FAKE_SERIES_MAX = 4096 };

struct fake_series {
    struct ots_series_key key;
    struct ots_rows rows; /* by time */
};

struct fake_table {
    char name[64];
    bool has_field_keys;
    int32_t time_to_live_s;
    enum ots_status slow_status;
    size_t slow_count;
    struct ots_arena arena;
    struct fake_series series[FAKE_SERIES_MAX]; /* in the order of their first rows */
    size_t series_count;
};

/* When every record was renewed last. */
enum { FAKE_RECORD_TIME_US = 5000000 };

/* NULL when there is none. */
struct fake_series *fake_table_find(struct fake_table *table, const struct ots_series_key *key);

/* The index of the first row that is not before `time_us`. */
size_t fake_rows_first_from(const struct ots_rows *rows, int64_t time_us);

/* Put a copy of the row, in place of one of the same timeline and time. */
void fake_table_put(struct fake_table *table, const struct ots_row *row);

/*
 * Answer QUERY_META with at most `page` records. Every timeline has one, but those of the
 * measurement `unrecorded`.
 */
void fake_table_query(const struct fake_table *table, size_t page, struct ots_call *call);

#endif
