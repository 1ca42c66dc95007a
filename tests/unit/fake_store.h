/*
 * A store in memory, for tests of what is built on stores: time-series tables, answers that can be
 * held back or be failures, and counts of what was asked.
 *
 * Reads see the rows as they are when a call is submitted, puts store theirs when they are
 * answered. Threads: safe.
 */
#ifndef TESTS_UNIT_FAKE_STORE_H
#define TESTS_UNIT_FAKE_STORE_H

#include "backend/base/clock.h"
#include "backend/store.h"

struct fake_store;

/* With 0 threads a call is answered within submit, else on one of them. */
struct fake_store *fake_store_new(size_t threads);
void fake_store_free(struct fake_store *fake);
struct ots_store *fake_store_of(struct fake_store *fake);

/* --- what others do to the tables -------------------------------------------------------------*/

void fake_store_add_table(struct fake_store *fake, const char *table, bool has_field_keys);
void fake_store_remove_table(struct fake_store *fake, const char *table);
/* Its rows have a time to live from now on; the store keeps them all the same. */
void fake_store_expire(struct fake_store *fake, const char *table, int32_t time_to_live_s);
/* Put rows, given as line protocol. */
void fake_store_put(struct fake_store *fake, const char *table, const char *lines);
/* Remove all timelines of a measurement. */
void fake_store_remove(struct fake_store *fake, const char *table, const char *measurement);

/* --- how calls are answered -------------------------------------------------------------------*/

/* Answer the next `times` calls of `action` with `status`. */
void fake_store_fail(struct fake_store *fake, enum ots_action action, enum ots_status status,
                     size_t times);
/* A table that is created from now on answers its first `times` scans with `status`. */
void fake_store_be_slow(struct fake_store *fake, enum ots_status status, size_t times);
/* Refuse every put that holds a row with this integer in its first field. */
void fake_store_refuse(struct fake_store *fake, int64_t poison);
/* Whether a page of a scan has its rows in the order of their times, or from the last to the first.
 */
void fake_store_scan_backward(struct fake_store *fake, bool is_backward);
/* Rows in a page, at most. */
void fake_store_page_rows(struct fake_store *fake, size_t rows);

/* The service's clock; the machine's unless told. Borrowed. */
void fake_store_set_clock(struct fake_store *fake, const struct ots_clock *clock);

/* Keep the answers to `action` back from now on. */
void fake_store_hold(struct fake_store *fake, enum ots_action action);
/* Wait until at least `count` answers are kept back. */
void fake_store_wait_held(struct fake_store *fake, enum ots_action action, size_t count);
/* Give those answers and keep none back any more. */
void fake_store_release(struct fake_store *fake, enum ots_action action);

/* --- what happened ----------------------------------------------------------------------------*/

/* Calls of `action` since the last fake_store_forget_counts. */
size_t fake_store_count(struct fake_store *fake, enum ots_action action);
size_t fake_store_count_all(struct fake_store *fake);
void fake_store_forget_counts(struct fake_store *fake);
/* All rows of the table, as line protocol, timelines in the order of their keys. */
void fake_store_dump(struct fake_store *fake, const char *table, struct ots_buf *text);

#endif
