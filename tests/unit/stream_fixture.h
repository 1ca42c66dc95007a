/*
 * What tests of streams share: streams, shards and positions as text, and reading in few words.
 */
#ifndef TESTS_UNIT_STREAM_FIXTURE_H
#define TESTS_UNIT_STREAM_FIXTURE_H

#include "tests/unit/server_fixture.h"

/* A name of a stream's part; "" for none. */
struct test_name {
    char text[192];
};

struct test_shard {
    struct test_name id;
    struct test_name parent;
    struct test_name sibling;
};

enum { TEST_SHARDS_MAX = 64 };

/* What the tests look at of a record: rows are put with one integer field. */
struct test_record {
    int64_t commit_us;
    uint32_t row_index;
    int64_t time_us;
    int64_t number;
};

static inline struct ots_slice test_name_slice(const struct test_name *name)
{
    return ots_slice_str(name->text);
}

/* Fails the test when the table has no stream. */
struct test_name test_stream_of(struct test_instance *test, const char *table);
/* All shards, by pages of one; returns how many. */
size_t test_shards_of(struct test_instance *test, const struct test_name *stream,
                      struct test_shard shards[TEST_SHARDS_MAX]);
/* The only shard of a table's stream. */
struct test_shard test_only_shard(struct test_instance *test, const struct test_name *stream);

/* Where a shard begins. */
struct test_name test_iterator(struct test_instance *test, const struct test_name *stream,
                               const struct test_name *shard);
/* Where its first record from `time_us` on is. */
struct test_name test_iterator_at(struct test_instance *test, const struct test_name *stream,
                                  const struct test_name *shard, int64_t time_us);

/* Read a page at `iterator`, which moves on; returns how many records. `limit` 0: none. */
size_t test_read_records(struct test_instance *test, struct test_name *iterator, int32_t limit,
                         struct test_record *records, size_t count_max);
/* Read on until a page is empty or the shard ends. */
size_t test_read_all(struct test_instance *test, struct test_name *iterator,
                     struct test_record *records, size_t count_max);
/* Fails the test unless reading at `iterator` is refused with `code`. */
void test_read_refused(struct test_instance *test, const struct test_name *iterator,
                       const char *code);

/* Whether b comes right after a in the order of sequences. */
bool test_record_before(const struct test_record *a, const struct test_record *b);

/* A row of `host` with n = number at time_us = number. */
void test_put_number(struct test_instance *test, const char *table, const char *host,
                     int64_t number);
/* `count` such rows in one put, of the timelines h0, h1, ... in turn. */
void test_put_numbers(struct test_instance *test, const char *table, int64_t first, size_t count,
                      unsigned hosts);

#endif
