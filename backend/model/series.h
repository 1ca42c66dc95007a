/*
 * A timeline's identity: measurement, data source and a set of tags; and its tags' text form.
 *
 * Source: java model/timeseries/TimeseriesKey, core/protocol/timeseries/TimeseriesProtocolBuilder.
 */
#ifndef OTS_MODEL_SERIES_H
#define OTS_MODEL_SERIES_H

#include "backend/base/arena.h"
#include "backend/base/buf.h"
#include "backend/model/limits.h"

struct ots_tag {
    struct ots_slice name;
    struct ots_slice value;
};

/* `tags` are in ascending byte order of their names, each name once. Borrows everything. */
struct ots_series_key {
    struct ots_slice measurement;
    struct ots_slice data_source;
    const struct ots_tag *tags;
    size_t tag_count;
};

bool ots_series_key_equal(const struct ots_series_key *a, const struct ots_series_key *b);
bool ots_series_tags_equal(const struct ots_series_key *a, const struct ots_series_key *b);

/* A total order: by measurement, then data source, then tags pair by pair, all bytewise. */
int ots_series_key_compare(const struct ots_series_key *a, const struct ots_series_key *b);

/* The same for equal keys in every process and on every machine. */
uint64_t ots_series_key_hash(const struct ots_series_key *key);

/* Deep copy into `arena`. Errors: OTS_NOMEM. */
enum ots_status ots_series_key_copy(struct ots_arena *arena, const struct ots_series_key *key,
                                    struct ots_series_key *copy) OTS_MUST_CHECK;

/* Sort in place. Errors: OTS_INVALID when a name occurs twice. */
enum ots_status ots_tags_sort(struct ots_tag *tags, size_t count,
                              struct ots_error *err) OTS_MUST_CHECK;

/*
 * Check against the service's rules: measurement 1 to 128 bytes of UTF-8 without '#', white space
 * and unprintable characters; data source at most 256 bytes of UTF-8; tag names not empty, bytes
 * '!' to '~' but '"' and '='; tag values UTF-8 without '"' and '='; tags' text at most 512 bytes.
 * `may_lack_measurement` allows an empty measurement (tables with own identifiers).
 * Errors: OTS_INVALID or OTS_LIMIT, the message names the part.
 */
enum ots_status ots_series_key_check(const struct ots_series_key *key, bool may_lack_measurement,
                                     struct ots_error *err) OTS_MUST_CHECK;

/*
 * Check a timeline's attributes: names and values as those of tags, their text at most
 * OTS_ATTRIBUTES_TEXT_BYTES_MAX bytes. Errors: OTS_INVALID or OTS_LIMIT.
 */
enum ots_status ots_attributes_check(const struct ots_tag *attributes, size_t count,
                                     struct ots_error *err) OTS_MUST_CHECK;

/* Append the text form, `["a=1","b=2"]`, `[]` without tags. Nothing is escaped. */
void ots_tags_text_append(struct ots_buf *buf, const struct ots_tag *tags, size_t count);

/* The length of that text in bytes. */
size_t ots_tags_text_size(const struct ots_tag *tags, size_t count);

/*
 * Parse the text form; the empty text is no tags. The name ends at the first '=', the value at the
 * next '"'. The tags come sorted; their bytes are borrowed from `text`, the array is in `arena`.
 * Errors: OTS_INVALID (form, a name twice), OTS_NOMEM.
 */
enum ots_status ots_tags_text_parse(struct ots_slice text, struct ots_arena *arena,
                                    const struct ots_tag **tags, size_t *count,
                                    struct ots_error *err) OTS_MUST_CHECK;

#endif
