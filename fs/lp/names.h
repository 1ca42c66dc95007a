/*
 * Timelines and measurements as file names: escaped reversibly, over 240 bytes cut and hashed.
 *
 *   measurement directory   `cpu`, `%25usage`, `_%` when the measurement is empty
 *   timeline file           `_data_source=web-1,az=b,region=hz.lp`, `_.lp` without tags and source
 *
 * `%HH` (capital hex) stands for 00-1F, 7F, `% / , = " \`, space, a leading '.', and for bytes
 * 80-FF of a string that is not UTF-8. A user's own tag `_data_source` is `%5Fdata_source`.
 * A name over OTS_NAME_BYTES_MAX is its longest whole-character prefix (never ending inside a
 * %HH) that leaves room, then `%~`, 32 small hex digits (the first 128 bits of SHA-256 of the full
 * escaped name without `.lp`) and `.lp`; a measurement's name likewise without `.lp`. Such a name
 * cannot be decoded.
 */
#ifndef OTS_LP_NAMES_H
#define OTS_LP_NAMES_H

#include "backend/model/series.h"

enum { OTS_NAME_BYTES_MAX = 240 };

/* Append the timeline's file name, `.lp` included. Errors: OTS_NOMEM. */
enum ots_status ots_timeline_name_append(const struct ots_series_key *key,
                                         struct ots_buf *name) OTS_MUST_CHECK;

/* Append the measurement's directory name. */
enum ots_status ots_measurement_name_append(struct ots_slice measurement,
                                            struct ots_buf *name) OTS_MUST_CHECK;

/* The names of a key; borrowed from `text`. Zeroed: none. */
struct ots_key_names {
    struct ots_buf text;
    struct ots_slice measurement;
    struct ots_slice timeline;
};

/* Have them be those of `key`. Errors: OTS_NOMEM. */
enum ots_status ots_key_names_set(struct ots_key_names *names,
                                  const struct ots_series_key *key) OTS_MUST_CHECK;
void ots_key_names_deinit(struct ots_key_names *names);

/* Whether the name ends in a hash, so that it stands for a key that it does not tell. */
bool ots_timeline_name_is_hashed(struct ots_slice name);
bool ots_measurement_name_is_hashed(struct ots_slice name);

/*
 * Decode a timeline's file name into data source and tags (sorted); `key->measurement` is left
 * alone. Only the canonical spelling is accepted.
 * Ownership: in `arena`. Errors: OTS_INVALID (not such a name, or hashed), OTS_NOMEM.
 */
enum ots_status ots_timeline_name_decode(struct ots_slice name, struct ots_arena *arena,
                                         struct ots_series_key *key,
                                         struct ots_error *err) OTS_MUST_CHECK;

/* The same for a measurement's directory name. */
enum ots_status ots_measurement_name_decode(struct ots_slice name, struct ots_arena *arena,
                                            struct ots_slice *measurement,
                                            struct ots_error *err) OTS_MUST_CHECK;

#endif
