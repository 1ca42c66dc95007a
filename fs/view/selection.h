/*
 * Which timelines, which of their rows, and which fields of these: what the names below `.range`,
 * `.fields`, `.changes` and `.splits` stand for.
 *
 *   .range/20231114220000-20231115000000      local time, from (inclusive) to (exclusive)
 *   .range/20231114220000Z-20231115000000Z    the same in UTC
 *   .fields/usage,state:string                only these fields; `state` only where it is a string
 *   .changes/20231114220000Z-20231114230000Z  rows that were put then, by the service's clock
 *   .splits/0-of-4                            timelines; see fs/view/share.h
 *
 * A row that has none of the fields is not selected. Pure but for the time zone of the process.
 * Units: microseconds since 1970-01-01 UTC; `begin_us` inclusive, `end_us` exclusive.
 */
#ifndef OTS_VIEW_SELECTION_H
#define OTS_VIEW_SELECTION_H

#include "backend/base/buf.h"
#include "backend/model/call.h"
#include "fs/view/share.h"

struct ots_selection {
    int64_t begin_us;
    int64_t end_us;
    const struct ots_field_wanted *fields; /* sorted by name; borrowed or in an arena */
    size_t field_count;                    /* 0: all fields */
    /* Only with is_window: what was put from then (inclusive) to then (exclusive). */
    bool is_window;
    int64_t put_begin_us;
    int64_t put_end_us;
    struct ots_share share;
};

/* Without restriction. */
#define OTS_SELECTION_ALL ((struct ots_selection){.end_us = INT64_MAX})

/*
 * Errors: OTS_NOT_FOUND: malformed, a date or a local time that does not exist, or a range in which
 * no row can be, because it is reversed, empty or ends before 1970. Of a local time that comes
 * twice the earlier is meant.
 */
enum ots_status ots_selection_parse_range(struct ots_slice name,
                                          struct ots_selection *selection) OTS_MUST_CHECK;

/*
 * The same for `.changes`; times before 1970 are times too. Errors: OTS_NOT_FOUND (malformed, or a
 * time that does not exist), OTS_INVALID (reversed or empty).
 */
enum ots_status ots_selection_parse_changes(struct ots_slice name,
                                            struct ots_selection *selection) OTS_MUST_CHECK;

/* The name of the window of `size_us` that begins then, in UTC; whole seconds, 1970 to 9999. */
enum { OTS_WINDOW_NAME_BYTES = 31 };
void ots_window_name_append(int64_t begin_us, int64_t size_us, struct ots_buf *name);

/*
 * `fields` will be in `arena`, their names in `name`. Errors: OTS_NOMEM, OTS_NOT_FOUND: no field, a
 * name twice, no field's name, no type, or more fields than a row has.
 */
enum ots_status ots_selection_parse_fields(struct ots_slice name, struct ots_arena *arena,
                                           struct ots_selection *selection) OTS_MUST_CHECK;

/* Errors: OTS_NOT_FOUND. */
enum ots_status ots_selection_parse_splits(struct ots_slice name,
                                           struct ots_selection *selection) OTS_MUST_CHECK;

/* Whether it is a share of the timelines with all that they hold. */
bool ots_selection_is_share(const struct ots_selection *selection);

/*
 * What both select; the names of its fields are those of `b`, or of `a` when `b` wants all.
 * Errors: OTS_NOMEM, OTS_INVALID (two windows that have no moment in common), OTS_NOT_FOUND
 * (nothing else can be selected by both).
 */
enum ots_status ots_selection_intersect(const struct ots_selection *a,
                                        const struct ots_selection *b, struct ots_arena *arena,
                                        struct ots_selection *both) OTS_MUST_CHECK;

/* Whether the field is among the selected ones; all are when none is named. */
bool ots_selection_has_field(const struct ots_selection *selection, const struct ots_field *field);

/*
 * Ask for what is selected; a request for all is left as it is. `selection` is borrowed, and no
 * window: a scan does not tell when a row was put. Of a share it asks for all timelines.
 */
void ots_selection_apply(const struct ots_selection *selection, struct ots_scan_request *scan);

#endif
