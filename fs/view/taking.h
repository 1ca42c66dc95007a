/*
 * What has changed of what is known of a table, to be written to its file: it is taken under the
 * view's lock, in portions, so that it can be written without.
 *
 * A timeline that changes again is taken again. The last portion comes together with the rows ahead
 * of the stream, the times of directories and the cut: they are of one moment.
 */
#ifndef OTS_VIEW_TAKING_H
#define OTS_VIEW_TAKING_H

#include "fs/state/table_state.h"
#include "fs/view/state.h"

/* A timeline as it is to be written, or a directory, of which only the time is kept. */
struct ots_taken_node {
    struct ots_known_timeline known; /* names are the node's; the key is the arena's */
    struct ots_slice marks;          /* those to be put, the arena's */
    bool has_lost_marks;             /* those in the file are to be removed */
    bool is_gone;                    /* and so is the timeline */
};

/* A group of the rows ahead of the stream that has changed; without entries it is gone. */
struct ots_taken_group {
    uint64_t number;
    size_t first; /* of its entries */
    size_t count;
};

/* Zeroed but for the table and its arena. */
struct ots_taking {
    struct ots_table *table;
    struct ots_arena arena;
    struct ots_taken_node *nodes; /* of the portion */
    size_t count;
    size_t capacity;
    size_t marks_bytes;
    /* With the last portion. */
    struct ots_buf groups;  /* struct ots_taken_group */
    struct ots_buf entries; /* struct ots_known_entry; names are the nodes' */
    int64_t cut_us;
    int64_t time_to_live_s;
    enum ots_status status; /* OTS_OK, OTS_NOMEM */
};

/*
 * Take the next portion, of about `max` nodes, in place of the one before; SIZE_MAX: all the rest.
 * Returns whether it is the last: all is taken, or `status` tells why not. The view's lock is not
 * held.
 */
bool ots_taking_take(struct ots_taking *taking, size_t max);

void ots_taking_deinit(struct ots_taking *taking);

#endif
