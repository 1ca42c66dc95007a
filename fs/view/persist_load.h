/*
 * What persist.c and persist_load.c share: what the rows and numbers of a table's file mean.
 */
#ifndef OTS_VIEW_PERSIST_LOAD_H
#define OTS_VIEW_PERSIST_LOAD_H

#include "fs/state/table_state.h"
#include "fs/view/key_blob.h"
#include "fs/view/persist.h"

/* Of a timeline. Kept on disk: raise OTS_PERSIST_VERSION when the meaning of one changes. */
enum {
    OTS_PERSIST_LISTED = 1,
    OTS_PERSIST_MTIME_SET = 2,
    OTS_PERSIST_UNSURE = 4,
    OTS_PERSIST_LOCAL = 8,
    OTS_PERSIST_DIRTY = 16,
};
enum { OTS_PERSIST_VERSION = 2 };

#define OTS_PERSIST_MEASURED "measured"
#define OTS_PERSIST_CUT "cut_us"
#define OTS_PERSIST_TIME_TO_LIVE "time_to_live_s"
#define OTS_PERSIST_DESCRIBED "described_us"

struct ots_persist {
    struct ots_table *table;
    struct ots_table_state *state;
    struct ots_stream_positions positions;
    struct ots_shard_position *shards; /* the positions', whose texts are the arena's */
    struct ots_arena arena;
    struct ots_buf identity; /* of the table; the positions' */
    bool has_positions;
    bool is_measured; /* as it is stored */
    bool is_all_due;  /* the file has to be written anew */
    bool is_failing;
    int64_t retry_us; /* the view's monotonic time */
    /* What was saved, to see whether it has moved. */
    struct ots_buf positions_text;
    struct ots_buf saved_text;
    int64_t described_us;
    int64_t saved_cut_us;
};

/* Load what the file holds into the tree. Errors: OTS_NOMEM, OTS_CORRUPT, those of reading. */
enum ots_status ots_persist_load(struct ots_persist *persist, struct ots_error *err) OTS_MUST_CHECK;

/* All nodes of the table count as changed. Takes the view's lock. */
void ots_persist_mark_all(struct ots_table *table);

#endif
