/*
 * How far back a table's stream goes, and so which windows of `.changes` can be looked into.
 *
 * Units: microseconds of the service's clock.
 */
#ifndef OTS_VIEW_RETENTION_H
#define OTS_VIEW_RETENTION_H

#include "fs/view/knowledge.h"
#include "fs/view/selection.h"

struct ots_table;

static const int64_t OTS_WINDOW_LISTED_US = INT64_C(3600) * 1000000;

/* A stream: from its making on all is there, or else what is younger than so many hours. */
struct ots_retention {
    int64_t created_us; /* a table that is made anew has another */
    int32_t hours;
};

/* A part of struct ots_table. The view's lock guards it. */
struct ots_known_retention {
    struct ots_knowledge knowledge;
    bool is_readable;
    struct ots_retention retention;
};

/*
 * What the table's stream keeps; asked for when that is long ago.
 * Errors: OTS_DENIED (it cannot be read, or shall not be).
 */
enum ots_status ots_table_retention(struct ots_table *table, struct ots_interrupt *interrupt,
                                    struct ots_retention *retention,
                                    struct ots_error *err) OTS_MUST_CHECK;

/*
 * Whether all that was put in the window is there, `now_us`. A window counts as complete
 * `settle_us` after its end. Errors: OTS_TRIMMED (it begins before what is kept, or soon will),
 * OTS_INCOMPLETE.
 */
enum ots_status ots_retention_check(const struct ots_retention *retention,
                                    const struct ots_selection *window, int64_t now_us,
                                    int64_t settle_us, struct ots_error *err) OTS_MUST_CHECK;

/* Whether none of the window's records can have been removed. */
bool ots_retention_has(const struct ots_retention *retention, const struct ots_selection *window,
                       int64_t now_us);

/* How many windows of OTS_WINDOW_LISTED_US, whole hours in UTC, pass the check; the first of them
 * begins at `*first_us`. */
size_t ots_retention_hours(const struct ots_retention *retention, int64_t now_us, int64_t settle_us,
                           int64_t *first_us);

#endif
