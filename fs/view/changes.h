/*
 * What was put into a table since a moment, as its stream tells it.
 */
#ifndef OTS_VIEW_CHANGES_H
#define OTS_VIEW_CHANGES_H

#include "backend/store.h"

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
