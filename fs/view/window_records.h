/*
 * The records of a window of changes, out of a table's stream into the order of a walk through the
 * tree: by measurement, timeline and time.
 *
 * The last record of each row in the window counts. What that leaves of the row is its item; one
 * without text (the row was deleted, or has none of the selected fields) is not shown.
 */
#ifndef OTS_VIEW_WINDOW_RECORDS_H
#define OTS_VIEW_WINDOW_RECORDS_H

#include "fs/lp/print.h"
#include "fs/state/window_sorter.h"
#include "fs/view/selection.h"
#include "fs/view/view.h"

struct ots_window_source {
    struct ots_view *view; /* in which who waits is woken */
    struct ots_store *store;
    struct ots_slice table;
    const struct ots_selection *selection; /* with a window */
    int64_t cut_us;                        /* rows of an earlier time have expired; 0: none */
    enum ots_precision precision;
};

/*
 * Read the stream, from where the window begins, until nothing more of it can be there, and give
 * the sorter what is found. Errors: OTS_TRIMMED (records were removed meanwhile), OTS_DENIED (the
 * stream cannot be read), OTS_CANCELLED, those of the store and the sorter.
 */
enum ots_status ots_window_records_read(const struct ots_window_source *source,
                                        struct ots_window_sorter *sorter,
                                        struct ots_interrupt *interrupt,
                                        struct ots_error *err) OTS_MUST_CHECK;

/* What the sorter gives back, borrowed from it. */
struct ots_window_item {
    struct ots_slice measurement_name; /* as in the tree */
    struct ots_slice timeline_name;
    int64_t time_us;
    int64_t put_us;
    bool is_blank;         /* the time does not fit the precision; `text` only has the right size */
    struct ots_slice text; /* the row's line */
};

void ots_window_item_read(struct ots_slice key, struct ots_slice value,
                          struct ots_window_item *item);

#endif
