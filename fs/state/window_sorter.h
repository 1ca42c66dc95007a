/*
 * Puts any number of items into the order of their keys, in bounded memory: what does not fit is
 * in unlinked temporary files in $TMPDIR or /var/tmp.
 *
 * Keys and values are bytes; keys are ordered bytewise. Of items with equal keys the last that was
 * added counts. Threads: one at a time.
 */
#ifndef OTS_STATE_WINDOW_SORTER_H
#define OTS_STATE_WINDOW_SORTER_H

#include "backend/base/interrupt.h"
#include "backend/base/slice.h"
#include "backend/base/status.h"

struct ots_window_sorter;

/* Memory that items may take before they go to files, about. */
enum { OTS_WINDOW_SORTER_BYTES_MAX = 8 * 1024 * 1024 };

/*
 * Errors of all: OTS_NOMEM, OTS_NO_SPACE (disk full), OTS_LIMIT (an item of 1 GB), OTS_IO.
 */
enum ots_status ots_window_sorter_new(struct ots_window_sorter **out,
                                      struct ots_error *err) OTS_MUST_CHECK;

/* Accepts NULL. */
void ots_window_sorter_free(struct ots_window_sorter *sorter);

/* Ownership: copies. */
enum ots_status ots_window_sorter_add(struct ots_window_sorter *sorter, struct ots_slice key,
                                      struct ots_slice value, struct ots_error *err) OTS_MUST_CHECK;

/*
 * Visit each key once, in order, with its last value; both are borrowed for the call. May be done
 * several times. Errors: what `visit` returns, which ends it; OTS_CANCELLED (`interrupt`, which may
 * be NULL, was raised).
 */
enum ots_status ots_window_sorter_each(struct ots_window_sorter *sorter,
                                       enum ots_status (*visit)(void *context, struct ots_slice key,
                                                                struct ots_slice value),
                                       void *context, struct ots_interrupt *interrupt,
                                       struct ots_error *err) OTS_MUST_CHECK;

#endif
