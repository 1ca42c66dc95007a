/*
 * The bytes that table_state keeps for what is known. Sizes and numbers are little-endian.
 *
 * Decoders take any bytes: slices point into them, and false means that they are malformed.
 */
#ifndef OTS_STATE_KNOWN_CODEC_H
#define OTS_STATE_KNOWN_CODEC_H

#include "backend/base/buf.h"
#include "fs/state/table_state.h"

/* All but the names. */
void ots_known_encode_timeline(struct ots_buf *out, const struct ots_known_timeline *timeline);
bool ots_known_decode_timeline(struct ots_slice data, struct ots_known_timeline *timeline);

/* All but the id. */
void ots_known_encode_shard(struct ots_buf *out, const struct ots_known_shard *shard);
bool ots_known_decode_shard(struct ots_slice data, struct ots_known_shard *shard);

/*
 * Append `entry`, which comes after `before` (NULL: it is the first): names that are the same are
 * not repeated. The sizes of names are those that table_state.h allows.
 */
void ots_known_encode_entry(struct ots_buf *out, const struct ots_known_entry *entry,
                            const struct ots_known_entry *before);
/* Take an entry from the front of `*data`; `entry` holds the one before, zeroes at first. */
bool ots_known_decode_entry(struct ots_slice *data, struct ots_known_entry *entry);

#endif
