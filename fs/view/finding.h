/*
 * Looking through an extract, and what was found becoming what is known.
 *
 * Whatever is found is noted beside what is known, and the timelines' nodes say where (and in which
 * look, by its number). Only at the end of a look that was complete does it become what is known: a
 * look that fails changes nothing.
 *
 * Writes of this mount go on meanwhile. A timeline whose last write came after the look's start
 * stays marked as not measured; one that was measured after a later write is left alone.
 */
#ifndef OTS_VIEW_FINDING_H
#define OTS_VIEW_FINDING_H

#include "fs/view/found.h"
#include "fs/view/state.h"

struct ots_finding {
    struct ots_extract *extract;
    uint32_t id;
    uint64_t write_number; /* the table's last write when it began */
    int64_t cut_us;
    struct ots_selection selection; /* of the extract, without what is about to expire */
    bool has_extents;               /* it finds out what timelines hold, not only that they are */
    bool is_scan;                   /* it counts among the table's scans */
    int64_t recent_from_us;         /* rows from then on may be shown by the stream later */
    uint64_t text_feed;             /* who opens the timelines gets their texts; 0: read anew */
    uint64_t row_count;
    struct ots_found_list found; /* with `has_extents`, in no order */
    struct ots_buf recent;       /* struct ots_recent_row */
};

struct ots_recent_row {
    struct ots_node *timeline;
    struct ots_row_sum line;
};

/* Rows of a time before this are about to expire, or have. 0: none does. */
int64_t ots_expiry_cut_us(struct ots_store *store, int32_t time_to_live_s);

/*
 * Begin; rows on their way are waited for. Errors: as ots_pipeline_settle. Deinit is needed all the
 * same.
 */
enum ots_status ots_finding_begin(struct ots_finding *finding, struct ots_extract *extract,
                                  struct ots_interrupt *interrupt,
                                  struct ots_error *err) OTS_MUST_CHECK;
void ots_finding_deinit(struct ots_finding *finding);

/* A timeline was found. The names are those of its key. The view's lock is held. Errors: OTS_NOMEM.
 */
enum ots_status ots_finding_note_locked(struct ots_finding *finding,
                                        const struct ots_series_key *key,
                                        struct ots_slice measurement_name,
                                        struct ots_slice timeline_name,
                                        struct ots_node **timeline) OTS_MUST_CHECK;

/* Lines of a timeline that was found; with `has_extents`. The view's lock is held. Errors:
 * OTS_NOMEM. */
enum ots_status ots_finding_add_locked(struct ots_finding *finding, struct ots_node *timeline,
                                       const struct ots_row_sum *lines,
                                       size_t count) OTS_MUST_CHECK;

/* What was found of a timeline so far, borrowed; with `has_extents`. The view's lock is held. */
struct ots_found ots_finding_of(const struct ots_finding *finding, const struct ots_node *timeline);

/* Find all that is selected by a scan. Errors: those of the store. */
enum ots_status ots_finding_scan(struct ots_finding *finding, struct ots_interrupt *interrupt,
                                 struct ots_error *err) OTS_MUST_CHECK;

/*
 * A measurement of the timeline that began before the cut came to `cut_us` is over: it is one that
 * has to be measured again, if it has counted rows before that. The view's lock is held.
 */
void ots_timeline_note_cut_locked(struct ots_table *table, struct ots_node *timeline,
                                  int64_t cut_us);

/* All was found. Errors: OTS_NOMEM. */
enum ots_status ots_finding_commit(struct ots_finding *finding) OTS_MUST_CHECK;

/* Look for timelines in the table's metadata: with -o browse, instead of a scan. */
enum ots_status ots_extract_browse(struct ots_extract *extract, struct ots_interrupt *interrupt,
                                   struct ots_error *err) OTS_MUST_CHECK;

#endif
