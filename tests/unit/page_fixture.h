/*
 * Pages of the timeline `cpu` with `host=a`, for tests of what reads them.
 */
#ifndef TESTS_UNIT_PAGE_FIXTURE_H
#define TESTS_UNIT_PAGE_FIXTURE_H

#include "fs/view/pages.h"
#include "tests/unit/view_fixture.h"

extern const struct ots_series_key page_key;

/* All of its rows. */
struct ots_page_source page_source(struct view_fixture *fixture, const char *table);
/* Rows of `t` at 100 us, 101 us, ... */
void page_put_lines(struct view_fixture *fixture, int64_t count);
size_t page_count_gets(struct view_fixture *fixture);

#endif
