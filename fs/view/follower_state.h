/*
 * What follower.c, following.c, dir_times.c and expire.c share.
 *
 * Whoever has the turn reads the stream, moves the cut or saves; it is taken under the view's lock
 * and had without it. A hold keeps the thread from reading on, not from saving.
 */
#ifndef OTS_VIEW_FOLLOWER_STATE_H
#define OTS_VIEW_FOLLOWER_STATE_H

#include "fs/view/follower.h"
#include "fs/view/persist.h"
#include "fs/view/row_sum.h"
#include "fs/view/stream_cursor.h"

struct ots_follower {
    struct ots_table *table;
    struct ots_interrupt end;
    pthread_cond_t wake; /* of the thread; with the view's lock */
    pthread_t thread;
    /* Of whoever has the turn. */
    struct ots_stream_cursor *cursor; /* NULL: nothing can be read */
    struct ots_persist *persist;      /* NULL: nothing is kept */
    struct ots_buf identity;          /* of the table as it was seen last */
    struct ots_row_summer summer;
    bool is_failure_told;
    bool is_lost;      /* the place in the stream; what was changed since may never be told */
    bool has_expected; /* the rows of the journal's old segments, fs/view/replay.h */
    bool was_open;     /* the stream was there when it was asked for last */
    /* Guarded by the view's lock. */
    struct {
        struct ots_knowledge prepared;
        enum ots_follower_state state;
        bool has_thread;
        bool has_turn; /* somebody has */
        unsigned holds;
        uint64_t openings;     /* how often the stream was opened */
        uint64_t held_opening; /* the one that the last hold began with; 0: none */
        bool is_measured;      /* what is known comes from a scan, and all that was read since */
        bool was_measured;     /* a scan is due even if nobody asks */
        uint64_t stored_rows;  /* our own, since the thread's last turn */
        uint64_t polls;
        uint64_t records;
        uint64_t own;
        uint64_t foreign;
        uint64_t gaps;
        int64_t last_gap_us;
        int64_t at_end_us; /* when it was read to its end last; the view's monotonic time */
        bool is_failing;
        bool is_unsaved;
    } synced;
};

/* --- fs/view/follower.c -----------------------------------------------------------------------*/

/* Whether the options let the table be followed. */
bool ots_follower_is_wanted(const struct ots_table *table);

void ots_follower_end_turn(struct ots_follower *follower);

/* --- fs/view/dir_times.c; for whoever has the turn --------------------------------------------*/

/* As ots_follower_learn_time. */
void ots_dir_times_learn(struct ots_follower *follower);

/* When a tool sets a child's time back, its directory's follows: a little later, not each time. */
void ots_dir_times_settle(struct ots_table *table);

/* --- fs/view/following.c; for whoever has the turn --------------------------------------------*/

/*
 * Find the table's stream and where to read on; what is known of the table is loaded first, or
 * forgotten when it is another table now. The state is UNREADABLE afterwards when that is so.
 * Errors: those that may pass.
 */
enum ots_status ots_following_open(struct ots_follower *follower, struct ots_interrupt *interrupt,
                                   struct ots_error *err) OTS_MUST_CHECK;

/* Whether there is a stream to read on. */
bool ots_following_is_on(const struct ots_follower *follower);

/*
 * Read on: to the stream's end with `is_all`, else a bounded portion; `*is_at_end` tells whether
 * that was all. Places that are not kept any more and other tables are dealt with.
 * Errors: those that may pass.
 */
enum ots_status ots_following_read(struct ots_follower *follower, bool is_all,
                                   struct ots_interrupt *interrupt, bool *is_at_end,
                                   struct ots_error *err) OTS_MUST_CHECK;

#endif
