/*
 * What a table's stream tells: which table it is, and what was put into it since a moment.
 */
#ifndef OTS_VIEW_CHANGES_H
#define OTS_VIEW_CHANGES_H

#include "backend/store.h"

/*
 * Append the table's identity, which a table that is made anew does not have again, to `identity`;
 * nothing when it has no stream, or none that we may see.
 * Errors: those that another attempt may not have.
 */
enum ots_status ots_changes_identify(struct ots_store *store, struct ots_slice table,
                                     struct ots_interrupt *interrupt, struct ots_buf *identity,
                                     struct ots_error *err) OTS_MUST_CHECK;

struct ots_changes_request {
    struct ots_store *store;
    struct ots_slice table;
    int64_t from_us; /* the service's clock */
    /* Called for each record, in the order of its shard; some may be from before `from_us`. */
    void (*record)(void *context, const struct ots_stream_record *record);
    void *context;
};

/*
 * Read the table's changes from `from_us` up to now. `*readable_from_us` is the time from which on
 * nothing can be missing: INT64_MAX when the stream cannot be read at all.
 * Errors: those that another attempt may not have.
 */
enum ots_status ots_changes_read(const struct ots_changes_request *request,
                                 struct ots_interrupt *interrupt, int64_t *readable_from_us,
                                 struct ots_error *err) OTS_MUST_CHECK;

#endif
