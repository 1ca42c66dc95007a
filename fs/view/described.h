/*
 * What the service says of a table: its options, kept for a while, and changing them.
 */
#ifndef OTS_VIEW_DESCRIBED_H
#define OTS_VIEW_DESCRIBED_H

#include "backend/base/interrupt.h"
#include "backend/model/table.h"
#include "fs/view/knowledge.h"

struct ots_table;

/* A part of struct ots_table. The view's lock guards it. */
struct ots_described {
    struct ots_knowledge knowledge;
    struct ots_arena arena;
    struct ots_table_meta meta;
};

void ots_described_deinit(struct ots_described *described);

/* The table's options as they are, copied into `arena`. Asks for them when that is long ago. */
enum ots_status ots_table_describe(struct ots_table *table, struct ots_interrupt *interrupt,
                                   struct ots_arena *arena, struct ots_table_meta *meta,
                                   struct ots_error *err) OTS_MUST_CHECK;

/*
 * Change the options to those in `text` (see table_options.h), after changes of attributes that
 * are on their way. What is known of the table's rows must be learned anew then.
 * Errors: OTS_INVALID; OTS_IO (the attributes could not be sent).
 */
enum ots_status ots_table_change_options(struct ots_table *table, struct ots_slice text,
                                         struct ots_interrupt *interrupt,
                                         struct ots_error *err) OTS_MUST_CHECK;

#endif
