/*
 * A series key's tags and data source as one list of named pairs, in the order of their written
 * names. Lines and file names share it.
 */
#ifndef OTS_LP_PAIRS_H
#define OTS_LP_PAIRS_H

#include "backend/model/series.h"

struct ots_lp_pair {
    struct ots_slice name;  /* as written */
    struct ots_slice value; /* as stored */
};

/* Sets the form in which a tag's name is written, in `arena` or borrowed. Errors: OTS_NOMEM. */
typedef enum ots_status ots_lp_pair_writer(struct ots_slice name, struct ots_arena *arena,
                                           struct ots_slice *written);

/*
 * Ownership: `*pairs` in `arena`, values borrowed from `key`. An empty data source is no pair.
 * Errors: OTS_NOMEM.
 */
enum ots_status ots_lp_pairs_make(const struct ots_series_key *key, ots_lp_pair_writer *write_name,
                                  struct ots_arena *arena, const struct ots_lp_pair **pairs,
                                  size_t *count) OTS_MUST_CHECK;

#endif
