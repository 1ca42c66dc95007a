/*
 * Read-ahead across files: who opens the files of a directory one after another finds the next ones
 * fetched (docs/SEMANTICS.md, section 5).
 *
 * What is fetched here is of use only to who opens the timeline, and only if it is what the
 * timeline is known to hold at that moment; else it is thrown away. So nothing here has to learn of
 * changes.
 *
 * Threads: safe. The view's lock may be held when the lock in here is taken, not the other way
 * round.
 */
#ifndef OTS_VIEW_READ_AHEAD_H
#define OTS_VIEW_READ_AHEAD_H

#include "fs/view/page_rows.h"
#include "fs/view/state.h"
#include "fs/view/whole_text.h"

struct ots_read_ahead;

/* NULL without memory. */
struct ots_read_ahead *ots_read_ahead_new(struct ots_view *view);

/* End what is under way and free; no file is open. Accepts NULL. */
void ots_read_ahead_free(struct ots_read_ahead *ahead);

/*
 * A timeline is opened for reading, by the name of `shown`; in a portion (fs/view/portion.h) its
 * known node `timeline` is another one. What comes next in the directory is asked for when this is
 * a step of a walk. If the timeline itself was asked for before, its text is waited for; else, or
 * when that failed, `text` stays empty. Of what came as one page `rows` gets the rows. With the
 * interrupt raised this is quick: only a text that is at hand is taken. Errors: OTS_CANCELLED.
 */
enum ots_status ots_read_ahead_open(struct ots_read_ahead *ahead, const struct ots_node *shown,
                                    struct ots_node *timeline, struct ots_interrupt *interrupt,
                                    struct ots_whole_text *text, struct ots_page_rows *rows,
                                    struct ots_error *err) OTS_MUST_CHECK;

#endif
