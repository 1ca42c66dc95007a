/*
 * What has changed of what is known of a table, and is not saved yet: its timelines, and the times
 * of its directories.
 *
 * Of a table that is not followed nothing is saved. Without memory a timeline is saved when it
 * changes again. Threads: all of this is called with the view's lock held.
 */
#ifndef OTS_VIEW_UNSAVED_H
#define OTS_VIEW_UNSAVED_H

#include "fs/view/state.h"

/*
 * Something that is known of the timeline has changed: it is taken up into `changed`, once until
 * ots_table_next_changed_locked takes it out. `is_content`: something was put into the table, so
 * views of it grow old.
 */
void ots_table_note_changed_locked(struct ots_table *table, struct ots_node *timeline,
                                   bool is_content);

/* Only what is saved of it beside that, its marks, has changed. */
void ots_table_note_unsaved_locked(struct ots_table *table, struct ots_node *timeline);

/* The time of a directory, the table's or a measurement's, is to be saved. */
void ots_table_note_directory_locked(struct ots_table *table, struct ots_node *dir);

/* Take out the one that was taken up first; NULL: none is left. So after a scan they come in the
 * order of their names, and pages of the table's file are filled one after the other. */
struct ots_node *ots_table_next_changed_locked(struct ots_table *table);

/* Take it up, also when the table is not followed yet. */
void ots_unsaved_take_up_locked(struct ots_table *table, struct ots_node *timeline);

/* None is to be saved. */
void ots_unsaved_drop_locked(struct ots_table *table);

/* For a table that ends. */
void ots_unsaved_deinit(struct ots_table *table);

#endif
