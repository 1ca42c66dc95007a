/*
 * This mount's own rows on their way: what is known of timelines counts them when they are stored
 * (fs/view/apply.h). For a table's pipeline.
 */
#ifndef OTS_VIEW_OWN_ROWS_H
#define OTS_VIEW_OWN_ROWS_H

#include "fs/view/pipeline.h"

/* The context is the struct ots_table. */
extern const struct ots_put_watcher OTS_OWN_ROWS_WATCHER;

#endif
