/*
 * What tests of wide-column tables share: cells and rows in few words. Strings are literals or live
 * as long as the test.
 */
#ifndef TESTS_UNIT_WIDE_FIXTURE_H
#define TESTS_UNIT_WIDE_FIXTURE_H

#include "tests/unit/server_fixture.h"

struct ots_cell wide_string(const char *name, const char *value);
struct ots_cell wide_integer(const char *name, int64_t value);
struct ots_cell wide_infinite(const char *name, enum ots_cell_type type);
/* A cell that deletes all versions of its column, or one. */
struct ots_cell wide_delete_all(const char *name);
struct ots_cell wide_delete_one(const char *name, int64_t version_ms);
struct ots_cell wide_increment(const char *name, int64_t value);
struct ots_cell wide_at(struct ots_cell cell, int64_t version_ms);

/* The table "t" with the keys a STRING and n INTEGER, as many versions and seconds to live. */
void wide_create(struct test_instance *test, int32_t max_versions, int32_t time_to_live_s);

/* A key of that table, kept in the test's arena. */
struct ots_plain_row wide_key(struct test_instance *test, const char *a, int64_t n);
/* The key with cells, which are copied. */
struct ots_plain_row wide_row(struct test_instance *test, const char *a, int64_t n,
                              const struct ots_cell *cells, size_t count);
#define WIDE_ROW(test, a, n, ...)                                                                  \
    wide_row(test, a, n, (const struct ots_cell[]){__VA_ARGS__},                                   \
             sizeof((const struct ots_cell[]){__VA_ARGS__}) / sizeof(struct ots_cell))

/* Fill a call of PutRow, UpdateRow or DeleteRow, as its action says. */
void wide_write_fill(struct ots_call *call, struct ots_plain_row row,
                     enum ots_expectation expectation);
/* Write one row; fails the test when the service refuses. */
void wide_write(struct test_instance *test, enum ots_action action, struct ots_plain_row row,
                enum ots_expectation expectation);

/*
 * Fails the test unless the row's cells are as `text` says: "name=value@version ..." with the
 * version relative to TEST_NOW_US in ms; NULL: there is no such row.
 */
void wide_expect(struct test_instance *test, const char *a, int64_t n, const char *text);

/* The cells of a row as that text, in the test's arena. */
const char *wide_text(struct test_instance *test, const struct ots_plain_row *row);

#endif
