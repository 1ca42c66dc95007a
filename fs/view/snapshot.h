/*
 * A timeline's text as it was when the file was opened, fetched page by page as it is read.
 *
 * Threads: one at a time.
 */
#ifndef OTS_VIEW_SNAPSHOT_H
#define OTS_VIEW_SNAPSHOT_H

#include "fs/lp/print.h"
#include "fs/view/node.h"
#include "fs/view/pages.h"
#include "fs/view/spool.h"

struct ots_snapshot {
    struct ots_arena arena;
    struct ots_series_key key;
    struct ots_page_reader pages;
    struct ots_lp_printer printer;
    struct ots_spool spool;
    struct ots_extent extent; /* of what was fetched */
    bool is_complete;
    /* A page was fetched and could not be kept: all that lies behind it is out of reach. */
    struct ots_error failure;
};

/* `key` is copied, `table` must outlive the snapshot. Errors: OTS_NOMEM. */
enum ots_status ots_snapshot_init(struct ots_snapshot *snapshot, struct ots_store *store,
                                  struct ots_slice table,
                                  const struct ots_series_key *key) OTS_MUST_CHECK;
void ots_snapshot_deinit(struct ots_snapshot *snapshot);

/* Fetch pages until more than `offset` bytes, or all, are there. */
enum ots_status ots_snapshot_fetch(struct ots_snapshot *snapshot, uint64_t offset,
                                   struct ots_interrupt *interrupt,
                                   struct ots_error *err) OTS_MUST_CHECK;

#endif
