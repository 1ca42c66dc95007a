/*
 * The timelines of all tables: each has a number, which keeps row keys short, and may have a
 * metadata record.
 *
 * Both are one record in the engine, at the timeline's series key in order: version 1, number:8,
 * 1 when there is metadata, update time:8 (microseconds), then the attributes' text. Big-endian.
 * A timeline keeps its number for as long as its table lives, with metadata or without.
 *
 * A put does not write the record each time: the update time is renewed when it is older than
 * OTS_META_UPDATE_INTERVAL_US. A record whose update time is past the table's metadata TTL counts
 * as if it were not there: whoever renews it begins without attributes. Threads: safe.
 */
#ifndef OTS_SERVER_DICTIONARY_H
#define OTS_SERVER_DICTIONARY_H

#include "backend/base/clock.h"
#include "backend/model/condition.h"
#include "backend/server/catalog.h"
#include "backend/server/engine.h"
#include "backend/server/layout.h"

#define OTS_META_UPDATE_INTERVAL_US (INT64_C(600) * 1000 * 1000)

struct ots_dictionary;

/* Engine and clock are borrowed. `cache_bytes`: for known timelines; 0: 32 MiB. */
struct ots_dictionary *ots_dictionary_new(struct ots_engine *engine, const struct ots_clock *clock,
                                          size_t cache_bytes);
/* Accepts NULL. */
void ots_dictionary_free(struct ots_dictionary *dictionary);

/* A timeline that a put names; `key` is made by ots_dictionary_key_append. */
struct ots_series_ref {
    struct ots_slice key;
    uint64_t timeline;
    bool is_resolved;
    /* When its metadata was made or renewed just now; 0: it was not. */
    int64_t meta_renewed_us;
};

/* Append the key of a timeline's record. */
void ots_dictionary_key_append(struct ots_buf *buf, uint32_t table,
                               const struct ots_series_key *key);

/*
 * Find the number of each timeline, giving new ones to those that have none; `updates_meta` makes
 * and renews metadata records as well. On return all of it is written.
 * Errors: OTS_IO, OTS_CORRUPT, OTS_NOMEM, OTS_LIMIT (no number is left).
 */
enum ots_status ots_dictionary_resolve(struct ots_dictionary *dictionary,
                                       const struct ots_table *table, struct ots_series_ref *refs,
                                       size_t count, bool updates_meta,
                                       struct ots_error *err) OTS_MUST_CHECK;

/* What becomes of one timeline's metadata; `key` is made by ots_dictionary_key_append. */
struct ots_series_change {
    struct ots_slice key;
    bool is_removal;
    bool has_attributes; /* false: those there are stay */
    struct ots_slice attributes;
};

/*
 * Change metadata, one timeline after the other, each written by itself. A timeline that is not
 * known yet gets a number, unless it is to be removed.
 * Errors: OTS_IO, OTS_CORRUPT, OTS_NOMEM, OTS_LIMIT (no number is left).
 */
enum ots_status ots_dictionary_change(struct ots_dictionary *dictionary,
                                      const struct ots_table *table,
                                      const struct ots_series_change *changes, size_t count,
                                      struct ots_error *err) OTS_MUST_CHECK;

/* The number of a timeline, if it has one. Errors: OTS_IO, OTS_CORRUPT, OTS_NOMEM. */
enum ots_status ots_dictionary_find(struct ots_dictionary *dictionary, uint32_t table,
                                    const struct ots_series_key *key, uint64_t *timeline,
                                    bool *is_found, struct ots_error *err) OTS_MUST_CHECK;

/* The number of a measurement, 0 when it has no timelines. Errors: OTS_IO, OTS_CORRUPT, OTS_NOMEM.
 */
enum ots_status ots_dictionary_measurement(struct ots_dictionary *dictionary, uint32_t table,
                                           struct ots_slice name, uint32_t *measurement,
                                           struct ots_error *err) OTS_MUST_CHECK;

/*
 * The last timeline from `first` to `last`, both included; 0 when there is none.
 * Errors: OTS_IO, OTS_CORRUPT, OTS_NOMEM.
 */
enum ots_status ots_dictionary_last(struct ots_dictionary *dictionary, uint32_t table,
                                    uint64_t first, uint64_t last, uint64_t *timeline,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* A record as it is stored. */
struct ots_series_record {
    uint64_t timeline;
    bool has_meta;
    int64_t update_time_us;
    struct ots_slice attributes;
};

/* Borrows from `value`. Errors: OTS_CORRUPT. */
enum ots_status ots_series_record_decode(struct ots_slice value, struct ots_series_record *record,
                                         struct ots_error *err) OTS_MUST_CHECK;

/*
 * The metadata in a record; everything is copied into `arena`. `series` is the record's key behind
 * the table. Errors: OTS_CORRUPT, OTS_NOMEM.
 */
enum ots_status ots_series_record_meta(const struct ots_series_record *record,
                                       struct ots_slice series, struct ots_arena *arena,
                                       struct ots_timeline_meta *meta,
                                       struct ots_error *err) OTS_MUST_CHECK;

#endif
