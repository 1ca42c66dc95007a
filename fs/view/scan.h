/*
 * A parallel scan of a table or a measurement: the service is asked for splits, which are read on
 * the threads of a pool, each page after page.
 */
#ifndef OTS_VIEW_SCAN_H
#define OTS_VIEW_SCAN_H

#include "backend/base/pool.h"
#include "backend/store.h"
#include "fs/view/selection.h"

/* What to read, and who takes it; all of it is borrowed. */
struct ots_scan_plan {
    struct ots_store *store;
    struct ots_pool *pool;
    unsigned split_count; /* asked for */
    struct ots_slice table;
    const struct ots_slice *measurement; /* NULL: all */
    const struct ots_selection *selection;
    /*
     * Each split has `lane_bytes` of its own, cleared first; its pages come one after another.
     * `wait` (or NULL) may keep it waiting before each page. Both run on the pool's threads; what
     * they return ends the scan unless it is OTS_OK.
     */
    size_t lane_bytes;
    enum ots_status (*wait)(void *context);
    enum ots_status (*take_page)(void *context, void *lane, const struct ots_rows *rows,
                                 struct ots_error *err);
    void (*end_lane)(void *context, void *lane);
    void *context;
};

/*
 * Read all of it. Nothing is asked for when the selection is empty. Errors: OTS_CANCELLED, those of
 * the store and of the plan's functions.
 */
enum ots_status ots_scan_run(const struct ots_scan_plan *plan, struct ots_interrupt *interrupt,
                             struct ots_error *err) OTS_MUST_CHECK;

#endif
