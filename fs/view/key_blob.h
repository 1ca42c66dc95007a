/*
 * A series key as bytes, for timelines whose names do not tell it.
 *
 * Numbers are 32 bits, little endian: each text has its length before it; behind measurement and
 * data source comes the number of tags, then their names and values.
 */
#ifndef OTS_VIEW_KEY_BLOB_H
#define OTS_VIEW_KEY_BLOB_H

#include "backend/model/series.h"

/* What goes wrong is the buffer's status. */
void ots_key_blob_append(const struct ots_series_key *key, struct ots_buf *blob);

/* `key` borrows from `blob`; its tags are in `arena`. Errors: OTS_CORRUPT, OTS_NOMEM. */
enum ots_status ots_key_blob_read(struct ots_slice blob, struct ots_arena *arena,
                                  struct ots_series_key *key) OTS_MUST_CHECK;

#endif
