/*
 * A table `t` of an instance, a cursor on its stream, and what was told by it: rows are numbered
 * from 1 on in the order of their puts, and each has to come once and in the order of its host.
 */
#ifndef TESTS_UNIT_CURSOR_FIXTURE_H
#define TESTS_UNIT_CURSOR_FIXTURE_H

#include "fs/view/stream_cursor.h"
#include "tests/unit/instance_store.h"
#include "tests/unit/stream_fixture.h"

#define CURSOR_HOUR_US (INT64_C(3600) * 1000000)

enum {
    CURSOR_HOSTS = 8,
    CURSOR_RECORDS_MAX = 4096,
    CURSOR_POSITIONS_MAX = 128,
    CURSOR_POLLS_MAX = 1000
};

/* Positions as a table's state keeps them. */
struct cursor_saved {
    struct ots_arena arena;
    struct ots_stream_positions positions;
    struct ots_shard_position shards[CURSOR_POSITIONS_MAX];
};

struct cursor_fixture {
    struct test_instance *test;
    struct instance_store store;
    struct ots_stream_cursor *cursor;
    struct cursor_saved saved;
    struct ots_stream_cursor_options options;
    struct ots_error err;
    int64_t put_count;
    /* Rows are numbered; how often each was told of, and the last one of each host. */
    unsigned told[CURSOR_RECORDS_MAX];
    int64_t last_of_host[CURSOR_HOSTS];
    size_t told_count;
    int64_t done_from_us; /* the window's end; 0: none */
    size_t fail_record;   /* this record is refused; 0: none */
    size_t page_count;    /* how many were told of as a whole */
};

/* Records are told of page by page. For the options, in place of `record`. */
enum ots_status cursor_note_page(void *context, const struct ots_stream_record *records,
                                 size_t count);

/* For cmocka. */
int cursor_setup(void **state);
int cursor_teardown(void **state);

/* --- what happens to the table ----------------------------------------------------------------*/

/* Rows with ascending numbers, all in one put. */
void cursor_put(struct cursor_fixture *fixture, size_t count);
size_t cursor_list_shards(struct cursor_fixture *fixture,
                          struct test_shard shards[TEST_SHARDS_MAX]);
/* Shards by their place in the list. False: they are not open, or no neighbours. */
bool cursor_try_split(struct cursor_fixture *fixture, size_t index);
bool cursor_try_merge(struct cursor_fixture *fixture, size_t a, size_t b);
void cursor_split(struct cursor_fixture *fixture, size_t index);
void cursor_merge(struct cursor_fixture *fixture, size_t a, size_t b);
void cursor_drop_table(struct cursor_fixture *fixture);

/* --- reading ----------------------------------------------------------------------------------*/

/* Open by fixture->options, in place of the cursor there was. */
enum ots_status cursor_try_open(struct cursor_fixture *fixture);
void cursor_open(struct cursor_fixture *fixture);
enum ots_status cursor_try_poll(struct cursor_fixture *fixture, size_t records_max,
                                struct ots_stream_poll *result);
/* Whether it came to the end; fails the test when the poll does. */
bool cursor_poll(struct cursor_fixture *fixture, size_t records_max);
void cursor_poll_to_end(struct cursor_fixture *fixture, size_t records_max);
/* A poll ends so. */
void cursor_expect_poll(struct cursor_fixture *fixture, enum ots_status wanted);
/* Each row was told of once, those from `first` on, and no other. */
void cursor_expect_told_from(struct cursor_fixture *fixture, int64_t first);
void cursor_expect_all_told(struct cursor_fixture *fixture);

/* Known shards that are not read to their end. */
size_t cursor_open_shards(struct cursor_fixture *fixture);

/* Keep the positions, for the next opening; returns how many. */
size_t cursor_save(struct cursor_fixture *fixture);
/* As a kill and a new process. */
void cursor_restart(struct cursor_fixture *fixture);

#endif
