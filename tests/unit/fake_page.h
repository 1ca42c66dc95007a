/*
 * Rows of a page that the fake store answers.
 */
#ifndef TESTS_UNIT_FAKE_PAGE_H
#define TESTS_UNIT_FAKE_PAGE_H

#include "backend/store.h"

/* The fake store has no answer to a want of memory. */
void fake_must(enum ots_status status);

/*
 * Copy a row into the call's page, whose rows of one timeline share their key, with those of its
 * fields that are wanted (count 0: all), even when there are none.
 */
void fake_page_append(struct ots_call *call, const struct ots_row *row,
                      const struct ots_series_key *key, const struct ots_field_wanted *wanted,
                      size_t wanted_count);

#endif
