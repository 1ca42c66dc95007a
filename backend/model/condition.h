/*
 * A condition on timelines' metadata, as QueryTimeseriesMeta takes it: a tree of comparisons.
 */
#ifndef OTS_MODEL_CONDITION_H
#define OTS_MODEL_CONDITION_H

#include "backend/model/series.h"

/* The numbers of both enums are those of the wire. */
enum ots_condition_kind {
    OTS_CONDITION_COMPOSITE = 1,
    OTS_CONDITION_MEASUREMENT = 2,
    OTS_CONDITION_DATA_SOURCE = 3,
    OTS_CONDITION_TAG = 4,
    OTS_CONDITION_UPDATE_TIME = 5,
    OTS_CONDITION_ATTRIBUTE = 6,
};

enum ots_logic { OTS_LOGIC_AND = 1, OTS_LOGIC_OR = 2, OTS_LOGIC_NOT = 3 };

enum ots_comparison {
    OTS_EQUAL = 1,
    OTS_GREATER_THAN = 2,
    OTS_GREATER_EQUAL = 3,
    OTS_LESS_THAN = 4,
    OTS_LESS_EQUAL = 5,
    OTS_PREFIX = 6,
};

struct ots_condition {
    enum ots_condition_kind kind;
    enum ots_logic logic;           /* OTS_CONDITION_COMPOSITE */
    enum ots_comparison comparison; /* all others */
    struct ots_slice name;          /* OTS_CONDITION_TAG, OTS_CONDITION_ATTRIBUTE */
    struct ots_slice value;         /* all but COMPOSITE and UPDATE_TIME */
    int64_t time_us;                /* OTS_CONDITION_UPDATE_TIME */
    const struct ots_condition *children;
    size_t child_count;
};

/* A timeline's metadata record. */
struct ots_timeline_meta {
    struct ots_series_key key;
    const struct ots_tag *attributes; /* sorted by name */
    size_t attribute_count;
    int64_t update_time_us;
};

/*
 * Whether `meta` satisfies `condition`; NULL is satisfied by everything. Strings compare bytewise.
 * A tag or attribute that a timeline lacks satisfies no comparison. NOT negates the AND of its
 * children.
 */
bool ots_condition_matches(const struct ots_condition *condition,
                           const struct ots_timeline_meta *meta);

/*
 * Check a decoded tree: depth at most OTS_CONDITION_DEPTH_MAX, known kinds and comparisons, NOT
 * with exactly one child, AND and OR with at least one, no OTS_PREFIX on the update time.
 * Errors: OTS_INVALID.
 */
enum ots_status ots_condition_check(const struct ots_condition *condition,
                                    struct ots_error *err) OTS_MUST_CHECK;

#endif
