/*
 * What a table's follower tells of itself.
 */
#ifndef OTS_VIEW_FOLLOWER_REPORT_H
#define OTS_VIEW_FOLLOWER_REPORT_H

#include <stdbool.h>
#include <stdint.h>

enum ots_follower_state {
    OTS_FOLLOWER_OFF,         /* not used yet, or there is none */
    OTS_FOLLOWER_CATCHING_UP, /* the stream was not read to its end yet */
    OTS_FOLLOWER_FOLLOWING,
    OTS_FOLLOWER_UNREADABLE,
};

struct ots_follower_report {
    enum ots_follower_state state;
    uint64_t polls;
    uint64_t records;
    uint64_t own;
    uint64_t foreign;
    uint64_t gaps;
    int64_t last_gap_us; /* 0: there was none */
    int64_t behind_us;   /* since the stream was read to its end last */
    bool is_failing;     /* the last poll failed */
    bool is_unsaved;     /* the state cannot be written */
};

#endif
