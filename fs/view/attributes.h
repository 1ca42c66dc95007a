/*
 * The attributes of a table's timelines: what is known of them, and changes on their way.
 *
 * Tools that look at attributes do so file by file, so a question about one timeline asks for all
 * of its measurement. A change is accepted at once and sent soon, together with others and after
 * the rows that came before it. Until the service shows it, or for two minutes, it counts as the
 * truth, because metadata is found only some time after it was written.
 *
 * `timeline` is always a timeline's node, that of the table or one in a view.
 * Errors of all that ask the service, besides the store's: OTS_CANCELLED, OTS_NOMEM.
 * Threads: safe. The view's lock is not held.
 */
#ifndef OTS_VIEW_ATTRIBUTES_H
#define OTS_VIEW_ATTRIBUTES_H

#include "fs/view/attribute_set.h"
#include "fs/view/state.h"

/* Changes that wait to be sent; with more, who makes another one waits. */
enum { OTS_ATTRIBUTE_CHANGES_MAX = 10000 };

enum ots_status ots_attributes_new(struct ots_table *table,
                                   struct ots_attributes **out) OTS_MUST_CHECK;
/* What was not sent is forgotten. Accepts NULL. */
void ots_attributes_free(struct ots_attributes *attributes);

/* Copy the timeline's attributes into `set`, which may hold others. */
enum ots_status ots_attributes_get(struct ots_attributes *attributes,
                                   const struct ots_node *timeline, struct ots_interrupt *interrupt,
                                   struct ots_attribute_set *set,
                                   struct ots_error *err) OTS_MUST_CHECK;

/*
 * Give an attribute a value, or with NULL remove it. Errors: OTS_INVALID, OTS_LIMIT (the service
 * would refuse it), OTS_EXISTS (to be created), OTS_NO_ATTRIBUTE (to be replaced or removed).
 */
enum ots_status ots_attributes_change(struct ots_attributes *attributes, struct ots_node *timeline,
                                      struct ots_slice name, const struct ots_slice *value,
                                      enum ots_attribute_mode mode, struct ots_interrupt *interrupt,
                                      struct ots_error *err) OTS_MUST_CHECK;

/* Give the timeline these attributes, which the service takes, and no others. */
enum ots_status ots_attributes_replace(struct ots_attributes *attributes, struct ots_node *timeline,
                                       const struct ots_attribute_set *set,
                                       struct ots_interrupt *interrupt,
                                       struct ots_error *err) OTS_MUST_CHECK;

/*
 * Wait until every change that was accepted before was acknowledged or refused, but for those of
 * timelines that have no rows yet. A refusal counts as one of the timeline's rows.
 * Errors: OTS_CANCELLED, OTS_IO (they could not be sent and are tried again later).
 */
enum ots_status ots_attributes_wait(struct ots_attributes *attributes,
                                    struct ots_interrupt *interrupt,
                                    struct ots_error *err) OTS_MUST_CHECK;

/* This mount deleted the timeline's metadata record, after it waited for changes. */
void ots_attributes_note_deletion(struct ots_attributes *attributes, struct ots_node *timeline);

/* This mount deleted the table. */
void ots_attributes_note_end(struct ots_attributes *attributes);

#endif
