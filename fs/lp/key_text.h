/*
 * A series key as line protocol: measurement and tags, escaped.
 */
#ifndef OTS_LP_KEY_TEXT_H
#define OTS_LP_KEY_TEXT_H

#include "backend/model/series.h"

/*
 * Set `text` to the key's text. Room behind the text may be read. `arena` holds what the way there
 * needs. Errors: OTS_NOMEM.
 */
enum ots_status ots_lp_key_print(const struct ots_series_key *key, struct ots_arena *arena,
                                 struct ots_buf *text) OTS_MUST_CHECK;

#endif
