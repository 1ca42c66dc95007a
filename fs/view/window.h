/*
 * What was read of a window of changes: the text of all its timelines, one behind the other, in a
 * temporary file that has no name. It never changes, and lives as long as the view or an open file
 * of it.
 */
#ifndef OTS_VIEW_WINDOW_H
#define OTS_VIEW_WINDOW_H

#include <stdatomic.h>

#include "fs/view/spool.h"
#include "fs/view/state.h"

/* Where a timeline's text begins. */
struct ots_window_place {
    uint64_t ino;
    uint64_t offset;
};

struct ots_window {
    atomic_size_t ref_count;
    int64_t created_us; /* of the stream that was read */
    struct ots_spool text;
    bool has_blanks;                 /* lines of NULs, for rows that the precision cannot show */
    struct ots_window_place *places; /* by inode number */
    size_t count;
};

/*
 * Read a view of changes, and list what was found. Only ots_extract_refresh calls this. A failure
 * leaves nothing behind. Errors: OTS_TRIMMED, OTS_DENIED, OTS_NO_SPACE, those of the store.
 */
enum ots_status ots_extract_read_window(struct ots_extract *extract,
                                        struct ots_interrupt *interrupt,
                                        struct ots_error *err) OTS_MUST_CHECK;

/*
 * Whether the view's name may be looked up: the window is complete and kept, or was read already.
 * What was read of a table that was made anew since is forgotten. `extract` is NULL when there is
 * no such view yet. Errors: OTS_TRIMMED, OTS_INCOMPLETE, OTS_DENIED, those of the store.
 */
enum ots_status ots_window_check(struct ots_table *table, const struct ots_selection *selection,
                                 struct ots_extract *extract, struct ots_interrupt *interrupt,
                                 struct ots_error *err) OTS_MUST_CHECK;

/* A reference less, the last frees it. Accepts NULL. */
void ots_window_unref(struct ots_window *window);

/* Where the text of the timeline with that inode number begins; NULL when it has none. */
const struct ots_window_place *ots_window_find(const struct ots_window *window, uint64_t ino);

/* Open a timeline of such a view for reading. */
enum ots_status ots_window_file_open(struct ots_view *view, struct ots_node *timeline,
                                     struct ots_file **out, struct ots_error *err) OTS_MUST_CHECK;

#endif
