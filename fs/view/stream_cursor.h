/*
 * Reading the stream of a table on: what was put into it, shard by shard, from where reading ended
 * before.
 *
 * A shard is read after its parents were read to their ends; shards that are not known as anybody's
 * children at once. When one ends, the stream is described again and its children are picked up.
 * So the changes of one timeline come in their order. Positions can be saved between polls and gone
 * on from by another process: a record comes again only if it was not passed.
 *
 * Statuses that a caller decides about, of each function below that asks the service:
 *   OTS_TRIMMED      a gap: records behind the positions were removed, or the table was made anew,
 *                    or is gone. The cursor is of no use any more: begin anew, without positions.
 *   OTS_UNSUPPORTED  the stream cannot be read: there is none, it is not permitted, the service
 *                    does not know streams. Asking again is no use before something is changed.
 *   others           (OTS_NETWORK, OTS_THROTTLED, OTS_CANCELLED, ...) may pass: poll again. Nothing
 *                    was lost or passed twice.
 * Threads: one at a time. Memory: the shards that the service lists, and a page.
 * Units: microseconds of the service's clock.
 */
#ifndef OTS_VIEW_STREAM_CURSOR_H
#define OTS_VIEW_STREAM_CURSOR_H

#include "backend/store.h"

struct ots_stream_cursor;

/*
 * Append the id of the table's stream, and tell when that was made. Errors: OTS_NOT_FOUND (it has
 * none, or none that we may see), OTS_NOMEM, those of the call.
 */
enum ots_status ots_stream_find(struct ots_store *store, struct ots_slice table,
                                struct ots_interrupt *interrupt, struct ots_buf *id,
                                int64_t *created_us, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Append the table's identity, which a table that is made anew does not have again, to `identity`:
 * its stream's id and creation time. Nothing when it has no stream, or none that we may see.
 * Errors: those that may pass.
 */
enum ots_status ots_stream_identify(struct ots_store *store, struct ots_slice table,
                                    struct ots_interrupt *interrupt, struct ots_buf *identity,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* Where reading of a shard goes on. Parents are empty for none. */
struct ots_shard_position {
    struct ots_slice id;
    struct ots_slice parent;
    struct ots_slice sibling;
    struct ots_slice iterator; /* the page that was not passed yet; empty for an ended shard */
    bool is_ended;
};

/* All that has to be kept to go on. */
struct ots_stream_positions {
    struct ots_slice identity;
    /* All shards that there were then are among the positions, or were passed and are gone. */
    int64_t described_us;
    const struct ots_shard_position *shards;
    size_t count;
};

struct ots_stream_cursor_options {
    struct ots_store *store;
    struct ots_slice table;
    /* Go on from here; borrowed for ots_stream_cursor_open. NULL: begin. */
    const struct ots_stream_positions *positions;
    /* Without positions: begin at or shortly before the first record from then on. 0: at the oldest
     * record that is kept. */
    int64_t from_us;
    /* Describe the stream at least every so many polls, for shards that appear without a known
     * parent's end. 0: 64. */
    unsigned describe_polls;
    int32_t page_records; /* asked for in one page. 0: the service's default */
    /*
     * Called by ots_stream_cursor_poll for each record, those of a shard in their order; borrowed
     * for the call. Sets `*is_shard_done` when neither later records of the shard nor its
     * descendants, whose records are all later, are wanted: they are not read (and the cursor's
     * positions are of no use to others then). An error ends the poll and is its result; all
     * records of that page come again.
     */
    enum ots_status (*record)(void *context, const struct ots_stream_record *record,
                              bool *is_shard_done);
    /* Called instead, if it is not NULL, with all records of a page; all of them are wanted. */
    enum ots_status (*page)(void *context, const struct ots_stream_record *records, size_t count);
    void *context;
};

/*
 * Find the stream and where to begin, or to go on; no record is read. `store` is borrowed.
 * Errors: as above; OTS_TRIMMED only with positions: of another table's life, of a shard that is
 * gone and was not read to its end, or so old that shards may have come and gone.
 */
enum ots_status ots_stream_cursor_open(const struct ots_stream_cursor_options *options,
                                       struct ots_interrupt *interrupt,
                                       struct ots_stream_cursor **out,
                                       struct ots_error *err) OTS_MUST_CHECK;

/* Accepts NULL. */
void ots_stream_cursor_free(struct ots_stream_cursor *cursor);

struct ots_stream_poll {
    size_t record_count; /* passed by this poll; also counted when it fails */
    /* Every shard was read to where it ends now, by calls that began after the poll began. */
    bool is_at_end;
};

/*
 * Read on: pages of each shard in turn, until each was empty once or `records_max` (0: no bound)
 * are passed, by whole pages. An idle stream costs a call for each open shard.
 * Errors: as above, and those of `record`. What was passed before stays passed.
 */
enum ots_status ots_stream_cursor_poll(struct ots_stream_cursor *cursor, size_t records_max,
                                       struct ots_interrupt *interrupt,
                                       struct ots_stream_poll *result,
                                       struct ots_error *err) OTS_MUST_CHECK;

/*
 * Where reading stands; not to be asked within `record`. `visit` is called for each shard, parents
 * before children as far as the service lists them so; what it returns but OTS_OK ends the visit
 * and is returned. `visit` may be NULL.
 * `positions` is filled but for its shards; it borrows from the cursor.
 */
enum ots_status ots_stream_cursor_save(const struct ots_stream_cursor *cursor,
                                       struct ots_stream_positions *positions,
                                       enum ots_status (*visit)(void *context,
                                                                const struct ots_shard_position *),
                                       void *context) OTS_MUST_CHECK;

/* As ots_stream_identify told it; borrowed from the cursor. */
struct ots_slice ots_stream_cursor_identity(const struct ots_stream_cursor *cursor);

/* Of records from then on none can have been removed, and each was kept. It moves on with time. */
int64_t ots_stream_cursor_kept_from_us(const struct ots_stream_cursor *cursor);

#endif
