/*
 * Which timelines of a table a name below `.splits` stands for.
 *
 *   .splits/0-of-4    those whose hash modulo 4 is 0
 *
 * The hash is XXH3 (64 bits) of the measurement's and the timeline's file names with a slash
 * between them, so that a timeline is in the same share on every machine and in every version.
 * Pure.
 */
#ifndef OTS_VIEW_SHARE_H
#define OTS_VIEW_SHARE_H

#include "backend/base/slice.h"
#include "backend/base/status.h"

/* The most that a name divides a table into. */
enum { OTS_SHARES_MAX = 1000000 };

/* Timelines whose hash modulo `count` is `index`; all of them when `count` is 0. */
struct ots_share {
    uint64_t index;
    uint64_t count;
};

/* Errors: OTS_NOT_FOUND: not two numbers in their shortest spelling, or none of that many. */
enum ots_status ots_share_parse(struct ots_slice name, struct ots_share *share) OTS_MUST_CHECK;

/*
 * The timelines that are in both, which is a share too. One of them must be as a name tells it.
 * Errors: OTS_NOT_FOUND: no timeline can be in both, or one hash at most.
 */
enum ots_status ots_share_intersect(const struct ots_share *a, const struct ots_share *b,
                                    struct ots_share *both) OTS_MUST_CHECK;

/* The hash of a timeline, by its names in the tree. */
uint64_t ots_share_hash(struct ots_slice measurement_name, struct ots_slice timeline_name);

bool ots_share_has(const struct ots_share *share, struct ots_slice measurement_name,
                   struct ots_slice timeline_name);

#endif
